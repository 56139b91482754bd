//! The VPC as eksctl makes it: subnets, routes, NAT gateways and security groups.
//!
//! Source: eksctl-io/eksctl, `pkg/cfn/builder` and `pkg/vpc` (the resources of its CloudFormation stacks).

use super::{
    AwsService, EndpointAccess, Family, NatGateway, Network, Peer, Route, RouteTarget, Rule, SecurityGroup, Subnet,
    VpcDns, own_zones,
};
use crate::plan::{Zone, ZoneId};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many NAT gateways a VPC has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatMode {
    /// One for all zones, in the first one: eksctl's default.
    #[default]
    Single,
    /// One in each zone.
    HighlyAvailable,
    /// None.
    Disable,
}

/// What a VPC is to look like.
#[derive(Clone, Debug)]
pub struct VpcLayout {
    /// Its range: /16 to /24.
    pub cidr: Ipv4Net,
    /// The family of the addresses of pods and services.
    pub family: Family,
    /// Its NAT gateways.
    pub nat: NatMode,
    /// Whether it has private subnets only, no way out, and endpoints for the services that nodes need.
    pub fully_private: bool,
    /// How the API endpoint may be reached.
    pub access: EndpointAccess,
}

/// What decides the security groups of a node group's nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSecurity {
    /// Whether EKS manages the group.
    pub managed: bool,
    /// Groups that the user attaches.
    pub attached: Vec<usize>,
    /// Whether self-managed nodes have the shared group.
    pub with_shared: bool,
    /// Whether self-managed nodes have a group of their own.
    pub with_local: bool,
    /// Who may use ssh: nobody where it is empty.
    pub ssh: Vec<Peer>,
}

impl NodeSecurity {
    /// As eksctl makes them where the user says nothing.
    pub fn new(managed: bool) -> Self {
        NodeSecurity { managed, attached: Vec::new(), with_shared: true, with_local: true, ssh: Vec::new() }
    }
}

impl Default for VpcLayout {
    fn default() -> Self {
        VpcLayout {
            cidr: Ipv4Net::new(Ipv4Addr::new(192, 168, 0, 0), 16).expect("a valid prefix"),
            family: Family::IPv4,
            nat: NatMode::Single,
            fully_private: false,
            access: EndpointAccess { public: true, private: false, public_cidrs: vec![everywhere()] },
        }
    }
}

impl VpcLayout {
    /// Services with an endpoint in a fully private VPC of eksctl's.
    pub const PRIVATE_SERVICES: [AwsService; 5] =
        [AwsService::Ec2, AwsService::EcrApi, AwsService::EcrDkr, AwsService::S3, AwsService::Sts];

    /// The length of the prefix of each subnet in a VPC over so many zones. eksctl itself cuts an IPv4 VPC into eight
    /// blocks, or sixteen where eight are not enough; CloudFormation cuts an IPv6 one and keeps room for two more.
    pub fn subnet_prefix(&self, zones: usize) -> u8 {
        let bits = match self.family {
            Family::IPv4 if 2 * zones <= 8 => 3,
            Family::IPv4 => 4,
            Family::IPv6 => (2 * zones + 2).next_power_of_two().trailing_zeros() as u8,
        };
        self.cidr.prefix_len().saturating_add(bits).min(32)
    }
}

impl Peer {
    /// Every IPv4 address.
    pub fn everywhere() -> Self {
        Peer::Cidr(everywhere())
    }
}

/// `0.0.0.0/0`.
pub(super) fn everywhere() -> IpNet {
    IpNet::V4(Ipv4Net::new(Ipv4Addr::UNSPECIFIED, 0).expect("a valid prefix"))
}

/// `::/0`.
fn everywhere_v6() -> IpNet {
    IpNet::V6(Ipv6Net::new(Ipv6Addr::UNSPECIFIED, 0).expect("a valid prefix"))
}

/// The addresses of NAT gateways: of a range that is kept for documentation (RFC 5737).
fn nat_address(index: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, (index % 250) as u8 + 1))
}

