//! Checks a tree against the format: every unknown key, missing key and wrong type is noted, and what is right is kept
//! as typed fields.

use super::format::{Absent, Key, Kind, STEP, Shape};
use super::quantity::{parse_cpu, parse_memory};
use super::tree::{Entry, Item, Node, quoted, shortened};
use crate::problem::{InputError, InputErrors, did_you_mean, nearest};
use sim_eks::quantity::parse_duration;
use sim_kernel::SimDuration;
use std::path::{Path, PathBuf};

/// All that is found wrong with one file.
#[derive(Debug)]
pub(crate) struct Errors {
    file: PathBuf,
    found: Vec<InputError>,
    /// Errors beyond [`ERRORS_MAX`], not kept.
    more: usize,
}

/// Most errors that are told of one request: nobody reads more, and noise would fill the memory.
const ERRORS_MAX: usize = 100;

/// Most tables in a list: far beyond any cluster, and few enough to compare each with each.
const TABLES_MAX: usize = 10_000;

impl Errors {
    pub fn new(file: &Path) -> Errors {
        Errors { file: file.to_owned(), found: Vec::new(), more: 0 }
    }

    /// Notes an error at a line (0 is the whole file) and a field (may be empty).
    pub fn add(&mut self, line: usize, field: impl Into<String>, problem: impl Into<String>) {
        self.keep(InputError::new(&self.file, line, field, problem));
    }

    /// Notes an error of another place, such as `--set`.
    pub fn add_for(&mut self, file: &Path, line: usize, field: impl Into<String>, problem: impl Into<String>) {
        self.keep(InputError::new(file, line, field, problem));
    }

    /// Notes the errors of another file.
    pub fn adopt(&mut self, others: InputErrors) {
        others.0.into_iter().for_each(|error| self.keep(error));
    }

    /// Whether no further error is kept, so that its hint need not be looked for.
    fn are_full(&self) -> bool {
        self.found.len() >= ERRORS_MAX
    }

    fn keep(&mut self, error: InputError) {
        // Variants read the scenario's own parameters again.
        if self.found.contains(&error) {
            return;
        }
        if self.are_full() { self.more += 1 } else { self.found.push(error) }
    }

    /// All that was noted, if anything was.
    pub fn into_result<T>(self, value: T) -> Result<T, InputErrors> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let mut errors = InputErrors::new(self.found);
        if self.more > 0 {
            errors.0.push(InputError::new(&self.file, 0, "", format!("and {} more errors", self.more)));
        }
        Err(errors)
    }

    /// The file's own name, for origins and notes.
    pub fn file_name(&self) -> String {
        self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A value as its key's kind wants it.
#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Count(u64),
    Flag(bool),
    Duration(SimDuration),
    Texts(Vec<Placed>),
    Leaves(Vec<Leaf>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// A text and its line.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub line: usize,
    pub text: String,
}

/// A plain value below nested tables or dotted keys.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub line: usize,
    /// The path, joined by dots.
    pub path: String,
    /// The value as text.
    pub text: String,
}

/// The fields of one table that are of the right type.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// The line of the table.
    pub line: usize,
    /// The table's path, `cluster.node_groups[0]`; empty for the file.
    pub path: String,
    /// What its `kind` names, where it has variants; else empty.
    pub variant: &'static str,
    present: Vec<(&'static str, usize, Value)>,
    /// Keys that are absent and have their default.
    filled: Vec<&'static str>,
    /// Keys that are there but wrong, or missing where they must be there.
    spoilt: Vec<&'static str>,
}

macro_rules! getter {
    ($(#[$doc:meta])+ $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])+
        pub fn $name(&self, key: &str) -> Option<&$type> {
            match self.value(key) {
                Some(Value::$variant(value)) => Some(value),
                _ => None,
            }
        }
    };
}

impl Fields {
    getter! {
        /// The text of a key, if it is there.
        text, Text, String
    }
    getter! {
        /// The count of a key, also of CPU (thousandths of a core) and memory (MiB), if it is there.
        count, Count, u64
    }
    getter! {
        /// The flag of a key, if it is there.
        flag, Flag, bool
    }
    getter! {
        /// The duration of a key, if it is there.
        duration, Duration, SimDuration
    }
    getter! {
        /// The texts of a key, if it is there.
        texts, Texts, Vec<Placed>
    }
    getter! {
        /// The plain values below a key, if it is there.
        leaves, Leaves, Vec<Leaf>
    }
    getter! {
        /// The table of a key, if it is there.
        table, Table, Fields
    }
    getter! {
        /// The tables of a key, if it is there.
        tables, Tables, Vec<Fields>
    }

    /// Whether the key was written, rightly or wrongly.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some() && !self.filled.contains(&key) || self.spoilt.contains(&key)
    }

    /// Whether the key was written wrongly, or is missing where it must be there: an error says so already.
    pub fn is_spoilt(&self, key: &str) -> bool {
        self.spoilt.contains(&key)
    }

    /// The line of a key, or of the table if the key is absent.
    pub fn line_of(&self, key: &str) -> usize {
        self.present.iter().find(|(name, _, _)| *name == key).map_or(self.line, |(_, line, _)| *line)
    }

    /// The path of a key.
    pub fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.present.iter().find(|(name, _, _)| *name == key).map(|(_, _, value)| value)
    }
}

