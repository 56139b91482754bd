//! Every field that the format knows, with its type and with what becomes of it. A walk over the file finds what is
//! unknown, of a wrong type, or a placeholder left in, and lists what the model does not use.

use super::document::{Node, Value, shortened};
use super::findings::Findings;
use crate::problem::{did_you_mean, nearest};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The table of all fields; its head explains the columns.
const TABLE: &str = include_str!("fields.txt");

static OBJECTS: LazyLock<BTreeMap<&'static str, Vec<Field>>> = LazyLock::new(objects);

/// The objects in which a misplaced field is looked for, and how a message names them.
const HOMES: [(&str, &str); 6] = [
    ("ClusterConfig", "the top level"),
    ("ClusterMeta", "metadata"),
    ("ClusterVPC", "vpc"),
    ("NodeGroup", "nodeGroups[]"),
    ("ManagedNodeGroup", "managedNodeGroups[]"),
    ("NodeGroupInstancesDistribution", "nodeGroups[].instancesDistribution"),
];

/// A field of an object.
struct Field {
    name: &'static str,
    class: Class,
    kind: Kind,
}

/// What becomes of a field.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    /// The model uses it, or a part of it.
    Used,
    /// It is checked; no effect on a run yet.
    Later,
    /// It says nothing about what is simulated.
    Accepted,
}

/// What may stand in a field.
enum Kind {
    /// A string; of these, if any are named.
    String(Vec<&'static str>),
    /// A string in which templates are at home: scripts, policies, certificates.
    Text,
    Bool,
    Int,
    Number,
    Any,
    Object(&'static str),
    List(Box<Kind>),
    Named(Box<Kind>),
    /// A list of taints, or key: value:effect as in old files.
    Taints,
}

fn objects() -> BTreeMap<&'static str, Vec<Field>> {
    let mut objects: BTreeMap<&'static str, Vec<Field>> = BTreeMap::new();
    let mut current = "";
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let Some(row) = line.strip_prefix("  ") else {
            current = line;
            continue;
        };
        let mut columns = row.splitn(3, ' ');
        let mut column = || columns.next().expect("the table in the program is whole");
        let (name, class, kind) = (column(), Class::of_sign(column()), Kind::of_text(column()));
        objects.entry(current).or_default().push(Field { name, class, kind });
    }
    objects
}

impl Class {
    fn of_sign(sign: &str) -> Self {
        match sign {
            "=" => Class::Used,
            ">" => Class::Later,
            _ => Class::Accepted,
        }
    }
}

impl Kind {
    fn of_text(text: &'static str) -> Self {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Kind::List(Box::new(Kind::of_text(inner)));
        }
        if let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return Kind::Named(Box::new(Kind::of_text(inner)));
        }
        if let Some(names) = text.strip_prefix("string(").and_then(|rest| rest.strip_suffix(')')) {
            return Kind::String(names.split('|').collect());
        }
        match text {
            "string" => Kind::String(Vec::new()),
            "text" => Kind::Text,
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "number" => Kind::Number,
            "any" => Kind::Any,
            "taints" => Kind::Taints,
            object => Kind::Object(object),
        }
    }

    /// What is wanted, for messages.
    fn wanted(&self) -> &'static str {
        match self {
            Kind::String(_) | Kind::Text => "a string",
            Kind::Bool => "true or false, without quotes",
            Kind::Int => "a whole number, without quotes",
            Kind::Number => "a number, without quotes",
            Kind::Any => "anything",
            Kind::Object(_) | Kind::Named(_) => "a mapping (`name: value` lines)",
            Kind::List(_) => "a list (`- ...` lines)",
            Kind::Taints => "a list of taints (`- key: ...` lines)",
        }
    }
}

/// Walks over a ClusterConfig: unknown fields, wrong types, placeholders, and what the model does not use.
pub(super) fn check(root: &Node, findings: &mut Findings<'_>) {
    check_object(root, "ClusterConfig", "", true, findings);
}

/// `noting`: whether fields that the model does not use are to be listed; below one that is listed they are not.
fn check_object(node: &Node, object: &str, path: &str, noting: bool, findings: &mut Findings<'_>) {
    let fields = OBJECTS.get(object).map_or(&[][..], Vec::as_slice);
    for entry in node.entries() {
        if findings.is_full() {
            return;
        }
        let path = joined(path, &entry.key);
        let Some(field) = fields.iter().find(|field| field.name == entry.key) else {
            findings.error(entry.line, path, unknown(&entry.key, object, fields));
            continue;
        };
        if noting && field.class == Class::Later {
            findings.not_modelled(entry.line, path.as_str(), format!("read and checked; {}", later(&entry.key)));
        } else if noting && field.class == Class::Accepted {
            findings.not_modelled(entry.line, path.as_str(), "accepted; it has no effect on what is simulated");
        }
        let noting = noting && field.class == Class::Used;
        check_value(&entry.node, &field.kind, &path, noting, findings);
    }
}

/// What is missed while a field has no effect.
fn later(field: &str) -> &'static str {
    match field {
        "karpenter" => "no node is started by Karpenter yet, only node groups have nodes",
        "autoModeConfig" => "no node is started by Auto Mode yet, only node groups have nodes",
        "launchTemplate" => "what it holds is not in the file",
        _ => "it has no effect on a run yet",
    }
}

