//! Entries: from a leader to its own disk and to its followers' disks, and back as acknowledgements.

use super::log::{Index, Log, Term};
use super::messages::Content;
use super::{Contact, Flight, Ground, Hearing, Lead, Progress, Proposed, Raft, Role, Turn, Unsettled};
use crate::ids::MemberId;
use sim_kernel::{SimDuration, SimTime};

/// Most members of a cluster; etcd advises seven at most.
const MEMBERS_MAX: usize = 7;

/// When answers of the followers are back.
struct Answers {
    at: [SimTime; MEMBERS_MAX],
    count: usize,
}

impl Answers {
    fn new() -> Self {
        Answers { at: [SimTime::MAX; MEMBERS_MAX], count: 0 }
    }

    fn add(&mut self, at: SimTime) {
        self.at[self.count] = at;
        self.count += 1;
    }

    /// When so many are back; [`SimTime::MAX`] if they are fewer.
    fn of(mut self, followers: usize) -> SimTime {
        match followers {
            0 => SimTime::ZERO,
            1 => self.at.into_iter().min().unwrap_or(SimTime::MAX),
            _ => {
                self.at.sort_unstable();
                self.at[followers - 1]
            }
        }
    }
}

impl Raft {
    /// A write is at a leader, and its entry `ready` for the log and the network: at `now` or later. The leader's fsync and
    /// the replication run side by side; a leader and the followers that make a quorum with it decide.
    pub fn propose<G: Ground>(&mut self, now: SimTime, ready: SimTime, leader: MemberId, ground: &G) -> Proposed {
        let mut lead = self.at_mut(leader).lead.take().expect("only a leader proposes");
        lead.settle(now);
        let state = self.at_mut(leader);
        let index = state.log.append(lead.term);
        let durable = state.disk.sync(ready, || ground.fsync(leader, 0));
        let mut answers = Answers::new();
        for (follower, progress) in (0u8..).map(MemberId).zip(&mut lead.progress) {
            if progress.state == Contact::Streaming {
                let disk = &mut self.members[follower.index()].disk;
                let sync = |arrives| disk.sync(arrives, || ground.fsync(follower, 0));
                let ways = (ground.way(leader, follower, index), ground.way(follower, leader, index));
                lead.longest_way = lead.longest_way.max(ways.0);
                let acked = progress.send(ready, ways, index, sync);
                if self.voters & (1 << follower.0) != 0 {
                    answers.add(acked);
                }
            }
        }
        let (proposed, earlier) =
            lead.window.back().map_or((ready, SimTime::ZERO), |last| (last.proposed.max(ready), last.commit));
        let commit = durable.max(answers.of(self.quorum() - 1)).max(earlier);
        lead.window.push_back(Unsettled { index, proposed, durable, commit });
        let term = lead.term;
        self.at_mut(leader).lead = Some(lead);
        Proposed { term, index, commit: (commit < SimTime::MAX).then_some(commit) }
    }

    /// A leader asks who hears it, for a linearizable read: when a quorum has answered. `None` while it has none, or none of
    /// its own entries is committed.
    pub fn confirm<G: Ground>(&self, asked: SimTime, leader: MemberId, ground: &G) -> Option<SimTime> {
        let lead = self.at(leader).lead.as_deref().expect("only a leader confirms");
        if lead.first_commit == SimTime::MAX {
            return None;
        }
        let from = asked.max(lead.first_commit);
        let mut answers = Answers::new();
        for follower in self.ids().filter(|id| self.is_voter(*id) && self.hears(*id, leader)) {
            let asked = from.as_nanos();
            answers.add(from + ground.way(leader, follower, asked) + ground.way(follower, leader, asked));
        }
        let at = answers.of(self.quorum() - 1).max(from);
        (at < SimTime::MAX).then_some(at)
    }

    /// How far a read must see that a leader was asked for at `asked`.
    pub fn read_index(&self, leader: MemberId, asked: SimTime) -> Index {
        self.at(leader).lead.as_deref().map_or(0, |lead| lead.committed_by(asked.max(lead.first_commit)))
    }

    /// Whether a quorum heard this leader without a break from `from` to `until`.
    pub fn was_heard(&self, leader: MemberId, from: SimTime, until: SimTime) -> bool {
        let heard = |id: &MemberId| *id != leader && self.is_voter(*id) && self.has_heard(*id, leader, from, until);
        1 + self.ids().filter(heard).count() >= self.quorum()
    }

