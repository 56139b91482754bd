//! The pause of a client that failed: it doubles from failure to failure up to a longest one, is stretched at random, and
//! begins anew after a time without failures. As client-go's reflector does it.

use crate::parameters::InformerParameters;
use sim_kernel::{SimDuration, SimTime};

/// How long a client pauses after its next failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    next: SimDuration,
    last_failure: SimTime,
    failures: u32,
}

impl Backoff {
    /// The client has failed: its pause, where `share` (0 to 1) is how much of the jitter it draws.
    pub fn failed(&mut self, now: SimTime, share: f64, law: &InformerParameters) -> SimDuration {
        if now.saturating_since(self.last_failure) > law.backoff_reset {
            self.next = SimDuration::ZERO;
        }
        let pause = self.next.max(law.backoff_base);
        self.next = (pause * 2).min(law.backoff_max);
        self.last_failure = now;
        self.failures += 1;
        pause.scaled(1.0 + law.backoff_jitter * share)
    }

    /// Failures so far: the ordinal of the draws of pauses.
    pub fn failures(&self) -> u64 {
        u64::from(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    /// facts/control-plane.md, section 7: 0.8 -> 30 s, factor 2, jitter 1.0, reset after 120 s.
    #[test]
    fn pauses_double_up_to_thirty_seconds_and_begin_anew_after_two_minutes() {
        let law = Parameters::default().informer;
        let mut backoff = Backoff::default();
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        let pauses: Vec<u64> = (0..8).map(|n| backoff.failed(at(n), 0.0, &law).as_nanos() / 1_000_000).collect();
        assert_eq!(pauses, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(backoff.failed(at(127), 1.0, &law), SimDuration::from_secs(60), "twice the pause at most");
        assert_eq!(backoff.failed(at(248), 0.5, &law), SimDuration::from_millis(1200), "121 s without a failure");
        assert_eq!(backoff.failures(), 10);
    }
}
