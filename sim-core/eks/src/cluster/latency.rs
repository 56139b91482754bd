//! How long pods take from their creation to a node and to running containers, and how many the scheduler places.
//!
//! Start latency is that of the Kubernetes service level: from the creation to the moment when a watcher has seen that
//! all containers have started, without the pull of images; pods for which there was no room do not count.

use super::probe::{describe, measure};
use crate::plan::Plan;
use sim_kernel::statistics::Histogram;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

/// How long pods take.
#[derive(Clone, Debug)]
pub struct PodLatency {
    off: bool,
    counted_from: SimTime,
    start: Histogram,
    scheduling: Histogram,
    /// The present window of five minutes, the starts in it, and the largest 99th percentile of a window before.
    window: SimDuration,
    window_ends: SimTime,
    in_window: Histogram,
    worst: Option<SimDuration>,
    /// The present second, the bindings in it, and the most in a second before.
    second: SimTime,
    in_second: u64,
    most_in_second: u64,
    bound: u64,
    busy_seconds: u64,
    finished: u64,
}

impl PodLatency {
    /// A probe that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        PodLatency::of(plan.modes.probes_off, SimTime::ZERO + plan.warm_up, Plan::SLO_WINDOW)
    }

    fn of(off: bool, counted_from: SimTime, window: SimDuration) -> Self {
        PodLatency {
            off,
            counted_from,
            start: Histogram::default(),
            scheduling: Histogram::default(),
            window,
            window_ends: counted_from + window,
            in_window: Histogram::default(),
            worst: None,
            second: SimTime::ZERO,
            in_second: 0,
            most_in_second: 0,
            bound: 0,
            busy_seconds: 0,
            finished: 0,
        }
    }

    /// A pod that was created at `created` is bound; there was room for it at once if `at_once`.
    pub fn pod_is_bound(&mut self, now: SimTime, created: SimTime, at_once: bool) {
        if self.off || now < self.counted_from {
            return;
        }
        if at_once {
            self.scheduling.record(now.saturating_since(created));
        }
        if now >= self.second + SECOND {
            self.close_second();
            let seconds = now.saturating_since(SimTime::ZERO).as_nanos() / SECOND.as_nanos();
            self.second = SimTime::ZERO + SECOND * seconds;
        }
        self.in_second += 1;
    }

    /// A watcher sees at `seen` that the containers of a pod have started.
    pub fn pod_starts(&mut self, seen: SimTime, took: SimDuration) {
        if self.off || seen < self.counted_from {
            return;
        }
        if seen >= self.window_ends {
            self.close_window();
            let windows = seen.saturating_since(self.counted_from).as_nanos() / self.window.as_nanos().max(1);
            self.window_ends = self.counted_from + self.window * (windows + 1);
        }
        self.start.record(took);
        self.in_window.record(took);
    }

    /// A pod of a trace has done its work.
    pub fn pod_finishes(&mut self, now: SimTime) {
        self.finished += u64::from(!self.off && now >= self.counted_from);
    }

    fn close_window(&mut self) {
        let closed = std::mem::take(&mut self.in_window);
        self.worst = self.worst.max(closed.quantile(0.99));
    }

    fn close_second(&mut self) {
        self.most_in_second = self.most_in_second.max(self.in_second);
        self.bound += self.in_second;
        self.busy_seconds += u64::from(self.in_second > 0);
        self.in_second = 0;
    }

    /// The results.
    pub fn measures(&mut self) -> Vec<Measure> {
        self.close_window();
        self.close_second();
        let seconds = |name: &str, value: Option<SimDuration>, definition: &str| {
            measure(name, Unit::Seconds, Better::Down, value.map(SimDuration::as_secs_f64), definition)
        };
        vec![
            seconds(
                "pods.start.p50",
                self.start.quantile(0.5),
                "Median time from a pod's creation to a watcher that sees all its containers started, without image pulls; pods for which there was no room at first do not count.",
            ),
            seconds("pods.start.p99", self.start.quantile(0.99), "99th percentile of the same time."),
            seconds(
                "pods.start.p99.worst",
                self.worst,
                "Largest 99th percentile of the same time over windows of five minutes: the Kubernetes service level is 5 s.",
            ),
            seconds(
                "scheduler.latency.p50",
                self.scheduling.quantile(0.5),
                "Median time from a pod's creation to its binding, where there was room at first sight.",
            ),
            seconds("scheduler.latency.p99", self.scheduling.quantile(0.99), "99th percentile of the same time."),
            measure(
                "scheduler.throughput",
                Unit::Count,
                Better::Neither,
                (self.busy_seconds > 0).then(|| self.bound as f64 / self.busy_seconds as f64),
                "Mean number of pods that were bound in a second, over the seconds in which one was.",
            ),
            describe("scheduler.throughput.most", self.most_in_second, "Most pods that were bound in one second."),
            describe("pods.finished", self.finished, "Pods of a trace that have done their work."),
        ]
    }
}

const SECOND: SimDuration = SimDuration::from_nanos(1_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_window_counts_and_so_does_the_fullest_second() {
        let mut latency = PodLatency::of(false, SimTime::ZERO, SimDuration::from_secs(300));
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        for second in 0..1_000 {
            let took = if (300..600).contains(&second) { 7 } else { 2 };
            latency.pod_starts(at(second), SimDuration::from_secs(took));
            latency.pod_is_bound(at(second), at(second), true);
        }
        latency.pod_is_bound(at(999), at(990), false);
        let measures = latency.measures();
        let value = |name: &str| measures.iter().find(|measure| measure.name == name).and_then(|found| found.value);
        let near = |found: Option<f64>, wanted: f64| found.is_some_and(|found| (found / wanted - 1.0).abs() < 0.02);
        assert!(near(value("pods.start.p50"), 2.0) && near(value("pods.start.p99.worst"), 7.0), "{measures:?}");
        assert_eq!(value("scheduler.throughput.most"), Some(2.0));
        assert_eq!(value("scheduler.latency.p99"), Some(0.0));
    }
}
