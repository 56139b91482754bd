//! The database of etcd: what it holds, how large its files are, and the alarm when there is no more room.
//!
//! Every write is a new revision. An older one of the same object goes when the revisions up to it are compacted: each
//! compaction reaches to where the one before found the database, so revisions stay for one to two intervals. What a
//! compaction frees is used again, but a member's file shrinks only when that member is defragmented. A put that finds no
//! room below the quota raises the alarm: from then on every put is refused, while reads and deletes go on.
//!
//! Left out: members whose files differ for other reasons than defragmentation.

use crate::ids::MemberId;
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The database, and its file on each member. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Database {
    /// What was live when the run began.
    base: u64,
    /// What revisions have added since then.
    written: u64,
    /// Of that: superseded and compacted away.
    compacted: u64,
    /// Of that: superseded when the last compaction looked; the next one compacts up to there.
    marked: u64,
    /// By member: how large the file was before pages became free.
    files: Vec<u64>,
    quota: u64,
    alarm: Option<(SimTime, Cause)>,
    alarms: u32,
    alarmed: SimDuration,
    largest: u64,
}

impl Database {
    /// A database of `live` bytes on `members` members, without a past, that may grow up to `quota`.
    pub fn new(members: u8, live: u64, quota: u64) -> Self {
        Database {
            base: live,
            written: 0,
            compacted: 0,
            marked: 0,
            files: vec![0; members as usize],
            quota,
            alarm: None,
            alarms: 0,
            alarmed: SimDuration::ZERO,
            largest: live,
        }
    }

    /// A revision of so many bytes is written.
    pub fn write(&mut self, bytes: u64) {
        self.written += bytes;
    }

    /// Bytes in use: live objects, and revisions that are not compacted. A snapshot has this size.
    pub fn used(&self) -> u64 {
        self.base + self.written - self.compacted
    }

    /// Bytes of a member's file.
    pub fn file(&self, member: MemberId) -> u64 {
        self.files[member.index()].max(self.used())
    }

    /// The largest file that there is.
    pub fn largest_file(&self) -> u64 {
        self.files.iter().copied().max().unwrap_or(0).max(self.used())
    }

    /// The largest file that there ever was. No look is needed to know: files grow up to the next compaction.
    pub fn largest_seen(&self) -> u64 {
        self.largest.max(self.largest_file())
    }

    /// The periodic compaction, with `live` bytes in the present revisions: what was superseded before the last one goes.
    pub fn compact(&mut self, live: u64) {
        self.settle_files();
        self.compacted = self.marked;
        self.marked = self.superseded(live).max(self.compacted);
    }

    /// A compaction up to the present revision.
    pub fn compact_all(&mut self, live: u64) {
        self.compact(live);
        self.compacted = self.marked;
    }

    fn superseded(&self, live: u64) -> u64 {
        (self.base + self.written).saturating_sub(live)
    }

    fn settle_files(&mut self) {
        let used = self.used();
        for file in &mut self.files {
            *file = used.max(*file);
        }
        self.largest = self.largest_seen();
    }

    /// A member writes its file anew, without free pages.
    pub fn defragment(&mut self, member: MemberId) {
        self.settle_files();
        self.files[member.index()] = 0;
    }

    /// A member is sent the whole database: it has the largest file that there is, free pages included.
    pub fn copy_to(&mut self, member: MemberId) {
        self.settle_files();
        self.files[member.index()] = self.largest_file();
    }

    /// The database may grow up to here from now on.
    pub fn set_quota(&mut self, quota: u64) {
        self.quota = quota;
    }

    /// Whether a member takes a put of so many bytes; it does not while the alarm is on.
    pub fn has_room(&self, member: MemberId, bytes: u64) -> bool {
        self.alarm.is_none() && self.file(member) + bytes < self.quota
    }

    /// A put has found no room: the alarm is on. Returns whether it was off before.
    pub fn raise(&mut self, now: SimTime) -> bool {
        let new = self.alarm.is_none();
        if new {
            self.alarm = Some((now, None));
            self.alarms += 1;
        }
        new
    }

    /// The fact that tells of the alarm.
    pub fn blame(&mut self, cause: Cause) {
        self.alarm = self.alarm.map(|(since, _)| (since, cause));
    }

    /// Since when the alarm is on, and the fact that tells of it.
    pub fn alarm(&self) -> Option<(SimTime, Cause)> {
        self.alarm
    }

    /// How many alarms there have been.
    pub fn alarms(&self) -> u32 {
        self.alarms
    }

    /// The alarm is taken back.
    pub fn disarm(&mut self, now: SimTime) {
        if let Some((since, _)) = self.alarm.take() {
            self.alarmed += now.saturating_since(since);
        }
    }

    /// How long the alarm has been on, in all, up to `now`; `None` if it never was.
    pub fn alarmed(&self, now: SimTime) -> Option<SimDuration> {
        let present = self.alarm.map_or(SimDuration::ZERO, |(since, _)| now.saturating_since(since));
        (self.alarms > 0).then_some(self.alarmed + present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: MemberId = MemberId(0);

    #[test]
    fn revisions_stay_for_one_to_two_compactions() {
        let mut database = Database::new(3, 1_000, 1_000_000);
        database.write(100); // an update: superseded at once, or supersedes another
        database.compact(1_000);
        assert_eq!(database.used(), 1_100, "it is younger than the compaction before");
        database.write(10);
        database.compact(1_000);
        assert_eq!(database.used(), 1_010);
        database.compact(1_000);
        assert_eq!(database.used(), 1_000);
    }

    #[test]
    fn new_objects_stay_and_deleted_ones_go_with_the_compaction() {
        let mut database = Database::new(3, 1_000, 1_000_000);
        database.write(500);
        database.compact_all(1_500);
        assert_eq!(database.used(), 1_500, "all of it is live");
        database.write(1); // the tombstone
        database.compact_all(1_000);
        assert_eq!(database.used(), 1_000);
    }

    #[test]
    fn only_defragmentation_makes_a_file_smaller_and_only_its_own() {
        let mut database = Database::new(3, 1_000, 1_000_000);
        database.write(9_000);
        database.compact_all(1_000);
        assert_eq!((database.used(), database.file(MEMBER)), (1_000, 10_000));
        database.write(8_000);
        assert_eq!(database.file(MEMBER), 10_000, "free pages are used again");
        database.defragment(MEMBER);
        assert_eq!((database.file(MEMBER), database.file(MemberId(1))), (9_000, 10_000));
        assert_eq!(database.largest_seen(), 10_000);
    }

    #[test]
    fn the_quota_is_a_matter_of_the_file_and_the_alarm_stays_until_it_is_taken_back() {
        let at = |second| SimTime::ZERO + SimDuration::from_secs(second);
        let mut database = Database::new(3, 1_000, 10_000);
        database.write(8_500);
        assert!(database.has_room(MEMBER, 499) && !database.has_room(MEMBER, 500));
        assert!(database.raise(at(5)) && !database.raise(at(6)));
        assert!(!database.has_room(MEMBER, 0), "whatever its size");
        database.compact_all(1_000);
        database.disarm(at(15));
        assert!(!database.has_room(MEMBER, 500), "the file is as large as before");
        database.defragment(MEMBER);
        assert!(database.has_room(MEMBER, 500) && !database.has_room(MemberId(1), 500));
        assert_eq!((database.alarms(), database.alarmed(at(99))), (1, Some(SimDuration::from_secs(10))));
    }
}
