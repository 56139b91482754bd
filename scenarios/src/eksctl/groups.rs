//! Node groups: names, sizes, zones, labels and taints, each with eksctl's defaults.

use super::document::{Entry, Node, Value, shortened};
use super::fields::joined;
use super::findings::Findings;
use super::group::{Group, list};
use super::instances;
use super::network::{Network, listed_zones};
use super::security;
use crate::problem::did_you_mean;
use sim_eks::plan::{NodeGroup, Taint, TaintEffect, ZoneId};
use std::collections::BTreeMap;

/// Most nodes that a cluster may have: as many as EKS supports.
const NODES_MAX: i64 = 100_000;
/// Most node groups of a cluster: far more than EKS allows.
const GROUPS_MAX: usize = 1000;
/// Most pods that a user may ask a node to hold.
const PODS_MAX: i64 = 1000;
/// Nodes of a group that says nothing of its size (eksctl).
const NODES_DEFAULT: u32 = 2;

/// Reads all node groups. Without a network (the region is wrong) their zones stay empty.
pub(super) fn read(
    root: &Node,
    cluster: &str,
    mut network: Option<&mut Network>,
    findings: &mut Findings<'_>,
) -> Vec<NodeGroup> {
    let mut groups = list(root);
    if groups.len() > GROUPS_MAX {
        findings.error(0, "nodeGroups", format!("found {} node groups; at most {GROUPS_MAX} are read", groups.len()));
        groups.truncate(GROUPS_MAX);
    }
    check_names(&groups, findings);
    let mut read = Vec::new();
    for group in &groups {
        read.push(node_group(group, root, cluster, network.as_deref_mut(), findings));
    }
    note_prices(&read, network.as_deref(), findings);
    let nodes: i64 = read.iter().map(|group| i64::from(group.desired)).sum();
    if nodes > NODES_MAX {
        findings.error(0, "nodeGroups", format!("found {nodes} nodes in all; EKS supports at most {NODES_MAX}"));
    }
    read
}

fn node_group(
    group: &Group<'_>,
    root: &Node,
    cluster: &str,
    network: Option<&mut Network>,
    findings: &mut Findings<'_>,
) -> NodeGroup {
    let (min, desired, max) = sizes(group, findings);
    let places = network.as_deref().map_or_else(Vec::new, |network| places(group, network, root, findings));
    let (zones, subnets) = places.into_iter().unzip();
    let security_groups = network.map(|network| security::groups(group, &mut network.vpc, findings));
    let instance = instances::read(group, findings);
    let max_pods = max_pods(group, instance.instance.max_pods, findings);
    NodeGroup {
        name: group.get("name").and_then(|name| name.node.text()).unwrap_or_default().to_owned(),
        managed: group.managed,
        instance_type: instance.instance.name.to_owned(),
        allocatable: instance.instance.allocatable(max_pods),
        max_pods,
        max_enis: instance.instance.enis,
        ipv4_per_eni: instance.instance.ipv4_per_eni,
        gpus: 0,
        min,
        desired,
        max,
        zones,
        subnets,
        security_groups: security_groups.unwrap_or_default(),
        labels: labels(group, cluster, &instance),
        taints: taints(group, findings),
        spot: instance.spot,
        usd_per_hour: instance.instance.usd_per_hour(),
        volume_gib: volume_gib(group),
    }
}

/// Size of the root volume, GiB, where the file has one.
fn volume_gib(group: &Group<'_>) -> Option<u64> {
    group.get("volumeSize")?.node.integer().and_then(|size| u64::try_from(size).ok())
}

