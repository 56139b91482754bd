//! The watch cache of an API server: the latest changes of each resource, from which a watch that comes back goes on, and
//! whether it is filled after a start.
//!
//! The window of changes adapts: full while its oldest change is younger than the time that it aims at, it doubles;
//! full of far older ones, it halves. Source: kubernetes/apiserver pkg/storage/cacher.

use crate::aim::Resource;
use crate::parameters::WatchCacheParameters;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// The watch cache of one API server.
#[derive(Clone, Debug)]
pub struct WatchCache {
    windows: [Window; Resource::COUNT],
    least: usize,
    most: usize,
    aim: SimDuration,
    filled: bool,
    /// Changes before this moment were before its time.
    begun: SimTime,
}

/// The latest changes of one resource.
#[derive(Clone, Debug, Default)]
struct Window {
    capacity: usize,
    changes: VecDeque<SimTime>,
    forgotten: Option<SimTime>,
}

impl WatchCache {
    /// A filled cache that has forgotten nothing.
    pub fn new(parameters: &WatchCacheParameters) -> Self {
        let least = parameters.window_min as usize;
        WatchCache {
            windows: Resource::ALL.map(|_| Window { capacity: least, ..Window::default() }),
            least,
            most: parameters.window_max.max(parameters.window_min) as usize,
            aim: parameters.window_time,
            filled: true,
            begun: SimTime::ZERO,
        }
    }

    /// The process starts: the cache is empty and knows of no change before.
    pub fn starts(&mut self, now: SimTime) {
        self.filled = false;
        self.begun = now;
        for window in &mut self.windows {
            *window = Window { capacity: self.least, ..Window::default() };
        }
    }

    /// The first lists are there.
    pub fn is_filled_now(&mut self) {
        self.filled = true;
    }

    /// Whether its first lists are there: it can answer LISTs.
    pub fn is_filled(&self) -> bool {
        self.filled
    }

    /// A change of a resource arrives.
    pub fn changes(&mut self, now: SimTime, resource: Resource) {
        let window = &mut self.windows[resource as usize];
        if window.changes.len() >= window.capacity {
            window.adapts(now, self.least, self.most, self.aim);
        }
        while window.changes.len() >= window.capacity {
            window.forgotten = window.changes.pop_front();
        }
        window.changes.push_back(now);
    }

    /// Whether a watch that has seen everything up to `since` can go on; otherwise that is too old, and it lists again.
    pub fn can_resume(&self, resource: Resource, since: SimTime) -> bool {
        since >= self.begun && self.windows[resource as usize].forgotten.is_none_or(|forgotten| forgotten <= since)
    }
}

impl Window {
    fn adapts(&mut self, now: SimTime, least: usize, most: usize, aim: SimDuration) {
        let young = |at: usize| self.changes.get(at).is_none_or(|change| now.saturating_since(*change) < aim);
        if young(0) {
            self.capacity = (self.capacity * 2).min(most);
        } else if !young(self.changes.len() - self.capacity / 4) {
            self.capacity = (self.capacity / 2).max(least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn at_ms(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    #[test]
    fn the_window_grows_to_hold_75_seconds_and_no_further_than_its_most_changes() {
        let mut parameters = Parameters::default().watch_cache;
        let resumes_after_60_s = |parameters: &WatchCacheParameters| {
            let mut cache = WatchCache::new(parameters);
            for change in 0..100_000 {
                cache.changes(at_ms(2 * change), Resource::Leases); // 500 a second
            }
            (cache.can_resume(Resource::Leases, at_ms(140_000)), cache.can_resume(Resource::Leases, at_ms(1_000)))
        };
        assert_eq!(resumes_after_60_s(&parameters), (true, false));
        parameters.window_max = 10_000;
        assert_eq!(resumes_after_60_s(&parameters), (false, false), "20 s of changes");
    }

    #[test]
    fn a_calm_resource_remembers_for_long_and_a_start_forgets() {
        let mut cache = WatchCache::new(&Parameters::default().watch_cache);
        for change in 0..90 {
            cache.changes(at_ms(60_000 * change), Resource::Pods);
        }
        assert!(cache.can_resume(Resource::Pods, at_ms(0)), "a hundred changes are kept, however old");
        cache.starts(at_ms(6_000_000));
        assert!(!cache.can_resume(Resource::Pods, at_ms(5_999_000)) && !cache.is_filled());
        cache.is_filled_now();
        assert!(cache.can_resume(Resource::Pods, at_ms(6_000_000)) && cache.is_filled());
    }
}
