//! A rolling replacement of the API servers: a new version, another tier, larger or smaller instances.
//!
//! ```text
//! all new ones are launched -> healthy for the load balancer -> Roll: an old one is told to stop, and so on -> over
//!                           -> not healthy for too long: the old kind returns
//! ```

use super::etcd_storage::GIGABYTE;
use crate::event::{Event, Future};
use crate::ids::ApiServerId;
use crate::journeys::scaling::step_for;
use crate::placement::CONTROL_PLANE_ZONES;
use crate::plan::{Plan, ZoneId};
use crate::probes::Cause;
use crate::quantity::Tier;
use crate::record::Weight;
use crate::stations::control_plane::{Kind, Reason, Role, Roll};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const TIME: Purpose = Purpose::new("control-plane/roll-time");

/// What the API servers of a plan are when the run begins.
pub(crate) fn kind_at_start(plan: &Plan) -> Kind {
    let step = step_for(plan, u64::from(plan.cluster.nodes()));
    Kind { minor: plan.cluster.version.minor, tier: plan.parameters.control_plane.tier, step }
}

impl World {
    /// Somebody upgrades the control plane to the next minor version.
    pub(crate) fn upgrade_begins(&mut self, now: SimTime, future: &mut Future) {
        let kind = Kind { minor: self.fleet.kind().minor + 1, ..self.fleet.kind() };
        let text = format!("upgrade of the control plane to 1.{} begins", kind.minor);
        self.update_begins(now, Reason::Upgrade, kind, text, future);
    }

    /// Somebody moves the control plane to another tier.
    pub(crate) fn tier_change_begins(&mut self, now: SimTime, tier: Tier, future: &mut Future) {
        let (size, most) =
            (self.database.largest_file() as f64 / GIGABYTE, self.plan.parameters.control_plane.standard_database_gb);
        if tier == Tier::Standard && self.fleet.kind().tier != tier && size > most {
            let text = || format!("move to {tier} is refused: etcd's database has {size:.2} GB, more than {most:.0}");
            self.probes.timeline.note(now, Weight::Turn, None, "control-plane/too-large", 0, text);
            return;
        }
        let step = if tier == Tier::Standard { step_for(&self.plan, self.cluster.node_objects()) } else { 0 };
        let kind = Kind { tier, step, ..self.fleet.kind() };
        let text = format!("move of the control plane from {} to {tier} begins", self.fleet.kind().tier);
        self.update_begins(now, Reason::Tier, kind, text, future);
    }

    /// An update begins, unless one is under way: EKS refuses parallel ones.
    fn update_begins(&mut self, now: SimTime, reason: Reason, kind: Kind, text: String, future: &mut Future) {
        if self.update_is_refused(now, None) {
            return;
        }
        let cause = self.note_update(now, text);
        self.roll_begins(now, reason, kind, cause, future);
    }

    /// Whether EKS refuses an update: nothing would change, another one is under way, or the subnets of the control plane lack addresses for the
    /// interfaces of new API servers.
    pub(crate) fn update_is_refused(&mut self, now: SimTime, no_change: Option<&str>) -> bool {
        let (free, needed) = (self.free_control_plane_addresses(), self.plan.parameters.endpoint.addresses_for_update);
        let is_rolling = self.fleet.roll().is_some();
        let why = match (is_rolling || self.vpc.update().is_some(), no_change) {
            (true, _) if self.vpc.update().is_none() => {
                "another one is in progress: API servers are being replaced".to_owned()
            }
            (true, _) => "another one is in progress: that of the endpoint's access".to_owned(),
            (false, Some(same)) => same.to_owned(),
            (false, None) if free < needed => {
                format!("the subnets of the control plane have {free} free addresses, and {needed} are needed")
            }
            (false, None) => return false,
        };
        let subject = u64::from(self.fleet.rolls()) + 1;
        let text = || format!("update of the control plane is refused: {why}");
        self.probes.timeline.note(now, Weight::Turn, None, "control-plane/refused", subject, text);
        true
    }

    pub(crate) fn note_update(&mut self, now: SimTime, text: String) -> Cause {
        let subject = u64::from(self.fleet.rolls()) + 1;
        self.probes.timeline.note(now, Weight::Turn, None, "control-plane/update", subject, || text)
    }

    /// How long the next replacement takes by the provider's plan.
    pub(crate) fn roll_time(&self, reason: Reason) -> SimDuration {
        let control_plane = &self.plan.parameters.control_plane;
        let law = match reason {
            Reason::Upgrade => &control_plane.upgrade_time,
            Reason::Tier => &control_plane.tier_time,
            Reason::Scaling => &self.plan.parameters.scaling.delay,
            Reason::Access => &self.plan.parameters.endpoint.update_time,
        };
        law.duration(&mut self.key.draw(TIME, u64::from(self.fleet.rolls()), 0))
    }

    /// All new instances are launched; the old ones will go one by one.
    pub(crate) fn roll_begins(&mut self, now: SimTime, reason: Reason, kind: Kind, cause: Cause, future: &mut Future) {
        let lasts = self.roll_time(reason);
        let old: Vec<ApiServerId> = self.fleet.with(Role::Serving).chain(self.fleet.with(Role::Launching)).collect();
        let count = match kind.tier == self.fleet.kind().tier {
            true => self.fleet.wanted(),
            false => self.parameters_of(kind).api_server.count as usize,
        };
        let zones = self.zones_like(&old, count);
        let new: Vec<ApiServerId> =
            zones.into_iter().filter_map(|zone| self.launch_server(now, zone, kind, cause, future)).collect();
        if new.len() < count {
            let text =
                || "update of the control plane is given up: a run has at most 255 API server instances".to_owned();
            self.note_roll(now, cause, "control-plane/no-instance", text);
            return new.into_iter().for_each(|server| self.fleet.set_role(server, Role::Gone));
        }
        self.set_rolling(
            Roll { reason, kind, began: now, lasts, old, new, removed: 0, returning: false, cause },
            count,
            future,
        );
    }

