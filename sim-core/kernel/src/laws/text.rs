//! Laws as text: the one form that users write in scenarios and on the command line.
//!
//! ```text
//!   0.3ms                                        always that; only 0 needs no unit
//!   uniform(0.05ms, 0.3ms)                       arguments in order ...
//!   lognormal(median 38s, p95 75s, floor 24s)    ... or by name
//!   empirical(1ms: 92.6%, 2ms: 100%)             upper end of a bucket: share of all values up to there
//!   mixture(0.9: uniform(1ms, 2ms), 0.1: 5s)     probability: law
//! ```
//!
//! Reading gives exactly the value that the decimal digits stand for, and writing the shortest digits that read
//! back as the same law.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Form, Law, LawError, lognormal_form};

/// How a law is called, and how it is written.
struct Signature {
    name: &'static str,
    form: &'static str,
    arguments: &'static [Argument],
}

/// A named argument; `unit` tells whether it is a time, and `default` what holds if it is left out.
struct Argument {
    name: &'static str,
    unit: Unit,
    default: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Time,
    None,
    Share,
}

const fn time(name: &'static str) -> Argument {
    Argument { name, unit: Unit::Time, default: None }
}

const fn factor(name: &'static str) -> Argument {
    Argument { name, unit: Unit::None, default: None }
}

const SIGNATURES: [Signature; 10] = [
    Signature { name: "constant", form: "constant(5s), or 5s alone", arguments: &[time("value")] },
    Signature { name: "uniform", form: "uniform(low, high)", arguments: &[time("low"), time("high")] },
    Signature { name: "exponential", form: "exponential(mean)", arguments: &[time("mean")] },
    Signature { name: "normal", form: "normal(mean, sd)", arguments: &[time("mean"), time("sd")] },
    Signature {
        name: "lognormal",
        form: "lognormal(median, p95) or lognormal(median, p95, floor)",
        arguments: &[time("median"), time("p95"), Argument { name: "floor", unit: Unit::Time, default: Some(0.0) }],
    },
    Signature { name: "weibull", form: "weibull(scale, shape)", arguments: &[time("scale"), factor("shape")] },
    Signature { name: "gamma", form: "gamma(shape, scale)", arguments: &[factor("shape"), time("scale")] },
    Signature {
        name: "triangular",
        form: "triangular(low, mode, high)",
        arguments: &[time("low"), time("mode"), time("high")],
    },
    Signature { name: "empirical", form: "empirical(1ms: 92.6%, 2ms: 100%)", arguments: &[] },
    Signature { name: "mixture", form: "mixture(0.9: 1ms, 0.1: 5s)", arguments: &[] },
];

/// The names of all laws, for messages.
pub(super) fn names() -> String {
    SIGNATURES.map(|signature| signature.name).join(", ")
}

impl FromStr for Law {
    type Err = LawError;

    /// Reads a law as it is written in scenarios: see the examples at [`Law`]'s module.
    fn from_str(text: &str) -> Result<Self, LawError> {
        parse_law(text, true)
    }
}

fn parse_law(text: &str, may_be_mixture: bool) -> Result<Law, LawError> {
    let text = text.trim();
    let Some((name, rest)) = text.split_once('(') else {
        if is_word(text) {
            return Err(unknown_or_incomplete(text));
        }
        return Law::checked(Form::Constant(parse_number(text, Unit::Time)?));
    };
    let name = name.trim();
    let signature = SIGNATURES.iter().find(|known| known.name == name).ok_or_else(|| unknown_law(name))?;
    let inner = rest.strip_suffix(')').ok_or_else(|| LawError::Unclosed { found: excerpt(text) })?;
    let form = match signature.name {
        "empirical" => Form::Empirical(parse_points(signature, inner)?),
        "mixture" if may_be_mixture => Form::Mixture(parse_parts(signature, inner)?),
        // Refused here and not only by the check, so that no text can drive the reader deeper and deeper.
        "mixture" => return Err(LawError::NestedMixture),
        _ => plain_form(signature, inner)?,
    };
    Law::checked(form)
}

