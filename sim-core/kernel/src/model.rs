//! What the kernel asks of a model, and the loop that runs one.

use std::fmt;
use std::hash::Hash;

use crate::calendar::Calendar;
use crate::digest::Digest;
use crate::time::SimTime;

/// Events at one instant that a run survives; one more and it is [`Stuck`].
const EVENTS_PER_INSTANT_MAX: u64 = 10_000_000;

/// All that the kernel asks of a model: how does the world answer one event?
pub trait Model {
    /// All that can ever happen, as one closed enum of small values.
    type Event: Copy + Hash;

    /// Answers `event`, which happens `now`, and schedules what follows from it in `future`.
    fn handle(&mut self, now: SimTime, event: Self::Event, future: &mut Calendar<Self::Event>);

    /// Learns that `event` will happen soon, perhaps, and may touch what it is about, so that memory brings the rows of
    /// several events at once. Changes nothing.
    #[inline]
    fn foresee(&self, _event: &Self::Event) {}
}

/// A run that no longer gets anywhere: more than ten million events happened at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The instant that did not end.
    pub at: SimTime,
}

impl fmt::Display for Stuck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "stuck at {}: more than {EVENTS_PER_INSTANT_MAX} events at this one instant", self.at)
    }
}

impl std::error::Error for Stuck {}

/// A model with its calendar and the digest of its past: a plain value, whose clone goes on exactly as it does.
#[derive(Clone, Debug)]
pub struct Simulation<M: Model> {
    /// The world that answers the events.
    pub model: M,
    calendar: Calendar<M::Event>,
    digest: Digest,
    handled: u64,
    /// The value of `handled` when the present instant began.
    handled_before: u64,
    instant: SimTime,
}

impl<M: Model> Simulation<M> {
    /// A run of `model` at time zero, with nothing scheduled yet.
    pub fn new(model: M) -> Simulation<M> {
        Simulation {
            model,
            calendar: Calendar::new(),
            digest: Digest::EMPTY,
            handled: 0,
            handled_before: 0,
            instant: SimTime::ZERO,
        }
    }

    /// The calendar, to schedule first events, faults and changes.
    pub fn future(&mut self) -> &mut Calendar<M::Event> {
        &mut self.calendar
    }

    /// Does something to the model now, outside its events: a change of what is simulated.
    pub fn act(&mut self, change: impl FnOnce(&mut M, &mut Calendar<M::Event>)) {
        change(&mut self.model, &mut self.calendar);
    }

    /// The present: the limit of the last [`Simulation::run_until`], or zero.
    pub fn now(&self) -> SimTime {
        self.calendar.now()
    }

    /// Handles every event at or before `limit`, in order; then it is `limit`.
    ///
    /// Runs in pieces and in one go are the same run. With [`SimTime::MAX`] the run goes on until nothing is pending,
    /// and the clock stays at the last event.
    ///
    /// # Errors
    /// [`Stuck`] if more than ten million events happen at one instant. The rest of them stay pending.
    ///
    /// # Panics
    /// If `limit` lies before [`Simulation::now`].
    pub fn run_until(&mut self, limit: SimTime) -> Result<(), Stuck> {
        while let Some((now, event)) = self.calendar.pop_until(limit) {
            if now != self.instant {
                self.instant = now;
                self.handled_before = self.handled;
            }
            self.handled += 1;
            self.calendar.come_near().iter().for_each(|next| self.model.foresee(next));
            self.digest.handled(now, &event);
            self.model.handle(now, event, &mut self.calendar);
            if self.handled - self.handled_before > EVENTS_PER_INSTANT_MAX {
                return Err(Stuck { at: now });
            }
        }
        if limit != SimTime::MAX {
            self.calendar.advance_to(limit);
        }
        Ok(())
    }

