//! The nodes that somebody drains, as `kubectl drain` does: all are cordoned, then one after another is emptied.

use crate::ids::NodeId;
use std::collections::VecDeque;

/// The nodes that are being drained.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    current: Option<NodeId>,
    waiting: VecDeque<NodeId>,
}

impl Drain {
    /// A node is to be drained after those that wait.
    pub fn add(&mut self, node: NodeId) {
        self.waiting.push_back(node);
    }

    /// The node that is being emptied.
    pub fn current(&self) -> Option<NodeId> {
        self.current
    }

    /// The next node to empty, unless one is being emptied.
    pub fn begin_next(&mut self) -> Option<NodeId> {
        if self.current.is_some() {
            return None;
        }
        self.current = self.waiting.pop_front();
        self.current
    }

    /// A node has no pods left. Whether it was the one that is being emptied.
    pub fn is_empty_now(&mut self, node: NodeId) -> bool {
        let was = self.current == Some(node);
        if was {
            self.current = None;
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_is_emptied_after_another() {
        let mut drain = Drain::default();
        (0..2).for_each(|node| drain.add(NodeId(node)));
        assert_eq!([drain.begin_next(), drain.begin_next()], [Some(NodeId(0)), None]);
        assert!(!drain.is_empty_now(NodeId(1)) && drain.is_empty_now(NodeId(0)));
        assert_eq!(drain.begin_next(), Some(NodeId(1)));
    }
}
