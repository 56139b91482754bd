//! How a cluster comes into being: the tasks of `eksctl create cluster`, in the order in which it does them.
//!
//! ```text
//! stack of the cluster -> add-ons of the network -> wait for the control plane -> OIDC provider, service accounts
//!     -> Fargate profiles, one after another -> node groups, all at once -> wait for nodes -> other add-ons
//! ```
//!
//! Source: eksctl-io/eksctl, pkg/cfn/manager/create_tasks.go, pkg/eks/tasks.go and pkg/ctl/create/cluster.go, August 2026.

use crate::plan::{Cluster, FargateProfile, Network};
use serde::{Deserialize, Serialize};

/// Everything that is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creation {
    /// The tasks; each comes after all that it waits for.
    pub tasks: Vec<CreationTask>,
}

/// One task of eksctl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreationTask {
    /// What is done.
    pub work: Work,
    /// The tasks that must have succeeded before: indices in [`Creation::tasks`].
    pub after: Vec<usize>,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The CloudFormation stack of the cluster.
    ClusterStack {
        /// Whether it makes the VPC too.
        makes_vpc: bool,
    },
    /// A CloudFormation stack with nothing but an IAM role.
    RoleStack {
        /// Whose: `add-on vpc-cni`, `service account kube-system/x`.
        of: String,
    },
    /// An add-on of EKS.
    Addon {
        /// Its name.
        name: String,
        /// Whether eksctl waits until it is ACTIVE.
        is_awaited: bool,
    },
    /// Asks the API until it has answered often enough.
    ControlPlaneReady,
    /// The IAM OIDC provider of the cluster.
    OidcProvider,
    /// A Fargate profile.
    FargateProfile {
        /// Its name.
        name: String,
    },
    /// After the last Fargate profile a pause; then CoreDNS is moved onto Fargate, if a profile selects it.
    AfterProfiles {
        /// Whether one does.
        moves_coredns: bool,
    },
    /// The CloudFormation stack of a node group.
    NodeGroupStack {
        /// Index in [`Cluster::node_groups`].
        group: usize,
    },
    /// Waits until the smallest number of a group's nodes is Ready.
    NodesReady {
        /// Index in [`Cluster::node_groups`].
        group: usize,
    },
    /// Takes the public endpoint away, which a fully private cluster has until then.
    DisablePublicAccess,
    /// Looks at the user's tools, and says that the cluster is ready.
    Ends,
}

/// What eksctl reads of a file beside the cluster itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the VPC is a given one.
    pub vpc_is_given: bool,
    /// Whether the cluster is to be fully private: its public endpoint goes at the end.
    pub ends_private: bool,
    /// Whether it gets an IAM OIDC provider.
    pub with_oidc: bool,
    /// The service accounts with an IAM role, `namespace/name`.
    pub service_accounts: Vec<String>,
    /// The add-ons of the file: name, and whether policies of its own ask for a role.
    pub addons: Vec<(String, bool)>,
    /// Whether the add-ons that eksctl installs by default are left out.
    pub no_default_addons: bool,
}

/// The add-ons that eksctl installs unless told otherwise, and whether before the node groups.
const DEFAULT_ADDONS: [(&str, bool); 4] =
    [("vpc-cni", true), ("kube-proxy", true), ("coredns", true), (METRICS, false)];
const METRICS: &str = "metrics-server";
/// Comes before the node groups too.
const POD_IDENTITY: &str = "eks-pod-identity-agent";

/// A task list under construction.
#[derive(Default)]
struct Tasks(Vec<CreationTask>);

impl Tasks {
    /// A task after others; its number.
    fn add(&mut self, work: Work, after: &[usize]) -> usize {
        self.0.push(CreationTask { work, after: after.to_vec() });
        self.0.len() - 1
    }
}

