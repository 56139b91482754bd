//! The etcd members as machines: cores that handle requests, a loop that turns once for each batch, and a store that
//! applies one entry after another.
//!
//! ```text
//! request -> a core of its member: decode, answer -> a core of the leader: marshal, log, send
//!         -> a turn of the loop and an fsync, for all that arrived meanwhile -> quorum -> a turn -> applied, one by one
//! linearizable read -> a core -> one question to the leader for all reads that arrived meanwhile -> applied up to there
//! serializable read -> a core
//! ```
//!
//! Service times are known when work arrives, and work of a kind is done in the order of its arrival: so the moment at
//! which it is done is computed then, and no event is needed. One core is the loop's and the store's, where there are
//! several. Left out: memory, garbage collection, the CPU time that a follower takes to append.

use super::rounds::Rounds;
use crate::ids::MemberId;
use crate::parameters::EtcdParameters;
use sim_kernel::{SimDuration, SimTime};

/// FifoCores that take what arrives in its order: a station of several servers with one queue.
#[derive(Clone, Debug)]
pub struct FifoCores {
    free_at: Vec<SimTime>,
    busy: SimDuration,
}

impl FifoCores {
    /// So many cores, at least one, all idle.
    pub fn new(count: u64) -> Self {
        FifoCores { free_at: vec![SimTime::ZERO; count.max(1) as usize], busy: SimDuration::ZERO }
    }

    /// Work of length `time` arrives: when it is done.
    pub fn serve(&mut self, now: SimTime, time: SimDuration) -> SimTime {
        let first = self.free_at.iter_mut().min().expect("at least one core");
        *first = now.max(*first) + time;
        self.busy += time;
        *first
    }
}

/// The machines of all members.
#[derive(Clone, Debug)]
pub struct EtcdMachines {
    machines: Vec<Machine>,
    request: SimDuration,
    proposal: SimDuration,
    turn: SimDuration,
    apply: SimDuration,
}

/// What comes of a request to etcd, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// When the leader knows: the write is committed, or a quorum has confirmed that it leads.
    pub decided: SimTime,
    /// When the member that was asked answers.
    pub answered: SimTime,
}

#[derive(Clone, Debug)]
struct Machine {
    cores: FifoCores,
    /// The questions to the leader, for reads.
    questions: Rounds,
    /// When the last entry reached the store, and when it is applied.
    reached: SimTime,
    applied: SimTime,
    /// Until when its database is written anew: it answers nobody before.
    blocked_until: SimTime,
}

impl Machine {
    fn new(parameters: &EtcdParameters) -> Self {
        Machine {
            cores: FifoCores::new(parameters.cores.saturating_sub(1)),
            questions: Rounds::default(),
            reached: SimTime::ZERO,
            applied: SimTime::ZERO,
            blocked_until: SimTime::ZERO,
        }
    }
}

impl EtcdMachines {
    /// `members` equal machines, idle.
    pub fn new(members: u8, parameters: &EtcdParameters) -> Self {
        EtcdMachines {
            machines: (0..members).map(|_| Machine::new(parameters)).collect(),
            request: parameters.request_cpu,
            proposal: parameters.proposal_cpu,
            turn: parameters.turn_cpu,
            apply: parameters.apply_cpu,
        }
    }

    /// A request reaches a member: when its cores have handled it. That is all that a serializable read takes.
    pub fn handle(&mut self, member: MemberId, now: SimTime) -> SimTime {
        let machine = &mut self.machines[member.index()];
        machine.cores.serve(now, self.request).max(machine.blocked_until)
    }

    /// A write reaches the leader, forwarded by another member or from a client: when it is committed, and when the member
    /// that was asked has applied it. `None` without a quorum.
    ///
    /// `commit` tells from the moment at which an entry is ready for log and followers when a quorum has it.
    pub fn write(
        &mut self,
        member: MemberId,
        leader: MemberId,
        now: SimTime,
        delay: impl Fn(MemberId, MemberId) -> SimDuration,
        commit: impl FnOnce(SimTime) -> Option<SimTime>,
    ) -> Option<Done> {
        let work = if member == leader { self.request + self.proposal } else { self.proposal };
        let ready = self.machines[leader.index()].cores.serve(now, work);
        let decided = commit(ready)?;
        self.apply(leader, decided, delay);
        Some(Done { decided, answered: self.machines[member.index()].applied })
    }

