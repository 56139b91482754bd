//! The EndpointSlices of a Service: which changes of its pods they do not hold yet.
//!
//! Each sync writes every slice that a change falls into, once. A slice holds at most so many endpoints; which slice a
//! pod is in follows from its number (upstream fills slices and rarely rebalances them).

use crate::ids::PodId;

/// The Service in front of a Deployment.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Pods whose readiness has changed, or whose object has gone, since the last sync.
    pending: Vec<PodId>,
    /// What the sync under way writes: the slice, the pod.
    batch: Vec<(u32, PodId)>,
    in_flight: u32,
    failed: bool,
}

impl Service {
    /// A pod has changed.
    pub fn changes(&mut self, pod: PodId) {
        self.pending.push(pod);
    }

    /// Whether a sync would find something to write.
    pub fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A sync begins: the slices to write, each once, in their order. `slice_of` says in which one a pod is.
    pub fn look(&mut self, slice_of: impl Fn(PodId) -> u32) -> Vec<u32> {
        self.batch.extend(self.pending.drain(..).map(|pod| (slice_of(pod), pod)));
        let mut slices: Vec<u32> = self.batch.iter().map(|(slice, _)| *slice).collect();
        slices.sort_unstable();
        slices.dedup();
        self.failed = false;
        self.in_flight = slices.len() as u32;
        slices
    }

    /// A slice is in the API: the changed pods that it holds.
    pub fn is_written(&mut self, slice: u32) -> Vec<PodId> {
        let mut written = Vec::new();
        self.batch.retain(|&(of, pod)| {
            if of == slice {
                written.push(pod);
            }
            of != slice
        });
        written
    }

    /// A request of the sync has ended. Whether it was the last; what failed is left to the next sync.
    pub fn ended(&mut self, succeeded: bool) -> bool {
        self.failed |= !succeeded;
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_over = self.in_flight == 0;
        if is_over {
            self.give_up();
        }
        is_over
    }

    /// Whoever synced it is gone, or is done: what is not written is still to be.
    pub fn give_up(&mut self) {
        self.pending.extend(self.batch.drain(..).map(|(_, pod)| pod));
    }

    /// Whether no request of the sync has failed.
    pub fn has_succeeded(&self) -> bool {
        !self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice_of(pod: PodId) -> u32 {
        pod.0 / 100
    }

    #[test]
    fn a_sync_writes_each_slice_once() {
        let mut service = Service::default();
        [7, 150, 8, 299].into_iter().for_each(|pod| service.changes(PodId(pod)));
        assert_eq!(service.look(slice_of), [0, 1, 2]);
        assert_eq!(service.is_written(0), [PodId(7), PodId(8)]);
        service.changes(PodId(9));
        assert!(!service.ended(true) && !service.ended(false) && service.ended(true));
        assert!(!service.has_succeeded());
        assert_eq!(service.look(slice_of), [0, 1, 2], "the new one, and the two that were not written");
    }
}
