//! Text that came from users: made harmless for terminals and for XML, and measured in terminal columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text without characters that steer a terminal, are not allowed in XML, or turn the direction of writing: each
/// becomes `�`; tabs and line ends become a space.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The text as it may stand in XML, in an element or a quoted attribute.
pub fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Terminal columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to so many columns, with `…` if something was cut.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.truncate(kept.trim_end().len());
        kept.push('…');
    }
    kept
}

/// The text broken between words into lines of so many columns; a longer word has a line of its own.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_a_terminal_or_leave_its_element() {
        assert_eq!(harmless("a\u{1b}[31mb\r\n\u{202e}c"), "a\u{fffd}[31mb  \u{fffd}c");
        assert_eq!(xml("<script>\"x\" & 'y'"), "&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;");
    }

    #[test]
    fn columns_are_counted_as_terminals_count_them() {
        assert_eq!(width("東京"), 4);
        assert_eq!(cut("東京 node", 6), "東京…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
