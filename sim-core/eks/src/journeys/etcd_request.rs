//! A request's way through etcd:
//!
//! ```text
//! API server -> a member -> AtMember -> its leader -> AtLeader -> disks and quorum -> Committed -> API server
//!    ^             |-- no leader known: waits there   |            |-- something broke: held until its fate is known
//!    |             |                                  |-- dead or cut off: a write is lost, a read asks again
//!    |-- member dead: the call stalls until the connection is given up -> EtcdFailed: a read asks another member
//! ```
//!
//! What a leader has computed for an entry or a read is sure unless something has been cut since: then, when it would have
//! come true, consensus is asked what has become of it.

use super::election::{Surroundings, surroundings};
use crate::aim::{Outcome, Work};
use crate::event::{Future, RequestStep};
use crate::ids::MemberId;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::{Fate, Ground, LinkState, Request, View};
use crate::world::World;
use sim_kernel::{Draw, Purpose, SimDuration, SimTime};

const ETCD: Purpose = Purpose::new("request/etcd");
const FORWARD: Purpose = Purpose::new("request/forward");
const WAKE: Purpose = Purpose::new("request/etcd-wake");
const ETCD_BACK: Purpose = Purpose::new("request/etcd-back");

impl World {
    /// The API server asks a member of etcd; for a list it asks how far its cache must be, and waits for that.
    pub(crate) fn ask_etcd(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.etcd_try = request.etcd_try.wrapping_add(1);
        request.stalled = None;
        let (server, work) = (request.server.index(), request.aim.work());
        let mut draw = self.draw_for_try(slot, ETCD);
        let from = &self.api_servers[server];
        let Some(member) = self.etcd_route(now, server, &mut draw) else {
            return self.leave_server(now, slot, Outcome::ServerError, future);
        };
        let parameters = &self.plan.parameters;
        let mut way = self.zones.delay(from.zone, self.member_zone(member), &mut draw);
        if work == Work::List {
            way += parameters.api_server.list_progress.duration(&mut draw);
            let patience = now + parameters.api_server.list_freshness_wait;
            future.schedule(patience, self.in_etcd(slot, RequestStep::EtcdFailed));
        }
        let request = self.requests.at_mut(slot);
        (request.member, request.at_member, request.times_out) = (member, now + way, false);
        if self.api_servers[server].links[member.index()].state == LinkState::Ready {
            future.schedule(now + way, self.in_etcd(slot, RequestStep::AtMember));
        } else {
            self.stall(now, slot, future);
        }
    }

    /// The draws of a request's present try to ask etcd.
    pub(crate) fn draw_for_try(&self, slot: u32, purpose: Purpose) -> Draw {
        let request = self.requests.at(slot);
        self.key.draw(purpose, request.entity, request.ordinal << 8 | u64::from(request.etcd_try))
    }