fn plain_form(signature: &'static Signature, inner: &str) -> Result<Form, LawError> {
    let [a, b, c] = parse_arguments(signature, inner)?;
    Ok(match signature.name {
        "constant" => Form::Constant(a),
        "uniform" => Form::Uniform { low: a, high: b },
        "exponential" => Form::Exponential { mean: a },
        "normal" => Form::Normal { mean: a, sd: b },
        "lognormal" => lognormal_form(a, b, c),
        "weibull" => Form::Weibull { scale: a, shape: b },
        "gamma" => Form::Gamma { shape: a, scale: b },
        "triangular" => Form::Triangular { low: a, mode: b, high: c },
        name => unreachable!("{name} has a signature, so it has a form"),
    })
}

/// The arguments in the signature's order, the unused ones 0.
fn parse_arguments(signature: &'static Signature, inner: &str) -> Result<[f64; 3], LawError> {
    let mut values = [None; 3];
    for item in items(inner) {
        let (name, number) = match item.split_once(char::is_whitespace) {
            Some((name, number)) if is_word(name) => (Some(name), number.trim()),
            _ => (None, item),
        };
        let place = signature.arguments.iter().enumerate().position(|(i, argument)| match name {
            Some(name) => argument.name == name,
            None => values[i].is_none(),
        });
        let unexpected =
            || LawError::UnexpectedArgument { law: signature.name, found: excerpt(item), form: signature.form };
        let place = place.filter(|&i| values[i].is_none()).ok_or_else(unexpected)?;
        values[place] = Some(parse_number(number, signature.arguments[place].unit)?);
    }
    let mut filled = [0.0; 3];
    for (i, argument) in signature.arguments.iter().enumerate() {
        filled[i] = values[i].or(argument.default).ok_or(LawError::MissingArgument {
            law: signature.name,
            argument: argument.name,
            form: signature.form,
        })?;
    }
    Ok(filled)
}

fn parse_points(signature: &'static Signature, inner: &str) -> Result<Vec<(f64, f64)>, LawError> {
    pairs(signature, inner)
        .map(|pair| {
            let (upper, share) = pair?;
            Ok((parse_number(upper, Unit::Time)?, parse_number(share, Unit::Share)?))
        })
        .collect()
}

fn parse_parts(signature: &'static Signature, inner: &str) -> Result<Vec<(f64, Law)>, LawError> {
    pairs(signature, inner)
        .map(|pair| {
            let (weight, law) = pair?;
            Ok((parse_number(weight, Unit::Share)?, parse_law(law, false)?))
        })
        .collect()
}

/// The `left: right` pairs of a list.
fn pairs<'a>(
    signature: &'static Signature,
    inner: &'a str,
) -> impl Iterator<Item = Result<(&'a str, &'a str), LawError>> {
    items(inner).map(|item| {
        let (left, right) = item.split_once(':').ok_or_else(|| LawError::UnexpectedArgument {
            law: signature.name,
            found: excerpt(item),
            form: signature.form,
        })?;
        Ok((left.trim(), right.trim()))
    })
}

/// What stands between the commas that are not inside brackets.
fn items(inner: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i64;
    let split = inner.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    // Nothing at all is no item; nothing between two commas is one, and is refused where it is read.
    split.map(str::trim).filter(move |item| !(item.is_empty() && inner.trim().is_empty()))
}

fn is_word(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphabetic) && text.chars().all(char::is_alphanumeric)
}

fn unknown_or_incomplete(name: &str) -> LawError {
    match SIGNATURES.iter().find(|known| known.name == name) {
        Some(known) => LawError::MissingArgument {
            law: known.name,
            argument: known.arguments.first().map_or("list", |argument| argument.name),
            form: known.form,
        },
        None => unknown_law(name),
    }
}

fn unknown_law(name: &str) -> LawError {
    let found = excerpt(name);
    let lower = found.to_lowercase();
    let distances = SIGNATURES.map(|known| (edit_distance(&lower, known.name), known.name));
    let nearest = distances.into_iter().min().filter(|&(distance, name)| distance <= name.len() / 3);
    LawError::UnknownLaw { found, nearest: nearest.map(|(_, name)| name) }
}

