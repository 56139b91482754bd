//! Zones and subnets: which zones the cluster is in, and which of them a node group can use.

use super::document::{Entry, Node, shortened};
use super::fields::joined;
use super::findings::Findings;
use super::vpc;
use crate::catalogue::{self, Region};
use crate::problem::did_you_mean;
use ipnet::Ipv4Net;
use sim_eks::plan::{Network as Vpc, Zone, ZoneId};

/// Fewest zones, and fewest subnets of a kind, that EKS takes.
const ZONES_MIN: usize = 2;
/// Most subnets that eksctl can cut out of the VPC that it makes.
const SUBNETS_MAX: usize = 16;
/// Most subnets of a kind in a given VPC: AWS allows 200 in a VPC.
const DRAFTS_MAX: usize = 1000;
/// Most zones of one cluster, local zones included: far more than AWS has near any region.
const ZONES_MAX: usize = 64;
/// Zones that hold the control plane.
const CONTROL_PLANE_ZONES: usize = 3;

/// The zones of a cluster, and its subnets if the VPC was there before.
pub(super) struct Network {
    pub region: &'static Region,
    /// The cluster's zones, those that only the control plane uses, local zones: in this order.
    pub zones: Vec<Zone>,
    /// The subnets that the file names; none if eksctl makes the VPC.
    pub subnets: Vec<Given>,
    /// The VPC as the model has it: the subnets that the file names come first in it.
    pub vpc: Vpc,
}

/// A subnet of a VPC that was there before.
pub(super) struct Given {
    /// The key under which the file has it.
    pub name: String,
    pub id: Option<String>,
    pub zone: ZoneId,
    pub public: bool,
    pub cidr: Option<Ipv4Net>,
    pub line: usize,
    pub path: String,
}

/// What a name of a zone turns out to be.
enum ZoneName {
    Zone,
    Local,
}

/// A subnet whose zone is not settled yet.
struct Draft {
    name: String,
    id: Option<String>,
    zone: Option<String>,
    public: bool,
    cidr: Option<Ipv4Net>,
    line: usize,
    path: String,
}

/// Reads the zones and subnets of a cluster in a region.
pub(super) fn read(root: &Node, region: &'static Region, findings: &mut Findings<'_>) -> Network {
    let drafts = subnet_drafts(root, region, findings);
    let mut local_zones = local_zones(root, region, findings);
    let named = zones_named_by_groups(root, region);
    let (zones, drafts) = if drafts.is_empty() {
        (zones_of_new_vpc(root, region, &named, local_zones.len(), findings), Vec::new())
    } else {
        zones_of_subnets(root, region, &named, drafts, findings)
    };
    for zone in drafts.iter().filter_map(|draft| draft.zone.as_ref()) {
        if region.has_local_zone_form(zone) && !local_zones.contains(zone) {
            local_zones.push(zone.clone());
        }
    }
    if zones.len() + local_zones.len() > ZONES_MAX {
        findings.error(0, "vpc.subnets", format!("more than {ZONES_MAX} zones"));
        local_zones.clear();
    }
    let zones = with_control_plane(root, region, zones, local_zones, findings);
    let subnets: Vec<Given> = drafts.into_iter().filter_map(|draft| draft.settled(&zones)).collect();
    let vpc = vpc::build(root, &zones, &subnets, |zone| region.has_local_zone_form(zone), findings);
    Network { region, zones, subnets, vpc }
}

impl Draft {
    fn settled(self, zones: &[Zone]) -> Option<Given> {
        let Draft { name, id, zone, public, cidr, line, path } = self;
        let zone = zone?;
        let zone = ZoneId(zones.iter().position(|known| known.name == zone)? as u8);
        Some(Given { name, id, zone, public, cidr, line, path })
    }
}

impl Network {
    /// The zones in which the cluster has subnets and which are no local zones.
    pub fn cluster_zones(&self) -> Vec<ZoneId> {
        let own = |zone: &Zone| zone.in_cluster && !self.region.has_local_zone_form(&zone.name);
        (0..self.zones.len()).filter(|&index| own(&self.zones[index])).map(|index| ZoneId(index as u8)).collect()
    }

    /// Looks up a zone by its full name.
    pub fn zone(&self, name: &str) -> Option<ZoneId> {
        let index = self.zones.iter().position(|zone| zone.name == name && zone.in_cluster)?;
        Some(ZoneId(index as u8))
    }

