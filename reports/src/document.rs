//! The document: everything that is needed to render any report again. As JSON it is `record.json`.

use crate::story;
use serde::{Deserialize, Serialize};
use sim_eks::record::{Fact, Weight};
use sim_eks::{Plan, Record};
use sim_study::{Estimate, Findings, Series};
use std::borrow::Cow;

/// Everything that is needed to render any report again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The version of this format, [`Document::SCHEMA`].
    pub schema: u32,
    /// The program that wrote it: `ekssim 0.1.0`.
    pub program: String,
    /// The command that gives this document again, without what does not matter to it (threads, output directory).
    pub command: String,
    /// The hash of everything in the plan that decides the results.
    pub plan_hash: String,
    /// The seed of all draws.
    pub seed: u64,
    /// What was run.
    pub plan: Plan,
    /// What the replications tell together.
    pub findings: Findings,
    /// One full record per case, in the order of the findings' cases: the first replication that drew it.
    pub records: Vec<Record>,
    /// What the plan's variants tell, in their order, from runs with the same seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantFindings>,
    /// What was left out or shortened to keep the file within its limit, in sentences; empty as a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// What the replications of one variant of the plan tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantFindings {
    /// Its name, as in the plan.
    pub name: String,
    /// What its replications tell together.
    pub findings: Findings,
    /// How its measures differ from those of the plan itself, replication by replication, in the order of the plan's.
    pub differences: Vec<Estimate>,
    /// The turning points of one run of its most telling case.
    pub timeline: Vec<Fact>,
}

/// Why a text is not a document.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or JSON of another kind.
    #[error("not a record of ekssim: {0}")]
    NotARecord(serde_json::Error),
    /// A record in another version of the format.
    #[error("a record of schema {found}, written by {program}: this program reads schema {}", Document::SCHEMA)]
    OtherSchema {
        /// The schema that the record names.
        found: u32,
        /// The program that it says wrote it.
        program: String,
    },
    /// A record of this schema with something wrong in it.
    #[error("a damaged record: {0}")]
    Damaged(serde_json::Error),
}

/// What every schema of the format has.
#[derive(Deserialize)]
#[serde(expecting = "an object with schema and program")]
struct Head {
    schema: u32,
    program: String,
}

impl Document {
    /// The version of the format that this program writes and reads.
    pub const SCHEMA: u32 = 1;
    /// Most bytes that the JSON of a document may have.
    pub const BYTES_MAX: usize = 20_000_000;

    /// Notes on the input that even a document far beyond its limit keeps.
    const NOTES_MIN: usize = 1_000;

