//! Addresses of pods: how many pods lack one, and how few a subnet has left.

use sim_study::{Better, Measure, Unit};

/// What is seen of the addresses of pods.
#[derive(Clone, Debug, Default)]
pub struct AddressProbe {
    waiting: u64,
    most_waiting: u64,
    waited: u64,
    least: Option<u32>,
}

impl AddressProbe {
    /// A pod finds no address on its node.
    pub fn pod_waits(&mut self) {
        (self.waiting, self.waited) = (self.waiting + 1, self.waited + 1);
        self.most_waiting = self.most_waiting.max(self.waiting);
    }

    /// A pod that had found none has one, or is no more.
    pub fn pod_waits_no_more(&mut self) {
        self.waiting -= 1;
    }

    /// A subnet of nodes has so many addresses left.
    pub fn subnet_has(&mut self, free: u32) {
        self.least = Some(self.least.map_or(free, |least| least.min(free)));
    }

    /// What it tells.
    pub fn measures(&self, throttled: u64) -> Vec<Measure> {
        let measure = |name: &str, better, value: Option<u64>, definition: &str| Measure {
            name: name.to_owned(),
            unit: Unit::Count,
            better,
            value: value.map(|value| value as f64),
            definition: definition.to_owned(),
        };
        vec![
            measure(
                "pods.without_address",
                Better::Down,
                Some(self.waited),
                "Pods that stayed in ContainerCreating for a while, since their node had no address for them.",
            ),
            measure(
                "pods.without_address.peak",
                Better::Down,
                Some(self.most_waiting),
                "Most pods at one time that stayed in ContainerCreating, since their node had no address for them.",
            ),
            measure(
                "subnet.free.min",
                Better::Up,
                self.least.map(u64::from),
                "Fewest addresses that were left at any time in a subnet with nodes.",
            ),
            measure(
                "ec2.throttled",
                Better::Down,
                Some(throttled),
                "Calls of the VPC CNI for addresses and interfaces that EC2 throttled.",
            ),
        ]
    }
}
