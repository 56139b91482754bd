//! The record: everything that one run measured, as plain data. Reports are made from it alone.

mod creation;
mod ways;

use crate::plan::Client;
pub use creation::{CreationRecord, DaemonSetLine, Listing, NodeLine, PhaseRecord, PodLine, ServiceLine, TaskRecord};
use serde::{Deserialize, Serialize};
use sim_kernel::{Digest, SimTime};
use sim_study::{Case, Measure, Outcome, Series};
pub use ways::{ClosedWay, InterfaceRecord, NetworkMoment, NetworkRecord, PlacedClient, WayRecord};

/// The names of all measures that a record has, in this order: what an objective may bound.
pub const MEASURES: &[&str] = &[
    "api.availability",
    "api.availability.kubelet",
    "api.availability.controllers",
    "api.availability.admin",
    "api.availability.ci",
    "api.availability.workload",
    "api.latency.p50.kubelet",
    "api.latency.p99.kubelet",
    "api.outage.kubelet",
    "api.latency.p50.controllers",
    "api.latency.p99.controllers",
    "api.outage.controllers",
    "api.latency.p50.admin",
    "api.latency.p99.admin",
    "api.outage.admin",
    "api.latency.p50.ci",
    "api.latency.p99.ci",
    "api.outage.ci",
    "api.latency.p50.workload",
    "api.latency.p99.workload",
    "api.outage.workload",
    "slo.mutating",
    "slo.read.resource",
    "slo.read.cluster",
    "api.latency.p99.kubelet.struck_zone",
    "api.latency.p99.kubelet.other_zones",
    "api.rejected",
    "api.rejected.leader-election",
    "api.queue_wait.p99.leader-election",
    "api.rejected.node-high",
    "api.queue_wait.p99.node-high",
    "api.rejected.system",
    "api.queue_wait.p99.system",
    "api.rejected.workload-high",
    "api.queue_wait.p99.workload-high",
    "api.rejected.workload-low",
    "api.queue_wait.p99.workload-low",
    "api.rejected.global-default",
    "api.queue_wait.p99.global-default",
    "limit.api_server.cpu",
    "limit.api_server.seats",
    "limit.api_server.memory",
    "limit.etcd.cpu",
    "limit.scheduler.cycles",
    "limit.scheduler.qps",
    "limit.controllers.qps",
    "pods.without_address",
    "pods.without_address.peak",
    "subnet.free.min",
    "ec2.throttled",
    "pods.image.p50",
    "pods.image.p99",
    "pods.without_image.peak",
    "pods.image_backoff",
    "registry.throttled",
    "kubelet.pulls.refused",
    "dns.utilization.peak",
    "dns.names.failed",
    "dns.delay.worst",
    "dns.resolver.dropped",
    "etcd.election",
    "etcd.writes_lost",
    "controllers.failover",
    "etcd.database_gb",
    "etcd.alarm",
    "ci.jobs.failed",
    "exec.failed",
    "exec.broken",
    "exec.hang.longest",
    "nodes.not_ready",
    "nodes.not_ready_falsely",
    "nodes.not_ready_falsely.share",
    "nodes.tainted",
    "nodes.deleted",
    "nodes.replaced",
    "nodes.last_not_ready",
    "nodes.last_tainted",
    "pods.last_evicted",
    "nodes.drained",
    "evictions.refused",
    "deployments.rollout",
    "pods.evicted",
    "pods.preempted",
    "pods.daemons",
    "pods.recreated",
    "pods.pending.end",
    "workload.availability",
    "workload.connections.failed",
    "workload.recovery",
    "pods.start.p50",
    "pods.start.p99",
    "pods.start.p99.worst",
    "scheduler.latency.p50",
    "scheduler.latency.p99",
    "scheduler.throughput",
    "scheduler.throughput.most",
    "pods.finished",
    "nodes.launched",
    "nodes.removed",
    "autoscaler.latency.mean",
    "autoscaler.latency.max",
    "pods.ready.p99_without_room",
    "cost.total",
    "cost.control_plane",
    "cost.instances.on_demand",
    "cost.instances.spot",
    "cost.volumes",
    "cost.nat_gateways",
    "cost.vpc_endpoints",
    "cost.public_addresses",
    "cost.load_balancers",
    "cost.cross_zone",
    "cost.idle",
    "cost.month.total",
    "cost.month.control_plane",
    "cost.month.instances.on_demand",
    "cost.month.instances.spot",
    "cost.month.volumes",
    "cost.month.nat_gateways",
    "cost.month.vpc_endpoints",
    "cost.month.public_addresses",
    "cost.month.load_balancers",
    "cost.month.cross_zone",
    "cost.month.idle",
];

