//! Name resolution of the endpoint: what is published, and what each resolver still remembers.
//!
//! A resolver answers from its cache until the record's time to live is over, then asks again; clients keep nothing
//! themselves. There is one resolver for each zone (the VPC's) and one for each external client.

use super::vpc::DnsView;
use crate::parameters::DnsParameters;
use crate::plan::ZoneId;
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime};

const PHASE: Purpose = Purpose::new("dns/phase");
const STUCK: Purpose = Purpose::new("dns/stuck");

/// An address of the endpoint: of the load balancer's node in a zone, or of an interface of EKS in the VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(u8);

/// What has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// The load balancer's node in a zone.
    Balancer(ZoneId),
    /// The interface at a place.
    Interface(usize),
}

impl Address {
    /// Addresses from here on are those of interfaces.
    const INTERFACES: u8 = 8;

    /// The address of the load balancer in a zone.
    pub fn balancer(zone: ZoneId) -> Self {
        assert!(zone.0 < Self::INTERFACES, "the control plane lies in the first zones");
        Address(zone.0)
    }

    /// The address of the interface at a place.
    pub fn interface(place: usize) -> Self {
        Address(Self::INTERFACES + place as u8)
    }

    /// What has it.
    pub fn of(self) -> Addressed {
        match self.0.checked_sub(Self::INTERFACES) {
            Some(place) => Addressed::Interface(place as usize),
            None => Addressed::Balancer(ZoneId(self.0)),
        }
    }

    /// Tells one from another, in the timeline.
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// The addresses of an answer, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addresses(u32);

impl Addresses {
    /// The answer with the load balancer's addresses in these zones.
    pub fn of(zones: impl Iterator<Item = ZoneId>) -> Self {
        zones.fold(Addresses::default(), |answer, zone| answer.with(Address::balancer(zone)))
    }

    /// The answer with this address too.
    #[must_use]
    pub fn with(self, address: Address) -> Self {
        Addresses(self.0 | 1 << address.0)
    }

    /// The answer without this address.
    #[must_use]
    pub fn without(self, address: Address) -> Self {
        Addresses(self.0 & !(1 << address.0))
    }

    /// The addresses of this answer that another one lacks.
    #[must_use]
    pub fn lacking_in(self, other: Addresses) -> Self {
        Addresses(self.0 & !other.0)
    }

    /// Whether this address is in the answer.
    pub fn contains(self, address: Address) -> bool {
        self.0 & (1 << address.0) != 0
    }

    /// How many addresses there are.
    pub fn len(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The addresses, in order.
    pub fn iter(self) -> impl Iterator<Item = Address> {
        (0..32).map(Address).filter(move |address| self.contains(*address))
    }

    /// The `n`th address, from 0.
    pub fn nth(self, n: u64) -> Option<Address> {
        self.iter().nth(n as usize)
    }
}

/// The published answers and the resolvers' caches.
#[derive(Clone, Debug)]
pub struct Dns {
    public: Addresses,
    private: Addresses,
    resolvers: Vec<Resolver>,
    ttl: SimDuration,
}

#[derive(Clone, Copy, Debug)]
struct Resolver {
    answer: Addresses,
    expires: SimTime,
    /// Whether it answers for ever what it once learnt, as some hosts do until they are restarted.
    never_asks_again: bool,
}

impl Dns {
    /// Resolvers that all know the answer of their view, each somewhere in its time to live. The first ones belong to the
    /// zones; the others to hosts, of which a share never asks again.
    pub fn new(
        (public, private): (Addresses, Addresses),
        views: &[DnsView],
        zones: usize,
        parameters: &DnsParameters,
        key: RunKey,
    ) -> Self {
        let mut dns = Dns { public, private, resolvers: Vec::new(), ttl: parameters.ttl };
        for (index, view) in views.iter().enumerate() {
            let rest = dns.ttl.scaled(key.draw(PHASE, index as u64, 0).uniform());
            let never_asks_again = index >= zones && key.draw(STUCK, index as u64, 0).chance(parameters.stuck_share);
            let expires = SimTime::ZERO + rest;
            dns.resolvers.push(Resolver { answer: dns.published(*view), expires, never_asks_again });
        }
        dns
    }

