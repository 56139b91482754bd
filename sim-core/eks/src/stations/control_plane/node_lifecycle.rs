//! The node lifecycle controller: whose heartbeats are too old, how disrupted each zone is, and which node is tainted
//! next.
//!
//! It looks every `monitor_period`. A heartbeat counts from the look that first sees it, so a node expires at a look,
//! the grace period after the one that saw its last heartbeat. What a look costs grows with what has changed, not
//! with the nodes: heartbeats form a list in the order of their arrival, and a look goes over its front only; the look
//! that first saw a heartbeat is computed when somebody asks.
//!
//! Zone states, rates, the swap of limiters and the two passes over full disruption follow
//! `kubernetes/kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go`, `handleDisruption`. A look lasts
//! until its requests are answered, and the next begins a period later. Left out: nodes excluded from disruption checks;
//! zones are judged at the beginning of a look instead of its end.

use super::zone_taints::ZoneTaints;
use crate::ids::NodeId;
use crate::parameters::NodeLifecycleParameters;
use crate::plan::ZoneId;
use crate::record::Balance;
use crate::stations::compute::node::Ready;
use sim_kernel::{SimDuration, SimTime};

/// How disrupted a zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    /// Too few nodes are NotReady to matter.
    Normal,
    /// A large share is NotReady.
    Partial,
    /// No node is Ready.
    Full,
}

impl ZoneState {
    /// The state of a zone by its nodes: upstream's `ComputeZoneState`.
    pub fn of(ready: u32, not_ready: u32, threshold: f64) -> Self {
        let share = f64::from(not_ready) / f64::from(ready + not_ready).max(1.0);
        match (ready, not_ready) {
            (0, 1..) => ZoneState::Full,
            (_, 3..) if share >= threshold => ZoneState::Partial,
            _ => ZoneState::Normal,
        }
    }

    /// What reports call it.
    pub fn name(self) -> &'static str {
        match self {
            ZoneState::Normal => "normal",
            ZoneState::Partial => "partly disrupted",
            ZoneState::Full => "fully disrupted",
        }
    }
}

/// What one look found. The caller keeps it, and empties it after each look.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Nodes whose Ready condition has to become Unknown.
    pub expired: Vec<NodeId>,
    /// Nodes that are Ready again, or that full disruption of all zones spares: their taints have to go.
    pub reachable: Vec<NodeId>,
    /// Zones whose state changed: before and after.
    pub zones: Vec<(ZoneId, ZoneState, ZoneState)>,
    /// Evictions stopped in all zones (`true`) or may go on (`false`).
    pub all_dark: Option<bool>,
}

const NONE: u32 = u32::MAX;

/// What the controller knows of a node.
#[derive(Clone, Copy, Debug)]
struct Health {
    /// When its last heartbeat was in etcd: the order of the list.
    beat: SimTime,
    /// When that was first to be seen by the controller.
    seen: SimTime,
    before: u32,
    after: u32,
    beats: u32,
    zone: ZoneId,
    is_listed: bool,
    /// It has reported its status, so that the usual grace period holds.
    has_reported: bool,
    is_changed: bool,
    /// The API's Ready condition; `None` without a Node object.
    ready: Option<Ready>,
    /// What the zone's count holds it for.
    counted: Option<Ready>,
}

#[derive(Clone, Copy, Debug)]
struct ZoneHealth {
    ready: u32,
    not_ready: u32,
    state: ZoneState,
}

/// The node lifecycle controller.
#[derive(Clone, Debug)]
pub struct NodeLifecycle {
    period: SimDuration,
    grace: SimDuration,
    startup_grace: SimDuration,
    threshold: f64,
    rate: f64,
    secondary_rate: f64,
    large_zone: u64,
    poll: SimDuration,
    /// The looks so far: rows of looks a period apart, the first and the last of each row.
    looks: Vec<(SimTime, SimTime)>,
    /// Whether a look has requests under way.
    is_looking: bool,
    /// What a look could not carry out: the next one does.
    unfinished: Vec<u32>,
    first_poll: SimTime,
    /// No heartbeat counts from before this: the leader's first look, or the end of a disruption of all zones.
    floor: SimTime,
    nodes: Vec<Health>,
    oldest: u32,
    newest: u32,
    changed: Vec<NodeId>,
    zones: Vec<ZoneHealth>,
    taints: Vec<ZoneTaints>,
    is_all_dark: bool,
}

