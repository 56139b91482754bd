//! What an API request is for: who sends it, what it costs, and what it changes once etcd has it.

mod cost;
mod flow;

pub use cost::{Resource, Verb};
pub use flow::{FlowSchema, Level, User};

use crate::ids::{ApiServerId, Component, Controller, DeploymentId, NodeId, PodId, ReplicaSetId, VolumeId};
use crate::plan::ExternalClient;

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The kubelet of a node, over its own connection.
    Kubelet(NodeId),
    /// A component on an API server instance, over the loopback of that instance.
    Component(Component, ApiServerId),
    /// A worker of a workload client: its index. The workers of a process share its connection.
    Workload(u32),
    /// An administrator or a CI system: index in the run's external clients. Each request has its own connection.
    External(u32),
    /// The client that submits the pods of a trace, about the pod of this row. All its requests share a connection.
    Submitter(u32),
    /// The client of a load test that deletes pods: its turn. It shares that connection.
    Churn(u32),
}

/// What a request is for. The comments say whose it is and what its commit changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Kubelet: renews the node's lease.
    RenewLease(NodeId),
    /// Kubelet: reports the node's status; Ready once its network is.
    ReportStatus(NodeId),
    /// Kubelet: creates the Node object.
    RegisterNode(NodeId),
    /// Kubelet: lists what its informers hold: its pods, its node, services, config maps and secrets.
    ListWatched(NodeId),
    /// Kubelet: begins its watches, from what it has seen.
    BeginWatches(NodeId),
    /// Component: a new leader lists what its informers hold.
    FillInformers(Component, ApiServerId),
    /// Workload: what a worker does, and its service account.
    Workload(Call, User),
    /// Kubelet: reports that a pod is ready.
    ReportPodReady(PodId),
    /// Kubelet: confirms that a deleted pod is gone; the object goes.
    RemovePod(PodId),
    /// Node lifecycle controller: sets a node's Ready condition to Unknown and taints it NoSchedule.
    MarkNotReady(NodeId),
    /// Node lifecycle controller: marks a pod of such a node not ready.
    MarkPodNotReady(PodId, NodeId),
    /// Controller manager: takes the taints from a node that is Ready again.
    RemoveTaints(NodeId),
    /// Controller manager: taints a node NoExecute; its pods' tolerations begin to run.
    TaintNoExecute(NodeId),
    /// A controller: deletes a pod gracefully; it is Terminating until its kubelet confirms.
    DeletePod(PodId, Controller),
    /// EndpointSlice controller: writes a slice of a Service, by its number.
    UpdateEndpointSlice(DeploymentId, u32),
    /// HorizontalPodAutoscaler controller: asks metrics-server, through the API server, what a workload's pods use.
    ReadMetrics(DeploymentId),
    /// HorizontalPodAutoscaler controller: gives a Deployment another number of pods.
    ScaleDeployment(DeploymentId, u32),
    /// Whoever drains a node: no new pods are to be placed on it, by a cordon or a taint.
    CordonNode(NodeId),
    /// Whoever drains a node: takes that back.
    UncordonNode(NodeId),
    /// Whoever drains a node: evicts a pod, unless a disruption budget refuses.
    EvictPod(PodId),
    /// Deployment controller: creates the ReplicaSet of a new template, with so many pods.
    CreateReplicaSet(DeploymentId, u32),
    /// ReplicaSet controller: deletes a pod gracefully that is one too many for its set.
    DeleteReplica(PodId, ReplicaSetId),
    /// Controller manager: deletes a pod at once (pod GC).
    ForceDeletePod(PodId),
    /// ReplicaSet controller: creates a pod.
    CreatePod(ReplicaSetId),
    /// DaemonSet controller: creates the pod of a node.
    CreateDaemonPod(DeploymentId, NodeId),
    /// DaemonSet controller: writes the status of a DaemonSet.
    ReportDaemonSet(DeploymentId),
    /// ReplicaSet controller: writes the status of a ReplicaSet.
    ReportReplicaSet(ReplicaSetId),
    /// Deployment controller: gives a ReplicaSet another number of pods.
    ScaleReplicaSet(ReplicaSetId, u32),
    /// Deployment controller: writes the status of a Deployment.
    ReportDeployment(DeploymentId),
    /// Cloud controller manager: deletes the Node of an instance that is gone.
    DeleteNode(NodeId),
    /// Scheduler: binds a pod to a node.
    BindPod(PodId, NodeId),
    /// Fargate scheduler: binds a pod to the node that was launched for it.
    BindToMicroVm(PodId, NodeId),
    /// Scheduler: writes into a pod for which node others make room.
    NominatePod(PodId),
    /// Component: the holder renews its lease.
    RenewLeadership(Component, ApiServerId),
    /// Component: a standby looks at the lease.
    ReadLeadership(Component, ApiServerId),
    /// Component: a standby takes the expired lease.
    AcquireLeadership(Component, ApiServerId),
    /// Administrator: `kubectl get` of one object; the command's number.
    Get(u32),
    /// Administrator: `kubectl get pods` over a namespace; the command's number.
    List(u32),
    /// Administrator: `kubectl exec`, a stream into a pod; the command's number.
    Exec(u32),
    /// CI: applies one object; the job's number.
    Apply(u32),
    /// StatefulSet controller: creates the pod of an ordinal that lacks one.
    CreateStatefulPod(ReplicaSetId),
    /// StatefulSet controller: deletes a pod gracefully that is too many, or has an old template.
    DeleteStatefulPod(PodId, ReplicaSetId),
    /// StatefulSet controller: writes the status of a StatefulSet.
    ReportStatefulSet(ReplicaSetId),
    /// Job controller: creates a pod.
    CreateJobPod(DeploymentId),
    /// Job controller: takes its finalizer from a pod that has ended.
    UntrackPod(PodId),
    /// Job controller: writes the status of a Job.
    ReportJob(DeploymentId),
    /// Job controller, for the controller of the time to live: deletes a Job.
    DeleteJob(DeploymentId),
    /// Whoever looks after nodes: taints a node as out of service, or takes that taint away.
    SetOutOfService(NodeId, bool),
    /// Whoever looks after pods: deletes a pod at once (`kubectl delete --force`).
    DeletePodNow(PodId),
    /// Attach-detach controller: creates the attachment of a volume to a node.
    AttachVolume(VolumeId, NodeId),
    /// Attach-detach controller: writes into a node's status that a volume is attached.
    ReportAttached(VolumeId, NodeId),
    /// Attach-detach controller: deletes the attachment of a volume to a node.
    DetachVolume(VolumeId, NodeId),
    /// Kubelet: reports that the containers of a pod run that is not ready yet.
    ReportPodStarted(PodId),
    /// Kubelet: reports that a pod has done its work.
    ReportPodFinished(PodId),
    /// Submitter: creates the pod of a row of the trace.
    SubmitPod(u32),
    /// Submitter: deletes a pod that has done its work; its object goes at once.
    DeleteFinishedPod(PodId),
    /// Load test: deletes a pod gracefully.
    DeleteAnyPod(PodId),
}

