//! The pod garbage collector: deletes the pods of nodes that no longer exist, after a quarantine.
//!
//! A look that misses a node puts it into quarantine; the first look after the quarantine deletes its pods
//! (`kubernetes/kubernetes pkg/controller/podgc`). Left out: terminated pods beyond the threshold.

use crate::ids::NodeId;
use sim_kernel::{SimDuration, SimTime};

/// The pod garbage collector.
#[derive(Clone, Debug)]
pub struct PodGc {
    quarantine: SimDuration,
    missed: Vec<(NodeId, Option<SimTime>)>,
}

impl PodGc {
    /// A collector that misses nobody.
    pub fn new(quarantine: SimDuration) -> Self {
        PodGc { quarantine, missed: Vec::new() }
    }

    /// A Node that has pods was deleted.
    pub fn is_deleted(&mut self, node: NodeId) {
        self.missed.push((node, None));
    }

    /// One look: the nodes whose quarantine is over.
    pub fn look(&mut self, now: SimTime) -> Vec<NodeId> {
        let mut over = Vec::new();
        self.missed.retain_mut(|(node, since)| match since {
            None => {
                *since = Some(now);
                true
            }
            Some(since) if now < *since + self.quarantine => true,
            Some(_) => {
                over.push(*node);
                false
            }
        });
        over
    }

    /// A new leader has no memory: every quarantine begins again.
    pub fn begins(&mut self) {
        for (_, since) in &mut self.missed {
            *since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_go_at_the_first_look_after_the_quarantine() {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let mut collector = PodGc::new(SimDuration::from_secs(40));
        collector.is_deleted(NodeId(3));
        assert!(collector.look(at(20)).is_empty());
        assert!(collector.look(at(40)).is_empty());
        assert_eq!(collector.look(at(60)), [NodeId(3)]);
        assert!(collector.look(at(80)).is_empty());
    }
}