/// Checks one table against its shape.
pub(crate) fn check(item: &Item, shape: &'static Shape, path: &str, errors: &mut Errors) -> Fields {
    check_with(item, shape, &[], path, None, errors)
}

/// Checks one table against its shape and `more` keys; the key `tag` has been read before.
fn check_with(
    item: &Item,
    shape: &'static Shape,
    more: &'static [Key],
    path: &str,
    tag: Option<&str>,
    errors: &mut Errors,
) -> Fields {
    let keys = || shape.keys.iter().chain(more);
    let mut fields = Fields { line: item.line, path: path.to_owned(), ..Fields::default() };
    let Node::Table(entries) = &item.node else {
        errors.add(item.line, path, format!("found {}; a table is wanted", item.node.describe()));
        fields.spoilt.extend(shape.names());
        return fields;
    };
    for entry in entries.iter().filter(|entry| Some(entry.key.as_str()) != tag) {
        let field = fields.field(&shortened(&entry.key));
        let Some(key) = keys().find(|key| key.name == entry.key) else {
            let meant = if errors.are_full() { None } else { nearest(&entry.key, keys().map(|key| key.name)) };
            errors.add(entry.line, field, unknown_key(meant, shape));
            // Whoever misspells a key does not lack it as well.
            fields.spoilt.extend(meant);
            continue;
        };
        match read(&entry.item, key, &field, errors) {
            Some(value) => fields.present.push((key.name, entry.line, value)),
            None => fields.spoilt.push(key.name),
        }
    }
    for key in keys() {
        if !fields.has(key.name) {
            fill_in(&mut fields, key, errors);
        }
    }
    fields
}

/// Fills in the default of an absent key, or notes that the key is missing.
fn fill_in(fields: &mut Fields, key: &'static Key, errors: &mut Errors) {
    match key.absent {
        Absent::Then(_) => {}
        Absent::Refused => {
            errors.add(fields.line, fields.field(key.name), format!("is missing: {}", key.about.trim_end_matches('.')));
            fields.spoilt.push(key.name);
        }
        Absent::Default(text) => {
            let node = match key.kind {
                Kind::Count(..) => Node::Integer(text.to_owned()),
                Kind::Flag => Node::Flag(text == "true"),
                Kind::Table(_) => Node::Table(Vec::new()),
                _ => Node::Text(text.to_owned()),
            };
            let item = Item { line: fields.line, node };
            let value = read(&item, key, key.name, errors).expect("a declared default is valid (tested)");
            fields.present.push((key.name, fields.line, value));
            fields.filled.push(key.name);
        }
    }
}

fn unknown_key(meant: Option<&str>, shape: &Shape) -> String {
    match meant {
        Some(meant) => format!("there is no such key; did you mean {meant}"),
        None => format!("there is no such key; allowed: {}", shape.names().collect::<Vec<_>>().join(", ")),
    }
}

