//! Reports: turns what a study measured, plain data, into what people read.
//!
//! A [`Document`] holds everything that any report needs; as JSON it is `record.json`. [`terminal`] tells it on one
//! screen, [`html`] on one page that opens offline, [`write_all`] puts both, the plots and the record into a directory,
//! all or nothing. [`verdict`] says whether the plan's objectives were kept. Nothing here runs a model, reads a clock
//! or prints.

pub mod chart;
mod cost;
mod creation;
mod document;
mod figures;
mod html;
mod numbers;
mod paths;
mod places;
mod story;
mod table;
mod terminal;
mod text;
mod variants;
mod verdict;
mod write;

pub use creation::{Created, creation_json, creation_text};
pub use document::{Document, ReadError, VariantFindings};
pub use html::html;
pub use paths::{PathsAt, network_line, paths_json, paths_table};
pub use terminal::{Style, terminal, where_the_files_are};
pub use text::harmless;
pub use verdict::{Judged, Judgement, Verdict, judge_all, verdict};
pub use write::{WriteError, Writing, check_place, write_all};
