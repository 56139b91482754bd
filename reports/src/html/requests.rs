//! What each client class sent, and how it ended, for one run of each case.

use super::case_name;
use crate::numbers::{NONE, show};
use crate::text::harmless;
use crate::{Document, story};
use serde::Serialize;
use sim_eks::record::{Balance, VerbRecord};
use sim_study::Unit;

#[derive(Serialize)]
pub struct Requests {
    label: String,
    open: bool,
    rows: Vec<Row>,
    balances: Vec<(String, [String; 5], bool)>,
}

#[derive(Serialize)]
struct Row {
    class: String,
    verb: String,
    sent: String,
    succeeded: String,
    failed: String,
    errors: Vec<String>,
    abandoned: String,
    inside: String,
    /// Mean, median, 99th percentile, largest.
    latency: [String; 4],
}

/// The requests of a document, one table per record; that of the most telling case is open.
pub fn requests(document: &Document) -> Vec<Requests> {
    let telling = story::telling_case(&document.findings);
    let requests = document.records.iter().enumerate().map(|(at, record)| Requests {
        label: case_name(document, at),
        open: at == telling,
        rows: record
            .clients
            .iter()
            .flat_map(|client| client.verbs.iter().map(|verb| row(&client.class, verb)))
            .collect(),
        balances: record.balances.iter().map(balance).collect(),
    });
    requests.collect()
}

fn count(count: u64) -> String {
    show(Unit::Count, count as f64)
}

fn row(class: &str, verb: &VerbRecord) -> Row {
    let failed = verb.failed.iter().map(|(_, failures)| failures).sum();
    Row {
        class: harmless(class),
        verb: harmless(&verb.verb),
        sent: count(verb.sent),
        succeeded: count(verb.succeeded),
        failed: count(failed),
        errors: verb
            .failed
            .iter()
            .map(|(error, failures)| format!("{} × {}", count(*failures), harmless(error)))
            .collect(),
        abandoned: count(verb.abandoned),
        inside: count(verb.inside),
        latency: verb.latency_s.map_or([NONE; 4].map(str::to_owned), |all| all.map(|s| show(Unit::Seconds, s))),
    }
}

fn balance(balance: &Balance) -> (String, [String; 5], bool) {
    let counts = [balance.arrived, balance.left, balance.refused, balance.lost, balance.inside];
    (harmless(&balance.station), counts.map(count), balance.holds())
}
