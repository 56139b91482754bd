//! The instances that run API servers: which of them serve, which come and go, and the rolling replacement under way.
//!
//! Modelled: launches, graceful departures, deaths that are repaired elsewhere, a rolling replacement that launches all
//! new instances and removes the old ones one by one, and its return when the new ones do not come up.

use crate::ids::ApiServerId;
use crate::probes::Cause;
use crate::quantity::Tier;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// What an instance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is launched and does not serve yet.
    Launching,
    /// It belongs to the control plane.
    Serving,
    /// It is stopping for good.
    Leaving,
    /// It is terminated, or given up.
    Gone,
}

/// What kind of instance it is, and what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The minor version of Kubernetes.
    pub minor: u32,
    /// The tier of the control plane.
    pub tier: Tier,
    /// How often a standard control plane has grown: 0 to [`Kind::STEPS`].
    pub step: u8,
}

impl Kind {
    /// The largest growth of a standard control plane.
    pub const STEPS: u8 = 2;
}

/// One instance.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// What it is for.
    pub role: Role,
    /// What kind it is.
    pub kind: Kind,
}

/// Why instances are replaced one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A new version of Kubernetes.
    Upgrade,
    /// Another tier.
    Tier,
    /// A standard control plane grows or shrinks with its load.
    Scaling,
    /// Another access mode of the endpoint.
    Access,
}

/// A rolling replacement under way.
#[derive(Clone, Debug)]
pub struct Roll {
    /// Why.
    pub reason: Reason,
    /// What the new instances are.
    pub kind: Kind,
    /// When it began.
    pub began: SimTime,
    /// How long it takes by the provider's plan.
    pub lasts: SimDuration,
    /// The instances to remove, in order.
    pub old: Vec<ApiServerId>,
    /// Those that come instead.
    pub new: Vec<ApiServerId>,
    /// How many of the old ones have been told to stop.
    pub removed: usize,
    /// Whether it has been given up, and the old kind returns.
    pub returning: bool,
    /// What brought it about.
    pub cause: Cause,
}

impl Roll {
    /// When the next old instance should be told to stop: they are spread evenly over what lies between the ends.
    pub fn next_removal(&self) -> SimTime {
        let places = self.old.len() as u64 + 1;
        self.began + self.lasts * (self.removed as u64 + 1) / places
    }
}

/// All instances that there ever were.
#[derive(Clone, Debug)]
pub struct Fleet {
    instances: Vec<Instance>,
    roll: Option<Roll>,
    /// The servers that restart one after another, in order.
    restarts: VecDeque<ApiServerId>,
    /// Replacements so far: the generation of their events, and the ordinal of their draws.
    rolls: u32,
    /// What the control plane is by the provider's latest word.
    kind: Kind,
    /// How many API servers it wants.
    wanted: usize,
}

impl Fleet {
    /// `count` instances of one kind that serve.
    pub fn new(count: usize, kind: Kind) -> Self {
        let instances = vec![Instance { role: Role::Serving, kind }; count];
        Fleet { instances, roll: None, restarts: VecDeque::new(), rolls: 0, kind, wanted: count }
    }

    /// An instance.
    pub fn at(&self, server: ApiServerId) -> Instance {
        self.instances[server.index()]
    }

    /// What an instance is for, from now on.
    pub fn set_role(&mut self, server: ApiServerId, role: Role) {
        self.instances[server.index()].role = role;
    }

    /// The instances with a role, in the order of their launches.
    pub fn with(&self, role: Role) -> impl Iterator<Item = ApiServerId> {
        (0u8..).zip(&self.instances).filter(move |(_, instance)| instance.role == role).map(|(id, _)| ApiServerId(id))
    }

    /// A new instance, not serving yet; `None` if the ids of a run are used up.
    pub fn launch(&mut self, kind: Kind) -> Option<ApiServerId> {
        let id = u8::try_from(self.instances.len()).ok().filter(|id| *id < u8::MAX)?;
        self.instances.push(Instance { role: Role::Launching, kind });
        Some(ApiServerId(id))
    }

    /// All serving instances restart one after another; false if they do already.
    pub fn begin_restarts(&mut self) -> bool {
        let begins = self.restarts.is_empty();
        if begins {
            self.restarts = self.with(Role::Serving).collect();
        }
        begins
    }

