//! From a chart to a picture: plotters has the areas, the axes, the mesh and the series; here is what they show, and
//! where the names of marks and lines find room.
//!
//! All lengths are pixels of the picture, [`SCALE`] for each pixel of the page.

use super::font;
use super::paint::Paint;
use super::scale::{Scale, time_scale, value_scale};
use super::{Chart, Figure, Line, Mark, MarkKind};
use crate::text::harmless;
use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Rectangle};
use plotters::prelude::Cartesian2d;
use plotters::series::LineSeries;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, TRANSPARENT};
use plotters_backend::DrawingBackend;
use std::ops::Range;

/// Pixels of a picture for each pixel of its size in a page, so that it is sharp on paper and on dense screens.
pub const SCALE: u32 = 2;

const FIGURE_WIDTH: u32 = 1_800;
const CHART_HEIGHT: u32 = 340;
const BETWEEN_CHARTS: u32 = 20;
const MARGIN: u32 = 28;
const FIGURE_TITLE: f64 = 28.0;
const TITLE: f64 = 24.0;
const SMALL: f64 = 20.0;
const TITLE_HEIGHT: f64 = 36.0;
const MARK_ROW: f64 = 26.0;
const MARK_ROWS_MAX: usize = 3;
const AXIS_HEIGHT: f64 = 36.0;
const GAP: f64 = 12.0;
/// How much lower a text is drawn than where its middle shall be: the middle of a font is that of its small letters.
const LOWER: i32 = 2;
const LINE: u32 = 3;
const FINE: u32 = 2;

/// What drawing gives, or why the backend could not draw.
pub type Drawn<B, T = ()> = Result<T, DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;
type Area<B> = DrawingArea<B, Shift>;
type Plot<'a, B> = ChartContext<'a, B, Cartesian2d<Scale, Scale>>;

/// Width and height of a figure's picture.
pub fn figure_size(figure: &Figure) -> (u32, u32) {
    (FIGURE_WIDTH, heading(figure) + figure.charts.len() as u32 * (CHART_HEIGHT + BETWEEN_CHARTS) + MARGIN)
}

/// The room above the charts: for a title, if not the only chart's own title says as much.
fn heading(figure: &Figure) -> u32 {
    if headed(figure) { 60 } else { 16 }
}

fn headed(figure: &Figure) -> bool {
    figure.charts.iter().any(|chart| !chart.title.starts_with(&figure.title)) || figure.charts.len() != 1
}

/// Draws the charts of a figure below each other, under its title, on a backend of [`figure_size`].
pub fn draw_figure<B: DrawingBackend>(figure: &Figure, backend: B) -> Drawn<B> {
    let root = backend.into_drawing_area();
    root.fill(&Paint::Paper.colour())?;
    let width = FIGURE_WIDTH - 2 * MARGIN;
    let inner = root.margin(0, 0, MARGIN, MARGIN);
    if headed(figure) {
        let title = font::cut(&harmless(&figure.title), FIGURE_TITLE, true, f64::from(width));
        inner.draw_text(&title, &Paint::Ink.text(FIGURE_TITLE, true, HPos::Left, VPos::Top), (0, 19))?;
    }
    // All plots of a figure begin and end above each other.
    let margins = figure.charts.iter().map(margins).fold([0.0; 2], |[l, r], [left, right]| [left.max(l), right.max(r)]);
    for (n, chart) in figure.charts.iter().enumerate() {
        let top = heading(figure) + n as u32 * (CHART_HEIGHT + BETWEEN_CHARTS);
        draw_chart(chart, &inner.clone().shrink((0, top), (width, CHART_HEIGHT)), margins)?;
    }
    root.present()
}

/// The room that a chart needs left of its plot, for ticks, and right of it, for the names of its lines.
pub fn margins(chart: &Chart) -> [f64; 2] {
    let ticks = value_scale(chart).ticks;
    let ticks = ticks.iter().map(|(_, text)| font::width(text, SMALL, false)).fold(0.0, f64::max);
    let labels = chart.lines.iter().map(|line| font::width(&harmless(&line.label), SMALL, true)).fold(0.0, f64::max);
    // Half of the last tick of time lies right of the plot.
    [ticks + GAP, (labels + GAP).max(36.0)]
}