/// Says which node groups have no price of their own in the region, once for the file.
fn note_prices(groups: &[NodeGroup], network: Option<&Network>, findings: &mut Findings<'_>) {
    let Some(region) = network.map(|network| network.region.name) else { return };
    let unpriced = groups.iter().filter(|group| group.usd_per_hour.known(region).is_none());
    let mut types: Vec<&str> = unpriced.map(|group| group.instance_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    if !types.is_empty() {
        let text = format!(
            "the catalogue has no price in {region} for {}; cost takes that of us-east-1 times cost.other_regions",
            types.join(", ")
        );
        findings.filled(0, "metadata.region", text);
    }
}

fn check_names(groups: &[Group<'_>], findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for group in groups {
        let Some(entry) = group.get("name") else {
            findings.error(group.node.line, group.path("name"), "missing; every node group has a name of its own");
            continue;
        };
        let Some(name) = entry.node.text() else { continue };
        if let Some(first) = seen.insert(name, entry.line) {
            let problem = format!("found {name} twice, first on line {first}; every node group has a name of its own");
            findings.error(entry.line, group.path("name"), problem);
        }
        check_name(name, entry.line, &group.path("name"), findings);
    }
}

/// eksctl's rule for names, which become parts of CloudFormation's names.
pub(super) fn check_name(name: &str, line: usize, path: &str, findings: &mut Findings<'_>) {
    if name.is_empty() {
        findings.error(line, path, "empty; a name is wanted");
        return;
    }
    let fits = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fits = fits && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !fits {
        findings.error(line, path, format!("found {}; a name has letters, digits and hyphens only", shortened(name)));
    } else if name.contains(['_', '.']) {
        findings.warning(line, path, format!("found {name}; eksctl takes letters, digits and hyphens only"));
    }
}

/// Smallest, first and largest number of nodes, as eksctl fills them in.
fn sizes(group: &Group<'_>, findings: &mut Findings<'_>) -> (u32, u32, u32) {
    let mut given = |field: &str| {
        let entry = group.get(field)?;
        let size = entry.node.integer()?;
        if !(0..=NODES_MAX).contains(&size) {
            let problem = format!("found {size}; a number of nodes is 0 to {NODES_MAX}");
            findings.error(entry.line, group.path(field), problem);
            return None;
        }
        Some((size as u32, entry.line))
    };
    let (min, desired, max) = (given("minSize"), given("desiredCapacity"), given("maxSize"));
    let line = group.node.line;
    let smallest = min.or(desired).map_or(NODES_DEFAULT, |(size, _)| size);
    let first = desired.map_or(smallest, |(size, _)| size);
    let mut largest = max.or(desired).map_or(smallest, |(size, _)| size);
    if group.managed && largest == 0 {
        largest = 1;
        findings.filled(max.map_or(line, |(_, line)| line), group.path("maxSize"), "1: EKS asks for at least 1");
    } else if max.is_none() {
        let why = if desired.is_some() { "the desired capacity" } else { "the smallest size" };
        findings.filled(line, group.path("maxSize"), format!("{largest}: eksctl takes {why}"));
    }
    if min.is_none() {
        let why = if desired.is_some() { "eksctl takes the desired capacity" } else { "eksctl's default" };
        findings.filled(line, group.path("minSize"), format!("{smallest}: {why}"));
    }
    if desired.is_none() {
        let text = format!("{first}: the group starts with its smallest size");
        findings.filled(line, group.path("desiredCapacity"), text);
    }
    check_sizes(group, min, desired, max, findings);
    (smallest, first, largest)
}

/// A size and its line, if given.
type Size = Option<(u32, usize)>;

fn check_sizes(group: &Group<'_>, min: Size, desired: Size, max: Size, findings: &mut Findings<'_>) {
    if let (Some((desired, line)), Some((min, _))) = (desired, min)
        && desired < min
    {
        let problem = format!("found {desired}, below minSize {min}; allowed are {min} and more");
        findings.error(line, group.path("desiredCapacity"), problem);
    }
    if let (Some((desired, line)), Some((max, _))) = (desired, max)
        && desired > max
    {
        let problem = format!("found {desired}, above maxSize {max}; allowed are {max} and less");
        findings.error(line, group.path("desiredCapacity"), problem);
    }
    match (min, max) {
        (Some((min, _)), Some((max, line))) if max < min => {
            let problem = format!("found {max}, below minSize {min}; allowed are {min} and more");
            findings.error(line, group.path("maxSize"), problem);
        }
        (None, Some((max, line))) if desired.is_none() && max < NODES_DEFAULT => {
            let problem =
                format!("found {max}, below minSize, which is {NODES_DEFAULT} where none is given; give minSize");
            findings.error(line, group.path("maxSize"), problem);
        }
        _ => {}
    }
}

fn max_pods(group: &Group<'_>, of_type: u32, findings: &mut Findings<'_>) -> u32 {
    let Some(entry) = group.get("maxPodsPerNode") else { return of_type };
    match entry.node.integer() {
        Some(0) | None => of_type,
        Some(pods @ 1..=PODS_MAX) => pods as u32,
        Some(pods) => {
            let problem = format!("found {pods}; a node holds 1 to {PODS_MAX} pods");
            findings.error(entry.line, group.path("maxPodsPerNode"), problem);
            of_type
        }
    }
}

/// A zone, and the subnet of the VPC that a group's nodes have there.
type Place = (ZoneId, usize);

/// Where the nodes of a group are.
fn places(group: &Group<'_>, network: &Network, root: &Node, findings: &mut Findings<'_>) -> Vec<Place> {
    check_private_cluster(group, root, findings);
    let local = group.get("localZones").filter(|entry| entry.node.items().count() > 0);
    let named = group.get("availabilityZones").filter(|entry| entry.node.items().count() > 0);
    let subnets = group.get("subnets").filter(|entry| entry.node.items().count() > 0);
    let places = match (local, named, subnets) {
        (_, Some(zones), Some(subnets)) => {
            let problem = "cannot stand beside availabilityZones; the subnets have their zones";
            findings.error(zones.line.max(subnets.line), group.path("subnets"), problem);
            Vec::new()
        }
        (Some(local), Some(zones), None) => {
            let problem = "cannot stand beside availabilityZones";
            findings.error(local.line.max(zones.line), group.path("localZones"), problem);
            Vec::new()
        }
        (Some(entry), None, _) => {
            in_zones(group, network, of_named_zones(group, entry, "localZones", network, findings), findings)
        }
        (None, Some(entry), None) => {
            in_zones(group, network, of_named_zones(group, entry, "availabilityZones", network, findings), findings)
        }
        (None, None, Some(entry)) => of_subnets(group, entry, network, findings),
        (None, None, None) => in_zones(group, network, of_all_subnets(group, network, findings), findings),
    };
    one_for_efa(group, places, network, findings)
}

/// The subnets of a group in these zones, by its kind of networking.
fn in_zones(group: &Group<'_>, network: &Network, zones: Vec<ZoneId>, findings: &mut Findings<'_>) -> Vec<Place> {
    let public = group.truth("privateNetworking") != Some(true);
    let subnets = &network.vpc.subnets;
    let further = zones.iter().filter(|zone| {
        let of_kind = network.subnets.iter().filter(|subnet| subnet.zone == **zone && subnet.public == public);
        of_kind.count() > 1
    });
    for zone in further {
        let name = network.names(&[*zone]);
        let text = format!("of several subnets in {name} the nodes are all in the first one");
        findings.not_modelled(group.node.line, group.path("subnets"), text);
    }
    let place = |zone: ZoneId| {
        let of_kind = network.vpc.subnet_in(zone, public);
        let any = || subnets.iter().position(|subnet| subnet.zone == zone);
        Some((zone, of_kind.or_else(any)?))
    };
    zones.into_iter().filter_map(place).collect()
}

/// eksctl puts the nodes of a group with EFA into one subnet.
fn one_for_efa(
    group: &Group<'_>,
    mut places: Vec<Place>,
    network: &Network,
    findings: &mut Findings<'_>,
) -> Vec<Place> {
    if group.truth("efaEnabled") == Some(true) && places.len() > 1 {
        places.truncate(1);
        let text =
            format!("{}: eksctl puts all nodes with EFA into one subnet, any one", network.names(&[places[0].0]));
        findings.filled(group.node.line, group.path("availabilityZones"), text);
    }
    places
}

fn check_private_cluster(group: &Group<'_>, root: &Node, findings: &mut Findings<'_>) {
    let enabled = root.get("privateCluster").and_then(|private| private.node.get("enabled"));
    if enabled.and_then(|entry| entry.node.truth()) != Some(true) {
        return;
    }
    if group.truth("privateNetworking") != Some(true) {
        let line = group.get("privateNetworking").map_or(group.node.line, |entry| entry.line);
        let problem = "must be true: the cluster is fully private (privateCluster.enabled)";
        findings.error(line, group.path("privateNetworking"), problem);
    }
}

fn of_named_zones(
    group: &Group<'_>,
    entry: &Entry,
    field: &str,
    network: &Network,
    findings: &mut Findings<'_>,
) -> Vec<ZoneId> {
    let local = field == "localZones";
    let path = group.path(field);
    let mut zones = Vec::new();
    for (name, line) in listed_zones(&entry.node, &path, network.region, local, findings) {
        match network.zone(&name) {
            Some(zone) => zones.push(zone),
            None => {
                let of = if local { "localZones names" } else { "the cluster has subnets in" };
                let own = network.names(&network.cluster_zones());
                let known = if local { String::new() } else { format!(" {own}") };
                findings.error(line, path.as_str(), format!("found {name}, which is none of those that {of}{known}"));
            }
        }
    }
    let private = group.truth("privateNetworking") == Some(true);
    let has_subnet =
        |zone: &ZoneId| network.subnets.iter().any(|subnet| subnet.zone == *zone && subnet.public != private);
    if let Some(zone) = zones.iter().find(|zone| !network.subnets.is_empty() && !has_subnet(zone)) {
        let kind = if private { "private" } else { "public" };
        let problem = format!("there is no {kind} subnet in {}{}", network.names(&[*zone]), private_hint(private));
        findings.error(entry.line, path, problem);
    }
    zones
}

fn private_hint(private: bool) -> &'static str {
    if private { "" } else { "; for the private ones set privateNetworking: true" }
}

