//! The cluster's half of the world: nodes, pods, Deployments, node groups, and the controllers that act on them.
//!
//! What acts on this state lies in the journeys; `journeys/objects.rs` says what a committed write changes.

mod fargate;
mod latency;
mod probe;
mod scaling;

use crate::aim::Aim;
use crate::ids::{Controller, DeploymentId, GroupId, NodeId, PodId, ReplicaSetId, VolumeId};
use crate::journeys::image_pull::pull_settings;
use crate::parameters::Parameters;
use crate::plan::{Images, Plan, Taint, TaintEffect, WorkloadKind, ZoneId};
use crate::probes::Cause;
use crate::record::Balance;
use crate::stations::compute::cluster_autoscaler::ClusterAutoscaler;
use crate::stations::compute::drain::Drain;
use crate::stations::compute::fargate::Fargate;
use crate::stations::compute::group_update::GroupUpdate;
use crate::stations::compute::image_store::ImageStores;
use crate::stations::compute::node::Node;
use crate::stations::compute::node_group::{NodeGroup, Shortage};
use crate::stations::compute::volumes::Volumes;
use crate::stations::compute::vpc_cni::AddressPool;
use crate::stations::control_plane::cloud_nodes::CloudNodes;
use crate::stations::control_plane::controller_client::ControllerClient;
use crate::stations::control_plane::node_lifecycle::{Look, NodeLifecycle};
use crate::stations::control_plane::placement::{Found, Placement, is_tolerated};
use crate::stations::control_plane::pod_gc::PodGc;
use crate::stations::control_plane::preemption::Candidate;
use crate::stations::control_plane::scheduler::{QueueTiming, SchedulerQueue};
use crate::stations::control_plane::work_queue::WorkQueue;
use crate::stations::services::autoscaler::Autoscaler;
use crate::stations::services::daemon_set::DaemonSet;
use crate::stations::services::deployment::Deployment;
use crate::stations::services::job::Job;
use crate::stations::services::load::Load;
use crate::stations::services::pod::Pod;
use crate::stations::services::pods::Pods;
use crate::stations::services::replica_set::ReplicaSet;
use crate::stations::services::service::Service;
use crate::stations::services::stateful_set::StatefulSet;
use latency::PodLatency;
use probe::ClusterProbe;
use scaling::ScalingProbe;
use sim_kernel::SimTime;
use sim_kernel::stations::TokenBucket;

/// Nodes, pods, Deployments, node groups and controllers.
#[derive(Clone)]
pub struct ClusterState {
    pub(crate) nodes: Vec<Node>,
    /// The images of the workloads.
    pub(crate) images: Images,
    /// The images that nodes pull, and the pods that wait for them.
    pub(crate) image_stores: ImageStores,
    /// The addresses of each node's pods.
    pub(crate) pools: Vec<AddressPool>,
    pub(crate) pods: Pods,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    /// What the StatefulSets know of their ordinals.
    pub(crate) stateful_sets: Vec<StatefulSet>,
    /// The Jobs of the plan.
    pub(crate) jobs: Vec<Job>,
    /// The volumes that the pods of StatefulSets claim.
    pub(crate) volumes: Volumes,
    /// The DaemonSets of the plan.
    pub(crate) daemon_sets: Vec<DaemonSet>,
    /// The HorizontalPodAutoscalers of the Deployments that have one.
    pub(crate) autoscalers: Vec<Autoscaler>,
    /// The demands on the Deployments.
    pub(crate) loads: Vec<Load>,
    /// The Services in front of the Deployments, by these.
    pub(crate) services: Vec<Service>,
    pub(crate) groups: Vec<NodeGroup>,
    pub(crate) fargate: Fargate,
    pub(crate) lifecycle: NodeLifecycle,
    /// What the last look found; kept so that looks allocate nothing.
    pub(crate) look: Look,
    pub(crate) cloud_nodes: CloudNodes,
    pub(crate) pod_gc: PodGc,
    pub(crate) drain: Drain,
    /// The updates of managed node groups.
    pub(crate) updates: Vec<GroupUpdate>,
    pub(crate) placement: Placement,
    pub(crate) scheduler: SchedulerQueue,
    /// What the scheduler found for the pod in its cycle.
    pub(crate) found: Found,
    /// Whom that pod would have to evict.
    pub(crate) candidate: Option<Candidate>,
    /// The pods that are to get the room of others.
    pub(crate) nominations: Vec<Nomination>,
    /// The lowest priority that any pod has.
    pub(crate) lowest_priority: i32,
    /// The controllers' clients, with what each has still to send.
    pub(crate) clients: [ControllerClient<(Aim, Cause)>; Controller::COUNT],
    /// The controllers' work queues.
    pub(crate) work: [WorkQueue; Controller::COUNT],
    /// The pods that the workers of the node lifecycle controller have still to mark not ready, by node.
    pub(crate) marking: Vec<(NodeId, Vec<PodId>)>,
    /// When the queues of nodes to taint are looked at next.
    pub(crate) taint_alarm: Option<SimTime>,
    pub(crate) probe: ClusterProbe,
    pub(crate) latency: PodLatency,
    /// The Cluster Autoscaler, if there is one.
    pub(crate) scaler: ClusterAutoscaler,
    pub(crate) scaling: ScalingProbe,
    /// Instances that EC2 lets the account launch.
    pub(crate) run_instances: TokenBucket,
    /// Where EC2 has no instances to launch.
    pub(crate) shortages: Vec<Shortage>,
    /// Pods of which no kube-proxy has heard what the API says of them.
    pub(crate) unheard: Vec<PodId>,
    gone: usize,
}

