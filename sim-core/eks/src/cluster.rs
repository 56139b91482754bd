//! The cluster's half of the world: nodes, pods, Deployments, node groups, and the controllers that act on them.
//!
//! The API server's half calls in here when a write is committed, when a caller has its answer, when a component
//! begins or ceases to act, and when instances lose or regain their power.

mod probe;

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{Event, Future};
use crate::ids::{Component, DeploymentId, GroupId, NodeId, PodId};
use crate::plan::{Plan, Taint, TaintEffect, ZoneId};
use crate::probes::Cause;
use crate::quantity::Resources;
use crate::record::Balance;
use crate::stations::compute::node::Node;
use crate::stations::compute::node_group::NodeGroup;
use crate::stations::control_plane::cloud_nodes::CloudNodes;
use crate::stations::control_plane::node_lifecycle::{Look, NodeLifecycle};
use crate::stations::control_plane::placement::{Placement, is_tolerated};
use crate::stations::control_plane::pod_gc::PodGc;
use crate::stations::control_plane::scheduler::SchedulerQueue;
use crate::stations::control_plane::work_queue::WorkQueue;
use crate::stations::services::deployment::Deployment;
use crate::stations::services::pod::Pod;
use crate::world::World;
use probe::ClusterProbe;
use sim_kernel::{Purpose, SimDuration, SimTime};
use sim_study::{Measure, Series};

const WATCH_HEARTBEAT: Purpose = Purpose::new("watch/heartbeat");
const WATCH_POD: Purpose = Purpose::new("watch/pod");
const WATCH_DEPLOYMENT: Purpose = Purpose::new("watch/deployment");
const PHASE: Purpose = Purpose::new("cluster/phase");

/// Time over which a new leader's controllers start, one after another.
const WIND_UP: SimDuration = SimDuration::from_millis(100);

/// Nodes, pods, Deployments, node groups and controllers.
#[derive(Clone)]
pub struct ClusterState {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) groups: Vec<NodeGroup>,
    pub(crate) lifecycle: NodeLifecycle,
    /// What the last look found; kept so that looks allocate nothing.
    pub(crate) look: Look,
    pub(crate) cloud_nodes: CloudNodes,
    pub(crate) pod_gc: PodGc,
    pub(crate) placement: Placement,
    pub(crate) scheduler: SchedulerQueue,
    /// What each component has still to send.
    pub(crate) orders: [WorkQueue<(Aim, Cause)>; 3],
    /// When the queues of nodes to taint are looked at next.
    pub(crate) taint_alarm: Option<SimTime>,
    pub(crate) probe: ClusterProbe,
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
}

/// Who watches what: whose the watch delay is.
#[derive(Clone, Copy)]
pub(crate) enum Watcher {
    /// A controller, of a node's heartbeat.
    Heartbeat(NodeId),
    /// A kubelet, a controller or the scheduler, of a pod.
    Pod(PodId),
    /// The ReplicaSet controller, of a Deployment.
    Deployment(DeploymentId),
}

