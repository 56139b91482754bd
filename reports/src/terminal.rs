//! The terminal summary: one screen that answers the question.

use crate::numbers::{NONE, no_interval, probability, show_estimate};
use crate::places;
use crate::story::{self, CLASS_FAMILIES};
use crate::table::{Side, Table, Tone};
use crate::text::{cut, harmless, width, wrap};
use crate::variants::{self, Change};
use crate::{Document, Judged, Judgement, cost, verdict};
use sim_eks::Record;
use sim_eks::plan::{NoteKind, Step};
use sim_eks::record::{Fact, Weight};
use sim_study::{Estimate, Findings};
use std::path::{Path, PathBuf};

/// How the summary may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used (the caller knows `NO_COLOR` and whether it writes to a terminal).
    pub colour: bool,
    /// Columns of a line, at least 60.
    pub width: usize,
}

/// Lines of the summary that a screen of 100 columns holds, without the one that says where the files are.
const LINES: usize = 44;
/// Fewest and most turning points that are told.
const TURNING_POINTS: [usize; 2] = [3, 12];
/// Cases that are listed.
const CASES: usize = 6;
/// Measures that are told of each case; the page has them all.
const CASE_MEASURES: usize = 3;
/// Columns of a case's name.
const CASE_NAME: usize = 48;
/// Columns of a turning point's text: two lines, as a rule.
const FACT: usize = 110;
/// Measures that are told of a plan and its variants side by side.
const VARIANT_ROWS: usize = 18;
/// Clients by place that are listed, and closed ways.
const PLACES: usize = 6;
const CLOSED_WAYS: usize = 3;
/// Objectives that are listed.
const OBJECTIVES: usize = 6;

/// The summary of a document: verdict, figures, cases, turning points, and what was assumed. Lines end with `\n`.
pub fn terminal(document: &Document, style: Style) -> String {
    let mut screen = Screen { style: Style { width: style.width.max(60), ..style }, text: String::new() };
    screen.head(document);
    screen.verdict(document);
    if document.variants.is_empty() {
        screen.clients(&document.findings);
        screen.places(document);
        screen.cluster(&document.findings);
        screen.cases(&document.findings);
    } else {
        screen.side_by_side(document);
    }
    let fine_print = screen.fine_print(document);
    screen.turning_points(document, fine_print.len());
    for line in fine_print {
        screen.line(Tone::Quiet, &line);
    }
    screen.text
}

/// One line that says where the files are, for the end of the summary.
pub fn where_the_files_are(out: &Path, written: &[PathBuf]) -> String {
    let plots = written.iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("plots"))).count();
    let mut named: Vec<String> = ["report.html", "record.json", "summary.txt"]
        .iter()
        .filter(|name| written.iter().any(|path| path.file_name().is_some_and(|found| found == **name)))
        .map(|name| (*name).to_owned())
        .collect();
    if plots > 0 {
        named.push(format!("plots/ ({plots} pictures)"));
    }
    format!("Files: {}: {}\n", harmless(&out.to_string_lossy()), named.join(", "))
}

struct Screen {
    style: Style,
    text: String,
}

