//! Reads an eksctl `ClusterConfig` (`eksctl.io/v1alpha5`) into a [`Cluster`], or says all that is wrong with it.
//!
//! Every field of a file ends in one of three ways: the model uses it; it is listed as not modelled, with its line; or
//! it is refused as unknown, with its line and the nearest name. What eksctl would fill in is filled in, and noted.
//!
//! Where eksctl chooses zones at random, the first by letter are taken (two in us-east-1, three elsewhere). The zones
//! of the control plane are [`Cluster::zones`], always at least three: the first three of them, the cluster's own
//! before all others. Local zones stand at the end.

mod checks;
mod creation;
mod document;
mod fargate;
mod fields;
mod findings;
mod group;
mod groups;
mod instances;
mod network;
mod security;
mod vpc;

use crate::catalogue::{self, VERSIONS, VERSIONS_OF_EKS};
use crate::problem::{InputError, InputErrors, did_you_mean};
use crate::source;
use document::{Node, documents, shortened};
use findings::Findings;
use sim_eks::plan::{Cluster, KubernetesVersion, Note, Wishes};
use std::path::Path;

/// Largest file that is read, in MiB.
const MIB_MAX: u64 = 4;
/// The version of eksctl's format.
const API_VERSION: &str = "eksctl.io/v1alpha5";
/// eksctl's default Kubernetes version, at the release whose schema is in `fields.txt`.
const VERSION_DEFAULT: KubernetesVersion = KubernetesVersion { major: 1, minor: 34 };

/// A cluster as an eksctl file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterFile {
    /// The cluster.
    pub cluster: Cluster,
    /// What eksctl does beside it when it creates it.
    pub wishes: Wishes,
    /// What was filled in, what has no effect on a run, and what eksctl or EKS would object to; in the order of the
    /// lines, those of the whole file first.
    pub notes: Vec<Note>,
}

/// Reads a file of at most 4 MiB.
///
/// # Errors
/// All that is wrong with the file.
pub fn read(path: &Path) -> Result<ClusterFile, InputErrors> {
    let text = source::read(path, MIB_MAX, "an eksctl ClusterConfig in YAML")
        .map_err(|problem| InputError::new(path, problem.line, "", problem.why))?;
    parse(path, &text)
}

/// Reads a text; `file` is its name in messages.
///
/// # Errors
/// All that is wrong with the text.
pub fn parse(file: &Path, text: &str) -> Result<ClusterFile, InputErrors> {
    let mut findings = Findings::new(file);
    let documents = documents(file, text.strip_prefix('\u{feff}').unwrap_or(text))?;
    findings.errors(documents.repeated);
    let root = cluster_config(file, &documents.roots, &mut findings)?;
    fields::check(root, &mut findings);
    let (name, region) = (name(root, &mut findings), region(root, &mut findings));
    let version = version(root, &mut findings);
    let mut network = region.map(|region| network::read(root, region, &mut findings));
    let node_groups = groups::read(root, &name, network.as_mut(), &mut findings);
    let fargate_profiles = fargate::read(root, network.as_ref(), &mut findings);
    if node_groups.iter().all(|group| group.desired == 0) {
        let text = match fargate_profiles.is_empty() {
            true => "no nodes: the cluster begins without any, so pods find no place",
            false => "no nodes: the cluster begins without any, so pods that no Fargate profile selects find no place",
        };
        findings.filled(0, "nodeGroups", text);
    }
    checks::check(root, network.as_ref(), &mut findings);
    let notes = findings.into_notes()?;
    let network = network.expect("a region that is missing or unknown is an error");
    let region = network.region.name.to_owned();
    let cluster = Cluster {
        name,
        region,
        version,
        zones: network.zones,
        node_groups,
        fargate_profiles,
        daemon_sets: catalogue::daemon_sets(),
        network: network.vpc,
    };
    Ok(ClusterFile { cluster, wishes: creation::wishes(root), notes })
}

