//! What the reading of one file has found: errors and notes, each with its place.

use crate::problem::{InputError, InputErrors};
use sim_eks::plan::{Note, NoteKind};
use std::path::Path;

/// Errors after which a file is not looked at any further: it is another kind of file, or noise.
const ERRORS_MAX: usize = 100;

/// Errors and notes, as they are found.
pub(super) struct Findings<'a> {
    file: &'a Path,
    errors: Vec<InputError>,
    notes: Vec<(usize, Note)>,
}

impl<'a> Findings<'a> {
    pub fn new(file: &'a Path) -> Self {
        Findings { file, errors: Vec::new(), notes: Vec::new() }
    }

    /// Whether so much is wrong that more would help nobody.
    pub fn is_full(&self) -> bool {
        self.errors.len() >= ERRORS_MAX
    }

    /// Something that must be corrected. Of two errors on one field the first counts: what is a placeholder or of the
    /// wrong type need not be told a second time for not being a name either.
    pub fn error(&mut self, line: usize, field: impl Into<String>, problem: impl Into<String>) {
        let error = InputError::new(self.file, line, field, problem);
        let told = |earlier: &InputError| earlier.line == line && earlier.field == error.field;
        if !self.is_full() && !self.errors.iter().any(told) {
            self.errors.push(error);
        }
    }

    /// Errors found before.
    pub fn errors(&mut self, errors: Vec<InputError>) {
        self.errors.extend(errors.into_iter().take(ERRORS_MAX));
    }

    /// A default that was filled in, and why.
    pub fn filled(&mut self, line: usize, field: impl Into<String>, text: impl Into<String>) {
        self.note(NoteKind::Filled, line, field, text);
    }

    /// Something that the file says and the model does not use.
    pub fn not_modelled(&mut self, line: usize, field: impl Into<String>, text: impl Into<String>) {
        self.note(NoteKind::NotModelled, line, field, text);
    }

    /// Something to which eksctl or EKS would object.
    pub fn warning(&mut self, line: usize, field: impl Into<String>, text: impl Into<String>) {
        self.note(NoteKind::Warning, line, field, text);
    }

    fn note(&mut self, kind: NoteKind, line: usize, field: impl Into<String>, text: impl Into<String>) {
        let place = match line {
            0 => self.file.display().to_string(),
            _ => format!("{}:{line}", self.file.display()),
        };
        self.notes.push((line, Note { kind, place, field: field.into(), text: text.into() }));
    }

    /// The notes in the order of their lines, or all errors.
    pub fn into_notes(mut self) -> Result<Vec<Note>, InputErrors> {
        if !self.errors.is_empty() {
            return Err(InputErrors::new(self.errors));
        }
        self.notes.sort_by_key(|(line, _)| *line);
        Ok(self.notes.into_iter().map(|(_, note)| note).collect())
    }
}
