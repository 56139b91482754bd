//! A node that lacks a pod of a DaemonSet:
//!
//! ```text
//! node registers, or opens; or its pod is gone -> heard -> a worker syncs -> CreateDaemonPod x 1, 2, 4 ... -> status
//!     -> the scheduler looks at this one node -> BindPod -> its kubelet starts it, before its network is up if it may
//! ```
//!
//! Its pods are for one node each and tolerate that this node is not Ready: nobody evicts them. They go with the Node.

use crate::aim::Aim;
use crate::cluster::ClusterState;
use crate::event::{Event, Future};
use crate::ids::{Controller, DeploymentId, NodeId, PodId};
use crate::plan::DaemonSet as Planned;
use crate::record::Weight;
use crate::stations::compute::node::{Node, Ready};
use crate::stations::services::pod::{Object, Pod};
use crate::world::World;
use sim_kernel::SimTime;

const DAEMON_SETS: Controller = Controller::DaemonSet;

impl World {
    /// The controller begins: it looks at every node for every DaemonSet.
    pub(crate) fn daemon_sets_begin(&mut self, now: SimTime, future: &mut Future) {
        for index in 0..self.cluster.daemon_sets.len() {
            let id = self.cluster.daemon_set_id(index);
            self.cluster.daemon_sets[index].begins();
            for node in (0..self.cluster.node_count()).map(NodeId) {
                if self.daemon_is_wanted(id, node) {
                    self.cluster.daemon_sets[index].may_lack(node);
                }
                self.end_daemon_without_node(now, index, node, future);
            }
            if self.cluster.daemon_sets[index].has_more() {
                self.controller_hears(now, DAEMON_SETS, id.0, future);
            }
        }
    }

    /// The DaemonSets that are created during the run wait for their time.
    pub(crate) fn daemon_sets_wait(&mut self, future: &mut Future) {
        for (index, planned) in self.plan.cluster.daemon_sets.iter().enumerate() {
            if let Some(at) = planned.created {
                future.schedule(at, Event::DaemonSet(self.cluster.daemon_set_id(index)));
            }
        }
    }

    /// A DaemonSet is created.
    #[cold]
    pub(crate) fn daemon_set_is_created(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) {
        let index = self.cluster.daemon_set_index(id);
        self.cluster.daemon_sets[index].exists = true;
        let name = self.plan.cluster.daemon_sets[index].name.clone();
        let note = || format!("DaemonSet {name} is created");
        self.probes.timeline.note(now, Weight::Turn, None, "daemonset/created", u64::from(id.0), note);
        for node in (0..self.cluster.node_count()).map(NodeId) {
            self.daemon_may_lack(now, id, node, future);
        }
    }

    /// A node has come, or has changed so that DaemonSets may run on it.
    pub(crate) fn daemons_may_come(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        for index in 0..self.cluster.daemon_sets.len() {
            self.daemon_may_lack(now, self.cluster.daemon_set_id(index), node, future);
        }
    }

    fn daemon_may_lack(&mut self, now: SimTime, id: DeploymentId, node: NodeId, future: &mut Future) {
        if self.daemon_is_wanted(id, node) {
            let index = self.cluster.daemon_set_index(id);
            self.cluster.daemon_sets[index].may_lack(node);
            self.controller_hears(now, DAEMON_SETS, id.0, future);
        }
    }

    /// Whether a DaemonSet wants a pod on a node and has none.
    fn daemon_is_wanted(&self, id: DeploymentId, node: NodeId) -> bool {
        let set = &self.cluster.daemon_sets[self.cluster.daemon_set_index(id)];
        set.exists && set.pod_on(node).is_none() && self.daemon_may_run(id, node)
    }

    /// Whether the pods of a DaemonSet may run on a node: it exists, its group is one of theirs, and they tolerate its
    /// taints. That of a cordoned node they tolerate in any case.
    pub(crate) fn daemon_may_run(&self, id: DeploymentId, node: NodeId) -> bool {
        let state = &self.cluster.nodes[node.index()];
        is_open_to(self.daemon_set_planned(id), state) && self.cluster.placement.is_possible(id, node)
    }

    fn daemon_set_planned(&self, id: DeploymentId) -> &Planned {
        &self.plan.cluster.daemon_sets[self.cluster.daemon_set_index(id)]
    }

