//! What becomes of requests when etcd's members lose each other: cut off, split, without a quorum, and back.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, PartitionTarget, Step, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, failed, measure, story, value, verb};

fn partition(target: PartitionTarget, seconds: u64) -> Change {
    Change::EtcdPartition { target, lasts: Some(SimDuration::from_secs(seconds)) }
}

fn loss(zone: u8, seconds: u64) -> Change {
    Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: Some(SimDuration::from_secs(seconds)) }
}

/// API servers in b and c, the etcd leader in a, something at minute 10; nobody replaces what is dead.
fn with(change: Change) -> Story {
    let story = story(120).placed("b,c", "a", "b").with_externals().set("control_plane.repair", "false");
    story.minutes(20).at(10, change)
}

/// Seconds from minute 10 to the first and the last of a fact.
fn after(record: &Record, text: &str) -> (f64, f64) {
    let found = fact(record, text).unwrap_or_else(|| panic!("no fact says {text}"));
    let since = |at: sim_kernel::SimTime| at.saturating_since(at_minute(10)).as_secs_f64();
    (since(found.first), since(found.last))
}

/// facts/control-plane.md, section 11: a cut-off leader holds the writes that it got until it steps down after one to two
/// election time-outs, while the others elect another one; who asks the cut-off member gets an error after 7 s.
#[test]
fn a_leader_that_is_cut_off_steps_down_while_the_others_elect_another() {
    let record = with(partition(PartitionTarget::Leader, 60)).record();
    assert!((1.0..2.0).contains(&after(&record, "eu-west-1a steps down").0));
    assert!((0.9..2.5).contains(&after(&record, "elected for term 2").0));
    let renewals = verb(&record, "kubelet", "renew node lease");
    assert!(failed(renewals, "5xx") > 100, "a call in three asks the member in a: {:?}", renewals.failed);
    let (first, last) = after(&record, "request of kubelet failed: 5xx");
    assert!((7.0..7.3).contains(&first), "{first}");
    assert!((60.0..67.3).contains(&last), "{last}: until it reaches the others again, and whoever it held");
    assert!(fact(&record, "reach the others again").is_some());
}

/// A follower that is cut off takes nothing from the others; with pre-vote it does not depose the leader when it is back.
#[test]
fn a_follower_that_is_cut_off_changes_no_leader() {
    let cut = with(partition(PartitionTarget::Zone(ZoneId(2)), 60));
    let record = cut.record();
    assert_eq!(value(&record, "etcd.election"), None);
    assert!(fact(&record, "elected").is_none() && fact(&record, "steps down").is_none());
    assert!((7.0..7.3).contains(&after(&record, "request of kubelet failed: 5xx").0));
    let disturbed = cut.set("etcd.pre_vote", "false").record();
    assert!(after(&disturbed, "steps down").0 > 60.0, "the returning member's term is newer");
    assert!((60.0..67.0).contains(&after(&disturbed, "elected").0));
}

#[test]
fn members_that_are_all_apart_have_no_leader_and_elect_one_when_they_meet_again() {
    let record = with(partition(PartitionTarget::All, 60)).record();
    assert!((1.0..2.0).contains(&after(&record, "steps down").0));
    let elected = after(&record, "elected for term 2");
    assert!((60.0..64.0).contains(&elected.0), "{elected:?}");
    assert!((measure(&record, "etcd.election") - elected.0).abs() < 1e-6);
    assert!((7.0..70.0).contains(&after(&record, "request of kubelet failed: 5xx").1));
}

