//! Connections of clients to API servers: HTTP/2, one for a kubelet, one for each command of an external client, a
//! loopback for a component on an API server instance.
//!
//! A connection knows the requests on it, so that all of them share its fate. A dead path is noticed only by timers:
//! nothing is read for `read_idle`, a ping stays unanswered for `ping_timeout`. An answered ping counts as read when
//! it was sent; its round trip is neglected. Streams and flow-control windows are not modelled.

use super::dns::{Address, Addresses};
use super::zones::Origin;
use crate::ids::{ApiServerId, Component, ConnectionRef, NodeId};
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The end of a list.
pub const NONE: u32 = u32::MAX;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A kubelet's; it lives as long as the node.
    Kubelet(NodeId),
    /// A component's on an API server instance: a loopback.
    Component(Component, ApiServerId),
    /// A process of a workload client's; it lives as long as the node.
    Workload(u32),
    /// An external client's, for one command.
    External(u32),
    /// Of the client that submits the pods of a trace.
    Submitter,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// There is none; the next request opens it.
    Closed,
    /// The name is being resolved.
    Resolving {
        /// When the dial began.
        since: SimTime,
    },
    /// An address is being tried.
    Dialing {
        /// When the dial began.
        since: SimTime,
        /// The address that is tried.
        address: Address,
        /// The addresses that remain.
        rest: Addresses,
        /// What is behind the address.
        far: Far,
        /// When this address was first tried: its SYN is repeated from then on.
        tried: SimTime,
        /// When its share of the dial time is over.
        until: SimTime,
    },
    /// Open, as the client believes.
    Open {
        /// The address that it goes through.
        through: Address,
        /// The API server at its other end.
        server: ApiServerId,
        /// Since when nothing comes through, and why; the client does not know.
        silent: Option<(SimTime, Cause)>,
    },
}

/// What a dial finds behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// An API server that answers.
    Answers(ApiServerId),
    /// A living machine on which nothing listens: the connection is refused.
    Refuses(ApiServerId),
    /// Nothing.
    Silent,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The life of this place in the table.
    pub generation: u32,
    /// Whose it is.
    pub owner: Owner,
    /// Where its client is.
    pub origin: Origin,
    /// How far it is.
    pub state: ConnectionState,
    /// When something was last read.
    pub last_read: SimTime,
    /// When a request was last sent.
    pub last_sent: SimTime,
    /// Which one of its owner's connections it is, where the owner opens one after another.
    pub number: u32,
    /// Dials so far: the ordinal of their draws.
    pub dials: u32,
    /// The losses of power of the zone of that address and the lives of the API server when it was opened.
    pub met: (u32, u32),
    /// Whether the other end has reset it and the client does not know.
    pub is_forgotten: bool,
    /// When the client first sent something into a silence.
    pub unanswered: Option<SimTime>,
    /// When the API server first sent something into a silence.
    pub unheard: Option<SimTime>,
    /// Why it is not open, if something went wrong.
    pub cause: Cause,
    /// The first request on it; [`NONE`] if there is none.
    pub first: u32,
    /// The last request on it.
    pub last: u32,
    /// Whether its server has said GOAWAY: it ends with its last request.
    pub retired: bool,
    /// The retired connection that it took over from, if requests were still on that.
    pub before: Option<ConnectionRef>,
}

impl Connection {
    /// For how long no packet has passed: a client that reads nothing for `read_idle` pings.
    pub fn silent_for(&self, now: SimTime, read_idle: SimDuration) -> SimDuration {
        now.saturating_since(self.last_read.max(self.last_sent)).min(read_idle)
    }

    /// When the client gives a path up that has been silent since `since`: the last read before, or the last answered
    /// ping, plus read-idle and ping time-out.
    pub fn given_up_at(&self, since: SimTime, read_idle: SimDuration, ping_timeout: SimDuration) -> SimTime {
        let idle = since.saturating_since(self.last_read).as_nanos();
        let answered_pings = idle.checked_div(read_idle.as_nanos()).unwrap_or(0);
        self.last_read + read_idle * answered_pings + read_idle + ping_timeout
    }
}

/// All connections of a run; places are used again.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    table: Vec<Connection>,
    free: Vec<u32>,
}

