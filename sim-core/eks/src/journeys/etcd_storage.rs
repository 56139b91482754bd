//! What becomes of etcd's disks and of its database:
//!
//! ```text
//! a disk turns slow or stalls -> every fsync on it takes longer -> it is well again
//! every 5 min: an API server compacts      every 30 s: the size is looked at
//! a put finds no room -> the alarm: puts are refused, and with them lease renewals, leader leases, graceful deletes
//!    -> somebody at the provider -> superfluous objects deleted -> compaction -> every member defragmented, the leader last
//!    -> the alarm is taken back
//! ```

use crate::aim::{Aim, Caller};
use crate::event::{Event, Future, Part, StorageStep};
use crate::ids::MemberId;
use crate::plan::{MemberChoice, Plan, StorageChange};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::Database;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const REPAIR_DELAY: Purpose = Purpose::new("etcd/repair-delay");
const PHASE: Purpose = Purpose::new("etcd/storage-phase");
const FILL: Purpose = Purpose::new("etcd/fill");

/// Bytes in a gigabyte, in which quota and sizes are given.
pub(crate) const GIGABYTE: f64 = 1e9;
const MEGABYTE: f64 = 1e6;

/// A client that creates large objects, of a step of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runaway {
    /// The step.
    step: u32,
    /// Its number among the clients outside.
    client: u32,
    /// Bytes of one object.
    bytes: u64,
    /// Objects of it that exist.
    objects: u64,
    /// Whether it goes on.
    active: bool,
}

/// The runaway clients of a plan, which come after its `clients` other ones.
pub(crate) fn runaways(plan: &Plan, clients: usize) -> Vec<Runaway> {
    let fills = (0u32..).zip(&plan.steps).filter_map(|(step, planned)| match planned.change.storage() {
        Some(StorageChange::Fill { object_bytes, .. }) => Some((step, u64::from(*object_bytes))),
        _ => None,
    });
    let runaway = |(client, (step, bytes))| Runaway { step, client, bytes, objects: 0, active: false };
    (clients as u32..).zip(fills).map(runaway).collect()
}

impl World {
    /// The database as it stands when the run begins; its clocks begin.
    pub(crate) fn etcd_storage_begins(&mut self, future: &mut Future) {
        let etcd = &self.plan.parameters.etcd;
        let members = self.etcd.ids().count() as u8;
        let quota_gb = if self.has_journal() { etcd.journal_quota_gb } else { etcd.quota_gb };
        self.database = Database::new(members, self.live_bytes(), (quota_gb * GIGABYTE) as u64);
        self.database_gauge.set(SimTime::ZERO, self.database.used() as f64 / GIGABYTE);
        // Somewhere in their rounds.
        let phase = |clock, interval: SimDuration| interval.scaled(self.key.draw(PHASE, clock, 0).uniform());
        let (compacts, polled) = (phase(0, etcd.compaction_interval), phase(1, etcd.database_poll));
        future.schedule(SimTime::ZERO + compacts, Event::EtcdStorage(StorageStep::Compacts));
        future.schedule(SimTime::ZERO + polled, Event::EtcdStorage(StorageStep::Polled));
    }

    /// Handles a step of the database.
    #[cold]
    pub(crate) fn etcd_storage(&mut self, now: SimTime, step: StorageStep, future: &mut Future) {
        match step {
            StorageStep::Polled => {
                self.database_gauge.set(now, self.database.largest_file() as f64 / GIGABYTE);
                future.schedule(now + self.plan.parameters.etcd.database_poll, Event::EtcdStorage(step));
            }
            StorageStep::Compacts => self.compaction_due(now, future),
            StorageStep::Creates(runaway, number) => self.runaway_creates(now, runaway, number, future),
            StorageStep::RepairBegins(alarm) => {
                if self.database.alarm().is_some() && self.database.alarms() == alarm {
                    self.repair_begins(now, future);
                }
            }
            StorageStep::Deleted => self.superfluous_deleted(now, future),
            StorageStep::Defragmented(member) => {
                self.database.defragment(MemberId(member));
                self.defragment_next(now, future);
            }
        }
    }

