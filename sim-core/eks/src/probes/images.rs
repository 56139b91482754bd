//! Images: how long pods wait for theirs, and what refuses them.

use sim_kernel::statistics::Histogram;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

/// What is seen of the images of pods.
#[derive(Clone, Debug)]
pub struct ImageProbe {
    off: bool,
    counted_from: SimTime,
    waits: Histogram,
    waiting: u64,
    most_waiting: u64,
    backed_off: u64,
    kubelet_refused: u64,
}

impl ImageProbe {
    /// A probe that has seen nothing.
    pub fn new(counted_from: SimTime, off: bool) -> Self {
        let waits = Histogram::default();
        ImageProbe { off, counted_from, waits, waiting: 0, most_waiting: 0, backed_off: 0, kubelet_refused: 0 }
    }

    /// A pod begins to wait for an image.
    pub fn pod_waits(&mut self) {
        self.waiting += 1;
        self.most_waiting = self.most_waiting.max(self.waiting);
    }

    /// A pod that waited has its image, or is no more.
    pub fn pod_waits_no_more(&mut self) {
        self.waiting -= 1;
    }

    /// A pod has its image after so long.
    pub fn pod_has_waited(&mut self, now: SimTime, waited: SimDuration) {
        if !self.off && now >= self.counted_from {
            self.waits.record(waited);
        }
    }

    /// A pod's pull has failed for the first time.
    pub fn pod_backs_off(&mut self) {
        self.backed_off += 1;
    }

    /// A kubelet has begun too many pulls.
    pub fn kubelet_refuses(&mut self) {
        self.kubelet_refused += 1;
    }

    /// What it tells, with the pulls that registries have answered with 429.
    pub fn measures(&self, throttled: u64) -> Vec<Measure> {
        let measure = |name: &str, unit, value: Option<f64>, definition: &str| Measure {
            name: name.to_owned(),
            unit,
            better: Better::Down,
            value,
            definition: definition.to_owned(),
        };
        let count =
            |name: &str, value: u64, definition: &str| measure(name, Unit::Count, Some(value as f64), definition);
        let wait = |name: &str, share, definition: &str| {
            measure(name, Unit::Seconds, self.waits.quantile(share).map(SimDuration::as_secs_f64), definition)
        };
        vec![
            wait(
                "pods.image.p50",
                0.5,
                "Median time for which a pod waited for an image that its node did not have, all tries together.",
            ),
            wait("pods.image.p99", 0.99, "99th percentile of the same time."),
            count("pods.without_image.peak", self.most_waiting, "Most pods that waited for an image at one time."),
            count(
                "pods.image_backoff",
                self.backed_off,
                "Pods that came into ImagePullBackOff, or whose node could not reach what it needs to start them.",
            ),
            count("registry.throttled", throttled, "Pulls that a registry answered with 429."),
            count(
                "kubelet.pulls.refused",
                self.kubelet_refused,
                "Pulls that a kubelet refused since it had begun too many (registryPullQPS).",
            ),
        ]
    }
}
