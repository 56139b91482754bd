//! Times by size, to two significant digits: buckets that grow with the value.
//!
//! Up to 2 us a bucket is 8 ns wide; from there on each doubling of the value is cut into 128 buckets, so that a bucket
//! is at most 0.8 % wide from 1 us to 19 h. Counts are whole numbers: merging is exact, in any order.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::SimDuration;

/// Nanoseconds are counted in eights.
const UNIT_BITS: u32 = 3;

/// Each doubling is cut into 2^7 buckets.
const CUT_BITS: u32 = 7;

/// Doublings above the linear part: the last bucket ends at 2^46 ns, 19.5 h.
const DOUBLINGS: usize = 35;

/// All buckets: two doublings' worth of linear ones, and the rest.
const BUCKETS: usize = (DOUBLINGS + 2) << CUT_BITS;

/// A histogram of durations, with two significant digits between 1 us and 19 h.
///
/// Values above that range are counted in its last bucket. Count, mean, least and largest are exact. Memory: at most
/// 38 KB, and only as much as the largest value needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sparse", into = "Sparse")]
pub struct Histogram {
    /// Length: up to the end of the largest value's doubling, so that equal contents are equal vectors.
    counts: Vec<u64>,
    count: u64,
    sum_ns: u128,
    min: SimDuration,
    max: SimDuration,
}

/// One bucket that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The least value that falls into it.
    pub low: SimDuration,
    /// The least value that lies above it.
    pub high: SimDuration,
    /// How many values fell into it.
    pub count: u64,
}

impl Histogram {
    /// Takes one value.
    #[inline]
    pub fn record(&mut self, value: SimDuration) {
        self.record_many(value, 1);
    }

    /// Takes the same value `n` times.
    #[inline]
    pub fn record_many(&mut self, value: SimDuration, n: u64) {
        if n == 0 {
            return;
        }
        let index = index_of(value.as_nanos());
        if index >= self.counts.len() {
            self.grow(index);
        }
        self.counts[index] += n;
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += n;
        self.sum_ns += u128::from(value.as_nanos()) * u128::from(n);
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        let doubling_end = ((index >> CUT_BITS) + 1) << CUT_BITS;
        self.counts.resize(doubling_end, 0);
    }

    /// Adds the values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum_ns += other.sum_ns;
    }

    /// How many values were taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, to the nanosecond; none without a value.
    #[must_use]
    pub fn mean(&self) -> Option<SimDuration> {
        let mean = self.sum_ns.checked_div(u128::from(self.count))?;
        Some(SimDuration::from_nanos(mean.try_into().expect("a mean is at most the largest value")))
    }

    /// The least value, exactly.
    #[must_use]
    pub fn min(&self) -> Option<SimDuration> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value, exactly.
    #[must_use]
    pub fn max(&self) -> Option<SimDuration> {
        (self.count > 0).then_some(self.max)
    }

    /// The value that a share `q` of all values lies at or below (nearest rank), to two significant digits: the middle
    /// of its bucket. None without a value.
    ///
    /// Range: `q` from 0, the least value, to 1, the largest; both are exact.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<SimDuration> {
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        if rank == self.count && q >= 1.0 {
            return self.max();
        }
        let mut below = 0;
        let index = self.counts.iter().position(|&count| {
            below += count;
            below >= rank
        })?;
        let middle = low_of(index).midpoint(low_of(index + 1) - 1);
        Some(SimDuration::from_nanos(middle).clamp(self.min, self.max))
    }

    /// The share of values at or below `limit`, to the width of its bucket; none without a value.
    #[must_use]
    pub fn share_at_most(&self, limit: SimDuration) -> Option<f64> {
        let end = index_of(limit.as_nanos()) + 1;
        let within: u64 = self.counts.iter().take(end).sum();
        (self.count > 0).then(|| within as f64 / self.count as f64)
    }

    /// The buckets that are not empty, from the least value upwards.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let filled = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        filled.map(|(index, &count)| Bucket {
            low: SimDuration::from_nanos(low_of(index)),
            high: SimDuration::from_nanos(low_of(index + 1)),
            count,
        })
    }
}

/// The bucket of a value.
#[inline]
fn index_of(nanos: u64) -> usize {
    let units = nanos >> UNIT_BITS;
    // Zero for the linear part, then one more for each doubling.
    let doubling = (63 - (units | 1).leading_zeros()).saturating_sub(CUT_BITS);
    let index = ((doubling as usize) << CUT_BITS) + (units >> doubling) as usize;
    index.min(BUCKETS - 1)
}

/// The least value of a bucket, in nanoseconds.
fn low_of(index: usize) -> u64 {
    let doubling = (index >> CUT_BITS).saturating_sub(1);
    ((index - (doubling << CUT_BITS)) as u64) << doubling << UNIT_BITS
}

/// A histogram as it is stored: only the buckets that are not empty, each as its least value and its count.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sparse {
    min_ns: SimDuration,
    max_ns: SimDuration,
    /// The sum of all values is kept in two numbers, since not every reader takes 128 bits.
    sum_s: u64,
    sum_rest_ns: u64,
    buckets: Vec<(u64, u64)>,
}

const NANOS_PER_S: u128 = 1_000_000_000;

