//! What clients of the API keep between their requests: watches, pauses, the loops of workloads.

pub mod audience;
pub mod backoff;
pub mod informer;
pub mod streams;
pub mod workload;
