//! A DaemonSet: on which nodes it has a pod, on which one is missing, and in which batches it creates what is missing.
//!
//! A sync creates pods in batches of 1, 2, 4 and so on, each once the one before has succeeded, and ends with the status,
//! if that has changed (`kubernetes/kubernetes pkg/controller/daemon`). A pod that is Terminating still holds its place.
//! Which nodes are looked at follows from what happened to them: nobody goes over all nodes at each sync.
//!
//! A rolling update deletes pods of an old template: those that are not Ready at once, the others as far as no more than
//! `maxUnavailable` of the nodes are without a Ready pod; the ordinary sync puts new ones in their places. Left out:
//! `maxSurge`, `OnDelete`, `minReadySeconds`.

use crate::ids::{NodeId, PodId};
use sim_kernel::SimTime;
use std::collections::{BTreeSet, VecDeque};

/// What it has on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing, and nothing has happened to the node since it was looked at.
    Empty,
    /// Nothing; the next sync looks at the node.
    Missing,
    /// Nothing; a pod is ordered.
    Ordered,
    /// This pod.
    Holds(PodId),
}

/// What it says of itself in the API: pods that exist, and those that are Ready.
type Status = (u32, u32);

/// A DaemonSet.
#[derive(Clone, Debug)]
pub struct DaemonSet {
    /// Whether its object exists.
    pub exists: bool,
    places: Vec<Place>,
    missing: VecDeque<NodeId>,
    /// Nodes that it wants a pod on: those that hold one, and those that lack one.
    wanted: u32,
    revision: u8,
    /// Nodes whose pod has an old template and is not deleted yet.
    outdated: BTreeSet<NodeId>,
    /// Nodes whose pod is to be deleted by it, and is still there.
    going: BTreeSet<NodeId>,
    rollout_since: Option<SimTime>,
    has: Status,
    seen: Status,
    told: Status,
    created: u32,
    left: u32,
    batch: u32,
    in_flight: u32,
    failed: bool,
}

impl DaemonSet {
    /// A DaemonSet without pods.
    pub fn new(exists: bool) -> Self {
        DaemonSet {
            exists,
            places: Vec::new(),
            missing: VecDeque::new(),
            wanted: 0,
            revision: 0,
            outdated: BTreeSet::new(),
            going: BTreeSet::new(),
            rollout_since: None,
            has: (0, 0),
            seen: (0, 0),
            told: (0, 0),
            created: 0,
            left: 0,
            batch: 0,
            in_flight: 0,
            failed: false,
        }
    }

    /// A node that may come to be used one day; their ids come in order.
    pub fn add_node(&mut self) {
        self.places.push(Place::Empty);
    }

    /// A node may lack its pod: the next sync looks at it.
    pub fn may_lack(&mut self, node: NodeId) {
        if matches!(self.places[node.index()], Place::Empty | Place::Ordered) {
            self.wanted += u32::from(self.places[node.index()] == Place::Empty);
            self.places[node.index()] = Place::Missing;
            self.missing.push_back(node);
        }
    }

    /// The pod that it has for a node.
    pub fn pod_on(&self, node: NodeId) -> Option<PodId> {
        match self.places[node.index()] {
            Place::Holds(pod) => Some(pod),
            _ => None,
        }
    }

    /// The number of its next pod, for its draws.
    pub fn numbers_a_pod(&mut self) -> u32 {
        self.created += 1;
        self.created
    }

    /// A pod for a node exists.
    pub fn gains(&mut self, node: NodeId, pod: PodId) {
        self.wanted += u32::from(self.places[node.index()] == Place::Empty);
        self.places[node.index()] = Place::Holds(pod);
        self.has.0 += 1;
    }

    /// The pod of a node is gone.
    pub fn loses(&mut self, node: NodeId) {
        self.places[node.index()] = Place::Empty;
        self.wanted -= 1;
        self.outdated.remove(&node);
        self.going.remove(&node);
        self.has.0 -= 1;
    }

