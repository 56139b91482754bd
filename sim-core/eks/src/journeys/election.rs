//! What breaks and returns among the members of etcd: deaths, cuts, elections; and the API servers' connections to them.
//!
//! ```text
//! leader dies or is cut off -> a follower's patience ends -> pre-votes, votes -> it leads -> others hear it -> waiting requests go on
//! a leader that hears no quorum -> CheckQuorum -> steps down
//! member dies -> calls to it stall -> GivenUp -> ... -> it returns -> the leader turns to it; Reconnected
//! ```

use crate::event::{EtcdStep, Event, Future, LinkStep};
use crate::ids::{ApiServerId, MemberId};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Effect, Etcd, Ground, Leadership, LinkState, LogVolumes, Turn};
use crate::stations::network::Zones;
use crate::world::World;
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime};

const FSYNC: Purpose = Purpose::new("etcd/fsync");
const VOTE_FSYNC: Purpose = Purpose::new("etcd/vote-fsync");
const REPEATED: Purpose = Purpose::new("etcd/repeated");
const RECONNECT: Purpose = Purpose::new("etcd/reconnect");

/// What lies between the members of a run, and below them.
pub(crate) struct Surroundings<'a> {
    pub now: SimTime,
    pub zones: &'a Zones,
    /// By member: its zone.
    pub places: &'a [ZoneId],
    pub volumes: &'a LogVolumes,
    pub key: RunKey,
    /// A turn of a member's loop, before each fsync.
    pub turn: SimDuration,
    /// Entity and ordinal of the write whose entry goes to disk, if it is one's.
    pub write: (u64, u64),
    /// Time of the transfer of the whole database.
    pub snapshot: SimDuration,
}

/// What lies between the members now, without a hold on the rest of the world.
macro_rules! surroundings {
    ($world:ident, $now:ident, $write:expr) => {
        Surroundings {
            now: $now,
            zones: &$world.zones,
            places: &$world.etcd_places,
            volumes: &$world.etcd_volumes,
            key: $world.key,
            turn: $world.etcd_machines.turn(),
            write: $write,
            snapshot: $world.plan.parameters.etcd.transfer_time($world.database.used()),
        }
    };
}
pub(crate) use surroundings;

impl Ground for Surroundings<'_> {
    fn delay(&self, from: MemberId, to: MemberId) -> SimDuration {
        self.zones.present_mean(self.places[from.index()], self.places[to.index()])
    }

    fn way(&self, from: MemberId, to: MemberId, number: u64) -> SimDuration {
        let way = self.delay(from, to);
        let (here, there) = (self.places[from.index()], self.places[to.index()]);
        if !self.zones.is_impaired() || here == there {
            return way;
        }
        let mut draw = self.key.draw(REPEATED, u64::from(from.0) << 8 | u64::from(to.0), number);
        way + self.zones.repeated(here, there, way, &mut draw)
    }

    fn fsync(&self, member: MemberId, ordinal: u64) -> SimDuration {
        let (entity, count) = self.write;
        let mut draw = if ordinal == 0 {
            self.key.draw(FSYNC, entity, count << 8 | u64::from(member.0))
        } else {
            self.key.draw(VOTE_FSYNC, u64::from(member.0), ordinal)
        };
        self.turn + self.volumes.fsync(member, self.now, &mut draw)
    }

    fn snapshot(&self) -> SimDuration {
        self.snapshot
    }
}

