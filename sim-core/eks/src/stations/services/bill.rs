//! The bill of the account: what it rents, from when to when. What that costs is for `probes/costs.rs`.
//!
//! Everything is counted in whole things and nanoseconds, so that neither the order of changes at one instant nor their
//! number moves a figure.

use crate::ids::{GroupId, NodeId};
use crate::plan::ZoneId;
use sim_kernel::{SimDuration, SimTime};

/// Nanoseconds of an hour.
const HOUR: f64 = 3.6e12;

/// A number of things over time, counted from some moment on.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    level: u64,
    since: SimTime,
    counted_from: SimTime,
    /// Things times nanoseconds up to `since`.
    amount: u128,
}

impl Meter {
    /// A meter that stands at nothing.
    pub fn new(counted_from: SimTime) -> Self {
        Meter { level: 0, since: SimTime::ZERO, counted_from, amount: 0 }
    }

    /// So many things more.
    pub fn add(&mut self, now: SimTime, more: u64) {
        self.settle(now);
        self.level += more;
    }

    /// So many things less.
    pub fn take(&mut self, now: SimTime, less: u64) {
        self.settle(now);
        self.level -= less;
    }

    /// Things times hours, up to `end`.
    pub fn hours(&self, end: SimTime) -> f64 {
        let mut settled = *self;
        settled.settle(end);
        settled.amount as f64 / HOUR
    }

    fn settle(&mut self, now: SimTime) {
        let lasted = now.saturating_since(self.since.max(self.counted_from));
        self.amount += u128::from(self.level) * u128::from(lasted.as_nanos());
        self.since = now;
    }
}

/// The control plane at one price.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// What it was: its tier and the support of its version.
    pub what: String,
    /// US dollars per hour.
    pub usd_per_hour: f64,
    /// How long.
    pub meter: Meter,
}

/// What the instances of a node group are, over time.
#[derive(Clone, Copy, Debug)]
pub struct Instances {
    /// Instances that are rented.
    pub rented: Meter,
    /// Those of them with a public address.
    pub public: Meter,
    /// CPU that the pods on them request, in thousandths of a core.
    pub milli_cpu: Meter,
    /// Memory that the pods on them request, MiB.
    pub memory_mib: Meter,
}

/// An instance that is rented.
#[derive(Clone, Copy, Debug)]
struct Rental {
    group: GroupId,
    zone: ZoneId,
    since: SimTime,
    is_public: bool,
    milli_cpu: u64,
    memory_mib: u64,
}

/// What the account rents.
#[derive(Clone, Debug)]
pub struct Bill {
    /// The control plane, at each of its prices.
    pub control_plane: Vec<ControlPlane>,
    /// By node group: its instances.
    pub groups: Vec<Instances>,
    /// By zone: instances that are rented.
    pub zones: Vec<Meter>,
    /// GiB of the volumes that pods claim.
    pub claimed_gib: Meter,
    counted_from: SimTime,
    /// What an instance is billed for at least.
    minimum: SimDuration,
    /// The first of the groups that is a Fargate profile, and what a pod there is billed for at least.
    fargate: (usize, SimDuration),
    rentals: Vec<Option<Rental>>,
}

impl Bill {
    /// A bill for so many node groups over so many zones, which counts from some moment on.
    pub fn new(groups: usize, zones: usize, counted_from: SimTime, minimum: SimDuration) -> Self {
        let meter = Meter::new(counted_from);
        let instances = Instances { rented: meter, public: meter, milli_cpu: meter, memory_mib: meter };
        Bill {
            control_plane: Vec::new(),
            groups: vec![instances; groups],
            zones: vec![meter; zones],
            claimed_gib: meter,
            counted_from,
            minimum,
            fargate: (groups, SimDuration::ZERO),
            rentals: Vec::new(),
        }
    }

