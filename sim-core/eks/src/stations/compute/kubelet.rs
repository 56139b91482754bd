//! A kubelet as a client: its connection, how its lease renewals go, and whether the API agrees on its node's status.

use crate::parameters::KubeletParameters;
use crate::probes::{Cause, Outage};
use crate::stations::clients::informer::Informer;
use sim_kernel::SimDuration;

/// One kubelet.
#[derive(Clone, Debug)]
pub struct Kubelet {
    /// Its connection.
    pub connection: u32,
    /// Requests so far: the ordinal of their draws.
    pub requests: u32,
    /// Times in which it had nothing but failures.
    pub outage: Outage,
    /// What it has listed and watches.
    pub informer: Informer,
    generation: u32,
    running: bool,
    failed_renewals: u64,
    backoff: SimDuration,
    differs: Option<Cause>,
    /// Whether its next look at the status is set.
    looks: bool,
}

/// When a kubelet renews again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once: its round of tries is not over.
    AtOnce,
    /// After a pause that grows from round to round.
    After(SimDuration),
}

impl Kubelet {
    /// A kubelet over `connection` that does not run yet.
    pub fn new(connection: u32) -> Self {
        Kubelet {
            connection,
            requests: 0,
            outage: Outage::default(),
            informer: Informer::default(),
            generation: 0,
            running: false,
            failed_renewals: 0,
            backoff: SimDuration::ZERO,
            differs: None,
            looks: false,
        }
    }

    /// Which life it is in, for events.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// It runs from the beginning of the run on.
    pub fn runs_from_the_start(&mut self) {
        self.running = true;
    }

    /// The process begins. Returns its new generation.
    pub fn starts(&mut self) -> u32 {
        self.running = true;
        self.renewed();
        self.differs = None;
        self.looks = false;
        self.generation += 1;
        self.generation
    }

    /// The process dies with its instance.
    pub fn dies(&mut self) {
        self.running = false;
        self.outage.ends();
        self.generation += 1;
    }

    /// A renewal succeeded: the next failure begins a new round.
    pub fn renewed(&mut self) {
        self.failed_renewals = 0;
        self.backoff = SimDuration::ZERO;
    }

    /// A renewal failed.
    pub fn renewal_failed(&mut self, timing: &KubeletParameters) -> Retry {
        self.failed_renewals += 1;
        if self.failed_renewals < timing.lease_tries {
            return Retry::AtOnce;
        }
        let pause = self.backoff.max(timing.lease_retry_backoff_base);
        self.backoff = (pause * 2).min(timing.lease_retry_backoff_max);
        Retry::After(pause)
    }

    /// The API has another opinion of its node's status. Returns whether the next look must be set: one is enough.
    pub fn disagrees(&mut self, cause: Cause) -> bool {
        self.differs.get_or_insert(cause);
        self.running && !std::mem::replace(&mut self.looks, true)
    }

    /// It looks at the status, in its round. Returns whether there is something to report.
    pub fn looks(&mut self) -> bool {
        self.looks = false;
        self.differs.is_some()
    }

    /// What brought the other opinion about.
    pub fn disagreement(&self) -> Cause {
        self.differs.flatten()
    }

    /// The API has what it reported.
    pub fn agrees(&mut self) {
        self.differs = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    #[test]
    fn five_tries_go_back_to_back_then_pauses_double_up_to_seven_seconds() {
        let timing = Parameters::default().kubelet;
        let mut kubelet = Kubelet::new(0);
        let retries: Vec<Retry> = (0..12).map(|_| kubelet.renewal_failed(&timing)).collect();
        assert_eq!(retries[..4], [Retry::AtOnce; 4]);
        let pauses = [200, 400, 800, 1600, 3200, 6400, 7000, 7000].map(|ms| Retry::After(SimDuration::from_millis(ms)));
        assert_eq!(retries[4..], pauses);
        kubelet.renewed();
        assert_eq!(kubelet.renewal_failed(&timing), Retry::AtOnce);
    }

    #[test]
    fn a_kubelet_sets_one_look_however_often_the_api_disagrees() {
        let mut kubelet = Kubelet::new(0);
        assert!(!kubelet.disagrees(None), "it does not run");
        kubelet.starts();
        assert!(kubelet.disagrees(None) && !kubelet.disagrees(None), "one look is enough");
        kubelet.agrees();
        assert!(!kubelet.disagrees(None), "the look is still set");
        assert!(kubelet.looks() && kubelet.disagrees(None));
    }
}
