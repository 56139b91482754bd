//! What API Priority and Fairness did, over all API servers: who was rejected, and how long requests queued for seats.

use crate::aim::Level;
use sim_kernel::{SimDuration, SimTime, statistics::Histogram};
use sim_study::{Better, Measure, Unit};

/// Rejections and waits by priority level, after the warm-up.
#[derive(Clone, Debug)]
pub struct FlowProbe {
    off: bool,
    counted_from: SimTime,
    levels: Vec<LevelCount>,
}

#[derive(Clone, Debug, Default)]
struct LevelCount {
    rejected: u64,
    /// Requests that found their seats free.
    at_once: u64,
    /// The waits of the others.
    waits: Histogram,
}

impl FlowProbe {
    /// A probe that counts from `counted_from` on, or one that is off.
    pub fn new(counted_from: SimTime, off: bool) -> Self {
        FlowProbe { off, counted_from, levels: vec![LevelCount::default(); Level::COUNT] }
    }

    /// A request is answered with 429.
    pub fn rejected(&mut self, now: SimTime, level: Level) {
        if !self.off && now >= self.counted_from {
            self.levels[level.index()].rejected += 1;
        }
    }

    /// A request gets its seats after `waited`.
    pub fn seated(&mut self, now: SimTime, level: Level, waited: SimDuration) {
        if self.off || now < self.counted_from {
            return;
        }
        let level = &mut self.levels[level.index()];
        if waited == SimDuration::ZERO {
            level.at_once += 1;
        } else {
            level.waits.record(waited);
        }
    }

    /// Rejections and the 99th percentile of waits, in all and by level.
    pub fn measures(&self) -> Vec<Measure> {
        let rejected = |name: String, of: &str, value: u64| Measure {
            name,
            unit: Unit::Count,
            better: Better::Down,
            value: Some(value as f64),
            definition: format!("Requests that API Priority and Fairness answered with 429: {of}."),
        };
        let all = self.levels.iter().map(|level| level.rejected).sum();
        let mut measures = vec![rejected("api.rejected".to_owned(), "all priority levels", all)];
        for level in Level::ALL.into_iter().filter(|level| !matches!(level, Level::Exempt | Level::CatchAll)) {
            let (name, count) = (level.name(), &self.levels[level.index()]);
            measures.push(rejected(format!("api.rejected.{name}"), name, count.rejected));
            measures.push(Measure {
                name: format!("api.queue_wait.p99.{name}"),
                unit: Unit::Seconds,
                better: Better::Down,
                value: count.wait_p99().map(SimDuration::as_secs_f64),
                definition: format!(
                    "99th percentile of the time that requests of the priority level {name} waited for their seats, of those that got them."
                ),
            });
        }
        measures
    }
}

impl LevelCount {
    fn wait_p99(&self) -> Option<SimDuration> {
        let (waited, all) = (self.waits.count(), self.at_once + self.waits.count());
        if all == 0 {
            return None;
        }
        let beyond = 0.01 * all as f64; // so many waited longer
        if beyond >= waited as f64 {
            return Some(SimDuration::ZERO);
        }
        self.waits.quantile(1.0 - beyond / waited as f64)
    }
}
