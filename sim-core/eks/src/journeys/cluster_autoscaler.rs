//! The Cluster Autoscaler at work, every ten seconds, in a pod on one of the nodes:
//!
//! ```text
//! a pod finds no room -> scan -> what is free or on its way takes some -> estimate for each group -> expander
//!     -> call: set the desired size -> SizeSet -> the group launches (node_group.rs, instance.rs) -> nodes -> room
//! nodes that do not come in time -> the size is taken back, the group is left alone for a while
//! its pod dead, or without the API, or without AWS -> nothing scales
//! ```
//!
//! A pod that begins to act has no memory. Where there are several, one acts by a lease.

use crate::event::{Event, Future, ScalerStep};
use crate::ids::{DeploymentId, GroupId, NodeId, PodId};
use crate::plan::{AwsService, ClusterAutoscaler as Planned, ZoneId};
use crate::record::Weight;
use crate::stations::compute::cluster_autoscaler::{Bin, ClusterAutoscaler, Demand, Offer, absorb, choose, estimate};
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::control_plane::placement::Admits;
use crate::stations::control_plane::preemption::Amounts;
use crate::stations::network::Far;
use crate::stations::services::pod::{Object, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const PHASE: Purpose = Purpose::new("cluster-autoscaler/phase");
const EXPAND: Purpose = Purpose::new("cluster-autoscaler/expander");
const CALL: Purpose = Purpose::new("cluster-autoscaler/call");
const NEEDS: [AwsService; 2] = [AwsService::Sts, AwsService::Autoscaling];

/// The nodes of a group as a scan sees them.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Those that have joined, and those of them that were Ready and are no more.
    joined: u32,
    unready: u32,
    /// Those that have ever been Ready and open to pods.
    come: u32,
}

impl World {
    /// The Cluster Autoscaler has run for long: its clocks are somewhere in their rounds.
    pub(crate) fn cluster_autoscaler_begins(&mut self, future: &mut Future) {
        let Some(planned) = &self.plan.autoscaler else { return };
        let parameters = &self.plan.parameters.cluster_autoscaler;
        let phase = |clock| self.key.draw(PHASE, clock, 0).uniform();
        let first = SimTime::ZERO + parameters.scan_interval.scaled(phase(0));
        future.schedule(first, Event::ClusterAutoscaler(ScalerStep::Scans));
        if self.plan.deployments[planned.deployment].replicas > 1 {
            let first = SimTime::ZERO + parameters.retry_period.scaled(phase(1));
            future.schedule(first, Event::ClusterAutoscaler(ScalerStep::Tries));
        }
    }

    /// The Cluster Autoscaler has come a step further.
    #[cold]
    pub(crate) fn cluster_autoscaler(&mut self, now: SimTime, step: ScalerStep, future: &mut Future) {
        let Some(planned) = self.plan.autoscaler.clone() else { return };
        let parameters = &self.plan.parameters.cluster_autoscaler;
        let (scans, tries) = (parameters.scan_interval, parameters.retry_period);
        match step {
            ScalerStep::Scans => {
                future.schedule(now + scans, Event::ClusterAutoscaler(step));
                if self.plan.deployments[planned.deployment].replicas <= 1 {
                    self.autoscaler_pod_acts(now, &planned, future);
                }
                self.scan(now, &planned, future);
            }
            ScalerStep::Tries => {
                future.schedule(now + tries, Event::ClusterAutoscaler(step));
                self.autoscaler_lease(now, &planned, future);
            }
            ScalerStep::Drains(node) | ScalerStep::DrainEnds(node) | ScalerStep::Removes(node) => {
                self.removal(now, step, node, future);
            }
            ScalerStep::SizeSet(group, size) => {
                let cause = self.cluster.groups[group.index()].story;
                self.scale_node_group_by(now, group, size, cause, future);
            }
        }
    }

    /// A pod is told that no node has room for it: the next scan sees it.
    pub(crate) fn cluster_autoscaler_hears(&mut self, now: SimTime, pod: PodId) {
        if self.plan.autoscaler.is_some() && !self.cluster.pods[pod.index()].is_daemon() {
            self.cluster.scaler.unschedulable.push((now, pod, false));
            self.cluster.scaling.waiting += 1;
        }
    }

