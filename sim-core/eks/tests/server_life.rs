//! The life of an API server: what its clients see when it crashes, stops, is replaced, and how the load balancer follows.

mod story;

use sim_eks::plan::{Change, StorageChange, ZoneId};
use sim_eks::quantity::Tier;
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, failed, measure, story, value, verb};

/// A crashed process has a living machine: its kernel resets the open connections at once and refuses new ones, so clients
/// go on elsewhere within a second, long before a silent death would be noticed.
#[test]
fn a_crashed_process_resets_its_connections_and_refuses_new_ones_until_it_runs_again() {
    let base = story(60).placed("a,b", "c", "b").with_externals().minutes(20).set("admin.interval", "200ms");
    let record = base.clone().at(10, Change::ApiServerCrash { zone: Some(ZoneId(0)) }).record();
    let reset = fact(&record, "connection of a kubelet reset").expect("open connections are reset");
    assert!(reset.first.saturating_since(at_minute(10)).as_secs_f64() < 0.1);
    assert!(measure(&record, "api.outage.kubelet") < 1.0, "{}", measure(&record, "api.outage.kubelet"));
    let refused = fact(&record, "API server in eu-west-1a refuses new connections").expect("until it runs again");
    let back = fact(&record, "API server in eu-west-1a answers again").expect("it starts by itself").first;
    assert!((10.0..=30.0).contains(&back.saturating_since(at_minute(10)).as_secs_f64()));
    assert!(refused.last <= back);
    let gets = verb(&record, "admin", "get");
    assert_eq!(failed(gets, "dial timed out"), 0, "nobody waits for a dead address");
    assert_eq!(value(&record, "controllers.failover"), None, "the holders in b renew on");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// The components on the machine live on, but without their loopback: a holder gives up after its 10 s only if the process
/// is not back before.
#[test]
fn the_components_beside_a_crashed_process_live_on_without_their_loopback() {
    let base = story(6).placed("a,b", "c", "a").minutes(20);
    let crash = base.at(10, Change::ApiServerCrash { zone: None });
    let quick = crash.clone().set("api_server.restart_time", "5s").record();
    assert_eq!(value(&quick, "controllers.failover"), None, "renewed within the deadline");
    let slow = crash.set("api_server.restart_time", "60s").record();
    let gives_up = fact(&slow, "gives up and restarts").expect("the holder cannot renew");
    let after = gives_up.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((7.5..=10.1).contains(&after), "10 s after its last renewal: {after}");
    assert!(fact(&slow, "kube-controller-manager in eu-west-1b takes over").is_some());
}

/// `/readyz` asks etcd: without a quorum every target is unhealthy, flows are reset and the balancer fails open. A check
/// that only connects sees nothing.
#[test]
fn a_lost_quorum_makes_every_target_unhealthy_only_where_the_check_asks_readyz() {
    let mut lost = story(30).placed("a,b", "a", "a").with_externals().minutes(20);
    for zone in [1, 2] {
        lost = lost.at(10, Change::EtcdMemberLoss { zone: Some(ZoneId(zone)), lasts: None });
    }
    let asks = lost.record();
    for zone in ["a", "b"] {
        assert!(fact(&asks, &format!("finds its target in eu-west-1{zone} unhealthy")).is_some());
    }
    assert!(fact(&asks, "connection of a kubelet reset").is_some());
    assert!(failed(verb(&asks, "admin", "get"), "5xx") > 0, "it fails open: requests still reach the servers");
    let connects = lost.set("nlb.check_readyz", "false").record();
    assert!(fact(&connects, "finds its target").is_none());
    assert!(fact(&connects, "connection of a kubelet reset").is_none());
}

/// Counted from the end of a check, each failed check of a silent target costs its time-out and an interval.
#[test]
fn an_interval_from_the_end_of_a_check_finds_a_silent_target_later() {
    let lost = story(3)
        .placed("a,b", "c", "b")
        .minutes(20)
        .set("nlb.unhealthy_threshold", "5")
        .set("control_plane.repair", "false");
    let lost = lost
        .set("nlb.health_check_interval", "10s")
        .at(10, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None });
    let found = |story: &story::Story| {
        let record = story.record();
        let verdict = fact(&record, "finds its target in eu-west-1a unhealthy").expect("found").first;
        verdict.saturating_since(at_minute(10)).as_secs_f64()
    };
    for seed in 1..6 {
        let lost = lost.clone().seed(seed);
        assert!((50.0..=60.0).contains(&found(&lost)), "4 x 10 s + 10 s after the first one");
        assert!((90.0..=100.0).contains(&found(&lost.set("nlb.interval_from_end", "true"))), "4 x 20 s + 10 s");
    }
}

