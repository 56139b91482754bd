//! A node: the instance, the Node object that the API holds of it, and the pods that are bound to it.
//!
//! What is true and what the API says are kept apart: an instance may be dead while its Node is Ready (nobody has
//! noticed yet), and alive while its Node is Unknown (its heartbeats do not arrive).
//!
//! Left out: pressure conditions and a kubelet that dies alone. A node whose network is not up is not Ready.

use crate::ids::{GroupId, ImageId, PodId};
use crate::plan::ZoneId;
use crate::probes::Cause;

/// How far the instance is: the truth, whatever the API says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// Launch ordered.
    Ordered,
    /// Boots; no kubelet yet.
    Boots,
    /// The kubelet runs; pods can run once the network is up.
    Runs {
        /// Whether the VPC CNI is initialised.
        network: bool,
    },
    /// Stopped silently, and may come back.
    Dark,
    /// Gone for good.
    Terminated,
}

/// The Ready condition of a Node object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The kubelet said so.
    True,
    /// The kubelet says that its network is not up.
    False,
    /// The node lifecycle controller has not seen a heartbeat for the grace period.
    Unknown,
}

/// The Node object in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    /// The kubelet has not registered yet.
    Absent,
    /// There is one.
    Present(Ready),
    /// It was deleted after the end of its instance.
    Deleted,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// The group that launched it.
    pub group: GroupId,
    /// Where it is.
    pub zone: ZoneId,
    /// The last fact of its story: what whoever is hurt by its state may name as the cause.
    pub story: Cause,
    /// The fault that stopped it alone, by the index of its step.
    pub stopped_by: Option<u32>,
    /// Whether it was launched in place of a lost one.
    pub replaces: bool,
    instance: Instance,
    life: u32,
    object: Object,
    no_schedule: bool,
    no_execute: bool,
    cordoned: bool,
    unschedulable: bool,
    out_of_service: bool,
    has_been_ready: bool,
    taint_life: u32,
    pods: Vec<PodId>,
    images: Vec<(ImageId, u8)>,
}

impl Node {
    /// A node whose instance was just ordered, perhaps in place of a lost one.
    pub fn ordered(group: GroupId, zone: ZoneId, cause: Cause, replaces: bool) -> Self {
        Node {
            group,
            zone,
            story: cause,
            stopped_by: None,
            replaces,
            instance: Instance::Ordered,
            life: 0,
            object: Object::Absent,
            no_schedule: false,
            no_execute: false,
            cordoned: false,
            unschedulable: false,
            out_of_service: false,
            has_been_ready: false,
            taint_life: 0,
            pods: Vec::new(),
            images: Vec::new(),
        }
    }

    /// A node whose kubelet runs and tries to register.
    pub fn joining(group: GroupId, zone: ZoneId) -> Self {
        Node { instance: Instance::Runs { network: false }, ..Node::ordered(group, zone, None, false) }
    }

    /// A node that runs and is Ready.
    pub fn running(group: GroupId, zone: ZoneId) -> Self {
        let instance = Instance::Runs { network: true };
        Node {
            instance,
            object: Object::Present(Ready::True),
            has_been_ready: true,
            ..Node::ordered(group, zone, None, false)
        }
    }

    /// How far its instance is.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// Which life of the instance this is; events of earlier ones are stale.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// Whether its kubelet runs.
    pub fn lives(&self) -> bool {
        matches!(self.instance, Instance::Runs { .. })
    }

    /// Whether pods can run on it.
    pub fn has_network(&self) -> bool {
        self.instance == Instance::Runs { network: true }
    }

    /// Its Ready condition; `None` where there is no Node object.
    pub fn ready(&self) -> Option<Ready> {
        match self.object {
            Object::Present(ready) => Some(ready),
            Object::Absent | Object::Deleted => None,
        }
    }

    /// Whether the Node object was deleted.
    pub fn is_deleted(&self) -> bool {
        self.object == Object::Deleted
    }

    /// Whether the scheduler may use it.
    pub fn is_schedulable(&self) -> bool {
        self.ready() == Some(Ready::True) && !self.no_schedule && !self.no_execute && !self.takes_no_pods()
    }

    /// Whether it bears a taint of the node lifecycle controller.
    pub fn is_tainted(&self) -> bool {
        self.no_schedule || self.no_execute
    }

    /// Whether its pods are to leave unless they tolerate it.
    pub fn is_tainted_no_execute(&self) -> bool {
        self.no_execute
    }

    /// Which NoExecute taint it bears; a toleration that ran under another one is over.
    pub fn taint_life(&self) -> u32 {
        self.taint_life
    }

    /// The instance boots.
    pub fn boots(&mut self) {
        self.instance = Instance::Boots;
    }

    /// The kubelet runs; the network is not up yet.
    pub fn kubelet_runs(&mut self) {
        self.instance = Instance::Runs { network: false };
    }

    /// The network is up.
    pub fn network_comes_up(&mut self) {
        self.instance = Instance::Runs { network: true };
    }

    /// The instance stops silently. `true` unless it had stopped before.
    pub fn goes_dark(&mut self, cause: Cause) -> bool {
        if matches!(self.instance, Instance::Dark | Instance::Terminated) {
            return false;
        }
        self.instance = Instance::Dark;
        self.life += 1;
        self.story = cause;
        true
    }

    /// The instance that had stopped boots again, with what it had stored.
    pub fn wakes(&mut self) {
        debug_assert_eq!(self.instance, Instance::Dark, "only what is dark wakes");
        self.life += 1;
        self.stopped_by = None;
        self.boots();
    }

    /// The instance is gone for good.
    pub fn terminates(&mut self) {
        self.instance = Instance::Terminated;
        self.life += 1;
    }