/// What a workload client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Lists all pods, consistently.
    List,
    /// Lists all pods as the watch cache has them, as informers do.
    Fill,
    /// Begins to watch all pods.
    Watch,
    /// Reads one object.
    Get,
    /// Changes one object.
    Apply,
}

/// What an API server and etcd have to do for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A read that etcd confirms.
    QuorumRead,
    /// A consistent list from the watch cache: etcd tells how far the cache must be.
    List,
    /// A list or a watch from the watch cache as it is: etcd is not asked.
    Cached,
    /// A stream to a kubelet.
    Stream,
    /// A write.
    Write,
}

/// The classes of clients that reports tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientClass {
    /// Kubelets.
    Kubelet,
    /// Controllers, scheduler and their leader election.
    Controllers,
    /// Administrators.
    Admin,
    /// CI systems.
    Ci,
    /// Programs on the cluster's nodes, by service accounts.
    Workload,
}

impl From<ExternalClient> for ClientClass {
    fn from(external: ExternalClient) -> Self {
        match external {
            ExternalClient::Admin | ExternalClient::Exec => ClientClass::Admin,
            ExternalClient::Ci => ClientClass::Ci,
        }
    }
}

impl ClientClass {
    /// All of them, in the order of reports.
    pub const ALL: [ClientClass; 5] =
        [ClientClass::Kubelet, ClientClass::Controllers, ClientClass::Admin, ClientClass::Ci, ClientClass::Workload];

    /// Its name in measures.
    pub fn name(self) -> &'static str {
        match self {
            ClientClass::Kubelet => "kubelet",
            ClientClass::Controllers => "controllers",
            ClientClass::Admin => "admin",
            ClientClass::Ci => "ci",
            ClientClass::Workload => "workload",
        }
    }
}

