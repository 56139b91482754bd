//! A connection of a client to the API:
//!
//! ```text
//! Closed -> Resolved -> an address -> (silent, refused: the next one) -> Opened -> requests -> (silent path) -> GivenUp | Reset
//! ```
//!
//! A dial asks the resolver, tries the addresses in random order, and gives each a share of the dial time. Read-idle
//! timers on healthy paths are not events: a fault that silences a path schedules what they would have found.

use crate::aim::{Caller, Outcome};
use crate::event::{ConnectionStep, Event, Future};
use crate::ids::{ApiServerId, Component, ConnectionRef};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{ApiServer, Job};
use crate::stations::network::connections::NONE;
use crate::stations::network::{
    Address, Addressed, Addresses, ConnectionState, Far, Leg, Origin, Owner, Place, SiteId,
};
use crate::world::World;
use sim_kernel::{Draw, Purpose, SimDuration, SimTime};

const DIAL: Purpose = Purpose::new("connection/dial");
const TARGET: Purpose = Purpose::new("connection/target");
const FIRST: Purpose = Purpose::new("connection/first");
/// The part of a dial's draws that its server's GOAWAY takes.
const GOAWAY_PART: u64 = 127;
/// The part that a reset takes.
const RESET_PART: u64 = 125;
/// The part that the choice of an endpoint of the service `kubernetes` takes.
const ENDPOINT_PART: u64 = 124;
/// The part that the server's CPU time takes.
const HANDSHAKE_PART: u64 = 126;

impl World {
    /// The connection that a caller's next request goes on; an external client opens one for each.
    pub(crate) fn connection_of(&mut self, caller: Caller) -> u32 {
        match caller {
            Caller::Kubelet(node) => self.kubelets[node.index()].connection,
            Caller::Component(component, server) => self.loopbacks[component.index()][server.index()],
            Caller::Submitter(_) | Caller::Churn(_) => self.submitter.connection,
            Caller::Workload(worker) => self.processes[self.workers[worker as usize].process as usize].connection,
            Caller::External(client) => {
                let (origin, requests) =
                    (self.externals[client as usize].origin, self.externals[client as usize].requests);
                let slot = self.connections.add(Owner::External(client), origin);
                self.connections.at_mut(slot).number = requests + 1;
                slot
            }
        }
    }

    /// A connection that is open from the beginning of the run, as all long-lived ones are.
    /// One that has no way to the API is closed.
    pub(crate) fn open_from_start(&mut self, owner: Owner, origin: Origin, future: &mut Future) -> u32 {
        let slot = self.connections.add(owner, origin);
        let mut draw = self.key.draw(FIRST, entity_of(owner), 0);
        let addresses = self.addresses_for(owner, origin);
        let Some(through) = (!addresses.is_empty()).then(|| addresses.nth(draw.below(addresses.len()))).flatten()
        else {
            return slot;
        };
        let Far::Answers(server) = self.behind(origin, through, &mut draw) else { return slot };
        let life = self.connections.open(slot, through, server, (0, 0));
        self.watch_for_silence(SimTime::ZERO, life, future);
        slot
    }

    /// The published addresses by which a client dials the API: pods use the service `kubernetes`, all others its name.
    fn addresses_for(&self, owner: Owner, origin: Origin) -> Addresses {
        match owner {
            Owner::Workload(_) => self.interfaces.endpoints(),
            _ => self.dns.published(self.vpc.view(origin.site)),
        }
    }

    /// The loopback of a component on an API server instance.
    pub(crate) fn open_loopback(&mut self, component: Component, server: ApiServerId) -> u32 {
        let zone = self.api_servers[server.index()].zone;
        let slot = self.connections.add(Owner::Component(component, server), on_control_plane(zone));
        let through = Address::balancer(zone);
        self.connections.turn(slot, ConnectionState::Open { through, server, silent: None });
        slot
    }

