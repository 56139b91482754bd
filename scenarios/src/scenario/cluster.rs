//! The cluster of a scenario: the user's file, or a table in the scenario itself.

use super::fargate;
use super::fields::{Errors, Fields, Placed};
use super::network;
use super::settings::{CONTROL_PLANE_ZONES, zone_names};
use super::tree::quoted;
use crate::catalogue::{self, InstanceType, Region, VERSIONS, VERSIONS_OF_EKS};
use crate::problem::did_you_mean;
use sim_eks::plan::{
    Cluster, KubernetesVersion, Network, NodeGroup, NodeSecurity, Note, NoteKind, Taint, TaintEffect, Zone, ZoneId,
};
use std::collections::BTreeMap;

/// Reads a cluster table; what is wrong is noted. `None` if nothing else can be checked against it.
pub(crate) fn inline(
    fields: &Fields,
    network: Option<&Fields>,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Option<Cluster> {
    let mut filled = Filled { notes, file_name: errors.file_name() };
    let region = region(fields, &mut filled, errors)?;
    let version = version(fields, &mut filled, errors);
    let own = zones(fields, region, &mut filled, errors)?;
    let zones = with_control_plane(own, region);
    let layout = network::layout(network, errors);
    let mut vpc = Network::new(&zones, &layout);
    network::declare_groups(network, &mut vpc, errors);
    let mut cluster = Cluster {
        name: fields.text("name").cloned().unwrap_or_default(),
        region: region.name.to_owned(),
        version: version?,
        zones,
        node_groups: Vec::new(),
        fargate_profiles: Vec::new(),
        daemon_sets: catalogue::daemon_sets(),
        network: vpc,
    };
    for group in fields.tables("node_groups").into_iter().flatten() {
        let read = node_group(group, &mut cluster, errors);
        cluster.node_groups.extend(read);
    }
    for profile in fields.tables("fargate_profiles").into_iter().flatten() {
        let read = fargate::profile(profile, &cluster, errors);
        cluster.fargate_profiles.extend(read);
    }
    Some(cluster)
}

struct Filled<'a> {
    notes: &'a mut Vec<Note>,
    file_name: String,
}

impl Filled<'_> {
    /// Notes a key that has its default.
    fn default(&mut self, fields: &Fields, key: &str, value: &str) {
        if !fields.has(key) {
            self.note(fields, key, format!("{value}, as none is given"));
        }
    }

    fn note(&mut self, fields: &Fields, key: &str, text: String) {
        let place = format!("{}:{}", self.file_name, fields.line);
        self.notes.push(Note { kind: NoteKind::Filled, place, field: fields.field(key), text });
    }
}

fn region(fields: &Fields, filled: &mut Filled<'_>, errors: &mut Errors) -> Option<&'static Region> {
    let name = fields.text("region")?;
    filled.default(fields, "region", name);
    let found = catalogue::region(name);
    if found.is_none() {
        let hint = did_you_mean(name, catalogue::region_names());
        let hint = if hint.is_empty() { "; AWS regions look like eu-west-1".to_owned() } else { hint };
        errors.add(
            fields.line_of("region"),
            fields.field("region"),
            format!("found {}, which is no AWS region{hint}", quoted(name)),
        );
    }
    found
}

fn version(fields: &Fields, filled: &mut Filled<'_>, errors: &mut Errors) -> Option<KubernetesVersion> {
    let text = fields.text("version")?;
    filled.default(fields, "version", text);
    let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok()).filter(|minor| VERSIONS.contains(minor));
    if minor.is_none() {
        let problem = format!("found {}; allowed: 1.{} to 1.{}", quoted(text), VERSIONS.start(), VERSIONS.end());
        errors.add(fields.line_of("version"), fields.field("version"), problem);
    }
    if minor.is_some_and(|minor| !VERSIONS_OF_EKS.contains(&minor)) {
        let text = format!(
            "EKS does not run Kubernetes {text} as far as this release knows; it is simulated with the behaviour of today"
        );
        let place = format!("{}:{}", errors.file_name(), fields.line_of("version"));
        filled.notes.push(Note { kind: NoteKind::Warning, place, field: fields.field("version"), text });
    }
    minor.map(|minor| KubernetesVersion { major: 1, minor })
}

