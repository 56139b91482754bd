//! The resolved plan, for people: `ekssim show`.

use crate::explain::{in_words, origin};
use crate::scenario::network::show_rule;
use crate::scenario::quantity::{show_cpu, show_memory};
use crate::scenario::settings::group_of;
use sim_eks::plan::{
    Amount, Cluster, Connection, Deployment, DisruptionBudget, NodeGroup, Note, NoteKind, RouteTarget, Toleration,
    WorkloadKind, ZoneId,
};
use sim_eks::quantity::show_duration;
use sim_eks::{DECLARATIONS, Plan};
use sim_kernel::{SimDuration, SimTime};

/// Shows everything that a run of the plan assumes: the cluster, what runs on it, what happens to it, every parameter
/// with its value, origin, source and confidence, and every note.
pub fn show(plan: &Plan) -> String {
    let mut page = Page { text: format!("{}: {}\n{}\n", plan.scenario, plan.title, plan.question) };
    page.section("Run");
    page.rows(&[
        vec!["duration".to_owned(), show_duration(plan.duration)],
        vec!["warm-up".to_owned(), show_duration(plan.warm_up)],
        vec!["replications".to_owned(), plan.replications.to_string()],
    ]);
    show_cluster(&mut page, &plan.cluster);
    show_network(&mut page, &plan.cluster);
    page.section("Deployments");
    page.rows(&plan.deployments.iter().map(deployment).collect::<Vec<_>>());
    page.section("Clients outside the cluster");
    page.rows(
        &plan
            .clients
            .iter()
            .map(|each| client(each, &plan.cluster))
            .chain(plan.workloads.iter().map(workload))
            .collect::<Vec<_>>(),
    );
    page.section("Faults and changes");
    let steps = plan.steps.iter().map(|step| vec![show_time(step.at), plan.describe(&step.change)]);
    page.rows(&steps.collect::<Vec<_>>());
    page.section("Objectives");
    let objectives = plan.objectives.iter().map(|objective| vec![objective.measure.clone(), objective.text.clone()]);
    page.rows(&objectives.collect::<Vec<_>>());
    show_variants(&mut page, plan);
    show_parameters(&mut page, plan);
    for (kind, title) in [
        (NoteKind::Warning, "Warnings"),
        (NoteKind::NotModelled, "Read, but not modelled"),
        (NoteKind::Filled, "Filled in"),
    ] {
        page.section(title);
        let notes = plan.notes.iter().filter(|note| note.kind == kind);
        page.rows(&notes.map(note).collect::<Vec<_>>());
    }
    page.text
}

/// A text of titled tables.
struct Page {
    text: String,
}

/// Columns wider than this do not widen the column for the rest.
const COLUMN_MAX: usize = 44;

impl Page {
    fn section(&mut self, title: &str) {
        self.text.push_str(&format!("\n{title}\n"));
    }

