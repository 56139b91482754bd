//! What every report says of a document, in the same words: what was run, what was done to it, which case tells most,
//! which facts are its turning points.

use crate::text::harmless;
use crate::{Document, numbers};
use sim_eks::Plan;
use sim_eks::plan::NoteKind;
use sim_eks::record::{Fact, Weight};
use sim_kernel::SimTime;
use sim_study::{Better, CaseFindings, Estimate, Findings};

/// The command that gives a document again, as far as its plan knows.
pub fn command(plan: &Plan, seed: u64, replications: u32) -> String {
    let mut command = format!("ekssim run {} --seed {seed}", shell_word(&plan.scenario));
    if replications != plan.replications {
        command.push_str(&format!(" --replications {replications}"));
    }
    for setting in plan.settings.iter().filter(|setting| setting.origin == "--set") {
        command.push_str(&format!(" --set {}", shell_word(&format!("{}={}", setting.path, setting.value))));
    }
    command
}

/// A word as a shell reads it: quoted if it holds anything that a shell would take for its own.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What was run, in a line: the cluster, its size and the simulated time.
pub fn cluster_line(plan: &Plan) -> String {
    let cluster = &plan.cluster;
    let pods: u64 = plan.deployments.iter().map(|deployment| u64::from(deployment.replicas)).sum();
    let zones = cluster.zones.iter().filter(|zone| zone.in_cluster).count();
    format!(
        "{}: Kubernetes {}.{} in {}, {}, {}, {} in {}; etcd over {}",
        cluster.name,
        cluster.version.major,
        cluster.version.minor,
        cluster.region,
        counted(zones as u64, "zone"),
        counted(u64::from(cluster.nodes()), "node"),
        counted(pods, "pod"),
        counted(plan.deployments.len() as u64, "Deployment"),
        plan.parameters.etcd.backend,
    )
}

/// `1 node`, `1,667 nodes`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", numbers::show(sim_study::Unit::Count, count as f64))
}

/// A point in time to the second, cut off: `0:10:02`.
pub fn clock(time: SimTime) -> String {
    let shown = time.to_string();
    shown.split_once('.').map_or(shown.clone(), |(seconds, _)| seconds.to_owned())
}

/// When a fact happened, from the plan's first step on, or from the start where there is none: `+51.2s`, or the first
/// and the last of many, `+5m55s to +6m45s`.
pub fn since_the_first_step(plan: &Plan, fact: &Fact) -> String {
    let zero = plan.steps.first().map_or(SimTime::ZERO, |step| step.at);
    let since = |time: SimTime| match time.as_nanos() >= zero.as_nanos() {
        true => format!("+{}", span(time.saturating_since(zero).as_secs_f64())),
        false => format!("-{}", span(zero.saturating_since(time).as_secs_f64())),
    };
    let (first, last) = (since(fact.first), since(fact.last));
    if first == last { first } else { format!("{first} to {last}") }
}

/// A span as a timeline shows it: milliseconds within the first second, tenths within two minutes, then seconds.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{s:.3}s"),
        s if s < 120.0 => format!("{s:.1}s"),
        s if s < 3_600.0 => format!("{}m{:02}s", s as u64 / 60, s as u64 % 60),
        s => format!("{}h{:02}m{:02}s", s as u64 / 3_600, s as u64 / 60 % 60, s as u64 % 60),
    }
}

/// The measure of a name, if any run gives one.
pub fn measure<'a>(estimates: &'a [Estimate], name: &str) -> Option<&'a Estimate> {
    estimates.iter().find(|estimate| estimate.name == name)
}

/// The families of measures of which each client class has one: name, heading.
pub const CLASS_FAMILIES: [(&str, &str); 4] = [
    ("api.availability.", "availability"),
    ("api.latency.p50.", "latency p50"),
    ("api.latency.p99.", "latency p99"),
    ("api.outage.", "longest outage"),
];

/// The measure of a family for one client class, or for all clients (the family's own name) if `class` is empty.
pub fn of_class<'a>(estimates: &'a [Estimate], family: &str, class: &str) -> Option<&'a Estimate> {
    measure(estimates, format!("{family}{class}").trim_end_matches('.'))
}