/// The one ClusterConfig of a file; lists and other documents around it are allowed.
fn cluster_config<'a>(
    file: &Path,
    documents: &'a [Node],
    findings: &mut Findings<'_>,
) -> Result<&'a Node, InputErrors> {
    let mut objects: Vec<&Node> = Vec::new();
    for document in documents {
        let listed = kind(document).is_some_and(|kind| kind.ends_with("List"));
        match document.get("items").filter(|_| listed) {
            Some(items) => objects.extend(items.node.items().map(|(_, item)| item)),
            None => objects.push(document),
        }
    }
    let (configs, others): (Vec<&Node>, Vec<&Node>) =
        objects.iter().partition(|object| kind(object) == Some("ClusterConfig"));
    let error =
        |line: usize, field: &str, problem: String| InputErrors::from(InputError::new(file, line, field, problem));
    let wanted = format!("an eksctl ClusterConfig is wanted (apiVersion: {API_VERSION}, kind: ClusterConfig)");
    let root = match configs[..] {
        [root] => root,
        [first, second, ..] => {
            let problem =
                format!("a second ClusterConfig, the first is on line {}; one file describes one cluster", first.line);
            return Err(error(second.line, "kind", problem));
        }
        [] => {
            let Some(other) = others.first() else { return Err(error(0, "", format!("the file is empty; {wanted}"))) };
            return Err(wrong_kind(file, other, &wanted));
        }
    };
    for other in others {
        let text = format!("a document of kind {}; not read", kind(other).unwrap_or("unknown"));
        findings.not_modelled(other.line, "kind", text);
    }
    let version = root.get("apiVersion").and_then(|version| version.node.text());
    if version != Some(API_VERSION) {
        let line = root.get("apiVersion").map_or(root.line, |version| version.line);
        let near = did_you_mean(version.unwrap_or_default(), [API_VERSION].into_iter());
        let found = version.map_or("nothing".to_owned(), shortened);
        return Err(error(line, "apiVersion", format!("found {found}; allowed is {API_VERSION}{near}")));
    }
    Ok(root)
}

fn kind(object: &Node) -> Option<&str> {
    object.get("kind").and_then(|kind| kind.node.text())
}

fn wrong_kind(file: &Path, object: &Node, wanted: &str) -> InputErrors {
    let (line, found) = match object.get("kind") {
        Some(entry) => (entry.line, format!("kind {}", entry.node.shown())),
        None if object.entries().is_empty() => (object.line, object.shown()),
        None => (object.line, "no kind".to_owned()),
    };
    let near = did_you_mean(kind(object).unwrap_or_default(), ["ClusterConfig"].into_iter());
    let field = if object.entries().is_empty() { "" } else { "kind" };
    InputError::new(file, line, field, format!("found {found}; {wanted}{near}")).into()
}

fn name(root: &Node, findings: &mut Findings<'_>) -> String {
    let metadata = root.get("metadata");
    let Some(metadata) = metadata else {
        findings.error(root.line, "metadata", "missing; it holds the cluster's name and region");
        return String::new();
    };
    let Some(entry) = metadata.node.get("name") else {
        findings.error(metadata.line, "metadata.name", "missing; the cluster needs a name");
        return String::new();
    };
    let Some(name) = entry.node.text() else { return String::new() };
    groups::check_name(name, entry.line, "metadata.name", findings);
    name.to_owned()
}

fn region(root: &Node, findings: &mut Findings<'_>) -> Option<&'static catalogue::Region> {
    let metadata = root.get("metadata")?;
    let Some(entry) = metadata.node.get("region") else {
        findings.error(metadata.line, "metadata.region", "missing; name an AWS region such as eu-west-1");
        return None;
    };
    let text = entry.node.text()?;
    let found = catalogue::region(text);
    if found.is_none() {
        let near = did_you_mean(text, catalogue::region_names());
        let near = if near.is_empty() { "; allowed are names such as eu-west-1".to_owned() } else { near };
        findings.error(entry.line, "metadata.region", format!("found {}; no such AWS region{near}", shortened(text)));
    }
    found
}

/// The Kubernetes version as it is written: `1.30` without quotes would be the number 1.3.
fn version(root: &Node, findings: &mut Findings<'_>) -> KubernetesVersion {
    let field = "metadata.version";
    let entry = root.get("metadata").and_then(|metadata| metadata.node.get("version"));
    let text = entry.and_then(|entry| entry.node.text()).unwrap_or("auto");
    let line = entry.or(root.get("metadata")).map_or(0, |entry| entry.line);
    if ["auto", "latest"].contains(&text) {
        findings.filled(line, field, "1.34: eksctl's default, which depends on its release");
        return VERSION_DEFAULT;
    }
    match parsed_version(text) {
        Err(problem) => {
            findings.error(line, field, problem);
            VERSION_DEFAULT
        }
        Ok(version) => {
            if version.minor < *VERSIONS_OF_EKS.start() {
                let text =
                    format!("EKS no longer runs Kubernetes {text} and eksctl refuses it; taken here all the same");
                findings.warning(line, field, text);
            } else if version.minor > *VERSIONS_OF_EKS.end() {
                let text = format!("Kubernetes {text} is newer than all that eksctl knew in August 2026");
                findings.warning(line, field, text);
            }
            version
        }
    }
}

fn parsed_version(text: &str) -> Result<KubernetesVersion, String> {
    let parts = text.split_once('.');
    let parts = parts.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    let found = shortened(text);
    match parts {
        Some((1, minor)) if VERSIONS.contains(&minor) => Ok(KubernetesVersion { major: 1, minor }),
        Some((1, minor @ 1..=3)) => {
            Err(format!("found {found}; versions of EKS begin with 1.10; did you mean \"1.{minor}0\""))
        }
        _ => Err(format!("found {found}; a Kubernetes version such as \"1.33\" is wanted")),
    }
}
