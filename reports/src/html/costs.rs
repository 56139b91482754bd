//! What the cluster costs: the parts over all replications, and the bill of one run, line by line.

use super::case_name;
use crate::cost::{heading, parts, with_interval};
use crate::numbers::{NONE, show, significant};
use crate::text::harmless;
use crate::{Document, story};
use serde::Serialize;
use sim_eks::record::BillLine;
use sim_study::Unit;

#[derive(Serialize)]
pub struct Costs {
    parts: Vec<Part>,
    total: Part,
    /// Whose bill is listed.
    run: String,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Part {
    heading: String,
    name: String,
    definition: String,
    run: String,
    month: String,
}

#[derive(Serialize)]
struct Line {
    part: String,
    what: String,
    quantity: String,
    price: String,
    usd: String,
    source: String,
}

/// The costs of a document; `None` where its model tells none.
pub fn costs(document: &Document) -> Option<Costs> {
    let findings = &document.findings;
    let part = |name: &str| {
        let measure = |name: &str| story::measure(&findings.total, name);
        let (run, month) = (measure(&format!("cost.{name}")), measure(&format!("cost.month.{name}"))?);
        Some(Part {
            heading: harmless(heading(name)),
            name: harmless(&format!("cost.{name}")),
            definition: harmless(&month.definition),
            run: run.map_or_else(|| NONE.to_owned(), with_interval),
            month: with_interval(month),
        })
    };
    let is_there = |usd: Option<f64>| usd != Some(0.0);
    let listed = parts(findings).filter(|(_, month)| is_there(month.mean)).filter_map(|(name, _)| part(name)).collect();
    let telling = story::telling_case(findings);
    let record = document.records.get(telling);
    Some(Costs {
        parts: listed,
        total: part("total")?,
        run: record.map_or_else(String::new, |_| case_name(document, telling)),
        lines: record.map_or(&[][..], |record| &record.bill).iter().map(line).collect(),
    })
}

fn line(line: &BillLine) -> Line {
    Line {
        part: harmless(heading(&line.part)),
        what: harmless(&line.what),
        quantity: format!("{} {}", significant(line.quantity, 4), harmless(&line.unit)),
        price: line.usd_per_unit.map_or_else(|| NONE.to_owned(), |usd| format!("{} USD", significant(usd, 6))),
        usd: line.usd().map_or_else(|| NONE.to_owned(), |usd| show(Unit::Usd, usd)),
        source: harmless(&line.source),
    }
}