/// Two of three members die: the leader steps down, every request waits or fails; one returns, and both elect.
#[test]
fn a_lost_quorum_returns_with_one_member() {
    let lost = with(loss(1, 60)).at(10, loss(2, 500));
    let record = lost.set("etcd.member_start_time", "10s").record();
    assert!((1.0..2.0).contains(&after(&record, "etcd leader in eu-west-1a steps down").0));
    let elected = after(&record, "elected for term").0;
    assert!((70.0..74.0).contains(&elected), "{elected}");
    assert_eq!(measure(&record, "etcd.election"), elected);
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// facts/control-plane.md, section 11: what a client sees of a leader's death comes from who holds its request. What a
/// follower forwarded is lost; what waits at a follower for the next leader goes on; what is in other logs is committed.
#[test]
fn who_holds_a_request_decides_what_becomes_of_it_when_the_leader_dies() {
    let dies = |seed| {
        let loss = Change::EtcdMemberLoss { zone: None, lasts: Some(SimDuration::from_secs(60)) };
        story(600).placed("b,c", "a", "b").with_externals().minutes(12).seed(seed).at(10, loss).record()
    };
    let records: Vec<Record> = (0..12).map(dies).collect();
    let count = |text: &str| -> u64 { records.iter().filter_map(|record| fact(record, text)).map(|f| f.count).sum() };
    let forwarded = count("lost with the etcd leader: a follower had forwarded it");
    let waited = count("request that waited at an etcd member for a leader goes on");
    let lost: f64 = records.iter().map(|record| measure(record, "etcd.writes_lost")).sum();
    assert!(
        forwarded > 100 && waited > 10,
        "followers send on to the dead leader, until they know: {forwarded}, {waited}"
    );
    assert!(lost >= forwarded as f64);
    let failed: u64 = records.iter().map(|record| failed(verb(record, "kubelet", "renew node lease"), "5xx")).sum();
    assert!(failed as f64 >= 0.9 * lost, "each of them is an error after etcd's time-out: {failed} and {lost}");
}

/// Two zones are dark for twenty minutes: without a quorum nobody is evicted and nothing is written, and the pods of the
/// living zone serve on. With the zones the members return, elect, and everything is as before.
#[test]
fn two_zones_lost_cost_the_writes_and_their_own_pods_and_nothing_else() {
    let lasts = Some(SimDuration::from_mins(20));
    let mut lost =
        story(60).placed("a,c", "a", "a").with_externals().minutes(60).set("node_group.replace_instances", "false");
    for zone in [0, 1] {
        lost = lost.at(10, Change::ZonePowerLoss { zone: ZoneId(zone), lasts });
    }
    let record = lost.record();
    assert!(fact(&record, "no quorum could agree on another one").is_some());
    assert_eq!(measure(&record, "pods.evicted"), 0.0, "nobody is left who could evict");
    let elected = after(&record, "elected for term").0 / 60.0;
    assert!((20.0..22.0).contains(&elected), "when the second member is back: {elected} min");
    let outage = measure(&record, "api.outage.kubelet") / 60.0;
    assert!((20.0..24.0).contains(&outage), "the kubelets of the living zone write nothing meanwhile: {outage} min");
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
    let serving = measure(&record, "workload.availability");
    assert!((0.55..0.9).contains(&serving), "a third serves on for 20 of 50 minutes, two thirds do not: {serving}");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// A cut that is shorter than anybody's patience costs the commits under way some time, and nothing else: what the leader
/// took meanwhile is committed when it reaches a follower again.
#[test]
fn a_short_cut_delays_writes_and_loses_none() {
    let mut cut = with(partition(PartitionTarget::Leader, 60));
    cut.plan.steps[0].change =
        Change::EtcdPartition { target: PartitionTarget::Leader, lasts: Some(SimDuration::from_millis(400)) };
    let record = cut.record();
    assert_eq!(measure(&record, "etcd.writes_lost"), forwarded_lost(&record));
    assert!(fact(&record, "steps down").is_none());
    assert!(fact(&record, "is heard by a quorum again, after 0.").is_some(), "{:?}", value(&record, "etcd.election"));
    let longest = measure(&record, "etcd.election");
    assert!((0.4..0.51).contains(&longest), "until the leader's next tick: {longest}");
}

/// The writes that followers sent to the leader while nothing passed: nobody sends them again.
fn forwarded_lost(record: &Record) -> f64 {
    fact(record, "write in flight lost").map_or(0.0, |lost| lost.count as f64)
}

/// Faults of every kind among the members, half a minute apart.
fn turmoil(seed: u64) -> Story {
    let mut story = story(30).placed("b,c", "a", "b").with_externals().minutes(12).seed(seed);
    let changes = [
        partition(PartitionTarget::Leader, 15),
        Change::EtcdMemberLoss { zone: None, lasts: Some(SimDuration::from_secs(5)) },
        partition(PartitionTarget::Zone(ZoneId(1)), 12),
        partition(PartitionTarget::All, 5),
        loss(1, 20),
        loss(2, 8),
        partition(PartitionTarget::Leader, 1),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let at = at_minute(6) + SimDuration::from_secs(30) * number as u64;
        story.plan.steps.push(Step { at, change });
    }
    story
}

/// What happened and when. Facts of one instant stand in the order in which they were told.
fn told(record: &Record) -> Vec<(sim_kernel::SimTime, sim_kernel::SimTime, u64, String)> {
    let mut facts: Vec<_> =
        record.timeline.iter().map(|fact| (fact.first, fact.last, fact.count, fact.text.clone())).collect();
    facts.sort();
    facts
}

/// An elided heartbeat would have changed nothing, and equal times mean nothing: over many seeds, through leader death,
/// partition and quorum loss.
#[test]
fn explicit_heartbeats_and_shuffled_ties_change_no_fact() {
    let mut elections = 0;
    for seed in 0..25 {
        let plain = turmoil(seed).record();
        let elected = plain.timeline.iter().filter(|fact| fact.text.contains("elected"));
        elections += elected.map(|fact| fact.count).sum::<u64>();
        let explicit = turmoil(seed).mode(|modes| modes.explicit_heartbeats = true).record();
        assert_ne!(plain.digest, explicit.digest, "it must be carried out in another way");
        assert_eq!(explicit.timeline, plain.timeline, "seed {seed}");
        let shuffled = turmoil(seed).mode(|modes| modes.shuffle_ties = true).record();
        assert_eq!(told(&shuffled), told(&plain), "seed {seed}");
        for other in [explicit, shuffled] {
            assert_eq!((other.measures, other.series), (plain.measures.clone(), plain.series.clone()), "seed {seed}");
        }
        assert!(plain.balances.iter().all(|balance| balance.holds()), "{:?}", plain.balances);
    }
    assert!(elections > 100, "{elections}");
}
