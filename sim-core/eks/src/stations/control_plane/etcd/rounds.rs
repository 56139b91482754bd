//! Work that is done in rounds: one at a time, each for all that arrived during the one before. An fsync of a log is such
//! a round, and so is the question of a member whether its leader still leads.

use sim_kernel::{SimDuration, SimTime};

/// Rounds one after another; what arrives during one shares the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rounds {
    running_until: SimTime,
    next_until: SimTime,
    /// The latest arrival: the order of arrival is kept, though cores may be done with a later request first.
    latest: SimTime,
}

impl Rounds {
    /// Something arrives at `now`: when its round ends. `length` is asked for the length of a round that must begin.
    pub fn join(&mut self, now: SimTime, length: impl FnOnce() -> SimDuration) -> SimTime {
        let now = now.max(self.latest);
        self.latest = now;
        if now >= self.next_until {
            self.running_until = now + length();
            self.next_until = self.running_until;
        } else if now >= self.running_until {
            self.running_until = self.next_until;
            self.next_until = self.running_until + length();
        } else if self.next_until == self.running_until {
            self.next_until = self.running_until + length();
        }
        self.next_until
    }

    /// What was to end after `until` never came.
    pub fn forget_after(&mut self, until: SimTime) {
        self.running_until = self.running_until.min(until);
        self.next_until = self.next_until.min(until);
        self.latest = self.latest.min(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: SimDuration = SimDuration::from_millis(1);

    #[test]
    fn what_arrives_during_a_round_shares_the_next_one() {
        let mut rounds = Rounds::default();
        let at = |ms: u64| SimTime::ZERO + MS * ms;
        let ends = [0, 1, 5, 11, 12].map(|ms| rounds.join(at(ms), || MS * 10));
        assert_eq!(ends, [at(10), at(20), at(20), at(30), at(30)]);
        assert_eq!(rounds.join(at(4), || MS * 10), at(30), "nothing overtakes");
    }

    #[test]
    fn what_never_came_holds_up_nothing() {
        let mut rounds = Rounds::default();
        let at = |ms: u64| SimTime::ZERO + MS * ms;
        rounds.join(at(0), || MS * 10);
        rounds.join(at(5), || MS * 100);
        rounds.forget_after(at(10));
        assert_eq!(rounds.join(at(12), || MS), at(13));
    }
}
