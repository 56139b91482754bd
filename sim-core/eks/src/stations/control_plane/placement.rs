//! Where a pod can go and where it goes best: the scheduler's filters and scores, as functions of plain data.
//!
//! Filters: requests against what is free, pods against the node's limit, Ready and untainted, node selector and
//! affinity, taints of the group, spread over zones and hosts, affinity between pods, the zone of a pod's volume, and the
//! volumes that a node takes. Scores, after
//! `kubernetes/kubernetes pkg/scheduler`: least allocated (weight 1), spread of the Deployment's pods over zones and hosts,
//! preferred nodes, and preferred neighbours (weight 2 each). Beyond 100 nodes only a share of
//! them is scored, from where the last search ended (`percentageOfNodesToScore`).
//!
//! The node that is found is the one that a look at every sampled node in rotating order would find: blocks of nodes
//! carry bounds of what is free and of the best score in them, so that a block that cannot matter is passed as a whole.
//!
//! Where it differs from upstream: scores are not rounded to whole points, and at a tie the first in the order of the
//! search wins, where upstream draws lots.
//!
//! Left out: image locality, PreferNoSchedule; pods that are Terminating count for no affinity.

mod groups;
mod micro_vms;
mod rules;

use super::preemption::Amounts;
use super::scheduler::Reasons;
use crate::ids::{DeploymentId, GroupId, NodeId};
use crate::plan::{NodeGroup, Plan, PodTerm, Topology, ZoneId};
use crate::quantity::Resources;
use crate::record::Balance;
use crate::stations::services::pod::{Object, Pod};
use crate::stations::services::pods::Pods;
pub use groups::Admits;
use rules::Wishes;
pub use rules::is_tolerated;

/// Nodes among which all feasible ones are scored: upstream's `minFeasibleNodesToFind`.
const SCORED_AT_LEAST: usize = 100;

/// Nodes of a block.
const BLOCK: usize = 32;

/// A hundred points of score, in the whole numbers in which bounds are exact.
const HUNDRED: i64 = 100 << 32;

/// What is free on a node.
#[derive(Clone, Copy, Debug)]
struct Room {
    milli_cpu: i64,
    memory_mib: i64,
    gpus: i32,
    pods: i32,
    group: u16,
    zone: u8,
    /// Its group and its zone as one number.
    class: u16,
    is_open: bool,
    /// There is a Node.
    exists: bool,
    /// Half of [`HUNDRED`] over the node's allocatable CPU and memory: what a free unit adds to the score.
    per_milli_cpu: i64,
    per_mib: i64,
}

/// Bounds over the open nodes of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// They have to be computed anew.
    is_stale: bool,
    /// The group of all its nodes, if all are open and of one.
    whole: Option<u16>,
    least: Amounts,
    most: Amounts,
    /// The most that CPU and memory left free score on one of its nodes.
    score: i64,
    /// The least that a unit of CPU and of memory counts on one of its nodes.
    per_unit: [i64; 2],
}

/// What the pods of a Deployment need.
#[derive(Clone, Debug)]
struct Need {
    milli_cpu: i64,
    memory_mib: i64,
    gpus: i32,
    /// The most pods by which a zone, or a host, may be ahead of the one with the fewest.
    zone_skew: Option<u32>,
    host_skew: Option<u32>,
    /// Whether each of its pods claims a volume.
    claims_volume: bool,
    /// Its affinities to other pods, and theirs to it that keep it away.
    terms: Vec<PodTerm>,
    /// Whether its pods are counted, so that they spread: bare pods do not.
    counts: bool,
    /// By class, the nodes of a group in a zone: whether they are possible at all, and what their labels add to a score.
    possible: Vec<bool>,
    preference: Vec<i64>,
    /// By group: whether its nodes are possible in every zone.
    groups: Vec<bool>,
    /// Active pods of the Deployment in each zone.
    in_zone: Vec<u32>,
    /// Active pods of the Deployment on each node, and the least of each block.
    on_host: Vec<u16>,
    on_host_least: Vec<u16>,
    /// The most pods of the Deployment that a host ever had.
    on_host_most: u16,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The node, if there is one with room.
    pub node: Option<NodeId>,
    /// Nodes that were looked at.
    pub filtered: u32,
    /// Nodes with room, which were scored.
    pub scored: u32,
}