    /// A write reaches a member that sends it to a journal: when it is ready for that.
    pub fn prepare(&mut self, member: MemberId, now: SimTime) -> SimTime {
        self.machines[member.index()].cores.serve(now, self.request + self.proposal)
    }

    /// A member asks a journal for its end, for all reads that were handled before, which takes `length`: when it knows.
    pub fn ask_for_end(&mut self, member: MemberId, handled: SimTime, length: SimDuration) -> SimTime {
        self.machines[member.index()].questions.join(handled, || length)
    }

    /// When a member answers what it could answer at `ready`: not while its database is written anew.
    pub fn answers(&self, member: MemberId, ready: SimTime) -> SimTime {
        ready.max(self.machines[member.index()].blocked_until)
    }

    /// A linearizable read reaches a follower: when the question that it is part of goes to the leader. One question is out
    /// at a time, for all reads that came before it.
    ///
    /// `confirm` tells from the moment at which the leader asks its followers when a quorum has confirmed that it leads.
    pub fn ask(
        &mut self,
        member: MemberId,
        leader: MemberId,
        now: SimTime,
        delay: impl Fn(MemberId, MemberId) -> SimDuration,
        confirm: impl FnOnce(SimTime) -> Option<SimTime>,
    ) -> SimTime {
        let handled = self.handle(member, now);
        let there = handled + delay(member, leader);
        let confirmed = confirm(there + self.turn).map_or(there, |at| at);
        let length = (confirmed + delay(leader, member)).saturating_since(handled);
        let ends = self.machines[member.index()].questions.join(handled, || length);
        // The round that it joins may have begun when the leader was asked in another state.
        handled.max(SimTime::ZERO + ends.saturating_since(SimTime::ZERO + length))
    }

    /// A linearizable read, or the question of the follower that was asked, reaches the leader: when a quorum has confirmed
    /// that it leads, and when the member that was asked has applied all that the read must see. `None` without a quorum.
    pub fn read(
        &mut self,
        member: MemberId,
        leader: MemberId,
        now: SimTime,
        delay: impl Fn(MemberId, MemberId) -> SimDuration,
        confirm: impl FnOnce(SimTime) -> Option<SimTime>,
    ) -> Option<Done> {
        if member != leader {
            let decided = confirm(now + self.turn)?;
            let known = decided + delay(leader, member);
            return Some(Done { decided, answered: self.caught_up(member, known) });
        }
        let handled = self.handle(leader, now);
        let length = confirm(handled + self.turn)?.saturating_since(handled);
        let decided = self.machines[leader.index()].questions.join(handled, || length);
        Some(Done { decided, answered: self.caught_up(leader, decided) })
    }

    /// By member: CPU seconds that its requests have wanted, and its cores for them.
    pub fn wanted(&self) -> impl Iterator<Item = (f64, f64)> {
        self.machines.iter().map(|machine| (machine.cores.busy.as_secs_f64(), machine.cores.free_at.len() as f64))
    }

    /// One turn of a member's loop: before each fsync, and before what is committed goes to the store.
    pub fn turn(&self) -> SimDuration {
        self.turn
    }

    /// The leader knows at `commit` that an entry is committed: every member applies it as soon as it learns of that.
    fn apply(&mut self, leader: MemberId, commit: SimTime, delay: impl Fn(MemberId, MemberId) -> SimDuration) {
        let told = commit + self.turn;
        for (id, machine) in (0u8..).map(MemberId).zip(&mut self.machines) {
            let reached = if id == leader { told } else { told + delay(leader, id) + self.turn };
            machine.reached = machine.reached.max(reached);
            machine.applied = machine.applied.max(reached) + self.apply;
        }
    }

