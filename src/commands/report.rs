//! `ekssim report DIR|FILE`.

use crate::arguments::Report;
use crate::exit::{Ended, Failure};
use crate::output;
use crate::signals::Signals;
use reports::{Document, Writing};
use scenarios::InputError;
use scenarios::source::{self, Unreadable};
use std::path::{Path, PathBuf};

/// Largest record that is read, in MiB; those that are written are smaller.
const MIB_MAX: u64 = 32;

/// Renders the report of a stored record again.
///
/// # Errors
/// If the file is no record that this program reads, or the system fails.
pub fn report(arguments: &Report) -> Result<Ended, Failure> {
    let signals = Signals::listen()?;
    let file = record_file(&arguments.record);
    let wrong = |problem: Unreadable| InputError::new(&file, problem.line, "", problem.why);
    let text = source::read(&file, MIB_MAX, "the record.json of a run").map_err(wrong)?;
    let document =
        Document::from_json(&text).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let out = arguments.out.clone().unwrap_or_else(|| beside.to_owned());
    output::check(&out)?;
    signals.hold();
    let log = output::earlier_log(beside);
    let log = log.map(|log| move || log.clone());
    let log = log.as_ref().map(|log| log as &dyn Fn() -> String);
    let files = output::write(&document, &out, Writing { log, stop: Some(&signals.stop) });
    let files = files.map_err(|failure| signals.failure().unwrap_or(failure))?;
    output::print(&document, arguments.format, Some((&out, &files)))
}

fn record_file(named: &Path) -> PathBuf {
    if named.is_dir() { named.join("record.json") } else { named.to_owned() }
}
