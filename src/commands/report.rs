//! `ekssim report DIR|FILE`.

use crate::arguments::Report;
use crate::exit::{Ended, Failure};
use crate::output;
use reports::Document;
use std::path::{Path, PathBuf};

/// Renders the report of a stored record again.
///
/// # Errors
/// If the file is no record that this program reads, or the system fails.
pub fn report(arguments: &Report) -> Result<Ended, Failure> {
    let file = record_file(&arguments.record);
    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
    let document =
        Document::from_json(&text).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let out = arguments.out.clone().unwrap_or_else(|| beside.to_owned());
    output::check(&out)?;
    let log = output::earlier_log(beside);
    let files = output::write(&document, &out)?;
    if let Some(log) = log {
        output::write_log(&log, &out)?;
    }
    output::print(&document, arguments.format, Some((&out, &files)))
}

fn record_file(named: &Path) -> PathBuf {
    if named.is_dir() { named.join("record.json") } else { named.to_owned() }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Usage(format!("{}: there is no such file", file.display())),
        std::io::ErrorKind::InvalidData => Failure::Usage(format!("{}: not a record of ekssim", file.display())),
        _ => Failure::file(file, error),
    }
}
