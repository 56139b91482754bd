//! The events that come later, in slots by the highest digit in which their time differs from a common base.
//!
//! A time's digits are those of the base up to that one, so slots are in order of time: lower levels first, and
//! within a level lower digits. A slot is a chain of chunks in one store; a chunk that was read is the next to be
//! written, so the store stays as small, and as warm in the cache, as what is pending.

use std::ops::Range;

use super::near::Near;
use super::sort::{SORTED_MAX, sort};

/// Bits of a digit: 2, 3 and 5 were measured too. Fewer move an event more often, more make slots that hold too little.
const DIGIT_BITS: u32 = 4;
const DIGITS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;
/// Events in a chunk.
const CHUNK: usize = SORTED_MAX;
/// Bits of an event's number in its key.
const NUMBER_BITS: u32 = SORTED_MAX.ilog2();
/// Slots from this level up are never sorted, so that time and number of an event fit in one 64-bit key.
const SORTED_LEVELS: usize = ((u64::BITS - NUMBER_BITS) / DIGIT_BITS) as usize;
const NO_CHUNK: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Far<E> {
    /// At or before every time in the slots; what equals it lies in the slot of its lowest digit.
    base: u64,
    /// Bit n is set if any slot of level n is taken.
    levels: u16,
    /// For each level: bit n is set if the slot of digit n is taken.
    digits: [u16; LEVELS],
    slots: Box<[Slot; LEVELS * DIGITS]>,
    store: Vec<Entry<E>>,
    /// For each chunk the next one in its chain.
    next: Vec<u32>,
    /// The first chunk in the chain of those that are free.
    free: u32,
    keys: [u64; SORTED_MAX],
    /// For each key the place of its event in the store.
    places: [u32; SORTED_MAX],
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: u64,
    event: E,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The first chunk.
    head: u32,
    /// Where in the store the next event goes. At the start of a chunk it means that a new chunk is needed.
    end: u32,
}

const EMPTY: Slot = Slot { head: NO_CHUNK, end: 0 };

