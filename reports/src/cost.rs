//! What a run cost: the parts of the bill by size, and how they are called.

use crate::numbers::{NONE, show, show_estimate};
use crate::story;
use sim_eks::record::BillLine;
use sim_study::{Estimate, Findings, Unit};

/// Parts that the summary names.
const NAMED: usize = 3;

/// What a part of the cost is called; its own name if it is none of the usual ones.
pub fn heading(part: &str) -> &str {
    match part {
        "control_plane" => "control plane",
        "instances.on_demand" => "instances, On-Demand",
        "instances.spot" => "instances, Spot",
        "volumes" => "root volumes",
        "nat_gateways" => "NAT gateways",
        "vpc_endpoints" => "VPC endpoints",
        "public_addresses" => "public addresses",
        "load_balancers" => "load balancers",
        "cross_zone" => "traffic between zones",
        "idle" => "idle instances",
        other => other,
    }
}

/// The cost in a sentence: what a month costs in all, and for what most; what it leaves out where no price is known.
/// Nothing where the model does not tell.
pub fn line(findings: &Findings) -> Option<String> {
    let total = story::measure(&findings.total, "cost.month.total")?;
    let mut parts: Vec<(&str, &Estimate)> = parts(findings).filter(|(part, _)| *part != "idle").collect();
    let unpriced: Vec<&str> =
        parts.iter().filter(|(_, month)| month.mean.is_none()).map(|(part, _)| heading(part)).collect();
    parts.retain(|(_, month)| month.mean.is_some_and(|usd| usd > 0.0));
    parts.sort_by(|a, b| b.1.mean.unwrap_or(0.0).total_cmp(&a.1.mean.unwrap_or(0.0)));
    let usd = |estimate: &Estimate| estimate.mean.map_or_else(|| NONE.to_owned(), |mean| show(Unit::Usd, mean));
    let named: Vec<String> =
        parts.iter().take(NAMED).map(|(part, month)| format!("{} {}", heading(part), usd(month))).collect();
    let idle = story::measure(&findings.total, "cost.month.idle").filter(|idle| idle.mean.is_some_and(|usd| usd > 0.0));
    let idle = idle.map_or_else(String::new, |idle| format!("; requested by no pod: {}", usd(idle)));
    let whole = match (total.mean, unpriced.is_empty()) {
        (Some(_), _) => format!("{} a month", show_estimate(total)),
        (None, true) => return None,
        (None, false) => format!("no price known for {}", unpriced.join(", ")),
    };
    let most = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    Some(format!("Cost: {whole}{most}{idle}."))
}

/// The parts of the cost, each with what it costs a month.
pub fn parts(findings: &Findings) -> impl Iterator<Item = (&str, &Estimate)> {
    let of_month = |estimate: &&Estimate| estimate.name.strip_prefix("cost.month.").is_some_and(|part| part != "total");
    let months = findings.total.iter().filter(of_month);
    months.map(|estimate| (estimate.name.trim_start_matches("cost.month."), estimate))
}

/// Whether a line's price or quantity rests on an assumption.
pub fn is_assumed(line: &BillLine) -> bool {
    line.source.contains("assumed") || line.what.contains("assumed")
}
