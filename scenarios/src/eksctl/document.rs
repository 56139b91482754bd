//! YAML as written: a tree whose every node knows its line, and whose scalars keep their source text (`1.30` stays
//! `1.30`). Anchors, aliases and merge keys are resolved; a repeated key is an error, as it is for eksctl.

use crate::problem::{InputError, InputErrors};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::BTreeMap;
use std::path::Path;

/// Most nodes of one file with all aliases resolved: what stops a small file that unfolds to gigabytes.
const NODES_MAX: usize = 200_000;
/// Deepest nesting with all aliases resolved: far beyond any real file, and safe for recursion.
const DEPTH_MAX: usize = 100;

/// A value and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A scalar's text; `plain` if it was not quoted, so that it may also be a number, a truth value or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub line: usize,
    pub node: Node,
}

impl Node {
    /// Whether it is null: nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The entry of a key, unless its value is null: for eksctl, null is the same as a field left out.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key && !entry.node.is_null())
    }

    /// The entries of a mapping; nothing for all else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list that are not null, with their places in the list; nothing for all else.
    pub fn items(&self) -> impl Iterator<Item = (usize, &Node)> {
        let items: &[Node] = match &self.value {
            Value::List(items) => items,
            _ => &[],
        };
        items.iter().enumerate().filter(|(_, item)| !item.is_null())
    }

    /// The text of a scalar that is not null.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// The string that eksctl's reader makes of a scalar where a string is wanted: `yes` without quotes is a truth value
    /// first, and becomes `true`.
    pub fn as_string(&self) -> String {
        match self.truth() {
            Some(truth) => truth.to_string(),
            None => self.text().unwrap_or_default().to_owned(),
        }
    }

    /// A truth value, in YAML 1.1's spellings, which eksctl's reader takes.
    pub fn truth(&self) -> Option<bool> {
        let Value::Scalar { text, plain: true } = &self.value else { return None };
        match text.as_str() {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Some(false),
            _ => None,
        }
    }

    /// A whole number that is not quoted, in YAML 1.1's spellings, which eksctl's reader takes: `1_000`, `0x10`, `0b11`,
    /// `0o17`, `017` (octal), and also `2.0` and `2e3`.
    pub fn integer(&self) -> Option<i64> {
        let Value::Scalar { text, plain: true } = &self.value else { return None };
        let plain = text.replace('_', "");
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
        };
        let radices = [("0x", 16), ("0b", 2), ("0o", 8), ("0", 8)];
        let in_radix = |(prefix, radix): &(&str, u32)| {
            let digits = digits.strip_prefix(*prefix).filter(|digits| !digits.starts_with(['+', '-']))?;
            i64::from_str_radix(digits, *radix).ok()
        };
        let whole = digits.starts_with(|c: char| c.is_ascii_digit()).then(|| {
            let of_radix = radices.iter().find_map(in_radix);
            of_radix.or_else(|| digits.parse().ok()).or_else(|| whole_float(digits))
        });
        whole.flatten().map(|number| sign * number)
    }

    /// A number that is not quoted.
    pub fn number(&self) -> Option<f64> {
        let Value::Scalar { text, plain: true } = &self.value else { return None };
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// What it is, for messages: `a list`, `"two"`.
    pub fn shown(&self) -> String {
        match &self.value {
            _ if self.is_null() => "nothing".to_owned(),
            Value::Scalar { text, plain: true } => shortened(text),
            Value::Scalar { text, .. } => format!("\"{}\"", shortened(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// `2.0` and `2e3`, as far as every whole number has a float of its own.
fn whole_float(text: &str) -> Option<i64> {
    let number = text.parse::<f64>().ok()?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// At most 60 characters of one line.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && line.chars().count() <= 60 {
        return line.to_owned();
    }
    let start: String = line.chars().take(57).collect();
    format!("{start}...")
}

/// The documents of a file, empty ones left out, and an error for every repeated key.
pub(super) struct Documents {
    pub roots: Vec<Node>,
    pub repeated: Vec<InputError>,
}

/// Reads all documents of a text.
///
/// # Errors
/// The first thing that is not YAML, or that an eksctl file cannot have at all.
pub(super) fn documents(file: &Path, text: &str) -> Result<Documents, InputErrors> {
    let mut builder = Builder::new(file);
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| not_yaml(file, text, error.marker().line(), &error.info()))?;
        builder.take(event, span)?;
    }
    Ok(Documents { roots: builder.roots, repeated: builder.repeated })
}

fn not_yaml(file: &Path, text: &str, line: usize, reason: &str) -> InputError {
    let line = line.max(1);
    let source = text.lines().nth(line - 1).unwrap_or_default();
    if source.contains("{{") || source.contains("{%") {
        let problem = format!("found the template {}; a template must be rendered first", shortened(source.trim()));
        return InputError::new(file, line, "", problem);
    }
    let tab = source.trim_start_matches(' ').starts_with('\t');
    let hint = if tab { "; the line begins with a tab, YAML is indented with spaces" } else { "" };
    InputError::new(file, line, "", format!("not YAML: {reason}{hint}"))
}

/// A collection whose end has not come yet.
struct Open {
    line: usize,
    anchor: usize,
    /// How deep its deepest item nests.
    height: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map(OpenMap),
}

/// A mapping so far.
#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// The line of each key.
    lines: BTreeMap<String, usize>,
    /// What `<<` brings.
    merged: Vec<Entry>,
    /// The key whose value comes next, and its line.
    key: Option<(String, usize)>,
}

/// A node that an anchor names.
struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Builder<'a> {
    file: &'a Path,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    roots: Vec<Node>,
    repeated: Vec<InputError>,
}

