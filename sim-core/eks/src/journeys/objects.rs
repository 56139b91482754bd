//! The objects of the cluster: what a committed write changes, what follows when a controller's request has ended, and
//! how controllers send their requests.
//!
//! ```text
//! order -> the component's rate limit -> call -> committed -> the object changes -> its watchers learn of it
//!            ^------------------ repeat after a pause ------- an error
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::cluster::{Clock, Watcher, client_rate};
use crate::event::{Event, Future};
use crate::ids::Component;
use crate::probes::Cause;
use crate::record::Balance;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};
use sim_study::{Measure, Series};

const WATCH_HEARTBEAT: Purpose = Purpose::new("watch/heartbeat");
const WATCH_POD: Purpose = Purpose::new("watch/pod");
const WATCH_DEPLOYMENT: Purpose = Purpose::new("watch/deployment");
const PHASE: Purpose = Purpose::new("cluster/phase");

impl World {
    /// What the cluster's half measured.
    pub(crate) fn cluster_measures(&mut self, end: SimTime) -> (Vec<Measure>, Vec<Series>, Vec<Balance>) {
        let measures = self.cluster.probe.measures(end);
        let series = self.cluster.probe.series(&self.plan, end);
        let balances = self.cluster.balances(&self.plan);
        (measures, series, balances)
    }

    /// A component begins to act, with its lists and without memory. At time 0 it has been acting for long: its clocks
    /// are somewhere in their rounds.
    pub(crate) fn component_acts(&mut self, now: SimTime, component: Component, future: &mut Future) {
        let Some((_, generation)) = self.leader(component) else { return };
        let (rate, burst) = client_rate(&self.plan, component);
        self.cluster.orders[component.index()].clear(rate, burst);
        match component {
            Component::ControllerManager => {
                self.node_lifecycle_begins(now, generation, future);
                self.replica_sets_begin(now, future);
                self.pod_gc_begins(now, generation, future);
            }
            Component::CloudControllerManager => self.cloud_nodes_begin(now, generation, future),
            Component::Scheduler => self.scheduler_begins(now, future),
        }
    }

    /// A component ceases to act: what it had still to send is lost.
    pub(crate) fn component_stops(&mut self, component: Component) {
        let (rate, burst) = client_rate(&self.plan, component);
        self.cluster.orders[component.index()].clear(rate, burst);
    }

