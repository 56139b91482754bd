//! What fails and what is changed, and when, on the plan's own cluster.

use super::fields::{Errors, Fields, not_one_of};
use super::network;
use super::settings::{CONTROL_PLANE_ZONES, zone_names};
use super::times;
use super::tree::quoted;
use sim_eks::Parameters;
use sim_eks::parameters::Value as _;
use sim_eks::plan::{
    AwsService, Change, Client, Cluster, Deployment, MemberChoice, Network, Note, NoteKind, PartitionTarget, Step,
    StorageChange, StsTrouble, Variant, Webhook, WebhookTrouble, WorkloadClient, ZoneId,
};
use sim_eks::quantity::show_duration;
use sim_kernel::{Law, SimDuration, SimTime};

/// Beyond this loss TCP's pauses reach the times after which clients give a connection up, which is not modelled.
const LOSS_MAX: f64 = 0.2;

/// Beyond this latency a ping's round trip comes near the time for which a client waits for its answer.
const LATENCY_MAX_S: f64 = 2.0;

/// What steps refer to.
pub(crate) struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub deployments: &'a [Deployment],
    pub workloads: &'a [WorkloadClient],
    pub webhooks: &'a [Webhook],
    pub clients: &'a [Client],
    pub variants: &'a [Variant],
    pub duration: SimDuration,
    pub warm_up: SimDuration,
}

/// A step, and where it was written.
struct Written {
    step: Step,
    line: usize,
    field: String,
    /// Whether it changes the access and leaves the ranges of the public endpoint as they are.
    keeps_ranges: bool,
}

/// Reads faults and changes, in the order of their times; what is wrong is noted.
pub(crate) fn resolve(file: &Fields, stage: &Stage<'_>, notes: &mut Vec<Note>, errors: &mut Errors) -> Vec<Step> {
    let mut steps = Vec::new();
    let tables: Vec<&Fields> = ["faults", "changes"].iter().filter_map(|key| file.tables(key)).flatten().collect();
    let times = times::resolve(&tables, errors);
    for (fields, at) in tables.into_iter().zip(times) {
        let at = at.and_then(|at| time(fields, at, stage, notes, errors));
        let change = change(fields, stage, notes, errors);
        if let (Some(at), Some(change)) = (at, change) {
            let keeps_ranges = !fields.has("public_access_cidrs");
            let (line, field) = (fields.line, fields.path.clone());
            steps.push(Written { step: Step { at, change }, line, field, keeps_ranges });
        }
    }
    refuse_overlaps(&steps, errors);
    refuse_lost_rules(&steps, stage.cluster, errors);
    steps.sort_by_key(|written| written.step.at);
    keep_ranges(&mut steps, stage.cluster, notes, errors);
    steps.into_iter().map(|written| written.step).collect()
}

/// The time of a step within the run.
fn time(
    fields: &Fields,
    at: SimDuration,
    stage: &Stage<'_>,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Option<SimTime> {
    let key = if fields.has("after") { "after" } else { "at" };
    if at >= stage.duration {
        let problem =
            format!("{} is not before the end of the run at {}", show_duration(at), show_duration(stage.duration));
        errors.add(fields.line_of(key), fields.field(key), problem);
        return None;
    }
    let mut warn = |key: &str, text: String| {
        let place = format!("{}:{}", errors.file_name(), fields.line_of(key));
        notes.push(Note { kind: NoteKind::Warning, place, field: fields.field(key), text });
    };
    if at < stage.warm_up {
        warn(
            key,
            format!("lies in the warm-up of {}: no measure counts what happens then", show_duration(stage.warm_up)),
        );
    }
    if let Some(lasts) = fields.duration("lasts") {
        let rest = SimDuration::from_nanos(stage.duration.as_nanos() - at.as_nanos());
        if *lasts >= rest {
            warn("lasts", "ends after the run: the recovery is not seen".to_owned());
        }
    }
    Some(SimTime::ZERO + at)
}