    /// The client begins to open the connection: it asks its resolver. A component needs none for its loopback.
    pub(crate) fn dial(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        if let Owner::Component(_, server) = self.connections.at(slot).owner {
            return self.dial_loopback(now, slot, server, future);
        }
        let life = self.connections.turn(slot, ConnectionState::Resolving { since: now });
        self.connections.at_mut(slot).dials += 1;
        let lookup = self.lookup(now, slot);
        future.schedule(now + lookup, Event::Connection(life, ConnectionStep::Resolved));
    }

    /// Time of a look-up. Where a zone's resolver must ask beyond an impaired border, a lost question is repeated.
    fn lookup(&self, now: SimTime, slot: u32) -> SimDuration {
        let dns = &self.plan.parameters.dns;
        let mut draw = self.dial_draw(slot, 0);
        let time = dns.lookup_time.duration(&mut draw);
        let connection = self.connections.at(slot);
        if matches!(connection.owner, Owner::Workload(_)) {
            return self.plan.parameters.network.loopback.duration(&mut draw); // the service's address is at hand
        }
        let Place::Zone(zone) = connection.origin.place else { return time };
        if !self.zones.is_impaired() || !self.dns.is_stale(zone.index(), now + time) {
            return time;
        }
        let border = [(Place::Internet(0), zone); 2]; // there and back
        let ways = time + self.zones.added_latency(&border, &mut draw);
        ways + self.zones.repeats(self.zones.loss(&border), dns.retry, &mut draw)
    }

    /// Handles a step of a connection; one of an earlier life does nothing.
    pub(crate) fn connection(
        &mut self,
        now: SimTime,
        connection: ConnectionRef,
        step: ConnectionStep,
        future: &mut Future,
    ) {
        if !self.connections.lives(connection) {
            return;
        }
        let slot = connection.slot;
        match step {
            ConnectionStep::Resolved => {
                let addresses = self.resolve(now, slot);
                self.try_next_address(now, slot, now, addresses, Outcome::DialFailed, future);
            }
            ConnectionStep::AddressSilent => self.address_silent(now, slot, future),
            ConnectionStep::AddressRefused => self.address_refused(now, slot, future),
            ConnectionStep::Opened => self.opened(now, slot, future),
            ConnectionStep::HandshakeSilent => self.handshake_silent(now, slot, future),
            ConnectionStep::ReadIdle => self.read_idle(now, slot, future),
            ConnectionStep::GivenUp => {
                self.broken(now, slot, "connection/given-up", "given up after read-idle and an unanswered ping", future)
            }
            ConnectionStep::Reset => self.broken(now, slot, "connection/reset", "reset", future),
            ConnectionStep::GoAway => self.goes_away(now, slot, future),
            ConnectionStep::Resumed => self.resumed(now, slot, true, future),
        }
    }

    /// The addresses that a dial finds. A pod finds one: the node's rules for the service `kubernetes` choose it.
    fn resolve(&mut self, now: SimTime, slot: u32) -> Addresses {
        let connection = self.connections.at(slot);
        let Origin { place, site } = connection.origin;
        if matches!(connection.owner, Owner::Workload(_)) {
            let endpoints = self.interfaces.endpoints();
            let draw = &mut self.dial_draw(slot, ENDPOINT_PART);
            let chosen = (!endpoints.is_empty()).then(|| endpoints.nth(draw.below(endpoints.len()))).flatten();
            return chosen.map_or(Addresses::default(), |address| Addresses::default().with(address));
        }
        let is_cut_off = matches!(place, Place::Zone(zone) if !self.zones.passes((Place::Internet(0), zone)));
        let (resolver, view) = (self.resolver_of(connection.owner, place), self.vpc.view(site));
        self.dns.resolve(resolver, now, view, is_cut_off)
    }

    /// Draws of a dial: the order of the addresses, the ways, the target of each.
    fn dial_draw(&self, slot: u32, part: u64) -> Draw {
        let connection = self.connections.at(slot);
        let dial = u64::from(connection.dials);
        let number = u64::from(connection.number);
        self.key.draw(DIAL, entity_of(connection.owner), number << 24 | dial << 8 | part)
    }

