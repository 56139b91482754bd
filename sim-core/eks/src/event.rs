//! Everything that can ever happen, on one page.
//!
//! Events are small and `Copy`: who, which life of it (generation), and what has just happened. What the traveller
//! carries lies in its table, once. A stale generation means that the event came for an earlier life: it does nothing.

use crate::aim::Level;
use crate::ids::{
    ApiServerId, Component, ConnectionRef, Controller, DeploymentId, GroupId, MemberId, NodeId, PodId, RequestRef,
    VolumeId,
};
use crate::plan::ZoneId;
use sim_kernel::Calendar;

/// The pending events of a run.
pub type Future = Calendar<Event>;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An API request has come a step further.
    Request(RequestRef, RequestStep),
    /// A client's patience with a request ends.
    RequestDeadline(RequestRef),
    /// A core of an API server is to be asked: the server, the core, the generation of its job.
    Core(ApiServerId, u8, u32),
    /// The API server's own deadline for a request passes.
    ServerDeadline(RequestRef),
    /// An API server's memory is exhausted: the server's life.
    OutOfMemory(ApiServerId, u32),
    /// The priority levels of an API server share their seats out anew.
    SeatsShared(ApiServerId),
    /// Seats that a write held for its watchers are free: the level, how many, the server's life.
    LastSeats(ApiServerId, Level, u16, u32),
    /// A request has waited in the queue of its priority level for as long as it may.
    QueueDeadline(RequestRef),
    /// A connection has come a step further.
    Connection(ConnectionRef, ConnectionStep),
    /// A kubelet's clock: the node, its generation.
    Kubelet(NodeId, u32, KubeletClock),
    /// The watches of a kubelet: the node, the generation of its informers.
    Watches(NodeId, u32, WatchStep),
    /// A worker of a workload client: its index, the generation of its process or of its informers.
    Workload(u32, u32, WorkloadStep),
    /// An administrator or a CI system begins a command: the client, the command's number.
    External(u32, u32),
    /// A CI job tries again: the client, its job.
    CiRetry(u32, u32),
    /// Something that the consensus of etcd's members waited for.
    Etcd(EtcdStep),
    /// Something around etcd's database.
    EtcdStorage(StorageStep),
    /// An API server's connection to an etcd member: the server, the member, the generation of the connection.
    EtcdLink(ApiServerId, MemberId, u32, LinkStep),
    /// The candidate of a component on an API server: its generation.
    Candidate(Component, ApiServerId, u32, CandidateStep),
    /// The load balancer's node in this zone, or its address.
    Nlb(ZoneId, u32, NlbStep),
    /// A target of the load balancer as its node in this zone sees it: the target, the node, the round of checks or the
    /// change of the verdict.
    Target(ApiServerId, ZoneId, u32, TargetStep),
    /// A part of the control plane starts: its life.
    Start(Part, u32),
    /// An API server has come a step further in its life: the server, its life.
    Server(ApiServerId, u32, ServerStep),
    /// The replacement of an etcd member has come a step further: the member, its life.
    Member(MemberId, u32, MemberStep),
    /// A stream of `kubectl exec` has come a step further: its place, its generation.
    Stream(u32, u32, StreamStep),
    /// An update of the endpoint's access has come a step further: its number.
    Access(u32, AccessStep),
    /// The name or the endpoint of an interface of EKS follows what has happened to it: its place, its turn.
    Interface(u8, u32, InterfaceStep),
    /// The provider looks how loaded a standard control plane is.
    Scaling,
    /// A rolling replacement of the API servers looks whether it can go on: its generation.
    Roll(u32),
    /// The fault or change with this index in the plan.
    Step(u32),
    /// The time of a fault of the plan is over.
    StepEnds,
    /// The node lifecycle controller: the generation of the controllers' leader.
    NodeLifecycle(u32, NodeLifecycleClock),
    /// The pods that tolerate an unreachable node for a while have tolerated it: the node, the taint's generation.
    TolerationEnds(NodeId, u32),
    /// The cloud node lifecycle controller looks at NotReady nodes: the generation of its leader.
    CloudNodeTick(u32),
    /// The pod garbage collector looks for pods of nodes that are gone: the generation of the controllers' leader.
    PodGcTick(u32),
    /// A controller's next request may be sent: the generation of its leader.
    Dispatch(Controller, u32),
    /// A pod whose eviction was refused, or failed, is to be tried again.
    Evict(PodId),
    /// A key comes into a controller's work queue: the key, the generation of the controllers' leader.
    Work(Controller, u32, u32),
    /// The scheduler learns of a pod without a node: the generation of its leader.
    SchedulerHears(PodId, u32),
    /// The scheduler's clock: the generation of its leader.
    Scheduler(u32, SchedulerClock),
    /// A turn of the client that deletes pods has come.
    Churn(u32),
    /// The time of a row of the pod trace has come.
    PodArrives(u32),
    /// The pod of a row of the trace is submitted again.
    SubmitAgain(u32),
    /// A pod on its node has come a step further: the pod, its generation.
    Pod(PodId, u32, PodStep),
    /// An instance has come a step further: the node, its generation.
    Instance(NodeId, u32, InstanceStep),
    /// The VPC CNI of a node looks at its addresses, or has got some: the node, the generation of its instance.
    AddressPool(NodeId, u32, PoolStep),
    /// The images that a node pulls have come further: the node, the generation of its instance, that of the foresight.
    Images(NodeId, u32, u32),
    /// A node group compares what it has with what it wants.
    NodeGroup(GroupId),
    /// A DaemonSet is created.
    DaemonSet(DeploymentId),
    /// The Cluster Autoscaler has come a step further.
    ClusterAutoscaler(ScalerStep),
    /// A Job is created.
    Job(DeploymentId),
    /// A volume has come a step further: the volume, the life of its mount.
    Volume(VolumeId, u32, VolumeStep),
    /// The update of a managed node group has come a step further: its number.
    GroupUpdate(u16, UpdateStep),
    /// A task of the cluster's creation has come a step further: its number.
    Creation(u16, CreationStep),
    /// The Fargate scheduler has come a step further: the generation of its leader.
    Fargate(u32, FargateStep),
}

