//! What a tier of the control plane sets. Seats, tiers and service levels are documented in
//! awsdocs/amazon-eks-user-guide, `eks-provisioned-control-plane-introduction`; seats per server, client rates and prices
//! were measured in devfloor9/engineering-playbook; servers are the cluster's seats by those of a server; cores are
//! estimates (half to double), with 4 GiB of memory each.

use crate::parameters::Parameters;
use crate::quantity::Tier;

/// Parameters and their values, as a user would write them.
type Settings = &'static [(&'static str, &'static str)];

/// What a tier sets, besides what it does not touch.
pub fn tier_settings(tier: Tier) -> Settings {
    match tier {
        Tier::Standard => &[],
        Tier::Xl => &[
            ("etcd.quota_gb", "16"),
            ("api_server.count", "2"),
            ("api_server.cores", "8"),
            ("api_server.memory_gib", "32"),
            ("flow_control.seats", "850"),
            ("scheduler.qps", "167"),
            ("scheduler.burst", "167"),
            ("controllers.qps", "180"),
            ("controllers.burst", "180"),
            ("control_plane.usd_per_hour", "1.65"),
        ],
        Tier::Xl2 => &[
            ("etcd.quota_gb", "16"),
            ("api_server.count", "2"),
            ("api_server.cores", "16"),
            ("api_server.memory_gib", "64"),
            ("flow_control.seats", "1700"),
            ("scheduler.qps", "283"),
            ("scheduler.burst", "283"),
            ("controllers.qps", "340"),
            ("controllers.burst", "340"),
            ("control_plane.usd_per_hour", "3.4"),
        ],
        Tier::Xl4 => &[
            ("etcd.quota_gb", "16"),
            ("api_server.count", "3"),
            ("api_server.cores", "32"),
            ("api_server.memory_gib", "128"),
            ("flow_control.seats", "2267"),
            ("scheduler.qps", "400"),
            ("scheduler.burst", "400"),
            ("controllers.qps", "500"),
            ("controllers.burst", "500"),
            ("control_plane.usd_per_hour", "6.9"),
        ],
        Tier::Xl8 => &[
            ("etcd.quota_gb", "16"),
            ("api_server.count", "6"),
            ("api_server.cores", "32"),
            ("api_server.memory_gib", "128"),
            ("flow_control.seats", "2267"),
            ("scheduler.qps", "400"),
            ("scheduler.burst", "400"),
            ("controllers.qps", "500"),
            ("controllers.burst", "500"),
            ("control_plane.usd_per_hour", "14"),
        ],
    }
}

impl Parameters {
    /// Who set what a tier sets, as a plan's settings name it.
    pub fn tier_origin(tier: Tier) -> String {
        format!("tier {tier}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seats of the cluster by the documents: 1700, 3400, 6800 and 13600.
    #[test]
    fn every_tier_sets_valid_values_whose_seats_add_up_to_the_documented_ones() {
        for (tier, seats) in [(Tier::Xl, 1700), (Tier::Xl2, 3400), (Tier::Xl4, 6800), (Tier::Xl8, 13600)] {
            let mut parameters = Parameters::default();
            for (path, value) in tier_settings(tier) {
                parameters.set(path, value).expect("a value of the range");
            }
            let total = parameters.api_server.count * parameters.flow_control.seats;
            assert!(total.abs_diff(seats) <= 2, "{tier}: {total}");
        }
    }
}