    /// A write of the cluster's half is in etcd.
    pub(crate) fn cluster_committed(&mut self, now: SimTime, aim: Aim, cause: Cause, future: &mut Future) {
        match aim {
            Aim::RenewLease(node) => self.heartbeat(now, node),
            Aim::ReportStatus(node) => {
                self.heartbeat(now, node);
                self.node_reports(now, node, future);
            }
            Aim::RegisterNode(node) => {
                self.heartbeat(now, node);
                self.node_registers(now, node, future);
            }
            Aim::ReportPodReady(pod) => self.readiness_changes(now, pod, true, future),
            Aim::RemovePod(pod) | Aim::ForceDeletePod(pod) => self.pod_goes(now, pod, cause, future),
            Aim::MarkNotReady(node) => self.node_is_given_up(now, node, cause, future),
            Aim::RemoveTaints(node) => self.node_is_untainted(now, node, future),
            Aim::TaintNoExecute(node) => self.node_is_tainted(now, node, cause, future),
            Aim::DeletePod(pod) => self.pod_is_deleted(now, pod, cause, future),
            Aim::CreatePod(deployment) => self.pod_is_created(now, deployment, cause, future),
            Aim::DeleteNode(node) => self.node_is_deleted(now, node, cause, future),
            Aim::BindPod(pod, node) => self.pod_is_bound(now, pod, node, future),
            Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..) => {}
            Aim::Get(_) | Aim::List(_) | Aim::Apply(_) => {}
        }
    }

    /// A request of the cluster's half has ended for its caller.
    pub(crate) fn cluster_answered(
        &mut self,
        now: SimTime,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        match aim {
            Aim::ReportPodReady(pod) | Aim::RemovePod(pod) => self.pod_report_ended(now, pod, outcome, future),
            _ if !outcome.is_error() => {}
            Aim::CreatePod(deployment) => self.pod_creation_failed(now, deployment, future),
            Aim::TaintNoExecute(node) => {
                self.cluster.lifecycle.repeat(node);
                self.await_taints(now, future);
            }
            Aim::BindPod(pod, node) => self.binding_failed(now, pod, node, future),
            Aim::DeleteNode(_) => self.repeat(now, Component::CloudControllerManager, aim, cause, future),
            _ => self.repeat(now, Component::ControllerManager, aim, cause, future),
        }
    }

    /// A component has a request to send, as soon as its client's rate limit lets it. Without a leader it is lost.
    pub(crate) fn order(&mut self, now: SimTime, component: Component, aim: Aim, cause: Cause, future: &mut Future) {
        if self.leader(component).is_some() {
            self.cluster.orders[component.index()].push((aim, cause));
            self.send_orders(now, component, future);
        }
    }

    fn repeat(&mut self, now: SimTime, component: Component, aim: Aim, cause: Cause, future: &mut Future) {
        if self.leader(component).is_some() {
            self.cluster.orders[component.index()].repeat(now, (aim, cause));
            self.send_orders(now, component, future);
        }
    }

    /// A component's next request may be sent.
    pub(crate) fn dispatch(&mut self, now: SimTime, component: Component, generation: u32, future: &mut Future) {
        if self.acts(component, generation) && self.cluster.orders[component.index()].rings(now) {
            self.send_orders(now, component, future);
        }
    }

    fn send_orders(&mut self, now: SimTime, component: Component, future: &mut Future) {
        let Some((server, generation)) = self.leader(component) else { return };
        while let Some((aim, cause)) = self.cluster.orders[component.index()].next(now) {
            self.call(now, Caller::Component(component, server), aim, cause, future);
        }
        if let Some(at) = self.cluster.orders[component.index()].alarm(now) {
            future.schedule(at, Event::Dispatch(component, generation));
        }
    }

    /// Whether the leader of a component with that generation acts.
    pub(crate) fn acts(&self, component: Component, generation: u32) -> bool {
        self.leader(component).is_some_and(|(_, acting)| acting == generation)
    }

    /// The first moment of a clock that a component's leader winds up now; at time 0 it has run for long. The clocks
    /// of one leader are some moments apart, so that no two ever strike together.
    pub(crate) fn first_tick(&self, now: SimTime, period: SimDuration, generation: u32, clock: Clock) -> SimTime {
        let phase = self.key.draw(PHASE, clock as u64, u64::from(generation)).uniform();
        let wind_up = self.plan.parameters.controllers.wind_up;
        now + if now == SimTime::ZERO { period } else { wind_up.min(period) }.scaled(phase)
    }

    /// Time from a change that is committed now to its watcher's knowledge.
    pub(crate) fn watch_delay(&mut self, watcher: Watcher) -> SimDuration {
        let (entity, ordinal) = match watcher {
            Watcher::Heartbeat(node) => (u64::from(node.0), self.cluster.lifecycle.next_beat(node)),
            Watcher::Pod(pod) => {
                let pod = &mut self.cluster.pods[pod.index()];
                (pod.entity(), pod.next_draw())
            }
            Watcher::Deployment(deployment) => {
                (u64::from(deployment.0), self.cluster.deployments[deployment.index()].next_draw())
            }
        };
        let purpose = match watcher {
            Watcher::Heartbeat(_) => WATCH_HEARTBEAT,
            Watcher::Pod(_) => WATCH_POD,
            Watcher::Deployment(_) => WATCH_DEPLOYMENT,
        };
        self.plan.parameters.api_server.watch_delay.duration(&mut self.key.draw(purpose, entity, ordinal))
    }
}
