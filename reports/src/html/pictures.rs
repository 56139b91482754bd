//! The charts of the page, in tabs: over all replications, and for one run of each case; and the values behind them,
//! for the read-out under the pointer.

use super::case_name;
use crate::chart::{Chart, Figure, inline_svg};
use crate::numbers::significant;
use crate::text::harmless;
use crate::{Document, figures};
use serde::Serialize;

/// The size of a chart in the page, before it is scaled to its column.
const SIZE: [u32; 2] = [540, 165];

#[derive(Serialize)]
pub struct Pictures {
    tabs: Vec<Tab>,
    /// JSON that may stand in a script element: a list of [`Values`].
    values: String,
}

#[derive(Serialize)]
struct Tab {
    label: String,
    note: String,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    title: String,
    charts: Vec<String>,
}

/// The values of one chart.
#[derive(Serialize)]
struct Values {
    unit: sim_study::Unit,
    end_s: f64,
    lines: Vec<LineValues>,
}

#[derive(Serialize)]
struct LineValues {
    label: String,
    window_s: f64,
    values: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    low: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    high: Vec<serde_json::Value>,
}

/// The charts of a document.
pub fn pictures(document: &Document) -> Pictures {
    let mut values = Vec::new();
    let findings = &document.findings;
    let all = match findings.replications {
        1 => ("The run".to_owned(), String::new()),
        n => (
            format!("All {n} replications"),
            "Mean over the replications in each window; the band is its 95 % interval. Where cases differ much, look at \
             them one by one."
                .to_owned(),
        ),
    };
    let mut tabs = Vec::new();
    if !document.variants.is_empty() {
        let note = "Means over the replications in each window, a line for the scenario and one for each variant.";
        let label = ("Side by side".to_owned(), note.to_owned());
        tabs.push(tab(label, figures::side_by_side(document), &mut values));
    }
    tabs.push(tab(all, figures::of_all(&document.plan, findings), &mut values));
    if findings.replications > 1 {
        for (at, record) in document.records.iter().enumerate() {
            let note = format!("One run: replication {}, {}.", record.replication, case_name(document, at));
            let label = format!("Case {}", at + 1);
            tabs.push(tab((label, note), figures::of_run(&document.plan, record), &mut values));
        }
    }
    // A script element ends at `</script`, wherever it stands.
    let values = serde_json::to_string(&values).expect("plain numbers and names").replace('<', "\\u003c");
    Pictures { tabs, values }
}

fn tab((label, note): (String, String), figures: Vec<Figure>, values: &mut Vec<Values>) -> Tab {
    let mut draw = |chart: &Chart| {
        values.push(values_of(chart));
        inline_svg(chart, SIZE, values.len() - 1)
    };
    let groups = figures
        .iter()
        .map(|figure| Group { title: figure.title.clone(), charts: figure.charts.iter().map(&mut draw).collect() });
    Tab { label, note, groups: paired(groups.collect()) }
}

/// Availability and latency of one class side by side; figures of one chart side by side.
fn paired(groups: Vec<Group>) -> Vec<Group> {
    let mut paired: Vec<Group> = Vec::new();
    let mut small = Group { title: "Nodes, pods and the rest".to_owned(), charts: Vec::new() };
    for group in groups {
        match paired.last_mut() {
            Some(last)
                if last.charts.len() == group.charts.len()
                    && group.charts.len() > 1
                    && group.title.starts_with("Latency") =>
            {
                last.title = "API availability, and latency of successful requests, by client class".to_owned();
                let left = std::mem::take(&mut last.charts);
                last.charts = left.into_iter().zip(group.charts).flat_map(|(left, right)| [left, right]).collect();
            }
            _ if group.title.starts_with("Side") => paired.push(group),
            _ if group.title.starts_with("API") || group.title.starts_with("Latency") => paired.push(group),
            _ => small.charts.extend(group.charts),
        }
    }
    if !small.charts.is_empty() {
        paired.push(small);
    }
    paired
}

fn values_of(chart: &Chart) -> Values {
    let short = |values: &[Option<f64>]| values.iter().map(|value| short(*value)).collect();
    let lines = chart.lines.iter().map(|line| LineValues {
        label: harmless(&line.label),
        window_s: line.window_s,
        values: short(&line.values),
        low: line.band.as_ref().map(|band| short(&band.low)).unwrap_or_default(),
        high: line.band.as_ref().map(|band| short(&band.high)).unwrap_or_default(),
    });
    Values { unit: chart.unit, end_s: chart.end_s, lines: lines.collect() }
}

/// A value with five significant digits; what is nearly all of a share keeps what it lacks.
fn short(value: Option<f64>) -> serde_json::Value {
    let shown = value.filter(|value| value.is_finite()).map(|value| significant(value, 6).replace(',', ""));
    shown.and_then(|shown| shown.parse::<serde_json::Number>().ok()).map_or(serde_json::Value::Null, Into::into)
}
