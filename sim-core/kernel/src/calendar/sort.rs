//! Sorting at most 32 keys without a branch: the processor never guesses wrong.
//!
//! A bitonic network (Batcher 1968) whose merges begin by comparing mirrored places, so that every exchange is in
//! rising order. 80 exchanges sort 16 keys, 240 sort 32. The loops have constant bounds and are unrolled.

/// Sorts the first `len` keys; the keys behind them are the greatest already.
#[inline]
pub(super) fn sort(keys: &mut [u64; 32], len: usize) {
    let (halves, _) = keys.as_chunks_mut::<16>();
    if len <= 16 {
        return sort_16(&mut halves[0]);
    }
    halves.iter_mut().for_each(sort_16);
    mirror::<32, 32>(keys);
    halve::<16, 32>(keys);
    halve::<8, 32>(keys);
    halve::<4, 32>(keys);
    halve::<2, 32>(keys);
}

fn sort_16(keys: &mut [u64; 16]) {
    mirror::<2, 16>(keys);
    mirror::<4, 16>(keys);
    halve::<2, 16>(keys);
    mirror::<8, 16>(keys);
    halve::<4, 16>(keys);
    halve::<2, 16>(keys);
    mirror::<16, 16>(keys);
    halve::<8, 16>(keys);
    halve::<4, 16>(keys);
    halve::<2, 16>(keys);
}

/// In each block, exchanges the first with the last, the second with the last but one ...
#[inline(always)]
fn mirror<const BLOCK: usize, const ALL: usize>(keys: &mut [u64; ALL]) {
    for pair in 0..ALL / 2 {
        let (start, offset) = (pair / (BLOCK / 2) * BLOCK, pair % (BLOCK / 2));
        exchange(keys, start + offset, start + BLOCK - 1 - offset);
    }
}

/// In each block, exchanges the first of the lower half with the first of the upper half, and so on.
#[inline(always)]
fn halve<const BLOCK: usize, const ALL: usize>(keys: &mut [u64; ALL]) {
    for pair in 0..ALL / 2 {
        let (start, offset) = (pair / (BLOCK / 2) * BLOCK, pair % (BLOCK / 2));
        exchange(keys, start + offset, start + offset + BLOCK / 2);
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

    proptest! {
        #[test]
        fn any_keys_of_any_number_are_sorted(mut wanted in proptest::collection::vec(any::<u64>(), 0..=32)) {
            let mut keys = [u64::MAX; 32];
            keys[..wanted.len()].copy_from_slice(&wanted);
            sort(&mut keys, wanted.len());
            wanted.sort_unstable();
            prop_assert_eq!(&keys[..wanted.len()], &wanted[..]);
        }
    }
}
