//! A request's way through etcd:
//!
//! ```text
//! API server -> a member -> AtMember -> its leader -> AtLeader -> disks and quorum -> Committed -> API server
//!    ^             |-- no leader known: waits there           |-- leader dead: a write is lost
//!    |-- member dead: the call stalls until the connection is given up -> EtcdFailed: a read asks another member
//! ```

use crate::aim::{Outcome, Work};
use crate::event::{Future, RequestStep};
use crate::ids::{MemberId, RequestRef};
use crate::plan::ZoneId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Done, LinkState, Request, View};
use crate::world::World;
use sim_kernel::{Draw, Purpose, SimDuration, SimTime};

const ETCD: Purpose = Purpose::new("request/etcd");
const FORWARD: Purpose = Purpose::new("request/forward");
const ETCD_BACK: Purpose = Purpose::new("request/etcd-back");
const FSYNC: Purpose = Purpose::new("etcd/fsync");

impl World {
    /// The API server asks a member of etcd; for a list it asks how far its cache must be, and waits for that.
    pub(crate) fn ask_etcd(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.etcd_try = request.etcd_try.wrapping_add(1);
        request.stalled = None;
        let (server, work) = (request.server.index(), request.aim.work());
        let mut draw = self.draw_for_try(slot, ETCD);
        let from = &self.api_servers[server];
        let Some(member) = from.choose_member(now, &mut draw) else {
            return self.leave_server(now, slot, Outcome::ServerError, future);
        };
        let parameters = &self.plan.parameters;
        let mut way = self.zones.delay(from.zone, zone_of(member), &mut draw);
        if work == Work::List {
            way += parameters.api_server.list_progress.duration(&mut draw);
            let patience = now + parameters.api_server.list_freshness_wait;
            future.schedule(patience, self.in_etcd(slot, RequestStep::EtcdFailed));
        }
        self.requests.at_mut(slot).member = member;
        if self.api_servers[server].links[member.index()].state == LinkState::Ready {
            future.schedule(now + way, self.in_etcd(slot, RequestStep::AtMember));
        } else {
            self.stall(now, slot, future);
        }
    }

    /// The draws of a request's present try to ask etcd.
    fn draw_for_try(&self, slot: u32, purpose: Purpose) -> Draw {
        let request = self.requests.at(slot);
        self.key.draw(purpose, request.entity, request.ordinal << 8 | u64::from(request.etcd_try))
    }

