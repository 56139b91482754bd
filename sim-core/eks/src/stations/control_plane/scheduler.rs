//! The scheduler's queue: pods one after another, and those for which there is no room, with their back-off.
//!
//! Pods of one Deployment are alike. When one of them finds no room the others would find none either, so they are
//! parked together; an event that could help tries one of them, and the next as long as there is room. Their back-off
//! is one as well (upstream each pod has its own, with the same law). Where a pod goes is decided by
//! [`Placement`](super::placement::Placement).

use crate::ids::{DeploymentId, PodId};
use crate::record::Balance;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Pods of one Deployment for which there is no room.
#[derive(Clone, Debug, Default)]
struct Parked {
    pods: VecDeque<PodId>,
    tries: u32,
    /// The state of the cluster in which the last try failed.
    failed_at: Option<u64>,
    not_before: SimTime,
    /// One of them is in the queue, to try.
    is_tried: bool,
    /// The end of the back-off is awaited.
    waits: bool,
}

/// The scheduler's queue.
#[derive(Clone, Debug)]
pub struct SchedulerQueue {
    base: SimDuration,
    max: SimDuration,
    /// Pods to schedule, each with the time from which the scheduler knows it.
    queue: VecDeque<(PodId, SimTime)>,
    in_service: Option<PodId>,
    parked: Vec<Parked>,
    /// Counts what could help a pod that found no room.
    version: u64,
    alarm: Option<SimTime>,
    books: Books,
}

/// What came to the queue and to the parked ones, left them, and was forgotten by a change of leader.
#[derive(Clone, Copy, Debug, Default)]
struct Books {
    queued: u64,
    served: u64,
    queue_forgotten: u64,
    parked: u64,
    tried: u64,
    parked_forgotten: u64,
}

impl SchedulerQueue {
    /// An empty queue.
    pub fn new(deployments: usize, backoff_base: SimDuration, backoff_max: SimDuration) -> Self {
        SchedulerQueue {
            base: backoff_base,
            max: backoff_max,
            queue: VecDeque::new(),
            in_service: None,
            parked: vec![Parked::default(); deployments],
            version: 0,
            alarm: None,
            books: Books::default(),
        }
    }

    /// A new leader has no memory: all pods without a node are told to it anew.
    pub fn begins(&mut self) {
        let mut books = self.books;
        books.queue_forgotten += self.queued() as u64;
        books.parked_forgotten += self.parked() as u64;
        *self = SchedulerQueue { books, ..SchedulerQueue::new(self.parked.len(), self.base, self.max) };
    }

    /// A pod without a node, known from `known` on: it stands behind those that are known before.
    pub fn push(&mut self, pod: PodId, known: SimTime) {
        let later = self.queue.iter().rev().take_while(|(_, since)| *since > known).count();
        self.books.queued += 1;
        self.queue.insert(self.queue.len() - later, (pod, known));
    }

    /// Takes the next pod into service, if none is: the pod, and the time from which it is known.
    pub fn serve(&mut self) -> Option<(PodId, SimTime)> {
        if self.in_service.is_some() {
            return None;
        }
        let next = self.queue.pop_front()?;
        self.in_service = Some(next.0);
        Some(next)
    }

    /// The pod in service is done with.
    pub fn served(&mut self) -> Option<PodId> {
        self.books.served += u64::from(self.in_service.is_some());
        self.in_service.take()
    }

    /// Whether looking for room for a pod of this Deployment would find what an earlier look found: none.
    pub fn is_hopeless(&self, deployment: DeploymentId) -> bool {
        self.parked[deployment.index()].failed_at == Some(self.version)
    }

    /// There is no room for a pod. Whether its Deployment had room for all its pods until now.
    pub fn park(&mut self, now: SimTime, pod: PodId, deployment: DeploymentId) -> bool {
        let parked = &mut self.parked[deployment.index()];
        if parked.failed_at != Some(self.version) {
            parked.failed_at = Some(self.version);
            parked.tries += 1;
            let doublings = (parked.tries - 1).min(20);
            parked.not_before = now + (self.base * (1 << doublings)).min(self.max);
        }
        let is_first = parked.pods.is_empty() && !parked.is_tried;
        parked.is_tried = false;
        parked.pods.push_back(pod);
        self.books.parked += 1;
        is_first
    }

