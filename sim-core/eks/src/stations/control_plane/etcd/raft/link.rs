//! What breaks and what returns: members, the ways between them, and what a leader and its followers hear of each other.

use super::heartbeats::earlier;
use super::log::Index;
use super::messages::Content;
use super::{Contact, Effect, Flight, Ground, Hearing, Lead, Raft, Role, Term, Turn};
use crate::ids::MemberId;
use sim_kernel::{SimDuration, SimTime};

/// Why a follower hears its leader no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing passes between them.
    Cut,
    /// The leader is dead or leads no more; what it sent is on its way.
    LeaderGone,
    /// The follower is dead.
    FollowerGone,
    /// The follower has turned to another term.
    FollowerLeft,
}

impl Raft {
    /// A member dies: what was not on its disk is lost.
    pub fn die<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        self.gives_up_lead(turn, member);
        self.falls_silent(turn, member, End::FollowerGone);
        let state = self.at_mut(member);
        let lost = state.unsynced.iter().filter(|(at, _)| *at > turn.now).map(|(_, from)| *from).min();
        if let Some(from) = lost {
            state.log.truncate(from - 1);
        }
        state.unsynced.clear();
        state.commit = state.commit.min(state.log.last());
        while state.saved.get(1).is_some_and(|(at, ..)| *at <= turn.now) {
            state.saved.pop_front();
        }
        state.saved.truncate(1);
        let (_, term, vote) = state.saved[0];
        (state.term, state.vote) = (term, vote);
        (state.role, state.leader, state.up) = (Role::Follower, None, false);
        state.disk = Default::default();
        state.clock += 1;
        state.lives += 1;
        self.breaks += 1;
        self.news += 1;
        for leader in self.ids() {
            self.loses_contact(turn, leader, member);
        }
    }

    /// A dead member takes part again: its patience begins, and who leads turns to it.
    pub fn start<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        self.at_mut(member).up = true;
        self.news += 1;
        self.set_clock(turn, member, turn.now);
        for leader in self.ids() {
            self.await_tick(turn, leader, member);
        }
    }

    /// The ways between members are now such that messages pass where `reaches` says so, both ways.
    pub fn ways<G: Ground>(&mut self, turn: &mut Turn<'_, G>, reaches: impl Fn(MemberId, MemberId) -> bool) {
        for a in self.ids() {
            for b in self.ids().filter(|b| *b > a) {
                let up = reaches(a, b) && reaches(b, a);
                if up == self.is_linked(a, b) {
                    continue;
                }
                self.set_link(a, b, up);
                for (leader, follower) in [(a, b), (b, a)] {
                    if up {
                        self.await_tick(turn, leader, follower);
                        continue;
                    }
                    if self.hears(follower, leader) {
                        self.falls_silent(turn, follower, End::Cut);
                    }
                    self.loses_contact(turn, leader, follower);
                }
            }
        }
    }

    pub(super) fn set_link(&mut self, a: MemberId, b: MemberId, up: bool) {
        for (from, to) in [(a, b), (b, a)] {
            let link = &mut self.links[from.index() * self.members.len() + to.index()];
            link.up = up;
            link.generation += 1;
        }
    }

    /// A leader has lost what it had begun with a follower.
    fn loses_contact<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId, follower: MemberId) {
        if let Some(lead) = &mut self.at_mut(leader).lead {
            lead.progress[follower.index()].state = Contact::None;
            self.doubts(turn, leader);
        }
    }

    /// A leader will turn to a follower with its next tick, if messages pass between them.
    pub(super) fn await_tick<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId, follower: MemberId) {
        let passes = leader != follower && self.at(follower).up && self.is_linked(leader, follower);
        if let Some(lead) = self.at(leader).lead.as_ref().filter(|_| passes) {
            let term = lead.term;
            let at = self.next_tick(leader, turn.now);
            self.set_itself(turn, leader, at, Content::TurnTo { follower, term });
        }
    }

    /// A leader's tick has come: it turns to a follower that does not hear it.
    pub(super) fn turn_to<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        term: Term,
    ) {
        let leads = |raft: &Raft| raft.at(leader).lead.as_ref().filter(|lead| lead.term == term).is_some();
        if leads(self) {
            self.check_if_due(turn, leader);
        }
        if !leads(self) || !self.at(follower).up || !self.is_linked(leader, follower) {
            return;
        }
        let lead = self.at(leader).lead.as_deref().expect("it leads");
        let progress = &lead.progress[follower.index()];
        if progress.state == Contact::None {
            let from = if progress.matched > 0 { progress.matched } else { lead.first - 1 };
            self.probe(turn, leader, follower, (from, from));
        }
    }

    /// A leader leads no more: nothing of its entries is lost but what was to be proposed later.
    pub(super) fn gives_up_lead<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        if !self.leads(member) {
            return;
        }
        self.note_commits(turn.now);
        for follower in self.ids() {
            if self.hears(follower, member) {
                self.falls_silent(turn, follower, End::LeaderGone);
            }
        }
        self.breaks += 1;
        self.news += 1;
        let now = turn.now;
        let state = self.at_mut(member);
        let lead = state.lead.take().expect("it led");
        state.commit = state.commit.max(lead.committed_by(now));
        if let Some(first) = lead.window.iter().find(|entry| entry.proposed > now) {
            state.log.truncate(first.index - 1);
        }
        state.unsynced.retain(|(at, _)| *at > now);
        state.unsynced.extend(lead.window.iter().filter(|entry| entry.durable > now).map(|e| (e.durable, e.index)));
        (state.role, state.leader) = (Role::Follower, None);
    }

    /// A follower hears its leader no more: what was computed is cut at this moment.
    pub(super) fn falls_silent<G: Ground>(&mut self, turn: &mut Turn<'_, G>, follower: MemberId, end: End) {
        let Some(hearing) = self.at(follower).hears else { return };
        let (now, leader) = (turn.now, hearing.leader);
        let way = turn.ground.delay(leader, follower);
        let heard = self.last_heard(follower, hearing, (now, way), end);
        let acked = self.last_answer(follower, hearing, (now, way));
        let knows = self.known_commit(follower, hearing, (now, way));
        let mut lead = self.at_mut(leader).lead.take().expect("who is heard leads");
        let progress = &mut lead.progress[follower.index()];
        progress.state = Contact::None;
        progress.acked = acked;
        self.keep_what_arrived(now, (leader, follower), &mut lead);
        if end == End::LeaderGone {
            self.let_arrive_what_was_sent(turn, (leader, follower), &lead);
        }
        lead.progress[follower.index()].flights.clear();
        self.at_mut(leader).lead = Some(lead);
        let state = self.at_mut(follower);
        state.commit = state.commit.max(knows.min(state.log.last()));
        state.hears = None;
        state.heard_before = Some((hearing, now));
        self.breaks += 1;
        self.news += 1;
        match end {
            End::Cut | End::LeaderGone => self.set_clock(turn, follower, heard),
            End::FollowerGone => {}
            End::FollowerLeft => self.await_tick(turn, leader, follower),
        }
        if end != End::LeaderGone {
            self.commit_anew(turn, leader);
            self.doubts(turn, leader);
        }
    }

    /// The entries that have arrived stay in the follower's log; those acknowledged count for the leader.
    fn keep_what_arrived(&mut self, now: SimTime, (leader, follower): (MemberId, MemberId), lead: &mut Lead) {
        let progress = &mut lead.progress[follower.index()];
        let mut upto = progress.matched;
        let mut on_disk = now;
        let mut unsynced = Vec::new();
        for flight in progress.flights.iter().take_while(|flight| flight.arrives <= now) {
            if flight.durable > now {
                unsynced.push((flight.durable, upto + 1));
            }
            on_disk = on_disk.max(flight.durable);
            upto = flight.index;
        }
        let acked = |flight: &&Flight| flight.acked <= now;
        let matched = progress.flights.iter().take_while(acked).last().map_or(progress.matched, |last| last.index);
        progress.matched = matched;
        let log = std::mem::take(&mut self.at_mut(leader).log);
        let state = self.at_mut(follower);
        state.unsynced.retain(|(at, _)| *at > now);
        state.unsynced.append(&mut unsynced);
        state.log.adopt(&log, upto);
        let others = state.unsynced.iter().map(|(at, _)| *at).chain(state.saved.iter().map(|(at, ..)| *at));
        state.disk.forget_after(others.fold(on_disk, SimTime::max));
        self.at_mut(leader).log = log;
    }

    /// The leader is gone, but what it had sent arrives.
    fn let_arrive_what_was_sent<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        (leader, follower): (MemberId, MemberId),
        lead: &Lead,
    ) {
        let progress = &lead.progress[follower.index()];
        let mut previous = progress.matched;
        for flight in &progress.flights {
            if flight.arrives > turn.now && flight.sent <= turn.now {
                let mut entries = self.at(leader).log.clone();
                entries.truncate(flight.index);
                let append =
                    Content::Append { term: lead.term, previous, entries, commit: lead.committed_by(turn.now) };
                self.send_to_arrive(turn, leader, follower, flight.arrives, append);
            }
            previous = flight.index;
        }
    }

    /// How far a follower knows the log to be committed while it hears its leader.
    fn known_commit(&self, follower: MemberId, hearing: Hearing, (now, way): (SimTime, SimDuration)) -> Index {
        let lead = self.at(hearing.leader).lead.as_deref().expect("who is heard leads");
        lead.committed_by(earlier(now, way)).min(lead.progress[follower.index()].received(now))
    }

    /// How far a member has applied the log at `now`: what a serializable read there sees.
    pub fn applied<G: Ground>(&self, now: SimTime, member: MemberId, ground: &G) -> Index {
        let state = self.at(member);
        match (&state.lead, state.hears) {
            (Some(lead), _) => lead.committed_by(now),
            (None, Some(hearing)) => {
                let way = ground.delay(hearing.leader, member);
                state.commit.max(self.known_commit(member, hearing, (now, way)))
            }
            (None, None) => state.commit,
        }
    }

    /// A leader gives up its lead and stays a member.
    pub(super) fn steps_down<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, newer: bool) {
        if self.leads(member) {
            self.gives_up_lead(turn, member);
            turn.effects.push(Effect::StepsDown(member, newer));
        }
    }
}

impl super::Progress {
    /// Up to where entries have arrived at the follower.
    fn received(&self, now: SimTime) -> Index {
        if self.state != Contact::Streaming {
            return 0;
        }
        let arrived = self.flights.iter().take_while(|flight| flight.durable <= now);
        arrived.last().map_or(self.matched, |flight| flight.index)
    }
}
