//! What an hour of a thousand nodes costs: `cargo bench --bench model`.
//!
//! At the end: an hour of 5,000 nodes with 150,000 pods and churn, a fork of it, its requests by class, each bounded from
//! below; what 5,000 watchers cost; and the cost of a node by their number.
//!
//! Prints, from one run on one machine: the time of one HOLD step of the calendar at 1,000 pending events; the time,
//! events, memory and requests of `busy-hour.toml`; and the time of an API write from client to answer, as a multiple
//! of the HOLD step. The write's time is that of an hour of 1,000 nodes without a fault, where lease renewals are
//! nearly all there is, divided by its writes.
#![allow(clippy::disallowed_methods)] // a bench reads the clock

use scenarios::Request;
use sim_eks::plan::{WorkloadCall, WorkloadClient};
use sim_eks::{Plan, Record, Run, RunCosts};
use sim_kernel::{Calendar, Purpose, RunKey, SimDuration};
use sim_study::Subject;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let hold_ns = hold_step_ns(1_000);
    let faulty = plan(&[]);
    let memory_before = memory_peak_kib();
    let (seconds, record, costs) = fastest(&faulty, 3);
    let memory_after = memory_peak_kib();
    let nodes = f64::from(faulty.cluster.nodes());
    println!("HOLD step at 1,000 pending: {hold_ns:.1} ns");
    println!(
        "busy hour: {seconds:.3} s, {} events, {:.1} M events/s",
        costs.events,
        costs.events as f64 / seconds / 1e6
    );
    println!("pending at most: {}; requests in flight at most: {}", costs.pending_peak, costs.requests_peak);
    if let (Some(before), Some(after)) = (memory_before, memory_after) {
        println!(
            "memory at most: {:.1} MiB; {:.0} bytes for a node",
            after as f64 / 1024.0,
            (after - before) as f64 * 1024.0 / nodes
        );
    }
    print_requests(&record);
    let calm = Arc::new(Plan { steps: Vec::new(), ..(*faulty).clone() });
    let (seconds, record, _) = fastest(&calm, 3);
    let writes = writes(&record) as f64 * 60.0 / 55.0; // the totals leave out the five minutes of warm-up
    let write_ns = seconds * 1e9 / writes;
    println!("API write, client to answer: {write_ns:.0} ns = {:.1} HOLD steps", write_ns / hold_ns);
    thresholds();
    watch_fan_out();
    cost_of_nodes();
}

/// An hour at the thresholds of the Kubernetes service levels, with the loss of a zone; and what a fork of it takes.
fn thresholds() {
    let plan = load("thresholds.toml", &[]);
    let start = Instant::now();
    let mut run = Run::start(&plan, 1, 0);
    run.run_until(plan.end()).expect("time goes on");
    let seconds = start.elapsed().as_secs_f64();
    let before = Instant::now();
    let fork = black_box(run.clone());
    let forked = before.elapsed().as_secs_f64();
    drop(fork);
    let events = run.costs().events;
    println!(
        "5,000 nodes, 150,000 pods, churn 20/s, an hour: {seconds:.2} s, {events} events; a fork {:.1} ms",
        forked * 1e3
    );
    println!("memory at most so far: {:.0} MiB", memory_peak_kib().unwrap_or(0) as f64 / 1024.0);
    print_bounded_requests(&plan, &run.finish());
}

/// The requests of the hour by class, each beside the least that its mechanism must send: nothing is left out to be fast.
fn print_bounded_requests(plan: &Plan, record: &Record) {
    let measured = (plan.duration - plan.warm_up).as_secs_f64();
    // A third of the nodes is dark for twenty minutes. A request takes its time too, and some fail: 5 % for both.
    let alive = 0.95 * f64::from(plan.cluster.nodes()) * (measured - 20.0 * 60.0 / 3.0);
    let kubelet = &plan.parameters.kubelet;
    let every = |interval: SimDuration| alive / interval.as_secs_f64();
    let pods = 0.95 * measured * plan.churn / 2.0; // one is deleted, another created
    let least = [
        ("kubelet", "renew node lease", every(kubelet.lease_renew_interval)),
        ("kubelet", "report node status", every(kubelet.status_report_interval)),
        ("kubelet", "watch", every(SimDuration::from_secs(600))),
        ("kubelet", "report pod status", pods),
        ("controllers", "create pod", pods),
        ("controllers", "bind pod", pods),
        ("ci", "delete any pod", pods),
    ];
    for (class, verb, least) in least {
        let found = requests(record, |its_class, its_verb| its_class == class && its_verb == verb);
        println!("  {class:12} {verb:22} {found:>8} ok, at least {least:>8.0}");
        assert!(found as f64 >= least, "a mechanism is missing");
    }
}