    /// The same with so many Fargate profiles, counted after the node groups, whose pods are billed by the second for CPU and
    /// memory.
    pub fn with_fargate(mut self, profiles: usize, minimum: SimDuration) -> Self {
        self.fargate = (self.groups.len(), minimum);
        let meter = Meter::new(self.counted_from);
        let instances = Instances { rented: meter, public: meter, milli_cpu: meter, memory_mib: meter };
        self.groups.resize(self.groups.len() + profiles, instances);
        self
    }

    /// The control plane has this price from now on.
    pub fn price_control_plane(&mut self, now: SimTime, what: String, usd_per_hour: f64) {
        if let Some(last) = self.control_plane.last_mut() {
            if last.what == what && last.usd_per_hour.to_bits() == usd_per_hour.to_bits() {
                return;
            }
            last.meter.take(now, 1);
        }
        let mut meter = Meter::new(self.counted_from);
        meter.add(now, 1);
        self.control_plane.push(ControlPlane { what, usd_per_hour, meter });
    }

    /// An instance runs from now on, and is billed for. One that runs already goes on.
    pub fn rents(&mut self, now: SimTime, node: NodeId, group: GroupId, zone: ZoneId, is_public: bool) {
        if self.rentals.len() <= node.index() {
            self.rentals.resize(node.index() + 1, None);
        }
        if self.rentals[node.index()].is_some() {
            return;
        }
        self.rentals[node.index()] = Some(Rental { group, zone, since: now, is_public, milli_cpu: 0, memory_mib: 0 });
        self.zones[zone.index()].add(now, 1);
        let instances = &mut self.groups[group.index()];
        instances.rented.add(now, 1);
        instances.public.add(now, u64::from(is_public));
    }

    /// An instance is terminated: its bill ends, unless it has been up for less than is billed at least.
    pub fn returns(&mut self, now: SimTime, node: NodeId) {
        let Some(rental) = self.rentals.get_mut(node.index()).and_then(Option::take) else { return };
        self.zones[rental.zone.index()].take(now, 1);
        let instances = &mut self.groups[rental.group.index()];
        instances.rented.take(now, 1);
        instances.public.take(now, u64::from(rental.is_public));
        instances.milli_cpu.take(now, rental.milli_cpu);
        instances.memory_mib.take(now, rental.memory_mib);
        let (first_profile, fargate_minimum) = self.fargate;
        let is_micro_vm = rental.group.index() >= first_profile;
        let paid = match is_micro_vm {
            true => whole_seconds(now.saturating_since(rental.since).max(fargate_minimum)),
            false => self.minimum,
        };
        let rest = u128::from((rental.since + paid).saturating_since(now.max(self.counted_from)).as_nanos());
        instances.rented.amount += rest;
        if is_micro_vm {
            instances.milli_cpu.amount += rest * u128::from(rental.milli_cpu);
            instances.memory_mib.amount += rest * u128::from(rental.memory_mib);
        }
    }

    /// A pod takes room on a node.
    pub fn takes(&mut self, now: SimTime, node: NodeId, milli_cpu: u64, memory_mib: u64) {
        let Some(rental) = self.rentals.get_mut(node.index()).and_then(Option::as_mut) else { return };
        rental.milli_cpu += milli_cpu;
        rental.memory_mib += memory_mib;
        let instances = &mut self.groups[rental.group.index()];
        instances.milli_cpu.add(now, milli_cpu);
        instances.memory_mib.add(now, memory_mib);
    }

    /// The room of a pod is free. That on an instance that is gone went with it.
    pub fn frees(&mut self, now: SimTime, node: NodeId, milli_cpu: u64, memory_mib: u64) {
        let Some(rental) = self.rentals.get_mut(node.index()).and_then(Option::as_mut) else { return };
        rental.milli_cpu -= milli_cpu;
        rental.memory_mib -= memory_mib;
        let instances = &mut self.groups[rental.group.index()];
        instances.milli_cpu.take(now, milli_cpu);
        instances.memory_mib.take(now, memory_mib);
    }
}

