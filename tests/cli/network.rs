//! The built-in scenarios of the network, from outside: what their files say comes out of the packet filter and the routes.

use crate::support::Place;
use serde_json::Value;

/// Runs a built-in scenario once: the facts of its timeline, in order.
fn facts(scenario: &str) -> Vec<String> {
    let place = Place::new();
    let (code, _, err) = place.run(&format!("run {scenario} --replications 1 --out out"));
    assert!(code == 0 || code == 99, "{code}: {err}");
    let record: Value = serde_json::from_str(&place.read("out/record.json")).expect("JSON");
    let timeline = record["records"][0]["timeline"].as_array().expect("a timeline");
    timeline.iter().map(|fact| fact["text"].as_str().expect("a text").to_owned()).collect()
}

fn place_of(facts: &[String], text: &str) -> usize {
    facts.iter().position(|fact| fact.contains(text)).unwrap_or_else(|| panic!("{text} is not in {facts:#?}"))
}

#[test]
fn the_locked_out_host_cannot_delete_the_cluster_until_one_rule_lets_it_in() {
    let facts = facts("private-endpoint-lockout");
    let order = [
        "update of the endpoint's access begins: from public to private",
        "admin host cannot reach the API: no inbound rule of ControlPlaneSecurityGroup allows TCP 443 from",
        "admin host cannot delete the cluster",
        "security group ControlPlaneSecurityGroup allows port 443 from",
        "admin host can delete the cluster",
    ];
    let places = order.map(|text| place_of(&facts, text));
    assert!(places.is_sorted(), "{places:?}");
    assert!(facts.iter().all(|fact| !fact.contains("NotReady")), "the nodes have their own way in");
}

#[test]
fn a_private_cluster_without_its_nat_gateway_cannot_start_new_pods() {
    let facts = facts("nat-loss-private-cluster");
    place_of(&facts, "pod stays in ContainerCreating");
    place_of(&facts, "lets nothing through");
    assert!(facts.iter().all(|fact| !fact.contains("NotReady")), "private access keeps them Ready");
}
