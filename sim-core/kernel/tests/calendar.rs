//! What a calendar promises, through its public face: order, ties, lanes, limits, clones and shuffled ties.

use proptest::prelude::*;
use sim_kernel::{Calendar, SimDuration, SimTime};

fn at(nanos: u64) -> SimTime {
    SimTime::from_nanos(nanos)
}

fn after(nanos: u64) -> SimDuration {
    SimDuration::from_nanos(nanos)
}

fn all<E: Copy>(calendar: &mut Calendar<E>) -> Vec<(u64, E)> {
    std::iter::from_fn(|| calendar.pop()).map(|(time, event)| (time.as_nanos(), event)).collect()
}

#[test]
fn events_come_in_order_of_time_then_of_scheduling() {
    let mut calendar = Calendar::new();
    for (nanos, event) in [(30, "c"), (10, "a1"), (20, "b"), (10, "a2"), (0, "now")] {
        calendar.schedule(at(nanos), event);
    }
    assert_eq!(calendar.next_time(), Some(SimTime::ZERO));
    assert_eq!(calendar.len(), 5);
    assert_eq!(all(&mut calendar), [(0, "now"), (10, "a1"), (10, "a2"), (20, "b"), (30, "c")]);
    assert_eq!(calendar.now(), at(30));
    assert_eq!((calendar.scheduled(), calendar.peak(), calendar.is_empty()), (5, 5, true));
}

#[test]
fn what_is_scheduled_for_now_comes_behind_what_was_scheduled_for_now_before() {
    let mut calendar = Calendar::new();
    calendar.schedule(at(5), 'a');
    calendar.schedule(at(5), 'b');
    assert_eq!(calendar.pop(), Some((at(5), 'a')));
    calendar.schedule_after(SimDuration::ZERO, 'c');
    assert_eq!(all(&mut calendar), [(5, 'b'), (5, 'c')]);
}

#[test]
fn lanes_fire_behind_every_other_event_of_their_instant_in_order_of_declaration() {
    let mut calendar = Calendar::new();
    let (first, second) = (calendar.lane(after(10)), calendar.lane(after(10)));
    calendar.schedule_in_lane(second, "second lane");
    calendar.schedule_in_lane(first, "first lane");
    calendar.schedule(at(10), "answer");
    assert_eq!(calendar.pop(), Some((at(10), "answer")));
    calendar.schedule(at(10), "late answer");
    assert_eq!(calendar.pop(), Some((at(10), "late answer")));
    assert_eq!(calendar.pop(), Some((at(10), "first lane")));
    calendar.schedule(at(10), "later still");
    assert_eq!(all(&mut calendar), [(10, "later still"), (10, "second lane")]);
}

#[test]
fn events_behind_the_limit_stay() {
    let mut calendar = Calendar::new();
    let lane = calendar.lane(after(20));
    calendar.schedule(at(10), 'a');
    calendar.schedule_in_lane(lane, 'b');
    assert_eq!(calendar.pop_until(at(9)), None);
    assert_eq!(calendar.pop_until(at(10)), Some((at(10), 'a')));
    assert_eq!(calendar.pop_until(at(19)), None);
    calendar.advance_to(at(19));
    assert_eq!(calendar.next_time(), Some(at(20)));
    assert_eq!(calendar.pop_until(at(20)), Some((at(20), 'b')));
    assert_eq!(calendar.pop_until(SimTime::MAX), None);
}

#[test]
fn many_events_before_others_that_were_looked_at_too_early_come_in_order() {
    // Looked at before they are due, 100 events stay where they lie; 40 more are then scheduled before them, from a
    // time with the same leading digits, and one among them.
    let mut calendar = Calendar::new();
    (0..100).for_each(|event| calendar.schedule(at(0x1800 + 8 * event), event));
    assert_eq!(calendar.pop_until(at(0x1400)), None);
    calendar.advance_to(at(0x1400));
    (0..40).for_each(|event| calendar.schedule(at(0x1400 + 16 * event), 100 + event));
    calendar.schedule(at(0x1900), 140);
    let times = all(&mut calendar).into_iter().map(|(time, _)| time).collect::<Vec<_>>();
    assert_eq!(times.len(), 141);
    assert!(times.is_sorted(), "{times:x?}");
}

