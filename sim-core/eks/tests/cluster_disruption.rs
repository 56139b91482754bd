//! The death of nodes: who is NotReady, tainted and evicted, when, and which setting decides it. The published rows of C5
//! are in `validation/c5_node_failure.rs`.

mod story;

use sim_eks::plan::{Change, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, loss_in_zone_a, measure, story, value};

/// Only what the normal rate allows before the threshold is crossed is tainted.
#[test]
fn a_small_zone_that_is_partly_disrupted_is_not_tainted() {
    for record in loss_in_zone_a(40, 0.6).minutes(60).records(1..5) {
        assert_eq!(measure(&record, "nodes.not_ready"), 24.0);
        assert!(measure(&record, "nodes.tainted") <= 2.0);
        assert!(value(&record, "nodes.last_tainted").is_none_or(|last| last < 70.0));
        assert!(measure(&record, "workload.recovery") >= 2400.0, "its pods stay where they are, and dead, to the end");
    }
}

#[test]
fn when_all_zones_are_dark_evictions_stop() {
    let mut all = loss_in_zone_a(30, 1.0).minutes(40);
    for zone in [1, 2] {
        all = all.at(10, Change::NodeLoss { zone: ZoneId(zone), share: 1.0, lasts: None });
    }
    for record in all.records(1..5) {
        assert_eq!(measure(&record, "nodes.not_ready"), 90.0);
        assert!(measure(&record, "nodes.tainted") <= 6.0, "what the normal rate allows on the way there");
        assert!(value(&record, "nodes.last_tainted").is_none_or(|last| last < 70.0));
        assert!(fact(&record, "no node of any zone is Ready: evictions stop").is_some());
    }
}

/// The figure for a zone of two nodes, and 300 s later their pods leave.
#[test]
fn a_dark_zone_of_two_nodes_is_tainted_within_seventy_seconds() {
    for record in loss_in_zone_a(2, 1.0).minutes(20).records(1..20) {
        let tainted = measure(&record, "nodes.last_tainted");
        assert!((50.0..70.0).contains(&tainted), "{tainted}");
        let later = measure(&record, "pods.last_evicted") - tainted;
        assert!((300.0..300.1).contains(&later), "{later}");
    }
}

/// NotReady after the grace less the age of the last heartbeat, 0 to 10 s, and up to the next look, 0 to 5 s. Upstream
/// queues a node for its taint at the look after the one that finds it NotReady, 5 s later.
#[test]
fn a_single_dead_node_is_not_ready_after_its_grace_and_evicted_five_minutes_later() {
    for (grace, from) in [("50s", 40.0), ("40s", 30.0)] {
        let records = loss_in_zone_a(5, 0.2).set("node_lifecycle.grace_period", grace).minutes(20).records(1..40);
        let times: Vec<f64> = records.iter().map(|record| measure(record, "nodes.last_not_ready")).collect();
        assert!(times.iter().all(|time| (from..from + 15.1).contains(time)), "{times:?}");
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        // Standard error of 39 sums of U(0,10) and U(0,5): 3.2 s / 6.2.
        assert!((mean - (from + 7.5)).abs() < 3.0 * 0.52, "{mean}");
        for (record, not_ready) in records.iter().zip(times) {
            let evicted = measure(record, "pods.last_evicted") - not_ready;
            assert!((304.9..305.3).contains(&evicted), "{evicted}");
        }
    }
}

#[test]
fn the_eviction_rate_and_the_toleration_move_what_they_should() {
    let base = loss_in_zone_a(10, 1.0).minutes(40);
    let at = |story: Story, name: &str| measure(&story.record(), name);
    let tainted = at(base.clone(), "nodes.last_tainted");
    let fast = base.clone().set("node_lifecycle.eviction_rate", "1");
    assert!(at(fast, "nodes.last_tainted") < tainted - 80.0);
    let patient = base.clone().set("node_lifecycle.toleration", "600s");
    assert!((at(patient.clone(), "nodes.last_tainted") - tainted).abs() < 0.1);
    assert!((at(patient, "pods.last_evicted") - tainted - 600.0).abs() < 0.1);
    let strict = loss_in_zone_a(40, 0.6).set("node_lifecycle.large_zone_nodes", "30").minutes(60).record();
    assert!(measure(&strict, "nodes.tainted") > 20.0, "a zone of 40 nodes is a large one now");
}

