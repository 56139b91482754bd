//! What the clients of the control plane see when a part of it dies, and which timer decides it.

mod story;

use sim_eks::plan::{Change, ZoneId};
use sim_kernel::SimDuration;
use story::{at_minute, fact, failed, measure, story, value, verb};

/// An unloaded write is exactly the sum of its parts: the way there, CPU, etcd by the direct member, the way back.
#[test]
fn the_latency_of_an_unloaded_write_is_the_sum_of_its_parts() {
    let calm = story(3).set("network.rtt_in_zone", "0.2ms").set("network.rtt_between_zones", "1ms").still().minutes(20);
    let record = calm.placed("a,b", "a", "a").record();
    let latency = verb(&record, "controllers", "renew leadership").latency_s.expect("renewals");
    // Loopback there and back 0.08 ms, CPU 2 ms; then through the leader 0.1 + 0.2 + max(fsync, 1 + fsync) + 0.1, through
    // a follower one round trip more.
    let direct = 0.08 + 2.0 + 0.1 + 0.2 + (1.0 + 0.55) + 0.1;
    let through_a_follower = 0.08 + 2.0 + 0.5 + 0.2 + 0.5 + (1.0 + 0.55) + 0.5 + 0.5;
    let mean_ms = latency[0] * 1e3;
    assert!(
        (direct - 0.02..=through_a_follower + 0.02).contains(&mean_ms),
        "{direct} <= {mean_ms} <= {through_a_follower}"
    );
    let expected = (direct + 2.0 * through_a_follower) / 3.0;
    assert!(
        (mean_ms - expected).abs() < 0.15,
        "{mean_ms} against {expected}: two calls in three go through a follower"
    );
}

