//! A Deployment: how many pods it wants and serves with, and how it moves from old ReplicaSets to the new one.
//!
//! A rolling update follows `kubernetes/kubernetes pkg/controller/deployment/rolling.go`: the new ReplicaSet grows as far
//! as `maxSurge` allows, pods of old ones that are not available go first, and old ones shrink as far as
//! `maxUnavailable` leaves enough pods available. Left out: proportional scaling amid a rollout, pauses, rollbacks,
//! `Recreate`, and `minReadySeconds`.

use super::replica_set::Status;
use crate::ids::ReplicaSetId;
use crate::probes::Cause;
use sim_kernel::SimTime;

/// A Deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Pods that kube-proxies list.
    pub listed: u32,
    /// Pods that kube-proxies list and that answer.
    pub serving: u32,
    /// Its pods stay on unreachable nodes.
    pub tolerates_unreachable: bool,
    /// Its pods stay on nodes that say that they are not Ready.
    pub tolerates_not_ready: bool,
    /// Why it last lost a pod, or wanted another number.
    pub story: Cause,
    wanted: u32,
    /// Its ReplicaSets by revision; the last has the template of now.
    sets: Vec<ReplicaSetId>,
    told: Status,
    seen: Status,
    in_flight: u32,
    failed: bool,
    lacks_a_set: bool,
    rollout_since: Option<SimTime>,
    /// Pods that it ever had.
    created: u32,
}

/// One of its ReplicaSets, as a sync sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub set: ReplicaSetId,
    /// Pods that it is to have.
    pub wanted: u32,
    /// Pods of it that are available, by its status.
    pub available: u32,
}

/// How far a rollout may stray from the wanted number of pods, in pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// Pods beyond the wanted number.
    pub max_surge: u32,
    /// Pods of the wanted number that need not be available.
    pub max_unavailable: u32,
}

impl Strategy {
    /// The bounds for `wanted` pods by their shares: the surge is rounded up, the unavailable ones down, and one pod may
    /// be unavailable where both would be none.
    pub fn of(wanted: u32, max_surge: f64, max_unavailable: f64) -> Self {
        let share = |share: f64| f64::from(wanted) * share;
        let (max_surge, max_unavailable) = (share(max_surge).ceil() as u32, share(max_unavailable).floor() as u32);
        let is_stuck = max_surge == 0 && max_unavailable == 0;
        Strategy { max_surge, max_unavailable: max_unavailable + u32::from(is_stuck) }
    }
}

impl Deployment {
    /// A Deployment whose first ReplicaSet is this one. Its pods leave nodes that are tainted NoExecute.
    pub fn new(wanted: u32, set: ReplicaSetId) -> Self {
        let (told, seen) = (Status::default(), Status::default());
        let story = None;
        Deployment {
            listed: 0,
            serving: 0,
            tolerates_unreachable: false,
            tolerates_not_ready: false,
            story,
            wanted,
            sets: vec![set],
            told,
            seen,
            in_flight: 0,
            failed: false,
            lacks_a_set: false,
            rollout_since: None,
            created: 0,
        }
    }

    /// Pods that it wants.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// It wants another number of pods.
    pub fn want(&mut self, wanted: u32) {
        self.wanted = wanted;
    }

    /// Its ReplicaSets by revision.
    pub fn sets(&self) -> &[ReplicaSetId] {
        &self.sets
    }

    /// The ReplicaSet of a revision.
    pub fn set(&self, revision: u8) -> ReplicaSetId {
        self.sets[revision as usize]
    }

    /// The revision of its present template.
    pub fn revision(&self) -> u8 {
        (self.sets.len() - 1) as u8
    }

    /// Its template changes: it lacks the ReplicaSet for it from now on.
    pub fn wants_another_template(&mut self, now: SimTime) {
        self.lacks_a_set = true;
        self.rollout_since = Some(now);
    }

    /// Whether the ReplicaSet of its present template is still to be created.
    pub fn lacks_a_set(&self) -> bool {
        self.lacks_a_set
    }

    /// The ReplicaSet of its present template is there. Whether it lacked one.
    pub fn updates(&mut self, set: ReplicaSetId) -> bool {
        let lacked = std::mem::replace(&mut self.lacks_a_set, false);
        if lacked {
            self.sets.push(set);
        }
        lacked
    }

    /// When its template last changed, while its rolling update lasts.
    pub fn rollout_since(&self) -> Option<SimTime> {
        self.rollout_since.filter(|_| !self.lacks_a_set)
    }

    /// Its rolling update is complete.
    pub fn rollout_ends(&mut self) {
        self.rollout_since = None;
    }

    /// A pod was created: its number among the pods of this Deployment.
    pub fn gains_a_pod(&mut self) -> u32 {
        self.created += 1;
        self.created
    }

    /// A sync begins, with what its ReplicaSets say.
    pub fn look(&mut self, seen: Status) {
        self.seen = seen;
        (self.in_flight, self.failed) = (0, false);
    }

    /// So many requests of the sync are under way.
    pub fn sends(&mut self, requests: u32) {
        self.in_flight += requests;
    }

    /// Whether a request of the sync is under way.
    pub fn waits(&self) -> bool {
        self.in_flight > 0
    }

