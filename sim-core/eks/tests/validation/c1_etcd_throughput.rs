//! C1: etcd's published performance, from 1 to 1000 clients, puts and reads, out of one set of parameters.
//! Source: etcd-io/website, content/en/docs/v3.6/op-guide/performance.md (etcd 3.2, three members of 8 vCPU in one zone).

use crate::etcd_bench::{Bench, Measured, Operation};
use crate::table::{Allowed, Row, check};

fn row(what: &str, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result: "C1", what: what.to_owned(), published, found, allowed }
}

/// Requests under way on average, by Little's law.
fn busy(measured: Measured) -> f64 {
    measured.rate * measured.latency
}

#[test]
fn one_set_of_parameters_gives_every_published_rate() {
    let quarter = Allowed::Share(0.25);
    let one_put = Bench::new(Operation::Put, 1).leader().run();
    let puts_leader = Bench::new(Operation::Put, 1000).leader().run();
    let puts_all = Bench::new(Operation::Put, 1000).run();
    // One connection is to one member; with the first of the list that is the leader.
    let one_read = Bench::new(Operation::Linearizable, 1).run();
    let one_local = Bench::new(Operation::Serializable, 1).run();
    let reads = Bench::new(Operation::Linearizable, 1000).run();
    let local = Bench::new(Operation::Serializable, 1000).run();
    check(&[
        row("puts/s, 1 client, leader", 583.0, one_put.rate, quarter),
        row("puts/s, 1000 clients, leader", 44_341.0, puts_leader.rate, quarter),
        row("puts/s, 1000 clients, all members", 50_104.0, puts_all.rate, quarter),
        row("linearizable reads/s, 1 client", 1_353.0, one_read.rate, quarter),
        row("serializable reads/s, 1 client", 2_909.0, one_local.rate, quarter),
        row("linearizable reads/s, 1000 clients", 141_578.0, reads.rate, quarter),
        row("serializable reads/s, 1000 clients", 185_758.0, local.rate, quarter),
        row("ms of a put, 1 client", 1.6, one_put.latency * 1e3, quarter),
        row("ms of a put, 1000 clients, leader", 22.0, puts_leader.latency * 1e3, quarter),
        row("ms of a put, 1000 clients, all members", 20.0, puts_all.latency * 1e3, quarter),
        row("ms of a linearizable read, 1 client", 0.7, one_read.latency * 1e3, quarter),
        row("clients busy, 1 put", 0.93, busy(one_put), Allowed::Off(0.05)),
        row("clients busy, 1000 puts, leader", 975.0, busy(puts_leader), Allowed::Off(30.0)),
        row("clients busy, 1000 puts, all members", 1_002.0, busy(puts_all), Allowed::Off(30.0)),
        row("clients busy, 1 linearizable read", 0.95, busy(one_read), Allowed::Off(0.1)),
        row("clients busy, 1000 linearizable reads", 779.0, busy(reads), Allowed::AtMost),
        row("clients busy, 1000 serializable reads", 409.0, busy(local), Allowed::AtMost),
    ]);
    assert!(puts_leader.rate < puts_all.rate, "the leader's cores also handle what all clients ask");
}

/// Where reads are held up by the clients' machine, etcd itself could do more.
#[test]
fn with_a_larger_machine_for_the_clients_reads_are_faster_than_published_and_puts_are_not() {
    let unlimited = |operation| {
        let mut bench = Bench::new(operation, 4000);
        bench.client_cores = 1000;
        bench.run().rate
    };
    let rows = [
        row(
            "linearizable reads/s without a limit at the clients",
            141_578.0,
            unlimited(Operation::Linearizable),
            Allowed::AtLeast,
        ),
        row(
            "serializable reads/s without a limit at the clients",
            185_758.0,
            unlimited(Operation::Serializable),
            Allowed::AtLeast,
        ),
        row("puts/s without a limit at the clients", 50_104.0, unlimited(Operation::Put), Allowed::Share(0.25)),
    ];
    check(&rows);
}
