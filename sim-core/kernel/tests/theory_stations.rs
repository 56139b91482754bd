//! Stations against simple oracles, under any sequence of steps.

use proptest::prelude::*;
use sim_kernel::stations::{Arrival, FifoServers, Flow, ProcessorSharing, TokenBucket};
use sim_kernel::{SimDuration, SimTime};

fn at(nanos: u64) -> SimTime {
    SimTime::from_nanos(nanos)
}

/// Processor sharing by the definition: everybody's remaining demand, as a float, shrinks at the common speed.
fn departures_by_definition(servers: u32, customers: &[(u64, u64)]) -> Vec<f64> {
    let mut departed = vec![0.0; customers.len()];
    let mut inside: Vec<(usize, f64)> = Vec::new();
    let mut coming = customers.iter().enumerate().peekable();
    let mut now = 0.0;
    loop {
        let speed = (f64::from(servers) / inside.len() as f64).min(1.0);
        let next_done = inside.iter().map(|&(_, left)| now + left / speed).fold(f64::INFINITY, f64::min);
        let next_come = coming.peek().map_or(f64::INFINITY, |&(_, &(arrival, _))| arrival as f64);
        let next = next_done.min(next_come);
        if next == f64::INFINITY {
            return departed;
        }
        inside.iter_mut().for_each(|(_, left)| *left -= (next - now) * speed);
        now = next;
        if next_come <= next_done {
            let (i, &(_, demand)) = coming.next().expect("somebody comes");
            inside.push((i, demand as f64));
        } else {
            inside.retain(|&(i, left)| {
                let done = left < 1e-6;
                if done {
                    departed[i] = now;
                }
                !done
            });
        }
    }
}

/// The same from the station, in nanoseconds.
fn departures_by_station(servers: u32, customers: &[(u64, u64)]) -> Vec<f64> {
    let mut station = ProcessorSharing::new(servers);
    let mut departed = vec![0.0; customers.len()];
    let mut depart_until = |station: &mut ProcessorSharing<usize>, limit: SimTime| {
        while let Some(next) = station.next_departure().filter(|next| next.at < limit) {
            let customer = station.depart(next.at, next.generation).expect("it is the next one");
            departed[customer] = next.at.as_nanos() as f64;
        }
    };
    for (i, &(arrival, demand)) in customers.iter().enumerate() {
        depart_until(&mut station, at(arrival));
        station.arrive(at(arrival), i, SimDuration::from_nanos(demand));
    }
    depart_until(&mut station, SimTime::MAX);
    let count = customers.len() as u64;
    assert_eq!(station.flow(), Flow { arrived: count, left: count, ..Flow::default() });
    departed
}

fn customers() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..2_000_u64, 0..3_000_u64), 1..40).prop_map(|gaps| {
        let mut now = 0;
        gaps.into_iter()
            .map(|(gap, demand)| {
                now += gap;
                (now, demand)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sharing_follows_its_definition(servers in 1..5_u32, customers in customers()) {
        let pairs = departures_by_station(servers, &customers).into_iter().zip(departures_by_definition(servers, &customers));
        for (station, definition) in pairs {
            // Each departure is rounded up to the nanosecond, which delays the others by less than one, each time.
            prop_assert!((station - definition).abs() < 1.0 + customers.len() as f64, "{} {}", station, definition);
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_and_its_rate_and_no_more(
        tokens in 1..20_u64,
        period in 1..100_u64,
        burst in 1..10_u64,
        gaps in prop::collection::vec(0..50_u64, 1..200),
    ) {
        let mut bucket = TokenBucket::new(tokens, SimDuration::from_nanos(period), burst);
        let mut now = 0;
        for gap in gaps {
            now += gap;
            if let Err(turn) = bucket.take(at(now)) {
                // It is the first nanosecond at which there is one.
                prop_assert_eq!(bucket.tokens(at(turn.as_nanos() - 1)), 0);
                prop_assert!(bucket.tokens(turn) >= 1);
            }
            prop_assert!(u128::from(bucket.taken()) <= u128::from(burst) + u128::from(now) * u128::from(tokens) / u128::from(period));
        }
    }

    #[test]
    fn nobody_is_lost_at_a_counter(servers in 0..4_usize, room in 0..4_usize, steps in prop::collection::vec(0..5_u8, 0..200)) {
        let mut counter = FifoServers::bounded(servers, room);
        let mut in_service = 0;
        for (customer, step) in steps.into_iter().enumerate() {
            match step {
                0..=2 => in_service += usize::from(counter.arrive(customer) == Arrival::Started),
                3 if in_service > 0 => in_service -= usize::from(counter.depart().is_none()),
                _ => {
                    let _ = counter.withdraw(&customer.saturating_sub(2));
                }
            }
            prop_assert_eq!(counter.busy(), in_service);
            prop_assert!(counter.busy() <= servers && counter.waiting() <= room);
            prop_assert!(counter.waiting() == 0 || counter.busy() == servers, "no server idles while somebody waits");
            prop_assert_eq!(counter.flow().inside(), counter.inside() as u64);
        }
    }
}
