//! Which resource limits the control plane: for each of them the share of its capacity that was wanted, by window.
//!
//! A station tells how much was wanted of it so far, and how much it can do in a second; of memory, how much of it was in
//! use at most. What is wanted can be more than there is: the share of a window is then above one, and the rest waits or is
//! turned away.

use crate::probes::Timeline;
use crate::record::Weight;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

/// A resource of the control plane that can be the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// CPU of an API server.
    ApiServerCpu,
    /// Seats of a priority level of an API server.
    ApiServerSeats,
    /// Memory of an API server beside what it needs in any case.
    ApiServerMemory,
    /// CPU of an etcd member.
    EtcdCpu,
    /// The scheduling cycles of the scheduler.
    Scheduler,
    /// The rate limit of the scheduler's client.
    SchedulerClient,
    /// The rate limit of the controllers' clients.
    ControllerClients,
}

impl Resource {
    /// All of them, in the order of reports.
    pub const ALL: [Resource; 7] = [
        Resource::ApiServerCpu,
        Resource::ApiServerSeats,
        Resource::ApiServerMemory,
        Resource::EtcdCpu,
        Resource::Scheduler,
        Resource::SchedulerClient,
        Resource::ControllerClients,
    ];

    /// Its name in measures.
    pub fn name(self) -> &'static str {
        match self {
            Resource::ApiServerCpu => "api_server.cpu",
            Resource::ApiServerSeats => "api_server.seats",
            Resource::ApiServerMemory => "api_server.memory",
            Resource::EtcdCpu => "etcd.cpu",
            Resource::Scheduler => "scheduler.cycles",
            Resource::SchedulerClient => "scheduler.qps",
            Resource::ControllerClients => "controllers.qps",
        }
    }

    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            Resource::ApiServerCpu => "CPU of an API server",
            Resource::ApiServerSeats => "seats of a priority level",
            Resource::ApiServerMemory => "memory of an API server for its watch cache and lists",
            Resource::EtcdCpu => "CPU of an etcd member",
            Resource::Scheduler => "scheduling cycles of the scheduler",
            Resource::SchedulerClient => "request rate of the scheduler's client",
            Resource::ControllerClients => "request rate of a controller's client",
        }
    }
}

/// What was wanted of one instance of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The resource.
    pub resource: Resource,
    /// What was wanted of it since the run began: seconds of work, or requests.
    pub total: f64,
    /// What it can do in a second, in the same unit.
    pub per_second: f64,
}

/// Looks at the resources once in a window.
#[derive(Clone, Debug)]
pub struct LimitProbe {
    off: bool,
    window: SimDuration,
    counted_from: SimTime,
    looked: SimTime,
    /// By resource: what was wanted of each of its instances up to the last look.
    wanted: [Vec<f64>; Resource::ALL.len()],
    peak: [f64; Resource::ALL.len()],
}

impl LimitProbe {
    /// The share of its capacity from which on a resource is said to be the limit.
    const FULL: f64 = 0.95;

    /// A probe that looks once in `window`, and whose peaks count from `counted_from` on; or one that is off.
    pub fn new(window: SimDuration, counted_from: SimTime, off: bool) -> Self {
        let wanted = std::array::from_fn(|_| Vec::new());
        LimitProbe { off, window, counted_from, looked: SimTime::ZERO, wanted, peak: [0.0; Resource::ALL.len()] }
    }

    /// Whether a window has passed since the last look.
    #[inline]
    pub fn is_due(&self, now: SimTime) -> bool {
        now >= self.looked + self.window && !self.off
    }

    /// A look at all resources: `wanted` gives what was wanted of each instance since the run began, and what it can do
    /// in a second, in the same order each time; the instances of one resource may grow in number. `used` gives the largest
    /// share of each instance that was in use since the last look.
    pub fn look(&mut self, now: SimTime, wanted: &[Wanted], used: &[(Resource, f64)], timeline: &mut Timeline) {
        // Windows end on their grid, whichever event comes first after that.
        let ends = SimTime::ZERO + self.window * (now.as_nanos() / self.window.as_nanos());
        let passed = ends.saturating_since(self.looked).as_secs_f64();
        let counts = self.looked >= self.counted_from;
        self.looked = ends;
        let mut seen = [0; Resource::ALL.len()];
        for &Wanted { resource, total, per_second } in wanted {
            let index = resource as usize;
            let before = &mut self.wanted[index];
            if before.len() == seen[index] {
                before.push(0.0);
            }
            let share = (total - std::mem::replace(&mut before[seen[index]], total))
                / (per_second.max(f64::MIN_POSITIVE) * passed);
            seen[index] += 1;
            self.sees(ends, resource, share, counts, timeline);
        }
        for &(resource, share) in used {
            self.wanted[resource as usize] = vec![share];
            self.sees(ends, resource, share, counts, timeline);
        }
    }

    fn sees(&mut self, at: SimTime, resource: Resource, share: f64, counts: bool, timeline: &mut Timeline) {
        let index = resource as usize;
        if counts {
            self.peak[index] = self.peak[index].max(share);
        }
        if share >= Self::FULL {
            let note = || format!("all of the {} was wanted", resource.words());
            timeline.note(at, Weight::Step, None, "limit/reached", index as u64, note);
        }
    }

    /// The measures: of each resource the largest share that was wanted in a window after the warm-up.
    pub fn measures(&self) -> Vec<Measure> {
        let measure = |resource: Resource| Measure {
            name: format!("limit.{}", resource.name()),
            unit: Unit::Share,
            better: Better::Down,
            value: (!self.wanted[resource as usize].is_empty()).then_some(self.peak[resource as usize]),
            definition: format!(
                "Largest share of the {} that was wanted in a window, the busiest one of its kind; above 100 % the rest waits or is turned away.",
                resource.words()
            ),
        };
        Resource::ALL.map(measure).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_window_of_the_busiest_instance_counts() {
        let ten = SimDuration::from_secs(10);
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let mut timeline = Timeline::new(false);
        let mut probe = LimitProbe::new(ten, at(10), false);
        let cpu = |total| Wanted { resource: Resource::ApiServerCpu, total, per_second: 1.0 };
        assert!(!probe.is_due(at(9)) && probe.is_due(at(10)));
        let memory = |share| [(Resource::ApiServerMemory, share)];
        probe.look(at(10), &[cpu(30.0), cpu(1.0)], &memory(0.9), &mut timeline); // the warm-up
        probe.look(at(20), &[cpu(32.0), cpu(5.0)], &memory(0.3), &mut timeline);
        probe.look(at(40), &[cpu(34.0), cpu(9.0)], &memory(0.2), &mut timeline);
        let value = |name: &str| probe.measures().into_iter().find(|it| it.name == name).expect("a measure").value;
        assert_eq!(value("limit.api_server.cpu"), Some(0.4), "4 s of 10 s");
        assert_eq!(value("limit.api_server.memory"), Some(0.3));
        assert_eq!(value("limit.etcd.cpu"), None, "there is no etcd");
    }
}
