//! The cores of an API server: everything that costs CPU time there competes for them.
//!
//! Jobs run in turn, for a time slice each, as goroutines do: a job shorter than a slice runs to its end, a longer one
//! goes to the tail of the queue after each slice while others wait. So a LIST of seconds takes its share and does not
//! stand before small requests. The slices of a job that nobody waits behind are no events: its next end of a slice is
//! asked for when somebody comes. Go's queues for each core, which steal from each other, are one queue here; its
//! garbage collector takes no share.

use crate::ids::{ConnectionRef, RequestRef};
use crate::record::Balance;
use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// What wants CPU time of an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A request that has its seats.
    Request(RequestRef),
    /// The TLS handshake of a new connection.
    Handshake(ConnectionRef),
    /// The encoding of committed changes for their watchers.
    FanOut,
    /// The first lists of a server that starts.
    Start,
}

/// A moment at which a core must be asked again: its job ends then, or its slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Which core.
    pub core: u8,
    /// The generation of what the core does; an earlier one says nothing.
    pub generation: u32,
    /// When.
    pub at: SimTime,
}

/// Equal cores with one queue.
#[derive(Clone, Debug)]
pub struct Cores {
    cores: Vec<Core>,
    /// The cores without a job, as bits.
    idle: u128,
    slice: SimDuration,
    waiting: VecDeque<(Job, SimDuration)>,
    /// How much of the cores' time goes to those who wait before they have all had one turn.
    ahead: SimDuration,
    rings: Vec<Ring>,
    busy_time: SimDuration,
    arrived: u64,
    left: u64,
    lost: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Core {
    generation: u32,
    job: Option<Running>,
}

/// A job on a core.
#[derive(Clone, Copy, Debug)]
struct Running {
    job: Job,
    /// When it got the core: its slices count from here.
    since: SimTime,
    /// When it ends if nobody takes the core from it.
    ends: SimTime,
    /// When the core will be asked.
    rings: SimTime,
}

impl Cores {
    /// Most cores of a server.
    pub const MOST: u64 = 128;

    /// `count` idle cores, at most [`Cores::MOST`], on which a job runs for `slice` while others wait.
    pub fn new(count: u64, slice: SimDuration) -> Self {
        let count = count.clamp(1, Self::MOST);
        Cores {
            cores: vec![Core::default(); count as usize],
            idle: u128::MAX >> (Self::MOST - count),
            slice,
            waiting: VecDeque::new(),
            ahead: SimDuration::ZERO,
            rings: Vec::new(),
            busy_time: SimDuration::ZERO,
            arrived: 0,
            left: 0,
            lost: 0,
        }
    }

    /// How many cores there are.
    pub fn count(&self) -> usize {
        self.cores.len()
    }

    /// Jobs on cores and in the queue.
    pub fn inside(&self) -> u64 {
        self.waiting.len() as u64 + self.busy()
    }

    /// CPU time that was wanted, over all cores.
    pub fn busy_time(&self) -> SimDuration {
        self.busy_time
    }

    fn busy(&self) -> u64 {
        self.cores.len() as u64 - u64::from(self.idle.count_ones())
    }

    /// Work of sending a change to watchers has come up; it is put on the cores in batches, which end on another grid.
    pub fn collects(&mut self, cpu: SimDuration) {
        self.busy_time += cpu;
    }

    /// A job wants `cpu` time. What is to be asked later is in [`Cores::next_ring`].
    pub fn arrive(&mut self, now: SimTime, job: Job, cpu: SimDuration) {
        self.arrived += 1;
        if job != Job::FanOut {
            self.busy_time += cpu;
        }
        if self.idle != 0 {
            let core = self.idle.trailing_zeros() as usize;
            self.idle &= self.idle - 1;
            return self.begin(core, now, job, cpu);
        }
        if self.waiting.is_empty() {
            self.end_slices(now);
        }
        self.queue(job, cpu);
    }