    /// Puts a document together. `program` is the program's name and version; `records` holds one record per case of
    /// the findings, in their order. The command is written from the plan; set [`Document::command`] where more is
    /// known.
    pub fn new(program: impl Into<String>, seed: u64, plan: Plan, findings: Findings, records: Vec<Record>) -> Self {
        Document {
            schema: Self::SCHEMA,
            program: program.into(),
            command: story::command(&plan, seed, findings.replications),
            plan_hash: plan.hash().to_string(),
            seed,
            plan,
            findings,
            records,
            variants: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Adds what the next variant of the plan tells; `records` holds one record per case of its findings.
    pub fn add_variant(&mut self, name: &str, findings: Findings, records: Vec<Record>) {
        let told = records.into_iter().nth(story::telling_case(&findings));
        let mut timeline = told.map(|record| record.timeline).unwrap_or_default();
        timeline.retain(|fact| fact.weight >= Weight::Turn);
        let differences = sim_study::paired(&self.findings, &findings);
        self.variants.push(VariantFindings { name: name.to_owned(), findings, differences, timeline });
    }

    /// The document as JSON, a line per entry of the top level, at most [`Document::BYTES_MAX`] bytes: a larger one is
    /// thinned as [`Document::fitted`] says.
    pub fn to_json(&self) -> String {
        self.fitted().1
    }

    /// The document as it fits into its limit, and its JSON: itself as a rule. One that is too large loses first the
    /// rows of single replications, then half the windows of its series as often as needed, then the details of its
    /// timelines; what was lost is said in [`Document::left_out`].
    pub fn fitted(&self) -> (Cow<'_, Document>, String) {
        self.fitted_to(Self::BYTES_MAX)
    }

    pub(crate) fn fitted_to(&self, bytes_max: usize) -> (Cow<'_, Document>, String) {
        let json = self.json();
        if json.len() <= bytes_max {
            return (Cow::Borrowed(self), json);
        }
        let mut thinned = self.clone();
        let mut json = json;
        for thin in THINNING {
            if let Some(said) = thin(&mut thinned) {
                thinned.left_out.push(said);
                json = thinned.json();
            }
            if json.len() <= bytes_max {
                break;
            }
        }
        (Cow::Owned(thinned), json)
    }

    fn json(&self) -> String {
        fn value<T: Serialize>(value: &T) -> String {
            serde_json::to_string(value).expect("a document is plain data")
        }
        let mut entries = vec![
            ("schema", value(&self.schema)),
            ("program", value(&self.program)),
            ("command", value(&self.command)),
            ("plan_hash", value(&self.plan_hash)),
            ("seed", value(&self.seed)),
            ("plan", value(&self.plan)),
            ("findings", value(&self.findings)),
            ("records", value(&self.records)),
        ];
        if !self.variants.is_empty() {
            entries.push(("variants", value(&self.variants)));
        }
        if !self.left_out.is_empty() {
            entries.push(("left_out", value(&self.left_out)));
        }
        let lines: Vec<_> = entries.iter().map(|(key, json)| format!("\"{key}\":{json}")).collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// `ReadError` if the text is something else, another schema (by name), or damaged.
    pub fn from_json(text: &str) -> Result<Document, ReadError> {
        let head: Head = serde_json::from_str(text).map_err(ReadError::NotARecord)?;
        if head.schema != Self::SCHEMA {
            return Err(ReadError::OtherSchema { found: head.schema, program: head.program });
        }
        serde_json::from_str(text).map_err(ReadError::Damaged)
    }
}

/// What is given up, in this order, until a document fits; each says what it took, or that there was nothing to take.
const THINNING: [fn(&mut Document) -> Option<String>; 8] = [
    drop_run_rows,
    halve_windows,
    halve_windows,
    drop_details,
    halve_windows,
    keep_turning_points,
    drop_single_runs,
    drop_most_notes,
];

fn drop_run_rows(document: &mut Document) -> Option<String> {
    let variants = document.variants.iter_mut().map(|variant| &mut variant.findings.runs);
    let runs = std::iter::once(&mut document.findings.runs).chain(variants);
    let rows: usize = runs.map(|runs| std::mem::take(runs).len()).sum();
    (rows > 0).then(|| format!("the rows of {rows} single replications"))
}

fn halve_windows(document: &mut Document) -> Option<String> {
    let series = document.records.iter_mut().flat_map(|record| &mut record.series);
    let halved = series.filter(|series| series.values.len() >= 60).map(halve).count();
    (halved > 0).then(|| "every second window of the single runs' series (two became their mean)".to_owned())
}

fn halve(series: &mut Series) {
    series.window_s *= 2.0;
    series.values = series
        .values
        .chunks(2)
        .map(|pair| {
            let known: Vec<f64> = pair.iter().flatten().copied().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect();
}

fn drop_details(document: &mut Document) -> Option<String> {
    keep_facts(document, Weight::Step).map(|dropped| format!("{dropped} details of the timelines"))
}

fn keep_turning_points(document: &mut Document) -> Option<String> {
    keep_facts(document, Weight::Turn).map(|dropped| format!("{dropped} steps of the timelines"))
}

/// The last resort but one: what remains of the single runs are their measures, placements and requests.
fn drop_single_runs(document: &mut Document) -> Option<String> {
    for record in &mut document.records {
        record.facts_dropped += record.timeline.len() as u64;
        record.timeline.clear();
        record.series.clear();
    }
    (!document.records.is_empty()).then(|| "the series and timelines of the single runs".to_owned())
}

fn drop_most_notes(document: &mut Document) -> Option<String> {
    let dropped = document.plan.notes.len().saturating_sub(Document::NOTES_MIN);
    document.plan.notes.truncate(Document::NOTES_MIN);
    (dropped > 0).then(|| format!("{dropped} notes on the input"))
}

fn keep_facts(document: &mut Document, least: Weight) -> Option<u64> {
    let mut dropped = 0;
    for record in &mut document.records {
        let before = record.timeline.len();
        record.timeline.retain(|fact| fact.weight >= least);
        let here = (before - record.timeline.len()) as u64;
        record.facts_dropped += here;
        dropped += here;
    }
    (dropped > 0).then_some(dropped)
}
