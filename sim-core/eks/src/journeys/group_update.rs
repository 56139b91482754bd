//! EKS updates a managed node group, node by node:
//!
//! ```text
//! set-up -> scale-up: two instances more for each zone -> a new node Ready in every zone -> all old nodes cordoned
//!     -> upgrade, as many old nodes at a time as may be unavailable:
//!        EvictPod for each pod (the budget refuses: again) -> empty -> 60 s -> terminated -> the next one
//!        15 min and not empty -> PodEvictionFailure, or by force deleted
//!     -> scale-down, one instance after another -> done
//! ```
//!
//! The Auto Scaling group launches a new instance for each that is terminated. A failed update leaves everything as it is.

use crate::aim::Aim;
use crate::event::{Event, Future, UpdateStep};
use crate::ids::{Controller, GroupId, NodeId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::group_update::{GroupUpdate, Phase};
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::world::World;
use sim_kernel::{Law, Purpose, SimTime};

const SETUP: Purpose = Purpose::new("update/set-up");
const LOOK: Purpose = Purpose::new("update/look");
const LOT: Purpose = Purpose::new("update/lot");
const TERMINATES: Purpose = Purpose::new("update/terminates");

impl World {
    /// Somebody has a managed node group updated.
    #[inline(never)]
    pub(crate) fn update_node_group(
        &mut self,
        now: SimTime,
        index: u32,
        group: GroupId,
        (max_unavailable, force): (u32, bool),
        future: &mut Future,
    ) {
        let busy = |update: &GroupUpdate| update.group == group && update.phase() != Phase::Ended;
        if self.cluster.updates.iter().any(busy) {
            return self.no_target(now, index, "update of a node group is refused: another one of it is under way");
        }
        let stays = |node: &Node| node.group == group && node.instance() != Instance::Terminated && !node.is_cordoned();
        let nodes = (0..).map(NodeId).zip(&self.cluster.nodes);
        let mut old: Vec<NodeId> = nodes.filter(|(_, node)| stays(node)).map(|(id, _)| id).collect();
        old.sort_by_key(|node| self.key.draw(LOT, u64::from(node.0), u64::from(index)).next_u64());
        let name = &self.plan.cluster.node_groups[group.index()].name;
        let note = || format!("update of node group {name} begins: {} nodes are to be replaced", old.len());
        let story = self.probes.timeline.note(now, Weight::Turn, None, "update/begins", u64::from(index), note);
        let before = self.cluster.groups[group.index()].wanted();
        self.cluster.updates.push(GroupUpdate::new(group, before, max_unavailable, force, old, story));
        let update = self.cluster.updates.len() as u16 - 1;
        let law = self.plan.parameters.node_group.update_setup.clone();
        self.update_later(now, update, &law, SETUP, UpdateStep::Looks, future);
    }

    fn update_later(
        &mut self,
        now: SimTime,
        update: u16,
        law: &Law,
        purpose: Purpose,
        step: UpdateStep,
        future: &mut Future,
    ) {
        let looks = self.cluster.updates[usize::from(update)].looks();
        let time = law.duration(&mut self.key.draw(purpose, u64::from(update), u64::from(looks)));
        future.schedule(now + time, Event::GroupUpdate(update, step));
    }

    fn update_looks_later(&mut self, now: SimTime, update: u16, future: &mut Future) {
        let law = self.plan.parameters.node_group.update_look.clone();
        self.update_later(now, update, &law, LOOK, UpdateStep::Looks, future);
    }

    /// Handles a step of an update; one that has ended does nothing.
    #[inline(never)]
    pub(crate) fn group_update(&mut self, now: SimTime, update: u16, step: UpdateStep, future: &mut Future) {
        let state = &self.cluster.updates[usize::from(update)];
        match (step, state.phase()) {
            (_, Phase::Ended) => {}
            (UpdateStep::Looks, Phase::SetUp) => self.update_scales_up(now, update, future),
            (UpdateStep::Looks, Phase::ScaleUp) => self.update_looks_for_new_nodes(now, update, future),
            (UpdateStep::Looks, Phase::Upgrade) => self.update_goes_on(now, update, future),
            (UpdateStep::Looks, Phase::ScaleDown) => self.update_scales_down(now, update, future),
            (UpdateStep::GivesUp, Phase::ScaleUp) => {
                self.update_fails(now, update, "NodeCreationFailure: new nodes did not join in every zone");
            }
            (UpdateStep::DrainLimit(node), _) if state.drains(node) => {
                self.drain_takes_too_long(now, update, node, future)
            }
            (UpdateStep::Settled(node), _) => {
                let law = self.plan.parameters.node_group.terminate_time.clone();
                let time = law.duration(&mut self.key.draw(TERMINATES, u64::from(node.0), u64::from(update)));
                future.schedule(now + time, Event::GroupUpdate(update, UpdateStep::Terminated(node)));
            }
            (UpdateStep::Terminated(node), _) => {
                if self.cluster.nodes[node.index()].instance() != Instance::Terminated {
                    self.terminate(now, node, future);
                }
                self.cluster.updates[usize::from(update)].is_gone(node);
                self.update_looks_later(now, update, future);
            }
            (UpdateStep::GivesUp | UpdateStep::DrainLimit(_), _) => {}
        }
    }

    fn note_update_of_group(&mut self, now: SimTime, update: u16, kind: &'static str, what: &str) -> Cause {
        let state = &self.cluster.updates[usize::from(update)];
        let (story, name) = (state.story, &self.plan.cluster.node_groups[state.group.index()].name);
        let note = || format!("update of node group {name}: {what}");
        let noted = self.probes.timeline.note(now, Weight::Turn, story, kind, u64::from(update), note).or(story);
        self.cluster.updates[usize::from(update)].story = noted;
        noted
    }

    fn update_scales_up(&mut self, now: SimTime, update: u16, future: &mut Future) {
        let state = &mut self.cluster.updates[usize::from(update)];
        let group = state.group;
        let surge = state.surge(self.plan.cluster.node_groups[group.index()].zones.len() as u32);
        state.turns(Phase::ScaleUp);
        let what = format!("scale-up, {surge} instances more");
        let story = self.note_update_of_group(now, update, "update/scale-up", &what);
        self.cluster.groups[group.index()].surges(surge, story);
        self.node_group(now, group, future);
        let limit = now + self.plan.parameters.creation.group_join_limit;
        future.schedule(limit, Event::GroupUpdate(update, UpdateStep::GivesUp));
        self.update_looks_later(now, update, future);
    }

    /// With a new node Ready in every zone that has old ones, all old ones are cordoned.
    fn update_looks_for_new_nodes(&mut self, now: SimTime, update: u16, future: &mut Future) {
        let state = &self.cluster.updates[usize::from(update)];
        let is_new_in = |zone| {
            let mut nodes = (0..).map(NodeId).zip(&self.cluster.nodes);
            nodes.any(|(id, node)| {
                let is_there = node.group == state.group && node.zone == zone && node.ready() == Some(Ready::True);
                is_there && !state.replaces(id) && !node.is_cordoned() && node.instance() != Instance::Terminated
            })
        };
        if !state.old().iter().all(|node| is_new_in(self.cluster.zone_of(*node))) {
            return self.update_looks_later(now, update, future);
        }
        let old = state.old().to_vec();
        self.cluster.updates[usize::from(update)].turns(Phase::Upgrade);
        let story =
            self.note_update_of_group(now, update, "update/upgrade", "new nodes are Ready; old ones are cordoned");
        for node in old {
            self.cluster.nodes[node.index()].story = story;
            self.order(now, Aim::CordonNode(node), story, future);
        }
        let wait = now + self.plan.parameters.node_group.update_wait;
        self.update_looks_later(wait, update, future);
    }

    /// As many old nodes are drained as may be unavailable; when the last is gone, the group shrinks again.
    fn update_goes_on(&mut self, now: SimTime, update: u16, future: &mut Future) {
        while let Some(node) = self.cluster.updates[usize::from(update)].next_to_go() {
            if self.cluster.nodes[node.index()].instance() == Instance::Terminated {
                self.cluster.updates[usize::from(update)].is_gone(node);
                continue;
            }
            let limit = now + self.plan.parameters.node_group.update_drain_limit;
            future.schedule(limit, Event::GroupUpdate(update, UpdateStep::DrainLimit(node)));
            for pod in self.cluster.nodes[node.index()].pods().to_vec() {
                self.evict(now, pod, future);
            }
            self.updated_node_may_be_empty(now, node, future);
        }
        if self.cluster.updates[usize::from(update)].has_replaced_all() {
            self.cluster.updates[usize::from(update)].turns(Phase::ScaleDown);
            self.note_update_of_group(now, update, "update/scale-down", "all old nodes are replaced; scale-down");
            self.update_looks_later(now, update, future);
        }
    }

    /// Whether an update drains a node.
    pub(crate) fn is_drained_by_update(&self, node: NodeId) -> bool {
        self.cluster.updates.iter().any(|update| update.drains(node))
    }

    /// A node that an update drains may have lost its last pod.
    pub(crate) fn updated_node_may_be_empty(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let Some(update) = self.cluster.updates.iter().position(|update| update.drains(node)) else { return };
        let pods = self.cluster.nodes[node.index()].pods().iter();
        let is_empty = { pods }.all(|pod| self.cluster.pods[pod.index()].is_daemon());
        if !is_empty || !self.cluster.updates[update].is_empty_now(node) {
            return;
        }
        self.cluster.probe.node_is_drained();
        let (zone, story) = (self.cluster.zone_of(node), self.cluster.updates[update].story);
        let name = self.zone_name(zone);
        let note = || format!("node drained, {name}");
        self.probes.timeline.note(now, Weight::Step, story, "node/emptied", u64::from(zone.0), note);
        let settled = now + self.plan.parameters.node_group.update_settle;
        future.schedule(settled, Event::GroupUpdate(update as u16, UpdateStep::Settled(node)));
    }

    /// A node's pods have not left in time.
    fn drain_takes_too_long(&mut self, now: SimTime, update: u16, node: NodeId, future: &mut Future) {
        if !self.cluster.updates[usize::from(update)].force {
            let why = "PodEvictionFailure: pods did not leave a node in time, as a disruption budget keeps them";
            return self.update_fails(now, update, why);
        }
        let story =
            self.note_update_of_group(now, update, "update/force", "pods that did not leave are deleted by force");
        for pod in self.cluster.nodes[node.index()].pods().to_vec() {
            let state = &self.cluster.pods[pod.index()];
            if state.is_active() && !state.is_being_deleted && !state.is_daemon() {
                self.order_deletion(now, pod, Controller::Drain, story, future);
            }
        }
    }

    fn update_fails(&mut self, now: SimTime, update: u16, why: &str) {
        self.note_update_of_group(now, update, "update/fails", &format!("fails: {why}"));
        self.cluster.updates[usize::from(update)].turns(Phase::Ended);
    }

    /// One instance after another goes until there are as many as before.
    fn update_scales_down(&mut self, now: SimTime, update: u16, future: &mut Future) {
        let (group, before) = {
            let state = &self.cluster.updates[usize::from(update)];
            (state.group, state.before)
        };
        let leaves = |node: &Node| node.group == group && node.is_cordoned() && node.instance() != Instance::Terminated;
        if self.cluster.nodes.iter().any(leaves) {
            return self.update_looks_later(now, update, future);
        }
        if self.cluster.groups[group.index()].wanted() <= before {
            self.note_update_of_group(now, update, "update/ends", "done");
            return self.cluster.updates[usize::from(update)].turns(Phase::Ended);
        }
        let story = self.cluster.updates[usize::from(update)].story;
        self.cluster.groups[group.index()].gives_one_back(story);
        self.node_group(now, group, future);
        self.update_looks_later(now, update, future);
    }
}
