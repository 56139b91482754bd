//! How figures are written: with their unit, their interval, and no more digits than they deserve.

use sim_study::{Estimate, Unit};

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// A value in its unit: `99.93 %`, `5.1 ms`, `8m12s`, `1,667`.
pub fn show(unit: Unit, value: f64) -> String {
    match unit {
        _ if !value.is_finite() => NONE.to_owned(),
        Unit::Share => format!("{} %", share(value)),
        Unit::Seconds => seconds(value),
        Unit::Count => count(value),
        Unit::PerSecond => format!("{}/s", significant(value, 3)),
        Unit::Usd => format!("{} USD", fixed(value, 2)),
    }
}

/// A measure with its 95 % interval where it has one: `99.93 % ±0.02`, `8m12s ±31s`.
pub fn show_estimate(estimate: &Estimate) -> String {
    match (estimate.mean, estimate.half_width) {
        (None, _) => NONE.to_owned(),
        (Some(mean), Some(half)) if half.is_finite() && mean.is_finite() => with_interval(estimate.unit, mean, half),
        (Some(mean), _) => show(estimate.unit, mean),
    }
}

/// Why an estimate has no interval, if it has none: `n=1: no interval`.
pub fn no_interval(n: u32) -> Option<String> {
    (n < 2).then(|| format!("n={n}: no interval"))
}

/// A probability, in percent: `44.4 %`.
pub fn probability(p: f64) -> String {
    format!("{} %", significant(p * 100.0, 3))
}

fn with_interval(unit: Unit, mean: f64, half: f64) -> String {
    if half == 0.0 {
        return format!("{} ±0", show(unit, mean));
    }
    let (scale, suffix) = match unit {
        Unit::Share => (100.0, " %"),
        Unit::Seconds if mean.abs() >= 120.0 => return format!("{} ±{}", seconds(mean), coarse(half)),
        Unit::Seconds => seconds_scale(mean),
        Unit::Count => (1.0, ""),
        Unit::PerSecond => (1.0, "/s"),
        Unit::Usd => (1.0, " USD"),
    };
    let (mean, half) = (mean * scale, half * scale);
    // Never so few digits that something reads as nothing; but four significant ones are enough, other than for what is
    // nearly all of a share.
    let enough = if unit == Unit::Share { 4 } else { decimals_of(mean, 3).min(4) };
    let decimals = deserved(half).max(decimals_of(mean, 0).min(1)).min(enough);
    let unit_of_last_place = libm::pow(10.0, -(decimals as f64));
    format!("{}{suffix} ±{}", fixed(mean, decimals), fixed(half.max(unit_of_last_place), decimals))
}

/// A share in percent, without its sign: at least so many digits that 0.99999 does not read as all.
fn share(value: f64) -> String {
    let percent = value * 100.0;
    if percent == 0.0 || percent == 100.0 {
        return fixed(percent, 0);
    }
    (2..=6)
        .map(|decimals| fixed(percent, decimals))
        .find(|shown| !matches!(shown.trim_end_matches('0').trim_end_matches('.'), "100" | "" | "-" | "0"))
        .unwrap_or_else(|| fixed(percent, 6))
}

fn seconds(value: f64) -> String {
    if value.abs() < 120.0 {
        let (scale, suffix) = seconds_scale(value);
        return format!("{}{suffix}", significant(value * scale, 3));
    }
    minutes(value)
}

/// A span of a minute and more: `1m46s`, `8m`, `2h05m`.
fn minutes(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs().round() as u64;
    let (hours, minutes, rest) = (whole / 3_600, whole / 60 % 60, whole % 60);
    match hours {
        0 if rest == 0 => format!("{sign}{minutes}m"),
        0 => format!("{sign}{minutes}m{rest:02}s"),
        _ => format!("{sign}{hours}h{minutes:02}m"),
    }
}

fn seconds_scale(value: f64) -> (f64, &'static str) {
    match value.abs() {
        0.0 => (1.0, " s"),
        v if v < 0.000_999_5 => (1e6, " us"),
        v if v < 0.999_5 => (1e3, " ms"),
        _ => (1.0, " s"),
    }
}

fn count(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 { fixed(value, 0) } else { fixed(value, 1) }
}

