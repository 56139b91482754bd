//! What a 429 tells its client to wait: a ladder that goes up while many requests are dropped and down when few are.

use sim_kernel::SimTime;
use std::collections::VecDeque;

/// So many drops a second and more let the ladder go up.
const MANY: u64 = 3;

/// The drops of one priority level, by second, and where its ladder stands.
#[derive(Clone, Debug)]
pub struct RetryAfter {
    seconds: u64,
    changed: u64,
    current: (u64, u64),
    history: VecDeque<(u64, u64)>,
}

impl Default for RetryAfter {
    fn default() -> Self {
        RetryAfter { seconds: 1, changed: 0, current: (0, 0), history: VecDeque::new() }
    }
}

impl RetryAfter {
    /// A request is dropped: the seconds that its client is told to wait, at most `top`.
    pub fn drops(&mut self, now: SimTime, top: u64) -> u64 {
        let second = now.as_secs_f64() as u64;
        if second == self.current.0 {
            self.current.1 += 1;
            return self.seconds;
        }
        self.history.push_back(self.current);
        while self.history.front().is_some_and(|(then, _)| then + top < second) {
            self.history.pop_front();
        }
        self.current = (second, 1);
        if second >= self.changed + self.seconds {
            self.moves(second, top);
        }
        self.seconds
    }

    /// Doubles with at least three drops a second in a window of its own length, falls by one with less than one.
    fn moves(&mut self, second: u64, top: u64) {
        let recent = |then: u64| then + self.seconds >= second;
        let dropped: u64 = self.history.iter().filter(|(then, _)| recent(*then)).map(|(_, count)| count).sum();
        if dropped >= MANY * self.seconds {
            (self.seconds, self.changed) = ((2 * self.seconds).min(top), second);
        } else if dropped < self.seconds && self.seconds > 1 {
            (self.seconds, self.changed) = (self.seconds - 1, second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    fn at_ms(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    /// validation.md C3 (c): 1, 2, 4 ... 32 under sustained drops; down by one when there are few.
    #[test]
    fn sustained_drops_climb_the_ladder_and_few_descend_it() {
        let mut ladder = RetryAfter::default();
        let mut told = Vec::new();
        for tenth in 0..1_200 {
            let seconds = ladder.drops(at_ms(100_000 + tenth * 100), 32);
            if told.last() != Some(&seconds) {
                told.push(seconds);
            }
        }
        assert_eq!(told, [1, 2, 4, 8, 16, 32]);
        assert_eq!(ladder.drops(at_ms(400_000), 32), 31, "a quiet time, and then one");
    }
}
