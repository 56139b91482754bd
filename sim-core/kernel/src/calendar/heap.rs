//! The plain structure: a binary heap on (time, tie, order of scheduling). It shuffles ties, and is the oracle that
//! tests compare the fast one with.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::time::SimTime;

#[derive(Clone, Debug)]
pub(super) struct Heap<E> {
    entries: BinaryHeap<Entry<E>>,
    pushed: u64,
    /// The key of the tie shuffle; none keeps ties in order of scheduling.
    shuffle: Option<u64>,
}

#[derive(Clone, Debug)]
struct Entry<E> {
    /// (time, drawn order among ties or zero, order of scheduling).
    key: (SimTime, u64, u64),
    event: E,
}

impl<E> Heap<E> {
    pub(super) fn new(shuffle: Option<u64>) -> Heap<E> {
        Heap { entries: BinaryHeap::new(), pushed: 0, shuffle }
    }

    /// Kept out of line, away from the ladder's way.
    #[cold]
    #[inline(never)]
    pub(super) fn push(&mut self, at: SimTime, event: E) {
        let drawn = self.shuffle.map_or(0, |key| scrambled(key, self.pushed));
        self.entries.push(Entry { key: (at, drawn, self.pushed), event });
        self.pushed += 1;
    }

    pub(super) fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        if self.next_time()? > limit {
            return None;
        }
        self.entries.pop().map(|entry| (entry.key.0, entry.event))
    }

    pub(super) fn next_time(&self) -> Option<SimTime> {
        self.entries.peek().map(|entry| entry.key.0)
    }
}

/// A pseudo-random function of (key, order of scheduling): the finaliser of SplitMix64, once for each.
fn scrambled(key: u64, order: u64) -> u64 {
    split_mix(split_mix(key).wrapping_add(order))
}

fn split_mix(state: u64) -> u64 {
    let mut word = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

// The standard heap gives the greatest first, so the order is turned round.
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Entry<E>) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Entry<E>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Entry<E>) -> bool {
        self.key == other.key
    }
}
