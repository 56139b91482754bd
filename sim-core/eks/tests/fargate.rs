//! Pods on Fargate: each has a node of its own, which comes and goes with it, wherever faults strike.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Change, FargateProfile, FargateSelector, NatMode, Network, VpcLayout, ZoneId};
use sim_eks::quantity::Resources;
use sim_kernel::SimDuration;
use story::{Story, deployment, fact, measure, story};

/// So many nodes, and a Fargate profile for the namespace `serverless`, in private subnets of three zones, with so many
/// pods there beside the usual ones. Each zone has a way out of its own.
fn on_fargate(nodes: u32, replicas: u32) -> Story {
    let mut story = story(nodes).placed("b,c", "b", "b").minutes(30);
    let layout = VpcLayout { nat: NatMode::HighlyAvailable, ..VpcLayout::default() };
    story.plan.cluster.network = Network::new(&story.plan.cluster.zones, &layout);
    let zones = vec![ZoneId(0), ZoneId(1), ZoneId(2)];
    let subnets = story.plan.cluster.network.subnets_in(&zones, false);
    let selectors = vec![FargateSelector { namespace: "serverless".to_owned(), labels: Default::default() }];
    story.plan.cluster.fargate_profiles = vec![FargateProfile { name: "fp".to_owned(), selectors, zones, subnets }];
    let mut own = deployment("api", replicas);
    own.namespace = "serverless".to_owned();
    story.plan.deployments.push(own);
    story
}

fn scaled(story: Story, minute: u64, replicas: u32) -> Story {
    story.at(minute, Change::ScaleDeployment { deployment: 1, replicas })
}

/// The last value of a series.
fn last(record: &Record, name: &str) -> f64 {
    let series = record.series.iter().find(|series| series.name == name).expect("a series");
    series.values.last().copied().flatten().expect("a value")
}

#[test]
fn each_pod_has_a_node_of_its_own_that_goes_with_it_and_no_daemons_there() {
    let record = scaled(scaled(on_fargate(3, 6), 5, 15), 15, 4).record();
    assert_eq!(measure(&record, "fargate.micro_vms"), 15.0);
    assert_eq!(measure(&record, "fargate.vcpus.max"), 15.0 * 0.25);
    assert_eq!((last(&record, "nodes.ready"), last(&record, "pods.serving")), (3.0 + 4.0, 30.0 + 4.0));
    assert_eq!(measure(&record, "pods.daemons"), 0.0);
    assert_eq!(measure(&record, "nodes.not_ready"), 0.0);
    let seconds = measure(&record, "fargate.placed.max");
    assert!((30.0..120.0).contains(&seconds), "a pod is placed after {seconds} s");
}

#[test]
fn what_no_profile_selects_stays_pending_where_there_are_no_nodes() {
    let mut story = on_fargate(0, 5);
    story.plan.deployments[0].replicas = 3;
    let record = story.record();
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (5.0, 3.0));
    assert!(fact(&record, "no node has room for a pod of web and no Fargate profile selects it").is_some());
}

#[test]
fn a_pod_that_is_larger_than_any_size_or_asks_for_a_gpu_stays_pending() {
    let mut story = on_fargate(0, 2);
    story.plan.deployments[1].requests = Resources { milli_cpu: 17_000, memory_mib: 1 };
    let record = story.record();
    assert!(fact(&record, "Fargate has no size for a pod of api").is_some());
    assert_eq!(measure(&record, "pods.pending.end"), 2.0);
    let mut story = on_fargate(0, 2);
    story.plan.deployments[1].control.placing.gpus = 1;
    assert_eq!(measure(&story.record(), "pods.pending.end"), 2.0);
}

#[test]
fn labels_select_as_well_as_namespaces() {
    let mut story = on_fargate(3, 4);
    let selector = &mut story.plan.cluster.fargate_profiles[0].selectors[0];
    selector.labels.insert("on".to_owned(), "fargate".to_owned());
    assert_eq!(measure(&story.record(), "fargate.micro_vms"), 0.0, "they run on the nodes");
    story.plan.deployments[1].control.labels.insert("on".to_owned(), "fargate".to_owned());
    assert_eq!(measure(&story.record(), "fargate.micro_vms"), 4.0);
}

#[test]
fn no_more_vcpus_run_than_the_quota_and_what_waits_comes_when_some_end() {
    let story = scaled(on_fargate(0, 0), 5, 10).set("fargate.vcpus", "1").set("fargate.launch_retry", "20s");
    let record = story.record();
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (4.0, 6.0));
    assert!(fact(&record, "Fargate refuses a launch, and is asked again: its quota of 1 vCPUs").is_some());
    let mut other = deployment("other", 3);
    other.namespace = "serverless".to_owned();
    let mut story = scaled(on_fargate(0, 0), 5, 4).set("fargate.vcpus", "1");
    story.plan.deployments.push(other);
    let record = story.at(15, Change::ScaleDeployment { deployment: 2, replicas: 0 }).record();
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (4.0, 0.0));
    assert_eq!(measure(&record, "fargate.vcpus.max"), 1.0);
}

/// A zone with three of nine pods loses its power for ten minutes: what was there does not come back with it.
#[test]
fn the_pods_of_a_lost_zone_are_replaced_onto_new_micro_vms_elsewhere() {
    let lasts = Some(SimDuration::from_mins(10));
    let record = on_fargate(0, 9).at(5, Change::ZonePowerLoss { zone: ZoneId(0), lasts }).record();
    assert_eq!(measure(&record, "fargate.micro_vms"), 9.0 + 3.0);
    assert_eq!((last(&record, "pods.serving"), last(&record, "nodes.ready")), (9.0, 9.0));
    assert_eq!(measure(&record, "nodes.deleted"), 3.0);
    let recovery = measure(&record, "workload.recovery");
    assert!((60.0..900.0).contains(&recovery), "{recovery}");
}

