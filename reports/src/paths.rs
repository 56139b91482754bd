//! Who reaches whom: a table for people, in which flows that differ in nothing but the zone, the node group or the AWS
//! service share a row, and JSON with every flow for programs.

use crate::numbers;
use crate::story::{clock, counted};
use crate::table::{Side, Table, Tone};
use crate::terminal::Style;
use crate::text::{harmless, wrap};
use serde::Serialize;
use sim_eks::plan::{Cluster, EndpointAccess, Family, Plan, RouteTarget, ZoneId};
use sim_eks::stations::network::Hop;
use sim_eks::{Flow, Path};
use sim_kernel::SimTime;
use sim_study::Unit;
use std::collections::BTreeMap;

/// All flows at one moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PathsAt {
    /// The moment.
    pub at: SimTime,
    /// How the API endpoint may be reached then.
    pub access: EndpointAccess,
    /// The flows.
    pub paths: Vec<Path>,
}

/// What stands for the names that merged flows do not share.
const ZONE: &str = "\u{1}zone\u{1}";
const GROUP: &str = "\u{1}group\u{1}";
const NODES: &str = "\u{1}nodes\u{1}";
const SERVICE: &str = "\u{1}service\u{1}";
/// Node groups that are named in a row; of more, their number is told.
const GROUPS_NAMED: usize = 3;

/// The flows as a table for each moment. Lines end with `\n`.
pub fn paths_table(plan: &Plan, seed: u64, case: &str, moments: &[PathsAt], style: Style) -> String {
    let style = Style { width: style.width.max(60), ..style };
    let head = format!("{}, seed {seed}, replication 0: {case}", plan.scenario);
    let mut lines: Vec<String> =
        wrap(&harmless(&head), style.width).iter().map(|line| Tone::Strong.paint(line, style.colour)).collect();
    let vpc = wrap(&harmless(&vpc_line(plan)), style.width);
    lines.extend(vpc.iter().map(|line| Tone::Quiet.paint(line, style.colour)));
    for moment in moments {
        lines.push(String::new());
        lines.extend(section(plan, moment, style));
    }
    lines.join("\n") + "\n"
}

/// How the API endpoint may be reached, and the way out of the VPC, in one line: `endpoint access public; NAT gateways: none`.
pub fn network_line(cluster: &Cluster) -> String {
    format!("endpoint access {}; NAT gateways: {}", cluster.network.access, nat_mode(cluster))
}

/// What the reader of a report should know of the cluster's network: a heading and a sentence each.
pub(crate) fn network_facts(plan: &Plan) -> Vec<(&'static str, String)> {
    let network = &plan.cluster.network;
    let on = |on: bool| if on { "on" } else { "off" };
    let endpoints: Vec<&str> = network.vpc_endpoints.iter().map(|service| service.name()).collect();
    let connected: Vec<String> = network
        .connected
        .iter()
        .map(|network| format!("{} ({}, {})", network.name, network.kind.name(), network.cidr))
        .collect();
    let listed = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let mut facts = vec![
        ("Endpoint access at the start", network.access.to_string()),
        ("VPC", format!("{}, addresses of pods and services {:?}", network.cidr, network.family)),
        ("NAT gateways", nat_mode(&plan.cluster)),
        ("VPC endpoints of AWS services", listed(endpoints.into_iter().map(str::to_owned).collect())),
        ("Connected networks", listed(connected)),
        (
            "DNS of the VPC",
            format!("enableDnsHostnames {}, enableDnsSupport {}", on(network.dns.hostnames), on(network.dns.support)),
        ),
    ];
    let is_inferred = |declared: &&sim_eks::Declaration| {
        declared.path.starts_with("endpoint.") && declared.confidence == sim_eks::Confidence::Inferred
    };
    let assumed: Vec<String> = sim_eks::DECLARATIONS
        .iter()
        .filter(is_inferred)
        .map(|declared| format!("{} = {}", declared.path, plan.parameters.get(declared.path).unwrap_or_default()))
        .collect();
    if !assumed.is_empty() {
        facts.push(("Inferred of the private way, not published", assumed.join("; ")));
    }
    facts.into_iter().map(|(heading, text)| (heading, harmless(&text))).collect()
}

