//! The end of a Node whose instance is gone, the second and faster clock to rescheduling:
//!
//! ```text
//! instance terminated, Node NotReady -> a look of the cloud controller manager -> DeleteNode -> pod GC
//! ```

use crate::aim::Aim;
use crate::cluster::Clock;
use crate::event::{Event, Future};
use crate::ids::{Component, NodeId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Ready};
use crate::world::World;
use sim_kernel::SimTime;

const CLOUD: Component = Component::CloudControllerManager;

impl World {
    /// The cloud controller manager begins, and finds every Node without its instance anew.
    pub(crate) fn cloud_nodes_begin(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        self.cluster.cloud_nodes.begins();
        for (index, node) in self.cluster.nodes.iter().enumerate() {
            if node.instance() == Instance::Terminated && node.ready().is_some_and(|ready| ready != Ready::True) {
                self.cluster.cloud_nodes.notice(NodeId(index as u32));
            }
        }
        let period = self.plan.parameters.controllers.cloud_node_period;
        let first = self.first_tick(now, period, generation, Clock::CloudNodes);
        future.schedule(first, Event::CloudNodeTick(generation));
    }

    /// It looks at NotReady nodes.
    #[cold]
    pub(crate) fn cloud_node_tick(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        if !self.acts(CLOUD, generation) {
            return;
        }
        future.schedule(now + self.plan.parameters.controllers.cloud_node_period, Event::CloudNodeTick(generation));
        for node in self.cluster.cloud_nodes.look() {
            let cause = self.cluster.nodes[node.index()].story;
            self.order(now, Aim::DeleteNode(node), cause, future);
        }
    }

    /// A Node is deleted: its pods are left to the pod garbage collector, without waiting for taint and toleration.
    pub(crate) fn node_is_deleted(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let was = self.cluster.nodes[node.index()].ready();
        if !self.cluster.nodes[node.index()].object_goes() {
            return;
        }
        self.cluster.lifecycle.condition(node, None);
        self.cluster.placement.exists(node, false);
        self.cluster.placement.set_open(node, false);
        self.cluster.probe.node_is_deleted(now, was);
        let zone = self.cluster.zone_of(node);
        let name = self.zone_name(zone);
        let state = &self.cluster.nodes[node.index()];
        let (kind, how) = match state.is_tainted_no_execute() || state.is_cordoned() {
            _ if self.is_micro_vm(node) => ("node/fargate-deleted", "its micro-VM has ended"),
            true => ("node/deleted", "its instance is terminated"),
            false => ("node/deleted-early", "its instance is terminated, so the tail of tainting is cut short"),
        };
        let story = self
            .probes
            .timeline
            .note(now, Weight::Step, cause, kind, u64::from(zone.0), || format!("Node deleted, {name}: {how}"));
        self.cluster.nodes[node.index()].story = story.or(cause);
        self.cluster.pod_gc.is_deleted(node);
        self.volumes_of_node_change(now, node, future);
        self.daemons_lose_their_node(now, node, future);
        // A zone without Nodes no longer counts for a strict spread.
        self.room_appears(now, future);
    }
}
