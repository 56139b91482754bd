//! Clients of the API among themselves and against what they lean on: authentication, webhooks, informers, retries.

mod story;

use sim_eks::plan::{Change, StsTrouble, Webhook, WebhookRules, WebhookTrouble, WorkloadCall, WorkloadClient, ZoneId};
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

/// facts/control-plane.md, section 7: watches of informers end after 300 to 600 s and begin anew where they ended.
#[test]
fn kubelets_watch_anew_every_five_to_ten_minutes_and_need_no_list_for_it() {
    let record = story(300).record();
    let watches = verb(&record, "kubelet", "watch");
    let expected = 300.0 * 55.0 * 60.0 / 450.0;
    assert!((watches.sent as f64 / expected - 1.0).abs() < 0.05, "{} against {expected}", watches.sent);
    assert!(lists(&record) == 0 && watches.failed.is_empty(), "{watches:?}");
}

fn lists(record: &sim_eks::Record) -> u64 {
    let kubelets = record.clients.iter().find(|client| client.class == "kubelet").expect("kubelets");
    kubelets.verbs.iter().find(|verb| verb.verb == "list for informers").map_or(0, |verb| verb.succeeded)
}

/// A flow that is reset lets its client watch on, if the next server remembers the changes since; one that is given up
/// for its silence, or whose changes are too old, makes it list again.
#[test]
fn a_reset_lets_kubelets_watch_on_and_a_silent_death_or_a_short_memory_makes_them_list() {
    let alone = story(300).placed("a,b", "c", "b").minutes(30).set("node_lifecycle.grace_period", "10m");
    let alone = alone.at(10, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None });
    let reset = alone.clone().set("connection.read_idle", "10m").set("watch_cache.window_min", "10000");
    assert!(fact(&reset.record(), "connection of a kubelet reset").expect("by the health check").count > 100);
    assert_eq!(lists(&reset.record()), 0);
    let forgetful = lists(&reset.set("watch_cache.window_min", "1").set("watch_cache.window_max", "1").record());
    let given_up =
        lists(&alone.set("watch_cache.window_min", "10000").set("nlb.reset_unhealthy_flows", "false").record());
    for relisted in [forgetful, given_up] {
        assert!((110..=190).contains(&relisted), "about half of 300 were on the dead server: {relisted}");
    }
}

/// What a server remembers begins with its process: who comes back to it after its return has seen too little.
#[test]
fn a_server_that_has_just_started_makes_its_watchers_list() {
    let both = |seconds| {
        let lasts = Some(SimDuration::from_secs(seconds));
        let story = story(90).placed("a,b", "c", "b").minutes(30).set("watch_cache.window_min", "10000");
        let story = story.set("api_server.start_time", "1s").set("informer.bookmark_period", "0s");
        let story = story.at(10, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts });
        story.at(10, Change::ApiServerLoss { zone: Some(ZoneId(1)), lasts })
    };
    let restarted = both(10).record();
    assert!(fact(&restarted, "connection of a kubelet reset").is_some(), "both return and know of no connection");
    assert_eq!(lists(&restarted), 90);
}

/// A new leader's informers list by real requests: what there is to list delays it.
#[test]
fn a_new_controllers_leader_acts_when_its_lists_are_there() {
    let lost = story(30).placed("a,b", "c", "a").still().minutes(12).set("leader_election.informer_sync", "0s");
    let lost = lost.at(6, Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None });
    let failover = |bytes: &str| {
        let record = lost.clone().set("object_bytes.pod", bytes).record();
        assert_eq!(verb(&record, "controllers", "list for informers").succeeded, 3, "three components");
        measure(&record, "controllers.failover")
    };
    // 363 objects of 1.5 MB: 545 MB at 300 MB/s, and compressed at 150 MB/s, by three components on four cores.
    let more = failover("1500000") - failover("100");
    assert!((more - 545.0 / 300.0 - 545.0 / 150.0).abs() < 0.1, "{more}");
}

fn operator(does: WorkloadCall, workers: u32, qps: u64) -> WorkloadClient {
    let (name, interval) = ("operator".to_owned(), SimDuration::ZERO);
    WorkloadClient {
        name,
        replicas: Some(1),
        workers,
        does,
        interval,
        qps,
        burst: 2 * qps,
        back_off: true,
        system: false,
    }
}

