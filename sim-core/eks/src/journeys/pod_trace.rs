//! The pods of a trace, as one client in the cluster submits them:
//!
//! ```text
//! its time -> SubmitPod -> created -> scheduled -> started -> (its duration) -> Stopped -> ReportPodFinished: its room
//!                ^-- a pause -- an error                                                     is free
//!          the client hears -> DeleteFinishedPod: gone
//! ```
//!
//! The pods are bare: nobody replaces one that is lost, no service stands in front of them, and they have no readiness
//! probe. The client has one connection for all its requests, and does not hold back.

use crate::aim::{Aim, Caller, Outcome};
use crate::cluster::Watcher;
use crate::event::{Event, Future, PodStep};
use crate::ids::{DeploymentId, PodId};
use crate::probes::Cause;
use crate::stations::network::Owner;
use crate::stations::services::pod::{Object, Owner as PodOwner, Pod};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const RETRY: Purpose = Purpose::new("submitter/retry");

impl World {
    /// The client waits for the time of the first pod.
    pub(crate) fn pod_trace_begins(&mut self, future: &mut Future) {
        let plan = self.plan.clone();
        let Some(first) = plan.pod_trace.as_ref().and_then(|trace| trace.rows.first()) else { return };
        let connection = self.open_from_start(Owner::Submitter, self.origin_of_submitter(), future);
        self.submitter.begins(connection, plan.pod_trace.as_ref().map_or(0, |trace| trace.rows.len()));
        future.schedule(first.arrival, Event::PodArrives(0));
    }

    /// The time of a row of the trace has come.
    pub(crate) fn pod_arrives(&mut self, now: SimTime, row: u32, future: &mut Future) {
        let plan = self.plan.clone();
        let rows = plan.pod_trace.as_ref().map_or(&[][..], |trace| &trace.rows);
        if let Some(next) = rows.get(row as usize + 1) {
            future.schedule(next.arrival, Event::PodArrives(row + 1));
        }
        self.submit(now, row, None, future);
    }

    /// The client submits the pod of a row, for the first time or again.
    pub(crate) fn submit(&mut self, now: SimTime, row: u32, cause: Cause, future: &mut Future) {
        self.call(now, Caller::Submitter(row), Aim::SubmitPod(row), cause, future);
    }

    /// The pod of a row is created, unless an earlier try that seemed to fail has created it.
    pub(crate) fn pod_is_submitted(&mut self, now: SimTime, row: u32, cause: Cause, future: &mut Future) {
        if !self.submitter.creates(row) {
            return;
        }
        let Some(trace) = &self.plan.pod_trace else { return };
        let planned = &trace.rows[row as usize];
        let pod = PodId(self.cluster.pods.len() as u32);
        let deployment = DeploymentId(trace.first_shape + planned.shape);
        self.cluster.pods.push(Pod::bare(deployment, row, now, cause));
        self.gate_may_be_set(now, pod, future);
        self.cluster.probe.pod_is_created(now);
        self.scheduler_hears(now, pod, future);
    }

    /// A bare pod runs, or a Job's: it will have done its work after its duration.
    pub(crate) fn work_begins(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        if state.owner() == PodOwner::Job {
            return self.job_work_begins(now, pod, future);
        }
        let Some(row) = state.row() else { return };
        let Some(trace) = &self.plan.pod_trace else { return };
        let done = now + trace.rows[row as usize].duration;
        future.schedule(done, Event::Pod(pod, state.life(), PodStep::Stopped));
    }

    /// The API knows that a pod has done its work: its room is free, and its client or its Job will hear of it.
    pub(crate) fn pod_has_finished(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (Object::Bound, Some(node), deployment) = (state.object(), state.node, state.deployment) else { return };
        self.cluster.placement.uncount(deployment, node);
        self.free_room(now, deployment, node);
        self.change_pod(now, pod, Pod::finishes);
        self.cluster.latency.pod_finishes(now);
        self.cluster.pod_gc.is_finished(pod, self.cluster.pods[pod.index()].created);
        if self.cluster.pods[pod.index()].owner() == PodOwner::Job {
            self.job_pod_has_ended(now, pod, future);
        } else {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            let life = self.cluster.pods[pod.index()].life();
            future.schedule(heard, Event::Pod(pod, life, PodStep::FinishSeen));
        }
        if self.cluster.placement.is_open(node) {
            self.room_appears(now, future);
        }
    }

    /// The client has heard that a pod of its is done, or tries again: it deletes it.
    pub(crate) fn finish_is_seen(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (Object::Finished, Some(row)) = (state.object(), state.row()) else { return };
        self.call(now, Caller::Submitter(row), Aim::DeleteFinishedPod(pod), None, future);
    }

    /// A request of the client has ended; one that failed is sent again after a pause.
    pub(crate) fn submitter_answered(
        &mut self,
        now: SimTime,
        caller: Caller,
        aim: Aim,
        outcome: Outcome,
        future: &mut Future,
    ) {
        if !outcome.is_error() || matches!(caller, Caller::Churn(_)) {
            return; // a load test goes on with the next pod
        }
        let (entity, ordinal) = self.identity(caller);
        let share = self.key.draw(RETRY, entity, ordinal).uniform();
        let again = now + self.plan.parameters.pod_trace.retry_backoff.scaled(1.0 + share);
        match aim {
            Aim::SubmitPod(row) => future.schedule(again, Event::SubmitAgain(row)),
            Aim::DeleteFinishedPod(pod) => {
                let life = self.cluster.pods[pod.index()].life();
                future.schedule(again, Event::Pod(pod, life, PodStep::FinishSeen));
            }
            _ => {}
        }
    }
}
