//! Stations of compute: nodes, the groups that launch them, and those who drain them.

pub mod cluster_autoscaler;
pub mod drain;
pub mod fargate;
pub mod group_update;
pub mod image_store;
pub mod kubelet;
pub mod node;
pub mod node_group;
pub mod scale_in;
pub mod volumes;
pub mod vpc_cni;
