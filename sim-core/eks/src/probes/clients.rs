//! What each kind of client of the plan saw, by its name: the classes of [`super::RequestProbe`] mix places.

use crate::aim::Outcome;
use crate::plan::{Client, Plan};
use crate::record::CLIENT_MEASURES;
use sim_kernel::{SimDuration, SimTime, statistics::Histogram};
use sim_study::{Better, Measure, Unit};

/// Requests by kind of client, in the order of the plan; those begun after the warm-up count.
#[derive(Clone, Debug)]
pub struct ClientProbe {
    off: bool,
    counted_from: SimTime,
    kinds: Vec<ClientCount>,
}

/// What one kind of client saw.
#[derive(Clone, Debug, Default)]
pub struct ClientCount {
    /// Requests that ended with success, as the client counts its attempts.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Latency of those that succeeded.
    pub latency: Histogram,
    /// Longest time in which one of these clients had nothing but failures.
    pub outage: SimDuration,
}

impl ClientCount {
    /// Share of the requests that succeeded; `None` where none ended.
    pub fn availability(&self) -> Option<f64> {
        let ended = self.succeeded + self.failed;
        (ended > 0).then(|| self.succeeded as f64 / ended as f64)
    }

    /// A quantile of the latency of what succeeded, seconds.
    pub fn latency_s(&self, share: f64) -> Option<f64> {
        self.latency.quantile(share).map(SimDuration::as_secs_f64)
    }
}

impl ClientProbe {
    /// A probe of the plan's clients.
    pub fn new(plan: &Plan) -> Self {
        ClientProbe {
            off: plan.modes.probes_off,
            counted_from: SimTime::ZERO + plan.warm_up,
            kinds: vec![ClientCount::default(); plan.clients.len()],
        }
    }

    /// A request of a kind of client ends for it.
    pub fn ends(&mut self, now: SimTime, begun: SimTime, kind: usize, outcome: Outcome) {
        if self.off || begun < self.counted_from {
            return;
        }
        let count = &mut self.kinds[kind];
        match outcome {
            Outcome::Succeeded => {
                count.succeeded += 1;
                count.latency.record(now.saturating_since(begun));
            }
            outcome if outcome.is_error() => count.failed += 1,
            _ => {}
        }
    }

    /// A client of a kind has had nothing but failures for `lasted`.
    pub fn outage(&mut self, kind: usize, lasted: SimDuration) {
        let longest = &mut self.kinds[kind].outage;
        *longest = lasted.max(*longest);
    }

    /// What a kind of client saw.
    pub fn of(&self, kind: usize) -> &ClientCount {
        &self.kinds[kind]
    }

    /// Availability, latency and outage of each kind of client.
    pub fn measures(&self, clients: &[Client]) -> Vec<Measure> {
        let of = |(client, count): (&Client, &ClientCount)| {
            let name = &client.name;
            let [availability, latency, outage] = CLIENT_MEASURES.map(|measure| format!("client.{name}.{measure}"));
            let has_ended = count.availability().is_some();
            [
                Measure {
                    name: availability,
                    unit: Unit::Share,
                    better: Better::Up,
                    value: count.availability(),
                    definition: format!("Share of the requests of {name}, as it counts its attempts, that succeeded."),
                },
                Measure {
                    name: latency,
                    unit: Unit::Seconds,
                    better: Better::Down,
                    value: count.latency_s(0.99),
                    definition: format!("99th percentile of the latency of the successful requests of {name}."),
                },
                Measure {
                    name: outage,
                    unit: Unit::Seconds,
                    better: Better::Down,
                    value: has_ended.then(|| count.outage.as_secs_f64()),
                    definition: format!(
                        "Longest time in which {name} had no success though it tried; one that lasts counts up to the end."
                    ),
                },
            ]
        };
        clients.iter().zip(&self.kinds).flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn each_kind_of_client_has_its_own_figures_after_the_warm_up() {
        let mut probe = ClientProbe {
            off: false,
            counted_from: at(60),
            kinds: vec![ClientCount::default(), ClientCount::default()],
        };
        probe.ends(at(6), at(5), 0, Outcome::TimedOut); // within the warm-up
        probe.ends(at(62), at(61), 0, Outcome::Succeeded);
        probe.ends(at(75), at(63), 0, Outcome::ServerError);
        probe.outage(0, SimDuration::from_secs(12));
        probe.outage(0, SimDuration::from_secs(3));
        assert_eq!((probe.of(0).availability(), probe.of(1).availability()), (Some(0.5), None));
        assert_eq!(probe.of(0).outage, SimDuration::from_secs(12));
        assert!(probe.of(0).latency_s(0.99).is_some_and(|latency| (0.95..=1.05).contains(&latency)));
    }
}
