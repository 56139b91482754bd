//! API Priority and Fairness of one API server: seats by priority level, which lend to each other; queues behind them,
//! dealt by shuffle sharding and served by fair queuing.
//!
//! A request is of a flow (its flow schema and who sends it). It takes as many seats as it is wide. Where none are free
//! it waits in one of the queues that its flow is dealt, up to a limit of places and of time; beyond them it is
//! rejected with 429. Every ten seconds the seats are shared out anew, in proportion to what each level wanted; these
//! moments are made up for when something happens, and are events only while somebody waits.

mod dealer;
mod demand;
mod level;
mod retry_after;
mod width;

use crate::aim::Level;
use crate::ids::RequestRef;
use crate::parameters::FlowControlParameters;
use crate::record::Balance;
pub use dealer::{Hand, deal};
use demand::{Claim, share_out};
use level::{LevelConfig, PriorityLevel};
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;
pub use width::{Listed, Width};

/// What a level does with an arriving request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is served.
    Seated(Seat),
    /// It waits for seats in this queue.
    Queued(u16),
    /// The queue is full.
    Rejected,
}

/// The seats of a served request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Of which level.
    pub level: Level,
    /// From which of its queues the request came.
    pub queue: u16,
    /// How many.
    pub width: Width,
    /// Since when.
    pub since: SimTime,
    /// How long the request waited for them.
    pub waited: SimDuration,
}

/// The priority levels of one API server.
#[derive(Clone, Debug)]
pub struct FlowControl {
    levels: [PriorityLevel; Level::COUNT],
    total: u64,
    period: SimDuration,
    next_period: SimTime,
    alarm: bool,
    top_of_ladder: u64,
    seated: VecDeque<(RequestRef, Seat)>,
}

impl FlowControl {
    /// Levels with their nominal seats, which lend as they do after a long calm.
    pub fn new(parameters: &FlowControlParameters) -> Self {
        let mut flow = FlowControl {
            levels: Level::ALL.map(|level| PriorityLevel::new(level, config(level, parameters))),
            total: 0,
            period: parameters.borrowing_period,
            next_period: SimTime::ZERO + parameters.borrowing_period,
            alarm: false,
            top_of_ladder: parameters.retry_after_max.as_secs_f64() as u64,
            seated: VecDeque::new(),
        };
        flow.resize(parameters.seats);
        flow
    }

    /// The server has so many seats in all from now on.
    pub fn resize(&mut self, total: u64) {
        self.total = total;
        let shares: u64 = self.levels.iter().map(|level| level.config.shares).sum();
        for level in &mut self.levels {
            level.nominal = (total * level.config.shares).div_ceil(shares.max(1));
        }
        self.share_seats(|_| (0, 0.0));
    }

    /// Nominal seats of a level: its share of the total, rounded up.
    pub fn nominal_seats(&self, level: Level) -> u64 {
        self.levels[level.index()].nominal
    }

    /// Seats that a level has now, after lending and borrowing.
    pub fn seats(&self, level: Level) -> u64 {
        self.levels[level.index()].current
    }

    /// Seats of a level that are in use.
    pub fn seats_used(&self, level: Level) -> u64 {
        self.levels[level.index()].seats_used()
    }

    /// Seat-seconds that the requests of a level have wanted, waiting or seated.
    pub fn seats_wanted(&self, level: Level) -> f64 {
        self.levels[level.index()].demand.total()
    }

    /// Most seats that one request takes of a level.
    pub fn widest(&self, level: Level) -> u64 {
        self.levels[level.index()].widest()
    }

    /// A request of a flow arrives at its level.
    pub fn arrive(&mut self, now: SimTime, level: Level, flow: u64, request: RequestRef, width: Width) -> Admission {
        self.periods_pass(now);
        let admission = self.levels[level.index()].arrive(now, flow, request, width);
        if let Admission::Queued(_) = admission {
            self.dispatch(now, level.index());
        }
        admission
    }

    /// A served request ends: whoever gets its seats is in [`FlowControl::next_seated`]. Returns for how long its last
    /// seats are still held, if they are; [`FlowControl::last_seats_free`] follows then.
    pub fn leave(&mut self, now: SimTime, seat: Seat) -> Option<SimDuration> {
        self.periods_pass(now);
        let level = seat.level.index();
        self.levels[level].leave(now, seat);
        self.dispatch(now, level);
        (seat.width.last > 0).then_some(seat.width.after)
    }

