//! What heals a cluster after the loss of nodes: replacements, rescheduling, the return of power; and scaling.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, ZoneId};
use sim_eks::record::Fact;
use sim_kernel::SimDuration;
use story::{Story, at_minute, deployment, fact, measure, story, value};

fn dark(nodes: u32) -> Story {
    story(nodes).placed("b,c", "b", "b").zone_a_goes_dark()
}

/// Whether a fact goes back to another, through the causes between them.
fn goes_back_to(record: &Record, fact: &Fact, root: &str) -> bool {
    let mut fact = Some(fact);
    while let Some(found) = fact {
        if found.text.contains(root) {
            return true;
        }
        fact = found.cause.map(|cause| &record.timeline[cause as usize]);
    }
    false
}

#[test]
fn without_a_fault_nothing_happens_and_every_pod_serves() {
    let record = story(60).minutes(30).record();
    assert_eq!(measure(&record, "workload.availability"), 1.0);
    assert_eq!(measure(&record, "workload.connections.failed"), 0.0);
    assert_eq!(measure(&record, "nodes.not_ready") + measure(&record, "pods.recreated"), 0.0);
    assert_eq!(value(&record, "workload.recovery"), None);
    assert!(record.timeline.is_empty(), "{:?}", record.timeline);
}

/// With a zone lost, the controllers' leader lost amid orders, scaling up and down, and pods without room.
#[test]
fn everything_that_came_left_or_is_there() {
    let lost = story(60).placed("a,b", "c", "a").set("controllers.qps", "2").zone_a_goes_dark();
    let lost = lost.at(14, Change::ScaleDeployment { deployment: 0, replicas: 1200 });
    let lost = lost.at(22, Change::ApiServerLoss { zone: Some(ZoneId(1)), lasts: Some(SimDuration::from_mins(5)) });
    let lost = lost.at(30, Change::ScaleNodeGroup { node_group: 0, desired: 30 });
    let mut seen = std::collections::BTreeSet::new();
    for record in lost.records(1..4) {
        for balance in record.balances {
            assert!(balance.holds(), "{balance:?}");
            if balance.left > 0 {
                seen.insert(balance.station);
            }
        }
    }
    let busy = ["pods without a node", "pods on nodes", "places on nodes", "instances", "Nodes", "unschedulable pods"];
    assert!(busy.iter().all(|station| seen.contains(*station)), "{seen:?}");
}

/// A fault that costs no pod, and scaling later: nothing was disturbed. Scaling does not end a recovery either.
#[test]
fn scaling_is_no_disturbance() {
    let mut calm = story(9).minutes(55);
    calm.plan.deployments[0].replicas = 60;
    let lasts = Some(SimDuration::from_mins(1));
    let calm = calm.at(10, Change::EtcdMemberLoss { zone: Some(ZoneId(0)), lasts });
    let lost = calm.clone().at(15, Change::NodeLoss { zone: ZoneId(1), share: 0.4, lasts });
    let is_scaled = |story: Story| {
        let scaled = story.at(20, Change::ScaleDeployment { deployment: 0, replicas: 90 });
        let scaled = scaled.at(30, Change::ScaleNodeGroup { node_group: 0, desired: 12 });
        scaled.at(40, Change::ScaleNodeGroup { node_group: 0, desired: 6 }).record()
    };
    let record = is_scaled(calm);
    assert_eq!(value(&record, "workload.recovery"), None);
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert!(
        serving.values[240..].iter().flatten().any(|value| *value < 90.0),
        "drained pods did not serve for a while"
    );
    let recovery = measure(&is_scaled(lost), "workload.recovery");
    assert!((300.0..600.0).contains(&recovery), "{recovery}");
}

#[test]
fn planned_scale_in_makes_no_node_not_ready() {
    let calm = story(9).minutes(50).at(15, Change::ScaleNodeGroup { node_group: 0, desired: 3 });
    let record = calm.record();
    assert_eq!(measure(&record, "nodes.deleted"), 6.0);
    assert_eq!(measure(&record, "nodes.not_ready"), 0.0);
    assert_eq!(value(&record, "nodes.last_not_ready"), None);
    let drained = fact(&record, "node cordoned and drained").expect("six");
    assert!(goes_back_to(&record, drained, "is scaled from 9 to 3 instances"));
    // Of nine nodes three live throughout; they are the share's denominator.
    let dark = calm.placed("a,b", "c", "b").set("node_lifecycle.grace_period", "20s");
    let dark = dark.at(25, Change::ZonePowerLoss { zone: ZoneId(0), lasts: None });
    for record in dark.records(1..4) {
        let share = measure(&record, "nodes.not_ready_falsely.share") * 2.0;
        assert_eq!(share, share.round(), "two nodes live throughout");
    }
}

/// A node that was stopped alone comes back with its zone, if that is dark when its own fault ends.
#[test]
fn a_stopped_node_returns_with_its_zone() {
    let stopped = story(9).placed("a,b", "a", "b").set("node_group.replace_instances", "false").minutes(50);
    let stopped =
        stopped.at(5, Change::NodeLoss { zone: ZoneId(0), share: 0.4, lasts: Some(SimDuration::from_mins(15)) });
    let record = stopped.zone_a_goes_dark().record();
    let ready = record.series.iter().find(|series| series.name == "nodes.ready").expect("a series");
    assert_eq!((ready.values[150], ready.values.last()), (Some(6.0), Some(&Some(9.0))));
}