/// Ten minutes without a fault in which 5,000 clients watch all pods: by the changes that each of them is sent. What they
/// add to the time is less than two runs differ by, for a change is one addition however many watch.
fn watch_fan_out() {
    const WATCHERS: u32 = 5_000;
    let tier = ["control_plane.tier=8xl".to_owned()];
    let mut alone = Plan { steps: Vec::new(), ..(*load("thresholds.toml", &tier)).clone() };
    (alone.duration, alone.warm_up, alone.churn) = (SimDuration::from_mins(10), SimDuration::from_mins(1), 2.0);
    let mut watched = alone.clone();
    watched.workloads = vec![WorkloadClient {
        name: "watcher".to_owned(),
        replicas: Some(WATCHERS),
        workers: 1,
        does: WorkloadCall::Watch,
        interval: SimDuration::from_mins(1),
        qps: 5,
        burst: 10,
        back_off: true,
        system: false,
    }];
    let (before, ..) = fastest(&Arc::new(alone), 3);
    let (seconds, record, _) = fastest(&Arc::new(watched), 3);
    let changes = requests(&record, |_, verb| {
        verb.contains("pod") && !["get", "list", "watch"].iter().any(|read| verb.starts_with(read))
    });
    let sent = changes as f64 * f64::from(WATCHERS);
    println!(
        "watch fan-out: {changes} changes of pods, each to {WATCHERS} watchers: {seconds:.2} s, {before:.2} s without them; \
         {:.0} ns for a change and watcher, all else included",
        seconds * 1e9 / sent
    );
}

/// What a node costs for a simulated second, from a thousand to a hundred thousand of them; ten pods a node, largest tier.
fn cost_of_nodes() {
    for nodes in [1_000, 10_000, 100_000] {
        let tier = ["control_plane.tier=8xl".to_owned(), "etcd.backend=journal".to_owned()];
        let mut plan = Plan { steps: Vec::new(), ..(*plan(&tier)).clone() };
        plan.duration = SimDuration::from_mins(5);
        plan.warm_up = SimDuration::from_mins(1);
        let group = &mut plan.cluster.node_groups[0];
        (group.desired, group.max) = (nodes, nodes);
        for deployment in &mut plan.deployments {
            deployment.replicas = 5 * nodes;
        }
        let plan = Arc::new(plan);
        let mut run = Run::start(&plan, 1, 0);
        let start = Instant::now();
        run.run_until(plan.end()).expect("time goes on");
        let seconds = start.elapsed().as_secs_f64();
        let cost = seconds * 1e9 / f64::from(nodes) / plan.duration.as_secs_f64();
        let memory = memory_peak_kib().unwrap_or(0) as f64 / 1024.0;
        println!(
            "{nodes:>7} nodes, 5 minutes: {seconds:.2} s, {cost:.0} ns a node and second, {memory:.0} MiB at most so far"
        );
    }
}

fn plan(sets: &[String]) -> Arc<Plan> {
    load("busy-hour.toml", sets)
}

fn load(name: &str, sets: &[String]) -> Arc<Plan> {
    let file = &format!("{}/benches/{name}", env!("CARGO_MANIFEST_DIR"));
    let request = Request { scenario: file, cluster: None::<&Path>, sets, still: false };
    Arc::new(scenarios::load(&request).unwrap_or_else(|errors| panic!("{errors}")))
}

fn fastest(plan: &Arc<Plan>, times: u32) -> (f64, Record, RunCosts) {
    let timed = |_| {
        let start = Instant::now();
        let mut run = Run::start(plan, 1, 0);
        run.run_until(plan.end()).expect("time goes on");
        let costs = run.costs();
        (start.elapsed().as_secs_f64(), run.finish(), costs)
    };
    (0..times).map(timed).min_by(|a, b| a.0.total_cmp(&b.0)).expect("at least one run")
}

/// The classic measure of a calendar: `pending` events, each schedules one more. Increments are drawn beforehand.
fn hold_step_ns(pending: usize) -> f64 {
    const STEPS: usize = 4_000_000;
    let mut draw = RunKey::new(1, 0).draw(Purpose::new("bench/hold"), 0, 0);
    let increments: Vec<SimDuration> = (0..4096).map(|_| SimDuration::from_secs_f64(draw.exponential())).collect();
    let mut calendar: Calendar<[u32; 3]> = Calendar::new();
    for index in 0..pending {
        calendar.schedule_after(increments[index % increments.len()], [index as u32, 0, 0]);
    }
    let start = Instant::now();
    for step in 0..STEPS {
        let (_, event) = calendar.pop().expect("as many come as go");
        calendar.schedule_after(increments[step % increments.len()], black_box(event));
    }
    start.elapsed().as_secs_f64() * 1e9 / STEPS as f64
}

fn print_requests(record: &Record) {
    for client in &record.clients {
        for verb in &client.verbs {
            let failed: u64 = verb.failed.iter().map(|(_, count)| count).sum();
            println!(
                "  {:12} {:22} {:>8} sent {:>8} ok {:>6} failed",
                client.class, verb.verb, verb.sent, verb.succeeded, failed
            );
        }
    }
}

fn writes(record: &Record) -> u64 {
    requests(record, |_, verb| !["get", "list", "read leadership"].contains(&verb))
}

/// The requests that succeeded, of those classes and verbs.
fn requests(record: &Record, counts: impl Fn(&str, &str) -> bool) -> u64 {
    let clients = record.clients.iter();
    let verbs = clients.flat_map(|client| client.verbs.iter().map(|verb| (client.class.as_str(), verb)));
    verbs.filter(|(class, verb)| counts(class, &verb.verb)).map(|(_, verb)| verb.succeeded).sum()
}

/// The most memory that the process has held, KiB; `None` where the system does not tell.
fn memory_peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
