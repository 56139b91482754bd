//! Nodes of Fargate: the scheduler sees them and puts nothing there.

use super::Placement;
use crate::ids::GroupId;
use crate::plan::ZoneId;
use crate::quantity::Resources;

impl Placement {
    /// A micro-VM for one pod; the ids of nodes come in order. No workload may be placed there by the scheduler.
    pub fn add_micro_vm(&mut self, zone: ZoneId, id: GroupId, size: Resources) {
        self.add_room(zone, id, size, 0, 1);
    }
}
