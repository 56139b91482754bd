//! D6: pods that a node may hold. Source: aws/amazon-vpc-cni-k8s misc/eni-max-pods.txt; awslabs/amazon-eks-ami,
//! max-pods-calculator. That the formula gives the published figure for each of the 1,391 types of the catalogue is
//! tested with the catalogue.

use crate::table::{Allowed, Row, check};
use sim_eks::stations::compute::vpc_cni::max_pods;

fn row(what: String, published: u32, found: u32) -> Row {
    Row { result: "D6", what, published: published.into(), found: found.into(), allowed: Allowed::Exactly }
}

#[test]
fn d6_max_pods_follow_from_interfaces_and_addresses() {
    let types = [
        ("m5.large", 3, 10, 2, 29),
        ("t3.small", 3, 4, 2, 11),
        ("t3.medium", 3, 6, 2, 17),
        ("c5.xlarge", 4, 15, 4, 58),
        ("m5.24xlarge", 15, 50, 96, 737),
        ("c7g.medium", 2, 4, 1, 8),
        ("p5.48xlarge", 2, 50, 192, 100),
    ];
    for (name, enis, addresses, vcpu, published) in types {
        check(&[row(format!("{name}: pods"), published, max_pods(enis, addresses, vcpu, false, false))]);
    }
    check(&[
        row("m5.large, prefixes: pods".to_owned(), 110, max_pods(3, 10, 2, true, false)),
        row("m5.24xlarge, prefixes: pods".to_owned(), 250, max_pods(15, 50, 96, true, false)),
        row("m5.large, custom networking: pods".to_owned(), 20, max_pods(3, 10, 2, false, true)),
    ]);
}
