//! Stations of what runs on the cluster: Deployments and their pods.

pub mod deployment;
pub mod identity;
pub mod pod;
pub mod pods;
