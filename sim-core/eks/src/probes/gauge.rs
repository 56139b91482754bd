//! Gauges: levels that change at instants, averaged over time, in the whole and by window.

use sim_kernel::{SimDuration, SimTime};

/// A level over time.
#[derive(Clone, Debug)]
pub struct Gauge {
    value: f64,
    since: SimTime,
    counted_from: SimTime,
    /// Level times nanoseconds since the end of the warm-up.
    area: f64,
    window: SimDuration,
    /// Level times nanoseconds, by window.
    areas: Vec<f64>,
    least: f64,
}

impl Gauge {
    /// A gauge at `value`, with windows of length `window` from the start; its average counts from `counted_from`.
    pub fn new(value: f64, window: SimDuration, counted_from: SimTime) -> Self {
        Gauge { value, since: SimTime::ZERO, counted_from, area: 0.0, window, areas: Vec::new(), least: f64::INFINITY }
    }

    /// The level now.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The level changes.
    pub fn set(&mut self, now: SimTime, value: f64) {
        self.settle(now);
        self.value = value;
    }

    /// The level changes by `by`.
    pub fn add(&mut self, now: SimTime, by: f64) {
        self.set(now, self.value + by);
    }

    /// Average level from the end of the warm-up to `end`; the level itself if no time has passed.
    pub fn average(&mut self, end: SimTime) -> f64 {
        self.settle(end);
        let counted = nanos(end.saturating_since(self.counted_from));
        if counted > 0.0 { self.area / counted } else { self.value }
    }

    /// Lowest level that lasted for any time since the end of the warm-up.
    pub fn least(&mut self, end: SimTime) -> f64 {
        self.settle(end);
        self.least.min(self.value)
    }

    /// Average level by window, up to `end`; the last window may be short.
    pub fn windows(&mut self, end: SimTime) -> Vec<Option<f64>> {
        self.settle(end);
        let length = self.window.as_nanos();
        let mut averages = Vec::with_capacity(self.areas.len());
        for (index, area) in self.areas.iter().enumerate() {
            let start = index as u64 * length;
            let covered = end.as_nanos().saturating_sub(start).min(length);
            averages.push((covered > 0).then(|| area / covered as f64));
        }
        averages
    }

    /// Spreads the level since the last change over the windows that it touched.
    fn settle(&mut self, now: SimTime) {
        if now <= self.since {
            return;
        }
        let counted = nanos(now.saturating_since(self.counted_from.max(self.since)));
        if counted > 0.0 {
            self.area += self.value * counted;
            self.least = self.least.min(self.value);
        }
        let length = self.window.as_nanos();
        let mut from = self.since.as_nanos();
        while from < now.as_nanos() {
            let index = (from / length) as usize;
            let to = ((index as u64 + 1) * length).min(now.as_nanos());
            if self.areas.len() <= index {
                self.areas.resize(index + 1, 0.0);
            }
            self.areas[index] += self.value * (to - from) as f64;
            from = to;
        }
        self.since = now;
    }
}

/// Nanoseconds as a number: products with whole levels stay exact, so that a level that never changed is its average.
fn nanos(duration: SimDuration) -> f64 {
    duration.as_nanos() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_gauge_averages_over_time_by_window_and_after_the_warm_up() {
        let mut gauge = Gauge::new(2.0, SimDuration::from_secs(10), at(10));
        gauge.set(at(15), 4.0);
        assert_eq!(gauge.windows(at(25)), [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(gauge.average(at(25)), (2.0 * 5.0 + 4.0 * 10.0) / 15.0);
        assert_eq!(gauge.least(at(25)), 2.0);
    }
}
