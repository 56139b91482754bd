//! Heartbeats, which are not sent but computed; and what a leader makes of hearing nothing: CheckQuorum.
//!
//! Where a run makes them explicit, they are messages, and only what came of them is looked at.

use super::link::End;
use super::messages::Content;
use super::{Effect, Ground, Hearing, Raft, Term, Turn};
use crate::ids::MemberId;
use sim_kernel::{SimDuration, SimTime};

impl Raft {
    /// The first tick of a member's clock after `after`.
    pub(super) fn next_tick(&self, member: MemberId, after: SimTime) -> SimTime {
        let first = SimTime::ZERO + self.at(member).tick_phase;
        if after < first { first } else { first + self.rules.tick * (self.ticks(member, after)) }
    }

    /// How many ticks a member's clock has made up to `at`.
    fn ticks(&self, member: MemberId, at: SimTime) -> u64 {
        let first = SimTime::ZERO + self.at(member).tick_phase;
        if at < first { 0 } else { at.saturating_since(first).as_nanos() / self.rules.tick.as_nanos() + 1 }
    }

    /// Ticks of a member between two moments, the second one included.
    pub(super) fn ticks_between(&self, member: MemberId, from: SimTime, to: SimTime) -> u64 {
        self.ticks(member, to).saturating_sub(self.ticks(member, from))
    }

    /// The last heartbeat that a leader has sent up to `at`, as computed.
    fn last_beat(&self, leader: MemberId, at: SimTime) -> Option<SimTime> {
        let ticks = self.ticks(leader, at);
        let since = self.at(leader).lead.as_deref().map_or(SimTime::MAX, |lead| lead.since);
        let last = SimTime::ZERO + self.at(leader).tick_phase + self.rules.tick * ticks.checked_sub(1)?;
        (last > since).then_some(last)
    }

    /// When a follower last heard of the leader that it hears no more.
    pub(super) fn last_heard(
        &self,
        follower: MemberId,
        hearing: Hearing,
        (now, way): (SimTime, SimDuration),
        end: End,
    ) -> SimTime {
        let lead = self.at(hearing.leader).lead.as_deref().expect("who is heard leads");
        // A leader that steps down does so with a tick, before it would have sent a heartbeat.
        let gone = SimDuration::from_nanos(1);
        let sent_by = if end == End::LeaderGone { earlier(now, gone) } else { earlier(now, way) };
        let beat = match (self.rules.explicit_heartbeats, end) {
            (false, _) => self.last_beat(hearing.leader, sent_by).map(|sent| sent + way),
            (true, End::LeaderGone) => lead.last_beat.map(|sent| sent + way),
            (true, _) => Some(self.at(follower).beat),
        };
        let progress = &lead.progress[follower.index()];
        let arrived = progress.flights.iter().take_while(|flight| flight.arrives <= now).last();
        let append = arrived.map_or(progress.arrived, |flight| flight.arrives);
        hearing.since.max(append).max(beat.unwrap_or(SimTime::ZERO))
    }

    /// When a leader last had an answer of a follower that hears it.
    pub(super) fn last_answer(
        &self,
        follower: MemberId,
        hearing: Hearing,
        (now, way): (SimTime, SimDuration),
    ) -> SimTime {
        let lead = self.at(hearing.leader).lead.as_deref().expect("who is heard leads");
        let progress = &lead.progress[follower.index()];
        let beat = if self.rules.explicit_heartbeats {
            Some(progress.beat)
        } else {
            let sent = self.last_beat(hearing.leader, earlier(now, way * 2));
            sent.filter(|sent| *sent + way > hearing.since).map(|sent| sent + way * 2)
        };
        let acked = progress.flights.iter().take_while(|flight| flight.acked <= now).last();
        let append = acked.map_or(progress.acked, |flight| flight.acked.max(progress.acked));
        append.max(beat.unwrap_or(SimTime::ZERO))
    }

    /// Whether a member has heard of a leader for less than the base of its patience: then it votes for nobody.
    pub(super) fn is_in_lease<G: Ground>(&self, turn: &Turn<'_, G>, member: MemberId) -> bool {
        let state = self.at(member);
        if state.lead.is_some() {
            return true;
        }
        let heard = match state.hears {
            Some(hearing) => {
                let way = turn.ground.delay(hearing.leader, member);
                self.last_heard(member, hearing, (turn.now, way), End::Cut)
            }
            None => state.heard,
        };
        state.leader.is_some() && self.ticks_between(member, heard, turn.now) < self.rules.patience_ticks
    }

