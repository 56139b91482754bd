//! Replications of one plan, spread over threads and folded in order.

use crate::findings::Findings;
use crate::fold::Fold;
use crate::model::{Outcome, Subject};
use rayon::prelude::*;
use sim_kernel::{SimTime, Stuck};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How often a run is replicated, and on how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replications {
    /// Number of replications.
    pub count: u32,
    /// Threads to use; 0 takes one for each core of the machine.
    pub threads: usize,
}

/// What a study hands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Study<R> {
    /// What the replications tell together.
    pub findings: Findings,
    /// One full record for each case, in the order of [`Findings::cases`]: that of the first replication that drew it.
    pub records: Vec<R>,
}

/// Why a study came to no end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StudyError {
    /// Simulated time stood still in one of the replications.
    #[error("replication {replication}: {stuck}")]
    Stuck {
        /// The first replication that it happened to.
        replication: u32,
        /// Where.
        stuck: Stuck,
    },
    /// The record of a replication contradicts itself: a mistake of the model.
    #[error("replication {replication}: {what}")]
    Contradiction {
        /// The first replication that it happened to.
        replication: u32,
        /// What cannot be.
        what: String,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
    /// The machine gives no threads.
    #[error("no threads to run on: {0}")]
    Threads(String),
}

/// Replications that each thread runs between two folds: enough that threads wait little for each other, and few
/// enough that the waiting records need little memory.
const RUNS_PER_THREAD: usize = 4;

/// Parts of a run between which the stop flag is looked at.
const PARTS: u64 = 100;

/// Runs `plan` with the keys `(seed, 0)`, `(seed, 1)`, ... and folds the records in this order, so that the result is
/// the same, byte by byte, for any number of threads.
///
/// `progress` is told how many replications are done, of how many; it is called from any of the threads. If `stop` is
/// raised the study ends within a hundredth of a run.
///
/// Memory: the records of four replications for each thread at a time, and one record for each case.
///
/// # Errors
/// [`StudyError::Stuck`] if simulated time stands still in a replication, [`StudyError::Contradiction`] if the record of
/// one contradicts itself, [`StudyError::Interrupted`] if `stop` was
/// raised, [`StudyError::Threads`] if the threads cannot be had.
pub fn replicate<S: Subject>(
    plan: &S::Plan,
    seed: u64,
    replications: Replications,
    progress: &(dyn Fn(u32, u32) + Sync),
    stop: &AtomicBool,
) -> Result<Study<S::Record>, StudyError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(replications.threads).build();
    let pool = pool.map_err(|error| StudyError::Threads(error.to_string()))?;
    let done = AtomicU32::new(0);
    let run = |replication: u32| {
        let record = run_one::<S>(plan, seed, replication, stop)?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, replications.count);
        Ok(record)
    };
    let batch = (pool.current_num_threads() * RUNS_PER_THREAD) as u32;
    let mut fold = Fold::new();
    let mut first = 0;
    while first < replications.count {
        let next = first.saturating_add(batch).min(replications.count);
        let records: Vec<Result<S::Record, StudyError>> =
            pool.install(|| (first..next).into_par_iter().with_max_len(1).map(run).collect());
        for record in records {
            fold.add(record?);
        }
        first = next;
    }
    let (findings, records) = fold.finish();
    Ok(Study { findings, records })
}

fn run_one<S: Subject>(
    plan: &S::Plan,
    seed: u64,
    replication: u32,
    stop: &AtomicBool,
) -> Result<S::Record, StudyError> {
    let mut run = S::start(plan, seed, replication);
    let end = S::end(plan);
    for part in 1..=PARTS {
        if stop.load(Ordering::Relaxed) {
            return Err(StudyError::Interrupted);
        }
        let until = if part == PARTS { end } else { SimTime::from_nanos(end.as_nanos() / PARTS * part) };
        run.run_until(until).map_err(|stuck| StudyError::Stuck { replication, stuck })?;
    }
    let record = run.finish();
    match record.contradiction() {
        Some(what) => Err(StudyError::Contradiction { replication, what }),
        None => Ok(record),
    }
}
