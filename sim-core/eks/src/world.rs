//! The world: all stations, and who answers which event.

use crate::cluster::ClusterState;
use crate::event::{Event, Future};
use crate::ids::Component;
use crate::plan::Plan;
use crate::probes::Probes;
use sim_kernel::{Model, RunKey, SimTime};
use std::sync::Arc;

/// Everything that exists in a run.
#[derive(Clone)]
pub struct World {
    /// What is run.
    pub(crate) plan: Arc<Plan>,
    /// The key of every random draw.
    pub(crate) key: RunKey,
    /// Nodes, pods, deployments, node groups and the controllers that act on them.
    pub(crate) cluster: ClusterState,
    /// What is measured.
    pub(crate) probes: Probes,
}

impl Model for World {
    type Event = Event;

    fn handle(&mut self, now: SimTime, event: Event, future: &mut Future) {
        match event {
            Event::NodeLifecycle(generation, clock) => self.node_lifecycle(now, generation, clock, future),
            Event::TolerationEnds(node, generation) => self.toleration_ends(now, node, generation, future),
            Event::CloudNodeTick(generation) => self.cloud_node_tick(now, generation, future),
            Event::PodGcTick(generation) => self.pod_gc_tick(now, generation, future),
            Event::Dispatch(component, generation) => self.dispatch(now, component, generation, future),
            Event::Reconcile(deployment, generation) => self.reconcile(now, deployment, generation, future),
            Event::Scheduler(generation, clock) => self.scheduler(now, generation, clock, future),
            Event::Pod(pod, generation, step) => self.pod(now, pod, generation, step, future),
            Event::Instance(node, generation, step) => self.instance(now, node, generation, step, future),
            Event::NodeGroup(group) => self.node_group(now, group, future),
            _ => {}
        }
    }
}
