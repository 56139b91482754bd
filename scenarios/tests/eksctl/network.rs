//! The network of a file: what eksctl makes of it, and what is assumed of a given VPC.

use super::{cluster, fields, parsed, with};
use scenarios::eksctl::ClusterFile;
use sim_eks::plan::{Connection, Network, NoteKind, Peer, RouteTarget, Rule};
use std::path::Path;

/// A VPC on one line: range, public and private subnets and their sizes, NAT gateways, access, services.
fn shown(file: &ClusterFile) -> String {
    let vpc = &file.cluster.network;
    let count = |public: bool| vpc.subnets.iter().filter(|subnet| subnet.public == public).count();
    let mut sizes: Vec<String> = vpc.subnets.iter().map(|subnet| format!("/{}", subnet.cidr.prefix_len())).collect();
    sizes.dedup();
    format!(
        "{} {}+{} {} nat {} {}, services {}",
        vpc.cidr,
        count(true),
        count(false),
        sizes.join(" "),
        vpc.nat_gateways.len(),
        vpc.access.name(),
        vpc.service_cidr
    )
}

fn group_names(vpc: &Network, groups: &[usize]) -> String {
    groups.iter().map(|group| vpc.security_groups[*group].name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Each node group: its subnets (the region left out) and its security groups.
fn nodes(file: &ClusterFile) -> Vec<String> {
    let vpc = &file.cluster.network;
    let region = file.cluster.region.clone();
    let of = |group: &sim_eks::plan::NodeGroup| {
        let subnets: Vec<String> =
            group.subnets.iter().map(|subnet| vpc.subnets[*subnet].name.replace(&region, "")).collect();
        let zones: Vec<_> = group.subnets.iter().map(|subnet| vpc.subnets[*subnet].zone).collect();
        assert_eq!(zones, group.zones);
        format!("{}: {} | {}", group.name, subnets.join(" "), group_names(vpc, &group.security_groups))
    };
    file.cluster.node_groups.iter().map(of).collect()
}

fn inbound(file: &ClusterFile, group: usize) -> Vec<String> {
    let vpc = &file.cluster.network;
    vpc.security_groups[group].inbound.iter().map(|rule| vpc.describe_rule(group, rule, true)).collect()
}

const PUBLIC: &str = "public-a public-b public-c";
const PRIVATE: &str = "private-a private-b private-c";
const DEFAULT: &str = "192.168.0.0/16 3+3 /19 nat 1 public, services 10.100.0.0/16";

/// A self-managed group: its name, its subnets.
fn own(name: &str, subnets: &str) -> String {
    format!("{name}: {subnets} | ClusterSharedNodeSecurityGroup nodegroup-{name}-SG")
}

fn managed(name: &str, subnets: &str) -> String {
    format!("{name}: {subnets} | eks-cluster-sg")
}

#[test]
fn each_file_of_eksctls_authors_gives_its_vpc() {
    let tokyo = "public-a public-c public-d";
    let expected: [(&str, &str, Vec<String>); 16] = [
        ("01-simple-cluster", DEFAULT, vec![own("ng-1", PUBLIC)]),
        (
            "02-custom-vpc-cidr-no-nodes",
            "10.10.0.0/16 3+3 /19 nat 1 private, services 172.20.0.0/16",
            vec![],
        ),
        ("03-two-nodegroups", DEFAULT, vec![own("ng1-public", PUBLIC), own("ng2-private", PRIVATE)]),
        (
            "04-existing-vpc",
            "192.168.0.0/16 0+3 /19 nat 3 public, services 10.100.0.0/16",
            vec![own("ng-1", PRIVATE)],
        ),
        (
            "05-advanced-nodegroups",
            DEFAULT,
            vec![own("ng1-public", PUBLIC), own("ng2-private-a", PRIVATE), own("ng3-private-b", "private-a")],
        ),
        ("08-spot-instances", DEFAULT, vec![own("ng-1", PUBLIC)]),
        (
            "09-nat-gateways",
            "192.168.0.0/16 3+3 /19 nat 3 public, services 10.100.0.0/16",
            vec![own("ng-1", PRIVATE)],
        ),
        (
            "15-managed-nodes",
            DEFAULT,
            vec![
                "managed-ng-public: public-a public-b | eks-cluster-sg sg-1 sg-2 nodegroup-managed-ng-public-remoteAccess"
                    .to_owned(),
                managed("managed-ng-private", PRIVATE),
                managed("custom-ami", PUBLIC),
                managed("custom-launch-template", PUBLIC),
            ],
        ),
        ("16-fargate-profile", DEFAULT, vec![own("ng-1", tokyo)]),
        (
            "24-nodegroup-subnets",
            "192.168.0.0/16 3+3 /19 nat 3 public, services 10.100.0.0/16",
            vec![own("ng-1", "public-one public-two"), own("ng-2", "private-one private-three")],
        ),
        ("25-addons", DEFAULT, vec![managed("mng1", PUBLIC)]),
        (
            "26-managed-nodegroup-spot-instances",
            DEFAULT,
            ["spot", "spot-2", "on-demand"].map(|name| managed(name, PUBLIC)).to_vec(),
        ),
        ("29-cluster-with-karpenter", DEFAULT, vec![managed("managed-ng-1", PUBLIC)]),
        (
            "30-vpc-with-ip-family",
            "192.168.0.0/16 3+3 /19 nat 1 public, services fd30:1c53:5f8a::/108",
            vec![managed("mng-1", PUBLIC)],
        ),
        (
            "34-taints",
            "192.168.0.0/16 2+2 /19 nat 1 public, services 10.100.0.0/16",
            vec![
                own("ng1-public", "public-a public-b"),
                own("ng2-private", "private-a private-b"),
                own("ng3-public", "public-a public-b"),
                managed("mng1-public", "public-a public-b"),
            ],
        ),
        ("41-zonal-shift", DEFAULT, vec![]),
    ];
    for (name, vpc, groups) in expected {
        let file = cluster(&format!("{name}.yaml"));
        assert_eq!(shown(&file), vpc, "{name}");
        assert_eq!(nodes(&file), groups, "{name}");
        assert_eq!(file.cluster.network.control_plane_subnets.len(), file.cluster.network.subnets.len(), "{name}");
    }
}

#[test]
fn ssh_is_for_those_that_the_file_names() {
    let file = cluster("15-managed-nodes.yaml");
    let vpc = &file.cluster.network;
    let remote = vpc.group("nodegroup-managed-ng-public-remoteAccess").expect("made for ssh");
    let source = vpc.group("sg-00241fbb12c607007").expect("named");
    assert_eq!(vpc.security_groups[remote].inbound, [Rule::port(22, Peer::Group(source))]);
    let own = |rest: &str| {
        let file = parsed(&with("eu-west-1", &format!("nodeGroups: [{{name: a, {rest}}}]")));
        let group = file.cluster.network.group("nodegroup-a-SG").expect("a group of its own");
        inbound(&file, group).into_iter().filter(|rule| rule.contains("port 22 ")).collect::<Vec<_>>()
    };
    assert_eq!(own("ssh: {allow: true}"), ["security group nodegroup-a-SG allows port 22 from 0.0.0.0/0"]);
    let inside = ["security group nodegroup-a-SG allows port 22 from 192.168.0.0/16"];
    assert_eq!(own("privateNetworking: true, ssh: {publicKeyName: k}"), inside);
    assert!(own("ssh: {allow: false, publicKeyName: k}").is_empty());
    assert!(own("ssh: {enableSsm: true}").is_empty());
}

#[test]
fn the_groups_of_self_managed_nodes_can_be_left_out() {
    let file = parsed(&with(
        "eu-west-1",
        "nodeGroups:\n- {name: a, securityGroups: {withShared: false}}\n- {name: b, securityGroups: {withLocal: false}}\n- {name: c, securityGroups: {withShared: no, withLocal: no}}\n- {name: d, securityGroups: {withShared: no, withLocal: no, attachIDs: [sg-9]}}",
    ));
    let vpc = &file.cluster.network;
    let names: Vec<String> =
        file.cluster.node_groups.iter().map(|group| group_names(vpc, &group.security_groups)).collect();
    assert_eq!(names, ["nodegroup-a-SG", "ClusterSharedNodeSecurityGroup", "default", "sg-9"]);
    let to_api = inbound(&file, Network::CONTROL_PLANE_GROUP);
    assert_eq!(to_api, ["security group ControlPlaneSecurityGroup allows port 443 from nodegroup-a-SG"]);
}

#[test]
fn a_fully_private_cluster_has_endpoints_in_place_of_a_way_out() {
    let services = |rest: &str| {
        let text =
            format!("privateCluster: {{enabled: true{rest}}}\ncloudWatch: {{clusterLogging: {{enableTypes: [api]}}}}");
        let vpc = parsed(&with("eu-west-1", &text)).cluster.network;
        assert!(vpc.subnets.iter().all(|subnet| !subnet.public && subnet.routes.is_empty()));
        assert_eq!((vpc.access.public, vpc.access.private, vpc.nat_gateways.len()), (false, true, 0));
        vpc.vpc_endpoints.iter().map(|service| service.name()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(services(""), "ec2 ecr.api ecr.dkr s3 sts logs");
    assert_eq!(
        services(", additionalEndpointServices: [autoscaling, logs]"),
        "ec2 ecr.api ecr.dkr s3 sts logs autoscaling"
    );
    assert_eq!(services(", skipEndpointCreation: true"), "", "a new VPC has none of its own");
    let given = cluster("own/fully-private.yaml");
    assert_eq!(shown(&given), "192.168.0.0/16 0+3 /19 nat 0 private, services 10.100.0.0/16");
    assert_eq!(given.cluster.network.vpc_endpoints.len(), 5, "a given VPC is taken to have them");
    assert!(fields(&given, NoteKind::Filled).contains(&"7 privateCluster.skipEndpointCreation".to_owned()));
}

#[test]
fn a_given_vpc_is_taken_as_far_as_the_file_tells_it() {
    let file = cluster("own/cloudformation-vpc.yaml");
    let vpc = &file.cluster.network;
    assert_eq!(shown(&file), "10.20.0.0/16 2+6 /19 nat 4 public and private, services 172.20.0.0/16");
    assert_eq!(
        nodes(&file),
        ["app: app-1 app-2 app-4 | sg-3 sg-2 nodegroup-app-SG", "edge: dmz-2 | sg-2 nodegroup-edge-SG"]
    );
    let cidrs = vpc.subnets.iter().map(|subnet| format!("{} {}", subnet.name, subnet.cidr)).collect::<Vec<_>>();
    assert_eq!(
        cidrs,
        [
            "dmz-1 10.20.0.0/19",
            "dmz-2 10.20.64.0/19",
            "app-1 10.20.32.0/19",
            "app-2 10.20.96.0/19",
            "app-4 10.20.128.0/19",
            "db-f 10.20.160.0/19",
            "subnet-cp1 10.20.192.0/19",
            "subnet-cp2 10.20.224.0/19"
        ]
    );
    assert_eq!(vpc.control_plane_subnets, [6, 7]);
    assert_eq!(group_names(vpc, &vpc.control_plane_groups), "eks-cluster-sg sg-1");
    assert_eq!(vpc.access.to_string(), "public and private (public from 198.51.100.0/24, 203.0.113.7/32)");
    assert_eq!(inbound(&file, Network::SHARED_NODE_GROUP), ["security group sg-2 allows all ports from sg-2"]);
    assert_eq!(
        inbound(&file, Network::CLUSTER_GROUP),
        ["security group eks-cluster-sg allows all ports from eks-cluster-sg"],
        "eksctl was told to keep its hands off (manageSharedNodeSecurityGroupRules)"
    );
    let filled = fields(&file, NoteKind::Filled);
    for field in ["12 vpc.securityGroup", "13 vpc.sharedNodeSecurityGroup", "15 vpc.controlPlaneSubnetIDs"] {
        assert!(filled.iter().any(|known| known == field), "{field}: {filled:?}");
    }
}

#[test]
fn private_subnets_leave_by_the_gateway_of_their_zone_or_by_the_only_one() {
    let nats = |mode: &str| {
        let vpc = parsed(&with("eu-west-1", &format!("vpc: {{nat: {{gateway: {mode}}}}}"))).cluster.network;
        let private = vpc.subnets.iter().filter(|subnet| !subnet.public);
        let targets = private.map(|subnet| subnet.routes.first().map(|route| route.target));
        (targets.collect::<Vec<_>>(), vpc.nat_gateways.iter().map(|nat| nat.subnet).collect::<Vec<_>>())
    };
    let nat = |index: usize| Some(RouteTarget::Nat(index));
    assert_eq!(nats("Single"), (vec![nat(0), nat(0), nat(0)], vec![Some(0)]));
    assert_eq!(nats("HighlyAvailable"), (vec![nat(0), nat(1), nat(2)], vec![Some(0), Some(1), Some(2)]));
    assert_eq!(nats("Disable"), (vec![None, None, None], vec![]));
}

#[test]
fn extra_ranges_and_remote_networks_may_reach_the_interfaces() {
    let file = parsed(&with("eu-west-1", "vpc: {extraCIDRs: [10.9.0.0/16, 172.31.5.4/32]}"));
    assert_eq!(
        inbound(&file, Network::CONTROL_PLANE_GROUP),
        ["10.9.0.0/16", "172.31.5.4/32"]
            .map(|range| format!("security group ControlPlaneSecurityGroup allows port 443 from {range}"))
    );
    let file = cluster("own/hybrid.yaml");
    let vpc = &file.cluster.network;
    let connected: Vec<_> =
        vpc.connected.iter().map(|net| (net.name.as_str(), net.kind, net.cidr.to_string())).collect();
    let nodes = ("remote-nodes", Connection::Vpn, "10.80.146.0/24".to_owned());
    assert_eq!(connected, [nodes, ("remote-pods", Connection::Vpn, "10.86.30.0/23".to_owned())]);
    for subnet in &vpc.subnets {
        let leads = subnet.routes.iter().any(|route| route.target == RouteTarget::Connected(0));
        assert_eq!(leads, !subnet.public, "{}: eksctl routes from the private subnets", subnet.name);
    }
    assert_eq!(inbound(&file, Network::CONTROL_PLANE_GROUP).len(), 2);
}

#[test]
fn the_control_plane_lies_where_eksctl_puts_it() {
    let count = |text: &str| parsed(&with("us-west-2", text)).cluster.network.control_plane_subnets.len();
    assert_eq!(count(""), 6);
    assert_eq!(count("vpc: {controlPlaneOnPrivateSubnets: true}"), 3);
    assert_eq!(count("autoModeConfig: {enabled: true}"), 3);
    let local = cluster("own/local-zones.yaml").cluster.network;
    assert_eq!((local.subnets.len(), local.control_plane_subnets.len()), (8, 4), "none in a local zone");
    let outpost = cluster("own/outpost.yaml").cluster.network;
    assert_eq!((outpost.access.public, outpost.access.private), (false, true));
}

#[test]
fn services_have_the_range_that_the_file_gives() {
    let text = "kubernetesNetworkConfig: {serviceIPv4CIDR: 10.12.0.0/20}";
    let vpc = parsed(&with("eu-west-1", text)).cluster.network;
    assert_eq!(vpc.kubernetes_service().to_string(), "10.12.0.1");
    let six = cluster("own/ipv6.yaml").cluster.network;
    let cidrs: Vec<String> = six.access.public_cidrs.iter().map(ToString::to_string).collect();
    assert_eq!(cidrs, ["0.0.0.0/0", "::/0"]);
}

#[test]
fn networks_that_eksctl_or_eks_would_refuse() {
    let forty = (0..41).map(|host| format!("203.0.113.{host}/32")).collect::<Vec<_>>().join(", ");
    let many = format!("vpc: {{publicAccessCIDRs: [{forty}]}}");
    let subnets = |rest: &str| format!("vpc: {{subnets: {{private: {{us-west-2a: {{id: a}}, {rest}}}}}}}");
    for (rest, start, end) in [
        (many.as_str(), "vpc.publicAccessCIDRs: found 41 ranges;", "at most 40"),
        ("vpc: {extraCIDRs: [10.0.0]}", "vpc.extraCIDRs[0]: found 10.0.0;", "203.0.113.0/24"),
        ("vpc: {extraIPv6CIDRs: [\"2001:db8::/32\"]}", "vpc.extraIPv6CIDRs: cannot be given", "IPv4"),
        ("vpc: {securityGroup: a, controlPlaneSecurityGroupIDs: [b]}", "vpc.securityGroup: cannot stand beside", "IDs"),
        ("vpc: {controlPlaneSecurityGroupIDs: [a, b, c, d, e]}", "vpc.controlPlaneSecurityGroupIDs: found 5", "most 4"),
        (
            "vpc: {manageSharedNodeSecurityGroupRules: false}",
            "vpc.manageSharedNodeSecurityGroupRules: must be",
            "given)",
        ),
        (
            "vpc: {controlPlaneOnPrivateSubnets: true, controlPlaneSubnetIDs: [a, b]}",
            "vpc.controlPlaneOnPrivate",
            "IDs",
        ),
        ("vpc: {controlPlaneSubnetIDs: [a]}", "vpc.controlPlaneSubnetIDs: the subnets lie in one zone;", "two zones"),
        ("kubernetesNetworkConfig: {serviceIPv4CIDR: 10.0.0.0/8}", "kubernetesNetworkConfig.serviceIPv4CIDR", "/16"),
        ("kubernetesNetworkConfig: {serviceIPv4CIDR: 8.0.0.0/16}", "kubernetesNetworkConfig.serviceIPv4CIDR", "/16"),
        (
            "kubernetesNetworkConfig: {serviceIPv4CIDR: 192.168.64.0/20}",
            "kubernetesNetworkConfig.serviceIPv4CIDR: found 192.168.64.0/20, which overlaps",
            "192.168.0.0/16",
        ),
        (
            "kubernetesNetworkConfig: {ipFamily: IPv6, serviceIPv4CIDR: 10.12.0.0/20}",
            "kubernetesNetworkConfig.serviceIPv4CIDR: cannot be given with IPv6",
            "then",
        ),
        (
            "kubernetesNetworkConfig: {ipFamily: IPv6}\nvpc: {nat: {gateway: Single}}",
            "vpc.nat.gateway: cannot be given with IPv6",
            "then",
        ),
        (&subnets("us-west-2b: {cidr: 10.0.0.0}"), "vpc.subnets.private.us-west-2b.cidr: found 10.0.0.0;", "/19"),
        (
            &subnets("us-west-2b: {cidr: 10.0.0.0/20}, us-west-2c: {cidr: 10.0.8.0/24}"),
            "vpc.subnets.private.us-west-2c.cidr: found 10.0.8.0/24, which overlaps",
            "on line 5",
        ),
        (
            "vpc: {cidr: 10.0.0.0/27, subnets: {private: {us-west-2a: {id: a}, us-west-2b: {id: b}}}}",
            "vpc.cidr: 10.0.0.0/27 has no room for 2 more subnets",
            "/28",
        ),
        (
            "managedNodeGroups: [{name: a, securityGroups: {withLocal: true}}]",
            "managedNodeGroups[0].securityGroups.withLocal: is not supported for managed",
            "group",
        ),
    ] {
        let errors = scenarios::eksctl::parse(Path::new("f.yaml"), &with("us-west-2", rest)).expect_err(rest);
        let text = errors.0[0].to_string();
        let text = text.split_once(": ").map_or("", |(_, rest)| rest);
        assert!(text.starts_with(start) && text.ends_with(end), "wanted {start} ... {end}, got {text}");
    }
}
