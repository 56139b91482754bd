//! The watches of a kubelet, through which it learns of its pods, and what they cost the API servers:
//!
//! ```text
//! starts -> ListWatched -> BeginWatches -> watches -> Ended after 5 to 10 min -> BeginWatches
//!               ^                |  too old               | its connection is reset -> BeginWatches over a new one
//!               |----- pause ----|<---------------------- | its connection is given up
//! ```
//!
//! One traveller stands for all informers of a node, its kube-proxy's too: its request costs the CPU time of all of them,
//! on one seat after another. Upstream each informer has a seat, a pause and an end of its own.

use crate::aim::{Aim, Call, Caller, Outcome, Resource};
use crate::event::{Event, Future, WatchStep};
use crate::ids::NodeId;
use crate::stations::clients::informer::Next;
use crate::stations::network::{ConnectionState, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const WATCH_TIME: Purpose = Purpose::new("watches/time");
const PHASE: Purpose = Purpose::new("watches/phase");
const PAUSE: Purpose = Purpose::new("watches/pause");
const BOOKMARK: Purpose = Purpose::new("watches/bookmark");

/// What a kubelet and the kube-proxy beside it watch.
const WATCHED: [Resource; 3] = [Resource::Pods, Resource::Nodes, Resource::EndpointSlices];

impl World {
    /// The watches of a kubelet that has run for long when the run begins: each is somewhere in its time.
    pub(crate) fn watches_run(&mut self, node: NodeId, future: &mut Future) {
        let kubelet = &mut self.kubelets[node.index()];
        let ConnectionState::Open { server, .. } = self.connections.at(kubelet.connection).state else { return };
        kubelet.informer.lists(SimTime::ZERO);
        let generation = kubelet.informer.watches(server);
        self.audiences[server.index()].kubelets += 1;
        let time = self.watch_time(u64::from(node.0), generation);
        let left = time.scaled(self.key.draw(PHASE, u64::from(node.0), 0).uniform());
        future.schedule(SimTime::ZERO + left, Event::Watches(node, generation, WatchStep::Ended));
    }

    /// How long a server lets a watch last, by its client and which of its watches it is.
    pub(crate) fn watch_time(&self, entity: u64, generation: u32) -> SimDuration {
        self.plan.parameters.informer.watch_time.duration(&mut self.key.draw(WATCH_TIME, entity, u64::from(generation)))
    }

    /// A kubelet asks for what its informers need next.
    pub(crate) fn kubelet_asks(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let aim = match self.kubelets[node.index()].informer.next() {
            Next::List => Aim::ListWatched(node),
            Next::Watch => Aim::BeginWatches(node),
        };
        self.call(now, Caller::Kubelet(node), aim, None, future);
    }

    /// Something has happened to a kubelet's watches; what belongs to earlier ones does nothing.
    pub(crate) fn watches(
        &mut self,
        now: SimTime,
        node: NodeId,
        generation: u32,
        step: WatchStep,
        future: &mut Future,
    ) {
        let kubelet = &self.kubelets[node.index()];
        if !kubelet.is_running() || kubelet.informer.generation() != generation {
            return;
        }
        if step == WatchStep::Ended {
            let connection = self.connections.at(kubelet.connection);
            if !matches!(connection.state, ConnectionState::Open { silent: None, .. }) {
                return; // nobody hears that they have ended; they break with their connection
            }
            self.kubelet_hears_no_more(node, Some(now));
        }
        self.kubelet_asks(now, node, future);
    }

    /// A kubelet's list or watch request has ended.
    pub(crate) fn kubelet_watch_answered(
        &mut self,
        now: SimTime,
        node: NodeId,
        aim: Aim,
        outcome: Outcome,
        future: &mut Future,
    ) {
        let kubelet = &mut self.kubelets[node.index()];
        match (outcome, aim) {
            (Outcome::Succeeded, Aim::ListWatched(_)) => {
                kubelet.informer.lists(now);
                self.kubelet_listed(now, node, future);
                self.kubelet_asks(now, node, future);
            }
            (Outcome::Succeeded, _) => self.kubelet_watch_begins(now, node, future),
            (Outcome::TooManyRequests, _) if kubelet.informer.may_retry(self.plan.parameters.informer.retries) => {
                let generation = kubelet.informer.generation();
                let again = now + self.retry_after;
                future.schedule(again, Event::Watches(node, generation, WatchStep::Again));
            }
            _ => self.kubelet_pauses(now, node, future),
        }
    }

    fn kubelet_watch_begins(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let kubelet = &mut self.kubelets[node.index()];
        let ConnectionState::Open { server, .. } = self.connections.at(kubelet.connection).state else { return };
        let seen = kubelet.informer.seen().unwrap_or(SimTime::ZERO);
        let cache = &self.api_servers[server.index()].watch_cache;
        if !WATCHED.iter().all(|resource| cache.can_resume(*resource, seen)) {
            kubelet.informer.breaks(None); // too old
            return self.kubelet_pauses(now, node, future);
        }
        let generation = kubelet.informer.watches(server);
        self.audiences[server.index()].kubelets += 1;
        let ends = now + self.watch_time(u64::from(node.0), generation);
        future.schedule(ends, Event::Watches(node, generation, WatchStep::Ended));
        self.kubelet_listed(now, node, future);
    }

    fn kubelet_pauses(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let informer = &mut self.kubelets[node.index()].informer;
        let share = self.key.draw(PAUSE, u64::from(node.0), informer.backoff.failures()).uniform();
        let pause = informer.backoff.failed(now, share, &self.plan.parameters.informer);
        let generation = informer.generation();
        future.schedule(now + pause, Event::Watches(node, generation, WatchStep::Again));
    }

    /// Nothing comes to a kubelet any more; it has seen everything up to `seen`, or must list again.
    pub(crate) fn kubelet_hears_no_more(&mut self, node: NodeId, seen: Option<SimTime>) {
        if let Some(server) = self.kubelets[node.index()].informer.breaks(seen) {
            self.audiences[server.index()].kubelets -= 1;
        }
    }

    /// A client knows that its connection is lost, and its watches with it. One that was reset ends them as if their time
    /// were over; one that was given up for its silence makes the client list again.
    pub(crate) fn watches_break(
        &mut self,
        now: SimTime,
        owner: Owner,
        silent_since: Option<SimTime>,
        reset: bool,
        future: &mut Future,
    ) {
        match owner {
            Owner::Kubelet(node) if self.kubelets[node.index()].is_running() => {
                if self.kubelets[node.index()].informer.server().is_none() {
                    return; // it asks, or pauses
                }
                let seen = reset.then(|| self.last_seen(now, u64::from(node.0), silent_since));
                self.kubelet_hears_no_more(node, seen);
                if reset {
                    self.kubelet_asks(now, node, future);
                } else {
                    self.kubelet_pauses(now, node, future);
                }
            }
            Owner::Workload(process) => self.workload_watch_breaks(now, process, silent_since, reset, future),
            _ => {}
        }
    }

    /// The newest change or bookmark that came over a connection before it fell silent.
    pub(crate) fn last_seen(&self, now: SimTime, entity: u64, silent_since: Option<SimTime>) -> SimTime {
        let until = silent_since.unwrap_or(now);
        let share = self.key.draw(BOOKMARK, entity, until.as_nanos()).uniform();
        let behind = self.plan.parameters.informer.bookmark_period.scaled(share);
        SimTime::ZERO + until.saturating_since(SimTime::ZERO + behind)
    }

    /// How many objects a list answers with, or how many watches begin together.
    pub(crate) fn answer_objects(&self, aim: Aim) -> u64 {
        let services = self.plan.deployments.len() as u64;
        let informer = &self.plan.parameters.informer;
        match aim {
            Aim::BeginWatches(_) => informer.kubelet_watches,
            Aim::Workload(Call::Watch, _) => 1,
            Aim::ListWatched(node) => {
                let pods = self.cluster.nodes[node.index()].pods().len() as u64;
                pods + 2 * services + informer.kubelet_objects // services, and their EndpointSlices
            }
            Aim::FillInformers(..) => self.cluster.pod_objects() + u64::from(self.cluster.node_count()) + 3 * services,
            _ => self.cluster.pod_objects(),
        }
    }
}
