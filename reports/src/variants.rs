//! A plan and its variants side by side: which measures are told, and how each variant differs.

use crate::document::VariantFindings;
use crate::numbers::{NONE, show, show_estimate};
use crate::story;
use crate::text::harmless;
use crate::{Document, Judged, judge_all};
use sim_study::{Better, Estimate, Findings};

/// How a variant's measure compares with the plan's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The interval of the difference holds zero, or there is none.
    Unsure,
    /// Surely better.
    Better,
    /// Surely worse.
    Worse,
    /// Surely different, of a measure that has no good side.
    Different,
}

/// One measure, in the plan itself and in each variant.
pub struct Row {
    /// The measure's name, or what stands for it.
    pub name: String,
    /// What people call it.
    pub heading: String,
    /// What the measure is.
    pub definition: String,
    /// The plan's own figure.
    pub base: String,
    /// A cell for each variant: its figure, how it compares, and the difference with its interval.
    pub cells: Vec<(String, Change, String)>,
}

/// The names of the columns: the plan itself, then its variants.
pub fn names(document: &Document) -> Vec<String> {
    let base = std::iter::once(harmless(&document.plan.base));
    base.chain(document.variants.iter().map(|variant| harmless(&variant.name))).collect()
}

/// How many objectives each column meets: `2 of 3`; nothing if there are none.
pub fn objectives(document: &Document) -> Option<Vec<String>> {
    let objectives = &document.plan.objectives;
    let met = |findings: &Findings| {
        let judged = judge_all(objectives, findings);
        let met = judged.iter().filter(|judgement| judgement.outcome == Judged::Met).count();
        format!("{met} of {}", objectives.len())
    };
    let base = std::iter::once(met(&document.findings));
    let all = base.chain(document.variants.iter().map(|variant| met(&variant.findings)));
    (!objectives.is_empty()).then(|| all.collect())
}

/// Every measure that has a value somewhere.
pub fn all_rows(document: &Document) -> Vec<Row> {
    (0..document.findings.total.len()).filter_map(|column| row(document, column)).collect()
}

/// What a reader wants to see first, at most `most` rows: the measures of the objectives, then availability and tail
/// latency by client class, then what surely differs.
pub fn telling_rows(document: &Document, most: usize) -> Vec<Row> {
    let bounded = |name: &str| document.plan.objectives.iter().any(|objective| objective.measure == name);
    let of_class = |name: &str| ["api.availability.", "api.latency.p99."].iter().any(|family| name.starts_with(family));
    let rank = |row: &Row| match row {
        row if bounded(&row.name) => 0,
        row if row.name.starts_with("api.latency.p50.") => 4,
        row if row.name == "api.availability" || of_class(&row.name) => 1,
        row if row.heading != row.name && row.cells.iter().any(|cell| cell.1 != Change::Unsure) => 2,
        row if row.heading != row.name => 3,
        _ => 4,
    };
    let mut rows: Vec<(usize, Row)> = all_rows(document).into_iter().map(|row| (rank(&row), row)).collect();
    rows.retain(|(rank, _)| *rank < 4);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&at| (rows[at].0, at));
    order.truncate(most);
    order.sort_unstable();
    let kept = |(at, (_, row)): (usize, (usize, Row))| order.contains(&at).then_some(row);
    rows.into_iter().enumerate().filter_map(kept).collect()
}

fn row(document: &Document, column: usize) -> Option<Row> {
    let base = &document.findings.total[column];
    let cells: Vec<_> = document.variants.iter().map(|variant| cell(variant, base, column)).collect();
    let told = base.mean.is_some() || cells.iter().any(|cell| cell.0 != NONE);
    told.then(|| Row {
        name: harmless(&base.name),
        heading: harmless(&heading(&base.name)),
        definition: harmless(&base.definition),
        base: show_estimate(base),
        cells,
    })
}

fn cell(variant: &VariantFindings, base: &Estimate, column: usize) -> (String, Change, String) {
    let figure = story::measure(&variant.findings.total, &base.name);
    let difference = variant.differences.get(column).filter(|difference| difference.mean.is_some());
    let shown = figure.map_or_else(|| NONE.to_owned(), show_estimate);
    (shown, difference.map_or(Change::Unsure, change), difference.map_or_else(String::new, show_difference))
}

/// What people call a measure, with its client class.
fn heading(name: &str) -> String {
    for (family, heading) in story::CLASS_FAMILIES {
        if let Some(class) = name.strip_prefix(family) {
            return format!("{heading}, {}", story::class_name(class));
        }
    }
    story::heading(name).to_owned()
}

fn change(difference: &Estimate) -> Change {
    let (Some(mean), Some(half)) = (difference.mean, difference.half_width) else { return Change::Unsure };
    match difference.better {
        _ if mean.abs() <= half || mean == 0.0 => Change::Unsure,
        Better::Neither => Change::Different,
        Better::Up if mean > 0.0 => Change::Better,
        Better::Down if mean < 0.0 => Change::Better,
        _ => Change::Worse,
    }
}

/// `+3.2 s ±0.4`, `-0.11 % ±0.02`.
fn show_difference(difference: &Estimate) -> String {
    let Some(mean) = difference.mean else { return String::new() };
    let sign = if mean < 0.0 { "−" } else { "+" };
    let size = Estimate { mean: Some(mean.abs()), ..difference.clone() };
    match difference.half_width {
        Some(_) => format!("{sign}{}", show_estimate(&size)),
        None => format!("{sign}{}", show(difference.unit, mean.abs())),
    }
}