fn change(fields: &Fields, stage: &Stage<'_>, notes: &mut Vec<Note>, errors: &mut Errors) -> Option<Change> {
    if fields.duration("lasts").is_some_and(|lasts| lasts.as_nanos() == 0) {
        errors.add(
            fields.line_of("lasts"),
            fields.field("lasts"),
            "is nothing; give a duration, or leave it out for good",
        );
        return None;
    }
    let lasts = fields.duration("lasts").copied();
    match fields.variant {
        "zone.power_loss" => {
            Some(Change::ZonePowerLoss { zone: zone(fields, stage.cluster, stage.cluster.zones.len(), errors)?, lasts })
        }
        "apiserver.member_loss" => Some(Change::ApiServerLoss { zone: member(fields, stage.cluster, errors)?, lasts }),
        "apiserver.crash" => Some(Change::ApiServerCrash { zone: member(fields, stage.cluster, errors)? }),
        "etcd.member_loss" => Some(Change::EtcdMemberLoss { zone: member(fields, stage.cluster, errors)?, lasts }),
        "sts.outage" => {
            let refuses = fields.text("answer")? == "refuses";
            let trouble = if refuses { StsTrouble::Refuses } else { StsTrouble::Silent };
            Some(Change::StsTrouble { trouble, lasts })
        }
        "webhook.down" => webhook_down(fields, stage.webhooks, lasts, errors),
        "sts.slow" => Some(Change::StsTrouble { trouble: StsTrouble::Slow(*fields.duration("by")?), lasts }),
        "etcd.partition" => Some(Change::EtcdPartition { target: cut_off(fields, stage.cluster, errors)?, lasts }),
        "etcd.slow_disk" | "etcd.stalled_disk" | "etcd.fill" | "etcd.space_repair" => {
            Some(Change::EtcdStorage { what: storage(fields, stage.cluster, errors)?, lasts })
        }
        "node.stop" => {
            let zone = zone(fields, stage.cluster, stage.cluster.zones.len(), errors)?;
            Some(Change::NodeLoss { zone, share: share(fields, errors)?, lasts })
        }
        "deployment.scale" => {
            let deployment = deployment(fields, stage.deployments, errors)?;
            Some(Change::ScaleDeployment { deployment, replicas: *fields.count("replicas")? as u32 })
        }
        "deployment.update" => {
            let deployment = deployment(fields, stage.deployments, errors)?;
            Some(Change::UpdateDeployment { deployment })
        }
        "workload.load" => {
            let deployment = deployment(fields, stage.deployments, errors)?;
            Some(Change::ChangeLoad { deployment, milli_cpu: *fields.count("cpu")? })
        }
        "node.drain" => {
            let node_group = node_group(fields, stage.cluster, errors)?;
            Some(Change::DrainNodes { node_group, nodes: *fields.count("nodes")? as u32 })
        }
        "node_group.update" => {
            let node_group = node_group(fields, stage.cluster, errors)?;
            if !stage.cluster.node_groups[node_group].managed {
                let problem = "is self-managed; EKS updates managed node groups only";
                errors.add(fields.line_of("node_group"), fields.field("node_group"), problem);
            }
            let (max_unavailable, force) = (*fields.count("max_unavailable")? as u32, *fields.flag("force")?);
            Some(Change::UpdateNodeGroup { node_group, max_unavailable, force })
        }
        "nodes.out_of_service" => {
            Some(Change::OutOfService { zone: zone(fields, stage.cluster, stage.cluster.zones.len(), errors)?, lasts })
        }
        "daemonset.update" => Some(Change::UpdateDaemonSet { daemon_set: daemon_set(fields, stage.cluster, errors)? }),
        "pods.force_delete" => {
            Some(Change::ForceDeletePods { deployment: deployment(fields, stage.deployments, errors)? })
        }
        "zone.impair" => {
            let zone = zone(fields, stage.cluster, stage.cluster.zones.len(), errors);
            let (latency, loss) = (latency(fields, errors), loss(fields, errors));
            Some(Change::ZoneImpairment { zone: zone?, latency: latency?, loss: loss?, lasts })
        }
        "zone.cut_off" => {
            let zone = zone(fields, stage.cluster, stage.cluster.zones.len(), errors)?;
            Some(Change::ZoneCut { zone, internet: *fields.flag("internet")?, lasts })
        }
        "endpoint.access" | "security_group.allow" | "security_group.revoke" | "cluster.delete" => {
            change_of_network(fields, stage, notes, errors)
        }
        "capacity.shortage" => capacity_shortage(fields, stage.cluster, lasts, errors),
        "nat.loss" => nat_loss(fields, stage, lasts, errors),
        "eni.loss" => interface_loss(fields, stage.cluster, lasts, errors),
        "vpc_endpoint.loss" => service_endpoint_loss(fields, stage, lasts, errors),
        "control_plane.upgrade" => Some(Change::UpgradeControlPlane),
        "control_plane.change_tier" => {
            let tier = fields.text("tier")?.parse().expect("one of the words of the format");
            Some(Change::ChangeTier { tier })
        }
        "control_plane.restart" => Some(Change::RestartApiServers),
        "nlb.zonal_shift" => {
            Some(Change::ZonalShift { zone: zone(fields, stage.cluster, CONTROL_PLANE_ZONES, errors)?, lasts })
        }
        "clients.restart" => restart(fields, stage.workloads, errors),
        "node_group.scale" => scale_node_group(fields, stage.cluster, errors),
        _ => None,
    }
}

