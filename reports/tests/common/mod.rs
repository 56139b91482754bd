//! A made-up document: plausible figures of a zone loss, from a formula instead of a model. Nothing here is a result.

use reports::Document;
use sim_eks::plan::*;
use sim_eks::quantity::{Price, Resources};
use sim_eks::record::*;
use sim_eks::{Parameters, Plan};
use sim_kernel::{Digest, SimDuration, SimTime};
use sim_study::{Band, Better, Case, CaseFindings, Estimate, Findings, Measure, RunRow, Series, Unit};
use std::collections::BTreeMap;

pub const CLASSES: [&str; 4] = ["kubelet", "controllers", "admin", "ci"];
const WINDOWS: usize = 180;
const WINDOW_S: f64 = 10.0;
const FAULT: f64 = 600.0;
const RETURN: f64 = 1500.0;

/// A plan of half an hour in which zone a is dark for 15 minutes.
pub fn plan() -> Plan {
    let zone = |letter: &str, in_cluster| Zone { name: format!("eu-west-1{letter}"), in_cluster };
    let mut parameters = Parameters::default();
    parameters.set("dns.ttl", "30s").expect("a valid value");
    Plan {
        scenario: "az-failure".into(),
        title: "A zone loses power".into(),
        question: "A zone goes dark and comes back: what do API clients and workloads see, and for how long?".into(),
        duration: SimDuration::from_mins(30),
        warm_up: SimDuration::from_mins(2),
        replications: 1,
        cluster: Cluster {
            name: "shop".into(),
            region: "eu-west-1".into(),
            version: KubernetesVersion { major: 1, minor: 33 },
            network: Network::new(&[zone("a", true), zone("b", true), zone("c", false)], &VpcLayout::default()),
            zones: vec![zone("a", true), zone("b", true), zone("c", false)],
            node_groups: vec![node_group()],
            fargate_profiles: vec![],
            daemon_sets: vec![],
        },
        deployments: vec![deployment()],
        clients: vec![],
        workloads: vec![],
        webhooks: vec![],
        autoscaler: None,
        steps: vec![Step {
            at: SimTime::ZERO + SimDuration::from_mins(10),
            change: Change::ZonePowerLoss { zone: ZoneId(0), lasts: Some(SimDuration::from_mins(15)) },
        }],
        objectives: vec![
            objective("api.availability", Bound::AtLeast, 0.9995, ">= 99.95%"),
            objective("api.outage.kubelet", Bound::AtMost, 60.0, "<= 60s"),
            objective("workload.recovery", Bound::LessThan, 300.0, "< 5m"),
            objective("api.no-such-thing", Bound::AtMost, 1.0, "<= 1"),
        ],
        parameters,
        settings: vec![Setting { path: "dns.ttl".into(), value: "30s".into(), origin: "--set".into() }],
        notes: vec![
            note(NoteKind::NotModelled, "iam.withOIDC", "identity providers change nothing that is simulated"),
            note(NoteKind::Filled, "nodeGroups[0].desiredCapacity", "2, as eksctl fills in"),
            note(NoteKind::Warning, "metadata.version", "EKS no longer offers 1.22"),
        ],
        base: String::new(),
        variants: Vec::new(),
        creation: None,
        pod_trace: None,
        churn: 0.0,
        modes: Modes::default(),
    }
}

fn node_group() -> NodeGroup {
    NodeGroup {
        name: "workers".into(),
        managed: true,
        instance_type: "m5.large".into(),
        allocatable: Resources { milli_cpu: 1930, memory_mib: 7000 },
        max_pods: 29,
        gpus: 0,
        max_enis: 3,
        ipv4_per_eni: 10,
        min: 3,
        desired: 12,
        max: 24,
        zones: vec![ZoneId(0), ZoneId(1)],
        subnets: vec![0, 1],
        security_groups: vec![Network::CLUSTER_GROUP],
        labels: BTreeMap::new(),
        taints: vec![],
        spot: false,
        usd_per_hour: Price::of_regions(&[("us-east-1", Some(0.096))]),
        volume_gib: None,
    }
}

fn deployment() -> Deployment {
    Deployment {
        namespace: "default".into(),
        name: "web".into(),
        replicas: 40,
        requests: Resources { milli_cpu: 200, memory_mib: 256 },
        node_selector: BTreeMap::new(),
        tolerations: vec![],
        spread_zones: false,
        control: Control::default(),
    }
}

fn objective(measure: &str, bound: Bound, threshold: f64, text: &str) -> Objective {
    Objective { measure: measure.into(), bound, threshold, text: text.into() }
}

