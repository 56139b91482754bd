//! What each class of clients saw: requests by verb and outcome, latency, availability over time, outages.

use crate::aim::{Aim, ClientClass, Outcome};
use crate::record::{ClientRecord, VerbRecord};
use sim_kernel::{Histogram, SimDuration, SimTime};
use sim_study::{Better, Measure, Series, Unit};

/// Requests of all classes.
#[derive(Clone, Debug)]
pub struct RequestProbe {
    counted_from: SimTime,
    window: SimDuration,
    verbs: Vec<VerbCount>,
    classes: Vec<ClassWindows>,
}

#[derive(Clone, Debug, Default)]
struct VerbCount {
    sent: u64,
    ended: [u64; Outcome::COUNT],
    latency: Option<Box<Histogram>>,
}

/// One class by window; a request counts in the window in which it ended.
#[derive(Clone, Debug, Default)]
struct ClassWindows {
    succeeded: Vec<u32>,
    failed: Vec<u32>,
    latency: Vec<Option<Box<Histogram>>>,
    last_success: Option<SimTime>,
    failing: bool,
    longest_outage: SimDuration,
}

impl RequestProbe {
    /// A probe whose totals count requests begun from `counted_from` on.
    pub fn new(window: SimDuration, counted_from: SimTime) -> Self {
        RequestProbe {
            counted_from,
            window,
            verbs: vec![VerbCount::default(); Aim::VERBS],
            classes: vec![ClassWindows::default(); ClientClass::ALL.len()],
        }
    }
}
