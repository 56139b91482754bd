//! How the load balancer and DNS learn that a zone's address or target is dead, or back:
//!
//! ```text
//! NLB node dies: its address is checked -> AddressDead -> Published without it
//! each node, each of its targets: CheckBegins -> passed or refused at once, or silence, or etcd is silent -> CheckEnds
//! failed often enough -> Unhealthy: flows reset -> Routed; without cross-zone Published without its zone
//! passed often enough -> Healthy -> Routed, Published with it
//! ```
//!
//! What is published is what the verdicts say at that moment; resolvers follow within the record's time to live.

use crate::event::{Event, Future, NlbStep, TargetStep};
use crate::ids::ApiServerId;
use crate::plan::ZoneId;
use crate::record::Weight;
use crate::stations::control_plane::{LinkState, View};
use crate::stations::network::{Addressed, Addresses, DnsView, Place};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const ADDRESS_CHECK: Purpose = Purpose::new("nlb/address-check");
const PUBLICATION: Purpose = Purpose::new("nlb/publication");
const ROUTING: Purpose = Purpose::new("nlb/routing");
const CHECK_PHASE: Purpose = Purpose::new("nlb/check-phase");
const CHECK_WAY: Purpose = Purpose::new("nlb/check-way");
const REGISTRATION: Purpose = Purpose::new("nlb/registration");
const DEREGISTRATION: Purpose = Purpose::new("nlb/deregistration");
const CHECK_ETCD: Purpose = Purpose::new("nlb/check-etcd");

/// What a target answers to a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Passes,
    Refuses,
    /// Nothing comes from it.
    Silent,
    /// It waits for etcd.
    Waits,
}

impl World {
    /// The health checks that go on when the run begins, each somewhere in its interval.
    pub(crate) fn checks_run(&mut self, future: &mut Future) {
        for node in self.nlb.zones().collect::<Vec<_>>() {
            self.node_checks(SimTime::ZERO, node, future);
        }
    }

    /// The node of a zone begins to check its targets.
    fn node_checks(&mut self, now: SimTime, node: ZoneId, future: &mut Future) {
        for server in self.nlb.targets_of(node).collect::<Vec<_>>() {
            self.checks_begin(now, node, server, future);
        }
    }

    /// A node begins to check a target: for the first time somewhere within the interval.
    fn checks_begin(&mut self, now: SimTime, node: ZoneId, server: ApiServerId, future: &mut Future) {
        let round = self.nlb.begin_round(node, server);
        let phase = self.key.draw(CHECK_PHASE, check_entity(node, server), u64::from(round)).uniform();
        let first = now + self.plan.parameters.nlb.health_check_interval.scaled(phase);
        future.schedule(first, Event::Target(server, node, round, TargetStep::CheckBegins));
    }

    /// An API server becomes a target. Each node that may send to it begins to check it after a while; a node that is new
    /// with it checks the others too.
    pub(crate) fn register_target(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let zone = self.api_servers[server.index()].zone;
        let is_new = !self.nlb.has_node(zone);
        self.nlb.register(server, zone);
        for node in self.nlb.nodes_of(server).collect::<Vec<_>>() {
            let targets: Vec<ApiServerId> =
                if is_new && node == zone { self.nlb.targets_of(node).collect() } else { vec![server] };
            for target in targets {
                let draw = &mut self.key.draw(REGISTRATION, check_entity(node, target), 0);
                let time = self.plan.parameters.nlb.registration.duration(draw);
                future.schedule(now + time, Event::Target(target, node, 0, TargetStep::Registered));
            }
        }
    }

    fn first_check(&mut self, now: SimTime, server: ApiServerId, node: ZoneId, future: &mut Future) {
        if self.nlb.nodes_of(server).any(|checks| checks == node) && self.zones.has_power(node) {
            let round = self.nlb.begin_round(node, server);
            self.check_begins(now, server, node, round, future);
        }
    }

    /// An API server is no target any more: new flows end after a lag, and the open ones are reset after the delay, where
    /// that is wanted.
    pub(crate) fn deregister_target(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let nlb = &self.plan.parameters.nlb;
        let zone = self.api_servers[server.index()].zone;
        let lag = nlb.deregistration_lag.duration(&mut self.key.draw(DEREGISTRATION, u64::from(server.0), 0));
        future.schedule(now + lag, Event::Target(server, zone, 0, TargetStep::Closed));
        if nlb.deregistration_terminates {
            future.schedule(now + nlb.deregistration_delay, Event::Target(server, zone, 0, TargetStep::Removed));
        }
    }

