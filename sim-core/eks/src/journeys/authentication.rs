//! A request reaches an API server: first of all, whose is it?
//!
//! ```text
//! Arrives -> a service account, or an identity that the server remembers -> flow control
//!         -> an IAM token -> token webhook -> STS -> Authenticated: remembered for a while -> flow control
//!                                                 -> Refused: 401
//! ```
//!
//! A look into the server's memory is no event. Kubelets renew their token every 14 min; each command of an administrator
//! or a CI system brings a token of its own, which no server has seen before.

use crate::aim::{Caller, Outcome};
use crate::event::{Future, RequestStep};
use crate::ids::NodeId;
use crate::plan::StsTrouble;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::network::ConnectionState;
use crate::stations::services::identity::Trouble;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const STS: Purpose = Purpose::new("authentication/sts");
const TOKEN: Purpose = Purpose::new("authentication/token");
const MEMORY: Purpose = Purpose::new("authentication/memory");

impl World {
    /// A request is at its API server, which wants to know whose it is.
    pub(crate) fn authenticate(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let known = match request.caller {
            Caller::Component(..) => true,                                         // by its signature
            Caller::Workload(_) | Caller::Submitter(_) | Caller::Churn(_) => true, // a service account, by its signature
            Caller::External(_) => false,
            Caller::Kubelet(node) => self.token_caches[request.server.index()].knows(node, now),
        };
        if known {
            return self.request_arrives(now, slot, future);
        }
        let parameters = &self.plan.parameters.authentication;
        let latency = parameters.sts_latency.duration(&mut self.draw_for(slot, STS));
        let verdict = self.sts.ask(latency, parameters.webhook_timeout);
        let step = if verdict.known { RequestStep::Authenticated } else { RequestStep::Refused };
        future.schedule(now + verdict.after, self.at_step(slot, step));
    }

    /// STS has vouched for a caller.
    pub(crate) fn authenticated(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        if let Caller::Kubelet(node) = request.caller {
            let forgotten = now + self.plan.parameters.authentication.cache_ttl;
            let renewed = self.token_renewed(node, now);
            self.token_caches[request.server.index()].learns(node, renewed, forgotten);
        }
        self.request_arrives(now, slot, future);
    }

    /// Nobody vouches for a caller.
    pub(crate) fn refused(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let cause = self.sts.cause();
        let request = self.requests.at_mut(slot);
        request.trouble = request.trouble.or(cause);
        self.respond(now, slot, Outcome::Unauthorized, future);
    }

    /// When a kubelet renews its present token: each lives for its renewal time, from a phase of the kubelet's own.
    fn token_renewed(&self, node: NodeId, now: SimTime) -> SimTime {
        let renewal = self.plan.parameters.authentication.token_renewal;
        let phase = renewal.scaled(self.key.draw(TOKEN, u64::from(node.0), 0).uniform());
        let tokens = (now + phase).as_nanos() / renewal.as_nanos();
        SimTime::ZERO + renewal * (tokens + 1) - phase
    }

    /// The servers have known the kubelets that are connected when the run begins for up to the time that they remember.
    pub(crate) fn identities_are_known(&mut self) {
        let ttl = self.plan.parameters.authentication.cache_ttl;
        for node in (0..self.kubelets.len() as u32).map(NodeId) {
            let connection = self.connections.at(self.kubelets[node.index()].connection);
            let ConnectionState::Open { server, .. } = connection.state else { continue };
            let left: SimDuration = ttl.scaled(self.key.draw(MEMORY, u64::from(node.0), 0).uniform());
            let renewed = self.token_renewed(node, SimTime::ZERO);
            self.token_caches[server.index()].learns(node, renewed, SimTime::ZERO + left);
        }
    }

    /// STS is in trouble from now on.
    pub(crate) fn sts_fails(&mut self, now: SimTime, index: u32, trouble: StsTrouble) -> Cause {
        let (trouble, what) = match trouble {
            StsTrouble::Silent => (Trouble::Silent, "STS does not answer"),
            StsTrouble::Refuses => (Trouble::Refuses, "STS refuses every call"),
            StsTrouble::Slow(more) => (Trouble::Slow(more), "STS answers slowly"),
        };
        let note = || format!("{what}: API servers know IAM callers only as long as they remember them");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "sts/trouble", u64::from(index), note);
        self.sts.fails(trouble, cause);
        cause
    }

    /// STS is well again.
    pub(crate) fn sts_recovers(&mut self, now: SimTime, index: u32) {
        let cause = self.sts.cause();
        let note = || "STS answers again".to_owned();
        self.probes.timeline.note(now, Weight::Turn, cause, "sts/well", u64::from(index), note);
        self.sts.recovers();
    }
}
