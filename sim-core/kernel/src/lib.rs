//! The simulation kernel: integer time, a calendar of pending events, the loop that hands them to a model, and a
//! digest of all that was handled. It knows nothing of what is simulated.
//!
//! ```text
//!   Simulation::run_until ──pop──> Calendar ──(now, event)──> Model::handle ──schedule──> Calendar
//!          └── Digest of every (now, event)
//! ```
//!
//! A whole run is a plain value: a clone goes on exactly as its original.
//!
//! # Example
//!
//! ```
//! use sim_kernel::{Calendar, Model, SimDuration, SimTime, Simulation};
//!
//! /// A clock that ticks every second and counts its ticks.
//! struct Clock { ticks: u64 }
//!
//! #[derive(Clone, Copy, Hash)]
//! struct Tick;
//!
//! impl Model for Clock {
//!     type Event = Tick;
//!     fn handle(&mut self, _now: SimTime, tick: Tick, future: &mut Calendar<Tick>) {
//!         self.ticks += 1;
//!         future.schedule_after(SimDuration::from_secs(1), tick);
//!     }
//! }
//!
//! let mut simulation = Simulation::new(Clock { ticks: 0 });
//! simulation.future().schedule(SimTime::ZERO, Tick);
//! simulation.run_until(SimTime::ZERO + SimDuration::from_secs(10))?;
//! assert_eq!(simulation.model.ticks, 11);
//! # Ok::<(), sim_kernel::Stuck>(())
//! ```

#![forbid(unsafe_code)]

pub mod calendar;
pub mod digest;
pub mod laws;
pub mod model;
pub mod random;
pub mod stations;
pub mod statistics;
pub mod time;

pub use calendar::{Calendar, Lane};
pub use digest::Digest;
pub use laws::{Law, LawError};
pub use model::{Model, Simulation, Stuck};
pub use random::{Draw, Purpose, RunKey};
pub use time::{SimDuration, SimTime};
