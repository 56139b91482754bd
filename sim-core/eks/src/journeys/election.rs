//! The end of an etcd member, the election that follows, and its return; and the API servers' connections to it.
//!
//! ```text
//! leader dies -> a follower is Impatient -> pre-vote, vote -> Elected -> waiting requests go on
//! member dies -> calls to it stall -> GivenUp -> ... -> it returns -> Reconnected
//! ```

use super::etcd_request::zone_of;
use crate::event::{ElectionStep, Event, Future, LinkStep};
use crate::ids::{ApiServerId, MemberId};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Candidacy, ElectionClock, LinkState};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const VOTE_FSYNC: Purpose = Purpose::new("etcd/vote-fsync");
const RECONNECT: Purpose = Purpose::new("etcd/reconnect");

impl World {
    /// A member dies silently.
    pub(crate) fn member_dies(&mut self, now: SimTime, member: MemberId, cause: Cause, future: &mut Future) {
        if !self.etcd.is_up(member) {
            return;
        }
        let led = self.etcd.leader() == Some(member);
        let zone = self.zone_name(zone_of(member));
        let what = if led { "leader" } else { "follower" };
        let weight = if led { Weight::Turn } else { Weight::Step };
        let kind = if led { "etcd/leader-lost" } else { "etcd/follower-lost" };
        let subject = u64::from(self.etcd.life(member)) << 8 | u64::from(member.0);
        let noted =
            self.probes.timeline.note(now, weight, cause, kind, subject, || format!("etcd {what} in {zone} lost"));
        let cause = noted.or(cause);
        let zones = &self.zones;
        let delay = |a, b| zones.mean(zone_of(a), zone_of(b));
        let clocks = self.etcd.die(member, now, cause, delay, self.key);
        self.set_election_clocks(clocks, future);
        for server in 0..self.api_servers.len() as u8 {
            self.link_falls_silent(now, ApiServerId(server), member, future);
        }
    }

    fn set_election_clocks(&mut self, clocks: impl IntoIterator<Item = ElectionClock>, future: &mut Future) {
        for (member, clock, ends) in clocks {
            future.schedule(ends.max(future.now()), Event::EtcdElection(member, clock, ElectionStep::Impatient));
        }
    }

    /// A connection to a dead member: with no call on it, the keepalive finds out.
    pub(crate) fn link_falls_silent(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        member: MemberId,
        future: &mut Future,
    ) {
        let etcd = &self.plan.parameters.etcd;
        let up = self.api_servers[server.index()].is_up();
        let link = &mut self.api_servers[server.index()].links[member.index()];
        if up && link.state == LinkState::Ready {
            let given_up = now + etcd.keepalive + etcd.member_give_up;
            link.state = LinkState::Silent { given_up };
            link.generation += 1;
            future.schedule(given_up, Event::EtcdLink(server, member, link.generation, LinkStep::GivenUp));
        }
    }

    /// A call goes out on a connection to a dead member: when the connection will be given up.
    pub(crate) fn call_on_silent_link(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        member: MemberId,
        future: &mut Future,
    ) -> SimTime {
        let soon = now + self.plan.parameters.etcd.member_give_up;
        let link = &mut self.api_servers[server.index()].links[member.index()];
        match link.state {
            LinkState::Silent { given_up } if given_up <= soon => given_up,
            LinkState::Silent { .. } | LinkState::Ready => {
                link.state = LinkState::Silent { given_up: soon };
                link.generation += 1;
                future.schedule(soon, Event::EtcdLink(server, member, link.generation, LinkStep::GivenUp));
                soon
            }
            LinkState::Broken => now,
        }
    }

    /// Handles a step of a connection to a member; one of an earlier life does nothing.
    pub(crate) fn etcd_link(
        &mut self,
        now: SimTime,
        server: ApiServerId,
        member: MemberId,
        generation: u32,
        step: LinkStep,
    ) {
        let zone = self.zone_name(zone_of(member));
        let cause = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        let up = self.api_servers[server.index()].is_up();
        let link = &mut self.api_servers[server.index()].links[member.index()];
        if !up || link.generation != generation {
            return; // a server that starts has new connections
        }
        match step {
            LinkStep::GivenUp => {
                link.state = LinkState::Broken;
                self.probes.timeline.note(now, Weight::Step, cause, "etcd/link", u64::from(member.0), || {
                    format!("API server gives up its connection to the etcd member in {zone}; calls on it fail")
                });
            }
            LinkStep::Reconnected => link.state = LinkState::Ready,
        }
    }

