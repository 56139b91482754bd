//! A dead etcd member and its Auto Scaling group: in its zone the volume moves to another machine, from a dark zone the
//! member moves empty to another one, learns and votes.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, measure, story};

/// API servers in b and c, the etcd leader in b, calm until minute 10.
fn calm(minutes: u64) -> Story {
    story(60).placed("b,c", "b", "b").with_externals().minutes(minutes)
}

fn dark(zone: u8, minutes: u64) -> Change {
    Change::ZonePowerLoss { zone: ZoneId(zone), lasts: Some(SimDuration::from_mins(minutes)) }
}

fn loss(zone: u8, minutes: u64) -> Change {
    Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: Some(SimDuration::from_mins(minutes)) }
}

/// Seconds from minute 10 to a fact.
fn after(record: &Record, text: &str) -> f64 {
    let found = fact(record, text).unwrap_or_else(|| panic!("no fact says {text}: {:#?}", record.timeline));
    found.first.saturating_since(at_minute(10)).as_secs_f64()
}

/// Detection 60 s, launch 300 s, the volume 35 s: the member is back with its data long before the fault would end.
#[test]
fn a_member_in_a_living_zone_comes_back_with_its_volume() {
    let record = calm(30).still().at(10, loss(0, 60)).record();
    assert!((60.0..61.0).contains(&after(&record, "its volume moves to another one there")));
    let back = after(&record, "etcd member in eu-west-1a is back");
    assert!((394.0..396.0).contains(&back), "{back}");
    assert!(fact(&record, "learner").is_none());
    let alone = calm(30).set("control_plane.repair", "false").still().at(10, loss(0, 15)).record();
    assert!(after(&alone, "etcd member in eu-west-1a is back") > 900.0);
}

/// Its zone is dark: an empty member in another zone takes its place. The old one is removed first, the new one learns the
/// database (at 10 MiB/s) and votes; and when the zone returns, nobody there claims to be a member.
#[test]
fn a_member_of_a_dark_zone_moves_to_another_one() {
    let record = calm(50).still().at(10, dark(0, 30)).record();
    let launched = after(&record, "provider gives up the etcd member in eu-west-1a and launches an empty one");
    assert!((60.0..61.0).contains(&launched), "{launched}");
    let left = after(&record, "etcd member in eu-west-1a is removed: 2 of 2 decide");
    assert!((360.0..361.0).contains(&left), "{left}");
    let votes = after(&record, "has caught up and votes: 2 of 3 decide");
    assert!((2.0..15.0).contains(&(votes - left)), "20 MB and some seconds of patience: {}", votes - left);
    assert!(fact(&record, "etcd member in eu-west-1a is back").is_none());
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// With the third member replaced, etcd bears the loss of a second zone; with the dead one still in the list it does not.
#[test]
fn after_the_replacement_etcd_bears_the_loss_of_another_member() {
    let losses = |story: Story| story.at(10, dark(0, 60)).at(30, loss(2, 60)).set("etcd.detection", "20m").record();
    let soon = |story: Story| story.at(10, dark(0, 60)).at(30, loss(2, 60)).record();
    let whole = soon(calm(40).still());
    assert!(fact(&whole, "finds no etcd quorum").is_none());
    assert!(measure(&whole, "api.availability.kubelet") > 0.99);
    let lost = losses(calm(40).still());
    assert!(fact(&lost, "steps down").is_some());
    assert!(measure(&lost, "api.availability.kubelet") < measure(&whole, "api.availability.kubelet"));
}

/// Without a quorum nobody can agree on another member: the provider waits, and the return of the zone is the way out.
#[test]
fn without_a_quorum_no_member_is_replaced_elsewhere() {
    let record = calm(60).still().at(10, dark(0, 25)).at(10, dark(1, 25)).record();
    assert!(fact(&record, "no quorum could agree on another one").is_some());
    assert!(fact(&record, "learner").is_none() && fact(&record, "launches an empty one").is_none());
    assert!(after(&record, "etcd member in eu-west-1a is back") > 25.0 * 60.0);
    assert!(fact(&record, "elected").is_some());
}
