//! A corpus of wrong files: each is refused at its line, with a remedy.

use super::with;
use scenarios::eksctl::{parse, read};
use std::path::Path;

fn errors(text: &str) -> Vec<String> {
    let errors = parse(Path::new("f.yaml"), text).expect_err(text);
    errors.0.iter().map(ToString::to_string).collect()
}

/// The text must be refused with one error that begins and ends so.
fn refused(text: &str, start: &str, end: &str) {
    let errors = errors(text);
    assert!(
        errors.len() == 1 && errors[0].starts_with(start) && errors[0].ends_with(end),
        "wanted {start} ... {end}, got {errors:#?}"
    );
}

/// In a cluster in us-west-2, of which the given text begins on line 5.
fn refused_in(rest: &str, start: &str, end: &str) {
    refused(&with("us-west-2", rest), start, end);
}

#[test]
fn what_is_no_cluster_config() {
    for (text, start, end) in [
        ("", "f.yaml: the file is empty;", "kind: ClusterConfig)"),
        ("# only a comment\n", "f.yaml: the file is empty;", "kind: ClusterConfig)"),
        ("hello\n", "f.yaml:1: found hello;", "kind: ClusterConfig)"),
        ("- a\n- b\n", "f.yaml:1: found a list;", "kind: ClusterConfig)"),
        ("a: 1\n", "f.yaml:1: kind: found no kind;", "kind: ClusterConfig)"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "f.yaml:2: kind: found kind Deployment;", "kind: ClusterConfig)"),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: Clusterconfig\n",
            "f.yaml:2: kind: found kind Clusterconfig;",
            "did you mean ClusterConfig",
        ),
        (
            "apiVersion: eksctl.io/v1alpha4\nkind: ClusterConfig\n",
            "f.yaml:1: apiVersion: found eksctl.io/v1alpha4;",
            "did you mean eksctl.io/v1alpha5",
        ),
        ("kind: ClusterConfig\n", "f.yaml:1: apiVersion: found nothing;", "allowed is eksctl.io/v1alpha5"),
    ] {
        refused(text, start, end);
    }
    let twice = format!("{}\n---\n{}", with("eu-west-1", ""), with("eu-west-1", ""));
    refused(&twice, "f.yaml:7: kind: a second ClusterConfig, the first is on line 1;", "one cluster");
}

#[test]
fn what_is_no_yaml() {
    for (text, start) in [
        ("a: [1, 2\n", "f.yaml:"),
        ("a: b: c\n", "f.yaml:1: not YAML:"),
        ("a:\n\tb: 1\n", "f.yaml:2: not YAML:"),
        ("a: *nowhere\n", "f.yaml:1: not YAML:"),
        ("{{- if .Values.x }}\nkind: ClusterConfig\n", "f.yaml:1: found the template"),
        ("metadata: {{ cluster }}\n", "f.yaml:1: found a mapping or list as a key"),
        ("a: !Sub x\n", "f.yaml:1: found the tag !Sub"),
        ("a: \"open\n", "f.yaml:"),
    ] {
        refused(text, start, "");
    }
}

#[test]
fn unknown_fields() {
    for (rest, start, end) in [
        ("nodeGroup: []", "f.yaml:5: nodeGroup: unknown field", "did you mean nodeGroups"),
        ("managedNodegroups: []", "f.yaml:5: managedNodegroups: unknown field", "did you mean managedNodeGroups"),
        (
            "nodeGroups:\n- name: a\n  desiredCapactiy: 1",
            "f.yaml:7: nodeGroups[0].desiredCapactiy: unknown field",
            "did you mean desiredCapacity",
        ),
        (
            "nodeGroups:\n- name: a\n  minsize: 1",
            "f.yaml:7: nodeGroups[0].minsize: unknown field",
            "did you mean minSize",
        ),
        ("nodeGroups: [{name: a, spot: true}]", "f.yaml:5: nodeGroups[0].spot: unknown field", ""),
        (
            "nodeGroups: [{name: a, launchTemplate: {id: lt-1}}]",
            "f.yaml:5: nodeGroups[0].launchTemplate: unknown field",
            "it belongs to managedNodeGroups[]",
        ),
        ("region: eu-west-1", "f.yaml:5: region: unknown field here", "it belongs to metadata"),
        (
            "vpc: {clusterEndpoints: {public: true}}",
            "f.yaml:5: vpc.clusterEndpoints.public: unknown field",
            "allowed are privateAccess, publicAccess",
        ),
        (
            "iam: {serviceAccounts: [{metadata: {nam: x}}]}",
            "f.yaml:5: iam.serviceAccounts[0].metadata.nam: unknown field",
            "did you mean name",
        ),
        (
            "vpc: {subnets: {private: {us-west-2a: {subnetId: x}}, public: {us-west-2a: {id: a}, us-west-2b: {id: b}}}}",
            "f.yaml:5: vpc.subnets.private",
            "",
        ),
    ] {
        let all = errors(&with("us-west-2", rest));
        assert!(
            all.iter().any(|error| error.starts_with(start) && error.ends_with(end)),
            "wanted {start} ... {end}, got {all:#?}"
        );
    }
}

