//! The scheduler's queues, as upstream's: pods to schedule in the order of priority and time; pods that found no room,
//! until something happens that could help them; pods whose back-off has still to end; gated pods, which are not tried.
//!
//! One pod is in service at a time. Where it goes is decided by [`Placement`](super::placement::Placement). Left out:
//! pods that leave their back-off early while nothing else is to be done (upstream since 1.33).

use crate::ids::PodId;
use crate::record::Balance;
use sim_kernel::{SimDuration, SimTime};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

/// What keeps a pod from every node, or what has changed so that it may help: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(pub u8);

impl Reasons {
    /// No node has room, or a pod leaves.
    pub const ROOM: Reasons = Reasons(1);
    /// No node is open to it, or a node opens.
    pub const NODE: Reasons = Reasons(2);
    /// Other pods stand where they keep it away, or a pod comes.
    pub const PODS: Reasons = Reasons(4);
    /// Number of sets.
    const SETS: usize = 8;

    /// Both sets.
    pub const fn and(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    /// Whether the sets share a reason.
    pub const fn meets(self, other: Reasons) -> bool {
        self.0 & other.0 != 0
    }
}

/// A pod in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Pods of higher priority are scheduled first.
    pub priority: Reverse<i32>,
    /// Since when it is in the queue.
    pub since: SimTime,
    /// The pod.
    pub pod: PodId,
    /// Times that it was tried in vain.
    pub tries: u32,
}

/// When the queues are looked through.
#[derive(Clone, Copy, Debug)]
pub struct QueueTiming {
    /// First pause of a pod that found no room; it doubles from there.
    pub backoff_base: SimDuration,
    /// Its longest pause.
    pub backoff_max: SimDuration,
    /// How often pods whose back-off has ended are looked for.
    pub backoff_flush: SimDuration,
    /// How long a pod waits for something that could help it before it is tried anyhow.
    pub unschedulable_max: SimDuration,
    /// How often such pods are looked for.
    pub unschedulable_flush: SimDuration,
}

/// The scheduler's queues.
#[derive(Clone, Debug)]
pub struct SchedulerQueue {
    timing: QueueTiming,
    /// When the rounds of looking began.
    phase: SimTime,
    active: BinaryHeap<Reverse<Waiting>>,
    in_service: Option<Waiting>,
    /// What has happened while the pod in service was tried.
    missed: Reasons,
    backoff: BinaryHeap<Reverse<(SimTime, Waiting)>>,
    /// Pods that found no room, by what keeps them, each with the end of its back-off; `since` is when it was parked.
    unschedulable: Vec<VecDeque<(SimTime, Waiting)>>,
    gated: BTreeSet<PodId>,
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
    busy: SimDuration,
}

impl SchedulerQueue {
    /// Empty queues, looked through from `phase` on.
    pub fn new(timing: QueueTiming, phase: SimTime) -> Self {
        SchedulerQueue {
            timing,
            phase,
            active: BinaryHeap::new(),
            in_service: None,
            missed: Reasons::default(),
            backoff: BinaryHeap::new(),
            unschedulable: vec![VecDeque::new(); Reasons::SETS],
            gated: BTreeSet::new(),
            alarm: None,
            books: Books::default(),
        }
    }

    /// A new leader has no memory: all pods without a node are told to it anew.
    pub fn begins(&mut self, phase: SimTime) {
        let mut books = self.books;
        books.queue_forgotten += self.queued() as u64;
        books.parked_forgotten += self.parked() as u64;
        *self = SchedulerQueue { books, ..SchedulerQueue::new(self.timing, phase) };
    }

    /// A pod without a node is known from now on.
    pub fn push(&mut self, now: SimTime, pod: PodId, priority: i32) {
        self.activate(Waiting { priority: Reverse(priority), since: now, pod, tries: 0 });
    }

    /// The cycle of the pod in service takes so long.
    pub fn takes(&mut self, time: SimDuration) {
        self.books.busy += time;
    }

    /// Time that cycles have taken, up to the end of the one under way.
    pub fn busy_time(&self) -> SimDuration {
        self.books.busy
    }