    /// The digest of every (time, event) handled so far.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many events were handled so far.
    pub fn handled(&self) -> u64 {
        self.handled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    /// Two kinds of walkers that wake each other, through schedule, lanes and zero delays.
    #[derive(Clone)]
    struct Walk {
        steps: u64,
        lane: crate::calendar::Lane,
    }

    #[derive(Clone, Copy, Debug, Hash)]
    enum Step {
        Left(u32),
        Right { walker: u32, hops: u8 },
    }

    impl Model for Walk {
        type Event = Step;

        fn handle(&mut self, _now: SimTime, step: Step, future: &mut Calendar<Step>) {
            self.steps += 1;
            let delay = SimDuration::from_nanos(self.steps.wrapping_mul(0x9e37_79b9) % 1_000);
            match step {
                Step::Left(walker) => future.schedule_after(delay, Step::Right { walker, hops: 2 }),
                Step::Right { walker, hops: 0 } => future.schedule_in_lane(self.lane, Step::Left(walker)),
                Step::Right { walker, hops } => {
                    future.schedule_after(SimDuration::ZERO, Step::Right { walker, hops: hops - 1 });
                }
            }
        }
    }

    fn walk() -> Simulation<Walk> {
        let mut calendar = Calendar::new();
        let lane = calendar.lane(SimDuration::from_nanos(700));
        let mut simulation = Simulation::new(Walk { steps: 0, lane });
        *simulation.future() = calendar;
        for walker in 0..50 {
            simulation.future().schedule(SimTime::from_nanos(10), Step::Left(walker));
        }
        simulation
    }

    #[test]
    fn a_clone_goes_on_exactly_as_its_original() {
        let mut original = walk();
        original.run_until(SimTime::from_nanos(20_000)).unwrap();
        let mut clone = original.clone();
        original.run_until(SimTime::from_nanos(90_000)).unwrap();
        clone.run_until(SimTime::from_nanos(90_000)).unwrap();
        assert!(original.handled() > 1_000);
        assert_eq!(original.digest(), clone.digest());
        assert_eq!(original.model.steps, clone.model.steps);
    }

    #[test]
    fn a_run_in_pieces_is_the_same_run() {
        let (mut whole, mut pieces) = (walk(), walk());
        whole.run_until(SimTime::from_nanos(30_000)).unwrap();
        for piece in 1..=30 {
            pieces.run_until(SimTime::from_nanos(piece * 1_000)).unwrap();
        }
        assert_eq!(whole.digest(), pieces.digest());
        assert_eq!(whole.now(), pieces.now());
    }

    #[test]
    fn another_past_has_another_digest() {
        let (mut one, mut other) = (walk(), walk());
        other.future().schedule(SimTime::from_nanos(20_000), Step::Left(50));
        one.run_until(SimTime::from_nanos(19_999)).unwrap();
        other.run_until(SimTime::from_nanos(19_999)).unwrap();
        assert_eq!(one.digest(), other.digest());
        one.run_until(SimTime::from_nanos(20_000)).unwrap();
        other.run_until(SimTime::from_nanos(20_000)).unwrap();
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn an_instant_that_does_not_end_is_a_named_error() {
        struct Echo;
        impl Model for Echo {
            type Event = u8;
            fn handle(&mut self, now: SimTime, event: u8, future: &mut Calendar<u8>) {
                future.schedule(now, event);
            }
        }
        let mut simulation = Simulation::new(Echo);
        simulation.future().schedule(SimTime::from_nanos(3), 0);
        let stuck = simulation.run_until(SimTime::MAX).unwrap_err();
        assert_eq!(stuck, Stuck { at: SimTime::from_nanos(3) });
        assert_eq!(stuck.to_string(), "stuck at 0:00:00.000: more than 10000000 events at this one instant");
    }

    #[test]
    fn most_of_what_was_scheduled_ahead_is_foreseen_before_it_happens() {
        #[derive(Default)]
        struct Watchful {
            handled: u32,
            foreseen: std::cell::RefCell<Vec<u32>>,
        }

        impl Model for Watchful {
            type Event = u32;

            fn handle(&mut self, _now: SimTime, _event: u32, _future: &mut Calendar<u32>) {
                self.handled += 1;
            }

            fn foresee(&self, event: &u32) {
                // Events happen in the order of their numbers; the one that is handled just now has been counted not yet.
                assert!(*event >= self.handled, "{event} was handled before");
                self.foreseen.borrow_mut().push(*event);
            }
        }

        let mut simulation = Simulation::new(Watchful::default());
        for event in 0..10_000 {
            let at = SimTime::ZERO + SimDuration::from_micros(u64::from(event) * 17);
            simulation.future().schedule(at, event);
        }
        simulation.run_until(SimTime::MAX).expect("time goes on");
        let foreseen = simulation.model.foreseen.into_inner();
        assert!(foreseen.len() > 9_000, "{} of them", foreseen.len());
    }
}
