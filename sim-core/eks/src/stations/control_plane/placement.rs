//! Where a pod can go and where it goes best: the scheduler's filters and scores, as functions of plain data.
//!
//! Filters: requests against what is free, pods against the node's limit, Ready and untainted, node selector, taints
//! of the group, zone spread with a skew of one. Scores, after `kubernetes/kubernetes pkg/scheduler`: least allocated
//! (weight 1), and spread of the Deployment's pods over zones and hosts (weight 2). Beyond 100 nodes only a share of
//! them is scored, from where the last search ended (`percentageOfNodesToScore`). At a tie the first in the order of
//! the search wins, where upstream draws lots.
//!
//! Left out: affinity between pods, preemption, volumes, image locality, PreferNoSchedule.

use crate::ids::{DeploymentId, GroupId, NodeId};
use crate::plan::{Deployment, NodeGroup, Plan, Taint, TaintEffect, Toleration, ZoneId};
use crate::quantity::Resources;
use crate::record::Balance;
use crate::stations::services::pod::{Object, Pod};

/// Nodes among which all feasible ones are scored: upstream's `minFeasibleNodesToFind`.
const SCORED_AT_LEAST: usize = 100;

/// What is free on a node; below zero where DaemonSets alone ask for more than there is.
#[derive(Clone, Copy, Debug)]
struct Room {
    milli_cpu: i64,
    memory_mib: i64,
    pods: i32,
    zone: u8,
    group: u16,
    is_open: bool,
    /// 50 over the node's allocatable CPU and memory: what a free unit adds to the score.
    per_milli_cpu: f64,
    per_mib: f64,
}

/// What the pods of a Deployment need.
#[derive(Clone, Debug)]
struct Need {
    milli_cpu: i64,
    memory_mib: i64,
    spread_zones: bool,
    /// Whether nodes of each group are possible at all.
    groups: Vec<bool>,
    /// Active pods of the Deployment in each zone.
    in_zone: Vec<u32>,
    /// The most pods of the Deployment that a host ever had.
    on_host_most: u16,
}

/// Room and needs.
#[derive(Clone, Debug)]
pub struct Placement {
    rooms: Vec<Room>,
    needs: Vec<Need>,
    /// Active pods of each Deployment on each node, node by node.
    on_host: Vec<u16>,
    /// Node objects in each zone, by group: the zones that a spread counts.
    nodes_in: Vec<u32>,
    zones: usize,
    next: usize,
    taken: u64,
    freed: u64,
}

impl Placement {
    /// A cluster without nodes.
    pub fn new(plan: &Plan) -> Self {
        let zones = plan.cluster.zones.len();
        let needs = plan.deployments.iter().map(|deployment| Need {
            milli_cpu: signed(deployment.requests.milli_cpu),
            memory_mib: signed(deployment.requests.memory_mib),
            spread_zones: deployment.spread_zones,
            groups: plan.cluster.node_groups.iter().map(|group| is_possible(deployment, group)).collect(),
            in_zone: vec![0; zones],
            on_host_most: 0,
        });
        let nodes_in = vec![0; zones * plan.cluster.node_groups.len()];
        let (rooms, needs, on_host) = (Vec::new(), needs.collect(), Vec::new());
        Placement { rooms, needs, on_host, nodes_in, zones, next: 0, taken: 0, freed: 0 }
    }

    /// A node that may come to be used one day; their ids come in order. DaemonSets have taken their part.
    pub fn add(&mut self, zone: ZoneId, id: GroupId, group: &NodeGroup, daemons: Resources, daemon_pods: i32) {
        self.rooms.push(Room {
            milli_cpu: signed(group.allocatable.milli_cpu) - signed(daemons.milli_cpu),
            memory_mib: signed(group.allocatable.memory_mib) - signed(daemons.memory_mib),
            pods: i32::try_from(group.max_pods).unwrap_or(i32::MAX) - daemon_pods,
            zone: zone.0,
            group: id.0,
            is_open: false,
            per_milli_cpu: 50.0 / (group.allocatable.milli_cpu.max(1) as f64),
            per_mib: 50.0 / (group.allocatable.memory_mib.max(1) as f64),
        });
        self.on_host.resize(self.rooms.len() * self.needs.len(), 0);
    }

