//! The parameters of a plan: declared defaults, then what the Kubernetes version changes, then the scenario file, then
//! `--set`; and the contradictions among them.

use super::fields::{Errors, Leaf};
use super::tree::{quoted, shortened};
use crate::problem::{did_you_mean, nearest};
use sim_eks::parameters::{declaration, tier_settings};
use sim_eks::plan::{Cluster, KubernetesVersion, Note, NoteKind, Setting};
use sim_eks::quantity::Placement;
use sim_eks::{DECLARATIONS, Parameters, ValueError};
use std::path::Path;

/// Zones of the control plane: the first three of a cluster.
pub(crate) const CONTROL_PLANE_ZONES: usize = 3;

/// Nodes have a grace period of 50 s since this version and of 40 s before. Source: kubernetes/kubernetes pull 126287.
const LONGER_GRACE_SINCE: KubernetesVersion = KubernetesVersion { major: 1, minor: 32 };

/// A rule on two parameters.
struct Order {
    paths: [&'static str; 2],
    rule: &'static str,
    broken: fn(&Parameters) -> bool,
}

/// Sources: etcd's own check of its flags, client-go's of its leader election, the Elastic Load Balancing API.
static ORDERS: [Order; 8] = [
    Order {
        paths: ["etcd.election_timeout", "etcd.heartbeat_interval"],
        rule: "etcd wants an election timeout of at least five heartbeat intervals",
        broken: |p| p.etcd.heartbeat_interval * 5 > p.etcd.election_timeout,
    },
    Order {
        paths: ["leader_election.renew_deadline", "leader_election.lease_duration"],
        rule: "the lease duration must be longer than the renew deadline",
        broken: |p| p.leader_election.renew_deadline >= p.leader_election.lease_duration,
    },
    Order {
        paths: ["leader_election.retry_period", "leader_election.renew_deadline"],
        rule: "the renew deadline must be longer than the retry period times its jitter",
        broken: |p| {
            let retry = p.leader_election.retry_period.as_secs_f64() * p.leader_election.jitter;
            retry >= p.leader_election.renew_deadline.as_secs_f64()
        },
    },
    Order {
        paths: ["nlb.health_check_timeout", "nlb.health_check_interval"],
        rule: "a health check's timeout may not exceed its interval",
        broken: |p| p.nlb.health_check_timeout > p.nlb.health_check_interval,
    },
    Order {
        paths: ["kubelet.lease_retry_backoff_base", "kubelet.lease_retry_backoff_max"],
        rule: "the first pause may not exceed the longest",
        broken: |p| p.kubelet.lease_retry_backoff_base > p.kubelet.lease_retry_backoff_max,
    },
    Order {
        paths: ["scheduler.backoff_base", "scheduler.backoff_max"],
        rule: "the first pause may not exceed the longest",
        broken: |p| p.scheduler.backoff_base > p.scheduler.backoff_max,
    },
    Order {
        paths: ["controllers.work_backoff_base", "controllers.work_backoff_max"],
        rule: "the first pause may not exceed the longest",
        broken: |p| p.controllers.work_backoff_base > p.controllers.work_backoff_max,
    },
    Order {
        paths: ["node_lifecycle.grace_period", "kubelet.lease_renew_interval"],
        rule: "the grace period must be longer than the pause between two heartbeats, or every node is NotReady",
        broken: |p| p.node_lifecycle.grace_period <= p.kubelet.lease_renew_interval,
    },
];

/// Who set a parameter, from the weakest to the strongest.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    Version(String),
    Tier(String),
    File(usize),
    Set,
}