/// Draws one chart, and tells where its plot lies: from left to right, from its upper to its lower end.
pub fn draw_chart<B: DrawingBackend>(
    chart: &Chart,
    area: &Area<B>,
    [left, right]: [f64; 2],
) -> Drawn<B, (Range<i32>, Range<i32>)> {
    let width = f64::from(area.dim_in_pixel().0);
    let across = [left, (width - right).max(left + 40.0)];
    let rows = mark_rows(&chart.marks, chart.end_s, across);
    let depth = rows.iter().flatten().map(|row| row + 1).max().unwrap_or(0);
    let mut plot: Plot<'_, B> = ChartBuilder::on(area)
        .margin_top((TITLE_HEIGHT + depth as f64 * MARK_ROW) as i32 + 4)
        .margin_right((width - across[1]) as i32)
        .y_label_area_size(left as i32)
        .x_label_area_size(AXIS_HEIGHT as i32)
        .build_cartesian_2d(time_scale(chart.end_s, ((across[1] - left) / 90.0) as usize), value_scale(chart))?;
    draw_areas(&chart.marks, &mut plot)?;
    draw_axes(&mut plot)?;
    draw_edges(&chart.marks, &mut plot)?;
    for (n, line) in chart.lines.iter().enumerate() {
        plot.draw_series(bands(line).map(|outline| Polygon::new(outline, Paint::Band(n).colour())))?;
    }
    for (n, line) in chart.lines.iter().enumerate() {
        for run in runs(&line.values) {
            let points = steps(line.window_s, run.start, line.values[run].iter().flatten().copied());
            plot.draw_series(LineSeries::new(points, Paint::Series(n).line(LINE)))?;
        }
    }
    draw_mark_labels(chart, &rows, across, area)?;
    draw_names(&chart.lines, &plot, area, across[1])?;
    let title = font::cut(&harmless(&chart.title), TITLE, true, width);
    area.draw_text(&title, &Paint::Ink.text(TITLE, true, HPos::Left, VPos::Top), (0, 6))?;
    Ok(plot.plotting_area().get_pixel_range())
}

/// What a chart says, for those who cannot see it.
pub fn describe(chart: &Chart) -> String {
    let labels: Vec<_> = chart.lines.iter().map(|line| line.label.as_str()).filter(|label| !label.is_empty()).collect();
    let of = if labels.is_empty() { String::new() } else { format!(": {}", labels.join(", ")) };
    harmless(&format!("{}{of}, over time", chart.title))
}

