//! The plan and its variants side by side: every measure, and how each variant differs.

use crate::document::VariantFindings;
use crate::text::harmless;
use crate::variants::{self as side_by_side, Change, Row};
use crate::{Document, story};
use serde::Serialize;
use sim_eks::plan::Variant;

#[derive(Serialize)]
pub struct Variants {
    names: Vec<String>,
    objectives: Option<Vec<String>>,
    telling: Vec<Measure>,
    all: Vec<Measure>,
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Measure {
    name: String,
    heading: String,
    definition: String,
    base: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    figure: String,
    difference: String,
    change: &'static str,
}

/// What makes a variant, and what happened in it.
#[derive(Serialize)]
struct Detail {
    name: String,
    settings: Vec<String>,
    points: Vec<(String, String)>,
}

/// Rows that are told first.
const TELLING: usize = 24;
/// Turning points of a variant that are told.
const POINTS: usize = 12;

/// The plan and its variants; `None` where it has none.
pub fn variants(document: &Document) -> Option<Variants> {
    (!document.variants.is_empty()).then(|| Variants {
        names: side_by_side::names(document),
        objectives: side_by_side::objectives(document),
        telling: side_by_side::telling_rows(document, TELLING).into_iter().map(measure).collect(),
        all: side_by_side::all_rows(document).into_iter().map(measure).collect(),
        details: document.variants.iter().zip(&document.plan.variants).map(|both| detail(document, both)).collect(),
    })
}

fn measure(row: Row) -> Measure {
    let cell = |(figure, change, difference)| Cell {
        figure,
        difference,
        change: match change {
            Change::Unsure => "unsure",
            Change::Better => "better",
            Change::Worse => "worse",
            Change::Different => "different",
        },
    };
    Measure {
        heading: if row.heading == row.name { String::new() } else { row.heading },
        name: row.name,
        definition: row.definition,
        base: row.base,
        cells: row.cells.into_iter().map(cell).collect(),
    }
}

fn detail(document: &Document, (told, planned): (&VariantFindings, &Variant)) -> Detail {
    let new = planned.settings.iter().filter(|setting| !document.plan.settings.contains(setting));
    let point = |fact| (story::since_the_first_step(&document.plan, fact), harmless(&fact.text));
    let new = new.map(|setting| format!("{} = {}", setting.path, setting.value));
    let network = planned.network.iter().flat_map(|network| document.plan.cluster.network.differences(network));
    Detail {
        name: harmless(&told.name),
        settings: new.chain(network).map(|text| harmless(&text)).collect(),
        points: story::turning_points(&told.timeline, POINTS).into_iter().map(point).collect(),
    }
}