    /// Takes the next pod into service, if none is.
    pub fn serve(&mut self) -> Option<Waiting> {
        if self.in_service.is_some() {
            return None;
        }
        let Reverse(next) = self.active.pop()?;
        self.in_service = Some(next);
        self.missed = Reasons::default();
        Some(next)
    }

    /// The pod in service is done with.
    pub fn served(&mut self) -> Option<Waiting> {
        self.books.served += u64::from(self.in_service.is_some());
        self.in_service.take()
    }

    /// A pod that was just served has no node to go to, for these reasons. When an alarm has to be set, its time.
    pub fn park(&mut self, now: SimTime, pod: Waiting, reasons: Reasons) -> Option<SimTime> {
        self.books.parked += 1;
        let parked = Waiting { since: now, tries: pod.tries + 1, ..pod };
        let until = now + self.pause(pod.tries);
        if self.missed.meets(reasons) {
            self.backoff.push(Reverse((until, parked)));
        } else {
            self.unschedulable[usize::from(reasons.0)].push_back((until, parked));
        }
        self.set_alarm()
    }

    /// A pod's binding failed: it is tried again after its back-off. When an alarm has to be set, its time.
    pub fn back_off(&mut self, now: SimTime, pod: PodId, priority: i32) -> Option<SimTime> {
        self.books.parked += 1;
        let waiting = Waiting { priority: Reverse(priority), since: now, pod, tries: 1 };
        self.backoff.push(Reverse((now + self.pause(0), waiting)));
        self.set_alarm()
    }

    /// The cluster has changed so that pods that were kept back for one of these reasons may find room. When an alarm
    /// has to be set, its time.
    pub fn may_help(&mut self, now: SimTime, change: Reasons) -> Option<SimTime> {
        self.missed = self.missed.and(change);
        for set in 0..Reasons::SETS {
            if Reasons(set as u8).meets(change) {
                while let Some((until, waiting)) = self.unschedulable[set].pop_front() {
                    self.unpark(now, until, waiting);
                }
            }
        }
        self.set_alarm()
    }

    /// The alarm of `now` rang: whose back-off has ended, and who has waited for too long, is tried. When the next alarm
    /// has to be set, its time.
    pub fn rings(&mut self, now: SimTime) -> Option<SimTime> {
        if self.alarm != Some(now) {
            return None;
        }
        self.alarm = None;
        while self.backoff.peek().is_some_and(|Reverse((until, _))| *until <= now) {
            let Some(Reverse((_, waiting))) = self.backoff.pop() else { break };
            self.try_again(now, waiting);
        }
        for set in 0..Reasons::SETS {
            let longest = self.timing.unschedulable_max;
            while self.unschedulable[set].front().is_some_and(|(_, waiting)| now >= waiting.since + longest) {
                let Some((until, waiting)) = self.unschedulable[set].pop_front() else { break };
                self.unpark(now, until, waiting);
            }
        }
        self.set_alarm()
    }

    /// A gated pod comes (`true`), or goes or is let in.
    pub fn gate(&mut self, pod: PodId, comes: bool) {
        match comes {
            true => self.gated.insert(pod),
            false => self.gated.remove(&pod),
        };
    }

    /// Pods that are not tried since they are gated.
    pub fn gated(&self) -> u64 {
        self.gated.len() as u64
    }

    /// Pods that found no room and are not in the queue.
    pub fn parked(&self) -> usize {
        self.backoff.len() + self.unschedulable.iter().map(VecDeque::len).sum::<usize>()
    }

    /// What came, left, was forgotten and waits: in the queue, and among the parked.
    pub fn balances(&self) -> [Balance; 2] {
        let balance = |station: &str, arrived, left, lost, inside: usize| {
            let (station, refused, inside) = (station.to_owned(), 0, inside as u64);
            Balance { station, arrived, left, refused, lost, inside }
        };
        let Books { queued, served, queue_forgotten, parked, tried, parked_forgotten, .. } = self.books;
        [
            balance("scheduler's queue", queued, served, queue_forgotten, self.queued()),
            balance("unschedulable pods", parked, tried, parked_forgotten, self.parked()),
        ]
    }

    fn queued(&self) -> usize {
        self.active.len() + usize::from(self.in_service.is_some())
    }

    fn activate(&mut self, waiting: Waiting) {
        self.books.queued += 1;
        self.active.push(Reverse(waiting));
    }

