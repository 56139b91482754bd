//! CoreDNS: what it answers of what pods ask, and what its loss costs them.

mod story;

use sim_eks::plan::{Change, ZoneId};
use story::{Story, deployment, fact, measure, story};

/// Six nodes with sixty pods and two replicas of CoreDNS, on two nodes.
fn with_coredns() -> Story {
    let mut story = story(6).minutes(30).placed("b,c", "b", "b");
    let mut coredns = deployment("coredns", 2);
    coredns.namespace = "kube-system".to_owned();
    story.plan.deployments.push(coredns);
    story
}

#[test]
fn a_calm_cluster_loses_no_query() {
    let record = with_coredns().record();
    assert_eq!((measure(&record, "dns.names.failed"), measure(&record, "dns.delay.worst")), (0.0, 0.0));
    // 60 pods, 1 name a second of which 0.2 are outside with four more look-ups, both families, over two replicas.
    let wanted = 60.0 * (1.0 + 0.2 * 4.0) * 2.0 / 2.0 / 34_000.0;
    assert!((measure(&record, "dns.utilization.peak") / wanted - 1.0).abs() < 1e-9);
}

#[test]
fn more_replicas_help_where_cpu_is_the_limit() {
    let busy = |replicas| {
        let mut story = with_coredns().set("coredns.names_per_second", "600");
        story.plan.deployments[1].replicas = replicas;
        let record = story.record();
        (measure(&record, "dns.delay.worst"), fact(&record, "cannot answer all that is asked").is_some())
    };
    assert!(busy(2).0 > 0.5 && busy(2).1);
    assert_eq!(busy(6), (0.0, false));
}

#[test]
fn the_resolver_of_the_vpc_drops_what_is_beyond_its_limit() {
    let record = with_coredns().set("coredns.external_share", "1").set("coredns.names_per_second", "100").record();
    // 60 x 100 names x 2 queries x 2 families x 0.1 that are not remembered: 2,400 a second, of 2,048 that pass.
    let dropped = measure(&record, "dns.resolver.dropped");
    assert!((dropped / (352.0 * 25.0 * 60.0) - 1.0).abs() < 0.02, "{dropped}");
    assert!(fact(&record, "the VPC's resolver drops packets").is_some());
}

/// Dead replicas stay listed until their node is NotReady: what is sent to them waits for the client's time-out.
#[test]
fn a_lost_zone_takes_replicas_that_are_still_asked() {
    let lost = |zone| {
        let record = with_coredns().at(10, Change::ZonePowerLoss { zone: ZoneId(zone), lasts: None }).record();
        (measure(&record, "dns.delay.worst"), measure(&record, "dns.names.failed"))
    };
    let all = [lost(0), lost(1), lost(2)];
    assert!(all.iter().any(|(delay, failed)| *delay >= 5.0 * 0.5 && *failed > 0.0), "{all:?}");
    assert!(all.iter().any(|(delay, _)| *delay == 0.0), "one zone has no replica: {all:?}");
}
