//! Consensus among the members, as etcd's raft has it: terms, votes, logs, and who may say that an entry is committed.
//!
//! What happens rarely is a message that somebody delivers: votes, the first append after silence and its answer. What
//! happens always is computed, because nothing can come of it but one thing: where a follower hears its leader, each
//! entry's way to it, its fsync there and the acknowledgement's way back are known when the entry is proposed, and so are
//! the heartbeats and their answers. This ends when something breaks (a member dies, a link is cut, somebody learns of a
//! newer term): then the computed future is cut at that moment. What had not arrived never arrives, or is a message now if
//! only its sender is gone; what was not on disk is lost with its member; and the clocks run from the last heartbeat.
//!
//! Modelled besides: pre-vote, votes on disk before they are given, randomised patience in ticks, the lease by which a
//! member that hears a leader refuses to vote, a leader's first entry, CheckQuorum, reads that a quorum confirms, followers
//! that lag, catch-up by entries or by a snapshot, changes of membership with learners. Left out: transfer of leadership, flow
//! control of appends, partial arrival of a long catch-up.

mod election;
mod heartbeats;
mod link;
mod log;
mod membership;
mod messages;
mod replication;

use super::disk::Disk;
use crate::ids::MemberId;
use crate::parameters::EtcdParameters;
use link::End;
pub use log::{Index, Log, Term};
pub use membership::MemberChange;
use membership::UnderWay;
use messages::Messages;
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime};
use std::collections::VecDeque;

const TICK_PHASE: Purpose = Purpose::new("etcd/tick-phase");
const LOG_LENGTH: Purpose = Purpose::new("etcd/log-length");

/// What lies between the members, and below them.
pub trait Ground {
    /// The time of a message between two members.
    fn delay(&self, from: MemberId, to: MemberId) -> SimDuration;
    /// The time of one message between two members, with the repetitions of what is lost on the way. `number` tells it from
    /// others between the same two.
    fn way(&self, from: MemberId, to: MemberId, _number: u64) -> SimDuration {
        self.delay(from, to)
    }
    /// The time of an fsync of a member; `ordinal` counts those that no client's write began.
    fn fsync(&self, member: MemberId, ordinal: u64) -> SimDuration;
    /// The time that the database of a member takes to another one.
    fn snapshot(&self) -> SimDuration;
}

/// One moment in which something happens to the members, and what comes of it.
pub struct Turn<'a, G> {
    /// The moment.
    pub now: SimTime,
    /// What lies between the members.
    pub ground: &'a G,
    /// Filled with what must be done: wake-ups to schedule, news to tell.
    pub effects: &'a mut Vec<Effect>,
}

/// What comes of something that happens to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A message is delivered at this time.
    Message(SimTime, u32),
    /// A member's patience ends at this time, under this generation of its clock.
    Patience(SimTime, MemberId, u32),
    /// A leader asks itself at this time if it has heard a quorum, under this generation of the question.
    CheckQuorum(SimTime, MemberId, u32),
    /// A leader sends heartbeats at this time, in this term: only where heartbeats are explicit.
    Beat(SimTime, MemberId, Term),
    /// A new leader's first entry is committed at this time: what becomes of older ones is decided then.
    Decides(SimTime),
    /// A member begins to lead.
    Leads(MemberId),
    /// A member has heard of a leader.
    Follows(MemberId),
    /// A leader gives up: it has heard of a newer term, or else it has not heard a quorum.
    StepsDown(MemberId, bool),
}

/// The rules that hold for all members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether a majority decides: tests take the rule away.
    majority: bool,
    tick: SimDuration,
    /// Ticks of silence after which a follower may be a candidate; its own patience is one to two times that.
    patience_ticks: u64,
    pre_vote: bool,
    check_quorum: bool,
    snapshot_count: u64,
    entries_kept: u64,
    entry_time: SimDuration,
    explicit_heartbeats: bool,
}

