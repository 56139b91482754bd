//! An API request:
//!
//! ```text
//! client -> connection -> NLB node -> Arrives -> (429 | queue) -> a core -> Processed -> etcd member -> AtMember
//!                                                                              |            -> its leader -> AtLeader
//! client <- Answered <- NLB node <----------------------------------------------- Committed <- disk and quorum
//! ```
//!
//! Whatever dies on the way leaves the request where it was: its client learns of it only through its own timers.

use crate::aim::{Aim, Caller, Outcome, Work};
use crate::event::{Event, Future, RequestStep};
use crate::ids::{ApiServerId, MemberId, RequestRef};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Admission, LinkState, Request, View};
use crate::stations::network::connections::NONE;
use crate::stations::network::{ConnectionState, Place};
use crate::world::World;
use sim_kernel::{Draw, Purpose, SimDuration, SimTime};

const WAY_THERE: Purpose = Purpose::new("request/way-there");
const CPU: Purpose = Purpose::new("request/cpu");
const ETCD: Purpose = Purpose::new("request/etcd");
const FORWARD: Purpose = Purpose::new("request/forward");
const ETCD_BACK: Purpose = Purpose::new("request/etcd-back");
const FSYNC: Purpose = Purpose::new("etcd/fsync");
const WAY_BACK: Purpose = Purpose::new("request/way-back");

impl World {
    /// Sends a request for `caller`. Its write takes effect through `committed`, its caller learns through `answered`.
    pub(crate) fn call(&mut self, now: SimTime, caller: Caller, aim: Aim, cause: Cause, future: &mut Future) {
        let connection = self.connection_of(caller);
        let identity = self.identity(caller);
        let slot = self.requests.add(caller, aim, identity, connection, now);
        self.requests.at_mut(slot).cause = cause;
        self.put_on_connection(slot, connection);
        self.probes.requests.begins(now, aim);
        if let Some(lane) = self.lanes.deadline(caller, aim) {
            future.schedule_in_lane(lane, Event::RequestDeadline(self.requests.life(slot)));
        }
        match self.connections.at(connection).state {
            ConnectionState::Open { .. } => self.send(now, slot, future),
            ConnectionState::Closed => self.dial(now, connection, future),
            ConnectionState::Resolving { .. } | ConnectionState::Dialing { .. } => {} // sent when it opens
        }
    }

    /// Handles a step of a request; one of an earlier life does nothing, and one that its server or its try has not
    /// survived neither. What etcd commits is committed, though nobody may wait for it any more.
    pub(crate) fn api_request(&mut self, now: SimTime, request: RequestRef, step: RequestStep, future: &mut Future) {
        if !self.requests.lives(request) {
            return;
        }
        let slot = request.slot;
        match step {
            RequestStep::Answered => return self.answer_arrives(now, slot, future),
            RequestStep::Committed(of) => return self.request_committed(now, slot, of, future),
            _ => {}
        }
        let entry = self.requests.at(slot);
        if self.api_servers[entry.server.index()].life() != entry.server_life {
            return self.drop_from_server(slot); // it died with its server
        }
        let current = entry.etcd_try;
        match step {
            RequestStep::Arrives => self.request_arrives(now, slot, future),
            RequestStep::Processed => self.request_processed(now, slot, future),
            RequestStep::AtMember(of) if of == current => self.request_at_member(now, slot, future),
            RequestStep::AtLeader(of) if of == current => self.request_at_leader(now, slot, future),
            RequestStep::EtcdFailed(of) if of == current => self.etcd_failed(now, slot, future),
            _ => {}
        }
    }

    /// The draws of a request for one purpose.
    fn draw_for(&self, slot: u32, purpose: Purpose) -> Draw {
        let request = self.requests.at(slot);
        self.key.draw(purpose, request.entity, request.ordinal)
    }

    fn at_step(&self, slot: u32, step: RequestStep) -> Event {
        Event::Request(self.requests.life(slot), step)
    }

    /// A step in etcd of the present try.
    fn in_etcd(&self, slot: u32, step: fn(u8) -> RequestStep) -> Event {
        self.at_step(slot, step(self.requests.at(slot).etcd_try))
    }