    /// A pod of it became Ready, or ceased to be.
    pub fn readiness_changes(&mut self, ready: bool) {
        self.has.1 = if ready { self.has.1 + 1 } else { self.has.1 - 1 };
    }

    /// It has said in the API what it has: the steady state.
    pub fn is_settled(&mut self) {
        self.told = self.has;
    }

    /// A new leader has no memory: nothing is ordered, and every node has to be looked at by whoever calls.
    pub fn begins(&mut self) {
        self.missing.clear();
        self.outdated.append(&mut self.going);
        for place in &mut self.places {
            if matches!(place, Place::Missing | Place::Ordered) {
                *place = Place::Empty;
                self.wanted -= 1;
            }
        }
    }

    /// A sync begins; it orders at most `burst` pods.
    pub fn look(&mut self, burst: u32) {
        self.seen = self.has;
        (self.left, self.batch, self.in_flight, self.failed) = (burst, 1, 0, false);
    }

    /// The nodes for which the next batch of pods is to be created, of those that `wants` them; none once all are
    /// created or one has failed.
    pub fn next_batch(&mut self, wants: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let size = if self.failed { 0 } else { self.batch.min(self.left) };
        self.batch *= 2;
        let mut nodes = Vec::new();
        while (nodes.len() as u32) < size
            && let Some(node) = self.missing.pop_front()
        {
            if self.places[node.index()] != Place::Missing {
                continue;
            }
            self.places[node.index()] = if wants(node) { Place::Ordered } else { Place::Empty };
            if self.places[node.index()] == Place::Ordered {
                nodes.push(node);
            } else {
                self.wanted -= 1;
            }
        }
        self.left -= nodes.len() as u32;
        self.in_flight += nodes.len() as u32;
        nodes
    }

    /// Which template its new pods have.
    pub fn revision(&self) -> u8 {
        self.revision
    }

    /// Its template changes: all its pods have an old one.
    pub fn wants_another_template(&mut self, now: SimTime) {
        self.revision += 1;
        self.rollout_since = Some(now);
        let nodes = (0..).map(NodeId).zip(&self.places);
        self.outdated = nodes.filter(|(_, place)| matches!(place, Place::Holds(_))).map(|(node, _)| node).collect();
    }

    /// The pods that a rolling update deletes next, if so many may be unavailable: those that are not Ready, and of the
    /// others as many as the bound leaves.
    pub fn next_outdated(&mut self, max_unavailable: u32, is_ready: impl Fn(PodId) -> bool) -> Vec<PodId> {
        if self.outdated.is_empty() {
            return Vec::new();
        }
        let places = &self.places;
        let still_ready = |node: &&NodeId| matches!(places[node.index()], Place::Holds(pod) if is_ready(pod));
        let unavailable = self.wanted - self.has.1 + self.going.iter().filter(still_ready).count() as u32;
        let mut left = max_unavailable.saturating_sub(unavailable);
        let mut pods = Vec::new();
        self.outdated.retain(|node| {
            let Place::Holds(pod) = places[node.index()] else { return false };
            let goes = !is_ready(pod) || left > 0;
            if goes {
                left -= u32::from(is_ready(pod));
                pods.push(pod);
                self.going.insert(*node);
            }
            !goes
        });
        pods
    }

    /// When its template changed, once every node has a Ready pod of the new one. It is told once.
    pub fn rollout_ends(&mut self) -> Option<SimTime> {
        let is_complete = self.outdated.is_empty() && self.going.is_empty() && self.told == (self.wanted, self.wanted);
        if is_complete { self.rollout_since.take() } else { None }
    }

    /// Whether nodes wait for the next sync.
    pub fn has_more(&self) -> bool {
        !self.missing.is_empty()
    }

    /// A request of the sync has ended. Whether it was the last that was under way.
    pub fn ended(&mut self, succeeded: bool) -> bool {
        self.failed |= !succeeded;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.in_flight == 0
    }

