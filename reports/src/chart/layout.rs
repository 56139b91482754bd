//! From a chart to shapes: where everything lies.

use super::font;
use super::scale::{Scale, time_scale, value_scale};
use super::scene::{Anchor, Paint, Scene, Shape};
use super::{Chart, Figure, Line, Mark, MarkKind};
use crate::text::harmless;

const TITLE: f64 = 12.0;
const SMALL: f64 = 10.0;
const TITLE_HEIGHT: f64 = 18.0;
const MARK_ROW: f64 = 13.0;
const MARK_ROWS_MAX: usize = 3;
const AXIS_HEIGHT: f64 = 18.0;
const GAP: f64 = 6.0;

/// A chart as shapes, and where its plot lies, for those who read values from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// The shapes.
    pub(crate) scene: Scene,
    /// Left and right end of the plot, pixels.
    pub x: [f64; 2],
    /// Upper and lower end of the plot, pixels.
    pub y: [f64; 2],
}

/// Lays a chart out in so many pixels.
pub fn lay_out(chart: &Chart, width: f64, height: f64) -> Laid {
    lay_out_within(chart, width, height, margins(chart))
}

/// The room that a chart needs left of its plot, for ticks, and right of it, for the names of its lines.
fn margins(chart: &Chart) -> [f64; 2] {
    let ticks = value_scale(chart).ticks;
    let ticks = ticks.iter().map(|(_, text)| font::width(text, SMALL, false)).fold(0.0, f64::max);
    let labels = chart.lines.iter().map(|line| font::width(&harmless(&line.label), SMALL, true)).fold(0.0, f64::max);
    [ticks + GAP, if labels > 0.0 { labels + GAP } else { 10.0 }]
}

fn lay_out_within(chart: &Chart, width: f64, height: f64, [left, right]: [f64; 2]) -> Laid {
    let right = (width - right).max(left + 20.0);
    let rows = mark_rows(&chart.marks, chart.end_s, [left, right]);
    let depth = rows.iter().flatten().map(|row| row + 1).max().unwrap_or(0);
    let top = TITLE_HEIGHT + depth as f64 * MARK_ROW + 2.0;
    let frame = Frame {
        x: [left, right],
        y: [top, (height - AXIS_HEIGHT).max(top + 20.0)],
        time: time_scale(chart.end_s, ((right - left) / 45.0) as usize),
        values: value_scale(chart),
    };
    let mut shapes = Vec::new();
    frame.areas(&chart.marks, &mut shapes);
    frame.grid(&mut shapes);
    frame.edges(&chart.marks, &rows, &mut shapes);
    for (n, line) in chart.lines.iter().enumerate() {
        frame.band(n, line, &mut shapes);
    }
    for (n, line) in chart.lines.iter().enumerate() {
        frame.line(n, line, &mut shapes);
    }
    frame.labels(&chart.lines, &mut shapes);
    let title = font::cut(&harmless(&chart.title), TITLE, true, width);
    shapes.push(text([0.0, 12.0], Anchor::Start, TITLE, true, Paint::Ink, title));
    let scene = Scene { width, height, description: describe(chart), shapes };
    Laid { scene, x: frame.x, y: frame.y }
}

/// Lays the charts of a figure out below each other, under its title.
pub fn lay_out_figure(figure: &Figure, width: f64, chart_height: f64) -> Scene {
    const MARGIN: f64 = 14.0;
    let headed = figure.charts.iter().any(|chart| !chart.title.starts_with(&figure.title)) || figure.charts.len() != 1;
    let heading = if headed { 30.0 } else { 8.0 };
    let inner = width - 2.0 * MARGIN;
    let height = heading + figure.charts.len() as f64 * (chart_height + 10.0) + MARGIN;
    let mut scene = Scene { width: inner, height, description: harmless(&figure.title), shapes: Vec::new() };
    if headed {
        let title = font::cut(&harmless(&figure.title), 14.0, true, inner);
        scene.shapes.push(text([0.0, 20.0], Anchor::Start, 14.0, true, Paint::Ink, title));
    }
    // All plots of a figure begin and end above each other.
    let margins = figure.charts.iter().map(margins).fold([0.0; 2], |[l, r], [left, right]| [left.max(l), right.max(r)]);
    for (n, chart) in figure.charts.iter().enumerate() {
        scene.add_below(
            lay_out_within(chart, inner, chart_height, margins).scene,
            heading + n as f64 * (chart_height + 10.0),
        );
    }
    scene.moved_right(MARGIN, width);
    scene.shapes.insert(0, Shape::Area([0.0, 0.0, width, height], Paint::Paper));
    scene
}

