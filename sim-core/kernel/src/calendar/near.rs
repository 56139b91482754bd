//! The events that come next, sorted.

use std::cell::Cell;

/// Events in falling order of time, equals in reversed order of scheduling, so that the next one is the last.
///
/// Times and events lie apart, so that a search reads times only, and a value that was just written is read again in
/// the same widths (a processor stalls for a dozen cycles otherwise).
#[derive(Clone, Debug)]
pub(super) struct Near<E> {
    times: Vec<u64>,
    events: Vec<E>,
}

impl<E: Copy> Near<E> {
    pub(super) fn new() -> Near<E> {
        Near { times: Vec::new(), events: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(super) fn next_time(&self) -> Option<u64> {
        self.times.last().copied()
    }

    /// The events, the next one last.
    pub(super) fn events(&self) -> &[E] {
        &self.events
    }

    pub(super) fn middle_time(&self) -> u64 {
        self.times[self.times.len() / 2]
    }

    /// Puts an event behind all that are due at or before its time.
    #[inline]
    pub(super) fn insert(&mut self, time: u64, event: E) {
        if let ([only_time], [only_event]) = (&mut self.times[..], &mut self.events[..]) {
            // Which of two comes first is anyone's guess, and a wrong guess costs more than the rest: no branch here.
            let first_time = time.min(*only_time);
            let pair = [*only_event, event];
            let first = usize::from(time < *only_time);
            *only_time = time.max(*only_time);
            *only_event = pair[1 - first];
            return self.append_one(first_time, pair[first]);
        }
        let last = self.times.len();
        self.append_one(time, event);
        let times = Cell::from_mut(&mut self.times[..]).as_slice_of_cells();
        let events = Cell::from_mut(&mut self.events[..]).as_slice_of_cells();
        let mut place = (&times[last], &events[last]);
        // Neighbours in pairs, for which no bounds are checked: what is due at or before its time moves up by a place.
        for (times, events) in times.windows(2).zip(events.windows(2)).rev() {
            let earlier = times[0].get();
            if earlier > time {
                break;
            }
            place.0.set(earlier);
            place.1.set(events[0].get());
            place = (&times[0], &events[0]);
        }
        place.0.set(time);
        place.1.set(event);
    }

    #[inline]
    fn append_one(&mut self, time: u64, event: E) {
        self.times.push(time);
        self.events.push(event);
    }

    /// Puts events behind all others, where they belong if they come in falling order.
    #[inline]
    pub(super) fn append(&mut self, times: impl Iterator<Item = u64>, events: impl Iterator<Item = E>) {
        self.times.extend(times);
        self.events.extend(events);
    }

    /// Turns round events that were appended in order of scheduling, all for one time.
    pub(super) fn reverse(&mut self) {
        self.times.reverse();
        self.events.reverse();
    }

    #[inline]
    pub(super) fn pop_until(&mut self, limit: u64) -> Option<(u64, E)> {
        let time = *self.times.last()?;
        if time > limit {
            return None;
        }
        self.times.pop();
        self.events.pop().map(|event| (time, event))
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.times.capacity().max(self.events.capacity())
    }

    /// Gives all that is due at `end` or later to `take`, in order.
    pub(super) fn give_back(&mut self, end: u64, mut take: impl FnMut(u64, E)) {
        let later = self.times.partition_point(|&time| time >= end);
        for index in (0..later).rev() {
            take(self.times[index], self.events[index]);
        }
        self.times.drain(..later);
        self.events.drain(..later);
    }
}
