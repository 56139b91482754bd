//! What people change and what fails in the VPC: rules of security groups, NAT gateways, interfaces of EKS, VPC endpoints.
//!
//! ```text
//! rule added:   who dials in vain is heard when its SYN is repeated
//! rule revoked: open connections stay, new ones are dropped in silence
//! NAT gone:     what goes through it falls silent -> timers find out; addresses of AWS services cannot be reached
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::event::Future;
use crate::plan::{AwsService, Change, Rule, ZoneId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::SimTime;

/// The number of the command with which a tool that deletes the cluster begins.
const DELETION: u32 = u32::MAX;

impl World {
    /// A change of the plan that concerns the VPC happens.
    pub(crate) fn network_changes(&mut self, now: SimTime, index: u32, change: &Change, future: &mut Future) {
        if let Change::EndpointAccess { access } = change {
            return self.access_changes(now, access, future);
        }
        if let Change::DeleteCluster { client } = change {
            return self.deletes_cluster(now, *client, future);
        }
        let cause = self.vpc_turns(now, None, "vpc/change", u64::from(index), self.plan.describe(change));
        self.vpc_faults.push((index, cause));
        match change {
            Change::SecurityRule { group, rule, allow } => self.rule_changes(now, index, *group, rule, *allow),
            Change::NatLoss { zone, .. } => self.nat_gateways_turn(*zone, true),
            Change::InterfaceLoss { zone, .. } => self.interfaces_of_zone_turn(now, *zone, true, cause, future),
            Change::ServiceEndpointLoss { service, .. } => self.vpc.endpoint_fails(*service, true),
            _ => unreachable!("every other change is made elsewhere"),
        }
        self.silence_broken(now, cause, future);
        self.dials_hear(now, future);
    }

    /// A group has each rule once: what is there already is not added, what is not there is not taken away.
    fn rule_changes(&mut self, now: SimTime, index: u32, group: usize, rule: &Rule, allow: bool) {
        let changes = if allow { self.vpc.allow(group, rule.clone()) } else { self.vpc.revoke(group, rule) };
        if !changes {
            let what = if allow { "it has this rule already" } else { "it has no such rule" };
            let name = self.vpc.network().security_groups[group].name.clone();
            self.probes.timeline.note(now, Weight::Turn, self.vpc_story, "vpc/no-change", u64::from(index), || {
                format!("nothing changes in security group {name}: {what}")
            });
        }
        if !allow {
            self.note_locked_out(now);
        }
    }

    /// A fault in the VPC ends.
    pub(crate) fn network_fault_ends(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let cause = self.vpc_faults.iter().find(|(of, _)| *of == index).and_then(|(_, cause)| *cause);
        let what = match self.plan.steps[index as usize].change {
            Change::NatLoss { zone, .. } => {
                self.nat_gateways_turn(zone, false);
                let all = 0..self.vpc.network().nat_gateways.len();
                match all.into_iter().all(|nat| self.vpc.nat_is_up(nat)) {
                    true => "the NAT gateways work again".to_owned(),
                    false => "a fault of the NAT gateways ends; another one lasts".to_owned(),
                }
            }
            Change::InterfaceLoss { zone, .. } => {
                self.interfaces_of_zone_turn(now, zone, false, cause, future);
                let name = self.zone_name(zone);
                match self.interfaces.struck(zone) {
                    None => format!("the interfaces of EKS in {name} work again"),
                    Some(_) => format!("a fault of the interfaces of EKS in {name} ends; another one lasts"),
                }
            }
            Change::ServiceEndpointLoss { service, .. } => {
                self.vpc.endpoint_fails(service, false);
                format!("the VPC endpoint of {} answers again", service.name())
            }
            _ => return,
        };
        self.vpc_turns(now, cause, "vpc/well", u64::from(index), what);
        for slot in 0..self.connections.slots() {
            self.path_returns(now, slot, future);
        }
        self.dials_hear(now, future);
    }

    fn nat_gateways_turn(&mut self, zone: Option<ZoneId>, fails: bool) {
        for nat in 0..self.vpc.network().nat_gateways.len() {
            let here = self.vpc.network().nat_gateways[nat].zone;
            if zone.is_none_or(|zone| zone == here) {
                self.vpc.nat_fails(nat, fails);
            }
        }
    }

    /// A tool that needs the API of Kubernetes deletes the cluster: it drains the nodes first.
    fn deletes_cluster(&mut self, now: SimTime, client: usize, future: &mut Future) {
        let first: u32 = self.plan.clients[..client].iter().map(|before| before.count).sum();
        let name = self.plan.clients[client].name.clone();
        self.probes.timeline.note(now, Weight::Turn, None, "cluster/delete", client as u64, || {
            format!("{name} deletes the cluster: the tool asks the API for its nodes and workloads first")
        });
        self.call(now, Caller::External(first), Aim::List(DELETION), None, future);
    }

    /// The first command of a tool that deletes the cluster has ended: it goes on, or gives up.
    pub(crate) fn deletion_answered(&mut self, now: SimTime, client: u32, aim: Aim, outcome: Outcome, cause: Cause) {
        if aim != Aim::List(DELETION) {
            return;
        }
        let site = self.externals[client as usize].origin.site;
        let (path, eks) = (self.path_to_endpoint(site), self.path_to_aws(site, AwsService::Eks));
        let because = match outcome {
            Outcome::Succeeded => self.vpc_story,
            _ => cause.or(self.closing_story(self.externals[client as usize].origin.site)),
        };
        let (kind, text) = match outcome {
            Outcome::Succeeded if !eks.open => (
                "cluster/not-deleted",
                format!("{} cannot delete the cluster: AWS eks cannot be reached: {}", path.from, eks.decided_by),
            ),
            Outcome::Succeeded => {
                ("cluster/deleted", format!("{} can delete the cluster: the API answers its tool", path.from))
            }
            _ if path.open => {
                ("cluster/not-deleted", format!("{} cannot delete the cluster now: {}", path.from, outcome.name()))
            }
            _ => (
                "cluster/not-deleted",
                format!(
                    "{} cannot delete the cluster: {}. Way out: {}; or delete it by the console or the AWS CLI, which ask the API of EKS and not the endpoint",
                    path.from, path.decided_by, path.opened_by
                ),
            ),
        };
        self.probes.timeline.note(now, Weight::Turn, because, kind, u64::from(client), || text);
    }
}