impl Creation {
    /// The tasks that make a cluster.
    pub fn of(cluster: &Cluster, wishes: &Wishes) -> Creation {
        let mut tasks = Tasks::default();
        let addons = wishes.all_addons();
        let (before, after): (Vec<_>, Vec<_>) = addons.iter().partition(|(name, _)| comes_before_nodes(name));
        let mut last = vec![tasks.add(Work::ClusterStack { makes_vpc: !wishes.vpc_is_given }, &[])];
        for (name, _) in &before {
            last = vec![tasks.add(Work::Addon { name: name.clone(), is_awaited: false }, &last)];
        }
        last = vec![tasks.add(Work::ControlPlaneReady, &last)];
        last = wishes.identity(&mut tasks, last);
        // With the provider there, the VPC CNI gets a role of its own.
        if let Some(cni) = before.iter().find(|(name, _)| wishes.with_oidc && name == "vpc-cni") {
            last = wishes.addon(&mut tasks, &(cni.0.clone(), true), true, &last);
        }
        last = profiles(&mut tasks, cluster, last);
        last = node_groups(&mut tasks, cluster, last);
        // metrics-server alone is not waited for.
        let waits = !cluster.node_groups.is_empty() && after.iter().any(|(name, _)| name != METRICS);
        for addon in after {
            last = wishes.addon(&mut tasks, addon, waits, &last);
        }
        if wishes.ends_private {
            last = vec![tasks.add(Work::DisablePublicAccess, &last)];
        }
        tasks.add(Work::Ends, &last);
        Creation { tasks: tasks.0 }
    }
}

fn comes_before_nodes(name: &str) -> bool {
    name == POD_IDENTITY || DEFAULT_ADDONS.contains(&(name, true))
}

/// The stacks of all groups at once, then the nodes of one group after another, the self-managed ones first.
fn node_groups(tasks: &mut Tasks, cluster: &Cluster, last: Vec<usize>) -> Vec<usize> {
    let groups = 0..cluster.node_groups.len();
    if groups.is_empty() {
        return last;
    }
    let mut ends: Vec<usize> = groups.clone().map(|group| tasks.add(Work::NodeGroupStack { group }, &last)).collect();
    let own = groups.clone().filter(|group| !cluster.node_groups[*group].managed);
    for group in own.chain(groups.filter(|group| cluster.node_groups[*group].managed)) {
        ends = vec![tasks.add(Work::NodesReady { group }, &ends)];
    }
    ends
}

impl Wishes {
    /// The add-ons of the file, and those that eksctl adds.
    fn all_addons(&self) -> Vec<(String, bool)> {
        let mut addons = self.addons.clone();
        for (name, _) in DEFAULT_ADDONS {
            if !self.no_default_addons && !addons.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                addons.push((name.to_owned(), false));
            }
        }
        addons
    }

    fn addon(&self, tasks: &mut Tasks, addon: &(String, bool), is_awaited: bool, after: &[usize]) -> Vec<usize> {
        let (name, needs_role) = addon;
        let mut last = after.to_vec();
        if *needs_role && self.with_oidc {
            last = vec![tasks.add(Work::RoleStack { of: format!("add-on {name}") }, &last)];
        }
        vec![tasks.add(Work::Addon { name: name.clone(), is_awaited }, &last)]
    }

    /// The OIDC provider, and then the service accounts, all at once.
    fn identity(&self, tasks: &mut Tasks, last: Vec<usize>) -> Vec<usize> {
        if !self.with_oidc {
            return last;
        }
        let provider = vec![tasks.add(Work::OidcProvider, &last)];
        let role = |name: &String| Work::RoleStack { of: format!("service account {name}") };
        let ends: Vec<usize> = self.service_accounts.iter().map(|name| tasks.add(role(name), &provider)).collect();
        if ends.is_empty() { provider } else { ends }
    }
}

/// One Fargate profile after another: EKS makes one at a time. Then CoreDNS moves, if a profile selects its pods.
fn profiles(tasks: &mut Tasks, cluster: &Cluster, mut last: Vec<usize>) -> Vec<usize> {
    for profile in &cluster.fargate_profiles {
        last = vec![tasks.add(Work::FargateProfile { name: profile.name.clone() }, &last)];
    }
    if cluster.fargate_profiles.is_empty() {
        return last;
    }
    let moves_coredns = cluster.fargate_profiles.iter().any(selects_coredns);
    vec![tasks.add(Work::AfterProfiles { moves_coredns }, &last)]
}

