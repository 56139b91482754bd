//! nexosim 1.0.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use super::Contender;
use crate::workload::{Answer, Payload, Workload, World, of_burst};

/// nexosim 1.0: one model on one thread whose input schedules itself, as in its own examples. That is more than a
/// queue does (an address, a mailbox, a future for each event), and is what an event costs there. A step handles
/// one instant with all its events.
pub struct Nexosim(Simulation);

#[derive(Serialize, Deserialize)]
struct NexosimWorld {
    world: World,
    pending: Vec<(u64, Payload)>,
}

/// What the model of the present run has handled, and its trace: a model cannot be read from outside.
static NEXOSIM_HANDLED: AtomicU64 = AtomicU64::new(0);
static NEXOSIM_TRACE: AtomicU64 = AtomicU64::new(0);

impl Nexosim {
    pub fn new(workload: Workload) -> Nexosim {
        NEXOSIM_HANDLED.store(0, Ordering::Relaxed);
        let model = NexosimWorld { world: workload.world, pending: workload.pending };
        let bench = SimInit::with_num_threads(1);
        let bench = bench.add_model(model, Mailbox::new(), "world");
        Nexosim(bench.init(MonotonicTime::EPOCH).expect("the bench is complete"))
    }
}

#[Model]
impl NexosimWorld {
    #[nexosim(init)]
    async fn start(&mut self, context: &Context<Self>) {
        for (time, payload) in std::mem::take(&mut self.pending) {
            self.schedule(time, payload, context);
        }
    }

    #[nexosim(schedulable)]
    fn event(&mut self, payload: Payload, context: &Context<Self>) {
        let since = context.time().duration_since(MonotonicTime::EPOCH);
        let now = since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos());
        match self.world.answer(now, payload) {
            Answer::Nothing => {}
            Answer::Again { delay, payload } => self.schedule(delay, payload, context),
            Answer::Burst { count, delay } => {
                (0..=count).for_each(|number| self.schedule(delay, of_burst(number, count), context));
            }
        }
        NEXOSIM_HANDLED.store(self.world.handled, Ordering::Relaxed);
        NEXOSIM_TRACE.store(self.world.trace, Ordering::Relaxed);
    }

    fn schedule(&self, delay: u64, payload: Payload, context: &Context<Self>) {
        let delay = Duration::from_nanos(delay);
        context.schedule_event(delay, schedulable!(Self::event), payload).expect("every delay is in the future");
    }
}

impl Contender for Nexosim {
    fn run(&mut self, events: u64) -> u64 {
        let before = NEXOSIM_HANDLED.load(Ordering::Relaxed);
        while NEXOSIM_HANDLED.load(Ordering::Relaxed) < before + events {
            self.0.step().expect("the model runs");
        }
        NEXOSIM_HANDLED.load(Ordering::Relaxed) - before
    }

    fn trace(&self) -> u64 {
        NEXOSIM_TRACE.load(Ordering::Relaxed)
    }
}