impl NodeLifecycle {
    /// A controller that knows no node yet.
    pub fn new(parameters: &NodeLifecycleParameters, zones: usize) -> Self {
        let zone = ZoneHealth { ready: 0, not_ready: 0, state: ZoneState::Normal };
        NodeLifecycle {
            period: parameters.monitor_period,
            grace: parameters.grace_period,
            startup_grace: parameters.startup_grace_period,
            threshold: parameters.unhealthy_zone_threshold,
            rate: parameters.eviction_rate,
            secondary_rate: parameters.secondary_eviction_rate,
            large_zone: parameters.large_zone_nodes,
            poll: parameters.eviction_poll,
            looks: vec![(SimTime::ZERO, SimTime::ZERO)],
            is_looking: false,
            unfinished: Vec::new(),
            first_poll: SimTime::ZERO,
            floor: SimTime::ZERO,
            nodes: Vec::new(),
            oldest: NONE,
            newest: NONE,
            changed: Vec::new(),
            zones: vec![zone; zones],
            taints: vec![ZoneTaints::new(parameters.eviction_rate); zones],
            is_all_dark: false,
        }
    }

    /// A node that may register one day; their ids come in order.
    pub fn add(&mut self, zone: ZoneId) {
        self.nodes.push(Health {
            beat: SimTime::ZERO,
            seen: SimTime::ZERO,
            before: NONE,
            after: NONE,
            beats: 0,
            zone,
            is_listed: false,
            has_reported: false,
            is_changed: false,
            ready: None,
            counted: None,
        });
    }