impl Network {
    /// The range of a subnet's addresses: the IPv4 one that it was given, or the IPv6 /64 of its place in the VPC's /56,
    /// which AWS chooses (here of a range that is kept for documentation, RFC 3849).
    pub fn subnet_range(&self, subnet: usize, family: Family) -> IpNet {
        const VPC: u128 = 0x2001_0db8_0000_5600 << 64;
        match family {
            Family::IPv4 => IpNet::V4(self.subnets[subnet].cidr),
            Family::IPv6 => {
                let address = Ipv6Addr::from(VPC | (subnet as u128) << 64);
                IpNet::V6(Ipv6Net::new(address, 64).expect("a valid prefix"))
            }
        }
    }

    /// The address of this family of a host in a subnet that has this IPv4 address: in an IPv6 cluster, with the same last
    /// numbers in the subnet's range.
    pub fn address_in(&self, subnet: usize, address: IpAddr, family: Family) -> IpAddr {
        match (self.subnet_range(subnet, family), address) {
            (IpNet::V6(range), IpAddr::V4(four)) => {
                IpAddr::V6((u128::from(range.network()) | u128::from(u32::from(four))).into())
            }
            _ => address,
        }
    }

    /// A VPC over the cluster's zones as eksctl makes it.
    pub fn new(zones: &[Zone], layout: &VpcLayout) -> Self {
        let own: Vec<(ZoneId, &Zone)> = own_zones(zones).collect();
        let prefix = layout.subnet_prefix(own.len());
        let blocks: Vec<Ipv4Net> = layout.cidr.subnets(prefix).expect("a longer prefix").collect();
        let public = if layout.fully_private { 0 } else { own.len() };
        let subnet = |index: usize, kind: &str, (zone, named): (ZoneId, &Zone)| Subnet {
            name: format!("{kind}-{}", named.name),
            zone,
            public: kind == "public",
            cidr: blocks[index % blocks.len()],
            free: None,
            routes: Vec::new(),
        };
        let publics = own.iter().take(public).enumerate().map(|(index, at)| subnet(index, "public", *at));
        let privates = own.iter().enumerate().map(|(index, at)| subnet(own.len() + index, "private", *at));
        Self::of_subnets(publics.chain(privates).collect(), layout)
    }

    /// A VPC of given subnets, with the routes and security groups that eksctl's have.
    pub fn of_subnets(subnets: Vec<Subnet>, layout: &VpcLayout) -> Self {
        let service_cidr = match layout.family {
            Family::IPv6 => "fd30:1c53:5f8a::/108".parse().expect("a valid range"),
            Family::IPv4 if overlaps_ten_hundred(layout.cidr) => "172.20.0.0/16".parse().expect("a valid range"),
            Family::IPv4 => "10.100.0.0/16".parse().expect("a valid range"),
        };
        let mut network = Network {
            cidr: layout.cidr,
            family: layout.family,
            service_cidr,
            dns: VpcDns { hostnames: true, support: true },
            control_plane_subnets: (0..subnets.len()).collect(),
            subnets,
            nat_gateways: Vec::new(),
            vpc_endpoints: if layout.fully_private { VpcLayout::PRIVATE_SERVICES.to_vec() } else { Vec::new() },
            connected: Vec::new(),
            security_groups: groups_of_eksctl(layout.family),
            control_plane_groups: vec![Self::CLUSTER_GROUP, Self::CONTROL_PLANE_GROUP],
            access: layout.access.clone(),
        };
        network.set_nat(layout.nat);
        if layout.fully_private {
            network.close_private_subnets();
        }
        network
    }

