//! A node group: the Auto Scaling group that launches instances, and keeps as many of them as are wanted in balance
//! over its zones.
//!
//! Left out: rebalancing after a zone has returned, launch templates, Spot interruptions, several instance types. A zone
//! has no capacity while it has no power, or while EC2 runs short of the group's instances there.

use crate::ids::GroupId;
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Balance;
use std::collections::VecDeque;

/// EC2 has no instances to launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The step of the plan that brought it.
    pub step: u32,
    /// Where; `None` is everywhere.
    pub zone: Option<ZoneId>,
    /// For which group; `None` is for all.
    pub group: Option<GroupId>,
    /// The fact that tells of it.
    pub cause: Cause,
}

impl Shortage {
    /// Whether it keeps a group from launching in a zone.
    pub fn holds(&self, group: GroupId, zone: ZoneId) -> bool {
        self.zone.is_none_or(|short| short == zone) && self.group.is_none_or(|short| short == group)
    }
}

/// Instances of a group in one zone.
#[derive(Clone, Copy, Debug)]
struct InZone {
    zone: ZoneId,
    /// Not terminated and not on their way out; dead ones that nobody has noticed included.
    staying: u32,
}

/// A node group.
#[derive(Clone, Debug)]
pub struct NodeGroup {
    /// The fact of its last scaling.
    pub story: Cause,
    min: u32,
    max: u32,
    wanted: u32,
    /// In the order of the group's subnets.
    zones: Vec<InZone>,
    /// Lost instances whose place has still to be taken, each with the fact of its loss.
    to_replace: VecDeque<Cause>,
    retries: bool,
    launches: u64,
    leavings: u64,
}

impl NodeGroup {
    /// A group with no instance yet.
    pub fn new(plan: &crate::plan::NodeGroup) -> Self {
        let zones = plan.zones.iter().map(|&zone| InZone { zone, staying: 0 }).collect();
        NodeGroup {
            min: plan.min,
            max: plan.max,
            wanted: plan.desired,
            zones,
            to_replace: VecDeque::new(),
            retries: false,
            story: None,
            launches: 0,
            leavings: 0,
        }
    }

    /// A group that does not exist yet: it wants no instance, whatever its bounds will be.
    pub fn unmade(plan: &crate::plan::NodeGroup) -> Self {
        NodeGroup { wanted: 0, ..Self::new(plan) }
    }

    /// The group is made, and wants its first instances.
    pub fn is_made(&mut self, desired: u32, story: Cause) {
        (self.wanted, self.story) = (desired, story);
    }

    /// The group is deleted with all its instances.
    pub fn is_unmade(&mut self) {
        self.wanted = 0;
    }

    /// For an update the group has more instances than it may have otherwise.
    pub fn surges(&mut self, more: u32, story: Cause) {
        (self.wanted, self.max, self.story) = (self.wanted + more, self.max + more, story);
    }

    /// The update gives one of them back.
    pub fn gives_one_back(&mut self, story: Cause) {
        (self.wanted, self.max, self.story) = (self.wanted - 1, self.max - 1, story);
    }

    /// Where an even spread puts the instance with that number.
    pub fn zone_of(&self, number: u32) -> ZoneId {
        self.zones[number as usize % self.zones.len()].zone
    }

    /// The fewest instances that may be wanted.
    pub fn min(&self) -> u32 {
        self.min
    }

    /// The most instances that may be wanted.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Instances that are wanted.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// Other instances are wanted, within the group's bounds.
    pub fn want(&mut self, wanted: u32) {
        self.wanted = wanted.clamp(self.min, self.max);
    }

    /// Instances that are neither terminated nor on their way out, dead ones that nobody has noticed included.
    pub fn has(&self) -> u32 {
        self.zones.iter().map(|zone| zone.staying).sum()
    }

    /// An instance was launched in a zone.
    pub fn launched(&mut self, zone: ZoneId) {
        self.launches += 1;
        *self.staying(zone) += 1;
    }

    /// An instance in a zone was terminated, or is on its way out.
    pub fn leaves(&mut self, zone: ZoneId) {
        self.leavings += 1;
        *self.staying(zone) -= 1;
    }

    /// An instance was lost, so that one of the next launches replaces it.
    pub fn lost_one(&mut self, cause: Cause) {
        self.to_replace.push_back(cause);
    }

    /// Whether the next launch replaces a lost instance, and the fact of that one's loss.
    pub fn replaces_one(&mut self) -> Option<Cause> {
        self.to_replace.pop_front()
    }

    /// Where the next instance is launched: the zone with the fewest instances among those with capacity, the first
    /// of the group's at a tie. `None` if none has capacity.
    pub fn zone_to_grow(&self, is_dark: impl Fn(ZoneId) -> bool) -> Option<ZoneId> {
        let with_capacity = self.zones.iter().filter(|entry| !is_dark(entry.zone));
        with_capacity.min_by_key(|entry| entry.staying).map(|entry| entry.zone)
    }

    /// Where an instance is terminated: the zone with the most, the first of the group's at a tie.
    pub fn zone_to_shrink(&self) -> ZoneId {
        let most = self.zones.iter().map(|entry| entry.staying).max();
        self.zones.iter().find(|entry| Some(entry.staying) == most).expect("a group has a zone").zone
    }

    /// A launch found no capacity: whether the group has to set its alarm, since it has not done so before.
    pub fn must_retry(&mut self) -> bool {
        !std::mem::replace(&mut self.retries, true)
    }

    /// The group looks again.
    pub fn looks(&mut self) {
        self.retries = false;
    }

    /// What came, left and stayed.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, inside) = (self.launches, self.leavings, u64::from(self.has()));
        Balance { station, arrived, left, refused: 0, lost: 0, inside }
    }

    fn staying(&mut self, zone: ZoneId) -> &mut u32 {
        let entry = self.zones.iter_mut().find(|entry| entry.zone == zone);
        &mut entry.expect("an instance is in a zone of its group").staying
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(counts: [u32; 3]) -> NodeGroup {
        let zones = (0..).zip(counts).map(|(zone, staying)| InZone { zone: ZoneId(zone), staying }).collect();
        let (wanted, to_replace) = (counts.iter().sum(), VecDeque::new());
        NodeGroup { story: None, min: 0, max: 9, wanted, zones, to_replace, retries: false, launches: 0, leavings: 0 }
    }

    #[test]
    fn it_grows_where_it_has_least_and_there_is_capacity() {
        assert_eq!(group([1, 2, 2]).zone_to_grow(|_| false), Some(ZoneId(0)));
        assert_eq!(group([1, 2, 2]).zone_to_grow(|zone| zone == ZoneId(0)), Some(ZoneId(1)));
        assert_eq!(group([1, 2, 2]).zone_to_grow(|_| true), None);
    }

    #[test]
    fn it_shrinks_where_it_has_most_and_keeps_its_bounds() {
        assert_eq!(group([1, 3, 3]).zone_to_shrink(), ZoneId(1));
        let mut bounded = group([1, 1, 1]);
        bounded.want(20);
        assert_eq!(bounded.wanted(), 9);
    }

    #[test]
    fn each_lost_instance_is_replaced_once() {
        let mut group = group([1, 1, 1]);
        group.lost_one(None);
        assert_eq!([group.replaces_one(), group.replaces_one()], [Some(None), None]);
    }
}
