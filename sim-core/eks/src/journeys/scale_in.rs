//! A node that the Cluster Autoscaler removes:
//!
//! ```text
//! scan -> requests take less than half of it, its pods would fit elsewhere -> unneeded -> ten minutes of that
//!     -> tainted -> 5 s -> its pods are evicted -> none left -> call to AWS: terminate, and want one less -> gone
//! a budget refuses for two minutes -> the taint is taken back, and nothing is removed for a while
//! ```
//!
//! Empty nodes go ten at a time, others one after another. Who drains stands for its requests, as for all drains.

use crate::aim::Aim;
use crate::event::{Event, Future, ScalerStep};
use crate::ids::{DeploymentId, GroupId, NodeId, PodId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::compute::scale_in::{Phase, utilisation};
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const TERMINATE: Purpose = Purpose::new("cluster-autoscaler/terminate");

/// A node that is not needed.
#[derive(Clone, Copy, Debug)]
struct Unneeded {
    node: NodeId,
    is_empty: bool,
}

/// What a look at all nodes has thought out: who would go, who would take pods, and the pods thought elsewhere.
#[derive(Default)]
struct Thought {
    gone: Vec<bool>,
    takes: Vec<bool>,
    moves: Vec<(DeploymentId, NodeId, NodeId)>,
    next: usize,
}

impl World {
    /// The part of a scan that removes nodes.
    pub(crate) fn scale_in(&mut self, now: SimTime, future: &mut Future) {
        let unneeded = self.unneeded_nodes(now);
        let nodes: Vec<NodeId> = unneeded.iter().map(|unneeded| unneeded.node).collect();
        self.cluster.scaler.scale_in.sees(now, &nodes);
        if self.cluster.scaler.scale_in.may_remove(now, &self.plan.parameters.cluster_autoscaler) {
            self.remove_unneeded(now, &unneeded, future);
        }
    }

    /// The nodes that are not needed: empty ones, and those whose pods would fit on others that stay.
    fn unneeded_nodes(&mut self, now: SimTime) -> Vec<Unneeded> {
        let nodes = self.cluster.nodes.len();
        let mut thought = Thought { gone: vec![false; nodes], takes: vec![false; nodes], ..Thought::default() };
        let (mut unneeded, mut tried) = (Vec::new(), 0);
        for (order, node) in self.removable_nodes(now) {
            let is_empty = order == 0;
            if !is_empty {
                let most = self.plan.parameters.cluster_autoscaler.scale_down_non_empty_candidates;
                if tried == most || thought.takes[node.index()] {
                    continue;
                }
                tried += 1;
                if !self.pods_fit_elsewhere(node, &mut thought) {
                    let again = now + self.plan.parameters.cluster_autoscaler.unremovable_node_recheck;
                    self.cluster.scaler.scale_in.hold(node, again);
                    continue;
                }
            }
            thought.gone[node.index()] = true;
            unneeded.push(Unneeded { node, is_empty });
        }
        for (workload, from, to) in thought.moves.into_iter().rev() {
            self.cluster.placement.lift(workload, to);
            self.cluster.placement.put(workload, from);
        }
        unneeded
    }

    /// Nodes that may be removed as far as they themselves go, in the order in which they are tried: the empty ones, those
    /// that were not needed before, the others.
    fn removable_nodes(&self, now: SimTime) -> Vec<(u8, NodeId)> {
        let threshold = self.plan.parameters.cluster_autoscaler.scale_down_utilization_threshold;
        let scale_in = &self.cluster.scaler.scale_in;
        let all = (0..).map(NodeId).zip(&self.cluster.nodes);
        let mut found: Vec<(u8, NodeId)> = all
            .filter(|(id, node)| self.is_removable(node) && scale_in.may_look(now, *id))
            .filter(|(id, node)| {
                let placement = &self.cluster.placement;
                node.ready() != Some(Ready::True)
                    || utilisation(placement.capacity_of(*id), placement.free_on(*id)) < threshold
            })
            .map(|(id, node)| match (self.is_without_pods(node), scale_in.unneeded_since(id)) {
                (true, _) => (0, id),
                (false, Some(_)) => (1, id),
                (false, None) => (2, id),
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// Whether a node is of a group that is scaled, has started, and neither goes already nor was cordoned by somebody.
    fn is_removable(&self, node: &Node) -> bool {
        let has_started = node.has_been_ready() && node.ready().is_some();
        let starts = node.ready() == Some(Ready::True) && node.is_tainted();
        let goes = node.takes_no_pods() || node.instance() == Instance::Terminated;
        self.is_scaled(node.group.index()) && has_started && !starts && !goes
    }

    /// Whether only pods of DaemonSets are on a node, and pods that have done their work.
    fn is_without_pods(&self, node: &Node) -> bool {
        node.pods().iter().all(|pod| {
            let state = &self.cluster.pods[pod.index()];
            state.is_daemon() || state.object() == Object::Finished
        })
    }

    /// Whether the pods of a node may be moved and would fit on others. If so, they are thought to be there.
    fn pods_fit_elsewhere(&mut self, node: NodeId, thought: &mut Thought) -> bool {
        let first = thought.moves.len();
        for pod in self.cluster.nodes[node.index()].pods().to_vec() {
            let state = &self.cluster.pods[pod.index()];
            if state.is_daemon() || !state.is_active() {
                continue;
            }
            let workload = state.deployment;
            let to = if self.holds_its_node(pod) { None } else { self.think_away(pod, node, thought) };
            let Some(to) = to else {
                for (workload, from, to) in thought.moves.drain(first..).rev() {
                    self.cluster.placement.lift(workload, to);
                    self.cluster.placement.put(workload, from);
                }
                return false;
            };
            thought.moves.push((workload, node, to));
        }
        thought.moves[first..].iter().for_each(|(_, _, to)| thought.takes[to.index()] = true);
        true
    }

    /// Whether a pod keeps its node: no controller would create it anew, it is of the system and has no disruption
    /// budget, or its budget lets none go.
    fn holds_its_node(&self, pod: PodId) -> bool {
        let state = &self.cluster.pods[pod.index()];
        let Some(planned) = self.plan.deployments.get(state.deployment.index()) else { return false };
        let is_bare = !state.is_served();
        let is_of_the_system = planned.namespace == "kube-system" && planned.control.budget.is_none();
        is_bare || is_of_the_system || self.budget_refuses(Aim::EvictPod(pod))
    }

    /// Thinks a pod away from its node, to the next node with room for it, in the zone of its volume if it has one.
    fn think_away(&mut self, pod: PodId, from: NodeId, thought: &mut Thought) -> Option<NodeId> {
        let workload = self.cluster.pods[pod.index()].deployment;
        let (pinned, nodes) = (self.cluster.volumes.zone_of(pod), &self.cluster.nodes);
        let placement = &mut self.cluster.placement;
        placement.lift(workload, from);
        let count = placement.nodes();
        let mut order = (0..count).map(|step| (thought.next + step) % count);
        let takes = |index: &usize| {
            let node = NodeId(*index as u32);
            let admits = || placement.node_admits(workload, node);
            let stays = node != from && !thought.gone[*index];
            let has_volume = pinned.is_none_or(|zone| nodes[*index].zone == zone);
            stays && has_volume && placement.is_fit(workload, node) && admits().pods.min(admits().per_node) > 0
        };
        let found = order.find(takes);
        match found {
            Some(index) => {
                thought.next = index;
                placement.put(workload, NodeId(index as u32));
            }
            None => placement.put(workload, from),
        }
        found.map(|index| NodeId(index as u32))
    }

    /// Removes nodes that have been unneeded for long enough: empty ones together, else one other.
    fn remove_unneeded(&mut self, now: SimTime, unneeded: &[Unneeded], future: &mut Future) {
        let ripe: Vec<Unneeded> = unneeded.iter().copied().filter(|found| self.is_ripe(now, found.node)).collect();
        let removals = self.cluster.scaler.scale_in.removals();
        let one_drains = removals.iter().any(|removal| !removal.is_empty);
        let most = self.plan.parameters.cluster_autoscaler.max_empty_bulk_delete as usize;
        let room = most.saturating_sub(removals.len());
        let empty: Vec<Unneeded> = ripe.iter().copied().filter(|found| found.is_empty).collect();
        let other = ripe.iter().copied().filter(|found| !found.is_empty && !one_drains);
        let (count, chosen) = if empty.is_empty() { (room.min(1), other.collect()) } else { (room, empty) };
        let mut started = 0;
        for found in chosen {
            if started < count && self.start_removal(now, found, started as u64, future) {
                started += 1;
            }
        }
    }

    fn is_ripe(&self, now: SimTime, node: NodeId) -> bool {
        let parameters = &self.plan.parameters.cluster_autoscaler;
        let time = match self.cluster.nodes[node.index()].ready() {
            Some(Ready::True) => parameters.scale_down_unneeded_time,
            _ => parameters.scale_down_unready_time,
        };
        self.cluster.scaler.scale_in.unneeded_since(node).is_some_and(|since| now >= since + time)
    }

    /// Whether a group may lose one more.
    fn may_shrink(&self, group: GroupId) -> bool {
        let state = &self.cluster.groups[group.index()];
        state.wanted() > state.min() + self.cluster.scaler.scale_in.leaving(group)
    }

    /// A node is to go: it is tainted. Whether its group is still above its smallest size.
    fn start_removal(&mut self, now: SimTime, found: Unneeded, nth: u64, future: &mut Future) -> bool {
        let node = found.node;
        let group = self.cluster.nodes[node.index()].group;
        if !self.may_shrink(group) {
            return false;
        }
        self.cluster.scaler.scale_in.starts(now, node, group, found.is_empty);
        let zone = self.zone_name(self.cluster.zone_of(node));
        let name = &self.plan.cluster.node_groups[group.index()].name;
        let (kind, what) = if found.is_empty {
            ("autoscaler/removes-empty", "an empty node")
        } else {
            ("autoscaler/removes", "a node whose pods fit elsewhere")
        };
        let cause = self.cluster.scaler.scale_in.story;
        let note = || format!("Cluster Autoscaler removes {what} of {name}, {zone}: unneeded for long enough");
        let subject = u64::from(group.0) << 8 | u64::from(self.cluster.zone_of(node).0);
        let story = self.probes.timeline.note(now, Weight::Turn, cause, kind, subject, note);
        self.cluster.nodes[node.index()].story = story.or(cause);
        self.order(now, Aim::CordonNode(node), story.or(cause), future);
        let parameters = &self.plan.parameters;
        let drains =
            now + parameters.cluster_autoscaler.node_delete_delay_after_taint + parameters.controllers.pace * nth;
        future.schedule(drains, Event::ClusterAutoscaler(ScalerStep::Drains(node)));
        true
    }

    /// A node on its way out has come a step further. While nothing acts, it waits.
    pub(crate) fn removal(&mut self, now: SimTime, step: ScalerStep, node: NodeId, future: &mut Future) {
        if self.cluster.nodes[node.index()].instance() == Instance::Terminated {
            return self.cluster.scaler.scale_in.ends(now, node);
        }
        if self.cluster.scaler.scale_in.removal(node).is_none() {
            return;
        }
        if self.acting_autoscaler(now).is_none() {
            let again = now + self.plan.parameters.cluster_autoscaler.scan_interval;
            return future.schedule(again, Event::ClusterAutoscaler(step));
        }
        match step {
            ScalerStep::Drains(_) => self.drain_unneeded(now, node, future),
            ScalerStep::DrainEnds(_) => self.look_at_drain(now, node, future),
            _ => self.remove_node(now, node, future),
        }
    }

    fn drain_unneeded(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.is_without_pods(&self.cluster.nodes[node.index()]) {
            return self.call_for_end(now, node, future);
        }
        if let Some(removal) = self.cluster.scaler.scale_in.removal(node) {
            (removal.phase, removal.drains_since) = (Phase::Drains, now);
        }
        for pod in self.cluster.nodes[node.index()].pods().to_vec() {
            self.evict(now, pod, future);
        }
        let ends = now + self.plan.parameters.cluster_autoscaler.max_pod_eviction_time;
        future.schedule(ends, Event::ClusterAutoscaler(ScalerStep::DrainEnds(node)));
    }

    /// Whether the Cluster Autoscaler drains a node now.
    pub(crate) fn is_drained_by_autoscaler(&self, node: NodeId) -> bool {
        let removals = self.cluster.scaler.scale_in.removals();
        removals.iter().any(|removal| removal.node == node && removal.phase == Phase::Drains)
    }

    /// A node that is drained has lost a pod.
    pub(crate) fn unneeded_node_loses_pod(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.is_drained_by_autoscaler(node) && self.is_without_pods(&self.cluster.nodes[node.index()]) {
            self.call_for_end(now, node, future);
        }
    }

    /// The node is empty: AWS is told to terminate its instance.
    fn call_for_end(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if let Some(removal) = self.cluster.scaler.scale_in.removal(node) {
            removal.phase = Phase::Terminates;
        }
        let law = &self.plan.parameters.cluster_autoscaler.cloud_call_time;
        let time = law.duration(&mut self.key.draw(TERMINATE, u64::from(node.0), 0));
        future.schedule(now + time, Event::ClusterAutoscaler(ScalerStep::Removes(node)));
    }

    /// Evictions have been tried for as long as they may, or pods have had the longest grace: the removal fails, unless
    /// all pods are Terminating within it.
    fn look_at_drain(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let parameters = &self.plan.parameters.cluster_autoscaler;
        let scale_in = &self.cluster.scaler.scale_in;
        let Some(removal) = scale_in.removals().iter().find(|removal| removal.node == node) else { return };
        let last = removal.drains_since + parameters.max_graceful_termination;
        let pods = self.cluster.nodes[node.index()].pods().iter();
        let stays = { pods }.any(|pod| {
            let state = &self.cluster.pods[pod.index()];
            !state.is_daemon() && state.is_active()
        });
        match removal.phase {
            Phase::Drains if stays || now >= last => self.removal_fails(now, node, "its pods do not leave", future),
            Phase::Drains => future.schedule(last, Event::ClusterAutoscaler(ScalerStep::DrainEnds(node))),
            Phase::Tainted | Phase::Terminates => {}
        }
    }

    fn removal_fails(&mut self, now: SimTime, node: NodeId, why: &str, future: &mut Future) {
        let again = now + self.plan.parameters.cluster_autoscaler.unremovable_node_recheck;
        self.cluster.scaler.scale_in.fails(now, node, again);
        let (zone, cause) = (self.cluster.zone_of(node), self.cluster.nodes[node.index()].story);
        let name = self.zone_name(zone);
        let note = || format!("Cluster Autoscaler keeps a node after all, {name}: {why}");
        self.probes.timeline.note(now, Weight::Step, cause, "autoscaler/keeps", u64::from(zone.0), note);
        self.order(now, Aim::UncordonNode(node), cause, future);
    }

    /// The nodes that a pod of the Cluster Autoscaler had begun to remove are taken back by the one that follows.
    pub(crate) fn take_removals_back(&mut self, now: SimTime, future: &mut Future) {
        for removal in self.cluster.scaler.scale_in.begins() {
            let cause = self.cluster.nodes[removal.node.index()].story;
            self.order(now, Aim::UncordonNode(removal.node), cause, future);
        }
    }

    /// A node takes pods again.
    pub(crate) fn node_is_uncordoned(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        self.cluster.nodes[node.index()].is_made_schedulable();
        self.node_may_open(now, node, future);
    }

    /// AWS terminates the instance, and the group wants one less.
    fn remove_node(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let (group, zone) = (self.cluster.nodes[node.index()].group, self.cluster.zone_of(node));
        let wanted = self.cluster.groups[group.index()].wanted();
        if wanted <= self.cluster.groups[group.index()].min() {
            return self.removal_fails(now, node, "its group has its smallest size", future);
        }
        let name = self.zone_name(zone);
        let cause = self.cluster.nodes[node.index()].story;
        let note = || format!("instance terminated, {name}: the Cluster Autoscaler does not need it");
        let story = self.probes.timeline.note(now, Weight::Step, cause, "instance/unneeded", u64::from(zone.0), note);
        self.cluster.nodes[node.index()].story = story.or(cause);
        self.cluster.scaling.node_is_removed();
        self.cluster.scaler.scale_in.ends(now, node);
        self.cluster.groups[group.index()].want(wanted - 1);
        self.cluster.groups[group.index()].leaves(zone);
        self.cluster.nodes[node.index()].cordon();
        self.terminate(now, node, future);
    }

    /// Where nodes are looked after, the last fact that had a pod deleted is why a node is not needed.
    pub(crate) fn note_why_pods_leave(&mut self, cause: Cause) {
        if self.plan.autoscaler.is_some() && cause.is_some() {
            self.cluster.scaler.scale_in.story = cause;
        }
    }
}
