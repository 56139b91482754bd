//! A waiting line with room for so many, first come, first served.

use std::collections::VecDeque;

use super::Flow;

/// A first-in-first-out queue that refuses whom it has no room for.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundedQueue<T> {
    waiting: VecDeque<T>,
    room: usize,
    flow: Flow,
}

impl<T> BoundedQueue<T> {
    /// An empty queue with room for `room` customers; with `usize::MAX` nobody is ever refused.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { waiting: VecDeque::new(), room, flow: Flow::default() }
    }

    /// Takes `customer` in at the end.
    ///
    /// # Errors
    /// Hands `customer` back when there is no room.
    #[inline]
    pub fn push(&mut self, customer: T) -> Result<(), T> {
        self.flow.arrived += 1;
        if self.waiting.len() < self.room {
            self.waiting.push_back(customer);
            Ok(())
        } else {
            self.flow.refused += 1;
            Err(customer)
        }
    }

    /// Lets the first one go on.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let first = self.waiting.pop_front()?;
        self.flow.left += 1;
        Some(first)
    }

    /// Lets `customer` give up, wherever in the queue; false if it is not there. Takes time with the queue's length.
    pub fn withdraw(&mut self, customer: &T) -> bool
    where
        T: PartialEq,
    {
        let place = self.waiting.iter().position(|waiting| waiting == customer);
        let found = place.and_then(|place| self.waiting.remove(place)).is_some();
        self.flow.withdrawn += u64::from(found);
        found
    }

    /// How many wait.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those who wait, first come first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter()
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
    fn first_come_first_served_while_there_is_room() {
        let mut queue = BoundedQueue::new(2);
        assert_eq!([queue.push('a'), queue.push('b'), queue.push('c')], [Ok(()), Ok(()), Err('c')]);
        assert_eq!((queue.pop(), queue.push('d')), (Some('a'), Ok(())));
        assert!(queue.withdraw(&'b') && !queue.withdraw(&'a'));
        assert_eq!((queue.pop(), queue.pop()), (Some('d'), None));
        assert_eq!(queue.flow(), Flow { arrived: 4, left: 2, refused: 1, withdrawn: 1 });
        assert_eq!(queue.flow().inside(), queue.len() as u64);
    }
}
