//! A TOML text as a tree whose every part knows its line, in the order of the file.

use toml::de::{DeTable, DeValue};

/// A value and the line where it stands, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The line of the value; of a table, the line of its header or of its first key.
    pub line: usize,
    /// The value.
    pub node: Node,
}

/// A TOML value. Numbers keep the user's spelling, so that `0.3` stays exact.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(String),
    Integer(String),
    Float(String),
    Flag(bool),
    Date(String),
    List(Vec<Item>),
    Table(Vec<Entry>),
}

/// A key of a table with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    /// The line of the key.
    pub line: usize,
    pub item: Item,
}

/// A text that is not TOML: the line (0 if it is the whole text), and why.
#[derive(Debug)]
pub(crate) struct NotToml {
    pub line: usize,
    pub why: String,
}

/// Reads a text.
///
/// # Errors
/// The first place where the text is not TOML.
pub(crate) fn parse(text: &str) -> Result<Item, NotToml> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Item { line: 1, node: lines.table(table.into_inner()) }),
        Err(error) => {
            let why = error.message().lines().collect::<Vec<_>>().join(", ");
            let Some(span) = error.span() else { return Err(NotToml { line: 0, why }) };
            let rest = text.get(span.start..).and_then(|rest| rest.lines().next()).unwrap_or("").trim();
            let why = if rest.is_empty() { why } else { format!("{why}, at {}", quoted(rest)) };
            Err(NotToml { line: lines.at(span.start), why })
        }
    }
}

impl Node {
    /// What a user would call the value: `the text "a"`, `a list`.
    pub fn describe(&self) -> String {
        match self {
            Node::Text(text) => format!("the text {}", quoted(text)),
            Node::Integer(number) | Node::Float(number) => format!("the number {}", shortened(number)),
            Node::Flag(flag) => flag.to_string(),
            Node::Date(date) => format!("the date {date}"),
            Node::List(_) => "a list".to_owned(),
            Node::Table(_) => "a table".to_owned(),
        }
    }
}

/// A user's text in quotes, on one line, and not longer than a reader wants it.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

/// A user's text, cut after 60 letters.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Where the lines of a text begin.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Lines {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line of a byte offset, from 1.
    fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn table(&self, table: DeTable<'_>) -> Node {
        let mut entries: Vec<(usize, Entry)> = table
            .into_iter()
            .map(|(key, value)| {
                let start = key.span().start;
                let item = self.item(value.span().start, value.into_inner());
                (start, Entry { line: self.at(start), key: key.into_inner().into_owned(), item })
            })
            .collect();
        entries.sort_by_key(|(start, _)| *start);
        Node::Table(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    fn item(&self, start: usize, value: DeValue<'_>) -> Item {
        let node = match value {
            DeValue::String(text) => Node::Text(text.into_owned()),
            DeValue::Integer(number) => Node::Integer(decimal(number.as_str(), number.radix())),
            DeValue::Float(number) => Node::Float(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Node::Flag(flag),
            DeValue::Datetime(date) => Node::Date(date.to_string()),
            DeValue::Array(items) => Node::List(
                items
                    .into_iter()
                    .map(|item| {
                        let start = item.span().start;
                        self.item(start, item.into_inner())
                    })
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table),
        };
        Item { line: self.at(start), node }
    }
}

/// An integer's digits in base ten; what does not fit stays as it was written, and is refused later as out of range.
fn decimal(digits: &str, radix: u32) -> String {
    if radix == 10 {
        return digits.strip_prefix('+').unwrap_or(digits).to_owned();
    }
    u64::from_str_radix(digits, radix).map_or_else(|_| digits.to_owned(), |number| number.to_string())
}