#[test]
fn without_a_fault_every_request_succeeds_and_leases_come_every_ten_seconds() {
    let record = story(60).with_externals().record();
    assert_eq!(measure(&record, "api.availability"), 1.0);
    let renewals = verb(&record, "kubelet", "renew node lease");
    let expected = 60.0 * 55.0 * 60.0 / 10.0;
    assert!((renewals.sent as f64 / expected - 1.0).abs() < 0.01, "{} against {expected}", renewals.sent);
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

#[test]
fn the_first_minute_measures_as_the_tenth_does() {
    let mut calm = story(300).minutes(12);
    calm.plan.warm_up = SimDuration::ZERO;
    let record = calm.record();
    let p50 = record.series.iter().find(|series| series.name == "api.latency.p50.kubelet").expect("a series");
    let minute = |n: usize| p50.values[n * 6..(n + 1) * 6].iter().flatten().sum::<f64>() / 6.0;
    assert!((minute(0) / minute(9) - 1.0).abs() < 0.05, "{} and {}", minute(0), minute(9));
}

/// facts/control-plane.md, section 11: who was forwarded to, or proposed by, a leader that dies gets an error after
/// etcd's request time-out of 7 s; who comes when nobody leads waits for the election only.
#[test]
fn a_write_in_flight_at_the_leaders_death_fails_after_seven_seconds_and_is_not_merely_delayed() {
    let lost = story(300).placed("b,c", "a", "b").zone_a_goes_dark().minutes(20);
    let record = lost.record();
    let election = measure(&record, "etcd.election");
    assert!((0.9..2.2).contains(&election), "{election}");
    assert!(measure(&record, "etcd.writes_lost") > 5.0);
    let errors = fact(&record, "request of kubelet failed: 5xx").expect("lost writes fail");
    let after = errors.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((7.0..7.3).contains(&after), "{after}");
    let fast = lost.set("etcd.request_timeout", "1s").set("etcd.election_timeout", "500ms").record();
    let errors = fact(&fast, "request of kubelet failed: 5xx").expect("lost writes fail");
    let after = errors.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((2.0..2.3).contains(&after), "1 s and two election time-outs of 0.5 s: {after}");
    assert!(measure(&fast, "etcd.election") < 1.1);
}

/// A call to the dead member stalls until its connection is given up, ten seconds after the first such call.
#[test]
fn calls_to_a_dead_follower_stall_until_the_connection_is_given_up() {
    let lost =
        story(300).placed("b,c", "b", "b").zone_a_goes_dark().minutes(20).set("kubelet.heartbeat_timeout", "60s");
    let first_error = |record: &sim_eks::Record| {
        let errors = fact(record, "request of kubelet failed: 5xx").expect("stalled calls fail");
        errors.first.saturating_since(at_minute(10)).as_secs_f64()
    };
    let record = lost.record();
    assert_eq!((value(&record, "etcd.election"), measure(&record, "etcd.writes_lost")), (None, 0.0));
    assert!((10.0..10.5).contains(&first_error(&record)), "{}", first_error(&record));
    let patient = lost.set("etcd.member_give_up", "20s").record();
    assert!((20.0..20.5).contains(&first_error(&patient)), "{}", first_error(&patient));
}

/// facts/control-plane.md, section 7: a silent death is noticed 45 s after the last read, at read-idle 30 s and ping
/// time-out 15 s, and a dial to a dead address costs half of the dial time-out of 30 s.
#[test]
fn a_kubelet_notices_a_dead_server_by_its_read_idle_timer_and_loses_fifteen_seconds_at_a_dead_address() {
    let lost = story(300).placed("a,b", "c", "b").zone_a_goes_dark().minutes(20);
    let outage = |story: &story::Story| measure(&story.record(), "api.outage.kubelet");
    let default = outage(&lost);
    assert!((45.0..62.0).contains(&default), "last read up to 10 s before, 45 s, 15 s of dial: {default}");
    let quick = outage(&lost.clone().set("connection.read_idle", "10s"));
    assert!((default - quick - 20.0).abs() < 3.0, "20 s earlier: {default} and {quick}");
    let dial = outage(&lost.clone().set("connection.dial_timeout", "10s"));
    assert!((default - dial - 10.0).abs() < 4.0, "5 s instead of 15 s: {default} and {dial}");
    let unmoved = outage(&lost.set("nlb.health_check_interval", "10s"));
    assert_eq!(unmoved, default, "without cross-zone the dead NLB node checks nothing");
}

/// With cross-zone balancing the living NLB node resets the flows to the dead target once its checks have failed; so
/// there, or where a server dies alone, the health check decides. Otherwise nobody checks: the NLB node is dead too.
#[test]
fn target_health_checks_matter_with_cross_zone_balancing_or_when_a_server_dies_alone() {
    let base = story(300).placed("a,b", "c", "b").set("connection.read_idle", "10m").minutes(30);
    let with_zone = base.clone().zone_a_goes_dark();
    assert!(fact(&with_zone.record(), "finds its target").is_none());
    let alone = base.at(10, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None });
    for lost in [with_zone.set("nlb.cross_zone", "true"), alone] {
        let reset_after = |story: &story::Story| {
            let record = story.record();
            let verdict = fact(&record, "finds its target in eu-west-1a unhealthy").expect("a living NLB node checks");
            let reset = fact(&record, "connection of a kubelet reset").expect("open flows are reset");
            assert!(reset.first.saturating_since(verdict.first).as_secs_f64() < 0.1, "one way later");
            verdict.first.saturating_since(at_minute(10)).as_secs_f64()
        };
        assert!((40.0..=70.0).contains(&reset_after(&lost)), "n = 2, I = 30 s, T = 10 s");
        assert!((20.0..=30.0).contains(&reset_after(&lost.set("nlb.health_check_interval", "10s"))), "I = T = 10 s");
    }
}

/// The zonal address leaves DNS after check and publication, and resolvers forget it within the time to live.
#[test]
fn a_dead_address_leaves_dns_and_the_resolvers_forget_it_within_the_time_to_live() {
    let lost = story(3).placed("a,b", "c", "b").with_externals().zone_a_goes_dark().minutes(20);
    let last_silent = |story: &story::Story| {
        let record = story.record();
        let gone = fact(&record, "address in eu-west-1a leaves DNS").expect("withdrawn").first;
        let silent = fact(&record, "dial to the dead address").expect("dials to it").last;
        silent.saturating_since(gone).as_secs_f64()
    };
    let default = last_silent(&lost);
    assert!((15.0..=76.0).contains(&default), "a minute, and the 15 s of the dial: {default}");
    let short = last_silent(&lost.set("dns.ttl", "5s"));
    assert!(short <= 21.0, "{short}");
}

