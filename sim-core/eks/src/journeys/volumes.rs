//! The volume of a pod, from its claim to its mount, and from a node that is gone to the next one:
//!
//! ```text
//! placed for the first time -> Created -> BindPod
//! bound -> the controller hears -> AttachVolume -> Attached -> ReportAttached -> the kubelet hears --.
//!       -> the kubelet wants it -> its next report of the node's status: in use ---------------------'-> Mounted: it starts
//! its pod stops -> Unmounted -> RemovePod; the next report: not in use -> DetachVolume -> Detached -> attached elsewhere
//! its node dies: nobody reports -> the pod is gone -> 6 min, or the taint out-of-service -> DetachVolume, by force
//! ```
//!
//! The controller is the attach-detach controller of the controller manager; what EBS and its CSI driver take for a step is
//! one law for each. Nothing happens to a volume whose zone has no power: what was ordered is done once it has.

use crate::aim::Aim;
use crate::event::{Event, Future, PodStep, VolumeStep};
use crate::ids::{Controller, DeploymentId, NodeId, PodId, VolumeId};
use crate::record::Weight;
use crate::stations::compute::node::Ready;
use crate::stations::compute::volumes::{Attachment, Host, Reconciliation};
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::{Law, Purpose, SimTime};

const ATTACH_DETACH: Controller = Controller::AttachDetach;
const STEP: Purpose = Purpose::new("volume/step");

impl World {
    /// Whether the pods of a workload claim a volume each.
    pub(crate) fn claims_volumes(&self, workload: DeploymentId) -> bool {
        self.plan.deployments.get(workload.index()).is_some_and(|planned| planned.control.volume_gib.is_some())
    }

    /// The bill of the volumes that are there from the start begins.
    pub(crate) fn volumes_are_billed(&mut self) {
        for id in self.cluster.volumes.ids() {
            if self.cluster.volumes.at(id).exists {
                self.volume_is_billed(SimTime::ZERO, id);
            }
        }
    }

    fn volume_is_billed(&mut self, now: SimTime, id: VolumeId) {
        let workload = self.cluster.volumes.at(id).deployment;
        let gib = self.plan.deployments[workload.index()].control.volume_gib.unwrap_or(0);
        self.bill.claimed_gib.add(now, gib);
    }

    /// The attach-detach controller will look at a volume.
    fn attach_detach_hears(&mut self, now: SimTime, id: VolumeId, future: &mut Future) {
        self.controller_hears(now, ATTACH_DETACH, id.0, future);
    }

    /// The controller begins: it looks at every volume, and every wait starts anew.
    pub(crate) fn attach_detach_begins(&mut self, now: SimTime, future: &mut Future) {
        self.cluster.volumes.begin();
        if now != SimTime::ZERO {
            for id in self.cluster.volumes.ids() {
                self.attach_detach_hears(now, id, future);
            }
        }
    }

    /// A pod was bound, or is gone: its volume may have to move.
    pub(crate) fn volume_may_move(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if let Some(id) = self.cluster.volumes.of(pod) {
            self.attach_detach_hears(now, id, future);
        }
    }

    /// A pod is gone: its volume waits for the next one of its ordinal.
    pub(crate) fn volume_is_released(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.cluster.volumes.of(pod).is_none() {
            return;
        }
        let cause = self.cluster.deployments[self.cluster.pods[pod.index()].deployment.index()].story;
        if let Some(id) = self.cluster.volumes.is_released(pod) {
            self.cluster.volumes.at_mut(id).story = cause;
            self.attach_detach_hears(now, id, future);
        }
    }

    /// A node is not Ready any more, or out of service: the controller sees the volumes on it with other eyes.
    pub(crate) fn volumes_of_node_change(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if !self.cluster.volumes.is_empty() {
            for id in self.cluster.volumes.attached_to(node) {
                self.attach_detach_hears(now, id, future);
            }
        }
    }

