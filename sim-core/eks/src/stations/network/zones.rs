//! Zones: how far apart they are, whether they have power, what passes between them, and what slows it down.
//!
//! A pair of zones has one mean round trip for a whole run; single messages vary around it. A cut lets nothing through;
//! an impaired zone delays what crosses its border and loses a share of it, which TCP repeats. A message is one segment
//! here: how loss lowers the throughput of a large answer is not modelled.

use super::regions::Distances;
use super::vpc::SiteId;
use crate::parameters::NetworkParameters;
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{Draw, Law, Purpose, RunKey, SimDuration, SimTime};

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

/// A part of a message's way, from a place to a zone or back.
pub type Leg = (Place, ZoneId);

/// Where a client is: for distances, and for rules and routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// For distances.
    pub place: Place,
    /// For rules and routes.
    pub site: SiteId,
}

/// The legs of a way, at most three.
#[derive(Clone, Copy, Debug)]
pub struct Legs {
    legs: [Leg; 3],
    count: u8,
}

impl Legs {
    /// From a place over these zones in turn.
    pub fn over(place: Place, zones: &[ZoneId]) -> Self {
        let mut legs = [(place, zones[0]); 3];
        for (index, pair) in zones.windows(2).enumerate() {
            legs[index + 1] = (Place::Zone(pair[0]), pair[1]);
        }
        Legs { legs, count: zones.len() as u8 }
    }
}

impl std::ops::Deref for Legs {
    type Target = [Leg];

    fn deref(&self) -> &[Leg] {
        &self.legs[..self.count as usize]
    }
}

/// A way on which nothing passes while it is cut, in neither direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Between two zones.
    Between(ZoneId, ZoneId),
    /// Between the internet and a zone.
    Internet(ZoneId),
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
    outages: Vec<u32>,
    /// How many cuts lie between two zones, by pair, row-major; on the diagonal, between the zone and the internet.
    cuts: Vec<u32>,
    impairments: Vec<Impairment>,
    jitter: f64,
    rto_min: SimDuration,
    rto_max: SimDuration,
}

#[derive(Clone, Copy, Debug)]
struct Dark {
    since: SimTime,
    cause: Cause,
}

/// What is wrong at the border of a zone.
#[derive(Clone, Debug)]
pub struct Impairment {
    /// Tells one from another.
    pub index: u32,
    /// The zone.
    pub zone: ZoneId,
    /// Delay added to a message that crosses the border, each way.
    pub latency: Law,
    /// Share of the segments that cross the border and are lost, 0 to 1, below 1.
    pub loss: f64,
}

impl Zones {
    /// `zones` zones with power, at their measured distances or drawn ones, and the distances of external clients by the
    /// laws of their round trips to the region.
    pub fn new(
        zones: usize,
        external: &[&Law],
        distances: &Distances,
        parameters: &NetworkParameters,
        key: RunKey,
    ) -> Self {
        let mut one_way = vec![SimDuration::ZERO; zones * zones];
        for a in 0..zones {
            for b in a..zones {
                let law = if a == b { &parameters.rtt_in_zone } else { &parameters.rtt_between_zones };
                let measured = distances.round_trip_s(a, b).map(SimDuration::from_secs_f64);
                let drawn = || law.duration(&mut key.draw(PAIR, a as u64, b as u64));
                let mean = measured.unwrap_or_else(drawn) / 2;
                one_way[a * zones + b] = mean;
                one_way[b * zones + a] = mean;
            }
        }
        let to_region = |(client, law): (u64, &&Law)| law.duration(&mut key.draw(INTERNET, client, 0)) / 2;
        Zones {
            one_way,
            internet: (0..).zip(external).map(to_region).collect(),
            dark: vec![None; zones],
            losses: vec![0; zones],
            outages: vec![0; zones],
            cuts: vec![0; zones * zones],
            impairments: Vec::new(),
            jitter: parameters.jitter,
            rto_min: parameters.rto_min,
            rto_max: parameters.rto_max,
        }
    }