    /// Nodes use the resolver of their zone, external clients that of their host.
    pub(crate) fn resolver_of(&self, owner: Owner, place: Place) -> usize {
        match (owner, place) {
            (Owner::External(client), _) | (_, Place::Internet(client)) => {
                self.plan.cluster.zones.len() + client as usize
            }
            (_, Place::Zone(zone)) => zone.index(),
        }
    }

    /// Tries one of the addresses that are left; with none left the dial has failed as the last one did.
    fn try_next_address(
        &mut self,
        now: SimTime,
        slot: u32,
        since: SimTime,
        rest: Addresses,
        failed: Outcome,
        future: &mut Future,
    ) {
        let mut draw = self.dial_draw(slot, 1 + rest.len());
        let Some(address) = (!rest.is_empty()).then(|| rest.nth(draw.below(rest.len()))).flatten() else {
            return self.dial_failed(now, slot, failed, future);
        };
        let origin = self.connections.at(slot).origin;
        let far = self.behind(origin, address, &mut self.key.draw(TARGET, draw.next_u64(), 0));
        let ends = since + self.plan.parameters.connection.dial_timeout;
        let until = now + ends.saturating_since(now) / rest.len();
        let state = ConnectionState::Dialing { since, address, rest: rest.without(address), far, tried: now, until };
        self.address_tried(now, slot, state, &mut draw, future);
    }

    /// An address is tried: it answers, refuses, or its share of the dial time will pass.
    fn address_tried(&mut self, now: SimTime, slot: u32, state: ConnectionState, draw: &mut Draw, future: &mut Future) {
        let ConnectionState::Dialing { address, far, until, .. } = state else { return };
        let life = self.connections.turn(slot, state);
        let origin = self.connections.at(slot).origin;
        let (at, step) = match far {
            Far::Answers(server) => {
                let opens = now + self.handshake(origin, address, server, draw);
                let in_time = opens < until.max(now);
                if in_time { (opens, ConnectionStep::Opened) } else { (until.max(now), ConnectionStep::AddressSilent) }
            }
            Far::Refuses(server) => {
                (now + self.one_way(origin, address, server, draw) * 2, ConnectionStep::AddressRefused)
            }
            Far::Silent => (until.max(now), ConnectionStep::AddressSilent),
        };
        future.schedule(at, Event::Connection(life, step));
    }

    /// A component dials the API server of its instance.
    fn dial_loopback(&mut self, now: SimTime, slot: u32, server: ApiServerId, future: &mut Future) {
        self.connections.at_mut(slot).dials += 1;
        let process = &self.api_servers[server.index()];
        let (address, up) = (Address::balancer(process.zone), process.listens());
        let far = if up { Far::Answers(server) } else { Far::Refuses(server) };
        let rest = Addresses::default();
        let state = ConnectionState::Dialing { since: now, address, rest, far, tried: now, until: now };
        let life = self.connections.turn(slot, state);
        let parameters = &self.plan.parameters;
        let mut draw = self.dial_draw(slot, 0);
        let round_trip = parameters.network.loopback.duration(&mut draw) * 2;
        let (time, step) = match up {
            true => (round_trip * (1 + parameters.connection.tls_round_trips), ConnectionStep::Opened),
            false => (round_trip, ConnectionStep::AddressRefused),
        };
        future.schedule(now + time, Event::Connection(life, step));
    }

    /// Something answers again: the dials to its address hear of it when their SYN is repeated, if they still wait then.
    pub(crate) fn dials_hear(&mut self, now: SimTime, future: &mut Future) {
        self.streams_look(now, None, future);
        for slot in 0..self.connections.slots() {
            let ConnectionState::Dialing { since, address, rest, far: Far::Silent, tried, until } =
                self.connections.at(slot).state
            else {
                continue;
            };
            let mut draw = self.dial_draw(slot, 128 + rest.len());
            let origin = self.connections.at(slot).origin;
            let far = self.behind(origin, address, &mut self.key.draw(TARGET, draw.next_u64(), 0));
            let repeated = self.next_syn(tried, now);
            if far != Far::Silent && repeated < until {
                let state = ConnectionState::Dialing { since, address, rest, far, tried, until };
                self.address_tried(repeated, slot, state, &mut draw, future);
            }
        }
    }