/// What people change in the VPC and in the ways to the API.
fn change_of_network(fields: &Fields, stage: &Stage<'_>, notes: &mut Vec<Note>, errors: &mut Errors) -> Option<Change> {
    let vpc = &stage.cluster.network;
    match fields.variant {
        "endpoint.access" => Some(Change::EndpointAccess { access: network::access(fields, vpc, notes, errors)? }),
        "cluster.delete" => {
            let name = fields.text("client")?;
            let found = stage.clients.iter().position(|client| client.name == *name);
            if found.is_none() {
                let problem = not_one_of(name, stage.clients.iter().map(|client| client.name.as_str()));
                errors.add(fields.line_of("client"), fields.field("client"), problem);
            }
            found.map(|client| Change::DeleteCluster { client })
        }
        kind => {
            let (group, rule) = network::change_of_rule(fields, vpc, stage.clients, errors)?;
            Some(Change::SecurityRule { group, rule, allow: kind == "security_group.allow" })
        }
    }
}

impl Stage<'_> {
    /// The cluster's network and those of the variants.
    fn networks(&self) -> impl Iterator<Item = &Network> {
        std::iter::once(&self.cluster.network)
            .chain(self.variants.iter().filter_map(|variant| variant.network.as_ref()))
    }
}

fn nat_loss(fields: &Fields, stage: &Stage<'_>, lasts: Option<SimDuration>, errors: &mut Errors) -> Option<Change> {
    let cluster = stage.cluster;
    let zone = match fields.text("zone") {
        Some(_) => Some(zone(fields, cluster, cluster.zones.len(), errors)?),
        None if fields.is_spoilt("zone") => return None,
        None => None,
    };
    let gateways = &cluster.network.nat_gateways;
    if !stage.networks().flat_map(|network| &network.nat_gateways).any(|nat| zone.is_none_or(|zone| zone == nat.zone)) {
        let names: Vec<&str> = gateways.iter().map(|nat| cluster.zones[nat.zone.index()].name.as_str()).collect();
        let problem = match zone {
            Some(zone) if !names.is_empty() => {
                let here = &cluster.zones[zone.index()].name;
                format!("there is no NAT gateway in {here}; there is one in {}", names.join(", "))
            }
            _ => "the VPC has no NAT gateway".to_owned(),
        };
        errors.add(fields.line_of("zone"), fields.field("zone"), problem);
        return None;
    }
    Some(Change::NatLoss { zone, lasts })
}

