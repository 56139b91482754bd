//! Stations of what runs on the cluster: Deployments, their ReplicaSets and their pods.

pub mod deployment;
pub mod identity;
pub mod pod;
pub mod pods;
pub mod replica_set;
