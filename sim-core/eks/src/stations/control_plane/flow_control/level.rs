//! One priority level: its seats, its queues, and fair queuing between them.
//!
//! Queues are served by virtual time: what a flow takes counts against its queue, in seat-seconds, and the queue whose
//! head would be done first in virtual time is next. A wide head that does not fit blocks its level until it does.

use super::dealer::{deal, hand_size};
use super::demand::Demand;
use super::retry_after::RetryAfter;
use super::width::Width;
use super::{Admission, Seat};
use crate::aim::Level;
use crate::ids::RequestRef;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// What is configured for a level.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelConfig {
    /// Shares of the server's seats.
    pub shares: u64,
    /// Share of its nominal seats that it lends, 0 to 1.
    pub lendable: f64,
    /// Its queues; without any it rejects what finds no seat.
    pub queues: u64,
    /// Queues that a flow is dealt.
    pub hand_size: u64,
    /// Requests that wait in one queue.
    pub queue_length: u64,
    /// Share of its nominal seats that one request takes at most, 0 to 1.
    pub widest: f64,
    /// Time that a request is taken to need, until its end tells.
    pub estimated_service: SimDuration,
}

/// A priority level of one API server.
#[derive(Clone, Debug)]
pub struct PriorityLevel {
    pub(super) level: Level,
    pub(super) config: LevelConfig,
    pub(super) nominal: u64,
    pub(super) current: u64,
    pub(super) demand: Demand,
    pub(super) drops: RetryAfter,
    pub(super) counts: Counts,
    queues: Vec<Queue>,
    waiting: u64,
    seats_waiting: u64,
    seats_used: u64,
    executing: u64,
    active_queues: u64,
    enqueues: u64,
    robin: usize,
    /// Virtual time, in nanoseconds of one seat.
    virtual_time: u64,
    virtual_at: SimTime,
}

/// Requests that came to a level, and how they went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub(super) arrived: u64,
    pub(super) left: u64,
    pub(super) refused: u64,
    pub(super) lost: u64,
}

#[derive(Clone, Debug, Default)]
struct Queue {
    /// Virtual time at which its next request begins.
    next_dispatch: u64,
    waiting: VecDeque<Waiting>,
    /// Seat-nanoseconds that wait.
    work: u64,
    executing: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    request: RequestRef,
    width: Width,
    since: SimTime,
    arrived_at: u64,
}

impl PriorityLevel {
    pub(super) fn new(level: Level, config: LevelConfig) -> Self {
        PriorityLevel {
            level,
            config,
            nominal: 0,
            current: 0,
            demand: Demand::default(),
            drops: RetryAfter::default(),
            counts: Counts::default(),
            queues: vec![Queue::default(); config.queues as usize],
            waiting: 0,
            seats_waiting: 0,
            seats_used: 0,
            executing: 0,
            active_queues: 0,
            enqueues: 0,
            robin: 0,
            virtual_time: 0,
            virtual_at: SimTime::ZERO,
        }
    }

    /// Most seats that one request takes here.
    pub(super) fn widest(&self) -> u64 {
        let share = (self.nominal as f64 * self.config.widest).ceil() as u64;
        share.min(self.nominal / self.config.hand_size.max(1)).max(1)
    }

