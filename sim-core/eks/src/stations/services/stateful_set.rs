//! A StatefulSet: which of its ordinals have a pod, and what it does about those that have none, are too many, or have an
//! old template.
//!
//! `OrderedReady`: the next ordinal gets its pod once all before it are Ready and none of them is Terminating, and the
//! highest that is too many goes once the last one is gone. `Parallel` waits for nobody. Either way a pod that stays
//! Terminating keeps its ordinal: nobody takes its place before its object is gone. A rolling update deletes one pod
//! after another, from the highest ordinal down, each once all above it are Ready again. Source:
//! `kubernetes/kubernetes pkg/controller/statefulset/stateful_set_control.go`.
//!
//! How many it has, and what it says of itself, is with the [`super::replica_set::ReplicaSet`] that counts its pods.
//! Left out: `OnDelete`, `minReadySeconds`, partitions of a rolling update.

use crate::ids::{DeploymentId, PodId};
use crate::probes::Cause;
use sim_kernel::SimTime;
use std::collections::BTreeMap;

/// A pod as a sync of its StatefulSet sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The API holds it for Ready.
    pub is_ready: bool,
    /// It has a deletion time.
    pub is_terminating: bool,
    /// Its template.
    pub revision: u8,
}

impl Member {
    fn is_healthy(self) -> bool {
        self.is_ready && !self.is_terminating
    }
}

/// What a sync does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It waits, or has what it wants.
    Nothing,
    /// It creates so many pods, for the lowest ordinals that lack one.
    Create(u32),
    /// It deletes these pods.
    Delete(Vec<PodId>),
}

/// Since when a pod of an ordinal is missed, and why.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// Since when.
    pub since: SimTime,
    /// Why.
    pub cause: Cause,
}

/// A StatefulSet.
#[derive(Clone, Debug)]
pub struct StatefulSet {
    /// Whose pods they are.
    pub deployment: DeploymentId,
    is_parallel: bool,
    wanted: u32,
    /// By ordinal: the pod whose object exists.
    places: Vec<Option<PodId>>,
    ordinals: BTreeMap<PodId, u32>,
    /// By ordinal: what was lost and is not Ready again.
    losses: BTreeMap<u32, Loss>,
    revision: u8,
    rollout_since: Option<SimTime>,
}

impl StatefulSet {
    /// A StatefulSet without pods.
    pub fn new(deployment: DeploymentId, wanted: u32, is_parallel: bool) -> Self {
        let (places, ordinals, losses) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        StatefulSet { deployment, is_parallel, wanted, places, ordinals, losses, revision: 0, rollout_since: None }
    }

    /// It wants another number of pods.
    pub fn want(&mut self, wanted: u32) {
        self.wanted = wanted;
    }

    /// The template of the pods that it creates.
    pub fn revision(&self) -> u8 {
        self.revision
    }

    /// Its template changes.
    pub fn wants_another_template(&mut self, now: SimTime) {
        self.revision += 1;
        self.rollout_since = Some(now);
    }

    /// The lowest ordinal that lacks a pod, if one does.
    pub fn lacks(&self) -> Option<u32> {
        (0..self.wanted).find(|ordinal| self.pod_at(*ordinal).is_none())
    }

    /// A pod is created for an ordinal.
    pub fn gains(&mut self, ordinal: u32, pod: PodId) {
        let place = ordinal as usize;
        if self.places.len() <= place {
            self.places.resize(place + 1, None);
        }
        self.places[place] = Some(pod);
        self.ordinals.insert(pod, ordinal);
    }

    /// The object of a pod is gone: its ordinal is free.
    pub fn loses(&mut self, pod: PodId) {
        if let Some(ordinal) = self.ordinals.remove(&pod) {
            self.places[ordinal as usize] = None;
        }
    }

    /// The ordinal of a pod.
    pub fn ordinal_of(&self, pod: PodId) -> Option<u32> {
        self.ordinals.get(&pod).copied()
    }

