//! Who can reach whom, which way, and why not: every flow of the cluster as rules, routes and what is alive have it at one
//! moment. The same questions that a dial asks are asked here, so what is shown is what requests experience.

use crate::ids::ApiServerId;
use crate::journeys::network_faults::Breach;
use crate::plan::{AwsService, Family, Network};
use crate::stations::network::vpc::Target;
use crate::stations::network::{
    Address, Addressed, Addresses, Closure, DnsView, Hop, Origin, Place, SiteAt, SiteId, Trace,
};
use crate::world::World;
use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;

/// A flow: from whom, to what, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Who begins it.
    pub from: String,
    /// What it is for.
    pub to: String,
    /// The family of its addresses.
    pub family: Family,
    /// The hops of its way. Where there are several addresses, those to the first one that answers.
    pub way: Vec<Hop>,
    /// Whether it gets through.
    pub open: bool,
    /// How many addresses there are to try, and how many of them answer; `None` where there is only one.
    pub addresses: Option<(u32, u32)>,
    /// The rule or route that lets it pass, or what closes it.
    pub decided_by: String,
    /// What would open it; empty where it is open.
    pub opened_by: String,
    /// Mean round trip of an open way without queueing, seconds; `None` where it is closed, or not known.
    pub round_trip_s: Option<f64>,
}

