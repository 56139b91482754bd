//! Keyed draws: what they depend on, what they do not, and that they are evenly spread.

use rand::distr::Distribution;
use sim_kernel::{Draw, Purpose, RunKey};

const FSYNC: Purpose = Purpose::new("etcd/fsync");
const DIAL: Purpose = Purpose::new("client/dial");

fn first(run: RunKey, purpose: Purpose, entity: u64, ordinal: u64) -> u64 {
    run.draw(purpose, entity, ordinal).next_u64()
}

/// Computed apart from this code, in another language, from the published definitions.
#[test]
fn results_are_pinned() {
    let run = RunKey::new(7, 0);
    assert_eq!(run.to_string(), "74b5abcc66b8bdc1");
    assert_eq!(first(run, FSYNC, 0, 0), 0x3207_4492_9dfb_3a44);
    assert_eq!(first(run.branch(0), FSYNC, 2, 1_000), 0xbe35_b022_e8a9_b712);
}

#[test]
fn each_part_of_the_key_matters() {
    let run = RunKey::new(7, 0);
    let mut values = vec![first(run, FSYNC, 1, 1)];
    values.push(first(RunKey::new(8, 0), FSYNC, 1, 1));
    values.push(first(RunKey::new(7, 1), FSYNC, 1, 1));
    values.push(first(run.branch(0), FSYNC, 1, 1));
    values.push(first(run.branch(1), FSYNC, 1, 1));
    values.push(first(run.branch(0).branch(0), FSYNC, 1, 1));
    values.push(first(run, DIAL, 1, 1));
    values.push(first(run, FSYNC, 2, 1));
    values.push(first(run, FSYNC, 1, 2));
    values.push(first(run, FSYNC, 0, 0));
    let distinct = values.iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(distinct.len(), values.len());
}

#[test]
fn replications_and_branches_have_distinct_keys() {
    let mut keys: Vec<RunKey> = (0..1_000).map(|replication| RunKey::new(1, replication)).collect();
    keys.extend((0..1_000).flat_map(|replication| (0..10).map(move |k| RunKey::new(1, replication).branch(k))));
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

/// 16 by 16 cells of (value, next value) along each part of the key: chi square with 255 degrees of freedom stays
/// below 350 with probability 0.99993.
#[test]
fn neighbouring_keys_are_independent() {
    let run = RunKey::new(3, 0);
    let along: [(&str, &dyn Fn(u64) -> Draw); 4] = [
        ("ordinals", &|i| run.draw(FSYNC, 5, i)),
        ("entities", &|i| run.draw(FSYNC, i, 5)),
        ("replications", &|i| RunKey::new(3, i as u32).draw(FSYNC, 0, 0)),
        ("branches", &|i| run.branch(i as u32).draw(FSYNC, 0, 0)),
    ];
    for (name, draw) in along {
        let mut cells = [0_u32; 256];
        let count = 100_000_u64;
        for i in 0..count {
            cells[(draw(i).below(16) * 16 + draw(i + 1).below(16)) as usize] += 1;
        }
        let expected = count as f64 / 256.0;
        let chi_square: f64 = cells.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!((170.0..350.0).contains(&chi_square), "{name}: {chi_square}");
    }
}

#[test]
fn uniform_values_are_inside_the_open_interval_and_even() {
    let run = RunKey::new(4, 0);
    let values: Vec<f64> = (0..100_000).map(|i| run.draw(DIAL, i, 0).uniform()).collect();
    assert!(values.iter().all(|&u| u > 0.0 && u < 1.0));
    let mean = values.iter().sum::<f64>() / 1e5;
    // The standard error of the mean of 100,000 is 0.00091.
    assert!((mean - 0.5).abs() < 0.003, "{mean}");
}

#[test]
fn choices_are_in_range_and_chances_are_kept() {
    let run = RunKey::new(5, 0);
    for n in [1, 2, 3, 1_000, u64::MAX] {
        assert!((0..1_000).all(|i| run.draw(DIAL, i, n).below(n) < n));
    }
    // Two thirds of the words are rejected and drawn again for this one, and half of its values lie above the middle.
    let n = (1 << 63) + 1;
    let above = (0..10_000).filter(|&i| run.draw(DIAL, i, 0).below(n) > n / 2).count();
    assert!((4_800..5_200).contains(&above), "{above}");
    assert!((0..1_000).all(|i| !run.draw(DIAL, i, 1).chance(0.0) && run.draw(DIAL, i, 1).chance(1.0)));
    let hits = (0..100_000).filter(|&i| run.draw(DIAL, i, 2).chance(0.2)).count();
    assert!((19_500..20_500).contains(&hits), "{hits}");
}

#[test]
fn laws_of_rand_distr_compose_with_a_draw() {
    let poisson = rand_distr::Poisson::new(3.0).expect("3 is a mean");
    let run = RunKey::new(6, 0);
    let total: f64 = (0..10_000).map(|i| poisson.sample(&mut run.draw(DIAL, i, 0))).sum();
    // Standard error 0.017.
    assert!((total / 1e4 - 3.0).abs() < 0.07, "{total}");
}