const _: () = assert!(size_of::<Event>() <= 16, "events are stored inline in the calendar");

/// What has just happened to an API request. Steps in etcd name the try that they belong to: an API server may have given
/// that one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestStep {
    /// It reached the API server.
    Arrives,
    /// STS has vouched for its caller.
    Authenticated,
    /// Nobody has vouched for its caller.
    Refused,
    /// The webhooks that match it have let it pass.
    Reviewed,
    /// A webhook that must answer has not.
    NotAdmitted,
    /// The kubelet that it leads to has answered: a stream is open to it.
    StreamOpens(NodeId),
    /// The kubelet that it leads to could not be reached.
    StreamFails,
    /// It reached the etcd member that was asked.
    AtMember(u8),
    /// The member's leader has it.
    AtLeader(u8),
    /// etcd's answer reached the API server.
    Committed(u8),
    /// The API server's or the member's patience with etcd ends, or the connection to the member is given up.
    EtcdFailed(u8),
    /// The answer reached the client.
    Answered,
}

/// What has just happened to a stream of `kubectl exec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamStep {
    /// Its user has done.
    Ends,
    /// Nothing was sent on it for as long as the load balancer remembers.
    Idle,
    /// TCP has repeated for as long as it does.
    GivenUp,
}

/// What has just happened in an update of the endpoint's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessStep {
    /// The name has its new answers.
    Named,
    /// The old ways take no new connections.
    Closed,
    /// The update is over.
    Ended,
}

/// What follows from what has happened to an interface of EKS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InterfaceStep {
    /// The private answer has its address.
    Named,
    /// The private answer no longer has its address.
    Unnamed,
    /// The endpoints of the service `kubernetes` have it.
    Joins,
    /// The endpoints of the service `kubernetes` no longer have it.
    Leaves,
}

