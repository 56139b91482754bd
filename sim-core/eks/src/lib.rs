//! The EKS model: stations that own the state of one real thing each, and journeys of the travellers between them.

pub mod aim;
mod books;
pub mod cluster;
pub mod event;
pub mod ids;
pub mod journeys;
pub mod omissions;
pub mod parameters;
pub mod placement;
pub mod plan;
pub mod probes;
pub mod quantity;
pub mod record;
pub mod run;
pub mod stations;
pub mod world;

pub use books::Books;
pub use omissions::{OMISSIONS, Omission};
pub use parameters::{Confidence, DECLARATIONS, Declaration, Parameters, ValueError};
pub use plan::Plan;
pub use probes::{Flow, NodesAt, Path, Resource};
pub use record::Record;
pub use run::{Run, RunCosts};
