//! The Cluster Autoscaler removes what is not needed, and what must hold whatever it does.

mod story;

use sim_eks::plan::{Amount, Change, DisruptionBudget, NodeGroup, ZoneId};
use sim_eks::record::Record;
use sim_eks::{Run, plan::Plan};
use sim_kernel::{Draw, Purpose, RunKey, SimDuration, SimTime};
use sim_study::{Outcome, Subject};
use std::sync::Arc;
use story::{Story, fact, measure, story};

/// Six nodes with ten pods each, of which a third is left from minute 7 on: two nodes hold what is left.
fn shrinking() -> Story {
    let mut story = story(6).with_autoscaler().minutes(60);
    story.plan.deployments[1].replicas = 1;
    story.at(7, Change::ScaleDeployment { deployment: 0, replicas: 20 })
}

fn removed(story: &Story) -> f64 {
    measure(&story.record(), "nodes.removed")
}

#[test]
fn nodes_whose_pods_fit_elsewhere_go_one_after_another_and_every_pod_finds_its_place() {
    let record = shrinking().record();
    assert_eq!((measure(&record, "nodes.removed"), measure(&record, "pods.pending.end")), (4.0, 0.0));
    let begins = fact(&record, "Cluster Autoscaler removes a node whose pods fit elsewhere").expect("it removes one");
    assert!((1020.0..1080.0).contains(&begins.first.as_secs_f64()), "ten minutes after 7:00: {begins:?}");
    assert_eq!(begins.cause, fact(&record, "web is scaled from 60 to 20").map(|fact| fact.id), "{begins:?}");
    let gone = fact(&record, "the Cluster Autoscaler does not need it").expect("instances go");
    assert!(
        gone.first.saturating_since(begins.first) >= SimDuration::from_secs(5 + 30),
        "the wait and the pods' grace"
    );
    assert!(fact(&record, "Node deleted").is_some());
}

#[test]
fn a_budget_that_lets_no_pod_go_keeps_every_node() {
    let mut kept = shrinking();
    kept.plan.deployments[0].control.budget = Some(DisruptionBudget::MinAvailable(Amount::Share(1.0)));
    assert_eq!(removed(&kept), 0.0);
    kept.plan.deployments[0].control.budget = Some(DisruptionBudget::MaxUnavailable(Amount::Pods(1)));
    assert!(removed(&kept) > 0.0, "one after another they may go");
}

#[test]
fn pods_of_the_system_keep_their_nodes_unless_they_have_a_budget() {
    let mut system = shrinking();
    system.plan.deployments[0].namespace = "kube-system".to_owned();
    assert_eq!(removed(&system), 0.0);
    system.plan.deployments[0].control.budget = Some(DisruptionBudget::MaxUnavailable(Amount::Pods(2)));
    assert!(removed(&system) > 0.0);
}

#[test]
fn a_group_keeps_its_smallest_size() {
    let mut bounded = shrinking();
    bounded.plan.cluster.node_groups[0].min = 5;
    assert_eq!(removed(&bounded), 1.0);
}

#[test]
fn a_spread_over_zones_keeps_a_node_in_each() {
    let mut spread = shrinking();
    spread.plan.deployments[0].spread_zones = true;
    assert_eq!(removed(&spread), 3.0, "each zone keeps one");
}

#[test]
fn empty_nodes_go_ten_at_a_time() {
    let mut empty = story(14).with_autoscaler();
    empty.plan.deployments[0].replicas = 0;
    empty.plan.duration = SimDuration::from_secs(10 * 60 + 19);
    assert_eq!(removed(&empty), 10.0);
    assert_eq!(removed(&empty.minutes(14)), 13.0, "its own node stays");
}

#[test]
fn a_drain_that_a_budget_stops_is_given_up_after_two_minutes_and_the_node_takes_pods_again() {
    let mut slow = shrinking().set("pod.readiness_delay", "constant(20m)").minutes(22);
    slow.plan.deployments[0].control.budget = Some(DisruptionBudget::MaxUnavailable(Amount::Pods(1)));
    let record = slow.record();
    let begins = fact(&record, "removes a node whose pods fit").expect("it begins");
    let keeps = fact(&record, "Cluster Autoscaler keeps a node after all").expect("it gives up");
    let waited = keeps.first.saturating_since(begins.first).as_secs_f64();
    assert!((125.0..126.0).contains(&waited), "{waited}");
    assert_eq!(measure(&record, "nodes.removed"), 0.0);
}