/// What has just happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionStep {
    /// The resolver answered.
    Resolved,
    /// The address that was tried last stayed silent for its share of the dial time.
    AddressSilent,
    /// The address that was tried last refused the connection.
    AddressRefused,
    /// TCP and TLS have made their round trips.
    Opened,
    /// The server has not ended the TLS handshake in time.
    HandshakeSilent,
    /// Nothing was read for the read-idle time (only where these timers are not elided).
    ReadIdle,
    /// A ping stayed unanswered: the connection is given up.
    GivenUp,
    /// A reset arrived.
    Reset,
    /// After a silence, what TCP repeats gets through again.
    Resumed,
    /// The server has said GOAWAY: running requests may end, new ones go over another connection.
    GoAway,
}

/// A kubelet's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KubeletClock {
    /// Time to renew the lease, or to try again.
    RenewLease,
    /// Time to compare the node's status with what the API says.
    CompareStatus,
    /// Time to report the status though it is unchanged.
    ReportStatus,
    /// Time to try to register again.
    Register,
}

/// What has just happened to watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatchStep {
    /// The server has ended them, as their time is over.
    Ended,
    /// The pause after a failure is over.
    Again,
}

/// What has just happened to a worker of a workload client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkloadStep {
    /// Its next round is due.
    Due,
    /// The rate limit of its process lets its request go.
    Turn,
    /// The server has ended its watch, as its time is over.
    WatchEnded,
}

/// What has just happened among the members of etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EtcdStep {
    /// A message between two members is there: its place in their table.
    Message(u32),
    /// A member has not heard of a leader for its randomised patience: the member, the generation of its clock.
    PatienceEnds(MemberId, u32),
    /// A leader asks itself if it has heard a quorum: the leader, the generation of the question.
    CheckQuorum(MemberId, u32),
    /// A new leader's first entry is committed.
    Decided,
    /// A leader sends heartbeats (only where they are not elided): the leader, its term.
    Heartbeat(MemberId, u32),
}

/// What has just happened around etcd's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageStep {
    /// Time to look at its size.
    Polled,
    /// Time for an API server to compact.
    Compacts,
    /// A runaway client creates an object: the client, the object's number.
    Creates(u32, u32),
    /// Somebody at the provider begins to make room after the alarm with this number.
    RepairBegins(u32),
    /// The superfluous objects are deleted.
    Deleted,
    /// A member's file is written anew.
    Defragmented(u8),
}

/// What has just happened to an API server's connection to an etcd member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkStep {
    /// It was silent for too long and is given up.
    GivenUp,
    /// It is open again.
    Reconnected,
}

/// What has just happened to a candidate for the lease of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateStep {
    /// Time to renew, or to look at the lease.
    Tries,
    /// A holder's time to renew is over: it gives up and restarts.
    GivesUp,
    /// It runs again, as a standby.
    Restarted,
    /// A new holder's time for its first lists is over.
    Synced,
    /// A new holder asks for its first lists, or does so again.
    Lists,
}

/// What has just happened around a node of the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NlbStep {
    /// The check of this zone's address has found its NLB node dead (generation: the zone's losses of power).
    AddressDead,
    /// A new DNS answer is published, as the verdicts are then.
    Published,
}

/// What has just happened to a target of the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetStep {
    /// A health check begins.
    CheckBegins,
    /// A health check has waited long enough: for the target, or the target for etcd.
    CheckEnds,
    /// Routing follows the latest verdict.
    Routed,
    /// A new target's first health check is due.
    Registered,
    /// Its deregistration has reached the nodes.
    Closed,
    /// The deregistration delay is over.
    Removed,
}

/// What has just happened to an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerStep {
    /// The provider has found its machine dead.
    FoundDead,
    /// The shutdown delay is over: it stops listening.
    DelayOver,
    /// It looks whether its running requests have ended.
    Drains,
    /// In a restart of all servers one after another: the next one's turn.
    NextRestarts,
}

/// What has just happened to an etcd member that is dead, or new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberStep {
    /// Its Auto Scaling group has found its machine dead.
    FoundDead,
    /// The machine that takes its place runs.
    Launched,
    /// It is looked whether the change of the members that it needs can go on.
    Looked,
}