    /// A call to a dead member waits until the connection is given up.
    pub(crate) fn stall(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, member) = (request.server, request.member);
        let here = self.stories[zone_of(member).index()];
        let trouble = self.etcd.down_since(member).map_or(here, |(_, cause)| cause);
        self.requests.at_mut(slot).stalled = Some(now);
        let given_up = self.call_on_silent_link(now, server, member, future);
        self.fails_at(now, slot, given_up, trouble, future);
    }

    /// The present try fails at a time, or at the API server's own time-out if that is earlier.
    fn fails_at(&mut self, now: SimTime, slot: u32, at: SimTime, trouble: Cause, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.trouble = request.trouble.or(trouble);
        let latest = request.begun + self.plan.parameters.api_server.request_timeout;
        future.schedule(at.min(latest).max(now), self.in_etcd(slot, RequestStep::EtcdFailed));
    }

    pub(crate) fn request_at_member(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let member = self.requests.at(slot).member;
        self.requests.at_mut(slot).at_member = now;
        match self.etcd.view(member) {
            View::Down => self.stall(now, slot, future),
            View::Leaderless => self.wait_for_leader(now, slot, future),
            View::Leads => {
                self.requests.at_mut(slot).leader = member;
                self.request_at_leader(now, slot, future);
            }
            View::Follows(leader) => {
                self.requests.at_mut(slot).leader = leader;
                let sent = self.leaves_follower(now, slot);
                // Drawn, so that requests that waited together do not arrive together.
                let mut draw = self.draw_for_try(slot, FORWARD);
                let way = self.zones.delay(zone_of(member), zone_of(leader), &mut draw);
                future.schedule(sent + way, self.in_etcd(slot, RequestStep::AtLeader));
            }
        }
    }

    /// When a follower, done with a request, sends it on: a write by itself, reads together.
    fn leaves_follower(&mut self, now: SimTime, slot: u32) -> SimTime {
        let request = self.requests.at(slot);
        let (member, leader) = (request.member, request.leader);
        if request.aim.work() == Work::Write {
            return self.etcd_machines.handle(member, now);
        }
        let delay = |a: MemberId, b: MemberId| self.zones.mean(zone_of(a), zone_of(b));
        let confirm = |asked| self.etcd.leader().and_then(|_| self.etcd.confirm(asked, delay));
        self.etcd_machines.ask(member, leader, now, delay, confirm)
    }

    /// The member knows no leader: the request waits there, at most for the member's request time-out.
    fn wait_for_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, fails) = (request.member, request.at_member + self.etcd_request_timeout());
        self.etcd.wait(member, self.requests.life(slot));
        let trouble = self.etcd.vacant_since().and_then(|(_, cause)| cause);
        self.fails_at(now, slot, fails, trouble, future);
    }

    /// A leader was elected: the requests that waited go on to it.
    pub(crate) fn leader_found(&mut self, now: SimTime, waited: Vec<(MemberId, RequestRef)>, future: &mut Future) {
        for (member, request) in waited {
            let waits = |entry: &Request| entry.in_hand && entry.member == member;
            if self.requests.lives(request) && waits(self.requests.at(request.slot)) {
                let current = self.requests.at(request.slot).etcd_try;
                self.api_request(now, request, RequestStep::AtMember(current), future);
            }
        }
    }

    pub(crate) fn request_at_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader, work) = (request.member, request.leader, request.aim.work());
        if self.etcd.leader() != Some(leader) {
            return self.lost_with_the_leader(now, slot, future);
        }
        let Some(done) = (if work == Work::Write { self.write_done(now, slot) } else { self.read_done(now, slot) })
        else {
            return self.without_a_quorum(now, slot, future);
        };
        let server = self.api_servers[self.requests.at(slot).server.index()].zone;
        // Drawn, so that entries of one batch do not reach the server at one instant.
        let to_server = self.zones.delay(zone_of(member), server, &mut self.draw_for_try(slot, ETCD_BACK));
        let request = self.requests.at_mut(slot);
        request.commit = done.decided;
        request.proposed = work == Work::Write;
        future.schedule(done.answered + to_server, self.in_etcd(slot, RequestStep::Committed));
    }

    /// A write is at the leader: its way over disks, quorum and stores. `None` without a quorum.
    fn write_done(&mut self, now: SimTime, slot: u32) -> Option<Done> {
        let request = self.requests.at(slot);
        let (member, leader, entity, ordinal) = (request.member, request.leader, request.entity, request.ordinal);
        let (law, key, turn) = (&self.plan.parameters.etcd.fsync, self.key, self.etcd_machines.turn());
        let fsync = |on: MemberId| turn + law.duration(&mut key.draw(FSYNC, entity, ordinal << 8 | u64::from(on.0)));
        let delay = |a: MemberId, b: MemberId| self.zones.mean(zone_of(a), zone_of(b));
        let commit = |ready| self.etcd.replicate(ready, delay, fsync);
        self.etcd_machines.write(member, leader, now, delay, commit)
    }

    /// A read, or the question of its follower, is at the leader. `None` without a quorum.
    fn read_done(&mut self, now: SimTime, slot: u32) -> Option<Done> {
        let request = self.requests.at(slot);
        let delay = |a: MemberId, b: MemberId| self.zones.mean(zone_of(a), zone_of(b));
        let confirm = |asked| self.etcd.confirm(asked, delay);
        self.etcd_machines.read(request.member, request.leader, now, delay, confirm)
    }

    /// The leader that had it, or was to have it, is dead. A member asks again for a read; a write is lost, and its member
    /// waits for it in vain.
    fn lost_with_the_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let trouble = self.etcd.down_since(request.leader).and_then(|(_, cause)| cause);
        if request.aim.work() != Work::Write {
            return self.wait_for_leader(now, slot, future);
        }
        self.write_is_lost(now, trouble);
        self.member_times_out(now, slot, trouble, future);
    }

    fn write_is_lost(&mut self, now: SimTime, cause: Cause) {
        self.etcd_writes_lost += 1;
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/write-lost", 0, || {
            "write in flight lost with the etcd leader; its client learns of it by a time-out".to_owned()
        });
    }

    /// The leader lives, but has no quorum behind it.
    fn without_a_quorum(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let down = self.etcd.ids().filter_map(|member| self.etcd.down_since(member));
        let cause = down.max_by_key(|(since, _)| *since).and_then(|(_, cause)| cause); // the death that took the quorum
        let trouble = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/no-quorum", 0, || {
            "request finds no etcd quorum: it fails after etcd's request time-out".to_owned()
        });
        self.member_times_out(now, slot, trouble, future);
    }

    /// The member that took the request gives it up when its request time-out is over.
    fn member_times_out(&mut self, now: SimTime, slot: u32, trouble: Cause, future: &mut Future) {
        let fails = self.requests.at(slot).at_member + self.etcd_request_timeout();
        self.fails_at(now, slot, fails, trouble, future);
    }

    /// etcd's answer is there, unless who decided or who answered died before. A write takes effect even where its API
    /// server has died or given it up.
    pub(crate) fn request_committed(&mut self, now: SimTime, slot: u32, of: u8, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.proposed = false;
        let (member, leader, commit) = (request.member, request.leader, request.commit);
        let (aim, begun, cause) = (request.aim, request.begun, request.cause);
        let lives = self.api_servers[request.server.index()].life() == request.server_life;
        let heard = request.in_hand && lives && request.etcd_try == of;
        let leader_died = self.died_before(leader, commit);
        if !leader_died && aim.work() == Work::Write {
            self.committed(now, aim, begun, cause, future);
        }
        if !lives {
            return self.drop_from_server(slot);
        }
        if !heard {
            return self.requests.free_if_over(slot);
        }
        if leader_died && member != leader {
            return self.lost_with_the_leader(now, slot, future);
        }
        if !leader_died && self.etcd.is_up(member) {
            return self.leave_server(now, slot, Outcome::Succeeded, future);
        }
        if leader_died && aim.work() == Work::Write {
            self.write_is_lost(now, self.etcd.down_since(leader).and_then(|(_, cause)| cause));
        }
        self.stall(now, slot, future); // its connection is to the dead member
    }

    fn died_before(&self, member: MemberId, moment: SimTime) -> bool {
        self.etcd.down_since(member).is_some_and(|(since, _)| since < moment)
    }

    /// This try has failed: the client library asks another member for a read; a write or a list fails.
    pub(crate) fn etcd_failed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        if !request.in_hand {
            return;
        }
        let link = self.api_servers[request.server.index()].links[request.member.index()].state;
        let out_of_time = now >= request.begun + self.plan.parameters.api_server.request_timeout;
        if request.aim.work() == Work::QuorumRead && link != LinkState::Ready && !out_of_time {
            return self.ask_etcd(now, slot, future);
        }
        self.leave_server(now, slot, Outcome::ServerError, future);
    }

    fn etcd_request_timeout(&self) -> SimDuration {
        let etcd = &self.plan.parameters.etcd;
        etcd.request_timeout + etcd.election_timeout * 2
    }
}

/// The zone of an etcd member: there is one in each zone of the control plane, in their order.
pub(crate) fn zone_of(member: MemberId) -> ZoneId {
    ZoneId(member.0)
}
