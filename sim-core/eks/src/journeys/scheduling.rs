//! A pod without a node: queue -> the scheduler's service -> BindPod -> bound; or parked until room may have appeared.

use crate::aim::Aim;
use crate::cluster::Watcher;
use crate::event::{Event, Future, PodStep, SchedulerClock};
use crate::ids::{Component, DeploymentId, NodeId, PodId};
use crate::record::Weight;
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const SCHEDULER: Component = Component::Scheduler;
const SERVICE: Purpose = Purpose::new("scheduler/service");

impl World {
    /// The scheduler begins: it lists all pods without a node, and knows of no binding under way.
    pub(crate) fn scheduler_begins(&mut self, now: SimTime, future: &mut Future) {
        self.cluster.scheduler.begins();
        for index in 0..self.cluster.pods.len() {
            let pod = PodId(index as u32);
            if self.cluster.pods[index].object() == Object::Pending {
                self.give_up_node(pod);
                self.cluster.scheduler.push(pod, now);
            }
        }
        self.serve_next(now, future);
    }

    /// The scheduler will hear of a pod without a node.
    pub(crate) fn scheduler_hears(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.leader(SCHEDULER).is_some() {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            self.cluster.scheduler.push(pod, heard);
            self.serve_next(now, future);
        }
    }

    /// Room may have appeared for pods that had found none.
    pub(crate) fn room_appears(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(SCHEDULER) else { return };
        if let Some(at) = self.cluster.scheduler.may_help(now) {
            future.schedule(at, Event::Scheduler(generation, SchedulerClock::BackoffEnds));
        }
        self.serve_next(now, future);
    }

    /// A clock of the scheduler.
    pub(crate) fn scheduler(&mut self, now: SimTime, generation: u32, clock: SchedulerClock, future: &mut Future) {
        if !self.acts(SCHEDULER, generation) {
            return;
        }
        // A back-off that ends as a pod is done with has ended before, whichever of the two is told first.
        if let Some(at) = self.cluster.scheduler.rings(now) {
            future.schedule(at, Event::Scheduler(generation, SchedulerClock::BackoffEnds));
        }
        if clock == SchedulerClock::Next {
            let pod = self.cluster.scheduler.served().expect("the scheduler serves until it is done");
            self.schedule_pod(now, pod, future);
        }
        self.serve_next(now, future);
    }

    fn serve_next(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(SCHEDULER) else { return };
        if let Some((pod, known)) = self.cluster.scheduler.serve() {
            let state = &mut self.cluster.pods[pod.index()];
            let (entity, ordinal) = (state.entity(), state.next_draw());
            let mut draw = self.key.draw(SERVICE, entity, ordinal);
            let service = self.plan.parameters.scheduler.service_time.duration(&mut draw);
            future.schedule(known.max(now) + service, Event::Scheduler(generation, SchedulerClock::Next));
        }
    }

    fn schedule_pod(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let deployment = state.deployment;
        if state.object() != Object::Pending || state.node.is_some() {
            return self.cluster.scheduler.placed(now, deployment);
        }
        let is_hopeless = self.cluster.scheduler.is_hopeless(deployment);
        let found = if is_hopeless { None } else { self.cluster.placement.search(deployment) };
        let Some(node) = found else { return self.no_room(now, pod, deployment) };
        self.cluster.placement.take(deployment, node);
        let state = &mut self.cluster.pods[pod.index()];
        state.node = Some(node);
        let cause = state.story;
        self.cluster.scheduler.placed(now, deployment);
        self.order(now, SCHEDULER, Aim::BindPod(pod, node), cause, future);
    }

    fn no_room(&mut self, now: SimTime, pod: PodId, deployment: DeploymentId) {
        self.cluster.scheduler.park(now, pod, deployment);
        let state = &mut self.cluster.pods[pod.index()];
        if std::mem::replace(&mut state.is_unschedulable, true) {
            return;
        }
        let name = &self.plan.deployments[deployment.index()].name;
        let note = || format!("no node has room for a pod of {name}: it is Pending");
        let subject = u64::from(deployment.0);
        self.probes.timeline.note(now, Weight::Step, state.story, "pod/no-room", subject, note);
    }

    /// A pod is bound; its kubelet hears of it if its connection lives, and lists it later otherwise.
    pub(crate) fn pod_is_bound(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let deployment = state.deployment;
        if state.object() != Object::Pending {
            return; // Bound by the order of an earlier leader, or deleted meanwhile.
        }
        if state.node != Some(node) {
            self.give_up_node(pod);
            self.cluster.placement.take(deployment, node);
        }
        self.change_pod(now, pod, |pod| pod.is_bound(node));
        self.cluster.probe.pod_is_bound();
        self.cluster.nodes[node.index()].binds(pod);
        if self.cluster.nodes[node.index()].is_tainted_no_execute() {
            self.tolerations_begin(now, node, future);
        }
        if self.cluster.nodes[node.index()].is_deleted() {
            self.cluster.pod_gc.is_deleted(node);
        }
        if self.kubelet_hears(node) {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            let life = self.cluster.pods[pod.index()].life();
            future.schedule(heard, Event::Pod(pod, life, PodStep::Seen));
        }
    }

    /// A binding failed: the scheduler forgets it and tries the pod again after a pause.
    pub(crate) fn binding_failed(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        if state.object() == Object::Pending && state.node == Some(node) && self.leader(SCHEDULER).is_some() {
            self.give_up_node(pod);
            let again = now + self.plan.parameters.controllers.retry_backoff;
            self.cluster.scheduler.push(pod, again);
            self.serve_next(now, future);
        }
    }

    /// The room that was reserved for a pod without a binding is free.
    pub(crate) fn give_up_node(&mut self, pod: PodId) {
        let state = &mut self.cluster.pods[pod.index()];
        if let Some(node) = state.node.take() {
            self.cluster.placement.uncount(state.deployment, node);
            self.cluster.placement.free(state.deployment, node);
        }
    }
}