    /// A pod that had found no room is Ready, or gone.
    pub(crate) fn pod_without_room_ends(&mut self, now: SimTime, pod: PodId, is_ready: bool) {
        if self.is_for_fargate(pod) {
            return self.fargate_pod_ends(now, pod, is_ready);
        }
        let state = &mut self.cluster.pods[pod.index()];
        if self.plan.autoscaler.is_none() || state.is_daemon() || !std::mem::take(&mut state.is_unschedulable) {
            return;
        }
        let (created, cause) = (state.created, state.story);
        self.cluster.scaling.waiting -= 1;
        if is_ready {
            self.cluster.scaling.pod_is_ready(now, created);
        }
        if self.cluster.scaling.waiting == 0 {
            let note = || "no pod waits for room any more: all that had found none are Ready or gone".to_owned();
            self.probes.timeline.note(now, Weight::Turn, cause, "pods/placed", 0, note);
        }
    }

    /// Notes how far an instance is that was launched for pods without room.
    pub(crate) fn note_on_the_way(&mut self, now: SimTime, node: NodeId, kind: &'static str, what: &str) {
        if self.plan.autoscaler.is_some() {
            let state = &self.cluster.nodes[node.index()];
            let (zone, cause) = (state.zone, state.story);
            let name = self.zone_name(zone);
            let note = || format!("{what}, {name}");
            self.probes.timeline.note(now, Weight::Step, cause, kind, u64::from(zone.0), note);
        }
    }

    /// Whether a pod of the Cluster Autoscaler runs, and reaches the API by the service `kubernetes`.
    fn autoscaler_pod_works(&self, pod: PodId) -> bool {
        let state = &self.cluster.pods[pod.index()];
        let Some(node) = state.node.filter(|_| state.standing().serving) else { return false };
        let origin = self.origin_of(node);
        let places = self.interfaces.endpoints();
        let mut addresses = (0..places.len()).filter_map(|nth| places.nth(nth));
        let mut draw = self.key.draw(CALL, 1 << 32 | u64::from(pod.0), 0);
        addresses.any(|address| matches!(self.behind(origin, address, &mut draw), Far::Answers(_)))
    }

    fn autoscaler_pod(&self, planned: &Planned) -> Option<PodId> {
        let mut pods = (0..self.cluster.pods.len() as u32).map(PodId);
        pods.find(|pod| {
            let of = self.cluster.pods[pod.index()].deployment;
            of.index() == planned.deployment && self.autoscaler_pod_works(*pod)
        })
    }

    /// One pod needs no lease: it acts as soon as it works.
    fn autoscaler_pod_acts(&mut self, now: SimTime, planned: &Planned, future: &mut Future) {
        match self.cluster.scaler.holder() {
            Some(pod) if self.autoscaler_pod_works(pod) => self.cluster.scaler.renews(now),
            _ => self.autoscaler_changes_hands(now, planned, future),
        }
    }

    fn autoscaler_changes_hands(&mut self, now: SimTime, planned: &Planned, future: &mut Future) {
        let Some(pod) = self.autoscaler_pod(planned) else { return };
        let is_first = self.cluster.scaler.holder().is_none();
        self.cluster.scaler.begins(now, pod);
        self.take_removals_back(now, future);
        if !is_first {
            let cause = self.cluster.pods[pod.index()].story;
            let note = || "another pod of the Cluster Autoscaler acts from now on".to_owned();
            self.probes.timeline.note(now, Weight::Step, cause, "autoscaler/begins", 0, note);
        }
    }

    fn autoscaler_lease(&mut self, now: SimTime, planned: &Planned, future: &mut Future) {
        let lease = self.plan.parameters.cluster_autoscaler.lease_duration;
        let holder = self.cluster.scaler.holder();
        if holder.is_some_and(|pod| self.autoscaler_pod_works(pod)) {
            self.cluster.scaler.renews(now);
        } else if self.cluster.scaler.is_vacant(now, lease) {
            self.autoscaler_changes_hands(now, planned, future);
        }
    }

