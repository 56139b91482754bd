//! Files of further kinds that users write: all of them are taken.

use super::{cluster, fields, parsed, shown, with, zones};
use sim_eks::plan::{NoteKind, TaintEffect};

fn groups(name: &str) -> Vec<String> {
    cluster(name).cluster.node_groups.iter().map(shown).collect()
}

#[test]
fn a_fully_private_cluster_in_a_given_vpc() {
    let file = cluster("own/fully-private.yaml");
    assert_eq!(zones(&file), "eu-central-1a eu-central-1b eu-central-1c");
    assert_eq!(groups("own/fully-private.yaml"), ["core managed m6i.xlarge 3/6/9 012"]);
    let labels = &file.cluster.node_groups[0].labels;
    assert_eq!((labels["rack"].as_str(), labels["on-call"].as_str()), ("7", "true"), "as eksctl's reader has it");
    assert_eq!(file.cluster.version.minor, 30);
}

#[test]
fn named_subnets_of_a_given_vpc() {
    let file = cluster("own/cloudformation-vpc.yaml");
    assert_eq!(zones(&file), "us-east-1a us-east-1b us-east-1d us-east-1f");
    assert_eq!(groups("own/cloudformation-vpc.yaml"), ["app self c5.2xlarge 4/4/4 012", "edge self t3.large 2/2/2 1"]);
    let taints = &file.cluster.node_groups[1].taints;
    assert_eq!((taints[0].value.as_str(), taints[0].effect), ("true", TaintEffect::NoSchedule));
    assert_eq!((taints[1].value.as_str(), taints[1].effect), ("", TaintEffect::NoExecute));
    assert_eq!(file.cluster.node_groups[0].usd_per_hour.known("us-east-1"), Some(0.34));
}

#[test]
fn spot_in_all_its_forms() {
    assert_eq!(
        groups("own/spot-mixes.yaml"),
        [
            "spot-1 managed c5.xlarge 1/10/40 01 spot",
            "spot-2 managed m5.2xlarge 1/10/40 01 spot",
            "gpu managed g5.xlarge 0/0/1 01",
            "pick managed t4g.xlarge 2/2/2 01",
            "mixed self m5.large 0/0/20 01 spot",
            "picked self t3a.medium 2/2/2 01",
        ]
    );
    let spot = &cluster("own/spot-mixes.yaml").cluster.node_groups[0];
    assert_eq!(spot.labels["eks.amazonaws.com/capacityType"], "SPOT");
}

#[test]
fn ipv6_and_add_ons_with_values() {
    let file = cluster("own/ipv6.yaml");
    assert_eq!(fields(&file, NoteKind::Warning), Vec::<String>::new());
    assert!(fields(&file, NoteKind::NotModelled).contains(&"8 addons[0].configurationValues".to_owned()));
}

#[test]
fn clusters_without_node_groups() {
    for name in ["own/hybrid.yaml", "own/auto-mode.yaml"] {
        let file = cluster(name);
        assert!(file.cluster.node_groups.is_empty());
        assert!(fields(&file, NoteKind::Filled).contains(&"0 nodeGroups".to_owned()), "{name}");
    }
}

#[test]
fn several_documents_nulls_and_scripts_full_of_templates() {
    let file = cluster("own/everything-else.yaml");
    assert_eq!(
        groups("own/everything-else.yaml"),
        ["windows self m5.large 1/1/3 012", "linux managed m7g.large 2/2/2 0"]
    );
    assert!(fields(&file, NoteKind::NotModelled).contains(&"3 kind".to_owned()), "the Namespace is listed");
    let labels = |group: usize, key: &str| file.cluster.node_groups[group].labels[key].clone();
    assert_eq!((labels(0, "kubernetes.io/os"), labels(1, "kubernetes.io/arch")), ("windows".into(), "arm64".into()));
    assert_eq!(file.cluster.node_groups[1].max_pods, 58);
}

#[test]
fn local_zones_stand_after_the_control_planes_zones() {
    let file = cluster("own/local-zones.yaml");
    assert_eq!(zones(&file), "us-west-2a us-west-2b us-west-2c* us-west-2-lax-1a us-west-2-lax-1b");
    assert_eq!(
        groups("own/local-zones.yaml"),
        ["in-los-angeles self t3.xlarge 2/2/2 3", "in-oregon self m5.large 2/2/2 01"]
    );
}

#[test]
fn an_outpost_has_one_zone_and_a_warning() {
    let file = cluster("own/outpost.yaml");
    assert_eq!(zones(&file), "us-west-2a us-west-2b* us-west-2c*");
    assert_eq!(fields(&file, NoteKind::Warning), ["4 outpost"]);
}

#[test]
fn json_lists_and_files_for_node_groups_only() {
    assert_eq!(zones(&cluster("own/five-zones.json")), "us-east-1f us-east-1a us-east-1b us-east-1c us-east-1d");
    assert_eq!(groups("own/five-zones.json"), ["a managed r5.4xlarge 5/5/50 0", "b managed t3a.medium 2/2/4 01234"]);
    assert_eq!(cluster("own/list.yaml").cluster.name, "listed");
    assert_eq!(
        groups("own/node-groups-only.yaml"),
        [
            "ng-a self m5.large 2/2/2 01",
            "ng-zero self m5.large 0/0/0 012",
            "zero managed m5.large 0/0/1 012",
            "min-only managed m5.large 3/3/3 012",
        ]
    );
}

#[test]
fn groups_keep_the_order_of_the_file() {
    let text = "managedNodeGroups: [{name: z}, {name: y}]\nnodeGroups: [{name: b}, {name: a}]\n";
    let names = parsed(&with("eu-west-1", text)).cluster.node_groups.into_iter().map(|group| group.name);
    assert_eq!(names.collect::<Vec<_>>(), ["z", "y", "b", "a"]);
}

#[test]
fn every_instance_type_of_the_catalogue_is_taken() {
    for each in scenarios::catalogue::instance_types() {
        let file = parsed(&with("us-east-1", &format!("nodeGroups: [{{name: a, instanceType: {}}}]", each.name)));
        assert_eq!(file.cluster.node_groups[0].instance_type, each.name);
    }
}

#[test]
fn every_zone_of_every_region_is_taken() {
    for name in scenarios::catalogue::region_names() {
        let zones = scenarios::catalogue::region(name).expect("listed").zones();
        let file = parsed(&with(name, &format!("availabilityZones: [{}]", zones.join(", "))));
        assert!(
            file.cluster.zones.len() >= 3
                && file.cluster.zones.iter().filter(|zone| zone.in_cluster).count() == zones.len()
        );
    }
}