    /// The provider shifts traffic away from a zone, or back: its address leaves DNS, or returns.
    pub(crate) fn shift_zone(&mut self, now: SimTime, zone: ZoneId, away: bool, future: &mut Future) {
        let name = self.zone_name(zone);
        let (kind, text) = if away { ("nlb/shifted", "away from") } else { ("nlb/shift-ends", "back to") };
        let noted = self.probes.timeline.note(now, Weight::Turn, None, kind, u64::from(zone.0), || {
            format!("provider shifts the control plane's traffic {text} {name}")
        });
        self.stories[zone.index()] = noted;
        self.nlb.shift(zone, away);
        if self.nlb.has_node(zone) {
            self.publish_later(now, zone, future);
        }
    }

    /// An NLB node is dead: a check of its address will find out.
    pub(crate) fn address_dies(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let outages = self.zones.outages(zone);
        let mut draw = self.key.draw(ADDRESS_CHECK, u64::from(zone.0), u64::from(outages));
        let check = self.plan.parameters.nlb.address_check.duration(&mut draw);
        future.schedule(now + check, Event::Nlb(zone, outages, NlbStep::AddressDead));
    }

    /// An NLB node is dead or cut off no more, and checks its targets anew.
    pub(crate) fn address_lives(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        if !self.zones.answers_outside(zone) {
            return;
        }
        self.nlb.address_lives(zone);
        self.node_checks(now, zone, future);
        self.publish_later(now, zone, future);
    }

    fn publish_later(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let ordinal = self.nlb.next_publication(zone);
        let mut draw = self.key.draw(PUBLICATION, u64::from(zone.0), u64::from(ordinal));
        let time = self.plan.parameters.nlb.publication.duration(&mut draw);
        future.schedule(now + time, Event::Nlb(zone, 0, NlbStep::Published));
    }

    /// Handles something around a node; what comes for an earlier state does nothing.
    #[cold]
    pub(crate) fn balancing(
        &mut self,
        now: SimTime,
        zone: ZoneId,
        generation: u32,
        step: NlbStep,
        future: &mut Future,
    ) {
        match step {
            NlbStep::AddressDead => {
                if self.zones.outages(zone) == generation && !self.zones.answers_outside(zone) {
                    self.nlb.address_dies(zone);
                    self.publish_later(now, zone, future);
                }
            }
            NlbStep::Published => self.publish(now),
        }
    }

    /// Handles something around a target; what comes for an earlier round or verdict does nothing.
    #[cold]
    pub(crate) fn target(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        node: ZoneId,
        number: u32,
        step: TargetStep,
        future: &mut Future,
    ) {
        match step {
            TargetStep::Routed => self.nlb.route(node, server, number),
            TargetStep::Registered => self.first_check(now, server, node, future),
            TargetStep::Closed => {
                self.nlb.close(server);
                if self.nlb.has_node(node) {
                    self.publish_later(now, node, future); // one that never served may have been the first of its zone
                }
            }
            TargetStep::Removed => {
                for node in self.nlb.zones().collect::<Vec<_>>() {
                    self.reset_flows(now, node, server, None, future);
                }
            }
            _ if !self.nlb.is_round(node, server, number) || !self.zones.has_power(node) => {}
            TargetStep::CheckBegins => self.check_begins(now, server, node, number, future),
            TargetStep::CheckEnds => {
                let timeout = self.plan.parameters.nlb.health_check_timeout;
                let begun = SimTime::ZERO + now.saturating_since(SimTime::ZERO + timeout);
                let is_late = self.check_is_late(begun, node, server);
                let passed = !is_late && self.answer(now, node, server) == Answer::Passes; // a SYN is repeated, and so is `/readyz`'s question
                self.check_ends(now, server, node, number, passed, future);
            }
        }
    }

    fn check_begins(&mut self, now: SimTime, server: ApiServerId, node: ZoneId, round: u32, future: &mut Future) {
        let nlb = &self.plan.parameters.nlb;
        let (interval, timeout, from_end) =
            (nlb.health_check_interval, nlb.health_check_timeout, nlb.interval_from_end);
        let patience = timeout.min(self.plan.parameters.api_server.readyz_etcd_timeout);
        if !from_end {
            future.schedule(now + interval, Event::Target(server, node, round, TargetStep::CheckBegins));
        }
        let waits = match self.answer(now, node, server) {
            _ if self.check_is_late(now, node, server) => timeout,
            Answer::Passes => return self.check_ends(now, server, node, round, true, future),
            Answer::Refuses => return self.check_ends(now, server, node, round, false, future),
            Answer::Silent => timeout,
            Answer::Waits => patience,
        };
        future.schedule(now + waits, Event::Target(server, node, round, TargetStep::CheckEnds));
    }