/// The names of the cluster's own zones.
fn zones(fields: &Fields, region: &Region, filled: &mut Filled<'_>, errors: &mut Errors) -> Option<Vec<String>> {
    let Some(texts) = fields.texts("zones") else {
        if fields.is_spoilt("zones") {
            return None;
        }
        let names: Vec<String> = region.eligible_zones().into_iter().take(CONTROL_PLANE_ZONES).collect();
        filled.note(fields, "zones", format!("{}, the first zones of the region, as none are given", names.join(", ")));
        return Some(names);
    };
    let mut names: Vec<String> = Vec::new();
    for (index, placed) in texts.iter().enumerate() {
        let field = format!("{}[{index}]", fields.field("zones"));
        let lower = placed.text.to_ascii_lowercase();
        let name =
            region.zones().into_iter().find(|zone| *zone == lower || zone.strip_prefix(region.name) == Some(&lower));
        match name {
            None => {
                let allowed = region.zones().join(", ");
                errors.add(
                    placed.line,
                    field,
                    format!("found {}; the zones of {} are {allowed}", quoted(&placed.text), region.name),
                );
            }
            Some(name) if names.contains(&name) => {
                errors.add(placed.line, field, format!("names the zone {name} twice"))
            }
            Some(name) => names.push(name),
        }
    }
    if texts.len() < 2 {
        errors.add(fields.line_of("zones"), fields.field("zones"), "EKS wants subnets in at least two zones");
        return None;
    }
    (names.len() == texts.len()).then_some(names)
}

/// The cluster's own zones, and others of the region until the control plane has its three.
fn with_control_plane(own: Vec<String>, region: &Region) -> Vec<Zone> {
    let mut zones: Vec<Zone> = own.into_iter().map(|name| Zone { name, in_cluster: true }).collect();
    for name in region.eligible_zones().into_iter().chain(region.zones()) {
        if zones.len() < CONTROL_PLANE_ZONES && zones.iter().all(|zone| zone.name != name) {
            zones.push(Zone { name, in_cluster: false });
        }
    }
    zones
}

fn node_group(fields: &Fields, cluster: &mut Cluster, errors: &mut Errors) -> Option<NodeGroup> {
    let name = fields.text("name").cloned();
    if let Some(name) = &name
        && cluster.node_groups.iter().any(|group| group.name == *name)
    {
        errors.add(
            fields.line_of("name"),
            fields.field("name"),
            format!("there is another node group {}", quoted(name)),
        );
    }
    let instance = instance_type(fields, errors);
    let sizes = sizes(fields, errors);
    let zones = group_zones(fields, cluster, errors);
    let taints = taints(fields, errors);
    let managed = fields.flag("managed").copied();
    let security_groups = security_groups(fields, name.as_ref(), managed, &mut cluster.network, errors);
    let public = !fields.flag("private").copied()?;
    let (instance, [min, desired, max]) = (instance?, sizes?);
    Some(NodeGroup {
        name: name?,
        managed: managed?,
        instance_type: instance.name.to_owned(),
        allocatable: instance.allocatable(instance.max_pods),
        max_pods: instance.max_pods,
        gpus: fields.count("gpus").map_or(0, |gpus| *gpus as u32),
        max_enis: instance.enis,
        ipv4_per_eni: instance.ipv4_per_eni,
        min,
        desired,
        max,
        subnets: cluster.network.subnets_in(zones.as_ref()?, public),
        security_groups: security_groups?,
        zones: zones?,
        labels: text_map(fields, "labels"),
        taints: taints?,
        spot: fields.flag("spot").copied()?,
        usd_per_hour: instance.usd_per_hour(),
        volume_gib: None,
    })
}

fn instance_type(fields: &Fields, errors: &mut Errors) -> Option<&'static InstanceType> {
    let name = fields.text("instance_type")?;
    let found = catalogue::instance_type(name);
    if found.is_none() {
        let hint = did_you_mean(name, catalogue::instance_type_names());
        let problem = format!("found {}, which is no instance type of EC2{hint}", quoted(name));
        errors.add(fields.line_of("instance_type"), fields.field("instance_type"), problem);
    }
    found
}