    /// A member knows at `confirmed` how far it must be for a read: when it is there, if entries queue before its store.
    fn caught_up(&self, member: MemberId, confirmed: SimTime) -> SimTime {
        let machine = &self.machines[member.index()];
        let confirmed = confirmed.max(machine.blocked_until);
        if confirmed >= machine.reached {
            return confirmed.max(machine.applied);
        }
        // What will only reach the store later is not waited for, but what queues there is.
        confirmed + machine.applied.saturating_since(machine.reached + self.apply)
    }

    /// A member's database is written anew until `until`: it applies nothing and answers nobody meanwhile.
    pub fn block(&mut self, member: MemberId, until: SimTime) {
        let machine = &mut self.machines[member.index()];
        machine.blocked_until = until;
        machine.reached = machine.reached.max(until);
        machine.applied = machine.applied.max(until);
    }

    /// A member starts anew: nothing of its former life is under way.
    pub fn restart(&mut self, member: MemberId, parameters: &EtcdParameters) {
        self.machines[member.index()] = Machine::new(parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    const US: SimDuration = SimDuration::from_micros(1);

    fn at_us(us: u64) -> SimTime {
        SimTime::ZERO + US * us
    }

    fn machines(cores: u64) -> EtcdMachines {
        let mut parameters = Parameters::default().etcd;
        parameters.cores = cores;
        (parameters.request_cpu, parameters.proposal_cpu) = (US * 40, US * 110);
        (parameters.turn_cpu, parameters.apply_cpu) = (US * 50, US * 20);
        EtcdMachines::new(3, &parameters)
    }

    const LEADER: MemberId = MemberId(0);
    const FOLLOWER: MemberId = MemberId(1);

    #[test]
    fn requests_wait_for_a_core_in_order_and_the_loop_has_one_of_its_own() {
        let mut three = machines(3);
        let done = [0, 0, 0, 10].map(|us| three.handle(LEADER, at_us(us)));
        assert_eq!(done, [at_us(40), at_us(40), at_us(80), at_us(80)]);
        assert_eq!(machines(1).handle(LEADER, at_us(0)), at_us(40), "one core does it all");
    }

    #[test]
    fn a_forwarded_write_costs_the_leader_only_the_proposal() {
        let ready = |member| machines(8).write(member, LEADER, at_us(0), |_, _| US, Some).map(|done| done.decided);
        assert_eq!((ready(LEADER), ready(FOLLOWER)), (Some(at_us(150)), Some(at_us(110))));
    }

    #[test]
    fn entries_of_one_batch_are_applied_one_after_another_and_later_on_a_follower() {
        let mut three = machines(8);
        let mut write = |member| {
            let done = three.write(member, LEADER, at_us(0), |_, _| US * 500, |_| Some(at_us(200)));
            done.expect("a quorum").answered
        };
        assert_eq!([write(LEADER), write(LEADER)], [at_us(200 + 50 + 20), at_us(200 + 50 + 40)]);
        assert_eq!(write(FOLLOWER), at_us(200 + 50 + 500 + 50 + 3 * 20));
    }

    #[test]
    fn reads_share_the_next_question_to_the_leader() {
        let mut three = machines(8);
        let mut sent = |us| three.ask(FOLLOWER, LEADER, at_us(us), |_, _| US * 100, |asked| Some(asked + US * 200));
        // One takes 100 there, a turn of 50, 200 for the quorum, 100 back.
        assert_eq!([0, 10, 290, 500].map(&mut sent), [at_us(40), at_us(490), at_us(490), at_us(940)]);
    }

    #[test]
    fn a_read_waits_for_what_queues_before_the_store_but_not_for_later_entries() {
        let mut three = machines(8);
        assert_eq!(three.caught_up(LEADER, at_us(5)), at_us(5));
        three.apply(LEADER, at_us(1000), |_, _| US);
        assert_eq!(three.caught_up(LEADER, at_us(900)), at_us(900), "the entry is committed after the read");
        assert_eq!(three.caught_up(LEADER, at_us(1060)), at_us(1070));
        for _ in 0..9 {
            three.apply(LEADER, at_us(1000), |_, _| US);
        }
        assert_eq!(three.caught_up(LEADER, at_us(1060)), at_us(1250), "ten of 20 us queue from 1050 on");
    }
}