fn with(mut story: Story, workload: WorkloadClient) -> Story {
    story.plan.workloads.push(workload);
    story
}

/// client-go lets 5 requests a second go and 10 at once, if nobody asks for more.
#[test]
fn a_workload_client_sends_what_its_rate_limit_lets_go() {
    let sent = |qps| {
        let record = with(story(3), operator(WorkloadCall::Get, 4, qps)).minutes(15).record();
        assert_eq!(measure(&record, "api.availability.workload"), 1.0);
        verb(&record, "workload", "get").sent as f64
    };
    assert!((sent(5) / (5.0 * 600.0) - 1.0).abs() < 0.01, "{}", sent(5));
    assert!((sent(50) / (50.0 * 600.0) - 1.0).abs() < 0.01, "{}", sent(50));
}

#[test]
fn agents_list_at_their_interval_and_at_a_restart_and_die_with_their_nodes() {
    let agents = WorkloadClient {
        name: "agents".to_owned(),
        replicas: None,
        interval: SimDuration::from_mins(10),
        ..operator(WorkloadCall::List, 1, 5)
    };
    let calm = with(story(60), agents.clone()).minutes(35);
    let sent = |story: &Story| verb(&story.record(), "workload", "list pods").sent;
    assert_eq!(sent(&calm), 60 * 3);
    let restarted = sent(&calm.clone().at(20, Change::RestartWorkload { workload: 0 }));
    assert!((200..=220).contains(&restarted), "1.5 rounds before, then at minutes 20 and 30: {restarted}");
    let lost = calm.clone().at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None });
    let lost = sent(&lost.set("node_group.replace_instances", "false"));
    assert!((125..=135).contains(&lost), "20 agents of 60 end at minute 10 with their nodes: {lost}");
    let watching = WorkloadClient { does: WorkloadCall::Watch, ..agents };
    let record = with(story(60), watching).minutes(35).at(20, Change::RestartWorkload { workload: 0 }).record();
    assert_eq!(verb(&record, "workload", "list pods for an informer").sent, 60, "once, at the restart");
}

/// A webhook of its own Deployment beside the story's, of which two pods stand in one zone.
fn guarded(rules: WebhookRules, ignores_failure: bool) -> Story {
    let mut guarded = story(6).minutes(60).set("node_group.replace_instances", "false");
    guarded.plan.deployments[0].replicas = 20;
    guarded.plan.deployments.push(story::deployment("guard", 2));
    let timeout = SimDuration::from_secs(10);
    let name = "guard".to_owned();
    let webhook =
        Webhook { name, rules, deployment: Some(1), port: 443, exempts_itself: false, timeout, ignores_failure };
    guarded.plan.webhooks.push(webhook);
    guarded
}

/// With failurePolicy Fail nothing is created while the webhook is silent; with Ignore it takes the time-out longer.
#[test]
fn a_silent_webhook_stops_or_delays_what_it_reviews_and_nothing_else() {
    let scaled = |ignores_failure| {
        let silent = WebhookTrouble::Silent;
        let lasts = Some(SimDuration::from_mins(20));
        guarded(WebhookRules::Pods, ignores_failure)
            .at(10, Change::WebhookTrouble { webhook: 0, trouble: silent, lasts })
            .at(15, Change::ScaleDeployment { deployment: 0, replicas: 30 })
            .record()
    };
    let bound_after = |record: &sim_eks::Record| {
        let creations = verb(record, "controllers", "create pod");
        (creations.succeeded, failed(creations, "webhook failed"), creations.latency_s.expect("some succeed"))
    };
    let (created, refused, _) = bound_after(&scaled(false));
    // The webhook's 10 s and then the queue's 5 ms x 2^n: the 18th failure falls 835 s after the change, the next 1,500 s.
    assert!(created == 10 && refused == 18, "every failed sync tries one pod, and the pauses grow: {refused}");
    let record = scaled(true);
    let (created, refused, latency) = bound_after(&record);
    assert!(created == 10 && refused == 0 && (10.0..10.2).contains(&latency[1]), "{latency:?}");
    assert_eq!(measure(&record, "api.availability.kubelet"), 1.0);
}

