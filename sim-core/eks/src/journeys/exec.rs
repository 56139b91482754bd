//! `kubectl exec`:
//!
//! ```text
//! client -> API server -> its interface -> kubelet:10250 -> StreamOpens: the command runs -> Ends: its user has done
//!                              |-> no rule, no interface, dead node: StreamFails when the dial is given up
//! open stream: API server exits -> closed at once
//!              anything on the way dies silently -> hangs until TCP gives the client's pings up
//!              no pings -> the load balancer forgets the silent flow: Idle
//! ```

use crate::aim::{Aim, Outcome};
use crate::event::{Event, Future, RequestStep, StreamStep};
use crate::ids::{ApiServerId, NodeId};
use crate::plan::{ExternalClient, Network};
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::network::vpc::Target;
use crate::stations::network::{Addressed, ConnectionState, Legs, Owner, Place, SiteId};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};

const NODE: Purpose = Purpose::new("exec/node");
const DIAL: Purpose = Purpose::new("exec/dial");
const LASTS: Purpose = Purpose::new("exec/lasts");
const PING: Purpose = Purpose::new("exec/ping");

impl World {
    /// An API server opens a stream to the kubelet of the pod that a command is for.
    #[cold]
    pub(crate) fn dial_kubelet(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        let server = self.requests.at(slot).server;
        let Some(node) = self.node_to_enter(slot) else {
            return self.leave_server(now, slot, Outcome::Succeeded, future); // the API says that there is no such pod
        };
        let timeout = self.plan.parameters.exec.dial_timeout;
        if let Some(why) = self.kubelet_is_closed(server, node) {
            let (cause, site) = (self.vpc_story.or(self.cluster.nodes[node.index()].story), self.origin_of(node).site);
            self.probes.timeline.note(now, Weight::Step, cause, "exec/unreached", u64::from(site.0), || {
                format!("API server cannot reach a kubelet for kubectl exec: {why}")
            });
            return future.schedule(now + timeout, self.at_step(slot, RequestStep::StreamFails));
        }
        let legs = self.legs_to_kubelet(server, node);
        let mut draw = self.draw_for(slot, DIAL);
        let one_way = legs.iter().map(|leg| self.zones.clear_delay(*leg, &mut draw)).sum();
        let opens = self.handshake_over(&legs, one_way, &mut draw);
        future.schedule(now + opens, self.at_step(slot, RequestStep::StreamOpens(node)));
    }

    /// The node of the pod that a command is for: any one that the API knows and that has pods.
    fn node_to_enter(&self, slot: u32) -> Option<NodeId> {
        let known = |node: &NodeId| {
            let state = &self.cluster.nodes[node.index()];
            state.ready().is_some() && !state.pods().is_empty()
        };
        let nodes: Vec<NodeId> = (0..self.cluster.node_count()).map(NodeId).filter(known).collect();
        let mut draw = self.draw_for(slot, NODE);
        (!nodes.is_empty()).then(|| nodes[draw.below(nodes.len() as u64) as usize])
    }

    /// What keeps an API server from a kubelet, if anything does.
    pub(crate) fn kubelet_is_closed(&self, server: ApiServerId, node: NodeId) -> Option<String> {
        let site = self.origin_of(node).site;
        if let Some(closed) = self.vpc.trace(SiteId::CONTROL_PLANE, Target::Host(site, Network::KUBELET_PORT)).closed {
            return Some(closed.to_string());
        }
        self.kubelet_is_dead(server, node)
    }

    /// What is dead or cut between an API server and a kubelet, if anything is.
    fn kubelet_is_dead(&self, server: ApiServerId, node: NodeId) -> Option<String> {
        let (zone, nodes_zone) = (self.zone_name(self.api_servers[server.index()].zone), self.cluster.zone_of(node));
        let Some(place) = self.interfaces.of(server).filter(|place| self.interface_passes(*place)) else {
            return Some(format!("the interface of the API server in {zone} lets nothing through"));
        };
        let name = self.zone_name(nodes_zone);
        if !self.cluster.nodes[node.index()].lives() {
            return Some(format!("the node in {name} is dead"));
        }
        let reaches = self.zones.reaches(self.interfaces.at(place).zone, nodes_zone);
        (!reaches).then(|| format!("the network to {name} is cut"))
    }

    fn legs_to_kubelet(&self, server: ApiServerId, node: NodeId) -> Legs {
        let zone = self.api_servers[server.index()].zone;
        let by = self.interfaces.of(server).map_or(zone, |place| self.interfaces.at(place).zone);
        let to = self.cluster.zone_of(node);
        let zones = [by, to];
        Legs::over(Place::Zone(zone), if by == zone { &zones[1..] } else { &zones })
    }

