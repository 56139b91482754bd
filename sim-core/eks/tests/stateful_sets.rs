//! StatefulSets: ordinals, volumes that bind their pods to a zone, and how long a pod waits for its volume.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, DisruptionBudget, WorkloadKind, ZoneId};
use sim_kernel::SimDuration;
use story::{Story, fact, measure, story, value, verb};

/// `nodes` nodes in zones a, b and c; a StatefulSet of `pods` pods with a volume each beside an empty Deployment.
fn database(nodes: u32, pods: u32) -> Story {
    let mut story = story(nodes).placed("b,c", "b", "b");
    story.plan.deployments[0].name = "db".to_owned();
    story.plan.deployments[0].replicas = pods;
    story.plan.deployments[0].control.kind = WorkloadKind::StatefulSet;
    story.plan.deployments[0].control.volume_gib = Some(20);
    story
}

fn minutes(text: &str, record: &Record) -> f64 {
    let fact = fact(record, text).unwrap_or_else(|| panic!("no fact {text}: {:#?}", record.timeline));
    fact.first.as_secs_f64() / 60.0
}

/// How long each pod was missed, by the facts that tell of its return.
fn missed(record: &Record) -> Vec<f64> {
    let back = record.timeline.iter().filter(|fact| fact.text.contains("is Ready again in"));
    let minutes = |text: &str| text.split(", ").last()?.split(' ').next()?.parse::<f64>().ok();
    back.filter_map(|fact| minutes(&fact.text)).collect()
}

/// Half of the six nodes of zone a stop; nobody replaces their instances.
fn three_nodes_die(story: Story) -> Story {
    story.at(10, Change::NodeLoss { zone: ZoneId(0), share: 0.5, lasts: None })
}

/// A node is drained, and its pod moves to another of its zone: about a minute, as it was measured
/// (kubernetes-sigs/aws-ebs-csi-driver issue 861), most of it the grace of the pod and the round of the kubelet's status.
#[test]
fn a_volume_moves_with_its_pod_in_about_a_minute() {
    let drained = database(9, 9).at(10, Change::DrainNodes { node_group: 0, nodes: 1 }).minutes(20);
    for record in drained.records(1..4) {
        for name in ["attach volume", "detach volume", "report volume attached"] {
            assert_eq!(verb(&record, "controllers", name).succeeded, 1, "{name}");
        }
        let pods = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        let missing = pods.values.iter().flatten().map(|serving| 9.0 - serving).sum::<f64>() * 10.0;
        assert!((20.0..90.0).contains(&missing), "seconds without the pod: {missing}");
        assert!(fact(&record, "by force").is_none());
    }
}

/// Nobody reports that the volumes of dead nodes are unmounted: six minutes after the pod is gone with its Node, they are
/// taken by force. With a node that is gone for good that took eight minutes from its end
/// (kubernetes-sigs/aws-ebs-csi-driver issue 861).
#[test]
fn the_volume_of_a_dead_node_is_forced_off_after_six_minutes() {
    let lost = three_nodes_die(database(18, 18)).minutes(60);
    let record = lost.clone().set("node_group.impaired_detection", "60s").record();
    assert_eq!(measure(&record, "nodes.deleted"), 3.0, "their instances were terminated");
    let wait = minutes("is still mounted by a Node that was deleted", &record);
    let forced = minutes("is detached by force: nobody has unmounted it for too long", &record);
    assert!((5.9..6.2).contains(&(forced - wait)), "{wait} and {forced}");
    let missed = missed(&record);
    assert_eq!(missed.len(), 3, "{missed:?}");
    assert!(missed.iter().all(|minutes| (7.5..11.0).contains(minutes)), "{missed:?}");
    let back = fact(&record, "is Ready again in eu-west-1a").expect("there are other nodes in the zone");
    assert!(back.cause.is_some());
    let impatient = lost.set("node_group.impaired_detection", "60s").set("volumes.unmount_wait", "1m").record();
    assert!(self::missed(&impatient).iter().all(|minutes| (2.5..6.0).contains(minutes)));
}

