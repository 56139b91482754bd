//! What is checked although the model does not use it yet: the API endpoint, NAT, address ranges, Auto Mode,
//! Karpenter, Outposts, add-ons. Contradictions that eksctl refuses are errors where they touch the architecture; all
//! others are warnings.

use super::document::{Entry, Node, documents, shortened};
use super::findings::Findings;
use super::group;
use super::network::Network;
use super::vpc::{family, has_subnets, inner, is_fully_private, range, texts, truth};
use crate::problem::did_you_mean;
use ipnet::{IpNet, Ipv4Net};
use sim_eks::plan::{EndpointAccess, Family};
use std::path::Path;

/// Security groups that a control plane may have beside the cluster's own (EKS quotas).
const CONTROL_PLANE_GROUPS_MAX: usize = 4;

/// Checks all of it, and lists the defaults that eksctl fills in.
pub(super) fn check(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) {
    let private = is_fully_private(root);
    check_endpoints(root, private, findings);
    check_private_cluster(root, private, findings);
    check_nat(root, private, findings);
    check_addresses(root, findings);
    check_family(root, findings);
    check_services(root, network, findings);
    check_control_plane(root, network, findings);
    check_security(root, findings);
    check_without_groups(root, findings);
    check_outpost(root, findings);
    check_addons(root, findings);
    note_group_defaults(root, findings);
}