    /// The change of a step of the plan begins.
    pub(crate) fn storage_change(&mut self, now: SimTime, index: u32, change: &StorageChange, future: &mut Future) {
        match change {
            StorageChange::SlowDisk { member, fsync, times } => {
                let parameters = &self.plan.parameters.etcd;
                let own = (*times <= 1).then_some(&parameters.slow_fsync);
                let law = fsync.as_ref().or(own).cloned();
                if let Some((id, _)) = self.disk_fails(now, index, *member, "is slow") {
                    self.etcd_volumes.slow_down(id, law, (*times).max(1));
                }
            }
            StorageChange::StalledDisk { member } => {
                let lasts = self.plan.steps.get(index as usize).and_then(|step| step.change.lasts());
                let until = now + lasts.unwrap_or(SimDuration::ZERO);
                if let Some((id, cause)) = self.disk_fails(now, index, *member, "stalls") {
                    self.etcd_volumes.stall(id, until);
                    // Its loop waits for the fsync: no heartbeat and no entry leaves it, and none is answered.
                    self.etcd_cuts.push((index, vec![id], cause));
                    self.etcd_ways_change(now, cause, future);
                }
            }
            StorageChange::Fill { .. } => self.runaway_begins(now, index, future),
            StorageChange::SpaceRepair => self.repair_begins(now, future),
        }
    }

    /// The change of a step of the plan ends.
    pub(crate) fn storage_change_ends(
        &mut self,
        now: SimTime,
        index: u32,
        change: &StorageChange,
        future: &mut Future,
    ) {
        match change {
            StorageChange::SlowDisk { .. } | StorageChange::StalledDisk { .. } => {
                let Some(Part::EtcdMember(member)) = self.struck[index as usize] else { return };
                let name = self.zone_name(self.member_zone(member));
                let cause = self.etcd_volumes.trouble(member);
                self.etcd_volumes.heal(member, &self.plan.parameters.etcd);
                let cause =
                    self.probes.timeline.note(now, Weight::Turn, cause, "etcd/disk-well", u64::from(index), || {
                        format!("disk of the etcd member in {name} is well again")
                    });
                if let Some(cut) = self.etcd_cuts.iter().position(|(step, ..)| *step == index) {
                    self.etcd_cuts.remove(cut);
                    self.etcd_ways_change(now, cause, future);
                }
            }
            StorageChange::Fill { .. } => {
                if let Some(runaway) = self.runaways.iter_mut().find(|runaway| runaway.step == index) {
                    runaway.active = false;
                }
            }
            StorageChange::SpaceRepair => {}
        }
    }

