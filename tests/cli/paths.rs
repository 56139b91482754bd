//! `ekssim paths`: who reaches whom, as a table and as JSON.

use crate::support::{Place, data};
use serde_json::Value;

fn paths(rest: &str) -> String {
    format!("paths '{}' {rest}", data("small.toml"))
}

/// Exit code 0 and nothing on stderr: what was printed.
fn printed(line: &str) -> String {
    let (code, out, err) = Place::new().run(line);
    assert_eq!((code, err.as_str()), (0, ""), "{line}");
    out
}

/// The flows of the first moment of a JSON text.
fn flows(text: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(text).expect("JSON");
    json["moments"][0]["paths"].as_array().expect("a list").clone()
}

#[test]
fn the_table_tells_each_way_by_its_hops_and_what_decides_it() {
    let out = printed(&paths("--from general"));
    assert!(out.contains("At 0:02:59: endpoint access public; "), "just before the first step: {out}");
    for told in [
        "nodes of general in a, b, c",
        "API endpoint (kubelet, ",
        " kube-proxy)",
        "internet gateway → NLB, public address",
        "publicAccessCidrs 0.0.0.0/0",
        "pods of general in a, b, c",
        "service kubernetes, ",
        " 10.100.0.1:443",
        "EKS-owned interface",
        "AWS ec2, ecr.api, ecr.dkr, s3",
        "IPv4",
        "2 of 2",
        " ms",
    ] {
        assert!(out.contains(told), "{told} is missing in\n{out}");
    }
    assert!(!out.contains('\u{1b}') && !out.contains('\u{1}'), "no colour, no placeholder: {out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

#[test]
fn several_moments_stand_one_after_another_in_their_order() {
    let out = printed(&paths("--at end --at 3m --at 170s --closed"));
    let moments: Vec<&str> = out.lines().filter(|line| line.starts_with("At ")).collect();
    assert_eq!(moments.len(), 3);
    for (moment, begins) in moments.iter().zip(["At 0:02:50", "At 0:03:00", "At 0:12:00"]) {
        assert!(moment.starts_with(begins), "{moment}");
    }
    let [before, _, _] = ["At 0:02:50", "At 0:03:00", "At 0:12:00"].map(|at| out.find(at).expect("a moment"));
    let (healthy, dark) = out[before..].split_once("At 0:03:00").expect("two moments");
    assert!(!healthy.contains("because"), "nothing is closed before: {healthy}");
    assert!(dark.contains("because zone eu-west-1a lets nothing through"), "{dark}");
    assert!(dark.contains("to open wait for zone eu-west-1a to return"), "{dark}");
}

#[test]
fn json_has_every_field_of_every_flow_in_a_stable_order() {
    let out = printed(&paths("--format json --seed 3"));
    assert_eq!(out, printed(&paths("--format json --seed 3")));
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(
        keys(&json),
        sorted(&["schema", "scenario", "cluster", "seed", "replication", "case", "moments"]),
        "those that --help lists"
    );
    assert_eq!(keys(&json["moments"][0]), sorted(&["at_s", "endpoint_access", "paths"]));
    let fields = ["flow", "from", "to", "nodes", "family", "open", "addresses", "way", "decided_by", "opened_by"];
    let flows = flows(&out);
    for flow in &flows {
        assert_eq!(keys(flow), sorted(&[&fields[..], &["round_trip_s"]].concat()));
        assert_eq!(flow["open"], flow["opened_by"] == "", "{flow}");
        assert!(!flow["decided_by"].as_str().expect("words").is_empty(), "{flow}");
    }
    let kinds: Vec<&str> = flows.iter().map(|flow| flow["flow"].as_str().expect("a word")).collect();
    for kind in ["endpoint", "service", "kubelet", "aws", "pods"] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    assert!(!kinds.contains(&"webhook"), "the cluster has none");
    assert_eq!((json["schema"].as_u64(), json["seed"].as_u64()), (Some(1), Some(3)));
}

#[test]
fn from_and_closed_choose() {
    let admin = flows(&printed(&paths("--format json --from ADMIN")));
    assert_eq!(admin.len(), 2, "the endpoint, and the API of EKS");
    assert!(admin.iter().all(|flow| flow["from"] == "admin"));
    assert_eq!(flows(&printed(&paths("--format json --closed"))), [] as [Value; 0]);
    assert!(!flows(&printed(&paths("--format json --closed --at 4m"))).is_empty());
}

#[test]
fn a_variant_can_be_asked_for() {
    let line = format!("paths '{}' --variant", data("variants.toml"));
    assert!(printed(&format!("{line} '10 s' --closed")).contains("At 0:"));
    let (code, _, err) = Place::new().run(&format!("{line} '11 s'"));
    assert_eq!(code, 2);
    assert!(err.contains("did you mean 10 s"), "{err}");
}

#[test]
fn wrong_moments_and_names_end_with_2_and_say_what_would_be_right() {
    for (rest, words) in [
        ("--at 13m", "the run ends at 12m"),
        ("--at tomorrow", "or end"),
        ("--at -1s", "-1s"),
        ("--from admn", "did you mean admin"),
        ("--from nobody", "there are control plane, nodes, pods, general, admin"),
        ("--format xml", "xml"),
        ("--set etcd.election_timeout=90s", "10ms..50s"),
    ] {
        let (code, out, err) = Place::new().run(&paths(rest));
        assert_eq!((code, out.as_str()), (2, ""), "{rest}: {err}");
        assert!(err.contains(words), "{rest}: {err}");
    }
}

#[test]
fn the_report_draws_the_vpc_and_names_each_client_with_its_place() {
    let place = Place::new();
    let (code, ..) = place.run(&format!("run '{}' --replications 1 --out out", data("small.toml")));
    assert_eq!(code, 0);
    let page = place.read("out/report.html");
    for told in [
        "id=\"network\"",
        "svg class=\"vpc-drawing\"",
        "Clients by place",
        "on the internet, 198.51.100.1",
        "At 0:00:00, when the run begins: endpoint access public",
        "when most ways were closed",
        "nodes of general in eu-west-1a: way to the API closed from 0:03:",
        "Endpoint access at the start",
        "a single one, in a",
        "Inferred of the private way, not published",
    ] {
        assert!(page.contains(told), "{told} is missing");
    }
    let record: Value = serde_json::from_str(&place.read("out/record.json")).expect("JSON");
    assert_eq!(record["records"][0]["places"][0]["name"], "admin");
}

#[test]
fn objectives_name_clients_and_unknown_names_give_the_nearest() {
    let place = Place::new();
    let small = std::fs::read_to_string(data("small.toml")).expect("readable");
    place.write("good.toml", &small.replace("\"api.availability\"", "\"client.admin.availability\""));
    let (code, out, err) = place.run("run good.toml --replications 1 --out out");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("client.admin.availability"), "{out}");
    place.write("wrong.toml", &small.replace("\"api.availability\"", "\"client.admn.outage\""));
    let (code, _, err) = place.run("run wrong.toml");
    assert_eq!(code, 2);
    assert!(err.contains("did you mean client.admin.outage"), "{err}");
}
