//! The EKS model: stations that own the state of one real thing each, and journeys of the travellers between them.

pub mod parameters;
pub mod plan;
pub mod quantity;
pub mod record;

pub use parameters::{Confidence, DECLARATIONS, Declaration, Parameters, ValueError};
pub use plan::Plan;
pub use record::Record;
