//! What is checked although the model does not use it yet: the API endpoint, NAT, address ranges, Fargate, Auto Mode,
//! Karpenter, Outposts, add-ons. Contradictions that eksctl refuses are errors where they touch the architecture; all
//! others are warnings.

use super::document::{Entry, Node, documents, shortened};
use super::findings::Findings;
use super::group;
use super::network::Network;
use crate::problem::did_you_mean;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Selectors that a Fargate profile may have.
const SELECTORS_MAX: usize = 5;

/// Checks all of it, and lists the defaults that eksctl fills in.
pub(super) fn check(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) {
    let private = enabled(root, "privateCluster");
    check_endpoints(root, private, findings);
    check_private_cluster(root, private, findings);
    check_nat(root, private, findings);
    check_addresses(root, findings);
    check_fargate(root, network, findings);
    check_without_groups(root, findings);
    check_outpost(root, findings);
    check_addons(root, findings);
    note_group_defaults(root, findings);
}

/// A field two levels down: `vpc.nat`.
fn inner<'a>(root: &'a Node, outer: &str, field: &str) -> Option<&'a Entry> {
    root.get(outer).and_then(|entry| entry.node.get(field))
}

fn enabled(root: &Node, object: &str) -> bool {
    inner(root, object, "enabled").and_then(|entry| entry.node.truth()) == Some(true)
}

fn check_endpoints(root: &Node, private: bool, findings: &mut Findings<'_>) {
    let field = "vpc.clusterEndpoints";
    let endpoints = inner(root, "vpc", "clusterEndpoints");
    let half = |name: &str| endpoints.and_then(|entry| entry.node.get(name));
    let truth = |name: &str| half(name).and_then(|entry| entry.node.truth());
    let line = endpoints.map_or(0, |entry| entry.line);
    if private {
        if let Some(entry) = half("publicAccess").or(half("privateAccess")) {
            let path = format!("{field}.{}", entry.key);
            findings.error(entry.line, path, "cannot be given: a fully private cluster has the private endpoint only");
        }
        findings.filled(line, field, "private only: the cluster is fully private (privateCluster.enabled)");
        return;
    }
    if root.get("outpost").is_some() {
        findings.filled(line, field, "private only: the control plane is on an Outpost");
        return;
    }
    if truth("publicAccess") == Some(false) && truth("privateAccess") != Some(true) {
        let why = if half("privateAccess").is_some() { "" } else { " (privateAccess is off where it is not given)" };
        findings.error(line, field, format!("both endpoints are off{why}; switch one on, or nobody reaches the API"));
    }
    for (name, value) in [("publicAccess", "true"), ("privateAccess", "false")] {
        if half(name).is_none() {
            findings.filled(line, format!("{field}.{name}"), format!("{value}: eksctl's default"));
        }
    }
}

fn check_private_cluster(root: &Node, private: bool, findings: &mut Findings<'_>) {
    let Some(entry) = root.get("privateCluster").filter(|_| private) else { return };
    let given = inner(root, "vpc", "subnets");
    let none =
        given.is_none_or(|subnets| subnets.node.get("private").is_none_or(|kind| kind.node.entries().is_empty()));
    if let Some(id) = inner(root, "vpc", "id").filter(|_| none) {
        findings.error(
            id.line,
            "vpc.subnets.private",
            "missing; a fully private cluster in a given VPC needs its private subnets",
        );
    }
    if let Some(zones) = root.get("localZones") {
        findings.error(zones.line, "localZones", "cannot be used in a fully private cluster");
    }
    let Some(services) = entry.node.get("additionalEndpointServices") else { return };
    let field = "privateCluster.additionalEndpointServices";
    if entry.node.get("skipEndpointCreation").and_then(|skip| skip.node.truth()) == Some(true) {
        findings.error(services.line, field, "cannot stand beside skipEndpointCreation: true");
    }
    let known = ["autoscaling", "cloudformation", "logs"];
    for (index, item) in services.node.items() {
        let Some(name) = item.text().filter(|name| !known.contains(name)) else {
            continue;
        };
        let near = did_you_mean(name, known.into_iter());
        let problem = format!("found {}; allowed are {}{near}", shortened(name), known.join(", "));
        findings.error(item.line, format!("{field}[{index}]"), problem);
    }
}

