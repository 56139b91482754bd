//! Leader election of controller managers and scheduler:
//!
//! ```text
//! holder:  renews every 2 s -> (cannot for 10 s) -> GivesUp -> Restarted as a standby
//! standby: looks every 2 to 4.4 s -> sees no change for 15 s -> acquires -> makes its first lists -> Synced: it acts
//! ```
//!
//! Every renewal and every look is a real request over the loopback of the instance.

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{CandidateStep, Event, Future};
use crate::ids::{ApiServerId, Component};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::CandidateState;
use crate::world::{Start, World};
use sim_kernel::{Purpose, SimDuration, SimTime};

const PHASE: Purpose = Purpose::new("leadership/phase");
const PAUSE: Purpose = Purpose::new("leadership/pause");
const RESTART: Purpose = Purpose::new("leadership/restart");
const SYNC: Purpose = Purpose::new("leadership/sync");
const LISTS: Purpose = Purpose::new("leadership/lists");

impl World {
    /// Who acts for a component, and in which term; nobody while the lease is vacant or its holder still lists.
    pub(crate) fn leader(&self, component: Component) -> Option<(ApiServerId, u32)> {
        self.leases[component.index()].acting()
    }

    /// The candidates that exist when the run begins: each somewhere in its rounds.
    pub(crate) fn candidates_run(&mut self, future: &mut Future) {
        for component in Component::ALL {
            let (holder, _) = self.leader(component).expect("a run begins with leaders");
            let period = self.plan.parameters.leader_election.retry_period;
            let renews = period.scaled(self.key.draw(PHASE, entity(component, holder), 0).uniform());
            self.leases[component.index()].holder_ran(holder, renews, period);
            for server in self.server_ids() {
                let next = if server == holder { renews } else { self.standby_ran(component, server, period - renews) };
                future.schedule(SimTime::ZERO + next, Event::Candidate(component, server, 0, CandidateStep::Tries));
            }
        }
    }

    /// A standby that has looked at its lease for long, and whose holder renewed `renewed` ago: when it looks next. A
    /// longer pause is the likelier to be met the longer it is.
    fn standby_ran(&mut self, component: Component, server: ApiServerId, renewed: SimDuration) -> SimDuration {
        let parameters = &self.plan.parameters.leader_election;
        let mut draw = self.key.draw(PHASE, entity(component, server), 0);
        let phase = draw.uniform();
        let most = 1.0 + parameters.jitter;
        let pause = parameters.retry_period.scaled((1.0 + draw.uniform() * (most * most - 1.0)).sqrt());
        let next = pause.scaled(phase);
        self.leases[component.index()].standby_ran(server, next, pause, renewed);
        next
    }

    /// Handles a step of a candidate; one of an earlier life does nothing.
    #[cold]
    pub(crate) fn candidate(
        &mut self,
        now: SimTime,
        component: Component,
        server: ApiServerId,
        generation: u32,
        step: CandidateStep,
        future: &mut Future,
    ) {
        let lease = &mut self.leases[component.index()];
        if !lease.is_current(server, generation) {
            return;
        }
        if step == CandidateStep::Tries {
            lease.tries(server, now);
        }
        let caller = Caller::Component(component, server);
        match (step, lease.state(server)) {
            (CandidateStep::Tries, CandidateState::Holder { .. }) => {
                self.call(now, caller, Aim::RenewLeadership(component, server), None, future);
            }
            (CandidateStep::Tries, CandidateState::Standby { .. }) => {
                self.call(now, caller, Aim::ReadLeadership(component, server), None, future);
            }
            (CandidateStep::GivesUp, CandidateState::Holder { .. }) => self.gives_up(now, component, server, future),
            (CandidateStep::Restarted, CandidateState::Down) => {
                lease.start(server, now);
                let generation = lease.generation(server);
                future.schedule(now, Event::Candidate(component, server, generation, CandidateStep::Tries));
            }
            (CandidateStep::Synced, CandidateState::Holder { .. }) => {
                self.components[component.index()][server.index()].start.ready = Some(generation);
                self.may_begin_to_act(now, component, server, future);
            }
            (CandidateStep::Lists, CandidateState::Holder { .. }) => {
                self.call(now, caller, Aim::FillInformers(component, server), None, future);
            }
            _ => {}
        }
    }

