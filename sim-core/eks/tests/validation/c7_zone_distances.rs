//! C7: round trips between zones, by the survey of June 2019 (richardimaoka/aws-ping).

use crate::story::story;
use crate::table::{Allowed, Row, check};
use sim_eks::Parameters;
use sim_eks::plan::ZoneId;
use sim_eks::stations::network::{Distances, Place, Zones};
use sim_kernel::{Purpose, RunKey};

/// The means of all pairs of `zones` zones of a region, milliseconds, as one run has them.
fn pairs_ms(region: &str, zones: u8, seed: u64) -> Vec<f64> {
    let key = RunKey::new(seed, 0);
    let distances = Distances::of(region, zones.into(), key);
    let drawn = Zones::new(zones.into(), &[], &distances, &Parameters::default().network, key);
    let round_trip = |a, b| drawn.mean(ZoneId(a), ZoneId(b)).as_secs_f64() * 2e3;
    (0..zones).flat_map(|a| (a + 1..zones).map(move |b| (a, b))).map(|(a, b)| round_trip(a, b)).collect()
}

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "C7", what: what.to_owned(), published, found, allowed }
}

/// Where no pair was measured: 20,000 runs of three pairs each; standard error of the median 2 µs, of the share 0.0012.
#[test]
fn the_general_law_of_pairs_agrees_with_the_survey() {
    let mut pairs: Vec<f64> = (0..20_000).flat_map(|seed| pairs_ms("me-south-1", 3, seed)).collect();
    pairs.sort_by(f64::total_cmp);
    let inside = pairs.iter().filter(|pair| (0.65..1.6).contains(*pair)).count() as f64 / pairs.len() as f64;
    check(&[
        row("median of pair means, ms", 1.0, pairs[pairs.len() / 2], Allowed::Off(0.1)),
        row("share of pairs in 0.65..1.6 ms", 0.9, inside, Allowed::Off(0.01)),
    ]);
}

#[test]
fn measured_regions_have_the_distances_of_their_pairs() {
    let mean = |region, zones| {
        let pairs = pairs_ms(region, zones, 7);
        pairs.iter().sum::<f64>() / pairs.len() as f64
    };
    let mut tokyo = pairs_ms("ap-northeast-1", 3, 7);
    tokyo.sort_by(f64::total_cmp);
    check(&[
        row("mean of the 15 pairs of us-east-1, ms", 0.952, mean("us-east-1", 6), Allowed::Off(0.0005)),
        row("mean of the pairs of eu-west-1, ms", 0.825, mean("eu-west-1", 3), Allowed::Off(0.0005)),
        row("the farthest pair of ap-northeast-1, ms", 2.786, tokyo[2], Allowed::Off(0.0005)),
        row("the pair of ap-northeast-2, ms", 1.334, mean("ap-northeast-2", 2), Allowed::Off(0.0005)),
    ]);
}

/// Single pings between the two zones of Seoul: smallest and largest of the survey's.
#[test]
fn messages_vary_within_a_pair_as_pings_do() {
    let key = RunKey::new(1, 0);
    let zones = Zones::new(2, &[], &Distances::of("ap-northeast-2", 2, key), &Parameters::default().network, key);
    let ping = |n: u64| {
        let mut draw = key.draw(Purpose::new("test/ping"), n, 0);
        let (there, back) = ((Place::Zone(ZoneId(0)), ZoneId(1)), (Place::Zone(ZoneId(1)), ZoneId(0)));
        (zones.clear_delay(there, &mut draw) + zones.clear_delay(back, &mut draw)).as_secs_f64() * 1e3
    };
    let pings: Vec<f64> = (0..100).map(ping).collect();
    let (least, most) = pings.iter().fold((f64::MAX, 0.0_f64), |(low, high), ping| (low.min(*ping), high.max(*ping)));
    check(&[
        row("ap-northeast-2, smallest ping, ms", 1.178, least, Allowed::Share(0.05)),
        row("ap-northeast-2, largest ping, ms", 1.454, most, Allowed::Share(0.05)),
    ]);
}

/// A cluster has its region's distances, unless the user sets others.
#[test]
fn the_region_of_the_cluster_decides_unless_the_user_does() {
    let mean_ms = |region: &str, setting: Option<(&str, &str)>| {
        let mut calm = story(3).placed("a,b", "a", "a").minutes(8);
        calm.plan.cluster.region = region.to_owned();
        let calm = setting.map_or(calm.clone(), |(path, value)| calm.set(path, value));
        let renewals = |record: &sim_eks::Record| {
            crate::story::verb(record, "controllers", "renew leadership").latency_s.expect("renewals")[0]
        };
        calm.records(0..12).iter().map(renewals).sum::<f64>() / 12.0 * 1e3
    };
    let (far, near) = (mean_ms("ap-northeast-1", None), mean_ms("us-east-1", None));
    assert!(far > near + 0.5, "the fastest of two followers, and two calls in three through a follower: {far}, {near}");
    for setting in [("network.rtt_between_zones", "2ms"), ("network.regional_distances", "false")] {
        assert_eq!(mean_ms("ap-northeast-1", Some(setting)), mean_ms("us-east-1", Some(setting)), "{setting:?}");
    }
}