/// The security groups of a group's nodes: those that the scenario names, or as eksctl makes them.
fn security_groups(
    fields: &Fields,
    name: Option<&String>,
    managed: Option<bool>,
    vpc: &mut Network,
    errors: &mut Errors,
) -> Option<Vec<usize>> {
    match fields.texts("security_groups") {
        Some(names) => network::groups(fields, names, vpc, errors),
        None if fields.is_spoilt("security_groups") => None,
        None => Some(vpc.secure_nodes(name?, &NodeSecurity::new(managed?))),
    }
}

/// The smallest, first and largest number of nodes, in order.
fn sizes(fields: &Fields, errors: &mut Errors) -> Option<[u32; 3]> {
    let count = |key: &str| fields.count(key).map(|count| *count as u32);
    let desired = count("desired")?;
    let min = count("min").unwrap_or(desired);
    let max = count("max").unwrap_or(desired);
    if ["min", "max"].iter().any(|key| fields.is_spoilt(key)) {
        return None;
    }
    let mut refuse = |key: &str, problem: String| errors.add(fields.line_of(key), fields.field(key), problem);
    if max < min {
        refuse("max", format!("{max} is less than min, {min}"));
    } else if desired < min {
        refuse("desired", format!("{desired} is less than min, {min}"));
    } else if desired > max {
        refuse("desired", format!("{desired} is more than max, {max}"));
    } else {
        return Some([min, desired, max]);
    }
    None
}

/// The zones of a node group or a Fargate profile.
pub(crate) fn group_zones(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<Vec<ZoneId>> {
    let own = cluster.zones.iter().filter(|zone| zone.in_cluster).count();
    let Some(texts) = fields.texts("zones") else {
        return (!fields.is_spoilt("zones")).then(|| (0..own as u8).map(ZoneId).collect());
    };
    let mut zones = Vec::new();
    let mut right = true;
    for (index, placed) in texts.iter().enumerate() {
        let found = cluster.zone(&placed.text).filter(|zone| zone.index() < own);
        let problem = match found {
            None => {
                format!("found {}; the cluster's zones are {}", quoted(&placed.text), zone_names(&cluster.zones[..own]))
            }
            Some(zone) if zones.contains(&zone) => format!("names the zone {} twice", quoted(&placed.text)),
            Some(zone) => {
                zones.push(zone);
                continue;
            }
        };
        errors.add(placed.line, format!("{}[{index}]", fields.field("zones")), problem);
        right = false;
    }
    if texts.is_empty() {
        errors.add(
            fields.line_of("zones"),
            fields.field("zones"),
            "names no zone; leave it out for all zones of the cluster",
        );
    }
    (right && !zones.is_empty()).then_some(zones)
}

fn taints(fields: &Fields, errors: &mut Errors) -> Option<Vec<Taint>> {
    let texts = fields.texts("taints").map_or(&[][..], Vec::as_slice);
    let mut taints = Vec::new();
    for (index, placed) in texts.iter().enumerate() {
        match taint(placed) {
            Some(taint) => taints.push(taint),
            None => {
                let problem = format!(
                    "found {}; wanted is key=value:effect or key:effect, the effect NoSchedule, PreferNoSchedule or NoExecute",
                    quoted(&placed.text)
                );
                errors.add(placed.line, format!("{}[{index}]", fields.field("taints")), problem);
            }
        }
    }
    (taints.len() == texts.len() && !fields.is_spoilt("taints")).then_some(taints)
}

fn taint(placed: &Placed) -> Option<Taint> {
    let (pair, effect) = placed.text.rsplit_once(':')?;
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (!key.is_empty()).then_some(Taint { key: key.to_owned(), value: value.to_owned(), effect: taint_effect(effect)? })
}

/// The effect of a taint by its name in Kubernetes.
pub(crate) fn taint_effect(name: &str) -> Option<TaintEffect> {
    match name {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        _ => None,
    }
}

/// A table of texts, by name.
pub(crate) fn text_map(fields: &Fields, key: &str) -> BTreeMap<String, String> {
    fields.leaves(key).into_iter().flatten().map(|leaf| (leaf.path.clone(), leaf.text.clone())).collect()
}
