//! A Job: how many of its pods have done their work, how many have failed, and how many it has under way.
//!
//! It keeps as many pods as its parallelism allows and its completions still need; after a failure it creates the next ones
//! only once a pause is over that doubles with each failure in a row; and it gives up once more have failed than its
//! back-off limit allows. Pods are created in batches of 1, 2, 4 and so on, each once the one before has succeeded. Source:
//! `kubernetes/kubernetes pkg/controller/job`.
//!
//! Left out: indexed Jobs, suspension, success and failure policies, active deadlines.

use crate::ids::{DeploymentId, PodId};
use crate::plan::Job as Planned;
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};
use std::collections::BTreeSet;

/// How far a Job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is not created yet, or was deleted.
    Absent,
    /// Its work is under way.
    Running,
    /// All its completions have succeeded, since then.
    Complete(SimTime),
    /// Too many of its pods have failed, since then.
    Failed(SimTime),
}

/// What a sync does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// It creates so many pods.
    Create(u32),
    /// It waits until then, as pods have failed.
    Wait(SimTime),
    /// It deletes what still runs.
    Delete(Vec<PodId>),
}

/// The pauses after failures.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The first.
    pub base: SimDuration,
    /// The longest.
    pub max: SimDuration,
}

/// What it says of itself in the API: active, succeeded, failed.
type Status = (u32, u32, u32);

/// A Job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its place among the workloads.
    pub deployment: DeploymentId,
    /// Why it last lost a pod.
    pub story: Cause,
    phase: Phase,
    completions: u32,
    parallelism: u32,
    backoff_limit: u32,
    active: BTreeSet<PodId>,
    /// Pods that have ended, and still exist.
    ended: BTreeSet<PodId>,
    succeeded: u32,
    failed: u32,
    /// Failures since the last success, and the last of them.
    in_a_row: u32,
    last_failure: SimTime,
    seen: Status,
    told: Status,
    left: u32,
    batch: u32,
    in_flight: u32,
    has_failed: bool,
}

