//! A node's death as the node lifecycle controller lives it:
//!
//! ```text
//! last heartbeat -> a look, grace later -> MarkNotReady -> next look -> queue of the zone -> token -> TaintNoExecute
//!                                              |                                                      -> 300 s -> DeletePod
//!                                              '-> MarkPodNotReady, pod by pod: they leave the endpoints
//! ready again    -> next look -> RemoveTaints: what was not evicted yet stays
//! ```
//!
//! A look has its workers, each with one node at a time; the next look begins a period after the last worker is done. So
//! the loss of many pods at once, at the rate of one client, delays whatever the controller does next.

use crate::aim::Aim;
use crate::cluster::{Clock, Watcher};
use crate::event::{Event, Future, NodeLifecycleClock, PodStep};
use crate::ids::{Component, Controller, NodeId, PodId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::control_plane::node_lifecycle::{Look, ZoneState};
use crate::stations::network::ConnectionState;
use crate::stations::services::pod::Containers;
use crate::world::World;
use sim_kernel::SimTime;

const CONTROLLERS: Component = Component::ControllerManager;
const LIFECYCLE: Controller = Controller::NodeLifecycle;

/// The bit of a key that says that its node is Ready again; without it, that its heartbeats have ceased.
const REACHABLE: u32 = 1;

impl World {
    /// The controller begins: no node has been heard of, no taint is queued, and every toleration starts again.
    pub(crate) fn node_lifecycle_begins(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        let periods = &self.plan.parameters.node_lifecycle;
        let (look, poll) = (periods.monitor_period, periods.eviction_poll);
        let first = self.first_tick(now, look, generation, Clock::NodeMonitor);
        self.cluster.lifecycle.begins(first, self.first_tick(now, poll, generation, Clock::TaintPoll));
        self.cluster.taint_alarm = None;
        future.schedule(first, Event::NodeLifecycle(generation, NodeLifecycleClock::Monitor));
        for node in (0..self.cluster.node_count()).map(NodeId) {
            if self.cluster.nodes[node.index()].is_out_of_service() {
                self.evict_from_out_of_service(now, node, future);
            }
            let state = &mut self.cluster.nodes[node.index()];
            if state.is_tainted_no_execute() && !state.is_deleted() {
                state.restart_tolerations();
                // One node after another, so that no two tolerations end at one instant.
                let turn = now + self.plan.parameters.controllers.pace * u64::from(node.0);
                self.tolerations_begin(turn, node, future);
            }
        }
    }

    /// A clock of the controller.
    #[cold]
    pub(crate) fn node_lifecycle(
        &mut self,
        now: SimTime,
        generation: u32,
        clock: NodeLifecycleClock,
        future: &mut Future,
    ) {
        if !self.acts(CONTROLLERS, generation) {
            return;
        }
        match clock {
            NodeLifecycleClock::Monitor => {
                self.look_at_nodes(now, future);
            }
            NodeLifecycleClock::Evict if self.cluster.taint_alarm == Some(now) => {
                self.cluster.taint_alarm = None;
                self.taint_nodes(now, future);
            }
            NodeLifecycleClock::Evict => {}
        }
    }

    /// A heartbeat is in etcd.
    #[inline]
    pub(crate) fn heartbeat(&mut self, now: SimTime, node: NodeId) {
        let seen = now + self.watch_delay(Watcher::Heartbeat(node));
        self.cluster.lifecycle.heartbeat(node, now, seen);
    }

    fn look_at_nodes(&mut self, now: SimTime, future: &mut Future) {
        let mut look = std::mem::take(&mut self.cluster.look);
        self.cluster.lifecycle.look(now, &mut look);
        self.note_zones(now, &look);
        let keys = &mut self.cluster.work[LIFECYCLE.index()];
        look.expired.drain(..).for_each(|node| keys.add(node.0 << 1));
        look.reachable.drain(..).for_each(|node| keys.add(node.0 << 1 | REACHABLE));
        self.cluster.lifecycle.take_unfinished().into_iter().for_each(|key| keys.add(key));
        look.zones.clear();
        look.all_dark = None;
        self.cluster.look = look;
        self.work(now, LIFECYCLE, future);
        self.await_taints(now, future);
        self.look_may_end(now, future);
    }

    fn look_may_end(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(CONTROLLERS) else { return };
        if self.cluster.work[LIFECYCLE.index()].is_idle()
            && let Some(next) = self.cluster.lifecycle.look_ends(now)
        {
            future.schedule(next, Event::NodeLifecycle(generation, NodeLifecycleClock::Monitor));
        }
    }

    /// A worker takes a node that a look found. Whether it waits for answers.
    pub(crate) fn sync_node(&mut self, now: SimTime, key: u32, future: &mut Future) -> bool {
        let node = NodeId(key >> 1);
        if key & REACHABLE == 0 && !self.cluster.lifecycle.is_given_up(node, now) {
            return false;
        }
        let state = &self.cluster.nodes[node.index()];
        let (aim, cause) = match (key & REACHABLE, state.ready()) {
            (REACHABLE, _) if state.is_tainted() => (Aim::RemoveTaints(node), state.story),
            (0, Some(Ready::True | Ready::False)) => (Aim::MarkNotReady(node), self.trouble_of(node)),
            (0, Some(Ready::Unknown)) => return self.mark_pods(now, node, future),
            _ => return false,
        };
        self.order(now, aim, cause, future);
        true
    }

    /// A worker has an answer about its node: the next pod follows, or it is done.
    pub(crate) fn node_answered(&mut self, now: SimTime, aim: Aim, succeeded: bool, future: &mut Future) {
        let (node, kind) = match aim {
            Aim::MarkNotReady(node) | Aim::MarkPodNotReady(_, node) => (node, 0),
            Aim::RemoveTaints(node) => (node, REACHABLE),
            _ => unreachable!("only orders of a look come here"),
        };
        let key = node.0 << 1 | kind;
        let goes_on = succeeded
            && match aim {
                Aim::MarkNotReady(_) => self.mark_pods(now, node, future),
                Aim::MarkPodNotReady(..) => self.mark_next_pod(now, node, future),
                _ => false,
            };
        if goes_on {
            return;
        }
        if !succeeded {
            self.cluster.marking.retain(|(marked, _)| *marked != node);
            self.cluster.lifecycle.is_unfinished(key);
        }
        self.sync_ends(now, LIFECYCLE, key, true, future);
        self.look_may_end(now, future);
    }

    /// A worker begins to mark the pods of a node not ready that the API calls so. Whether there is one.
    fn mark_pods(&mut self, now: SimTime, node: NodeId, future: &mut Future) -> bool {
        let pods = self.cluster.nodes[node.index()].pods().iter().rev();
        let ready = pods.copied().filter(|pod| self.cluster.pods[pod.index()].is_ready()).collect();
        self.cluster.marking.push((node, ready));
        self.mark_next_pod(now, node, future)
    }

    fn mark_next_pod(&mut self, now: SimTime, node: NodeId, future: &mut Future) -> bool {
        let Some(at) = self.cluster.marking.iter().position(|(marked, _)| *marked == node) else { return false };
        let Some(pod) = self.cluster.marking[at].1.pop() else {
            self.cluster.marking.swap_remove(at);
            return false;
        };
        let cause = self.cluster.nodes[node.index()].story;
        self.order(now, Aim::MarkPodNotReady(pod, node), cause, future);
        true
    }

    /// Why a node's heartbeats do not arrive: its own death, or the trouble of its kubelet's connection.
    fn trouble_of(&self, node: NodeId) -> Cause {
        let state = &self.cluster.nodes[node.index()];
        let kubelet = self.kubelets.get(node.index()).filter(|_| state.lives());
        let Some(connection) = kubelet.map(|kubelet| self.connections.at(kubelet.connection)) else {
            return state.story;
        };
        let on_the_way = match connection.state {
            ConnectionState::Open { silent: Some((_, cause)), .. } => cause,
            ConnectionState::Dialing { address, .. } => self.cause_at(connection.origin, address),
            _ => None,
        };
        on_the_way.or(connection.cause)
    }

    fn note_zones(&mut self, now: SimTime, look: &Look) {
        let mut last = None;
        for &(zone, before, after) in &look.zones {
            let name = self.zone_name(zone);
            let heals = matches!((before, after), (_, ZoneState::Normal) | (ZoneState::Full, ZoneState::Partial));
            let relief = if heals { self.relief_of(zone, look) } else { None };
            let cause = relief.or_else(|| self.trouble_in(zone, look));
            let kind = match after {
                ZoneState::Normal => "zone/normal",
                ZoneState::Partial => "zone/partial",
                ZoneState::Full => "zone/full",
            };
            let fact = self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), || {
                format!("nodes of {name}: {} -> {}", before.name(), after.name())
            });
            last = fact.or(last);
        }
        match look.all_dark {
            Some(true) => {
                self.probes.timeline.note(now, Weight::Turn, last, "evictions/stop", 0, || {
                    "no node of any zone is Ready: evictions stop".to_owned()
                });
            }
            Some(false) => {
                self.probes.timeline.note(now, Weight::Turn, last, "evictions/resume", 0, || {
                    "a zone is alive again: evictions may go on, all clocks start again".to_owned()
                });
            }
            None => {}
        }
    }

    /// Why nodes of a zone are NotReady: the zone's own trouble, that of the nodes which this look found, or that of
    /// its first unhealthy node.
    fn trouble_in(&self, zone: ZoneId, look: &Look) -> Cause {
        let dark = self.zones.dark_since(zone).and_then(|(_, cause)| cause);
        let mut found = look.expired.iter().filter(|node| self.cluster.zone_of(**node) == zone);
        let is_unhealthy = |node: &&Node| node.zone == zone && (!node.lives() || node.ready() != Some(Ready::True));
        let mut unhealthy = self.cluster.nodes.iter().filter(is_unhealthy);
        dark.or_else(|| found.find_map(|node| self.trouble_of(*node))).or_else(|| unhealthy.find_map(|node| node.story))
    }

    /// Why nodes of a zone are Ready again: the story of the first that this look found.
    fn relief_of(&self, zone: ZoneId, look: &Look) -> Cause {
        let mut found = look.reachable.iter().filter(|node| self.cluster.zone_of(**node) == zone);
        found.find_map(|node| self.cluster.nodes[node.index()].story)
    }

    /// A node's Ready condition is Unknown: it is closed for new pods, and its pods count as not ready.
    pub(crate) fn node_is_given_up(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let was = self.cluster.nodes[node.index()].ready();
        if !self.cluster.nodes[node.index()].is_given_up() {
            return;
        }
        self.cluster.lifecycle.condition(node, Some(Ready::Unknown));
        self.volumes_of_node_change(now, node, future);
        self.cluster.placement.set_open(node, false);
        let lives = self.cluster.nodes[node.index()].lives();
        self.cluster.probe.node_is_given_up(now, node, &self.cluster.nodes[node.index()], was);
        let story = self.note_given_up(now, node, lives, cause);
        self.cluster.nodes[node.index()].story = story;
        if lives {
            self.status_differs(now, node, story, future);
        } else if self.cluster.nodes[node.index()].instance() == Instance::Terminated {
            self.cluster.cloud_nodes.notice(node);
        }
    }

    fn note_given_up(&mut self, now: SimTime, node: NodeId, lives: bool, cause: Cause) -> Cause {
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let (kind, how) = match lives {
            true => ("node/not-ready-falsely", "living node NotReady: its heartbeats do not arrive"),
            false => ("node/not-ready", "node NotReady"),
        };
        let note = || format!("{how}, {name}");
        self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), note).or(cause)
    }

    /// A pod of a node that is not Ready counts as not ready. A living kubelet that learns of it says that it is.
    pub(crate) fn pod_is_marked(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        if self.cluster.pods[pod.index()].node != Some(node) {
            return;
        }
        self.readiness_changes(now, pod, false, future);
        if self.kubelet_hears(node) && self.cluster.pods[pod.index()].containers() == Containers::Running {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            let life = self.cluster.pods[pod.index()].life();
            future.schedule(heard, Event::Pod(pod, life, PodStep::Seen));
        }
    }

    /// Sets the alarm for the queues of nodes to taint, if something can come of it.
    pub(crate) fn await_taints(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(CONTROLLERS) else { return };
        let Some(due) = self.cluster.lifecycle.next_taint(now) else { return };
        if self.cluster.taint_alarm.is_none_or(|set| set > due) {
            self.cluster.taint_alarm = Some(due);
            future.schedule(due, Event::NodeLifecycle(generation, NodeLifecycleClock::Evict));
        }
    }

    fn taint_nodes(&mut self, now: SimTime, future: &mut Future) {
        let mut nodes = Vec::new();
        self.cluster.lifecycle.taint(now, &mut nodes);
        for node in nodes {
            let state = &self.cluster.nodes[node.index()];
            if !state.is_tainted_no_execute() {
                let cause = state.story;
                self.order(now, Aim::TaintNoExecute(node), cause, future);
            }
        }
        self.await_taints(now, future);
    }

    /// A node bears the NoExecute taint: its pods' tolerations begin to run.
    pub(crate) fn node_is_tainted(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        if !self.cluster.nodes[node.index()].is_tainted_now() {
            return;
        }
        let is_unreachable = self.cluster.nodes[node.index()].ready() == Some(Ready::Unknown);
        if is_unreachable {
            self.cluster.probe.node_is_tainted(now);
        }
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let toleration = self.plan.parameters.node_lifecycle.toleration;
        let (kind, taint) = match is_unreachable {
            true => ("node/tainted", "unreachable"),
            false => ("node/tainted-not-ready", "not-ready"),
        };
        let story = self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), || {
            format!("node tainted {taint}, {name}: its pods leave after {toleration}")
        });
        self.cluster.nodes[node.index()].story = story.or(cause);
        self.tolerations_begin(now, node, future);
    }

    /// The pods of a tainted node are to leave after their toleration.
    pub(crate) fn tolerations_begin(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let taint = self.cluster.nodes[node.index()].taint_life();
        let ends = now + self.plan.parameters.node_lifecycle.toleration;
        future.schedule(ends, Event::TolerationEnds(node, taint));
    }

    /// The pods of a tainted node have tolerated it for as long as they do.
    pub(crate) fn toleration_ends(&mut self, now: SimTime, node: NodeId, taint: u32, future: &mut Future) {
        let state = &self.cluster.nodes[node.index()];
        if !state.is_tainted_no_execute() || state.taint_life() != taint || self.leader(CONTROLLERS).is_none() {
            return;
        }
        let (cause, is_unreachable) = (state.story, state.ready() == Some(Ready::Unknown));
        for pod in state.pods().to_vec() {
            let state = &self.cluster.pods[pod.index()];
            let stays = self.cluster.deployments.get(state.deployment.index()).is_none_or(|workload| {
                if is_unreachable { workload.tolerates_unreachable } else { workload.tolerates_not_ready }
            });
            if state.is_active() && !state.is_being_deleted && !stays {
                self.cluster.pods[pod.index()].is_evicted = true;
                self.order_deletion(now, pod, Controller::TaintEviction, cause, future);
            }
        }
    }

    /// The taints of a node are gone: what had not been evicted stays.
    pub(crate) fn node_is_untainted(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        self.cluster.nodes[node.index()].is_untainted();
        self.node_may_open(now, node, future);
    }

    /// The scheduler may use a node if its condition and taints allow.
    pub(crate) fn node_may_open(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.is_micro_vm(node) {
            return; // its pod is bound to it by Fargate
        }
        let is_open = self.cluster.nodes[node.index()].is_schedulable();
        if self.cluster.placement.set_open(node, is_open) && is_open {
            self.node_opens(now, future);
            self.daemons_may_come(now, node, future);
        }
    }
}
