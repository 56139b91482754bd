//! EBS volumes that the pods of StatefulSets claim: in which zone each is, to which node it is attached, who has it
//! mounted, and what a node's status says of that.
//!
//! A volume is created in the zone where its pod is placed first (`WaitForFirstConsumer`), and stays there: its pod can
//! run nowhere else. It is attached to one node at a time. The attach-detach controller takes it from a node that nobody
//! wants it on only once the node's status no longer calls it in use; from a node that is not Ready, after a wait
//! (`maxWaitForUnmountDuration`), and from one that is tainted out of service, at once. Source: `kubernetes/kubernetes
//! pkg/controller/volume/attachdetach/reconciler`.

use crate::ids::{DeploymentId, NodeId, PodId, VolumeId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// Where a volume is attached, as the attach-detach controller knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// Nowhere.
    Detached,
    /// To this node, soon.
    Attaching(NodeId),
    /// To this node.
    Attached(NodeId),
    /// From this node, soon no more.
    Detaching(NodeId),
}

/// What the controller does about a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciliation {
    /// Nothing, or nothing yet.
    Content,
    /// It attaches it to this node.
    Attach(NodeId),
    /// It writes into this node's status that it is attached.
    Tell(NodeId),
    /// It takes it from this node; by force, if the node's status calls it in use.
    Detach(NodeId, bool),
    /// It waits for this node to unmount it, at most until then.
    Wait(NodeId, SimTime),
}

/// A node, as the controller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// There is a Node, and it is Ready.
    pub is_ready: bool,
    /// It is tainted out of service.
    pub is_out_of_service: bool,
}

/// A volume.
#[derive(Clone, Debug)]
pub struct Volume {
    /// The StatefulSet whose pods claim it.
    pub deployment: DeploymentId,
    /// The ordinal of its pod.
    pub ordinal: u32,
    /// The pod that claims it, if there is one.
    pub pod: Option<PodId>,
    /// Its zone, once its pod was placed for the first time.
    pub zone: Option<ZoneId>,
    /// Whether EBS has created it.
    pub exists: bool,
    /// Where it is attached.
    pub attachment: Attachment,
    /// Whether the node's status says so.
    pub is_told: bool,
    /// The node whose kubelet wants it, or has it.
    pub kubelet: Option<NodeId>,
    /// Whether that kubelet is mounting or unmounting it.
    pub turns: bool,
    /// Whether that kubelet has it mounted.
    pub is_mounted: bool,
    /// The nodes whose status calls it in use: a dead one goes on saying so.
    in_use: Vec<NodeId>,
    /// What keeps it, or has kept it, from its pod.
    pub story: Cause,
    /// Since when the controller wants to take it from its node.
    detach_since: Option<SimTime>,
    life: u32,
    draws: u32,
}

impl Volume {
    fn new(deployment: DeploymentId, ordinal: u32) -> Self {
        Volume {
            deployment,
            ordinal,
            pod: None,
            zone: None,
            exists: false,
            attachment: Attachment::Detached,
            is_told: false,
            kubelet: None,
            turns: false,
            is_mounted: false,
            in_use: Vec::new(),
            story: None,
            detach_since: None,
            life: 0,
            draws: 0,
        }
    }

    /// It is there from the start: created, attached, mounted, and all of it told.
    pub fn is_used_from_the_start(&mut self, node: NodeId, zone: ZoneId) {
        (self.zone, self.exists) = (Some(zone), true);
        (self.attachment, self.is_told) = (Attachment::Attached(node), true);
        (self.kubelet, self.is_mounted, self.in_use) = (Some(node), true, vec![node]);
    }

    /// Which life of its mount this is; what an earlier one awaited is stale.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// The number of its next random draw.
    pub fn next_draw(&mut self) -> u64 {
        self.draws += 1;
        u64::from(self.draws)
    }

    /// Whether a node's status calls it in use.
    pub fn is_in_use(&self, node: NodeId) -> bool {
        self.in_use.contains(&node)
    }

    /// Whether a node's kubelet can mount it: it is attached, and the node's status says so and calls it in use.
    pub fn may_be_mounted(&self, node: NodeId) -> bool {
        let is_there = self.attachment == Attachment::Attached(node) && self.is_told;
        is_there && self.is_in_use(node) && self.kubelet == Some(node) && !self.is_mounted && !self.turns
    }

    /// What the controller does; `desired` is the node that its pod is bound to, `host` the one that it is attached to.
    pub fn reconcile(
        &mut self,
        now: SimTime,
        desired: Option<NodeId>,
        host: impl Fn(NodeId) -> Host,
        patience: SimDuration,
    ) -> Reconciliation {
        match (self.attachment, desired) {
            (Attachment::Detached, Some(node)) if self.exists => Reconciliation::Attach(node),
            (Attachment::Attached(node), desired) if desired != Some(node) => {
                let ends = *self.detach_since.get_or_insert(now) + patience;
                let (is_in_use, host) = (self.is_in_use(node), host(node));
                let is_overdue = now >= ends && !host.is_ready;
                match is_in_use && !is_overdue && !host.is_out_of_service {
                    true => Reconciliation::Wait(node, ends),
                    false => Reconciliation::Detach(node, is_in_use),
                }
            }
            (Attachment::Attached(node), _) => {
                self.detach_since = None;
                if self.is_told { Reconciliation::Content } else { Reconciliation::Tell(node) }
            }
            _ => Reconciliation::Content,
        }
    }
}

