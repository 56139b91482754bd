//! `ekssim scenarios [NAME]`.

use crate::arguments::Scenarios;
use crate::exit::{Ended, Failure};
use crate::terminal;
use ::scenarios::problem::did_you_mean;
use ::scenarios::{BuiltIn, library};

/// Lists the built-in scenarios with their questions, or prints the file of one.
///
/// # Errors
/// If there is none of that name, or stdout cannot be written.
pub fn scenarios(arguments: &Scenarios) -> Result<Ended, Failure> {
    let text = match &arguments.name {
        None => list(),
        Some(name) => find(name)?.text.to_owned(),
    };
    terminal::print(&text)?;
    Ok(Ended::Fine)
}

fn list() -> String {
    let width = library().iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let row = |scenario: &BuiltIn| {
        let indent = format!("\n{:width$}    ", "");
        let question = wrapped(scenario.question, 76 - width).join(&indent);
        format!("\u{1b}[1m{:width$}\u{1b}[0m    {question}\n", scenario.name)
    };
    library().iter().map(row).collect()
}

fn find(name: &str) -> Result<&'static BuiltIn, Failure> {
    let names = || library().iter().map(|scenario| scenario.name);
    library().iter().find(|scenario| scenario.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, names());
        Failure::Usage(format!("{name}: is no built-in scenario{hint}; `ekssim scenarios` lists them"))
    })
}

/// Lines of at most `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