/// The clocks that a leader winds up.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    /// Looks at all nodes.
    NodeMonitor,
    /// Looks at the queues of nodes to taint.
    TaintPoll,
    /// Looks at NotReady nodes' instances.
    CloudNodes,
    /// Looks for pods of nodes that are gone.
    PodGc,
    /// Looks through the scheduler's queues.
    SchedulerQueue,
}

/// Who watches what: whose the watch delay is.
#[derive(Clone, Copy)]
pub(crate) enum Watcher {
    /// A controller, of a node's heartbeat.
    Heartbeat(NodeId),
    /// A kubelet, a controller or the scheduler, of a pod.
    Pod(PodId),
    /// A controller, of a key of its work queue.
    Key(Controller, u32),
}

/// A pod that is to get the room of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nomination {
    /// Which.
    pub(crate) pod: PodId,
    /// Its priority.
    pub(crate) priority: i32,
    /// Where.
    pub(crate) node: NodeId,
}

impl ClusterState {
    /// The cluster in its steady state: every wanted node Ready, every pod where the scheduler puts it and serving, or
    /// Pending where there is no room.
    pub fn new(plan: &Plan, joins: impl Fn(usize, ZoneId) -> bool) -> Self {
        let parameters = &plan.parameters;
        let zones = plan.cluster.zones.len();
        // A cluster that is created in the run has nothing of what it will have.
        let begins_empty = plan.creation.is_some();
        let size = |planned: &crate::plan::Deployment| if begins_empty { 0 } else { planned.replicas };
        let planned = || (0..).zip(&plan.deployments).map(|(id, planned)| (id, planned, size(planned)));
        let mut state = ClusterState {
            nodes: Vec::new(),
            images: Images::of(plan),
            image_stores: ImageStores::new(pull_settings(&parameters.image)),
            pools: Vec::new(),
            pods: Pods::default(),
            deployments: planned().map(|(id, planned, size)| deployment(id, planned, size)).collect(),
            replica_sets: planned().map(|(id, planned, size)| replica_set(id, planned, size)).collect(),
            stateful_sets: stateful_sets(plan, begins_empty),
            jobs: jobs(plan),
            volumes: Volumes::default(),
            daemon_sets: plan.cluster.daemon_sets.iter().map(|set| daemon_set(set, begins_empty)).collect(),
            autoscalers: vec![Autoscaler::default(); plan.deployments.len()],
            loads: plan.deployments.iter().map(load).collect(),
            services: vec![Service::default(); plan.deployments.len()],
            groups: plan.cluster.node_groups.iter().map(|group| node_group(group, begins_empty)).collect(),
            fargate: fargate_at_start(plan, begins_empty),
            lifecycle: NodeLifecycle::new(&parameters.node_lifecycle, zones),
            look: Look::default(),
            cloud_nodes: CloudNodes::default(),
            drain: Drain::default(),
            updates: Vec::new(),
            pod_gc: PodGc::new(parameters.controllers.pod_gc_quarantine),
            placement: Placement::new(plan),
            scheduler: SchedulerQueue::new(queue_timing(plan), SimTime::ZERO),
            found: Found::default(),
            candidate: None,
            nominations: Vec::new(),
            lowest_priority: lowest_priority(plan),
            clients: Controller::ALL.map(|controller| client(plan, controller)),
            work: Controller::ALL.map(|controller| work_queue(plan, controller)),
            marking: Vec::new(),
            taint_alarm: None,
            probe: ClusterProbe::new(plan),
            latency: PodLatency::new(plan),
            scaler: ClusterAutoscaler::new(plan.cluster.node_groups.len()),
            scaling: ScalingProbe::new(plan),
            run_instances: TokenBucket::per_second(
                parameters.ec2.run_instances_rate,
                parameters.ec2.run_instances_burst,
            ),
            shortages: Vec::new(),
            unheard: Vec::new(),
            gone: 0,
        };
        state.fill(plan, joins);
        state
    }

