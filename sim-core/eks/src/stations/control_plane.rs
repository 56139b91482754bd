//! The control plane: load balancer, API servers, etcd, leader leases, controllers and scheduler.

pub mod api_server;
pub mod cloud_nodes;
pub mod controller_client;
pub mod cores;
pub mod etcd;
pub mod fleet;
pub mod flow_control;
pub mod leader_lease;
pub mod memory;
pub mod nlb;
pub mod node_lifecycle;
pub mod placement;
pub mod pod_gc;
pub mod preemption;
pub mod requests;
pub mod scaling;
pub mod scheduler;
pub mod watch_cache;
pub mod webhooks;
pub mod work_queue;
pub mod zone_taints;

pub use api_server::{ApiServer, EtcdLink, LinkState, Phase};
pub use cores::{Cores, Job};
pub use etcd::cpu::{Done, EtcdMachines};
pub use etcd::journal::Journal;
pub use etcd::storage::Database;
pub use etcd::volume::LogVolumes;
pub use etcd::{Effect, Etcd, Fate, Ground, Leadership, MemberChange, Turn, View};
pub use fleet::{Fleet, Kind, Reason, Role, Roll};
pub use flow_control::{Admission, FlowControl, Listed, Seat, Width};
pub use leader_lease::{CandidateState, LeaderLease};
pub use nlb::Nlb;
pub use requests::{Passage, Request, Requests, Standing};
pub use scaling::Scaling;