/// validation.md C10: one standby takes over after 13 to 23 s, on average 17.4 s, and then lists.
#[test]
fn the_controllers_leases_fail_over_in_about_seventeen_seconds() {
    let lost = story(3).placed("a,b", "c", "a").set("leader_election.informer_sync", "0s");
    let lost = lost.at(6, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None }).minutes(8);
    let times: Vec<f64> = lost.records(0..200).iter().map(|record| measure(record, "controllers.failover")).collect();
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (times.len() - 1) as f64;
    let standard_error = (variance / times.len() as f64).sqrt();
    assert!((mean - 17.36).abs() < 0.1 + 3.0 * standard_error, "{mean} +- {standard_error}");
    assert!(times.iter().all(|time| (12.9..=23.1).contains(time)), "{times:?}");
}

#[test]
fn a_holder_without_a_quorum_gives_up_and_nobody_acts_until_etcd_is_back() {
    let lost = story(3).placed("b,c", "c", "b").set("control_plane.repair", "false").minutes(40);
    let lasts = Some(SimDuration::from_mins(10));
    let lost = lost
        .at(10, Change::ZonePowerLoss { zone: ZoneId(0), lasts })
        .at(11, Change::EtcdMemberLoss { zone: Some(ZoneId(1)), lasts });
    let record = lost.record();
    assert!(fact(&record, "kube-controller-manager in eu-west-1b cannot renew its lease").is_some());
    assert!(measure(&record, "api.availability") < 0.9);
    assert!(measure(&record, "controllers.failover") > 400.0, "etcd has no quorum for nine minutes");
}

/// 5xx and 429 are not the only errors: what a client's log says depends on where its request was.
#[test]
fn errors_are_told_apart_by_what_the_client_saw() {
    let record = story(300).placed("a,b", "a", "a").with_externals().zone_a_goes_dark().record();
    let renewals = verb(&record, "kubelet", "renew node lease");
    for error in ["timed out", "connection lost", "5xx"] {
        assert!(failed(renewals, error) > 0, "{error}: {:?}", renewals.failed);
    }
    assert_eq!(failed(renewals, "429"), 0);
}

/// The share of living nodes of healthy zones that are marked NotReady because their lease hung on the dead server:
/// with a grace of 40 s every node on that server (lease age at least 45 s), with 50 s those that try the dead address
/// first (45 + 15 s), with 65 s none; with a read-idle of 10 s none either. Runs in which the controllers' leader
/// failed over are left out: a new leader's clocks begin anew. About ten runs of 200 living nodes: standard error
/// of the share below 0.02. There are no pods here, and the controllers' client is fast: at its usual rate the requests
/// about dead nodes and their pods hold up the look that would find living nodes, until their leases are renewed.
#[test]
fn living_nodes_turn_not_ready_as_the_timers_predict() {
    let lost = story(300).placed("a,b", "c", "b").zone_a_goes_dark().minutes(20);
    let mut lost = lost.set("controllers.qps", "10000").set("controllers.burst", "10000");
    lost.plan.deployments[0].replicas = 0;
    let share = |story: &story::Story| {
        let undisturbed = |record: &sim_eks::Record| value(record, "controllers.failover").is_none();
        let records: Vec<_> = story.records(0..16).into_iter().filter(undisturbed).collect();
        assert!(records.len() >= 8, "{} of 16", records.len());
        records.iter().map(|record| measure(record, "nodes.not_ready_falsely.share")).sum::<f64>()
            / records.len() as f64
    };
    let of = |path: &str, setting: &str| share(&lost.clone().set(path, setting));
    let grace = |setting: &str| of("node_lifecycle.grace_period", setting);
    assert!((grace("40s") - 0.50).abs() < 0.06, "{}", grace("40s"));
    assert!((grace("50s") - 0.25).abs() < 0.06, "{}", grace("50s"));
    assert_eq!(grace("65s"), 0.0);
    assert_eq!(of("connection.read_idle", "10s"), 0.0);
}

