//! The scenario format, declared once: every key, its kind, whether it must be there, and what it means. The reader,
//! the nearest names in errors and the JSON schema derive from here.
//!
//! To add a key, add a line to its table below, and read it where that table is resolved.

/// The keys of one table.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What the table is for.
    pub about: &'static str,
    /// Its keys, in the order in which one would write them.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What holds if it is absent.
    pub absent: Absent,
    /// What it means.
    pub about: &'static str,
}

/// What holds if a key is absent.
#[derive(Debug)]
pub(crate) enum Absent {
    /// It must be there.
    Refused,
    /// This value, as a user would write it.
    Default(&'static str),
    /// Something that depends on the rest, in words.
    Then(&'static str),
}

/// What a key takes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text that is not empty.
    Text,
    /// A whole number within bounds, both included.
    Count(u64, u64),
    /// True or false.
    Flag,
    /// A length of time: `30m` or `PT30M`.
    Duration,
    /// An amount of CPU, `250m`.
    Cpu,
    /// An amount of memory, `256Mi`.
    Memory,
    /// A list of texts.
    Texts,
    /// A table of texts by name.
    TextMap,
    /// A table of whole numbers by name.
    Counts,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A table.
    Table(&'static Shape),
    /// A list of tables.
    Tables(&'static Shape),
    /// A list of tables, each of the kind that its key `kind` names.
    Variants(&'static [(&'static str, &'static Shape)]),
    /// A path, or a table.
    PathOrTable(&'static Shape),
    /// Parameters by their paths.
    Parameters,
    /// Thresholds by the measures that they bound.
    Objectives,
}

const fn key(name: &'static str, kind: Kind, absent: Absent, about: &'static str) -> Key {
    Key { name, kind, absent, about }
}

use Absent::{Default, Refused, Then};
use Kind::{
    Count, Counts, Cpu, Duration, Flag, Memory, Objectives, OneOf, Parameters, Tables, Text, TextMap, Texts, Variants,
};

/// Most nodes of a group, pods of a deployment and clients of a kind: what the model is made for, with room to spare.
const MANY: u64 = 100_000;

/// A whole scenario file.
pub(crate) static SCENARIO: Shape = Shape {
    about: "A scenario of ekssim: a question, a cluster, what runs on it, what happens to it, and what must hold.",
    keys: &[
        key("title", Text, Then("the scenario's name"), "What the scenario is called in reports."),
        key("question", Text, Then("the title"), "The question that the run answers, in a sentence or two."),
        key("duration", Duration, Refused, "Simulated time from the start to the end, 1s to 31d."),
        key(
            "warm_up",
            Duration,
            Then("a tenth of the duration, at most 5m"),
            "Time at the start that no measure counts; less than the duration.",
        ),
        key("replications", Count(1, 100_000), Default("1"), "How many independent replications a run makes."),
        key(
            "cluster",
            Kind::PathOrTable(&CLUSTER),
            Then("the cluster of --cluster"),
            "The cluster: the path of an eksctl file, relative to this file, or a table.",
        ),
        key(
            "network",
            Kind::Table(&NETWORK),
            Then("the VPC of the cluster's file, or one as eksctl makes it"),
            "What is different in the cluster's VPC, and in the ways to its API.",
        ),
        key(
            "workload",
            Kind::Table(&WORKLOAD),
            Default("{}"),
            "Deployments in proportion to the cluster, where none are listed.",
        ),
        key("deployments", Tables(&DEPLOYMENT), Then("the workload"), "The Deployments that run on the cluster."),
        key(
            "daemon_sets",
            Tables(&DAEMON_SET),
            Then("none"),
            "DaemonSets beside those of EKS, aws-node and kube-proxy, which are always there.",
        ),
        key(
            "clients",
            Tables(&CLIENT),
            Then("one administrator and one CI system"),
            "Clients outside the cluster; kubelets and controllers are always there.",
        ),
        key("webhooks", Tables(&WEBHOOK), Then("none"), "Admission webhooks, in the order in which they are asked."),
        key("faults", Variants(FAULTS), Then("none"), "What fails, and when."),
        key("changes", Variants(CHANGES), Then("none"), "What people change, and when."),
        key(
            "objectives",
            Objectives,
            Then("none"),
            "What must hold: a measure and its threshold, such as \">= 99.95%\" or \"<= 1s\".",
        ),
        key(
            "parameters",
            Parameters,
            Then("their defaults"),
            "Parameters of the model by their paths; `ekssim explain` lists them.",
        ),
        key("base", Text, Default("base"), "What the scenario itself is called beside its variants."),
        key(
            "variants",
            Tables(&VARIANT),
            Then("none"),
            "The same scenario with other parameters, run with the same draws and reported side by side.",
        ),
    ],
};

static VARIANT: Shape = Shape {
    about: "The same scenario with other parameters, or with another network.",
    keys: &[
        key("name", Text, Refused, "Its name in reports."),
        key("parameters", Parameters, Then("those of the scenario"), "Parameters that differ, by their paths."),
        key(
            "network",
            Kind::Table(&VARIANT_NETWORK),
            Then("that of the scenario"),
            "What is different in the cluster's VPC; clients and nodes stay where they are.",
        ),
    ],
};

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
    "Who may use the public addresses: 1 to 40 ranges. Nodes that leave by a NAT gateway appear under its address.",
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

static NETWORK: Shape = Shape {
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

static VARIANT_NETWORK: Shape = Shape {
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

static CONNECTED: Shape = Shape {
    about: "A network with a private way into the VPC.",
    keys: &[
        key("name", Text, Refused, "Its name; clients may be placed there by it."),
        key("kind", OneOf(&["vpn", "direct-connect", "peering"]), Default("vpn"), "How it is connected."),
        key("cidr", Text, Refused, "Its range; it may not overlap the VPC's."),
    ],
};

static SECURITY_GROUP: Shape = Shape {
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

static CLUSTER: Shape = Shape {
    about: "The cluster.",
    keys: &[
        key("name", Text, Default("cluster"), "Its name."),
        key("region", Text, Default("eu-west-1"), "The AWS region."),
        key("version", Text, Default("1.33"), "The Kubernetes version."),
        key(
            "zones",
            Texts,
            Then("the first three zones of the region"),
            "The zones of its subnets: letters, or names such as eu-west-1a.",
        ),
        key("node_groups", Tables(&NODE_GROUP), Then("none"), "Its node groups."),
    ],
};

static NODE_GROUP: Shape = Shape {
    about: "A node group over an Auto Scaling group.",
    keys: &[
        key("name", Text, Refused, "Its name, unique in the cluster."),
        key("instance_type", Text, Default("m5.large"), "The EC2 instance type of its nodes."),
        key("min", Count(0, MANY), Then("the desired number"), "Smallest number of nodes."),
        key("desired", Count(0, MANY), Refused, "Nodes when the run begins."),
        key("max", Count(0, MANY), Then("the desired number"), "Largest number of nodes."),
        key("zones", Texts, Then("all zones of the cluster"), "The zones of its subnets."),
        key("labels", TextMap, Then("none"), "Labels of its nodes."),
        key("taints", Texts, Then("none"), "Taints of its nodes, each as kubectl writes it: \"key=value:NoSchedule\"."),
        key("gpus", Count(0, 64), Default("0"), "GPUs of a node, which its device plugin tells of: nvidia.com/gpu."),
        key("spot", Flag, Default("false"), "Whether its nodes are Spot instances."),
        key("managed", Flag, Default("true"), "Whether EKS manages the group."),
        key("private", Flag, Default("false"), "Whether its nodes are in private subnets."),
        key(
            "security_groups",
            Texts,
            Then("those that eksctl makes"),
            "Security groups of its nodes, in place of those that eksctl makes.",
        ),
    ],
};

const PRIORITY: Key = key(
    "priority",
    Text,
    Default("0"),
    "Priority of its pods, which are scheduled before those of lower priority and may take their room: the value of their PriorityClass, or system-cluster-critical or system-node-critical.",
);

static WORKLOAD: Shape = Shape {
    about: "Deployments in proportion to the cluster: so many equal pods for each node that takes them, as far as they fit.",
    keys: &[
        key(
            "pods_per_node",
            Count(0, 1_000),
            Then("10, or 0 beside a pod trace"),
            "Pods for each node, as far as two thirds of it hold them.",
        ),
        key("deployments", Count(1, 1_000), Default("4"), "Deployments over which the pods are spread evenly."),
        key("cpu", Cpu, Default("100m"), "CPU that one pod requests."),
        key("memory", Memory, Default("128Mi"), "Memory that one pod requests."),
        key(
            "pods",
            Text,
            Then("no trace"),
            "A pod trace, the path of a CSV file relative to this file, with the columns arrival_s, cpu_milli, memory_mib and duration_s: bare pods that a client submits and that run for their duration.",
        ),
        key(
            "churn",
            Text,
            Then("none"),
            "Pods of the Deployments that a load test has deleted and created in their place, both together as the Kubernetes service levels count them: \"20/s\" deletes ten each second.",
        ),
    ],
};

static DEPLOYMENT: Shape = Shape {
    about: "A Deployment.",
    keys: &[
        key("name", Text, Refused, "Its name, unique in its namespace."),
        key("namespace", Text, Default("default"), "Its namespace."),
        key("replicas", Count(0, MANY), Default("1"), "Pods that it wants."),
        key(
            "kind",
            OneOf(&["Deployment", "StatefulSet"]),
            Default("Deployment"),
            "What it is: a StatefulSet takes one pod at a time, and replaces none before it is gone.",
        ),
        key("cpu", Cpu, Default("100m"), "CPU that one pod requests."),
        key("memory", Memory, Default("128Mi"), "Memory that one pod requests."),
        key("node_selector", TextMap, Then("none"), "Labels that a node must have."),
        key(
            "tolerations",
            Texts,
            Then("none"),
            "Taints that its pods tolerate: \"key\", \"key=value\", \"key:NoSchedule\", \"key=value:NoSchedule\", or \"*\" for all.",
        ),
        key(
            "spread_zones",
            Flag,
            Default("false"),
            "Whether its pods must be spread evenly over the zones (they prefer to in any case).",
        ),
        PRIORITY,
        key(
            "preemption_policy",
            OneOf(&["PreemptLowerPriority", "Never"]),
            Default("PreemptLowerPriority"),
            "Whether its pods may take the room of pods of lower priority.",
        ),
        key(
            "node_affinity",
            Texts,
            Then("none"),
            "What the labels of a node must fulfil, all of it: \"key in a,b\", \"key notin a,b\", \"key exists\", \"key doesnotexist\", \"key gt 7\", \"key lt 7\".",
        ),
        key(
            "preferred_nodes",
            Texts,
            Then("none"),
            "What they would rather fulfil, each with its weight of 1 to 100: \"50: key in a,b\".",
        ),
        key(
            "pod_affinity",
            Texts,
            Then("none"),
            "Deployments beside whose pods its pods must run, in their zone or on their host: \"cache zone\".",
        ),
        key(
            "pod_anti_affinity",
            Texts,
            Then("none"),
            "Deployments beside whose pods its pods must not run, itself included: \"web host\".",
        ),
        key("preferred_pod_affinity", Texts, Then("none"), "The same as a wish with a weight: \"50: cache zone\"."),
        key("preferred_pod_anti_affinity", Texts, Then("none"), "The same as a wish with a weight: \"100: web host\"."),
        key(
            "zone_skew",
            Count(1, MANY),
            Then("as spread_zones says"),
            "Topology spread: the most pods by which a zone may be ahead of the one with the fewest.",
        ),
        key(
            "host_skew",
            Count(1, MANY),
            Then("any"),
            "Topology spread: the most pods by which a node may be ahead of the one with the fewest.",
        ),
        key("gpus", Count(0, 64), Default("0"), "GPUs that one pod requests."),
        key(
            "gated_for",
            Duration,
            Then("no gate"),
            "How long each of its pods bears a scheduling gate before whoever set it takes it away.",
        ),
        key("load", Cpu, Then("no matter"), "CPU that all its pods use together, spread evenly."),
        key("hpa_max", Count(1, MANY), Then("no autoscaler"), "HorizontalPodAutoscaler: most pods; it needs a load."),
        key("hpa_min", Count(1, MANY), Default("1"), "HorizontalPodAutoscaler: fewest pods."),
        key(
            "hpa_target",
            Text,
            Default("80%"),
            "HorizontalPodAutoscaler: wanted use of CPU, as a share of what the pods request.",
        ),
        key(
            "pdb_min_available",
            Text,
            Then("no disruption budget"),
            "PodDisruptionBudget: pods that an eviction must leave Ready, \"2\" or \"80%\".",
        ),
        key(
            "pdb_max_unavailable",
            Text,
            Then("no disruption budget"),
            "PodDisruptionBudget: pods of the wanted number that may be missing after an eviction, \"1\" or \"20%\".",
        ),
    ],
};

static DAEMON_SET: Shape = Shape {
    about: "A DaemonSet: it has a pod on every node that it matches.",
    keys: &[
        key("name", Text, Refused, "Its name, unique among DaemonSets."),
        key("cpu", Cpu, Default("50m"), "CPU that one pod requests."),
        key("memory", Memory, Default("64Mi"), "Memory that one pod requests."),
        key("node_selector", TextMap, Then("none"), "Labels that a node must have."),
        key(
            "tolerations",
            Texts,
            Then("those of all DaemonSets"),
            "Taints that its pods tolerate, as those of a Deployment; that a node ceases to be Ready they tolerate in any case.",
        ),
        key("host_network", Flag, Default("false"), "Whether its pods start before their node's network is up."),
        PRIORITY,
        key("created", Duration, Then("it is there from the start"), "When it is created, before the end of the run."),
    ],
};

static CLIENT: Shape = Shape {
    about: "A client of the API, or several of a kind: outside the cluster, or a program on its nodes.",
    keys: &[
        key(
            "class",
            OneOf(&["admin", "ci", "exec", "agents", "operator"]),
            Refused,
            "An administrator reads, a CI system applies, exec opens streams into pods (kubectl exec); agents run on every node, an operator on some, both by one service account.",
        ),
        key("name", Text, Then("its class"), "Its name in reports."),
        key("count", Count(1, MANY), Default("1"), "How many of them there are; agents are as many as the nodes."),
        key(
            "place",
            Text,
            Default("internet"),
            "Where an administrator or a CI system is: \"internet\", \"public-subnet\" or \"private-subnet\" (a host in the VPC), \"vpc\" (a private one where the zone has one, else a public one), or the name of a connected network or of a subnet.",
        ),
        key("zone", Text, Then("the first one"), "The zone of its subnet, where the place does not name one."),
        key(
            "address",
            Text,
            Then("198.51.100.1 on the internet, else one of its network or subnet"),
            "The address that it comes from.",
        ),
        key(
            "security_groups",
            Texts,
            Then("one of its own that allows nothing inbound, NAME-sg"),
            "Security groups of its host in the VPC.",
        ),
        key(
            "does",
            OneOf(&["list", "watch", "get", "apply"]),
            Then("list for agents, get for an operator"),
            "What agents or an operator do: list or watch all pods, read or change one object.",
        ),
        key(
            "interval",
            Duration,
            Then("10m for agents, none for an operator"),
            "Pause of agents or an operator from the end of one request to the next.",
        ),
        key("workers", Count(1, 1_000), Default("1"), "Requests that each of them has under way at most."),
        key(
            "qps",
            Count(1, 1_000_000),
            Default("5"),
            "Requests per second that the client library lets each of them send.",
        ),
        key("burst", Count(1, 1_000_000), Default("10"), "Requests that it lets each of them send at once."),
        key(
            "back_off",
            Flag,
            Default("true"),
            "Whether they pause longer and longer after failures, or try again at once.",
        ),
        key("system", Flag, Default("false"), "Whether their service account lies in kube-system."),
    ],
};

static WEBHOOK: Shape = Shape {
    about: "An admission webhook: a program that API servers ask before they store a write.",
    keys: &[
        key("name", Text, Refused, "Its name."),
        key(
            "reviews",
            OneOf(&["pods", "all"]),
            Default("pods"),
            "The writes that it reviews: the creation of pods, or every write, those of leases and of status too.",
        ),
        key(
            "deployment",
            Text,
            Then("it runs outside the cluster"),
            "The Deployment of the cluster that it is, with its namespace where that is not unique.",
        ),
        key("exempts_itself", Flag, Default("false"), "Whether it does not review the pods of its own Deployment."),
        key("timeout", Duration, Default("10s"), "How long an API server waits for it, 1s to 30s."),
        key(
            "failure_policy",
            OneOf(&["Fail", "Ignore"]),
            Default("Fail"),
            "Whether writes are refused or pass when it does not answer.",
        ),
    ],
};

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

impl Shape {
    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}
