//! Jobs: their pods end by themselves, free their room, and are cleared away.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, Job, ZoneId};
use sim_kernel::{Law, SimDuration};
use story::{Story, at_minute, deployment, fact, measure, story, verb};

/// Nine nodes and a Job whose pods run for a minute, created at minute 6.
fn with_job(completions: u32, parallelism: u32) -> Story {
    let mut story = story(9).placed("b,c", "b", "b").minutes(30);
    story.plan.deployments[0].replicas = 9;
    let mut batch = deployment("batch", 0);
    batch.control.job = Some(Job {
        completions,
        parallelism,
        backoff_limit: 6,
        run_time: Law::constant(60.0),
        failures: 0.0,
        ttl: None,
        created: at_minute(6),
    });
    story.plan.deployments.push(batch);
    story
}

fn change(mut story: Story, change: impl FnOnce(&mut Job)) -> Story {
    change(story.plan.deployments[1].control.job.as_mut().expect("it is a Job"));
    story
}

/// Pods that controllers deleted.
fn deleted(record: &Record) -> u64 {
    let controllers = record.clients.iter().filter(|client| client.class == "controllers");
    let verbs = controllers.flat_map(|client| &client.verbs).filter(|verb| verb.verb == "delete pod");
    verbs.map(|verb| verb.succeeded).sum()
}

/// Seconds until the Job is complete.
fn took(record: &Record) -> f64 {
    let fact = fact(record, "Job batch is complete").unwrap_or_else(|| panic!("{:#?}", record.timeline));
    (fact.first - at_minute(6)).as_secs_f64()
}

/// Twelve pods of a minute, four at a time: three minutes and three starts; all at once: one.
#[test]
fn a_job_takes_as_many_rounds_as_its_parallelism_leaves() {
    let in_rounds = with_job(12, 4).record();
    let at_once = with_job(12, 12).record();
    assert!((180.0..240.0).contains(&took(&in_rounds)), "{}", took(&in_rounds));
    assert!((60.0..85.0).contains(&took(&at_once)), "{}", took(&at_once));
    for record in [&in_rounds, &at_once] {
        assert_eq!(measure(record, "pods.recreated"), 12.0);
        for (name, count) in [("create pod", 12), ("bind pod", 12), ("untrack pod", 12)] {
            assert_eq!(verb(record, "controllers", name).succeeded, count, "{name}");
        }
        assert_eq!(deleted(record), 0);
        assert!(verb(record, "controllers", "report Job status").succeeded >= 2);
    }
}

/// Pods that have ended keep their objects and take no room: two hundred pods of a core pass through nine nodes of two.
#[test]
fn pods_that_have_ended_take_no_room() {
    let mut large = with_job(100, 100).minutes(60);
    large.plan.deployments[1].requests.milli_cpu = 1_500;
    let record = large.record();
    let rounds = took(&record) / 60.0;
    assert!((12.0..18.0).contains(&rounds), "nine at a time: {rounds} minutes");
}

#[test]
fn failures_are_paid_with_pauses_and_too_many_end_the_job() {
    let failing = |failures, limit| {
        change(with_job(6, 1).minutes(120), |job| {
            (job.failures, job.backoff_limit) = (failures, limit);
            job.run_time = Law::constant(10.0);
        })
        .record()
    };
    let (calm, some) = (failing(0.0, 6), failing(0.4, 100));
    let failures = measure(&some, "pods.recreated") - 6.0;
    assert!(failures >= 1.0, "of some");
    assert!(took(&some) > took(&calm) + 20.0 * failures, "a run and a pause of ten seconds at least for each");
    let all = failing(1.0, 3);
    let failed = fact(&all, "Job batch has failed").expect("four of its pods have");
    let seconds = (failed.first - at_minute(6)).as_secs_f64();
    assert!((110.0..150.0).contains(&seconds), "four runs of 10 s, pauses of 10, 20 and 40 s: {seconds}");
    assert_eq!(measure(&all, "pods.recreated"), 4.0);
}

/// A pod that is lost with its node is replaced, and counts as a failure.
#[test]
fn a_pod_of_a_dead_node_is_replaced_after_its_eviction() {
    let lost = change(with_job(9, 9).minutes(60), |job| job.run_time = Law::constant(300.0));
    let lost = lost.at(8, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None });
    let record = lost.set("node_group.replace_instances", "false").record();
    assert!((770.0..900.0).contains(&took(&record)), "evicted 340 s after 120 s, 10 s, then 300 s: {}", took(&record));
    let jobs_pods = measure(&record, "pods.recreated") - 3.0;
    assert!((3.0..=5.0).contains(&(jobs_pods - 9.0)), "three of web are replaced beside: {jobs_pods}");
}

#[test]
fn a_job_is_cleared_away_after_its_time_to_live() {
    let cleared = change(with_job(12, 12), |job| job.ttl = Some(SimDuration::from_mins(2))).record();
    assert_eq!(verb(&cleared, "controllers", "delete Job").succeeded, 1);
    assert_eq!(deleted(&cleared), 12);
    assert_eq!(deleted(&with_job(12, 12).record()), 0);
}

/// The pod garbage collector keeps so many pods that have ended, and no more.
#[test]
fn pods_that_have_ended_are_deleted_beyond_a_threshold() {
    let record = with_job(40, 20).set("controllers.terminated_pod_threshold", "10").record();
    assert_eq!(deleted(&record), 30);
}

#[test]
fn ties_change_nothing() {
    let failing = change(with_job(30, 10).minutes(60), |job| (job.failures, job.backoff_limit) = (0.2, 100));
    let failing = failing.at(7, Change::NodeLoss { zone: ZoneId(0), share: 0.5, lasts: None });
    let calm = failing.record();
    let shuffled = failing.mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!((calm.measures, calm.timeline), (shuffled.measures, shuffled.timeline));
}
