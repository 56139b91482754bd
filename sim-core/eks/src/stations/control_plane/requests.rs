//! The table of requests in flight.
//!
//! A request has sides that end apart: its client waits for it, an API server has it in hand, or its cores though it is
//! cancelled, its write is on its way through etcd. Its place is free when all have ended.

use super::flow_control::Seat;
use crate::aim::{Aim, Caller, Level, Outcome};
use crate::ids::{ApiServerId, MemberId, RequestRef};
use crate::probes::Cause;
use crate::stations::network::connections::NONE;
use sim_kernel::{SimDuration, SimTime};

/// How far a request is on its way between its client and an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It has not been sent, or not beyond the point at which its path is silent.
    Waits,
    /// It was sent.
    Sent,
    /// Its answer was sent.
    AnswerSent,
    /// Its answer has come no further than the point at which its path is silent.
    AnswerHeld,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The life of this place in the table.
    pub generation: u32,
    /// Who sent it.
    pub caller: Caller,
    /// What it is for.
    pub aim: Aim,
    /// Entity of its random draws: its client.
    pub entity: u64,
    /// Ordinal of its random draws: which of its client's requests it is.
    pub ordinal: u64,
    /// When its client began it.
    pub begun: SimTime,
    /// When it reached the API server.
    pub arrived: SimTime,
    /// The connection that it is on.
    pub connection: u32,
    /// The next request on that connection.
    pub next: u32,
    /// The one before.
    pub previous: u32,
    /// How far it is on its way.
    pub passage: Passage,
    /// Whether its client still waits.
    pub awaited: bool,
    /// Whether an API server has it in hand, or it is on its way there.
    pub in_hand: bool,
    /// Whether its write is on its way through etcd: it may be committed after everyone has given it up.
    pub proposed: bool,
    /// The API server, once sent.
    pub server: ApiServerId,
    /// That server's life when it was sent.
    pub server_life: u32,
    /// The etcd member that was asked last.
    pub member: MemberId,
    /// The member that led etcd when it was proposed or forwarded.
    pub leader: MemberId,
    /// That member's life when it was reached.
    pub member_life: u32,
    /// When it reached the member.
    pub at_member: SimTime,
    /// Since when the call to the member stalls on a silent connection, if it does.
    pub stalled: Option<SimTime>,
    /// When it is committed at the leader, or a quorum has confirmed it, as computed there.
    pub commit: SimTime,
    /// Where it stands on its server.
    pub standing: Standing,
    /// Bytes of its server's memory that it holds.
    pub memory: u64,
    /// What a 429 told its client to wait.
    pub retry_after: SimDuration,
    /// Its entry: the term.
    pub term: u32,
    /// Its entry: the place in the log.
    pub index: u64,
    /// What of etcd's computed future had been cut when this was computed.
    pub breaks: u32,
    /// Whether the end of its member's patience is set.
    pub times_out: bool,
    /// Which try to ask etcd is under way; it wraps.
    pub etcd_try: u8,
    /// How it ends, once the API server has answered.
    pub answer: Outcome,
    /// Why it was sent.
    pub cause: Cause,
    /// Why it is in trouble, if it is.
    pub trouble: Cause,
}

/// Where a request stands on its API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not there yet, or answered.
    Outside,
    /// It waits for seats, in this queue of this level.
    Queued(Level, u16),
    /// It has seats, and wants or has a core.
    OnCores(Seat),
    /// The same, but nobody wants its answer any more.
    Cancelled(Seat),
    /// It has seats, and waits for etcd.
    InEtcd(Seat),
}

/// All requests in flight; places are used again.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    table: Vec<Request>,
    free: Vec<u32>,
}

impl Requests {
    /// A new request, not yet on its connection's list.
    pub fn add(
        &mut self,
        caller: Caller,
        aim: Aim,
        (entity, ordinal): (u64, u64),
        connection: u32,
        now: SimTime,
    ) -> u32 {
        let fresh = |generation| Request {
            generation,
            caller,
            aim,
            entity,
            ordinal,
            begun: now,
            arrived: now,
            connection,
            next: NONE,
            previous: NONE,
            passage: Passage::Waits,
            awaited: true,
            in_hand: false,
            proposed: false,
            server: ApiServerId(0),
            server_life: 0,
            member: MemberId(0),
            leader: MemberId(0),
            member_life: 0,
            at_member: now,
            stalled: None,
            commit: now,
            standing: Standing::Outside,
            memory: 0,
            retry_after: SimDuration::ZERO,
            term: 0,
            index: 0,
            breaks: 0,
            times_out: false,
            etcd_try: 0,
            answer: Outcome::Succeeded,
            cause: None,
            trouble: None,
        };
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.table[slot as usize];
            *entry = fresh(entry.generation);
            return slot;
        }
        self.table.push(fresh(0));
        self.table.len() as u32 - 1
    }

    /// Frees a place whose request has ended on all sides.
    pub fn free_if_over(&mut self, slot: u32) {
        let entry = &mut self.table[slot as usize];
        let runs_on = matches!(entry.standing, Standing::Cancelled(_));
        if !entry.awaited && !entry.in_hand && !entry.proposed && !runs_on {
            entry.generation += 1;
            self.free.push(slot);
        }
    }

    /// The request at a place.
    pub fn at(&self, slot: u32) -> &Request {
        &self.table[slot as usize]
    }

    /// The request at a place.
    pub fn at_mut(&mut self, slot: u32) -> &mut Request {
        &mut self.table[slot as usize]
    }

    /// The name of the present life of a place, for events.
    pub fn life(&self, slot: u32) -> RequestRef {
        RequestRef { slot, generation: self.at(slot).generation }
    }

    /// Whether a life is still the present one.
    pub fn lives(&self, request: RequestRef) -> bool {
        self.at(request.slot).generation == request.generation
    }

    /// Most requests that were in flight at a time.
    pub fn peak(&self) -> usize {
        self.table.len()
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.table.len() - self.free.len()
    }
}