    /// A leader that no quorum hears will ask itself, whenever an election time-out is over, whom it has heard.
    pub(super) fn doubts<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId) {
        let heard = self.is_heard_by_a_quorum(leader);
        let (tick, patience) = (self.rules.tick, self.rules.patience_ticks);
        let Some(lead) = self.at(leader).lead.as_deref() else { return };
        if !self.rules.check_quorum || heard || lead.check_due.is_some() {
            return;
        }
        let first = self.next_tick(leader, lead.since) + tick * (patience - 1);
        let period = tick * patience;
        let passed = turn.now.saturating_since(first).as_nanos() / period.as_nanos();
        let due = if turn.now < first { first } else { first + period * (passed + 1) };
        let lead = self.at_mut(leader).lead.as_mut().expect("it leads");
        lead.check += 1;
        lead.check_due = Some(due);
        turn.effects.push(Effect::CheckQuorum(due, leader, lead.check));
    }

    /// A leader asks itself if it has heard a quorum since it last asked.
    pub fn check_quorum<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId, check: u32) {
        if self.at(leader).lead.as_ref().is_some_and(|lead| lead.check == check) {
            self.check_if_due(turn, leader);
        }
    }

    pub(super) fn check_if_due<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId) {
        let Some(lead) = self.at_mut(leader).lead.as_mut().filter(|lead| lead.check_due == Some(turn.now)) else {
            return;
        };
        lead.check_due = None;
        let since = earlier(turn.now, self.rules.tick * self.rules.patience_ticks);
        let answered =
            |id: &MemberId| *id != leader && self.is_voter(*id) && self.answered_after(turn, leader, *id, since);
        if 1 + self.ids().filter(answered).count() < self.quorum() {
            let term = self.at(leader).term;
            return self.becomes_follower(turn, leader, term);
        }
        self.doubts(turn, leader);
    }

    fn answered_after<G: Ground>(
        &self,
        turn: &Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        since: SimTime,
    ) -> bool {
        let lead = self.at(leader).lead.as_deref().expect("only a leader asks");
        let last = match self.at(follower).hears.filter(|_| self.hears(follower, leader)) {
            Some(hearing) => self.last_answer(follower, hearing, (turn.now, turn.ground.delay(leader, follower))),
            None => lead.progress[follower.index()].acked,
        };
        last > since
    }

    /// The next heartbeats, where they are explicit.
    pub(super) fn await_beat<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId) {
        if self.rules.explicit_heartbeats {
            let at = self.next_tick(leader, turn.now);
            turn.effects.push(Effect::Beat(at, leader, self.at(leader).term));
        }
    }

    /// A leader sends heartbeats, where they are explicit.
    pub fn beat<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId, term: Term) {
        let now = turn.now;
        self.check_if_due(turn, leader);
        match &mut self.at_mut(leader).lead {
            Some(lead) if lead.term == term => lead.last_beat = Some(now),
            _ => return,
        }
        for follower in self.ids().filter(|id| *id != leader) {
            self.send(turn, leader, follower, Content::Heartbeat { term });
        }
        self.await_beat(turn, leader);
    }

    pub(super) fn heartbeat_arrives<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        follower: MemberId,
        leader: MemberId,
        term: Term,
    ) {
        if self.hears(follower, leader) && self.at(follower).term == term {
            self.at_mut(follower).beat = turn.now;
            self.send(turn, follower, leader, Content::HeartbeatHeard { term });
        }
    }

    pub(super) fn heartbeat_answered<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        term: Term,
    ) {
        if self.hears(follower, leader)
            && let Some(lead) = self.at_mut(leader).lead.as_mut().filter(|lead| lead.term == term)
        {
            lead.progress[follower.index()].beat = turn.now;
        }
    }
}

/// The moment `by` before `at`, or the beginning.
pub(super) fn earlier(at: SimTime, by: SimDuration) -> SimTime {
    SimTime::ZERO + at.saturating_since(SimTime::ZERO + by)
}
