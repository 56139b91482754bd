//! C6 (a), (b), D1 and the profile of D2: how long `eksctl create cluster` takes, as the first seed document logged it:
//! eksctl 0.105 in Seoul, an existing VPC with two private subnets, one managed group of two m5.large; and the same with
//! a Fargate profile in its place. In 2022 EKS put CoreDNS into the cluster as soon as its API answered, so
//! `creation.provider_addons` is on. Medians of 100 runs; their spread within a region is an assumption.

use crate::story::{Story, deployment, story};
use crate::table::{Allowed, Row, check};
use sim_eks::plan::creation::{REGIONS, mean_creation_s};
use sim_eks::plan::{Creation, DaemonSet, FargateProfile, FargateSelector, Wishes, ZoneId};
use sim_eks::record::{CreationRecord, TaskRecord};
use sim_kernel::SimDuration;
use std::collections::BTreeMap;

const RUNS: std::ops::Range<u64> = 1..101;

fn seoul(wishes: Wishes, nodes: u32) -> Story {
    let mut story = story(nodes).minutes(60).set("creation.provider_addons", "true");
    story.plan.warm_up = SimDuration::from_secs(0);
    let cni =
        DaemonSet { name: "aws-node".to_owned(), brings_network: true, ..story.plan.cluster.daemon_sets[0].clone() };
    story.plan.cluster.daemon_sets.push(cni);
    story.plan.cluster.region = "ap-northeast-2".to_owned();
    let mut coredns = deployment("coredns", 2);
    coredns.namespace = "kube-system".to_owned();
    story.plan.deployments = vec![coredns];
    story.plan.deployments[0].control.max_unavailable = Some(1);
    if nodes == 0 {
        let cluster = &mut story.plan.cluster;
        cluster.node_groups.clear();
        let zones: Vec<ZoneId> = (0..2).map(ZoneId).collect();
        let private = |zone: &ZoneId| cluster.network.subnet_in(*zone, false).expect("a private subnet");
        let subnets = zones.iter().map(private).collect();
        let of = |namespace: &str| FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
        let selectors = vec![of("default"), of("kube-system")];
        cluster.fargate_profiles.push(FargateProfile { name: "fp-default".to_owned(), selectors, zones, subnets });
    }
    story.plan.creation = Some(Creation::of(&story.plan.cluster, &Wishes { no_default_addons: true, ..wishes }));
    story
}

fn runs(story: &Story) -> Vec<CreationRecord> {
    let records = story.records(RUNS);
    records.into_iter().map(|record| record.creation.expect("it is created in the run")).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn task<'a>(creation: &'a CreationRecord, what: &str) -> &'a TaskRecord {
    creation.tasks.iter().find(|task| task.what.contains(what)).unwrap_or_else(|| panic!("no task {what}"))
}

fn ended(creation: &CreationRecord, what: &str) -> f64 {
    task(creation, what).ended.expect("it has ended").as_secs_f64()
}

fn took(creation: &CreationRecord, what: &str) -> f64 {
    ended(creation, what) - task(creation, what).begun.expect("it has begun").as_secs_f64()
}

fn whole(creation: &CreationRecord) -> f64 {
    creation.ended.expect("eksctl has ended").as_secs_f64()
}

fn row(result: &'static str, what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result, what: what.to_owned(), published, found, allowed }
}

#[test]
fn d1_and_c6_b_a_cluster_with_a_managed_group() {
    let runs = runs(&seoul(Wishes { vpc_is_given: true, ..Wishes::default() }, 2));
    let of = |what: &dyn Fn(&CreationRecord) -> f64| median(runs.iter().map(what).collect());
    let cluster = of(&|creation| ended(creation, "control plane"));
    let group = of(&|creation| took(creation, "nodegroup"));
    let late = |creation: &CreationRecord| {
        let nodes = &creation.listing.as_ref().expect("eksctl has ended").nodes;
        let oldest = nodes.iter().map(|node| node.age_s).fold(0.0, f64::max);
        let pods = &creation.listing.as_ref().expect("eksctl has ended").pods;
        pods.iter().find(|pod| pod.name.starts_with("coredns")).expect("CoreDNS").age_s - oldest
    };
    let running = |creation: &CreationRecord| {
        let pods = &creation.listing.as_ref().expect("eksctl has ended").pods;
        pods.iter().filter(|pod| pod.name.starts_with("coredns") && pod.status == "Running").count() as f64
    };
    let nodes_late = |creation: &CreationRecord| took(creation, "wait for the nodes");
    check(&[
        row("D1", "cluster phase, s", 783.0, cluster, Allowed::Off(60.0)),
        row("D1", "node group phase, s", 220.0, group, Allowed::Off(45.0)),
        row("D1", "nodes Ready after the node group phase, s", 1.0, of(&nodes_late), Allowed::AtMost),
        row("D1", "total, s", 1014.0, of(&whole), Allowed::Off(90.0)),
        row("D1", "CoreDNS Pending before the first node joins, s", 525.0, of(&late), Allowed::Off(30.0)),
        row("D1", "pods of CoreDNS that run at the end", 2.0, of(&running), Allowed::Exactly),
        row("C6", "(b) cluster phase, s", 783.0, cluster, Allowed::Share(0.1)),
        row("C6", "(b) node group phase, s", 220.0, group, Allowed::Share(0.1)),
        row("C6", "(b) total with nodes, s", 1014.0, of(&whole), Allowed::Share(0.1)),
    ]);
}

