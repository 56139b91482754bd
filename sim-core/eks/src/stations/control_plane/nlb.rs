//! The Network Load Balancer: a node with an address in each zone that holds an API server, and its targets.
//!
//! Modelled: which target a node sends a new flow to, the verdicts of each node's health checks on each target that it
//! may send to, the routing that follows them, fail-open, registration and deregistration, which addresses DNS should
//! give. When a check begins and what the target answers is not its business.
//! Left out: port exhaustion, several checkers for a target, passive checks.

use crate::ids::ApiServerId;
use crate::parameters::NlbParameters;
use crate::plan::ZoneId;
use crate::stations::network::Addresses;
use sim_kernel::Draw;

/// The load balancer.
#[derive(Clone, Debug)]
pub struct Nlb {
    /// By zone; `None` where it has no node.
    nodes: Vec<Option<Node>>,
    /// By API server; `None` where that is not registered.
    targets: Vec<Option<Target>>,
    cross_zone: bool,
    unhealthy_threshold: u64,
    healthy_threshold: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Whether the checks of its address find it alive.
    reachable: bool,
    /// Whether the provider has shifted traffic away from it.
    shifted: bool,
    publications: u32,
}

#[derive(Clone, Debug)]
struct Target {
    zone: ZoneId,
    /// Whether it takes new flows at all: no longer, once its deregistration has reached the nodes.
    open: bool,
    /// What each node has found, by the node's zone.
    checks: Vec<Check>,
}

/// What one node has found out about one target.
#[derive(Clone, Copy, Debug, Default)]
struct Check {
    healthy: bool,
    routed: bool,
    /// Checks in a row that contradict the verdict.
    against: u64,
    /// Changes of the verdict so far: the ordinal of their draws.
    changes: u32,
    /// Which round of checks is under way: one is begun anew when the node returns.
    round: u32,
}

impl Nlb {
    /// A balancer whose nodes and targets are in the zones of the API servers, all healthy; `zones` zones in all.
    pub fn new(zones: usize, servers: &[ZoneId], parameters: &NlbParameters) -> Self {
        let mut balancer = Nlb {
            nodes: vec![None; zones],
            targets: Vec::new(),
            cross_zone: parameters.cross_zone,
            unhealthy_threshold: parameters.unhealthy_threshold,
            healthy_threshold: parameters.healthy_threshold,
        };
        for (index, zone) in (0u8..).zip(servers) {
            balancer.register(ApiServerId(index), *zone);
            for check in &mut balancer.targets[index as usize].as_mut().expect("just registered").checks {
                (check.healthy, check.routed) = (true, true);
            }
        }
        balancer
    }

    /// Whether its nodes send flows to the targets of every zone.
    pub fn cross_zone(&self) -> bool {
        self.cross_zone
    }

    /// The zones that have a node.
    pub fn zones(&self) -> impl Iterator<Item = ZoneId> {
        (0u8..).zip(&self.nodes).filter(|(_, node)| node.is_some()).map(|(zone, _)| ZoneId(zone))
    }

    /// Whether a zone has a node.
    pub fn has_node(&self, zone: ZoneId) -> bool {
        self.nodes[zone.index()].is_some()
    }

    /// An API server becomes a target; its zone gets a node if it has none. It gets no flows before it has passed a check.
    pub fn register(&mut self, server: ApiServerId, zone: ZoneId) {
        if self.targets.len() <= server.index() {
            self.targets.resize(server.index() + 1, None);
        }
        self.nodes[zone.index()].get_or_insert(Node { reachable: true, shifted: false, publications: 0 });
        self.targets[server.index()] =
            Some(Target { zone, open: true, checks: vec![Check::default(); self.nodes.len()] });
    }

    /// The deregistration of a target has reached the nodes: it gets no new flows, and nobody checks it any more.
    pub fn close(&mut self, server: ApiServerId) {
        if let Some(target) = self.targets.get_mut(server.index()).and_then(Option::as_mut) {
            target.open = false;
        }
    }

    /// Traffic is shifted away from the node of a zone, or back: its address leaves DNS, or returns.
    pub fn shift(&mut self, zone: ZoneId, away: bool) {
        if let Some(node) = &mut self.nodes[zone.index()] {
            node.shifted = away;
        }
    }

    /// The targets that a node checks and may send to: those of its own zone, or all with cross-zone balancing.
    pub fn targets_of(&self, node: ZoneId) -> impl Iterator<Item = ApiServerId> {
        let within = move |target: &Target| target.open && (self.cross_zone || target.zone == node);
        (0u8..)
            .zip(&self.targets)
            .filter(move |(_, target)| target.as_ref().is_some_and(within))
            .map(|(server, _)| ApiServerId(server))
    }