    /// Whether the sync has to write the status; it does so once.
    pub fn must_tell(&mut self) -> bool {
        let must = self.seen != self.told;
        self.in_flight += u32::from(must);
        must
    }

    /// The status is in the API, as of the beginning of the sync.
    pub fn tells(&mut self) {
        self.told = self.seen;
    }

    /// Whether no request of the sync has failed.
    pub fn has_succeeded(&self) -> bool {
        !self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nodes: u32) -> DaemonSet {
        let mut set = DaemonSet::new(true);
        for node in 0..nodes {
            set.add_node();
            set.may_lack(NodeId(node));
        }
        set
    }

    #[test]
    fn a_rolling_update_takes_what_is_not_ready_and_of_the_others_one_at_a_time() {
        let mut set = DaemonSet::new(true);
        for node in 0..4 {
            set.add_node();
            set.may_lack(NodeId(node));
        }
        set.look(250);
        while !set.next_batch(|_| true).is_empty() {}
        (0..4).for_each(|node| set.gains(NodeId(node), PodId(node)));
        (0..3).for_each(|_| set.readiness_changes(true));
        set.wants_another_template(SimTime::ZERO);
        let is_ready = |pod: PodId| pod != PodId(3);
        assert_eq!(set.next_outdated(1, is_ready), [PodId(3)], "it is not Ready, so none of the others may go");
        set.loses(NodeId(3));
        set.gains(NodeId(3), PodId(9));
        assert!(set.next_outdated(1, |_| true).is_empty(), "the new one is not Ready yet");
        set.readiness_changes(true);
        assert_eq!(set.next_outdated(1, |_| true), [PodId(0)]);
        assert!(set.next_outdated(1, |_| true).is_empty(), "the order has not been carried out yet");
        set.readiness_changes(false);
        assert!(set.next_outdated(1, |_| true).is_empty());
        assert_eq!(set.next_outdated(3, |pod| pod != PodId(0)), [PodId(1), PodId(2)], "three may be unavailable");
        assert_eq!(set.rollout_ends(), None, "it has not said so yet");
    }

    #[test]
    fn batches_double_up_to_the_burst_and_the_rest_waits_for_the_next_sync() {
        let mut set = of(300);
        set.look(250);
        let batches: Vec<_> =
            std::iter::repeat_with(|| set.next_batch(|_| true).len()).take_while(|batch| *batch > 0).collect();
        assert_eq!(batches, [1, 2, 4, 8, 16, 32, 64, 123]);
        assert!(set.has_more());
    }

    #[test]
    fn a_node_that_it_does_not_want_is_not_looked_at_again_until_something_happens_to_it() {
        let mut set = of(2);
        set.look(250);
        assert_eq!(set.next_batch(|node| node.0 == 1), [NodeId(1)]);
        assert!(!set.has_more());
        set.may_lack(NodeId(0));
        assert_eq!(set.next_batch(|_| true), [NodeId(0)]);
    }

    #[test]
    fn a_place_is_held_until_its_pod_is_gone_and_a_failure_is_tried_again() {
        let mut set = of(1);
        set.look(250);
        assert_eq!(set.next_batch(|_| true), [NodeId(0)]);
        assert!(set.ended(false) && !set.has_succeeded());
        set.may_lack(NodeId(0));
        set.look(250);
        assert_eq!(set.next_batch(|_| true), [NodeId(0)]);
        set.gains(NodeId(0), PodId(7));
        set.may_lack(NodeId(0));
        assert!(!set.has_more() && set.pod_on(NodeId(0)) == Some(PodId(7)));
        set.loses(NodeId(0));
        set.may_lack(NodeId(0));
        assert!(set.has_more());
    }

    #[test]
    fn a_new_leader_finds_nothing_ordered() {
        let mut set = of(2);
        set.look(250);
        set.next_batch(|_| true);
        set.begins();
        assert!(!set.has_more());
        set.may_lack(NodeId(0));
        set.look(250);
        assert_eq!(set.next_batch(|_| true), [NodeId(0)]);
    }
}