#[test]
fn d2_and_c6_b_a_fargate_profile() {
    let runs = runs(&seoul(Wishes { vpc_is_given: true, ..Wishes::default() }, 0));
    let of = |what: &dyn Fn(&CreationRecord) -> f64| median(runs.iter().map(what).collect());
    let profile = of(&|creation| took(creation, "Fargate profile"));
    let moved = |creation: &CreationRecord| took(creation, "CoreDNS onto Fargate");
    let pods = |creation: &CreationRecord| {
        let listing = creation.listing.as_ref().expect("eksctl has ended");
        let mut nodes: Vec<&str> = listing.pods.iter().map(|pod| pod.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.iter().filter(|node| node.starts_with("fargate-ip-")).count() as f64
    };
    let daemons = |creation: &CreationRecord| {
        let listing = creation.listing.as_ref().expect("eksctl has ended");
        f64::from(listing.daemon_sets.iter().map(|set| set.desired).sum::<u32>())
    };
    check(&[
        row("D2", "Fargate profile, s", 259.0, profile, Allowed::Off(60.0)),
        row("D2", "pods of CoreDNS placed after they may, at least, s", 30.0, of(&moved) - 30.0, Allowed::AtLeast),
        row("D2", "pods of CoreDNS placed after they may, at most, s", 75.0, of(&moved) - 30.0, Allowed::AtMost),
        row("D2", "Fargate nodes with a pod each", 2.0, of(&pods), Allowed::Exactly),
        row("D2", "pods that DaemonSets want", 0.0, of(&daemons), Allowed::Exactly),
        row("D2", "total, s", 1136.0, of(&whole), Allowed::Off(90.0)),
        row("C6", "(b) Fargate profile, s", 259.0, profile, Allowed::Share(0.1)),
        row("C6", "(b) CoreDNS placed after the profile, s", 93.0, of(&moved), Allowed::Share(0.1)),
    ]);
}

/// The region's figure is an input; what comes out is when eksctl learns of it, and the sum of the phases.
#[test]
fn c6_a_regions_and_questions() {
    let wishes = Wishes { no_default_addons: true, ..Wishes::default() };
    let of_region = |region: &str| {
        let mut story = seoul(wishes.clone(), 0).still();
        story.plan.cluster.fargate_profiles.clear();
        story.plan.creation = Some(Creation::of(&story.plan.cluster, &wishes));
        story.plan.parameters.creation.provider_addons = false;
        story.plan.cluster.region = region.to_owned();
        story.record().creation.expect("it is created in the run")
    };
    let all: Vec<CreationRecord> = REGIONS.iter().map(|(region, _)| of_region(region)).collect();
    let mean = all.iter().map(|creation| ended(creation, "control plane")).sum::<f64>() / all.len() as f64;
    let off_grid = |creation: &CreationRecord| {
        // A question takes a moment; 30 s, 30 s, and then a minute each.
        let asked = ended(creation, "stack") / 60.0;
        (asked - asked.floor()) * 60.0
    };
    let gaps = |creation: &CreationRecord| {
        let tasks = creation.tasks.windows(2);
        tasks
            .map(|pair| pair[1].begun.expect("begun").saturating_since(pair[0].ended.expect("ended")).as_secs_f64())
            .sum::<f64>()
    };
    check(&[
        row("C6", "(a) creation in 17 regions, mean, s", mean_creation_s(), mean, Allowed::Share(0.1)),
        row(
            "C6",
            "(a) last question after the full minute, s",
            5.0,
            all.iter().map(off_grid).fold(0.0, f64::max),
            Allowed::AtMost,
        ),
        row("C6", "(a) time between the phases, s", 0.0, all.iter().map(gaps).sum::<f64>(), Allowed::Exactly),
    ]);
}
