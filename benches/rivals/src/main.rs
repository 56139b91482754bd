//! The kernel's calendar against the standard heap and three published engines: one table, in one run.
//!
//! ```text
//! cargo run --release --manifest-path benches/rivals/Cargo.toml [-- --quick]
//! ```
//!
//! Every contender handles the same events at the same times in the same order, which is asserted. They take turns,
//! in CPU time, and the fastest of a contender's turns counts: what disturbs a machine only ever makes a turn slower.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "no result of a simulation depends on a benchmark's draws")]

mod bare;
mod contenders;
mod mm1;
mod workload;

use std::process::ExitCode;

use cpu_time::ThreadTime;

use contenders::Contender;
use contenders::desque::Desque;
use contenders::nexosim::Nexosim;
use contenders::ours::{OurCalendar, OurSimulation};
use contenders::simcore::Simcore;
use contenders::std_heap::StdHeap;
use workload::{Law, Workload};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const BURSTS: [u64; 4] = [100, 1_000, 10_000, 100_000];

/// The kernel is at least that many times faster than these.
const SIMCORE_FACTOR: f64 = 3.0;
const NEXOSIM_FACTOR: f64 = 8.0;
/// No law and no burst is that much worse than exponential increments; nor is M/M/1 than its two scalars.
const WORST_FACTOR: f64 = 1.5;

