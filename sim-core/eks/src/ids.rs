//! Identities: small, ordered, and indices into tables. Names are for printing.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])+ $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The index into a table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }
    };
}

id!(
    /// A node, and the instance behind it. Never used twice.
    NodeId(u32),
    "node"
);
id!(
    /// A pod. Never used twice.
    PodId(u32),
    "pod"
);
id!(
    /// A node group: index in the plan's cluster.
    GroupId(u16),
    "group"
);
id!(
    /// What pods belong to: a Deployment by its index in the plan, or a DaemonSet, counted after the Deployments.
    DeploymentId(u32),
    "deployment"
);
id!(
    /// A volume that the pods of an ordinal of a StatefulSet claim.
    VolumeId(u32),
    "volume"
);
id!(
    /// An image, as workloads name it: each template of theirs has a version of it.
    ImageId(u32),
    "image"
);
id!(
    /// A ReplicaSet of a Deployment.
    ReplicaSetId(u32),
    "replicaset"
);
id!(
    /// An API server, in the order of their zones.
    ApiServerId(u8),
    "apiserver"
);
id!(
    /// An etcd member: the index of its zone.
    MemberId(u8),
    "etcd"
);

/// A request in flight: its place in the table and the life of that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestRef {
    /// Place in the table.
    pub slot: u32,
    /// Which request of that place.
    pub generation: u32,
}

/// A connection: its place in the table and the life of that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionRef {
    /// Place in the table.
    pub slot: u32,
    /// Which connection of that place.
    pub generation: u32,
}

/// A component that runs on every API server instance and acts where it holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// kube-controller-manager.
    ControllerManager,
    /// cloud-controller-manager.
    CloudControllerManager,
    /// kube-scheduler.
    Scheduler,
}

impl Component {
    /// All of them.
    pub const ALL: [Component; 3] =
        [Component::ControllerManager, Component::CloudControllerManager, Component::Scheduler];

    /// The index into a table by component.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in Kubernetes.
    pub fn name(self) -> &'static str {
        match self {
            Component::ControllerManager => "kube-controller-manager",
            Component::CloudControllerManager => "cloud-controller-manager",
            Component::Scheduler => "kube-scheduler",
        }
    }
}

/// A controller: it has a client and workers of its own, and acts where its component does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    /// Conditions and taints of nodes.
    NodeLifecycle,
    /// Deletes the pods of nodes that are tainted NoExecute.
    TaintEviction,
    /// Deletes the pods of nodes that are gone.
    PodGc,
    /// ReplicaSets and their pods.
    ReplicaSet,
    /// Deployments and their ReplicaSets.
    Deployment,
    /// Services and their EndpointSlices.
    EndpointSlice,
    /// HorizontalPodAutoscalers.
    HorizontalPodAutoscaler,
    /// Whoever drains nodes: the workflow of a managed node group.
    Drain,
    /// Nodes whose instance is gone.
    CloudNode,
    /// The scheduler's bindings.
    Scheduler,
    /// DaemonSets and their pods.
    DaemonSet,
    /// StatefulSets and their pods.
    StatefulSet,
    /// Volumes and the nodes that they are attached to.
    AttachDetach,
    /// The Fargate scheduler's bindings.
    FargateScheduler,
    /// Jobs and their pods.
    Job,
}

impl Controller {
    /// Number of controllers.
    pub const COUNT: usize = 15;

    /// All of them, in the order of their indices.
    pub const ALL: [Controller; Controller::COUNT] = [
        Controller::NodeLifecycle,
        Controller::TaintEviction,
        Controller::PodGc,
        Controller::ReplicaSet,
        Controller::Deployment,
        Controller::EndpointSlice,
        Controller::HorizontalPodAutoscaler,
        Controller::Drain,
        Controller::CloudNode,
        Controller::Scheduler,
        Controller::DaemonSet,
        Controller::StatefulSet,
        Controller::AttachDetach,
        Controller::FargateScheduler,
        Controller::Job,
    ];

    /// The index into a table by controller.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The component that it is a part of.
    pub fn component(self) -> Component {
        match self {
            Controller::CloudNode | Controller::FargateScheduler => Component::CloudControllerManager,
            Controller::Scheduler => Component::Scheduler,
            _ => Component::ControllerManager,
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Controller::NodeLifecycle => "node lifecycle controller",
            Controller::TaintEviction => "taint eviction controller",
            Controller::PodGc => "pod garbage collector",
            Controller::ReplicaSet => "ReplicaSet controller",
            Controller::Deployment => "Deployment controller",
            Controller::EndpointSlice => "EndpointSlice controller",
            Controller::HorizontalPodAutoscaler => "HorizontalPodAutoscaler controller",
            Controller::Drain => "drain of nodes",
            Controller::CloudNode => "cloud node lifecycle controller",
            Controller::Scheduler => "scheduler",
            Controller::DaemonSet => "DaemonSet controller",
            Controller::StatefulSet => "StatefulSet controller",
            Controller::AttachDetach => "attach-detach controller",
            Controller::FargateScheduler => "Fargate scheduler",
            Controller::Job => "Job controller",
        }
    }
}