fn check_value(node: &Node, kind: &Kind, path: &str, noting: bool, findings: &mut Findings<'_>) {
    if node.is_null() {
        return;
    }
    let plain = !matches!(kind, Kind::Any | Kind::Text);
    if let Some(found) = node.text().filter(|_| plain).and_then(placeholder) {
        findings.error(node.line, path, format!("found the placeholder {found}; write the value itself"));
        return;
    }
    match (kind, &node.value) {
        (Kind::Any, _) | (Kind::Text, Value::Scalar { .. }) => {}
        (Kind::String(allowed), Value::Scalar { text, .. }) => check_name(text, allowed, node.line, path, findings),
        (Kind::Bool, _) if node.truth().is_some() => {}
        (Kind::Int, _) if node.integer().is_some() => {}
        (Kind::Number, _) if node.number().is_some() => {}
        (Kind::Object(object), Value::Map(_)) => check_object(node, object, path, noting, findings),
        (Kind::List(of), Value::List(_)) => {
            for (index, item) in node.items() {
                check_value(item, of, &format!("{path}[{index}]"), noting, findings);
            }
        }
        (Kind::Taints, Value::List(_)) => {
            let of = Kind::Object("NodeGroupTaint");
            for (index, item) in node.items() {
                check_value(item, &of, &format!("{path}[{index}]"), noting, findings);
            }
        }
        (Kind::Named(of), Value::Map(_)) => check_named(node, of, path, noting, findings),
        (Kind::Taints, Value::Map(_)) => check_named(node, &Kind::String(Vec::new()), path, noting, findings),
        _ => findings.error(node.line, path, format!("found {}; wanted is {}", node.shown(), kind.wanted())),
    }
}

fn check_named(node: &Node, of: &Kind, path: &str, noting: bool, findings: &mut Findings<'_>) {
    for entry in node.entries() {
        let path = joined(path, &entry.key);
        if let Some(found) = placeholder(&entry.key) {
            findings.error(entry.line, path, format!("found the placeholder {found}; write the name itself"));
            continue;
        }
        check_value(&entry.node, of, &path, noting, findings);
    }
}

/// A name outside a closed set changes nothing in a run, so it is passed on with a warning.
fn check_name(text: &str, allowed: &[&'static str], line: usize, path: &str, findings: &mut Findings<'_>) {
    let fits = allowed.iter().any(|name| name.eq_ignore_ascii_case(text));
    // What the model uses is checked where it is used, as an error.
    if allowed.is_empty()
        || fits
        || matches!(path, "apiVersion" | "kind" | "vpc.nat.gateway" | "kubernetesNetworkConfig.ipFamily")
    {
        return;
    }
    let near = did_you_mean(text, allowed.iter().copied());
    findings.warning(line, path, format!("found {}; eksctl knows {}{near}", shortened(text), allowed.join(", ")));
}

fn unknown(key: &str, object: &str, fields: &[Field]) -> String {
    if let Some(found) = placeholder(key) {
        return format!("found the placeholder {found} in place of a field; render the template first");
    }
    let names = || fields.iter().map(|field| field.name);
    if let Some(near) = nearest(key, names()) {
        return format!("unknown field; did you mean {near}");
    }
    let elsewhere = HOMES.iter().filter(|(home, _)| *home != object);
    let mut holders = elsewhere.filter(|(home, _)| OBJECTS[home].iter().any(|field| field.name == key));
    if let Some((_, home)) = holders.next() {
        return format!("unknown field here; it belongs to {home}");
    }
    let mut sorted: Vec<&str> = names().collect();
    sorted.sort_unstable();
    match sorted.len() {
        0..=14 => format!("unknown field; allowed are {}", sorted.join(", ")),
        _ => format!("unknown field; eksctl's schema of {object} has none that is near"),
    }
}

/// `vpc` and `cidr` make `vpc.cidr`.
pub(super) fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { shortened(key) } else { format!("{path}.{}", shortened(key)) }
}

/// A placeholder of a template that was left in: `${NAME}`, `{{ name }}`, `<name>`.
fn placeholder(text: &str) -> Option<String> {
    let between = |open: &str, close: &str| {
        let start = text.find(open)?;
        let length = text[start + open.len()..].find(close)?;
        Some(&text[start..start + open.len() + length + close.len()])
    };
    let angled = || {
        between("<", ">").filter(|found| found[1..].starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$'))
    };
    between("${", "}").or_else(|| between("{{", "}}")).or_else(angled).map(shortened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_whole_schema() {
        assert_eq!(OBJECTS["ClusterConfig"].len(), 31);
        // The schema's 422 properties, where an identity provider has OIDC's nine in place.
        assert_eq!(OBJECTS.values().map(Vec::len).sum::<usize>(), 422);
        fn object_of(kind: &Kind) -> Option<&'static str> {
            match kind {
                Kind::Object(name) => Some(name),
                Kind::List(of) | Kind::Named(of) => object_of(of),
                _ => None,
            }
        }
        for field in OBJECTS.values().flatten() {
            let object = object_of(&field.kind);
            assert!(object.is_none_or(|name| OBJECTS.contains_key(name)), "{} is of {object:?}", field.name);
        }
    }

    #[test]
    fn placeholders_are_told_from_text() {
        for (text, found) in [
            ("${CLUSTER_NAME}", Some("${CLUSTER_NAME}")),
            ("a-{{ name }}-b", Some("{{ name }}")),
            ("<your cluster>", Some("<your cluster>")),
            ("1 < 2 > 0", None),
            ("$HOME", None),
            ("{\"a\":{\"b\":{}}}", None),
        ] {
            assert_eq!(placeholder(text).as_deref(), found, "{text}");
        }
    }
}