    /// Whether the network between a node and its target is so slow and lossy that a check that begins now takes longer
    /// than it may.
    fn check_is_late(&self, begun: SimTime, node: ZoneId, server: ApiServerId) -> bool {
        if !self.zones.is_impaired() {
            return false;
        }
        let to = self.api_servers[server.index()].zone;
        let legs = [(Place::Zone(node), to)];
        let draw = &mut self.key.draw(CHECK_WAY, check_entity(node, server), begun.as_nanos());
        let handshakes = self.handshake_over(&legs, self.zones.mean(node, to), draw);
        let question = self.zones.impaired(self.zones.mean(node, to), &legs, draw);
        let answer = self.zones.impaired(self.zones.mean(node, to), &legs, draw);
        handshakes + question + answer > self.plan.parameters.nlb.health_check_timeout
    }

    /// What a target answers to a health check of a node that comes now.
    fn answer(&self, now: SimTime, node: ZoneId, server: ApiServerId) -> Answer {
        let process = &self.api_servers[server.index()];
        if process.is_silent() || !self.zones.reaches(node, process.zone) {
            return Answer::Silent;
        }
        let asks = self.plan.parameters.nlb.check_readyz;
        match (process.listens(), asks && !process.is_ready()) {
            (false, _) | (true, true) => Answer::Refuses,
            (true, false) if asks && !self.etcd_answers(now, server) => Answer::Waits,
            _ => Answer::Passes,
        }
    }

    /// Whether a read of `/readyz` reaches a member of etcd that answers it.
    fn etcd_answers(&self, now: SimTime, server: ApiServerId) -> bool {
        let process = &self.api_servers[server.index()];
        let draw = &mut self.key.draw(CHECK_ETCD, u64::from(server.0), now.as_nanos());
        let Some(member) = process.choose_member(now, draw) else { return false };
        let passes = process.links[member.index()].state == LinkState::Ready;
        let alive = self.etcd.ids().filter(|member| self.etcd.is_up(*member)).count();
        let led = matches!(self.etcd.view(member), View::Leads | View::Follows(_));
        passes && led && 2 * alive > self.etcd.ids().count()
    }

    fn check_ends(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        node: ZoneId,
        round: u32,
        passed: bool,
        future: &mut Future,
    ) {
        let nlb = &self.plan.parameters.nlb;
        if nlb.interval_from_end {
            let next = now + nlb.health_check_interval;
            future.schedule(next, Event::Target(server, node, round, TargetStep::CheckBegins));
        }
        let Some((healthy, change)) = self.nlb.checked(node, server, passed) else { return };
        if !healthy {
            self.target_unhealthy(now, server, node, future);
        }
        let mut draw = self.key.draw(ROUTING, check_entity(node, server), u64::from(change));
        let lag = self.plan.parameters.nlb.routing_lag.duration(&mut draw);
        future.schedule(now + lag, Event::Target(server, node, change, TargetStep::Routed));
        self.publish_later(now, node, future);
    }

    fn target_unhealthy(&mut self, now: SimTime, server: ApiServerId, node: ZoneId, future: &mut Future) {
        let zone = self.api_servers[server.index()].zone;
        let down = self.api_servers[server.index()].down_since();
        let cause = down.or(self.etcd.vacant_since()).and_then(|(_, cause)| cause);
        let name = self.zone_name(zone);
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "nlb/unhealthy", u64::from(server.0), || {
            format!("load balancer finds its target in {name} unhealthy")
        });
        let healthy = self.nlb.targets_of(node).any(|target| self.nlb.is_healthy(node, target));
        if !healthy && self.nlb.targets_of(node).count() > 1 {
            let name = self.zone_name(node);
            let because = noted.or(cause);
            self.probes.timeline.note(now, Weight::Turn, because, "nlb/fail-open", u64::from(node.0), || {
                format!("load balancer's node in {name} finds no target healthy: it fails open, and sends flows to all")
            });
        }
        if self.plan.parameters.nlb.reset_unhealthy_flows {
            self.reset_flows(now, node, server, noted.or(cause), future);
        }
    }

    fn publish(&mut self, now: SimTime) {
        let (gone, back) = self.dns.publish(DnsView::Public, self.nlb.answer());
        for zone in balancers(gone) {
            let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
            self.probes.timeline.note(now, Weight::Step, cause, "dns/withdrawn", u64::from(zone.0), || {
                format!("address in {name} leaves DNS; resolvers follow within the time to live")
            });
        }
        for zone in balancers(back) {
            let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
            self.probes.timeline.note(now, Weight::Step, cause, "dns/listed", u64::from(zone.0), || {
                format!("address in {name} is in DNS again")
            });
        }
    }
}

/// The zones of the load balancer's addresses in an answer.
fn balancers(answer: Addresses) -> impl Iterator<Item = ZoneId> {
    answer.iter().filter_map(|address| match address.of() {
        Addressed::Balancer(zone) => Some(zone),
        Addressed::Interface(_) => None,
    })
}

/// The entity of the draws of a node's checks of a target.
fn check_entity(node: ZoneId, server: ApiServerId) -> u64 {
    u64::from(server.0) << 8 | u64::from(node.0)
}
