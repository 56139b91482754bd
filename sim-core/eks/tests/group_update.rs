//! The update of a managed node group: its phases, how many nodes go at a time, and what a disruption budget does to it.

mod story;

use sim_eks::Record;
use sim_eks::plan::{Amount, Change, DisruptionBudget};
use story::{Story, fact, measure, story};

/// Six nodes in three zones with thirty pods; the group is updated at minute 10.
fn updated(max_unavailable: u32, force: bool) -> Story {
    let mut story = story(6).minutes(60);
    story.plan.deployments[0].replicas = 30;
    story.at(10, Change::UpdateNodeGroup { node_group: 0, max_unavailable, force })
}

fn with_budget(mut story: Story, budget: DisruptionBudget) -> Story {
    story.plan.deployments[0].control.budget = Some(budget);
    story
}

/// Seconds from the start of the run to a fact of the update.
fn at(record: &Record, text: &str) -> f64 {
    fact(record, text).unwrap_or_else(|| panic!("{text}: {:#?}", record.timeline)).first.as_secs_f64()
}

#[test]
fn new_nodes_come_first_then_the_old_ones_go_and_the_group_is_as_large_as_before() {
    for record in updated(1, false).records(1..4) {
        let phases = ["begins: 6 nodes", "scale-up, 6 instances more", "old ones are cordoned", "scale-down", ": done"];
        let times = phases.map(|phase| at(&record, phase));
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        assert_eq!(measure(&record, "nodes.drained"), 6.0, "each old node is drained");
        assert_eq!(measure(&record, "pods.pending.end"), 0.0);
        // Without a budget all pods of a node leave at once: a sixth of them, for some seconds each time.
        assert!(measure(&record, "workload.availability") > 0.99, "{}", measure(&record, "workload.availability"));
        let launched: u32 = record
            .timeline
            .iter()
            .filter(|fact| fact.text.contains("instance launched"))
            .map(|fact| fact.count as u32)
            .sum();
        assert_eq!(launched, 12, "six beside the old ones, and one for each of these");
    }
}

#[test]
fn more_at_a_time_is_sooner_done() {
    let took = |max_unavailable| {
        let record = updated(max_unavailable, false).record();
        at(&record, "scale-down") - at(&record, "old ones are cordoned")
    };
    let (one, three) = (took(1), took(3));
    assert!(three < one / 2.0, "{three} s, three at a time, and {one} s, one after another");
}

#[test]
fn a_budget_that_lets_no_pod_go_makes_the_update_fail_after_a_quarter_of_an_hour() {
    let stuck = with_budget(updated(1, false), DisruptionBudget::MinAvailable(Amount::Share(1.0)));
    let record = stuck.record();
    let waited = at(&record, "PodEvictionFailure") - at(&record, "old ones are cordoned");
    assert!((15.0 * 60.0..15.0 * 60.0 + 16.0).contains(&waited), "{waited}");
    assert!(measure(&record, "evictions.refused") > 100.0, "it tries again and again");
    assert_eq!(measure(&record, "nodes.drained"), 0.0);
}

#[test]
fn force_deletes_what_a_budget_keeps() {
    let forced = with_budget(updated(6, true), DisruptionBudget::MinAvailable(Amount::Share(1.0)));
    let record = forced.record();
    assert!(at(&record, "deleted by force") > at(&record, "old ones are cordoned") + 15.0 * 60.0 - 1.0);
    assert!(fact(&record, "update of node group general: done").is_some(), "{:#?}", record.timeline);
}

#[test]
fn a_second_update_is_refused_while_the_first_goes_on() {
    let twice = updated(1, false).at(12, Change::UpdateNodeGroup { node_group: 0, max_unavailable: 1, force: false });
    let record = twice.record();
    assert!(fact(&record, "another one of it is under way").is_some());
    assert_eq!(measure(&record, "nodes.drained"), 6.0);
}

#[test]
fn an_update_tells_the_same_however_ties_fall() {
    let story = updated(3, false);
    let shuffled = story.clone().mode(|modes| modes.shuffle_ties = true);
    assert_eq!(story.record().timeline, shuffled.record().timeline);
}
