//! A load generator against etcd alone: so many clients, each of which sends its next request when the last is answered.
//! It drives the stations that the simulator's requests go through.

use sim_eks::Parameters;
use sim_eks::ids::MemberId;
use sim_eks::parameters::EtcdParameters;
use sim_eks::stations::control_plane::etcd::cpu::FifoCores;
use sim_eks::stations::control_plane::{Etcd, EtcdMachines, Ground};
use sim_kernel::{Calendar, Model, RunKey, SimDuration, SimTime, Simulation};

pub const US: SimDuration = SimDuration::from_micros(1);
const LEADER: MemberId = MemberId(0);

/// What the clients ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Put,
    /// A range read that sees every put that was answered before it.
    Linearizable,
    /// A range read from the member's own store.
    Serializable,
}

/// The set-up of C1: three members of 8 cores in one zone, an fsync of 0.6 ms, a round trip of 0.3 ms; every other
/// parameter has its default. The clients' machine has 16 cores and takes 95 us for a request: of 1,000 clients that read
/// serializably, 591 were busy with themselves at 185,758 requests/s, which leaves at most 86 us for one.
#[derive(Clone)]
pub struct Bench {
    pub operation: Operation,
    pub clients: u32,
    /// Every client has its own member, in turn; otherwise all ask this one.
    pub member: Option<MemberId>,
    pub members: u8,
    /// Round trip between clients and members, and between two members.
    pub client_rtt: SimDuration,
    pub member_rtt: SimDuration,
    /// Length of an fsync by member.
    pub fsync: Vec<SimDuration>,
    pub client_cores: u64,
    pub client_cpu: SimDuration,
    pub etcd: EtcdParameters,
    /// Requests after which the count begins, and after which it ends.
    pub counted: (u64, u64),
}

/// What lies between and below the members.
struct Site<'a> {
    rtt: SimDuration,
    turn: SimDuration,
    fsync: &'a [SimDuration],
}

impl Ground for Site<'_> {
    fn delay(&self, _: MemberId, _: MemberId) -> SimDuration {
        self.rtt / 2
    }

    fn fsync(&self, member: MemberId, _: u64) -> SimDuration {
        self.turn + self.fsync[member.index()]
    }

    fn snapshot(&self) -> SimDuration {
        SimDuration::ZERO
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Requests answered in a second.
    pub rate: f64,
    /// Mean time from a request that is sent to its answer, seconds.
    pub latency: f64,
}

impl Bench {
    pub fn new(operation: Operation, clients: u32) -> Self {
        let mut etcd = Parameters::default().etcd;
        etcd.cores = 8;
        Bench {
            operation,
            clients,
            member: None,
            members: 3,
            client_rtt: US * 300,
            member_rtt: US * 300,
            fsync: vec![US * 600; 3],
            client_cores: 16,
            client_cpu: US * 95,
            etcd,
            counted: if clients > 10 { (20_000, 100_000) } else { (100, 2_000) },
        }
    }

    /// All clients ask the leader.
    pub fn leader(mut self) -> Self {
        self.member = Some(LEADER);
        self
    }

    /// All clients ask a follower.
    pub fn follower(mut self) -> Self {
        self.member = Some(MemberId(1));
        self
    }

    pub fn run(self) -> Measured {
        let clients = self.clients;
        let (from, to) = self.counted;
        let mut simulation = Simulation::new(Running {
            etcd: Etcd::new(self.members, LEADER, &self.etcd, false, RunKey::new(1, 0)),
            machines: EtcdMachines::new(self.members, &self.etcd),
            client: FifoCores::new(self.client_cores),
            sent: vec![SimTime::ZERO; clients as usize],
            bench: self,
            answered: 0,
            began: SimTime::ZERO,
            ended: SimTime::ZERO,
            waited: 0.0,
        });
        for client in 0..clients {
            // Spread over a millisecond, as connections are opened one after another.
            let at = SimTime::ZERO + SimDuration::from_nanos(1_000_000 / u64::from(clients) * u64::from(client));
            simulation.future().schedule(at, Step::Begins(client));
        }
        simulation.run_until(SimTime::ZERO + SimDuration::from_secs(100)).expect("time goes on");
        let running = &simulation.model;
        let counted = (to - from) as f64;
        assert!(running.answered >= to, "{} of {to} requests in 100 s", running.answered);
        Measured {
            rate: counted / running.ended.saturating_since(running.began).as_secs_f64(),
            latency: running.waited / counted,
        }
    }
}

