//! The etcd cluster: one member in each zone of the control plane, consensus among them, and the requests that wait there.
//!
//! Modelled: see `raft.rs`; followers that forward, requests that wait for a leader or for their entry, what each
//! member believes of the leader; the database in `storage.rs`. Left out: leases of etcd's own.

pub mod cpu;
mod disk;
pub mod journal;
mod raft;
mod rounds;
pub mod storage;
pub mod volume;

use crate::event::EtcdStep;
use crate::ids::{MemberId, RequestRef};
use crate::parameters::EtcdParameters;
use crate::probes::Cause;
use raft::Raft;
pub use raft::{Effect, Fate, Ground, Index, MemberChange, Proposed, Term, Turn, View};
use sim_kernel::{RunKey, SimDuration, SimTime};

/// The members and who leads them.
#[derive(Clone, Debug)]
pub struct Etcd {
    raft: Raft,
    down: Vec<Option<(SimTime, Cause)>>,
    /// By member: the requests that wait there for a leader.
    waiting: Vec<Vec<RequestRef>>,
    /// The writes whose entries are not known to be committed by the members that were asked.
    held: Vec<RequestRef>,
    /// Since when no quorum hears a leader, and why.
    vacant: Option<(SimTime, Cause)>,
    /// The last leader that a quorum heard.
    last_leader: MemberId,
}

/// What has become of the leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// No quorum hears a leader any more.
    Vacated,
    /// A quorum hears this leader, after a vacancy since then.
    Taken {
        /// The leader.
        by: MemberId,
        /// Whether it is the one that a quorum heard before.
        again: bool,
        /// When the vacancy began.
        since: SimTime,
        /// Why it began.
        cause: Cause,
    },
}

impl Etcd {
    /// `members` members under `leader`, in calm.
    pub fn new(
        members: u8,
        leader: MemberId,
        parameters: &EtcdParameters,
        explicit_heartbeats: bool,
        key: RunKey,
    ) -> Self {
        Etcd {
            raft: Raft::new(members, leader, parameters, explicit_heartbeats, key),
            down: vec![None; members.into()],
            waiting: vec![Vec::new(); members.into()],
            held: Vec::new(),
            vacant: None,
            last_leader: leader,
        }
    }

    /// The living leader, of several the one of the newest term.
    pub fn leader(&self) -> Option<MemberId> {
        self.raft.leader()
    }

    /// Since when no quorum hears a leader, and why.
    pub fn vacant_since(&self) -> Option<(SimTime, Cause)> {
        self.vacant
    }

    /// Since when a member leads; the end of time if it does not.
    pub fn leads_since(&self, member: MemberId) -> SimTime {
        self.raft.leads_since(member)
    }