    /// A worker looks at a volume. Whether it waits for an answer.
    pub(crate) fn sync_volume(&mut self, now: SimTime, id: VolumeId, future: &mut Future) -> bool {
        let nodes = &self.cluster.nodes;
        let host = |node: NodeId| {
            let state = &nodes[node.index()];
            Host { is_ready: state.ready() == Some(Ready::True), is_out_of_service: state.is_out_of_service() }
        };
        let pods = &self.cluster.pods;
        let pod = self.cluster.volumes.at(id).pod.map(|pod| &pods[pod.index()]);
        let is_bound = |object| matches!(object, Object::Bound | Object::Terminating);
        let desired = pod.filter(|pod| is_bound(pod.object())).and_then(|pod| pod.node);
        let patience = self.plan.parameters.volumes.unmount_wait;
        let next = self.cluster.volumes.at_mut(id).reconcile(now, desired, host, patience);
        let cause = self.cluster.volumes.at(id).story;
        match next {
            Reconciliation::Content => return false,
            Reconciliation::Tell(node) => self.order(now, Aim::ReportAttached(id, node), cause, future),
            Reconciliation::Attach(node) => self.order(now, Aim::AttachVolume(id, node), cause, future),
            Reconciliation::Detach(node, by_force) => {
                if by_force {
                    self.note_forced(now, id, node);
                }
                self.order(now, Aim::DetachVolume(id, node), cause, future);
            }
            Reconciliation::Wait(node, until) => {
                self.note_wait(now, id, node);
                self.await_unmount(now, id, until, future);
                return false;
            }
        }
        true
    }

    fn await_unmount(&self, now: SimTime, id: VolumeId, until: SimTime, future: &mut Future) {
        if let Some((_, generation)) = self.leader(ATTACH_DETACH.component()).filter(|_| until > now) {
            future.schedule(until, Event::Work(ATTACH_DETACH, id.0, generation));
        }
    }

    fn note_wait(&mut self, now: SimTime, id: VolumeId, node: NodeId) {
        let (name, state) = (self.volume_name(id), &self.cluster.nodes[node.index()]);
        if state.ready() == Some(Ready::True) {
            return; // its kubelet will say so in a moment
        }
        let wait = self.plan.parameters.volumes.unmount_wait;
        let what = if state.is_deleted() { "a Node that was deleted" } else { "a node that is not Ready" };
        let text = || format!("the volume of {name} is still mounted by {what}: it is taken from it after {wait}");
        let cause = self.cluster.volumes.at(id).story;
        let story = self.probes.timeline.note(now, Weight::Step, cause, "volume/wait", u64::from(id.0), text);
        self.cluster.volumes.at_mut(id).story = story.or(cause);
    }

    fn note_forced(&mut self, now: SimTime, id: VolumeId, node: NodeId) {
        let name = self.volume_name(id);
        let why = match self.cluster.nodes[node.index()].is_out_of_service() {
            true => "its node is out of service",
            false => "nobody has unmounted it for too long",
        };
        let text = || format!("the volume of {name} is detached by force: {why}");
        let cause = self.cluster.volumes.at(id).story;
        let story = self.probes.timeline.note(now, Weight::Step, cause, "volume/forced", u64::from(id.0), text);
        self.cluster.volumes.at_mut(id).story = story.or(cause);
    }

    fn volume_name(&self, id: VolumeId) -> String {
        let volume = self.cluster.volumes.at(id);
        format!("{}-{}", self.plan.workload_name(volume.deployment.index()), volume.ordinal)
    }

    /// A request of the controller has ended.
    pub(crate) fn volume_answered(&mut self, now: SimTime, aim: Aim, succeeded: bool, future: &mut Future) {
        match aim {
            Aim::AttachVolume(id, _) | Aim::DetachVolume(id, _) | Aim::ReportAttached(id, _) => {
                self.sync_ends(now, ATTACH_DETACH, id.0, succeeded, future);
            }
            _ => unreachable!("only orders about volumes come here"),
        }
    }

