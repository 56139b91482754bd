//! The EC2 API as the VPC CNI uses it: an account may make so many calls of each action in a second, all nodes together.

use sim_kernel::SimTime;
use sim_kernel::stations::TokenBucket;

/// Which action is called: each has a bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ec2Action {
    /// More addresses or prefixes for an interface.
    AssignAddresses,
    /// Another interface.
    CreateInterface,
}

/// What an account may call.
#[derive(Clone, Debug)]
pub struct Ec2Api {
    assign: TokenBucket,
    create: TokenBucket,
    throttled: u64,
}

impl Ec2Api {
    /// An account that has called nothing for a while: `rate` calls a second, `burst` at once.
    pub fn new(rate: f64, burst: u64) -> Self {
        let bucket = TokenBucket::per_second(rate, burst);
        Ec2Api { assign: bucket, create: bucket, throttled: 0 }
    }

    /// A call. Whether it is not throttled.
    pub fn call(&mut self, now: SimTime, action: Ec2Action) -> bool {
        let bucket = match action {
            Ec2Action::AssignAddresses => &mut self.assign,
            Ec2Action::CreateInterface => &mut self.create,
        };
        let admitted = bucket.take(now).is_ok();
        self.throttled += u64::from(!admitted);
        admitted
    }

    /// Calls that were throttled.
    pub fn throttled(&self) -> u64 {
        self.throttled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn each_action_has_a_bucket_of_its_own() {
        let mut api = Ec2Api::new(20.0, 100);
        let calls = |api: &mut Ec2Api, now, action| (0..200).filter(|_| api.call(now, action)).count();
        assert_eq!(calls(&mut api, SimTime::ZERO, Ec2Action::AssignAddresses), 100);
        assert_eq!(calls(&mut api, SimTime::ZERO, Ec2Action::CreateInterface), 100);
        let later = SimTime::ZERO + SimDuration::from_secs(2);
        assert_eq!((calls(&mut api, later, Ec2Action::AssignAddresses), api.throttled()), (40, 360));
    }
}
