//! The network: distances between zones, power of zones, name resolution, connections.

pub mod connections;
pub mod dns;
pub mod regions;
pub mod zones;

pub use connections::{Connection, ConnectionState, Connections, Far, Owner};
pub use dns::{Addresses, Dns};
pub use regions::Distances;
pub use zones::{Impairment, Leg, Place, Way, Zones};
