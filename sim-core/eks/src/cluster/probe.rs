//! What happened to nodes, pods and services: counts, levels over time, and the last of each kind.

use crate::ids::{DeploymentId, NodeId};
use crate::plan::Plan;
use crate::probes::Gauge;
use crate::record::Balance;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::services::deployment::Deployment;
use crate::stations::services::pod::{Object, Standing};
use crate::stations::services::pods::Pods;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Series, Unit};

/// A Deployment that serves in full, in the whole numbers in which the sum over Deployments is exact.
const FULL: u64 = 1 << 32;

/// What happened to nodes, pods and services.
#[derive(Clone, Debug)]
pub struct ClusterProbe {
    off: bool,
    first_fault: Option<SimTime>,
    ready: Gauge,
    serving: Gauge,
    pending: Gauge,
    /// Mean over Deployments of the share of wanted pods that serve.
    available: Gauge,
    /// Share of listed endpoints that are dead.
    failing: Gauge,
    listed: u64,
    answering: u64,
    waiting: u64,
    shares: Vec<u64>,
    shares_sum: u64,
    /// Deployments that want pods.
    wanting: u64,
    /// Of the nodes that there were at the start: has neither stopped nor been terminated, has been given up while it
    /// lived.
    kept_alive: Vec<bool>,
    given_up_falsely: Vec<bool>,
    counts: Counts,
    last_not_ready: Option<SimTime>,
    last_tainted: Option<SimTime>,
    last_evicted: Option<SimTime>,
    disturbed: bool,
    whole_again: Option<SimTime>,
    rollout: Option<SimDuration>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    not_ready: u64,
    not_ready_falsely: u64,
    tainted: u64,
    deleted: u64,
    launched: u64,
    replaced: u64,
    evicted: u64,
    created: u64,
    daemons: u64,
    preempted: u64,
    drained: u64,
    refused: u64,
    terminated: u64,
    registered: u64,
    instances_at_start: u64,
    nodes_at_start: u64,
    pods: PodCounts,
}

/// What pods came and went, for the books.
#[derive(Clone, Copy, Debug, Default)]
struct PodCounts {
    pending_at_start: u64,
    bound_at_start: u64,
    bound: u64,
    gone_pending: u64,
    gone_from_nodes: u64,
}

