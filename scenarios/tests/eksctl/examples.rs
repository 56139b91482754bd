//! The 16 files of eksctl's authors, each with its expected outcome: all of them run.

use super::{cluster, data, fields, shown, zones};
use sim_eks::plan::NoteKind;
use sim_eks::quantity::Resources;

/// What a file must give.
struct Outcome {
    file: &'static str,
    /// Nodes, smallest, first and largest number, over all groups.
    nodes: (u32, u32, u32),
    zones: &'static str,
    groups: &'static [&'static str],
    /// Every field that is listed as not modelled, with its line; the prices (line 0) are left out.
    not_modelled: &'static [&'static str],
    warnings: &'static [&'static str],
}

const OUTCOMES: [Outcome; 16] = [
    Outcome {
        file: "01-simple-cluster.yaml",
        nodes: (1, 1, 1),
        zones: "eu-north-1a eu-north-1b eu-north-1c",
        groups: &["ng-1 self m5.large 1/1/1 012"],
        not_modelled: &["15 cloudWatch"],
        warnings: &[],
    },
    Outcome {
        file: "02-custom-vpc-cidr-no-nodes.yaml",
        nodes: (0, 0, 0),
        zones: "eu-north-1a eu-north-1b eu-north-1c",
        groups: &[],
        not_modelled: &["14 vpc.autoAllocateIPv6", "15 vpc.hostnameType"],
        warnings: &[],
    },
    Outcome {
        file: "03-two-nodegroups.yaml",
        nodes: (14, 14, 14),
        zones: "eu-north-1a eu-north-1b eu-north-1c",
        groups: &["ng1-public self m5.xlarge 4/4/4 012", "ng2-private self m5.large 10/10/10 012"],
        not_modelled: &["13 nodeGroups[0].instanceName"],
        warnings: &[],
    },
    Outcome {
        file: "04-existing-vpc.yaml",
        nodes: (2, 2, 2),
        zones: "eu-north-1a eu-north-1b eu-north-1c",
        groups: &["ng-1 self m5.xlarge 2/2/2 012"],
        not_modelled: &[],
        warnings: &[],
    },
    Outcome {
        file: "05-advanced-nodegroups.yaml",
        nodes: (8, 8, 14),
        zones: "eu-west-2a eu-west-2b eu-west-2c",
        groups: &[
            "ng1-public self m5.xlarge 2/2/8 012",
            "ng2-private-a self m5.large 2/2/2 012",
            "ng3-private-b self c3.8xlarge 4/4/4 0",
        ],
        not_modelled: &[
            "16 nodeGroups[0].volumeType",
            "17 nodeGroups[0].ami",
            "18 nodeGroups[0].amiFamily",
            "20 nodeGroups[0].disableIMDSv1",
            "23 nodeGroups[0].iam",
            "32 nodeGroups[1].targetGroupARNs",
            "35 nodeGroups[1].preBootstrapCommands",
            "45 nodeGroups[2].classicLoadBalancerNames",
            "47 nodeGroups[2].asgMetricsCollection",
            "64 nodeGroups[2].preBootstrapCommands",
        ],
        warnings: &[],
    },
    Outcome {
        file: "08-spot-instances.yaml",
        nodes: (2, 2, 5),
        zones: "eu-central-1a eu-central-1b eu-central-1c",
        groups: &["ng-1 self t3.small 2/2/5 012"],
        not_modelled: &[
            "14 nodeGroups[0].instancesDistribution",
            "15 nodeGroups[0].instancesDistribution.maxPrice",
            "16 nodeGroups[0].instancesDistribution.instanceTypes",
            "19 nodeGroups[0].instancesDistribution.spotInstancePools",
        ],
        warnings: &[],
    },
    Outcome {
        file: "09-nat-gateways.yaml",
        nodes: (2, 2, 2),
        zones: "eu-west-1a eu-west-1b eu-west-1c",
        groups: &["ng-1 self m5.xlarge 2/2/2 012"],
        not_modelled: &[],
        warnings: &[],
    },
    Outcome {
        file: "15-managed-nodes.yaml",
        nodes: (8, 9, 10),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &[
            "managed-ng-public managed m5.large 2/3/4 01",
            "managed-ng-private managed m5.large 2/2/2 012",
            "custom-ami managed m5.large 2/2/2 012",
            "custom-launch-template managed m5.large 2/2/2 012",
        ],
        not_modelled: &[
            "18 managedNodeGroups[0].updateConfig",
            "35 managedNodeGroups[0].tags",
            "37 managedNodeGroups[0].iam",
            "48 managedNodeGroups[2].amiFamily",
            "49 managedNodeGroups[2].ami",
            "50 managedNodeGroups[2].preBootstrapCommands",
            "53 managedNodeGroups[2].overrideBootstrapCommand",
            "58 managedNodeGroups[3].launchTemplate",
        ],
        warnings: &[],
    },
    Outcome {
        file: "16-fargate-profile.yaml",
        nodes: (1, 1, 1),
        zones: "ap-northeast-1a ap-northeast-1c ap-northeast-1d",
        groups: &["ng-1 self m5.large 1/1/1 012"],
        not_modelled: &["32 fargateProfiles[1].tags"],
        warnings: &[],
    },
    Outcome {
        file: "24-nodegroup-subnets.yaml",
        nodes: (4, 4, 4),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &["ng-1 self m5.xlarge 2/2/2 01", "ng-2 self m5.xlarge 2/2/2 02"],
        not_modelled: &[],
        warnings: &[],
    },
    Outcome {
        file: "25-addons.yaml",
        nodes: (2, 2, 2),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &["mng1 managed m5.large 2/2/2 012"],
        not_modelled: &["8 iam", "14 addons"],
        warnings: &["6 metadata.version"],
    },
    Outcome {
        file: "26-managed-nodegroup-spot-instances.yaml",
        nodes: (6, 6, 6),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &[
            "spot managed c3.large 2/2/2 012 spot",
            "spot-2 managed m5.large 2/2/2 012 spot",
            "on-demand managed c3.large 2/2/2 012",
        ],
        not_modelled: &["12 managedNodeGroups[0].instanceTypes", "21 managedNodeGroups[2].instanceTypes"],
        warnings: &[],
    },
    Outcome {
        file: "29-cluster-with-karpenter.yaml",
        nodes: (1, 1, 2),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &["managed-ng-1 managed m5.large 1/1/2 012"],
        not_modelled: &["8 metadata.tags", "11 iam", "14 karpenter"],
        warnings: &["7 metadata.version"],
    },
    Outcome {
        file: "30-vpc-with-ip-family.yaml",
        nodes: (2, 2, 2),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &["mng-1 managed m5.large 2/2/2 012"],
        not_modelled: &["14 addons", "39 iam"],
        warnings: &["9 metadata.version"],
    },
    Outcome {
        file: "34-taints.yaml",
        nodes: (8, 8, 26),
        // Most accounts see two zones of us-west-1; the control plane needs a third one.
        zones: "us-west-1a us-west-1b us-west-1-third-zone*",
        groups: &[
            "ng1-public self m5.xlarge 2/2/8 01",
            "ng2-private self m5.xlarge 2/2/8 01",
            "ng3-public self m5.xlarge 2/2/8 01",
            "mng1-public managed m5.large 2/2/2 01",
        ],
        not_modelled: &[],
        warnings: &[],
    },
    Outcome {
        file: "41-zonal-shift.yaml",
        nodes: (0, 0, 0),
        zones: "us-west-2a us-west-2b us-west-2c",
        groups: &[],
        not_modelled: &["10 zonalShiftConfig"],
        warnings: &[],
    },
];

