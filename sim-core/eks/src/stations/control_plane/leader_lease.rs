//! The lease that decides which instance of a component acts, and the candidates for it.
//!
//! A holder renews; a standby looks, and takes the lease when it has seen no change for the lease's duration, counted
//! from the moment when *it* saw the last one. A holder that cannot renew gives up and restarts.

use crate::ids::ApiServerId;
use crate::parameters::LeaderElectionParameters;
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The lease of one component, and its candidates, one on each API server instance.
#[derive(Clone, Debug)]
pub struct LeaderLease {
    version: u64,
    holder: Option<ApiServerId>,
    acting: bool,
    /// Whether its last holder gave it back: it is free for whoever looks.
    released: bool,
    /// How often the lease has changed hands.
    terms: u32,
    vacant: Option<(SimTime, Cause)>,
    candidates: Vec<Candidate>,
    lease_duration: SimDuration,
    renew_deadline: SimDuration,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    state: CandidateState,
    generation: u32,
    tries: u32,
    tried: SimTime,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateState {
    /// Its instance is dead, or it restarts.
    Down,
    /// It watches the lease.
    Standby {
        /// The version that it saw last.
        seen: u64,
        /// When the lease is free for it: the lease's duration after it saw that version first.
        free: SimTime,
    },
    /// It holds the lease.
    Holder {
        /// When it must give up: the renew deadline after its last renewal that succeeded was sent.
        until: SimTime,
    },
}

impl LeaderLease {
    /// A lease that `holder` has held for long, with `servers` candidates.
    pub fn new(holder: ApiServerId, servers: u8, parameters: &LeaderElectionParameters) -> Self {
        let candidate = |server| {
            let state = if ApiServerId(server) == holder {
                CandidateState::Holder { until: SimTime::ZERO + parameters.renew_deadline }
            } else {
                CandidateState::Standby { seen: 1, free: SimTime::ZERO + parameters.lease_duration }
            };
            Candidate { state, generation: 0, tries: 0, tried: SimTime::ZERO }
        };
        LeaderLease {
            version: 1,
            holder: Some(holder),
            acting: true,
            released: false,
            terms: 0,
            vacant: None,
            candidates: (0..servers).map(candidate).collect(),
            lease_duration: parameters.lease_duration,
            renew_deadline: parameters.renew_deadline,
        }
    }

    /// A new API server instance has a candidate too; it does not run yet.
    pub fn add_candidate(&mut self) {
        self.candidates.push(Candidate { state: CandidateState::Down, generation: 0, tries: 0, tried: SimTime::ZERO });
    }

    /// The holder's rounds before the run: its next renewal is `next` from now, one every `pause`.
    pub fn holder_ran(&mut self, server: ApiServerId, next: SimDuration, pause: SimDuration) {
        let until = next + self.renew_deadline;
        let state = CandidateState::Holder { until: SimTime::ZERO + before(until, pause) };
        self.candidates[server.index()].state = state;
    }

    /// A standby's rounds before the run: it looks again in `next`, `pause` after its last look. The holder renewed last
    /// `renewed` ago.
    pub fn standby_ran(&mut self, server: ApiServerId, next: SimDuration, pause: SimDuration, renewed: SimDuration) {
        let looked = before(pause, next);
        let seen = if looked > renewed { self.version - 1 } else { self.version };
        let free = SimTime::ZERO + before(next + self.lease_duration, pause);
        self.candidates[server.index()].state = CandidateState::Standby { seen, free };
    }

    /// Who acts, and in which term.
    pub fn acting(&self) -> Option<(ApiServerId, u32)> {
        self.holder.filter(|_| self.acting).map(|holder| (holder, self.terms))
    }

    /// Since when nobody acts, and why.
    pub fn vacant_since(&self) -> Option<(SimTime, Cause)> {
        self.vacant
    }

    /// What a candidate is.
    pub fn state(&self, server: ApiServerId) -> CandidateState {
        self.candidates[server.index()].state
    }

    /// Whether an event of this generation is still meant for the candidate.
    pub fn is_current(&self, server: ApiServerId, generation: u32) -> bool {
        self.candidates[server.index()].generation == generation
    }

    /// The generation of a candidate.
    pub fn generation(&self, server: ApiServerId) -> u32 {
        self.candidates[server.index()].generation
    }

    /// A candidate tries to renew, or looks at the lease.
    pub fn tries(&mut self, server: ApiServerId, now: SimTime) {
        let candidate = &mut self.candidates[server.index()];
        candidate.tries += 1;
        candidate.tried = now;
    }

    /// How often a candidate has tried, and when it did so last.
    pub fn last_try(&self, server: ApiServerId) -> (u32, SimTime) {
        let candidate = &self.candidates[server.index()];
        (candidate.tries, candidate.tried)
    }

