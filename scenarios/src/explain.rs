//! What a parameter is: `ekssim explain NAME`.

use crate::problem::InputError;
use crate::scenario::settings::{group_of, groups, no_such_parameter};
use sim_eks::parameters::declaration;
use sim_eks::{Confidence, DECLARATIONS, Declaration, Parameters, Plan};
use std::fmt::Write;
use std::path::Path;

/// Explains a parameter (value, kind, range, source, confidence, what it governs), or lists a group of parameters; an
/// empty path lists the groups. Values are those of the plan, or the defaults.
///
/// # Errors
/// A path that is neither, with the nearest name.
pub fn explain(path: &str, plan: Option<&Plan>) -> Result<String, InputError> {
    let path = path.trim();
    if path.is_empty() {
        return Ok(list_groups());
    }
    if let Some(declared) = declaration(path) {
        return Ok(explain_one(declared, plan));
    }
    let members: Vec<&Declaration> = DECLARATIONS.iter().filter(|declared| group_of(declared.path) == path).collect();
    if members.is_empty() {
        return Err(InputError::new(Path::new("explain"), 0, path, no_such_parameter(path)));
    }
    Ok(list_members(&members, plan))
}

/// A confidence in words.
pub(crate) fn in_words(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Documented => "documented",
        Confidence::Measured => "measured",
        Confidence::Inferred => "inferred",
    }
}

/// The value of a parameter in a plan, or its default.
fn value(declared: &Declaration, plan: Option<&Plan>) -> String {
    let shown = match plan {
        Some(plan) => plan.parameters.get(declared.path),
        None => Parameters::default().get(declared.path),
    };
    shown.expect("declared")
}

/// Who set a parameter: `default`, or the origin in the plan.
pub(crate) fn origin(declared: &Declaration, plan: Option<&Plan>) -> String {
    let set = plan.and_then(|plan| plan.settings.iter().find(|setting| setting.path == declared.path));
    set.map_or_else(|| "default".to_owned(), |setting| setting.origin.clone())
}

fn explain_one(declared: &Declaration, plan: Option<&Plan>) -> String {
    let value = value(declared, plan);
    let origin = origin(declared, plan);
    let by = if origin == "default" { origin } else { format!("set by {origin}; default {}", declared.default) };
    let range = match declared.range.split_once("..") {
        Some((low, high)) => format!("{low} to {high}"),
        None => "every value of its kind".to_owned(),
    };
    let (name, confidence) = (declared.path, in_words(declared.confidence));
    let quotes = if matches!(declared.kind, "count" | "number" | "flag") { "" } else { "\"" };
    let mut text = format!("{name}\n  {}\n\n", declared.governs);
    for (label, what) in [
        ("value", format!("{value} ({by})")),
        ("kind", declared.kind.to_owned()),
        ("range", range),
        ("confidence", confidence.to_owned()),
        ("source", declared.source.to_owned()),
        ("set it", format!("--set '{name}={value}', or under [parameters]: {name} = {quotes}{value}{quotes}")),
    ] {
        writeln!(text, "  {label:<10}  {what}").expect("a String takes all");
    }
    text
}

fn list_members(members: &[&Declaration], plan: Option<&Plan>) -> String {
    let width = members.iter().map(|declared| declared.path.len()).max().unwrap_or(0);
    let mut text = String::new();
    for declared in members {
        let (path, governs) = (declared.path, declared.governs);
        let origin = origin(declared, plan);
        let by = if origin == "default" { String::new() } else { format!(" ({origin})") };
        writeln!(text, "{path:<width$}  {}{by}\n{:width$}  {governs}", value(declared, plan), "")
            .expect("a String takes all");
    }
    text
}

fn list_groups() -> String {
    let groups = groups();
    let width = groups.iter().map(|group| group.len()).max().unwrap_or(0);
    let mut text = String::new();
    for group in groups {
        let names: Vec<&str> =
            DECLARATIONS.iter().filter_map(|declared| declared.path.strip_prefix(group)?.strip_prefix('.')).collect();
        writeln!(text, "{group:<width$}  {}", names.join(", ")).expect("a String takes all");
    }
    text
}
