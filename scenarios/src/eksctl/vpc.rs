//! The VPC of a file: as eksctl makes it, or as far as the file tells a given one. What the file cannot tell is assumed
//! and noted: the NAT gateways of a given VPC, the ranges of its subnets, the rules of its security groups.
//!
//! Source: eksctl-io/eksctl, `pkg/cfn/builder` (`vpc_ipv4.go`, `vpc_ipv6.go`, `vpc_endpoint.go`, `cluster.go`) and
//! `pkg/vpc`.

use super::document::{Entry, Node};
use super::findings::Findings;
use super::network::Given;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sim_eks::plan::{
    AwsService, ConnectedNetwork, Connection, EndpointAccess, Family, NatMode, Network, Peer, Subnet, VpcLayout, Zone,
    ZoneId,
};

/// The smallest subnet of AWS.
const PREFIX_MAX: u8 = 28;
/// Blocks that a given VPC is cut into at most, as a power of two: far more than the 200 subnets of a VPC.
const BITS_MAX: u8 = 12;

/// A field two levels down: `vpc.nat`.
pub(super) fn inner<'a>(root: &'a Node, outer: &str, field: &str) -> Option<&'a Entry> {
    root.get(outer).and_then(|entry| entry.node.get(field))
}

/// Whether a field two levels down is true; `None` if it is absent or no truth value.
pub(super) fn truth(root: &Node, outer: &str, field: &str) -> Option<bool> {
    inner(root, outer, field).and_then(|entry| entry.node.truth())
}

/// The texts of a list two levels down, each with its line.
pub(super) fn texts<'a>(root: &'a Node, outer: &str, field: &str) -> Vec<(&'a str, usize)> {
    let list = inner(root, outer, field).into_iter().flat_map(|entry| entry.node.items());
    list.filter_map(|(_, item)| Some((item.text()?, item.line))).collect()
}

/// Whether the file names the subnets of a given VPC.
pub(super) fn has_subnets(root: &Node) -> bool {
    inner(root, "vpc", "subnets").is_some_and(|subnets| {
        subnets.node.entries().iter().any(|kind| !kind.node.entries().is_empty() && !kind.node.is_null())
    })
}

/// Whether the cluster is fully private.
pub(super) fn is_fully_private(root: &Node) -> bool {
    truth(root, "privateCluster", "enabled") == Some(true)
}

/// The family of the addresses of pods and services.
pub(super) fn family(root: &Node) -> Family {
    let text = inner(root, "kubernetesNetworkConfig", "ipFamily").and_then(|entry| entry.node.text());
    if text.is_some_and(|text| text.eq_ignore_ascii_case("ipv6")) { Family::IPv6 } else { Family::IPv4 }
}

/// An address range of either family, its host bits cleared.
pub(super) fn range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|range| range.trunc())
}

fn range_v4(text: &str) -> Option<Ipv4Net> {
    text.parse::<Ipv4Net>().ok().map(|range| range.trunc())
}

fn ranges(root: &Node, outer: &str, field: &str) -> Vec<IpNet> {
    texts(root, outer, field).into_iter().filter_map(|(text, _)| range(text)).collect()
}

/// What the VPC is to look like; `given` are the subnets of one that was there before.
pub(super) fn layout(root: &Node, given: &[Given]) -> VpcLayout {
    let stated = inner(root, "vpc", "cidr").and_then(|entry| entry.node.text()).and_then(range_v4);
    let of_subnets = || {
        let first = given.iter().find_map(|subnet| subnet.cidr)?;
        Ipv4Net::new(first.network(), first.prefix_len().min(16)).ok().map(|range| range.trunc())
    };
    let default = VpcLayout::default();
    VpcLayout {
        cidr: stated.or_else(of_subnets).unwrap_or(default.cidr),
        family: family(root),
        nat: nat_mode(root, given),
        fully_private: is_fully_private(root),
        access: access(root),
    }
}

/// eksctl makes no NAT gateway in a given VPC; that there is one in each zone is an assumption.
fn nat_mode(root: &Node, given: &[Given]) -> NatMode {
    let text = inner(root, "vpc", "nat").and_then(|nat| nat.node.get("gateway")).and_then(|mode| mode.node.text());
    match text {
        _ if !given.is_empty() => NatMode::HighlyAvailable,
        _ if family(root) == Family::IPv6 => NatMode::Single,
        Some("HighlyAvailable") => NatMode::HighlyAvailable,
        Some("Disable") => NatMode::Disable,
        _ => NatMode::Single,
    }
}

