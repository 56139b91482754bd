//! A sample of one quantity, seen value by value: mean, spread, and the 95 % interval of the mean.

use crate::student::quantile_975;

/// Count, mean and spread of the values seen so far, after Welford (Technometrics 4, 1962): one pass, and no
/// difference of large sums. The same values in the same order give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    n: u32,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
    low: f64,
    high: f64,
}

impl Sample {
    /// Takes one value in.
    pub(crate) fn add(&mut self, value: f64) {
        assert!(value.is_finite(), "what a run measures is a number, or nothing");
        (self.low, self.high) = if self.n == 0 { (value, value) } else { (self.low.min(value), self.high.max(value)) };
        self.n += 1;
        let distance = value - self.mean;
        self.mean += distance / f64::from(self.n);
        self.squares += distance * (value - self.mean);
    }

    /// Values seen.
    pub(crate) fn n(&self) -> u32 {
        self.n
    }

    /// Their mean; `None` without a value.
    pub(crate) fn mean(&self) -> Option<f64> {
        // Rounding must not carry the mean of equal values out of their range.
        (self.n > 0).then(|| self.mean.clamp(self.low, self.high))
    }

    /// Half the width of the 95 % interval of the mean; `None` below two values.
    pub(crate) fn half_width(&self) -> Option<f64> {
        (self.n > 1).then(|| {
            let freedom = self.n - 1;
            let variance = self.squares / f64::from(freedom);
            quantile_975(freedom) * (variance / f64::from(self.n)).sqrt()
        })
    }

    /// Smallest and largest value; `None` without a value.
    pub(crate) fn range(&self) -> Option<[f64; 2]> {
        (self.n > 0).then_some([self.low, self.high])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        let mut sample = Sample::default();
        values.iter().for_each(|&value| sample.add(value));
        sample
    }

    #[test]
    fn three_values_give_the_interval_of_the_textbook() {
        let sample = sample(&[1.0, 2.0, 3.0]);
        assert_eq!((sample.n(), sample.mean(), sample.range()), (3, Some(2.0), Some([1.0, 3.0])));
        // t(0.975, 2) = 4.302653, standard error 1 / sqrt(3).
        let half_width = sample.half_width().expect("three values");
        assert!((half_width - 4.302_653 / 3_f64.sqrt()).abs() < 1e-6, "{half_width}");
    }

    #[test]
    fn nothing_and_one_value_have_no_interval() {
        assert_eq!((sample(&[]).mean(), sample(&[]).half_width(), sample(&[]).range()), (None, None, None));
        assert_eq!((sample(&[4.5]).mean(), sample(&[4.5]).half_width()), (Some(4.5), None));
    }

    #[test]
    fn a_large_offset_costs_no_precision() {
        let far = sample(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!(far.half_width(), sample(&[1.0, 2.0, 3.0]).half_width());
    }

    #[test]
    fn equal_values_have_an_interval_of_no_width() {
        let equal = sample(&[0.1; 7]);
        assert_eq!((equal.mean(), equal.half_width()), (Some(0.1), Some(0.0)));
    }
}