    /// The members' ids.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> + use<> {
        self.raft.ids()
    }

    /// Whether a member is alive.
    pub fn is_up(&self, member: MemberId) -> bool {
        self.raft.is_up(member)
    }

    /// Whether a member takes requests: it is alive and votes.
    pub fn serves(&self, member: MemberId) -> bool {
        self.raft.is_up(member) && self.raft.is_voter(member)
    }

    /// Whether a member's vote counts: a new one is a learner until it has caught up.
    pub fn is_voter(&self, member: MemberId) -> bool {
        self.raft.is_voter(member)
    }

    /// How many members vote, and how many of them decide.
    pub fn voters(&self) -> (usize, usize) {
        (self.raft.voters(), self.raft.quorum())
    }

    /// The leader that a quorum hears takes a change of membership into its log: when it is committed, if nothing breaks
    /// before. `None` where nobody leads, or while another change is not decided.
    pub fn propose_change<G: Ground>(&mut self, now: SimTime, change: MemberChange, ground: &G) -> Option<SimTime> {
        let leader = self.raft.leader_of_a_quorum()?;
        self.raft.propose_change(now, leader, change, ground)?.commit
    }

    /// The change of membership that is under way, and what becomes of it.
    pub fn change_under_way(&mut self, now: SimTime) -> Option<(MemberChange, Fate)> {
        self.raft.change_under_way(now)
    }

    /// A change of membership that is decided takes effect, or is forgotten.
    pub fn settle_change<G: Ground>(&mut self, turn: &mut Turn<'_, G>) {
        self.raft.settle_change(turn);
    }

    /// Whether a learner has so large a share of its leader's log that it may vote.
    pub fn has_caught_up(&self, now: SimTime, learner: MemberId, share: f64) -> bool {
        self.raft.has_caught_up(now, learner, share)
    }

    /// When and why a member died, if it is dead.
    pub fn down_since(&self, member: MemberId) -> Option<(SimTime, Cause)> {
        self.down[member.index()]
    }

    /// How often a member has died: the generation of what runs on it.
    pub fn life(&self, member: MemberId) -> u32 {
        self.raft.life(member)
    }

    /// A member's term.
    pub fn term(&self, member: MemberId) -> Term {
        self.raft.term(member)
    }

    /// What a member can do with a request.
    pub fn view(&self, member: MemberId) -> View {
        self.raft.view(member)
    }

    /// Whether messages pass between two members.
    pub fn is_linked(&self, a: MemberId, b: MemberId) -> bool {
        self.raft.is_linked(a, b)
    }

    /// How often something that had been computed was cut: what was computed since is sure.
    pub fn breaks(&self) -> u32 {
        self.raft.breaks()
    }

    /// A write is at a leader, and its entry is `ready` for log and network, at `now` or later.
    pub fn replicate<G: Ground>(&mut self, now: SimTime, ready: SimTime, leader: MemberId, ground: &G) -> Proposed {
        self.raft.propose(now, ready, leader, ground)
    }

    /// When a member knows that an entry is committed and has it; `way` is the leader's to it.
    pub fn learns(&self, member: MemberId, now: SimTime, index: Index, way: SimDuration) -> Option<SimTime> {
        self.raft.learns(member, now, index, way)
    }

    /// How far a member has applied the log at `now`: what a serializable read there sees, stale where it is cut off.
    pub fn applied<G: Ground>(&self, now: SimTime, member: MemberId, ground: &G) -> Index {
        self.raft.applied(now, member, ground)
    }

    /// What becomes of an entry.
    pub fn fate(&mut self, now: SimTime, term: Term, index: Index) -> Fate {
        self.raft.fate(now, term, index)
    }

    /// A member is asked as the leader for a linearizable read: when a quorum has confirmed that it leads. `None` if it does
    /// not, or no quorum hears it.
    pub fn confirm<G: Ground>(&self, asked: SimTime, leader: MemberId, ground: &G) -> Option<SimTime> {
        if self.view(leader) == View::Leads { self.raft.confirm(asked, leader, ground) } else { None }
    }

    /// How far a read must see that a leader is asked for at `asked`.
    pub fn read_index(&self, leader: MemberId, asked: SimTime) -> Index {
        self.raft.read_index(leader, asked)
    }

    /// Whether what was computed for a read came true: a quorum heard the leader from `from` to `confirmed`, the member
    /// that was asked until `told`.
    pub fn was_confirmed(
        &self,
        (leader, member): (MemberId, MemberId),
        from: SimTime,
        (confirmed, told): (SimTime, SimTime),
    ) -> bool {
        self.raft.was_heard(leader, from, confirmed) && self.raft.has_heard(member, leader, from, told)
    }

    /// A request waits at a member until there is a leader.
    pub fn wait(&mut self, member: MemberId, request: RequestRef) {
        self.waiting[member.index()].push(request);
    }

    /// The requests that waited at a member for a leader.
    pub fn found(&mut self, member: MemberId) -> Vec<RequestRef> {
        std::mem::take(&mut self.waiting[member.index()])
    }

    /// A write waits for its entry's fate, or for its member to learn of it.
    pub fn hold(&mut self, request: RequestRef) {
        self.held.push(request);
    }

    /// The writes that wait: something has happened that may decide them.
    pub fn held(&mut self) -> Vec<RequestRef> {
        std::mem::take(&mut self.held)
    }

    /// How often something has happened that may decide who leads or what becomes of an entry.
    pub fn news(&self) -> u32 {
        self.raft.news()
    }

    /// The first wake-ups of a run.
    pub fn begin<G: Ground>(&mut self, turn: &mut Turn<'_, G>) {
        self.raft.begin(turn);
    }

    /// Something that a member waited for happens.
    pub fn step<G: Ground>(&mut self, turn: &mut Turn<'_, G>, step: EtcdStep) {
        match step {
            EtcdStep::Message(message) => self.raft.deliver(turn, message),
            EtcdStep::PatienceEnds(member, clock) => self.raft.patience_ends(turn, member, clock),
            EtcdStep::CheckQuorum(leader, check) => self.raft.check_quorum(turn, leader, check),
            EtcdStep::Decided => self.raft.decides(),
            EtcdStep::Heartbeat(leader, term) => self.raft.beat(turn, leader, term),
        }
    }

    /// A member dies; who waited there for a leader waits for nothing.
    pub fn die<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId, cause: Cause) {
        self.down[member.index()] = Some((turn.now, cause));
        self.waiting[member.index()].clear();
        self.raft.die(turn, member);
    }

    /// A dead member takes part again.
    pub fn start<G: Ground>(&mut self, turn: &mut Turn<'_, G>, member: MemberId) {
        self.down[member.index()] = None;
        self.raft.start(turn, member);
    }

    /// From now on messages pass between members where `reaches` says so, both ways.
    pub fn ways<G: Ground>(&mut self, turn: &mut Turn<'_, G>, reaches: impl Fn(MemberId, MemberId) -> bool) {
        self.raft.ways(turn, reaches);
    }

    /// Compares the leadership with what it was; `cause` is why it may have changed.
    pub fn leadership(&mut self, now: SimTime, cause: Cause) -> Option<Leadership> {
        match (self.raft.leader_of_a_quorum(), self.vacant) {
            (None, None) => {
                self.vacant = Some((now, cause));
                Some(Leadership::Vacated)
            }
            (Some(by), Some((since, cause))) => {
                let again = by == self.last_leader && self.raft.leads_since(by) <= since;
                self.vacant = None;
                self.last_leader = by;
                Some(Leadership::Taken { by, again, since, cause })
            }
            _ => None,
        }
    }
}