/// The parameters, and who set which.
pub(crate) struct Settings {
    pub parameters: Parameters,
    set: Vec<(&'static str, Origin)>,
}

/// Resolves the parameters of a plan; `version` is absent where the cluster is wrong.
pub(crate) fn resolve(
    file: &[Leaf],
    sets: &[String],
    version: Option<KubernetesVersion>,
    errors: &mut Errors,
) -> Settings {
    let mut settings = Settings { parameters: Parameters::default(), set: Vec::new() };
    if let Some(version) = version.filter(|version| *version < LONGER_GRACE_SINCE) {
        let origin = Origin::Version(format!("Kubernetes {}.{}", version.major, version.minor));
        settings.set("node_lifecycle.grace_period", "40s", origin).expect("a value of the range");
    }
    for leaf in file {
        if let Err(problem) = settings.set(&leaf.path, &leaf.text, Origin::File(leaf.line)) {
            errors.add(leaf.line, format!("parameters.{}", shortened(&leaf.path)), problem);
        }
    }
    for set in sets {
        let Some((path, value)) = set.split_once('=') else {
            let problem = format!("found {}; wanted is path=value, such as etcd.election_timeout=2s", quoted(set));
            errors.add_for(Path::new("--set"), 0, "", problem);
            continue;
        };
        if let Err(problem) = settings.set(path.trim(), value.trim(), Origin::Set) {
            errors.add_for(Path::new("--set"), 0, shortened(path.trim()), problem);
        }
    }
    settings.follow_tier();
    settings
}

impl Settings {
    fn set(&mut self, path: &str, text: &str, origin: Origin) -> Result<(), String> {
        let declared = declaration(path).ok_or_else(|| no_such_parameter(path))?;
        self.parameters.set(declared.path, text).map_err(|error| refusal(error, text))?;
        self.set.retain(|(set, _)| *set != declared.path);
        self.set.push((declared.path, origin));
        Ok(())
    }

    /// Sets what the tier of the control plane sets, unless somebody has set that.
    fn follow_tier(&mut self) {
        let tier = self.parameters.control_plane.tier;
        for (path, value) in tier_settings(tier) {
            if self.set.iter().all(|(set, _)| set != path) {
                let origin = Origin::Tier(Parameters::tier_origin(tier));
                self.set(path, value, origin).expect("a tier sets valid values (tested)");
            }
        }
    }

    /// The parameters that differ from their declared default, in the order of the registry.
    pub fn list(&self, file_name: &str) -> Vec<Setting> {
        let defaults = Parameters::default();
        let mut list = Vec::new();
        for declared in DECLARATIONS {
            let value = self.parameters.get(declared.path).expect("declared");
            let Some((_, origin)) = self.set.iter().find(|(path, _)| *path == declared.path) else { continue };
            if defaults.get(declared.path).as_ref() == Some(&value) {
                continue;
            }
            let origin = match origin {
                Origin::Version(origin) | Origin::Tier(origin) => origin.clone(),
                Origin::File(line) => format!("{file_name}:{line}"),
                Origin::Set => "--set".to_owned(),
            };
            list.push(Setting { path: declared.path.to_owned(), value, origin });
        }
        list
    }

    /// Replaces every law by its median and takes jitter away.
    pub fn still(&mut self, notes: &mut Vec<Note>) {
        self.parameters = self.parameters.clone().still();
        let text = "every law is replaced by its median, and messages have no jitter".to_owned();
        notes.push(Note { kind: NoteKind::Filled, place: "--still".to_owned(), field: "parameters".to_owned(), text });
    }

    /// Notes a problem where the strongest origin of the parameters lies.
    fn blame(&self, paths: &[&str], problem: String, errors: &mut Errors) {
        let blamed = self.set.iter().rev().find(|(path, _)| paths.contains(path));
        match blamed {
            Some((path, Origin::File(line))) => errors.add(*line, format!("parameters.{path}"), problem),
            Some((path, Origin::Set)) => errors.add_for(Path::new("--set"), 0, *path, problem),
            Some((path, Origin::Version(_) | Origin::Tier(_))) => errors.add(0, format!("parameters.{path}"), problem),
            None => errors.add(0, format!("parameters.{}", paths[0]), problem),
        }
    }

    /// Refuses values that contradict each other or the cluster.
    pub fn check(&self, cluster: &Cluster, errors: &mut Errors) {
        self.check_orders(errors);
        self.check_placement(cluster, errors);
    }

    /// What the makers of the real programs demand of two parameters together.
    fn check_orders(&self, errors: &mut Errors) {
        let p = &self.parameters;
        for order in &ORDERS {
            if (order.broken)(p) {
                let values = order.paths.map(|path| format!("{path} is {}", p.get(path).expect("declared")));
                self.blame(&order.paths, format!("{}; {}", order.rule, values.join(", ")), errors);
            }
        }
    }

