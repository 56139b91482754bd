//! How many seats the requests of a level want, over one period of borrowing after another.

use sim_kernel::SimTime;

/// Weight of the past in the smoothed demand, which falls slowly and rises at once.
/// Source: kubernetes/apiserver pkg/util/flowcontrol/apf_controller.go.
const SMOOTHING: f64 = 0.977;

/// Seats in use and waited for.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    seats: u64,
    since: SimTime,
    begun: SimTime,
    sum: f64,
    squares: f64,
    most: u64,
    smoothed: f64,
    total: f64,
}

impl Demand {
    /// So many seats are wanted from now on.
    #[inline]
    pub fn is(&mut self, now: SimTime, seats: u64) {
        self.count(now);
        self.seats = seats;
        self.most = self.most.max(seats);
    }

    #[inline]
    fn count(&mut self, now: SimTime) {
        let (time, seats) = (now.saturating_since(self.since).as_secs_f64(), self.seats as f64);
        self.sum += seats * time;
        self.total += seats * time;
        self.squares += seats * seats * time;
        self.since = now;
    }

    /// Seat-seconds that were wanted up to the last change.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// A period ends: the most seats that were wanted in it, and the smoothed envelope (mean and one deviation).
    pub fn period_ends(&mut self, now: SimTime) -> (u64, f64) {
        self.count(now);
        let time = now.saturating_since(self.begun).as_secs_f64();
        if time > 0.0 {
            let mean = self.sum / time;
            let envelope = mean + (self.squares / time - mean * mean).max(0.0).sqrt();
            self.smoothed = envelope.max(SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * envelope);
        }
        let most = self.most;
        (self.begun, self.sum, self.squares, self.most) = (now, 0.0, 0.0, self.seats);
        (most, self.smoothed)
    }
}

/// What one level asks for when seats are shared out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Seats that it gets in any case.
    pub least: f64,
    /// Seats that it gets at most.
    pub most: f64,
    /// Seats that it wants; the shares are in proportion to that.
    pub target: f64,
}

/// Shares `total` seats out in proportion to the targets, within each claim's bounds. `None` if that cannot be.
pub fn share_out<const N: usize>(total: f64, claims: &[Claim; N]) -> Option<[f64; N]> {
    /// A level that wants nothing counts as wanting this.
    const LEAST_TARGET: f64 = 0.001;
    let target = |claim: &Claim| claim.target.max(LEAST_TARGET);
    let at = |fraction: f64| claims.map(|claim| (fraction * target(&claim)).max(claim.least).min(claim.most));
    let sum = |fraction: f64| at(fraction).iter().sum::<f64>();
    let mut bends: Vec<f64> =
        claims.iter().flat_map(|claim| [claim.least / target(claim), claim.most / target(claim)]).collect();
    bends.sort_by(f64::total_cmp);
    if sum(0.0) > total || sum(*bends.last()?) < total {
        return None;
    }
    // The sum is linear between two bends: the fraction lies before the first one at which it suffices.
    let after = bends.partition_point(|bend| sum(*bend) < total);
    let before = if after == 0 { 0.0 } else { bends[after - 1] };
    let (low, high) = (sum(before), sum(bends[after]));
    let share = if high > low { (total - low) / (high - low) } else { 0.0 };
    Some(at(before + (bends[after] - before) * share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn the_envelope_is_mean_and_deviation_and_falls_slowly() {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let mut demand = Demand::default();
        demand.is(at(0), 4);
        demand.is(at(5), 0);
        assert_eq!(demand.period_ends(at(10)), (4, 4.0), "mean 2, deviation 2");
        let (most, smoothed) = demand.period_ends(at(20));
        assert!(most == 0 && (smoothed - 4.0 * SMOOTHING).abs() < 1e-12, "{smoothed}");
    }

    #[test]
    fn seats_are_shared_in_proportion_within_bounds() {
        let claim = |least, most, target| Claim { least, most, target };
        let shares = share_out(100.0, &[claim(10.0, 100.0, 20.0), claim(10.0, 100.0, 60.0), claim(40.0, 100.0, 40.0)]);
        assert_eq!(shares, Some([15.0, 45.0, 40.0]), "the third keeps its least, the others get three quarters");
        assert_eq!(share_out(100.0, &[claim(60.0, 70.0, 60.0), claim(60.0, 70.0, 60.0)]), None);
        assert_eq!(share_out(100.0, &[claim(0.0, 10.0, 5.0), claim(0.0, 50.0, 5.0)]), None);
    }
}
