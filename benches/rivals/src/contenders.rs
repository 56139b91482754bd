//! One small adapter for each contender. Each runs its own loop, in the way that its documentation shows.

pub mod desque;
pub mod nexosim;
pub mod ours;
pub mod simcore;
pub mod std_heap;

/// Something that runs a workload.
pub trait Contender {
    /// Handles about `events` more events, and says how many they were.
    fn run(&mut self, events: u64) -> u64;

    /// [`World::trace`].
    fn trace(&self) -> u64;
}
