//! Metastable failure: a load that the control plane bears well, and that keeps it down once something has tipped it over.
//!
//! An agent on each of 250 nodes lists all pods every ten minutes, four seconds of CPU each: 1.7 of the eight cores. All of
//! them at once are 1,000 s of CPU, 125 s of all cores; but whoever waits for 60 s is given up, and tries again. What was
//! begun for it runs on, for nobody.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, WorkloadCall, WorkloadClient};
use sim_kernel::SimDuration;
use story::{Story, measure, story, verb};

const MINUTES: usize = 45;

/// Agents that retry at once, on servers that let everybody in; the size of the control plane stays as it is.
fn agents() -> Story {
    let mut story = story(250).placed("a,b", "a", "a").minutes(MINUTES as u64);
    story.plan.deployments[0].replicas = 500;
    story.plan.workloads.push(WorkloadClient {
        name: "agent".to_owned(),
        replicas: None,
        workers: 1,
        does: WorkloadCall::List,
        interval: SimDuration::from_mins(10),
        qps: 5,
        burst: 10,
        back_off: false,
        system: false,
    });
    story.set("api_server.list_cpu", "4s").set("scaling.enabled", "false").set("flow_control.seats", "100000")
}

/// All agents start anew at minute 10, within ten seconds; nothing else ever happens.
fn tipped(story: Story) -> Story {
    story.at(10, Change::RestartWorkload { workload: 0 })
}

fn with_back_off(mut story: Story, longest: &str) -> Story {
    story.plan.workloads[0].back_off = true;
    story.set("informer.backoff_max", longest)
}

/// The share of lists that succeeded in the last quarter of an hour, 20 to 35 minutes after the trigger.
fn in_the_end(record: &Record, class: &str) -> f64 {
    let name = format!("api.availability.{class}");
    let series = record.series.iter().find(|series| series.name == name).expect("a series");
    let windows: Vec<f64> = series.values.iter().flatten().copied().collect();
    let from = (900.0 / series.window_s) as usize;
    let last = &series.values[series.values.len() - from..];
    let seen: Vec<f64> = last.iter().flatten().copied().collect();
    assert!(!windows.is_empty());
    if seen.is_empty() { 0.0 } else { seen.iter().sum::<f64>() / seen.len() as f64 }
}

#[test]
fn a_load_that_is_borne_well_keeps_the_control_plane_down_after_ten_bad_seconds() {
    let calm = agents().record();
    let lists = verb(&calm, "workload", "list pods");
    assert_eq!((lists.succeeded + lists.inside, measure(&calm, "api.availability")), (lists.sent, 1.0));
    assert!(lists.latency_s.expect("they succeed")[3] < 6.0, "nothing waits: {lists:?}");
    let down = tipped(agents()).record();
    assert_eq!(in_the_end(&down, "workload"), 0.0, "not one list, half an hour after the trigger");
    assert!(in_the_end(&down, "kubelet") < 0.99, "and the kubelets suffer: {}", in_the_end(&down, "kubelet"));
    assert!(measure(&down, "api.outage.workload") > 34.0 * 60.0, "it never came back");
}

/// Priority levels admit as many wide LISTs as the cores can finish, and send the others away: all is well again soon.
#[test]
fn seats_bring_the_control_plane_back() {
    let back = tipped(agents().set("flow_control.seats", "600")).record();
    let told_to_wait = 1.0 - in_the_end(&back, "workload");
    assert!(told_to_wait < 0.25, "the agents still come together, and some get a 429: {told_to_wait}");
    let (lists, calm) = (verb(&back, "workload", "list pods"), agents().record());
    let usual = verb(&calm, "workload", "list pods").succeeded as f64;
    assert!(lists.succeeded as f64 > 0.9 * usual, "{lists:?} and {usual}");
    assert!(measure(&back, "api.outage.workload") < 10.0 * 60.0, "{}", measure(&back, "api.outage.workload"));
    assert_eq!(measure(&back, "api.availability.kubelet"), 1.0, "nobody else notices");
}

/// A pause after a failure brings it back only where it lowers the load below what the cores can do: 250 agents that wait
/// 60 s for an answer and then 30 to 60 s ask for 9 s of CPU each second, more than there is; with pauses of one minute, two
/// and more they soon ask for less than four.
#[test]
fn back_off_brings_it_back_where_it_is_long_enough() {
    let short = tipped(with_back_off(agents(), "30s")).record();
    assert!(in_the_end(&short, "workload") < 0.5, "{}", in_the_end(&short, "workload"));
    let long = tipped(with_back_off(agents(), "10m").set("informer.backoff_base", "1m")).record();
    assert!(in_the_end(&long, "workload") > 0.95, "{}", in_the_end(&long, "workload"));
    assert_eq!(in_the_end(&long, "kubelet"), 1.0);
}

/// Where an answer is waited for long enough, the same storm is over when it is served: the work for nobody is the cause.
#[test]
fn without_work_for_nobody_there_is_no_second_state() {
    let patient = agents().set("api_server.request_timeout", "10m").set("api_server.memory_gib", "4096");
    let back = tipped(patient).record();
    assert_eq!(in_the_end(&back, "workload"), 1.0);
}
