//! The command line: exit codes, what is printed where, and what is left behind.

use crate::support::{Place, data, told};
use std::fs;
use std::process::{Command, Stdio};

fn small() -> String {
    format!("run '{}' --replications 2 --out out", data("small.toml"))
}

#[test]
fn a_run_prints_a_summary_and_leaves_its_files() {
    let place = Place::new();
    let (code, out, err) = place.run(&small());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("A small cluster loses a zone") && out.contains("out"), "{out}");
    for file in ["record.json", "report.html", "run.log"] {
        assert!(!place.read(&format!("out/{file}")).is_empty(), "{file}");
    }
    assert!(place.read("out/run.log").contains("replications  2"));
    assert_eq!(place.entries(), ["out".into()] as [std::path::PathBuf; 1], "nothing else is left");
}

#[test]
fn files_go_to_a_directory_named_for_scenario_and_seed() {
    let place = Place::new();
    let (code, ..) = place.run(&format!("run '{}' --replications 1 --seed 7", data("small.toml")));
    assert_eq!(code, 0);
    assert!(place.path().join("ekssim-out/small-7/record.json").is_file());
}

#[test]
fn a_second_run_replaces_the_first() {
    let place = Place::new();
    place.run(&small());
    let first = place.read("out/record.json");
    let (code, ..) = place.run(&format!("{} --seed 2", small()));
    assert_eq!(code, 0);
    assert_ne!(place.read("out/record.json"), first);
}

#[test]
fn a_missed_objective_ends_with_99_and_all_files() {
    let place = Place::new();
    let (code, out, _) = place.run(&format!("run '{}' --replications 2 --out out", data("strict.toml")));
    assert_eq!(code, 99, "{out}");
    assert!(place.path().join("out/report.html").is_file());
}

#[test]
fn variants_are_told_side_by_side_and_can_be_rendered_again() {
    let place = Place::new();
    let (code, out, err) = place.run(&format!("run '{}' --out out", data("variants.toml")));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let head = out.lines().find(|line| line.starts_with("Side by side")).expect("a table of columns");
    assert!(head.contains("30 s") && head.contains("10 s") && head.contains("slow checks"), "{head}");
    let outage = out.lines().find(|line| line.contains("longest outage, kubelet")).expect("a row");
    assert!(outage.contains('*'), "a shorter timer surely changes the kubelets' outage: {outage}");
    let page = place.read("out/report.html");
    assert!(page.contains("id=\"variants\"") && page.contains("connection.read_idle = 10s"));
    assert!(page.contains("endpoint access: public -&gt; public and private"), "what a variant has of the network");
    assert!(place.path().join("out/plots/variants.svg").is_file());
    let record = place.read("out/record.json");
    let (code, again, _) = place.run("report out");
    assert_eq!(code, 0);
    assert!(again.contains(head) && place.read("out/record.json") == record);
}

#[test]
fn quiet_says_nothing_of_files() {
    let place = Place::new();
    let (_, loud, _) = place.run(&small());
    let (_, quiet, err) = place.run(&format!("{} --quiet", small()));
    assert!(loud.starts_with(&quiet) && loud.len() > quiet.len(), "{quiet}");
    assert_eq!(err, "");
}

#[test]
fn json_is_what_the_record_holds() {
    let place = Place::new();
    let (code, out, _) = place.run(&format!("{} --format json", small()));
    assert_eq!((code, out), (0, place.read("out/record.json")));
}

#[test]
fn the_command_in_a_record_gives_the_record_again() {
    let place = Place::new();
    let set = "'etcd.fsync=uniform(1ms, 2ms)'";
    place.run(&format!("{} --set {set} --still --seed 3", small()));
    let record = place.read("out/record.json");
    let json: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let command = json["command"].as_str().expect("a command").strip_prefix("ekssim ").expect("of this program");
    let (code, ..) = place.run(&format!("{command} --out again"));
    assert_eq!((code, place.read("again/record.json")), (0, record));
}