/// Several servers in a zone share its address; the loss of one resets its own flows only.
#[test]
fn several_api_servers_in_a_zone_share_its_flows() {
    let base = story(120).placed("a,b", "c", "b").set("api_server.count", "6").minutes(20);
    let record = base.clone().at(10, Change::ApiServerCrash { zone: Some(ZoneId(0)) }).record();
    let reset = fact(&record, "connection of a kubelet reset").expect("some are").count;
    assert!((8..=35).contains(&reset), "a sixth of 120 kubelets: {reset}");
    assert_eq!(record.placement.api_servers.len(), 6);
    let crowd = story(30).set("api_server.count", "12").record();
    assert!(crowd.balances.iter().all(|balance| balance.holds()), "{:?}", crowd.balances);
}

/// Requests of clients of the endpoint that failed because the last address that was tried refused.
fn refused(record: &sim_eks::Record) -> u64 {
    let outside = record.clients.iter().filter(|client| client.class != "controllers");
    outside.flat_map(|client| &client.verbs).map(|verb| failed(verb, "connection refused")).sum()
}

/// A dead instance is found and another one launched, in another zone where its own is dark; it becomes a target and gets
/// flows, and the old one does not come back with its zone.
#[test]
fn a_server_that_is_lost_with_its_zone_is_replaced_in_another_one() {
    let lost = story(60).placed("a,b", "c", "b").zone_a_goes_dark().set("control_plane.detection", "60s");
    let record = lost.clone().set("control_plane.launch_time", "300s").record();
    let replaced = fact(&record, "gives up the API server in eu-west-1a and launches another one in eu-west-1c");
    assert_eq!(replaced.expect("zone c holds none").first.saturating_since(at_minute(10)).as_secs_f64(), 60.0);
    let new = fact(&record, "API server in eu-west-1c starts: it is new").expect("it starts").first;
    assert_eq!(new.saturating_since(at_minute(10)).as_secs_f64(), 360.0);
    assert!(fact(&record, "address in eu-west-1c is in DNS again").is_some_and(|listed| listed.first > new));
    assert!(fact(&record, "API server in eu-west-1a answers again").is_none(), "it was given up");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
    let unrepaired = lost.set("control_plane.repair", "false").record();
    assert!(fact(&unrepaired, "gives up the API server").is_none());
    assert!(fact(&unrepaired, "API server in eu-west-1a answers again").is_some());
}

/// An instance that dies alone is replaced in its own zone.
#[test]
fn a_server_that_dies_alone_is_replaced_in_its_zone() {
    let lost = story(30).placed("a,b", "c", "a").at(10, Change::ApiServerLoss { zone: None, lasts: None });
    let record = lost.record();
    assert!(fact(&record, "gives up the API server in eu-west-1a and launches another one in eu-west-1a").is_some());
    let back = fact(&record, "API server in eu-west-1a starts: it is new").expect("replaced");
    let after = back.first.saturating_since(at_minute(10)).as_secs_f64();
    assert!((120.0..1500.0).contains(&after), "medians of 60 s and 300 s: {after}");
}

