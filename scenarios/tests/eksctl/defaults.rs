//! The defaults that eksctl fills in, one test for each row of its rules; each is noted.

use super::{fields, parsed, shown, with, zones};
use scenarios::eksctl::ClusterFile;
use sim_eks::plan::NoteKind;

fn filled(file: &ClusterFile, field: &str) -> String {
    let note = file.notes.iter().find(|note| note.kind == NoteKind::Filled && note.field == field);
    note.unwrap_or_else(|| panic!("no note on {field}: {:?}", fields(file, NoteKind::Filled))).text.clone()
}

/// The sizes of one group with these fields.
fn sizes(kind: &str, sizes: &str) -> (u32, u32, u32) {
    let file = parsed(&with("eu-west-1", &format!("{kind}: [{{name: a, {sizes}}}]")));
    let group = &file.cluster.node_groups[0];
    (group.min, group.desired, group.max)
}

#[test]
fn sizes_are_filled_in_as_eksctl_does() {
    for kind in ["nodeGroups", "managedNodeGroups"] {
        assert_eq!(sizes(kind, ""), (2, 2, 2));
        assert_eq!(sizes(kind, "desiredCapacity: 5"), (5, 5, 5));
        assert_eq!(sizes(kind, "minSize: 3"), (3, 3, 3));
        assert_eq!(sizes(kind, "minSize: 1, maxSize: 9"), (1, 1, 9));
        assert_eq!(sizes(kind, "maxSize: 9"), (2, 2, 9));
        assert_eq!(sizes(kind, "minSize: 1, desiredCapacity: 4"), (1, 4, 4));
        assert_eq!(sizes(kind, "desiredCapacity: 4, maxSize: 8"), (4, 4, 8));
        assert_eq!(sizes(kind, "minSize: 0, desiredCapacity: 0, maxSize: 3"), (0, 0, 3));
    }
}

#[test]
fn a_managed_group_has_room_for_one_node() {
    assert_eq!(sizes("managedNodeGroups", "desiredCapacity: 0"), (0, 0, 1));
    assert_eq!(sizes("nodeGroups", "desiredCapacity: 0"), (0, 0, 0));
}

#[test]
fn what_a_group_leaves_out_is_filled_in_and_noted() {
    let file = parsed(&with("eu-west-1", "managedNodeGroups:\n- name: a\n"));
    for (field, text) in [
        ("managedNodeGroups[0].minSize", "2: eksctl's default"),
        ("managedNodeGroups[0].desiredCapacity", "2: the group starts"),
        ("managedNodeGroups[0].maxSize", "2: eksctl takes"),
        ("managedNodeGroups[0].instanceType", "m5.large: eksctl's default"),
        ("managedNodeGroups[0].amiFamily", "AmazonLinux2023"),
        ("managedNodeGroups[0].volumeSize", "80 GiB"),
        ("managedNodeGroups[0].volumeType", "gp3 (3,000 IOPS, 125 MiB/s)"),
        ("managedNodeGroups[0].privateNetworking", "false: the nodes are in the public subnets"),
    ] {
        assert!(filled(&file, field).starts_with(text), "{field}: {}", filled(&file, field));
    }
    let note = file.notes.iter().find(|note| note.field == "managedNodeGroups[0].minSize").expect("noted");
    assert_eq!(note.place, "cluster.yaml:6");
}

#[test]
fn what_the_network_leaves_out_is_filled_in_and_noted() {
    let file = parsed(&with("eu-west-1", ""));
    for (field, text) in [
        ("vpc.cidr", "192.168.0.0/16"),
        ("vpc.nat.gateway", "Single"),
        ("vpc.clusterEndpoints.publicAccess", "true"),
        ("vpc.clusterEndpoints.privateAccess", "false"),
        ("vpc.subnets", "one public and one private subnet for each of 3 zones, /19 each"),
        ("availabilityZones", "eu-west-1a, eu-west-1b, eu-west-1c: eksctl chooses 3 zones at random"),
    ] {
        assert!(filled(&file, field).starts_with(text), "{field}: {}", filled(&file, field));
    }
}

#[test]
fn each_half_of_the_endpoints_defaults_by_itself() {
    let file = parsed(&with("eu-west-1", "vpc: {clusterEndpoints: {privateAccess: true}}"));
    assert_eq!(filled(&file, "vpc.clusterEndpoints.publicAccess"), "true: eksctl's default");
    let file = parsed(&with("eu-west-1", "vpc: {clusterEndpoints: {publicAccess: false, privateAccess: true}}"));
    assert!(!fields(&file, NoteKind::Filled).iter().any(|field| field.contains("clusterEndpoints")));
}

#[test]
fn zones_are_the_first_by_letter_that_eksctl_would_take() {
    for (region, expected) in [
        ("eu-west-1", "eu-west-1a eu-west-1b eu-west-1c"),
        ("us-east-1", "us-east-1a us-east-1b us-east-1c*"),
        ("us-west-1", "us-west-1a us-west-1b us-west-1-third-zone*"),
        ("ca-central-1", "ca-central-1a ca-central-1b ca-central-1d"),
        ("us-west-2", "us-west-2a us-west-2b us-west-2c"),
        ("ap-northeast-1", "ap-northeast-1a ap-northeast-1c ap-northeast-1d"),
    ] {
        assert_eq!(zones(&parsed(&with(region, ""))), expected);
    }
}

#[test]
fn zones_that_a_group_names_come_first() {
    let file = parsed(&with("us-west-2", "nodeGroups: [{name: a, availabilityZones: [us-west-2d]}, {name: b}]"));
    assert_eq!(zones(&file), "us-west-2a us-west-2b us-west-2d");
    let groups: Vec<String> = file.cluster.node_groups.iter().map(shown).collect();
    assert_eq!(groups, ["a self m5.large 2/2/2 2", "b self m5.large 2/2/2 012"]);
    assert!(filled(&file, "availabilityZones").contains("those that node groups name before all others"));
}

#[test]
fn the_control_plane_has_three_zones_in_any_case() {
    let two = parsed(&with("eu-west-1", "availabilityZones: [eu-west-1c, eu-west-1b]"));
    assert_eq!(zones(&two), "eu-west-1c eu-west-1b eu-west-1a*");
    let five =
        parsed(&with("us-east-1", "availabilityZones: [us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1f]"));
    assert_eq!(zones(&five), "us-east-1a us-east-1b us-east-1c us-east-1d us-east-1f");
    assert!(filled(&five, "vpc.subnets").contains("/20 each"), "10 subnets need four more bits");
}

#[test]
fn the_version_keeps_its_source_text() {
    let version = |line: &str| {
        let head = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: c\n  region: eu-west-1\n";
        let version = parsed(&format!("{head}{line}")).cluster.version;
        (version.major, version.minor)
    };
    assert_eq!(version(""), (1, 34));
    for (line, minor) in [("1.30", 30), ("1.29", 29), ("\"1.33\"", 33), ("'1.18'", 18), ("!!str 1.31", 31)] {
        assert_eq!(version(&format!("  version: {line}\n")), (1, minor), "{line}");
    }
}

#[test]
fn max_pods_of_a_user_lower_what_the_kubelet_keeps() {
    let file = parsed(&with("eu-west-1", "nodeGroups: [{name: a, maxPodsPerNode: 110}, {name: b}]"));
    let groups = &file.cluster.node_groups;
    assert_eq!((groups[0].max_pods, groups[1].max_pods), (110, 29));
    assert_eq!(groups[0].allocatable.memory_mib, 8192 - 255 - 11 * 110 - 100);
}
