//! Whether the plan's objectives were kept.

use crate::Document;
use sim_eks::plan::{Bound, Objective};
use sim_study::{Estimate, Findings};

/// What became of all objectives of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// One judgement per objective, in the plan's order.
    pub objectives: Vec<Judgement>,
    /// Whether at least one objective was missed: the program then ends with 99.
    pub missed: bool,
}

/// What became of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The objective.
    pub objective: Objective,
    /// The measure over all replications; `None` if no run gives a measure of that name.
    pub estimate: Option<Estimate>,
    /// Judged by the mean over all replications.
    pub outcome: Judged,
    /// Whether the threshold lies inside the 95 % interval, so that more replications might judge otherwise.
    pub close: bool,
    /// The cases whose own mean misses the objective, as indices into the findings' cases.
    pub missed_in: Vec<usize>,
    /// Replications that miss the objective, and replications with a value.
    pub missed_runs: (u32, u32),
}

/// The three ways in which an objective is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The measure keeps the bound.
    Met,
    /// It does not.
    Missed,
    /// There is no such measure, or no run gave it a value.
    Unknown,
}

impl Judged {
    /// The word for it: `met`, `missed`, `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Judged::Met => "met",
            Judged::Missed => "missed",
            Judged::Unknown => "unknown",
        }
    }
}

/// Judges every objective of a document's plan, by the plan itself: its variants have no say.
pub fn verdict(document: &Document) -> Verdict {
    let objectives = judge_all(&document.plan.objectives, &document.findings);
    let missed = objectives.iter().any(|judgement| judgement.outcome == Judged::Missed);
    Verdict { objectives, missed }
}

/// Judges objectives by findings.
pub fn judge_all(objectives: &[Objective], findings: &Findings) -> Vec<Judgement> {
    objectives.iter().map(|objective| judge(findings, objective)).collect()
}

fn judge(findings: &Findings, objective: &Objective) -> Judgement {
    let column = findings.total.iter().position(|estimate| estimate.name == objective.measure);
    let estimate = column.map(|column| findings.total[column].clone());
    let mean = estimate.as_ref().and_then(|estimate| estimate.mean);
    let missed_in = |measures: &[Estimate]| {
        let mean = measures.iter().find(|estimate| estimate.name == objective.measure).and_then(|found| found.mean);
        mean.is_some_and(|mean| !keeps(objective, mean))
    };
    let runs = || findings.runs.iter().filter_map(|run| *run.values.get(column?)?);
    Judgement {
        objective: objective.clone(),
        outcome: match mean {
            None => Judged::Unknown,
            Some(mean) if keeps(objective, mean) => Judged::Met,
            Some(_) => Judged::Missed,
        },
        close: estimate.as_ref().is_some_and(|estimate| lies_close(objective, estimate)),
        estimate,
        missed_in: (0..findings.cases.len()).filter(|&case| missed_in(&findings.cases[case].measures)).collect(),
        missed_runs: (runs().filter(|value| !keeps(objective, *value)).count() as u32, runs().count() as u32),
    }
}

fn keeps(objective: &Objective, value: f64) -> bool {
    match objective.bound {
        Bound::AtLeast => value >= objective.threshold,
        Bound::AtMost => value <= objective.threshold,
        Bound::MoreThan => value > objective.threshold,
        Bound::LessThan => value < objective.threshold,
    }
}

fn lies_close(objective: &Objective, estimate: &Estimate) -> bool {
    let (Some(mean), Some(half)) = (estimate.mean, estimate.half_width) else { return false };
    half > 0.0 && (mean - objective.threshold).abs() <= half
}
