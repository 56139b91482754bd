//! Servers that all customers inside share equally: the cores of a busy machine, a link.
//!
//! Nobody waits: with n customers on c servers each is served at speed min(1, c/n). One clock of *virtual time*, the
//! service that each of them has received, advances at that speed; a customer departs when it has advanced by the
//! customer's demand. So an arrival or a departure costs O(log n), whatever it changes for the others.
//!
//! Time stays in whole numbers: virtual time counts in 2^-32 ns, rounded down at each change, and a departure is
//! at the first nanosecond by which it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Flow;
use crate::time::{SimDuration, SimTime};

/// Virtual time has this many binary digits below the nanosecond.
const FRACTION_BITS: u32 = 32;

/// When the next customer departs, if nobody comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The time to schedule.
    pub at: SimTime,
    /// To be handed to [`ProcessorSharing::depart`]: after the next arrival or departure it is stale.
    pub generation: u32,
}

/// `servers` servers shared equally by all customers inside.
#[derive(Clone, Debug)]
pub struct ProcessorSharing<T> {
    servers: u64,
    inside: BinaryHeap<Reverse<Job<T>>>,
    /// The service that each customer inside has received since the clock stood at 0, in 2^-32 ns.
    virtual_time: u128,
    changed: SimTime,
    generation: u32,
    flow: Flow,
}

/// Ordered by the virtual time of its departure, then by arrival: the customer itself takes no part in the order.
#[derive(Clone, Copy, Debug)]
struct Job<T> {
    due: u128,
    order: u64,
    customer: T,
}

impl<T: Copy> ProcessorSharing<T> {
    /// An empty station with `servers` servers.
    ///
    /// # Panics
    /// If there is no server.
    #[must_use]
    pub fn new(servers: u32) -> Self {
        assert!(servers > 0, "work is shared by at least one server");
        Self {
            servers: u64::from(servers),
            inside: BinaryHeap::new(),
            virtual_time: 0,
            changed: SimTime::ZERO,
            generation: 0,
            flow: Flow::default(),
        }
    }

    /// A customer comes with a demand: the time that its service would take alone. The departure that was
    /// scheduled before is stale now; schedule the next one.
    ///
    /// # Panics
    /// If `now` lies before the last arrival or departure.
    pub fn arrive(&mut self, now: SimTime, customer: T, demand: SimDuration) {
        self.advance(now);
        let due = self.virtual_time + (u128::from(demand.as_nanos()) << FRACTION_BITS);
        self.inside.push(Reverse(Job { due, order: self.flow.arrived, customer }));
        self.flow.arrived += 1;
        self.generation = self.generation.wrapping_add(1);
    }

    /// When the next customer departs, if nobody comes before; none if the station is empty.
    #[must_use]
    pub fn next_departure(&self) -> Option<Departure> {
        let Reverse(first) = self.inside.peek()?;
        let owed = first.due.saturating_sub(self.virtual_time);
        let (customers, speed) = self.pace();
        let nanos = (owed * u128::from(customers)).div_ceil(u128::from(speed) << FRACTION_BITS);
        let wait = SimDuration::from_nanos(nanos.try_into().expect("a service ends within 584 years"));
        Some(Departure { at: self.changed + wait, generation: self.generation })
    }

    /// The customer who departs now; none if the departure of that generation is stale.
    ///
    /// # Panics
    /// If `now` lies before that departure.
    pub fn depart(&mut self, now: SimTime, generation: u32) -> Option<T> {
        if generation != self.generation {
            return None;
        }
        self.advance(now);
        let Reverse(first) = self.inside.pop()?;
        assert!(first.due <= self.virtual_time, "nobody departs before the service is done");
        self.flow.left += 1;
        self.generation = self.generation.wrapping_add(1);
        if self.inside.is_empty() {
            self.virtual_time = 0;
        }
        Some(first.customer)
    }

    /// How many are here.
    #[inline]
    #[must_use]
    pub fn inside(&self) -> usize {
        self.inside.len()
    }

    /// Who came and how they went.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.flow
    }

    fn advance(&mut self, now: SimTime) {
        let passed = u128::from((now - self.changed).as_nanos()) << FRACTION_BITS;
        self.changed = now;
        if self.inside.is_empty() {
            return;
        }
        let (customers, speed) = self.pace();
        self.virtual_time += quotient(passed * u128::from(speed), customers);
    }

    /// Virtual time takes `customers` nanoseconds to advance by `speed`.
    fn pace(&self) -> (u64, u64) {
        let customers = self.inside.len() as u64;
        if customers <= self.servers { (1, 1) } else { (customers, self.servers) }
    }
}

/// As `a / b`. Nearly always both fit into 64 bits, where division is several times faster.
fn quotient(a: u128, b: u64) -> u128 {
    match u64::try_from(a) {
        Ok(a) => u128::from(a / b),
        Err(_) => a / u128::from(b),
    }
}

impl<T> PartialEq for Job<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.order) == (other.due, other.order)
    }
}

impl<T> Eq for Job<T> {}

impl<T> PartialOrd for Job<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Job<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// Runs the station empty; returns who departed when, in seconds.
    fn run_empty(station: &mut ProcessorSharing<char>) -> Vec<(char, f64)> {
        let mut departed = Vec::new();
        while let Some(next) = station.next_departure() {
            let customer = station.depart(next.at, next.generation).expect("it is the next one");
            departed.push((customer, next.at.as_secs_f64()));
        }
        departed
    }

    #[test]
    fn two_share_one_server() {
        let mut station = ProcessorSharing::new(1);
        station.arrive(at(0), 'a', SimDuration::from_secs(3));
        station.arrive(at(1), 'b', SimDuration::from_secs(1));
        // From 1 to 3 both are half served: b is done, a has 1 s left.
        assert_eq!(run_empty(&mut station), [('b', 3.0), ('a', 4.0)]);
        assert_eq!(station.flow(), Flow { arrived: 2, left: 2, ..Flow::default() });
    }

    #[test]
    fn a_server_each_means_full_speed() {
        let mut station = ProcessorSharing::new(2);
        station.arrive(at(0), 'a', SimDuration::from_secs(2));
        station.arrive(at(0), 'b', SimDuration::from_secs(2));
        assert_eq!(run_empty(&mut station), [('a', 2.0), ('b', 2.0)]);
    }

    #[test]
    fn three_on_two_servers_run_at_two_thirds() {
        let mut station = ProcessorSharing::new(2);
        for customer in ['a', 'b', 'c'] {
            station.arrive(at(0), customer, SimDuration::from_secs(2));
        }
        assert_eq!(run_empty(&mut station), [('a', 3.0), ('b', 3.0), ('c', 3.0)]);
    }

    #[test]
    fn a_departure_is_stale_after_an_arrival() {
        let mut station = ProcessorSharing::new(1);
        station.arrive(at(0), 'a', SimDuration::from_secs(1));
        let before = station.next_departure().expect("a is inside");
        station.arrive(at(0), 'b', SimDuration::ZERO);
        assert_eq!(station.depart(before.at, before.generation), None);
        assert_eq!(run_empty(&mut station), [('b', 0.0), ('a', 1.0)]);
    }
}