    /// The names of zones, for messages.
    pub fn names(&self, zones: &[ZoneId]) -> String {
        zones.iter().map(|zone| self.zones[zone.index()].name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// What a name of a zone is in this region, or what is wrong with it.
fn zone_name(name: &str, region: &Region) -> Result<ZoneName, String> {
    if region.has_zone(name) {
        return Ok(ZoneName::Zone);
    }
    if region.has_local_zone_form(name) {
        return Ok(ZoneName::Local);
    }
    let own = region.zones();
    let allowed = own.join(", ");
    let other = catalogue::region_names().filter_map(catalogue::region).find(|other| other.has_zone(name));
    if let Some(other) = other {
        return Err(format!("found {name}, a zone of {}; the cluster is in {}: {allowed}", other.name, region.name));
    }
    let near = did_you_mean(name, own.iter().map(String::as_str));
    Err(format!("found {name}; the zones of {} are {allowed}{near}", region.name))
}

/// The zones that a list names, checked, none twice, in the file's order. Where `local` differs from what a name is,
/// that is an error.
pub(super) fn listed_zones(
    list: &Node,
    path: &str,
    region: &Region,
    local: bool,
    findings: &mut Findings<'_>,
) -> Vec<(String, usize)> {
    let mut zones: Vec<(String, usize)> = Vec::new();
    for (index, item) in list.items() {
        let Some(name) = item.text() else { continue };
        if findings.is_full() {
            break;
        }
        let field = format!("{path}[{index}]");
        if zones.len() >= ZONES_MAX {
            findings.error(item.line, field, format!("more than {ZONES_MAX} zones"));
            break;
        }
        match (zone_name(name, region), local) {
            (Err(problem), _) => findings.error(item.line, field, problem),
            (Ok(ZoneName::Local), false) => {
                findings.error(item.line, field, format!("found {name}, a local zone; it belongs into localZones"));
            }
            (Ok(ZoneName::Zone), true) => {
                let problem = format!("found {name}, an availability zone; a local zone is wanted: us-west-2-lax-1a");
                findings.error(item.line, field, problem);
            }
            _ if zones.iter().all(|(known, _)| known != name) => zones.push((name.to_owned(), item.line)),
            _ => {}
        }
    }
    zones
}

fn local_zones(root: &Node, region: &Region, findings: &mut Findings<'_>) -> Vec<String> {
    let Some(entry) = root.get("localZones") else { return Vec::new() };
    let zones = listed_zones(&entry.node, "localZones", region, true, findings);
    if !zones.is_empty() {
        let text = "a local zone is run as a zone of its own with the latencies of any other";
        findings.not_modelled(entry.line, "localZones", text);
    }
    zones.into_iter().map(|(zone, _)| zone).collect()
}

/// The zones of the region that node groups name, in the order of their letters.
fn zones_named_by_groups(root: &Node, region: &Region) -> Vec<String> {
    let groups = ["nodeGroups", "managedNodeGroups"].into_iter().filter_map(|kind| root.get(kind));
    let mut zones: Vec<String> = Vec::new();
    for entry in groups {
        for (_, group) in entry.node.items() {
            let Some(list) = group.get("availabilityZones") else { continue };
            let names = list.node.items().filter_map(|(_, item)| item.text());
            zones.extend(names.filter(|name| region.has_zone(name)).map(str::to_owned));
        }
    }
    zones.sort();
    zones.dedup();
    zones
}

/// The zones of a VPC that eksctl makes: the file's, or what eksctl would choose.
fn zones_of_new_vpc(
    root: &Node,
    region: &Region,
    named: &[String],
    local_zones: usize,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let on_outpost = root.get("outpost").is_some();
    let zones = match root.get("availabilityZones") {
        Some(entry) if entry.node.items().count() > 0 => given_zones(entry, region, on_outpost, findings),
        _ if on_outpost => {
            let zone = region.eligible_zones()[0].clone();
            findings.filled(0, "availabilityZones", format!("{zone}: the zone of an Outpost is not in the file"));
            vec![zone]
        }
        _ => chosen_zones(region, named, findings),
    };
    note_new_subnets(root, zones.len() + local_zones, findings);
    zones
}

fn given_zones(entry: &Entry, region: &Region, on_outpost: bool, findings: &mut Findings<'_>) -> Vec<String> {
    let field = "availabilityZones";
    if on_outpost {
        findings.error(entry.line, field, "cannot be given on an Outpost: its zone is the Outpost's");
    }
    let given = entry.node.items().count();
    let zones = listed_zones(&entry.node, field, region, false, findings);
    if given < ZONES_MIN {
        let problem = format!("found {given} zone; EKS needs subnets in at least {ZONES_MIN} zones");
        findings.error(entry.line, field, problem);
    } else if zones.len() == 1 {
        findings.warning(entry.line, field, "one zone, named twice: eksctl takes it, EKS asks for two different zones");
    }
    zones.into_iter().map(|(zone, _)| zone).collect()
}

/// eksctl draws the zones at random; here they are the first by letter, those that node groups name before all others.
fn chosen_zones(region: &Region, named: &[String], findings: &mut Findings<'_>) -> Vec<String> {
    let wanted = if region.name == "us-east-1" { 2 } else { 3 };
    let mut zones: Vec<String> = named.to_vec();
    for zone in region.eligible_zones() {
        if zones.len() < wanted && !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones.sort();
    let eligible = region.eligible_zones().len();
    let how = match eligible < wanted {
        true => format!("eksctl takes all {eligible} that it sees in the region"),
        false => format!("eksctl chooses {wanted} zones at random, here the first by letter"),
    };
    let first = if named.is_empty() { "" } else { ", those that node groups name before all others" };
    let passed = match region.passed_over {
        "" => String::new(),
        letters => format!(" ({}{letters} is passed over, as far as letters tell)", region.name),
    };
    let text = format!("{}: {how}{first}{passed}; letters differ by account", zones.join(", "));
    findings.filled(0, "availabilityZones", text);
    zones
}

/// The subnets that eksctl cuts out of the VPC that it makes: one public and one private one for each zone.
fn note_new_subnets(root: &Node, zones: usize, findings: &mut Findings<'_>) {
    let count = 2 * zones;
    let line = root.get("availabilityZones").or_else(|| root.get("localZones")).map_or(0, |entry| entry.line);
    if count > SUBNETS_MAX {
        let problem =
            format!("found {zones} zones, so {count} subnets; eksctl makes at most {SUBNETS_MAX}, for 8 zones");
        findings.error(line, "availabilityZones", problem);
        return;
    }
    let size = vpc::layout(root, &[]).subnet_prefix(zones);
    let kinds = if vpc::is_fully_private(root) { "one private subnet" } else { "one public and one private subnet" };
    let text = format!("{kinds} for each of {zones} zones, /{size} each, as eksctl makes them");
    findings.filled(0, "vpc.subnets", text);
}

/// The subnets that the file names, with the zones that it gives them.
fn subnet_drafts(root: &Node, region: &Region, findings: &mut Findings<'_>) -> Vec<Draft> {
    let Some(subnets) = root.get("vpc").and_then(|vpc| vpc.node.get("subnets")) else { return Vec::new() };
    let mut drafts = Vec::new();
    for (kind, public) in [("public", true), ("private", false)] {
        let Some(entry) = subnets.node.get(kind) else { continue };
        let path = format!("vpc.subnets.{kind}");
        let count = entry.node.entries().len();
        if count > 0 && count < ZONES_MIN && root.get("outpost").is_none() {
            let problem = format!("found {count} subnet; EKS needs at least {ZONES_MIN} {kind} subnets, or none");
            findings.error(entry.line, path.as_str(), problem);
        }
        if count > DRAFTS_MAX {
            findings.error(entry.line, path.as_str(), format!("found {count} subnets; at most {DRAFTS_MAX} are read"));
        }
        for subnet in entry.node.entries().iter().take(DRAFTS_MAX) {
            drafts.push(subnet_draft(subnet, &path, public, region, findings));
        }
    }
    check_overlaps(&drafts, findings);
    if let (Some(zones), false) = (root.get("availabilityZones"), drafts.is_empty())
        && zones.node.items().count() > 0
    {
        let problem = "cannot stand beside vpc.subnets: the subnets have their zones; leave one of them out";
        findings.error(zones.line, "availabilityZones", problem);
    }
    drafts
}

fn subnet_draft(entry: &Entry, path: &str, public: bool, region: &Region, findings: &mut Findings<'_>) -> Draft {
    let path = joined(path, &entry.key);
    let given = entry.node.get("az");
    let id = entry.node.get("id").and_then(|id| id.node.text()).map(str::to_owned);
    let like_zone = catalogue::region_names().any(|name| {
        let rest = entry.key.strip_prefix(name);
        rest.is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_lowercase())
    });
    let (name, line, field) = match given {
        Some(az) => (az.node.text().map(str::to_owned), az.line, joined(&path, "az")),
        None if like_zone || region.has_local_zone_form(&entry.key) => {
            (Some(entry.key.clone()), entry.line, path.clone())
        }
        None => (None, entry.line, path.clone()),
    };
    if let Some(Err(problem)) = name.as_deref().map(|name| zone_name(name, region)) {
        findings.error(line, field, problem);
    }
    let cidr = subnet_range(entry, &path, findings);
    Draft { name: entry.key.clone(), id, zone: name, public, cidr, line: entry.line, path }
}

/// The range of a given subnet, where the file has it.
fn subnet_range(entry: &Entry, path: &str, findings: &mut Findings<'_>) -> Option<Ipv4Net> {
    let cidr = entry.node.get("cidr")?;
    let text = cidr.node.text()?;
    let range = text.parse::<Ipv4Net>().ok().filter(|range| (16..=28).contains(&range.prefix_len()));
    if range.is_none() {
        let problem = format!("found {}; a range of /16 to /28 is wanted: 10.10.0.0/19", shortened(text));
        findings.error(cidr.line, joined(path, "cidr"), problem);
    }
    range.map(|range| range.trunc())
}

/// Two subnets of a VPC share no address.
fn check_overlaps(drafts: &[Draft], findings: &mut Findings<'_>) {
    for (index, later) in drafts.iter().enumerate() {
        let Some(range) = later.cidr else { continue };
        let overlaps =
            |earlier: &&Draft| earlier.cidr.is_some_and(|other| other.contains(&range) || range.contains(&other));
        if let Some(earlier) = drafts[..index].iter().find(overlaps) {
            let problem =
                format!("found {range}, which overlaps the range of {} on line {}", earlier.path, earlier.line);
            findings.error(later.line, joined(&later.path, "cidr"), problem);
        }
    }
}

/// The zones of given subnets, in the file's order; subnets without a zone get the region's zones in order.
fn zones_of_subnets(
    root: &Node,
    region: &Region,
    named: &[String],
    mut drafts: Vec<Draft>,
    findings: &mut Findings<'_>,
) -> (Vec<String>, Vec<Draft>) {
    let mut candidates: Vec<String> = named.to_vec();
    for zone in region.eligible_zones() {
        if candidates.len() < CONTROL_PLANE_ZONES && !candidates.contains(&zone) {
            candidates.push(zone);
        }
    }
    for public in [true, false] {
        let mut next = candidates.iter().cycle();
        for draft in drafts.iter_mut().filter(|draft| draft.public == public && draft.zone.is_none()) {
            let zone = next.next().expect("a region has zones").clone();
            let text = format!("{zone}: the file does not say the zone of this subnet; zones are given out in order");
            findings.filled(draft.line, joined(&draft.path, "az"), text);
            draft.zone = Some(zone);
        }
    }
    let mut zones: Vec<String> = Vec::new();
    for zone in drafts.iter().filter_map(|draft| draft.zone.as_ref()) {
        if region.has_zone(zone) && !zones.contains(zone) {
            zones.push(zone.clone());
        }
    }
    // Where no zone is known, each subnet has an error of its own.
    if (1..ZONES_MIN).contains(&zones.len()) && root.get("outpost").is_none() {
        let line = root.get("vpc").map_or(0, |vpc| vpc.line);
        let shown = zones.join(", ");
        findings.error(line, "vpc.subnets", format!("the subnets lie in {shown} only; EKS needs at least two zones"));
    }
    (zones, drafts)
}

/// Adds the zones that only the control plane uses, until it has three, and the local zones at the end.
fn with_control_plane(
    root: &Node,
    region: &Region,
    own: Vec<String>,
    local_zones: Vec<String>,
    findings: &mut Findings<'_>,
) -> Vec<Zone> {
    let line = root.get("availabilityZones").map_or(0, |entry| entry.line);
    if own.len() > CONTROL_PLANE_ZONES {
        let text = format!("the control plane uses three of the {} zones: {}", own.len(), own[..3].join(", "));
        findings.filled(line, "availabilityZones", text);
    }
    let mut zones: Vec<Zone> = own.into_iter().map(|name| Zone { name, in_cluster: true }).collect();
    for name in region.eligible_zones().into_iter().chain([format!("{}-third-zone", region.name)]) {
        if zones.len() >= CONTROL_PLANE_ZONES {
            break;
        }
        if zones.iter().all(|zone| zone.name != name) {
            findings.filled(line, "availabilityZones", control_plane_text(&name, region));
            zones.push(Zone { name, in_cluster: false });
        }
    }
    for name in local_zones {
        zones.push(Zone { name, in_cluster: true });
    }
    zones
}

fn control_plane_text(zone: &str, region: &Region) -> String {
    let why = "EKS runs it in three zones in any case, and the cluster has no subnets there";
    if region.has_zone(zone) {
        return format!("{zone} is used by the control plane only: {why}");
    }
    format!(
        "{zone} stands for a third zone of the control plane, which {} does not show to most accounts: {why}",
        region.name
    )
}