    /// Gives the VPC these NAT gateways, and its subnets the routes that go with them.
    pub fn set_nat(&mut self, mode: NatMode) {
        self.nat_gateways.clear();
        let mut zones: Vec<ZoneId> = Vec::new();
        for subnet in self.subnets.iter().filter(|subnet| !subnet.public) {
            if !zones.contains(&subnet.zone) {
                zones.push(subnet.zone);
            }
        }
        let publics = |zone: ZoneId| self.subnet_in(zone, true);
        let first = self.subnets.iter().position(|subnet| subnet.public);
        let gateways: Vec<(Option<usize>, ZoneId)> = match mode {
            NatMode::Disable => Vec::new(),
            NatMode::Single => {
                let zone = first.map(|subnet| self.subnets[subnet].zone).or(zones.first().copied());
                zone.into_iter().map(|zone| (publics(zone), zone)).collect()
            }
            NatMode::HighlyAvailable => zones.iter().map(|zone| (publics(*zone), *zone)).collect(),
        };
        let numbered = gateways.into_iter().enumerate();
        self.nat_gateways =
            numbered.map(|(index, (subnet, zone))| NatGateway { subnet, zone, address: nat_address(index) }).collect();
        for index in 0..self.subnets.len() {
            let (zone, public) = (self.subnets[index].zone, self.subnets[index].public);
            let nat = self.nat_gateways.iter().position(|nat| nat.zone == zone);
            let nat = nat.or((mode == NatMode::Single && !self.nat_gateways.is_empty()).then_some(0));
            let target = if public { Some(RouteTarget::InternetGateway) } else { nat.map(RouteTarget::Nat) };
            let defaults = self.default_routes(target, public);
            let routes = &mut self.subnets[index].routes;
            routes.retain(|route| matches!(route.target, RouteTarget::Connected(_)));
            routes.splice(0..0, defaults);
        }
    }

    /// Takes the way out from the private subnets: no NAT gateway, no egress-only gateway.
    pub fn close_private_subnets(&mut self) {
        self.nat_gateways.clear();
        for subnet in self.subnets.iter_mut().filter(|subnet| !subnet.public) {
            subnet.routes.retain(|route| matches!(route.target, RouteTarget::Connected(_)));
        }
    }

    fn default_routes(&self, target: Option<RouteTarget>, public: bool) -> Vec<Route> {
        let mut routes: Vec<Route> =
            target.into_iter().map(|target| Route { destination: everywhere(), target }).collect();
        if self.family == Family::IPv6 {
            let target = if public { RouteTarget::InternetGateway } else { RouteTarget::EgressOnlyGateway };
            routes.push(Route { destination: everywhere_v6(), target });
        }
        routes
    }

    /// Connects a network with the VPC: every route table leads there.
    pub fn connect(&mut self, network: super::ConnectedNetwork) -> usize {
        self.connect_from(network, |_| true)
    }

    /// Connects a network with the VPC: the route tables of some subnets lead there.
    pub fn connect_from(&mut self, network: super::ConnectedNetwork, from: impl Fn(&Subnet) -> bool) -> usize {
        let index = self.connected.len();
        let destination = IpNet::V4(network.cidr);
        for subnet in self.subnets.iter_mut().filter(|subnet| from(subnet)) {
            subnet.routes.push(Route { destination, target: RouteTarget::Connected(index) });
        }
        self.connected.push(network);
        index
    }

    /// The security groups of a node group as eksctl makes them; `ssh` allows it from everywhere.
    pub fn groups_of_nodes(&mut self, name: &str, managed: bool, ssh: bool) -> Vec<usize> {
        let ssh = if ssh { vec![Peer::everywhere()] } else { Vec::new() };
        self.secure_nodes(name, &NodeSecurity { ssh, ..NodeSecurity::new(managed) })
    }

    /// The security groups of a node group. Managed nodes have the cluster's, and a group of their own for ssh;
    /// self-managed ones have the shared one and a group of their own, which allows ssh as well.
    pub fn secure_nodes(&mut self, name: &str, security: &NodeSecurity) -> Vec<usize> {
        let ssh = || security.ssh.iter().map(|peer| Rule::port(Self::SSH_PORT, peer.clone())).collect::<Vec<_>>();
        let mut groups = Vec::new();
        if security.managed {
            groups.push(Self::CLUSTER_GROUP);
            groups.extend(&security.attached);
            if !security.ssh.is_empty() {
                groups.push(self.add_group(format!("nodegroup-{name}-remoteAccess"), ssh()));
            }
            return groups;
        }
        groups.extend(&security.attached);
        if security.with_shared {
            groups.push(Self::SHARED_NODE_GROUP);
        }
        if security.with_local {
            groups.push(self.group_of_own(name, ssh()));
        }
        if groups.is_empty() {
            groups.push(self.default_group());
        }
        groups
    }