#[test]
fn the_last_instant_of_all_is_an_instant_like_others() {
    let mut calendar = Calendar::new();
    let lane = calendar.lane(SimDuration::MAX);
    let empty = calendar.lane(after(1));
    calendar.schedule_in_lane(lane, 0);
    calendar.schedule(SimTime::MAX, 1);
    calendar.schedule(SimTime::MAX, 2);
    calendar.schedule(at(7), 3);
    let _ = empty;
    assert_eq!(all(&mut calendar), [(7, 3), (u64::MAX, 1), (u64::MAX, 2), (u64::MAX, 0)]);
}

#[test]
#[should_panic(expected = "nothing is scheduled for the past: 0:00:00.000 is before 0:00:00.002")]
fn the_past_is_closed() {
    let mut calendar = Calendar::new();
    calendar.schedule(at(2_000_000), ());
    calendar.pop();
    calendar.schedule(at(0), ());
}

#[test]
#[should_panic(expected = "no pending event is passed over")]
fn the_clock_does_not_pass_over_an_event() {
    let mut calendar = Calendar::new();
    calendar.schedule(at(2), ());
    calendar.advance_to(at(3));
}

#[test]
fn shuffled_ties_depend_on_the_key_and_nothing_else_moves() {
    let shuffled = |key: Option<u64>| {
        let mut calendar = Calendar::new();
        let lane = calendar.lane(after(1));
        calendar.schedule_in_lane(lane, 1_000);
        (0..100).for_each(|event| calendar.schedule(at(event % 2), event));
        key.into_iter().for_each(|key| calendar.shuffle_ties(key));
        (100..200).for_each(|event| calendar.schedule(at(event % 2), event));
        all(&mut calendar)
    };
    let (plain, one, other) = (shuffled(None), shuffled(Some(1)), shuffled(Some(2)));
    assert_eq!(one, shuffled(Some(1)));
    assert_ne!(one, plain);
    assert_ne!(one, other);
    assert_eq!(one.last(), Some(&(1, 1_000)));
    let sorted = |mut events: Vec<(u64, u64)>| {
        assert!(events.is_sorted_by_key(|event| event.0));
        events.sort_unstable();
        events
    };
    assert_eq!(sorted(one), sorted(plain.clone()));
    assert_eq!(sorted(other), sorted(plain));
}

#[test]
fn events_for_now_join_the_draw_of_this_instant() {
    // Of 20 events, each schedules one more for the same instant: some newcomers overtake some of the old.
    let mut calendar = Calendar::new();
    calendar.shuffle_ties(7);
    (0..20).for_each(|event| calendar.schedule(at(1), event));
    let mut order = Vec::new();
    while let Some((now, event)) = calendar.pop() {
        order.push(event);
        if event < 20 {
            calendar.schedule(now, event + 20);
        }
    }
    assert_eq!(order.len(), 40);
    let first_new = order.iter().position(|&event| event >= 20).unwrap();
    let last_old = order.iter().rposition(|&event| event < 20).unwrap();
    assert!(first_new < last_old, "{order:?}");
}

/// One thing done to a calendar.
#[derive(Clone, Debug)]
enum Deed {
    Schedule { delay: u64 },
    Burst { delay: u64, count: usize },
    Lane { lane: usize },
    Pop { count: usize },
    PopUntil { delay: u64, advance: bool },
}

fn deed() -> impl Strategy<Value = Deed> {
    // Delays of every magnitude, with many equal ones.
    let delay = || prop_oneof![0..4_u64, 0..1_000_u64, (0..50_u32).prop_map(|bit| 1 << bit), 0..1_u64 << 50];
    prop_oneof![
        8 => delay().prop_map(|delay| Deed::Schedule { delay }),
        1 => (delay(), 1..200_usize).prop_map(|(delay, count)| Deed::Burst { delay, count }),
        2 => (0..3_usize).prop_map(|lane| Deed::Lane { lane }),
        4 => (1..60_usize).prop_map(|count| Deed::Pop { count }),
        2 => (delay(), any::<bool>()).prop_map(|(delay, advance)| Deed::PopUntil { delay, advance }),
    ]
}

