//! The network of a scenario: what it changes of the VPC that the cluster has, where its clients are, and the rules of
//! security groups as users write them.

use super::fields::{Errors, Fields, Placed, not_one_of};
use super::settings::zone_names;
use super::tree::quoted;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sim_eks::plan::{
    AwsService, Client, ClientPlace, Cluster, ConnectedNetwork, Connection, EndpointAccess, Family, NatMode, Network,
    Note, NoteKind, Peer, Rule, Subnet, VpcLayout,
};
use std::net::IpAddr;

/// Places that are no names of networks or subnets.
const PLACES: [&str; 4] = ["internet", "public-subnet", "private-subnet", "vpc"];

/// The VPC that a scenario's own cluster is to have.
pub(crate) fn layout(network: Option<&Fields>, errors: &mut Errors) -> VpcLayout {
    let mut layout = VpcLayout::default();
    let Some(fields) = network else { return layout };
    if let Some(text) = fields.text("cidr") {
        match text.parse::<Ipv4Net>() {
            Ok(cidr) if (16..=24).contains(&cidr.prefix_len()) => layout.cidr = cidr.trunc(),
            _ => {
                let problem = format!("found {}; wanted is a range of /16 to /24, such as 10.10.0.0/16", quoted(text));
                errors.add(fields.line_of("cidr"), fields.field("cidr"), problem);
            }
        }
    }
    if fields.text("family").is_some_and(|family| family == "IPv6") {
        layout.family = Family::IPv6;
        layout.access.public_cidrs.push(IpNet::V6(Ipv6Net::default()));
    }
    layout
}

/// Notes the keys that only the scenario's own cluster can follow.
pub(crate) fn note_of_file(network: Option<&Fields>, notes: &mut Vec<Note>, errors: &Errors) {
    let Some(fields) = network else { return };
    for key in ["cidr", "family"].into_iter().filter(|key| fields.has(key)) {
        let place = format!("{}:{}", errors.file_name(), fields.line_of(key));
        let text = "is left as the cluster's file has it".to_owned();
        notes.push(Note { kind: NoteKind::Warning, place, field: fields.field(key), text });
    }
}

/// Makes the groups that the scenario names, without rules yet: node groups, clients and rules may refer to them.
pub(crate) fn declare_groups(network: Option<&Fields>, vpc: &mut Network, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for group in network.and_then(|fields| fields.tables("security_groups")).into_iter().flatten() {
        let Some(name) = group.text("name") else { continue };
        if seen.contains(&name.as_str()) {
            let problem = format!("there is another security group {}", quoted(name));
            errors.add(group.line_of("name"), group.field("name"), problem);
        }
        seen.push(name);
        vpc.group_named(name);
    }
}

/// Connects networks, puts the clients in their places and changes what the VPC has.
pub(crate) fn apply(
    file: &Fields,
    clients: &mut [Client],
    cluster: &mut Cluster,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) {
    let network = file.table("network");
    connect(network, &mut cluster.network, errors);
    place_clients(file, clients, cluster, errors);
    amend(network, &mut cluster.network, notes, errors);
}

