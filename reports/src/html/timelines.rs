//! What happened and why, for one run of each case.

use super::case_name;
use crate::numbers::show;
use crate::text::harmless;
use crate::{Document, story};
use serde::Serialize;
use sim_eks::record::{Fact, Record, Weight};
use sim_study::Unit;
use std::collections::BTreeSet;

/// Most lines of all timelines of a page together.
const LINES_MAX: usize = 2_000;

#[derive(Serialize)]
pub struct Timeline {
    number: usize,
    label: String,
    placement: String,
    open: bool,
    rows: Vec<Row>,
    turns: usize,
    steps: usize,
    details: usize,
    left_out: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: u32,
    weight: &'static str,
    clock: String,
    since: String,
    count: Option<String>,
    text: String,
    cause: Option<Cause>,
}

#[derive(Serialize)]
struct Cause {
    id: u32,
    text: String,
    /// The weight of the cause, so that a reader who hides it sees its name, not a dead link.
    weight: &'static str,
}

/// The timelines of a document, one per record; that of the most telling case is open.
pub fn timelines(document: &Document) -> Vec<Timeline> {
    let telling = story::telling_case(&document.findings);
    let rooms = rooms(document, telling);
    (0..document.records.len()).map(|at| timeline(document, at, rooms[at], at == telling)).collect()
}

/// How many lines each timeline may have: equal parts, and what others leave unused goes to the most telling one.
fn rooms(document: &Document, telling: usize) -> Vec<usize> {
    let part = LINES_MAX / document.records.len().max(1);
    let mut rooms: Vec<usize> = document.records.iter().map(|record| record.timeline.len().min(part)).collect();
    let unused = LINES_MAX.saturating_sub(rooms.iter().sum());
    if let Some(room) = rooms.get_mut(telling) {
        *room += unused;
    }
    rooms
}

fn timeline(document: &Document, at: usize, room: usize, open: bool) -> Timeline {
    let record = &document.records[at];
    let shown = heaviest(&record.timeline, room);
    let rows: Vec<Row> = record
        .timeline
        .iter()
        .filter(|fact| shown.contains(&fact.id))
        .map(|fact| row(document, at, fact, &shown))
        .collect();
    let of = |weight: &str| rows.iter().filter(|row| row.weight == weight).count();
    let left_out = (record.timeline.len() - rows.len()) as u64;
    Timeline {
        number: at + 1,
        label: case_name(document, at),
        placement: placement(&document.records[at]),
        open,
        turns: of("turn"),
        steps: of("step"),
        details: of("detail"),
        left_out: (left_out > 0)
            .then(|| format!("{} of less weight: see record.json", story::counted(left_out, "line"))),
        rows,
    }
}

/// The ids of the facts that matter most, at most `room`; of equal weight the earlier ones.
fn heaviest(timeline: &[Fact], room: usize) -> BTreeSet<u32> {
    let mut ranked: Vec<&Fact> = timeline.iter().collect();
    ranked.sort_by(|a, b| b.weight.cmp(&a.weight).then(a.id.cmp(&b.id)));
    ranked.into_iter().take(room).map(|fact| fact.id).collect()
}

fn row(document: &Document, at: usize, fact: &Fact, shown: &BTreeSet<u32>) -> Row {
    let timeline = &document.records[at].timeline;
    let cause = story::shown_cause(timeline, fact, |cause| shown.contains(&cause.id));
    Row {
        id: fact.id,
        weight: weight(fact),
        clock: story::clock(fact.first),
        since: story::since_the_first_step(&document.plan, fact),
        count: (fact.count > 1).then(|| show(Unit::Count, fact.count as f64)),
        text: harmless(&fact.text),
        cause: cause.map(|cause| Cause { id: cause.id, text: harmless(&cause.text), weight: weight(cause) }),
    }
}

fn weight(fact: &Fact) -> &'static str {
    match fact.weight {
        Weight::Turn => "turn",
        Weight::Step => "step",
        Weight::Detail => "detail",
    }
}

/// Which replication it was, and where things stood when it began.
fn placement(record: &Record) -> String {
    let placed = &record.placement;
    harmless(&format!(
        "Replication {}: API servers in {}; the etcd leader in {}; the controllers' leader in {}.",
        record.replication,
        placed.api_servers.join(", "),
        placed.etcd_leader,
        placed.controllers
    ))
}
