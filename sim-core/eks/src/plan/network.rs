//! The network of a cluster: its VPC, who is where in it, what the packet filter lets pass, and how the API endpoint
//! may be reached.

mod layout;

use super::{Zone, ZoneId};
use ipnet::{IpNet, Ipv4Net};
pub use layout::{NatMode, NodeSecurity, VpcLayout};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// The VPC of a cluster and what is connected with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The VPC's range.
    pub cidr: Ipv4Net,
    /// The family of the addresses of pods and services.
    pub family: Family,
    /// The range of the addresses of services; the first one is that of the service `kubernetes`.
    pub service_cidr: IpNet,
    /// How names are resolved in the VPC.
    pub dns: VpcDns,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its NAT gateways.
    pub nat_gateways: Vec<NatGateway>,
    /// The AWS services that have an interface or gateway endpoint in it.
    pub vpc_endpoints: Vec<AwsService>,
    /// Networks that have a private way into it.
    pub connected: Vec<ConnectedNetwork>,
    /// Its security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// The subnets that the control plane was given: the interfaces that EKS owns lie there.
    pub control_plane_subnets: Vec<usize>,
    /// The security groups of these interfaces.
    pub control_plane_groups: Vec<usize>,
    /// How the API endpoint may be reached when the run begins.
    pub access: EndpointAccess,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    #[default]
    IPv4,
    /// IPv6.
    IPv6,
}

/// How names are resolved in a VPC. The private hosted zone of the endpoint's name needs both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcDns {
    /// `enableDnsHostnames`.
    pub hostnames: bool,
    /// `enableDnsSupport`.
    pub support: bool,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its name, unique in the VPC.
    pub name: String,
    /// Its zone.
    pub zone: ZoneId,
    /// Whether what is launched in it gets a public address.
    pub public: bool,
    /// Its range.
    pub cidr: Ipv4Net,
    /// Addresses in it that are free when the run begins, nodes and interfaces of EKS not counted; `None` for all but the
    /// five that AWS keeps.
    pub free: Option<u32>,
    /// The routes of its route table; those within the VPC are always there.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: IpNet,
    /// Through what.
    pub target: RouteTarget,
}

/// What a route leads through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// The internet gateway: for what has a public address.
    InternetGateway,
    /// The egress-only internet gateway, IPv6.
    EgressOnlyGateway,
    /// A NAT gateway: index in [`Network::nat_gateways`].
    Nat(usize),
    /// A connected network: index in [`Network::connected`].
    Connected(usize),
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The public subnet that it lies in: index in [`Network::subnets`]; `None` where it lies elsewhere in its zone.
    pub subnet: Option<usize>,
    /// Its zone.
    pub zone: ZoneId,
    /// The address under which what is behind it appears outside.
    pub address: IpAddr,
}

/// An AWS service that nodes need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AwsService {
    /// EC2's API: addresses and interfaces of pods.
    Ec2,
    /// The registry's API: who may pull an image.
    EcrApi,
    /// The registry: the manifests of images.
    EcrDkr,
    /// S3: the layers of images.
    S3,
    /// The Security Token Service.
    Sts,
    /// CloudWatch Logs.
    Logs,
    /// Auto Scaling's API.
    Autoscaling,
    /// CloudFormation's API.
    Cloudformation,
    /// Elastic Load Balancing's API.
    Elasticloadbalancing,
    /// The API of EKS itself.
    Eks,
}

/// A network with a private way into the VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectedNetwork {
    /// Its name.
    pub name: String,
    /// How it is connected.
    pub kind: Connection,
    /// Its range.
    pub cidr: Ipv4Net,
}

/// How a network is connected with the VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A VPN over the internet.
    Vpn,
    /// Direct Connect.
    DirectConnect,
    /// VPC peering or a transit gateway, within the region.
    Peering,
}

/// A security group: what it does not allow is dropped in silence. Answers to what was allowed always pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its name, unique in the VPC.
    pub name: String,
    /// Who may reach what has this group.
    pub inbound: Vec<Rule>,
    /// What it may reach.
    pub outbound: Vec<Rule>,
}

/// A rule of a security group. All rules here are of TCP or of every protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The first port.
    pub from_port: u16,
    /// The last port.
    pub to_port: u16,
    /// The other side.
    pub peer: Peer,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// Addresses.
    Cidr(IpNet),
    /// Whatever has a security group: index in [`Network::security_groups`].
    Group(usize),
}

/// How the API endpoint may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointAccess {
    /// Over its public addresses.
    pub public: bool,
    /// Over the interfaces of EKS in the VPC.
    pub private: bool,
    /// Who may use the public addresses; at most [`EndpointAccess::CIDRS_MAX`].
    pub public_cidrs: Vec<IpNet>,
}

/// Where a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPlace {
    /// On the internet, at this address.
    Internet(IpAddr),
    /// In a connected network, at this address.
    Connected {
        /// Index in [`Network::connected`].
        network: usize,
        /// Its address.
        address: IpAddr,
    },
    /// On a host in a subnet of the VPC (a bastion).
    Subnet {
        /// Index in [`Network::subnets`].
        subnet: usize,
        /// Its address.
        address: IpAddr,
        /// Its security groups.
        groups: Vec<usize>,
    },
}

