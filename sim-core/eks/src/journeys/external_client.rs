//! Administrators and CI systems on the internet. Each command is a process of its own with a connection of its own;
//! commands begin when they are due, whether or not earlier ones have ended.
//!
//! ```text
//! administrator: due -> get or list -> answered or failed, nobody tries again
//! CI system:     due -> apply -> failed -> pause -> apply ... -> succeeded, or failed for good
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{Event, Future};
use crate::plan::ExternalClient;
use crate::probes::Cause;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};
use std::collections::BTreeMap;

const INTERVAL: Purpose = Purpose::new("external/interval");
const COMMAND: Purpose = Purpose::new("external/command");

/// One administrator or CI system.
#[derive(Clone, Debug)]
pub struct External {
    /// What it does.
    pub class: ExternalClient,
    /// Commands and tries so far: the ordinal of their draws.
    pub commands: u32,
    /// Since when it has had nothing but failures; `None` while it succeeds.
    pub failing_since: Option<SimTime>,
    rounds: u32,
    /// Failed tries of the jobs that have failed at least once and are not over.
    failed_tries: BTreeMap<u32, u64>,
    /// Jobs that succeeded, and jobs that failed for good.
    pub jobs: (u64, u64),
}

impl External {
    /// A client that has done nothing yet.
    pub fn new(class: ExternalClient) -> Self {
        External { class, commands: 0, failing_since: None, rounds: 0, failed_tries: BTreeMap::new(), jobs: (0, 0) }
    }
}

impl World {
    /// Sets the time of a client's next command.
    pub(crate) fn external_waits(&mut self, now: SimTime, client: u32, future: &mut Future) {
        let external = &mut self.externals[client as usize];
        external.rounds += 1;
        let law = match external.class {
            ExternalClient::Admin => &self.plan.parameters.admin.interval,
            ExternalClient::Ci => &self.plan.parameters.ci.interval,
        };
        let pause = law.duration(&mut self.key.draw(INTERVAL, u64::from(client), u64::from(external.rounds)));
        future.schedule(now + pause, Event::External(client));
    }

    /// A client's next command is due.
    pub(crate) fn external(&mut self, now: SimTime, client: u32, future: &mut Future) {
        self.external_waits(now, client, future);
        let external = &self.externals[client as usize];
        let command = external.rounds;
        let aim = match external.class {
            ExternalClient::Ci => Aim::Apply(command),
            ExternalClient::Admin => {
                let lists = self.plan.parameters.admin.list_share;
                let mut draw = self.key.draw(COMMAND, u64::from(client), u64::from(command));
                if draw.chance(lists) { Aim::List(command) } else { Aim::Get(command) }
            }
        };
        self.call(now, Caller::External(client), aim, None, future);
    }

    /// A CI job tries again.
    pub(crate) fn ci_retry(&mut self, now: SimTime, client: u32, job: u32, future: &mut Future) {
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
        let Aim::Apply(job) = aim else { return };
        let retry = &self.plan.parameters.ci;
        let external = &mut self.externals[client as usize];
        if outcome == Outcome::Succeeded {
            external.failed_tries.remove(&job);
            external.jobs.0 += 1;
            return;
        }
        let failed = external.failed_tries.entry(job).or_insert(0);
        *failed += 1;
        if *failed < retry.tries {
            let pause = retry.retry_backoff * (1 << (*failed - 1).min(16));
            return future.schedule(now + pause, Event::CiRetry(client, job));
        }
        external.failed_tries.remove(&job);
        external.jobs.1 += 1;
        self.probes
            .timeline
            .note(now, Weight::Step, cause, "ci/failed", 0, || "CI job failed after its last try".to_owned());
    }
}