#[derive(Clone, Copy, Hash)]
enum Step {
    Begins(u32),
    AtMember(u32),
    AtLeader(u32),
    Answered(u32),
}

struct Running {
    bench: Bench,
    etcd: Etcd,
    machines: EtcdMachines,
    client: FifoCores,
    sent: Vec<SimTime>,
    answered: u64,
    began: SimTime,
    ended: SimTime,
    waited: f64,
}

impl Running {
    fn member(&self, client: u32) -> MemberId {
        self.bench.member.unwrap_or(MemberId((client % u32::from(self.bench.members)) as u8))
    }

    fn at_member(&mut self, now: SimTime, client: u32, future: &mut Calendar<Step>) {
        let (member, rtt, operation) = (self.member(client), self.bench.member_rtt, self.bench.operation);
        if operation == Operation::Serializable {
            let answered = self.machines.handle(member, now) + self.bench.client_rtt / 2;
            return future.schedule(answered, Step::Answered(client));
        }
        if member == LEADER {
            return self.at_leader(now, client, future);
        }
        let sent = if operation == Operation::Put {
            self.machines.handle(member, now)
        } else {
            let (etcd, site) = (&self.etcd, Site { rtt, turn: self.machines.turn(), fsync: &self.bench.fsync });
            let confirm = |asked| etcd.confirm(asked, LEADER, &site);
            self.machines.ask(member, LEADER, now, |_, _| rtt / 2, confirm)
        };
        future.schedule(sent + rtt / 2, Step::AtLeader(client));
    }

    fn at_leader(&mut self, now: SimTime, client: u32, future: &mut Calendar<Step>) {
        let (member, rtt) = (self.member(client), self.bench.member_rtt);
        let delay = |_: MemberId, _: MemberId| rtt / 2;
        let site = Site { rtt, turn: self.machines.turn(), fsync: &self.bench.fsync };
        let done = if self.bench.operation == Operation::Put {
            let etcd = &mut self.etcd;
            let commit = |ready| etcd.replicate(now, ready, LEADER, &site).commit;
            self.machines.write(member, LEADER, now, delay, commit)
        } else {
            let etcd = &self.etcd;
            self.machines.read(member, LEADER, now, delay, |asked| etcd.confirm(asked, LEADER, &site))
        };
        let answered = done.expect("a quorum").answered.max(now) + self.bench.client_rtt / 2;
        future.schedule(answered, Step::Answered(client));
    }

    fn answered(&mut self, now: SimTime, client: u32, future: &mut Calendar<Step>) {
        self.answered += 1;
        let (from, to) = self.bench.counted;
        if self.answered == from {
            self.began = now;
        } else if self.answered > from && self.answered <= to {
            self.ended = now;
            self.waited += now.saturating_since(self.sent[client as usize]).as_secs_f64();
        }
        if self.answered < to {
            let again = self.client.serve(now, self.bench.client_cpu);
            future.schedule(again, Step::Begins(client));
        }
    }
}

impl Model for Running {
    type Event = Step;

    fn handle(&mut self, now: SimTime, step: Step, future: &mut Calendar<Step>) {
        match step {
            Step::Begins(client) => {
                self.sent[client as usize] = now;
                future.schedule(now + self.bench.client_rtt / 2, Step::AtMember(client));
            }
            Step::AtMember(client) => self.at_member(now, client, future),
            Step::AtLeader(client) => self.at_leader(now, client, future),
            Step::Answered(client) => self.answered(now, client, future),
        }
    }
}
