//! Who can reach whom, which way, and why not: every flow of the cluster as rules, routes and what is alive have it at one
//! moment. The same questions that a dial asks are asked here, so what is shown is what requests experience.

use crate::ids::ApiServerId;
use crate::journeys::network_faults::Breach;
use crate::plan::{AwsService, Family, Network, ZoneId};
use crate::stations::network::vpc::Target;
use crate::stations::network::{
    Address, Addressed, Addresses, Closure, DnsView, Hop, NO_NAMES, Origin, Owner, Place, SiteAt, SiteId, Trace,
};
use crate::world::World;
use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;
use std::collections::BTreeSet;

/// The kinds of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// A client, a kubelet or kube-proxy to the endpoint's name.
    Endpoint,
    /// A pod to the service `kubernetes`.
    Service,
    /// An API server to a kubelet: exec, logs.
    Kubelet,
    /// An API server to the pods of an admission webhook.
    Webhook,
    /// To an AWS service.
    Aws,
    /// Pods to pods on other nodes.
    Pods,
    /// A host that people log in to, to nodes.
    Ssh,
}

/// The nodes at one end of a flow: those of a group in one of its subnets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesAt {
    /// The node group.
    pub group: String,
    /// The zone of the subnet.
    pub zone: ZoneId,
}

/// A flow: from whom, to what, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// What kind of flow it is.
    pub flow: Flow,
    /// The nodes at one of its ends, if there are some.
    pub nodes: Option<NodesAt>,
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

/// The port of the service that pods need of each other in any case.
const DNS_PORT: u16 = 53;

