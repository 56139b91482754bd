//! The creation of a cluster: the order of eksctl's tasks, what it learns late, and what stops it.

mod story;

use sim_eks::Record;
use sim_eks::plan::{
    Cluster, Creation, DaemonSet, FargateProfile, FargateSelector, SYSTEM_CLUSTER_CRITICAL, Wishes, Work, ZoneId,
};
use sim_eks::record::{CreationRecord, TaskRecord};
use sim_kernel::SimDuration;
use std::collections::BTreeMap;
use story::{Story, deployment, fact, story};

/// A profile over the private subnets of the story's zones.
fn profile(cluster: &mut Cluster, name: &str, namespace: &str) {
    let zones: Vec<ZoneId> = (0..3).map(ZoneId).collect();
    let private = |zone: &ZoneId| cluster.network.subnet_in(*zone, false).expect("a private subnet");
    let subnets = zones.iter().map(private).collect();
    let selectors = vec![FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() }];
    cluster.fargate_profiles.push(FargateProfile { name: name.to_owned(), selectors, zones, subnets });
}

/// The creation of the cluster of a story with two nodes, with CoreDNS and the VPC CNI.
fn created(wishes: &Wishes) -> Story {
    let mut story = story(2).minutes(90);
    story.plan.warm_up = SimDuration::from_secs(0);
    let cni =
        DaemonSet { name: "aws-node".to_owned(), brings_network: true, ..story.plan.cluster.daemon_sets[0].clone() };
    story.plan.cluster.daemon_sets.push(cni);
    let mut coredns = deployment("coredns", 2);
    coredns.namespace = "kube-system".to_owned();
    coredns.control.priority = SYSTEM_CLUSTER_CRITICAL;
    coredns.control.max_unavailable = Some(1);
    story.plan.deployments = vec![coredns, deployment("web", 3)];
    story.plan.creation = Some(Creation::of(&story.plan.cluster, wishes));
    story
}

fn given() -> Wishes {
    Wishes { vpc_is_given: true, ..Wishes::default() }
}

fn creation(record: &Record) -> &CreationRecord {
    record.creation.as_ref().expect("the cluster is created in the run")
}

fn task<'a>(creation: &'a CreationRecord, what: &str) -> &'a TaskRecord {
    creation.tasks.iter().find(|task| task.what.contains(what)).unwrap_or_else(|| panic!("no task {what}"))
}

fn seconds(task: &TaskRecord) -> (f64, f64) {
    let [begun, ended] = [task.begun, task.ended].map(|at| at.expect("begun and ended").as_secs_f64());
    (begun, ended)
}

/// Takes the nodes' way out: their subnets lead to no gateway.
fn without_a_way_out(mut story: Story) -> Story {
    for subnet in &mut story.plan.cluster.network.subnets {
        subnet.routes.clear();
    }
    story
}

#[test]
fn a_cluster_comes_into_being_task_by_task_and_what_eks_lists_stands_afterwards() {
    let record = created(&given()).record();
    let creation = creation(&record);
    assert_eq!(creation.failure, "");
    let whats: Vec<&str> = creation.tasks.iter().map(|task| task.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "stack eksctl-story-cluster",
            "add-on vpc-cni",
            "add-on kube-proxy",
            "add-on coredns",
            "wait for the control plane to become ready",
            "stack eksctl-story-nodegroup-general",
            "wait for the nodes of general",
            "add-on metrics-server",
            "checks of kubectl and of the kubeconfig",
        ]
    );
    for pair in creation.tasks.windows(2) {
        assert!(seconds(&pair[0]).1 <= seconds(&pair[1]).0, "{} comes before {}", pair[0].what, pair[1].what);
    }
    let listing = creation.listing.as_ref().expect("eksctl has ended");
    let nodes: Vec<&str> = listing.nodes.iter().map(|node| node.status.as_str()).collect();
    assert_eq!(nodes, ["Ready", "Ready"]);
    assert!(listing.nodes.iter().all(|node| node.name.starts_with("ip-192-168-") && node.name.contains(".eu-west-1.")));
    let running = |name: &str| {
        let mut pods = listing.pods.iter().filter(|pod| pod.name.starts_with(name));
        pods.by_ref().filter(|pod| pod.status == "Running" && pod.ready).count()
    };
    assert_eq!([running("coredns-"), running("aws-node-"), running("kube-proxy-")], [2, 2, 2]);
    let services: Vec<&str> = listing.services.iter().map(|service| service.address.as_str()).collect();
    assert_eq!(services, ["10.100.0.1", "10.100.0.10"]);
    assert!(fact(&record, "web is scaled from 0 to 3 pods").is_some(), "the user's pods come last");
}

