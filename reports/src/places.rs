//! Clients by place: what each kind of client of the plan saw, and by which way it reached the API, or why not.

use crate::numbers::{NONE, show};
use crate::story::{clock, counted};
use crate::text::harmless;
use sim_eks::plan::Plan;
use sim_eks::record::{ClosedWay, PlacedClient, WayRecord};
use sim_eks::{NodesAt, Record};
use sim_kernel::SimTime;
use sim_study::Unit;

/// The columns of the table.
pub const HEADS: [&str; 8] =
    ["Client", "Place", "Way at the start", "Way at the end", "Requests", "Availability", "p50, p99", "Longest outage"];

/// A row of the table.
pub fn cells(client: &PlacedClient) -> [String; 8] {
    let ended = client.succeeded + client.failed;
    let name = if client.count == 1 { client.name.clone() } else { format!("{} ({})", client.name, client.count) };
    let latency = |[p50, p99]: [f64; 2]| format!("{}, {}", show(Unit::Seconds, p50), show(Unit::Seconds, p99));
    let at_end = if client.way_at_end == client.way_at_start { "the same".to_owned() } else { way(&client.way_at_end) };
    [
        name,
        client.place.clone(),
        way(&client.way_at_start),
        at_end,
        show(Unit::Count, ended as f64),
        if ended == 0 { NONE.to_owned() } else { show(Unit::Share, client.succeeded as f64 / ended as f64) },
        client.latency_s.map_or_else(|| NONE.to_owned(), latency),
        if ended == 0 { NONE.to_owned() } else { show(Unit::Seconds, client.outage_s) },
    ]
    .map(|cell| harmless(&cell))
}

fn way(way: &WayRecord) -> String {
    match (way.open, way.round_trip_s) {
        (true, Some(time)) => format!("{}, {}", way.text, show(Unit::Seconds, time)),
        (true, None) => way.text.clone(),
        (false, _) => format!("closed: {}; to open: {}", way.text, way.opened_by),
    }
}

/// Whether a summary should tell of places: where there are more clients than the usual pair, or a way was closed.
pub fn are_telling(record: &Record) -> bool {
    let closed = |client: &PlacedClient| !client.way_at_start.open || !client.way_at_end.open;
    let usual =
        record.places.len() <= 2 && record.places.iter().all(|client| client.place.starts_with("on the internet"));
    !record.places.is_empty() && (!usual || record.places.iter().any(closed) || !record.closed_ways.is_empty())
}

/// Whose way was closed and when, a sentence each; places that were closed at the same times for the same reason share one.
pub fn closed_ways(plan: &Plan, record: &Record) -> Vec<String> {
    let mut told: Vec<(&ClosedWay, Vec<&ClosedWay>)> = Vec::new();
    for way in &record.closed_ways {
        let alike = |known: &&mut (&ClosedWay, Vec<&ClosedWay>)| {
            let nodes = known.0.nodes.is_some() == way.nodes.is_some();
            nodes && known.0.closed == way.closed && generic(plan, known.0) == generic(plan, way)
        };
        match told.iter_mut().find(alike) {
            Some((_, others)) => others.push(way),
            None => told.push((way, vec![way])),
        }
    }
    told.into_iter().map(|(way, all)| harmless(&sentence(plan, way, &all))).collect()
}

/// Why a way was closed, without the zone of the nodes that are meant.
fn generic(plan: &Plan, way: &ClosedWay) -> String {
    way.nodes.as_ref().map_or_else(|| way.why.clone(), |nodes| way.why.replace(zone_name(plan, nodes), "<zone>"))
}

fn zone_name<'a>(plan: &'a Plan, nodes: &NodesAt) -> &'a str {
    plan.cluster.zones.get(nodes.zone.index()).map_or("?", |zone| zone.name.as_str())
}

fn sentence(plan: &Plan, way: &ClosedWay, all: &[&ClosedWay]) -> String {
    let who = match all {
        [_] => way.from.clone(),
        several if way.nodes.is_some() => nodes(plan, several),
        several => several.iter().map(|way| way.from.as_str()).collect::<Vec<_>>().join(", "),
    };
    let why = if all.len() > 1 {
        generic(plan, way).replace("zone <zone>", "their zone").replace("<zone>", "their zone")
    } else {
        way.why.clone()
    };
    let span = |(from, to): &(SimTime, Option<SimTime>)| match to {
        Some(to) => format!("from {} to {}", clock(*from), clock(*to)),
        None => format!("from {} to the end", clock(*from)),
    };
    let spans: Vec<String> = way.closed.iter().take(4).map(span).collect();
    let more = if way.closed.len() > 4 { format!(" and {} times more", way.closed.len() - 4) } else { String::new() };
    format!("{who}: way to the API closed {}{more}: {why}", spans.join(", "))
}

fn nodes(plan: &Plan, several: &[&ClosedWay]) -> String {
    let mut groups: Vec<&str> = Vec::new();
    let mut zones: Vec<&str> = Vec::new();
    for nodes in several.iter().filter_map(|way| way.nodes.as_ref()) {
        if !groups.contains(&nodes.group.as_str()) {
            groups.push(&nodes.group);
        }
        if !zones.contains(&zone_name(plan, nodes)) {
            zones.push(zone_name(plan, nodes));
        }
    }
    let groups = if groups.len() > 3 { counted(groups.len() as u64, "group") } else { groups.join(", ") };
    format!("nodes of {groups} in {}", zones.join(", "))
}