/// A new leader has no memory: where the controllers' leader dies with the zone, living nodes have renewed their leases
/// before its grace for them ends, and the dead ones turn NotReady at failover, lists and a full grace.
#[test]
fn a_new_controllers_leader_starts_every_clock_anew() {
    let lost = story(300).placed("a,b", "c", "a").zone_a_goes_dark().minutes(20);
    let record = lost.record();
    assert_eq!(measure(&record, "nodes.not_ready_falsely"), 0.0);
    let failover = measure(&record, "controllers.failover");
    let last = measure(&record, "nodes.last_not_ready");
    assert!(
        (failover + 100.0..failover + 110.0).contains(&last),
        "{failover} + 50 s + up to 5 s, and 100 nodes and their 1,000 pods at 20 requests a second: {last}"
    );
}

/// Probes look only; ties have no meaning; what is elided would have changed nothing.
#[test]
fn neither_probes_nor_ties_nor_elisions_change_a_fact() {
    let lost = story(90).placed("a,b", "a", "a").with_externals().zone_a_goes_dark();
    let plain = lost.record();
    let silent = lost.clone().mode(|modes| modes.probes_off = true).record();
    assert_eq!(silent.digest, plain.digest);
    let others: [fn(&mut sim_eks::plan::Modes); 3] = [
        |modes| modes.shuffle_ties = true,
        |modes| modes.explicit_heartbeats = true,
        |modes| modes.explicit_read_idle = true,
    ];
    for other in others {
        let record = lost.clone().mode(other).record();
        assert_ne!(record.digest, plain.digest, "it must be carried out in another way");
        assert_eq!(record.timeline, plain.timeline);
        assert_eq!((record.measures, record.series), (plain.measures.clone(), plain.series.clone()));
    }
}

/// A model that skips work is not fast: lease renewals = living nodes x seconds / 10, within 1 %.
#[test]
fn every_living_node_renews_its_lease_every_ten_seconds() {
    let mut story = story(300).placed("b,c", "b", "b").set("node_group.replace_instances", "false");
    story.plan.warm_up = SimDuration::ZERO;
    story.plan.steps.push(sim_eks::plan::Step {
        at: at_minute(10),
        change: Change::ZonePowerLoss { zone: ZoneId(0), lasts: None },
    });
    let renewals = verb(&story.record(), "kubelet", "renew node lease").succeeded as f64;
    let expected = (300.0 * 600.0 + 200.0 * 3000.0) / 10.0;
    assert!((renewals / expected - 1.0).abs() < 0.01, "{renewals} against {expected}");
}

/// Nothing is created or lost, and nothing is held by the dead.
#[test]
fn every_station_balances_at_the_end() {
    for (api_servers, etcd, controllers) in [("a,b", "a", "a"), ("b,c", "a", "b"), ("a,c", "b", "c")] {
        let record = story(60).placed(api_servers, etcd, controllers).with_externals().zone_a_goes_dark().record();
        for balance in &record.balances {
            assert!(balance.holds(), "{balance:?}");
        }
        for verb in record.clients.iter().flat_map(|client| &client.verbs) {
            assert!(verb.inside <= 20, "few requests are under way at the end: {verb:?}");
        }
    }
}

#[test]
fn a_clone_goes_on_as_its_original_and_a_branch_does_not() {
    use sim_study::Subject;
    let story = story(60).placed("a,b", "a", "a").zone_a_goes_dark();
    let mut original = story.start();
    original.run_until(at_minute(9)).expect("time goes on");
    let mut clone = original.clone();
    let mut branch = original.clone();
    branch.branch(1);
    let records = [&mut original, &mut clone, &mut branch].map(|run| {
        run.run_until(at_minute(60)).expect("time goes on");
        run.clone().finish()
    });
    assert_eq!(records[0], records[1]);
    assert_ne!(records[0].digest, records[2].digest);
    assert_eq!(records[0], story.record(), "in pieces as in one go");
}

