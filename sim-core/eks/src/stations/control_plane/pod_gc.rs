//! The pod garbage collector: deletes the pods of nodes that no longer exist, after a quarantine.
//!
//! A look that misses a node puts it into quarantine; the first look after the quarantine deletes its pods, and the node
//! goes into quarantine again as long as it has pods (`kubernetes/kubernetes pkg/controller/podgc`, which lists all pods
//! at each look). Of the pods that have ended, those that were created first go once there are more of them than a
//! threshold. A pod without a node is deleted by the API server at once and never left to the collector.

use crate::ids::{NodeId, PodId};
use sim_kernel::{SimDuration, SimTime};
use std::collections::BTreeSet;

/// The pod garbage collector.
#[derive(Clone, Debug)]
pub struct PodGc {
    quarantine: SimDuration,
    /// Nodes that were deleted and may have pods still, with the look that missed each.
    missed: Vec<(NodeId, Option<SimTime>)>,
    /// Pods that have ended, by their creation.
    finished: BTreeSet<(SimTime, PodId)>,
    /// Nodes that are tainted out of service.
    out_of_service: BTreeSet<NodeId>,
    /// Pods whose deletion is ordered and has not come about yet.
    ordered: BTreeSet<PodId>,
}

impl PodGc {
    /// A collector that misses nobody.
    pub fn new(quarantine: SimDuration) -> Self {
        PodGc {
            quarantine,
            missed: Vec::new(),
            finished: BTreeSet::new(),
            out_of_service: BTreeSet::new(),
            ordered: BTreeSet::new(),
        }
    }

    /// A Node that may have pods was deleted.
    pub fn is_deleted(&mut self, node: NodeId) {
        if self.missed.iter().all(|(missed, _)| *missed != node) {
            self.missed.push((node, None));
        }
    }

    /// A pod that was created then has ended, and its object is there still.
    pub fn is_finished(&mut self, pod: PodId, created: SimTime) {
        self.finished.insert((created, pod));
    }

    /// The oldest of the pods that have ended, as far as they are more than so many.
    pub fn finished_beyond(&self, threshold: u64) -> Vec<PodId> {
        let beyond = (self.finished.len() as u64).saturating_sub(threshold);
        self.finished.iter().take(beyond as usize).map(|(_, pod)| *pod).collect()
    }

    /// A node is tainted out of service: its Terminating pods are deleted without a quarantine.
    pub fn is_out_of_service(&mut self, node: NodeId) {
        self.out_of_service.insert(node);
    }

    /// A node is so no more.
    pub fn is_in_service(&mut self, node: NodeId) {
        self.out_of_service.remove(&node);
    }

    /// The nodes that are so.
    pub fn out_of_service(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.out_of_service.iter().copied()
    }

    /// One look: the nodes whose quarantine is over. Nodes without pods are missed no more.
    pub fn look(&mut self, now: SimTime, has_pods: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let mut over = Vec::new();
        self.missed.retain(|(node, _)| has_pods(*node));
        for (node, since) in &mut self.missed {
            if since.is_some_and(|since| now >= since + self.quarantine) {
                over.push(*node);
                *since = None;
            }
            *since = since.or(Some(now));
        }
        over.sort_unstable();
        over
    }

    /// Whether the deletion of a pod has to be ordered: it has not been before.
    pub fn must_delete(&mut self, pod: PodId) -> bool {
        self.ordered.insert(pod)
    }

    /// The object of a pod that was created then is gone.
    pub fn is_gone(&mut self, pod: PodId, created: SimTime) {
        self.ordered.remove(&pod);
        self.finished.remove(&(created, pod));
    }

    /// A new leader has no memory: every quarantine begins again, and what was ordered is forgotten.
    pub fn begins(&mut self) {
        self.ordered.clear();
        for (_, since) in &mut self.missed {
            *since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn collector() -> PodGc {
        let mut collector = PodGc::new(SimDuration::from_secs(40));
        collector.is_deleted(NodeId(3));
        collector
    }

    #[test]
    fn pods_go_at_the_first_look_after_the_quarantine() {
        let mut collector = collector();
        assert!(collector.look(at(20), |_| true).is_empty());
        assert!(collector.look(at(40), |_| true).is_empty());
        assert_eq!(collector.look(at(60), |_| true), [NodeId(3)]);
        assert!(collector.look(at(80), |_| false).is_empty());
        assert!(collector.missed.is_empty());
    }

    #[test]
    fn a_node_is_missed_as_long_as_it_has_pods() {
        let mut collector = collector();
        let looks: Vec<u64> = (1..10).filter(|look| !collector.look(at(look * 20), |_| true).is_empty()).collect();
        assert_eq!(looks, [3, 5, 7, 9], "after each further quarantine");
    }

    #[test]
    fn of_too_many_pods_that_have_ended_the_oldest_go() {
        let mut collector = collector();
        for (pod, created) in [(4, 30), (2, 10), (3, 20), (1, 10)] {
            collector.is_finished(PodId(pod), at(created));
        }
        assert!(collector.finished_beyond(4).is_empty());
        assert_eq!(collector.finished_beyond(1), [PodId(1), PodId(2), PodId(3)]);
        collector.is_gone(PodId(1), at(10));
        assert_eq!(collector.finished_beyond(2), [PodId(2)]);
    }

    #[test]
    fn a_new_leader_finds_what_its_predecessor_had_ordered() {
        let mut collector = collector();
        collector.look(at(20), |_| true);
        assert_eq!(collector.look(at(60), |_| true), [NodeId(3)]);
        assert!(collector.must_delete(PodId(7)) && !collector.must_delete(PodId(7)));
        collector.begins();
        assert!(collector.look(at(100), |_| true).is_empty());
        assert_eq!(collector.look(at(140), |_| true), [NodeId(3)]);
        assert!(collector.must_delete(PodId(7)));
    }
}
