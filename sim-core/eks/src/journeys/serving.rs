//! What an API server does with a request: admission by priority level, a core, and the seats that go to the next one.
//!
//! ```text
//! Arrives -> (429 | queue -> QueueDeadline: 429) -> seated -> a core, slice by slice -> etcd -> leaves its seats
//!               |                                     |                                 |
//!               '------- its client gives up, or the server's own deadline passes: it is cancelled
//! ```

use crate::aim::{Aim, Level, Outcome, Resource, Verb, Work};
use crate::event::{Event, Future};
use crate::ids::{ApiServerId, Component, RequestRef};
use crate::record::Weight;
use crate::stations::control_plane::{Admission, Job, Listed, Request, Seat, Standing, Width};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const CPU: Purpose = Purpose::new("request/cpu");
const FLOW: Purpose = Purpose::new("flow-control/flow");

impl World {
    /// A request whose caller is known asks for admission.
    pub(crate) fn request_arrives(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        if !self.requests.at(slot).awaited {
            return self.drop_from_server(slot); // its client has given it up on the way
        }
        let life = self.requests.life(slot);
        let Request { caller, aim, server, .. } = *self.requests.at(slot);
        let level = aim.flow_schema(caller).level();
        let (flow, width) = (self.flow_of(slot), self.width_of(slot, level));
        let patience = self.lanes.patience(caller, aim);
        if !patience.is_clients {
            future.schedule_in_lane(patience.lane, Event::ServerDeadline(life));
        }
        match self.api_servers[server.index()].flow_control.arrive(now, level, flow, life, width) {
            Admission::Seated(seat) => self.seated(now, slot, seat, future),
            Admission::Queued(queue) => {
                self.requests.at_mut(slot).standing = Standing::Queued(level, queue);
                future.schedule_in_lane(patience.in_queue, Event::QueueDeadline(life));
            }
            Admission::Rejected => self.reject(now, slot, level, future),
        }
        self.seats_change(now, server, future);
    }

    /// The flow of a request: its flow schema, and who sends it or what namespace it is about.
    fn flow_of(&self, slot: u32) -> u64 {
        let Request { caller, aim, .. } = *self.requests.at(slot);
        let schema = aim.flow_schema(caller);
        let distinguisher = if schema.is_by_namespace() { self.namespace_of(aim) } else { aim.user(caller).number() };
        self.key.draw(FLOW, schema as u64, distinguisher).next_u64()
    }

    fn width_of(&self, slot: u32, level: Level) -> Width {
        let Request { aim, server, .. } = *self.requests.at(slot);
        let parameters = &self.plan.parameters;
        let most = self.api_servers[server.index()].flow_control.widest(level);
        match aim.work() {
            Work::QuorumRead | Work::Stream => Width::ONE,
            Work::Cached if aim.verb_kind() != Verb::List => Width::ONE,
            Work::List | Work::Cached => {
                let flow_control = &parameters.flow_control;
                let by_bytes = flow_control.list_seats_by_bytes.holds(self.fleet.at(server).kind.minor, 34);
                let (objects, bytes) = (self.answer_objects(aim), self.list_bytes(aim));
                Width::of_list(Listed { objects, bytes, streamed: true, by_bytes }, most, flow_control)
            }
            Work::Write => Width::of_write(self.audience(aim, server), most, &parameters.flow_control),
        }
    }

    /// Who watches the object of a write on an API server, as flow control counts: the components that act there, the
    /// kube-proxies that watch there, and workload clients. Kubelets' watches of their own pods, which are indexed by
    /// node, do not count.
    pub(crate) fn audience(&self, aim: Aim, server: ApiServerId) -> u64 {
        let who: &[Component] = match aim.resource() {
            Resource::Pods => &[Component::ControllerManager, Component::Scheduler],
            Resource::Nodes => &Component::ALL,
            Resource::Leases | Resource::Workloads | Resource::EndpointSlices => &[Component::ControllerManager],
            Resource::Applied => &[],
        };
        let acts_here = |component: &&Component| self.leader(**component).is_some_and(|(leader, _)| leader == server);
        let components = who.iter().filter(acts_here).count() as u64;
        let audience = &self.audiences[server.index()];
        match aim.resource() {
            Resource::Pods => components + u64::from(audience.workloads),
            Resource::EndpointSlices => components + u64::from(audience.kubelets),
            _ => components,
        }
    }

