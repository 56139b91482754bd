//! Kubernetes as EKS runs it: its versions, and what runs on every node.

use sim_eks::plan::DaemonSet;
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
/// `kube-proxy` (EKS add-on); documented.
pub fn daemon_sets() -> Vec<DaemonSet> {
    [("aws-node", 50), ("kube-proxy", 100)]
        .map(|(name, milli_cpu)| DaemonSet { name: name.to_owned(), requests: Resources { milli_cpu, memory_mib: 0 } })
        .to_vec()
}
