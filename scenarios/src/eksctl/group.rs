//! A node group of a file, before anything of it is judged.

use super::document::{Entry, Node};
use super::fields::joined;

/// A node group as the file has it.
pub(super) struct Group<'a> {
    pub node: &'a Node,
    /// `managedNodeGroups[0]`.
    pub path: String,
    pub managed: bool,
}

impl<'a> Group<'a> {
    /// A field of the group, unless it is absent or null.
    pub fn get(&self, field: &str) -> Option<&'a Entry> {
        self.node.get(field)
    }

    /// The path of a field of the group.
    pub fn path(&self, field: &str) -> String {
        joined(&self.path, field)
    }

    /// Whether a field of the group is true; `None` if it is absent or no truth value.
    pub fn truth(&self, field: &str) -> Option<bool> {
        self.get(field).and_then(|entry| entry.node.truth())
    }
}

/// The node groups of both kinds, in the order of the file.
pub(super) fn list(root: &Node) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for entry in root.entries() {
        let managed = match entry.key.as_str() {
            "nodeGroups" => false,
            "managedNodeGroups" => true,
            _ => continue,
        };
        for (index, node) in entry.node.items() {
            groups.push(Group { node, path: format!("{}[{index}]", entry.key), managed });
        }
    }
    groups
}
