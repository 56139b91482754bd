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
    /// A Deployment: index in the plan.
    DeploymentId(u32),
    "deployment"
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
