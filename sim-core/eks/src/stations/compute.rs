//! Stations of compute: nodes, and the groups that launch them.

pub mod node;
pub mod node_group;
