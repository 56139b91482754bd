//! A rate limit with a burst, as client-go, the EC2 API and most other throttles have it.
//!
//! Arithmetic is in whole numbers, so that a bucket is exact after any number of steps: a token counts as many
//! fractions as the period has nanoseconds, and each nanosecond brings as many as there are tokens in a period.

use crate::time::{SimDuration, SimTime};

/// A bucket that fills at a rate, and holds at most `burst` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    /// Fractions that each nanosecond brings.
    rate: u64,
    /// Fractions in a token: the nanoseconds of the period in which `rate` tokens come.
    token: u64,
    /// The most that it holds, in fractions.
    full: i128,
    /// Below zero, when tokens were reserved that are still to come.
    level: i128,
    updated: SimTime,
    taken: u64,
    refused: u64,
}

impl TokenBucket {
    /// A full bucket that gets `tokens` in each `period`, evenly, and holds at most `burst`.
    ///
    /// # Panics
    /// If `tokens`, `period` or `burst` is zero.
    #[must_use]
    pub fn new(tokens: u64, period: SimDuration, burst: u64) -> Self {
        assert!(tokens > 0 && period > SimDuration::ZERO && burst > 0, "a bucket has a rate and holds a token");
        let token = period.as_nanos();
        let full = i128::from(burst) * i128::from(token);
        Self { rate: tokens, token, full, level: full, updated: SimTime::ZERO, taken: 0, refused: 0 }
    }

    /// A full bucket that gets `rate` tokens a second, to a millionth, and holds at most `burst`.
    ///
    /// # Panics
    /// If `rate` rounds to nothing, or `burst` is zero.
    #[must_use]
    pub fn per_second(rate: f64, burst: u64) -> Self {
        Self::new((rate * 1e6).round() as u64, SimDuration::from_secs(1_000_000), burst)
    }

    /// Takes one token.
    ///
    /// # Errors
    /// When there is none: the time at which there will be one, if nobody else takes it.
    ///
    /// # Panics
    /// If `now` lies before the last call's.
    #[inline]
    pub fn take(&mut self, now: SimTime) -> Result<(), SimTime> {
        self.take_many(now, 1)
    }

    /// Takes `tokens` together, or none.
    ///
    /// # Errors
    /// When there are fewer: the time at which there will be enough, if nobody else takes any; [`SimTime::MAX`] if
    /// the bucket never holds so many.
    ///
    /// # Panics
    /// If `now` lies before the last call's.
    pub fn take_many(&mut self, now: SimTime, tokens: u64) -> Result<(), SimTime> {
        self.fill(now);
        let price = self.price(tokens);
        if price <= self.level {
            self.level -= price;
            self.taken += tokens;
            return Ok(());
        }
        self.refused += 1;
        Err(if price > self.full { SimTime::MAX } else { self.time_of(price) })
    }

    /// Takes one token even if it is still to come, and says when: the turn of a caller who waits in line.
    ///
    /// # Panics
    /// If `now` lies before the last call's.
    pub fn reserve(&mut self, now: SimTime) -> SimTime {
        self.fill(now);
        let price = self.price(1);
        let turn = if price <= self.level { now } else { self.time_of(price) };
        self.level -= price;
        self.taken += 1;
        turn
    }

    /// The whole tokens that are there at `now`.
    ///
    /// # Panics
    /// If `now` lies before the last call's.
    #[must_use]
    pub fn tokens(&self, now: SimTime) -> u64 {
        let mut bucket = *self;
        bucket.fill(now);
        (bucket.level.max(0) / i128::from(self.token)) as u64
    }

    /// How many tokens were taken or reserved.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many times nothing was given.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    #[inline]
    fn fill(&mut self, now: SimTime) {
        let gained = i128::from((now - self.updated).as_nanos()) * i128::from(self.rate);
        self.level = (self.level + gained).min(self.full);
        self.updated = now;
    }

    fn price(&self, tokens: u64) -> i128 {
        i128::from(tokens) * i128::from(self.token)
    }

    /// When the level reaches `price`, to the nanosecond above.
    fn time_of(&self, price: i128) -> SimTime {
        let lacking = (price - self.level).unsigned_abs();
        let nanos = lacking.div_ceil(u128::from(self.rate));
        let wait = SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        if SimTime::MAX - self.updated < wait { SimTime::MAX } else { self.updated + wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_served_and_then_the_rate() {
        let mut bucket = TokenBucket::new(5, SimDuration::from_secs(1), 3);
        assert_eq!([0, 0, 0].map(|ms| bucket.take(at_ms(ms))), [Ok(()); 3]);
        assert_eq!(bucket.take(at_ms(50)), Err(at_ms(200)));
        assert_eq!(bucket.take(at_ms(200)), Ok(()));
        assert_eq!((bucket.tokens(at_ms(10_000)), bucket.taken(), bucket.refused()), (3, 4, 1));
    }

    #[test]
    fn reservations_wait_in_line() {
        let mut bucket = TokenBucket::per_second(10.0, 1);
        assert_eq!([0, 0, 0].map(|ms| bucket.reserve(at_ms(ms))), [at_ms(0), at_ms(100), at_ms(200)]);
        assert_eq!(bucket.take(at_ms(250)), Err(at_ms(300)));
    }

    #[test]
    fn a_third_of_a_second_is_exact_for_ever() {
        // Room for a second token, or the fraction by which a turn is rounded up would run over.
        let mut bucket = TokenBucket::new(3, SimDuration::from_secs(1), 2);
        let mut now = SimTime::ZERO;
        assert_eq!(bucket.take(now), Ok(()));
        for _ in 0..3_000 {
            assert_eq!(bucket.take(now), Ok(()));
            now = bucket.take(now).expect_err("it held one");
        }
        // 1,000 s, and at most the nanosecond by which a turn is rounded up.
        assert!((now - at_ms(1_000_000)).as_nanos() <= 1, "{now}");
    }

    #[test]
    fn what_it_never_holds_never_comes() {
        let mut bucket = TokenBucket::per_second(1e-6, 2);
        assert_eq!(bucket.take_many(SimTime::ZERO, 3), Err(SimTime::MAX));
        assert_eq!(bucket.take_many(SimTime::ZERO, 2), Ok(()));
        assert_eq!(bucket.take(SimTime::MAX), Ok(()));
    }
}
