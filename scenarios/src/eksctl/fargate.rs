//! Fargate profiles: names, selectors, and the private subnets that their pods are in.

use super::document::{Entry, Node, shortened};
use super::findings::Findings;
use super::network::Network;
use sim_eks::plan::{FargateProfile, FargateSelector, ZoneId};
use std::collections::BTreeMap;

/// Reads all Fargate profiles. Without a network (the region is wrong) they have no subnets.
pub(super) fn read(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) -> Vec<FargateProfile> {
    let Some(profiles) = root.get("fargateProfiles") else { return Vec::new() };
    if profiles.node.items().count() > 0
        && network.is_some_and(|network| network.vpc.subnets.iter().all(|subnet| subnet.public))
    {
        let problem = "needs private subnets, and vpc.subnets has public ones only";
        findings.error(profiles.line, "fargateProfiles", problem);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut read = Vec::new();
    for (index, profile) in profiles.node.items() {
        let path = format!("fargateProfiles[{index}]");
        let name = name(profile, &path, &mut seen, findings);
        let selectors = selectors(profile, &path, findings);
        let places = network.map_or_else(Vec::new, |network| places(profile, &path, network, findings));
        let (zones, subnets) = places.into_iter().unzip();
        read.push(FargateProfile { name, selectors, zones, subnets });
    }
    read
}

fn name<'a>(profile: &'a Node, path: &str, seen: &mut BTreeMap<&'a str, usize>, findings: &mut Findings<'_>) -> String {
    let path = format!("{path}.name");
    let Some((name, line)) = profile.get("name").and_then(|name| Some((name.node.text()?, name.line))) else {
        findings.error(profile.line, path, "missing; every Fargate profile has a name");
        return String::new();
    };
    if name.starts_with("eks-") {
        findings.error(line, path, format!("found {name}; AWS keeps names with eks- for itself"));
    } else if let Some(first) = seen.insert(name, line) {
        findings.error(line, path, format!("found {name} twice, first on line {first}"));
    }
    name.to_owned()
}

fn selectors(profile: &Node, path: &str, findings: &mut Findings<'_>) -> Vec<FargateSelector> {
    let path = format!("{path}.selectors");
    let selectors = profile.get("selectors");
    let line = selectors.map_or(profile.line, |entry| entry.line);
    let count = selectors.map_or(0, |entry| entry.node.items().count());
    if !(1..=FargateProfile::SELECTORS_MAX).contains(&count) {
        let most = FargateProfile::SELECTORS_MAX;
        let problem = format!("found {count} selectors; a Fargate profile has 1 to {most}");
        findings.error(line, path.as_str(), problem);
    }
    let mut read = Vec::new();
    for (index, selector) in selectors.into_iter().flat_map(|entry| entry.node.items()) {
        let Some(namespace) = selector.get("namespace") else {
            let field = format!("{path}[{index}].namespace");
            findings.error(selector.line, field, "missing; a selector names a namespace");
            continue;
        };
        let labels = selector.get("labels").map_or(&[][..], |entry| entry.node.entries());
        let labels = labels.iter().map(|entry| (entry.key.clone(), entry.node.as_string())).collect();
        read.push(FargateSelector { namespace: namespace.node.as_string(), labels });
    }
    read
}

/// A zone, and the private subnet of the VPC that the pods have there.
type Place = (ZoneId, usize);

/// Where the pods of a profile are: in the subnets that it names, or in all private ones.
fn places(profile: &Node, path: &str, network: &Network, findings: &mut Findings<'_>) -> Vec<Place> {
    let subnets = profile.get("subnets").filter(|entry| entry.node.items().count() > 0);
    let Some(entry) = subnets else {
        let zones = network.cluster_zones().into_iter();
        return zones.filter_map(|zone| Some((zone, network.vpc.subnet_in(zone, false)?))).collect();
    };
    of_subnets(entry, path, network, findings)
}

fn of_subnets(entry: &Entry, path: &str, network: &Network, findings: &mut Findings<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (index, item) in entry.node.items() {
        let Some(name) = item.text() else { continue };
        let path = format!("{path}.subnets[{index}]");
        let Some(place) = of_subnet(name, item.line, &path, places.len(), network, findings) else { continue };
        if places.iter().all(|known| known.0 != place.0) {
            places.push(place);
        } else if !places.contains(&place) {
            let zone = network.names(&[place.0]);
            findings.not_modelled(
                item.line,
                path,
                format!("a second subnet in {zone}: the pods there are all in the first one"),
            );
        }
    }
    places
}

/// The subnet that a profile names by its id or its key, and its zone.
fn of_subnet(
    name: &str,
    line: usize,
    path: &str,
    place: usize,
    network: &Network,
    findings: &mut Findings<'_>,
) -> Option<Place> {
    let is_named = |name: &str, index: usize| {
        network.subnets[index].name == name || network.subnets[index].id.as_deref() == Some(name)
    };
    let named = (0..network.subnets.len()).filter(|index| is_named(name, *index));
    if let Some(index) = named.min_by_key(|index| network.subnets[*index].public) {
        let subnet = &network.subnets[index];
        if subnet.public {
            let problem = format!("found {name}, a public subnet; Fargate takes private ones only");
            findings.error(line, path, problem);
            return None;
        }
        return Some((subnet.zone, index));
    }
    if !name.starts_with("subnet-") {
        let known = network.subnets.iter().filter(|subnet| !subnet.public).map(|subnet| subnet.name.as_str());
        let known = known.collect::<Vec<_>>().join(", ");
        let wanted = match known.is_empty() {
            true => "a subnet's id (subnet-...) is wanted".to_owned(),
            false => format!("the private subnets in vpc.subnets are {known}"),
        };
        findings.error(line, path, format!("found {}; {wanted}", shortened(name)));
        return None;
    }
    let own = network.cluster_zones();
    let zone = *own.get(place % own.len().max(1))?;
    let text =
        format!("{}: the file does not say the zone of {name}; zones are given out in order", network.names(&[zone]));
    findings.filled(line, path, text);
    Some((zone, network.vpc.subnet_in(zone, false)?))
}
