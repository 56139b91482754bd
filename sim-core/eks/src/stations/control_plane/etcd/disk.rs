//! The disk of an etcd member's log: fsyncs one after another, each for all that arrived during the one before.

use super::rounds::Rounds;
use sim_kernel::{SimDuration, SimTime};

/// A log's disk: one fsync at a time; what arrives during one shares the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk {
    fsyncs: Rounds,
}

impl Disk {
    /// An entry arrives at `now`: when it is on disk. `fsync` is asked for the length of an fsync that must begin.
    pub fn sync(&mut self, now: SimTime, fsync: impl FnOnce() -> SimDuration) -> SimTime {
        self.fsyncs.join(now, fsync)
    }

    /// What was to come on disk after `until` never arrived.
    pub fn forget_after(&mut self, until: SimTime) {
        self.fsyncs.forget_after(until);
    }
}
