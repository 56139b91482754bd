//! When the way to the API endpoint is closed, for each place from which it is used; and how the network stands when the
//! run begins, when most ways are closed, and at the end.
//!
//! It is looked at once in each window of the series, so what is shorter than a window may go unseen.

use super::Path;
use crate::plan::{AwsService, EndpointAccess, Plan, ZoneId};
use crate::record::{ClosedWay, InterfaceRecord, NetworkMoment, NetworkRecord, PlacedClient, WayRecord};
use crate::stations::network::SiteId;
use crate::world::World;
use sim_kernel::SimTime;

/// The ways of all sites over time.
#[derive(Clone, Debug)]
pub struct WayProbe {
    off: bool,
    /// Whether whole moments are kept: of one replication only.
    full: bool,
    sites: Vec<SiteWay>,
    /// Sites whose way was closed when that were most.
    worst: usize,
    moments: Vec<NetworkMoment>,
    /// The way of each kind of client when the run begins.
    first: Vec<WayRecord>,
}

#[derive(Clone, Debug, Default)]
struct SiteWay {
    /// When it was closed, and when it was open again.
    closed: Vec<(SimTime, Option<SimTime>)>,
    why: String,
}

impl SiteWay {
    /// Most closures of one site that are kept.
    const MOST: usize = 20;

    fn is_closed(&self) -> bool {
        self.closed.last().is_some_and(|(_, open)| open.is_none())
    }
}

impl WayProbe {
    /// A probe that has not looked yet.
    pub fn new(plan: &Plan) -> Self {
        WayProbe {
            off: plan.modes.probes_off,
            full: false,
            sites: Vec::new(),
            worst: 0,
            moments: Vec::new(),
            first: Vec::new(),
        }
    }
}

impl World {
    /// Most sites of nodes whose flows a record has.
    const SITES_MOST: usize = 24;

    /// The run begins: how the network stands. `full` keeps whole moments.
    pub(crate) fn ways_begin(&mut self, full: bool) {
        if self.probes.ways.off {
            return;
        }
        self.probes.ways.full = full;
        self.probes.ways.first = self.ways_of_clients();
        self.look_at_ways(SimTime::ZERO);
        if full {
            let moment = self.network_moment(SimTime::ZERO, "when the run begins");
            self.probes.ways.moments = vec![moment];
            self.probes.ways.worst = self.closed_sites();
        }
    }

    /// Once in a window: whose way to the endpoint is closed.
    #[cold]
    pub(crate) fn look_at_ways(&mut self, now: SimTime) {
        if self.probes.ways.off {
            return;
        }
        // The first event of a window tells how things stood when it began; when that event is depends on what is elided.
        let window = self.plan.window().as_nanos();
        let now = SimTime::from_nanos(now.as_nanos() / window * window);
        let sites: Vec<SiteId> = self.vpc.sites().map(|(site, _)| site).skip(1).collect();
        let mut known = Vec::new();
        self.probes.ways.sites.resize_with(sites.len(), SiteWay::default);
        for (at, site) in sites.into_iter().enumerate() {
            let alike = (self.typical(site).place, self.vpc.ways(site), self.vpc.view(site));
            let found = known.iter().find(|(other, _)| *other == alike).map(|(_, open)| *open);
            let open = found.unwrap_or_else(|| self.reaches_endpoint(site));
            if found.is_none() {
                known.push((alike, open));
            }
            self.way_seen(now, at, site, open);
        }
        let closed = self.closed_sites();
        if self.probes.ways.full && closed > self.probes.ways.worst {
            let moment = self.network_moment(now, "when most ways were closed");
            self.probes.ways.worst = closed;
            self.probes.ways.moments.truncate(1);
            self.probes.ways.moments.push(moment);
        }
    }

    fn closed_sites(&self) -> usize {
        self.probes.ways.sites.iter().filter(|site| site.is_closed()).count()
    }

    fn way_seen(&mut self, now: SimTime, at: usize, site: SiteId, open: bool) {
        let was_closed = self.probes.ways.sites[at].is_closed();
        if open != was_closed {
            return;
        }
        let why = if open { String::new() } else { self.path_to_endpoint(site).decided_by };
        let way = &mut self.probes.ways.sites[at];
        if open {
            way.closed.last_mut().expect("a closed way has been closed").1 = Some(now);
        } else if way.closed.len() < SiteWay::MOST {
            way.closed.push((now, None));
            way.why = why;
        }
    }

    fn ways_of_clients(&self) -> Vec<WayRecord> {
        let kinds = 0..self.plan.clients.len();
        kinds.map(|kind| WayRecord::of(&self.paths_of_hosts(self.vpc.client(kind))[0])).collect()
    }

    /// What each kind of client saw, and by which way.
    pub(crate) fn placed_clients(&self) -> Vec<PlacedClient> {
        let last = self.ways_of_clients();
        let first = if self.probes.ways.first.is_empty() { &last } else { &self.probes.ways.first };
        let clients = self.plan.clients.iter().zip(first).zip(&last).enumerate();
        let of = |(kind, ((client, first), last)): (usize, ((&crate::plan::Client, &WayRecord), &WayRecord))| {
            let count = self.probes.clients.of(kind);
            PlacedClient {
                name: client.name.clone(),
                place: self.plan.cluster.network.describe_place(&client.place),
                count: client.count,
                way_at_start: first.clone(),
                way_at_end: last.clone(),
                succeeded: count.succeeded,
                failed: count.failed,
                latency_s: count.latency_s(0.5).zip(count.latency_s(0.99)).map(|(p50, p99)| [p50, p99]),
                outage_s: count.outage.as_secs_f64(),
            }
        };
        clients.map(of).collect()
    }

