//! Kubernetes as EKS runs it: its versions, and what runs on every node.

use sim_eks::plan::{DaemonSet, SYSTEM_NODE_CRITICAL, Toleration};
use sim_eks::quantity::Resources;
use std::ops::RangeInclusive;

/// Minor versions that are taken: from the first version of EKS, 1.10, to a bound beyond which one is a slip.
pub const VERSIONS: RangeInclusive<u32> = 10..=60;

/// Minor versions that EKS runs, extended support included, as far as this release knows.
///
/// Source: the calendar of versions in the EKS user guide, November 2026.
pub const VERSIONS_OF_EKS: RangeInclusive<u32> = 31..=35;

/// What EKS runs on every node: the VPC CNI and kube-proxy, with their default requests.
///
/// Source: the manifests of the add-ons: two containers of 25m in `aws-node` (aws/amazon-vpc-cni-k8s), 100m in
/// `kube-proxy` (EKS add-on); both in the host's network, tolerating every
/// taint, and of the class `system-node-critical`; documented.
pub fn daemon_sets() -> Vec<DaemonSet> {
    let daemon_set = |name: &str, milli_cpu, brings_network| DaemonSet {
        name: name.to_owned(),
        requests: Resources { milli_cpu, memory_mib: 0 },
        tolerations: vec![Toleration { key: None, value: None, effect: None }],
        host_network: true,
        brings_network,
        priority: SYSTEM_NODE_CRITICAL,
        ..DaemonSet::default()
    };
    vec![daemon_set("aws-node", 50, true), daemon_set("kube-proxy", 100, false)]
}
