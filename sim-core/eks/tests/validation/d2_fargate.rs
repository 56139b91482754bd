//! D2: two pods of CoreDNS on Fargate, in a cluster without nodes, as a log of eksctl has them (2022). The creation of the
//! profile and of the cluster is another matter: here both are there, and the pods become eligible.

use crate::story::{Story, deployment, fact, measure, story};
use crate::table::{Allowed, Row, check};
use sim_eks::plan::{Change, FargateProfile, FargateSelector, ZoneId};
use std::collections::BTreeMap;

/// A cluster without nodes and with a profile for a namespace, whose one Deployment wants no pods.
pub fn without_nodes(namespace: &str) -> Story {
    let mut story = story(0).placed("b,c", "b", "b");
    let zones = vec![ZoneId(0), ZoneId(1), ZoneId(2)];
    let subnets = story.plan.cluster.network.subnets_in(&zones, false);
    let selectors = vec![FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() }];
    let name = "fp-default".to_owned();
    story.plan.cluster.fargate_profiles = vec![FargateProfile { name, selectors, zones, subnets }];
    let mut own = deployment("coredns", 0);
    own.namespace = namespace.to_owned();
    story.plan.deployments = vec![own];
    story
}

#[test]
fn d2_two_pods_are_placed_on_two_nodes_within_a_minute() {
    let story = without_nodes("kube-system").at(10, Change::ScaleDeployment { deployment: 0, replicas: 2 });
    let records = story.minutes(15).records(0..20);
    let placed = records.iter().map(|record| measure(record, "fargate.placed.max"));
    let mean = placed.sum::<f64>() / records.len() as f64;
    let record = &records[0];
    let ready = fact(record, "Fargate node Ready").map_or(0, |_| {
        let facts = record.timeline.iter().filter(|fact| fact.text.starts_with("Fargate node Ready"));
        facts.map(|fact| fact.count).sum()
    });
    let row =
        |what: &str, published, found, allowed| Row { result: "D2", what: what.to_owned(), published, found, allowed };
    check(&[
        row("two pods of CoreDNS on Fargate: both placed after, s (mean of 20 runs)", 63.0, mean, Allowed::Off(33.0)),
        row("the same: nodes of Fargate", 2.0, ready as f64, Allowed::Exactly),
        row("the same: pods of DaemonSets", 0.0, measure(record, "pods.daemons"), Allowed::Exactly),
    ]);
    for record in &records {
        let placed = measure(record, "fargate.placed.max");
        assert!((30.0..=75.0).contains(&placed), "placed after {placed} s");
    }
}
