//! What a run costs: the bill's quantities at the plan's prices, line by line, and the measures that add them up.
//!
//! A sum is not known where one of its lines has no price. Idle cost is a part of the instances' cost, not beside it.

use crate::parameters::CostParameters;
use crate::plan::{AwsService, NodeGroup, Plan};
use crate::quantity::Price;
use crate::record::BillLine;
use crate::stations::services::bill::{Bill, Instances, Meter};
use sim_kernel::SimTime;
use sim_study::{Better, Measure, Unit};

/// The parts of the cost: what follows `cost.` in the names of their measures, and what each is.
const PARTS: [(&str, &str); 9] = [
    ("control_plane", "The control plane, by its tier and the support of its version"),
    ("instances.on_demand", "On-Demand instances, from their launch until they are terminated"),
    ("instances.spot", "Spot instances, from their launch until they are terminated"),
    ("volumes", "Root volumes of the instances, and volumes that pods claim, from their creation on"),
    ("nat_gateways", "NAT gateways: their hours, and the traffic that is assumed for them"),
    ("vpc_endpoints", "Interface endpoints, by zone and hour"),
    ("public_addresses", "Public IPv4 addresses of nodes and NAT gateways"),
    ("load_balancers", "Load balancers that are assumed, without their capacity units"),
    ("cross_zone", "Traffic between pods in different zones, of what is assumed"),
];
/// The part of the instances' cost that no pod requests.
const IDLE: (&str, &str) =
    ("idle", "Part of the instances' cost for CPU and memory that no pod requests, included there");
/// The part that only clusters with Fargate profiles have.
const FARGATE: (&str, &str) =
    ("fargate", "vCPUs and memory of pods on Fargate, from the pull of their image to their end");
/// All parts together.
const TOTAL: (&str, &str) = ("total", "All parts of the cost together, without the idle one, which they include");

/// What one thing costs: amount, price, and where it comes from.
struct Costs<'a> {
    plan: &'a Plan,
    region: &'a str,
    end: SimTime,
    /// Hours that count.
    hours: f64,
    lines: Vec<BillLine>,
}

/// The bill of a run that ends at `end`, line by line.
pub fn bill_lines(bill: &Bill, plan: &Plan, end: SimTime) -> Vec<BillLine> {
    let hours = end.saturating_since(SimTime::ZERO + plan.warm_up).as_secs_f64() / 3600.0;
    let mut costs = Costs { plan, region: &plan.cluster.region, end, hours, lines: Vec::new() };
    costs.control_plane(bill);
    for (instances, group) in bill.groups.iter().zip(&plan.cluster.node_groups) {
        costs.node_group(instances, group);
    }
    costs.claimed_volumes(bill);
    let profiles = bill.groups.iter().skip(plan.cluster.node_groups.len());
    for (micro_vms, profile) in profiles.zip(&plan.cluster.fargate_profiles) {
        costs.fargate_profile(micro_vms, &profile.name);
    }
    costs.network(bill);
    costs.lines.retain(|line| line.quantity > 0.0);
    costs.lines
}

/// The measures of a bill: each part for the run, then each scaled to a month.
pub fn cost_measures(lines: &[BillLine], plan: &Plan, end: SimTime) -> Vec<Measure> {
    let hours = end.saturating_since(SimTime::ZERO + plan.warm_up).as_secs_f64() / 3600.0;
    let month = plan.parameters.cost.month.as_secs_f64() / 3600.0;
    let total = usd(lines.iter().filter(|line| line.part != IDLE.0));
    let part = |name: &str| usd(lines.iter().filter(|line| line.part == name));
    let parts = || PARTS.into_iter().chain([IDLE]).map(|(name, what)| (name, what, part(name)));
    let all = || std::iter::once((TOTAL.0, TOTAL.1, total)).chain(parts());
    let measure = |name: String, value: Option<f64>, definition: String| Measure {
        name,
        unit: Unit::Usd,
        better: Better::Down,
        value,
        definition,
    };
    let run = all().map(|(name, what, value)| {
        measure(format!("cost.{name}"), value, format!("{what}; of the run after its warm-up."))
    });
    let a_month = all().map(|(name, what, value)| {
        let value = value.filter(|_| hours > 0.0).map(|usd| usd / hours * month);
        measure(format!("cost.month.{name}"), value, format!("{what}; scaled from the run to a month."))
    });
    run.chain(a_month).collect()
}