/// While a Node exists, nobody replaces a pod that stays Terminating on it: neither after the toleration nor ever. Who
/// deletes it by force waits for its volume still; who says that the node is out of service does not.
#[test]
fn people_free_the_pods_of_a_node_that_stays() {
    let lost = || three_nodes_die(database(18, 18)).set("node_group.replace_instances", "false").minutes(60);
    let left_alone = lost().record();
    assert_eq!((missed(&left_alone).len(), measure(&left_alone, "pods.recreated")), (0, 0.0));
    let forced = lost().at(20, Change::ForceDeletePods { deployment: 0 }).record();
    let out = lost().at(20, Change::OutOfService { zone: ZoneId(0), lasts: None }).record();
    for (record, least, most) in [(&forced, 16.0, 19.0), (&out, 10.1, 12.5)] {
        let missed = missed(record);
        assert_eq!(missed.len(), 3, "{missed:?}");
        assert!(missed.iter().all(|minutes| (least..most).contains(minutes)), "{missed:?}");
    }
    assert!(fact(&out, "by force: its node is out of service").is_some_and(|fact| fact.count == 1));
    assert_eq!(verb(&out, "controllers", "put node out of service").succeeded, 3);
    // Nobody waits for the toleration: 5 minutes earlier all the same.
    let early = lost().at(12, Change::OutOfService { zone: ZoneId(0), lasts: None }).record();
    assert!(missed(&early).iter().all(|minutes| (2.1..4.5).contains(minutes)), "{:?}", missed(&early));
}

/// The pods of a dark zone find no node: their volumes are there, and there only. They come back with the zone.
#[test]
fn a_volume_in_a_dead_zone_keeps_its_pod_pending() {
    let dark = |gib| {
        let mut story = database(9, 9).zone_a_goes_dark().minutes(80).set("node_group.power_return_spread", "10s");
        story.plan.deployments[0].control.volume_gib = gib;
        // A group for each zone: otherwise nobody launches in zone a once others have taken the place of its nodes.
        let groups = &mut story.plan.cluster.node_groups;
        for zone in 1..3 {
            let mut group = groups[0].clone();
            group.name = format!("zone-{zone}");
            (group.zones, group.subnets) = (vec![ZoneId(zone)], vec![usize::from(zone)]);
            groups.push(group);
        }
        (groups[0].zones, groups[0].subnets) = (vec![ZoneId(0)], vec![0]);
        groups.iter_mut().for_each(|group| group.desired = 3);
        story.record()
    };
    let (bound, free) = (dark(Some(20)), dark(None));
    let pending = minutes("is Pending: its volume lies in eu-west-1a", &bound);
    assert!((11.0..40.0).contains(&pending), "{pending}");
    let recovery = measure(&bound, "workload.recovery") / 60.0;
    assert!((30.0..50.0).contains(&recovery), "with the zone: {recovery}");
    let elsewhere = measure(&free, "workload.recovery") / 60.0;
    assert!(elsewhere < 25.0, "without volumes they run in other zones: {elsewhere}");
}

/// A new pod is placed first, its volume is created in that zone, and only then is it bound; the bill has all of them.
#[test]
fn a_volume_is_created_where_its_pod_is_placed() {
    let grown = database(9, 6).at(10, Change::ScaleDeployment { deployment: 0, replicas: 9 }).minutes(30);
    let slow = grown.clone().set("volumes.create_time", "60s").record();
    let record = grown.record();
    assert_eq!(measure(&record, "pods.recreated"), 3.0);
    assert_eq!(verb(&record, "controllers", "attach volume").succeeded, 3);
    let serving = |record: &Record| {
        let series = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        (60..180).find(|window| series.values[*window] == Some(9.0)).expect("they serve in the end") - 60
    };
    let (fast, waits) = (serving(&record), serving(&slow));
    assert!((15..25).contains(&(waits - fast)), "three times a minute, one after another: {fast} and {waits}");
    let claimed = record.bill.iter().find(|line| line.what.contains("claim")).expect("a line");
    let gib_hours = claimed.quantity * 730.0;
    let expected = 20.0 * (6.0 * 25.0 + 3.0 * 19.5) / 60.0;
    assert!((gib_hours - expected).abs() < 10.0, "{gib_hours} GiB-hours, about {expected}");
}

