//! Raft's safety over random histories of faults, delays and partitions: the state machine is the one that runs use.

use super::*;
use crate::parameters::Parameters;
use sim_kernel::Draw;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

const DELAY: Purpose = Purpose::new("safety/delay");
const FSYNC: Purpose = Purpose::new("safety/fsync");
const PLAN: Purpose = Purpose::new("safety/plan");
const MS: SimDuration = SimDuration::from_nanos(1_000_000);

/// What lies between the members of a trial: each pair has its distance, each fsync its length, now and then a long one.
#[derive(Clone)]
struct Wires {
    key: RunKey,
    /// How often the distances were drawn anew.
    weather: u64,
    writes: u64,
}

impl Ground for Wires {
    fn delay(&self, from: MemberId, to: MemberId) -> SimDuration {
        let pair = u64::from(from.0.min(to.0)) << 8 | u64::from(from.0.max(to.0));
        let mut draw = self.key.draw(DELAY, pair, self.weather);
        let longest = if draw.chance(0.1) { 300.0 } else { 3.0 };
        MS.scaled(0.1 + longest * draw.uniform())
    }

    fn fsync(&self, member: MemberId, ordinal: u64) -> SimDuration {
        let count = if ordinal == 0 { self.writes } else { 1 << 32 | ordinal };
        let mut draw = self.key.draw(FSYNC, u64::from(member.0), count);
        let longest = if draw.chance(0.05) { 2000.0 } else { 2.0 };
        MS.scaled(0.2 + longest * draw.uniform())
    }

    fn snapshot(&self) -> SimDuration {
        MS * 700
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    Message(u32),
    Patience(MemberId, u32),
    CheckQuorum(MemberId, u32),
    Beat(MemberId, Term),
    Decided,
    Answer(usize),
    ReadAnswer(usize),
    Act(u64),
    Change,
}

/// A write that a client waits for.
#[derive(Clone, Copy)]
struct Write {
    term: Term,
    index: Index,
    over: bool,
}

struct Read {
    leader: MemberId,
    asked: SimTime,
    confirmed: SimTime,
    /// What it sees, and what was acknowledged before it was asked for.
    sees: Index,
    must_see: Index,
    breaks: u32,
}

/// What a history came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    leaders: u64,
    steps_down: u64,
    acknowledged: u64,
    lost: u64,
    reads: u64,
    replaced: u64,
    promoted: u64,
    /// Times and kinds of what happened, for comparison.
    facts: Vec<(SimTime, String)>,
}

/// One history: members, what is to come, what must hold.
struct Trial {
    raft: Raft,
    wires: Wires,
    now: SimTime,
    todo: BinaryHeap<Reverse<(SimTime, u64, Todo)>>,
    scheduled: u64,
    writes: Vec<Write>,
    reads: Vec<Read>,
    acknowledged: Vec<(Index, Term)>,
    leaders: BTreeMap<Term, MemberId>,
    tally: Tally,
    weather: bool,
    /// Whether dead members come back empty and vote all the same.
    forgets: bool,
}

impl Trial {
    fn new(seed: u64, change: impl FnOnce(&mut Rules)) -> Trial {
        let key = RunKey::new(seed, 0);
        let mut parameters = Parameters::default().etcd;
        (parameters.snapshot_count, parameters.snapshot_entries_kept) = (20, 5);
        let members = if key.draw(PLAN, 0, u64::MAX).chance(0.3) { 5 } else { 3 };
        let mut raft = Raft::new(members, MemberId(0), &parameters, false, key);
        change(&mut raft.rules);
        let mut trial = Trial {
            raft,
            wires: Wires { key, weather: 0, writes: 0 },
            now: SimTime::ZERO,
            todo: BinaryHeap::new(),
            scheduled: 0,
            writes: Vec::new(),
            reads: Vec::new(),
            acknowledged: Vec::new(),
            leaders: BTreeMap::from([(1, MemberId(0))]),
            tally: Tally::default(),
            weather: false,
            forgets: false,
        };
        trial.turn(|raft, turn| raft.begin(turn)).expect("calm");
        trial
    }

