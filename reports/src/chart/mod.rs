//! Charts over simulated time: plain data, drawn by plotters on three backends: its own for SVG files, and two of ours,
//! for PNG files and for the page.
//!
//! A chart must be readable in grey and on paper: lines differ in their dashes and carry their names at their ends,
//! axes have units, and nothing is told by colour alone.
//!
//! ```
//! use reports::chart::{Chart, Figure, Line, svg};
//! use sim_study::Unit;
//!
//! let values = vec![Some(1.0), Some(0.4), None, Some(1.0)];
//! let line = Line { label: String::new(), window_s: 10.0, values, band: None };
//! let chart = Chart {
//!     title: "kubelet: availability".into(),
//!     unit: Unit::Share,
//!     log: false,
//!     end_s: 40.0,
//!     lines: vec![line],
//!     marks: vec![],
//! };
//! let figure = Figure { name: "availability".into(), title: "API availability".into(), charts: vec![chart] };
//! assert!(svg(&figure).contains(">\n100 %\n</text>"));
//! ```

mod draw;
mod font;
mod paint;
mod png;
mod scale;
mod svg;

pub use png::{PngError, png};
pub use svg::{inline_svg, svg};

use sim_study::Unit;

/// One plot: lines over time, one vertical axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What is shown, above the plot: `kubelet`.
    pub title: String,
    /// The unit of every line.
    pub unit: Unit,
    /// Whether the vertical axis is logarithmic; values of zero or less are then not shown.
    pub log: bool,
    /// The end of the horizontal axis, seconds; it begins at zero.
    pub end_s: f64,
    /// The lines, at most four that a reader can tell apart.
    pub lines: Vec<Line>,
    /// Spans and moments that are marked.
    pub marks: Vec<Mark>,
}

/// One quantity over time, by windows of equal length from zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its name, written at its end; empty where the chart's title says it.
    pub label: String,
    /// Length of a window, seconds.
    pub window_s: f64,
    /// One value per window; `None` where there is no sample.
    pub values: Vec<Option<f64>>,
    /// Lower and upper end of an interval around each value.
    pub band: Option<Band>,
}

/// The interval around a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Lower ends, one per window.
    pub low: Vec<Option<f64>>,
    /// Upper ends, one per window.
    pub high: Vec<Option<f64>>,
}

/// A span or a moment that matters to every line.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where it begins, seconds.
    pub from_s: f64,
    /// Where it ends, seconds; equal to the beginning for a moment.
    pub to_s: f64,
    /// What it is, in a few words.
    pub label: String,
    /// What kind of span it is.
    pub kind: MarkKind,
}

/// The kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// A fault, or a change of the plan.
    Fault,
    /// Time that no measure counts.
    WarmUp,
}

/// Charts above each other with one title and one horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name as a file, without extension: `availability`.
    pub name: String,
    /// What all its charts show: `API availability by client class`.
    pub title: String,
    /// The charts, top to bottom.
    pub charts: Vec<Chart>,
}