fn of_subnets(group: &Group<'_>, entry: &Entry, network: &Network, findings: &mut Findings<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (index, item) in entry.node.items() {
        let Some(name) = item.text() else { continue };
        let path = format!("{}[{index}]", group.path("subnets"));
        let Some(place) = of_subnet(group, name, item.line, &path, places.len(), network, findings) else { continue };
        if places.iter().all(|known| known.0 != place.0) {
            places.push(place);
        } else if !places.contains(&place) {
            let zone = network.names(&[place.0]);
            let text = format!("a second subnet in {zone}: the nodes there are all in the first one");
            findings.not_modelled(item.line, path, text);
        }
    }
    places
}

/// The subnet that a group names by its key or its id, and its zone.
fn of_subnet(
    group: &Group<'_>,
    name: &str,
    line: usize,
    path: &str,
    place: usize,
    network: &Network,
    findings: &mut Findings<'_>,
) -> Option<Place> {
    let private = group.truth("privateNetworking") == Some(true);
    let in_zone = |zone: ZoneId| Some((zone, *network.vpc.subnets_in(&[zone], !private).first()?));
    let subnets = network.subnets.iter().enumerate();
    let named = subnets.filter(|(_, subnet)| subnet.name == name || subnet.id.as_deref() == Some(name));
    if let Some((index, subnet)) = named.min_by_key(|(_, subnet)| subnet.public == private) {
        if subnet.public == private && !private {
            let problem = format!("found {name}, a private subnet{}", private_hint(private));
            findings.error(line, path, problem);
        } else if subnet.public == private {
            findings.warning(line, path, format!("{name} is a public subnet, though privateNetworking is set"));
        }
        return Some((subnet.zone, index));
    }
    if let Some(zone) = network.zone(name).filter(|_| network.subnets.is_empty()) {
        return in_zone(zone);
    }
    if name.starts_with("subnet-") {
        let own = network.cluster_zones();
        let zone = *own.get(place % own.len().max(1))?;
        let text = format!(
            "{}: the file does not say the zone of {name}; zones are given out in order",
            network.names(&[zone])
        );
        findings.filled(line, path, text);
        return in_zone(zone);
    }
    findings.error(line, path, format!("found {name}; {}", known_subnets(name, network)));
    None
}

