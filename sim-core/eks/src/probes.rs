//! Probes look at journeys and stations and keep what reports need. They schedule nothing and change nothing.

pub mod gauge;
pub mod requests;
pub mod timeline;

pub use gauge::Gauge;
pub use requests::RequestProbe;
pub use timeline::{Cause, FactId, Timeline};

/// Everything that is measured.
#[derive(Clone)]
pub struct Probes {
    /// Whether anything is measured at all.
    pub off: bool,
    /// What happened, and why.
    pub timeline: Timeline,
    /// What clients saw.
    pub requests: RequestProbe,
}
