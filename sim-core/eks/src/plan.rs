//! The plan: everything that a run needs, validated. Once it exists, a run cannot fail for a reason that the user
//! could have been told before.

mod network;
mod placing;
mod storage;
mod support;

use crate::parameters::Parameters;
use crate::quantity::{Price, Resources, Tier};
pub use network::{
    AwsService, ClientPlace, ConnectedNetwork, Connection, EndpointAccess, Family, NatGateway, NatMode, Network,
    NodeSecurity, Peer, Route, RouteTarget, Rule, SecurityGroup, Subnet, VpcDns, VpcLayout,
};
pub use placing::{NodeRequirement, Operator, Placing, PodTerm, Topology};
use serde::{Deserialize, Serialize};
use sim_kernel::{Digest, Law, SimDuration, SimTime};
use std::collections::BTreeMap;
pub use storage::{MemberChoice, StorageChange};
pub use support::Support;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name, as in `ekssim run NAME`.
    pub scenario: String,
    /// What the scenario is called in reports.
    pub title: String,
    /// The question that it answers, one sentence.
    pub question: String,
    /// Simulated time from the start to the end.
    pub duration: SimDuration,
    /// Time at the start that no measure counts; the timeline and the series show it.
    pub warm_up: SimDuration,
    /// How many replications the scenario asks for by itself.
    pub replications: u32,
    /// The cluster.
    pub cluster: Cluster,
    /// What runs on it.
    pub deployments: Vec<Deployment>,
    /// Pods that a client submits, each at its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_trace: Option<PodTrace>,
    /// Pods that a load test has deleted and created each second, both together; 0 for none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub churn: f64,
    /// Administrators and CI systems.
    pub clients: Vec<Client>,
    /// Programs on the nodes that use the API by service accounts.
    #[serde(default)]
    pub workloads: Vec<WorkloadClient>,
    /// Admission webhooks, in the order in which they are asked.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// Faults and changes, in the order of their times.
    pub steps: Vec<Step>,
    /// What the run must reach.
    pub objectives: Vec<Objective>,
    /// Every parameter.
    pub parameters: Parameters,
    /// The parameters that do not have their default, and who set them.
    pub settings: Vec<Setting>,
    /// What was filled in, what is not modelled, what the user should know.
    pub notes: Vec<Note>,
    /// What the plan itself is called beside its variants.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The same plan with other parameters, to be run side by side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// How the run is carried out; none of it may change a fact, so it is no part of the plan's hash.
    #[serde(skip)]
    pub modes: Modes,
}

/// Ways to carry out one and the same run, for those who check the simulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Measure nothing: the digest must stay the same.
    pub probes_off: bool,
    /// Handle equal times in random order: the facts must stay the same.
    pub shuffle_ties: bool,
    /// Schedule every raft heartbeat instead of eliding those between healthy members.
    pub explicit_heartbeats: bool,
    /// Schedule every HTTP/2 read-idle timer instead of eliding those on healthy paths.
    pub explicit_read_idle: bool,
}

/// The cluster as it stands when the run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The AWS region: `eu-west-1`.
    pub region: String,
    /// The Kubernetes version.
    pub version: KubernetesVersion,
    /// The zones of the control plane, always three. The cluster's own zones come first.
    pub zones: Vec<Zone>,
    /// The node groups, in the order of the file.
    pub node_groups: Vec<NodeGroup>,
    /// What runs on every node.
    pub daemon_sets: Vec<DaemonSet>,
    /// Its VPC, and the ways to its API.
    pub network: Network,
}

/// A Kubernetes version, `1.33`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KubernetesVersion {
    /// The number before the point.
    pub major: u32,
    /// The number after the point.
    pub minor: u32,
}

/// An availability zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name: `eu-west-1a`.
    pub name: String,
    /// Whether the cluster has subnets in it; the control plane uses three zones in any case.
    pub in_cluster: bool,
}

/// Index of a zone in [`Cluster::zones`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ZoneId(pub u8);