/// A graceful restart of all servers, one after another: nothing fails where the shutdown delay covers the worst case of
/// the health checks, (n + 1) I, and the balancer has seen each before the next one stops.
#[test]
fn a_graceful_restart_of_all_servers_is_not_seen_by_clients() {
    let base = story(60).placed("a,b", "c", "b").with_externals().minutes(40).set("nlb.health_check_interval", "10s");
    let restart = base.set("admin.interval", "500ms").set("dns.ttl", "5s").at(10, Change::RestartApiServers);
    let record = restart.set("control_plane.restart_gap", "180s").record();
    let exits = record.timeline.iter().filter(|fact| fact.text.contains("exits")).count();
    assert_eq!(exits, 2, "both restart");
    assert_eq!(refused(&record), 0);
    assert_eq!(measure(&record, "api.availability.kubelet"), 1.0);
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// An upgrade launches new servers, waits until the balancer finds them healthy, and stops the old ones one by one:
/// clients see next to nothing, and versions are mixed for a while.
#[test]
fn an_upgrade_replaces_all_servers_and_clients_see_next_to_nothing() {
    let upgrade = story(60).placed("a,b", "c", "b").with_externals().at(10, Change::UpgradeControlPlane);
    let record = upgrade.clone().record();
    let begins = fact(&record, "upgrade of the control plane to 1.35 begins").expect("asked for").first;
    let ends = fact(&record, "control plane runs 1.35 after").expect("it ends").first;
    let took = ends.saturating_since(begins).as_secs_f64() / 60.0;
    assert!((8.0..=27.0).contains(&took), "{took}");
    let new = record.timeline.iter().filter(|fact| fact.text.contains("starts: it is new")).count();
    let gone = record.timeline.iter().filter(|fact| fact.text.contains("its instance is terminated")).count();
    assert_eq!((new, gone), (2, 2));
    assert_eq!(measure(&record, "api.availability.kubelet"), 1.0);
    assert!(measure(&record, "api.availability.admin") > 0.999);
    let shuffled = upgrade.mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!(shuffled.timeline, record.timeline, "ties have no meaning");
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// One update at a time; a tier changes the servers and the price.
#[test]
fn a_tier_change_brings_other_servers_at_another_price_and_refuses_a_second_update() {
    let base = story(6).placed("a,b", "c", "b").at(10, Change::ChangeTier { tier: "4xl".parse().expect("a tier") });
    let record = base.at(12, Change::UpgradeControlPlane).record();
    assert!(fact(&record, "update of the control plane is refused: another one is in progress").is_some());
    let ends = fact(&record, "control plane is of the tier 4xl after").expect("it ends").first;
    let new = record.timeline.iter().filter(|fact| fact.text.contains("starts: it is new")).count();
    assert_eq!(new, 3, "a server a zone");
    let after = at_minute(60).saturating_since(ends).as_secs_f64() / 3600.0;
    let counted = 55.0 / 60.0;
    let expected = 0.10 * (counted - after) + 6.9 * after;
    assert!((measure(&record, "cost.control_plane") - expected).abs() < 1e-6);
}

/// New servers that do not come up: the provider returns to the old version.
#[test]
fn an_upgrade_whose_servers_do_not_come_up_returns() {
    let upgrade =
        story(6).placed("a,b", "c", "b").set("nlb.registration", "1h").set("control_plane.roll_patience", "1m");
    let record = upgrade.minutes(90).at(10, Change::UpgradeControlPlane).record();
    assert!(fact(&record, "the control plane returns to what it was").is_some());
    assert!(fact(&record, "control plane runs 1.35").is_none());
    assert_eq!(measure(&record, "api.availability.kubelet"), 1.0, "the old servers serve on");
}

/// A zone lost in the middle of an upgrade delays it, but does not stop it.
#[test]
fn a_zone_lost_in_the_middle_of_an_upgrade_delays_it() {
    let upgrade = story(30).placed("a,b", "c", "b").at(6, Change::UpgradeControlPlane).minutes(120);
    let record = upgrade.zone_a_goes_dark().record();
    let ends = fact(&record, "control plane runs 1.35 after").expect("it ends in spite of it").first;
    assert!(ends > at_minute(14));
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// A zonal shift by the provider takes the zone's address out of DNS; whoever is connected stays.
#[test]
fn a_zonal_shift_moves_new_flows_and_leaves_open_ones() {
    let lasts = Some(SimDuration::from_mins(10));
    let shift = Change::ZonalShift { zone: ZoneId(0), lasts };
    let record = story(60).placed("a,b", "c", "b").with_externals().minutes(30).at(10, shift).record();
    let gone = fact(&record, "address in eu-west-1a leaves DNS").expect("withdrawn").first;
    assert!(gone.saturating_since(at_minute(10)).as_secs_f64() <= 30.0);
    assert!(fact(&record, "address in eu-west-1a is in DNS again").expect("listed again").first >= at_minute(20));
    assert!(fact(&record, "connection of a kubelet").is_none(), "open flows stay");
    assert_eq!(measure(&record, "api.availability"), 1.0);
}

/// A reconnect storm queues on the cores: handshakes cost CPU time, and a client gives up after the TLS time-out. The
/// storm of watches that follows is kept small here: at twelve a node it takes a second of the core by itself.
#[test]
fn a_reconnect_storm_queues_on_the_cores_of_the_server_that_is_left() {
    let base = story(300)
        .placed("a,b", "c", "b")
        .minutes(15)
        .set("api_server.cores", "1")
        .set("kubelet.lease_renew_interval", "1s")
        .set("informer.kubelet_watches", "1");
    let crash = base.at(10, Change::ApiServerCrash { zone: Some(ZoneId(0)) }).set("api_server.restart_time", "10m");
    let longest = |cpu: &str| {
        let record = crash.clone().set("connection.tls_cpu", cpu).record();
        verb(&record, "kubelet", "renew node lease").latency_s.expect("renewals")[3]
    };
    let (light, heavy) = (longest("1ms"), longest("30ms"));
    // The handshakes alone are 4.35 s of work more; the lists of those that are back queue in both.
    assert!((2.5..6.5).contains(&(heavy - light)), "150 handshakes of 30 ms on one core: {light} and {heavy}");
    let storm = crash.set("connection.tls_cpu", "200ms").record();
    assert!(fact(&storm, "TLS handshake with the API server in eu-west-1b timed out").is_some());
}

/// A GOAWAY in one answer of a hundred moves a kubelet to another connection now and then, and nothing fails.
#[test]
fn goaway_moves_clients_to_other_connections_without_an_error() {
    let base = story(60).placed("a,b", "c", "b").minutes(30).set("connection.goaway_chance", "0.02");
    let record = base.record();
    assert_eq!(measure(&record, "api.availability"), 1.0);
    assert!(record.balances.iter().all(|balance| balance.holds()), "{:?}", record.balances);
}

/// A flow that is silent for longer than the balancer's idle time-out is forgotten: its next packet gets a reset. Clients
/// that ping every 30 s never meet that.
#[test]
fn the_balancer_forgets_a_flow_that_is_silent_for_longer_than_its_idle_time_out() {
    let quiet =
        story(12).set("kubelet.lease_renew_interval", "7m").set("node_lifecycle.grace_period", "20m").minutes(40);
    let quiet = quiet.set("kubelet.status_report_interval", "1d");
    let resets =
        |story: &story::Story| fact(&story.record(), "reset by the load balancer").map_or(0, |fact| fact.count);
    assert_eq!(resets(&quiet), 0, "pings keep it alive");
    let deaf = quiet.set("connection.read_idle", "1h");
    assert!(resets(&deaf) >= 12, "{}", resets(&deaf));
    assert_eq!(resets(&deaf.set("nlb.idle_timeout", "500s")), 0);
}

/// A standard control plane that is too small for some looks in a row is replaced by a larger one; a large cluster has
/// large servers from the start.
#[test]
fn a_standard_control_plane_grows_with_its_load() {
    let busy =
        story(120).placed("a,b", "c", "b").with_externals().set("admin.interval", "10ms").set("admin.list_share", "0");
    let busy = busy.set("api_server.get_cpu", "60ms").set("scaling.delay", "6m").set("control_plane.launch_time", "1m");
    let record = busy.clone().minutes(30).record();
    assert!(fact(&record, "standard control plane grows with its load").is_some());
    assert!(fact(&record, "control plane has its new size after").is_some());
    let fixed = busy.set("scaling.enabled", "false").minutes(30).record();
    assert!(fact(&fixed, "control plane grows").is_none());
}

/// awsdocs/amazon-eks-user-guide: a control plane whose database has more than 8 GB cannot return to the standard tier.
#[test]
fn a_large_database_bars_the_way_back_to_the_standard_tier() {
    let back = |bytes| {
        let mut story = story(6).minutes(40).set("control_plane.tier", "xl").set("etcd.quota_gb", "16");
        story = story.set("object_bytes.other", bytes);
        story.at(10, Change::ChangeTier { tier: Tier::Standard }).record()
    };
    let refused = back("8100000000");
    assert!(fact(&refused, "move to standard is refused: etcd's database has 8.10 GB, more than 8").is_some());
    assert!(fact(&refused, "move of the control plane").is_none());
    assert!(fact(&back("7900000000"), "move of the control plane from xl to standard begins").is_some());
}

/// An instance that leaves in an orderly way: its scheduler gives its lease back, its controller managers do not (KEP-5366,
/// off by default), so that a standby of theirs waits for the end of the lease.
#[test]
fn a_scheduler_that_is_stopped_gives_its_lease_back_and_a_controller_manager_does_not() {
    let takes_over = |record: &sim_eks::Record, component: &str| -> f64 {
        let text = format!("{component} in ");
        let found = record.timeline.iter().find(|fact| fact.text.contains(&text) && fact.text.contains("takes over"));
        let words: Vec<&str> = found.expect("a standby takes over").text.split(' ').collect();
        words[words.iter().position(|word| *word == "after").expect("it says so") + 1].parse().expect("seconds")
    };
    let upgrade = story(6).placed("a,b", "c", "b").at(10, Change::UpgradeControlPlane);
    let record = upgrade.record();
    let [scheduler, controllers] = ["kube-scheduler", "kube-controller-manager"].map(|of| takes_over(&record, of));
    assert!(scheduler < 9.0, "the next look of a standby, and its lists: {scheduler}");
    assert!((12.0..27.0).contains(&controllers), "{controllers}");
    let kept = upgrade.clone().set("leader_election.scheduler_releases", "false").record();
    assert!(takes_over(&kept, "kube-scheduler") > 12.0);
    let given = upgrade.set("leader_election.controllers_release", "true").record();
    assert!(takes_over(&given, "kube-controller-manager") < 9.0);
}

/// A tier sets the clients' rates of the components on its instances, and etcd's quota.
#[test]
fn another_tier_brings_its_rates_and_its_quota() {
    let moved = |story: Story, tier: Option<Tier>| match tier {
        Some(tier) => story.at(6, Change::ChangeTier { tier }),
        None => story,
    };
    // Windows from minute 40 on in which not all of 2,400 new pods serve.
    let growing = |tier| {
        let story = moved(story(300).placed("a,b", "c", "b").minutes(60), tier);
        let record = story.at(40, Change::ScaleDeployment { deployment: 0, replicas: 5400 }).record();
        let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        let from = (40.0 * 60.0 / serving.window_s) as usize;
        serving.values[from..].iter().flatten().filter(|pods| **pods < 5390.0).count()
    };
    let (standard, larger) = (growing(None), growing(Some(Tier::Xl)));
    assert!(standard > 2 * larger, "20 creations a second, or 180: {standard} and {larger} windows");
    let filled = |tier| {
        let story = moved(story(6).minutes(60).set("object_bytes.other", "7900000000"), tier);
        let what = StorageChange::Fill { per_second: 10, object_bytes: 100_000 };
        story.at(40, Change::EtcdStorage { what, lasts: Some(SimDuration::from_mins(10)) }).record()
    };
    assert!(fact(&filled(None), "raises the alarm NOSPACE at 8.00 GB").is_some());
    assert!(fact(&filled(Some(Tier::Xl)), "NOSPACE").is_none(), "16 GB");
}