    fn group_of_own(&mut self, name: &str, ssh: Vec<Rule>) -> usize {
        let from_control_plane = Peer::Group(Self::CONTROL_PLANE_GROUP);
        let mut inbound = vec![
            Rule { from_port: 1025, to_port: u16::MAX, peer: from_control_plane.clone() },
            Rule::port(Self::API_PORT, from_control_plane),
        ];
        inbound.extend(ssh);
        let own = self.add_group(format!("nodegroup-{name}-SG"), inbound);
        let to_api = Rule::port(Self::API_PORT, Peer::Group(own));
        self.security_groups[Self::CONTROL_PLANE_GROUP].inbound.push(to_api);
        own
    }

    /// The VPC's default security group, which instances without any other have.
    fn default_group(&mut self) -> usize {
        if let Some(known) = self.group("default") {
            return known;
        }
        let index = self.add_group("default".to_owned(), Vec::new());
        self.security_groups[index].inbound.push(Rule::all(Peer::Group(index)));
        index
    }

    /// The group of this name; one without rules inbound, if there is none yet.
    pub fn group_named(&mut self, name: &str) -> usize {
        self.group(name).unwrap_or_else(|| self.add_group(name.to_owned(), Vec::new()))
    }

    /// A security group with these rules inbound, and all outbound: its index.
    pub fn add_group(&mut self, name: String, inbound: Vec<Rule>) -> usize {
        self.security_groups.push(SecurityGroup { name, inbound, outbound: to_everywhere(self.family) });
        self.security_groups.len() - 1
    }

    /// eksctl's `vpc.extraCIDRs`: these addresses may reach the control plane's interfaces.
    pub fn allow_extra_cidr(&mut self, cidr: IpNet) {
        let rule = Rule::port(Self::API_PORT, Peer::Cidr(cidr));
        self.security_groups[Self::CONTROL_PLANE_GROUP].inbound.push(rule);
    }
}

/// The rules outbound that AWS gives a new security group.
fn to_everywhere(family: Family) -> Vec<Rule> {
    let six = (family == Family::IPv6).then(everywhere_v6);
    [everywhere()].into_iter().chain(six).map(|all| Rule::all(Peer::Cidr(all))).collect()
}

/// The groups that every cluster of eksctl's has, in the order of the constants of [`Network`].
fn groups_of_eksctl(family: Family) -> Vec<SecurityGroup> {
    let group = |name: &str, inbound: Vec<Rule>| SecurityGroup {
        name: name.to_owned(),
        inbound,
        outbound: to_everywhere(family),
    };
    let from = |index: usize| Rule::all(Peer::Group(index));
    vec![
        group("eks-cluster-sg", vec![from(Network::CLUSTER_GROUP), from(Network::SHARED_NODE_GROUP)]),
        group("ControlPlaneSecurityGroup", Vec::new()),
        group("ClusterSharedNodeSecurityGroup", vec![from(Network::SHARED_NODE_GROUP), from(Network::CLUSTER_GROUP)]),
    ]
}

