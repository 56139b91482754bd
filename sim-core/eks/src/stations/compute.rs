//! Stations of compute: nodes, and the groups that launch them.

pub mod kubelet;
pub mod node;
pub mod node_group;
