//! The queries of all pods to CoreDNS, a window at a time: none of them is an event.
//!
//! ```text
//! ready pods -> names -> queries (search path, both families) -> replicas that are listed -> (the VPC's resolver)
//!     no answer: asked again after the client's time-out
//! ```

use crate::ids::{DeploymentId, PodId};
use crate::parameters::CorednsParameters;
use crate::plan::Plan;
use crate::probes::coredns::Repeats;
use crate::record::Weight;
use crate::stations::services::coredns::{DnsSettings, Offered, Replica, serve};
use crate::stations::services::pod::Containers;
use crate::world::World;
use sim_kernel::SimTime;

/// The Deployment of a plan that is CoreDNS.
pub(crate) fn coredns_of(plan: &Plan) -> Option<DeploymentId> {
    let is_coredns =
        |of: &crate::plan::Deployment| of.namespace == "kube-system" && (of.name == "coredns" || of.name == "kube-dns");
    plan.deployments.iter().position(is_coredns).map(|at| DeploymentId(at as u32))
}

/// How clients repeat their queries.
pub(crate) fn repeats(parameters: &CorednsParameters) -> Repeats {
    Repeats { timeout: parameters.client_timeout, attempts: parameters.client_attempts as u32 }
}

/// What `names` of a second come to as queries.
pub fn offered(names: f64, parameters: &CorednsParameters) -> Offered {
    let external = names * parameters.external_share;
    let families = if parameters.both_families { 2.0 } else { 1.0 };
    let searched = external * parameters.search_queries as f64;
    let handed_on = external * parameters.upstream_queries as f64 * (1.0 - parameters.cache_hits);
    Offered { queries: (names + searched) * families, upstream: handed_on * families }
}

/// What a replica and the VPC's resolver can do.
pub fn dns_settings(parameters: &CorednsParameters) -> DnsSettings {
    DnsSettings { capacity: parameters.core_rate * parameters.cores, packets: parameters.resolver_packets as f64 }
}

impl World {
    /// The replicas of CoreDNS that are listed when the run begins.
    pub(crate) fn dns_begins(&mut self) {
        let Some(deployment) = self.coredns.deployment() else { return };
        for (pod, state) in (0..).map(PodId).zip(self.cluster.pods.iter()) {
            if state.deployment == deployment && state.is_listed() {
                self.coredns.lists(deployment, pod, true);
            }
        }
    }

    /// Once in a window: what CoreDNS made of the queries since the last look.
    pub(crate) fn look_at_dns(&mut self, now: SimTime) {
        let Some(coredns) = self.coredns.deployment() else { return };
        let window = self.plan.window().as_nanos(); // its grid: when its first event is depends on what is elided
        let now = SimTime::from_nanos(now.as_nanos() / window * window);
        let parameters = &self.plan.parameters.coredns;
        let all: u32 = self.cluster.deployments.iter().map(|of| of.serving).sum();
        let askers = all - self.cluster.deployments[coredns.index()].serving;
        let names = f64::from(askers) * parameters.names_per_second;
        let replicas = self.coredns.listed().iter().filter_map(|pod| {
            let state = &self.cluster.pods[pod.index()];
            let answers = matches!(state.containers(), Containers::Running | Containers::Stopping);
            Some(Replica { node: state.node?, answers })
        });
        let replicas: Vec<Replica> = replicas.collect();
        let served = serve(offered(names, parameters), &replicas, &dns_settings(parameters));
        let Some(loses) = self.probes.coredns.look(now, names, served) else { return };
        let living = replicas.iter().filter(|replica| replica.answers).count();
        let cause = self.cluster.deployments[coredns.index()].story;
        self.probes.timeline.note(now, Weight::Turn, cause, "dns/loses", u64::from(loses), || match loses {
            true if living < replicas.len() || replicas.is_empty() => {
                format!("DNS queries are lost: {living} of {} replicas of CoreDNS that are listed live", replicas.len())
            }
            true if served.dropped > 0.0 => {
                "DNS queries are lost: the VPC's resolver drops packets of CoreDNS, beyond its limit for a network interface"
                    .to_owned()
            }
            true => format!("DNS queries are lost: {living} replicas of CoreDNS cannot answer all that is asked"),
            false => "CoreDNS answers every query again".to_owned(),
        });
    }
}
