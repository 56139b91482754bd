//! The tasks of somebody who creates a cluster, and what CloudFormation and EKS have made of them meanwhile.
//!
//! A task begins once all before it have succeeded. What it asked for goes its own way at the provider; whoever waits
//! asks for it again and again, and so learns of it late. After a failure what runs is waited for, and nothing new
//! begins.

use sim_kernel::SimTime;

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Over, as wanted.
    Done,
    /// Over, and not as wanted.
    Failed,
}

/// What the provider has made of what a task asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// It is being made.
    InProgress,
    /// It is there.
    Complete,
    /// It could not be made.
    Failed,
}

/// A part of a task, as the timeline shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What happens.
    pub what: String,
    /// When it begins.
    pub begun: SimTime,
    /// When it ends; `None` while it lasts.
    pub ended: Option<SimTime>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    after: Vec<usize>,
    state: State,
    remote: Remote,
    asked: u32,
    answered: u32,
    begun: Option<SimTime>,
    ended: Option<SimTime>,
    phases: Vec<Phase>,
    why: String,
}

/// All tasks.
#[derive(Clone, Debug)]
pub struct Creation {
    tasks: Vec<Task>,
}

impl Creation {
    /// None begun; by task those that must come before.
    pub fn new(after: impl Iterator<Item = Vec<usize>>) -> Self {
        let task = |after| Task {
            after,
            state: State::Waiting,
            remote: Remote::InProgress,
            asked: 0,
            answered: 0,
            begun: None,
            ended: None,
            phases: Vec::new(),
            why: String::new(),
        };
        Creation { tasks: after.map(task).collect() }
    }

    /// The tasks that may begin now.
    pub fn may_begin(&self) -> Vec<usize> {
        let may = |task: &Task| {
            task.state == State::Waiting && task.after.iter().all(|before| self.tasks[*before].state == State::Done)
        };
        (0..self.tasks.len()).filter(|task| may(&self.tasks[*task])).collect()
    }

    /// A task begins.
    pub fn begins(&mut self, task: usize, now: SimTime) {
        let task = &mut self.tasks[task];
        (task.state, task.begun) = (State::Running, Some(now));
    }

    /// A task has succeeded, or failed for a reason.
    pub fn ends(&mut self, task: usize, now: SimTime, result: Result<(), String>) {
        let task = &mut self.tasks[task];
        (task.state, task.ended) = (if result.is_ok() { State::Done } else { State::Failed }, Some(now));
        task.why = result.err().unwrap_or_default();
    }

    /// The provider has made what a task asked for, or cannot, for a reason. What it has said once stays.
    pub fn turns_out(&mut self, task: usize, result: Result<(), String>) {
        let task = &mut self.tasks[task];
        if task.remote == Remote::InProgress {
            task.remote = if result.is_ok() { Remote::Complete } else { Remote::Failed };
            task.why = result.err().unwrap_or_default();
        }
    }

    /// What the provider says of a task.
    pub fn remote(&self, task: usize) -> Remote {
        self.tasks[task].remote
    }

    /// Whoever waits asks once more: how often that has been, this time included.
    pub fn asks(&mut self, task: usize) -> u32 {
        self.tasks[task].asked += 1;
        self.tasks[task].asked
    }

    /// The API has answered a task: how often that has been.
    pub fn is_answered(&mut self, task: usize) -> u32 {
        self.tasks[task].answered += 1;
        self.tasks[task].answered
    }

    /// A part of a task begins; the one before it ends.
    pub fn phase(&mut self, task: usize, now: SimTime, what: String) {
        self.phase_ends(task, now);
        self.tasks[task].phases.push(Phase { what, begun: now, ended: None });
    }

    /// The latest part of a task ends.
    pub fn phase_ends(&mut self, task: usize, now: SimTime) {
        if let Some(phase) = self.tasks[task].phases.last_mut() {
            phase.ended.get_or_insert(now);
        }
    }

    /// Whether a task is under way.
    pub fn is_running(&self, task: usize) -> bool {
        self.tasks[task].state == State::Running
    }

    /// Whether nothing runs, and nothing may begin.
    pub fn is_over(&self) -> bool {
        self.tasks.iter().all(|task| task.state != State::Running) && self.may_begin().is_empty()
    }

