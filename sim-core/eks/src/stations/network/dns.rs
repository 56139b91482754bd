//! Name resolution of the endpoint: what is published, and what each resolver still remembers.
//!
//! A resolver answers from its cache until the record's time to live is over, then asks again; clients keep nothing
//! themselves. There is one resolver for each zone (the VPC's) and one for each external client.

use crate::plan::ZoneId;
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime};

const PHASE: Purpose = Purpose::new("dns/phase");

/// The zonal addresses of an answer, as a set of zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses(u8);

impl Addresses {
    /// The answer with the addresses of these zones.
    pub fn of(zones: impl Iterator<Item = ZoneId>) -> Self {
        zones.fold(Addresses::default(), Addresses::with)
    }

    /// The answer with this zone's address too.
    #[must_use]
    pub fn with(self, zone: ZoneId) -> Self {
        Addresses(self.0 | 1 << zone.0)
    }

    /// The answer without this zone's address.
    #[must_use]
    pub fn without(self, zone: ZoneId) -> Self {
        Addresses(self.0 & !(1 << zone.0))
    }

    /// Whether this zone's address is in the answer.
    pub fn contains(self, zone: ZoneId) -> bool {
        self.0 & (1 << zone.0) != 0
    }

    /// How many addresses there are.
    pub fn len(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The zones, in order.
    pub fn zones(self) -> impl Iterator<Item = ZoneId> {
        (0..8).map(ZoneId).filter(move |zone| self.contains(*zone))
    }

    /// The `n`th address, from 0.
    pub fn nth(self, n: u64) -> Option<ZoneId> {
        self.zones().nth(n as usize)
    }
}

/// The published answer and the resolvers' caches.
#[derive(Clone, Debug)]
pub struct Dns {
    published: Addresses,
    resolvers: Vec<Resolver>,
    ttl: SimDuration,
}

#[derive(Clone, Copy, Debug)]
struct Resolver {
    answer: Addresses,
    expires: SimTime,
}

impl Dns {
    /// `resolvers` resolvers that all know the published answer, each somewhere in its time to live.
    pub fn new(published: Addresses, resolvers: usize, ttl: SimDuration, key: RunKey) -> Self {
        let cached = |index: usize| {
            let rest = ttl.scaled(key.draw(PHASE, index as u64, 0).uniform());
            Resolver { answer: published, expires: SimTime::ZERO + rest }
        };
        Dns { published, resolvers: (0..resolvers).map(cached).collect(), ttl }
    }

    /// Whether a resolver must ask for what it answers now.
    pub fn is_stale(&self, resolver: usize, now: SimTime) -> bool {
        now >= self.resolvers[resolver].expires
    }

    /// What a resolver answers now. One that is cut off goes on with what it knew: the resolver of a zone holds the
    /// records itself.
    pub fn resolve(&mut self, resolver: usize, now: SimTime, is_cut_off: bool) -> Addresses {
        let cache = &mut self.resolvers[resolver];
        if now >= cache.expires && !is_cut_off {
            *cache = Resolver { answer: self.published, expires: now + self.ttl };
        }
        cache.answer
    }

    /// Publishes an answer: the addresses that it no longer has, and those that are new in it.
    pub fn publish(&mut self, answer: Addresses) -> (Addresses, Addresses) {
        let before = std::mem::replace(&mut self.published, answer);
        (Addresses(before.0 & !answer.0), Addresses(answer.0 & !before.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_resolver_keeps_a_dead_address_for_at_most_the_time_to_live() {
        let both = Addresses::default().with(ZoneId(0)).with(ZoneId(2));
        let mut dns = Dns::new(both, 1, SimDuration::from_secs(60), RunKey::new(1, 0));
        dns.resolve(0, at(100), false);
        assert_eq!(dns.publish(both.without(ZoneId(0))), (Addresses::default().with(ZoneId(0)), Addresses::default()));
        assert!(dns.resolve(0, at(159), false).contains(ZoneId(0)));
        assert!(dns.resolve(0, at(160), true).contains(ZoneId(0)), "cut off, it knows no better");
        assert!(!dns.resolve(0, at(160), false).contains(ZoneId(0)));
    }
}