/// A time, rounded up to whole seconds.
fn whole_seconds(time: SimDuration) -> SimDuration {
    SimDuration::from_secs_f64(time.as_secs_f64().ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_mins(minutes)
    }

    fn bill(counted_from: SimTime) -> Bill {
        Bill::new(1, 3, counted_from, SimDuration::from_mins(1))
    }

    #[test]
    fn a_change_of_price_counts_from_its_moment() {
        let mut bill = bill(SimTime::ZERO);
        bill.price_control_plane(SimTime::ZERO, "standard".to_owned(), 0.1);
        bill.price_control_plane(at(10), "standard".to_owned(), 0.1);
        bill.price_control_plane(at(30), "xl".to_owned(), 1.65);
        let usd: f64 = bill.control_plane.iter().map(|part| part.usd_per_hour * part.meter.hours(at(90))).sum();
        assert!((usd - (0.05 + 1.65)).abs() < 1e-12);
        assert_eq!(bill.control_plane.len(), 2, "the same price is no other one");
    }

    /// A node is replaced in the middle: 40 min of the first, none for 2 min, 18 min of the second, and the other node
    /// the whole hour; the first 10 min are not counted.
    #[test]
    fn instances_are_billed_from_their_launch_to_their_end_after_the_warm_up() {
        let mut bill = bill(at(10));
        for node in 0..2 {
            bill.rents(SimTime::ZERO, NodeId(node), GroupId(0), ZoneId(node as u8), node == 0);
            bill.takes(SimTime::ZERO, NodeId(node), 500, 100);
        }
        bill.returns(at(40), NodeId(0));
        bill.frees(at(41), NodeId(0), 500, 100);
        bill.rents(at(42), NodeId(2), GroupId(0), ZoneId(0), true);
        bill.rents(at(45), NodeId(2), GroupId(0), ZoneId(0), true);
        bill.takes(at(50), NodeId(2), 500, 100);
        let Instances { rented, public, milli_cpu, memory_mib } = bill.groups[0];
        let minutes = |meter: Meter| meter.hours(at(60)) * 60.0;
        assert!((minutes(rented) - (30.0 + 18.0 + 50.0)).abs() < 1e-9);
        assert!((minutes(public) - (30.0 + 18.0)).abs() < 1e-9);
        assert!((minutes(milli_cpu) - 500.0 * (30.0 + 10.0 + 50.0)).abs() < 1e-9);
        assert!((minutes(memory_mib) - 100.0 * (30.0 + 10.0 + 50.0)).abs() < 1e-9);
        assert!((minutes(bill.zones[0]) - (30.0 + 18.0)).abs() < 1e-9);
    }

    /// One pod of half a core lives for 90.2 s, another one for 12 s.
    #[test]
    fn a_pod_on_fargate_is_billed_by_the_second_and_for_a_minute_at_least() {
        let mut bill = bill(SimTime::ZERO).with_fargate(1, SimDuration::from_mins(1));
        for node in 0..2 {
            bill.rents(at(1), NodeId(node), GroupId(1), ZoneId(0), false);
            bill.takes(at(1), NodeId(node), 500, 1024);
        }
        bill.returns(at(1) + SimDuration::from_millis(12_000), NodeId(1));
        bill.returns(at(1) + SimDuration::from_millis(90_200), NodeId(0));
        let [milli_cpu, memory_mib] = [bill.groups[1].milli_cpu, bill.groups[1].memory_mib];
        assert!((milli_cpu.hours(at(60)) * 3600.0 - 500.0 * (91.0 + 60.0)).abs() < 1e-6);
        assert!((memory_mib.hours(at(60)) * 3600.0 - 1024.0 * (91.0 + 60.0)).abs() < 1e-6);
    }

    #[test]
    fn an_instance_is_billed_for_a_minute_at_least() {
        let mut bill = bill(SimTime::ZERO);
        bill.rents(at(5), NodeId(0), GroupId(0), ZoneId(0), false);
        bill.returns(at(5) + SimDuration::from_secs(12), NodeId(0));
        bill.returns(at(9), NodeId(0));
        assert!((bill.groups[0].rented.hours(at(60)) * 60.0 - 1.0).abs() < 1e-9);
    }
}