/// Room and needs.
#[derive(Clone, Debug)]
pub struct Placement {
    rooms: Vec<Room>,
    blocks: Vec<Block>,
    needs: Vec<Need>,
    /// Node objects in each zone, by group: the zones that a spread counts.
    nodes_in: Vec<u32>,
    /// What an empty node of each group has.
    capacity: Vec<Amounts>,
    zones: usize,
    next: usize,
    /// Percentage of the nodes to score; 0 adapts it.
    percent: usize,
    taken: u64,
    freed: u64,
    /// By node: pods that claim a volume, and the most of them; empty where none does.
    volumes_on: Vec<u16>,
    volumes_most: u16,
    /// What each class adds to a score, if its nodes are possible now; kept so that searches allocate nothing.
    class_score: Vec<Option<i64>>,
}

impl Placement {
    /// A cluster without nodes.
    pub fn new(plan: &Plan) -> Self {
        let zones = plan.cluster.zones.len();
        let terms = rules::terms(plan).into_iter();
        let of_deployments = plan.deployments.iter().enumerate().zip(terms).map(|((index, deployment), terms)| {
            let placing = &deployment.control.placing;
            let wishes = Wishes {
                selector: &deployment.node_selector,
                tolerations: &deployment.tolerations,
                required: &placing.node_affinity,
                preferred: &placing.preferred_nodes,
            };
            Need {
                counts: !plan.is_bare(index) && deployment.control.job.is_none(),
                zone_skew: placing.zone_skew.or(deployment.spread_zones.then_some(1)),
                host_skew: placing.host_skew,
                gpus: placing.gpus as i32,
                claims_volume: deployment.control.volume_gib.is_some(),
                terms,
                ..Need::of(plan, deployment.requests, &wishes)
            }
        });
        let of_daemon_sets = plan.cluster.daemon_sets.iter().map(|set| {
            let (selector, tolerations) = (&set.node_selector, &set.tolerations[..]);
            Need::of(plan, set.requests, &Wishes { selector, tolerations, required: &[], preferred: &[] })
        });
        let needs = of_deployments.chain(of_daemon_sets).collect();
        let percent = plan.parameters.scheduler.percentage_of_nodes_to_score as usize;
        let volumes_most = u16::try_from(plan.parameters.volumes.per_node).unwrap_or(u16::MAX);
        Placement { percent, volumes_most, ..Placement::of(needs, zones, plan.cluster.classes()) }
    }

    fn of(needs: Vec<Need>, zones: usize, groups: usize) -> Self {
        let (rooms, blocks, nodes_in, class_score) = (Vec::new(), Vec::new(), vec![0; zones * groups], Vec::new());
        let capacity = vec![[0; 4]; groups];
        Placement {
            rooms,
            blocks,
            needs,
            nodes_in,
            capacity,
            zones,
            next: 0,
            percent: 0,
            taken: 0,
            freed: 0,
            volumes_on: Vec::new(),
            volumes_most: u16::MAX,
            class_score,
        }
    }

    /// A node that may come to be used one day; their ids come in order.
    pub fn add(&mut self, zone: ZoneId, id: GroupId, group: &NodeGroup) {
        self.add_room(zone, id, group.allocatable, group.gpus, group.max_pods);
    }

    fn add_room(&mut self, zone: ZoneId, id: GroupId, allocatable: Resources, gpus: u32, pods: u32) {
        let per_unit = |allocatable: u64| HUNDRED / 2 / signed(allocatable.max(1));
        let Resources { milli_cpu, memory_mib } = allocatable;
        self.capacity[id.index()] = [signed(milli_cpu), signed(memory_mib), i64::from(gpus), i64::from(pods)];
        self.rooms.push(Room {
            milli_cpu: signed(milli_cpu),
            memory_mib: signed(memory_mib),
            gpus: gpus as i32,
            pods: i32::try_from(pods).unwrap_or(i32::MAX),
            exists: false,
            class: id.0 * self.zones as u16 + u16::from(zone.0),
            zone: zone.0,
            group: id.0,
            is_open: false,
            per_milli_cpu: per_unit(milli_cpu),
            per_mib: per_unit(memory_mib),
        });
        let blocks = self.rooms.len().div_ceil(BLOCK);
        self.blocks.resize(blocks, Block::STALE);
        self.blocks[blocks - 1].is_stale = true;
        for need in &mut self.needs {
            if !need.counts {
                continue;
            }
            need.on_host.push(0);
            need.on_host_least.resize(blocks, 0);
            need.on_host_least[blocks - 1] = 0;
        }
    }

