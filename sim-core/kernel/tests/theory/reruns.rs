//! What keyed draws and plain values promise: one customer more moves nobody else's draws, a clone goes on as its
//! original does, and a branch goes its own way from one past.

use sim_kernel::stations::{FifoServers, ProcessorSharing};
use sim_kernel::{SimDuration, SimTime, Simulation};

use crate::queue::{Customer, Event, INTRUDER, Queue, Station};

fn fifo(seed: u64) -> Queue {
    Queue::new(seed, 1.6, "exponential(1s)", Station::Fifo(FifoServers::new(2))).closing_after(5_000).with_book()
}

fn shared(seed: u64) -> Queue {
    Queue::new(seed, 1.6, "gamma(shape 0.5, scale 2s)", Station::Shared(ProcessorSharing::new(2)))
        .closing_after(5_000)
        .with_book()
}

/// The book in the order of arrival.
fn book(simulation: &Simulation<Queue>) -> Vec<(Customer, SimTime)> {
    let mut book = simulation.model.book.clone().expect("the model keeps a book");
    book.sort_unstable_by_key(|(customer, _)| customer.number);
    book
}

fn customers(book: &[(Customer, SimTime)]) -> Vec<Customer> {
    book.iter().map(|&(customer, _)| customer).collect()
}

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

#[test]
fn one_customer_more_leaves_all_other_draws_alone() {
    for queue in [fifo(50), shared(51)] {
        let mut alone = queue.clone().opened();
        alone.run_until(SimTime::MAX).expect("time goes on");
        let alone = book(&alone);
        assert_eq!(alone.len(), 5_001);

        let mut held_up = 0;
        for entrance in [500, 1_000, 1_500, 2_000].map(at) {
            let mut joined = queue.clone().opened();
            joined.future().schedule(entrance, Event::Arrives(INTRUDER));
            joined.run_until(SimTime::MAX).expect("time goes on");
            let mut joined = book(&joined);
            let (intruder, _) = joined.pop().expect("the intruder has the largest number");
            assert_eq!((intruder.number, intruder.arrived), (INTRUDER, entrance));
            // Number, time of arrival and demand are the same for everybody else ...
            assert_eq!(customers(&alone), customers(&joined));
            // ... and whoever is held up by the intruder came before the queue has forgotten.
            let moved = alone.iter().zip(&joined).filter(|(a, j)| a.1 != j.1).map(|(a, _)| a.0.arrived);
            let moved: Vec<SimTime> = moved.collect();
            assert!(moved.iter().all(|&arrived| arrived < entrance + SimDuration::from_secs(500)));
            held_up += moved.len();
        }
        assert!(held_up > 0, "some customers notice the intruder");
    }
}

#[test]
fn a_clone_runs_on_as_its_original_and_a_branch_does_not() {
    for queue in [fifo(52), shared(53)] {
        let mut original = queue.opened();
        original.run_until(at(1_000)).expect("time goes on");
        let mut clone = original.clone();
        let mut branches = [0, 1].map(|k| {
            let mut branch = original.clone();
            branch.model.run = branch.model.run.branch(k);
            branch
        });
        let past = original.digest();
        for simulation in [&mut original, &mut clone].into_iter().chain(&mut branches) {
            assert_eq!(simulation.digest(), past);
            simulation.run_until(SimTime::MAX).expect("time goes on");
        }
        assert_eq!(original.digest(), clone.digest());
        assert_eq!(book(&original), book(&clone));
        let [left, right] = branches;
        assert_ne!(original.digest(), left.digest());
        assert_ne!(original.digest(), right.digest());
        assert_ne!(left.digest(), right.digest());
        // One past: whoever had gone before the branch is in all books alike.
        let gone = |simulation: &Simulation<Queue>| {
            book(simulation).into_iter().filter(|&(_, gone)| gone <= at(1_000)).collect::<Vec<_>>()
        };
        assert!(gone(&original).len() > 1_000);
        assert_eq!(gone(&original), gone(&left));
    }
}

#[test]
fn a_simulation_can_move_to_another_thread() {
    let [here, there] = [fifo(54).closing_after(500), fifo(54).closing_after(500)].map(Queue::opened);
    let run = |mut simulation: Simulation<Queue>| {
        simulation.run_until(SimTime::MAX).expect("time goes on");
        simulation.digest()
    };
    let elsewhere = std::thread::spawn(move || run(there)).join().expect("the run ends");
    assert_eq!(run(here), elsewhere);
}
