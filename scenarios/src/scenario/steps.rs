//! What fails and what is changed, and when, on the plan's own cluster.

use super::fields::{Errors, Fields, not_one_of};
use super::settings::{CONTROL_PLANE_ZONES, zone_names};
use super::tree::quoted;
use sim_eks::plan::{Change, Cluster, Deployment, Note, NoteKind, Step, StsTrouble, ZoneId};
use sim_eks::quantity::show_duration;
use sim_kernel::{SimDuration, SimTime};

/// What steps refer to.
pub(crate) struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub deployments: &'a [Deployment],
    pub duration: SimDuration,
    pub warm_up: SimDuration,
}

/// A step, and where it was written.
struct Written {
    step: Step,
    line: usize,
    field: String,
}

/// Reads faults and changes, in the order of their times; what is wrong is noted.
pub(crate) fn resolve(file: &Fields, stage: &Stage<'_>, notes: &mut Vec<Note>, errors: &mut Errors) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in ["faults", "changes"] {
        for fields in file.tables(key).into_iter().flatten() {
            let at = time(fields, stage, notes, errors);
            let change = change(fields, stage, errors);
            if let (Some(at), Some(change)) = (at, change) {
                steps.push(Written { step: Step { at, change }, line: fields.line, field: fields.path.clone() });
            }
        }
    }
    refuse_overlaps(&steps, errors);
    steps.sort_by_key(|written| written.step.at);
    steps.into_iter().map(|written| written.step).collect()
}

fn time(fields: &Fields, stage: &Stage<'_>, notes: &mut Vec<Note>, errors: &mut Errors) -> Option<SimTime> {
    let at = *fields.duration("at")?;
    let line = fields.line_of("at");
    if at >= stage.duration {
        let problem =
            format!("{} is not before the end of the run at {}", show_duration(at), show_duration(stage.duration));
        errors.add(line, fields.field("at"), problem);
        return None;
    }
    let mut warn = |key: &str, text: String| {
        let place = format!("{}:{}", errors.file_name(), fields.line_of(key));
        notes.push(Note { kind: NoteKind::Warning, place, field: fields.field(key), text });
    };
    if at < stage.warm_up {
        warn(
            "at",
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

fn change(fields: &Fields, stage: &Stage<'_>, errors: &mut Errors) -> Option<Change> {
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
        "sts.slow" => Some(Change::StsTrouble { trouble: StsTrouble::Slow(*fields.duration("by")?), lasts }),
        "node.stop" => {
            let zone = zone(fields, stage.cluster, stage.cluster.zones.len(), errors)?;
            Some(Change::NodeLoss { zone, share: share(fields, errors)?, lasts })
        }
        "deployment.scale" => {
            let deployment = deployment(fields, stage.deployments, errors)?;
            Some(Change::ScaleDeployment { deployment, replicas: *fields.count("replicas")? as u32 })
        }
        "deployment.update" => {
            Some(Change::UpdateDeployment { deployment: deployment(fields, stage.deployments, errors)? })
        }
        "node.drain" => {
            let node_group = node_group(fields, stage.cluster, errors)?;
            Some(Change::DrainNodes { node_group, nodes: *fields.count("nodes")? as u32 })
        }
        "node_group.scale" => scale_node_group(fields, stage.cluster, errors),
        _ => None,
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

/// A share in percent, more than none and at most all.
fn share(fields: &Fields, errors: &mut Errors) -> Option<f64> {
    let Some(text) = fields.text("share") else {
        return (!fields.is_spoilt("share")).then_some(1.0);
    };
    let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let share = percent.map(|percent| percent / 100.0).filter(|share| *share > 0.0 && *share <= 1.0);
    if share.is_none() {
        let problem = format!("found {}; wanted is a share such as \"60%\", above 0% and at most 100%", quoted(text));
        errors.add(fields.line_of("share"), fields.field("share"), problem);
    }
    share
}

/// A zone by letter, by name, or `first`, among the first `among` of the plan's zones.
fn zone(fields: &Fields, cluster: &Cluster, among: usize, errors: &mut Errors) -> Option<ZoneId> {
    let name = fields.text("zone")?;
    if name == "first" {
        return Some(ZoneId(0));
    }
    let found = cluster.zone(name).filter(|zone| zone.index() < among);
    if found.is_none() {
        let zones = &cluster.zones[..among.min(cluster.zones.len())];
        let problem = format!("found {}; the zones are {}, or \"first\"", quoted(name), zone_names(zones));
        errors.add(fields.line_of("zone"), fields.field("zone"), problem);
    }
    found
}

/// The deployment that a change means, by its name or its namespace and name.
fn deployment(fields: &Fields, deployments: &[Deployment], errors: &mut Errors) -> Option<usize> {
    let name = fields.text("deployment")?;
    let full = |deployment: &Deployment| format!("{}/{}", deployment.namespace, deployment.name);
    let meant: Vec<usize> = (0..deployments.len())
        .filter(|&index| deployments[index].name == *name || full(&deployments[index]) == *name)
        .collect();
    let problem = match meant[..] {
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

/// The node group that a change means.
fn node_group(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<usize> {
    let name = fields.text("node_group")?;
    let found = cluster.node_groups.iter().position(|group| group.name == *name);
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
        _ => return None,
    };
    // The leader moves on: a second loss takes another one.
    what.1?;
    let start = step.at.as_nanos();
    let end = lasts.map_or(u64::MAX, |lasts| start.saturating_add(lasts.as_nanos()));
    Some((what, start, end))
}