/// The members' consensus.
#[derive(Clone, Debug)]
pub struct Raft {
    members: Vec<Member>,
    /// By pair, row-major, the same both ways.
    links: Vec<Link>,
    messages: Messages,
    rules: Rules,
    key: RunKey,
    /// The members whose votes count, by bit.
    voters: u32,
    /// The change of membership that is not decided.
    under_way: Option<UnderWay>,
    /// What is known to be committed, by whoever looks at all members.
    committed: Log,
    /// How often something that was computed has been cut.
    breaks: u32,
    /// How often something has happened that may decide who leads or what becomes of an entry.
    news: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    up: bool,
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

#[derive(Clone, Debug)]
struct Member {
    up: bool,
    lives: u32,
    term: Term,
    vote: Option<MemberId>,
    /// Terms and votes with the time from which they are on disk; the first one is.
    saved: VecDeque<(SimTime, Term, Option<MemberId>)>,
    role: Role,
    /// Whom it takes for the leader; dead ones too, until its patience ends.
    leader: Option<MemberId>,
    /// Since when it hears that leader without a break.
    hears: Option<Hearing>,
    /// The last time in which it heard one, and when that ended.
    heard_before: Option<(Hearing, SimTime)>,
    /// When it last heard of a leader, or gave its vote, while it hears none.
    heard: SimTime,
    /// When it last received a heartbeat, where they are explicit.
    beat: SimTime,
    granted: u32,
    refused: u32,
    clock: u32,
    tick_phase: SimDuration,
    disk: Disk,
    /// Fsyncs that no client's write began.
    fsyncs: u64,
    log: Log,
    /// When entries from an index on are on disk, where that is not yet so.
    unsynced: Vec<(SimTime, Index)>,
    /// How far it knows the log to be committed, while it neither leads nor hears.
    commit: Index,
    lead: Option<Box<Lead>>,
}

/// A follower hears its leader: all messages between them are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hearing {
    leader: MemberId,
    term: Term,
    since: SimTime,
}

/// What a leader knows.
#[derive(Clone, Debug)]
struct Lead {
    term: Term,
    since: SimTime,
    /// Its own first entry.
    first: Index,
    /// When that entry is committed: before, it confirms no read.
    first_commit: SimTime,
    /// By member.
    progress: Vec<Progress>,
    /// The entries that are not known to all who hear it.
    window: VecDeque<Unsettled>,
    /// Up to here entries are committed, and known to be by all who hear it.
    settled: Index,
    /// The longest way to a follower.
    longest_way: SimDuration,
    check: u32,
    check_due: Option<SimTime>,
    /// When it last sent heartbeats, where they are explicit.
    last_beat: Option<SimTime>,
}

#[derive(Clone, Copy, Debug)]
struct Unsettled {
    index: Index,
    proposed: SimTime,
    durable: SimTime,
    /// [`SimTime::MAX`] while no quorum is to be seen.
    commit: SimTime,
}

/// What a leader knows of a follower.
#[derive(Clone, Debug)]
struct Progress {
    state: Contact,
    /// The entries up to here are on its disk.
    matched: Index,
    flights: VecDeque<Flight>,
    /// When the last entry arrived there that is no more in flight.
    arrived: SimTime,
    /// When the last answer came back.
    acked: SimTime,
    /// When the last answer to a heartbeat came back, where they are explicit.
    beat: SimTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contact {
    /// Nothing passes.
    None,
    /// The first append after silence is on its way.
    Probing,
    /// Entries go out as they are proposed.
    Streaming,
}

/// The entries up to `index`, on their way to a follower and back as an acknowledgement.
#[derive(Clone, Copy, Debug)]
struct Flight {
    index: Index,
    sent: SimTime,
    arrives: SimTime,
    durable: SimTime,
    acked: SimTime,
}

/// What comes of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The leader's term.
    pub term: Term,
    /// The entry's place.
    pub index: Index,
    /// When it is committed, if nothing breaks before; `None` while no quorum is to be seen.
    pub commit: Option<SimTime>,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is committed.
    Committed,
    /// It will be, if nothing breaks before.
    Due(SimTime),
    /// It may still be, or not.
    Open,
    /// Another entry has its place.
    Lost,
}

/// What a member can do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// It is dead.
    Down,
    /// It leads.
    Leads,
    /// It forwards to this member, alive or not.
    Follows(MemberId),
    /// It knows no leader: the request waits for one.
    Leaderless,
}

impl Rules {
    fn new(parameters: &EtcdParameters, explicit_heartbeats: bool) -> Self {
        let tick = parameters.heartbeat_interval;
        let kib_per_second = parameters.catch_up_rate * 1024.0;
        Rules {
            majority: true,
            tick,
            patience_ticks: (parameters.election_timeout.as_nanos() / tick.as_nanos()).max(1),
            pre_vote: parameters.pre_vote,
            check_quorum: parameters.check_quorum,
            snapshot_count: parameters.snapshot_count,
            entries_kept: parameters.snapshot_entries_kept,
            entry_time: SimDuration::from_secs_f64(parameters.entry_kib / kib_per_second),
            explicit_heartbeats,
        }
    }
}

