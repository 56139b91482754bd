//! What zones that live do to each other when the network between them is slow, lossy or cut.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, Modes, ZoneId};
use sim_kernel::{Law, SimDuration};
use story::{Story, at_minute, fact, failed, measure, story, value, verb};

const A: ZoneId = ZoneId(0);

fn grey(nodes: u32, latency_s: f64, loss: f64) -> Story {
    let lasts = Some(SimDuration::from_mins(30));
    let calm = story(nodes).placed("a,b", "b", "b").with_externals();
    calm.at(10, Change::ZoneImpairment { zone: A, latency: Law::constant(latency_s), loss, lasts })
}

fn cut(nodes: u32, internet: bool, seconds: u64) -> Story {
    let lasts = Some(SimDuration::from_secs(seconds));
    story(nodes).placed("b,c", "b", "b").at(10, Change::ZoneCut { zone: A, internet, lasts }).minutes(20)
}

/// The point of a grey failure: everybody suffers a little, and nothing calls it dead.
#[test]
fn a_slow_and_lossy_zone_is_never_called_dead_and_its_clients_wait() {
    let record = grey(60, 0.04, 0.03).record();
    for nothing in ["nodes.not_ready", "nodes.tainted", "pods.evicted", "etcd.writes_lost"] {
        assert_eq!(measure(&record, nothing), 0.0, "{nothing}");
    }
    assert_eq!((value(&record, "etcd.election"), value(&record, "controllers.failover")), (None, None));
    for verdict in ["unhealthy", "leaves DNS", "given up", "reset"] {
        assert!(fact(&record, verdict).is_none(), "{verdict}");
    }
    assert!(measure(&record, "api.availability") > 0.9999);
    let [struck, elsewhere] = ["struck_zone", "other_zones"].map(|zone| format!("api.latency.p99.kubelet.{zone}"));
    let calm = grey(60, 0.0, 0.0).record();
    assert!(measure(&calm, &struck) < 0.1, "{}", measure(&calm, &struck));
    assert!((0.2..1.5).contains(&measure(&record, &struck)), "{}", measure(&record, &struck));
    assert!((0.2..1.5).contains(&measure(&record, &elsewhere)), "half of them connect through the zone");
}

/// Latency alone moves the mean; the long tail is TCP's pause of 200 ms before it repeats what was lost.
#[test]
fn loss_makes_the_tail_and_latency_moves_the_mean() {
    let figures = |story: Story| {
        let record = story.record();
        let [mean, _, p99, _] = verb(&record, "kubelet", "renew node lease").latency_s.expect("renewals");
        (mean, p99)
    };
    let (calm, slow, lossy) = (figures(grey(60, 0.0, 0.0)), figures(grey(60, 0.04, 0.0)), figures(grey(60, 0.0, 0.03)));
    assert!(slow.0 > calm.0 + 0.02 && slow.1 < 0.4, "{slow:?}: crossings of 40 ms each");
    // A commit crosses the border up to twice as well, so latency weighs on every percentile; the tail is what loss makes.
    assert!(lossy.0 < slow.0 && lossy.1 > 2.0 * calm.1, "{lossy:?} against {slow:?}, calm {calm:?}");
    assert!(lossy.1 / lossy.0 > 2.0 * slow.1 / slow.0, "{lossy:?} against {slow:?}: tail over mean");
    let patient = figures(grey(60, 0.0, 0.03).set("network.rto_min", "1s"));
    assert!(patient.1 > lossy.1 + 0.7, "{patient:?}");
}

/// A connection is opened by a SYN, which is repeated only after a second.
#[test]
fn a_lost_syn_costs_a_second() {
    let slow = |story: Story| {
        let record = story.record();
        verb(&record, "admin", "get").latency_s.expect("reads")[2]
    };
    let calm = slow(grey(3, 0.0, 0.0));
    let lossy = slow(grey(3, 0.0, 0.03));
    assert!(lossy > calm + 0.8, "every command dials, and one in twenty loses a SYN or its answer: {calm} and {lossy}");
    assert!(slow(grey(3, 0.0, 0.03).set("connection.syn_retry", "100ms")) < lossy - 0.4);
}