    /// The Node object came (`true`) or went.
    pub fn exists(&mut self, node: NodeId, exists: bool) {
        let room = &mut self.rooms[node.index()];
        room.exists = exists;
        let nodes = &mut self.nodes_in[usize::from(room.group) * self.zones + usize::from(room.zone)];
        *nodes = if exists { *nodes + 1 } else { *nodes - 1 };
    }

    /// The scheduler may use the node, or not. Whether that is new.
    pub fn set_open(&mut self, node: NodeId, is_open: bool) -> bool {
        self.blocks[node.index() / BLOCK].is_stale = true;
        std::mem::replace(&mut self.rooms[node.index()].is_open, is_open) != is_open
    }

    /// Whether the scheduler may use the node.
    pub fn is_open(&self, node: NodeId) -> bool {
        self.rooms[node.index()].is_open
    }

    /// Nodes that there ever were.
    pub fn nodes(&self) -> usize {
        self.rooms.len()
    }

    /// A pod takes room on a node, and counts for the spread of its Deployment.
    pub fn take(&mut self, deployment: DeploymentId, node: NodeId) {
        self.taken += 1;
        self.fill(deployment, node, 1);
        let zone = usize::from(self.rooms[node.index()].zone);
        self.needs[deployment.index()].count(node.index(), zone);
    }

    /// A pod is Terminating: it still takes room, and no longer counts for the spread.
    pub fn uncount(&mut self, deployment: DeploymentId, node: NodeId) {
        let zone = usize::from(self.rooms[node.index()].zone);
        self.needs[deployment.index()].uncount(node.index(), zone);
    }

    /// A pod that no longer counted is gone: its room is free.
    pub fn free(&mut self, deployment: DeploymentId, node: NodeId) {
        self.freed += 1;
        self.fill(deployment, node, -1);
    }

    /// So many more pods take room on a node.
    fn fill(&mut self, deployment: DeploymentId, node: NodeId, pods: i32) {
        let need = &self.needs[deployment.index()];
        let room = &mut self.rooms[node.index()];
        room.milli_cpu -= need.milli_cpu * i64::from(pods);
        room.memory_mib -= need.memory_mib * i64::from(pods);
        room.gpus -= need.gpus * pods;
        room.pods -= pods;
        self.blocks[node.index() / BLOCK].is_stale = true;
        if need.claims_volume {
            let nodes = self.rooms.len();
            self.volumes_on.resize(nodes, 0);
            let volumes = &mut self.volumes_on[node.index()];
            *volumes = volumes.saturating_add_signed(pods as i16);
        }
    }

    /// Room on a node is kept for a nominated pod (`1`), or no more (`-1`).
    pub fn keep(&mut self, workload: DeploymentId, node: NodeId, times: i32) {
        self.fill(workload, node, times);
    }

    /// Whether a pod may go to a node now: it is open, of a group that is possible, and has room.
    pub fn is_fit(&self, workload: DeploymentId, node: NodeId) -> bool {
        let (room, need) = (&self.rooms[node.index()], &self.needs[workload.index()]);
        room.fits(need)
            && need.possible[self.class_of(room)]
            && self.takes_volume(need, node.index())
            && self.neighbours_allow(need, node.index())
    }

    /// What a pod takes.
    pub fn needs_of(&self, workload: DeploymentId) -> Amounts {
        let need = &self.needs[workload.index()];
        [need.milli_cpu, need.memory_mib, i64::from(need.gpus), 1]
    }

    /// What is free on a node.
    pub fn free_on(&self, node: NodeId) -> Amounts {
        let room = &self.rooms[node.index()];
        room.free()
    }

    /// What a node has when it is empty.
    pub fn capacity_of(&self, node: NodeId) -> Amounts {
        self.capacity[usize::from(self.rooms[node.index()].group)]
    }