/// All volumes that pods claim.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    table: Vec<Volume>,
    of_pods: BTreeMap<PodId, VolumeId>,
    of_claims: BTreeMap<(DeploymentId, u32), VolumeId>,
    /// What kubelets have begun or ceased to use and have not told yet.
    untold: BTreeSet<(NodeId, VolumeId)>,
}

impl Volumes {
    /// Whether there never was one.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// All of them.
    pub fn ids(&self) -> impl Iterator<Item = VolumeId> + use<> {
        (0..self.table.len() as u32).map(VolumeId)
    }

    /// A volume.
    pub fn at(&self, id: VolumeId) -> &Volume {
        &self.table[id.index()]
    }

    /// A volume, to be changed.
    pub fn at_mut(&mut self, id: VolumeId) -> &mut Volume {
        &mut self.table[id.index()]
    }

    /// The volume that a pod claims.
    pub fn of(&self, pod: PodId) -> Option<VolumeId> {
        if self.is_empty() { None } else { self.of_pods.get(&pod).copied() }
    }

    /// The pod of an ordinal comes, and claims the volume that its predecessors had, or a new one.
    pub fn is_claimed(&mut self, deployment: DeploymentId, ordinal: u32, pod: PodId) -> VolumeId {
        let table = &mut self.table;
        let id = *self.of_claims.entry((deployment, ordinal)).or_insert_with(|| {
            table.push(Volume::new(deployment, ordinal));
            VolumeId(table.len() as u32 - 1)
        });
        self.table[id.index()].pod = Some(pod);
        self.of_pods.insert(pod, id);
        id
    }

    /// A pod is gone: its volume is free for the next one. Which it was.
    pub fn is_released(&mut self, pod: PodId) -> Option<VolumeId> {
        let id = self.of_pods.remove(&pod)?;
        self.table[id.index()].pod = None;
        Some(id)
    }

    /// The zone that a pod's volume binds it to.
    pub fn zone_of(&self, pod: PodId) -> Option<ZoneId> {
        self.of(pod).and_then(|id| self.at(id).zone)
    }

    /// A kubelet wants a volume from now on. Whether that is new, and so to be told.
    pub fn is_wanted(&mut self, id: VolumeId, node: NodeId) -> bool {
        let is_new = self.table[id.index()].kubelet.replace(node) != Some(node);
        if is_new {
            self.untold.insert((node, id));
        }
        is_new
    }

    /// A kubelet has a volume no more: it has unmounted it, or is dead. Whoever it was will tell, if it can.
    pub fn is_let_go(&mut self, id: VolumeId) {
        let volume = &mut self.table[id.index()];
        (volume.is_mounted, volume.turns) = (false, false);
        volume.life += 1;
        if let Some(node) = volume.kubelet.take() {
            self.untold.insert((node, id));
        }
    }

    /// The volumes that a node's kubelet has, or wants.
    pub fn on(&self, node: NodeId) -> Vec<VolumeId> {
        self.ids().filter(|id| self.at(*id).kubelet == Some(node)).collect()
    }

    /// The volumes that are attached to a node.
    pub fn attached_to(&self, node: NodeId) -> Vec<VolumeId> {
        self.ids().filter(|id| self.at(*id).attachment == Attachment::Attached(node)).collect()
    }

    /// A node's status is in the API: it says what its kubelet uses. The volumes of which it says something new.
    pub fn are_told(&mut self, node: NodeId) -> Vec<VolumeId> {
        let all = (node, VolumeId(0))..=(node, VolumeId(u32::MAX));
        let told: Vec<VolumeId> = self.untold.range(all).map(|(_, id)| *id).collect();
        for id in &told {
            self.untold.remove(&(node, *id));
            let volume = &mut self.table[id.index()];
            volume.in_use.retain(|other| *other != node);
            if volume.kubelet == Some(node) {
                volume.in_use.push(node);
            }
        }
        told
    }