fn describe(chart: &Chart) -> String {
    let labels: Vec<_> = chart.lines.iter().map(|line| line.label.as_str()).filter(|label| !label.is_empty()).collect();
    let of = if labels.is_empty() { String::new() } else { format!(": {}", labels.join(", ")) };
    harmless(&format!("{}{of}, over time", chart.title))
}

fn text(at: [f64; 2], anchor: Anchor, size: f64, bold: bool, paint: Paint, text: String) -> Shape {
    Shape::Text { at, anchor, size, bold, paint, text }
}

/// The row of each mark's label above the plot, so that no two overlap; `None` where there is no room for one.
fn mark_rows(marks: &[Mark], end_s: f64, [left, right]: [f64; 2]) -> Vec<Option<usize>> {
    let mut ends = [f64::NEG_INFINITY; MARK_ROWS_MAX];
    let mut rows = Vec::new();
    for mark in marks {
        let [from, to] = label_span(mark, end_s, [left, right]);
        let row = ends.iter().position(|end| *end + GAP <= from);
        if let Some(row) = row {
            ends[row] = to;
        }
        rows.push(row);
    }
    rows
}

/// Where a mark's label begins and ends: at the mark's beginning, or further left where it would leave the plot.
fn label_span(mark: &Mark, end_s: f64, [left, right]: [f64; 2]) -> [f64; 2] {
    let width = font::width(&harmless(&mark.label), SMALL, false).min(right - left);
    let from = left + (right - left) * (mark.from_s / end_s.max(1e-9)).clamp(0.0, 1.0);
    let from = from.min(right - width);
    [from, from + width]
}

/// The plot: its place, and its axes.
struct Frame {
    x: [f64; 2],
    y: [f64; 2],
    time: Scale,
    values: Scale,
}

impl Frame {
    fn across(&self, seconds: f64) -> f64 {
        self.x[0] + self.time.place(seconds) * (self.x[1] - self.x[0])
    }

    fn up(&self, value: f64) -> f64 {
        self.y[1] - self.values.place(value) * (self.y[1] - self.y[0])
    }

    fn areas(&self, marks: &[Mark], shapes: &mut Vec<Shape>) {
        for mark in marks.iter().filter(|mark| mark.to_s > mark.from_s) {
            let (from, to) = (self.across(mark.from_s), self.across(mark.to_s));
            let paint = if mark.kind == MarkKind::Fault { Paint::FaultArea } else { Paint::WarmUpArea };
            shapes.push(Shape::Area([from, self.y[0], to - from, self.y[1] - self.y[0]], paint));
        }
    }

    fn grid(&self, shapes: &mut Vec<Shape>) {
        for (value, written) in &self.values.ticks {
            let y = self.up(*value);
            shapes.push(Shape::Path { points: vec![[self.x[0], y], [self.x[1], y]], paint: Paint::Grid, width: 1.0 });
            shapes.push(text([self.x[0] - GAP, y + 3.5], Anchor::End, SMALL, false, Paint::Muted, written.clone()));
        }
        let base = self.y[1];
        shapes.push(Shape::Path {
            points: vec![[self.x[0], base], [self.x[1], base]],
            paint: Paint::Muted,
            width: 1.0,
        });
        for (seconds, written) in &self.time.ticks {
            let x = self.across(*seconds);
            shapes.push(Shape::Path { points: vec![[x, base], [x, base + 3.0]], paint: Paint::Muted, width: 1.0 });
            let (at, anchor) = self.within(x, font::width(written, SMALL, false));
            shapes.push(text([at, base + 14.0], anchor, SMALL, false, Paint::Muted, written.clone()));
        }
    }

