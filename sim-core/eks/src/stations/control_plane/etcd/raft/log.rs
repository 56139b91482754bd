//! A log as runs of entries of one term: what consensus needs to know of it.

/// The number of a leader's time in office.
pub type Term = u32;

/// The place of an entry in the log; the first one is 1.
pub type Index = u64;

/// Entries of one term, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    term: Term,
    last: Index,
}

/// A log. Two logs that have an entry of one term at one index are equal up to there: raft sees to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    runs: Vec<Run>,
}

impl Log {
    /// A log of `last` entries of one term.
    pub fn of(term: Term, last: Index) -> Self {
        let mut log = Log::default();
        if last > 0 {
            log.put(term, last);
        }
        log
    }

    /// The index of its last entry; 0 if there is none.
    pub fn last(&self) -> Index {
        self.runs.last().map_or(0, |run| run.last)
    }

    /// The term of its last entry; 0 if there is none.
    pub fn last_term(&self) -> Term {
        self.runs.last().map_or(0, |run| run.term)
    }

    /// The term of an entry: `None` beyond the end, 0 before the first one.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == 0 {
            return Some(0);
        }
        // The entries that are asked for are nearly always young.
        let mut found = None;
        for run in self.runs.iter().rev() {
            if run.last < index {
                break;
            }
            found = Some(run.term);
        }
        found
    }

    /// Appends an entry: its index.
    pub fn append(&mut self, term: Term) -> Index {
        let index = self.last() + 1;
        self.put(term, index);
        index
    }

    fn put(&mut self, term: Term, last: Index) {
        match self.runs.last_mut() {
            Some(run) if run.term == term => run.last = last,
            _ => self.runs.push(Run { term, last }),
        }
    }

    /// Forgets what comes after `last`.
    pub fn truncate(&mut self, last: Index) {
        while let Some(run) = self.runs.last().copied() {
            if run.last <= last {
                return;
            }
            self.runs.pop();
            if self.last() < last {
                self.runs.push(Run { term: run.term, last });
                return;
            }
        }
    }

    /// The last index up to which two logs are equal.
    pub fn agrees_up_to(&self, other: &Log) -> Index {
        let mut index = self.last().min(other.last());
        while let (Some(ours), Some(theirs)) = (self.term_at(index), other.term_at(index)) {
            if ours == theirs {
                return index;
            }
            let newer = if ours > theirs { self } else { other };
            index = newer.before_term_at(index);
        }
        0
    }

    /// The last index of the term before the one at `index`.
    fn before_term_at(&self, index: Index) -> Index {
        let run = self.runs.partition_point(|run| run.last < index);
        if run == 0 { 0 } else { self.runs[run - 1].last }
    }

    /// Takes another log's entries up to `upto`: where one differs from its own, its own ones from there on are gone.
    pub fn adopt(&mut self, other: &Log, upto: Index) {
        let equal = self.agrees_up_to(other);
        if equal >= upto {
            return;
        }
        self.truncate(equal);
        for run in &other.runs {
            if run.last > equal {
                self.put(run.term, run.last.min(upto));
            }
            if run.last >= upto {
                return;
            }
        }
    }

    /// Whether this log has at least what the other one has, as voters judge it.
    pub fn is_up_to_date_with(&self, last_term: Term, last: Index) -> bool {
        (last_term, last) >= (self.last_term(), self.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[Term]) -> Log {
        let mut log = Log::default();
        for term in terms {
            log.append(*term);
        }
        log
    }

    fn terms(log: &Log) -> Vec<Term> {
        (1..=log.last()).map(|index| log.term_at(index).expect("an entry")).collect()
    }

    #[test]
    fn a_log_is_told_in_runs() {
        let log = log(&[1, 1, 2, 2, 4]);
        assert_eq!((log.runs.len(), log.last(), log.last_term()), (3, 5, 4));
        assert_eq!(terms(&log), [1, 1, 2, 2, 4]);
        assert_eq!((log.term_at(0), log.term_at(6)), (Some(0), None));
    }

    /// Figure 7 of the raft paper: whatever a follower has, it comes to have the leader's log.
    #[test]
    fn a_follower_gives_up_what_differs_and_takes_what_is_missing() {
        let leader = log(&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        let followers: [(&[Term], Index); 6] = [
            (&[1, 1, 1, 4, 4, 5, 5, 6, 6], 9),
            (&[1, 1, 1, 4], 4),
            (&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], 10),
            (&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], 10),
            (&[1, 1, 1, 4, 4, 4, 4], 5),
            (&[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 3),
        ];
        for (entries, equal) in followers {
            let mut follower = log(entries);
            assert_eq!(follower.agrees_up_to(&leader), equal, "{entries:?}");
            assert_eq!(leader.agrees_up_to(&follower), equal, "{entries:?}");
            follower.adopt(&leader, 10);
            assert_eq!(follower.agrees_up_to(&leader), 10, "{entries:?}");
        }
        let mut longer = log(&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7]);
        longer.adopt(&leader, 10);
        assert_eq!(longer.last(), 11, "an entry that does not conflict stays");
        let mut empty = Log::default();
        empty.adopt(&leader, 6);
        assert_eq!(terms(&empty), [1, 1, 1, 4, 4, 5]);
    }

    #[test]
    fn what_comes_after_is_forgotten() {
        for last in 0..=5 {
            let mut cut = log(&[1, 1, 2, 2, 4]);
            cut.truncate(last);
            assert_eq!(terms(&cut), [1, 1, 2, 2, 4][..last as usize]);
        }
    }
}
