//! The instance type of a node group, out of the five ways to name one.

use super::document::{Entry, Node};
use super::findings::Findings;
use super::group::Group;
use crate::catalogue::{self, InstanceType};
use crate::problem::did_you_mean;

/// What eksctl launches where nothing is said.
const DEFAULT_TYPE: &str = "m5.large";

/// The instance type with which a group is run.
pub(super) struct Chosen {
    pub instance: &'static InstanceType,
    /// Whether its nodes are run as Spot instances.
    pub spot: bool,
}

/// Settles the instance type of a group; the first of a list.
pub(super) fn read(group: &Group<'_>, findings: &mut Findings<'_>) -> Chosen {
    check_conflicts(group, findings);
    let distribution = group.get("instancesDistribution");
    let single = group.get("instanceType").filter(|entry| entry.node.text() != Some("mixed"));
    let list = group.get("instanceTypes").map(|entry| (entry, group.path("instanceTypes")));
    let mixed = distribution.and_then(|entry| entry.node.get("instanceTypes"));
    let mixed = mixed.map(|entry| (entry, format!("{}.instanceTypes", group.path("instancesDistribution"))));
    let named = single.and_then(|entry| known(&entry.node, &group.path("instanceType"), findings));
    let listed: Vec<_> =
        [list, mixed].into_iter().flatten().map(|(entry, path)| first(entry, &path, findings)).collect();
    let instance = named
        .or_else(|| listed.into_iter().flatten().next())
        .or_else(|| selected(group, findings))
        .unwrap_or_else(|| default_type(group, single.is_some(), findings));
    if !instance.size_documented {
        let text = format!(
            "{}: its {} vCPU and {} MiB are not from a published table",
            instance.name, instance.vcpu, instance.memory_mib
        );
        findings.filled(group.node.line, group.path("instanceType"), text);
    }
    Chosen { instance, spot: spot(group, distribution, findings) }
}

/// What eksctl refuses: two ways of naming a type that contradict each other.
fn check_conflicts(group: &Group<'_>, findings: &mut Findings<'_>) {
    let Some(single) = group.get("instanceType") else { return };
    if single.node.text() == Some("mixed") {
        return;
    }
    for other in ["instanceTypes", "instancesDistribution", "instanceSelector"] {
        let Some(entry) = group.get(other) else { continue };
        if entry.node.entries().is_empty() && entry.node.items().count() == 0 {
            continue;
        }
        let problem = format!("cannot stand beside {other}; leave one of them out");
        findings.error(single.line, group.path("instanceType"), problem);
    }
}

