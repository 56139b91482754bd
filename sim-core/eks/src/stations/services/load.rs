//! The demand on a workload, as CPU that all its pods use together, and what is known of it: metrics are scraped from time
//! to time.

use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The demand on a workload.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Why it is what it is.
    pub story: Cause,
    /// From when on it was what, in thousandths of a core.
    steps: Vec<(SimTime, u64)>,
}

impl Load {
    /// It is so many thousandths of a core from now on.
    pub fn changes(&mut self, now: SimTime, milli_cpu: u64) {
        self.steps.push((now, milli_cpu));
    }

    /// What the last scrape saw; scrapes come each `period`, `phase` after its beginning. `None` where there was none.
    pub fn known(&self, now: SimTime, period: SimDuration, phase: SimDuration) -> Option<u64> {
        let scrapes = (now.as_nanos() + period.as_nanos() - phase.as_nanos()) / period.as_nanos();
        let last = (scrapes * period.as_nanos() + phase.as_nanos()).saturating_sub(period.as_nanos());
        let seen = self.steps.iter().rev().find(|(at, _)| at.as_nanos() <= last);
        seen.map(|(_, milli_cpu)| *milli_cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_known_from_the_next_scrape_on() {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let known =
            |load: &Load, seconds| load.known(at(seconds), SimDuration::from_secs(60), SimDuration::from_secs(20));
        let mut load = Load::default();
        assert_eq!(known(&load, 100), None);
        load.changes(at(0), 100);
        load.changes(at(90), 500);
        assert_eq!((known(&load, 19), known(&load, 95), known(&load, 139)), (Some(100), Some(100), Some(100)));
        assert_eq!((known(&load, 140), known(&load, 500)), (Some(500), Some(500)));
    }
}