fn known_subnets(name: &str, network: &Network) -> String {
    let known = || network.subnets.iter().map(|subnet| subnet.name.as_str());
    let allowed = known().collect::<Vec<_>>().join(", ");
    if allowed.is_empty() {
        return "a subnet's id (subnet-...) is wanted".to_owned();
    }
    format!("vpc.subnets has {allowed}{}", did_you_mean(name, known()))
}

/// The zones of a group that names neither zones nor subnets: those of all subnets of its kind.
fn of_all_subnets(group: &Group<'_>, network: &Network, findings: &mut Findings<'_>) -> Vec<ZoneId> {
    let private = group.truth("privateNetworking") == Some(true);
    if group.get("privateNetworking").is_none() {
        findings.filled(group.node.line, group.path("privateNetworking"), "false: the nodes are in the public subnets");
    }
    if network.subnets.is_empty() {
        return network.cluster_zones();
    }
    let mut zones: Vec<ZoneId> = Vec::new();
    for subnet in network.subnets.iter().filter(|subnet| subnet.public != private) {
        if !zones.contains(&subnet.zone) {
            zones.push(subnet.zone);
        }
    }
    if zones.is_empty() {
        let line = group.get("privateNetworking").map_or(group.node.line, |entry| entry.line);
        let problem = match private {
            true => "is true, but vpc.subnets has public subnets only",
            false => "must be true: vpc.subnets has private subnets only",
        };
        findings.error(line, group.path("privateNetworking"), problem);
    }
    zones
}