/// At most this share of the standard heap's time, where a share was set as a target.
fn heap_share_max(pending: usize) -> Option<f64> {
    match pending {
        1_000 => Some(0.5),
        100_000 => Some(0.25),
        1_000_000 => Some(0.1),
        _ => None,
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
struct Effort {
    quick: bool,
}

impl Effort {
    fn rounds(self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// Events in a turn of a fast contender.
    fn events(self, pending: usize) -> u64 {
        let least = if self.quick { 100_000 } else { 250_000 };
        (pending as u64 / 4).max(least)
    }
}

/// Nanoseconds per event, in the order of the table's columns.
#[derive(Clone, Copy)]
struct Row {
    calendar: f64,
    simulation: f64,
    heap: f64,
    simcore: f64,
    desque: f64,
    nexosim: f64,
}

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if arguments.iter().any(|argument| argument != "--quick") {
        eprintln!("usage: rivals [--quick]");
        return ExitCode::from(2);
    }
    let effort = Effort { quick: !arguments.is_empty() };
    let started = cpu_time::ProcessTime::now();
    let (mut missed, exponential) = hold_table(effort);
    missed += burst_table(effort, &exponential);
    let (missed_bare, step) = bare_table(effort);
    missed += missed_bare;
    missed += mm1_table(effort);
    println!("\none HOLD step at 1k pending, 24-byte events: {step:.1} ns");
    println!("targets missed: {missed}; measured for {:.0} CPU s", started.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

fn hold_table(effort: Effort) -> (usize, Vec<Row>) {
    println!("HOLD, 24-byte events, increments drawn beforehand; ns per event");
    heading("increments", "pending");
    let mut missed = 0;
    let mut exponential = Vec::<Row>::new();
    for law in Law::ALL {
        for (size, &pending) in SIZES.iter().enumerate() {
            // Nearly all of a quick table's time would go into warming these up.
            if effort.quick && law != Law::Exponential && pending > 100_000 {
                continue;
            }
            let row = measure(&Workload::hold(law, pending), effort.events(pending), effort);
            let base = *exponential.get(size).unwrap_or(&row);
            if law == Law::Exponential {
                exponential.push(row);
            }
            missed += print(law.name(), pending, &row, &base, heap_share_max(pending));
        }
    }
    (missed, exponential)
}

fn burst_table(effort: Effort, exponential: &[Row]) -> usize {
    println!("\nbursts: one event schedules N others for one instant, before a background of 1k that hold");
    println!("(each against exponential HOLD with N pending)");
    heading("", "N");
    let each = BURSTS.iter().zip([0, 1, 2, 3]);
    each.map(|(&count, size)| {
        let row = measure(&Workload::burst(count), effort.events(0).max(3 * count), effort);
        print("burst", count as usize, &row, &exponential[size], None)
    })
    .sum()
}

fn heading(first: &str, second: &str) {
    println!(
        "{first:<13}{second:>8} |{:>9}{:>11}{:>9}{:>9}{:>9}{:>9} |{:>7}{:>9}{:>9}{:>9} |",
        "calendar", "simulation", "heap", "simcore", "desque", "nexosim", "/heap", "simcore/", "nexosim/", "/expon."
    );
}

/// Prints a row with its verdict; gives the number of targets missed.
fn print(name: &str, size: usize, row: &Row, exponential: &Row, heap_share_max: Option<f64>) -> usize {
    let heap = row.calendar / row.heap;
    // A whole engine is compared with the whole kernel, digest included.
    let (simcore, nexosim) = (row.simcore / row.simulation, row.nexosim / row.simulation);
    let worse = row.calendar / exponential.calendar;
    let targets = [
        ("heap", heap_share_max.is_none_or(|share| heap <= share)),
        ("simcore", simcore >= SIMCORE_FACTOR),
        ("nexosim", nexosim >= NEXOSIM_FACTOR),
        ("exponential", worse <= WORST_FACTOR),
    ];
    let missed = targets.iter().filter(|target| !target.1).map(|target| target.0).collect::<Vec<_>>();
    let verdict = if missed.is_empty() { "PASS".to_owned() } else { format!("MISS {}", missed.join(", ")) };
    println!(
        "{name:<13}{size:>8} |{:>9.1}{:>11.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1} |{heap:>7.2}{simcore:>8.1}x{nexosim:>8.1}x{worse:>9.2} | {verdict}",
        row.calendar, row.simulation, row.heap, row.simcore, row.desque, row.nexosim
    );
    missed.len()
}

fn measure(workload: &Workload, events: u64, effort: Effort) -> Row {
    let mut contenders: [(Box<dyn Contender>, u64); 6] = [
        (Box::new(OurCalendar::new(workload.clone())), 1),
        (Box::new(OurSimulation::new(workload.clone())), 1),
        (Box::new(StdHeap::new(workload.clone())), 1),
        // The slow ones take shorter turns.
        (Box::new(Simcore::new(workload.clone())), 2),
        (Box::new(Desque::new(workload.clone())), 2),
        (Box::new(Nexosim::new(workload.clone())), 4),
    ];
    // Twice over, so that every event pending was scheduled by another one.
    let warm_up = (2 * workload.pending.len() as u64).max(events / 2);
    for (contender, share) in &mut contenders {
        contender.run(warm_up / *share);
    }
    let mut fastest = [f64::INFINITY; 6];
    for _ in 0..effort.rounds() {
        for ((contender, share), fastest) in contenders.iter_mut().zip(&mut fastest) {
            let started = ThreadTime::now();
            let handled = contender.run(events / *share);
            *fastest = fastest.min(started.elapsed().as_nanos() as f64 / handled as f64);
        }
    }
    let traces = contenders.each_ref().map(|(contender, _)| contender.trace());
    assert!(traces.iter().all(|&trace| trace == traces[0]), "every contender handles the same events: {traces:x?}");
    let [calendar, simulation, heap, simcore, desque, nexosim] = fastest;
    Row { calendar, simulation, heap, simcore, desque, nexosim }
}

fn bare_table(effort: Effort) -> (usize, f64) {
    println!("\nHOLD in the barest loop, exponential increments; ns per event");
    println!("{:>8} |{:>28} |{:>28} |", "", "24 bytes", "12 bytes, as models have");
    let columns = format!("{:>10}{:>10}{:>8}", "calendar", "heap", "/heap");
    println!("{:>8} |{columns} |{columns} |", "pending");
    let (mut missed, mut step) = (0, f64::NAN);
    for pending in SIZES {
        let (events, rounds) = (effort.events(pending), effort.rounds());
        let large = bare::measure(pending, events, rounds, |slot| [slot as u64; 3]);
        let wake = |slot: usize| bare::Wake { journey: 0, slot: slot as u32, generation: 0 };
        let real = bare::measure(pending, events, rounds, wake);
        let shares = [large, real].map(|[calendar, heap]| calendar / heap);
        let passed = shares.iter().all(|&share| heap_share_max(pending).is_none_or(|max| share <= max));
        let columns = |[calendar, heap]: [f64; 2]| format!("{calendar:>10.1}{heap:>10.1}{:>8.2}", calendar / heap);
        let verdict = if passed { "PASS" } else { "MISS heap" };
        println!("{pending:>8} |{} |{} | {verdict}", columns(large), columns(real));
        missed += usize::from(!passed);
        if pending == 1_000 {
            step = large[0];
        }
    }
    (missed, step)
}

fn mm1_table(effort: Effort) -> usize {
    let mut scalars = mm1::Loop::new(mm1::TwoScalars::new());
    let mut calendar = mm1::Loop::new(sim_kernel::Calendar::new());
    let mut heap = mm1::Loop::new(mm1::HeapQueue::default());
    let mut whole = mm1::Whole::new();
    let mut fastest = [f64::INFINITY; 4];
    for _ in 0..4 * effort.rounds() {
        let events = effort.events(0);
        let mut turn = |contender: usize, run: &mut dyn FnMut(u64) -> u64| {
            let started = ThreadTime::now();
            let handled = run(events);
            fastest[contender] = fastest[contender].min(started.elapsed().as_nanos() as f64 / handled as f64);
        };
        turn(0, &mut |events| {
            scalars.run(events);
            events
        });
        turn(1, &mut |events| {
            calendar.run(events);
            events
        });
        turn(2, &mut |events| {
            heap.run(events);
            events
        });
        turn(3, &mut |events| whole.run(events));
    }
    assert_eq!(scalars.station.average(), calendar.station.average(), "two loops on one queue are one run");
    assert_eq!(scalars.station.average(), heap.station.average(), "two loops on one queue are one run");
    let [scalars, calendar, heap, whole] = fastest;
    let passed = calendar / scalars <= WORST_FACTOR;
    println!("\nM/M/1, two events for each customer, draws made beforehand; ns per event");
    println!("two scalars {scalars:.1}, calendar {calendar:.1}, heap {heap:.1}, simulation with digest {whole:.1}");
    println!("calendar / scalars {:.2} {}", calendar / scalars, if passed { "PASS" } else { "MISS" });
    usize::from(!passed)
}