    /// The Node object came (`true`) or went.
    pub fn exists(&mut self, node: NodeId, exists: bool) {
        let room = &self.rooms[node.index()];
        let nodes = &mut self.nodes_in[usize::from(room.group) * self.zones + usize::from(room.zone)];
        *nodes = if exists { *nodes + 1 } else { *nodes - 1 };
    }

    /// The scheduler may use the node, or not. Whether that is new.
    pub fn set_open(&mut self, node: NodeId, is_open: bool) -> bool {
        std::mem::replace(&mut self.rooms[node.index()].is_open, is_open) != is_open
    }

    /// Whether the scheduler may use the node.
    pub fn is_open(&self, node: NodeId) -> bool {
        self.rooms[node.index()].is_open
    }

    /// A pod takes room on a node, and counts for the spread of its Deployment.
    pub fn take(&mut self, deployment: DeploymentId, node: NodeId) {
        let need = &mut self.needs[deployment.index()];
        let room = &mut self.rooms[node.index()];
        room.milli_cpu -= need.milli_cpu;
        room.memory_mib -= need.memory_mib;
        room.pods -= 1;
        self.taken += 1;
        need.in_zone[usize::from(room.zone)] += 1;
        let on_host = &mut self.on_host[node.index() * self.needs.len() + deployment.index()];
        *on_host += 1;
        let most = &mut self.needs[deployment.index()].on_host_most;
        *most = (*most).max(*on_host);
    }

    /// A pod is Terminating: it still takes room, and no longer counts for the spread.
    pub fn uncount(&mut self, deployment: DeploymentId, node: NodeId) {
        let zone = usize::from(self.rooms[node.index()].zone);
        self.on_host[node.index() * self.needs.len() + deployment.index()] -= 1;
        self.needs[deployment.index()].in_zone[zone] -= 1;
    }

    /// A pod that no longer counted is gone: its room is free.
    pub fn free(&mut self, deployment: DeploymentId, node: NodeId) {
        let need = &self.needs[deployment.index()];
        let room = &mut self.rooms[node.index()];
        room.milli_cpu += need.milli_cpu;
        room.memory_mib += need.memory_mib;
        room.pods += 1;
        self.freed += 1;
    }

    /// Places on nodes that were taken, became free, and are held: by pods that are bound, or are to be.
    pub fn balance(&self, pods: &[Pod]) -> Balance {
        let holds = |pod: &&Pod| pod.node.is_some() && pod.object() != Object::Gone;
        let inside = pods.iter().filter(holds).count() as u64;
        let (station, arrived, left) = ("places on nodes".to_owned(), self.taken, self.freed);
        Balance { station, arrived, left, refused: 0, lost: 0, inside }
    }

