//! One way to start the program, for every test of the command line.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory of its own for one test, and the program that runs in it.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Place(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program, with an environment that asks for nothing.
    pub fn ekssim(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ekssim"));
        command.current_dir(self.path()).args(words(line));
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the program; tells its exit code, stdout and stderr. A panic fails the test.
    pub fn run(&self, line: &str) -> (i32, String, String) {
        told(self.ekssim(line))
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).expect("the place can be written");
    }

    /// Everything in the place, by name.
    pub fn entries(&self) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = fs::read_dir(self.path())
            .expect("the place can be read")
            .map(|entry| PathBuf::from(entry.expect("an entry").file_name()))
            .collect();
        names.sort();
        names
    }
}

/// Exit code, stdout and stderr of a command that must not panic.
pub fn told(mut command: Command) -> (i32, String, String) {
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    (output.status.code().expect("an exit code"), out, err)
}

/// A file of `tests/data`.
pub fn data(file: &str) -> String {
    format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Splits a command line at blanks; words in single quotes stay whole.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
