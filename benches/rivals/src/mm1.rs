//! M/M/1 with two events for each customer: the same loop on the calendar, on the standard heap, and with two scalars
//! in place of a queue (the least that can be done: the next arrival and the next departure, and which is first).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sim_kernel::{Calendar, Model, SimDuration, SimTime, Simulation};

use crate::workload::{Law, draws};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Customer {
    Arrives,
    Departs,
}

/// What the loop asks of a pending-event set.
pub trait Queue {
    fn push(&mut self, time: u64, event: Customer);
    fn pop(&mut self) -> (u64, Customer);
}

/// The two scalars; the maximum stands for none.
pub struct TwoScalars {
    arrival: u64,
    departure: u64,
}

impl TwoScalars {
    pub fn new() -> TwoScalars {
        TwoScalars { arrival: u64::MAX, departure: u64::MAX }
    }
}

impl Queue for TwoScalars {
    #[inline]
    fn push(&mut self, time: u64, event: Customer) {
        match event {
            Customer::Arrives => self.arrival = time,
            Customer::Departs => self.departure = time,
        }
    }

    #[inline]
    fn pop(&mut self) -> (u64, Customer) {
        if self.arrival <= self.departure {
            (std::mem::replace(&mut self.arrival, u64::MAX), Customer::Arrives)
        } else {
            (std::mem::replace(&mut self.departure, u64::MAX), Customer::Departs)
        }
    }
}

impl Queue for Calendar<Customer> {
    #[inline]
    fn push(&mut self, time: u64, event: Customer) {
        self.schedule(SimTime::from_nanos(time), event);
    }

    #[inline]
    fn pop(&mut self) -> (u64, Customer) {
        match Calendar::pop(self) {
            Some((time, event)) => (time.as_nanos(), event),
            None => unreachable!("the next arrival is always pending"),
        }
    }
}

#[derive(Default)]
pub struct HeapQueue {
    heap: BinaryHeap<Reverse<(u64, u64, Customer)>>,
    scheduled: u64,
}

impl Queue for HeapQueue {
    #[inline]
    fn push(&mut self, time: u64, event: Customer) {
        self.heap.push(Reverse((time, self.scheduled, event)));
        self.scheduled += 1;
    }

    #[inline]
    fn pop(&mut self) -> (u64, Customer) {
        match self.heap.pop() {
            Some(Reverse((time, _, event))) => (time, event),
            None => unreachable!("the next arrival is always pending"),
        }
    }
}

/// One server at 80 % utilisation, with the time-average of customers in it.
#[derive(Clone)]
pub struct Station {
    interarrival: Vec<u64>,
    service: Vec<u64>,
    arrived: usize,
    served: usize,
    inside: u64,
    since: u64,
    area: u128,
}

impl Station {
    pub fn new() -> Station {
        let interarrival = draws(Law::Exponential, 3);
        let service = draws(Law::Exponential, 4).into_iter().map(|draw| draw / 5 * 4).collect();
        Station { interarrival, service, arrived: 0, served: 0, inside: 0, since: 0, area: 0 }
    }

    /// Answers an event, and says when the next arrival and the next departure are, if they are to be scheduled.
    #[inline]
    fn answer(&mut self, now: u64, event: Customer) -> (Option<u64>, Option<u64>) {
        self.area += u128::from(self.inside) * u128::from(now - self.since);
        self.since = now;
        match event {
            Customer::Arrives => {
                self.inside += 1;
                let departure = (self.inside == 1).then(|| now + self.service_time());
                (Some(now + self.interarrival_time()), departure)
            }
            Customer::Departs => {
                self.inside -= 1;
                (None, (self.inside > 0).then(|| now + self.service_time()))
            }
        }
    }

    /// Customers in the station, on average over time: 4 in theory.
    pub fn average(&self) -> f64 {
        self.area as f64 / self.since as f64
    }

    fn interarrival_time(&mut self) -> u64 {
        self.arrived = (self.arrived + 1) % self.interarrival.len();
        self.interarrival[self.arrived]
    }

    // With another period than that of the arrivals, so that the two do not repeat together.
    fn service_time(&mut self) -> u64 {
        self.served = (self.served + 1) % (self.service.len() - 1);
        self.service[self.served]
    }
}

/// The loop on some queue.
pub struct Loop<Q> {
    queue: Q,
    pub station: Station,
}

impl<Q: Queue> Loop<Q> {
    pub fn new(mut queue: Q) -> Loop<Q> {
        queue.push(0, Customer::Arrives);
        Loop { queue, station: Station::new() }
    }

    pub fn run(&mut self, events: u64) {
        for _ in 0..events {
            let (now, event) = self.queue.pop();
            let (arrival, departure) = self.station.answer(now, event);
            if let Some(time) = arrival {
                self.queue.push(time, Customer::Arrives);
            }
            if let Some(time) = departure {
                self.queue.push(time, Customer::Departs);
            }
        }
    }
}

impl Model for Station {
    type Event = Customer;

    #[inline]
    fn handle(&mut self, now: SimTime, event: Customer, future: &mut Calendar<Customer>) {
        let (arrival, departure) = self.answer(now.as_nanos(), event);
        if let Some(time) = arrival {
            future.schedule(SimTime::from_nanos(time), Customer::Arrives);
        }
        if let Some(time) = departure {
            future.schedule(SimTime::from_nanos(time), Customer::Departs);
        }
    }
}

/// The same with the kernel's own loop and digest.
pub struct Whole(pub Simulation<Station>);

impl Whole {
    pub fn new() -> Whole {
        let mut simulation = Simulation::new(Station::new());
        simulation.future().schedule(SimTime::ZERO, Customer::Arrives);
        Whole(simulation)
    }

    /// Handles at least `events` events, and says how many they were.
    pub fn run(&mut self, events: u64) -> u64 {
        let before = self.0.handled();
        while self.0.handled() < before + events {
            let limit = self.0.now() + SimDuration::from_secs(5_000);
            self.0.run_until(limit).expect("no instant has ten million events");
        }
        self.0.handled() - before
    }
}
