//! The VPC in a run: who is where in it, which ways its routes and its packet filter open, and the access mode of the
//! endpoint. What is asked for every dial is worked out once for each place, whenever something changes.
//!
//! Nodes of a group in one subnet are one site: a rule that names some of their addresses only does not open their way.

mod routing;

use crate::parameters::NetworkParameters;
use crate::plan::{AwsService, ClientPlace, Cluster, Connection, EndpointAccess, Family, Network, Plan, Rule, ZoneId};
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
    /// The NAT gateway on its way to the public addresses of the endpoint.
    pub public_nat: Option<u8>,
    /// The NAT gateway on its way to AWS services.
    pub nat: Option<u8>,
    /// Whether routes and rules lead it to HTTPS on the internet.
    pub internet: bool,
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
    /// The first site of each node group and then of each Fargate profile; one for each of its zones follows.
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
    /// By webhook of the plan.
    webhooks: Vec<WebhookWays>,
    /// The ranges of the sites' addresses, by site and family.
    ranges: Vec<[Vec<IpNet>; 2]>,
}

/// The ways of API servers to a webhook's pods.
#[derive(Clone, Debug)]
struct WebhookWays {
    port: u16,
    /// Whether they are open, by site of nodes.
    admitted: Vec<bool>,
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
        for profile in &plan.cluster.fargate_profiles {
            groups.push(sites.len() as u16);
            for (zone, subnet) in profile.zones.iter().zip(&profile.subnets) {
                let name = format!("nodes of Fargate profile {} in {}", profile.name, zone_name(&plan.cluster, *zone));
                let at = SiteAt::Subnet { subnet: *subnet, address: None, groups: vec![Network::CLUSTER_GROUP] };
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
            webhooks: plan.webhooks.iter().map(|of| WebhookWays { port: of.port, admitted: Vec::new() }).collect(),
            ranges: Vec::new(),
        };
        let both = |site| [Family::IPv4, Family::IPv6].map(|family| Vpc::ranges_of(&vpc.network, site, family));
        vpc.ranges = vpc.sites.iter().map(both).collect();
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

    /// The site of a node group's nodes, or of those of a Fargate profile counted after, in the `nth` of its zones.
    pub fn nodes(&self, group: usize, nth: usize) -> SiteId {
        SiteId(self.groups[group] + nth as u16)
    }

    /// The name of the node group whose nodes are at a site.
    pub fn group_of<'p>(&self, plan: &'p Plan, site: SiteId) -> Option<&'p str> {
        let group = self.groups.partition_point(|first| *first <= site.0).checked_sub(1)?;
        (site.0 < self.clients).then(|| plan.cluster.class_name(group))
    }

    /// The site of a kind of client of the plan.
    pub fn client(&self, kind: usize) -> SiteId {
        SiteId(self.clients + kind as u16)
    }

    /// Whether rules and routes let API servers call the pods of a webhook on the nodes of a site.
    pub fn admits_webhook(&self, webhook: usize, site: SiteId) -> bool {
        self.webhooks[webhook].admitted[site.index() - 1]
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
        let (zones, _) = plan.cluster.places_of(group);
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
        for webhook in 0..self.webhooks.len() {
            let port = self.webhooks[webhook].port;
            let open = |site| self.trace(SiteId::CONTROL_PLANE, Target::Host(SiteId(site), port)).closed.is_none();
            self.webhooks[webhook].admitted = (1..self.clients).map(open).collect();
        }
    }

    fn ways_of(&self, site: SiteId) -> Ways {
        if site == SiteId::CONTROL_PLANE {
            return Ways { public: true, private: true, services: u16::MAX, ..Ways::default() };
        }
        let public = self.trace(site, Target::PublicEndpoint);
        let private = self.trace(site, Target::Interface);
        let way_out = self.way_out(site, Family::IPv4).ok();
        let mut ways = Ways {
            public: public.closed.is_none(),
            private: private.closed.is_none(),
            public_nat: public.nat.map(|nat| nat as u8),
            internet: way_out.is_some() && self.lets_to_internet(site),
            nat: way_out.and_then(|out| out.nat()).map(|nat| nat as u8),
            ..Ways::default()
        };
        for service in AwsService::ALL {
            let trace = self.trace(site, Target::Service(service));
            let bit = 1 << service as u16;
            ways.services |= if trace.closed.is_none() { bit } else { 0 };
            ways.services_outside |= if self.has_endpoint(service) { 0 } else { bit };
        }
        ways
    }
}

fn zone_name(cluster: &Cluster, zone: ZoneId) -> &str {
    cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str())
}
