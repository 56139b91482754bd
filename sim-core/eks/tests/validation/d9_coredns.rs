//! D9: what saturates CoreDNS, as its scaling guide measured it, and the limit of the VPC's resolver.

use crate::table::{Allowed, Row, check};
use sim_eks::Parameters;
use sim_eks::ids::NodeId;
use sim_eks::journeys::coredns::{dns_settings, offered};
use sim_eks::stations::services::coredns::{Offered, Replica, serve};

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "D9", what: what.to_owned(), published, found, allowed }
}

/// Most names in a second of which one replica loses none, if this share of them is outside the cluster.
fn most_names(external_share: f64) -> f64 {
    let mut parameters = Parameters::default().coredns;
    (parameters.external_share, parameters.both_families, parameters.cache_hits) = (external_share, false, 1.0);
    let one = [Replica { node: NodeId(0), answers: true }];
    let loses = |names: u32| serve(offered(f64::from(names), &parameters), &one, &dns_settings(&parameters)).lost > 0.0;
    let names: Vec<u32> = (0..60_000).step_by(10).collect();
    f64::from(names[names.partition_point(|names| !loses(*names)) - 1])
}

#[test]
fn d9_one_replica_answers_what_the_scaling_guide_measured() {
    let (internal, external) = (most_names(0.0), most_names(1.0));
    check(&[
        row("one replica on two vCPUs, names inside the cluster, a second", 33_669.0, internal, Allowed::Share(0.05)),
        row("the same, names outside with four more look-ups each, a second", 6_733.0, external, Allowed::Share(0.05)),
        row("names inside for one outside", 5.0, internal / external, Allowed::Share(0.01)),
    ]);
}

#[test]
fn d9_the_vpc_resolver_takes_1024_packets_a_second_from_each_node() {
    let settings = dns_settings(&Parameters::default().coredns);
    let offered = Offered { queries: 10_000.0, upstream: 10_000.0 };
    let passes = |nodes: [u32; 2]| {
        let replicas = nodes.map(|node| Replica { node: NodeId(node), answers: true });
        offered.upstream - serve(offered, &replicas, &settings).dropped
    };
    check(&[
        row(
            "two replicas on two nodes: packets to the VPC's resolver, a second",
            2048.0,
            passes([0, 1]),
            Allowed::Exactly,
        ),
        row("two replicas on one node", 1024.0, passes([0, 0]), Allowed::Exactly),
    ]);
}
