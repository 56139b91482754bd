//! The VPC in a run: who is where in it, which ways its routes and its packet filter open, and the access mode of the
//! endpoint. What is asked for every dial is worked out once for each place, whenever something changes.
//!
//! Nodes of a group in one subnet are one site: a rule that names some of their addresses only does not open their way.

use super::packet_filter::{self, End, Passed};
use super::trace::{Closure, Hop, Trace};
use crate::parameters::NetworkParameters;
use crate::plan::{
    AwsService, ClientPlace, Cluster, Connection, EndpointAccess, Family, Network, Peer, Plan, RouteTarget, Rule,
    ZoneId,
};
use crate::probes::Cause;
use ipnet::IpNet;
use sim_kernel::{Law, SimTime};
use std::net::IpAddr;

/// Where flows begin and end: a node group in a subnet, a kind of client, the interfaces of the control plane.
#[derive(Clone, Debug)]
pub struct Site {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub at: SiteAt,
}

/// Where a site is.
#[derive(Clone, Debug)]
pub enum SiteAt {
    /// On the internet, at this address.
    Internet(IpAddr),
    /// In a connected network, at this address.
    Connected {
        /// Index in [`Network::connected`].
        network: usize,
        /// Its address.
        address: IpAddr,
    },
    /// In a subnet of the VPC.
    Subnet {
        /// Index in [`Network::subnets`].
        subnet: usize,
        /// Its address; `None` for all hosts of the site alike.
        address: Option<IpAddr>,
        /// Its security groups.
        groups: Vec<usize>,
    },
    /// The interfaces of the control plane.
    Interfaces,
}

/// Names a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId(pub u16);

impl SiteId {
    /// The interfaces of the control plane.
    pub const CONTROL_PLANE: SiteId = SiteId(0);

    /// The index into a list by site.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which answer a client gets for the endpoint's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsView {
    /// The public addresses of the load balancer.
    Public,
    /// The addresses of the interfaces in the VPC.
    Private,
    /// None at all.
    Nothing,
}

/// Where a flow is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A public address of the endpoint.
    PublicEndpoint,
    /// An interface of the control plane, port 443.
    Interface,
    /// A host of a site, at a port.
    Host(SiteId, u16),
    /// An AWS service.
    Service(AwsService),
}

/// What rules and routes say of the ways of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Whether the public addresses of the endpoint admit it.
    pub public: bool,
    /// Whether the interfaces of the control plane admit it.
    pub private: bool,
    /// The NAT gateway that its way out leads through.
    pub nat: Option<u8>,
    /// The AWS services that are open to it, by their place in [`AwsService::ALL`].
    services: u16,
    /// Those of them that have no endpoint in the VPC, so that the way leads out of it.
    services_outside: u16,
}

impl Ways {
    /// Whether a service is open to it, where its way out of the VPC is whole or not.
    pub fn reaches(self, service: AwsService, way_out: bool) -> bool {
        let bit = 1 << service as u16;
        self.services & bit != 0 && (way_out || self.services_outside & bit == 0)
    }
}

/// The VPC.
#[derive(Clone, Debug)]
pub struct Vpc {
    network: Network,
    sites: Vec<Site>,
    ways: Vec<Ways>,
    /// The first site of each node group; one for each of its zones follows.
    groups: Vec<u16>,
    /// The first site of the clients.
    clients: u16,
    /// How many faults hold each NAT gateway down.
    nat_down: Vec<u32>,
    /// The services whose endpoint in the VPC is down, with how many faults.
    endpoints_down: Vec<u32>,
    /// Which answers the name has: they move at some time within an update.
    named: EndpointAccess,
    update: Option<Update>,
    updates: u32,
    admits_webhooks: Vec<bool>,
    /// The ranges of the sites' addresses, by site.
    ranges: Vec<Vec<IpNet>>,
}

