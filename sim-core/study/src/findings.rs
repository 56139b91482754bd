//! What replications tell together, as plain data.

use crate::model::{Better, Case, Unit};
use serde::{Deserialize, Serialize};

/// What the replications of one plan tell together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// How many replications there were.
    pub replications: u32,
    /// Every measure over all replications, in the order of the records.
    pub total: Vec<Estimate>,
    /// The same by case, most probable first. Cases that no replication drew are absent.
    pub cases: Vec<CaseFindings>,
    /// Every series over all replications.
    pub bands: Vec<Band>,
    /// One row per replication, in order.
    pub runs: Vec<RunRow>,
}

/// What the replications of one case tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseFindings {
    /// The case and its exact probability.
    pub case: Case,
    /// How many replications drew it.
    pub replications: u32,
    /// Every measure over those replications.
    pub measures: Vec<Estimate>,
}

/// A measure over replications, with its 95 % interval (Student t over replications).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The measure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// Whether more is better.
    pub better: Better,
    /// What it is, in a sentence.
    pub definition: String,
    /// Replications that gave a value.
    pub n: u32,
    /// Mean of the values; `None` if there is none.
    pub mean: Option<f64>,
    /// Half the width of the 95 % interval of the mean; `None` below two values.
    pub half_width: Option<f64>,
    /// Smallest and largest value.
    pub range: Option<[f64; 2]>,
}

/// A series over replications: per window the mean and its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The series' name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// Length of a window, seconds.
    pub window_s: f64,
    /// What it is, in a sentence.
    pub definition: String,
    /// Per window: mean over the replications that have a value there.
    pub mean: Vec<Option<f64>>,
    /// Per window: lower end of the interval (equal to the mean below two values).
    pub low: Vec<Option<f64>>,
    /// Per window: upper end of the interval.
    pub high: Vec<Option<f64>>,
}

/// One replication in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its number, from 0.
    pub replication: u32,
    /// Index into [`Findings::cases`].
    pub case: usize,
    /// The values of the measures, in the order of [`Findings::total`].
    pub values: Vec<Option<f64>>,
}
