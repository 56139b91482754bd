//! The fast structure: a monotone radix ladder (a radix heap whose slots are sorted once they are small).
//!
//! ```text
//!   push ──time < near_end──> near: sorted, the next event last          ──> pop
//!      └──otherwise─────────> far: by the highest digit that differs from a base
//!                               │  lowest slot small: sorted into near
//!                               └─ lowest slot large: spread over lower slots, with its earliest time as new base
//! ```
//!
//! Since nothing is scheduled for the past, the base only grows, and an event only ever moves to lower slots: a few
//! sequential copies in its life, in place of a heap's walk through memory. Three rules keep bursts cheap: a slot of
//! one single instant becomes near as it stands; near gives its later half back when many events land in it; and
//! slots are opened only when their next event is due.
//!
//! Equal times keep the order of scheduling: slots are queues, they are spread in order and into empty slots only,
//! and in near a new event goes behind its equals.

use super::far::Far;
use super::near::Near;
use crate::time::SimTime;

/// Events beyond which no further slot is sorted into near with others.
const GATHERED_MAX: usize = 32;
/// Events up to which near takes whatever comes, if nothing is far.
const ALONE_MAX: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Ladder<E> {
    near: Near<E>,
    /// What is due before this time is in near, all else is far. The maximum if nothing is far.
    near_end: u64,
    /// Events in near beyond which its later half goes back to the slots: twice what it was filled with, so that
    /// the way back is paid by as many insertions, and each insertion moves no more than that.
    near_max: usize,
    far: Far<E>,
    /// Whether near was filled since somebody asked what has come near.
    is_refilled: bool,
}

impl<E: Copy> Ladder<E> {
    pub(super) fn new() -> Ladder<E> {
        Ladder { near: Near::new(), near_end: u64::MAX, near_max: 2 * ALONE_MAX, far: Far::new(), is_refilled: false }
    }

    /// Takes an event for the time `at`, which is not before `now`, which is not before that of any event popped.
    #[inline]
    pub(super) fn push(&mut self, at: SimTime, now: SimTime, event: E) {
        let time = at.as_nanos();
        if time < self.near_end && self.near.len() >= self.near_max {
            self.split(now.as_nanos());
        }
        if time < self.near_end {
            self.near.insert(time, event);
        } else {
            self.far.push(time, event);
        }
    }