    /// Where things sit must be possible: zones of the control plane, one for each API server.
    fn check_placement(&self, cluster: &Cluster, errors: &mut Errors) {
        let placement = &self.parameters.placement;
        let count = self.parameters.api_server.count as usize;
        let servers = self.zones_of("placement.api_server_zones", &placement.api_server_zones, cluster, errors);
        let leader = self.zones_of("placement.etcd_leader_zone", &placement.etcd_leader_zone, cluster, errors);
        let controllers = self.zones_of("placement.controllers_zone", &placement.controllers_zone, cluster, errors);
        if let Some(zones) = &servers
            && (zones.len() > count || zones.len() < count && count <= CONTROL_PLANE_ZONES)
        {
            let problem = format!(
                "placement.api_server_zones names {} zones, but api_server.count is {count}; one zone for each of up to {CONTROL_PLANE_ZONES} API servers",
                zones.len()
            );
            self.blame(&["placement.api_server_zones", "api_server.count"], problem, errors);
        }
        for (path, zones) in [("placement.etcd_leader_zone", &leader), ("placement.controllers_zone", &controllers)] {
            if let Some(zones) = zones
                && zones.len() > 1
            {
                self.blame(&[path], "names more than one zone; wanted is `drawn` or one zone".to_owned(), errors);
            }
        }
        if let (Some(servers), Some(controllers)) = (&servers, &controllers)
            && controllers.iter().any(|zone| !servers.contains(zone))
        {
            let problem =
                "the controllers run beside an API server, but placement.api_server_zones does not name this zone";
            self.blame(&["placement.controllers_zone", "placement.api_server_zones"], problem.to_owned(), errors);
        }
    }

    /// The zones that a placement pins, as indices; `None` if it is drawn or wrong.
    fn zones_of(
        &self,
        path: &str,
        placement: &Placement,
        cluster: &Cluster,
        errors: &mut Errors,
    ) -> Option<Vec<usize>> {
        let Placement::Zones(names) = placement else { return None };
        let mut zones = Vec::new();
        for name in names {
            let found = cluster.zone(name).map(|zone| zone.index()).filter(|index| *index < CONTROL_PLANE_ZONES);
            let Some(index) = found else {
                let allowed = zone_names(&cluster.zones[..CONTROL_PLANE_ZONES.min(cluster.zones.len())]);
                let problem = format!("found {}; the control plane's zones are {allowed}", quoted(name));
                self.blame(&[path], problem, errors);
                return None;
            };
            if zones.contains(&index) {
                self.blame(&[path], format!("names the zone {} twice", quoted(name)), errors);
                return None;
            }
            zones.push(index);
        }
        Some(zones)
    }
}

/// `eu-west-1a, eu-west-1b, eu-west-1c`.
pub(crate) fn zone_names(zones: &[sim_eks::plan::Zone]) -> String {
    zones.iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The groups of parameters, in the order of the registry.
pub(crate) fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = DECLARATIONS.iter().map(|declared| group_of(declared.path)).collect();
    groups.dedup();
    groups
}

/// The part of a path before the point.
pub(crate) fn group_of(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// Says that a path names no parameter, and which could be meant.
pub(crate) fn no_such_parameter(path: &str) -> String {
    let paths = || DECLARATIONS.iter().map(|declared| declared.path);
    let (group, name) = path.split_once('.').unwrap_or((path, ""));
    let in_group: Vec<&str> = paths().filter(|known| group_of(known) == group).collect();
    if name.is_empty() && !in_group.is_empty() {
        return format!("is a group of parameters, not one; it holds {}", in_group.join(", "));
    }
    let hint = did_you_mean(path, paths());
    if !hint.is_empty() {
        return format!("there is no such parameter{hint}");
    }
    let last = path.rsplit('.').next().unwrap_or(path);
    let meant = nearest(last, paths().filter_map(|known| known.split('.').nth(1)));
    if let Some(known) = meant.and_then(|meant| paths().find(|known| known.split('.').nth(1) == Some(meant))) {
        return format!("there is no such parameter; did you mean {known}");
    }
    if !in_group.is_empty() {
        return format!("there is no such parameter; the group {group} holds {}", in_group.join(", "));
    }
    let hint = did_you_mean(group, groups().into_iter());
    if hint.is_empty() {
        return format!("there is no such parameter; the groups are {}", groups().join(", "));
    }
    format!("there is no such parameter{hint}")
}

/// What is wrong with a value, with a user's text cut to a readable length.
fn refusal(error: ValueError, text: &str) -> String {
    error.to_string().replace(text, &shortened(text)).replace('\n', " ")
}