    /// A replacement is under way, after which `wanted` instances will be there.
    fn set_rolling(&mut self, roll: Roll, wanted: usize, future: &mut Future) {
        let next = roll.next_removal();
        let generation = self.fleet.begin_roll(roll, wanted);
        future.schedule(next, Event::Roll(generation));
    }

    /// Zones for `count` new instances: those of the old ones in turn, another one instead of a dark one.
    fn zones_like(&self, old: &[ApiServerId], count: usize) -> Vec<ZoneId> {
        let mut zones: Vec<ZoneId> = Vec::new();
        for place in 0..count {
            let like = old.get(place).copied();
            let same =
                like.map(|server| self.api_servers[server.index()].zone).filter(|zone| self.zones.has_power(*zone));
            let holds = |zone: &ZoneId| zones.iter().filter(|taken| *taken == zone).count();
            let lit = (0..CONTROL_PLANE_ZONES).map(ZoneId).filter(|zone| self.zones.has_power(*zone));
            let fewest = lit.min_by_key(|zone| (holds(zone), zone.0));
            zones.push(same.or(fewest).unwrap_or(ZoneId(0)));
        }
        zones
    }

    /// The replacement under way looks whether the next old instance can go; one of an earlier replacement does nothing.
    #[cold]
    pub(crate) fn roll_goes_on(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        if generation != self.fleet.rolls() {
            return;
        }
        let Some(roll) = self.fleet.roll() else { return };
        let healthy = roll.new.iter().all(|server| self.nlb.is_healthy_everywhere(*server));
        let next = roll.old.get(roll.removed).copied();
        let gone = roll.old.iter().all(|server| self.fleet.at(*server).role == Role::Gone);
        let patience = self.plan.parameters.control_plane.roll_patience;
        let (late, cause) = (now >= roll.began + roll.lasts + patience, roll.cause);
        let poll = now + self.plan.parameters.control_plane.roll_poll;
        match next {
            Some(old) if healthy => self.remove_old(now, old, cause, generation, future),
            Some(_) if late => self.roll_returns(now, future),
            None if gone => self.roll_ends(now),
            _ => future.schedule(poll, Event::Roll(generation)),
        }
    }

    fn remove_old(&mut self, now: SimTime, old: ApiServerId, cause: Cause, generation: u32, future: &mut Future) {
        self.fleet.set_role(old, Role::Leaving);
        if self.api_servers[old.index()].listens() {
            self.server_stops(now, old, cause, future);
        } else {
            self.deregister_target(now, old, future);
            self.instance_goes(now, old, cause, future);
        }
        let roll = self.fleet.roll_mut().expect("it goes on");
        roll.removed += 1;
        let planned = roll.next_removal();
        let next = planned.max(now + self.plan.parameters.control_plane.restart_gap);
        future.schedule(next, Event::Roll(generation));
    }

    fn roll_ends(&mut self, now: SimTime) {
        let Some(roll) = self.fleet.end_roll() else { return };
        let took = now.saturating_since(roll.began);
        self.price_control_plane(now);
        if !self.has_journal() {
            let parameters = self.parameters_of(self.fleet.kind());
            self.database.set_quota((parameters.etcd.quota_gb * GIGABYTE) as u64);
        }
        let what = match roll.reason {
            Reason::Upgrade => format!("control plane runs 1.{}", roll.kind.minor),
            Reason::Tier => format!("control plane is of the tier {}", roll.kind.tier),
            Reason::Scaling => "control plane has its new size".to_owned(),
            Reason::Access => "API servers are replaced for the new access".to_owned(),
        };
        self.note_roll(now, roll.cause, "control-plane/updated", move || {
            format!("{what} after {:.1} min", took.as_secs_f64() / 60.0)
        });
    }

    /// The new instances do not come up: the provider returns to the old kind.
    fn roll_returns(&mut self, now: SimTime, future: &mut Future) {
        self.fleet.roll_mut().expect("it goes on").returning = true;
        let Some(roll) = self.fleet.end_roll() else { return };
        let cause = self.note_roll(now, roll.cause, "control-plane/returns", || {
            "new API servers stay unhealthy: the control plane returns to what it was".to_owned()
        });
        let (serving, failed): (Vec<ApiServerId>, Vec<ApiServerId>) =
            roll.new.iter().partition(|server| self.fleet.at(**server).role == Role::Serving);
        for server in failed {
            self.instance_goes(now, server, cause, future);
        }
        let zones = self.zones_like(&roll.old[..roll.removed], roll.removed);
        let kind = self.fleet.kind();
        let new = zones.into_iter().filter_map(|zone| self.launch_server(now, zone, kind, cause, future)).collect();
        let back = Roll { kind, began: now, old: serving, new, removed: 0, returning: false, cause, ..roll };
        self.set_rolling(back, self.fleet.wanted(), future);
    }

    fn note_roll(&mut self, now: SimTime, cause: Cause, kind: &'static str, text: impl FnOnce() -> String) -> Cause {
        let subject = u64::from(self.fleet.rolls());
        self.probes.timeline.note(now, Weight::Turn, cause, kind, subject, text).or(cause)
    }
}
