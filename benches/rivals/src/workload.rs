//! What every contender runs: the same events, at the same times, with the same work for each.

use serde::{Deserialize, Serialize};

/// An event of 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Payload {
    pub kind: u64,
    pub number: u64,
    /// Only carried, as the number is.
    pub tag: u64,
}

/// Schedules itself again: the HOLD model.
pub const HOLD: u64 = 0;
/// Schedules a burst, and itself again.
const STARTER: u64 = 1;
/// One of a burst; nothing follows.
const FILLER: u64 = 2;

/// Mean increment, ns: a simulated second.
const MEAN: f64 = 1e9;
/// Draws in the table: 128 KiB, so that the table itself stays in the cache.
const DRAWS: usize = 1 << 14;
/// How many events of a run enter its trace.
const TRACED: u64 = 20_000;

/// The law of the time from an event to the one that it schedules, all with the same mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Exponential,
    Constant,
    /// Nine of ten between 0 and 0.2 means, the tenth between 9.1 and 9.3.
    Bimodal,
    /// Pareto of index 1.5: infinite variance.
    HeavyTailed,
}

impl Law {
    pub const ALL: [Law; 4] = [Law::Exponential, Law::Constant, Law::Bimodal, Law::HeavyTailed];

    pub fn name(self) -> &'static str {
        match self {
            Law::Exponential => "exponential",
            Law::Constant => "constant",
            Law::Bimodal => "bimodal",
            Law::HeavyTailed => "heavy-tailed",
        }
    }

    fn draw(self, random: &mut Random) -> u64 {
        let (u, v) = (random.unit(), random.unit());
        let means = match self {
            Law::Exponential => -(1.0 - u).ln(),
            Law::Constant => 1.0,
            Law::Bimodal if u < 0.9 => 0.2 * v,
            Law::Bimodal => 9.1 + 0.2 * v,
            Law::HeavyTailed => (1.0 - u).powf(-1.0 / 1.5) / 3.0,
        };
        // Nanosecond zero would be "now", which nexosim refuses.
        1 + (means * MEAN) as u64
    }
}

/// Increments drawn beforehand, so that only the queue is timed.
pub fn draws(law: Law, seed: u64) -> Vec<u64> {
    let mut random = Random(seed);
    (0..DRAWS).map(|_| law.draw(&mut random)).collect()
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The world behind every engine: it answers events, and the engine schedules what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    draws: Vec<u64>,
    next_draw: usize,
    burst: u64,
    burst_delay: u64,
    pub handled: u64,
    /// A hash of the first events handled and their times: contenders that did the same work agree.
    pub trace: u64,
}

/// What follows from an event.
pub enum Answer {
    Nothing,
    Again {
        delay: u64,
        payload: Payload,
    },
    /// `count` fillers and one starter, all after `delay`.
    Burst {
        count: u64,
        delay: u64,
    },
}

impl World {
    #[inline(always)]
    pub fn answer(&mut self, now: u64, payload: Payload) -> Answer {
        self.handled += 1;
        if self.handled <= TRACED {
            self.trace = (self.trace ^ now ^ payload.number.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        match payload.kind {
            HOLD => {
                self.next_draw = (self.next_draw + 1) % DRAWS;
                let delay = self.draws[self.next_draw];
                Answer::Again { delay, payload }
            }
            STARTER => Answer::Burst { count: self.burst, delay: self.burst_delay },
            _ => Answer::Nothing,
        }
    }
}

/// The `number`th event of a burst that follows with it; the last one starts the next burst.
#[inline]
pub fn of_burst(number: u64, count: u64) -> Payload {
    Payload { kind: if number == count { STARTER } else { FILLER }, number, tag: 0 }
}

/// A world, and what is pending at the start.
#[derive(Clone)]
pub struct Workload {
    pub world: World,
    pub pending: Vec<(u64, Payload)>,
}

impl Workload {
    /// `pending` events, each of which schedules one more.
    pub fn hold(law: Law, pending: usize) -> Workload {
        let draws = draws(law, 7);
        let mut random = Random(11);
        // Somewhere within an increment each, so that constant increments do not march in step.
        let first = |number: usize| 1 + (random.unit() * draws[number % DRAWS] as f64) as u64;
        let times = (0..pending).map(first).collect::<Vec<_>>();
        let events = times.into_iter().zip(0..).map(|(time, number)| (time, Payload { kind: HOLD, number, tag: 0 }));
        let pending = events.collect();
        let world = World { draws, next_draw: 0, burst: 0, burst_delay: 0, handled: 0, trace: 0 };
        Workload { world, pending }
    }

    /// Again and again `count` events for one instant, before a background of 1,000 that hold, such that ten of
    /// eleven events belong to a burst.
    pub fn burst(count: u64) -> Workload {
        let mut workload = Workload::hold(Law::Exponential, 1_000);
        workload.world.burst = count;
        workload.world.burst_delay = (MEAN / 1_000.0 * count as f64 / 10.0) as u64;
        workload.pending.push((1, of_burst(count, count)));
        workload
    }
}