    /// Where a tick's text stands so that it does not leave the picture on the right.
    fn within(&self, x: f64, width: f64) -> (f64, Anchor) {
        if x + width / 2.0 > self.x[1] + 9.0 { (self.x[1] + 9.0, Anchor::End) } else { (x, Anchor::Middle) }
    }

    fn edges(&self, marks: &[Mark], rows: &[Option<usize>], shapes: &mut Vec<Shape>) {
        for (mark, row) in marks.iter().zip(rows) {
            let label_y = row.map(|row| TITLE_HEIGHT + (row + 1) as f64 * MARK_ROW - 3.0);
            let paint = if mark.kind == MarkKind::Fault { Paint::FaultEdge } else { Paint::Muted };
            if mark.kind == MarkKind::Fault {
                let mut edge = |seconds: f64, top: f64| {
                    let x = self.across(seconds);
                    shapes.push(Shape::Path { points: vec![[x, top], [x, self.y[1]]], paint, width: 1.0 });
                };
                edge(mark.from_s, self.y[0]);
                if mark.to_s > mark.from_s && mark.to_s < self.time.high {
                    edge(mark.to_s, self.y[0]);
                }
            }
            if let Some(y) = label_y {
                let [from, to] = label_span(mark, self.time.high, self.x);
                let label = font::cut(&harmless(&mark.label), SMALL, false, to - from + 0.5);
                shapes.push(text([from, y], Anchor::Start, SMALL, false, paint, label));
            }
        }
    }

    fn band(&self, n: usize, line: &Line, shapes: &mut Vec<Shape>) {
        let Some(band) = &line.band else { return };
        for run in runs(&band.low) {
            let known = |side: &[Option<f64>], at: usize| side.get(at).copied().flatten();
            let edge = |side: &[Option<f64>]| -> Vec<[f64; 2]> {
                let values = run.clone().map(|at| known(side, at).unwrap_or(f64::NAN));
                self.steps(line.window_s, run.start, values)
            };
            let mut outline = edge(&band.high);
            outline.extend(edge(&band.low).into_iter().rev());
            if outline.iter().all(|[_, y]| y.is_finite()) {
                shapes.push(Shape::Filled(outline, Paint::Band(n)));
            }
        }
    }

    fn line(&self, n: usize, line: &Line, shapes: &mut Vec<Shape>) {
        for run in runs(&line.values) {
            let points = self.steps(line.window_s, run.start, line.values[run].iter().flatten().copied());
            shapes.push(Shape::Path { points, paint: Paint::Series(n), width: 1.6 });
        }
    }

    /// A value holds for its whole window: two points each, one where the next value is the same.
    fn steps(&self, window_s: f64, first: usize, values: impl Iterator<Item = f64>) -> Vec<[f64; 2]> {
        let mut points: Vec<[f64; 2]> = Vec::new();
        for (n, value) in values.enumerate() {
            let y = self.up(value);
            let [from, to] = [first + n, first + n + 1].map(|at| self.across(at as f64 * window_s));
            match points.last_mut() {
                Some(last) if last[1] == y => last[0] = to,
                _ => points.extend([[from, y], [to, y]]),
            }
        }
        points
    }

    /// The names of the lines at their ends, moved apart where they would overlap.
    fn labels(&self, lines: &[Line], shapes: &mut Vec<Shape>) {
        let mut labels: Vec<(f64, usize)> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.label.is_empty())
            .filter_map(|(n, line)| Some((self.up(line.values.iter().rev().flatten().next().copied()?), n)))
            .collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut lowest = self.y[0] - SMALL;
        for (y, _) in &mut labels {
            *y = y.max(lowest + SMALL + 2.0);
            lowest = *y;
        }
        let beyond = (lowest - self.y[1]).max(0.0);
        for (y, n) in labels {
            let label = harmless(&lines[n].label);
            shapes.push(text([self.x[1] + GAP, y - beyond + 3.5], Anchor::Start, SMALL, true, Paint::Series(n), label));
        }
    }
}

/// The stretches of neighbouring windows that hold a finite value.
fn runs(values: &[Option<f64>]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..values.len()).filter(|&at| values[at].is_some_and(f64::is_finite)) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}
