//! The network: distances between zones, power of zones, the VPC and its packet filter, name resolution, connections.

pub mod connections;
pub mod dns;
pub mod ec2_api;
pub mod interfaces;
pub mod packet_filter;
pub mod regions;
pub mod trace;
pub mod vpc;
pub mod zones;

pub use connections::{Connection, ConnectionState, Connections, Far, Owner};
pub use dns::{Address, Addressed, Addresses, Dns};
pub use ec2_api::{Ec2Action, Ec2Api};
pub use interfaces::{Interface, Interfaces};
pub use regions::Distances;
pub use trace::{Closure, Hop, NO_NAMES, Trace};
pub use vpc::{DnsView, Site, SiteAt, SiteId, Vpc};
pub use zones::{Impairment, Leg, Legs, Origin, Place, Way, Zones};
