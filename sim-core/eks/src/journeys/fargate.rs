//! A pod that a Fargate profile selects, and the micro-VM that is launched for it:
//!
//! ```text
//! created -> Hears -> in line for a launch -> (throttled; no quota, no zone: tried again) -> micro-VM, with its address
//!     -> boots -> its kubelet registers a Node -> Ready -> NodeReady -> BindToMicroVm -> its kubelet pulls and starts it
//! pod gone -> the micro-VM ends at once -> DeleteNode
//! micro-VM dies, or its zone -> found -> ended -> DeleteNode -> pod GC; its pod is replaced, and that one comes here again
//! ```
//!
//! The Fargate scheduler is the provider's, and acts where the cloud controller manager does. The kube-scheduler never sees
//! these pods, and DaemonSets have none on these nodes.

use crate::aim::Aim;
use crate::cluster::Watcher;
use crate::event::{Event, FargateStep, Future, InstanceStep};
use crate::ids::{Component, DeploymentId, GroupId, NodeId, PodId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::compute::fargate::Turn;
use crate::stations::compute::node::{Instance, Node, Ready};
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const CLOUD: Component = Component::CloudControllerManager;
const BOOT: Purpose = Purpose::new("fargate/boot");

impl World {
    /// Whether a node is a micro-VM of Fargate.
    #[inline]
    pub(crate) fn is_micro_vm(&self, node: NodeId) -> bool {
        self.cluster.is_micro_vm(node)
    }

    /// Whether a pod is for Fargate.
    #[inline]
    pub(crate) fn is_for_fargate(&self, pod: PodId) -> bool {
        self.cluster.pods[pod.index()].fargate_profile.is_some()
    }

    /// A pod is created: EKS gives it to Fargate, if a profile selects it that is there.
    pub(crate) fn fargate_may_take(&mut self, pod: PodId) {
        let state = &mut self.cluster.pods[pod.index()];
        state.fargate_profile = self.cluster.fargate.profile_of(state.deployment).map(|index| index as u16);
    }

    /// A profile is there from now on: it counts for pods that are created.
    pub(crate) fn fargate_profile_is_active(&mut self, name: &str) {
        let profiles = self.plan.cluster.fargate_profiles.iter();
        if let Some(profile) = profiles.map(|profile| profile.name.as_str()).position(|known| known == name) {
            self.cluster.fargate.gets_profile(profile);
        }
    }

    /// The Fargate scheduler begins: it lists all pods without a node that are its own.
    pub(crate) fn fargate_begins(&mut self, now: SimTime, future: &mut Future) {
        if self.plan.cluster.fargate_profiles.is_empty() {
            return;
        }
        self.cluster.fargate.forgets();
        for pod in (0..self.cluster.pods.len() as u32).map(PodId) {
            let state = &self.cluster.pods[pod.index()];
            if state.object() != Object::Pending || !self.is_for_fargate(pod) {
                continue;
            }
            match state.node {
                None => self.fargate_takes(now, pod),
                Some(node) => self.bind_to_micro_vm(now, node, future),
            }
        }
        self.launch_micro_vms(now, future);
    }

    /// A pod for Fargate is created: its scheduler will hear of it.
    pub(crate) fn fargate_hears(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if let Some((_, generation)) = self.leader(CLOUD) {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            future.schedule(heard, Event::Fargate(generation, FargateStep::Hears(pod)));
        }
    }

    /// The Fargate scheduler has come a step further.
    pub(crate) fn fargate(&mut self, now: SimTime, generation: u32, step: FargateStep, future: &mut Future) {
        if !self.acts(CLOUD, generation) {
            return;
        }
        match step {
            FargateStep::Hears(pod) => self.fargate_takes(now, pod),
            FargateStep::NodeReady(node) => return self.bind_to_micro_vm(now, node, future),
            FargateStep::Turn if self.cluster.fargate.alarm == Some(now) => self.cluster.fargate.alarm = None,
            FargateStep::Turn => return,
            FargateStep::TriesAgain => self.cluster.fargate.tries_again(now),
        }
        self.launch_micro_vms(now, future);
    }

    /// A pod comes into the line, if there is a size for it.
    fn fargate_takes(&mut self, now: SimTime, pod: PodId) {
        let state = &mut self.cluster.pods[pod.index()];
        if state.object() != Object::Pending || state.node.is_some() || state.is_gated {
            return;
        }
        let is_new = !std::mem::replace(&mut state.is_unschedulable, true); // there is no node for it yet
        let (deployment, cause) = (state.deployment, state.story);
        self.cluster.fargate.waiting += u64::from(is_new);
        if self.cluster.fargate.size_of(deployment).is_none() {
            let name = self.plan.workload_name(deployment.index());
            let note = || format!("Fargate has no size for a pod of {name}: it is Pending");
            self.probes.timeline.note(now, Weight::Step, cause, "fargate/no-size", u64::from(deployment.0), note);
        } else if self.cluster.fargate.asks(now, pod) {
            let fargate = &self.plan.parameters.fargate;
            let note = || {
                let (burst, rate) = (fargate.launch_burst, fargate.launch_rate);
                format!("Fargate throttles launches beyond {burst} at once and {rate}/s: pods wait for their turn")
            };
            self.probes.timeline.note(now, Weight::Step, cause, "fargate/throttled", 0, note);
        }
    }

    /// Those whose turn it is are launched.
    fn launch_micro_vms(&mut self, now: SimTime, future: &mut Future) {
        let Some((_, generation)) = self.leader(CLOUD) else { return };
        loop {
            let pods = &self.cluster.pods;
            let is_wanted = |pod: PodId| {
                let state = &pods[pod.index()];
                state.object() == Object::Pending && state.node.is_none()
            };
            match self.cluster.fargate.next(now, is_wanted) {
                Turn::Launch(pod, _) => self.launch_micro_vm(now, pod, generation, future),
                Turn::At(at) => {
                    if self.cluster.fargate.alarm != Some(at) {
                        self.cluster.fargate.alarm = Some(at);
                        future.schedule(at, Event::Fargate(generation, FargateStep::Turn));
                    }
                    return;
                }
                Turn::Nobody => return,
            }
        }
    }

    fn launch_micro_vm(&mut self, now: SimTime, pod: PodId, generation: u32, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (deployment, cause) = (state.deployment, state.story);
        let fargate = &self.cluster.fargate;
        let Some((profile, size)) = state.fargate_profile.zip(fargate.size_of(deployment)) else { return };
        let profile = usize::from(profile);
        let group = GroupId((self.plan.cluster.node_groups.len() + profile) as u16);
        let has_quota = fargate.has_quota(size);
        let lacks = |zone| !self.zones.has_power(zone) || !self.has_address_for_node(group.index(), zone);
        let Some(zone) = fargate.zone_for(profile, lacks).filter(|_| has_quota) else {
            self.note_refused_launch(now, profile, has_quota, cause);
            if self.cluster.fargate.refuses(pod) {
                let again = now + self.plan.parameters.fargate.launch_retry;
                future.schedule(again, Event::Fargate(generation, FargateStep::TriesAgain));
            }
            return;
        };
        let name = self.zone_name(zone);
        let note = || format!("Fargate launches a micro-VM for a pod, {name}");
        let story = self.probes.timeline.note(now, Weight::Step, cause, "fargate/launched", u64::from(zone.0), note);
        self.cluster.probe.instance_is_launched(false);
        let node = self.cluster.add_micro_vm(Node::ordered(group, zone, story.or(cause), false), pod, deployment);
        self.cluster.nodes[node.index()].boots();
        self.node_takes_address(node);
        self.take_room(now, deployment, node);
        self.cluster.pods[pod.index()].node = Some(node);
        let parameters = &self.plan.parameters.fargate;
        let mut draw = self.key.draw(BOOT, u64::from(node.0), 0);
        let boots = parameters.placement_time.duration(&mut draw) + parameters.boot_time.duration(&mut draw);
        let life = self.cluster.nodes[node.index()].life();
        future.schedule(now + boots, Event::Instance(node, life, InstanceStep::KubeletStarts));
    }

    fn note_refused_launch(&mut self, now: SimTime, profile: usize, has_quota: bool, cause: Cause) {
        let planned = &self.plan.cluster.fargate_profiles[profile];
        let dark = planned.zones.iter().find_map(|zone| self.zones.dark_since(*zone)).and_then(|(_, cause)| cause);
        let (kind, why) = match has_quota {
            false => {
                ("fargate/quota", format!("its quota of {} vCPUs at a time is used up", self.cluster.fargate.quota()))
            }
            true => {
                let why = "no zone of it has power and a free address in its subnet";
                ("fargate/no-capacity", format!("profile {}: {why}", planned.name))
            }
        };
        let cause = if has_quota { dark.or(cause) } else { cause };
        let note = || format!("Fargate refuses a launch, and is asked again: {why}");
        self.probes.timeline.note(now, Weight::Step, cause, kind, profile as u64, note);
    }

    /// The API calls a micro-VM's Node Ready: the Fargate scheduler will hear of it.
    pub(crate) fn micro_vm_is_ready(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let Some((_, generation)) = self.leader(CLOUD) else { return };
        if let Some(pod) = self.cluster.fargate.pod_of(node) {
            let heard = now + self.watch_delay(Watcher::Pod(pod));
            future.schedule(heard, Event::Fargate(generation, FargateStep::NodeReady(node)));
        }
    }

    /// The Fargate scheduler binds a pod to its micro-VM, once that is a Node that is Ready.
    fn bind_to_micro_vm(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let Some(pod) = self.cluster.fargate.pod_of(node) else { return };
        let state = &self.cluster.pods[pod.index()];
        let waits = state.object() == Object::Pending && state.node == Some(node);
        if waits && self.cluster.nodes[node.index()].ready() == Some(Ready::True) {
            self.order(now, Aim::BindToMicroVm(pod, node), state.story, future);
        }
    }

    /// A pod is bound to a micro-VM. One that was launched for it since, in the place of this one, is of no use.
    pub(crate) fn pod_is_bound_to_micro_vm(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let other = state.node.filter(|other| *other != node && state.object() == Object::Pending);
        if state.object() == Object::Pending {
            self.cluster.fargate.places(now.saturating_since(state.created));
        }
        self.pod_is_bound(now, pod, node, future);
        if let Some(other) = other {
            self.micro_vm_ends(now, other, future);
        }
    }

    /// A pod goes: the micro-VM that it has, if it has one, ends when Fargate hears of it.
    pub(crate) fn micro_vm_may_lose(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let Some(node) = self.cluster.pods[pod.index()].node.filter(|node| self.is_micro_vm(*node)) else { return };
        let heard = now + self.watch_delay(Watcher::Pod(pod));
        let life = self.cluster.nodes[node.index()].life();
        future.schedule(heard, Event::Instance(node, life, InstanceStep::Drained));
    }

    /// A micro-VM ends, and its Node with it.
    pub(crate) fn micro_vm_ends(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.cluster.nodes[node.index()].instance() != Instance::Terminated {
            self.terminate(now, node, future);
        }
        if self.cluster.node_object_exists(node) {
            let cause = self.cluster.nodes[node.index()].story;
            self.order(now, Aim::DeleteNode(node), cause, future);
        }
    }

    /// A micro-VM is gone. A pod that had not been bound to it yet comes into the line again.
    pub(crate) fn micro_vm_is_gone(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let Some(pod) = self.cluster.fargate.ends(node) else { return };
        let state = &self.cluster.pods[pod.index()];
        if state.object() == Object::Pending && state.node == Some(node) {
            self.give_up_node(now, pod);
            self.fargate_takes(now, pod);
            self.launch_micro_vms(now, future);
        }
    }

    /// A pod that waited for a micro-VM is Ready, or gone.
    pub(crate) fn fargate_pod_ends(&mut self, now: SimTime, pod: PodId, is_ready: bool) {
        let state = &mut self.cluster.pods[pod.index()];
        if !std::mem::take(&mut state.is_unschedulable) {
            return;
        }
        let (took, cause) = (now.saturating_since(state.created), state.story);
        let counts = state.created >= SimTime::ZERO + self.plan.warm_up;
        let fargate = &mut self.cluster.fargate;
        fargate.waiting -= 1;
        if is_ready && counts {
            fargate.pod_is_ready(took);
        }
        if fargate.waiting == 0 {
            let note = || "no pod waits for Fargate any more: all that did are Ready or gone".to_owned();
            self.probes.timeline.note(now, Weight::Turn, cause, "fargate/placed", 0, note);
        }
    }

    /// What a workload's pods get on Fargate goes on its bill from the start of their image's pull.
    pub(crate) fn micro_vm_is_billed(&mut self, now: SimTime, workload: DeploymentId, node: NodeId) {
        let Some(size) = self.cluster.fargate.size_of(workload).filter(|_| self.is_micro_vm(node)) else { return };
        let state = &self.cluster.nodes[node.index()];
        self.bill.rents(now, node, state.group, state.zone, false);
        self.bill.takes(now, node, size.milli_cpu, size.memory_mib);
    }
}
