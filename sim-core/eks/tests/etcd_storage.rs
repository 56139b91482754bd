//! What etcd's disks and its database do to the clients of the API.

mod story;

use sim_eks::plan::{Change, MemberChoice, StorageChange, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, failed, measure, story, value, verb};

/// Mean and median latency of lease renewals, ms.
fn renewal_ms(story: &Story) -> [f64; 2] {
    let record = story.record();
    assert_eq!(measure(&record, "api.availability"), 1.0, "slow is not down");
    let [mean, median, ..] = verb(&record, "kubelet", "renew node lease").latency_s.expect("renewals");
    [mean * 1e3, median * 1e3]
}

fn slow(story: &Story, member: MemberChoice) -> Story {
    let what = StorageChange::SlowDisk { member, fsync: None, times: 1 };
    story.clone().at(5, Change::EtcdStorage { what, lasts: None })
}

/// C2: one slow follower changes nothing for a commit, one slow leader everything. Who asks the slow follower itself, a
/// third of the calls, learns of the commit when that member has it on disk.
#[test]
fn a_followers_slow_disk_delays_no_commit_and_the_leaders_every_one() {
    let calm = story(100).minutes(15);
    let usual = renewal_ms(&calm);
    let follower = renewal_ms(&slow(&calm, MemberChoice::Follower));
    assert!(follower[1] - usual[1] < 2.0, "{follower:?} and {usual:?}: for the others the other follower is in time");
    assert!((5.0..15.0).contains(&(follower[0] - usual[0])), "{follower:?} and {usual:?}: a third of some 30 ms");
    let leader = renewal_ms(&slow(&calm, MemberChoice::Leader));
    let more = [leader[0] - usual[0], leader[1] - usual[1]];
    assert!(
        more.iter().all(|more| (15.0..60.0).contains(more)),
        "{leader:?} and {usual:?}: everybody waits some 30 ms"
    );
}

#[test]
fn a_slow_disk_may_have_any_law_and_is_well_again_after_its_time() {
    let calm = story(100).minutes(30).still();
    let [usual, _] = renewal_ms(&calm);
    let law = "30ms".parse().expect("a law");
    let what = StorageChange::SlowDisk { member: MemberChoice::Leader, fsync: Some(law), times: 1 };
    let lasts = Some(SimDuration::from_mins(5));
    let [slow, _] = renewal_ms(&calm.at(10, Change::EtcdStorage { what, lasts }));
    // A fifth of the 25 minutes that are counted has an fsync of 30 ms in place of half a millisecond.
    assert!(((slow - usual) - 29.0 / 5.0).abs() < 0.6, "{slow} and {usual}");
}

/// A leader whose log hangs sends no heartbeats: the others elect one of them after their patience of one to two seconds.
#[test]
fn a_leader_whose_disk_stalls_is_replaced_and_a_follower_whose_disk_stalls_is_not_missed() {
    let stalled = |member| {
        let what = StorageChange::StalledDisk { member };
        let lasts = Some(SimDuration::from_secs(30));
        story(100).minutes(15).at(10, Change::EtcdStorage { what, lasts }).record()
    };
    let leader = stalled(MemberChoice::Leader);
    let election = measure(&leader, "etcd.election");
    assert!((0.8..2.2).contains(&election), "{election}");
    let follower = stalled(MemberChoice::Follower);
    assert_eq!(value(&follower, "etcd.election"), None);
    let failed = 1.0 - measure(&follower, "api.availability");
    let asked_it = 30.0 / 600.0 / 3.0;
    assert!(failed < 1.2 * asked_it, "{failed}: only the third of the calls that asked it in 30 s of 10 min");
}

/// A cluster whose etcd has room for 0.2 GB, and a client that creates 10 MB a second from minute 10 on.
fn filling(repair_delay: &str) -> Story {
    let what = StorageChange::Fill { per_second: 20, object_bytes: 500_000 };
    let fill = Change::EtcdStorage { what, lasts: Some(SimDuration::from_mins(5)) };
    let story = story(30).placed("a,b", "c", "a").with_externals().minutes(40).at(10, fill);
    story.set("etcd.quota_gb", "0.2").set("etcd.repair_delay", repair_delay)
}

#[test]
fn at_the_quota_etcd_refuses_every_put_and_goes_on_with_reads_and_deletions() {
    let record = filling("1d").record();
    let alarm = fact(&record, "alarm NOSPACE").expect("0.17 GB are full after 17 s");
    let after = alarm.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((12.0..25.0).contains(&after), "{after}");
    let renewals = verb(&record, "kubelet", "renew node lease");
    let refused = failed(renewals, "5xx");
    assert!(refused as f64 > 0.5 * renewals.sent as f64, "{refused} of {}", renewals.sent);
    let reads = verb(&record, "admin", "get");
    assert_eq!(reads.succeeded + reads.inside, reads.sent, "reads go on");
    assert!((measure(&record, "etcd.alarm") / (30.0 * 60.0) - 1.0).abs() < 0.02, "to the end");
    assert!(measure(&record, "controllers.failover") > 29.0 * 60.0, "nobody can renew a leader's lease");
    assert_eq!(measure(&record, "pods.evicted"), 0.0, "who would write that?");
    assert_eq!(measure(&record, "workload.availability"), 1.0, "pods serve on");
    let size = measure(&record, "etcd.database_gb");
    assert!((0.19..=0.2).contains(&size), "{size}");
}