impl Connection {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Connection::Vpn => "VPN",
            Connection::DirectConnect => "Direct Connect",
            Connection::Peering => "peering",
        }
    }
}

impl Default for ClientPlace {
    /// On the internet, at an address of a range that is kept for documentation (RFC 5737).
    fn default() -> Self {
        ClientPlace::Internet(IpAddr::V4([198, 51, 100, 1].into()))
    }
}

impl ClientPlace {
    /// The client's address.
    pub fn address(&self) -> IpAddr {
        match self {
            ClientPlace::Internet(address)
            | ClientPlace::Connected { address, .. }
            | ClientPlace::Subnet { address, .. } => *address,
        }
    }
}

impl EndpointAccess {
    /// Most ranges that may be listed for the public endpoint (EKS quotas).
    pub const CIDRS_MAX: usize = 40;

    /// Gives every range once, in one order: two lists with the same ranges are the same.
    pub fn put_in_order(&mut self) {
        self.public_cidrs.sort_unstable();
        self.public_cidrs.dedup();
    }

    /// Whether another access differs from it.
    pub fn differs(&self, other: &EndpointAccess) -> bool {
        let ordered = |access: &EndpointAccess| {
            let mut access = access.clone();
            access.put_in_order();
            if !access.public {
                access.public_cidrs.clear();
            }
            access
        };
        ordered(self) != ordered(other)
    }

    /// What the modes are called.
    pub fn name(&self) -> &'static str {
        match (self.public, self.private) {
            (true, false) => "public",
            (true, true) => "public and private",
            (false, true) => "private",
            (false, false) => "none",
        }
    }

    /// Whether the public endpoint admits every address of the family of IPv4.
    pub fn admits_all(&self) -> bool {
        self.public && self.public_cidrs.iter().any(|cidr| cidr.addr().is_ipv4() && cidr.prefix_len() == 0)
    }
}

impl fmt::Display for EndpointAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        if self.public && !self.admits_all() {
            let list: Vec<String> = self.public_cidrs.iter().map(IpNet::to_string).collect();
            write!(f, " (public from {})", list.join(", "))?;
        }
        Ok(())
    }
}

impl Rule {
    /// Every port, from or to `peer`.
    pub fn all(peer: Peer) -> Self {
        Rule { from_port: 0, to_port: u16::MAX, peer }
    }

    /// One port.
    pub fn port(port: u16, peer: Peer) -> Self {
        Rule { from_port: port, to_port: port, peer }
    }

    /// Whether the rule speaks of a port.
    pub fn has_port(&self, port: u16) -> bool {
        (self.from_port..=self.to_port).contains(&port)
    }

    /// The ports, for people.
    pub fn ports(&self) -> String {
        match (self.from_port, self.to_port) {
            (0, u16::MAX) => "all ports".to_owned(),
            (from, to) if from == to => format!("port {from}"),
            (from, to) => format!("ports {from} to {to}"),
        }
    }
}

impl AwsService {
    /// Every one.
    pub const ALL: [AwsService; 10] = [
        AwsService::Ec2,
        AwsService::EcrApi,
        AwsService::EcrDkr,
        AwsService::S3,
        AwsService::Sts,
        AwsService::Logs,
        AwsService::Autoscaling,
        AwsService::Cloudformation,
        AwsService::Elasticloadbalancing,
        AwsService::Eks,
    ];

    /// Those that a node needs to join, and to start a pod.
    pub const OF_NODES: [AwsService; 4] = [AwsService::Ec2, AwsService::EcrApi, AwsService::EcrDkr, AwsService::S3];

    /// Its name in the names of endpoints: `ecr.dkr`.
    pub fn name(self) -> &'static str {
        match self {
            AwsService::Ec2 => "ec2",
            AwsService::EcrApi => "ecr.api",
            AwsService::EcrDkr => "ecr.dkr",
            AwsService::S3 => "s3",
            AwsService::Sts => "sts",
            AwsService::Logs => "logs",
            AwsService::Autoscaling => "autoscaling",
            AwsService::Cloudformation => "cloudformation",
            AwsService::Elasticloadbalancing => "elasticloadbalancing",
            AwsService::Eks => "eks",
        }
    }
}

impl Network {
    /// The port of the API endpoint.
    pub const API_PORT: u16 = 443;
    /// The port of a kubelet.
    pub const KUBELET_PORT: u16 = 10250;
    /// The port of ssh.
    pub const SSH_PORT: u16 = 22;
    /// The security group that EKS makes for the control plane and managed nodes.
    pub const CLUSTER_GROUP: usize = 0;
    /// eksctl's `ControlPlaneSecurityGroup`.
    pub const CONTROL_PLANE_GROUP: usize = 1;
    /// eksctl's `ClusterSharedNodeSecurityGroup`.
    pub const SHARED_NODE_GROUP: usize = 2;

