//! D4: how many addresses the VPC CNI keeps on a node. Source: aws/amazon-vpc-cni-k8s, docs/eni-and-ip-target.md and
//! docs/prefix-and-ip-target.md.

use crate::table::{Allowed, Row, check};
use sim_eks::stations::compute::vpc_cni::{AddressPool, PoolSettings};
use sim_kernel::SimDuration;

/// The defaults on an instance with so many interfaces of so many addresses.
pub fn defaults(enis: u32, ipv4_per_eni: u32) -> PoolSettings {
    let seconds = SimDuration::from_secs;
    PoolSettings {
        enis,
        slots: ipv4_per_eni - 1,
        max_pods: enis * (ipv4_per_eni - 1) + 2,
        prefixes: false,
        custom_networking: false,
        warm_enis: 1,
        warm_ips: 0,
        minimum_ips: 0,
        warm_prefixes: 1,
        cooldown: seconds(30),
        eni_life: seconds(60),
        decrease_pause: seconds(30),
    }
}

fn row(what: String, published: u32, found: u32) -> Row {
    Row { result: "D4", what, published: published.into(), found: found.into(), allowed: Allowed::Exactly }
}

/// The rows of one case: interfaces, addresses, those that no pod has.
fn rows(name: &str, settings: &PoolSettings, pods: u32, [enis, total, unused]: [u32; 3]) -> [Row; 3] {
    let (pool, given) = AddressPool::settled(pods, settings, |_| true);
    assert_eq!(given.len() as u32, pods, "every pod has an address");
    [
        row(format!("{name}, {pods} pods: network interfaces"), enis, pool.enis()),
        row(format!("{name}, {pods} pods: addresses or prefixes"), total, pool.total() / settings.block()),
        row(format!("{name}, {pods} pods: unused addresses"), unused, pool.available()),
    ]
}

/// Pods, then interfaces, addresses and unused addresses, then addresses by interface.
type Case<'a> = (u32, [u32; 3], &'a [u32]);

#[test]
fn d4_a_t3_small_keeps_what_its_targets_say() {
    let targets = |warm_ips, minimum_ips| PoolSettings { warm_ips, minimum_ips, ..defaults(3, 4) };
    let cases: [(&str, PoolSettings, [Case; 3]); 3] = [
        ("WARM_ENI 1", targets(0, 0), [(0, [1, 3, 3], &[3]), (5, [3, 9, 4], &[3, 3, 3]), (9, [3, 9, 0], &[3, 3, 3])]),
        (
            "WARM_IP 1, MINIMUM_IP 1",
            targets(1, 1),
            [(0, [1, 1, 1], &[1]), (5, [2, 6, 1], &[3, 3]), (9, [3, 9, 0], &[3, 3, 3])],
        ),
        (
            "WARM_IP 2, MINIMUM_IP 5",
            targets(2, 5),
            [(0, [2, 5, 5], &[2, 3]), (5, [3, 7, 2], &[1, 3, 3]), (9, [3, 9, 0], &[3, 3, 3])],
        ),
    ];
    for (name, settings, cases) in cases {
        for (pods, wanted, by_eni) in cases {
            check(&rows(&format!("t3.small, {name}"), &settings, pods, wanted));
            let mut found = AddressPool::settled(pods, &settings, |_| true).0.blocks_by_eni();
            found.sort_unstable();
            assert_eq!(found, by_eni, "{name}, {pods} pods");
        }
    }
}

#[test]
fn d4_a_p3dn_24xlarge_keeps_what_its_targets_say() {
    let by_ips = PoolSettings { warm_ips: 5, minimum_ips: 10, ..defaults(15, 50) };
    for (pods, wanted) in [(0, [1, 49, 49]), (3, [2, 98, 95]), (95, [3, 147, 52])] {
        check(&rows("p3dn.24xlarge, WARM_ENI 1", &defaults(15, 50), pods, wanted));
    }
    for (pods, wanted) in [(0, [1, 10, 10]), (7, [1, 12, 5]), (15, [1, 20, 5]), (45, [2, 50, 5])] {
        check(&rows("p3dn.24xlarge, WARM_IP 5, MINIMUM_IP 10", &by_ips, pods, wanted));
    }
}

#[test]
fn d4_prefixes_come_sixteen_addresses_at_a_time() {
    let prefixes = PoolSettings { prefixes: true, max_pods: 110, ..defaults(3, 4) };
    let by_ips = PoolSettings { warm_ips: 1, minimum_ips: 1, ..prefixes };
    for (pods, wanted) in [(0, [1, 1, 16]), (5, [1, 2, 27]), (16, [1, 2, 16]), (17, [1, 3, 31]), (58, [2, 5, 22])] {
        check(&rows("t3.small, WARM_PREFIX 1", &prefixes, pods, wanted));
    }
    for (pods, wanted) in [(0, [1, 1, 16]), (5, [1, 1, 11]), (17, [1, 2, 15]), (58, [2, 4, 6])] {
        check(&rows("t3.small, prefixes, WARM_IP 1, MINIMUM_IP 1", &by_ips, pods, wanted));
    }
}
