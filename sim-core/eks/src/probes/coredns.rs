//! CoreDNS over time: how busy it is, and what its lost answers cost those who ask.

use crate::stations::services::coredns::Served;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

/// How clients repeat a query that was not answered.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// How long a client waits for an answer.
    pub timeout: SimDuration,
    /// How often it asks in all.
    pub attempts: u32,
}

/// What is seen of CoreDNS.
#[derive(Clone, Debug)]
pub struct CoreDnsProbe {
    counted_from: SimTime,
    looked: SimTime,
    repeats: Repeats,
    /// Whether queries were lost at the last look.
    loses: bool,
    busiest: f64,
    failed: f64,
    dropped: f64,
    slowest: f64,
}

impl CoreDnsProbe {
    /// A probe that has seen nothing.
    pub fn new(counted_from: SimTime, repeats: Repeats) -> Self {
        let (looked, loses) = (SimTime::ZERO, false);
        CoreDnsProbe { counted_from, looked, repeats, loses, busiest: 0.0, failed: 0.0, dropped: 0.0, slowest: 0.0 }
    }

    /// So it has been since the last look, with so many names asked for in a second. Whether queries are lost now, if that
    /// has changed.
    pub fn look(&mut self, now: SimTime, names: f64, served: Served) -> Option<bool> {
        let counted = now.saturating_since(self.looked.max(self.counted_from)).as_secs_f64();
        self.looked = now;
        if counted > 0.0 {
            let all_lost: f64 = (0..self.repeats.attempts).map(|_| served.lost).product();
            self.busiest = self.busiest.max(served.utilization);
            self.failed += names * all_lost * counted;
            self.dropped += served.dropped * counted;
            self.slowest = self.slowest.max(self.delay(served.lost));
        }
        let loses = served.lost > 0.0;
        (std::mem::replace(&mut self.loses, loses) != loses).then_some(loses)
    }

    /// What lost answers add to a query on average: each attempt that is lost costs its time-out.
    fn delay(&self, lost: f64) -> f64 {
        let timeout = self.repeats.timeout.as_secs_f64();
        let reached = std::iter::successors(Some(lost), |share| Some(share * lost));
        reached.take(self.repeats.attempts as usize).map(|share| share * timeout).sum()
    }

    /// What it tells.
    pub fn measures(&self) -> Vec<Measure> {
        let measure = |name: &str, unit, value, definition: &str| Measure {
            name: name.to_owned(),
            unit,
            better: Better::Down,
            value: Some(value),
            definition: definition.to_owned(),
        };
        vec![
            measure(
                "dns.utilization.peak",
                Unit::Share,
                self.busiest,
                "Most that was wanted of a replica of CoreDNS in a window, as a share of the queries that it can answer.",
            ),
            measure(
                "dns.names.failed",
                Unit::Count,
                self.failed.round(),
                "Names that pods asked CoreDNS for in vain, all attempts together, at the assumed rate of names.",
            ),
            measure(
                "dns.delay.worst",
                Unit::Seconds,
                self.slowest,
                "Most that unanswered queries of pods to CoreDNS added to a look-up in a window, on average.",
            ),
            measure(
                "dns.resolver.dropped",
                Unit::Count,
                self.dropped.round(),
                "Packets of CoreDNS that the resolver of the VPC dropped, beyond what it takes from a network interface.",
            ),
        ]
    }
}