    /// Whether a pod brings its node's network.
    pub(crate) fn brings_network(&self, pod: &Pod) -> bool {
        pod.is_daemon() && self.daemon_set_planned(pod.deployment).brings_network
    }

    /// Whether a pod runs in its node's own network, and so before there is one for pods.
    pub(crate) fn is_in_host_network(&self, pod: &Pod) -> bool {
        pod.is_daemon() && self.daemon_set_planned(pod.deployment).host_network
    }

    /// Whether the network of a node comes with a pod; otherwise it comes by itself.
    pub(crate) fn network_comes_with_a_pod(&self, node: NodeId) -> bool {
        let sets = self.plan.cluster.daemon_sets.iter().enumerate();
        let mut bringing = sets.filter(|(_, planned)| planned.brings_network);
        bringing.any(|(index, _)| self.cluster.placement.is_possible(self.cluster.daemon_set_id(index), node))
    }

    /// A worker looks at a DaemonSet. Whether it waits for answers.
    pub(crate) fn sync_daemon_set(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let burst = self.plan.parameters.controllers.daemon_set_burst as u32;
        let index = self.cluster.daemon_set_index(id);
        self.cluster.daemon_sets[index].look(burst);
        self.end_outdated(now, id, future);
        self.create_daemons(now, id, future) || self.report_daemon_set(now, id, future)
    }

    /// A DaemonSet gets another template: its pods are replaced, and no node has its new image yet.
    pub(crate) fn update_daemon_set(&mut self, now: SimTime, step: u32, index: usize, future: &mut Future) {
        let name = &self.plan.cluster.daemon_sets[index].name;
        let note = || format!("DaemonSet {name} gets a new image");
        self.probes.timeline.note(now, Weight::Turn, None, "daemonset/updated", u64::from(step), note);
        self.cluster.daemon_sets[index].wants_another_template(now);
        self.controller_hears(now, DAEMON_SETS, self.cluster.daemon_set_id(index).0, future);
    }

    /// Deletes the next pods of an old template.
    fn end_outdated(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) {
        let most = self.plan.parameters.controllers.daemon_set_max_unavailable as u32;
        let index = self.cluster.daemon_set_index(id);
        let ClusterState { daemon_sets, pods, .. } = &mut self.cluster;
        let outdated = daemon_sets[index].next_outdated(most, |pod| pods[pod.index()].is_ready());
        for pod in outdated {
            self.order_deletion(now, pod, DAEMON_SETS, None, future);
        }
    }

    /// Orders the next batch of pods. Whether there is one.
    fn create_daemons(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let index = self.cluster.daemon_set_index(id);
        let planned = &self.plan.cluster.daemon_sets[index];
        let ClusterState { daemon_sets, nodes, placement, .. } = &mut self.cluster;
        let wants = |node: NodeId| is_open_to(planned, &nodes[node.index()]) && placement.is_possible(id, node);
        let batch = daemon_sets[index].next_batch(wants);
        for &node in &batch {
            let cause = self.cluster.nodes[node.index()].story;
            self.order(now, Aim::CreateDaemonPod(id, node), cause, future);
        }
        !batch.is_empty()
    }

    /// Orders the status of a DaemonSet, if it has changed. Whether it has.
    fn report_daemon_set(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let index = self.cluster.daemon_set_index(id);
        let must_tell = self.cluster.daemon_sets[index].must_tell();
        if must_tell {
            self.order(now, Aim::ReportDaemonSet(id), None, future);
        }
        must_tell
    }

    /// A request of a sync has ended: the next batch follows, then the status, then the worker is free.
    pub(crate) fn daemon_set_answered(&mut self, now: SimTime, aim: Aim, succeeded: bool, future: &mut Future) {
        let id = match aim {
            Aim::CreateDaemonPod(id, node) => {
                if !succeeded && self.daemon_is_wanted(id, node) {
                    let index = self.cluster.daemon_set_index(id);
                    self.cluster.daemon_sets[index].may_lack(node);
                }
                id
            }
            Aim::ReportDaemonSet(id) => id,
            _ => unreachable!("only orders of a sync come here"),
        };
        let index = self.cluster.daemon_set_index(id);
        if !self.cluster.daemon_sets[index].ended(succeeded) || self.create_daemons(now, id, future) {
            return;
        }
        let succeeded = self.cluster.daemon_sets[index].has_succeeded();
        if succeeded && self.report_daemon_set(now, id, future) {
            return;
        }
        if succeeded && self.cluster.daemon_sets[index].has_more() {
            self.controller_hears(now, DAEMON_SETS, id.0, future); // beyond the burst
        }
        self.sync_ends(now, DAEMON_SETS, id.0, succeeded, future);
    }