    /// The pod that acts, if it can now: it works, and reaches AWS.
    pub(crate) fn acting_autoscaler(&mut self, now: SimTime) -> Option<PodId> {
        let pod = self.cluster.scaler.holder()?;
        let why = if !self.autoscaler_pod_works(pod) {
            "its pod does not run, or does not reach the API".to_owned()
        } else {
            let node = self.cluster.pods[pod.index()].node?;
            let site = self.origin_of(node).site;
            let Some(service) = self.unreached(site, &NEEDS) else { return Some(pod) };
            format!("AWS {} cannot be reached: {}", service.name(), self.why_unreached(site, service))
        };
        if !self.cluster.scaler.unschedulable.is_empty() {
            let state = &self.cluster.pods[pod.index()];
            let cause = state.node.and_then(|node| self.cluster.nodes[node.index()].story).or(state.story);
            let note = || format!("Cluster Autoscaler does nothing for pods without room: {why}");
            self.probes.timeline.note(now, Weight::Step, cause, "autoscaler/idle", 0, note);
        }
        None
    }

    /// A scan.
    fn scan(&mut self, now: SimTime, planned: &Planned, future: &mut Future) {
        let number = self.cluster.scaler.scans();
        self.forget_placed_pods();
        if self.acting_autoscaler(now).is_none() {
            return;
        }
        let seen = self.groups_seen();
        let total = |of: fn(&Seen) -> u32| seen.iter().map(of).sum::<u32>();
        let (joined, unready) = (total(|seen| seen.joined), total(|seen| seen.unready));
        if !ClusterAutoscaler::is_healthy(&self.plan.parameters.cluster_autoscaler, joined, unready) {
            let note = || format!("Cluster Autoscaler stops acting: {unready} of {joined} nodes are not Ready");
            self.probes.timeline.note(now, Weight::Turn, None, "autoscaler/unhealthy", 0, note);
            return self.cluster.scaler.scale_in.sees(now, &[]);
        }
        self.give_up_late_nodes(now, &seen);
        let demands = self.demands(now);
        let grows = !demands.is_empty() && self.scale_up(now, number, planned, &seen, demands, future);
        if !grows {
            self.scale_in(now, future);
        }
    }

    /// Pods that have a node, or are gone, are no longer without room.
    fn forget_placed_pods(&mut self) {
        let pods = &self.cluster.pods;
        self.cluster.scaler.unschedulable.retain(|(_, pod, _)| {
            let state = &pods[pod.index()];
            state.object() == Object::Pending && state.node.is_none()
        });
    }

    fn groups_seen(&self) -> Vec<Seen> {
        let mut seen = vec![Seen::default(); self.cluster.groups.len()];
        let is_of_group = |node: &&Node| node.group.index() < self.cluster.groups.len(); // and no micro-VM
        let there = self.cluster.nodes.iter().filter(|node| node.instance() != Instance::Terminated);
        for node in there.filter(is_of_group) {
            let of = &mut seen[node.group.index()];
            let has_joined = node.ready().is_some();
            of.joined += u32::from(has_joined);
            of.unready += u32::from(has_joined && node.has_been_ready() && node.ready() != Some(Ready::True));
            // A node that is Ready and still bears the taint of its start counts as on its way.
            let starts = node.ready() == Some(Ready::True) && node.is_tainted();
            of.come += u32::from(node.has_been_ready() && !starts && !node.is_cordoned());
        }
        seen
    }

    /// Nodes of a group that are wanted and still to come.
    fn upcoming(&self, group: usize, seen: &[Seen]) -> u32 {
        self.cluster.groups[group].wanted().saturating_sub(seen[group].come)
    }

    /// Whether the Cluster Autoscaler looks after a group.
    pub(crate) fn is_scaled(&self, group: usize) -> bool {
        self.plan.cluster.node_groups.get(group).is_some_and(|planned| planned.max > planned.min)
    }

