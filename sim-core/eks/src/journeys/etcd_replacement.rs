//! An etcd member whose machine is dead, and its Auto Scaling group:
//!
//! ```text
//! machine dies -> FoundDead -> its zone has power: another machine there, to which the volume moves -> Launched
//!                   |               -> it takes part again with its data, and lacks what was written since
//!                   |-> its zone is dark: an empty machine in another zone -> Launched
//!                   |       -> the old member leaves -> a learner starts -> snapshot, log -> it votes (Looked, step by step)
//!                   |-> its zone is dark, and no quorum could agree on that: FoundDead again after a while
//! ```
//!
//! One change of the members is under way at a time, and each is an entry that a quorum has to have. The old member leaves
//! before the new one comes: with the dead one in the list, another vote would raise the quorum beyond the living.

use super::election::{Surroundings, surroundings};
use crate::event::{Event, Future, MemberStep, Part};
use crate::ids::MemberId;
use crate::placement::CONTROL_PLANE_ZONES;
use crate::plan::ZoneId;
use crate::record::Weight;
use crate::stations::control_plane::{Fate, MemberChange};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const DETECTION: Purpose = Purpose::new("etcd/detection");
const LAUNCH: Purpose = Purpose::new("etcd/launch");
const VOLUME: Purpose = Purpose::new("etcd/volume-move");
const ZONE: Purpose = Purpose::new("etcd/zone");

/// How far the replacement of a member has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberReplacement {
    /// A machine is launched, to which the volume of the old one moves.
    InPlace,
    /// An empty machine is launched in this zone; the old member is to leave.
    Elsewhere(ZoneId),
    /// It is a learner that will vote when it has caught up.
    Learns,
}

impl World {
    /// The zone of an etcd member.
    pub(crate) fn member_zone(&self, member: MemberId) -> ZoneId {
        self.etcd_places[member.index()]
    }

    /// The etcd members of a zone.
    pub(crate) fn members_in(&self, zone: ZoneId) -> Vec<MemberId> {
        self.etcd.ids().filter(|member| self.member_zone(*member) == zone).collect()
    }

    /// A living etcd member of a zone, or else a dead one.
    pub(crate) fn member_in(&self, zone: ZoneId) -> Option<MemberId> {
        self.members_in(zone).into_iter().max_by_key(|member| (self.etcd.is_up(*member), member.0 == zone.0))
    }

    /// The machine of a member has died: its Auto Scaling group will find out.
    pub(crate) fn member_will_be_found_dead(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        self.etcd_replacements[member.index()] = None;
        if !self.plan.parameters.control_plane.repair {
            return;
        }
        let life = self.etcd.life(member);
        let draw = &mut self.key.draw(DETECTION, u64::from(member.0), u64::from(life));
        let found = now + self.plan.parameters.etcd.detection.duration(draw);
        future.schedule(found, Event::Member(member, life, MemberStep::FoundDead));
    }

    /// Handles a step of the replacement of a member; one of an earlier life does nothing.
    #[cold]
    pub(crate) fn member_life(
        &mut self,
        now: SimTime,
        member: MemberId,
        life: u32,
        step: MemberStep,
        future: &mut Future,
    ) {
        if self.etcd.life(member) != life {
            return;
        }
        match step {
            MemberStep::FoundDead if self.etcd.is_up(member) => {} // power came back first
            MemberStep::FoundDead if self.boots(member) => self.look_again(now, member, step, future),
            MemberStep::FoundDead => self.member_found_dead(now, member, future),
            MemberStep::Launched => self.member_launched(now, member, future),
            MemberStep::Looked => self.membership_goes_on(now, member, future),
        }
    }

    /// Whether the machine of a dead member starts by itself: its zone was dark and has power again.
    fn boots(&self, member: MemberId) -> bool {
        self.zones.has_power(self.member_zone(member)) && !self.is_held_down(Part::EtcdMember(member))
    }

    fn look_again(&self, now: SimTime, member: MemberId, step: MemberStep, future: &mut Future) {
        let again = now + self.plan.parameters.etcd.member_change_retry;
        future.schedule(again, Event::Member(member, self.etcd.life(member), step));
    }

    /// The group gives a dead machine up and launches another one.
    fn member_found_dead(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let (old, life) = (self.member_zone(member), self.etcd.life(member));
        let cause = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        let from = self.zone_name(old);
        let key = |purpose| self.key.draw(purpose, u64::from(member.0), u64::from(life));
        let etcd = &self.plan.parameters.etcd;
        let mut ready = now + etcd.launch_time.duration(&mut key(LAUNCH));
        let subject = u64::from(life) << 8 | u64::from(member.0);
        if self.zones.has_power(old) {
            ready += etcd.volume_move.duration(&mut key(VOLUME));
            self.etcd_replacements[member.index()] = Some(MemberReplacement::InPlace);
            self.probes.timeline.note(now, Weight::Step, cause, "etcd/replaced", subject, || {
                format!(
                    "provider gives up the machine of the etcd member in {from}; its volume moves to another one there"
                )
            });
        } else {
            let Some(zone) = self.zone_for_member(member).filter(|_| self.etcd.vacant_since().is_none()) else {
                self.probes.timeline.note(now, Weight::Step, cause, "etcd/not-replaced", subject, || {
                    format!("etcd member in {from} cannot be replaced: no quorum could agree on another one")
                });
                return self.look_again(now, member, MemberStep::FoundDead, future);
            };
            let to = self.zone_name(zone);
            self.etcd_replacements[member.index()] = Some(MemberReplacement::Elsewhere(zone));
            self.probes.timeline.note(now, Weight::Turn, cause, "etcd/replaced", subject, || {
                format!("provider gives up the etcd member in {from} and launches an empty one in {to}")
            });
        }
        future.schedule(ready, Event::Member(member, life, MemberStep::Launched));
    }