    fn try_again(&mut self, now: SimTime, waiting: Waiting) {
        self.books.tried += 1;
        self.activate(Waiting { since: now, ..waiting });
    }

    /// A pod need not wait for a change any more, but for the end of its back-off.
    fn unpark(&mut self, now: SimTime, until: SimTime, waiting: Waiting) {
        match until <= now {
            true => self.try_again(now, waiting),
            false => self.backoff.push(Reverse((until, waiting))),
        }
    }

    /// The back-off of a pod that has been tried so often before.
    fn pause(&self, tries: u32) -> SimDuration {
        (self.timing.backoff_base * (1 << tries.min(20))).min(self.timing.backoff_max)
    }

    /// The first look of a round at or after a moment.
    fn look(&self, at: SimTime, round: SimDuration) -> SimTime {
        let rounds = at.saturating_since(self.phase).as_nanos().div_ceil(round.as_nanos().max(1));
        self.phase + round * rounds
    }

    fn set_alarm(&mut self) -> Option<SimTime> {
        let timing = self.timing;
        let backoff = self.backoff.peek().map(|Reverse((until, _))| self.look(*until, timing.backoff_flush));
        let oldest = self.unschedulable.iter().filter_map(VecDeque::front).map(|(_, waiting)| waiting.since).min();
        let oldest = oldest.map(|since| self.look(since + timing.unschedulable_max, timing.unschedulable_flush));
        let next = backoff.into_iter().chain(oldest).min()?;
        if self.alarm.is_some_and(|set| set <= next) {
            return None;
        }
        self.alarm = Some(next);
        self.alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    fn queue() -> SchedulerQueue {
        let seconds = SimDuration::from_secs;
        let timing = QueueTiming {
            backoff_base: seconds(1),
            backoff_max: seconds(10),
            backoff_flush: seconds(1),
            unschedulable_max: seconds(300),
            unschedulable_flush: seconds(30),
        };
        SchedulerQueue::new(timing, SimTime::ZERO)
    }

    fn serve(queue: &mut SchedulerQueue) -> Option<Waiting> {
        queue.serve()?;
        queue.served()
    }

    #[test]
    fn pods_are_served_by_priority_and_then_by_age() {
        let mut queue = queue();
        for (pod, priority, known) in [(0, 0, 10), (1, 0, 5), (2, 1_000, 20)] {
            queue.push(at(known), PodId(pod), priority);
        }
        let order: Vec<_> = std::iter::from_fn(|| serve(&mut queue)).map(|waiting| waiting.pod.0).collect();
        assert_eq!(order, [2, 1, 0]);
    }

    #[test]
    fn the_back_off_doubles_up_to_its_limit() {
        let mut queue = queue();
        queue.push(at(0), PodId(0), 0);
        let mut now = at(0);
        for seconds in [1, 2, 4, 8, 10, 10] {
            let pod = serve(&mut queue).expect("it is tried");
            queue.park(now, pod, Reasons::ROOM);
            let due = now + SimDuration::from_secs(seconds);
            assert_eq!(queue.may_help(now, Reasons::NODE), None, "that does not help it");
            assert_eq!(queue.may_help(now, Reasons::ROOM), Some(due));
            assert!(queue.serve().is_none());
            queue.rings(due);
            now = due;
        }
    }

    #[test]
    fn what_happens_while_a_pod_is_tried_is_not_missed() {
        let mut queue = queue();
        queue.push(at(0), PodId(0), 0);
        let pod = queue.serve().expect("it is tried");
        queue.may_help(at(1), Reasons::ROOM);
        queue.served();
        assert_eq!(queue.park(at(2), pod, Reasons::ROOM), Some(at(2_000)), "the look after its back-off");
    }

    #[test]
    fn a_pod_that_nothing_helps_is_tried_again_after_five_minutes() {
        let mut queue = queue();
        queue.push(at(0), PodId(0), 0);
        let pod = serve(&mut queue).expect("it is tried");
        let due = queue.park(at(7_000), pod, Reasons::NODE);
        assert_eq!(due, Some(at(330_000)), "the first look, each half minute, after 307 s");
        queue.rings(at(330_000));
        assert!(serve(&mut queue).is_some());
        assert!(queue.balances().iter().all(Balance::holds));
    }
}