impl Screen {
    /// A line of one tone, cut to the screen.
    fn line(&mut self, tone: Tone, text: &str) {
        let shown = tone.paint(&cut(text, self.style.width), self.style.colour);
        self.text.push_str(&shown);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn head(&mut self, document: &Document) {
        let plan = &document.plan;
        let title = harmless(&plan.title);
        let seed = format!("{}, seed {}", harmless(&plan.scenario), document.seed);
        let title = cut(&title, self.style.width.saturating_sub(width(&seed) + 2));
        let gap = self.style.width.saturating_sub(width(&title) + width(&seed)).max(2);
        let line = format!(
            "{}{}{}",
            Tone::Strong.paint(&title, self.style.colour),
            " ".repeat(gap),
            Tone::Quiet.paint(&seed, self.style.colour)
        );
        self.text.push_str(&line);
        self.blank();
        for line in wrap(&harmless(&plan.question), self.style.width).iter().take(2) {
            self.line(Tone::Plain, line);
        }
        self.line(Tone::Quiet, &harmless(&story::cluster_line(plan)));
        let replications = story::counted(u64::from(document.findings.replications), "replication");
        let length = format!("{} simulated, {replications}", sim_eks::quantity::show_duration(plan.duration));
        let step = |step: &Step| format!("; at {} {}", story::clock(step.at), plan.describe(&step.change));
        let steps: String = plan.steps.iter().take(3).map(step).collect();
        let more = if plan.steps.len() > 3 { format!("; {} steps more", plan.steps.len() - 3) } else { String::new() };
        for line in wrap(&harmless(&format!("{length}{steps}{more}")), self.style.width).iter().take(3) {
            self.line(Tone::Quiet, line);
        }
        self.blank();
    }

    fn verdict(&mut self, document: &Document) {
        let verdict = verdict(document);
        let count = |judged| verdict.objectives.iter().filter(|judgement| judgement.outcome == judged).count();
        let all = verdict.objectives.len();
        let (tone, line) = match (count(Judged::Missed), count(Judged::Unknown)) {
            _ if all == 0 => (Tone::Plain, "No objectives were set.".to_owned()),
            (0, 0) => (Tone::Good, format!("MET: all {}", story::counted(all as u64, "objective"))),
            (0, unknown) => {
                (Tone::Doubtful, format!("UNKNOWN: {unknown} of {}", story::counted(all as u64, "objective")))
            }
            (missed, _) => (Tone::Bad, format!("MISSED: {missed} of {}", story::counted(all as u64, "objective"))),
        };
        self.line(tone, &line);
        let mut table = Table::new(&[Side::Left; 5]);
        // Those that need a reader come first, if not all have room.
        let mut told: Vec<&Judgement> = verdict.objectives.iter().collect();
        if told.len() > OBJECTIVES {
            told.sort_by_key(|judgement| judgement.outcome == Judged::Met);
        }
        for judgement in told.iter().take(OBJECTIVES) {
            let tone = match judgement.outcome {
                Judged::Met => Tone::Good,
                Judged::Missed => Tone::Bad,
                Judged::Unknown => Tone::Doubtful,
            };
            let shown = judgement.estimate.as_ref().map_or_else(|| "no such measure".to_owned(), show_estimate);
            table.row(vec![
                (tone, judgement.outcome.word().to_owned()),
                (Tone::Plain, harmless(&judgement.objective.measure)),
                (Tone::Plain, harmless(&judgement.objective.text)),
                (Tone::Strong, shown),
                (Tone::Quiet, remarks(judgement, document)),
            ]);
        }
        self.table(&table);
        if all > OBJECTIVES {
            self.line(Tone::Quiet, &format!("  and {} more: see the report", all - OBJECTIVES));
        }
        self.blank();
    }

    fn clients(&mut self, findings: &Findings) {
        let classes = story::client_classes(&findings.total);
        if classes.is_empty() {
            return;
        }
        let mut table = Table::new(&[Side::Left, Side::Right, Side::Right, Side::Right, Side::Right]);
        let mut head = vec![format!("API clients {}", interval_note(findings))];
        head.extend(CLASS_FAMILIES.iter().map(|(_, heading)| (*heading).to_owned()));
        table.head(head);
        for class in classes {
            let mut row = vec![(Tone::Plain, story::class_name(class))];
            row.extend(CLASS_FAMILIES.iter().map(|(family, _)| {
                let found = story::of_class(&findings.total, family, class);
                (Tone::Plain, found.map_or_else(|| NONE.to_owned(), show_estimate))
            }));
            table.row(row);
        }
        self.table(&table);
        self.blank();
    }

    /// Clients by place, of the run that is told below; where there are more than the usual, or a way was closed.
    fn places(&mut self, document: &Document) {
        let Some(record) = document.records.get(story::telling_case(&document.findings)) else { return };
        if !places::are_telling(record) {
            return;
        }
        let mut table = Table::new(&[Side::Left, Side::Left, Side::Right, Side::Right, Side::Right]);
        table.head(
            ["Clients by place (one run)", "way at the end", "available", "p50, p99", "outage"]
                .map(str::to_owned)
                .to_vec(),
        );
        for client in record.places.iter().take(PLACES) {
            let [name, place, _, _, _, availability, latency, outage] = places::cells(client);
            let way = &client.way_at_end;
            let (tone, way) = match way.open {
                true => (Tone::Plain, if way.text.contains("interface") { "private" } else { "public" }.to_owned()),
                false => (Tone::Bad, "closed".to_owned()),
            };
            let figures = [availability, latency, outage].map(|figure| (Tone::Plain, figure));
            let who = [(Tone::Plain, format!("{name}: {place}")), (tone, way)];
            table.row(who.into_iter().chain(figures).collect());
        }
        self.table(&table);
        for line in places::closed_ways(&document.plan, record).iter().take(CLOSED_WAYS) {
            for part in wrap(line, self.style.width - 2).iter().take(2) {
                self.line(Tone::Quiet, &format!("  {part}"));
            }
        }
        self.blank();
    }

    /// What is not of one client class: nodes, control plane, workloads, in two columns of figures.
    fn cluster(&mut self, findings: &Findings) {
        let usual = |estimate: &&Estimate| {
            story::heading(&estimate.name) != estimate.name
                && !story::is_of_a_class(&estimate.name)
                && !estimate.name.starts_with("cost.")
                && estimate.mean.is_some()
        };
        let told: Vec<&Estimate> = findings.total.iter().filter(usual).collect();
        if told.is_empty() {
            return;
        }
        self.line(Tone::Strong, "Cluster and workloads");
        let mut table = Table::new(&[Side::Left, Side::Left, Side::Left, Side::Left]);
        let half = told.len().div_ceil(2);
        let cell = |estimate: Option<&&Estimate>| match estimate {
            Some(estimate) => {
                [(Tone::Plain, story::heading(&estimate.name).to_owned()), (Tone::Strong, show_estimate(estimate))]
            }
            None => [(Tone::Plain, String::new()), (Tone::Plain, String::new())],
        };
        for at in 0..half {
            let [left, right] = [cell(told.get(at)), cell(told.get(half + at).filter(|_| half + at < told.len()))];
            table.row(left.into_iter().chain(right).collect());
        }
        self.table(&table);
        self.blank();
    }

    /// The plan and its variants, a column each.
    fn side_by_side(&mut self, document: &Document) {
        let names = variants::names(document);
        let mut sides = vec![Side::Right; names.len() + 1];
        sides[0] = Side::Left;
        let mut table = Table::new(&sides);
        let heading = format!("Side by side {}", interval_note(&document.findings));
        table.head(std::iter::once(heading).chain(names.iter().cloned()).collect());
        if let Some(met) = variants::objectives(document) {
            let cells = met.into_iter().map(|met| (Tone::Strong, met));
            table.row(std::iter::once((Tone::Strong, "objectives met".to_owned())).chain(cells).collect());
        }
        for row in variants::telling_rows(document, VARIANT_ROWS) {
            let cells = row.cells.into_iter().map(|(shown, change, _)| match change {
                Change::Unsure => (Tone::Plain, format!("{shown}  ")),
                Change::Better => (Tone::Good, format!("{shown} *")),
                Change::Worse => (Tone::Bad, format!("{shown} *")),
                Change::Different => (Tone::Doubtful, format!("{shown} *")),
            });
            let base = [(Tone::Plain, row.heading), (Tone::Plain, row.base)];
            table.row(base.into_iter().chain(cells).collect());
        }
        self.table(&table);
        let base = &names[0];
        self.line(
            Tone::Quiet,
            &format!("  * differs from {base}: the 95 % interval of the difference, run by run, leaves out 0"),
        );
        self.blank();
    }

    fn cases(&mut self, findings: &Findings) {
        match &findings.cases[..] {
            [] => return,
            [case] => {
                let chance = case.case.probability;
                let others = if chance < 1.0 { "; more replications show the others" } else { "" };
                let line = format!("Case: {} (chance {}{others})", harmless(&case.case.label), probability(chance));
                for line in wrap(&line, self.style.width) {
                    self.line(Tone::Strong, &line);
                }
            }
            _ => self.table(&case_table(findings)),
        }
        if findings.cases.len() > CASES {
            self.line(Tone::Quiet, &format!("  and {} rarer cases: see the report", findings.cases.len() - CASES));
        }
        self.blank();
    }

    /// As many turning points as leave room for the lines below them.
    fn turning_points(&mut self, document: &Document, below: usize) {
        let telling = story::telling_case(&document.findings);
        let Some(record) = document.records.get(telling) else { return };
        let what = match document.findings.cases.len() {
            0 | 1 => "What happened (<- n: because of n)".to_owned(),
            _ => format!("What happened in case {}, {} (<- n: because of n)", telling + 1, record.case.label),
        };
        let room = LINES.saturating_sub(self.text.lines().count() + 2 + below);
        let [fewest, most] = TURNING_POINTS;
        let told = |points: usize| turning_point_table(document, record, points).map(|table| table.lines(self.style));
        let fits = |lines: &Option<Vec<String>>| lines.as_ref().is_none_or(|lines| lines.len() <= room);
        let lines = (fewest..=most).rev().map(told).find(fits).unwrap_or_else(|| told(fewest));
        let Some(lines) = lines else { return };
        self.line(Tone::Strong, &harmless(&what));
        for line in lines {
            self.text.push_str(&line);
            self.blank();
        }
        self.blank();
    }

    fn fine_print(&self, document: &Document) -> Vec<String> {
        let plan = &document.plan;
        let changed = match plan.settings.len() {
            0 => "all default".to_owned(),
            n => format!("{n} set"),
        };
        let line = format!(
            "{}Assumed: {} parameters, {changed}. Filled in: {}. Not modelled: {} (more: see report). Warnings: {}.",
            story::busiest(&document.findings),
            sim_eks::DECLARATIONS.len(),
            story::notes(plan, NoteKind::Filled),
            story::notes(plan, NoteKind::NotModelled),
            story::notes(plan, NoteKind::Warning) + story::warnings(document).len(),
        );
        let cost =
            cost::line(&document.findings).map_or_else(Vec::new, |cost| wrap(&harmless(&cost), self.style.width));
        cost.into_iter().chain(wrap(&line, self.style.width)).collect()
    }

    fn table(&mut self, table: &Table) {
        for line in table.lines(self.style) {
            self.text.push_str(&line);
            self.blank();
        }
    }
}

/// So many turning points of a run, each with its cause if that is among them; `None` if there is none.
fn turning_point_table(document: &Document, record: &Record, most: usize) -> Option<Table> {
    let points = story::turning_points(&record.timeline, most);
    let mut table = Table::new(&[Side::Right, Side::Left, Side::Right, Side::Left, Side::Right, Side::Left]);
    table.wrap(5);
    for (at, fact) in points.iter().enumerate() {
        let shown = |other: &Fact| points.iter().any(|point| point.id == other.id);
        let cause = story::shown_cause(&record.timeline, fact, shown);
        let cause = cause.and_then(|cause| points.iter().position(|point| point.id == cause.id));
        table.row(vec![
            (Tone::Strong, (at + 1).to_string()),
            (Tone::Quiet, cause.map_or_else(String::new, |cause| format!("<- {}", cause + 1))),
            (Tone::Quiet, story::clock(fact.first)),
            (Tone::Plain, story::since_the_first_step(&document.plan, fact)),
            (Tone::Plain, if fact.count > 1 { format!("{}×", fact.count) } else { String::new() }),
            (if fact.weight == Weight::Turn { Tone::Strong } else { Tone::Plain }, cut(&harmless(&fact.text), FACT)),
        ]);
    }
    (!points.is_empty()).then_some(table)
}

/// A case's name without what a reader fills in: `an API server and the etcd leader` becomes `API server, etcd leader`.
fn brief(label: &str) -> String {
    let label = label.replace(", and ", ", ").replace(" and ", ", ");
    let articles = ["an ", "a ", "the "];
    let bare = |part: &str| articles.iter().find_map(|article| part.strip_prefix(article)).unwrap_or(part).to_owned();
    label.split(", ").map(bare).collect::<Vec<_>>().join(", ")
}

/// The cases by probability, then the total. Words with which all cases begin stand in the heading.
fn case_table(findings: &Findings) -> Table {
    let keys: Vec<_> = story::key_measures(findings).into_iter().take(CASE_MEASURES).collect();
    let mut table = Table::new(&[&[Side::Left, Side::Right][..], &vec![Side::Right; keys.len()]].concat());
    let labels: Vec<String> = findings.cases.iter().map(|case| harmless(&case.case.label)).collect();
    let common = common_words(&labels);
    let heading = if common.is_empty() { "Case".to_owned() } else { format!("Case: {common} ...") };
    let mut head = vec![heading, "chance".to_owned()];
    head.extend(keys.iter().map(|(_, heading)| heading.clone()));
    table.head(head);
    let mut row = |name: (Tone, String), probability_of: f64, estimates: &[Estimate]| {
        let mut row = vec![name, (Tone::Plain, probability(probability_of))];
        let cell = |name: &str| story::measure(estimates, name).map_or_else(|| NONE.to_owned(), show_estimate);
        row.extend(keys.iter().map(|(name, _)| (Tone::Plain, cell(name))));
        table.row(row);
    };
    for (at, case) in findings.cases.iter().take(CASES).enumerate() {
        let name = cut(&format!("{}: {}", at + 1, brief(labels[at][common.len()..].trim_start())), CASE_NAME);
        row((Tone::Plain, name), case.case.probability, &case.measures);
    }
    let drawn: f64 = findings.cases.iter().map(|case| case.case.probability).sum();
    row((Tone::Strong, "all replications".to_owned()), drawn.min(1.0), &findings.total);
    table
}

/// The words with which all texts begin, if that leaves something of each.
fn common_words(texts: &[String]) -> String {
    let Some(first) = texts.first() else { return String::new() };
    let ends = first.match_indices(' ').map(|(at, _)| at);
    let shared = |end: &usize| texts.iter().all(|text| text.starts_with(&first[..end + 1]) && text.len() > end + 1);
    ends.take_while(shared).last().map_or_else(String::new, |end| first[..end].to_owned())
}

/// What a judgement needs besides its figures.
fn remarks(judgement: &Judgement, document: &Document) -> String {
    let mut remarks = Vec::new();
    if judgement.close {
        remarks.push("close".to_owned());
    }
    let cases = &document.findings.cases;
    if !judgement.missed_in.is_empty() && cases.len() > 1 {
        let chance: f64 = judgement.missed_in.iter().map(|&case| cases[case].case.probability).sum();
        remarks.push(format!(
            "missed in {} of {} cases ({})",
            judgement.missed_in.len(),
            cases.len(),
            probability(chance)
        ));
    } else if judgement.missed_runs.0 > 0 && judgement.missed_runs.1 > 1 {
        remarks.push(format!("missed in {} of {} runs", judgement.missed_runs.0, judgement.missed_runs.1));
    }
    remarks.join("; ")
}

fn interval_note(findings: &Findings) -> String {
    no_interval(findings.replications).map_or_else(|| "(mean ±95 %)".to_owned(), |note| format!("({note})"))
}