impl ZoneId {
    /// The index into a list by zone.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node group over an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Managed by EKS, or self-managed.
    pub managed: bool,
    /// The instance type that is launched (the first of a list).
    pub instance_type: String,
    /// What one node can give to pods, after the reserves of the kubelet and the system.
    pub allocatable: Resources,
    /// Pods that a node may hold, DaemonSet pods included.
    pub max_pods: u32,
    /// GPUs of a node, which its device plugin tells of (`nvidia.com/gpu`).
    #[serde(default)]
    pub gpus: u32,
    /// Network interfaces that an instance can have, on its default network card.
    pub max_enis: u32,
    /// IPv4 addresses of one of them, the primary one included.
    pub ipv4_per_eni: u32,
    /// Smallest number of instances.
    pub min: u32,
    /// Instances when the run begins.
    pub desired: u32,
    /// Largest number of instances.
    pub max: u32,
    /// The zones of its subnets, none twice.
    pub zones: Vec<ZoneId>,
    /// The subnet in each of these zones: indices in [`Network::subnets`].
    pub subnets: Vec<usize>,
    /// The security groups of its nodes: indices in [`Network::security_groups`].
    pub security_groups: Vec<usize>,
    /// Labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// Whether its instances are Spot instances.
    pub spot: bool,
    /// On-Demand price of one instance for an hour, in the regions that the catalogue knows.
    pub usd_per_hour: Price,
    /// Size of the root volume of one instance, GiB; `None` for the default.
    #[serde(default)]
    pub volume_gib: Option<u64>,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, empty if none.
    pub value: String,
    /// What it does to pods that do not tolerate it.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaintEffect {
    /// Keeps new pods away.
    NoSchedule,
    /// Keeps new pods away where there is another place.
    PreferNoSchedule,
    /// Keeps new pods away and evicts the running ones.
    NoExecute,
}

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
    /// Whether its pods wait for room as others do, whatever their priority (`preemptionPolicy: Never`).
    #[serde(default)]
    pub never_preempts: bool,
    /// Where its pods may and would rather run.
    #[serde(default)]
    pub placing: Placing,
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
    /// Its pods have identities: one is created after another, and none is replaced before its object is gone.
    StatefulSet,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(churn: &f64) -> bool {
    *churn == 0.0
}

/// A trace of pods: bare ones, each created at its time, which run for their duration and are deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodTrace {
    /// The file's name.
    pub file: String,
    /// The hash of its rows: they themselves are no part of a record.
    pub digest: Digest,
    /// The shapes of its pods stand at the end of [`Plan::deployments`], as Deployments that want no pod, from this
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
    /// The Deployment that it is: index in [`Plan::deployments`]; `None` where it runs outside the cluster.
    pub deployment: Option<usize>,
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

/// A fault or a change at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When, from the start of the run.
    pub at: SimTime,
    /// What happens.
    pub change: Change,
}

