//! Streams through an API server into a pod, as `kubectl exec` opens them: from the client over the API server's interface
//! to the kubelet. The API server passes bytes on; it notices a dead end only where its own process ends.
//!
//! Pings of the client keep the load balancer from forgetting the flow, and run into TCP's patience where the way is dead.

use crate::ids::{ApiServerId, NodeId};
use crate::probes::Cause;
use crate::stations::network::{Address, Origin};
use sim_kernel::{SimDuration, SimTime};

/// One stream.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Whose it is: index among the external clients.
    pub client: u32,
    /// Where that is.
    pub origin: Origin,
    /// The address of the endpoint that it goes through.
    pub through: Address,
    /// The API server that passes it on, and its life.
    pub server: (ApiServerId, u32),
    /// The node of its pod, and the life of its instance.
    pub node: (NodeId, u32),
    /// Since when nothing comes through, and why.
    pub silent: Option<(SimTime, Cause)>,
    is_open: bool,
    generation: u32,
}

/// All streams of a run; places are used again.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    table: Vec<Stream>,
    /// Commands that asked for a stream and did not get one.
    pub failed: u64,
    /// Streams that broke.
    pub broken: u64,
    /// Streams that ended when their user had done.
    pub ended: u64,
    /// The longest time in which a stream hung before its user learnt of it.
    pub longest_hang: SimDuration,
}

impl Streams {
    /// A stream opens: its place and generation.
    pub fn open(
        &mut self,
        client: u32,
        origin: Origin,
        through: Address,
        server: (ApiServerId, u32),
        node: (NodeId, u32),
    ) -> (u32, u32) {
        let stream = Stream { client, origin, through, server, node, silent: None, is_open: true, generation: 0 };
        if let Some(place) = self.table.iter().position(|stream| !stream.is_open) {
            let generation = self.table[place].generation + 1;
            self.table[place] = Stream { generation, ..stream };
            return (place as u32, generation);
        }
        self.table.push(stream);
        (self.table.len() as u32 - 1, 0)
    }

    /// The stream at a place, if it is still the one of this generation.
    pub fn at(&self, place: u32, generation: u32) -> Option<&Stream> {
        self.table.get(place as usize).filter(|stream| stream.is_open && stream.generation == generation)
    }

    /// The streams that are open, by place and generation.
    pub fn open_ones(&self) -> Vec<(u32, u32)> {
        let numbered = (0u32..).zip(&self.table);
        numbered.filter(|(_, stream)| stream.is_open).map(|(place, stream)| (place, stream.generation)).collect()
    }

    /// A stream falls silent, or comes through again.
    pub fn set_silent(&mut self, place: u32, silent: Option<(SimTime, Cause)>) {
        self.table[place as usize].silent = silent;
    }

    /// A stream is over: because its user has done, or because it broke.
    pub fn close(&mut self, place: u32, now: SimTime, breaks: bool) {
        let stream = &mut self.table[place as usize];
        stream.is_open = false;
        let hung = stream.silent.map_or(SimDuration::ZERO, |(since, _)| now.saturating_since(since));
        self.longest_hang = self.longest_hang.max(hung);
        *if breaks { &mut self.broken } else { &mut self.ended } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ZoneId;
    use crate::stations::network::{Place, SiteId};

    #[test]
    fn a_place_is_used_again_and_an_old_name_does_not_find_it() {
        let origin = Origin { place: Place::Internet(0), site: SiteId(1) };
        let mut streams = Streams::default();
        let mut open = || {
            let address = Address::balancer(ZoneId(0));
            streams.open(0, origin, address, (ApiServerId(0), 0), (NodeId(0), 0))
        };
        let (first, second) = (open(), open());
        assert_ne!(first.0, second.0);
        streams.close(first.0, SimTime::ZERO, true);
        let third = streams.open(0, origin, Address::balancer(ZoneId(0)), (ApiServerId(0), 0), (NodeId(0), 0));
        assert_eq!(third.0, first.0);
        assert!(streams.at(first.0, first.1).is_none() && streams.at(third.0, third.1).is_some());
        assert_eq!(streams.broken, 1);
    }
}
