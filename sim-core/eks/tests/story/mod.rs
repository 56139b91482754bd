//! One way to tell a story: a small plan, told in code, run to its end.
#![allow(dead_code)] // each test file uses its part

use sim_eks::plan::{
    Change, Client, ClientPlace, Cluster, ClusterAutoscaler, Control, DaemonSet, Deployment, Expander, ExternalClient,
    KubernetesVersion, Modes, Network, NodeGroup, SYSTEM_CLUSTER_CRITICAL, Step, Toleration, VpcLayout, Zone, ZoneId,
};
use sim_eks::quantity::{Price, Resources};
use sim_eks::record::{Fact, VerbRecord};
use sim_eks::{Parameters, Plan, Record, Run};
use sim_kernel::{SimDuration, SimTime};
use sim_study::Subject;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A plan under construction: three zones, one node group over them, one deployment, nobody outside.
#[derive(Clone)]
pub struct Story {
    pub plan: Plan,
    seed: u64,
    replication: u32,
}

/// `nodes` nodes of two cores in zones a, b and c, with ten small pods each; an hour long.
pub fn story(nodes: u32) -> Story {
    let zone = |letter| Zone { name: format!("eu-west-1{letter}"), in_cluster: true };
    let group = NodeGroup {
        name: "general".to_owned(),
        managed: true,
        instance_type: "m5.large".to_owned(),
        allocatable: Resources { milli_cpu: 1930, memory_mib: 7000 },
        max_pods: 29,
        gpus: 0,
        max_enis: 3,
        ipv4_per_eni: 10,
        min: 0,
        desired: nodes,
        max: nodes.max(1) * 2,
        zones: vec![ZoneId(0), ZoneId(1), ZoneId(2)],
        subnets: vec![0, 1, 2],
        security_groups: vec![Network::CLUSTER_GROUP],
        labels: BTreeMap::new(),
        taints: Vec::new(),
        spot: false,
        usd_per_hour: Price::default(),
        volume_gib: None,
    };
    let zones = ["a", "b", "c"].map(zone).to_vec();
    let cluster = Cluster {
        network: Network::new(&zones, &VpcLayout::default()),
        name: "story".to_owned(),
        region: "eu-west-1".to_owned(),
        version: KubernetesVersion { major: 1, minor: 34 },
        zones,
        node_groups: vec![group],
        fargate_profiles: Vec::new(),
        daemon_sets: vec![DaemonSet {
            name: "kube-proxy".to_owned(),
            requests: Resources { milli_cpu: 100, memory_mib: 0 },
            tolerations: vec![Toleration { key: None, value: None, effect: None }],
            host_network: true,
            ..DaemonSet::default()
        }],
    };
    let plan = Plan {
        scenario: "story".to_owned(),
        title: "A story".to_owned(),
        question: "What happens?".to_owned(),
        duration: SimDuration::from_mins(60),
        warm_up: SimDuration::from_mins(5),
        replications: 1,
        cluster,
        deployments: vec![deployment("web", nodes * 10)],
        creation: None,
        pod_trace: None,
        churn: 0.0,
        clients: Vec::new(),
        workloads: Vec::new(),
        webhooks: Vec::new(),
        autoscaler: None,
        steps: Vec::new(),
        objectives: Vec::new(),
        parameters: Parameters::default(),
        settings: Vec::new(),
        notes: Vec::new(),
        base: String::new(),
        variants: Vec::new(),
        modes: Modes::default(),
    };
    Story { plan, seed: 1, replication: 0 }
}

/// `nodes` nodes in each of three zones, with two pods each; at minute 10 a share of those in zone a stops for good.
/// Nobody replaces instances, and nothing happens to the control plane.
pub fn loss_in_zone_a(nodes: u32, share: f64) -> Story {
    let mut story = story(3 * nodes).placed("b,c", "b", "b").set("node_group.replace_instances", "false");
    story.plan.deployments[0].replicas = 6 * nodes;
    story.at(10, Change::NodeLoss { zone: ZoneId(0), share, lasts: None })
}

/// A VPC with addresses for any number of nodes and pods.
pub fn roomy(network: &mut Network) {
    for (index, subnet) in (0u8..).zip(&mut network.subnets) {
        subnet.cidr = format!("{}.0.0.0/8", 64 + index).parse().expect("a range");
    }
}

/// A deployment of pods of 100 millicores and 128 MiB.
pub fn deployment(name: &str, replicas: u32) -> Deployment {
    Deployment {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        replicas,
        requests: Resources { milli_cpu: 100, memory_mib: 128 },
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
        spread_zones: false,
        control: Control::default(),
    }
}