/// Connects the networks that the scenario names.
fn connect(network: Option<&Fields>, vpc: &mut Network, errors: &mut Errors) {
    for fields in network.and_then(|fields| fields.tables("connected")).into_iter().flatten() {
        let (Some(name), Some(kind), Some(text)) = (fields.text("name"), fields.text("kind"), fields.text("cidr"))
        else {
            continue;
        };
        if PLACES.contains(&name.as_str()) || vpc.connected.iter().any(|other| other.name == *name) {
            let problem = format!("{} is the name of another network or place", quoted(name));
            errors.add(fields.line_of("name"), fields.field("name"), problem);
        }
        let mut refuse = |problem: String| errors.add(fields.line_of("cidr"), fields.field("cidr"), problem);
        let Ok(cidr) = text.parse::<Ipv4Net>().map(|cidr| cidr.trunc()) else {
            refuse(format!("found {}; wanted is a range such as 172.31.0.0/16", quoted(text)));
            continue;
        };
        let overlaps = |other: Ipv4Net| other.contains(&cidr) || cidr.contains(&other);
        if overlaps(vpc.cidr) {
            refuse(format!("{cidr} overlaps the VPC's own range {}: no route can lead there", vpc.cidr));
        } else if let Some(other) = vpc.connected.iter().find(|other| overlaps(other.cidr)) {
            refuse(format!("{cidr} overlaps {} of {}: no route can lead to both", other.cidr, other.name));
        } else {
            let kind = match kind.as_str() {
                "direct-connect" => Connection::DirectConnect,
                "peering" => Connection::Peering,
                _ => Connection::Vpn,
            };
            vpc.connect(ConnectedNetwork { name: name.clone(), kind, cidr });
        }
    }
}

/// Changes what the VPC has to what the scenario, or a variant of it, says.
pub(crate) fn amend(network: Option<&Fields>, vpc: &mut Network, notes: &mut Vec<Note>, errors: &mut Errors) {
    let Some(fields) = network else { return };
    if let Some(mode) = fields.text("nat") {
        vpc.set_nat(match mode.as_str() {
            "HighlyAvailable" => NatMode::HighlyAvailable,
            "Disable" => NatMode::Disable,
            _ => NatMode::Single,
        });
    }
    if let Some(access) = access(fields, vpc, notes, errors) {
        vpc.access = access;
    }
    if let Some(names) = fields.texts("vpc_endpoints") {
        vpc.vpc_endpoints = services(fields, names, errors);
    }
    if let Some(hostnames) = fields.flag("dns_hostnames") {
        vpc.dns.hostnames = *hostnames;
    }
    if let Some(support) = fields.flag("dns_support") {
        vpc.dns.support = *support;
    }
    for cidr in ranges(fields, "extra_cidrs", errors).into_iter().flatten() {
        vpc.allow_extra_cidr(cidr);
    }
    limit_addresses(fields, vpc, errors);
    add_rules(fields, vpc, errors);
}

