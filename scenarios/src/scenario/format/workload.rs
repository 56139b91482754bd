//! The keys of what runs on the cluster and of who else talks to its API.

use super::Absent::{Default, Refused, Then};
use super::Kind::*;
use super::{Key, MANY, Shape, key};

const PRIORITY: Key = key(
    "priority",
    Text,
    Default("0"),
    "Priority of its pods, which are scheduled before those of lower priority and may take their room: the value of their PriorityClass, or system-cluster-critical or system-node-critical.",
);

const IMAGE: Key = key(
    "image",
    Text,
    Then("one of its own"),
    "Name of its image: workloads that name the same one share it on a node.",
);
const IMAGE_SIZE: Key = key(
    "image_size",
    Memory,
    Then("as image.size_mib says"),
    "Size of its image as it is downloaded, such as \"3Gi\".",
);
const REGISTRY: Key = key(
    "registry",
    OneOf(&["ecr", "public"]),
    Default("ecr"),
    "Where its image comes from: Amazon ECR, or a public registry on the internet that counts the pulls of each address, as Docker Hub does.",
);
const PULL_POLICY: Key = key(
    "image_pull_policy",
    OneOf(&["IfNotPresent", "Always"]),
    Default("IfNotPresent"),
    "Whether the registry is asked only where the node does not have the image, or at every start.",
);

pub(super) static WORKLOAD: Shape = Shape {
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

pub(super) static DEPLOYMENT: Shape = Shape {
    about: "A Deployment.",
    keys: &[
        key("name", Text, Refused, "Its name, unique in its namespace."),
        key("namespace", Text, Default("default"), "Its namespace."),
        key("replicas", Count(0, MANY), Default("1"), "Pods that it wants."),
        key(
            "kind",
            OneOf(&["Deployment", "StatefulSet"]),
            Default("Deployment"),
            "What it is: a StatefulSet replaces no pod before it is gone.",
        ),
        key(
            "pod_management",
            OneOf(&["OrderedReady", "Parallel"]),
            Default("OrderedReady"),
            "Whether the pods of a StatefulSet come and go one after another, or do not wait for each other.",
        ),
        key(
            "volume",
            Memory,
            Then("no volume"),
            "Size of the EBS volume that each pod of a StatefulSet claims, such as \"20Gi\": it binds its pod to the zone where that is placed first.",
        ),
        key("cpu", Cpu, Default("100m"), "CPU that one pod requests."),
        key("memory", Memory, Default("128Mi"), "Memory that one pod requests."),
        key("labels", TextMap, Then("none"), "Labels of its pods, by which a Fargate profile may select them."),
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
        IMAGE,
        IMAGE_SIZE,
        REGISTRY,
        PULL_POLICY,
        key(
            "init_containers",
            Texts,
            Then("none"),
            "What runs before its container, one after another: how long, and its image and the size of that if it is another one: \"30s\", \"30s migrate 200Mi\".",
        ),
        key(
            "answers_after",
            Duration,
            Then("as pod.readiness_delay says"),
            "How long its program takes from its start until it would answer a readiness probe.",
        ),
        key(
            "readiness_initial_delay",
            Duration,
            Then("none"),
            "Readiness probe: when it first asks, from the start of the container.",
        ),
        key("readiness_period", Duration, Then("10s"), "Readiness probe: how often it asks."),
        key("ends_after", Duration, Then("its whole grace"), "How long its program takes from SIGTERM to its end."),
        key("pre_stop", Duration, Then("none"), "How long its preStop hook takes before it gets SIGTERM."),
        key(
            "termination_grace",
            Duration,
            Then("as pod.termination_grace says"),
            "How long a deleted pod may take before it is killed, its preStop hook included.",
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

pub(super) static JOB: Shape = Shape {
    about: "A Job: pods that end by themselves.",
    keys: &[
        key("name", Text, Refused, "Its name, unique among the workloads of its namespace."),
        key("namespace", Text, Default("default"), "Its namespace."),
        key("cpu", Cpu, Default("100m"), "CPU that one pod requests."),
        key("memory", Memory, Default("128Mi"), "Memory that one pod requests."),
        key("completions", Count(1, MANY), Default("1"), "Pods that have to do their work."),
        key("parallelism", Count(1, MANY), Default("1"), "Pods that are under way at a time at most."),
        key("backoff_limit", Count(0, MANY), Default("6"), "Failures beyond which it gives up."),
        key(
            "run_time",
            Text,
            Default("1m"),
            "How long the containers of a pod run: a time, or a law such as \"lognormal(median 2m, p95 10m)\".",
        ),
        key("failures", Text, Default("0%"), "The share of its pods that fail at their end, such as \"5%\"."),
        key("ttl", Duration, Then("for ever"), "How long it stays after its end (ttlSecondsAfterFinished)."),
        key("created", Duration, Default("0s"), "When it is created, before the end of the run."),
        key("node_selector", TextMap, Then("none"), "Labels that a node must have."),
        key("tolerations", Texts, Then("none"), "Taints that its pods tolerate, as those of a Deployment."),
        PRIORITY,
    ],
};

pub(super) static DAEMON_SET: Shape = Shape {
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
        IMAGE,
        IMAGE_SIZE,
        REGISTRY,
        PULL_POLICY,
        key("created", Duration, Then("it is there from the start"), "When it is created, before the end of the run."),
    ],
};

pub(super) static CLIENT: Shape = Shape {
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

pub(super) static AUTOSCALER: Shape = Shape {
    about: "The autoscaler of the nodes. It runs in pods of a Deployment cluster-autoscaler in kube-system.",
    keys: &[
        key("kind", OneOf(&["cluster-autoscaler"]), Refused, "Which one."),
        key("replicas", Count(1, 10), Default("1"), "Its pods; one of several acts, by a lease."),
        key("cpu", Cpu, Default("100m"), "CPU that one of its pods requests."),
        key("memory", Memory, Default("600Mi"), "Memory that one of its pods requests."),
        key("node_selector", TextMap, Then("none"), "Labels that a node must have for one of its pods."),
        key(
            "expander",
            OneOf(&["random", "least-waste", "most-pods", "priority"]),
            Default("least-waste"),
            "How it chooses one of the node groups that would help.",
        ),
        key(
            "priorities",
            Counts,
            Then("0 for each"),
            "The rank of node groups by their names, for the expander priority; the highest grows.",
        ),
    ],
};

pub(super) static WEBHOOK: Shape = Shape {
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
        key(
            "port",
            Count(1, 65_535),
            Default("443"),
            "The port of its pods that the API servers call, over their interfaces.",
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
