//! The journal behind etcd, where consensus is moved out of the members: a service over several zones that takes entries in
//! order and acknowledges each when it is durable. Members hold the database in memory and write no log of their own.
//!
//! The key space may be parted: each part is a journal of its own, whose commits wait for no other's. The provider has told
//! no more than that; how the service works inside, what it takes in trouble, and how members share the parts is left out.

use sim_kernel::{SimDuration, SimTime};

/// The journals of the parts of the key space.
#[derive(Clone, Debug)]
pub struct Journal {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    acknowledged: SimTime,
    applied: SimTime,
}

impl Journal {
    /// A journal of so many parts, at least one.
    pub fn new(parts: u64) -> Self {
        Journal { parts: vec![Part::default(); parts.max(1) as usize] }
    }

    /// The part that holds the keys of a client's objects.
    pub fn part_of(&self, entity: u64) -> usize {
        (entity % self.parts.len() as u64) as usize
    }

    /// An entry is sent at `now`: when it is durable, which keeps the order of its part. `latency` is the service's.
    pub fn append(&mut self, part: usize, now: SimTime, latency: SimDuration) -> SimTime {
        let part = &mut self.parts[part];
        part.acknowledged = part.acknowledged.max(now + latency);
        part.acknowledged
    }

    /// An entry that is durable at `durable`: when it is applied, one after another in its part, each in `time`.
    pub fn apply(&mut self, part: usize, durable: SimTime, time: SimDuration) -> SimTime {
        let part = &mut self.parts[part];
        part.applied = part.applied.max(durable) + time;
        part.applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: SimDuration = SimDuration::from_millis(1);

    fn at(ms: u64) -> SimTime {
        SimTime::ZERO + MS * ms
    }

    #[test]
    fn entries_of_a_part_keep_their_order_and_wait_for_no_other_part() {
        let mut journal = Journal::new(2);
        assert_eq!((journal.part_of(4), journal.part_of(7)), (0, 1));
        assert_eq!(journal.append(0, at(0), MS * 9), at(9));
        assert_eq!(journal.append(0, at(1), MS * 2), at(9), "not before the one that was sent first");
        assert_eq!(journal.append(1, at(1), MS * 2), at(3));
    }

    /// Key-space partitions give more writes a second: the stores of two parts apply side by side.
    #[test]
    fn parts_apply_side_by_side() {
        let last = |parts: u64| {
            let mut journal = Journal::new(parts);
            let apply = |entity| {
                let part = journal.part_of(entity);
                journal.apply(part, at(0), MS)
            };
            (0..100).map(apply).max()
        };
        assert_eq!((last(1), last(5)), (Some(at(100)), Some(at(20))));
    }
}
