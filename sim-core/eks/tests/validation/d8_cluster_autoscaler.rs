//! D8: the Cluster Autoscaler: from a pod without room to the call to the cloud, and how many nodes may be not Ready.

use crate::story::{Story, fact, measure, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Record;
use sim_eks::plan::{Change, NodeGroup, Taint, TaintEffect, ZoneId};
use sim_kernel::{SimDuration, SimTime};

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "D8", what: what.to_owned(), published, found, allowed }
}

/// Ten pods a node, and twice a dozen nodes' worth of pods more at some moment.
fn growing(nodes: u32) -> Story {
    let more = nodes * 18 + 200;
    let mut story = story(nodes).with_autoscaler().minutes(12);
    story.plan.cluster.node_groups[0].max = nodes + 30;
    story.at(7, Change::ScaleDeployment { deployment: 0, replicas: more })
}

fn latency(records: &[Record]) -> (f64, f64) {
    let all = |name: &str| records.iter().map(|record| measure(record, name)).collect::<Vec<f64>>();
    let (means, most) = (all("autoscaler.latency.mean"), all("autoscaler.latency.max"));
    (means.iter().sum::<f64>() / means.len() as f64, most.into_iter().fold(0.0, f64::max))
}

#[test]
fn a_pod_without_room_waits_half_a_scan_for_the_call_to_the_cloud() {
    let (mean, most) = latency(&growing(12).records(1..61));
    let (slow_mean, slow) = latency(&growing(12).set("cluster_autoscaler.scan_interval", "60s").records(1..61));
    let (_, large) = latency(&growing(120).records(1..4));
    check(&[
        row("less than 100 nodes: unschedulable to cloud call, mean, s", 5.0, mean, Allowed::Off(1.0)),
        row("less than 100 nodes: unschedulable to cloud call, longest, s", 30.0, most, Allowed::AtMost),
        row("100 to 1000 nodes: unschedulable to cloud call, longest, s", 60.0, large, Allowed::AtMost),
        row("scan every 60 s: unschedulable to cloud call, mean, s", 30.0, slow_mean, Allowed::Off(6.0)),
        row(
            "scan every 60 s in place of 10 s, nodes of 120 s: slower by, %",
            38.0,
            ((120.0 + slow) / (120.0 + most) - 1.0) * 100.0,
            Allowed::Off(3.0),
        ),
    ]);
}

/// A node of a group of its own that stands idle from the start on, and at minute 9 pods that need more nodes of another.
fn with_an_idle_node(grows: bool) -> Story {
    let mut story = story(3).with_autoscaler().minutes(25);
    let general = story.plan.cluster.node_groups[0].clone();
    (story.plan.deployments[0].replicas, story.plan.warm_up) = (45, SimDuration::ZERO);
    let taints = vec![Taint { key: "idle".to_owned(), value: String::new(), effect: TaintEffect::NoSchedule }];
    let idle = NodeGroup { name: "idle".to_owned(), desired: 1, max: 2, taints, ..general };
    story.plan.cluster.node_groups.push(idle);
    let more = Change::ScaleDeployment { deployment: 0, replicas: 60 };
    if grows { story.at(9, more) } else { story }
}

/// From the start, or from the growth, to the end of the idle node: the shortest and the longest time.
fn idle_until_gone(grows: bool) -> (f64, f64) {
    let records = with_an_idle_node(grows).records(1..31);
    let times = records.iter().map(|record| {
        let gone = fact(record, "the Cluster Autoscaler does not need it").expect("the node goes").first;
        let from = fact(record, "Cluster Autoscaler decides").map_or(SimTime::ZERO, |decides| decides.first);
        assert_eq!(from > SimTime::ZERO, grows);
        gone.saturating_since(from).as_secs_f64()
    });
    times.fold((f64::INFINITY, 0.0), |(least, most), time| (time.min(least), time.max(most)))
}

#[test]
fn an_idle_node_goes_ten_minutes_after_it_was_found_so_and_after_the_last_growth() {
    let ((least, most), (after_least, after_most)) = (idle_until_gone(false), idle_until_gone(true));
    // The call to AWS itself is not among what the FAQ adds up.
    check(&[
        row("idle node: removed after, shortest, s", 605.0, least, Allowed::Off(3.0)),
        row("idle node: removed after, longest, s", 615.0, most, Allowed::Off(3.0)),
        row(
            "idle node: removed after a growth a minute before it is due, shortest, s",
            605.0,
            after_least,
            Allowed::Off(3.0),
        ),
        row(
            "idle node: removed after a growth a minute before it is due, longest, s",
            615.0,
            after_most,
            Allowed::AtMost,
        ),
    ]);
}

/// Nodes over so many zones, one of which loses power for good; nobody replaces instances.
fn one_zone_lost(nodes: u32, zones: usize) -> Record {
    let mut story = story(nodes).with_autoscaler().set("node_group.replace_instances", "false").minutes(30);
    let group = &mut story.plan.cluster.node_groups[0];
    group.zones.truncate(zones);
    group.subnets.truncate(zones);
    story.plan.deployments[0].replicas = nodes * 16;
    story.placed("b,c", "b", "b").at(7, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None }).record()
}

#[test]
fn it_stops_acting_beyond_three_nodes_and_45_percent_that_are_not_ready() {
    let stops = |record: &Record| f64::from(u8::from(fact(record, "Cluster Autoscaler stops acting").is_some()));
    let (third, few, half) = (one_zone_lost(9, 3), one_zone_lost(4, 2), one_zone_lost(10, 2));
    check(&[
        row("3 of 9 nodes not Ready: stops acting", 0.0, stops(&third), Allowed::Exactly),
        row("2 of 4 nodes not Ready: stops acting", 0.0, stops(&few), Allowed::Exactly),
        row("5 of 10 nodes not Ready: stops acting", 1.0, stops(&half), Allowed::Exactly),
    ]);
    for record in [&third, &few] {
        assert!(fact(record, "Cluster Autoscaler decides").is_some(), "it goes on");
    }
    assert!(fact(&half, "Cluster Autoscaler decides").is_none());
}