    /// The work for a request's watchers is done: its last seats are free.
    pub fn last_seats_free(&mut self, now: SimTime, level: Level, seats: u64) {
        self.periods_pass(now);
        self.levels[level.index()].last_seats_free(now, seats);
        self.dispatch(now, level.index());
    }

    /// A request has waited too long; false if it does not wait.
    pub fn give_up(&mut self, now: SimTime, level: Level, queue: u16, request: RequestRef) -> bool {
        self.periods_pass(now);
        let gave_up = self.levels[level.index()].give_up(now, queue, request);
        if gave_up {
            self.dispatch(now, level.index()); // it may have stood before others
        }
        gave_up
    }

    /// A request is rejected: the seconds that its client is told to wait.
    pub fn retry_after(&mut self, now: SimTime, level: Level) -> u64 {
        self.levels[level.index()].drops.drops(now, self.top_of_ladder)
    }

    /// Takes one of the waiting requests that have got their seats since.
    pub fn next_seated(&mut self) -> Option<(RequestRef, Seat)> {
        self.seated.pop_front()
    }

    /// When [`FlowControl::period_ends`] must be called, if it must and that is news.
    pub fn alarm(&mut self) -> Option<SimTime> {
        let wanted = !self.alarm && self.levels.iter().any(|level| level.waiting() > 0);
        self.alarm |= wanted;
        wanted.then_some(self.next_period)
    }

    /// A period of borrowing ends while somebody waits.
    pub fn period_ends(&mut self, now: SimTime) {
        self.alarm = false;
        self.periods_pass(now);
    }

    /// The server dies: everything seated or waiting is lost. Returns those that waited.
    pub fn lose_all(&mut self, now: SimTime) -> Vec<RequestRef> {
        let mut waited = Vec::new();
        for level in &mut self.levels {
            level.lose_all(now, &mut waited);
        }
        waited.extend(self.seated.drain(..).map(|(request, _)| request));
        self.resize(self.total);
        waited
    }

    /// Requests that are served or wait, over all levels.
    pub fn inside(&self) -> u64 {
        self.levels.iter().map(PriorityLevel::inside).sum()
    }

    /// What came and went, over all levels.
    pub fn balance(&self, station: String) -> Balance {
        let sum = |of: fn(&PriorityLevel) -> u64| self.levels.iter().map(of).sum();
        Balance {
            station,
            arrived: sum(|level| level.counts.arrived),
            left: sum(|level| level.counts.left),
            refused: sum(|level| level.counts.refused),
            lost: sum(|level| level.counts.lost),
            inside: sum(PriorityLevel::inside),
        }
    }

    fn dispatch(&mut self, now: SimTime, level: usize) {
        while let Some(seated) = self.levels[level].dispatch(now) {
            self.seated.push_back(seated);
        }
    }

    /// Shares the seats out at the end of each period up to now.
    #[inline]
    fn periods_pass(&mut self, now: SimTime) {
        while self.next_period <= now {
            let end = self.next_period;
            self.next_period += self.period;
            self.share_seats(|level| level.demand.period_ends(end));
            for level in 0..Level::COUNT {
                self.dispatch(end, level);
            }
        }
    }

    /// Shares the seats out by what each level wanted: the most at a time, and the smoothed envelope.
    fn share_seats(&mut self, mut wanted: impl FnMut(&mut PriorityLevel) -> (u64, f64)) {
        let mut claims = [Claim { least: 0.0, most: 0.0, target: 0.0 }; Level::COUNT];
        for (level, claim) in self.levels.iter_mut().zip(&mut claims) {
            let (most, smoothed) = wanted(level);
            let least = (level.nominal - level.lendable()).max(level.nominal.min(most)) as f64;
            *claim = Claim { least, most: self.total.max(level.nominal) as f64, target: smoothed.max(least) };
        }
        let all = self.levels.iter().map(|level| level.nominal).sum::<u64>();
        if let Some(shares) = share_out(all as f64, &claims) {
            for (level, share) in self.levels.iter_mut().zip(shares) {
                level.current = share.round() as u64;
            }
        }
    }
}

