//! An API server: admission by priority level, cores that requests queue for, connections to the etcd members.
//!
//! All CPU time of a request is spent before etcd is asked; memory and watch fan-out are left out, so an API server is
//! never killed for its memory and never slowed by watchers.

use super::flow_control::FlowControl;
use crate::ids::{MemberId, RequestRef};
use crate::parameters::Parameters;
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{Draw, SimDuration, SimTime};
use std::collections::VecDeque;

/// One API server instance.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// The zone that it is in.
    pub zone: ZoneId,
    /// Who is admitted.
    pub flow_control: FlowControl,
    /// Its connections to the etcd members.
    pub links: Vec<EtcdLink>,
    cores: u64,
    busy: u64,
    waiting: VecDeque<(RequestRef, SimDuration)>,
    down: Option<(SimTime, Cause)>,
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
            cores: parameters.api_server.cores,
            busy: 0,
            waiting: VecDeque::new(),
            down: None,
            lives: 0,
        }
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.down.is_none()
    }

    /// Since when it is down, and why.
    pub fn down_since(&self) -> Option<(SimTime, Cause)> {
        self.down
    }

    /// Which life it is in: a request of an earlier life is lost.
    pub fn life(&self) -> u32 {
        self.lives
    }

    /// A request wants `cpu` time: the time that it takes if a core is free, else it waits for [`ApiServer::core_free`].
    pub fn process(&mut self, request: RequestRef, cpu: SimDuration) -> Option<SimDuration> {
        if self.busy < self.cores {
            self.busy += 1;
            return Some(cpu);
        }
        self.waiting.push_back((request, cpu));
        None
    }

    /// A core is free: the request that takes it, and for how long.
    pub fn core_free(&mut self) -> Option<(RequestRef, SimDuration)> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.busy -= 1;
        }
        next
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

    /// The server dies. Returns the requests that waited for a seat or a core.
    pub fn die(&mut self, now: SimTime, cause: Cause) -> Vec<RequestRef> {
        self.down = Some((now, cause));
        self.lives += 1;
        self.busy = 0;
        let mut waited = self.flow_control.lose_all();
        waited.extend(self.waiting.drain(..).map(|(request, _)| request));
        waited
    }

    /// The server answers again, with new connections to the members that `alive` tells of.
    pub fn start(&mut self, alive: impl Fn(MemberId) -> bool) {
        self.down = None;
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
    fn requests_wait_for_a_core_in_order() {
        let mut parameters = Parameters::default();
        parameters.api_server.cores = 1;
        let mut server = ApiServer::new(ZoneId(0), 3, &parameters);
        let (first, second) = (RequestRef { slot: 0, generation: 0 }, RequestRef { slot: 1, generation: 0 });
        let cpu = SimDuration::from_millis(2);
        assert_eq!(server.process(first, cpu), Some(cpu));
        assert_eq!(server.process(second, cpu), None);
        assert_eq!(server.core_free(), Some((second, cpu)));
        assert_eq!(server.core_free(), None);
    }

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