impl World {
    /// Every flow as it stands now.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        for (site, at) in self.vpc.sites().skip(1) {
            let is_client = site >= self.vpc.client(0);
            paths.push(
                self.path_to_name(site, if is_client { "API endpoint" } else { "API endpoint (kubelet, kube-proxy)" }),
            );
            if is_client {
                continue;
            }
            paths.push(self.path_to_service(site));
            let from = at.name.clone();
            paths.push(self.host_path("control plane", SiteId::CONTROL_PLANE, &from, site, Network::KUBELET_PORT));
            paths.push(self.host_path("control plane", SiteId::CONTROL_PLANE, &pods(&from), site, Network::API_PORT));
            paths.extend(AwsService::OF_NODES.map(|service| self.path_to_aws(site, service)));
        }
        paths.extend(self.paths_between_nodes());
        paths.extend(self.paths_from_bastions());
        paths
    }

    /// The way of a site to the API endpoint.
    pub(crate) fn path_to_endpoint(&self, site: SiteId) -> Path {
        self.path_to_name(site, "API endpoint")
    }

    /// A dial of the endpoint's name.
    fn path_to_name(&self, site: SiteId, to: &str) -> Path {
        let view = self.vpc.view(site);
        let addresses = self.dns.published(view);
        if addresses.is_empty() {
            let why = match view {
                DnsView::Nothing => "the VPC resolves no names".to_owned(),
                _ => "no address is published".to_owned(),
            };
            let trace = self.vpc.trace(site, Target::Interface);
            let trace = Trace { closed: Some(Closure::NoAddress { why }), ..trace };
            return self.path(site, to, Family::IPv4, trace, None);
        }
        self.path_to_addresses(site, to, Family::IPv4, addresses)
    }

    /// A pod's dial of the service `kubernetes`.
    fn path_to_service(&self, site: SiteId) -> Path {
        let from = pods(&self.vpc.site(site).name);
        let to = format!("service kubernetes, {}:443", self.vpc.network().kubernetes_service());
        let path = self.path_to_addresses(site, &to, self.vpc.family(), self.interfaces.endpoints());
        Path { from, ..path }
    }

    fn path_to_addresses(&self, site: SiteId, to: &str, family: Family, addresses: Addresses) -> Path {
        let origin = self.typical(site);
        let open: Vec<Address> = addresses.iter().filter(|address| self.opens(origin, *address)).collect();
        let shown = open.first().copied().or_else(|| addresses.nth(0));
        let Some(address) = shown else {
            let trace = self.vpc.trace(site, Target::Interface);
            let why = "it has no endpoints".to_owned();
            let trace = Trace { closed: Some(Closure::NoAddress { why }), ..trace };
            return self.path(site, to, family, trace, None);
        };
        let mut trace = self.trace_to(origin, address);
        if trace.closed.is_none() && !open.contains(&address) {
            trace.closed = Some(self.what_is_dead(origin, address));
        }
        let counted = (addresses.len() > 1).then_some((addresses.len() as u32, open.len() as u32));
        let time = open.first().and_then(|address| self.round_trip(origin, *address));
        let path = self.path(site, to, family, trace, None);
        Path { addresses: counted, round_trip_s: time.filter(|_| path.open), ..path }
    }

    /// Whether a dial to an address would be heard.
    pub(crate) fn opens(&self, origin: Origin, address: Address) -> bool {
        self.admits(origin.site, address)
            && self
                .targets_of(address)
                .into_iter()
                .any(|server| self.is_whole(origin, address, server) && self.api_servers[server.index()].listens())
    }

    /// The API servers that new flows to an address may be sent to.
    fn targets_of(&self, address: Address) -> Vec<ApiServerId> {
        match address.of() {
            Addressed::Balancer(zone) => self.nlb.choices(zone).collect(),
            Addressed::Interface(_) if self.plan.parameters.endpoint.behind_balancer => self.nlb.choices_anywhere(),
            Addressed::Interface(place) => vec![self.interfaces.at(place).server],
        }
    }

    /// The way to an address by rules and routes, with the hops behind it.
    pub(crate) fn trace_to(&self, origin: Origin, address: Address) -> Trace {
        let target = match address.of() {
            Addressed::Balancer(_) => Target::PublicEndpoint,
            Addressed::Interface(_) => Target::Interface,
        };
        let mut trace = self.vpc.trace(origin.site, target);
        let zone = self.zone_of_address(address);
        if let Some(last) =
            trace.hops.last_mut().filter(|hop| hop.name.contains("interface") || hop.name.contains("NLB"))
        {
            last.zone = Some(zone);
            if let Addressed::Interface(place) = address.of() {
                last.address = self.interfaces.at(place).address.to_string();
            }
        }
        if trace.closed.is_none() {
            let server = self.targets_of(address).first().map(|server| self.api_servers[server.index()].zone);
            trace.hops.push(Hop { name: "API server".to_owned(), address: String::new(), zone: server });
        }
        trace
    }

    fn what_is_dead(&self, origin: Origin, address: Address) -> Closure {
        let targets = self.targets_of(address);
        let breach = targets.iter().find_map(|server| self.breach(origin, address, *server));
        let zone = |zone| self.zone_name(zone);
        let what = match (breach, targets.first()) {
            (Some(Breach::Nat(nat)), _) => format!("the NAT gateway in {}", zone(self.vpc.zone_of_nat(nat))),
            (Some(Breach::Zone(dark)), _) => format!("zone {}", zone(dark)),
            (Some(Breach::Interface(place)), _) => format!("the interface in {}", zone(self.interfaces.at(place).zone)),
            (Some(Breach::Cut((_, cut))), _) => format!("the network to {}", zone(cut)),
            (Some(Breach::Server(server)), _) | (None, Some(&server)) => {
                format!("the API server in {}", zone(self.api_servers[server.index()].zone))
            }
            (None, None) => format!("zone {}", zone(self.zone_of_address(address))),
        };
        Closure::Dead { what }
    }

    /// What closes the way of a site to an address by its rules, for people.
    pub(crate) fn closed_text(&self, site: SiteId, address: Address) -> String {
        let origin = self.typical(site);
        let trace = self.trace_to(origin, address);
        let why = trace.closed.map_or_else(String::new, |closed| format!(": {closed}"));
        format!("dial of {} to the API gets no answer{why}", self.vpc.site(site).name)
    }

    fn path_to_aws(&self, site: SiteId, service: AwsService) -> Path {
        let mut trace = self.vpc.trace(site, Target::Service(service));
        if trace.closed.is_none()
            && let Some(nat) = trace.nat.filter(|nat| !self.nat_lives(*nat as u8))
        {
            let zone = self.zone_name(self.vpc.zone_of_nat(nat as u8));
            trace.closed = Some(Closure::Dead { what: format!("the NAT gateway in {zone}") });
        }
        self.path(site, &format!("AWS {}", service.name()), Family::IPv4, trace, None)
    }

    /// The first of these services that the hosts of a site do not reach.
    pub(crate) fn unreached(&self, site: SiteId, services: &[AwsService]) -> Option<AwsService> {
        let ways = self.vpc.ways(site);
        let nat_lives = ways.nat.is_none_or(|nat| self.nat_lives(nat));
        services.iter().copied().find(|service| !ways.reaches(*service, nat_lives))
    }

    /// Why a site does not reach a service.
    pub(crate) fn why_unreached(&self, site: SiteId, service: AwsService) -> String {
        self.path_to_aws(site, service).decided_by
    }

    fn paths_between_nodes(&self) -> Vec<Path> {
        let sites: Vec<SiteId> =
            self.vpc.sites().map(|(site, _)| site).skip(1).filter(|site| *site < self.vpc.client(0)).collect();
        let mut paths = Vec::new();
        for pair in sites.windows(2) {
            for (from, to) in [(pair[0], pair[1]), (pair[1], pair[0])] {
                let (name, other) = (self.vpc.site(from).name.clone(), self.vpc.site(to).name.clone());
                paths.push(self.host_path(&pods(&name), from, &pods(&other), to, 53));
            }
        }
        paths
    }

    fn paths_from_bastions(&self) -> Vec<Path> {
        let nodes = (self.vpc.client(0).0 > 1).then_some(SiteId(1));
        let bastions = self.vpc.sites().filter(|(site, _)| *site >= self.vpc.client(0));
        let inside = bastions.filter(|(_, at)| !matches!(at.at, SiteAt::Internet(_)));
        let to_nodes = inside.filter_map(|(site, at)| Some((site, at.name.clone(), nodes?)));
        to_nodes.map(|(from, name, to)| self.host_path(&name, from, &self.vpc.site(to).name, to, 22)).collect()
    }

    fn host_path(&self, name: &str, from: SiteId, other: &str, to: SiteId, port: u16) -> Path {
        let trace = self.vpc.trace(from, Target::Host(to, port));
        let what = match port {
            Network::KUBELET_PORT => "kubelet (exec, logs)",
            Network::API_PORT => "webhook",
            22 => "ssh",
            _ => "DNS",
        };
        let path = self.path(from, &format!("{other}: {what}, port {port}"), Family::IPv4, trace, None);
        Path { from: name.to_owned(), ..path }
    }

    fn path(&self, from: SiteId, to: &str, family: Family, trace: Trace, time: Option<f64>) -> Path {
        let dark = self.vpc.zone_of(from).filter(|zone| !self.zones.has_power(*zone));
        let dead = dark.map(|zone| Closure::Dead { what: format!("zone {}", self.zone_name(zone)) });
        let trace = Trace { closed: dead.or(trace.closed), ..trace };
        Path {
            from: self.vpc.site(from).name.clone(),
            to: to.to_owned(),
            family,
            open: trace.closed.is_none(),
            addresses: None,
            decided_by: trace.closed.as_ref().map_or(trace.decided_by, ToString::to_string),
            opened_by: trace.closed.as_ref().map(Closure::remedy).unwrap_or_default(),
            way: trace.hops,
            round_trip_s: time,
        }
    }

    /// Mean round trip between a site and an API server behind an address, nothing impaired and nothing queued.
    pub(crate) fn round_trip(&self, origin: Origin, address: Address) -> Option<f64> {
        let server = *self.targets_of(address).first()?;
        let way: SimDuration = self.legs(origin, address, server).iter().map(|leg| self.zones.mean_of(*leg)).sum();
        let balancer = match address.of() {
            Addressed::Balancer(_) => self.plan.parameters.nlb.added_latency.mean(),
            Addressed::Interface(_) => 0.0,
        };
        Some(2.0 * (way.as_secs_f64() + balancer))
    }

    /// A host of a site: one in its zone, or the first client of its kind.
    pub(crate) fn typical(&self, site: SiteId) -> Origin {
        let client = || self.externals.iter().position(|external| external.origin.site == site);
        let place = match self.vpc.zone_of(site) {
            Some(zone) => Place::Zone(zone),
            None => Place::Internet(client().unwrap_or(0) as u32),
        };
        Origin { place, site }
    }
}

fn pods(nodes: &str) -> String {
    nodes.replacen("nodes", "pods", 1)
}
