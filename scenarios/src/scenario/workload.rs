//! What runs on the cluster: the deployments that are listed, or a workload in proportion to the cluster, and CoreDNS.

use super::cluster::{taint_effect, text_map};
use super::fields::{Errors, Fields};
use super::network;
use super::placing;
use super::pod_start;
use super::tree::quoted;
use sim_eks::plan::{
    Amount, AutoscalerBounds, Client, ClientPlace, Cluster, Control, DaemonSet, Deployment, DisruptionBudget,
    ExternalClient, NodeGroup, Note, NoteKind, PodStart, SYSTEM_CLUSTER_CRITICAL, SYSTEM_NODE_CRITICAL, TaintEffect,
    Toleration, WorkloadCall, WorkloadClient, WorkloadKind,
};
use sim_eks::quantity::{Resources, show_duration};
use sim_kernel::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// Pods for each node where the file says nothing.
const PODS_PER_NODE: u64 = 10;

/// Most pods that a load test has deleted and created in a second.
const CHURN_MAX: f64 = 10_000.0;

/// The largest value that a user's PriorityClass may have. Source: Kubernetes documentation, pod priority.
const PRIORITY_MAX: i32 = 1_000_000_000;

/// What EKS runs in every cluster. Source: the add-on's manifest (two replicas, 100m and 70Mi, of the class
/// `system-cluster-critical`), documented.
const COREDNS: &str = "coredns";
const COREDNS_REQUESTS: Resources = Resources { milli_cpu: 100, memory_mib: 70 };