    /// Rows of a table, its columns aligned; a row may end early.
    fn rows(&mut self, rows: &[Vec<String>]) {
        if rows.is_empty() {
            self.text.push_str("  none\n");
        }
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let length = |cell: &String| cell.chars().count();
        let width = |column: usize| {
            let lengths = rows.iter().filter_map(|row| row.get(column)).map(length);
            lengths.filter(|length| *length <= COLUMN_MAX).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!(" {cell:<width$} "));
            }
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

fn show_time(time: SimTime) -> String {
    show_duration(SimDuration::from_nanos(time.as_nanos()))
}

fn show_cluster(page: &mut Page, cluster: &Cluster) {
    page.section("Cluster");
    let zones = |own: bool| {
        let zones = cluster.zones.iter().filter(|zone| zone.in_cluster == own);
        zones.map(|zone| zone.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut rows = vec![
        vec!["name".to_owned(), cluster.name.clone()],
        vec!["region".to_owned(), cluster.region.clone()],
        vec!["Kubernetes".to_owned(), format!("{}.{}", cluster.version.major, cluster.version.minor)],
        vec!["zones".to_owned(), zones(true)],
    ];
    if !zones(false).is_empty() {
        rows.push(vec!["control plane also in".to_owned(), zones(false)]);
    }
    page.rows(&rows);
    page.section("Node groups");
    page.rows(&cluster.node_groups.iter().map(|group| node_group(group, cluster)).collect::<Vec<_>>());
    page.section("On every node");
    let sets = cluster.daemon_sets.iter();
    let sets =
        sets.map(|set| vec![set.name.clone(), show_cpu(set.requests.milli_cpu), show_memory(set.requests.memory_mib)]);
    page.rows(&sets.collect::<Vec<_>>());
}

/// The VPC and the ways to the API.
fn show_network(page: &mut Page, cluster: &Cluster) {
    let vpc = &cluster.network;
    page.section("Network");
    let on = |flag: bool| if flag { "on" } else { "off" };
    let services: Vec<&str> = vpc.vpc_endpoints.iter().map(|service| service.name()).collect();
    let row = |what: &str, text: String| vec![what.to_owned(), text];
    let mut rows = vec![
        row("VPC", format!("{}, pods and services {:?}, services {}", vpc.cidr, vpc.family, vpc.service_cidr)),
        row("endpoint access", vpc.access.to_string()),
        row("DNS", format!("enableDnsHostnames {}, enableDnsSupport {}", on(vpc.dns.hostnames), on(vpc.dns.support))),
        row("VPC endpoints", if services.is_empty() { "none".to_owned() } else { services.join(", ") }),
    ];
    for nat in &vpc.nat_gateways {
        rows.push(row("NAT gateway", format!("in {}, {}", zone_name(cluster, nat.zone), nat.address)));
    }
    for network in &vpc.connected {
        rows.push(row("connected", format!("{} ({}), {}", network.name, connection(network.kind), network.cidr)));
    }
    page.rows(&rows);
    page.section("Subnets");
    let subnets = (0..vpc.subnets.len()).map(|index| subnet(index, cluster));
    page.rows(&subnets.collect::<Vec<_>>());
    page.section("Security groups: who may reach what has them");
    let rules = |group: usize| {
        let inbound = vpc.security_groups[group].inbound.iter().map(|rule| show_rule(rule, vpc)).collect::<Vec<_>>();
        if inbound.is_empty() { "nobody".to_owned() } else { inbound.join(", ") }
    };
    let groups = vpc.security_groups.iter().enumerate();
    page.rows(&groups.map(|(index, group)| vec![group.name.clone(), rules(index)]).collect::<Vec<_>>());
}

fn connection(kind: Connection) -> &'static str {
    match kind {
        Connection::Vpn => "VPN",
        Connection::DirectConnect => "Direct Connect",
        Connection::Peering => "peering",
    }
}

fn subnet(index: usize, cluster: &Cluster) -> Vec<String> {
    let vpc = &cluster.network;
    let subnet = &vpc.subnets[index];
    let ways = subnet.routes.iter().map(|route| match route.target {
        RouteTarget::InternetGateway => format!("{} by the internet gateway", route.destination),
        RouteTarget::EgressOnlyGateway => format!("{} by the egress-only gateway", route.destination),
        RouteTarget::Nat(nat) => {
            let zone = zone_name(cluster, vpc.nat_gateways[nat].zone);
            format!("{} by the NAT gateway in {zone}", route.destination)
        }
        RouteTarget::Connected(network) => format!("{} by {}", route.destination, vpc.connected[network].name),
    });
    let ways: Vec<String> = ways.collect();
    let is_chosen = vpc.control_plane_subnets.contains(&index);
    vec![
        subnet.name.clone(),
        subnet.cidr.to_string(),
        zone_name(cluster, subnet.zone).to_owned(),
        format!("{} addresses", subnet.usable()),
        if is_chosen { "interfaces of EKS" } else { "" }.to_owned(),
        if ways.is_empty() { "no way out of the VPC".to_owned() } else { ways.join(", ") },
    ]
}

/// What each variant has in another way.
fn show_variants(page: &mut Page, plan: &Plan) {
    if plan.variants.is_empty() {
        return;
    }
    page.section("Variants");
    for variant in &plan.variants {
        let new = variant.settings.iter().filter(|setting| !plan.settings.contains(setting));
        let new = new.map(|setting| format!("{} = {}", setting.path, setting.value));
        let network = variant.network.iter().flat_map(|network| plan.cluster.network.differences(network));
        page.rows(&[vec![variant.name.clone(), new.chain(network).collect::<Vec<_>>().join("; ")]]);
    }
}

fn zone_name(cluster: &Cluster, zone: ZoneId) -> &str {
    cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str())
}

fn node_group(group: &NodeGroup, cluster: &Cluster) -> Vec<String> {
    let zones: Vec<&str> = group.zones.iter().map(|zone| zone_name(cluster, *zone)).collect();
    let known = group.usd_per_hour.known(&cluster.region);
    let price = known.map_or("no price known".to_owned(), |usd| format!("{usd} USD/h on demand"));
    let subnets: Vec<&str> =
        group.subnets.iter().map(|subnet| cluster.network.subnets[*subnet].name.as_str()).collect();
    let groups = group.security_groups.iter().map(|group| cluster.network.security_groups[*group].name.as_str());
    let mut rest = vec![zones.join(" ")];
    rest.push(format!("in {}", subnets.join(" ")));
    rest.push(format!("security groups {}", groups.collect::<Vec<_>>().join(" ")));
    rest.extend(group.labels.iter().map(|(key, value)| format!("label {key}={value}")));
    rest.extend(group.taints.iter().map(|taint| format!("taint {}={}:{:?}", taint.key, taint.value, taint.effect)));
    vec![
        group.name.clone(),
        format!("{} nodes ({} to {})", group.desired, group.min, group.max),
        group.instance_type.clone(),
        if group.managed { "managed" } else { "self-managed" }.to_owned(),
        if group.spot { "Spot" } else { "on demand" }.to_owned(),
        format!("{} pods", group.max_pods),
        show_cpu(group.allocatable.milli_cpu),
        show_memory(group.allocatable.memory_mib),
        price,
        rest.join(", "),
    ]
}

fn deployment(deployment: &Deployment) -> Vec<String> {
    let mut rest: Vec<String> =
        deployment.node_selector.iter().map(|(key, value)| format!("on {key}={value}")).collect();
    rest.extend(deployment.tolerations.iter().map(|each| format!("tolerates {}", toleration(each))));
    if deployment.spread_zones {
        rest.push("spread over the zones".to_owned());
    }
    if deployment.control.kind == WorkloadKind::StatefulSet {
        rest.push("a StatefulSet".to_owned());
    }
    rest.extend(deployment.control.budget.map(budget));
    rest.extend(
        deployment.control.autoscaler.map(|scaler| {
            format!("{} to {} pods for {} % of their CPU", scaler.min, scaler.max, scaler.target * 100.0)
        }),
    );
    rest.extend(deployment.control.load_milli_cpu.map(|load| format!("load {}", show_cpu(load))));
    vec![
        format!("{}/{}", deployment.namespace, deployment.name),
        format!("{} pods", deployment.replicas),
        show_cpu(deployment.requests.milli_cpu),
        show_memory(deployment.requests.memory_mib),
        rest.join(", "),
    ]
}

fn budget(budget: DisruptionBudget) -> String {
    let amount = |amount: Amount| match amount {
        Amount::Pods(pods) => pods.to_string(),
        Amount::Share(share) => format!("{} %", share * 100.0),
    };
    match budget {
        DisruptionBudget::MinAvailable(left) => format!("evictions leave {}", amount(left)),
        DisruptionBudget::MaxUnavailable(missing) => format!("evictions may leave {} missing", amount(missing)),
    }
}

fn toleration(toleration: &Toleration) -> String {
    let key = toleration.key.as_deref().unwrap_or("*");
    let value = toleration.value.as_ref().map_or(String::new(), |value| format!("={value}"));
    let effect = toleration.effect.map_or(String::new(), |effect| format!(":{effect:?}"));
    format!("{key}{value}{effect}")
}

fn workload(workload: &sim_eks::plan::WorkloadClient) -> Vec<String> {
    use sim_eks::plan::WorkloadCall;
    let (class, count) = match workload.replicas {
        None => ("agents", "one on each node".to_owned()),
        Some(count) => ("operator", count.to_string()),
    };
    let does = match workload.does {
        WorkloadCall::List => "lists all pods",
        WorkloadCall::Watch => "watches all pods",
        WorkloadCall::Get => "reads an object",
        WorkloadCall::Apply => "changes an object",
    };
    let each = format!(
        "{does} every {} by {} workers, at most {} requests/s, {} at once{}{}",
        show_duration(workload.interval),
        workload.workers,
        workload.qps,
        workload.burst,
        if workload.back_off { "" } else { ", without back-off" },
        if workload.system { ", in kube-system" } else { "" },
    );
    vec![workload.name.clone(), class.to_owned(), count, each]
}

fn client(client: &sim_eks::plan::Client, cluster: &Cluster) -> Vec<String> {
    let class = match client.class {
        sim_eks::plan::ExternalClient::Admin => "admin",
        sim_eks::plan::ExternalClient::Ci => "ci",
        sim_eks::plan::ExternalClient::Exec => "exec",
    };
    let place = cluster.network.describe_place(&client.place);
    vec![client.name.clone(), class.to_owned(), client.count.to_string(), place]
}

fn show_parameters(page: &mut Page, plan: &Plan) {
    page.section("Parameters: value, who set it, how sure it is and where it comes from");
    let mut group = "";
    let mut rows: Vec<Vec<String>> = Vec::new();
    for declared in DECLARATIONS {
        if group_of(declared.path) != group && !rows.is_empty() {
            page.rows(&rows);
            page.text.push('\n');
            rows.clear();
        }
        group = group_of(declared.path);
        let origin = origin(declared, Some(plan));
        let by = if origin == "default" { origin } else { format!("{origin}; default {}", declared.default) };
        rows.push(vec![
            declared.path.to_owned(),
            plan.parameters.get(declared.path).expect("declared"),
            by,
            format!("{}: {}", in_words(declared.confidence), declared.source),
        ]);
    }
    page.rows(&rows);
}

fn note(note: &Note) -> Vec<String> {
    let place = [note.place.as_str(), note.field.as_str()];
    let place = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    vec![place, note.text.clone()]
}
