//! C9: a graceful stop against the health check. A server fails its readiness at T0 and serves on for D; the balancer
//! finds out within (n + 1) I when its time-out is I. Sources: openshift/installer pull 1537,
//! openshift/cluster-kube-apiserver-operator pulls 411, 1070 and 1079.

use crate::story::{Story, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Record;
use sim_eks::plan::Change;

/// Two servers behind one address, which both nodes send to, and an administrator who opens a new flow ten times a second.
fn restarts(delay: &str, threshold: &str, lag: &str) -> Story {
    let mut story = story(0).placed("a,b", "c", "b").with_externals().minutes(20).set("admin.interval", "100ms");
    story.plan.clients.pop();
    for (path, value) in [
        ("nlb.cross_zone", "true"),
        ("nlb.health_check_interval", "10s"),
        ("nlb.health_check_timeout", "10s"),
        ("nlb.unhealthy_threshold", threshold),
        ("nlb.healthy_threshold", "3"),
        ("nlb.routing_lag", lag),
        ("control_plane.shutdown_delay", delay),
        ("control_plane.restart_gap", "120s"),
        ("api_server.restart_time", "20s"),
    ] {
        story = story.set(path, value);
    }
    story.at(10, Change::RestartApiServers)
}

/// Flows that met a refusal: at an address, whether the client then found another one or not.
fn refusals(record: &Record) -> f64 {
    let met = record.timeline.iter().filter(|fact| fact.text.contains("refuses new connections"));
    met.map(|fact| fact.count as f64).sum()
}

fn mean(story: &Story) -> f64 {
    let records = story.records(0..12);
    records.iter().map(refusals).sum::<f64>() / records.len() as f64
}

#[test]
fn c9_no_flow_is_refused_where_the_shutdown_delay_covers_checks_and_lag() {
    let row = |what: &str, found, allowed| Row { result: "C9", what: what.to_owned(), published: 0.0, found, allowed };
    check(&[
        row("refused flows, D 35 s, I 10 s, n 2: not by the rule", mean(&restarts("35s", "2", "0s")), Allowed::Exactly),
        row("refused flows, D 70 s, n 2, lag 35 s", mean(&restarts("70s", "2", "35s")), Allowed::Exactly),
        row("refused flows, D 210 s, n 2, lag 120 s", mean(&restarts("210s", "2", "120s")), Allowed::Exactly),
    ]);
}

/// A node turns away from a stopping server between I and 2 I after T0, so it sends flows to one that refuses for a
/// deficit W = U(10 s, 20 s) - D. Of ten flows a second half come to each node, which sends half of them to the stopping
/// server; a refused one tries the other node. Per stop that is 10 (E(W1 + W2) / 4 + E(min(W1, W2)) / 4), and two stop.
#[test]
fn c9_refusals_are_proportional_to_the_deficit() {
    let expected = |mean: f64, smaller: f64| 2.0 * 10.0 * (2.0 * mean + smaller) / 4.0;
    let rows = [("10s", 5.0, 10.0 / 3.0), ("5s", 10.0, 25.0 / 3.0), ("0s", 15.0, 40.0 / 3.0)];
    let rows = rows.map(|(delay, deficit, smaller)| Row {
        result: "C9",
        what: format!("refused flows in a restart of two servers, D {delay}, I 10 s, n 2"),
        published: expected(deficit, smaller),
        found: mean(&restarts(delay, "2", "0s")),
        allowed: Allowed::Share(0.25),
    });
    check(&rows);
    assert!(mean(&restarts("35s", "2", "40s")) > 0.0, "the lag counts too");
}

/// The second hazard: B stops before the balancer has seen A healthy, all targets look dead, and the balancer fails open.
#[test]
fn c9_the_second_hazard_appears_without_a_gap_and_vanishes_with_one() {
    let fails_open = |record: &&Record| record.timeline.iter().any(|fact| fact.text.contains("it fails open"));
    let hazard = |gap: &str| {
        let records = restarts("35s", "2", "0s").set("control_plane.restart_gap", gap).records(0..12);
        records.iter().filter(fails_open).count() as f64
    };
    let row = |gap: &str, published, allowed| Row {
        result: "C9",
        what: format!("restarts of 12 in which the balancer fails open, gap {gap}"),
        published,
        found: hazard(gap),
        allowed,
    };
    check(&[row("0s", 12.0, Allowed::Exactly), row("30s", 0.0, Allowed::Exactly)]);
}
