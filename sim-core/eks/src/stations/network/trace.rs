//! What becomes of a flow: the hops of its way, and what opens or closes it.

use crate::plan::{Family, ZoneId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The way of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The family of its addresses.
    pub family: Family,
    /// The hops, the source first. A closed way ends where it is closed.
    pub hops: Vec<Hop>,
    /// The NAT gateway that it goes through: index in the plan.
    pub nat: Option<usize>,
    /// What lets it pass: rules and routes, in words.
    pub decided_by: String,
    /// What closes it; `None` for an open way.
    pub closed: Option<Closure>,
}

/// A hop of a way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// What it is.
    pub name: String,
    /// Its address, or the range that it lies in; empty where that does not matter.
    pub address: String,
    /// Its zone, if it lies in one.
    pub zone: Option<ZoneId>,
}

/// Why a name has no address in a VPC whose DNS support is off.
pub const NO_NAMES: &str = "the VPC resolves no names";

/// What closes a way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Closure {
    /// The name has no address that this client can be given.
    NoAddress {
        /// Why.
        why: String,
    },
    /// The public endpoint is off.
    PublicEndpointOff,
    /// The public endpoint does not list the address that the client appears under.
    NotListed {
        /// That address; empty where it changes with every instance.
        address: String,
    },
    /// The route table of a subnet has no route.
    NoRoute {
        /// The subnet.
        subnet: String,
        /// Where to.
        to: String,
    },
    /// A private address cannot be reached from there.
    NotRoutable {
        /// From where.
        from: String,
    },
    /// No rule inbound allows it.
    NoRuleInbound {
        /// The security groups at the destination, by name.
        groups: String,
        /// Who is to be allowed: an address, a range, or a group's name.
        source: String,
        /// The port.
        port: u16,
    },
    /// No rule outbound allows it.
    NoRuleOutbound {
        /// The security groups of the source, by name.
        groups: String,
        /// Where to.
        to: String,
        /// The port.
        port: u16,
    },
    /// Something on the way is dead, cut off or given up.
    Dead {
        /// What, in words.
        what: String,
    },
}

impl Closure {
    /// What would open the way.
    pub fn remedy(&self) -> String {
        match self {
            Closure::NoAddress { why } if why != NO_NAMES => {
                "wait until an API server is there again".to_owned()
            }
            Closure::NoAddress { .. } => {
                "switch enableDnsHostnames and enableDnsSupport on in the VPC, and use AmazonProvidedDNS".to_owned()
            }
            Closure::PublicEndpointOff => {
                "use a host inside the VPC or a connected network; or switch public access on (console or AWS CLI: the API of EKS needs no way to the cluster)".to_owned()
            }
            Closure::NotListed { address } if address.is_empty() => {
                "list 0.0.0.0/0 in publicAccessCidrs (these public addresses change), give the nodes a NAT gateway and list its address, or switch private access on".to_owned()
            }
            Closure::NotListed { address } if address.contains('/') => format!("add {address} to publicAccessCidrs"),
            Closure::NotListed { address } => {
                let bits = if address.contains(':') { 128 } else { 32 };
                format!("add {address}/{bits} to publicAccessCidrs")
            }
            Closure::NoRoute { subnet, to } if to.ends_with("/0") => {
                format!("route {subnet} to a NAT gateway, or switch private access on")
            }
            Closure::NoRoute { subnet, to } => {
                format!("route {subnet} to a NAT gateway, or add a VPC endpoint for {to}")
            }
            Closure::NotRoutable { .. } => {
                "use a host inside the VPC, or connect this network with the VPC (VPN, Direct Connect, peering)".to_owned()
            }
            Closure::NoRuleInbound { groups, source, port } => {
                format!("add an inbound rule to {groups}: TCP {port} from {source}")
            }
            Closure::NoRuleOutbound { groups, to, port } => {
                format!("add an outbound rule to {groups}: TCP {port} to {to}")
            }
            Closure::Dead { what } => format!("wait for {what} to return"),
        }
    }
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closure::NoAddress { why } => write!(f, "the name has no address here: {why}"),
            Closure::PublicEndpointOff => write!(f, "the public endpoint is off"),
            Closure::NotListed { address } if address.is_empty() => {
                write!(f, "publicAccessCidrs does not list the public addresses of these hosts")
            }
            Closure::NotListed { address } => write!(f, "publicAccessCidrs does not list {address}"),
            Closure::NoRoute { subnet, to } => write!(f, "{subnet} has no route to {to}"),
            Closure::NotRoutable { from } => write!(f, "private addresses cannot be reached from {from}"),
            Closure::NoRuleInbound { groups, source, port } => {
                write!(f, "no inbound rule of {groups} allows TCP {port} from {source}")
            }
            Closure::NoRuleOutbound { groups, to, port } => {
                write!(f, "no outbound rule of {groups} allows TCP {port} to {to}")
            }
            Closure::Dead { what } => write!(f, "{what} lets nothing through"),
        }
    }
}