    /// The attachment of a volume to a node is in the API: the CSI driver has EBS make it.
    pub(crate) fn volume_is_to_attach(&mut self, now: SimTime, id: VolumeId, node: NodeId, future: &mut Future) {
        if self.cluster.volumes.at(id).attachment == Attachment::Detached {
            self.cluster.volumes.at_mut(id).attachment = Attachment::Attaching(node);
            let law = self.plan.parameters.volumes.attach_time.clone();
            self.volume_takes(now, id, &law, VolumeStep::Attached, future);
        }
    }

    /// It is no more: the CSI driver has EBS end it.
    pub(crate) fn volume_is_to_detach(&mut self, now: SimTime, id: VolumeId, node: NodeId, future: &mut Future) {
        if self.cluster.volumes.at(id).attachment == Attachment::Attached(node) {
            let volume = self.cluster.volumes.at_mut(id);
            (volume.attachment, volume.is_told) = (Attachment::Detaching(node), false);
            let law = self.plan.parameters.volumes.detach_time.clone();
            self.volume_takes(now, id, &law, VolumeStep::Detached, future);
        }
    }

    /// A node's status says that a volume is attached: its kubelet will hear of it.
    pub(crate) fn volume_is_told(&mut self, now: SimTime, id: VolumeId, node: NodeId, future: &mut Future) {
        let volume = self.cluster.volumes.at_mut(id);
        if volume.attachment == Attachment::Attached(node) {
            volume.is_told = true;
            let pod = volume.pod.filter(|_| self.kubelet_hears(node));
            self.kubelet_hears_of(now, pod, future);
        }
    }

    /// A node's status is in the API, and with it which volumes its kubelet uses.
    pub(crate) fn volumes_in_use_are_told(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if self.cluster.volumes.is_empty() {
            return;
        }
        for id in self.cluster.volumes.are_told(node) {
            self.attach_detach_hears(now, id, future);
            let volume = self.cluster.volumes.at(id);
            let pod = volume.pod.filter(|_| volume.is_in_use(node));
            self.kubelet_hears_of(now, pod, future);
        }
    }

    fn kubelet_hears_of(&mut self, now: SimTime, pod: Option<PodId>, future: &mut Future) {
        if let Some(pod) = pod {
            let heard = now + self.watch_delay(crate::cluster::Watcher::Pod(pod));
            future.schedule(heard, Event::Pod(pod, self.cluster.pods[pod.index()].life(), PodStep::Seen));
        }
    }

    /// Whether a pod has to wait for its volume before it can start; its kubelet does what it can about it.
    pub(crate) fn lacks_volume(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) -> bool {
        let Some(id) = self.cluster.volumes.of(pod) else { return false };
        if self.cluster.volumes.is_wanted(id, node) {
            let cause = self.cluster.pods[pod.index()].story;
            self.status_differs(now, node, cause, future);
        }
        if self.cluster.volumes.at(id).may_be_mounted(node) {
            self.cluster.volumes.at_mut(id).turns = true;
            let law = self.plan.parameters.volumes.mount_time.clone();
            self.volume_takes(now, id, &law, VolumeStep::Mounted, future);
        }
        !self.cluster.volumes.at(id).is_mounted
    }

    /// Whether a pod whose containers have stopped still has its volume mounted: its kubelet unmounts it first.
    pub(crate) fn keeps_volume(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) -> bool {
        let Some(id) = self.cluster.volumes.of(pod) else { return false };
        let volume = self.cluster.volumes.at_mut(id);
        if volume.kubelet != Some(node) {
            return false;
        }
        if !volume.is_mounted && !volume.turns {
            self.cluster.volumes.is_let_go(id);
            self.status_differs(now, node, None, future);
            return false;
        }
        if volume.is_mounted && !volume.turns {
            volume.turns = true;
            let law = self.plan.parameters.volumes.unmount_time.clone();
            self.volume_takes(now, id, &law, VolumeStep::Unmounted, future);
        }
        true
    }

