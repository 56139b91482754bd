//! What happened when: counts and sums in windows that are fixed before the run, so that runs can be laid side by side.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{SimDuration, SimTime};

/// No series has more windows: enough for a plot, and few enough to keep one for every measure.
pub const WINDOWS_MAX: u64 = 600;

/// Equal windows that cover a stretch of time. The last may reach beyond its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Windows {
    /// Where the first begins.
    pub start: SimTime,
    /// How long each is.
    pub length: SimDuration,
    /// How many there are: 1 to 600.
    pub count: u32,
}

impl Windows {
    /// The windows from `start` to `end`. Should more than 600 be needed, they are lengthened to the least
    /// multiple of `length` that needs fewer.
    ///
    /// # Panics
    /// If `end` does not lie after `start`, or `length` is zero.
    #[must_use]
    pub fn new(start: SimTime, end: SimTime, length: SimDuration) -> Self {
        assert!(end > start && length > SimDuration::ZERO, "windows cover a stretch of time");
        let span = (end - start).as_nanos();
        let needed = span.div_ceil(length.as_nanos());
        let length = length.as_nanos() * needed.div_ceil(WINDOWS_MAX);
        let count = span.div_ceil(length) as u32;
        Self { start, length: SimDuration::from_nanos(length), count }
    }

    /// Where the last ends.
    #[must_use]
    pub fn end(&self) -> SimTime {
        self.start_of(self.count)
    }

    /// Where window `index` begins.
    #[must_use]
    pub fn start_of(&self, index: u32) -> SimTime {
        self.start + self.length * u64::from(index)
    }

    /// The window that holds `at`; none before the first and after the last.
    #[inline]
    #[must_use]
    pub fn index_of(&self, at: SimTime) -> Option<usize> {
        if at < self.start {
            return None;
        }
        let index = (at - self.start).as_nanos() / self.length.as_nanos();
        (index < u64::from(self.count)).then_some(index as usize)
    }
}

/// How much of something there was in each window: how many values, and their sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredSeries")]
pub struct WindowedSeries {
    windows: Windows,
    counts: Vec<u64>,
    sums: Vec<f64>,
    outside: u64,
}

impl WindowedSeries {
    /// An empty series.
    #[must_use]
    pub fn new(windows: Windows) -> Self {
        let len = windows.count as usize;
        Self { windows, counts: vec![0; len], sums: vec![0.0; len], outside: 0 }
    }

    /// Takes a value at a time. One before the first window, or after the last, is only counted as outside.
    #[inline]
    pub fn record(&mut self, at: SimTime, value: f64) {
        match self.windows.index_of(at) {
            Some(index) => {
                self.counts[index] += 1;
                self.sums[index] += value;
            }
            None => self.outside += 1,
        }
    }

    /// Adds another run's series.
    ///
    /// # Panics
    /// If its windows are others.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.windows, other.windows, "only series over the same windows add up");
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        for (mine, theirs) in self.sums.iter_mut().zip(&other.sums) {
            *mine += theirs;
        }
        self.outside += other.outside;
    }

    /// The windows.
    #[must_use]
    pub fn windows(&self) -> Windows {
        self.windows
    }

    /// How many values fell into each window.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of the values in each window.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// How many values fell into no window.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.outside
    }
}

/// A series as it is stored, before anything about it is known to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSeries {
    windows: StoredWindows,
    counts: Vec<u64>,
    sums: Vec<f64>,
    outside: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredWindows {
    start: SimTime,
    length: SimDuration,
    count: u32,
}

/// Why a stored series cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesError {
    /// There is no window, there are more than 600, they have no length, or they end after the end of time.
    NoSuchWindows,
    /// There is not one count and one sum for each window.
    LengthsDiffer,
}

impl fmt::Display for SeriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchWindows => write!(f, "a series has 1 to {WINDOWS_MAX} windows of some length"),
            Self::LengthsDiffer => write!(f, "a series has one count and one sum for each of its windows"),
        }
    }
}

impl Error for SeriesError {}

impl TryFrom<StoredSeries> for WindowedSeries {
    type Error = SeriesError;

    fn try_from(stored: StoredSeries) -> Result<Self, SeriesError> {
        let StoredWindows { start, length, count } = stored.windows;
        let span = length.as_nanos().checked_mul(u64::from(count)).ok_or(SeriesError::NoSuchWindows)?;
        let fits = span <= (SimTime::MAX - start).as_nanos() && u64::from(count) <= WINDOWS_MAX;
        if span == 0 || !fits {
            return Err(SeriesError::NoSuchWindows);
        }
        if [stored.counts.len(), stored.sums.len()] != [count as usize; 2] {
            return Err(SeriesError::LengthsDiffer);
        }
        let windows = Windows { start, length, count };
        Ok(Self { windows, counts: stored.counts, sums: stored.sums, outside: stored.outside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn values_are_told_apart_by_window() {
        let mut series = WindowedSeries::new(Windows::new(at(60), at(85), SimDuration::from_secs(10)));
        for (second, value) in [(59, 9.0), (60, 1.0), (69, 2.0), (70, 4.0), (89, 8.0), (90, 9.0)] {
            series.record(at(second), value);
        }
        assert_eq!(series.counts(), [2, 1, 1]);
        assert_eq!(series.sums(), [3.0, 4.0, 8.0]);
        assert_eq!((series.outside(), series.windows().end()), (2, at(90)));
    }

    #[test]
    fn there_are_never_more_than_600() {
        let hour = Windows::new(at(0), at(3_600), SimDuration::from_secs(1));
        assert_eq!((hour.count, hour.length), (600, SimDuration::from_secs(6)));
        let odd = Windows::new(at(0), at(601), SimDuration::from_secs(1));
        assert_eq!((odd.count, odd.length), (301, SimDuration::from_secs(2)));
        let endless = Windows::new(at(0), SimTime::MAX, SimDuration::from_nanos(1));
        assert!(u64::from(endless.count) <= WINDOWS_MAX);
    }

    #[test]
    fn a_stored_series_must_hold_together() {
        let stored = |count, length, values| StoredSeries {
            windows: StoredWindows { start: at(0), length, count },
            counts: vec![0; values],
            sums: vec![0.0; values],
            outside: 0,
        };
        let second = SimDuration::from_secs(1);
        assert!(WindowedSeries::try_from(stored(3, second, 3)).is_ok());
        assert_eq!(WindowedSeries::try_from(stored(3, second, 2)), Err(SeriesError::LengthsDiffer));
        for (count, length) in [(0, second), (601, second), (3, SimDuration::ZERO), (3, SimDuration::MAX)] {
            assert_eq!(WindowedSeries::try_from(stored(count, length, 3)), Err(SeriesError::NoSuchWindows));
        }
    }

    #[test]
    fn series_over_the_same_windows_add_up() {
        let windows = Windows::new(at(0), at(20), SimDuration::from_secs(10));
        let (mut left, mut right) = (WindowedSeries::new(windows), WindowedSeries::new(windows));
        left.record(at(3), 1.0);
        right.record(at(4), 2.0);
        right.record(at(30), 2.0);
        left.merge(&right);
        assert_eq!((left.counts()[0], left.sums()[0], left.outside()), (2, 3.0, 1));
    }
}
