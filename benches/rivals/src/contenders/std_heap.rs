//! What most simulators take: the heap of the standard library.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Contender;
use crate::workload::{Answer, Payload, Workload, World, of_burst};

/// The standard heap on (time, order of scheduling, payload).
pub struct StdHeap {
    heap: BinaryHeap<Reverse<(u64, u64, Payload)>>,
    scheduled: u64,
    world: World,
}

impl StdHeap {
    pub fn new(workload: Workload) -> StdHeap {
        let mut contender = StdHeap { heap: BinaryHeap::new(), scheduled: 0, world: workload.world };
        workload.pending.iter().for_each(|&(time, payload)| contender.push(time, payload));
        contender
    }

    #[inline]
    fn push(&mut self, time: u64, payload: Payload) {
        self.heap.push(Reverse((time, self.scheduled, payload)));
        self.scheduled += 1;
    }
}

impl Contender for StdHeap {
    fn run(&mut self, events: u64) -> u64 {
        for _ in 0..events {
            let Some(Reverse((now, _, payload))) = self.heap.pop() else { unreachable!("a workload never ends") };
            match self.world.answer(now, payload) {
                Answer::Nothing => {}
                Answer::Again { delay, payload } => self.push(now + delay, payload),
                Answer::Burst { count, delay } => {
                    (0..=count).for_each(|number| self.push(now + delay, of_burst(number, count)));
                }
            }
        }
        events
    }

    fn trace(&self) -> u64 {
        self.world.trace
    }
}
