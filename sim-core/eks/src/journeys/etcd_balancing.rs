//! An API server's connection to etcd through a load balancer, where members are not addressed directly:
//!
//! ```text
//! dial -> the balancer chooses among the members that pass its checks -> open; every call goes to that member
//!   ^         |-- a dead one that its checks have not found out -> dial time-out
//!   |-- the member dies: calls stall until the connection is given up
//! ```

use crate::event::{Event, Future, LinkStep};
use crate::ids::{ApiServerId, MemberId};
use crate::quantity::Access;
use crate::stations::control_plane::LinkState;
use crate::world::World;
use sim_kernel::{Draw, Purpose, RunKey, SimTime};

const ROUTE: Purpose = Purpose::new("etcd/route");

/// The members that the balancer chose for the API servers' first connections.
pub(crate) fn first_routes(servers: usize, members: u8, key: RunKey) -> Vec<MemberId> {
    let route = |server: u64| MemberId(key.draw(ROUTE, server, 0).below(u64::from(members)) as u8);
    (0..servers as u64).map(route).collect()
}

impl World {
    /// Whether API servers reach etcd through a balancer.
    pub(crate) fn etcd_is_balanced(&self) -> bool {
        self.plan.parameters.etcd.access == Access::Balancer
    }

    /// The member that a call of an API server goes to; `None` while it has no connection.
    pub(crate) fn etcd_route(&self, now: SimTime, server: usize, draw: &mut Draw) -> Option<MemberId> {
        let from = &self.api_servers[server];
        if !self.etcd_is_balanced() {
            return from.choose_member(now, draw);
        }
        let through = *self.etcd_routes.get(server)?;
        (from.links[through.index()].state != LinkState::Broken).then_some(through)
    }

    /// Whether a server's connection to a member exists at all: through a balancer there is only one.
    pub(crate) fn has_link(&self, server: ApiServerId, member: MemberId) -> bool {
        !self.etcd_is_balanced() || self.etcd_routes.get(server.index()) == Some(&member)
    }

    /// An API server without a connection dials through the balancer.
    pub(crate) fn dial_etcd(&mut self, now: SimTime, server: ApiServerId, future: &mut Future) {
        let etcd = &self.plan.parameters.etcd;
        let found_out = etcd.balancer_check_interval * etcd.balancer_threshold;
        let passes = |member: &MemberId| match self.etcd.down_since(*member) {
            Some((since, _)) => now < since + found_out,
            None => self.etcd.is_voter(*member),
        };
        let passing: Vec<MemberId> = self.etcd.ids().filter(passes).collect();
        if self.etcd_routes.len() <= server.index() {
            self.etcd_routes.resize(server.index() + 1, MemberId(0)); // a server that joins
        }
        let before = self.etcd_routes[server.index()];
        let dials =
            self.api_servers[server.index()].links.iter().map(|link| u64::from(link.generation)).sum::<u64>() + 1;
        let mut draw = self.key.draw(ROUTE, u64::from(server.0), dials);
        let chosen = if passing.is_empty() { before } else { passing[draw.below(passing.len() as u64) as usize] };
        self.etcd_routes[server.index()] = chosen;
        let zone = self.api_servers[server.index()].zone;
        let (ends, step) = if self.etcd.serves(chosen) {
            (now + self.zones.delay(zone, self.member_zone(chosen), &mut draw) * 2, LinkStep::Reconnected)
        } else {
            (now + etcd.dial_timeout, LinkStep::GivenUp)
        };
        let link = &mut self.api_servers[server.index()].links[chosen.index()];
        link.generation += 1;
        link.state = LinkState::Broken;
        future.schedule(ends, Event::EtcdLink(server, chosen, link.generation, step));
    }
}
