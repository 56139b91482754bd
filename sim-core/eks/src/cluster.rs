//! The cluster's half of the world.
/// Nodes, pods and controllers.
#[derive(Clone)]
pub struct ClusterState {}