    /// When a SYN that was first sent at `tried` is repeated next: its pause doubles each time.
    fn next_syn(&self, tried: SimTime, now: SimTime) -> SimTime {
        let mut pause = self.plan.parameters.connection.syn_retry;
        let mut next = tried + pause;
        while next < now {
            pause = pause * 2;
            next += pause;
        }
        next
    }

    /// What a client finds behind an address: nothing if rules or routes close its way, or if something on it is dead or
    /// cut off.
    pub(crate) fn behind(&self, origin: Origin, address: Address, draw: &mut Draw) -> Far {
        let target = self.admits(origin.site, address).then(|| self.target_of(address, draw)).flatten();
        let Some(server) = target.filter(|server| self.is_whole(origin, address, *server)) else { return Far::Silent };
        if self.api_servers[server.index()].listens() { Far::Answers(server) } else { Far::Refuses(server) }
    }

    /// Whether rules and routes let new flows of a site pass to an address.
    pub(crate) fn admits(&self, site: SiteId, address: Address) -> bool {
        let ways = self.vpc.ways(site);
        match address.of() {
            Addressed::Balancer(_) => ways.public,
            Addressed::Interface(_) => ways.private,
        }
    }

    /// The API server that a new flow to an address is sent to.
    fn target_of(&self, address: Address, draw: &mut Draw) -> Option<ApiServerId> {
        match address.of() {
            Addressed::Balancer(zone) => self.zones.has_power(zone).then(|| self.nlb.choose(zone, draw)).flatten(),
            Addressed::Interface(_) if self.plan.parameters.endpoint.behind_balancer => {
                let targets = self.nlb.choices_anywhere();
                (!targets.is_empty()).then(|| targets[draw.below(targets.len() as u64) as usize])
            }
            Addressed::Interface(place) => Some(self.interfaces.at(place).server),
        }
    }

    /// One way of a dial's messages to an API server behind an address.
    fn one_way(&self, origin: Origin, address: Address, server: ApiServerId, draw: &mut Draw) -> SimDuration {
        let legs = self.legs(origin, address, server);
        self.over(&legs, address, draw)
    }

    /// Delay of one message over these legs, where nothing is impaired; the load balancer adds its own.
    pub(crate) fn over(&self, legs: &[Leg], address: Address, draw: &mut Draw) -> SimDuration {
        let to_node = self.zones.clear_delay(legs[0], draw);
        let in_node = match address.of() {
            Addressed::Balancer(_) => self.plan.parameters.nlb.added_latency.duration(draw),
            Addressed::Interface(_) => SimDuration::ZERO,
        };
        legs[1..].iter().fold(to_node + in_node, |way, leg| way + self.zones.clear_delay(*leg, draw))
    }

    /// Time of TCP's and TLS's round trips.
    fn handshake(&self, origin: Origin, address: Address, server: ApiServerId, draw: &mut Draw) -> SimDuration {
        let legs = self.legs(origin, address, server);
        let one_way = self.over(&legs, address, draw);
        self.handshake_over(&legs, one_way, draw)
    }

    /// Time of TCP's and TLS's round trips over these legs, on which a message takes `one_way` if nothing is impaired.
    pub(crate) fn handshake_over(&self, legs: &[Leg], one_way: SimDuration, draw: &mut Draw) -> SimDuration {
        let parameters = &self.plan.parameters.connection;
        let messages = 2 * parameters.tls_round_trips;
        if !self.zones.is_impaired() {
            return one_way * (2 + messages);
        }
        let through = 1.0 - self.zones.loss(legs); // a SYN is repeated as long as it or its answer is lost
        let syn = self.zones.repeats(1.0 - through * through, parameters.syn_retry, draw);
        let tcp = one_way * 2 + self.zones.added_latency(legs, draw) + self.zones.added_latency(legs, draw);
        syn + tcp + (0..messages).map(|_| self.zones.impaired(one_way, legs, draw)).sum()
    }