    /// A core is asked, as [`Cores::next_ring`] said: the job that has ended, if one has.
    pub fn ask(&mut self, now: SimTime, core: u8, generation: u32) -> Option<Job> {
        let at = core as usize;
        if self.cores[at].generation != generation {
            return None;
        }
        let running = self.cores[at].job.expect("a core rings for its job");
        let ended = now >= running.ends;
        if ended {
            self.left += 1;
        } else if self.waiting.is_empty() {
            self.ring(at, running.ends);
            return None;
        } else {
            self.queue(running.job, running.ends.saturating_since(now));
        }
        match self.next_waiting() {
            Some((job, cpu)) => self.begin(at, now, job, cpu),
            None => {
                self.cores[at].job = None;
                self.idle |= 1 << core;
            }
        }
        ended.then_some(running.job)
    }

    /// Takes one of the moments to ask a core that have come up since.
    pub fn next_ring(&mut self) -> Option<Ring> {
        self.rings.pop()
    }

    /// The server dies: all jobs are lost. Returns them.
    pub fn lose_all(&mut self) -> Vec<Job> {
        self.lost += self.inside();
        self.rings.clear();
        self.ahead = SimDuration::ZERO;
        let mut lost: Vec<Job> = self.waiting.drain(..).map(|(job, _)| job).collect();
        for core in &mut self.cores {
            lost.extend(core.job.take().map(|running| running.job));
            core.generation += 1;
        }
        self.idle = u128::MAX >> (Self::MOST - self.cores.len() as u64);
        lost
    }

    /// What came and went.
    pub fn balance(&self, station: String) -> Balance {
        let (arrived, left, lost) = (self.arrived, self.left, self.lost);
        Balance { station, arrived, left, refused: 0, lost, inside: self.inside() }
    }

    fn queue(&mut self, job: Job, cpu: SimDuration) {
        self.ahead += cpu.min(self.slice);
        self.waiting.push_back((job, cpu));
    }

    fn next_waiting(&mut self) -> Option<(Job, SimDuration)> {
        let next = self.waiting.pop_front()?;
        self.ahead = SimDuration::from_nanos(self.ahead.as_nanos() - next.1.min(self.slice).as_nanos());
        Some(next)
    }

    /// How long a short job that came now would wait for a core: until all who wait have had their turn.
    pub fn wait(&self) -> SimDuration {
        self.ahead / self.cores.len() as u64
    }

    fn begin(&mut self, core: usize, now: SimTime, job: Job, cpu: SimDuration) {
        let ends = now + cpu;
        self.cores[core].job = Some(Running { job, since: now, ends, rings: ends });
        let slice = if self.waiting.is_empty() { cpu } else { cpu.min(self.slice) };
        self.ring(core, now + slice);
    }

    /// Somebody comes to wait: whoever runs on undisturbed is asked at the end of its slice.
    fn end_slices(&mut self, now: SimTime) {
        for core in 0..self.cores.len() {
            let running = self.cores[core].job.expect("nobody waits before an idle core");
            let slices = now.saturating_since(running.since).as_nanos() / self.slice.as_nanos();
            let end = running.since + self.slice * (slices + 1);
            if end < running.rings {
                self.ring(core, end);
            }
        }
    }