    /// Places on nodes that were taken, became free, and are held: by pods that are bound, or are to be.
    pub fn balance(&self, pods: &Pods) -> Balance {
        let holds = |pod: &&Pod| pod.node.is_some() && !matches!(pod.object(), Object::Gone | Object::Finished);
        let inside = pods.iter().filter(holds).count() as u64;
        let (station, arrived, left) = ("places on nodes".to_owned(), self.taken, self.freed);
        Balance { station, arrived, left, refused: 0, lost: 0, inside }
    }

    /// Whether pods may run on a node as far as its group goes: its labels and its taints.
    pub fn is_possible(&self, workload: DeploymentId, node: NodeId) -> bool {
        self.needs[workload.index()].possible[self.class_of(&self.rooms[node.index()])]
    }

    fn class_of(&self, room: &Room) -> usize {
        usize::from(room.class)
    }

    /// Whether a pod that can go to no other node has room on its own, though that may be closed to others.
    pub fn search_on(&self, workload: DeploymentId, node: NodeId) -> Found {
        let has_room = self.rooms[node.index()].has_room(&self.needs[workload.index()]);
        Found { node: has_room.then_some(node), filtered: 1, scored: 0 }
    }

    /// The node for the next pod of a Deployment, if it fits anywhere. Takes no room yet.
    pub fn search(&mut self, deployment: DeploymentId) -> Found {
        self.search_in(deployment, None)
    }

    /// The same for a pod that its volume binds to a zone.
    pub fn search_in(&mut self, deployment: DeploymentId, pinned: Option<ZoneId>) -> Found {
        self.score_classes(deployment);
        if let Some(pinned) = pinned {
            let elsewhere = (0..).zip(&mut self.class_score).filter(|(class, _)| class % self.zones != pinned.index());
            elsewhere.for_each(|(_, score)| *score = None);
        }
        let best_class = self.class_score.iter().flatten().copied().max();
        let need = &self.needs[deployment.index()];
        let per_host_pod = HUNDRED / i64::from(need.on_host_most.max(1));
        let is_plain = need.is_plain();
        let fewest = self.fewest_on_a_host(need);
        let mut sample = Sample::new(feasible_wanted(self.rooms.len(), self.percent));
        let (start, count) = (self.next.min(self.rooms.len()), self.rooms.len());
        for (from, to) in [(start, count), (0, start)] {
            let mut at = from;
            while at < to && !sample.is_full() {
                let block = at / BLOCK;
                let end = ((block + 1) * BLOCK).min(to);
                if self.blocks[block].is_stale {
                    let first = block * BLOCK;
                    self.blocks[block] = Block::over(&self.rooms[first..(first + BLOCK).min(count)]);
                }
                let bounds = &self.blocks[block];
                let least_on_host = need.on_host_least.get(block).map_or(0, |&least| i64::from(least));
                let spread = best_class.unwrap_or(0) - per_host_pod * least_on_host;
                let all_fit = is_plain && bounds.all_fit(need) && sample.has_room_for(end - at);
                if best_class.is_none() || !bounds.may_fit(need) {
                    sample.passes(end - at, false);
                } else if all_fit && !sample.beats(bounds.bound(need) + spread) {
                    sample.passes(end - at, true);
                } else {
                    for index in at..end {
                        sample.sees(index, self.score_of(need, index, per_host_pod, fewest));
                        if sample.is_full() {
                            break;
                        }
                    }
                }
                at = end;
            }
        }
        self.next = if count == 0 { 0 } else { (start + sample.seen) % count };
        sample.found()
    }

    /// What may keep the pods of a Deployment from every node.
    pub fn keeps_away(&self, deployment: DeploymentId) -> Reasons {
        let always = Reasons::ROOM.and(Reasons::NODE);
        if self.needs[deployment.index()].is_plain() { always } else { always.and(Reasons::PODS) }
    }

