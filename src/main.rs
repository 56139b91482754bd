//! The command `ekssim`: files in, reports out. Everything between is in the crates of this workspace; here are the
//! command line, the exit code and the two ends of the arrow.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod exit;
mod output;
mod progress;
mod run_log;
mod shell;
mod signals;
mod terminal;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    terminal::use_color(arguments.color);
    let ended = match arguments.command {
        Command::Run(run) => commands::run(&run),
        Command::Check(check) => commands::check(&check),
        Command::Paths(paths) => commands::paths(&paths),
        Command::Create(create) => commands::create(&create),
        Command::Show(show) => commands::show(&show),
        Command::Scenarios(scenarios) => commands::scenarios(&scenarios),
        Command::Explain(explain) => commands::explain(&explain),
        Command::Report(report) => commands::report(&report),
        Command::Schema => commands::schema(),
        Command::Completions { shell } => commands::completions(shell),
    };
    match ended {
        Ok(ended) => ended.code(),
        Err(failure) => {
            terminal::complain(&failure);
            failure.code()
        }
    }
}
