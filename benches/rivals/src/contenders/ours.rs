//! The kernel: its calendar alone, and as a whole.

use sim_kernel::{Calendar, Model, SimDuration, SimTime, Simulation};

use super::Contender;
use crate::workload::{Answer, Payload, Workload, World, of_burst};

/// The kernel's calendar alone, with a loop as short as that of the heap.
pub struct OurCalendar {
    calendar: Calendar<Payload>,
    world: World,
}

impl OurCalendar {
    pub fn new(workload: Workload) -> OurCalendar {
        let mut calendar = Calendar::new();
        workload.pending.iter().for_each(|&(time, payload)| calendar.schedule(SimTime::from_nanos(time), payload));
        OurCalendar { calendar, world: workload.world }
    }
}

impl Contender for OurCalendar {
    fn run(&mut self, events: u64) -> u64 {
        for _ in 0..events {
            let Some((now, payload)) = self.calendar.pop() else { unreachable!("a workload never ends") };
            schedule(self.world.answer(now.as_nanos(), payload), &mut self.calendar);
        }
        events
    }

    fn trace(&self) -> u64 {
        self.world.trace
    }
}

#[inline(always)]
fn schedule(answer: Answer, calendar: &mut Calendar<Payload>) {
    match answer {
        Answer::Nothing => {}
        Answer::Again { delay, payload } => calendar.schedule_after(SimDuration::from_nanos(delay), payload),
        Answer::Burst { count, delay } => {
            for number in 0..=count {
                calendar.schedule_after(SimDuration::from_nanos(delay), of_burst(number, count));
            }
        }
    }
}

/// The whole kernel: calendar, loop, count and digest of every event.
pub struct OurSimulation {
    simulation: Simulation<World>,
    /// About ten thousand events long: a run has a limit in time, not in events.
    stride: SimDuration,
}

impl OurSimulation {
    pub fn new(workload: Workload) -> OurSimulation {
        let stride = SimDuration::from_secs(10_000) / workload.pending.len() as u64;
        let mut simulation = Simulation::new(workload.world);
        for (time, payload) in workload.pending {
            simulation.future().schedule(SimTime::from_nanos(time), payload);
        }
        OurSimulation { simulation, stride }
    }
}

impl Model for World {
    type Event = Payload;

    #[inline]
    fn handle(&mut self, now: SimTime, payload: Payload, future: &mut Calendar<Payload>) {
        schedule(self.answer(now.as_nanos(), payload), future);
    }
}

impl Contender for OurSimulation {
    fn run(&mut self, events: u64) -> u64 {
        let before = self.simulation.handled();
        while self.simulation.handled() < before + events {
            let limit = self.simulation.now() + self.stride;
            self.simulation.run_until(limit).expect("no instant has ten million events");
        }
        self.simulation.handled() - before
    }

    fn trace(&self) -> u64 {
        self.simulation.model.trace
    }
}
