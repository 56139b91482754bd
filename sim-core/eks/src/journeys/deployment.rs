//! A Deployment and its ReplicaSets:
//!
//! ```text
//! scaled, or a set's status changes -> heard -> a worker syncs it -> ScaleReplicaSet -> its own status -> done
//! ```

use crate::aim::Aim;
use crate::event::Future;
use crate::ids::{Controller, DeploymentId, PodId, ReplicaSetId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::services::deployment::{Part, Strategy};
use crate::stations::services::replica_set::{ReplicaSet, Status};
use crate::world::World;
use sim_kernel::{SimDuration, SimTime};

const DEPLOYMENTS: Controller = Controller::Deployment;

/// The ReplicaSet that is still to be created.
const NEW: ReplicaSetId = ReplicaSetId(u32::MAX);

impl World {
    /// A Deployment wants another number of pods.
    pub(crate) fn scale_deployment(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        replicas: u32,
        future: &mut Future,
    ) {
        let planned = &self.plan.deployments[deployment.index()];
        let (name, before) = (planned.name.clone(), self.cluster.deployments[deployment.index()].wanted());
        let note = || format!("{name} is scaled from {before} to {replicas} pods");
        let subject = u64::from(deployment.0) << 32 | u64::from(replicas);
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "deployment/scaled", subject, note);
        self.deployment_wants(now, deployment, replicas, cause, future);
    }

    /// An autoscaler's number of pods is in the API.
    pub(crate) fn deployment_is_scaled(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        replicas: u32,
        cause: Cause,
        future: &mut Future,
    ) {
        let name = &self.plan.deployments[deployment.index()].name;
        let before = self.cluster.deployments[deployment.index()].wanted();
        let note = || format!("the autoscaler of {name} wants {replicas} pods instead of {before}");
        let subject = u64::from(deployment.0) << 32 | u64::from(replicas);
        let story = self.probes.timeline.note(now, Weight::Step, cause, "deployment/autoscaled", subject, note);
        self.deployment_wants(now, deployment, replicas, story.or(cause), future);
    }

    fn deployment_wants(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        replicas: u32,
        cause: Cause,
        future: &mut Future,
    ) {
        let state = &mut self.cluster.deployments[deployment.index()];
        state.want(replicas);
        state.story = cause;
        if self.cluster.probe.wants(now, deployment, &self.cluster.deployments) {
            self.note_whole(now, cause);
        }
        let set = self.cluster.deployments[deployment.index()].set(0);
        let state = &mut self.cluster.replica_sets[set.index()];
        if state.is_stateful {
            state.want(replicas); // It is the object that was scaled.
            self.scale_stateful_set(deployment, replicas);
            self.replica_set_hears(now, set, future);
        } else {
            self.controller_hears(now, DEPLOYMENTS, deployment.0, future);
        }
    }

    /// A Deployment gets another template: a ReplicaSet of its own, and an image that no node has yet.
    pub(crate) fn update_deployment(
        &mut self,
        now: SimTime,
        index: u32,
        deployment: DeploymentId,
        future: &mut Future,
    ) {
        let name = &self.plan.deployments[deployment.index()].name;
        let note = || format!("{name} gets a new image");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "deployment/updated", u64::from(index), note);
        let set = self.cluster.deployments[deployment.index()].set(0);
        if self.cluster.replica_sets[set.index()].is_stateful {
            return self.update_stateful_set(now, deployment, cause, future);
        }
        let state = &mut self.cluster.deployments[deployment.index()];
        state.wants_another_template(now);
        state.story = cause;
        self.controller_hears(now, DEPLOYMENTS, deployment.0, future);
    }

    /// The ReplicaSet of a new template is in the API.
    pub(crate) fn replica_set_is_created(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        size: u32,
        future: &mut Future,
    ) {
        let set = ReplicaSetId(self.cluster.replica_sets.len() as u32);
        let state = &mut self.cluster.deployments[deployment.index()];
        if !state.updates(set) {
            return; // Another try created it.
        }
        self.cluster.replica_sets.push(ReplicaSet::new(deployment, state.revision(), size));
        self.replica_set_hears(now, set, future);
        self.controller_hears(now, DEPLOYMENTS, deployment.0, future);
    }

    /// The status of a Deployment is in the API. Its rolling update ends once the new ReplicaSet has all pods.
    pub(crate) fn deployment_is_reported(&mut self, now: SimTime, deployment: DeploymentId) {
        let state = &mut self.cluster.deployments[deployment.index()];
        state.tells();
        let (&new, old) = state.sets().split_last().expect("a Deployment has a ReplicaSet");
        let sets = &self.cluster.replica_sets;
        let is_complete = sets[new.index()].status() == Status { replicas: state.wanted(), ready: state.wanted() }
            && old.iter().all(|set| sets[set.index()].status().replicas == 0);
        if let Some(since) = state.rollout_since().filter(|_| is_complete) {
            state.rollout_ends();
            self.note_rollout(now, deployment, now.saturating_since(since));
        }
    }

    /// A rolling update has ended after this time.
    pub(crate) fn note_rollout(&mut self, now: SimTime, deployment: DeploymentId, took: SimDuration) {
        self.cluster.probe.rollout_ends(took);
        let (name, cause) =
            (self.plan.workload_name(deployment.index()), self.cluster.deployments[deployment.index()].story);
        let note = || format!("rolling update of {name} complete after {:.0} s", took.as_secs_f64());
        let subject = u64::from(deployment.0);
        self.probes.timeline.note(now, Weight::Turn, cause, "deployment/rolled-out", subject, note);
    }

    /// The controllers of Deployments and ReplicaSets begin: they list all of them, and look at each. What their
    /// predecessors had ordered and not carried out is forgotten.
    pub(crate) fn deployments_begin(&mut self, now: SimTime, future: &mut Future) {
        if now == SimTime::ZERO {
            return; // All is as it is to be.
        }
        self.cluster.pods.iter_mut().for_each(|pod| pod.is_being_deleted = false);
        for key in 0..self.cluster.deployments.len() as u32 {
            let set = self.cluster.deployments[key as usize].set(0);
            if !self.cluster.replica_sets[set.index()].is_stateful {
                self.controller_hears(now, DEPLOYMENTS, key, future);
            }
        }
        for key in 0..self.cluster.replica_sets.len() as u32 {
            self.replica_set_hears(now, ReplicaSetId(key), future);
        }
    }

    /// A worker looks at a Deployment. Whether it waits for answers.
    pub(crate) fn sync_deployment(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) -> bool {
        let mut parts: Vec<Part> = Vec::new();
        let mut sum = Status::default();
        for &set in self.cluster.deployments[deployment.index()].sets() {
            let state = &self.cluster.replica_sets[set.index()];
            let status = state.status();
            sum.replicas += status.replicas;
            sum.ready += status.ready;
            parts.push(Part { set, wanted: state.wanted(), available: status.ready });
        }
        let controllers = &self.plan.parameters.controllers;
        let state = &mut self.cluster.deployments[deployment.index()];
        if state.lacks_a_set() {
            parts.push(Part { set: NEW, wanted: 0, available: 0 });
        }
        let mut strategy = Strategy::of(state.wanted(), controllers.max_surge, controllers.max_unavailable);
        if let Some(most) = self.plan.deployments[deployment.index()].control.max_unavailable {
            strategy.max_unavailable = most;
        }
        state.look(sum);
        let mut orders: Vec<(ReplicaSetId, u32)> = Vec::new();
        state.roll(&mut parts, strategy, |set, size| orders.push((set, size)));
        if state.lacks_a_set() && orders.iter().all(|(set, _)| *set != NEW) {
            orders.push((NEW, 0));
        }
        state.sends(orders.len() as u32);
        let cause = state.story;
        for (set, size) in orders {
            let create = Aim::CreateReplicaSet(deployment, size);
            self.order(now, if set == NEW { create } else { Aim::ScaleReplicaSet(set, size) }, cause, future);
        }
        self.cluster.deployments[deployment.index()].waits() || self.report_deployment(now, deployment, future)
    }

    /// Orders the status of a Deployment, if it has changed. Whether it has.
    fn report_deployment(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) -> bool {
        let state = &mut self.cluster.deployments[deployment.index()];
        let must_tell = state.must_tell();
        if must_tell {
            state.sends(1);
            let cause = state.story;
            self.order(now, Aim::ReportDeployment(deployment), cause, future);
        }
        must_tell
    }

    /// A request of a sync has ended: the status follows, then the worker is free.
    pub(crate) fn deployment_answered(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        succeeded: bool,
        future: &mut Future,
    ) {
        let state = &mut self.cluster.deployments[deployment.index()];
        state.ended(succeeded);
        if state.waits() {
            return;
        }
        let succeeded = state.has_succeeded();
        if !succeeded || !self.report_deployment(now, deployment, future) {
            self.sync_ends(now, DEPLOYMENTS, deployment.0, succeeded, future);
        }
    }

    /// A controller orders the deletion of a pod.
    pub(crate) fn order_deletion(
        &mut self,
        now: SimTime,
        pod: PodId,
        controller: Controller,
        cause: Cause,
        future: &mut Future,
    ) {
        self.cluster.pods[pod.index()].is_being_deleted = true;
        self.order(now, Aim::DeletePod(pod, controller), cause, future);
    }
}
