//! The controllers of the controller manager: their clients and workers, and what each does to its objects.

mod story;

use sim_eks::plan::{Change, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, fact, failed, measure, story, verb};

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
