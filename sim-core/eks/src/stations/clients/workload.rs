//! Programs on the cluster's nodes that use the API by a service account: the process with its connection and its rate
//! limit, and its workers, each of which makes one request after another.
//!
//! Left out: pods behind these programs, their move to another node when theirs dies.

use super::informer::Informer;
use crate::ids::NodeId;
use crate::probes::Outage;
use sim_kernel::SimTime;
use sim_kernel::stations::TokenBucket;

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Which of the plan's workload clients it is.
    pub client: u32,
    /// The node that it runs on.
    pub node: NodeId,
    /// Its connection.
    pub connection: u32,
    /// Its first worker; they are numbered on.
    pub worker: u32,
    generation: u32,
    running: bool,
    rate: f64,
    burst: u64,
    bucket: TokenBucket,
}

/// A worker of a process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its process.
    pub process: u32,
    /// Requests so far: the ordinal of their draws.
    pub requests: u32,
    /// Times in which it had nothing but failures.
    pub outage: Outage,
    /// What it has listed and watches, and its pauses.
    pub informer: Informer,
}

impl Process {
    /// A process that does not run yet, with `rate` requests a second and `burst` at once.
    pub fn new(client: u32, node: NodeId, connection: u32, worker: u32, (rate, burst): (f64, u64)) -> Self {
        let bucket = TokenBucket::per_second(rate, burst);
        Process { client, node, connection, worker, generation: 0, running: false, rate, burst, bucket }
    }

    /// Which life it is in, for events.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// It begins, with all its tokens.
    pub fn starts(&mut self) {
        self.running = true;
        self.generation += 1;
        self.bucket = TokenBucket::per_second(self.rate, self.burst);
    }

    /// It ends. Whether it ran.
    pub fn ends(&mut self) -> bool {
        self.generation += 1;
        std::mem::take(&mut self.running)
    }

    /// When its next request may go.
    pub fn turn(&mut self, now: SimTime) -> SimTime {
        self.bucket.reserve(now)
    }
}

impl Worker {
    /// A worker of a process, without a memory.
    pub fn new(process: u32) -> Self {
        Worker { process, requests: 0, outage: Outage::default(), informer: Informer::default() }
    }

    /// Its process begins anew.
    pub fn forgets(&mut self) {
        self.outage.ends();
        self.informer.breaks(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn a_process_sends_its_burst_and_then_at_its_rate() {
        let mut process = Process::new(0, NodeId(0), 0, 0, (5.0, 2));
        process.starts();
        let turns = [0; 4].map(|_| process.turn(SimTime::ZERO).as_nanos() / 1_000_000);
        assert_eq!(turns, [0, 0, 200, 400]);
        assert!(process.ends() && !process.ends() && !process.is_running());
        process.starts();
        let later = SimTime::ZERO + SimDuration::from_millis(1);
        assert_eq!((process.turn(later), process.generation()), (later, 4), "a new life has all its tokens");
    }
}