    /// A request about a lease is committed.
    pub(crate) fn leadership_committed(&mut self, now: SimTime, aim: Aim, begun: SimTime, future: &mut Future) {
        match aim {
            Aim::RenewLeadership(component, server) => self.leases[component.index()].renew(server, begun),
            Aim::AcquireLeadership(component, server) => self.acquires(now, component, server, future),
            _ => {}
        }
    }

    fn acquires(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let lease = &mut self.leases[component.index()];
        if !lease.acquire(server, now) {
            return;
        }
        let generation = lease.generation(server);
        let ordinal = u64::from(generation);
        self.components[component.index()][server.index()].start = Start::default();
        self.call(now, Caller::Component(component, server), Aim::FillInformers(component, server), None, future);
        let lists = self.plan.parameters.leader_election.informer_sync.duration(&mut self.key.draw(
            SYNC,
            entity(component, server),
            ordinal,
        ));
        future.schedule(now + lists, Event::Candidate(component, server, generation, CandidateStep::Synced));
        self.candidate_pauses(now, component, server, future);
    }

    /// A new holder's first lists have ended; those that failed are tried again after a pause.
    pub(crate) fn informers_filled(
        &mut self,
        now: SimTime,
        component: Component,
        server: ApiServerId,
        outcome: Outcome,
        future: &mut Future,
    ) {
        let generation = self.leases[component.index()].generation(server);
        let start = &mut self.components[component.index()][server.index()].start;
        if outcome == Outcome::Succeeded {
            start.listed = Some(generation);
            return self.may_begin_to_act(now, component, server, future);
        }
        let ordinal = u64::from(generation) << 32 | start.backoff.failures();
        let share = self.key.draw(LISTS, entity(component, server), ordinal).uniform();
        let pause = start.backoff.failed(now, share, &self.plan.parameters.informer);
        future.schedule(now + pause, Event::Candidate(component, server, generation, CandidateStep::Lists));
    }

    /// A new holder acts once it has its lists and its time to start is over.
    fn may_begin_to_act(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let generation = Some(self.leases[component.index()].generation(server));
        let start = self.components[component.index()][server.index()].start;
        if start.listed == generation && start.ready == generation {
            self.begins_to_act(now, component, server, future);
        }
    }

    fn begins_to_act(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let lease = &mut self.leases[component.index()];
        let vacant = lease.vacant_since();
        lease.act();
        let (since, cause) = vacant.unwrap_or((now, None));
        let took = now.saturating_since(since);
        if component == Component::ControllerManager {
            self.failover_time = Some(self.failover_time.map_or(took, |longest| longest.max(took)));
        }
        let zone = self.zone_name(self.api_servers[server.index()].zone);
        self.probes.timeline.note(now, Weight::Turn, cause, "leadership/acts", component.index() as u64, || {
            format!(
                "{} in {zone} takes over after {:.1} s; its clocks begin anew",
                component.name(),
                took.as_secs_f64()
            )
        });
        self.component_acts(now, component, future);
    }

    /// A request about a lease has ended for its candidate.
    pub(crate) fn leadership_answered(
        &mut self,
        now: SimTime,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        let succeeded = outcome == Outcome::Succeeded;
        match aim {
            Aim::RenewLeadership(component, server) => {
                if succeeded {
                    self.candidate_pauses(now, component, server, future);
                } else {
                    self.renewal_failed(now, component, server, cause, future);
                }
            }
            Aim::ReadLeadership(component, server) => {
                if succeeded && self.leases[component.index()].look(server, now) {
                    self.call(
                        now,
                        Caller::Component(component, server),
                        Aim::AcquireLeadership(component, server),
                        cause,
                        future,
                    );
                } else {
                    self.candidate_pauses(now, component, server, future);
                }
            }
            Aim::AcquireLeadership(component, server) => {
                if matches!(self.leases[component.index()].state(server), CandidateState::Standby { .. }) {
                    self.candidate_pauses(now, component, server, future);
                }
            }
            _ => unreachable!("only requests about leases come here"),
        }
    }