    /// A leader sends its first append after silence: entries after `previous`, up to `upto`.
    pub(super) fn probe<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        (previous, upto): (Index, Index),
    ) {
        let commit = self.at(leader).lead.as_deref().map_or(0, |lead| lead.committed_by(turn.now));
        let term = self.at(leader).term;
        let mut entries = self.at(leader).log.clone();
        entries.truncate(upto);
        if let Some(lead) = &mut self.at_mut(leader).lead {
            lead.progress[follower.index()].state = Contact::Probing;
        }
        self.send(turn, leader, follower, Content::Append { term, previous, entries, commit });
    }

    /// An append reaches a follower as a message: the first one after silence, or one whose sender leads no more.
    pub(super) fn append_arrives<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        (term, previous, commit): (Term, Index, Index),
        entries: &Log,
    ) {
        if term < self.at(follower).term {
            if self.rules.check_quorum || self.rules.pre_vote {
                let term = self.at(follower).term;
                self.send(turn, follower, leader, Content::NewerTerm { term });
            }
            return;
        }
        let newer = self.recognise(turn, follower, leader, term);
        let matched = entries.last();
        let log = &self.at(follower).log;
        let fits = log.term_at(previous) == entries.term_at(previous);
        let fresh = fits && log.agrees_up_to(entries) < matched;
        if newer || fresh {
            let durable = self.save(turn, follower); // one fsync for all that is new
            if fresh {
                let state = self.at_mut(follower);
                state.log.adopt(entries, matched);
                state.unsynced.push((durable, previous + 1));
            }
        }
        if !fits {
            return self.send(turn, follower, leader, Content::Missing { term });
        }
        let state = self.at_mut(follower);
        state.commit = state.commit.max(commit.min(matched));
        let waits = state.unsynced.iter().filter(|(_, from)| *from <= matched).map(|(at, _)| *at);
        let durable = waits.max().unwrap_or(turn.now).max(turn.now);
        let answer = Content::Send { to: leader, content: Box::new(Content::Appended { term, matched }) };
        self.set_itself(turn, follower, durable, answer);
    }

    /// A member learns who leads its term, or a newer one; whether it is newer, and must go to disk.
    fn recognise<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, leader: MemberId, term: Term) -> bool {
        let newer = self.at(member).term < term && self.turns_to(turn, member, term);
        let leads = self.at(leader).lead.as_ref().is_some_and(|lead| lead.term == term);
        let now = turn.now;
        let state = self.at_mut(member);
        state.role = Role::Follower;
        state.leader = Some(leader);
        if leads && state.hears.is_none() {
            state.hears = Some(Hearing { leader, term, since: now });
            state.beat = now;
            state.clock += 1;
            self.news += 1;
        } else if !leads {
            self.set_clock(turn, member, now);
        }
        turn.effects.push(super::Effect::Follows(member));
        newer
    }

    /// A follower lacks the entry before those that came: the leader goes back to where they agree.
    pub(super) fn missing<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        term: Term,
    ) {
        if self.is_probing(leader, follower, term) {
            let agreed = self.at(leader).log.agrees_up_to(&self.at(follower).log);
            self.probe(turn, leader, follower, (agreed, agreed));
        }
    }

    fn is_probing(&self, leader: MemberId, follower: MemberId, term: Term) -> bool {
        let lead = self.at(leader).lead.as_ref().filter(|lead| lead.term == term);
        lead.is_some_and(|lead| lead.progress[follower.index()].state == Contact::Probing)
            && self.hears(follower, leader)
    }

    /// A follower has answered the first append: what it lacks is sent, and from now on each entry as it is proposed.
    pub(super) fn appended<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        leader: MemberId,
        follower: MemberId,
        term: Term,
        matched: Index,
    ) {
        if !self.is_probing(leader, follower, term) {
            return;
        }
        let mut lead = self.at_mut(leader).lead.take().expect("who probes leads");
        lead.longest_way = lead.longest_way.max(turn.ground.delay(leader, follower));
        let last = self.at(leader).log.last();
        // An entry that is proposed is sent when it is ready, which may be later than now.
        let due = lead.window.iter().filter(|entry| entry.proposed > turn.now).count() as u64;
        let transfer = self.transfer_time(turn, &lead, (matched, last - due));
        let progress = &mut lead.progress[follower.index()];
        progress.state = Contact::Streaming;
        progress.matched = matched;
        progress.acked = turn.now;
        progress.flights.clear();
        let state = &mut self.members[follower.index()];
        let mut send = |ready, index| {
            state.fsyncs += 1;
            let (disk, fsyncs) = (&mut state.disk, state.fsyncs);
            let ways = (turn.ground.way(leader, follower, index), turn.ground.way(follower, leader, index));
            progress.send(ready, ways, index, |arrives| disk.sync(arrives, || turn.ground.fsync(follower, fsyncs)));
        };
        if last - due > matched {
            send(turn.now + transfer, last - due);
        }
        for entry in lead.window.iter().filter(|entry| entry.proposed > turn.now) {
            send(entry.proposed, entry.index);
        }
        self.at_mut(leader).lead = Some(lead);
        self.commit_anew(turn, leader);
    }

    /// The time that the entries after `matched` take to a follower: with the database before them, if the leader has no
    /// more entries from that far back.
    fn transfer_time<G: Ground>(
        &self,
        turn: &Turn<'_, G>,
        lead: &Lead,
        (matched, upto): (Index, Index),
    ) -> SimDuration {
        let applied = lead.committed_by(turn.now);
        let snapshot = applied - applied % self.rules.snapshot_count;
        if matched < snapshot.saturating_sub(self.rules.entries_kept) {
            return turn.ground.snapshot() + self.rules.entry_time * upto.saturating_sub(applied);
        }
        self.rules.entry_time * upto.saturating_sub(matched)
    }

    /// Who hears a leader has changed: its entries are committed at other times than was computed, or not to be seen.
    pub(super) fn commit_anew<G: Ground>(&mut self, turn: &mut Turn<'_, G>, leader: MemberId) {
        let now = turn.now;
        self.news += 1;
        let (followers, voters) = (self.quorum() - 1, self.voters);
        let Some(lead) = &mut self.at_mut(leader).lead else { return };
        let mut earlier = SimTime::ZERO;
        let mut window = std::mem::take(&mut lead.window);
        for entry in &mut window {
            if entry.commit > now {
                let mut answers = Answers::new();
                let votes = |(follower, _): &(u32, &Progress)| voters & (1 << follower) != 0;
                for (_, progress) in (0u32..).zip(&lead.progress).filter(votes) {
                    answers.add(progress.acknowledged(entry.index, now));
                }
                entry.commit = entry.durable.max(answers.of(followers)).max(earlier).max(now);
            }
            earlier = entry.commit;
        }
        lead.window = window;
        if lead.first_commit > now {
            lead.first_commit = lead.commit_time(lead.first);
            if (now..SimTime::MAX).contains(&lead.first_commit) {
                turn.effects.push(super::Effect::Decides(lead.first_commit));
            }
        }
    }
}

