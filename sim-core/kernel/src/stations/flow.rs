//! Conservation: whoever arrives is inside, or has gone in one of three ways.

use serde::{Deserialize, Serialize};

/// How many customers came to a station and how they went. Unit: customers since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// All who came, the refused too.
    pub arrived: u64,
    /// Those who went on after what they came for.
    pub left: u64,
    /// Those who were not let in.
    pub refused: u64,
    /// Those who gave up while they waited.
    pub withdrawn: u64,
}

impl Flow {
    /// The customers who must be inside now.
    ///
    /// # Panics
    /// If more have gone than came.
    #[must_use]
    pub fn inside(&self) -> u64 {
        let gone = self.left + self.refused + self.withdrawn;
        self.arrived.checked_sub(gone).expect("nobody goes who has not arrived")
    }
}