    /// Its pods, by ordinal.
    pub fn pods(&self) -> impl Iterator<Item = PodId> + '_ {
        self.places.iter().flatten().copied()
    }

    /// A pod is missed from now on, unless it was before.
    pub fn misses(&mut self, pod: PodId, since: SimTime, cause: Cause) {
        if let Some(ordinal) = self.ordinal_of(pod).filter(|ordinal| *ordinal < self.wanted) {
            self.losses.entry(ordinal).or_insert(Loss { since, cause });
        }
    }

    /// The pod of an ordinal is Ready: what it was missed for, if it was.
    pub fn is_back(&mut self, ordinal: u32) -> Option<Loss> {
        self.losses.remove(&ordinal)
    }

    /// When its template changed, once all its pods have the new one and are Ready. It is told once.
    pub fn rollout_ends(&mut self, of: impl Fn(PodId) -> Member) -> Option<SimTime> {
        let has_it = |pod: &PodId| of(*pod).is_healthy() && of(*pod).revision == self.revision;
        let is_complete = self.lacks().is_none() && self.pods().all(|pod| has_it(&pod));
        if is_complete { self.rollout_since.take() } else { None }
    }

    /// What a sync does now.
    pub fn sync(&self, of: impl Fn(PodId) -> Member) -> Action {
        match self.is_parallel {
            true => self.sync_in_parallel(&of),
            false => self.sync_in_order(&of),
        }
    }

    fn sync_in_parallel(&self, of: &impl Fn(PodId) -> Member) -> Action {
        let missing = (0..self.wanted).filter(|ordinal| self.pod_at(*ordinal).is_none()).count() as u32;
        if missing > 0 {
            return Action::Create(missing);
        }
        let too_many: Vec<PodId> = self.condemned().filter(|pod| !of(*pod).is_terminating).collect();
        if too_many.is_empty() { self.update(of) } else { Action::Delete(too_many) }
    }

    fn sync_in_order(&self, of: &impl Fn(PodId) -> Member) -> Action {
        for ordinal in 0..self.wanted {
            match self.pod_at(ordinal) {
                None => return Action::Create(1),
                Some(pod) if !of(pod).is_healthy() => return Action::Nothing,
                Some(_) => {}
            }
        }
        let lowest_unhealthy = self.condemned().filter(|pod| !of(*pod).is_healthy()).last();
        match self.condemned().next() {
            None => self.update(of),
            Some(pod) if of(pod).is_terminating || lowest_unhealthy.is_some_and(|lowest| lowest != pod) => {
                Action::Nothing
            }
            Some(pod) => Action::Delete(vec![pod]),
        }
    }

    /// The next step of a rolling update.
    fn update(&self, of: &impl Fn(PodId) -> Member) -> Action {
        for pod in (0..self.wanted).rev().filter_map(|ordinal| self.pod_at(ordinal)) {
            let member = of(pod);
            if member.revision != self.revision && !member.is_terminating {
                return Action::Delete(vec![pod]);
            }
            if !member.is_healthy() {
                return Action::Nothing;
            }
        }
        Action::Nothing
    }

    /// Pods beyond the wanted number, the highest ordinal first.
    fn condemned(&self) -> impl Iterator<Item = PodId> + '_ {
        self.places.iter().skip(self.wanted as usize).rev().flatten().copied()
    }

    fn pod_at(&self, ordinal: u32) -> Option<PodId> {
        self.places.get(ordinal as usize).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: Member = Member { is_ready: true, is_terminating: false, revision: 0 };
    const STARTING: Member = Member { is_ready: false, ..HEALTHY };
    const TERMINATING: Member = Member { is_terminating: true, ..HEALTHY };

    /// With pods 0, 1, ... for the first ordinals.
    fn with_pods(pods: u32, wanted: u32, is_parallel: bool) -> StatefulSet {
        let mut set = StatefulSet::new(DeploymentId(0), wanted, is_parallel);
        (0..pods).for_each(|ordinal| set.gains(ordinal, PodId(ordinal)));
        set
    }

    /// All healthy, but for one.
    fn but(odd: u32, member: Member) -> impl Fn(PodId) -> Member {
        move |pod| if pod == PodId(odd) { member } else { HEALTHY }
    }

    #[test]
    fn in_order_each_ordinal_waits_for_those_before() {
        let set = with_pods(2, 4, false);
        assert_eq!(set.sync(|_| HEALTHY), Action::Create(1));
        for waiting in [STARTING, TERMINATING] {
            assert_eq!(set.sync(but(0, waiting)), Action::Nothing);
            assert_eq!(with_pods(2, 4, true).sync(but(0, waiting)), Action::Create(2), "in parallel nobody waits");
        }
    }

    #[test]
    fn a_terminating_pod_keeps_its_ordinal_until_it_is_gone() {
        for is_parallel in [false, true] {
            let mut set = with_pods(3, 3, is_parallel);
            assert_eq!(set.sync(but(1, TERMINATING)), Action::Nothing);
            set.loses(PodId(1));
            assert_eq!((set.lacks(), set.sync(|_| HEALTHY)), (Some(1), Action::Create(1)));
            set.gains(1, PodId(9));
            assert_eq!((set.ordinal_of(PodId(9)), set.lacks()), (Some(1), None));
        }
    }

    #[test]
    fn the_highest_ordinal_goes_first_and_the_next_once_it_is_gone() {
        let mut set = with_pods(5, 2, false);
        assert_eq!(set.sync(|_| HEALTHY), Action::Delete(vec![PodId(4)]));
        assert_eq!(set.sync(but(4, TERMINATING)), Action::Nothing);
        set.loses(PodId(4));
        assert_eq!(set.sync(|_| HEALTHY), Action::Delete(vec![PodId(3)]));
        assert_eq!(set.sync(but(2, STARTING)), Action::Nothing, "one below is not well");
        assert_eq!(set.sync(but(3, STARTING)), Action::Delete(vec![PodId(3)]), "unless it is the one");
        let all = with_pods(5, 2, true).sync(|_| HEALTHY);
        assert_eq!(all, Action::Delete(vec![PodId(4), PodId(3), PodId(2)]));
    }

    #[test]
    fn a_rolling_update_goes_from_the_highest_ordinal_down_one_at_a_time() {
        for is_parallel in [false, true] {
            let mut set = with_pods(3, 3, is_parallel);
            set.wants_another_template(SimTime::ZERO);
            assert_eq!(set.sync(|_| HEALTHY), Action::Delete(vec![PodId(2)]));
            set.loses(PodId(2));
            assert_eq!(set.sync(|_| HEALTHY), Action::Create(1));
            set.gains(2, PodId(7));
            let new = |is_ready| Member { is_ready, is_terminating: false, revision: 1 };
            assert_eq!(set.sync(but(7, new(false))), Action::Nothing, "the new one is not Ready yet");
            assert_eq!(set.sync(but(7, new(true))), Action::Delete(vec![PodId(1)]));
            assert_eq!(set.rollout_ends(but(7, new(true))), None);
            assert_eq!(set.rollout_ends(|_| new(true)), Some(SimTime::ZERO));
            assert_eq!(set.rollout_ends(|_| new(true)), None, "it is told once");
        }
    }
}
