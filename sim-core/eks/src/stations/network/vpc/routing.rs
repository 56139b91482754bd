//! The way of a flow through the VPC: which routes it takes, and which rules let it pass. Whether everything on it lives is
//! another matter.
//!
//! In an IPv6 cluster the endpoint has addresses of both families: who has both tries IPv6 first, and IPv4 if that is
//! closed. Pods, and nodes as the API knows them, have IPv6 addresses there; AWS services are called over IPv4.
//! Source: EKS user guide, cluster-endpoint and cni-ipv6.

use super::{Site, SiteAt, SiteId, Target, Vpc};
use crate::plan::{AwsService, Family, Network, Peer, RouteTarget, ZoneId};
use crate::stations::network::packet_filter::{self, End, Passed};
use crate::stations::network::trace::{Closure, Hop, NO_NAMES, Trace};
use ipnet::IpNet;
use std::net::IpAddr;

impl Vpc {
    /// The way of a flow by rules and routes; whether everything on it lives is another matter. Of the families that it can
    /// use, the first that is open, or the last.
    pub fn trace(&self, from: SiteId, to: Target) -> Trace {
        let (last, others) = self.families(from, to).split_last().expect("a host has an address");
        let open = others.iter().map(|family| self.trace_over(*family, from, to)).find(|trace| trace.closed.is_none());
        open.unwrap_or_else(|| self.trace_over(*last, from, to))
    }

