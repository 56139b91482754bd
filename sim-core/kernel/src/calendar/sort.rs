//! Sorting a few keys without a branch: the processor never guesses wrong.
//!
//! Batcher's odd-even merge sort (1968): 63 exchanges sort 16 keys, 191 sort 32, 543 sort 64. The loops have constant
//! bounds and are unrolled.

/// The most keys that are sorted at once.
pub(super) const SORTED_MAX: usize = 64;

/// Sorts the first `len` keys. Those behind them are lost.
#[inline]
pub(super) fn sort(keys: &mut [u64; SORTED_MAX], len: usize) {
    let padded = len.next_multiple_of(16);
    keys[len..padded].fill(u64::MAX);
    for sixteen in keys[..padded].as_chunks_mut().0 {
        sort_16(sixteen);
    }
    if len > 16 {
        keys[padded..len.next_power_of_two()].fill(u64::MAX);
        for thirty_two in keys[..len.next_power_of_two()].as_chunks_mut().0 {
            merge_32(thirty_two);
        }
    }
    if len > 32 {
        merge_64(keys);
    }
}

fn sort_16(keys: &mut [u64; 16]) {
    halves::<2, 16>(keys);
    halves::<4, 16>(keys);
    neighbours::<4, 1, 16>(keys);
    halves::<8, 16>(keys);
    neighbours::<8, 2, 16>(keys);
    neighbours::<8, 1, 16>(keys);
    halves::<16, 16>(keys);
    neighbours::<16, 4, 16>(keys);
    neighbours::<16, 2, 16>(keys);
    neighbours::<16, 1, 16>(keys);
}

#[inline(never)]
fn merge_32(keys: &mut [u64; 32]) {
    halves::<32, 32>(keys);
    neighbours::<32, 8, 32>(keys);
    neighbours::<32, 4, 32>(keys);
    neighbours::<32, 2, 32>(keys);
    neighbours::<32, 1, 32>(keys);
}

#[inline(never)]
fn merge_64(keys: &mut [u64; 64]) {
    halves::<64, 64>(keys);
    neighbours::<64, 16, 64>(keys);
    neighbours::<64, 8, 64>(keys);
    neighbours::<64, 4, 64>(keys);
    neighbours::<64, 2, 64>(keys);
    neighbours::<64, 1, 64>(keys);
}

/// In each block, exchanges the first key of the lower half with the first of the upper half, and so on.
#[inline(always)]
fn halves<const BLOCK: usize, const ALL: usize>(keys: &mut [u64; ALL]) {
    for pair in 0..ALL / 2 {
        let low = pair / (BLOCK / 2) * BLOCK + pair % (BLOCK / 2);
        exchange(keys, low, low + BLOCK / 2);
    }
}

/// In each block, of its runs of `RUN` keys exchanges the second with the third, the fourth with the fifth ...
#[inline(always)]
fn neighbours<const BLOCK: usize, const RUN: usize, const ALL: usize>(keys: &mut [u64; ALL]) {
    for block in 0..ALL / BLOCK {
        for pair in 0..BLOCK / RUN / 2 - 1 {
            for offset in 0..RUN {
                let low = block * BLOCK + pair * 2 * RUN + RUN + offset;
                exchange(keys, low, low + RUN);
            }
        }
    }
}

#[inline(always)]
fn exchange<const ALL: usize>(keys: &mut [u64; ALL], low: usize, high: usize) {
    let (a, b) = (keys[low], keys[high]);
    keys[low] = a.min(b);
    keys[high] = a.max(b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_that_sorts_zeros_and_ones_sorts_everything() {
        // Knuth's 0-1 principle, in full for 16 keys.
        for pattern in 0..1_u32 << 16 {
            let mut keys = std::array::from_fn(|place| u64::from(pattern >> place & 1));
            sort_16(&mut keys);
            assert!(keys.is_sorted(), "pattern {pattern:016b}");
        }
    }

    #[test]
    fn a_merge_of_zeros_and_ones_merges_everything() {
        // The same principle: two sorted runs of zeros and ones are told by their numbers of ones.
        for ones in 0..17 * 17 {
            let run = |ones: usize| move |place: usize| u64::from(place % 16 >= 16 - ones);
            let (low, high) = (run(ones % 17), run(ones / 17));
            let mut keys = std::array::from_fn(|place| if place < 16 { low(place) } else { high(place) });
            merge_32(&mut keys);
            assert!(keys.is_sorted(), "{ones}");
        }
        for ones in 0..33 * 33 {
            let run = |ones: usize| move |place: usize| u64::from(place % 32 >= 32 - ones);
            let (low, high) = (run(ones % 33), run(ones / 33));
            let mut keys = std::array::from_fn(|place| if place < 32 { low(place) } else { high(place) });
            merge_64(&mut keys);
            assert!(keys.is_sorted(), "{ones}");
        }
    }

    proptest! {
        #[test]
        fn any_keys_of_any_number_are_sorted(mut wanted in proptest::collection::vec(any::<u64>(), 0..=SORTED_MAX)) {
            let mut keys = [7; SORTED_MAX];
            keys[..wanted.len()].copy_from_slice(&wanted);
            sort(&mut keys, wanted.len());
            wanted.sort_unstable();
            prop_assert_eq!(&keys[..wanted.len()], &wanted[..]);
        }
    }
}