    #[cold]
    fn address_silent(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let ConnectionState::Dialing { since, address, rest, .. } = self.connections.at(slot).state else { return };
        let origin = self.connections.at(slot).origin;
        let is_closed = !self.admits(origin.site, address);
        let cause = if is_closed { self.closing_story(origin.site) } else { self.cause_at(origin, address) };
        self.connections.at_mut(slot).cause = cause;
        let (text, kind) = match is_closed {
            true => (self.closed_text(origin.site, address), "dial/closed"),
            false => (self.silence_text(origin, address), "dial/silent"),
        };
        let subject = if is_closed { u64::from(origin.site.0) } else { address.number() };
        self.probes.timeline.note(now, Weight::Step, cause, kind, subject, || text);
        self.try_next_address(now, slot, since, rest, Outcome::DialFailed, future);
    }

    fn address_refused(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let ConnectionState::Dialing { since, rest, far: Far::Refuses(server), .. } = self.connections.at(slot).state
        else {
            return;
        };
        let process = &self.api_servers[server.index()];
        let (zone, cause) = (process.zone, process.down_since().and_then(|(_, cause)| cause));
        self.connections.at_mut(slot).cause = cause;
        let (name, beside) = (self.zone_name(zone), matches!(self.connections.at(slot).owner, Owner::Component(..)));
        let (kind, what) = match beside {
            true => ("loopback/refused", "cannot be reached by the components beside it"),
            false => ("dial/refused", "refuses new connections"),
        };
        self.probes
            .timeline
            .note(now, Weight::Step, cause, kind, u64::from(server.0), || format!("API server in {name} {what}"));
        self.try_next_address(now, slot, since, rest, Outcome::Refused, future);
    }

    /// Why an address, or the API server behind it, does not answer a client.
    pub(crate) fn cause_at(&self, origin: Origin, address: Address) -> Cause {
        let nat = self.vpc.ways(origin.site).public_nat.filter(|_| matches!(address.of(), Addressed::Balancer(_)));
        let gateway = nat.filter(|nat| !self.nat_lives(*nat)).and(self.vpc_story);
        let zone = self.zone_of_address(address);
        let dark = self.zones.dark_since(zone).and_then(|(_, cause)| cause);
        let lost = match address.of() {
            Addressed::Interface(_) => self.interfaces.struck(zone).and_then(|(_, cause)| cause),
            Addressed::Balancer(_) => None,
        };
        let behind = |server: &&ApiServer| self.nlb.cross_zone() || server.zone == zone;
        let dead =
            || self.api_servers.iter().filter(behind).find_map(ApiServer::down_since).and_then(|(_, cause)| cause);
        gateway.or(lost).or(dark).or_else(dead).or(self.stories[zone.index()]) // it may be back by now
    }

    /// All of the handshake is said; the server's cores have to follow. If it died meanwhile the address was silent after
    /// all, or refuses.
    fn opened(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let state = self.connections.at(slot).state;
        let ConnectionState::Dialing { since, address, rest, far: Far::Answers(server), tried, until } = state else {
            return;
        };
        let whole = self.is_whole(self.connections.at(slot).origin, address, server);
        if !whole || !self.api_servers[server.index()].listens() {
            let far = if whole { Far::Refuses(server) } else { Far::Silent };
            let state = ConnectionState::Dialing { since, address, rest, far, tried, until };
            let mut draw = self.dial_draw(slot, 0);
            return self.address_tried(now, slot, state, &mut draw, future);
        }
        let life = self.connections.life(slot);
        let parameters = &self.plan.parameters.connection;
        let cpu = parameters.tls_cpu.duration(&mut self.dial_draw(slot, HANDSHAKE_PART));
        future.schedule(now + parameters.tls_timeout, Event::Connection(life, ConnectionStep::HandshakeSilent));
        self.run_job(now, server, Job::Handshake(life), cpu, future);
    }