    /// A pod of this Deployment found room: the next parked one may try.
    pub fn placed(&mut self, now: SimTime, deployment: DeploymentId) {
        self.parked[deployment.index()].is_tried = false;
        self.try_one(now, deployment);
    }

    /// The cluster has changed so that pods may find room. When an alarm has to be set, its time.
    pub fn may_help(&mut self, now: SimTime) -> Option<SimTime> {
        self.version += 1;
        let mut alarm = None;
        for index in 0..self.parked.len() {
            let parked = &mut self.parked[index];
            if parked.pods.is_empty() || parked.is_tried {
                continue;
            }
            if parked.not_before <= now {
                self.try_one(now, DeploymentId(index as u32));
            } else {
                parked.waits = true;
                alarm = Some(alarm.map_or(parked.not_before, |first: SimTime| first.min(parked.not_before)));
            }
        }
        self.set_alarm(alarm)
    }

    /// The alarm of `now` rang: whose back-off is over may try. When the next alarm has to be set, its time.
    pub fn rings(&mut self, now: SimTime) -> Option<SimTime> {
        if self.alarm != Some(now) {
            return None;
        }
        self.alarm = None;
        for index in 0..self.parked.len() {
            let parked = &mut self.parked[index];
            if parked.waits && parked.not_before <= now {
                self.try_one(now, DeploymentId(index as u32));
            }
        }
        let waiting = self.parked.iter().filter(|parked| parked.waits);
        let next = waiting.map(|parked| parked.not_before).min();
        self.set_alarm(next)
    }

    /// Pods that found no room and are not being tried.
    pub fn parked(&self) -> usize {
        self.parked.iter().map(|parked| parked.pods.len()).sum()
    }

    /// What came, left, was forgotten and waits: in the queue, and among the parked.
    pub fn balances(&self) -> [Balance; 2] {
        let balance = |station: &str, arrived, left, lost, inside: usize| {
            let (station, refused, inside) = (station.to_owned(), 0, inside as u64);
            Balance { station, arrived, left, refused, lost, inside }
        };
        let Books { queued, served, queue_forgotten, parked, tried, parked_forgotten } = self.books;
        [
            balance("scheduler's queue", queued, served, queue_forgotten, self.queued()),
            balance("unschedulable pods", parked, tried, parked_forgotten, self.parked()),
        ]
    }

    fn queued(&self) -> usize {
        self.queue.len() + usize::from(self.in_service.is_some())
    }

    fn try_one(&mut self, now: SimTime, deployment: DeploymentId) {
        let parked = &mut self.parked[deployment.index()];
        parked.waits = false;
        match parked.pods.pop_front() {
            Some(pod) => {
                parked.is_tried = true;
                self.books.tried += 1;
                self.books.queued += 1;
                self.queue.push_back((pod, now));
            }
            None => *parked = Parked::default(),
        }
    }

    fn set_alarm(&mut self, at: Option<SimTime>) -> Option<SimTime> {
        let at = at.filter(|&at| self.alarm.is_none_or(|set| set > at))?;
        self.alarm = Some(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    fn queue() -> SchedulerQueue {
        SchedulerQueue::new(1, SimDuration::from_secs(1), SimDuration::from_secs(10))
    }

    const D: DeploymentId = DeploymentId(0);

    #[test]
    fn alike_pods_are_parked_together_and_tried_one_by_one() {
        let mut queue = queue();
        assert!(queue.park(at(0), PodId(0), D));
        assert!(queue.is_hopeless(D));
        assert!(!queue.park(at(1), PodId(1), D));
        assert_eq!(queue.may_help(at(2_000)), None, "the back-off is over");
        assert!(!queue.is_hopeless(D));
        assert_eq!((queue.serve(), queue.served(), queue.serve()), (Some((PodId(0), at(2_000))), Some(PodId(0)), None));
        queue.placed(at(2_001), D);
        assert_eq!(queue.serve(), Some((PodId(1), at(2_001))));
    }

    #[test]
    fn the_back_off_doubles_up_to_its_limit() {
        let mut queue = queue();
        let mut now = at(0);
        queue.park(now, PodId(0), D);
        for seconds in [1, 2, 4, 8, 10, 10] {
            let due = now + SimDuration::from_secs(seconds);
            assert_eq!(queue.may_help(now), Some(due));
            assert_eq!(queue.rings(due), None);
            assert!(queue.serve().is_some() && queue.served() == Some(PodId(0)));
            now = due;
            queue.park(now, PodId(0), D);
        }
    }
}
