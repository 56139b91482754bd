//! The nodes of a zone that wait to be tainted NoExecute, behind the zone's rate limit: upstream's
//! `RateLimitedTimedQueue` (`kubernetes/kubernetes pkg/controller/nodelifecycle/scheduler`).

use crate::ids::NodeId;
use crate::record::Balance;
use sim_kernel::SimTime;
use sim_kernel::stations::TokenBucket;
use std::collections::VecDeque;

/// Tokens that a limiter holds at most: upstream's `EvictionRateLimiterBurst`.
const BURST: u64 = 1;
/// Below one token in eleven days a limiter lets nobody pass.
const LOWEST_RATE: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
enum Limiter {
    /// Nobody passes.
    Never,
    /// So many a second, one at a time.
    Rate(f64, TokenBucket),
}

impl Limiter {
    fn new(rate: f64) -> Self {
        if rate < LOWEST_RATE { Limiter::Never } else { Limiter::Rate(rate, TokenBucket::per_second(rate, BURST)) }
    }

    fn rate(&self) -> f64 {
        match self {
            Limiter::Never => 0.0,
            Limiter::Rate(rate, _) => *rate,
        }
    }

    fn passes(&mut self, now: SimTime) -> bool {
        match self {
            Limiter::Never => false,
            Limiter::Rate(_, bucket) => bucket.take(now).is_ok(),
        }
    }

    fn next_token(&self, now: SimTime) -> Option<SimTime> {
        match self {
            Limiter::Never => None,
            Limiter::Rate(_, bucket) => Some({ *bucket }.take(now).err().unwrap_or(now)),
        }
    }
}

/// The queue of a zone.
#[derive(Clone, Debug)]
pub struct ZoneTaints {
    limiter: Limiter,
    queue: VecDeque<NodeId>,
    /// Nodes that were queued and have not been Ready since: they are not queued twice.
    known: Vec<NodeId>,
    queued: u64,
    passed: u64,
    removed: u64,
}

impl ZoneTaints {
    /// An empty queue whose limiter holds a token.
    pub fn new(rate: f64) -> Self {
        let (queue, known) = (VecDeque::new(), Vec::new());
        ZoneTaints { limiter: Limiter::new(rate), queue, known, queued: 0, passed: 0, removed: 0 }
    }

    /// A new leader has no memory: nobody is queued, and the limiter holds a token.
    pub fn begins(&mut self, rate: f64) {
        self.clear();
        self.limiter = Limiter::new(rate);
    }

    /// Queues a node, unless it has been since it was last removed.
    pub fn add(&mut self, node: NodeId) {
        if let Err(place) = self.known.binary_search(&node) {
            self.known.insert(place, node);
            self.enqueue(node);
        }
    }

    /// Queues a node again whose turn came to nothing.
    pub fn repeat(&mut self, node: NodeId) {
        if !self.queue.contains(&node) {
            self.enqueue(node);
        }
    }

    fn enqueue(&mut self, node: NodeId) {
        self.queued += 1;
        self.queue.push_back(node);
    }

    /// Takes a node out; it may be queued again.
    pub fn remove(&mut self, node: NodeId) {
        if let Ok(place) = self.known.binary_search(&node) {
            self.known.remove(place);
            if let Some(place) = self.queue.iter().position(|&waiting| waiting == node) {
                self.queue.remove(place);
                self.removed += 1;
            }
        }
    }

    /// Takes all nodes out.
    pub fn clear(&mut self) {
        self.known.clear();
        self.removed += self.queue.len() as u64;
        self.queue.clear();
    }

    /// Takes the next node if the limiter lets one pass.
    pub fn next(&mut self, now: SimTime) -> Option<NodeId> {
        if self.queue.is_empty() || !self.limiter.passes(now) {
            return None;
        }
        self.passed += 1;
        self.queue.pop_front()
    }

    /// What was queued, passed, was taken out and waits.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, inside) = (self.queued, self.passed, self.queue.len() as u64);
        Balance { station, arrived, left, refused: 0, lost: self.removed, inside }
    }

    /// When the next node can pass; `None` without a node, or without a rate.
    pub fn due(&self, now: SimTime) -> Option<SimTime> {
        if self.queue.is_empty() { None } else { self.limiter.next_token(now) }
    }

    /// Another rate from now on. Saturation stays: if the old limiter has no token, the new one begins without.
    pub fn swap(&mut self, now: SimTime, rate: f64) {
        if self.limiter.rate() == rate {
            return;
        }
        let mut new = Limiter::new(rate);
        if matches!(new, Limiter::Rate(..)) && !self.limiter.passes(now) {
            new.passes(now);
        }
        self.limiter = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn queue(nodes: u32) -> ZoneTaints {
        let mut queue = ZoneTaints::new(0.1);
        (0..nodes).for_each(|node| queue.add(NodeId(node)));
        queue
    }

    #[test]
    fn the_first_passes_at_once_and_the_next_ten_seconds_later() {
        let mut queue = queue(3);
        assert_eq!(queue.next(at(100)), Some(NodeId(0)));
        assert_eq!((queue.next(at(100)), queue.due(at(100))), (None, Some(at(110))));
        assert_eq!(queue.next(at(110)), Some(NodeId(1)));
    }

    #[test]
    fn a_swap_keeps_saturation() {
        let mut saturated = queue(2);
        saturated.next(at(100));
        saturated.swap(at(105), 0.01);
        assert_eq!(saturated.due(at(105)), Some(at(205)), "the old one had no token, so the new one is drained");
        let mut rested = queue(2);
        rested.swap(at(105), 0.01);
        assert_eq!(rested.due(at(105)), Some(at(105)));
    }

    #[test]
    fn a_limiter_that_lets_nobody_pass_counts_as_saturated() {
        let mut queue = queue(1);
        queue.swap(at(10), 0.0);
        assert_eq!(queue.due(at(1_000)), None);
        queue.swap(at(1_000), 0.1);
        assert_eq!(queue.due(at(1_000)), Some(at(1_010)));
    }

    #[test]
    fn a_node_is_queued_once_until_it_was_ready() {
        let mut queue = queue(1);
        assert_eq!(queue.next(at(1)), Some(NodeId(0)));
        queue.add(NodeId(0));
        assert_eq!(queue.due(at(50)), None);
        queue.remove(NodeId(0));
        queue.add(NodeId(0));
        assert_eq!(queue.due(at(50)), Some(at(50)));
        queue.repeat(NodeId(1));
        queue.begins(0.1);
        let books = queue.balance("queue".to_owned());
        assert_eq!((books.arrived, books.left, books.lost, books.inside), (3, 1, 2, 0));
    }
}