impl World {
    /// Something happens to the members of etcd: schedules what comes of it, and tells who waits.
    pub(crate) fn etcd_turn(
        &mut self,
        now: SimTime,
        cause: Cause,
        future: &mut Future,
        act: impl FnOnce(&mut Etcd, &mut Turn<'_, Surroundings<'_>>),
    ) {
        let mut effects = Vec::new();
        let cause = cause.or(self.etcd_story);
        let ground = surroundings!(self, now, (0, 0));
        let news = self.etcd.news();
        act(&mut self.etcd, &mut Turn { now, ground: &ground, effects: &mut effects });
        let mut told = Vec::new();
        for effect in effects {
            match effect {
                Effect::Message(at, place) => future.schedule(at, Event::Etcd(EtcdStep::Message(place))),
                Effect::Patience(at, member, clock) => {
                    future.schedule(at, Event::Etcd(EtcdStep::PatienceEnds(member, clock)));
                }
                Effect::CheckQuorum(at, leader, check) => {
                    future.schedule(at, Event::Etcd(EtcdStep::CheckQuorum(leader, check)));
                }
                Effect::Beat(at, leader, term) => future.schedule(at, Event::Etcd(EtcdStep::Heartbeat(leader, term))),
                Effect::Decides(at) => future.schedule(at, Event::Etcd(EtcdStep::Decided)),
                Effect::Leads(member) | Effect::Follows(member) => told.push(member),
                Effect::StepsDown(member, newer) => self.stepped_down(now, member, newer),
            }
        }
        if self.etcd.news() == news {
            return; // a heartbeat, or a message that came to nothing
        }
        self.leadership_changes(now, cause);
        for member in told {
            self.leader_found(now, member, future);
        }
        self.pursue_held(now, future);
    }

    fn stepped_down(&mut self, now: SimTime, member: MemberId, newer: bool) {
        if self.has_journal() {
            return;
        }
        let cause = self.etcd_trouble();
        let zone = self.zone_name(self.member_zone(member));
        self.probes.timeline.note(
            now,
            Weight::Turn,
            cause,
            "etcd/steps-down",
            u64::from(member.0) << 1 | u64::from(newer),
            || {
                let why = if newer { "has heard of a newer term" } else { "has not heard a quorum" };
                format!("etcd leader in {zone} steps down: it {why}")
            },
        );
    }

    fn leadership_changes(&mut self, now: SimTime, cause: Cause) {
        let Some(Leadership::Taken { by, again, since, cause }) = self.etcd.leadership(now, cause) else { return };
        if self.has_journal() {
            return; // it needs no leader
        }
        let took = now.saturating_since(since);
        self.election_time = Some(self.election_time.map_or(took, |longest| longest.max(took)));
        let (zone, term) = (self.zone_name(self.member_zone(by)), self.etcd.term(by));
        let seconds = took.as_secs_f64();
        self.probes.timeline.note(now, Weight::Turn, cause, "etcd/elected", u64::from(by.0), || {
            if again {
                format!("etcd leader in {zone} is heard by a quorum again, after {seconds:.2} s; writes go on")
            } else {
                format!("etcd member in {zone} elected for term {term}, {seconds:.2} s after the last leader was lost; writes go on")
            }
        });
    }

    /// A member dies silently.
    pub(crate) fn member_dies(&mut self, now: SimTime, member: MemberId, cause: Cause, future: &mut Future) {
        if !self.etcd.is_up(member) {
            return;
        }
        let led = self.etcd.leader() == Some(member) && !self.has_journal();
        let zone = self.zone_name(self.member_zone(member));
        let what = match (led, self.has_journal()) {
            (true, _) => "leader",
            (false, true) => "member",
            (false, false) => "follower",
        };
        let weight = if led { Weight::Turn } else { Weight::Step };
        let kind = if led { "etcd/leader-lost" } else { "etcd/follower-lost" };
        let subject = u64::from(self.etcd.life(member)) << 8 | u64::from(member.0);
        let noted =
            self.probes.timeline.note(now, weight, cause, kind, subject, || format!("etcd {what} in {zone} lost"));
        let cause = noted.or(cause);
        self.etcd_turn(now, cause, future, |etcd, turn| etcd.die(turn, member, cause));
        self.member_will_be_found_dead(now, member, future);
        for server in 0..self.api_servers.len() as u8 {
            self.link_falls_silent(now, ApiServerId(server), member, future);
        }
    }