    /// Handles a step of an election; one of an earlier clock does nothing.
    pub(crate) fn etcd_election(
        &mut self,
        now: SimTime,
        member: MemberId,
        clock: u32,
        step: ElectionStep,
        future: &mut Future,
    ) {
        match step {
            ElectionStep::Impatient if self.etcd.clock_is(member, clock) => self.campaign(now, member, future),
            ElectionStep::Elected if self.etcd.life(member) == clock => self.elected(now, member, future),
            _ => {}
        }
    }

    fn campaign(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let (zones, law, key) = (&self.zones, &self.plan.parameters.etcd.fsync, self.key);
        let delay = |a, b| zones.mean(zone_of(a), zone_of(b));
        let mut votes = 0;
        let fsync = |on: MemberId| {
            votes += 1;
            law.duration(&mut key.draw(VOTE_FSYNC, u64::from(on.0), now.as_nanos() << 3 | votes))
        };
        match self.etcd.campaign(member, now, delay, fsync, key) {
            Candidacy::Wins(after) => {
                let life = self.etcd.life(member);
                future.schedule(now + after, Event::EtcdElection(member, life, ElectionStep::Elected));
            }
            Candidacy::Waits(again, clock) => self.set_election_clocks([(member, clock, again)], future),
            Candidacy::Void => {}
        }
    }

    fn elected(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let Some((since, cause)) = self.etcd.vacant_since() else { return };
        let took = now.saturating_since(since);
        self.election_time = Some(self.election_time.map_or(took, |longest| longest.max(took)));
        let zone = self.zone_name(zone_of(member));
        self.probes.timeline.note(now, Weight::Turn, cause, "etcd/elected", u64::from(member.0), || {
            format!("etcd member in {zone} elected, {:.2} s after the leader's death; writes go on", took.as_secs_f64())
        });
        let waited = self.etcd.elect(member, now);
        self.leader_found(now, waited, future);
        if self.plan.modes.explicit_heartbeats {
            let next = now + self.plan.parameters.etcd.heartbeat_interval;
            future.schedule(next, Event::EtcdHeartbeat(member, self.etcd.life(member)));
        }
    }

    /// The leader sends a heartbeat: an event only in runs that elide nothing.
    pub(crate) fn etcd_heartbeat(&mut self, now: SimTime, member: MemberId, life: u32, future: &mut Future) {
        if self.etcd.leader() == Some(member) && self.etcd.life(member) == life {
            self.etcd.heartbeat(now);
            let next = now + self.plan.parameters.etcd.heartbeat_interval;
            future.schedule(next, Event::EtcdHeartbeat(member, life));
        }
    }

    /// A dead member takes part again, and the API servers reconnect to it.
    pub(crate) fn member_starts(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let zone = self.zone_name(zone_of(member));
        let cause = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/member-back", u64::from(member.0), || {
            format!("etcd member in {zone} is back")
        });
        let clock = self.etcd.start(member, now, self.key);
        self.etcd_machines.restart(member, &self.plan.parameters.etcd);
        self.set_election_clocks(clock, future);
        for server in 0..self.api_servers.len() as u8 {
            self.reconnect(now, ApiServerId(server), member, future);
        }
    }

    /// An API server finds out, at its next try, that a member answers again.
    pub(crate) fn reconnect(&mut self, now: SimTime, server: ApiServerId, member: MemberId, future: &mut Future) {
        let link = &mut self.api_servers[server.index()].links[member.index()];
        link.generation += 1;
        link.state = LinkState::Broken;
        let entity = u64::from(server.0) << 8 | u64::from(member.0);
        let pause = self.plan.parameters.etcd.reconnect_time.duration(&mut self.key.draw(
            RECONNECT,
            entity,
            u64::from(link.generation),
        ));
        future.schedule(now + pause, Event::EtcdLink(server, member, link.generation, LinkStep::Reconnected));
    }
}
