//! The Network Load Balancer: a node with an address in each zone that holds an API server, and its targets.
//!
//! Modelled: which target a node sends a new flow to, health checks with interval, time-out and thresholds, verdicts
//! and the routing that follows them, fail-open. A health check is not an event: a dead target's checks fail until the
//! threshold, and the time of that verdict is computed from the check's phase.
//! Left out: idle time-outs, deregistration, port exhaustion, several checkers for a target.

use crate::ids::ApiServerId;
use crate::parameters::NlbParameters;
use crate::plan::ZoneId;
use crate::stations::network::Addresses;
use sim_kernel::{Draw, Purpose, RunKey, SimDuration, SimTime};

const CHECK_PHASE: Purpose = Purpose::new("nlb/check-phase");

/// The load balancer.
#[derive(Clone, Debug)]
pub struct Nlb {
    targets: Vec<Option<Target>>,
    cross_zone: bool,
    interval: SimDuration,
    timeout: SimDuration,
    unhealthy_threshold: u64,
    healthy_threshold: u64,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    server: ApiServerId,
    /// Whether the checks of its zone's address find the NLB node alive.
    reachable: bool,
    healthy: bool,
    routed: bool,
    check_phase: SimDuration,
    generation: u32,
    publications: u32,
}

impl Nlb {
    /// A balancer whose nodes and targets are in the zones of the API servers; `zones` zones in all.
    pub fn new(zones: usize, servers: &[ZoneId], parameters: &NlbParameters, key: RunKey) -> Self {
        let interval = parameters.health_check_interval;
        let mut targets = vec![None; zones];
        for (index, zone) in (0u8..).zip(servers) {
            let check_phase = interval.scaled(key.draw(CHECK_PHASE, u64::from(zone.0), 0).uniform());
            let server = ApiServerId(index);
            targets[zone.index()] = Some(Target {
                server,
                reachable: true,
                healthy: true,
                routed: true,
                check_phase,
                generation: 0,
                publications: 0,
            });
        }
        Nlb {
            targets,
            cross_zone: parameters.cross_zone,
            interval,
            timeout: parameters.health_check_timeout,
            unhealthy_threshold: parameters.unhealthy_threshold,
            healthy_threshold: parameters.healthy_threshold,
        }
    }

    /// Whether its nodes send flows to the targets of every zone.
    pub fn cross_zone(&self) -> bool {
        self.cross_zone
    }

    /// The zones that have a node and a target.
    pub fn zones(&self) -> impl Iterator<Item = ZoneId> {
        (0u8..).zip(&self.targets).filter(|(_, target)| target.is_some()).map(|(zone, _)| ZoneId(zone))
    }

    /// The target to which the node of a zone sends a new flow. With no healthy target every target is eligible.
    pub fn choose(&self, node: ZoneId, draw: &mut Draw) -> Option<ApiServerId> {
        if !self.cross_zone {
            return self.targets[node.index()].map(|target| target.server);
        }
        let any_routed = self.targets.iter().flatten().any(|target| target.routed);
        let eligible = || self.targets.iter().flatten().filter(|target| target.routed || !any_routed);
        let count = eligible().count() as u64;
        if count == 0 {
            return None;
        }
        eligible().nth(draw.below(count) as usize).map(|target| target.server)
    }

    /// The target of a zone stops answering: when its checks have failed often enough, and the generation of that
    /// verdict.
    pub fn target_dies(&mut self, zone: ZoneId, now: SimTime) -> Option<(SimTime, u32)> {
        let (interval, more) = (self.interval, self.unhealthy_threshold - 1);
        let target = self.targets[zone.index()].as_mut()?;
        target.generation += 1;
        let verdict = next_check(now, target.check_phase, interval) + interval * more + self.timeout;
        Some((verdict, target.generation))
    }

    /// The target of a zone answers again: when its checks have passed often enough, and the generation of that
    /// verdict.
    pub fn target_returns(&mut self, zone: ZoneId, now: SimTime) -> Option<(SimTime, u32)> {
        let (interval, more) = (self.interval, self.healthy_threshold - 1);
        let target = self.targets[zone.index()].as_mut()?;
        target.generation += 1;
        Some((next_check(now, target.check_phase, interval) + interval * more, target.generation))
    }

    /// A verdict on the target of a zone, if it is still of this generation. Returns the server concerned.
    pub fn judge(&mut self, zone: ZoneId, generation: u32, healthy: bool) -> Option<ApiServerId> {
        let target = self.targets[zone.index()].as_mut().filter(|target| target.generation == generation)?;
        target.healthy = healthy;
        Some(target.server)
    }

    /// Routing follows the verdict, if it is still of this generation.
    pub fn route(&mut self, zone: ZoneId, generation: u32) {
        if let Some(target) = self.targets[zone.index()].as_mut().filter(|target| target.generation == generation) {
            target.routed = target.healthy;
        }
    }

