//! Journeys: the way of one traveller through the stations, a file each.

pub mod api_request;
pub mod authentication;
pub mod autoscaler;
mod balancing;
pub mod cloud_node;
pub mod connection;
pub mod deployment;
pub mod drain;
pub mod election;
pub mod endpoint_slice;
pub mod etcd_request;
pub mod external_client;
pub mod instance;
pub mod kubelet;
pub mod leadership;
pub mod network_faults;
pub mod node_group;
pub mod node_lifecycle;
pub mod objects;
pub mod pod;
pub mod pod_gc;
pub mod power;
pub mod replica_set;
pub mod scheduling;
pub mod serving;
