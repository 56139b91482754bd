//! The files of a run, and what is printed when they are in place.

use crate::arguments::Format;
use crate::exit::{Ended, Failure};
use crate::terminal;
use reports::{Document, Style, WriteError, Writing};
use std::fs;
use std::path::{Path, PathBuf};

const RUN_LOG: &str = "run.log";

/// Refuses an output directory that cannot be one, before anything is run.
///
/// # Errors
/// If something else has its name, or it holds what this program did not write.
pub fn check(out: &Path) -> Result<(), Failure> {
    reports::check_place(out).map_err(failure)
}

/// Writes all files of a document; returns their paths.
///
/// # Errors
/// If the system fails, or [`Writing::stop`] was raised; what was there before is left as it was.
pub fn write(document: &Document, out: &Path, writing: Writing<'_>) -> Result<Vec<PathBuf>, Failure> {
    reports::write_all(document, out, writing).map_err(failure)
}

fn failure(error: WriteError) -> Failure {
    match error {
        WriteError::NotOurs { .. } | WriteError::NoDirectory { .. } => Failure::Usage(format!("{error} with --out")),
        other => Failure::System(other.to_string()),
    }
}

/// The log of an earlier run in `out`, if there is one.
pub fn earlier_log(out: &Path) -> Option<String> {
    fs::read_to_string(out.join(RUN_LOG)).ok()
}

/// Prints a document, and where its files are; the verdict is the end of the command.
///
/// # Errors
/// If stdout cannot be written.
pub fn print(document: &Document, format: Format, files: Option<(&PathBuf, &Vec<PathBuf>)>) -> Result<Ended, Failure> {
    let mut text = match format {
        Format::Json => document.to_json(),
        Format::Text => {
            reports::terminal(document, Style { colour: terminal::stdout_has_color(), width: terminal::width() })
        }
    };
    if let (Format::Text, Some((out, files))) = (format, files) {
        text.push_str(&reports::where_the_files_are(out, files));
    }
    terminal::print(&text)?;
    let missed = reports::verdict(document).missed;
    Ok(if missed { Ended::ObjectiveMissed } else { Ended::Fine })
}
