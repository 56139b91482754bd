//! The files of a run, and what is printed when they are in place.

use crate::arguments::Format;
use crate::exit::{Ended, Failure};
use crate::terminal;
use reports::{Document, Style, WriteError};
use std::fs;
use std::path::{Path, PathBuf};

const RUN_LOG: &str = "run.log";

/// Refuses an output directory that cannot be one, before anything is run.
///
/// # Errors
/// If something else has its name.
pub fn check(out: &Path) -> Result<(), Failure> {
    if out.exists() && !out.is_dir() {
        return Err(Failure::Usage(format!("{}: is not a directory; name another with --out", out.display())));
    }
    Ok(())
}

/// Writes all files of a document; returns their paths.
///
/// # Errors
/// If the system fails; what was there before is left as it was.
pub fn write(document: &Document, out: &Path) -> Result<Vec<PathBuf>, Failure> {
    reports::write_all(document, out).map_err(|error| match error {
        WriteError::NotOurs { .. } => Failure::Usage(error.to_string()),
        other => Failure::System(other.to_string()),
    })
}

/// Writes `run.log`, beside `out` and then in place, so that `out` never holds anything half-written.
///
/// # Errors
/// If the system fails.
pub fn write_log(text: &str, out: &Path) -> Result<(), Failure> {
    let place = out.join(RUN_LOG);
    let directory = fs::canonicalize(out).map_err(|error| Failure::file(out, &error))?;
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let aside = directory.with_file_name(format!(".{name}.{RUN_LOG}-{}", std::process::id()));
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, &place));
    written.map_err(|error| {
        // It may not even be there.
        let _ = fs::remove_file(&aside);
        Failure::file(&place, &error)
    })
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
