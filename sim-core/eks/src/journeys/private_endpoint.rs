//! The private way to the API: the interfaces that EKS owns in the cluster's subnets, their names, and the service
//! `kubernetes`.
//!
//! ```text
//! server or zone dies:  interface silent -> the lease of its endpoint runs out -> pods dial the others
//!                                        -> the provider reacts -> Unnamed: the private answer without it (time to live)
//! interface dies alone: the same, but its server lives, renews its lease and stays an endpoint
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
        self.interfaces.strike(zone, fails, now, cause);
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
        interface.exists && self.interfaces.struck(interface.zone).is_none() && self.zones.has_power(interface.zone)
    }

    fn interface_works(&self, place: usize) -> bool {
        let server = &self.api_servers[self.interfaces.at(place).server.index()];
        self.interface_passes(place) && server.is_ready()
    }

    /// Something has happened to servers or zones: names follow what an interface leads to, endpoints follow the servers.
    pub(crate) fn interfaces_turn(&mut self, now: SimTime, cause: Cause, future: &mut Future) {
        for place in 0..self.interfaces.count() {
            let works = self.interface_works(place);
            let interface = self.interfaces.at(place);
            let serves = interface.exists && self.api_servers[interface.server.index()].is_ready();
            if serves != interface.serves {
                let interface = self.interfaces.at_mut(place);
                (interface.serves, interface.leases) = (serves, interface.leases + 1);
                self.endpoint_follows(now, place, serves, future);
            }
            if works != self.interfaces.at(place).works {
                let interface = self.interfaces.at_mut(place);
                (interface.works, interface.turns) = (works, interface.turns + 1);
                interface.cause = if works { interface.cause } else { cause };
                self.name_follows(now, place, works, future);
            }
        }
    }

    /// The provider takes an address out of the name soon where that is in order, and else when it has found out.
    fn name_follows(&mut self, now: SimTime, place: usize, works: bool, future: &mut Future) {
        let interface = self.interfaces.at(place);
        let is_orderly = self.interface_passes(place) && self.api_servers[interface.server.index()].listens();
        let (entity, turns) = (place as u64, u64::from(interface.turns));
        let endpoint = &self.plan.parameters.endpoint;
        let (law, purpose) = match works || is_orderly {
            true => (&endpoint.interface_naming, NAMING),
            false => (&endpoint.interface_reaction, REACTION),
        };
        let at = now + law.duration(&mut self.key.draw(purpose, entity, turns));
        let step = if works { InterfaceStep::Named } else { InterfaceStep::Unnamed };
        future.schedule(at, Event::Interface(place as u8, interface.turns, step));
    }

    /// A server that stops in order takes itself out of the endpoints; a dead one's lease must run out. One that lives keeps
    /// its lease in etcd, whatever has become of its interface.
    fn endpoint_follows(&mut self, now: SimTime, place: usize, serves: bool, future: &mut Future) {
        let interface = self.interfaces.at(place);
        let (entity, leases) = (place as u64, u64::from(interface.leases));
        let (parameters, endpoint) = (&self.plan.parameters, &self.plan.parameters.endpoint);
        let heard = parameters.pod.endpoint_propagation.duration(&mut self.key.draw(ENDPOINT, entity, leases));
        let renewed = endpoint.lease_renewal.scaled(self.key.draw(LEASE, entity, leases).uniform());
        let rest = endpoint.lease_ttl.as_nanos().saturating_sub(renewed.as_nanos());
        let at_once = serves || self.api_servers[interface.server.index()].listens();
        let lease = SimDuration::from_nanos(if at_once { 0 } else { rest });
        let step = if serves { InterfaceStep::Joins } else { InterfaceStep::Leaves };
        future.schedule(now + lease + heard, Event::Interface(place as u8, interface.leases, step));
    }

    /// Handles a step of an interface; one of an earlier turn does nothing.
    #[cold]
    pub(crate) fn interface(&mut self, now: SimTime, place: u8, turns: u32, step: InterfaceStep) {
        let place = place as usize;
        let interface = self.interfaces.at(place);
        let is_name = matches!(step, InterfaceStep::Named | InterfaceStep::Unnamed);
        if turns != if is_name { interface.turns } else { interface.leases } {
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
        if is_name {
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

    /// Whether messages pass between a zone and public addresses, through a NAT gateway where routes lead through one.
    pub(crate) fn way_out_is_whole(&self, from: ZoneId, nat: Option<u8>) -> bool {
        let leaves = nat.map_or(from, |nat| self.vpc.zone_of_nat(nat));
        let lives = nat.is_none_or(|nat| self.nat_lives(nat));
        lives && self.zones.reaches(from, leaves) && self.zones.passes((Place::Internet(0), leaves))
    }

    /// Where a node is.
    pub(crate) fn origin_of(&self, node: NodeId) -> Origin {
        let of = &self.cluster.nodes[node.index()];
        let (zones, _) = self.plan.cluster.places_of(of.group.index());
        let nth = zones.iter().position(|zone| *zone == of.zone).expect("a node lies in a zone of its group");
        Origin { place: Place::Zone(of.zone), site: self.vpc.nodes(of.group.index(), nth) }
    }

    /// Where the client is that submits pods: beside the first nodes, or where there are none, at the control plane.
    pub(crate) fn origin_of_submitter(&self) -> Origin {
        let beside = (self.cluster.node_count() > 0).then(|| self.origin_of(NodeId(0)));
        beside.unwrap_or(Origin { place: Place::Zone(ZoneId(0)), site: SiteId::CONTROL_PLANE })
    }
}
