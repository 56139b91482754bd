//! Writing to the terminal, or to whatever stands in its place: a file, a pipe, a reader that has gone.

use crate::arguments::Color;
use crate::exit::Failure;
use anstream::ColorChoice;
use std::io::{ErrorKind, IsTerminal, Write};

/// Applies `--color` to all that is printed from now on.
pub fn use_color(color: Color) {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
}

/// Prints to stdout. A reader that has seen enough (`| head -1`) is no failure.
///
/// # Errors
/// If stdout cannot be written for any other reason: a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::System(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Prints a line to stderr. Whether anybody reads it changes nothing.
pub fn tell(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// A text of several lines without what steers terminals: for what names things that users wrote.
pub fn harmless(text: &str) -> String {
    text.split('\n').map(reports::harmless).collect::<Vec<_>>().join("\n")
}

/// Says what went wrong, one line for each error, whatever the names in it hold.
pub fn complain(failure: &Failure) {
    let lines = match failure {
        Failure::Input(errors) => errors.0.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    for line in lines.iter().map(|line| reports::harmless(line)) {
        tell(&format!("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: {line}"));
    }
}

/// Whether stdout shows colour.
pub fn stdout_has_color() -> bool {
    let choice = anstream::AutoStream::choice(&std::io::stdout());
    choice != ColorChoice::Never
}

/// Columns of the terminal, within what reads well; 100 where there is none.
pub fn width() -> usize {
    width_up_to(120)
}

/// Columns of the terminal, at least 60 and at most so many; 100 where there is none.
pub fn width_up_to(most: usize) -> usize {
    let found = terminal_size::terminal_size_of(std::io::stdout());
    found.map_or(100, |(columns, _)| usize::from(columns.0).clamp(60, most))
}

/// Whether somebody watches stderr.
pub fn stderr_is_watched() -> bool {
    std::io::stderr().is_terminal()
}
