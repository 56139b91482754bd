//! Whatever the bytes: an answer or errors, no panic; and every error points into the file.

use super::data;
use proptest::prelude::*;
use scenarios::eksctl::parse;
use std::path::Path;

fn answers(text: &str) {
    match parse(Path::new("cluster.yaml"), text) {
        Ok(file) => {
            assert!(file.cluster.zones.len() >= 3);
            for group in &file.cluster.node_groups {
                assert!(group.min <= group.desired && group.desired <= group.max, "{group:?}");
                assert!(
                    !group.zones.is_empty() && group.zones.iter().all(|zone| zone.index() < file.cluster.zones.len())
                );
            }
        }
        Err(errors) => {
            let lines = text.split(['\n', '\r']).count() + 1; // a line of YAML may end with either
            assert!(!errors.0.is_empty() && errors.0.iter().all(|error| error.line <= lines), "{errors}");
            assert!(errors.0.windows(2).all(|pair| pair[0].line <= pair[1].line));
        }
    }
}

/// All example files, the own ones too.
fn examples() -> Vec<String> {
    let folders = [data(""), data("own")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"));
    let paths = files.map(|entry| entry.expect("readable").path());
    let mut texts: Vec<String> =
        paths.filter(|path| path.is_file()).filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    texts.sort();
    texts
}

#[test]
fn a_file_cut_off_anywhere_is_answered() {
    for text in examples() {
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)).step_by(7) {
            answers(&text[..end]);
        }
    }
}

#[test]
fn a_file_without_any_one_line_is_answered() {
    for text in examples() {
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let rest = lines.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, line)| *line);
            answers(&rest.collect::<Vec<_>>().join("\n"));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,400}") {
        answers(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        answers(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn yaml_like_noise_is_answered(text in "([-?:,\\[\\]{}#&*!|>'\"%@` \\n\\t~a-c0-9<$]{0,6}){0,60}") {
        answers(&text);
    }

    #[test]
    fn a_file_with_changed_places_is_answered(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[-\\PC\\n\\[\\]{}:&*~0-9]{0,4}", 0usize..6), 1..6),
    ) {
        let texts = examples();
        let mut text: Vec<char> = which.get(&texts).chars().collect();
        for (place, inserted, removed) in changes {
            let start = place.index(text.len().max(1)).min(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        answers(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_file_with_another_value_is_answered(
        which in any::<prop::sample::Index>(),
        line in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "null", "-1", "1e99", "[]", "{}", "\"\"", "99999999999999999999", "0.5", "true", "[null]", "{a: b}", "- a", "eu-west-1a",
            "${X}", "*x", "&x 1", "!Ref x", "subnet-1", "us-west-2-lax-1a", "m5.large", "| x", "'", "1.3",
        ]),
    ) {
        let texts = examples();
        let mut lines: Vec<String> = which.get(&texts).lines().map(str::to_owned).collect();
        let index = line.index(lines.len());
        if let Some((key, _)) = lines[index].clone().split_once(": ") {
            lines[index] = format!("{key}: {value}");
        }
        answers(&lines.join("\n"));
    }
}
