//! The requests that a component has still to send, behind its client's rate limit (client-go's QPS and burst).
//!
//! Upstream each controller has a client and work queues of its own; here one client and one queue in order of arrival
//! stand for all controllers of a component. Failed requests come again after a fixed pause.

use crate::record::Balance;
use sim_kernel::stations::TokenBucket;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// A queue of requests.
#[derive(Clone, Debug)]
pub struct WorkQueue<T> {
    bucket: TokenBucket,
    pause: SimDuration,
    pace: SimDuration,
    waiting: VecDeque<T>,
    failed: VecDeque<(SimTime, T)>,
    not_before: SimTime,
    alarm: Option<SimTime>,
    pushed: u64,
    sent: u64,
    lost: u64,
}

impl<T> WorkQueue<T> {
    /// An empty queue: `rate` requests a second, `burst` at once but `pace` apart, `pause` before a failed one is
    /// repeated.
    pub fn new(rate: f64, burst: u64, pause: SimDuration, pace: SimDuration) -> Self {
        let bucket = TokenBucket::per_second(rate, burst);
        let (waiting, failed, not_before) = (VecDeque::new(), VecDeque::new(), SimTime::ZERO);
        WorkQueue { bucket, pause, pace, waiting, failed, not_before, alarm: None, pushed: 0, sent: 0, lost: 0 }
    }

    /// A request to send.
    pub fn push(&mut self, request: T) {
        self.pushed += 1;
        self.waiting.push_back(request);
    }

    /// A request failed: it is to be sent again after the pause.
    pub fn repeat(&mut self, now: SimTime, request: T) {
        self.pushed += 1;
        self.failed.push_back((now + self.pause, request));
    }

    /// Takes the next request if it may be sent now.
    pub fn next(&mut self, now: SimTime) -> Option<T> {
        while self.failed.front().is_some_and(|(again, _)| *again <= now) {
            self.waiting.extend(self.failed.pop_front().map(|(_, request)| request));
        }
        if self.waiting.is_empty() || now < self.not_before || self.bucket.take(now).is_err() {
            return None;
        }
        self.not_before = now + self.pace;
        let next = self.waiting.pop_front();
        self.sent += u64::from(next.is_some());
        next
    }

    /// When the alarm has to be set, since nothing may be sent now and no alarm is set for as early a time.
    pub fn alarm(&mut self, now: SimTime) -> Option<SimTime> {
        let token = { self.bucket }.take(now).err().unwrap_or(now);
        let next = match (self.waiting.is_empty(), self.failed.front()) {
            (false, _) => token.max(self.not_before),
            (true, Some((again, _))) => *again,
            (true, None) => return None,
        };
        let must_set = self.alarm.is_none_or(|set| set > next);
        self.alarm = if must_set { Some(next) } else { self.alarm };
        must_set.then_some(next)
    }

    /// The alarm of `now` rang. Whether it was the one that is set.
    pub fn rings(&mut self, now: SimTime) -> bool {
        let is_set = self.alarm == Some(now);
        if is_set {
            self.alarm = None;
        }
        is_set
    }

    /// Whoever had the queue is gone: what it held is lost. The next one's client has all its tokens.
    pub fn clear(&mut self, rate: f64, burst: u64) {
        let (pushed, sent, lost) = (self.pushed, self.sent, self.lost + self.len() as u64);
        *self = WorkQueue { pushed, sent, lost, ..WorkQueue::new(rate, burst, self.pause, self.pace) };
    }

    /// What was pushed, sent, lost and waits.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, inside) = (self.pushed, self.sent, self.len() as u64);
        Balance { station, arrived, left, refused: 0, lost: self.lost, inside }
    }

    /// Requests that wait.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.failed.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: SimDuration = SimDuration::from_micros(100);

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    #[test]
    fn a_burst_goes_one_after_another_and_the_rest_at_the_rate() {
        let mut queue = WorkQueue::new(20.0, 2, SimDuration::from_secs(1), PACE);
        (0..4).for_each(|request| queue.push(request));
        let second = at(0) + PACE;
        assert_eq!([queue.next(at(0)), queue.next(at(0))], [Some(0), None]);
        assert_eq!((queue.alarm(at(0)), queue.alarm(at(0))), (Some(second), None), "it is set");
        assert!(queue.rings(second));
        assert_eq!([queue.next(second), queue.next(at(10))], [Some(1), None]);
        assert_eq!(queue.alarm(at(10)), Some(at(50)));
        assert_eq!(queue.next(at(50)), Some(2));
        queue.clear(20.0, 2);
        let books = queue.balance("queue".to_owned());
        assert_eq!((books.arrived, books.left, books.lost, books.inside), (4, 3, 1, 0));
    }

    #[test]
    fn a_failed_request_comes_again_after_the_pause() {
        let mut queue = WorkQueue::new(20.0, 2, SimDuration::from_secs(1), PACE);
        queue.repeat(at(0), 7);
        assert_eq!((queue.next(at(999)), queue.alarm(at(999))), (None, Some(at(1_000))));
        assert_eq!(queue.next(at(1_000)), Some(7));
        assert!(queue.is_empty());
    }
}