impl World {
    /// Every flow as it stands now.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        for (site, _) in self.vpc.sites().skip(1) {
            if site >= self.vpc.client(0) {
                paths.extend(self.paths_of_client(site));
            } else {
                paths.extend(self.paths_of_nodes(site));
            }
        }
        paths.extend(self.paths_to_webhooks());
        paths.extend(self.node_sites().filter_map(|site| self.paths_to_other_nodes(site)).flatten());
        paths.extend(self.paths_from_bastions());
        paths
    }

    pub(crate) fn paths_of_client(&self, site: SiteId) -> Vec<Path> {
        let mut paths = self.paths_of_hosts(site);
        paths.push(self.path_to_aws(site, AwsService::Eks));
        paths
    }

    /// The ways of the hosts of a kind of client to the endpoint: those that know what is published, and those that keep an
    /// answer for ever.
    pub(crate) fn paths_of_hosts(&self, site: SiteId) -> Vec<Path> {
        let view = self.vpc.view(site);
        let hosts = (0..).zip(&self.externals).filter(|(_, external)| external.origin.site == site);
        let kept = |client| self.dns.kept(self.resolver_of(Owner::External(client), Place::Internet(client)), view);
        let answers: Vec<Option<Addresses>> = hosts.map(|(client, _)| kept(client)).collect();
        let mut old: Vec<Addresses> = answers.iter().copied().flatten().collect();
        old.sort_unstable();
        old.dedup();
        let of_old = |answer: Addresses| {
            let hosts = answers.iter().filter(|kept| **kept == Some(answer)).count();
            let path = self.path_to_addresses(Flow::Endpoint, site, "API endpoint", answer);
            let share = if hosts == answers.len() { String::new() } else { format!(", {hosts} of {}", answers.len()) };
            let decided_by =
                format!("{} (by an answer that it keeps and that is no longer published)", path.decided_by);
            let opened_by =
                if path.open { String::new() } else { "restart the host: it asks for the name again".to_owned() };
            Path { from: format!("{}{share}", path.from), decided_by, opened_by, ..path }
        };
        let knows = (old.is_empty() || answers.contains(&None)).then(|| self.path_to_endpoint(site));
        knows.into_iter().chain(old.iter().copied().map(of_old)).collect()
    }

    pub(crate) fn paths_of_nodes(&self, site: SiteId) -> Vec<Path> {
        let mut paths = vec![
            self.path_to_name(site, "API endpoint (kubelet, kube-proxy)"),
            self.path_to_service(site),
            self.host_path(Flow::Kubelet, SiteId::CONTROL_PLANE, site, Network::KUBELET_PORT, "kubelet (exec, logs)"),
        ];
        let has_endpoint = |service: &AwsService| self.vpc.network().vpc_endpoints.contains(service);
        let needed = |service: &AwsService| AwsService::OF_NODES.contains(service) || has_endpoint(service);
        paths.extend(AwsService::ALL.into_iter().filter(needed).map(|service| self.path_to_aws(site, service)));
        paths
    }

    /// The sites of nodes.
    pub(crate) fn node_sites(&self) -> impl Iterator<Item = SiteId> {
        (1..self.vpc.client(0).0).map(SiteId)
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
                DnsView::Nothing => NO_NAMES.to_owned(),
                _ => "no address is published".to_owned(),
            };
            let trace = self.vpc.trace(site, Target::Interface);
            let trace = Trace { closed: Some(Closure::NoAddress { why }), ..trace };
            return self.path(Flow::Endpoint, site, to, trace, None);
        }
        self.path_to_addresses(Flow::Endpoint, site, to, addresses)
    }

    /// A pod's dial of the service `kubernetes`.
    fn path_to_service(&self, site: SiteId) -> Path {
        let from = pods(&self.vpc.site(site).name);
        let to = format!("service kubernetes, {}:443", self.vpc.network().kubernetes_service());
        let path = self.path_to_addresses(Flow::Service, site, &to, self.interfaces.endpoints());
        Path { from, ..path }
    }

    fn path_to_addresses(&self, flow: Flow, site: SiteId, to: &str, addresses: Addresses) -> Path {
        let origin = self.typical(site);
        let open: Vec<Address> = addresses.iter().filter(|address| self.opens(origin, *address)).collect();
        let shown = open.first().copied().or_else(|| addresses.nth(0));
        let Some(address) = shown else {
            let trace = self.vpc.trace(site, Target::Interface);
            let why = "it has no endpoints".to_owned();
            let trace = Trace { closed: Some(Closure::NoAddress { why }), ..trace };
            return self.path(flow, site, to, trace, None);
        };
        let mut trace = self.trace_to(origin, address);
        if trace.closed.is_none() && !open.contains(&address) {
            trace.closed = Some(self.what_is_dead(origin, address));
        }
        let answer = if self.dead_zone_of(site).is_some() { 0 } else { open.len() as u32 };
        let counted = (addresses.len() > 1).then_some((addresses.len() as u32, answer));
        let time = open.first().and_then(|address| self.round_trip(origin, *address));
        let path = self.path(flow, site, to, trace, None);
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
                last.address = self.interface_address(place, trace.family);
            }
        }
        if trace.closed.is_none() {
            let server = self.targets_of(address).first().map(|server| self.api_servers[server.index()].zone);
            trace.hops.push(Hop { name: "API server".to_owned(), address: String::new(), zone: server });
        }
        trace
    }

    /// An interface's address: in an IPv6 cluster it has one of each family.
    fn interface_address(&self, place: usize, family: Family) -> String {
        let interface = self.interfaces.at(place);
        self.vpc.network().address_in(usize::from(interface.subnet), interface.address, family).to_string()
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

    /// Why a dial to an address that rules and routes open got no answer, for people.
    pub(crate) fn silence_text(&self, origin: Origin, address: Address) -> String {
        let server = self.targets_of(address).first().copied();
        match server.and_then(|server| self.breach(origin, address, server)) {
            Some(Breach::Nat(nat)) => {
                let zone = self.zone_name(self.vpc.zone_of_nat(nat));
                format!("dial through the dead NAT gateway in {zone} timed out")
            }
            None if server.is_some() => {
                format!("dial to the address {} timed out; it answers now", self.address_text(address))
            }
            _ => format!("dial to the dead address {} timed out", self.address_text(address)),
        }
    }

    /// What closes the way of a site to an address by its rules, for people.
    #[cold]
    pub(crate) fn closed_text(&self, site: SiteId, address: Address) -> String {
        let origin = self.typical(site);
        let trace = self.trace_to(origin, address);
        let why = trace.closed.map_or_else(String::new, |closed| format!(": {closed}"));
        format!("dial of {} to the API gets no answer{why}", self.vpc.site(site).name)
    }

    pub(crate) fn path_to_aws(&self, site: SiteId, service: AwsService) -> Path {
        let mut trace = self.vpc.trace(site, Target::Service(service));
        if trace.decided_by.is_empty() {
            trace.decided_by = "its own way to the internet".to_owned();
        }
        let zone = self.vpc.zone_of(site).filter(|_| !self.vpc.has_endpoint(service));
        let nat = trace.nat.map(|nat| nat as u8);
        if let Some(zone) = zone.filter(|zone| trace.closed.is_none() && !self.way_out_is_whole(*zone, nat)) {
            let what = match nat.filter(|nat| !self.nat_lives(*nat)) {
                Some(nat) => format!("the NAT gateway in {}", self.zone_name(self.vpc.zone_of_nat(nat))),
                None => format!("the way out of {}", self.zone_name(zone)),
            };
            trace.closed = Some(Closure::Dead { what });
        }
        self.path(Flow::Aws, site, &format!("AWS {}", service.name()), trace, None)
    }

    /// The first of these services that the hosts of a site do not reach.
    pub(crate) fn unreached(&self, site: SiteId, services: &[AwsService]) -> Option<AwsService> {
        let ways = self.vpc.ways(site);
        let way_out = self.vpc.zone_of(site).is_none_or(|zone| self.way_out_is_whole(zone, ways.nat));
        services.iter().copied().find(|service| !ways.reaches(*service, way_out))
    }

    /// Why a site does not reach a service.
    pub(crate) fn why_unreached(&self, site: SiteId, service: AwsService) -> String {
        self.path_to_aws(site, service).decided_by
    }

    /// From the API servers to the nodes that hold pods of admission webhooks.
    fn paths_to_webhooks(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        for (index, webhook) in self.plan.webhooks.iter().enumerate() {
            let nodes = self.webhooks.pods(index).iter().filter_map(|pod| self.cluster.pods[pod.index()].node);
            let sites: BTreeSet<SiteId> = nodes.map(|node| self.origin_of(node).site).collect();
            let what = format!("webhook {}", webhook.name);
            let way = |site| self.host_path(Flow::Webhook, SiteId::CONTROL_PLANE, site, webhook.port, &what);
            paths.extend(sites.into_iter().map(way));
        }
        paths
    }

    /// From a node's pods to those of other nodes: one flow where all are alike open, else one for each that is closed.
    fn paths_to_other_nodes(&self, from: SiteId) -> Option<Vec<Path>> {
        const MOST: usize = 4;
        let others: Vec<SiteId> = self.node_sites().filter(|site| *site != from).collect();
        let is_closed = |site: &SiteId| self.vpc.trace(from, Target::Host(*site, DNS_PORT)).closed.is_some();
        let closed: Vec<SiteId> = others.iter().copied().filter(is_closed).collect();
        let of = |to: SiteId| {
            let path = self.host_path(Flow::Pods, from, to, DNS_PORT, "DNS");
            Path { from: pods(&path.from), to: pods(&path.to), nodes: self.nodes_at(from), ..path }
        };
        if !closed.is_empty() {
            return Some(closed.into_iter().take(MOST).map(of).collect());
        }
        let is_heard = |to: &&SiteId| self.dead_zone_of(**to).is_none() && self.cut_between(from, **to).is_none();
        let path = of(*others.iter().find(is_heard).or(others.first())?);
        let other = Hop { name: "other nodes".to_owned(), address: String::new(), zone: None };
        let way = path.way.into_iter().take(1).chain([other]).collect();
        Some(vec![Path { to: format!("pods of other nodes: DNS, port {DNS_PORT}"), way, ..path }])
    }

    fn paths_from_bastions(&self) -> Vec<Path> {
        let bastions = self.vpc.sites().filter(|(site, _)| *site >= self.vpc.client(0));
        let inside = bastions.filter(|(_, at)| !matches!(at.at, SiteAt::Internet(_)));
        let ssh = |(from, to)| self.host_path(Flow::Ssh, from, to, Network::SSH_PORT, "ssh");
        inside.flat_map(|(from, _)| self.node_sites().map(move |to| (from, to))).map(ssh).collect()
    }

    /// From a host of one site, or from an API server by its interface, to the hosts of a site.
    fn host_path(&self, flow: Flow, from: SiteId, to: SiteId, port: u16, what: &str) -> Path {
        let mut trace = self.vpc.trace(from, Target::Host(to, port));
        let is_from_servers = from == SiteId::CONTROL_PLANE;
        let places: Vec<usize> = self.server_ids().filter_map(|server| self.interfaces.of(server)).collect();
        let passing = places.iter().filter(|place| self.interface_reaches(**place, to)).count();
        if trace.closed.is_none() {
            trace.closed = match is_from_servers {
                true => self.dead_zone_of(to).or_else(|| (passing == 0).then(|| self.no_interface_to(to))),
                false => self.dead_zone_of(to).or_else(|| self.cut_between(from, to)),
            };
        }
        let kind = if flow == Flow::Webhook { pods(&self.vpc.site(to).name) } else { self.vpc.site(to).name.clone() };
        let path = self.path(flow, from, &format!("{kind}: {what}, port {port}"), trace, None);
        let addresses = (is_from_servers && places.len() > 1).then_some((places.len() as u32, passing as u32));
        Path { nodes: self.nodes_at(to), addresses, ..path }
    }

    /// Whether what an API server sends by its interface comes to the hosts of a site.
    pub(crate) fn interface_reaches(&self, place: usize, site: SiteId) -> bool {
        let zone = self.interfaces.at(place).zone;
        self.interface_passes(place) && self.vpc.zone_of(site).is_some_and(|of| self.zones.reaches(zone, of))
    }

    fn dead_zone_of(&self, site: SiteId) -> Option<Closure> {
        let dark = self.vpc.zone_of(site).filter(|zone| !self.zones.has_power(*zone))?;
        Some(Closure::Dead { what: format!("zone {}", self.zone_name(dark)) })
    }

    fn no_interface_to(&self, site: SiteId) -> Closure {
        let zone = self.vpc.zone_of(site).map(|zone| self.zone_name(zone)).unwrap_or_default();
        Closure::Dead { what: format!("every interface of EKS with a way to {zone}") }
    }

    fn cut_between(&self, from: SiteId, to: SiteId) -> Option<Closure> {
        let (from, to) = (self.vpc.zone_of(from)?, self.vpc.zone_of(to)?);
        let what = format!("the network between {} and {}", self.zone_name(from), self.zone_name(to));
        (!self.zones.reaches(from, to)).then_some(Closure::Dead { what })
    }

    /// The nodes that a site is, if it is one of nodes.
    pub(crate) fn nodes_at(&self, site: SiteId) -> Option<NodesAt> {
        let zone = self.vpc.zone_of(site).filter(|_| self.node_sites().any(|known| known == site))?;
        Some(NodesAt { group: self.vpc.group_of(&self.plan, site)?.to_owned(), zone })
    }

    fn path(&self, flow: Flow, from: SiteId, to: &str, trace: Trace, time: Option<f64>) -> Path {
        let trace = Trace { closed: self.dead_zone_of(from).or(trace.closed), ..trace };
        Path {
            flow,
            nodes: self.nodes_at(from),
            from: self.vpc.site(from).name.clone(),
            to: to.to_owned(),
            family: trace.family,
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
