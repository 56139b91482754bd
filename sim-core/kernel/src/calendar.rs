//! The calendar: what is going to happen, in order of time, then of scheduling.
//!
//! There is no cancel: a wake-up is a hint, whoever set it keeps its own deadline, and a stale one does nothing.
//! Deadlines that are nearly always met would fill the calendar; equal delays form a plain queue instead, a lane.

mod far;
mod heap;
mod ladder;
mod near;
mod sort;

use std::collections::VecDeque;

use crate::time::{SimDuration, SimTime};
use heap::Heap;
use ladder::Ladder;

/// The pending events of one run, and its clock.
///
/// Order: time; at one instant the events of [`Calendar::schedule`] in the order of scheduling, also those scheduled
/// for now while now is handled; after them the lanes, in the order of their declaration.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    now: SimTime,
    ladder: Ladder<E>,
    /// Holds the events in place of the ladder while ties are shuffled.
    shuffled: Option<Box<Heap<E>>>,
    lanes: Vec<Queue<E>>,
    /// For each lane the time of its head and its index, or [`NO_HEAD`].
    heads: Vec<(SimTime, usize)>,
    /// The first of the heads.
    first_head: (SimTime, usize),
    scheduled: u64,
    popped: u64,
    /// The most pending events before any pop so far.
    peak: u64,
}

/// A queue of events with one delay in common, see [`Calendar::lane`]. Valid in the calendar that declared it and
/// in that one's clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(usize);

#[derive(Clone, Debug)]
struct Queue<E> {
    delay: SimDuration,
    waiting: VecDeque<(SimTime, E)>,
}

const NO_HEAD: (SimTime, usize) = (SimTime::MAX, usize::MAX);

impl<E: Copy> Calendar<E> {
    /// An empty calendar at time zero.
    pub fn new() -> Calendar<E> {
        Calendar {
            now: SimTime::ZERO,
            ladder: Ladder::new(),
            shuffled: None,
            lanes: Vec::new(),
            heads: Vec::new(),
            first_head: NO_HEAD,
            scheduled: 0,
            popped: 0,
            peak: 0,
        }
    }

    /// The present: the time of the last event that was popped, or what the run has advanced to since.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// How many events are pending, in lanes too.
    pub fn len(&self) -> usize {
        (self.scheduled - self.popped) as usize
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.scheduled == self.popped
    }

    /// How many events were ever scheduled, in lanes too.
    pub fn scheduled(&self) -> u64 {
        self.scheduled
    }

    /// The most events that were ever pending at once, in lanes too.
    pub fn peak(&self) -> usize {
        self.len().max(self.peak as usize)
    }

    /// Schedules `event` at the point `at`.
    ///
    /// # Panics
    /// If `at` lies before [`Calendar::now`].
    #[inline]
    pub fn schedule(&mut self, at: SimTime, event: E) {
        if at < self.now {
            refuse_the_past(at, self.now);
        }
        match &mut self.shuffled {
            None => self.ladder.push(at, self.now, event),
            Some(heap) => heap.push(at, event),
        }
        self.scheduled += 1;
    }

    /// Schedules `event` at `delay` from now.
    ///
    /// # Panics
    /// If that lies beyond [`SimTime::MAX`].
    #[inline]
    pub fn schedule_after(&mut self, delay: SimDuration, event: E) {
        self.schedule(self.now + delay, event);
    }

    /// Declares a lane for events that all fire at `delay` from when they are scheduled, such as time-outs.
    ///
    /// A lane is a queue beside the calendar: it costs the other events nothing, however many wait in it. Each
    /// declaration makes a lane of its own, also for a delay that another one has.
    pub fn lane(&mut self, delay: SimDuration) -> Lane {
        self.lanes.push(Queue { delay, waiting: VecDeque::new() });
        self.heads.push(NO_HEAD);
        Lane(self.lanes.len() - 1)
    }

