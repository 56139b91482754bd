//! A controller's client: the requests that it has still to send, behind its rate limit (client-go's QPS and burst) and
//! as many at a time as it has workers for.
//!
//! Each controller of a controller manager has a client of its own, made from one configuration
//! (`kubernetes/kubernetes cmd/kube-controller-manager`, `ClientBuilder`): rate and burst hold for each of them. Requests
//! that belong to no key of a work queue come again after a fixed pause when they fail.

use crate::record::Balance;
use sim_kernel::stations::TokenBucket;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// The client of a controller.
#[derive(Clone, Debug)]
pub struct ControllerClient<T> {
    bucket: TokenBucket,
    pause: SimDuration,
    pace: SimDuration,
    waiting: VecDeque<T>,
    failed: VecDeque<(SimTime, T)>,
    not_before: SimTime,
    alarm: Option<SimTime>,
    in_flight: u32,
    in_flight_max: u32,
    pushed: u64,
    sent: u64,
    lost: u64,
}

impl<T> ControllerClient<T> {
    /// A client with nothing to send: `rate` requests a second, `burst` at once but `pace` apart, `pause` before a failed
    /// one is repeated, and no bound to the requests in flight.
    pub fn new(rate: f64, burst: u64, pause: SimDuration, pace: SimDuration) -> Self {
        let bucket = TokenBucket::per_second(rate, burst);
        let (waiting, failed, not_before) = (VecDeque::new(), VecDeque::new(), SimTime::ZERO);
        let (alarm, in_flight, in_flight_max) = (None, 0, u32::MAX);
        let (pushed, sent, lost) = (0, 0, 0);
        ControllerClient {
            bucket,
            pause,
            pace,
            waiting,
            failed,
            not_before,
            alarm,
            in_flight,
            in_flight_max,
            pushed,
            sent,
            lost,
        }
    }

    /// The same with so many workers, each of which waits for the answer to its request.
    pub fn with_workers(self, workers: u32) -> Self {
        ControllerClient { in_flight_max: workers, ..self }
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
        if self.waiting.is_empty() || self.is_busy() || now < self.not_before || self.bucket.take(now).is_err() {
            return None;
        }
        self.not_before = now + self.pace;
        let next = self.waiting.pop_front();
        self.sent += u64::from(next.is_some());
        self.in_flight += u32::from(next.is_some());
        next
    }

    /// A request that it sent has ended.
    pub fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether every worker waits for an answer.
    fn is_busy(&self) -> bool {
        self.in_flight >= self.in_flight_max
    }

    /// When the alarm has to be set, since nothing may be sent now and no alarm is set for as early a time.
    pub fn alarm(&mut self, now: SimTime) -> Option<SimTime> {
        let token = { self.bucket }.take(now).err().unwrap_or(now);
        let next = match (self.waiting.is_empty(), self.failed.front()) {
            _ if self.is_busy() => return None, // The next answer frees a worker.
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

    /// The alarm that is set will not ring.
    pub fn forget_alarm(&mut self) {
        self.alarm = None;
    }

    /// Whoever had the client is gone: what it held is lost. The next one's client has all its tokens.
    pub fn clear(&mut self, rate: f64, burst: u64) {
        let (pushed, sent, lost) = (self.pushed, self.sent, self.lost + self.len() as u64);
        let new = ControllerClient::new(rate, burst, self.pause, self.pace).with_workers(self.in_flight_max);
        *self = ControllerClient { pushed, sent, lost, ..new };
    }

    /// What was pushed, sent, lost and waits.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, inside) = (self.pushed, self.sent, self.len() as u64);
        Balance { station, arrived, left, refused: 0, lost: self.lost, inside }
    }

    /// Requests that were to be sent, repeated ones too.
    pub fn wanted(&self) -> u64 {
        self.pushed
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
        let mut queue = ControllerClient::new(20.0, 2, SimDuration::from_secs(1), PACE);
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
    fn a_worker_waits_for_its_answer() {
        let mut client = ControllerClient::new(20.0, 9, SimDuration::from_secs(1), PACE).with_workers(2);
        (0..3).for_each(|request| client.push(request));
        assert_eq!([client.next(at(0)), client.next(at(1)), client.next(at(2))], [Some(0), Some(1), None]);
        assert_eq!(client.alarm(at(2)), None, "the answer will wake it");
        client.ended();
        assert_eq!(client.next(at(3)), Some(2));
    }

    #[test]
    fn a_failed_request_comes_again_after_the_pause() {
        let mut queue = ControllerClient::new(20.0, 2, SimDuration::from_secs(1), PACE);
        queue.repeat(at(0), 7);
        assert_eq!((queue.next(at(999)), queue.alarm(at(999))), (None, Some(at(1_000))));
        assert_eq!(queue.next(at(1_000)), Some(7));
        assert!(queue.is_empty());
    }
}