/// Digits after the point that leave `wanted` + 1 significant digits of a small figure, none of a large one.
fn decimals_of(value: f64, wanted: i32) -> usize {
    if value == 0.0 {
        return 0;
    }
    let magnitude = libm::floor(libm::log10(value.abs())) as i32;
    (wanted - magnitude).clamp(0, 9) as usize
}

/// The half width of an interval around minutes or hours: `31s`, `2m10s`.
fn coarse(half: f64) -> String {
    if half < 60.0 { format!("{}s", fixed(half, deserved(half))) } else { minutes(half) }
}

/// Digits after the point that the half width of an interval deserves: one significant digit, two after a leading 1.
fn deserved(half: f64) -> usize {
    let one = decimals_of(half, 0);
    let leading = format!("{half:.1e}");
    if leading.starts_with('1') { decimals_of(half, 1).max(one) } else { one }
}

/// So many significant digits, no trailing zeros.
pub fn significant(value: f64, digits: i32) -> String {
    let shown = fixed(value, decimals_of(value, digits - 1));
    match shown.contains('.') {
        true => shown.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => shown,
    }
}

/// A value without the last digits that sums and powers of floats leave behind.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

/// So many digits after the point, thousands parted by commas.
pub fn fixed(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let negative = value < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let sign = if negative { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_study::Better;

    fn estimate(unit: Unit, mean: f64, half_width: Option<f64>) -> Estimate {
        Estimate {
            name: "m".into(),
            unit,
            better: Better::Up,
            definition: String::new(),
            n: 8,
            mean: Some(mean),
            half_width,
            range: None,
        }
    }

    #[test]
    fn values_are_short_and_have_units() {
        for (unit, value, shown) in [
            (Unit::Share, 0.9993, "99.93 %"),
            (Unit::Share, 1.0, "100 %"),
            (Unit::Share, 0.0, "0 %"),
            (Unit::Share, 0.0312, "3.12 %"),
            (Unit::Seconds, 0.0051, "5.1 ms"),
            (Unit::Seconds, 0.000_25, "250 us"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Seconds, 45.0, "45 s"),
            (Unit::Seconds, 492.4, "8m12s"),
            (Unit::Seconds, 7_500.0, "2h05m"),
            (Unit::Count, 1_667.0, "1,667"),
            (Unit::Count, 2.25, "2.2"),
            (Unit::PerSecond, 1234.5, "1,234/s"),
            (Unit::Usd, 12.5, "12.50 USD"),
            (Unit::Seconds, f64::NAN, NONE),
        ] {
            assert_eq!(show(unit, value), shown, "{unit:?} {value}");
        }
    }

    #[test]
    fn nearly_all_never_reads_as_all() {
        assert_eq!(show(Unit::Share, 0.999_99), "99.999 %");
        assert_eq!(show(Unit::Share, 0.000_001), "0.0001 %");
    }

    #[test]
    fn an_interval_sets_the_digits_of_its_mean() {
        for (unit, mean, half, shown) in [
            (Unit::Share, 0.999_312, Some(0.000_21), "99.93 % ±0.02"),
            (Unit::Share, 0.83, Some(0.122), "83 % ±12"),
            (Unit::Seconds, 0.0051, Some(0.000_43), "5.1 ms ±0.4"),
            (Unit::Seconds, 492.4, Some(31.0), "8m12s ±31s"),
            (Unit::Seconds, 502.0, Some(106.0), "8m22s ±1m46s"),
            (Unit::Count, 2.25, Some(1.5), "2.2 ±1.5"),
            (Unit::Share, 1.0, Some(0.0), "100 % ±0"),
            (Unit::Count, 0.5, Some(6.4), "0.5 ±6.4"),
            (Unit::Seconds, 50.0096, Some(0.0016), "50.01 s ±0.01"),
            (Unit::Share, 0.999_98, Some(0.000_04), "99.998 % ±0.004"),
            (Unit::Share, 0.5, None, "50.00 %"),
        ] {
            assert_eq!(show_estimate(&estimate(unit, mean, half)), shown);
        }
        assert_eq!(no_interval(1).as_deref(), Some("n=1: no interval"));
        assert_eq!(no_interval(2), None);
    }
}