/// Reads or makes the deployments; what is wrong is noted.
pub(crate) fn deployments(
    file: &Fields,
    cluster: &Cluster,
    has_pods: bool,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Vec<Deployment> {
    let mut deployments = Vec::new();
    if let Some(listed) = file.tables("deployments") {
        for fields in listed {
            let read = deployment(fields, &deployments, errors);
            deployments.extend(read);
        }
        pod_start::check_shared(file, &deployments, errors);
        placing::neighbours(file, &mut deployments, errors);
        let generates =
            |workload: &Fields| ["pods_per_node", "deployments", "cpu", "memory"].map(|key| workload.has(key));
        if file.has("workload") && file.table("workload").is_none_or(|workload| generates(workload).contains(&true)) {
            errors.add(file.line_of("workload"), "workload", "stands beside deployments; give the one or the other");
        }
    } else if let Some(workload) = file.table("workload").filter(|_| !file.is_spoilt("deployments")) {
        deployments.extend(generated(workload, cluster, has_pods, notes).unwrap_or_default());
    }
    let is_coredns = |deployment: &Deployment| deployment.namespace == "kube-system" && deployment.name == COREDNS;
    if !deployments.iter().any(is_coredns) {
        deployments.push(coredns());
        filled(notes, "deployments", "kube-system/coredns with 2 replicas, as in every EKS cluster".to_owned());
    }
    warn_of_misfits(&deployments, cluster, notes);
    deployments
}

fn filled(notes: &mut Vec<Note>, field: &str, text: String) {
    notes.push(Note { kind: NoteKind::Filled, place: String::new(), field: field.to_owned(), text });
}

fn deployment(fields: &Fields, before: &[Deployment], errors: &mut Errors) -> Option<Deployment> {
    let name = fields.text("name")?.clone();
    let namespace = fields.text("namespace")?.clone();
    if before.iter().any(|other| other.name == name && other.namespace == namespace) {
        let problem = format!("there is another deployment {} in the namespace {namespace}", quoted(&name));
        errors.add(fields.line_of("name"), fields.field("name"), problem);
    }
    let tolerations = tolerations(fields, errors);
    Some(Deployment {
        namespace,
        name,
        replicas: *fields.count("replicas")? as u32,
        requests: requests(fields)?,
        node_selector: text_map(fields, "node_selector"),
        tolerations,
        spread_zones: *fields.flag("spread_zones")?,
        control: Control {
            kind: match fields.text("kind")?.as_str() {
                "StatefulSet" => WorkloadKind::StatefulSet,
                _ => WorkloadKind::Deployment,
            },
            budget: budget(fields, errors),
            autoscaler: autoscaler(fields, errors),
            load_milli_cpu: fields.count("load").copied(),
            priority: priority(fields, errors).unwrap_or(0),
            placing: placing::placing(fields, errors),
            labels: text_map(fields, "labels"),
            max_unavailable: None,
            never_preempts: fields.text("preemption_policy").is_some_and(|policy| policy == "Never"),
            job: None,
            is_parallel: fields.text("pod_management").is_some_and(|policy| policy == "Parallel"),
            volume_gib: volume(fields, errors),
            start: pod_start::pod_start(fields, errors),
        },
    })
}

/// Reads the taints that pods tolerate.
pub(super) fn tolerations(fields: &Fields, errors: &mut Errors) -> Vec<Toleration> {
    let texts = fields.texts("tolerations").into_iter().flatten().enumerate();
    let tolerations = texts.filter_map(|(index, placed)| {
        let read = toleration(&placed.text);
        if read.is_none() {
            let problem =
                format!("found {}; wanted is key, key=value, key:effect, key=value:effect or *", quoted(&placed.text));
            errors.add(placed.line, format!("{}[{index}]", fields.field("tolerations")), problem);
        }
        read
    });
    tolerations.collect()
}

/// Reads the size of the volume that each pod of a StatefulSet claims, in GiB.
fn volume(fields: &Fields, errors: &mut Errors) -> Option<u64> {
    for key in ["volume", "pod_management"].iter().filter(|key| fields.has(key)) {
        if fields.text("kind").is_some_and(|kind| kind != "StatefulSet") {
            let problem = "has no meaning for a Deployment; it is for a StatefulSet";
            errors.add(fields.line_of(key), fields.field(key), problem);
        }
    }
    fields.count("volume").map(|mib| mib.div_ceil(1024))
}

/// Reads the DaemonSets beside those of EKS; what is wrong is noted.
pub(crate) fn daemon_sets(file: &Fields, cluster: &mut Cluster, duration: SimDuration, errors: &mut Errors) {
    for fields in file.tables("daemon_sets").into_iter().flatten() {
        let (Some(name), Some(requests)) = (fields.text("name").cloned(), requests(fields)) else { continue };
        if cluster.daemon_sets.iter().any(|other| other.name == name) {
            let problem = format!("there is another DaemonSet {}", quoted(&name));
            errors.add(fields.line_of("name"), fields.field("name"), problem);
        }
        let created = fields.duration("created").copied();
        if let Some(at) = created.filter(|at| *at >= duration) {
            let (at, end) = (show_duration(at), show_duration(duration));
            let problem = format!("{at} is not before the end of the run at {end}");
            errors.add(fields.line_of("created"), fields.field("created"), problem);
        }
        cluster.daemon_sets.push(DaemonSet {
            name,
            requests,
            node_selector: text_map(fields, "node_selector"),
            tolerations: tolerations(fields, errors),
            host_network: fields.flag("host_network").is_some_and(|flag| *flag),
            brings_network: false,
            created: created.map(|at| SimTime::ZERO + at),
            priority: priority(fields, errors).unwrap_or(0),
            start: PodStart { image: pod_start::image(fields), ..PodStart::default() },
        });
    }
}

/// Reads the value or the name of a priority class.
pub(super) fn priority(fields: &Fields, errors: &mut Errors) -> Option<i32> {
    let text = fields.text("priority")?;
    let read = match text.trim() {
        "system-cluster-critical" => Some(SYSTEM_CLUSTER_CRITICAL),
        "system-node-critical" => Some(SYSTEM_NODE_CRITICAL),
        number => number.parse().ok().filter(|value: &i32| *value <= PRIORITY_MAX),
    };
    if read.is_none() {
        let problem = format!(
            "found {}; wanted is the value of a PriorityClass, at most {PRIORITY_MAX}, or system-cluster-critical or system-node-critical",
            quoted(text)
        );
        errors.add(fields.line_of("priority"), fields.field("priority"), problem);
    }
    read
}

/// Reads the HorizontalPodAutoscaler of a deployment.
fn autoscaler(fields: &Fields, errors: &mut Errors) -> Option<AutoscalerBounds> {
    let max = *fields.count("hpa_max")? as u32;
    let min = *fields.count("hpa_min")? as u32;
    if max < min {
        errors.add(fields.line_of("hpa_max"), fields.field("hpa_max"), format!("{max} is less than hpa_min, {min}"));
    }
    if !fields.has("load") {
        let problem = "an autoscaler on CPU needs the load of its pods: give the key load";
        errors.add(fields.line_of("hpa_max"), fields.field("hpa_max"), problem);
    }
    let text = fields.text("hpa_target")?;
    let percent = text.trim().strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
    let target = percent.map(|percent| percent / 100.0).filter(|target| *target > 0.0 && *target <= 10.0);
    if target.is_none() {
        let problem = format!("found {}; wanted is a share such as \"80%\", above 0%", quoted(text));
        errors.add(fields.line_of("hpa_target"), fields.field("hpa_target"), problem);
    }
    Some(AutoscalerBounds { min, max, target: target? })
}

/// Reads the PodDisruptionBudget of a deployment.
fn budget(fields: &Fields, errors: &mut Errors) -> Option<DisruptionBudget> {
    let min = amount(fields, "pdb_min_available", errors);
    let max = amount(fields, "pdb_max_unavailable", errors);
    if min.is_some() && max.is_some() {
        let (line, field) = (fields.line_of("pdb_max_unavailable"), fields.field("pdb_max_unavailable"));
        errors.add(line, field, "stands beside pdb_min_available; a budget has the one or the other");
    }
    min.map(DisruptionBudget::MinAvailable).or(max.map(DisruptionBudget::MaxUnavailable))
}

/// Reads a number of pods, or a share of them.
fn amount(fields: &Fields, key: &str, errors: &mut Errors) -> Option<Amount> {
    let text = fields.text(key)?;
    let read = match text.trim().strip_suffix('%') {
        Some(percent) => {
            let share = percent.trim().parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
            share.map(|percent| Amount::Share(percent / 100.0))
        }
        None => text.trim().parse().ok().map(Amount::Pods),
    };
    if read.is_none() {
        let problem =
            format!("found {}; wanted is a number of pods such as \"2\", or a share such as \"50%\"", quoted(text));
        errors.add(fields.line_of(key), fields.field(key), problem);
    }
    read
}

pub(super) fn requests(fields: &Fields) -> Option<Resources> {
    Some(Resources { milli_cpu: *fields.count("cpu")?, memory_mib: *fields.count("memory")? })
}

/// Reads `key`, `key=value`, `key:effect`, `key=value:effect` or `*`.
fn toleration(text: &str) -> Option<Toleration> {
    if text == "*" {
        return Some(Toleration { key: None, value: None, effect: None });
    }
    let (pair, effect) = match text.rsplit_once(':') {
        Some((pair, effect)) => (pair, Some(taint_effect(effect)?)),
        None => (text, None),
    };
    let (key, value) = match pair.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (pair, None),
    };
    (!key.is_empty()).then(|| Toleration { key: Some(key.to_owned()), value, effect })
}

