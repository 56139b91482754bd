//! A PodDisruptionBudget: how many pods of a workload may be evicted now.
//!
//! Shares are rounded up, as `kubernetes/kubernetes pkg/controller/disruption` does: of seven pods 50 % are four.

use crate::plan::{Amount, DisruptionBudget};

/// Pods that may be evicted now, of a workload that wants `wanted` and has `healthy` Ready ones.
pub fn disruptions_allowed(budget: DisruptionBudget, wanted: u32, healthy: u32) -> u32 {
    healthy.saturating_sub(desired_healthy(budget, wanted))
}

/// Pods that have to stay Ready.
fn desired_healthy(budget: DisruptionBudget, wanted: u32) -> u32 {
    let pods = |amount: Amount| match amount {
        Amount::Pods(pods) => pods,
        Amount::Share(share) => (f64::from(wanted) * share).ceil() as u32,
    };
    match budget {
        DisruptionBudget::MinAvailable(amount) => pods(amount),
        DisruptionBudget::MaxUnavailable(amount) => wanted.saturating_sub(pods(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_leaves_what_has_to_stay() {
        let min = |amount| DisruptionBudget::MinAvailable(amount);
        let max = |amount| DisruptionBudget::MaxUnavailable(amount);
        assert_eq!(disruptions_allowed(min(Amount::Pods(2)), 3, 3), 1);
        assert_eq!(disruptions_allowed(min(Amount::Pods(3)), 3, 3), 0);
        assert_eq!(disruptions_allowed(min(Amount::Share(0.5)), 7, 7), 3, "four of seven stay");
        assert_eq!(disruptions_allowed(max(Amount::Share(0.3)), 7, 7), 3, "30 % of seven are three");
        assert_eq!(disruptions_allowed(max(Amount::Pods(1)), 10, 9), 0, "one is missing already");
        assert_eq!(disruptions_allowed(max(Amount::Pods(1)), 0, 0), 0);
    }
}