/// How the endpoint may be reached when eksctl is done.
fn access(root: &Node) -> EndpointAccess {
    let endpoints = inner(root, "vpc", "clusterEndpoints");
    let half = |name: &str| endpoints.and_then(|entry| entry.node.get(name)).and_then(|half| half.node.truth());
    let private_only = is_fully_private(root) || root.get("outpost").is_some();
    let mut public_cidrs = ranges(root, "vpc", "publicAccessCIDRs");
    if public_cidrs.is_empty() {
        public_cidrs = VpcLayout::default().access.public_cidrs;
        if family(root) == Family::IPv6 {
            public_cidrs.push(IpNet::V6(Ipv6Net::default()));
        }
    }
    EndpointAccess {
        public: !private_only && half("publicAccess") != Some(false),
        private: private_only || half("privateAccess") == Some(true),
        public_cidrs,
    }
}

/// Builds the VPC. The subnets that the file names come first, in its order.
pub(super) fn build(
    root: &Node,
    zones: &[Zone],
    given: &[Given],
    is_local: impl Fn(&str) -> bool,
    findings: &mut Findings<'_>,
) -> Network {
    let layout = layout(root, given);
    let mut vpc = match given {
        [] => Network::new(zones, &layout),
        given => Network::of_subnets(of_given(root, zones, given, layout.cidr, findings), &layout),
    };
    if let Some(services) = inner(root, "kubernetesNetworkConfig", "serviceIPv4CIDR")
        && let Some(range) = services.node.text().and_then(range)
    {
        vpc.service_cidr = range;
    }
    place_control_plane(root, zones, given, &layout, is_local, &mut vpc, findings);
    secure(root, &mut vpc, findings);
    give_endpoints(root, given, &mut vpc, findings);
    connect_remote_networks(root, given, &mut vpc, findings);
    vpc
}

/// The subnets of a given VPC; those without a range get blocks of the VPC's.
fn of_given(root: &Node, zones: &[Zone], given: &[Given], cidr: Ipv4Net, findings: &mut Findings<'_>) -> Vec<Subnet> {
    let taken: Vec<Ipv4Net> = given.iter().filter_map(|subnet| subnet.cidr).collect();
    let mut blocks = blocks(root, cidr, &taken, given.len() - taken.len(), findings).into_iter();
    let named = |subnet: &Given| {
        let kind = if subnet.public { "public" } else { "private" };
        let is_of_zone = zones.iter().any(|zone| zone.name == subnet.name);
        let is_twice = given.iter().any(|other| other.name == subnet.name && other.public != subnet.public);
        if is_of_zone || is_twice { format!("{kind}-{}", subnet.name) } else { subnet.name.clone() }
    };
    let mut subnets = Vec::new();
    for subnet in given {
        let cidr = subnet.cidr.or_else(|| {
            let block = blocks.next()?;
            let text =
                format!("{block}: the file does not say the range of this subnet; blocks are given out in order");
            findings.filled(subnet.line, format!("{}.cidr", subnet.path), text);
            Some(block)
        });
        subnets.push(Subnet {
            name: named(subnet),
            zone: subnet.zone,
            public: subnet.public,
            cidr: cidr.unwrap_or_default(),
            free: None,
            routes: Vec::new(),
        });
    }
    subnets
}

/// So many blocks of a VPC that overlap none of those taken, as large as they can be, an eighth of it at most.
fn blocks(root: &Node, cidr: Ipv4Net, taken: &[Ipv4Net], count: usize, findings: &mut Findings<'_>) -> Vec<Ipv4Net> {
    let overlap = |one: &Ipv4Net, other: &Ipv4Net| one.contains(other) || other.contains(one);
    let most = PREFIX_MAX.min(cidr.prefix_len().saturating_add(BITS_MAX));
    for prefix in cidr.prefix_len().saturating_add(3)..=most {
        let all = cidr.subnets(prefix).into_iter().flatten();
        let free = all.filter(|block| !taken.iter().any(|taken| overlap(taken, block)));
        let free: Vec<Ipv4Net> = free.take(count).collect();
        if free.len() == count {
            return free;
        }
    }
    if count > 0 {
        let line = inner(root, "vpc", "cidr").or(root.get("vpc")).map_or(0, |entry| entry.line);
        findings.error(
            line,
            "vpc.cidr",
            format!("{cidr} has no room for {count} more subnets of at least /{PREFIX_MAX}"),
        );
    }
    Vec::new()
}

