//! A pod: what the API says of it, what runs of it, and whether kube-proxies send traffic to it.
//!
//! Left out: restarts of single containers, readiness that comes and goes by itself.

use crate::ids::{DeploymentId, NodeId};
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The pod's object in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Created, without a node.
    Pending,
    /// Bound to its node.
    Bound,
    /// It has done its work; its object is still there.
    Finished,
    /// It has a deletion time; its kubelet is to confirm.
    Terminating,
    /// It is no more.
    Gone,
}

/// Who owns a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A ReplicaSet or a StatefulSet; a Service stands in front of it.
    Set,
    /// A DaemonSet, which created it for this node.
    DaemonSet(NodeId),
    /// A Job.
    Job,
    /// Nobody: it comes from this row of a trace.
    Nobody(u32),
}

/// What runs of the pod on its node: the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containers {
    /// Nothing: not started, or dead with the node.
    Absent,
    /// Sandbox, image, start.
    Starting,
    /// They run; the first readiness probe has not passed.
    Started,
    /// They run and answer.
    Running,
    /// They were told to stop, and still answer.
    Stopping,
    /// They have stopped in good order.
    Stopped,
}

/// What a pod counts for in the measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The object exists and has no node.
    pub pending: bool,
    /// kube-proxies send traffic to it.
    pub listed: bool,
    /// They do, and it answers.
    pub serving: bool,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Whose it is.
    pub deployment: DeploymentId,
    /// Where it is bound, or assumed by the scheduler to be bound soon.
    pub node: Option<NodeId>,
    /// Why it was created.
    pub story: Cause,
    /// The taint eviction ordered its deletion.
    pub is_evicted: bool,
    /// Its kubelet has a request about it under way.
    pub reports: bool,
    /// A request to delete it is under way or waits.
    pub is_being_deleted: bool,
    /// The scheduler has found no room for it.
    pub is_unschedulable: bool,
    /// It bears a scheduling gate.
    pub is_gated: bool,
    /// The Fargate profile that it was given when it was created, if one selected it.
    pub fargate_profile: Option<u16>,
    /// Which template of its Deployment it has.
    pub revision: u8,
    /// When its object was created.
    pub created: SimTime,
    /// How long it has waited for images and init containers.
    pub pulled: SimDuration,
    /// The network interface of its node that has its address, if it has one of its own.
    pub eni: Option<u8>,
    /// Whether it waits for an address.
    pub lacks_address: bool,
    /// Its kubelet has said that its containers run.
    start_told: bool,
    owner: Owner,
    object: Object,
    containers: Containers,
    /// The Ready condition that the API holds.
    ready: bool,
    listed: bool,
    life: u32,
    number: u32,
    draws: u32,
}

impl Pod {
    /// A pod that no controller owns, from a row of a trace.
    pub fn bare(shape: DeploymentId, row: u32, now: SimTime, cause: Cause) -> Self {
        Pod { owner: Owner::Nobody(row), created: now, ..Pod::new(shape, row, cause) }
    }

    /// The `number`th pod of a DaemonSet, for a node.
    pub fn of_daemon_set(set: DeploymentId, number: u32, node: NodeId, cause: Cause) -> Self {
        Pod { owner: Owner::DaemonSet(node), ..Pod::new(set, number, cause) }
    }

    /// The `number`th pod of a Job.
    pub fn of_job(job: DeploymentId, number: u32, cause: Cause) -> Self {
        Pod { owner: Owner::Job, ..Pod::new(job, number, cause) }
    }

    /// The same pod, running on a node as the API knows; no Service lists it.
    pub fn runs_from_the_start(self, node: NodeId) -> Self {
        let (object, containers) = (Object::Bound, Containers::Running);
        Pod { node: Some(node), object, containers, start_told: true, ready: true, ..self }
    }

    /// The same pod, created at a time.
    pub fn created_at(self, now: SimTime) -> Self {
        Pod { created: now, ..self }
    }

    /// The same pod, with the Fargate profile that selects it.
    pub fn on_fargate(self, profile: Option<usize>) -> Self {
        Pod { fargate_profile: profile.map(|index| index as u16), ..self }
    }

    /// The row of the trace that it comes from, if no controller owns it.
    pub fn row(&self) -> Option<u32> {
        match self.owner {
            Owner::Nobody(row) => Some(row),
            _ => None,
        }
    }

    /// Who owns it.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Whether a ReplicaSet counts it, and a Service stands in front of it.
    pub fn is_served(&self) -> bool {
        self.owner == Owner::Set
    }

    /// Whether it is a DaemonSet's.
    pub fn is_daemon(&self) -> bool {
        matches!(self.owner, Owner::DaemonSet(_))
    }

