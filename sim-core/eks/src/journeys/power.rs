//! Faults of the control plane and their ends: a zone without power, an API server or an etcd member that stops.
//!
//! ```text
//! zone dark: NLB node, API server, etcd member, instances stop at once -> connections fall silent -> timers find out
//! power back: instances boot, the member and the server start -> health checks pass -> the address returns to DNS
//! ```

use super::api_request::zone_of;
use crate::event::{CandidateStep, Event, Future, NlbStep, Part};
use crate::ids::{ApiServerId, Component, DeploymentId, GroupId, MemberId};
use crate::plan::{Change, ZoneId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::network::ConnectionState;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const START: Purpose = Purpose::new("power/start");
const ADDRESS_CHECK: Purpose = Purpose::new("nlb/address-check");
const PUBLICATION: Purpose = Purpose::new("nlb/publication");
const ROUTING: Purpose = Purpose::new("nlb/routing");

impl World {
    /// A step of the plan is due.
    pub(crate) fn step(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let change = self.plan.steps[index as usize].change.clone();
        if let Some(lasts) = change.lasts() {
            future.schedule(now + lasts, Event::StepEnds(index));
        }
        self.change(now, index, &change, future);
    }

    /// Makes a change of the plan happen now. `index` tells one change from another.
    pub(crate) fn change(&mut self, now: SimTime, index: u32, change: &Change, future: &mut Future) {
        self.first_fault = self.first_fault.or(change.is_fault().then_some(now));
        match *change {
            Change::ZonePowerLoss { zone, .. } => self.zone_loses_power(now, zone, future),
            Change::ApiServerLoss { zone, .. } => {
                let server = match zone {
                    Some(zone) => self.server_in(zone),
                    None => self.leader(Component::ControllerManager).map(|(server, _)| server),
                };
                self.lose_server_alone(now, index, server, future);
            }
            Change::EtcdMemberLoss { zone, .. } => {
                let member = zone.map(|zone| MemberId(zone.0)).or_else(|| self.etcd.leader());
                self.lose_member_alone(now, index, member, future);
            }
            Change::NodeLoss { zone, share, .. } => {
                let name = self.zone_name(zone);
                let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/loss", u64::from(index), || {
                    format!("{:.0} % of the nodes in {name} stop", share * 100.0)
                });
                self.nodes_stop(now, index, zone, share, cause, future);
            }
            Change::ScaleDeployment { deployment, replicas } => {
                self.scale_deployment(now, DeploymentId(deployment as u32), replicas, future);
            }
            Change::ScaleNodeGroup { node_group, desired } => {
                self.scale_node_group(now, GroupId(node_group as u16), desired, future);
            }
        }
    }

    /// A fault of the plan ends.
    pub(crate) fn step_ends(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let struck = self.struck[index as usize];
        match self.plan.steps[index as usize].change {
            Change::ZonePowerLoss { zone, .. } => self.zone_regains_power(now, zone, future),
            Change::ApiServerLoss { .. } => {
                if let Some(zone) = struck {
                    self.start_later(now, zone, Part::ApiServer, future);
                }
            }
            Change::EtcdMemberLoss { .. } => {
                if let Some(zone) = struck {
                    self.start_later(now, zone, Part::EtcdMember, future);
                }
            }
            Change::NodeLoss { .. } => {
                let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/return", u64::from(index), || {
                    "the stopped nodes start again".to_owned()
                });
                self.nodes_return(now, index, cause, future);
            }
            Change::ScaleDeployment { .. } | Change::ScaleNodeGroup { .. } => {}
        }
    }

    fn zone_loses_power(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let name = self.zone_name(zone);
        let cause = self
            .probes
            .timeline
            .note(now, Weight::Turn, None, "zone/dark", u64::from(zone.0), || format!("zone {name} loses power"));
        if !self.zones.lose_power(zone, now, cause) {
            return;
        }
        self.zone_power_lost(now, zone, cause, future);
        if let Some(server) = self.server_in(zone) {
            self.address_dies(now, zone, future);
            self.server_dies(now, server, cause, future);
        }
        if zone.index() < self.etcd.ids().count() {
            self.member_dies(now, MemberId(zone.0), cause, future);
        }
        self.silence(now, cause, |through, _| through == zone, future);
    }

    fn zone_regains_power(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        if self.zones.has_power(zone) {
            return;
        }
        let name = self.zone_name(zone);
        let cause = self.zones.dark_since(zone).and_then(|(_, cause)| cause);
        let cause = self
            .probes
            .timeline
            .note(now, Weight::Turn, cause, "zone/lit", u64::from(zone.0), || format!("power returns to zone {name}"));
        self.zones.regain_power(zone);
        self.zone_power_returned(now, zone, cause, future);
        if self.server_in(zone).is_some() {
            self.start_later(now, zone, Part::ApiServer, future);
            if self.nlb.cross_zone() {
                self.address_returns(now, zone, future);
            }
        }
        if zone.index() < self.etcd.ids().count() {
            self.start_later(now, zone, Part::EtcdMember, future);
        }
        let up: Vec<bool> = self.api_servers.iter().map(|server| server.is_up()).collect();
        self.reset_silent(now, |through, server| through == zone && up[server.index()], future);
    }

    fn lose_server_alone(&mut self, now: SimTime, index: u32, server: Option<ApiServerId>, future: &mut Future) {
        let Some(server) = server.filter(|server| self.api_servers[server.index()].is_up()) else {
            self.probes.timeline.note(now, Weight::Turn, None, "fault/no-target", u64::from(index), || {
                "fault finds no API server: nothing happens".to_owned()
            });
            return;
        };
        let zone = self.api_servers[server.index()].zone;
        self.struck[index as usize] = Some(zone);
        let name = self.zone_name(zone);
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "server/lost", u64::from(zone.0), || {
            format!("API server in {name} stops silently")
        });
        self.server_dies(now, server, cause, future);
    }

    fn lose_member_alone(&mut self, now: SimTime, index: u32, member: Option<MemberId>, future: &mut Future) {
        let Some(member) = member.filter(|member| self.etcd.is_up(*member)) else {
            self.probes.timeline.note(now, Weight::Turn, None, "fault/no-target", u64::from(index), || {
                "fault finds no etcd member: nothing happens".to_owned()
            });
            return;
        };
        self.struck[index as usize] = Some(zone_of(member));
        self.member_dies(now, member, None, future);
    }

    /// An API server dies silently, with the components on its instance.
    fn server_dies(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        if !self.api_servers[server.index()].is_up() {
            return;
        }
        for component in Component::ALL {
            self.candidate_stops(now, component, server, cause);
        }
        for waited in self.api_servers[server.index()].die(now, cause) {
            self.drop_from_server(waited.slot);
        }
        self.silence(now, cause, |_, other| other == server, future);
        let zone = self.api_servers[server.index()].zone;
        let checked = self.zones.has_power(zone) || self.nlb.cross_zone();
        if checked && let Some((verdict, generation)) = self.nlb.target_dies(zone, now) {
            future.schedule(verdict, Event::Nlb(zone, generation, NlbStep::TargetUnhealthy));
        }
    }

    /// Something starts once it has power and its time has passed.
    fn start_later(&mut self, now: SimTime, zone: ZoneId, part: Part, future: &mut Future) {
        let parameters = &self.plan.parameters;
        let (law, life) = match part {
            Part::ApiServer => {
                let life = self.server_in(zone).map_or(0, |server| self.api_servers[server.index()].life());
                (&parameters.api_server.start_time, life)
            }
            Part::EtcdMember => (&parameters.etcd.member_start_time, self.etcd.life(MemberId(zone.0))),
        };
        let time = law.duration(&mut self.key.draw(START, u64::from(zone.0) << 1 | part as u64, u64::from(life)));
        future.schedule(now + time, Event::Start(zone, life, part));
    }

    /// A part of the control plane starts, unless it has died again or has no power.
    pub(crate) fn start(&mut self, now: SimTime, zone: ZoneId, life: u32, part: Part, future: &mut Future) {
        if !self.zones.has_power(zone) {
            return;
        }
        match part {
            Part::ApiServer => {
                let down = |server: &ApiServerId| {
                    let server = &self.api_servers[server.index()];
                    server.life() == life && !server.is_up()
                };
                if let Some(server) = self.server_in(zone).filter(down) {
                    self.server_starts(now, server, future);
                }
            }
            Part::EtcdMember => {
                let member = MemberId(zone.0);
                if self.etcd.life(member) == life && !self.etcd.is_up(member) {
                    self.member_starts(now, member, future);
                }
            }
        }
    }

    fn server_starts(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let zone = self.api_servers[server.index()].zone;
        let cause = self.api_servers[server.index()].down_since().and_then(|(_, cause)| cause);
        let name = self.zone_name(zone);
        self.probes.timeline.note(now, Weight::Turn, cause, "server/back", u64::from(zone.0), || {
            format!("API server in {name} answers again")
        });
        let etcd = &self.etcd;
        self.api_servers[server.index()].start(|member| etcd.is_up(member));
        self.reset_silent(now, |_, other| other == server, future);
        for component in Component::ALL {
            self.connect_loopback(self.loopbacks[component.index()][server.index()], server);
            let generation = self.leases[component.index()].generation(server);
            future.schedule(now, Event::Candidate(component, server, generation, CandidateStep::Restarted));
        }
        if let Some((verdict, generation)) = self.nlb.target_returns(zone, now) {
            future.schedule(verdict, Event::Nlb(zone, generation, NlbStep::TargetHealthy));
        }
    }

    /// The loopback of a component reaches the API server of its instance.
    pub(crate) fn connect_loopback(&mut self, slot: u32, server: ApiServerId) {
        let through = self.api_servers[server.index()].zone;
        self.connections.turn(slot, ConnectionState::Open { through, server, silent: None });
    }

    /// An NLB node is dead: its address leaves DNS once a check has found out and the change is published.
    fn address_dies(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let losses = self.zones.losses(zone);
        let check = self.plan.parameters.nlb.address_check.duration(&mut self.key.draw(
            ADDRESS_CHECK,
            u64::from(zone.0),
            u64::from(losses),
        ));
        let published = check + self.publication(zone, losses);
        future.schedule(now + published, Event::Nlb(zone, losses, NlbStep::AddressGone));
    }

    fn publication(&self, zone: ZoneId, ordinal: u32) -> SimDuration {
        self.plan.parameters.nlb.publication.duration(&mut self.key.draw(
            PUBLICATION,
            u64::from(zone.0),
            u64::from(ordinal),
        ))
    }

    /// The address of a zone returns to DNS once the change is published.
    fn address_returns(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let generation = self.nlb.generation(zone);
        future.schedule(now + self.publication(zone, generation), Event::Nlb(zone, generation, NlbStep::Listed));
    }

    /// Handles something around the load balancer; what comes for an earlier state does nothing.
    pub(crate) fn balancing(
        &mut self,
        now: SimTime,
        zone: ZoneId,
        generation: u32,
        step: NlbStep,
        future: &mut Future,
    ) {
        match step {
            NlbStep::AddressGone => {
                if self.zones.losses(zone) == generation && !self.zones.has_power(zone) {
                    self.withdraw(now, zone);
                }
            }
            NlbStep::TargetUnhealthy => self.target_unhealthy(now, zone, generation, future),
            NlbStep::TargetHealthy => {
                if self.nlb.judge(zone, generation, true).is_some() {
                    self.routing_follows(now, zone, generation, future);
                    self.address_returns(now, zone, future);
                }
            }
            NlbStep::Routed => self.nlb.route(zone, generation),
            NlbStep::Withdrawn if self.nlb.generation(zone) == generation => self.withdraw(now, zone),
            NlbStep::Listed if self.nlb.generation(zone) == generation && self.zones.has_power(zone) => {
                self.list(now, zone)
            }
            NlbStep::Withdrawn | NlbStep::Listed => {}
        }
    }

    fn target_unhealthy(&mut self, now: SimTime, zone: ZoneId, generation: u32, future: &mut Future) {
        let Some(server) = self.nlb.judge(zone, generation, false) else { return };
        let cause = self.api_servers[server.index()].down_since().and_then(|(_, cause)| cause);
        let name = self.zone_name(zone);
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "nlb/unhealthy", u64::from(zone.0), || {
            format!("load balancer finds its target in {name} unhealthy")
        });
        if self.plan.parameters.nlb.reset_unhealthy_flows {
            self.reset_flows(now, server, noted.or(cause), future);
        }
        self.routing_follows(now, zone, generation, future);
        if !self.nlb.cross_zone() {
            future.schedule(now + self.publication(zone, generation), Event::Nlb(zone, generation, NlbStep::Withdrawn));
        }
    }

    fn routing_follows(&mut self, now: SimTime, zone: ZoneId, generation: u32, future: &mut Future) {
        let lag = self.plan.parameters.nlb.routing_lag.duration(&mut self.key.draw(
            ROUTING,
            u64::from(zone.0),
            u64::from(generation),
        ));
        future.schedule(now + lag, Event::Nlb(zone, generation, NlbStep::Routed));
    }

    fn withdraw(&mut self, now: SimTime, zone: ZoneId) {
        if self.dns.withdraw(zone) {
            let cause = self.cause_at(zone);
            let name = self.zone_name(zone);
            self.probes.timeline.note(now, Weight::Step, cause, "dns/withdrawn", u64::from(zone.0), || {
                format!("address in {name} leaves DNS; resolvers follow within the time to live")
            });
        }
    }

    fn list(&mut self, now: SimTime, zone: ZoneId) {
        if self.dns.list(zone) {
            let name = self.zone_name(zone);
            self.probes.timeline.note(now, Weight::Step, None, "dns/listed", u64::from(zone.0), || {
                format!("address in {name} is in DNS again")
            });
        }
    }
}
