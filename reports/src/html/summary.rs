//! The top of the page: the question, what was run, the verdict, and what each client class saw.

use crate::numbers::{NONE, no_interval, probability, show_estimate};
use crate::story::{self, CLASS_FAMILIES};
use crate::text::harmless;
use crate::{Document, Judged, Judgement, verdict};
use serde::Serialize;
use sim_eks::quantity::show_duration;

#[derive(Serialize)]
pub struct Summary {
    title: String,
    question: String,
    scenario: String,
    program: String,
    cluster: String,
    length: String,
    steps: Vec<String>,
    since: &'static str,
    verdict: &'static str,
    verdict_text: String,
    objectives: Vec<Objective>,
    interval_note: String,
    class_heads: Vec<&'static str>,
    classes: Vec<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct Objective {
    outcome: &'static str,
    measure: String,
    heading: String,
    wanted: String,
    value: String,
    remarks: Vec<String>,
}

/// The top of the page of a document.
pub fn summary(document: &Document) -> Summary {
    let plan = &document.plan;
    let findings = &document.findings;
    let verdict = verdict(document);
    let count = |outcome| verdict.objectives.iter().filter(|judgement| judgement.outcome == outcome).count();
    let all = story::counted(verdict.objectives.len() as u64, "objective");
    let (word, verdict_text) = match (count(Judged::Missed), count(Judged::Unknown)) {
        _ if verdict.objectives.is_empty() => ("none", "No objectives were set".to_owned()),
        (0, 0) => ("met", format!("All met: {all}")),
        (0, unknown) => ("unknown", format!("Unknown: {unknown} of {all}")),
        (missed, _) => ("missed", format!("Missed: {missed} of {all}")),
    };
    let cell = |family: &str, class: &str| {
        story::of_class(&findings.total, family, class).map_or_else(|| NONE.to_owned(), show_estimate)
    };
    Summary {
        title: harmless(&plan.title),
        question: harmless(&plan.question),
        scenario: harmless(&plan.scenario),
        program: harmless(&document.program),
        cluster: harmless(&story::cluster_line(plan)),
        length: format!(
            "{} simulated, the first {} not measured, {}, seed {}",
            show_duration(plan.duration),
            show_duration(plan.warm_up),
            story::counted(u64::from(findings.replications), "replication"),
            document.seed,
        ),
        steps: plan
            .steps
            .iter()
            .map(|step| harmless(&format!("At {} {}.", story::clock(step.at), plan.describe(&step.change))))
            .collect(),
        since: if plan.steps.is_empty() { "Since the start" } else { "Since the first step" },
        verdict: word,
        verdict_text,
        objectives: verdict.objectives.iter().map(|judgement| objective(judgement, document)).collect(),
        interval_note: no_interval(findings.replications)
            .unwrap_or_else(|| "mean over all replications, ± half the 95 % interval".to_owned()),
        class_heads: CLASS_FAMILIES.iter().map(|(_, heading)| *heading).collect(),
        classes: story::client_classes(&findings.total)
            .into_iter()
            .map(|class| {
                let cells = CLASS_FAMILIES.iter().map(|(family, _)| cell(family, class)).collect();
                (story::class_name(class), cells)
            })
            .collect(),
    }
}

fn objective(judgement: &Judgement, document: &Document) -> Objective {
    let mut remarks = Vec::new();
    if judgement.close {
        remarks.push("the threshold lies within the interval: more replications may judge otherwise".to_owned());
    }
    let (missed, runs) = judgement.missed_runs;
    if missed > 0 && runs > 1 {
        remarks.push(format!("missed in {missed} of {runs} replications"));
    }
    let cases = &document.findings.cases;
    if cases.len() > 1 && !judgement.missed_in.is_empty() {
        let chance: f64 = judgement.missed_in.iter().map(|&case| cases[case].case.probability).sum();
        let numbers: Vec<_> = judgement.missed_in.iter().map(|case| (case + 1).to_string()).collect();
        let noun = if numbers.len() == 1 { "case" } else { "cases" };
        remarks.push(format!("missed on average in {noun} {} ({})", numbers.join(", "), probability(chance)));
    }
    let measure = harmless(&judgement.objective.measure);
    Objective {
        outcome: judgement.outcome.word(),
        heading: match story::heading(&measure) {
            heading if heading == measure => String::new(),
            heading => heading.to_owned(),
        },
        wanted: harmless(&judgement.objective.text),
        value: judgement.estimate.as_ref().map_or_else(|| "no such measure".to_owned(), show_estimate),
        measure,
        remarks,
    }
}
