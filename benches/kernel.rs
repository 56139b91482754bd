//! The kernel's calendar: HOLD over populations and laws, bursts, and whole steps with model and digest.
//!
//! `cargo bench --bench kernel`. Against other engines: `benches/rivals`.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]
#![allow(clippy::disallowed_methods, reason = "no result of a simulation depends on a benchmark's draws")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_kernel::{Calendar, Model, SimDuration, SimTime, Simulation};

/// As models have them: a journey with its step, a slot, a generation; 12 bytes.
#[derive(Clone, Copy, Hash)]
struct Wake {
    journey: u32,
    slot: u32,
    generation: u32,
}

/// HOLD: a world in which each event schedules one more.
struct Hold {
    increments: Vec<SimDuration>,
    next: usize,
}

const INCREMENTS: usize = 1 << 14;

impl Hold {
    /// Increments drawn beforehand, so that only the queue is timed; one second on average.
    fn new(law: &str) -> Hold {
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let unit = ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            match law {
                "exponential" => -(1.0 - unit).ln(),
                "heavy-tailed" => (1.0 - unit).powf(-1.0 / 1.5) / 3.0,
                "constant" => 1.0,
                other => unreachable!("no law is called {other}"),
            }
        };
        Hold { increments: (0..INCREMENTS).map(|_| SimDuration::from_secs_f64(draw())).collect(), next: 0 }
    }

    fn increment(&mut self) -> SimDuration {
        self.next = (self.next + 1) % INCREMENTS;
        self.increments[self.next]
    }

    /// A calendar in which `pending` events have been replaced twice over.
    fn calendar(&mut self, pending: u32) -> Calendar<Wake> {
        let mut calendar = Calendar::new();
        for slot in 0..pending {
            // Spread over the first increment, so that constant ones do not march in step.
            let first = self.increment() * u64::from(slot + 1) / u64::from(pending);
            calendar.schedule(SimTime::ZERO + first, Wake { journey: 0, slot, generation: 0 });
        }
        (0..2 * pending).for_each(|_| self.step(&mut calendar));
        calendar
    }

    fn step(&mut self, calendar: &mut Calendar<Wake>) {
        let (now, wake) = calendar.pop().expect("HOLD never ends");
        calendar.schedule(now + self.increment(), wake);
    }
}

impl Model for Hold {
    type Event = Wake;

    fn handle(&mut self, now: SimTime, wake: Wake, future: &mut Calendar<Wake>) {
        future.schedule(now + self.increment(), wake);
    }
}

fn hold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hold");
    group.throughput(Throughput::Elements(1));
    for law in ["exponential", "constant", "heavy-tailed"] {
        for pending in [2, 100, 1_000, 100_000] {
            let mut world = Hold::new(law);
            let mut calendar = world.calendar(pending);
            group.bench_function(BenchmarkId::new(law, pending), |bench| bench.iter(|| world.step(&mut calendar)));
        }
    }
}

fn burst(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("burst");
    for count in [100, 10_000, 100_000] {
        let mut calendar = Hold::new("exponential").calendar(1_000);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |bench| {
            bench.iter(|| {
                let soon = SimDuration::from_nanos(1);
                (0..count).for_each(|slot| calendar.schedule_after(soon, Wake { journey: 1, slot, generation: 0 }));
                // All of them, and those of the background that come before.
                let mut left = count;
                while left > 0 {
                    let (_, wake) = calendar.pop().expect("the burst is pending");
                    left -= wake.journey;
                }
            });
        });
    }
}

fn simulation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulation");
    for pending in [1_000, 100_000] {
        let mut simulation = Simulation::new(Hold::new("exponential"));
        *simulation.future() = Hold::new("exponential").calendar(pending);
        // A thousand events long, on average.
        let stride = SimDuration::from_millis(1_000_000 / u64::from(pending));
        group.throughput(Throughput::Elements(1_000));
        group.bench_function(BenchmarkId::new("1000 steps with digest", pending), |bench| {
            bench.iter(|| {
                let limit = simulation.now() + stride;
                simulation.run_until(limit).expect("no instant has ten million events");
            });
        });
    }
}

fn short() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = hold, burst, simulation }
criterion_main!(benches);