impl Raft {
    /// `members` members under `leader`, in calm: everyone hears it and has its log.
    pub fn new(
        members: u8,
        leader: MemberId,
        parameters: &EtcdParameters,
        explicit_heartbeats: bool,
        key: RunKey,
    ) -> Self {
        let rules = Rules::new(parameters, explicit_heartbeats);
        // Somewhere between two snapshots, the first of which is long taken.
        let length = rules.snapshot_count + key.draw(LOG_LENGTH, 0, 0).below(rules.snapshot_count) + 1;
        let log = Log::of(1, length);
        let member = |id: u8| Member::new(id, leader, &log, rules.tick, key);
        let mut members: Vec<Member> = (0..members).map(member).collect();
        let count = members.len();
        members[leader.index()].role = Role::Leader;
        members[leader.index()].hears = None;
        members[leader.index()].lead = Some(Box::new(Lead::in_calm(count, leader, length)));
        Raft {
            links: vec![Link { up: true, generation: 0 }; count * count],
            members,
            messages: Messages::default(),
            rules,
            key,
            voters: (1 << count) - 1,
            under_way: None,
            committed: log,
            breaks: 0,
            news: 0,
        }
    }

    /// The first wake-ups of a run: heartbeats, where they are explicit.
    pub fn begin<G: Ground>(&mut self, turn: &mut Turn<'_, G>) {
        if let Some(leader) = self.ids().find(|id| self.leads(*id)) {
            self.await_beat(turn, leader);
        }
    }

    /// The members' ids.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.members.len() as u8).map(MemberId)
    }

    /// Whether a member is alive.
    pub fn is_up(&self, member: MemberId) -> bool {
        self.at(member).up
    }

    /// How often a member has died: the generation of what runs on it.
    pub fn life(&self, member: MemberId) -> u32 {
        self.at(member).lives
    }

    /// A member's term.
    pub fn term(&self, member: MemberId) -> Term {
        self.at(member).term
    }

    /// How often something that had been computed was cut: what was computed since is sure.
    pub fn breaks(&self) -> u32 {
        self.breaks
    }

    /// How often something has happened that may decide who leads or what becomes of an entry.
    pub fn news(&self) -> u32 {
        self.news
    }

    /// A leader's first entry is committed now, and so decides what becomes of older ones.
    pub fn decides(&mut self) {
        self.news += 1;
    }

    /// Whether a member heard this leader without a break from `from` to `until`; a leader hears itself.
    pub fn has_heard(&self, member: MemberId, leader: MemberId, from: SimTime, until: SimTime) -> bool {
        let covers = |hearing: &Hearing| hearing.leader == leader && hearing.since <= from;
        let state = self.at(member);
        member == leader
            || state.hears.as_ref().is_some_and(covers)
            || state.heard_before.is_some_and(|(hearing, ended)| covers(&hearing) && ended >= until)
    }

    /// Whether messages pass between two members.
    pub fn is_linked(&self, a: MemberId, b: MemberId) -> bool {
        a == b || self.links[a.index() * self.members.len() + b.index()].up
    }

    /// What a member can do with a request.
    pub fn view(&self, member: MemberId) -> View {
        let state = self.at(member);
        match state.leader {
            _ if !state.up => View::Down,
            _ if state.role == Role::Leader => View::Leads,
            Some(leader) => View::Follows(leader),
            None => View::Leaderless,
        }
    }

    /// The living leader: of several the one of the newest term.
    pub fn leader(&self) -> Option<MemberId> {
        self.ids().filter(|id| self.leads(*id)).max_by_key(|id| self.at(*id).term)
    }

    /// The leader that a quorum hears.
    pub fn leader_of_a_quorum(&self) -> Option<MemberId> {
        self.leader().filter(|leader| self.is_heard_by_a_quorum(*leader))
    }

    /// Since when a member leads; the end of time if it does not.
    pub fn leads_since(&self, member: MemberId) -> SimTime {
        self.at(member).lead.as_ref().map_or(SimTime::MAX, |lead| lead.since)
    }

    fn leads(&self, member: MemberId) -> bool {
        self.at(member).lead.is_some()
    }

    fn at(&self, member: MemberId) -> &Member {
        &self.members[member.index()]
    }

    fn at_mut(&mut self, member: MemberId) -> &mut Member {
        &mut self.members[member.index()]
    }

    /// Whether a follower hears a leader in its present term.
    fn hears(&self, follower: MemberId, leader: MemberId) -> bool {
        let Some(lead) = &self.at(leader).lead else { return false };
        self.at(follower).hears.is_some_and(|hearing| hearing.leader == leader && hearing.term == lead.term)
    }

    fn is_heard_by_a_quorum(&self, leader: MemberId) -> bool {
        1 + self.ids().filter(|id| self.is_voter(*id) && self.hears(*id, leader)).count() >= self.quorum()
    }

    /// What becomes of an entry, as far as is to be seen at `now`.
    pub fn fate(&mut self, now: SimTime, term: Term, index: Index) -> Fate {
        self.note_commits(now);
        match self.committed.term_at(index) {
            Some(found) if found == term => return Fate::Committed,
            Some(_) => return Fate::Lost,
            None if self.committed.last_term() > term => return Fate::Lost,
            None => {}
        }
        let holds = |member: &&Member| member.log.term_at(index) == Some(term);
        let leads = self.members.iter().filter(holds).filter_map(|member| member.lead.as_deref());
        let due = leads.map(|lead| lead.commit_time(index)).min().filter(|at| *at < SimTime::MAX);
        due.map_or(Fate::Open, Fate::Due)
    }

    /// When a member knows that an entry is committed and has it: `None` while that is not to be seen.
    pub fn learns(&self, member: MemberId, now: SimTime, index: Index, way: SimDuration) -> Option<SimTime> {
        let state = self.at(member);
        if !state.up {
            return None;
        }
        if state.commit >= index && state.lead.is_none() {
            return Some(now);
        }
        let at = if let Some(lead) = &state.lead {
            lead.commit_time(index)
        } else {
            let leader = state.hears.filter(|hearing| self.hears(member, hearing.leader))?.leader;
            let lead = self.at(leader).lead.as_deref()?;
            let commit = lead.commit_time(index);
            let there = lead.progress[member.index()].durable(index)?;
            if commit == SimTime::MAX { commit } else { there.max(commit + way) }
        };
        (at < SimTime::MAX).then_some(at.max(now))
    }

    /// Keeps what the leaders have committed by now.
    fn note_commits(&mut self, now: SimTime) {
        for member in &self.members {
            let Some(lead) = &member.lead else { continue };
            let upto = lead.committed_by(now);
            if upto > self.committed.last() {
                self.committed.adopt(&member.log, upto);
            }
        }
    }
}