    /// A new leader begins: it has no memory, will first look at nodes at `first_look`, and at the queues of nodes to
    /// taint at `first_poll`.
    pub fn begins(&mut self, first_look: SimTime, first_poll: SimTime) {
        self.looks.clear();
        self.looks.push((first_look, first_look));
        self.is_looking = false;
        self.unfinished.clear();
        self.first_poll = first_poll;
        self.floor = first_look;
        self.is_all_dark = false;
        self.changed.clear();
        for zone in &mut self.zones {
            *zone = ZoneHealth { ready: 0, not_ready: 0, state: ZoneState::Normal };
        }
        for taints in &mut self.taints {
            taints.begins(self.rate);
        }
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            node.counted = None;
            node.is_changed = node.ready.is_some();
            let must_list = !node.is_listed && matches!(node.ready, Some(Ready::True | Ready::False));
            if self.nodes[index].is_changed {
                self.changed.push(NodeId(index as u32));
            }
            if must_list {
                self.list_oldest(index as u32);
            }
        }
    }

    /// The number of a node's next heartbeat, for its draws.
    #[inline]
    pub fn next_beat(&mut self, node: NodeId) -> u64 {
        let beats = &mut self.nodes[node.index()].beats;
        *beats += 1;
        u64::from(*beats)
    }

    /// A heartbeat of a node is in etcd, and will be seen at `seen`.
    #[inline]
    pub fn heartbeat(&mut self, node: NodeId, beat: SimTime, seen: SimTime) {
        let index = node.0;
        let health = &mut self.nodes[node.index()];
        health.beat = beat;
        health.seen = seen;
        if health.is_listed && self.newest != index {
            self.unlink(index);
            self.list_newest(index);
        }
    }

    /// Whether heartbeats of a node are awaited.
    pub fn is_listed(&self, node: NodeId) -> bool {
        self.nodes[node.index()].is_listed
    }

    /// The API's Ready condition of a node has changed, or its object has come or gone (`None`).
    pub fn condition(&mut self, node: NodeId, ready: Option<Ready>) {
        let health = &mut self.nodes[node.index()];
        health.ready = ready;
        health.has_reported |= ready == Some(Ready::True);
        if !std::mem::replace(&mut health.is_changed, true) {
            self.changed.push(node);
        }
        let is_watched = matches!(ready, Some(Ready::True | Ready::False));
        match (is_watched, self.nodes[node.index()].is_listed) {
            (true, false) => self.list_newest(node.0),
            (false, true) => self.unlist(node.0),
            _ => {}
        }
    }

    /// The requests of a look have ended: when the next one is due; `None` if no look is under way.
    pub fn look_ends(&mut self, now: SimTime) -> Option<SimTime> {
        std::mem::take(&mut self.is_looking).then(|| now + self.period)
    }

    /// A look could not carry something out: it is left to the next one.
    pub fn is_unfinished(&mut self, key: u32) {
        self.unfinished.push(key);
    }

    /// Whether a node that a look found is to be given up still, now that a worker takes it. If its heartbeat has been
    /// seen since, it is watched again.
    pub fn is_given_up(&mut self, node: NodeId, now: SimTime) -> bool {
        let (_, look) = self.looks.last().expect("a row of looks begins with the leader");
        let health = self.nodes[node.index()];
        let is_back = health.seen > *look && health.seen <= now;
        if is_back {
            self.condition(node, health.ready);
        }
        !is_back
    }

    /// What earlier looks left to this one.
    pub fn take_unfinished(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unfinished)
    }

    /// One look at all nodes begins.
    pub fn look(&mut self, now: SimTime, look: &mut Look) {
        self.is_looking = true;
        let (first, last) = self.looks.last_mut().expect("a row of looks begins with the leader");
        if on_grid(*first, self.period, now) == now {
            *last = now;
        } else {
            self.looks.push((now, now)); // The one before took its time.
        }
        self.take_changes(look);
        self.expire(now, look);
        self.handle_disruption(now, look);
    }

    /// Nodes to taint now, one zone after another. Whoever taints them says so if that fails: [`NodeLifecycle::repeat`].
    pub fn taint(&mut self, now: SimTime, nodes: &mut Vec<NodeId>) {
        for zone in &mut self.taints {
            while let Some(node) = zone.next(now) {
                // A token is spent on a node that is gone or Ready by now, as upstream has it.
                if matches!(self.nodes[node.index()].ready, Some(Ready::Unknown | Ready::False)) {
                    nodes.push(node);
                }
            }
        }
    }

    /// When the queues of nodes to taint have to be looked at next; `None` while nothing can come of it.
    pub fn next_taint(&self, now: SimTime) -> Option<SimTime> {
        let due = self.taints.iter().filter_map(|zone| zone.due(now)).min()?;
        Some(on_grid(self.first_poll, self.poll, due))
    }

    /// The taint of a node failed: it is queued once more.
    pub fn repeat(&mut self, node: NodeId) {
        let health = self.nodes[node.index()];
        if matches!(health.ready, Some(Ready::Unknown | Ready::False)) {
            self.taints[health.zone.index()].repeat(node);
        }
    }

    /// The state of a zone, as of the last look.
    pub fn zone_state(&self, zone: ZoneId) -> ZoneState {
        self.zones[zone.index()].state
    }

    /// The books of the queue of a zone's nodes to taint.
    pub fn taint_balance(&self, zone: ZoneId, station: String) -> Balance {
        self.taints[zone.index()].balance(station)
    }

    fn take_changes(&mut self, look: &mut Look) {
        // In the order of the nodes: what etcd commits in one batch has no order among itself.
        self.changed.sort_unstable();
        for node in std::mem::take(&mut self.changed) {
            let health = &mut self.nodes[node.index()];
            health.is_changed = false;
            let (zone, ready, counted) = (health.zone, health.ready, health.counted);
            self.count(node, ready);
            match ready {
                Some(Ready::Unknown | Ready::False) => self.taints[zone.index()].add(node),
                Some(Ready::True) if counted != Some(Ready::True) => {
                    self.taints[zone.index()].remove(node);
                    look.reachable.push(node);
                }
                _ => {}
            }
        }
    }

    fn expire(&mut self, now: SimTime, look: &mut Look) {
        let mut index = self.oldest;
        while index != NONE {
            let health = self.nodes[index as usize];
            if health.beat + self.grace > now {
                break;
            }
            if self.counts_from(health.seen) + self.grace_of(&health) <= now {
                self.unlist(index);
                self.count(NodeId(index), Some(Ready::Unknown));
                look.expired.push(NodeId(index));
            }
            index = health.after;
        }
        look.expired.sort_unstable();
    }

    /// The look from which a heartbeat counts: the first one at which it was to be seen.
    fn counts_from(&self, seen: SimTime) -> SimTime {
        self.look_that_sees(seen).max(self.floor)
    }

    /// The first look at or after a moment.
    fn look_that_sees(&self, seen: SimTime) -> SimTime {
        let row = self.looks.partition_point(|(first, _)| *first <= seen).saturating_sub(1);
        let (first, last) = self.looks[row];
        let look = on_grid(first, self.period, seen);
        self.looks.get(row + 1).map_or(look, |(next, _)| if look > last { *next } else { look })
    }

    fn grace_of(&self, health: &Health) -> SimDuration {
        if health.has_reported { self.grace } else { self.grace.max(self.startup_grace) }
    }

    fn count(&mut self, node: NodeId, ready: Option<Ready>) {
        let health = &mut self.nodes[node.index()];
        let zone = &mut self.zones[health.zone.index()];
        match health.counted {
            None => {}
            Some(Ready::True) => zone.ready -= 1,
            Some(_) => zone.not_ready -= 1,
        }
        match ready {
            None => {}
            Some(Ready::True) => zone.ready += 1,
            Some(_) => zone.not_ready += 1,
        }
        health.counted = ready;
    }

    fn handle_disruption(&mut self, now: SimTime, look: &mut Look) {
        let mut all_dark = true;
        for zone in &self.zones {
            let is_empty = zone.ready + zone.not_ready == 0;
            all_dark &= is_empty || ZoneState::of(zone.ready, zone.not_ready, self.threshold) == ZoneState::Full;
        }
        let was_all_dark = std::mem::replace(&mut self.is_all_dark, all_dark);
        match (was_all_dark, all_dark) {
            (true, true) => {}
            (false, true) => self.stop_evictions(look),
            (true, false) => self.resume_evictions(now, look),
            (false, false) => self.follow_zones(false, now, look),
        }
    }

    /// All zones are dark, so the controller doubts itself: no node is tainted any more, and taints go.
    fn stop_evictions(&mut self, look: &mut Look) {
        look.all_dark = Some(true);
        for index in 0..self.nodes.len() as u32 {
            let health = &mut self.nodes[index as usize];
            if health.ready.is_none() {
                continue;
            }
            look.reachable.push(NodeId(index));
            // The next look finds it so still, and queues it again, behind a limiter that lets nobody pass.
            let is_queued = health.ready != Some(Ready::True);
            if is_queued && !std::mem::replace(&mut health.is_changed, true) {
                self.changed.push(NodeId(index));
            }
        }
        for (index, zone) in self.zones.iter_mut().enumerate() {
            self.taints[index].clear();
            self.taints[index].swap(SimTime::ZERO, 0.0);
            if zone.ready + zone.not_ready > 0 && zone.state != ZoneState::Full {
                look.zones.push((ZoneId(index as u8), zone.state, ZoneState::Full));
                zone.state = ZoneState::Full;
            }
        }
    }

    /// Some zone lives after all: every clock starts again from now.
    fn resume_evictions(&mut self, now: SimTime, look: &mut Look) {
        look.all_dark = Some(false);
        self.floor = now;
        self.follow_zones(true, now, look);
    }

    fn follow_zones(&mut self, always: bool, now: SimTime, look: &mut Look) {
        for index in 0..self.zones.len() {
            let ZoneHealth { ready, not_ready, state } = self.zones[index];
            let new = ZoneState::of(ready, not_ready, self.threshold);
            if new == state && !always {
                continue;
            }
            self.zones[index].state = new;
            let rate = self.rate_of(new, ready + not_ready);
            self.taints[index].swap(now, rate);
            if new != state {
                look.zones.push((ZoneId(index as u8), state, new));
            }
        }
    }

    fn rate_of(&self, state: ZoneState, nodes: u32) -> f64 {
        match state {
            ZoneState::Partial if u64::from(nodes) > self.large_zone => self.secondary_rate,
            ZoneState::Partial => 0.0,
            ZoneState::Normal | ZoneState::Full => self.rate,
        }
    }

    fn list_newest(&mut self, index: u32) {
        let last = self.newest;
        let health = &mut self.nodes[index as usize];
        (health.before, health.after, health.is_listed) = (last, NONE, true);
        self.newest = index;
        match last {
            NONE => self.oldest = index,
            _ => self.nodes[last as usize].after = index,
        }
    }

    fn list_oldest(&mut self, index: u32) {
        let first = self.oldest;
        let health = &mut self.nodes[index as usize];
        (health.before, health.after, health.is_listed) = (NONE, first, true);
        self.oldest = index;
        match first {
            NONE => self.newest = index,
            _ => self.nodes[first as usize].before = index,
        }
    }

    fn unlist(&mut self, index: u32) {
        self.unlink(index);
        self.nodes[index as usize].is_listed = false;
    }

    #[inline]
    fn unlink(&mut self, index: u32) {
        let Health { before, after, .. } = self.nodes[index as usize];
        match before {
            NONE => self.oldest = after,
            _ => self.nodes[before as usize].after = after,
        }
        match after {
            NONE => self.newest = before,
            _ => self.nodes[after as usize].before = before,
        }
    }
}