/// Power that is back before anybody has found the micro-VMs dead does not bring them back.
#[test]
fn a_micro_vm_does_not_boot_again_when_its_zone_has_power_again() {
    let lasts = Some(SimDuration::from_secs(60));
    let story = on_fargate(0, 9).at(5, Change::ZonePowerLoss { zone: ZoneId(0), lasts });
    let story = story.set("node_group.power_return_spread", "10s").set("node_group.impaired_detection", "200s");
    let record = story.record();
    assert_eq!(measure(&record, "fargate.micro_vms"), 9.0 + 3.0);
    assert_eq!((last(&record, "pods.serving"), last(&record, "nodes.ready")), (9.0, 9.0));
}

/// Micro-VMs that boot in a zone as it loses its power never register: their pods are launched elsewhere.
#[test]
fn a_micro_vm_that_dies_before_its_pod_is_bound_is_launched_anew() {
    let mut story = scaled(on_fargate(0, 0), 5, 30).set("fargate.boot_time", "60s");
    let at = story::at_minute(5) + SimDuration::from_secs(40);
    let change = Change::ZonePowerLoss { zone: ZoneId(0), lasts: None };
    story.plan.steps.push(sim_eks::plan::Step { at, change });
    let record = story.record();
    assert_eq!(measure(&record, "fargate.micro_vms"), 30.0 + 10.0);
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (30.0, 0.0));
}

/// The leader of the controllers and of the Fargate scheduler dies while the first micro-VMs boot.
#[test]
fn a_new_fargate_scheduler_goes_on_where_the_old_one_was() {
    let mut story = scaled(on_fargate(0, 0), 5, 100).placed("a,b", "c", "a");
    let at = story::at_minute(5) + SimDuration::from_secs(30);
    let change = Change::ApiServerLoss { zone: Some(ZoneId(0)), lasts: None };
    story.plan.steps.push(sim_eks::plan::Step { at, change });
    let record = story.record();
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (100.0, 0.0));
}

/// The Cluster Autoscaler brings nodes for what Fargate does not take, and takes none of Fargate's for its own.
#[test]
fn a_cluster_autoscaler_and_fargate_leave_each_other_alone() {
    let story =
        scaled(on_fargate(3, 0), 5, 40).with_autoscaler().set("cluster_autoscaler.scale_down_unneeded_time", "60s");
    let record = story.at(5, Change::ScaleDeployment { deployment: 0, replicas: 70 }).record();
    assert_eq!((last(&record, "pods.serving"), measure(&record, "pods.pending.end")), (40.0 + 70.0 + 1.0, 0.0));
    assert_eq!(measure(&record, "fargate.micro_vms"), 40.0);
    assert!(measure(&record, "nodes.launched") > 0.0);
}

#[test]
fn fargate_is_billed_by_size_and_time() {
    let mut story = on_fargate(0, 8);
    story.plan.deployments[1].requests = Resources { milli_cpu: 1000, memory_mib: 8 * 1024 };
    let hour = 0.120965; // as the documents have it for us-east-1
    story.plan.cluster.region = "us-east-1".to_owned();
    let cost = measure(&story.record(), "cost.fargate");
    assert!((cost - 8.0 * hour * 25.0 / 60.0).abs() < 1e-6, "{cost}");
}

/// Subnets of eleven addresses in each zone: never more pods than addresses, and none of these is lost for good.
#[test]
fn no_address_is_owned_by_two_and_none_is_lost() {
    for seed in 0..6 {
        let mut story = on_fargate(0, 6).seed(seed).minutes(60);
        for (index, place) in story.plan.cluster.fargate_profiles[0].subnets.clone().into_iter().enumerate() {
            story.plan.cluster.network.subnets[place].cidr = format!("10.9.{index}.0/28").parse().expect("a range");
        }
        story.plan.cluster.network.control_plane_subnets = vec![0, 1];
        let lasts = Some(SimDuration::from_mins(8 + seed));
        let zone = ZoneId((seed % 3) as u8);
        let record = scaled(scaled(scaled(story, 3, 50), 25, 5 + seed as u32), 35, 60)
            .at(8, Change::ZonePowerLoss { zone, lasts })
            .at(30, Change::NodeLoss { zone, share: 0.5, lasts: None })
            .record();
        let serving = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
        assert!(serving.values.iter().flatten().all(|pods| *pods <= 33.0), "eleven addresses in each of three subnets");
        assert_eq!(last(&record, "pods.serving"), 33.0, "seed {seed}");
        assert!(fact(&record, "no zone of it has power and a free address").is_some());
    }
}

#[test]
fn neither_probes_nor_ties_change_a_fact() {
    let lost = scaled(on_fargate(3, 9), 8, 30).zone_a_goes_dark();
    let plain = lost.record();
    assert_eq!(lost.clone().mode(|modes| modes.probes_off = true).record().digest, plain.digest);
    let shuffled = lost.mode(|modes| modes.shuffle_ties = true).record();
    assert_ne!(shuffled.digest, plain.digest);
    assert_eq!(shuffled.timeline, plain.timeline);
    assert_eq!((shuffled.measures, shuffled.series), (plain.measures, plain.series));
}
