//! The scenario format, declared once: every key, its kind, whether it must be there, and what it means. The reader,
//! the nearest names in errors and the JSON schema derive from here.
//!
//! To add a key, add a line to its table, here or in the files beside, and read it where that table is resolved.

mod network;
mod steps;
mod workload;

use network::{NETWORK, VARIANT_NETWORK};
pub(crate) use steps::{CHANGES, FAULTS, STEP};
use workload::{AUTOSCALER, CLIENT, DAEMON_SET, DEPLOYMENT, JOB, WEBHOOK, WORKLOAD};

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
use Kind::{Count, Duration, Flag, Objectives, Parameters, Tables, Text, TextMap, Texts, Variants};

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
            "created",
            Flag,
            Default("false"),
            "Whether the cluster is created in the run, as `eksctl create cluster` does it, rather than standing from its start.",
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
        key("jobs", Tables(&JOB), Then("none"), "The Jobs that are created on the cluster."),
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
        key(
            "autoscaler",
            Kind::Table(&AUTOSCALER),
            Then("none"),
            "What keeps the number of nodes to the pods; it works on node groups whose max is above their min.",
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

static CLUSTER: Shape = Shape {
    about: "The cluster.",
    keys: &[
        key("name", Text, Default("cluster"), "Its name."),
        key("region", Text, Default("eu-west-1"), "The AWS region."),
        key("version", Text, Default("1.35"), "The Kubernetes version."),
        key(
            "zones",
            Texts,
            Then("the first three zones of the region"),
            "The zones of its subnets: letters, or names such as eu-west-1a.",
        ),
        key("node_groups", Tables(&NODE_GROUP), Then("none"), "Its node groups."),
        key("fargate_profiles", Tables(&FARGATE_PROFILE), Then("none"), "Its Fargate profiles: which pods run there."),
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

static FARGATE_PROFILE: Shape = Shape {
    about: "A Fargate profile: the pods that it selects run on Fargate, each on a node of its own.",
    keys: &[
        key("name", Text, Refused, "Its name, unique in the cluster."),
        key(
            "selectors",
            Tables(&FARGATE_SELECTOR),
            Refused,
            "Which pods it selects: one to five, one of which is enough.",
        ),
        key("zones", Texts, Then("all zones of the cluster"), "The zones of its subnets, which are private."),
    ],
};

static FARGATE_SELECTOR: Shape = Shape {
    about: "Which pods a Fargate profile selects.",
    keys: &[
        key("namespace", Text, Refused, "Their namespace; \"*\" stands for any text, \"?\" for any one character."),
        key("labels", TextMap, Then("any"), "Labels that they must have, all of them."),
    ],
};

impl Shape {
    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}