    /// The kubelet has answered: the stream is open, and the command that asked for it has what it wanted.
    pub(crate) fn stream_opens(&mut self, now: SimTime, slot: u32, node: NodeId, future: &mut Future) {
        let request = self.requests.at(slot);
        let (aim, server) = (request.aim, request.server);
        let connection = self.connections.at(request.connection);
        let (ConnectionState::Open { through, .. }, Owner::External(client)) = (connection.state, connection.owner)
        else {
            return self.leave_server(now, slot, Outcome::Succeeded, future);
        };
        let origin = connection.origin;
        let lives = (self.api_servers[server.index()].life(), self.cluster.nodes[node.index()].life());
        let (place, generation) = self.streams.open(client, origin, through, (server, lives.0), (node, lives.1));
        let Aim::Exec(command) = aim else { unreachable!("only exec opens streams") };
        let exec = &self.plan.parameters.exec;
        let lasts = exec.lasts.duration(&mut self.key.draw(LASTS, u64::from(client), u64::from(command)));
        future.schedule(now + lasts, Event::Stream(place, generation, StreamStep::Ends));
        let idle = self.plan.parameters.nlb.idle_timeout;
        let is_balanced = matches!(through.of(), Addressed::Balancer(_));
        if is_balanced && (exec.ping_period == SimDuration::ZERO || exec.ping_period > idle) {
            future.schedule(now + idle, Event::Stream(place, generation, StreamStep::Idle));
        }
        self.leave_server(now, slot, Outcome::Succeeded, future);
    }

    /// The kubelet could not be reached: the command fails.
    pub(crate) fn stream_fails(&mut self, now: SimTime, slot: u32, future: &mut Future) {
        self.streams.failed += 1;
        self.leave_server(now, slot, Outcome::ServerError, future);
    }

    /// Something has died or returned: streams over it fall silent, break, or come through again.
    pub(crate) fn streams_look(&mut self, now: SimTime, cause: Cause, future: &mut Future) {
        for (place, generation) in self.streams.open_ones() {
            let Some(stream) = self.streams.at(place, generation).copied() else { continue };
            let (server, life) = stream.server;
            let process = &self.api_servers[server.index()];
            if process.life() != life && !process.is_silent() {
                self.stream_breaks(now, place, cause, "its API server ended");
                continue;
            }
            let is_whole = process.life() == life
                && self.is_whole(stream.origin, stream.through, server)
                && self.cluster.nodes[stream.node.0.index()].life() == stream.node.1
                && self.kubelet_is_dead(server, stream.node.0).is_none(); // rules that change leave open streams alone
            match (is_whole, stream.silent) {
                (false, None) => {
                    self.streams.set_silent(place, Some((now, cause)));
                    let share = self.key.draw(PING, u64::from(place), u64::from(generation)).uniform();
                    let ping = self.plan.parameters.exec.ping_period.scaled(share);
                    let gives_up = now + ping + self.plan.parameters.network.tcp_give_up;
                    future.schedule(gives_up, Event::Stream(place, generation, StreamStep::GivenUp));
                }
                (true, Some(_)) => self.streams.set_silent(place, None),
                _ => {}
            }
        }
    }

    fn stream_breaks(&mut self, now: SimTime, place: u32, cause: Cause, how: &'static str) {
        self.streams.close(place, now, true);
        self.probes.timeline.note(now, Weight::Step, cause, "exec/broken", how.len() as u64, || {
            format!("stream of kubectl exec breaks: {how}")
        });
    }

    /// Handles a step of a stream; one of an earlier stream at its place does nothing.
    pub(crate) fn stream(&mut self, now: SimTime, place: u32, generation: u32, step: StreamStep) {
        let Some(stream) = self.streams.at(place, generation).copied() else { return };
        let silent = stream.silent;
        match step {
            StreamStep::Ends if silent.is_none() => self.streams.close(place, now, false),
            StreamStep::Ends => {} // its user waits for an answer
            StreamStep::Idle => self.stream_breaks(now, place, None, "the load balancer has forgotten the silent flow"),
            StreamStep::GivenUp => {
                let patience = self.plan.parameters.network.tcp_give_up;
                if let Some((_, cause)) = silent.filter(|(since, _)| now.saturating_since(*since) >= patience) {
                    self.stream_breaks(now, place, cause, "TCP gives it up after a long silence");
                }
            }
        }
    }

    /// What those saw who ran `kubectl exec`; nothing where nobody did.
    pub(crate) fn exec_measures(&self) -> [Measure; 3] {
        let anybody = self.plan.clients.iter().any(|client| client.class == ExternalClient::Exec);
        let measure = |name: &str, unit, value: f64, definition: &str| Measure {
            name: name.to_owned(),
            unit,
            better: Better::Down,
            value: anybody.then_some(value),
            definition: definition.to_owned(),
        };
        let streams = &self.streams;
        let failed = "Commands of kubectl exec that reached an API server which did not reach the kubelet.";
        let broken = "Streams of kubectl exec that ended before their users had done.";
        let hang = "The longest time in which a stream of kubectl exec hung before its user learnt that it was dead.";
        [
            measure("exec.failed", Unit::Count, streams.failed as f64, failed),
            measure("exec.broken", Unit::Count, streams.broken as f64, broken),
            measure("exec.hang.longest", Unit::Seconds, streams.longest_hang.as_secs_f64(), hang),
        ]
    }
}