    /// Puts a request on its open connection. Where the path is silent it goes nowhere.
    pub(crate) fn send(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let connection = self.connections.at(self.requests.at(slot).connection);
        let ConnectionState::Open { through, server, silent } = connection.state else {
            unreachable!("requests are sent on open connections");
        };
        let place = connection.place;
        let request = self.requests.at_mut(slot);
        if let Some((_, cause)) = silent {
            request.trouble = request.trouble.or(cause);
            return;
        }
        request.in_hand = true;
        request.server = server;
        request.server_life = self.api_servers[server.index()].life();
        let caller = request.caller;
        let way = self.way(caller, place, through, server, &mut self.draw_for(slot, WAY_THERE));
        future.schedule(now + way, self.at_step(slot, RequestStep::Arrives));
    }

    /// Delay of one message between a client and an API server: through an NLB node, or over a loopback.
    fn way(&self, caller: Caller, place: Place, through: ZoneId, server: ApiServerId, draw: &mut Draw) -> SimDuration {
        if let Caller::Component(..) = caller {
            return self.plan.parameters.network.loopback.duration(draw);
        }
        let to_node = self.zones.delay_from(place, through, draw);
        let in_node = self.plan.parameters.nlb.added_latency.duration(draw);
        to_node + in_node + self.zones.delay(through, self.api_servers[server.index()].zone, draw)
    }

    fn request_arrives(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let life = self.requests.life(slot);
        let request = self.requests.at(slot);
        match self.api_servers[request.server.index()].flow_control.arrive(request.aim.level(), life) {
            Admission::Seated => self.seated(now, slot, future),
            Admission::Queued => future.schedule_in_lane(self.lanes.queue_wait, Event::QueueDeadline(life)),
            Admission::Rejected => self.respond(now, slot, Outcome::TooManyRequests, future),
        }
    }

