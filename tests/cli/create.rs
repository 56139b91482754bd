//! `ekssim create`: the timeline of a creation, its end, and what stands afterwards.

use crate::support::Place;
use serde_json::Value;

const FILES: [&str; 16] = [
    "01-simple-cluster",
    "02-custom-vpc-cidr-no-nodes",
    "03-two-nodegroups",
    "04-existing-vpc",
    "05-advanced-nodegroups",
    "08-spot-instances",
    "09-nat-gateways",
    "15-managed-nodes",
    "16-fargate-profile",
    "24-nodegroup-subnets",
    "25-addons",
    "26-managed-nodegroup-spot-instances",
    "29-cluster-with-karpenter",
    "30-vpc-with-ip-family",
    "34-taints",
    "41-zonal-shift",
];

fn file(name: &str) -> String {
    format!("{}/scenarios/tests/data/eksctl/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

fn with_groups(groups: &str) -> String {
    format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: c, region: eu-west-1, version: \"1.34\"}}\n{groups}"
    )
}

#[test]
fn each_file_of_eksctls_authors_becomes_a_cluster() {
    let place = Place::new();
    for name in FILES {
        let (code, out, err) = place.run(&format!("create --cluster '{}'", file(name)));
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        assert!(out.contains(" is ready after ") && out.contains("kube-dns"), "{name}: {out}");
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{name}: {out}");
    }
    assert!(place.entries().is_empty(), "nothing is written");
}

#[test]
fn json_has_every_task_and_what_stands() {
    let line = format!("create --cluster '{}' --format json --replications 2 --seed 3", file("15-managed-nodes"));
    let (code, out, _) = Place::new().run(&line);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &json["schema"], json["creations"].as_array().map(Vec::len)), (0, &Value::from(1), Some(2)));
    let first = &json["creations"][0];
    assert_eq!((&first["ready"], &first["failure"]), (&Value::from(true), &Value::from("")));
    let nodes = first["listing"]["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 9);
    assert!(first["tasks"].as_array().expect("tasks").iter().all(|task| task["state"] == "done"));
    assert_eq!(Place::new().run(&line).1, out, "the same seed tells the same");
}

#[test]
fn several_creations_tell_their_spread() {
    let line = format!("create --cluster '{}' --replications 5", file("01-simple-cluster"));
    let (code, out, _) = Place::new().run(&line);
    assert_eq!(code, 0);
    assert!(out.contains("5 creations, 0 of them failed") && out.contains("Median"), "{out}");
}

/// Nodes without a way out cannot join: EKS gives the group up, its stack rolls back, and the exit code says so.
#[test]
fn a_creation_that_fails_is_told_and_exits_99() {
    let place = Place::new();
    let groups = "vpc: {nat: {gateway: Disable}}\nmanagedNodeGroups:\n- {name: ng, privateNetworking: true}\n";
    place.write("closed.yaml", &with_groups(groups));
    let (code, out, err) = place.run("create --cluster closed.yaml");
    assert_eq!((code, err.as_str()), (99, ""), "{out}");
    assert!(out.contains("NodeCreationFailure") && out.contains("rollback"), "{out}");
    assert!(out.contains("eksctl fails to create cluster c after"), "{out}");
}

#[test]
fn what_eksctl_would_refuse_is_refused_before() {
    let place = Place::new();
    let vpc = "vpc:\n  subnets:\n    private:\n      eu-west-1a: {id: s-1}\n      eu-west-1b: {id: s-2}\n";
    place.write("private.yaml", &with_groups(&format!("{vpc}managedNodeGroups:\n- name: ng\n")));
    let (code, out, err) = place.run("create --cluster private.yaml");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("managedNodeGroups[0].privateNetworking: must be true"), "{err}");
    let (code, _, err) = place.run("create --cluster nothing.yaml");
    assert_eq!(code, 2, "{err}");
}
