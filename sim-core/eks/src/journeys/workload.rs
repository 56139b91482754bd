//! Workload clients: programs on the nodes that use the API by a service account.
//!
//! ```text
//! starts -> Due -> the rate limit -> Turn -> call -> answered -> interval -> Due ...
//!                                             |-> 429: when the server says; failed: a pause, or none (a hot loop)
//! an informer: fills its store -> watches -> WatchEnded -> watches on; lost: fills its store again
//! ```

use crate::aim::{Aim, Call, Caller, Outcome, Resource, User};
use crate::event::{Event, Future, WorkloadStep};
use crate::ids::NodeId;
use crate::plan::WorkloadCall;
use crate::record::Weight;
use crate::stations::clients::informer::Next;
use crate::stations::clients::workload::{Process, Worker};
use crate::stations::network::{ConnectionState, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const START: Purpose = Purpose::new("workload/start");
const PHASE: Purpose = Purpose::new("workload/phase");
const PACE: Purpose = Purpose::new("workload/pace");
const PAUSE: Purpose = Purpose::new("workload/pause");

impl World {
    /// The workload clients that have run for long when the run begins: each worker somewhere in its rounds.
    pub(crate) fn workloads_run(&mut self, future: &mut Future) {
        let plan = self.plan.clone();
        let nodes = self.cluster.node_count();
        for (client, workload) in (0..).zip(&plan.workloads) {
            for node in (0..workload.replicas.unwrap_or(nodes).min(nodes)).map(NodeId) {
                if !self.cluster.nodes[node.index()].has_network() {
                    continue; // it starts when its node has joined
                }
                let process = self.add_process(client, node);
                let origin = self.origin_of(node);
                let connection = self.open_from_start(Owner::Workload(process), origin, future);
                self.processes[process as usize].connection = connection;
                self.processes[process as usize].starts();
                for worker in self.workers_of(process) {
                    self.worker_runs(worker, future);
                }
            }
        }
    }

    fn add_process(&mut self, client: u32, node: NodeId) -> u32 {
        let workload = &self.plan.workloads[client as usize];
        let (process, worker) = (self.processes.len() as u32, self.workers.len() as u32);
        let limit = (workload.qps as f64, workload.burst);
        self.processes.push(Process::new(client, node, 0, worker, limit));
        self.workers.extend((0..workload.workers).map(|_| Worker::new(process)));
        if self.processes_on.len() <= node.index() {
            self.processes_on.resize(node.index() + 1, Vec::new());
        }
        self.processes_on[node.index()].push(process);
        process
    }

    fn workers_of(&self, process: u32) -> std::ops::Range<u32> {
        let of = &self.processes[process as usize];
        of.worker..of.worker + self.plan.workloads[of.client as usize].workers
    }

    fn worker_runs(&mut self, worker: u32, future: &mut Future) {
        let share = self.key.draw(PHASE, u64::from(worker), 0).uniform();
        let process = self.workers[worker as usize].process;
        let of = &self.processes[process as usize];
        let workload = &self.plan.workloads[of.client as usize];
        if workload.does != WorkloadCall::Watch {
            let first = SimTime::ZERO + workload.interval.scaled(share) + self.pace(worker);
            return future.schedule(first, Event::Workload(worker, of.generation(), WorkloadStep::Due));
        }
        let ConnectionState::Open { server, .. } = self.connections.at(of.connection).state else { return };
        let informer = &mut self.workers[worker as usize].informer;
        informer.lists(SimTime::ZERO);
        let generation = informer.watches(server);
        self.audiences[server.index()].workloads += 1;
        let ends = SimTime::ZERO + self.watch_time(worker_entity(worker), generation).scaled(share);
        future.schedule(ends, Event::Workload(worker, generation, WorkloadStep::WatchEnded));
    }

    /// A node's network is ready: the agents that belong on it start, and what ran on it before.
    pub(crate) fn workloads_start_on(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let known = self.processes_on.get(node.index()).is_some_and(|processes| !processes.is_empty());
        if !known {
            for client in 0..self.plan.workloads.len() as u32 {
                if self.plan.workloads[client as usize].replicas.is_some() {
                    continue; // it runs where it ran
                }
                let process = self.add_process(client, node);
                let origin = self.origin_of(node);
                self.processes[process as usize].connection = self.connections.add(Owner::Workload(process), origin);
            }
        }
        for index in 0..self.processes_on.get(node.index()).map_or(0, Vec::len) {
            let process = self.processes_on[node.index()][index];
            if !self.processes[process as usize].is_running() {
                self.process_starts(now, process, future);
            }
        }
    }

    /// A node dies, and the workload clients on it.
    pub(crate) fn workloads_end_on(&mut self, now: SimTime, node: NodeId) {
        for index in 0..self.processes_on.get(node.index()).map_or(0, Vec::len) {
            self.process_ends(now, self.processes_on[node.index()][index]);
        }
    }

    /// Every living process of a workload client is started anew.
    pub(crate) fn workload_restarts(&mut self, now: SimTime, client: u32, future: &mut Future) {
        let name = self.plan.workloads[client as usize].name.clone();
        let note = || format!("every process of {name} starts anew");
        self.probes.timeline.note(now, Weight::Turn, None, "workload/restart", u64::from(client), note);
        for process in 0..self.processes.len() as u32 {
            let of = &self.processes[process as usize];
            if of.client == client && of.is_running() {
                self.process_ends(now, process);
                self.process_starts(now, process, future);
            }
        }
    }

    fn process_starts(&mut self, now: SimTime, process: u32, future: &mut Future) {
        self.processes[process as usize].starts();
        let generation = self.processes[process as usize].generation();
        for worker in self.workers_of(process) {
            let mut draw = self.key.draw(START, u64::from(worker), u64::from(generation));
            let starts = now + self.plan.parameters.workload.start_spread.duration(&mut draw) + self.pace(worker);
            future.schedule(starts, Event::Workload(worker, generation, WorkloadStep::Due));
        }
    }

    fn process_ends(&mut self, now: SimTime, process: u32) {
        if !self.processes[process as usize].ends() {
            return;
        }
        self.abandon(now, self.processes[process as usize].connection);
        for worker in self.workers_of(process) {
            self.worker_hears_no_more(worker, None);
            self.workers[worker as usize].outage.ends();
        }
    }

    /// A worker has come a step further; what belongs to an earlier life does nothing.
    pub(crate) fn workload(
        &mut self,
        now: SimTime,
        worker: u32,
        generation: u32,
        step: WorkloadStep,
        future: &mut Future,
    ) {
        let process = self.workers[worker as usize].process as usize;
        let current = match step {
            WorkloadStep::WatchEnded => self.workers[worker as usize].informer.generation(),
            WorkloadStep::Due | WorkloadStep::Turn => self.processes[process].generation(),
        };
        if generation != current || !self.processes[process].is_running() {
            return;
        }
        match step {
            WorkloadStep::Due => {
                let turn = self.processes[process].turn(now);
                if turn <= now {
                    return self.worker_calls(now, worker, future);
                }
                future.schedule(turn, Event::Workload(worker, generation, WorkloadStep::Turn));
            }
            WorkloadStep::Turn => self.worker_calls(now, worker, future),
            WorkloadStep::WatchEnded => {
                let connection = self.connections.at(self.processes[process].connection);
                if matches!(connection.state, ConnectionState::Open { silent: None, .. }) {
                    self.worker_hears_no_more(worker, Some(now));
                    self.worker_calls(now, worker, future);
                }
            }
        }
    }

    fn worker_calls(&mut self, now: SimTime, worker: u32, future: &mut Future) {
        let process = self.workers[worker as usize].process as usize;
        let workload = &self.plan.workloads[self.processes[process].client as usize];
        let client = self.processes[process].client;
        let account = if workload.system { User::KubeSystem(client) } else { User::ServiceAccount(client) };
        let call = match (workload.does, self.workers[worker as usize].informer.next()) {
            (WorkloadCall::List, _) => Call::List,
            (WorkloadCall::Get, _) => Call::Get,
            (WorkloadCall::Apply, _) => Call::Apply,
            (WorkloadCall::Watch, Next::List) => Call::Fill,
            (WorkloadCall::Watch, Next::Watch) => Call::Watch,
        };
        self.call(now, Caller::Workload(worker), Aim::Workload(call, account), None, future);
    }

    /// A worker's request has ended.
    pub(crate) fn workload_answered(
        &mut self,
        now: SimTime,
        worker: u32,
        aim: Aim,
        outcome: Outcome,
        future: &mut Future,
    ) {
        let informer = &mut self.workers[worker as usize].informer;
        match (outcome, aim) {
            (Outcome::Succeeded, Aim::Workload(Call::Fill, _)) => {
                informer.lists(now);
                self.worker_calls(now, worker, future);
            }
            (Outcome::Succeeded, Aim::Workload(Call::Watch, _)) => self.worker_watches(now, worker, future),
            (Outcome::Succeeded, _) => {
                let process = self.workers[worker as usize].process as usize;
                let interval = self.plan.workloads[self.processes[process].client as usize].interval;
                self.worker_is_due(now + interval, worker, future);
            }
            (Outcome::TooManyRequests, _) if informer.may_retry(self.plan.parameters.informer.retries) => {
                self.worker_is_due(now + self.retry_after, worker, future);
            }
            _ => self.worker_fails(now, worker, future),
        }
    }

    fn worker_watches(&mut self, now: SimTime, worker: u32, future: &mut Future) {
        let process = self.workers[worker as usize].process as usize;
        let connection = self.connections.at(self.processes[process].connection);
        let ConnectionState::Open { server, .. } = connection.state else { return };
        let informer = &mut self.workers[worker as usize].informer;
        let seen = informer.seen().unwrap_or(SimTime::ZERO);
        if !self.api_servers[server.index()].watch_cache.can_resume(Resource::Pods, seen) {
            informer.breaks(None); // too old
            return self.worker_fails(now, worker, future);
        }
        let generation = informer.watches(server);
        self.audiences[server.index()].workloads += 1;
        let ends = now + self.watch_time(worker_entity(worker), generation);
        future.schedule(ends, Event::Workload(worker, generation, WorkloadStep::WatchEnded));
    }

    /// A worker's request has failed: it pauses, or tries again at once.
    fn worker_fails(&mut self, now: SimTime, worker: u32, future: &mut Future) {
        let process = self.workers[worker as usize].process as usize;
        if !self.plan.workloads[self.processes[process].client as usize].back_off {
            return self.worker_is_due(now, worker, future);
        }
        let backoff = &mut self.workers[worker as usize].informer.backoff;
        let share = self.key.draw(PAUSE, u64::from(worker), backoff.failures()).uniform();
        let pause = backoff.failed(now, share, &self.plan.parameters.informer);
        self.worker_is_due(now + pause, worker, future);
    }

    fn worker_is_due(&mut self, at: SimTime, worker: u32, future: &mut Future) {
        let generation = self.processes[self.workers[worker as usize].process as usize].generation();
        future.schedule(at + self.pace(worker), Event::Workload(worker, generation, WorkloadStep::Due));
    }

    /// What a worker does between two requests.
    fn pace(&self, worker: u32) -> sim_kernel::SimDuration {
        let round = u64::from(self.workers[worker as usize].requests);
        self.plan.parameters.workload.pace.duration(&mut self.key.draw(PACE, u64::from(worker), round))
    }

    fn worker_hears_no_more(&mut self, worker: u32, seen: Option<SimTime>) {
        if let Some(server) = self.workers[worker as usize].informer.breaks(seen) {
            self.audiences[server.index()].workloads -= 1;
        }
    }

    /// The connection of a process is lost, and with it the watches of its workers.
    pub(crate) fn workload_watch_breaks(
        &mut self,
        now: SimTime,
        process: u32,
        silent_since: Option<SimTime>,
        reset: bool,
        future: &mut Future,
    ) {
        for worker in self.workers_of(process) {
            if self.workers[worker as usize].informer.server().is_some() {
                let seen = reset.then(|| self.last_seen(now, worker_entity(worker), silent_since));
                self.worker_hears_no_more(worker, seen);
                self.worker_fails(now, worker, future);
            }
        }
    }
}

/// The entity of a worker's random draws among those of all clients.
pub(crate) fn worker_entity(worker: u32) -> u64 {
    7 << 32 | u64::from(worker)
}