/// How many letters must be changed, added or removed to make one word of the other (Levenshtein's distance).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The first 40 characters: a message must stay readable whatever was found.
fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads a time in seconds, a number without unit, or a share of 1.
fn parse_number(text: &str, unit: Unit) -> Result<f64, LawError> {
    let not_a_number = || LawError::NotANumber { found: excerpt(text) };
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(text.len());
    let (digits, suffix) = (&text[..end], text[end..].trim());
    if !digits.contains(|c: char| c.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let (shift, factor) = match (unit, suffix) {
        (_, "") => (0, 1.0),
        (Unit::Share, "%") => (-2, 1.0),
        (Unit::Time, "ns") => (-9, 1.0),
        (Unit::Time, "us" | "\u{b5}s" | "\u{3bc}s") => (-6, 1.0),
        (Unit::Time, "ms") => (-3, 1.0),
        (Unit::Time, "s") => (0, 1.0),
        (Unit::Time, "m") => (0, 60.0),
        (Unit::Time, "h") => (0, 3600.0),
        (Unit::Time, "d") => (0, 86_400.0),
        _ => return Err(LawError::UnknownUnit { found: excerpt(text), allowed: units(unit) }),
    };
    let value = shifted(digits, shift).ok_or_else(not_a_number)?;
    if unit == Unit::Time && suffix.is_empty() && value != 0.0 {
        return Err(LawError::LacksUnit { found: excerpt(text) });
    }
    Ok(value * factor)
}

fn units(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "ns, us, ms, s, m, h and d",
        Unit::None => "none: it is a bare number",
        Unit::Share => "% or none",
    }
}