    /// The server's cores are done with a handshake; one that its client has given up was in vain.
    pub(crate) fn established(&mut self, now: SimTime, connection: ConnectionRef, future: &mut Future) {
        let slot = connection.slot;
        if !self.connections.lives(connection) {
            return;
        }
        let ConnectionState::Dialing { address, far: Far::Answers(server), .. } = self.connections.at(slot).state
        else {
            return;
        };
        let life = self.connections.open(slot, address, server, self.lives_on(address, server));
        let connection = self.connections.at_mut(slot);
        connection.last_read = now;
        connection.cause = None;
        self.watch_for_silence(now, life, future);
        for request in self.requests_on(slot) {
            self.send(now, request, future);
        }
    }

    /// The server has not ended the handshake in time: the client gives up, though other addresses may be left.
    fn handshake_silent(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let ConnectionState::Dialing { far: Far::Answers(server), .. } = self.connections.at(slot).state else {
            return;
        };
        let process = &self.api_servers[server.index()];
        let (zone, cause) = (process.zone, process.down_since().and_then(|(_, cause)| cause));
        self.connections.at_mut(slot).cause = cause;
        let name = self.zone_name(zone);
        self.probes.timeline.note(now, Weight::Step, cause, "dial/handshake", u64::from(server.0), || {
            format!("TLS handshake with the API server in {name} timed out")
        });
        self.dial_failed(now, slot, Outcome::DialFailed, future);
    }

    fn dial_failed(&mut self, now: SimTime, slot: u32, failed: Outcome, future: &mut Future) {
        self.connections.turn(slot, ConnectionState::Closed);
        for request in self.requests_on(slot) {
            self.finish(now, request, failed, future);
        }
    }

    /// The client knows that the connection is dead: its requests fail, and the next one opens another.
    fn broken(&mut self, now: SimTime, slot: u32, kind: &'static str, how: &str, future: &mut Future) {
        let connection = self.connections.at_mut(slot);
        let ConnectionState::Open { silent, .. } = connection.state else { return };
        let cause = silent.and_then(|(_, cause)| cause).or(connection.cause);
        let owner = connection.owner;
        let class = class_name(owner);
        self.probes
            .timeline
            .note(now, Weight::Step, cause, kind, class.1, || format!("connection of {} {how}", class.0));
        self.connections.turn(slot, ConnectionState::Closed);
        self.connections.at_mut(slot).cause = cause;
        for request in self.requests_on(slot) {
            self.finish(now, request, Outcome::ConnectionLost, future);
        }
        let reset = kind == "connection/reset";
        self.watches_break(now, owner, silent.map(|(since, _)| since), reset, future);
    }

    /// The present lives of what has an address, and of an API server.
    pub(crate) fn lives_on(&self, through: Address, server: ApiServerId) -> (u32, u32) {
        (self.zones.losses(self.zone_of_address(through)), self.api_servers[server.index()].life())
    }