    /// The checks of a zone's address have found its NLB node dead. Without cross-zone balancing nobody checks its target
    /// any more: it must pass its checks anew.
    pub fn address_dies(&mut self, zone: ZoneId) {
        let cross_zone = self.cross_zone;
        if let Some(target) = self.targets[zone.index()].as_mut() {
            target.reachable = false;
            target.healthy &= cross_zone;
        }
    }

    /// The NLB node of a zone lives again.
    pub fn address_lives(&mut self, zone: ZoneId) {
        if let Some(target) = self.targets[zone.index()].as_mut() {
            target.reachable = true;
        }
    }

    /// Counts the changes of DNS that a zone has brought about: the ordinal of their draws.
    pub fn next_publication(&mut self, zone: ZoneId) -> u32 {
        let target = self.targets[zone.index()].as_mut().expect("only a zone with a target changes DNS");
        target.publications += 1;
        target.publications
    }

    /// The addresses that DNS should give by the present verdicts: those of living nodes with a healthy target, which
    /// with cross-zone balancing any zone's will do. With none of them it fails open: those of living nodes, or all.
    pub fn answer(&self) -> Addresses {
        let zones = |wanted: &dyn Fn(&Target) -> bool| {
            let numbered = (0u8..).zip(&self.targets);
            Addresses::of(
                numbered
                    .filter(|(_, target)| target.is_some_and(|target| wanted(&target)))
                    .map(|(zone, _)| ZoneId(zone)),
            )
        };
        let good = zones(&|target| target.reachable && (self.cross_zone || target.healthy));
        let alive = zones(&|target| target.reachable);
        [good, alive].into_iter().find(|answer| !answer.is_empty()).unwrap_or_else(|| zones(&|_| true))
    }

    /// Whether the verdict on the target of a zone is Healthy.
    pub fn is_healthy(&self, zone: ZoneId) -> bool {
        self.targets[zone.index()].is_some_and(|target| target.healthy)
    }
}

/// The start of the first check at or after `now`.
fn next_check(now: SimTime, phase: SimDuration, interval: SimDuration) -> SimTime {
    let first = SimTime::ZERO + phase;
    let passed = now.saturating_since(first).as_nanos().div_ceil(interval.as_nanos());
    first + interval * passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn balancer(cross_zone: bool, seed: u64) -> Nlb {
        let mut parameters = Parameters::default().nlb;
        parameters.cross_zone = cross_zone;
        Nlb::new(3, &[ZoneId(0), ZoneId(2)], &parameters, RunKey::new(seed, 0))
    }

    /// facts/control-plane.md, section 5: a target that dies silently is unhealthy between (n-1) I + T and n I + T.
    #[test]
    fn a_silent_target_is_unhealthy_after_40_to_70_seconds_at_defaults() {
        let died = SimTime::ZERO + SimDuration::from_secs(1000);
        let after =
            |seed| balancer(false, seed).target_dies(ZoneId(0), died).expect("a target").0.saturating_since(died);
        let times: Vec<f64> = (0..500).map(|seed| after(seed).as_secs_f64()).collect();
        assert!(times.iter().all(|time| (40.0..=70.0).contains(time)));
        assert!(times.iter().any(|time| *time < 42.0) && times.iter().any(|time| *time > 68.0));
    }

    #[test]
    fn dns_lists_living_nodes_with_healthy_targets_and_fails_open() {
        let (a, c) = (ZoneId(0), ZoneId(2));
        let both = Addresses::of([a, c].into_iter());
        let mut balancer = balancer(false, 1);
        assert_eq!(balancer.answer(), both);
        balancer.address_dies(a);
        assert_eq!(balancer.answer(), both.without(a));
        let (_, generation) = balancer.target_dies(c, SimTime::ZERO).expect("a target");
        balancer.judge(c, generation, false);
        assert_eq!(balancer.answer(), both.without(a), "no healthy target: the living node stays");
        balancer.address_lives(a);
        assert_eq!(balancer.answer(), both, "a must pass its checks anew, so both are as bad");
        let (_, generation) = balancer.target_returns(a, SimTime::ZERO).expect("a target");
        balancer.judge(a, generation, true);
        assert_eq!(balancer.answer(), both.without(c));
    }

    #[test]
    fn a_node_sends_to_its_own_zone_only_unless_cross_zone_is_on() {
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test"), 0, 0);
        let mut off = balancer(false, 1);
        let (_, generation) = off.target_dies(ZoneId(2), SimTime::ZERO).expect("a target");
        off.judge(ZoneId(2), generation, false);
        off.route(ZoneId(2), generation);
        assert_eq!(off.choose(ZoneId(2), &mut draw), Some(ApiServerId(1)), "dead or not");
        let mut on = balancer(true, 1);
        let (_, generation) = on.target_dies(ZoneId(2), SimTime::ZERO).expect("a target");
        on.judge(ZoneId(2), generation, false);
        on.route(ZoneId(2), generation);
        assert!((0..50).all(|_| on.choose(ZoneId(2), &mut draw) == Some(ApiServerId(0))));
    }
}
