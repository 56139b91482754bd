//! Which charts a document has: one per client class for availability and latency, then nodes, pods, and whatever else
//! the model gives over time. Series are grouped by their names' families; an unknown one gets a chart of its own.

use crate::chart::{Band, Chart, Figure, Line, Mark, MarkKind};
use crate::{Document, story, variants};
use sim_eks::{Plan, Record};
use sim_study::{Findings, Unit};

/// A series of one run, or its band over replications.
struct Curve<'a> {
    name: &'a str,
    unit: Unit,
    definition: &'a str,
    line: Line,
}

/// The figures over all replications: bands, or plain lines where there is only one replication.
pub fn of_all(plan: &Plan, findings: &Findings) -> Vec<Figure> {
    let told = findings.bands.iter().filter(|band| band.mean.iter().any(Option::is_some));
    let curves = told.map(|band| Curve {
        name: &band.name,
        unit: band.unit,
        definition: &band.definition,
        line: Line {
            label: String::new(),
            window_s: band.window_s,
            values: band.mean.clone(),
            band: (findings.replications > 1).then(|| Band { low: band.low.clone(), high: band.high.clone() }),
        },
    });
    figures(plan, curves.collect())
}

/// The figures of one run.
pub fn of_run(plan: &Plan, record: &Record) -> Vec<Figure> {
    let told = record.series.iter().filter(|series| series.values.iter().any(Option::is_some));
    let curves = told.map(|series| Curve {
        name: &series.name,
        unit: series.unit,
        definition: &series.definition,
        line: Line { label: String::new(), window_s: series.window_s, values: series.values.clone(), band: None },
    });
    figures(plan, curves.collect())
}

/// The figures of a plan and its variants: for each series a chart with a line for each of them.
pub fn side_by_side(document: &Document) -> Vec<Figure> {
    let mut figure = Figure::named("variants", "Side by side: the scenario and its variants");
    let names = variants::names(document);
    let all = || std::iter::once(&document.findings).chain(document.variants.iter().map(|variant| &variant.findings));
    for band in &document.findings.bands {
        let curve = Curve { name: &band.name, unit: band.unit, definition: &band.definition, line: Line::default() };
        let log = band.name.starts_with(LATENCY);
        let empty = Chart {
            title: variant_title(&curve),
            unit: band.unit,
            log,
            end_s: document.plan.duration.as_secs_f64(),
            lines: Vec::new(),
            marks: marks(&document.plan),
        };
        for (name, findings) in names.iter().zip(all()) {
            let Some(own) = findings.bands.iter().find(|own| own.name == band.name) else { continue };
            if own.mean.iter().all(Option::is_none) {
                continue;
            }
            let (label, values) = (name.clone(), own.mean.clone());
            figure.add(empty.clone(), Line { label, window_s: own.window_s, values, band: None });
        }
    }
    figure.in_parts()
}

fn variant_title(curve: &Curve<'_>) -> String {
    if let Some(class) = curve.name.strip_prefix(AVAILABILITY) {
        return format!("{class}: availability");
    }
    match curve.name.strip_prefix(LATENCY).and_then(|rest| rest.split_once('.')) {
        Some((quantile, class)) => format!("{class}: latency, {quantile}"),
        None => title_of(curve),
    }
}

const AVAILABILITY: &str = "api.availability.";
const LATENCY: &str = "api.latency.";
const NODES: &str = "Number of nodes";
const PODS: &str = "Number of pods";