/// A part of the control plane that can be down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// An API server.
    ApiServer(ApiServerId),
    /// An etcd member.
    EtcdMember(MemberId),
}

/// The clocks of the node lifecycle controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeLifecycleClock {
    /// Time to look at all nodes.
    Monitor,
    /// Time to look at the queues of nodes to taint.
    Evict,
}

/// The scheduler's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchedulerClock {
    /// The scheduler is done with a pod, and takes the next.
    Next,
    /// Time to look through its queues.
    Look,
}

/// What has just happened to a pod on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodStep {
    /// The kubelet has learnt that the pod is bound to its node.
    Seen,
    /// Its sandbox is there, or an init container has done its work, or a pause is over: it needs its next image.
    NeedsImage,
    /// Its containers run; its readiness probe has not passed yet.
    Started,
    /// Its containers run and its readiness probe passes.
    Ready,
    /// Its readiness has reached the kube-proxies.
    Published,
    /// The kubelet has learnt that the pod is to go.
    DeletionSeen,
    /// Its containers are gone.
    Stopped,
    /// Its end has reached the kube-proxies.
    Withdrawn,
    /// The client that submitted it has heard that it has done its work.
    FinishSeen,
    /// Whoever set its scheduling gate takes it away.
    Ungated,
}

/// What has just happened to the addresses of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolStep {
    /// Time to look if they are what is wanted.
    Looks,
    /// EC2 has given what it was asked for.
    Gains,
}

/// What has just happened around the Cluster Autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalerStep {
    /// A scan is due.
    Scans,
    /// Its pods look at their lease.
    Tries,
    /// Its call to set the desired size of a group is carried out.
    SizeSet(GroupId, u32),
    /// A node that it does not need has been tainted for long enough: its pods are evicted.
    Drains(NodeId),
    /// The time is over for which it tries to evict a node's pods.
    DrainEnds(NodeId),
    /// Its call to terminate the instance of an empty node is carried out.
    Removes(NodeId),
}

/// What has just happened to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VolumeStep {
    /// EBS has created it.
    Created,
    /// It is attached to a node.
    Attached,
    /// It is attached nowhere.
    Detached,
    /// A kubelet has mounted it.
    Mounted,
    /// A kubelet has unmounted it.
    Unmounted,
}

/// What has just happened around the Fargate scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FargateStep {
    /// It has heard of a pod that is to run on Fargate.
    Hears(PodId),
    /// The next launch has its turn.
    Turn,
    /// Launches that were refused are tried again.
    TriesAgain,
    /// It has heard that the node of a micro-VM is Ready.
    NodeReady(NodeId),
}

/// What has just happened to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstanceStep {
    /// The launch order was accepted and the instance boots.
    Launched,
    /// The kubelet runs and registers.
    KubeletStarts,
    /// The node's network is ready.
    NetworkReady,
    /// The Auto Scaling group has noticed that the instance is gone.
    FoundImpaired,
    /// Power is back: the instance boots again.
    PowerReturns,
    /// Its pods had their time to go: the instance, one too many, is terminated.
    Drained,
}

/// What has just happened in the update of a managed node group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateStep {
    /// EKS looks how far it is.
    Looks,
    /// New nodes have had their time to join.
    GivesUp,
    /// A node's pods have had their time to leave.
    DrainLimit(NodeId),
    /// An empty node has waited for load balancers to forget it: its instance is to be terminated.
    Settled(NodeId),
    /// The instance of an old node is terminated.
    Terminated(NodeId),
}

/// What has just happened to a task of the cluster's creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreationStep {
    /// What it needs first is there.
    Prepared,
    /// What it brings is in the API; or a node group launches.
    Applied,
    /// EKS looks at the nodes of a group.
    Looks,
    /// What it asked for is made.
    Made,
    /// Its failed stack is rolled back.
    RolledBack,
    /// eksctl asks how far it is.
    Asks,
    /// eksctl's patience ends.
    GivesUp,
    /// The API has not answered eksctl.
    Unreachable,
}