    fn later(&mut self, at: SimTime, todo: Todo) {
        self.scheduled += 1;
        self.todo.push(Reverse((at, self.scheduled, todo)));
    }

    /// Something happens: schedules what comes of it, and sees if all still holds.
    fn turn(&mut self, act: impl FnOnce(&mut Raft, &mut Turn<'_, Wires>)) -> Result<(), String> {
        let (mut effects, news) = (Vec::new(), self.raft.news());
        act(&mut self.raft, &mut Turn { now: self.now, ground: &self.wires, effects: &mut effects });
        for effect in effects {
            match effect {
                Effect::Message(at, place) => self.later(at, Todo::Message(place)),
                Effect::Patience(at, member, clock) => self.later(at, Todo::Patience(member, clock)),
                Effect::CheckQuorum(at, member, check) => self.later(at, Todo::CheckQuorum(member, check)),
                Effect::Beat(at, member, term) => self.later(at, Todo::Beat(member, term)),
                Effect::Decides(at) => self.later(at, Todo::Decided),
                Effect::Leads(member) => self.leads(member)?,
                Effect::Follows(_) => {}
                Effect::StepsDown(member, _) => {
                    self.tally.steps_down += 1;
                    self.tally.facts.push((self.now, format!("{member} steps down")));
                }
            }
        }
        if self.raft.news() != news {
            for write in 0..self.writes.len() {
                self.pursue(write)?;
            }
        }
        Ok(())
    }

    /// One leader per term, and no committed entry lost.
    fn leads(&mut self, member: MemberId) -> Result<(), String> {
        let term = self.raft.term(member);
        self.tally.leaders += 1;
        self.tally.facts.push((self.now, format!("{member} leads term {term}")));
        if let Some(other) = self.leaders.insert(term, member)
            && other != member
        {
            return Err(format!("{other} and {member} lead term {term}"));
        }
        let log = &self.raft.at(member).log;
        match self.acknowledged.iter().find(|(index, term)| log.term_at(*index) != Some(*term)) {
            Some(entry) => Err(format!("{member} leads without the acknowledged entry {entry:?}")),
            None => Ok(()),
        }
    }

    fn propose(&mut self, leader: MemberId) {
        self.wires.writes += 1;
        let proposed = self.raft.propose(self.now, self.now, leader, &self.wires);
        self.writes.push(Write { term: proposed.term, index: proposed.index, over: false });
        if let Some(commit) = proposed.commit {
            self.later(commit, Todo::Answer(self.writes.len() - 1));
        }
    }

    /// A client is answered as soon as its entry is committed, as consensus says.
    fn pursue(&mut self, write: usize) -> Result<(), String> {
        let Write { term, index, over } = self.writes[write];
        if over {
            return Ok(());
        }
        match self.raft.fate(self.now, term, index) {
            Fate::Open => return Ok(()),
            Fate::Due(at) => {
                self.later(at, Todo::Answer(write));
                return Ok(());
            }
            Fate::Lost => {
                self.tally.lost += 1;
                self.tally.facts.push((self.now, format!("write {write} is lost")));
            }
            Fate::Committed => {
                self.tally.acknowledged += 1;
                self.acknowledged.push((index, term));
                self.on_a_quorum_of_disks(term, index)?;
            }
        }
        self.writes[write].over = true;
        Ok(())
    }

    /// No write is acknowledged without a quorum: if everyone died now, so many would have it.
    fn on_a_quorum_of_disks(&self, term: Term, index: Index) -> Result<(), String> {
        let survives = |id: &MemberId| {
            let mut copy = self.raft.clone();
            if copy.is_up(*id) {
                copy.die(&mut Turn { now: self.now, ground: &self.wires, effects: &mut Vec::new() }, *id);
            }
            copy.at(*id).log.term_at(index) == Some(term)
        };
        let have = self.raft.ids().filter(|id| self.raft.is_voter(*id)).filter(survives).count();
        let voters = self.raft.voters();
        if have <= voters / 2 {
            return Err(format!("entry {index} of term {term} is acknowledged with {have} of {voters} disks"));
        }
        Ok(())
    }

    /// Somebody looks after the members: a change that is decided takes effect; a dead member is replaced; a learner that
    /// has caught up votes.
    fn change(&mut self) -> Result<(), String> {
        let mut settled = None;
        self.turn(|raft, turn| settled = raft.settle_change(turn))?;
        match settled {
            Some(MemberChange::Replace(member)) => {
                self.tally.replaced += 1;
                self.turn(|raft, turn| raft.start(turn, member))?;
            }
            Some(MemberChange::Promote(_)) => self.tally.promoted += 1,
            None => {}
        }
        let Some(leader) = self.raft.leader_of_a_quorum() else { return Ok(()) };
        let dead = self.raft.ids().find(|id| !self.raft.is_up(*id) && self.raft.is_voter(*id));
        let mut learners = self.raft.ids().filter(|id| !self.raft.is_voter(*id));
        let ready = learners.find(|id| self.raft.has_caught_up(self.now, *id, 0.9));
        let change = ready.map(MemberChange::Promote).or(dead.map(MemberChange::Replace));
        if let Some(change) = change {
            self.wires.writes += 1;
            self.raft.propose_change(self.now, leader, change, &self.wires);
        }
        Ok(())
    }

    fn read(&mut self, leader: MemberId) {
        let Some(confirmed) = self.raft.confirm(self.now, leader, &self.wires) else { return };
        let sees = self.raft.read_index(leader, self.now);
        let must_see = self.acknowledged.iter().map(|(index, _)| *index).max().unwrap_or(0);
        let (asked, breaks) = (self.now, self.raft.breaks());
        self.reads.push(Read { leader, asked, confirmed, sees, must_see, breaks });
        self.later(confirmed, Todo::ReadAnswer(self.reads.len() - 1));
    }

    /// Linearizable reads are never stale.
    fn read_answered(&mut self, read: usize) -> Result<(), String> {
        let Read { leader, asked, confirmed, sees, must_see, breaks } = self.reads[read];
        if breaks != self.raft.breaks() && !self.raft.was_heard(leader, asked, confirmed) {
            return Ok(()); // it is asked again
        }
        self.tally.reads += 1;
        if sees < must_see {
            return Err(format!("a read at {leader} sees {sees}, but {must_see} was acknowledged before"));
        }
        Ok(())
    }

    /// Goes on until `until`, with what `act` does when it is due.
    fn run(&mut self, until: SimTime, act: fn(&mut Trial, Draw) -> Result<(), String>) -> Result<(), String> {
        while let Some(Reverse((at, _, todo))) = self.todo.pop() {
            if at > until {
                self.later(at, todo);
                break;
            }
            self.now = at;
            match todo {
                Todo::Message(place) => self.turn(|raft, turn| raft.deliver(turn, place))?,
                Todo::Patience(member, clock) => self.turn(|raft, turn| raft.patience_ends(turn, member, clock))?,
                Todo::CheckQuorum(member, check) => self.turn(|raft, turn| raft.check_quorum(turn, member, check))?,
                Todo::Beat(member, term) => self.turn(|raft, turn| raft.beat(turn, member, term))?,
                Todo::Decided => self.turn(|raft, _| raft.decides())?,
                Todo::Answer(write) => self.pursue(write)?,
                Todo::ReadAnswer(read) => self.read_answered(read)?,
                Todo::Change => {
                    self.later(self.now + MS * 150, Todo::Change);
                    self.change()?;
                }
                Todo::Act(count) => {
                    let mut draw = self.wires.key.draw(PLAN, 1, count);
                    let pause = MS.scaled(600.0 * draw.exponential());
                    self.later(self.now + pause, Todo::Act(count + 1));
                    act(self, draw)?;
                }
            }
        }
        self.now = until;
        Ok(())
    }
}

/// A random thing happens, and clients write and read wherever a member believes that it leads.
fn anything(trial: &mut Trial, mut draw: Draw) -> Result<(), String> {
    let members = trial.raft.members.len() as u64;
    let one = MemberId(draw.below(members) as u8);
    let other = MemberId(draw.below(members) as u8);
    match draw.below(12) {
        0 if trial.raft.is_up(one) => trial.turn(|raft, turn| raft.die(turn, one))?,
        0..=2 if !trial.raft.is_up(one) && trial.forgets => {
            trial.raft.wipe(one);
            trial.raft.voters |= 1 << one.0;
            trial.turn(|raft, turn| raft.start(turn, one))?;
        }
        0..=2 if !trial.raft.is_up(one) => trial.turn(|raft, turn| raft.start(turn, one))?,
        3 => change_ways(trial, |a, b, up| up && a != one && b != one)?,
        4 => change_ways(trial, |a, b, up| up && (a, b) != (one, other) && (b, a) != (one, other))?,
        5 => change_ways(trial, |a, b, up| up || (a, b) == (one, other) || (b, a) == (one, other))?,
        6 => change_ways(trial, |_, _, _| true)?,
        7 if trial.weather => trial.wires.weather += 1,
        8 => {
            if let Some(leader) = trial.raft.leader() {
                trial.turn(|raft, turn| raft.die(turn, leader))?;
            }
        }
        _ => {}
    }
    for member in trial.raft.ids() {
        for _ in 0..draw.below(4) {
            if trial.raft.leads(member) {
                trial.propose(member);
                trial.read(member);
            }
        }
    }
    Ok(())
}

fn change_ways(trial: &mut Trial, up: impl Fn(MemberId, MemberId, bool) -> bool) -> Result<(), String> {
    let before = trial.raft.clone();
    trial.turn(|raft, turn| raft.ways(turn, |a, b| up(a.min(b), a.max(b), before.is_linked(a, b))))
}

fn nothing(_: &mut Trial, _: Draw) -> Result<(), String> {
    Ok(())
}

/// In half of the histories dead members are replaced by empty ones.
fn replaces(trial: &Trial) -> bool {
    trial.wires.key.draw(PLAN, 2, 0).chance(0.5)
}

/// Half a minute of faults, then a calm in which everyone is back.
fn history(seed: u64, weather: bool, change: impl FnOnce(&mut Rules)) -> Result<Tally, String> {
    let mut trial = Trial::new(seed, change);
    trial.weather = weather;
    trial.later(SimTime::ZERO + MS, Todo::Act(0));
    if replaces(&trial) {
        trial.later(SimTime::ZERO + MS * 100, Todo::Change);
    }
    trial.run(SimTime::ZERO + MS * 30_000, anything)?;
    change_ways(&mut trial, |_, _, _| true)?;
    for member in trial.raft.ids() {
        if !trial.raft.is_up(member) {
            trial.turn(|raft, turn| raft.start(turn, member))?;
        }
    }
    trial.run(SimTime::ZERO + MS * 60_000, nothing)?;
    let leader = trial.raft.leader_of_a_quorum().ok_or("nobody leads, half a minute after the last fault")?;
    trial.propose(leader);
    trial.run(SimTime::ZERO + MS * 70_000, nothing)?;
    match trial.writes.iter().position(|write| !write.over) {
        Some(write) => Err(format!("write {write} has no fate, ten seconds after another one")),
        None => Ok(trial.tally),
    }
}

const HISTORIES: u64 = 10_000;

/// At most one leader per term; no committed entry lost; no write acknowledged without a quorum on disk; linearizable
/// reads never stale; and once the faults are over, somebody leads and every write has its fate.
#[test]
fn raft_is_safe_in_ten_thousand_random_histories() {
    let mut sum = Tally::default();
    for seed in 0..HISTORIES {
        let tally = history(seed, true, |_| {}).unwrap_or_else(|wrong| panic!("history {seed}: {wrong}"));
        sum.leaders += tally.leaders;
        sum.steps_down += tally.steps_down;
        sum.acknowledged += tally.acknowledged;
        sum.lost += tally.lost;
        sum.reads += tally.reads;
        sum.replaced += tally.replaced;
        sum.promoted += tally.promoted;
    }
    let per_history = |count: u64| count as f64 / HISTORIES as f64;
    let counts = [sum.leaders, sum.steps_down, sum.acknowledged, sum.lost, sum.reads, sum.replaced, sum.promoted];
    let rates = counts.map(per_history);
    println!("leaders, steps down, acknowledged, lost, reads, replaced, promoted per history: {rates:?}");
    let least = [2.0, 0.3, 20.0, 0.5, 20.0, 0.5, 0.3];
    assert!(rates.iter().zip(least).all(|(rate, least)| *rate > least), "the histories are too calm: {rates:?}");
}

/// A rule that is taken away is missed: so the histories above are no calm ones.
#[test]
fn without_the_quorum_rule_a_history_is_unsafe() {
    let wrong: Vec<String> =
        (0..100).filter_map(|seed| history(seed, true, |rules| rules.majority = false).err()).collect();
    assert!(wrong.len() > 50, "{} of 100", wrong.len());
    let says = |what: &str| wrong.iter().any(|wrong| wrong.contains(what));
    assert!(says("disks") && says("lead term"), "{wrong:?}");
}

/// An empty member that votes at once may elect a leader that lacks what was committed: hence learners.
#[test]
fn without_learners_a_history_is_unsafe() {
    let wrong = |seed: &u64| {
        let mut trial = Trial::new(*seed, |_| {});
        trial.forgets = true;
        trial.later(SimTime::ZERO + MS, Todo::Act(0));
        trial.run(SimTime::ZERO + MS * 30_000, anything).err()
    };
    let wrong: Vec<String> = (0..200).filter_map(|seed| wrong(&seed)).collect();
    assert!(wrong.len() > 20, "{} of 200", wrong.len());
    assert!(wrong.iter().any(|wrong| wrong.contains("without the acknowledged entry")), "{wrong:?}");
}

#[test]
fn heartbeats_that_are_sent_and_heartbeats_that_are_computed_give_the_same_histories() {
    for seed in 0..1000 {
        let told = |explicit| {
            history(seed, false, |rules| rules.explicit_heartbeats = explicit)
                .unwrap_or_else(|wrong| panic!("history {seed}: {wrong}"))
        };
        assert_eq!(told(false), told(true), "history {seed}");
    }
}

/// Cuts a member off for ten seconds; what becomes of the leader?
fn cut_off(member: MemberId, change: impl FnOnce(&mut Rules)) -> Trial {
    let mut trial = Trial::new(4, change);
    trial.run(SimTime::ZERO + MS * 5_000, nothing).expect("calm");
    change_ways(&mut trial, |a, b, _| a != member && b != member).expect("safe");
    trial.run(SimTime::ZERO + MS * 15_000, nothing).expect("safe");
    trial
}

fn is_deposed_by_a_returning_member(change: impl FnOnce(&mut Rules)) -> bool {
    let mut trial = cut_off(MemberId(2), change);
    assert_eq!(trial.tally, Tally::default(), "the others are not disturbed while it is away");
    change_ways(&mut trial, |_, _, _| true).expect("safe");
    trial.run(SimTime::ZERO + MS * 25_000, nothing).expect("safe");
    assert!(trial.raft.leader_of_a_quorum().is_some());
    trial.tally.steps_down > 0
}

#[test]
fn with_pre_vote_a_returning_member_does_not_depose_a_healthy_leader_and_without_it_does() {
    assert!(!is_deposed_by_a_returning_member(|_| {}));
    assert!(is_deposed_by_a_returning_member(|rules| rules.pre_vote = false));
}

#[test]
fn with_check_quorum_a_leader_that_is_cut_off_steps_down_and_without_it_does_not() {
    let trial = cut_off(MemberId(0), |_| {});
    let (at, fact) = trial.tally.facts.iter().find(|(_, fact)| fact.contains("steps down")).expect("it steps down");
    let after = at.saturating_since(SimTime::ZERO + MS * 5_000);
    assert_eq!(fact, "etcd-0 steps down");
    assert!((MS * 1_000..MS * 2_000).contains(&after), "one to two election time-outs: {after:?}");
    assert_eq!(cut_off(MemberId(0), |rules| rules.check_quorum = false).tally.steps_down, 0);
}
