//! How fast capacity comes: from the pod that finds no room to the order of nodes, and to a pod that is Ready.

use super::probe::{describe, measure};
use crate::plan::Plan;
use sim_kernel::statistics::Histogram;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

/// How fast capacity comes.
#[derive(Clone, Debug)]
pub struct ScalingProbe {
    counted_from: SimTime,
    /// From the moment when the scheduler finds no room for a pod to the call for nodes that take it.
    ordered: Histogram,
    /// From the creation of a pod that found no room at first to its readiness.
    ready: Histogram,
    launched: u64,
    removed: u64,
    /// Pods that found no room and are neither Ready nor gone.
    pub waiting: u64,
}

impl ScalingProbe {
    /// A probe that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        let counted_from = SimTime::ZERO + plan.warm_up;
        let (ordered, ready) = (Histogram::default(), Histogram::default());
        ScalingProbe { counted_from, ordered, ready, launched: 0, removed: 0, waiting: 0 }
    }

    /// An instance was launched.
    pub fn instance_is_launched(&mut self) {
        self.launched += 1;
    }

    /// The Cluster Autoscaler has removed a node.
    pub fn node_is_removed(&mut self) {
        self.removed += 1;
    }

    /// Nodes are ordered for a pod that has waited since.
    pub fn nodes_are_ordered(&mut self, now: SimTime, since: SimTime) {
        if since >= self.counted_from {
            self.ordered.record(now.saturating_since(since));
        }
    }

    /// A pod that was created at some time and found no room at first is Ready.
    pub fn pod_is_ready(&mut self, now: SimTime, created: SimTime) {
        if created >= self.counted_from {
            self.ready.record(now.saturating_since(created));
        }
    }

    /// The results.
    pub fn measures(&self) -> Vec<Measure> {
        let seconds = |name: &str, value: Option<SimDuration>, definition: &str| {
            measure(name, Unit::Seconds, Better::Down, value.map(SimDuration::as_secs_f64), definition)
        };
        vec![
            describe(
                "nodes.launched",
                self.launched,
                "Instances that Auto Scaling groups launched, replacements included.",
            ),
            describe("nodes.removed", self.removed, "Nodes that the Cluster Autoscaler removed."),
            seconds(
                "autoscaler.latency.mean",
                self.ordered.mean(),
                "Mean time from the moment when the scheduler found no room for a pod to the Cluster Autoscaler's call for nodes that take it.",
            ),
            seconds("autoscaler.latency.max", self.ordered.max(), "Longest such time."),
            seconds(
                "pods.ready.p99_without_room",
                self.ready.quantile(0.99),
                "99th percentile of the time from a pod's creation to its readiness, of pods for which there was no room at first, with a Cluster Autoscaler.",
            ),
        ]
    }
}