    /// Nodes that there ever were, in the order of their ids.
    pub fn node_count(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The zone of a node.
    pub fn zone_of(&self, node: NodeId) -> ZoneId {
        self.nodes[node.index()].zone
    }

    /// Whether the API holds a Node object of it.
    pub fn node_object_exists(&self, node: NodeId) -> bool {
        self.nodes[node.index()].ready().is_some()
    }

    /// Node objects in the API.
    pub fn node_objects(&self) -> u64 {
        self.nodes.iter().filter(|node| node.ready().is_some()).count() as u64
    }

    /// Pods that are gone.
    pub fn gone(&self) -> usize {
        self.gone
    }

    /// Pod objects in the API.
    pub fn pod_objects(&self) -> u64 {
        (self.pods.len() - self.gone) as u64
    }

    /// A run begins in its steady state: nodes that could not have joined have not.
    fn fill(&mut self, plan: &Plan, joins: impl Fn(usize, ZoneId) -> bool) {
        for group in 0..plan.cluster.node_groups.len() {
            let id = GroupId(group as u16);
            for number in 0..self.groups[group].wanted() {
                let zone = self.groups[group].zone_of(number);
                self.groups[group].launched(zone);
                if !joins(group, zone) {
                    self.add_node(plan, Node::joining(id, zone));
                    continue;
                }
                self.add_node(plan, Node::running(id, zone));
                let node = NodeId(self.node_count() - 1);
                self.placement.exists(node, true);
                self.placement.set_open(node, true);
                self.add_daemons_at_start(node);
                self.lifecycle.condition(node, self.nodes[node.index()].ready());
            }
        }
        for (index, planned) in plan.deployments.iter().enumerate() {
            let deployment = DeploymentId(index as u32);
            for _ in 0..self.deployments[index].wanted() {
                self.add_pod_at_start(plan, deployment, planned, &joins);
            }
        }
        self.settle();
        self.probe.starts(&self.nodes, &self.pods, &mut self.deployments);
    }

    fn add_daemons_at_start(&mut self, node: NodeId) {
        for index in 0..self.daemon_sets.len() {
            let id = self.daemon_set_id(index);
            let set = &mut self.daemon_sets[index];
            if !set.exists || !self.placement.is_possible(id, node) {
                continue;
            }
            let pod = PodId(self.pods.len() as u32);
            set.gains(node, pod);
            set.readiness_changes(true);
            self.pods.push(Pod::of_daemon_set(id, set.numbers_a_pod(), node, None).runs_from_the_start(node));
            self.placement.take(id, node);
            self.nodes[node.index()].binds(pod);
            self.has_images(node, id);
        }
    }

    /// ReplicaSets, DaemonSets and Deployments have said in the API what there is.
    fn settle(&mut self) {
        self.daemon_sets.iter_mut().for_each(DaemonSet::is_settled);
        for set in &mut self.replica_sets {
            set.is_settled();
            let deployment = &mut self.deployments[set.deployment.index()];
            deployment.look(set.status());
            deployment.tells();
        }
    }

    fn add_pod_at_start(
        &mut self,
        plan: &Plan,
        deployment: DeploymentId,
        planned: &crate::plan::Deployment,
        joins: &impl Fn(usize, ZoneId) -> bool,
    ) {
        let pod = PodId(self.pods.len() as u32);
        let set = self.deployments[deployment.index()].set(0);
        self.replica_sets[set.index()].gains_a_pod();
        self.replica_sets[set.index()].keeps_in_mind(pod);
        let number = self.deployments[deployment.index()].gains_a_pod();
        let volume = self.claim_at_start(deployment, planned, pod);
        let found = match (planned.control.placing.gated_for, self.fargate.profile_of(deployment)) {
            (Some(_), _) => None,
            (None, Some(_)) => self.micro_vm_at_start(plan, pod, deployment, joins),
            (None, None) => self.placement.search(deployment).node,
        };
        let Some(node) = found else {
            self.pods.push(Pod::new(deployment, number, None).on_fargate(self.fargate.profile_of(deployment)));
            return;
        };
        self.placement.take(deployment, node);
        self.nodes[node.index()].binds(pod);
        self.has_images(node, deployment);
        self.replica_sets[set.index()].readiness_changes(true);
        let profile = self.fargate.profile_of(deployment);
        self.pods.push(Pod::running(deployment, number, node).on_fargate(profile));
        if let Some(volume) = volume {
            let zone = self.nodes[node.index()].zone;
            self.volumes.at_mut(volume).is_used_from_the_start(node, zone);
        }
    }

    /// The first pods of a StatefulSet take its ordinals in turn, and claim a volume each.
    fn claim_at_start(
        &mut self,
        deployment: DeploymentId,
        planned: &crate::plan::Deployment,
        pod: PodId,
    ) -> Option<VolumeId> {
        let at = self.stateful_index(deployment)?;
        let set = &mut self.stateful_sets[at];
        let ordinal = set.lacks().expect("there are as many ordinals as pods");
        set.gains(ordinal, pod);
        planned.control.volume_gib.map(|_| self.volumes.is_claimed(deployment, ordinal, pod))
    }

    /// Whatever runs on a node from the start has its images there.
    fn has_images(&mut self, node: NodeId, workload: DeploymentId) {
        for &image in self.images.needed_by(workload) {
            self.nodes[node.index()].gains_image((image, 0));
        }
    }

    /// A node comes into being; its Node object follows once its kubelet registers.
    pub(crate) fn add_node(&mut self, plan: &Plan, node: Node) {
        let group = &plan.cluster.node_groups[node.group.index()];
        self.placement.add(node.zone, node.group, group);
        self.daemon_sets.iter_mut().for_each(DaemonSet::add_node);
        self.lifecycle.add(node.zone);
        self.nodes.push(node);
        self.pools.push(AddressPool::new(SimTime::ZERO));
    }

    /// What the pods of a DaemonSet belong to.
    pub(crate) fn daemon_set_id(&self, index: usize) -> DeploymentId {
        DeploymentId((self.deployments.len() + index) as u32)
    }

    /// The DaemonSet that pods belong to.
    pub(crate) fn daemon_set_index(&self, id: DeploymentId) -> usize {
        id.index() - self.deployments.len()
    }

    /// The place of a StatefulSet in the table of its kind.
    pub(crate) fn stateful_index(&self, deployment: DeploymentId) -> Option<usize> {
        self.stateful_sets.binary_search_by_key(&deployment, |set| set.deployment).ok()
    }

    /// The ReplicaSet of a pod.
    pub(crate) fn set_of(&self, pod: PodId) -> ReplicaSetId {
        let pod = &self.pods[pod.index()];
        let deployment = &self.deployments[pod.deployment.index()];
        // A StatefulSet has one set of pods, whatever their template.
        let newest = deployment.revision();
        deployment.set(pod.revision.min(newest))
    }

    /// A pod's object goes.
    pub(crate) fn forget_pod(&mut self, was_pending: bool) {
        self.gone += 1;
        self.probe.pod_is_gone(was_pending);
    }

    /// Conservation: what came to a station of this half must have left it, been lost, or be inside.
    pub(crate) fn balances(&self, plan: &Plan) -> Vec<Balance> {
        let mut balances = self.probe.balances(&self.nodes, &self.pods);
        if !plan.cluster.fargate_profiles.is_empty() {
            balances.push(self.fargate.balance());
        }
        for (group, planned) in self.groups.iter().zip(&plan.cluster.node_groups) {
            balances.push(group.balance(format!("node group {}", planned.name)));
        }
        balances.push(self.placement.balance(&self.pods));
        balances.extend(self.scheduler.balances());
        for (zone, planned) in (0..).zip(&plan.cluster.zones) {
            balances.push(self.lifecycle.taint_balance(ZoneId(zone), format!("nodes to taint in {}", planned.name)));
        }
        let is_listed = |controller: &Controller| match controller {
            Controller::StatefulSet | Controller::AttachDetach => !self.stateful_sets.is_empty(),
            Controller::Job => !self.jobs.is_empty(),
            _ => true,
        };
        for controller in Controller::ALL.into_iter().filter(is_listed) {
            let name = controller.name();
            balances.push(self.clients[controller.index()].balance(format!("requests of the {name}")));
            balances.push(self.work[controller.index()].balance(format!("work queue of the {name}")));
        }
        balances
    }
}

fn load(planned: &crate::plan::Deployment) -> Load {
    let mut load = Load::default();
    if let Some(milli_cpu) = planned.control.load_milli_cpu {
        load.changes(SimTime::ZERO, milli_cpu);
    }
    load
}

fn fargate_at_start(plan: &Plan, begins_empty: bool) -> Fargate {
    if begins_empty { Fargate::new(plan).begins_without_profiles() } else { Fargate::new(plan) }
}

fn node_group(planned: &crate::plan::NodeGroup, begins_empty: bool) -> NodeGroup {
    if begins_empty { NodeGroup::unmade(planned) } else { NodeGroup::new(planned) }
}

fn daemon_set(planned: &crate::plan::DaemonSet, begins_empty: bool) -> DaemonSet {
    DaemonSet::new(planned.created.is_none() && !begins_empty)
}

fn replica_set(id: u32, planned: &crate::plan::Deployment, size: u32) -> ReplicaSet {
    let mut set = ReplicaSet::new(DeploymentId(id), 0, size);
    set.is_stateful = planned.control.kind == WorkloadKind::StatefulSet;
    set
}

fn jobs(plan: &Plan) -> Vec<Job> {
    let all = (0..).map(DeploymentId).zip(&plan.deployments);
    all.filter_map(|(id, planned)| planned.control.job.as_ref().map(|job| Job::new(id, job))).collect()
}

fn stateful_sets(plan: &Plan, begins_empty: bool) -> Vec<StatefulSet> {
    let all = (0..).map(DeploymentId).zip(&plan.deployments);
    let own = all.filter(|(_, planned)| planned.control.kind == WorkloadKind::StatefulSet);
    let size = |planned: &crate::plan::Deployment| if begins_empty { 0 } else { planned.replicas };
    own.map(|(id, planned)| StatefulSet::new(id, size(planned), planned.control.is_parallel)).collect()
}

fn deployment(id: u32, planned: &crate::plan::Deployment, size: u32) -> Deployment {
    let tolerates = |key: &str| {
        let (key, value, effect) = (key.to_owned(), String::new(), TaintEffect::NoExecute);
        is_tolerated(&Taint { key, value, effect }, &planned.tolerations)
    };
    let mut deployment = Deployment::new(size, ReplicaSetId(id));
    deployment.tolerates_unreachable = tolerates("node.kubernetes.io/unreachable");
    deployment.tolerates_not_ready = tolerates("node.kubernetes.io/not-ready");
    deployment
}

fn queue_timing(plan: &Plan) -> QueueTiming {
    let scheduler = &plan.parameters.scheduler;
    QueueTiming {
        backoff_base: scheduler.backoff_base,
        backoff_max: scheduler.backoff_max,
        backoff_flush: scheduler.backoff_flush,
        unschedulable_max: scheduler.unschedulable_max,
        unschedulable_flush: scheduler.unschedulable_flush,
    }
}

fn client(plan: &Plan, controller: Controller) -> ControllerClient<(Aim, Cause)> {
    let (rate, burst) = client_rate(&plan.parameters, controller);
    let controllers = &plan.parameters.controllers;
    let client = ControllerClient::new(rate, burst, controllers.retry_backoff, controllers.pace);
    match controller {
        Controller::TaintEviction => client.with_workers(controllers.node_workers as u32),
        Controller::PodGc | Controller::CloudNode => client.with_workers(1),
        _ => client,
    }
}

fn work_queue(plan: &Plan, controller: Controller) -> WorkQueue {
    let controllers = &plan.parameters.controllers;
    let (base, max) = (controllers.work_backoff_base, controllers.work_backoff_max);
    let workers = match controller {
        Controller::NodeLifecycle => controllers.node_workers,
        Controller::DaemonSet => controllers.daemon_set_syncs,
        Controller::AttachDetach => u64::from(u32::MAX), // each volume has its own
        _ => controllers.concurrent_syncs,
    };
    WorkQueue::new(workers as u32, base, max)
}

/// Requests per second and burst of a controller's client.
pub(crate) fn client_rate(parameters: &Parameters, controller: Controller) -> (f64, u64) {
    match controller {
        Controller::Scheduler => (parameters.scheduler.qps, parameters.scheduler.burst),
        Controller::Drain => (parameters.controllers.drain_qps, parameters.controllers.drain_burst),
        _ => (parameters.controllers.qps, parameters.controllers.burst),
    }
}

/// The lowest priority that any pod has.
fn lowest_priority(plan: &Plan) -> i32 {
    let workloads = plan.deployments.len() + plan.cluster.daemon_sets.len();
    (0..workloads).map(|index| plan.priority(index)).min().unwrap_or(0)
}
