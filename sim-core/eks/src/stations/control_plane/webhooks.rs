//! Admission webhooks: programs that an API server asks before it stores a matching write.
//!
//! A webhook answers as long as somebody runs behind it: its own trouble lets calls hang or fail at once, and where it is
//! a Deployment of the cluster, calls go to the pods that its service lists, dead ones too. Left out: connections that
//! are kept open, several answers at a time, changes that webhooks make and so ask for another round.

use crate::ids::PodId;
use crate::plan::{Webhook, WebhookTrouble};
use crate::probes::Cause;
use sim_kernel::SimDuration;

/// All webhooks of a cluster, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Webhooks {
    trouble: Vec<Option<(WebhookTrouble, Cause)>>,
    services: Vec<Service>,
}

/// The Service in front of a webhook's pods.
#[derive(Clone, Debug)]
struct Service {
    deployment: Option<usize>,
    /// The pods that it lists, in order.
    pods: Vec<PodId>,
}

/// Who gets a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A program outside the cluster.
    Outside,
    /// Nobody: the Service has no endpoint.
    Nobody,
    /// One of the Service's pods.
    Pod(PodId),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether it was answered.
    pub answered: bool,
    /// How long that took.
    pub after: SimDuration,
}

impl Webhooks {
    /// Webhooks that are well, before any Service lists a pod.
    pub fn new(planned: &[Webhook]) -> Self {
        let services = planned.iter().map(|webhook| Service { deployment: webhook.deployment, pods: Vec::new() });
        Webhooks { trouble: vec![None; planned.len()], services: services.collect() }
    }

    /// Something is wrong with a webhook from now on.
    pub fn fails(&mut self, webhook: usize, trouble: WebhookTrouble, cause: Cause) {
        self.trouble[webhook] = Some((trouble, cause));
    }

    /// A webhook is well again.
    pub fn recovers(&mut self, webhook: usize) {
        self.trouble[webhook] = None;
    }

    /// Why a webhook does not answer, if it does not.
    pub fn cause(&self, webhook: usize) -> Cause {
        self.trouble[webhook].and_then(|(_, cause)| cause)
    }

    /// A pod of a Deployment is listed from now on, or no longer.
    pub fn lists(&mut self, deployment: usize, pod: PodId, is_listed: bool) {
        for service in self.services.iter_mut().filter(|service| service.deployment == Some(deployment)) {
            match (service.pods.binary_search(&pod), is_listed) {
                (Err(at), true) => service.pods.insert(at, pod),
                (Ok(at), false) => _ = service.pods.remove(at),
                _ => {}
            }
        }
    }

    /// The pods that the Service of a webhook lists.
    pub fn pods(&self, webhook: usize) -> &[PodId] {
        &self.services[webhook].pods
    }

    /// Who gets a call: the pod at `share` (0 to 1, without 1) of the list.
    pub fn backend(&self, webhook: usize, share: f64) -> Backend {
        let Service { deployment, pods } = &self.services[webhook];
        match (deployment, pods.get((share * pods.len() as f64) as usize)) {
            (None, _) => Backend::Outside,
            (Some(_), None) => Backend::Nobody,
            (Some(_), Some(pod)) => Backend::Pod(*pod),
        }
    }

    /// A call that would take `latency`, of a server that waits for `timeout`; `is_heard` tells whether somebody hears it.
    pub fn call(&self, webhook: usize, latency: SimDuration, timeout: SimDuration, is_heard: bool) -> Reply {
        match self.trouble[webhook].map(|(trouble, _)| trouble) {
            Some(WebhookTrouble::Silent) => Reply { answered: false, after: timeout },
            Some(WebhookTrouble::Refuses) => Reply { answered: false, after: latency.min(timeout) },
            None if !is_heard || latency >= timeout => Reply { answered: false, after: timeout },
            None => Reply { answered: true, after: latency },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::WebhookRules;

    const CALM: SimDuration = SimDuration::from_millis(5);
    const TIMEOUT: SimDuration = SimDuration::from_secs(10);

    fn webhooks(deployment: Option<usize>) -> Webhooks {
        let webhook = Webhook {
            name: "guard".to_owned(),
            rules: WebhookRules::Pods,
            deployment,
            port: 443,
            exempts_itself: false,
            timeout: TIMEOUT,
            ignores_failure: false,
        };
        Webhooks::new(&[webhook])
    }

    #[test]
    fn a_call_goes_to_one_of_the_pods_that_its_service_lists() {
        let mut webhooks = webhooks(Some(3));
        assert_eq!(webhooks.backend(0, 0.5), Backend::Nobody);
        for pod in [7, 5, 9] {
            webhooks.lists(3, PodId(pod), true);
        }
        webhooks.lists(4, PodId(1), true); // of another Deployment
        let chosen = [0.0, 0.34, 0.99].map(|share| webhooks.backend(0, share));
        assert_eq!(chosen, [5, 7, 9].map(|pod| Backend::Pod(PodId(pod))));
        webhooks.lists(3, PodId(7), false);
        assert_eq!(webhooks.pods(0), [PodId(5), PodId(9)]);
    }

    #[test]
    fn a_call_that_nobody_hears_hangs() {
        let webhooks = webhooks(None);
        assert_eq!(webhooks.backend(0, 0.5), Backend::Outside);
        assert_eq!(webhooks.call(0, CALM, TIMEOUT, true), Reply { answered: true, after: CALM });
        assert_eq!(webhooks.call(0, CALM, TIMEOUT, false), Reply { answered: false, after: TIMEOUT });
        assert!(!webhooks.call(0, TIMEOUT, TIMEOUT, true).answered, "too late");
    }

    #[test]
    fn a_silent_webhook_hangs_and_a_refusing_one_does_not() {
        let mut webhooks = webhooks(None);
        let mut told = |trouble| {
            webhooks.fails(0, trouble, None);
            webhooks.call(0, CALM, TIMEOUT, true)
        };
        assert_eq!(told(WebhookTrouble::Silent), Reply { answered: false, after: TIMEOUT });
        assert_eq!(told(WebhookTrouble::Refuses), Reply { answered: false, after: CALM });
        webhooks.recovers(0);
        assert!(webhooks.call(0, CALM, TIMEOUT, true).answered);
    }
}