impl From<Histogram> for Sparse {
    fn from(histogram: Histogram) -> Self {
        let whole = histogram.sum_ns / NANOS_PER_S;
        Self {
            min_ns: histogram.min,
            max_ns: histogram.max,
            sum_s: whole.try_into().expect("2^64 s are more than all requests of a run take together"),
            sum_rest_ns: (histogram.sum_ns % NANOS_PER_S) as u64,
            buckets: histogram.buckets().map(|bucket| (bucket.low.as_nanos(), bucket.count)).collect(),
        }
    }
}

/// Why a stored histogram cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramError {
    /// No bucket begins at this number of nanoseconds.
    NoSuchBucket(u64),
    /// The counts add up to more than 2^64 - 1.
    TooMany,
}

impl fmt::Display for HistogramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchBucket(low) => write!(f, "no bucket of a histogram begins at {low} ns"),
            Self::TooMany => write!(f, "the counts of a histogram add up to more than 2^64 - 1"),
        }
    }
}

impl Error for HistogramError {}

impl TryFrom<Sparse> for Histogram {
    type Error = HistogramError;

    fn try_from(stored: Sparse) -> Result<Self, HistogramError> {
        let mut histogram = Self {
            sum_ns: u128::from(stored.sum_s) * NANOS_PER_S + u128::from(stored.sum_rest_ns),
            min: stored.min_ns,
            max: stored.max_ns,
            ..Self::default()
        };
        for (low, count) in stored.buckets {
            let index = index_of(low);
            if low_of(index) != low {
                return Err(HistogramError::NoSuchBucket(low));
            }
            histogram.count = histogram.count.checked_add(count).ok_or(HistogramError::TooMany)?;
            if index >= histogram.counts.len() {
                histogram.grow(index);
            }
            histogram.counts[index] += count;
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(SimDuration::from_nanos(value));
        }
        histogram
    }

    /// Every power of three and its neighbours, up to 10 h.
    fn scale() -> impl Iterator<Item = u64> {
        (0..28).map(|n| 3_u64.pow(n)).flat_map(|x| [x - 1, x, x + 1, x * 2]).filter(|&x| x < 36_000_000_000_000)
    }

    #[test]
    fn each_value_falls_into_a_bucket_that_holds_it() {
        for value in scale() {
            let index = index_of(value);
            assert!(low_of(index) <= value && value < low_of(index + 1), "{value}");
        }
        assert!((1..BUCKETS).all(|index| index_of(low_of(index)) == index && index_of(low_of(index) - 1) == index - 1));
    }

    #[test]
    fn buckets_are_narrower_than_one_percent() {
        for value in scale().filter(|&value| value >= 1_000) {
            let index = index_of(value);
            assert!((low_of(index + 1) - low_of(index)) * 100 < value, "{value}");
        }
    }

    #[test]
    fn quantiles_are_right_to_two_digits() {
        let histogram = of((1..=1_000).map(|ms| ms * 1_000_000));
        for (q, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (0.001, 1.0)] {
            let found = histogram.quantile(q).expect("values").as_secs_f64() * 1e3;
            assert!((found / ms - 1.0).abs() < 0.005, "{q}: {found}");
        }
        assert_eq!(histogram.quantile(1.0), Some(SimDuration::from_millis(1_000)));
        assert_eq!(histogram.mean(), Some(SimDuration::from_nanos(500_500_000)));
        let share = histogram.share_at_most(SimDuration::from_millis(250)).expect("values");
        assert!((share - 0.25).abs() < 0.002, "{share}");
    }

    #[test]
    fn nothing_has_no_quantile() {
        let empty = Histogram::default();
        assert_eq!((empty.quantile(0.5), empty.mean(), empty.max()), (None, None, None));
    }

    #[test]
    fn merging_is_exact_in_any_order() {
        let (low, high) = (of(0..500), of(scale()));
        let mut merged = low.clone();
        merged.merge(&high);
        let mut other_way = high.clone();
        other_way.merge(&low);
        other_way.merge(&Histogram::default());
        assert_eq!(merged, other_way);
        assert_eq!(merged, of((0..500).chain(scale())));
    }

    #[test]
    fn what_is_too_long_lands_in_the_last_bucket() {
        let histogram = of([u64::MAX, 1_000]);
        assert_eq!(histogram.max(), Some(SimDuration::MAX));
        assert_eq!(histogram.counts.len(), BUCKETS);
        assert_eq!(histogram.buckets().map(|bucket| bucket.count).sum::<u64>(), 2);
    }

    #[test]
    fn the_stored_form_reads_back_and_noise_does_not() {
        let histogram = of(scale());
        assert_eq!(Histogram::try_from(Sparse::from(histogram.clone())), Ok(histogram));
        let stored = |buckets| Sparse {
            min_ns: SimDuration::ZERO,
            max_ns: SimDuration::ZERO,
            sum_s: 0,
            sum_rest_ns: 0,
            buckets,
        };
        assert_eq!(Histogram::try_from(stored(vec![(9, 1)])), Err(HistogramError::NoSuchBucket(9)));
        assert_eq!(Histogram::try_from(stored(vec![(8, u64::MAX), (8, 1)])), Err(HistogramError::TooMany));
    }
}
