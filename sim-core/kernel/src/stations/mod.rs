//! Queueing stations: pure state machines that know no calendar and no caller.
//!
//! A journey hands in who arrives, and the time where it matters; it gets back what happened, and schedules what
//! follows. Each station counts its customers, so that at the end of a run none is lost: see [`Flow`]. Each is checked
//! against queueing theory in `tests/theory/`.
//!
//! ```
//! use sim_kernel::stations::{Arrival, FifoServers};
//!
//! let mut counter = FifoServers::bounded(1, 1);
//! assert_eq!(counter.arrive("first"), Arrival::Started);
//! assert_eq!(counter.arrive("second"), Arrival::Queued);
//! assert_eq!(counter.arrive("third"), Arrival::Refused);
//! assert_eq!(counter.depart(), Some("second"));
//! ```

mod bounded_queue;
mod fifo_servers;
mod flow;
mod processor_sharing;
mod token_bucket;

pub use bounded_queue::BoundedQueue;
pub use fifo_servers::{Arrival, FifoServers};
pub use flow::Flow;
pub use processor_sharing::{Departure, ProcessorSharing};
pub use token_bucket::TokenBucket;
