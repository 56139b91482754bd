//! C8: the official service levels, at their thresholds (kubernetes/community, sig-scalability/slos/slos.md and
//! configs-and-limits/thresholds.md): 5,000 nodes, 150,000 pods, a churn of 20 pods a second, default parameters.

use crate::story::{deployment, measure, roomy, story};
use crate::table::{Allowed, Row, check};
use sim_eks::Record;

/// A cluster at the thresholds, ten minutes after five of warm-up, with `churn` pods created and deleted in a second.
fn at_the_thresholds(churn: f64, sets: &[(&str, &str)]) -> Record {
    let mut large = story(5_000).minutes(15);
    let group = &mut large.plan.cluster.node_groups[0];
    (group.max_pods, group.allocatable.milli_cpu, group.allocatable.memory_mib) = (58, 7_900, 29_000);
    (group.max_enis, group.ipv4_per_eni) = (4, 15);
    roomy(&mut large.plan.cluster.network);
    large.plan.deployments = (0..300).map(|number| deployment(&format!("app-{number}"), 500)).collect();
    large.plan.churn = churn;
    for (path, value) in sets {
        large = large.set(path, value);
    }
    large.record()
}

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "C8", what: what.to_owned(), published, found, allowed }
}

#[test]
fn a_cluster_at_the_thresholds_meets_the_levels() {
    let record = at_the_thresholds(20.0, &[]);
    check(&[
        row(
            "5,000 nodes, 150,000 pods, churn 20/s: writes of one object, p99, s",
            1.0,
            measure(&record, "slo.mutating"),
            Allowed::AtMost,
        ),
        row("the same: reads of one object, p99, s", 1.0, measure(&record, "slo.read.resource"), Allowed::AtMost),
        row(
            "the same: start of a pod, p99 of the worst five minutes, s",
            5.0,
            measure(&record, "pods.start.p99.worst"),
            Allowed::AtMost,
        ),
    ]);
}

/// Beyond the thresholds the levels need not be met, and then the resource that limits is named: with controllers that
/// create pods at once, ten times the churn is more than the scheduler's client may bind.
#[test]
fn at_ten_times_the_churn_pods_start_late_and_the_limit_is_named() {
    let sets = [("controllers.qps", "1000"), ("controllers.burst", "1000")];
    let record = at_the_thresholds(200.0, &sets);
    let start = measure(&record, "pods.start.p99.worst");
    assert!(start > 5.0, "ten times the churn: pods start within {start} s");
    let shares = record.measures.iter().filter(|measure| measure.name.starts_with("limit."));
    let limit = shares.max_by(|a, b| a.value.unwrap_or(0.0).total_cmp(&b.value.unwrap_or(0.0))).expect("limits");
    assert_eq!(limit.name, "limit.scheduler.qps");
    assert!(limit.value.is_some_and(|share| share > 1.0), "{:?}", limit.value);
}