/// Where the interfaces that EKS owns may lie.
fn place_control_plane(
    root: &Node,
    zones: &[Zone],
    given: &[Given],
    layout: &VpcLayout,
    is_local: impl Fn(&str) -> bool,
    vpc: &mut Network,
    findings: &mut Findings<'_>,
) {
    let ids = texts(root, "vpc", "controlPlaneSubnetIDs");
    if !ids.is_empty() {
        vpc.control_plane_subnets = control_plane_subnets(root, zones, given, &ids, layout, vpc, findings);
        return;
    }
    let auto_mode = truth(root, "autoModeConfig", "enabled") == Some(true) && given.is_empty();
    let on_private =
        auto_mode || root.get("outpost").is_some() || truth(root, "vpc", "controlPlaneOnPrivateSubnets") == Some(true);
    let has_private = vpc.subnets.iter().any(|subnet| !subnet.public);
    let fits = |subnet: &Subnet| {
        let zone = zones.get(subnet.zone.index()).map_or("", |zone| zone.name.as_str());
        let is_left_out = given.is_empty() && is_local(zone) || on_private && has_private && subnet.public;
        !is_left_out
    };
    vpc.control_plane_subnets = (0..vpc.subnets.len()).filter(|index| fits(&vpc.subnets[*index])).collect();
}

/// The subnets that `controlPlaneSubnetIDs` names; one that the file tells nothing else of becomes a private one.
fn control_plane_subnets(
    root: &Node,
    zones: &[Zone],
    given: &[Given],
    ids: &[(&str, usize)],
    layout: &VpcLayout,
    vpc: &mut Network,
    findings: &mut Findings<'_>,
) -> Vec<usize> {
    let own: Vec<ZoneId> =
        (0u8..).map(ZoneId).zip(zones).filter(|(_, zone)| zone.in_cluster).map(|both| both.0).collect();
    let known = |id: &str| given.iter().position(|subnet| subnet.id.as_deref() == Some(id) || subnet.name == id);
    let taken: Vec<Ipv4Net> = vpc.subnets.iter().map(|subnet| subnet.cidr).collect();
    let unknown = ids.iter().filter(|(id, _)| known(id).is_none()).count();
    let mut blocks = blocks(root, vpc.cidr, &taken, unknown, findings).into_iter();
    let mut chosen = Vec::new();
    for (id, line) in ids {
        if let Some(index) = known(id) {
            chosen.push(index);
            continue;
        }
        let (Some(cidr), Some(zone)) = (blocks.next(), own.get(chosen.len() % own.len().max(1))) else { continue };
        let name = zones[zone.index()].name.as_str();
        let text = format!("{id} is taken for a private subnet in {name}, {cidr}: the file does not say more of it");
        findings.filled(*line, "vpc.controlPlaneSubnetIDs", text);
        chosen.push(vpc.subnets.len());
        let name = (*id).to_owned();
        vpc.subnets.push(Subnet { name, zone: *zone, public: false, cidr, free: None, routes: Vec::new() });
    }
    vpc.set_nat(layout.nat);
    if layout.fully_private {
        vpc.close_private_subnets();
    }
    chosen.sort_unstable();
    chosen.dedup();
    if chosen.is_empty() { vpc.control_plane_subnets.clone() } else { chosen }
}

/// The security groups of the control plane and of all nodes.
fn secure(root: &Node, vpc: &mut Network, findings: &mut Findings<'_>) {
    let single = inner(root, "vpc", "securityGroup").and_then(|entry| Some((entry.node.text()?, entry.line)));
    let listed = texts(root, "vpc", "controlPlaneSecurityGroupIDs");
    match single.map_or(listed, |single| vec![single])[..] {
        [] => {
            let extra = ranges(root, "vpc", "extraCIDRs").into_iter().chain(ranges(root, "vpc", "extraIPv6CIDRs"));
            let remote = remote_ranges(root).into_iter().map(|(_, range)| IpNet::V4(range));
            remote.chain(extra).for_each(|cidr| vpc.allow_extra_cidr(cidr));
        }
        [(first, line), ref others @ ..] => {
            vpc.security_groups[Network::CONTROL_PLANE_GROUP].name = first.to_owned();
            let others: Vec<usize> = others.iter().map(|(name, _)| vpc.group_named(name)).collect();
            vpc.control_plane_groups = [Network::CLUSTER_GROUP, Network::CONTROL_PLANE_GROUP].into();
            vpc.control_plane_groups.extend(others);
            let field = if single.is_some() { "vpc.securityGroup" } else { "vpc.controlPlaneSecurityGroupIDs" };
            let text = "its rules are not in the file: taken as eksctl's own, none inbound but those for node groups";
            findings.filled(line, field, text);
            if let Some(extra) = inner(root, "vpc", "extraCIDRs") {
                let text = "eksctl adds them only to a control plane security group that it makes itself";
                findings.warning(extra.line, "vpc.extraCIDRs", text);
            }
        }
    }
    share(root, vpc, findings);
}