    /// The score of a node, if the pods may run there.
    #[inline]
    fn score_of(&self, need: &Need, index: usize, per_host_pod: i64, fewest: u32) -> Option<i64> {
        let room = &self.rooms[index];
        let class = self.class_score[self.class_of(room)].filter(|_| room.fits(need))?;
        let on_host = need.on_host.get(index).map_or(0, |&pods| u32::from(pods));
        let mut score = room.score(need) + class - per_host_pod * i64::from(on_host);
        if need.is_plain() {
            return Some(score);
        }
        let is_skewed = need.host_skew.is_some_and(|skew| on_host + 1 > fewest + skew);
        if is_skewed || !self.takes_volume(need, index) || !self.neighbours_allow(need, index) {
            return None;
        }
        for term in need.terms.iter().filter(|term| term.topology == Topology::Host) {
            let other = &self.needs[term.to];
            let pods = other.on_host.get(index).map_or(0, |&pods| u32::from(pods));
            score += rules::preference(*term, pods, u32::from(other.on_host_most));
        }
        Some(score)
    }

    /// Whether a node takes one volume more, if the pods claim one.
    fn takes_volume(&self, need: &Need, index: usize) -> bool {
        !need.claims_volume || self.volumes_on.get(index).is_none_or(|volumes| *volumes < self.volumes_most)
    }

    /// Whether the pods on a node let one of the workload come, as far as required affinities on the node itself go.
    fn neighbours_allow(&self, need: &Need, index: usize) -> bool {
        let required = |term: &&PodTerm| term.topology == Topology::Host && term.weight.is_none();
        need.terms.iter().filter(required).all(|term| {
            let other = &self.needs[term.to];
            let pods = other.on_host.get(index).map_or(0, |&pods| u32::from(pods));
            if term.anti { pods == 0 } else { pods > 0 || self.is_first_of_its_own(need, other) }
        })
    }

    /// Whether an affinity is to the workload's own pods, of which there are none yet: then the first may go anywhere.
    fn is_first_of_its_own(&self, need: &Need, other: &Need) -> bool {
        std::ptr::eq(need, other) && need.in_zone.iter().all(|pods| *pods == 0)
    }

    /// The fewest pods of the workload on a node that counts for its spread over hosts.
    fn fewest_on_a_host(&self, need: &Need) -> u32 {
        if need.host_skew.is_none() {
            return 0;
        }
        let nodes = self.rooms.iter().zip(&need.on_host);
        let counts = nodes.filter(|(room, _)| room.exists && need.possible[self.class_of(room)]);
        counts.map(|(_, pods)| u32::from(*pods)).min().unwrap_or(0)
    }

    /// What a class adds to the score of its nodes; none where its labels, a spread or an affinity keep the pods away.
    fn score_classes(&mut self, deployment: DeploymentId) {
        let mut scores = std::mem::take(&mut self.class_score);
        scores.clear();
        let need = &self.needs[deployment.index()];
        let most = need.in_zone.iter().copied().max().unwrap_or(0).max(1);
        let counts = |zone: &usize| self.counts_for_spread(need, *zone);
        let least = (0..self.zones).filter(counts).map(|zone| need.in_zone[zone]).min().unwrap_or(0);
        scores.extend(need.possible.iter().enumerate().map(|(class, possible)| {
            let zone = class % self.zones;
            let pods = need.in_zone[zone];
            let is_skewed = need.zone_skew.is_some_and(|skew| pods + 1 > least + skew);
            let allowed = *possible && !is_skewed;
            let wishes = allowed.then(|| self.zone_wishes(need, zone)).flatten()?;
            Some(need.preference[class] + wishes - (HUNDRED / i64::from(most)) * i64::from(pods))
        }));
        self.class_score = scores;
    }

    /// What affinities between pods add to the score of a zone; none where a required one keeps the pods away.
    fn zone_wishes(&self, need: &Need, zone: usize) -> Option<i64> {
        let mut score = 0;
        for term in need.terms.iter().filter(|term| term.topology == Topology::Zone) {
            let other = &self.needs[term.to];
            let pods = other.in_zone[zone];
            let allowed = match (term.weight, term.anti) {
                (Some(_), _) => true,
                (None, true) => pods == 0,
                (None, false) => pods > 0 || self.is_first_of_its_own(need, other),
            };
            if !allowed {
                return None;
            }
            score += rules::preference(*term, pods, other.in_zone.iter().copied().max().unwrap_or(0));
        }
        Some(score)
    }

    /// Whether a zone has a Node that the pods could run on were it Ready: a dark zone counts until its Nodes go.
    fn counts_for_spread(&self, need: &Need, zone: usize) -> bool {
        let groups = self.nodes_in.len() / self.zones.max(1);
        let mut classes = (0..groups).map(|group| group * self.zones + zone);
        classes.any(|class| need.possible[class] && self.nodes_in[class] > 0)
    }
}

