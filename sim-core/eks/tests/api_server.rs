//! What an API server does under load: cores, priority levels, deadlines.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, Client, ExternalClient, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, fact, failed, measure, story, value, verb};

/// Administrators, and no CI.
fn with_admins(story: Story, count: u32) -> Story {
    let mut story = story;
    let client = Client { name: "admins".to_owned(), class: ExternalClient::Admin, place: Default::default(), count };
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

/// LISTs hold memory while they are served: enough of them at a time kill the process, which comes back by itself.
#[test]
fn too_many_large_lists_at_a_time_kill_the_server_for_its_memory() {
    let storm = with_admins(story(30), 20)
        .set("admin.list_share", "1")
        .set("admin.interval", "exponential(20s)")
        .set("object_bytes.pod", "1500000") // 300 pods: 450 MB, 7.5 s of CPU
        .minutes(20);
    let record = storm.record();
    let killed = fact(&record, "its process is killed").expect("sixteen gibibytes are not enough");
    assert!(killed.count >= 1 && fact(&record, "crashes").is_some_and(|crash| crash.cause == Some(killed.id)));
    assert!(failed(verb(&record, "admin", "list"), "connection lost") > 5, "its connections are reset");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
    let roomy = storm.set("api_server.memory_gib", "1000").record();
    assert!(fact(&roomy, "its process is killed").is_none());
}

/// Since Kubernetes 1.31 a server whose watch cache is not filled yet answers informers 429. With no healthy target the
/// balancer sends flows to servers that have just started.
#[test]
fn servers_that_have_just_started_refuse_informers_until_their_watch_caches_are_filled() {
    let lasts = Some(SimDuration::from_secs(10));
    let lost = |zone| Change::ApiServerLoss { zone: Some(ZoneId(zone)), lasts };
    let restart = story(30)
        .placed("a,b", "c", "b")
        .set("control_plane.first_lists_per_s", "10") // some 360 objects: 36 s to fill
        .at(10, lost(0))
        .at(10, lost(1))
        .minutes(20);
    let refused = |record: &Record| -> u64 {
        let kubelets = record.clients.iter().filter(|client| client.class == "kubelet");
        kubelets.flat_map(|client| &client.verbs).map(|verb| failed(verb, "429")).sum()
    };
    let record = restart.record();
    assert!(refused(&record) > 20, "30 kubelets ask: {}", refused(&record));
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
    assert_eq!(refused(&restart.clone().set("watch_cache.refuses_until_filled", "false").record()), 0);
    let mut older = restart;
    older.plan.cluster.version.minor = 30;
    assert_eq!(refused(&older.record()), 0, "before 1.31 it serves them");
}

/// Every change costs its servers CPU time for each watcher.
#[test]
fn watchers_cost_cpu_time_of_the_servers() {
    let calm = story(300).minutes(10);
    let (light, heavy) = (calm.record(), calm.set("api_server.watch_event_cpu", "120ms").record());
    let (light, heavy) = (p99_ms(&light, "controllers"), p99_ms(&heavy, "controllers"));
    assert!(heavy > light + 5.0, "{light} ms and {heavy} ms: 30 leases a second, one watcher each, on four cores");
}
