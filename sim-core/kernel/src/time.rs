//! Simulated time in whole nanoseconds. A float clock needs epsilons; an integer one has exact equality and order.
//!
//! All arithmetic is checked, in release builds too: 2^64 ns are 584 years, so an overflow is a bug in the model.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

const NANOS_PER_MICRO: u64 = 1_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SEC: u64 = 1_000_000_000;
const NANOS_PER_MIN: u64 = 60 * NANOS_PER_SEC;

/// A point in simulated time, in nanoseconds since the run began.
///
/// Prints as hours, minutes, seconds and milliseconds (`0:10:02.345`), cut off, not rounded, below the millisecond:
/// columns align and an event never seems to lie after one that it precedes. Serialised as integer nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(u64);

/// A span of simulated time, in nanoseconds.
///
/// Prints in the largest unit that it fills, with at most three decimals (rounded): `12ms`, `1.4s`, `8m30s`, `2h5m`.
/// Serialised as integer nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimDuration(u64);

impl SimTime {
    /// The beginning of the run.
    pub const ZERO: SimTime = SimTime(0);
    /// The last point that can be told, some 584 years after the beginning; as a limit it means "to the end".
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// The point `nanos` nanoseconds after the beginning of the run.
    pub const fn from_nanos(nanos: u64) -> SimTime {
        SimTime(nanos)
    }

    /// Nanoseconds since the run began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the run began, for plots and statistics; exact to a nanosecond for the first 104 days.
    pub fn as_secs_f64(self) -> f64 {
        self.since_start().as_secs_f64()
    }

    /// The span from the beginning of the run.
    pub const fn since_start(self) -> SimDuration {
        SimDuration(self.0)
    }

    /// The span from `earlier` to here, or zero if `earlier` is in fact later.
    pub const fn saturating_since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest span, some 584 years.
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// A span of whole nanoseconds.
    pub const fn from_nanos(nanos: u64) -> SimDuration {
        SimDuration(nanos)
    }

    /// A span of whole microseconds.
    ///
    /// # Panics
    /// If it exceeds [`SimDuration::MAX`].
    pub const fn from_micros(micros: u64) -> SimDuration {
        SimDuration::of(micros, NANOS_PER_MICRO)
    }

    /// A span of whole milliseconds.
    ///
    /// # Panics
    /// If it exceeds [`SimDuration::MAX`].
    pub const fn from_millis(millis: u64) -> SimDuration {
        SimDuration::of(millis, NANOS_PER_MILLI)
    }

    /// A span of whole seconds.
    ///
    /// # Panics
    /// If it exceeds [`SimDuration::MAX`].
    pub const fn from_secs(secs: u64) -> SimDuration {
        SimDuration::of(secs, NANOS_PER_SEC)
    }

    /// A span of whole minutes.
    ///
    /// # Panics
    /// If it exceeds [`SimDuration::MAX`].
    pub const fn from_mins(mins: u64) -> SimDuration {
        SimDuration::of(mins, NANOS_PER_MIN)
    }

    /// This duration times a factor, rounded to a nanosecond; a negative factor gives zero.
    #[must_use]
    #[inline]
    pub fn scaled(self, factor: f64) -> SimDuration {
        SimDuration::from_secs_f64(self.as_secs_f64() * factor)
    }

    /// The one place where floats become durations: sampled or computed seconds, rounded to the nearest nanosecond.
    ///
    /// Negative values and NaN become zero (a normal law may well draw below zero); what is too long becomes
    /// [`SimDuration::MAX`].
    #[inline]
    pub fn from_secs_f64(secs: f64) -> SimDuration {
        let nanos = secs * NANOS_PER_SEC as f64;
        // `as` cuts off, clamps to 0..=u64::MAX and takes NaN to 0. What it cuts off is exact, and rounds half away from
        // zero as `f64::round` does, which is a call of some length on processors without SSE 4.1.
        let whole = nanos as u64;
        SimDuration(whole.saturating_add(u64::from(nanos - whole as f64 >= 0.5)))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in seconds, for statistics; exact to a nanosecond up to 104 days.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }

    const fn of(count: u64, unit: u64) -> SimDuration {
        SimDuration(count.checked_mul(unit).expect("a duration has at most 2^64 ns, 584 years"))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;

    #[inline]
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.checked_add(span.0).expect("simulated time ends 2^64 ns, 584 years, after its beginning"))
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Sub<SimDuration> for SimTime {
    type Output = SimTime;

    #[inline]
    fn sub(self, span: SimDuration) -> SimTime {
        SimTime(self.0.checked_sub(span.0).expect("there is no time before the run began"))
    }
}

impl Sub for SimTime {
    type Output = SimDuration;

    #[inline]
    fn sub(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.checked_sub(earlier.0).expect("a later time minus an earlier one"))
    }
}

impl Add for SimDuration {
    type Output = SimDuration;

    #[inline]
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.checked_add(other.0).expect("a sum of durations has at most 2^64 ns, 584 years"))
    }
}

impl AddAssign for SimDuration {
    #[inline]
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;

    #[inline]
    fn sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.checked_sub(other.0).expect("a longer duration minus a shorter one"))
    }
}