/// An update of the endpoint's access that is under way.
#[derive(Clone, Debug)]
struct Update {
    wanted: EndpointAccess,
    began: SimTime,
    cause: Cause,
}

impl Vpc {
    /// The VPC of a plan as it stands when the run begins.
    pub fn new(plan: &Plan) -> Self {
        let network = plan.cluster.network.clone();
        let mut sites = vec![Site { name: "control plane".to_owned(), at: SiteAt::Interfaces }];
        let mut groups = Vec::new();
        for group in &plan.cluster.node_groups {
            groups.push(sites.len() as u16);
            for (zone, subnet) in group.zones.iter().zip(&group.subnets) {
                let name = format!("nodes of {} in {}", group.name, zone_name(&plan.cluster, *zone));
                let at = SiteAt::Subnet { subnet: *subnet, address: None, groups: group.security_groups.clone() };
                sites.push(Site { name, at });
            }
        }
        let clients = sites.len() as u16;
        for client in &plan.clients {
            let at = match &client.place {
                ClientPlace::Internet(address) => SiteAt::Internet(*address),
                ClientPlace::Connected { network, address } => {
                    SiteAt::Connected { network: *network, address: *address }
                }
                ClientPlace::Subnet { subnet, address, groups } => {
                    SiteAt::Subnet { subnet: *subnet, address: Some(*address), groups: groups.clone() }
                }
            };
            sites.push(Site { name: client.name.clone(), at });
        }
        let named = network.access.clone();
        let mut vpc = Vpc {
            nat_down: vec![0; network.nat_gateways.len()],
            endpoints_down: vec![0; AwsService::ALL.len()],
            ways: Vec::new(),
            network,
            sites,
            groups,
            clients,
            named,
            update: None,
            updates: 0,
            admits_webhooks: Vec::new(),
            ranges: Vec::new(),
        };
        vpc.ranges = vpc.sites.iter().map(|site| vpc.ranges_of(site)).collect();
        vpc.work_out();
        vpc
    }

    /// The plan's network as it is now.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// All sites.
    pub fn sites(&self) -> impl Iterator<Item = (SiteId, &Site)> {
        (0u16..).map(SiteId).zip(&self.sites)
    }

    /// A site.
    pub fn site(&self, site: SiteId) -> &Site {
        &self.sites[site.index()]
    }

    /// The site of a node group's nodes in the `nth` of its zones.
    pub fn nodes(&self, group: usize, nth: usize) -> SiteId {
        SiteId(self.groups[group] + nth as u16)
    }