    /// Mean one-way delay between two zones that nothing impairs.
    pub fn mean(&self, a: ZoneId, b: ZoneId) -> SimDuration {
        self.one_way[self.pair(a, b)]
    }

    /// Mean one-way delay between two zones as they are now: with the mean latency that impaired zones add, and without
    /// the repetitions of what is lost.
    pub fn present_mean(&self, a: ZoneId, b: ZoneId) -> SimDuration {
        let crossed = self.impairments.iter().filter(|impairment| crosses((Place::Zone(a), b), impairment.zone));
        crossed.fold(self.mean(a, b), |way, impairment| way + SimDuration::from_secs_f64(impairment.latency.mean()))
    }

    /// Mean delay over a leg that nothing impairs.
    pub fn mean_of(&self, (place, zone): Leg) -> SimDuration {
        match place {
            Place::Zone(from) => self.mean(from, zone),
            Place::Internet(client) => self.internet[client as usize],
        }
    }

    fn pair(&self, a: ZoneId, b: ZoneId) -> usize {
        a.index() * self.dark.len() + b.index()
    }

    /// Delay of one message between two zones, with what an impaired zone adds to it.
    pub fn delay(&self, a: ZoneId, b: ZoneId, draw: &mut Draw) -> SimDuration {
        let way = self.clear_delay((Place::Zone(a), b), draw);
        self.impaired(way, &[(Place::Zone(a), b)], draw)
    }

    /// Delay of one message over a leg that nothing impairs.
    pub fn clear_delay(&self, (place, zone): Leg, draw: &mut Draw) -> SimDuration {
        self.varied(self.mean_of((place, zone)), draw)
    }

    fn varied(&self, mean: SimDuration, draw: &mut Draw) -> SimDuration {
        if self.jitter == 0.0 {
            return mean;
        }
        mean.scaled(1.0 + self.jitter * (2.0 * draw.uniform() - 1.0))
    }

    /// The delay of a message of one TCP stream over these legs, which would take `clear` if nothing were impaired: its
    /// segment is repeated until it gets through.
    pub fn impaired(&self, clear: SimDuration, legs: &[Leg], draw: &mut Draw) -> SimDuration {
        if self.impairments.is_empty() {
            return clear;
        }
        let way = clear + self.added_latency(legs, draw);
        way + self.repeats(self.loss(legs), self.rto_min + way * 2, draw)
    }

    /// What impaired zones add to the delay of a message over these legs, loss apart.
    pub fn added_latency(&self, legs: &[Leg], draw: &mut Draw) -> SimDuration {
        let crossed = |impairment: &Impairment| legs.iter().filter(|leg| crosses(**leg, impairment.zone)).count();
        let mut added = SimDuration::ZERO;
        for impairment in &self.impairments {
            for _ in 0..crossed(impairment) {
                added += impairment.latency.duration(draw);
            }
        }
        added
    }

    /// The chance that a segment is lost on these legs.
    pub fn loss(&self, legs: &[Leg]) -> f64 {
        let through = |leg: &Leg| {
            let here = self.impairments.iter().filter(|impairment| crosses(*leg, impairment.zone));
            here.map(|impairment| 1.0 - impairment.loss).product::<f64>()
        };
        1.0 - legs.iter().map(through).product::<f64>()
    }

    /// How much later something gets through that is lost with this chance and repeated after `pause`, which doubles each
    /// time up to TCP's longest.
    pub fn repeats(&self, loss: f64, mut pause: SimDuration, draw: &mut Draw) -> SimDuration {
        let mut later = SimDuration::ZERO;
        while loss > 0.0 && draw.chance(loss) {
            later += pause;
            pause = (pause * 2).min(self.rto_max);
        }
        later
    }

    /// How much later a message between two zones gets through for what is lost of it; `way` is its time without that.
    pub fn repeated(&self, a: ZoneId, b: ZoneId, way: SimDuration, draw: &mut Draw) -> SimDuration {
        self.repeats(self.loss(&[(Place::Zone(a), b)]), self.rto_min + way * 2, draw)
    }

