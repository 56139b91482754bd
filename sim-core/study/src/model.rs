//! What a study knows of a model: a trait, and a record that can be read as a table of named measures.

use serde::{Deserialize, Serialize};
use sim_kernel::{SimTime, Stuck};

/// A model that can be run, forked and asked for its results. Plain value: a clone goes on exactly as its original.
pub trait Subject: Clone + Send {
    /// What is to be run; fully validated, shared by all replications.
    type Plan: Sync;
    /// An alteration of the plan from some moment on.
    type Change;
    /// Everything that was measured in one run.
    type Record: Outcome + Send;

    /// Replication `replication` under `seed`, at its beginning, in its steady state. Replications draw
    /// independently, but for what a model stratifies over them.
    fn start(plan: &Self::Plan, seed: u64, replication: u32) -> Self;
    /// Runs up to and including `until`.
    ///
    /// # Errors
    /// `Stuck` if simulated time stands still.
    fn run_until(&mut self, until: SimTime) -> Result<(), Stuck>;
    /// Makes the future of this run independent of its original's from here on.
    fn branch(&mut self, k: u32);
    /// Alters the plan from now on.
    fn apply(&mut self, change: &Self::Change);
    /// How near the run is to the rare event of interest, 0 (far) to 1 (there); for importance splitting.
    fn level(&self) -> f64;
    /// The end of the planned time.
    fn end(plan: &Self::Plan) -> SimTime;
    /// Ends the run and hands out its record.
    fn finish(self) -> Self::Record;
}

/// A record as a study sees it.
pub trait Outcome {
    /// The named results, in an order that is the same for every run of a plan.
    fn measures(&self) -> &[Measure];
    /// The results over time, in an order that is the same for every run of a plan.
    fn series(&self) -> &[Series];
    /// Which of the cases of the mixture this run drew.
    fn case(&self) -> &Case;
    /// What in the record cannot be, whatever was run: a mistake of the model, in words. `None` if there is nothing.
    fn contradiction(&self) -> Option<String> {
        None
    }
}

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Neither: it describes.
    Neither,
}

/// The unit of a measure or series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A share, 0 to 1; shown in percent.
    Share,
    /// Seconds.
    Seconds,
    /// A number of things.
    Count,
    /// Things per second.
    PerSecond,
    /// US dollars.
    Usd,
}

/// One named result of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name: `api.availability.kubelet`.
    pub name: String,
    /// The unit of `value`.
    pub unit: Unit,
    /// Whether more is better.
    pub better: Better,
    /// The result; `None` if the run gave no sample (nothing to divide by, an event that did not happen).
    pub value: Option<f64>,
    /// What it is, in a sentence, for people.
    pub definition: String,
}

/// One result over time, by windows of equal length from the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name: `api.latency.p99.kubelet`.
    pub name: String,
    /// The unit of `values`.
    pub unit: Unit,
    /// Length of a window, seconds.
    pub window_s: f64,
    /// One value per window, at most 600; `None` where a window holds no sample.
    pub values: Vec<Option<f64>>,
    /// What it is, in a sentence, for people.
    pub definition: String,
}

/// One case of a mixture: what was drawn that decides the kind of result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The case in words: `the zone held an API server and the etcd leader`.
    pub label: String,
    /// Its exact probability under the plan, 0 to 1.
    pub probability: f64,
}
