//! A Deployment with its ReplicaSet: how many pods it wants, has, and serves with.
//!
//! Left out: rolling updates. Pods that are missing are created at once, without the slow start of upstream's batches.

use crate::probes::Cause;

/// What a ReplicaSet does when it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciliation {
    /// It has what it wants, or has ordered it.
    Content,
    /// It creates so many pods.
    Create(u32),
    /// It has so many pods to choose and delete.
    Delete(u32),
}

/// A Deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Pods that kube-proxies list and that answer.
    pub serving: u32,
    /// Its pods stay on unreachable nodes.
    pub tolerates_unreachable: bool,
    /// Why it last lost a pod, or wanted another number.
    pub story: Cause,
    wanted: u32,
    /// Pods that exist and are not Terminating.
    active: u32,
    creating: u32,
    deleting: u32,
    looks_soon: bool,
    /// Pods that it ever had.
    created: u32,
    draws: u32,
}

impl Deployment {
    /// A Deployment without pods.
    pub fn new(wanted: u32, tolerates_unreachable: bool) -> Self {
        let (active, creating, deleting, looks_soon) = (0, 0, 0, false);
        let story = None;
        Deployment {
            serving: 0,
            tolerates_unreachable,
            story,
            wanted,
            active,
            creating,
            deleting,
            looks_soon,
            created: 0,
            draws: 0,
        }
    }

    /// Pods that it wants.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// Pods that exist and are not Terminating.
    pub fn active(&self) -> u32 {
        self.active
    }

    /// It wants another number of pods.
    pub fn want(&mut self, wanted: u32) {
        self.wanted = wanted;
    }

    /// The number of its next random draw.
    pub fn next_draw(&mut self) -> u64 {
        self.draws += 1;
        u64::from(self.draws)
    }

    /// A pod was created: its number among the pods of this Deployment.
    pub fn gains_a_pod(&mut self) -> u32 {
        self.active += 1;
        self.creating = self.creating.saturating_sub(1);
        self.created += 1;
        self.created
    }

    /// A pod got a deletion time, or went without one.
    pub fn loses_a_pod(&mut self) {
        self.active -= 1;
    }

    /// A creation that it ordered failed.
    pub fn creation_failed(&mut self) {
        self.creating = self.creating.saturating_sub(1);
    }

    /// The deletion of one of its active pods was ordered, by whomever.
    pub fn deletion_ordered(&mut self) {
        self.deleting += 1;
    }

    /// An ordered deletion ended, well or not.
    pub fn deletion_ended(&mut self) {
        self.deleting = self.deleting.saturating_sub(1);
    }

    /// Somebody without memory looks after it from now on.
    pub fn forget_orders(&mut self) {
        self.creating = 0;
        self.deleting = 0;
        self.looks_soon = false;
    }

    /// Its ReplicaSet is to look: whether that has to be scheduled, since it was not before.
    pub fn must_look(&mut self) -> bool {
        !std::mem::replace(&mut self.looks_soon, true)
    }

    /// Its ReplicaSet looks, and orders what it returns.
    pub fn look(&mut self) -> Reconciliation {
        self.looks_soon = false;
        let has = self.active + self.creating;
        if has < self.wanted {
            let missing = self.wanted - has;
            self.creating += missing;
            return Reconciliation::Create(missing);
        }
        let keeps = self.active.saturating_sub(self.deleting);
        if self.creating == 0 && keeps > self.wanted {
            return Reconciliation::Delete(keeps - self.wanted);
        }
        Reconciliation::Content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_orders_what_is_missing_once() {
        let mut deployment = Deployment::new(3, false);
        assert_eq!(deployment.look(), Reconciliation::Create(3));
        assert_eq!(deployment.look(), Reconciliation::Content, "three are under way");
        deployment.gains_a_pod();
        deployment.creation_failed();
        assert_eq!(deployment.look(), Reconciliation::Create(1));
    }

    #[test]
    fn a_pod_too_many_is_deleted() {
        let mut deployment = Deployment::new(1, false);
        deployment.gains_a_pod();
        deployment.gains_a_pod();
        assert_eq!(deployment.look(), Reconciliation::Delete(1));
        deployment.deletion_ordered();
        assert_eq!(deployment.look(), Reconciliation::Content);
    }

    #[test]
    fn a_new_leader_orders_again() {
        let mut deployment = Deployment::new(2, false);
        deployment.look();
        deployment.forget_orders();
        assert_eq!(deployment.look(), Reconciliation::Create(2));
    }
}