/// The cluster's network in one line: range, zones, NAT gateways.
fn vpc_line(plan: &Plan) -> String {
    let network = &plan.cluster.network;
    let zones: Vec<&str> =
        plan.cluster.zones.iter().filter(|zone| zone.in_cluster).map(|zone| zone.name.as_str()).collect();
    let endpoints: Vec<&str> = network.vpc_endpoints.iter().map(|service| service.name()).collect();
    let endpoints = if endpoints.is_empty() { "none".to_owned() } else { endpoints.join(", ") };
    format!(
        "VPC {}, zones {}; NAT gateways: {}; VPC endpoints: {endpoints}",
        network.cidr,
        zones.join(", "),
        nat_mode(&plan.cluster)
    )
}

/// The NAT gateways of the plan, in words.
fn nat_mode(cluster: &Cluster) -> String {
    let network = &cluster.network;
    let used = |nat: usize| {
        network.subnets.iter().any(|subnet| subnet.routes.iter().any(|route| route.target == RouteTarget::Nat(nat)))
    };
    let zones: Vec<String> = network.nat_gateways.iter().map(|nat| letter(cluster, nat.zone)).collect();
    match zones.len() {
        0 => "none".to_owned(),
        1 if used(0) => format!("a single one, in {}", zones[0]),
        _ => format!("one each in {}", zones.join(", ")),
    }
}

fn section(plan: &Plan, moment: &PathsAt, style: Style) -> Vec<String> {
    let closed = moment.paths.iter().filter(|path| !path.open).count();
    let title = format!(
        "At {}: endpoint access {}; {}, {closed} of them closed",
        clock(moment.at),
        moment.access,
        counted(moment.paths.len() as u64, "flow"),
    );
    let mut lines: Vec<String> =
        wrap(&harmless(&title), style.width).iter().map(|line| Tone::Strong.paint(line, style.colour)).collect();
    let rows = merged(plan, &moment.paths);
    if rows.is_empty() {
        return lines;
    }
    let mut table = Table::new(&[Side::Left, Side::Left, Side::Left, Side::Left, Side::Left, Side::Right]);
    table.head(["From", "To", "IP", "State", "Answer", "Round trip"].map(str::to_owned).to_vec());
    table.wrap(1);
    for row in &rows {
        let state = if row.path.open { (Tone::Good, "open") } else { (Tone::Bad, "closed") };
        let answer = row.path.addresses.map(|(all, open)| format!("{open} of {all}")).unwrap_or_default();
        table.row(vec![
            (Tone::Strong, row.named(plan, &row.path.from)),
            (Tone::Plain, row.named(plan, &row.path.to)),
            (Tone::Quiet, format!("{:?}", row.path.family)),
            (state.0, state.1.to_owned()),
            (Tone::Plain, answer),
            (Tone::Plain, row.round_trip()),
        ]);
    }
    let mut told = table.rows(style).into_iter();
    lines.extend(told.next().into_iter().flatten());
    for (row, shown) in rows.iter().zip(told) {
        lines.extend(shown);
        lines.extend(row.details(plan, style));
    }
    lines
}

/// A zone as tables show it: its letter.
fn short_zone(plan: &Plan, zone: ZoneId) -> String {
    letter(&plan.cluster, zone)
}

fn letter(cluster: &Cluster, zone: ZoneId) -> String {
    cluster.zones.get(zone.index()).map_or("?", |zone| zone.letter()).to_owned()
}

/// Flows that share a row.
struct Row {
    /// One of them, with placeholders for what they do not share.
    path: Path,
    groups: Vec<String>,
    zones: Vec<ZoneId>,
    services: Vec<String>,
    /// The zones of each hop, and whether each flow has its own nodes' zone there.
    hops: Vec<(Vec<ZoneId>, bool)>,
    /// The shortest and the longest round trip, seconds.
    round_trip: Option<[f64; 2]>,
}

/// Flows with a row for all that differ only in the AWS service, then only in the zone, then only in the node group; so
/// each row is true of every service, zone and group that it names.
fn merged(plan: &Plan, paths: &[Path]) -> Vec<Row> {
    let rows = paths.iter().map(|path| Row::of(plan, path)).collect();
    let rows = Row::merge(rows, |row| format!("{:?}{:?}", row.groups, row.zones));
    let rows = Row::merge(rows, |row| format!("{:?}{:?}", row.groups, row.services));
    Row::merge(rows, |row| format!("{:?}{:?}", row.zones, row.services))
}