/// The stack is complete when its nodes are Ready; eksctl hears of it when it asks.
#[test]
fn eksctl_learns_of_a_stack_by_asking() {
    for record in created(&given()).records(1..20) {
        let creation = creation(&record);
        let stack = task(creation, "nodegroup");
        let complete = stack.phases.last().expect("parts");
        let (begun, ended) = seconds(stack);
        assert!(complete.what.starts_with("complete") && complete.begun.as_secs_f64() <= ended);
        let cluster = task(creation, "-cluster");
        let asked = (seconds(cluster).1 - 60.0) / 60.0;
        assert!(asked.fract() < 0.1, "30 s, 30 s, and then a minute each: {asked}");
        assert!(ended - begun >= 30.0);
    }
}

#[test]
fn nodes_of_a_managed_group_that_cannot_join_end_in_a_rollback() {
    let record = without_a_way_out(created(&given())).record();
    let creation = creation(&record);
    let stack = task(creation, "nodegroup");
    assert!(creation.failure.contains("NodeCreationFailure: instances failed to join"), "{}", creation.failure);
    let (begun, ended) = seconds(stack);
    assert!((20.0 * 60.0..25.0 * 60.0).contains(&(ended - begun)), "EKS gives up first: {}", ended - begun);
    assert_eq!(task(creation, "wait for the nodes").state, "not begun");
    let listing = creation.listing.as_ref().expect("eksctl has ended");
    assert!(listing.nodes.is_empty() && listing.pods.iter().all(|pod| pod.status == "Pending"));
}

#[test]
fn eksctl_gives_self_managed_nodes_up_after_its_own_time_out() {
    let mut story = without_a_way_out(created(&given()));
    story.plan.cluster.node_groups[0].managed = false;
    story.plan.cluster.node_groups[0].min = 2;
    let record = story.record();
    let creation = creation(&record);
    assert_eq!(task(creation, "nodegroup").state, "done", "the stack itself is complete");
    let waits = task(creation, "wait for the nodes");
    let (begun, ended) = seconds(waits);
    assert!((25.0 * 60.0..25.0 * 60.0 + 1.0).contains(&(ended - begun)), "{}", ended - begun);
    assert!(creation.failure.contains("timed out after 25 min"), "{}", creation.failure);
}

#[test]
fn a_group_without_addresses_fails_too_and_a_control_plane_at_once() {
    let mut story = created(&given());
    for subnet in &mut story.plan.cluster.network.subnets {
        subnet.free = Some(6);
    }
    story.plan.cluster.node_groups[0].desired = 40;
    story.plan.cluster.node_groups[0].max = 40;
    let record = story.record();
    assert!(creation(&record).failure.contains("AsgInstanceLaunchFailures"), "{}", creation(&record).failure);
    story.plan.cluster.network.subnets[0].free = Some(5);
    let record = story.record();
    assert!(creation(&record).failure.contains("too few free addresses"), "{}", creation(&record).failure);
    assert!(creation(&record).ended.expect("at its first question").as_secs_f64() < 130.0);
}

