//! What runs on a cluster, and who else talks to it.

use crate::plan::{ClientPlace, Placing, PodStart, TaintEffect};
use crate::quantity::Resources;
use serde::{Deserialize, Serialize};
use sim_kernel::{Digest, Law, SimDuration, SimTime};
use std::collections::BTreeMap;

/// A DaemonSet: it has a pod on every node that it matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaemonSet {
    /// Its name.
    pub name: String,
    /// What one of its pods requests.
    pub requests: Resources,
    /// Labels that a node must have.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that its pods tolerate beside those that all DaemonSets do.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// Whether its pods run in their node's own network, and so before there is one for pods.
    #[serde(default)]
    pub host_network: bool,
    /// Whether its pod brings the network for the pods of its node, as the VPC CNI's does.
    #[serde(default)]
    pub brings_network: bool,
    /// When it is created; `None` if it is there from the start.
    #[serde(default)]
    pub created: Option<SimTime>,
    /// The priority of its pods.
    #[serde(default)]
    pub priority: i32,
    /// How its pods start and end.
    #[serde(default)]
    pub start: PodStart,
}

impl DaemonSet {
    /// Whether its pods are created for nodes that are not Ready, beside tolerating that a node ceases to be.
    pub fn tolerates_not_ready(&self) -> bool {
        self.tolerations.iter().any(|toleration| {
            let of_key = toleration.key.as_deref().is_none_or(|key| key == "node.kubernetes.io/not-ready");
            of_key && toleration.effect.is_none_or(|effect| effect == TaintEffect::NoSchedule)
        })
    }
}

/// A Deployment, and the service in front of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its namespace.
    pub namespace: String,
    /// Its name, unique in its namespace.
    pub name: String,
    /// Pods that it wants.
    pub replicas: u32,
    /// What one pod requests.
    pub requests: Resources,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that its pods tolerate.
    pub tolerations: Vec<Toleration>,
    /// Whether pods must be spread over zones with a skew of one (`DoNotSchedule`); spreading is preferred in any case.
    pub spread_zones: bool,
    /// What controllers keep to beside the number of pods.
    #[serde(default)]
    pub control: Control,
}

/// What controllers keep to beside a workload's number of pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// What the workload is.
    #[serde(default)]
    pub kind: WorkloadKind,
    /// How many of its pods may be evicted at a time; `None` without a PodDisruptionBudget.
    pub budget: Option<DisruptionBudget>,
    /// What keeps the number of its pods to its load; `None` without a HorizontalPodAutoscaler.
    #[serde(default)]
    pub autoscaler: Option<AutoscalerBounds>,
    /// CPU that its pods use together, in thousandths of a core; `None` where that does not matter.
    #[serde(default)]
    pub load_milli_cpu: Option<u64>,
    /// The priority of its pods: those of higher priority are scheduled first, and may take the room of others.
    #[serde(default)]
    pub priority: i32,
    /// Pods of the wanted number that need not be available in a rolling update; `None` for the parameter's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<u32>,
    /// Whether its pods wait for room as others do, whatever their priority (`preemptionPolicy: Never`).
    #[serde(default)]
    pub never_preempts: bool,
    /// Where its pods may and would rather run.
    #[serde(default)]
    pub placing: Placing,
    /// Labels of its pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What its pods do, if it is a Job: it wants no pods of a Deployment then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Whether a StatefulSet's pods do not wait for each other (`podManagementPolicy: Parallel`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_parallel: bool,
    /// The size of the volume that each pod of a StatefulSet claims, GiB; `None` where they claim none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_gib: Option<u64>,
    /// How its pods start and end.
    #[serde(default)]
    pub start: PodStart,
}

/// A Job: pods that end by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Pods that have to do their work.
    pub completions: u32,
    /// Pods that are under way at a time at most.
    pub parallelism: u32,
    /// Failures beyond which it gives up.
    pub backoff_limit: u32,
    /// How long the containers of a pod run, seconds.
    pub run_time: Law,
    /// The share of its pods that fail at their end, 0 to 1.
    pub failures: f64,
    /// How long it stays after its end; `None` for ever.
    pub ttl: Option<SimDuration>,
    /// When it is created.
    pub created: SimTime,
}

/// The priority of the class `system-cluster-critical`.
pub const SYSTEM_CLUSTER_CRITICAL: i32 = 2_000_000_000;

/// The priority of the class `system-node-critical`.
pub const SYSTEM_NODE_CRITICAL: i32 = 2_000_001_000;

/// The kinds of workloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// Its pods are alike: one that is lost is replaced at once.
    #[default]
    Deployment,
    /// Its pods have identities: none is replaced before its object is gone.
    StatefulSet,
}

