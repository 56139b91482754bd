//! The Cluster Autoscaler as a story: it needs its pod, AWS and capacity to act.

mod story;

use sim_eks::plan::{Change, ZoneId};
use sim_eks::quantity::Resources;
use sim_kernel::SimDuration;
use story::{Story, fact, measure, story};

/// Six nodes that hold 108 pods, and 300 pods from minute 7 on.
fn growing() -> Story {
    before_growth(|story| story)
}

/// The same, with something that happens before.
fn before_growth(what: impl FnOnce(Story) -> Story) -> Story {
    let mut story = story(6).with_autoscaler().minutes(30);
    story.plan.cluster.node_groups[0].max = 40;
    what(story).at(7, Change::ScaleDeployment { deployment: 0, replicas: 300 })
}

#[test]
fn pods_without_room_get_nodes_and_the_timeline_names_each_step() {
    let record = growing().record();
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
    let steps = [
        "no node has room",
        "scans: ",
        "decides: ",
        "node group general is scaled",
        "instance launched",
        "instance boots",
        "has joined",
        "node Ready",
        "no pod waits",
    ];
    let times: Vec<_> = steps.map(|step| fact(&record, step).unwrap_or_else(|| panic!("{step}")).first).to_vec();
    assert!(times.is_sorted(), "{times:?}");
    // 193 pods beyond the 107 that six nodes hold beside its own, 18 on a node: eleven nodes.
    assert_eq!(measure(&record, "nodes.launched"), 11.0);
}

#[test]
fn without_it_the_pods_stay_pending() {
    let mut plain = growing();
    plain.plan.autoscaler = None;
    let record = plain.record();
    assert!(measure(&record, "pods.pending.end") > 150.0);
    assert_eq!(measure(&record, "nodes.launched"), 0.0);
}

#[test]
fn while_its_pod_has_no_room_itself_nothing_scales() {
    let mut homeless = growing();
    homeless.plan.deployments[1].requests = Resources { milli_cpu: 64_000, memory_mib: 128 };
    assert_eq!(measure(&homeless.record(), "nodes.launched"), 0.0);
}

#[test]
fn a_group_without_capacity_is_given_up_after_a_quarter_of_an_hour_and_left_alone_for_five_minutes() {
    let lasts = Some(SimDuration::from_mins(18));
    let record = before_growth(|story| story.at(6, Change::CapacityShortage { zone: None, node_group: None, lasts }));
    let record = record.minutes(60).record();
    assert!(fact(&record, "finds no capacity").is_some());
    assert!(fact(&record, "gives up nodes of general").is_some());
    assert!(fact(&record, "all are full, backed off or do not fit").is_some());
    assert_eq!(measure(&record, "pods.pending.end"), 0.0, "it tries again once the back-off is over");
    let ready = measure(&record, "pods.ready.p99_without_room");
    assert!((1200.0..1320.0).contains(&ready), "15 minutes, 5 of back-off, a scan and a boot: {ready}");
}

#[test]
fn capacity_that_is_short_in_one_zone_comes_from_the_others() {
    let shortage = Change::CapacityShortage { zone: Some(ZoneId(0)), node_group: Some(0), lasts: None };
    let record = before_growth(|story| story.at(6, shortage)).record();
    assert_eq!(measure(&record, "pods.pending.end"), 0.0);
    assert!(fact(&record, "instance launched, eu-west-1a").is_none());
    assert!(fact(&record, "instance launched, eu-west-1b").is_some());
}

#[test]
fn neither_probes_nor_ties_change_what_it_does() {
    let plain = growing().record();
    assert_eq!(growing().mode(|modes| modes.probes_off = true).record().digest, plain.digest);
    let shuffled = growing().mode(|modes| modes.shuffle_ties = true).record();
    let facts = |record: &sim_eks::Record| record.measures.iter().map(|found| found.value).collect::<Vec<_>>();
    assert_eq!(facts(&shuffled), facts(&plain));
}