/// Every fact but faults, changes and their ends has a cause.
#[test]
fn the_disruption_of_zones_has_a_cause() {
    let mut all = story(30).placed("b,c", "b", "b").set("node_group.impaired_detection", "60s").minutes(45);
    all.plan.cluster.node_groups[0].zones.truncate(1);
    let all = all.zone_a_goes_dark().record();
    let falsely = story(60).placed("a,b", "c", "b").set("node_lifecycle.grace_period", "20s").zone_a_goes_dark();
    for (record, texts) in [
        (&all, vec!["-> fully disrupted", "-> normal", "evictions stop", "evictions may go on", "finds no capacity"]),
        (&falsely.record(), vec!["-> fully disrupted", "-> partly disrupted", "node NotReady"]),
    ] {
        for text in texts {
            let facts: Vec<_> = record.timeline.iter().filter(|fact| fact.text.contains(text)).collect();
            assert!(!facts.is_empty(), "{text}");
            for fact in facts {
                assert!(goes_back_to(record, fact, "zone eu-west-1a"), "{fact:?}");
            }
        }
    }
}

/// With replacement on, Nodes go with their instances, so the long tail of tainting is cut short; the timeline says so.
#[test]
fn replacement_cuts_the_tail_of_tainting_short_and_the_timeline_says_why() {
    let replaced = dark(180).record();
    let left_alone = dark(180).set("node_group.replace_instances", "false").record();
    assert_eq!([measure(&replaced, "nodes.replaced"), measure(&left_alone, "nodes.replaced")], [60.0, 0.0]);
    assert!(measure(&replaced, "nodes.tainted") < 25.0 && measure(&left_alone, "nodes.tainted") == 60.0);
    let is_early = |fact: &&Fact| fact.text.contains("the tail of tainting is cut short");
    let early: Vec<&Fact> = replaced.timeline.iter().filter(is_early).collect();
    assert!(early.iter().map(|fact| fact.count).sum::<u64>() > 30, "most Nodes");
    assert!(early.iter().all(|fact| goes_back_to(&replaced, fact, "zone eu-west-1a loses power")));
    let recoveries = [measure(&replaced, "workload.recovery"), measure(&left_alone, "workload.recovery")];
    assert!(recoveries[0] < recoveries[1], "the second, faster clock: {recoveries:?}");
}

/// The controllers' leader dies while its collector deletes pods: the next one finds what is left.
#[test]
fn pods_of_deleted_nodes_go_though_the_collectors_leader_dies_on_the_way() {
    let lost = story(60).placed("a,b", "c", "b").set("controllers.qps", "1").set("controllers.burst", "1");
    let lost = lost.set("node_group.impaired_detection", "60s").set("node_lifecycle.toleration", "1h");
    let lost = lost.at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None }).minutes(50);
    let dies = Change::ApiServerLoss { zone: Some(ZoneId(1)), lasts: Some(SimDuration::from_mins(5)) };
    for minute in [14, 15] {
        let record = lost.clone().at(minute, dies.clone()).record();
        assert!(value(&record, "controllers.failover").is_some());
        let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        assert_eq!(serving.values.last(), Some(&Some(600.0)));
    }
}

/// Launch 1 s, boot 19 s and more, CNI 3 to 5 s; in the surviving zones, evenly.
#[test]
fn replacements_boot_in_the_surviving_zones() {
    let record = dark(90).record();
    let count =
        |text: &str| record.timeline.iter().filter(|fact| fact.text == text).map(|fact| fact.count).sum::<u64>();
    assert_eq!(count("replacement launched, eu-west-1a"), 0);
    let launched = [count("replacement launched, eu-west-1b"), count("replacement launched, eu-west-1c")];
    assert_eq!(launched, [15, 15]);
    let launch = fact(&record, "replacement launched").expect("thirty").first;
    let ready = fact(&record, "replacement node Ready").expect("thirty").first;
    let seconds = ready.saturating_since(launch).as_secs_f64();
    assert!((23.0..80.0).contains(&seconds), "{seconds}");
}

#[test]
fn a_group_whose_only_zone_is_dark_waits_for_it() {
    let mut lost = dark(3).set("node_group.impaired_detection", "60s").minutes(55);
    lost.plan.cluster.node_groups[0].zones = vec![ZoneId(0)];
    let record = lost.record();
    assert!(fact(&record, "finds no capacity in any of its zones").is_some());
    let launched = fact(&record, "replacement launched, eu-west-1a").expect("after the return of power");
    let after = launched.first.saturating_since(at_minute(40)).as_secs_f64();
    assert!((0.0..31.0).contains(&after), "{after}");
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
}

