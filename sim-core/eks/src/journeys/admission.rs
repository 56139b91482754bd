//! Admission webhooks: an API server asks them before it stores a write that they match, while the write holds its seat.
//!
//! ```text
//! its CPU is done -> the first webhook -> the next ... -> Reviewed -> etcd
//!                        |-> does not answer, failurePolicy Ignore: on to the next after the time-out
//!                        |-> does not answer, failurePolicy Fail -> NotAdmitted: the write is refused
//! ```
//!
//! The way to a webhook's pods leads through the API server's interface in the cluster's subnets; its time lies in the
//! webhook's own latency.

use crate::aim::{Aim, Outcome, Work};
use crate::event::{Future, RequestStep};
use crate::ids::{ApiServerId, DeploymentId, PodId};
use crate::plan::{WebhookRules, WebhookTrouble};
use crate::record::Weight;
use crate::stations::control_plane::webhooks::{Backend, Reply};
use crate::stations::network::SiteId;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const WEBHOOK: Purpose = Purpose::new("webhook/call");

impl World {
    /// A request has had its CPU time: a write that webhooks match is reviewed, everything else goes on.
    pub(crate) fn admit(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let aim = self.requests.at(slot).aim;
        let mut waits = SimDuration::ZERO;
        let mut is_asked = false;
        for webhook in 0..self.plan.webhooks.len() {
            if !self.webhook_matches(webhook, aim) {
                continue;
            }
            is_asked = true;
            let reply = self.call_webhook(slot, webhook);
            waits += reply.after;
            if reply.answered {
                continue;
            }
            let trouble = self.note_webhook_failure(now, webhook);
            let request = self.requests.at_mut(slot);
            request.trouble = request.trouble.or(trouble); // its client may not wait that long
            if !self.plan.webhooks[webhook].ignores_failure && !self.plan.parameters.webhook.ignore_failures {
                return future.schedule(now + waits, self.at_step(slot, RequestStep::NotAdmitted));
            }
        }
        if is_asked {
            return future.schedule(now + waits, self.at_step(slot, RequestStep::Reviewed));
        }
        self.ask_etcd(now, slot, future);
    }

    /// The run begins with these pods behind the Services of webhooks.
    pub(crate) fn webhooks_are_listed(&mut self) {
        for webhook in &self.plan.webhooks {
            let Some(deployment) = webhook.deployment else { continue };
            let of = (0..).map(PodId).zip(self.cluster.pods.iter());
            for (id, _) in of.filter(|(_, pod)| pod.deployment.index() == deployment && pod.standing().listed) {
                self.webhooks.lists(deployment, id, true);
            }
        }
    }

    fn webhook_matches(&self, webhook: usize, aim: Aim) -> bool {
        let planned = &self.plan.webhooks[webhook];
        let creates = self.creates_pod_of(aim);
        let is_matched = match planned.rules {
            WebhookRules::Pods => creates.is_some(),
            WebhookRules::All => aim.work() == Work::Write,
        };
        let is_own =
            planned.exempts_itself && creates.is_some_and(|deployment| planned.deployment == Some(deployment.index()));
        is_matched && !is_own
    }

    /// The Deployment or DaemonSet for which a request creates a pod.
    fn creates_pod_of(&self, aim: Aim) -> Option<DeploymentId> {
        match aim {
            Aim::CreatePod(set) | Aim::CreateStatefulPod(set) => {
                Some(self.cluster.replica_sets[set.index()].deployment)
            }
            Aim::CreateDaemonPod(id, _) | Aim::CreateJobPod(id) => Some(id),
            _ => None,
        }
    }

    fn call_webhook(&self, slot: u32, webhook: usize) -> Reply {
        let request = self.requests.at(slot);
        let mut draw = self.key.draw(WEBHOOK, request.entity, request.ordinal << 8 | webhook as u64);
        let latency = self.plan.parameters.webhook.latency.duration(&mut draw);
        let share = draw.uniform();
        let planned = &self.plan.webhooks[webhook];
        let is_heard = match self.webhooks.backend(webhook, share) {
            Backend::Outside => true,
            Backend::Nobody => return Reply { answered: false, after: SimDuration::ZERO },
            Backend::Pod(pod) => self.webhook_hears(webhook, request.server, pod),
        };
        self.webhooks.call(webhook, latency, planned.timeout, is_heard)
    }

    /// Whether a pod of a webhook answers a call that an API server sends it by its interface.
    fn webhook_hears(&self, webhook: usize, server: ApiServerId, pod: PodId) -> bool {
        let pod = &self.cluster.pods[pod.index()];
        let site = pod.node.map(|node| self.origin_of(node).site);
        pod.standing().serving && site.is_some_and(|site| self.webhook_is_reached(webhook, server, site))
    }

    /// Whether the way of an API server to the pods of a webhook on the nodes of a site is open: its interface, the network
    /// between the zones, and the security groups' rules.
    pub(crate) fn webhook_is_reached(&self, webhook: usize, server: ApiServerId, site: SiteId) -> bool {
        let interface = self.interfaces.of(server).filter(|place| self.interface_reaches(*place, site));
        interface.is_some() && self.vpc.admits_webhook(webhook, site)
    }

    fn note_webhook_failure(&mut self, now: SimTime, webhook: usize) -> crate::probes::Cause {
        let deployment = self.plan.webhooks[webhook].deployment;
        let behind = deployment.and_then(|index| self.cluster.deployments[index].story);
        let cause = self.webhooks.cause(webhook).or(behind).or(self.vpc_story);
        let name = self.plan.webhooks[webhook].name.clone();
        let note = || format!("webhook {name} does not answer an API server");
        self.probes.timeline.note(now, Weight::Step, cause, "webhook/unanswered", webhook as u64, note).or(cause)
    }

    /// The webhooks have let a write pass.
    pub(crate) fn reviewed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        if self.requests.at(slot).in_hand {
            self.ask_etcd(now, slot, future);
        }
    }

    /// A webhook that must answer has not.
    pub(crate) fn not_admitted(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        if self.requests.at(slot).in_hand {
            self.leave_server(now, slot, Outcome::NotAdmitted, future);
        }
    }

    /// A webhook stops answering.
    pub(crate) fn webhook_fails(&mut self, now: SimTime, index: u32, webhook: usize, trouble: WebhookTrouble) {
        let name = self.plan.webhooks[webhook].name.clone();
        let what = match trouble {
            WebhookTrouble::Silent => "does not answer any more",
            WebhookTrouble::Refuses => "refuses every call",
        };
        let note = || format!("webhook {name} {what}");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "webhook/down", u64::from(index), note);
        self.webhooks.fails(webhook, trouble, cause);
    }

    /// A webhook answers again.
    pub(crate) fn webhook_recovers(&mut self, now: SimTime, index: u32, webhook: usize) {
        let name = self.plan.webhooks[webhook].name.clone();
        let cause = self.webhooks.cause(webhook);
        let note = || format!("webhook {name} answers again");
        self.probes.timeline.note(now, Weight::Turn, cause, "webhook/well", u64::from(index), note);
        self.webhooks.recovers(webhook);
    }
}
