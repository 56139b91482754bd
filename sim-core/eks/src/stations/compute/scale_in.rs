//! Which nodes the Cluster Autoscaler does not need, since when, and which of them are on their way out.
//!
//! Source: `kubernetes/autoscaler cluster-autoscaler/FAQ.md`, "How does scale-down work?".

use crate::ids::{GroupId, NodeId};
use crate::parameters::ClusterAutoscalerParameters;
use crate::probes::Cause;
use crate::stations::control_plane::preemption::Amounts;
use sim_kernel::{SimDuration, SimTime};

/// The share of a node that requests take: of its GPUs where it has some, else of CPU or memory, whichever is more.
pub fn utilisation(capacity: Amounts, free: Amounts) -> f64 {
    let share = |kind: usize| (capacity[kind] - free[kind]) as f64 / capacity[kind].max(1) as f64;
    if capacity[2] > 0 { share(2) } else { share(0).max(share(1)) }
}

/// What is remembered of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    unneeded_since: Option<SimTime>,
    /// It could not be removed: it is not looked at again before.
    held_until: Option<SimTime>,
}

/// How far the removal of a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is tainted, so that no pod comes.
    Tainted,
    /// Its pods are evicted.
    Drains,
    /// AWS is called.
    Terminates,
}

/// A node on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    /// Which.
    pub node: NodeId,
    /// Its group.
    pub group: GroupId,
    /// Whether no pods but those of DaemonSets were on it.
    pub is_empty: bool,
    /// How far it is.
    pub phase: Phase,
    /// When its pods began to be evicted.
    pub drains_since: SimTime,
}

/// The half of the Cluster Autoscaler that removes nodes.
#[derive(Clone, Debug, Default)]
pub struct ScaleIn {
    /// The last fact that took pods from nodes.
    pub story: Cause,
    /// By node.
    memory: Vec<Memory>,
    removals: Vec<Removal>,
    grown: Option<SimTime>,
    removed: Option<SimTime>,
    failed: Option<SimTime>,
}

impl ScaleIn {
    /// A pod that has no memory begins to act: the removals that the one before had begun.
    pub fn begins(&mut self) -> Vec<Removal> {
        let left = std::mem::take(&mut self.removals);
        *self = ScaleIn { story: self.story, ..ScaleIn::default() };
        left
    }

    /// A group is told to grow.
    pub fn grows(&mut self, now: SimTime) {
        self.grown = Some(now);
    }

    /// A scan finds these nodes unneeded, and no others.
    pub fn sees(&mut self, now: SimTime, unneeded: &[NodeId]) {
        let before = std::mem::take(&mut self.memory);
        let nodes = unneeded.iter().map(|node| node.index() + 1).max().unwrap_or(0).max(before.len());
        let held_until = |index: usize| before.get(index).and_then(|memory: &Memory| memory.held_until);
        self.memory = (0..nodes).map(|index| Memory { unneeded_since: None, held_until: held_until(index) }).collect();
        for node in unneeded {
            let since = before.get(node.index()).and_then(|memory| memory.unneeded_since);
            self.memory[node.index()].unneeded_since = Some(since.unwrap_or(now));
        }
    }

    /// Since when a node has not been needed.
    pub fn unneeded_since(&self, node: NodeId) -> Option<SimTime> {
        self.memory.get(node.index()).and_then(|memory| memory.unneeded_since)
    }

    /// Whether a node is looked at: it was not found irremovable lately.
    pub fn may_look(&self, now: SimTime, node: NodeId) -> bool {
        self.memory.get(node.index()).and_then(|memory| memory.held_until).is_none_or(|until| until <= now)
    }

    /// A node cannot be removed now: it is looked at again later.
    pub fn hold(&mut self, node: NodeId, until: SimTime) {
        if self.memory.len() <= node.index() {
            self.memory.resize(node.index() + 1, Memory::default());
        }
        self.memory[node.index()].held_until = Some(until);
    }

