//! The life of an API server:
//!
//! ```text
//! launched -> its process starts -> lists from etcd -> Ready -> registered -> passes a check -> gets flows
//! told to stop: /readyz fails, it serves on -> DelayOver: GOAWAY, it refuses new flows -> Drains -> exits
//!               -> starts again in its place, or its instance is terminated
//! machine dies -> FoundDead -> another instance is launched, in another zone if its own is dark
//! ```

use crate::event::{Event, Future, Part, ServerStep};
use crate::ids::{ApiServerId, Component, RequestRef};
use crate::parameters::{Parameters, declaration, tier_settings};
use crate::placement::CONTROL_PLANE_ZONES;
use crate::plan::{Plan, ZoneId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::clients::audience::Audience;
use crate::stations::control_plane::{ApiServer, Cores, Job, Kind, Phase, Role};
use crate::stations::services::identity::TokenCache;
use crate::world::{ComponentClient, World};
use sim_kernel::{Purpose, SimDuration, SimTime};

const DETECTION: Purpose = Purpose::new("server/detection");
const LAUNCH: Purpose = Purpose::new("server/launch");
const RESTART: Purpose = Purpose::new("server/restart");
const ZONE: Purpose = Purpose::new("server/zone");

impl World {
    /// Handles a step in the life of an API server; one of an earlier life does nothing.
    #[cold]
    pub(crate) fn server_life(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        life: u32,
        step: ServerStep,
        future: &mut Future,
    ) {
        if self.api_servers[server.index()].life() != life {
            return;
        }
        match step {
            ServerStep::FoundDead => self.found_dead(now, server, future),
            ServerStep::DelayOver => self.stops_listening(now, server, future),
            ServerStep::Drains => self.drains(now, server, future),
            ServerStep::NextRestarts => self.next_restarts(now, server, future),
        }
    }

    /// A server whose process has started reads everything from etcd before it is ready.
    pub(crate) fn make_first_lists(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        self.token_caches[server.index()].forgets_all();
        let objects = self.cluster.pod_objects() + 2 * u64::from(self.cluster.node_count());
        let seconds = objects as f64 / self.plan.parameters.control_plane.first_lists_per_s;
        self.run_job(now, server, Job::Start, SimDuration::from_secs_f64(seconds), future);
    }

    /// The first lists of a server are there: it is ready. A new one becomes a target.
    pub(crate) fn first_lists_made(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        self.api_servers[server.index()].watch_cache.is_filled_now();
        if !self.api_servers[server.index()].goes(Phase::Starting, Phase::Ready) {
            return;
        }
        if self.fleet.at(server).role == Role::Launching {
            self.fleet.set_role(server, Role::Serving);
            self.register_target(now, server, future);
        }
        self.interfaces_turn(now, None, future);
        if self.fleet.restarting() == Some(server) {
            self.await_next_restart(now, server, future);
        }
    }

    /// A server is told to stop: its `/readyz` fails from now on, and it serves on for the shutdown delay. One that leaves
    /// for good is deregistered too.
    pub(crate) fn server_stops(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        let process = &mut self.api_servers[server.index()];
        if !process.goes(Phase::Ready, Phase::Stopping) && !process.goes(Phase::Starting, Phase::Stopping) {
            return;
        }
        let (zone, life) = (process.zone, process.life());
        let name = self.zone_name(zone);
        let subject = u64::from(server.0) << 32 | u64::from(life);
        let noted = self.probes.timeline.note(now, Weight::Step, cause, "server/stopping", subject, || {
            format!("API server in {name} is told to stop: /readyz fails, it serves on")
        });
        self.stories[zone.index()] = noted.or(cause);
        if self.fleet.at(server).role == Role::Leaving {
            self.deregister_target(now, server, future);
        }
        self.interfaces_turn(now, noted.or(cause), future);
        let delay = self.plan.parameters.control_plane.shutdown_delay;
        future.schedule(now + delay, Event::Server(server, life, ServerStep::DelayOver));
    }

    fn stops_listening(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let until = now + self.plan.parameters.control_plane.drain_timeout;
        if self.api_servers[server.index()].goes(Phase::Stopping, Phase::Draining { until }) {
            self.say_goaway(now, server, future);
            self.drains(now, server, future);
        }
    }

    /// A server that no longer listens looks whether requests still run.
    fn drains(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let process = &self.api_servers[server.index()];
        let Phase::Draining { until } = process.phase() else { return };
        // GOAWAY is on its way: the first look comes after the pause.
        let began = now + self.plan.parameters.control_plane.drain_timeout == until;
        if !began && process.is_idle() || now >= until {
            return self.exits(now, server, future);
        }
        let next = (now + self.plan.parameters.control_plane.drain_poll).min(until).max(now);
        future.schedule(next, Event::Server(server, process.life(), ServerStep::Drains));
    }

    /// The process exits. Its instance is terminated, or it starts again there.
    fn exits(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let zone = self.api_servers[server.index()].zone;
        let cause = self.stories[zone.index()];
        let (name, leaves) = (self.zone_name(zone), self.fleet.at(server).role == Role::Leaving);
        let subject = u64::from(server.0) << 32 | u64::from(self.api_servers[server.index()].life());
        let end = if leaves { "; its instance is terminated" } else { "" };
        self.probes
            .timeline
            .note(now, Weight::Step, cause, "server/exits", subject, || format!("API server in {name} exits{end}"));
        let had = self.api_servers[server.index()].crash(now, cause);
        self.drop_all_from_server(had);
        self.reset_by_the_machine(now, server, cause, future);
        if leaves {
            self.leases_are_given_back(server);
            return self.instance_goes(now, server, cause, future);
        }
        let life = self.api_servers[server.index()].life();
        let draw = &mut self.key.draw(RESTART, u64::from(server.0), u64::from(life));
        let time = self.plan.parameters.api_server.restart_time.duration(draw);
        future.schedule(now + time, Event::Start(Part::ApiServer(server), life));
    }

    /// The server side of these requests is over, unless it was already.
    pub(crate) fn drop_all_from_server(&mut self, had: Vec<RequestRef>) {
        for request in had {
            if self.requests.lives(request) {
                self.drop_from_server(request.slot);
            }
        }
    }

    /// The instance of a server is terminated, with the components on it.
    pub(crate) fn instance_goes(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        for component in Component::ALL {
            self.candidate_stops(now, component, server, cause);
        }
        let had = self.api_servers[server.index()].die(now, cause);
        self.drop_all_from_server(had);
        self.fleet.set_role(server, Role::Gone);
        self.interface_goes(now, server, cause, future);
    }

    /// The provider will find out that the machine of a server is dead.
    pub(crate) fn will_be_found_dead(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let control_plane = &self.plan.parameters.control_plane;
        if control_plane.repair {
            let life = self.api_servers[server.index()].life();
            let draw = &mut self.key.draw(DETECTION, u64::from(server.0), u64::from(life));
            let found = now + control_plane.detection.duration(draw);
            future.schedule(found, Event::Server(server, life, ServerStep::FoundDead));
        }
    }

    /// A dead instance is found: another one takes its place.
    fn found_dead(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let process = &self.api_servers[server.index()];
        if !process.is_silent() || process.is_up() {
            return;
        }
        let (cause, kind) = (process.down_since().and_then(|(_, cause)| cause), self.fleet.at(server));
        match kind.role {
            Role::Gone => {}
            Role::Leaving => self.instance_goes(now, server, cause, future),
            Role::Serving | Role::Launching => self.replace_server(now, server, kind.kind, cause, future),
        }
    }

    fn replace_server(&mut self, now: SimTime, server: ApiServerId, kind: Kind, cause: Cause, future: &mut Future) {
        let old = self.api_servers[server.index()].zone;
        let zone = if self.zones.has_power(old) { old } else { self.zone_for_launch(server) };
        let (from, to) = (self.zone_name(old), self.zone_name(zone));
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "server/replaced", u64::from(server.0), || {
            format!("provider gives up the API server in {from} and launches another one in {to}")
        });
        if let Some(new) = self.launch_server(now, zone, kind, noted.or(cause), future) {
            self.fleet.replace(server, new);
            self.deregister_target(now, server, future);
        }
    }

    /// A zone with power that holds the fewest API servers; the dead server's own, if all are dark.
    pub(crate) fn zone_for_launch(&self, server: ApiServerId) -> ZoneId {
        let holds = |zone: &ZoneId| {
            let here = |role| self.fleet.with(role).filter(|id| self.api_servers[id.index()].zone == *zone).count();
            here(Role::Serving) + here(Role::Launching)
        };
        let lit = || (0..CONTROL_PLANE_ZONES).map(ZoneId).filter(|zone| self.zones.has_power(*zone));
        let Some(fewest) = lit().map(|zone| holds(&zone)).min() else {
            return self.api_servers[server.index()].zone;
        };
        let best: Vec<ZoneId> = lit().filter(|zone| holds(zone) == fewest).collect();
        best[self.key.draw(ZONE, u64::from(server.0), 0).below(best.len() as u64) as usize]
    }

    /// An instance for an API server is launched: everything that goes by server grows. `None` if a run's ids are used up.
    pub(crate) fn launch_server(
        &mut self,
        now: SimTime,
        zone: ZoneId,
        kind: Kind,
        cause: Cause,
        future: &mut Future,
    ) -> Option<ApiServerId> {
        let server = self.fleet.launch(kind)?;
        let (parameters, members) = (self.parameters_of(kind), self.etcd.ids().count());
        self.api_servers.push(ApiServer::launching(zone, members, &parameters, now, cause));
        self.interface_comes(now, server, zone, cause);
        self.token_caches.push(TokenCache::default());
        self.audiences.push(Audience::default());
        for component in Component::ALL {
            self.leases[component.index()].add_candidate();
            self.components[component.index()].push(ComponentClient::default());
            let loopback = self.open_loopback(component, server);
            self.connect_loopback(loopback, server);
            self.loopbacks[component.index()].push(loopback);
        }
        let draw = &mut self.key.draw(LAUNCH, u64::from(server.0), 0);
        let time = self.plan.parameters.control_plane.launch_time.duration(draw);
        future.schedule(now + time, Event::Start(Part::ApiServer(server), 0));
        Some(server)
    }

    /// The parameters of a kind of instance.
    pub(crate) fn parameters_of(&self, kind: Kind) -> Parameters {
        parameters_of(&self.plan, kind)
    }

    /// All API servers restart gracefully in their places, one after another.
    pub(crate) fn restarts_begin(&mut self, now: SimTime, future: &mut Future) {
        let text = || "API servers restart one after another".to_owned();
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "server/restarts", 0, text);
        if self.fleet.begin_restarts()
            && let Some(first) = self.fleet.restarting()
        {
            self.restarts_or_next(now, first, cause, future);
        }
    }

    /// A server of a restart of all begins to stop; one that cannot is passed over.
    fn restarts_or_next(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        if self.api_servers[server.index()].is_ready() {
            self.server_stops(now, server, cause, future);
        } else {
            self.await_next_restart(now, server, future);
        }
    }

    fn await_next_restart(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let life = self.api_servers[server.index()].life();
        let gap = self.plan.parameters.control_plane.restart_gap;
        future.schedule(now + gap, Event::Server(server, life, ServerStep::NextRestarts));
    }

    fn next_restarts(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        if self.fleet.restarting() == Some(server)
            && let Some(next) = self.fleet.next_restart()
        {
            let cause = self.stories[self.api_servers[server.index()].zone.index()];
            self.restarts_or_next(now, next, cause, future);
        }
    }
}

