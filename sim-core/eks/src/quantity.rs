//! Small quantities that users write: durations, resources, placements.

use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;
use std::fmt;
use std::str::FromStr;

const DURATION_UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a duration: `90s`, `8m30s`, `1.5h`, `250ms`, or ISO 8601 as AWS FIS writes it, `PT30M`.
///
/// # Errors
/// A sentence that says what may be written.
pub fn parse_duration(text: &str) -> Result<SimDuration, String> {
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    let iso = trimmed.starts_with('P').then(|| lower.strip_prefix('p').map(|rest| rest.replace('t', ""))).flatten();
    let plain = iso.unwrap_or(lower);
    let nanos = sum_of_parts(&plain).ok_or("a duration such as 250ms, 30s, 8m30s, 1.5h or PT30M")?;
    Ok(SimDuration::from_nanos(nanos))
}

/// The nanoseconds of a sequence of numbers with units; `None` if it is anything else, or too long for 64 bits.
fn sum_of_parts(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut nanos = 0u64;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let scale = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?.1;
        nanos = nanos.checked_add(scaled(number, scale)?)?;
        parts += 1;
        rest = tail.trim_start();
    }
    (parts > 0).then_some(nanos)
}

/// A decimal number times a scale, exactly, in integers: floats would round `0.3ms`.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = u128::from(whole) * u128::from(scale);
    if !fraction.is_empty() {
        nanos += u128::from(fraction.parse::<u64>().ok()?) * u128::from(scale) / 10u128.pow(fraction.len() as u32);
    }
    u64::try_from(nanos).ok()
}

/// Shows a duration exactly, so that [`parse_duration`] reads the same one: `8m30s`, `1s500ms`.
pub fn show_duration(duration: SimDuration) -> String {
    let mut rest = duration.as_nanos();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut shown = String::new();
    for (unit, scale) in DURATION_UNITS.iter().rev() {
        let count = rest / scale;
        rest %= scale;
        if count > 0 {
            shown.push_str(&format!("{count}{unit}"));
        }
    }
    shown
}

/// CPU and memory that a pod requests or a node can give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// CPU in thousandths of a core, as in a Pod's `requests.cpu`.
    pub milli_cpu: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
}

/// Where the provider put a thing: left to chance, or pinned to zones by the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Placement {
    /// Drawn for each replication.
    #[default]
    Drawn,
    /// In these zones: names (`eu-west-1a`), their last letters (`a`) or their places (`first`, `second`).
    Zones(Vec<String>),
}

impl FromStr for Placement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed == "drawn" {
            return Ok(Placement::Drawn);
        }
        let zones: Vec<String> = trimmed.split(',').map(|zone| zone.trim().to_owned()).collect();
        if zones.iter().any(|zone| zone.is_empty() || zone.contains(char::is_whitespace)) {
            return Err("`drawn`, or zones such as `a,b` or `eu-west-1a`".to_owned());
        }
        Ok(Placement::Zones(zones))
    }
}

impl TryFrom<String> for Placement {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Placement> for String {
    fn from(placement: Placement) -> String {
        placement.to_string()
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Placement::Drawn => f.write_str("drawn"),
            Placement::Zones(zones) => f.write_str(&zones.join(",")),
        }
    }
}

/// The tier of a control plane: standard, or provisioned with a fixed capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tier {
    /// It grows and shrinks with its load.
    #[default]
    Standard,
    /// Provisioned, extra large.
    Xl,
    /// Provisioned, twice that.
    Xl2,
    /// Provisioned, four times that.
    Xl4,
    /// Provisioned, eight times that.
    Xl8,
}

