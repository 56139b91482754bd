//! Reads a text file that a user names, whatever it turns out to be.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Largest file that is read: 4 MiB. A scenario has a few kB; more is a mistake, and is not read to its end.
const BYTES_MAX: u64 = 4 << 20;

/// Why a file could not be read as a text.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The line of the first byte that is no UTF-8; 0 is the whole file.
    pub line: usize,
    pub why: String,
}

/// Reads a file of at most 4 MiB of UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, Unreadable> {
    let whole = |why: String| Unreadable { line: 0, why };
    let too_large = || whole("is larger than 4 MiB; a scenario is a short TOML file".to_owned());
    let file = File::open(path).map_err(|error| {
        whole(match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
            _ => format!("cannot be read: {error}"),
        })
    })?;
    let about = file.metadata().map_err(|error| whole(format!("cannot be read: {error}")))?;
    if about.is_dir() {
        return Err(whole("is a directory; a file is wanted".to_owned()));
    }
    if about.len() > BYTES_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let read = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| whole(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Unreadable { line, why: "is not a text: this line holds a byte that is no UTF-8".to_owned() }
    })?;
    if text.trim().is_empty() {
        return Err(whole("is empty".to_owned()));
    }
    Ok(text)
}
