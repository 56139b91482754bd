//! What kubelets saw by where they are: in a zone that a fault of the plan names, or elsewhere.

use crate::plan::{Plan, ZoneId};
use sim_kernel::{SimDuration, SimTime, statistics::Histogram};
use sim_study::{Better, Measure, Unit};

/// Latency of the kubelets' successful requests, inside the zones that faults name and outside of them.
#[derive(Clone, Debug)]
pub struct StruckZone {
    off: bool,
    counted_from: SimTime,
    struck: Vec<bool>,
    latency: [Histogram; 2],
}

impl StruckZone {
    /// A probe for the faults of a plan.
    pub fn new(plan: &Plan) -> Self {
        let mut struck = vec![false; plan.cluster.zones.len()];
        for zone in plan.steps.iter().filter_map(|step| step.change.zone()) {
            struck[zone.index()] = true;
        }
        StruckZone {
            off: plan.modes.probes_off || !struck.contains(&true),
            counted_from: SimTime::ZERO + plan.warm_up,
            struck,
            latency: Default::default(),
        }
    }

    /// A request of a kubelet in a zone succeeds.
    pub fn succeeds(&mut self, now: SimTime, begun: SimTime, zone: ZoneId) {
        if !self.off && begun >= self.counted_from {
            let inside = usize::from(self.struck.get(zone.index()) == Some(&true));
            self.latency[inside].record(now.saturating_since(begun));
        }
    }

    /// The latency elsewhere, and in the struck zones.
    pub fn measures(&self) -> [Measure; 2] {
        let measure = |inside: usize, name: &str, place: &str| Measure {
            name: format!("api.latency.p99.kubelet.{name}"),
            unit: Unit::Seconds,
            better: Better::Down,
            value: self.latency[inside].quantile(0.99).map(SimDuration::as_secs_f64),
            definition: format!(
                "99th percentile of the latency of successful requests of kubelets in zones that {place} names; none where no fault names a zone."
            ),
        };
        [measure(1, "struck_zone", "a fault"), measure(0, "other_zones", "no fault")]
    }
}
