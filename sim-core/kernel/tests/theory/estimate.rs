//! A simulated figure with its standard error, and what must hold for it to agree with theory.

use sim_kernel::statistics::Summary;

/// The mean of nearly independent batches.
pub struct Estimate(Summary);

impl Estimate {
    pub fn of_batches(means: impl IntoIterator<Item = f64>) -> Self {
        Self(means.into_iter().collect())
    }

    /// Fails unless `theory` lies within four standard errors, and two of them within `precision` of it (a share).
    #[track_caller]
    pub fn agrees(&self, what: &str, theory: f64, precision: f64) {
        let mean = self.0.mean().expect("there are batches");
        let error = self.0.standard_error().expect("there are several batches");
        let told = format!("{what}: simulated {mean:.5}, standard error {error:.5}, theory {theory:.5}");
        println!("{told}");
        // Where nothing is random, rounding to nanoseconds remains.
        assert!((mean - theory).abs() <= 4.0 * error + 1e-8 * theory, "{told}");
        assert!(2.0 * error <= precision * theory, "{told}: not precise to {precision}");
    }
}
