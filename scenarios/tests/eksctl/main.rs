//! Reading eksctl files: the files of eksctl's authors, further ones of the kinds that users write, the defaults, what
//! is refused, and that nothing makes it panic.

mod defaults;
mod examples;
mod network;
mod properties;
mod valid;
mod wrong;

use scenarios::eksctl::{ClusterFile, parse, read};
use sim_eks::plan::{NodeGroup, Note, NoteKind};
use std::path::{Path, PathBuf};

/// A file of the test data.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/eksctl").join(name)
}

/// Reads a file of the test data that must be right.
fn cluster(name: &str) -> ClusterFile {
    read(&data(name)).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Reads a text that must be right.
fn parsed(text: &str) -> ClusterFile {
    parse(Path::new("cluster.yaml"), text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// A cluster in a region, with more lines from line 5 on.
fn with(region: &str, rest: &str) -> String {
    format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: c, region: {region},\n  version: \"1.34\"}}\n{rest}"
    )
}

/// The zones of a cluster; those that only the control plane uses have a star.
fn zones(file: &ClusterFile) -> String {
    let shown = |zone: &sim_eks::plan::Zone| format!("{}{}", zone.name, if zone.in_cluster { "" } else { "*" });
    file.cluster.zones.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// A node group on one line: `ng-1 self m5.large 1/1/1 012`, the digits being its zones.
fn shown(group: &NodeGroup) -> String {
    let kind = if group.managed { "managed" } else { "self" };
    let spot = if group.spot { " spot" } else { "" };
    let zones: String = group.zones.iter().map(|zone| zone.0.to_string()).collect();
    let (min, desired, max) = (group.min, group.desired, group.max);
    format!("{} {kind} {} {min}/{desired}/{max} {zones}{spot}", group.name, group.instance_type)
}

/// The notes of a kind, as `line field`.
fn fields(file: &ClusterFile, kind: NoteKind) -> Vec<String> {
    let of_kind = |note: &&Note| note.kind == kind;
    let line = |note: &Note| note.place.rsplit_once(':').map_or("0", |(_, line)| line).to_owned();
    file.notes.iter().filter(of_kind).map(|note| format!("{} {}", line(note), note.field)).collect()
}
