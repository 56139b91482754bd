//! Stations of what runs on the cluster: Deployments, their ReplicaSets, their pods, and what they keep to.

pub mod autoscaler;
pub mod bill;
pub mod coredns;
pub mod creation;
pub mod daemon_set;
pub mod deployment;
pub mod disruption_budget;
pub mod fargate_size;
pub mod identity;
pub mod job;
pub mod load;
pub mod pod;
pub mod pods;
pub mod registry;
pub mod replica_set;
pub mod service;
pub mod stateful_set;
