//! Words as a shell reads them, for command lines that people copy.

/// Joins words to a command line that a POSIX shell splits into the same words.
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["ekssim", "--set", "a.b=uniform(1s, 2s)", "it's", ""];
        assert_eq!(line(words), r"ekssim --set 'a.b=uniform(1s, 2s)' 'it'\''s' ''");
    }
}