impl Member {
    fn new(id: u8, leader: MemberId, log: &Log, tick: SimDuration, key: RunKey) -> Self {
        let calm = Hearing { leader, term: 1, since: SimTime::ZERO };
        Member {
            up: true,
            lives: 0,
            term: 1,
            vote: Some(leader),
            saved: VecDeque::from([(SimTime::ZERO, 1, Some(leader))]),
            role: Role::Follower,
            leader: Some(leader),
            hears: Some(calm),
            heard_before: None,
            heard: SimTime::ZERO,
            beat: SimTime::ZERO,
            granted: 0,
            refused: 0,
            clock: 0,
            tick_phase: tick.scaled(key.draw(TICK_PHASE, u64::from(id), 0).uniform()),
            disk: Disk::default(),
            fsyncs: 0,
            log: log.clone(),
            unsynced: Vec::new(),
            commit: log.last(),
            lead: None,
        }
    }
}

impl Lead {
    /// Since the beginning of the run, with nothing under way.
    fn in_calm(members: usize, leader: MemberId, length: Index) -> Self {
        let mut lead = Lead::new(members, 1, SimTime::ZERO, length, length);
        lead.first_commit = SimTime::ZERO;
        for progress in &mut lead.progress {
            progress.state = Contact::Streaming;
            progress.matched = length;
        }
        lead.progress[leader.index()].state = Contact::None; // its own disk counts by itself
        lead
    }

    fn new(members: usize, term: Term, since: SimTime, first: Index, settled: Index) -> Self {
        Lead {
            term,
            since,
            first,
            first_commit: SimTime::MAX,
            progress: vec![Progress::unknown(); members],
            window: VecDeque::new(),
            settled,
            longest_way: SimDuration::ZERO,
            check: 0,
            check_due: None,
            last_beat: None,
        }
    }

    /// Up to where entries are committed at `at`, which is not long ago.
    fn committed_by(&self, at: SimTime) -> Index {
        let mut upto = self.settled;
        for entry in &self.window {
            if entry.commit > at {
                break;
            }
            upto = entry.index;
        }
        upto
    }

    /// When an entry is committed: time zero if that is settled, [`SimTime::MAX`] while it is not to be seen.
    fn commit_time(&self, index: Index) -> SimTime {
        if index <= self.settled {
            return SimTime::ZERO;
        }
        let at = self.window.partition_point(|entry| entry.index < index);
        self.window.get(at).map_or(SimTime::MAX, |entry| entry.commit)
    }
}

impl Progress {
    /// When the entries up to `index` are on the follower's disk, if they are on their way.
    fn durable(&self, index: Index) -> Option<SimTime> {
        if self.state != Contact::Streaming {
            return None;
        }
        if self.matched >= index {
            return Some(SimTime::ZERO);
        }
        let at = self.flights.partition_point(|flight| flight.index < index);
        self.flights.get(at).map(|flight| flight.durable)
    }
}

#[cfg(test)]
mod safety;
#[cfg(test)]
mod tests;