    /// The node for the next pod of a Deployment, if it fits anywhere. Takes no room yet.
    pub fn search(&mut self, deployment: DeploymentId) -> Option<NodeId> {
        let need = &self.needs[deployment.index()];
        let zone_score = self.zone_scores(need);
        let per_host_pod = 100.0 / f64::from(need.on_host_most.max(1));
        let (count, wanted) = (self.rooms.len(), feasible_wanted(self.rooms.len()));
        let mut best: Option<(f64, usize)> = None;
        let (mut index, mut feasible, mut seen) = (self.next, 0, 0);
        while seen < count && feasible < wanted {
            index = if index >= count { 0 } else { index };
            let room = &self.rooms[index];
            if let Some(zone_score) = zone_score[usize::from(room.zone)]
                && room.fits(need)
            {
                feasible += 1;
                let on_host = self.on_host[index * self.needs.len() + deployment.index()];
                let score = room.least_allocated(need) + zone_score - per_host_pod * f64::from(on_host);
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, index));
                }
            }
            index += 1;
            seen += 1;
        }
        self.next = index;
        best.map(|(_, index)| NodeId(index as u32))
    }

    /// What a zone adds to the score of its nodes, 0 to -100; `None` where one more pod would skew the spread.
    fn zone_scores(&self, need: &Need) -> Vec<Option<f64>> {
        let most = need.in_zone.iter().copied().max().unwrap_or(0).max(1);
        let counts = |zone: &usize| self.counts_for_spread(need, *zone);
        let least = (0..self.zones).filter(counts).map(|zone| need.in_zone[zone]).min().unwrap_or(0);
        let scores = need.in_zone.iter().map(|&pods| {
            let is_skewed = need.spread_zones && pods > least;
            (!is_skewed).then(|| -100.0 * f64::from(pods) / f64::from(most))
        });
        scores.collect()
    }

    /// Whether a zone has a Node that the pods could run on were it Ready: a dark zone counts until its Nodes go.
    fn counts_for_spread(&self, need: &Need, zone: usize) -> bool {
        let groups = need.groups.iter().enumerate();
        groups.filter(|(_, possible)| **possible).any(|(group, _)| self.nodes_in[group * self.zones + zone] > 0)
    }
}

impl Room {
    #[inline]
    fn fits(&self, need: &Need) -> bool {
        self.is_open
            && self.milli_cpu >= need.milli_cpu
            && self.memory_mib >= need.memory_mib
            && self.pods > 0
            && need.groups[usize::from(self.group)]
    }

    /// The share of CPU and memory that would stay free, 0 to 100.
    #[inline]
    fn least_allocated(&self, need: &Need) -> f64 {
        (self.milli_cpu - need.milli_cpu) as f64 * self.per_milli_cpu
            + (self.memory_mib - need.memory_mib) as f64 * self.per_mib
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX / 2)
}

/// How many feasible nodes end a search: 50 % of the nodes less a 125th of their number, in percent, at least 5 % and
/// at least 100 (upstream's `numFeasibleNodesToFind`).
fn feasible_wanted(nodes: usize) -> usize {
    let percent = 50usize.saturating_sub(nodes / 125).max(5);
    (nodes * percent / 100).max(SCORED_AT_LEAST)
}

/// Whether the pods of a Deployment may run on the nodes of a group: node selector and taints.
fn is_possible(deployment: &Deployment, group: &NodeGroup) -> bool {
    let selected = deployment.node_selector.iter().all(|(key, value)| group.labels.get(key) == Some(value));
    let keeps_away = |taint: &&Taint| taint.effect != TaintEffect::PreferNoSchedule;
    let mut taints = group.taints.iter().filter(keeps_away);
    selected && taints.all(|taint| is_tolerated(taint, &deployment.tolerations))
}