#[test]
fn values_of_the_wrong_type() {
    for (rest, start, end) in [
        (
            "nodeGroups: [{name: a, desiredCapacity: two}]",
            "f.yaml:5: nodeGroups[0].desiredCapacity: found two;",
            "a whole number, without quotes",
        ),
        (
            "nodeGroups: [{name: a, minSize: \"2\"}]",
            "f.yaml:5: nodeGroups[0].minSize: found \"2\";",
            "a whole number, without quotes",
        ),
        (
            "nodeGroups: [{name: a, minSize: 1.5}]",
            "f.yaml:5: nodeGroups[0].minSize: found 1.5;",
            "a whole number, without quotes",
        ),
        (
            "nodeGroups: [{name: a, privateNetworking: \"true\"}]",
            "f.yaml:5: nodeGroups[0].privateNetworking: found \"true\";",
            "without quotes",
        ),
        ("nodeGroups: {name: a}", "f.yaml:5: nodeGroups: found a mapping;", "a list (`- ...` lines)"),
        ("availabilityZones: us-west-2a", "f.yaml:5: availabilityZones: found us-west-2a;", "a list (`- ...` lines)"),
        ("nodeGroups: [a]", "", ""),
        ("vpc: [1]", "f.yaml:5: vpc: found a list;", "a mapping (`name: value` lines)"),
        (
            "nodeGroups: [{name: a, labels: [x]}]",
            "f.yaml:5: nodeGroups[0].labels: found a list;",
            "a mapping (`name: value` lines)",
        ),
        ("nodeGroups: [{name: [a]}]", "f.yaml:5: nodeGroups[0].name: found a list;", "a string"),
    ] {
        let all = errors(&with("us-west-2", rest));
        assert!(
            all.iter().any(|error| error.starts_with(start) && error.ends_with(end)),
            "wanted {start} ... {end}, got {all:#?}"
        );
    }
}

#[test]
fn placeholders_left_in() {
    for (rest, start) in [
        ("nodeGroups: [{name: \"${NAME}\"}]", "f.yaml:5: nodeGroups[0].name: found the placeholder ${NAME}"),
        (
            "nodeGroups: [{name: a, instanceType: \"{{ type }}\"}]",
            "f.yaml:5: nodeGroups[0].instanceType: found the placeholder {{ type }}",
        ),
        (
            "nodeGroups: [{name: a, desiredCapacity: <nodes>}]",
            "f.yaml:5: nodeGroups[0].desiredCapacity: found the placeholder <nodes>",
        ),
        (
            "nodeGroups: [{name: a, tags: {team: <your team>}}]",
            "f.yaml:5: nodeGroups[0].tags.team: found the placeholder <your team>",
        ),
        ("availabilityZones: [\"${A}\", \"${B}\"]", "f.yaml:5: availabilityZones[0]: found the placeholder ${A}"),
        ("vpc: {id: \"${VPC}\"}", "f.yaml:5: vpc.id: found the placeholder ${VPC}"),
    ] {
        let all = errors(&with("us-west-2", rest));
        assert!(all[0].starts_with(start), "wanted {start}, got {all:#?}");
        assert!(all.iter().all(|error| error.contains("placeholder")), "{all:#?}");
    }
    let region =
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: $NAME\n  region: ${AWS_REGION}\n";
    assert_eq!(
        errors(region),
        [
            "f.yaml:4: metadata.name: found $NAME; a name has letters, digits and hyphens only",
            "f.yaml:5: metadata.region: found the placeholder ${AWS_REGION}; write the value itself",
        ]
    );
}

