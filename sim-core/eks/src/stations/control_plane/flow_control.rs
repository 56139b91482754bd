//! API Priority and Fairness of one API server: seats by priority level, a bounded queue behind each.
//!
//! Modelled: nominal seats, one seat a request, one FIFO queue for a level as long as all its queues together.
//! Left out: borrowing between levels, wide requests, shuffle sharding; so a flood by one client of a level meets
//! the level's other clients sooner than it really does.

use crate::aim::Level;
use crate::ids::RequestRef;
use crate::parameters::FlowControlParameters;
use crate::record::Balance;
use std::collections::VecDeque;

/// What a level does with an arriving request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is served.
    Seated,
    /// It waits for a seat.
    Queued,
    /// The queue is full.
    Rejected,
}

/// The priority levels of one API server.
#[derive(Clone, Debug)]
pub struct FlowControl {
    levels: [PriorityLevel; Level::COUNT],
}

#[derive(Clone, Debug, Default)]
struct PriorityLevel {
    seats: u64,
    seated: u64,
    queue: VecDeque<RequestRef>,
    queue_max: usize,
    arrived: u64,
    left: u64,
    refused: u64,
    lost: u64,
}

impl FlowControl {
    /// Levels with their nominal seats: the share of the total, rounded up.
    pub fn new(parameters: &FlowControlParameters) -> Self {
        let shares = |level| match level {
            Level::NodeHigh => parameters.node_high_shares,
            Level::System => parameters.system_shares,
            Level::LeaderElection => parameters.leader_election_shares,
            Level::WorkloadHigh => parameters.workload_high_shares,
            Level::GlobalDefault => parameters.global_default_shares,
        };
        let all =
            Level::ALL.map(shares).iter().sum::<u64>() + parameters.workload_low_shares + parameters.catch_all_shares;
        let level = |level| PriorityLevel {
            seats: (parameters.seats * shares(level)).div_ceil(all.max(1)),
            queue_max: (parameters.queues * parameters.queue_length) as usize,
            ..PriorityLevel::default()
        };
        FlowControl { levels: Level::ALL.map(level) }
    }

    /// Nominal seats of a level.
    pub fn seats(&self, level: Level) -> u64 {
        self.levels[level.index()].seats
    }

    /// A request arrives at its level.
    pub fn arrive(&mut self, level: Level, request: RequestRef) -> Admission {
        let level = &mut self.levels[level.index()];
        level.arrived += 1;
        if level.seated < level.seats {
            level.seated += 1;
            return Admission::Seated;
        }
        if level.queue.len() < level.queue_max {
            level.queue.push_back(request);
            return Admission::Queued;
        }
        level.refused += 1;
        Admission::Rejected
    }

    /// A seated request leaves; whoever waits longest gets the seat.
    pub fn leave(&mut self, level: Level) -> Option<RequestRef> {
        let level = &mut self.levels[level.index()];
        level.left += 1;
        let next = level.queue.pop_front();
        if next.is_none() {
            level.seated -= 1;
        }
        next
    }

    /// A waiting request has waited too long; false if it does not wait.
    pub fn give_up(&mut self, level: Level, request: RequestRef) -> bool {
        let level = &mut self.levels[level.index()];
        let waiting = level.queue.iter().position(|waiting| *waiting == request);
        if let Some(place) = waiting {
            level.queue.remove(place);
            level.refused += 1;
        }
        waiting.is_some()
    }

    /// The server dies: everything seated or waiting is lost. Returns those that waited.
    pub fn lose_all(&mut self) -> Vec<RequestRef> {
        let mut waited = Vec::new();
        for level in &mut self.levels {
            level.lost += level.seated + level.queue.len() as u64;
            level.seated = 0;
            waited.extend(level.queue.drain(..));
        }
        waited
    }

    /// What came and went, over all levels.
    pub fn balance(&self, station: String) -> Balance {
        let sum = |of: fn(&PriorityLevel) -> u64| self.levels.iter().map(of).sum();
        Balance {
            station,
            arrived: sum(|level| level.arrived),
            left: sum(|level| level.left),
            refused: sum(|level| level.refused),
            lost: sum(|level| level.lost),
            inside: sum(|level| level.seated + level.queue.len() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn request(slot: u32) -> RequestRef {
        RequestRef { slot, generation: 0 }
    }

    /// validation.md C3 (a): nominal seats at 600 in all, as AWS prints them for EKS 1.32.
    #[test]
    fn six_hundred_seats_are_shared_as_eks_shares_them() {
        let flow = FlowControl::new(&Parameters::default().flow_control);
        let seats = Level::ALL.map(|level| flow.seats(level));
        assert_eq!(seats, [98, 74, 25, 98, 49], "node-high, system, leader-election, workload-high, global-default");
    }

    #[test]
    fn a_full_level_queues_then_rejects_and_hands_seats_on_in_order() {
        let mut parameters = Parameters::default().flow_control;
        (parameters.seats, parameters.queues, parameters.queue_length) = (1, 1, 2);
        let mut flow = FlowControl::new(&parameters);
        let admissions = [0, 1, 2, 3].map(|slot| flow.arrive(Level::System, request(slot)));
        assert_eq!(admissions, [Admission::Seated, Admission::Queued, Admission::Queued, Admission::Rejected]);
        assert!(flow.give_up(Level::System, request(1)) && !flow.give_up(Level::System, request(1)));
        assert_eq!(flow.leave(Level::System), Some(request(2)));
        assert_eq!(flow.leave(Level::System), None);
        assert!(flow.balance(String::new()).holds());
    }
}