fn enabled(root: &Node, object: &str) -> bool {
    truth(root, object, "enabled") == Some(true)
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

/// What is assumed of the NAT gateways of a given VPC.
const NAT_OF_GIVEN: &str = "one in each zone of its private subnets: what a given VPC has is not in the file";

fn check_nat(root: &Node, private: bool, findings: &mut Findings<'_>) {
    let modes = ["HighlyAvailable", "Single", "Disable"];
    let field = "vpc.nat.gateway";
    let nat = inner(root, "vpc", "nat");
    let Some(gateway) = nat.and_then(|nat| nat.node.get("gateway")) else {
        let text = match (private, has_subnets(root)) {
            (true, _) => "none: the cluster is fully private",
            (false, true) => NAT_OF_GIVEN,
            (false, false) => "Single: eksctl's default, one NAT gateway for all zones",
        };
        findings.filled(nat.map_or(0, |nat| nat.line), field, text);
        return;
    };
    if family(root) == Family::IPv6 {
        findings.error(gateway.line, field, "cannot be given with IPv6: eksctl makes a single NAT gateway then");
        return;
    }
    if has_subnets(root) {
        findings.warning(gateway.line, field, format!("eksctl makes none in a given VPC; taken here: {NAT_OF_GIVEN}"));
    }
    let Some(mode) = gateway.node.text() else { return };
    if !modes.contains(&mode) {
        let near = did_you_mean(mode, modes.into_iter());
        findings.error(gateway.line, field, format!("found {mode}; allowed are {}{near}", modes.join(", ")));
    } else if mode == "HighlyAvailable" && root.get("localZones").is_some() {
        findings.error(gateway.line, field, "found HighlyAvailable; with localZones allowed are Single, Disable");
    }
}

fn check_addresses(root: &Node, findings: &mut Findings<'_>) {
    let subnets = has_subnets(root);
    match inner(root, "vpc", "cidr") {
        Some(cidr) => check_vpc_cidr(cidr, subnets || inner(root, "vpc", "id").is_some(), findings),
        None if !subnets && inner(root, "vpc", "id").is_none() => {
            findings.filled(0, "vpc.cidr", "192.168.0.0/16: eksctl's default");
        }
        None => {}
    }
    for field in ["publicAccessCIDRs", "extraCIDRs", "extraIPv6CIDRs"] {
        let Some(list) = inner(root, "vpc", field) else { continue };
        for (index, item) in list.node.items() {
            let Some(text) = item.text().filter(|text| range(text).is_none()) else {
                continue;
            };
            let problem = format!("found {}; an address range is wanted: 203.0.113.0/24", shortened(text));
            findings.error(item.line, format!("vpc.{field}[{index}]"), problem);
        }
    }
    let listed = texts(root, "vpc", "publicAccessCIDRs").len();
    if listed > EndpointAccess::CIDRS_MAX {
        let line = inner(root, "vpc", "publicAccessCIDRs").map_or(0, |entry| entry.line);
        let problem = format!("found {listed} ranges; EKS takes at most {}", EndpointAccess::CIDRS_MAX);
        findings.error(line, "vpc.publicAccessCIDRs", problem);
    }
}

fn check_family(root: &Node, findings: &mut Findings<'_>) {
    let six = family(root) == Family::IPv6;
    if let Some(extra) = inner(root, "vpc", "extraIPv6CIDRs").filter(|_| !six) {
        findings.error(extra.line, "vpc.extraIPv6CIDRs", "cannot be given in a cluster whose ipFamily is IPv4");
    }
    let own = group::list(root).into_iter().find(|group| !group.managed);
    if let Some(group) = own.filter(|_| six) {
        findings.warning(group.node.line, group.path, "eksctl refuses self-managed node groups in an IPv6 cluster");
    }
    let Some(family) = inner(root, "kubernetesNetworkConfig", "ipFamily") else { return };
    let Some(text) = family.node.text() else { return };
    if !["ipv4", "ipv6"].contains(&text.to_ascii_lowercase().as_str()) {
        let problem = format!("found {}; allowed are IPv4, IPv6", shortened(text));
        findings.error(family.line, "kubernetesNetworkConfig.ipFamily", problem);
    }
}

/// EKS's rules for the range of services: private, /12 to /24, and none of the VPC's.
fn check_services(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) {
    let field = "kubernetesNetworkConfig.serviceIPv4CIDR";
    let Some(entry) = inner(root, "kubernetesNetworkConfig", "serviceIPv4CIDR") else { return };
    let Some(text) = entry.node.text() else { return };
    if family(root) == Family::IPv6 {
        findings.error(entry.line, field, "cannot be given with IPv6: EKS chooses the range then");
        return;
    }
    let found = shortened(text);
    let Some(range) = text.parse::<Ipv4Net>().ok().filter(|range| (12..=24).contains(&range.prefix_len())) else {
        findings.error(entry.line, field, format!("found {found}; a range of /12 to /24 is wanted: 172.20.0.0/16"));
        return;
    };
    if !range.network().is_private() || !range.broadcast().is_private() {
        let problem = format!("found {found}; it must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
        findings.error(entry.line, field, problem);
    }
    let vpc = network.map(|network| network.vpc.cidr);
    if let Some(vpc) = vpc.filter(|vpc| vpc.contains(&range) || range.contains(vpc)) {
        findings.error(entry.line, field, format!("found {found}, which overlaps the VPC's own range {vpc}"));
    }
}

/// Where the control plane may lie.
fn check_control_plane(root: &Node, network: Option<&Network>, findings: &mut Findings<'_>) {
    let field = "vpc.controlPlaneOnPrivateSubnets";
    let on_private = inner(root, "vpc", "controlPlaneOnPrivateSubnets");
    let on_private = on_private.filter(|entry| entry.node.truth() == Some(true));
    let ids = inner(root, "vpc", "controlPlaneSubnetIDs").filter(|ids| ids.node.items().count() > 0);
    if let (Some(entry), Some(ids)) = (on_private, ids) {
        findings.error(entry.line.max(ids.line), field, "cannot stand beside vpc.controlPlaneSubnetIDs");
    }
    let Some(network) = network else { return };
    let none = !network.subnets.is_empty() && network.subnets.iter().all(|subnet| subnet.public);
    if let Some(entry) = on_private.filter(|_| none) {
        findings.error(entry.line, field, "is true, but vpc.subnets has public subnets only");
    }
    let zones = network.vpc.control_plane_zones().len();
    if let Some(ids) = ids.filter(|_| zones < 2) {
        let problem = "the subnets lie in one zone; EKS needs subnets in at least two zones";
        findings.error(ids.line, "vpc.controlPlaneSubnetIDs", problem);
    }
    let given = inner(root, "vpc", "id").filter(|_| network.vpc.access.private);
    if let Some(id) = given {
        let text = "enableDnsHostnames and enableDnsSupport are taken to be on, as the private endpoint needs them";
        findings.filled(id.line, "vpc.id", text);
    }
}

fn check_security(root: &Node, findings: &mut Findings<'_>) {
    let field = "vpc.controlPlaneSecurityGroupIDs";
    let listed = inner(root, "vpc", "controlPlaneSecurityGroupIDs");
    let count = listed.map_or(0, |list| list.node.items().count());
    if let (Some(single), true) = (inner(root, "vpc", "securityGroup"), count > 0) {
        findings.error(single.line, "vpc.securityGroup", format!("cannot stand beside {field}"));
    }
    if count > CONTROL_PLANE_GROUPS_MAX {
        let problem = format!("found {count} security groups; EKS takes at most {CONTROL_PLANE_GROUPS_MAX}");
        findings.error(listed.map_or(0, |list| list.line), field, problem);
    }
    let manage = inner(root, "vpc", "manageSharedNodeSecurityGroupRules");
    let unmanaged = manage.filter(|manage| manage.node.truth() == Some(false));
    if let (Some(entry), None) = (unmanaged, inner(root, "vpc", "sharedNodeSecurityGroup")) {
        let problem = "must be true where eksctl makes the security group (no vpc.sharedNodeSecurityGroup is given)";
        findings.error(entry.line, "vpc.manageSharedNodeSecurityGroupRules", problem);
    }
}

fn check_vpc_cidr(cidr: &Entry, given: bool, findings: &mut Findings<'_>) {
    let Some(text) = cidr.node.text() else { return };
    match range(text) {
        Some(IpNet::V4(range)) if given || (16..=24).contains(&range.prefix_len()) => {}
        Some(IpNet::V4(range)) => {
            let problem = format!("found /{}; eksctl makes VPCs of /16 to /24", range.prefix_len());
            findings.error(cidr.line, "vpc.cidr", problem);
        }
        _ => {
            let problem = format!("found {}; an address range is wanted: 10.10.0.0/16", shortened(text));
            findings.error(cidr.line, "vpc.cidr", problem);
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
            findings.filled(line, group.path("volumeSize"), "80 GiB: eksctl's default (cost.volume_gib)");
        }
        if group.get("volumeType").is_none() && group.get("launchTemplate").is_none() {
            findings.filled(
                line,
                group.path("volumeType"),
                "gp3 (3,000 IOPS, 125 MiB/s): eksctl's default; its price is the only effect",
            );
        }
    }
}
