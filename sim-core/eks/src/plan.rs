//! The plan: everything that a run needs, validated. Once it exists, a run cannot fail for a reason that the user
//! could have been told before.

mod change;
pub mod creation;
mod fargate;
mod max_pods;
mod network;
mod placing;
mod start;
mod storage;
mod support;
mod workload;

use crate::parameters::Parameters;
use crate::quantity::{Price, Resources};
pub use change::{Change, PartitionTarget, Step, StsTrouble};
pub use creation::{Creation, CreationTask, Wishes, Work};
pub use fargate::{FargateProfile, FargateSelector};
pub use network::{
    AwsService, ClientPlace, ConnectedNetwork, Connection, EndpointAccess, Family, NatGateway, NatMode, Network,
    NodeSecurity, Peer, Route, RouteTarget, Rule, SecurityGroup, Subnet, VpcDns, VpcLayout,
};
pub use placing::{NodeRequirement, Operator, Placing, PodTerm, Topology};
use serde::{Deserialize, Serialize};
use sim_kernel::{Digest, SimDuration, SimTime};
pub use start::{Image, Images, InitContainer, PodStart, PodStop, Readiness, Registry};
use std::collections::BTreeMap;
pub use storage::{MemberChoice, StorageChange};
pub use support::Support;
pub use workload::{
    Amount, AutoscalerBounds, Client, ClusterAutoscaler, Control, DaemonSet, Deployment, DisruptionBudget, Expander,
    ExternalClient, Job, PodTrace, SYSTEM_CLUSTER_CRITICAL, SYSTEM_NODE_CRITICAL, Toleration, TracePod, Webhook,
    WebhookRules, WebhookTrouble, WorkloadCall, WorkloadClient, WorkloadKind,
};

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
    /// How it comes into being in the run; `None` where it stands from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<Creation>,
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
    /// What keeps the number of nodes to the pods; `None` without a Cluster Autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<ClusterAutoscaler>,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(churn: &f64) -> bool {
    *churn == 0.0
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
    /// Which pods run on Fargate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fargate_profiles: Vec<FargateProfile>,
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
