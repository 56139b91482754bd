//! The calendar of Kubernetes versions on EKS: 14 months of standard support, then 12 of extended support at a price, then
//! a forced upgrade.

use super::KubernetesVersion;
use crate::quantity::Date;

/// A version's days: the first one of extended support, and the one on which that ends.
struct Days {
    minor: u32,
    extended_from: Date,
    ends: Date,
}

const fn days(minor: u32, extended_from: Date, ends: Date) -> Days {
    Days { minor, extended_from, ends }
}

/// Source: awsdocs/amazon-eks-user-guide, versioning/kubernetes-versions, release calendar; 1.35 from endoflife.date and
/// aws-samples/sample-apex-skills, which copy it. Documented. Billing begins with the day (UTC).
static CALENDAR: [Days; 7] = [
    days(29, Date::new(2025, 3, 23), Date::new(2026, 3, 23)),
    days(30, Date::new(2025, 7, 23), Date::new(2026, 7, 23)),
    days(31, Date::new(2025, 11, 26), Date::new(2026, 11, 26)),
    days(32, Date::new(2026, 3, 23), Date::new(2027, 3, 23)),
    days(33, Date::new(2026, 7, 29), Date::new(2027, 7, 29)),
    days(34, Date::new(2026, 12, 2), Date::new(2027, 12, 2)),
    days(35, Date::new(2027, 3, 27), Date::new(2028, 3, 27)),
];

/// How EKS supports a Kubernetes version on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// At the control plane's own price, until a day.
    Standard(Date),
    /// At a surcharge, until a day.
    Extended(Date),
    /// No more since a day: the control plane is upgraded by force. `None` for versions before the calendar.
    Ended(Option<Date>),
    /// The version is newer than the calendar: standard support, as far as is known.
    Unknown,
}

impl Support {
    /// How a version is supported on a day.
    pub fn of(version: KubernetesVersion, day: Date) -> Self {
        let Some(days) = CALENDAR.iter().find(|days| days.minor == version.minor) else {
            return if version.minor < CALENDAR[0].minor { Support::Ended(None) } else { Support::Unknown };
        };
        match day {
            day if day < days.extended_from => Support::Standard(days.extended_from),
            day if day < days.ends => Support::Extended(days.ends),
            _ => Support::Ended(Some(days.ends)),
        }
    }

    /// Whether the surcharge of extended support is due. A version beyond its end that still runs pays it too, until it
    /// is upgraded.
    pub fn is_extended(self) -> bool {
        matches!(self, Support::Extended(_) | Support::Ended(_))
    }

    /// What a user should know of it, if anything.
    pub fn warning(self, version: KubernetesVersion, day: Date) -> Option<String> {
        let name = format!("Kubernetes {}.{}", version.major, version.minor);
        match self {
            Support::Standard(_) => None,
            Support::Extended(ends) => Some(format!(
                "{name} is in extended support on {day}, at a surcharge by the hour; EKS upgrades it by force from {ends} on"
            )),
            Support::Ended(ends) => {
                let since = ends.map_or_else(String::new, |ends| format!(" since {ends}"));
                Some(format!(
                    "{name} is beyond its extended support on {day}{since}: EKS would have upgraded it by force; it is simulated and billed as in extended support"
                ))
            }
            Support::Unknown => {
                Some(format!("{name} is newer than the calendar in this release; it is billed as in standard support"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_goes_from_standard_to_extended_support_to_its_end() {
        let support =
            |minor, day: &str| Support::of(KubernetesVersion { major: 1, minor }, day.parse().expect("a day"));
        assert_eq!(support(34, "2026-12-01"), Support::Standard(Date::new(2026, 12, 2)));
        assert_eq!(support(34, "2026-12-02"), Support::Extended(Date::new(2027, 12, 2)));
        assert_eq!(support(34, "2027-12-02"), Support::Ended(Some(Date::new(2027, 12, 2))));
        assert_eq!((support(21, "2026-11-20"), support(36, "2026-11-20")), (Support::Ended(None), Support::Unknown));
        assert!(support(33, "2026-11-20").is_extended() && !support(34, "2026-11-20").is_extended());
    }

    /// Extended support lasts twelve months in every line.
    #[test]
    fn the_calendar_keeps_its_own_rule() {
        for days in &CALENDAR {
            let Date { year, month, day } = days.extended_from;
            assert_eq!(days.ends, Date::new(year + 1, month, day), "1.{}", days.minor);
        }
        assert!(CALENDAR.windows(2).all(|pair| pair[0].minor + 1 == pair[1].minor && pair[0].ends < pair[1].ends));
    }
}
