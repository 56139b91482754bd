//! The private way to the API: the interfaces that EKS owns in the cluster's subnets, their names, and the service
//! `kubernetes`.
//!
//! ```text
//! server or zone dies:  interface silent -> the lease of its endpoint runs out -> pods dial the others
//!                                        -> the provider reacts -> Unnamed: the private answer without it (time to live)
//! server is ready:      interface named, and an endpoint again
//! server stops orderly: no endpoint at once, unnamed soon
//! server terminated:    its interface goes with it, and the address is free again
//! ```
//!
//! Nothing checks an interface's health and nothing resets its flows: clients live by their timers alone. Every kube-proxy
//! is taken to know the endpoints as soon as a watch would have told it; those of nodes without the API are not frozen.

use crate::event::{Event, Future, InterfaceStep};
use crate::ids::{ApiServerId, NodeId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::network::{Address, Addressed, DnsView, Origin, Place, SiteId};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const REACTION: Purpose = Purpose::new("interface/reaction");
const NAMING: Purpose = Purpose::new("interface/naming");
const LEASE: Purpose = Purpose::new("interface/lease");
const ENDPOINT: Purpose = Purpose::new("interface/endpoint");

impl World {
    /// A new API server gets an interface, if a subnet of the control plane has an address left.
    pub(crate) fn interface_comes(&mut self, now: SimTime, server: ApiServerId, zone: ZoneId, cause: Cause) {
        if self.interfaces.attach(self.vpc.network(), server, zone).is_none() {
            self.probes.timeline.note(now, Weight::Turn, cause, "interface/no-address", u64::from(server.0), || {
                "no subnet of the control plane has an address left: a new API server has no interface in the VPC"
                    .to_owned()
            });
        }
    }

    /// Free addresses in the subnets of the control plane.
    pub(crate) fn free_control_plane_addresses(&self) -> u64 {
        let subnets = &self.vpc.network().control_plane_subnets;
        subnets.iter().map(|subnet| u64::from(self.interfaces.free_in(*subnet))).sum()
    }

    /// Who may reach whom has changed: what is closed from now on names this as its cause.
    pub(crate) fn vpc_turns(
        &mut self,
        now: SimTime,
        cause: Cause,
        kind: &'static str,
        subject: u64,
        text: String,
    ) -> Cause {
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, kind, subject, || text).or(cause);
        self.vpc_story = noted;
        noted
    }

    /// The interfaces of a zone let nothing through, or do so again.
    pub(crate) fn interfaces_of_zone_turn(
        &mut self,
        now: SimTime,
        zone: ZoneId,
        fails: bool,
        cause: Cause,
        future: &mut Future,
    ) {
        for place in 0..self.interfaces.count() {
            let interface = self.interfaces.at_mut(place);
            if interface.zone == zone && interface.exists {
                interface.lost = fails.then_some((now, cause));
            }
        }
        self.interfaces_turn(now, cause, future);
    }

    /// The interface of an API server that is terminated goes with it.
    pub(crate) fn interface_goes(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        self.interfaces.detach(server);
        self.interfaces_turn(now, cause, future);
        self.silence_broken(now, cause, future);
    }

    /// Whether an interface exists and lets messages through.
    pub(crate) fn interface_passes(&self, place: usize) -> bool {
        let interface = self.interfaces.at(place);
        interface.exists && interface.lost.is_none() && self.zones.has_power(interface.zone)
    }

    fn interface_works(&self, place: usize) -> bool {
        let server = &self.api_servers[self.interfaces.at(place).server.index()];
        self.interface_passes(place) && server.is_ready()
    }

    /// Something has happened to servers or zones: names and endpoints of interfaces follow.
    pub(crate) fn interfaces_turn(&mut self, now: SimTime, cause: Cause, future: &mut Future) {
        for place in 0..self.interfaces.count() {
            let works = self.interface_works(place);
            if works == self.interfaces.at(place).works {
                continue;
            }
            let interface = self.interfaces.at_mut(place);
            (interface.works, interface.turns) = (works, interface.turns + 1);
            if works {
                self.interface_returns(now, place, future);
            } else {
                interface.cause = cause;
                self.interface_fails(now, place, future);
            }
        }
    }

    fn interface_returns(&mut self, now: SimTime, place: usize, future: &mut Future) {
        let (entity, turns) = (place as u64, u64::from(self.interfaces.at(place).turns));
        let parameters = &self.plan.parameters;
        let named = now + parameters.endpoint.interface_naming.duration(&mut self.key.draw(NAMING, entity, turns));
        let known = now + parameters.pod.endpoint_propagation.duration(&mut self.key.draw(ENDPOINT, entity, turns));
        self.await_interface(named, place, InterfaceStep::Named, future);
        self.await_interface(known, place, InterfaceStep::Joins, future);
    }

    /// A server that stops in order takes itself out of the endpoints; a dead one's lease must run out. The provider takes
    /// an address out of the name soon in the one case, and when it has found out in the other.
    fn interface_fails(&mut self, now: SimTime, place: usize, future: &mut Future) {
        let interface = *self.interfaces.at(place);
        let (entity, turns) = (place as u64, u64::from(interface.turns));
        let is_orderly = self.interface_passes(place) && self.api_servers[interface.server.index()].listens();
        let parameters = &self.plan.parameters;
        let endpoint = &parameters.endpoint;
        let mut draw = self.key.draw(REACTION, entity, turns);
        let law = if is_orderly { &endpoint.interface_naming } else { &endpoint.interface_reaction };
        let unnamed = now + law.duration(&mut draw);
        let heard = parameters.pod.endpoint_propagation.duration(&mut self.key.draw(ENDPOINT, entity, turns));
        let renewed = endpoint.lease_renewal.scaled(self.key.draw(LEASE, entity, turns).uniform());
        let rest = endpoint.lease_ttl.as_nanos().saturating_sub(renewed.as_nanos());
        let lease = SimDuration::from_nanos(if is_orderly { 0 } else { rest });
        self.await_interface(unnamed, place, InterfaceStep::Unnamed, future);
        self.await_interface(now + lease + heard, place, InterfaceStep::Leaves, future);
    }

    fn await_interface(&self, at: SimTime, place: usize, step: InterfaceStep, future: &mut Future) {
        future.schedule(at, Event::Interface(place as u8, self.interfaces.at(place).turns, step));
    }

    /// Handles a step of an interface; one of an earlier turn does nothing.
    pub(crate) fn interface(&mut self, now: SimTime, place: u8, turns: u32, step: InterfaceStep) {
        let place = place as usize;
        if self.interfaces.at(place).turns != turns {
            return;
        }
        // Without a living API server nobody takes an endpoint away.
        let anybody = self.api_servers.iter().any(|server| server.is_ready());
        let interface = self.interfaces.at_mut(place);
        match step {
            InterfaceStep::Named => interface.is_named = true,
            InterfaceStep::Unnamed => interface.is_named = false,
            InterfaceStep::Joins => interface.is_endpoint = true,
            InterfaceStep::Leaves => interface.is_endpoint &= !anybody,
        }
        if matches!(step, InterfaceStep::Named | InterfaceStep::Unnamed) {
            self.publish_private(now, place);
        }
    }

    fn publish_private(&mut self, now: SimTime, place: usize) {
        let (gone, back) = self.dns.publish(DnsView::Private, self.interfaces.named());
        if !self.vpc.network().access.private || gone.is_empty() && back.is_empty() {
            return; // nobody asks for it
        }
        let (cause, text) = (self.interfaces.at(place).cause, self.address_text(Address::interface(place)));
        let what = if back.is_empty() { "leaves the private answer" } else { "is in the private answer" };
        let kind = if back.is_empty() { "dns/private-withdrawn" } else { "dns/private-listed" };
        self.probes.timeline.note(now, Weight::Step, cause, kind, place as u64, || {
            format!("{text} {what}; resolvers follow within the time to live")
        });
    }

    /// The zone of what has an address.
    pub(crate) fn zone_of_address(&self, address: Address) -> ZoneId {
        match address.of() {
            Addressed::Balancer(zone) => zone,
            Addressed::Interface(place) => self.interfaces.at(place).zone,
        }
    }

    /// An address, for people.
    pub(crate) fn address_text(&self, address: Address) -> String {
        match address.of() {
            Addressed::Balancer(zone) => format!("in {}", self.zone_name(zone)),
            Addressed::Interface(place) => {
                let interface = self.interfaces.at(place);
                format!("{} of the interface in {}", interface.address, self.zone_name(interface.zone))
            }
        }
    }

    /// Whether a NAT gateway lets anything through.
    pub(crate) fn nat_lives(&self, nat: u8) -> bool {
        self.vpc.nat_is_up(nat as usize) && self.zones.has_power(self.vpc.zone_of_nat(nat))
    }

    /// Where a node is.
    pub(crate) fn origin_of(&self, node: NodeId) -> Origin {
        let of = &self.cluster.nodes[node.index()];
        let zones = &self.plan.cluster.node_groups[of.group.index()].zones;
        let nth = zones.iter().position(|zone| *zone == of.zone).expect("a node lies in a zone of its group");
        Origin { place: Place::Zone(of.zone), site: self.vpc.nodes(of.group.index(), nth) }
    }

    /// Where the client is that submits pods: beside the first nodes, or where there are none, at the control plane.
    pub(crate) fn origin_of_submitter(&self) -> Origin {
        let beside = (self.cluster.node_count() > 0).then(|| self.origin_of(NodeId(0)));
        beside.unwrap_or(Origin { place: Place::Zone(ZoneId(0)), site: SiteId::CONTROL_PLANE })
    }
}
