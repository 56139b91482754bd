//! What an API server does with a request: admission by priority level, a core, and the seat that goes to the next one.
//!
//! ```text
//! Arrives -> (429 | queue -> QueueDeadline: 429) -> seated -> a core -> Processed -> etcd -> leaves its seat
//! ```

use crate::aim::{Outcome, Work};
use crate::event::{Event, Future, RequestStep};
use crate::ids::RequestRef;
use crate::stations::control_plane::Admission;
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
        let life = self.requests.life(slot);
        let server = self.requests.at(slot).server.index();
        if let Some(time) = self.api_servers[server].process(life, cpu) {
            future.schedule(now + time, Event::Request(life, RequestStep::Processed));
        }
    }

    fn cpu_time(&self, slot: u32) -> SimDuration {
        let parameters = &self.plan.parameters.api_server;
        let draw = &mut self.draw_for(slot, CPU);
        match self.requests.at(slot).aim.work() {
            Work::QuorumRead => parameters.read_cpu.duration(draw),
            Work::Write => parameters.write_cpu.duration(draw),
            Work::List => {
                let objects = self.cluster.pod_objects();
                parameters.read_cpu.duration(draw) + parameters.list_cpu_per_object.duration(draw) * objects
            }
        }
    }

    pub(crate) fn request_processed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let server = self.requests.at(slot).server.index();
        if let Some((next, time)) = self.api_servers[server].core_free() {
            future.schedule(now + time, Event::Request(next, RequestStep::Processed));
        }
        self.ask_etcd(now, slot, future);
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