impl ClusterState {
    /// The cluster in its steady state: every wanted node Ready, every pod where the scheduler puts it and serving, or
    /// Pending where there is no room.
    pub fn new(plan: &Plan) -> Self {
        let parameters = &plan.parameters;
        let zones = plan.cluster.zones.len();
        let scheduler = &parameters.scheduler;
        let (base, max) = (scheduler.backoff_base, scheduler.backoff_max);
        let mut state = ClusterState {
            nodes: Vec::new(),
            pods: Vec::new(),
            deployments: plan.deployments.iter().map(deployment).collect(),
            groups: plan.cluster.node_groups.iter().map(NodeGroup::new).collect(),
            lifecycle: NodeLifecycle::new(&parameters.node_lifecycle, zones),
            look: Look::default(),
            cloud_nodes: CloudNodes::default(),
            pod_gc: PodGc::new(parameters.controllers.pod_gc_quarantine),
            placement: Placement::new(plan),
            scheduler: SchedulerQueue::new(plan.deployments.len(), base, max),
            orders: Component::ALL.map(|component| order_queue(plan, component)),
            taint_alarm: None,
            probe: ClusterProbe::new(plan),
            gone: 0,
        };
        state.fill(plan);
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

    /// Pod objects in the API.
    pub fn pod_objects(&self) -> u64 {
        (self.pods.len() - self.gone) as u64
    }

    fn fill(&mut self, plan: &Plan) {
        for (group, planned) in plan.cluster.node_groups.iter().enumerate() {
            let id = GroupId(group as u16);
            for number in 0..planned.desired {
                let zone = self.groups[group].zone_of(number);
                self.groups[group].launched(zone);
                self.add_node(plan, Node::running(id, zone));
                let node = NodeId(self.node_count() - 1);
                self.placement.exists(node, true);
                self.placement.set_open(node, true);
                self.lifecycle.condition(node, self.nodes[node.index()].ready());
            }
        }
        for (index, planned) in plan.deployments.iter().enumerate() {
            let deployment = DeploymentId(index as u32);
            for _ in 0..planned.replicas {
                self.add_pod_at_start(deployment);
            }
        }
        self.probe.starts(&self.nodes, &self.pods, &mut self.deployments);
    }

    fn add_pod_at_start(&mut self, deployment: DeploymentId) {
        let pod = PodId(self.pods.len() as u32);
        let number = self.deployments[deployment.index()].gains_a_pod();
        let Some(node) = self.placement.search(deployment) else {
            self.pods.push(Pod::new(deployment, number, None));
            return;
        };
        self.placement.take(deployment, node);
        self.nodes[node.index()].binds(pod);
        self.nodes[node.index()].pulls(deployment);
        self.pods.push(Pod::running(deployment, number, node));
    }

    /// A node comes into being; its Node object follows once its kubelet registers.
    pub(crate) fn add_node(&mut self, plan: &Plan, node: Node) {
        let (requests, count) = daemons(plan);
        let group = &plan.cluster.node_groups[node.group.index()];
        self.placement.add(node.zone, node.group, group, requests, count);
        self.lifecycle.add(node.zone);
        self.nodes.push(node);
    }

    /// A pod's object goes.
    pub(crate) fn forget_pod(&mut self) {
        self.gone += 1;
        self.probe.pod_is_gone();
    }
}

fn deployment(planned: &crate::plan::Deployment) -> Deployment {
    let unreachable = Taint {
        key: "node.kubernetes.io/unreachable".to_owned(),
        value: String::new(),
        effect: TaintEffect::NoExecute,
    };
    Deployment::new(planned.replicas, is_tolerated(&unreachable, &planned.tolerations))
}

fn order_queue(plan: &Plan, component: Component) -> WorkQueue<(Aim, Cause)> {
    let (rate, burst) = client_rate(plan, component);
    WorkQueue::new(rate, burst, plan.parameters.controllers.retry_backoff)
}

fn client_rate(plan: &Plan, component: Component) -> (f64, u64) {
    let parameters = &plan.parameters;
    match component {
        Component::Scheduler => (parameters.scheduler.qps, parameters.scheduler.burst),
        _ => (parameters.controllers.qps, parameters.controllers.burst),
    }
}

/// What DaemonSets take on every node.
fn daemons(plan: &Plan) -> (Resources, i32) {
    let mut taken = Resources::default();
    for daemon in &plan.cluster.daemon_sets {
        taken.milli_cpu += daemon.requests.milli_cpu;
        taken.memory_mib += daemon.requests.memory_mib;
    }
    (taken, plan.cluster.daemon_sets.len() as i32)
}

impl World {
    /// What the cluster's half measured.
    pub(crate) fn cluster_measures(&mut self, end: SimTime) -> (Vec<Measure>, Vec<Series>, Vec<Balance>) {
        let measures = self.cluster.probe.measures(end);
        let series = self.cluster.probe.series(&self.plan, end);
        let balances = self.cluster.probe.balances(&self.cluster.nodes, &self.cluster.pods);
        (measures, series, balances)
    }

    /// A component begins to act, with its lists and without memory. At time 0 it has been acting for long: its clocks
    /// are somewhere in their rounds.
    pub(crate) fn component_acts(&mut self, now: SimTime, component: Component, future: &mut Future) {
        let Some((_, generation)) = self.leader(component) else { return };
        let (rate, burst) = client_rate(&self.plan, component);
        self.cluster.orders[component.index()].clear(rate, burst);
        match component {
            Component::ControllerManager => {
                self.node_lifecycle_begins(now, generation, future);
                self.replica_sets_begin(now, future);
                self.pod_gc_begins(now, generation, future);
            }
            Component::CloudControllerManager => self.cloud_nodes_begin(now, generation, future),
            Component::Scheduler => self.scheduler_begins(now, future),
        }
    }

    /// A component ceases to act: what it had still to send is lost.
    pub(crate) fn component_stops(&mut self, component: Component) {
        let (rate, burst) = client_rate(&self.plan, component);
        self.cluster.orders[component.index()].clear(rate, burst);
    }

