//! What can be wrong with a law: what was found, what is allowed, and the nearest valid name.

use std::error::Error;
use std::fmt;

/// One thing wrong with a law. Times are in seconds; texts that were found are cut to 40 characters.
#[derive(Clone, Debug, PartialEq)]
pub enum LawError {
    /// The name before the bracket is none of the laws'.
    UnknownLaw {
        /// The name.
        found: String,
        /// The law whose name is nearest, if one is near.
        nearest: Option<&'static str>,
    },
    /// There is an opening bracket, and the text does not end with its closing one.
    Unclosed {
        /// The text.
        found: String,
    },
    /// Where a number belongs, there is none.
    NotANumber {
        /// What is there.
        found: String,
    },
    /// A number is followed by something that is no unit, or by a unit where none belongs.
    UnknownUnit {
        /// The number and what follows.
        found: String,
        /// The units that may stand there.
        allowed: &'static str,
    },
    /// A time is a bare number.
    LacksUnit {
        /// The number.
        found: String,
    },
    /// An argument is missing.
    MissingArgument {
        /// The law.
        law: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// How the law is written.
        form: &'static str,
    },
    /// An argument has a name that this law does not know, is given twice, or is one too many.
    UnexpectedArgument {
        /// The law.
        law: &'static str,
        /// The argument, as written.
        found: String,
        /// How the law is written.
        form: &'static str,
    },
    /// An argument's value makes no sense for this law.
    OutOfRange {
        /// The law.
        law: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        found: f64,
        /// The values that would make sense.
        allowed: String,
    },
    /// A mixture's weights, or the last share of a histogram, do not come to 1.
    NotAllOfIt {
        /// The law.
        law: &'static str,
        /// What they come to.
        sum: f64,
    },
    /// A part of a mixture is a mixture.
    NestedMixture,
}

impl fmt::Display for LawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLaw { found, nearest } => {
                write!(f, "`{found}` is no law; ")?;
                match nearest {
                    Some(name) => write!(f, "did you mean {name}?"),
                    None => write!(f, "laws are {}", super::text::names()),
                }
            }
            Self::Unclosed { found } => write!(f, "`{found}` does not end with the `)` of its first `(`"),
            Self::NotANumber { found } => write!(f, "`{found}` is not a number such as 0.3ms, 38s or 5m"),
            Self::UnknownUnit { found, allowed } => {
                write!(f, "`{found}` has a unit that cannot stand there; allowed are {allowed}")
            }
            Self::LacksUnit { found } => write!(f, "`{found}` lacks its unit: ns, us, ms, s, m, h or d"),
            Self::MissingArgument { law, argument, form } => {
                write!(f, "{law} lacks its {argument}; it is written {form}")
            }
            Self::UnexpectedArgument { law, found, form } => {
                write!(f, "{law} takes no such argument as `{found}`; it is written {form}")
            }
            Self::OutOfRange { law, argument, found, allowed } => {
                write!(f, "{law}: {argument} {found} is out of range; allowed is {allowed}")
            }
            Self::NotAllOfIt { law: law @ "mixture", sum } => {
                write!(f, "{law}: the weights add up to {sum}, not to 1")
            }
            Self::NotAllOfIt { law, sum } => write!(f, "{law}: the last share is {sum}, not 1 (100%)"),
            Self::NestedMixture => {
                write!(f, "mixture: a part is itself a mixture; multiply the weights and write one mixture")
            }
        }
    }
}

impl Error for LawError {}
