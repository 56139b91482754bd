//! How often something happened.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A count of events. Unit: events since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counter(u64);

impl Counter {
    /// Counts one more.
    #[inline]
    pub fn increment(&mut self) {
        self.add(1);
    }

    /// Counts `n` more.
    #[inline]
    pub fn add(&mut self, n: u64) {
        self.0 += n;
    }

    /// The count so far.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Adds another run's count.
    pub fn merge(&mut self, other: Self) {
        self.add(other.0);
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
