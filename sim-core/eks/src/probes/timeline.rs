//! The timeline: what happened, and because of what. Equal facts under one cause are counted, not listed.

use crate::record::{Fact, Record, Weight};
use sim_kernel::SimTime;
use std::collections::BTreeMap;

/// A fact of the timeline, to be named as a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactId(u32);

/// Why something happened: the fact that brought it about, if one did and probes are on. It never decides anything.
pub type Cause = Option<FactId>;

/// What makes facts equal: their kind, whom they concern, and their cause.
type Sameness = (&'static str, u64, Cause);

/// The facts of a run.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    off: bool,
    facts: Vec<Fact>,
    last_of: BTreeMap<Sameness, FactId>,
    dropped: u64,
}

impl Timeline {
    /// A timeline that keeps facts, or none at all.
    pub fn new(off: bool) -> Self {
        Timeline { off, ..Timeline::default() }
    }

    /// Notes a fact. One of the same kind, subject and cause is counted with the first; `text` is asked for only once.
    ///
    /// `kind` is a short constant such as `node/not-ready`; `subject` tells those of a kind apart (a zone, a member).
    pub fn note(
        &mut self,
        now: SimTime,
        weight: Weight,
        cause: Cause,
        kind: &'static str,
        subject: u64,
        text: impl FnOnce() -> String,
    ) -> Cause {
        if self.off {
            return None;
        }
        if let Some(&known) = self.last_of.get(&(kind, subject, cause)) {
            let fact = &mut self.facts[known.0 as usize];
            fact.count += 1;
            fact.last = now;
            return Some(known);
        }
        if self.facts.len() >= Record::FACTS_MAX {
            self.dropped += 1;
            return cause;
        }
        let id = FactId(self.facts.len() as u32);
        let cause_number = cause.map(|fact| fact.0);
        self.facts.push(Fact { id: id.0, cause: cause_number, first: now, last: now, count: 1, text: text(), weight });
        self.last_of.insert((kind, subject, cause), id);
        Some(id)
    }

    /// The facts in the order of their first occurrence, and how many did not fit.
    pub fn into_facts(self) -> (Vec<Fact>, u64) {
        (self.facts, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn equal_facts_under_one_cause_are_counted() {
        let mut timeline = Timeline::new(false);
        let power = timeline.note(SimTime::ZERO, Weight::Turn, None, "zone/dark", 0, || "zone a lost power".to_owned());
        for second in 1..=3 {
            let now = SimTime::ZERO + SimDuration::from_secs(second);
            timeline.note(now, Weight::Step, power, "node/not-ready", 0, || "node NotReady".to_owned());
        }
        timeline.note(SimTime::ZERO, Weight::Step, None, "node/not-ready", 0, || "node NotReady".to_owned());
        let (facts, dropped) = timeline.into_facts();
        assert_eq!(
            facts.iter().map(|fact| (fact.count, fact.cause)).collect::<Vec<_>>(),
            [(1, None), (3, Some(0)), (1, None)]
        );
        assert_eq!((facts[1].last.as_nanos(), dropped), (3_000_000_000, 0));
    }
}