    /// The nodes that check a target.
    pub fn nodes_of(&self, server: ApiServerId) -> impl Iterator<Item = ZoneId> {
        let target = self.targets.get(server.index()).and_then(Option::as_ref).filter(|target| target.open);
        let target = target.map(|target| target.zone);
        self.zones().filter(move |node| target.is_some_and(|zone| self.cross_zone || zone == *node))
    }

    /// The target to which the node of a zone sends a new flow.
    pub fn choose(&self, node: ZoneId, draw: &mut Draw) -> Option<ApiServerId> {
        let count = self.choices(node).count() as u64;
        if count == 0 {
            return None;
        }
        self.choices(node).nth(draw.below(count) as usize)
    }

    /// The targets to which the node of a zone may send a new flow. With no healthy target every target is eligible.
    pub fn choices(&self, node: ZoneId) -> impl Iterator<Item = ApiServerId> {
        let routed = move |server: &ApiServerId| self.check(node, *server).is_some_and(|check| check.routed);
        let any_routed = self.targets_of(node).any(|server| routed(&server));
        self.targets_of(node).filter(move |server| !any_routed || routed(server))
    }

    /// The targets to which some node sends new flows: those of a balancer that looks at all zones.
    pub fn choices_anywhere(&self) -> Vec<ApiServerId> {
        let mut found: Vec<ApiServerId> = self.zones().flat_map(|node| self.choices(node)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn check(&self, node: ZoneId, server: ApiServerId) -> Option<&Check> {
        self.targets.get(server.index())?.as_ref()?.checks.get(node.index())
    }

    fn check_mut(&mut self, node: ZoneId, server: ApiServerId) -> Option<&mut Check> {
        self.targets.get_mut(server.index())?.as_mut()?.checks.get_mut(node.index())
    }

    /// A node begins to check a target anew: the name of this round of checks.
    pub fn begin_round(&mut self, node: ZoneId, server: ApiServerId) -> u32 {
        let check = self.check_mut(node, server).expect("only registered targets are checked");
        check.round += 1;
        check.against = 0;
        check.round
    }

    /// Whether a round of checks is still under way.
    pub fn is_round(&self, node: ZoneId, server: ApiServerId, round: u32) -> bool {
        let open = self.targets.get(server.index()).and_then(Option::as_ref).is_some_and(|target| target.open);
        open && self.check(node, server).is_some_and(|check| check.round == round)
    }

    /// A health check has ended. Returns the new verdict and its number if it changes: healthy or not. A target that was
    /// never healthy needs one passed check only.
    pub fn checked(&mut self, node: ZoneId, server: ApiServerId, passed: bool) -> Option<(bool, u32)> {
        let (healthy_threshold, unhealthy_threshold) = (self.healthy_threshold, self.unhealthy_threshold);
        let check = self.check_mut(node, server)?;
        if passed == check.healthy {
            check.against = 0;
            return None;
        }
        check.against += 1;
        let wanted = match passed {
            true if check.changes == 0 => 1,
            true => healthy_threshold,
            false => unhealthy_threshold,
        };
        if check.against < wanted {
            return None;
        }
        check.healthy = passed;
        check.against = 0;
        check.changes += 1;
        Some((passed, check.changes))
    }

    /// A node's routing follows its verdict on a target, if that is still its latest.
    pub fn route(&mut self, node: ZoneId, server: ApiServerId, change: u32) {
        if let Some(check) = self.check_mut(node, server).filter(|check| check.changes == change) {
            check.routed = check.healthy;
        }
    }

    /// The checks of a zone's address have found its NLB node dead. Without cross-zone balancing nobody checks its targets
    /// any more: they must pass their checks anew.
    pub fn address_dies(&mut self, zone: ZoneId) {
        let cross_zone = self.cross_zone;
        if let Some(node) = &mut self.nodes[zone.index()] {
            node.reachable = false;
        }
        for target in self.targets.iter_mut().flatten().filter(|target| !cross_zone && target.zone == zone) {
            let check = &mut target.checks[zone.index()];
            check.healthy = false;
            check.changes += 1;
        }
    }

    /// The NLB node of a zone lives again.
    pub fn address_lives(&mut self, zone: ZoneId) {
        if let Some(node) = &mut self.nodes[zone.index()] {
            node.reachable = true;
        }
    }

    /// Counts the changes of DNS that a zone has brought about: the ordinal of their draws.
    pub fn next_publication(&mut self, zone: ZoneId) -> u32 {
        let node = self.nodes[zone.index()].as_mut().expect("only a zone with a node changes DNS");
        node.publications += 1;
        node.publications
    }

    /// The addresses that DNS should give by the present verdicts: those of living nodes with a healthy target, which
    /// with cross-zone balancing any zone's will do. With none of them it fails open: those of living nodes, or all.
    pub fn answer(&self) -> Addresses {
        let zones = |wanted: &dyn Fn(ZoneId, &Node) -> bool| {
            let numbered = (0u8..).map(ZoneId).zip(&self.nodes);
            let chosen = numbered.filter(|(zone, node)| {
                self.targets_of(*zone).next().is_some() && node.as_ref().is_some_and(|node| wanted(*zone, node))
            });
            Addresses::of(chosen.map(|(zone, _)| zone))
        };
        let healthy = |zone| self.targets_of(zone).any(|server| self.is_healthy(zone, server));
        let fair = |zone, node: &Node| node.reachable && (self.cross_zone || healthy(zone));
        let good = zones(&|zone, node| fair(zone, node) && !node.shifted);
        let shifted = zones(&|zone, node| fair(zone, node));
        let alive = zones(&|_, node| node.reachable);
        [good, shifted, alive].into_iter().find(|answer| !answer.is_empty()).unwrap_or_else(|| zones(&|_, _| true))
    }

    /// Whether every node that checks a target finds it healthy, and one does.
    pub fn is_healthy_everywhere(&self, server: ApiServerId) -> bool {
        let mut nodes =
            self.nodes_of(server).filter(|node| self.nodes[node.index()].is_some_and(|node| node.reachable));
        nodes
            .next()
            .is_some_and(|first| self.is_healthy(first, server) && nodes.all(|node| self.is_healthy(node, server)))
    }

    /// Whether a node's verdict on a target is Healthy.
    pub fn is_healthy(&self, node: ZoneId, server: ApiServerId) -> bool {
        self.check(node, server).is_some_and(|check| check.healthy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::stations::network::Address;
    use sim_kernel::{Purpose, RunKey};

    const A: ZoneId = ZoneId(0);
    const C: ZoneId = ZoneId(2);

    fn balancer(cross_zone: bool, servers: &[ZoneId]) -> Nlb {
        let mut parameters = Parameters::default().nlb;
        parameters.cross_zone = cross_zone;
        Nlb::new(3, servers, &parameters)
    }

    fn fails(balancer: &mut Nlb, node: ZoneId, server: u8) {
        let server = ApiServerId(server);
        assert_eq!(balancer.checked(node, server, false), None, "one failed check is none");
        let (healthy, change) = balancer.checked(node, server, false).expect("the second one counts");
        assert!(!healthy);
        balancer.route(node, server, change);
    }

    #[test]
    fn two_failed_checks_make_a_target_unhealthy_and_five_passed_ones_healthy_again() {
        let mut balancer = balancer(false, &[A, C]);
        fails(&mut balancer, A, 0);
        for _ in 0..4 {
            assert_eq!(balancer.checked(A, ApiServerId(0), true), None);
        }
        assert_eq!(balancer.checked(A, ApiServerId(0), true), Some((true, 2)));
    }

    #[test]
    fn a_new_target_gets_flows_after_its_first_passed_check() {
        let mut balancer = balancer(true, &[A]);
        balancer.register(ApiServerId(1), C);
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test"), 0, 0);
        assert!((0..20).all(|_| balancer.choose(A, &mut draw) == Some(ApiServerId(0))));
        let (healthy, change) = balancer.checked(A, ApiServerId(1), true).expect("one check is enough");
        assert!(healthy);
        balancer.route(A, ApiServerId(1), change);
        assert!((0..50).any(|_| balancer.choose(A, &mut draw) == Some(ApiServerId(1))));
    }

    #[test]
    fn dns_lists_living_nodes_with_healthy_targets_and_fails_open() {
        let both = Addresses::of([A, C].into_iter());
        let mut balancer = balancer(false, &[A, C]);
        assert_eq!(balancer.answer(), both);
        balancer.address_dies(A);
        assert_eq!(balancer.answer(), both.without(Address::balancer(A)));
        fails(&mut balancer, C, 1);
        assert_eq!(balancer.answer(), both.without(Address::balancer(A)), "no healthy target: the living node stays");
        balancer.address_lives(A);
        assert_eq!(balancer.answer(), both, "a must pass its checks anew, so both are as bad");
        for _ in 0..5 {
            balancer.checked(A, ApiServerId(0), true);
        }
        assert_eq!(balancer.answer(), both.without(Address::balancer(C)));
    }

    #[test]
    fn a_node_sends_to_its_own_zone_only_unless_cross_zone_is_on() {
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test"), 0, 0);
        let mut off = balancer(false, &[A, C]);
        fails(&mut off, C, 1);
        assert_eq!(off.choose(C, &mut draw), Some(ApiServerId(1)), "dead or not");
        let mut on = balancer(true, &[A, C]);
        fails(&mut on, C, 1);
        assert!((0..50).all(|_| on.choose(C, &mut draw) == Some(ApiServerId(0))));
        assert!((0..50).any(|_| on.choose(A, &mut draw) == Some(ApiServerId(1))), "each node has its own verdict");
    }
}
