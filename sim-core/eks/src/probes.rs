//! Probes look at journeys and stations and keep what reports need. They schedule nothing and change nothing.

pub mod gauge;
pub mod outage;
pub mod requests;
pub mod timeline;

use crate::plan::Plan;
pub use gauge::Gauge;
pub use outage::Outage;
pub use requests::RequestProbe;
use sim_kernel::SimTime;
pub use timeline::{Cause, FactId, Timeline};

/// Everything that is measured.
#[derive(Clone, Debug)]
pub struct Probes {
    /// What happened, and why.
    pub timeline: Timeline,
    /// What clients saw.
    pub requests: RequestProbe,
}

impl Probes {
    /// The probes of a plan.
    pub fn new(plan: &Plan) -> Self {
        let off = plan.modes.probes_off;
        let requests = RequestProbe::new(plan.window(), SimTime::ZERO + plan.warm_up, off);
        Probes { timeline: Timeline::new(off), requests }
    }
}