impl Aim {
    /// What it is called in reports: verb and resource. The index orders the table.
    pub fn verb(self) -> (usize, &'static str) {
        match self {
            Aim::RenewLease(_) => (0, "renew node lease"),
            Aim::ReportStatus(_) => (1, "report node status"),
            Aim::RegisterNode(_) => (2, "register node"),
            Aim::ReportPodReady(_) | Aim::ReportPodStarted(_) | Aim::ReportPodFinished(_) => (3, "report pod status"),
            Aim::RemovePod(_) => (4, "confirm pod deletion"),
            Aim::MarkNotReady(_) => (5, "mark node NotReady"),
            Aim::RemoveTaints(_) => (6, "untaint node"),
            Aim::TaintNoExecute(_) => (7, "taint node"),
            Aim::DeletePod(..) | Aim::DeleteReplica(..) | Aim::ForceDeletePod(_) | Aim::DeleteStatefulPod(..) => {
                (8, "delete pod")
            }
            Aim::CreatePod(_) | Aim::CreateDaemonPod(..) | Aim::CreateStatefulPod(_) | Aim::CreateJobPod(_) => {
                (9, "create pod")
            }
            Aim::DeleteNode(_) => (10, "delete node"),
            Aim::BindPod(..) | Aim::BindToMicroVm(..) => (11, "bind pod"),
            Aim::RenewLeadership(..) | Aim::AcquireLeadership(..) => (12, "renew leadership"),
            Aim::ReadLeadership(..) => (13, "read leadership"),
            Aim::Get(_) => (14, "get"),
            Aim::List(_) => (15, "list"),
            Aim::Apply(_) => (16, "apply"),
            Aim::ReportReplicaSet(_) => (17, "report ReplicaSet status"),
            Aim::ScaleReplicaSet(..) => (18, "scale ReplicaSet"),
            Aim::ReportDeployment(_) => (19, "report Deployment status"),
            Aim::CordonNode(_) => (20, "cordon node"),
            Aim::EvictPod(_) => (21, "evict pod"),
            Aim::CreateReplicaSet(..) => (22, "create ReplicaSet"),
            Aim::MarkPodNotReady(..) => (23, "mark pod not ready"),
            Aim::UpdateEndpointSlice(..) => (24, "update EndpointSlice"),
            Aim::ReadMetrics(_) => (25, "read metrics"),
            Aim::ScaleDeployment(..) => (26, "scale Deployment"),
            Aim::SubmitPod(_) => (27, "submit pod"),
            Aim::DeleteFinishedPod(_) => (28, "delete finished pod"),
            Aim::DeleteAnyPod(_) => (29, "delete any pod"),
            Aim::ListWatched(_) => (30, "list for informers"),
            Aim::BeginWatches(_) => (31, "watch"),
            Aim::FillInformers(..) => (32, "list for informers"),
            Aim::Workload(Call::List, _) => (33, "list pods"),
            Aim::Workload(Call::Fill, _) => (34, "list pods for an informer"),
            Aim::Workload(Call::Watch, _) => (35, "watch pods"),
            Aim::Workload(Call::Get, _) => (36, "get"),
            Aim::Workload(Call::Apply, _) => (37, "apply"),
            Aim::ReportDaemonSet(_) => (38, "report DaemonSet status"),
            Aim::NominatePod(_) => (39, "nominate node"),
            Aim::Exec(_) => (40, "exec"),
            Aim::ReportStatefulSet(_) => (41, "report StatefulSet status"),
            Aim::AttachVolume(..) => (42, "attach volume"),
            Aim::ReportAttached(..) => (43, "report volume attached"),
            Aim::DetachVolume(..) => (44, "detach volume"),
            Aim::SetOutOfService(..) => (45, "put node out of service"),
            Aim::DeletePodNow(_) => (46, "delete pod by force"),
            Aim::UncordonNode(_) => (47, "uncordon node"),
            Aim::UntrackPod(_) => (48, "untrack pod"),
            Aim::ReportJob(_) => (49, "report Job status"),
            Aim::DeleteJob(_) => (50, "delete Job"),
        }
    }

    /// Number of verbs.
    pub const VERBS: usize = 51;

    /// The class of clients that sends it.
    pub fn class(self) -> ClientClass {
        match self {
            Aim::ListWatched(_) | Aim::BeginWatches(_) => return ClientClass::Kubelet,
            Aim::Workload(..) => return ClientClass::Workload,
            Aim::Exec(_) => return ClientClass::Admin,
            _ => {}
        }
        match self.verb().0 {
            0..=4 => ClientClass::Kubelet,
            14..=15 => ClientClass::Admin,
            16 | 27..=29 => ClientClass::Ci,
            _ => ClientClass::Controllers,
        }
    }