fn check_nat(root: &Node, private: bool, findings: &mut Findings<'_>) {
    let modes = ["HighlyAvailable", "Single", "Disable"];
    let field = "vpc.nat.gateway";
    let nat = inner(root, "vpc", "nat");
    let Some(gateway) = nat.and_then(|nat| nat.node.get("gateway")) else {
        let subnets = inner(root, "vpc", "subnets").is_some_and(|subnets| !subnets.node.entries().is_empty());
        let text = match (private, subnets) {
            (true, _) => "none: the cluster is fully private",
            (false, true) => "as the given VPC has it: eksctl makes none there",
            (false, false) => "Single: eksctl's default, one NAT gateway for all zones",
        };
        findings.filled(nat.map_or(0, |nat| nat.line), field, text);
        return;
    };
    let Some(mode) = gateway.node.text() else { return };
    if !modes.contains(&mode) {
        let near = did_you_mean(mode, modes.into_iter());
        findings.error(gateway.line, field, format!("found {mode}; allowed are {}{near}", modes.join(", ")));
    } else if mode == "HighlyAvailable" && root.get("localZones").is_some() {
        findings.error(gateway.line, field, "found HighlyAvailable; with localZones allowed are Single, Disable");
    }
}

fn check_addresses(root: &Node, findings: &mut Findings<'_>) {
    let subnets = inner(root, "vpc", "subnets").is_some_and(|subnets| !subnets.node.entries().is_empty());
    match inner(root, "vpc", "cidr") {
        Some(cidr) => check_vpc_cidr(cidr, subnets || inner(root, "vpc", "id").is_some(), findings),
        None if !subnets && inner(root, "vpc", "id").is_none() => {
            findings.filled(0, "vpc.cidr", "192.168.0.0/16: eksctl's default");
        }
        None => {}
    }
    for field in ["publicAccessCIDRs", "extraCIDRs"] {
        let Some(list) = inner(root, "vpc", field) else { continue };
        for (index, item) in list.node.items() {
            let Some(text) = item.text().filter(|text| prefix_of(text).is_none()) else {
                continue;
            };
            let problem = format!("found {}; an address range is wanted: 203.0.113.0/24", shortened(text));
            findings.error(item.line, format!("vpc.{field}[{index}]"), problem);
        }
    }
    let Some(family) = inner(root, "kubernetesNetworkConfig", "ipFamily") else { return };
    let Some(text) = family.node.text() else { return };
    if !["ipv4", "ipv6"].contains(&text.to_ascii_lowercase().as_str()) {
        let problem = format!("found {}; allowed are IPv4, IPv6", shortened(text));
        findings.error(family.line, "kubernetesNetworkConfig.ipFamily", problem);
    }
}

fn check_vpc_cidr(cidr: &Entry, given: bool, findings: &mut Findings<'_>) {
    let Some(text) = cidr.node.text() else { return };
    match prefix_of(text) {
        None => {
            let problem = format!("found {}; an address range is wanted: 10.10.0.0/16", shortened(text));
            findings.error(cidr.line, "vpc.cidr", problem);
        }
        Some(16..=24) => {}
        Some(_) if given => {}
        Some(prefix) => {
            findings.error(cidr.line, "vpc.cidr", format!("found /{prefix}; eksctl makes VPCs of /16 to /24"));
        }
    }
}

/// The length of the prefix of an address range, if it is one.
fn prefix_of(text: &str) -> Option<u8> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok()?;
    let bits = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => 32,
        (_, Ok(_)) => 128,
        _ => return None,
    };
    (prefix <= bits).then_some(prefix)
}

fn check_fargate(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) {
    let Some(profiles) = root.get("fargateProfiles") else { return };
    let subnets = network.map_or(&[][..], |network| &network.subnets);
    if profiles.node.items().count() > 0 && !subnets.is_empty() && subnets.iter().all(|subnet| subnet.public) {
        let problem = "needs private subnets, and vpc.subnets has public ones only";
        findings.error(profiles.line, "fargateProfiles", problem);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, profile) in profiles.node.items() {
        let path = format!("fargateProfiles[{index}]");
        match profile.get("name").and_then(|name| Some((name.node.text()?, name.line))) {
            None => findings.error(profile.line, format!("{path}.name"), "missing; every Fargate profile has a name"),
            Some((name, line)) if name.starts_with("eks-") => {
                findings.error(
                    line,
                    format!("{path}.name"),
                    format!("found {name}; AWS keeps names with eks- for itself"),
                );
            }
            Some((name, line)) => {
                if let Some(first) = seen.insert(name, line) {
                    findings.error(line, format!("{path}.name"), format!("found {name} twice, first on line {first}"));
                }
            }
        }
        check_selectors(profile, &path, findings);
    }
}

