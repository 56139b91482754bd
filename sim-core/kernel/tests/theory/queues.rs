//! First come, first served: M/M/1, M/M/c, M/M/c/K, M/G/1, and Little's law.

use sim_kernel::stations::FifoServers;
use sim_kernel::{Law, SimTime};

use crate::estimate::Estimate;
use crate::queue::{BATCH, Batch, Queue, Station};

fn run(seed: u64, rate: f64, service: &str, station: FifoServers<crate::queue::Customer>) -> Queue {
    let queue = Queue::new(seed, rate, service, Station::Fifo(station)).run_empty();
    assert_eq!(queue.flow().inside(), 0, "all who came have gone");
    queue
}

fn mean(queue: &Queue, of: impl Fn(&Batch) -> f64) -> Estimate {
    Estimate::of_batches(queue.batches.iter().map(of))
}

fn wait(batch: &Batch) -> f64 {
    batch.wait.mean().expect("a batch has customers")
}

fn sojourn(batch: &Batch) -> f64 {
    batch.sojourn.mean().expect("a batch has customers")
}

/// Erlang's loss formula by its recursion: the share of time that all of `servers` are busy at `load` Erlangs.
fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, n| load * blocked / (f64::from(n) + load * blocked))
}

/// Erlang's delay formula: the share of customers who wait for one of `servers`.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let blocked = erlang_b(servers, load);
    let c = f64::from(servers);
    blocked / (1.0 - load / c * (1.0 - blocked))
}

/// M/M/1 at rho = 0.8: W = 1 / (mu - lambda) = 5 s, Wq = rho W = 4 s, a share rho waits, and the sojourn is
/// exponential.
#[test]
fn m_m_1() {
    let queue = run(1, 0.8, "exponential(1s)", FifoServers::new(1));
    mean(&queue, sojourn).agrees("M/M/1 sojourn", 5.0, 0.03);
    mean(&queue, wait).agrees("M/M/1 wait", 4.0, 0.035);
    mean(&queue, |batch| batch.waited as f64 / BATCH as f64).agrees("M/M/1 share that waits", 0.8, 0.005);

    // Quantiles come from one histogram of all, accurate to 1 %; their standard error is about that of the mean.
    let exponential = Law::exponential(5.0);
    for q in [0.1, 0.5, 0.9, 0.99] {
        let simulated = queue.sojourns.quantile(q).expect("customers").as_secs_f64();
        assert!((simulated / exponential.quantile(q) - 1.0).abs() < 0.05, "{q}: {simulated}");
    }
}

/// M/M/c at c = 5, rho = 0.8: a share C(c, a) waits (Erlang C), and Wq = C / (c mu - lambda).
#[test]
fn m_m_c() {
    let queue = run(2, 4.0, "exponential(1s)", FifoServers::new(5));
    let waits = erlang_c(5, 4.0);
    assert!((waits - 0.554_113).abs() < 1e-6, "the table's value");
    mean(&queue, |batch| batch.waited as f64 / BATCH as f64).agrees("M/M/5 share that waits", waits, 0.015);
    mean(&queue, wait).agrees("M/M/5 wait", waits / (5.0 - 4.0), 0.04);
}

/// M/M/c/K at c = 3, K = 7 and a load of 4: more than the servers can do. With p(n) proportional to a^n / n! up to c
/// and then to (a / c)^(n - c), a share p(K) is refused; the mean number inside gives the sojourn by Little's law.
#[test]
fn m_m_c_k() {
    let queue = run(3, 4.0, "exponential(1s)", FifoServers::bounded(3, 4));
    let weights: Vec<f64> =
        (0..=7).scan(1.0, |p, n| Some(std::mem::replace(p, *p * 4.0 / f64::from(n + 1).min(3.0)))).collect();
    let total: f64 = weights.iter().sum();
    let refused = weights[7] / total;
    let inside = weights.iter().zip(0_u32..).map(|(p, n)| p * f64::from(n)).sum::<f64>() / total;
    mean(&queue, |batch| batch.refused as f64 / BATCH as f64).agrees("M/M/3/7 share refused", refused, 0.01);
    mean(&queue, sojourn).agrees("M/M/3/7 sojourn", inside / (4.0 * (1.0 - refused)), 0.005);
}

/// M/G/c/c: without waiting room the share lost is Erlang's B, whatever the service law.
#[test]
fn losses_do_not_depend_on_the_service_law() {
    for (seed, service) in [(4, "exponential(1s)"), (5, "1s"), (6, "gamma(shape 0.25, scale 4s)")] {
        let queue = run(seed, 4.0, service, FifoServers::bounded(5, 0));
        let lost = erlang_b(5, 4.0);
        let what = format!("share lost with service {service}");
        mean(&queue, |batch| batch.refused as f64 / BATCH as f64).agrees(&what, lost, 0.015);
    }
}

/// M/G/1 at rho = 0.7: Wq = lambda E[S^2] / (2 (1 - rho)) (Pollaczek and Khinchine).
#[test]
fn m_g_1() {
    // A log-normal law of mean 1 and squared coefficient of variation e^(sigma^2) - 1 = 1.5.
    let sigma = libm::sqrt(libm::log(2.5));
    let median = libm::exp(-0.5 * sigma * sigma);
    let lognormal = Law::lognormal(median, median * libm::exp(sigma * 1.644_853_626_951_472_2)).to_string();
    let cases = [
        (7, "1s".to_owned(), 1.0, 0.015),
        (8, "uniform(0s, 2s)".to_owned(), 4.0 / 3.0, 0.015),
        (9, lognormal, 2.5, 0.04),
        (10, "gamma(shape 4, scale 0.25s)".to_owned(), 1.25, 0.015),
        // 0.9 of the customers take 0.5 s and 0.1 take 5.5 s.
        (11, "mixture(0.9: 0.5s, 0.1: 5.5s)".to_owned(), 0.9 * 0.25 + 0.1 * 30.25, 0.03),
    ];
    for (seed, service, second_moment, precision) in cases {
        let queue = run(seed, 0.7, &service, FifoServers::new(1));
        let theory = 0.7 * second_moment / (2.0 * (1.0 - 0.7));
        mean(&queue, wait).agrees(&format!("M/G/1 wait with service {service}"), theory, precision);
    }
}

/// Little's law, L = lambda W, holds on every path from empty to empty, not only on average: the area under the
/// number inside is the sum of the sojourns. So it is asserted to rounding, without any standard error.
#[test]
fn littles_law_holds_on_every_path() {
    for (seed, room) in [(12, usize::MAX), (13, 3)] {
        let queue = Queue::new(seed, 2.5, "exponential(1s)", Station::Fifo(FifoServers::bounded(3, room)));
        let mut simulation = queue.closing_after(50_000).opened();
        simulation.run_until(SimTime::MAX).expect("time goes on");
        let end = simulation.now();
        let queue = simulation.model;
        let flow = queue.flow();
        assert_eq!((flow.inside(), flow.arrived), (0, 50_001));
        let admitted_per_s = flow.left as f64 / end.as_secs_f64();
        let sojourn = queue.sojourn_ns as f64 / 1e9 / flow.left as f64;
        let inside = queue.inside.mean(end);
        assert!((inside / (admitted_per_s * sojourn) - 1.0).abs() < 1e-9, "L {inside}, W {sojourn}");
        assert_eq!((queue.inside.value(), queue.inside.min()), (0.0, 0.0));
    }
}
