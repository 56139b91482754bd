//! The controllers of the controller manager: their clients and workers, and what each does to its objects.

mod story;

use sim_eks::plan::{Amount, AutoscalerBounds, Change, DisruptionBudget, WorkloadKind, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, failed, measure, story, value, verb};

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
    assert!(spread < 79.0, "300 nodes and their 1,300 pods, 30 at once and 20 a second: {spread}");
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

/// A node that boots says that it is not Ready until its network is up: it is queued for its taint like an unreachable
/// one, so that it takes pods a look later, and only nodes whose heartbeats cease count as tainted unreachable.
#[test]
fn a_booting_node_is_tainted_not_ready_until_its_network_is_up() {
    let grown = story(3).minutes(20).set("node_group.cni_time", "30s");
    let record = grown.at(10, Change::ScaleNodeGroup { node_group: 0, desired: 6 }).record();
    let tainted = fact(&record, "node tainted not-ready, eu-west-1a").expect("it says so for thirty seconds");
    let ready = fact(&record, "node Ready, eu-west-1a").expect("it boots");
    assert!(tainted.first < ready.first);
    assert_eq!(measure(&record, "nodes.tainted"), 0.0);
    assert_eq!(verb(&record, "controllers", "untaint node").succeeded, 3, "one in each zone");
}

/// A pod's way into and out of the services is a write of its slice, by a client of 20 a second; changes of one Service
/// that come together share it.
#[test]
fn changes_of_a_service_share_the_write_of_a_slice() {
    let mut one = story(9).minutes(20);
    one.plan.deployments[0].replicas = 10;
    let one = scaled(one, 10, 60).record();
    let writes = verb(&one, "controllers", "update EndpointSlice").succeeded;
    assert!((10..=50).contains(&writes), "50 pods became ready over ten seconds: {writes}");
    let mut wide = story(60).minutes(20);
    wide.plan.deployments[0].replicas = 500;
    let restarted = wide.at(10, Change::ScaleDeployment { deployment: 0, replicas: 450 }).record();
    let writes = verb(&restarted, "controllers", "update EndpointSlice").succeeded;
    assert!((5..=50).contains(&writes), "50 pods go at once, from five slices: {writes}");
}

/// Without a controllers' leader readiness is not published: the pods run, and no traffic comes to them.
#[test]
fn without_controllers_no_endpoint_changes() {
    let mut slow = story(9).minutes(20).placed("a,b", "c", "a").set("leader_election.lease_duration", "200s");
    slow.plan.deployments[0].replicas = 10;
    // The pods are created before the leader dies, and become ready after it.
    let slow = slow.set("pod.readiness_delay", "30s").at(10, Change::ScaleDeployment { deployment: 0, replicas: 20 });
    let mut lost = slow;
    let at = at_minute(10) + SimDuration::from_secs(15);
    lost.plan
        .steps
        .push(sim_eks::plan::Step { at, change: Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None } });
    let record = lost.record();
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    let at = |seconds: usize| serving.values[seconds / 10].expect("a window");
    assert_eq!((at(600), at(750)), (10.0, 10.0), "they have run for minutes, and nobody lists them");
    assert_eq!(at(1000), 20.0, "the new leader has written the slices");
}

fn autoscaled(minutes: u64) -> Story {
    let mut story = story(30).minutes(minutes);
    let web = &mut story.plan.deployments[0];
    web.replicas = 10;
    web.control.load_milli_cpu = Some(500);
    web.control.autoscaler = Some(AutoscalerBounds { min: 5, max: 40, target: 0.5 });
    story
}

/// ceil(current x use / target): 500m on ten pods of 100m is what half of them would be; four times as much wants forty.
#[test]
fn an_autoscaler_follows_the_load_up_in_seconds_and_down_after_five_minutes() {
    let load = |milli_cpu| Change::ChangeLoad { deployment: 0, milli_cpu };
    let record = autoscaled(50).at(10, load(2000)).at(30, load(500)).record();
    let wants = |count: u32| {
        let text = format!("wants {count} pods");
        fact(&record, &text).map(|fact| fact.first.saturating_since(at_minute(0)).as_secs_f64())
    };
    let (twenty, forty) = (wants(20).expect("the double at first"), wants(40).expect("then the double again"));
    assert!((600.0..600.0 + 60.0 + 16.0).contains(&twenty), "a scrape and a look: {twenty}");
    assert!((14.9..120.0).contains(&(forty - twenty)), "{forty}");
    let ten = wants(10).expect("the load is gone");
    assert!((1800.0 + 285.0..1800.0 + 300.0 + 60.0 + 16.0).contains(&ten), "the stabilization window: {ten}");
    assert_eq!(measure(&record, "pods.recreated"), 30.0);
    let calm = autoscaled(20).at(10, load(540)).record();
    assert_eq!(measure(&calm, "pods.recreated"), 0.0, "within the tolerance");
}

fn stateful(mut story: Story, kind: WorkloadKind) -> Story {
    story.plan.deployments[0].replicas = 9;
    story.plan.deployments[0].control.kind = kind;
    story
}

/// A pod on an unreachable node gets its deletion time after five minutes and stays Terminating: a Deployment replaces it
/// then, a StatefulSet only once the pod is gone, with its Node or by the word of its kubelet.
#[test]
fn a_stateful_set_waits_for_the_end_of_its_pods() {
    let lost = || story(9).placed("b,c", "b", "b").zone_a_goes_dark();
    let recovery = |story: Story| measure(&story.record(), "workload.recovery");
    let left_alone = || lost().set("node_group.replace_instances", "false");
    let alike = recovery(stateful(left_alone(), WorkloadKind::Deployment));
    let with_identity = recovery(stateful(left_alone(), WorkloadKind::StatefulSet));
    assert!((340.0..420.0).contains(&alike), "{alike}");
    assert!(with_identity > 1800.0, "the zone's return brings its kubelets back: {with_identity}");
    let replaced = recovery(stateful(lost(), WorkloadKind::StatefulSet));
    assert!((240.0..1500.0).contains(&replaced), "its Nodes are deleted with their instances: {replaced}");
}

/// OrderedReady: the next pod is created once the last is Ready.
#[test]
fn a_stateful_set_starts_one_pod_after_another() {
    let growth = |kind| {
        let record = scaled(stateful(story(9).minutes(20), kind), 10, 15).record();
        let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        (60..120).find(|window| serving.values[*window] == Some(15.0)).expect("they serve in the end") - 60
    };
    let (alike, one_by_one) = (growth(WorkloadKind::Deployment), growth(WorkloadKind::StatefulSet));
    assert!(one_by_one >= alike + 2, "{alike} and {one_by_one} windows of ten seconds");
}
