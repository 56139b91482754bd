//! Changes of membership: a dead member leaves, an empty one takes its place as a learner, and votes once it has caught up.
//!
//! A change is an entry of the log like any other; the next one waits until it is decided. Here it holds for all members
//! from the moment when it is committed; in etcd each member turns to it when it applies the entry, some milliseconds later.

use super::log::{Index, Log, Term};
use super::{Fate, Ground, Progress, Proposed, Raft, Role, Turn};
use crate::ids::MemberId;
use sim_kernel::SimTime;
use std::collections::VecDeque;

/// A change of who belongs to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// A dead member leaves for good; an empty one may start in its place, and does not vote.
    Replace(MemberId),
    /// A learner votes from now on.
    Promote(MemberId),
}

/// A change whose entry is in a leader's log.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    change: MemberChange,
    term: Term,
    index: Index,
}

impl Raft {
    /// How many members decide.
    pub fn quorum(&self) -> usize {
        if self.rules.majority { self.voters.count_ones() as usize / 2 + 1 } else { 1 }
    }

    /// Whether a member's vote counts.
    pub fn is_voter(&self, member: MemberId) -> bool {
        self.voters & (1 << member.0) != 0
    }

    /// How many members vote.
    pub fn voters(&self) -> usize {
        self.voters.count_ones() as usize
    }

    /// A leader takes a change into its log. `None` while another one is not decided.
    pub fn propose_change<G: Ground>(
        &mut self,
        now: SimTime,
        leader: MemberId,
        change: MemberChange,
        ground: &G,
    ) -> Option<Proposed> {
        if self.under_way.is_some() {
            return None;
        }
        let proposed = self.propose(now, now, leader, ground);
        self.under_way = Some(UnderWay { change, term: proposed.term, index: proposed.index });
        Some(proposed)
    }

    /// The change that is under way, and what becomes of it as is to be seen at `now`.
    pub fn change_under_way(&mut self, now: SimTime) -> Option<(MemberChange, Fate)> {
        let UnderWay { change, term, index } = self.under_way?;
        Some((change, self.fate(now, term, index)))
    }

    /// A change that is decided takes effect, or is forgotten. Returns it if it took effect.
    pub fn settle_change<G: Ground>(&mut self, turn: &mut Turn<'_, G>) -> Option<MemberChange> {
        let (change, fate) = self.change_under_way(turn.now)?;
        match fate {
            Fate::Committed => {}
            Fate::Lost => {
                self.under_way = None;
                return None;
            }
            Fate::Due(_) | Fate::Open => return None,
        }
        self.under_way = None;
        let (MemberChange::Replace(member) | MemberChange::Promote(member)) = change;
        for state in &mut self.members {
            state.granted &= !(1 << member.0);
            state.refused &= !(1 << member.0);
        }
        match change {
            MemberChange::Replace(_) => {
                if self.is_up(member) {
                    self.die(turn, member); // it learns that it does not belong any more, and stops
                }
                self.wipe(member);
            }
            MemberChange::Promote(_) => self.voters |= 1 << member.0,
        }
        self.breaks += 1;
        self.news += 1;
        for leader in self.ids() {
            self.commit_anew(turn, leader);
            self.doubts(turn, leader);
        }
        Some(change)
    }

    /// A dead member is forgotten: who starts in its place has nothing, no leader knows anything of it, and what the old
    /// one had sent reaches nobody.
    pub(super) fn wipe(&mut self, member: MemberId) {
        self.voters &= !(1 << member.0);
        for other in self.ids().filter(|id| *id != member) {
            self.set_link(member, other, self.is_linked(member, other));
            if let Some(lead) = &mut self.at_mut(other).lead {
                lead.progress[member.index()] = Progress::unknown();
            }
        }
        let state = self.at_mut(member);
        (state.term, state.vote, state.role, state.leader) = (0, None, Role::Follower, None);
        state.saved = VecDeque::from([(SimTime::ZERO, 0, None)]);
        (state.log, state.commit) = (Log::default(), 0);
        state.unsynced.clear();
        (state.hears, state.heard_before) = (None, None);
    }

    /// Whether a learner has so much of its leader's log on disk that it may vote; `share` is how much that must be.
    pub fn has_caught_up(&self, now: SimTime, learner: MemberId, share: f64) -> bool {
        let leads = |leader: &MemberId| self.hears(learner, *leader);
        let Some(leader) = self.ids().find(leads) else { return false };
        let lead = self.at(leader).lead.as_deref().expect("who is heard leads");
        let last = self.at(leader).log.last();
        lead.progress[learner.index()].acknowledged_by(now) as f64 >= last as f64 * share
    }
}

impl Progress {
    /// Of a follower of which nothing is known.
    pub(super) fn unknown() -> Self {
        Progress {
            state: super::Contact::None,
            matched: 0,
            flights: VecDeque::new(),
            arrived: SimTime::ZERO,
            acked: SimTime::ZERO,
            beat: SimTime::ZERO,
        }
    }

    /// Up to where the leader knows by `now` that the follower has the log on disk.
    fn acknowledged_by(&self, now: SimTime) -> Index {
        let acked = self.flights.iter().take_while(|flight| flight.acked <= now);
        acked.last().map_or(self.matched, |flight| flight.index)
    }
}