/// A new leader has no memory: every node's grace begins at its first look.
#[test]
fn a_leader_lost_with_the_zone_delays_not_ready_by_its_failover() {
    for record in story(60).placed("a,b", "c", "a").zone_a_goes_dark().minutes(20).records(1..6) {
        let not_ready = fact(&record, "node NotReady, eu-west-1a").expect("they are dead");
        let after = not_ready.first.saturating_since(at_minute(10)).as_secs_f64();
        let failover = measure(&record, "controllers.failover");
        assert!((failover + 50.0..failover + 55.2).contains(&after), "{after} against {failover}");
    }
}

/// The node lifecycle controller sends 30 requests at once and then 20 a second, one for each node and one for each of
/// its ten pods and kube-proxy; eight workers have a node each.
#[test]
fn not_ready_reaches_the_api_at_the_controllers_rate() {
    let spread = |story: Story| {
        let record = story.record();
        let facts = record.timeline.iter().filter(|fact| fact.text == "node NotReady, eu-west-1a");
        let (first, last) = (facts.clone().map(|fact| fact.first).min(), facts.map(|fact| fact.last).max());
        last.zip(first).map(|(last, first)| last.saturating_since(first).as_secs_f64()).expect("they are dead")
    };
    let lost = story(900).placed("a,b", "c", "a").zone_a_goes_dark().minutes(15);
    let seconds = spread(lost.clone());
    assert!((173.7..178.6).contains(&seconds), "300 nodes found at one look, 3,600 requests: {seconds}");
    assert!(spread(lost.clone().set("controllers.qps", "200")) < 17.9);
    let mut bare = lost;
    bare.plan.deployments[0].replicas = 0;
    let seconds = spread(bare);
    assert!((27.9..28.6).contains(&seconds), "with kube-proxy alone, 600 requests: {seconds}");
}

/// Their pods leave the services, though they run, until the kubelet says that they are ready.
#[test]
fn pods_of_nodes_that_are_not_ready_falsely_leave_the_services_for_a_while() {
    let dark = story(300).placed("a,b", "c", "b").zone_a_goes_dark().minutes(20);
    // A seed in which the living controllers keep their lease, so that their clocks run on.
    let dark = dark.set("controllers.qps", "10000").set("controllers.burst", "10000");
    let records = dark.set("node_lifecycle.grace_period", "40s").records(0..9);
    let kept = |record: &&sim_eks::Record| value(record, "controllers.failover").is_none();
    let record = records.iter().find(kept).expect("most keep it");
    let falsely = fact(record, "living node NotReady").expect("some");
    assert!(falsely.cause.is_some(), "the dark zone is to blame");
    let back = fact(record, "node Ready again, eu-west-1b").expect("they report");
    assert!(back.last.saturating_since(falsely.last) < SimDuration::from_secs(60));
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    let window = |seconds: usize| serving.values[seconds / 10].expect("a window");
    assert!(window(640) < 1900.0, "2,000 pods live, many of which are not listed: {}", window(640));
    assert!(window(700) > 1999.0, "{}", window(700));
}

#[test]
fn a_node_that_returns_in_time_keeps_its_pods() {
    let quick = |lasts| {
        let mut story = loss_in_zone_a(10, 1.0).set("node_group.power_return_spread", "0s").minutes(30);
        story = story.set("node_group.boot_time", "20s");
        story.plan.steps.clear();
        let lasts = Some(SimDuration::from_secs(lasts));
        story.at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts }).record()
    };
    let back_in_time = quick(150);
    assert!(measure(&back_in_time, "nodes.tainted") > 3.0);
    assert_eq!([measure(&back_in_time, "pods.evicted"), measure(&back_in_time, "pods.recreated")], [0.0, 0.0]);
    assert!(measure(&back_in_time, "workload.recovery") < 150.0 + 20.0 + 40.0);
    assert_eq!(measure(&quick(5), "nodes.not_ready"), 0.0, "nobody noticed");
}

#[test]
fn pods_that_tolerate_an_unreachable_node_stay_on_it() {
    let mut lost = loss_in_zone_a(10, 1.0).minutes(30);
    let key = Some("node.kubernetes.io/unreachable".to_owned());
    lost.plan.deployments[0].tolerations = vec![sim_eks::plan::Toleration { key, value: None, effect: None }];
    let record = lost.record();
    assert_eq!([measure(&record, "nodes.tainted"), measure(&record, "pods.evicted")], [10.0, 0.0]);
}
