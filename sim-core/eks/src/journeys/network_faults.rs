//! Between zones that live: a zone that is cut off, and one that is slow and lossy at its border.
//!
//! ```text
//! cut:  connections over it fall silent, nothing is reset -> their clients give them up, or dial elsewhere
//! heal: TCP repeats what was not acknowledged -> Resumed: requests and answers go on
//!       (not before its next repetition, and never where the client's ping has waited too long by then: GivenUp)
//! ```
//!
//! What an impaired zone does to single messages lies in the station ([`Zones`]); here are its beginning and its end.
//!
//! [`Zones`]: crate::stations::network::Zones

use crate::event::{ConnectionStep, Event, Future, RequestStep};
use crate::ids::{ApiServerId, MemberId};
use crate::plan::ZoneId;
use crate::stations::control_plane::{LinkState, Passage};
use crate::stations::network::{Address, Addressed, ConnectionState, Impairment, Leg, Legs, Origin, Owner, Way};
use crate::world::World;
use sim_kernel::{Law, SimDuration, SimTime};

/// What lets nothing through on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// A NAT gateway.
    Nat(u8),
    /// A zone without power.
    Zone(ZoneId),
    /// An interface of EKS.
    Interface(usize),
    /// The machine of an API server.
    Server(ApiServerId),
    /// A leg that is cut.
    Cut(Leg),
}

impl World {
    /// A zone becomes slow and lossy at its border.
    pub(crate) fn zone_impaired(&mut self, now: SimTime, index: u32, zone: ZoneId, latency: &Law, loss: f64) {
        let name = self.zone_name(zone);
        self.turn(now, None, "zone/impaired", index, zone, || {
            let latency = crate::quantity::show_duration(SimDuration::from_secs_f64(latency.median()));
            format!("zone {name} is slow and lossy: {latency} each way, {:.1} % loss", loss * 100.0)
        });
        self.zones.impair(Impairment { index, zone, latency: latency.clone(), loss });
    }

    /// An impaired zone is as before.
    pub(crate) fn zone_cleared(&mut self, now: SimTime, index: u32) {
        let Some(zone) = self.zones.clear(index) else { return };
        let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
        self.turn(now, cause, "zone/clear", index, zone, || format!("the network of zone {name} is as before"));
    }

    /// A zone that lives is cut off from the others, and from the internet too if `internet`.
    pub(crate) fn zone_cut_off(&mut self, now: SimTime, index: u32, zone: ZoneId, internet: bool, future: &mut Future) {
        let name = self.zone_name(zone);
        let from = if internet { "the other zones and the internet" } else { "the other zones" };
        let cause = self.turn(now, None, "zone/cut-off", index, zone, || format!("zone {name} is cut off from {from}"));
        for way in self.ways_to_cut(zone, internet) {
            self.zones.cut(way);
        }
        if internet && self.nlb.has_node(zone) {
            self.address_dies(now, zone, future);
        }
        self.silence_broken(now, cause, future);
        self.links_over_cuts_fall_silent(now, future);
        self.etcd_ways_change(now, cause, future);
    }

    fn ways_to_cut(&self, zone: ZoneId, internet: bool) -> Vec<Way> {
        let mut ways = self.zones.ways_out(zone);
        if internet {
            ways.push(Way::Internet(zone));
        }
        ways
    }

    fn links_over_cuts_fall_silent(&mut self, now: SimTime, future: &mut Future) {
        for (server, member) in self.links() {
            let zone = self.api_servers[server.index()].zone;
            if !self.zones.reaches(zone, self.member_zone(member)) {
                self.link_falls_silent(now, server, member, future);
            }
        }
    }

    fn links(&self) -> Vec<(ApiServerId, MemberId)> {
        let members: Vec<MemberId> = self.etcd.ids().collect();
        self.server_ids().flat_map(|server| members.iter().map(move |member| (server, *member))).collect()
    }

    /// A zone that was cut off is reached again.
    pub(crate) fn zone_reached_again(
        &mut self,
        now: SimTime,
        index: u32,
        zone: ZoneId,
        internet: bool,
        future: &mut Future,
    ) {
        let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
        let cause = self.turn(now, cause, "zone/reached", index, zone, || format!("zone {name} is reached again"));
        for way in self.ways_to_cut(zone, internet) {
            self.zones.heal(way);
        }
        if internet && self.nlb.has_node(zone) {
            self.address_lives(now, zone, future);
        }
        for slot in 0..self.connections.slots() {
            self.path_returns(now, slot, future);
        }
        self.dials_hear(now, future);
        self.links_return(now, future);
        self.etcd_ways_change(now, cause, future);
    }

    /// The API servers' connections to etcd members that they reach again: those not yet given up carry on, the others
    /// are opened anew.
    fn links_return(&mut self, now: SimTime, future: &mut Future) {
        for (server, member) in self.links() {
            let from = &self.api_servers[server.index()];
            let whole = self.zones.reaches(from.zone, self.member_zone(member)) && self.etcd.serves(member);
            if !from.is_up() || !whole {
                continue;
            }
            match from.links[member.index()].state {
                LinkState::Ready => {}
                LinkState::Broken => self.reconnect(now, server, member, future),
                LinkState::Silent { .. } => {
                    let link = &mut self.api_servers[server.index()].links[member.index()];
                    link.generation += 1;
                    link.state = LinkState::Ready;
                    self.calls_carry_on(now, server, member, future);
                }
            }
        }
    }

