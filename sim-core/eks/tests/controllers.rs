//! The controllers of the controller manager: their clients and workers, and what each does to its objects.

mod story;

use sim_eks::plan::{Amount, Change, DisruptionBudget, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, fact, failed, measure, story, value, verb};

/// A change of the first Deployment's size.
fn scaled(story: Story, minute: u64, replicas: u32) -> Story {
    story.at(minute, Change::ScaleDeployment { deployment: 0, replicas })
}

/// Pods that a ReplicaSet lacks are created in batches of 1, 2, 4 ..., each once the one before has succeeded: where no
/// write succeeds, a ReplicaSet that lacks 300 pods sends a request or two until its controller has lost its lease.
#[test]
fn a_replica_set_that_cannot_create_pods_tries_with_one() {
    let mut cut_off = story(60).minutes(20);
    for zone in [0, 1] {
        let lasts = Some(SimDuration::from_mins(3));
        cut_off = cut_off.at(10, Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts });
    }
    cut_off.plan.deployments[0].replicas = 300;
    let record = scaled(cut_off, 10, 600).record();
    let created = verb(&record, "controllers", "create pod");
    let all_failed: u64 = created.failed.iter().map(|(_, count)| count).sum();
    assert!(all_failed <= 4, "{all_failed} creations failed");
    assert_eq!(failed(created, "429"), 0);
    assert_eq!(measure(&record, "pods.recreated"), 300.0, "they are created once etcd is back");
}

/// Each controller has a client of its own: a ReplicaSet that creates thousands of pods at 20 a second delays no node's
/// condition.
#[test]
fn the_clients_of_controllers_do_not_wait_for_each_other() {
    let mut lost = story(900).placed("a,b", "c", "a").zone_a_goes_dark().minutes(15);
    lost.plan.deployments[0].replicas = 3000;
    let record = scaled(lost, 10, 12_000).record();
    let marked = fact(&record, "node NotReady, eu-west-1a").expect("they are dead");
    let spread = marked.last.saturating_since(marked.first).as_secs_f64();
    assert!(spread < 13.7, "300 nodes found at one look, 30 at once and 20 a second: {spread}");
    let created = measure(&record, "pods.recreated");
    assert!((5000.0..5660.0).contains(&created), "20 a second, for less than five minutes: {created}");
}

/// What a ReplicaSet and its Deployment say of themselves are requests too, and share the clients' rates.
#[test]
fn a_new_pod_is_told_of_by_its_replica_set_and_its_deployment() {
    let mut small = story(9).minutes(15);
    small.plan.deployments[0].replicas = 10;
    let record = scaled(small, 10, 11).record();
    for (name, least) in [("report ReplicaSet status", 2), ("report Deployment status", 2), ("scale ReplicaSet", 1)] {
        let count = verb(&record, "controllers", name).succeeded;
        assert!((least..=2).contains(&count), "created, then ready: {name} {count}");
    }
}

/// Ten pods in a rolling update with the default quarters: at least eight stay available.
#[test]
fn a_rolling_update_keeps_its_bounds() {
    let mut updated = story(9).minutes(20);
    updated.plan.deployments[0].replicas = 10;
    let updated = updated.at(10, Change::UpdateDeployment { deployment: 0 });
    for seed in 1..4 {
        let record = updated.clone().seed(seed).record();
        assert_eq!(verb(&record, "controllers", "create ReplicaSet").succeeded, 1);
        let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        let least = serving.values.iter().flatten().fold(f64::MAX, |least, value| least.min(*value));
        assert!(least >= 7.0, "25 % of ten, rounded down, and kube-proxies learn late: {least}");
        assert_eq!(measure(&record, "pods.recreated"), 10.0);
        let took = measure(&record, "deployments.rollout");
        assert!((10.0..120.0).contains(&took), "{took}");
        assert!(fact(&record, "rolling update of web complete").is_some_and(|fact| fact.cause.is_some()));
        assert_eq!(value(&record, "workload.recovery"), None, "nothing was disturbed");
    }
}

/// Without room for a surge a rollout takes pods away first, and waits for each.
#[test]
fn a_rolling_update_without_surge_is_slower() {
    let took = |surge: &str, unavailable: &str| {
        let mut updated = story(9).minutes(40).set("controllers.max_surge", surge);
        updated = updated.set("controllers.max_unavailable", unavailable);
        updated.plan.deployments[0].replicas = 10;
        measure(&updated.at(10, Change::UpdateDeployment { deployment: 0 }).record(), "deployments.rollout")
    };
    assert!(took("0", "0.1") > 4.0 * took("1", "0"), "one pod after another, or all at once");
}

fn drained(nodes: u32, budget: Option<DisruptionBudget>) -> sim_eks::Record {
    let mut drained = story(9).minutes(30);
    drained.plan.deployments[0].replicas = 18;
    drained.plan.deployments[0].control.budget = budget;
    drained.at(10, Change::DrainNodes { node_group: 0, nodes }).record()
}

#[test]
fn a_drained_node_is_empty_and_takes_no_new_pods() {
    let record = drained(3, None);
    assert_eq!(measure(&record, "nodes.drained"), 3.0);
    assert_eq!(measure(&record, "pods.recreated"), 6.0, "two on each of three nodes, and none of them twice");
    assert_eq!(verb(&record, "controllers", "evict pod").sent, 6);
    assert!(fact(&record, "node drained, eu-west-1a").is_some_and(|fact| fact.cause.is_some()));
}

/// A budget of one missing pod lets one go at a time: the next only once its replacement is Ready.
#[test]
fn a_disruption_budget_slows_a_drain_and_refuses_with_429() {
    let one = DisruptionBudget::MaxUnavailable(Amount::Pods(1));
    let record = drained(3, Some(one));
    assert_eq!(measure(&record, "nodes.drained"), 3.0);
    assert!(measure(&record, "evictions.refused") >= 3.0, "the second pod of each node is refused at first");
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert!(serving.values.iter().flatten().all(|pods| *pods > 15.9), "the one, and the one that is not listed yet");
    assert_eq!(measure(&record, "api.availability.controllers"), 1.0, "a refusal is no failure");
    let none = drained(1, Some(DisruptionBudget::MinAvailable(Amount::Share(1.0))));
    assert_eq!(measure(&none, "nodes.drained"), 0.0, "nothing may ever go");
    let refused = measure(&none, "evictions.refused");
    assert!((460.0..=482.0).contains(&refused), "two pods, every five seconds for twenty minutes: {refused}");
}
