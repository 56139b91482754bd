//! The instance types of EC2, from a table in the program.

use sim_eks::quantity::{Price, Resources};
use std::sync::LazyLock;

/// The day on which the table was put together.
pub const SNAPSHOT: &str = "2026-11-20";

/// One line for each type, in the order of the names; its head names the sources.
const TABLE: &str = include_str!("instances.txt");

static TYPES: LazyLock<Vec<InstanceType>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| InstanceType::of_line(line).expect("the table in the program is whole")).collect()
});

/// An instance type of EC2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstanceType {
    /// Its name in the EC2 API: `m5.large`.
    pub name: &'static str,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Whether vCPU and memory come from the public files (else: from EC2's pages by hand, inferred).
    pub size_documented: bool,
    /// Network interfaces on the default network card.
    pub enis: u32,
    /// IPv4 addresses of one network interface, the primary one included.
    pub ipv4_per_eni: u32,
    /// Pods that the EKS image lets the kubelet hold when each pod has a secondary address of its own.
    pub max_pods: u32,
    /// Whether it has an ARM processor; `None` where the snapshot does not say.
    pub arm: Option<bool>,
    /// On-Demand price in us-east-1, Linux, shared tenancy, USD per hour.
    pub usd_per_hour_us_east_1: Option<f64>,
    /// The same in ap-northeast-2; in part scaled from us-east-1 by the ratio of its family (within 0.5 %).
    pub usd_per_hour_ap_northeast_2: Option<f64>,
}

/// Looks up an instance type by its exact name.
pub fn instance_type(name: &str) -> Option<&'static InstanceType> {
    let found = TYPES.binary_search_by(|candidate| candidate.name.cmp(name)).ok()?;
    Some(&TYPES[found])
}

/// All instance types, in the order of their names.
pub fn instance_types() -> &'static [InstanceType] {
    &TYPES
}

/// The names of all instance types, in order.
pub fn instance_type_names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|candidate| candidate.name)
}

impl InstanceType {
    fn of_line(line: &'static str) -> Option<Self> {
        let mut columns = line.split(' ');
        let name = columns.next()?;
        let vcpu = columns.next()?;
        Some(InstanceType {
            name,
            vcpu: vcpu.trim_start_matches('~').parse().ok()?,
            size_documented: !vcpu.starts_with('~'),
            memory_mib: columns.next()?.parse().ok()?,
            enis: columns.next()?.parse().ok()?,
            ipv4_per_eni: columns.next()?.parse().ok()?,
            max_pods: columns.next()?.parse().ok()?,
            arm: match columns.next()? {
                "a" => Some(true),
                "x" => Some(false),
                _ => None,
            },
            usd_per_hour_us_east_1: columns.next()?.parse().ok(),
            usd_per_hour_ap_northeast_2: columns.next()?.parse().ok(),
        })
    }

    /// On-Demand price for an hour, in the regions that the snapshot has.
    pub fn usd_per_hour(&self) -> Price {
        Price::of_regions(&[
            ("us-east-1", self.usd_per_hour_us_east_1),
            ("ap-northeast-2", self.usd_per_hour_ap_northeast_2),
        ])
    }

    /// What a node of this type can give to pods when its kubelet holds `max_pods`.
    ///
    /// Memory: less 255 MiB + 11 MiB for each pod (kube-reserved) and 100 MiB (hard eviction). CPU: less 6 % of the
    /// first core, 1 % of the second, 0.5 % of the third and fourth, 0.25 % of all others, rounded down.
    /// What the kernel keeps for itself is not deducted. Source: the kubelet configuration of the EKS images
    /// (awslabs/amazon-eks-ami), documented.
    pub fn allocatable(&self, max_pods: u32) -> Resources {
        let milli_cpu = u64::from(self.vcpu) * 1000;
        let memory_reserved = 255 + 11 * u64::from(max_pods) + 100;
        Resources {
            milli_cpu: milli_cpu.saturating_sub(milli_cpu_reserved(milli_cpu)),
            memory_mib: self.memory_mib.saturating_sub(memory_reserved),
        }
    }
}

/// CPU that the kubelet and the system keep, in thousandths of a core.
fn milli_cpu_reserved(milli_cpu: u64) -> u64 {
    // From, to (thousandths of a core), share in hundredths of a percent.
    let steps = [(0, 1000, 600), (1000, 2000, 100), (2000, 4000, 50), (4000, u64::MAX, 25)];
    steps.iter().map(|&(from, to, share)| milli_cpu.min(to).saturating_sub(from) * share / 10_000).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_snapshot_is_found_by_its_name() {
        assert_eq!(TYPES.len(), 1391);
        assert!(TYPES.windows(2).all(|pair| pair[0].name < pair[1].name), "binary search needs the order");
        assert!(TYPES.iter().all(|each| instance_type(each.name) == Some(each) && each.max_pods > 0));
        assert_eq!(instance_type("m5.larg"), None);
        assert!(TABLE.len() < 80_000);
    }

    #[test]
    fn max_pods_follow_from_interfaces_and_addresses() {
        // aws/amazon-vpc-cni-k8s: one pod for each secondary address, and two on the host's network.
        for each in instance_types().iter().filter(|each| each.size_documented) {
            assert_eq!(each.max_pods, each.enis * (each.ipv4_per_eni - 1) + 2, "{}", each.name);
        }
    }

    #[test]
    fn an_m5_large_gives_what_eks_leaves_of_it() {
        let large = instance_type("m5.large").expect("in the table");
        assert_eq!((large.vcpu, large.memory_mib, large.max_pods), (2, 8192, 29));
        assert_eq!(large.allocatable(29), Resources { milli_cpu: 1930, memory_mib: 8192 - 255 - 11 * 29 - 100 });
        assert_eq!(large.usd_per_hour().known("us-east-1"), Some(0.096));
        assert_eq!(large.usd_per_hour().known("ap-northeast-2"), Some(0.118));
        assert_eq!(large.usd_per_hour().known("eu-north-1"), None);
        let huge = instance_type("c5.9xlarge").expect("in the table");
        assert_eq!(huge.allocatable(huge.max_pods).milli_cpu, 36_000 - 60 - 10 - 10 - 80);
    }
}
