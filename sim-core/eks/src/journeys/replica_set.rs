//! The replacement of a lost pod: Terminating or gone -> the ReplicaSet looks -> CreatePod -> the scheduler hears.

use crate::aim::Aim;
use crate::cluster::Watcher;
use crate::event::{Event, Future};
use crate::ids::{Component, DeploymentId, PodId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::services::deployment::Reconciliation;
use crate::stations::services::pod::{Object, Pod};
use crate::world::World;
use sim_kernel::SimTime;

const CONTROLLERS: Component = Component::ControllerManager;

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
        let state = &mut self.cluster.deployments[deployment.index()];
        state.want(replicas);
        state.story = cause;
        if self.cluster.probe.wants(now, deployment, &self.cluster.deployments) {
            self.note_whole(now, cause);
        }
        self.reconcile_soon(now, deployment, future);
    }

    /// The ReplicaSet controller begins: orders that its predecessor had not carried out are forgotten.
    pub(crate) fn replica_sets_begin(&mut self, now: SimTime, future: &mut Future) {
        if now > SimTime::ZERO {
            self.cluster.pods.iter_mut().for_each(|pod| pod.is_being_deleted = false);
        }
        for index in 0..self.cluster.deployments.len() {
            let state = &mut self.cluster.deployments[index];
            state.forget_orders();
            if state.active() != state.wanted() {
                self.reconcile_soon(now, DeploymentId(index as u32), future);
            }
        }
    }

    /// The ReplicaSet controller will hear of a change and look.
    pub(crate) fn reconcile_soon(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) {
        let Some((_, generation)) = self.leader(CONTROLLERS) else { return };
        if self.cluster.deployments[deployment.index()].must_look() {
            let heard = now + self.watch_delay(Watcher::Deployment(deployment));
            future.schedule(heard, Event::Reconcile(deployment, generation));
        }
    }

    /// The ReplicaSet controller looks at a Deployment.
    pub(crate) fn reconcile(&mut self, now: SimTime, deployment: DeploymentId, generation: u32, future: &mut Future) {
        if !self.acts(CONTROLLERS, generation) {
            return;
        }
        let cause = self.cluster.deployments[deployment.index()].story;
        match self.cluster.deployments[deployment.index()].look() {
            Reconciliation::Content => {}
            Reconciliation::Create(count) => {
                for _ in 0..count {
                    self.order(now, CONTROLLERS, Aim::CreatePod(deployment), cause, future);
                }
            }
            Reconciliation::Delete(count) => {
                for pod in self.surplus(deployment, count) {
                    self.order_deletion(now, pod, cause, future);
                }
            }
        }
    }

    /// The pods that a Deployment can spare most: without a node, then not ready, then the newest.
    fn surplus(&self, deployment: DeploymentId, count: u32) -> Vec<PodId> {
        let is_choice = |pod: &Pod| pod.deployment == deployment && pod.is_active() && !pod.is_being_deleted;
        let all = self.cluster.pods.iter().enumerate();
        let mut choices: Vec<_> = all
            .filter(|(_, pod)| is_choice(pod))
            .map(|(index, pod)| (pod.object() == Object::Bound, pod.is_ready(), std::cmp::Reverse(index)))
            .collect();
        choices.sort_unstable();
        choices.truncate(count as usize);
        choices.into_iter().map(|(.., index)| PodId(index.0 as u32)).collect()
    }

    /// A controller orders the deletion of a pod.
    pub(crate) fn order_deletion(&mut self, now: SimTime, pod: PodId, cause: Cause, future: &mut Future) {
        let state = &mut self.cluster.pods[pod.index()];
        state.is_being_deleted = true;
        self.cluster.deployments[state.deployment.index()].deletion_ordered();
        self.order(now, CONTROLLERS, Aim::DeletePod(pod), cause, future);
    }

    /// A pod is created, and the scheduler will hear of it.
    pub(crate) fn pod_is_created(&mut self, now: SimTime, deployment: DeploymentId, cause: Cause, future: &mut Future) {
        let pod = PodId(self.cluster.pods.len() as u32);
        let state = &mut self.cluster.deployments[deployment.index()];
        let number = state.gains_a_pod();
        self.cluster.pods.push(Pod::new(deployment, number, cause));
        let is_one_too_many = state.active() > state.wanted();
        self.cluster.probe.pod_is_created(now);
        self.scheduler_hears(now, pod, future);
        if is_one_too_many {
            self.reconcile_soon(now, deployment, future);
        }
    }

    /// A creation failed: the ReplicaSet controller tries again after a pause.
    pub(crate) fn pod_creation_failed(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) {
        let Some((_, generation)) = self.leader(CONTROLLERS) else { return };
        let state = &mut self.cluster.deployments[deployment.index()];
        state.creation_failed();
        if state.must_look() {
            // With the time of a watch, so that Deployments whose creations fail together are not looked at together.
            let watch = self.watch_delay(Watcher::Deployment(deployment));
            let again = now + self.plan.parameters.controllers.retry_backoff + watch;
            future.schedule(again, Event::Reconcile(deployment, generation));
        }
    }
}