#[test]
fn an_impairment_that_does_nothing_changes_nothing_and_its_end_ends_it() {
    let calm = grey(60, 0.0, 0.0);
    let mut without = calm.clone();
    without.plan.steps.clear();
    let (with, without) = (calm.record(), without.record());
    assert_eq!(with.clients, without.clients);
    assert_eq!(with.series, without.series);
    let record = grey(300, 0.04, 0.03).record();
    let p99 = record.series.iter().find(|series| series.name == "api.latency.p99.kubelet").expect("a series");
    let mean = |from: usize, to: usize| p99.values[from..to].iter().flatten().sum::<f64>() / (to - from) as f64;
    let [before, during, after] = [mean(30, 59), mean(61, 239), mean(245, 359)];
    assert!(before < 0.1 && during > 0.2 && after < 0.1, "{before}, {during}, {after}");
}

/// TCP repeats 0.2, 0.6, 1.4, 3.0, 6.2 s after the segment. What was sent at the beginning of a cut of 5 s arrives 6.2 s
/// later, not when the cut ends; and no connection is lost.
#[test]
fn after_a_short_cut_connections_carry_on_at_tcps_next_repetition() {
    let record = cut(300, true, 5).record();
    assert!(fact(&record, "given up").is_none() && fact(&record, "reset").is_none());
    let renewals = verb(&record, "kubelet", "renew node lease");
    assert_eq!(failed(renewals, "timed out") + failed(renewals, "connection lost"), 0, "{renewals:?}");
    let longest = renewals.latency_s.expect("renewals")[3];
    assert!((6.19..6.4).contains(&longest), "{longest}");
    assert_eq!(measure(&record, "nodes.not_ready"), 0.0);
}

/// A client gives its connection up 45 s after the last thing that it read, cut or dead alike; then it dials, and
/// addresses beyond the cut stay silent.
#[test]
fn a_long_cut_is_noticed_by_read_idle_and_the_nodes_behind_it_turn_not_ready() {
    let record = cut(60, true, 300).record();
    let given_up = fact(&record, "given up").expect("nothing else tells them");
    let after = given_up.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((35.0..46.0).contains(&after), "{after}");
    assert!(given_up.cause.is_some());
    assert_eq!(measure(&record, "nodes.not_ready"), 20.0, "all nodes of the zone, and no others");
    assert_eq!(measure(&record, "nodes.not_ready_falsely"), 20.0, "they live");
    let back = fact(&record, "node Ready again, eu-west-1a").expect("they report when they are heard");
    let later = back.first.saturating_since(at_minute(15)).as_secs_f64();
    assert!((0.0..60.0).contains(&later), "{later}");
}

/// Seen from outside, the address of a zone that is cut off from the internet is dead; of one that is merely cut off
/// from its neighbours, alive: it leaves DNS only because the API server behind it reaches no quorum of etcd and says so.
#[test]
fn the_address_of_a_zone_leaves_dns_only_where_the_internet_does_not_reach_it() {
    let cut_asking = |internet, readyz| {
        let lasts = Some(SimDuration::from_mins(10));
        let calm = story(3).placed("a,b", "b", "b").with_externals().minutes(30).set("nlb.check_readyz", readyz);
        calm.at(10, Change::ZoneCut { zone: A, internet, lasts }).record()
    };
    let cut = |internet| cut_asking(internet, "true");
    let gone = |record: &Record| fact(record, "address in eu-west-1a leaves DNS").map(|fact| fact.first);
    let outside = cut(true);
    let after = gone(&outside).expect("checked from outside").saturating_since(at_minute(10)).as_secs_f64();
    assert!((25.0..=70.0).contains(&after), "{after}");
    let back = fact(&outside, "address in eu-west-1a is in DNS again").expect("it comes back");
    assert!(back.first > at_minute(20), "{back:?}");
    let inside = cut(false);
    let unready = fact(&inside, "finds its target in eu-west-1a unhealthy").expect("asked for its readiness").first;
    assert!(gone(&inside).expect("no target is left there") > unready);
    assert_eq!(gone(&cut_asking(false, "false")), None);
}

