//! A kubelet as a client of the API:
//!
//! ```text
//! starts -> registers -> renews its lease every 10 s -> (fails: tries again at once, then backs off)
//!                     -> reports its status every 5 min, and when the API has another opinion of it
//! ```

use crate::aim::{Aim, Caller, Outcome};
use crate::event::{Event, Future, KubeletClock};
use crate::ids::NodeId;
use crate::probes::Cause;
use crate::stations::compute::kubelet::{Kubelet, Retry};
use crate::stations::network::{ConnectionState, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};
use std::hint::black_box;

const LEASE_PHASE: Purpose = Purpose::new("kubelet/lease-phase");
const STATUS_PHASE: Purpose = Purpose::new("kubelet/status-phase");
const REPORT_PHASE: Purpose = Purpose::new("kubelet/report-phase");

impl World {
    /// The kubelets of the nodes that exist when the run begins: each somewhere in its rounds.
    pub(crate) fn kubelets_run(&mut self, future: &mut Future) {
        let timing = self.plan.clone();
        let timing = &timing.parameters.kubelet;
        for id in 0..self.cluster.node_count() {
            let node = NodeId(id);
            if !self.cluster.node_object_exists(node) {
                self.kubelet_starts(SimTime::ZERO, node, None, future);
                continue;
            }
            let origin = self.origin_of(node);
            let connection = self.open_from_start(Owner::Kubelet(node), origin, future);
            self.kubelets.push(Kubelet::new(connection));
            self.kubelets[node.index()].runs_from_the_start();
            self.watches_run(node, future);
            let phase =
                |purpose, period: SimDuration| period.scaled(self.key.draw(purpose, u64::from(id), 0).uniform());
            let renews = SimTime::ZERO + phase(LEASE_PHASE, timing.lease_renew_interval);
            let reports = SimTime::ZERO + phase(REPORT_PHASE, timing.status_report_interval);
            future.schedule(renews, Event::Kubelet(node, 0, KubeletClock::RenewLease));
            future.schedule(reports, Event::Kubelet(node, 0, KubeletClock::ReportStatus));
        }
    }

    /// The kubelet process begins: it registers if its Node does not exist, and renews its lease.
    pub(crate) fn kubelet_starts(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let origin = self.origin_of(node);
        while self.kubelets.len() <= node.index() {
            let owner = Owner::Kubelet(NodeId(self.kubelets.len() as u32));
            let connection = self.connections.add(owner, origin);
            self.kubelets.push(Kubelet::new(connection));
        }
        let timing = &self.plan.parameters.kubelet;
        let kubelet = &mut self.kubelets[node.index()];
        let generation = kubelet.starts();
        self.connections.at_mut(kubelet.connection).origin = origin;
        let reports = now + timing.status_report_interval;
        future.schedule(reports, Event::Kubelet(node, generation, KubeletClock::ReportStatus));
        if self.cluster.node_object_exists(node) {
            self.call(now, Caller::Kubelet(node), Aim::RenewLease(node), cause, future);
            self.call(now, Caller::Kubelet(node), Aim::ReportStatus(node), cause, future);
        } else {
            self.call(now, Caller::Kubelet(node), Aim::RegisterNode(node), cause, future);
        }
        self.kubelet_asks(now, node, future);
    }

    /// The kubelet dies with its instance: its requests and its connection are gone.
    pub(crate) fn kubelet_dies(&mut self, now: SimTime, node: NodeId) {
        let Some(kubelet) = self.kubelets.get_mut(node.index()) else { return };
        kubelet.dies();
        let connection = kubelet.connection;
        self.abandon(now, connection);
        self.kubelet_hears_no_more(node, None);
        self.workloads_end_on(now, node);
    }

    /// Whether changes reach the kubelet: it watches, and the path of its connection is alive.
    pub(crate) fn kubelet_hears(&self, node: NodeId) -> bool {
        self.kubelets.get(node.index()).is_some_and(|kubelet| {
            kubelet.is_running()
                && kubelet.informer.server().is_some()
                && matches!(self.connections.at(kubelet.connection).state, ConnectionState::Open { silent: None, .. })
        })
    }

    /// The kubelet has something new to report: its node is ready.
    pub(crate) fn kubelet_reports_ready(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        self.call(now, Caller::Kubelet(node), Aim::ReportStatus(node), cause, future);
    }

    /// The API has another opinion of a living node's status: at its next status round the kubelet reports.
    pub(crate) fn status_differs(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let Some(kubelet) = self.kubelets.get_mut(node.index()) else { return };
        if !kubelet.disagrees(cause) {
            return;
        }
        let next = self.next_status_round(now, node);
        let generation = self.kubelets[node.index()].generation();
        future.schedule(next, Event::Kubelet(node, generation, KubeletClock::CompareStatus));
    }