    /// Schedules `event` at the lane's delay from now, after every other event of that instant: an answer that
    /// arrives at its deadline counts as answered.
    ///
    /// # Panics
    /// If that lies beyond [`SimTime::MAX`], or if another calendar declared the lane.
    #[inline]
    pub fn schedule_in_lane(&mut self, lane: Lane, event: E) {
        let queue = &mut self.lanes[lane.0];
        let at = self.now + queue.delay;
        if queue.waiting.is_empty() {
            self.heads[lane.0] = (at, lane.0);
            self.first_head = self.first_head.min((at, lane.0));
        }
        queue.waiting.push_back((at, event));
        self.scheduled += 1;
    }

    /// The time of the next event, if any is pending.
    pub fn next_time(&self) -> Option<SimTime> {
        let pending = match &self.shuffled {
            None => self.ladder.next_time(),
            Some(heap) => heap.next_time(),
        };
        let in_lanes = (self.first_head != NO_HEAD).then_some(self.first_head.0);
        pending.into_iter().chain(in_lanes).min()
    }

    /// Takes the next event, and makes its time the present.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.pop_until(SimTime::MAX)
    }

    /// Takes the next event if it is due at or before `limit`, and makes its time the present.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        let (time, event) = match self.pop_pending(limit.min(self.first_head.0)) {
            Some(popped) => popped,
            None => self.pop_lane(limit)?,
        };
        debug_assert!(time >= self.now, "time never runs backwards");
        self.now = time;
        // Between two pops the number only grows, so that its peaks lie before pops.
        self.peak = self.peak.max(self.scheduled - self.popped);
        self.popped += 1;
        Some((time, event))
    }

    /// Events that are next, or nearly, and were not told of before: a few dozen at a time, and most of those that were
    /// scheduled for some while ahead. A hint, for whoever wants to fetch from memory what they are about.
    #[inline]
    pub fn come_near(&mut self) -> &[E] {
        match &self.shuffled {
            None => self.ladder.come_near(),
            Some(_) => &[],
        }
    }

    /// Makes `now` the present, between events.
    ///
    /// # Panics
    /// If that is in the past, or would leave a pending event in the past.
    pub fn advance_to(&mut self, now: SimTime) {
        assert!(now >= self.now, "time never runs backwards: {now} is before {}", self.now);
        assert!(self.next_time().is_none_or(|next| next >= now), "no pending event is passed over");
        self.now = now;
    }

    /// From here on, events at one instant come in a pseudo-random order that `key` determines, in place of the order
    /// of scheduling; events scheduled for now while now is handled join the draw. Lanes stay in order.
    ///
    /// A run's facts may not depend on the order of ties: this is how to find out.
    pub fn shuffle_ties(&mut self, key: u64) {
        let mut heap = Heap::new(Some(key));
        while let Some((at, event)) = self.pop_pending(SimTime::MAX) {
            heap.push(at, event);
        }
        self.shuffled = Some(Box::new(heap));
    }

    #[inline]
    fn pop_pending(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        match &mut self.shuffled {
            None => self.ladder.pop_until(limit),
            Some(heap) => heap.pop_until(limit),
        }
    }

    #[inline(never)]
    fn pop_lane(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        let (time, lane) = self.first_head;
        if time > limit || self.first_head == NO_HEAD {
            return None;
        }
        let waiting = &mut self.lanes[lane].waiting;
        let popped = waiting.pop_front();
        self.heads[lane] = waiting.front().map_or(NO_HEAD, |&(at, _)| (at, lane));
        self.first_head = self.heads.iter().copied().min().unwrap_or(NO_HEAD);
        popped
    }
}

/// Kept apart: the words for a panic would cost every call that does not panic.
#[cold]
#[inline(never)]
fn refuse_the_past(at: SimTime, now: SimTime) -> ! {
    panic!("nothing is scheduled for the past: {at} is before {now}");
}

impl<E: Copy> Default for Calendar<E> {
    fn default() -> Calendar<E> {
        Calendar::new()
    }
}
