//! Moments of a sample: Welford's way, which loses no digits when the spread is small against the mean.

use serde::{Deserialize, Serialize};

/// Count, mean, variance, least and largest of the values seen. Unit: that of the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Summary {
    /// Takes one more value.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.merge(&Self { count: 1, mean: value, squares: 0.0, min: value, max: value });
    }

    /// Adds the values that another summary has seen (Chan, Golub and LeVeque).
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        let share = other.count as f64 / count as f64;
        self.squares += other.squares + distance * distance * self.count as f64 * share;
        self.mean += distance * share;
        self.count = count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many values were seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; none without a value.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The unbiased variance; none with fewer than two values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }

    /// The standard error of the mean, if the values are independent; none with fewer than two.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        self.variance().map(|variance| (variance / self.count as f64).sqrt())
    }

    /// The least value.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }
}

impl FromIterator<f64> for Summary {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut summary = Self::default();
        for value in values {
            summary.record(value);
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_a_sample_known_by_hand() {
        let summary: Summary = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().collect();
        assert_eq!(summary.mean(), Some(5.0));
        assert!((summary.variance().expect("eight values") - 32.0 / 7.0).abs() < 1e-14);
        assert_eq!((summary.min(), summary.max()), (Some(2.0), Some(9.0)));
    }

    #[test]
    fn a_small_spread_about_a_large_mean_is_kept() {
        let summary: Summary = (0..1_000).map(|i| 1e9 + f64::from(i % 2)).collect();
        assert!((summary.variance().expect("a thousand values") - 250.0 / 999.0).abs() < 1e-6);
    }

    #[test]
    fn merged_summaries_equal_one_of_all() {
        let mut left: Summary = (0..10).map(f64::from).collect();
        left.merge(&(10..30).map(f64::from).collect());
        left.merge(&Summary::default());
        let whole: Summary = (0..30).map(f64::from).collect();
        assert_eq!(left.count(), 30);
        assert!((left.mean().expect("values") - whole.mean().expect("values")).abs() < 1e-12);
        assert!((left.variance().expect("values") - whole.variance().expect("values")).abs() < 1e-12);
    }

    #[test]
    fn nothing_seen_has_no_moments() {
        let empty = Summary::default();
        assert_eq!((empty.mean(), empty.variance(), empty.min()), (None, None, None));
    }
}
