//! What people do about nodes that do not come back, so that nobody has to wait for them:
//!
//! ```text
//! taint out-of-service -> the taint eviction deletes the node's pods at once: Terminating -> the next look of the pod
//!     garbage collector: gone -> their volumes are detached by force, at once
//! kubectl delete --force -> a Terminating pod is gone; its volume waits for its unmount as ever
//! ```
//!
//! Pods of DaemonSets stay: those that EKS brings tolerate every taint.

use crate::aim::Aim;
use crate::event::Future;
use crate::ids::{Controller, DeploymentId, NodeId, PodId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Node, Ready};
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::SimTime;

impl World {
    /// Somebody taints the nodes of a zone that are not Ready as out of service (`true`), or takes that taint away again.
    pub(crate) fn put_out_of_service(
        &mut self,
        now: SimTime,
        index: u32,
        zone: ZoneId,
        out: bool,
        future: &mut Future,
    ) {
        let is_meant = |node: &Node| match out {
            true => node.ready().is_some_and(|ready| ready != Ready::True) && !node.is_out_of_service(),
            false => node.is_out_of_service(),
        };
        let all = (0..).map(NodeId).zip(&self.cluster.nodes);
        let nodes: Vec<NodeId> =
            all.filter(|(_, node)| node.zone == zone && is_meant(node)).map(|(id, _)| id).collect();
        let (name, count) = (self.zone_name(zone), nodes.len());
        if count == 0 {
            return self.no_target(now, index, "no node of the zone is to be put out of service: nothing happens");
        }
        let what = if out { "out of service, as they are not Ready" } else { "in service again" };
        let note = || format!("somebody puts {count} nodes of {name} {what}");
        let subject = u64::from(index) << 1 | u64::from(out);
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/out-of-service", subject, note);
        for node in nodes {
            self.order(now, Aim::SetOutOfService(node, out), cause, future);
        }
    }

    /// The taint of a node is in the API, or is no more.
    pub(crate) fn node_is_put_out(&mut self, now: SimTime, node: NodeId, out: bool, cause: Cause, future: &mut Future) {
        self.cluster.nodes[node.index()].puts_out_of_service(out);
        if !self.cluster.nodes[node.index()].is_out_of_service() {
            self.cluster.pod_gc.is_in_service(node);
            return self.node_may_open(now, node, future);
        }
        self.cluster.nodes[node.index()].story = cause;
        self.cluster.placement.set_open(node, false);
        self.cluster.pod_gc.is_out_of_service(node);
        self.evict_from_out_of_service(now, node, future);
        self.volumes_of_node_change(now, node, future);
    }

    /// Nobody tolerates that a node is out of service: its pods are deleted at once.
    pub(crate) fn evict_from_out_of_service(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let cause = self.cluster.nodes[node.index()].story;
        for pod in self.cluster.nodes[node.index()].pods().to_vec() {
            let state = &mut self.cluster.pods[pod.index()];
            if state.is_active() && !state.is_being_deleted && !state.is_daemon() {
                state.is_evicted = true;
                self.order_deletion(now, pod, Controller::TaintEviction, cause, future);
            }
        }
    }

    /// The pods that the collector's look finds Terminating on nodes that are out of service and not Ready.
    pub(crate) fn terminating_out_of_service(&self) -> Vec<(PodId, Cause)> {
        let nodes = self.cluster.pod_gc.out_of_service();
        let nodes = nodes.map(|node| &self.cluster.nodes[node.index()]);
        let dead = nodes.filter(|node| node.ready().is_some_and(|ready| ready != Ready::True));
        let pods = dead.flat_map(|node| node.pods().iter().map(|pod| (*pod, node.story)));
        pods.filter(|(pod, _)| self.cluster.pods[pod.index()].object() == Object::Terminating).collect()
    }

    /// Somebody deletes the pods of a workload by force that are Terminating.
    pub(crate) fn force_delete(&mut self, now: SimTime, index: u32, workload: DeploymentId, future: &mut Future) {
        let pods = (0..self.cluster.pods.len() as u32).map(PodId);
        let is_meant = |pod: &PodId| {
            let state = &self.cluster.pods[pod.index()];
            state.deployment == workload && state.object() == Object::Terminating
        };
        let pods: Vec<PodId> = pods.filter(is_meant).collect();
        if pods.is_empty() {
            return self.no_target(now, index, "no pod is Terminating that could be deleted by force: nothing happens");
        }
        let (name, count) = (self.plan.workload_name(workload.index()), pods.len());
        let note = || format!("somebody deletes {count} Terminating pods of {name} by force");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "pod/force-deleted", u64::from(index), note);
        for pod in pods {
            self.order(now, Aim::DeletePodNow(pod), cause, future);
        }
    }
}
