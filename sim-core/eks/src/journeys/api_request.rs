//! An API request:
//!
//! ```text
//! client -> connection -> NLB node -> Arrives -> (429 | queue) -> a core -> etcd member -> AtMember
//!                                                                              |  -> its leader -> AtLeader
//! client <- Answered <- NLB node <---------------------------------- Committed <- disk and quorum
//! ```
//!
//! Whatever dies on the way leaves the request where it was: its client learns of it only through its own timers.

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{ConnectionStep, Event, Future, RequestStep};
use crate::ids::{ApiServerId, RequestRef};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Passage, Standing};
use crate::stations::network::connections::NONE;
use crate::stations::network::{Address, Addressed, ConnectionState, Legs, Origin, Owner};
use crate::world::World;
use sim_kernel::{Draw, Purpose, SimDuration, SimTime};

const WAY_THERE: Purpose = Purpose::new("request/way-there");
const GOAWAY: Purpose = Purpose::new("request/goaway");
const WAY_BACK: Purpose = Purpose::new("request/way-back");
const REPEATED: Purpose = Purpose::new("request/way-back-repeated");

impl World {
    /// Sends a request for `caller`. Its write takes effect through `committed`, its caller learns through `answered`.
    pub(crate) fn call(&mut self, now: SimTime, caller: Caller, aim: Aim, cause: Cause, future: &mut Future) {
        let connection = self.connection_of(caller);
        let identity = self.identity(caller);
        let slot = self.requests.add(caller, aim, identity, connection, now);
        self.requests.at_mut(slot).cause = cause;
        self.put_on_connection(slot, connection);
        if !self.runs_away(caller) {
            self.probes.requests.begins(now, aim);
        }
        let patience = self.lanes.patience(caller, aim);
        if patience.is_clients {
            future.schedule_in_lane(patience.lane, Event::RequestDeadline(self.requests.life(slot)));
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
            RequestStep::Arrives => {
                self.requests.at_mut(slot).arrived = now;
                self.authenticate(now, slot, future);
            }
            RequestStep::Authenticated => self.authenticated(now, slot, future),
            RequestStep::Refused => self.refused(now, slot, future),
            RequestStep::Reviewed => self.reviewed(now, slot, future),
            RequestStep::NotAdmitted => self.not_admitted(now, slot, future),
            RequestStep::StreamOpens(node) => self.stream_opens(now, slot, node, future),
            RequestStep::StreamFails => self.stream_fails(now, slot, future),
            RequestStep::AtMember(of) if of == current => self.request_at_member(now, slot, future),
            RequestStep::AtLeader(of) if of == current => self.request_at_leader(now, slot, future),
            RequestStep::EtcdFailed(of) if of == current => self.etcd_failed(now, slot, future),
            _ => {}
        }
    }

    /// The draws of a request for one purpose.
    pub(crate) fn draw_for(&self, slot: u32, purpose: Purpose) -> Draw {
        let request = self.requests.at(slot);
        self.key.draw(purpose, request.entity, request.ordinal)
    }

    pub(crate) fn at_step(&self, slot: u32, step: RequestStep) -> Event {
        Event::Request(self.requests.life(slot), step)
    }

    /// A step in etcd of the present try.
    pub(crate) fn in_etcd(&self, slot: u32, step: fn(u8) -> RequestStep) -> Event {
        self.at_step(slot, step(self.requests.at(slot).etcd_try))
    }

    /// Puts a request on its open connection. Where the path is silent it goes nowhere.
    pub(crate) fn send(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let connection = self.connections.at(self.requests.at(slot).connection);
        let ConnectionState::Open { through, server, silent } = connection.state else {
            unreachable!("requests are sent on open connections");
        };
        let origin = connection.origin;
        let request = self.requests.at_mut(slot);
        if let Some((_, cause)) = silent {
            request.trouble = request.trouble.or(cause);
            self.connections.at_mut(request.connection).unanswered.get_or_insert(now);
            return;
        }
        let caller = request.caller;
        if self.flow_is_forgotten(now, slot) {
            return self.forgotten_flow_resets(now, slot, through, server, future);
        }
        let request = self.requests.at_mut(slot);
        request.passage = Passage::Sent;
        request.in_hand = true;
        request.server = server;
        request.server_life = self.api_servers[server.index()].life();
        let way = self.way(caller, origin, through, server, &mut self.draw_for(slot, WAY_THERE));
        future.schedule(now + way, self.at_step(slot, RequestStep::Arrives));
    }

    /// Whether the load balancer has forgotten the flow that a request goes out on, because it was silent for too long.
    fn flow_is_forgotten(&mut self, now: SimTime, slot: u32) -> bool {
        let connection = self.connections.at_mut(self.requests.at(slot).connection);
        let parameters = &self.plan.parameters;
        let silent = connection.silent_for(now, parameters.connection.read_idle);
        connection.last_sent = now;
        let ConnectionState::Open { through, .. } = connection.state else { return false };
        let balanced =
            matches!(through.of(), Addressed::Balancer(_)) && !matches!(connection.owner, Owner::Component(..));
        balanced && silent > parameters.nlb.idle_timeout
    }

