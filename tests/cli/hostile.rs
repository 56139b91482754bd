//! What nobody should write, and somebody will: names that steer terminals, places that are taken, files without end,
//! signals at bad moments.

use crate::support::{Place, data};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Whether a text holds anything that steers a terminal, other than the tones that this program sets itself.
fn steers(text: &str) -> bool {
    let own = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];
    let own = own.into_iter().chain(["\u{1b}[1;31m", "\u{1b}[1;32m", "\u{1b}[1;33m"]);
    let rest = own.fold(text.to_owned(), |text, tone| text.replace(tone, ""));
    rest.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

/// A scenario with escape sequences and markup in every name that it has.
fn evil() -> String {
    let bad = r#"\u001b]0;x\u0007\u001b[2J\u202e\n</script><script>alert(1)</script>"#;
    let text = fs::read_to_string(data("small.toml")).expect("test data");
    let text = text.replace("deployments = 1\n", "deployments = 1\n\n").replace("name = \"small\"", "name = \"NAME\"");
    let text = text.replace("name = \"general\"", "name = \"GROUP\"\nlabels = { \"key NAME\" = \"value NAME\" }");
    let text = text.replace("loses a zone\"", "NAME\"").replace("Does the program work?", "Q NAME");
    text.replace("NAME", bad).replace("GROUP", &format!("group {bad}"))
}

#[test]
fn no_name_of_a_scenario_steers_the_terminal_or_the_page() {
    let place = Place::new();
    place.write("evil.toml", &evil());
    for line in ["check", "show", "run"] {
        let (code, out, err) = place.run(&format!("{line} evil.toml --color always"));
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("alert(1)"), "{line}: the names are told");
        assert!(!steers(&out) && !steers(&err), "{line}: {out:?}");
    }
    assert!(!steers(&place.read("ekssim-out/evil-1/summary.txt")));
    let page = place.read("ekssim-out/evil-1/report.html");
    assert!(!steers(&page.replace('\t', "")) && !page.contains("<script>alert"));
}

#[test]
fn no_error_steers_the_terminal_or_forges_another() {
    let place = Place::new();
    place.write(
        "evil.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n\
         metadata: {name: \"a\\e[2Jb\\nerror: c\", region: \"x\\e]0;t\\a\", version: \"1\\e[3m\"}\n\
         \"\\e[2Jkey\\nerror: d\": 1\nmanagedNodeGroups:\n- {name: a, instanceType: \"m5.\\e[2J\"}\n",
    );
    place.write("evil.toml", "\"\\u001b[2Jkey\\nerror: e\" = 1\nduration = \"\\u001b[2J\"\n");
    place.write("evil.json", "{\"schema\":7,\"program\":\"\\u001b[2J\\nerror: f\"}");
    for line in [
        "check evil.yaml",
        "check evil.toml",
        "report evil.json",
        "run az-failure --set '\u{1b}[2Jx=\n1'",
        "run '\u{1b}[2J'",
        "explain '\u{1b}[2J'",
        "scenarios '\u{1b}[2J'",
        "run az-failure --cluster '\u{1b}[2J.yaml'",
    ] {
        let (code, out, err) = place.run(&format!("{line} --color always"));
        assert_eq!((code, out.as_str()), (2, ""), "{line:?}: {err}");
        assert!(!steers(&err), "{line:?}: {err:?}");
        assert!(!err.contains("\nerror: ") && !err.contains("\u{1b}[0m: c"), "{line:?}: {err:?}");
    }
}

#[test]
fn a_place_that_is_taken_is_refused_before_anything_runs() {
    let place = Place::new();
    fs::create_dir(place.path().join("mine")).expect("writable");
    place.write("mine/thesis.txt", "the only copy");
    place.write("file", "");
    // More replications than anybody waits for.
    for (out, says) in [("mine", "thesis.txt"), ("file", "not a directory"), ("file/out", "file: is not a directory")] {
        let (code, _, err) = place.run(&format!("run az-failure --replications 100000 --out {out}"));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says) && err.contains("--out"), "{err}");
    }
}

#[test]
fn runs_into_one_place_at_once_leave_one_whole_output() {
    let place = Place::new();
    let line = format!("run '{}' --replications 1 --quiet --out out", data("small.toml"));
    thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| place.run(&line))).collect();
        for run in runs {
            let (code, _, err) = run.join().expect("it ends");
            assert_eq!(code, 0, "{err}");
        }
    });
    assert_eq!(place.entries(), ["out".into()] as [std::path::PathBuf; 1], "nothing is left beside it");
    assert_eq!(place.run("report out").0, 0);
}

#[test]
fn a_number_that_is_no_seed_is_told_what_one_is() {
    for seed in ["-1", "x", "18446744073709551616"] {
        let (code, _, err) = Place::new().run(&format!("run az-failure --seed {seed}"));
        assert_eq!(code, 2);
        assert!(err.contains("a seed is a whole number from 0 to 18446744073709551615"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_by_every_command() {
    let place = Place::new();
    for pipe in ["pipe.toml", "pipe.yaml", "pipe.json"] {
        let made = Command::new("mkfifo").arg(place.path().join(pipe)).status().expect("mkfifo runs");
        assert!(made.success());
    }
    std::os::unix::fs::symlink("/dev/zero", place.path().join("zero.json")).expect("writable");
    let lines = ["run pipe.toml", "check pipe.toml", "check pipe.yaml", "run az-failure --cluster pipe.yaml"];
    for line in lines.into_iter().chain(["report pipe.json", "report zero.json"]) {
        let (code, out, err) = place.run(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.contains("no regular file"), "{line}: {err}");
    }
}

#[test]
fn a_record_far_too_large_is_refused_unread() {
    let place = Place::new();
    let file = fs::File::create(place.path().join("huge.json")).expect("writable");
    file.set_len(100_000_000).expect("a file with a hole");
    let (code, _, err) = place.run("report huge.json");
    assert_eq!(code, 2);
    assert!(err.contains("is larger than"), "{err}");
}

/// Wherever in its life a run is interrupted: it is either complete, or it leaves nothing.
#[cfg(target_os = "linux")]
#[test]
fn an_interruption_at_any_moment_leaves_all_or_nothing() {
    for moment in 0..12 {
        let place = Place::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ekssim"));
        command.args(["run", &data("small.toml"), "--quiet", "--out", "out"]).current_dir(place.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        thread::sleep(Duration::from_millis(30 + 40 * moment));
        for _ in 0..3 {
            // It may be over.
            let _ = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        }
        let code = child.wait_with_output().expect("it ends").status.code();
        match code {
            Some(130) => assert!(place.entries().is_empty(), "{moment}: {:?}", place.entries()),
            Some(0) => {
                assert_eq!(place.entries(), ["out".into()] as [std::path::PathBuf; 1]);
                assert!(place.path().join("out/run.log").is_file());
            }
            // So early that it did not listen yet.
            other => assert!(other.is_none() && place.entries().is_empty(), "{other:?}"),
        }
    }
}
