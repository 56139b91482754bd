//! The messages on their way between members, and what a member has set itself to do.

use super::log::{Index, Log, Term};
use super::{Effect, Ground, Raft, Turn};
use crate::ids::MemberId;
use sim_kernel::SimTime;

/// What a message says.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Entries after `previous`, and how far the leader knows the log to be committed.
    Append { term: Term, previous: Index, entries: Log, commit: Index },
    /// A follower has its leader's log up to here, on disk.
    Appended { term: Term, matched: Index },
    /// A follower lacks the entry before those that came.
    Missing { term: Term },
    /// A member asks for a vote, or if it would get one.
    AskVote { term: Term, last_term: Term, last: Index, pre: bool },
    /// The answer.
    Vote { term: Term, granted: bool, pre: bool },
    /// The receiver's term is older than this one.
    NewerTerm { term: Term },
    /// A heartbeat, where they are explicit.
    Heartbeat { term: Term },
    /// The answer to it.
    HeartbeatHeard { term: Term },
    /// To itself: the next tick has come, with which a leader turns to a follower that hears nothing.
    TurnTo { follower: MemberId, term: Term },
    /// To itself: its term and its own vote are on disk.
    VoteSaved { term: Term },
    /// To itself: what had to be on disk first is there, and this goes out.
    Send { to: MemberId, content: Box<Content> },
}

#[derive(Clone, Debug)]
struct Message {
    from: MemberId,
    to: MemberId,
    receiver_life: u32,
    link: u32,
    content: Content,
}

/// The messages on their way; places are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    places: Vec<Option<Message>>,
    free: Vec<u32>,
}

impl Messages {
    fn add(&mut self, message: Message) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(message);
                place
            }
            None => {
                self.places.push(Some(message));
                self.places.len() as u32 - 1
            }
        }
    }

    fn take(&mut self, place: u32) -> Message {
        self.free.push(place);
        self.places[place as usize].take().expect("a message is delivered once")
    }
}

impl Raft {
    /// Sends a message now; nothing comes of it where the link is cut.
    pub(super) fn send<G: Ground>(&mut self, turn: &mut Turn<'_, G>, from: MemberId, to: MemberId, content: Content) {
        let is_beat = matches!(content, Content::Heartbeat { .. } | Content::HeartbeatHeard { .. });
        let ground = turn.ground;
        let way = if is_beat { ground.delay(from, to) } else { ground.way(from, to, turn.now.as_nanos()) };
        let at = turn.now + way;
        self.send_to_arrive(turn, from, to, at, content);
    }

    /// Sends a message that arrives at `at`.
    pub(super) fn send_to_arrive<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        from: MemberId,
        to: MemberId,
        at: SimTime,
        content: Content,
    ) {
        if !self.at(to).up || !self.is_linked(from, to) {
            return;
        }
        let link = self.links[from.index() * self.members.len() + to.index()].generation;
        let message = Message { from, to, receiver_life: self.at(to).lives, link, content };
        turn.effects.push(Effect::Message(at, self.messages.add(message)));
    }

    /// A member sets itself something to do at `at`; nothing comes of it if it dies before.
    pub(super) fn set_itself<G: Ground>(
        &mut self,
        turn: &mut Turn<'_, G>,
        member: MemberId,
        at: SimTime,
        content: Content,
    ) {
        self.send_to_arrive(turn, member, member, at, content);
    }

    /// A message is there, unless its receiver has died or the link was cut meanwhile.
    pub fn deliver<G: Ground>(&mut self, turn: &mut Turn<'_, G>, place: u32) {
        let Message { from, to, receiver_life, link, content } = self.messages.take(place);
        let now = self.links[from.index() * self.members.len() + to.index()];
        if !self.at(to).up || self.at(to).lives != receiver_life || !now.up || now.generation != link {
            return;
        }
        match content {
            Content::Append { term, previous, entries, commit } => {
                self.append_arrives(turn, from, to, (term, previous, commit), &entries);
            }
            Content::Appended { term, matched } => self.appended(turn, to, from, term, matched),
            Content::Missing { term } => self.missing(turn, to, from, term),
            Content::AskVote { term, last_term, last, pre } => {
                self.asked_for_vote(turn, to, from, (term, pre), (last_term, last));
            }
            Content::Vote { term, granted, pre } => self.vote_arrives(turn, to, from, (term, pre), granted),
            Content::NewerTerm { term } => self.hears_of_term(turn, to, term),
            Content::Heartbeat { term } => self.heartbeat_arrives(turn, to, from, term),
            Content::HeartbeatHeard { term } => self.heartbeat_answered(turn, to, from, term),
            Content::TurnTo { follower, term } => self.turn_to(turn, to, follower, term),
            Content::VoteSaved { term } => self.vote_saved(turn, to, term),
            Content::Send { to: receiver, content } => self.send(turn, to, receiver, *content),
        }
    }
}