/// A webhook that reviews its own pods and must answer cannot come back once all of them are gone.
#[test]
fn a_webhook_that_reviews_its_own_pods_never_returns_once_they_are_gone() {
    let pending = |exempts_itself, ignores_failure| {
        let mut lost = guarded(WebhookRules::Pods, ignores_failure).minutes(40);
        lost.plan.webhooks[0].exempts_itself = exempts_itself;
        lost = lost.at(10, Change::ScaleDeployment { deployment: 1, replicas: 0 });
        lost = lost.at(20, Change::ScaleDeployment { deployment: 1, replicas: 2 });
        lost = lost.at(30, Change::ScaleDeployment { deployment: 0, replicas: 25 });
        verb(&lost.record(), "controllers", "create pod").succeeded
    };
    assert_eq!(pending(false, false), 0, "neither its own pods nor the others");
    assert_eq!(pending(true, false), 7, "its own two first, then five others");
    assert_eq!(pending(false, true), 7);
}

/// A service lists dead pods until their nodes are NotReady: until then calls to them hang.
#[test]
fn calls_to_dead_pods_of_a_webhook_hang_until_their_node_is_not_ready() {
    let lost = guarded(WebhookRules::Pods, true).minutes(20);
    let lost = lost.at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None });
    let lost = lost.at(10, Change::ScaleDeployment { deployment: 0, replicas: 30 });
    let lost = lost.at(12, Change::ScaleDeployment { deployment: 0, replicas: 50 });
    let records = lost.records(0..6);
    let unanswered = records.iter().filter_map(|record| fact(record, "webhook guard does not answer"));
    let spans: Vec<f64> = unanswered.map(|fact| fact.last.saturating_since(at_minute(10)).as_secs_f64()).collect();
    assert!(spans.len() >= 2, "one of the two pods is in the zone in most runs");
    assert!(
        spans.iter().all(|span| *span < 60.0),
        "nothing hangs in minute 12, when the dead one is listed no more: {spans:?}"
    );
}

/// A webhook on every write, leases too: even one whose failure is ignored costs the leaders their leases when it hangs,
/// for they wait 5 s for a renewal and it is let pass after 10 s.
#[test]
fn a_hanging_webhook_on_every_write_takes_the_leaders_down_though_it_is_ignored() {
    let (trouble, lasts) = (WebhookTrouble::Silent, Some(SimDuration::from_mins(10)));
    let hung = |rules| {
        let story = guarded(rules, true).minutes(30);
        story.at(10, Change::WebhookTrouble { webhook: 0, trouble, lasts }).record()
    };
    let all = hung(WebhookRules::All);
    assert!(fact(&all, "cannot renew its lease").is_some() && measure(&all, "controllers.failover") > 500.0);
    assert!(failed(verb(&all, "kubelet", "renew node lease"), "timed out") > 0);
    assert_eq!(measure(&hung(WebhookRules::Pods), "api.availability"), 1.0);
}

/// Thirty minutes without an API server, which the provider does not replace: pods run on, nobody is evicted, and what is
/// wanted meanwhile comes late.
#[test]
fn half_an_hour_without_the_api_costs_a_healthy_service_nothing() {
    let lasts = Some(SimDuration::from_mins(30));
    let mut away = story(60).placed("a,b", "c", "b").minutes(60).set("control_plane.repair", "false");
    for zone in [0, 1] {
        away = away.at(10, Change::ApiServerLoss { zone: Some(ZoneId(zone)), lasts });
    }
    let record = away.record();
    assert_eq!((measure(&record, "workload.availability"), measure(&record, "pods.evicted")), (1.0, 0.0));
    assert_eq!(measure(&record, "nodes.not_ready_falsely"), 0.0, "whoever would say so is away too");
    assert!((1795.0..1900.0).contains(&measure(&record, "api.outage.kubelet")), "and the start of a server");
    let relisted = lists(&record);
    assert!((60..=75).contains(&relisted), "every kubelet lists again when it is back: {relisted}");
    let scaled = away.at(20, Change::ScaleDeployment { deployment: 0, replicas: 610 }).record();
    let created = verb(&scaled, "controllers", "create pod").succeeded;
    assert!(created == 10 && measure(&scaled, "pods.pending.end") == 0.0, "later, but all: {created}");
}