    /// The server whose restart is under way.
    pub fn restarting(&self) -> Option<ApiServerId> {
        self.restarts.front().copied()
    }

    /// That one has restarted, or cannot: the next one.
    pub fn next_restart(&mut self) -> Option<ApiServerId> {
        self.restarts.pop_front();
        self.restarting()
    }

    /// What the control plane is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many API servers it wants.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// The replacement under way.
    pub fn roll(&self) -> Option<&Roll> {
        self.roll.as_ref()
    }

    /// The replacement under way.
    pub fn roll_mut(&mut self) -> Option<&mut Roll> {
        self.roll.as_mut()
    }

    /// The generation of the latest replacement.
    pub fn rolls(&self) -> u32 {
        self.rolls
    }

    /// Old instances are to be replaced by new ones, after which there will be `wanted`. Returns the generation.
    ///
    /// # Panics
    /// If one is under way: the provider refuses parallel updates.
    pub fn begin_roll(&mut self, roll: Roll, wanted: usize) -> u32 {
        assert!(self.roll.is_none(), "one update at a time");
        self.wanted = wanted;
        self.roll = Some(roll);
        self.rolls += 1;
        self.rolls
    }

    /// The replacement is over; the control plane is what it says, unless it returned.
    pub fn end_roll(&mut self) -> Option<Roll> {
        let roll = self.roll.take()?;
        if roll.returning {
            self.wanted = roll.old.len();
        } else {
            self.kind = roll.kind;
        }
        Some(roll)
    }

    /// One instance takes the place of another, in a replacement under way too.
    pub fn replace(&mut self, gone: ApiServerId, by: ApiServerId) {
        self.set_role(gone, Role::Gone);
        for list in self.roll.iter_mut().flat_map(|roll| [&mut roll.new, &mut roll.old]) {
            for server in list.iter_mut().filter(|server| **server == gone) {
                *server = by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { minor: 33, tier: Tier::Standard, step: 0 };

    fn roll(fleet: &mut Fleet) -> Roll {
        let kind = Kind { minor: 34, ..KIND };
        let old: Vec<ApiServerId> = fleet.with(Role::Serving).collect();
        let new = old.iter().map(|_| fleet.launch(kind).expect("few")).collect();
        let (began, lasts) = (SimTime::ZERO, SimDuration::from_mins(12));
        Roll { reason: Reason::Upgrade, kind, began, lasts, old, new, removed: 0, returning: false, cause: None }
    }

    #[test]
    fn old_instances_go_one_by_one_over_the_time_of_a_replacement() {
        let mut fleet = Fleet::new(2, KIND);
        let mut roll = roll(&mut fleet);
        assert_eq!(roll.next_removal(), SimTime::ZERO + SimDuration::from_mins(4));
        roll.removed = 1;
        assert_eq!(roll.next_removal(), SimTime::ZERO + SimDuration::from_mins(8));
    }

    #[test]
    fn a_replacement_that_returns_leaves_the_kind_as_it_was() {
        let mut fleet = Fleet::new(2, KIND);
        let first = roll(&mut fleet);
        fleet.begin_roll(first.clone(), 2);
        assert_eq!(fleet.end_roll().map(|roll| roll.kind.minor), Some(34));
        assert_eq!(fleet.kind().minor, 34);
        fleet.begin_roll(Roll { kind: Kind { minor: 35, ..KIND }, returning: true, ..first }, 3);
        fleet.end_roll();
        assert_eq!((fleet.kind().minor, fleet.wanted()), (34, 2));
    }

    #[test]
    fn who_replaces_a_dead_instance_takes_its_place_in_a_replacement_under_way() {
        let mut fleet = Fleet::new(2, KIND);
        let roll = roll(&mut fleet);
        fleet.begin_roll(roll, 2);
        let by = fleet.launch(KIND).expect("few");
        fleet.replace(ApiServerId(1), by);
        assert_eq!(fleet.roll().map(|roll| roll.old.clone()), Some(vec![ApiServerId(0), by]));
        assert_eq!(fleet.at(ApiServerId(1)).role, Role::Gone);
    }
}
