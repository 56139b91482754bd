//! Published results that the model must agree with: one module for each row of the list of published results, C1 to
//! C10. `EKSSIM_VALIDATION=FILE cargo test -p sim-eks --test validation` also writes the table of
//! `docs/validation.md` to the end of a file.

#[allow(dead_code)] // each module takes what it needs
mod table;

mod c1_etcd_throughput;
mod c2_put_time;
mod etcd_bench;
