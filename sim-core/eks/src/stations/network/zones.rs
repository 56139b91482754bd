//! Zones: how far apart they are, and whether they have power.
//!
//! A pair of zones has one mean round trip for a whole run, drawn from the survey of pairs; single messages vary
//! around it. Loss and queueing inside the provider's network are not modelled.

use crate::parameters::NetworkParameters;
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{Draw, Purpose, RunKey, SimDuration, SimTime};

const PAIR: Purpose = Purpose::new("network/pair");
const INTERNET: Purpose = Purpose::new("network/internet");

/// Where one end of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a zone of the region.
    Zone(ZoneId),
    /// At an administrator or CI system on the internet: its index among the external clients.
    Internet(u32),
}

/// The zones of the region that the run needs.
#[derive(Clone, Debug)]
pub struct Zones {
    /// Mean one-way delay by pair, row-major.
    one_way: Vec<SimDuration>,
    internet: Vec<SimDuration>,
    dark: Vec<Option<Dark>>,
    /// How often each zone has lost power: the generation of what runs in it.
    losses: Vec<u32>,
    jitter: f64,
}

#[derive(Clone, Copy, Debug)]
struct Dark {
    since: SimTime,
    cause: Cause,
}

impl Zones {
    /// `zones` zones with power, their distances drawn, and the distances of `external` clients.
    pub fn new(zones: usize, external: u32, parameters: &NetworkParameters, key: RunKey) -> Self {
        let mut one_way = vec![SimDuration::ZERO; zones * zones];
        for a in 0..zones {
            for b in a..zones {
                let law = if a == b { &parameters.rtt_in_zone } else { &parameters.rtt_between_zones };
                let mean = law.duration(&mut key.draw(PAIR, a as u64, b as u64)) / 2;
                one_way[a * zones + b] = mean;
                one_way[b * zones + a] = mean;
            }
        }
        let to_region = |client| parameters.rtt_internet.duration(&mut key.draw(INTERNET, u64::from(client), 0)) / 2;
        Zones {
            one_way,
            internet: (0..external).map(to_region).collect(),
            dark: vec![None; zones],
            losses: vec![0; zones],
            jitter: parameters.jitter,
        }
    }

    /// Mean one-way delay between two zones.
    pub fn mean(&self, a: ZoneId, b: ZoneId) -> SimDuration {
        self.one_way[a.index() * self.dark.len() + b.index()]
    }

    /// Delay of one message between two zones.
    pub fn delay(&self, a: ZoneId, b: ZoneId, draw: &mut Draw) -> SimDuration {
        self.varied(self.mean(a, b), draw)
    }

    /// Delay of one message from a place to a zone, or back.
    pub fn delay_from(&self, place: Place, zone: ZoneId, draw: &mut Draw) -> SimDuration {
        match place {
            Place::Zone(from) => self.delay(from, zone, draw),
            Place::Internet(client) => self.varied(self.internet[client as usize], draw),
        }
    }

    fn varied(&self, mean: SimDuration, draw: &mut Draw) -> SimDuration {
        if self.jitter == 0.0 {
            return mean;
        }
        mean.scaled(1.0 + self.jitter * (2.0 * draw.uniform() - 1.0))
    }

    /// The zone loses power; false if it has none already.
    pub fn lose_power(&mut self, zone: ZoneId, now: SimTime, cause: Cause) -> bool {
        let lit = self.dark[zone.index()].is_none();
        if lit {
            self.dark[zone.index()] = Some(Dark { since: now, cause });
            self.losses[zone.index()] += 1;
        }
        lit
    }

    /// The zone has power again.
    pub fn regain_power(&mut self, zone: ZoneId) {
        self.dark[zone.index()] = None;
    }

    /// Whether the zone has power.
    pub fn has_power(&self, zone: ZoneId) -> bool {
        self.dark[zone.index()].is_none()
    }

    /// When and why the zone lost power; `None` if it has power.
    pub fn dark_since(&self, zone: ZoneId) -> Option<(SimTime, Cause)> {
        self.dark[zone.index()].map(|dark| (dark.since, dark.cause))
    }

    /// How often the zone has lost power.
    pub fn losses(&self, zone: ZoneId) -> u32 {
        self.losses[zone.index()]
    }
}
