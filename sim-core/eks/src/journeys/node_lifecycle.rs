//! A node's death as the node lifecycle controller lives it:
//!
//! ```text
//! last heartbeat -> a look, grace later -> MarkNotReady -> next look -> queue of the zone -> token -> TaintNoExecute
//!                                              |                                                      -> 300 s -> DeletePod
//!                                              '-> its pods leave the endpoints
//! ready again    -> next look -> RemoveTaints: what was not evicted yet stays
//! ```

use crate::aim::Aim;
use crate::cluster::{Clock, Watcher};
use crate::event::{Event, Future, NodeLifecycleClock, PodStep};
use crate::ids::{Component, Controller, NodeId};
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
                let next = self.cluster.lifecycle.next_look(now);
                future.schedule(next, Event::NodeLifecycle(generation, NodeLifecycleClock::Monitor));
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
        for node in look.expired.drain(..) {
            let cause = self.trouble_of(node);
            self.order(now, Aim::MarkNotReady(node), cause, future);
        }
        for node in look.reachable.drain(..) {
            let state = &self.cluster.nodes[node.index()];
            if state.is_tainted() {
                let cause = state.story;
                self.order(now, Aim::RemoveTaints(node), cause, future);
            }
        }
        look.zones.clear();
        look.all_dark = None;
        self.cluster.look = look;
        self.await_taints(now, future);
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
            ConnectionState::Dialing { address, .. } => self.zones.dark_since(address).and_then(|(_, cause)| cause),
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
        self.cluster.placement.set_open(node, false);
        let lives = self.cluster.nodes[node.index()].lives();
        self.cluster.probe.node_is_given_up(now, node, &self.cluster.nodes[node.index()], was);
        let story = self.note_given_up(now, node, lives, cause);
        self.cluster.nodes[node.index()].story = story;
        for index in 0..self.cluster.nodes[node.index()].pods().len() {
            let pod = self.cluster.nodes[node.index()].pods()[index];
            self.readiness_changes(now, pod, false, future);
        }
        if lives {
            self.status_differs(now, node, story, future);
            self.pods_report_again(now, node, future);
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

    /// A living kubelet that learns that the API calls its pods not ready says that they are.
    fn pods_report_again(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if !self.kubelet_hears(node) {
            return;
        }
        for index in 0..self.cluster.nodes[node.index()].pods().len() {
            let pod = self.cluster.nodes[node.index()].pods()[index];
            if self.cluster.pods[pod.index()].containers() == Containers::Running {
                let heard = now + self.watch_delay(Watcher::Pod(pod));
                let life = self.cluster.pods[pod.index()].life();
                future.schedule(heard, Event::Pod(pod, life, PodStep::Seen));
            }
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
        self.cluster.probe.node_is_tainted(now);
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let toleration = self.plan.parameters.node_lifecycle.toleration;
        let story = self.probes.timeline.note(now, Weight::Step, cause, "node/tainted", u64::from(zone.0), || {
            format!("node tainted unreachable, {name}: its pods leave after {toleration}")
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
        let cause = state.story;
        for pod in state.pods().to_vec() {
            let state = &self.cluster.pods[pod.index()];
            let stays = self.cluster.deployments[state.deployment.index()].tolerates_unreachable;
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
        let is_open = self.cluster.nodes[node.index()].is_schedulable();
        if self.cluster.placement.set_open(node, is_open) && is_open {
            self.node_opens(now, future);
        }
    }
}
