//! What a run cost: the parts of the bill by size, and how they are called.

use crate::numbers::{NONE, fixed, show, show_estimate};
use crate::story;
use sim_study::{Estimate, Findings, Unit};

/// Parts that the summary names.
const NAMED: usize = 3;
/// Dollars from which on the summary tells no cents.
const WHOLE: f64 = 10.0;
/// A cent in dollars.
const CENT: f64 = 0.01;

/// What a part of the cost is called; its own name if it is none of the usual ones.
pub fn heading(part: &str) -> &str {
    match part {
        "control_plane" => "control plane",
        "instances.on_demand" => "On-Demand instances",
        "instances.spot" => "Spot instances",
        "volumes" => "root volumes",
        "nat_gateways" => "NAT gateways",
        "vpc_endpoints" => "VPC endpoints",
        "public_addresses" => "public addresses",
        "load_balancers" => "load balancers",
        "cross_zone" => "traffic between zones",
        "idle" => "of instances, requested by no pod",
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
    let usd = |estimate: &Estimate| estimate.mean.map_or_else(|| NONE.to_owned(), whole);
    let named: Vec<String> =
        parts.iter().take(NAMED).map(|(part, month)| format!("{} {}", heading(part), usd(month))).collect();
    let idle = story::measure(&findings.total, "cost.month.idle").filter(|idle| idle.mean.is_some_and(|usd| usd > 0.0));
    let idle = idle.map_or_else(String::new, |idle| format!("; idle {}", usd(idle)));
    let sum = match (total.mean, unpriced.is_empty()) {
        (Some(_), _) => with_interval(total),
        (None, true) => return None,
        (None, false) => format!("no price known for {}", unpriced.join(", ")),
    };
    let most = if named.is_empty() { String::new() } else { format!(" ({}{idle})", named.join(", ")) };
    Some(format!("Cost a month: {sum}{most}."))
}

/// Dollars without their fractions, where there are some dollars.
fn whole(usd: f64) -> String {
    fixed(usd, if usd < WHOLE { 2 } else { 0 })
}

/// A cost, with its interval where replications differ by a cent.
pub fn with_interval(estimate: &Estimate) -> String {
    match (estimate.mean, estimate.half_width) {
        (Some(mean), Some(half)) if half < CENT / 2.0 => show(Unit::Usd, mean),
        _ => show_estimate(estimate),
    }
}

/// The parts of the cost, each with what it costs a month.
pub fn parts(findings: &Findings) -> impl Iterator<Item = (&str, &Estimate)> {
    let of_month = |estimate: &&Estimate| estimate.name.strip_prefix("cost.month.").is_some_and(|part| part != "total");
    let months = findings.total.iter().filter(of_month);
    months.map(|estimate| (estimate.name.trim_start_matches("cost.month."), estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_study::Better;

    fn usd(mean: f64, half_width: f64) -> Estimate {
        Estimate {
            name: "cost.month.total".into(),
            unit: Unit::Usd,
            better: Better::Down,
            definition: String::new(),
            n: 8,
            mean: Some(mean),
            half_width: Some(half_width),
            range: None,
        }
    }

    #[test]
    fn costs_have_cents_and_an_interval_only_where_those_tell_something() {
        assert_eq!((whole(1234.5), whole(9.03)), ("1,234".to_owned(), "9.03".to_owned()));
        assert_eq!(with_interval(&usd(438.0, 0.0)), "438.00 USD");
        assert_eq!(with_interval(&usd(0.305, 0.001)), "0.30 USD");
        assert_eq!(with_interval(&usd(1063.2, 1.1)), "1,063 USD ±1");
    }
}
