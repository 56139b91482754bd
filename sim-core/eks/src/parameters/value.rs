//! The kinds of value that a parameter can have: how each is read, shown, checked against a range and stilled.

use crate::quantity::{
    Access, Backend, ByVersion, Date, Placement, Price, Tier, Volumes, parse_duration, show_duration,
};
use sim_kernel::{Law, SimDuration};

/// A kind of parameter value.
pub trait Value: Sized {
    /// What the kind is called in `explain` and in errors.
    const KIND: &'static str;
    /// Reads a value as a user writes it; the error says what is allowed.
    fn parse(text: &str) -> Result<Self, ValueError>;
    /// Shows a value so that [`Value::parse`] reads the same one.
    fn show(&self) -> String;
    /// The number that a range is compared with, in seconds for durations; `None` where no order exists.
    fn magnitude(&self) -> Option<f64> {
        None
    }
    /// Replaces what is random by its median.
    fn still(&mut self) {}
}

/// What is wrong with a value that a user wrote for a parameter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// No parameter has that path.
    #[error("there is no parameter `{path}`")]
    NoSuchParameter {
        /// What was asked for.
        path: String,
    },
    /// The text is not of the parameter's kind.
    #[error("`{found}` is not a {kind}: {allowed}")]
    Malformed {
        /// What was written.
        found: String,
        /// The kind that is wanted.
        kind: &'static str,
        /// What may be written.
        allowed: String,
    },
    /// The value is of the right kind but out of range.
    #[error("`{found}` is out of range; allowed: {range}")]
    OutOfRange {
        /// What was written.
        found: String,
        /// The range, both ends included.
        range: String,
    },
}

/// An inclusive range of magnitudes, as declared: `low..high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest allowed magnitude, in seconds for durations.
    pub low: f64,
    /// Largest allowed magnitude, in seconds for durations.
    pub high: f64,
}

impl Range {
    /// Reads a declared range; `None` for the empty text, which allows everything.
    pub fn parse(text: &str) -> Option<Range> {
        let (low, high) = text.split_once("..")?;
        Some(Range { low: bound(low)?, high: bound(high)? })
    }

    /// Whether a magnitude lies in the range.
    pub fn contains(&self, magnitude: f64) -> bool {
        (self.low..=self.high).contains(&magnitude)
    }
}

fn bound(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| parse_duration(text).ok().map(|duration| duration.as_secs_f64()))
}

/// Reads a value and checks it against a declared range.
pub(super) fn parse_within<V: Value>(text: &str, range: &'static str) -> Result<V, ValueError> {
    let value = V::parse(text)?;
    let inside = match (Range::parse(range), value.magnitude()) {
        (Some(range), Some(magnitude)) => range.contains(magnitude),
        _ => true,
    };
    if inside { Ok(value) } else { Err(ValueError::OutOfRange { found: text.to_owned(), range: range.to_owned() }) }
}

fn malformed(found: &str, kind: &'static str, allowed: impl Into<String>) -> ValueError {
    ValueError::Malformed { found: found.to_owned(), kind, allowed: allowed.into() }
}

impl Value for SimDuration {
    const KIND: &'static str = "duration";
    fn parse(text: &str) -> Result<Self, ValueError> {
        parse_duration(text).map_err(|why| malformed(text, Self::KIND, why))
    }
    fn show(&self) -> String {
        show_duration(*self)
    }
    fn magnitude(&self) -> Option<f64> {
        Some(self.as_secs_f64())
    }
}

impl Value for Law {
    const KIND: &'static str = "law of durations";
    fn parse(text: &str) -> Result<Self, ValueError> {
        text.parse::<Law>().map_err(|why| malformed(text, Self::KIND, why.to_string()))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn magnitude(&self) -> Option<f64> {
        Some(self.mean())
    }
    fn still(&mut self) {
        *self = Law::still(self);
    }
}

impl Value for u64 {
    const KIND: &'static str = "count";
    fn parse(text: &str) -> Result<Self, ValueError> {
        text.trim().parse().map_err(|_| malformed(text, Self::KIND, "a whole number, 0 or more"))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn magnitude(&self) -> Option<f64> {
        Some(*self as f64)
    }
}

impl Value for f64 {
    const KIND: &'static str = "number";
    fn parse(text: &str) -> Result<Self, ValueError> {
        let number: Option<f64> = match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse().ok().map(|percent: f64| percent / 100.0),
            None => text.trim().parse().ok(),
        };
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| malformed(text, Self::KIND, "a number such as 0.1, or 10%"))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn magnitude(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Value for bool {
    const KIND: &'static str = "flag";
    fn parse(text: &str) -> Result<Self, ValueError> {
        match text.trim() {
            "true" | "on" | "yes" => Ok(true),
            "false" | "off" | "no" => Ok(false),
            _ => Err(malformed(text, Self::KIND, "true or false")),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! written_as_words {
    ($($kind:ty, $name:literal;)+) => { $(
        impl Value for $kind {
            const KIND: &'static str = $name;
            fn parse(text: &str) -> Result<Self, ValueError> {
                text.parse().map_err(|why: String| malformed(text, Self::KIND, why))
            }
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}

written_as_words! {
    Volumes, "volumes";
    Backend, "back end";
    Access, "access";
    ByVersion, "auto or flag";
    Date, "date";
}

impl Value for Placement {
    const KIND: &'static str = "placement";
    fn parse(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|why| malformed(text, Self::KIND, why))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Price {
    const KIND: &'static str = "price";
    fn parse(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|why: String| malformed(text, Self::KIND, why))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn magnitude(&self) -> Option<f64> {
        self.highest()
    }
}

impl Value for Tier {
    const KIND: &'static str = "tier";
    fn parse(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|why: String| malformed(text, Self::KIND, why))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}
