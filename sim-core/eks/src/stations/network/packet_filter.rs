//! The packet filter: what security groups let pass.
//!
//! A flow passes where a rule outbound of one of its source's groups and a rule inbound of one of its destination's
//! groups allow it; everything else is dropped in silence. Answers always pass (the groups are stateful).

use crate::plan::{Network, Peer, Rule};
use ipnet::IpNet;

/// One end of a flow.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Where its address lies: a single address, or the ranges of subnets whose hosts are meant alike.
    pub ranges: &'a [IpNet],
    /// Its security groups; none for what is outside the VPC, which nothing filters.
    pub groups: &'a [usize],
}

/// The rule that lets a flow pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The security group that has it.
    pub group: usize,
    /// The rule.
    pub rule: Rule,
}

/// The rule inbound of `to` that lets a flow to its `port` pass.
pub fn inbound(network: &Network, from: End<'_>, to: End<'_>, port: u16) -> Option<Passed> {
    first(network, to.groups, from, port, |group| &network.security_groups[group].inbound)
}

/// The rule outbound of `from` that lets a flow to `port` of `to` pass.
pub fn outbound(network: &Network, from: End<'_>, to: End<'_>, port: u16) -> Option<Passed> {
    first(network, from.groups, to, port, |group| &network.security_groups[group].outbound)
}

/// Each range of the other end must be allowed by some rule; the one of the first range is told.
fn first<'n>(
    network: &'n Network,
    of: &[usize],
    other: End<'_>,
    port: u16,
    rules: impl Fn(usize) -> &'n [Rule],
) -> Option<Passed> {
    debug_assert!(of.iter().all(|group| *group < network.security_groups.len()), "a plan names groups that exist");
    let passed = |range: &IpNet| {
        let mut all = of.iter().flat_map(|group| rules(*group).iter().map(move |rule| (*group, rule)));
        all.find(|(_, rule)| rule.has_port(port) && speaks_of(&rule.peer, range, other.groups))
    };
    let found = other.ranges.iter().map(passed).collect::<Option<Vec<_>>>()?;
    found.first().map(|(group, rule)| Passed { group: *group, rule: (*rule).clone() })
}

/// Whether the other side of a rule is this end: all of a range, or a group that it has.
fn speaks_of(peer: &Peer, range: &IpNet, groups: &[usize]) -> bool {
    match peer {
        Peer::Cidr(cidr) => cidr.contains(range),
        Peer::Group(group) => groups.contains(group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{VpcLayout, Zone};

    fn network() -> Network {
        let zones = ["a", "b"].map(|letter| Zone { name: format!("eu-west-1{letter}"), in_cluster: true });
        Network::new(&zones, &VpcLayout::default())
    }

    fn at(range: &str, groups: &'static [usize]) -> End<'static> {
        End { ranges: Box::leak(Box::new([range.parse().expect("a range")])), groups }
    }

    const INTERFACES: &[usize] = &[Network::CLUSTER_GROUP, Network::CONTROL_PLANE_GROUP];

    #[test]
    fn managed_nodes_reach_the_interfaces_by_the_cluster_group_and_a_bastion_does_not() {
        let network = network();
        let interface = at("192.168.0.10/32", INTERFACES);
        let node = at("192.168.32.0/19", &[Network::CLUSTER_GROUP]);
        let passed = inbound(&network, node, interface, 443).expect("the cluster group allows itself");
        assert_eq!(passed.rule, Rule::all(Peer::Group(Network::CLUSTER_GROUP)));
        assert_eq!(inbound(&network, at("192.168.5.5/32", &[]), interface, 443), None);
    }

    #[test]
    fn a_rule_for_the_hosts_address_repairs_the_lock_out_on_its_port_alone() {
        let mut network = network();
        network.allow_extra_cidr("192.168.5.5/32".parse().expect("a range"));
        let interface = at("192.168.0.10/32", INTERFACES);
        assert!(inbound(&network, at("192.168.5.5/32", &[]), interface, 443).is_some());
        assert!(inbound(&network, at("192.168.5.5/32", &[]), interface, 22).is_none());
        assert!(inbound(&network, at("192.168.5.6/32", &[]), interface, 443).is_none());
        assert!(inbound(&network, at("192.168.5.0/24", &[]), interface, 443).is_none(), "not all of them");
    }

    #[test]
    fn self_managed_nodes_have_the_rules_of_their_stack() {
        let mut network = network();
        let groups = network.groups_of_nodes("old", false, false);
        let node = End { ranges: &["192.168.32.0/19".parse().expect("a range")], groups: &groups };
        let interface = at("192.168.0.10/32", INTERFACES);
        assert!(inbound(&network, node, interface, 443).is_some());
        assert!(inbound(&network, interface, node, 10250).is_some());
        assert!(inbound(&network, at("192.168.5.5/32", &[]), node, 22).is_none());
    }

    #[test]
    fn several_rules_may_allow_the_ranges_of_an_end_together() {
        let mut network = network();
        let ranges = ["192.168.0.0/19", "192.168.160.0/19"].map(|range| range.parse().expect("a range"));
        let interfaces = End { ranges: &ranges, groups: &[] };
        let group = network.add_group("hosts".to_owned(), Vec::new());
        let allow = |network: &mut Network, range: &str| {
            let peer = Peer::Cidr(range.parse().expect("a range"));
            network.security_groups[group].inbound.push(Rule::port(443, peer));
        };
        allow(&mut network, "192.168.0.0/17");
        let host = End { ranges: &[], groups: &[group] };
        assert!(inbound(&network, interfaces, host, 443).is_none(), "half of them");
        allow(&mut network, "192.168.128.0/17");
        assert!(inbound(&network, interfaces, host, 443).is_some());
    }

    #[test]
    fn without_a_rule_outbound_nothing_leaves() {
        let mut network = network();
        network.security_groups[Network::CLUSTER_GROUP].outbound.clear();
        let node = at("192.168.32.0/19", &[Network::CLUSTER_GROUP]);
        assert!(outbound(&network, node, at("192.168.0.10/32", INTERFACES), 443).is_none());
    }
}