impl Row {
    fn of(plan: &Plan, path: &Path) -> Row {
        let zones: Vec<ZoneId> = path.nodes.iter().map(|nodes| nodes.zone).collect();
        let own = |zone: Option<ZoneId>| zone.is_some() && zones.first().copied() == zone;
        let service = path.to.strip_prefix("AWS ").filter(|_| path.flow == Flow::Aws).map(str::to_owned);
        let bare = |text: &str| without_names(plan, path, service.as_deref(), text);
        let way = path.way.iter().map(|hop| Hop { name: bare(&hop.name), ..hop.clone() });
        Row {
            groups: path.nodes.iter().map(|nodes| nodes.group.clone()).collect(),
            hops: path.way.iter().map(|hop| (hop.zone.into_iter().collect(), own(hop.zone))).collect(),
            round_trip: path.round_trip_s.map(|time| [time, time]),
            path: Path {
                from: bare(&path.from),
                to: bare(&path.to),
                decided_by: bare(&path.decided_by),
                opened_by: bare(&path.opened_by),
                way: way.collect(),
                ..path.clone()
            },
            services: service.into_iter().collect(),
            zones,
        }
    }

    /// Merges rows that are alike, and alike by what else is given.
    fn merge(rows: Vec<Row>, alike: impl Fn(&Row) -> String) -> Vec<Row> {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut merged: Vec<Row> = Vec::new();
        for row in rows {
            let key = format!("{}{}", row.key(), alike(&row));
            match known.get(&key) {
                Some(&at) => merged[at].absorb(row),
                None => {
                    known.insert(key, merged.len());
                    merged.push(row);
                }
            }
        }
        merged
    }

    fn key(&self) -> String {
        let path = &self.path;
        let hops: Vec<&str> = path.way.iter().map(|hop| hop.name.as_str()).collect();
        format!(
            "{:?}{:?}",
            (path.flow, path.family, path.open, path.addresses),
            (&path.from, &path.to, &path.decided_by, &path.opened_by, hops)
        )
    }

    fn absorb(&mut self, other: Row) {
        fn add<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
            for one in more {
                if !known.contains(&one) {
                    known.push(one);
                }
            }
        }
        add(&mut self.groups, other.groups);
        add(&mut self.zones, other.zones);
        add(&mut self.services, other.services);
        for ((zones, own), (more, too)) in self.hops.iter_mut().zip(other.hops) {
            add(zones, more);
            *own &= too;
        }
        let widest = |[low, high]: [f64; 2], [least, most]: [f64; 2]| [low.min(least), high.max(most)];
        self.round_trip = self.round_trip.zip(other.round_trip).map(|(one, two)| widest(one, two));
    }

    /// A text with the names of all that share the row.
    fn named(&self, plan: &Plan, text: &str) -> String {
        let zone = match self.zones[..] {
            [zone] => zone_name(plan, zone),
            _ => "<zone>",
        };
        let group = if let [group] = &self.groups[..] { group } else { "<group>" };
        let text = text.replace(NODES, &self.nodes(plan)).replace(ZONE, zone).replace(GROUP, group);
        harmless(&text.replace(SERVICE, &self.services.join(", ")))
    }

    /// The nodes: `general in a, b, c`.
    fn nodes(&self, plan: &Plan) -> String {
        let zones: Vec<String> = self.zones.iter().map(|zone| short_zone(plan, *zone)).collect();
        let groups = match self.groups.len() {
            0..=GROUPS_NAMED => self.groups.join(", "),
            many => counted(many as u64, "group"),
        };
        format!("{groups} in {}", zones.join(", "))
    }

    fn round_trip(&self) -> String {
        match self.round_trip {
            None => String::new(),
            Some([low, high]) => {
                let [low, high] = [low, high].map(|time| numbers::show(Unit::Seconds, time));
                if low == high { low } else { format!("{low} to {high}") }
            }
        }
    }

    /// The way, what decides, and what would open it: a line or more each, under the row.
    fn details(&self, plan: &Plan, style: Style) -> Vec<String> {
        const LABEL: usize = 8;
        let mut lines = Vec::new();
        let mut tell = |label: &str, text: String, tone: Tone| {
            for (n, part) in wrap(&text, style.width.saturating_sub(LABEL + 4)).iter().enumerate() {
                let label = if n == 0 { label } else { "" };
                lines.push(format!("    {label:LABEL$}{}", tone.paint(part, style.colour)));
            }
        };
        tell("way", self.way(plan), Tone::Quiet);
        let word = if self.path.open { "by" } else { "because" };
        tell(word, self.named(plan, &self.path.decided_by), Tone::Quiet);
        tell("to open", self.named(plan, &self.path.opened_by), Tone::Plain);
        lines
    }

    /// The hops behind the source, joined by arrows.
    fn way(&self, plan: &Plan) -> String {
        let is_source = |at: usize| at == 0 && !matches!(self.path.flow, Flow::Kubelet | Flow::Webhook);
        let hop = |(at, hop): (usize, &Hop)| {
            if hop.name.contains(NODES) {
                return "node".to_owned();
            }
            let name = self.named(plan, &hop.name);
            let (zones, own) = &self.hops[at];
            match zones.len() {
                0 => name,
                2.. if *own => format!("{name} (same zone)"),
                _ => {
                    let zones: Vec<String> = zones.iter().map(|zone| short_zone(plan, *zone)).collect();
                    format!("{name} ({})", zones.join(", "))
                }
            }
        };
        let hops: Vec<String> = self.path.way.iter().enumerate().filter(|(at, _)| !is_source(*at)).map(hop).collect();
        hops.join(" → ")
    }
}

