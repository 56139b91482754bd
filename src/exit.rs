//! How a command ends, and the exit code that says so.

use scenarios::{InputError, InputErrors};
use std::fmt;
use std::process::ExitCode;

/// A command that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Exit code 0.
    Fine,
    /// The run is complete, and an objective was missed: exit code 99, as k6 has it.
    ObjectiveMissed,
}

/// A command that did not.
#[derive(Debug)]
pub enum Failure {
    /// The user's files or values are wrong: exit code 2.
    Input(InputErrors),
    /// What the user asks for cannot be done, in a sentence: exit code 2.
    Usage(String),
    /// The program or the system failed: exit code 1.
    System(String),
    /// The simulator contradicts itself, whatever the input was: exit code 70, as sysexits has it for such mistakes.
    Mistake(String),
    /// A signal came: exit code 128 plus its number.
    Interrupted(u8),
}

impl Ended {
    /// The process's exit code.
    pub fn code(self) -> ExitCode {
        match self {
            Ended::Fine => ExitCode::SUCCESS,
            Ended::ObjectiveMissed => ExitCode::from(99),
        }
    }
}

impl Failure {
    /// The process's exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::System(_) => 1,
            Failure::Mistake(_) => 70,
            Failure::Input(_) | Failure::Usage(_) => 2,
            Failure::Interrupted(signal) => 128 + signal,
        })
    }
}

impl From<InputErrors> for Failure {
    fn from(errors: InputErrors) -> Self {
        Failure::Input(errors)
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Failure::Input(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Input(errors) => errors.fmt(f),
            Failure::Usage(problem) | Failure::System(problem) => f.write_str(problem),
            Failure::Mistake(what) => {
                write!(
                    f,
                    "{what}\nThis is a mistake of ekssim, not of your input; nothing was written. Please report it with this command"
                )
            }
            Failure::Interrupted(_) => f.write_str("interrupted; nothing was written"),
        }
    }
}