/// Reads one value; `None` after an error.
fn read(item: &Item, key: &Key, field: &str, errors: &mut Errors) -> Option<Value> {
    match (&key.kind, &item.node) {
        (Kind::Texts, Node::List(items)) => texts(items, field, errors).map(Value::Texts),
        (Kind::TextMap, Node::Table(entries)) => text_map(entries, field, errors).map(Value::Leaves),
        (Kind::Counts, Node::Table(entries)) => count_map(entries, field, errors).map(Value::Leaves),
        (Kind::Table(shape) | Kind::PathOrTable(shape), Node::Table(_)) => {
            Some(Value::Table(check(item, shape, field, errors)))
        }
        (Kind::Tables(_) | Kind::Variants(_), Node::List(items)) if items.len() > TABLES_MAX => {
            errors.add(item.line, field, format!("holds {} tables; allowed are {TABLES_MAX}", items.len()));
            None
        }
        (Kind::Tables(shape), Node::List(items)) => {
            let tables = items.iter().enumerate();
            let tables = tables.map(|(index, item)| check(item, shape, &format!("{field}[{index}]"), errors));
            Some(Value::Tables(tables.collect()))
        }
        (Kind::Variants(variants), Node::List(items)) => {
            let tables = items.iter().enumerate();
            let tables =
                tables.filter_map(|(index, item)| variant(item, variants, &format!("{field}[{index}]"), errors));
            Some(Value::Tables(tables.collect()))
        }
        (Kind::Parameters | Kind::Objectives, Node::Table(entries)) => {
            let mut leaves = Vec::new();
            collect_leaves(entries, "", &mut leaves, field, errors);
            Some(Value::Leaves(leaves))
        }
        (kind, node) => scalar(kind, node).map_err(|problem| errors.add(item.line, field, problem)).ok(),
    }
}

/// Reads a value that holds no others; the error says what was found and what is wanted.
fn scalar(kind: &Kind, node: &Node) -> Result<Value, String> {
    let found = |text: &str, wanted: &str| format!("found {}; wanted is {wanted}", quoted(text));
    match (kind, node) {
        (Kind::Text | Kind::PathOrTable(_), Node::Text(text)) => {
            plain_text(text).map(Value::Text).ok_or_else(|| found(text, "a text that is not empty"))
        }
        (Kind::Count(low, high), Node::Integer(number)) => {
            let count = number.replace('_', "").parse().ok().filter(|count| (*low..=*high).contains(count));
            count.map(Value::Count).ok_or_else(|| format!("found {}; allowed is {low} to {high}", shortened(number)))
        }
        (Kind::Flag, Node::Flag(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Duration, Node::Text(text)) => {
            parse_duration(text).map(Value::Duration).map_err(|wanted| found(text, &wanted))
        }
        (Kind::Cpu, Node::Text(text) | Node::Integer(text) | Node::Float(text)) => {
            parse_cpu(text).map(Value::Count).map_err(|wanted| found(text, &wanted))
        }
        (Kind::Memory, Node::Text(text)) => memory(text).map(Value::Count),
        (Kind::OneOf(words), Node::Text(text)) => {
            let known = words.iter().find(|word| *word == text);
            known.map(|word| Value::Text((*word).to_owned())).ok_or_else(|| not_one_of(text, words.iter().copied()))
        }
        (kind, node) => Err(format!("found {}; wanted is {}", node.describe(), wanted(kind))),
    }
}

/// A text without space around it, on one line; `None` if nothing is left.
fn plain_text(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// An amount of memory for a pod; a bare number of bytes below a MiB is a forgotten unit.
fn memory(text: &str) -> Result<u64, String> {
    let mib = parse_memory(text).map_err(|why| format!("found {}; wanted is {why}", quoted(text)))?;
    if mib == 1 && text.trim().parse::<u64>().is_ok() {
        return Err(format!("found {}, a few bytes; did you mean {}Mi", quoted(text), text.trim()));
    }
    Ok(mib)
}

/// `found X; did you mean Y`, or all that is allowed.
pub(crate) fn not_one_of<'a>(found: &str, allowed: impl Iterator<Item = &'a str> + Clone) -> String {
    let hint = did_you_mean(found, allowed.clone());
    if hint.is_empty() {
        return format!("found {}; allowed: {}", quoted(found), allowed.collect::<Vec<_>>().join(", "));
    }
    format!("found {}{hint}", quoted(found))
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "a text in quotes",
        Kind::Count(..) => "a whole number, without quotes",
        Kind::Flag => "true or false, without quotes",
        Kind::Duration => "a duration in quotes, with its unit, such as \"30s\", \"8m30s\" or \"PT30M\"",
        Kind::Cpu => "an amount of CPU such as \"250m\" or 0.5",
        Kind::Memory => "an amount of memory in quotes, with its unit, such as \"256Mi\" or \"2Gi\"",
        Kind::Texts => "a list of texts, such as [\"a\", \"b\"]",
        Kind::TextMap => "a table of texts, such as { role = \"web\" }",
        Kind::Counts => "a table of whole numbers, such as { private-eu-west-1a = 10 }",
        Kind::OneOf(_) => "a word in quotes",
        Kind::Table(_) | Kind::Parameters | Kind::Objectives => "a table",
        Kind::Tables(_) | Kind::Variants(_) => "a list of tables, each under a header in double brackets",
        Kind::PathOrTable(_) => "the path of an eksctl file in quotes, or a table",
    }
}