    /// The namespace that a controller's request is about, as a number.
    fn namespace_of(&self, aim: Aim) -> u64 {
        let deployment = match aim {
            Aim::DeletePod(pod, _)
            | Aim::EvictPod(pod)
            | Aim::DeleteReplica(pod, _)
            | Aim::DeleteStatefulPod(pod, _)
            | Aim::ForceDeletePod(pod)
            | Aim::NominatePod(pod)
            | Aim::BindPod(pod, _)
            | Aim::BindToMicroVm(pod, _) => self.cluster.pods[pod.index()].deployment,
            Aim::CreatePod(set)
            | Aim::CreateStatefulPod(set)
            | Aim::ReportReplicaSet(set)
            | Aim::ReportStatefulSet(set)
            | Aim::ScaleReplicaSet(set, _) => self.cluster.replica_sets[set.index()].deployment,
            Aim::CreateReplicaSet(deployment, _)
            | Aim::ReportDeployment(deployment)
            | Aim::CreateJobPod(deployment)
            | Aim::ReportJob(deployment) => deployment,
            _ => return u64::MAX, // what has no namespace, and what no Deployment owns
        };
        self.namespaces.get(deployment.index()).map_or(u64::MAX, |first| u64::from(*first))
    }

    /// 429, and when to come again.
    fn reject(&mut self, now: SimTime, slot: u32, level: Level, future: &mut Future) {
        let server = self.requests.at(slot).server;
        let seconds = self.api_servers[server.index()].flow_control.retry_after(now, level);
        self.requests.at_mut(slot).retry_after = SimDuration::from_secs_f64(seconds as f64);
        self.probes.flow.rejected(now, level);
        self.respond(now, slot, Outcome::TooManyRequests, future);
    }

