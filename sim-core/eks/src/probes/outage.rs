//! Outages of single clients: times in which one had nothing but failures.

use sim_kernel::{SimDuration, SimTime};

/// One client's latest success, and its outage if it has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outage {
    last_success: SimTime,
    since: Option<SimTime>,
}

impl Outage {
    /// A request succeeded: how long the outage was that this ends.
    pub fn succeeded(&mut self, now: SimTime) -> Option<SimDuration> {
        self.last_success = now;
        self.since.take().map(|since| now.saturating_since(since))
    }

    /// A request that began at `begun` failed: an outage since then, or since the latest success if that is later.
    pub fn failed(&mut self, begun: SimTime) {
        let since = begun.max(self.last_success);
        self.since = Some(self.since.map_or(since, |earlier| earlier.min(since)));
    }

    /// The client is gone: it misses nothing any more.
    pub fn ends(&mut self) {
        self.since = None;
    }

    /// How long the outage has lasted by `now`, if there is one.
    pub fn lasts(&self, now: SimTime) -> Option<SimDuration> {
        self.since.map(|since| now.saturating_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn an_outage_is_a_time_without_any_success() {
        let mut outage = Outage::default();
        outage.succeeded(at(10));
        outage.failed(at(5)); // began before that success, and failed later
        assert_eq!(outage.lasts(at(12)), Some(SimDuration::from_secs(2)));
        outage.failed(at(11));
        assert_eq!(outage.succeeded(at(15)), Some(SimDuration::from_secs(5)));
        assert_eq!((outage.succeeded(at(16)), outage.lasts(at(20))), (None, None));
    }
}
