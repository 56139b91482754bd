//! What would be admitted if nodes were added, or taken away: the same filters, asked by those who scale node groups.

use super::{Need, Placement};
use crate::ids::{DeploymentId, GroupId, NodeId};
use crate::plan::{PodTerm, Topology, ZoneId};

/// How many more pods of a workload may come, as far as all but room goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admits {
    /// To all nodes of a kind together.
    pub pods: u32,
    /// To each of them.
    pub per_node: u32,
}

impl Admits {
    /// As many as there is room for.
    pub const ALL: Admits = Admits { pods: u32::MAX, per_node: u32::MAX };
    /// None.
    pub const NONE: Admits = Admits { pods: 0, per_node: 0 };
}

impl Placement {
    /// How many pods of a workload new nodes of a group in a zone may take: labels, taints, spread and affinity count.
    pub fn new_nodes_admit(&self, workload: DeploymentId, group: GroupId, zone: ZoneId) -> Admits {
        let need = &self.needs[workload.index()];
        if !need.possible[group.index() * self.zones + zone.index()] {
            return Admits::NONE;
        }
        let required = |term: &&PodTerm| term.topology == Topology::Host && term.weight.is_none();
        let is_alone = need.terms.iter().filter(required).any(|term| {
            let other = &self.needs[term.to];
            !term.anti && !self.is_first_of_its_own(need, other)
        });
        if is_alone {
            return Admits::NONE;
        }
        Admits { pods: self.zone_allows(need, zone), per_node: self.host_allows(need, None) }
    }

    /// The same of a node that is there.
    pub fn node_admits(&self, workload: DeploymentId, node: NodeId) -> Admits {
        let need = &self.needs[workload.index()];
        if !self.is_possible(workload, node) || !self.neighbours_allow(need, node.index()) {
            return Admits::NONE;
        }
        let zone = ZoneId(self.rooms[node.index()].zone);
        Admits { pods: self.zone_allows(need, zone), per_node: self.host_allows(need, Some(node)) }
    }

    /// A pod of a workload is thought away from a node, with its room and its place in the spread.
    pub fn lift(&mut self, workload: DeploymentId, node: NodeId) {
        self.fill(workload, node, -1);
        self.uncount(workload, node);
    }

    /// A pod that was thought away is thought to be on a node.
    pub fn put(&mut self, workload: DeploymentId, node: NodeId) {
        self.fill(workload, node, 1);
        let zone = usize::from(self.rooms[node.index()].zone);
        self.needs[workload.index()].count(node.index(), zone);
    }

    /// How many more pods the spread over zones and affinities to pods of a zone allow there.
    fn zone_allows(&self, need: &Need, zone: ZoneId) -> u32 {
        if self.zone_wishes(need, zone.index()).is_none() {
            return 0;
        }
        let keeps_own = |term: &PodTerm| self.is_own(need, term) && term.topology == Topology::Zone;
        if need.terms.iter().any(keeps_own) {
            return 1;
        }
        let Some(skew) = need.zone_skew else { return u32::MAX };
        let others = (0..self.zones).filter(|other| *other != zone.index() && self.counts_for_spread(need, *other));
        let least = others.map(|other| need.in_zone[other]).min();
        least.map_or(u32::MAX, |least| (least + skew).saturating_sub(need.in_zone[zone.index()]))
    }

    /// How many more pods may come to a host, as far as the workload's own pods on it go; to an empty one without it.
    fn host_allows(&self, need: &Need, node: Option<NodeId>) -> u32 {
        let keeps_own = |term: &PodTerm| self.is_own(need, term) && term.topology == Topology::Host;
        if need.terms.iter().any(keeps_own) {
            return 1;
        }
        let Some(skew) = need.host_skew else { return u32::MAX };
        let has = node.map_or(0, |node| need.on_host.get(node.index()).map_or(0, |&pods| u32::from(pods)));
        (self.fewest_on_a_host(need) + skew).saturating_sub(has)
    }

    /// Whether a term keeps pods of the workload apart from each other.
    fn is_own(&self, need: &Need, term: &PodTerm) -> bool {
        term.anti && term.weight.is_none() && std::ptr::eq(&raw const self.needs[term.to], need)
    }
}
