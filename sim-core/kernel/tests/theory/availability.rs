//! A component that fails and is repaired: a two-state Markov process, and what holds for other laws.

use sim_kernel::statistics::TimeAverage;
use sim_kernel::{Calendar, Law, Model, Purpose, RunKey, SimDuration, SimTime, Simulation};

use crate::estimate::Estimate;

const FAILURE: Purpose = Purpose::new("theory/failure");
const REPAIR: Purpose = Purpose::new("theory/repair");

/// Draws are keyed by the component and the count of its failures.
#[derive(Clone)]
struct Component {
    run: RunKey,
    id: u64,
    failures: u64,
    uptime: Law,
    repair: Law,
    is_up: TimeAverage,
}

#[derive(Clone, Copy, Hash)]
enum Event {
    Fails,
    Repaired,
}

impl Model for Component {
    type Event = Event;

    fn handle(&mut self, now: SimTime, event: Event, future: &mut Calendar<Event>) {
        match event {
            Event::Fails => {
                self.is_up.set(now, 0.0);
                self.failures += 1;
                let span = self.repair.duration(&mut self.run.draw(REPAIR, self.id, self.failures));
                future.schedule_after(span, Event::Repaired);
            }
            Event::Repaired => {
                self.is_up.set(now, 1.0);
                let span = self.uptime.duration(&mut self.run.draw(FAILURE, self.id, self.failures));
                future.schedule_after(span, Event::Fails);
            }
        }
    }
}

/// A component that has just been repaired.
fn component(seed: u64, id: u64, uptime: &str, repair: &str) -> Simulation<Component> {
    let mut simulation = Simulation::new(Component {
        run: RunKey::new(seed, 0),
        id,
        failures: 0,
        uptime: uptime.parse().expect("a law"),
        repair: repair.parse().expect("a law"),
        is_up: TimeAverage::new(SimTime::ZERO, 1.0),
    });
    simulation.future().schedule(SimTime::ZERO, Event::Repaired);
    simulation
}

fn hours(hours: u64) -> SimDuration {
    SimDuration::from_mins(60 * hours)
}

/// Steady state: A = MTTF / (MTTF + MTTR) = 20 / 21, with one failure each 10.5 h, for any laws of those means.
/// Warm-up 100 h, then 32 batches of 20,000 h (about 1,900 failures each).
#[test]
fn availability_is_the_share_of_the_uptime() {
    let cases = [
        (40, "exponential(10h)", "exponential(30m)"),
        (41, "exponential(10h)", "30m"),
        (42, "gamma(shape 2, scale 5h)", "triangular(0m, 30m, 60m)"),
    ];
    for (seed, uptime, repair) in cases {
        let mut simulation = component(seed, 0, uptime, repair);
        let mut end = SimTime::ZERO + hours(100);
        simulation.run_until(end).expect("time goes on");
        let (mut down, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..32 {
            simulation.model.is_up.restart(end);
            let before = simulation.model.failures;
            end += hours(20_000);
            simulation.run_until(end).expect("time goes on");
            down.push(1.0 - simulation.model.is_up.mean(end));
            failures.push((simulation.model.failures - before) as f64);
        }
        let what = format!("with uptime {uptime} and repair {repair}");
        Estimate::of_batches(down).agrees(&format!("unavailability {what}"), 1.0 / 21.0, 0.015);
        Estimate::of_batches(failures).agrees(&format!("failures {what}"), 20_000.0 / 10.5, 0.01);
    }
}

/// Transient: with rates lambda and mu, A(t) = A + (1 - A) e^(-(lambda + mu) t) after a start in the up state. Here
/// 32 batches of 4,000 components, without warm-up, with lambda = 1/10 and mu = 1/5 per hour.
#[test]
fn availability_falls_to_its_steady_state() {
    let times = [1, 2, 4, 8, 16].map(|t| SimTime::ZERO + hours(t));
    let mut up = [[0.0; 32]; 5];
    for id in 0..32 * 4_000 {
        let mut simulation = component(43, id, "exponential(10h)", "exponential(5h)");
        for (&time, up) in times.iter().zip(&mut up) {
            simulation.run_until(time).expect("time goes on");
            up[(id / 4_000) as usize] += simulation.model.is_up.value() / 4_000.0;
        }
    }
    for (time, up) in times.iter().zip(up) {
        let t = time.as_secs_f64() / 3_600.0;
        let theory = 2.0 / 3.0 + libm::exp(-0.3 * t) / 3.0;
        Estimate::of_batches(up).agrees(&format!("availability after {t} h"), theory, 0.01);
    }
}
