//! Each timer moves the figures that it should and leaves alone those that it should not: the zone that holds one of two
//! API servers and the etcd leader dies, and one parameter at a time is set otherwise.
//!
//! Draws are keyed by their travellers, so a figure that a parameter does not touch stays the same to the nanosecond.

mod story;

use sim_eks::Record;
use std::collections::BTreeSet;
use story::{at_minute, fact, story, value};

/// What is looked at: a name, and the figure in seconds after the zone's death.
type Figures = Vec<(&'static str, Option<f64>)>;

fn figures(record: &Record) -> Figures {
    let after = |text: &str| fact(record, text).map(|fact| fact.first.saturating_since(at_minute(10)).as_secs_f64());
    let last = |text: &str| fact(record, text).map(|fact| fact.last.saturating_since(at_minute(10)).as_secs_f64());
    vec![
        ("the election", value(record, "etcd.election")),
        ("the first error of a lost write", after("request of kubelet failed: 5xx")),
        ("the end of connections to the dead member", after("API server gives up its connection")),
        ("the first kubelet that gives its connection up", after("connection of a kubelet given up")),
        ("the last kubelet that gives its connection up", last("connection of a kubelet given up")),
        ("the first dial that stays unanswered", after("dial to the dead address")),
        ("the last dial that stays unanswered", last("dial to the dead address")),
        ("the withdrawal of the address", after("leaves DNS")),
        ("the verdict of health checks", after("finds its target")),
    ]
}

/// The names of the figures that differ.
fn moved(before: &Figures, after: &Figures) -> BTreeSet<&'static str> {
    before.iter().zip(after).filter(|(before, after)| before.1 != after.1).map(|(before, _)| before.0).collect()
}

#[test]
fn each_timer_moves_its_own_figures_and_no_others() {
    let mut lost = story(300).placed("a,b", "a", "b").with_externals().zone_a_goes_dark().minutes(20);
    lost.plan.clients.pop(); // without the CI system, whose retries would be other travellers
    let before = figures(&lost.record());
    let gives_up: &[&str] =
        &["the first kubelet that gives its connection up", "the last kubelet that gives its connection up"];
    let expectations: [(&str, &str, &[&str]); 13] = [
        ("etcd.election_timeout", "2s", &["the election", "the first error of a lost write"]),
        ("etcd.request_timeout", "3s", &["the first error of a lost write"]),
        ("etcd.member_give_up", "20s", &["the end of connections to the dead member"]),
        ("connection.read_idle", "20s", gives_up),
        ("connection.ping_timeout", "10s", gives_up),
        (
            "connection.dial_timeout",
            "20s",
            &["the first dial that stays unanswered", "the last dial that stays unanswered"],
        ),
        ("dns.ttl", "5s", &["the last dial that stays unanswered"]),
        ("nlb.address_check", "90s", &["the withdrawal of the address", "the last dial that stays unanswered"]),
        ("nlb.publication", "90s", &["the withdrawal of the address", "the last dial that stays unanswered"]),
        ("nlb.health_check_interval", "10s", &[]),
        ("nlb.unhealthy_threshold", "5", &[]),
        ("node_lifecycle.grace_period", "40s", &[]),
        ("leader_election.lease_duration", "20s", &[]),
    ];
    for (path, setting, expected) in expectations {
        let after = figures(&lost.clone().set(path, setting).record());
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(moved(&before, &after), expected, "{path} = {setting}\n{before:?}\n{after:?}");
    }
}
