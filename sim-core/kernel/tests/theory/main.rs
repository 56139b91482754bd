//! The kernel against queueing and reliability theory.
//!
//! Each test states the formula, and how far to trust the simulated figure. Unless a test says otherwise a run has a
//! warm-up of 20,000 customers and then 32 batches of 30,000; the mean service is 1 s. A batch is hundreds of times
//! longer than the queue's memory, 1 / (1 - sqrt(rho))^2 services (90 at rho = 0.8), so its mean is nearly independent
//! of its neighbours', and the standard error of the whole comes from the spread of the batch means. A figure must lie
//! within four standard errors of theory, and two standard errors within the stated precision: without the
//! second claim a noisy run would pass the first.

mod availability;
mod estimate;
mod queue;
mod queues;
mod reruns;
mod sharing;
