//! The end of pods whose Node is deleted, or out of service: quarantine of the node -> a look of the collector -> ForceDeletePod.

use crate::aim::Aim;
use crate::cluster::Clock;
use crate::event::{Event, Future};
use crate::ids::Component;
use crate::world::World;
use sim_kernel::SimTime;

const CONTROLLERS: Component = Component::ControllerManager;

impl World {
    /// The collector begins; every quarantine starts again.
    pub(crate) fn pod_gc_begins(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        self.cluster.pod_gc.begins();
        let period = self.plan.parameters.controllers.pod_gc_period;
        let first = self.first_tick(now, period, generation, Clock::PodGc);
        future.schedule(first, Event::PodGcTick(generation));
    }

    /// It looks for pods that have ended beyond its threshold, for those of nodes that no longer exist, and for
    /// Terminating ones of nodes out of service.
    #[cold]
    pub(crate) fn pod_gc_tick(&mut self, now: SimTime, generation: u32, future: &mut Future) {
        if !self.acts(CONTROLLERS, generation) {
            return;
        }
        future.schedule(now + self.plan.parameters.controllers.pod_gc_period, Event::PodGcTick(generation));
        for pod in self.cluster.pod_gc.finished_beyond(self.plan.parameters.controllers.terminated_pod_threshold) {
            if self.cluster.pod_gc.must_delete(pod) {
                self.order(now, Aim::ForceDeletePod(pod), None, future);
            }
        }
        for (pod, cause) in self.terminating_out_of_service() {
            if self.cluster.pod_gc.must_delete(pod) {
                self.order(now, Aim::ForceDeletePod(pod), cause, future);
            }
        }
        let nodes = &self.cluster.nodes;
        for node in self.cluster.pod_gc.look(now, |node| !nodes[node.index()].pods().is_empty()) {
            let cause = self.cluster.nodes[node.index()].story;
            let mut pods = self.cluster.nodes[node.index()].pods().to_vec();
            pods.retain(|pod| self.cluster.pod_gc.must_delete(*pod));
            for pod in pods {
                self.order(now, Aim::ForceDeletePod(pod), cause, future);
            }
        }
    }
}
