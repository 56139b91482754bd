//! The security groups of a node group's nodes.
//!
//! Source: eksctl-io/eksctl, `pkg/cfn/builder/nodegroup.go` and `managed_launch_template.go`.

use super::document::Entry;
use super::findings::Findings;
use super::group::Group;
use ipnet::IpNet;
use sim_eks::plan::{Network, NodeSecurity, Peer};

/// The fields by which a file gives a key for ssh, which opens ssh where it is not forbidden.
const KEYS: [&str; 3] = ["publicKey", "publicKeyName", "publicKeyPath"];

/// Gives the VPC the security groups of a group's nodes.
pub(super) fn groups(group: &Group<'_>, vpc: &mut Network, findings: &mut Findings<'_>) -> Vec<usize> {
    let inner = |outer: &str, field: &str| group.get(outer).and_then(|entry| entry.node.get(field));
    let truth = |field: &str| inner("securityGroups", field).and_then(|entry| entry.node.truth());
    let name = group.get("name").and_then(|name| name.node.text()).unwrap_or_default();
    for field in ["withLocal", "withShared"] {
        if group.managed && truth(field) == Some(true) {
            let line = inner("securityGroups", field).map_or(group.node.line, |entry| entry.line);
            let problem = "is not supported for managed node groups: their nodes have the cluster's security group";
            findings.error(line, format!("{}.{field}", group.path("securityGroups")), problem);
        }
    }
    let attached = inner("securityGroups", "attachIDs");
    if let Some(list) = attached.filter(|list| list.node.items().count() > 0) {
        let text = "their rules are not in the file: taken to allow nothing inbound and everything outbound";
        findings.filled(list.line, format!("{}.attachIDs", group.path("securityGroups")), text);
    }
    let security = NodeSecurity {
        managed: group.managed,
        attached: named(attached, vpc),
        with_shared: truth("withShared") != Some(false),
        with_local: truth("withLocal") != Some(false),
        ssh: ssh(group, vpc),
    };
    vpc.secure_nodes(name, &security)
}

/// The groups of a list of ids.
fn named(list: Option<&Entry>, vpc: &mut Network) -> Vec<usize> {
    let ids = list.into_iter().flat_map(|list| list.node.items());
    let mut groups: Vec<usize> = Vec::new();
    for id in ids.filter_map(|(_, id)| id.text()) {
        let group = vpc.group_named(id);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// Who may use ssh.
fn ssh(group: &Group<'_>, vpc: &mut Network) -> Vec<Peer> {
    let Some(ssh) = group.get("ssh") else { return Vec::new() };
    let allow = ssh.node.get("allow").and_then(|entry| entry.node.truth());
    let has_key = KEYS.iter().any(|key| ssh.node.get(key).is_some());
    if !allow.unwrap_or(has_key) {
        return Vec::new();
    }
    let sources = named(ssh.node.get("sourceSecurityGroupIds"), vpc);
    if !sources.is_empty() {
        return sources.into_iter().map(Peer::Group).collect();
    }
    match group.truth("privateNetworking") {
        Some(true) => vec![Peer::Cidr(IpNet::V4(vpc.cidr))],
        _ => vec![Peer::everywhere()],
    }
}