/// A text of a flow with placeholders for the names of its nodes and its AWS service.
fn without_names(plan: &Plan, path: &Path, service: Option<&str>, text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(nodes) = &path.nodes {
        let zone = zone_name(plan, nodes.zone);
        text = text.replace(&format!("{} in {zone}", nodes.group), NODES).replace(zone, ZONE);
        text = text.replace(&format!("nodegroup-{}-", nodes.group), &format!("nodegroup-{GROUP}-"));
    }
    let word = |word| if Some(word) == service { SERVICE } else { word };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn zone_name(plan: &Plan, zone: ZoneId) -> &str {
    plan.cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str())
}

/// The flows as JSON: every one, in the order in which they are told, with the names of zones.
pub fn paths_json(plan: &Plan, seed: u64, case: &str, moments: &[PathsAt]) -> String {
    let told = PathsJson {
        schema: 1,
        scenario: &plan.scenario,
        cluster: &plan.cluster.name,
        seed,
        replication: 0,
        case,
        moments: moments.iter().map(|moment| MomentJson::of(plan, moment)).collect(),
    };
    serde_json::to_string_pretty(&told).expect("flows are plain data") + "\n"
}

#[derive(Serialize)]
struct PathsJson<'a> {
    schema: u32,
    scenario: &'a str,
    cluster: &'a str,
    seed: u64,
    replication: u32,
    case: &'a str,
    moments: Vec<MomentJson<'a>>,
}

#[derive(Serialize)]
struct MomentJson<'a> {
    at_s: f64,
    endpoint_access: AccessJson,
    paths: Vec<FlowJson<'a>>,
}

impl<'a> MomentJson<'a> {
    fn of(plan: &'a Plan, moment: &'a PathsAt) -> Self {
        MomentJson {
            at_s: moment.at.saturating_since(SimTime::ZERO).as_secs_f64(),
            endpoint_access: AccessJson {
                public: moment.access.public,
                private: moment.access.private,
                public_access_cidrs: moment.access.public_cidrs.iter().map(ToString::to_string).collect(),
            },
            paths: moment.paths.iter().map(|path| FlowJson::of(plan, path)).collect(),
        }
    }
}

#[derive(Serialize)]
struct AccessJson {
    public: bool,
    private: bool,
    public_access_cidrs: Vec<String>,
}

#[derive(Serialize)]
struct FlowJson<'a> {
    flow: Flow,
    from: &'a str,
    to: &'a str,
    nodes: Option<NodesJson<'a>>,
    family: Family,
    open: bool,
    addresses: Option<AddressesJson>,
    way: Vec<HopJson<'a>>,
    decided_by: &'a str,
    opened_by: &'a str,
    round_trip_s: Option<f64>,
}

#[derive(Serialize)]
struct NodesJson<'a> {
    group: &'a str,
    zone: &'a str,
}

#[derive(Serialize)]
struct AddressesJson {
    published: u32,
    answering: u32,
}

#[derive(Serialize)]
struct HopJson<'a> {
    name: &'a str,
    address: &'a str,
    zone: Option<&'a str>,
}

impl<'a> FlowJson<'a> {
    fn of(plan: &'a Plan, path: &'a Path) -> Self {
        let hop = |hop: &'a Hop| HopJson {
            name: &hop.name,
            address: &hop.address,
            zone: hop.zone.map(|zone| zone_name(plan, zone)),
        };
        FlowJson {
            flow: path.flow,
            from: &path.from,
            to: &path.to,
            nodes: path.nodes.as_ref().map(|at| NodesJson { group: &at.group, zone: zone_name(plan, at.zone) }),
            family: path.family,
            open: path.open,
            addresses: path.addresses.map(|(published, answering)| AddressesJson { published, answering }),
            way: path.way.iter().map(hop).collect(),
            decided_by: &path.decided_by,
            opened_by: &path.opened_by,
            round_trip_s: path.round_trip_s,
        }
    }
}