    fn ring(&mut self, core: usize, at: SimTime) {
        let state = &mut self.cores[core];
        state.generation += 1;
        let running = state.job.as_mut().expect("only a busy core rings");
        running.rings = at;
        self.rings.push(Ring { core: core as u8, generation: state.generation, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::{Calendar, Purpose, RunKey};

    const MS: SimDuration = SimDuration::from_millis(1);
    const SLICE: SimDuration = SimDuration::from_millis(10);

    fn request(slot: u32) -> Job {
        Job::Request(RequestRef { slot, generation: 0 })
    }

    fn at_ms(ms: u64) -> SimTime {
        SimTime::ZERO + MS * ms
    }

    /// Runs jobs (arrival, CPU time) in the order of arrival: when each ends, and how many events that took.
    fn run(count: u64, jobs: impl Iterator<Item = (SimTime, SimDuration)>) -> (Vec<SimDuration>, usize) {
        let (mut cores, mut calendar, mut events) = (Cores::new(count, SLICE), Calendar::new(), 0);
        let jobs: Vec<_> = jobs.collect();
        let mut sojourns = vec![SimDuration::ZERO; jobs.len()];
        let mut next = 0;
        loop {
            let arrival = jobs.get(next).map_or(SimTime::MAX, |job| job.0);
            if let Some((now, (core, generation))) = calendar.pop_until(arrival) {
                events += 1;
                if let Some(Job::Request(done)) = cores.ask(now, core, generation) {
                    sojourns[done.slot as usize] = now.saturating_since(jobs[done.slot as usize].0);
                }
            } else if let Some((now, cpu)) = jobs.get(next) {
                calendar.advance_to(*now);
                cores.arrive(*now, request(next as u32), *cpu);
                next += 1;
            } else {
                assert!(cores.balance(String::new()).holds() && cores.inside() == 0);
                return (sojourns, events);
            }
            while let Some(ring) = cores.next_ring() {
                calendar.schedule(ring.at, (ring.core, ring.generation));
            }
        }
    }

    /// Ten who wait, of which nine take a whole slice: 92 ms of two cores.
    #[test]
    fn who_comes_waits_for_a_turn_of_everybody_before() {
        let mut cores = Cores::new(2, SLICE);
        assert_eq!(cores.wait(), SimDuration::ZERO);
        for slot in 0..2 {
            cores.arrive(at_ms(0), request(slot), MS * 5);
        }
        assert_eq!(cores.wait(), SimDuration::ZERO, "the cores are taken, and nobody waits");
        for slot in 2..11 {
            cores.arrive(at_ms(0), request(slot), MS * 1000);
        }
        cores.arrive(at_ms(0), request(11), MS * 2);
        assert_eq!(cores.wait(), MS * 46);
        assert_eq!(cores.lose_all().len(), 12);
        assert_eq!(cores.wait(), SimDuration::ZERO);
    }

    #[test]
    fn a_small_job_waits_for_the_end_of_a_slice_and_not_for_the_end_of_a_long_job() {
        let (sojourns, events) = run(1, [(at_ms(0), MS * 1000), (at_ms(503), MS * 2)].into_iter());
        assert_eq!(sojourns, [MS * 1002, MS * 9], "it comes 7 ms before the end of a slice");
        assert_eq!(events, 4, "the slices of a job that nobody waits behind are no events");
    }

    #[test]
    fn long_jobs_take_turns() {
        let (sojourns, _) = run(1, [(at_ms(0), MS * 30), (at_ms(0), MS * 30), (at_ms(0), MS * 5)].into_iter());
        assert_eq!(sojourns, [MS * 55, MS * 65, MS * 25], "10 10 5 10 10 10 10");
    }

    #[test]
    fn a_death_loses_every_job_and_silences_the_cores() {
        let mut cores = Cores::new(1, SLICE);
        cores.arrive(at_ms(0), request(0), MS);
        let ring = cores.next_ring().expect("it begins");
        cores.arrive(at_ms(0), request(1), MS);
        assert_eq!(cores.lose_all(), [request(1), request(0)]);
        assert_eq!(cores.ask(at_ms(1), ring.core, ring.generation), None);
        assert!(cores.balance(String::new()).holds() && cores.inside() == 0);
    }

    /// Theory: M/M/c. Time-sharing does not change the number of jobs where service is exponential, so that the mean
    /// sojourn is Erlang C's, whatever the slice.
    #[test]
    fn exponential_jobs_stay_as_long_as_erlang_c_says() {
        let (count, load, mean) = (4_u32, 0.8, 0.015);
        let mut clock = 0.0;
        let key = RunKey::new(7, 0);
        let jobs = (0..200_000).map(|job| {
            let mut draw = key.draw(Purpose::new("test/cores"), job, 0);
            clock += draw.exponential() * mean / (load * f64::from(count));
            (SimTime::ZERO + SimDuration::from_secs_f64(clock), SimDuration::from_secs_f64(draw.exponential() * mean))
        });
        let (sojourns, _) = run(u64::from(count), jobs);
        let found = sojourns.iter().map(|sojourn| sojourn.as_secs_f64()).sum::<f64>() / sojourns.len() as f64;
        let offered = load * f64::from(count);
        let (mut term, mut sum) = (1.0, 1.0);
        for servers in 1..count {
            term *= offered / f64::from(servers);
            sum += term;
        }
        let tail = term * offered / f64::from(count) / (1.0 - load);
        let expected = mean + tail / (sum + tail) * mean / (f64::from(count) * (1.0 - load));
        assert!((found / expected - 1.0).abs() < 0.03, "{found} against {expected}");
    }
}
