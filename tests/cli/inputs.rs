//! What users bring: eksctl's own examples run or are refused at a line, and whatever is wrong ends in one clear error.

use crate::support::Place;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a directory of `scenarios/tests/data`, by name.
fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/tests/data").join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ["toml", "yaml", "json"].iter().any(|it| ending == *it)));
    files.sort();
    files
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

/// Where an error in a file begins: `file:line:` or, where no line is to blame, `file:`.
fn names_the_place(line: &str, file: &Path) -> bool {
    line.strip_prefix("error: ").is_some_and(|rest| rest.starts_with(&format!("{}:", file.display())))
}

#[test]
fn every_example_of_eksctl_gives_a_result_or_a_refusal_at_a_line() {
    let examples = files("eksctl");
    assert_eq!(examples.len(), 16);
    for file in examples.into_iter().chain(files("eksctl/own")) {
        let place = Place::new();
        let line = format!("run az-failure --replications 1 --quiet --out out --cluster '{}'", file.display());
        let (code, out, err) = place.run(&line);
        let report = place.path().join("out/report.html");
        match code {
            0 | 99 => assert!(report.is_file() && !out.is_empty(), "{}", file.display()),
            2 => {
                assert!(err.lines().all(|line| names_the_place(line, &file)), "{err}");
                assert!(place.entries().is_empty());
            }
            _ => panic!("{}: {code}: {err}", file.display()),
        }
    }
}

#[test]
fn every_wrong_input_is_refused_and_leaves_nothing_behind() {
    let place = Place::new();
    let wrong = files("wrong");
    assert!(wrong.len() >= 50, "{}", wrong.len());
    for file in wrong {
        let shown = file.display();
        let line =
            if is_toml(&file) { format!("run '{shown}'") } else { format!("run az-failure --cluster '{shown}'") };
        let (code, out, err) = place.run(&line);
        assert_eq!((code, out.as_str()), (2, ""), "{shown}: {err}");
        assert!(err.lines().all(|line| line.starts_with("error: ")) && !err.is_empty(), "{shown}: {err}");
        assert!(place.entries().is_empty(), "{shown}");
    }
}

#[test]
fn a_directory_and_a_hundred_megabytes_are_refused_at_once() {
    let place = Place::new();
    for name in ["folder.toml", "folder.yaml"] {
        fs::create_dir(place.path().join(name)).expect("writable");
    }
    for name in ["huge.toml", "huge.yaml"] {
        let file = fs::File::create(place.path().join(name)).expect("writable");
        file.set_len(100_000_000).expect("a file with a hole");
    }
    for line in [
        "run folder.toml",
        "run huge.toml",
        "run az-failure --cluster folder.yaml",
        "run az-failure --cluster huge.yaml",
        "check huge.yaml",
    ] {
        let (code, out, err) = place.run(line);
        assert_eq!((code, out.as_str(), err.lines().count()), (2, "", 1), "{line}: {err}");
        assert!(err.contains("folder.") || err.contains("huge."), "{line}: {err}");
    }
}
