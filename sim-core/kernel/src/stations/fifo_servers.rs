//! Equal servers with one waiting line before them: cores, seats, workers, connections.
//!
//! Who is being served is known to the caller, who schedules the end of service; the station counts the busy servers
//! and keeps those who wait. With as many servers as anybody asks for it is a delay, with no waiting room a loss system.

use super::{BoundedQueue, Flow};

/// What becomes of a customer who arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// A server was free: the service begins now.
    Started,
    /// All servers are busy: the service begins when [`FifoServers::depart`] names this customer.
    Queued,
    /// Neither a server nor a waiting place was free.
    Refused,
}

/// `servers` equal servers, and a queue that is served in the order of arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct FifoServers<T> {
    servers: usize,
    busy: usize,
    queue: BoundedQueue<T>,
    flow: Flow,
}

impl<T: Copy> FifoServers<T> {
    /// Servers with unlimited waiting room.
    #[must_use]
    pub fn new(servers: usize) -> Self {
        Self::bounded(servers, usize::MAX)
    }

    /// Servers with `room` waiting places.
    #[must_use]
    pub fn bounded(servers: usize, room: usize) -> Self {
        Self { servers, busy: 0, queue: BoundedQueue::new(room), flow: Flow::default() }
    }

    /// A customer comes.
    #[inline]
    pub fn arrive(&mut self, customer: T) -> Arrival {
        self.flow.arrived += 1;
        if self.busy < self.servers {
            self.busy += 1;
            return Arrival::Started;
        }
        match self.queue.push(customer) {
            Ok(()) => Arrival::Queued,
            Err(_) => {
                self.flow.refused += 1;
                Arrival::Refused
            }
        }
    }

    /// A service ends. Returns the customer whose service begins now in its place, if anybody waits.
    ///
    /// # Panics
    /// If nobody is being served.
    #[inline]
    pub fn depart(&mut self) -> Option<T> {
        assert!(self.busy > 0, "only the served depart");
        self.flow.left += 1;
        let next = if self.busy <= self.servers { self.queue.pop() } else { None };
        if next.is_none() {
            self.busy -= 1;
        }
        next
    }

    /// A waiting customer gives up; false if it does not wait here.
    pub fn withdraw(&mut self, customer: &T) -> bool
    where
        T: PartialEq,
    {
        let found = self.queue.withdraw(customer);
        self.flow.withdrawn += u64::from(found);
        found
    }

    /// Changes the number of servers. Fewer: services that run go to their end. More: call
    /// [`FifoServers::start_next`] until it names nobody.
    pub fn set_servers(&mut self, servers: usize) {
        self.servers = servers;
    }

    /// Gives a free server to the first who waits, after servers were added.
    pub fn start_next(&mut self) -> Option<T> {
        if self.busy >= self.servers {
            return None;
        }
        let next = self.queue.pop()?;
        self.busy += 1;
        Some(next)
    }

    /// How many are being served.
    #[inline]
    #[must_use]
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// How many wait.
    #[inline]
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many are here, served or waiting.
    #[inline]
    #[must_use]
    pub fn inside(&self) -> usize {
        self.busy + self.queue.len()
    }

    /// Who came and how they went.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_departure_starts_the_first_who_waits() {
        let mut desk = FifoServers::new(2);
        let arrivals = [1, 2, 3, 4].map(|customer| desk.arrive(customer));
        assert_eq!(arrivals, [Arrival::Started, Arrival::Started, Arrival::Queued, Arrival::Queued]);
        assert!(desk.withdraw(&3));
        assert_eq!([desk.depart(), desk.depart(), desk.depart()], [Some(4), None, None]);
        assert_eq!(desk.flow(), Flow { arrived: 4, left: 3, refused: 0, withdrawn: 1 });
    }

    #[test]
    fn servers_may_be_added_and_taken_away() {
        let mut desk = FifoServers::new(1);
        let _ = [1, 2, 3, 4].map(|customer| desk.arrive(customer));
        desk.set_servers(3);
        assert_eq!([desk.start_next(), desk.start_next(), desk.start_next()], [Some(2), Some(3), None]);
        desk.set_servers(1);
        assert_eq!([desk.depart(), desk.depart()], [None, None]);
        assert_eq!((desk.depart(), desk.depart()), (Some(4), None));
        assert_eq!(desk.flow().inside(), 0);
    }

    #[test]
    #[should_panic(expected = "only the served depart")]
    fn nobody_departs_from_an_empty_station() {
        FifoServers::<u32>::new(1).depart();
    }
}