/// The first point at or after `at` of the grid through `origin` with that `period`; `origin` if `at` lies before it.
fn on_grid(origin: SimTime, period: SimDuration, at: SimTime) -> SimTime {
    let steps = at.saturating_since(origin).as_nanos().div_ceil(period.as_nanos());
    origin + period * steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    fn controller(nodes: &[(u8, u32)]) -> NodeLifecycle {
        let mut controller = NodeLifecycle::new(&Parameters::default().node_lifecycle, nodes.len());
        for &(zone, count) in nodes {
            for _ in 0..count {
                controller.add(ZoneId(zone));
                controller.condition(NodeId(controller.nodes.len() as u32 - 1), Some(Ready::True));
            }
        }
        controller.begins(at(2_000), at(2_000));
        controller.look(at(2_000), &mut Look::default());
        controller
    }

    fn look_at(controller: &mut NodeLifecycle, now: SimTime) -> Look {
        let mut look = Look::default();
        controller.look(now, &mut look);
        look
    }

    #[test]
    fn the_state_of_a_zone_is_upstreams() {
        let state = |ready, not_ready| ZoneState::of(ready, not_ready, 0.55);
        assert_eq!(state(0, 0), ZoneState::Normal);
        assert_eq!(state(0, 1), ZoneState::Full);
        assert_eq!(state(1, 2), ZoneState::Normal, "two are too few");
        assert_eq!(state(2, 3), ZoneState::Partial);
        assert_eq!(state(46, 54), ZoneState::Normal);
        assert_eq!(state(45, 55), ZoneState::Partial);
    }

    #[test]
    fn a_heartbeat_counts_from_the_look_that_first_sees_it() {
        let mut controller = controller(&[(0, 2)]);
        controller.heartbeat(NodeId(0), at(11_950), at(11_990));
        controller.heartbeat(NodeId(1), at(11_980), at(12_010));
        assert!(look_at(&mut controller, at(57_000)).expired.is_empty());
        assert_eq!(look_at(&mut controller, at(62_000)).expired, [NodeId(0)], "seen at 12 s, 50 s ago");
        assert_eq!(look_at(&mut controller, at(67_000)).expired, [NodeId(1)], "seen at 17 s");
    }

    /// A look that waits for its requests delays the next: what comes meanwhile counts from that one.
    #[test]
    fn a_look_that_takes_time_delays_what_the_next_one_sees() {
        let mut controller = controller(&[(0, 2), (1, 1)]);
        controller.heartbeat(NodeId(1), at(6_500), at(6_500));
        controller.heartbeat(NodeId(2), at(40_000), at(40_000));
        look_at(&mut controller, at(7_000));
        look_at(&mut controller, at(33_000));
        assert_eq!(look_at(&mut controller, at(58_000)).expired, [NodeId(0), NodeId(1)]);
        let mut late = controller.clone();
        assert_eq!(controller.look_that_sees(at(6_900)), at(7_000));
        assert_eq!(controller.look_that_sees(at(7_100)), at(33_000));
        assert_eq!(late.look_ends(at(60_000)), Some(at(65_000)));
        assert_eq!(late.look_ends(at(60_000)), None);
    }

    #[test]
    fn a_node_that_says_that_it_is_not_ready_is_queued_too() {
        let mut controller = controller(&[(0, 1), (1, 1)]);
        controller.condition(NodeId(0), Some(Ready::False));
        look_at(&mut controller, at(7_000));
        let mut nodes = Vec::new();
        controller.taint(at(7_000), &mut nodes);
        assert_eq!(nodes, [NodeId(0)]);
    }

    #[test]
    fn a_node_that_is_unknown_in_the_api_is_tainted_after_the_next_look() {
        let mut controller = controller(&[(0, 1), (1, 1)]);
        controller.heartbeat(NodeId(1), at(50_000), at(50_000));
        assert_eq!(look_at(&mut controller, at(52_000)).expired, [NodeId(0)]);
        controller.condition(NodeId(0), Some(Ready::Unknown));
        assert_eq!(controller.next_taint(at(52_100)), None, "not queued before the next look");
        look_at(&mut controller, at(57_000));
        assert_eq!(controller.next_taint(at(57_000)), Some(at(57_000)));
        let mut nodes = Vec::new();
        controller.taint(at(57_000), &mut nodes);
        assert_eq!(nodes, [NodeId(0)]);
    }

    #[test]
    fn a_node_that_is_ready_again_leaves_the_queue() {
        let mut controller = controller(&[(0, 1), (1, 1)]);
        controller.condition(NodeId(0), Some(Ready::Unknown));
        look_at(&mut controller, at(57_000));
        controller.condition(NodeId(0), Some(Ready::True));
        assert_eq!(look_at(&mut controller, at(62_000)).reachable, [NodeId(0)]);
        assert_eq!(controller.next_taint(at(62_000)), None);
    }

    #[test]
    fn when_all_zones_are_dark_nobody_is_tainted_and_the_end_of_it_resets_every_clock() {
        let mut controller = controller(&[(0, 1), (1, 2)]);
        for node in 0..2 {
            controller.condition(NodeId(node), Some(Ready::Unknown));
        }
        controller.heartbeat(NodeId(2), at(3_000), at(3_000));
        let dark = look_at(&mut controller, at(57_000));
        assert_eq!((dark.all_dark, dark.expired), (Some(true), vec![NodeId(2)]));
        controller.condition(NodeId(2), Some(Ready::Unknown));
        look_at(&mut controller, at(62_000));
        assert_eq!(controller.next_taint(at(62_000)), None);

        controller.condition(NodeId(2), Some(Ready::True));
        controller.heartbeat(NodeId(2), at(61_000), at(61_000));
        assert_eq!(look_at(&mut controller, at(67_000)).all_dark, Some(false));
        let due = controller.next_taint(at(67_000)).expect("nodes 0 and 1 are still Unknown");
        assert_eq!(due, at(77_000), "the new limiter is drained, since the old one let nobody pass");
        assert!(look_at(&mut controller, at(112_000)).expired.is_empty(), "61 s, but its clock began at 67 s");
        assert_eq!(look_at(&mut controller, at(117_000)).expired, [NodeId(2)]);
    }

    #[test]
    fn a_new_leader_gives_every_node_the_whole_grace() {
        let mut controller = controller(&[(0, 2)]);
        controller.heartbeat(NodeId(1), at(30_000), at(30_000));
        assert_eq!(look_at(&mut controller, at(52_000)).expired, [NodeId(0)], "its NotReady never reached the API");
        controller.begins(at(60_000), at(60_000));
        for look in 12..22 {
            assert!(look_at(&mut controller, at(look * 5_000)).expired.is_empty());
        }
        assert_eq!(look_at(&mut controller, at(110_000)).expired, [NodeId(0), NodeId(1)]);
    }
}
