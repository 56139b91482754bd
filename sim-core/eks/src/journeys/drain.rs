//! A node that is drained:
//!
//! ```text
//! cordon -> EvictPod for each of its pods -> (the budget refuses: 429, again 5 s later) -> Terminating -> gone
//! no pod left -> the next node
//! ```
//!
//! Who drains is nobody's controller: what it had to send outlives the controllers' leader.

use crate::aim::{Aim, Outcome};
use crate::event::{Event, Future};
use crate::ids::{GroupId, NodeId, PodId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Node};
use crate::stations::services::disruption_budget::disruptions_allowed;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const RETRY: Purpose = Purpose::new("drain/retry");

impl World {
    /// The first nodes of a group that are not cordoned yet are cordoned, and drained one after another.
    pub(crate) fn drain_nodes(&mut self, now: SimTime, index: u32, group: GroupId, count: u32, future: &mut Future) {
        let can = |node: &Node| node.group == group && node.instance() != Instance::Terminated && !node.is_cordoned();
        let all = (0..).map(NodeId).zip(&self.cluster.nodes);
        let nodes: Vec<NodeId> = all.filter(|(_, node)| can(node)).map(|(id, _)| id).take(count as usize).collect();
        let name = &self.plan.cluster.node_groups[group.index()].name;
        let note = || format!("{} nodes of {name} are drained", nodes.len());
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/drain", u64::from(index), note);
        for node in nodes {
            self.cluster.drain.add(node);
            self.cluster.nodes[node.index()].story = cause;
            self.order(now, Aim::CordonNode(node), cause, future);
        }
        self.drain_next(now, future);
    }

    /// A node takes no new pods.
    pub(crate) fn node_is_cordoned(&mut self, node: NodeId) {
        self.cluster.nodes[node.index()].is_made_unschedulable();
        self.cluster.placement.set_open(node, false);
    }

    fn drain_next(&mut self, now: SimTime, future: &mut Future) {
        let Some(node) = self.cluster.drain.begin_next() else { return };
        for pod in self.cluster.nodes[node.index()].pods().to_vec() {
            self.evict(now, pod, future);
        }
        self.node_may_be_empty(now, node, future);
    }

    /// A pod of the node that is being emptied is to be evicted, or to be tried again.
    pub(crate) fn evict(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let Some(node) = state.node else { return };
        let is_drained = self.cluster.drain.current() == Some(node)
            || self.is_drained_by_autoscaler(node)
            || self.is_drained_by_update(node);
        if state.is_active() && !state.is_daemon() && is_drained {
            let cause = self.cluster.nodes[node.index()].story;
            self.order(now, Aim::EvictPod(pod), cause, future);
        }
    }

    /// Whether a disruption budget refuses to let a pod go now. A pod that is not Ready may go.
    pub(crate) fn budget_refuses(&self, aim: Aim) -> bool {
        let Aim::EvictPod(pod) = aim else { return false };
        let state = &self.cluster.pods[pod.index()];
        let Some(budget) = self.plan.deployments[state.deployment.index()].control.budget else { return false };
        let deployment = &self.cluster.deployments[state.deployment.index()];
        let sets = deployment.sets().iter();
        let healthy = sets.map(|set| self.cluster.replica_sets[set.index()].has().ready).sum();
        state.is_active() && state.is_ready() && disruptions_allowed(budget, deployment.wanted(), healthy) == 0
    }

    /// An eviction is in etcd, unless another took the last place in the budget meanwhile.
    pub(crate) fn pod_is_evicted(&mut self, now: SimTime, pod: PodId, cause: Cause, future: &mut Future) {
        if !self.budget_refuses(Aim::EvictPod(pod)) {
            self.pod_is_deleted(now, pod, cause, future);
        }
    }

    /// The answer to an eviction: a pod that is still there is tried again later.
    pub(crate) fn eviction_answered(&mut self, now: SimTime, pod: PodId, outcome: Outcome, future: &mut Future) {
        if outcome == Outcome::Withheld {
            self.cluster.probe.eviction_is_refused();
            self.note_refused(now, pod);
        }
        let scaler_retry = self.plan.parameters.cluster_autoscaler.eviction_retry;
        let state = &mut self.cluster.pods[pod.index()];
        if state.is_active() {
            // Drawn in part, so that pods that are refused together do not come again at one instant.
            let share = self.key.draw(RETRY, state.entity(), state.next_draw()).uniform();
            let controllers = &self.plan.parameters.controllers;
            let scaler = state.node.filter(|node| self.is_drained_by_autoscaler(*node));
            let pause = scaler.map_or(controllers.eviction_retry, |_| scaler_retry);
            let again = now + pause + controllers.wind_up.scaled(share);
            future.schedule(again, Event::Evict(pod));
        }
    }

    fn note_refused(&mut self, now: SimTime, pod: PodId) {
        let state = &self.cluster.pods[pod.index()];
        let cause = state.node.and_then(|node| self.cluster.nodes[node.index()].story);
        let name = &self.plan.deployments[state.deployment.index()].name;
        let note = || format!("eviction of a pod of {name} refused by its disruption budget");
        self.probes.timeline.note(now, Weight::Step, cause, "pod/refused", u64::from(state.deployment.0), note);
    }

    /// A node may have lost its last pod.
    pub(crate) fn node_may_be_empty(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        self.unneeded_node_loses_pod(now, node, future);
        self.updated_node_may_be_empty(now, node, future);
        let pods = self.cluster.nodes[node.index()].pods().iter();
        let is_empty = { pods }.all(|pod| self.cluster.pods[pod.index()].is_daemon());
        if !is_empty || !self.cluster.drain.is_empty_now(node) {
            return;
        }
        self.cluster.probe.node_is_drained();
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let cause = self.cluster.nodes[node.index()].story;
        let note = || format!("node drained, {name}");
        self.probes.timeline.note(now, Weight::Step, cause, "node/emptied", u64::from(zone.0), note);
        self.drain_next(now, future);
    }
}