    /// Groups whose nodes have taken too long get the size that they have, and are left alone for a while.
    fn give_up_late_nodes(&mut self, now: SimTime, seen: &[Seen]) {
        for group in 0..self.cluster.groups.len() {
            let upcoming = self.upcoming(group, seen);
            let id = GroupId(group as u16);
            let parameters = &self.plan.parameters.cluster_autoscaler;
            if self.is_scaled(group) && self.cluster.scaler.awaits(now, id, upcoming, parameters) {
                let state = &mut self.cluster.groups[group];
                state.want(state.has());
                let (cause, name) = (state.story, &self.plan.cluster.node_groups[group].name);
                let note = || format!("Cluster Autoscaler gives up nodes of {name} that have not come in time");
                self.probes.timeline.note(now, Weight::Turn, cause, "autoscaler/gives-up", u64::from(id.0), note);
            }
        }
    }

    /// The pods without room that are old enough, by workload.
    fn demands(&self, now: SimTime) -> Vec<Demand> {
        let delay = self.plan.parameters.cluster_autoscaler.new_pod_scale_up_delay;
        let mut demands: Vec<Demand> = Vec::new();
        for (_, pod, _) in &self.cluster.scaler.unschedulable {
            let state = &self.cluster.pods[pod.index()];
            let is_nominated = self.cluster.nominations.iter().any(|nomination| nomination.pod == *pod);
            let is_out = is_nominated || state.is_gated || matches!(state.owner(), Owner::DaemonSet(_));
            if now < state.created + delay || is_out {
                continue;
            }
            let workload = state.deployment;
            let zone = self.cluster.volumes.zone_of(*pod);
            match demands.iter_mut().find(|demand| demand.workload == workload && demand.zone == zone) {
                Some(demand) => demand.pods += 1,
                None => {
                    let needs = self.cluster.placement.needs_of(workload);
                    demands.push(Demand { workload, zone, pods: 1, needs });
                }
            }
        }
        demands
    }

    /// What is free on a new node of a group beside its DaemonSets.
    fn template(&self, group: GroupId) -> Amounts {
        let planned = &self.plan.cluster.node_groups[group.index()];
        let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let mut free = [
            signed(planned.allocatable.milli_cpu),
            signed(planned.allocatable.memory_mib),
            i64::from(planned.gpus),
            i64::from(planned.max_pods),
        ];
        for set in (0..self.cluster.daemon_sets.len()).map(|index| self.cluster.daemon_set_id(index)) {
            if self.new_nodes_admit(set, None, group).pods > 0 {
                let needs = self.cluster.placement.needs_of(set);
                free.iter_mut().zip(needs).for_each(|(free, need)| *free -= need);
            }
        }
        free
    }

    /// How many pods of a workload may go to new nodes of a group: the zone of a new node counts as that of the first
    /// node that the group has.
    fn new_nodes_admit(&self, workload: DeploymentId, pinned: Option<ZoneId>, group: GroupId) -> Admits {
        let like = self.cluster.nodes.iter().find(|node| node.group == group && node.ready() == Some(Ready::True));
        let zone = like.map_or(self.plan.cluster.node_groups[group.index()].zones[0], |node| node.zone);
        if pinned.is_some_and(|pinned| pinned != zone) {
            return Admits::NONE;
        }
        self.cluster.placement.new_nodes_admit(workload, group, zone)
    }

    /// Takes from the demands what nodes that are there, or on their way, have room for.
    fn absorb_by_nodes(&self, demands: &mut [Demand], seen: &[Seen]) {
        for (index, node) in self.cluster.nodes.iter().enumerate() {
            let id = NodeId(index as u32);
            if self.cluster.placement.is_open(id) {
                let mut bins = [Bin { group: node.group, free: self.cluster.placement.free_on(id) }];
                absorb(demands, &mut bins, |_, demand| match demand.zone {
                    Some(zone) if zone != node.zone => Admits::NONE,
                    _ => self.cluster.placement.node_admits(demand.workload, id),
                });
            }
        }
        for group in 0..self.cluster.groups.len() {
            let id = GroupId(group as u16);
            let mut bins = vec![Bin { group: id, free: self.template(id) }; self.upcoming(group, seen) as usize];
            absorb(demands, &mut bins, |bin, demand| self.new_nodes_admit(demand.workload, demand.zone, bin.group));
        }
    }