    /// Every open connection whose way is no longer whole falls silent: its client will find out by its timers alone.
    pub(crate) fn silence_broken(&mut self, now: SimTime, cause: Cause, future: &mut Future) {
        self.streams_look(now, cause, future);
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let ConnectionState::Open { through, server, silent: None } = connection.state else { continue };
            if matches!(connection.owner, Owner::Component(..)) || self.is_whole(connection.origin, through, server) {
                continue; // a component dies with its server
            }
            let connection = self.connections.at_mut(slot);
            connection.state = ConnectionState::Open { through, server, silent: Some((now, cause)) };
            connection.cause = cause;
            if !self.plan.modes.explicit_read_idle {
                let timers = &self.plan.parameters.connection;
                let at = connection.given_up_at(now, timers.read_idle, timers.ping_timeout);
                future.schedule(at, Event::Connection(self.connections.life(slot), ConnectionStep::GivenUp));
            }
        }
    }

    /// The other end of silent connections answers again, but knows nothing of them: they are reset.
    pub(crate) fn reset_silent(
        &mut self,
        now: SimTime,
        back: impl Fn(Address, ApiServerId) -> bool,
        future: &mut Future,
    ) {
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let ConnectionState::Open { through, server, silent: Some(_) } = connection.state else { continue };
            if back(through, server) && self.is_whole(connection.origin, through, server) {
                future.schedule(now, Event::Connection(self.connections.life(slot), ConnectionStep::Reset));
            }
        }
    }

    /// The node of a zone resets the open flows to a target.
    pub(crate) fn reset_flows(
        &mut self,
        now: SimTime,
        node: ZoneId,
        target: ApiServerId,
        cause: Cause,
        future: &mut Future,
    ) {
        self.reset(now, cause, |through, server| through == Address::balancer(node) && server == target, future);
    }

    /// The kernel of an API server's machine resets the connections of its dead process, as far as it reaches them.
    pub(crate) fn reset_by_the_machine(&mut self, now: SimTime, of: ApiServerId, cause: Cause, future: &mut Future) {
        self.streams_look(now, cause, future);
        let zone = self.api_servers[of.index()].zone;
        let reached = |node: ZoneId| self.zones.has_power(node) && self.zones.reaches(node, zone);
        let nodes: Vec<bool> = (0..self.plan.cluster.zones.len() as u8).map(|node| reached(ZoneId(node))).collect();
        let places: Vec<ZoneId> = self.interfaces.all().map(|(_, interface)| interface.zone).collect();
        let zone_of = |address: Address| match address.of() {
            Addressed::Balancer(zone) => zone,
            Addressed::Interface(place) => places[place],
        };
        self.reset(now, cause, |through, server| server == of && nodes[zone_of(through).index()], future);
        for slot in 0..self.connections.slots() {
            let ConnectionState::Dialing { since, address, rest, far, tried, until } = self.connections.at(slot).state
            else {
                continue;
            };
            if far == Far::Answers(of) && nodes[zone_of(address).index()] {
                let state = ConnectionState::Dialing { since, address, rest, far: Far::Refuses(of), tried, until };
                let life = self.connections.turn(slot, state);
                future.schedule(now, Event::Connection(life, ConnectionStep::AddressRefused));
            }
        }
        for component in Component::ALL {
            let slot = self.loopbacks[component.index()][of.index()];
            if matches!(self.connections.at(slot).state, ConnectionState::Open { .. }) {
                self.connections.at_mut(slot).cause = cause;
                future.schedule(now, Event::Connection(self.connections.life(slot), ConnectionStep::Reset));
            }
        }
    }

    /// The resets of some connections are on their way to their clients, each as long as its own takes.
    fn reset(&mut self, now: SimTime, cause: Cause, which: impl Fn(Address, ApiServerId) -> bool, future: &mut Future) {
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let ConnectionState::Open { through, server, .. } = connection.state else { continue };
            if matches!(connection.owner, Owner::Component(..)) || !which(through, server) {
                continue;
            }
            let origin = connection.origin;
            let way = self.one_way(origin, through, server, &mut self.dial_draw(slot, RESET_PART));
            let passes = self.passes_to(origin, through);
            let connection = self.connections.at_mut(slot);
            (connection.cause, connection.is_forgotten) = (cause, true);
            if passes {
                future.schedule(now + way, Event::Connection(self.connections.life(slot), ConnectionStep::Reset));
            }
        }
    }

    /// An API server that no longer listens says GOAWAY on the connections that it has.
    pub(crate) fn say_goaway(&mut self, now: SimTime, of: ApiServerId, future: &mut Future) {
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let ConnectionState::Open { through, server, silent: None } = connection.state else { continue };
            if matches!(connection.owner, Owner::Component(..)) || server != of {
                continue;
            }
            let way = self.one_way(connection.origin, through, server, &mut self.dial_draw(slot, GOAWAY_PART));
            future.schedule(now + way, Event::Connection(self.connections.life(slot), ConnectionStep::GoAway));
        }
    }

    /// A client opens another connection, at once as its watches end with this one; what runs on this one may end.
    pub(crate) fn goes_away(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let connection = self.connections.at(slot);
        let open = matches!(connection.state, ConnectionState::Open { .. });
        let (Owner::Kubelet(node), true, false) = (connection.owner, open, connection.retired) else { return };
        let next = if connection.first == NONE {
            slot
        } else {
            let next = self.connections.retire(slot);
            self.kubelets[node.index()].connection = next;
            next
        };
        self.dial(now, next, future);
    }

    /// In runs that elide nothing, every open connection has a read-idle timer.
    pub(crate) fn watch_for_silence(&mut self, now: SimTime, life: ConnectionRef, future: &mut Future) {
        if self.plan.modes.explicit_read_idle {
            future.schedule(
                now + self.plan.parameters.connection.read_idle,
                Event::Connection(life, ConnectionStep::ReadIdle),
            );
        }
    }

    fn read_idle(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let timers = &self.plan.parameters.connection;
        let life = self.connections.life(slot);
        let connection = self.connections.at_mut(slot);
        let ConnectionState::Open { silent, .. } = connection.state else { return };
        if now < connection.last_read + timers.read_idle {
            let next = connection.last_read + timers.read_idle;
            return future.schedule(next, Event::Connection(life, ConnectionStep::ReadIdle));
        }
        if silent.is_some() {
            return future.schedule(now + timers.ping_timeout, Event::Connection(life, ConnectionStep::GivenUp));
        }
        connection.last_read = now; // the ping is answered
        future.schedule(now + timers.read_idle, Event::Connection(life, ConnectionStep::ReadIdle));
    }

    /// The open connections of a class of clients, by what they go through: the load balancer, or interfaces.
    pub(crate) fn open_connections(&self, class: &str) -> (usize, usize) {
        let mut through = (0, 0);
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let ConnectionState::Open { through: address, .. } = connection.state else { continue };
            if class_of(connection.owner) == class {
                match address.of() {
                    Addressed::Balancer(_) => through.0 += 1,
                    Addressed::Interface(_) => through.1 += 1,
                }
            }
        }
        through
    }

    /// The client of a connection dies: its requests are abandoned, those on a retired one too.
    pub(crate) fn abandon(&mut self, now: SimTime, slot: u32) {
        let before = self.connections.at_mut(slot).before.take();
        self.connections.turn(slot, ConnectionState::Closed);
        for request in self.requests_on(slot) {
            self.end_for_client(now, request, Outcome::Abandoned);
        }
        if let Some(before) = before.filter(|before| self.connections.at(before.slot).retired) {
            self.abandon(now, before.slot);
        }
    }
}