fn note(kind: NoteKind, field: &str, text: &str) -> Note {
    Note { kind, place: "cluster.yaml:12".into(), field: field.into(), text: text.into() }
}

/// Noise between 0 and 1 that depends on its numbers only.
fn noise(a: u64, b: u64) -> f64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

const LABELS: [(&str, f64); 3] = [
    ("the zone held an API server and the etcd leader", 2.0 / 9.0),
    ("the zone held an API server, not the etcd leader", 4.0 / 9.0),
    ("the zone held no API server", 1.0 / 3.0),
];

/// One made-up run in a case, 0 the worst.
pub fn record(replication: u32, case: usize) -> Record {
    let harm = [1.0, 0.6, 0.05][case];
    Record {
        replication,
        digest: Digest::of_bytes(&replication.to_le_bytes()),
        placement: PlacementRecord {
            api_servers: vec!["eu-west-1a".into(), "eu-west-1b".into()],
            etcd_leader: "eu-west-1a".into(),
            controllers: "eu-west-1b".into(),
        },
        case: Case { label: LABELS[case].0.into(), probability: LABELS[case].1 },
        places: vec![],
        closed_ways: vec![],
        network: None,
        clients: CLASSES.iter().map(|class| client(class)).collect(),
        timeline: timeline(harm > 0.9),
        facts_dropped: 0,
        measures: measures(replication, harm),
        series: series(u64::from(replication), harm),
        balances: vec![Balance { station: "etcd".into(), arrived: 10, left: 7, refused: 1, lost: 1, inside: 1 }],
        bill: Vec::new(),
        creation: None,
    }
}

fn client(class: &str) -> ClientRecord {
    let verb = |verb: &str, sent: u64| VerbRecord {
        verb: verb.into(),
        sent,
        succeeded: sent - 14,
        failed: vec![("time-out after 10 s".into(), 9), ("connection reset".into(), 3)],
        abandoned: 1,
        inside: 1,
        latency_s: Some([0.0071, 0.0052, 0.031, 4.2]),
    };
    ClientRecord { class: class.into(), verbs: vec![verb("renew-lease", 1620), verb("patch-status", 70)] }
}

fn measures(replication: u32, harm: f64) -> Vec<Measure> {
    let r = u64::from(replication);
    let mut measures = Vec::new();
    let mut add = |name: String, unit, better, value: Option<f64>| {
        let definition = format!("What {name} means, in a sentence.");
        measures.push(Measure { name, unit, better, value, definition });
    };
    add("api.availability".into(), Unit::Share, Better::Up, Some(1.0 - 0.012 * harm * (0.8 + 0.4 * noise(r, 1))));
    for (n, class) in CLASSES.iter().enumerate() {
        let n = n as u64;
        let less = 0.015 * harm * (0.7 + 0.6 * noise(r, 10 + n));
        add(format!("api.availability.{class}"), Unit::Share, Better::Up, Some(1.0 - less));
        let p50 = 0.005 + 0.015 * (n / 2) as f64;
        add(
            format!("api.latency.p50.{class}"),
            Unit::Seconds,
            Better::Down,
            Some(p50 * (0.95 + 0.1 * noise(r, 20 + n))),
        );
        add(
            format!("api.latency.p99.{class}"),
            Unit::Seconds,
            Better::Down,
            Some(p50 * 5.0 * (1.0 + noise(r, 30 + n))),
        );
        add(
            format!("api.outage.{class}"),
            Unit::Seconds,
            Better::Down,
            Some(5.0 + 60.0 * harm * (0.6 + noise(r, 40 + n))),
        );
    }
    let falsely = (3.0 * harm * noise(r, 50)).round();
    add("nodes.not_ready_falsely".into(), Unit::Count, Better::Down, Some(falsely));
    add("nodes.not_ready_falsely.share".into(), Unit::Share, Better::Down, Some(falsely / 6.0));
    add("nodes.deleted".into(), Unit::Count, Better::Neither, Some(6.0));
    add("nodes.replaced".into(), Unit::Count, Better::Neither, Some(6.0));
    add("etcd.election".into(), Unit::Seconds, Better::Down, (harm > 0.9).then(|| 1.2 + noise(r, 60)));
    add("etcd.writes_lost".into(), Unit::Count, Better::Down, Some((40.0 * harm).round()));
    add("controllers.failover".into(), Unit::Seconds, Better::Down, None);
    add("pods.evicted".into(), Unit::Count, Better::Neither, Some(20.0));
    add("pods.pending.end".into(), Unit::Count, Better::Down, Some(0.0));
    add("workload.availability".into(), Unit::Share, Better::Up, Some(0.84 + 0.05 * noise(r, 70)));
    add("workload.connections.failed".into(), Unit::Share, Better::Down, Some(0.021 + 0.01 * noise(r, 80)));
    add("workload.recovery".into(), Unit::Seconds, Better::Down, Some(420.0 + 140.0 * noise(r, 90)));
    measures
}