    /// A write of the cluster's half is in etcd.
    pub(crate) fn cluster_committed(&mut self, now: SimTime, aim: Aim, cause: Cause, future: &mut Future) {
        match aim {
            Aim::RenewLease(node) => self.heartbeat(now, node),
            Aim::ReportStatus(node) => {
                self.heartbeat(now, node);
                self.node_reports(now, node, future);
            }
            Aim::RegisterNode(node) => {
                self.heartbeat(now, node);
                self.node_registers(now, node, future);
            }
            Aim::ReportPodReady(pod) => self.readiness_changes(now, pod, true, future),
            Aim::RemovePod(pod) | Aim::ForceDeletePod(pod) => self.pod_goes(now, pod, cause, future),
            Aim::MarkNotReady(node) => self.node_is_given_up(now, node, cause, future),
            Aim::RemoveTaints(node) => self.node_is_untainted(now, node, future),
            Aim::TaintNoExecute(node) => self.node_is_tainted(now, node, cause, future),
            Aim::DeletePod(pod) => self.pod_is_deleted(now, pod, cause, future),
            Aim::CreatePod(deployment) => self.pod_is_created(now, deployment, cause, future),
            Aim::DeleteNode(node) => self.node_is_deleted(now, node, cause, future),
            Aim::BindPod(pod, node) => self.pod_is_bound(now, pod, node, future),
            Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..) => {}
            Aim::Get(_) | Aim::List(_) | Aim::Apply(_) => {}
        }
    }

    /// A request of the cluster's half has ended for its caller.
    pub(crate) fn cluster_answered(
        &mut self,
        now: SimTime,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        match aim {
            Aim::ReportPodReady(pod) | Aim::RemovePod(pod) => self.pod_report_ended(now, pod, outcome, future),
            _ if !outcome.is_error() => {}
            Aim::CreatePod(deployment) => self.pod_creation_failed(now, deployment, future),
            Aim::TaintNoExecute(node) => {
                self.cluster.lifecycle.repeat(node);
                self.await_taints(now, future);
            }
            Aim::BindPod(pod, node) => self.binding_failed(now, pod, node, future),
            Aim::DeleteNode(_) => self.repeat(now, Component::CloudControllerManager, aim, cause, future),
            _ => self.repeat(now, Component::ControllerManager, aim, cause, future),
        }
    }

    /// A component has a request to send, as soon as its client's rate limit lets it. Without a leader it is lost.
    pub(crate) fn order(&mut self, now: SimTime, component: Component, aim: Aim, cause: Cause, future: &mut Future) {
        if self.leader(component).is_some() {
            self.cluster.orders[component.index()].push((aim, cause));
            self.send_orders(now, component, future);
        }
    }

    fn repeat(&mut self, now: SimTime, component: Component, aim: Aim, cause: Cause, future: &mut Future) {
        if self.leader(component).is_some() {
            self.cluster.orders[component.index()].repeat(now, (aim, cause));
            self.send_orders(now, component, future);
        }
    }

    /// A component's next request may be sent.
    pub(crate) fn dispatch(&mut self, now: SimTime, component: Component, generation: u32, future: &mut Future) {
        if self.acts(component, generation) && self.cluster.orders[component.index()].rings(now) {
            self.send_orders(now, component, future);
        }
    }

    fn send_orders(&mut self, now: SimTime, component: Component, future: &mut Future) {
        let Some((server, generation)) = self.leader(component) else { return };
        while let Some((aim, cause)) = self.cluster.orders[component.index()].next(now) {
            self.call(now, Caller::Component(component, server), aim, cause, future);
        }
        if let Some(at) = self.cluster.orders[component.index()].alarm(now) {
            future.schedule(at, Event::Dispatch(component, generation));
        }
    }

    /// Whether the leader of a component with that generation acts.
    pub(crate) fn acts(&self, component: Component, generation: u32) -> bool {
        self.leader(component).is_some_and(|(_, acting)| acting == generation)
    }

    /// The first moment of a clock that a component's leader winds up now; at time 0 it has run for long. The clocks
    /// of one leader are some moments apart, so that no two ever strike together.
    pub(crate) fn first_tick(&self, now: SimTime, period: SimDuration, generation: u32, clock: Clock) -> SimTime {
        let phase = self.key.draw(PHASE, clock as u64, u64::from(generation)).uniform();
        now + if now == SimTime::ZERO { period } else { WIND_UP.min(period) }.scaled(phase)
    }

    /// Time from a change that is committed now to its watcher's knowledge.
    pub(crate) fn watch_delay(&mut self, watcher: Watcher) -> SimDuration {
        let (entity, ordinal) = match watcher {
            Watcher::Heartbeat(node) => (u64::from(node.0), self.cluster.lifecycle.next_beat(node)),
            Watcher::Pod(pod) => {
                let pod = &mut self.cluster.pods[pod.index()];
                (pod.entity(), pod.next_draw())
            }
            Watcher::Deployment(deployment) => {
                (u64::from(deployment.0), self.cluster.deployments[deployment.index()].next_draw())
            }
        };
        let purpose = match watcher {
            Watcher::Heartbeat(_) => WATCH_HEARTBEAT,
            Watcher::Pod(_) => WATCH_POD,
            Watcher::Deployment(_) => WATCH_DEPLOYMENT,
        };
        self.plan.parameters.api_server.watch_delay.duration(&mut self.key.draw(purpose, entity, ordinal))
    }
}
