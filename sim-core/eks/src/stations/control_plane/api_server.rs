//! An API server: admission by priority level, cores that jobs compete for, connections to the etcd members.
//!
//! All CPU time of a request is spent before etcd is asked.

use super::cores::{Cores, Job};
use super::flow_control::FlowControl;
use super::memory::Memory;
use super::watch_cache::WatchCache;
use crate::ids::{MemberId, RequestRef};
use crate::parameters::Parameters;
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{Draw, SimDuration, SimTime};

/// How far the process of an API server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It makes its first lists; `/readyz` fails.
    Starting,
    /// It serves.
    Ready,
    /// It was told to stop: `/readyz` fails, and it serves on.
    Stopping,
    /// It no longer listens; running requests may end.
    Draining {
        /// When it exits at the latest.
        until: SimTime,
    },
    /// It does not run.
    Down {
        /// Since when.
        since: SimTime,
        /// Why.
        cause: Cause,
    },
}

/// One API server instance.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// The zone that it is in.
    pub zone: ZoneId,
    /// Who is admitted.
    pub flow_control: FlowControl,
    /// Its connections to the etcd members.
    pub links: Vec<EtcdLink>,
    /// The latest changes.
    pub watch_cache: WatchCache,
    /// What is held for requests.
    pub memory: Memory,
    /// CPU time for watchers that no job has been made for yet.
    pub fan_out: SimDuration,
    /// What runs.
    pub cores: Cores,
    /// Seats, over all priority levels.
    pub seats: u64,
    /// CPU time that was told of when somebody asked last.
    asked: SimDuration,
    phase: Phase,
    /// Whether its machine is dead: then nobody answers in its place.
    silent: bool,
    lives: u32,
}

/// An API server's connection to an etcd member.
#[derive(Clone, Copy, Debug, Default)]
pub struct EtcdLink {
    /// How far it is.
    pub state: LinkState,
    /// Its life, for events.
    pub generation: u32,
}

/// How far a connection to an etcd member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Open; calls pass.
    #[default]
    Ready,
    /// The member is dead, unnoticed: calls stall until `given_up`.
    Silent {
        /// When the connection will be given up.
        given_up: SimTime,
    },
    /// Given up: no call is sent over it.
    Broken,
}

impl EtcdLink {
    fn is_usable(&self, now: SimTime) -> bool {
        match self.state {
            LinkState::Ready => true,
            LinkState::Silent { given_up } => now < given_up,
            LinkState::Broken => false,
        }
    }
}

impl ApiServer {
    /// A server in `zone` that is up, with connections to `members` etcd members.
    pub fn new(zone: ZoneId, members: usize, parameters: &Parameters) -> Self {
        ApiServer {
            zone,
            flow_control: FlowControl::new(&parameters.flow_control),
            links: vec![EtcdLink::default(); members],
            watch_cache: WatchCache::new(&parameters.watch_cache),
            memory: Memory::new(&parameters.api_server),
            fan_out: SimDuration::ZERO,
            cores: Cores::new(parameters.api_server.cores, parameters.api_server.time_slice),
            seats: parameters.flow_control.seats,
            asked: SimDuration::ZERO,
            phase: Phase::Ready,
            silent: false,
            lives: 0,
        }
    }

    /// A new instance whose process does not run yet.
    pub fn launching(zone: ZoneId, members: usize, parameters: &Parameters, now: SimTime, cause: Cause) -> Self {
        let phase = Phase::Down { since: now, cause };
        ApiServer { phase, silent: true, ..Self::new(zone, members, parameters) }
    }

    /// Whether its process runs, so that requests that it has are served.
    pub fn is_up(&self) -> bool {
        !matches!(self.phase, Phase::Down { .. })
    }

    /// Whether it takes new connections.
    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Ready | Phase::Stopping)
    }

    /// Whether its `/readyz` passes, etcd apart.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// How far its process is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its process goes from one phase of its life to another; false if it is not in that one.
    pub fn goes(&mut self, from: Phase, to: Phase) -> bool {
        let goes = self.phase == from;
        if goes {
            self.phase = to;
        }
        goes
    }

    /// Whether its machine is dead, so that nothing answers there; the kernel of a living one refuses connections.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Since when it is down, and why.
    pub fn down_since(&self) -> Option<(SimTime, Cause)> {
        match self.phase {
            Phase::Down { since, cause } => Some((since, cause)),
            _ => None,
        }
    }

    /// CPU time that has been wanted since this was asked last.
    pub fn cpu_since_asked(&mut self) -> SimDuration {
        let wanted = self.cores.busy_time();
        let since = wanted.as_nanos().saturating_sub(self.asked.as_nanos());
        self.asked = wanted;
        SimDuration::from_nanos(since)
    }

    /// Whether it serves no request and holds none back.
    pub fn is_idle(&self) -> bool {
        self.flow_control.inside() == 0
    }

    /// Which life it is in: a request of an earlier life is lost.
    pub fn life(&self) -> u32 {
        self.lives
    }

    /// The member that a call goes to: any whose connection is not given up by now, each as likely. Concurrent
    /// round-robin calls of many clients come to that.
    pub fn choose_member(&self, now: SimTime, draw: &mut Draw) -> Option<MemberId> {
        let usable = || (0u8..).zip(&self.links).filter(|(_, link)| link.is_usable(now));
        let count = usable().count() as u64;
        if count == 0 {
            return None;
        }
        let chosen = draw.below(count) as usize;
        usable().nth(chosen).map(|(member, _)| MemberId(member))
    }

    /// The machine of the server dies. Returns the requests that waited for a seat, or for a core, or were on one.
    pub fn die(&mut self, now: SimTime, cause: Cause) -> Vec<RequestRef> {
        self.silent = true;
        self.crash(now, cause)
    }

    /// The process of the server dies. Returns the requests that waited for a seat, or for a core, or were on one.
    pub fn crash(&mut self, now: SimTime, cause: Cause) -> Vec<RequestRef> {
        if self.is_up() {
            self.phase = Phase::Down { since: now, cause };
        }
        self.lives += 1;
        self.memory.is_lost();
        self.fan_out = SimDuration::ZERO;
        let mut had = self.flow_control.lose_all(now);
        for job in self.cores.lose_all() {
            if let Job::Request(request) = job {
                had.push(request);
            }
        }
        had
    }

    /// The process runs again, with new connections to the members that `alive` tells of; it has its first lists to make.
    pub fn start(&mut self, alive: impl Fn(MemberId) -> bool) {
        self.phase = Phase::Starting;
        self.silent = false;
        for (member, link) in (0u8..).zip(&mut self.links) {
            link.generation += 1;
            link.state = if alive(MemberId(member)) { LinkState::Ready } else { LinkState::Broken };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::{Purpose, RunKey};

    #[test]
    fn calls_spread_over_the_members_whose_connections_are_not_given_up() {
        let mut server = ApiServer::new(ZoneId(0), 3, &Parameters::default());
        server.links[1].state = LinkState::Broken;
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test"), 0, 0);
        let mut seen = [0; 3];
        for _ in 0..100 {
            seen[server.choose_member(SimTime::ZERO, &mut draw).expect("two are left").index()] += 1;
        }
        assert!(seen[0] > 20 && seen[1] == 0 && seen[2] > 20, "{seen:?}");
    }
}