/// The promise in its plainest form: all pending events, and the least (time, lane, order of scheduling) is next.
#[derive(Default)]
struct Promise {
    pending: Vec<(u64, usize, u32)>,
}

impl Promise {
    fn pop_until(&mut self, limit: u64) -> Option<(SimTime, u32)> {
        let next = (0..self.pending.len()).min_by_key(|&place| self.pending[place])?;
        (self.pending[next].0 <= limit)
            .then(|| self.pending.swap_remove(next))
            .map(|(time, _, event)| (at(time), event))
    }
}

const LANE_DELAYS: [u64; 3] = [100, 0, 1 << 30];

struct Pair {
    calendar: Calendar<u32>,
    lanes: [sim_kernel::Lane; 3],
    promise: Promise,
    scheduled: u32,
}

impl Pair {
    fn new() -> Pair {
        let mut calendar = Calendar::new();
        let lanes = LANE_DELAYS.map(|delay| calendar.lane(after(delay)));
        Pair { calendar, lanes, promise: Promise::default(), scheduled: 0 }
    }

    fn schedule(&mut self, delay: u64) {
        let time = self.calendar.now() + after(delay);
        self.calendar.schedule(time, self.scheduled);
        self.promise.pending.push((time.as_nanos(), 0, self.scheduled));
        self.scheduled += 1;
    }

    fn schedule_in_lane(&mut self, lane: usize) {
        let time = self.calendar.now() + after(LANE_DELAYS[lane]);
        self.calendar.schedule_in_lane(self.lanes[lane], self.scheduled);
        self.promise.pending.push((time.as_nanos(), 1 + lane, self.scheduled));
        self.scheduled += 1;
    }

    fn pop_until(&mut self, limit: SimTime) -> Result<bool, TestCaseError> {
        let popped = self.calendar.pop_until(limit);
        prop_assert_eq!(popped, self.promise.pop_until(limit.as_nanos()));
        prop_assert_eq!(self.calendar.len(), self.promise.pending.len());
        Ok(popped.is_some())
    }

    fn act(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        match *deed {
            Deed::Schedule { delay } => self.schedule(delay),
            Deed::Burst { delay, count } => (0..count).for_each(|_| self.schedule(delay)),
            Deed::Lane { lane } => self.schedule_in_lane(lane),
            Deed::Pop { count } => {
                for _ in 0..count {
                    self.pop_until(SimTime::MAX)?;
                }
            }
            Deed::PopUntil { delay, advance } => {
                let limit = self.calendar.now() + after(delay);
                while self.pop_until(limit)? {}
                if advance {
                    self.calendar.advance_to(limit);
                }
            }
        }
        let next = self.promise.pending.iter().min().map(|&(time, ..)| at(time));
        prop_assert_eq!(self.calendar.next_time(), next);
        Ok(())
    }
}

proptest! {
    #[test]
    fn any_mix_of_deeds_keeps_the_promise(deeds in proptest::collection::vec(deed(), 1..120)) {
        let mut pair = Pair::new();
        for deed in &deeds {
            pair.act(deed)?;
        }
        while pair.pop_until(SimTime::MAX)? {}
    }

    #[test]
    fn a_clone_made_at_any_point_goes_on_as_its_original(
        past in proptest::collection::vec(deed(), 1..60),
        future in proptest::collection::vec(deed(), 1..60),
    ) {
        let mut pair = Pair::new();
        for deed in &past {
            pair.act(deed)?;
        }
        let mut clone = Pair {
            calendar: pair.calendar.clone(),
            promise: Promise { pending: pair.promise.pending.clone() },
            ..pair
        };
        for deed in &future {
            pair.act(deed)?;
            clone.act(deed)?;
        }
        prop_assert_eq!(all(&mut pair.calendar), all(&mut clone.calendar));
    }
}
