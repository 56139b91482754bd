//! An instance and its node, from launch to Ready, through death and return:
//!
//! ```text
//! ordered -> Launched -> boots -> KubeletStarts -> registers -> its VPC CNI pod runs -> reports -> Ready: schedulable
//! power lost -> its kubelet and containers are dead at once -> FoundImpaired -> terminated -> replaced
//!            -> PowerReturns -> boots -> KubeletStarts -> its pods start again
//! ```

use crate::event::{Event, Future, InstanceStep, PodStep};
use crate::ids::{NodeId, PodId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::services::pod::Pod;
use crate::world::World;
use sim_kernel::{Law, Purpose, SimTime};

const BOOT: Purpose = Purpose::new("instance/boot");
const CNI: Purpose = Purpose::new("instance/cni");
const IMPAIRED: Purpose = Purpose::new("instance/impaired");
const POWER: Purpose = Purpose::new("instance/power");
const STOP: Purpose = Purpose::new("instance/stop");

impl World {
    /// An instance has come a step further.
    pub(crate) fn instance(&mut self, now: SimTime, node: NodeId, life: u32, step: InstanceStep, future: &mut Future) {
        if self.cluster.nodes[node.index()].life() != life {
            return;
        }
        match step {
            InstanceStep::Launched => self.boot(now, node, future),
            InstanceStep::KubeletStarts => self.kubelet_begins(now, node, future),
            InstanceStep::NetworkReady => self.network_is_ready(now, node, future),
            InstanceStep::FoundImpaired => self.instance_is_found_impaired(now, node, future),
            InstanceStep::PowerReturns => {
                if self.zones.has_power(self.cluster.zone_of(node)) {
                    self.cluster.nodes[node.index()].wakes();
                    self.boot(now, node, future);
                }
            }
            InstanceStep::Drained if self.is_micro_vm(node) => self.micro_vm_ends(now, node, future),
            InstanceStep::Drained => self.terminate(now, node, future),
        }
    }

    fn boot(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        self.instance_is_billed(now, node);
        self.cluster.nodes[node.index()].boots();
        self.note_on_the_way(now, node, "instance/boots", "instance boots");
        let law = self.plan.parameters.node_group.boot_time.clone();
        self.after(now, node, &law, BOOT, InstanceStep::KubeletStarts, future);
    }

    /// Schedules the next step of an instance after a time that is drawn for this life of it.
    pub(crate) fn after(
        &mut self,
        now: SimTime,
        node: NodeId,
        law: &Law,
        purpose: Purpose,
        step: InstanceStep,
        future: &mut Future,
    ) {
        let life = self.cluster.nodes[node.index()].life();
        let time = law.duration(&mut self.key.draw(purpose, u64::from(node.0), u64::from(life)));
        future.schedule(now + time, Event::Instance(node, life, step));
    }

    fn kubelet_begins(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let state = &mut self.cluster.nodes[node.index()];
        state.kubelet_runs();
        let (is_known, cause) = (state.ready().is_some(), state.story);
        self.kubelet_starts(now, node, cause, future);
        if is_known {
            self.network_may_follow(now, node, future);
        }
    }

    /// The network of a node follows by itself, unless the pod of a DaemonSet brings it; that of a micro-VM is there.
    fn network_may_follow(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.is_micro_vm(node) {
            self.network_is_ready(now, node, future);
        } else if !self.network_comes_with_a_pod(node) {
            let law = self.plan.parameters.node_group.cni_time.clone();
            self.after(now, node, &law, CNI, InstanceStep::NetworkReady, future);
        }
    }

    /// The kubelet starts the pod that brings its node's network.
    pub(crate) fn start_network(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let life = self.cluster.nodes[node.index()].life();
        self.start_needs_no_more(pod);
        let state = &mut self.cluster.pods[pod.index()];
        state.starts();
        let image = (self.cluster.images.own(state.deployment), state.revision);
        self.cluster.nodes[node.index()].gains_image(image);
        let time = &self.plan.parameters.node_group.cni_time;
        let started = now + time.duration(&mut self.key.draw(CNI, u64::from(node.0), u64::from(life)));
        future.schedule(started, Event::Pod(pod, state.life(), PodStep::Ready));
    }

    /// A pod runs: with it the network of its node may come.
    pub(crate) fn network_may_come(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let Some(node) = state.node.filter(|_| self.brings_network(state)) else { return };
        if self.cluster.nodes[node.index()].lives() && !self.cluster.nodes[node.index()].has_network() {
            self.network_is_ready(now, node, future);
        }
    }

    /// A Node object is created; the VPC CNI starts on it.
    pub(crate) fn node_registers(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let state = &mut self.cluster.nodes[node.index()];
        if state.ready().is_some() || state.is_deleted() {
            return;
        }
        state.registers();
        let lives = state.lives();
        self.cluster.probe.node_registers();
        self.creation_sees_join(now, node);
        self.cluster.lifecycle.condition(node, Some(Ready::False));
        self.cluster.placement.exists(node, true);
        self.note_on_the_way(now, node, "node/joined", "node has joined the cluster");
        if lives {
            self.network_may_follow(now, node, future);
        }
        self.daemons_may_come(now, node, future);
    }

    fn network_is_ready(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let state = &mut self.cluster.nodes[node.index()];
        state.network_comes_up();
        let cause = state.story;
        self.pool_begins(now, node, future);
        self.kubelet_reports_ready(now, node, cause, future);
        self.kubelet_listed(now, node, future);
        if !self.is_micro_vm(node) {
            self.workloads_start_on(now, node, future);
        }
    }

    /// A kubelet's report of its node's status is in the API.
    pub(crate) fn node_reports(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let state = &mut self.cluster.nodes[node.index()];
        let (Some(was), Some(is)) = (state.reports(), state.ready()) else { return };
        if was == is {
            return;
        }
        self.cluster.lifecycle.condition(node, Some(is));
        self.cluster.probe.node_reports(now, was, is);
        if is == Ready::True {
            self.note_ready(now, node);
            self.creation_hears(now, future);
        }
        if is == Ready::True && self.is_micro_vm(node) {
            self.micro_vm_is_ready(now, node, future);
        }
        self.node_may_open(now, node, future);
    }

    fn note_ready(&mut self, now: SimTime, node: NodeId) {
        let state = &mut self.cluster.nodes[node.index()];
        let (zone, cause) = (state.zone, state.story);
        let (kind, what) = match (state.is_ready_again(), state.replaces) {
            (true, _) => ("node/ready-again", "node Ready again"),
            (false, _) if self.cluster.is_micro_vm(node) => ("node/fargate-ready", "Fargate node Ready"),
            (false, true) => ("node/replacement-ready", "replacement node Ready"),
            (false, false) => ("node/ready", "node Ready"),
        };
        let name = self.zone_name(zone);
        let note = || format!("{what}, {name}");
        let story = self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), note);
        self.cluster.nodes[node.index()].story = story.or(cause);
    }

    /// A zone's instances lose their power.
    pub(crate) fn zone_power_lost(&mut self, now: SimTime, zone: ZoneId, cause: Cause, future: &mut Future) {
        let dead_before = self.cluster.probe.dead_endpoints();
        for node in (0..self.cluster.node_count()).map(NodeId) {
            if self.cluster.zone_of(node) == zone {
                self.instance_stops(now, node, cause, future);
            }
        }
        self.note_dead_endpoints(now, zone, dead_before, cause);
    }

    /// A zone's power returns: the instances that were not terminated meanwhile boot one after another.
    pub(crate) fn zone_power_returned(&mut self, now: SimTime, zone: ZoneId, cause: Cause, future: &mut Future) {
        let returns = |node: &Node| node.zone == zone && node.stopped_by.is_none();
        self.instances_return(now, cause, self.nodes_that(returns), future);
    }

    /// A share of a zone's living instances stops silently, drawn by lot. `step` tells one such fault from another.
    pub(crate) fn nodes_stop(
        &mut self,
        now: SimTime,
        step: u32,
        zone: ZoneId,
        share: f64,
        cause: Cause,
        future: &mut Future,
    ) {
        let nodes = (0..self.cluster.node_count()).map(NodeId);
        let lives = |node: &NodeId| self.cluster.zone_of(*node) == zone && self.cluster.nodes[node.index()].lives();
        let lot = |node: &NodeId| self.key.draw(STOP, u64::from(node.0), u64::from(step)).next_u64();
        let mut nodes: Vec<NodeId> = nodes.filter(lives).collect();
        nodes.sort_by_key(lot);
        let count = (nodes.len() as f64 * share).round() as usize;
        nodes.truncate(count);
        nodes.sort_unstable();
        let dead_before = self.cluster.probe.dead_endpoints();
        for node in nodes {
            self.cluster.nodes[node.index()].stopped_by = Some(step);
            self.instance_stops(now, node, cause, future);
        }
        self.note_dead_endpoints(now, zone, dead_before, cause);
    }

    /// The instances that a fault stopped boot again: where there is power now, the others once it returns.
    pub(crate) fn nodes_return(&mut self, now: SimTime, step: u32, cause: Cause, future: &mut Future) {
        let mut nodes = self.nodes_that(|node| node.stopped_by == Some(step));
        for node in &nodes {
            self.cluster.nodes[node.index()].stopped_by = None;
        }
        nodes.retain(|node| self.zones.has_power(self.cluster.zone_of(*node)));
        self.instances_return(now, cause, nodes, future);
    }

    fn nodes_that(&self, choice: impl Fn(&Node) -> bool) -> Vec<NodeId> {
        let all = (0..).map(NodeId).zip(&self.cluster.nodes);
        all.filter(|(_, node)| choice(node)).map(|(id, _)| id).collect()
    }

    fn instances_return(&mut self, now: SimTime, cause: Cause, nodes: Vec<NodeId>, future: &mut Future) {
        let law = self.plan.parameters.node_group.power_return_spread.clone();
        for node in nodes {
            let is_micro_vm = self.is_micro_vm(node); // what it was lies in memory only
            let state = &mut self.cluster.nodes[node.index()];
            if state.instance() == Instance::Dark && !is_micro_vm {
                state.story = cause.or(state.story);
                self.after(now, node, &law, POWER, InstanceStep::PowerReturns, future);
            }
        }
    }

    /// An instance stops silently, and with it its kubelet and containers.
    fn instance_stops(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let lived = self.cluster.nodes[node.index()].lives();
        if !self.cluster.nodes[node.index()].goes_dark(cause) {
            return;
        }
        self.cluster.probe.node_stops(node);
        self.leave_no_life(now, node, lived);
        self.streams_look(now, cause, future);
        if self.plan.parameters.node_group.replace_instances || self.is_micro_vm(node) {
            let law = self.plan.parameters.node_group.impaired_detection.clone();
            self.after(now, node, &law, IMPAIRED, InstanceStep::FoundImpaired, future);
        }
    }

    /// The kubelet and the containers of an instance that ends.
    pub(crate) fn leave_no_life(&mut self, now: SimTime, node: NodeId, lived: bool) {
        if lived {
            self.kubelet_dies(now, node);
        }
        for index in 0..self.cluster.nodes[node.index()].pods().len() {
            let pod = self.cluster.nodes[node.index()].pods()[index];
            self.change_pod(now, pod, Pod::dies_with_its_node);
            self.stateful_pod_is_missed(now, pod, self.cluster.nodes[node.index()].story);
        }
        self.pool_loses_all_pods(now, node);
        self.volumes_die_with(node);
        self.cluster.image_stores.stops(node);
    }

    fn note_dead_endpoints(&mut self, now: SimTime, zone: ZoneId, dead_before: u64, cause: Cause) {
        let dead = self.cluster.probe.dead_endpoints() - dead_before;
        if dead > 0 {
            let name = self.zone_name(zone);
            self.probes.timeline.note(now, Weight::Step, cause, "pods/dead", u64::from(zone.0), || {
                format!("{dead} pods of {name} are dead; services list them until their nodes are NotReady")
            });
        }
    }
}