#[test]
fn sizes_that_contradict_themselves() {
    for (sizes, start, end) in [
        (
            "minSize: 3\n  desiredCapacity: 2",
            "f.yaml:8: nodeGroups[0].desiredCapacity: found 2, below minSize 3",
            "3 and more",
        ),
        (
            "maxSize: 3\n  desiredCapacity: 4",
            "f.yaml:8: nodeGroups[0].desiredCapacity: found 4, above maxSize 3",
            "3 and less",
        ),
        ("minSize: 3\n  maxSize: 2", "f.yaml:8: nodeGroups[0].maxSize: found 2, below minSize 3", "3 and more"),
        ("maxSize: 1", "f.yaml:7: nodeGroups[0].maxSize: found 1, below minSize, which is 2", "give minSize"),
        ("desiredCapacity: -1", "f.yaml:7: nodeGroups[0].desiredCapacity: found -1;", "0 to 100000"),
        ("minSize: 100001", "f.yaml:7: nodeGroups[0].minSize: found 100001;", "0 to 100000"),
        (
            "desiredCapacity: 1\n  maxPodsPerNode: -5",
            "f.yaml:8: nodeGroups[0].maxPodsPerNode: found -5;",
            "1 to 1000 pods",
        ),
    ] {
        refused_in(&format!("nodeGroups:\n- name: a\n  {sizes}"), start, end);
    }
    refused_in(
        "managedNodeGroups: [{name: a, desiredCapacity: 60000}, {name: b, desiredCapacity: 60000}]",
        "f.yaml: nodeGroups: found 120000 nodes in all",
        "100000",
    );
}

#[test]
fn instance_types_that_are_not_there() {
    for (fields, start, end) in [
        ("instanceType: m5.larg", "f.yaml:7: nodeGroups[0].instanceType: found m5.larg;", "did you mean m5.large"),
        ("instanceType: M5.Large", "f.yaml:7: nodeGroups[0].instanceType: found M5.Large;", "did you mean m5.large"),
        (
            "instanceType: p2.8xlarge",
            "f.yaml:7: nodeGroups[0].instanceType: found p2.8xlarge;",
            "did you mean p3.8xlarge",
        ),
        ("instanceType: t3.gigantic", "f.yaml:7: nodeGroups[0].instanceType: found t3.gigantic;", ""),
        ("instanceType: x99.huge", "f.yaml:7: nodeGroups[0].instanceType: found x99.huge;", ""),
        (
            "instancesDistribution: {instanceTypes: [m5.large, m5.lagre]}",
            "f.yaml:7: nodeGroups[0].instancesDistribution.instanceTypes[1]: found m5.lagre;",
            "did you mean m5.large",
        ),
        (
            "instanceType: m5.large\n  instancesDistribution: {instanceTypes: [m5.large]}",
            "f.yaml:7: nodeGroups[0].instanceType: cannot stand beside instancesDistribution;",
            "",
        ),
    ] {
        refused_in(&format!("nodeGroups:\n- name: a\n  {fields}"), start, end);
    }
}

#[test]
fn regions_and_zones_that_are_not_there() {
    refused(
        &with("eu-wset-1", ""),
        "f.yaml:3: metadata.region: found eu-wset-1; no such AWS region",
        "did you mean eu-west-1",
    );
    refused(&with("moon-1", ""), "f.yaml:3: metadata.region: found moon-1; no such AWS region", "such as eu-west-1");
    for (rest, start, end) in [
        ("availabilityZones: [us-west-2a, us-west-2x]", "f.yaml:5: availabilityZones[1]: found us-west-2x;", ""),
        (
            "availabilityZones: [us-west-2a, us-west-1b]",
            "f.yaml:5: availabilityZones[1]: found us-west-1b, a zone of us-west-1;",
            "us-west-2a, us-west-2b, us-west-2c, us-west-2d",
        ),
        ("availabilityZones: [us-west-2a]", "f.yaml:5: availabilityZones: found 1 zone;", "at least 2 zones"),
        (
            "availabilityZones: [us-west-2a, us-west-2b, us-west-2-lax-1a]",
            "f.yaml:5: availabilityZones[2]: found us-west-2-lax-1a, a local zone;",
            "localZones",
        ),
        (
            "localZones: [us-west-2a]",
            "f.yaml:5: localZones[0]: found us-west-2a, an availability zone;",
            "us-west-2-lax-1a",
        ),
        (
            "availabilityZones: [us-west-2a, us-west-2b]\nnodeGroups: [{name: a, availabilityZones: [us-west-2c]}]",
            "f.yaml:6: nodeGroups[0].availabilityZones: found us-west-2c,",
            "us-west-2a, us-west-2b",
        ),
        (
            "nodeGroups: [{name: a, availabilityZones: [eu-west-1a]}]",
            "f.yaml:5: nodeGroups[0].availabilityZones[0]: found eu-west-1a, a zone of eu-west-1;",
            "",
        ),
        (
            "localZones: [us-west-2-lax-1a]\nnodeGroups: [{name: a, localZones: [us-west-2-den-1a]}]",
            "f.yaml:6: nodeGroups[0].localZones: found us-west-2-den-1a,",
            "localZones names",
        ),
        (
            "nodeGroups: [{name: a, localZones: [us-west-2-lax-1a]}]",
            "f.yaml:5: nodeGroups[0].localZones: found us-west-2-lax-1a,",
            "localZones names",
        ),
    ] {
        refused_in(rest, start, end);
    }
    let many: Vec<String> =
        ["lax", "den", "las", "phx", "pdx", "sea", "hnl"].iter().map(|place| format!("us-west-2-{place}-1a")).collect();
    let many = format!("localZones: [{}]", many.join(", "));
    refused_in(&many, "f.yaml:5: availabilityZones: found 10 zones, so 20 subnets;", "for 8 zones");
}

