//! The regions of AWS and their availability zones.
//!
//! The letters of zones differ by account: what one account calls `us-east-1a` may be `us-east-1c` in another. The
//! table holds the letters that occur. Source: AWS's public list of regions and zones (general knowledge, November
//! 2026); where eksctl passes over a zone by its id, the letter is assumed, and the doc of the field says so.

/// A region and its zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name: `eu-west-1`.
    pub name: &'static str,
    /// The letters of its zones, in order.
    pub letters: &'static str,
    /// The letters that are not chosen for a user who names no zone. eksctl passes over the zones use1-az3, usw1-az2
    /// and cac1-az3; which letter they have depends on the account, assumed here are us-east-1e, us-west-1c and
    /// ca-central-1c. New accounts do not see ap-northeast-1b.
    pub passed_over: &'static str,
}

const fn of(name: &'static str, letters: &'static str) -> Region {
    Region { name, letters, passed_over: "" }
}

/// In the order of their names.
const REGIONS: [Region; 45] = [
    of("af-south-1", "abc"),
    of("ap-east-1", "abc"),
    of("ap-east-2", "abc"),
    Region { name: "ap-northeast-1", letters: "abcd", passed_over: "b" },
    of("ap-northeast-2", "abcd"),
    of("ap-northeast-3", "abc"),
    of("ap-south-1", "abc"),
    of("ap-south-2", "abc"),
    of("ap-southeast-1", "abc"),
    of("ap-southeast-2", "abc"),
    of("ap-southeast-3", "abc"),
    of("ap-southeast-4", "abc"),
    of("ap-southeast-5", "abc"),
    of("ap-southeast-6", "abc"),
    of("ap-southeast-7", "abc"),
    Region { name: "ca-central-1", letters: "abcd", passed_over: "c" },
    of("ca-west-1", "abc"),
    of("cn-north-1", "abcd"),
    of("cn-northwest-1", "abc"),
    of("eu-central-1", "abc"),
    of("eu-central-2", "abc"),
    of("eu-isoe-west-1", "abc"),
    of("eu-north-1", "abc"),
    of("eu-south-1", "abc"),
    of("eu-south-2", "abc"),
    of("eu-west-1", "abc"),
    of("eu-west-2", "abc"),
    of("eu-west-3", "abc"),
    of("eusc-de-east-1", "abc"),
    of("il-central-1", "abc"),
    of("me-central-1", "abc"),
    of("me-south-1", "abc"),
    of("mx-central-1", "abc"),
    of("sa-east-1", "abc"),
    Region { name: "us-east-1", letters: "abcdef", passed_over: "e" },
    of("us-east-2", "abc"),
    of("us-gov-east-1", "abc"),
    of("us-gov-west-1", "abc"),
    of("us-iso-east-1", "abc"),
    of("us-iso-west-1", "abc"),
    of("us-isob-east-1", "abc"),
    of("us-isob-west-1", "abc"),
    of("us-isof-south-1", "abc"),
    Region { name: "us-west-1", letters: "abc", passed_over: "c" },
    of("us-west-2", "abcd"),
];

/// Looks up a region by its exact name.
pub fn region(name: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.name == name)
}

/// The names of all regions, in order.
pub fn region_names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.name)
}

impl Region {
    /// The names of all its zones, in the order of their letters.
    pub fn zones(&self) -> Vec<String> {
        self.letters.chars().map(|letter| format!("{}{letter}", self.name)).collect()
    }

    /// The names of the zones among which eksctl chooses, in the order of their letters.
    pub fn eligible_zones(&self) -> Vec<String> {
        let eligible = self.letters.chars().filter(|&letter| !self.passed_over.contains(letter));
        eligible.map(|letter| format!("{}{letter}", self.name)).collect()
    }

    /// Whether it has a zone of this name.
    pub fn has_zone(&self, zone: &str) -> bool {
        self.zones().iter().any(|name| name == zone)
    }

    /// Whether a name has the form of a local or Wavelength zone of this region: `us-west-2-lax-1a`.
    pub fn has_local_zone_form(&self, zone: &str) -> bool {
        let Some(rest) = zone.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('-')) else { return false };
        let rest = rest.strip_prefix("wl1-").unwrap_or(rest);
        let Some((place, number)) = rest.rsplit_once('-') else { return false };
        let place_fits =
            place.len() >= 3 && place.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let letters = number.trim_start_matches(|c: char| c.is_ascii_digit());
        place_fits && letters.len() < number.len() && letters.len() == 1 && letters.as_bytes()[0].is_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_found_and_have_at_least_two_zones_to_choose() {
        assert!(REGIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for each in &REGIONS {
            assert_eq!(region(each.name), Some(each));
            assert!(each.eligible_zones().len() >= 2, "{}", each.name);
        }
        assert_eq!(region("eu-west-9"), None);
    }

    #[test]
    fn local_zones_are_told_from_zones() {
        let oregon = region("us-west-2").expect("in the table");
        for (zone, local) in [
            ("us-west-2-lax-1a", true),
            ("us-west-2-wl1-las-wlz-1a", true),
            ("us-west-2a", false),
            ("us-west-2-", false),
            ("us-east-1-bos-1a", false),
            ("us-west-2-lax-1", false),
        ] {
            assert_eq!(oregon.has_local_zone_form(zone), local, "{zone}");
        }
        assert!(oregon.has_zone("us-west-2d") && !oregon.has_zone("us-west-2e"));
    }
}
