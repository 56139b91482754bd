//! `record.json` and the output directory.

mod common;

use reports::{Document, WriteError, Writing, html};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_record_that_is_read_back_gives_the_same_bytes_and_the_same_page() {
    let document = common::document(8);
    let json = document.to_json();
    let again = Document::from_json(&json).expect("our own record");
    assert_eq!(again.to_json(), json);
    assert_eq!(html(&again), html(&document));
}

#[test]
fn another_schema_is_refused_by_name_and_damage_is_said() {
    let json = common::document(1).to_json();
    let newer = json.replacen("\"schema\":1", "\"schema\":7", 1).replacen("ekssim 0.1.0", "ekssim 3.0.0", 1);
    let error = Document::from_json(&newer).expect_err("schema 7").to_string();
    assert_eq!(error, "a record of schema 7, written by ekssim 3.0.0: this program reads schema 1");
    let damaged = json.replacen("\"seed\":1", "\"seed\":\"one\"", 1);
    let error = Document::from_json(&damaged).expect_err("a seed in words").to_string();
    assert!(error.starts_with("a damaged record:"), "{error}");
    for other in ["", "[]", "{}", "{\"schema\": \"x\"}", "<html>"] {
        let error = Document::from_json(other).expect_err(other).to_string();
        assert!(error.starts_with("not a record of ekssim:"), "{error}");
    }
}

#[test]
fn a_record_that_is_too_large_is_thinned_and_says_so() {
    let mut document = common::document(8);
    let row = document.findings.runs[0].clone();
    document.findings.runs = vec![row; 60_000];
    let (fitted, json) = document.fitted();
    assert!(json.len() <= Document::BYTES_MAX, "{} bytes", json.len());
    assert_eq!(fitted.left_out, ["the rows of 60000 single replications"]);
    assert_eq!(fitted.records, document.records, "no more is taken than needed");
    assert!(html(&fitted).contains("the rows of 60000 single replications"));
}

#[test]
fn whatever_the_runs_recorded_the_limit_holds() {
    let mut document = common::document(8);
    let series = document.records[0].series[0].clone();
    let fact = document.records[0].timeline[0].clone();
    for record in &mut document.records {
        record.series = vec![series.clone(); 4_000];
        record.timeline =
            (0..2_000).map(|id| sim_eks::record::Fact { id, text: "x".repeat(4_000), ..fact.clone() }).collect();
    }
    let (fitted, json) = document.fitted();
    assert!(json.len() <= Document::BYTES_MAX, "{} bytes", json.len());
    assert!(!fitted.left_out.is_empty());
    assert_eq!(Document::from_json(&json).expect("still a record").left_out, fitted.left_out);
}

fn write_all(document: &Document, out: &Path) -> Result<Vec<PathBuf>, WriteError> {
    reports::write_all(document, out, Writing::default())
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).expect("readable"));
        }
    }
    found
}

#[test]
fn all_files_are_written_and_an_earlier_output_is_replaced_as_a_whole() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let out = parent.path().join("az-failure-1");
    let written = write_all(&common::document(8), &out).expect("nothing stands in the way");
    assert!(written.iter().all(|path| path.is_file()));
    for name in ["record.json", "report.html", "summary.txt", "plots/api-latency.svg", "plots/case-3-nodes.png"] {
        assert!(written.contains(&out.join(name)), "{name}");
    }
    let first = contents(&out);
    assert_eq!(first.len(), written.len());
    fs::write(out.join("run.log"), "took 1 s").expect("writable");
    write_all(&common::document(1), &out).expect("an earlier output");
    assert!(!out.join("plots/case-3-nodes.png").exists(), "what the new run has not is gone");
    write_all(&common::document(8), &out).expect("an earlier output");
    assert_eq!(contents(&out), first);
    assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 1, "nothing lies beside it");
}

#[test]
fn a_strange_file_among_the_output_stops_its_replacement() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let out = parent.path().join("out");
    write_all(&common::document(1), &out).expect("nothing stands in the way");
    for name in ["notes.md", "plots/mine.txt"] {
        fs::write(out.join(name), "mine").expect("writable");
        let error = write_all(&common::document(1), &out).expect_err("it would be lost");
        assert!(matches!(error, WriteError::NotOurs { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        fs::remove_file(out.join(name)).expect("still there");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let file = parent.path().join("file");
    fs::write(&file, "").expect("writable");
    let error = write_all(&common::document(1), &file.join("out")).expect_err("its parent is a file");
    assert_eq!(error.to_string(), format!("{}: is not a directory; name another", file.display()));
}

#[test]
fn the_log_is_asked_for_last_and_stands_beside_the_rest() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let out = parent.path().join("out");
    let log = || "took 1 s".to_owned();
    let written = reports::write_all(&common::document(1), &out, Writing { log: Some(&log), stop: None });
    assert_eq!(written.expect("nothing stands in the way").last(), Some(&out.join("run.log")));
    assert_eq!(fs::read_to_string(out.join("run.log")).expect("written"), "took 1 s");
}

#[test]
fn a_raised_stop_ends_the_writing_and_leaves_nothing() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let stop = AtomicBool::new(false);
    let raise = || {
        stop.store(true, Ordering::SeqCst);
        String::new()
    };
    for log in [None, Some(&raise as &dyn Fn() -> String)] {
        stop.store(log.is_none(), Ordering::SeqCst);
        let writing = Writing { log, stop: Some(&stop) };
        let ended = reports::write_all(&common::document(1), &parent.path().join("out"), writing);
        assert!(matches!(ended, Err(WriteError::Stopped)));
        assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 0);
    }
}