/// Without the public endpoint eksctl can make a cluster, but cannot wait for its nodes.
#[test]
fn a_private_endpoint_keeps_eksctl_from_waiting_for_nodes() {
    let mut story = created(&given());
    story.plan.cluster.network.access.public = false;
    story.plan.cluster.network.access.private = true;
    let record = story.record();
    assert_eq!(task(creation(&record), "control plane").state, "done");
    assert!(creation(&record).failure.contains("not reachable"), "{}", creation(&record).failure);
}

#[test]
fn fargate_profiles_come_one_after_another_before_the_node_groups() {
    let wishes = Wishes { with_oidc: true, service_accounts: vec!["a/x".to_owned(), "a/y".to_owned()], ..given() };
    let mut story = created(&wishes);
    profile(&mut story.plan.cluster, "one", "batch");
    profile(&mut story.plan.cluster, "two", "ml");
    story.plan.creation = Some(Creation::of(&story.plan.cluster, &wishes));
    let record = story.record();
    let of = |what: &str| seconds(task(creation(&record), what));
    assert_eq!(of("account a/x").0, of("account a/y").0, "service accounts come together");
    assert!(of("Fargate profile one").1 <= of("Fargate profile two").0);
    assert!(of("pause").1 <= of("nodegroup").0);
    let took = of("Fargate profile one").1 - of("Fargate profile one").0;
    let questions = [63.0, 127.0, 255.0];
    assert!(questions.iter().any(|at| (0.0..5.0).contains(&(took - at))), "its pauses double: {took}");
}

/// What the first seed document lists after a creation on Fargate: two nodes with a pod of CoreDNS each, and no DaemonSet.
#[test]
fn coredns_moves_onto_fargate() {
    let mut story = created(&given());
    story.plan.cluster.node_groups.clear();
    profile(&mut story.plan.cluster, "fp-default", "kube-system");
    story.plan.creation = Some(Creation::of(&story.plan.cluster, &given()));
    let record = story.record();
    assert_eq!(creation(&record).failure, "");
    let listing = creation(&record).listing.as_ref().expect("eksctl has ended");
    assert!(listing.nodes.len() == 2 && listing.nodes.iter().all(|node| node.name.starts_with("fargate-ip-")));
    assert!(listing.daemon_sets.iter().all(|set| set.desired == 0), "{:?}", listing.daemon_sets);
    let mut on: Vec<&str> = listing.pods.iter().map(|pod| pod.node.as_str()).collect();
    on.sort_unstable();
    on.dedup();
    assert!(on.len() == 2 && listing.pods.len() == 2 && listing.pods.iter().all(|pod| pod.ready), "{:?}", listing.pods);
}

#[test]
fn a_creation_tells_the_same_whoever_looks_and_however_ties_fall() {
    let told = |story: &Story| {
        let record = story.record();
        (record.timeline.clone(), creation(&record).tasks.clone())
    };
    let plain = created(&given());
    let shuffled = plain.clone().mode(|modes| modes.shuffle_ties = true);
    assert_eq!(told(&plain), told(&shuffled));
    let blind = plain.clone().mode(|modes| modes.probes_off = true);
    assert_eq!(plain.record().digest, blind.record().digest);
}

#[test]
fn every_task_waits_only_for_tasks_before_it() {
    let wishes = Wishes {
        with_oidc: true,
        ends_private: true,
        service_accounts: vec!["a/x".to_owned(), "a/y".to_owned()],
        addons: vec![("aws-ebs-csi-driver".to_owned(), true), ("vpc-cni".to_owned(), true)],
        ..Wishes::default()
    };
    let creation = Creation::of(&story(2).plan.cluster, &wishes);
    for (index, task) in creation.tasks.iter().enumerate() {
        assert!(task.after.iter().all(|before| *before < index), "{task:?}");
        assert_eq!(task.after.is_empty(), index == 0, "one task begins: {task:?}");
    }
    let roles = creation.tasks.iter().filter(|task| matches!(task.work, Work::RoleStack { .. })).count();
    assert_eq!(roles, 4, "two accounts, the VPC CNI, and the EBS CSI driver");
}