/// The file's labels, and those that eksctl, EKS and the kubelet add.
fn labels(group: &Group<'_>, cluster: &str, instance: &instances::Chosen) -> BTreeMap<String, String> {
    let text = |field: &str| group.get(field).and_then(|entry| entry.node.text()).unwrap_or_default();
    let windows = text("amiFamily").to_ascii_lowercase().starts_with("windows");
    let arch = if instance.instance.arm == Some(true) { "arm64" } else { "amd64" };
    let mut added = vec![
        ("alpha.eksctl.io/cluster-name", cluster),
        ("alpha.eksctl.io/nodegroup-name", text("name")),
        ("kubernetes.io/arch", arch),
        ("kubernetes.io/os", if windows { "windows" } else { "linux" }),
        ("node.kubernetes.io/instance-type", instance.instance.name),
    ];
    if group.managed {
        added.push(("eks.amazonaws.com/capacityType", if instance.spot { "SPOT" } else { "ON_DEMAND" }));
        added.push(("eks.amazonaws.com/nodegroup", text("name")));
    }
    let mut labels: BTreeMap<String, String> =
        added.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    for entry in group.get("labels").map_or(&[][..], |entry| entry.node.entries()) {
        labels.insert(entry.key.clone(), entry.node.as_string());
    }
    labels
}

fn taints(group: &Group<'_>, findings: &mut Findings<'_>) -> Vec<Taint> {
    let Some(entry) = group.get("taints") else { return Vec::new() };
    if let Value::Map(_) = entry.node.value {
        return old_taints(group, &entry.node, findings);
    }
    let mut taints = Vec::new();
    for (index, node) in entry.node.items() {
        let path = format!("{}[{index}]", group.path("taints"));
        let text = |field: &str| node.get(field).and_then(|field| field.node.text());
        let Some(key) = text("key") else {
            findings.error(node.line, joined(&path, "key"), "missing; a taint has a key and an effect");
            continue;
        };
        let line = node.get("effect").map_or(node.line, |effect| effect.line);
        let effect = taint_effect(text("effect").unwrap_or_default(), line, &joined(&path, "effect"), findings);
        let value = node.get("value").map_or_else(String::new, |value| value.node.as_string());
        taints.extend(effect.map(|effect| Taint { key: key.to_owned(), value, effect }));
    }
    taints
}

/// Taints as old files have them: `key: value:effect`.
fn old_taints(group: &Group<'_>, node: &Node, findings: &mut Findings<'_>) -> Vec<Taint> {
    let mut taints = Vec::new();
    if group.managed {
        let problem = "found a mapping; managed node groups want a list (`- key: ...`, `effect: ...`)";
        findings.error(node.line, group.path("taints"), problem);
        return taints;
    }
    for entry in node.entries() {
        let text = entry.node.text().unwrap_or_default();
        let (value, effect) = text.rsplit_once(':').unwrap_or(("", text));
        let path = joined(&group.path("taints"), &entry.key);
        if let Some(effect) = taint_effect(effect, entry.line, &path, findings) {
            taints.push(Taint { key: entry.key.clone(), value: value.to_owned(), effect });
        }
    }
    taints
}

fn taint_effect(text: &str, line: usize, path: &str, findings: &mut Findings<'_>) -> Option<TaintEffect> {
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    match text {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        _ => {
            let found = if text.is_empty() { "nothing" } else { text };
            let near = did_you_mean(text, effects.into_iter());
            findings.error(line, path, format!("found {found}; allowed are {}{near}", effects.join(", ")));
            None
        }
    }
}