fn series(r: u64, harm: f64) -> Vec<Series> {
    let of = |name: String, unit, value: &dyn Fn(usize, f64) -> Option<f64>| Series {
        definition: format!("{name} by window."),
        name,
        unit,
        window_s: WINDOW_S,
        values: (0..WINDOWS).map(|at| value(at, at as f64 * WINDOW_S)).collect(),
    };
    let dark = |t: f64, span: f64| (FAULT..FAULT + span).contains(&t);
    let gone = |t: f64| (FAULT..RETURN).contains(&t);
    let mut all = Vec::new();
    for (n, class) in CLASSES.iter().enumerate() {
        let n = n as u64;
        all.push(of(format!("api.availability.{class}"), Unit::Share, &|at, t| {
            let hurt =
                if dark(t, 60.0 + 20.0 * noise(r, n)) { harm * (0.4 + 0.3 * noise(r, at as u64 + 7 * n)) } else { 0.0 };
            Some(1.0 - hurt)
        }));
        for (quantile, factor) in [("p50", 1.0), ("p99", 6.0)] {
            all.push(of(format!("api.latency.{quantile}.{class}"), Unit::Seconds, &|at, t| {
                let base = 0.005 * factor * (1.0 + (n / 2) as f64 * 3.0) * (0.9 + 0.3 * noise(r + n, at as u64));
                let slow = if dark(t, 70.0) && factor > 2.0 { base + 9.0 * harm } else { base };
                (n != 3 || at % 3 != 1).then_some(slow)
            }));
        }
    }
    all.push(of("nodes.ready".into(), Unit::Count, &|_, t| Some(if gone(t - 60.0) { 6.0 } else { 12.0 })));
    all.push(of("pods.serving".into(), Unit::Count, &|_, t| {
        Some(if dark(t, 330.0) { 20.0 } else { (20.0 + (t - FAULT - 330.0) / 6.0).clamp(20.0, 40.0) })
            .map(|v: f64| if t < FAULT { 40.0 } else { v.round() })
    }));
    all.push(of("pods.pending".into(), Unit::Count, &|_, t| {
        Some(if dark(t - 330.0, 120.0) { (20.0 - (t - FAULT - 330.0) / 6.0).round() } else { 0.0 })
    }));
    all.push(of("workload.connections.failed".into(), Unit::Share, &|at, t| {
        Some(if dark(t, 55.0) { 0.45 + 0.1 * noise(r, at as u64) } else { 0.0 })
    }));
    all
}

fn timeline(leader_lost: bool) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |cause: Option<u32>, first: f64, last: f64, count: u64, weight: Weight, text: &str| {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs_f64(seconds);
        let id = facts.len() as u32;
        facts.push(Fact { id, cause, first: at(first), last: at(last), count, text: text.into(), weight });
        id
    };
    let fault = add(None, 600.0, 600.0, 1, Weight::Turn, "zone eu-west-1a loses power");
    add(Some(fault), 600.0, 600.0, 6, Weight::Detail, "node stops in eu-west-1a");
    let server = add(Some(fault), 600.0, 600.0, 1, Weight::Step, "API server in eu-west-1a stops");
    if leader_lost {
        let leader = add(Some(fault), 600.0, 600.0, 1, Weight::Turn, "etcd loses its leader");
        let elected = add(Some(leader), 601.412, 601.412, 1, Weight::Turn, "etcd elects its member in eu-west-1b");
        add(Some(leader), 600.02, 601.4, 31, Weight::Step, "write waits for a leader");
        add(Some(elected), 607.0, 608.3, 12, Weight::Step, "write in flight fails after etcd's request time-out");
    }
    add(Some(server), 610.0, 619.8, 31, Weight::Detail, "lease renewal times out");
    let dead = add(Some(server), 645.1, 645.9, 3, Weight::Step, "kubelet gives up its silent connection");
    let late = add(Some(server), 651.2, 651.2, 2, Weight::Turn, "living node marked NotReady in eu-west-1b");
    add(Some(dead), 646.0, 661.0, 3, Weight::Step, "kubelet connects again");
    add(Some(late), 655.0, 656.0, 2, Weight::Step, "living node is Ready again in eu-west-1b");
    let lost = add(Some(fault), 650.3, 655.3, 6, Weight::Turn, "node NotReady in eu-west-1a");
    let taint = add(Some(lost), 655.0, 705.0, 6, Weight::Step, "node tainted unreachable in eu-west-1a");
    let dns = add(Some(fault), 648.0, 648.0, 1, Weight::Step, "the address of eu-west-1a leaves DNS");
    add(Some(dns), 649.0, 708.0, 4, Weight::Detail, "resolver learns of it");
    let evicted = add(Some(taint), 955.0, 1005.0, 20, Weight::Turn, "pod evicted from eu-west-1a");
    let pending = add(Some(evicted), 956.0, 1006.0, 20, Weight::Step, "replacement pod bound");
    add(Some(pending), 962.0, 1020.5, 20, Weight::Step, "replacement pod serves");
    add(Some(evicted), 1020.5, 1020.5, 1, Weight::Turn, "all wanted replicas serve again");
    add(Some(fault), 1500.0, 1500.0, 1, Weight::Turn, "power returns to eu-west-1a");
    facts
}