impl Tier {
    /// All of them with their names, from the smallest.
    pub const ALL: [(Tier, &'static str); 5] =
        [(Tier::Standard, "standard"), (Tier::Xl, "xl"), (Tier::Xl2, "2xl"), (Tier::Xl4, "4xl"), (Tier::Xl8, "8xl")];

    /// The names, as an error lists them.
    pub fn names() -> String {
        Self::ALL.map(|(_, name)| name).join(", ")
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.trim().to_ascii_lowercase();
        let found = Self::ALL.iter().find(|(_, name)| *name == wanted);
        found.map(|(tier, _)| *tier).ok_or_else(|| format!("one of {}", Self::names()))
    }
}

impl TryFrom<String> for Tier {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Tier> for String {
    fn from(tier: Tier) -> String {
        tier.to_string()
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(tier, _)| tier == self).map_or("", |(_, name)| *name);
        f.write_str(name)
    }
}

/// A kind of EBS volume, as far as its fsyncs are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// General purpose, measured in a virtual machine.
    GeneralPurpose,
    /// io2 Block Express.
    Io2,
    /// The older general purpose, with its long tail.
    Gp2,
}

const VOLUMES: [(&str, Volume); 3] =
    [("general-purpose", Volume::GeneralPurpose), ("io2", Volume::Io2), ("gp2", Volume::Gp2)];

/// The volumes of etcd's members: one kind for all, or one for each of three zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes(Vec<Volume>);

impl Volumes {
    /// The volume of the member with this index.
    pub fn of(&self, member: usize) -> Volume {
        self.0[member % self.0.len()]
    }
}

impl FromStr for Volumes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let volume = |name: &str| VOLUMES.iter().find(|(known, _)| *known == name.trim()).map(|(_, volume)| *volume);
        let volumes: Option<Vec<Volume>> = text.split(',').map(volume).collect();
        let sound = volumes.filter(|volumes| matches!(volumes.len(), 1 | 3));
        sound.map(Volumes).ok_or_else(|| "general-purpose, io2 or gp2: one for all, or three by zone".to_owned())
    }
}

impl fmt::Display for Volumes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |volume: &Volume| VOLUMES.iter().find(|(_, known)| known == volume).map_or("?", |(name, _)| *name);
        f.write_str(&self.0.iter().map(name).collect::<Vec<_>>().join(","))
    }
}

/// Declares a parameter that takes one of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $( $(#[$word_doc:meta])* $word:ident = $text:literal, )+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $( $(#[$word_doc])* $word, )+ }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text.trim() {
                    $( $text => Ok($name::$word), )+
                    _ => Err([$( $text ),+].join(" or ")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $( $name::$word => $text, )+ })
            }
        }
    };
}

words! {
    /// Where etcd's consensus lies.
    Backend {
        /// Among its members.
        Raft = "raft",
        /// In a journal service over several zones.
        Journal = "journal",
    }
}

words! {
    /// Whether something is so that came with a version of Kubernetes.
    ByVersion {
        /// Where the version has it.
        Auto = "auto",
        /// In every version.
        On = "true",
        /// In no version.
        Off = "false",
    }
}

impl ByVersion {
    /// Whether it is so in version 1.`minor`, if it came with 1.`since`.
    pub fn holds(self, minor: u32, since: u32) -> bool {
        match self {
            ByVersion::Auto => minor >= since,
            ByVersion::On => true,
            ByVersion::Off => false,
        }
    }
}

words! {
    /// How API servers reach the members of etcd.
    Access {
        /// Over a connection to each of them.
        Direct = "direct",
        /// Over one connection through a load balancer, to the member that it chose.
        Balancer = "balancer",
    }
}

/// A price in US dollars, by region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price {
    /// What it is wherever nothing else is known; as a user sets it.
    everywhere: Option<f64>,
    regions: Vec<(String, f64)>,
}

impl Price {
    /// The region to which other regions are compared.
    pub const REFERENCE: &str = "us-east-1";
    /// What stands for a price that is not known.
    const UNKNOWN: &str = "unknown";

    /// The prices of some regions.
    pub fn of_regions(prices: &[(&str, Option<f64>)]) -> Self {
        let known = prices.iter().filter_map(|(region, price)| Some(((*region).to_owned(), (*price)?)));
        Price { everywhere: None, regions: known.collect() }
    }

    /// The price that is known in a region; `None` if none is.
    pub fn known(&self, region: &str) -> Option<f64> {
        let listed = self.regions.iter().find(|(known, _)| known == region).map(|(_, price)| *price);
        listed.or(self.everywhere)
    }

    /// The price in a region: the one that is known there, or else that of the reference region times `ratio`, unless that
    /// is 0.
    pub fn of(&self, region: &str, ratio: f64) -> Option<f64> {
        let assumed = || self.known(Self::REFERENCE).filter(|_| ratio > 0.0).map(|price| price * ratio);
        self.known(region).or_else(assumed)
    }