#[test]
fn bad_usage_ends_with_2() {
    let place = Place::new();
    for line in [
        "",
        "rum az-failure",
        "run",
        "run az-failure --seed x",
        "run az-failure --replications 0",
        "run az-failure --threads 0",
        "run az-failure --explicit everything",
        "run az-failure --format xml",
        "completions cobol",
    ] {
        let (code, out, err) = place.run(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(!err.is_empty(), "{line}");
    }
    assert!(place.entries().is_empty());
}

/// Each with a word that its error must hold.
#[test]
fn wrong_input_ends_with_2_and_leaves_nothing_behind() {
    let place = Place::new();
    place.write("noise.toml", "\u{0}\u{1}\u{7f} = [[[");
    place.write("empty.toml", "");
    place.write("unknown.toml", "titel = \"x\"\nduration = \"10m\"\n");
    place.write("cluster.yaml", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: [1, 2\n");
    fs::create_dir(place.path().join("folder.toml")).expect("writable");
    let before = place.entries();
    for (line, word) in [
        ("run az-failur", "az-failure"),
        ("run no-such-file.toml", "no-such-file.toml"),
        ("run folder.toml", "folder.toml"),
        ("run noise.toml", "noise.toml:1"),
        ("run empty.toml", "is empty"),
        ("run unknown.toml", "title"),
        ("run az-failure --cluster no-such-file.yaml", "no-such-file.yaml"),
        ("run az-failure --cluster cluster.yaml", "cluster.yaml"),
        ("run az-failure --set kubelet.lease_renew_intervall=5s", "kubelet.lease_renew_interval"),
        ("run az-failure --set etcd.election_timeout=90s", "10ms..50s"),
        ("run az-failure --set etcd.election_timeout", "="),
        ("run az-failure --set placement.etcd_leader_zone=z", "z"),
        ("run az-failure --out empty.toml", "not a directory"),
        ("show az-failur", "az-failure"),
        ("check noise.toml", "noise.toml:1"),
        ("check cluster.yaml", "cluster.yaml"),
        ("explain etcd.fsyn", "etcd.fsync"),
        ("scenarios az-failur", "az-failure"),
        ("report no-such-file.json", "no-such-file.json"),
        ("report empty.toml", "not a record"),
        ("report .", "record.json"),
    ] {
        let (code, out, err) = place.run(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.starts_with("error: ") && err.contains(word), "{line}: {err}");
    }
    assert_eq!(place.entries(), before);
}

#[test]
fn an_unknown_parameter_names_the_nearest() {
    let (_, _, err) = Place::new().run("run az-failure --set kubelet.lease_renew_intervall=5s");
    assert!(err.contains("did you mean kubelet.lease_renew_interval"), "{err}");
}

#[test]
fn what_was_there_is_not_overwritten_unless_it_is_ours() {
    let place = Place::new();
    fs::create_dir(place.path().join("out")).expect("writable");
    place.write("out/thesis.txt", "the only copy");
    let (code, _, err) = place.run(&small());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("thesis.txt"), "{err}");
    assert_eq!(place.read("out/thesis.txt"), "the only copy");
}

#[test]
fn a_stored_record_renders_to_the_same_files() {
    let place = Place::new();
    let (_, summary, _) = place.run(&format!("{} --quiet", small()));
    for record in ["out", "out/record.json"] {
        let (code, out, err) = place.run(&format!("report {record} --out again"));
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with(&summary), "{out}");
        for file in ["record.json", "report.html", "run.log"] {
            assert_eq!(place.read(&format!("again/{file}")), place.read(&format!("out/{file}")), "{file}");
        }
    }
    let log = place.read("out/run.log");
    assert_eq!(place.run("report out").0, 0);
    assert_eq!(place.read("out/run.log"), log, "a report in place keeps the log");
}

#[test]
fn a_record_of_another_schema_is_refused_by_name() {
    let place = Place::new();
    place.run(&small());
    let newer = place.read("out/record.json").replacen("\"schema\":1", "\"schema\":999", 1);
    place.write("newer.json", &newer);
    let (code, _, err) = place.run("report newer.json");
    assert_eq!(code, 2);
    assert!(err.contains("999"), "{err}");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let place = Place::new();
    let coloured = |line: &str, variables: &[(&str, &str)]| {
        let mut command = place.ekssim(line);
        command.envs(variables.iter().copied());
        told(command).1.contains('\u{1b}')
    };
    assert!(!coloured("scenarios", &[]), "a pipe");
    assert!(coloured("scenarios", &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured("scenarios --color always", &[]));
    assert!(!coloured("scenarios", &[("CLICOLOR_FORCE", "0"), ("NO_COLOR", "1")]));
    assert!(!coloured("scenarios --color never", &[("CLICOLOR_FORCE", "1")]));
    let run = small();
    assert!(coloured(&format!("{run} --color always"), &[("NO_COLOR", "1")]), "an option outweighs the environment");
    assert!(!coloured(&run, &[("NO_COLOR", "1")]));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    for line in [small(), "schema".to_owned(), "explain".to_owned(), "show az-failure".to_owned()] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ekssim"));
        let words = line.replace('\'', "");
        command.args(words.split_whitespace()).current_dir(place.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.as_ref()), (Some(0), ""), "{line}");
    }
    assert!(place.path().join("out/report.html").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_of_the_system() {
    let full = fs::File::create("/dev/full").expect("Linux has it");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ekssim"));
    let output = command.arg("scenarios").stdout(full).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
}

/// A signal in the middle of a long study: its exit code, within seconds, and nothing written.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_writes_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ekssim"));
        command.args(["run", &data("small.toml"), "--replications", "100000"]).current_dir(place.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        wait_until_it_listens(child.id());
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let output = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(err.contains("interrupted"), "{err}");
        assert!(place.entries().is_empty());
    }
}

/// Until a process catches SIGINT and SIGTERM, as Linux tells.
#[cfg(target_os = "linux")]
fn wait_until_it_listens(process: u32) {
    let both = 1 << (2 - 1) | 1 << (15 - 1);
    for _ in 0..2_000 {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        if caught & both == both {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("the program does not listen to signals");
}

#[test]
fn every_subcommand_explains_itself() {
    let place = Place::new();
    for subcommand in ["run", "check", "show", "scenarios", "explain", "report", "schema", "completions"] {
        let (code, out, _) = place.run(&format!("{subcommand} --help"));
        assert_eq!(code, 0, "{subcommand}");
        assert!(out.contains("Usage: ekssim"), "{out}");
    }
    let (_, help, _) = place.run("run --help");
    assert!(!help.contains("shuffle"), "what is for checking the simulator is not in the help");
    assert_eq!(place.run("--version").1, format!("ekssim {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_reads_only_prints() {
    let place = Place::new();
    for (line, word) in [
        ("scenarios", "az-failure"),
        ("scenarios az-failure", "[cluster]"),
        ("check az-failure", "az-failure: fine"),
        ("show az-failure --set etcd.pre_vote=false", "etcd.pre_vote"),
        ("explain", "etcd"),
        ("explain etcd", "etcd.fsync"),
        ("explain etcd.fsync", "issue 9544"),
        ("schema", "\"$schema\""),
        ("completions bash", "_ekssim"),
        ("completions zsh", "#compdef ekssim"),
        ("completions fish", "complete -c ekssim"),
    ] {
        let (code, out, err) = place.run(line);
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        assert!(out.contains(word), "{line}: {out}");
    }
    assert!(place.entries().is_empty());
}

#[test]
fn every_built_in_scenario_is_fine() {
    let place = Place::new();
    for scenario in place.run("scenarios").1.lines().filter(|line| !line.starts_with(' ')) {
        let name = scenario.split_whitespace().next().expect("a name");
        let (code, _, err) = place.run(&format!("check {name}"));
        assert_eq!(code, 0, "{name}: {err}");
        let (_, text, _) = place.run(&format!("scenarios {name}"));
        place.write("own.toml", &text);
        assert_eq!(place.run("check own.toml").0, 0, "{name}: a printed scenario is one to start from");
    }
}
