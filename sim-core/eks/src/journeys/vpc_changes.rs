//! What people change and what fails in the VPC: rules of security groups, NAT gateways, interfaces of EKS, VPC endpoints.
//!
//! ```text
//! rule added:   who dials in vain is heard when its SYN is repeated
//! rule revoked: open connections stay, new ones are dropped in silence
//! NAT gone:     what goes through it falls silent -> timers find out; addresses of AWS services cannot be reached
//! ```

use crate::event::Future;
use crate::plan::{Change, ZoneId};
use crate::record::Weight;
use crate::world::World;
use sim_kernel::SimTime;

impl World {
    /// A change of the plan that concerns the VPC happens.
    pub(crate) fn network_changes(&mut self, now: SimTime, index: u32, change: &Change, future: &mut Future) {
        let text = self.plan.describe(change);
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "vpc/change", u64::from(index), || text);
        match change {
            Change::SecurityRule { group, rule, allow: true } => self.vpc.allow(*group, rule.clone()),
            Change::SecurityRule { group, rule, allow: false } => {
                self.vpc.revoke(*group, rule);
            }
            Change::NatLoss { zone, .. } => self.nat_gateways_turn(*zone, true),
            Change::ServiceEndpointLoss { service, .. } => self.vpc.endpoint_fails(*service, true),
            _ => {}
        }
        let _ = (cause, future);
    }

    /// A fault in the VPC ends.
    pub(crate) fn network_fault_ends(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let change = self.plan.steps[index as usize].change.clone();
        match change {
            Change::NatLoss { zone, .. } => self.nat_gateways_turn(zone, false),
            Change::ServiceEndpointLoss { service, .. } => self.vpc.endpoint_fails(service, false),
            _ => {}
        }
        let _ = (now, future);
    }

    fn nat_gateways_turn(&mut self, zone: Option<ZoneId>, fails: bool) {
        for nat in 0..self.vpc.network().nat_gateways.len() {
            let here = self.vpc.network().nat_gateways[nat].zone;
            if zone.is_none_or(|zone| zone == here) {
                self.vpc.nat_fails(nat, fails);
            }
        }
    }
}
