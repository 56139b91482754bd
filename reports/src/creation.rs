//! The creation of a cluster: a timeline of eksctl's tasks, and what `kubectl get` lists when it ends; as text and as
//! JSON.

use crate::story::counted;
use crate::table::{Side, Table, Tone};
use crate::terminal::Style;
use crate::text::{harmless, wrap};
use serde::Serialize;
use sim_eks::Plan;
use sim_eks::record::{CreationRecord, Listing, TaskRecord};
use sim_kernel::{SimDuration, SimTime};

/// One creation of several, as JSON tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// Its replication.
    pub replication: u32,
    /// What it came to.
    pub record: CreationRecord,
}

/// Nodes and pods that are listed; of more, their number is told.
const LISTED: usize = 40;

/// The creations as text: the timeline of the first one, what stands after it, and how long all of them took. Lines end
/// with `\n`.
pub fn creation_text(plan: &Plan, seed: u64, created: &[Created], style: Style) -> String {
    let style = Style { width: style.width.max(60), ..style };
    let Some(first) = created.first() else { return String::new() };
    let mut lines = title(plan, seed, first, style);
    lines.push(String::new());
    lines.extend(timeline(&first.record, style));
    lines.push(String::new());
    lines.extend(ending(plan, &first.record, style));
    if let Some(listing) = &first.record.listing {
        lines.extend(listed(listing, style));
    }
    if created.len() > 1 {
        lines.push(String::new());
        lines.extend(spread(created, style));
    }
    lines.join("\n") + "\n"
}

fn title(plan: &Plan, seed: u64, first: &Created, style: Style) -> Vec<String> {
    let (cluster, version) = (&plan.cluster, plan.cluster.version);
    let head = format!(
        "eksctl create cluster: {} in {}, Kubernetes {}.{}, {}; seed {seed}, replication {}",
        cluster.name,
        cluster.region,
        version.major,
        version.minor,
        counted(cluster.node_groups.len() as u64, "node group"),
        first.replication,
    );
    wrap(&harmless(&head), style.width).iter().map(|line| Tone::Strong.paint(line, style.colour)).collect()
}

fn timeline(record: &CreationRecord, style: Style) -> Vec<String> {
    let mut table = Table::new(&[Side::Right, Side::Right, Side::Right, Side::Left]);
    table.head(["Start", "End", "Took", "What"].map(str::to_owned).to_vec());
    table.wrap(3);
    for task in record.tasks.iter().filter(|task| task.begun.is_some()) {
        let tone = if task.state == "failed" { Tone::Bad } else { Tone::Strong };
        let what = match task.state.as_str() {
            "failed" => format!("{}: failed: {}", task.what, task.why),
            _ => task.what.clone(),
        };
        table.row(row(task.begun, task.ended, tone, what));
        for phase in &task.phases {
            table.row(row(Some(phase.begun), phase.ended, Tone::Quiet, format!("– {}", phase.what)));
        }
    }
    table.rows(style).into_iter().flatten().collect()
}

fn row(begun: Option<SimTime>, ended: Option<SimTime>, tone: Tone, what: String) -> Vec<(Tone, String)> {
    let moment = |at: Option<SimTime>| at.map(|at| minutes(at.since_start())).unwrap_or_default();
    let took = begun.zip(ended).map(|(begun, ended)| minutes(ended.saturating_since(begun))).unwrap_or_default();
    vec![(Tone::Plain, moment(begun)), (Tone::Plain, moment(ended)), (tone, took), (tone, harmless(&what))]
}

/// Minutes and seconds: `13:03`.
fn minutes(time: SimDuration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn ending(plan: &Plan, record: &CreationRecord, style: Style) -> Vec<String> {
    let name = &plan.cluster.name;
    let (tone, text) = match (record.ended, record.failure.is_empty()) {
        (Some(ended), true) => {
            (Tone::Good, format!("EKS cluster {name} is ready after {}", minutes(ended.since_start())))
        }
        (Some(ended), false) => {
            let after = minutes(ended.since_start());
            (Tone::Bad, format!("eksctl fails to create cluster {name} after {after}: {}", record.failure))
        }
        (None, _) => (Tone::Bad, format!("eksctl has not ended; the run was too short for cluster {name}")),
    };
    wrap(&harmless(&text), style.width).iter().map(|line| tone.paint(line, style.colour)).collect()
}

fn listed(listing: &Listing, style: Style) -> Vec<String> {
    let mut lines = section("kubectl get nodes", &["NAME", "STATUS", "AGE", "NODE GROUP", "ZONE"], style, {
        let row = |node: &sim_eks::record::NodeLine| {
            vec![node.name.clone(), node.status.clone(), age(node.age_s), node.group.clone(), node.zone.clone()]
        };
        listing.nodes.iter().map(row).collect()
    });
    lines.extend(section("kubectl get daemonsets -n kube-system", &["NAME", "DESIRED", "READY"], style, {
        let sets = listing.daemon_sets.iter();
        sets.map(|set| vec![set.name.clone(), set.desired.to_string(), set.ready.to_string()]).collect()
    }));
    let heads = ["NAMESPACE", "NAME", "READY", "STATUS", "AGE", "NODE"];
    lines.extend(section("kubectl get pods -A -o wide", &heads, style, {
        let row = |pod: &sim_eks::record::PodLine| {
            let ready = if pod.ready { "yes" } else { "no" };
            let node = if pod.node.is_empty() { "<none>" } else { &pod.node };
            [&pod.namespace, &pod.name, ready, &pod.status, &age(pod.age_s), node].map(str::to_owned).to_vec()
        };
        listing.pods.iter().map(row).collect()
    }));
    lines.extend(section("kubectl get services -A", &["NAMESPACE", "NAME", "CLUSTER-IP", "PORT(S)"], style, {
        let row = |service: &sim_eks::record::ServiceLine| {
            [&service.namespace, &service.name, &service.address, &service.ports].map(Clone::clone).to_vec()
        };
        listing.services.iter().map(row).collect()
    }));
    lines
}

fn section(command: &str, heads: &[&str], style: Style, rows: Vec<Vec<String>>) -> Vec<String> {
    let mut lines = vec![String::new(), Tone::Strong.paint(command, style.colour)];
    if rows.is_empty() {
        lines.push(Tone::Quiet.paint("No resources found", style.colour));
        return lines;
    }
    let mut table = Table::new(&vec![Side::Left; heads.len()]);
    table.head(heads.iter().map(|head| (*head).to_owned()).collect());
    let more = rows.len().saturating_sub(LISTED);
    for row in rows.into_iter().take(LISTED) {
        table.row(row.into_iter().map(|cell| (Tone::Plain, harmless(&cell))).collect());
    }
    lines.extend(table.rows(style).into_iter().flatten());
    if more > 0 {
        lines.push(Tone::Quiet.paint(&format!("and {more} more"), style.colour));
    }
    lines
}

/// An age as kubectl shows it: `75s`, `6m15s`, `15m`, `3h5m`.
fn age(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if rest == 0 => format!("{minutes}m"),
        120..600 => format!("{minutes}m{rest}s"),
        600..10_800 => format!("{minutes}m"),
        _ => format!("{}h{}m", minutes / 60, minutes % 60),
    }
}