    /// A pod for a node is created, and the scheduler will hear of it. One that a former leader ordered beside it is not.
    pub(crate) fn daemon_is_created(&mut self, now: SimTime, id: DeploymentId, node: NodeId, future: &mut Future) {
        let index = self.cluster.daemon_set_index(id);
        if self.cluster.daemon_sets[index].pod_on(node).is_some() {
            return;
        }
        let pod = PodId(self.cluster.pods.len() as u32);
        let set = &mut self.cluster.daemon_sets[index];
        set.gains(node, pod);
        let (number, revision) = (set.numbers_a_pod(), set.revision());
        let cause = self.cluster.nodes[node.index()].story;
        let mut new = Pod::of_daemon_set(id, number, node, cause).created_at(now);
        new.revision = revision;
        self.cluster.pods.push(new);
        self.cluster.probe.daemon_is_created(now);
        self.scheduler_hears(now, pod, future);
        self.controller_hears(now, DAEMON_SETS, id.0, future);
        self.end_daemon_without_node(now, index, node, future);
    }

    /// The status of a DaemonSet is in the API.
    pub(crate) fn daemon_set_is_reported(&mut self, now: SimTime, id: DeploymentId) {
        let index = self.cluster.daemon_set_index(id);
        self.cluster.daemon_sets[index].tells();
        if let Some(since) = self.cluster.daemon_sets[index].rollout_ends() {
            let (name, took) = (&self.plan.cluster.daemon_sets[index].name, now.saturating_since(since).as_secs_f64());
            let note = || format!("rolling update of DaemonSet {name} complete after {took:.0} s");
            self.probes.timeline.note(now, Weight::Turn, None, "daemonset/rolled-out", u64::from(id.0), note);
        }
    }

    /// A pod of a DaemonSet became Ready, or ceased to be.
    pub(crate) fn daemon_readiness_changes(&mut self, now: SimTime, pod: PodId, ready: bool, future: &mut Future) {
        let id = self.cluster.pods[pod.index()].deployment;
        let index = self.cluster.daemon_set_index(id);
        self.cluster.daemon_sets[index].readiness_changes(ready);
        self.controller_hears(now, DAEMON_SETS, id.0, future);
    }

    /// A pod of a DaemonSet is gone: its node lacks one, if there still is a node.
    pub(crate) fn daemon_is_gone(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let id = self.cluster.pods[pod.index()].deployment;
        let index = self.cluster.daemon_set_index(id);
        self.cluster.daemon_sets[index].loses(node);
        self.controller_hears(now, DAEMON_SETS, id.0, future);
        self.daemon_may_lack(now, id, node, future);
    }

    /// A Node is deleted: the pods that were created for it and never came to it are deleted.
    pub(crate) fn daemons_lose_their_node(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        for index in 0..self.cluster.daemon_sets.len() {
            self.end_daemon_without_node(now, index, node, future);
        }
    }

    fn end_daemon_without_node(&mut self, now: SimTime, index: usize, node: NodeId, future: &mut Future) {
        let Some(pod) = self.cluster.daemon_sets[index].pod_on(node) else { return };
        let is_pending = self.cluster.pods[pod.index()].object() == Object::Pending;
        if is_pending && self.cluster.nodes[node.index()].is_deleted() {
            let cause = self.cluster.nodes[node.index()].story;
            self.order_deletion(now, pod, DAEMON_SETS, cause, future);
        }
    }
}

/// Whether there is a Node whose condition the pods of a DaemonSet bear.
fn is_open_to(planned: &Planned, node: &Node) -> bool {
    let is_ready = node.ready() == Some(Ready::True) && !node.is_tainted();
    node.ready().is_some() && (is_ready || planned.tolerates_not_ready())
}
