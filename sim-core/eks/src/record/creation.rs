//! What a record tells of the creation of its cluster: each task of eksctl, and what stood when it ended.

use serde::{Deserialize, Serialize};
use sim_kernel::SimTime;

/// The creation of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreationRecord {
    /// When eksctl ended; `None` if it had not.
    pub ended: Option<SimTime>,
    /// What it failed of; empty if it did not.
    pub failure: String,
    /// Its tasks, in the order of the plan.
    pub tasks: Vec<TaskRecord>,
    /// What stood when it ended; `None` if it had not.
    pub listing: Option<Listing>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// What it does.
    pub what: String,
    /// How it ended: `done`, `failed`, `running`, `not begun`.
    pub state: String,
    /// When it began.
    pub begun: Option<SimTime>,
    /// When it ended.
    pub ended: Option<SimTime>,
    /// What happened in it at the provider.
    pub phases: Vec<PhaseRecord>,
    /// Why it failed; empty otherwise.
    pub why: String,
}

/// A part of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// What happens.
    pub what: String,
    /// When it begins.
    pub begun: SimTime,
    /// When it ends; `None` if it had not at the end of the run.
    pub ended: Option<SimTime>,
}

/// What `kubectl get` lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Nodes.
    pub nodes: Vec<NodeLine>,
    /// DaemonSets of kube-system.
    pub daemon_sets: Vec<DaemonSetLine>,
    /// Pods of all namespaces.
    pub pods: Vec<PodLine>,
    /// Services that EKS makes.
    pub services: Vec<ServiceLine>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeLine {
    /// Its name, after its address.
    pub name: String,
    /// `Ready`, `NotReady`, `Unknown`.
    pub status: String,
    /// Its node group.
    pub group: String,
    /// Its zone.
    pub zone: String,
    /// Seconds since its kubelet registered.
    pub age_s: f64,
}

/// A DaemonSet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DaemonSetLine {
    /// Its name.
    pub name: String,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that are Ready.
    pub ready: u32,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name, with the hash of its ReplicaSet and letters of its own.
    pub name: String,
    /// Whether it is Ready.
    pub ready: bool,
    /// `Pending`, `ContainerCreating`, `Running`, `Terminating`.
    pub status: String,
    /// The name of its node; empty while it has none.
    pub node: String,
    /// Seconds since it was created.
    pub age_s: f64,
}

/// A Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its address in the cluster.
    pub address: String,
    /// Its ports.
    pub ports: String,
}
