//! A request's way through etcd where consensus lies in a journal:
//!
//! ```text
//! API server -> a member -> AtMember -> a core -> write: the journal -> durable -> applied -> Committed -> API server
//!                                              -> read: how far is the journal? -> applied up to there -> Committed
//! ```
//!
//! Every member that lives takes every request; there is no leader to lose. The journal acknowledges while two of the
//! control plane's three zones have power.

use crate::aim::Work;
use crate::event::Future;
use crate::quantity::Backend;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const JOURNAL: Purpose = Purpose::new("etcd/journal");

impl World {
    /// Whether consensus lies in a journal.
    pub(crate) fn has_journal(&self) -> bool {
        self.plan.parameters.etcd.backend == Backend::Journal
    }

    /// A request reaches a living member that has no leader and needs none.
    pub(crate) fn journal_request(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let zones = self.etcd.ids().map(|member| self.member_zone(member));
        if zones.filter(|zone| self.zones.has_power(*zone)).count() < 2 {
            let trouble = self.probes.timeline.note(now, Weight::Turn, None, "etcd/no-journal", 0, || {
                "request finds no journal behind etcd: two zones are dark; it fails after etcd's request time-out"
                    .to_owned()
            });
            return self.member_times_out(now, slot, trouble, future);
        }
        let request = self.requests.at(slot);
        let (member, write) = (request.member, request.aim.work() == Work::Write);
        let part = self.journal.part_of(request.entity);
        let mut draw = self.draw_for_try(slot, JOURNAL);
        let latency = self.plan.parameters.etcd.journal_latency.duration(&mut draw);
        let (decided, answered) = if write {
            let ready = self.etcd_machines.prepare(member, now);
            let durable = self.journal.append(part, ready, latency);
            (durable, self.journal.apply(part, durable, self.plan.parameters.etcd.apply_cpu))
        } else {
            let handled = self.etcd_machines.handle(member, now);
            let known = self.etcd_machines.ask_for_end(member, handled, latency);
            (known, known)
        };
        let breaks = self.etcd.breaks();
        let request = self.requests.at_mut(slot);
        (request.leader, request.proposed, request.commit, request.breaks) = (member, write, decided, breaks);
        self.answer_reaches_server(slot, self.etcd_machines.answers(member, answered), future);
    }
}