/// The Cluster Autoscaler: it runs in pods on the nodes, and sets the desired size of the groups whose largest size is
/// above their smallest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAutoscaler {
    /// The Deployment of its pods: index in [`crate::plan::Plan::deployments`].
    pub deployment: usize,
    /// How it chooses the group that grows.
    pub expander: Expander,
    /// By node group: its rank for [`Expander::Priority`].
    pub priorities: Vec<i32>,
}

/// How the Cluster Autoscaler chooses one of the groups that would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expander {
    /// Any of them.
    Random,
    /// The one whose new nodes would be idle least.
    LeastWaste,
    /// The one that takes most pods.
    MostPods,
    /// The one of the highest rank.
    Priority,
}

/// A HorizontalPodAutoscaler on CPU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoscalerBounds {
    /// Fewest pods.
    pub min: u32,
    /// Most pods.
    pub max: u32,
    /// Wanted use of CPU, as a share of what the pods request.
    pub target: f64,
}

/// A PodDisruptionBudget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisruptionBudget {
    /// So many pods stay Ready.
    MinAvailable(Amount),
    /// So many pods of the wanted may be missing.
    MaxUnavailable(Amount),
}

/// A number of pods, or a share of those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// Pods.
    Pods(u32),
    /// A share, 0 to 1.
    Share(f64),
}

/// A trace of pods: bare ones, each created at its time, which run for their duration and are deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodTrace {
    /// The file's name.
    pub file: String,
    /// The hash of its rows: they themselves are no part of a record.
    pub digest: Digest,
    /// The shapes of its pods stand at the end of [`crate::plan::Plan::deployments`], as Deployments that want no pod, from this
    /// index on.
    pub first_shape: u32,
    /// Its pods, in the order of their arrival.
    #[serde(skip)]
    pub rows: Vec<TracePod>,
}

/// A pod of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracePod {
    /// When the client submits it.
    pub arrival: SimTime,
    /// How long its containers run.
    pub duration: SimDuration,
    /// Its shape: index from [`PodTrace::first_shape`] on.
    pub shape: u32,
}

/// A toleration of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// The key of the taints that are meant; `None` tolerates every key.
    pub key: Option<String>,
    /// The value that is meant; `None` tolerates every value (`operator: Exists`).
    pub value: Option<String>,
    /// The effect that is meant; `None` means all.
    pub effect: Option<TaintEffect>,
}

/// A client that is no part of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Its name in reports.
    pub name: String,
    /// What it does; how often is in the parameters of its class.
    pub class: ExternalClient,
    /// Where it is.
    pub place: ClientPlace,
    /// How many of them there are.
    pub count: u32,
}

/// The classes of clients outside the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExternalClient {
    /// Runs one `kubectl get` after another.
    Admin,
    /// Applies objects, job by job, and tries again.
    Ci,
    /// Runs one `kubectl exec` after another: each opens a stream into a pod.
    Exec,
}

/// An admission webhook: a program that must let writes pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name in reports.
    pub name: String,
    /// The writes that it reviews.
    pub rules: WebhookRules,
    /// The Deployment that it is: index in [`crate::plan::Plan::deployments`]; `None` where it runs outside the cluster.
    pub deployment: Option<usize>,
    /// The port of its pods that API servers call.
    #[serde(default = "webhook_port")]
    pub port: u16,
    /// Whether it does not review its own pods.
    pub exempts_itself: bool,
    /// How long an API server waits for it.
    pub timeout: SimDuration,
    /// Whether writes pass when it does not answer (failurePolicy Ignore); otherwise they are refused (Fail).
    pub ignores_failure: bool,
}

/// The writes that a webhook reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookRules {
    /// The creation of pods.
    Pods,
    /// Every write, those of leases and of status too.
    All,
}

/// What is wrong with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookTrouble {
    /// Nothing comes back.
    Silent,
    /// Every call fails at once.
    Refuses,
}

/// Programs on the cluster's nodes that use the API by one service account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadClient {
    /// Its name in reports.
    pub name: String,
    /// Processes: one on each node (a DaemonSet), or so many in all, on the first nodes.
    pub replicas: Option<u32>,
    /// Workers of a process: requests that it has under way at most.
    pub workers: u32,
    /// What each worker does.
    pub does: WorkloadCall,
    /// Pause between the end of one request of a worker and the next.
    pub interval: SimDuration,
    /// Requests per second of a process.
    pub qps: u64,
    /// Requests that a process may send at once.
    pub burst: u64,
    /// Whether it pauses after a failure, longer and longer; otherwise it tries again at once.
    pub back_off: bool,
    /// Whether its service account lies in kube-system, whose requests have a higher priority.
    pub system: bool,
}

/// What a workload client does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadCall {
    /// Lists all pods.
    List,
    /// Watches all pods, by an informer.
    Watch,
    /// Reads one object.
    Get,
    /// Changes one object.
    Apply,
}

fn webhook_port() -> u16 {
    443
}