/// EKS takes 172.20.0.0/16 for services where the VPC lies in 10.0.0.0/8.
fn overlaps_ten_hundred(cidr: Ipv4Net) -> bool {
    let ten: Ipv4Net = "10.0.0.0/8".parse().expect("a valid range");
    ten.contains(&cidr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_zones() -> Vec<Zone> {
        ["a", "b", "c"].map(|letter| Zone { name: format!("eu-west-1{letter}"), in_cluster: true }).to_vec()
    }

    #[test]
    fn a_vpc_of_eksctl_has_a_public_and_a_private_subnet_in_each_zone_and_one_nat_gateway() {
        let network = Network::new(&three_zones(), &VpcLayout::default());
        let cidrs: Vec<String> = network.subnets.iter().map(|subnet| subnet.cidr.to_string()).collect();
        let wanted = ["0", "32", "64", "96", "128", "160"].map(|third| format!("192.168.{third}.0/19"));
        assert_eq!(cidrs, wanted);
        assert_eq!(network.subnets.iter().filter(|subnet| subnet.public).count(), 3);
        assert_eq!(network.nat_gateways.len(), 1);
        assert_eq!(network.nat_gateways[0].subnet, Some(0));
        for subnet in network.subnets.iter().filter(|subnet| !subnet.public) {
            assert_eq!(subnet.routes, vec![Route { destination: everywhere(), target: RouteTarget::Nat(0) }]);
        }
        assert_eq!(network.kubernetes_service().to_string(), "10.100.0.1");
    }

    #[test]
    fn with_a_gateway_in_each_zone_private_subnets_use_their_own() {
        let layout = VpcLayout { nat: NatMode::HighlyAvailable, ..VpcLayout::default() };
        let network = Network::new(&three_zones(), &layout);
        for subnet in network.subnets.iter().filter(|subnet| !subnet.public) {
            let RouteTarget::Nat(nat) = subnet.routes[0].target else { panic!("{subnet:?}") };
            assert_eq!(network.nat_gateways[nat].zone, subnet.zone);
        }
    }

    #[test]
    fn a_fully_private_vpc_has_no_way_out_but_endpoints() {
        let layout = VpcLayout { fully_private: true, ..VpcLayout::default() };
        let network = Network::new(&three_zones(), &layout);
        assert!(network.subnets.iter().all(|subnet| !subnet.public && subnet.routes.is_empty()));
        assert_eq!(network.vpc_endpoints.len(), 5);
    }

    #[test]
    fn an_ipv6_vpc_has_egress_only_routes_and_room_for_two_more_subnets() {
        let layout = VpcLayout { family: Family::IPv6, ..VpcLayout::default() };
        assert_eq!([2, 3, 4].map(|zones| layout.subnet_prefix(zones)), [19, 19, 20]);
        assert_eq!([2, 4, 5].map(|zones| VpcLayout::default().subnet_prefix(zones)), [19, 19, 20]);
        let of = |layout: &VpcLayout| {
            let network = Network::new(&three_zones(), layout);
            let private = network.subnets.iter().find(|subnet| !subnet.public).expect("there is one");
            private.routes.iter().map(|route| route.target).collect::<Vec<_>>()
        };
        assert_eq!(of(&layout), [RouteTarget::Nat(0), RouteTarget::EgressOnlyGateway]);
        assert_eq!(of(&VpcLayout { fully_private: true, ..layout }), []);
    }

    #[test]
    fn managed_nodes_have_a_group_for_ssh_and_self_managed_ones_allow_it_in_their_own() {
        let mut network = Network::new(&three_zones(), &VpcLayout::default());
        let names = |network: &Network, groups: &[usize]| -> Vec<String> {
            groups.iter().map(|group| network.security_groups[*group].name.clone()).collect()
        };
        let managed = network.groups_of_nodes("m", true, true);
        assert_eq!(names(&network, &managed), ["eks-cluster-sg", "nodegroup-m-remoteAccess"]);
        let own = network.groups_of_nodes("s", false, true);
        assert_eq!(names(&network, &own), ["ClusterSharedNodeSecurityGroup", "nodegroup-s-SG"]);
        assert!(network.security_groups[own[1]].inbound.iter().any(|rule| rule.has_port(22) && rule.from_port == 22));
        let bare = NodeSecurity { with_shared: false, with_local: false, ..NodeSecurity::new(false) };
        let bare = network.secure_nodes("b", &bare);
        assert_eq!(names(&network, &bare), ["default"]);
    }

    #[test]
    fn other_nat_gateways_leave_the_connected_networks() {
        let mut network = Network::new(&three_zones(), &VpcLayout::default());
        let cidr = "10.8.0.0/16".parse().expect("a range");
        let office =
            crate::plan::ConnectedNetwork { name: "office".to_owned(), kind: crate::plan::Connection::Vpn, cidr };
        network.connect_from(office, |subnet| !subnet.public);
        network.set_nat(NatMode::Disable);
        for subnet in &network.subnets {
            let leads = subnet.routes.iter().any(|route| route.target == RouteTarget::Connected(0));
            assert_eq!(leads, !subnet.public, "{}", subnet.name);
        }
    }

    #[test]
    fn a_subnet_keeps_five_addresses() {
        let network = Network::new(&three_zones(), &VpcLayout::default());
        assert_eq!(network.subnets[0].usable(), 8187);
        assert_eq!(network.subnets[0].address(0).to_string(), "192.168.0.4");
    }
}
