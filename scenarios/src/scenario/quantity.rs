//! Amounts of CPU and memory as Kubernetes writes them, `500m`, `0.5`, `2Gi`, in exact integers.

use std::str::FromStr;

const MIB: u128 = 1 << 20;

/// Suffixes and what they multiply by, in thousandths.
const SUFFIXES: [(&str, u128); 13] = [
    ("", 1_000),
    ("m", 1),
    ("k", 1_000_000),
    ("M", 1_000_000_000),
    ("G", 1_000_000_000_000),
    ("T", 1_000_000_000_000_000),
    ("P", 1_000_000_000_000_000_000),
    ("Ki", 1_000 << 10),
    ("Mi", 1_000 << 20),
    ("Gi", 1_000 << 30),
    ("Ti", 1_000 << 40),
    ("Pi", 1_000 << 50),
    ("Ei", 1_000 << 60),
];

/// Reads an amount of CPU, in thousandths of a core: `250m`, `0.5`, `2`.
///
/// # Errors
/// A phrase that says what may be written.
pub fn parse_cpu(text: &str) -> Result<u64, String> {
    let allowed = "an amount of CPU such as 250m, 0.5 or 2, not finer than 1m";
    let (amount, exact) = parse(text).ok_or(allowed)?;
    let milli = u64::try_from(amount).ok().filter(|_| exact).ok_or(allowed)?;
    Ok(milli)
}

/// Reads an amount of memory, in MiB, rounded up: `256Mi`, `2Gi`, `1500M`, or a number of bytes.
///
/// # Errors
/// A phrase that says what may be written.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    let (amount, _) = parse(text).ok_or("an amount of memory such as 256Mi, 2Gi or 1500M")?;
    u64::try_from(amount.div_ceil(1_000 * MIB)).map_err(|_| "less than 16 exbibytes".to_owned())
}

/// Shows an amount of CPU so that [`parse_cpu`] reads the same one.
pub fn show_cpu(milli_cpu: u64) -> String {
    if milli_cpu.is_multiple_of(1_000) { (milli_cpu / 1_000).to_string() } else { format!("{milli_cpu}m") }
}

/// Shows an amount of memory so that [`parse_memory`] reads the same one.
pub fn show_memory(memory_mib: u64) -> String {
    if memory_mib > 0 && memory_mib.is_multiple_of(1_024) {
        format!("{}Gi", memory_mib / 1_024)
    } else {
        format!("{memory_mib}Mi")
    }
}

/// An amount in thousandths, rounded up, and whether that is exact; `None` if it is no amount or beyond 128 bits.
fn parse(text: &str) -> Option<(u128, bool)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let (scale, divisor) = match exponent(suffix) {
        Some(power @ 0..=18) => (1_000 * 10u128.pow(power as u32), 1),
        Some(power @ -18..0) => (1_000, 10u128.pow(power.unsigned_abs())),
        Some(_) => return None,
        None => (SUFFIXES.iter().find(|(name, _)| *name == suffix)?.1, 1),
    };
    let unit = 10u128.pow(fraction.len() as u32);
    let whole = if whole.is_empty() { 0 } else { u128::from_str(whole).ok()? };
    let fraction = if fraction.is_empty() { 0 } else { u128::from_str(fraction).ok()? };
    let scaled = whole.checked_mul(unit)?.checked_add(fraction)?.checked_mul(scale)?;
    let below = unit.checked_mul(divisor)?;
    Some((scaled.div_ceil(below), scaled.is_multiple_of(below)))
}

/// The power of ten of `e3` or `E-2`.
fn exponent(suffix: &str) -> Option<i32> {
    suffix.strip_prefix(['e', 'E'])?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        for (text, milli) in [
            ("250m", 250),
            ("0.5", 500),
            ("2", 2_000),
            (".1", 100),
            ("1e1", 10_000),
            ("1.5e-1", 150),
            ("1k", 1_000_000),
        ] {
            assert_eq!(parse_cpu(text), Ok(milli), "{text}");
        }
        for (text, mib) in [("256Mi", 256), ("2Gi", 2_048), ("1G", 954), ("134217728", 128), ("1.5Gi", 1_536), ("0", 0)]
        {
            assert_eq!(parse_memory(text), Ok(mib), "{text}");
        }
        for wrong in
            ["", "m", "1.2.3", "-1", "0.5m", "0.0001", "1 core", "1e99", "340282366920938463463374607431768211456"]
        {
            assert!(parse_cpu(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "Mi", "1mb", "2gi", "1e40", "many"] {
            assert!(parse_memory(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_amount_reads_back_as_itself(amount in 0u64..1 << 40) {
            prop_assert_eq!(parse_cpu(&show_cpu(amount)), Ok(amount));
            prop_assert_eq!(parse_memory(&show_memory(amount)), Ok(amount));
        }

        #[test]
        fn spellings_of_one_amount_agree(cores in 0u64..1_000_000, gib in 0u64..1_000_000) {
            prop_assert_eq!(parse_cpu(&format!("{cores}")), parse_cpu(&format!("{}m", cores * 1_000)));
            prop_assert_eq!(parse_cpu(&format!("{cores}e3")), parse_cpu(&format!("{cores}k")));
            prop_assert_eq!(parse_memory(&format!("{gib}Gi")), parse_memory(&format!("{}Ki", gib << 20)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = (parse_cpu(&text), parse_memory(&text));
        }
    }
}
