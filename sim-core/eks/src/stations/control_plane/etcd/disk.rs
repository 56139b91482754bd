//! The disk of an etcd member's log: fsyncs one after another, each for all that arrived during the one before.

use sim_kernel::{SimDuration, SimTime};

/// A log's disk: one fsync at a time; what arrives during one shares the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk {
    running_until: SimTime,
    next_until: SimTime,
}

impl Disk {
    /// An entry arrives at `now`: when it is on disk. `fsync` is asked for the length of an fsync that must begin.
    pub fn sync(&mut self, now: SimTime, fsync: impl FnOnce() -> SimDuration) -> SimTime {
        if now >= self.next_until {
            self.running_until = now + fsync();
            self.next_until = self.running_until;
        } else if now >= self.running_until {
            self.running_until = self.next_until;
            self.next_until = self.running_until + fsync();
        } else if self.next_until == self.running_until {
            self.next_until = self.running_until + fsync();
        }
        self.next_until
    }
}