    /// When a segment that was sent at `sent` and never answered is repeated next, at `now` or later. `way` is how long
    /// it takes to the other end.
    pub fn next_repeat(&self, sent: SimTime, way: SimDuration, now: SimTime) -> SimTime {
        let mut pause = self.rto_min + way * 2;
        let mut next = sent + pause;
        while next < now {
            pause = (pause * 2).min(self.rto_max);
            next += pause;
        }
        next
    }

    /// A zone is impaired; several impairments of one zone add up.
    pub fn impair(&mut self, impairment: Impairment) {
        self.impairments.push(impairment);
    }

    /// The impairment with this index ends: the zone that had it.
    pub fn clear(&mut self, index: u32) -> Option<ZoneId> {
        let found = self.impairments.iter().position(|impairment| impairment.index == index)?;
        Some(self.impairments.remove(found).zone)
    }

    /// Whether anything is impaired.
    pub fn is_impaired(&self) -> bool {
        !self.impairments.is_empty()
    }

    /// Cuts a way: nothing passes until it is healed as often as it was cut.
    pub fn cut(&mut self, way: Way) {
        for pair in self.pairs_of(way) {
            self.cuts[pair] += 1;
        }
        if let Way::Internet(zone) = way {
            self.outages[zone.index()] += 1;
        }
    }

    /// Takes one cut of a way back.
    pub fn heal(&mut self, way: Way) {
        for pair in self.pairs_of(way) {
            self.cuts[pair] = self.cuts[pair].checked_sub(1).expect("only a cut way is healed");
        }
    }

    fn pairs_of(&self, way: Way) -> [usize; 2] {
        match way {
            Way::Between(a, b) => {
                assert_ne!(a, b, "a zone is not cut off from itself");
                [self.pair(a, b), self.pair(b, a)]
            }
            // Counted twice, taken back twice.
            Way::Internet(zone) => [self.pair(zone, zone); 2],
        }
    }

    /// The ways from a zone to every other one.
    pub fn ways_out(&self, zone: ZoneId) -> Vec<Way> {
        let others = (0..self.dark.len() as u8).map(ZoneId).filter(|other| *other != zone);
        others.map(|other| Way::Between(zone, other)).collect()
    }

    /// Whether messages pass between two zones, which have power or not. Inside a zone they always do.
    pub fn reaches(&self, a: ZoneId, b: ZoneId) -> bool {
        a == b || self.cuts[self.pair(a, b)] == 0
    }

    /// Whether messages pass over a leg.
    pub fn passes(&self, (place, zone): Leg) -> bool {
        match place {
            Place::Zone(from) => self.reaches(from, zone),
            Place::Internet(_) => self.cuts[self.pair(zone, zone)] == 0,
        }
    }

    /// Whether what lies in a zone can be reached from the internet.
    pub fn answers_outside(&self, zone: ZoneId) -> bool {
        self.has_power(zone) && self.cuts[self.pair(zone, zone)] == 0
    }

    /// How often a zone has ceased to answer the internet, by a loss of power or by a cut.
    pub fn outages(&self, zone: ZoneId) -> u32 {
        self.outages[zone.index()]
    }

