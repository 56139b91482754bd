//! `ekssim completions SHELL`.

use crate::arguments::Arguments;
use crate::exit::{Ended, Failure};
use crate::terminal;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the completions of a shell.
///
/// # Errors
/// If stdout cannot be written.
pub fn completions(shell: Shell) -> Result<Ended, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ekssim", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(Ended::Fine)
}
