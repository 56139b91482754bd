//! C2: where one put's time goes, and the slopes that only the mechanism gives.
//! Source: etcd-io/etcd issue 7156 (puts of 256 B, one client, SSD).

use crate::etcd_bench::{Bench, Operation, US};
use crate::table::{Allowed, Row, check};
use sim_kernel::SimDuration;

fn latency(bench: Bench) -> f64 {
    bench.run().latency
}

/// One member; the client on its machine, or on another.
fn alone(client_rtt: SimDuration) -> Bench {
    let mut bench = Bench::new(Operation::Put, 1).leader();
    (bench.members, bench.client_rtt) = (1, client_rtt);
    bench
}

#[test]
fn the_order_of_five_set_ups_is_as_measured() {
    let row = |what: &str, published, found| Row {
        result: "C2",
        what: what.to_owned(),
        published,
        found,
        allowed: Allowed::Share(0.2),
    };
    let three = Bench::new(Operation::Put, 1).leader().run().rate;
    let local = alone(US * 80).run().rate;
    let remote = alone(US * 300).run().rate;
    // The sum of the components that were measured apart: an fsync, a round trip, an exchange by gRPC.
    let sum = 1e6 / (600.0 + 300.0 + 300.0);
    let zookeeper = 700.0;
    check(&[
        row("puts/s, 3 members", 580.0, three),
        row("puts/s, 1 member, client on its machine", 1000.0, local),
        row("puts/s, 1 member, client on another machine", 819.0, remote),
    ]);
    let falling = [local, sum, remote, zookeeper, three];
    assert!(falling.is_sorted_by(|a, b| a > b), "{falling:?}");
}

/// For round trips of 0 to 5 ms between members: one more through the leader, two through a follower, none for a
/// serializable read.
#[test]
fn latency_rises_by_the_round_trips_that_a_request_takes() {
    let slope = |operation, follower: bool| {
        let at = |rtt_us: u64| {
            let bench = Bench::new(operation, 1);
            let mut bench = if follower { bench.follower() } else { bench.leader() };
            bench.member_rtt = US * rtt_us;
            latency(bench)
        };
        let slopes: Vec<f64> = (0..5).map(|ms| (at(1000 * (ms + 1)) - at(1000 * ms)) / 1e-3).collect();
        assert!(slopes.iter().all(|slope| (slope - slopes[0]).abs() < 0.01), "a straight line: {slopes:?}");
        slopes[0]
    };
    let row = |what: &str, published, found| Row {
        result: "C2",
        what: format!("round trips of a {what}"),
        published,
        found,
        allowed: Allowed::Off(0.01),
    };
    check(&[
        row("put through the leader", 1.0, slope(Operation::Put, false)),
        row("put through a follower", 2.0, slope(Operation::Put, true)),
        row("linearizable read through the leader", 1.0, slope(Operation::Linearizable, false)),
        row("linearizable read through a follower", 2.0, slope(Operation::Linearizable, true)),
        row("serializable read at the leader", 0.0, slope(Operation::Serializable, false)),
        row("serializable read at a follower", 0.0, slope(Operation::Serializable, true)),
    ]);
}

/// The leader's fsync and the faster follower's overlap: the longer way counts, not the sum.
#[test]
fn one_slow_follower_changes_nothing_and_one_slow_leader_everything() {
    let with = |fsync: [u64; 3]| {
        let mut bench = Bench::new(Operation::Put, 1).leader();
        bench.fsync = fsync.map(|us| US * us).to_vec();
        latency(bench)
    };
    let even = with([600, 600, 600]);
    assert_eq!(with([600, 600, 30_000]), even, "the other follower is in time");
    assert_eq!(with([900, 600, 600]), even, "300 us more hide behind the round trip to the followers");
    let slow_leader = with([10_600, 600, 600]);
    assert!((slow_leader - even - 9.7e-3).abs() < 1e-6, "all but the 300 us: {slow_leader} and {even}");
    let slow_followers = with([600, 10_600, 10_600]);
    assert!((slow_followers - even - 10e-3).abs() < 1e-6, "{slow_followers} and {even}");
}

/// At saturation the rate is that of cores and batches: a longer way and slower disks only mean larger batches.
#[test]
fn at_saturation_the_rate_is_set_by_cpu_and_batching_and_not_by_the_round_trip() {
    let busy = |change: fn(&mut Bench)| {
        let mut bench = Bench::new(Operation::Put, 1000).leader();
        change(&mut bench);
        let measured = bench.clone().run();
        let own = bench.client_cpu.as_secs_f64();
        let clients = measured.rate * (measured.latency + own);
        assert!((clients / 1000.0 - 1.0).abs() < 0.03, "Little's law: {clients} of 1000 clients");
        measured.rate
    };
    let base = busy(|_| ());
    let far = busy(|bench| bench.member_rtt = US * 5000);
    assert!((far / base - 1.0).abs() < 0.05, "{far} at 5 ms and {base} at 0.3 ms");
    let slow = busy(|bench| bench.fsync = vec![US * 5000; 3]);
    assert!((slow / base - 1.0).abs() < 0.05, "{slow} at fsyncs of 5 ms and {base} at 0.6 ms");
    let fewer = busy(|bench| bench.etcd.cores = 4);
    assert!((fewer / base - 3.0 / 7.0).abs() < 0.05, "{fewer} with 4 cores and {base} with 8");
}
