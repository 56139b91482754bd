//! Where pods may and would rather run, beside node selectors and tolerations.

use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;

/// What decides where the pods of a workload may run, beside its node selector, its tolerations and room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placing {
    /// What the labels of a node must fulfil, all of it.
    pub node_affinity: Vec<NodeRequirement>,
    /// What they would rather fulfil, each with its weight, 1 to 100.
    pub preferred_nodes: Vec<(u32, NodeRequirement)>,
    /// Beside which pods its pods must, must not, would or would not run.
    pub pod_terms: Vec<PodTerm>,
    /// The most pods by which a zone may be ahead of the one with the fewest (`DoNotSchedule`).
    pub zone_skew: Option<u32>,
    /// The most pods by which a node may be ahead of the one with the fewest (`DoNotSchedule`).
    pub host_skew: Option<u32>,
    /// GPUs that one pod requests.
    pub gpus: u32,
    /// How long each of its pods bears a scheduling gate; `None` without one.
    pub gated_for: Option<SimDuration>,
}

/// A requirement on a label of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRequirement {
    /// The label's key.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what; nothing for `Exists` and `DoesNotExist`, one whole number for `Gt` and `Lt`.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// It has one of the values.
    In,
    /// It has none of the values, or is not there.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
    /// It is a whole number above the value.
    Gt,
    /// It is a whole number below the value.
    Lt,
}

impl NodeRequirement {
    /// Whether a node whose label has this value, if it is there, fulfils it.
    pub fn is_met(&self, label: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = || self.values.first().and_then(|value| number(value));
        match self.operator {
            Operator::In => label.is_some_and(|label| self.values.iter().any(|value| value == label)),
            Operator::NotIn => label.is_none_or(|label| self.values.iter().all(|value| value != label)),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::Gt => label.and_then(number).zip(bound()).is_some_and(|(label, bound)| label > bound),
            Operator::Lt => label.and_then(number).zip(bound()).is_some_and(|(label, bound)| label < bound),
        }
    }
}

/// How near is beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// In the same zone.
    Zone,
    /// On the same node.
    Host,
}

/// An affinity to the pods of a Deployment, or an anti-affinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodTerm {
    /// Whose pods: index in the plan's Deployments; its own for itself.
    pub to: usize,
    /// How near.
    pub topology: Topology,
    /// Whether its pods keep away from them.
    pub anti: bool,
    /// `None` if it is required, otherwise the weight of the preference, 1 to 100.
    pub weight: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_match_as_kubernetes_matches_them() {
        let require = |operator, values: &[&str]| NodeRequirement {
            key: "role".to_owned(),
            operator,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let met = |operator, values: &[&str], label| require(operator, values).is_met(label);
        assert!(met(Operator::In, &["a", "b"], Some("b")) && !met(Operator::In, &["a"], Some("b")));
        assert!(!met(Operator::In, &["a"], None) && met(Operator::NotIn, &["a"], None));
        assert!(!met(Operator::NotIn, &["a"], Some("a")) && met(Operator::NotIn, &["a"], Some("b")));
        assert!(met(Operator::Exists, &[], Some("")) && met(Operator::DoesNotExist, &[], None));
        assert!(met(Operator::Gt, &["7"], Some("8")) && !met(Operator::Gt, &["8"], Some("8")));
        assert!(met(Operator::Lt, &["8"], Some("-1")) && !met(Operator::Lt, &["8"], Some("few")));
        assert!(!met(Operator::Gt, &["7"], None));
    }
}