    /// A request of the sync has ended.
    pub fn ended(&mut self, succeeded: bool) {
        self.failed |= !succeeded;
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether the sync has to write the status.
    pub fn must_tell(&self) -> bool {
        self.seen != self.told
    }

    /// The status is in the API, as of the beginning of the sync.
    pub fn tells(&mut self) {
        self.told = self.seen;
    }

    /// Whether no request of the sync has failed.
    pub fn has_succeeded(&self) -> bool {
        !self.failed
    }

    /// What a sync does to its ReplicaSets, the new one last in `parts`: each whose size changes, with its new size.
    pub fn roll(&self, parts: &mut [Part], strategy: Strategy, mut scale: impl FnMut(ReplicaSetId, u32)) {
        let Some((new, old)) = parts.split_last_mut() else { return };
        let total = new.wanted + sum(old, |part| part.wanted);
        let size = match old.iter().any(|part| part.wanted > 0) {
            false => self.wanted,
            true if new.wanted >= self.wanted => self.wanted,
            true => {
                let room = (self.wanted + strategy.max_surge).saturating_sub(total);
                new.wanted + room.min(self.wanted - new.wanted)
            }
        };
        if size != new.wanted {
            return scale(new.set, size); // Old ones are looked at by the next sync.
        }
        self.shrink(*new, old, strategy, &mut scale);
    }

    fn shrink(&self, new: Part, old: &mut [Part], strategy: Strategy, scale: &mut impl FnMut(ReplicaSetId, u32)) {
        let total = new.wanted + sum(old, |part| part.wanted);
        let must_stay = self.wanted.saturating_sub(strategy.max_unavailable);
        let mut unhealthy = total.saturating_sub(must_stay + new.wanted.saturating_sub(new.available));
        if unhealthy == 0 {
            return;
        }
        let available = new.available + sum(old, |part| part.available.min(part.wanted));
        let mut healthy = available.saturating_sub(must_stay);
        for part in old {
            let before = part.wanted;
            let dead = part.wanted.saturating_sub(part.available).min(unhealthy);
            part.wanted -= dead;
            unhealthy -= dead;
            let spared = part.wanted.min(healthy);
            part.wanted -= spared;
            healthy -= spared;
            if part.wanted != before {
                scale(part.set, part.wanted);
            }
        }
    }
}

fn sum(parts: &[Part], amount: impl Fn(&Part) -> u32) -> u32 {
    parts.iter().map(amount).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolled(wanted: u32, strategy: Strategy, parts: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let deployment = Deployment::new(wanted, ReplicaSetId(0));
        let part = |(set, &(wanted, available)): (usize, &(u32, u32))| Part {
            set: ReplicaSetId(set as u32),
            wanted,
            available,
        };
        let mut parts: Vec<Part> = parts.iter().enumerate().map(part).collect();
        let mut scaled = Vec::new();
        deployment.roll(&mut parts, strategy, |set, size| scaled.push((set.0, size)));
        scaled
    }

    /// The documentation's own figures: 25 % of 10 pods are three more and two fewer, and one of them may always be.
    #[test]
    fn the_surge_is_rounded_up_and_the_unavailable_down() {
        assert_eq!(Strategy::of(10, 0.25, 0.25), Strategy { max_surge: 3, max_unavailable: 2 });
        assert_eq!(Strategy::of(3, 0.25, 0.25), Strategy { max_surge: 1, max_unavailable: 0 });
        assert_eq!(Strategy::of(2, 0.0, 0.25), Strategy { max_surge: 0, max_unavailable: 1 });
    }

    #[test]
    fn a_rollout_grows_then_shrinks_as_far_as_pods_are_available() {
        let strategy = Strategy::of(10, 0.25, 0.25);
        assert_eq!(rolled(10, strategy, &[(10, 10), (0, 0)]), [(1, 3)], "13 in all");
        assert_eq!(rolled(10, strategy, &[(10, 10), (3, 0)]), [(0, 8)], "8 stay available");
        assert_eq!(rolled(10, strategy, &[(8, 8), (3, 0)]), [(1, 5)], "13 in all again");
        assert_eq!(rolled(10, strategy, &[(8, 8), (5, 0)]), [], "8 available are the least");
        assert_eq!(rolled(10, strategy, &[(8, 8), (5, 2)]), [(0, 6)]);
        assert_eq!(rolled(10, strategy, &[(1, 1), (10, 9)]), [(0, 0)]);
    }

    #[test]
    fn old_pods_that_are_not_available_go_first() {
        let strategy = Strategy::of(10, 0.0, 0.2);
        assert_eq!(rolled(10, strategy, &[(10, 7), (0, 0)]), [(0, 8)], "two of the three that are not");
        assert_eq!(rolled(10, strategy, &[(4, 0), (6, 6), (0, 0)]), [(0, 2)], "the oldest first");
    }

    #[test]
    fn without_old_pods_the_new_set_has_what_is_wanted() {
        let strategy = Strategy::of(4, 0.25, 0.25);
        assert_eq!(rolled(4, strategy, &[(9, 9)]), [(0, 4)]);
        assert_eq!(rolled(4, strategy, &[(4, 4)]), []);
    }
}
