//! The books of a run at a moment, counted from what there is: for tests of what must always hold.

use crate::ids::NodeId;
use crate::run::Run;
use crate::stations::compute::node::Instance;
use crate::stations::services::pod::Object;
use crate::world::World;

/// What there is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// By node group: the fewest, the wanted and the most instances, and those that there are.
    pub groups: Vec<[u32; 4]>,
    /// Nodes on which pods request more than is allocatable, or that hold more pods than they may.
    pub overfull: Vec<NodeId>,
    /// Pods that were ever created.
    pub created: usize,
    /// Pods that wait for a node, those on one, and those that have done their work.
    pub living: [usize; 3],
    /// Pods that are gone, counted as they went.
    pub deleted: usize,
}

impl Run {
    /// The books at this moment.
    pub fn books(&self) -> Books {
        let world = self.world();
        let cluster = &world.cluster;
        let size = |object: &[Object]| cluster.pods.iter().filter(|pod| object.contains(&pod.object())).count();
        let groups = cluster.groups.iter();
        Books {
            groups: groups.map(|group| [group.min(), group.wanted(), group.max(), group.has()]).collect(),
            overfull: (0..).map(NodeId).take(cluster.nodes.len()).filter(|node| is_overfull(world, *node)).collect(),
            created: cluster.pods.len(),
            living: [size(&[Object::Pending]), size(&[Object::Bound, Object::Terminating]), size(&[Object::Finished])],
            deleted: cluster.gone(),
        }
    }
}

/// Whether the pods of a node request more than it has, or are more than it may hold.
fn is_overfull(world: &World, node: NodeId) -> bool {
    let state = &world.cluster.nodes[node.index()];
    let group = &world.plan.cluster.node_groups[state.group.index()];
    let mut used = [0; 4];
    for pod in state.pods().iter().map(|pod| &world.cluster.pods[pod.index()]) {
        if !matches!(pod.object(), Object::Finished | Object::Gone) {
            let needs = world.cluster.placement.needs_of(pod.deployment);
            used.iter_mut().zip(needs).for_each(|(used, need)| *used += need);
        }
    }
    let allocatable = [group.allocatable.milli_cpu, group.allocatable.memory_mib, u64::from(group.gpus)];
    let has = |kind: usize| i64::try_from(allocatable[kind]).unwrap_or(i64::MAX);
    let is_full = (0..3).any(|kind| used[kind] > has(kind)) || used[3] > i64::from(group.max_pods);
    state.instance() != Instance::Terminated && is_full
}