fn texts(items: &[Item], field: &str, errors: &mut Errors) -> Option<Vec<Placed>> {
    let mut read = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match &item.node {
            Node::Text(text) if plain_text(text).is_some() => {
                read.push(Placed { line: item.line, text: plain_text(text).unwrap_or_default() });
            }
            node => errors.add(
                item.line,
                format!("{field}[{index}]"),
                format!("found {}; a text is wanted", node.describe()),
            ),
        }
    }
    (read.len() == items.len()).then_some(read)
}

fn text_map(entries: &[Entry], field: &str, errors: &mut Errors) -> Option<Vec<Leaf>> {
    let mut leaves = Vec::with_capacity(entries.len());
    for entry in entries {
        match &entry.item.node {
            Node::Text(text) => leaves.push(Leaf { line: entry.line, path: entry.key.clone(), text: text.clone() }),
            Node::Table(_) => errors.add(
                entry.line,
                format!("{field}.{}", shortened(&entry.key)),
                "found a table; a text is wanted (put quotes around a name that has dots)",
            ),
            node => {
                let problem = format!("found {}; a text in quotes is wanted", node.describe());
                errors.add(entry.line, format!("{field}.{}", shortened(&entry.key)), problem);
            }
        }
    }
    (leaves.len() == entries.len()).then_some(leaves)
}

fn count_map(entries: &[Entry], field: &str, errors: &mut Errors) -> Option<Vec<Leaf>> {
    let mut leaves = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Node::Integer(number) = &entry.item.node {
            leaves.push(Leaf { line: entry.line, path: entry.key.clone(), text: number.replace('_', "") });
            continue;
        }
        let problem = format!("found {}; a whole number without quotes is wanted", entry.item.node.describe());
        errors.add(entry.line, format!("{field}.{}", shortened(&entry.key)), problem);
    }
    (leaves.len() == entries.len()).then_some(leaves)
}

/// Reads a table whose `kind` says which keys it has.
fn variant(
    item: &Item,
    variants: &'static [(&'static str, &'static Shape)],
    path: &str,
    errors: &mut Errors,
) -> Option<Fields> {
    let Node::Table(entries) = &item.node else {
        errors.add(item.line, path, format!("found {}; a table is wanted", item.node.describe()));
        return None;
    };
    let names = variants.iter().map(|(name, _)| *name);
    let Some(kind) = entries.iter().find(|entry| entry.key == "kind") else {
        let allowed = names.collect::<Vec<_>>().join(", ");
        errors.add(item.line, format!("{path}.kind"), format!("is missing; allowed: {allowed}"));
        return None;
    };
    let Node::Text(word) = &kind.item.node else {
        let allowed = names.collect::<Vec<_>>().join(", ");
        let problem = format!("found {}; allowed: {allowed}", kind.item.node.describe());
        errors.add(kind.line, format!("{path}.kind"), problem);
        return None;
    };
    let Some((name, shape)) = variants.iter().find(|(name, _)| name == word) else {
        errors.add(kind.line, format!("{path}.kind"), not_one_of(word, names));
        return None;
    };
    let mut fields = check_with(item, shape, STEP, path, Some("kind"), errors);
    fields.variant = name;
    Some(fields)
}

/// The plain values below nested tables, with their paths. A list of texts counts as one value, joined by commas.
fn collect_leaves(entries: &[Entry], above: &str, leaves: &mut Vec<Leaf>, field: &str, errors: &mut Errors) {
    for entry in entries {
        let path = if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
        let text = match &entry.item.node {
            Node::Table(entries) => {
                collect_leaves(entries, &path, leaves, field, errors);
                continue;
            }
            Node::Text(text) | Node::Date(text) => text.clone(),
            Node::Integer(number) | Node::Float(number) => number.replace('_', ""),
            Node::Flag(flag) => flag.to_string(),
            Node::List(items) => match texts(items, &format!("{field}.{path}"), errors) {
                Some(texts) => texts.into_iter().map(|placed| placed.text).collect::<Vec<_>>().join(","),
                None => continue,
            },
        };
        leaves.push(Leaf { line: entry.line, path, text });
    }
}