impl Need {
    /// What a pod with these requests and wishes needs, if it is not counted.
    fn of(plan: &Plan, requests: Resources, wishes: &Wishes<'_>) -> Self {
        let zones = plan.cluster.zones.len();
        let (mut possible, mut preference) = (wishes.possible(plan), wishes.preference(plan));
        // What runs on Fargate is not for this scheduler to place.
        possible.resize(plan.cluster.classes() * zones, false);
        preference.resize(plan.cluster.classes() * zones, 0);
        Need {
            counts: false,
            milli_cpu: signed(requests.milli_cpu),
            memory_mib: signed(requests.memory_mib),
            gpus: 0,
            zone_skew: None,
            host_skew: None,
            claims_volume: false,
            terms: Vec::new(),
            groups: possible.chunks(zones).map(|zones| zones.iter().all(|possible| *possible)).collect(),
            possible,
            preference,
            in_zone: vec![0; zones],
            on_host: Vec::new(),
            on_host_least: Vec::new(),
            on_host_most: 0,
        }
    }

    /// Whether pods elsewhere keep it from no node.
    #[inline]
    fn is_plain(&self) -> bool {
        self.zone_skew.is_none() && self.host_skew.is_none() && self.terms.is_empty() && !self.claims_volume
    }

    fn count(&mut self, node: usize, zone: usize) {
        if !self.counts {
            return;
        }
        self.in_zone[zone] += 1;
        let was = self.on_host[node];
        self.on_host[node] = was + 1;
        self.on_host_most = self.on_host_most.max(was + 1);
        let block = node / BLOCK;
        if was == self.on_host_least[block] {
            let end = ((block + 1) * BLOCK).min(self.on_host.len());
            self.on_host_least[block] = self.on_host[block * BLOCK..end].iter().copied().min().unwrap_or(0);
        }
    }

    fn uncount(&mut self, node: usize, zone: usize) {
        if !self.counts {
            return;
        }
        self.in_zone[zone] -= 1;
        self.on_host[node] -= 1;
        let least = &mut self.on_host_least[node / BLOCK];
        *least = (*least).min(self.on_host[node]);
    }
}

impl Block {
    const STALE: Block =
        Block { is_stale: true, whole: None, least: [0; 4], most: [i64::MIN; 4], score: 0, per_unit: [0; 2] };

    fn over(rooms: &[Room]) -> Block {
        let mut block = Block { is_stale: false, whole: rooms.first().map(|room| room.group), ..Block::STALE };
        block.least = [i64::MAX; 4];
        block.score = i64::MIN;
        block.per_unit = [i64::MAX; 2];
        for room in rooms {
            if !room.is_open || block.whole != Some(room.group) {
                block.whole = None;
            }
            if !room.is_open {
                continue;
            }
            for (kind, free) in room.free().into_iter().enumerate() {
                block.least[kind] = block.least[kind].min(free);
                block.most[kind] = block.most[kind].max(free);
            }
            let score = room
                .milli_cpu
                .saturating_mul(room.per_milli_cpu)
                .saturating_add(room.memory_mib.saturating_mul(room.per_mib));
            block.score = block.score.max(score);
            block.per_unit[0] = block.per_unit[0].min(room.per_milli_cpu);
            block.per_unit[1] = block.per_unit[1].min(room.per_mib);
        }
        block
    }

    /// Whether one of its nodes may have room.
    fn may_fit(&self, need: &Need) -> bool {
        self.most[0] >= need.milli_cpu
            && self.most[1] >= need.memory_mib
            && (need.gpus == 0 || self.most[2] >= i64::from(need.gpus))
            && self.most[3] > 0
    }

    /// Whether each of its nodes has room.
    fn all_fit(&self, need: &Need) -> bool {
        self.whole.is_some_and(|group| need.groups[usize::from(group)])
            && self.least[0] >= need.milli_cpu
            && self.least[1] >= need.memory_mib
            && (need.gpus == 0 || self.least[2] >= i64::from(need.gpus))
            && self.least[3] > 0
    }