    /// A holder that cannot renew polls on, and gives up at its deadline unless a renewal succeeds before.
    fn renewal_failed(
        &mut self,
        now: SimTime,
        component: Component,
        server: ApiServerId,
        cause: Cause,
        future: &mut Future,
    ) {
        let lease = &self.leases[component.index()];
        let Some(deadline) = lease.gives_up_at(server) else { return };
        self.leadership_causes[component.index()] = cause;
        if now >= deadline {
            return self.gives_up(now, component, server, future);
        }
        let generation = lease.generation(server);
        future.schedule(deadline, Event::Candidate(component, server, generation, CandidateStep::GivesUp));
        self.holder_polls(now, component, server, future);
    }

    fn gives_up(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let lease = &self.leases[component.index()];
        if lease.gives_up_at(server).is_some_and(|deadline| now < deadline) {
            return; // it has renewed since
        }
        let cause = self.leadership_causes[component.index()];
        let zone = self.zone_name(self.api_servers[server.index()].zone);
        let noted = self.probes.timeline.note(
            now,
            Weight::Turn,
            cause,
            "leadership/gives-up",
            component.index() as u64,
            || format!("{} in {zone} cannot renew its lease: it gives up and restarts", component.name()),
        );
        self.candidate_stops(now, component, server, noted.or(cause));
        let generation = self.leases[component.index()].generation(server);
        let time = self.plan.parameters.leader_election.restart_time.duration(&mut self.key.draw(
            RESTART,
            entity(component, server),
            u64::from(generation),
        ));
        future.schedule(now + time, Event::Candidate(component, server, generation, CandidateStep::Restarted));
    }

    /// The instance of a server is shut down in an orderly way: those of its holders that do so give their leases back.
    pub(crate) fn leases_are_given_back(&mut self, server: ApiServerId) {
        let parameters = &self.plan.parameters.leader_election;
        for component in Component::ALL {
            let releases = match component {
                Component::Scheduler => parameters.scheduler_releases,
                Component::ControllerManager | Component::CloudControllerManager => parameters.controllers_release,
            };
            if releases {
                self.leases[component.index()].release(server);
            }
        }
    }

    /// A candidate stops; what it had in flight is abandoned, and if it acted, nobody does now.
    pub(crate) fn candidate_stops(&mut self, now: SimTime, component: Component, server: ApiServerId, cause: Cause) {
        let acted = self.leader(component).is_some_and(|(leader, _)| leader == server);
        self.leases[component.index()].stop(server, now, cause);
        let connection = self.loopbacks[component.index()][server.index()];
        self.abandon(now, connection);
        self.connect_loopback(connection, server);
        if acted {
            self.component_stops(component);
        }
    }

    /// The candidate's next try: a holder's the retry period after an answer, a standby's after a jittered one.
    fn candidate_pauses(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let parameters = &self.plan.parameters.leader_election;
        let lease = &self.leases[component.index()];
        let pause = match lease.state(server) {
            CandidateState::Down => return,
            CandidateState::Holder { .. } => parameters.retry_period,
            CandidateState::Standby { .. } => {
                let (tries, _) = lease.last_try(server);
                let share = self.key.draw(PAUSE, entity(component, server), u64::from(tries)).uniform();
                parameters.retry_period.scaled(1.0 + parameters.jitter * share)
            }
        };
        self.candidate_tries_at(now + pause, component, server, future);
    }

    /// A holder whose renewal failed polls on: the retry period after the try that failed, or at once if that is past.
    fn holder_polls(&mut self, now: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let (_, tried) = self.leases[component.index()].last_try(server);
        let next = tried + self.plan.parameters.leader_election.retry_period;
        self.candidate_tries_at(next.max(now), component, server, future);
    }

    fn candidate_tries_at(&self, at: SimTime, component: Component, server: ApiServerId, future: &mut Future) {
        let generation = self.leases[component.index()].generation(server);
        future.schedule(at, Event::Candidate(component, server, generation, CandidateStep::Tries));
    }
}

fn entity(component: Component, server: ApiServerId) -> u64 {
    (component.index() as u64) << 8 | u64::from(server.0)
}