#[test]
fn a_change_applied_to_a_fork_is_the_only_difference() {
    use sim_study::Subject;
    let story = story(60).placed("a,b", "a", "a").minutes(20);
    let mut calm = story.start();
    calm.run_until(at_minute(10)).expect("time goes on");
    let mut dark = calm.clone();
    dark.apply(&Change::ZonePowerLoss { zone: ZoneId(0), lasts: None });
    for run in [&mut calm, &mut dark] {
        run.run_until(at_minute(20)).expect("time goes on");
    }
    assert!(dark.level() > calm.level());
    let (calm, dark) = (calm.finish(), dark.finish());
    assert!(fact(&calm, "loses power").is_none() && fact(&dark, "loses power").is_some());
    let planned = story.zone_a_goes_dark().record();
    assert_eq!(measure(&dark, "etcd.election"), measure(&planned, "etcd.election"), "from one identical past");
}

/// etcd's answers may come after their request was given up, or another member was asked: a seat must not be handed back
/// twice. Leaders that die again and again, far apart, make such answers.
#[test]
fn late_answers_of_etcd_hand_no_seat_back_twice() {
    let mut story = story(12).with_externals().minutes(12).set("network.rtt_between_zones", "100ms");
    for second in (300..500).step_by(10) {
        let change = Change::EtcdMemberLoss { zone: None, lasts: Some(SimDuration::from_secs(3)) };
        story
            .plan
            .steps
            .push(sim_eks::plan::Step { at: sim_kernel::SimTime::ZERO + SimDuration::from_secs(second), change });
    }
    for record in story.records(0..12) {
        assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
    }
}

/// facts/control-plane.md, section 9: a consistent list from the cache waits 3 s for etcd, then fails.
#[test]
fn without_a_quorum_lists_fail_too_and_the_outages_last_to_the_end() {
    let mut lost = story(6).placed("a,b", "a", "a").with_externals().set("control_plane.repair", "false").minutes(30);
    for zone in [1, 2] {
        lost = lost.at(10, Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: None });
    }
    let record = lost.record();
    for (class, name) in [("admin", "list"), ("admin", "get"), ("ci", "apply")] {
        let verb = verb(&record, class, name);
        assert!(failed(verb, "5xx") as f64 > 0.7 * verb.sent as f64, "{verb:?}");
    }
    for class in ["kubelet", "admin", "ci", "controllers"] {
        let outage = measure(&record, &format!("api.outage.{class}"));
        assert!((1180.0..=1201.0).contains(&outage), "{class}: {outage}");
    }
    assert_eq!(measure(&record, "etcd.writes_lost"), 0.0, "the leader never died");
    assert!(measure(&record, "controllers.failover") > 1180.0, "nobody acts to the end");
}

#[test]
fn power_alone_does_not_bring_back_what_another_fault_holds_down() {
    let held = story(6).placed("a,b", "c", "b").minutes(60);
    let held = held.at(6, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None }).zone_a_goes_dark();
    let record = held.record();
    assert!(fact(&record, "power returns to zone eu-west-1a").is_some());
    assert!(fact(&record, "API server in eu-west-1a answers again").is_none());
}

/// A SYN is repeated after 1, 3, 7 and 15 s: a dial whose address comes back meanwhile need not be given up.
#[test]
fn a_waiting_dial_hears_that_its_address_is_back() {
    let mut lost = story(0).placed("a,b", "c", "b").with_externals().minutes(12).set("api_server.start_time", "0s");
    lost = lost.at(6, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: Some(SimDuration::from_secs(5)) });
    let longest = |story: &story::Story| verb(&story.record(), "admin", "get").latency_s.expect("some succeed")[3];
    let heard = longest(&lost.clone().set("admin.interval", "100ms"));
    assert!((3.0..8.0).contains(&heard), "a SYN sent just after the loss is heard at its third repetition: {heard}");
    let deaf = longest(&lost.set("admin.interval", "100ms").set("connection.syn_retry", "1m"));
    assert!((15.0..15.5).contains(&deaf), "{deaf}");
}