/// What the pods on Fargate cost, for the run and scaled to a month, in a cluster with Fargate profiles.
pub fn fargate_cost_measures(lines: &[BillLine], plan: &Plan, end: SimTime) -> Vec<Measure> {
    if plan.cluster.fargate_profiles.is_empty() {
        return Vec::new();
    }
    let hours = end.saturating_since(SimTime::ZERO + plan.warm_up).as_secs_f64() / 3600.0;
    let month = plan.parameters.cost.month.as_secs_f64() / 3600.0;
    let (name, what) = FARGATE;
    let cost = usd(lines.iter().filter(|line| line.part == name));
    let measure = |name: String, value: Option<f64>, definition: String| {
        let (unit, better) = (Unit::Usd, Better::Down);
        Measure { name, unit, better, value, definition }
    };
    let a_month = cost.filter(|_| hours > 0.0).map(|usd| usd / hours * month);
    vec![
        measure(format!("cost.{name}"), cost, format!("{what}; of the run after its warm-up.")),
        measure(format!("cost.month.{name}"), a_month, format!("{what}; scaled from the run to a month.")),
    ]
}

/// What lines cost together; `None` if one of them has no price.
fn usd<'a>(lines: impl Iterator<Item = &'a BillLine>) -> Option<f64> {
    lines.map(BillLine::usd).sum()
}

/// The share of the traffic between pods that crosses zones, where they are spread as these weights are and nothing keeps
/// their calls in their own zone.
pub fn cross_zone_share(weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 { 1.0 - weights.iter().map(|weight| (weight / sum) * (weight / sum)).sum::<f64>() } else { 0.0 }
}

/// What so many GB between pods cost where this share of them crosses zones, of which each side pays the price.
pub fn cross_zone_gb(gb: f64, share: f64) -> f64 {
    2.0 * gb * share
}

