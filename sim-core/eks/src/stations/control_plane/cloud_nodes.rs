//! The cloud node lifecycle controller: deletes the Node of an instance that is gone for good.
//!
//! It looks at NotReady nodes only, and so does the cost of a look grow with these: a node comes to its attention when
//! it is NotReady and its instance terminated. Left out: the taint for instances that are merely shut down.

use crate::ids::NodeId;

/// The cloud node lifecycle controller.
#[derive(Clone, Debug, Default)]
pub struct CloudNodes {
    found: Vec<NodeId>,
}

impl CloudNodes {
    /// A node that the next look finds NotReady and without its instance.
    pub fn notice(&mut self, node: NodeId) {
        if !self.found.contains(&node) {
            self.found.push(node);
        }
    }

    /// One look: the nodes to delete, in their order.
    pub fn look(&mut self) -> Vec<NodeId> {
        self.found.sort_unstable();
        std::mem::take(&mut self.found)
    }

    /// A new leader has no memory; what it finds is told to it anew.
    pub fn begins(&mut self) {
        self.found.clear();
    }
}
