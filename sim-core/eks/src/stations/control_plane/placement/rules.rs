//! Which nodes a workload may and would rather run on, as far as the plan alone decides: by class of nodes, which are
//! those of one group in one zone, and so have the same labels.

use super::HUNDRED;
use crate::plan::{NodeGroup, NodeRequirement, Plan, PodTerm, Taint, TaintEffect, Toleration, ZoneId};
use std::collections::BTreeMap;

/// The weight of node affinity, and of affinity between pods, among upstream's scores.
const AFFINITY_WEIGHT: i64 = 2;

/// What the plan says of where the pods of a workload may run.
pub(super) struct Wishes<'a> {
    pub selector: &'a BTreeMap<String, String>,
    pub tolerations: &'a [Toleration],
    pub required: &'a [NodeRequirement],
    pub preferred: &'a [(u32, NodeRequirement)],
}

impl Wishes<'_> {
    /// By class: whether its nodes are possible.
    pub fn possible(&self, plan: &Plan) -> Vec<bool> {
        let zones = (0..plan.cluster.zones.len() as u8).map(ZoneId);
        let classes = plan.cluster.node_groups.iter().flat_map(|group| zones.clone().map(move |zone| (group, zone)));
        classes.map(|(group, zone)| self.allow(plan, group, zone)).collect()
    }

    fn allow(&self, plan: &Plan, group: &NodeGroup, zone: ZoneId) -> bool {
        let label = |key: &str| label(plan, group, zone, key);
        let keeps_away = |taint: &&Taint| taint.effect != TaintEffect::PreferNoSchedule;
        self.selector.iter().all(|(key, value)| label(key) == Some(value))
            && self.required.iter().all(|requirement| requirement.is_met(label(&requirement.key)))
            && { group.taints.iter().filter(keeps_away) }.all(|taint| is_tolerated(taint, self.tolerations))
    }

    /// By class: what its labels add to the score of a node, 0 to 200 points.
    pub fn preference(&self, plan: &Plan) -> Vec<i64> {
        let zones = (0..plan.cluster.zones.len() as u8).map(ZoneId);
        let classes = plan.cluster.node_groups.iter().flat_map(|group| zones.clone().map(move |zone| (group, zone)));
        let weight = |(group, zone): (&NodeGroup, ZoneId)| -> i64 {
            let met = |wish: &&(u32, NodeRequirement)| wish.1.is_met(label(plan, group, zone, &wish.1.key));
            self.preferred.iter().filter(met).map(|(weight, _)| i64::from(*weight)).sum()
        };
        let weights: Vec<i64> = classes.map(weight).collect();
        let most = weights.iter().copied().max().unwrap_or(0).max(1);
        weights.iter().map(|weight| HUNDRED / most * weight * AFFINITY_WEIGHT).collect()
    }
}

/// The value of a label of the nodes of a group in a zone: the group's own, or one that the kubelet or the cloud sets.
fn label<'a>(plan: &'a Plan, group: &'a NodeGroup, zone: ZoneId, key: &str) -> Option<&'a str> {
    let own = group.labels.get(key).map(String::as_str);
    own.or_else(|| match key {
        "topology.kubernetes.io/zone" => Some(plan.cluster.zones[zone.index()].name.as_str()),
        "topology.kubernetes.io/region" => Some(plan.cluster.region.as_str()),
        "node.kubernetes.io/instance-type" => Some(group.instance_type.as_str()),
        "eks.amazonaws.com/nodegroup" if group.managed => Some(group.name.as_str()),
        "eks.amazonaws.com/capacityType" if group.managed => Some(if group.spot { "SPOT" } else { "ON_DEMAND" }),
        "kubernetes.io/os" => Some("linux"),
        _ => None,
    })
}

/// Whether one of the tolerations means the taint.
pub fn is_tolerated(taint: &Taint, tolerations: &[Toleration]) -> bool {
    tolerations.iter().any(|toleration| {
        toleration.key.as_ref().is_none_or(|key| *key == taint.key)
            && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
            && toleration.effect.is_none_or(|effect| effect == taint.effect)
    })
}

/// By Deployment: its terms, and the required anti-affinities of others to it, which keep it away as well.
pub(super) fn terms(plan: &Plan) -> Vec<Vec<PodTerm>> {
    let of = |index: usize| plan.deployments[index].control.placing.pod_terms.as_slice();
    let both = |index: usize| {
        let mut terms = of(index).to_vec();
        for (other, term) in
            (0..plan.deployments.len()).flat_map(|other| of(other).iter().map(move |term| (other, term)))
        {
            if term.to == index && other != index && term.anti && term.weight.is_none() {
                terms.push(PodTerm { to: other, ..*term });
            }
        }
        terms
    };
    (0..plan.deployments.len()).map(both).collect()
}

/// What a preferred term adds to the score of a place with so many of the other pods, of at most so many: up to 200
/// points for a weight of 100.
pub(super) fn preference(term: PodTerm, pods: u32, most: u32) -> i64 {
    let Some(weight) = term.weight else { return 0 };
    let score = HUNDRED / i64::from(most.max(1)) * i64::from(pods) / 100 * i64::from(weight) * AFFINITY_WEIGHT;
    if term.anti { -score } else { score }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_match_as_kubernetes_matches_them() {
        let text = |text: &str| Some(text.to_owned());
        let taint =
            |value: &str| Taint { key: "gpu".to_owned(), value: value.to_owned(), effect: TaintEffect::NoSchedule };
        let exists = [Toleration { key: text("gpu"), value: None, effect: None }];
        let equal = [Toleration { key: text("gpu"), value: text("a"), effect: Some(TaintEffect::NoSchedule) }];
        let all = [Toleration { key: None, value: None, effect: None }];
        let other_effect = [Toleration { key: text("gpu"), value: None, effect: Some(TaintEffect::NoExecute) }];
        assert!(is_tolerated(&taint("b"), &exists) && is_tolerated(&taint("b"), &all));
        assert!(is_tolerated(&taint("a"), &equal) && !is_tolerated(&taint("b"), &equal));
        assert!(!is_tolerated(&taint("a"), &other_effect) && !is_tolerated(&taint("a"), &[]));
    }
}
