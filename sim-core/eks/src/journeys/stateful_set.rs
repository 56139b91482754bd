//! A StatefulSet that lacks a pod, has too many, or has one of an old template:
//!
//! ```text
//! heard -> a worker syncs it -> CreateStatefulPod (OrderedReady: one) -> its status -> done
//!                            -> DeleteStatefulPod, the highest ordinal ->
//! ```
//!
//! Its pods have names that no two may have: none takes the place of another before that one's object is gone.

use crate::aim::Aim;
use crate::event::Future;
use crate::ids::{Controller, DeploymentId, PodId, ReplicaSetId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::services::pod::{Object, Pod};
use crate::stations::services::pods::Pods;
use crate::stations::services::stateful_set::{Action, Member, StatefulSet};
use crate::world::World;
use sim_kernel::SimTime;

const STATEFUL_SETS: Controller = Controller::StatefulSet;

impl World {
    /// The StatefulSet that a pod belongs to, if it is one's.
    pub(crate) fn stateful_set_of(&mut self, pod: PodId) -> Option<&mut StatefulSet> {
        let at = self.cluster.stateful_index(self.cluster.pods[pod.index()].deployment)?;
        Some(&mut self.cluster.stateful_sets[at])
    }

    fn stateful_set(&mut self, deployment: DeploymentId) -> &mut StatefulSet {
        let at = self.cluster.stateful_index(deployment).expect("each StatefulSet of the plan is in the table");
        &mut self.cluster.stateful_sets[at]
    }

    /// A worker looks at a StatefulSet. Whether it waits for answers.
    pub(crate) fn sync_stateful_set(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let deployment = self.cluster.replica_sets[set.index()].deployment;
        let at = self.cluster.stateful_index(deployment).expect("each StatefulSet of the plan is in the table");
        let pods = &self.cluster.pods;
        let action = self.cluster.stateful_sets[at].sync(|pod| member(pods, pod));
        let creates = if let Action::Create(count) = action { count } else { 0 };
        self.cluster.replica_sets[set.index()].begins(creates);
        match action {
            Action::Nothing => self.report_stateful_set(now, set, future),
            Action::Create(_) => self.create_stateful_pods(now, set, future),
            Action::Delete(pods) => {
                let cause = self.cluster.deployments[deployment.index()].story;
                self.cluster.replica_sets[set.index()].sends(pods.len() as u32);
                for pod in pods {
                    self.order(now, Aim::DeleteStatefulPod(pod, set), cause, future);
                }
                true
            }
        }
    }

    /// Orders the next batch of pods. Whether there is one.
    fn create_stateful_pods(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let state = &mut self.cluster.replica_sets[set.index()];
        let (batch, deployment) = (state.next_batch(), state.deployment);
        state.sends(batch);
        let cause = self.cluster.deployments[deployment.index()].story;
        for _ in 0..batch {
            self.order(now, Aim::CreateStatefulPod(set), cause, future);
        }
        batch > 0
    }

    /// Orders the status of a StatefulSet, if it has changed. Whether it has.
    fn report_stateful_set(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let state = &mut self.cluster.replica_sets[set.index()];
        let (must_tell, deployment) = (state.must_tell(), state.deployment);
        if must_tell {
            let cause = self.cluster.deployments[deployment.index()].story;
            self.order(now, Aim::ReportStatefulSet(set), cause, future);
        }
        must_tell
    }

    /// A request of a sync has ended: the next batch follows, then the status, then the worker is free.
    pub(crate) fn stateful_set_answered(
        &mut self,
        now: SimTime,
        set: ReplicaSetId,
        succeeded: bool,
        future: &mut Future,
    ) {
        let state = &mut self.cluster.replica_sets[set.index()];
        if !state.ended(succeeded) || self.create_stateful_pods(now, set, future) {
            return;
        }
        let succeeded = self.cluster.replica_sets[set.index()].has_succeeded();
        if !succeeded || !self.report_stateful_set(now, set, future) {
            self.sync_ends(now, STATEFUL_SETS, set.0, succeeded, future);
        }
    }

    /// A pod of the lowest ordinal that lacks one is created, with its claim, and the scheduler will hear of it. One that
    /// exists already, by the order of a former leader, is not created twice.
    pub(crate) fn stateful_pod_is_created(
        &mut self,
        now: SimTime,
        set: ReplicaSetId,
        cause: Cause,
        future: &mut Future,
    ) {
        let deployment = self.cluster.replica_sets[set.index()].deployment;
        let own = self.stateful_set(deployment);
        let revision = own.revision();
        let Some(ordinal) = own.lacks() else { return };
        let pod = PodId(self.cluster.pods.len() as u32);
        self.stateful_set(deployment).gains(ordinal, pod);
        if self.claims_volumes(deployment) {
            self.cluster.volumes.is_claimed(deployment, ordinal, pod);
        }
        self.cluster.replica_sets[set.index()].gains_a_pod();
        let number = self.cluster.deployments[deployment.index()].gains_a_pod();
        let mut new = Pod::new(deployment, number, cause).created_at(now);
        new.revision = revision;
        self.cluster.pods.push(new);
        self.gate_may_be_set(now, pod, future);
        self.cluster.probe.pod_is_created(now);
        self.scheduler_hears(now, pod, future);
        self.replica_set_hears(now, set, future);
    }

    /// A StatefulSet wants another number of pods.
    pub(crate) fn scale_stateful_set(&mut self, deployment: DeploymentId, replicas: u32) {
        self.stateful_set(deployment).want(replicas);
    }

    /// A StatefulSet gets another template.
    pub(crate) fn update_stateful_set(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        cause: Cause,
        future: &mut Future,
    ) {
        self.stateful_set(deployment).wants_another_template(now);
        self.cluster.deployments[deployment.index()].story = cause;
        let set = self.cluster.deployments[deployment.index()].set(0);
        self.replica_set_hears(now, set, future);
    }

    /// The status of a StatefulSet is in the API. Its rolling update ends once all pods have the new template.
    pub(crate) fn stateful_set_is_reported(&mut self, now: SimTime, set: ReplicaSetId) {
        self.cluster.replica_sets[set.index()].tells();
        let deployment = self.cluster.replica_sets[set.index()].deployment;
        let at = self.cluster.stateful_index(deployment).expect("each StatefulSet of the plan is in the table");
        let pods = &self.cluster.pods;
        if let Some(since) = self.cluster.stateful_sets[at].rollout_ends(|pod| member(pods, pod)) {
            self.note_rollout(now, deployment, now.saturating_since(since));
        }
    }

    /// The pods of a node that died are missed, if a StatefulSet has them.
    pub(crate) fn stateful_pod_is_missed(&mut self, now: SimTime, pod: PodId, cause: Cause) {
        if !self.cluster.stateful_sets.is_empty()
            && let Some(set) = self.stateful_set_of(pod)
        {
            set.misses(pod, now, cause);
        }
    }

    /// A pod of a StatefulSet is Ready: if it was missed, the story of its return is told.
    pub(crate) fn stateful_pod_is_ready(&mut self, now: SimTime, pod: PodId) {
        if self.cluster.stateful_sets.is_empty() {
            return;
        }
        let Some(set) = self.stateful_set_of(pod) else { return };
        let Some(ordinal) = set.ordinal_of(pod) else { return };
        let Some(loss) = set.is_back(ordinal) else { return };
        let state = &self.cluster.pods[pod.index()];
        let volume = self.cluster.volumes.of(pod).and_then(|id| self.cluster.volumes.at(id).story);
        let cause = volume.max(state.story).or(loss.cause);
        let zone = state.node.map_or_else(String::new, |node| self.zone_name(self.cluster.zone_of(node)).to_string());
        let name = self.plan.workload_name(state.deployment.index());
        let missed = now.saturating_since(loss.since).as_secs_f64() / 60.0;
        let text = || format!("{name}-{ordinal} is Ready again in {zone}, {missed:.1} min after it was lost");
        let subject = u64::from(state.deployment.0) << 32 | u64::from(ordinal);
        self.probes.timeline.note(now, Weight::Turn, cause, "stateful/back", subject, text);
    }

    /// A pod's object is gone: its ordinal and its volume are free.
    pub(crate) fn stateful_pod_is_gone(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.cluster.stateful_sets.is_empty() {
            return;
        }
        if let Some(set) = self.stateful_set_of(pod) {
            set.loses(pod);
            self.volume_is_released(now, pod, future);
        }
    }
}

fn member(pods: &Pods, pod: PodId) -> Member {
    let state = &pods[pod.index()];
    Member {
        is_ready: state.is_ready(),
        is_terminating: state.object() == Object::Terminating,
        revision: state.revision,
    }
}
