//! An API server: admission by priority level, cores that jobs compete for, connections to the etcd members.
//!
//! All CPU time of a request is spent before etcd is asked; memory and watch fan-out are left out, so an API server is
//! never killed for its memory and never slowed by watchers.

use super::cores::{Cores, Job};
use super::flow_control::FlowControl;
use crate::ids::{MemberId, RequestRef};
use crate::parameters::Parameters;
use crate::plan::ZoneId;
use crate::probes::Cause;
use sim_kernel::{Draw, SimTime};

/// One API server instance.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// The zone that it is in.
    pub zone: ZoneId,
    /// Who is admitted.
    pub flow_control: FlowControl,
    /// Its connections to the etcd members.
    pub links: Vec<EtcdLink>,
    /// What runs.
    pub cores: Cores,
    down: Option<(SimTime, Cause)>,
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
            cores: Cores::new(parameters.api_server.cores, parameters.api_server.time_slice),
            down: None,
            silent: false,
            lives: 0,
        }
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.down.is_none()
    }

    /// Whether its machine is dead, so that nothing answers there; the kernel of a living one refuses connections.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Since when it is down, and why.
    pub fn down_since(&self) -> Option<(SimTime, Cause)> {
        self.down
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
        self.down = self.down.or(Some((now, cause)));
        self.lives += 1;
        let mut had = self.flow_control.lose_all(now);
        for job in self.cores.lose_all() {
            if let Job::Request(request) = job {
                had.push(request);
            }
        }
        had
    }

    /// The server answers again, with new connections to the members that `alive` tells of.
    pub fn start(&mut self, alive: impl Fn(MemberId) -> bool) {
        self.down = None;
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
