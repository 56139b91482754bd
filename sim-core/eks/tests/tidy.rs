//! The code itself keeps the rules of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file below a folder, with its text up to its unit tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let code = text.split("#[cfg(test)]").next().expect("at least one part").to_owned();
                files.push((path, code));
            }
        }
    }
    assert!(files.len() > 5, "the sources of {folder} are here");
    files
}

/// The lines of code, without comments, that contain one of the words.
fn lines_with(files: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, code) in files {
        for (number, line) in code.lines().enumerate() {
            let bare = line.split("//").next().expect("at least one part");
            if words.iter().any(|word| bare.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn no_station_knows_a_journey_the_world_or_the_calendar() {
    let found = lines_with(&sources("src/stations"), &["crate::journeys", "crate::world", "Calendar", "event::Future"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_kernel_and_the_study_name_no_type_of_the_model() {
    for folder in ["../kernel/src", "../study/src"] {
        let found = lines_with(&sources(folder), &["sim_eks", "kubelet", "Kubelet", "Etcd", "ApiServer"]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// A parameter that nothing reads would promise what the model does not do.
#[test]
fn every_parameter_is_read_outside_the_registry() {
    let mut files = sources("src");
    files.retain(|(path, _)| !path.ends_with("parameters.rs"));
    for declared in sim_eks::DECLARATIONS {
        let field = format!(".{}", declared.path.split('.').next_back().expect("a path has a name"));
        let is_read = |line: &str| {
            let mut after = line.split(&field).skip(1);
            after.any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '('))
        };
        assert!(files.iter().any(|(_, code)| code.lines().any(is_read)), "nothing reads {}", declared.path);
    }
}

/// A time in the code is a default that nobody sources: it belongs into `parameters.rs`. The windows of the series are
/// no part of the model.
#[test]
fn no_default_stands_outside_the_registry() {
    let mut found = lines_with(&sources("src"), &["from_secs(", "from_millis(", "from_micros(", "from_mins(", "Law::"]);
    let exempt = ["/plan.rs:", "/parameters/value.rs:"];
    found.retain(|line| !exempt.iter().any(|file| line.contains(file)));
    assert!(found.is_empty(), "{found:#?}");
}