    /// Gives the next event if it is due at or before `limit`.
    #[inline]
    pub(super) fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        let limit = limit.as_nanos();
        if self.near.is_empty() {
            self.refill(limit);
        }
        self.near.pop_until(limit).map(|(time, event)| (SimTime::from_nanos(time), event))
    }

    /// The events that have come near together since this was asked last, as far as they are still to come.
    #[inline]
    pub(super) fn come_near(&mut self) -> &[E] {
        let events = self.near.events();
        if std::mem::take(&mut self.is_refilled) { events } else { &[] }
    }

    pub(super) fn next_time(&self) -> Option<SimTime> {
        self.near.next_time().or_else(|| self.far.next_time()).map(SimTime::from_nanos)
    }

    /// Fills near from the lowest slots, if anything in them is due at or before `limit`.
    #[inline(never)]
    fn refill(&mut self, limit: u64) {
        while self.near_end <= limit {
            let Some(slot) = self.far.lowest() else { return };
            // If this is all there is, what follows soon would land in near with it: better to keep near short.
            let small = self.far.is_small(slot);
            let alone = small && self.far.is_only(slot) && self.far.count_of_small(slot) > ALONE_MAX;
            if small && !alone {
                return self.gather();
            }
            // What is scheduled before the earliest of them goes to near, so a vain search is not repeated.
            self.near_end = self.far.earliest(slot);
            if self.near_end > limit {
                return;
            }
            if self.far.is_instant(slot) {
                return self.far.take(slot, &mut self.near);
            }
            self.far.spread(slot, self.near_end);
        }
    }

    /// Sorts the lowest slots into near: one, and more as long as they are few events together.
    fn gather(&mut self) {
        self.is_refilled = true;
        let mut gathered = 0;
        while let Some(slot) = self.far.lowest().filter(|&slot| self.far.is_small(slot)) {
            if gathered > 0 && gathered + self.far.count_of_small(slot) > GATHERED_MAX {
                break;
            }
            self.near_end = self.far.end_of(slot);
            gathered = self.far.gather(slot, gathered);
        }
        if gathered <= ALONE_MAX && self.far.is_empty() {
            self.near_end = u64::MAX;
        }
        self.near_max = 2 * gathered.max(ALONE_MAX);
        self.far.sort_gathered(gathered, &mut self.near);
    }

    /// Gives the later half of near back to the slots; all of it, if both halves lie in one slot.
    #[cold]
    #[inline(never)]
    fn split(&mut self, now: u64) {
        self.far.raise_base(now);
        let slot = self.far.slot_of(self.near.middle_time());
        self.near_end = self.far.start_of(slot);
        self.near.give_back(self.near_end, |time, event| self.far.push(time, event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::heap::Heap;

    /// Runs the same life through the ladder and its oracle: each event popped schedules what `delays` say.
    fn agrees_with_the_heap(pending: u64, pops: u64, delays: impl Fn(u64) -> Vec<u64>) {
        let (mut ladder, mut heap) = (Ladder::new(), Heap::new(None));
        let mut scheduled = 0;
        let mut schedule = |ladder: &mut Ladder<u64>, heap: &mut Heap<u64>, now: SimTime, time: u64| {
            ladder.push(SimTime::from_nanos(time), now, scheduled);
            heap.push(SimTime::from_nanos(time), scheduled);
            scheduled += 1;
        };
        (0..pending).for_each(|number| schedule(&mut ladder, &mut heap, SimTime::ZERO, split_mix(number) % 1_000_000));
        for number in 0..pops {
            let popped = ladder.pop_until(SimTime::MAX);
            assert_eq!(popped, heap.pop_until(SimTime::MAX), "pop {number}");
            let Some((now, _)) = popped else { return };
            delays(number).into_iter().for_each(|delay| schedule(&mut ladder, &mut heap, now, now.as_nanos() + delay));
        }
    }

    fn split_mix(number: u64) -> u64 {
        let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word ^ (word >> 27)
    }

    #[test]
    fn the_steady_state_allocates_nothing() {
        for pending in [30, 1_000, 20_000] {
            let mut ladder = Ladder::new();
            (0..pending).for_each(|n| ladder.push(SimTime::from_nanos(split_mix(n) % 1_000_000), SimTime::ZERO, n));
            let mut hold = |events: u64| {
                for _ in 0..events {
                    let (now, event) = ladder.pop_until(SimTime::MAX).expect("HOLD never ends");
                    let event = split_mix(event);
                    ladder.push(SimTime::from_nanos(now.as_nanos() + event % 1_000_000), now, event);
                }
                (ladder.near.capacity(), ladder.far.capacity())
            };
            let warm = hold(200_000);
            assert_eq!(warm, hold(1_000_000), "{pending} pending");
        }
    }

    #[test]
    fn many_pending_events_keep_their_order_under_any_increments() {
        agrees_with_the_heap(100_000, 300_000, |number| vec![split_mix(number) % 1_000_000]);
        agrees_with_the_heap(3_000, 100_000, |_| vec![1_000]);
        agrees_with_the_heap(3_000, 100_000, |number| vec![1_000_000 >> (split_mix(number) % 21)]);
        agrees_with_the_heap(3_000, 100_000, |number| vec![1 << (split_mix(number) % 40)]);
    }

    #[test]
    fn bursts_keep_the_order_of_scheduling() {
        for delay in [0, 1, 50_000, 1 << 40] {
            let burst = move |number: u64| if number % 5_000 == 10 { vec![delay; 5_000] } else { vec![] };
            agrees_with_the_heap(100, 40_000, burst);
        }
    }

    #[test]
    fn a_population_that_swings_keeps_its_order() {
        // Around every size at which something changes: near alone, one slot, several slots, several chunks.
        let swing = |number: u64| {
            let up = (number / 500).is_multiple_of(2);
            let delay = |step: u64| split_mix(number + step) % 10_000;
            match split_mix(number) % 3 {
                0 if up => vec![delay(1), delay(2)],
                1 if !up => vec![],
                _ => vec![delay(3)],
            }
        };
        for pending in [4, 16, 32, 64, 128, 200] {
            agrees_with_the_heap(pending, 100_000, swing);
        }
    }

    #[test]
    fn few_events_and_none_at_times_keep_their_order() {
        let one_or_two = |number: u64| match split_mix(number) % 100 {
            0 => vec![],
            1 => vec![70, 7],
            draw => vec![draw * 40],
        };
        agrees_with_the_heap(70, 200_000, one_or_two);
        agrees_with_the_heap(2, 100_000, one_or_two);
    }
}
