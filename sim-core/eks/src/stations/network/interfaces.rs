//! The network interfaces that EKS owns in the cluster's subnets, and the addresses of these subnets.
//!
//! Interface i leads to API server i and dies with it or with its zone; nothing checks its health and nothing resets its
//! flows. A new API server gets a new interface with an address of its own, where there is one left.

use super::dns::{Address, Addresses};
use crate::ids::ApiServerId;
use crate::plan::{Network, ZoneId};
use crate::probes::Cause;
use sim_kernel::SimTime;
use std::net::IpAddr;

/// One interface.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// The API server that it leads to.
    pub server: ApiServerId,
    /// The subnet that it lies in.
    pub subnet: u16,
    /// The zone of that subnet.
    pub zone: ZoneId,
    /// Its address.
    pub address: IpAddr,
    /// Whether the private answer has its address.
    pub is_named: bool,
    /// Whether the endpoints of the service `kubernetes` have its address.
    pub is_endpoint: bool,
    /// Whether it is there: a deleted one keeps its place until the place is needed.
    pub exists: bool,
    /// Whether it led to a server that takes connections when that was last looked at.
    pub works: bool,
    /// How often that has changed: the generation of its name.
    pub turns: u32,
    /// Whether its server was ready when that was last looked at.
    pub serves: bool,
    /// How often that has changed: the generation of its endpoint.
    pub leases: u32,
    /// Why it stopped working.
    pub cause: Cause,
}

/// All interfaces, and the addresses that are free in each subnet.
#[derive(Clone, Debug)]
pub struct Interfaces {
    places: Vec<Interface>,
    /// By zone: how many faults strike its interfaces, since when, and why.
    struck: Vec<(u32, SimTime, Cause)>,
    /// Below zero where more than there is was in use from the start.
    free: Vec<i64>,
    /// Addresses that interfaces of EKS have got of each.
    given: Vec<u32>,
    refused: u64,
}

impl Interfaces {
    /// Places for interfaces: an address of the endpoint is one of them or a zone of the load balancer's.
    pub const PLACES: usize = 24;

    /// None yet; the subnets have the addresses that they have.
    pub fn new(network: &Network) -> Self {
        Interfaces {
            places: Vec::new(),
            struck: Vec::new(),
            free: network.subnets.iter().map(|subnet| i64::from(subnet.usable())).collect(),
            given: vec![0; network.subnets.len()],
            refused: 0,
        }
    }

    /// The interfaces of the API servers in these zones, which have run for long: all of them named.
    pub fn of_servers(network: &Network, servers: &[ZoneId]) -> Self {
        let mut interfaces = Self::new(network);
        for (server, zone) in (0..).map(ApiServerId).zip(servers) {
            let Some(place) = interfaces.attach(network, server, *zone) else { continue };
            let interface = &mut interfaces.places[place];
            (interface.is_named, interface.is_endpoint) = (true, true);
            (interface.works, interface.serves) = (true, true);
        }
        interfaces
    }

    /// The addresses that the private answer has.
    pub fn named(&self) -> Addresses {
        self.addresses(|interface| interface.is_named)
    }

    /// The addresses that the endpoints of the service `kubernetes` have.
    pub fn endpoints(&self) -> Addresses {
        self.addresses(|interface| interface.is_endpoint)
    }

    fn addresses(&self, wanted: impl Fn(&Interface) -> bool) -> Addresses {
        let found = self.all().filter(|(_, interface)| wanted(interface));
        found.fold(Addresses::default(), |answer, (place, _)| answer.with(Address::interface(place)))
    }

    /// Takes `count` addresses of a subnet: how many there were.
    pub fn take(&mut self, subnet: usize, count: u32) -> u32 {
        let taken = count.min(self.free_in(subnet));
        self.free[subnet] -= i64::from(taken);
        taken
    }

    /// Takes `count` addresses of a subnet, all of them or none: whether there were so many.
    pub fn take_all(&mut self, subnet: usize, count: u32) -> bool {
        let has = self.free_in(subnet) >= count;
        if has {
            self.take(subnet, count);
        }
        has
    }