#[test]
fn a_node_takes_so_many_volumes_and_no_more() {
    let mut crowded = database(3, 12).set("volumes.per_node", "3").minutes(10);
    crowded.plan.deployments[0].control.is_parallel = true;
    let record = crowded.clone().at(6, Change::ScaleDeployment { deployment: 0, replicas: 13 }).record();
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert_eq!(serving.values[59], Some(9.0), "three on each of three nodes");
    let roomy = crowded.set("volumes.per_node", "4").record();
    let serving = roomy.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert_eq!(serving.values[59], Some(12.0));
}

/// From the highest ordinal down, each once the last is Ready again: one is away, and one that is Ready is not listed yet.
#[test]
fn a_rolling_update_takes_one_pod_after_another() {
    let updated = database(9, 9).at(10, Change::UpdateDeployment { deployment: 0 }).minutes(40);
    let record = updated.clone().record();
    assert_eq!(measure(&record, "pods.recreated"), 9.0);
    let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert!(serving.values.iter().flatten().all(|pods| *pods >= 7.0));
    let took = measure(&record, "deployments.rollout");
    assert!((9.0 * 31.0..9.0 * 90.0).contains(&took), "nine graces and more: {took}");
    assert!(fact(&record, "rolling update of db complete").is_some_and(|fact| fact.cause.is_some()));
    let mut without = updated;
    without.plan.deployments[0].control.volume_gib = None;
    let faster = measure(&without.record(), "deployments.rollout");
    assert!(faster + 9.0 < took, "nine times a mount, and an attachment where the pod finds another node: {faster}");
}

/// Parallel: nobody waits for another.
#[test]
fn a_parallel_stateful_set_grows_at_once() {
    let growth = |is_parallel| {
        let mut grown = database(9, 3).at(10, Change::ScaleDeployment { deployment: 0, replicas: 9 }).minutes(30);
        grown.plan.deployments[0].control.is_parallel = is_parallel;
        let record = grown.record();
        let series = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        (60..180).find(|window| series.values[*window] == Some(9.0)).expect("they serve in the end") - 60
    };
    let (in_order, at_once) = (growth(false), growth(true));
    assert!(at_once * 3 < in_order, "{at_once} and {in_order} windows of ten seconds");
}

/// A new leader of the controllers has no memory: the six minutes begin again.
#[test]
fn a_failover_of_the_controllers_lets_the_wait_begin_again() {
    let lost = |at| {
        let mut lost = three_nodes_die(database(18, 18)).set("node_group.impaired_detection", "60s").minutes(60);
        if let Some(minute) = at {
            lost = lost.at(minute, Change::ApiServerLoss { zone: None, lasts: Some(SimDuration::from_mins(5)) });
        }
        let missed = missed(&lost.record());
        missed.iter().sum::<f64>() / missed.len() as f64
    };
    let (calm, failed_over) = (lost(None), lost(Some(16)));
    assert!((1.5..6.5).contains(&(failed_over - calm)), "{calm} and {failed_over} minutes");
}

/// What is random about a volume is keyed by its ordinal: shuffled ties change no fact.
#[test]
fn ties_change_nothing() {
    let mut lost = three_nodes_die(database(18, 18)).set("node_group.impaired_detection", "60s").minutes(40);
    lost = lost.at(30, Change::OutOfService { zone: ZoneId(0), lasts: None });
    lost.plan.deployments[0].control.budget = Some(DisruptionBudget::MaxUnavailable(sim_eks::plan::Amount::Pods(1)));
    let calm = lost.record();
    let shuffled = lost.mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!((calm.measures, calm.timeline), (shuffled.measures, shuffled.timeline));
    assert_eq!(value(&lost_nothing(), "workload.recovery"), None);
}

fn lost_nothing() -> Record {
    database(3, 3).minutes(10).record()
}