#[test]
fn each_file_gives_what_is_expected_of_it() {
    for expected in &OUTCOMES {
        let file = cluster(expected.file);
        let groups = &file.cluster.node_groups;
        let sum = |size: fn(&sim_eks::plan::NodeGroup) -> u32| groups.iter().map(size).sum::<u32>();
        let nodes = (sum(|group| group.min), sum(|group| group.desired), sum(|group| group.max));
        assert_eq!(nodes, expected.nodes, "{}", expected.file);
        assert_eq!(zones(&file), expected.zones, "{}", expected.file);
        assert_eq!(groups.iter().map(shown).collect::<Vec<_>>(), expected.groups, "{}", expected.file);
        let mut not_modelled = fields(&file, NoteKind::NotModelled);
        not_modelled.retain(|field| !field.starts_with("0 "));
        assert_eq!(not_modelled, expected.not_modelled, "{}", expected.file);
        assert_eq!(fields(&file, NoteKind::Warning), expected.warnings, "{}", expected.file);
    }
}

#[test]
fn no_file_of_the_folder_is_left_out() {
    let files = std::fs::read_dir(data("")).expect("the folder is there");
    let names = files.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    let mut yaml: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
    yaml.sort();
    assert_eq!(yaml, OUTCOMES.map(|outcome| outcome.file.to_owned()));
}

#[test]
fn labels_taints_and_daemon_sets_are_read() {
    let file = cluster("05-advanced-nodegroups.yaml");
    let group = &file.cluster.node_groups[2];
    assert_eq!(group.labels["nodegroup-type"], "very-special-science-workloads");
    assert_eq!(group.labels["alpha.eksctl.io/nodegroup-name"], "ng3-private-b");
    assert_eq!(format!("{:?}", group.taints), r#"[Taint { key: "special", value: "true", effect: NoSchedule }]"#);
    let taints = &cluster("15-managed-nodes.yaml").cluster.node_groups[0].taints;
    assert_eq!((taints[1].key.as_str(), taints[1].value.as_str()), ("key2", ""));
    let daemon_sets = file.cluster.daemon_sets.iter().map(|set| (set.name.as_str(), set.requests.milli_cpu));
    assert_eq!(daemon_sets.collect::<Vec<_>>(), [("aws-node", 50), ("kube-proxy", 100)]);
}

#[test]
fn a_node_gives_to_pods_what_eks_leaves() {
    let group = &cluster("01-simple-cluster.yaml").cluster.node_groups[0];
    assert_eq!(group.allocatable, Resources { milli_cpu: 1930, memory_mib: 7518 });
    assert_eq!(group.max_pods, 29);
}