    /// The zone loses power; false if it has none already.
    pub fn lose_power(&mut self, zone: ZoneId, now: SimTime, cause: Cause) -> bool {
        let lit = self.dark[zone.index()].is_none();
        if lit {
            self.dark[zone.index()] = Some(Dark { since: now, cause });
            self.losses[zone.index()] += 1;
            self.outages[zone.index()] += 1;
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

/// Whether a leg enters or leaves a zone.
fn crosses((place, to): Leg, zone: ZoneId) -> bool {
    (place == Place::Zone(zone)) != (to == zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    const A: ZoneId = ZoneId(0);
    const B: ZoneId = ZoneId(1);
    const C: ZoneId = ZoneId(2);
    const MS: SimDuration = SimDuration::from_millis(1);

    fn zones() -> Zones {
        let network = Parameters::default().still().network;
        Zones::new(3, &[&network.rtt_internet], &Distances::unknown(), &network, RunKey::new(1, 0))
    }

    fn impairment(zone: ZoneId, loss: f64) -> Impairment {
        Impairment { index: u32::from(zone.0), zone, latency: Law::constant(0.04), loss }
    }

    fn draw(n: u64) -> Draw {
        RunKey::new(1, 0).draw(Purpose::new("test"), n, 0)
    }

    #[test]
    fn a_cut_lasts_until_it_is_healed_as_often_as_it_was_made_and_spares_the_inside_of_a_zone() {
        let mut zones = zones();
        for way in zones.ways_out(A) {
            zones.cut(way);
        }
        zones.cut(Way::Between(B, A));
        assert!(!zones.reaches(A, B) && !zones.reaches(C, A) && zones.reaches(B, C) && zones.reaches(A, A));
        assert!(zones.passes((Place::Internet(0), A)));
        zones.cut(Way::Internet(A));
        assert!(!zones.passes((Place::Internet(0), A)) && zones.reaches(A, A));
        for way in zones.ways_out(A) {
            zones.heal(way);
        }
        assert!(!zones.reaches(A, B) && zones.reaches(A, C), "a and b were cut twice");
        zones.heal(Way::Between(A, B));
        zones.heal(Way::Internet(A));
        assert!(zones.reaches(A, B) && zones.passes((Place::Internet(0), A)));
    }

    #[test]
    fn what_crosses_the_border_of_an_impaired_zone_is_slower_and_what_stays_inside_is_not() {
        let mut zones = zones();
        let before = [(A, A), (A, B), (B, C)].map(|(a, b)| zones.delay(a, b, &mut draw(0)));
        zones.impair(impairment(A, 0.0));
        let after = [(A, A), (A, B), (B, C)].map(|(a, b)| zones.delay(a, b, &mut draw(0)));
        assert_eq!(after, [before[0], before[1] + MS * 40, before[2]]);
        zones.impair(impairment(B, 0.0));
        assert_eq!(zones.delay(A, B, &mut draw(0)), before[1] + MS * 80, "latencies add up");
        assert_eq!(zones.clear(0), Some(A));
        assert_eq!(zones.delay(A, B, &mut draw(0)), before[1] + MS * 40);
    }

    /// RFC 6298 as Linux has it: the first repetition comes a round trip and 200 ms after the segment, the next after
    /// twice that. Losses of two zones combine to 1 - (1 - a)(1 - b).
    #[test]
    fn a_lost_segment_is_repeated_after_200_ms_and_a_round_trip_and_then_after_twice_that() {
        let mut zones = zones();
        let clear = zones.delay(A, B, &mut draw(0));
        zones.impair(impairment(A, 0.1));
        zones.impair(impairment(B, 0.2));
        let legs = [(Place::Zone(A), B)];
        assert!((zones.loss(&legs) - 0.28).abs() < 1e-12);
        let way = clear + MS * 80;
        let rto = MS * 200 + way * 2;
        let allowed = [way, way + rto, way + rto * 3, way + rto * 7];
        let delays: Vec<SimDuration> = (0..20_000).map(|n| zones.delay(A, B, &mut draw(n))).collect();
        let share = |delay| delays.iter().filter(|found| **found == delay).count() as f64 / 20_000.0;
        // Standard errors of 0.003 and less.
        for (delay, expected) in allowed.into_iter().zip([0.72, 0.2016, 0.0564, 0.0158]) {
            assert!((share(delay) - expected).abs() < 0.012, "{delay:?}: {} against {expected}", share(delay));
        }
    }

    #[test]
    fn after_a_silence_the_next_repetition_brings_the_data() {
        let zones = zones();
        let at = |ms: u64| SimTime::ZERO + MS * ms;
        // Repetitions 0.2, 0.6, 1.4, 3.0 ... s after the segment, without a way.
        assert_eq!(zones.next_repeat(at(0), SimDuration::ZERO, at(1500)), at(3000));
        assert_eq!(zones.next_repeat(at(0), SimDuration::ZERO, at(100)), at(200));
        let late = zones.next_repeat(at(0), SimDuration::ZERO, at(1_000_000));
        assert!(late < at(1_120_000), "at most 120 s later: {late:?}");
    }
}