    fn offers(&self, now: SimTime, planned: &Planned, demands: &[Demand]) -> Vec<Offer> {
        let groups = (0..self.cluster.groups.len()).filter(|group| self.is_scaled(*group));
        let ids = groups.map(|group| GroupId(group as u16)).filter(|id| self.cluster.scaler.may_grow(now, *id));
        let offers = ids.map(|group| {
            let state = &self.cluster.groups[group.index()];
            Offer {
                group,
                template: self.template(group),
                growth: state.max().saturating_sub(state.wanted()),
                admits: demands
                    .iter()
                    .map(|demand| self.new_nodes_admit(demand.workload, demand.zone, group))
                    .collect(),
                priority: planned.priorities.get(group.index()).copied().unwrap_or(0),
            }
        });
        offers.collect()
    }

    /// The group that helps best is to grow. Whether one does.
    fn scale_up(
        &mut self,
        now: SimTime,
        number: u64,
        planned: &Planned,
        seen: &[Seen],
        mut demands: Vec<Demand>,
        future: &mut Future,
    ) -> bool {
        let pods: u32 = demands.iter().map(|demand| demand.pods).sum();
        self.absorb_by_nodes(&mut demands, seen);
        let left: u32 = demands.iter().map(|demand| demand.pods).sum();
        if left == 0 {
            return false;
        }
        let first = self.cluster.scaler.unschedulable.first().map(|(_, pod, _)| *pod);
        let cause = first.and_then(|pod| self.cluster.pods[pod.index()].story);
        let note = || format!("Cluster Autoscaler scans: {pods} pods have no room, {left} of them none on its way");
        let cause = self.probes.timeline.note(now, Weight::Step, cause, "autoscaler/scan", 0, note).or(cause);
        let offers = self.offers(now, planned, &demands);
        let estimates = offers.iter().filter_map(|offer| estimate(offer, &demands)).collect();
        let chosen = choose(planned.expander, estimates, &mut self.key.draw(EXPAND, 0, number));
        let Some(chosen) = chosen else {
            let note = || "no node group can take the pods without room: all are full, backed off or do not fit";
            self.probes.timeline.note(now, Weight::Step, cause, "autoscaler/cannot", 0, || note().to_owned());
            return false;
        };
        let group = chosen.group;
        let state = &self.cluster.groups[group.index()];
        let (from, size) = (state.wanted(), state.wanted() + chosen.nodes);
        let (name, helped) = (&self.plan.cluster.node_groups[group.index()].name, chosen.helped.iter().sum::<u32>());
        let note = || format!("Cluster Autoscaler decides: {name} from {from} to {size} nodes, for {helped} pods");
        let story = self.probes.timeline.note(now, Weight::Turn, cause, "autoscaler/decides", number, note);
        self.cluster.groups[group.index()].story = story.or(cause);
        self.cluster.scaler.grows(now, group);
        self.count_ordered(now, &demands, &chosen.helped);
        let law = &self.plan.parameters.cluster_autoscaler.cloud_call_time;
        let time = law.duration(&mut self.key.draw(CALL, u64::from(group.0), number));
        future.schedule(now + time, Event::ClusterAutoscaler(ScalerStep::SizeSet(group, size)));
        true
    }

    /// Notes how long the pods had waited for which nodes are ordered now: the oldest of each workload come first.
    fn count_ordered(&mut self, now: SimTime, demands: &[Demand], helped: &[u32]) {
        let mut left = helped.to_vec();
        for (since, pod, is_ordered) in &mut self.cluster.scaler.unschedulable {
            let workload = self.cluster.pods[pod.index()].deployment;
            let zone = self.cluster.volumes.zone_of(*pod);
            let of = demands.iter().position(|demand| demand.workload == workload && demand.zone == zone);
            if let Some(left) = of.map(|index| &mut left[index]).filter(|left| **left > 0 && !*is_ordered) {
                *left -= 1;
                *is_ordered = true;
                self.cluster.scaling.nodes_are_ordered(now, *since);
            }
        }
    }
}
