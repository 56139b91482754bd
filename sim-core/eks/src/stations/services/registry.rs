//! Image registries: Amazon ECR, whose API lets an account make so many calls in a second, and a public registry such as
//! Docker Hub, which counts the pulls of each address. A pull that finds no token left is answered with 429.

use sim_kernel::stations::TokenBucket;
use sim_kernel::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// What the registries let through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegistryLimits {
    /// `GetAuthorizationToken` of ECR, a second.
    pub tokens: f64,
    /// `BatchGetImage` of ECR, a second: manifests.
    pub manifests: f64,
    /// `GetDownloadUrlForLayer` of ECR, a second.
    pub layers: f64,
    /// Pulls from the public registry for each address; `None` without a limit.
    pub pulls: Option<u64>,
    /// In so much time.
    pub period: SimDuration,
}

/// The address that a pull from the public registry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// That of a NAT gateway, which all nodes behind it share.
    Nat(u8),
    /// A node's own public address.
    Node(u32),
}

/// What a pull asks ECR for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcrCalls {
    /// Whether the node needs a new token.
    pub token: bool,
    /// Layers that it downloads; none if it has the image and asks only whether it is the latest one.
    pub layers: u64,
}

/// The registries.
#[derive(Clone, Debug)]
pub struct Registries {
    tokens: TokenBucket,
    manifests: TokenBucket,
    layers: TokenBucket,
    pulls: Option<(u64, SimDuration)>,
    addresses: BTreeMap<Source, TokenBucket>,
    throttled: u64,
}

impl Registries {
    /// Registries that nobody has asked for a while. A rate is also what is let through at once.
    pub fn new(limits: &RegistryLimits) -> Self {
        let bucket = |rate: f64| TokenBucket::per_second(rate, rate.ceil() as u64);
        Registries {
            tokens: bucket(limits.tokens),
            manifests: bucket(limits.manifests),
            layers: bucket(limits.layers),
            pulls: limits.pulls.map(|pulls| (pulls, limits.period)),
            addresses: BTreeMap::new(),
            throttled: 0,
        }
    }

    /// The calls to ECR that a pull needs. Whether none of them is throttled; those after one that is are not made.
    pub fn ask_ecr(&mut self, now: SimTime, calls: EcrCalls) -> bool {
        let has_token = !calls.token || self.tokens.take(now).is_ok();
        let admitted = has_token
            && self.manifests.take(now).is_ok()
            && (calls.layers == 0 || self.layers.take_many(now, calls.layers).is_ok());
        self.throttled += u64::from(!admitted);
        admitted
    }

    /// A pull from the public registry. Whether it is not throttled.
    pub fn ask_public(&mut self, now: SimTime, from: Source) -> bool {
        let Some((pulls, period)) = self.pulls else { return true };
        let bucket = self.addresses.entry(from).or_insert_with(|| TokenBucket::new(pulls, period, pulls));
        let admitted = bucket.take(now).is_ok();
        self.throttled += u64::from(!admitted);
        admitted
    }

    /// Pulls that were answered with 429.
    pub fn throttled(&self) -> u64 {
        self.throttled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> RegistryLimits {
        RegistryLimits {
            tokens: 500.0,
            manifests: 2000.0,
            layers: 3000.0,
            pulls: Some(100),
            period: SimDuration::from_mins(360),
        }
    }

    #[test]
    fn nodes_behind_a_nat_gateway_share_a_hundred_pulls_in_six_hours() {
        let mut registries = Registries::new(&limits());
        let pulls =
            |registries: &mut Registries, now, from| (0..300).filter(|_| registries.ask_public(now, from)).count();
        assert_eq!(pulls(&mut registries, SimTime::ZERO, Source::Nat(0)), 100);
        assert_eq!(pulls(&mut registries, SimTime::ZERO, Source::Node(7)), 100, "an address of its own");
        let later = SimTime::ZERO + SimDuration::from_mins(180);
        assert_eq!((pulls(&mut registries, later, Source::Nat(0)), registries.throttled()), (50, 200 + 200 + 250));
    }

    #[test]
    fn ecr_throttles_what_is_scarcest() {
        let mut registries = Registries::new(&limits());
        let pulls =
            |registries: &mut Registries, calls| (0..5000).filter(|_| registries.ask_ecr(SimTime::ZERO, calls)).count();
        assert_eq!(pulls(&mut registries, EcrCalls { token: true, layers: 4 }), 500);
        assert_eq!(pulls(&mut registries, EcrCalls { token: false, layers: 10 }), 100, "3,000 layers in all");
    }
}