    /// A kubelet dies: nothing is mounted on its node any more, and nobody says so.
    pub(crate) fn volumes_die_with(&mut self, node: NodeId) {
        if !self.cluster.volumes.is_empty() {
            for id in self.cluster.volumes.on(node) {
                self.cluster.volumes.is_let_go(id);
            }
        }
    }

    /// Whether the volume of a pod that has found a node has to be created before it is bound: it is bound to that zone.
    pub(crate) fn creates_volume(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) -> bool {
        let Some(id) = self.cluster.volumes.of(pod) else { return false };
        let zone = self.cluster.zone_of(node);
        let volume = self.cluster.volumes.at_mut(id);
        if volume.zone.is_none() {
            volume.zone = Some(zone);
            let law = self.plan.parameters.volumes.create_time.clone();
            self.volume_takes(now, id, &law, VolumeStep::Created, future);
        }
        !self.cluster.volumes.at(id).exists
    }

    /// Schedules a step of a volume after a time that is drawn for it.
    fn volume_takes(&mut self, now: SimTime, id: VolumeId, law: &Law, step: VolumeStep, future: &mut Future) {
        let volume = self.cluster.volumes.at_mut(id);
        let (entity, life) = (u64::from(volume.deployment.0) << 32 | u64::from(volume.ordinal), volume.life());
        let ordinal = volume.next_draw();
        let time = law.duration(&mut self.key.draw(STEP, entity, ordinal));
        future.schedule(now + time, Event::Volume(id, life, step));
    }

    /// A volume has come a step further.
    pub(crate) fn volume(&mut self, now: SimTime, id: VolumeId, life: u32, step: VolumeStep, future: &mut Future) {
        let is_dark = self.cluster.volumes.at(id).zone.is_some_and(|zone| !self.zones.has_power(zone));
        let is_stale = self.cluster.volumes.at(id).life() != life;
        match step {
            VolumeStep::Mounted | VolumeStep::Unmounted if is_stale => {}
            VolumeStep::Mounted => {
                let volume = self.cluster.volumes.at_mut(id);
                (volume.turns, volume.is_mounted) = (false, true);
                self.pod_of_volume_goes_on(now, id, future);
            }
            VolumeStep::Unmounted => {
                let node = self.cluster.volumes.at(id).kubelet;
                self.cluster.volumes.is_let_go(id);
                if let Some(node) = node {
                    self.status_differs(now, node, None, future);
                }
                self.pod_of_volume_goes_on(now, id, future);
            }
            _ if is_dark => {
                let law = self.plan.parameters.volumes.attach_time.clone();
                self.volume_takes(now, id, &law, step, future);
            }
            VolumeStep::Created => self.volume_is_created(now, id, future),
            VolumeStep::Attached => self.volume_is_attached(now, id, future),
            VolumeStep::Detached => {
                self.cluster.volumes.at_mut(id).attachment = Attachment::Detached;
                self.attach_detach_hears(now, id, future);
            }
        }
    }

    fn pod_of_volume_goes_on(&mut self, now: SimTime, id: VolumeId, future: &mut Future) {
        if let Some(pod) = self.cluster.volumes.at(id).pod {
            self.kubelet_turns_to(now, pod, future);
        }
    }

    fn volume_is_created(&mut self, now: SimTime, id: VolumeId, future: &mut Future) {
        self.cluster.volumes.at_mut(id).exists = true;
        self.volume_is_billed(now, id);
        let Some(pod) = self.cluster.volumes.at(id).pod else { return };
        let state = &self.cluster.pods[pod.index()];
        if let (Object::Pending, Some(node), cause) = (state.object(), state.node, state.story) {
            self.order(now, Aim::BindPod(pod, node), cause, future);
        }
    }

    fn volume_is_attached(&mut self, now: SimTime, id: VolumeId, future: &mut Future) {
        let volume = self.cluster.volumes.at_mut(id);
        if let Attachment::Attaching(node) = volume.attachment {
            volume.attachment = Attachment::Attached(node);
            self.attach_detach_hears(now, id, future);
        }
    }
}
