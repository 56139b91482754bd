//! Reads a text file that a user names, whatever it turns out to be: a folder, a pipe, noise, a device without end.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Why a file could not be read as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line of the first byte that is no UTF-8; 0 is the whole file.
    pub line: usize,
    /// What was found and what is wanted; no final period.
    pub why: String,
}

/// Reads a regular file of UTF-8 of at most `mib_max` MiB; `wanted` says in errors what it should be: `a TOML scenario`.
///
/// Nothing else is opened, since a pipe that nobody writes to would keep the program waiting.
///
/// # Errors
/// Why it cannot be read.
pub fn read(path: &Path, mib_max: u64, wanted: &str) -> Result<String, Unreadable> {
    let whole = |why: String| Unreadable { line: 0, why };
    let system = |error: io::Error| {
        whole(match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
            _ => format!("cannot be read: {error}"),
        })
    };
    let about = fs::metadata(path).map_err(system)?;
    if about.is_dir() {
        return Err(whole(format!("is a directory; {wanted} is wanted")));
    }
    if !about.is_file() {
        return Err(whole(format!("is no regular file but a pipe or device; {wanted} is wanted, written to a file")));
    }
    let bytes_max = mib_max << 20;
    let mut bytes = Vec::new();
    if about.len() <= bytes_max {
        // It may grow while it is read.
        File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes)).map_err(system)?;
    }
    if about.len().max(bytes.len() as u64) > bytes_max {
        return Err(whole(format!("is larger than {mib_max} MiB; {wanted} is wanted")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Unreadable { line, why: format!("is no text: this line holds a byte that is no UTF-8; {wanted} is wanted") }
    })
}