    /// Somebody cordons it: it stays, and takes no new pods.
    pub fn is_made_unschedulable(&mut self) {
        self.unschedulable = true;
    }

    /// That is taken back.
    pub fn is_made_schedulable(&mut self) {
        self.unschedulable = false;
    }

    /// Whether somebody's will keeps new pods away.
    pub fn takes_no_pods(&self) -> bool {
        self.cordoned || self.unschedulable || self.out_of_service
    }

    /// Somebody says that it is gone for good (`node.kubernetes.io/out-of-service`), or says so no more.
    pub fn puts_out_of_service(&mut self, out: bool) {
        self.out_of_service = out && self.ready().is_some();
    }

    /// Whether somebody says that it is gone for good.
    pub fn is_out_of_service(&self) -> bool {
        self.out_of_service
    }

    /// It is one too many: no new pods are wanted on it.
    pub fn cordon(&mut self) {
        self.cordoned = true;
    }

    /// Whether it was cordoned.
    pub fn is_cordoned(&self) -> bool {
        self.cordoned
    }

    /// Whether it was one too many and is gone: cordoned, drained and terminated.
    pub fn is_retired(&self) -> bool {
        self.cordoned && self.instance == Instance::Terminated
    }

    /// The kubelet created the Node object.
    pub fn registers(&mut self) {
        if self.object == Object::Absent {
            self.object = Object::Present(Ready::False);
        }
    }

    /// The kubelet's report is in the API. What the condition was before, if there is a Node object. A report that
    /// outlived its kubelet changes nothing.
    pub fn reports(&mut self) -> Option<Ready> {
        let was = self.ready()?;
        if let Instance::Runs { network } = self.instance {
            self.object = Object::Present(if network { Ready::True } else { Ready::False });
        }
        Some(was)
    }

    /// Whether it has been Ready before.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready
    }

    /// Whether it has been Ready before; from now on it has.
    pub fn is_ready_again(&mut self) -> bool {
        std::mem::replace(&mut self.has_been_ready, true)
    }

    /// The node lifecycle controller gave its heartbeat up. `true` unless it had done so before.
    pub fn is_given_up(&mut self) -> bool {
        let changes = matches!(self.ready(), Some(Ready::True | Ready::False));
        if changes {
            self.object = Object::Present(Ready::Unknown);
            self.no_schedule = true;
        }
        changes
    }

    /// It is tainted NoExecute. `true` unless it was before.
    pub fn is_tainted_now(&mut self) -> bool {
        let changes = self.ready().is_some() && !self.no_execute;
        if changes {
            self.no_execute = true;
            self.taint_life += 1;
        }
        changes
    }

    /// The tolerations of its pods start again: whoever watches them has no memory.
    pub fn restart_tolerations(&mut self) {
        self.taint_life += 1;
    }

    /// Its taints are gone, but for NoSchedule while it is Unknown.
    pub fn is_untainted(&mut self) {
        self.no_schedule &= self.ready() == Some(Ready::Unknown);
        self.no_execute = false;
        self.taint_life += 1;
    }

    /// The Node object is deleted. `true` if there was one.
    pub fn object_goes(&mut self) -> bool {
        let was = self.ready().is_some();
        if was {
            self.object = Object::Deleted;
        }
        was
    }

    /// The pods that are bound to it.
    pub fn pods(&self) -> &[PodId] {
        &self.pods
    }

    /// A pod is bound to it.
    pub fn binds(&mut self, pod: PodId) {
        self.pods.push(pod);
    }

    /// A pod of it is gone.
    pub fn loses(&mut self, pod: PodId) {
        self.pods.retain(|&bound| bound != pod);
    }

    /// Whether an image has been pulled, in the version of this template.
    pub fn has_image(&self, image: (ImageId, u8)) -> bool {
        self.images.contains(&image)
    }

    /// An image is there.
    pub fn gains_image(&mut self, image: (ImageId, u8)) {
        if !self.has_image(image) {
            self.images.push(image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_true_and_what_the_api_says_are_two_things() {
        let mut node = Node::running(GroupId(0), ZoneId(0));
        assert!(node.goes_dark(None));
        assert!(!node.goes_dark(None), "it has stopped already");
        assert!(!node.lives() && node.ready() == Some(Ready::True) && node.is_schedulable());
        assert!(node.is_given_up());
        assert!(!node.is_given_up());
        assert!(node.is_tainted() && !node.is_schedulable());
    }

    #[test]
    fn a_node_is_schedulable_again_once_it_reports_and_is_untainted() {
        let mut node = Node::running(GroupId(0), ZoneId(0));
        node.is_given_up();
        assert!(node.is_tainted_now());
        let under = node.taint_life();
        assert_eq!(node.reports(), Some(Ready::Unknown));
        assert!(node.ready() == Some(Ready::True) && !node.is_schedulable());
        node.is_untainted();
        assert!(node.is_schedulable() && node.taint_life() != under);
    }

    #[test]
    fn a_new_node_is_ready_when_its_network_is() {
        let mut node = Node::ordered(GroupId(0), ZoneId(0), None, false);
        assert_eq!(node.reports(), None, "nobody has registered it");
        node.boots();
        node.kubelet_runs();
        node.registers();
        node.reports();
        assert_eq!(node.ready(), Some(Ready::False));
        node.network_comes_up();
        node.reports();
        assert!(node.is_schedulable());
    }

    #[test]
    fn a_new_template_has_a_new_image() {
        let mut node = Node::running(GroupId(0), ZoneId(0));
        node.gains_image((ImageId(3), 0));
        node.gains_image((ImageId(3), 0));
        assert!(node.has_image((ImageId(3), 0)) && !node.has_image((ImageId(3), 1)));
        assert_eq!(node.images.len(), 1);
    }
}