impl Costs<'_> {
    fn cost(&self) -> &CostParameters {
        &self.plan.parameters.cost
    }

    fn line(&mut self, part: &str, what: String, (quantity, unit): (f64, &str), price: Option<f64>, source: String) {
        let (part, unit) = (part.to_owned(), unit.to_owned());
        self.lines.push(BillLine { part, what, quantity, unit, usd_per_unit: price, source });
    }

    /// A price in the plan's region, and where it comes from.
    fn priced(&self, price: &Price, path: &str) -> (Option<f64>, String) {
        let ratio = self.cost().other_regions;
        let source = match (price.known(self.region), price.of(self.region, ratio)) {
            (Some(_), _) => path.to_owned(),
            (None, Some(_)) => format!("{path}, assumed: {ratio} times that of {}", Price::REFERENCE),
            (None, None) => format!("{path}: no price known in {}", self.region),
        };
        (price.of(self.region, ratio), source)
    }

    fn at_price(&mut self, part: &str, what: String, amount: (f64, &str), price: &Price, path: &str) {
        let (price, source) = self.priced(price, path);
        self.line(part, what, amount, price, source);
    }

    fn control_plane(&mut self, bill: &Bill) {
        for part in &bill.control_plane {
            let hours = (part.meter.hours(self.end), "hours");
            let source =
                "control_plane.usd_per_hour, with control_plane.extended_support_usd_per_hour where that is due";
            self.line("control_plane", part.what.clone(), hours, Some(part.usd_per_hour), source.to_owned());
        }
    }

    fn node_group(&mut self, instances: &Instances, group: &NodeGroup) {
        let cost = self.plan.parameters.cost.clone();
        let (mut price, mut source) = self.priced(&group.usd_per_hour, "catalogue of instance types");
        if group.spot {
            price = price.map(|usd| usd * cost.spot_share);
            source.push_str(&format!("; times cost.spot_share, {}", cost.spot_share));
        }
        let hours = instances.rented.hours(self.end);
        let part = if group.spot { "instances.spot" } else { "instances.on_demand" };
        let name = |what: &str| format!("{what} of node group {}", group.name);
        self.line(part, name(&group.instance_type), (hours, "instance-hours"), price, source.clone());
        let idle = (idle_hours(instances, group, &cost, self.end), "instance-hours");
        self.line(IDLE.0, name("what no pod requests"), idle, price, source);
        let gib = group.volume_gib.unwrap_or(cost.volume_gib);
        let months = (hours * gib as f64 / (cost.month.as_secs_f64() / 3600.0), "GB-months");
        self.at_price("volumes", name(&format!("{gib} GiB")), months, &cost.volume_gb_month, "cost.volume_gb_month");
        let public = (instances.public.hours(self.end), "address-hours");
        self.at_price("public_addresses", name("nodes"), public, &cost.public_address_hour, "cost.public_address_hour");
    }

    fn claimed_volumes(&mut self, bill: &Bill) {
        let cost = self.plan.parameters.cost.clone();
        let months = bill.claimed_gib.hours(self.end) / (cost.month.as_secs_f64() / 3600.0);
        let what = "volumes that pods claim".to_owned();
        self.at_price("volumes", what, (months, "GB-months"), &cost.volume_gb_month, "cost.volume_gb_month");
    }

    fn fargate_profile(&mut self, micro_vms: &Instances, name: &str) {
        let cost = self.plan.parameters.cost.clone();
        let vcpu = (micro_vms.milli_cpu.hours(self.end) / 1000.0, "vCPU-hours");
        let gb = (micro_vms.memory_mib.hours(self.end) / 1024.0, "GB-hours");
        let what = |kind: &str| format!("{kind} of Fargate profile {name}");
        self.at_price(FARGATE.0, what("vCPUs"), vcpu, &cost.fargate_vcpu_hour, "cost.fargate_vcpu_hour");
        self.at_price(FARGATE.0, what("memory"), gb, &cost.fargate_gb_hour, "cost.fargate_gb_hour");
    }

    fn network(&mut self, bill: &Bill) {
        let (cost, network) = (self.plan.parameters.cost.clone(), &self.plan.cluster.network);
        let gateways = network.nat_gateways.len();
        let nat_hours = gateways as f64 * self.hours;
        let amount = (nat_hours, "gateway-hours");
        self.at_price(
            "nat_gateways",
            counted(gateways, "gateway"),
            amount,
            &cost.nat_gateway_hour,
            "cost.nat_gateway_hour",
        );
        let gb = if gateways > 0 { cost.nat_gb_per_hour * self.hours } else { 0.0 };
        let what = format!("traffic, assumed: {} GB an hour (cost.nat_gb_per_hour)", cost.nat_gb_per_hour);
        self.at_price("nat_gateways", what, (gb, "GB"), &cost.nat_gb, "cost.nat_gb");
        let amount = (nat_hours, "address-hours");
        let what = "NAT gateways".to_owned();
        self.at_price("public_addresses", what, amount, &cost.public_address_hour, "cost.public_address_hour");
        let zones = self.plan.cluster.zones.iter().filter(|zone| zone.in_cluster).count();
        let endpoints = network.vpc_endpoints.iter().filter(|service| **service != AwsService::S3).count();
        let amount = ((endpoints * zones) as f64 * self.hours, "endpoint-hours");
        let what = format!("{} in {}", counted(endpoints, "endpoint"), counted(zones, "zone"));
        self.at_price("vpc_endpoints", what, amount, &cost.vpc_endpoint_hour, "cost.vpc_endpoint_hour");
        let amount = (cost.load_balancers as f64 * self.hours, "hours");
        let what = format!("{}, assumed (cost.load_balancers)", counted(cost.load_balancers as usize, "load balancer"));
        self.at_price("load_balancers", what, amount, &cost.load_balancer_hour, "cost.load_balancer_hour");
        self.cross_zone(&bill.zones);
    }

    fn cross_zone(&mut self, zones: &[Meter]) {
        let cost = self.plan.parameters.cost.clone();
        let weights: Vec<f64> = zones.iter().map(|meter| meter.hours(self.end)).collect();
        let share = cross_zone_share(&weights);
        let gb = cross_zone_gb(cost.pod_gb_per_hour * self.hours, share);
        let what = format!(
            "{:.0} % of the traffic between pods, both sides; assumed: {} GB an hour (cost.pod_gb_per_hour)",
            share * 100.0,
            cost.pod_gb_per_hour
        );
        self.at_price("cross_zone", what, (gb, "GB"), &cost.cross_zone_gb, "cost.cross_zone_gb");
    }
}

/// The hours of a group's instances that no pod requests: of their price, CPU and memory have the parts that they would have
/// by Fargate's prices.
fn idle_hours(instances: &Instances, group: &NodeGroup, cost: &CostParameters, end: SimTime) -> f64 {
    let (milli_cpu, memory_mib) = (group.allocatable.milli_cpu as f64, group.allocatable.memory_mib as f64);
    let price = |price: &Price| price.known(Price::REFERENCE).unwrap_or(0.0);
    let of_cpu = milli_cpu / 1000.0 * price(&cost.fargate_vcpu_hour);
    let of_memory = memory_mib / 1024.0 * price(&cost.fargate_gb_hour);
    let share = if of_cpu + of_memory > 0.0 { of_cpu / (of_cpu + of_memory) } else { 0.5 };
    let used = |meter: Meter, whole: f64| if whole > 0.0 { meter.hours(end) / whole } else { 0.0 };
    let requested =
        share * used(instances.milli_cpu, milli_cpu) + (1.0 - share) * used(instances.memory_mib, memory_mib);
    (instances.rented.hours(end) - requested).max(0.0)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