/// The client classes of which any measure has a value, in order of appearance; last the empty one for all clients, if any
/// measure tells of them.
pub fn client_classes(estimates: &[Estimate]) -> Vec<&str> {
    let mut classes: Vec<&str> = Vec::new();
    for estimate in estimates.iter().filter(|estimate| estimate.mean.is_some()) {
        let class = CLASS_FAMILIES.iter().find_map(|(family, _)| estimate.name.strip_prefix(family));
        if let Some(class) = class.filter(|class| !classes.contains(class)) {
            classes.push(class);
        }
    }
    if !classes.is_empty() && CLASS_FAMILIES.iter().any(|(family, _)| of_class(estimates, family, "").is_some()) {
        classes.push("");
    }
    classes
}

/// What a client class is called: `all clients` for the empty one.
pub fn class_name(class: &str) -> String {
    if class.is_empty() { "all clients".to_owned() } else { harmless(class) }
}

/// Whether a measure is told in the table of client classes.
pub fn is_of_a_class(name: &str) -> bool {
    CLASS_FAMILIES.iter().any(|(family, _)| name.starts_with(family) || name == family.trim_end_matches('.'))
}

/// The columns of the table of cases: measures, headings.
const CASE_COLUMNS: [(&str, &str); 6] = [
    ("api.availability", "API availability"),
    ("api.outage.kubelet", "kubelets' outage"),
    ("nodes.not_ready_falsely", "falsely NotReady"),
    ("workload.availability", "replicas serving"),
    ("workload.connections.failed", "connections failed"),
    ("workload.recovery", "recovery"),
];

/// The measures that tell the cases apart at a glance, at most six: name and heading. Where the model gives none of the
/// usual ones, its first measures.
pub fn key_measures(findings: &Findings) -> Vec<(String, String)> {
    let known: Vec<_> = CASE_COLUMNS
        .iter()
        .filter(|(name, _)| measure(&findings.total, name).is_some())
        .map(|(name, heading)| ((*name).to_owned(), (*heading).to_owned()))
        .collect();
    if !known.is_empty() {
        return known;
    }
    findings.total.iter().take(4).map(|estimate| (estimate.name.clone(), estimate.name.clone())).collect()
}

/// What people call a measure; its own name if it is not one of the usual ones.
pub fn heading(name: &str) -> &str {
    match name {
        "api.availability" => "API availability, all clients",
        "nodes.not_ready_falsely" => "living nodes marked NotReady",
        "nodes.not_ready_falsely.share" => "share of living nodes, NotReady",
        "nodes.deleted" => "nodes deleted",
        "nodes.replaced" => "nodes replaced",
        "etcd.election" => "etcd without a leader",
        "etcd.writes_lost" => "writes lost in etcd",
        "slo.mutating" => "API writes, service level p99",
        "slo.read.resource" => "API reads, service level p99",
        "slo.read.cluster" => "API lists, service level p99",
        "controllers.failover" => "controllers without a leader",
        "pods.evicted" => "pods evicted",
        "pods.pending.end" => "pods pending at the end",
        "workload.availability" => "wanted replicas that serve",
        "workload.connections.failed" => "connections to dead endpoints",
        "workload.recovery" => "until all replicas serve",
        "cost.month.total" => "cost of a month",
        "cost.month.idle" => "of which no pod requests",
        other => other,
    }
}

/// Which resource of the control plane came nearest to its limit, or went beyond it, in a sentence with a space after it;
/// nothing where the model does not tell.
pub fn busiest(findings: &Findings) -> String {
    let limits =
        findings.total.iter().filter_map(|estimate| Some((estimate.name.strip_prefix("limit.")?, estimate.mean?)));
    let Some((name, share)) = limits.max_by(|a, b| a.1.total_cmp(&b.1)) else { return String::new() };
    let words =
        sim_eks::Resource::ALL.into_iter().find(|resource| resource.name() == name).map_or(name, |it| it.words());
    let share = numbers::show(sim_study::Unit::Share, share);
    format!("Busiest: the {words}, {share} wanted in the busiest window. ")
}

