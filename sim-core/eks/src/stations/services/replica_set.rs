//! A ReplicaSet, or a StatefulSet: how many pods it wants, has, and reports, and in which batches it creates what is
//! missing.
//!
//! A sync creates pods in batches of 1, 2, 4 and so on, each once the one before has succeeded, so that a template that
//! cannot be created costs one request and not five hundred; it deletes all that are too many at once; and it ends with
//! the status, if that has changed. Source: `kubernetes/kubernetes pkg/controller/replicaset`.
//!
//! The pods of a StatefulSet are counted, created in batches and told of here too; which ones it creates and deletes is
//! decided in [`super::stateful_set`].

use crate::ids::{DeploymentId, PodId};

/// What a ReplicaSet does when it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciliation {
    /// It has what it wants.
    Content,
    /// It creates pods, batch by batch.
    Create,
    /// It has so many pods to choose and delete.
    Delete(u32),
}

/// What it says of itself in the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Pods that exist and are not Terminating.
    pub replicas: u32,
    /// Those of them that are Ready.
    pub ready: u32,
}

/// A ReplicaSet.
#[derive(Clone, Debug)]
pub struct ReplicaSet {
    /// The Deployment that it belongs to.
    pub deployment: DeploymentId,
    /// Which template of the Deployment its pods have.
    pub revision: u8,
    /// Whether it is a StatefulSet.
    pub is_stateful: bool,
    /// Its pods, those among them that are gone by now too.
    pods: Vec<PodId>,
    /// Pods that have a deletion time and still exist.
    terminating: u32,
    wanted: u32,
    has: Status,
    /// What it saw when its sync began.
    seen: Status,
    /// What its status in the API says.
    told: Status,
    left: u32,
    batch: u32,
    in_flight: u32,
    failed: bool,
}

impl ReplicaSet {
    /// A ReplicaSet without pods.
    pub fn new(deployment: DeploymentId, revision: u8, wanted: u32) -> Self {
        let none = Status::default();
        let (seen, told, has) = (none, none, none);
        let (is_stateful, terminating, left, batch, in_flight, failed) = (false, 0, 0, 0, 0, false);
        ReplicaSet {
            deployment,
            revision,
            is_stateful,
            pods: Vec::new(),
            terminating,
            wanted,
            has,
            seen,
            told,
            left,
            batch,
            in_flight,
            failed,
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

    /// What it has.
    pub fn has(&self) -> Status {
        self.has
    }

    /// What its status in the API says.
    pub fn status(&self) -> Status {
        self.told
    }

    /// A pod of it exists.
    pub fn keeps_in_mind(&mut self, pod: PodId) {
        self.pods.push(pod);
    }

    /// Forgets the pods that are gone, once they are as many as the others. So each pod is looked at a few times at most.
    pub fn forgets(&mut self, is_gone: impl Fn(PodId) -> bool) {
        if self.pods.len() > 64 + 2 * (self.has.replicas + self.terminating) as usize {
            self.pods.retain(|pod| !is_gone(*pod));
        }
    }

    /// Its pods, those among them that are gone by now too.
    pub fn pods(&self) -> &[PodId] {
        &self.pods
    }

    /// A pod was created.
    pub fn gains_a_pod(&mut self) {
        self.has.replicas += 1;
    }

    /// A pod got a deletion time, or went without one.
    pub fn loses_a_pod(&mut self) {
        self.has.replicas -= 1;
    }

    /// A pod got a deletion time, and stays until its kubelet has confirmed.
    pub fn terminates_a_pod(&mut self) {
        self.loses_a_pod();
        self.terminating += 1;
    }

    /// A pod that had a deletion time is gone.
    pub fn is_rid_of_a_pod(&mut self) {
        self.terminating -= 1;
    }

    /// A pod of it became Ready, or ceased to be.
    pub fn readiness_changes(&mut self, ready: bool) {
        self.has.ready = if ready { self.has.ready + 1 } else { self.has.ready - 1 };
    }

    /// It has said in the API what it has: the steady state.
    pub fn is_settled(&mut self) {
        self.told = self.has;
    }

    /// A sync begins; it orders at most `burst` creations or deletions.
    pub fn look(&mut self, burst: u32) -> Reconciliation {
        self.begins(self.wanted.saturating_sub(self.has.replicas).min(burst));
        match self.has.replicas.saturating_sub(self.wanted).min(burst) {
            0 if self.left == 0 => Reconciliation::Content,
            0 => Reconciliation::Create,
            too_many => Reconciliation::Delete(too_many),
        }
    }

    /// A sync begins that creates so many pods.
    pub fn begins(&mut self, creates: u32) {
        self.seen = self.has;
        (self.batch, self.in_flight, self.failed) = (1, 0, false);
        self.left = creates;
    }

    /// The next batch of pods to create; none once all are created or one has failed.
    pub fn next_batch(&mut self) -> u32 {
        let batch = if self.failed { 0 } else { self.batch.min(self.left) };
        self.left -= batch;
        self.batch *= 2;
        batch
    }

    /// So many requests of the sync are under way.
    pub fn sends(&mut self, requests: u32) {
        self.in_flight += requests;
    }

    /// A request of the sync has ended. Whether it was the last that was under way.
    pub fn ended(&mut self, succeeded: bool) -> bool {
        self.failed |= !succeeded;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.in_flight == 0
    }

    /// Whether the sync has to write the status; it does so once.
    pub fn must_tell(&mut self) -> bool {
        let must = self.seen != self.told;
        if must {
            self.in_flight += 1;
        }
        must
    }

    /// The status is in the API, as of the beginning of the sync.
    pub fn tells(&mut self) {
        self.told = self.seen;
    }

    /// Whether no request of the sync has failed.
    pub fn has_succeeded(&self) -> bool {
        !self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(set: &mut ReplicaSet, burst: u32) -> Vec<u32> {
        assert_eq!(set.look(burst), Reconciliation::Create);
        std::iter::repeat_with(|| set.next_batch()).take_while(|batch| *batch > 0).collect()
    }

    #[test]
    fn batches_double_up_to_the_burst() {
        let mut set = ReplicaSet::new(DeploymentId(0), 0, 1000);
        assert_eq!(batches(&mut set, 500), [1, 2, 4, 8, 16, 32, 64, 128, 245]);
        set.want(6);
        assert_eq!(batches(&mut set, 500), [1, 2, 3]);
    }

    #[test]
    fn a_failure_ends_the_batches() {
        let mut set = ReplicaSet::new(DeploymentId(0), 0, 100);
        set.look(500);
        let first = set.next_batch();
        set.sends(first);
        assert!(set.ended(true));
        let second = set.next_batch();
        set.sends(second);
        assert_eq!((first, second, set.ended(false), set.ended(true)), (1, 2, false, true));
        assert_eq!((set.next_batch(), set.has_succeeded()), (0, false));
    }

    #[test]
    fn pods_too_many_are_deleted_and_the_status_is_told_once() {
        let mut set = ReplicaSet::new(DeploymentId(0), 0, 1);
        (0..3).for_each(|_| set.gains_a_pod());
        set.readiness_changes(true);
        assert_eq!(set.look(500), Reconciliation::Delete(2));
        assert!(set.must_tell());
        set.loses_a_pod();
        set.tells();
        assert_eq!(set.status(), Status { replicas: 3, ready: 1 }, "as it was when the sync began");
        assert_eq!(set.look(500), Reconciliation::Delete(1));
        assert!(set.must_tell());
    }
}