    fn disk_fails(&mut self, now: SimTime, index: u32, choice: MemberChoice, what: &str) -> Option<(MemberId, Cause)> {
        let leader = self.etcd.leader();
        let mut living = self.etcd.ids().filter(|member| self.etcd.is_up(*member));
        let member = match choice {
            MemberChoice::Leader => leader,
            MemberChoice::Follower => living.find(|member| Some(*member) != leader),
            MemberChoice::Zone(zone) => self.member_in(zone),
        };
        let Some(member) = member else {
            self.no_target(now, index, "fault finds no such etcd member: nothing happens");
            return None;
        };
        self.struck[index as usize] = Some(Part::EtcdMember(member));
        let role = if leader == Some(member) { "leader" } else { "follower" };
        let name = self.zone_name(self.member_zone(member));
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "etcd/disk", u64::from(index), || {
            format!("disk of the etcd {role} in {name} {what}")
        });
        self.etcd_volumes.blame(member, cause);
        Some((member, cause))
    }

    /// Bytes of the revision that a request writes; a deletion leaves only a mark.
    fn revision_bytes(&self, slot: u32) -> u64 {
        self.plan.parameters.object_bytes.revision + self.body_bytes(slot)
    }

    /// Bytes of the object that a request writes.
    fn body_bytes(&self, slot: u32) -> u64 {
        let request = self.requests.at(slot);
        match self.runaway_of(request.caller) {
            Some(runaway) => self.runaways[runaway].bytes,
            None if request.aim.deletes() => 0,
            None => request.aim.object_bytes(&self.plan.parameters),
        }
    }

    /// Whether a member refuses a request's put for its size: `etcdserver: request is too large`, which the API server
    /// answers with 500.
    pub(crate) fn is_too_large(&mut self, now: SimTime, slot: u32) -> bool {
        let (bytes, most) = (self.body_bytes(slot), self.plan.parameters.etcd.request_limit);
        if bytes <= most {
            return false;
        }
        let runaway = self.runaway_of(self.requests.at(slot).caller);
        let cause = runaway.and(self.fill_cause);
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/too-large", 0, || {
            let megabytes = bytes as f64 / MEGABYTE;
            format!("write of {megabytes:.1} MB refused by etcd: request is too large; its client gets a 5xx")
        });
        true
    }

    fn runaway_of(&self, caller: Caller) -> Option<usize> {
        let Caller::External(client) = caller else { return None };
        self.runaways.iter().position(|runaway| runaway.client == client)
    }

    /// Whether a request comes from a client that runs away: no service level counts it.
    pub(crate) fn runs_away(&self, caller: Caller) -> bool {
        self.runaway_of(caller).is_some()
    }

    /// Whether a member refuses a request's put because there is no room; the first one raises the alarm.
    pub(crate) fn lacks_room(&mut self, now: SimTime, slot: u32, future: &mut Future) -> bool {
        let request = self.requests.at(slot);
        let member = request.member;
        if request.aim.deletes() || self.database.has_room(member, self.revision_bytes(slot)) {
            return false;
        }
        if self.database.raise(now) {
            self.alarm_raised(now, member, future);
        }
        let cause = self.database.alarm().and_then(|(_, cause)| cause);
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/no-space", 0, || {
            "write refused by etcd: no space; its client gets a 5xx".to_owned()
        });
        true
    }

    fn alarm_raised(&mut self, now: SimTime, member: MemberId, future: &mut Future) {
        let size = self.database.file(member) as f64 / GIGABYTE;
        let alarm = self.database.alarms();
        let cause = self.fill_cause;
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/alarm", u64::from(alarm), || {
            format!("etcd raises the alarm NOSPACE at {size:.2} GB: it refuses every write that is not a deletion")
        });
        self.database.blame(noted);
        let delay =
            self.plan.parameters.etcd.repair_delay.duration(&mut self.key.draw(REPAIR_DELAY, 0, u64::from(alarm)));
        future.schedule(now + delay, Event::EtcdStorage(StorageStep::RepairBegins(alarm)));
    }

    /// A write is in etcd: the database has a revision more.
    pub(crate) fn revision_written(&mut self, slot: u32) {
        self.database.write(self.revision_bytes(slot));
        if let Some(runaway) = self.runaway_of(self.requests.at(slot).caller) {
            self.runaways[runaway].objects += 1;
        }
    }

    /// Bytes of all objects that exist, each with what etcd keeps besides.
    pub(crate) fn live_bytes(&self) -> u64 {
        let bytes = &self.plan.parameters.object_bytes;
        let nodes = self.cluster.node_objects();
        let kinds = [
            (nodes, bytes.node),
            (nodes + self.leases.len() as u64, bytes.lease),
            (self.cluster.pod_objects(), bytes.pod),
        ];
        let all = kinds.into_iter().chain(self.runaways.iter().map(|runaway| (runaway.objects, runaway.bytes)));
        bytes.other + all.map(|(count, size)| count * (size + bytes.revision)).sum::<u64>()
    }

    /// An API server compacts. It first writes a key of its own, so that with the alarm on it does not get so far.
    fn compaction_due(&mut self, now: SimTime, future: &mut Future) {
        let etcd = &self.plan.parameters.etcd;
        future.schedule(now + etcd.compaction_interval, Event::EtcdStorage(StorageStep::Compacts));
        let served = self.api_servers.iter().any(|server| server.is_up());
        if served && self.etcd.leader().is_some() && self.database.alarm().is_none() {
            self.database.compact(self.live_bytes());
        }
    }

    fn runaway_begins(&mut self, now: SimTime, index: u32, future: &mut Future) {
        let Some(number) = self.runaways.iter().position(|runaway| runaway.step == index) else {
            return self.no_target(now, index, "client that fills etcd is not in the plan: nothing happens");
        };
        let text = self.plan.describe(&self.plan.steps[index as usize].change);
        self.fill_cause = self.probes.timeline.note(now, Weight::Turn, None, "etcd/fill", u64::from(index), || text);
        self.runaways[number].active = true;
        self.runaway_creates(now, number as u32, 0, future);
    }

    /// A runaway client creates its next object, and goes on whatever the answer.
    fn runaway_creates(&mut self, now: SimTime, number: u32, object: u32, future: &mut Future) {
        let runaway = self.runaways[number as usize];
        let Some(StorageChange::Fill { per_second, .. }) = self.plan.steps[runaway.step as usize].change.storage()
        else {
            unreachable!("runaway clients come from such steps");
        };
        if !runaway.active {
            return;
        }
        let mut draw = self.key.draw(FILL, u64::from(number), u64::from(object));
        // Between none and twice the mean, so that no two clients keep step.
        let pause = SimDuration::from_secs_f64(2.0 * draw.uniform() / f64::from(*per_second));
        future.schedule(now + pause, Event::EtcdStorage(StorageStep::Creates(number, object + 1)));
        self.call(now, Caller::External(runaway.client), Aim::Apply(object), self.fill_cause, future);
    }

    /// Somebody at the provider begins: first the superfluous objects are deleted, without grace.
    fn repair_begins(&mut self, now: SimTime, future: &mut Future) {
        if self.repairing.is_some() {
            return;
        }
        let cause = self.database.alarm().and_then(|(_, cause)| cause);
        let objects: u64 = self.runaways.iter().map(|runaway| runaway.objects).sum();
        let number = u64::from(self.database.alarms());
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "etcd/repair", number, || {
            format!("the provider begins to make room in etcd: {objects} objects are deleted without grace")
        });
        self.repairing = Some((noted, Vec::new()));
        let took = objects as f64 / self.plan.parameters.etcd.repair_delete_rate;
        future.schedule(now + SimDuration::from_secs_f64(took), Event::EtcdStorage(StorageStep::Deleted));
    }

    /// The superfluous objects are deleted: compaction follows, then defragmentation, one member after another.
    fn superfluous_deleted(&mut self, now: SimTime, future: &mut Future) {
        for runaway in &mut self.runaways {
            self.database.write(runaway.objects * self.plan.parameters.object_bytes.revision);
            runaway.objects = 0;
        }
        self.database.compact_all(self.live_bytes());
        let leader = self.etcd.leader();
        let mut members: Vec<MemberId> = self.etcd.ids().filter(|member| self.etcd.is_up(*member)).collect();
        members.sort_by_key(|member| (Some(*member) != leader, *member)); // taken from the end: the leader last
        let used = self.database.used() as f64 / GIGABYTE;
        let Some((cause, queue)) = &mut self.repairing else { return };
        *queue = members;
        self.probes.timeline.note(now, Weight::Step, *cause, "etcd/compacted", 0, || {
            format!("etcd is compacted: {used:.2} GB are in use, but its files are as large as before")
        });
        self.defragment_next(now, future);
    }

    fn defragment_next(&mut self, now: SimTime, future: &mut Future) {
        let Some((cause, queue)) = &mut self.repairing else { return };
        let cause = *cause;
        let Some(member) = queue.pop() else { return self.repair_ends(now) };
        let seconds = self.database.used() as f64 / MEGABYTE / self.plan.parameters.etcd.defragmentation_rate;
        let until = now + SimDuration::from_secs_f64(seconds);
        self.etcd_machines.block(member, until);
        let name = self.zone_name(self.member_zone(member));
        self.probes.timeline.note(now, Weight::Step, cause, "etcd/defragmentation", u64::from(member.0), || {
            format!("etcd member in {name} is defragmented and answers nobody for {seconds:.1} s")
        });
        future.schedule(until, Event::EtcdStorage(StorageStep::Defragmented(member.0)));
    }

    fn repair_ends(&mut self, now: SimTime) {
        let Some((cause, _)) = self.repairing.take() else { return };
        let size = self.database.largest_file() as f64 / GIGABYTE;
        self.database_gauge.set(now, size);
        let Some((since, _)) = self.database.alarm() else { return };
        self.database.disarm(now);
        let lasted = now.saturating_since(since).as_secs_f64();
        self.probes.timeline.note(now, Weight::Turn, cause, "etcd/disarmed", u64::from(self.database.alarms()), || {
            format!("the alarm is taken back after {lasted:.0} s, at {size:.2} GB: etcd takes writes again")
        });
    }
}
