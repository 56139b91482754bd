//! One plan and seed, one story: whatever the threads, and however the run is carried out.

use crate::support::Place;
use serde_json::Value;

/// Runs `az-failure` eight times over; hands out `record.json`.
fn record(options: &str) -> String {
    let place = Place::new();
    let (code, _, err) = place.run(&format!("run az-failure --replications 8 --quiet --out out {options}"));
    assert!(code == 0 || code == 99, "{options}: {err}");
    place.read("out/record.json")
}

fn json(options: &str) -> Value {
    serde_json::from_str(&record(options)).expect("a record is JSON")
}

/// What happened and what was measured: everything but the digests of the events that it took.
fn facts(options: &str) -> Value {
    let mut document = json(options);
    for record in document["records"].as_array_mut().expect("a list of records") {
        record["digest"].take();
    }
    document
}

fn digests(options: &str) -> Vec<Value> {
    let document = json(options);
    let records = document["records"].as_array().expect("a list of records");
    records.iter().map(|record| record["digest"].clone()).collect()
}

/// Tells where two records differ: a whole one is too long to read.
fn assert_same(found: &Value, wanted: &Value, path: &str) {
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{path}");
            a.iter().for_each(|(key, value)| assert_same(value, &b[key], &format!("{path}.{key}")));
        }
        (Value::Array(a), Value::Array(b)) => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| assert_same(a, b, &format!("{path}[{i}]")));
            assert_eq!(a.len(), b.len(), "{path}");
        }
        _ => assert_eq!(found, wanted, "{path}"),
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let one = record("--threads 1");
    for threads in [2, 8] {
        assert!(record(&format!("--threads {threads}")) == one, "{threads} threads");
    }
}

#[test]
fn another_seed_is_another_story() {
    assert_ne!(digests("--seed 1"), digests("--seed 2"));
}

#[test]
fn a_run_that_measures_nothing_handles_the_same_events() {
    assert_eq!(digests("--probes off"), digests("--probes on"));
}

#[test]
fn equal_times_in_another_order_give_the_same_facts() {
    assert_same(&facts("--shuffle-ties"), &facts(""), "");
}

#[test]
fn a_heartbeat_that_changes_nothing_changes_nothing() {
    assert_same(&facts("--explicit heartbeats"), &facts(""), "");
}

#[test]
fn a_read_idle_timer_on_a_healthy_path_changes_nothing() {
    assert_same(&facts("--explicit read-idle"), &facts(""), "");
}

#[test]
fn what_is_printed_with_a_run_does_not_change_it() {
    assert!(record("--stats --format json") == record(""));
}