    /// A request has waited in its queue for too long: 429.
    pub(crate) fn queue_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if !self.requests.lives(request) || !self.requests.at(request.slot).in_hand {
            return;
        }
        let entry = self.requests.at(request.slot);
        let (server, level) = (entry.server.index(), entry.aim.level());
        if self.api_servers[server].flow_control.give_up(level, request) {
            self.respond(now, request.slot, Outcome::TooManyRequests, future);
        }
    }

    /// The request has a seat: it wants CPU.
    fn seated(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let cpu = self.cpu_time(slot);
        let life = self.requests.life(slot);
        let server = self.requests.at(slot).server.index();
        if let Some(time) = self.api_servers[server].process(life, cpu) {
            future.schedule(now + time, Event::Request(life, RequestStep::Processed));
        }
    }

    fn cpu_time(&self, slot: u32) -> SimDuration {
        let parameters = &self.plan.parameters.api_server;
        let draw = &mut self.draw_for(slot, CPU);
        match self.requests.at(slot).aim.work() {
            Work::QuorumRead => parameters.read_cpu.duration(draw),
            Work::Write => parameters.write_cpu.duration(draw),
            Work::List => {
                let objects = self.cluster.pod_objects();
                parameters.read_cpu.duration(draw) + parameters.list_cpu_per_object.duration(draw) * objects
            }
        }
    }

    fn request_processed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let server = self.requests.at(slot).server.index();
        if let Some((next, time)) = self.api_servers[server].core_free() {
            future.schedule(now + time, Event::Request(next, RequestStep::Processed));
        }
        self.ask_etcd(now, slot, future);
    }

    /// The API server asks a member of etcd; for a list it asks how far its cache must be, and waits for that.
    fn ask_etcd(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.etcd_try = request.etcd_try.wrapping_add(1);
        let (server, work) = (request.server.index(), request.aim.work());
        let mut draw = self.draw_for_try(slot, ETCD);
        let from = &self.api_servers[server];
        let Some(member) = from.choose_member(now, &mut draw) else {
            return self.leave_server(now, slot, Outcome::ServerError, future);
        };
        let parameters = &self.plan.parameters;
        let mut way =
            self.zones.delay(from.zone, zone_of(member), &mut draw) + parameters.etcd.processing.duration(&mut draw);
        if work == Work::List {
            way += parameters.api_server.list_progress.duration(&mut draw);
            let patience = now + parameters.api_server.list_freshness_wait;
            future.schedule(patience, self.in_etcd(slot, RequestStep::EtcdFailed));
        }
        self.requests.at_mut(slot).member = member;
        if self.api_servers[server].links[member.index()].state == LinkState::Ready {
            future.schedule(now + way, self.in_etcd(slot, RequestStep::AtMember));
        } else {
            self.stall(now, slot, future);
        }
    }

    /// The draws of a request's present try to ask etcd.
    fn draw_for_try(&self, slot: u32, purpose: Purpose) -> Draw {
        let request = self.requests.at(slot);
        self.key.draw(purpose, request.entity, request.ordinal << 8 | u64::from(request.etcd_try))
    }

    /// A call to a dead member waits until the connection is given up.
    fn stall(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, member) = (request.server, request.member);
        let trouble = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        let given_up = self.call_on_silent_link(now, server, member, future);
        self.fails_at(now, slot, given_up, trouble, future);
    }

    /// The present try fails at a time, or at the API server's own time-out if that is earlier.
    fn fails_at(&mut self, now: SimTime, slot: u32, at: SimTime, trouble: Cause, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.trouble = request.trouble.or(trouble);
        let latest = request.begun + self.plan.parameters.api_server.request_timeout;
        future.schedule(at.min(latest).max(now), self.in_etcd(slot, RequestStep::EtcdFailed));
    }

    fn request_at_member(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let member = self.requests.at(slot).member;
        self.requests.at_mut(slot).at_member = now;
        match self.etcd.view(member) {
            View::Down => self.stall(now, slot, future),
            View::Leaderless => self.wait_for_leader(now, slot, future),
            View::Leads => {
                self.requests.at_mut(slot).leader = member;
                self.request_at_leader(now, slot, future);
            }
            View::Follows(leader) => {
                self.requests.at_mut(slot).leader = leader;
                // Drawn, so that requests that waited together do not arrive together.
                let mut draw = self.draw_for_try(slot, FORWARD);
                let way = self.zones.delay(zone_of(member), zone_of(leader), &mut draw);
                future.schedule(now + way, self.in_etcd(slot, RequestStep::AtLeader));
            }
        }
    }

    /// The member knows no leader: the request waits there, at most for the member's request time-out.
    fn wait_for_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, fails) = (request.member, request.at_member + self.etcd_request_timeout());
        self.etcd.wait(member, self.requests.life(slot));
        let trouble = self.etcd.vacant_since().and_then(|(_, cause)| cause);
        self.fails_at(now, slot, fails, trouble, future);
    }

    /// A leader was elected: the requests that waited go on to it.
    pub(crate) fn leader_found(&mut self, now: SimTime, waited: Vec<(MemberId, RequestRef)>, future: &mut Future) {
        for (member, request) in waited {
            let waits = |entry: &Request| entry.in_hand && entry.member == member;
            if self.requests.lives(request) && waits(self.requests.at(request.slot)) {
                let current = self.requests.at(request.slot).etcd_try;
                self.api_request(now, request, RequestStep::AtMember(current), future);
            }
        }
    }

    fn request_at_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader, work) = (request.member, request.leader, request.aim.work());
        if self.etcd.leader() != Some(leader) {
            return self.lost_with_the_leader(now, slot, future);
        }
        let (entity, ordinal) = (request.entity, request.ordinal);
        let delay = |a: MemberId, b: MemberId| self.zones.mean(zone_of(a), zone_of(b));
        let decided = if work == Work::Write {
            let (law, key) = (&self.plan.parameters.etcd.fsync, self.key);
            let fsync = |on: MemberId| law.duration(&mut key.draw(FSYNC, entity, ordinal << 8 | u64::from(on.0)));
            self.etcd.replicate(now, delay, fsync)
        } else {
            self.etcd.confirm(now, delay)
        };
        let Some(decided) = decided else { return self.without_a_quorum(now, slot, future) };
        let back = if member == leader { SimDuration::ZERO } else { self.zones.mean(zone_of(leader), zone_of(member)) };
        let server = self.api_servers[self.requests.at(slot).server.index()].zone;
        // Drawn, so that entries of one batch do not reach the server at one instant.
        let to_server = self.zones.delay(zone_of(member), server, &mut self.draw_for_try(slot, ETCD_BACK));
        let request = self.requests.at_mut(slot);
        request.commit = decided;
        request.proposed = work == Work::Write;
        future.schedule(decided + back + to_server, self.in_etcd(slot, RequestStep::Committed));
    }

    /// The leader that had it, or was to have it, is dead. A member asks again for a read; a write is lost, and its member
    /// waits for it in vain.
    fn lost_with_the_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let trouble = self.etcd.down_since(request.leader).and_then(|(_, cause)| cause);
        if request.aim.work() != Work::Write {
            return self.wait_for_leader(now, slot, future);
        }
        self.write_is_lost(now, trouble);
        self.member_times_out(now, slot, trouble, future);
    }

    fn write_is_lost(&mut self, now: SimTime, cause: Cause) {
        self.etcd_writes_lost += 1;
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/write-lost", 0, || {
            "write in flight lost with the etcd leader; its client learns of it by a time-out".to_owned()
        });
    }

    /// The leader lives, but has no quorum behind it.
    fn without_a_quorum(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let down = self.etcd.ids().filter_map(|member| self.etcd.down_since(member));
        let cause = down.max_by_key(|(since, _)| *since).and_then(|(_, cause)| cause); // the death that took the quorum
        let trouble = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/no-quorum", 0, || {
            "request finds no etcd quorum: it fails after etcd's request time-out".to_owned()
        });
        self.member_times_out(now, slot, trouble, future);
    }

    /// The member that took the request gives it up when its request time-out is over.
    fn member_times_out(&mut self, now: SimTime, slot: u32, trouble: Cause, future: &mut Future) {
        let fails = self.requests.at(slot).at_member + self.etcd_request_timeout();
        self.fails_at(now, slot, fails, trouble, future);
    }

    /// etcd's answer is there, unless who decided or who answered died before. A write takes effect even where its API
    /// server has died or given it up.
    fn request_committed(&mut self, now: SimTime, slot: u32, of: u8, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.proposed = false;
        let (member, leader, commit) = (request.member, request.leader, request.commit);
        let (aim, begun, cause) = (request.aim, request.begun, request.cause);
        let lives = self.api_servers[request.server.index()].life() == request.server_life;
        let heard = request.in_hand && lives && request.etcd_try == of;
        let leader_died = self.died_before(leader, commit);
        if !leader_died && aim.work() == Work::Write {
            self.committed(now, aim, begun, cause, future);
        }
        if !lives {
            return self.drop_from_server(slot);
        }
        if !heard {
            return self.requests.free_if_over(slot);
        }
        if leader_died && member != leader {
            return self.lost_with_the_leader(now, slot, future);
        }
        if !leader_died && self.etcd.is_up(member) {
            return self.leave_server(now, slot, Outcome::Succeeded, future);
        }
        if leader_died && aim.work() == Work::Write {
            self.write_is_lost(now, self.etcd.down_since(leader).and_then(|(_, cause)| cause));
        }
        self.stall(now, slot, future); // its connection is to the dead member
    }

    fn died_before(&self, member: MemberId, moment: SimTime) -> bool {
        self.etcd.down_since(member).is_some_and(|(since, _)| since < moment)
    }

    /// This try has failed: the client library asks another member for a read; a write or a list fails.
    fn etcd_failed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        if !request.in_hand {
            return;
        }
        let link = self.api_servers[request.server.index()].links[request.member.index()].state;
        let out_of_time = now >= request.begun + self.plan.parameters.api_server.request_timeout;
        if request.aim.work() == Work::QuorumRead && link != LinkState::Ready && !out_of_time {
            return self.ask_etcd(now, slot, future);
        }
        self.leave_server(now, slot, Outcome::ServerError, future);
    }

    fn etcd_request_timeout(&self) -> SimDuration {
        let etcd = &self.plan.parameters.etcd;
        etcd.request_timeout + etcd.election_timeout * 2
    }

    /// A seated request is done: whoever waits gets its seat, and the answer goes out.
    fn leave_server(&mut self, now: SimTime, slot: u32, answer: Outcome, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, level) = (request.server.index(), request.aim.level());
        if let Some(next) = self.api_servers[server].flow_control.leave(level) {
            self.seated(now, next.slot, future);
        }
        self.respond(now, slot, answer, future);
    }

    /// The answer goes out; nobody hears it if the client has given up or the path is silent.
    fn respond(&mut self, now: SimTime, slot: u32, answer: Outcome, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.in_hand = false;
        request.etcd_try = request.etcd_try.wrapping_add(1); // whatever is still under way in etcd is given up
        request.answer = answer;
        if !request.awaited {
            return self.requests.free_if_over(slot);
        }
        let (caller, server) = (request.caller, request.server);
        let connection = self.connections.at(request.connection);
        let ConnectionState::Open { through, silent: None, .. } = connection.state else { return };
        let way = self.way(caller, connection.place, through, server, &mut self.draw_for(slot, WAY_BACK));
        future.schedule(now + way, self.at_step(slot, RequestStep::Answered));
    }

    fn answer_arrives(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let answer = request.answer;
        let connection = self.connections.at_mut(request.connection);
        let silent = matches!(connection.state, ConnectionState::Open { silent: Some(_), .. });
        if !request.awaited || silent {
            return; // lost on the way, or too late
        }
        connection.last_read = now;
        self.finish(now, slot, answer, future);
    }

    /// A client's patience with a request ends.
    pub(crate) fn request_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if self.requests.lives(request) && self.requests.at(request.slot).awaited {
            self.finish(now, request.slot, Outcome::TimedOut, future);
        }
    }

    /// The request ends for its client, which goes on from there.
    pub(crate) fn finish(&mut self, now: SimTime, slot: u32, outcome: Outcome, future: &mut Future) {
        let (caller, aim, cause) = self.end_for_client(now, slot, outcome);
        self.answered(now, caller, aim, outcome, cause, future);
    }

    /// The request ends for its client: it leaves its connection and is counted.
    pub(crate) fn end_for_client(&mut self, now: SimTime, slot: u32, outcome: Outcome) -> (Caller, Aim, Cause) {
        self.take_off_connection(slot);
        let request = self.requests.at_mut(slot);
        request.awaited = false;
        let (caller, aim, begun, cause) = (request.caller, request.aim, request.begun, request.cause);
        let trouble = request.trouble.or(self.connections.at(request.connection).cause).or(cause);
        let connection = request.connection;
        self.requests.free_if_over(slot);
        if matches!(caller, Caller::External(_)) {
            self.connections.remove(connection); // the command's process ends
        }
        self.probes.requests.ends(now, begun, aim, outcome);
        self.note_outage(now, begun, caller, aim, outcome);
        if outcome.is_error() {
            let kind = (aim.class() as u64) << 8 | outcome as u64;
            self.probes.timeline.note(now, Weight::Step, trouble, "request/failed", kind, || {
                format!("request of {} failed: {}", aim.class().name(), outcome.name())
            });
        }
        (caller, aim, cause.or(trouble.filter(|_| outcome.is_error())))
    }

    /// The server side of a request is over because its server died.
    pub(crate) fn drop_from_server(&mut self, slot: u32) {
        self.requests.at_mut(slot).in_hand = false;
        self.requests.free_if_over(slot);
    }

    fn put_on_connection(&mut self, slot: u32, connection: u32) {
        let entry = self.connections.at_mut(connection);
        let before = std::mem::replace(&mut entry.last, slot);
        if before == NONE {
            entry.first = slot;
        } else {
            self.requests.at_mut(before).next = slot;
        }
        self.requests.at_mut(slot).previous = before;
    }

    fn take_off_connection(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let (connection, previous, next) = (request.connection, request.previous, request.next);
        match previous {
            NONE => self.connections.at_mut(connection).first = next,
            before => self.requests.at_mut(before).next = next,
        }
        match next {
            NONE => self.connections.at_mut(connection).last = previous,
            after => self.requests.at_mut(after).previous = previous,
        }
    }

    /// The requests on a connection, in the order in which they were made.
    pub(crate) fn requests_on(&self, connection: u32) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut slot = self.connections.at(connection).first;
        while slot != NONE {
            slots.push(slot);
            slot = self.requests.at(slot).next;
        }
        slots
    }
}

/// The zone of an etcd member: there is one in each zone of the control plane, in their order.
pub(crate) fn zone_of(member: MemberId) -> ZoneId {
    ZoneId(member.0)
}