    pub(super) fn lendable(&self) -> u64 {
        (self.nominal as f64 * self.config.lendable).round() as u64
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    pub(super) fn seats_used(&self) -> u64 {
        self.seats_used
    }

    pub(super) fn inside(&self) -> u64 {
        self.waiting + self.executing
    }

    /// A request of a flow arrives. The flow's hash decides its hand, it joins the queue of it with the least work.
    pub(super) fn arrive(&mut self, now: SimTime, flow: u64, request: RequestRef, width: Width) -> Admission {
        self.counts.arrived += 1;
        if self.queues.is_empty() {
            return self.arrive_without_queues(now, width);
        }
        self.virtual_time_passes(now);
        let queue = self.choose_queue(flow);
        if self.queues[queue].waiting.len() as u64 >= self.config.queue_length {
            self.counts.refused += 1;
            return Admission::Rejected;
        }
        self.enqueues += 1;
        if self.queues[queue].waiting.is_empty() && self.queues[queue].executing == 0 {
            self.queues[queue].next_dispatch = self.virtual_time;
            self.active_queues += 1;
        }
        if self.waiting == 0 && self.has_room_for(width) {
            return Admission::Seated(self.execute(now, queue, width, now));
        }
        let arrived_at = self.virtual_time;
        let work = self.work(width);
        let entry = &mut self.queues[queue];
        entry.waiting.push_back(Waiting { request, width, since: now, arrived_at });
        entry.work += work;
        self.waiting += 1;
        self.seats_waiting += width.held();
        self.demand_changes(now);
        Admission::Queued(queue as u16)
    }

    fn arrive_without_queues(&mut self, now: SimTime, width: Width) -> Admission {
        if !self.has_room_for(width) {
            self.counts.refused += 1;
            return Admission::Rejected;
        }
        self.executing += 1;
        self.seats_used += width.held();
        self.demand_changes(now);
        Admission::Seated(Seat { level: self.level, queue: 0, width, since: now, waited: SimDuration::ZERO })
    }

    fn choose_queue(&self, flow: u64) -> usize {
        let size = hand_size(self.config.queues, self.config.hand_size);
        let first = (self.enqueues % size as u64) as usize;
        if self.waiting == 0 {
            let hand = deal(flow, self.config.queues, first as u64 + 1);
            return usize::from(hand.cards()[first]); // all have the same work: none
        }
        let hand = deal(flow, self.config.queues, self.config.hand_size);
        let cards = hand.cards();
        let order = cards[first..].iter().chain(&cards[..first]);
        let least = order.min_by_key(|card| self.queues[usize::from(**card)].work);
        usize::from(*least.expect("a hand has a card"))
    }

    fn work(&self, width: Width) -> u64 {
        u64::from(width.initial) * self.config.estimated_service.as_nanos() + last_work(width)
    }

    /// A request wider than the level is served when nothing else is.
    fn has_room_for(&self, width: Width) -> bool {
        let wide = width.held() > self.current && self.executing == 0;
        self.seats_used + width.held() <= self.current || wide || self.level == Level::Exempt
    }

    fn execute(&mut self, now: SimTime, queue: usize, width: Width, since: SimTime) -> Seat {
        self.queues[queue].next_dispatch += self.work(width);
        self.queues[queue].executing += 1;
        self.executing += 1;
        self.seats_used += width.held();
        self.demand_changes(now);
        let waited = now.saturating_since(since);
        Seat { level: self.level, queue: queue as u16, width, since: now, waited }
    }

    /// The next waiting request that gets its seats.
    pub(super) fn dispatch(&mut self, now: SimTime) -> Option<(RequestRef, Seat)> {
        if self.waiting == 0 {
            return None;
        }
        self.virtual_time_passes(now);
        let queue = self.first_done()?;
        let head = self.queues[queue].waiting.front().copied().expect("it has a head");
        if !self.has_room_for(head.width) {
            return None;
        }
        self.queues[queue].waiting.pop_front();
        self.forget_waiting(queue, head.width);
        Some((head.request, self.execute(now, queue, head.width, head.since)))
    }

    /// The queue whose head would be done first in virtual time; of equals the next after the last that was served.
    fn first_done(&mut self) -> Option<usize> {
        let count = self.queues.len();
        let after = (1..=count).map(|step| (self.robin + step) % count);
        let done = |queue: usize| {
            let queue = &self.queues[queue];
            queue.waiting.front().map(|head| queue.next_dispatch + self.work(head.width))
        };
        let first = after.filter_map(|queue| Some((done(queue)?, queue))).reduce(|a, b| if b.0 < a.0 { b } else { a });
        let (_, queue) = first?;
        self.robin = queue;
        Some(queue)
    }

    fn forget_waiting(&mut self, queue: usize, width: Width) {
        self.queues[queue].work -= self.work(width);
        self.waiting -= 1;
        self.seats_waiting -= width.held();
    }

    /// A served request ends. Its last seats, if it has any, are freed by [`PriorityLevel::last_seats_free`].
    pub(super) fn leave(&mut self, now: SimTime, seat: Seat) {
        self.virtual_time_passes(now);
        self.counts.left += 1;
        self.executing -= 1;
        self.seats_used -= seat.width.held() - u64::from(seat.width.last);
        self.demand_changes(now);
        if self.queues.is_empty() {
            return;
        }
        let served =
            now.saturating_since(seat.since).as_nanos() * u64::from(seat.width.initial) + last_work(seat.width);
        let estimated = self.work(seat.width);
        let queue = &mut self.queues[usize::from(seat.queue)];
        queue.next_dispatch = (queue.next_dispatch + served).saturating_sub(estimated);
        queue.executing -= 1;
        self.queue_changes(usize::from(seat.queue));
    }

    /// The work for a request's watchers is done.
    pub(super) fn last_seats_free(&mut self, now: SimTime, seats: u64) {
        self.virtual_time_passes(now);
        self.seats_used -= seats;
        self.demand_changes(now);
    }

    /// A queue is idle, or may not be given credit for the time before its head came.
    fn queue_changes(&mut self, queue: usize) {
        let queue = &mut self.queues[queue];
        match queue.waiting.front() {
            Some(head) => queue.next_dispatch = queue.next_dispatch.max(head.arrived_at),
            None if queue.executing == 0 => self.active_queues -= 1,
            None => {}
        }
    }

    /// A request gives up waiting in a queue; false if it does not wait there.
    pub(super) fn give_up(&mut self, now: SimTime, queue: u16, request: RequestRef) -> bool {
        let queue = usize::from(queue);
        let Some(place) = self.queues[queue].waiting.iter().position(|waiting| waiting.request == request) else {
            return false;
        };
        self.virtual_time_passes(now);
        let gone = self.queues[queue].waiting.remove(place).expect("it was found there");
        self.forget_waiting(queue, gone.width);
        self.counts.refused += 1;
        self.demand_changes(now);
        self.queue_changes(queue);
        true
    }

    /// The server dies: what is seated or waits is lost. Adds those that waited.
    pub(super) fn lose_all(&mut self, now: SimTime, waited: &mut Vec<RequestRef>) {
        self.counts.lost += self.inside();
        for queue in &mut self.queues {
            waited.extend(queue.waiting.drain(..).map(|waiting| waiting.request));
            *queue = Queue::default();
        }
        (self.waiting, self.seats_waiting, self.seats_used) = (0, 0, 0);
        (self.executing, self.active_queues) = (0, 0);
        self.demand = Demand::default();
        self.demand.is(now, 0);
        self.drops = RetryAfter::default();
    }

    fn demand_changes(&mut self, now: SimTime) {
        self.demand.is(now, self.seats_used + self.seats_waiting);
    }

    /// Virtual time goes as fast as each active queue is served.
    fn virtual_time_passes(&mut self, now: SimTime) {
        let served = (self.seats_used + self.seats_waiting).min(self.current);
        let work = now.saturating_since(self.virtual_at).as_nanos() * served;
        self.virtual_time += work.checked_div(self.active_queues).unwrap_or(0);
        self.virtual_at = now;
    }
}

fn last_work(width: Width) -> u64 {
    u64::from(width.last) * width.after.as_nanos()
}