/// Ties have no meaning, and what is elided would have changed nothing, while a zone is cut off, heals and is grey.
#[test]
fn neither_ties_nor_elisions_change_a_fact_of_a_cut() {
    let lasts = Some(SimDuration::from_secs(38));
    let second = Change::ZoneImpairment { zone: A, latency: Law::constant(0.01), loss: 0.1, lasts: None };
    let told = cut(90, true, 5).with_externals().at(12, Change::ZoneCut { zone: A, internet: false, lasts });
    let told = told.at(14, second);
    let plain = told.record();
    let silent = told.clone().mode(|modes| modes.probes_off = true).record();
    assert_eq!(silent.digest, plain.digest);
    let ways: [fn(&mut Modes); 2] = [|modes| modes.shuffle_ties = true, |modes| modes.explicit_read_idle = true];
    for way in ways {
        let record = told.clone().mode(way).record();
        assert_ne!(record.digest, plain.digest, "it must be carried out in another way");
        assert_eq!(record.timeline, plain.timeline);
        assert_eq!((&record.measures, &record.series), (&plain.measures, &plain.series));
    }
    assert!(plain.balances.iter().all(|balance| balance.holds()), "{:?}", plain.balances);
}

/// At one instant what ends ends before what begins, in whatever order equal times are handled.
#[test]
fn a_fault_that_begins_when_another_one_ends_finds_it_ended() {
    let minute = Some(SimDuration::from_mins(5));
    let told = story(9).placed("a,b", "b", "b").minutes(30);
    let told = told.at(10, Change::ZonePowerLoss { zone: A, lasts: minute });
    let told = told.at(15, Change::ZonePowerLoss { zone: A, lasts: minute });
    for shuffled in 0..8 {
        let record = told.clone().seed(shuffled).mode(|modes| modes.shuffle_ties = true).record();
        let dark = fact(&record, "zone eu-west-1a loses power").expect("twice");
        assert_eq!((dark.first, dark.last), (at_minute(10), at_minute(10)), "facts of one step are its own: {dark:?}");
        let lit: Vec<_> = record.timeline.iter().filter(|fact| fact.text.contains("power returns")).collect();
        assert_eq!(lit.iter().map(|fact| fact.count).sum::<u64>(), 2, "{lit:?}");
        assert_eq!(lit.iter().map(|fact| fact.last).max(), Some(at_minute(20)));
    }
}

/// Leases have been renewed for long when a run begins: a fault in its first second finds each in its own round.
#[test]
fn a_fault_at_the_start_finds_every_lease_somewhere_in_its_round() {
    let mut told = story(3).placed("b,c", "a", "b").minutes(4).set("leader_election.informer_sync", "0s");
    told.plan.warm_up = SimDuration::from_secs(1);
    let at = sim_kernel::SimTime::ZERO + SimDuration::from_millis(500);
    for zone in [0, 2] {
        let change = Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: None };
        told.plan.steps.push(sim_eks::plan::Step { at, change });
    }
    let record = told.record();
    let gives_up = |name: &str| fact(&record, &format!("{name} in eu-west-1b cannot renew")).expect("no quorum").first;
    let names = ["kube-controller-manager", "cloud-controller-manager", "kube-scheduler"];
    let mut times = names.map(gives_up);
    times.sort_unstable();
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    let seconds = times.map(|time| time.saturating_since(sim_kernel::SimTime::ZERO).as_secs_f64());
    assert!(seconds.iter().all(|time| (8.0..11.0).contains(time)), "{seconds:?}");
}
