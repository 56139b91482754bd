//! The life of an API server: what its clients see when it crashes, stops, is replaced, and how the load balancer follows.

mod story;

use sim_eks::plan::{Change, ZoneId};
use story::{at_minute, fact, failed, measure, story, value, verb};

/// A crashed process has a living machine: its kernel resets the open connections at once and refuses new ones, so clients
/// go on elsewhere within a second, long before a silent death would be noticed.
#[test]
fn a_crashed_process_resets_its_connections_and_refuses_new_ones_until_it_runs_again() {
    let base = story(60).placed("a,b", "c", "b").with_externals().minutes(20).set("admin.interval", "200ms");
    let record = base.clone().at(10, Change::ApiServerCrash { zone: Some(ZoneId(0)) }).record();
    let reset = fact(&record, "connection of a kubelet reset").expect("open connections are reset");
    assert_eq!(reset.first, at_minute(10));
    assert!(measure(&record, "api.outage.kubelet") < 1.0, "{}", measure(&record, "api.outage.kubelet"));
    let refused = fact(&record, "API server in eu-west-1a refuses new connections").expect("until it runs again");
    let back = fact(&record, "API server in eu-west-1a answers again").expect("it starts by itself").first;
    assert!((10.0..=30.0).contains(&back.saturating_since(at_minute(10)).as_secs_f64()));
    assert!(refused.last <= back);
    let gets = verb(&record, "admin", "get");
    assert_eq!(failed(gets, "dial timed out"), 0, "nobody waits for a dead address");
    assert_eq!(value(&record, "controllers.failover"), None, "the holders in b renew on");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// The components on the machine live on, but without their loopback: a holder gives up after its 10 s only if the process
/// is not back before.
#[test]
fn the_components_beside_a_crashed_process_live_on_without_their_loopback() {
    let base = story(6).placed("a,b", "c", "a").minutes(20);
    let crash = base.at(10, Change::ApiServerCrash { zone: None });
    let quick = crash.clone().set("api_server.restart_time", "5s").record();
    assert_eq!(value(&quick, "controllers.failover"), None, "renewed within the deadline");
    let slow = crash.set("api_server.restart_time", "60s").record();
    let gives_up = fact(&slow, "gives up and restarts").expect("the holder cannot renew");
    let after = gives_up.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((7.5..=10.1).contains(&after), "10 s after its last renewal: {after}");
    assert!(fact(&slow, "kube-controller-manager in eu-west-1b takes over").is_some());
}

/// `/readyz` asks etcd: without a quorum every target is unhealthy, flows are reset and the balancer fails open. A check
/// that only connects sees nothing.
#[test]
fn a_lost_quorum_makes_every_target_unhealthy_only_where_the_check_asks_readyz() {
    let mut lost = story(30).placed("a,b", "a", "a").with_externals().minutes(20);
    for zone in [1, 2] {
        lost = lost.at(10, Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: None });
    }
    let asks = lost.record();
    for zone in ["a", "b"] {
        assert!(fact(&asks, &format!("finds its target in eu-west-1{zone} unhealthy")).is_some());
    }
    assert!(fact(&asks, "connection of a kubelet reset").is_some());
    assert!(failed(verb(&asks, "admin", "get"), "5xx") > 0, "it fails open: requests still reach the servers");
    let connects = lost.set("nlb.check_readyz", "false").record();
    assert!(fact(&connects, "finds its target").is_none());
    assert!(fact(&connects, "connection of a kubelet reset").is_none());
}

/// Counted from the end of a check, each failed check of a silent target costs its time-out and an interval.
#[test]
fn an_interval_from_the_end_of_a_check_finds_a_silent_target_later() {
    let lost = story(3).placed("a,b", "c", "b").minutes(20).set("nlb.unhealthy_threshold", "5");
    let lost = lost
        .set("nlb.health_check_interval", "10s")
        .at(10, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None });
    let found = |story: &story::Story| {
        let record = story.record();
        let verdict = fact(&record, "finds its target in eu-west-1a unhealthy").expect("found").first;
        verdict.saturating_since(at_minute(10)).as_secs_f64()
    };
    for seed in 1..6 {
        let lost = lost.clone().seed(seed);
        assert!((50.0..=60.0).contains(&found(&lost)), "4 x 10 s + 10 s after the first one");
        assert!((90.0..=100.0).contains(&found(&lost.set("nlb.interval_from_end", "true"))), "4 x 20 s + 10 s");
    }
}

/// Several servers in a zone share its address; the loss of one resets its own flows only.
#[test]
fn several_api_servers_in_a_zone_share_its_flows() {
    let base = story(120).placed("a,b", "c", "b").set("api_server.count", "6").minutes(20);
    let record = base.clone().at(10, Change::ApiServerCrash { zone: Some(ZoneId(0)) }).record();
    let reset = fact(&record, "connection of a kubelet reset").expect("some are").count;
    assert!((8..=35).contains(&reset), "a sixth of 120 kubelets: {reset}");
    assert_eq!(record.placement.api_servers.len(), 6);
    let crowd = story(30).set("api_server.count", "12").record();
    assert!(crowd.balances.iter().all(|balance| balance.holds()), "{:?}", crowd.balances);
}
