//! Fargate profiles: which pods run on Fargate, and where.

use super::{Cluster, Deployment, ZoneId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The label by which a pod names its profile.
const LABEL: &str = "eks.amazonaws.com/fargate-profile";

/// A Fargate profile: the pods that it selects run on Fargate, in its subnets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FargateProfile {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Which pods it selects: one of these is enough. One to five.
    pub selectors: Vec<FargateSelector>,
    /// The zones of its subnets, none twice.
    pub zones: Vec<ZoneId>,
    /// The private subnet in each of these zones: indices in [`super::Network::subnets`].
    pub subnets: Vec<usize>,
}

/// Which pods a profile selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateSelector {
    /// Their namespace; `*` stands for any text, `?` for any one character.
    pub namespace: String,
    /// Labels that they must have, all of them; the values may have the same signs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl FargateProfile {
    /// Selectors that a profile may have.
    pub const SELECTORS_MAX: usize = 5;

    /// Whether it selects the pods of a Deployment.
    pub fn selects(&self, deployment: &Deployment) -> bool {
        self.selectors.iter().any(|selector| selector.selects(deployment))
    }
}

impl FargateSelector {
    fn selects(&self, deployment: &Deployment) -> bool {
        let has = |(key, value): (&String, &String)| {
            deployment.control.labels.get(key).is_some_and(|found| is_like(found, value))
        };
        is_like(&deployment.namespace, &self.namespace) && self.labels.iter().all(has)
    }
}

impl Cluster {
    /// Node groups and Fargate profiles: nodes are of the one or the other, and profiles count after the groups.
    pub fn classes(&self) -> usize {
        self.node_groups.len() + self.fargate_profiles.len()
    }

    /// The zones of a node group or, counted after these, of a Fargate profile, and its subnet in each of them.
    pub fn places_of(&self, class: usize) -> (&[ZoneId], &[usize]) {
        match self.node_groups.get(class) {
            Some(group) => (&group.zones, &group.subnets),
            None => {
                let profile = &self.fargate_profiles[class - self.node_groups.len()];
                (&profile.zones, &profile.subnets)
            }
        }
    }

    /// The profile whose pods those of a Deployment are, by its index.
    pub fn fargate_profile_of(&self, deployment: &Deployment) -> Option<usize> {
        self.fargate_profiles_of(deployment).first().copied()
    }

    /// The profiles that select the pods of a Deployment, by their indices: first the one that these name by a label, the
    /// others by their names. The first of those that are there counts.
    pub fn fargate_profiles_of(&self, deployment: &Deployment) -> Vec<usize> {
        let profiles = self.fargate_profiles.iter().enumerate();
        let named = deployment.control.labels.get(LABEL);
        let mut selecting: Vec<_> = profiles.filter(|(_, profile)| profile.selects(deployment)).collect();
        selecting.sort_by_key(|(_, profile)| (named != Some(&profile.name), &profile.name));
        selecting.into_iter().map(|(index, _)| index).collect()
    }

    /// The name of a node group or, counted after these, of a Fargate profile.
    pub fn class_name(&self, class: usize) -> &str {
        let profile = || self.fargate_profiles[class - self.node_groups.len()].name.as_str();
        self.node_groups.get(class).map_or_else(profile, |group| &group.name)
    }
}

/// Whether a text is like a pattern, in which `*` stands for any text and `?` for any one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // By place in the pattern: whether what has been read of the text is like the pattern up to there.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    pass_stars(&pattern, &mut reached);
    for sign in text {
        let mut next = vec![false; pattern.len() + 1];
        for (at, wanted) in pattern.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match wanted {
                '*' => next[at] = true,
                '?' => next[at + 1] = true,
                wanted => next[at + 1] |= *wanted == sign,
            }
        }
        pass_stars(&pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

/// A star may stand for nothing.
fn pass_stars(pattern: &[char], reached: &mut [bool]) {
    for (at, wanted) in pattern.iter().enumerate() {
        reached[at + 1] |= reached[at] && *wanted == '*';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Control;
    use crate::quantity::Resources;

    #[test]
    fn a_pattern_has_stars_and_question_marks() {
        for (text, pattern) in
            [("prod", "prod"), ("prod-1", "prod*"), ("prod", "prod*"), ("a", "?"), ("xay", "*a*"), ("", "*")]
        {
            assert!(is_like(text, pattern), "{text} is like {pattern}");
        }
        for (text, pattern) in [("prod", "pro"), ("prod", "prod?"), ("", "?"), ("ab", "a"), ("aab", "*ac*")] {
            assert!(!is_like(text, pattern), "{text} is not like {pattern}");
        }
    }

    #[test]
    fn a_selector_wants_the_namespace_and_every_label() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let selector = FargateSelector { namespace: "dev*".to_owned(), labels: map(&[("env", "dev"), ("ok", "?")]) };
        let deployment = |namespace: &str, labels: &[(&str, &str)]| Deployment {
            namespace: namespace.to_owned(),
            name: "web".to_owned(),
            replicas: 1,
            requests: Resources::default(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            spread_zones: false,
            control: Control { labels: map(labels), ..Control::default() },
        };
        assert!(selector.selects(&deployment("dev-1", &[("env", "dev"), ("ok", "y"), ("more", "x")])));
        assert!(!selector.selects(&deployment("dev-1", &[("env", "dev")])));
        assert!(!selector.selects(&deployment("prod", &[("env", "dev"), ("ok", "y")])));
    }
}