    /// Whose way was closed, and when; `end` is the end of the run.
    pub(crate) fn closed_ways(&self) -> Vec<ClosedWay> {
        let sites = self.vpc.sites().skip(1).zip(&self.probes.ways.sites);
        let closed = sites.filter(|(_, way)| !way.closed.is_empty());
        let of = |((site, named), way): ((SiteId, &crate::stations::network::Site), &SiteWay)| ClosedWay {
            from: named.name.clone(),
            nodes: self.nodes_at(site),
            closed: way.closed.clone(),
            why: way.why.clone(),
        };
        closed.map(of).collect()
    }

    /// How the network stood: when the run began, when most ways were closed, and now if something is different.
    pub(crate) fn network_record(&mut self, now: SimTime) -> Option<NetworkRecord> {
        if !self.probes.ways.full || self.probes.ways.off {
            return None;
        }
        let last = self.network_moment(now, "at the end");
        let mut moments = std::mem::take(&mut self.probes.ways.moments);
        if moments.last().is_none_or(|known| !known.is_like(&last)) {
            moments.push(last);
        }
        Some(NetworkRecord { moments })
    }

    fn network_moment(&self, at: SimTime, called: &str) -> NetworkMoment {
        let network = self.vpc.network();
        let zones = (0..self.plan.cluster.zones.len() as u8).map(ZoneId);
        let interfaces = self.interfaces.all().map(|(place, interface)| InterfaceRecord {
            subnet: usize::from(interface.subnet),
            zone: interface.zone,
            address: interface.address.to_string(),
            leads_to: self.api_servers[interface.server.index()].zone,
            works: self.interface_passes(place) && self.api_servers[interface.server.index()].listens(),
            is_named: interface.is_named,
        });
        NetworkMoment {
            at,
            called: called.to_owned(),
            access: network.access.clone(),
            free_addresses: (0..network.subnets.len()).map(|subnet| self.interfaces.free_in(subnet)).collect(),
            nat_lives: (0..network.nat_gateways.len() as u8).map(|nat| self.nat_lives(nat)).collect(),
            endpoints_dead: AwsService::ALL
                .into_iter()
                .filter(|service| network.vpc_endpoints.contains(service) && !self.vpc.has_endpoint(*service))
                .collect(),
            interfaces: interfaces.collect(),
            balancer: zones.clone().filter(|zone| self.nlb.has_node(*zone)).collect(),
            servers: self.api_servers.iter().map(|server| (server.zone, server.listens())).collect(),
            dark: zones.filter(|zone| !self.zones.has_power(*zone)).collect(),
            paths: self.paths_in_short(),
        }
    }

    /// The flows of all clients, and of nodes as far as groups in a subnet differ.
    fn paths_in_short(&self) -> Vec<Path> {
        let mut told: Vec<(SiteId, crate::stations::network::vpc::Ways)> = Vec::new();
        for site in self.node_sites() {
            let ways = self.vpc.ways(site);
            let is_known = |(other, known): &(SiteId, crate::stations::network::vpc::Ways)| {
                self.vpc.subnet_of(*other) == self.vpc.subnet_of(site) && *known == ways
            };
            if !told.iter().any(is_known) && told.len() < Self::SITES_MOST {
                told.push((site, ways));
            }
        }
        let clients = (0..self.plan.clients.len()).flat_map(|kind| self.paths_of_client(self.vpc.client(kind)));
        clients.chain(told.into_iter().flat_map(|(site, _)| self.paths_of_nodes(site))).collect()
    }

    fn reaches_endpoint(&self, site: SiteId) -> bool {
        let origin = self.typical(site);
        let is_dark = self.vpc.zone_of(site).is_some_and(|zone| !self.zones.has_power(zone));
        !is_dark && self.dns.published(self.vpc.view(site)).iter().any(|address| self.opens(origin, address))
    }
}

impl WayRecord {
    fn of(path: &Path) -> Self {
        let hops: Vec<&str> = path.way.iter().skip(1).map(|hop| hop.name.as_str()).collect();
        let text = if path.open { hops.join(" → ") } else { path.decided_by.clone() };
        WayRecord { open: path.open, text, opened_by: path.opened_by.clone(), round_trip_s: path.round_trip_s }
    }
}

impl NetworkMoment {
    /// Whether nothing is different but the moment.
    fn is_like(&self, other: &NetworkMoment) -> bool {
        let ways = |moment: &NetworkMoment| -> Vec<(bool, String)> {
            moment.paths.iter().map(|path| (path.open, path.decided_by.clone())).collect()
        };
        let EndpointAccess { public, private, .. } = self.access;
        (public, private) == (other.access.public, other.access.private)
            && self.access.public_cidrs == other.access.public_cidrs
            && self.nat_lives == other.nat_lives
            && self.dark == other.dark
            && ways(self) == ways(other)
    }
}