/// What is measured of each kind of client of the plan by its name, after all others: `client.admin.outage`.
pub const CLIENT_MEASURES: [&str; 3] = ["availability", "latency.p99", "outage"];

/// What is measured in a cluster with Fargate profiles, after all others.
pub const FARGATE_MEASURES: [&str; 9] = [
    "fargate.micro_vms",
    "fargate.vcpus.max",
    "fargate.throttled",
    "fargate.wait.max",
    "fargate.refused",
    "fargate.placed.max",
    "fargate.ready.p99",
    "cost.fargate",
    "cost.month.fargate",
];

/// The names of the measures of a plan's clients.
pub fn client_measures(clients: &[Client]) -> Vec<String> {
    let of = |client: &Client| CLIENT_MEASURES.map(|measure| format!("client.{}.{measure}", client.name));
    clients.iter().flat_map(of).collect()
}

/// Everything that one run measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which replication of the plan it was, from 0.
    pub replication: u32,
    /// The rolling digest over every handled event.
    pub digest: Digest,
    /// Where things stood when the run began.
    pub placement: PlacementRecord,
    /// The case of the mixture that was drawn.
    pub case: Case,
    /// What each class of clients saw.
    pub clients: Vec<ClientRecord>,
    /// What each kind of client of the plan saw, in its order, and by which way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlacedClient>,
    /// Whose way to the API endpoint was closed for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed_ways: Vec<ClosedWay>,
    /// How the network stood; of the first replication only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkRecord>,
    /// What happened and why, in the order of first occurrence, at most [`Record::FACTS_MAX`].
    pub timeline: Vec<Fact>,
    /// Facts beyond the limit, not listed.
    pub facts_dropped: u64,
    /// The named results.
    pub measures: Vec<Measure>,
    /// The results over time.
    pub series: Vec<Series>,
    /// Conservation at the end: what arrived must have left, been refused, timed out, been abandoned or be inside.
    pub balances: Vec<Balance>,
    /// What was paid for after the warm-up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bill: Vec<BillLine>,
    /// How the cluster was created, where it was in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<CreationRecord>,
}

impl Record {
    /// Most facts that a timeline lists.
    pub const FACTS_MAX: usize = 2_000;
}

impl Outcome for Record {
    fn measures(&self) -> &[Measure] {
        &self.measures
    }
    fn series(&self) -> &[Series] {
        &self.series
    }
    fn case(&self) -> &Case {
        &self.case
    }
    /// The first station whose books do not balance.
    fn contradiction(&self) -> Option<String> {
        let broken = self.balances.iter().find(|balance| !balance.holds())?;
        let Balance { station, arrived, left, refused, lost, inside } = broken;
        Some(format!(
            "the books of {station} do not balance: {arrived} arrived, but {left} left, {refused} were refused, {lost} were lost and {inside} are inside"
        ))
    }
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillLine {
    /// The part of the cost: what follows `cost.` in the name of its measure.
    pub part: String,
    /// What was paid for.
    pub what: String,
    /// How much of it there was after the warm-up.
    pub quantity: f64,
    /// The unit of `quantity`.
    pub unit: String,
    /// US dollars for one unit; `None` where no price is known.
    pub usd_per_unit: Option<f64>,
    /// The parameter or the table that the price comes from, and what was assumed of it.
    pub source: String,
}

impl BillLine {
    /// US dollars; `None` where no price is known.
    pub fn usd(&self) -> Option<f64> {
        self.usd_per_unit.map(|price| price * self.quantity)
    }
}

/// Where the provider had put things when the run began, as zone names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementRecord {
    /// Zones with an API server.
    pub api_servers: Vec<String>,
    /// Zone of the etcd leader.
    pub etcd_leader: String,
    /// Zone of the controllers' leader.
    pub controllers: String,
}

