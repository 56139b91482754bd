//! The terminal summary, as a reader sees it.

mod common;

use reports::{Judged, Style, terminal, verdict};

const PLAIN: Style = Style { colour: false, width: 100 };

/// The summary of a made-up document, with the number of parameters left open: new ones are no change of this story.
fn summary(replications: u32) -> String {
    let parameters = format!("Assumed: {} parameters", sim_eks::DECLARATIONS.len());
    terminal(&common::document(replications), PLAIN).replace(&parameters, "Assumed: N parameters")
}

#[test]
fn one_run_is_told_on_one_screen() {
    insta::assert_snapshot!(summary(1));
}

#[test]
fn replications_are_told_by_case_and_then_in_total() {
    insta::assert_snapshot!(summary(8));
}

#[test]
fn a_summary_fits_its_screen() {
    for replications in [1, 2, 8] {
        let text = terminal(&common::document(replications), PLAIN);
        assert!(text.lines().count() <= 44, "{} lines", text.lines().count());
        for width in [60, 80, 100, 200] {
            let text = terminal(&common::document(replications), Style { width, ..PLAIN });
            let longest = text.lines().map(|line| line.chars().count()).max().expect("it has lines");
            assert!(longest <= width.max(72), "{longest} columns of {width}:\n{text}");
        }
    }
}

#[test]
fn long_names_and_many_objectives_leave_it_on_its_screen() {
    let mut document = common::document(8);
    document.plan.title = "a very long title ".repeat(20);
    document.plan.question = "What would a reader want to know of this, and of that? ".repeat(10);
    document.plan.cluster.name = "organisation-team-environment-".repeat(8);
    document.plan.objectives = document.plan.objectives.iter().cycle().take(40).cloned().collect();
    let cases = document.findings.cases.clone();
    document.findings.cases = cases.iter().cycle().take(9).cloned().collect();
    let others = ["the etcd leader", "the controllers' leader", "another API server", "a follower of etcd"];
    for (case, other) in document.findings.cases.iter_mut().zip(others.into_iter().cycle()) {
        case.case.label = format!("the zone held {other}, an API server, and the scheduler's leader");
    }
    for fact in document.records.iter_mut().flat_map(|record| &mut record.timeline) {
        fact.text = format!("{} {}", fact.text, "and what came of it ".repeat(8));
    }
    let text = terminal(&document, PLAIN);
    assert!(text.lines().count() <= 50, "{} lines:\n{text}", text.lines().count());
    assert!(text.contains("and 34 more: see the report") && text.contains("and 3 rarer cases"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    document.plan.objectives.truncate(2);
    document.findings.cases.truncate(6);
    let text = terminal(&document, PLAIN);
    assert!(text.lines().count() <= 44, "{} lines:\n{text}", text.lines().count());
}

#[test]
fn colour_changes_nothing_but_colour() {
    let document = common::document(8);
    let coloured = terminal(&document, Style { colour: true, ..PLAIN });
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').expect("an escape sequence ends").1;
    }
    bare.push_str(rest);
    assert!(coloured.contains("\u{1b}[1;31mMISSED"));
    assert_eq!(bare, terminal(&document, PLAIN));
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let mut document = common::document(1);
    document.plan.title = "\u{1b}]0;owned\u{7}\u{1b}[2J".into();
    document.plan.cluster.name = "a\nb\u{9b}31m".into();
    document.records[0].timeline[0].text = "\u{1b}[31mred".into();
    assert!(!terminal(&document, PLAIN).contains(['\u{1b}', '\u{7}', '\u{9b}']));
}

#[test]
fn objectives_are_judged_by_their_bounds() {
    let verdict = verdict(&common::document(8));
    let outcomes: Vec<_> = verdict.objectives.iter().map(|judgement| judgement.outcome).collect();
    assert_eq!(outcomes, [Judged::Missed, Judged::Met, Judged::Missed, Judged::Unknown]);
    assert!(verdict.missed);
    let outage = &verdict.objectives[1];
    assert!(outage.close, "60 s lies within the interval");
    assert_eq!(outage.missed_in, [2], "only where the etcd leader died too");
    assert_eq!(outage.missed_runs.1, 8);
}

#[test]
fn what_cannot_be_judged_is_unknown_not_missed() {
    let mut document = common::document(1);
    document.plan.objectives.retain(|objective| objective.measure == "api.no-such-thing");
    let judged = verdict(&document);
    assert_eq!(judged.objectives[0].outcome, Judged::Unknown);
    assert!(!judged.missed);
    assert!(terminal(&document, PLAIN).contains("UNKNOWN: 1 of 1 objective"));
}

#[test]
fn unknown_measures_and_an_empty_record_are_told_without_failing() {
    let mut document = common::document(1);
    document.findings.total.truncate(1);
    document.findings.total[0].name = "brand.new".into();
    document.findings.cases.clear();
    document.records.clear();
    assert!(terminal(&document, PLAIN).contains("A zone loses power"));
}
