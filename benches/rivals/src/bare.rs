//! HOLD in the barest loop, queue against queue: with 24 bytes, and with the size of a model's events, 12 bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use cpu_time::ThreadTime;
use sim_kernel::{Calendar, SimDuration, SimTime};

use crate::workload::{Law, Random, draws};

/// A journey with its step, a slot, and a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    pub journey: u32,
    pub slot: u32,
    pub generation: u32,
}

const _: () = assert!(size_of::<Wake>() == 12);

/// Nanoseconds per event of the calendar and of the standard heap, which take turns.
pub fn measure<E: Copy + Ord>(pending: usize, events: u64, rounds: usize, event: impl Fn(usize) -> E) -> [f64; 2] {
    let draws = draws(Law::Exponential, 7);
    let mut random = Random(11);
    let (mut calendar, mut heap) = (Calendar::new(), BinaryHeap::new());
    let mut scheduled = 0_u64;
    for slot in 0..pending {
        let time = (random.unit() * draws[slot % draws.len()] as f64) as u64;
        calendar.schedule(SimTime::from_nanos(time), event(slot));
        heap.push(Reverse((time, scheduled, event(slot))));
        scheduled += 1;
    }
    let mut fastest = [f64::INFINITY; 2];
    let (mut calendar_draw, mut heap_draw) = (0, 0);
    // One round more than asked for: the first one warms up.
    for _ in 0..=rounds {
        let started = ThreadTime::now();
        for _ in 0..events {
            let Some((now, event)) = calendar.pop() else { unreachable!("HOLD never ends") };
            calendar_draw = (calendar_draw + 1) % draws.len();
            calendar.schedule(now + SimDuration::from_nanos(draws[calendar_draw]), event);
        }
        fastest[0] = fastest[0].min(started.elapsed().as_nanos() as f64 / events as f64);
        let started = ThreadTime::now();
        for _ in 0..events {
            let Some(Reverse((now, _, event))) = heap.pop() else { unreachable!("HOLD never ends") };
            heap_draw = (heap_draw + 1) % draws.len();
            heap.push(Reverse((now + draws[heap_draw], scheduled, event)));
            scheduled += 1;
        }
        fastest[1] = fastest[1].min(started.elapsed().as_nanos() as f64 / events as f64);
    }
    assert_eq!(calendar.next_time().map(SimTime::as_nanos), heap.peek().map(|next| next.0.0), "one and the same run");
    fastest
}