/// A workload in proportion to the cluster: so many pods for each node that takes them, as far as two thirds of the
/// node hold them, so that the loss of one zone of three leaves room for all.
fn generated(fields: &Fields, cluster: &Cluster, has_pods: bool, notes: &mut Vec<Note>) -> Option<Vec<Deployment>> {
    let usual = if has_pods { 0 } else { PODS_PER_NODE };
    let pods_per_node = fields.count("pods_per_node").copied().unwrap_or(usual);
    let kinds = *fields.count("deployments")?;
    let requests = requests(fields)?;
    let pods: u64 = cluster
        .node_groups
        .iter()
        .map(|group| u64::from(group.desired) * pods_per_node.min(room(group, cluster, requests) * 2 / 3))
        .sum();
    let text = match pods {
        0 if pods_per_node == 0 => "none".to_owned(),
        0 => "none: no node takes pods".to_owned(),
        _ => format!(
            "{pods} pods, {pods_per_node} for each node as far as two thirds of it hold them, in {kinds} deployments"
        ),
    };
    filled(notes, "workload", text);
    let share = |kind: u64| pods / kinds + u64::from(kind < pods % kinds);
    let kinds = (0..kinds).filter(|&kind| share(kind) > 0).map(|kind| Deployment {
        namespace: "default".to_owned(),
        name: format!("service-{}", kind + 1),
        replicas: u32::try_from(share(kind)).unwrap_or(u32::MAX),
        requests,
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
        spread_zones: false,
        control: Control::default(),
    });
    Some(kinds.collect())
}