    /// No node of it leaves more free, in points of score.
    fn bound(&self, need: &Need) -> i64 {
        self.score
            .saturating_sub(need.milli_cpu.saturating_mul(self.per_unit[0]))
            .saturating_sub(need.memory_mib.saturating_mul(self.per_unit[1]))
    }
}

impl Room {
    #[inline]
    fn fits(&self, need: &Need) -> bool {
        self.is_open && self.has_room(need)
    }

    #[inline]
    fn has_room(&self, need: &Need) -> bool {
        self.milli_cpu >= need.milli_cpu
            && self.memory_mib >= need.memory_mib
            && (need.gpus == 0 || self.gpus >= need.gpus)
            && self.pods > 0
    }

    fn free(&self) -> Amounts {
        [self.milli_cpu, self.memory_mib, i64::from(self.gpus), i64::from(self.pods)]
    }

    /// The share of CPU and memory that would stay free, 0 to 100 points.
    #[inline]
    fn score(&self, need: &Need) -> i64 {
        (self.milli_cpu - need.milli_cpu) * self.per_milli_cpu + (self.memory_mib - need.memory_mib) * self.per_mib
    }
}

/// The nodes that a search has seen, and the best of them.
struct Sample {
    wanted: usize,
    seen: usize,
    feasible: usize,
    best: Option<(i64, usize)>,
}

impl Sample {
    fn new(wanted: usize) -> Self {
        Sample { wanted, seen: 0, feasible: 0, best: None }
    }

    fn is_full(&self) -> bool {
        self.feasible >= self.wanted
    }

    fn has_room_for(&self, nodes: usize) -> bool {
        self.feasible + nodes <= self.wanted
    }

    /// Whether a node with this score would be better than all before.
    fn beats(&self, score: i64) -> bool {
        self.best.is_none_or(|(best, _)| score > best)
    }

    /// So many nodes have room, or none of them, and none is better than those before.
    fn passes(&mut self, nodes: usize, fit: bool) {
        self.seen += nodes;
        self.feasible += if fit { nodes } else { 0 };
    }

    /// The score of the next node; none if it has no room.
    fn sees(&mut self, index: usize, score: Option<i64>) {
        self.seen += 1;
        let Some(score) = score else { return };
        self.feasible += 1;
        if self.beats(score) {
            self.best = Some((score, index));
        }
    }

    fn found(&self) -> Found {
        let node = self.best.map(|(_, index)| NodeId(index as u32));
        Found { node, filtered: self.seen as u32, scored: self.feasible as u32 }
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX).min(1 << 40)
}

