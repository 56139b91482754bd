//! A rolling digest of all that happened, the same on every platform: two runs that handled the same events at the
//! same times have the same digest, and two that did not have the same one by a chance of 1 in 2^64.
//!
//! The mixing (128-bit products folded to 64 bits, as wyhash has them) is fixed here because a name in `std` may
//! change its values in any release. Each word of an event is multiplied on its own, so the products overlap in the
//! processor, and only one multiplication per event waits for the event before.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::SimTime;

/// 2^64 divided by the golden ratio: an odd number without pattern.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// The fractional part of pi, 64 bits, made odd by its last digit.
const PI: u64 = 0x243f_6a88_85a3_08d3;

/// A digest of everything that was handled so far (or of any bytes), 64 bits.
///
/// Prints, and is serialised, as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u64);

impl Digest {
    /// The digest of a run in which nothing has happened yet.
    pub const EMPTY: Digest = Digest(PI);

    /// The digest of some bytes, such as a serialised plan.
    pub fn of_bytes(bytes: &[u8]) -> Digest {
        let mut words = Words::new();
        words.write_u64(bytes.len() as u64);
        words.write(bytes);
        Digest::EMPTY.then(words)
    }

    /// Takes one more handled event into the digest.
    #[inline]
    pub fn handled<E: Hash>(&mut self, now: SimTime, event: &E) {
        let mut words = Words::new();
        words.write_u64(now.as_nanos());
        event.hash(&mut words);
        *self = self.then(words);
    }

    #[inline]
    fn then(self, words: Words) -> Digest {
        Digest(folded(self.0.rotate_left(29) ^ words.sum, GOLDEN).wrapping_add(PI))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{:016x}", self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(lower_hex) {
            return Err(de::Error::custom(format!("{text:?} is not a digest; a digest has 16 digits, 0-9 and a-f")));
        }
        u64::from_str_radix(&text, 16).map(Digest).map_err(de::Error::custom)
    }
}

/// The words of one event, each folded with a secret of its place, so that their order counts.
///
/// Every integer enters as one 64-bit word, whatever its width and the machine's byte order or pointer size.
/// (A slice or array of integers is the exception: std hands over its memory, so it is read as little-endian.)
struct Words {
    sum: u64,
    secret: u64,
}

impl Words {
    #[inline]
    fn new() -> Words {
        Words { sum: 0, secret: GOLDEN }
    }
}

impl Hasher for Words {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.sum = self.sum.wrapping_add(folded(word ^ self.secret, PI));
        self.secret = self.secret.wrapping_add(GOLDEN);
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.write_u64(word as u64);
        self.write_u64((word >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write_i8(&mut self, word: i8) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write_i16(&mut self, word: i16) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write_i32(&mut self, word: i32) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write_i64(&mut self, word: i64) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write_i128(&mut self, word: i128) {
        self.write_u128(word as u128);
    }

    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.sum
    }
}

/// The two halves of the 128-bit product, one laid over the other.
#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Hash)]
    enum Event {
        Arrives(u32),
        Leaves { request: u32, seat: u8 },
    }

    fn digest_of(events: &[(u64, Event)]) -> Digest {
        let mut digest = Digest::EMPTY;
        for (nanos, event) in events {
            digest.handled(SimTime::from_nanos(*nanos), event);
        }
        digest
    }

    #[test]
    fn the_digest_is_pinned() {
        let digest = digest_of(&[(1, Event::Arrives(7)), (2, Event::Leaves { request: 7, seat: 1 })]);
        assert_eq!(digest.to_string(), "f8e955a14b4a10b0");
        assert_eq!(Digest::of_bytes(b"a plan of eighteen").to_string(), "686b74c36d987c8e");
    }

    #[test]
    fn time_order_and_every_field_count() {
        let all = [
            digest_of(&[]),
            digest_of(&[(1, Event::Arrives(7))]),
            digest_of(&[(2, Event::Arrives(7))]),
            digest_of(&[(1, Event::Arrives(8))]),
            digest_of(&[(1, Event::Leaves { request: 7, seat: 0 })]),
            digest_of(&[(1, Event::Leaves { request: 0, seat: 7 })]),
            digest_of(&[(1, Event::Arrives(7)), (1, Event::Arrives(8))]),
            digest_of(&[(1, Event::Arrives(8)), (1, Event::Arrives(7))]),
        ];
        for (index, digest) in all.iter().enumerate() {
            assert!(!all[..index].contains(digest), "case {index} repeats an earlier digest");
        }
    }

    #[test]
    fn bytes_count_with_their_length() {
        assert_ne!(Digest::of_bytes(b""), Digest::of_bytes(b"\0"));
        assert_ne!(Digest::of_bytes(b"\0"), Digest::of_bytes(b"\0\0"));
    }
}