/// What is configured for a level. `exempt` and `catch-all` have no queues.
fn config(level: Level, parameters: &FlowControlParameters) -> LevelConfig {
    let p = parameters;
    let (shares, lendable, queues, hand_size) = match level {
        Level::Exempt => (0, 0.0, 0, 1),
        Level::LeaderElection => (
            p.leader_election_shares,
            p.leader_election_lendable,
            p.leader_election_queues,
            p.leader_election_hand_size,
        ),
        Level::NodeHigh => (p.node_high_shares, p.node_high_lendable, p.node_high_queues, p.node_high_hand_size),
        Level::System => (p.system_shares, p.system_lendable, p.system_queues, p.system_hand_size),
        Level::WorkloadHigh => {
            (p.workload_high_shares, p.workload_high_lendable, p.workload_high_queues, p.workload_high_hand_size)
        }
        Level::WorkloadLow => {
            (p.workload_low_shares, p.workload_low_lendable, p.workload_low_queues, p.workload_low_hand_size)
        }
        Level::GlobalDefault => {
            (p.global_default_shares, p.global_default_lendable, p.global_default_queues, p.global_default_hand_size)
        }
        Level::CatchAll => (p.catch_all_shares, 0.0, 0, 1),
    };
    LevelConfig {
        shares,
        lendable,
        queues,
        hand_size,
        queue_length: p.queue_length,
        widest: p.widest_request,
        estimated_service: p.estimated_service,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    const SYSTEM: Level = Level::System;

    fn request(slot: u32) -> RequestRef {
        RequestRef { slot, generation: 0 }
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// A server whose level `system` has `seats` seats, and all other levels none.
    fn only_system(seats: u64, change: impl FnOnce(&mut FlowControlParameters)) -> FlowControl {
        let mut parameters = Parameters::default().flow_control;
        let p = &mut parameters;
        (p.node_high_shares, p.leader_election_shares, p.workload_high_shares) = (0, 0, 0);
        (p.workload_low_shares, p.global_default_shares, p.catch_all_shares) = (0, 0, 0);
        p.seats = seats;
        change(p);
        FlowControl::new(&parameters)
    }

    fn wide(seats: u16) -> Width {
        Width { initial: seats, ..Width::ONE }
    }

    fn seat_of(admission: Admission) -> Seat {
        let Admission::Seated(seat) = admission else { panic!("{admission:?}") };
        seat
    }

    #[test]
    fn a_full_level_queues_then_rejects_and_hands_seats_on_in_order() {
        let mut flow = only_system(1, |p| (p.system_queues, p.system_hand_size, p.queue_length) = (1, 1, 2));
        let mut arrive = |slot| flow.arrive(at(1), SYSTEM, 7, request(slot), Width::ONE);
        let seat = seat_of(arrive(0));
        assert_eq!([1, 2, 3].map(arrive), [Admission::Queued(0), Admission::Queued(0), Admission::Rejected]);
        assert!(flow.give_up(at(2), SYSTEM, 0, request(1)) && !flow.give_up(at(2), SYSTEM, 0, request(1)));
        flow.leave(at(3), seat);
        let (next, seat) = flow.next_seated().expect("somebody waits");
        assert_eq!((next, seat.waited), (request(2), SimDuration::from_secs(2)));
        flow.leave(at(4), seat);
        assert!(flow.next_seated().is_none() && flow.balance(String::new()).holds());
    }

    #[test]
    fn a_wide_request_at_the_head_blocks_its_level_until_enough_seats_are_free() {
        let mut flow = only_system(10, |p| (p.system_queues, p.system_hand_size) = (1, 1));
        let seats = [0, 1].map(|slot| seat_of(flow.arrive(at(0), SYSTEM, 0, request(slot), wide(4))));
        assert_eq!(flow.arrive(at(0), SYSTEM, 0, request(2), wide(8)), Admission::Queued(0));
        assert_eq!(flow.arrive(at(0), SYSTEM, 0, request(3), Width::ONE), Admission::Queued(0), "two seats are free");
        flow.leave(at(1), seats[0]);
        assert_eq!(flow.next_seated(), None, "six seats");
        flow.leave(at(2), seats[1]);
        let seated = [0, 1].map(|_| flow.next_seated().map(|(request, _)| request));
        assert_eq!(seated, [Some(request(2)), Some(request(3))]);
    }

    #[test]
    fn the_seats_for_watchers_are_held_for_the_whole_request_and_beyond() {
        let mut flow = only_system(10, |p| (p.system_queues, p.system_hand_size) = (1, 1));
        let width = Width::of_write(100, 10, &Parameters::default().flow_control);
        let seat = seat_of(flow.arrive(at(0), SYSTEM, 0, request(0), width));
        assert_eq!(flow.seats_used(SYSTEM), 10);
        assert_eq!(flow.arrive(at(0), SYSTEM, 0, request(1), Width::ONE), Admission::Queued(0));
        let after = flow.leave(at(1), seat);
        assert_eq!((after, flow.next_seated()), (Some(width.after), None), "the events are being sent");
        flow.last_seats_free(at(1) + width.after, SYSTEM, 10);
        assert_eq!(flow.next_seated().map(|(request, _)| request), Some(request(1)));
    }

    /// Fair queuing: a flow with one request does not wait for another flow's forty.
    #[test]
    fn a_light_flow_overtakes_a_heavy_one() {
        let mut flow = only_system(1, |p| p.system_hand_size = 1);
        let mut seat = seat_of(flow.arrive(at(0), SYSTEM, 1, request(0), Width::ONE));
        for slot in 1..40 {
            assert_eq!(flow.arrive(at(0), SYSTEM, 1, request(slot), Width::ONE), Admission::Queued(1));
        }
        assert_eq!(flow.arrive(at(0), SYSTEM, 2, request(99), Width::ONE), Admission::Queued(2));
        let mut order = Vec::new();
        for second in 1..=3 {
            flow.leave(at(second), seat);
            let (next, its) = flow.next_seated().expect("many wait");
            (seat, order) = (its, [order, vec![next.slot]].concat());
        }
        assert!(order.contains(&99), "{order:?}");
    }

    /// Idle levels lend: the sum stays, nobody falls below what it keeps, and what was lent returns.
    #[test]
    fn a_hot_level_borrows_after_ten_seconds_and_gives_back_to_those_who_need_it() {
        let mut flow = FlowControl::new(&Parameters::default().flow_control);
        let sum = |flow: &FlowControl| Level::ALL.map(|level| flow.seats(level)).iter().sum::<u64>();
        assert!(sum(&flow).abs_diff(602) <= 3, "rounded shares of 602: {}", sum(&flow));
        let calm = flow.seats(SYSTEM);
        let seats: Vec<Seat> = (0..calm as u32)
            .map(|slot| seat_of(flow.arrive(at(1), SYSTEM, u64::from(slot) * 7919, request(slot), Width::ONE)))
            .collect();
        let queued = (0..300).filter(|slot| {
            let admission = flow.arrive(at(1), SYSTEM, slot * 104_729, request(1000 + *slot as u32), Width::ONE);
            matches!(admission, Admission::Queued(_))
        });
        assert_eq!((queued.count(), flow.alarm()), (300, Some(at(10))));
        flow.period_ends(at(10));
        let hot = flow.seats(SYSTEM);
        assert!(hot > 2 * calm, "{calm} seats, then {hot}");
        assert_eq!(std::iter::from_fn(|| flow.next_seated()).count() as u64, hot - calm, "they are used at once");
        assert!(flow.seats(Level::WorkloadLow) >= 24 && flow.seats(Level::LeaderElection) >= 25);
        assert!(sum(&flow).abs_diff(602) <= 3, "{}", sum(&flow));
        for seat in seats {
            flow.leave(at(11), seat);
        }
        let busy = (0..200)
            .map(|slot| flow.arrive(at(12), Level::WorkloadLow, slot * 7919, request(5000 + slot as u32), Width::ONE));
        assert!(busy.filter(|admission| matches!(admission, Admission::Seated(_))).count() < 100);
        flow.period_ends(at(20));
        assert!(flow.seats(Level::WorkloadLow) >= 200, "its high-water mark, up to its nominal seats");
    }
}