    /// The name of the node group whose nodes are at a site.
    pub fn group_of<'p>(&self, plan: &'p Plan, site: SiteId) -> Option<&'p str> {
        let group = self.groups.partition_point(|first| *first <= site.0).checked_sub(1)?;
        (site.0 < self.clients).then(|| plan.cluster.node_groups[group].name.as_str())
    }

    /// The site of a kind of client of the plan.
    pub fn client(&self, kind: usize) -> SiteId {
        SiteId(self.clients + kind as u16)
    }

    /// Whether API servers may call webhooks on the nodes of a site.
    pub fn admits_webhooks(&self, site: SiteId) -> bool {
        self.admits_webhooks[site.index() - 1]
    }

    /// Which kind of client of the plan a site of clients is.
    pub fn kind_of(&self, site: SiteId) -> usize {
        usize::from(site.0 - self.clients)
    }

    /// The subnet that a site lies in.
    pub fn subnet_of(&self, site: SiteId) -> Option<usize> {
        match &self.sites[site.index()].at {
            SiteAt::Subnet { subnet, .. } => Some(*subnet),
            _ => None,
        }
    }

    /// What rules and routes say of a site's ways.
    pub fn ways(&self, site: SiteId) -> Ways {
        self.ways[site.index()]
    }

    /// Which answer a site gets for the endpoint's name.
    pub fn view(&self, site: SiteId) -> DnsView {
        let is_inside = matches!(self.sites[site.index()].at, SiteAt::Subnet { .. } | SiteAt::Interfaces);
        let dns = self.network.dns;
        if is_inside && !dns.support {
            return DnsView::Nothing;
        }
        match (self.named.public, self.named.private) {
            (_, true) if is_inside && dns.hostnames => DnsView::Private,
            (true, _) => DnsView::Public,
            (false, true) => DnsView::Private, // the public answer has the private addresses then
            (false, false) => DnsView::Nothing,
        }
    }

    /// Whether nodes of a group in a zone can join the cluster: they reach the API and the services that they need.
    pub fn lets_join(&self, plan: &Plan, group: usize, zone: ZoneId) -> bool {
        let zones = &plan.cluster.node_groups[group].zones;
        let Some(nth) = zones.iter().position(|known| *known == zone) else { return false };
        let site = self.nodes(group, nth);
        let ways = self.ways(site);
        let by_name = match self.view(site) {
            DnsView::Public => ways.public,
            DnsView::Private => ways.private,
            DnsView::Nothing => false,
        };
        by_name && AwsService::OF_NODES.iter().all(|service| ways.reaches(*service, true))
    }

    /// Which answer the hosts of the VPC get.
    pub fn view_inside(&self) -> DnsView {
        self.view(SiteId::CONTROL_PLANE)
    }

    /// The law of the round trip between a site outside and the region.
    pub fn way_in<'p>(&self, site: SiteId, parameters: &'p NetworkParameters) -> &'p Law {
        let SiteAt::Connected { network, .. } = &self.sites[site.index()].at else { return &parameters.rtt_internet };
        match self.network.connected[*network].kind {
            Connection::Vpn => &parameters.rtt_internet,
            Connection::DirectConnect => &parameters.rtt_direct_connect,
            Connection::Peering => &parameters.rtt_peering,
        }
    }

    /// The zone of a site that lies in a subnet.
    pub fn zone_of(&self, site: SiteId) -> Option<ZoneId> {
        match &self.sites[site.index()].at {
            SiteAt::Subnet { subnet, .. } => Some(self.network.subnets[*subnet].zone),
            _ => None,
        }
    }

    /// An update of the endpoint's access begins: new ways are open beside the old ones, and the name keeps its answers.
    /// The number of the update.
    pub fn begin_update(&mut self, mut wanted: EndpointAccess, now: SimTime, cause: Cause) -> u32 {
        wanted.put_in_order();
        let access = &mut self.network.access;
        if !access.public {
            access.public_cidrs.clear(); // none was in force
        }
        if wanted.public {
            access.public_cidrs.extend(wanted.public_cidrs.iter().copied());
        }
        access.public |= wanted.public;
        access.private |= wanted.private;
        access.put_in_order();
        self.updates += 1;
        self.update = Some(Update { wanted, began: now, cause });
        self.work_out();
        self.updates
    }

    /// When the update under way began, and why.
    pub fn update(&self) -> Option<(SimTime, Cause)> {
        self.update.as_ref().map(|update| (update.began, update.cause))
    }

    /// The name has the answers of the update's mode from now on.
    pub fn moves_name(&mut self) {
        if let Some(update) = &self.update {
            self.named = update.wanted.clone();
        }
    }

    /// The old ways close. Whether there were any.
    pub fn closes_old_ways(&mut self) -> bool {
        let Some(update) = &self.update else { return false };
        let had = std::mem::replace(&mut self.network.access, update.wanted.clone());
        self.work_out();
        had != self.network.access
    }

    /// The update is over: another one may begin.
    pub fn ends_update(&mut self) {
        self.update = None;
    }

    /// Adds a rule inbound to a security group; false if it has that rule already.
    pub fn allow(&mut self, group: usize, rule: Rule) -> bool {
        let rules = &mut self.network.security_groups[group].inbound;
        let is_new = !rules.contains(&rule);
        if is_new {
            rules.push(rule);
        }
        self.work_out();
        is_new
    }

    /// Takes a rule inbound from a security group; false if it has none like it.
    pub fn revoke(&mut self, group: usize, rule: &Rule) -> bool {
        let rules = &mut self.network.security_groups[group].inbound;
        let found = rules.iter().position(|known| known == rule);
        if let Some(at) = found {
            rules.remove(at);
        }
        self.work_out();
        found.is_some()
    }

    /// A NAT gateway fails, or one of its faults ends.
    pub fn nat_fails(&mut self, nat: usize, fails: bool) {
        let down = &mut self.nat_down[nat];
        *down = if fails { *down + 1 } else { down.saturating_sub(1) };
    }

    /// The zone of a NAT gateway.
    pub fn zone_of_nat(&self, nat: u8) -> ZoneId {
        self.network.nat_gateways[nat as usize].zone
    }

    /// Whether no fault holds a NAT gateway down.
    pub fn nat_is_up(&self, nat: usize) -> bool {
        self.nat_down[nat] == 0
    }

    /// The endpoint of a service in the VPC fails, or one of its faults ends.
    pub fn endpoint_fails(&mut self, service: AwsService, fails: bool) {
        let down = &mut self.endpoints_down[service as usize];
        *down = if fails { *down + 1 } else { down.saturating_sub(1) };
        self.work_out();
    }

    /// Whether a service has an endpoint in the VPC that no fault holds down.
    pub fn has_endpoint(&self, service: AwsService) -> bool {
        self.network.vpc_endpoints.contains(&service) && self.endpoints_down[service as usize] == 0
    }

    fn work_out(&mut self) {
        let all = 0..self.sites.len() as u16;
        self.ways = all.map(|site| self.ways_of(SiteId(site))).collect();
        let nodes = (1..self.clients).map(SiteId);
        let open = |site| self.trace(SiteId::CONTROL_PLANE, Target::Host(site, Network::API_PORT)).closed.is_none();
        self.admits_webhooks = nodes.map(open).collect();
    }

    fn ways_of(&self, site: SiteId) -> Ways {
        if site == SiteId::CONTROL_PLANE {
            return Ways { public: true, private: true, services: u16::MAX, ..Ways::default() };
        }
        let public = self.trace(site, Target::PublicEndpoint);
        let private = self.trace(site, Target::Interface);
        let nat = self.way_out(site).ok().and_then(|out| out.nat).map(|nat| nat as u8);
        let mut ways =
            Ways { public: public.closed.is_none(), private: private.closed.is_none(), nat, ..Ways::default() };
        for service in AwsService::ALL {
            let trace = self.trace(site, Target::Service(service));
            let bit = 1 << service as u16;
            ways.services |= if trace.closed.is_none() { bit } else { 0 };
            ways.services_outside |= if self.has_endpoint(service) { 0 } else { bit };
        }
        ways
    }

    /// The way of a flow by rules and routes; whether everything on it lives is another matter.
    pub fn trace(&self, from: SiteId, to: Target) -> Trace {
        let mut trace = Trace { hops: vec![self.hop_of(from)], nat: None, decided_by: String::new(), closed: None };
        trace.closed = match to {
            Target::PublicEndpoint => self.to_public_endpoint(from, &mut trace).err(),
            Target::Interface => self.to_host(from, SiteId::CONTROL_PLANE, Network::API_PORT, &mut trace).err(),
            Target::Host(site, port) => self.to_host(from, site, port, &mut trace).err(),
            Target::Service(service) => self.to_service(from, service, &mut trace).err(),
        };
        trace
    }

    fn to_public_endpoint(&self, from: SiteId, trace: &mut Trace) -> Result<(), Closure> {
        let out = self.way_out(from)?;
        self.lets_out(from, &[everywhere()])?;
        self.leave(&out, trace);
        trace.hops.push(hop("NLB, public address", "", None));
        let access = &self.network.access;
        if !access.public {
            return Err(Closure::PublicEndpointOff);
        }
        let admitted = match out.address {
            Some(address) => access.admits(address),
            None => access.admits_all(),
        };
        let shown = out.address.map(|address| address.to_string()).unwrap_or_default();
        if !admitted {
            return Err(Closure::NotListed { address: shown });
        }
        let listed = access.public_cidrs.iter().find(|cidr| match out.address {
            Some(address) => cidr.contains(&address),
            None => cidr.prefix_len() == 0,
        });
        trace.decide(format!("publicAccessCidrs {}", listed.map(IpNet::to_string).unwrap_or_default()));
        Ok(())
    }

    /// Whether the security groups of a host let it send to port 443 of these addresses.
    fn lets_out(&self, from: SiteId, to: &[IpNet]) -> Result<(), Closure> {
        let source = self.end_of(from);
        let passes = || {
            let other = End { ranges: to, groups: &[] };
            packet_filter::outbound(&self.network, source, other, Network::API_PORT).is_some()
        };
        if source.groups.is_empty() || passes() {
            return Ok(());
        }
        let groups = self.names(source.groups);
        Err(Closure::NoRuleOutbound { groups, to: shown(to), port: Network::API_PORT })
    }

    fn to_service(&self, from: SiteId, service: AwsService, trace: &mut Trace) -> Result<(), Closure> {
        let is_inside = matches!(self.sites[from.index()].at, SiteAt::Subnet { .. });
        if is_inside && !self.network.dns.support {
            return Err(Closure::NoAddress { why: NO_NAMES.to_owned() });
        }
        if is_inside && self.network.vpc_endpoints.contains(&service) {
            self.lets_out(from, &[IpNet::V4(self.network.cidr)])?;
            trace.hops.push(hop(&format!("VPC endpoint of {}", service.name()), "", None));
            if !self.has_endpoint(service) {
                return Err(Closure::Dead { what: format!("the VPC endpoint of {}", service.name()) });
            }
            trace.decide(format!("VPC endpoint of {}", service.name()));
            return Ok(());
        }
        let out = self.way_out(from).map_err(|closure| match closure {
            Closure::NoRoute { subnet, .. } => Closure::NoRoute { subnet, to: service.name().to_owned() },
            other => other,
        })?;
        self.lets_out(from, &[everywhere()])?;
        self.leave(&out, trace);
        trace.hops.push(hop(&format!("AWS {}", service.name()), "", None));
        Ok(())
    }

    /// From a host of one site to one of another, over private addresses.
    fn to_host(&self, from: SiteId, to: SiteId, port: u16, trace: &mut Trace) -> Result<(), Closure> {
        self.enter(from, to, trace)?;
        trace.hops.push(self.hop_of(to));
        let (source, destination) = (self.end_of(from), self.end_of(to));
        if !source.groups.is_empty() {
            let passed = packet_filter::outbound(&self.network, source, destination, port);
            if passed.is_none() {
                let (groups, to) = (self.names(source.groups), shown(destination.ranges));
                return Err(Closure::NoRuleOutbound { groups, to, port });
            }
        }
        if destination.groups.is_empty() {
            return Ok(());
        }
        match packet_filter::inbound(&self.network, source, destination, port) {
            Some(passed) => {
                trace.decide(self.describe(&passed));
                Ok(())
            }
            None => Err(self.no_rule_inbound(source, destination, port)),
        }
    }

    /// The name that a missing rule is said to be for: the group that stands for the endpoint's own rules last.
    fn no_rule_inbound(&self, source: End<'_>, destination: End<'_>, port: u16) -> Closure {
        let group = destination.groups.iter().max_by_key(|group| **group == Network::CONTROL_PLANE_GROUP);
        let groups = group.map(|group| self.network.security_groups[*group].name.clone()).unwrap_or_default();
        Closure::NoRuleInbound { groups, source: shown(source.ranges), port }
    }

    /// How a flow gets into the subnet of its destination.
    fn enter(&self, from: SiteId, to: SiteId, trace: &mut Trace) -> Result<(), Closure> {
        match &self.sites[from.index()].at {
            SiteAt::Internet(_) => {
                trace.hops.push(self.hop_of(to));
                Err(Closure::NotRoutable { from: "the internet".to_owned() })
            }
            SiteAt::Connected { network, .. } => self.enter_from(*network, to, trace),
            SiteAt::Subnet { .. } | SiteAt::Interfaces => {
                trace.decide("route within the VPC".to_owned());
                Ok(())
            }
        }
    }

    /// From a connected network: the answers need a route back.
    fn enter_from(&self, network: usize, to: SiteId, trace: &mut Trace) -> Result<(), Closure> {
        let connected = &self.network.connected[network];
        trace.hops.push(hop(&format!("connection {}", connected.name), &connected.cidr.to_string(), None));
        let subnets: Vec<usize> = match &self.sites[to.index()].at {
            SiteAt::Subnet { subnet, .. } => vec![*subnet],
            _ => self.network.control_plane_subnets.clone(),
        };
        for subnet in subnets {
            let subnet = &self.network.subnets[subnet];
            if !subnet.routes.iter().any(|route| route.target == RouteTarget::Connected(network)) {
                return Err(Closure::NoRoute { subnet: subnet.name.clone(), to: connected.cidr.to_string() });
            }
        }
        trace.decide(format!("route {}", connected.cidr));
        Ok(())
    }

    /// The way of a site to public addresses.
    fn way_out(&self, from: SiteId) -> Result<WayOut, Closure> {
        let subnet = match &self.sites[from.index()].at {
            SiteAt::Internet(address) => return Ok(WayOut { address: Some(*address), ..WayOut::default() }),
            SiteAt::Connected { network, .. } => {
                let address = office_address(*network); // its own way to the internet
                return Ok(WayOut { address: Some(address), ..WayOut::default() });
            }
            SiteAt::Interfaces => return Ok(WayOut::default()),
            SiteAt::Subnet { subnet, .. } => &self.network.subnets[*subnet],
        };
        let route =
            subnet.routes.iter().find(|route| route.destination.addr().is_ipv4() && is_default(&route.destination));
        match route.map(|route| route.target) {
            Some(RouteTarget::Nat(nat)) => {
                let address = Some(self.network.nat_gateways[nat].address);
                Ok(WayOut { nat: Some(nat), address, gateway: true })
            }
            Some(RouteTarget::InternetGateway) => {
                Ok(WayOut { nat: None, address: self.own_public_address(from), gateway: true })
            }
            _ => Err(Closure::NoRoute { subnet: subnet.name.clone(), to: "0.0.0.0/0".to_owned() }),
        }
    }

    /// The public address of a single host in a public subnet: its last numbers in a range that is kept for documentation.
    /// Those of nodes change with every instance.
    fn own_public_address(&self, site: SiteId) -> Option<IpAddr> {
        match &self.sites[site.index()].at {
            SiteAt::Subnet { address: Some(IpAddr::V4(address)), .. } => {
                Some(IpAddr::V4([192, 0, 2, address.octets()[3]].into()))
            }
            _ => None,
        }
    }

    fn leave(&self, out: &WayOut, trace: &mut Trace) {
        if let Some(nat) = out.nat {
            let gateway = &self.network.nat_gateways[nat];
            trace.hops.push(hop("NAT gateway", &gateway.address.to_string(), Some(gateway.zone)));
            trace.nat = Some(nat);
            trace.decide("route 0.0.0.0/0 to the NAT gateway".to_owned());
        }
        if out.gateway {
            trace.hops.push(hop("internet gateway", "", None));
            if out.nat.is_none() {
                trace.decide("route 0.0.0.0/0 to the internet gateway".to_owned());
            }
        }
    }

    fn hop_of(&self, site: SiteId) -> Hop {
        let Site { name, at } = &self.sites[site.index()];
        match at {
            SiteAt::Internet(address) | SiteAt::Connected { address, .. } => hop(name, &address.to_string(), None),
            SiteAt::Interfaces => hop("EKS-owned interface", "", None),
            SiteAt::Subnet { subnet, address, .. } => {
                let subnet = &self.network.subnets[*subnet];
                let shown = address.map_or_else(|| subnet.cidr.to_string(), |address| address.to_string());
                hop(name, &shown, Some(subnet.zone))
            }
        }
    }

    fn end_of(&self, site: SiteId) -> End<'_> {
        let groups: &[usize] = match &self.sites[site.index()].at {
            SiteAt::Internet(_) | SiteAt::Connected { .. } => &[],
            SiteAt::Interfaces => &self.network.control_plane_groups,
            SiteAt::Subnet { groups, .. } => groups,
        };
        End { ranges: &self.ranges[site.index()], groups }
    }

    /// The interfaces of the control plane may lie in any subnet that it was given.
    fn ranges_of(&self, site: &Site) -> Vec<IpNet> {
        let subnet = |subnet: &usize| IpNet::V4(self.network.subnets[*subnet].cidr);
        match &site.at {
            SiteAt::Internet(address) | SiteAt::Connected { address, .. } => vec![IpNet::from(*address)],
            SiteAt::Interfaces => self.network.control_plane_subnets.iter().map(subnet).collect(),
            SiteAt::Subnet { address: Some(address), .. } => vec![IpNet::from(*address)],
            SiteAt::Subnet { subnet: of, .. } => vec![subnet(of)],
        }
    }

    /// The family of the addresses of a flow between pods or to services; nodes and the endpoint use IPv4.
    pub fn family(&self) -> Family {
        self.network.family
    }

    fn names(&self, groups: &[usize]) -> String {
        let names: Vec<&str> = groups.iter().map(|group| self.network.security_groups[*group].name.as_str()).collect();
        names.join(", ")
    }

    fn describe(&self, passed: &Passed) -> String {
        let peer = match &passed.rule.peer {
            Peer::Cidr(cidr) => cidr.to_string(),
            Peer::Group(group) => self.network.security_groups[*group].name.clone(),
        };
        format!("{}: {} from {peer}", self.network.security_groups[passed.group].name, passed.rule.ports())
    }
}

