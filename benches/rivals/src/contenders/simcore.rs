//! simcore 0.1.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;

use super::Contender;
use crate::workload::{Answer, Payload, Workload, World, of_burst};

/// simcore 0.1, the engine of DSLab: one component that emits events to itself. Its clock counts in `f64`; whole
/// nanoseconds up to 2^53 are exact in it, so order and times are the same.
pub struct Simcore {
    simulation: simcore::Simulation,
    component: Rc<RefCell<SimcoreWorld>>,
}

struct SimcoreWorld {
    context: simcore::SimulationContext,
    world: World,
}

#[derive(Clone, Serialize)]
struct SimcoreEvent {
    payload: Payload,
}

impl Simcore {
    pub fn new(workload: Workload) -> Simcore {
        let mut simulation = simcore::Simulation::new(1);
        let context = simulation.create_context("world");
        for &(time, payload) in &workload.pending {
            context.emit_self(SimcoreEvent { payload }, time as f64);
        }
        let component = Rc::new(RefCell::new(SimcoreWorld { context, world: workload.world }));
        simulation.add_handler("world", component.clone());
        Simcore { simulation, component }
    }
}

impl simcore::EventHandler for SimcoreWorld {
    fn on(&mut self, event: simcore::Event) {
        let now = event.time as u64;
        simcore::cast!(match event.data {
            SimcoreEvent { payload } => {
                match self.world.answer(now, payload) {
                    Answer::Nothing => {}
                    Answer::Again { delay, payload } => {
                        self.context.emit_self(SimcoreEvent { payload }, delay as f64);
                    }
                    Answer::Burst { count, delay } => {
                        for number in 0..=count {
                            let payload = of_burst(number, count);
                            self.context.emit_self(SimcoreEvent { payload }, delay as f64);
                        }
                    }
                }
            }
        })
    }
}

impl Contender for Simcore {
    fn run(&mut self, events: u64) -> u64 {
        self.simulation.steps(events);
        events
    }

    fn trace(&self) -> u64 {
        self.component.borrow().world.trace
    }
}
