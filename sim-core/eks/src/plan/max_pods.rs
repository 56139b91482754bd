//! Pods that a node may hold under the settings of the VPC CNI.

use super::{NodeGroup, Plan};
use crate::parameters::VpcCniParameters;
use crate::stations::compute::vpc_cni::max_pods;

impl Plan {
    /// The plan with node groups that hold so many pods as the VPC CNI's settings give them addresses, where nobody has said
    /// otherwise: more with prefixes, fewer with custom networking.
    pub fn with_max_pods(&self) -> Option<Plan> {
        let cni = &self.parameters.vpc_cni;
        if !cni.prefix_delegation && !cni.custom_networking {
            return None;
        }
        let mut plan = self.clone();
        plan.cluster.node_groups.iter_mut().for_each(|group| group.takes_max_pods_of(cni));
        Some(plan)
    }
}

impl NodeGroup {
    /// Memory that the EKS image keeps for each pod that a node may hold, MiB. Source: awslabs/amazon-eks-ami, documented.
    const MIB_FOR_POD: u64 = 11;

    fn takes_max_pods_of(&mut self, cni: &VpcCniParameters) {
        let vcpu = self.allocatable.milli_cpu.div_ceil(1000) as u32; // nearly all of them is allocatable
        let of = |prefixes, custom| max_pods(self.max_enis, self.ipv4_per_eni, vcpu, prefixes, custom);
        if self.max_pods != of(false, false) {
            return; // somebody has said how many
        }
        let pods = of(cni.prefix_delegation, cni.custom_networking);
        let kept = Self::MIB_FOR_POD * u64::from(self.max_pods) + self.allocatable.memory_mib;
        self.allocatable.memory_mib = kept.saturating_sub(Self::MIB_FOR_POD * u64::from(pods));
        self.max_pods = pods;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{Price, Resources};

    /// A group of m5.large, 29 pods a node unless somebody says otherwise.
    fn group(pods: u32) -> NodeGroup {
        NodeGroup {
            name: "general".to_owned(),
            managed: true,
            instance_type: "m5.large".to_owned(),
            allocatable: Resources { milli_cpu: 1930, memory_mib: 7518 },
            max_pods: pods,
            gpus: 0,
            max_enis: 3,
            ipv4_per_eni: 10,
            min: 0,
            desired: 1,
            max: 1,
            zones: Vec::new(),
            subnets: Vec::new(),
            security_groups: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            taints: Vec::new(),
            spot: false,
            usd_per_hour: Price::default(),
            volume_gib: None,
        }
    }

    #[test]
    fn prefixes_bring_more_pods_and_cost_memory() {
        let with = |pods, prefix_delegation, custom_networking| {
            let mut group = group(pods);
            let usual = crate::Parameters::default().vpc_cni;
            group.takes_max_pods_of(&VpcCniParameters { prefix_delegation, custom_networking, ..usual });
            (group.max_pods, group.allocatable.memory_mib)
        };
        assert_eq!(with(29, true, false), (110, 7518 - 81 * 11));
        assert_eq!(with(29, false, true), (20, 7518 + 9 * 11));
        assert_eq!(with(50, true, false), (50, 7518), "somebody has said how many");
    }
}
