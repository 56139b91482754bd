//! The cases of the mixture with their probabilities, then the total; and every measure in every case.

use crate::numbers::{NONE, no_interval, probability, show, show_estimate};
use crate::text::harmless;
use crate::{Document, story};
use serde::Serialize;
use sim_study::{Better, Estimate};

#[derive(Serialize)]
pub struct Cases {
    heads: Vec<String>,
    rows: Vec<Row>,
    total: Row,
    not_drawn: Option<String>,
    telling: usize,
    measures: Vec<Measure>,
}

/// One case, or the total.
#[derive(Serialize)]
struct Row {
    label: String,
    probability: String,
    replications: u32,
    cells: Vec<String>,
    note: Option<String>,
}

/// One measure in every case and in total.
#[derive(Serialize)]
struct Measure {
    name: String,
    definition: String,
    better: &'static str,
    cells: Vec<String>,
    total: String,
    range: String,
    n: u32,
}

/// The cases of a document.
pub fn cases(document: &Document) -> Cases {
    let findings = &document.findings;
    let keys = story::key_measures(findings);
    let cells = |estimates: &[Estimate]| keys.iter().map(|(name, _)| cell(estimates, name)).collect();
    let drawn: f64 = findings.cases.iter().map(|case| case.case.probability).sum();
    Cases {
        heads: keys.iter().map(|(_, heading)| harmless(heading)).collect(),
        rows: findings
            .cases
            .iter()
            .map(|case| Row {
                label: harmless(&case.case.label),
                probability: probability(case.case.probability),
                replications: case.replications,
                cells: cells(&case.measures),
                note: no_interval(case.replications),
            })
            .collect(),
        total: Row {
            label: "All replications".to_owned(),
            probability: probability(drawn.min(1.0)),
            replications: findings.replications,
            cells: cells(&findings.total),
            note: no_interval(findings.replications),
        },
        not_drawn: (drawn < 0.999).then(|| probability(1.0 - drawn)),
        telling: story::telling_case(findings) + 1,
        measures: findings.total.iter().map(|estimate| measure(document, estimate)).collect(),
    }
}

fn cell(estimates: &[Estimate], name: &str) -> String {
    story::measure(estimates, name).map_or_else(|| NONE.to_owned(), show_estimate)
}

fn measure(document: &Document, total: &Estimate) -> Measure {
    let cases = &document.findings.cases;
    let several = cases.len() > 1;
    Measure {
        name: harmless(&total.name),
        definition: harmless(&total.definition),
        better: match total.better {
            Better::Up => "more is better",
            Better::Down => "less is better",
            Better::Neither => "",
        },
        cells: cases.iter().filter(|_| several).map(|case| cell(&case.measures, &total.name)).collect(),
        total: show_estimate(total),
        range: match total.range {
            Some([low, high]) if total.n > 1 => format!("{} to {}", show(total.unit, low), show(total.unit, high)),
            _ => String::new(),
        },
        n: total.n,
    }
}
