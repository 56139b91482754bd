//! Which pods have to go so that one of higher priority finds room, and on which node: the search of the scheduler's
//! `DefaultPreemption`, as functions of plain data (`kubernetes/kubernetes pkg/scheduler/framework/preemption`).
//!
//! On a node all pods of lower priority are thought away; if the pod fits then, they are taken back one after another,
//! first those whose disruption budget would be violated, then the others, each time the most important first, as long
//! as it still fits. Of the nodes that are left the best has the fewest violated budgets, then the lowest highest
//! priority of a victim, the smallest sum of priorities, the fewest victims, and the youngest among its most important.

use crate::ids::{NodeId, PodId};
use sim_kernel::SimTime;
use std::cmp::Reverse;

/// Nodes that a search keeps at least, and the share of the nodes in percent: upstream's `minCandidateNodesAbsolute`
/// and `minCandidateNodesPercentage`.
const CANDIDATES_AT_LEAST: usize = 100;
const CANDIDATES_PERCENT: usize = 10;

/// Amounts of CPU in thousandths of a core, memory in MiB, GPUs, and pods.
pub type Amounts = [i64; 4];

/// A pod of lower priority on a node.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// Which.
    pub pod: PodId,
    /// Its priority.
    pub priority: i32,
    /// Since when it is there.
    pub since: SimTime,
    /// What it takes.
    pub takes: Amounts,
    /// Whether its eviction would violate its disruption budget.
    pub violates: bool,
}

/// A node that the victims would make room on.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub node: NodeId,
    /// The pods that have to go, the most important first.
    pub victims: Vec<PodId>,
    violations: usize,
    highest: i32,
    sum: i64,
    /// The earliest start among the victims of the highest priority.
    earliest: SimTime,
}

impl Candidate {
    /// Orders candidates: the smallest is the best.
    fn rank(&self) -> (usize, i32, i64, usize, Reverse<SimTime>) {
        (self.violations, self.highest, self.sum, self.victims.len(), Reverse(self.earliest))
    }

    /// Whether no disruption budget is violated.
    fn is_lawful(&self) -> bool {
        self.violations == 0
    }
}

/// A search for the best candidate among the nodes that it is shown, one after another.
#[derive(Debug)]
pub struct Search {
    wanted: usize,
    kept: usize,
    lawful: usize,
    best: Option<Candidate>,
    /// Times that it looked whether the pod fits.
    pub looks: u32,
}

impl Search {
    /// A search over so many nodes.
    pub fn over(nodes: usize) -> Self {
        let wanted = (nodes * CANDIDATES_PERCENT / 100).max(CANDIDATES_AT_LEAST).min(nodes);
        Search { wanted, kept: 0, lawful: 0, best: None, looks: 0 }
    }

    /// Whether enough candidates are kept, one of them without a violated budget.
    pub fn is_over(&self) -> bool {
        self.kept >= self.wanted && self.lawful > 0
    }

    /// Looks at a node with so much free, for a pod that needs so much. Its residents are put in order.
    pub fn sees(&mut self, node: NodeId, free: Amounts, needs: Amounts, residents: &mut [Resident]) {
        self.looks += 1;
        let Some(candidate) = self.candidate(node, free, needs, residents) else { return };
        self.kept += 1;
        self.lawful += usize::from(candidate.is_lawful());
        if self.best.as_ref().is_none_or(|best| candidate.rank() < best.rank()) {
            self.best = Some(candidate);
        }
    }

    /// The best of the nodes that it has seen.
    pub fn best(self) -> Option<Candidate> {
        self.best
    }

