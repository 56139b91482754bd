//! CoreDNS as a server, taken as a whole: what its replicas answer of the queries that they get in a second. kube-proxy
//! spreads queries evenly over the replicas that the service lists, dead ones too. A replica answers as fast as its CPU
//! allows; for names outside the cluster that it does not remember it asks the resolver of the VPC, which lets each
//! network interface send so many packets and drops the others without a word.

use crate::ids::{DeploymentId, NodeId, PodId};

/// What a replica and the VPC's resolver can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DnsSettings {
    /// Queries that a replica answers in a second.
    pub capacity: f64,
    /// Packets that the VPC's resolver takes from a node in a second.
    pub packets: f64,
}

/// What is asked in a second, of all replicas together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offered {
    /// Queries.
    pub queries: f64,
    /// Those of them that CoreDNS hands on to the VPC's resolver.
    pub upstream: f64,
}

/// A replica that the service lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Where it is.
    pub node: NodeId,
    /// Whether it lives.
    pub answers: bool,
}

/// What became of what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Served {
    /// What was wanted of a living replica, as a share of what it can do.
    pub utilization: f64,
    /// Share of the queries that were not answered.
    pub lost: f64,
    /// Packets in a second that the VPC's resolver dropped.
    pub dropped: f64,
}

/// What replicas make of what they are asked.
pub fn serve(offered: Offered, replicas: &[Replica], settings: &DnsSettings) -> Served {
    if offered.queries <= 0.0 {
        return Served::default();
    }
    let all = replicas.len().max(1) as f64;
    let living = replicas.iter().filter(|replica| replica.answers).count() as f64;
    let utilization = offered.queries / all / settings.capacity;
    let answered = (1.0 / utilization).min(1.0);
    let handed_on = offered.upstream / all * answered;
    let dropped = dropped(handed_on, replicas, settings.packets);
    let lost = 1.0 - living / all * answered + dropped / offered.queries;
    Served { utilization: if living > 0.0 { utilization } else { 0.0 }, lost, dropped }
}

/// Packets beyond what each node may send, where each living replica sends `each`.
fn dropped(each: f64, replicas: &[Replica], limit: f64) -> f64 {
    let mut nodes: Vec<NodeId> =
        replicas.iter().filter(|replica| replica.answers).map(|replica| replica.node).collect();
    nodes.sort_unstable();
    nodes.chunk_by(|one, other| one == other).map(|here| (here.len() as f64 * each - limit).max(0.0)).sum()
}

/// Which pods the service of CoreDNS lists.
#[derive(Clone, Debug, Default)]
pub struct CoreDns {
    deployment: Option<DeploymentId>,
    listed: Vec<PodId>,
}

impl CoreDns {
    /// CoreDNS as this Deployment, if there is one.
    pub fn new(deployment: Option<DeploymentId>) -> Self {
        CoreDns { deployment, listed: Vec::new() }
    }

    /// The Deployment that it is.
    pub fn deployment(&self) -> Option<DeploymentId> {
        self.deployment
    }

    /// The service of a Deployment lists a pod, or no longer does.
    pub fn lists(&mut self, deployment: DeploymentId, pod: PodId, listed: bool) {
        if self.deployment != Some(deployment) {
            return;
        }
        self.listed.retain(|known| *known != pod);
        if listed {
            self.listed.push(pod);
        }
    }

    /// The pods that it lists.
    pub fn listed(&self) -> &[PodId] {
        &self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: DnsSettings = DnsSettings { capacity: 34_000.0, packets: 1024.0 };

    fn replica(node: u32, answers: bool) -> Replica {
        Replica { node: NodeId(node), answers }
    }

    fn internal(queries: f64) -> Offered {
        Offered { queries, upstream: 0.0 }
    }

    #[test]
    fn replicas_share_what_is_asked_and_lose_what_is_too_much() {
        let two = [replica(0, true), replica(1, true)];
        let calm = serve(internal(34_000.0), &two, &SETTINGS);
        assert_eq!((calm.utilization, calm.lost), (0.5, 0.0));
        let busy = serve(internal(136_000.0), &two, &SETTINGS);
        assert_eq!((busy.utilization, busy.lost), (2.0, 0.5));
    }

    #[test]
    fn what_goes_to_a_dead_replica_is_lost() {
        let served = serve(internal(100.0), &[replica(0, true), replica(1, false)], &SETTINGS);
        assert_eq!(served.lost, 0.5);
        assert_eq!(serve(internal(100.0), &[], &SETTINGS).lost, 1.0);
    }

    #[test]
    fn the_resolver_of_the_vpc_limits_each_node() {
        let offered = Offered { queries: 4096.0, upstream: 4096.0 };
        let apart = serve(offered, &[replica(0, true), replica(1, true)], &SETTINGS);
        let together = serve(offered, &[replica(0, true), replica(0, true)], &SETTINGS);
        assert_eq!((apart.dropped, together.dropped), (2048.0, 3072.0));
        assert_eq!(apart.lost, 0.5);
    }

    #[test]
    fn only_pods_of_coredns_count() {
        let mut dns = CoreDns::new(Some(DeploymentId(1)));
        dns.lists(DeploymentId(0), PodId(7), true);
        dns.lists(DeploymentId(1), PodId(8), true);
        dns.lists(DeploymentId(1), PodId(9), true);
        dns.lists(DeploymentId(1), PodId(8), false);
        assert_eq!(dns.listed(), [PodId(9)]);
    }
}