impl<'a> Builder<'a> {
    fn new(file: &'a Path) -> Self {
        Builder { file, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, roots: Vec::new(), repeated: Vec::new() }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), InputError> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.as_ref().map(|tag| self.check_tag(tag, line)).transpose()?;
                let plain = matches!(style, ScalarStyle::Plain) && tagged != Some(Tagged::Text);
                let node = Node { line, value: Value::Scalar { text: text.into_owned(), plain } };
                self.finish(node, anchor, 0)
            }
            Event::SequenceStart(_, anchor, tag) => {
                tag.as_ref().map(|tag| self.check_tag(tag, line)).transpose()?;
                self.begin(line, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                tag.as_ref().map(|tag| self.check_tag(tag, line)).transpose()?;
                self.begin(line, anchor, Items::Map(OpenMap::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("only what has begun ends");
                let value = match open.items {
                    Items::List(items) => Value::List(items),
                    Items::Map(map) => Value::Map(map.finished()),
                };
                self.finish(Node { line: open.line, value }, open.anchor, open.height + 1)
            }
            Event::Alias(anchor) => self.alias(anchor, line),
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, items: Items) -> Result<(), InputError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.error(line, format!("nested more than {DEPTH_MAX} levels deep")));
        }
        self.open.push(Open { line, anchor, height: 0, items });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<(), InputError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.error(line, "the alias stands inside of what its anchor names".to_owned()));
        };
        let (nodes, height) = (anchored.nodes, anchored.height);
        if self.nodes + nodes > NODES_MAX {
            return Err(self.error(line, format!("its aliases unfold to more than {NODES_MAX} values")));
        }
        if self.open.len() + height > DEPTH_MAX {
            return Err(self.error(line, format!("nested more than {DEPTH_MAX} levels deep")));
        }
        let node = anchored.node.clone();
        self.nodes += nodes;
        self.place(node, height, line)
    }

    /// A node is complete: it is kept under its anchor, and goes to where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, height: usize) -> Result<(), InputError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.error(node.line, format!("more than {NODES_MAX} values")));
        }
        let line = node.line;
        if anchor > 0 {
            let kept = Anchored { node: node.clone(), nodes: count(&node), height };
            self.anchors.insert(anchor, kept);
        }
        self.place(node, height, line)
    }

    fn place(&mut self, node: Node, height: usize, line: usize) -> Result<(), InputError> {
        let Some(open) = self.open.last_mut() else {
            if !node.is_null() {
                self.roots.push(node);
            }
            return Ok(());
        };
        open.height = open.height.max(height);
        match &mut open.items {
            Items::List(items) => items.push(node),
            Items::Map(map) => match map.key.take() {
                None => {
                    let Value::Scalar { text, .. } = node.value else { return Err(self.complex_key(line)) };
                    map.key = Some((text, line));
                }
                Some((name, _)) if name == "<<" => map.merge(node),
                Some((key, line)) => {
                    if let Some(earlier) = map.lines.insert(key.clone(), line) {
                        let problem = format!("written twice, first on line {earlier}; write it once");
                        self.repeated.push(InputError::new(self.file, line, key.as_str(), problem));
                    }
                    map.entries.push(Entry { key, line, node });
                }
            },
        }
        Ok(())
    }

    fn check_tag(&self, tag: &granit_parser::Tag, line: usize) -> Result<Tagged, InputError> {
        match tag.core_suffix() {
            Some("str") => Ok(Tagged::Text),
            Some(_) => Ok(Tagged::Other),
            None if tag.suffix().is_empty() => Ok(Tagged::Text),
            None => {
                let shown = tag.original();
                Err(self
                    .error(line, format!("found the tag {shown}; eksctl files are plain YAML, write the value itself")))
            }
        }
    }

    fn complex_key(&self, line: usize) -> InputError {
        let problem = "found a mapping or list as a key; a name is wanted (is it a {{ }} placeholder left in?)";
        self.error(line, problem.to_owned())
    }

    fn error(&self, line: usize, problem: String) -> InputError {
        InputError::new(self.file, line, "", problem)
    }
}