/// The pods of three nodes ask for more than the room that six nodes have left.
#[test]
fn pods_without_room_are_pending_until_power_returns() {
    let mut full = dark(9).set("node_group.replace_instances", "false");
    full.plan.deployments[0].replicas = 9 * 17;
    let record = full.record();
    let waiting = fact(&record, "no node has room for a pod of web: it is Pending").expect("45 of 51");
    assert_eq!(waiting.count, 45, "six nodes have room for one more each: 18 pods of 100m in 1,830m");
    assert!(goes_back_to(&record, waiting, "zone eu-west-1a loses power"));
    let pending = record.series.iter().find(|series| series.name == "pods.pending").expect("a series");
    assert_eq!(pending.values[30 * 6], Some(45.0));
    assert_eq!(measure(&record, "pods.pending.end"), 0.0, "power has returned");
    let recovery = measure(&record, "workload.recovery");
    assert!((1800.0..2300.0).contains(&recovery), "{recovery}");
    assert!(fact(&record, "every Deployment has all its pods serving again").is_some());
}

/// `DoNotSchedule` over zones: a dark zone counts until its Nodes are deleted, so its pods cannot go elsewhere.
#[test]
fn a_strict_zone_spread_holds_pods_back_until_the_nodes_are_deleted() {
    let strict = |replace: &str| {
        let mut story = dark(30).set("node_group.replace_instances", replace).minutes(38);
        story.plan.deployments[0].spread_zones = true;
        story.record()
    };
    let held = strict("false");
    assert!(measure(&held, "pods.pending.end") >= 90.0, "{}", measure(&held, "pods.pending.end"));
    assert_eq!(measure(&strict("true"), "pods.pending.end"), 0.0);
}

/// A listed pod on a dead node is a dead endpoint until its node is NotReady and kube-proxies know.
#[test]
fn dead_endpoints_are_listed_until_their_nodes_are_not_ready() {
    let dead_for = |story: &Story| {
        let record = story.record();
        let share = record.series.iter().find(|series| series.name == "workload.connections.failed").expect("a series");
        share.values.iter().flatten().map(|share| share * 10.0).sum::<f64>() * 3.0
    };
    let still = dark(30).set("pod.endpoint_propagation", "2s").minutes(20);
    let seconds = dead_for(&still);
    assert!((42.0..57.1).contains(&seconds), "a third of the endpoints, for 40 to 55 s and 2 s: {seconds}");
    let slow = dead_for(&still.clone().set("pod.endpoint_propagation", "10s"));
    assert!((slow - seconds - 8.0).abs() < 0.5, "{slow} against {seconds}");
}

#[test]
fn a_deployment_is_scaled_up_and_down() {
    let mut calm = story(9).minutes(30);
    calm.plan.deployments = vec![deployment("web", 50), deployment("api", 20)];
    let calm = calm.at(10, Change::ScaleDeployment { deployment: 0, replicas: 120 });
    let record = calm.at(20, Change::ScaleDeployment { deployment: 0, replicas: 30 }).record();
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert_eq!([serving.values[59], serving.values[80], serving.values[130]], [Some(70.0), Some(140.0), Some(50.0)]);
    // 70 creations: 30 at once and 20 a second, then up to 14.5 s for image, start and probe.
    let full = serving.values.iter().position(|value| *value == Some(140.0)).expect("it gets there");
    assert!((61..64).contains(&full), "{full}");
    assert_eq!(measure(&record, "pods.recreated"), 70.0);
}

#[test]
fn a_node_group_is_scaled_within_its_bounds_and_evenly() {
    let mut calm = story(9).minutes(50);
    calm.plan.deployments[0].replicas = 50;
    let calm = calm.at(10, Change::ScaleNodeGroup { node_group: 0, desired: 12 });
    let record = calm.at(25, Change::ScaleNodeGroup { node_group: 0, desired: 6 }).record();
    let ready = record.series.iter().find(|series| series.name == "nodes.ready").expect("a series");
    assert_eq!([ready.values[59], ready.values[90], ready.values[200]], [Some(9.0), Some(12.0), Some(6.0)]);
    for zone in ["a", "b", "c"] {
        let drained = fact(&record, &format!("node cordoned and drained, eu-west-1{zone}")).expect("two of each zone");
        assert_eq!(drained.count, 2);
    }
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
    assert_eq!(
        measure(&record, "workload.connections.failed"),
        0.0,
        "drained pods leave the services before they stop"
    );
}

/// Nodes drained together, pods without room behind one back-off, and launches together: equal times do not decide.
#[test]
fn equal_times_in_another_order_give_the_same_facts() {
    let mut story = story(6).minutes(45).at(11, Change::ScaleNodeGroup { node_group: 0, desired: 0 });
    story.plan.deployments = ["web", "api", "jobs", "cache"].map(|name| deployment(name, 15)).to_vec();
    let story = story.at(20, Change::ScaleNodeGroup { node_group: 0, desired: 12 });
    for seed in 1..5 {
        let plain = story.clone().seed(seed);
        let shuffled = plain.clone().mode(|modes| modes.shuffle_ties = true).record();
        let plain = plain.record();
        assert_eq!(shuffled.timeline, plain.timeline);
        assert!(shuffled.measures == plain.measures && shuffled.series == plain.series, "seed {seed}");
    }
}
