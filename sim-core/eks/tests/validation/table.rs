//! A comparison with a published figure: what was published, what the model gives, how far off it is, what is allowed.

use std::io::Write;

/// One line of the table.
pub struct Row {
    /// The published result: `C3 (a)`.
    pub result: &'static str,
    /// What was measured or documented, with its unit.
    pub what: String,
    /// The published figure.
    pub published: f64,
    /// The model's figure.
    pub found: f64,
    /// How far the two may lie apart.
    pub allowed: Allowed,
}

/// How far a figure may lie from the published one.
#[derive(Clone, Copy)]
pub enum Allowed {
    /// The same figure.
    Exactly,
    /// Off by at most this share of the published figure, either way.
    Share(f64),
    /// Off by at most this much, in the figure's unit, either way.
    Off(f64),
    /// At least the published figure, and at most this many times it.
    UpTo(f64),
    /// At most the published figure.
    AtMost,
    /// At least the published figure.
    AtLeast,
}

impl Row {
    fn holds(&self) -> bool {
        let off = self.found - self.published;
        match self.allowed {
            Allowed::Exactly => off == 0.0,
            Allowed::Share(share) => off.abs() <= share * self.published.abs(),
            Allowed::Off(most) => off.abs() <= most,
            Allowed::UpTo(times) => off >= 0.0 && self.found <= times * self.published,
            Allowed::AtMost => off <= 0.0,
            Allowed::AtLeast => off >= 0.0,
        }
    }

    fn line(&self) -> String {
        let allowed = match self.allowed {
            Allowed::Exactly => "exact".to_owned(),
            Allowed::Share(share) => format!("±{} %", share * 100.0),
            Allowed::Off(most) => format!("±{}", short(most)),
            Allowed::UpTo(times) => format!("1 to {times} times"),
            Allowed::AtMost => "at most".to_owned(),
            Allowed::AtLeast => "at least".to_owned(),
        };
        let off = if self.published == 0.0 {
            format!("{:+.3}", self.found)
        } else {
            format!("{:+.1} %", 100.0 * (self.found / self.published - 1.0))
        };
        let (what, published, found) = (&self.what, short(self.published), short(self.found));
        format!("| {} | {what} | {published} | {found} | {off} | {allowed} |", self.result)
    }
}

/// Four significant digits, or whole numbers as they are.
fn short(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e9 {
        return format!("{value}");
    }
    if value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    if value.abs() < 1e-3 {
        return format!("{value:.3e}");
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}

/// Prints the rows, keeps them for the table of the documents where asked to, and holds each to what is allowed.
pub fn check(rows: &[Row]) {
    let text: String = rows.iter().map(|row| row.line() + "\n").collect();
    eprint!("{text}");
    if let Some(path) = std::env::var_os("EKSSIM_VALIDATION") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the table's file");
        file.write_all(text.as_bytes()).expect("the table is written");
    }
    let broken: Vec<String> = rows.iter().filter(|row| !row.holds()).map(Row::line).collect();
    assert!(broken.is_empty(), "not within what is allowed:\n{}", broken.join("\n"));
}
