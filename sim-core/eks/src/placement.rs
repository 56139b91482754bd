//! Where the provider put things: every possibility, what the user pinned, and the one that a replication gets.
//!
//! All possibilities are equally likely. Replications are stratified: each run of as many replications as there are
//! possibilities visits every one of them once, in an order drawn from the seed.

use crate::parameters::PlacementParameters;
use crate::plan::{Change, Cluster, Plan, ZoneId};
use crate::quantity::Placement as Pin;
use sim_kernel::{Purpose, RunKey};
use sim_study::Case;

const ORDER: Purpose = Purpose::new("placement/order");

/// Zones of the control plane.
pub const CONTROL_PLANE_ZONES: u8 = 3;

/// One possibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The zone of each API server, in order; with more servers than zones some hold several.
    pub api_servers: Vec<ZoneId>,
    /// The zone of the etcd leader.
    pub etcd_leader: ZoneId,
    /// The zone of the controllers' leader: one of `api_servers`.
    pub controllers: ZoneId,
}

impl Placement {
    /// Every placement that the parameters allow, in a fixed order. Empty if the pins contradict each other.
    pub fn possibilities(cluster: &Cluster, count: u64, pins: &PlacementParameters) -> Vec<Placement> {
        let zones: Vec<ZoneId> = (0..CONTROL_PLANE_ZONES).map(ZoneId).collect();
        let mut all = Vec::new();
        for api_servers in spreads(cluster, count, &pins.api_server_zones) {
            for &etcd_leader in zones.iter().filter(|zone| allows(cluster, &pins.etcd_leader_zone, **zone)) {
                for &controllers in api_servers.iter().filter(|zone| allows(cluster, &pins.controllers_zone, **zone)) {
                    all.push(Placement { api_servers: api_servers.clone(), etcd_leader, controllers });
                }
            }
        }
        all
    }

    /// The placement of a replication.
    ///
    /// # Panics
    /// If the plan's pins allow none: a validated plan has one.
    pub fn of_replication(plan: &Plan, seed: u64, replication: u32) -> Placement {
        let mut possibilities = Self::of_plan(plan);
        assert!(!possibilities.is_empty(), "a validated plan allows a placement");
        let (round, place) = (replication as usize / possibilities.len(), replication as usize % possibilities.len());
        let mut draw = RunKey::new(seed, 0).draw(ORDER, round as u64, 0);
        for end in (1..possibilities.len()).rev() {
            possibilities.swap(end, draw.below(end as u64 + 1) as usize);
        }
        possibilities.swap_remove(place)
    }

    fn of_plan(plan: &Plan) -> Vec<Placement> {
        Self::possibilities(&plan.cluster, plan.parameters.api_server.count, &plan.parameters.placement)
    }

    /// The case of the plan's mixture that this placement belongs to, with its exact probability.
    pub fn case(&self, plan: &Plan) -> Case {
        let Some(zone) = plan.steps.iter().find_map(|step| match step.change {
            Change::ZonePowerLoss { zone, .. } => Some(zone),
            _ => None,
        }) else {
            return Case { label: "every placement".to_owned(), probability: 1.0 };
        };
        let all = Self::of_plan(plan);
        let alike = all.iter().filter(|other| other.held(zone) == self.held(zone)).count();
        Case { label: self.label(zone), probability: alike as f64 / all.len() as f64 }
    }

    /// What a zone held: an API server, the etcd leader, the controllers' leader.
    fn held(&self, zone: ZoneId) -> [bool; 3] {
        [self.api_servers.contains(&zone), self.etcd_leader == zone, self.controllers == zone]
    }

    fn label(&self, zone: ZoneId) -> String {
        let names = ["an API server", "the etcd leader", "the controllers' leader"];
        let held: Vec<&str> =
            names.iter().zip(self.held(zone)).filter(|(_, held)| *held).map(|(name, _)| *name).collect();
        match held.as_slice() {
            [] if zone.0 >= CONTROL_PLANE_ZONES => "the zone held nothing of the control plane".to_owned(),
            [] => "the zone held an etcd follower only".to_owned(),
            [one] => format!("the zone held {one}"),
            [before @ .., last] => format!("the zone held {} and {last}", before.join(", ")),
        }
    }
}