    /// The controller that orders it; `None` for what kubelets, candidates and people send.
    pub fn controller(self) -> Option<Controller> {
        match self {
            Aim::MarkNotReady(_) | Aim::MarkPodNotReady(..) | Aim::RemoveTaints(_) | Aim::TaintNoExecute(_) => {
                Some(Controller::NodeLifecycle)
            }
            Aim::DeletePod(_, controller) => Some(controller),
            Aim::ForceDeletePod(_) => Some(Controller::PodGc),
            Aim::CreatePod(_) | Aim::DeleteReplica(..) | Aim::ReportReplicaSet(_) => Some(Controller::ReplicaSet),
            Aim::ScaleReplicaSet(..) | Aim::CreateReplicaSet(..) | Aim::ReportDeployment(_) => {
                Some(Controller::Deployment)
            }
            Aim::CreateDaemonPod(..) | Aim::ReportDaemonSet(_) => Some(Controller::DaemonSet),
            Aim::CreateStatefulPod(_) | Aim::DeleteStatefulPod(..) | Aim::ReportStatefulSet(_) => {
                Some(Controller::StatefulSet)
            }
            Aim::CreateJobPod(_) | Aim::UntrackPod(_) | Aim::ReportJob(_) | Aim::DeleteJob(_) => Some(Controller::Job),
            Aim::AttachVolume(..) | Aim::ReportAttached(..) | Aim::DetachVolume(..) => Some(Controller::AttachDetach),
            Aim::UpdateEndpointSlice(..) => Some(Controller::EndpointSlice),
            Aim::ReadMetrics(_) | Aim::ScaleDeployment(..) => Some(Controller::HorizontalPodAutoscaler),
            Aim::CordonNode(_)
            | Aim::UncordonNode(_)
            | Aim::EvictPod(_)
            | Aim::SetOutOfService(..)
            | Aim::DeletePodNow(_) => Some(Controller::Drain),
            Aim::DeleteNode(_) => Some(Controller::CloudNode),
            Aim::BindPod(..) | Aim::NominatePod(_) => Some(Controller::Scheduler),
            Aim::BindToMicroVm(..) => Some(Controller::FargateScheduler),
            _ => None,
        }
    }

    /// What it costs.
    pub fn work(self) -> Work {
        match self {
            Aim::ReadLeadership(..) | Aim::Get(_) | Aim::Workload(Call::Get, _) => Work::QuorumRead,
            Aim::ReadMetrics(_) => Work::Cached, // metrics-server answers it from its memory
            Aim::List(_) | Aim::Workload(Call::List, _) => Work::List,
            Aim::Exec(_) => Work::Stream,
            Aim::ListWatched(_) | Aim::BeginWatches(_) | Aim::FillInformers(..) => Work::Cached,
            Aim::Workload(Call::Fill | Call::Watch, _) => Work::Cached,
            _ => Work::Write,
        }
    }
}

/// How a request ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Success.
    Succeeded,
    /// The client's own time-out.
    TimedOut,
    /// No address of the endpoint answered the dial.
    DialFailed,
    /// The connection was given up or reset with the request on it.
    ConnectionLost,
    /// The API server answered 5xx: etcd did not commit in time or was unreachable.
    ServerError,
    /// The API server answered 429.
    TooManyRequests,
    /// The API server answered 401: nobody vouched for the caller's token.
    Unauthorized,
    /// The API server answered 500: an admission webhook that must answer did not.
    NotAdmitted,
    /// The client died.
    Abandoned,
    /// The last address of the endpoint that was tried refused the connection.
    Refused,
    /// The API server answered 429 on behalf of a disruption budget: no failure.
    Withheld,
}

impl Outcome {
    /// Number of outcomes.
    pub const COUNT: usize = 11;

    /// All of them, in the order of their indices.
    pub const ALL: [Outcome; Outcome::COUNT] = [
        Outcome::Succeeded,
        Outcome::TimedOut,
        Outcome::DialFailed,
        Outcome::ConnectionLost,
        Outcome::ServerError,
        Outcome::TooManyRequests,
        Outcome::Unauthorized,
        Outcome::NotAdmitted,
        Outcome::Abandoned,
        Outcome::Refused,
        Outcome::Withheld,
    ];

    /// What the client's log says, in short.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::TimedOut => "timed out",
            Outcome::DialFailed => "dial timed out",
            Outcome::ConnectionLost => "connection lost",
            Outcome::ServerError => "5xx",
            Outcome::TooManyRequests => "429",
            Outcome::Unauthorized => "401",
            Outcome::NotAdmitted => "webhook failed",
            Outcome::Abandoned => "client died",
            Outcome::Refused => "connection refused",
            Outcome::Withheld => "withheld by a disruption budget",
        }
    }

    /// Whether the client saw an error.
    pub fn is_error(self) -> bool {
        !matches!(self, Outcome::Succeeded | Outcome::Abandoned | Outcome::Withheld)
    }
}