/// Where a component is: on the instance of an API server.
fn on_control_plane(zone: ZoneId) -> Origin {
    Origin { place: Place::Zone(zone), site: SiteId::CONTROL_PLANE }
}

/// The entity of a connection's random draws.
fn entity_of(owner: Owner) -> u64 {
    match owner {
        Owner::Kubelet(node) => u64::from(node.0),
        Owner::Component(component, server) => 1 << 32 | (component.index() as u64) << 8 | u64::from(server.0),
        Owner::Workload(process) => 8 << 32 | u64::from(process),
        Owner::External(client) => 2 << 32 | u64::from(client),
        Owner::Submitter => 3 << 32,
    }
}

fn class_of(owner: Owner) -> &'static str {
    match owner {
        Owner::Kubelet(_) => "kubelet",
        Owner::Component(..) => "component",
        Owner::Workload(_) => "workload",
        Owner::External(_) => "external",
        Owner::Submitter => "submitter",
    }
}

fn class_name(owner: Owner) -> (&'static str, u64) {
    match owner {
        Owner::Kubelet(_) => ("a kubelet", 0),
        Owner::Component(..) => ("a controller", 1),
        Owner::External(_) => ("an external client", 2),
        Owner::Submitter => ("the client that submits pods", 3),
        Owner::Workload(_) => ("a workload", 4),
    }
}