fn capacity_shortage(
    fields: &Fields,
    cluster: &Cluster,
    lasts: Option<SimDuration>,
    errors: &mut Errors,
) -> Option<Change> {
    let has = |key: &str| fields.text(key).is_some() || fields.is_spoilt(key);
    let at = has("zone").then(|| zone(fields, cluster, cluster.zones.len(), errors));
    let group = has("node_group").then(|| node_group(fields, cluster, errors));
    if at == Some(None) || group == Some(None) {
        return None;
    }
    Some(Change::CapacityShortage { zone: at.flatten(), node_group: group.flatten(), lasts })
}

fn interface_loss(
    fields: &Fields,
    cluster: &Cluster,
    lasts: Option<SimDuration>,
    errors: &mut Errors,
) -> Option<Change> {
    let zone = zone(fields, cluster, cluster.zones.len(), errors)?;
    let zones = cluster.network.control_plane_zones();
    if !zones.contains(&zone) {
        let names: Vec<&str> = zones.iter().map(|zone| cluster.zones[zone.index()].name.as_str()).collect();
        let here = &cluster.zones[zone.index()].name;
        let problem = format!("no interface of EKS can lie in {here}: its subnets are in {}", names.join(", "));
        errors.add(fields.line_of("zone"), fields.field("zone"), problem);
        return None;
    }
    Some(Change::InterfaceLoss { zone, lasts })
}

fn service_endpoint_loss(
    fields: &Fields,
    stage: &Stage<'_>,
    lasts: Option<SimDuration>,
    errors: &mut Errors,
) -> Option<Change> {
    let name = fields.text("service")?;
    let known = &stage.cluster.network.vpc_endpoints;
    let found = AwsService::ALL.into_iter().find(|service| service.name() == name);
    let is_known = |service| stage.networks().any(|network| network.vpc_endpoints.contains(&service));
    let problem = match found {
        Some(service) if is_known(service) => return Some(Change::ServiceEndpointLoss { service, lasts }),
        None => not_one_of(name, AwsService::ALL.map(AwsService::name).into_iter()),
        Some(_) if known.is_empty() => format!("found {}; the VPC has no endpoints", quoted(name)),
        Some(_) => {
            let names: Vec<&str> = known.iter().map(|service| service.name()).collect();
            format!("found {}; the VPC has endpoints of {} only", quoted(name), names.join(", "))
        }
    };
    errors.add(fields.line_of("service"), fields.field("service"), problem);
    None
}

/// A rule can be taken only from a security group that has it, or gets it.
fn refuse_lost_rules(steps: &[Written], cluster: &Cluster, errors: &mut Errors) {
    let vpc = &cluster.network;
    for written in steps {
        let Change::SecurityRule { group, rule, allow: false } = &written.step.change else { continue };
        let added = Change::SecurityRule { group: *group, rule: rule.clone(), allow: true };
        let group = &vpc.security_groups[*group];
        if !group.inbound.contains(rule) && !steps.iter().any(|other| other.step.change == added) {
            let rules: Vec<String> = group.inbound.iter().map(|rule| quoted(&network::show_rule(rule, vpc))).collect();
            let rules = if rules.is_empty() { "none".to_owned() } else { rules.join(", ") };
            let problem = format!("{} has no such rule inbound; it has {rules}", group.name);
            errors.add(written.line, format!("{}.rule", written.field), problem);
        }
    }
}

/// Who leaves the ranges of the public endpoint as they are, leaves them as the last change before has them.
fn keep_ranges(steps: &mut [Written], cluster: &Cluster, notes: &mut Vec<Note>, errors: &Errors) {
    let mut before = cluster.network.access.clone();
    for written in steps {
        let Change::EndpointAccess { access } = &mut written.step.change else { continue };
        if written.keeps_ranges {
            access.public_cidrs.clone_from(&before.public_cidrs);
        }
        if *access == before {
            let place = format!("{}:{}", errors.file_name(), written.line);
            let text = "EKS refuses an update that changes nothing".to_owned();
            notes.push(Note { kind: NoteKind::Warning, place, field: written.field.clone(), text });
        }
        before.clone_from(access);
    }
}