    /// A request has waited in its queue for too long: 429.
    pub(crate) fn queue_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if !self.requests.lives(request) {
            return;
        }
        let Request { standing: Standing::Queued(level, _), server, .. } = *self.requests.at(request.slot) else {
            return;
        };
        self.cancel(now, request.slot, future);
        self.reject(now, request.slot, level, future);
        self.seats_change(now, server, future);
    }

    /// The server's own deadline for a request passes, queue and all: its client gets an error.
    pub(crate) fn server_deadline(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if self.requests.lives(request) && self.requests.at(request.slot).standing != Standing::Outside {
            self.cancel(now, request.slot, future);
            self.respond(now, request.slot, Outcome::ServerError, future);
        }
    }

    /// Nobody wants the answer of a request any more. What runs on a core runs on, and keeps its seats.
    pub(crate) fn cancel(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.life(slot);
        let Request { standing, server, server_life, .. } = *self.requests.at(slot);
        let station = &mut self.api_servers[server.index()];
        if station.life() != server_life {
            return self.drop_from_server(slot);
        }
        match standing {
            Standing::Outside | Standing::Cancelled(_) => return,
            Standing::Queued(level, queue) => {
                station.flow_control.give_up(now, level, queue, request);
                self.requests.at_mut(slot).standing = Standing::Outside;
            }
            Standing::OnCores(seat) => self.requests.at_mut(slot).standing = Standing::Cancelled(seat),
            Standing::InEtcd(seat) => {
                self.requests.at_mut(slot).standing = Standing::Outside;
                self.leave_seats(now, slot, seat, future);
            }
        }
        let request = self.requests.at_mut(slot);
        request.in_hand = false;
        request.etcd_try = request.etcd_try.wrapping_add(1); // whatever is still under way in etcd is given up
        self.seats_change(now, server, future);
    }

    /// The request has its seats: it wants CPU.
    fn seated(&mut self, now: SimTime, slot: u32, seat: Seat, future: &mut Future) {
        self.probes.flow.seated(seat.since, seat.level, seat.waited);
        self.requests.at_mut(slot).standing = Standing::OnCores(seat);
        if self.awaits_watch_cache(slot) {
            return self.refuse_seated(now, slot, future);
        }
        self.takes_memory(now, slot, future);
        let server = self.requests.at(slot).server;
        let cpu = self.cpu_time(slot);
        let job = Job::Request(self.requests.life(slot));
        self.run_job(now, server, job, cpu, future);
    }

    /// Whether a LIST or a watch needs a watch cache that its server has yet to fill. The pages of `kubectl get` do not:
    /// etcd answers them.
    fn awaits_watch_cache(&self, slot: u32) -> bool {
        let Request { aim, server, .. } = *self.requests.at(slot);
        let cached = matches!(aim.verb_kind(), Verb::List | Verb::Watch) && !matches!(aim, Aim::List(_));
        let cache = &self.api_servers[server.index()].watch_cache;
        let refuses = self.plan.parameters.watch_cache.refuses_until_filled;
        cached && !cache.is_filled() && refuses.holds(self.fleet.at(server).kind.minor, 31)
    }

    /// A LIST takes memory for its answer. Beyond what the server has, its process is killed.
    fn takes_memory(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let Request { aim, server, .. } = *self.requests.at(slot);
        if aim.verb_kind() != Verb::List {
            return;
        }
        let parameters = &self.plan.parameters;
        let bytes = (self.list_bytes(aim) as f64 * parameters.api_server.list_memory_factor) as u64;
        let cache = self.cache_memory();
        self.requests.at_mut(slot).memory = bytes;
        if !self.api_servers[server.index()].memory.takes(bytes, cache) {
            let after_this_instant = now + SimDuration::from_nanos(1); // whatever else happens in it
            future.schedule(after_this_instant, Event::OutOfMemory(server, self.api_servers[server.index()].life()));
        }
    }

    /// What the watch cache of an API server takes of its memory, bytes.
    pub(crate) fn cache_memory(&self) -> u64 {
        (self.cached_bytes() as f64 * self.plan.parameters.api_server.cache_memory_factor) as u64
    }

    /// 429 to a request that has its seats. Whoever seated it goes on with those who get them.
    fn refuse_seated(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let wait = self.plan.parameters.watch_cache.retry_after;
        let request = self.requests.at_mut(slot);
        request.retry_after = wait;
        if let Standing::OnCores(seat) = std::mem::replace(&mut request.standing, Standing::Outside) {
            self.leave_seats(now, slot, seat, future);
        }
        self.respond(now, slot, Outcome::TooManyRequests, future);
    }

    /// Bytes of the objects that a LIST answers with.
    fn list_bytes(&self, aim: Aim) -> u64 {
        self.answer_objects(aim) * aim.object_bytes(&self.plan.parameters)
    }

    /// Bytes of all objects that a watch cache holds.
    fn cached_bytes(&self) -> u64 {
        let (bytes, nodes) = (&self.plan.parameters.object_bytes, u64::from(self.cluster.node_count()));
        self.cluster.pod_objects() * bytes.pod + nodes * (bytes.node + bytes.lease)
    }

    /// The kernel kills an API server's process for its memory.
    #[cold]
    pub(crate) fn out_of_memory(&mut self, now: SimTime, server: ApiServerId, life: u32, future: &mut Future) {
        let station = &self.api_servers[server.index()];
        if station.life() != life || !station.is_up() {
            return;
        }
        let name = self.zone_name(station.zone);
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "server/out-of-memory", server.0.into(), || {
            format!("LISTs take more memory than the API server in {name} has: its process is killed")
        });
        self.server_crashes(now, server, cause, future);
    }

    /// A write has taken effect: the servers remember it, and encode it for who watches.
    pub(crate) fn fan_out(&mut self, now: SimTime, aim: Aim, future: &mut Future) {
        let parameters = &self.plan.parameters.api_server;
        let (each, batch) = (parameters.watch_event_cpu, parameters.watch_batch_cpu);
        let tells_kubelet = self.tells_kubelet(aim);
        for server in self.server_ids() {
            if !self.api_servers[server.index()].is_up() {
                continue;
            }
            let watchers = self.audience(aim, server) + u64::from(tells_kubelet == Some(server));
            let station = &mut self.api_servers[server.index()];
            station.watch_cache.changes(now, aim.resource());
            station.fan_out += each * watchers;
            station.cores.collects(each * watchers);
            if watchers > 0 && station.fan_out >= batch {
                let cpu = std::mem::take(&mut station.fan_out);
                self.run_job(now, server, Job::FanOut, cpu, future);
            }
        }
    }

    /// The API server that sends a change to the kubelet whose node or pod it is, besides those that flow control counts.
    fn tells_kubelet(&self, aim: Aim) -> Option<ApiServerId> {
        let node = match aim {
            Aim::ReportPodStarted(pod)
            | Aim::ReportPodReady(pod)
            | Aim::ReportPodFinished(pod)
            | Aim::MarkPodNotReady(pod, _)
            | Aim::DeletePod(pod, _)
            | Aim::DeleteReplica(pod, _)
            | Aim::EvictPod(pod)
            | Aim::DeleteAnyPod(pod)
            | Aim::DeleteFinishedPod(pod)
            | Aim::ForceDeletePod(pod)
            | Aim::RemovePod(pod) => self.cluster.pods[pod.index()].node,
            Aim::BindPod(_, node)
            | Aim::BindToMicroVm(_, node)
            | Aim::ReportStatus(node)
            | Aim::MarkNotReady(node)
            | Aim::RemoveTaints(node)
            | Aim::TaintNoExecute(node)
            | Aim::CordonNode(node)
            | Aim::UncordonNode(node) => Some(node),
            _ => None,
        };
        self.kubelets.get(node?.index())?.informer.server()
    }

    /// Seats have changed hands: whoever waited and has them now goes on.
    fn seats_change(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        while let Some((request, seat)) = self.api_servers[server.index()].flow_control.next_seated() {
            self.seated(now, request.slot, seat, future);
        }
        if let Some(at) = self.api_servers[server.index()].flow_control.alarm() {
            future.schedule(at.max(now), Event::SeatsShared(server));
        }
    }

    /// A server's levels share their seats out anew while requests wait.
    pub(crate) fn seats_shared(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        self.api_servers[server.index()].flow_control.period_ends(now);
        self.seats_change(now, server, future);
    }

    /// A served request leaves its seats, save those for its watchers.
    fn leave_seats(&mut self, now: SimTime, slot: u32, seat: Seat, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        let (server, memory) = (request.server, std::mem::take(&mut request.memory));
        let station = &mut self.api_servers[server.index()];
        station.memory.frees(memory);
        if let Some(after) = station.flow_control.leave(now, seat) {
            let event = Event::LastSeats(server, seat.level, seat.width.last, station.life());
            future.schedule(now + after, event);
        }
    }

    /// The work for the watchers of a write is done.
    #[cold]
    pub(crate) fn last_seats(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        level: Level,
        seats: u16,
        life: u32,
        future: &mut Future,
    ) {
        if self.api_servers[server.index()].life() == life {
            self.api_servers[server.index()].flow_control.last_seats_free(now, level, seats.into());
            self.seats_change(now, server, future);
        }
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
            Some(Job::Start) => self.first_lists_made(now, server, future),
            Some(Job::Handshake(connection)) => self.established(now, connection, future),
            Some(Job::FanOut) | None => {}
        }
    }

    fn await_cores(&mut self, server: ApiServerId, future: &mut Future) {
        while let Some(ring) = self.api_servers[server.index()].cores.next_ring() {
            future.schedule(ring.at, Event::Core(server, ring.core, ring.generation));
        }
    }

    fn request_processed(&mut self, now: SimTime, request: RequestRef, future: &mut Future) {
        if !self.requests.lives(request) {
            return;
        }
        let Request { standing, server, aim, .. } = *self.requests.at(request.slot);
        match standing {
            Standing::OnCores(_) if self.budget_refuses(aim) => {
                self.leave_server(now, request.slot, Outcome::Withheld, future);
            }
            Standing::OnCores(seat) => {
                self.requests.at_mut(request.slot).standing = Standing::InEtcd(seat);
                if aim.work() == Work::Stream {
                    return self.dial_kubelet(now, request.slot, future);
                }
                if aim.work() == Work::Cached {
                    return self.leave_server(now, request.slot, Outcome::Succeeded, future);
                }
                self.admit(now, request.slot, future);
            }
            Standing::Cancelled(seat) => {
                self.requests.at_mut(request.slot).standing = Standing::Outside;
                self.leave_seats(now, request.slot, seat, future);
                self.requests.free_if_over(request.slot);
                self.seats_change(now, server, future);
            }
            _ => unreachable!("what runs on a core has seats"),
        }
    }

    fn cpu_time(&self, slot: u32) -> SimDuration {
        let Request { aim, caller, .. } = *self.requests.at(slot);
        let objects = self.answer_objects(aim);
        aim.cpu(caller, objects, &self.plan.parameters, &mut self.draw_for(slot, CPU))
    }

    /// A seated request is done: whoever waits gets its seats, and the answer goes out.
    pub(crate) fn leave_server(&mut self, now: SimTime, slot: u32, answer: Outcome, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        let server = request.server;
        let standing = std::mem::replace(&mut request.standing, Standing::Outside);
        if let Standing::OnCores(seat) | Standing::InEtcd(seat) = standing {
            self.leave_seats(now, slot, seat, future);
            self.seats_change(now, server, future);
        }
        self.respond(now, slot, answer, future);
    }
}