impl Mul<u64> for SimDuration {
    type Output = SimDuration;

    #[inline]
    fn mul(self, factor: u64) -> SimDuration {
        SimDuration::of(self.0, factor)
    }
}

impl Div<u64> for SimDuration {
    type Output = SimDuration;

    /// Rounds down to a whole nanosecond.
    #[inline]
    fn div(self, divisor: u64) -> SimDuration {
        SimDuration(self.0.checked_div(divisor).expect("a duration is divided by at least one"))
    }
}

impl Sum for SimDuration {
    fn sum<I: Iterator<Item = SimDuration>>(spans: I) -> SimDuration {
        spans.fold(SimDuration::ZERO, Add::add)
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / NANOS_PER_MILLI;
        let (secs, millis) = (millis / 1_000, millis % 1_000);
        out.pad(&format!("{}:{:02}:{:02}.{millis:03}", secs / 3_600, secs / 60 % 60, secs % 60))
    }
}

impl fmt::Display for SimDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&spelled(self.0))
    }
}

/// Nanoseconds in the largest unit that they fill. Rounding comes before the choice: 999.9996 us is 1ms.
fn spelled(nanos: u64) -> String {
    for (unit, name) in [(1, "ns"), (NANOS_PER_MICRO, "us"), (NANOS_PER_MILLI, "ms")] {
        let thousandths = rounded_thousandths(nanos, unit);
        if thousandths < 1_000_000 {
            return decimal(thousandths) + name;
        }
    }
    let thousandths = rounded_thousandths(nanos, NANOS_PER_SEC);
    let (mins, rest) = (thousandths / 60_000, thousandths % 60_000);
    let part = |count: u64, name: &str| {
        if count == 0 { String::new() } else { format!("{count}{name}") }
    };
    let secs = if mins > 0 && rest == 0 { String::new() } else { decimal(rest) + "s" };
    part(mins / 60, "h") + &part(mins % 60, "m") + &secs
}

fn rounded_thousandths(nanos: u64, unit: u64) -> u64 {
    // In 128 bits, since the longest durations times 1,000 leave 64.
    ((u128::from(nanos) * 1_000 + u128::from(unit) / 2) / u128::from(unit)).try_into().unwrap_or(u64::MAX)
}

fn decimal(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_a_clock_and_never_rounds_up() {
        let time = |nanos| SimTime::from_nanos(nanos).to_string();
        assert_eq!(time(0), "0:00:00.000");
        assert_eq!(time(602_345_999_999), "0:10:02.345");
        assert_eq!(time(90_000_000_000_000), "25:00:00.000");
        assert_eq!(format!("{:>13}|", SimTime::ZERO), "  0:00:00.000|");
    }

    #[test]
    fn a_duration_prints_in_the_largest_unit_that_it_fills() {
        let cases = [
            (SimDuration::ZERO, "0ns"),
            (SimDuration::from_nanos(999), "999ns"),
            (SimDuration::from_nanos(12_500), "12.5us"),
            (SimDuration::from_nanos(999_999_600), "1s"),
            (SimDuration::from_millis(12), "12ms"),
            (SimDuration::from_millis(1_400), "1.4s"),
            (SimDuration::from_nanos(59_999_900_000), "1m"),
            (SimDuration::from_secs(510), "8m30s"),
            (SimDuration::from_mins(125), "2h5m"),
            (SimDuration::from_millis(3_600_500), "1h0.5s"),
        ];
        for (span, text) in cases {
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn floats_become_durations_by_rounding_and_clamping() {
        let nanos = |secs| SimDuration::from_secs_f64(secs).as_nanos();
        assert_eq!(nanos(1.4), 1_400_000_000);
        assert_eq!(nanos(0.6e-9), 1);
        assert_eq!(nanos(-3.0), 0);
        assert_eq!(nanos(f64::NAN), 0);
        assert_eq!(nanos(f64::INFINITY), u64::MAX);
        for exponent in -3..70 {
            for part in 0..200 {
                let secs = (1.0 + f64::from(part) / 200.0) * 2_f64.powi(exponent) / 1e9;
                for secs in [secs, secs.next_up(), secs.next_down()] {
                    assert_eq!(nanos(secs), (secs * 1e9).round() as u64, "{secs:e}");
                }
            }
        }
    }

    #[test]
    fn arithmetic_keeps_points_and_spans_apart() {
        let start = SimTime::from_nanos(5);
        let span = SimDuration::from_nanos(3);
        assert_eq!((start + span) - start, span);
        assert_eq!((start - span).since_start(), SimDuration::from_nanos(2));
        assert_eq!(start.saturating_since(start + span), SimDuration::ZERO);
        assert_eq!([span, span * 2, span / 2].into_iter().sum::<SimDuration>(), SimDuration::from_nanos(10));
    }

    #[test]
    #[should_panic(expected = "584 years")]
    fn time_never_wraps() {
        let _ = SimTime::MAX + SimDuration::from_nanos(1);
    }

    #[test]
    #[should_panic(expected = "a later time minus an earlier one")]
    fn no_span_is_negative() {
        let _ = SimTime::ZERO - SimTime::from_nanos(1);
    }
}