    /// Counts addresses of a subnet that are in use from the start, whether it has so many or not.
    pub fn charge(&mut self, subnet: usize, count: u32) {
        self.free[subnet] -= i64::from(count);
    }

    /// Gives addresses of a subnet back.
    pub fn give_back(&mut self, subnet: usize, count: u32) {
        self.free[subnet] += i64::from(count);
    }

    /// Addresses that are free in a subnet.
    pub fn free_in(&self, subnet: usize) -> u32 {
        self.free[subnet].max(0) as u32
    }

    /// How often there was no address for an interface.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A new interface for an API server: in a subnet of its zone if one has an address left, else in the one with the
    /// most. `None` if no subnet of the control plane has one.
    pub fn attach(&mut self, network: &Network, server: ApiServerId, zone: ZoneId) -> Option<usize> {
        let open = |subnet: &&usize| self.free[**subnet] > 0;
        let candidates = || network.control_plane_subnets.iter().filter(open);
        let near = candidates().find(|subnet| network.subnets[**subnet].zone == zone);
        let other = candidates().max_by_key(|subnet| (self.free[**subnet], usize::MAX - **subnet));
        let Some(subnet) = near.or(other).copied() else {
            self.refused += 1;
            return None;
        };
        let nth = self.given[subnet] % network.subnets[subnet].size().max(1); // the first ones are free again by then
        self.given[subnet] += 1;
        self.take(subnet, 1);
        let interface = Interface {
            server,
            subnet: subnet as u16,
            zone: network.subnets[subnet].zone,
            address: network.subnets[subnet].address(nth),
            is_named: false,
            is_endpoint: false,
            exists: true,
            works: false,
            turns: 0,
            serves: false,
            leases: 0,
            cause: None,
        };
        let place = self.place_for_another()?;
        if place == self.places.len() {
            self.places.push(interface);
        }
        self.places[place] = interface;
        Some(place)
    }

    /// A place that nothing has had yet, or else one that nobody knows any more.
    fn place_for_another(&self) -> Option<usize> {
        let is_forgotten = |place: &Interface| !place.exists && !place.is_named && !place.is_endpoint;
        let fresh = Some(self.places.len()).filter(|places| *places < Self::PLACES);
        fresh.or_else(|| self.places.iter().position(is_forgotten))
    }

    /// The interface of a server that is terminated goes with it, and its address is free again.
    pub fn detach(&mut self, server: ApiServerId) -> Option<usize> {
        let place = self.of(server)?;
        self.places[place].exists = false;
        self.give_back(self.places[place].subnet as usize, 1);
        Some(place)
    }

    /// A fault strikes the interfaces of a zone, those that come later too; or one of its faults ends.
    pub fn strike(&mut self, zone: ZoneId, fails: bool, now: SimTime, cause: Cause) {
        if self.struck.len() <= zone.index() {
            self.struck.resize(zone.index() + 1, (0, SimTime::ZERO, None));
        }
        let (faults, since, why) = &mut self.struck[zone.index()];
        if fails && *faults == 0 {
            (*since, *why) = (now, cause);
        }
        *faults = if fails { *faults + 1 } else { faults.saturating_sub(1) };
    }

    /// Since when a fault strikes the interfaces of a zone, and why.
    pub fn struck(&self, zone: ZoneId) -> Option<(SimTime, Cause)> {
        let (faults, since, cause) = *self.struck.get(zone.index())?;
        (faults > 0).then_some((since, cause))
    }

    /// The place of a server's interface.
    pub fn of(&self, server: ApiServerId) -> Option<usize> {
        self.places.iter().position(|interface| interface.exists && interface.server == server)
    }

    /// The interface at a place.
    pub fn at(&self, place: usize) -> &Interface {
        &self.places[place]
    }

    /// The interface at a place.
    pub fn at_mut(&mut self, place: usize) -> &mut Interface {
        &mut self.places[place]
    }

    /// How many places have been used.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Every place with its interface, whether or not it still exists.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Interface)> {
        self.places.iter().enumerate()
    }
}
