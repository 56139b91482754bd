//! DaemonSets: one pod for each node, created when the node joins; a node is of use once its VPC CNI pod runs.

mod story;

use sim_eks::plan::{Change, DaemonSet, Webhook, WebhookRules, WebhookTrouble, ZoneId};
use sim_eks::quantity::Resources;
use sim_eks::record::Balance;
use sim_kernel::SimDuration;
use story::{Story, at_minute, fact, measure, story, value, verb};

/// A cluster whose VPC CNI is a DaemonSet.
fn with_cni(nodes: u32) -> Story {
    let mut story = story(nodes);
    let kube_proxy = story.plan.cluster.daemon_sets[0].clone();
    let aws_node = DaemonSet { name: "aws-node".to_owned(), brings_network: true, ..kube_proxy };
    story.plan.cluster.daemon_sets.insert(0, aws_node);
    story.plan.deployments[0].replicas = nodes * 5;
    story
}

fn grown(nodes: u32, more: u32) -> Story {
    with_cni(nodes).at(10, Change::ScaleNodeGroup { node_group: 0, desired: nodes + more }).minutes(20)
}

#[test]
fn a_new_node_gets_its_pods_by_requests_and_is_ready_once_its_network_runs() {
    let record = grown(6, 3).record();
    assert_eq!(measure(&record, "pods.daemons"), 6.0, "two for each of three nodes");
    assert_eq!(verb(&record, "controllers", "create pod").succeeded, 6);
    assert_eq!(verb(&record, "controllers", "bind pod").succeeded, 6);
    assert!(verb(&record, "controllers", "report DaemonSet status").succeeded > 0);
    assert!(record.balances.iter().all(Balance::holds), "{:#?}", record.balances);
}

#[test]
fn no_node_joins_while_pods_cannot_be_created() {
    let mut blocked = grown(6, 3);
    blocked.plan.webhooks.push(Webhook {
        name: "policy".to_owned(),
        rules: WebhookRules::Pods,
        deployment: None,
        exempts_itself: false,
        port: 443,
        timeout: SimDuration::from_secs(10),
        ignores_failure: false,
    });
    let trouble = WebhookTrouble::Refuses;
    let blocked = blocked
        .minutes(60)
        .at(5, Change::WebhookTrouble { webhook: 0, trouble, lasts: Some(SimDuration::from_mins(9)) });
    let record = blocked.record();
    let ready = fact(&record, "node Ready").expect("after the webhook is back");
    assert!(ready.first > at_minute(14), "{:?}", ready.first);
    let at_once = grown(6, 3).record();
    assert!(fact(&at_once, "node Ready").is_some_and(|ready| ready.first < at_minute(12)));
}

#[test]
fn pods_of_daemon_sets_stay_on_dead_nodes_and_go_with_the_node() {
    let dark = with_cni(9).at(10, Change::ZonePowerLoss { zone: ZoneId(0), lasts: None });
    let kept = dark.clone().set("node_group.replace_instances", "false").minutes(40).record();
    assert_eq!(measure(&kept, "pods.evicted"), 15.0, "five of each of three nodes, none of a DaemonSet");
    assert_eq!(measure(&kept, "pods.daemons"), 0.0);
    let replaced = dark.set("node_group.impaired_detection", "2m").minutes(40).record();
    assert_eq!(measure(&replaced, "pods.daemons"), 6.0, "two for each of three new nodes");
    assert!(replaced.balances.iter().all(Balance::holds), "{:#?}", replaced.balances);
}

#[test]
fn a_daemon_set_that_is_created_later_comes_to_every_node_at_the_rate_of_its_controller() {
    let mut rolled_out = with_cni(60).minutes(15);
    rolled_out.plan.cluster.daemon_sets.push(DaemonSet {
        name: "agent".to_owned(),
        requests: Resources { milli_cpu: 50, memory_mib: 64 },
        created: Some(at_minute(10)),
        ..DaemonSet::default()
    });
    let record = rolled_out.record();
    assert_eq!(measure(&record, "pods.daemons"), 60.0);
    assert!(fact(&record, "DaemonSet agent is created").is_some());
    let shuffled = rolled_out.clone().mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!(record.measures, shuffled.measures);
    let tainted = sim_eks::plan::Taint {
        key: "gpu".to_owned(),
        value: String::new(),
        effect: sim_eks::plan::TaintEffect::NoSchedule,
    };
    rolled_out.plan.cluster.node_groups[0].taints.push(tainted);
    assert_eq!(measure(&rolled_out.record(), "pods.daemons"), 0.0, "it does not tolerate the nodes' taint");
}

#[test]
fn a_node_that_reboots_starts_its_own_pods_first() {
    let lasts = Some(SimDuration::from_mins(2));
    let record = with_cni(6)
        .set("node_group.replace_instances", "false")
        .at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts })
        .minutes(30)
        .record();
    assert_eq!(measure(&record, "pods.daemons"), 0.0, "the old ones start again");
    assert!(value(&record, "workload.recovery").is_some_and(|recovery| recovery < 600.0));
    assert!(fact(&record, "node Ready again").is_some());
}

/// One node after another is without the pod of an updated DaemonSet, unless it may be more; each pod's image is pulled anew.
#[test]
fn a_rolling_update_goes_from_node_to_node() {
    let updated = |most: &str| {
        let updated = with_cni(9).at(10, Change::UpdateDaemonSet { daemon_set: 1 }).minutes(60);
        updated.set("controllers.daemon_set_max_unavailable", most).record()
    };
    let took = |record: &sim_eks::Record| {
        let end = fact(record, "rolling update of DaemonSet kube-proxy complete").expect("it ends");
        (end.first - at_minute(10)).as_secs_f64()
    };
    let (one, three) = (updated("1"), updated("3"));
    for record in [&one, &three] {
        assert_eq!(measure(record, "pods.daemons"), 9.0);
        assert_eq!(verb(record, "controllers", "delete pod").succeeded, 9);
        assert!(record.balances.iter().all(Balance::holds), "{:#?}", record.balances);
    }
    assert!((9.0 * 31.0..9.0 * 60.0).contains(&took(&one)), "nine graces and more: {}", took(&one));
    assert!(took(&three) * 2.0 < took(&one), "{} and {}", took(&three), took(&one));
}

/// A node that is not Ready counts as without its pod: the update waits for it.
#[test]
fn a_rolling_update_waits_while_a_node_is_away() {
    let dark = with_cni(9).set("node_group.replace_instances", "false").minutes(30);
    let dark = dark.at(10, Change::NodeLoss { zone: ZoneId(0), share: 1.0, lasts: None });
    let record = dark.at(15, Change::UpdateDaemonSet { daemon_set: 1 }).record();
    assert!(fact(&record, "rolling update of DaemonSet").is_none());
    let deleted = verb(&record, "controllers", "delete pod").succeeded;
    assert_eq!(deleted - measure(&record, "pods.evicted") as u64, 3, "only those that are not Ready");
}
