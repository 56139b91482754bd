//! What the account rents goes on its bill: the control plane by tier and support, instances from their launch to their
//! end, and the room on them that pods take.

use crate::ids::{DeploymentId, NodeId, PodId};
use crate::plan::{KubernetesVersion, Support};
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::SimTime;

impl World {
    /// The bill begins with what there is.
    pub(crate) fn bill_begins(&mut self) {
        let now = SimTime::ZERO;
        self.price_control_plane(now);
        self.volumes_are_billed();
        for node in (0..self.cluster.node_count()).map(NodeId) {
            match self.cluster.fargate.pod_of(node) {
                Some(pod) => self.micro_vm_is_billed(now, self.cluster.pods[pod.index()].deployment, node),
                None => self.instance_is_billed(now, node),
            }
        }
        for pod in (0..self.cluster.pods.len() as u32).map(PodId) {
            let state = &self.cluster.pods[pod.index()];
            let counts = |node: &NodeId| state.object() != Object::Gone && !self.is_micro_vm(*node);
            if let Some(node) = state.node.filter(counts) {
                let (milli_cpu, memory_mib) = self.requests_of(state.deployment);
                self.bill.takes(now, node, milli_cpu, memory_mib);
            }
        }
    }

    /// The control plane's price follows from its tier and from the support of its version.
    pub(crate) fn price_control_plane(&mut self, now: SimTime) {
        let kind = self.fleet.kind();
        let parameters = self.parameters_of(kind);
        let version = KubernetesVersion { minor: kind.minor, ..self.plan.cluster.version };
        let is_extended = Support::of(version, parameters.cost.date).is_extended();
        let control_plane = &parameters.control_plane;
        let surcharge = if is_extended { control_plane.extended_support_usd_per_hour } else { 0.0 };
        let support = if is_extended { "extended" } else { "standard" };
        let what = format!("{}.{} in {support} support, tier {}", version.major, version.minor, kind.tier);
        self.bill.price_control_plane(now, what, control_plane.usd_per_hour + surcharge);
    }

    /// An instance runs: it is billed until it is terminated, whether it has power or not.
    pub(crate) fn instance_is_billed(&mut self, now: SimTime, node: NodeId) {
        let state = &self.cluster.nodes[node.index()];
        let (group, zone) = (state.group, state.zone);
        let planned = &self.plan.cluster.node_groups[group.index()];
        let place = planned.zones.iter().position(|own| *own == zone).and_then(|at| planned.subnets.get(at));
        let is_public = place.is_some_and(|subnet| self.plan.cluster.network.subnets[*subnet].public);
        self.bill.rents(now, node, group, zone, is_public);
    }

    /// A pod takes room on a node.
    pub(crate) fn take_room(&mut self, now: SimTime, workload: DeploymentId, node: NodeId) {
        self.cluster.placement.take(workload, node);
        if !self.is_micro_vm(node) {
            let (milli_cpu, memory_mib) = self.requests_of(workload);
            self.bill.takes(now, node, milli_cpu, memory_mib);
        }
    }

    /// The room of a pod that no longer counts is free.
    pub(crate) fn free_room(&mut self, now: SimTime, workload: DeploymentId, node: NodeId) {
        self.cluster.placement.free(workload, node);
        if !self.is_micro_vm(node) {
            let (milli_cpu, memory_mib) = self.requests_of(workload);
            self.bill.frees(now, node, milli_cpu, memory_mib);
        }
    }

    fn requests_of(&self, workload: DeploymentId) -> (u64, u64) {
        let [milli_cpu, memory_mib, ..] = self.cluster.placement.needs_of(workload);
        (milli_cpu.unsigned_abs(), memory_mib.unsigned_abs())
    }
}
