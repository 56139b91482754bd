//! What makes a law sound: the one place that knows the ranges of the parameters.

use super::{Form, Law, LawError};

/// No parameter of a law is larger in size: 31.7 years, if it is a time in seconds.
pub(super) const LARGEST: f64 = 1e9;

/// How far the shares of a mixture or a histogram may be from 1 in sum: what rounding to six digits costs.
const SUM_TOLERANCE: f64 = 1e-6;

pub(super) fn check(form: &Form) -> Result<(), LawError> {
    match form {
        Form::Constant(value) => number("constant", "value", *value),
        Form::Uniform { low, high } => {
            number("uniform", "low", *low)?;
            number("uniform", "high", *high)?;
            at_least("uniform", "high", *high, ("low", *low))
        }
        Form::Exponential { mean } => positive("exponential", "mean", *mean),
        Form::Normal { mean, sd } => {
            number("normal", "mean", *mean)?;
            number("normal", "sd", *sd)?;
            at_least("normal", "sd", *sd, ("", 0.0))
        }
        Form::LogNormal { median, p95, floor, .. } => {
            positive("lognormal", "median", *median)?;
            positive("lognormal", "p95", *p95)?;
            number("lognormal", "floor", *floor)?;
            at_least("lognormal", "floor", *floor, ("", 0.0))?;
            at_least("lognormal", "median", *median, ("floor", *floor))?;
            at_least("lognormal", "p95", *p95, ("median", *median))
        }
        Form::Weibull { scale, shape } => positive("weibull", "scale", *scale).and(shape_of("weibull", *shape)),
        Form::Gamma { shape, scale } => positive("gamma", "scale", *scale).and(shape_of("gamma", *shape)),
        Form::Triangular { low, mode, high } => {
            number("triangular", "low", *low)?;
            number("triangular", "mode", *mode)?;
            number("triangular", "high", *high)?;
            at_least("triangular", "mode", *mode, ("low", *low))?;
            at_least("triangular", "high", *high, ("mode", *mode))
        }
        Form::Empirical(points) => check_points(points),
        Form::Mixture(parts) => check_parts(parts),
    }
}

fn check_points(points: &[(f64, f64)]) -> Result<(), LawError> {
    const LAW: &str = "empirical";
    let starts_at_zero = points.first().is_some_and(|&(_, share)| share != 0.0);
    let mut before = if starts_at_zero { Some((0.0, 0.0)) } else { None };
    for &(upper, share) in points {
        number(LAW, "bucket's end", upper)?;
        number(LAW, "share", share)?;
        let range = |allowed: &str, argument, found| {
            Err(LawError::OutOfRange { law: LAW, argument, found, allowed: allowed.to_owned() })
        };
        if !(0.0..=1.0 + SUM_TOLERANCE).contains(&share) {
            return range("between 0 and 1 (100%)", "share", share);
        }
        match before {
            Some((lower, _)) if upper <= lower => return range("above the one before", "bucket's end", upper),
            Some((_, below)) if share < below => return range("at least the one before", "share", share),
            _ => before = Some((upper, share)),
        }
    }
    sums_to_one(LAW, points.last().map_or(0.0, |&(_, share)| share))
}

fn check_parts(parts: &[(f64, Law)]) -> Result<(), LawError> {
    for (weight, law) in parts {
        positive("mixture", "weight", *weight)?;
        if matches!(law.0, Form::Mixture(_)) {
            return Err(LawError::NestedMixture);
        }
    }
    sums_to_one("mixture", parts.iter().map(|(weight, _)| weight).sum())
}

fn sums_to_one(law: &'static str, sum: f64) -> Result<(), LawError> {
    if (sum - 1.0).abs() <= SUM_TOLERANCE { Ok(()) } else { Err(LawError::NotAllOfIt { law, sum }) }
}

fn number(law: &'static str, argument: &'static str, found: f64) -> Result<(), LawError> {
    // Not a number fails the comparison, too.
    if found.abs() <= LARGEST {
        return Ok(());
    }
    Err(LawError::OutOfRange { law, argument, found, allowed: "between -10^9 and 10^9".to_owned() })
}

fn positive(law: &'static str, argument: &'static str, found: f64) -> Result<(), LawError> {
    number(law, argument, found)?;
    if found > 0.0 {
        return Ok(());
    }
    Err(LawError::OutOfRange { law, argument, found, allowed: "more than 0".to_owned() })
}

fn shape_of(law: &'static str, found: f64) -> Result<(), LawError> {
    if (0.01..=1e6).contains(&found) {
        return Ok(());
    }
    Err(LawError::OutOfRange { law, argument: "shape", found, allowed: "between 0.01 and 10^6".to_owned() })
}

/// `bound` is what the least value is called, if it has a name, and the value.
fn at_least(law: &'static str, argument: &'static str, found: f64, (name, least): (&str, f64)) -> Result<(), LawError> {
    if found >= least {
        return Ok(());
    }
    let allowed = if name.is_empty() { format!("{least} or more") } else { format!("at least the {name}, {least}") };
    Err(LawError::OutOfRange { law, argument, found, allowed })
}
