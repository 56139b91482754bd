//! Shuffle sharding: each flow is dealt a hand of queues, so that few flows share all of theirs.

/// The queues that a flow may join, in the order in which they were dealt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hand {
    cards: [u16; Hand::MOST],
    size: usize,
}

impl Hand {
    /// Most cards of a hand.
    pub const MOST: usize = 16;

    /// The dealt queues.
    pub fn cards(&self) -> &[u16] {
        &self.cards[..self.size]
    }
}

/// The cards of a hand of `size` from a deck of `deck`.
pub fn hand_size(deck: u64, size: u64) -> usize {
    size.min(deck).min(Hand::MOST as u64) as usize
}

/// Deals `size` different cards of a deck of `deck`, at most [`Hand::MOST`]: the hash is read as a number of mixed radix,
/// one digit for each card, so that each hand is as likely as any other. A smaller hand is the beginning of a larger one.
pub fn deal(mut hash: u64, deck: u64, size: u64) -> Hand {
    let size = hand_size(deck, size);
    let mut cards = [0; Hand::MOST];
    let mut sorted = [0; Hand::MOST];
    for (dealt, dealt_card) in cards.iter_mut().take(size).enumerate() {
        let left = deck - dealt as u64;
        let mut card = (hash % left) as u16;
        hash /= left;
        let mut place = 0;
        while place < dealt && sorted[place] <= card {
            (card, place) = (card + 1, place + 1);
        }
        for later in (place..dealt).rev() {
            sorted[later + 1] = sorted[later];
        }
        sorted[place] = card;
        *dealt_card = card;
    }
    Hand { cards, size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hand_is_dealt_by_as_many_hashes() {
        let mut seen = [[[0; 5]; 5]; 5];
        for hash in 0..600 {
            let hand = deal(hash, 5, 3);
            let [a, b, c] = [0, 1, 2].map(|card| hand.cards()[card] as usize);
            seen[a][b][c] += 1;
        }
        let counts: Vec<u32> = seen.iter().flatten().flatten().copied().filter(|count| *count > 0).collect();
        assert_eq!(counts, [10; 60], "60 ordered hands, ten hashes each");
    }

    #[test]
    fn a_smaller_hand_is_the_beginning_of_a_larger_one() {
        let hash = 0x9e37_79b9_7f4a_7c15;
        let whole = deal(hash, 64, 6);
        assert!((0..=6).all(|size| deal(hash, 64, size).cards() == &whole.cards()[..size as usize]));
    }
}