    fn candidate(
        &mut self,
        node: NodeId,
        mut free: Amounts,
        needs: Amounts,
        residents: &mut [Resident],
    ) -> Option<Candidate> {
        residents.iter().for_each(|resident| add(&mut free, resident.takes, 1));
        if residents.is_empty() || !covers(free, needs) {
            return None;
        }
        residents.sort_unstable_by_key(|resident| {
            (!resident.violates, Reverse(resident.priority), resident.since, resident.pod)
        });
        let (mut victims, mut violations): (Vec<Resident>, usize) = (Vec::new(), 0);
        for resident in residents.iter() {
            add(&mut free, resident.takes, -1);
            self.looks += 1;
            if !covers(free, needs) {
                add(&mut free, resident.takes, 1);
                violations += usize::from(resident.violates);
                victims.push(*resident);
            }
        }
        victims.sort_by_key(|victim| (Reverse(victim.priority), victim.since, victim.pod));
        let first = victims.first()?;
        let sum = victims.iter().map(|victim| i64::from(victim.priority) + i64::from(i32::MAX) + 1).sum();
        let (highest, earliest) = (first.priority, first.since);
        let victims = victims.iter().map(|victim| victim.pod).collect();
        Some(Candidate { node, victims, violations, highest, sum, earliest })
    }
}

fn add(amounts: &mut Amounts, others: Amounts, times: i64) {
    for (amount, other) in amounts.iter_mut().zip(others) {
        *amount += other * times;
    }
}

/// Whether a pod that needs something of a kind finds as much of it free.
pub fn covers(free: Amounts, needs: Amounts) -> bool {
    free.iter().zip(needs).all(|(free, need)| need == 0 || *free >= need)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    fn resident(pod: u32, priority: i32, since: u64, milli_cpu: i64) -> Resident {
        let since = SimTime::ZERO + SimDuration::from_secs(since);
        Resident { pod: PodId(pod), priority, since, takes: [milli_cpu, 0, 0, 1], violates: false }
    }

    fn best(nodes: Vec<Vec<Resident>>, needs: i64) -> Option<(u32, Vec<u32>)> {
        let mut search = Search::over(nodes.len());
        for (node, mut residents) in (0..).map(NodeId).zip(nodes) {
            search.sees(node, [0; 4], [needs, 0, 0, 1], &mut residents);
        }
        let best = search.best()?;
        Some((best.node.0, best.victims.iter().map(|pod| pod.0).collect()))
    }

    #[test]
    fn only_those_go_that_must() {
        let residents = vec![resident(0, 5, 0, 900), resident(1, 1, 0, 900), resident(2, 1, 9, 900)];
        assert_eq!(best(vec![residents.clone()], 1_000), Some((0, vec![1, 2])), "the least important");
        assert_eq!(best(vec![residents.clone()], 900), Some((0, vec![2])), "and of equals the youngest");
        assert_eq!(best(vec![residents], 3_000), None, "not even all would do");
        assert_eq!(best(vec![vec![]], 0), None, "nobody to go");
    }

    #[test]
    fn nodes_are_compared_as_upstream_does() {
        let one = |priority, since| vec![resident(0, priority, since, 500)];
        let mut violating = one(1, 0);
        violating[0].violates = true;
        assert_eq!(best(vec![violating, one(7, 0)], 500).map(|found| found.0), Some(1), "budgets first");
        assert_eq!(best(vec![one(7, 0), one(3, 0)], 500).map(|found| found.0), Some(1), "then the highest victim");
        let two = vec![resident(0, 3, 0, 250), resident(1, 1, 0, 250)];
        assert_eq!(best(vec![two, one(3, 0)], 500).map(|found| found.0), Some(1), "then the sum, and so the number");
        assert_eq!(best(vec![one(3, 0), one(3, 60)], 500).map(|found| found.0), Some(1), "then the youngest");
    }

    #[test]
    fn a_search_ends_with_a_tenth_of_the_nodes_once_one_of_them_violates_no_budget() {
        let mut search = Search::over(5_000);
        let sees = |search: &mut Search, violates| {
            let mut residents = [Resident { violates, ..resident(0, 1, 0, 500) }];
            search.sees(NodeId(0), [0; 4], [500, 0, 0, 1], &mut residents);
        };
        (0..600).for_each(|_| sees(&mut search, true));
        assert!(!search.is_over());
        sees(&mut search, false);
        assert!(search.is_over());
    }
}