#[test]
fn deletion_compaction_defragmentation_of_every_member_and_disarming_bring_it_back() {
    let record = filling("10m").record();
    let times: Vec<f64> = ["begins to make room", "compacted", "is defragmented", "taken back"]
        .iter()
        .map(|text| fact(&record, text).unwrap_or_else(|| panic!("{text}")).first.as_nanos() as f64 * 1e-9)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let members = record.timeline.iter().filter(|fact| fact.text.contains("is defragmented")).count();
    assert_eq!(members, 3, "every member");
    let alarm = measure(&record, "etcd.alarm");
    assert!((600.0..640.0).contains(&alarm), "{alarm}");
    assert!(measure(&record, "controllers.failover") < 700.0, "then leaders are elected again");
    let series = record.series.iter().find(|series| series.name == "etcd.database_gb").expect("a series");
    let last = series.values.iter().flatten().next_back().expect("a value");
    assert!(*last < 0.08, "{last}: the files are small again");
}

/// Without defragmentation the files would stay as large as they are, and the alarm would be back at the next put.
#[test]
fn revisions_stay_for_five_to_ten_minutes() {
    let record = story(300).minutes(40).record();
    let series = record.series.iter().find(|series| series.name == "etcd.database_gb").expect("a series");
    let largest = measure(&record, "etcd.database_gb");
    // 30 renewals of 0.8 kB a second and a status each 5 min: some 7 MB in 5 min.
    let first = series.values[0].expect("a value");
    assert!((0.008..0.025).contains(&(largest - first)), "grew from {first} to {largest}");
    let late = series.values[series.values.len() - 60..]
        .iter()
        .flatten()
        .fold((1.0f64, 0.0f64), |(low, high), size| (low.min(*size), high.max(*size)));
    assert!(late.1 - late.0 < 1e-3, "the file neither grows nor shrinks any more: {late:?}");
}

/// facts/control-plane.md, section 16: with a journal there is no election, and no quorum among the members to lose.
#[test]
fn with_a_journal_one_member_is_enough_and_no_election_is_held() {
    let lose = |letter| Change::EtcdMemberLoss { zone: Some(ZoneId(letter)), lasts: None };
    let losing = story(100).placed("a,b", "a", "b").set("control_plane.repair", "false").minutes(20);
    let losing = losing.at(10, lose(0)).at(10, lose(1));
    let journal = losing.clone().set("etcd.backend", "journal").record();
    assert_eq!((value(&journal, "etcd.election"), measure(&journal, "etcd.writes_lost")), (None, 0.0));
    let raft = losing.record();
    let failing = |record: &sim_eks::Record| 1.0 - measure(record, "api.availability");
    // Calls to the dead members stall for ten seconds; then all go to the third.
    assert!(failing(&journal) < 0.03, "{}", failing(&journal));
    assert!(failing(&raft) > 0.3, "one of three is no quorum: {}", failing(&raft));
    assert!(measure(&journal, "controllers.failover") < 30.0 || value(&journal, "controllers.failover").is_none());
}

#[test]
fn a_write_takes_the_journals_time_and_no_fsync_of_a_member() {
    let calm = story(30).minutes(15).still().set("etcd.backend", "journal");
    let [fast, _] = renewal_ms(&calm);
    let [slow, _] = renewal_ms(&calm.clone().set("etcd.journal_latency", "22ms"));
    assert!((slow - fast - 20.0).abs() < 0.1, "{slow} and {fast}");
    let [unmoved, _] = renewal_ms(&calm.set("etcd.fsync", "50ms"));
    assert_eq!(unmoved, fast);
}

/// The seed document's way: one connection through a balancer. A member's death then costs nothing to who is connected to
/// another, and all to who is connected to it, until that connection is given up.
#[test]
fn through_a_balancer_a_members_death_hits_whole_api_servers_or_none() {
    let lost = |access: &str, seed| {
        let story = story(100).placed("a,b", "c", "b").minutes(20).seed(seed).set("etcd.access", access);
        let follower = Change::EtcdMemberLoss { zone: Some(ZoneId(1)), lasts: None };
        1.0 - measure(&story.at(10, follower).record(), "api.availability")
    };
    let direct: Vec<f64> = (0..12).map(|seed| lost("direct", seed)).collect();
    assert!(direct.iter().all(|failing| *failing > 0.0), "a third of the calls of every server: {direct:?}");
    let balanced: Vec<f64> = (0..12).map(|seed| lost("balancer", seed)).collect();
    let spared = balanced.iter().filter(|failing| **failing == 0.0).count();
    assert!((2..=9).contains(&spared), "neither of two servers is connected to it in 4 cases of 9: {balanced:?}");
    let worst = balanced.iter().fold(0.0f64, |worst, failing| worst.max(*failing));
    assert!(worst > 1.5 * direct.iter().sum::<f64>() / 12.0, "{worst} and {direct:?}");
}

/// etcd-io/website, op-guide/configuration.md: 1.5 MiB a request at most, whatever room there is; the client gets a 5xx.
#[test]
fn an_object_larger_than_a_request_may_be_is_refused_and_takes_no_room() {
    let filled = |object_bytes| {
        let what = StorageChange::Fill { per_second: 1, object_bytes };
        let lasts = Some(SimDuration::from_mins(5));
        story(6).minutes(20).at(10, Change::EtcdStorage { what, lasts }).record()
    };
    let (fits, exceeds) = (filled(1_572_864), filled(1_572_865));
    assert!(fact(&fits, "request is too large").is_none());
    let refused = fact(&exceeds, "write of 1.6 MB refused by etcd: request is too large").expect("it is refused");
    assert!((250..350).contains(&refused.count), "each of some 300: {refused:?}");
    assert!(refused.cause.is_some(), "the client that fills it");
    let [room, none] = [&fits, &exceeds].map(|record| measure(record, "etcd.database_gb"));
    assert!((0.4..0.6).contains(&(room - none)), "300 objects of 1.5 MB are 0.47 GB: {room} and {none} GB");
    assert_eq!(measure(&exceeds, "api.availability.kubelet"), 1.0);
}
