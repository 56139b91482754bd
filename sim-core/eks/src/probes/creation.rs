//! What a cluster that was created in the run has: its tasks with their times, and what `kubectl get` lists when eksctl
//! ends. Names are made as EKS and Kubernetes make them; the letters and addresses in them are drawn.

use crate::ids::{DeploymentId, NodeId};
use crate::record::{CreationRecord, DaemonSetLine, Listing, NodeLine, PhaseRecord, PodLine, ServiceLine, TaskRecord};
use crate::stations::compute::node::Ready;
use crate::stations::services::creation::State;
use crate::stations::services::pod::{Containers, Object, Pod};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};
use std::net::IpAddr;

const ADDRESS: Purpose = Purpose::new("listing/address");
const LETTERS: Purpose = Purpose::new("listing/letters");
const HASH: Purpose = Purpose::new("listing/hash");

/// The letters of generated names (Kubernetes, util/rand).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// The host of the address of `kube-dns` in the range of services, as EKS gives it.
const KUBE_DNS_HOST: u32 = 10;

/// What is kept of a creation while it goes on.
#[derive(Clone, Debug, Default)]
pub struct CreationProbe {
    /// When each Node was registered.
    pub joined: Vec<(NodeId, SimTime)>,
    /// When eksctl ended, and what stood then.
    pub at_end: Option<(SimTime, Listing)>,
}

impl World {
    /// What the creation of the cluster came to, if it was created in the run.
    pub(crate) fn creation_record(&self) -> Option<CreationRecord> {
        let (creation, plan) = (self.creation.as_ref()?, self.plan.creation.as_ref()?);
        let task = |(index, task): (usize, &crate::plan::CreationTask)| {
            let (begun, ended) = creation.times(index);
            let phase = |phase: &crate::stations::services::creation::Phase| PhaseRecord {
                what: phase.what.clone(),
                begun: phase.begun,
                ended: phase.ended,
            };
            TaskRecord {
                what: task.work.describe(&self.plan.cluster),
                state: state_name(creation.state(index)).to_owned(),
                begun,
                ended,
                phases: creation.phases(index).iter().map(phase).collect(),
                why: creation.why(index).to_owned(),
            }
        };
        let tasks: Vec<TaskRecord> = plan.tasks.iter().enumerate().map(task).collect();
        let failure = tasks.iter().find(|task| !task.why.is_empty()).map(|task| format!("{}: {}", task.what, task.why));
        let at_end = self.probes.creation.at_end.clone();
        Some(CreationRecord {
            ended: at_end.as_ref().map(|(ended, _)| *ended),
            failure: failure.unwrap_or_default(),
            tasks,
            listing: at_end.map(|(_, listing)| listing),
        })
    }

    /// What `kubectl get` lists now.
    pub(crate) fn listing(&self, now: SimTime) -> Listing {
        let mut services = vec![ServiceLine {
            namespace: "default".to_owned(),
            name: "kubernetes".to_owned(),
            address: self.plan.cluster.network.kubernetes_service().to_string(),
            ports: "443/TCP".to_owned(),
        }];
        if self.plan.deployments.iter().any(|planned| planned.name == "coredns") {
            services.push(ServiceLine {
                namespace: "kube-system".to_owned(),
                name: "kube-dns".to_owned(),
                address: self.kube_dns().to_string(),
                ports: "53/UDP,53/TCP".to_owned(),
            });
        }
        Listing {
            nodes: self.node_lines(now),
            daemon_sets: self.daemon_set_lines(),
            pods: self.pod_lines(now),
            services,
        }
    }

    fn kube_dns(&self) -> IpAddr {
        match self.plan.cluster.network.kubernetes_service() {
            IpAddr::V4(first) => IpAddr::V4((u32::from(first) - 1 + KUBE_DNS_HOST).into()),
            IpAddr::V6(first) => IpAddr::V6((u128::from(first) - 1 + u128::from(KUBE_DNS_HOST)).into()),
        }
    }

    fn node_lines(&self, now: SimTime) -> Vec<NodeLine> {
        let nodes = (0..).map(NodeId).zip(&self.cluster.nodes);
        let lines = nodes.filter_map(|(id, node)| {
            let status = match node.ready()? {
                Ready::True => "Ready",
                Ready::False => "NotReady",
                Ready::Unknown => "Unknown",
            };
            let joined = self.probes.creation.joined.iter().find(|(known, _)| *known == id);
            Some(NodeLine {
                name: self.node_name(id),
                status: status.to_owned(),
                group: self.plan.cluster.class_name(node.group.index()).to_owned(),
                zone: self.zone_name(node.zone),
                age_s: joined.map_or(0.0, |(_, at)| now.saturating_since(*at).as_secs_f64()),
            })
        });
        lines.collect()
    }