/// The case that tells most: whose API was available least, or else whose first measure with a good and a bad side is
/// worst; the more probable one of equals.
pub fn telling_case(findings: &Findings) -> usize {
    let judged = measure(&findings.total, "api.availability")
        .or_else(|| findings.total.iter().find(|estimate| estimate.better != Better::Neither));
    let Some(judged) = judged else { return 0 };
    let badness = |case: &CaseFindings| {
        let mean = measure(&case.measures, &judged.name).and_then(|estimate| estimate.mean);
        let sign = if judged.better == Better::Up { -1.0 } else { 1.0 };
        mean.map_or(f64::NEG_INFINITY, |mean| sign * mean)
    };
    let mut worst = 0;
    for (at, case) in findings.cases.iter().enumerate() {
        if badness(case) > badness(&findings.cases[worst]) {
            worst = at;
        }
    }
    worst
}

/// The facts that a short telling needs, in their order: the turning points, filled up with the steps that brought
/// about most, at most `most`.
pub fn turning_points(timeline: &[Fact], most: usize) -> Vec<&Fact> {
    let mut ranked: Vec<&Fact> = timeline.iter().filter(|fact| fact.weight >= Weight::Step).collect();
    let consequences = consequences(timeline);
    let rank = |fact: &Fact| (fact.weight, position(timeline, fact.id).map_or(0, |at| consequences[at]), fact.count);
    ranked.sort_by(|a, b| rank(b).cmp(&rank(a)).then(a.id.cmp(&b.id)));
    ranked.truncate(most);
    ranked.sort_by_key(|fact| (fact.first, fact.id));
    ranked
}

/// Where the fact of an id stands, if it is listed. Ids rise along a timeline.
fn position(timeline: &[Fact], id: u32) -> Option<usize> {
    timeline.binary_search_by_key(&id, |fact| fact.id).ok()
}

/// How many facts each fact brought about, directly or not, in the timeline's order.
fn consequences(timeline: &[Fact]) -> Vec<u64> {
    let mut counts = vec![0u64; timeline.len()];
    for (at, fact) in timeline.iter().enumerate().rev() {
        let cause = fact.cause.and_then(|id| position(&timeline[..at], id));
        if let Some(cause) = cause {
            counts[cause] += counts[at] + 1;
        }
    }
    counts
}

/// The nearest fact, going from cause to cause, for which `shown` holds; `None` if there is none.
pub fn shown_cause<'a>(timeline: &'a [Fact], fact: &Fact, shown: impl Fn(&Fact) -> bool) -> Option<&'a Fact> {
    let mut at = fact.cause;
    let mut below = fact.id;
    while let Some(id) = at.filter(|&id| id < below) {
        let cause = &timeline[position(timeline, id)?];
        if shown(cause) {
            return Some(cause);
        }
        below = cause.id;
        at = cause.cause;
    }
    None
}

/// How many notes of a kind the plan has.
pub fn notes(plan: &Plan, kind: NoteKind) -> usize {
    plan.notes.iter().filter(|note| note.kind == kind).count()
}

/// What a reader must know of the run itself, beyond the notes on its input.
pub fn warnings(document: &Document) -> Vec<String> {
    let mut warnings: Vec<String> =
        document.left_out.iter().map(|what| format!("left out to keep the record small: {what}")).collect();
    for record in &document.records {
        for balance in record.balances.iter().filter(|balance| !balance.holds()) {
            warnings.push(format!(
                "replication {}: {} does not balance: {} came, {} left, {} refused, {} lost, {} inside",
                record.replication,
                balance.station,
                balance.arrived,
                balance.left,
                balance.refused,
                balance.lost,
                balance.inside
            ));
        }
        if record.facts_dropped > 0 {
            let dropped = counted(record.facts_dropped, "fact");
            warnings.push(format!("replication {}: {dropped} beyond the timeline's limit", record.replication));
        }
    }
    let drawn: f64 = document.findings.cases.iter().map(|case| case.case.probability).sum();
    if drawn < 0.999 {
        let rest = numbers::probability(1.0 - drawn);
        warnings.push(format!("cases with a probability of {rest} together were drawn by no replication"));
    }
    warnings
}
