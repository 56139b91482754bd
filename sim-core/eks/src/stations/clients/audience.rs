//! Who watches at one API server, and since when that server remembers changes.

use sim_kernel::{SimDuration, SimTime};

/// The watches that one API server feeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audience {
    /// Kubelets that watch their own pods, their node, services, config maps and secrets.
    pub kubelets: u32,
    /// Workload clients that watch all pods.
    pub workloads: u32,
    remembers_from: SimTime,
}

impl Audience {
    /// The server begins to remember changes anew.
    pub fn starts(&mut self, now: SimTime) {
        self.remembers_from = now;
    }

    /// Whether a watch can go on from changes seen up to `seen`, where the server keeps those of the last `history`.
    pub fn resumes(&self, seen: SimTime, now: SimTime, history: SimDuration) -> bool {
        seen >= self.remembers_from && now.saturating_since(seen) <= history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_resumes_within_the_history_of_a_server_that_has_lived_since() {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        let mut audience = Audience::default();
        let history = SimDuration::from_secs(75);
        assert!(audience.resumes(at(100), at(175), history));
        assert!(!audience.resumes(at(100), at(176), history), "too old");
        audience.starts(at(120));
        assert!(!audience.resumes(at(119), at(130), history) && audience.resumes(at(120), at(130), history));
    }
}