/// The zone of a control-plane member: `Some(None)` is the leader's.
fn member(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<Option<ZoneId>> {
    match fields.text("zone").map(String::as_str) {
        None if fields.is_spoilt("zone") => None,
        None | Some("leader") => Some(None),
        Some(_) => zone(fields, cluster, CONTROL_PLANE_ZONES, errors).map(Some),
    }
}

/// The latency that an impaired zone adds, as a law of seconds.
fn latency(fields: &Fields, errors: &mut Errors) -> Option<Law> {
    let text = fields.text("latency")?;
    let refusal = match Law::parse(text.trim()) {
        Ok(law) if (0.0..=LATENCY_MAX_S).contains(&law.mean()) => return Some(law),
        Ok(_) => format!("found {}; allowed is a mean of 0s to {LATENCY_MAX_S}s", quoted(text)),
        Err(error) => error.to_string(),
    };
    errors.add(fields.line_of("latency"), fields.field("latency"), refusal);
    None
}

/// The share of segments that an impaired zone loses.
fn loss(fields: &Fields, errors: &mut Errors) -> Option<f64> {
    let text = fields.text("loss")?;
    let loss = percent(text).filter(|loss| (0.0..=LOSS_MAX).contains(loss));
    if loss.is_none() {
        let most = LOSS_MAX * 100.0;
        let problem =
            format!("found {}; wanted is a share such as \"3%\", 0% to {most}%; zone.cut_off loses all", quoted(text));
        errors.add(fields.line_of("loss"), fields.field("loss"), problem);
    }
    loss
}

/// A share written in percent.
fn percent(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?.trim();
    number.parse::<f64>().ok().map(|percent| percent / 100.0)
}

/// The members of etcd that are cut off.
fn cut_off(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<PartitionTarget> {
    let name = match fields.text("target").map(String::as_str) {
        None if fields.is_spoilt("target") => return None,
        None | Some("leader") => return Some(PartitionTarget::Leader),
        Some("all") => return Some(PartitionTarget::All),
        Some(name) => name,
    };
    let found = cluster.zone(name).filter(|zone| zone.index() < CONTROL_PLANE_ZONES);
    if found.is_none() {
        let zones = &cluster.zones[..CONTROL_PLANE_ZONES.min(cluster.zones.len())];
        let problem =
            format!("found {}; wanted is \"leader\", \"all\", or one of the zones {}", quoted(name), zone_names(zones));
        errors.add(fields.line_of("target"), fields.field("target"), problem);
    }
    found.map(PartitionTarget::Zone)
}

/// What happens to the storage of etcd.
fn storage(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<StorageChange> {
    match fields.variant {
        "etcd.slow_disk" => slow_disk(fields, cluster, errors),
        "etcd.stalled_disk" => {
            let member = disk(fields, cluster, errors)?;
            fields.duration("lasts").map(|_| StorageChange::StalledDisk { member })
        }
        "etcd.fill" => Some(StorageChange::Fill {
            per_second: *fields.count("per_second")? as u32,
            object_bytes: *fields.count("object_bytes")? as u32,
        }),
        _ => Some(StorageChange::SpaceRepair),
    }
}

fn slow_disk(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<StorageChange> {
    let (member, fsync) = (disk(fields, cluster, errors), law(fields, errors));
    if fields.has("fsync") && fields.has("times") {
        let problem = "is given together with fsync; give one of the two";
        errors.add(fields.line_of("times"), fields.field("times"), problem);
        return None;
    }
    let times = match fields.count("times") {
        Some(times) => *times as u32,
        None if fields.is_spoilt("times") => return None,
        None => 1,
    };
    Some(StorageChange::SlowDisk { member: member?, fsync: fsync?, times })
}

/// The member whose disk is meant.
fn disk(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<MemberChoice> {
    let name = fields.text("member")?;
    match name.as_str() {
        "leader" => return Some(MemberChoice::Leader),
        "follower" => return Some(MemberChoice::Follower),
        "first" => return Some(MemberChoice::Zone(ZoneId(0))),
        _ => {}
    }
    let found = cluster.zone(name).filter(|zone| zone.index() < CONTROL_PLANE_ZONES);
    if found.is_none() {
        let names = zone_names(&cluster.zones[..CONTROL_PLANE_ZONES.min(cluster.zones.len())]);
        let problem =
            format!("found {}; wanted is \"leader\", \"follower\", or one of the zones {names}", quoted(name));
        errors.add(fields.line_of("member"), fields.field("member"), problem);
    }
    found.map(MemberChoice::Zone)
}

/// The law of a slow disk's fsyncs, as one would set that of `etcd.slow_fsync`; `Some(None)` where none is given.
fn law(fields: &Fields, errors: &mut Errors) -> Option<Option<Law>> {
    let Some(text) = fields.text("fsync") else {
        return (!fields.is_spoilt("fsync")).then_some(None);
    };
    let mut parameters = Parameters::default();
    match parameters.set("etcd.slow_fsync", text) {
        Ok(()) => Some(Some(parameters.etcd.slow_fsync)),
        Err(why) => {
            errors.add(fields.line_of("fsync"), fields.field("fsync"), why.to_string());
            None
        }
    }
}

/// A share in percent, more than none and at most all.
fn share(fields: &Fields, errors: &mut Errors) -> Option<f64> {
    let Some(text) = fields.text("share") else {
        return (!fields.is_spoilt("share")).then_some(1.0);
    };
    let share = percent(text).filter(|share| *share > 0.0 && *share <= 1.0);
    if share.is_none() {
        let problem = format!("found {}; wanted is a share such as \"60%\", above 0% and at most 100%", quoted(text));
        errors.add(fields.line_of("share"), fields.field("share"), problem);
    }
    share
}

/// A zone by letter, by name, or `first`, among the first `among` of the plan's zones.
fn zone(fields: &Fields, cluster: &Cluster, among: usize, errors: &mut Errors) -> Option<ZoneId> {
    let name = fields.text("zone")?;
    let found = cluster.zone(name).filter(|zone| zone.index() < among);
    if found.is_none() {
        let zones = &cluster.zones[..among.min(cluster.zones.len())];
        let problem =
            format!("found {}; the zones are {}, or \"first\" and \"second\"", quoted(name), zone_names(zones));
        errors.add(fields.line_of("zone"), fields.field("zone"), problem);
    }
    found
}

/// The deployment that a change or a webhook means, by its name or its namespace and name.
pub(crate) fn deployment(fields: &Fields, deployments: &[Deployment], errors: &mut Errors) -> Option<usize> {
    let name = fields.text("deployment")?;
    let full = |deployment: &Deployment| format!("{}/{}", deployment.namespace, deployment.name);
    let meant: Vec<usize> = (0..deployments.len())
        .filter(|&index| deployments[index].name == *name || full(&deployments[index]) == *name)
        .collect();
    let problem = match meant[..] {
        [deployment] if deployments[deployment].control.job.is_some() => {
            "is a Job; it is neither scaled nor updated".to_owned()
        }
        [deployment] => return Some(deployment),
        [] => not_one_of(name, deployments.iter().map(|deployment| deployment.name.as_str())),
        _ => {
            let names: Vec<String> = meant.iter().map(|&index| full(&deployments[index])).collect();
            format!("found {}, which is several: {}", quoted(name), names.join(", "))
        }
    };
    errors.add(fields.line_of("deployment"), fields.field("deployment"), problem);
    None
}

fn webhook_down(
    fields: &Fields,
    webhooks: &[Webhook],
    lasts: Option<SimDuration>,
    errors: &mut Errors,
) -> Option<Change> {
    let name = fields.text("webhook")?;
    let refuses = fields.text("answer")? == "refuses";
    let trouble = if refuses { WebhookTrouble::Refuses } else { WebhookTrouble::Silent };
    let found = webhooks.iter().position(|webhook| webhook.name == *name);
    if found.is_none() {
        let problem = if webhooks.is_empty() {
            format!("found {}; there are no webhooks", quoted(name))
        } else {
            not_one_of(name, webhooks.iter().map(|webhook| webhook.name.as_str()))
        };
        errors.add(fields.line_of("webhook"), fields.field("webhook"), problem);
    }
    found.map(|webhook| Change::WebhookTrouble { webhook, trouble, lasts })
}

fn restart(fields: &Fields, workloads: &[WorkloadClient], errors: &mut Errors) -> Option<Change> {
    let name = fields.text("client")?;
    let found = workloads.iter().position(|workload| workload.name == *name);
    if found.is_none() {
        let problem = if workloads.is_empty() {
            format!("found {}; there are no agents and no operators", quoted(name))
        } else {
            not_one_of(name, workloads.iter().map(|workload| workload.name.as_str()))
        };
        errors.add(fields.line_of("client"), fields.field("client"), problem);
    }
    found.map(|workload| Change::RestartWorkload { workload })
}

/// The DaemonSet that a step names: one of the file, or one of those that EKS brings.
fn daemon_set(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<usize> {
    let name = fields.text("daemon_set")?;
    let found = cluster.daemon_sets.iter().position(|set| set.name == *name);
    if found.is_none() {
        let problem = not_one_of(name, cluster.daemon_sets.iter().map(|set| set.name.as_str()));
        errors.add(fields.line_of("daemon_set"), fields.field("daemon_set"), problem);
    }
    found
}

/// The node group that a change means.
fn node_group(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<usize> {
    let name = fields.text("node_group")?;
    let named = cluster.node_groups.iter().position(|group| group.name == *name);
    let found = named.or_else(|| match (name.as_str(), cluster.node_groups.len()) {
        (_, 0) => None,
        ("first", _) => Some(0),
        ("last", count) => Some(count - 1),
        _ => None,
    });
    if found.is_none() {
        let names = cluster.node_groups.iter().map(|group| group.name.as_str());
        let problem = if cluster.node_groups.is_empty() {
            format!("found {}; the cluster has no node groups", quoted(name))
        } else {
            not_one_of(name, names)
        };
        errors.add(fields.line_of("node_group"), fields.field("node_group"), problem);
    }
    found
}

fn scale_node_group(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<Change> {
    let node_group = node_group(fields, cluster, errors)?;
    let desired = *fields.count("desired")? as u32;
    let group = &cluster.node_groups[node_group];
    if !(group.min..=group.max).contains(&desired) {
        let problem = format!("{desired} is out of the group's bounds, {} to {}", group.min, group.max);
        errors.add(fields.line_of("desired"), fields.field("desired"), problem);
        return None;
    }
    Some(Change::ScaleNodeGroup { node_group, desired })
}

/// A thing that has failed cannot fail again before it returns: such a file means something else.
fn refuse_overlaps(steps: &[Written], errors: &mut Errors) {
    for (index, later) in steps.iter().enumerate() {
        for earlier in &steps[..index] {
            let (Some((what, from, until)), Some((same, start, end))) = (extent(&earlier.step), extent(&later.step))
            else {
                continue;
            };
            if what == same && start < until && from < end {
                let problem = format!("fails while {} has it failed already, at line {}", earlier.field, earlier.line);
                errors.add(later.line, later.field.clone(), problem);
                break;
            }
        }
    }
}

/// What a fault takes away, from when to when, in nanoseconds.
fn extent(step: &Step) -> Option<((u8, Option<ZoneId>), u64, u64)> {
    let (what, lasts) = match &step.change {
        Change::ZonePowerLoss { zone, lasts } => ((0, Some(*zone)), lasts),
        Change::ApiServerLoss { zone, lasts } => ((1, *zone), lasts),
        Change::EtcdMemberLoss { zone, lasts } => ((2, *zone), lasts),
        Change::StsTrouble { lasts, .. } => ((3, Some(ZoneId(0))), lasts),
        Change::ZoneCut { zone, lasts, .. } => ((4, Some(*zone)), lasts),
        Change::WebhookTrouble { webhook, lasts, .. } => ((5, Some(ZoneId(*webhook as u8))), lasts),
        _ => return None,
    };
    // The leader moves on: a second loss takes another one.
    what.1?;
    let start = step.at.as_nanos();
    let end = lasts.map_or(u64::MAX, |lasts| start.saturating_add(lasts.as_nanos()));
    Some((what, start, end))
}
