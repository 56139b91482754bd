//! Admission webhooks: programs that an API server asks before it stores a matching write.
//!
//! A webhook answers as long as somebody runs behind it: its own trouble lets calls hang or fail at once, and where it is
//! a Deployment of the cluster, calls go to the pods that its service lists, dead ones too. Left out: connections that
//! are kept open, several answers at a time, changes that webhooks make and so ask for another round.

use crate::plan::{Webhook, WebhookTrouble};
use crate::probes::Cause;
use sim_kernel::SimDuration;

/// All webhooks of a cluster, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Webhooks {
    trouble: Vec<Option<(WebhookTrouble, Cause)>>,
}

/// The pods behind a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backends {
    /// Those that its service lists.
    pub listed: u32,
    /// Those of them that answer.
    pub alive: u32,
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
    /// Webhooks that are well.
    pub fn new(planned: &[Webhook]) -> Self {
        Webhooks { trouble: vec![None; planned.len()] }
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

    /// A call that would take `latency`, of a server that waits for `timeout`. `backends` are the pods behind it, of
    /// which the call gets the one at `share` (0 to 1) of the list; `None` where it runs outside the cluster.
    pub fn call(
        &self,
        webhook: usize,
        latency: SimDuration,
        timeout: SimDuration,
        backends: Option<Backends>,
        share: f64,
    ) -> Reply {
        let hangs = Reply { answered: false, after: timeout };
        let refused = Reply { answered: false, after: SimDuration::ZERO };
        match self.trouble[webhook].map(|(trouble, _)| trouble) {
            Some(WebhookTrouble::Silent) => return hangs,
            Some(WebhookTrouble::Refuses) => return Reply { answered: false, after: latency.min(timeout) },
            None => {}
        }
        match backends {
            Some(Backends { listed: 0, .. }) => refused, // the service has no endpoint
            Some(Backends { listed, alive }) if share * f64::from(listed) >= f64::from(alive) => hangs,
            _ if latency >= timeout => hangs,
            _ => Reply { answered: true, after: latency },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::WebhookRules;

    const CALM: SimDuration = SimDuration::from_millis(5);
    const TIMEOUT: SimDuration = SimDuration::from_secs(10);

    fn webhooks() -> Webhooks {
        let webhook = Webhook {
            name: "guard".to_owned(),
            rules: WebhookRules::Pods,
            deployment: None,
            exempts_itself: false,
            timeout: TIMEOUT,
            ignores_failure: false,
        };
        Webhooks::new(&[webhook])
    }

    #[test]
    fn a_call_to_a_dead_pod_hangs_and_one_without_any_endpoint_fails_at_once() {
        let webhooks = webhooks();
        let call = |listed, alive, share| webhooks.call(0, CALM, TIMEOUT, Some(Backends { listed, alive }), share);
        assert_eq!(call(2, 2, 0.99), Reply { answered: true, after: CALM });
        assert_eq!(call(2, 1, 0.49), Reply { answered: true, after: CALM });
        assert_eq!(call(2, 1, 0.5), Reply { answered: false, after: TIMEOUT });
        assert_eq!(call(0, 0, 0.5), Reply { answered: false, after: SimDuration::ZERO });
        assert!(webhooks.call(0, CALM, TIMEOUT, None, 0.5).answered, "it runs elsewhere");
        assert!(!webhooks.call(0, TIMEOUT, TIMEOUT, None, 0.5).answered, "too late");
    }

    #[test]
    fn a_silent_webhook_hangs_and_a_refusing_one_does_not() {
        let mut webhooks = webhooks();
        let mut told = |trouble| {
            webhooks.fails(0, trouble, None);
            webhooks.call(0, CALM, TIMEOUT, None, 0.0)
        };
        assert_eq!(told(WebhookTrouble::Silent), Reply { answered: false, after: TIMEOUT });
        assert_eq!(told(WebhookTrouble::Refuses), Reply { answered: false, after: CALM });
        webhooks.recovers(0);
        assert!(webhooks.call(0, CALM, TIMEOUT, None, 0.0).answered);
    }
}
