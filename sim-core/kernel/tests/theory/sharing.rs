//! Processor sharing: the sojourn depends on the service law through its mean only.

use sim_kernel::stations::ProcessorSharing;

use crate::estimate::Estimate;
use crate::queue::{Queue, Station};

const LAWS: [&str; 4] =
    ["exponential(1s)", "1s", "gamma(shape 0.3, scale 3333.333333ms)", "mixture(0.9: 0.5s, 0.1: 5.5s)"];

fn run(seed: u64, rate: f64, service: &str, servers: u32) -> Queue {
    let station = Station::Shared(ProcessorSharing::new(servers));
    let queue = Queue::new(seed, rate, service, station).run_empty();
    assert_eq!(queue.flow().inside(), 0, "all who came have gone");
    queue
}

fn sojourn(queue: &Queue) -> Estimate {
    Estimate::of_batches(queue.batches.iter().map(|batch| batch.sojourn.mean().expect("a batch has customers")))
}

/// M/G/1-PS at rho = 0.7: E[T] = E[S] / (1 - rho) for every service law, and E[T | S = x] = x / (1 - rho), so that
/// those who ask for little are not held up by those who ask for much.
#[test]
fn m_g_1_ps() {
    for (seed, service) in (20..).zip(LAWS) {
        let queue = run(seed, 0.7, service, 1);
        sojourn(&queue).agrees(&format!("M/G/1-PS sojourn with {service}"), 1.0 / 0.3, 0.03);
        // With a constant service nobody demands less than the mean.
        if service != "1s" {
            let slowdown = Estimate::of_batches(queue.batches.iter().map(|batch| batch.short[0] / batch.short[1]));
            slowdown.agrees(&format!("M/G/1-PS slowdown of the short with {service}"), 1.0 / 0.3, 0.03);
        }
    }
}

/// M/G/c-PS at c = 4, rho = 0.8: the number inside is distributed as in M/M/c, for every service law. So the mean
/// sojourn is that of M/M/c: E[S] + C(c, a) / (c mu - lambda), with C(4, 3.2) = 0.59643.
#[test]
fn m_g_c_ps() {
    for (seed, service) in (30..).zip(LAWS) {
        let queue = run(seed, 3.2, service, 4);
        let theory = 1.0 + 0.596_430 / (4.0 - 3.2);
        sojourn(&queue).agrees(&format!("M/G/4-PS sojourn with {service}"), theory, 0.03);
    }
}