    /// The answer that is published in a view now.
    pub fn published(&self, view: DnsView) -> Addresses {
        match view {
            DnsView::Public => self.public,
            DnsView::Private => self.private,
            DnsView::Nothing => Addresses::default(),
        }
    }

    /// Whether a resolver must ask for what it answers now.
    pub fn is_stale(&self, resolver: usize, now: SimTime) -> bool {
        now >= self.resolvers[resolver].expires
    }

    /// What a resolver answers now. One that is cut off goes on with what it knew: the resolver of a zone holds the
    /// records itself.
    pub fn resolve(&mut self, resolver: usize, now: SimTime, view: DnsView, is_cut_off: bool) -> Addresses {
        let answer = self.published(view);
        let cache = &mut self.resolvers[resolver];
        if now >= cache.expires && !is_cut_off && !cache.never_asks_again {
            (cache.answer, cache.expires) = (answer, now + self.ttl);
        }
        cache.answer
    }

    /// The answer that a resolver keeps for ever, if it is not the one that is published.
    pub fn kept(&self, resolver: usize, view: DnsView) -> Option<Addresses> {
        let cache = &self.resolvers[resolver];
        (cache.never_asks_again && cache.answer != self.published(view)).then_some(cache.answer)
    }

    /// Publishes an answer: the addresses that it no longer has, and those that are new in it.
    pub fn publish(&mut self, view: DnsView, answer: Addresses) -> (Addresses, Addresses) {
        let published = if view == DnsView::Private { &mut self.private } else { &mut self.public };
        let before = std::mem::replace(published, answer);
        (before.lacking_in(answer), answer.lacking_in(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn dns(views: &[DnsView], stuck_share: f64) -> Dns {
        let parameters = DnsParameters { stuck_share, ..crate::Parameters::default().dns };
        let public = Addresses::of([ZoneId(0), ZoneId(2)].into_iter());
        let private = Addresses::default().with(Address::interface(0)).with(Address::interface(1));
        Dns::new((public, private), views, 1, &parameters, RunKey::new(1, 0))
    }

    #[test]
    fn a_resolver_keeps_a_dead_address_for_at_most_the_time_to_live() {
        let (a, both) = (Address::balancer(ZoneId(0)), Addresses::of([ZoneId(0), ZoneId(2)].into_iter()));
        let mut dns = dns(&[DnsView::Public], 0.0);
        dns.resolve(0, at(100), DnsView::Public, false);
        let gone = dns.publish(DnsView::Public, both.without(a));
        assert_eq!(gone, (Addresses::default().with(a), Addresses::default()));
        assert!(dns.resolve(0, at(159), DnsView::Public, false).contains(a));
        assert!(dns.resolve(0, at(160), DnsView::Public, true).contains(a), "cut off, it knows no better");
        assert!(!dns.resolve(0, at(160), DnsView::Public, false).contains(a));
    }

    #[test]
    fn another_view_is_seen_when_the_answer_in_the_cache_has_run_out_and_by_a_stuck_host_never() {
        let interface = Address::interface(1);
        let mut dns = dns(&[DnsView::Public, DnsView::Public], 1.0);
        dns.resolve(0, at(100), DnsView::Public, false);
        assert!(!dns.resolve(0, at(159), DnsView::Private, false).contains(interface));
        assert!(dns.resolve(0, at(160), DnsView::Private, false).contains(interface));
        assert!(!dns.resolve(1, at(9999), DnsView::Private, false).contains(interface), "it was never asked again");
        let old = dns.published(DnsView::Public);
        assert_eq!((dns.kept(0, DnsView::Private), dns.kept(1, DnsView::Private)), (None, Some(old)));
        assert_eq!(dns.kept(1, DnsView::Public), None, "it is still published");
        assert!(dns.resolve(0, at(9999), DnsView::Nothing, false).is_empty());
    }

    #[test]
    fn an_address_tells_what_has_it() {
        assert_eq!(Address::balancer(ZoneId(2)).of(), Addressed::Balancer(ZoneId(2)));
        assert_eq!(Address::interface(23).of(), Addressed::Interface(23));
    }
}