    /// A dead member takes part again, and the API servers reconnect to it.
    pub(crate) fn member_starts(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let zone = self.zone_name(self.member_zone(member));
        let cause = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/member-back", u64::from(member.0), || {
            format!("etcd member in {zone} is back")
        });
        self.etcd_turn(now, cause, future, |etcd, turn| etcd.start(turn, member));
        self.etcd_machines.restart(member, &self.plan.parameters.etcd);
        if !self.etcd.is_voter(member) {
            return self.learner_starts(now, member, future);
        }
        self.member_is_dialled(now, member, future);
    }

    /// The API servers open connections to a member that takes requests again.
    pub(crate) fn member_is_dialled(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        for server in 0..self.api_servers.len() as u8 {
            self.reconnect(now, ApiServerId(server), member, future);
        }
    }

    /// Members are cut off from all others, by the step of the plan with this index.
    pub(crate) fn cut_members_off(&mut self, now: SimTime, index: u32, members: Vec<MemberId>, future: &mut Future) {
        let led = self.etcd.leader().filter(|leader| members.contains(leader));
        let name = |member: &MemberId| self.zone_name(self.member_zone(*member));
        let text = match (&members[..], led) {
            ([one], Some(_)) => format!("etcd leader in {} is cut off from the other members", name(one)),
            ([one], None) => format!("etcd member in {} is cut off from the others", name(one)),
            _ => "etcd members are cut off from each other".to_owned(),
        };
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "etcd/cut", u64::from(index), || text);
        self.etcd_cuts.push((index, members, cause));
        self.etcd_ways_change(now, cause, future);
    }

    /// A cut among the members is over.
    pub(crate) fn members_meet_again(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let Some(found) = self.etcd_cuts.iter().position(|(cut, ..)| *cut == index) else { return };
        let (.., cause) = self.etcd_cuts.remove(found);
        let cause = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/healed", u64::from(index), || {
            "etcd members that were cut off reach the others again".to_owned()
        });
        self.etcd_ways_change(now, cause, future);
    }

    /// Why the members of etcd do not do what they should: nobody leads, or some are apart, or were.
    pub(crate) fn etcd_trouble(&self) -> Cause {
        self.etcd.vacant_since().and_then(|(_, cause)| cause).or(self.etcd_story)
    }

    /// Messages may pass between other members than before.
    pub(crate) fn etcd_ways_change(&mut self, now: SimTime, cause: Cause, future: &mut Future) {
        let cut_off = |member: &MemberId| self.etcd_cuts.iter().any(|(_, members, _)| members.contains(member));
        let alone: Vec<MemberId> = self.etcd.ids().filter(cut_off).collect();
        let apart = |a: &MemberId, b: &MemberId| {
            alone.contains(a) || alone.contains(b) || !self.zones.reaches(self.member_zone(*a), self.member_zone(*b))
        };
        let pairs = self.etcd.ids().flat_map(|a| self.etcd.ids().map(move |b| (a, b)));
        let cut: Vec<(MemberId, MemberId)> = pairs.filter(|(a, b)| apart(a, b)).collect();
        self.etcd_story = cause;
        self.etcd_turn(now, cause, future, |etcd, turn| etcd.ways(turn, |a, b| !cut.contains(&(a, b))));
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
        let up = self.api_servers[server.index()].is_up() && self.has_link(server, member);
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
        future: &mut Future,
    ) {
        let zone = self.zone_name(self.member_zone(member));
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
                if self.etcd_is_balanced() {
                    self.dial_etcd(now, server, future);
                }
            }
            LinkStep::Reconnected => link.state = LinkState::Ready,
        }
    }

    /// An API server finds out, at its next try, that a member answers again.
    pub(crate) fn reconnect(&mut self, now: SimTime, server: ApiServerId, member: MemberId, future: &mut Future) {
        if self.etcd_is_balanced() {
            return; // it dials until it has a connection, to whichever member
        }
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
