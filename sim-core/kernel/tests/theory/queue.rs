//! One station with one stream of customers: the whole model that the theory tests run.

use sim_kernel::stations::{Arrival, FifoServers, Flow, ProcessorSharing};
use sim_kernel::statistics::{Histogram, Summary, TimeAverage};
use sim_kernel::{Calendar, Law, Model, Purpose, RunKey, SimDuration, SimTime, Simulation};

const INTERARRIVAL: Purpose = Purpose::new("theory/interarrival");
const SERVICE: Purpose = Purpose::new("theory/service");

/// The customer who is slipped in between the others.
pub const INTRUDER: u64 = u64::MAX;

pub const WARM_UP: u64 = 20_000;
pub const BATCHES: u64 = 32;
pub const BATCH: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Customer {
    pub number: u64,
    pub arrived: SimTime,
    pub demand: SimDuration,
}

#[derive(Clone, Copy, Debug, Hash)]
pub enum Event {
    Arrives(u64),
    Served(Customer),
    /// A hint of the processor-sharing station, with its generation.
    Due(u32),
}

#[derive(Clone, Debug)]
pub enum Station {
    Fifo(FifoServers<Customer>),
    Shared(ProcessorSharing<Customer>),
}

/// What was seen of the customers of one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub wait: Summary,
    pub sojourn: Summary,
    /// Sojourn and demand, in seconds, of those who demanded less than the mean.
    pub short: [f64; 2],
    pub waited: u64,
    pub refused: u64,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub run: RunKey,
    interarrival: Law,
    service: Law,
    pub station: Station,
    /// Customers who come before the door is closed.
    last: u64,
    pub batches: Vec<Batch>,
    pub sojourns: Histogram,
    pub inside: TimeAverage,
    /// Everybody's sojourn, warm-up included, in nanoseconds.
    pub sojourn_ns: u128,
    /// Who came when with which demand, and when the service was done.
    pub book: Option<Vec<(Customer, SimTime)>>,
}

impl Queue {
    /// Customers come `rate` per second as a Poisson stream.
    pub fn new(seed: u64, rate: f64, service: &str, station: Station) -> Self {
        Self {
            run: RunKey::new(seed, 0),
            interarrival: Law::exponential(1.0 / rate),
            service: service.parse().expect("a law"),
            station,
            last: WARM_UP + BATCHES * BATCH,
            batches: vec![Batch::default(); BATCHES as usize],
            sojourns: Histogram::default(),
            inside: TimeAverage::new(SimTime::ZERO, 0.0),
            sojourn_ns: 0,
            book: None,
        }
    }

    pub fn closing_after(mut self, customers: u64) -> Self {
        self.last = customers;
        self
    }

    pub fn with_book(mut self) -> Self {
        self.book = Some(Vec::new());
        self
    }

    /// The simulation at time zero, with the first customer on the way.
    pub fn opened(self) -> Simulation<Self> {
        let first = self.interarrival.duration(&mut self.run.draw(INTERARRIVAL, 0, 0));
        let mut simulation = Simulation::new(self);
        simulation.future().schedule_after(first, Event::Arrives(0));
        simulation
    }

    /// The world after the last customer has gone.
    pub fn run_empty(self) -> Self {
        let mut simulation = self.opened();
        simulation.run_until(SimTime::MAX).expect("time goes on");
        simulation.model
    }

    pub fn flow(&self) -> Flow {
        match &self.station {
            Station::Fifo(station) => station.flow(),
            Station::Shared(station) => station.flow(),
        }
    }

    fn batch(&mut self, customer: u64) -> Option<&mut Batch> {
        let after = customer.checked_sub(WARM_UP)?;
        self.batches.get_mut((after / BATCH) as usize)
    }

    fn arrives(&mut self, now: SimTime, number: u64, future: &mut Calendar<Event>) {
        if number < self.last {
            let next = number + 1;
            let delay = self.interarrival.duration(&mut self.run.draw(INTERARRIVAL, next, 0));
            future.schedule_after(delay, Event::Arrives(next));
        }
        let demand = self.service.duration(&mut self.run.draw(SERVICE, number, 0));
        let customer = Customer { number, arrived: now, demand };
        let outcome = match &mut self.station {
            Station::Fifo(station) => station.arrive(customer),
            Station::Shared(station) => {
                station.arrive(now, customer, demand);
                schedule_departure(station, future);
                Arrival::Started
            }
        };
        match outcome {
            Arrival::Refused => self.refuses(number),
            Arrival::Queued => self.inside.add(now, 1.0),
            Arrival::Started => {
                self.inside.add(now, 1.0);
                if matches!(self.station, Station::Fifo(_)) {
                    self.starts(now, customer, future);
                }
            }
        }
    }

    fn refuses(&mut self, number: u64) {
        if let Some(batch) = self.batch(number) {
            batch.refused += 1;
        }
    }

    fn starts(&mut self, now: SimTime, customer: Customer, future: &mut Calendar<Event>) {
        future.schedule_after(customer.demand, Event::Served(customer));
        let wait = now - customer.arrived;
        if let Some(batch) = self.batch(customer.number) {
            batch.wait.record(wait.as_secs_f64());
            batch.waited += u64::from(wait > SimDuration::ZERO);
        }
    }

    fn leaves(&mut self, now: SimTime, customer: Customer) {
        self.inside.add(now, -1.0);
        let sojourn = now - customer.arrived;
        self.sojourn_ns += u128::from(sojourn.as_nanos());
        if let Some(book) = &mut self.book {
            book.push((customer, now));
        }
        let is_short = customer.demand.as_secs_f64() < 1.0;
        let Some(batch) = self.batch(customer.number) else { return };
        batch.sojourn.record(sojourn.as_secs_f64());
        if is_short {
            batch.short[0] += sojourn.as_secs_f64();
            batch.short[1] += customer.demand.as_secs_f64();
        }
        self.sojourns.record(sojourn);
    }
}

fn schedule_departure(station: &ProcessorSharing<Customer>, future: &mut Calendar<Event>) {
    if let Some(next) = station.next_departure() {
        future.schedule(next.at, Event::Due(next.generation));
    }
}

impl Model for Queue {
    type Event = Event;

    fn handle(&mut self, now: SimTime, event: Event, future: &mut Calendar<Event>) {
        match (event, &mut self.station) {
            (Event::Arrives(number), _) => self.arrives(now, number, future),
            (Event::Served(customer), Station::Fifo(station)) => {
                let next = station.depart();
                self.leaves(now, customer);
                if let Some(next) = next {
                    self.starts(now, next, future);
                }
            }
            (Event::Due(generation), Station::Shared(station)) => {
                if let Some(customer) = station.depart(now, generation) {
                    schedule_departure(station, future);
                    self.leaves(now, customer);
                }
            }
            (event, station) => unreachable!("{station:?} schedules no {event:?}"),
        }
    }
}