impl ClusterProbe {
    /// A probe that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        let gauge = || Gauge::new(0.0, plan.window(), SimTime::ZERO + plan.warm_up);
        ClusterProbe {
            off: plan.modes.probes_off,
            first_fault: plan.steps.iter().filter(|step| step.change.is_fault()).map(|step| step.at).min(),
            ready: gauge(),
            serving: gauge(),
            pending: gauge(),
            available: gauge(),
            failing: gauge(),
            listed: 0,
            answering: 0,
            waiting: 0,
            shares: Vec::new(),
            shares_sum: 0,
            wanting: 0,
            kept_alive: Vec::new(),
            given_up_falsely: Vec::new(),
            counts: Counts::default(),
            last_not_ready: None,
            last_tainted: None,
            last_evicted: None,
            disturbed: false,
            whole_again: None,
            rollout: None,
        }
    }

    /// The run begins with these nodes and pods.
    pub fn starts(&mut self, nodes: &[Node], pods: &Pods, deployments: &mut [Deployment]) {
        for pod in pods.iter() {
            let standing = pod.standing();
            if let Some(deployment) = deployments.get_mut(pod.deployment.index()) {
                deployment.serving += u32::from(standing.serving);
                deployment.listed += u32::from(standing.listed);
            }
            self.listed += u64::from(standing.listed);
            self.answering += u64::from(standing.serving);
            self.waiting += u64::from(standing.pending);
        }
        self.kept_alive = vec![true; nodes.len()];
        self.given_up_falsely = vec![false; nodes.len()];
        let joined = nodes.iter().filter(|node| node.ready().is_some()).count() as u64;
        self.counts.instances_at_start = nodes.len() as u64;
        self.counts.nodes_at_start = joined;
        self.counts.pods.pending_at_start = self.waiting;
        self.counts.pods.bound_at_start = pods.len() as u64 - self.waiting;
        self.wanting = deployments.iter().filter(|deployment| deployment.wanted() > 0).count() as u64;
        self.shares = deployments.iter().map(share).collect();
        self.shares_sum = self.shares.iter().sum();
        self.ready.set(SimTime::ZERO, joined as f64);
        self.set_levels(SimTime::ZERO);
    }

    /// A Deployment wants another number of pods. Whether every Deployment serves in full by it, after a disturbance.
    pub fn wants(&mut self, now: SimTime, deployment: DeploymentId, deployments: &[Deployment]) -> bool {
        self.wanting = deployments.iter().filter(|deployment| deployment.wanted() > 0).count() as u64;
        self.share_changes(deployment, deployments);
        self.set_levels(now);
        self.is_whole_again(now)
    }

    /// What a pod counts for changes, by the user's own will if `is_planned`. Whether every Deployment serves in full
    /// by it, after a disturbance: the loss of a serving pod that its Deployment wanted, since the first fault.
    pub fn standing_changes(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        deployments: &[Deployment],
        before: Standing,
        after: Standing,
        is_planned: bool,
    ) -> bool {
        let change =
            |level: &mut u64, before: bool, after: bool| *level = *level + u64::from(after) - u64::from(before);
        change(&mut self.listed, before.listed, after.listed);
        change(&mut self.answering, before.serving, after.serving);
        change(&mut self.waiting, before.pending, after.pending);
        let is_missed = self.share_changes(deployment, deployments);
        self.set_levels(now);
        let is_lost = before.serving && !after.serving && is_missed && !is_planned;
        self.disturbed |= is_lost && self.first_fault.is_some_and(|fault| fault <= now);
        self.is_whole_again(now)
    }

    fn is_whole_again(&mut self, now: SimTime) -> bool {
        let is_whole = self.disturbed && self.shares_sum == self.wanting * FULL;
        if is_whole {
            self.disturbed = false;
            self.whole_again = Some(now);
        }
        is_whole
    }

    /// Endpoints that are listed and dead.
    pub fn dead_endpoints(&self) -> u64 {
        self.listed - self.answering
    }

    /// An instance stopped, or was terminated.
    pub fn node_stops(&mut self, node: NodeId) {
        if let Some(alive) = self.kept_alive.get_mut(node.index()) {
            *alive = false;
        }
    }

    /// An instance was terminated.
    pub fn instance_is_terminated(&mut self, node: NodeId) {
        self.counts.terminated += 1;
        self.node_stops(node);
    }

    /// A node's Ready condition became Unknown. That of one too many, drained and terminated, is none of the figures.
    pub fn node_is_given_up(&mut self, now: SimTime, id: NodeId, node: &Node, was: Option<Ready>) {
        if was == Some(Ready::True) {
            self.add_ready(now, -1.0);
        }
        if node.is_retired() {
            return;
        }
        self.counts.not_ready += 1;
        self.last_not_ready = Some(now);
        if node.lives() {
            self.counts.not_ready_falsely += 1;
            if let Some(falsely) = self.given_up_falsely.get_mut(id.index()) {
                *falsely = true;
            }
        }
    }

    /// A node's report changed its Ready condition.
    pub fn node_reports(&mut self, now: SimTime, was: Ready, is: Ready) {
        self.add_ready(now, f64::from(u8::from(is == Ready::True)) - f64::from(u8::from(was == Ready::True)));
    }

    /// A Node object was created.
    pub fn node_registers(&mut self) {
        self.counts.registered += 1;
    }

    /// A node was tainted NoExecute.
    pub fn node_is_tainted(&mut self, now: SimTime) {
        self.counts.tainted += 1;
        self.last_tainted = Some(now);
    }

    /// A Node was deleted.
    pub fn node_is_deleted(&mut self, now: SimTime, was: Option<Ready>) {
        self.counts.deleted += 1;
        if was == Some(Ready::True) {
            self.add_ready(now, -1.0);
        }
    }

    /// An instance was launched.
    pub fn instance_is_launched(&mut self, replaces: bool) {
        self.counts.launched += 1;
        self.counts.replaced += u64::from(replaces);
    }

    /// The taint eviction's order to delete a pod was carried out.
    pub fn pod_is_evicted(&mut self, now: SimTime) {
        self.counts.evicted += 1;
        self.last_evicted = Some(now);
    }

    /// A disruption budget refused an eviction.
    pub fn eviction_is_refused(&mut self) {
        self.counts.refused += 1;
    }

    /// A node was drained.
    pub fn node_is_drained(&mut self) {
        self.counts.drained += 1;
    }

    /// A rolling update came to its end.
    pub fn rollout_ends(&mut self, took: SimDuration) {
        self.rollout = self.rollout.max(Some(took));
    }

    /// A pod was created.
    pub fn pod_is_created(&mut self, now: SimTime) {
        self.counts.created += 1;
        self.waiting += 1;
        self.set_levels(now);
    }

    /// A pod was created by a DaemonSet.
    pub fn daemon_is_created(&mut self, now: SimTime) {
        self.pod_is_created(now);
        self.counts.daemons += 1;
    }

    /// A pod behind which no Deployment stands changed.
    pub fn waiting_changes(&mut self, now: SimTime, before: Standing, after: Standing) {
        self.waiting = self.waiting + u64::from(after.pending) - u64::from(before.pending);
        self.set_levels(now);
    }

    /// The scheduler ordered the deletion of a pod to make room for another.
    pub fn pod_is_preempted(&mut self) {
        self.counts.preempted += 1;
    }

    /// A pod was bound to a node.
    pub fn pod_is_bound(&mut self) {
        self.counts.pods.bound += 1;
    }

    /// A pod's object went, which had a node or none.
    pub fn pod_is_gone(&mut self, was_pending: bool) {
        match was_pending {
            true => self.counts.pods.gone_pending += 1,
            false => self.counts.pods.gone_from_nodes += 1,
        }
    }

    /// The results of a run that ends at `end`.
    pub fn measures(&mut self, end: SimTime) -> Vec<Measure> {
        let counts = self.counts.clone();
        let whole = if self.disturbed { Some(end) } else { self.whole_again };
        let shares = [self.available.average(end), self.failing.average(end)];
        let kept = self.kept_alive.iter().filter(|alive| **alive).count();
        let falsely =
            self.kept_alive.iter().zip(&self.given_up_falsely).filter(|(alive, falsely)| **alive && **falsely);
        let falsely_share = (kept > 0).then(|| falsely.count() as f64 / kept as f64);
        let available = (self.wanting > 0).then_some(shares[0]);
        vec![
            count("nodes.not_ready", counts.not_ready, "Times that the node lifecycle controller set a node NotReady; nodes that were drained and terminated as too many do not count."),
            count("nodes.not_ready_falsely", counts.not_ready_falsely, "Times that a node was set NotReady although its instance and its kubelet lived."),
            measure("nodes.not_ready_falsely.share", Unit::Share, Better::Down, falsely_share, "Share of the nodes of the start that lived throughout, neither stopped nor terminated, and were set NotReady at least once."),
            count("nodes.tainted", counts.tainted, "Times that a node was tainted unreachable (NoExecute), so that its pods leave."),
            count("nodes.deleted", counts.deleted, "Node objects deleted because their instance was gone."),
            describe("nodes.replaced", counts.replaced, "Instances that Auto Scaling groups launched in place of lost ones."),
            self.since_fault("nodes.last_not_ready", self.last_not_ready, "Time from the first fault to the last node that was set NotReady."),
            self.since_fault("nodes.last_tainted", self.last_tainted, "Time from the first fault to the last node that was tainted NoExecute."),
            self.since_fault("pods.last_evicted", self.last_evicted, "Time from the first fault to the last pod whose deletion the taint eviction ordered."),
            describe("nodes.drained", counts.drained, "Nodes that were drained of all their pods by request."),
            count("evictions.refused", counts.refused, "Evictions that a disruption budget refused; each is tried again later."),
            measure("deployments.rollout", Unit::Seconds, Better::Down, self.rollout.map(SimDuration::as_secs_f64), "Longest time from a Deployment's new image to the end of its rolling update, of those that came to an end."),
            count("pods.evicted", counts.evicted, "Pods whose deletion the taint eviction ordered."),
            count("pods.preempted", counts.preempted, "Pods whose deletion the scheduler ordered to make room for one of higher priority."),
            describe("pods.daemons", counts.daemons, "Pods that DaemonSets created during the run, one for each new node that they match."),
            describe("pods.recreated", counts.created - counts.daemons, "Pods that ReplicaSets created during the run."),
            count("pods.pending.end", self.waiting, "Pods without a node when the run ended."),
            measure("workload.availability", Unit::Share, Better::Up, available, "Share of wanted pods that served, averaged over time and over Deployments; pods beyond the wanted do not count."),
            measure("workload.connections.failed", Unit::Share, Better::Down, Some(shares[1]), "Share of the endpoints listed by services that were dead, averaged over time, and all of them where pods are wanted and none is listed: the chance that a new connection fails."),
            self.since_fault("workload.recovery", whole, "Time from the first fault until every Deployment served with all its pods again, after the last loss of a serving pod other than by scaling; one that has not come counts up to the end, none means that no serving pod was lost."),
        ]
    }

    /// The results over time of a run that ends at `end`.
    pub fn series(&mut self, plan: &Plan, end: SimTime) -> Vec<Series> {
        let window_s = plan.window().as_secs_f64();
        let series = |name: &str, unit, values, definition: &str| Series {
            name: name.to_owned(),
            unit,
            window_s,
            values,
            definition: definition.to_owned(),
        };
        vec![
            series("nodes.ready", Unit::Count, self.ready.windows(end), "Nodes that the API calls Ready."),
            series("pods.serving", Unit::Count, self.serving.windows(end), "Pods that services list and that answer."),
            series("pods.pending", Unit::Count, self.pending.windows(end), "Pods without a node."),
            series(
                "workload.connections.failed",
                Unit::Share,
                self.failing.windows(end),
                "Share of the endpoints listed by services that are dead.",
            ),
        ]
    }

    /// What came, went and stayed. What came and went was counted when it did, what stayed is counted now.
    pub fn balances(&self, nodes: &[Node], pods: &Pods) -> Vec<Balance> {
        let balance = |station: &str, arrived: u64, left: u64, lost: u64, inside: usize| {
            let (station, refused, inside) = (station.to_owned(), 0, inside as u64);
            Balance { station, arrived, left, refused, lost, inside }
        };
        let Counts { launched, terminated, registered, deleted, created, .. } = self.counts;
        let Counts { instances_at_start, nodes_at_start, .. } = self.counts;
        let PodCounts { pending_at_start, bound_at_start, bound, gone_pending, gone_from_nodes } = self.counts.pods;
        let instances = nodes.iter().filter(|node| node.instance() != Instance::Terminated).count();
        let objects = nodes.iter().filter(|node| node.ready().is_some()).count();
        let all = pods.iter().filter(|pod| pod.object() != Object::Gone).count();
        let pending = pods.iter().filter(|pod| pod.object() == Object::Pending).count();
        let on_nodes = nodes.iter().map(|node| node.pods().len()).sum();
        let came = pending_at_start + created;
        vec![
            balance("instances", instances_at_start + launched, terminated, 0, instances),
            balance("Nodes", nodes_at_start + registered, deleted, 0, objects),
            balance("pods", came + bound_at_start, gone_pending + gone_from_nodes, 0, all),
            balance("pods without a node", came, bound, gone_pending, pending),
            balance("pods on nodes", bound_at_start + bound, gone_from_nodes, 0, on_nodes),
        ]
    }

    /// The share of a Deployment that serves may have changed. Whether it fell.
    fn share_changes(&mut self, deployment: DeploymentId, deployments: &[Deployment]) -> bool {
        let new = share(&deployments[deployment.index()]);
        let old = std::mem::replace(&mut self.shares[deployment.index()], new);
        self.shares_sum = self.shares_sum + new - old;
        new < old
    }

    fn set_levels(&mut self, now: SimTime) {
        if self.off {
            return;
        }
        self.serving.set(now, self.answering as f64);
        self.pending.set(now, self.waiting as f64);
        self.available.set(now, self.shares_sum as f64 / (self.wanting.max(1) * FULL) as f64);
        let failing = match (self.listed, self.wanting) {
            (0, 0) => 0.0,
            (0, _) => 1.0,
            (listed, _) => self.dead_endpoints() as f64 / listed as f64,
        };
        self.failing.set(now, failing);
    }

    fn add_ready(&mut self, now: SimTime, by: f64) {
        if !self.off {
            self.ready.add(now, by);
        }
    }

    fn since_fault(&self, name: &str, at: Option<SimTime>, definition: &str) -> Measure {
        let since = at.zip(self.first_fault).map(|(at, fault)| at.saturating_since(fault).as_secs_f64());
        measure(name, Unit::Seconds, Better::Down, since, definition)
    }
}

/// The share of a Deployment's wanted pods that serve, of [`FULL`]; none if it wants none.
fn share(deployment: &Deployment) -> u64 {
    let wanted = u64::from(deployment.wanted());
    (u64::from(deployment.serving).min(wanted) * FULL).checked_div(wanted).unwrap_or(0)
}

fn count(name: &str, value: u64, definition: &str) -> Measure {
    measure(name, Unit::Count, Better::Down, Some(value as f64), definition)
}

pub(super) fn describe(name: &str, value: u64, definition: &str) -> Measure {
    measure(name, Unit::Count, Better::Neither, Some(value as f64), definition)
}

pub(super) fn measure(name: &str, unit: Unit, better: Better, value: Option<f64>, definition: &str) -> Measure {
    Measure { name: name.to_owned(), unit, better, value, definition: definition.to_owned() }
}