/// The moment `minutes` after the start.
pub fn at_minute(minutes: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_mins(minutes)
}

impl Story {
    /// With a Cluster Autoscaler in one pod.
    pub fn with_autoscaler(mut self) -> Self {
        let control = Control { priority: SYSTEM_CLUSTER_CRITICAL, ..Control::default() };
        let namespace = "kube-system".to_owned();
        self.plan.deployments.push(Deployment { control, namespace, ..deployment("cluster-autoscaler", 1) });
        let (deployment, expander) = (self.plan.deployments.len() - 1, Expander::LeastWaste);
        self.plan.autoscaler = Some(ClusterAutoscaler { deployment, expander, priorities: vec![0] });
        self
    }

    /// Sets a parameter.
    pub fn set(mut self, path: &str, value: &str) -> Self {
        self.plan.parameters.set(path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
        self
    }

    /// Pins API servers, the etcd leader and the controllers' leader to zones, by letter.
    pub fn placed(self, api_servers: &str, etcd_leader: &str, controllers: &str) -> Self {
        self.set("placement.api_server_zones", api_servers)
            .set("placement.etcd_leader_zone", etcd_leader)
            .set("placement.controllers_zone", controllers)
    }

    /// Something happens at a minute.
    pub fn at(mut self, minute: u64, change: Change) -> Self {
        self.plan.steps.push(Step { at: at_minute(minute), change });
        self
    }

    /// Zone a loses power at minute 10, for half an hour.
    pub fn zone_a_goes_dark(self) -> Self {
        self.at(10, Change::ZonePowerLoss { zone: ZoneId(0), lasts: Some(SimDuration::from_mins(30)) })
    }

    /// Lasts so many minutes.
    pub fn minutes(mut self, minutes: u64) -> Self {
        self.plan.duration = SimDuration::from_mins(minutes);
        self
    }

    /// With an administrator and a CI system on the internet.
    pub fn with_externals(mut self) -> Self {
        for (name, class) in [("admin", ExternalClient::Admin), ("ci", ExternalClient::Ci)] {
            self.plan.clients.push(Client { name: name.to_owned(), class, place: ClientPlace::default(), count: 1 });
        }
        self
    }

    /// Every law at its median, no jitter.
    pub fn still(mut self) -> Self {
        self.plan.parameters = self.plan.parameters.still();
        self
    }

    /// Carried out in another way.
    pub fn mode(mut self, change: impl FnOnce(&mut Modes)) -> Self {
        change(&mut self.plan.modes);
        self
    }

    /// Another seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The run at its beginning.
    pub fn start(&self) -> Run {
        Run::start(&Arc::new(self.plan.clone()), self.seed, self.replication)
    }

    /// The record of the whole run.
    pub fn record(&self) -> Record {
        let mut run = self.start();
        run.run_until(self.plan.end()).expect("time goes on");
        let record = run.finish();
        assert_eq!(sim_study::Outcome::contradiction(&record), None, "the books balance");
        record
    }

    /// The records of several seeds.
    pub fn records(&self, seeds: std::ops::Range<u64>) -> Vec<Record> {
        seeds.map(|seed| self.clone().seed(seed).record()).collect()
    }
}

/// A measure of a record.
pub fn measure(record: &Record, name: &str) -> f64 {
    value(record, name).unwrap_or_else(|| panic!("{name} has no value"))
}

/// A measure of a record, if it has a value.
pub fn value(record: &Record, name: &str) -> Option<f64> {
    record.measures.iter().find(|measure| measure.name == name).unwrap_or_else(|| panic!("no measure {name}")).value
}

/// The requests of a class with a verb.
pub fn verb<'a>(record: &'a Record, class: &str, verb: &str) -> &'a VerbRecord {
    let client =
        record.clients.iter().find(|client| client.class == class).unwrap_or_else(|| panic!("no class {class}"));
    client.verbs.iter().find(|entry| entry.verb == verb).unwrap_or_else(|| panic!("no verb {verb}"))
}

/// How many requests of a verb ended with an error.
pub fn failed(verb: &VerbRecord, error: &str) -> u64 {
    verb.failed.iter().filter(|(name, _)| name == error).map(|(_, count)| count).sum()
}

/// The first fact whose text contains `text`.
pub fn fact<'a>(record: &'a Record, text: &str) -> Option<&'a Fact> {
    record.timeline.iter().find(|fact| fact.text.contains(text))
}
