//! Two plans run with the same keys, replication by replication: what the difference is, and how sure.

use crate::findings::{Estimate, Findings};
use crate::sample::Sample;

/// How the measures of `other` differ from those of `base`: for each measure of `base`, in its order, an estimate of
/// other minus base over the replications in which both gave a value.
///
/// Replication k of both must have run with the same seed and number, so that what is random in both is drawn alike:
/// then the interval of the difference is far narrower than those of the two means (common random numbers).
pub fn paired(base: &Findings, other: &Findings) -> Vec<Estimate> {
    base.total.iter().enumerate().map(|(column, measure)| difference(base, other, column, measure)).collect()
}

fn difference(base: &Findings, other: &Findings, column: usize, measure: &Estimate) -> Estimate {
    let mut sample = Sample::default();
    if let Some(theirs) = other.total.iter().position(|estimate| estimate.name == measure.name) {
        let both = base.runs.iter().zip(&other.runs).filter(|(a, b)| a.replication == b.replication);
        both.filter_map(|(a, b)| Some(b.values[theirs]? - a.values[column]?)).for_each(|value| sample.add(value));
    }
    Estimate {
        n: sample.n(),
        mean: sample.mean(),
        half_width: sample.half_width(),
        range: sample.range(),
        ..measure.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::RunRow;
    use crate::model::{Better, Unit};

    fn findings(name: &str, values: &[Option<f64>]) -> Findings {
        let estimate = Estimate {
            name: name.to_owned(),
            unit: Unit::Seconds,
            better: Better::Down,
            definition: String::new(),
            n: 0,
            mean: None,
            half_width: None,
            range: None,
        };
        let row = |(replication, value): (u32, &Option<f64>)| RunRow { replication, case: 0, values: vec![*value] };
        Findings {
            replications: values.len() as u32,
            total: vec![estimate],
            cases: Vec::new(),
            bands: Vec::new(),
            runs: (0..).zip(values).map(row).collect(),
        }
    }

    #[test]
    fn what_both_runs_share_drops_out_of_the_difference() {
        let base = findings("latency", &[Some(10.0), Some(90.0), None, Some(50.0)]);
        let other = findings("latency", &[Some(12.0), Some(92.0), Some(1.0), Some(52.0)]);
        let difference = &paired(&base, &other)[0];
        assert_eq!((difference.n, difference.mean, difference.half_width), (3, Some(2.0), Some(0.0)));
    }

    #[test]
    fn a_measure_that_the_other_lacks_has_no_difference() {
        let difference = &paired(&findings("latency", &[Some(1.0)]), &findings("cost", &[Some(2.0)]))[0];
        assert_eq!((difference.n, difference.mean), (0, None));
    }
}