fn figures(plan: &Plan, curves: Vec<Curve<'_>>) -> Vec<Figure> {
    let marks = marks(plan);
    let chart = |title: String, unit: Unit, log: bool, lines: Vec<Line>| Chart {
        title,
        unit,
        log,
        end_s: plan.duration.as_secs_f64(),
        lines,
        marks: marks.clone(),
    };
    let mut availability = Figure::named("api-availability", "API availability by client class");
    let mut latency = Figure::named("api-latency", "Latency of successful API requests by client class");
    let mut nodes = Figure::named("nodes", NODES);
    let mut pods = Figure::named("pods", PODS);
    let mut others = Figure::named("other", "Other results over time");
    for curve in curves {
        let (figure, title, label) = if let Some(class) = curve.name.strip_prefix(AVAILABILITY) {
            (&mut availability, format!("{class}: availability"), String::new())
        } else if let Some((quantile, class)) = curve.name.strip_prefix(LATENCY).and_then(|rest| rest.split_once('.')) {
            (&mut latency, format!("{class}: latency"), quantile.to_owned())
        } else if let Some(state) = curve.name.strip_prefix("nodes.") {
            (&mut nodes, NODES.to_owned(), state.replace('_', " "))
        } else if let Some(state) = curve.name.strip_prefix("pods.") {
            (&mut pods, PODS.to_owned(), state.replace('_', " "))
        } else {
            (&mut others, title_of(&curve), String::new())
        };
        let line = Line { label, ..curve.line };
        let log = figure.name == "api-latency";
        figure.add(chart(title, curve.unit, log, Vec::new()), line);
    }
    let all = [availability, latency, nodes, pods, others];
    all.into_iter().map(Figure::named_lines).flat_map(Figure::in_parts).collect()
}

fn title_of(curve: &Curve<'_>) -> String {
    match story::heading(curve.name) {
        heading if heading != curve.name => heading.to_owned(),
        name if curve.definition.is_empty() || curve.definition.len() > 80 => name.to_owned(),
        name => format!("{name}: {}", curve.definition.trim_end_matches('.')),
    }
}

/// Charts of one figure that fit on a page.
const CHARTS_MAX: usize = 12;
/// Lines of one chart that a reader can tell apart.
const LINES_MAX: usize = 4;

impl Figure {
    fn named(name: &str, title: &str) -> Figure {
        Figure { name: name.to_owned(), title: title.to_owned(), charts: Vec::new() }
    }

    /// Adds a line to the chart of this title and unit, or to a new one.
    fn add(&mut self, empty: Chart, line: Line) {
        let fits = |chart: &&mut Chart| {
            chart.title == empty.title && chart.unit == empty.unit && chart.lines.len() < LINES_MAX
        };
        match self.charts.iter_mut().find(fits) {
            Some(chart) => chart.lines.push(line),
            None => self.charts.push(Chart { lines: vec![line], ..empty }),
        }
    }

    /// A chart's only line needs no name at its end where the title can say it.
    fn named_lines(mut self) -> Figure {
        for chart in self.charts.iter_mut().filter(|chart| chart.lines.len() == 1) {
            let label = std::mem::take(&mut chart.lines[0].label);
            if !label.is_empty() {
                chart.title = format!("{}, {label}", chart.title);
            }
        }
        self
    }

    /// A figure that fits on a page as it is, none if it is empty, else several of the same title.
    fn in_parts(self) -> Vec<Figure> {
        let part = |(n, charts): (usize, &[Chart])| Figure {
            name: if n == 0 { self.name.clone() } else { format!("{}-{}", self.name, n + 1) },
            title: self.title.clone(),
            charts: charts.to_vec(),
        };
        self.charts.chunks(CHARTS_MAX).enumerate().map(part).collect()
    }
}

/// The warm-up and the plan's steps, as marks.
fn marks(plan: &Plan) -> Vec<Mark> {
    let end = plan.duration.as_secs_f64();
    let warm_up = plan.warm_up.as_secs_f64();
    let mut marks = Vec::new();
    if warm_up > 0.0 {
        let label = "warm-up".to_owned();
        marks.push(Mark { from_s: 0.0, to_s: warm_up.min(end), label, kind: MarkKind::WarmUp });
    }
    for step in &plan.steps {
        let from_s = step.at.as_secs_f64();
        let to_s = match step.change.lasts() {
            Some(span) => (from_s + span.as_secs_f64()).min(end),
            None if step.change.is_fault() => end,
            None => from_s,
        };
        marks.push(Mark { from_s, to_s, label: plan.describe(&step.change), kind: MarkKind::Fault });
    }
    marks
}