    /// A packet on a forgotten flow gets a reset from the load balancer.
    fn forgotten_flow_resets(
        &mut self,
        now: SimTime,
        slot: u32,
        through: Address,
        server: ApiServerId,
        future: &mut Future,
    ) {
        let (caller, connection) = (self.requests.at(slot).caller, self.requests.at(slot).connection);
        let origin = self.connections.at(connection).origin;
        let way = self.way(caller, origin, through, server, &mut self.draw_for(slot, WAY_THERE));
        self.probes.timeline.note(now, Weight::Step, None, "nlb/idle", 0, || {
            "flow that was silent for too long is reset by the load balancer".to_owned()
        });
        let life = self.connections.life(connection);
        future.schedule(now + way * 2, Event::Connection(life, ConnectionStep::Reset));
    }

    /// Delay of one message between a client and an API server, through an address or over a loopback.
    fn way(
        &self,
        caller: Caller,
        origin: Origin,
        through: Address,
        server: ApiServerId,
        draw: &mut Draw,
    ) -> SimDuration {
        if let Caller::Component(..) = caller {
            return self.plan.parameters.network.loopback.duration(draw);
        }
        let legs = self.legs(origin, through, server);
        let way = self.over(&legs, through, draw);
        self.zones.impaired(way, &legs, draw)
    }

    /// The way between a client and an API server: over the load balancer, by way of a NAT gateway where the client's
    /// routes lead through one; or over an interface in the VPC.
    pub(crate) fn legs(&self, origin: Origin, through: Address, server: ApiServerId) -> Legs {
        let to = self.api_servers[server.index()].zone;
        match through.of() {
            Addressed::Balancer(zone) => match self.vpc.ways(origin.site).public_nat {
                Some(nat) => Legs::over(origin.place, &[self.vpc.zone_of_nat(nat), zone, to]),
                None => Legs::over(origin.place, &[zone, to]),
            },
            Addressed::Interface(place) => {
                let zone = self.interfaces.at(place).zone;
                let zones = [zone, to];
                Legs::over(origin.place, if zone == to { &zones[..1] } else { &zones })
            }
        }
    }

    /// The answer goes out; nobody hears it if the client has given up or the path is silent.
    pub(crate) fn respond(&mut self, now: SimTime, slot: u32, answer: Outcome, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.in_hand = false;
        request.etcd_try = request.etcd_try.wrapping_add(1); // whatever is still under way in etcd is given up
        request.answer = answer;
        self.probes.slo.answered(now, request.arrived, request.aim);
        if !request.awaited {
            return self.requests.free_if_over(slot);
        }
        let (caller, server) = (request.caller, request.server);
        let connection = self.connections.at(request.connection);
        let ConnectionState::Open { through, silent, .. } = connection.state else { return };
        if silent.is_some() {
            return self.hold_answer(now, slot);
        }
        request.passage = Passage::AnswerSent;
        let way = self.way(caller, connection.origin, through, server, &mut self.draw_for(slot, WAY_BACK));
        future.schedule(now + way, self.at_step(slot, RequestStep::Answered));
    }

    /// An answer goes into a silence: TCP repeats it until it gets through or the connection is given up.
    fn hold_answer(&mut self, now: SimTime, slot: u32) {
        let request = self.requests.at_mut(slot);
        request.passage = Passage::AnswerHeld;
        self.connections.at_mut(request.connection).unheard.get_or_insert(now);
    }

    /// A held answer is repeated at `at`, and gets through.
    pub(crate) fn answer_again(
        &mut self,
        at: SimTime,
        slot: u32,
        origin: Origin,
        through: Address,
        future: &mut Future,
    ) {
        let request = self.requests.at_mut(slot);
        request.passage = Passage::AnswerSent;
        let (caller, server) = (request.caller, request.server);
        let way = self.way(caller, origin, through, server, &mut self.draw_for(slot, REPEATED));
        future.schedule(at + way, self.at_step(slot, RequestStep::Answered));
    }

    fn answer_arrives(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let answer = request.answer;
        let connection = self.connections.at_mut(request.connection);
        let silent = matches!(connection.state, ConnectionState::Open { silent: Some(_), .. });
        if !request.awaited {
            return; // too late
        }
        if silent {
            return self.hold_answer(now, slot); // lost on the way
        }
        connection.last_read = now;
        let (of, chance) = (request.connection, self.plan.parameters.connection.goaway_chance);
        let goes_away = chance > 0.0 && self.draw_for(slot, GOAWAY).chance(chance);
        self.finish(now, slot, answer, future);
        if goes_away {
            self.goes_away(now, of, future);
        }
    }

    /// A client's patience with a request ends. The server, which was told of it, gives it up too.
    pub(crate) fn request_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if self.requests.lives(request) && self.requests.at(request.slot).awaited {
            self.cancel(now, request.slot, future);
            self.finish(now, request.slot, Outcome::TimedOut, future);
        }
    }

    /// The request ends for its client, which goes on from there.
    pub(crate) fn finish(&mut self, now: SimTime, slot: u32, outcome: Outcome, future: &mut Future) {
        self.retry_after = self.requests.at(slot).retry_after;
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
        if matches!(caller, Caller::External(_)) || self.connections.is_over(connection) {
            self.connections.remove(connection); // the command's process ends, or a retired connection
        }
        if self.runs_away(caller) {
            return (caller, aim, cause);
        }
        self.probes.requests.ends(now, begun, aim, outcome);
        if let (Caller::Kubelet(node), Outcome::Succeeded) = (caller, outcome) {
            self.probes.struck_zone.succeeds(now, begun, self.cluster.zone_of(node));
        }
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
        let request = self.requests.at_mut(slot);
        (request.in_hand, request.standing) = (false, Standing::Outside);
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
