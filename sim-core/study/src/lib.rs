//! Studies over a model: replications, and what they tell together.
//!
//! ```text
//!   plan ──(seed, 0)──> run ──> Record ─┐
//!        ──(seed, 1)──> run ──> Record ─┼─ folded in this order ──> Findings, and a record for each case
//!        ──(seed, 2)──> run ──> Record ─┘
//! ```
//!
//! A study knows a model as a [`Subject`], and a record as a table of named measures and series ([`Outcome`]). Runs
//! are spread over threads; the result does not depend on how many.

#![forbid(unsafe_code)]

mod findings;
mod fold;
mod model;
mod paired;
mod replicate;
mod sample;
mod student;

pub use findings::{Band, CaseFindings, Estimate, Findings, RunRow};
pub use model::{Better, Case, Measure, Outcome, Series, Subject, Unit};
pub use paired::paired;
pub use replicate::{Replications, Study, StudyError, replicate};