impl Connections {
    /// A new, closed connection: its place in the table.
    pub fn add(&mut self, owner: Owner, origin: Origin) -> u32 {
        let fresh = |generation| Connection {
            generation,
            owner,
            origin,
            state: ConnectionState::Closed,
            last_read: SimTime::ZERO,
            last_sent: SimTime::ZERO,
            number: 0,
            dials: 0,
            met: (0, 0),
            is_forgotten: false,
            unanswered: None,
            unheard: None,
            cause: None,
            first: NONE,
            last: NONE,
            retired: false,
            before: None,
        };
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.table[slot as usize];
            *entry = fresh(entry.generation);
            return slot;
        }
        self.table.push(fresh(0));
        self.table.len() as u32 - 1
    }

    /// A connection ends with its last request; another one takes over: its place in the table.
    pub fn retire(&mut self, slot: u32) -> u32 {
        let (owner, origin, dials) = (self.at(slot).owner, self.at(slot).origin, self.at(slot).dials);
        let before = self.life(slot);
        self.at_mut(slot).retired = true;
        let next = self.add(owner, origin);
        let entry = self.at_mut(next);
        (entry.dials, entry.before) = (dials, Some(before));
        next
    }

    /// Whether a connection is retired and carries no request any more.
    pub fn is_over(&self, slot: u32) -> bool {
        let entry = self.at(slot);
        entry.retired && entry.first == NONE
    }

    /// Ends a connection for good; it must carry no request.
    pub fn remove(&mut self, slot: u32) {
        let entry = self.at_mut(slot);
        assert_eq!(entry.first, NONE, "a connection outlives its requests");
        entry.state = ConnectionState::Closed;
        entry.generation += 1;
        self.free.push(slot);
    }

    /// The connection at a place.
    pub fn at(&self, slot: u32) -> &Connection {
        &self.table[slot as usize]
    }

    /// The connection at a place.
    pub fn at_mut(&mut self, slot: u32) -> &mut Connection {
        &mut self.table[slot as usize]
    }

    /// The name of the present life of a place, for events.
    pub fn life(&self, slot: u32) -> ConnectionRef {
        ConnectionRef { slot, generation: self.at(slot).generation }
    }

    /// Whether a life is still the present one.
    pub fn lives(&self, connection: ConnectionRef) -> bool {
        self.at(connection.slot).generation == connection.generation
    }

    /// Puts a connection into another state for good: what was scheduled for it before does nothing any more.
    pub fn turn(&mut self, slot: u32, state: ConnectionState) -> ConnectionRef {
        let entry = self.at_mut(slot);
        entry.state = state;
        entry.generation += 1;
        self.life(slot)
    }

    /// Opens a connection to an API server in that life, through an address after so many losses of power.
    pub fn open(&mut self, slot: u32, through: Address, server: ApiServerId, met: (u32, u32)) -> ConnectionRef {
        let connection = self.at_mut(slot);
        (connection.met, connection.is_forgotten) = (met, false);
        (connection.unanswered, connection.unheard) = (None, None);
        self.turn(slot, ConnectionState::Open { through, server, silent: None })
    }

    /// Whether what has the address and the API server of a connection, which are in these lives, still know it.
    pub fn is_known(&self, slot: u32, lives: (u32, u32)) -> bool {
        let connection = self.at(slot);
        connection.met == lives && !connection.is_forgotten
    }

    /// Places in the table, with those that are free.
    pub fn slots(&self) -> u32 {
        self.table.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::super::vpc::SiteId;
    use super::super::zones::Place;
    use super::*;

    const OUTSIDE: Origin = Origin { place: Place::Internet(0), site: SiteId(1) };

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_silent_path_is_given_up_45_seconds_after_the_last_read_or_answered_ping() {
        let mut connections = Connections::default();
        let slot = connections.add(Owner::External(0), OUTSIDE);
        let connection = connections.at_mut(slot);
        connection.last_read = at(100);
        let (idle, ping) = (SimDuration::from_secs(30), SimDuration::from_secs(15));
        assert_eq!(connection.given_up_at(at(105), idle, ping), at(145));
        assert_eq!(connection.given_up_at(at(165), idle, ping), at(205), "pings at 130 and 160 were answered");
    }

    #[test]
    fn a_place_is_used_again_under_a_new_generation() {
        let mut connections = Connections::default();
        let slot = connections.add(Owner::External(0), OUTSIDE);
        let first = connections.life(slot);
        connections.remove(slot);
        assert_eq!(connections.add(Owner::External(1), OUTSIDE), slot);
        assert!(!connections.lives(first) && connections.lives(connections.life(slot)));
    }
}