    /// `ip-192-168-1-2.eu-west-1.compute.internal`.
    fn node_name(&self, node: NodeId) -> String {
        let state = &self.cluster.nodes[node.index()];
        let (zones, subnets) = self.plan.cluster.places_of(state.group.index());
        let nth = zones.iter().position(|zone| *zone == state.zone).expect("a node lies in a zone of its group");
        let subnet = &self.plan.cluster.network.subnets[subnets[nth]];
        let mut draw = self.key.draw(ADDRESS, subnets[nth] as u64, 0);
        // A step that shares no divisor with the size visits every address once.
        let (first, size) = (draw.below(u64::from(subnet.size().max(1))), u64::from(subnet.size().max(1)));
        let step = (1..).map(|n| size / 3 * 2 + n).find(|step| coprime(*step, size)).expect("some number is");
        let address = subnet.address(((first + step * u64::from(node.0)) % size) as u32);
        let dashed = address.to_string().replace(['.', ':'], "-");
        let fargate = if self.is_micro_vm(node) { "fargate-" } else { "" };
        match self.plan.cluster.region.as_str() {
            "us-east-1" => format!("{fargate}ip-{dashed}.ec2.internal"),
            region => format!("{fargate}ip-{dashed}.{region}.compute.internal"),
        }
    }

    fn daemon_set_lines(&self) -> Vec<DaemonSetLine> {
        let sets = self.plan.cluster.daemon_sets.iter().enumerate();
        let there = sets.filter(|(index, _)| self.cluster.daemon_sets[*index].exists);
        let line = |(index, planned): (usize, &crate::plan::DaemonSet)| {
            let id = self.cluster.daemon_set_id(index);
            let nodes = (0..self.cluster.node_count()).map(NodeId);
            let pods = self.cluster.pods.iter().filter(|pod| pod.is_daemon() && pod.deployment == id);
            DaemonSetLine {
                name: planned.name.clone(),
                desired: nodes.filter(|node| self.daemon_may_run(id, *node)).count() as u32,
                ready: pods.filter(|pod| pod.is_ready()).count() as u32,
            }
        };
        there.map(line).collect()
    }

    fn pod_lines(&self, now: SimTime) -> Vec<PodLine> {
        let there = self.cluster.pods.iter().filter(|pod| pod.object() != Object::Gone);
        let mut lines: Vec<PodLine> = there.map(|pod| self.pod_line(now, pod)).collect();
        lines.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        lines
    }

    fn pod_line(&self, now: SimTime, pod: &Pod) -> PodLine {
        let of = pod.deployment;
        let owner = self.plan.workload_name(of.index());
        let namespace =
            self.plan.deployments.get(of.index()).map_or("kube-system", |planned| planned.namespace.as_str());
        let letters = self.letters(LETTERS, pod.entity(), 5);
        let name = match pod.is_daemon() {
            true => format!("{owner}-{letters}"),
            false => format!("{owner}-{}-{letters}", self.hash_of_set(of, pod.revision)),
        };
        PodLine {
            namespace: namespace.to_owned(),
            name,
            ready: pod.is_ready(),
            status: status_of(pod).to_owned(),
            node: pod.node.map_or_else(String::new, |node| self.node_name(node)),
            age_s: now.saturating_since(pod.created).as_secs_f64(),
        }
    }

    fn hash_of_set(&self, deployment: DeploymentId, revision: u8) -> String {
        self.letters(HASH, u64::from(deployment.0) << 8 | u64::from(revision), 10)
    }

    fn letters(&self, purpose: Purpose, entity: u64, count: usize) -> String {
        let mut draw = self.key.draw(purpose, entity, 0);
        (0..count).map(|_| char::from(ALPHABET[draw.below(ALPHABET.len() as u64) as usize])).collect()
    }
}

fn coprime(one: u64, other: u64) -> bool {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one == 1
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "not begun",
        State::Running => "running",
        State::Done => "done",
        State::Failed => "failed",
    }
}

fn status_of(pod: &Pod) -> &'static str {
    match (pod.object(), pod.containers()) {
        (Object::Terminating, _) => "Terminating",
        (Object::Pending, _) => "Pending",
        (Object::Finished, _) => "Completed",
        (_, Containers::Absent | Containers::Starting) => "ContainerCreating",
        _ => "Running",
    }
}
