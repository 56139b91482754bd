//! desque 0.4.

use super::Contender;
use crate::workload::{Answer, Payload, Workload, World, of_burst};

/// desque 0.4: events are boxed, executed with the simulation at hand, and schedule their successors.
pub struct Desque(desque::serial::Simulation<DesqueWorld, u64>);

#[derive(Debug)]
struct DesqueWorld {
    world: World,
    stop_at: u64,
}

#[derive(Debug)]
struct DesqueEvent(Payload);

impl Desque {
    pub fn new(workload: Workload) -> Desque {
        let state = DesqueWorld { world: workload.world, stop_at: 0 };
        let mut simulation = desque::serial::Simulation::new(state, 0);
        for (time, payload) in workload.pending {
            simulation.schedule(DesqueEvent(payload), time).expect("no time is before zero");
        }
        Desque(simulation)
    }
}

impl desque::SimState<u64> for DesqueWorld {
    fn is_complete(&self, _now: &u64) -> bool {
        self.world.handled >= self.stop_at
    }
}

impl desque::serial::Event<DesqueWorld, u64> for DesqueEvent {
    fn execute(&mut self, simulation: &mut desque::serial::Simulation<DesqueWorld, u64>) -> desque::Result {
        let now = *simulation.current_time();
        match simulation.state_mut().world.answer(now, self.0) {
            Answer::Nothing => {}
            Answer::Again { delay, payload } => simulation.schedule(DesqueEvent(payload), now + delay)?,
            Answer::Burst { count, delay } => {
                for number in 0..=count {
                    simulation.schedule(DesqueEvent(of_burst(number, count)), now + delay)?;
                }
            }
        }
        Ok(())
    }
}

impl Contender for Desque {
    fn run(&mut self, events: u64) -> u64 {
        self.0.state_mut().stop_at += events;
        self.0.run().expect("nothing is scheduled for the past");
        events
    }

    fn trace(&self) -> u64 {
        self.0.state().world.trace
    }
}