    /// The highest of the prices.
    pub fn highest(&self) -> Option<f64> {
        self.regions.iter().map(|(_, price)| *price).chain(self.everywhere).reduce(f64::max)
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "US dollars, such as 0.05, or by region: us-east-1 0.05, ap-northeast-2 0.06".to_owned();
        let dollars = |text: &str| text.parse::<f64>().ok().filter(|usd| usd.is_finite() && *usd >= 0.0);
        let mut price = Price::default();
        if text.trim() == Self::UNKNOWN {
            return Ok(price);
        }
        for part in text.split(',') {
            match part.split_whitespace().collect::<Vec<_>>()[..] {
                [usd] if price.everywhere.is_none() => price.everywhere = Some(dollars(usd).ok_or_else(wrong)?),
                [region, usd] if price.regions.iter().all(|(known, _)| known != region) => {
                    price.regions.push((region.to_owned(), dollars(usd).ok_or_else(wrong)?));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(price)
    }
}

impl TryFrom<String> for Price {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Price> for String {
    fn from(price: Price) -> String {
        price.to_string()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let regions = self.regions.iter().map(|(region, usd)| format!("{region} {usd}"));
        let parts: Vec<String> = self.everywhere.iter().map(f64::to_string).chain(regions).collect();
        f.write_str(if parts.is_empty() { Self::UNKNOWN.to_owned() } else { parts.join(", ") }.as_str())
    }
}

/// A day, as `2026-11-20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    /// The year.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
}

impl Date {
    /// A day that there is.
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
        Date { year, month, day }
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        let date = match parts[..] {
            [year, month, day] if year.len() == 4 => (year.parse().ok(), month.parse().ok(), day.parse().ok()),
            _ => (None, None, None),
        };
        let (Some(year), Some(month), Some(day)) = date else { return Err("a day such as 2026-11-20".to_owned()) };
        let leap = u16::is_multiple_of(year, 4) && (!u16::is_multiple_of(year, 100) || u16::is_multiple_of(year, 400));
        let days = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        if (1..=days).contains(&day) { Ok(Date { year, month, day }) } else { Err("a day that there is".to_owned()) }
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> String {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_known_by_region_assumed_by_a_ratio_or_unknown() {
        let price: Price = "us-east-1 0.045, ap-northeast-2 0.059".parse().expect("two regions");
        assert_eq!(price.of("ap-northeast-2", 2.0), Some(0.059));
        assert_eq!(price.of("eu-west-1", 2.0), Some(0.09));
        assert_eq!((price.of("eu-west-1", 0.0), price.known("eu-west-1")), (None, None));
        assert_eq!("0.07".parse::<Price>().expect("a number").of("eu-west-1", 2.0), Some(0.07));
        assert_eq!("unknown".parse::<Price>().expect("a word").of("us-east-1", 2.0), None);
        for text in ["us-east-1 0.045, ap-northeast-2 0.059", "0.07", "0.07, us-east-1 0.1", "unknown"] {
            assert_eq!(text.parse::<Price>().expect("a price").to_string(), text);
        }
        for wrong in ["", "-1", "us-east-1", "us-east-1 x", "us-east-1 1, us-east-1 2", "1, 2", "a 1 2"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_is_a_day_that_there_is() {
        assert_eq!("2028-02-29".parse(), Ok(Date::new(2028, 2, 29)));
        assert!(Date::new(2026, 11, 20) < Date::new(2026, 12, 2));
        for wrong in ["2026-2", "2026-02-29", "2026-13-01", "26-01-01", "2026-04-31", "x", "2026-00-01"] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_exactly_in_both_spellings() {
        for (text, nanos) in [
            ("0.3ms", 300_000),
            ("8m30s", 510_000_000_000),
            ("PT30M", 1_800_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(SimDuration::from_nanos(nanos)), "{text}");
        }
        for wrong in ["", "5", "s", "1.2.3s", "-1s", "1 fortnight", "99999999999999h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_shown_duration_reads_back_as_itself() {
        for nanos in [0, 1, 999, 1_500_000_000, 510_000_000_000, 86_400_000_000_001] {
            let duration = SimDuration::from_nanos(nanos);
            assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }
    }
}
