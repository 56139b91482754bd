//! What an API server does with a request: admission by priority level, a core, and the seat that goes to the next one.
//!
//! ```text
//! Arrives -> (429 | queue -> QueueDeadline: 429) -> seated -> a core, slice by slice -> etcd -> leaves its seat
//! ```

use crate::aim::Outcome;
use crate::event::{Event, Future};
use crate::ids::{ApiServerId, RequestRef};
use crate::stations::control_plane::{Admission, Job, Request};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const CPU: Purpose = Purpose::new("request/cpu");

impl World {
    pub(crate) fn request_arrives(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let life = self.requests.life(slot);
        let request = self.requests.at(slot);
        match self.api_servers[request.server.index()].flow_control.arrive(request.aim.level(), life) {
            Admission::Seated => self.seated(now, slot, future),
            Admission::Queued => future.schedule_in_lane(self.lanes.queue_wait, Event::QueueDeadline(life)),
            Admission::Rejected => self.respond(now, slot, Outcome::TooManyRequests, future),
        }
    }

    /// A request has waited in its queue for too long: 429.
    pub(crate) fn queue_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if !self.requests.lives(request) || !self.requests.at(request.slot).in_hand {
            return;
        }
        let entry = self.requests.at(request.slot);
        let (server, level) = (entry.server.index(), entry.aim.level());
        if self.api_servers[server].flow_control.give_up(level, request) {
            self.respond(now, request.slot, Outcome::TooManyRequests, future);
        }
    }

    /// The request has a seat: it wants CPU.
    fn seated(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let cpu = self.cpu_time(slot);
        let job = Job::Request(self.requests.life(slot));
        let server = self.requests.at(slot).server;
        self.run_job(now, server, job, cpu, future);
    }

    /// Something wants CPU time of an API server; `job_done` when it has had it.
    pub(crate) fn run_job(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        job: Job,
        cpu: SimDuration,
        future: &mut Future,
    ) {
        self.api_servers[server.index()].cores.arrive(now, job, cpu);
        self.await_cores(server, future);
    }

    /// A core of an API server is to be asked.
    pub(crate) fn core(&mut self, now: SimTime, server: ApiServerId, core: u8, generation: u32, future: &mut Future) {
        let done = self.api_servers[server.index()].cores.ask(now, core, generation);
        self.await_cores(server, future);
        match done {
            Some(Job::Request(request)) => self.request_processed(now, request, future),
            Some(Job::Handshake(_) | Job::FanOut | Job::Start) | None => {}
        }
    }

    fn await_cores(&mut self, server: ApiServerId, future: &mut Future) {
        while let Some(ring) = self.api_servers[server.index()].cores.next_ring() {
            future.schedule(ring.at, Event::Core(server, ring.core, ring.generation));
        }
    }

    fn request_processed(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if self.requests.lives(request) && self.requests.at(request.slot).in_hand {
            if self.budget_refuses(self.requests.at(request.slot).aim) {
                return self.leave_server(now, request.slot, Outcome::Withheld, future);
            }
            self.ask_etcd(now, request.slot, future);
        }
    }

    fn cpu_time(&self, slot: u32) -> SimDuration {
        let objects = self.cluster.pod_objects();
        let Request { aim, caller, .. } = *self.requests.at(slot);
        aim.cpu(caller, objects, &self.plan.parameters, &mut self.draw_for(slot, CPU))
    }

    /// A seated request is done: whoever waits gets its seat, and the answer goes out.
    pub(crate) fn leave_server(&mut self, now: SimTime, slot: u32, answer: Outcome, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, level) = (request.server.index(), request.aim.level());
        if let Some(next) = self.api_servers[server].flow_control.leave(level) {
            self.seated(now, next.slot, future);
        }
        self.respond(now, slot, answer, future);
    }
}
