//! Stations: each owns the state and capacity of one real thing, as a pure state machine.

pub mod clients;
pub mod compute;
pub mod control_plane;
pub mod external_client;
pub mod network;
pub mod services;
pub mod submitter;
