//! Who admits a request: EKS's flow schemas, which put it at a priority level and into a flow.
//!
//! Source of their order: aws/aws-eks-best-practices, scalability/control-plane.adoc.

use super::{Aim, Caller, Resource, Verb};
use crate::ids::Component;

/// A priority level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `exempt`: never waits.
    Exempt,
    /// `leader-election`.
    LeaderElection,
    /// `node-high`: lease renewals and node status.
    NodeHigh,
    /// `system`: the kubelets' other requests.
    System,
    /// `workload-high`: controllers and scheduler.
    WorkloadHigh,
    /// `workload-low`: service accounts of workloads.
    WorkloadLow,
    /// `global-default`: administrators and CI.
    GlobalDefault,
    /// `catch-all`: everybody else.
    CatchAll,
}

impl Level {
    /// Number of levels.
    pub const COUNT: usize = 8;

    /// All of them, in the order of their indices.
    pub const ALL: [Level; Level::COUNT] = [
        Level::Exempt,
        Level::LeaderElection,
        Level::NodeHigh,
        Level::System,
        Level::WorkloadHigh,
        Level::WorkloadLow,
        Level::GlobalDefault,
        Level::CatchAll,
    ];

    /// The index into a table by level.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in Kubernetes.
    pub fn name(self) -> &'static str {
        match self {
            Level::Exempt => "exempt",
            Level::LeaderElection => "leader-election",
            Level::NodeHigh => "node-high",
            Level::System => "system",
            Level::WorkloadHigh => "workload-high",
            Level::WorkloadLow => "workload-low",
            Level::GlobalDefault => "global-default",
            Level::CatchAll => "catch-all",
        }
    }
}

/// Who a request is from, as authentication tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Somebody of the group `system:masters`.
    Masters,
    /// A kubelet, by its node.
    Node(u32),
    /// kube-controller-manager, cloud-controller-manager or kube-scheduler.
    Component(Component),
    /// A service account of the namespace `kube-system`.
    KubeSystem(u32),
    /// Another service account.
    ServiceAccount(u32),
    /// A person or a pipeline that IAM vouches for.
    Authenticated(u32),
}

/// A flow schema of EKS, in the order in which they are asked. `probes` (2) matches what nobody sends here: the checks
/// of health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowSchema {
    /// `exempt` (1) and `eks-exempt` (2).
    Exempt,
    /// `system-leader-election` (100).
    SystemLeaderElection,
    /// `workload-leader-election` (200).
    WorkloadLeaderElection,
    /// `system-node-high` (400).
    SystemNodeHigh,
    /// `system-nodes` (500).
    SystemNodes,
    /// `kube-controller-manager` (800).
    KubeControllerManager,
    /// `kube-scheduler` (800).
    KubeScheduler,
    /// `kube-system-service-accounts` (900).
    KubeSystemServiceAccounts,
    /// `eks-workload-high` (1000).
    EksWorkloadHigh,
    /// `service-accounts` (9000).
    ServiceAccounts,
    /// `global-default` (9900); what it leaves to `catch-all` (10000) is not authenticated.
    GlobalDefault,
}

impl FlowSchema {
    /// The first schema that matches.
    pub fn of(user: User, verb: Verb, resource: Resource) -> Self {
        let elects = resource == Resource::Leases && matches!(verb, Verb::Get | Verb::Create | Verb::Update);
        match user {
            User::Masters => FlowSchema::Exempt,
            User::Component(Component::ControllerManager | Component::Scheduler) if elects => {
                FlowSchema::SystemLeaderElection
            }
            User::KubeSystem(_) | User::Component(Component::CloudControllerManager) if elects => {
                FlowSchema::WorkloadLeaderElection
            }
            User::Node(_) if matches!(resource, Resource::Leases | Resource::Nodes) => FlowSchema::SystemNodeHigh,
            User::Node(_) => FlowSchema::SystemNodes,
            User::Component(Component::ControllerManager) => FlowSchema::KubeControllerManager,
            User::Component(Component::Scheduler) => FlowSchema::KubeScheduler,
            User::KubeSystem(_) => FlowSchema::KubeSystemServiceAccounts,
            User::Component(Component::CloudControllerManager) => FlowSchema::EksWorkloadHigh,
            User::ServiceAccount(_) => FlowSchema::ServiceAccounts,
            User::Authenticated(_) => FlowSchema::GlobalDefault,
        }
    }

