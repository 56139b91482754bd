//! A HorizontalPodAutoscaler: how many pods a load wants, and how fast the number may follow.
//!
//! The rule and its defaults follow the Kubernetes documentation on horizontal pod autoscaling: the ratio of use to target,
//! rounded up, unless within the tolerance; pods that are not Ready count as idle when it grows; up by at most four pods
//! or the double each fifteen seconds; down to the largest recommendation of the last five minutes. Left out: metrics
//! other than CPU, and policies other than the defaults.

use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// What a sync of the autoscaler sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Pods that are wanted now.
    pub replicas: u32,
    /// Pods that are Ready.
    pub ready: u32,
    /// CPU that all pods use together, in thousandths of a core, as last measured.
    pub used_milli_cpu: u64,
    /// CPU that one pod requests, in thousandths of a core.
    pub requested_milli_cpu: u64,
}

/// The bounds of the rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Fewest pods.
    pub min: u32,
    /// Most pods.
    pub max: u32,
    /// Wanted use, as a share of what is requested.
    pub target: f64,
    /// Deviation from the target that changes nothing, as a share of it.
    pub tolerance: f64,
    /// How long a recommendation keeps the number from falling below it.
    pub stabilization: SimDuration,
    /// The time of the policies that bound how fast the number grows.
    pub period: SimDuration,
}

/// A HorizontalPodAutoscaler; a new leader of the controllers begins without memory.
#[derive(Clone, Debug, Default)]
pub struct Autoscaler {
    /// Recommendations of the stabilization window, oldest first.
    recommended: VecDeque<(SimTime, u32)>,
    /// When the number grew, and from how many.
    grown: VecDeque<(SimTime, u32)>,
}

impl Autoscaler {
    /// A new leader has no memory.
    pub fn begins(&mut self) {
        *self = Autoscaler::default();
    }

    /// A sync: the number of pods from now on.
    pub fn look(&mut self, now: SimTime, sample: Sample, rule: Rule) -> u32 {
        let wanted = recommendation(sample, rule).clamp(rule.min, rule.max);
        while self.recommended.front().is_some_and(|(at, _)| *at + rule.stabilization <= now) {
            self.recommended.pop_front();
        }
        if self.recommended.is_empty() && wanted < sample.replicas {
            // Without memory, the number of now is the first recommendation.
            self.recommended.push_back((now, sample.replicas));
        }
        self.recommended.push_back((now, wanted));
        if wanted > sample.replicas {
            return self.grow(now, sample.replicas, wanted, rule.period);
        }
        let highest = self.recommended.iter().map(|(_, count)| *count).max().unwrap_or(wanted);
        highest.clamp(wanted, sample.replicas.max(wanted))
    }

    /// Four pods more, or twice as many, within a period, whichever is more.
    fn grow(&mut self, now: SimTime, replicas: u32, wanted: u32, period: SimDuration) -> u32 {
        while self.grown.front().is_some_and(|(at, _)| *at + period <= now) {
            self.grown.pop_front();
        }
        let at_first = self.grown.front().map_or(replicas, |(_, count)| *count);
        let count = wanted.min((at_first * 2).max(at_first + 4)).max(replicas);
        if count > replicas {
            self.grown.push_back((now, replicas));
        }
        count
    }
}

/// The number of pods that brings the use to its target.
fn recommendation(sample: Sample, rule: Rule) -> u32 {
    let Sample { replicas, ready, used_milli_cpu, requested_milli_cpu } = sample;
    let use_of = |pods: u32| used_milli_cpu as f64 / (f64::from(pods) * requested_milli_cpu as f64) / rule.target;
    if replicas == 0 || ready == 0 || requested_milli_cpu == 0 {
        return replicas;
    }
    let is_near = |ratio: f64| (ratio - 1.0).abs() <= rule.tolerance;
    let ratio = use_of(ready);
    if ready >= replicas || ratio <= 1.0 {
        return if is_near(ratio) { replicas } else { (ratio * f64::from(ready)).ceil() as u32 };
    }
    // Pods that are not Ready count as idle, so that growth is not overdone while new ones start.
    let damped = use_of(replicas);
    if damped <= 1.0 || is_near(damped) { replicas } else { (damped * f64::from(replicas)).ceil() as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        min: 2,
        max: 100,
        target: 0.5,
        tolerance: 0.1,
        stabilization: SimDuration::from_secs(300),
        period: SimDuration::from_secs(15),
    };

    fn sample(replicas: u32, ready: u32, used_milli_cpu: u64) -> Sample {
        Sample { replicas, ready, used_milli_cpu, requested_milli_cpu: 100 }
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// The documentation's rule: ceil(current x current metric / wanted metric), with a tolerance of a tenth.
    #[test]
    fn the_number_follows_the_ratio() {
        assert_eq!(recommendation(sample(10, 10, 1000), RULE), 20, "used in full, wanted by half");
        assert_eq!(recommendation(sample(10, 10, 549), RULE), 10, "within the tolerance");
        assert_eq!(recommendation(sample(10, 10, 560), RULE), 12);
        assert_eq!(recommendation(sample(10, 10, 240), RULE), 5);
        assert_eq!(recommendation(sample(20, 10, 1000), RULE), 20, "ten more are on their way");
    }

    #[test]
    fn it_grows_by_four_or_the_double_each_fifteen_seconds() {
        let mut scaler = Autoscaler::default();
        assert_eq!(scaler.look(at(100), sample(2, 2, 5000), RULE), 6);
        assert_eq!(scaler.look(at(115), sample(6, 6, 5000), RULE), 12);
        assert_eq!(scaler.look(at(130), sample(12, 12, 5000), RULE), 24);
        assert_eq!(scaler.look(at(135), sample(24, 24, 5000), RULE), 24, "within the same fifteen seconds");
        assert_eq!(scaler.look(at(300), sample(80, 80, 50_000), RULE), 100, "never more than the most");
    }

    #[test]
    fn it_shrinks_to_the_largest_recommendation_of_five_minutes() {
        let mut scaler = Autoscaler::default();
        for turn in 0..20 {
            assert_eq!(scaler.look(at(100 + turn * 15), sample(10, 10, 200), RULE), 10, "turn {turn}");
        }
        assert_eq!(scaler.look(at(400), sample(10, 10, 200), RULE), 4);
        scaler.begins();
        assert_eq!(scaler.look(at(415), sample(10, 10, 200), RULE), 10, "a new leader waits for five minutes again");
        assert_eq!(scaler.look(at(430), sample(10, 10, 100), RULE), 10);
    }
}
