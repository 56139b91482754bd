//! A ReplicaSet that has too few or too many pods:
//!
//! ```text
//! heard -> a worker syncs it -> CreatePod x 1, 2, 4 ... (each batch once the last has succeeded) -> its status -> done
//!                            -> DeleteReplica, all that are too many                             ->
//! ```

use crate::aim::Aim;
use crate::event::Future;
use crate::ids::{Controller, PodId, ReplicaSetId};
use crate::probes::Cause;
use crate::stations::services::pod::{Object, Pod};
use crate::stations::services::replica_set::Reconciliation;
use crate::world::World;
use sim_kernel::SimTime;

const REPLICA_SETS: Controller = Controller::ReplicaSet;

impl World {
    /// The controller of a set, which a StatefulSet has of its own, will hear of a change of it or of one of its pods.
    pub(crate) fn replica_set_hears(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) {
        let is_stateful = self.cluster.replica_sets[set.index()].is_stateful;
        self.controller_hears(now, if is_stateful { Controller::StatefulSet } else { REPLICA_SETS }, set.0, future);
    }

    /// A worker looks at a ReplicaSet. Whether it waits for answers.
    pub(crate) fn sync_replica_set(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let burst = self.plan.parameters.controllers.replica_set_burst as u32;
        let pods = &self.cluster.pods;
        self.cluster.replica_sets[set.index()].forgets(|pod| pods[pod.index()].object() == Object::Gone);
        match self.cluster.replica_sets[set.index()].look(burst) {
            Reconciliation::Content => self.report_replica_set(now, set, future),
            Reconciliation::Create => self.create_batch(now, set, future),
            Reconciliation::Delete(count) => {
                let cause = self.story_of(set);
                let pods = self.surplus(set, count);
                self.cluster.replica_sets[set.index()].sends(pods.len() as u32);
                for &pod in &pods {
                    self.order(now, Aim::DeleteReplica(pod, set), cause, future);
                }
                !pods.is_empty()
            }
        }
    }

    /// Orders the next batch of pods. Whether there is one.
    fn create_batch(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let cause = self.story_of(set);
        let state = &mut self.cluster.replica_sets[set.index()];
        let batch = state.next_batch();
        state.sends(batch);
        for _ in 0..batch {
            self.order(now, Aim::CreatePod(set), cause, future);
        }
        batch > 0
    }

    /// Orders the status of a ReplicaSet, if it has changed. Whether it has.
    fn report_replica_set(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) -> bool {
        let must_tell = self.cluster.replica_sets[set.index()].must_tell();
        if must_tell {
            let cause = self.story_of(set);
            self.order(now, Aim::ReportReplicaSet(set), cause, future);
        }
        must_tell
    }

    /// A request of a sync has ended: the next batch follows, then the status, then the worker is free.
    pub(crate) fn replica_set_answered(
        &mut self,
        now: SimTime,
        set: ReplicaSetId,
        succeeded: bool,
        future: &mut Future,
    ) {
        let state = &mut self.cluster.replica_sets[set.index()];
        if !state.ended(succeeded) || self.create_batch(now, set, future) {
            return;
        }
        let succeeded = self.cluster.replica_sets[set.index()].has_succeeded();
        if !succeeded || !self.report_replica_set(now, set, future) {
            self.sync_ends(now, REPLICA_SETS, set.0, succeeded, future);
        }
    }

    /// The status of a ReplicaSet is in the API: its Deployment will hear of it.
    pub(crate) fn replica_set_is_reported(&mut self, now: SimTime, set: ReplicaSetId, future: &mut Future) {
        let state = &mut self.cluster.replica_sets[set.index()];
        state.tells();
        let deployment = state.deployment;
        self.controller_hears(now, Controller::Deployment, deployment.0, future);
    }

    /// The size of a ReplicaSet is in the API.
    pub(crate) fn replica_set_is_scaled(&mut self, now: SimTime, set: ReplicaSetId, size: u32, future: &mut Future) {
        let state = &mut self.cluster.replica_sets[set.index()];
        state.want(size);
        let deployment = state.deployment;
        self.replica_set_hears(now, set, future);
        self.controller_hears(now, Controller::Deployment, deployment.0, future);
    }

    /// The pods that a ReplicaSet can spare most: without a node, then not ready, then the newest.
    fn surplus(&self, set: ReplicaSetId, count: u32) -> Vec<PodId> {
        let state = &self.cluster.replica_sets[set.index()];
        let pods = state.pods().iter().map(|pod| (*pod, &self.cluster.pods[pod.index()]));
        let active = pods.filter(|(_, pod)| pod.is_active());
        let mut choices: Vec<_> =
            active.map(|(id, pod)| (pod.object() == Object::Bound, pod.is_ready(), std::cmp::Reverse(id))).collect();
        choices.sort_unstable();
        choices.truncate(count as usize);
        choices.into_iter().map(|(.., id)| id.0).collect()
    }

    /// A pod is created, and the scheduler will hear of it.
    pub(crate) fn pod_is_created(&mut self, now: SimTime, set: ReplicaSetId, cause: Cause, future: &mut Future) {
        let pod = PodId(self.cluster.pods.len() as u32);
        let state = &mut self.cluster.replica_sets[set.index()];
        let (deployment, revision) = (state.deployment, state.revision);
        state.gains_a_pod();
        let number = self.cluster.deployments[deployment.index()].gains_a_pod();
        let mut new = Pod::new(deployment, number, cause).created_at(now);
        new.revision = revision;
        self.cluster.pods.push(new);
        self.cluster.replica_sets[set.index()].keeps_in_mind(pod);
        self.gate_may_be_set(now, pod, future);
        self.cluster.probe.pod_is_created(now);
        self.scheduler_hears(now, pod, future);
        self.replica_set_hears(now, set, future);
    }

    fn story_of(&self, set: ReplicaSetId) -> Cause {
        let deployment = self.cluster.replica_sets[set.index()].deployment;
        self.cluster.deployments[deployment.index()].story
    }
}