/// The row of each mark's label above the plot, so that no two overlap; `None` where there is no room for one.
fn mark_rows(marks: &[Mark], end_s: f64, across: [f64; 2]) -> Vec<Option<usize>> {
    let mut ends = [f64::NEG_INFINITY; MARK_ROWS_MAX];
    let mut rows = Vec::new();
    for mark in marks {
        let [from, to] = label_span(mark, end_s, across);
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

fn draw_mark_labels<B: DrawingBackend>(
    chart: &Chart,
    rows: &[Option<usize>],
    across: [f64; 2],
    area: &Area<B>,
) -> Drawn<B> {
    for (mark, row) in chart.marks.iter().zip(rows) {
        let Some(row) = row else { continue };
        let [from, to] = label_span(mark, chart.end_s, across);
        let label = font::cut(&harmless(&mark.label), SMALL, false, to - from + 1.0);
        let paint = if mark.kind == MarkKind::Fault { Paint::FaultEdge } else { Paint::Muted };
        let middle = TITLE_HEIGHT + (*row as f64 + 0.5) * MARK_ROW;
        area.draw_text(
            &label,
            &paint.text(SMALL, false, HPos::Left, VPos::Center),
            (from as i32, middle as i32 + LOWER),
        )?;
    }
    Ok(())
}

fn draw_areas<B: DrawingBackend>(marks: &[Mark], plot: &mut Plot<'_, B>) -> Drawn<B> {
    let Range { start: low, end: high } = plot.y_range();
    let spans = marks.iter().filter(|mark| mark.to_s > mark.from_s).map(|mark| {
        let paint = if mark.kind == MarkKind::Fault { Paint::FaultArea } else { Paint::WarmUpArea };
        Rectangle::new([(mark.from_s, high), (mark.to_s, low)], paint.colour().filled())
    });
    plot.draw_series(spans).map(drop)
}

/// Where faults begin and end.
fn draw_edges<B: DrawingBackend>(marks: &[Mark], plot: &mut Plot<'_, B>) -> Drawn<B> {
    let (Range { start: low, end: high }, end_s) = (plot.y_range(), plot.x_range().end);
    let faults = marks.iter().filter(|mark| mark.kind == MarkKind::Fault);
    let edges = faults.flat_map(|mark| {
        let end = (mark.to_s > mark.from_s && mark.to_s < end_s).then_some(mark.to_s);
        [Some(mark.from_s), end].into_iter().flatten()
    });
    plot.draw_series(edges.map(|at| PathElement::new([(at, high), (at, low)], Paint::FaultEdge.line(FINE)))).map(drop)
}

/// Level grid lines with their values, and the axis of time with its ticks.
fn draw_axes<B: DrawingBackend>(plot: &mut Plot<'_, B>) -> Drawn<B> {
    let text = |across, up| Paint::Muted.text(SMALL, false, across, up);
    plot.configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .axis_style(TRANSPARENT)
        .bold_line_style(Paint::Grid.line(FINE))
        .y_label_style(text(HPos::Right, VPos::Center))
        .y_label_offset(LOWER)
        .set_tick_mark_size(LabelAreaPosition::Left, GAP as i32 / 2)
        .draw()?;
    plot.configure_mesh()
        .disable_mesh()
        .disable_y_axis()
        .axis_style(Paint::Muted.line(FINE))
        .x_label_style(text(HPos::Center, VPos::Top))
        .set_tick_mark_size(LabelAreaPosition::Bottom, GAP as i32 / 2)
        .draw()
}

/// The outlines of the interval around a line.
fn bands(line: &Line) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let bands = line.band.iter().flat_map(|band| runs(&band.low).into_iter().map(move |run| (band, run)));
    let outlines = bands.map(|(band, run)| {
        let edge = |side: &[Option<f64>]| {
            let known = |at: usize| side.get(at).copied().flatten().unwrap_or(f64::NAN);
            steps(line.window_s, run.start, run.clone().map(known))
        };
        let mut outline = edge(&band.high);
        outline.extend(edge(&band.low).into_iter().rev());
        outline
    });
    outlines.filter(|outline| outline.iter().all(|(_, value)| value.is_finite()))
}

/// A value holds for its whole window: two points each, one where the next value is the same.
fn steps(window_s: f64, first: usize, values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (n, value) in values.enumerate() {
        let [from, to] = [first + n, first + n + 1].map(|at| at as f64 * window_s);
        match points.last_mut() {
            Some(last) if last.1 == value => last.0 = to,
            _ => points.extend([(from, value), (to, value)]),
        }
    }
    points
}

/// The names of the lines at their ends, moved apart where they would overlap.
fn draw_names<B: DrawingBackend>(lines: &[Line], plot: &Plot<'_, B>, area: &Area<B>, right: f64) -> Drawn<B> {
    let above = area.get_base_pixel().1;
    let up = |value: f64| f64::from(plot.backend_coord(&(0.0, value)).1 - above);
    let Range { start: low, end: high } = plot.y_range();
    let named = lines.iter().enumerate().filter(|(_, line)| !line.label.is_empty());
    let last = |line: &Line| line.values.iter().rev().flatten().next().copied();
    let mut names: Vec<(f64, usize)> = named.filter_map(|(n, line)| Some((up(last(line)?), n))).collect();
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lowest = up(high) - SMALL;
    for (y, _) in &mut names {
        *y = y.max(lowest + SMALL + 4.0);
        lowest = *y;
    }
    let beyond = (lowest - up(low)).max(0.0);
    for (y, n) in names {
        let style = Paint::Series(n).text(SMALL, true, HPos::Left, VPos::Center);
        area.draw_text(&harmless(&lines[n].label), &style, ((right + GAP) as i32, (y - beyond) as i32 + LOWER))?;
    }
    Ok(())
}

/// The stretches of neighbouring windows that hold a finite value.
fn runs(values: &[Option<f64>]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..values.len()).filter(|&at| values[at].is_some_and(f64::is_finite)) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}