fn allows(cluster: &Cluster, pin: &Pin, zone: ZoneId) -> bool {
    match pin {
        Pin::Drawn => true,
        Pin::Zones(names) => names.iter().any(|name| cluster.zone(name) == Some(zone)),
    }
}

/// Every way to spread `count` API servers evenly over the zones, or over those that are pinned: each holds as many, and
/// what is left over lies in any of them.
fn spreads(cluster: &Cluster, count: u64, pin: &Pin) -> Vec<Vec<ZoneId>> {
    let over: Vec<ZoneId> = (0..CONTROL_PLANE_ZONES).map(ZoneId).filter(|zone| allows(cluster, pin, *zone)).collect();
    if over.is_empty() || matches!(pin, Pin::Zones(_)) && (over.len() as u64) > count {
        return Vec::new();
    }
    let (each, more) = (count / over.len() as u64, count % over.len() as u64);
    let sets = (0u32..1 << over.len()).filter(|set| u64::from(set.count_ones()) == more);
    let holds = |set: u32, place: usize| each + u64::from(set >> place & 1);
    sets.map(|set| {
        (0..over.len()).flat_map(|place| (0..holds(set, place)).map(move |_| place)).map(|place| over[place]).collect()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{KubernetesVersion, Network, VpcLayout, Zone};

    fn cluster() -> Cluster {
        let zone = |letter| Zone { name: format!("eu-west-1{letter}"), in_cluster: true };
        let zones = ["a", "b", "c"].map(zone).to_vec();
        Cluster {
            network: Network::new(&zones, &VpcLayout::default()),
            name: "test".to_owned(),
            region: "eu-west-1".to_owned(),
            version: KubernetesVersion { major: 1, minor: 34 },
            zones,
            node_groups: Vec::new(),
            fargate_profiles: Vec::new(),
            daemon_sets: Vec::new(),
        }
    }

    #[test]
    fn two_servers_over_three_zones_have_eighteen_placements_and_a_zone_holds_one_in_two_of_three() {
        let pins = crate::Parameters::default().placement;
        let all = Placement::possibilities(&cluster(), 2, &pins);
        assert_eq!(all.len(), 18);
        assert_eq!(all.iter().filter(|placement| placement.held(ZoneId(0))[0]).count(), 12);
    }

    /// More servers than zones are spread evenly; each server is as likely to hold the controllers' leases.
    #[test]
    fn more_servers_than_zones_are_spread_evenly() {
        let pins = crate::Parameters::default().placement;
        let cluster = cluster();
        for (count, placements) in [(1, 9), (3, 9), (4, 36), (5, 45), (6, 18)] {
            let all = Placement::possibilities(&cluster, count, &pins);
            assert_eq!(all.len(), placements, "{count} servers");
            for placement in &all {
                let in_zone = |zone| placement.api_servers.iter().filter(|server| **server == ZoneId(zone)).count();
                let counts = [in_zone(0), in_zone(1), in_zone(2)];
                assert_eq!(counts.iter().sum::<usize>() as u64, count);
                assert!(counts.iter().max() <= counts.iter().min().map(|least| least + 1).as_ref(), "{counts:?}");
            }
        }
    }

    #[test]
    fn a_pin_leaves_only_what_it_names_and_a_contradiction_leaves_nothing() {
        let mut parameters = crate::Parameters::default();
        for (path, value) in
            [("api_server_zones", "a,b"), ("etcd_leader_zone", "eu-west-1a"), ("controllers_zone", "b")]
        {
            parameters.set(&format!("placement.{path}"), value).expect("valid");
        }
        let pinned = Placement::possibilities(&cluster(), 2, &parameters.placement);
        let expected =
            Placement { api_servers: vec![ZoneId(0), ZoneId(1)], etcd_leader: ZoneId(0), controllers: ZoneId(1) };
        assert_eq!(pinned, [expected]);
        parameters.set("placement.controllers_zone", "c").expect("valid by itself");
        assert!(Placement::possibilities(&cluster(), 2, &parameters.placement).is_empty());
    }
}
