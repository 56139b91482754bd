//! The memory of an API server: a base, its watch cache, and what LISTs hold while they are served.

use crate::parameters::ApiServerParameters;

/// The memory of one API server, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    capacity: u64,
    base: u64,
    held: u64,
    /// Most that the cache and requests used since the last look.
    peak: u64,
}

impl Memory {
    /// The memory of a server that serves nothing.
    pub fn new(parameters: &ApiServerParameters) -> Self {
        let bytes = |gib: f64| (gib * 1_073_741_824.0) as u64;
        let base = bytes(parameters.base_memory_gib);
        Memory { capacity: bytes(parameters.memory_gib), base, held: 0, peak: 0 }
    }

    /// A request takes memory, beside a watch cache of `cache` bytes. Whether there is so much.
    pub fn takes(&mut self, bytes: u64, cache: u64) -> bool {
        self.held += bytes;
        let used = cache + self.held;
        self.peak = self.peak.max(used);
        self.base + used <= self.capacity
    }

    /// A request gives its memory back.
    pub fn frees(&mut self, bytes: u64) {
        self.held -= bytes;
    }

    /// The process is gone, and what requests held with it.
    pub fn is_lost(&mut self) {
        self.held = 0;
    }

    /// The largest share of what the base leaves that was used since the last look, the watch cache of `cache` bytes at
    /// least.
    pub fn look(&mut self, cache: u64) -> f64 {
        let used = cache + self.held;
        let peak = std::mem::replace(&mut self.peak, used).max(used);
        peak as f64 / self.capacity.saturating_sub(self.base).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    #[test]
    fn lists_and_the_cache_share_what_the_base_leaves() {
        let mut parameters = Parameters::default().api_server;
        (parameters.memory_gib, parameters.base_memory_gib) = (4.0, 1.0);
        let (mut memory, gib) = (Memory::new(&parameters), 1 << 30);
        assert!(memory.takes(gib, gib) && memory.takes(gib, gib) && !memory.takes(1, gib));
        memory.frees(gib);
        assert!(memory.takes(gib - 1, gib));
        assert!(memory.look(gib) > 1.0, "what was asked for, beyond what there is");
        memory.frees(gib);
        assert_eq!(memory.look(gib), 1.0, "what was held when the window began");
        assert_eq!(memory.look(gib), 2.0 / 3.0, "the cache and a GiB of the three that the base leaves");
        memory.is_lost();
        assert!(memory.takes(2 * gib, gib));
    }
}