const PRIVATE: &str = "vpc: {id: vpc-1, subnets: {private: {us-west-2a: {id: a}, us-west-2b: {id: b}}}}";
const BOTH: &str = "vpc: {subnets: {private: {p1: {id: subnet-1, az: us-west-2a}, p2: {id: subnet-2, az: us-west-2b}}, public: {o1: {id: subnet-3, az: us-west-2a}, o2: {id: subnet-4, az: us-west-2b}}}}";

#[test]
fn subnets_that_do_not_fit() {
    for (vpc, rest, start, end) in [
        (
            PRIVATE,
            "nodeGroups: [{name: a}]",
            "f.yaml:6: nodeGroups[0].privateNetworking: must be true:",
            "private subnets only",
        ),
        (
            PRIVATE,
            "availabilityZones: [us-west-2a, us-west-2b]",
            "f.yaml:6: availabilityZones: cannot stand beside vpc.subnets",
            "",
        ),
        (
            BOTH,
            "nodeGroups: [{name: a, subnets: [o3]}]",
            "f.yaml:6: nodeGroups[0].subnets[0]: found o3; vpc.subnets has",
            "did you mean o1",
        ),
        (
            BOTH,
            "nodeGroups: [{name: a, subnets: [p1]}]",
            "f.yaml:6: nodeGroups[0].subnets[0]: found p1, a private subnet;",
            "privateNetworking: true",
        ),
        (
            BOTH,
            "nodeGroups: [{name: a, availabilityZones: [us-west-2c]}]",
            "f.yaml:6: nodeGroups[0].availabilityZones: found us-west-2c,",
            "us-west-2a, us-west-2b",
        ),
        (
            BOTH,
            "nodeGroups: [{name: a, subnets: [o1], availabilityZones: [us-west-2a]}]",
            "f.yaml:6: nodeGroups[0].subnets: cannot stand beside availabilityZones",
            "",
        ),
        (
            "",
            "nodeGroups: [{name: a, subnets: [front]}]",
            "f.yaml:6: nodeGroups[0].subnets[0]: found front;",
            "(subnet-...) is wanted",
        ),
        ("vpc: {subnets: {public: {us-west-2a: {id: a}}}}", "", "f.yaml:5: vpc.subnets", ""),
        (
            "vpc: {subnets: {public: {x: {id: a, az: us-west-2a}, y: {id: b, az: us-west-2a}}}}",
            "",
            "f.yaml:5: vpc.subnets: the subnets lie in us-west-2a only",
            "",
        ),
        (
            "vpc: {subnets: {public: {us-west-2a: {id: a}, eu-west-1b: {id: b}, us-west-2b: {id: c}}}}",
            "",
            "f.yaml:5: vpc.subnets.public.eu-west-1b: found eu-west-1b, a zone of eu-west-1",
            "",
        ),
        (
            "vpc: {subnets: {public: {us-west-2a: {id: a}, us-west-2b: {id: b}}}}",
            "fargateProfiles: [{name: f, selectors: [{namespace: x}]}]",
            "f.yaml:6: fargateProfiles: needs private subnets",
            "",
        ),
        (
            "vpc: {subnets: {public: {a: {id: subnet-a, az: us-west-2a}, d: {id: subnet-d, az: us-west-2b}}, private: {b: {id: subnet-b, az: us-west-2b}, c: {id: subnet-c, az: us-west-2c}}}}",
            "fargateProfiles: [{name: f, selectors: [{namespace: x}], subnets: [subnet-a]}]",
            "f.yaml:6: fargateProfiles[0].subnets[0]: found subnet-a, a public subnet; Fargate takes private ones only",
            "",
        ),
        (
            "vpc: {subnets: {public: {us-west-2a: {id: a}, us-west-2b: {id: b}}}}",
            "nodeGroups: [{name: a, privateNetworking: true}]",
            "f.yaml:6: nodeGroups[0].privateNetworking: is true, but",
            "public subnets only",
        ),
    ] {
        let all = errors(&with("us-west-2", &format!("{vpc}\n{rest}")));
        assert!(all[0].starts_with(start) && all[0].ends_with(end), "wanted {start} ... {end}, got {all:#?}");
    }
}

