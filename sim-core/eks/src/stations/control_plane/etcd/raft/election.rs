//! Elections: patience, pre-votes, votes, and a new leader's first entry.
//!
//! ```text
//! patience ends -> PreCandidate: would you vote? -> a quorum would -> Candidate: term + 1, own vote on disk
//!               -> vote for me -> voters' terms and votes on disk -> a quorum has -> Leader: first entry to all
//! ```

use super::log::{Index, Term};
use super::messages::Content;
use super::{Effect, End, Ground, Lead, Raft, Role, Turn, Unsettled};
use crate::ids::MemberId;
use sim_kernel::{Purpose, SimTime};

const PATIENCE: Purpose = Purpose::new("etcd/patience");

impl Raft {
    /// Draws a member's patience, counted in its own ticks from `from`.
    pub(super) fn set_clock<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, from: SimTime) {
        let (key, patience) = (self.key, self.rules.patience_ticks);
        let state = self.at_mut(member);
        state.clock += 1;
        state.heard = from;
        let clock = state.clock;
        let more = key.draw(PATIENCE, u64::from(member.0), u64::from(clock)).below(patience);
        let ends = self.next_tick(member, from) + self.rules.tick * (patience + more - 1);
        turn.effects.push(Effect::Patience(ends.max(turn.now), member, clock));
    }

    /// A member's patience has ended: it wants to lead, unless it has heard of a leader since.
    pub fn patience_ends<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, clock: u32) {
        let state = self.at(member);
        if !state.up || state.clock != clock || state.hears.is_some() || state.lead.is_some() {
            return;
        }
        if !self.is_voter(member) {
            return self.set_clock(turn, member, turn.now); // a learner does not stand for election
        }
        if !self.rules.pre_vote {
            return self.becomes_candidate(turn, member);
        }
        let state = self.at_mut(member);
        (state.role, state.leader) = (Role::PreCandidate, None);
        (state.granted, state.refused) = (1 << member.0, 0);
        self.set_clock(turn, member, turn.now);
        self.ask_for_votes(turn, member, true);
        self.count_votes(turn, member);
    }

    fn becomes_candidate<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        let state = self.at_mut(member);
        state.term += 1;
        state.vote = Some(member);
        (state.role, state.leader) = (Role::Candidate, None);
        (state.granted, state.refused) = (0, 0);
        let term = state.term;
        let saved = self.save(turn, member);
        self.set_clock(turn, member, turn.now);
        self.set_itself(turn, member, saved, Content::VoteSaved { term });
    }

    /// Term and vote go to disk: when they are there.
    pub(super) fn save<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) -> SimTime {
        let state = self.at_mut(member);
        state.fsyncs += 1;
        let (disk, fsyncs) = (&mut state.disk, state.fsyncs);
        let at = disk.sync(turn.now, || turn.ground.fsync(member, fsyncs));
        while state.saved.get(1).is_some_and(|(at, ..)| *at <= turn.now) {
            state.saved.pop_front();
        }
        state.saved.push_back((at, state.term, state.vote));
        at
    }

    pub(super) fn vote_saved<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, term: Term) {
        let state = self.at_mut(member);
        if state.role == Role::Candidate && state.term == term {
            state.granted |= 1 << member.0;
            self.ask_for_votes(turn, member, false);
            self.count_votes(turn, member);
        }
    }

    fn ask_for_votes<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, pre: bool) {
        let state = self.at(member);
        let term = state.term + Term::from(pre);
        let (last_term, last) = (state.log.last_term(), state.log.last());
        let voters = self.voters;
        for voter in self.ids().filter(|voter| *voter != member && voters & (1 << voter.0) != 0) {
            self.send(turn, member, voter, Content::AskVote { term, last_term, last, pre });
        }
    }

    /// A member is asked for its vote, or if it would give it.
    pub(super) fn asked_for_vote<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        voter: MemberId,
        candidate: MemberId,
        (term, pre): (Term, bool),
        (last_term, last): (Term, Index),
    ) {
        let own = self.at(voter).term;
        if term > own && self.rules.check_quorum && self.is_in_lease(turn, voter) {
            return; // it does not even answer
        }
        if term < own {
            if pre {
                self.send(turn, voter, candidate, Content::Vote { term: own, granted: false, pre });
            }
            return;
        }
        if term > own && !pre {
            self.turns_to(turn, voter, term); // it goes to disk with the vote
        }
        let state = self.at_mut(voter);
        let free = state.vote.is_none() && state.leader.is_none();
        let may = state.vote == Some(candidate) || free || (pre && term > state.term);
        let granted = may && state.log.is_up_to_date_with(last_term, last);
        if pre {
            let term = if granted { term } else { state.term };
            return self.send(turn, voter, candidate, Content::Vote { term, granted, pre });
        }
        if granted {
            state.vote = Some(candidate);
            self.set_clock(turn, voter, turn.now);
        }
        let saved = self.save(turn, voter);
        let answer = Content::Send { to: candidate, content: Box::new(Content::Vote { term, granted, pre }) };
        self.set_itself(turn, voter, saved, answer);
    }

    /// A vote, or the answer if one would be given, reaches who asked for it.
    pub(super) fn vote_arrives<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        member: MemberId,
        voter: MemberId,
        (term, pre): (Term, bool),
        granted: bool,
    ) {
        if !(pre && granted) {
            self.hears_of_term(turn, member, term);
        }
        let state = self.at_mut(member);
        let asked = if pre { Role::PreCandidate } else { Role::Candidate };
        let due = if pre && granted { state.term + 1 } else { state.term };
        if state.role != asked || (granted && term != due) {
            return;
        }
        if granted {
            state.granted |= 1 << voter.0;
        } else {
            state.refused |= 1 << voter.0;
        }
        self.count_votes(turn, member);
    }

    fn count_votes<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        let state = self.at(member);
        let (granted, refused) = (state.granted.count_ones() as usize, state.refused.count_ones() as usize);
        let (role, term) = (state.role, state.term);
        match role {
            Role::PreCandidate if granted >= self.quorum() => self.becomes_candidate(turn, member),
            Role::Candidate if granted >= self.quorum() => self.becomes_leader(turn, member),
            _ if refused >= self.quorum() => self.becomes_follower(turn, member, term),
            _ => {}
        }
    }

    /// A member hears of a newer term, whose leader it does not know.
    pub(super) fn hears_of_term<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, term: Term) {
        if term > self.at(member).term {
            self.becomes_follower(turn, member, term);
        }
    }

    /// A member is a follower of nobody yet, in this term.
    pub(super) fn becomes_follower<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, term: Term) {
        if self.turns_to(turn, member, term) {
            self.save(turn, member);
        }
    }

    /// The same, but a newer term is not yet on its way to disk; whether it is a newer one.
    pub(super) fn turns_to<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, term: Term) -> bool {
        let newer = term > self.at(member).term;
        self.steps_down(turn, member, newer);
        self.falls_silent(turn, member, End::FollowerLeft);
        self.set_clock(turn, member, turn.now);
        let state = self.at_mut(member);
        (state.role, state.leader) = (Role::Follower, None);
        if newer {
            (state.term, state.vote) = (term, None);
        }
        newer
    }

    /// A member has its votes: it leads, and begins with an entry of its own.
    fn becomes_leader<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        let (now, members) = (turn.now, self.members.len());
        let state = self.at_mut(member);
        (state.role, state.leader) = (Role::Leader, Some(member));
        state.clock += 1;
        state.fsyncs += 1;
        let before = state.log.last();
        let index = state.log.append(state.term);
        let (disk, fsyncs) = (&mut state.disk, state.fsyncs);
        let durable = disk.sync(now, || turn.ground.fsync(member, fsyncs));
        let mut lead = Lead::new(members, state.term, now, index, state.commit);
        lead.window.push_back(Unsettled { index, proposed: now, durable, commit: SimTime::MAX });
        state.lead = Some(Box::new(lead));
        turn.effects.push(Effect::Leads(member));
        for follower in self.ids().filter(|id| *id != member) {
            if self.at(follower).up && self.is_linked(member, follower) {
                self.probe(turn, member, follower, (before, index));
            }
        }
        self.commit_anew(turn, member);
        self.doubts(turn, member);
        self.await_beat(turn, member);
    }
}
