//! A controller's work queue: keys of objects that somebody has to look at, each at most once in the queue and with at
//! most one worker at a time (client-go `util/workqueue`).
//!
//! A key that comes while a worker has it is taken up again as soon as that worker is done. A key whose sync failed comes
//! again after a back-off that doubles with each failure. Left out: the second limiter, which lets at most ten failed keys
//! a second back into the queue after the first hundred.

use crate::record::Balance;
use sim_kernel::SimDuration;
use std::collections::VecDeque;

/// Where a key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nobody has to look at it.
    #[default]
    Idle,
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Synced,
    /// A worker has it, and it has come again since.
    SyncedDirty,
}

#[derive(Clone, Copy, Debug, Default)]
struct Key {
    phase: Phase,
    /// The controller is about to hear of it.
    is_announced: bool,
    failures: u8,
    draws: u32,
}

/// The work queue of a controller.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    workers: u32,
    busy: u32,
    base: SimDuration,
    max: SimDuration,
    waiting: VecDeque<u32>,
    keys: Vec<Key>,
    queued: u64,
    synced: u64,
    lost: u64,
}

impl WorkQueue {
    /// An empty queue for so many workers; the back-off begins at `base` and ends at `max`.
    pub fn new(workers: u32, base: SimDuration, max: SimDuration) -> Self {
        let (waiting, keys) = (VecDeque::new(), Vec::new());
        WorkQueue { workers, busy: 0, base, max, waiting, keys, queued: 0, synced: 0, lost: 0 }
    }

    /// The controller is to hear of a key: whether that has to be scheduled, since it was not before.
    pub fn announce(&mut self, key: u32) -> bool {
        !std::mem::replace(&mut self.key(key).is_announced, true)
    }

    /// The number of a key's next random draw.
    pub fn next_draw(&mut self, key: u32) -> u64 {
        let draws = &mut self.key(key).draws;
        *draws += 1;
        u64::from(*draws)
    }

    /// A key comes.
    pub fn add(&mut self, key: u32) {
        let state = self.key(key);
        state.is_announced = false;
        match state.phase {
            Phase::Idle => self.enqueue(key),
            Phase::Synced => state.phase = Phase::SyncedDirty,
            Phase::Queued | Phase::SyncedDirty => {}
        }
    }

    /// A worker takes the next key, if there is one and a worker is free.
    pub fn take(&mut self) -> Option<u32> {
        if self.busy >= self.workers {
            return None;
        }
        let key = self.waiting.pop_front()?;
        self.busy += 1;
        self.synced += 1;
        self.key(key).phase = Phase::Synced;
        Some(key)
    }

    /// A worker is done with a key. The pause after which it has to come again, if its sync failed.
    pub fn done(&mut self, key: u32, succeeded: bool) -> Option<SimDuration> {
        self.busy -= 1;
        let (base, max) = (self.base, self.max);
        let state = self.key(key);
        let is_dirty = state.phase == Phase::SyncedDirty;
        state.phase = Phase::Idle;
        let failures = state.failures;
        state.failures = if succeeded { 0 } else { failures.saturating_add(1) };
        if is_dirty {
            self.enqueue(key);
        }
        let doubled = base.as_nanos().saturating_mul(1_u64.checked_shl(u32::from(failures)).unwrap_or(u64::MAX));
        (!succeeded).then(|| SimDuration::from_nanos(doubled).min(max))
    }

    /// Whether no key waits and no worker has one.
    pub fn is_idle(&self) -> bool {
        self.busy == 0 && self.waiting.is_empty()
    }

    /// Whoever had the queue is gone, and what it held is lost.
    pub fn clear(&mut self) {
        self.lost += self.waiting.len() as u64;
        self.busy = 0;
        self.waiting.clear();
        for key in &mut self.keys {
            *key = Key { draws: key.draws, ..Key::default() };
        }
    }

    /// What came, was taken, was lost and waits.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, inside) = (self.queued, self.synced, self.waiting.len() as u64);
        Balance { station, arrived, left, refused: 0, lost: self.lost, inside }
    }

    fn enqueue(&mut self, key: u32) {
        self.key(key).phase = Phase::Queued;
        self.queued += 1;
        self.waiting.push_back(key);
    }

    fn key(&mut self, key: u32) -> &mut Key {
        let index = key as usize;
        if self.keys.len() <= index {
            self.keys.resize(index + 1, Key::default());
        }
        &mut self.keys[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(workers: u32) -> WorkQueue {
        WorkQueue::new(workers, SimDuration::from_millis(5), SimDuration::from_secs(1000))
    }

    #[test]
    fn a_key_waits_once_and_has_one_worker() {
        let mut queue = queue(2);
        assert!(queue.announce(7) && !queue.announce(7));
        queue.add(7);
        queue.add(7);
        assert_eq!([queue.take(), queue.take()], [Some(7), None]);
        queue.add(7);
        assert_eq!(queue.take(), None, "its worker has it still");
        assert_eq!(queue.done(7, true), None);
        assert_eq!(queue.take(), Some(7), "it came while it was synced");
    }

    #[test]
    fn as_many_keys_are_synced_as_there_are_workers() {
        let mut queue = queue(2);
        (0..3).for_each(|key| queue.add(key));
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some(0), Some(1), None]);
        queue.done(1, true);
        assert_eq!(queue.take(), Some(2));
        queue.add(9);
        queue.clear();
        let books = queue.balance("queue".to_owned());
        assert_eq!((books.arrived, books.left, books.lost, books.inside), (4, 3, 1, 0));
    }

    /// The item's limiter: 5 ms, doubled by each failure, at most 1000 s; forgotten at the first success.
    #[test]
    fn a_key_that_fails_comes_again_later_and_later() {
        let mut queue = queue(1);
        let mut pauses = Vec::new();
        for _ in 0..20 {
            queue.add(3);
            queue.take();
            pauses.extend(queue.done(3, false));
        }
        let millis: Vec<u64> = pauses.iter().map(|pause| pause.as_nanos() / 1_000_000).collect();
        assert_eq!((&millis[..4], millis[17], millis[18]), (&[5, 10, 20, 40][..], 655_360, 1_000_000));
        queue.add(3);
        queue.take();
        queue.done(3, true);
        queue.add(3);
        queue.take();
        assert_eq!(queue.done(3, false), Some(SimDuration::from_millis(5)));
    }
}
