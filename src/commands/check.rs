//! `ekssim check SCENARIO|FILE`.

use crate::arguments::Check;
use crate::exit::{Ended, Failure};
use crate::terminal;
use reports::{harmless, network_line};
use scenarios::Request;
use sim_eks::plan::{Cluster, Note, NoteKind};
use std::path::Path;

/// Reads a scenario or an eksctl file, and says what was understood, filled in and left out.
///
/// # Errors
/// If the input is wrong, or stdout cannot be written.
pub fn check(arguments: &Check) -> Result<Ended, Failure> {
    let path = Path::new(&arguments.input);
    let (cluster, notes) = if is_eksctl(path) {
        if arguments.cluster.is_some() {
            return Err(Failure::Usage(format!("{}: an eksctl file takes no --cluster", arguments.input)));
        }
        let read = scenarios::eksctl::read(path)?;
        (read.cluster, read.notes)
    } else {
        let (scenario, cluster) = (arguments.input.as_str(), arguments.cluster.as_deref());
        let plan = scenarios::load(&Request { scenario, cluster, sets: &[], still: false })?;
        (plan.cluster, plan.notes)
    };
    terminal::print(&understood(&arguments.input, &cluster, &notes))?;
    Ok(Ended::Fine)
}

fn is_eksctl(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

fn understood(input: &str, cluster: &Cluster, notes: &[Note]) -> String {
    let zones: Vec<&str> = cluster.zones.iter().filter(|zone| zone.in_cluster).map(|zone| zone.name.as_str()).collect();
    let version = cluster.version;
    let mut text = format!(
        "{}: fine\n  cluster {}, Kubernetes {}.{}, {} nodes in {}, zones {}\n  {}\n",
        harmless(input),
        harmless(&cluster.name),
        version.major,
        version.minor,
        cluster.nodes(),
        counted(cluster.node_groups.len(), "node group"),
        zones.join(", "),
        harmless(&network_line(cluster)),
    );
    for (kind, heading) in [
        (NoteKind::Warning, "Warnings"),
        (NoteKind::NotModelled, "Read, but of no effect on a run"),
        (NoteKind::Filled, "Filled in"),
    ] {
        let lines: Vec<String> = notes.iter().filter(|note| note.kind == kind).map(|note| line(input, note)).collect();
        if !lines.is_empty() {
            text.push_str(&format!("\n\u{1b}[1m{heading}\u{1b}[0m\n{}\n", lines.join("\n")));
        }
    }
    text
}

fn line(input: &str, note: &Note) -> String {
    // The file is named once, in the first line; a note in it needs but its line.
    let place = match note.place.strip_prefix(input) {
        Some(line) => line.strip_prefix(':').map_or(String::new(), |line| format!("line {line}: ")),
        None if note.place.is_empty() => String::new(),
        None => format!("{}: ", note.place),
    };
    harmless(&format!("  {place}{}: {}", note.field, note.text))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