/// How a site gets to public addresses.
#[derive(Clone, Copy, Debug, Default)]
struct WayOut {
    nat: Option<usize>,
    /// The address that it appears under; `None` where that changes with every instance.
    address: Option<IpAddr>,
    /// Whether it leaves the VPC.
    gateway: bool,
}

impl Trace {
    fn decide(&mut self, by: String) {
        if !self.decided_by.is_empty() {
            self.decided_by.push_str("; ");
        }
        self.decided_by.push_str(&by);
    }
}

fn hop(name: &str, address: &str, zone: Option<ZoneId>) -> Hop {
    Hop { name: name.to_owned(), address: address.to_owned(), zone }
}

/// Why a name has no address in a VPC whose DNS support is off.
pub const NO_NAMES: &str = "the VPC resolves no names";

/// All public addresses: which of them the endpoint and AWS services have is not known to a rule.
fn everywhere() -> IpNet {
    IpNet::V4(ipnet::Ipv4Net::default())
}

fn shown(ranges: &[IpNet]) -> String {
    ranges.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")
}

fn is_default(destination: &IpNet) -> bool {
    destination.prefix_len() == 0
}

/// The public address of a connected network: of a range that is kept for documentation.
fn office_address(network: usize) -> IpAddr {
    IpAddr::V4([198, 51, 100, (network % 100) as u8 + 100].into())
}

fn zone_name(cluster: &Cluster, zone: ZoneId) -> &str {
    cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str())
}