    /// A zone with power that holds the fewest living members.
    fn zone_for_member(&self, member: MemberId) -> Option<ZoneId> {
        let holds = |zone: &ZoneId| self.members_in(*zone).iter().filter(|other| self.etcd.is_up(**other)).count();
        let lit = || (0..CONTROL_PLANE_ZONES).map(ZoneId).filter(|zone| self.zones.has_power(*zone));
        let fewest = lit().map(|zone| holds(&zone)).min()?;
        let best: Vec<ZoneId> = lit().filter(|zone| holds(zone) == fewest).collect();
        let mut draw = self.key.draw(ZONE, u64::from(member.0), u64::from(self.etcd.life(member)));
        Some(best[draw.below(best.len() as u64) as usize])
    }

    /// The machine that takes a dead one's place runs, unless its zone is dark by now.
    fn member_launched(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let replacement = self.etcd_replacements[member.index()];
        let zone = match replacement {
            Some(MemberReplacement::Elsewhere(zone)) => zone,
            _ => self.member_zone(member),
        };
        if !self.zones.has_power(zone) {
            return self.member_will_be_found_dead(now, member, future);
        }
        self.held_down.retain(|(part, _)| *part != Part::EtcdMember(member));
        if replacement == Some(MemberReplacement::InPlace) {
            self.etcd_replacements[member.index()] = None;
            return self.member_starts(now, member, future);
        }
        self.membership_goes_on(now, member, future);
    }

    /// A learner starts: it will vote once it has caught up.
    pub(crate) fn learner_starts(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        self.etcd_replacements[member.index()] = Some(MemberReplacement::Learns);
        self.look_again(now, member, MemberStep::Looked, future);
    }

    /// The next step of a replacement by an empty member: the old one leaves, the new one learns, and votes.
    fn membership_goes_on(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let Some(replacement) = self.etcd_replacements[member.index()] else { return };
        let change = match replacement {
            MemberReplacement::InPlace => return,
            MemberReplacement::Elsewhere(zone) if !self.etcd.is_voter(member) => {
                return self.learner_takes_the_place(now, member, zone, future); // the old one never came to vote
            }
            MemberReplacement::Elsewhere(_) => MemberChange::Replace(member),
            MemberReplacement::Learns => MemberChange::Promote(member),
        };
        let (life, mut next) = (self.etcd.life(member), None);
        match self.etcd.change_under_way(now) {
            Some((decided, Fate::Committed)) => {
                self.change_holds(now, decided, future);
                if decided == change {
                    return;
                }
            }
            Some((_, Fate::Lost)) => self.etcd_turn(now, None, future, |etcd, turn| etcd.settle_change(turn)),
            Some((_, Fate::Due(at))) => next = Some(at),
            Some(_) => {}
            None if replacement == MemberReplacement::Learns && !self.is_ready_to_vote(now, member) => {}
            None => {
                let ground = surroundings!(self, now, (u64::MAX - u64::from(member.0), now.as_nanos()));
                next = self.etcd.propose_change(now, change, &ground);
            }
        }
        match next {
            Some(at) => future.schedule(at.max(now), Event::Member(member, life, MemberStep::Looked)),
            None => self.look_again(now, member, MemberStep::Looked, future),
        }
    }

    fn is_ready_to_vote(&self, now: SimTime, member: MemberId) -> bool {
        self.etcd.has_caught_up(now, member, self.plan.parameters.etcd.learner_ready_share)
    }

    /// A quorum has agreed on a change.
    fn change_holds(&mut self, now: SimTime, change: MemberChange, future: &mut Future) {
        self.etcd_turn(now, None, future, |etcd, turn| etcd.settle_change(turn));
        match change {
            MemberChange::Replace(member) => {
                if let Some(MemberReplacement::Elsewhere(zone)) = self.etcd_replacements[member.index()] {
                    self.learner_takes_the_place(now, member, zone, future);
                }
            }
            MemberChange::Promote(member) if self.etcd.is_up(member) => self.learner_votes(now, member, future),
            MemberChange::Promote(_) => {} // it died meanwhile
        }
    }

    fn learner_votes(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        self.etcd_replacements[member.index()] = None;
        let name = self.zone_name(self.member_zone(member));
        let (voters, quorum) = self.etcd.voters();
        let subject = u64::from(self.etcd.life(member)) << 8 | u64::from(member.0);
        self.probes.timeline.note(now, Weight::Turn, self.etcd_story, "etcd/promoted", subject, || {
            format!("etcd member in {name} has caught up and votes: {quorum} of {voters} decide")
        });
        self.member_is_dialled(now, member, future);
    }

    /// The old member has left: an empty one is in its place, in another zone.
    fn learner_takes_the_place(&mut self, now: SimTime, member: MemberId, zone: ZoneId, future: &mut Future) {
        let cause = self.etcd.down_since(member).and_then(|(_, cause)| cause);
        let (from, to) = (self.zone_name(self.member_zone(member)), self.zone_name(zone));
        let (voters, quorum) = self.etcd.voters();
        let subject = u64::from(self.etcd.life(member)) << 8 | u64::from(member.0);
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/left", subject, || {
            format!(
                "etcd member in {from} is removed: {quorum} of {voters} decide; the one in {to} starts as a learner"
            )
        });
        self.etcd_places[member.index()] = zone;
        self.etcd_volumes.heal(member, &self.plan.parameters.etcd);
        self.database.copy_to(member);
        for (_, cut_off, _) in &mut self.etcd_cuts {
            cut_off.retain(|other| *other != member);
        }
        self.etcd_ways_change(now, noted.or(cause), future);
        self.member_starts(now, member, future);
    }
}