/// `digits` times ten to the `shift`, with one rounding only: 0.3 thousandths are the float nearest to 0.0003.
fn shifted(digits: &str, shift: i64) -> Option<f64> {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (digits, 0),
    };
    format!("{mantissa}e{}", exponent.checked_add(shift)?).parse().ok()
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = |seconds: &f64| spelled_time(*seconds);
        match &self.0 {
            Form::Constant(value) => f.write_str(&t(value)),
            Form::Uniform { low, high } => write!(f, "uniform({}, {})", t(low), t(high)),
            Form::Exponential { mean } => write!(f, "exponential({})", t(mean)),
            Form::Normal { mean, sd } => write!(f, "normal({}, {})", t(mean), t(sd)),
            Form::LogNormal { median, p95, floor, .. } => {
                write!(f, "lognormal(median {}, p95 {}", t(median), t(p95))?;
                if *floor > 0.0 {
                    write!(f, ", floor {}", t(floor))?;
                }
                f.write_str(")")
            }
            Form::Weibull { scale, shape } => write!(f, "weibull(scale {}, shape {shape})", t(scale)),
            Form::Gamma { shape, scale } => write!(f, "gamma(shape {shape}, scale {})", t(scale)),
            Form::Triangular { low, mode, high } => write!(f, "triangular({}, {}, {})", t(low), t(mode), t(high)),
            Form::Empirical(points) => {
                let spelled = points.iter().map(|(upper, share)| format!("{}: {}%", t(upper), scaled(*share, 2)));
                write!(f, "empirical({})", spelled.collect::<Vec<_>>().join(", "))
            }
            Form::Mixture(parts) => {
                let spelled = parts.iter().map(|(weight, law)| format!("{weight}: {law}"));
                write!(f, "mixture({})", spelled.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Seconds in the unit that reads best, such that reading gives the same float again.
fn spelled_time(seconds: f64) -> String {
    let size = seconds.abs();
    for (unit, factor) in [("h", 3600.0), ("m", 60.0)] {
        let count = seconds / factor;
        let text = count.to_string();
        if size >= 2.0 * factor && text.len() <= 4 && count * factor == seconds {
            return text + unit;
        }
    }
    let (shift, unit) = match size {
        0.0 | 1.0.. => (0, "s"),
        1e-4.. => (3, "ms"),
        1e-7.. => (6, "us"),
        _ => (9, "ns"),
    };
    scaled(seconds, shift) + unit
}

/// The shortest digits of `value`, with the point moved `shift` places to the right.
fn scaled(value: f64, shift: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').expect("the scientific form has an exponent");
    let exponent = exponent.parse::<i32>().expect("an exponent is a number") + shift;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |positive| ("-", positive));
    if !(-7..=20).contains(&exponent) {
        return format!("{sign}{mantissa}e{exponent}");
    }
    let digits = mantissa.replace('.', "");
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Law {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LawVisitor)
    }
}

/// Takes a law as text.
struct LawVisitor;

impl Visitor<'_> for LawVisitor {
    type Value = Law;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a law such as \"0.3ms\" or \"lognormal(median 38s, p95 75s)\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Law, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Law>().expect_err("the text is no law").to_string()
    }

    #[test]
    fn laws_are_written_as_people_say_them() {
        let same = [
            "0.3ms",
            "38s",
            "0s",
            "-2ms",
            "2.5h",
            "899s",
            "15ns",
            "uniform(50us, 0.3ms)",
            "exponential(2ms)",
            "normal(899s, 50s)",
            "lognormal(median 38s, p95 75s, floor 24s)",
            "lognormal(median 0.2ms, p95 0.35ms)",
            "weibull(scale 2s, shape 1.5)",
            "gamma(shape 2, scale 1s)",
            "triangular(3.5m, 6m, 10m)",
            "empirical(1ms: 92.6%, 2ms: 94.9%, 1s: 100%)",
            "mixture(0.9: uniform(1ms, 2ms), 0.1: 5s)",
        ];
        for text in same {
            let law: Law = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(law.to_string(), text);
        }
    }

    #[test]
    fn other_ways_to_write_them_are_understood() {
        let pairs = [
            ("0", "0s"),
            (" 1e-3 s", "1ms"),
            ("50\u{b5}s", "50us"),
            ("constant(5s)", "5s"),
            ("1d", "24h"),
            ("uniform(1d, 1.5d)", "uniform(24h, 36h)"),
            ("lognormal(38s, 75s)", "lognormal(median 38s, p95 75s)"),
            ("lognormal(p95 75s, median 38s)", "lognormal(median 38s, p95 75s)"),
            ("uniform( 60s ,high 2m)", "uniform(60s, 2m)"),
            ("empirical(1ms: 0, 2ms: 1)", "empirical(1ms: 0%, 2ms: 100%)"),
        ];
        for (text, told) in pairs {
            assert_eq!(text.parse::<Law>().map(|law| law.to_string()), Ok(told.to_owned()), "{text}");
        }
    }

    #[test]
    fn errors_say_what_was_found_and_what_is_allowed() {
        let pairs = [
            ("lognorml(1s, 2s)", "`lognorml` is no law; did you mean lognormal?"),
            ("", "`` is not a number such as 0.3ms, 38s or 5m"),
            (
                "nan",
                "`nan` is no law; laws are constant, uniform, exponential, normal, lognormal, weibull, gamma, triangular, empirical, mixture",
            ),
            ("5 parsecs", "`5 parsecs` has a unit that cannot stand there; allowed are ns, us, ms, s, m, h and d"),
            ("uniform(1s, 2s", "`uniform(1s, 2s` does not end with the `)` of its first `(`"),
            ("uniform(1s)", "uniform lacks its high; it is written uniform(low, high)"),
            ("uniform", "uniform lacks its low; it is written uniform(low, high)"),
            ("uniform(1s, 2s, 3s)", "uniform takes no such argument as `3s`; it is written uniform(low, high)"),
            ("uniform(1s, low 2s)", "uniform takes no such argument as `low 2s`; it is written uniform(low, high)"),
            ("uniform(2s, 1s)", "uniform: high 1 is out of range; allowed is at least the low, 2"),
            ("exponential(0s)", "exponential: mean 0 is out of range; allowed is more than 0"),
            ("5", "`5` lacks its unit: ns, us, ms, s, m, h or d"),
            ("uniform(1, 2s)", "`1` lacks its unit: ns, us, ms, s, m, h or d"),
            ("exponential(1e400s)", "exponential: mean inf is out of range; allowed is between -10^9 and 10^9"),
            ("gamma(2s, 1s)", "`2s` has a unit that cannot stand there; allowed are none: it is a bare number"),
            ("mixture(0.5: 1s)", "mixture: the weights add up to 0.5, not to 1"),
            (
                "mixture(1: mixture(1: 1s))",
                "mixture: a part is itself a mixture; multiply the weights and write one mixture",
            ),
            ("empirical()", "empirical: the last share is 0, not 1 (100%)"),
            (
                "empirical(2s: 50%, 1s: 100%)",
                "empirical: bucket's end 1 is out of range; allowed is above the one before",
            ),
            (
                "empirical(2s)",
                "empirical takes no such argument as `2s`; it is written empirical(1ms: 92.6%, 2ms: 100%)",
            ),
        ];
        for (text, told) in pairs {
            assert_eq!(error(text), told, "{text}");
        }
    }

    #[test]
    fn noise_of_any_length_gets_a_short_answer() {
        assert!(error(&"mixture(".repeat(100_000)).len() < 200);
        assert!(error(&"\u{1f980}".repeat(100_000)).len() < 400);
    }
}