impl Lead {
    /// What everyone knows by now needs no more keeping.
    fn settle(&mut self, now: SimTime) {
        while let Some(first) = self.window.front().copied() {
            if first.commit >= SimTime::MAX || first.commit + self.longest_way >= now {
                break;
            }
            self.settled = first.index;
            self.window.pop_front();
        }
        for progress in &mut self.progress {
            while let Some(first) = progress.flights.front().copied() {
                if first.acked >= now {
                    break;
                }
                progress.flights.pop_front();
                progress.matched = first.index;
                (progress.arrived, progress.acked) = (first.arrives, first.acked);
            }
        }
    }
}

impl Progress {
    /// The entries up to `index` go out at `ready`: when their acknowledgement is back, by the ways there and back. A message
    /// waits behind those before it, as in one TCP stream. `sync` tells from their arrival when
    /// they are on the follower's disk.
    fn send(
        &mut self,
        ready: SimTime,
        (there, back): (SimDuration, SimDuration),
        index: Index,
        sync: impl FnOnce(SimTime) -> SimTime,
    ) -> SimTime {
        let last = self.flights.back();
        let arrives = (ready + there).max(last.map_or(SimTime::ZERO, |flight| flight.arrives));
        let durable = sync(arrives).max(last.map_or(SimTime::ZERO, |flight| flight.durable));
        let acked = (durable + back).max(last.map_or(SimTime::ZERO, |flight| flight.acked));
        self.flights.push_back(Flight { index, sent: ready, arrives, durable, acked });
        acked
    }

    /// When the leader knows that the follower has an entry on disk; `now` if it does.
    fn acknowledged(&self, index: Index, now: SimTime) -> SimTime {
        if self.matched >= index {
            return now;
        }
        let at = self.flights.partition_point(|flight| flight.index < index);
        self.flights.get(at).map_or(SimTime::MAX, |flight| flight.acked)
    }
}