    /// The calls that stalled on a connection to a member get through at TCP's next repetition.
    fn calls_carry_on(&mut self, now: SimTime, server: ApiServerId, member: MemberId, future: &mut Future) {
        let way = self.zones.mean(self.api_servers[server.index()].zone, self.member_zone(member));
        for slot in 0..self.requests.peak() as u32 {
            let request = self.requests.at_mut(slot);
            let Some(since) = request.stalled.filter(|_| request.in_hand) else { continue };
            if request.server != server || request.member != member {
                continue;
            }
            request.stalled = None;
            request.etcd_try = request.etcd_try.wrapping_add(1); // the time-out of the stalled try does nothing
            let at = self.zones.next_repeat(since, way, now) + way;
            future.schedule(at, self.in_etcd(slot, RequestStep::AtMember));
        }
    }

    /// The path of a silent connection may be whole again: it carries on when TCP next repeats what was sent into the
    /// silence, or at once where nothing was.
    pub(crate) fn path_returns(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let connection = self.connections.at(slot);
        let ConnectionState::Open { through, server, silent: Some((since, _)) } = connection.state else { return };
        if matches!(connection.owner, Owner::Component(..)) || !self.is_whole(connection.origin, through, server) {
            return;
        }
        let timers = &self.plan.parameters.connection;
        let given_up = connection.given_up_at(since, timers.read_idle, timers.ping_timeout);
        let ping = Some(given_up - timers.ping_timeout).filter(|ping| *ping <= now);
        let sent = connection.unanswered.into_iter().chain(ping).min();
        let resumes = sent.map_or(now, |sent| self.zones.next_repeat(sent, self.mean_way(slot), now));
        let is_known = self.connections.is_known(slot, self.lives_on(through, server));
        if resumes >= given_up {
            return;
        }
        match (is_known, sent) {
            (false, _) => {
                future.schedule(resumes, Event::Connection(self.connections.life(slot), ConnectionStep::Reset))
            }
            (true, None) => self.resumed(now, slot, false, future),
            (true, Some(_)) => {
                future.schedule(resumes, Event::Connection(self.connections.life(slot), ConnectionStep::Resumed));
            }
        }
    }

    /// Whether messages pass between a client and the machine of an API server, both ways. What rules and routes say of
    /// new flows is another matter.
    pub(crate) fn is_whole(&self, origin: Origin, through: Address, server: ApiServerId) -> bool {
        self.breach(origin, through, server).is_none()
    }

    /// The first thing on the way between a client and the machine of an API server that lets nothing through.
    pub(crate) fn breach(&self, origin: Origin, through: Address, server: ApiServerId) -> Option<Breach> {
        let at_address = match through.of() {
            Addressed::Balancer(zone) => {
                let nat = self.vpc.ways(origin.site).public_nat.filter(|nat| !self.nat_lives(*nat)).map(Breach::Nat);
                nat.or((!self.zones.has_power(zone)).then_some(Breach::Zone(zone)))
            }
            Addressed::Interface(place) => (!self.interface_passes(place)).then_some(Breach::Interface(place)),
        };
        let dead = || self.api_servers[server.index()].is_silent().then_some(Breach::Server(server));
        let cut = || {
            let legs = self.legs(origin, through, server);
            legs.iter().find(|leg| !self.zones.passes(**leg)).copied().map(Breach::Cut)
        };
        at_address.or_else(dead).or_else(cut)
    }

    /// Whether messages pass between a client and what has an address.
    pub(crate) fn passes_to(&self, origin: Origin, through: Address) -> bool {
        let nat = match through.of() {
            Addressed::Balancer(_) => self.vpc.ways(origin.site).public_nat,
            Addressed::Interface(_) => None,
        };
        let zone = self.zone_of_address(through);
        match nat {
            Some(nat) => {
                let gateway = self.vpc.zone_of_nat(nat);
                let legs = Legs::over(origin.place, &[gateway, zone]);
                self.nat_lives(nat) && legs.iter().all(|leg| self.zones.passes(*leg))
            }
            None => self.zones.passes((origin.place, zone)),
        }
    }

    fn mean_way(&self, slot: u32) -> SimDuration {
        let connection = self.connections.at(slot);
        let ConnectionState::Open { through, server, .. } = connection.state else { return SimDuration::ZERO };
        self.legs(connection.origin, through, server).iter().map(|leg| self.zones.mean_of(*leg)).sum()
    }

    /// What was sent into the silence gets through: the connection carries on. `is_answered` tells whether the client reads
    /// something by it.
    pub(crate) fn resumed(&mut self, now: SimTime, slot: u32, is_answered: bool, future: &mut Future) {
        let connection = self.connections.at(slot);
        let ConnectionState::Open { through, server, silent: Some(_) } = connection.state else { return };
        if !self.is_whole(connection.origin, through, server) {
            return; // cut again
        }
        let (owner, origin) = (connection.owner, connection.origin);
        let answers = connection.unheard.map(|since| self.zones.next_repeat(since, self.mean_way(slot), now));
        let life = self.connections.turn(slot, ConnectionState::Open { through, server, silent: None });
        let connection = self.connections.at_mut(slot);
        (connection.cause, connection.unanswered, connection.unheard) = (None, None, None);
        if is_answered {
            connection.last_read = now;
        }
        let last_read = connection.last_read;
        self.watch_for_silence(last_read, life, future);
        for request in self.requests_on(slot) {
            match self.requests.at(request).passage {
                Passage::Waits => self.send(now, request, future),
                Passage::AnswerHeld => self.answer_again(answers.unwrap_or(now), request, origin, through, future),
                Passage::Sent | Passage::AnswerSent => {}
            }
        }
        if let Owner::Kubelet(node) = owner {
            self.kubelet_listed(now, node, future);
        }
    }
}