    /// The subnets of a node group in these zones: private or public ones, as far as there are some, else the others.
    pub fn subnets_in(&self, zones: &[ZoneId], public: bool) -> Vec<usize> {
        let other = |zone| self.subnet_in(zone, !public);
        zones.iter().filter_map(|zone| self.subnet_in(*zone, public).or_else(|| other(*zone))).collect()
    }

    /// The subnet for a zone's nodes: a private or a public one.
    pub fn subnet_in(&self, zone: ZoneId, public: bool) -> Option<usize> {
        self.subnets.iter().position(|subnet| subnet.zone == zone && subnet.public == public)
    }

    /// Looks up a security group by its name.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.security_groups.iter().position(|group| group.name == name)
    }

    /// The address of the service `kubernetes`.
    pub fn kubernetes_service(&self) -> IpAddr {
        let mut hosts = self.service_cidr.hosts();
        match self.service_cidr {
            IpNet::V4(_) => hosts.next().unwrap_or(self.service_cidr.addr()),
            IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) + 1).into()),
        }
    }

    /// A change of a rule inbound, for people.
    pub fn describe_rule(&self, group: usize, rule: &Rule, allow: bool) -> String {
        let name = |group: usize| self.security_groups.get(group).map_or("?", |group| group.name.as_str());
        let peer = match &rule.peer {
            Peer::Cidr(cidr) => cidr.to_string(),
            Peer::Group(peer) => name(*peer).to_owned(),
        };
        let verb = if allow { "allows" } else { "no longer allows" };
        format!("security group {} {verb} {} from {peer}", name(group), rule.ports())
    }

    /// Where a client is, for people.
    pub fn describe_place(&self, place: &ClientPlace) -> String {
        match place {
            ClientPlace::Internet(address) => format!("on the internet, {address}"),
            ClientPlace::Connected { network, address } => {
                let name = self.connected.get(*network).map_or("?", |network| network.name.as_str());
                format!("in {name}, {address}")
            }
            ClientPlace::Subnet { subnet, address, groups } => {
                let name = self.subnets.get(*subnet).map_or("?", |subnet| subnet.name.as_str());
                let groups: Vec<&str> =
                    groups.iter().filter_map(|group| Some(self.security_groups.get(*group)?.name.as_str())).collect();
                format!("on a host in {name}, {address}, security groups {}", groups.join(", "))
            }
        }
    }

    /// What a variant of this network has in another way, each as `what: here -> there`.
    pub fn differences(&self, other: &Network) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, here: String, there: String| {
            if here != there {
                differences.push(format!("{what}: {here} -> {there}"));
            }
        };
        differ("endpoint access", self.access.to_string(), other.access.to_string());
        let zones = |network: &Network| match network.nat_gateways.len() {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        differ("NAT gateways", zones(self), zones(other));
        let services = |network: &Network| match network.vpc_endpoints[..] {
            [] => "none".to_owned(),
            ref some => some.iter().map(|service| service.name()).collect::<Vec<_>>().join(", "),
        };
        differ("VPC endpoints", services(self), services(other));
        let on = |flag: bool| if flag { "on" } else { "off" }.to_owned();
        differ("enableDnsHostnames", on(self.dns.hostnames), on(other.dns.hostnames));
        differ("enableDnsSupport", on(self.dns.support), on(other.dns.support));
        for (here, there) in self.subnets.iter().zip(&other.subnets) {
            let what = format!("free addresses in {}", here.name);
            differ(&what, here.usable().to_string(), there.usable().to_string());
        }
        for (group, (here, there)) in self.security_groups.iter().zip(&other.security_groups).enumerate() {
            for rule in there.inbound.iter().filter(|rule| !here.inbound.contains(rule)) {
                differences.push(other.describe_rule(group, rule, true));
            }
            if here.outbound != there.outbound {
                differences.push(format!("security group {} has other rules outbound", there.name));
            }
        }
        differences
    }

    /// The zones of the subnets that the control plane was given, none twice.
    pub fn control_plane_zones(&self) -> Vec<ZoneId> {
        let mut zones: Vec<ZoneId> = Vec::new();
        for subnet in &self.control_plane_subnets {
            let zone = self.subnets[*subnet].zone;
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        zones
    }
}

impl Subnet {
    /// Addresses that AWS keeps of every subnet.
    pub const RESERVED: u32 = 5;

    /// Addresses that AWS gives out in a subnet of its size.
    pub fn size(&self) -> u32 {
        let size = 1u64 << (32 - self.cidr.prefix_len());
        u32::try_from(size).unwrap_or(u32::MAX).saturating_sub(Self::RESERVED)
    }

    /// Addresses that can be given out when nothing is in it yet.
    pub fn usable(&self) -> u32 {
        self.free.map_or(self.size(), |free| free.min(self.size()))
    }

    /// The `n`th address that can be given out, from 0.
    pub fn address(&self, n: u32) -> IpAddr {
        let base = u32::from(self.cidr.network());
        IpAddr::V4(base.wrapping_add(4).wrapping_add(n).into())
    }
}

/// The zones that a VPC has subnets in.
fn own_zones(zones: &[Zone]) -> impl Iterator<Item = (ZoneId, &Zone)> {
    (0u8..).map(ZoneId).zip(zones).filter(|(_, zone)| zone.in_cluster)
}