/// How many feasible nodes end a search: so many percent of the nodes, or for 0 percent 50 % of them less a 125th of
/// their number, in percent, and at least 5 %; at least 100 in any case (upstream's `numFeasibleNodesToFind`).
fn feasible_wanted(nodes: usize, percent: usize) -> usize {
    let adaptive = 50usize.saturating_sub(nodes / 125).max(5);
    let percent = if percent == 0 { adaptive } else { percent };
    (nodes * percent / 100).max(SCORED_AT_LEAST)
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
            gpus: 0,
            max_enis: 3,
            ipv4_per_eni: 10,
            min: 0,
            desired: 3,
            max: 9,
            subnets: vec![0, 1, 2],
            security_groups: vec![0],
            zones: (0..zones).map(ZoneId).collect(),
            labels: BTreeMap::from([("disk".to_owned(), "ssd".to_owned())]),
            taints: Vec::new(),
            spot: false,
            usd_per_hour: crate::quantity::Price::default(),
            volume_gib: None,
        }
    }

    fn need(milli_cpu: i64) -> Need {
        Need {
            milli_cpu,
            memory_mib: 100,
            gpus: 0,
            zone_skew: None,
            host_skew: None,
            claims_volume: false,
            terms: Vec::new(),
            counts: true,
            groups: vec![true],
            possible: vec![true; 3],
            preference: vec![0; 3],
            in_zone: vec![0; 3],
            on_host: Vec::new(),
            on_host_least: Vec::new(),
            on_host_most: 0,
        }
    }

    /// One node in each of three zones, with 1, 2 and 4 cores.
    fn cluster(needs: Vec<Need>) -> Placement {
        let mut placement = Placement::of(needs, 3, 1);
        for zone in 0..3 {
            placement.add(ZoneId(zone), GroupId(0), &group(3, (1_000 << zone) - 100));
            placement.exists(NodeId(u32::from(zone)), true);
            placement.set_open(NodeId(u32::from(zone)), true);
        }
        placement
    }

    const D: DeploymentId = DeploymentId(0);

    fn put(placement: &mut Placement) -> Option<NodeId> {
        placement.next = 0;
        let node = placement.search(D).node?;
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
        assert_eq!(count, 1 + 2 + 4, "of 900m, 1,900m and 3,900m");
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
        let mut placement = cluster(vec![Need { zone_skew: Some(1), ..need(100) }]);
        placement.set_open(NodeId(0), false);
        assert!(put(&mut placement).is_some() && put(&mut placement).is_some());
        assert_eq!(put(&mut placement), None, "one more would skew the spread against zone 0, which has none");
        placement.exists(NodeId(0), false);
        assert!(put(&mut placement).is_some());
    }

    #[test]
    fn large_clusters_are_searched_in_part() {
        assert_eq!([10, 100, 1_000, 5_000, 10_000].map(|nodes| feasible_wanted(nodes, 0)), [100, 100, 420, 500, 500]);
    }

    /// What a look at every sampled node would find.
    fn by_looking_at_all(placement: &mut Placement, deployment: DeploymentId) -> Found {
        placement.score_classes(deployment);
        let need = &placement.needs[deployment.index()];
        let fewest = placement.fewest_on_a_host(need);
        let per_host_pod = HUNDRED / i64::from(need.on_host_most.max(1));
        let mut sample = Sample::new(feasible_wanted(placement.rooms.len(), placement.percent));
        let count = placement.rooms.len();
        for index in (placement.next..count).chain(0..placement.next) {
            if sample.is_full() {
                break;
            }
            sample.sees(index, placement.score_of(need, index, per_host_pod, fewest));
        }
        sample.found()
    }

    #[test]
    fn blocks_find_what_a_look_at_every_sampled_node_finds() {
        let term = |to, topology, anti, weight| PodTerm { to, topology, anti, weight };
        let terms = vec![
            term(3, Topology::Host, true, None),
            term(0, Topology::Zone, false, None),
            term(0, Topology::Host, false, Some(50)),
        ];
        let graphics = Need { terms, gpus: 1, ..need(200) };
        let spread = Need { host_skew: Some(2), zone_skew: Some(3), ..need(100) };
        let needs = vec![need(300), Need { zone_skew: Some(1), ..need(500) }, need(1_900), graphics, spread];
        let mut placement = Placement::of(needs, 3, 2);
        for node in 0..700u32 {
            let cpu = if node % 7 == 0 { 8_000 } else { 2_000 };
            let id = GroupId(u16::from(node % 50 == 49));
            let gpus = u32::from(node % 5 == 0);
            placement.add(ZoneId((node % 3) as u8), id, &NodeGroup { gpus, ..group(3, cpu) });
            placement.exists(NodeId(node), true);
            placement.set_open(NodeId(node), true);
        }
        for need in &mut placement.needs {
            need.groups = vec![true, false];
            need.possible = vec![true, true, true, false, false, false];
            need.preference = vec![0; 6];
        }
        let mut draw = sim_kernel::RunKey::new(1, 0).draw(sim_kernel::Purpose::new("test/placement"), 0, 0);
        let (mut placed, mut nowhere) = (Vec::new(), 0);
        for _ in 0..20_000 {
            let deployment = DeploymentId(draw.below(5) as u32);
            match draw.below(10) {
                0 => drop(placement.set_open(NodeId(draw.below(700) as u32), draw.chance(0.9))),
                1..=3 if !placed.is_empty() => {
                    let (deployment, node) = placed.swap_remove(draw.below(placed.len() as u64) as usize);
                    placement.uncount(deployment, node);
                    placement.free(deployment, node);
                }
                _ => {
                    let expected = by_looking_at_all(&mut placement, deployment);
                    assert_eq!(placement.search(deployment), expected);
                    nowhere += u32::from(expected.node.is_none());
                    if let Some(node) = expected.node {
                        placement.take(deployment, node);
                        placed.push((deployment, node));
                    }
                }
            }
        }
        assert!(placed.len() > 1_000 && nowhere > 100, "{} placed, {nowhere} nowhere", placed.len());
    }
}
