//! What can be made to happen to the storage of etcd.

use crate::plan::{Cluster, ZoneId};
use serde::{Deserialize, Serialize};
use sim_kernel::Law;

/// Something that happens to a member's disk, or to the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageChange {
    /// A member's fsyncs take longer.
    SlowDisk {
        /// Whose disk.
        member: MemberChoice,
        /// The law of its fsyncs; `None` is that of `etcd.slow_fsync`, or its own if `times` is more than 1.
        fsync: Option<Law>,
        /// How many times as long as that law says they take.
        times: u32,
    },
    /// A member's disk answers no fsync until the fault ends.
    StalledDisk {
        /// Whose disk.
        member: MemberChoice,
    },
    /// A client of the API creates large objects, one after another.
    Fill {
        /// Objects that it creates in a second.
        per_second: u32,
        /// Bytes of one object.
        object_bytes: u32,
    },
    /// The provider makes room: deletes what was created too much, compacts, defragments every member, takes the alarm back.
    SpaceRepair,
}

/// Which member of etcd is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberChoice {
    /// The one that leads when it happens.
    Leader,
    /// The first living one that does not lead when it happens.
    Follower,
    /// The one in this zone.
    Zone(ZoneId),
}

impl MemberChoice {
    fn describe(self, cluster: &Cluster) -> String {
        match self {
            MemberChoice::Leader => "of the etcd leader".to_owned(),
            MemberChoice::Follower => "of an etcd follower".to_owned(),
            MemberChoice::Zone(zone) => {
                let name = cluster.zones.get(zone.index()).map_or("?", |zone| zone.name.as_str());
                format!("of the etcd member in {name}")
            }
        }
    }
}

impl StorageChange {
    /// Whether it breaks something, rather than being somebody's will.
    pub fn is_fault(&self) -> bool {
        !matches!(self, StorageChange::SpaceRepair)
    }

    /// What it does, for people.
    pub fn describe(&self, cluster: &Cluster) -> String {
        match self {
            StorageChange::SlowDisk { member, fsync: Some(law), .. } => {
                format!("the disk {} takes {law} for an fsync", member.describe(cluster))
            }
            StorageChange::SlowDisk { member, times: 0..=1, .. } => {
                format!("the disk {} is slow", member.describe(cluster))
            }
            StorageChange::SlowDisk { member, times, .. } => {
                format!("the disk {} takes {times} times as long for an fsync", member.describe(cluster))
            }
            StorageChange::StalledDisk { member } => format!("the disk {} stalls", member.describe(cluster)),
            StorageChange::Fill { per_second, object_bytes } => {
                let kilobytes = f64::from(*object_bytes) / 1e3;
                format!("a client creates {per_second} objects of {kilobytes} kB a second")
            }
            StorageChange::SpaceRepair => "the provider makes room in etcd".to_owned(),
        }
    }
}
