//! Who watches at one API server.

/// The watches that one API server feeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audience {
    /// Kubelets that watch their own pods, their node, services, config maps and secrets.
    pub kubelets: u32,
    /// Workload clients that watch all pods.
    pub workloads: u32,
}
