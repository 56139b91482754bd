//! The update of a managed node group, as EKS carries it out: which nodes are still to be replaced, which are on their way
//! out, and how many may be at a time.

use crate::ids::{GroupId, NodeId};
use crate::probes::Cause;

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// EKS makes a launch template.
    SetUp,
    /// The group launches more instances than it had.
    ScaleUp,
    /// Old nodes are drained and terminated.
    Upgrade,
    /// The group gives back what it had too many.
    ScaleDown,
    /// Over.
    Ended,
}

/// An update.
#[derive(Clone, Debug)]
pub struct GroupUpdate {
    /// The group.
    pub group: GroupId,
    /// The latest fact of it.
    pub story: Cause,
    /// Whether pods that do not leave in time are deleted.
    pub force: bool,
    /// Instances that were wanted before.
    pub before: u32,
    max_unavailable: u32,
    phase: Phase,
    /// In the order in which they will go.
    old: Vec<NodeId>,
    draining: Vec<NodeId>,
    leaving: Vec<NodeId>,
    looks: u32,
}

impl GroupUpdate {
    /// An update that will replace these nodes, in this order.
    pub fn new(group: GroupId, before: u32, max_unavailable: u32, force: bool, old: Vec<NodeId>, story: Cause) -> Self {
        GroupUpdate {
            group,
            story,
            force,
            before,
            max_unavailable,
            phase: Phase::SetUp,
            old,
            draining: Vec::new(),
            leaving: Vec::new(),
            looks: 0,
        }
    }

    /// Instances that are launched beside the old ones: two for each zone, or as many as may be unavailable.
    pub fn surge(&self, zones: u32) -> u32 {
        self.max_unavailable.max(zones * 2)
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// It comes to another phase.
    pub fn turns(&mut self, phase: Phase) {
        self.phase = phase;
        if phase == Phase::Ended {
            self.draining.clear();
        }
    }

    /// EKS looks once more: how often it has.
    pub fn looks(&mut self) -> u32 {
        self.looks += 1;
        self.looks
    }

    /// The nodes that are still to go, those on their way out not among them.
    pub fn old(&self) -> &[NodeId] {
        &self.old
    }

    /// Whether a node is one of those that are replaced.
    pub fn replaces(&self, node: NodeId) -> bool {
        [&self.old, &self.draining, &self.leaving].iter().any(|nodes| nodes.contains(&node))
    }

    /// The next node that may go now, if fewer than may be unavailable are on their way out.
    pub fn next_to_go(&mut self) -> Option<NodeId> {
        let busy = self.draining.len() + self.leaving.len();
        if self.phase != Phase::Upgrade || self.old.is_empty() || busy >= self.max_unavailable as usize {
            return None;
        }
        let node = self.old.remove(0);
        self.draining.push(node);
        Some(node)
    }

    /// Whether a node is being drained.
    pub fn drains(&self, node: NodeId) -> bool {
        self.draining.contains(&node)
    }

    /// A node has no pods left. Whether it was being drained.
    pub fn is_empty_now(&mut self, node: NodeId) -> bool {
        let was = self.drains(node);
        if was {
            self.draining.retain(|known| *known != node);
            self.leaving.push(node);
        }
        was
    }

    /// A node's instance is gone.
    pub fn is_gone(&mut self, node: NodeId) {
        for nodes in [&mut self.old, &mut self.draining, &mut self.leaving] {
            nodes.retain(|known| *known != node);
        }
    }

    /// Whether every old node is gone.
    pub fn has_replaced_all(&self) -> bool {
        self.old.is_empty() && self.draining.is_empty() && self.leaving.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(max_unavailable: u32) -> GroupUpdate {
        let nodes = (0..3).map(NodeId).collect();
        let mut update = GroupUpdate::new(GroupId(0), 3, max_unavailable, false, nodes, None);
        update.turns(Phase::Upgrade);
        update
    }

    /// The user guide's example: five zones and one node at a time give ten instances more, twenty at a time twenty.
    #[test]
    fn the_surge_is_two_for_each_zone_or_what_may_be_unavailable() {
        assert_eq!([update(1).surge(5), update(20).surge(5), update(1).surge(3)], [10, 20, 6]);
    }

    #[test]
    fn no_more_nodes_go_at_a_time_than_may() {
        let mut update = update(2);
        assert_eq!(
            [update.next_to_go(), update.next_to_go(), update.next_to_go()],
            [Some(NodeId(0)), Some(NodeId(1)), None]
        );
        assert!(update.is_empty_now(NodeId(0)) && !update.is_empty_now(NodeId(0)));
        assert_eq!(update.next_to_go(), None, "its instance still is there");
        update.is_gone(NodeId(0));
        assert_eq!(update.next_to_go(), Some(NodeId(2)));
        (1..3).map(NodeId).for_each(|node| update.is_gone(node));
        assert!(update.has_replaced_all());
    }
}