fn check_selectors(profile: &Node, path: &str, findings: &mut Findings<'_>) {
    let path = format!("{path}.selectors");
    let selectors = profile.get("selectors");
    let line = selectors.map_or(profile.line, |entry| entry.line);
    let count = selectors.map_or(0, |entry| entry.node.items().count());
    if !(1..=SELECTORS_MAX).contains(&count) {
        let problem = format!("found {count} selectors; a Fargate profile has 1 to {SELECTORS_MAX}");
        findings.error(line, path.as_str(), problem);
    }
    for (index, selector) in selectors.into_iter().flat_map(|entry| entry.node.items()) {
        if selector.get("namespace").is_none() {
            let field = format!("{path}[{index}].namespace");
            findings.error(selector.line, field, "missing; a selector names a namespace");
        }
    }
}

/// Clusters whose pods would run elsewhere than on node groups.
fn check_without_groups(root: &Node, findings: &mut Findings<'_>) {
    let groups = group::list(root);
    if enabled(root, "autoModeConfig") {
        let line = root.get("autoModeConfig").map_or(0, |entry| entry.line);
        if !groups.is_empty() {
            let text = "eksctl refuses node groups beside Auto Mode when it creates a cluster";
            findings.warning(line, "autoModeConfig.enabled", text);
        }
    }
    if let Some(karpenter) = root.get("karpenter") {
        if karpenter.node.get("version").is_none() {
            findings.error(karpenter.line, "karpenter.version", "missing; eksctl installs the version that is named");
        }
        let oidc = inner(root, "iam", "withOIDC").and_then(|entry| entry.node.truth());
        if oidc != Some(true) {
            findings.warning(karpenter.line, "iam.withOIDC", "not true: eksctl refuses Karpenter without it");
        }
    }
}

fn check_outpost(root: &Node, findings: &mut Findings<'_>) {
    let Some(outpost) = root.get("outpost") else { return };
    let text = "the control plane on an Outpost is run as one in the region: three zones, managed by EKS";
    findings.warning(outpost.line, "outpost", text);
    if outpost.node.get("controlPlaneOutpostARN").is_none() {
        findings.error(outpost.line, "outpost.controlPlaneOutpostARN", "missing; it names the Outpost");
    }
    for field in ["managedNodeGroups", "fargateProfiles", "karpenter", "addons"] {
        if let Some(entry) = root.get(field).filter(|entry| field == "karpenter" || entry.node.items().count() > 0) {
            findings.error(entry.line, field, "not supported on Outposts");
        }
    }
}

fn check_addons(root: &Node, findings: &mut Findings<'_>) {
    let Some(addons) = root.get("addons") else { return };
    for (index, addon) in addons.node.items() {
        let path = format!("addons[{index}]");
        let Some(name) = addon.get("name").and_then(|name| name.node.text()) else {
            findings.error(addon.line, format!("{path}.name"), "missing; every add-on has a name");
            continue;
        };
        let Some(values) = addon.get("configurationValues") else { continue };
        let text = values.node.text().unwrap_or_default();
        let field = format!("{path}.configurationValues");
        if documents(Path::new(""), text).is_err() {
            findings.warning(values.line, field, "neither YAML nor JSON: EKS will refuse it");
        } else if name.eq_ignore_ascii_case("vpc-cni") && text.contains("ENABLE_PREFIX_DELEGATION") {
            let text = "prefix delegation may let nodes hold more pods; max pods stay as with single addresses";
            findings.not_modelled(values.line, field, text);
        }
    }
}

/// The defaults of node groups that the model does not use yet.
fn note_group_defaults(root: &Node, findings: &mut Findings<'_>) {
    for group in group::list(root) {
        let line = group.node.line;
        if group.get("amiFamily").is_none() {
            findings.filled(line, group.path("amiFamily"), "AmazonLinux2023: eksctl's default; no effect yet");
        }
        if group.get("volumeSize").is_none() && group.get("launchTemplate").is_none() {
            findings.filled(line, group.path("volumeSize"), "80 GiB: eksctl's default; no effect yet");
        }
        if group.get("volumeType").is_none() && group.get("launchTemplate").is_none() {
            findings.filled(
                line,
                group.path("volumeType"),
                "gp3 (3,000 IOPS, 125 MiB/s): eksctl's default; no effect yet",
            );
        }
    }
}
