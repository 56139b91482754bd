//! What an API server does under load: cores, priority levels, deadlines.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Client, ExternalClient};
use story::{Story, fact, failed, measure, story, value, verb};

/// Administrators, and no CI.
fn with_admins(story: Story, count: u32) -> Story {
    let mut story = story;
    let client = Client { name: "admins".to_owned(), class: ExternalClient::Admin, count };
    story.plan.clients.push(client);
    story
}

fn p99_ms(record: &Record, class: &str) -> f64 {
    measure(record, &format!("api.latency.p99.{class}")) * 1e3
}

/// LISTs of a second of CPU take most of the cores, and small requests still get their slices.
#[test]
fn a_list_of_seconds_does_not_stand_before_small_requests() {
    let lists = with_admins(story(30), 1)
        .set("admin.list_share", "1")
        .set("admin.interval", "exponential(0.25s)")
        .set("object_bytes.pod", "500000") // 300 pods: 150 MB
        .minutes(10);
    let sliced = lists.record();
    let whole = lists.set("api_server.time_slice", "1s").record();
    assert!(measure(&sliced, "api.latency.p50.admin") > 1.5, "a LIST takes its CPU time");
    let (fair, unfair) = (p99_ms(&sliced, "kubelet"), p99_ms(&whole, "kubelet"));
    assert!(fair < 300.0 && unfair > 3000.0, "{fair} ms in slices, {unfair} ms behind whole LISTs");
}

/// Beyond the seats: the level of those who flood queues, waits for a quarter of the deadline, rejects; the others go on.
#[test]
fn beyond_the_seats_a_level_queues_for_fifteen_seconds_and_rejects_while_others_go_on() {
    let flood = with_admins(story(60), 40)
        .set("admin.list_share", "1")
        .set("admin.interval", "exponential(1s)")
        .set("api_server.list_cpu", "2s")
        .set("object_bytes.pod", "100") // 600 pods: one seat
        .minutes(10);
    let record = flood.record();
    assert!(measure(&record, "api.rejected.global-default") > 1000.0);
    let wait = measure(&record, "api.queue_wait.p99.global-default");
    assert!((10.0..=15.0).contains(&wait), "{wait}");
    for level in ["node-high", "system", "leader-election", "workload-high"] {
        assert_eq!(measure(&record, &format!("api.rejected.{level}")), 0.0, "{level}");
        assert!(value(&record, &format!("api.queue_wait.p99.{level}")).unwrap_or(0.0) == 0.0, "{level}");
    }
    let leases = verb(&record, "kubelet", "renew node lease");
    assert_eq!(leases.succeeded + leases.inside, leases.sent);
    assert!(failed(verb(&record, "admin", "list"), "429") > 1000);
    let shorter = flood.set("flow_control.queue_wait_share", "0.05").record();
    let wait = measure(&shorter, "api.queue_wait.p99.global-default");
    assert!((2.0..=3.0).contains(&wait), "a twentieth of 60 s: {wait}");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// A client without a time-out of its own gets the server's: 60 s, the time in the queue counts.
#[test]
fn the_server_gives_a_request_up_after_its_own_deadline() {
    let slow = with_admins(story(3), 1)
        .set("admin.list_share", "1")
        .set("admin.interval", "2m")
        .set("object_bytes.pod", "1500000") // 30 pods: 45 MB, encoded and compressed in 90 s
        .set("api_server.json_mb_per_s", "1")
        .set("api_server.gzip_mb_per_s", "1")
        .minutes(20);
    let lists = |record: &Record| verb(record, "admin", "list").clone();
    let record = slow.record();
    let (sent, errors) = (lists(&record).sent, failed(&lists(&record), "5xx"));
    assert!(sent > 5 && errors + lists(&record).inside == sent, "{errors} of {sent}");
    let error = fact(&record, "request of admin failed: 5xx").expect("the deadline passes").first.as_secs_f64();
    assert!((180.0..180.2).contains(&error), "begun after two minutes: {error}");
    let patient = slow.set("api_server.request_timeout", "100s").record();
    assert_eq!(failed(&lists(&patient), "5xx"), 0);
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}