/// The access that a table asks for; `None` where it says nothing of it, or is wrong.
pub(crate) fn access(
    fields: &Fields,
    vpc: &Network,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Option<EndpointAccess> {
    if !fields.has("access") && !fields.has("public_access_cidrs") {
        return None;
    }
    let cidrs = public_cidrs(fields, vpc, notes, errors);
    if fields.is_spoilt("access") || fields.is_spoilt("public_access_cidrs") {
        return None;
    }
    let mut access = vpc.access.clone();
    if let Some(mode) = fields.text("access") {
        (access.public, access.private) = mode_of(mode);
    }
    access.public_cidrs = cidrs.unwrap_or(access.public_cidrs);
    if fields.has("public_access_cidrs") && !access.public {
        let place = format!("{}:{}", errors.file_name(), fields.line_of("public_access_cidrs"));
        let field = fields.field("public_access_cidrs");
        let text = "has no effect while public access is off".to_owned();
        notes.push(Note { kind: NoteKind::Warning, place, field, text });
    }
    Some(access)
}

/// Whether a mode has the public and the private endpoint.
fn mode_of(mode: &str) -> (bool, bool) {
    (mode != "private", mode != "public")
}

/// What stands for the addresses of all NAT gateways in a list of ranges.
const NAT_GATEWAYS: &str = "nat-gateways";

/// The ranges that may use the public endpoint, 1 to 40 of them.
fn public_cidrs(fields: &Fields, vpc: &Network, notes: &mut Vec<Note>, errors: &mut Errors) -> Option<Vec<IpNet>> {
    let key = "public_access_cidrs";
    let cidrs = ranges_or(fields, key, errors, |text| {
        let addresses = || vpc.nat_gateways.iter().map(|nat| IpNet::from(nat.address)).collect();
        (text == NAT_GATEWAYS).then(addresses)
    })?;
    let most = EndpointAccess::CIDRS_MAX;
    if cidrs.is_empty() || cidrs.len() > most {
        let problem = format!("found {} ranges; allowed are 1 to {most}, or leave it out for 0.0.0.0/0", cidrs.len());
        errors.add(fields.line_of(key), fields.field(key), problem);
        return None;
    }
    let is_private = |cidr: &&IpNet| matches!(cidr, IpNet::V4(net) if net.network().is_private());
    if let Some(cidr) = cidrs.iter().find(is_private) {
        let place = format!("{}:{}", errors.file_name(), fields.line_of(key));
        let text =
            format!("EKS refuses private ranges such as {cidr}: nobody appears under them at the public endpoint");
        notes.push(Note { kind: NoteKind::Warning, place, field: fields.field(key), text });
    }
    Some(cidrs)
}

/// The address ranges of a list; `None` if it is absent or one of them is wrong.
fn ranges(fields: &Fields, key: &str, errors: &mut Errors) -> Option<Vec<IpNet>> {
    ranges_or(fields, key, errors, |_| None)
}

/// The same, where some words stand for ranges.
fn ranges_or(
    fields: &Fields,
    key: &str,
    errors: &mut Errors,
    word: impl Fn(&str) -> Option<Vec<IpNet>>,
) -> Option<Vec<IpNet>> {
    let (mut ranges, mut is_right) = (Vec::new(), true);
    for (index, placed) in fields.texts(key)?.iter().enumerate() {
        match word(&placed.text).or_else(|| range(&placed.text).map(|range| vec![range])) {
            Some(found) => ranges.extend(found),
            None => {
                let problem = format!("found {}; wanted is a range such as 203.0.113.0/24", quoted(&placed.text));
                errors.add(placed.line, format!("{}[{index}]", fields.field(key)), problem);
                is_right = false;
            }
        }
    }
    is_right.then_some(ranges)
}

/// An address range, or a single address.
fn range(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>().ok().map(|range| range.trunc());
    range.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn services(fields: &Fields, names: &[Placed], errors: &mut Errors) -> Vec<AwsService> {
    let mut services = Vec::new();
    for (index, placed) in names.iter().enumerate() {
        match AwsService::ALL.into_iter().find(|service| service.name() == placed.text) {
            Some(service) => services.push(service),
            None => {
                let problem = not_one_of(&placed.text, AwsService::ALL.map(AwsService::name).into_iter());
                errors.add(placed.line, format!("{}[{index}]", fields.field("vpc_endpoints")), problem);
            }
        }
    }
    services.sort_unstable();
    services.dedup();
    services
}

fn limit_addresses(fields: &Fields, vpc: &mut Network, errors: &mut Errors) {
    for leaf in fields.leaves("free_addresses").into_iter().flatten() {
        let field = format!("{}.{}", fields.field("free_addresses"), leaf.path);
        let Some(index) = vpc.subnets.iter().position(|subnet| subnet.name == leaf.path) else {
            let known = vpc.subnets.iter().map(|subnet| subnet.name.as_str());
            errors.add(leaf.line, field, not_one_of(&leaf.path, known));
            continue;
        };
        let most = Subnet { free: None, ..vpc.subnets[index].clone() }.usable();
        match leaf.text.parse::<u32>() {
            Ok(free) if free <= most => vpc.subnets[index].free = Some(free),
            _ => errors.add(leaf.line, field, format!("found {}; allowed is 0 to {most}", leaf.text)),
        }
    }
}

fn add_rules(fields: &Fields, vpc: &mut Network, errors: &mut Errors) {
    for group in fields.tables("security_groups").into_iter().flatten() {
        let Some(name) = group.text("name") else { continue };
        let Some(index) = vpc.group(name) else {
            let known = vpc.security_groups.iter().map(|group| group.name.as_str());
            errors.add(group.line_of("name"), group.field("name"), not_one_of(name, known));
            continue;
        };
        if let Some(rules) = rules(group, "inbound", "from", vpc, errors) {
            vpc.security_groups[index].inbound.extend(rules);
        }
        if let Some(rules) = rules(group, "outbound", "to", vpc, errors) {
            vpc.security_groups[index].outbound = rules;
        }
    }
}

fn rules(fields: &Fields, key: &str, word: &str, vpc: &Network, errors: &mut Errors) -> Option<Vec<Rule>> {
    let texts = fields.texts(key)?;
    let mut rules = Vec::new();
    for (index, placed) in texts.iter().enumerate() {
        match rule_of(&placed.text, word, vpc, &[]) {
            Ok(rule) => rules.push(rule),
            Err(problem) => errors.add(placed.line, format!("{}[{index}]", fields.field(key)), problem),
        }
    }
    Some(rules)
}

/// The security group and the rule inbound that a change means. The other side may be one of the clients, by its address.
pub(crate) fn change_of_rule(
    fields: &Fields,
    vpc: &Network,
    clients: &[Client],
    errors: &mut Errors,
) -> Option<(usize, Rule)> {
    let (name, text) = (fields.text("group"), fields.text("rule"));
    let group = name.and_then(|name| {
        let found = vpc.group(name);
        if found.is_none() {
            let known = vpc.security_groups.iter().map(|group| group.name.as_str());
            errors.add(fields.line_of("group"), fields.field("group"), not_one_of(name, known));
        }
        found
    });
    let rule = text.and_then(|text| {
        let read = rule_of(text, "from", vpc, clients);
        read.map_err(|problem| errors.add(fields.line_of("rule"), fields.field("rule"), problem)).ok()
    });
    Some((group?, rule?))
}

/// A rule as a user writes it: `443 from 10.0.0.0/8`, `1025-65535 from ControlPlaneSecurityGroup`, `all from web`,
/// `443 from admin host`.
fn rule_of(text: &str, word: &str, vpc: &Network, clients: &[Client]) -> Result<Rule, String> {
    let wanted = || {
        format!(
            "found {}; wanted is a rule such as \"443 {word} 10.0.0.0/8\", \"1025-65535 {word} eks-cluster-sg\" or \"all {word} eks-cluster-sg\"",
            quoted(text)
        )
    };
    let (ports, peer) = text.split_once(&format!(" {word} ")).ok_or_else(wanted)?;
    let (ports, peer) = (ports.trim(), peer.trim());
    let port = |text: &str| text.trim().parse::<u16>().ok();
    let bounds = match ports.split_once('-') {
        _ if ports == "all" => Some((0, u16::MAX)),
        Some((from, to)) => port(from).zip(port(to)).filter(|(from, to)| from <= to),
        None => port(ports).map(|port| (port, port)),
    };
    let (from_port, to_port) = bounds.ok_or_else(wanted)?;
    let client = clients.iter().find(|client| client.name == peer).map(|client| client.place.address());
    let peer = match (range(peer), vpc.group(peer), client) {
        (Some(range), ..) => Peer::Cidr(range),
        (None, Some(group), _) => Peer::Group(group),
        (None, None, Some(address)) => Peer::Cidr(address.into()),
        (None, None, None) => {
            let groups = vpc.security_groups.iter().map(|group| group.name.as_str());
            let known = groups.chain(clients.iter().map(|client| client.name.as_str()));
            let or_client = if clients.is_empty() { "" } else { ", a client" };
            return Err(format!("{}, a security group{or_client} or a range", not_one_of(peer, known)));
        }
    };
    Ok(Rule { from_port, to_port, peer })
}

/// A rule inbound as a user writes it.
pub(crate) fn show_rule(rule: &Rule, vpc: &Network) -> String {
    let ports = match (rule.from_port, rule.to_port) {
        (0, u16::MAX) => "all".to_owned(),
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from}-{to}"),
    };
    let peer = match &rule.peer {
        Peer::Cidr(cidr) => cidr.to_string(),
        Peer::Group(group) => vpc.security_groups[*group].name.clone(),
    };
    format!("{ports} from {peer}")
}

/// Puts the clients outside the cluster where the scenario says; `clients` are those of its list, in its order.
fn place_clients(file: &Fields, clients: &mut [Client], cluster: &mut Cluster, errors: &mut Errors) {
    let listed = file.tables("clients").into_iter().flatten();
    for fields in listed {
        let name = fields.text("name").or_else(|| fields.text("class"));
        let client = name.and_then(|name| clients.iter().position(|client| client.name == *name));
        let Some(index) = client else { continue };
        if let Some(place) = place(fields, &clients[index].name, index as u32, cluster, errors) {
            clients[index].place = place;
        }
    }
}

fn place(fields: &Fields, client: &str, nth: u32, cluster: &mut Cluster, errors: &mut Errors) -> Option<ClientPlace> {
    let name = fields.text("place")?.clone();
    let address = address(fields, errors)?;
    let subnet = subnet_of(fields, &name, cluster, errors);
    let refuse = |key: &str, problem: &str, errors: &mut Errors| {
        if fields.has(key) {
            errors.add(fields.line_of(key), fields.field(key), problem);
        }
    };
    if !PLACES[1..].contains(&name.as_str()) {
        refuse("zone", "has no meaning here: it is for public-subnet, private-subnet and vpc", errors);
    }
    if let Some(subnet) = subnet {
        return in_subnet(fields, client, nth, subnet?, address, &mut cluster.network, errors);
    }
    let place = outside(fields, &name, address, &cluster.network, errors)?;
    refuse("security_groups", "has no meaning outside the VPC", errors);
    Some(place)
}

/// The address of a client; `Some(None)` where none is given.
fn address(fields: &Fields, errors: &mut Errors) -> Option<Option<IpAddr>> {
    let Some(text) = fields.text("address") else { return (!fields.is_spoilt("address")).then_some(None) };
    let address = text.parse::<IpAddr>().ok();
    if address.is_none() {
        let problem = format!("found {}; wanted is an address such as 203.0.113.7", quoted(text));
        errors.add(fields.line_of("address"), fields.field("address"), problem);
    }
    address.map(Some)
}

/// The subnet that a place names; `Some(None)` after an error, `None` where it names none.
fn subnet_of(fields: &Fields, name: &str, cluster: &Cluster, errors: &mut Errors) -> Option<Option<usize>> {
    if !PLACES[1..].contains(&name) {
        let is_outside = name == PLACES[0] || cluster.network.connected.iter().any(|other| other.name == name);
        let found = cluster.network.subnets.iter().position(|subnet| subnet.name == name);
        return found.filter(|_| !is_outside).map(Some);
    }
    let public = name == PLACES[1];
    let own = cluster.zones.iter().filter(|zone| zone.in_cluster).count();
    let zone = fields.text("zone").map_or("first", String::as_str);
    let found = cluster.zone(zone);
    let Some(zone) = found.filter(|zone| zone.index() < cluster.zones.len()) else {
        let names = zone_names(&cluster.zones[..own]);
        let problem = format!("found {}; the cluster's zones are {names}, or \"first\" and \"second\"", quoted(zone));
        errors.add(fields.line_of("zone"), fields.field("zone"), problem);
        return Some(None);
    };
    let other = (name == PLACES[3]).then(|| cluster.network.subnet_in(zone, true)).flatten();
    let subnet = cluster.network.subnet_in(zone, public).or(other);
    if subnet.is_none() {
        let kind = if public { "public" } else { "private" };
        let subnets: Vec<&str> = cluster.network.subnets.iter().map(|subnet| subnet.name.as_str()).collect();
        let zone = &cluster.zones[zone.index()].name;
        let problem = format!("the VPC has no {kind} subnet in {zone}; it has {}", subnets.join(", "));
        errors.add(fields.line_of("place"), fields.field("place"), problem);
    }
    Some(subnet)
}

/// On a host in a subnet. Where the file gives it no security group, it has one of its own.
fn in_subnet(
    fields: &Fields,
    client: &str,
    nth: u32,
    subnet: usize,
    address: Option<IpAddr>,
    vpc: &mut Network,
    errors: &mut Errors,
) -> Option<ClientPlace> {
    let cidr = vpc.subnets[subnet].cidr;
    // From the end: nodes and the interfaces of EKS are given addresses from the beginning.
    let last = u32::from(cidr.broadcast()) - 1;
    let address = address.unwrap_or_else(|| IpAddr::V4(last.saturating_sub(nth).into()));
    let usable = vpc.subnets[subnet].address(0)..=IpAddr::V4(last.into());
    if !usable.contains(&address) {
        let name = &vpc.subnets[subnet].name;
        let problem =
            format!("found {address}; the addresses of {name} ({cidr}) are {} to {}", usable.start(), usable.end());
        errors.add(fields.line_of("address"), fields.field("address"), problem);
        return None;
    }
    let groups = match fields.texts("security_groups") {
        _ if fields.is_spoilt("security_groups") => return None,
        Some(names) => groups(fields, names, vpc, errors)?,
        None => vec![vpc.group_named(&format!("{client}-sg"))],
    };
    Some(ClientPlace::Subnet { subnet, address, groups })
}

/// The security groups of a list of names.
pub(crate) fn groups(fields: &Fields, names: &[Placed], vpc: &Network, errors: &mut Errors) -> Option<Vec<usize>> {
    let mut groups = Vec::new();
    for (index, placed) in names.iter().enumerate() {
        match vpc.group(&placed.text) {
            Some(group) => groups.push(group),
            None => {
                let known = vpc.security_groups.iter().map(|group| group.name.as_str());
                let field = format!("{}[{index}]", fields.field("security_groups"));
                errors.add(placed.line, field, not_one_of(&placed.text, known));
            }
        }
    }
    if names.is_empty() {
        let problem = "names no security group; leave it out, or name one";
        errors.add(fields.line_of("security_groups"), fields.field("security_groups"), problem);
    }
    (groups.len() == names.len() && !groups.is_empty()).then_some(groups)
}

/// On the internet, or in a connected network.
fn outside(
    fields: &Fields,
    name: &str,
    address: Option<IpAddr>,
    vpc: &Network,
    errors: &mut Errors,
) -> Option<ClientPlace> {
    let mut refuse = |key: &str, problem: String| errors.add(fields.line_of(key), fields.field(key), problem);
    if name == PLACES[0] {
        let ClientPlace::Internet(default) = ClientPlace::default() else { return None };
        let address = address.unwrap_or(default);
        if matches!(address, IpAddr::V4(four) if four.is_private()) {
            refuse("address", format!("found {address}, a private address, which nobody on the internet has"));
            return None;
        }
        return Some(ClientPlace::Internet(address));
    }
    let Some(network) = vpc.connected.iter().position(|other| other.name == name) else {
        let connected = vpc.connected.iter().map(|other| other.name.as_str());
        let subnets = vpc.subnets.iter().map(|subnet| subnet.name.as_str());
        refuse("place", not_one_of(name, PLACES.into_iter().chain(connected).chain(subnets)));
        return None;
    };
    let cidr = vpc.connected[network].cidr;
    let default = || IpAddr::V4((u32::from(cidr.network()) | (10 & u32::from(cidr.hostmask()))).into());
    let address = address.unwrap_or_else(default);
    if !IpNet::V4(cidr).contains(&address) {
        refuse("address", format!("found {address}; the range of {name} is {cidr}"));
        return None;
    }
    Some(ClientPlace::Connected { network, address })
}

/// Notes the keys of a place at clients that run on the nodes.
pub(crate) const OF_PLACES: [&str; 4] = ["place", "zone", "address", "security_groups"];