#[test]
fn contradictions_of_the_endpoint() {
    for (rest, start, end) in [
        (
            "vpc: {clusterEndpoints: {publicAccess: false, privateAccess: false}}",
            "f.yaml:5: vpc.clusterEndpoints: both endpoints are off;",
            "",
        ),
        (
            "vpc: {clusterEndpoints: {publicAccess: false}}",
            "f.yaml:5: vpc.clusterEndpoints: both endpoints are off (privateAccess is off",
            "",
        ),
        (
            "privateCluster: {enabled: true}\nvpc: {clusterEndpoints: {privateAccess: true}}",
            "f.yaml:6: vpc.clusterEndpoints.privateAccess: cannot be given:",
            "the private endpoint only",
        ),
        (
            "privateCluster: {enabled: true}\nnodeGroups: [{name: a}]",
            "f.yaml:6: nodeGroups[0].privateNetworking: must be true:",
            "(privateCluster.enabled)",
        ),
        (
            "privateCluster: {enabled: true, skipEndpointCreation: true, additionalEndpointServices: [logs]}",
            "f.yaml:5: privateCluster.additionalEndpointServices: cannot stand beside",
            "",
        ),
        (
            "privateCluster: {enabled: true, additionalEndpointServices: [autoscalling]}",
            "f.yaml:5: privateCluster.additionalEndpointServices[0]: found autoscalling;",
            "did you mean autoscaling",
        ),
        ("privateCluster: {enabled: true}\nvpc: {id: vpc-1}", "f.yaml:6: vpc.subnets.private: missing;", ""),
        (
            "vpc: {nat: {gateway: HighAvailable}}",
            "f.yaml:5: vpc.nat.gateway: found HighAvailable;",
            "did you mean HighlyAvailable",
        ),
        ("vpc: {cidr: 10.0.0.0}", "f.yaml:5: vpc.cidr: found 10.0.0.0;", "10.10.0.0/16"),
        ("vpc: {cidr: 10.0.0.0/8}", "f.yaml:5: vpc.cidr: found /8;", "/16 to /24"),
        ("vpc: {publicAccessCIDRs: [1.2.3]}", "f.yaml:5: vpc.publicAccessCIDRs[0]: found 1.2.3;", "203.0.113.0/24"),
        (
            "kubernetesNetworkConfig: {ipFamily: IPv5}",
            "f.yaml:5: kubernetesNetworkConfig.ipFamily: found IPv5;",
            "IPv4, IPv6",
        ),
    ] {
        refused_in(rest, start, end);
    }
}

