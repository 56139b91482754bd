//! The latency of API calls as the Kubernetes service levels define it: at the API server, from the arrival of a
//! request to its answer, for every pair of verb and resource the 99th percentile over five minutes, and of these the
//! 99th percentile over the run.
//!
//! Source: kubernetes/community, sig-scalability/slos/api_call_latency.md.

use crate::aim::{Aim, Verb, Work};
use crate::plan::Plan;
use sim_kernel::{SimDuration, SimTime, statistics::Histogram};
use sim_study::{Better, Measure, Unit};

/// The kinds of calls that have a level each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Calls that change one object: at most 1 s.
    Mutating,
    /// Reads of one object: at most 1 s.
    Resource,
    /// Reads of a namespace or the cluster: at most 30 s.
    Cluster,
}

/// The latency of calls by verb.
#[derive(Clone, Debug)]
pub struct SloProbe {
    off: bool,
    counted_from: SimTime,
    open: u64,
    verbs: Vec<Calls>,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    scope: Option<Scope>,
    latency: Histogram,
    /// The 99th percentile of each window that is closed and had calls.
    p99: Vec<SimDuration>,
}

impl SloProbe {
    /// A probe that counts calls that arrive from `counted_from` on; or one that is off.
    pub fn new(counted_from: SimTime, off: bool) -> Self {
        SloProbe { off, counted_from, open: 0, verbs: vec![Calls::default(); Aim::VERBS] }
    }

    /// An API server answers a call that arrived at `arrived`. Watches and streams do not count.
    pub fn answered(&mut self, now: SimTime, arrived: SimTime, aim: Aim) {
        if self.off || arrived < self.counted_from || aim.verb_kind() == Verb::Watch || aim.work() == Work::Stream {
            return;
        }
        self.close_until(now.saturating_since(self.counted_from).as_nanos() / Plan::SLO_WINDOW.as_nanos());
        let calls = &mut self.verbs[aim.verb().0];
        calls.scope = Some(match aim.work() {
            Work::Write => Scope::Mutating,
            Work::QuorumRead | Work::Stream => Scope::Resource,
            Work::List | Work::Cached => Scope::Cluster,
        });
        calls.latency.record(now.saturating_since(arrived));
    }

    /// Closes every window before `window`.
    fn close_until(&mut self, window: u64) {
        if self.open >= window {
            return;
        }
        self.open = window;
        for calls in &mut self.verbs {
            if let Some(p99) = calls.latency.quantile(0.99) {
                calls.p99.push(p99);
                calls.latency = Histogram::default();
            }
        }
    }

    /// The measures, each the worst pair of verb and resource of its kind.
    pub fn measures(&mut self) -> Vec<Measure> {
        self.close_until(u64::MAX);
        let measure = |name: &str, scope, what: &str| Measure {
            name: format!("slo.{name}"),
            unit: Unit::Seconds,
            better: Better::Down,
            value: self.worst(scope).map(SimDuration::as_secs_f64),
            definition: format!(
                "{what}, at the API server: the 99th percentile over five minutes, the 99th percentile of that over the run, the worst pair of verb and resource (Kubernetes service level)."
            ),
        };
        vec![
            measure("mutating", Scope::Mutating, "Latency of calls that change one object (level: at most 1 s)"),
            measure("read.resource", Scope::Resource, "Latency of reads of one object (level: at most 1 s)"),
            measure(
                "read.cluster",
                Scope::Cluster,
                "Latency of reads of a namespace or the cluster (level: at most 30 s)",
            ),
        ]
    }

    fn worst(&self, scope: Scope) -> Option<SimDuration> {
        let pairs = self.verbs.iter().filter(|calls| calls.scope == Some(scope));
        pairs.filter_map(|calls| percentile_99(&calls.p99)).max()
    }
}

/// The least value that at least 99 % of the values do not exceed.
fn percentile_99(values: &[SimDuration]) -> Option<SimDuration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * 99).div_ceil(100);
    rank.checked_sub(1).map(|at| sorted[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn at(seconds: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs_f64(seconds)
    }

    #[test]
    fn the_worst_window_of_a_short_run_decides_and_the_warm_up_does_not_count() {
        let mut probe = SloProbe::new(at(60.0), false);
        probe.answered(at(50.0), at(10.0), Aim::RenewLease(NodeId(0)));
        for call in 0..1000 {
            let begun = 100.0 + f64::from(call) / 10.0;
            probe.answered(at(begun + 0.01), at(begun), Aim::RenewLease(NodeId(0)));
        }
        for call in 0..100 {
            let begun = 400.0 + f64::from(call) / 10.0;
            let took = if call < 2 { 3.0 } else { 0.02 };
            probe.answered(at(begun + took), at(begun), Aim::RenewLease(NodeId(0)));
        }
        let measures = probe.measures();
        let mutating = measures[0].value.expect("there were calls");
        assert!((mutating - 3.0).abs() < 0.05, "2 of 100 calls in the second window took 3 s: {mutating}");
        assert_eq!(measures[1].value, None);
    }
}