/// What one class of clients saw, after the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The class: `kubelet`, `controllers`, `admin`, `ci`, `workload`.
    pub class: String,
    /// Requests by verb: what was sent, and how each ended. One entry per attempt, as the client counts them.
    pub verbs: Vec<VerbRecord>,
}

/// The requests of one class with one verb.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VerbRecord {
    /// The verb and resource: `renew-lease`, `get`, `list`.
    pub verb: String,
    /// Requests begun.
    pub sent: u64,
    /// Requests answered with success.
    pub succeeded: u64,
    /// Requests that failed, by the error that the client saw.
    pub failed: Vec<(String, u64)>,
    /// Requests whose client died before their end.
    pub abandoned: u64,
    /// Requests still under way when the run ended.
    pub inside: u64,
    /// Latency of the successful ones, seconds: mean, median, 99th percentile, largest.
    pub latency_s: Option<[f64; 4]>,
}

/// Something that happened, once or many times under one cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Its number; causes have smaller ones.
    pub id: u32,
    /// The fact that brought it about.
    pub cause: Option<u32>,
    /// When it first happened, nanoseconds.
    pub first: SimTime,
    /// When it last happened; equal to `first` if once.
    pub last: SimTime,
    /// How often.
    pub count: u64,
    /// What happened, without a count: `node NotReady in eu-west-1a`.
    pub text: String,
    /// How much it matters to a reader.
    pub weight: Weight,
}

/// How much a fact matters to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// For those who look closely.
    Detail,
    /// Part of the story.
    Step,
    /// A turning point: a fault, an outage, a recovery.
    Turn,
}

/// What a station took in and gave out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The station.
    pub station: String,
    /// What came.
    pub arrived: u64,
    /// What left served.
    pub left: u64,
    /// What was turned away.
    pub refused: u64,
    /// What was given up: time-outs, deaths.
    pub lost: u64,
    /// What is still there.
    pub inside: u64,
}

impl Balance {
    /// Whether nothing was created or lost.
    pub fn holds(&self) -> bool {
        self.arrived == self.left + self.refused + self.lost + self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(station: &str, left: u64) -> Balance {
        Balance { station: station.to_owned(), arrived: 10, left, refused: 2, lost: 1, inside: 3 }
    }

    #[test]
    fn books_that_do_not_balance_contradict_each_other() {
        let mut record = Record {
            replication: 0,
            digest: Digest::of_bytes(b""),
            placement: PlacementRecord {
                api_servers: Vec::new(),
                etcd_leader: String::new(),
                controllers: String::new(),
            },
            case: Case { label: String::new(), probability: 1.0 },
            clients: Vec::new(),
            places: Vec::new(),
            closed_ways: Vec::new(),
            network: None,
            timeline: Vec::new(),
            facts_dropped: 0,
            measures: Vec::new(),
            series: Vec::new(),
            balances: vec![balance("pods", 4)],
            bill: Vec::new(),
            creation: None,
        };
        assert_eq!(record.contradiction(), None);
        record.balances.push(balance("Nodes", 5));
        let what = record.contradiction().expect("11 of 10");
        assert!(what.starts_with("the books of Nodes do not balance: 10 arrived, but 5 left"), "{what}");
    }
}