/// The parameters of a kind of instance: the plan's, but what its tier and growth set, unless the user set that.
pub(crate) fn parameters_of(plan: &Plan, kind: Kind) -> Parameters {
    let mut parameters = plan.parameters.clone();
    let planned = parameters.control_plane.tier;
    let tier = Parameters::tier_origin(planned);
    let free = |path: &str| plan.settings.iter().all(|setting| setting.path != path || setting.origin == tier);
    if kind.tier != planned {
        let default = |path: &'static str| declaration(path).expect("a tier sets declared parameters").default;
        let back = tier_settings(planned).iter().map(|(path, _)| (*path, default(path)));
        for (path, value) in back.chain(tier_settings(kind.tier).iter().copied()).filter(|(path, _)| free(path)) {
            parameters.set(path, value).expect("a tier sets valid values (tested)");
        }
    }
    let (step, steps, scaling) = (u64::from(kind.step), u64::from(Kind::STEPS), &plan.parameters.scaling);
    if free("api_server.cores") {
        let cores = parameters.api_server.cores * scaling.growth.pow(u32::from(kind.step));
        parameters.api_server.cores = cores.min(Cores::MOST);
    }
    if free("api_server.memory_gib") {
        parameters.api_server.memory_gib *= scaling.growth.pow(u32::from(kind.step)) as f64;
    }
    if free("flow_control.seats") {
        let seats = &mut parameters.flow_control.seats;
        *seats += scaling.largest_seats.saturating_sub(*seats) * step / steps;
    }
    parameters
}
