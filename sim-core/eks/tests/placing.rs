//! Where pods may run: node affinity, affinity between pods, spread, GPUs, scheduling gates.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, NodeRequirement, Operator, Placing, PodTerm, Topology, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, deployment, measure, story};

fn require(key: &str, operator: Operator, value: &str) -> NodeRequirement {
    NodeRequirement { key: key.to_owned(), operator, values: vec![value.to_owned()] }
}

/// Nine nodes, and pods that come at minute 10 with such wishes.
fn coming(pods: u32, placing: Placing) -> Story {
    let mut coming = story(9).minutes(20);
    coming.plan.deployments = vec![deployment("web", 9), deployment("picky", 0)];
    coming.plan.deployments[1].control.placing = placing;
    coming.at(10, Change::ScaleDeployment { deployment: 1, replicas: pods })
}

fn pending(record: &Record) -> f64 {
    assert!(record.balances.iter().all(sim_eks::record::Balance::holds), "{:#?}", record.balances);
    measure(record, "pods.pending.end")
}

/// Endpoints that die with zone a, a minute before the end.
fn share_in_zone_a(coming: &Story) -> f64 {
    let lost = coming.clone().at(19, Change::ZonePowerLoss { zone: ZoneId(0), lasts: None });
    let failing = lost.record().series.into_iter().find(|series| series.name == "workload.connections.failed");
    failing.and_then(|series| series.values.last().copied().flatten()).expect("a share")
}

#[test]
fn node_affinity_keeps_pods_to_a_zone_and_a_wish_draws_them_there() {
    let zone = "topology.kubernetes.io/zone";
    let node_affinity = vec![require(zone, Operator::In, "eu-west-1a")];
    let only = coming(27, Placing { node_affinity, ..Placing::default() });
    assert_eq!(pending(&only.record()), 0.0);
    assert!((share_in_zone_a(&only) - 30.0 / 36.0).abs() < 0.01, "27 of 27, and 3 of 9: {}", share_in_zone_a(&only));
    let node_affinity = vec![require(zone, Operator::NotIn, "eu-west-1a")];
    let never = coming(27, Placing { node_affinity, ..Placing::default() });
    assert!((share_in_zone_a(&never) - 3.0 / 36.0).abs() < 0.01, "{}", share_in_zone_a(&never));
    let preferred_nodes = vec![(100, require(zone, Operator::In, "eu-west-1a"))];
    let wish = coming(27, Placing { preferred_nodes, ..Placing::default() });
    let drawn = share_in_zone_a(&wish);
    assert!((0.4..0.8).contains(&drawn), "more than a third, but they spread as well: {drawn}");
    let nowhere = vec![require("cores", Operator::Gt, "4")];
    assert_eq!(pending(&coming(27, Placing { node_affinity: nowhere, ..Placing::default() }).record()), 27.0);
}

#[test]
fn pods_that_keep_away_from_each_other_have_a_host_or_a_zone_each() {
    let apart = |topology, weight| {
        let pod_terms = vec![PodTerm { to: 1, topology, anti: true, weight }];
        pending(&coming(12, Placing { pod_terms, ..Placing::default() }).record())
    };
    assert_eq!(apart(Topology::Host, None), 3.0, "nine hosts");
    assert_eq!(apart(Topology::Zone, None), 9.0, "three zones");
    assert_eq!(apart(Topology::Host, Some(100)), 0.0, "a wish keeps nobody waiting");
}

#[test]
fn a_required_affinity_waits_for_its_neighbour_and_an_anti_affinity_works_both_ways() {
    let beside = |to| vec![PodTerm { to, topology: Topology::Host, anti: false, weight: None }];
    let with_web = coming(12, Placing { pod_terms: beside(0), ..Placing::default() });
    assert_eq!(pending(&with_web.record()), 0.0, "web is on every node");
    let mut alone = with_web.clone();
    alone.plan.deployments[0].replicas = 0;
    assert_eq!(pending(&alone.record()), 12.0);
    assert_eq!(pending(&coming(12, Placing { pod_terms: beside(1), ..Placing::default() }).record()), 0.0);
    // web keeps away from picky: picky cannot come to where web is.
    let mut shunned = coming(12, Placing::default());
    shunned.plan.deployments[0].control.placing.pod_terms =
        vec![PodTerm { to: 1, topology: Topology::Host, anti: true, weight: None }];
    assert_eq!(pending(&shunned.record()), 12.0);
}

#[test]
fn a_spread_over_hosts_and_zones_keeps_to_its_skew() {
    // A zone's nodes are cordoned by their death, and nobody replaces them: they still count.
    let spread = |zone_skew, host_skew| {
        let placing = Placing { zone_skew, host_skew, ..Placing::default() };
        let dead = coming(30, placing).set("node_group.replace_instances", "false");
        let mut dead = dead.at(5, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None });
        dead.plan.steps.reverse();
        pending(&dead.record())
    };
    assert_eq!(spread(None, None), 0.0);
    assert_eq!(spread(Some(1), None), 28.0, "one in each of two zones");
    assert_eq!(spread(Some(4), None), 22.0, "four in each of two zones");
    assert_eq!(spread(None, Some(2)), 18.0, "two on each of six hosts");
}

#[test]
fn gpus_are_room_like_any_other() {
    let with = |gpus_of_node: u32| {
        let mut wanting = coming(12, Placing { gpus: 2, ..Placing::default() });
        wanting.plan.cluster.node_groups[0].gpus = gpus_of_node;
        pending(&wanting.record())
    };
    assert_eq!([with(0), with(2), with(3), with(4)], [12.0, 3.0, 3.0, 0.0]);
}

#[test]
fn gated_pods_wait_for_their_gate_and_nobody_tries_them() {
    let gated = |minutes| {
        let gated_for = Some(SimDuration::from_mins(minutes));
        coming(12, Placing { gated_for, ..Placing::default() })
    };
    assert_eq!(pending(&gated(60).record()), 12.0);
    assert_eq!(pending(&gated(5).record()), 0.0);
    let record = gated(5).record();
    let latency = measure(&record, "scheduler.latency.p99");
    assert!((300.0..301.0).contains(&latency), "from the creation to the binding: {latency}");
    let mut there = gated(6);
    there.plan.deployments[1].replicas = 12;
    assert_eq!(pending(&there.record()), 0.0, "those of the start as well");
    let shuffled = there.clone().mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!(there.record().measures, shuffled.measures);
}