/// The type of this name, or an error with the nearest one.
fn known(node: &Node, path: &str, findings: &mut Findings<'_>) -> Option<&'static InstanceType> {
    let name = node.text()?;
    if findings.is_full() {
        return None;
    }
    let found = catalogue::instance_type(name);
    if found.is_none() {
        let problem =
            format!("found {name}; no such instance type in the catalogue of {}{}", catalogue::SNAPSHOT, remedy(name));
        findings.error(node.line, path, problem);
    }
    found
}

/// The nearest type, of the same class (`p` of `p2.xlarge`) before all others, else some of the family.
fn remedy(name: &str) -> String {
    let class =
        |name: &str| name.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let own = class(name);
    let near = did_you_mean(name, catalogue::instance_type_names().filter(|each| class(each) == own));
    let near = if near.is_empty() { did_you_mean(name, catalogue::instance_type_names()) } else { near };
    if !near.is_empty() {
        return near;
    }
    let family = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let of_family = |each: &&str| each.split_once('.').is_some_and(|(own, _)| own == family);
    let sizes: Vec<&str> = catalogue::instance_type_names().filter(of_family).collect();
    match sizes.is_empty() {
        true => "; allowed are names such as m5.large".to_owned(),
        false => format!("; allowed of {family} are {}", sizes.join(", ")),
    }
}

/// The first type of a list, of which all must be known.
fn first(entry: &Entry, path: &str, findings: &mut Findings<'_>) -> Option<&'static InstanceType> {
    let mut first = None;
    let mut count = 0;
    for (index, item) in entry.node.items() {
        let found = known(item, &format!("{path}[{index}]"), findings);
        first = first.or(found);
        count += 1;
    }
    if let (Some(found), 2..) = (first, count) {
        let text = format!("all nodes are run as {}, the first of {count} types", found.name);
        findings.not_modelled(entry.line, path, text);
    }
    first
}

/// The type for an instance selector: of those with as many vCPUs and as much memory, the one that costs least.
fn selected(group: &Group<'_>, findings: &mut Findings<'_>) -> Option<&'static InstanceType> {
    let entry = group.get("instanceSelector")?;
    let selector = &entry.node;
    let vcpu = selector.get("vCPUs").and_then(|vcpu| vcpu.node.integer());
    let memory_mib = selector.get("memory").and_then(|memory| memory.node.text()).and_then(memory_mib);
    let arm = selector.get("cpuArchitecture").and_then(|arch| arch.node.text()) == Some("arm64");
    let special =
        |field: &str| selector.get(field).and_then(|count| count.node.integer()).is_some_and(|count| count > 0);
    let fits = |each: &&InstanceType| {
        vcpu.is_none_or(|vcpu| i64::from(each.vcpu) == vcpu)
            && memory_mib.is_none_or(|memory| each.memory_mib == memory)
            && each.arm == Some(arm)
    };
    let price = |each: &InstanceType| each.usd_per_hour_us_east_1.unwrap_or(f64::INFINITY);
    let open = vcpu.is_none() && memory_mib.is_none() || special("gpus") || special("neuron_devices");
    let candidates = catalogue::instance_types().iter().filter(fits).filter(|each| price(each).is_finite());
    let found = if open { None } else { candidates.min_by(|a, b| price(a).total_cmp(&price(b))) };
    let path = group.path("instanceSelector");
    match found {
        Some(found) => {
            let text =
                format!("{}: the cheapest type with these vCPUs and memory; eksctl takes all that fit", found.name);
            findings.filled(entry.line, path, text);
        }
        None => {
            let text = format!("{DEFAULT_TYPE}: the catalogue cannot answer this selector");
            findings.filled(entry.line, path, text);
            return catalogue::instance_type(DEFAULT_TYPE);
        }
    }
    found
}

/// Memory of an instance selector in MiB: `4`, `4GiB`, `512 MiB`; without a unit it is GiB.
fn memory_mib(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let scale = match unit.trim() {
        "" | "g" | "gb" | "gib" => 1024.0,
        "m" | "mb" | "mib" => 1.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0,
        _ => return None,
    };
    let mib = number.parse::<f64>().ok()? * scale;
    (0.0..1e9).contains(&mib).then_some(mib as u64)
}

fn default_type(group: &Group<'_>, wrong: bool, findings: &mut Findings<'_>) -> &'static InstanceType {
    // A type that is wrong has its error; a default beside it would only confuse.
    if !wrong {
        let text = match group.get("launchTemplate") {
            Some(_) => format!("{DEFAULT_TYPE} is assumed: what the launch template holds is not in the file"),
            None => format!("{DEFAULT_TYPE}: eksctl's default"),
        };
        findings.filled(group.node.line, group.path("instanceType"), text);
    }
    catalogue::instance_type(DEFAULT_TYPE).expect("the catalogue holds eksctl's default")
}

/// Whether a group is run as Spot: all of a managed one that asks for it, or a mix of which more than half is.
fn spot(group: &Group<'_>, distribution: Option<&Entry>, findings: &mut Findings<'_>) -> bool {
    if group.managed {
        return group.get("spot").and_then(|entry| entry.node.truth()) == Some(true);
    }
    let Some(distribution) = distribution else { return false };
    let path = group.path("instancesDistribution");
    let mut share = |field: &str, most: i64, default: i64| {
        let Some(entry) = distribution.node.get(field) else { return default };
        let Some(value) = entry.node.integer() else { return default };
        if !(0..=most).contains(&value) {
            findings.error(entry.line, format!("{path}.{field}"), format!("found {value}; allowed are 0 to {most}"));
        }
        value
    };
    let base = share("onDemandBaseCapacity", 100_000, 0);
    let on_demand = share("onDemandPercentageAboveBaseCapacity", 100, 100);
    let spot = base == 0 && on_demand < 50;
    if on_demand < 100 {
        let kind = if spot { "Spot" } else { "On-Demand" };
        let text = format!("a mix of Spot above {base} and {on_demand} % On-Demand: all nodes are run as {kind}");
        findings.not_modelled(distribution.line, path, text);
    }
    spot
}