/// Pods with these requests that an empty node of a group holds beside its DaemonSets; none if its taints keep them off.
fn room(group: &NodeGroup, cluster: &Cluster, requests: Resources) -> u64 {
    if group.taints.iter().any(|taint| taint.effect != TaintEffect::PreferNoSchedule) {
        return 0;
    }
    let used = |amount: fn(&Resources) -> u64| cluster.daemon_sets.iter().map(|set| amount(&set.requests)).sum::<u64>();
    let fits = |free: u64, each: u64| free.checked_div(each).unwrap_or(u64::MAX);
    let cpu = fits(group.allocatable.milli_cpu.saturating_sub(used(|r| r.milli_cpu)), requests.milli_cpu);
    let memory = fits(group.allocatable.memory_mib.saturating_sub(used(|r| r.memory_mib)), requests.memory_mib);
    let slots = u64::from(group.max_pods).saturating_sub(cluster.daemon_sets.len() as u64);
    cpu.min(memory).min(slots)
}

fn coredns() -> Deployment {
    let tolerate = |key: &str, effect| Toleration { key: Some(key.to_owned()), value: None, effect };
    Deployment {
        namespace: "kube-system".to_owned(),
        name: COREDNS.to_owned(),
        replicas: 2,
        requests: COREDNS_REQUESTS,
        node_selector: BTreeMap::new(),
        tolerations: vec![
            tolerate("CriticalAddonsOnly", None),
            tolerate("node-role.kubernetes.io/control-plane", Some(TaintEffect::NoSchedule)),
        ],
        spread_zones: false,
        // Its manifest lets one of the two be missing in a rolling update.
        control: Control { priority: SYSTEM_CLUSTER_CRITICAL, max_unavailable: Some(1), ..Control::default() },
    }
}

/// Reads how many pods a load test has deleted and created, `20/s` or `60/m`.
pub(crate) fn churn(workload: &Fields, errors: &mut Errors) -> f64 {
    let Some(text) = workload.text("churn") else { return 0.0 };
    let seconds = [("/s", 1.0), ("/m", 60.0), ("/h", 3600.0)];
    let read = seconds.into_iter().find_map(|(unit, seconds)| {
        let amount: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(amount / seconds).filter(|rate| (0.0..=CHURN_MAX).contains(rate))
    });
    if read.is_none() {
        let problem =
            format!("found {}; allowed is a rate from 0/s to {CHURN_MAX}/s, such as 20/s or 60/m", quoted(text));
        errors.add(workload.line_of("churn"), workload.field("churn"), problem);
    }
    read.unwrap_or(0.0)
}

/// Notes the shapes of a trace's pods that fit on no node.
pub(crate) fn warn_of_shapes(shapes: &[Deployment], cluster: &Cluster, notes: &mut Vec<Note>) {
    let misfits = shapes.iter().filter(|shape| !cluster.node_groups.iter().any(|group| takes(group, cluster, shape)));
    let names: Vec<&str> = misfits.map(|shape| shape.name.as_str()).collect();
    if let Some(first) = names.first() {
        let text = format!(
            "pods of {} shapes, such as {first}, fit on no node of any node group: they stay pending",
            names.len()
        );
        notes.push(Note { kind: NoteKind::Warning, place: String::new(), field: "pods".to_owned(), text });
    }
}

/// Notes what Kubernetes would accept and leave pending.
fn warn_of_misfits(deployments: &[Deployment], cluster: &Cluster, notes: &mut Vec<Note>) {
    let mut warn = |field: &str, text: String| {
        notes.push(Note { kind: NoteKind::Warning, place: String::new(), field: field.to_owned(), text });
    };
    if cluster.nodes() == 0 && cluster.fargate_profiles.is_empty() {
        warn("cluster", "has no node when the run begins: every pod is pending".to_owned());
        return;
    }
    for deployment in deployments.iter().filter(|deployment| deployment.replicas > 0) {
        let field = format!("{}/{}", deployment.namespace, deployment.name);
        if cluster.fargate_profile_of(deployment).is_some() {
            continue;
        }
        if !cluster.node_groups.iter().any(|group| takes(group, cluster, deployment)) {
            let text = match cluster.fargate_profiles.is_empty() {
                true => "fits no node of any node group (requests, labels or taints): its pods stay pending",
                false => {
                    "fits no node of any node group (requests, labels or taints), and no Fargate profile selects it: its pods stay pending"
                }
            };
            warn(&field, text.to_owned());
        }
    }
}

