//! The watches of one client: what its informers have seen, and what they do next.
//!
//! ```text
//! lists -> watches -> the server ends it after 5 to 10 min -> watches on from what it has seen
//!                  -> the connection is reset               -> the same, over a new one
//!                  -> the connection is given up            -> lists again
//!                  -> the server's memory begins later      -> "too old": lists again
//! ```
//!
//! All watches of a client begin and end together here: one request stands for all of them, and costs what they cost.

use super::backoff::Backoff;
use crate::ids::ApiServerId;
use sim_kernel::SimTime;

/// The informers of one client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Informer {
    /// The pauses after failures.
    pub backoff: Backoff,
    generation: u32,
    server: Option<ApiServerId>,
    /// Everything up to here has been seen; `None` before the first list.
    seen: Option<SimTime>,
    too_many: u64,
}

/// What informers ask for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All objects.
    List,
    /// What changes from the last seen revision on.
    Watch,
}

impl Informer {
    /// Which life of the watches it is, for events.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The server that sends changes, if one does.
    pub fn server(&self) -> Option<ApiServerId> {
        self.server
    }

    /// What is to be asked for.
    pub fn next(&self) -> Next {
        if self.seen.is_some() { Next::Watch } else { Next::List }
    }

    /// Up to when changes have been seen.
    pub fn seen(&self) -> Option<SimTime> {
        self.seen
    }

    /// A list has come: everything up to `now` is seen.
    pub fn lists(&mut self, now: SimTime) {
        self.seen = Some(now);
        self.too_many = 0;
    }

    /// The watches have begun at a server. Returns their generation.
    pub fn watches(&mut self, server: ApiServerId) -> u32 {
        self.server = Some(server);
        self.too_many = 0;
        self.generation += 1;
        self.generation
    }

    /// Nothing comes any more, and what came up to `seen` is known; `None` if all must be listed again. Returns the
    /// server that sent it, if one did. What was scheduled before does nothing any more.
    pub fn breaks(&mut self, seen: Option<SimTime>) -> Option<ApiServerId> {
        self.seen = seen;
        self.generation += 1;
        self.server.take()
    }

    /// A request was answered 429. Whether it is one of those that are repeated when the server says.
    pub fn may_retry(&mut self, retries: u64) -> bool {
        self.too_many += 1;
        if self.too_many <= retries {
            return true;
        }
        self.too_many = 0;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_kernel::SimDuration;

    #[test]
    fn an_informer_lists_first_and_watches_on_from_what_it_has_seen() {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        let mut informer = Informer::default();
        assert_eq!(informer.next(), Next::List);
        informer.lists(at(1));
        assert_eq!((informer.next(), informer.watches(ApiServerId(1))), (Next::Watch, 1));
        assert_eq!(informer.breaks(Some(at(300))), Some(ApiServerId(1)));
        assert_eq!((informer.next(), informer.seen(), informer.server()), (Next::Watch, Some(at(300)), None));
        assert_eq!((informer.breaks(None), informer.next()), (None, Next::List));
    }

    /// facts/control-plane.md, section 7: a 429 is repeated up to 10 times, waiting what the server says.
    #[test]
    fn ten_answers_of_429_are_repeated_and_the_eleventh_fails() {
        let mut informer = Informer::default();
        assert!((0..10).all(|_| informer.may_retry(10)) && !informer.may_retry(10));
        assert!(informer.may_retry(10), "the next request has its own");
    }
}