/// Whether one of the tolerations means the taint.
pub fn is_tolerated(taint: &Taint, tolerations: &[Toleration]) -> bool {
    tolerations.iter().any(|toleration| {
        toleration.key.as_ref().is_none_or(|key| *key == taint.key)
            && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
            && toleration.effect.is_none_or(|effect| effect == taint.effect)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn group(zones: u8, milli_cpu: u64) -> NodeGroup {
        NodeGroup {
            name: "workers".to_owned(),
            managed: true,
            instance_type: "m5.large".to_owned(),
            allocatable: Resources { milli_cpu, memory_mib: 4_000 },
            max_pods: 29,
            min: 0,
            desired: 3,
            max: 9,
            zones: (0..zones).map(ZoneId).collect(),
            labels: BTreeMap::from([("disk".to_owned(), "ssd".to_owned())]),
            taints: Vec::new(),
            spot: false,
            usd_per_hour: None,
        }
    }

    fn need(milli_cpu: i64) -> Need {
        let on_host_most = 0;
        Need { milli_cpu, memory_mib: 100, spread_zones: false, groups: vec![true], in_zone: vec![0; 3], on_host_most }
    }

    /// One node in each of three zones, with 1, 2 and 4 cores.
    fn cluster(needs: Vec<Need>) -> Placement {
        let mut placement = Placement {
            rooms: Vec::new(),
            needs,
            on_host: Vec::new(),
            nodes_in: vec![0; 3],
            zones: 3,
            next: 0,
            taken: 0,
            freed: 0,
        };
        for zone in 0..3 {
            let daemons = Resources { milli_cpu: 100, memory_mib: 0 };
            placement.add(ZoneId(zone), GroupId(0), &group(3, 1_000 << zone), daemons, 2);
            placement.exists(NodeId(u32::from(zone)), true);
            placement.set_open(NodeId(u32::from(zone)), true);
        }
        placement
    }

    const D: DeploymentId = DeploymentId(0);

    fn put(placement: &mut Placement) -> Option<NodeId> {
        placement.next = 0;
        let node = placement.search(D)?;
        placement.take(D, node);
        Some(node)
    }

    #[test]
    fn pods_spread_over_zones_before_they_fill_the_largest_node() {
        let mut placement = cluster(vec![need(200)]);
        let mut nodes: Vec<_> = (0..3).map(|_| put(&mut placement)).collect();
        assert_eq!(nodes[0], Some(NodeId(2)), "most is free there");
        nodes.sort();
        assert_eq!(nodes, [Some(NodeId(0)), Some(NodeId(1)), Some(NodeId(2))]);
    }

    #[test]
    fn what_does_not_fit_is_not_placed() {
        let mut placement = cluster(vec![need(900)]);
        let count = (0..20).filter(|_| put(&mut placement).is_some()).count();
        assert_eq!(count, 1 + 2 + 4, "DaemonSets take 100m of 1,000m, 2,000m and 4,000m");
        placement.uncount(D, NodeId(1));
        assert_eq!(put(&mut placement), None, "a Terminating pod still takes room");
        placement.free(D, NodeId(1));
        assert_eq!(put(&mut placement), Some(NodeId(1)));
    }

    #[test]
    fn a_closed_node_gets_nothing() {
        let mut placement = cluster(vec![need(100)]);
        placement.set_open(NodeId(2), false);
        assert_eq!(put(&mut placement), Some(NodeId(1)));
    }

    #[test]
    fn a_strict_spread_waits_for_a_dark_zone_until_its_nodes_are_deleted() {
        let mut placement = cluster(vec![Need { spread_zones: true, ..need(100) }]);
        placement.set_open(NodeId(0), false);
        assert!(put(&mut placement).is_some() && put(&mut placement).is_some());
        assert_eq!(put(&mut placement), None, "one more would skew the spread against zone 0, which has none");
        placement.exists(NodeId(0), false);
        assert!(put(&mut placement).is_some());
    }

    #[test]
    fn large_clusters_are_searched_in_part() {
        assert_eq!([10, 100, 1_000, 5_000, 10_000].map(feasible_wanted), [100, 100, 420, 500, 500]);
    }

    #[test]
    fn tolerations_match_as_kubernetes_matches_them() {
        let text = |text: &str| Some(text.to_owned());
        let taint =
            |value: &str| Taint { key: "gpu".to_owned(), value: value.to_owned(), effect: TaintEffect::NoSchedule };
        let exists = [Toleration { key: text("gpu"), value: None, effect: None }];
        let equal = [Toleration { key: text("gpu"), value: text("a"), effect: Some(TaintEffect::NoSchedule) }];
        let all = [Toleration { key: None, value: None, effect: None }];
        let other_effect = [Toleration { key: text("gpu"), value: None, effect: Some(TaintEffect::NoExecute) }];
        assert!(is_tolerated(&taint("b"), &exists) && is_tolerated(&taint("b"), &all));
        assert!(is_tolerated(&taint("a"), &equal) && !is_tolerated(&taint("b"), &equal));
        assert!(!is_tolerated(&taint("a"), &other_effect) && !is_tolerated(&taint("a"), &[]));
    }
}