    /// A new pod without a node, the `number`th of its Deployment.
    pub fn new(deployment: DeploymentId, number: u32, cause: Cause) -> Self {
        Pod {
            deployment,
            number,
            node: None,
            story: cause,
            is_evicted: false,
            reports: false,
            is_being_deleted: false,
            is_unschedulable: false,
            is_gated: false,
            fargate_profile: None,
            revision: 0,
            created: SimTime::ZERO,
            pulled: SimDuration::ZERO,
            eni: None,
            lacks_address: false,
            start_told: false,
            owner: Owner::Set,
            object: Object::Pending,
            containers: Containers::Absent,
            ready: false,
            listed: false,
            life: 0,
            draws: 0,
        }
    }

    /// A pod that runs on a node and is listed.
    pub fn running(deployment: DeploymentId, number: u32, node: NodeId) -> Self {
        Pod { listed: true, ..Pod::new(deployment, number, None).runs_from_the_start(node) }
    }

    /// What stands for a pod that is over.
    pub fn over() -> Self {
        Pod { object: Object::Gone, ..Pod::new(DeploymentId(u32::MAX), 0, None) }
    }

    /// Whether kube-proxies send traffic to it.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// What the API says.
    pub fn object(&self) -> Object {
        self.object
    }

    /// What is true.
    pub fn containers(&self) -> Containers {
        self.containers
    }

    /// Which life of its containers this is; events of earlier ones are stale.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// Whether the API holds it for ready.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether its ReplicaSet counts it.
    pub fn is_active(&self) -> bool {
        matches!(self.object, Object::Pending | Object::Bound)
    }

    /// Whether it runs, as the API wants and knows.
    pub fn is_at_rest(&self) -> bool {
        self.object == Object::Bound && self.containers == Containers::Running && self.ready
    }

    /// What it counts for.
    pub fn standing(&self) -> Standing {
        let answers = matches!(self.containers, Containers::Running | Containers::Stopping);
        Standing { pending: self.object == Object::Pending, listed: self.listed, serving: self.listed && answers }
    }

    /// Whose its random draws are: the Deployment's `number`th pod, whatever pods of others came between.
    pub fn entity(&self) -> u64 {
        u64::from(self.deployment.0) << 32 | u64::from(self.number)
    }

    /// Which of its Deployment's pods it is, in the order of their creation.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The number of its next random draw.
    pub fn next_draw(&mut self) -> u64 {
        self.draws += 1;
        u64::from(self.draws)
    }

    /// Its binding is in the API.
    pub fn is_bound(&mut self, node: NodeId) {
        self.node = Some(node);
        self.object = Object::Bound;
    }

    /// Its containers begin to start.
    pub fn starts(&mut self) {
        self.containers = Containers::Starting;
        self.life += 1;
    }

    /// They run.
    pub fn has_started(&mut self) {
        self.containers = Containers::Started;
    }

    /// Whether its kubelet has said that its containers run.
    pub fn start_is_told(&self) -> bool {
        self.start_told
    }

    /// Its kubelet says that its containers run. Whether it had not said so before.
    pub fn tells_start(&mut self) -> bool {
        !std::mem::replace(&mut self.start_told, true)
    }

    /// The API knows that it has done its work.
    pub fn finishes(&mut self) {
        self.object = Object::Finished;
    }

    /// They run and answer.
    pub fn runs(&mut self) {
        self.containers = Containers::Running;
    }

    /// They are told to stop.
    pub fn stops(&mut self) {
        self.containers = Containers::Stopping;
        self.life += 1;
    }

    /// They have stopped.
    pub fn has_stopped(&mut self) {
        self.containers = Containers::Stopped;
    }

    /// Its node died, and its containers with it.
    pub fn dies_with_its_node(&mut self) {
        self.containers = Containers::Absent;
        self.life += 1;
        self.reports = false;
        self.eni = None;
    }

    /// The API's Ready condition becomes `ready`. Whether endpoints change by it.
    pub fn becomes_ready(&mut self, ready: bool) -> bool {
        let ready = ready && self.object == Object::Bound;
        std::mem::replace(&mut self.ready, ready) != ready
    }

    /// Its object gets a deletion time.
    pub fn is_deleted(&mut self) {
        self.object = Object::Terminating;
        self.is_being_deleted = false;
    }

    /// Its object goes.
    pub fn is_gone(&mut self) {
        self.object = Object::Gone;
    }

    /// kube-proxies act on what the API last said.
    pub fn is_propagated(&mut self) {
        self.listed = self.ready;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_serves_while_it_answers_and_is_listed() {
        let mut pod = Pod::running(DeploymentId(0), 1, NodeId(0));
        assert_eq!(pod.standing(), Standing { pending: false, listed: true, serving: true });
        pod.dies_with_its_node();
        assert_eq!(pod.standing(), Standing { pending: false, listed: true, serving: false });
        assert!(pod.becomes_ready(false));
        assert!(pod.standing().listed, "kube-proxies do not know yet");
        pod.is_propagated();
        assert_eq!(pod.standing(), Standing::default());
    }

    #[test]
    fn a_terminating_pod_is_not_ready_whatever_its_kubelet_says() {
        let mut pod = Pod::running(DeploymentId(0), 1, NodeId(0));
        pod.is_deleted();
        assert!(pod.becomes_ready(true));
        assert!(!pod.is_ready() && !pod.is_active());
    }
}