    /// How far a task has come.
    pub fn state(&self, task: usize) -> State {
        self.tasks[task].state
    }

    /// When a task began and ended.
    pub fn times(&self, task: usize) -> (Option<SimTime>, Option<SimTime>) {
        (self.tasks[task].begun, self.tasks[task].ended)
    }

    /// The parts of a task.
    pub fn phases(&self, task: usize) -> &[Phase] {
        &self.tasks[task].phases
    }

    /// Why a task, or what it asked for, failed; empty otherwise.
    pub fn why(&self, task: usize) -> &str {
        &self.tasks[task].why
    }
}

/// How somebody asks again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// The first two times after the shorter pause, then after the longer one (eksctl, for the stack of a cluster).
    TwiceThenSlower,
    /// At once, then after pauses that are drawn from the shortest one to a doubling longest one, up to a bound (the
    /// waiters of the AWS SDK).
    Jittered,
    /// At once, then after pauses that double from the first one.
    Doubling,
    /// After pauses that are all the same.
    Steady,
}

impl Asking {
    /// The pause before the question with this number, from 1, as a number of shortest pauses; `longest` likewise, and
    /// `uniform` a number from 0 to 1.
    pub fn pause(self, question: u32, longest: f64, uniform: f64) -> f64 {
        let doubled = |times: u32| 2f64.powi(times.min(30) as i32);
        match (self, question) {
            (Asking::TwiceThenSlower, 1 | 2) | (Asking::Steady, _) => 1.0,
            (Asking::TwiceThenSlower, _) => longest,
            (Asking::Jittered | Asking::Doubling, 1) => 0.0,
            (Asking::Jittered, _) => 1.0 + uniform * (doubled(question - 2).min(longest) - 1.0),
            (Asking::Doubling, _) => doubled(question - 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation() -> Creation {
        Creation::new([vec![], vec![0], vec![0], vec![1, 2]].into_iter())
    }

    #[test]
    fn a_task_waits_for_all_before_it() {
        let (mut creation, now) = (creation(), SimTime::ZERO);
        assert_eq!(creation.may_begin(), [0]);
        creation.begins(0, now);
        creation.ends(0, now, Ok(()));
        assert_eq!(creation.may_begin(), [1, 2]);
        (1..3).for_each(|task| creation.begins(task, now));
        creation.ends(1, now, Ok(()));
        assert!(creation.may_begin().is_empty() && !creation.is_over());
        creation.ends(2, now, Ok(()));
        assert_eq!(creation.may_begin(), [3]);
    }

    #[test]
    fn after_a_failure_what_runs_is_waited_for_and_nothing_begins() {
        let (mut creation, now) = (creation(), SimTime::ZERO);
        creation.begins(0, now);
        creation.ends(0, now, Ok(()));
        (1..3).for_each(|task| creation.begins(task, now));
        creation.ends(1, now, Err("no".to_owned()));
        assert!(!creation.is_over(), "the other one still runs");
        creation.ends(2, now, Ok(()));
        assert!(creation.is_over() && creation.state(3) == State::Waiting && creation.why(1) == "no");
    }

    #[test]
    fn what_the_provider_has_said_once_stays() {
        let mut creation = creation();
        creation.turns_out(0, Err("too late".to_owned()));
        creation.turns_out(0, Ok(()));
        assert_eq!(creation.remote(0), Remote::Failed);
    }

    /// 30 s, 30 s, then a minute each; 1, 2, 4 s; from 30 s to 30, 60, 120 s.
    #[test]
    fn who_asks_pauses_as_eksctl_and_the_sdk_do() {
        let pauses = |asking: Asking, uniform| [1, 2, 3, 4, 5].map(|n| asking.pause(n, 4.0, uniform));
        assert_eq!(pauses(Asking::TwiceThenSlower, 0.5), [1.0, 1.0, 4.0, 4.0, 4.0]);
        assert_eq!(pauses(Asking::Doubling, 0.5), [0.0, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(pauses(Asking::Jittered, 0.0), [0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(pauses(Asking::Jittered, 1.0), [0.0, 1.0, 2.0, 4.0, 4.0]);
        assert_eq!(pauses(Asking::Steady, 0.5), [1.0; 5]);
    }
}