#[test]
fn neither_probes_nor_ties_change_what_is_removed() {
    let plain = shrinking().record();
    assert_eq!(shrinking().mode(|modes| modes.probes_off = true).record().digest, plain.digest);
    let shuffled = shrinking().mode(|modes| modes.shuffle_ties = true).record();
    let values = |record: &Record| record.measures.iter().map(|found| found.value).collect::<Vec<_>>();
    assert_eq!(values(&shuffled), values(&plain));
}

const PLAN: Purpose = Purpose::new("test/scale-in");

/// A random cluster of two groups with an autoscaler, random pods and budgets, and up to six troubles.
fn random_plan(draw: &mut Draw) -> Plan {
    let mut story = story(2 + draw.below(8) as u32).with_autoscaler().minutes(45);
    let plan = &mut story.plan;
    let first = plan.cluster.node_groups[0].clone();
    let (min, desired) = (draw.below(3) as u32, 3 + draw.below(4) as u32);
    plan.cluster.node_groups[0].max = 4 + draw.below(20) as u32;
    plan.cluster.node_groups[0].desired = plan.cluster.node_groups[0].desired.min(plan.cluster.node_groups[0].max);
    plan.cluster.node_groups.push(NodeGroup { name: "more".to_owned(), min, desired, max: desired + 6, ..first });
    plan.autoscaler.as_mut().expect("there is one").priorities = vec![0, draw.below(2) as i32];
    plan.deployments[0].control.budget =
        draw.chance(0.5).then(|| DisruptionBudget::MaxUnavailable(Amount::Pods(draw.below(4) as u32)));
    plan.deployments[0].spread_zones = draw.chance(0.3);
    for _ in 0..draw.below(7) {
        let minute = 2 + draw.below(38);
        let lasts = Some(SimDuration::from_mins(1 + draw.below(15)));
        let zone = ZoneId(draw.below(3) as u8);
        let change = match draw.below(5) {
            0 => Change::CapacityShortage { zone: draw.chance(0.5).then_some(zone), node_group: None, lasts },
            1 => Change::NodeLoss { zone, share: draw.uniform(), lasts },
            2 => Change::ZonePowerLoss { zone, lasts },
            3 => Change::ScaleNodeGroup { node_group: 1, desired: draw.below(14) as u32 },
            _ => Change::ScaleDeployment { deployment: 0, replicas: draw.below(200) as u32 },
        };
        story = story.at(minute, change);
    }
    story.plan.steps.sort_by_key(|step| step.at);
    story.plan
}

#[test]
fn random_plans_keep_sizes_within_bounds_nodes_within_their_room_and_every_pod_in_the_books() {
    let (mut launched, mut removed) = (0.0, 0.0);
    for number in 0..16 {
        let plan = Arc::new(random_plan(&mut RunKey::new(7, 0).draw(PLAN, number, 0)));
        let mut run = Run::start(&plan, number, 0);
        for minute in 0..90 {
            run.run_until(SimTime::ZERO + SimDuration::from_secs(30) * minute).expect("it goes on");
            let books = run.books();
            for [min, wanted, max, _] in &books.groups {
                assert!(min <= wanted && wanted <= max, "plan {number}: {books:?}");
            }
            assert!(books.overfull.is_empty(), "plan {number}: {books:?}");
            assert_eq!(books.created, books.living.iter().sum::<usize>() + books.deleted, "plan {number}: {books:?}");
        }
        run.run_until(plan.end()).expect("it ends");
        let record = run.finish();
        assert_eq!(record.contradiction(), None, "plan {number}");
        launched += measure(&record, "nodes.launched");
        removed += measure(&record, "nodes.removed");
    }
    assert!(launched > 20.0 && removed > 20.0, "the plans are lively: {launched} launched, {removed} removed");
}
