//! Averages over time of something that holds a value between its changes: a queue's length, the nodes that are Ready.

use serde::{Deserialize, Serialize};

use crate::time::SimTime;

/// A value as it changes, averaged over the time that it held. Unit: that of the value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeAverage {
    start: SimTime,
    changed: SimTime,
    value: f64,
    /// Value times seconds, from the start to the last change.
    area: f64,
    min: f64,
    max: f64,
}

impl TimeAverage {
    /// Begins at `start` with `value`.
    #[must_use]
    pub fn new(start: SimTime, value: f64) -> Self {
        Self { start, changed: start, value, area: 0.0, min: value, max: value }
    }

    /// From `now` on it is `value`.
    ///
    /// # Panics
    /// If `now` lies before the last change.
    #[inline]
    pub fn set(&mut self, now: SimTime, value: f64) {
        self.area += self.value * (now - self.changed).as_secs_f64();
        self.changed = now;
        self.value = value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// From `now` on it is larger by `change`, or smaller if that is negative.
    ///
    /// # Panics
    /// If `now` lies before the last change.
    #[inline]
    pub fn add(&mut self, now: SimTime, change: f64) {
        self.set(now, self.value + change);
    }

    /// Forgets the past, as at the end of a warm-up: the average begins at `now`, with the value that holds.
    pub fn restart(&mut self, now: SimTime) {
        *self = Self::new(now, self.value);
    }

    /// The value that holds now.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The average from the start to `now`; the value itself if no time has passed.
    ///
    /// # Panics
    /// If `now` lies before the last change.
    #[must_use]
    pub fn mean(&self, now: SimTime) -> f64 {
        let span = (now - self.start).as_secs_f64();
        if span == 0.0 {
            return self.value;
        }
        (self.area + self.value * (now - self.changed).as_secs_f64()) / span
    }

    /// The least value that was ever set, were it for no time at all.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest value that was ever set, were it for no time at all.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn values_weigh_as_long_as_they_hold() {
        let mut queue = TimeAverage::new(at(0), 0.0);
        queue.add(at(10), 2.0);
        queue.add(at(15), -1.0);
        assert_eq!(queue.mean(at(20)), (2.0 * 5.0 + 1.0 * 5.0) / 20.0);
        assert_eq!((queue.min(), queue.max(), queue.value()), (0.0, 2.0, 1.0));
    }

    #[test]
    fn a_restart_forgets_the_warm_up() {
        let mut queue = TimeAverage::new(at(0), 9.0);
        queue.set(at(10), 1.0);
        queue.restart(at(10));
        assert_eq!((queue.mean(at(10)), queue.mean(at(30)), queue.max()), (1.0, 1.0, 1.0));
    }
}
