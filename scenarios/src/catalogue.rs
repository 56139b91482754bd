//! What AWS offers: regions with their zones, and instance types with their sizes and prices. Facts only, carried in
//! the program, so that no account and no network is needed.

mod instances;
mod kubernetes;
mod regions;

pub use instances::{InstanceType, SNAPSHOT, instance_type, instance_type_names, instance_types};
pub use kubernetes::{VERSIONS, VERSIONS_OF_EKS, daemon_sets};
pub use regions::{Region, region, region_names};
