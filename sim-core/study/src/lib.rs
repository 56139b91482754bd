//! Studies over a model: replications, and what they tell together.

mod findings;
mod model;

pub use findings::{Band, CaseFindings, Estimate, Findings, RunRow};
pub use model::{Better, Case, Measure, Outcome, Series, Subject, Unit};