impl<E: Copy> Far<E> {
    pub(super) fn new() -> Far<E> {
        Far {
            base: 0,
            levels: 0,
            digits: [0; LEVELS],
            slots: Box::new([EMPTY; LEVELS * DIGITS]),
            store: Vec::new(),
            next: Vec::new(),
            free: NO_CHUNK,
            keys: [0; SORTED_MAX],
            places: [0; SORTED_MAX],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels == 0
    }

    #[inline]
    pub(super) fn push(&mut self, time: u64, event: E) {
        let slot = self.slot_of(time);
        if self.slots[slot].end.is_multiple_of(CHUNK as u32) {
            self.extend(slot, Entry { time, event });
        }
        let slot = &mut self.slots[slot];
        let entry = &mut self.store[slot.end as usize];
        // Field by field: an entry built first and copied then would stall, see `Near`.
        entry.time = time;
        entry.event = event;
        slot.end += 1;
    }

    pub(super) fn next_time(&self) -> Option<u64> {
        self.lowest().map(|slot| self.earliest(slot))
    }

    /// The earliest time in a taken slot.
    pub(super) fn earliest(&self, slot: usize) -> u64 {
        let slot = &self.slots[slot];
        let (mut earliest, mut chunk) = (u64::MAX, slot.head);
        while chunk != NO_CHUNK {
            let times = self.store[events_of(chunk, slot)].iter().map(|entry| entry.time);
            earliest = times.fold(earliest, u64::min);
            chunk = self.next[chunk as usize];
        }
        earliest
    }

    /// The taken slot of the earliest times.
    #[inline]
    pub(super) fn lowest(&self) -> Option<usize> {
        let level = self.levels.trailing_zeros() as usize;
        let digits = self.digits.get(level)?;
        Some(level * DIGITS + digits.trailing_zeros() as usize)
    }

    /// Whether all times in `slot` are equal because they have no digit left in which to differ.
    #[inline]
    pub(super) fn is_instant(&self, slot: usize) -> bool {
        slot < DIGITS
    }

    /// The slot in which `time`, which is not before the base, belongs.
    #[inline]
    pub(super) fn slot_of(&self, time: u64) -> usize {
        let highest_bit = u64::BITS - 1 - (time ^ self.base | 1).leading_zeros();
        let level = highest_bit / DIGIT_BITS;
        level as usize * DIGITS + (time >> (level * DIGIT_BITS)) as usize % DIGITS
    }

    /// The first time that belongs in `slot`.
    pub(super) fn start_of(&self, slot: usize) -> u64 {
        let shift = (slot / DIGITS) as u32 * DIGIT_BITS;
        let above = (self.base >> shift) & !(DIGITS as u64 - 1);
        (above | (slot % DIGITS) as u64) << shift
    }

    /// The first time that belongs no longer in `slot`, or the maximum.
    pub(super) fn end_of(&self, slot: usize) -> u64 {
        let shift = (slot / DIGITS) as u32 * DIGIT_BITS;
        self.start_of(slot).saturating_add(1 << shift)
    }

    /// Moves the base up to `base`, which is not after any time in the slots, if every event can stay where it is.
    pub(super) fn raise_base(&mut self, base: u64) {
        if self.lowest().is_none_or(|lowest| self.slot_of(base) < lowest) {
            debug_assert!(self.base <= base, "the base only grows");
            self.base = base;
        }
    }

    /// Whether `slot` can be sorted at once.
    #[inline]
    pub(super) fn is_small(&self, slot: usize) -> bool {
        let level = slot / DIGITS;
        let slot = &self.slots[slot];
        level < SORTED_LEVELS && last_chunk(slot) == slot.head
    }

    /// Whether no other slot is taken.
    #[inline]
    pub(super) fn is_only(&self, slot: usize) -> bool {
        self.levels.is_power_of_two() && self.digits[slot / DIGITS].is_power_of_two()
    }

    #[inline]
    pub(super) fn count_of_small(&self, slot: usize) -> usize {
        self.slots[slot].end as usize - start_of_chunk(self.slots[slot].head)
    }

    /// Empties the small `slot` into the keys to be sorted, of which there are `gathered` so far; gives their number.
    ///
    /// The events stay where they are until [`Far::sort_gathered`], before which nothing may be pushed.
    #[inline]
    pub(super) fn gather(&mut self, slot: usize, gathered: usize) -> usize {
        let count = self.count_of_small(slot);
        let head = self.vacate(slot).head;
        let start = start_of_chunk(head);
        let entries = &self.store[start..start + count];
        let keys = &mut self.keys[gathered..gathered + count];
        let places = &mut self.places[gathered..gathered + count];
        for (offset, ((entry, key), place)) in entries.iter().zip(keys).zip(places).enumerate() {
            // The number below the time: equal times stay in order of scheduling.
            *key = ((entry.time - self.base) << NUMBER_BITS) | (gathered + offset) as u64;
            *place = (start + offset) as u32;
        }
        self.release(head);
        gathered + count
    }

    /// Sorts the first `gathered` keys, and appends their events to `near`, the latest first.
    #[inline]
    pub(super) fn sort_gathered(&mut self, gathered: usize, near: &mut Near<E>) {
        sort(&mut self.keys, gathered);
        let keys = self.keys[..gathered].iter().rev();
        let time = |key: &u64| self.base + (key >> NUMBER_BITS);
        let event = |key: &u64| self.store[self.places[*key as usize % SORTED_MAX] as usize].event;
        near.append(keys.clone().map(time), keys.map(event));
    }

    /// Moves a whole slot of the lowest level, whose times are all equal, to `near`, which is empty.
    pub(super) fn take(&mut self, slot: usize, near: &mut Near<E>) {
        let slot = self.vacate(slot);
        let mut chunk = slot.head;
        while chunk != NO_CHUNK {
            let entries = self.store[events_of(chunk, &slot)].iter();
            near.append(entries.clone().map(|entry| entry.time), entries.map(|entry| entry.event));
            chunk = self.release(chunk);
        }
        near.reverse();
    }

    /// Makes `base`, the earliest time of `slot`, the base, and spreads the slot over those below. It is the lowest.
    pub(super) fn spread(&mut self, slot: usize, base: u64) {
        let slot = self.vacate(slot);
        self.base = base;
        let mut chunk = slot.head;
        while chunk != NO_CHUNK {
            for place in events_of(chunk, &slot) {
                let Entry { time, event } = self.store[place];
                self.push(time, event);
            }
            chunk = self.release(chunk);
        }
    }

    /// Marks a slot as empty, and gives what it was.
    #[inline]
    fn vacate(&mut self, slot: usize) -> Slot {
        let level = slot / DIGITS;
        self.digits[level] &= !(1 << (slot % DIGITS));
        if self.digits[level] == 0 {
            self.levels &= !(1 << level);
        }
        std::mem::replace(&mut self.slots[slot], EMPTY)
    }

    /// Gives `slot` one more chunk, a free one or a new one (filled with `filler`, which is never read).
    #[inline(never)]
    fn extend(&mut self, slot: usize, filler: Entry<E>) {
        if self.free == NO_CHUNK {
            self.free = u32::try_from(self.next.len()).expect("a chunk's number has 32 bits");
            self.next.push(NO_CHUNK);
            self.store.resize(self.store.len() + CHUNK, filler);
        }
        let chunk = self.free;
        self.free = std::mem::replace(&mut self.next[chunk as usize], NO_CHUNK);
        if self.slots[slot].head == NO_CHUNK {
            self.slots[slot].head = chunk;
            self.levels |= 1 << (slot / DIGITS);
            self.digits[slot / DIGITS] |= 1 << (slot % DIGITS);
        } else {
            let last = last_chunk(&self.slots[slot]);
            self.next[last as usize] = chunk;
        }
        let start = u32::try_from(start_of_chunk(chunk)).expect("fewer than 2^32 events are pending");
        self.slots[slot].end = start;
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.store.capacity().max(self.next.capacity())
    }

    /// Frees a chunk that was read, and gives the one behind it.
    #[inline]
    fn release(&mut self, chunk: u32) -> u32 {
        let following = std::mem::replace(&mut self.next[chunk as usize], self.free);
        self.free = chunk;
        following
    }
}

fn start_of_chunk(chunk: u32) -> usize {
    chunk as usize * CHUNK
}

fn last_chunk(slot: &Slot) -> u32 {
    (slot.end - 1) / CHUNK as u32
}

/// Where in the store the events of a slot's chunk lie.
fn events_of(chunk: u32, slot: &Slot) -> Range<usize> {
    let start = start_of_chunk(chunk);
    let end = if chunk == last_chunk(slot) { slot.end as usize } else { start + CHUNK };
    start..end
}
