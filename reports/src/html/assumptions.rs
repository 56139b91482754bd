//! What was assumed, filled in, not modelled, and what the reader should be warned of.

use crate::text::harmless;
use crate::{Document, story};
use serde::Serialize;
use sim_eks::plan::NoteKind;
use sim_eks::{Confidence, DECLARATIONS, Declaration, OMISSIONS, Omission, Parameters, Plan};

#[derive(Serialize)]
pub struct Assumptions {
    changed: Vec<Parameter>,
    groups: Vec<(String, Vec<Parameter>)>,
    count: usize,
    confidence: [(&'static str, usize); 3],
    filled: Vec<Note>,
    not_modelled: Vec<Note>,
    omissions: &'static [Omission],
    warnings: Vec<Note>,
}

#[derive(Serialize)]
struct Parameter {
    path: &'static str,
    value: String,
    default: &'static str,
    origin: String,
    source: &'static str,
    confidence: &'static str,
    governs: &'static str,
}

#[derive(Serialize)]
struct Note {
    place: String,
    field: String,
    text: String,
}

/// Everything that a document's results rest on besides its model.
pub fn assumptions(document: &Document) -> Assumptions {
    let plan = &document.plan;
    let defaults = Parameters::default();
    let mut changed = Vec::new();
    let mut groups: Vec<(String, Vec<Parameter>)> = Vec::new();
    for declared in DECLARATIONS {
        let parameter = parameter(plan, declared);
        if plan.parameters.get(declared.path) != defaults.get(declared.path) || !parameter.origin.is_empty() {
            changed.push(parameter);
            continue;
        }
        let group = declared.path.split('.').next().unwrap_or_default();
        match groups.last_mut() {
            Some((last, members)) if last == group => members.push(parameter),
            _ => groups.push((group.to_owned(), vec![parameter])),
        }
    }
    let mut warnings = notes(plan, NoteKind::Warning);
    warnings.extend(story::warnings(document).into_iter().map(|text| Note {
        place: String::new(),
        field: "the run".to_owned(),
        text: harmless(&text),
    }));
    Assumptions {
        changed,
        groups,
        count: DECLARATIONS.len(),
        confidence: [Confidence::Documented, Confidence::Measured, Confidence::Inferred].map(|confidence| {
            (word(confidence), DECLARATIONS.iter().filter(|declared| declared.confidence == confidence).count())
        }),
        filled: notes(plan, NoteKind::Filled),
        not_modelled: notes(plan, NoteKind::NotModelled),
        omissions: OMISSIONS,
        warnings,
    }
}

fn parameter(plan: &Plan, declared: &Declaration) -> Parameter {
    let origin = plan.settings.iter().rev().find(|setting| setting.path == declared.path);
    Parameter {
        path: declared.path,
        value: harmless(&plan.parameters.get(declared.path).unwrap_or_default()),
        default: declared.default,
        origin: origin.map(|setting| harmless(&setting.origin)).unwrap_or_default(),
        source: declared.source,
        confidence: word(declared.confidence),
        governs: declared.governs,
    }
}

fn word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Documented => "documented",
        Confidence::Measured => "measured",
        Confidence::Inferred => "inferred",
    }
}

fn notes(plan: &Plan, kind: NoteKind) -> Vec<Note> {
    let of_kind = plan.notes.iter().filter(|note| note.kind == kind);
    of_kind
        .map(|note| Note { place: harmless(&note.place), field: harmless(&note.field), text: harmless(&note.text) })
        .collect()
}
