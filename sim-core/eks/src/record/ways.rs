//! What a record tells of places and ways: each client with its own, whose way was closed, and how the network stood.

use crate::plan::{AwsService, EndpointAccess, ZoneId};
use crate::probes::{NodesAt, Path};
use serde::{Deserialize, Serialize};
use sim_kernel::SimTime;

/// What one kind of client of the plan saw, after the warm-up, and by which way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlacedClient {
    /// Its name.
    pub name: String,
    /// Where it is, in words.
    pub place: String,
    /// How many of them there are.
    pub count: u32,
    /// Its way to the API endpoint when the run began.
    pub way_at_start: WayRecord,
    /// Its way to the API endpoint at the end.
    pub way_at_end: WayRecord,
    /// Requests that succeeded, as the client counts its attempts.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Latency of the successful ones, seconds: median, 99th percentile.
    pub latency_s: Option<[f64; 2]>,
    /// Longest time in which one of them had nothing but failures, seconds.
    pub outage_s: f64,
}

/// A way to the API endpoint at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WayRecord {
    /// Whether it is open.
    pub open: bool,
    /// Its hops, or what closes it.
    pub text: String,
    /// What would open it; empty where it is open.
    pub opened_by: String,
    /// Mean round trip of an open way without queueing, seconds.
    pub round_trip_s: Option<f64>,
}

/// A place whose way to the API endpoint was closed for a time, as seen once in each window of the series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedWay {
    /// Who was there.
    pub from: String,
    /// The nodes that are meant, if it is nodes.
    pub nodes: Option<NodesAt>,
    /// When it was closed, and when it was open again; `None` for not before the end.
    pub closed: Vec<(SimTime, Option<SimTime>)>,
    /// What closed it, the last time.
    pub why: String,
}

/// How the network stood at a few moments of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// When the run began; when most ways were closed, if any were closed later; at the end, if that is different again.
    pub moments: Vec<NetworkMoment>,
}

/// How the network stood at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkMoment {
    /// The moment.
    pub at: SimTime,
    /// Which moment that is, in words.
    pub called: String,
    /// How the API endpoint could be reached.
    pub access: EndpointAccess,
    /// Free addresses of each subnet, in the order of the plan.
    pub free_addresses: Vec<u32>,
    /// Whether each NAT gateway let traffic through, in the order of the plan.
    pub nat_lives: Vec<bool>,
    /// AWS services whose endpoint in the VPC did not answer.
    pub endpoints_dead: Vec<AwsService>,
    /// The interfaces of EKS.
    pub interfaces: Vec<InterfaceRecord>,
    /// Zones with a node of the load balancer.
    pub balancer: Vec<ZoneId>,
    /// API servers: the zone of each, and whether it took connections.
    pub servers: Vec<(ZoneId, bool)>,
    /// Zones without power.
    pub dark: Vec<ZoneId>,
    /// The flows of all clients, and those of nodes; of node groups that lie in the same subnet and have the same ways, those
    /// of one.
    pub paths: Vec<Path>,
}

/// An interface of EKS at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterfaceRecord {
    /// Its subnet: index in the plan.
    pub subnet: usize,
    /// Its zone.
    pub zone: ZoneId,
    /// Its address.
    pub address: String,
    /// The zone of the API server that it leads to.
    pub leads_to: ZoneId,
    /// Whether a dial of it would be heard.
    pub works: bool,
    /// Whether the private answer for the endpoint's name has it.
    pub is_named: bool,
}
