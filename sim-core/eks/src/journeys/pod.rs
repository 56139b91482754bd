//! A pod on its node, and its way into and out of the services:
//!
//! ```text
//! bound -> Seen -> sandbox -> (its images: image_pull.rs) -> start, first probe -> Ready -> ReportPodReady -> Published: it serves
//! deleted -> DeletionSeen -> Stopped -> RemovePod: gone       not ready, deleted -> Withdrawn: no new connections
//! node dies -> its containers are dead at once; it stays listed until somebody notices
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::cluster::Watcher;
use crate::event::{Event, Future, PodStep};
use crate::ids::{NodeId, PodId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::services::pod::{Containers, Object, Owner, Pod};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const START: Purpose = Purpose::new("pod/start");
const REPORT_RETRY: Purpose = Purpose::new("pod/report-retry");

/// What a start of a pod takes of time.
pub(crate) struct StartTimes {
    sandbox: SimDuration,
    /// Until the registry has answered for its first image, if that is pulled.
    pub(crate) registry: SimDuration,
    /// To create and start its own container.
    start: SimDuration,
    /// From there to its first passed readiness probe.
    probe: SimDuration,
}

impl World {
    /// A pod has come a step further.
    pub(crate) fn pod(&mut self, now: SimTime, pod: PodId, life: u32, step: PodStep, future: &mut Future) {
        let is_stale = self.cluster.pods[pod.index()].life() != life;
        match step {
            PodStep::Seen | PodStep::DeletionSeen => self.kubelet_turns_to(now, pod, future),
            PodStep::NeedsImage | PodStep::Started | PodStep::Ready | PodStep::Stopped if is_stale => {}
            PodStep::NeedsImage => self.pod_needs_image(now, pod, future),
            PodStep::Started => {
                self.change_pod(now, pod, Pod::has_started);
                self.kubelet_turns_to(now, pod, future);
            }
            PodStep::FinishSeen => self.finish_is_seen(now, pod, future),
            PodStep::Ungated => self.gate_is_lifted(now, pod, future),
            PodStep::Ready => {
                self.change_pod(now, pod, Pod::runs);
                self.work_begins(now, pod, future);
                self.network_may_come(now, pod, future);
                if self.cluster.pods[pod.index()].is_ready() {
                    self.stateful_pod_is_ready(now, pod); // nobody had noticed
                }
                self.kubelet_turns_to(now, pod, future);
            }
            PodStep::Stopped => {
                self.change_pod(now, pod, Pod::has_stopped);
                self.pod_returns_address(now, pod, future);
                self.kubelet_turns_to(now, pod, future);
            }
            PodStep::Published | PodStep::Withdrawn => self.rules_change(now, pod),
        }
    }

    /// kube-proxies change their rules for a pod. While none of them hears from the API, all keep the rules that they have.
    fn rules_change(&mut self, now: SimTime, pod: PodId) {
        let mut nodes = (0..self.cluster.node_count()).map(NodeId);
        if !nodes.any(|node| self.kubelet_hears(node)) {
            return self.cluster.unheard.push(pod);
        }
        self.change_pod(now, pod, Pod::is_propagated);
        self.cluster.pods.free_if_over(pod);
    }

    /// A kube-proxy hears from the API again: the rules that nobody has changed meanwhile follow.
    fn rules_follow(&mut self, now: SimTime, future: &mut Future) {
        let mut turn = now;
        for pod in std::mem::take(&mut self.cluster.unheard) {
            turn += self.plan.parameters.kubelet.pod_pace;
            future.schedule(turn, Event::Pod(pod, self.cluster.pods[pod.index()].life(), PodStep::Withdrawn));
        }
    }

    /// A kubelet has a new connection and lists its pods: it learns what it missed, and reports what it could not.
    pub(crate) fn kubelet_listed(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        self.rules_follow(now, future);
        let mut turn = now;
        for &pod in self.cluster.nodes[node.index()].pods() {
            let state = &self.cluster.pods[pod.index()];
            if !state.is_at_rest() {
                turn += self.plan.parameters.kubelet.pod_pace;
                future.schedule(turn, Event::Pod(pod, state.life(), PodStep::Seen));
            }
        }
    }

    /// A kubelet compares what the API wants of a pod with what runs, and does the next thing.
    pub(crate) fn kubelet_turns_to(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let Some(node) = state.node else { return };
        let host = &self.cluster.nodes[node.index()];
        let has_network = host.has_network() || host.lives() && self.is_in_host_network(state);
        if state.reports || !has_network || !self.kubelet_hears(node) {
            return;
        }
        match (state.object(), state.containers()) {
            (Object::Bound, Containers::Absent) => self.start_pod(now, pod, node, future),
            (Object::Bound, Containers::Started) if !state.start_is_told() => {
                self.report(now, pod, node, Aim::ReportPodStarted(pod), future);
            }
            (Object::Bound, Containers::Stopped) => {
                self.report(now, pod, node, Aim::ReportPodFinished(pod), future);
            }
            (Object::Bound, Containers::Running) if !state.is_ready() => {
                self.report(now, pod, node, Aim::ReportPodReady(pod), future);
            }
            (Object::Terminating, Containers::Starting | Containers::Started | Containers::Running) => {
                self.change_pod(now, pod, Pod::stops);
                let state = &self.cluster.pods[pod.index()];
                let life = state.life();
                let stop = self.plan.pod_start(state.deployment).stop;
                let takes = stop.takes(self.plan.parameters.pod.termination_grace);
                future.schedule(now + takes, Event::Pod(pod, life, PodStep::Stopped));
            }
            (Object::Terminating, Containers::Absent | Containers::Stopped) => {
                self.confirm_end(now, pod, node, future);
            }
            _ => {}
        }
    }

    /// A kubelet confirms that a pod is gone, once nothing of it is left on the node.
    fn confirm_end(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        if !self.keeps_volume(now, pod, node, future) {
            self.report(now, pod, node, Aim::RemovePod(pod), future);
        }
    }

    fn start_pod(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        if self.lacks_volume(now, pod, node, future) {
            return;
        }
        if self.brings_network(&self.cluster.pods[pod.index()]) {
            return match self.unmet_need(pod, node) {
                Some(service) => self.pod_waits(now, pod, node, service, future),
                None => self.start_network(now, pod, node, future),
            };
        }
        if !self.pod_takes_address(now, pod, node, future) {
            return self.pod_waits_for_address(now, pod, node, future);
        }
        let state = &mut self.cluster.pods[pod.index()];
        let workload = state.deployment;
        state.starts();
        self.micro_vm_is_billed(now, workload, node);
        let state = &mut self.cluster.pods[pod.index()];
        state.pulled = SimDuration::ZERO;
        let life = state.life();
        self.start_needs_no_more(pod);
        let sandbox = now + self.start_times(pod).sandbox;
        match self.has_all_images(pod, node) {
            true => self.own_container_starts(sandbox, pod, future),
            false => future.schedule(sandbox, Event::Pod(pod, life, PodStep::NeedsImage)),
        }
    }

    /// A pod's own container begins to start at `from`.
    pub(crate) fn own_container_starts(&mut self, from: SimTime, pod: PodId, future: &mut Future) {
        let times = self.start_times(pod);
        let state = &self.cluster.pods[pod.index()];
        let (life, started) = (state.life(), from + times.start);
        if !state.is_served() || times.probe == SimDuration::ZERO {
            return future.schedule(started, Event::Pod(pod, life, PodStep::Ready));
        }
        future.schedule(started, Event::Pod(pod, life, PodStep::Started));
        future.schedule(started + times.probe, Event::Pod(pod, life, PodStep::Ready));
    }

    /// What a start of a pod takes of time, but for what its images take to come.
    pub(crate) fn start_times(&self, pod: PodId) -> StartTimes {
        let state = &self.cluster.pods[pod.index()];
        let mut draw = self.key.draw(START, state.entity(), u64::from(state.life()));
        let parameters = &self.plan.parameters.pod;
        let sandbox = parameters.sandbox_time.duration(&mut draw);
        let registry = self.plan.parameters.image.request_time.duration(&mut draw);
        let start = parameters.start_time.duration(&mut draw);
        let usual = parameters.readiness_delay.duration(&mut draw);
        let own = self.plan.pod_start(state.deployment).readiness;
        StartTimes { sandbox, registry, start, probe: own.map_or(usual, |own| own.passes_after()) }
    }

    fn report(&mut self, now: SimTime, pod: PodId, node: NodeId, aim: Aim, future: &mut Future) {
        let state = &mut self.cluster.pods[pod.index()];
        state.reports = true;
        let cause = state.story;
        self.call(now, Caller::Kubelet(node), aim, cause, future);
    }

    /// A kubelet's report about a pod has ended. One whose connection is broken goes on when it lists again.
    pub(crate) fn pod_report_ended(&mut self, now: SimTime, pod: PodId, outcome: Outcome, future: &mut Future) {
        let state = &mut self.cluster.pods[pod.index()];
        state.reports = false;
        let life = state.life();
        match outcome {
            Outcome::Abandoned => {}
            Outcome::Succeeded => self.kubelet_turns_to(now, pod, future),
            _ => {
                // Drawn in part, so that reports that fail together are not repeated at one instant.
                let (entity, ordinal) = (state.entity(), state.next_draw());
                let share = self.key.draw(REPORT_RETRY, entity, ordinal).uniform();
                let parameters = &self.plan.parameters.kubelet;
                let again = now + parameters.report_retry + parameters.pod_pace.scaled(share);
                future.schedule(again, Event::Pod(pod, life, PodStep::Seen));
            }
        }
    }

    /// The API knows that a pod's containers have started, and those who watch it learn of it.
    pub(crate) fn start_is_reported(&mut self, now: SimTime, pod: PodId) {
        let state = &mut self.cluster.pods[pod.index()];
        let counts = state.object() == Object::Bound && !state.is_unschedulable && !state.is_daemon();
        if state.tells_start() && counts {
            let (created, pulled) = (state.created, state.pulled);
            let seen = now + self.watch_delay(Watcher::Pod(pod));
            let took = SimDuration::from_nanos(seen.saturating_since(created + pulled).as_nanos());
            self.cluster.latency.pod_starts(now, took);
        }
    }

    /// The API's Ready condition of a pod changes, and endpoints follow.
    pub(crate) fn readiness_changes(&mut self, now: SimTime, pod: PodId, ready: bool, future: &mut Future) {
        let state = &mut self.cluster.pods[pod.index()];
        if !state.becomes_ready(ready) {
            return;
        }
        let ready = state.is_ready();
        if ready {
            self.pod_without_room_ends(now, pod, true);
        }
        let state = &self.cluster.pods[pod.index()];
        match state.owner() {
            Owner::Set => {}
            Owner::DaemonSet(_) => return self.daemon_readiness_changes(now, pod, ready, future),
            Owner::Job | Owner::Nobody(_) => return, // no Service stands in front of it
        }
        self.service_changes(now, pod, future);
        let set = self.cluster.set_of(pod);
        self.cluster.replica_sets[set.index()].readiness_changes(ready);
        self.replica_set_hears(now, set, future);
        if ready {
            self.stateful_pod_is_ready(now, pod);
        }
    }

    /// A pod gets a deletion time: its ReplicaSet no longer counts it, its endpoint goes, its kubelet is to stop it.
    pub(crate) fn pod_is_deleted(&mut self, now: SimTime, pod: PodId, cause: Cause, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (deployment, node) = (state.deployment, state.node);
        match (state.object(), node) {
            (Object::Bound, Some(node)) => {
                let cause = self.note_eviction(now, pod, node, cause);
                if self.cluster.pods[pod.index()].is_evicted {
                    self.stateful_pod_is_missed(now, pod, cause);
                }
                self.cluster.pods[pod.index()].is_deleted();
                self.readiness_changes(now, pod, false, future);
                self.cluster.placement.uncount(deployment, node);
                self.job_pod_is_lost(now, pod, future);
                self.replica_is_lost(now, pod, cause, future);
                if self.kubelet_hears(node) {
                    let heard = now + self.watch_delay(Watcher::Pod(pod));
                    let life = self.cluster.pods[pod.index()].life();
                    future.schedule(heard, Event::Pod(pod, life, PodStep::DeletionSeen));
                }
            }
            (Object::Pending, _) => self.pod_goes(now, pod, cause, future),
            _ => {}
        }
    }

    fn note_eviction(&mut self, now: SimTime, pod: PodId, node: NodeId, cause: Cause) -> Cause {
        if !self.cluster.pods[pod.index()].is_evicted {
            return cause;
        }
        self.cluster.probe.pod_is_evicted(now);
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let note = || format!("pod evicted from a tainted node, {name}");
        self.probes.timeline.note(now, Weight::Step, cause, "pod/evicted", u64::from(zone.0), note).or(cause)
    }

    /// A pod's object goes, and with it its claim to room.
    pub(crate) fn pod_goes(&mut self, now: SimTime, pod: PodId, cause: Cause, future: &mut Future) {
        let (object, deployment) = {
            let state = &self.cluster.pods[pod.index()];
            (state.object(), state.deployment)
        };
        if object == Object::Gone {
            return;
        }
        self.micro_vm_may_lose(now, pod, future);
        if object == Object::Pending {
            self.give_up_node(now, pod);
            self.denominate(pod);
            self.gated_pod_goes(pod);
        }
        self.pod_without_room_ends(now, pod, false);
        let node = self.cluster.pods[pod.index()].node;
        if let Some(node) = node {
            if object == Object::Bound {
                self.cluster.placement.uncount(deployment, node);
            }
            if object != Object::Finished {
                self.free_room(now, deployment, node);
            }
            self.cluster.nodes[node.index()].loses(pod);
            self.node_may_be_empty(now, node, future);
        }
        self.change_pod(now, pod, Pod::is_gone);
        self.pod_returns_address(now, pod, future);
        self.start_needs_no_more(pod);
        self.cluster.pod_gc.is_gone(pod, self.cluster.pods[pod.index()].created);
        self.cluster.forget_pod(object == Object::Pending);
        self.readiness_changes(now, pod, false, future);
        if let Owner::DaemonSet(of) = self.cluster.pods[pod.index()].owner() {
            self.daemon_is_gone(now, pod, of, future);
        } else if self.cluster.pods[pod.index()].is_served() && object == Object::Terminating {
            let set = self.cluster.set_of(pod);
            self.cluster.replica_sets[set.index()].is_rid_of_a_pod();
            if self.cluster.replica_sets[set.index()].is_stateful {
                let story = &mut self.cluster.deployments[deployment.index()].story;
                *story = cause.or(*story);
                self.replica_set_hears(now, set, future);
            }
        } else {
            self.replica_is_lost(now, pod, cause, future);
        }
        self.job_pod_is_lost(now, pod, future);
        self.stateful_pod_is_gone(now, pod, future);
        self.cluster.pods.free_if_over(pod);
        if object != Object::Finished && node.is_some_and(|node| self.cluster.placement.is_open(node)) {
            self.room_appears(now, future);
        }
    }

    fn replica_is_lost(&mut self, now: SimTime, pod: PodId, cause: Cause, future: &mut Future) {
        if !self.cluster.pods[pod.index()].is_served() {
            return; // nobody replaces it, or not before it is gone
        }
        let (deployment, set) = (self.cluster.pods[pod.index()].deployment, self.cluster.set_of(pod));
        let state = &mut self.cluster.replica_sets[set.index()];
        if self.cluster.pods[pod.index()].object() == Object::Terminating {
            state.terminates_a_pod();
        } else {
            state.loses_a_pod();
        }
        self.cluster.deployments[deployment.index()].story = cause;
        self.replica_set_hears(now, set, future);
    }

    /// Changes a pod, and keeps the books of who serves.
    pub(crate) fn change_pod(&mut self, now: SimTime, pod: PodId, change: impl FnOnce(&mut Pod)) {
        let state = &mut self.cluster.pods[pod.index()];
        let before = state.standing();
        change(state);
        let after = state.standing();
        if before == after {
            return;
        }
        let (deployment, cause) = (state.deployment, state.story);
        if before.listed != after.listed {
            self.webhooks.lists(deployment.index(), pod, after.listed);
            self.coredns.lists(deployment, pod, after.listed);
        }
        if state.is_daemon() {
            return self.cluster.probe.waiting_changes(now, before, after);
        }
        let is_planned = state.node.is_some_and(|node| self.cluster.nodes[node.index()].takes_no_pods());
        let of = &mut self.cluster.deployments[deployment.index()];
        of.serving = of.serving + u32::from(after.serving) - u32::from(before.serving);
        of.listed = of.listed + u32::from(after.listed) - u32::from(before.listed);
        let deployments = &self.cluster.deployments;
        if self.cluster.probe.standing_changes(now, deployment, deployments, before, after, is_planned) {
            self.note_whole(now, cause);
        }
    }

    /// Every Deployment serves in full again.
    pub(crate) fn note_whole(&mut self, now: SimTime, cause: Cause) {
        self.probes.timeline.note(now, Weight::Turn, cause, "workload/whole", 0, || {
            "every Deployment has all its pods serving again".to_owned()
        });
    }
}
