//! A pod without a node:
//!
//! ```text
//! created -> the scheduler hears -> queue -> one cycle: filter, score -> assumed -> BindPod -> bound
//!                                     ^---- back-off <- something helps <- no node: parked
//! ```
//!
//! One pod is in its cycle at a time; bindings go on beside it, behind the client's rate limit. A cycle looks at the
//! cluster as it is when it begins, and takes the time that its work takes.

use crate::aim::Aim;
use crate::cluster::{Clock, Watcher};
use crate::event::{Event, Future, PodStep, SchedulerClock};
use crate::ids::{Component, DeploymentId, NodeId, PodId};
use crate::record::Weight;
use crate::stations::control_plane::placement::Found;
use crate::stations::control_plane::scheduler::Reasons;
use crate::stations::services::pod::{Object, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const SCHEDULER: Component = Component::Scheduler;
const CYCLE: Purpose = Purpose::new("scheduler/cycle");

impl World {
    /// The scheduler begins: it lists all pods without a node, and knows of no binding under way.
    pub(crate) fn scheduler_begins(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(SCHEDULER) else { return };
        let round = self.plan.parameters.scheduler.backoff_flush;
        let phase = self.first_tick(now, round, generation, Clock::SchedulerQueue);
        self.cluster.scheduler.begins(phase);
        for index in 0..self.cluster.pods.len() {
            let pod = PodId(index as u32);
            if self.cluster.pods[index].object() == Object::Pending && !self.is_for_fargate(pod) {
                self.give_up_node(now, pod);
                self.enqueue(now, pod);
            }
        }
        self.serve_next(now, future);
    }

    /// A pod without a node is created: the scheduler will hear of it.
    pub(crate) fn scheduler_hears(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.is_for_fargate(pod) {
            return self.fargate_hears(now, pod, future);
        }
        if let Some((_, generation)) = self.leader(SCHEDULER) {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            future.schedule(heard, Event::SchedulerHears(pod, generation));
        }
    }

    /// The scheduler has heard of a pod; one that began since then has listed it.
    pub(crate) fn scheduler_learns(&mut self, now: SimTime, pod: PodId, generation: u32, future: &mut Future) {
        if self.acts(SCHEDULER, generation) && self.cluster.pods[pod.index()].object() == Object::Pending {
            self.enqueue(now, pod);
            self.serve_next(now, future);
        }
    }

    /// A pod comes into the queue, unless it is gated.
    fn enqueue(&mut self, now: SimTime, pod: PodId) {
        match self.cluster.pods[pod.index()].is_gated {
            true => self.cluster.scheduler.gate(pod, true),
            false => self.cluster.scheduler.push(now, pod, self.priority_of(pod)),
        }
    }

    /// A pod is created: it may be for Fargate, and may bear a gate for a while, of which the scheduler hears with it.
    pub(crate) fn gate_may_be_set(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        self.fargate_may_take(pod);
        let state = &mut self.cluster.pods[pod.index()];
        let planned = self.plan.deployments.get(state.deployment.index());
        let Some(time) = planned.and_then(|planned| planned.control.placing.gated_for) else { return };
        state.is_gated = true;
        future.schedule(now + time, Event::Pod(pod, state.life(), PodStep::Ungated));
    }

    /// The gates of the pods that are there from the start are lifted later.
    pub(crate) fn gates_at_start(&mut self, future: &mut Future) {
        let is_gated = |planned: &crate::plan::Deployment| planned.control.placing.gated_for.is_some();
        if self.plan.deployments.iter().any(is_gated) {
            for pod in (0..self.cluster.pods.len() as u32).map(PodId) {
                if self.cluster.pods[pod.index()].object() == Object::Pending {
                    self.gate_may_be_set(SimTime::ZERO, pod, future);
                }
            }
        }
    }

    /// A pod's gate is gone: the scheduler will hear of it.
    pub(crate) fn gate_is_lifted(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.cluster.pods[pod.index()].object() == Object::Pending {
            self.gated_pod_goes(pod);
            self.cluster.pods[pod.index()].is_gated = false;
            self.scheduler_hears(now, pod, future);
        }
    }

    /// A gated pod is no longer one of those that the scheduler keeps aside.
    pub(crate) fn gated_pod_goes(&mut self, pod: PodId) {
        if self.cluster.pods[pod.index()].is_gated {
            self.cluster.scheduler.gate(pod, false);
        }
    }

    /// A pod has left a node: room has appeared for pods that had found none.
    pub(crate) fn room_appears(&mut self, now: SimTime, future: &mut Future) {
        self.scheduler_is_helped(now, Reasons::ROOM, future);
    }

    /// A node is open to pods.
    pub(crate) fn node_opens(&mut self, now: SimTime, future: &mut Future) {
        self.scheduler_is_helped(now, Reasons::ROOM.and(Reasons::NODE).and(Reasons::PODS), future);
    }

    fn scheduler_is_helped(&mut self, now: SimTime, change: Reasons, future: &mut Future) {
        if self.leader(SCHEDULER).is_some() {
            let alarm = self.cluster.scheduler.may_help(now, change);
            self.await_queues(alarm, future);
            self.serve_next(now, future);
        }
    }

    fn await_queues(&self, alarm: Option<SimTime>, future: &mut Future) {
        if let (Some(at), Some((_, generation))) = (alarm, self.leader(SCHEDULER)) {
            future.schedule(at, Event::Scheduler(generation, SchedulerClock::Look));
        }
    }

    /// A clock of the scheduler.
    pub(crate) fn scheduler(&mut self, now: SimTime, generation: u32, clock: SchedulerClock, future: &mut Future) {
        if !self.acts(SCHEDULER, generation) {
            return;
        }
        // A look that is due as a pod is done with comes before, whichever of the two is told first.
        let alarm = self.cluster.scheduler.rings(now);
        self.await_queues(alarm, future);
        if clock == SchedulerClock::Next {
            self.cycle_ends(now, future);
        }
        self.serve_next(now, future);
    }

    /// The next pod's cycle begins, if none is under way.
    fn serve_next(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(SCHEDULER) else { return };
        while let Some(waiting) = self.cluster.scheduler.serve() {
            let state = &self.cluster.pods[waiting.pod.index()];
            if state.object() != Object::Pending || state.node.is_some() {
                self.cluster.scheduler.served(); // deleted meanwhile
                continue;
            }
            let found = self.search_with_nominations(waiting.pod, |world| world.search(waiting.pod));
            self.cluster.found = found;
            let (candidate, dry_runs) = match found.node {
                Some(_) => (None, SimDuration::ZERO),
                None => self.dry_runs(waiting.pod),
            };
            self.cluster.candidate = candidate;
            let time = self.cycle_time(waiting.pod, found) + dry_runs;
            self.cluster.scheduler.takes(time);
            future.schedule(now + time, Event::Scheduler(generation, SchedulerClock::Next));
        }
    }

    /// The node for a pod. That of a DaemonSet has one node to go to, and no other is looked at.
    fn search(&mut self, pod: PodId) -> Found {
        let state = &self.cluster.pods[pod.index()];
        match state.owner() {
            Owner::DaemonSet(node) if self.daemon_may_run(state.deployment, node) => {
                self.cluster.placement.search_on(state.deployment, node)
            }
            Owner::DaemonSet(_) => Found { node: None, filtered: 1, scored: 0 },
            _ => {
                let pinned = self.cluster.volumes.zone_of(pod);
                self.cluster.placement.search_in(state.deployment, pinned)
            }
        }
    }

    /// What a cycle takes: a part for the pod, and one for each node that is looked at and scored.
    fn cycle_time(&mut self, pod: PodId, found: Found) -> SimDuration {
        let state = &mut self.cluster.pods[pod.index()];
        let mut draw = self.key.draw(CYCLE, state.entity(), state.next_draw());
        let scheduler = &self.plan.parameters.scheduler;
        let on_nodes =
            scheduler.filter_time * u64::from(found.filtered) + scheduler.score_time * u64::from(found.scored);
        scheduler.cycle_time.duration(&mut draw) + on_nodes / scheduler.parallelism
    }

    fn cycle_ends(&mut self, now: SimTime, future: &mut Future) {
        let waiting = self.cluster.scheduler.served().expect("the scheduler serves until it is done");
        let pod = waiting.pod;
        let state = &self.cluster.pods[pod.index()];
        let deployment = state.deployment;
        if state.object() != Object::Pending || state.node.is_some() {
            return; // deleted meanwhile
        }
        let Some(node) = self.cluster.found.node else {
            let reasons = self.cluster.placement.keeps_away(deployment);
            let alarm = self.cluster.scheduler.park(now, waiting, reasons);
            self.await_queues(alarm, future);
            self.note_no_room(now, pod, deployment);
            if let Some(candidate) = self.cluster.candidate.take() {
                self.preempt(now, pod, &candidate, future);
            }
            return;
        };
        self.denominate(pod);
        self.take_room(now, deployment, node);
        let state = &mut self.cluster.pods[pod.index()];
        state.node = Some(node);
        let cause = state.story;
        if !self.creates_volume(now, pod, node, future) {
            self.order(now, Aim::BindPod(pod, node), cause, future);
        }
        let alarm = self.cluster.scheduler.may_help(now, Reasons::PODS);
        self.await_queues(alarm, future);
    }

    fn note_no_room(&mut self, now: SimTime, pod: PodId, deployment: DeploymentId) {
        let state = &mut self.cluster.pods[pod.index()];
        if std::mem::replace(&mut state.is_unschedulable, true) {
            return;
        }
        let cause = state.story;
        let name = self.plan.workload_name(deployment.index());
        let zone = self.cluster.volumes.zone_of(pod).map(|zone| self.zone_name(zone));
        let kind = if zone.is_some() { "pod/bound-to-zone" } else { "pod/no-room" };
        let and = if self.plan.cluster.fargate_profiles.is_empty() { "" } else { " and no Fargate profile selects it" };
        let text = || match zone {
            Some(zone) => format!("a pod of {name} is Pending: its volume lies in {zone}, where no node has room"),
            None => format!("no node has room for a pod of {name}{and}: it is Pending"),
        };
        self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(deployment.0), text);
        self.cluster_autoscaler_hears(now, pod);
    }

    /// A pod is bound; its kubelet hears of it if its connection lives, and lists it later otherwise.
    pub(crate) fn pod_is_bound(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let deployment = state.deployment;
        if state.object() != Object::Pending {
            return; // Bound by the order of an earlier leader, or deleted meanwhile.
        }
        if state.node != Some(node) {
            self.give_up_node(now, pod);
            self.take_room(now, deployment, node);
        }
        self.change_pod(now, pod, |pod| pod.is_bound(node));
        self.cluster.probe.pod_is_bound();
        let state = &self.cluster.pods[pod.index()];
        self.cluster.latency.pod_is_bound(now, state.created, !state.is_unschedulable);
        self.cluster.nodes[node.index()].binds(pod);
        self.volume_may_move(now, pod, future);
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

    /// A binding failed: the scheduler forgets it and tries the pod again after its back-off.
    pub(crate) fn binding_failed(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        if state.object() == Object::Pending && state.node == Some(node) && self.leader(SCHEDULER).is_some() {
            self.give_up_node(now, pod);
            let alarm = self.cluster.scheduler.back_off(now, pod, self.priority_of(pod));
            self.await_queues(alarm, future);
        }
    }

    /// The room that was reserved for a pod without a binding is free.
    pub(crate) fn give_up_node(&mut self, now: SimTime, pod: PodId) {
        let state = &mut self.cluster.pods[pod.index()];
        let deployment = state.deployment;
        if let Some(node) = state.node.take() {
            self.cluster.placement.uncount(deployment, node);
            self.free_room(now, deployment, node);
        }
    }
}
