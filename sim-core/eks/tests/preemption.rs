//! Priorities: who is scheduled first, and who has to make room for whom.

mod story;

use sim_eks::plan::{Amount, Change, Control, DisruptionBudget, SYSTEM_NODE_CRITICAL};
use sim_eks::quantity::Resources;
use sim_eks::record::Balance;
use story::{Story, deployment, fact, measure, story, verb};

/// Three nodes of 1,830 free millicores, full of pods of 300 of two Deployments; at minute 10 two pods of 600 come.
fn crowded(priority: i32) -> Story {
    let mut crowded = story(3).minutes(20);
    let small = Resources { milli_cpu: 300, memory_mib: 64 };
    let urgent = Resources { milli_cpu: 600, memory_mib: 64 };
    let control = Control { priority, ..Control::default() };
    crowded.plan.deployments = vec![
        sim_eks::plan::Deployment { requests: small, ..deployment("guarded", 9) },
        sim_eks::plan::Deployment { requests: small, ..deployment("web", 9) },
        sim_eks::plan::Deployment { requests: urgent, control, ..deployment("urgent", 0) },
    ];
    crowded.plan.deployments[0].control.budget = Some(DisruptionBudget::MaxUnavailable(Amount::Pods(0)));
    crowded.at(10, Change::ScaleDeployment { deployment: 2, replicas: 2 })
}

#[test]
fn pods_of_lower_priority_make_room_and_no_budget_is_violated_without_need() {
    let record = crowded(1_000).record();
    assert_eq!(measure(&record, "pods.preempted"), 4.0, "two small ones for each");
    assert_eq!(measure(&record, "pods.pending.end"), 4.0, "those in their place, though there before, do not take it");
    assert_eq!(verb(&record, "controllers", "nominate node").succeeded, 2);
    assert!(fact(&record, "a pod of web has to make room for one of urgent").is_some());
    assert!(fact(&record, "a pod of guarded has to make room").is_none());
    assert!(record.balances.iter().all(Balance::holds), "{:#?}", record.balances);
    let series = record.series.iter().find(|series| series.name == "pods.serving").expect("a series");
    assert_eq!(series.values.last().copied().flatten(), Some(16.0), "14 small ones and the two");
}

#[test]
fn nobody_makes_room_for_equals_or_for_those_who_never_ask() {
    let equal = crowded(0).record();
    assert_eq!((measure(&equal, "pods.preempted"), measure(&equal, "pods.pending.end")), (0.0, 2.0));
    let mut patient = crowded(1_000);
    patient.plan.deployments[2].control.never_preempts = true;
    let patient = patient.record();
    assert_eq!((measure(&patient, "pods.preempted"), measure(&patient, "pods.pending.end")), (0.0, 2.0));
}

#[test]
fn a_pod_that_fits_on_no_empty_node_evicts_nobody() {
    let mut large = crowded(1_000);
    large.plan.deployments[2].requests.milli_cpu = 2_000;
    assert_eq!(measure(&large.record(), "pods.preempted"), 0.0);
}

#[test]
fn a_daemon_set_of_the_node_itself_finds_room_on_every_node() {
    let mut critical = crowded(0);
    critical.plan.cluster.daemon_sets.push(sim_eks::plan::DaemonSet {
        name: "agent".to_owned(),
        requests: Resources { milli_cpu: 100, memory_mib: 64 },
        created: Some(story::at_minute(12)),
        priority: SYSTEM_NODE_CRITICAL,
        ..Default::default()
    });
    let record = critical.record();
    assert_eq!((measure(&record, "pods.daemons"), measure(&record, "pods.preempted")), (3.0, 3.0));
}

#[test]
fn preemption_is_the_same_whatever_the_order_of_ties() {
    let many = || {
        let mut many = story(60).minutes(14);
        many.plan.deployments[0].requests.milli_cpu = 180;
        let control = Control { priority: 7, ..Control::default() };
        many.plan.deployments.push(sim_eks::plan::Deployment {
            requests: Resources { milli_cpu: 500, memory_mib: 64 },
            control,
            ..deployment("urgent", 0)
        });
        many.at(10, Change::ScaleDeployment { deployment: 1, replicas: 50 })
    };
    let plain = many().record();
    assert!(measure(&plain, "pods.preempted") >= 100.0, "{}", measure(&plain, "pods.preempted"));
    let shuffled = many().mode(|modes| modes.shuffle_ties = true).record();
    assert_eq!(plain.measures, shuffled.measures);
}