    /// A new leader of the controllers has no memory: every wait for an unmount begins again.
    pub fn begin(&mut self) {
        self.table.iter_mut().for_each(|volume| volume.detach_since = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: SimDuration = SimDuration::from_secs(360);
    const READY: Host = Host { is_ready: true, is_out_of_service: false };
    const DEAD: Host = Host { is_ready: false, is_out_of_service: false };
    const OUT: Host = Host { is_ready: false, is_out_of_service: true };

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn used() -> (Volumes, VolumeId) {
        let mut volumes = Volumes::default();
        let id = volumes.is_claimed(DeploymentId(0), 0, PodId(5));
        volumes.at_mut(id).is_used_from_the_start(NodeId(1), ZoneId(0));
        (volumes, id)
    }

    fn reconcile(volumes: &mut Volumes, id: VolumeId, seconds: u64, host: Host) -> Reconciliation {
        volumes.at_mut(id).reconcile(at(seconds), None, |_| host, PATIENCE)
    }

    #[test]
    fn a_volume_is_taken_once_its_node_says_that_it_is_unmounted() {
        let (mut volumes, id) = used();
        assert_eq!(reconcile(&mut volumes, id, 10, READY), Reconciliation::Wait(NodeId(1), at(370)));
        assert_eq!(reconcile(&mut volumes, id, 900, READY), Reconciliation::Wait(NodeId(1), at(370)), "a living node");
        volumes.is_let_go(id);
        assert_eq!(reconcile(&mut volumes, id, 901, READY), Reconciliation::Wait(NodeId(1), at(370)), "not told yet");
        assert_eq!(volumes.are_told(NodeId(1)), [id]);
        assert_eq!(reconcile(&mut volumes, id, 902, READY), Reconciliation::Detach(NodeId(1), false));
    }

    #[test]
    fn a_dead_node_loses_it_after_the_wait_and_one_out_of_service_at_once() {
        let (mut volumes, id) = used();
        volumes.is_let_go(id); // the node is dead, and cannot tell
        assert_eq!(reconcile(&mut volumes, id, 10, DEAD), Reconciliation::Wait(NodeId(1), at(370)));
        assert_eq!(reconcile(&mut volumes, id, 369, DEAD), Reconciliation::Wait(NodeId(1), at(370)));
        assert_eq!(reconcile(&mut volumes, id, 370, DEAD), Reconciliation::Detach(NodeId(1), true));
        assert_eq!(reconcile(&mut volumes, id, 11, OUT), Reconciliation::Detach(NodeId(1), true));
        volumes.is_wanted(id, NodeId(2));
        volumes.are_told(NodeId(2));
        assert_eq!(reconcile(&mut volumes, id, 369, DEAD), Reconciliation::Wait(NodeId(1), at(370)), "another's word");
        volumes.begin();
        assert_eq!(reconcile(&mut volumes, id, 400, DEAD), Reconciliation::Wait(NodeId(1), at(760)), "a new leader");
    }

    #[test]
    fn a_pod_that_comes_back_to_the_node_ends_the_wait() {
        let (mut volumes, id) = used();
        reconcile(&mut volumes, id, 10, DEAD);
        let back = volumes.at_mut(id).reconcile(at(20), Some(NodeId(1)), |_| READY, PATIENCE);
        assert_eq!(back, Reconciliation::Content);
        assert_eq!(reconcile(&mut volumes, id, 30, DEAD), Reconciliation::Wait(NodeId(1), at(390)));
    }

    #[test]
    fn the_next_pod_of_an_ordinal_gets_its_predecessors_volume() {
        let (mut volumes, id) = used();
        assert_eq!(volumes.is_released(PodId(5)), Some(id));
        assert_eq!((volumes.of(PodId(5)), volumes.at(id).pod), (None, None));
        assert_eq!(volumes.is_claimed(DeploymentId(0), 0, PodId(8)), id);
        assert_eq!(volumes.zone_of(PodId(8)), Some(ZoneId(0)));
        assert_ne!(volumes.is_claimed(DeploymentId(0), 1, PodId(9)), id);
        assert_eq!(volumes.zone_of(PodId(9)), None, "it is bound where its pod is placed first");
    }

    #[test]
    fn a_volume_is_attached_once_it_exists_and_mounted_once_its_node_says_so_twice() {
        let mut volumes = Volumes::default();
        let id = volumes.is_claimed(DeploymentId(0), 0, PodId(5));
        let attach = |volumes: &mut Volumes| volumes.at_mut(id).reconcile(at(0), Some(NodeId(1)), |_| READY, PATIENCE);
        assert_eq!(attach(&mut volumes), Reconciliation::Content);
        volumes.at_mut(id).exists = true;
        assert_eq!(attach(&mut volumes), Reconciliation::Attach(NodeId(1)));
        volumes.at_mut(id).attachment = Attachment::Attached(NodeId(1));
        volumes.at_mut(id).is_told = true;
        assert!(volumes.is_wanted(id, NodeId(1)) && !volumes.is_wanted(id, NodeId(1)));
        assert!(!volumes.at(id).may_be_mounted(NodeId(1)), "its status does not call it in use yet");
        volumes.are_told(NodeId(1));
        assert!(volumes.at(id).may_be_mounted(NodeId(1)));
        volumes.at_mut(id).is_told = false;
        assert!(!volumes.at(id).may_be_mounted(NodeId(1)), "nor that it is attached");
    }
}
