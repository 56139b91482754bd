//! The pods of a cluster that run on Fargate when a run begins, and their nodes.

use super::ClusterState;
use crate::ids::{DeploymentId, GroupId, NodeId, PodId};
use crate::plan::{Plan, ZoneId};
use crate::stations::compute::node::Node;
use crate::stations::compute::vpc_cni::AddressPool;
use crate::stations::services::daemon_set::DaemonSet;
use sim_kernel::SimTime;

impl ClusterState {
    /// Whether a node is a micro-VM of Fargate: its group is a profile.
    #[inline]
    pub(crate) fn is_micro_vm(&self, node: NodeId) -> bool {
        self.nodes[node.index()].group.index() >= self.groups.len()
    }

    /// A micro-VM comes into being for a pod of a workload.
    pub(crate) fn add_micro_vm(&mut self, node: Node, pod: PodId, workload: DeploymentId) -> NodeId {
        let profile = node.group.index() - self.groups.len();
        let id = NodeId(self.node_count());
        let size = self.fargate.size_of(workload).expect("Fargate has a size for what it launches");
        self.fargate.launches(id, pod, workload, (profile, node.zone));
        self.placement.add_micro_vm(node.zone, node.group, size);
        self.daemon_sets.iter_mut().for_each(DaemonSet::add_node);
        self.lifecycle.add(node.zone);
        self.nodes.push(node);
        self.pools.push(AddressPool::new(SimTime::ZERO));
        id
    }

    /// The node on which a pod for Fargate runs when the run begins; `None` where it could not have come up.
    pub(super) fn micro_vm_at_start(
        &mut self,
        plan: &Plan,
        pod: PodId,
        workload: DeploymentId,
        joins: &impl Fn(usize, ZoneId) -> bool,
    ) -> Option<NodeId> {
        let (profile, size) = (self.fargate.profile_of(workload)?, self.fargate.size_of(workload)?);
        let group = plan.cluster.node_groups.len() + profile;
        let zone = self.fargate.zone_for(profile, |zone| !joins(group, zone))?;
        if !self.fargate.has_quota(size) {
            return None;
        }
        let node = self.add_micro_vm(Node::running(GroupId(group as u16), zone), pod, workload);
        self.placement.exists(node, true);
        self.lifecycle.condition(node, self.nodes[node.index()].ready());
        Some(node)
    }
}
