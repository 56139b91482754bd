//! D5: how the nodes of a cluster use up the addresses of their subnet. The first case is published
//! (aws/aws-eks-best-practices, vpc-cni); the others follow from the rules of the VPC CNI's code.

use crate::story::{Story, measure, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Record;
use sim_eks::plan::{Change, Network, ZoneId};

/// So many nodes c5.large in one subnet, with so many pods each. The control plane has its interfaces elsewhere.
fn in_one_subnet(nodes: u32, pods: u32, cidr: &str) -> Story {
    let mut story = story(nodes).placed("b,c", "b", "b").minutes(20);
    story.plan.deployments[0].replicas = pods;
    let group = &mut story.plan.cluster.node_groups[0];
    (group.zones, group.subnets) = (vec![ZoneId(0)], vec![0]);
    group.max = 100;
    let network: &mut Network = &mut story.plan.cluster.network;
    network.subnets[0].cidr = cidr.parse().expect("a range");
    network.control_plane_subnets.retain(|subnet| *subnet != 0);
    story
}

/// Addresses that the subnet has left, at the least.
fn left(story: &Story) -> f64 {
    measure(&story.record(), "subnet.free.min")
}

fn row(what: &str, published: f64, found: f64) -> Row {
    Row { result: "D5", what: what.to_owned(), published, found, allowed: Allowed::Exactly }
}

#[test]
fn d5_three_nodes_with_two_pods_take_fifty_addresses() {
    let taken = 251.0 - left(&in_one_subnet(3, 2, "192.168.0.0/24"));
    check(&[row("three c5.large, two pods on two of them: addresses of the subnet in use", 50.0, taken)]);
}

#[test]
fn d5_a_fourth_node_in_a_26_takes_what_is_left_one_by_one_and_a_fifth_is_not_launched() {
    let grows =
        |desired| in_one_subnet(3, 2, "192.168.0.0/26").at(2, Change::ScaleNodeGroup { node_group: 0, desired });
    let record = grows(4).record();
    check(&[
        row("the same in a /26, a fourth node without pods: addresses left", 0.0, measure(&record, "subnet.free.min")),
        row("the same: instances launched", 1.0, facts(&record, "instance launched") as f64),
    ]);
    let record = grows(4).at(10, Change::ScaleNodeGroup { node_group: 0, desired: 5 }).record();
    check(&[row("the same, a fifth node: instances launched", 1.0, facts(&record, "instance launched") as f64)]);
    assert!(facts(&record, "finds no address for an instance") > 0);
}

fn facts(record: &Record, text: &str) -> u64 {
    record.timeline.iter().filter(|fact| fact.text.contains(text)).map(|fact| fact.count).sum()
}

#[test]
fn d5_a_24_is_enough_for_twelve_nodes_with_defaults_and_for_seventeen_with_targets() {
    let targets = |story: Story| story.set("vpc_cni.warm_ip_target", "2").set("vpc_cni.minimum_ip_target", "10");
    let with = |nodes, pods| in_one_subnet(nodes, nodes * pods, "192.168.0.0/24");
    check(&[
        row("a /24, 12 c5.large with a pod each: addresses left", 11.0, left(&with(12, 1))),
        row("the same, 13 nodes: no second interface for the last", 1.0, left(&with(13, 1))),
        row("the same, 14 nodes: no address for the pod of the last", 0.0, left(&with(14, 1))),
        row("17 nodes with ten pods each, WARM_IP 2, MINIMUM_IP 10", 13.0, left(&targets(with(17, 10)))),
    ]);
}

/// Every address of the only node is in use: the pods of a rolling update get those of the old ones, when these have
/// rested. The update takes at least that rest longer than where addresses need none.
#[test]
fn d5_a_replacement_waits_until_an_address_has_rested() {
    let update = |rest: &str| {
        let mut full = in_one_subnet(1, 27, "192.168.0.0/24").still().set("vpc_cni.ip_cooldown", rest);
        full.plan.deployments[0].requests.milli_cpu = 10;
        full.at(6, Change::UpdateDeployment { deployment: 0 }).record()
    };
    let (rested, at_once) = (update("30s"), update("0s"));
    assert!(measure(&rested, "pods.without_address") > 0.0);
    let longer = measure(&rested, "deployments.rollout") - measure(&at_once, "deployments.rollout");
    let what = "a node whose 27 addresses are in use: a rolling update takes longer by the rest of an address, s";
    check(&[Row { allowed: Allowed::AtLeast, ..row(what, 30.0, longer) }]);
}