    /// Whether the pauses after a growth, a removal and a failure are over.
    pub fn may_remove(&self, now: SimTime, parameters: &ClusterAutoscalerParameters) -> bool {
        let is_over = |at: Option<SimTime>, pause: SimDuration| at.is_none_or(|at| now >= at + pause);
        is_over(self.grown, parameters.scale_down_delay_after_add)
            && is_over(self.removed, parameters.scale_down_delay_after_delete)
            && is_over(self.failed, parameters.scale_down_delay_after_failure)
    }

    /// The nodes on their way out.
    pub fn removals(&self) -> &[Removal] {
        &self.removals
    }

    /// A node on its way out.
    pub fn removal(&mut self, node: NodeId) -> Option<&mut Removal> {
        self.removals.iter_mut().find(|removal| removal.node == node)
    }

    /// Nodes of a group on their way out.
    pub fn leaving(&self, group: GroupId) -> u32 {
        self.removals.iter().filter(|removal| removal.group == group).count() as u32
    }

    /// A node is to go.
    pub fn starts(&mut self, now: SimTime, node: NodeId, group: GroupId, is_empty: bool) {
        let (phase, drains_since) = (Phase::Tainted, now);
        self.removals.push(Removal { node, group, is_empty, phase, drains_since });
    }

    /// A node on its way out is gone, or was lost meanwhile.
    pub fn ends(&mut self, now: SimTime, node: NodeId) {
        self.removals.retain(|removal| removal.node != node);
        self.removed = Some(now);
    }

    /// A node could not be removed; it is left alone for a while.
    pub fn fails(&mut self, now: SimTime, node: NodeId, again: SimTime) {
        self.removals.retain(|removal| removal.node != node);
        self.failed = Some(now);
        self.hold(node, again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn utilisation_is_the_larger_share_and_that_of_gpus_where_there_are_some() {
        assert_eq!(utilisation([2000, 8000, 0, 29], [1500, 2000, 0, 20]), 0.75);
        assert_eq!(utilisation([2000, 8000, 4, 29], [1500, 2000, 3, 20]), 0.25);
    }

    #[test]
    fn a_node_that_is_needed_once_begins_anew() {
        let (mut scale_in, node) = (ScaleIn::default(), NodeId(4));
        scale_in.sees(at(10), &[node]);
        scale_in.sees(at(20), &[node, NodeId(7)]);
        assert_eq!([node, NodeId(7)].map(|node| scale_in.unneeded_since(node)), [Some(at(10)), Some(at(20))]);
        scale_in.sees(at(30), &[]);
        scale_in.sees(at(40), &[node]);
        assert_eq!(scale_in.unneeded_since(node), Some(at(40)));
    }

    #[test]
    fn it_pauses_ten_minutes_after_a_growth_ten_seconds_after_a_removal_and_three_minutes_after_a_failure() {
        let parameters = Parameters::default().cluster_autoscaler;
        let mut scale_in = ScaleIn::default();
        assert!(scale_in.may_remove(at(0), &parameters), "nothing has happened yet");
        scale_in.grows(at(0));
        assert!(!scale_in.may_remove(at(599), &parameters) && scale_in.may_remove(at(600), &parameters));
        scale_in.ends(at(700), NodeId(0));
        assert!(!scale_in.may_remove(at(709), &parameters) && scale_in.may_remove(at(710), &parameters));
        scale_in.fails(at(800), NodeId(1), at(1100));
        assert!(!scale_in.may_remove(at(979), &parameters) && scale_in.may_remove(at(980), &parameters));
        assert!(!scale_in.may_look(at(1099), NodeId(1)) && scale_in.may_look(at(1100), NodeId(1)));
    }

    #[test]
    fn a_pod_that_takes_over_has_no_memory() {
        let mut scale_in = ScaleIn::default();
        scale_in.sees(at(10), &[NodeId(2)]);
        scale_in.starts(at(20), NodeId(2), GroupId(0), true);
        assert_eq!((scale_in.leaving(GroupId(0)), scale_in.leaving(GroupId(1))), (1, 0));
        assert_eq!(scale_in.begins().len(), 1);
        assert_eq!((scale_in.unneeded_since(NodeId(2)), scale_in.leaving(GroupId(0))), (None, 0));
    }
}