/// How long each task took over all creations, and how many failed.
fn spread(created: &[Created], style: Style) -> Vec<String> {
    let failed = created.iter().filter(|one| !one.record.failure.is_empty() || one.record.ended.is_none()).count();
    let head = format!("{} creations, {failed} of them failed", created.len());
    let mut table = Table::new(&[Side::Right, Side::Right, Side::Right, Side::Left]);
    table.head(["Shortest", "Median", "Longest", "What"].map(str::to_owned).to_vec());
    table.wrap(3);
    let tasks = created[0].record.tasks.len();
    for task in 0..tasks {
        let of = |one: &Created| one.record.tasks.get(task).and_then(took);
        let what = created[0].record.tasks[task].what.clone();
        add_spread(&mut table, created.iter().filter_map(of).collect(), what);
    }
    let whole = |one: &Created| Some(one.record.ended?.since_start());
    add_spread(&mut table, created.iter().filter_map(whole).collect(), "all".to_owned());
    let mut lines = vec![Tone::Strong.paint(&head, style.colour)];
    lines.extend(table.rows(style).into_iter().flatten());
    lines
}

fn took(task: &TaskRecord) -> Option<SimDuration> {
    Some(task.ended?.saturating_since(task.begun?))
}

fn add_spread(table: &mut Table, mut times: Vec<SimDuration>, what: String) {
    times.sort_unstable();
    let Some((first, last)) = times.first().zip(times.last()) else { return };
    let cells = [*first, times[times.len() / 2], *last].map(|time| (Tone::Plain, minutes(time)));
    table.row(cells.into_iter().chain([(Tone::Plain, harmless(&what))]).collect());
}

/// The creations as JSON.
pub fn creation_json(plan: &Plan, seed: u64, created: &[Created]) -> String {
    let creation = |one: &'_ Created| CreationJson {
        replication: one.replication,
        ready: one.record.ended.is_some() && one.record.failure.is_empty(),
        ended_s: one.record.ended.map(SimTime::as_secs_f64),
        failure: one.record.failure.clone(),
        tasks: one.record.tasks.iter().map(TaskJson::of).collect(),
        listing: one.record.listing.clone(),
    };
    let told = CreationsJson {
        schema: 1,
        cluster: &plan.cluster.name,
        region: &plan.cluster.region,
        seed,
        creations: created.iter().map(creation).collect(),
    };
    serde_json::to_string_pretty(&told).expect("a creation is plain data") + "\n"
}

#[derive(Serialize)]
struct CreationsJson<'a> {
    schema: u32,
    cluster: &'a str,
    region: &'a str,
    seed: u64,
    creations: Vec<CreationJson>,
}

#[derive(Serialize)]
struct CreationJson {
    replication: u32,
    ready: bool,
    ended_s: Option<f64>,
    failure: String,
    tasks: Vec<TaskJson>,
    listing: Option<Listing>,
}

#[derive(Serialize)]
struct TaskJson {
    what: String,
    state: String,
    begun_s: Option<f64>,
    ended_s: Option<f64>,
    why: String,
    phases: Vec<PhaseJson>,
}

#[derive(Serialize)]
struct PhaseJson {
    what: String,
    begun_s: f64,
    ended_s: Option<f64>,
}

impl TaskJson {
    fn of(task: &TaskRecord) -> Self {
        let phase = |phase: &sim_eks::record::PhaseRecord| PhaseJson {
            what: phase.what.clone(),
            begun_s: phase.begun.as_secs_f64(),
            ended_s: phase.ended.map(SimTime::as_secs_f64),
        };
        TaskJson {
            what: task.what.clone(),
            state: task.state.clone(),
            begun_s: task.begun.map(SimTime::as_secs_f64),
            ended_s: task.ended.map(SimTime::as_secs_f64),
            why: task.why.clone(),
            phases: task.phases.iter().map(phase).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_kubectl_tells_them() {
        let told = [5.0, 119.9, 120.0, 375.0, 599.0, 905.0, 11_100.0].map(age);
        assert_eq!(told, ["5s", "119s", "2m", "6m15s", "9m59s", "15m", "3h5m"]);
    }
}
