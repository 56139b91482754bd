//! Where pods go and how long that takes, the pods of a trace, and what the scheduler does when there is no room.

mod story;

use sim_eks::plan::{Change, PodTrace, TracePod, ZoneId};
use sim_eks::quantity::Resources;
use sim_kernel::{Digest, SimDuration, SimTime};
use story::{Story, deployment, measure, story, value, verb};

/// So many pods of a trace a second, from one second on, each of which runs for `duration` seconds.
fn with_pods(mut story: Story, pods: u32, a_second: u32, duration: u64, milli_cpu: u64) -> Story {
    let first_shape = story.plan.deployments.len() as u32;
    let mut shape = deployment("trace", 0);
    shape.requests = Resources { milli_cpu, memory_mib: 64 };
    story.plan.deployments.push(shape);
    let rows = (0..pods).map(|pod| TracePod {
        arrival: SimTime::ZERO + SimDuration::from_micros(1_000_000 + u64::from(pod) * 1_000_000 / u64::from(a_second)),
        duration: SimDuration::from_secs(duration),
        shape: 0,
    });
    let rows = rows.collect();
    story.plan.pod_trace = Some(PodTrace { file: "test".to_owned(), digest: Digest::EMPTY, first_shape, rows });
    story.plan.warm_up = SimDuration::from_secs(0);
    story
}

fn idle(nodes: u32) -> Story {
    let mut idle = story(nodes);
    idle.plan.deployments = vec![deployment("web", 0)];
    idle
}

#[test]
fn each_pod_of_a_trace_is_created_bound_started_finished_and_deleted_by_requests() {
    let record = with_pods(idle(6), 200, 2, 30, 100).minutes(10).record();
    assert_eq!(measure(&record, "pods.finished"), 200.0);
    for (class, name, count) in [
        ("ci", "submit pod", 200),
        ("controllers", "bind pod", 200),
        ("kubelet", "report pod status", 400), // started, and finished
        ("ci", "delete finished pod", 200),
    ] {
        assert_eq!(verb(&record, class, name).succeeded, count, "{name}");
    }
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
    assert!(record.balances.iter().all(sim_eks::record::Balance::holds), "{:#?}", record.balances);
}

#[test]
fn room_that_finished_pods_leave_goes_to_those_that_wait() {
    // Three nodes of 1,830 free millicores hold three pods of 1,000; each batch of three runs for a minute.
    let record = with_pods(idle(3), 9, 1_000, 60, 1_000).minutes(10).record();
    assert_eq!(measure(&record, "pods.finished"), 9.0);
    let fits = with_pods(idle(3), 3, 1_000, 60, 1_000).minutes(10).record();
    assert!(value(&fits, "scheduler.latency.p99").is_some_and(|latency| latency < 0.2));
    assert!(story::fact(&record, "no node has room").is_some() && story::fact(&fits, "no node has room").is_none());
}

#[test]
fn bare_pods_of_a_dead_zone_are_lost_and_nobody_replaces_them() {
    let lost = Change::ZonePowerLoss { zone: ZoneId(0), lasts: None };
    let record = with_pods(idle(6), 60, 10, 100_000, 100).at(1, lost).minutes(30).record();
    assert_eq!(measure(&record, "pods.recreated"), 60.0, "created once each, by the client");
    assert!(measure(&record, "pods.evicted") > 0.0);
    assert!(record.balances.iter().all(sim_eks::record::Balance::holds), "{:#?}", record.balances);
}

#[test]
fn a_trace_is_the_same_whatever_the_order_of_ties() {
    let story = with_pods(idle(6), 400, 20, 20, 300).minutes(5);
    let shuffled = story.clone().mode(|modes| modes.shuffle_ties = true).record();
    let plain = story.record();
    assert_eq!(plain.measures, shuffled.measures);
    assert_eq!(plain.clients, shuffled.clients);
}

#[test]
fn a_thousand_pods_are_bound_at_the_rate_of_the_schedulers_client() {
    // With cores for all creations at once: otherwise they are spread over seconds, in which bindings go on.
    let burst = |qps: &str| {
        let burst = with_pods(idle(60), 1_000, 100_000, 3_600, 50).set("api_server.cores", "64");
        burst.set("flow_control.seats", "100000").set("scheduler.qps", qps).minutes(2).record()
    };
    let slow = measure(&burst("50"), "scheduler.latency.p99");
    assert!((17.0..18.6).contains(&slow), "{slow} s for the 990th of 1,000 with a burst of 100 and 50/s");
    assert!(measure(&burst("10000"), "scheduler.latency.p99") < 2.0);
}

#[test]
fn churn_replaces_pods_at_its_rate_and_keeps_their_number() {
    let mut churned = story(30).minutes(10);
    churned.plan.churn = 4.0;
    churned.plan.warm_up = SimDuration::from_secs(0);
    let record = churned.record();
    let deleted = verb(&record, "ci", "delete any pod").succeeded;
    assert_eq!(deleted, 1_200, "half of four a second, for ten minutes");
    assert!((measure(&record, "pods.recreated") - 1_200.0).abs() < 10.0);
    assert!(measure(&record, "pods.start.p99.worst") < 5.0, "the service level");
    assert!(measure(&record, "pods.pending.end") < 5.0);
    let shuffled = churned.mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!(record.measures, shuffled.measures);
}
