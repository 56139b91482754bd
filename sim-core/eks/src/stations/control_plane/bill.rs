//! What the control plane costs: a price per hour that changes with its tier.

use sim_kernel::SimTime;

/// The bill of a run.
#[derive(Clone, Copy, Debug)]
pub struct Bill {
    usd: f64,
    usd_per_hour: f64,
    since: SimTime,
}

impl Bill {
    /// A bill that begins with the run.
    pub fn new(usd_per_hour: f64) -> Self {
        Bill { usd: 0.0, usd_per_hour, since: SimTime::ZERO }
    }

    /// The price is another one from now on.
    pub fn price(&mut self, now: SimTime, usd_per_hour: f64) {
        *self = Bill { usd: self.total(now), usd_per_hour, since: now };
    }

    /// US dollars up to now.
    pub fn total(&self, now: SimTime) -> f64 {
        self.usd + self.usd_per_hour * now.saturating_since(self.since).as_secs_f64() / 3600.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn a_change_of_price_counts_from_its_moment() {
        let at = |minutes| SimTime::ZERO + SimDuration::from_mins(minutes);
        let mut bill = Bill::new(0.1);
        bill.price(at(30), 1.65);
        assert!((bill.total(at(90)) - (0.05 + 1.65)).abs() < 1e-12);
    }
}
