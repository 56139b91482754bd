//! A standard control plane grows and shrinks with its load:
//!
//! ```text
//! Scaling: a look at cores, seats and nodes -> too small, or too large for long -> a rolling replacement by another size
//! ```

use crate::event::{Event, Future};
use crate::plan::Plan;
use crate::quantity::Tier;
use crate::record::Weight;
use crate::stations::control_plane::{Kind, Reason, Role};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const PHASE: Purpose = Purpose::new("scaling/phase");

/// The step of growth that a number of nodes demands.
pub(crate) fn step_for(plan: &Plan, nodes: u64) -> u8 {
    let scaling = &plan.parameters.scaling;
    if !scaling.enabled || plan.parameters.control_plane.tier != Tier::Standard {
        return 0;
    }
    u8::from(nodes >= scaling.second_step_nodes) + u8::from(nodes >= scaling.third_step_nodes)
}

impl World {
    /// The provider looks from time to time.
    pub(crate) fn scaling_runs(&mut self, future: &mut Future) {
        let scaling = &self.plan.parameters.scaling;
        if scaling.enabled {
            let phase = self.key.draw(PHASE, 0, 0).uniform();
            future.schedule(SimTime::ZERO + scaling.period.scaled(phase), Event::Scaling);
        }
    }

    /// The provider looks at the load, unless an update is under way or the tier is provisioned.
    #[cold]
    pub(crate) fn scaling_looks(&mut self, now: SimTime, future: &mut Future) {
        future.schedule(now + self.plan.parameters.scaling.period, Event::Scaling);
        let used = self.share_in_use();
        let kind = self.fleet.kind();
        if self.fleet.roll().is_some() || kind.tier != Tier::Standard {
            return;
        }
        let demanded = step_for(&self.plan, self.cluster.node_objects());
        let Some(step) = self.scaling.look(used, demanded, kind.step, &self.plan.parameters.scaling) else { return };
        let what = if step > kind.step { "grows" } else { "shrinks" };
        let subject = u64::from(self.fleet.rolls());
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "control-plane/scales", subject, || {
            format!("standard control plane {what} with its load: larger or smaller API servers come")
        });
        self.roll_begins(now, Reason::Scaling, Kind { step, ..kind }, cause, future);
    }

    /// The larger share of the cores, since the last look, and of the seats that is in use.
    fn share_in_use(&mut self) -> f64 {
        let period = self.plan.parameters.scaling.period.as_secs_f64();
        let serving: Vec<usize> = self.fleet.with(Role::Serving).map(|server| server.index()).collect();
        let (mut cpu, mut cores, mut inside, mut seats) = (0.0, 0.0, 0.0, 0.0);
        for server in serving {
            let process = &mut self.api_servers[server];
            cpu += process.cpu_since_asked().as_secs_f64();
            cores += process.cores.count() as f64;
            inside += process.flow_control.inside() as f64;
            seats += process.seats as f64;
        }
        if cores == 0.0 {
            return 0.0;
        }
        (cpu / (cores * period)).max(inside / seats)
    }
}