impl Job {
    /// A Job that is not created yet.
    pub fn new(deployment: DeploymentId, planned: &Planned) -> Self {
        Job {
            deployment,
            story: None,
            phase: Phase::Absent,
            completions: planned.completions,
            parallelism: planned.parallelism,
            backoff_limit: planned.backoff_limit,
            active: BTreeSet::new(),
            ended: BTreeSet::new(),
            succeeded: 0,
            failed: 0,
            in_a_row: 0,
            last_failure: SimTime::ZERO,
            seen: (0, 0, 0),
            told: (0, 0, 0),
            left: 0,
            batch: 0,
            in_flight: 0,
            has_failed: false,
        }
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// It is created.
    pub fn begins(&mut self) {
        self.phase = Phase::Running;
    }

    /// It is deleted: its pods are left to whoever clears them away.
    pub fn is_deleted(&mut self) -> Vec<PodId> {
        self.phase = Phase::Absent;
        self.active.iter().chain(&self.ended).copied().collect()
    }

    /// Whether it lacks a pod: another may be created.
    pub fn lacks(&self) -> bool {
        self.phase == Phase::Running && (self.active.len() as u32) < self.wanted()
    }

    /// A pod of it exists.
    pub fn gains(&mut self, pod: PodId) {
        self.active.insert(pod);
    }

    /// A pod has ended: it has done its work, or failed, or was deleted before it had. Whether it had not ended before.
    pub fn ends(&mut self, now: SimTime, pod: PodId, succeeded: bool) -> bool {
        if !self.active.remove(&pod) {
            return false;
        }
        self.ended.insert(pod);
        if self.phase != Phase::Running {
            return true; // it does away with what it no longer needs
        }
        if succeeded {
            (self.succeeded, self.in_a_row) = (self.succeeded + 1, 0);
        } else {
            (self.failed, self.in_a_row, self.last_failure) = (self.failed + 1, self.in_a_row + 1, now);
        }
        if self.succeeded >= self.completions {
            self.phase = Phase::Complete(now);
        } else if self.failed > self.backoff_limit {
            self.phase = Phase::Failed(now);
        }
        true
    }

    /// A pod's object is gone.
    pub fn forgets(&mut self, pod: PodId) {
        self.ended.remove(&pod);
    }

    /// A sync begins. What it does.
    pub fn sync(&mut self, now: SimTime, backoff: Backoff) -> Action {
        self.seen = (self.active.len() as u32, self.succeeded, self.failed);
        (self.left, self.batch, self.in_flight, self.has_failed) = (0, 1, 0, false);
        match self.phase {
            Phase::Absent => Action::Nothing,
            Phase::Complete(_) | Phase::Failed(_) if self.active.is_empty() => Action::Nothing,
            Phase::Complete(_) | Phase::Failed(_) => Action::Delete(self.active.iter().copied().collect()),
            Phase::Running => {
                let missing = self.wanted().saturating_sub(self.active.len() as u32);
                let until = self.last_failure + self.pause(backoff);
                match (missing, self.in_a_row > 0 && now < until) {
                    (0, _) => Action::Nothing,
                    (_, true) => Action::Wait(until),
                    (missing, false) => {
                        self.left = missing;
                        Action::Create(missing)
                    }
                }
            }
        }
    }

    /// Pods that are to be under way.
    fn wanted(&self) -> u32 {
        self.parallelism.min(self.completions.saturating_sub(self.succeeded))
    }

    fn pause(&self, backoff: Backoff) -> SimDuration {
        let doubled = backoff.base.as_nanos().saturating_mul(1 << self.in_a_row.saturating_sub(1).min(32));
        SimDuration::from_nanos(doubled).min(backoff.max)
    }

    /// The next batch of pods to create; none once all are created or one has failed.
    pub fn next_batch(&mut self) -> u32 {
        let batch = if self.has_failed { 0 } else { self.batch.min(self.left) };
        self.left -= batch;
        self.batch *= 2;
        self.in_flight += batch;
        batch
    }

    /// So many requests of the sync are under way beside.
    pub fn sends(&mut self, requests: u32) {
        self.in_flight += requests;
    }

    /// A request of the sync has ended. Whether it was the last that was under way.
    pub fn answered(&mut self, succeeded: bool) -> bool {
        self.has_failed |= !succeeded;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.in_flight == 0
    }

    /// Whether the sync has to write the status; it does so once.
    pub fn must_tell(&mut self) -> bool {
        let must = self.seen != self.told;
        self.in_flight += u32::from(must);
        must
    }

    /// The status is in the API, as of the beginning of the sync.
    pub fn tells(&mut self) {
        self.told = self.seen;
    }

    /// Whether no request of the sync has failed.
    pub fn has_succeeded(&self) -> bool {
        !self.has_failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::Law;

    const BACKOFF: Backoff = Backoff { base: SimDuration::from_secs(10), max: SimDuration::from_secs(360) };

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn job(completions: u32, parallelism: u32, backoff_limit: u32) -> Job {
        let run_time = Law::constant(60.0);
        let planned = Planned {
            completions,
            parallelism,
            backoff_limit,
            run_time,
            failures: 0.0,
            ttl: None,
            created: SimTime::ZERO,
        };
        let mut job = Job::new(DeploymentId(0), &planned);
        assert_eq!(job.sync(at(0), BACKOFF), Action::Nothing, "it is not created yet");
        job.begins();
        job
    }

    #[test]
    fn it_keeps_as_many_pods_as_its_parallelism_and_what_is_left_allow() {
        let mut job = job(5, 3, 6);
        assert_eq!(job.sync(at(0), BACKOFF), Action::Create(3));
        assert_eq!([job.next_batch(), job.next_batch(), job.next_batch()], [1, 2, 0]);
        (0..3).for_each(|pod| job.gains(PodId(pod)));
        (0..3).for_each(|pod| assert!(job.ends(at(60), PodId(pod), true)));
        assert_eq!(job.sync(at(60), BACKOFF), Action::Create(2), "two are left of five");
        (3..5).for_each(|pod| job.gains(PodId(pod)));
        (3..5).for_each(|pod| assert!(job.ends(at(120), PodId(pod), true)));
        assert_eq!((job.phase(), job.sync(at(120), BACKOFF)), (Phase::Complete(at(120)), Action::Nothing));
        assert!(!job.ends(at(130), PodId(4), false), "a pod ends once");
    }

    #[test]
    fn pauses_double_with_each_failure_in_a_row_up_to_six_minutes() {
        let mut job = job(1, 1, 100);
        let mut now = 0;
        let mut pauses = Vec::new();
        for pod in 0..8 {
            job.gains(PodId(pod));
            job.ends(at(now), PodId(pod), false);
            let Action::Wait(until) = job.sync(at(now), BACKOFF) else { panic!("it does not wait") };
            pauses.push(until.saturating_since(at(now)).as_secs_f64() as u64);
            now += pauses[pauses.len() - 1];
            assert_eq!(job.sync(at(now), BACKOFF), Action::Create(1));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 360, 360]);
        job.gains(PodId(9));
        job.ends(at(now), PodId(9), true);
        assert_eq!(job.phase(), Phase::Complete(at(now)));
    }

    #[test]
    fn one_failure_beyond_the_limit_ends_it_and_what_runs() {
        let mut job = job(10, 2, 1);
        (0..2).for_each(|pod| job.gains(PodId(pod)));
        job.ends(at(1), PodId(0), false);
        assert_eq!(job.phase(), Phase::Running);
        job.gains(PodId(2));
        job.ends(at(2), PodId(2), false);
        assert_eq!(job.phase(), Phase::Failed(at(2)));
        assert_eq!(job.sync(at(2), BACKOFF), Action::Delete(vec![PodId(1)]));
        assert!(job.must_tell());
        job.tells();
        assert!(!job.must_tell());
    }
}
