//! How a standard control plane follows its load: it grows when it was too small for some looks in a row, and shrinks
//! when it was too large for many.

use super::fleet::Kind;
use crate::parameters::ScalingParameters;

/// What the provider has seen of the load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scaling {
    high: u64,
    low: u64,
}

impl Scaling {
    /// A look: the larger share of cores and seats in use, the step that the number of nodes demands, and the present one.
    /// Returns the step to go to, if it is another one.
    pub fn look(&mut self, used: f64, demanded: u8, step: u8, parameters: &ScalingParameters) -> Option<u8> {
        self.high = if used >= parameters.high { self.high + 1 } else { 0 };
        self.low = if used <= parameters.low { self.low + 1 } else { 0 };
        let wanted = if demanded > step {
            demanded
        } else if self.high >= parameters.looks_high {
            (step + 1).min(Kind::STEPS)
        } else if self.low >= parameters.looks_low && demanded < step {
            step - 1
        } else {
            step
        };
        (wanted != step).then(|| {
            *self = Scaling::default();
            wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    #[test]
    fn it_grows_after_three_high_looks_and_shrinks_after_thirty_low_ones() {
        let parameters = Parameters::default().scaling;
        let mut scaling = Scaling::default();
        let looks = [0.9, 0.9, 0.5, 0.9, 0.9].map(|used| scaling.look(used, 0, 0, &parameters));
        assert_eq!(looks, [None; 5], "not in a row");
        assert_eq!(scaling.look(0.9, 0, 0, &parameters), Some(1));
        assert!((0..29).all(|_| scaling.look(0.1, 0, 1, &parameters).is_none()));
        assert_eq!(scaling.look(0.1, 0, 1, &parameters), Some(0));
        assert!((0..40).all(|_| scaling.look(0.1, 1, 1, &parameters).is_none()), "its nodes demand the size");
        assert_eq!(scaling.look(0.1, 2, 1, &parameters), Some(2));
    }
}
