//! A HorizontalPodAutoscaler at work, every fifteen seconds:
//!
//! ```text
//! load -> metrics-server scrapes -> a worker: ReadMetrics -> ratio and policies -> ScaleDeployment -> its controller
//! ```

use crate::aim::Aim;
use crate::event::{Event, Future};
use crate::ids::{Controller, DeploymentId};
use crate::record::Weight;
use crate::stations::services::autoscaler::{Rule, Sample};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const AUTOSCALERS: Controller = Controller::HorizontalPodAutoscaler;
const PHASE: Purpose = Purpose::new("autoscaler/phase");
const SCRAPE: Purpose = Purpose::new("autoscaler/scrape");

impl World {
    /// The controller begins: it looks at every autoscaler within its first period, and remembers nothing.
    pub(crate) fn autoscalers_begin(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        let period = self.plan.parameters.hpa.sync_period;
        for (index, planned) in self.plan.deployments.iter().enumerate() {
            if planned.control.autoscaler.is_some() {
                self.cluster.autoscalers[index].begins();
                let phase = self.key.draw(PHASE, index as u64, u64::from(generation)).uniform();
                future.schedule(now + period.scaled(phase), Event::Work(AUTOSCALERS, index as u32, generation));
            }
        }
    }

    /// The load on a workload changes.
    pub(crate) fn load_changes(&mut self, now: SimTime, index: u32, deployment: DeploymentId, milli_cpu: u64) {
        let name = &self.plan.deployments[deployment.index()].name;
        let note = || format!("the load on {name} is {milli_cpu}m of CPU");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "workload/load", u64::from(index), note);
        let load = &mut self.cluster.loads[deployment.index()];
        load.changes(now, milli_cpu);
        load.story = cause;
    }

    /// A worker takes an autoscaler: it asks for metrics first.
    pub(crate) fn sync_autoscaler(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) -> bool {
        let cause = self.cluster.loads[deployment.index()].story;
        self.order(now, Aim::ReadMetrics(deployment), cause, future);
        true
    }

    /// The metrics have come, or not: the autoscaler orders another number of pods if it wants one.
    pub(crate) fn metrics_answered(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        succeeded: bool,
        future: &mut Future,
    ) {
        let wanted = self.cluster.deployments[deployment.index()].wanted();
        match self.autoscaled(now, deployment).filter(|count| succeeded && *count != wanted) {
            Some(count) => {
                let cause = self.cluster.loads[deployment.index()].story;
                self.order(now, Aim::ScaleDeployment(deployment, count), cause, future);
            }
            None => self.autoscaler_answered(now, deployment, future),
        }
    }

    /// The number of pods by the rule of an autoscaler; `None` without one, or without metrics.
    fn autoscaled(&mut self, now: SimTime, deployment: DeploymentId) -> Option<u32> {
        let planned = &self.plan.deployments[deployment.index()];
        let bounds = planned.control.autoscaler?;
        let hpa = &self.plan.parameters.hpa;
        let phase = hpa.metrics_period.scaled(self.key.draw(SCRAPE, 0, 0).uniform());
        let used_milli_cpu = self.cluster.loads[deployment.index()].known(now, hpa.metrics_period, phase)?;
        let state = &self.cluster.deployments[deployment.index()];
        let sets = state.sets().iter();
        let ready = sets.map(|set| self.cluster.replica_sets[set.index()].has().ready).sum();
        let requested_milli_cpu = planned.requests.milli_cpu;
        let sample = Sample { replicas: state.wanted(), ready, used_milli_cpu, requested_milli_cpu };
        let rule = Rule {
            min: bounds.min,
            max: bounds.max,
            target: bounds.target,
            tolerance: hpa.tolerance,
            stabilization: hpa.scale_down_stabilization,
            period: hpa.scale_up_period,
        };
        Some(self.cluster.autoscalers[deployment.index()].look(now, sample, rule))
    }

    /// A worker is done with an autoscaler, which comes again a period later.
    pub(crate) fn autoscaler_answered(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) {
        let Some((_, generation)) = self.leader(AUTOSCALERS.component()) else { return };
        let again = now + self.plan.parameters.hpa.sync_period;
        future.schedule(again, Event::Work(AUTOSCALERS, deployment.0, generation));
        self.sync_ends(now, AUTOSCALERS, deployment.0, true, future);
    }
}