    /// The kubelet's next status round after `now`, on its own grid.
    fn next_status_round(&self, now: SimTime, node: NodeId) -> SimTime {
        let interval = self.plan.parameters.kubelet.status_update_interval;
        let phase = interval.scaled(self.key.draw(STATUS_PHASE, u64::from(node.0), 0).uniform());
        let rounds = now.saturating_since(SimTime::ZERO + phase).as_nanos() / interval.as_nanos();
        SimTime::ZERO + phase + interval * (rounds + 1)
    }

    /// A clock of a kubelet is about to strike. Its rows lie all over tables that no cache holds when nodes are many, and
    /// each would be waited for by itself: read for a few kubelets at once, they come together.
    pub(crate) fn kubelet_comes(&self, node: NodeId) {
        let kubelet = self.kubelets[node.index()].clone();
        black_box(self.connections.at(kubelet.connection).clone());
        black_box(kubelet);
        black_box(self.cluster.lifecycle.is_listed(node));
        for cache in &self.token_caches {
            black_box(cache.knows(node, SimTime::ZERO));
        }
    }

    /// Handles a clock of a kubelet; one of an earlier life does nothing.
    pub(crate) fn kubelet(
        &mut self,
        now: SimTime,
        node: NodeId,
        generation: u32,
        clock: KubeletClock,
        future: &mut Future,
    ) {
        if self.kubelets[node.index()].generation() != generation {
            return;
        }
        let caller = Caller::Kubelet(node);
        match clock {
            KubeletClock::RenewLease => self.call(now, caller, Aim::RenewLease(node), None, future),
            KubeletClock::Register => self.call(now, caller, Aim::RegisterNode(node), None, future),
            KubeletClock::ReportStatus => {
                let next = now + self.plan.parameters.kubelet.status_report_interval;
                future.schedule(next, Event::Kubelet(node, generation, KubeletClock::ReportStatus));
                if self.cluster.node_object_exists(node) {
                    self.call(now, caller, Aim::ReportStatus(node), None, future);
                }
            }
            KubeletClock::CompareStatus => {
                if !self.kubelets[node.index()].looks() {
                    return;
                }
                let cause = self.kubelets[node.index()].disagreement();
                if self.kubelet_hears(node) {
                    self.call(now, caller, Aim::ReportStatus(node), cause, future);
                } else {
                    self.status_differs(now, node, cause, future);
                }
            }
        }
    }

    /// A request of the kubelet about its node has ended.
    pub(crate) fn kubelet_answered(
        &mut self,
        now: SimTime,
        node: NodeId,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        let generation = self.kubelets[node.index()].generation();
        let timing = &self.plan.parameters.kubelet;
        match (aim, outcome) {
            (Aim::RenewLease(_), Outcome::Succeeded) => {
                self.kubelets[node.index()].renewed();
                let next = now + timing.lease_renew_interval;
                future.schedule(next, Event::Kubelet(node, generation, KubeletClock::RenewLease));
            }
            (Aim::RenewLease(_), Outcome::TooManyRequests) => {
                let next = now + self.retry_after;
                future.schedule(next, Event::Kubelet(node, generation, KubeletClock::RenewLease));
            }
            (Aim::RenewLease(_), _) => self.lease_not_renewed(now, node, cause, future),
            (Aim::RegisterNode(_), Outcome::Succeeded) => {
                future.schedule(now, Event::Kubelet(node, generation, KubeletClock::RenewLease));
            }
            (Aim::RegisterNode(_), _) => {
                let pause = timing.lease_retry_backoff_max;
                future.schedule(now + pause, Event::Kubelet(node, generation, KubeletClock::Register));
            }
            (Aim::ReportStatus(_), Outcome::Succeeded) => self.kubelets[node.index()].agrees(),
            _ => self.status_differs(now, node, cause, future),
        }
    }

    /// A renewal failed: the kubelet tries again at once, and after a round of failures with growing pauses.
    fn lease_not_renewed(&mut self, now: SimTime, node: NodeId, cause: Cause, future: &mut Future) {
        let kubelet = &mut self.kubelets[node.index()];
        match kubelet.renewal_failed(&self.plan.parameters.kubelet) {
            Retry::AtOnce => self.call(now, Caller::Kubelet(node), Aim::RenewLease(node), cause, future),
            Retry::After(pause) => {
                let generation = kubelet.generation();
                future.schedule(now + pause, Event::Kubelet(node, generation, KubeletClock::RenewLease));
            }
        }
    }
}