/// eksctl's own rule: by the namespace alone, or by the label of CoreDNS.
fn selects_coredns(profile: &FargateProfile) -> bool {
    profile.selectors.iter().any(|selector| {
        let component = selector.labels.get("eks.amazonaws.com/component");
        let labels = selector.labels.is_empty() || component.is_some_and(|component| component == "coredns");
        selector.namespace == "kube-system" && labels
    })
}

impl Work {
    /// What it does, for people; names as eksctl gives them.
    pub fn describe(&self, cluster: &Cluster) -> String {
        let group = |group: &usize| cluster.node_groups.get(*group).map_or("?", |group| group.name.as_str());
        let name = &cluster.name;
        match self {
            Work::ClusterStack { .. } => format!("stack eksctl-{name}-cluster"),
            Work::RoleStack { of } => format!("stack with the IAM role of {of}"),
            Work::Addon { name, is_awaited: false } => format!("add-on {name}"),
            Work::Addon { name, is_awaited: true } => format!("add-on {name}, until it is active"),
            Work::ControlPlaneReady => "wait for the control plane to become ready".to_owned(),
            Work::OidcProvider => "IAM OIDC provider".to_owned(),
            Work::FargateProfile { name } => format!("Fargate profile {name}"),
            Work::AfterProfiles { moves_coredns: true } => "CoreDNS onto Fargate".to_owned(),
            Work::AfterProfiles { moves_coredns: false } => "pause after the Fargate profiles".to_owned(),
            Work::NodeGroupStack { group: index } => format!("stack eksctl-{name}-nodegroup-{}", group(index)),
            Work::NodesReady { group: index } => format!("wait for the nodes of {}", group(index)),
            Work::DisablePublicAccess => "public access to the endpoint is taken away".to_owned(),
            Work::Ends => "checks of kubectl and of the kubeconfig".to_owned(),
        }
    }
}

impl Network {
    /// A subnet of the control plane with too few addresses for EKS, which asks for so many in each.
    pub fn too_small_for_control_plane(&self, wanted: u64) -> Option<&str> {
        let mut subnets = self.control_plane_subnets.iter().map(|subnet| &self.subnets[*subnet]);
        subnets.find(|subnet| u64::from(subnet.usable()) < wanted).map(|subnet| subnet.name.as_str())
    }
}

/// Time that the creation of a control plane took in a region, seconds, one run each; the mean of all for others.
///
/// Source: a survey of 17 regions on easontechtalk.com; measured.
pub fn regional_creation_s(region: &str) -> f64 {
    let known = REGIONS.iter().find(|(name, _)| *name == region);
    known.map_or_else(mean_creation_s, |(_, seconds)| *seconds)
}

/// The mean over these regions.
pub fn mean_creation_s() -> f64 {
    REGIONS.iter().map(|(_, seconds)| seconds).sum::<f64>() / REGIONS.len() as f64
}

/// The survey.
pub const REGIONS: [(&str, f64); 17] = [
    ("eu-west-2", 792.85),
    ("ap-northeast-2", 834.38),
    ("ap-southeast-2", 840.96),
    ("eu-west-3", 854.17),
    ("sa-east-1", 860.00),
    ("ap-northeast-1", 893.76),
    ("ap-southeast-1", 897.10),
    ("us-west-2", 899.90),
    ("us-east-2", 904.62),
    ("eu-west-1", 912.86),
    ("ca-central-1", 913.77),
    ("eu-central-1", 916.08),
    ("eu-north-1", 919.79),
    ("af-south-1", 936.71),
    ("ap-south-1", 965.44),
    ("ap-east-1", 968.06),
    ("us-west-1", 970.99),
];
