//! The keys of faults and changes.

use super::Absent::{Default, Refused, Then};
use super::Kind::*;
use super::{Key, MANY, Shape, key};

const AT: Key =
    key("at", Duration, Then("when `after` says"), "When it happens, from the start of the run; before its end.");
const LASTS: Key = key("lasts", Duration, Then("for good"), "How long it lasts.");

/// The keys that every fault and every change has beside its own.
pub(crate) static STEP: &[Key] = &[
    key("name", Text, Then("none"), "A name by which other steps can refer to it with `after`."),
    key("after", Text, Then("when `at` says"), "The name of another step: this one counts from that one's beginning."),
    key("wait", Duration, Then("0s"), "How long after the beginning of the step that `after` names."),
];

const GROUP: Key = key("group", Text, Refused, "The security group's name.");
const RULE: Key = key(
    "rule",
    Text,
    Refused,
    "The rule: \"443 from 192.168.5.5/32\", \"1025-65535 from ControlPlaneSecurityGroup\", \"all from eks-cluster-sg\", or from one of the clients, by its name.",
);

const ETCD_MEMBER: Key = key(
    "member",
    Text,
    Default("leader"),
    "Whose disk: \"leader\", \"follower\" (the first living member that does not lead), or a zone.",
);

/// The faults by kind.
pub(crate) static FAULTS: &[(&str, &Shape)] = &[
    (
        "zone.power_loss",
        &Shape {
            about: "A zone loses power silently: everything in it stops at once.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Refused,
                    "The zone: a letter, a name, or \"first\" or \"second\" for the cluster's own.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "apiserver.member_loss",
        &Shape {
            about: "One API server stops silently, alone.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Default("leader"),
                    "Its zone, or \"leader\": the one beside the controllers' leader.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "etcd.member_loss",
        &Shape {
            about: "One etcd member stops silently, alone.",
            keys: &[key("zone", Text, Default("leader"), "Its zone, or \"leader\": the member that leads."), AT, LASTS],
        },
    ),
    (
        "apiserver.crash",
        &Shape {
            about: "The process of one API server crashes: its connections are reset, and it starts again by itself.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Default("leader"),
                    "Its zone, or \"leader\": the one beside the controllers' leader.",
                ),
                AT,
            ],
        },
    ),
    (
        "sts.outage",
        &Shape {
            about: "The Security Token Service of the region fails: API servers cannot ask whose an IAM token is.",
            keys: &[
                key(
                    "answer",
                    OneOf(&["silent", "refuses"]),
                    Default("silent"),
                    "Whether its calls stay unanswered or fail at once.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "webhook.down",
        &Shape {
            about: "An admission webhook stops answering.",
            keys: &[
                key("webhook", Text, Refused, "Its name."),
                key(
                    "answer",
                    OneOf(&["silent", "refuses"]),
                    Default("silent"),
                    "Whether its calls stay unanswered or fail at once.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "sts.slow",
        &Shape {
            about: "The Security Token Service of the region is slow.",
            keys: &[key("by", Duration, Refused, "How much longer each call takes."), AT, LASTS],
        },
    ),
    (
        "etcd.partition",
        &Shape {
            about: "Members of etcd are cut off from all others; all of them live, and API servers reach them.",
            keys: &[
                key(
                    "target",
                    Text,
                    Default("leader"),
                    "Who is cut off: \"leader\", the member of a zone, or \"all\" from each other.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "etcd.slow_disk",
        &Shape {
            about: "The disk of one etcd member takes long for every fsync.",
            keys: &[
                ETCD_MEMBER,
                key(
                    "fsync",
                    Text,
                    Then("the law of etcd.slow_fsync"),
                    "The law of its fsyncs, such as \"lognormal(median 20ms, p95 60ms)\", or a histogram: \"empirical(16ms: 50%, 64ms: 100%)\".",
                ),
                key(
                    "times",
                    Count(2, 1_000_000),
                    Then("as long as its law says"),
                    "How many times as long as usual an fsync takes; in place of a law.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "etcd.stalled_disk",
        &Shape {
            about: "The disk of one etcd member ends no fsync for a while.",
            keys: &[ETCD_MEMBER, AT, key("lasts", Duration, Refused, "How long it lasts.")],
        },
    ),
    (
        "etcd.fill",
        &Shape {
            about: "A client creates large objects through the API, one after another, whatever the answers.",
            keys: &[
                key("per_second", Count(1, 100_000), Refused, "Objects that it creates in a second."),
                key(
                    "object_bytes",
                    Count(1, 10_000_000),
                    Default("100000"),
                    "Bytes of one object; etcd refuses what is larger than etcd.request_limit.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "capacity.shortage",
        &Shape {
            about: "EC2 has insufficient capacity: launches fail, and the groups try again. What runs lives on.",
            keys: &[
                key("zone", Text, Then("every zone"), "The zone."),
                key("node_group", Text, Then("every node group"), "The node group whose instances are short."),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "nat.loss",
        &Shape {
            about: "NAT gateways stop silently, alone; their zones live on.",
            keys: &[key("zone", Text, Then("all of them"), "The zone of the gateway."), AT, LASTS],
        },
    ),
    (
        "eni.loss",
        &Shape {
            about: "The interfaces that EKS owns in the cluster's subnets of a zone let nothing through; all else in the zone lives.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Refused,
                    "The zone: a letter, a name, or \"first\" or \"second\" for the cluster's own.",
                ),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "vpc_endpoint.loss",
        &Shape {
            about: "The VPC's endpoint of an AWS service stops answering.",
            keys: &[key("service", Text, Refused, "The service: ec2, ecr.api, ecr.dkr, s3, sts, ..."), AT, LASTS],
        },
    ),
    (
        "node.stop",
        &Shape {
            about: "A share of a zone's nodes stops silently; the rest of the zone lives on.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Refused,
                    "The zone: a letter, a name, or \"first\" or \"second\" for the cluster's own.",
                ),
                key("share", Text, Default("100%"), "The share of its nodes, in percent; which ones is drawn."),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "zone.impair",
        &Shape {
            about: "A zone becomes slow and lossy: whatever enters or leaves it. What stays inside is spared.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Refused,
                    "The zone: a letter, a name, or \"first\" or \"second\" for the cluster's own.",
                ),
                key(
                    "latency",
                    Text,
                    Default("0s"),
                    "Delay added to each message, each way: a duration, or a law of durations; on average 2s at most.",
                ),
                key("loss", Text, Default("0%"), "Share of the segments that are lost, each way, at most 20%."),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "zone.cut_off",
        &Shape {
            about: "A zone lives, but nothing passes between it and the other zones, and nothing is reset.",
            keys: &[
                key(
                    "zone",
                    Text,
                    Refused,
                    "The zone: a letter, a name, or \"first\" or \"second\" for the cluster's own.",
                ),
                key("internet", Flag, Default("true"), "Whether it is cut off from the internet too."),
                AT,
                LASTS,
            ],
        },
    ),
];

/// The changes by kind.
pub(crate) static CHANGES: &[(&str, &Shape)] = &[
    (
        "endpoint.access",
        &Shape {
            about: "The API endpoint gets another access mode, or another list of ranges: an update of minutes.",
            keys: &[
                key(
                    "access",
                    OneOf(&["public", "public-and-private", "private"]),
                    Refused,
                    "How the API endpoint may be reached from then on.",
                ),
                key(
                    "public_access_cidrs",
                    Texts,
                    Then("as they were before"),
                    "Who may use the public addresses: 1 to 40 ranges.",
                ),
                AT,
            ],
        },
    ),
    ("security_group.allow", &Shape { about: "A security group gets a rule inbound.", keys: &[GROUP, RULE, AT] }),
    (
        "security_group.revoke",
        &Shape { about: "A rule inbound is taken from a security group.", keys: &[GROUP, RULE, AT] },
    ),
    (
        "cluster.delete",
        &Shape {
            about: "Somebody deletes the cluster with a tool that needs its API (eksctl delete cluster); the run goes on, and shows whether the tool gets through.",
            keys: &[key("client", Text, Refused, "The name of the administrator or CI system that does it."), AT],
        },
    ),
    (
        "etcd.space_repair",
        &Shape {
            about: "The provider makes room in etcd: superfluous objects deleted, compaction, every member defragmented, the alarm taken back.",
            keys: &[AT],
        },
    ),
    (
        "deployment.scale",
        &Shape {
            about: "A Deployment is scaled.",
            keys: &[
                key(
                    "deployment",
                    Text,
                    Refused,
                    "Its name, with its namespace where that is not unique: \"default/web\".",
                ),
                key("replicas", Count(0, MANY), Refused, "Pods wanted from then on."),
                AT,
            ],
        },
    ),
    (
        "deployment.update",
        &Shape {
            about: "A Deployment gets a new image: a rolling update replaces its pods.",
            keys: &[
                key(
                    "deployment",
                    Text,
                    Refused,
                    "Its name, with its namespace where that is not unique: \"default/web\".",
                ),
                AT,
            ],
        },
    ),
    (
        "workload.load",
        &Shape {
            about: "The load on a Deployment changes.",
            keys: &[
                key(
                    "deployment",
                    Text,
                    Refused,
                    "Its name, with its namespace where that is not unique: \"default/web\".",
                ),
                key("cpu", Cpu, Refused, "CPU that all its pods use together from then on."),
                AT,
            ],
        },
    ),
    (
        "control_plane.upgrade",
        &Shape {
            about: "The control plane is upgraded to the next minor version, by a rolling replacement of its API servers.",
            keys: &[AT],
        },
    ),
    (
        "control_plane.change_tier",
        &Shape {
            about: "The control plane moves to another tier, by a rolling replacement of its API servers.",
            keys: &[
                key("tier", OneOf(&["standard", "xl", "2xl", "4xl", "8xl"]), Refused, "The tier that it moves to."),
                AT,
            ],
        },
    ),
    (
        "node.drain",
        &Shape {
            about: "Nodes are cordoned, then drained one after another; disruption budgets are kept.",
            keys: &[
                key("node_group", Text, Refused, "The name of their group."),
                key("nodes", Count(1, MANY), Default("1"), "How many of its nodes."),
                AT,
            ],
        },
    ),
    (
        "node_group.update",
        &Shape {
            about: "EKS updates a managed node group: two new nodes for each zone come first, then the old ones are drained and terminated.",
            keys: &[
                key(
                    "node_group",
                    Text,
                    Refused,
                    "The name of the group, or \"first\" or \"last\" for the cluster's own.",
                ),
                key(
                    "max_unavailable",
                    Count(1, 100),
                    Default("1"),
                    "Old nodes that may be on their way out at a time.",
                ),
                key(
                    "force",
                    Flag,
                    Default("false"),
                    "Whether pods that have not left after 15m are deleted; otherwise the update fails.",
                ),
                AT,
            ],
        },
    ),
    (
        "nodes.out_of_service",
        &Shape {
            about: "Somebody taints the nodes of a zone that are not Ready as out of service: their pods go at once, and their volumes are detached by force.",
            keys: &[
                key("zone", Text, Refused, "The zone: a letter, a name, or \"first\" for the cluster's first one."),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "daemonset.update",
        &Shape {
            about: "A DaemonSet gets a new image: a rolling update replaces its pods, one node after another.",
            keys: &[key("daemon_set", Text, Refused, "Its name; aws-node and kube-proxy are always there."), AT],
        },
    ),
    (
        "pods.force_delete",
        &Shape {
            about: "Somebody deletes the pods of a Deployment or StatefulSet by force that are Terminating.",
            keys: &[
                key(
                    "deployment",
                    Text,
                    Refused,
                    "Its name, with its namespace where that is not unique: \"default/web\".",
                ),
                AT,
            ],
        },
    ),
    (
        "control_plane.restart",
        &Shape { about: "The API servers restart gracefully in their places, one after another.", keys: &[AT] },
    ),
    (
        "nlb.zonal_shift",
        &Shape {
            about: "The provider moves the control plane's traffic away from a zone: its address leaves DNS. (A customer's zonal shift touches the data plane only.)",
            keys: &[
                key("zone", Text, Refused, "The zone: a letter, a name, or \"first\" for the cluster's first one."),
                AT,
                LASTS,
            ],
        },
    ),
    (
        "clients.restart",
        &Shape {
            about: "Every agent or operator of a name starts anew, all together: a rollout without a limit.",
            keys: &[key("client", Text, Refused, "The name of the agents or of the operator."), AT],
        },
    ),
    (
        "node_group.scale",
        &Shape {
            about: "A node group is scaled.",
            keys: &[
                key("node_group", Text, Refused, "Its name."),
                key("desired", Count(0, MANY), Refused, "Nodes wanted from then on, within the group's bounds."),
                AT,
            ],
        },
    ),
];
