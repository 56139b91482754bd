//! A change of a Service's pods on its way to the kube-proxies:
//!
//! ```text
//! ready, not ready, gone -> the controller hears -> a worker writes each slice concerned -> all kube-proxies -> they act
//! ```

use crate::aim::Aim;
use crate::event::{Event, Future, PodStep};
use crate::ids::{Controller, DeploymentId, PodId};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const ENDPOINT_SLICES: Controller = Controller::EndpointSlice;
const ENDPOINT: Purpose = Purpose::new("pod/endpoint");

impl World {
    /// A pod's readiness has changed: the EndpointSlice controller will hear of it.
    pub(crate) fn service_changes(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let deployment = self.cluster.pods[pod.index()].deployment;
        self.cluster.services[deployment.index()].changes(pod);
        self.controller_hears(now, ENDPOINT_SLICES, deployment.0, future);
    }

    /// The controller begins: what its predecessor had not written is still to be.
    pub(crate) fn endpoint_slices_begin(&mut self, now: SimTime, future: &mut Future) {
        for index in 0..self.cluster.services.len() {
            self.cluster.services[index].give_up();
            if self.cluster.services[index].is_behind() {
                self.controller_hears(now, ENDPOINT_SLICES, index as u32, future);
            }
        }
    }

    /// A worker writes the slices of a Service that are behind. Whether there is one.
    pub(crate) fn sync_service(&mut self, now: SimTime, deployment: DeploymentId, future: &mut Future) -> bool {
        let size = self.plan.parameters.controllers.endpoint_slice_size as u32;
        let slices = self.cluster.deployments[deployment.index()].wanted().div_ceil(size).max(1);
        let pods = &self.cluster.pods;
        let service = &mut self.cluster.services[deployment.index()];
        let writes = service.look(|pod| pods[pod.index()].number() % slices);
        let cause = self.cluster.deployments[deployment.index()].story;
        for &slice in &writes {
            self.order(now, Aim::UpdateEndpointSlice(deployment, slice), cause, future);
        }
        !writes.is_empty()
    }

    /// A slice is in the API: every kube-proxy hears of it, and acts in its next round.
    pub(crate) fn endpoint_slice_is_written(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        slice: u32,
        future: &mut Future,
    ) {
        for pod in self.cluster.services[deployment.index()].is_written(slice) {
            let state = &mut self.cluster.pods[pod.index()];
            let step = if state.is_ready() { PodStep::Published } else { PodStep::Withdrawn };
            let (entity, ordinal, life) = (state.entity(), state.next_draw(), state.life());
            let mut draw = self.key.draw(ENDPOINT, entity, ordinal);
            let propagation = self.plan.parameters.pod.endpoint_propagation.duration(&mut draw);
            future.schedule(now + propagation, Event::Pod(pod, life, step));
        }
    }

    /// A write of a slice has ended.
    pub(crate) fn endpoint_slice_answered(
        &mut self,
        now: SimTime,
        deployment: DeploymentId,
        succeeded: bool,
        future: &mut Future,
    ) {
        let service = &mut self.cluster.services[deployment.index()];
        if service.ended(succeeded) {
            let succeeded = service.has_succeeded();
            self.sync_ends(now, ENDPOINT_SLICES, deployment.0, succeeded, future);
        }
    }
}
