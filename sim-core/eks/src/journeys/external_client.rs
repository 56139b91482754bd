//! Administrators and CI systems on the internet. Each command is a process of its own with a connection of its own;
//! commands begin when they are due, whether or not earlier ones have ended.
//!
//! ```text
//! administrator: due -> get or list -> answered or failed, nobody tries again
//! CI system:     due -> apply -> failed -> pause -> apply ... -> succeeded, or failed for good
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{Event, Future};
use crate::plan::{ExternalClient, ZoneId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::network::connections::NONE;
use crate::stations::network::{Owner, Place};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const INTERVAL: Purpose = Purpose::new("external/interval");
const COMMAND: Purpose = Purpose::new("external/command");

impl World {
    /// Sets the time of a client's next command.
    pub(crate) fn external_waits(&mut self, now: SimTime, client: u32, future: &mut Future) {
        if self.runs_away(Caller::External(client)) {
            return; // its fault sets its pace
        }
        let external = &mut self.externals[client as usize];
        let command = external.next_command();
        let law = match external.class {
            ExternalClient::Admin => &self.plan.parameters.admin.interval,
            ExternalClient::Ci => &self.plan.parameters.ci.interval,
            ExternalClient::Exec => &self.plan.parameters.exec.interval,
        };
        let pause = law.duration(&mut self.key.draw(INTERVAL, u64::from(client), u64::from(command)));
        future.schedule(now + pause, Event::External(client, command));
    }

    /// A client's next command is due.
    pub(crate) fn external(&mut self, now: SimTime, client: u32, command: u32, future: &mut Future) {
        self.external_waits(now, client, future);
        if self.host_is_dead(client) {
            return;
        }
        let aim = match self.externals[client as usize].class {
            ExternalClient::Ci => Aim::Apply(command),
            ExternalClient::Exec => Aim::Exec(command),
            ExternalClient::Admin => {
                let lists = self.plan.parameters.admin.list_share;
                let mut draw = self.key.draw(COMMAND, u64::from(client), u64::from(command));
                if draw.chance(lists) { Aim::List(command) } else { Aim::Get(command) }
            }
        };
        self.call(now, Caller::External(client), aim, None, future);
    }

    /// Whether the host of a client lies in a zone without power.
    fn host_is_dead(&self, client: u32) -> bool {
        matches!(self.externals[client as usize].origin.place, Place::Zone(zone) if !self.zones.has_power(zone))
    }

    /// The commands of clients whose hosts lie in a zone that loses power end with them.
    pub(crate) fn hosts_die(&mut self, now: SimTime, zone: ZoneId) {
        for slot in 0..self.connections.slots() {
            let connection = self.connections.at(slot);
            let is_there = connection.origin.place == Place::Zone(zone);
            if is_there && matches!(connection.owner, Owner::External(_)) && connection.first != NONE {
                self.abandon(now, slot);
            }
        }
    }

    /// A CI job tries again.
    pub(crate) fn ci_retry(&mut self, now: SimTime, client: u32, job: u32, future: &mut Future) {
        if self.host_is_dead(client) {
            return;
        }
        self.call(now, Caller::External(client), Aim::Apply(job), None, future);
    }

    /// A command has ended. A CI job that failed is tried again a few times.
    pub(crate) fn external_answered(
        &mut self,
        now: SimTime,
        client: u32,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        let Aim::Apply(job) = aim else { return self.deletion_answered(now, client, aim, outcome, cause) };
        if self.runs_away(Caller::External(client)) {
            return; // it does not care
        }
        let external = &mut self.externals[client as usize];
        if outcome == Outcome::Succeeded {
            return external.job_succeeded(job);
        }
        match external.job_failed(job, &self.plan.parameters.ci) {
            Some(pause) => future.schedule(now + pause, Event::CiRetry(client, job)),
            None => {
                let what = || "CI job failed after its last try".to_owned();
                self.probes.timeline.note(now, Weight::Step, cause, "ci/failed", 0, what);
            }
        }
    }
}
