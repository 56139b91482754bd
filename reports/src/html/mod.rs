//! The page: one self-contained HTML file that opens offline, loads nothing, and can be printed.
//!
//! Each section is a plain value, made by a module of its own and laid out by `templates/report.html`. Every text is
//! made harmless when it enters a section, and escaped when the template writes it.

mod assumptions;
mod cases;
mod costs;
mod drawing;
mod network;
mod pictures;
mod requests;
mod summary;
mod timelines;
mod variants;

use crate::Document;
use crate::text::harmless;
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use serde::Serialize;

/// Everything that the template lays out.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    script: &'static str,
    summary: summary::Summary,
    variants: Option<variants::Variants>,
    cases: cases::Cases,
    costs: Option<costs::Costs>,
    pictures: pictures::Pictures,
    network: Option<network::NetworkPage>,
    timelines: Vec<timelines::Timeline>,
    requests: Vec<requests::Requests>,
    assumptions: assumptions::Assumptions,
    reproduce: Reproduce,
}

/// How to get the same page again.
#[derive(Serialize)]
struct Reproduce {
    command: String,
    program: String,
    plan_hash: String,
    seed: String,
    digests: Vec<String>,
}

/// The page of a document.
pub fn html(document: &Document) -> String {
    let pictures = pictures::pictures(document);
    let page = Page {
        style: include_str!("../../templates/report.css"),
        script: include_str!("../../templates/report.js"),
        summary: summary::summary(document),
        variants: variants::variants(document),
        cases: cases::cases(document),
        costs: costs::costs(document),
        pictures,
        network: network::network(document),
        timelines: timelines::timelines(document),
        requests: requests::requests(document),
        assumptions: assumptions::assumptions(document),
        reproduce: Reproduce {
            command: harmless(&document.command),
            program: harmless(&document.program),
            plan_hash: harmless(&document.plan_hash),
            seed: document.seed.to_string(),
            digests: document
                .records
                .iter()
                .map(|record| format!("replication {}: {}", record.replication, record.digest))
                .collect(),
        },
    };
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters are valid"));
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment
        .render_named_str("report.html", include_str!("../../templates/report.html"), Value::from(Serde(&page)))
        .expect("the template fits the page (tested)")
}

/// The name of a record's case, as it is told where there are several.
fn case_name(document: &Document, at: usize) -> String {
    let case = &document.records[at].case;
    match document.findings.cases.len() {
        0 | 1 => "this run".to_owned(),
        _ => format!("case {}: {}", at + 1, harmless(&case.label)),
    }
}