#[test]
fn names_and_lists_that_do_not_fit() {
    for (rest, start, end) in [
        (
            "nodeGroups: [{name: a}]\nmanagedNodeGroups: [{name: a}]",
            "f.yaml:6: managedNodeGroups[0].name: found a twice, first on line 5;",
            "",
        ),
        ("nodeGroups: [{minSize: 1}]", "f.yaml:5: nodeGroups[0].name: missing;", ""),
        ("nodeGroups: [{name: a b}]", "f.yaml:5: nodeGroups[0].name: found a b;", ""),
        (
            "nodeGroups: [{name: a, taints: [{key: x, effect: NoScedule}]}]",
            "f.yaml:5: nodeGroups[0].taints[0].effect: found NoScedule;",
            "did you mean NoSchedule",
        ),
        (
            "nodeGroups: [{name: a, taints: [{effect: NoSchedule}]}]",
            "f.yaml:5: nodeGroups[0].taints[0].key: missing;",
            "",
        ),
        ("fargateProfiles: [{name: f}]", "f.yaml:5: fargateProfiles[0].selectors: found 0 selectors;", "1 to 5"),
        (
            "fargateProfiles: [{name: f, selectors: [{namespace: a}, {namespace: b}, {namespace: c}, {namespace: d}, {namespace: e}, {namespace: f}]}]",
            "f.yaml:5: fargateProfiles[0].selectors: found 6 selectors;",
            "1 to 5",
        ),
        (
            "fargateProfiles: [{name: eks-x, selectors: [{namespace: a}]}]",
            "f.yaml:5: fargateProfiles[0].name: found eks-x;",
            "",
        ),
        (
            "fargateProfiles: [{name: x, selectors: [{namespace: a}]}, {name: x, selectors: [{namespace: b}]}]",
            "f.yaml:5: fargateProfiles[1].name: found x twice, first on line 5",
            "",
        ),
        (
            "fargateProfiles: [{name: x, selectors: [{namespace: a}], subnets: [elsewhere]}]",
            "f.yaml:5: fargateProfiles[0].subnets[0]: found elsewhere;",
            "a subnet's id (subnet-...) is wanted",
        ),
        (
            "fargateProfiles: [{name: x, selectors: [{labels: {a: b}}]}]",
            "f.yaml:5: fargateProfiles[0].selectors[0].namespace: missing;",
            "",
        ),
        ("karpenter: {createServiceAccount: true}", "f.yaml:5: karpenter.version: missing;", ""),
        (
            "nodeGroups:\n- name: a\n  minSize: 1\n  minSize: 2",
            "f.yaml:8: minSize: written twice, first on line 7;",
            "write it once",
        ),
        ("outpost: {controlPlaneInstanceType: m5.large}", "f.yaml:5: outpost.controlPlaneOutpostARN: missing;", ""),
    ] {
        refused_in(rest, start, end);
    }
    let version = |version: &str| {
        format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: c\n  region: eu-west-1\n  version: {version}\n"
        )
    };
    refused(&version("1.3"), "f.yaml:6: metadata.version: found 1.3;", "did you mean \"1.30\"");
    refused(&version("v1.30"), "f.yaml:6: metadata.version: found v1.30;", "is wanted");
    refused(&version("2.1"), "f.yaml:6: metadata.version: found 2.1;", "is wanted");
    refused("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n", "f.yaml:1: metadata: missing;", "");
    refused(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: a\n",
        "f.yaml:3: metadata.region: missing;",
        "",
    );
}

#[test]
fn all_errors_come_at_once_in_the_order_of_their_lines() {
    let text = with(
        "us-west-2",
        "nodeGroups:\n- name: a\n  maxSize: 1\n  instanceType: m5.larg\n  colour: red\n- minSize: x\nvpc: {nat: {gateway: Double}}\n",
    );
    let lines: Vec<usize> =
        parse(Path::new("f.yaml"), &text).expect_err("wrong").0.iter().map(|error| error.line).collect();
    assert_eq!(lines, [7, 8, 9, 10, 10, 11]);
}

#[test]
fn zones_that_are_all_wrong_are_not_counted() {
    let text = with("eu-north-1", "vpc:\n  id: vpc-1\n  subnets: {private: {us-west-1a: {id: subnet-1}}}\n");
    let errors = parse(Path::new("f.yaml"), &text).expect_err("a zone of another region").to_string();
    assert!(errors.contains("a zone of us-west-1") && !errors.contains("lie in"), "{errors}");
}

#[test]
fn what_cannot_be_read_at_all() {
    let folder = std::env::temp_dir().join(format!("ekssim-eksctl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let told = |name: &str| read(&folder.join(name)).expect_err("unreadable").to_string();
    assert!(told("missing.yaml").ends_with("missing.yaml: there is no such file"));
    assert!(told("").ends_with("is a directory; an eksctl ClusterConfig in YAML is wanted"));
    std::fs::write(folder.join("big.yaml"), vec![b'x'; (4 << 20) + 1]).expect("written");
    assert!(told("big.yaml").contains("is larger than 4 MiB"));
    std::fs::write(folder.join("latin.yaml"), b"kind: ClusterConfig\nname: caf\xe9\n").expect("written");
    assert!(told("latin.yaml").contains("latin.yaml:2: is no text"));
    std::fs::write(folder.join("mark.yaml"), format!("\u{feff}{}", with("eu-west-1", ""))).expect("written");
    assert!(read(&folder.join("mark.yaml")).is_ok(), "a byte order mark is no mistake");
    std::fs::remove_dir_all(&folder).expect("removed");
}
