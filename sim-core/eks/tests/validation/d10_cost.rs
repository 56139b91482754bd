//! D10: cost arithmetic, with prices and bills of us-east-1 and ap-northeast-2; and the worked costs of an hour of a small
//! cluster: three m5.large, the control plane, three NAT gateways and an idle load balancer.

use crate::story::{Story, measure, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Parameters;
use sim_eks::plan::NatMode;
use sim_eks::probes::costs::{cross_zone_gb, cross_zone_share};
use sim_eks::quantity::{Price, Resources};
use sim_eks::stations::services::fargate_size::{fargate_size, fargate_usd_per_hour};

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "D10", what: what.to_owned(), published, found, allowed }
}

/// Figures agree in all the digits that were published.
const EXACT: Allowed = Allowed::Off(1e-9);

fn fargate(gib: f64, region: &str) -> f64 {
    let cost = Parameters::default().cost;
    let requests = Resources { milli_cpu: 1000, memory_mib: (gib * 1024.0) as u64 };
    let size = fargate_size(requests, &cost).expect("a size");
    fargate_usd_per_hour(size, region, &cost).expect("a price")
}

/// Three m5.large in a region for an hour after the warm-up, with a NAT gateway in each zone and a load balancer.
fn small(region: &str) -> Story {
    let mut small = story(3).minutes(65).set("cost.load_balancers", "1").set("cost.nat_gb_per_hour", "0");
    small.plan.cluster.region = region.to_owned();
    small.plan.cluster.network.set_nat(NatMode::HighlyAvailable);
    small.plan.cluster.node_groups[0].usd_per_hour =
        Price::of_regions(&[("us-east-1", Some(0.096)), ("ap-northeast-2", Some(0.118))]);
    small
}

fn hour_of(region: &str) -> f64 {
    let record = small(region).record();
    let parts = ["control_plane", "instances.on_demand", "nat_gateways", "load_balancers"];
    parts.iter().map(|part| measure(&record, &format!("cost.{part}"))).sum()
}

#[test]
fn fargate_rounds_up_and_bills_by_vcpu_and_memory() {
    check(&[
        row("1 vCPU, 8 GB on Fargate, us-east-1, USD/h", 0.120965, fargate(8.0, "us-east-1"), EXACT),
        row("1 vCPU, 8 GB on Fargate, ap-northeast-2, USD/h", 0.13911, fargate(8.0, "ap-northeast-2"), EXACT),
        row("1 vCPU, 7.5 GB on Fargate, us-east-1, USD/h", 0.07604, fargate(7.5, "us-east-1"), EXACT),
    ]);
}

#[test]
fn an_hour_of_a_small_cluster_costs_what_was_worked_out() {
    check(&[
        row("3 m5.large, 3 NAT, 1 ALB, us-east-1, USD/h", 0.5455, hour_of("us-east-1"), EXACT),
        row("3 m5.large, 3 NAT, 1 ALB, ap-northeast-2, USD/h", 0.6535, hour_of("ap-northeast-2"), EXACT),
    ]);
}

/// Both bills are for hours that no run has: they are scaled from an hour, as a month is.
#[test]
fn bills_of_extended_support_and_of_a_nat_gateway_come_out() {
    let extended = small("ap-northeast-2").set("cost.date", "2026-12-02").set("cost.month", "38h").record();
    let mut nat = small("ap-northeast-2").set("cost.month", "611h");
    nat.plan.cluster.network.set_nat(NatMode::Single);
    let hours = measure(&nat.clone().record(), "cost.month.nat_gateways");
    let gb = 8.90 / 611.0;
    let both = measure(&nat.set("cost.nat_gb_per_hour", &gb.to_string()).record(), "cost.month.nat_gateways");
    check(&[
        row("EKS, 38 h in extended support, USD", 22.80, measure(&extended, "cost.month.control_plane"), EXACT),
        row("NAT gateway, 611 h, ap-northeast-2, USD", 36.05, hours, Allowed::Off(0.005)),
        row("NAT gateway, 8.90 GB, ap-northeast-2, USD", 0.525, both - hours, Allowed::Off(0.0005)),
    ]);
}

#[test]
fn traffic_between_three_even_zones_is_billed_on_both_sides() {
    let share = cross_zone_share(&[1.0, 1.0, 1.0]);
    let usd = cross_zone_gb(1024.0, share) * 0.01;
    let run = small("us-east-1").set("cost.pod_gb_per_hour", &(1024.0 / 730.0).to_string()).record();
    check(&[
        row("1 TB between pods over 3 even zones, USD", 13.65, usd, Allowed::Off(0.005)),
        row("the same, of a run, a month, USD", 13.65, measure(&run, "cost.month.cross_zone"), Allowed::Off(0.005)),
    ]);
}