    /// A call to a dead member waits until the connection is given up.
    pub(crate) fn stall(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, member) = (request.server, request.member);
        let here = self.stories[self.member_zone(member).index()];
        let trouble = self.etcd.down_since(member).map_or(here, |(_, cause)| cause);
        self.requests.at_mut(slot).stalled = Some(now);
        let given_up = self.call_on_silent_link(now, server, member, future);
        self.fails_at(now, slot, given_up, trouble, future);
    }

    /// A member has the call, but its answer will not come: the call fails with its connection.
    fn stays_unanswered(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (server, member, trouble) = (request.server, request.member, request.trouble);
        // A connection that is open was opened since: the one with the call on it is long broken.
        let open = self.api_servers[server.index()].links[member.index()].state == LinkState::Ready;
        let renewed = open && self.etcd.is_up(member);
        let given_up = if renewed { now } else { self.call_on_silent_link(now, server, member, future) };
        let dead = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        self.fails_at(now, slot, given_up, trouble.or(dead), future);
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
        self.requests.at_mut(slot).member_life = self.etcd.life(member);
        match self.etcd.view(member) {
            View::Down => self.stall(now, slot, future),
            _ if self.is_put(slot) && self.is_too_large(now, slot) => self.refused_by_member(now, slot, None, future),
            _ if self.is_put(slot) && self.lacks_room(now, slot, future) => {
                let cause = self.database.alarm().and_then(|(_, cause)| cause);
                self.refused_by_member(now, slot, cause, future);
            }
            _ if self.has_journal() => self.journal_request(now, slot, future),
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
                let way = self.zones.delay(self.member_zone(member), self.member_zone(leader), &mut draw);
                future.schedule(sent + way, self.in_etcd(slot, RequestStep::AtLeader));
            }
        }
    }

    fn is_put(&self, slot: u32) -> bool {
        self.requests.at(slot).aim.work() == Work::Write
    }

    /// The member answers at once that it does not take a put.
    fn refused_by_member(&mut self, now: SimTime, slot: u32, cause: Cause, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, server) = (request.member, self.api_servers[request.server.index()].zone);
        let handled = self.etcd_machines.handle(member, now);
        let back = self.zones.delay(self.member_zone(member), server, &mut self.draw_for_try(slot, ETCD_BACK));
        self.fails_at(now, slot, handled + back, cause, future);
    }

    /// When a follower, done with a request, sends it on: a write by itself, reads together.
    fn leaves_follower(&mut self, now: SimTime, slot: u32) -> SimTime {
        let request = self.requests.at(slot);
        let (member, leader) = (request.member, request.leader);
        if request.aim.work() == Work::Write {
            return self.etcd_machines.handle(member, now);
        }
        let ground = surroundings!(self, now, (0, 0));
        let confirm = |asked| self.etcd.confirm(asked, leader, &ground);
        self.etcd_machines.ask(member, leader, now, |a, b| ground.delay(a, b), confirm)
    }

    /// The member knows no leader: the request waits there, at most for the member's request time-out.
    fn wait_for_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        self.etcd.wait(self.requests.at(slot).member, self.requests.life(slot));
        let trouble = self.etcd_trouble();
        self.member_times_out(now, slot, trouble, future);
    }

    /// A member has heard of a leader: the requests that waited there go on to it.
    pub(crate) fn leader_found(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let law = self.plan.parameters.network.loopback.clone();
        for request in self.etcd.found(member) {
            let waits = |entry: &Request| entry.in_hand && entry.member == member;
            if self.requests.lives(request) && waits(self.requests.at(request.slot)) {
                let cause = self.etcd_story.or(self.requests.at(request.slot).trouble);
                self.probes.timeline.note(now, Weight::Step, cause, "etcd/waited", 0, || {
                    "request that waited at an etcd member for a leader goes on".to_owned()
                });
                // Drawn, so that requests that waited together do not go on at one instant.
                let wakes = law.duration(&mut self.draw_for_try(request.slot, WAKE));
                future.schedule(now + wakes, self.in_etcd(request.slot, RequestStep::AtMember));
            }
        }
    }

    pub(crate) fn request_at_leader(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader, work) = (request.member, request.leader, request.aim.work());
        if !self.etcd.is_linked(member, leader) {
            return self.lost_on_the_way(now, slot, future);
        }
        match self.etcd.view(leader) {
            View::Down | View::Leaderless => self.lost_on_the_way(now, slot, future),
            View::Follows(other) => {
                let way = self.zones.delay(
                    self.member_zone(leader),
                    self.member_zone(other),
                    &mut self.draw_for_try(slot, FORWARD),
                );
                self.requests.at_mut(slot).leader = other;
                future.schedule(now + way, self.in_etcd(slot, RequestStep::AtLeader));
            }
            View::Leads if work == Work::Write => self.propose(now, slot, future),
            View::Leads => self.confirm(now, slot, future),
        }
    }

    /// The leader takes a write into its log: its way over disks, quorum and stores.
    fn propose(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader, write) = (request.member, request.leader, (request.entity, request.ordinal));
        let ground = surroundings!(self, now, write);
        let (etcd, mut entry) = (&mut self.etcd, None);
        let done = self.etcd_machines.write(
            member,
            leader,
            now,
            |a, b| ground.delay(a, b),
            |ready| entry.insert(etcd.replicate(now, ready, leader, &ground)).commit,
        );
        let entry = entry.expect("a leader takes every write");
        let breaks = self.etcd.breaks();
        let request = self.requests.at_mut(slot);
        (request.proposed, request.term, request.index, request.breaks) = (true, entry.term, entry.index, breaks);
        let Some(done) = done else { return self.without_a_quorum(now, slot, future) };
        request.commit = done.decided;
        if member == leader {
            return self.answer_reaches_server(slot, done.answered, future);
        }
        let back = self.zones.present_mean(self.member_zone(leader), self.member_zone(member));
        match self.etcd.learns(member, now, entry.index, back) {
            Some(at) => self.answer_reaches_server(slot, at.max(done.answered), future),
            None => {
                self.requests.at_mut(slot).breaks = breaks.wrapping_sub(1); // committed, but not answered yet
                future.schedule(done.decided, self.in_etcd(slot, RequestStep::Committed));
            }
        }
    }

    /// The leader finds out from a quorum that it leads, for a read, or the question of its follower.
    fn confirm(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader) = (request.member, request.leader);
        let ground = surroundings!(self, now, (0, 0));
        let confirm = |asked| self.etcd.confirm(asked, leader, &ground);
        let done = self.etcd_machines.read(member, leader, now, |a, b| ground.delay(a, b), confirm);
        let (index, back) = (self.etcd.read_index(leader, now), ground.delay(leader, member));
        let seen = if member == leader { Some(now) } else { self.etcd.learns(member, now, index, back) };
        let (Some(done), Some(seen)) = (done, seen) else { return self.asks_again(now, slot, future) };
        let breaks = self.etcd.breaks();
        let request = self.requests.at_mut(slot);
        (request.commit, request.breaks) = (done.decided, breaks);
        self.answer_reaches_server(slot, seen.max(done.answered), future);
    }

    /// The member answers at a time. The way is drawn, so that entries of one batch do not reach the server at one instant.
    pub(crate) fn answer_reaches_server(&mut self, slot: u32, answered: SimTime, future: &mut Future) {
        let request = self.requests.at(slot);
        let server = self.api_servers[request.server.index()].zone;
        let way = self.zones.delay(self.member_zone(request.member), server, &mut self.draw_for_try(slot, ETCD_BACK));
        if answered > request.at_member + self.etcd_request_timeout() {
            let trouble = self.etcd_volumes.trouble(request.leader);
            self.member_times_out(future.now(), slot, trouble, future);
        }
        future.schedule(answered + way, self.in_etcd(slot, RequestStep::Committed));
    }

    /// What a member forwarded found no leader. It asks again for a read; a write is lost, and the member waits in vain.
    fn lost_on_the_way(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let dead = self.etcd.down_since(request.leader).and_then(|(_, cause)| cause);
        let trouble = dead.or_else(|| self.etcd_trouble());
        if request.aim.work() != Work::Write {
            return self.asks_again(now, slot, future);
        }
        self.write_is_lost(now, trouble, true);
        self.member_times_out(now, slot, trouble, future);
    }

    /// A member that was not told how far a read must see asks again after a while.
    fn asks_again(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let again = now + self.plan.parameters.etcd.read_retry;
        let trouble = self.etcd_trouble();
        self.member_times_out(now, slot, trouble, future);
        if again < self.requests.at(slot).at_member + self.etcd_request_timeout() {
            future.schedule(again, self.in_etcd(slot, RequestStep::AtMember));
        }
    }

    /// A write is lost with its leader: on the way to it, where nobody sends it again, or out of its log.
    fn write_is_lost(&mut self, now: SimTime, cause: Cause, forwarded: bool) {
        self.etcd_writes_lost += 1;
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/write-lost", forwarded.into(), || {
            let held = if forwarded { "a follower had forwarded it" } else { "it was in no other member's log" };
            format!("write in flight lost with the etcd leader: {held}; its client learns of it by a time-out")
        });
    }

    /// The leader takes the write, but no quorum is to be seen: it has lost the one that it had, or is new and has none yet.
    fn without_a_quorum(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let cause = self.etcd_trouble();
        let led = self.etcd.leads_since(self.requests.at(slot).leader);
        if self.etcd.vacant_since().is_some_and(|(since, _)| led < since) {
            self.probes.timeline.note(now, Weight::Turn, cause, "etcd/no-quorum", 0, || {
                "write finds no etcd quorum: it waits in the leader's log, and fails after etcd's request time-out"
                    .to_owned()
            });
        }
        self.etcd.hold(self.requests.life(slot));
        self.member_times_out(now, slot, cause, future);
    }

    /// The member that took the request gives it up when its request time-out is over.
    pub(crate) fn member_times_out(&mut self, now: SimTime, slot: u32, trouble: Cause, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        request.trouble = request.trouble.or(trouble);
        if !std::mem::replace(&mut request.times_out, true) {
            let fails = request.at_member + self.etcd_request_timeout();
            self.fails_at(now, slot, fails, trouble, future);
        }
    }

    /// Something has happened among the members: the writes that wait may be decided.
    pub(crate) fn pursue_held(&mut self, now: SimTime, future: &mut Future) {
        for request in self.etcd.held() {
            if self.requests.lives(request) {
                self.pursue(now, request.slot, future);
            }
        }
    }

    /// What was computed for a write is void: what has become of its entry?
    fn pursue(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, leader, index, awaited) = (request.member, request.leader, request.index, self.is_heard(slot));
        let (proposed, fate) = (request.proposed, self.etcd.fate(now, request.term, index));
        let commit = match fate {
            Fate::Lost => return self.entry_is_lost(now, slot, future),
            Fate::Open => return self.hold(now, slot, future),
            Fate::Committed => now,
            Fate::Due(at) => at,
        };
        let by = self.etcd.leader().unwrap_or(leader);
        let back = self.zones.present_mean(self.member_zone(by), self.member_zone(member));
        match self.etcd.learns(member, now, index, back).filter(|_| awaited) {
            Some(at) => self.answer_reaches_server(slot, at.max(commit), future),
            None if proposed => future.schedule(commit, self.in_etcd(slot, RequestStep::Committed)),
            None if awaited => self.hold(now, slot, future),
            None => self.requests.free_if_over(slot),
        }
    }

    /// Whether the API server and the member that it asked still wait for a write.
    fn is_heard(&self, slot: u32) -> bool {
        let request = self.requests.at(slot);
        let lives = self.api_servers[request.server.index()].life() == request.server_life;
        request.in_hand && lives && self.etcd.life(request.member) == request.member_life
    }

    /// A write waits for its entry's fate, or for its member to learn of it.
    fn hold(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        self.etcd.hold(self.requests.life(slot));
        if self.is_heard(slot) {
            let trouble = self.etcd_trouble();
            self.member_times_out(now, slot, trouble, future);
        }
    }

    /// Another entry has the place of a write's: it never was.
    fn entry_is_lost(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at_mut(slot);
        let (trouble, in_hand) = (request.trouble, request.in_hand);
        if std::mem::replace(&mut request.proposed, false) {
            self.write_is_lost(now, trouble, false);
        }
        if in_hand {
            return self.member_times_out(now, slot, trouble, future);
        }
        self.requests.free_if_over(slot);
    }

    /// etcd's answer is there, as computed, unless something broke meanwhile. A write takes effect even where its API
    /// server has died or given it up.
    pub(crate) fn request_committed(&mut self, now: SimTime, slot: u32, of: u8, future: &mut Future) {
        let request = self.requests.at(slot);
        let (member, work) = (request.member, request.aim.work());
        let sure = request.breaks == self.etcd.breaks() || self.has_journal();
        let lives = self.api_servers[request.server.index()].life() == request.server_life;
        let heard = request.in_hand && lives && request.etcd_try == of;
        if work == Work::Write && !self.takes_effect(now, slot, sure, future) {
            return;
        }
        if !lives {
            return self.drop_from_server(slot);
        }
        if !heard {
            return self.requests.free_if_over(slot);
        }
        if self.etcd.life(member) != self.requests.at(slot).member_life {
            return self.stays_unanswered(now, slot, future); // its connection is to the dead member
        }
        if sure || self.is_answered(now, slot) {
            return self.leave_server(now, slot, Outcome::Succeeded, future);
        }
        match work {
            Work::Write => self.pursue(now, slot, future),
            _ => self.asks_again(now, slot, future),
        }
    }

    /// Applies a write that is committed; one whose fate is another is pursued.
    fn takes_effect(&mut self, now: SimTime, slot: u32, sure: bool, future: &mut Future) -> bool {
        let request = self.requests.at(slot);
        if !request.proposed {
            return true;
        }
        let (aim, begun, cause) = (request.aim, request.begun, request.cause);
        if !sure && self.etcd.fate(now, request.term, request.index) != Fate::Committed {
            let lives = self.api_servers[request.server.index()].life() == request.server_life;
            let member_died = self.etcd.life(request.member) != request.member_life;
            if !lives {
                self.requests.at_mut(slot).in_hand = false;
            } else if member_died && request.in_hand {
                self.stays_unanswered(now, slot, future);
            }
            self.pursue(now, slot, future);
            return false;
        }
        let Request { term, trouble, .. } = *self.requests.at(slot);
        if !sure && self.etcd.leader().is_some_and(|by| self.etcd.term(by) > term) {
            self.probes.timeline.note(now, Weight::Step, trouble, "etcd/write-survives", 0, || {
                "write in the log of a lost etcd leader is committed by the next one".to_owned()
            });
        }
        self.requests.at_mut(slot).proposed = false;
        self.revision_written(slot);
        self.committed(now, aim, begun, cause, future);
        true
    }

    /// Whether the member knows by now what a request waits for, though something broke meanwhile.
    fn is_answered(&self, now: SimTime, slot: u32) -> bool {
        let request = self.requests.at(slot);
        let (member, leader) = (request.member, request.leader);
        let back = if member == leader {
            SimDuration::ZERO
        } else {
            self.zones.present_mean(self.member_zone(leader), self.member_zone(member))
        };
        if request.aim.work() == Work::Write {
            return self.etcd.learns(member, now, request.index, back).is_some_and(|at| at <= now);
        }
        let (from, at) = (request.at_member, request.commit);
        self.etcd.was_confirmed((leader, member), from, (at, at + back))
    }

    /// This try has failed: the client library asks another member for a read; a write or a list fails.
    pub(crate) fn etcd_failed(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let request = self.requests.at(slot);
        if !request.in_hand {
            return;
        }
        let link = self.api_servers[request.server.index()].links[request.member.index()].state;
        if matches!(link, LinkState::Silent { given_up } if given_up > now) && request.aim.work() != Work::List {
            return self.stays_unanswered(now, slot, future); // the member's error does not get through
        }
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