fn takes(group: &NodeGroup, cluster: &Cluster, deployment: &Deployment) -> bool {
    let selected = deployment.node_selector.iter().all(|(key, value)| {
        // Labels of the kubelet and the cloud are not in the group's own list.
        key.contains("kubernetes.io/") || key.contains("amazonaws.com/") || group.labels.get(key) == Some(value)
    });
    let tolerated = group.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule).all(|taint| {
        deployment.tolerations.iter().any(|toleration| {
            toleration.key.as_ref().is_none_or(|key| *key == taint.key)
                && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
                && toleration.effect.is_none_or(|effect| effect == taint.effect)
        })
    });
    let bare = NodeGroup { taints: Vec::new(), ..group.clone() };
    selected && tolerated && room(&bare, cluster, deployment.requests) > 0
}

/// Keys of clients that only programs on the nodes have.
const OF_WORKLOADS: [&str; 7] = ["does", "interval", "workers", "qps", "burst", "back_off", "system"];

/// Reads the programs on the nodes among the clients.
pub(crate) fn workloads(file: &Fields, errors: &mut Errors) -> Vec<WorkloadClient> {
    let listed = file.tables("clients").into_iter().flatten();
    listed.filter_map(|fields| workload_client(fields, errors)).collect()
}

fn workload_client(fields: &Fields, errors: &mut Errors) -> Option<WorkloadClient> {
    let class = fields.text("class").filter(|class| is_on_nodes(class))?;
    for key in network::OF_PLACES.iter().filter(|key| fields.has(key)) {
        let problem = format!("has no meaning for {class}: its processes are on the nodes");
        errors.add(fields.line_of(key), fields.field(key), problem);
    }
    let agents = class == "agents";
    if agents && fields.has("count") {
        let problem = "has no meaning for agents: there is one on each node";
        errors.add(fields.line_of("count"), fields.field("count"), problem);
    }
    let does = match fields.text("does").map(String::as_str) {
        Some("list") => WorkloadCall::List,
        Some("watch") => WorkloadCall::Watch,
        Some("apply") => WorkloadCall::Apply,
        None if agents => WorkloadCall::List,
        _ => WorkloadCall::Get,
    };
    let interval = fields.duration("interval").copied();
    Some(WorkloadClient {
        name: fields.text("name").unwrap_or(class).clone(),
        replicas: if agents { None } else { Some(*fields.count("count")? as u32) },
        workers: *fields.count("workers")? as u32,
        does,
        interval: interval.unwrap_or(if agents { SimDuration::from_mins(10) } else { SimDuration::ZERO }),
        qps: *fields.count("qps")?,
        burst: *fields.count("burst")?,
        back_off: *fields.flag("back_off")?,
        system: *fields.flag("system")?,
    })
}

fn is_on_nodes(class: &str) -> bool {
    matches!(class, "agents" | "operator")
}

/// Reads the clients outside the cluster; one administrator and one CI system if no clients are listed at all.
pub(crate) fn clients(file: &Fields, notes: &mut Vec<Note>, errors: &mut Errors) -> Vec<Client> {
    let Some(listed) = file.tables("clients") else {
        if !file.is_spoilt("clients") {
            filled(notes, "clients", "one administrator and one CI system, as none are listed".to_owned());
        }
        return [("admin", ExternalClient::Admin), ("ci", ExternalClient::Ci)]
            .map(|(name, class)| Client { name: name.to_owned(), class, place: ClientPlace::default(), count: 1 })
            .to_vec();
    };
    let mut clients: Vec<Client> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for fields in listed {
        let Some(word) = fields.text("class") else { continue };
        let class = match word.as_str() {
            "ci" => ExternalClient::Ci,
            "exec" => ExternalClient::Exec,
            _ => ExternalClient::Admin,
        };
        let name = fields.text("name").unwrap_or(word).clone();
        let Some(&count) = fields.count("count") else { continue };
        if names.contains(&name) {
            errors.add(
                fields.line_of("name"),
                fields.field("name"),
                format!("there is another client {}", quoted(&name)),
            );
        }
        names.push(name.clone());
        if is_on_nodes(word) {
            continue;
        }
        for key in OF_WORKLOADS.iter().filter(|key| fields.has(key)) {
            let problem = format!("has no meaning for {word}; it is for agents and operators");
            errors.add(fields.line_of(key), fields.field(key), problem);
        }
        clients.push(Client { name, class, place: ClientPlace::default(), count: count as u32 });
    }
    clients
}
