//! Published results that the model must agree with: one module for each row of the list of published results, C1 to
//! C10, D1 to D10. `EKSSIM_VALIDATION=FILE cargo test -p sim-eks --test validation` also writes the table of
//! `docs/validation.md` to the end of a file.

#[path = "../story/mod.rs"]
mod story;
mod table;

mod c10_lease_failover;
mod c1_etcd_throughput;
mod c2_put_time;
mod c3_priority_and_fairness;
mod c4_scheduler_throughput;
mod c5_node_failure;
mod c6_operations;
mod c7_zone_distances;
mod c8_service_levels;
mod c9_graceful_stop;
mod d10_cost;
mod d1_creation;
mod d2_fargate;
mod d3_token_buckets;
mod d4_warm_pool;
mod d5_address_exhaustion;
mod d6_max_pods;
mod d7_node_group_update;
mod d8_cluster_autoscaler;
mod d9_coredns;
mod etcd_bench;