/// The group that all nodes share, and what it and the cluster's allow each other.
fn share(root: &Node, vpc: &mut Network, findings: &mut Findings<'_>) {
    let shared = inner(root, "vpc", "sharedNodeSecurityGroup");
    let Some((name, line)) = shared.and_then(|entry| Some((entry.node.text()?, entry.line))) else { return };
    vpc.security_groups[Network::SHARED_NODE_GROUP].name = name.to_owned();
    let text = "its rules are not in the file: taken as eksctl's own, all from itself";
    findings.filled(line, "vpc.sharedNodeSecurityGroup", text);
    if truth(root, "vpc", "manageSharedNodeSecurityGroupRules") == Some(false) {
        let (cluster, shared) = (Network::CLUSTER_GROUP, Network::SHARED_NODE_GROUP);
        vpc.security_groups[cluster].inbound.retain(|rule| rule.peer != Peer::Group(shared));
        vpc.security_groups[shared].inbound.retain(|rule| rule.peer != Peer::Group(cluster));
    }
}

/// The endpoints of AWS services in a fully private VPC.
fn give_endpoints(root: &Node, given: &[Given], vpc: &mut Network, findings: &mut Findings<'_>) {
    if !is_fully_private(root) {
        return;
    }
    let field = "privateCluster.skipEndpointCreation";
    let needed = VpcLayout::PRIVATE_SERVICES.map(AwsService::name).join(", ");
    if truth(root, "privateCluster", "skipEndpointCreation") == Some(true) {
        let line = inner(root, "privateCluster", "skipEndpointCreation").map_or(0, |entry| entry.line);
        if given.is_empty() {
            vpc.vpc_endpoints.clear();
            findings.warning(line, field, format!("a new VPC without endpoints: nodes need those of {needed}"));
        } else {
            findings.filled(
                line,
                field,
                format!("the given VPC is taken to have the endpoints that nodes need: {needed}"),
            );
        }
        return;
    }
    let logs = inner(root, "cloudWatch", "clusterLogging").and_then(|entry| entry.node.get("enableTypes"));
    let logs = logs.filter(|types| types.node.items().count() > 0).map(|_| "logs");
    let additional = texts(root, "privateCluster", "additionalEndpointServices");
    for name in additional.into_iter().map(|(name, _)| name).chain(logs) {
        let service = AwsService::ALL.into_iter().find(|service| service.name() == name);
        vpc.vpc_endpoints.extend(service);
    }
    vpc.vpc_endpoints.sort_unstable();
    vpc.vpc_endpoints.dedup();
}

/// The ranges of hybrid nodes and of their pods, with what they are called.
fn remote_ranges(root: &Node) -> Vec<(String, Ipv4Net)> {
    let mut ranges = Vec::new();
    for (field, name) in [("remoteNodeNetworks", "remote-nodes"), ("remotePodNetworks", "remote-pods")] {
        let networks = inner(root, "remoteNetworkConfig", field).into_iter().flat_map(|entry| entry.node.items());
        let cidrs = networks.filter_map(|(_, network)| network.get("cidrs")).flat_map(|cidrs| cidrs.node.items());
        for (index, range) in cidrs.filter_map(|(_, cidr)| cidr.text().and_then(range_v4)).enumerate() {
            let name = if index == 0 { name.to_owned() } else { format!("{name}-{}", index + 1) };
            ranges.push((name, range));
        }
    }
    ranges
}

/// Hybrid nodes are in networks of their own. eksctl routes to them from the private subnets of a VPC that it makes, and
/// only where it knows the gateway.
fn connect_remote_networks(root: &Node, given: &[Given], vpc: &mut Network, findings: &mut Findings<'_>) {
    let Some(remote) = root.get("remoteNetworkConfig") else { return };
    let field = "remoteNetworkConfig.vpcGatewayID";
    let gateway = inner(root, "remoteNetworkConfig", "vpcGatewayID");
    let line = gateway.map_or(remote.line, |entry| entry.line);
    let text = gateway.and_then(|entry| entry.node.text()).unwrap_or_default();
    if given.is_empty() && !(text.starts_with("tgw-") || text.starts_with("vgw-")) {
        findings.warning(
            line,
            field,
            "without a gateway (tgw-..., vgw-...) eksctl makes no route to the remote networks",
        );
        return;
    }
    if given.is_empty() && (vpc.family == Family::IPv6 || is_fully_private(root)) {
        findings.warning(line, field, "eksctl makes no route to remote networks in a fully private or an IPv6 VPC");
        return;
    }
    for (name, cidr) in remote_ranges(root) {
        let network = ConnectedNetwork { name, kind: Connection::Vpn, cidr };
        vpc.connect_from(network, |subnet| !given.is_empty() || !subnet.public);
    }
    let routes =
        if given.is_empty() { "from the private subnets only, as eksctl makes them" } else { "from every subnet" };
    findings.filled(line, field, format!("remote networks are taken to be connected by a VPN, with routes {routes}"));
}
