//! A node group keeps its size: instance found impaired -> terminated -> launch where there are fewest -> `instance.rs`.

use crate::event::{Event, Future, InstanceStep};
use crate::ids::{Controller, GroupId, NodeId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::compute::node_group::Shortage;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const LAUNCH: Purpose = Purpose::new("instance/launch");

impl World {
    /// A node group wants another number of instances.
    pub(crate) fn scale_node_group(&mut self, now: SimTime, group: GroupId, desired: u32, future: &mut Future) {
        self.scale_node_group_by(now, group, desired, None, future);
    }

    /// The same, for a reason.
    pub(crate) fn scale_node_group_by(
        &mut self,
        now: SimTime,
        group: GroupId,
        desired: u32,
        cause: Cause,
        future: &mut Future,
    ) {
        let name = self.plan.cluster.node_groups[group.index()].name.clone();
        let state = &mut self.cluster.groups[group.index()];
        let before = state.wanted();
        state.want(desired);
        let wanted = state.wanted();
        let subject = u64::from(group.0) << 32 | u64::from(wanted);
        let note = || format!("node group {name} is scaled from {before} to {wanted} instances");
        let story = self.probes.timeline.note(now, Weight::Turn, cause, "group/scaled", subject, note);
        self.cluster.groups[group.index()].story = story;
        self.node_group(now, group, future);
    }

    /// A node group compares what it has with what it wants.
    #[cold]
    pub(crate) fn node_group(&mut self, now: SimTime, group: GroupId, future: &mut Future) {
        self.cluster.groups[group.index()].looks();
        while self.cluster.groups[group.index()].has() < self.cluster.groups[group.index()].wanted() {
            let is_short = |zone| self.cluster.shortages.iter().any(|shortage| shortage.holds(group, zone));
            let has_address = |zone| self.has_address_for_node(group.index(), zone);
            let lacks = |zone| !self.zones.has_power(zone) || is_short(zone) || !has_address(zone);
            let Some(zone) = self.cluster.groups[group.index()].zone_to_grow(lacks) else {
                return self.retry_launch(now, group, future);
            };
            if let Err(at) = self.cluster.run_instances.take(now) {
                return self.wait_for_launch(now, group, at, future);
            }
            self.launch(now, group, zone, future);
        }
        while self.cluster.groups[group.index()].has() > self.cluster.groups[group.index()].wanted() {
            self.drain_one(now, group, future);
        }
    }

    fn retry_launch(&mut self, now: SimTime, group: GroupId, future: &mut Future) {
        if self.cluster.groups[group.index()].must_retry() {
            let name = &self.plan.cluster.node_groups[group.index()].name;
            let (cause, what) = self.why_no_launch(group);
            let note = || format!("node group {name} finds no {what}, and tries again");
            self.probes.timeline.note(now, Weight::Step, cause, "group/no-capacity", u64::from(group.0), note);
            future.schedule(now + self.plan.parameters.node_group.launch_failure_retry, Event::NodeGroup(group));
        }
    }

    /// What a group lacks in each of its zones, and the fact that brought it.
    pub(crate) fn why_no_launch(&self, group: GroupId) -> (Cause, &'static str) {
        let zones = &self.plan.cluster.node_groups[group.index()].zones;
        let is_short = |shortage: &&Shortage| zones.iter().any(|zone| shortage.holds(group, *zone));
        let short = self.cluster.shortages.iter().find(is_short);
        let dark = zones.iter().find_map(|zone| self.zones.dark_since(*zone)).and_then(|(_, cause)| cause);
        let has_power = zones.iter().any(|zone| self.zones.has_power(*zone));
        match short {
            Some(shortage) => (shortage.cause.or(dark), "capacity in any of its zones"),
            None if has_power => (dark, "address for an instance in any of its subnets"),
            None => (dark, "capacity in any of its zones"),
        }
    }

    /// EC2 throttles the launches of the account: the group goes on when it may. Groups that wait do not ask at one
    /// instant.
    fn wait_for_launch(&mut self, now: SimTime, group: GroupId, at: SimTime, future: &mut Future) {
        if self.cluster.groups[group.index()].must_retry() {
            let name = &self.plan.cluster.node_groups[group.index()].name;
            let story = self.cluster.groups[group.index()].story;
            let note = || format!("EC2 throttles RunInstances: node group {name} launches one instance after another");
            self.probes.timeline.note(now, Weight::Step, story, "group/throttled", u64::from(group.0), note);
            let apart = self.plan.parameters.controllers.pace * u64::from(group.0);
            future.schedule(at + apart, Event::NodeGroup(group));
        }
    }

    /// EC2 runs out of instances to launch.
    pub(crate) fn capacity_runs_short(
        &mut self,
        now: SimTime,
        step: u32,
        zone: Option<ZoneId>,
        node_group: Option<usize>,
    ) {
        let group = node_group.map(|index| GroupId(index as u16));
        let place = zone.map_or_else(|| "every zone".to_owned(), |zone| self.zone_name(zone));
        let whose =
            node_group.map_or("every node group", |index| &self.plan.cluster.node_groups[index].name).to_owned();
        let note = || format!("EC2 has insufficient capacity in {place} for {whose}");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "capacity/short", u64::from(step), note);
        self.cluster.shortages.push(Shortage { step, zone, group, cause });
    }

    /// EC2 has instances again; the groups find out when they try again.
    pub(crate) fn capacity_returns(&mut self, now: SimTime, step: u32) {
        let cause = self.cluster.shortages.iter().find(|shortage| shortage.step == step).and_then(|found| found.cause);
        self.cluster.shortages.retain(|shortage| shortage.step != step);
        let note = || "EC2 has capacity again".to_owned();
        self.probes.timeline.note(now, Weight::Turn, cause, "capacity/back", u64::from(step), note);
    }

    fn launch(&mut self, now: SimTime, group: GroupId, zone: ZoneId, future: &mut Future) {
        let node = NodeId(self.cluster.node_count());
        let state = &mut self.cluster.groups[group.index()];
        state.launched(zone);
        let replaced = state.replaces_one();
        let name = self.zone_name(zone);
        let (kind, what) = match replaced.is_some() {
            true => ("instance/replaced", "replacement launched"),
            false => ("instance/launched", "instance launched"),
        };
        let cause = replaced.unwrap_or(self.cluster.groups[group.index()].story);
        let note = || format!("{what}, {name}");
        let story = self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), note);
        let replaces = replaced.is_some();
        self.cluster.probe.instance_is_launched(replaces);
        self.cluster.scaling.instance_is_launched();
        let plan = self.plan.clone();
        self.cluster.add_node(&plan, Node::ordered(group, zone, story, replaces));
        self.node_takes_address(node);
        self.after(now, node, &plan.parameters.node_group.launch_time, LAUNCH, InstanceStep::Launched, future);
    }

    /// The group has noticed that an instance is impaired: it is terminated, and another takes its place.
    pub(crate) fn instance_is_found_impaired(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let (zone, cause) = (self.cluster.zone_of(node), self.cluster.nodes[node.index()].story);
        let name = self.zone_name(zone);
        let note = || format!("instance found impaired and terminated, {name}");
        let story = self.probes.timeline.note(now, Weight::Step, cause, "instance/impaired", u64::from(zone.0), note);
        self.cluster.nodes[node.index()].story = story.or(cause);
        if !self.is_micro_vm(node) && !self.cluster.nodes[node.index()].is_cordoned() {
            let group = self.cluster.nodes[node.index()].group;
            self.cluster.groups[group.index()].lost_one(story.or(cause));
        }
        self.terminate(now, node, future);
    }

    /// An instance is gone for good; its Node follows once it is NotReady and the cloud controller manager looks.
    pub(crate) fn terminate(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let is_micro_vm = self.is_micro_vm(node);
        let state = &mut self.cluster.nodes[node.index()];
        let (group, zone, lived) = (state.group, state.zone, state.lives());
        if !is_micro_vm && !state.is_cordoned() {
            self.cluster.groups[group.index()].leaves(zone);
        }
        state.terminates();
        self.bill.returns(now, node);
        self.cluster.probe.instance_is_terminated(node);
        self.leave_no_life(now, node, lived);
        self.node_returns_addresses(node);
        if self.cluster.nodes[node.index()].ready().is_some_and(|ready| ready != Ready::True) {
            self.cluster.cloud_nodes.notice(node);
        }
        match is_micro_vm {
            true => self.micro_vm_is_gone(now, node, future),
            false => self.node_group(now, group, future),
        }
    }

    fn note_drained(&mut self, now: SimTime, zone: ZoneId, cause: Cause) -> Cause {
        let name = self.zone_name(zone);
        let note = || format!("node cordoned and drained, {name}: one too many");
        self.probes.timeline.note(now, Weight::Step, cause, "node/drained", u64::from(zone.0), note)
    }

    /// An instance too many is cordoned, its pods are deleted, and after their grace it is terminated. The controller
    /// manager's client stands for that of the managed node group.
    fn drain_one(&mut self, now: SimTime, group: GroupId, future: &mut Future) {
        let zone = self.cluster.groups[group.index()].zone_to_shrink();
        let stays = |node: &Node| {
            node.group == group && node.zone == zone && node.instance() != Instance::Terminated && !node.is_cordoned()
        };
        let index = self.cluster.nodes.iter().position(stays).expect("the zone with the most instances has one");
        let node = NodeId(index as u32);
        self.cluster.groups[group.index()].leaves(zone);
        self.cluster.nodes[index].cordon();
        self.cluster.placement.set_open(node, false);
        let cause = self.note_drained(now, zone, self.cluster.groups[group.index()].story);
        self.cluster.nodes[index].story = cause;
        for pod in self.cluster.nodes[index].pods().to_vec() {
            let state = &self.cluster.pods[pod.index()];
            if state.is_active() && !state.is_being_deleted && !state.is_daemon() {
                self.order_deletion(now, pod, Controller::Drain, cause, future);
            }
        }
        let life = self.cluster.nodes[index].life();
        // Twice the grace: the deletions wait for the client's rate limit, and each pod takes its grace. Instances that
        // are drained together are terminated one after another.
        let drained =
            now + self.plan.parameters.pod.termination_grace * 2 + self.plan.parameters.controllers.pace * index as u64;
        future.schedule(drained, Event::Instance(node, life, InstanceStep::Drained));
    }
}
