//! What is wrong with an input, and where: one error per mistake, all of them at once.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong with a file that a user wrote.
///
/// Shown as `file:line: field: problem`, and without the parts that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputError {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// The line, from 1; 0 is the whole file.
    pub line: usize,
    /// The field, `managedNodeGroups[0].minSize`; empty where no field is meant.
    pub field: String,
    /// What was found, what is allowed, and the nearest valid name; no final period.
    pub problem: String,
}

impl InputError {
    /// An error at a line (from 1; 0 is the whole file) and a field (may be empty).
    pub fn new(file: &Path, line: usize, field: impl Into<String>, problem: impl Into<String>) -> Self {
        InputError { file: file.to_owned(), line, field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        if !self.field.is_empty() {
            write!(f, " {}:", self.field)?;
        }
        write!(f, " {}", self.problem)
    }
}

impl std::error::Error for InputError {}

/// All that is wrong with one input: at least one error, in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors(pub Vec<InputError>);

impl InputErrors {
    /// Puts the errors into the order of their files and lines; equal ones are kept once.
    ///
    /// # Panics
    /// If there is none: whoever has no error has a result.
    pub fn new(mut errors: Vec<InputError>) -> Self {
        assert!(!errors.is_empty(), "only a faulty input has errors");
        errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        errors.dedup();
        InputErrors(errors)
    }
}

impl From<InputError> for InputErrors {
    fn from(error: InputError) -> Self {
        InputErrors(vec![error])
    }
}

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InputErrors {}

/// The allowed name that is nearest to what was found, if one is near enough to be meant: at most a third of its
/// letters differ (by the Damerau-Levenshtein distance, in any case of letters). The first of equally near ones. A path
/// whose end is what was found is nearest of all.
pub fn nearest<'a>(found: &str, allowed: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(found);
    let limit = (wanted.len() / 3).clamp(1, 6);
    let mut best: Option<(usize, &'a str)> = None;
    for name in allowed {
        if !found.is_empty() && name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(found)) {
            return Some(name);
        }
        let candidate = letters(name);
        if candidate.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        let distance = edit_distance(&wanted, &candidate);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// `; did you mean NAME` where a name is near, else nothing: the end of a problem's sentence.
pub fn did_you_mean<'a>(found: &str, allowed: impl Iterator<Item = &'a str>) -> String {
    nearest(found, allowed).map_or_else(String::new, |name| format!("; did you mean {name}"))
}

fn letters(name: &str) -> Vec<char> {
    name.chars().take(80).flat_map(char::to_lowercase).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one name into the other.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_what_it_has() {
        let file = Path::new("a.yaml");
        assert_eq!(InputError::new(file, 3, "x.y", "found 1").to_string(), "a.yaml:3: x.y: found 1");
        assert_eq!(InputError::new(file, 0, "", "not there").to_string(), "a.yaml: not there");
    }

    #[test]
    fn the_nearest_name_is_one_that_could_be_meant() {
        let names =
            ["m5.large", "m5.xlarge", "c5.large", "minSize", "maxSize", "exec.timeout", "etcd.election_timeout"];
        for (found, meant) in [
            ("m5.larg", Some("m5.large")),
            ("MinSize", Some("minSize")),
            ("mniSize", Some("minSize")),
            ("m5.xxlarge", Some("m5.xlarge")),
            ("election_timeout", Some("etcd.election_timeout")),
            ("entirely", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, names.into_iter()), meant, "{found}");
        }
    }
}
