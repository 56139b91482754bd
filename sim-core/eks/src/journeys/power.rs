//! Faults of the control plane and their ends: a zone without power, an API server or an etcd member that stops, a process
//! that crashes.
//!
//! ```text
//! zone dark: NLB node, API server, etcd member, instances stop at once -> connections fall silent -> timers find out
//! power back: instances boot, the member and the server start, unless another fault holds them down
//! crash:     the kernel resets the process's connections and refuses new ones -> the process starts again
//! ```

use crate::event::{CandidateStep, Event, Future, Part};
use crate::ids::{ApiServerId, Component, DeploymentId, GroupId, MemberId};
use crate::plan::{Change, PartitionTarget, ZoneId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::Role;
use crate::stations::network::{Address, ConnectionState};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const START: Purpose = Purpose::new("power/start");
const RESTART: Purpose = Purpose::new("power/restart");

const NO_SERVER: &str = "fault finds no living API server: nothing happens";

impl World {
    /// Sets the time of a step of the plan, if there is one: steps of one instant keep the plan's order.
    pub(crate) fn await_step(&mut self, index: u32, future: &mut Future) {
        if let Some(step) = self.plan.steps.get(index as usize) {
            future.schedule(step.at.max(future.now()), Event::Step(index));
        }
    }

    /// A step of the plan is due.
    #[cold]
    pub(crate) fn step(&mut self, now: SimTime, index: u32, future: &mut Future) {
        self.await_step(index + 1, future);
        self.end_steps(now, future);
        let change = self.plan.steps[index as usize].change.clone();
        if let Some(lasts) = change.lasts() {
            self.open_steps.push((now + lasts, index));
            future.schedule(now + lasts, Event::StepEnds);
        }
        self.change(now, index, &change, future);
    }

    /// Faults whose time is over end, in the plan's order. At one instant ends come before beginnings.
    pub(crate) fn end_steps(&mut self, now: SimTime, future: &mut Future) {
        let mut due: Vec<u32> = self.open_steps.iter().filter(|(end, _)| *end <= now).map(|(_, step)| *step).collect();
        self.open_steps.retain(|(end, _)| *end > now);
        due.sort_unstable();
        for index in due {
            self.step_ends(now, index, future);
        }
    }

    /// Makes a change of the plan happen now. `index` tells one change from another.
    pub(crate) fn change(&mut self, now: SimTime, index: u32, change: &Change, future: &mut Future) {
        self.first_fault = self.first_fault.or(change.is_fault().then_some(now));
        match *change {
            Change::ZonePowerLoss { zone, .. } => self.zone_loses_power(now, index, zone, future),
            Change::ApiServerLoss { zone, .. } => {
                self.lose_server_alone(now, index, zone, future);
            }
            Change::ApiServerCrash { zone } => match self.server_to_strike(zone) {
                Some(server) => self.server_crashes(now, server, None, future),
                None => self.no_target(now, index, NO_SERVER),
            },
            Change::EtcdMemberLoss { zone, .. } => {
                let member = zone.map_or_else(|| self.etcd.leader(), |zone| self.member_in(zone));
                self.lose_member_alone(now, index, member, future);
            }
            Change::EtcdPartition { target, .. } => self.partition_etcd(now, index, target, future),
            Change::NodeLoss { zone, share, .. } => {
                let name = self.zone_name(zone);
                let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/loss", u64::from(index), || {
                    format!("{:.0} % of the nodes in {name} stop", share * 100.0)
                });
                self.nodes_stop(now, index, zone, share, cause, future);
            }
            Change::StsTrouble { trouble, .. } => {
                self.sts_fails(now, index, trouble);
            }
            Change::ZoneImpairment { zone, ref latency, loss, .. } => {
                self.zone_impaired(now, index, zone, latency, loss)
            }
            Change::ZoneCut { zone, internet, .. } => self.zone_cut_off(now, index, zone, internet, future),
            Change::EndpointAccess { .. }
            | Change::SecurityRule { .. }
            | Change::NatLoss { .. }
            | Change::InterfaceLoss { .. }
            | Change::ServiceEndpointLoss { .. }
            | Change::DeleteCluster { .. } => self.network_changes(now, index, change, future),
            Change::UpgradeControlPlane => self.upgrade_begins(now, future),
            Change::ChangeTier { tier } => self.tier_change_begins(now, tier, future),
            Change::RestartApiServers => self.restarts_begin(now, future),
            Change::ZonalShift { zone, .. } => self.shift_zone(now, zone, true, future),
            Change::EtcdStorage { ref what, .. } => self.storage_change(now, index, what, future),
            Change::ScaleDeployment { deployment, replicas } => {
                self.scale_deployment(now, DeploymentId(deployment as u32), replicas, future);
            }
            Change::UpdateDeployment { deployment } => {
                self.update_deployment(now, index, DeploymentId(deployment as u32), future);
            }
            Change::ChangeLoad { deployment, milli_cpu } => {
                self.load_changes(now, index, DeploymentId(deployment as u32), milli_cpu);
            }
            Change::UpdateNodeGroup { node_group, max_unavailable, force } => {
                self.update_node_group(now, index, GroupId(node_group as u16), (max_unavailable, force), future);
            }
            Change::DrainNodes { node_group, nodes } => {
                self.drain_nodes(now, index, GroupId(node_group as u16), nodes, future);
            }
            Change::OutOfService { zone, .. } => self.put_out_of_service(now, index, zone, true, future),
            Change::UpdateDaemonSet { daemon_set } => self.update_daemon_set(now, index, daemon_set, future),
            Change::ForceDeletePods { deployment } => {
                self.force_delete(now, index, DeploymentId(deployment as u32), future);
            }
            Change::WebhookTrouble { webhook, trouble, .. } => self.webhook_fails(now, index, webhook, trouble),
            Change::RestartWorkload { workload } => self.workload_restarts(now, workload as u32, future),
            Change::CapacityShortage { zone, node_group, .. } => self.capacity_runs_short(now, index, zone, node_group),
            Change::ScaleNodeGroup { node_group, desired } => {
                self.scale_node_group(now, GroupId(node_group as u16), desired, future);
            }
        }
    }

    /// A fault of the plan ends.
    fn step_ends(&mut self, now: SimTime, index: u32, future: &mut Future) {
        if let Some(what) = self.plan.steps[index as usize].change.storage().cloned() {
            return self.storage_change_ends(now, index, &what, future);
        }
        match self.plan.steps[index as usize].change {
            Change::ZonePowerLoss { zone, .. } => self.zone_regains_power(now, zone, future),
            Change::ApiServerLoss { .. } | Change::EtcdMemberLoss { .. } => self.let_go(now, index, future),
            Change::EtcdPartition { .. } => self.members_meet_again(now, index, future),
            Change::NodeLoss { .. } => {
                let cause = self.probes.timeline.note(now, Weight::Turn, None, "node/return", u64::from(index), || {
                    "the stopped nodes start again".to_owned()
                });
                self.nodes_return(now, index, cause, future);
            }
            Change::StsTrouble { .. } => self.sts_recovers(now, index),
            Change::ZonalShift { zone, .. } => self.shift_zone(now, zone, false, future),
            Change::NatLoss { .. } | Change::InterfaceLoss { .. } | Change::ServiceEndpointLoss { .. } => {
                self.network_fault_ends(now, index, future);
            }
            Change::ApiServerCrash { .. }
            | Change::EndpointAccess { .. }
            | Change::SecurityRule { .. }
            | Change::DeleteCluster { .. }
            | Change::UpgradeControlPlane
            | Change::ChangeTier { .. }
            | Change::RestartApiServers
            | Change::EtcdStorage { .. }
            | Change::ScaleDeployment { .. }
            | Change::UpdateDeployment { .. }
            | Change::ChangeLoad { .. }
            | Change::DrainNodes { .. }
            | Change::UpdateNodeGroup { .. }
            | Change::ForceDeletePods { .. }
            | Change::UpdateDaemonSet { .. }
            | Change::RestartWorkload { .. }
            | Change::ScaleNodeGroup { .. } => {}
            Change::OutOfService { zone, .. } => self.put_out_of_service(now, index, zone, false, future),
            Change::ZoneImpairment { .. } => self.zone_cleared(now, index),
            Change::ZoneCut { zone, internet, .. } => self.zone_reached_again(now, index, zone, internet, future),
            Change::CapacityShortage { .. } => self.capacity_returns(now, index),
            Change::WebhookTrouble { webhook, .. } => self.webhook_recovers(now, index, webhook),
        }
    }

    fn zone_loses_power(&mut self, now: SimTime, index: u32, zone: ZoneId, future: &mut Future) {
        let name = self.zone_name(zone);
        let cause = self.turn(now, None, "zone/dark", index, zone, || format!("zone {name} loses power"));
        if !self.zones.lose_power(zone, now, cause) {
            return;
        }
        self.zone_power_lost(now, zone, cause, future);
        self.hosts_die(now, zone);
        if self.nlb.has_node(zone) {
            self.address_dies(now, zone, future);
        }
        for server in self.servers_in(zone) {
            self.server_dies(now, server, cause, future);
        }
        for member in self.members_in(zone) {
            self.member_dies(now, member, cause, future);
        }
        self.silence_broken(now, cause, future);
        self.interfaces_turn(now, cause, future);
    }

    fn zone_regains_power(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        if self.zones.has_power(zone) {
            return;
        }
        let name = self.zone_name(zone);
        let cause = self.zones.dark_since(zone).and_then(|(_, cause)| cause);
        let cause = self.turn(now, cause, "zone/lit", 0, zone, || format!("power returns to zone {name}"));
        self.zones.regain_power(zone);
        self.zone_power_returned(now, zone, cause, future);
        for server in self.servers_in(zone) {
            if self.fleet.at(server).role == Role::Serving {
                self.start_later(now, Part::ApiServer(server), future);
            }
        }
        if self.nlb.has_node(zone) {
            self.address_lives(now, zone, future);
        }
        for member in self.members_in(zone) {
            self.start_later(now, Part::EtcdMember(member), future);
        }
        let up: Vec<bool> = self.api_servers.iter().map(|server| server.is_up()).collect();
        self.reset_silent(now, |_, server| up[server.index()], future);
        self.interfaces_turn(now, cause, future);
        self.dials_hear(now, future);
    }

    /// Notes a turn of what happens to a zone, and keeps it as the zone's story.
    pub(crate) fn turn(
        &mut self,
        now: SimTime,
        cause: Cause,
        kind: &'static str,
        index: u32,
        zone: ZoneId,
        text: impl FnOnce() -> String,
    ) -> Cause {
        let subject = u64::from(index) << 8 | u64::from(zone.0);
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, kind, subject, text);
        self.stories[zone.index()] = noted;
        noted
    }

    fn lose_server_alone(&mut self, now: SimTime, index: u32, zone: Option<ZoneId>, future: &mut Future) {
        let Some(server) = self.server_to_strike(zone) else { return self.no_target(now, index, NO_SERVER) };
        let zone = self.api_servers[server.index()].zone;
        self.hold_down(index, Part::ApiServer(server));
        let name = self.zone_name(zone);
        let cause = self.turn(now, None, "server/lost", index, zone, || format!("API server in {name} stops silently"));
        self.server_dies(now, server, cause, future);
    }

    /// A running API server of a zone, or the one beside the controllers' leader.
    fn server_to_strike(&self, zone: Option<ZoneId>) -> Option<ApiServerId> {
        let leader = || self.leader(Component::ControllerManager).map(|(server, _)| server).into_iter().collect();
        let candidates = zone.map_or_else(leader, |zone| self.servers_in(zone));
        candidates.into_iter().find(|server| self.api_servers[server.index()].is_up())
    }

    fn lose_member_alone(&mut self, now: SimTime, index: u32, member: Option<MemberId>, future: &mut Future) {
        let Some(member) = member.filter(|member| self.etcd.is_up(*member)) else {
            return self.no_target(now, index, "fault finds no living etcd member: nothing happens");
        };
        self.hold_down(index, Part::EtcdMember(member));
        self.member_dies(now, member, None, future);
    }

    fn partition_etcd(&mut self, now: SimTime, index: u32, target: PartitionTarget, future: &mut Future) {
        let members = match target {
            PartitionTarget::Leader => self.etcd.leader().into_iter().collect(),
            PartitionTarget::Zone(zone) => self.members_in(zone),
            PartitionTarget::All => self.etcd.ids().collect(),
        };
        if members.is_empty() {
            return self.no_target(now, index, "fault finds no such etcd member: nothing happens");
        }
        self.cut_members_off(now, index, members, future);
    }

    pub(crate) fn no_target(&mut self, now: SimTime, index: u32, text: &str) {
        self.probes.timeline.note(now, Weight::Turn, None, "fault/no-target", u64::from(index), || text.to_owned());
    }

    /// A fault holds a part of the control plane down until it ends: power alone does not bring it back.
    fn hold_down(&mut self, index: u32, part: Part) {
        self.struck[index as usize] = Some(part);
        self.held_down.retain(|(held, _)| *held != part);
        self.held_down.push((part, index));
    }

    /// A fault lets a part go: it starts again, if it has power.
    fn let_go(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let Some(part) = self.struck[index as usize] else { return };
        let held = self.held_down.len();
        self.held_down.retain(|(_, step)| *step != index);
        if self.held_down.len() < held {
            self.start_later(now, part, future);
        }
    }

    /// The machine of an API server dies silently, with the components on it.
    fn server_dies(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        if self.api_servers[server.index()].is_silent() {
            return;
        }
        for component in Component::ALL {
            self.candidate_stops(now, component, server, cause);
        }
        self.token_caches[server.index()].forgets_all();
        let had = self.api_servers[server.index()].die(now, cause);
        self.drop_all_from_server(had);
        self.silence_broken(now, cause, future);
        self.interfaces_turn(now, cause, future);
        self.will_be_found_dead(now, server, future);
    }

    /// The process of an API server dies, while its machine and the components on it live on: the kernel resets its
    /// connections and refuses new ones until the process runs again.
    pub(crate) fn server_crashes(&mut self, now: SimTime, server: ApiServerId, cause: Cause, future: &mut Future) {
        if !self.api_servers[server.index()].is_up() {
            return;
        }
        let zone = self.api_servers[server.index()].zone;
        let (name, life) = (self.zone_name(zone), self.api_servers[server.index()].life());
        let cause =
            self.turn(now, cause, "server/crash", life, zone, || format!("API server in {name} crashes")).or(cause);
        self.token_caches[server.index()].forgets_all();
        let had = self.api_servers[server.index()].crash(now, cause);
        self.drop_all_from_server(had);
        self.reset_by_the_machine(now, server, cause, future);
        self.interfaces_turn(now, cause, future);
        let life = self.api_servers[server.index()].life();
        let draw = &mut self.key.draw(RESTART, u64::from(server.0), u64::from(life));
        let time = self.plan.parameters.api_server.restart_time.duration(draw);
        future.schedule(now + time, Event::Start(Part::ApiServer(server), life));
    }

    /// Something starts once it has power and its time has passed.
    fn start_later(&mut self, now: SimTime, part: Part, future: &mut Future) {
        let parameters = &self.plan.parameters;
        let (law, entity, life) = match part {
            Part::ApiServer(server) => {
                let life = self.api_servers[server.index()].life();
                (&parameters.api_server.start_time, u64::from(server.0) << 1, life)
            }
            Part::EtcdMember(member) => {
                (&parameters.etcd.member_start_time, u64::from(member.0) << 1 | 1, self.etcd.life(member))
            }
        };
        let time = law.duration(&mut self.key.draw(START, entity, u64::from(life)));
        future.schedule(now + time, Event::Start(part, life));
    }

    /// A part of the control plane starts, unless it has died again or has no power.
    pub(crate) fn start(&mut self, now: SimTime, part: Part, life: u32, future: &mut Future) {
        if self.is_held_down(part) {
            return;
        }
        match part {
            Part::ApiServer(server) => {
                let process = &self.api_servers[server.index()];
                let gone = self.fleet.at(server).role == Role::Gone || process.life() != life || process.is_up();
                match self.zones.has_power(process.zone) {
                    _ if gone => {}
                    true => self.server_starts(now, server, future),
                    false => self.will_be_found_dead(now, server, future),
                }
            }
            Part::EtcdMember(member) => {
                let has_power = self.zones.has_power(self.member_zone(member));
                let is_replaced = self.etcd_replacements[member.index()].is_some();
                if has_power && !is_replaced && self.etcd.life(member) == life && !self.etcd.is_up(member) {
                    self.member_starts(now, member, future);
                }
            }
        }
    }

    fn server_starts(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let zone = self.api_servers[server.index()].zone;
        let cause = self.api_servers[server.index()].down_since().and_then(|(_, cause)| cause);
        let name = self.zone_name(zone);
        let launched = self.fleet.at(server).role == Role::Launching;
        let what = if launched { "starts: it is new" } else { "answers again" };
        let subject = u32::from(launched) * u32::from(server.0);
        self.turn(now, cause, "server/back", subject, zone, || format!("API server in {name} {what}"));
        let (etcd, boots) = (&self.etcd, self.api_servers[server.index()].is_silent());
        self.api_servers[server.index()].start(|member| etcd.serves(member));
        self.api_servers[server.index()].watch_cache.starts(now);
        if self.etcd_is_balanced() {
            self.dial_etcd(now, server, future);
        }
        self.reset_silent(now, |_, other| other == server, future);
        self.dials_hear(now, future);
        self.make_first_lists(now, server, future);
        if !boots {
            return; // the components on the machine live on, and dial their loopbacks themselves
        }
        for component in Component::ALL {
            self.connect_loopback(self.loopbacks[component.index()][server.index()], server);
            let generation = self.leases[component.index()].generation(server);
            future.schedule(now, Event::Candidate(component, server, generation, CandidateStep::Restarted));
        }
    }

    /// The loopback of a component reaches the API server of its instance, if that is up.
    pub(crate) fn connect_loopback(&mut self, slot: u32, server: ApiServerId) {
        let process = &self.api_servers[server.index()];
        let open = ConnectionState::Open { through: Address::balancer(process.zone), server, silent: None };
        let state = if process.is_up() { open } else { ConnectionState::Closed };
        self.connections.turn(slot, state);
    }
}