    /// The families that a flow tries, one after another.
    fn families(&self, from: SiteId, to: Target) -> &'static [Family] {
        const FOUR: &[Family] = &[Family::IPv4];
        const SIX: &[Family] = &[Family::IPv6];
        const BOTH: &[Family] = &[Family::IPv6, Family::IPv4];
        let is_client = from.0 >= self.clients;
        match (self.network.family, to, &self.site(from).at) {
            (Family::IPv4, ..) | (_, Target::Service(_), _) => FOUR,
            (_, Target::Host(..), _) => {
                if is_client {
                    FOUR
                } else {
                    SIX
                }
            }
            (_, _, SiteAt::Subnet { .. } | SiteAt::Interfaces) => BOTH,
            (_, _, SiteAt::Internet(address) | SiteAt::Connected { address, .. }) => {
                if address.is_ipv6() {
                    SIX
                } else {
                    FOUR
                }
            }
        }
    }

    fn trace_over(&self, family: Family, from: SiteId, to: Target) -> Trace {
        let hops = vec![self.hop_of(from, family)];
        let mut trace = Trace { family, hops, nat: None, decided_by: String::new(), closed: None };
        trace.closed = match to {
            Target::PublicEndpoint => self.to_public_endpoint(from, &mut trace).err(),
            Target::Interface => self.to_host(from, SiteId::CONTROL_PLANE, Network::API_PORT, &mut trace).err(),
            Target::Host(site, port) => self.to_host(from, site, port, &mut trace).err(),
            Target::Service(service) => self.to_service(from, service, &mut trace).err(),
        };
        trace
    }

    fn to_public_endpoint(&self, from: SiteId, trace: &mut Trace) -> Result<(), Closure> {
        let out = self.way_out(from, trace.family)?;
        self.lets_out(from, trace.family, &[everywhere(trace.family)])?;
        leave(&self.network, &out, trace);
        trace.hops.push(hop("NLB, public address", "", None));
        let access = &self.network.access;
        if !access.public {
            return Err(Closure::PublicEndpointOff);
        }
        let seen = out.seen_as.unwrap_or(everywhere(trace.family)); // one that changes may be any
        let Some(listed) = access.public_cidrs.iter().find(|cidr| cidr.contains(&seen)) else {
            return Err(Closure::NotListed { address: out.seen_as.map(|seen| of_host(&seen)).unwrap_or_default() });
        };
        trace.decide(format!("publicAccessCidrs {listed}"));
        Ok(())
    }

    /// Whether the security groups of a host let it send to port 443 of any IPv4 address.
    pub(super) fn lets_to_internet(&self, from: SiteId) -> bool {
        self.lets_out(from, Family::IPv4, &[everywhere(Family::IPv4)]).is_ok()
    }

    /// Whether the security groups of a host let it send to port 443 of these addresses.
    fn lets_out(&self, from: SiteId, family: Family, to: &[IpNet]) -> Result<(), Closure> {
        let source = self.end_of(from, family);
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
            self.lets_out(from, trace.family, &[IpNet::V4(self.network.cidr)])?;
            trace.hops.push(hop(&format!("VPC endpoint of {}", service.name()), "", None));
            if !self.has_endpoint(service) {
                return Err(Closure::Dead { what: format!("the VPC endpoint of {}", service.name()) });
            }
            trace.decide(format!("VPC endpoint of {}", service.name()));
            return Ok(());
        }
        let out = self.way_out(from, trace.family).map_err(|closure| match closure {
            Closure::NoRoute { subnet, .. } => Closure::NoRoute { subnet, to: service.name().to_owned() },
            other => other,
        })?;
        self.lets_out(from, trace.family, &[everywhere(trace.family)])?;
        leave(&self.network, &out, trace);
        trace.hops.push(hop(&format!("AWS {}", service.name()), "", None));
        Ok(())
    }

    /// From a host of one site to one of another, over private addresses.
    fn to_host(&self, from: SiteId, to: SiteId, port: u16, trace: &mut Trace) -> Result<(), Closure> {
        self.enter(from, to, trace)?;
        trace.hops.push(self.hop_of(to, trace.family));
        let (source, destination) = (self.end_of(from, trace.family), self.end_of(to, trace.family));
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
                trace.hops.push(self.hop_of(to, trace.family));
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
    pub(super) fn way_out(&self, from: SiteId, family: Family) -> Result<WayOut, Closure> {
        let subnet = match &self.site(from).at {
            SiteAt::Internet(address) => return Ok(WayOut::own(*address)),
            SiteAt::Connected { network, .. } => return Ok(WayOut::own(office_address(*network))), // its own way
            SiteAt::Interfaces => return Ok(WayOut::default()),
            SiteAt::Subnet { subnet, .. } => *subnet,
        };
        let (name, routes) = (&self.network.subnets[subnet].name, &self.network.subnets[subnet].routes);
        let everywhere = everywhere(family);
        let target = routes.iter().find(|route| route.destination == everywhere).map(|route| route.target);
        let through = target.filter(|target| !matches!(target, RouteTarget::Connected(_)));
        let seen_as = match through {
            None => return Err(Closure::NoRoute { subnet: name.clone(), to: everywhere.to_string() }),
            Some(RouteTarget::Nat(nat)) => Some(IpNet::from(self.network.nat_gateways[nat].address)),
            Some(_) if family == Family::IPv6 => Some(self.network.subnet_range(subnet, family)),
            Some(_) => self.own_public_address(from).map(IpNet::from),
        };
        Ok(WayOut { through, seen_as })
    }

    /// The public address of a single host in a public subnet: its last numbers in a range that is kept for tests. Those of
    /// nodes change with every instance.
    fn own_public_address(&self, site: SiteId) -> Option<IpAddr> {
        match &self.site(site).at {
            SiteAt::Subnet { address: Some(IpAddr::V4(address)), .. } => {
                let [.., third, fourth] = address.octets();
                Some(IpAddr::V4([198, 18, third, fourth].into()))
            }
            _ => None,
        }
    }

    fn hop_of(&self, site: SiteId, family: Family) -> Hop {
        let Site { name, at } = self.site(site);
        match at {
            SiteAt::Internet(address) | SiteAt::Connected { address, .. } => hop(name, &address.to_string(), None),
            SiteAt::Interfaces => hop("EKS-owned interface", "", None),
            SiteAt::Subnet { subnet, address, .. } => {
                let address = address.filter(|_| family == Family::IPv4).map(|address| address.to_string());
                let shown = address.unwrap_or_else(|| self.network.subnet_range(*subnet, family).to_string());
                hop(name, &shown, Some(self.network.subnets[*subnet].zone))
            }
        }
    }

    fn end_of(&self, site: SiteId, family: Family) -> End<'_> {
        let groups: &[usize] = match &self.site(site).at {
            SiteAt::Internet(_) | SiteAt::Connected { .. } => &[],
            SiteAt::Interfaces => &self.network.control_plane_groups,
            SiteAt::Subnet { groups, .. } => groups,
        };
        End { ranges: &self.ranges[site.index()][family as usize], groups }
    }

    /// The ranges that the addresses of a site's hosts lie in. The interfaces of the control plane may lie in any subnet that
    /// it was given.
    pub(super) fn ranges_of(network: &Network, site: &Site, family: Family) -> Vec<IpNet> {
        let subnet = |subnet: &usize| network.subnet_range(*subnet, family);
        match &site.at {
            SiteAt::Internet(address) | SiteAt::Connected { address, .. } => vec![IpNet::from(*address)],
            SiteAt::Interfaces => network.control_plane_subnets.iter().map(subnet).collect(),
            SiteAt::Subnet { address: Some(address), .. } if family == Family::IPv4 => vec![IpNet::from(*address)],
            SiteAt::Subnet { subnet: of, .. } => vec![subnet(of)],
        }
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
pub(super) struct WayOut {
    /// What leads out of the VPC; `None` for what is not in it.
    pub(super) through: Option<RouteTarget>,
    /// Where the address lies that it appears under; `None` where that changes with every instance.
    seen_as: Option<IpNet>,
}

impl WayOut {
    fn own(address: IpAddr) -> Self {
        WayOut { through: None, seen_as: Some(IpNet::from(address)) }
    }

    /// The NAT gateway on it, if there is one.
    pub(super) fn nat(&self) -> Option<usize> {
        match self.through {
            Some(RouteTarget::Nat(nat)) => Some(nat),
            _ => None,
        }
    }
}

fn leave(network: &Network, out: &WayOut, trace: &mut Trace) {
    let Some(through) = out.through else { return };
    let everywhere = everywhere(trace.family);
    let name = match through {
        RouteTarget::Nat(nat) => {
            let gateway = &network.nat_gateways[nat];
            trace.hops.push(hop("NAT gateway", &gateway.address.to_string(), Some(gateway.zone)));
            trace.nat = Some(nat);
            "NAT gateway"
        }
        RouteTarget::EgressOnlyGateway => "egress-only internet gateway",
        _ => "internet gateway",
    };
    let is_egress_only = through == RouteTarget::EgressOnlyGateway;
    trace.hops.push(hop(if is_egress_only { name } else { "internet gateway" }, "", None));
    trace.decide(format!("route {everywhere} to the {name}"));
}

/// An address as people write it, and a range of several as it is.
fn of_host(range: &IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() { range.addr().to_string() } else { range.to_string() }
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

/// All public addresses: which of them the endpoint and AWS services have is not known to a rule.
fn everywhere(family: Family) -> IpNet {
    match family {
        Family::IPv4 => IpNet::V4(ipnet::Ipv4Net::default()),
        Family::IPv6 => IpNet::V6(ipnet::Ipv6Net::default()),
    }
}

fn shown(ranges: &[IpNet]) -> String {
    ranges.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")
}

/// The public address of a connected network: of a range that is kept for documentation.
fn office_address(network: usize) -> IpAddr {
    IpAddr::V4([198, 51, 100, (network % 100) as u8 + 100].into())
}
