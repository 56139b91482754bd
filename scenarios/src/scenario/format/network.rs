//! The keys of `[network]`: the VPC, and the ways to the API.

use super::Absent::{Default, Refused, Then};
use super::Kind::*;
use super::{Key, Shape, key};

const ACCESS: Key = key(
    "access",
    OneOf(&["public", "public-and-private", "private"]),
    Then("that of the cluster's file, or public"),
    "How the API endpoint may be reached: over public addresses, over interfaces in the VPC, or both.",
);
const PUBLIC_CIDRS: Key = key(
    "public_access_cidrs",
    Texts,
    Then("those of the cluster's file, or all addresses"),
    "Who may use the public addresses: 1 to 40 ranges, or \"nat-gateways\" for the addresses of all NAT gateways, under which the nodes behind them appear.",
);
const NAT: Key = key(
    "nat",
    OneOf(&["Single", "HighlyAvailable", "Disable"]),
    Then("that of the cluster's file, or Single"),
    "NAT gateways of the private subnets: one in all, one in each zone, or none.",
);
const VPC_ENDPOINTS: Key = key(
    "vpc_endpoints",
    Texts,
    Then("those of the cluster's file, or none"),
    "AWS services with an endpoint in the VPC: ec2, ecr.api, ecr.dkr, s3, sts, logs, autoscaling, cloudformation, elasticloadbalancing, eks.",
);
const DNS_HOSTNAMES: Key = key(
    "dns_hostnames",
    Flag,
    Then("true"),
    "The VPC's enableDnsHostnames: the private answer of the endpoint's name needs it.",
);
const DNS_SUPPORT: Key =
    key("dns_support", Flag, Then("true"), "The VPC's enableDnsSupport: without it no name is resolved in the VPC.");
const EXTRA_CIDRS: Key = key(
    "extra_cidrs",
    Texts,
    Then("those of the cluster's file"),
    "Ranges or addresses that may reach the endpoint's interfaces: 443 in the ControlPlaneSecurityGroup.",
);
const FREE_ADDRESSES: Key = key(
    "free_addresses",
    Counts,
    Then("all but the five that AWS keeps"),
    "Addresses that are free in a subnet, by its name (`ekssim show` lists them), before nodes and the interfaces of EKS take theirs.",
);
const SECURITY_GROUPS: Key = key(
    "security_groups",
    Tables(&SECURITY_GROUP),
    Then("those that eksctl makes"),
    "Security groups, and more rules for those that eksctl makes.",
);

pub(super) static NETWORK: Shape = Shape {
    about: "What is different in the cluster's VPC, and in the ways to its API.",
    keys: &[
        key(
            "cidr",
            Text,
            Then("192.168.0.0/16"),
            "The VPC's range, /16 to /24; of a cluster's file that of the file stands.",
        ),
        key(
            "family",
            OneOf(&["IPv4", "IPv6"]),
            Then("IPv4"),
            "The family of the addresses of pods and services; of a cluster's file that of the file stands.",
        ),
        ACCESS,
        PUBLIC_CIDRS,
        NAT,
        VPC_ENDPOINTS,
        DNS_HOSTNAMES,
        DNS_SUPPORT,
        EXTRA_CIDRS,
        FREE_ADDRESSES,
        key("connected", Tables(&CONNECTED), Then("none"), "Networks with a private way into the VPC."),
        SECURITY_GROUPS,
    ],
};

pub(super) static VARIANT_NETWORK: Shape = Shape {
    about: "What is different in the cluster's VPC in a variant.",
    keys: &[
        ACCESS,
        PUBLIC_CIDRS,
        NAT,
        VPC_ENDPOINTS,
        DNS_HOSTNAMES,
        DNS_SUPPORT,
        EXTRA_CIDRS,
        FREE_ADDRESSES,
        SECURITY_GROUPS,
    ],
};

pub(super) static CONNECTED: Shape = Shape {
    about: "A network with a private way into the VPC.",
    keys: &[
        key("name", Text, Refused, "Its name; clients may be placed there by it."),
        key("kind", OneOf(&["vpn", "direct-connect", "peering"]), Default("vpn"), "How it is connected."),
        key("cidr", Text, Refused, "Its range; it may not overlap the VPC's."),
    ],
};

pub(super) static SECURITY_GROUP: Shape = Shape {
    about: "A security group; what it does not allow is dropped in silence.",
    keys: &[
        key(
            "name",
            Text,
            Refused,
            "Its name, or that of one that eksctl makes: eks-cluster-sg, ControlPlaneSecurityGroup, ClusterSharedNodeSecurityGroup.",
        ),
        key(
            "inbound",
            Texts,
            Then("none"),
            "Rules: \"443 from 10.0.0.0/8\", \"1025-65535 from ControlPlaneSecurityGroup\", \"all from eks-cluster-sg\"; beside those that it has.",
        ),
        key(
            "outbound",
            Texts,
            Then("everything"),
            "Rules: \"443 to 0.0.0.0/0\", \"all to eks-cluster-sg\"; in place of those that it has.",
        ),
    ],
};