/// What a tag of YAML's own says about a scalar.
#[derive(Clone, Copy, PartialEq)]
enum Tagged {
    Text,
    Other,
}

/// Nodes of a tree.
fn count(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| count(&entry.node)).sum::<usize>(),
    }
}

impl OpenMap {
    /// Takes what `<<` brings: a mapping, or a list of them.
    fn merge(&mut self, node: Node) {
        let maps = match node.value {
            Value::List(items) => items,
            _ => vec![node],
        };
        for map in maps {
            if let Value::Map(entries) = map.value {
                self.merged.extend(entries);
            }
        }
    }

    /// The mapping's own entries, and those merged into it that it does not have yet: the first to have a key wins.
    fn finished(mut self) -> Vec<Entry> {
        for entry in self.merged {
            if self.lines.insert(entry.key.clone(), entry.line).is_none() {
                self.entries.push(entry);
            }
        }
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Node>, String> {
        let documents = documents(Path::new("f.yaml"), text).map_err(|errors| errors.to_string())?;
        match documents.repeated.first() {
            Some(repeated) => Err(repeated.to_string()),
            None => Ok(documents.roots),
        }
    }

    fn one(text: &str) -> Node {
        let mut nodes = read(text).expect("valid");
        assert_eq!(nodes.len(), 1, "{text}");
        nodes.remove(0)
    }

    #[test]
    fn scalars_keep_their_text_and_their_line() {
        let node = one("a: 1.30\nb:\n  - \"2\"\n  -\n  - yes\n");
        let a = node.get("a").expect("given");
        assert_eq!((a.line, a.node.text()), (1, Some("1.30")));
        let items: Vec<_> = node.get("b").expect("given").node.items().collect();
        assert_eq!(items.len(), 2, "null stands for nothing");
        assert_eq!((items[0].0, items[0].1.line, items[0].1.integer()), (0, 3, None));
        assert_eq!((items[1].0, items[1].1.truth()), (2, Some(true)));
    }

    #[test]
    fn whole_numbers_are_read_as_eksctl_reads_them() {
        for (text, number) in [
            ("3", Some(3)),
            ("+3", Some(3)),
            ("-3", Some(-3)),
            ("1_000", Some(1_000)),
            ("0x10", Some(16)),
            ("0b11", Some(3)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("0", Some(0)),
            ("2.0", Some(2)),
            ("3e0", Some(3)),
            ("2.5", None),
            ("\"3\"", None),
            ("0x", None),
            ("0-1", None),
            ("--1", None),
            (".inf", None),
            ("nan", None),
            ("9223372036854775808", None),
            ("1e400", None),
        ] {
            assert_eq!(one(&format!("a: {text}")).get("a").and_then(|a| a.node.integer()), number, "{text}");
        }
    }

    #[test]
    fn anchors_aliases_and_merges_are_resolved() {
        let node = one("base: &b {x: 1, y: 2}\nall:\n  <<: *b\n  y: 3\nsame: *b\n");
        let all = &node.get("all").expect("given").node;
        assert_eq!(all.get("x").and_then(|entry| entry.node.integer()), Some(1));
        assert_eq!(all.get("y").and_then(|entry| entry.node.integer()), Some(3));
        assert_eq!(node.get("same").map(|entry| entry.node.entries().len()), Some(2));
    }

    #[test]
    fn several_documents_and_json_are_read() {
        assert_eq!(read("---\na: 1\n---\n---\nb: 2\n").map(|nodes| nodes.len()), Ok(2));
        assert_eq!(one("{\"a\": [1, null]}").get("a").map(|entry| entry.node.items().count()), Some(1));
        assert_eq!(read("# nothing\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, message) in [
            ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: written twice, first on line 1; write it once"),
            ("a: {{ name }}\n", "f.yaml:1: found a mapping or list as a key"),
            ("{% if x %}\na: 1\n", "f.yaml:1: found the template {% if x %}"),
            ("a: 1\nb: !Ref x\n", "f.yaml:2: found the tag !Ref"),
            ("a: [1\nb: 2\n", "f.yaml:2: not YAML: "),
            ("a:\n\tb: 1\n", "f.yaml:2: not YAML: "),
        ] {
            let told = read(text).expect_err(text);
            assert!(told.starts_with(message), "{text}: {told}");
        }
    }

    #[test]
    fn a_small_file_that_unfolds_to_much_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read(&text).expect_err("too much").contains("unfold"));
        let deep = format!("a: {}{}", "[".repeat(150), "]".repeat(150));
        assert!(read(&deep).expect_err("too deep").contains("nested"));
    }
}
