//! An administrator or a CI system on the internet: what it has tried, and how that went.

use crate::parameters::CiParameters;
use crate::plan::ExternalClient;
use crate::probes::Outage;
use crate::stations::network::Origin;
use sim_kernel::SimDuration;
use std::collections::BTreeMap;

/// One administrator or CI system.
#[derive(Clone, Debug)]
pub struct External {
    /// What it does.
    pub class: ExternalClient,
    /// Where it is.
    pub origin: Origin,
    /// Commands and tries so far: the ordinal of their draws.
    pub requests: u32,
    /// Times in which it had nothing but failures.
    pub outage: Outage,
    /// Jobs that failed for good.
    pub jobs_failed: u64,
    due: u32,
    /// Failed tries of the jobs that have failed at least once and are not over.
    failed_tries: BTreeMap<u32, u64>,
}

impl External {
    /// A client that has done nothing yet.
    pub fn new(class: ExternalClient, origin: Origin) -> Self {
        External {
            class,
            origin,
            requests: 0,
            outage: Outage::default(),
            jobs_failed: 0,
            due: 0,
            failed_tries: BTreeMap::new(),
        }
    }

    /// The number of the command that is due next.
    pub fn next_command(&mut self) -> u32 {
        self.due += 1;
        self.due
    }

    /// A job has succeeded.
    pub fn job_succeeded(&mut self, job: u32) {
        self.failed_tries.remove(&job);
    }

    /// A try of a job has failed: the pause before the next one, which doubles; `None` if it was the last.
    pub fn job_failed(&mut self, job: u32, retry: &CiParameters) -> Option<SimDuration> {
        let failed = self.failed_tries.entry(job).or_insert(0);
        *failed += 1;
        if *failed < retry.tries {
            let doublings = (*failed - 1).min(16);
            return Some(retry.retry_backoff * (1 << doublings));
        }
        self.failed_tries.remove(&job);
        self.jobs_failed += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::stations::network::{Place, SiteId};

    #[test]
    fn a_job_is_tried_three_times_with_doubling_pauses() {
        let retry = Parameters::default().ci;
        let mut client = External::new(ExternalClient::Ci, Origin { place: Place::Internet(0), site: SiteId(1) });
        let pauses = [0, 1, 2].map(|_| client.job_failed(7, &retry));
        assert_eq!(pauses, [Some(SimDuration::from_secs(5)), Some(SimDuration::from_secs(10)), None]);
        assert_eq!(client.jobs_failed, 1);
        client.job_failed(8, &retry);
        client.job_succeeded(8);
        assert_eq!(
            client.job_failed(8, &retry),
            Some(SimDuration::from_secs(5)),
            "another job of that number begins anew"
        );
    }
}
