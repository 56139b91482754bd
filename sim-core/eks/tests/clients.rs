//! Clients of the API among themselves and against what they lean on: authentication, webhooks, informers, retries.

mod story;

use sim_eks::plan::{Change, StsTrouble};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, failed, measure, story, verb};

fn sts_fails(story: Story, trouble: StsTrouble, minutes: u64) -> Story {
    story.at(10, Change::StsTrouble { trouble, lasts: Some(SimDuration::from_mins(minutes)) })
}

/// facts/control-plane.md, section 8: the API server remembers an identity for 120 s, so kubelets are refused within two
/// minutes of an outage of STS, in all zones; who is known by a signature is not.
#[test]
fn an_outage_of_sts_refuses_every_kubelet_once_the_servers_have_forgotten_it() {
    let record = sts_fails(story(60).with_externals(), StsTrouble::Refuses, 20).minutes(45).record();
    let refused = fact(&record, "request of kubelet failed: 401").expect("kubelets are refused");
    assert!(refused.first.saturating_since(at_minute(10)).as_secs_f64() < 20.0, "the first soon: {refused:?}");
    assert_eq!(measure(&record, "nodes.not_ready"), 60.0);
    let last = measure(&record, "nodes.last_not_ready");
    assert!((120.0..=190.0).contains(&last), "120 s of memory, 50 s of grace: {last}");
    assert_eq!(measure(&record, "pods.evicted"), 0.0, "all zones are dark alike: nobody is evicted");
    assert_eq!(measure(&record, "api.availability.controllers"), 1.0);
    let gets = verb(&record, "admin", "get");
    let share = failed(gets, "401") as f64 / gets.sent as f64;
    assert!((share - 20.0 / 40.0).abs() < 0.06, "each command brings a token that nobody knows: {share}");
    let back: Vec<_> = record.timeline.iter().filter(|fact| fact.text.contains("node Ready again")).collect();
    assert!(back.iter().all(|fact| fact.first >= at_minute(30)), "{back:?}");
    assert_eq!(back.iter().map(|fact| fact.count).sum::<u64>(), 60, "all come back");
}

/// A token is remembered, not a kubelet: one that renews its token in the outage is refused, however long the memory.
#[test]
fn a_longer_memory_helps_until_the_token_is_renewed() {
    let long = sts_fails(story(300), StsTrouble::Refuses, 7).minutes(30).set("authentication.cache_ttl", "1d");
    let share = measure(&long.record(), "nodes.not_ready") / 300.0;
    let expected = (7.0 * 60.0 - 50.0) / (14.0 * 60.0);
    assert!((share - expected).abs() < 0.08, "{share} against {expected}: renewed early enough to be NotReady");
    let eternal = long.set("authentication.token_renewal", "15m").set("authentication.cache_ttl", "1s");
    assert_eq!(measure(&eternal.record(), "nodes.not_ready"), 300.0);
}

#[test]
fn a_silent_sts_shows_as_time_outs_and_a_slow_one_only_delays() {
    let silent = sts_fails(story(60).with_externals(), StsTrouble::Silent, 10).minutes(30).record();
    let renewals = verb(&silent, "kubelet", "renew node lease");
    assert!(failed(renewals, "timed out") > 0 && failed(renewals, "401") == 0, "10 s of patience, 30 s of webhook");
    assert!(failed(verb(&silent, "admin", "get"), "401") > 0, "kubectl waits for the webhook's 30 s");
    let slow = StsTrouble::Slow(SimDuration::from_secs(2));
    let record = sts_fails(story(60).with_externals(), slow, 10).minutes(30).record();
    assert_eq!(measure(&record, "api.availability"), 1.0);
    assert_eq!(measure(&record, "nodes.not_ready"), 0.0);
    assert!(measure(&record, "api.latency.p99.admin") > 2.0);
}
