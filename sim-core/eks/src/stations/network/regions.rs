//! Round trips between the zones of a region, as they were measured.
//!
//! Source: richardimaoka/aws-ping and its author's article, June 2019: means of pings between all pairs of zones that
//! could be had. Which letter names which zone differs from account to account, so a run draws it; pairs of zones
//! beyond the measured ones have the general law.

use sim_kernel::{Purpose, RunKey};

const LETTERS: Purpose = Purpose::new("network/letters");

/// A region's measured zones: how many, and the round trips of their pairs in milliseconds, row by row: 0-1, 0-2 ... 1-2.
struct Region {
    name: &'static str,
    zones: usize,
    round_trips_ms: &'static [f64],
}

const fn region(name: &'static str, zones: usize, round_trips_ms: &'static [f64]) -> Region {
    Region { name, zones, round_trips_ms }
}

static MEASURED: &[Region] = &[
    region(
        "us-east-1",
        6,
        &[0.807, 0.962, 1.259, 0.876, 1.143, 0.790, 0.835, 0.952, 1.022, 0.657, 0.972, 0.863, 1.196, 0.969, 0.971],
    ),
    region("us-east-2", 3, &[1.006, 1.287, 0.642]),
    region("us-west-2", 3, &[0.895, 0.939, 1.340]),
    region("us-west-1", 2, &[1.364]),
    region("ca-central-1", 2, &[0.665]),
    region("sa-east-1", 2, &[1.257]),
    region("eu-west-1", 3, &[0.765, 0.945, 0.766]),
    region("eu-central-1", 3, &[0.954, 1.128, 0.731]),
    region("eu-west-2", 3, &[1.119, 0.774, 1.26]),
    region("eu-west-3", 3, &[1.015, 1.118, 1.08]),
    region("ap-northeast-1", 3, &[2.786, 2.014, 1.065]),
    region("ap-northeast-2", 2, &[1.334]),
    region("ap-southeast-1", 3, &[1.2, 0.729, 1.406]),
    region("ap-southeast-2", 3, &[1.34, 1.144, 1.599]),
    region("ap-south-1", 2, &[1.353]),
];

/// The distances of a region, with the letters that one run has drawn.
#[derive(Clone, Debug)]
pub struct Distances {
    region: Option<usize>,
    /// The measured zone that each zone of the run is; beyond the measured ones, none of them.
    places: Vec<usize>,
}

impl Distances {
    /// The distances between `zones` zones of a region.
    pub fn of(region: &str, zones: usize, key: RunKey) -> Self {
        let region = MEASURED.iter().position(|measured| measured.name == region);
        let measured = region.map_or(0, |found| MEASURED[found].zones);
        let mut places: Vec<usize> = (0..measured.max(zones)).collect();
        let mut draw = key.draw(LETTERS, 0, 0);
        for last in (1..places.len()).rev() {
            places.swap(last, draw.below(last as u64 + 1) as usize);
        }
        Distances { region, places }
    }

    /// Distances of which none is known.
    pub fn unknown() -> Self {
        Distances { region: None, places: Vec::new() }
    }

    /// The measured round trip between two zones of the run in seconds, if there is one.
    pub fn round_trip_s(&self, a: usize, b: usize) -> Option<f64> {
        let region = &MEASURED[self.region?];
        let (low, high) = (self.places[a].min(self.places[b]), self.places[a].max(self.places[b]));
        if low == high || high >= region.zones {
            return None;
        }
        let before = low * region.zones - low * (low + 1) / 2;
        Some(region.round_trips_ms[before + high - low - 1] / 1000.0)
    }
}

/// The measured round trips of a region in milliseconds, in no order.
pub fn measured_ms(region: &str) -> &'static [f64] {
    MEASURED.iter().find(|measured| measured.name == region).map_or(&[], |measured| measured.round_trips_ms)
}

/// The regions with measured distances.
pub fn measured_regions() -> impl Iterator<Item = &'static str> {
    MEASURED.iter().map(|measured| measured.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_round_trip_for_each_pair_of_its_zones() {
        for region in MEASURED {
            assert_eq!(region.round_trips_ms.len(), region.zones * (region.zones - 1) / 2, "{}", region.name);
        }
        assert_eq!(MEASURED.iter().map(|region| region.round_trips_ms.len()).sum::<usize>(), 47);
    }

    #[test]
    fn letters_are_drawn_and_the_pairs_keep_their_distances() {
        let mut seen = Vec::new();
        for seed in 0..60 {
            let distances = Distances::of("eu-west-1", 3, RunKey::new(seed, 0));
            let of = |a, b| distances.round_trip_s(a, b).expect("all three pairs were measured") * 1000.0;
            let mut pairs = [of(0, 1), of(0, 2), of(1, 2)];
            seen.push(pairs[0]);
            assert_eq!(of(0, 1), of(1, 0));
            pairs.sort_by(f64::total_cmp);
            assert!((pairs[0] - 0.765).abs() + (pairs[1] - 0.766).abs() + (pairs[2] - 0.945).abs() < 1e-9, "{pairs:?}");
        }
        assert!([0.765, 0.766, 0.945].iter().all(|pair| seen.iter().any(|found| (found - pair).abs() < 1e-9)));
        let two_known = Distances::of("us-west-1", 3, RunKey::new(1, 0));
        let known = [(0, 1), (0, 2), (1, 2)].iter().filter(|(a, b)| two_known.round_trip_s(*a, *b).is_some()).count();
        assert_eq!(known, 1, "of three zones two were measured");
        assert_eq!(Distances::of("me-south-1", 3, RunKey::new(1, 0)).round_trip_s(0, 1), None);
    }
}