    /// A standby has read the lease; whether it may take it now.
    pub fn look(&mut self, server: ApiServerId, now: SimTime) -> bool {
        let (version, lasts) = (self.version, self.lease_duration);
        let candidate = &mut self.candidates[server.index()];
        let CandidateState::Standby { seen, free } = &mut candidate.state else { return false };
        if *seen != version {
            (*seen, *free) = (version, now + lasts);
        }
        now >= *free || self.released
    }

    /// The holder stops in an orderly way and gives the lease back, if it is this one.
    pub fn release(&mut self, server: ApiServerId) {
        if self.holder == Some(server) {
            self.released = true;
            self.version += 1;
        }
    }

    /// A holder's renewal, sent at `sent`, is committed.
    pub fn renew(&mut self, server: ApiServerId, sent: SimTime) {
        let deadline = sent + self.renew_deadline;
        if let CandidateState::Holder { until } = &mut self.candidates[server.index()].state {
            *until = deadline.max(*until);
            self.version += 1;
        }
    }

    /// A standby's attempt to take the lease is committed; false if another one was faster.
    pub fn acquire(&mut self, server: ApiServerId, now: SimTime) -> bool {
        let (version, until) = (self.version, now + self.renew_deadline);
        let candidate = &mut self.candidates[server.index()];
        let CandidateState::Standby { seen, .. } = candidate.state else { return false };
        if seen != version {
            return false;
        }
        candidate.state = CandidateState::Holder { until };
        candidate.generation += 1;
        self.version += 1;
        self.terms += 1;
        self.holder = Some(server);
        (self.acting, self.released) = (false, false);
        true
    }

    /// A new holder has made its first lists: it acts.
    pub fn act(&mut self) {
        self.acting = true;
        self.vacant = None;
    }

    /// When a holder must give up, unless it renews.
    pub fn gives_up_at(&self, server: ApiServerId) -> Option<SimTime> {
        match self.candidates[server.index()].state {
            CandidateState::Holder { until } => Some(until),
            _ => None,
        }
    }

    /// A candidate dies or restarts; whether it held the lease.
    pub fn stop(&mut self, server: ApiServerId, now: SimTime, cause: Cause) -> bool {
        let candidate = &mut self.candidates[server.index()];
        candidate.state = CandidateState::Down;
        candidate.generation += 1;
        let held = self.holder == Some(server);
        if held {
            self.holder = None;
            self.acting = false;
            self.vacant = Some((now, cause));
        }
        held
    }

    /// A candidate runs again, as a standby that has seen nothing yet.
    pub fn start(&mut self, server: ApiServerId, now: SimTime) {
        let (version, free) = (self.version, now + self.lease_duration);
        let candidate = &mut self.candidates[server.index()];
        candidate.state = CandidateState::Standby { seen: version, free };
        candidate.generation += 1;
    }
}

/// The time from now to what lies `from_then` after a moment `ago`; at least none.
fn before(from_then: SimDuration, ago: SimDuration) -> SimDuration {
    if from_then > ago { from_then - ago } else { SimDuration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_standby_counts_from_the_moment_when_it_saw_the_last_renewal() {
        let (old, new) = (ApiServerId(0), ApiServerId(1));
        let mut lease = LeaderLease::new(old, 2, &Parameters::default().leader_election);
        lease.renew(old, at(10));
        assert!(!lease.look(new, at(13)), "seen at 13, so free at 28");
        lease.stop(old, at(14), None);
        assert!(!lease.look(new, at(27)) && lease.look(new, at(28)));
        assert!(lease.acquire(new, at(28)) && lease.acting().is_none(), "it must list first");
        lease.act();
        assert_eq!(lease.acting(), Some((new, 1)));
    }

    #[test]
    fn a_lease_that_is_given_back_is_free_for_the_next_look() {
        let (old, new) = (ApiServerId(0), ApiServerId(1));
        let mut lease = LeaderLease::new(old, 2, &Parameters::default().leader_election);
        lease.renew(old, at(10));
        lease.release(new); // it has none to give
        assert!(!lease.look(new, at(11)));
        lease.release(old);
        lease.stop(old, at(12), None);
        assert!(lease.look(new, at(13)) && lease.acquire(new, at(13)));
        lease.act();
        lease.stop(new, at(20), None);
        lease.start(old, at(20));
        assert!(!lease.look(old, at(34)) && lease.look(old, at(35)), "this one was not given back");
    }

    #[test]
    fn two_standbys_cannot_both_take_the_lease() {
        let mut lease = LeaderLease::new(ApiServerId(0), 3, &Parameters::default().leader_election);
        lease.stop(ApiServerId(0), at(0), None);
        assert!(lease.look(ApiServerId(1), at(20)) && lease.look(ApiServerId(2), at(20)));
        assert!(lease.acquire(ApiServerId(1), at(21)) && !lease.acquire(ApiServerId(2), at(21)));
    }
}
