//! What Fargate makes of a pod's requests, and what it bills for it: the next of the sizes that it offers, for as long as
//! the pod lives.
//!
//! Source: awsdocs/amazon-eks-user-guide, fargate-pod-configuration; Fargate's pricing page.

use crate::parameters::CostParameters;
use crate::quantity::Resources;
use sim_kernel::SimDuration;

/// MiB of a GiB.
const GIB: u64 = 1024;

/// CPU in thousandths of a vCPU; the least and the most GiB that go with it, and the step between them.
const SIZES: [(u64, u64, u64, u64); 6] =
    [(500, 1, 4, 1), (1000, 2, 8, 1), (2000, 4, 16, 1), (4000, 8, 30, 1), (8000, 16, 60, 4), (16000, 32, 120, 8)];

/// The smallest size has amounts of its own, MiB.
const SMALLEST: (u64, [u64; 3]) = (250, [512, 1024, 2048]);

/// The size that a pod gets which requests this much; `None` if there is none so large. What Kubernetes keeps for itself on
/// the node is added to its memory.
pub fn fargate_size(requests: Resources, cost: &CostParameters) -> Option<Resources> {
    let memory = requests.memory_mib + cost.fargate_overhead_mib;
    let asks_nothing = requests == Resources::default();
    let memory = if asks_nothing { 0 } else { memory };
    let (milli_cpu, amounts) = SMALLEST;
    if requests.milli_cpu <= milli_cpu
        && let Some(memory_mib) = amounts.into_iter().find(|amount| memory <= *amount)
    {
        return Some(Resources { milli_cpu, memory_mib });
    }
    SIZES.into_iter().filter(|size| requests.milli_cpu <= size.0).find_map(|(milli_cpu, least, most, step)| {
        let gib = memory.div_ceil(GIB).max(least);
        let gib = least + (gib - least).div_ceil(step) * step;
        (gib <= most).then_some(Resources { milli_cpu, memory_mib: gib * GIB })
    })
}

/// The hours that a pod is billed for, from the start of its image's pull to its end: whole seconds, and a minute at
/// least.
pub fn fargate_hours(lived: SimDuration, cost: &CostParameters) -> f64 {
    lived.max(cost.fargate_minimum).as_secs_f64().ceil() / 3600.0
}

/// What a size costs in an hour, US dollars, by the prices of a region; `None` where they are not known.
pub fn fargate_usd_per_hour(size: Resources, region: &str, cost: &CostParameters) -> Option<f64> {
    let vcpu = cost.fargate_vcpu_hour.of(region, cost.other_regions)?;
    let gb = cost.fargate_gb_hour.of(region, cost.other_regions)?;
    Some(size.milli_cpu as f64 / 1000.0 * vcpu + size.memory_mib as f64 / GIB as f64 * gb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn size(milli_cpu: u64, memory_mib: u64) -> Option<(u64, u64)> {
        let found = fargate_size(Resources { milli_cpu, memory_mib }, &Parameters::default().cost)?;
        Some((found.milli_cpu, found.memory_mib))
    }

    #[test]
    fn requests_are_rounded_up_to_the_next_size() {
        assert_eq!(size(0, 0), Some((250, 512)));
        assert_eq!(size(100, 256), Some((250, 512)));
        assert_eq!(size(250, 257), Some((250, 1024)));
        assert_eq!(size(250, 2048), Some((500, 3 * GIB)));
        assert_eq!(size(1000, 8 * GIB), Some((2000, 9 * GIB)), "the documents' own example");
        assert_eq!(size(1000, 7 * GIB + 512), Some((1000, 8 * GIB)));
        assert_eq!(size(8000, 17 * GIB), Some((8000, 20 * GIB)));
        assert_eq!(size(9000, 1), Some((16000, 32 * GIB)));
        assert_eq!(size(16000, 119 * GIB + 768), Some((16000, 120 * GIB)));
        assert_eq!((size(16000, 120 * GIB), size(16001, 1)), (None, None));
    }

    #[test]
    fn a_pod_is_billed_by_the_second_and_for_a_minute_at_least() {
        let cost = Parameters::default().cost;
        let seconds = |millis| fargate_hours(SimDuration::from_millis(millis), &cost) * 3600.0;
        assert!((seconds(5_000) - 60.0).abs() < 1e-9);
        assert!((seconds(61_200) - 62.0).abs() < 1e-9);
    }
}
