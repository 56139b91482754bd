//! Who a caller is: the regional Security Token Service (STS), which alone can say whose an IAM token is, and what each
//! API server remembers of its answers.
//!
//! A server remembers a token's identity for a while and asks again after it; a renewed token is a new one. Service
//! accounts and OIDC users are checked by their signature in the server itself and are not in here. Left out: limits of
//! STS, several requests that share one question, answers of "no" that are remembered.

use crate::ids::NodeId;
use crate::probes::Cause;
use sim_kernel::{SimDuration, SimTime};

/// The Security Token Service, as the API servers' token webhook meets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sts {
    trouble: Option<(Trouble, Cause)>,
}

/// What is wrong with STS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing comes back.
    Silent,
    /// Every call fails at once.
    Refuses,
    /// Every call takes so much longer.
    Slow(SimDuration),
}

/// What the token webhook says, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the token is good.
    pub known: bool,
    /// How long the answer takes.
    pub after: SimDuration,
}

impl Sts {
    /// Something is wrong from now on.
    pub fn fails(&mut self, trouble: Trouble, cause: Cause) {
        self.trouble = Some((trouble, cause));
    }

    /// All is well again.
    pub fn recovers(&mut self) {
        self.trouble = None;
    }

    /// Why it does not answer as it should, if it does not.
    pub fn cause(&self) -> Cause {
        self.trouble.and_then(|(_, cause)| cause)
    }

    /// The answer to a question that would take `latency` in calm, asked by somebody who waits for `patience`.
    pub fn ask(&self, latency: SimDuration, patience: SimDuration) -> Verdict {
        let (known, after) = match self.trouble.map(|(trouble, _)| trouble) {
            None => (true, latency),
            Some(Trouble::Refuses) => (false, latency),
            Some(Trouble::Slow(more)) => (true, latency + more),
            Some(Trouble::Silent) => (false, patience),
        };
        Verdict { known: known && after < patience, after: after.min(patience) }
    }
}

/// The identities of kubelets that one API server remembers.
#[derive(Clone, Debug, Default)]
pub struct TokenCache {
    /// By node: until when its present token is known.
    known_until: Vec<SimTime>,
}

impl TokenCache {
    /// Whether the server remembers whose a node's token is.
    pub fn knows(&self, node: NodeId, now: SimTime) -> bool {
        self.known_until.get(node.index()).is_some_and(|until| now < *until)
    }

    /// It has learnt whose a token is, and remembers it up to `forgotten`; from `renewed` on the node has another token.
    pub fn learns(&mut self, node: NodeId, renewed: SimTime, forgotten: SimTime) {
        if self.known_until.len() <= node.index() {
            self.known_until.resize(node.index() + 1, SimTime::ZERO);
        }
        self.known_until[node.index()] = renewed.min(forgotten);
    }

    /// The server's process ends, and with it its memory.
    pub fn forgets_all(&mut self) {
        self.known_until.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: SimDuration = SimDuration::from_millis(20);
    const PATIENCE: SimDuration = SimDuration::from_secs(30);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_known_until_it_is_forgotten_or_renewed() {
        let mut cache = TokenCache::default();
        let node = NodeId(3);
        assert!(!cache.knows(node, at(0)));
        cache.learns(node, at(840), at(120));
        assert!(cache.knows(node, at(119)) && !cache.knows(node, at(120)));
        assert!(!cache.knows(NodeId(2), at(60)), "each node has its own");
        cache.learns(node, at(200), at(300));
        assert!(cache.knows(node, at(199)) && !cache.knows(node, at(200)), "a renewed token is another one");
        cache.forgets_all();
        assert!(!cache.knows(node, at(60)));
    }

    #[test]
    fn sts_answers_refuses_or_lets_wait() {
        let mut sts = Sts::default();
        assert_eq!(sts.ask(CALM, PATIENCE), Verdict { known: true, after: CALM });
        let mut told = |trouble| {
            sts.fails(trouble, None);
            sts.ask(CALM, PATIENCE)
        };
        assert_eq!(told(Trouble::Refuses), Verdict { known: false, after: CALM });
        assert_eq!(told(Trouble::Silent), Verdict { known: false, after: PATIENCE });
        let slow = SimDuration::from_secs(5);
        assert_eq!(told(Trouble::Slow(slow)), Verdict { known: true, after: CALM + slow });
        assert_eq!(told(Trouble::Slow(PATIENCE)), Verdict { known: false, after: PATIENCE }, "too late is no answer");
        sts.recovers();
        assert!(sts.ask(CALM, PATIENCE).known);
    }
}