    /// The level that it leads to.
    pub fn level(self) -> Level {
        match self {
            FlowSchema::Exempt => Level::Exempt,
            FlowSchema::SystemLeaderElection | FlowSchema::WorkloadLeaderElection => Level::LeaderElection,
            FlowSchema::SystemNodeHigh => Level::NodeHigh,
            FlowSchema::SystemNodes => Level::System,
            FlowSchema::KubeControllerManager
            | FlowSchema::KubeScheduler
            | FlowSchema::KubeSystemServiceAccounts
            | FlowSchema::EksWorkloadHigh => Level::WorkloadHigh,
            FlowSchema::ServiceAccounts => Level::WorkloadLow,
            FlowSchema::GlobalDefault => Level::GlobalDefault,
        }
    }

    /// Whether its flows are told apart by the namespace of what they are about, instead of by who sends them.
    pub fn is_by_namespace(self) -> bool {
        matches!(
            self,
            FlowSchema::KubeControllerManager | FlowSchema::KubeScheduler | FlowSchema::KubeSystemServiceAccounts
        )
    }
}

impl User {
    /// Tells users of one kind apart.
    pub fn number(self) -> u64 {
        match self {
            User::Masters => 0,
            User::Component(component) => component.index() as u64,
            User::Node(id) | User::KubeSystem(id) | User::ServiceAccount(id) | User::Authenticated(id) => id.into(),
        }
    }
}

impl Caller {
    /// Who it is to the API server.
    pub fn user(self) -> User {
        match self {
            Caller::Kubelet(node) => User::Node(node.0),
            Caller::Component(component, _) => User::Component(component),
            Caller::Submitter(_) | Caller::Churn(_) => User::ServiceAccount(0),
            Caller::External(client) => User::Authenticated(client),
            Caller::Workload(worker) => User::ServiceAccount(worker), // the account itself is in the aim
        }
    }
}

impl Aim {
    /// The flow schema of a request. Streams run long, and are no matter of priority and fairness.
    pub fn flow_schema(self, caller: Caller) -> FlowSchema {
        if let Aim::Exec(_) = self {
            return FlowSchema::Exempt;
        }
        FlowSchema::of(self.user(caller), self.verb_kind(), self.resource())
    }

    /// Who its caller is to the API server: the processes of a workload client share a service account.
    pub fn user(self, caller: Caller) -> User {
        match self {
            Aim::Workload(_, account) => account,
            _ => caller.user(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ApiServerId, NodeId, PodId};

    /// facts/control-plane.md, section 10: the order of flow schemas on EKS.
    #[test]
    fn the_first_matching_schema_decides_the_level() {
        let level = |caller: Caller, aim: Aim| aim.flow_schema(caller).level();
        let kubelet = Caller::Kubelet(NodeId(1));
        assert_eq!(level(kubelet, Aim::RenewLease(NodeId(1))), Level::NodeHigh);
        assert_eq!(level(kubelet, Aim::ReportStatus(NodeId(1))), Level::NodeHigh);
        assert_eq!(level(kubelet, Aim::ReportPodReady(PodId(1))), Level::System);
        for component in Component::ALL {
            let caller = Caller::Component(component, ApiServerId(0));
            assert_eq!(level(caller, Aim::RenewLeadership(component, ApiServerId(0))), Level::LeaderElection);
            assert_eq!(level(caller, Aim::ForceDeletePod(PodId(1))), Level::WorkloadHigh);
        }
        assert_eq!(level(Caller::External(0), Aim::Apply(0)), Level::GlobalDefault);
        let of = |user| FlowSchema::of(user, Verb::List, Resource::Pods).level();
        assert_eq!(of(User::Masters), Level::Exempt);
        assert_eq!(of(User::KubeSystem(0)), Level::WorkloadHigh);
        assert_eq!(of(User::ServiceAccount(0)), Level::WorkloadLow);
    }
}