/// A made-up document of so many replications.
pub fn document(replications: u32) -> Document {
    let case_of = |replication: u32| [1, 0, 2, 1, 2, 1, 0, 1][replication as usize % 8];
    let runs: Vec<(usize, Record)> = (0..replications).map(|r| (case_of(r), record(r, case_of(r)))).collect();
    let mut drawn: Vec<usize> = (0..3).filter(|case| runs.iter().any(|(found, _)| found == case)).collect();
    drawn.sort_by(|a, b| LABELS[*b].1.total_cmp(&LABELS[*a].1));
    let records: Vec<Record> = drawn
        .iter()
        .map(|case| runs.iter().find(|(found, _)| found == case).expect("it was drawn").1.clone())
        .collect();
    let all: Vec<&Record> = runs.iter().map(|(_, record)| record).collect();
    let findings = Findings {
        replications,
        total: estimates(&all),
        cases: drawn
            .iter()
            .map(|case| {
                let of: Vec<&Record> =
                    runs.iter().filter(|(found, _)| found == case).map(|(_, record)| record).collect();
                CaseFindings { case: of[0].case.clone(), replications: of.len() as u32, measures: estimates(&of) }
            })
            .collect(),
        bands: bands(&all),
        runs: runs
            .iter()
            .map(|(case, record)| RunRow {
                replication: record.replication,
                case: drawn.iter().position(|found| found == case).expect("it was drawn"),
                values: record.measures.iter().map(|measure| measure.value).collect(),
            })
            .collect(),
    };
    Document::new("ekssim 0.1.0", 1, plan(), findings, records)
}

fn estimates(records: &[&Record]) -> Vec<Estimate> {
    let estimate = |at: usize| {
        let measure = &records[0].measures[at];
        let values: Vec<f64> = records.iter().filter_map(|record| record.measures[at].value).collect();
        let [mean, half] = mean_and_half(&values);
        Estimate {
            name: measure.name.clone(),
            unit: measure.unit,
            better: measure.better,
            definition: measure.definition.clone(),
            n: values.len() as u32,
            mean,
            half_width: half,
            range: mean.map(|_| {
                [values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max)]
            }),
        }
    };
    (0..records[0].measures.len()).map(estimate).collect()
}

/// A rough interval, good enough for pictures: 2.4 standard errors.
fn mean_and_half(values: &[f64]) -> [Option<f64>; 2] {
    if values.is_empty() {
        return [None, None];
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    [Some(mean), (values.len() > 1).then(|| 2.4 * (variance / n).sqrt())]
}

fn bands(records: &[&Record]) -> Vec<Band> {
    let band = |at: usize| {
        let series = &records[0].series[at];
        let windows = (0..WINDOWS).map(|window| {
            let values: Vec<f64> = records.iter().filter_map(|record| record.series[at].values[window]).collect();
            mean_and_half(&values)
        });
        let windows: Vec<[Option<f64>; 2]> = windows.collect();
        let side = |sign: f64| windows.iter().map(|[mean, half]| Some((*mean)? + sign * half.unwrap_or(0.0))).collect();
        Band {
            name: series.name.clone(),
            unit: series.unit,
            window_s: series.window_s,
            definition: series.definition.clone(),
            mean: side(0.0),
            low: side(-1.0),
            high: side(1.0),
        }
    };
    (0..records[0].series.len()).map(band).collect()
}