/// What can be made to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A zone loses power silently: everything in it stops at once. It returns after `lasts`, if given.
    ZonePowerLoss {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The API server of a zone stops silently, alone. Nothing happens if the zone holds none.
    ApiServerLoss {
        /// The zone; `None` takes the zone of the controllers' leader.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The process of an API server crashes; its machine resets its connections, and it starts again by itself.
    ApiServerCrash {
        /// The zone; `None` takes the zone of the controllers' leader.
        zone: Option<ZoneId>,
    },
    /// The etcd member of a zone stops silently, alone.
    EtcdMemberLoss {
        /// The zone; `None` takes the leader.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// Members of etcd are cut off from all others, though they live: no message passes between them.
    EtcdPartition {
        /// Who is cut off.
        target: PartitionTarget,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A share of a zone's nodes stops silently; the rest of the zone lives on.
    NodeLoss {
        /// The zone.
        zone: ZoneId,
        /// The share of its living nodes, 0 to 1, rounded to whole nodes; which ones is drawn.
        share: f64,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The Security Token Service is in trouble: API servers can no longer ask whose an IAM token is.
    StsTrouble {
        /// What is wrong.
        trouble: StsTrouble,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A zone becomes slow and lossy: whatever enters or leaves it, apart from what stays inside.
    ZoneImpairment {
        /// The zone.
        zone: ZoneId,
        /// Delay added to a message, each way, seconds.
        latency: Law,
        /// Share of the segments that are lost, 0 to 0.2, each way.
        loss: f64,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A zone lives, but is cut off: nothing passes between it and the other zones, and nothing is reset.
    ZoneCut {
        /// The zone.
        zone: ZoneId,
        /// Whether it is cut off from the internet too.
        internet: bool,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The provider moves the control plane's traffic away from a zone: its address leaves DNS, and returns.
    ZonalShift {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The API endpoint gets another access mode, or another list of ranges: an update of minutes.
    EndpointAccess {
        /// What it is to be.
        access: EndpointAccess,
    },
    /// A rule inbound of a security group is added or taken away.
    SecurityRule {
        /// Index in [`Network::security_groups`].
        group: usize,
        /// The rule.
        rule: Rule,
        /// Whether it is added.
        allow: bool,
    },
    /// NAT gateways stop silently, alone.
    NatLoss {
        /// The zone of the gateway; `None` takes all of them.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The interfaces that EKS owns in a zone let nothing through; everything else in the zone lives.
    InterfaceLoss {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The VPC's endpoint of an AWS service stops answering.
    ServiceEndpointLoss {
        /// The service.
        service: AwsService,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// Somebody deletes the cluster with a tool that needs its API (`eksctl delete cluster`). The run goes on whether it
    /// can or not: what is shown is whether the tool gets through.
    DeleteCluster {
        /// From where: index in [`Plan::clients`].
        client: usize,
    },
    /// The control plane is upgraded to the next minor version: a rolling replacement of its API servers.
    UpgradeControlPlane,
    /// The control plane moves to another tier: a rolling replacement of its API servers.
    ChangeTier {
        /// The tier.
        tier: Tier,
    },
    /// The API servers restart gracefully in their places, one after another.
    RestartApiServers,
    /// Something happens to the storage of etcd.
    EtcdStorage {
        /// What.
        what: StorageChange,
        /// How long; `None` is for good, or has no end.
        lasts: Option<SimDuration>,
    },
    /// An admission webhook stops answering.
    WebhookTrouble {
        /// Index in [`Plan::webhooks`].
        webhook: usize,
        /// What is wrong.
        trouble: WebhookTrouble,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A Deployment is scaled.
    ScaleDeployment {
        /// Index in [`Plan::deployments`].
        deployment: usize,
        /// Pods wanted from then on.
        replicas: u32,
    },
    /// A Deployment gets another template (a new image): its pods are replaced by a rolling update.
    UpdateDeployment {
        /// Index in [`Plan::deployments`].
        deployment: usize,
    },
    /// The load on a Deployment's pods changes.
    ChangeLoad {
        /// Index in [`Plan::deployments`].
        deployment: usize,
        /// CPU that its pods use together from then on, in thousandths of a core.
        milli_cpu: u64,
    },
    /// Nodes of a group are cordoned, then drained one after another.
    DrainNodes {
        /// Index in [`Cluster::node_groups`].
        node_group: usize,
        /// How many of its nodes.
        nodes: u32,
    },
    /// All processes of a workload client start anew, together: a rollout without a limit.
    RestartWorkload {
        /// Index in [`Plan::workloads`].
        workload: usize,
    },
    /// A node group is scaled, within its bounds.
    ScaleNodeGroup {
        /// Index in [`Cluster::node_groups`].
        node_group: usize,
        /// Instances wanted from then on.
        desired: u32,
    },
}

/// What is wrong with the Security Token Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StsTrouble {
    /// Nothing comes back.
    Silent,
    /// Every call fails at once.
    Refuses,
    /// Every call takes so much longer.
    Slow(SimDuration),
}

/// Which members of etcd a partition cuts off from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionTarget {
    /// The member that leads when the fault strikes.
    Leader,
    /// The member of a zone.
    Zone(ZoneId),
    /// Every member, from every other one.
    All,
}

impl Change {
    /// How long it lasts; `None` for good, and for changes that have no end.
    pub fn lasts(&self) -> Option<SimDuration> {
        match self {
            Change::NatLoss { lasts, .. }
            | Change::InterfaceLoss { lasts, .. }
            | Change::ServiceEndpointLoss { lasts, .. }
            | Change::EtcdPartition { lasts, .. }
            | Change::ZonePowerLoss { lasts, .. }
            | Change::ApiServerLoss { lasts, .. }
            | Change::NodeLoss { lasts, .. }
            | Change::StsTrouble { lasts, .. }
            | Change::ZonalShift { lasts, .. }
            | Change::ZoneImpairment { lasts, .. }
            | Change::ZoneCut { lasts, .. }
            | Change::WebhookTrouble { lasts, .. }
            | Change::EtcdMemberLoss { lasts, .. }
            | Change::EtcdStorage { lasts, .. } => *lasts,
            Change::ApiServerCrash { .. }
            | Change::EndpointAccess { .. }
            | Change::SecurityRule { .. }
            | Change::DeleteCluster { .. }
            | Change::UpgradeControlPlane
            | Change::ChangeTier { .. }
            | Change::RestartApiServers
            | Change::ScaleDeployment { .. }
            | Change::UpdateDeployment { .. }
            | Change::ChangeLoad { .. }
            | Change::DrainNodes { .. }
            | Change::RestartWorkload { .. }
            | Change::ScaleNodeGroup { .. } => None,
        }
    }

    /// The zone that it strikes as a whole, or whose nodes it strikes.
    pub fn zone(&self) -> Option<ZoneId> {
        match self {
            Change::ZonePowerLoss { zone, .. }
            | Change::NodeLoss { zone, .. }
            | Change::ZoneImpairment { zone, .. }
            | Change::ZoneCut { zone, .. } => Some(*zone),
            _ => None,
        }
    }

    /// Whether it breaks something, rather than being somebody's will.
    pub fn is_fault(&self) -> bool {
        if let Some(storage) = self.storage() {
            return storage.is_fault();
        }
        !matches!(
            self,
            Change::ScaleDeployment { .. }
                | Change::EndpointAccess { .. }
                | Change::SecurityRule { .. }
                | Change::DeleteCluster { .. }
                | Change::ScaleNodeGroup { .. }
                | Change::ZonalShift { .. }
                | Change::UpgradeControlPlane
                | Change::ChangeTier { .. }
                | Change::RestartApiServers
                | Change::UpdateDeployment { .. }
                | Change::ChangeLoad { .. }
                | Change::DrainNodes { .. }
                | Change::RestartWorkload { .. }
        )
    }
}

impl Change {
    /// What happens to the storage of etcd, if that is what happens.
    pub fn storage(&self) -> Option<&StorageChange> {
        match self {
            Change::EtcdStorage { what, .. } => Some(what),
            _ => None,
        }
    }
}

/// A bound that a measure must keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The measure's name.
    pub measure: String,
    /// On which side of the threshold the measure must lie.
    pub bound: Bound,
    /// The threshold, in the measure's unit (shares as 0 to 1).
    pub threshold: f64,
    /// As the user wrote it: `>= 99.95%`.
    pub text: String,
}

/// Which side of a threshold is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The measure must be at least the threshold.
    AtLeast,
    /// The measure must be at most the threshold.
    AtMost,
    /// The measure must be more than the threshold.
    MoreThan,
    /// The measure must be less than the threshold.
    LessThan,
}

/// A parameter that does not have its declared default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The parameter's path.
    pub path: String,
    /// Its value, as a user would write it.
    pub value: String,
    /// Who set it: `--set`, `az-failure.toml:12`, `Kubernetes 1.29`.
    pub origin: String,
}

/// The plan with other parameters, or with another network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name, unique in the plan.
    pub name: String,
    /// Every parameter.
    pub parameters: Parameters,
    /// The parameters that do not have their default, and who set them.
    pub settings: Vec<Setting>,
    /// The cluster's network where it is another one: the same subnets, security groups and connected networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Something that the reader of a report must know of the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// What kind of note it is.
    pub kind: NoteKind,
    /// The file and line, `cluster.yaml:12`; empty where there is none.
    pub place: String,
    /// The field, `managedNodeGroups[0].desiredCapacity`.
    pub field: String,
    /// What was done, and why.
    pub text: String,
}

/// The kinds of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Read, understood, and of no effect on the run.
    NotModelled,
    /// Left out by the user, filled in.
    Filled,
    /// Accepted, but the real tool or service would object.
    Warning,
}

impl Plan {
    /// Most windows that a series may have.
    pub const WINDOWS_MAX: u64 = 600;

    /// The window over which the Kubernetes service levels take their percentile.
    pub const SLO_WINDOW: SimDuration = SimDuration::from_mins(5);

    /// Whether a Deployment is the shape of a trace's pods, which no controller owns.
    pub fn is_bare(&self, deployment: usize) -> bool {
        let shapes = self.pod_trace.as_ref().map(|trace| trace.first_shape as usize..self.deployments.len());
        shapes.is_some_and(|shapes| shapes.contains(&deployment))
    }

    /// The priority of the pods of a workload, by its index: Deployments first, then DaemonSets.
    pub fn priority(&self, index: usize) -> i32 {
        match self.deployments.get(index) {
            Some(deployment) => deployment.control.priority,
            None => self.cluster.daemon_sets.get(index - self.deployments.len()).map_or(0, |set| set.priority),
        }
    }

    /// Whether the pods of a workload may take the room of others.
    pub fn preempts(&self, index: usize) -> bool {
        self.deployments.get(index).is_none_or(|deployment| !deployment.control.never_preempts)
    }

    /// The name of what pods belong to, by its index: Deployments first, then DaemonSets.
    pub fn workload_name(&self, index: usize) -> &str {
        let daemon_sets = self.cluster.daemon_sets.iter().map(|set| set.name.as_str());
        self.deployments.iter().map(|deployment| deployment.name.as_str()).chain(daemon_sets).nth(index).unwrap_or("?")
    }

    /// The end of the run.
    pub fn end(&self) -> SimTime {
        SimTime::ZERO + self.duration
    }

    /// Length of one window of the series: 10 s, or as much more as keeps them at [`Plan::WINDOWS_MAX`], in whole
    /// multiples of 10 s. A run shorter than 100 s has windows of a second.
    pub fn window(&self) -> SimDuration {
        if self.duration <= SimDuration::from_secs(100) {
            return SimDuration::from_secs(1);
        }
        let ten = SimDuration::from_secs(10);
        let tens = self.duration.as_nanos().div_ceil(Self::WINDOWS_MAX * ten.as_nanos()).max(1);
        ten * tens
    }

    /// The plan of one of its variants, which has none itself.
    pub fn variant(&self, variant: &Variant) -> Plan {
        let network = variant.network.as_ref().unwrap_or(&self.cluster.network).clone();
        Plan {
            parameters: variant.parameters.clone(),
            settings: variant.settings.clone(),
            cluster: Cluster { network, ..self.cluster.clone() },
            variants: Vec::new(),
            ..self.clone()
        }
    }

    /// The hash of everything that decides the results: two plans with the same hash give the same records.
    pub fn hash(&self) -> Digest {
        let bytes = serde_json::to_vec(self).expect("a plan is plain data");
        Digest::of_bytes(&bytes)
    }

    /// Looks up a zone by its name or its last letter, in any case.
    pub fn zone(&self, name: &str) -> Option<ZoneId> {
        self.cluster.zone(name)
    }

    /// What a change does, for people: `zone eu-west-1a loses power for 30m`. Names that the plan lacks show as `?`.
    pub fn describe(&self, change: &Change) -> String {
        let zone = |id: &ZoneId| self.cluster.zones.get(id.index()).map_or("?", |zone| zone.name.as_str());
        let what = match change {
            Change::EtcdStorage { what, .. } => what.describe(&self.cluster),
            Change::ZonePowerLoss { zone: id, .. } => format!("zone {} loses power", zone(id)),
            Change::ApiServerLoss { zone: Some(id), .. } => format!("the API server in {} stops silently", zone(id)),
            Change::ApiServerLoss { zone: None, .. } => {
                "the API server beside the controllers' leader stops silently".to_owned()
            }
            Change::ApiServerCrash { zone: Some(id) } => format!("the API server in {} crashes", zone(id)),
            Change::ApiServerCrash { zone: None } => "the API server beside the controllers' leader crashes".to_owned(),
            Change::EtcdMemberLoss { zone: Some(id), .. } => format!("the etcd member in {} stops silently", zone(id)),
            Change::EtcdMemberLoss { zone: None, .. } => "the etcd leader stops silently".to_owned(),
            Change::EtcdPartition { target: PartitionTarget::Leader, .. } => {
                "the etcd leader is cut off from the other members".to_owned()
            }
            Change::EtcdPartition { target: PartitionTarget::Zone(id), .. } => {
                format!("the etcd member in {} is cut off from the others", zone(id))
            }
            Change::EtcdPartition { target: PartitionTarget::All, .. } => {
                "the etcd members are cut off from each other".to_owned()
            }
            Change::NodeLoss { zone: id, share, .. } => {
                format!("{:.0} % of the nodes in {} stop silently", share * 100.0, zone(id))
            }
            Change::StsTrouble { trouble: StsTrouble::Silent, .. } => "STS does not answer".to_owned(),
            Change::StsTrouble { trouble: StsTrouble::Refuses, .. } => "STS refuses every call".to_owned(),
            Change::StsTrouble { trouble: StsTrouble::Slow(more), .. } => {
                format!("STS takes {} longer", crate::quantity::show_duration(*more))
            }
            Change::ZoneImpairment { zone: id, latency, loss, .. } => {
                let latency = crate::quantity::show_duration(SimDuration::from_secs_f64(latency.median()));
                format!("zone {} is slow and lossy, by {latency} each way and {:.1} %", zone(id), loss * 100.0)
            }
            Change::ZoneCut { zone: id, internet: false, .. } => {
                format!("zone {} is cut off from the other zones", zone(id))
            }
            Change::ZoneCut { zone: id, internet: true, .. } => {
                format!("zone {} is cut off from the other zones and the internet", zone(id))
            }
            Change::ZonalShift { zone: id, .. } => {
                format!("the provider shifts the control plane's traffic away from {}", zone(id))
            }
            Change::EndpointAccess { access } => format!("the endpoint's access becomes {access}"),
            Change::SecurityRule { group, rule, allow } => self.cluster.network.describe_rule(*group, rule, *allow),
            Change::NatLoss { zone: None, .. } => "the NAT gateways stop silently".to_owned(),
            Change::NatLoss { zone: Some(id), .. } => format!("the NAT gateway in {} stops silently", zone(id)),
            Change::InterfaceLoss { zone: id, .. } => {
                format!("the interfaces of EKS in {} let nothing through", zone(id))
            }
            Change::ServiceEndpointLoss { service, .. } => {
                format!("the VPC endpoint of {} does not answer", service.name())
            }
            Change::DeleteCluster { client } => {
                let name = self.clients.get(*client).map_or("?", |found| found.name.as_str());
                format!("{name} deletes the cluster")
            }
            Change::UpgradeControlPlane => "the control plane is upgraded to the next minor version".to_owned(),
            Change::ChangeTier { tier } => format!("the control plane moves to the tier {tier}"),
            Change::RestartApiServers => "the API servers restart one after another".to_owned(),
            Change::ScaleDeployment { deployment, replicas } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("Deployment {name} is scaled to {replicas} pods")
            }
            Change::UpdateDeployment { deployment } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("Deployment {name} gets a new image")
            }
            Change::ChangeLoad { deployment, milli_cpu } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("the load on {name} becomes {milli_cpu}m of CPU")
            }
            Change::DrainNodes { node_group, nodes } => {
                let name = self.cluster.node_groups.get(*node_group).map_or("?", |found| found.name.as_str());
                format!("{nodes} nodes of {name} are drained")
            }
            Change::WebhookTrouble { webhook, trouble, .. } => {
                let name = self.webhooks.get(*webhook).map_or("?", |found| found.name.as_str());
                match trouble {
                    WebhookTrouble::Silent => format!("webhook {name} does not answer"),
                    WebhookTrouble::Refuses => format!("webhook {name} refuses every call"),
                }
            }
            Change::RestartWorkload { workload } => {
                let name = self.workloads.get(*workload).map_or("?", |found| found.name.as_str());
                format!("every process of {name} starts anew")
            }
            Change::ScaleNodeGroup { node_group, desired } => {
                let name = self.cluster.node_groups.get(*node_group).map_or("?", |found| found.name.as_str());
                format!("node group {name} is scaled to {desired} nodes")
            }
        };
        match change.lasts() {
            Some(span) => format!("{what} for {}", crate::quantity::show_duration(span)),
            None if change.is_fault() && !matches!(change, Change::ApiServerCrash { .. }) => format!("{what} for good"),
            None => what,
        }
    }
}

impl Cluster {
    /// Looks up a zone by its name (`eu-west-1a`), its last letter (`a`) or its place (`first`, `second`), in any case.
    pub fn zone(&self, name: &str) -> Option<ZoneId> {
        let wanted = name.to_ascii_lowercase();
        let place = ["first", "second"].iter().position(|word| *word == wanted).filter(|at| *at < self.zones.len());
        let found =
            place.or_else(|| self.zones.iter().position(|zone| zone.name == wanted || zone.letter() == wanted))?;
        Some(ZoneId(found as u8))
    }

    /// Nodes when the run begins.
    pub fn nodes(&self) -> u32 {
        self.node_groups.iter().map(|group| group.desired).sum()
    }
}

impl Zone {
    /// The zone's letter: what its name has beyond the region's digits.
    pub fn letter(&self) -> &str {
        let digits_end = self.name.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
        &self.name[digits_end..]
    }
}
