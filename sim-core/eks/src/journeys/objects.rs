//! The objects of the cluster: what a committed write changes, what follows when a controller's request has ended, and
//! how controllers send their requests.
//!
//! ```text
//! a change -> the controller hears -> its work queue -> a worker syncs the key -> order -> the client's rate limit
//!     ^                                   ^---- back-off of the key <- an error <-  answered  <- call
//!     '---------------------------------------------------------------------------- committed <---'
//! ```
//!
//! What belongs to no key of a work queue (taints, evictions, bindings) is ordered again after a pause.

use crate::aim::{Aim, Caller, Outcome};
use crate::cluster::{Clock, Watcher, client_rate};
use crate::event::{Event, Future};
use crate::ids::{Component, Controller, DeploymentId, ReplicaSetId, VolumeId};
use crate::parameters::Parameters;
use crate::probes::Cause;
use crate::record::Balance;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};
use sim_study::{Measure, Series};

const WATCH_HEARTBEAT: Purpose = Purpose::new("watch/heartbeat");
const WATCH_POD: Purpose = Purpose::new("watch/pod");
const WATCH_KEY: Purpose = Purpose::new("watch/key");
const PHASE: Purpose = Purpose::new("cluster/phase");

impl World {
    /// What the cluster's half measured.
    pub(crate) fn cluster_measures(&mut self, end: SimTime) -> (Vec<Measure>, Vec<Series>, Vec<Balance>) {
        let mut measures = self.cluster.probe.measures(end);
        measures.extend(self.cluster.latency.measures());
        measures.extend(self.cluster.scaling.measures());
        let series = self.cluster.probe.series(&self.plan, end);
        let balances = self.cluster.balances(&self.plan);
        (measures, series, balances)
    }

    /// A component begins to act, with its lists and without memory. At time 0 it has been acting for long: its clocks
    /// are somewhere in their rounds.
    pub(crate) fn component_acts(&mut self, now: SimTime, component: Component, future: &mut Future) {
        let Some((_, generation)) = self.leader(component) else { return };
        self.component_stops(component);
        match component {
            Component::ControllerManager => {
                self.node_lifecycle_begins(now, generation, future);
                self.deployments_begin(now, future);
                self.daemon_sets_begin(now, future);
                self.endpoint_slices_begin(now, future);
                self.autoscalers_begin(now, generation, future);
                self.pod_gc_begins(now, generation, future);
                self.attach_detach_begins(now, future);
                self.jobs_begin(now, future);
                self.cluster.clients[Controller::Drain.index()].forget_alarm();
                self.send_orders(now, Controller::Drain, future);
            }
            Component::CloudControllerManager => {
                self.cloud_nodes_begin(now, generation, future);
                self.fargate_begins(now, future);
            }
            Component::Scheduler => self.scheduler_begins(now, future),
        }
    }

    /// A component ceases to act: what it had still to send is lost.
    pub(crate) fn component_stops(&mut self, component: Component) {
        let is_lost = |of: &Controller| of.component() == component && *of != Controller::Drain;
        let parameters = self.parameters_of_leader(component);
        for controller in Controller::ALL.into_iter().filter(is_lost) {
            let (rate, burst) = client_rate(&parameters, controller);
            self.cluster.clients[controller.index()].clear(rate, burst);
            self.cluster.work[controller.index()].clear();
        }
        if component == Component::ControllerManager {
            self.cluster.marking.clear();
        }
    }

    /// The parameters of the instance that a component's leader runs on, which its tier sets; while nobody leads, of what
    /// the control plane is.
    pub(crate) fn parameters_of_leader(&self, component: Component) -> Parameters {
        let kind = self.leader(component).map_or(self.fleet.kind(), |(server, _)| self.fleet.at(server).kind);
        self.parameters_of(kind)
    }

    /// A write of the cluster's half is in etcd.
    pub(crate) fn cluster_committed(&mut self, now: SimTime, aim: Aim, cause: Cause, future: &mut Future) {
        match aim {
            Aim::RenewLease(node) => self.heartbeat(now, node),
            Aim::ReportStatus(node) => {
                self.heartbeat(now, node);
                self.node_reports(now, node, future);
                self.volumes_in_use_are_told(now, node, future);
            }
            Aim::RegisterNode(node) => {
                self.heartbeat(now, node);
                self.node_registers(now, node, future);
            }
            Aim::ReportPodReady(pod) => {
                self.start_is_reported(now, pod);
                self.readiness_changes(now, pod, true, future);
            }
            Aim::RemovePod(pod) | Aim::ForceDeletePod(pod) | Aim::DeletePodNow(pod) => {
                self.pod_goes(now, pod, cause, future)
            }
            Aim::MarkNotReady(node) => self.node_is_given_up(now, node, cause, future),
            Aim::MarkPodNotReady(pod, node) => self.pod_is_marked(now, pod, node, future),
            Aim::RemoveTaints(node) => self.node_is_untainted(now, node, future),
            Aim::TaintNoExecute(node) => self.node_is_tainted(now, node, cause, future),
            Aim::DeletePod(pod, _) | Aim::DeleteReplica(pod, _) => {
                self.note_why_pods_leave(cause);
                self.pod_is_deleted(now, pod, cause, future);
            }
            Aim::CreatePod(set) => self.pod_is_created(now, set, cause, future),
            Aim::CreateJobPod(id) => self.job_pod_is_created(now, id, cause, future),
            Aim::UntrackPod(_) => {} // its object may go now
            Aim::ReportJob(id) => self.job_is_reported(now, id, future),
            Aim::DeleteJob(id) => self.job_is_deleted(now, id, cause, future),
            Aim::CreateStatefulPod(set) => self.stateful_pod_is_created(now, set, cause, future),
            Aim::DeleteStatefulPod(pod, _) => self.pod_is_deleted(now, pod, cause, future),
            Aim::ReportStatefulSet(set) => self.stateful_set_is_reported(now, set),
            Aim::AttachVolume(id, node) => self.volume_is_to_attach(now, id, node, future),
            Aim::ReportAttached(id, node) => self.volume_is_told(now, id, node, future),
            Aim::DetachVolume(id, node) => self.volume_is_to_detach(now, id, node, future),
            Aim::CreateDaemonPod(id, node) => self.daemon_is_created(now, id, node, future),
            Aim::ReportDaemonSet(id) => self.daemon_set_is_reported(now, id),
            Aim::ReportReplicaSet(set) => self.replica_set_is_reported(now, set, future),
            Aim::ScaleReplicaSet(set, size) => self.replica_set_is_scaled(now, set, size, future),
            Aim::CreateReplicaSet(deployment, size) => self.replica_set_is_created(now, deployment, size, future),
            Aim::ReportDeployment(deployment) => self.deployment_is_reported(now, deployment),
            Aim::UpdateEndpointSlice(deployment, slice) => {
                self.endpoint_slice_is_written(now, deployment, slice, future);
            }
            Aim::ScaleDeployment(deployment, count) => self.deployment_is_scaled(now, deployment, count, cause, future),
            Aim::CordonNode(node) => self.node_is_cordoned(node),
            Aim::UncordonNode(node) => self.node_is_uncordoned(now, node, future),
            Aim::SetOutOfService(node, out) => self.node_is_put_out(now, node, out, cause, future),
            Aim::EvictPod(pod) => self.pod_is_evicted(now, pod, cause, future),
            Aim::DeleteNode(node) => self.node_is_deleted(now, node, cause, future),
            Aim::BindPod(pod, node) => self.pod_is_bound(now, pod, node, future),
            Aim::BindToMicroVm(pod, node) => self.pod_is_bound_to_micro_vm(now, pod, node, future),
            Aim::NominatePod(_) => {} // the scheduler knows
            Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..) => {}
            Aim::ReportPodStarted(pod) => self.start_is_reported(now, pod),
            Aim::ReportPodFinished(pod) => self.pod_has_finished(now, pod, future),
            Aim::SubmitPod(row) => self.pod_is_submitted(now, row, cause, future),
            Aim::DeleteAnyPod(pod) => self.pod_is_deleted(now, pod, cause, future),
            Aim::DeleteFinishedPod(pod) => self.pod_goes(now, pod, cause, future),
            Aim::Exec(_) | Aim::Get(_) | Aim::List(_) | Aim::Apply(_) | Aim::ReadMetrics(_) | Aim::Workload(..) => {}
            Aim::ListWatched(_) | Aim::BeginWatches(_) | Aim::FillInformers(..) => {}
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
        if let Some(controller) = aim.controller() {
            self.cluster.clients[controller.index()].ended();
            self.order_answered(now, aim, outcome, cause, future);
            self.send_orders(now, controller, future);
        } else if let Aim::ReportPodReady(pod)
        | Aim::ReportPodStarted(pod)
        | Aim::ReportPodFinished(pod)
        | Aim::RemovePod(pod) = aim
        {
            self.pod_report_ended(now, pod, outcome, future);
        }
    }

    /// A controller's request has ended.
    fn order_answered(&mut self, now: SimTime, aim: Aim, outcome: Outcome, cause: Cause, future: &mut Future) {
        let succeeded = outcome == Outcome::Succeeded;
        match aim {
            Aim::EvictPod(pod) => self.eviction_answered(now, pod, outcome, future),
            _ if outcome == Outcome::Abandoned => {} // Nobody waits for it any more.
            Aim::CreatePod(set) | Aim::DeleteReplica(_, set) | Aim::ReportReplicaSet(set) => {
                self.replica_set_answered(now, set, succeeded, future);
            }
            Aim::CreateStatefulPod(set) | Aim::DeleteStatefulPod(_, set) | Aim::ReportStatefulSet(set) => {
                self.stateful_set_answered(now, set, succeeded, future);
            }
            Aim::CreateJobPod(id) | Aim::ReportJob(id) | Aim::DeleteJob(id) => {
                self.job_answered(now, id, succeeded, future);
            }
            Aim::AttachVolume(..) | Aim::ReportAttached(..) | Aim::DetachVolume(..) => {
                self.volume_answered(now, aim, succeeded, future);
            }
            Aim::ScaleReplicaSet(set, _) => {
                let deployment = self.cluster.replica_sets[set.index()].deployment;
                self.deployment_answered(now, deployment, succeeded, future);
            }
            Aim::CreateDaemonPod(..) | Aim::ReportDaemonSet(_) => {
                self.daemon_set_answered(now, aim, succeeded, future);
            }
            Aim::CreateReplicaSet(deployment, _) | Aim::ReportDeployment(deployment) => {
                self.deployment_answered(now, deployment, succeeded, future)
            }
            Aim::ReadMetrics(deployment) => self.metrics_answered(now, deployment, succeeded, future),
            Aim::ScaleDeployment(deployment, _) => self.autoscaler_answered(now, deployment, future),
            Aim::UpdateEndpointSlice(deployment, _) => self.endpoint_slice_answered(now, deployment, succeeded, future),
            Aim::MarkNotReady(_) | Aim::MarkPodNotReady(..) | Aim::RemoveTaints(_) => {
                self.node_answered(now, aim, succeeded, future);
            }
            _ if succeeded => {}
            Aim::TaintNoExecute(node) => {
                self.cluster.lifecycle.repeat(node);
                self.await_taints(now, future);
            }
            Aim::BindPod(pod, node) => self.binding_failed(now, pod, node, future),
            _ => self.repeat(now, aim, cause),
        }
    }

    /// A controller has a request to send, as soon as its client lets it. Without a leader it is lost.
    pub(crate) fn order(&mut self, now: SimTime, aim: Aim, cause: Cause, future: &mut Future) {
        let controller = aim.controller().expect("only controllers order");
        if self.leader(controller.component()).is_some() || controller == Controller::Drain {
            self.cluster.clients[controller.index()].push((aim, cause));
            self.send_orders(now, controller, future);
        }
    }

    fn repeat(&mut self, now: SimTime, aim: Aim, cause: Cause) {
        let controller = aim.controller().expect("only controllers order");
        if self.leader(controller.component()).is_some() || controller == Controller::Drain {
            self.cluster.clients[controller.index()].repeat(now, (aim, cause));
        }
    }

    /// A controller's next request may be sent.
    pub(crate) fn dispatch(&mut self, now: SimTime, controller: Controller, generation: u32, future: &mut Future) {
        if self.acts(controller.component(), generation) && self.cluster.clients[controller.index()].rings(now) {
            self.send_orders(now, controller, future);
        }
    }

    fn send_orders(&mut self, now: SimTime, controller: Controller, future: &mut Future) {
        let component = controller.component();
        let Some((server, generation)) = self.leader(component) else { return };
        while let Some((aim, cause)) = self.cluster.clients[controller.index()].next(now) {
            self.call(now, Caller::Component(component, server), aim, cause, future);
        }
        if let Some(at) = self.cluster.clients[controller.index()].alarm(now) {
            future.schedule(at, Event::Dispatch(controller, generation));
        }
    }

    /// A controller will hear of a change, and put the key of its object into its work queue.
    pub(crate) fn controller_hears(&mut self, now: SimTime, controller: Controller, key: u32, future: &mut Future) {
        let Some((_, generation)) = self.leader(controller.component()) else { return };
        if self.cluster.work[controller.index()].announce(key) {
            let heard = now + self.watch_delay(Watcher::Key(controller, key));
            future.schedule(heard, Event::Work(controller, key, generation));
        }
    }

    /// A key comes into a controller's work queue.
    pub(crate) fn work_comes(
        &mut self,
        now: SimTime,
        controller: Controller,
        key: u32,
        generation: u32,
        future: &mut Future,
    ) {
        if self.acts(controller.component(), generation) {
            self.cluster.work[controller.index()].add(key);
            self.work(now, controller, future);
        }
    }

    /// A controller's free workers take the keys that wait.
    pub(crate) fn work(&mut self, now: SimTime, controller: Controller, future: &mut Future) {
        while let Some(key) = self.cluster.work[controller.index()].take() {
            let waits = match controller {
                Controller::ReplicaSet => self.sync_replica_set(now, ReplicaSetId(key), future),
                Controller::DaemonSet => self.sync_daemon_set(now, DeploymentId(key), future),
                Controller::Job => self.sync_job(now, DeploymentId(key), future),
                Controller::StatefulSet => self.sync_stateful_set(now, ReplicaSetId(key), future),
                Controller::AttachDetach => self.sync_volume(now, VolumeId(key), future),
                Controller::NodeLifecycle => self.sync_node(now, key, future),
                Controller::HorizontalPodAutoscaler => self.sync_autoscaler(now, DeploymentId(key), future),
                Controller::EndpointSlice => self.sync_service(now, DeploymentId(key), future),
                Controller::Deployment => self.sync_deployment(now, DeploymentId(key), future),
                _ => unreachable!("no other controller has a work queue"),
            };
            if !waits {
                self.cluster.work[controller.index()].done(key, true);
            }
        }
    }

    /// The requests of a sync have ended: its worker is free, and the key comes again later if one of them failed.
    pub(crate) fn sync_ends(
        &mut self,
        now: SimTime,
        controller: Controller,
        key: u32,
        succeeded: bool,
        future: &mut Future,
    ) {
        let Some((_, generation)) = self.leader(controller.component()) else { return };
        if let Some(pause) = self.cluster.work[controller.index()].done(key, succeeded) {
            // With the time of a watch, so that keys that fail together do not come again at one instant.
            let again = now + pause + self.watch_delay(Watcher::Key(controller, key));
            future.schedule(again, Event::Work(controller, key, generation));
        }
        self.work(now, controller, future);
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
            Watcher::Key(controller, key) => {
                let ordinal = self.cluster.work[controller.index()].next_draw(key);
                ((controller.index() as u64) << 32 | u64::from(key), ordinal)
            }
        };
        let purpose = match watcher {
            Watcher::Heartbeat(_) => WATCH_HEARTBEAT,
            Watcher::Pod(_) => WATCH_POD,
            Watcher::Key(..) => WATCH_KEY,
        };
        let way = self.plan.parameters.api_server.watch_delay.duration(&mut self.key.draw(purpose, entity, ordinal));
        way + self.wait_of_watcher(watcher)
    }

    /// How long a change waits for the cores of the API server that sends it to its watcher.
    fn wait_of_watcher(&self, watcher: Watcher) -> SimDuration {
        let of = |component| self.leader(component).map(|(server, _)| server);
        let server = match watcher {
            Watcher::Heartbeat(_) => of(Component::ControllerManager),
            Watcher::Key(controller, _) => of(controller.component()),
            Watcher::Pod(pod) => {
                let node = self.cluster.pods[pod.index()].node;
                let kubelet = node.and_then(|node| self.kubelets.get(node.index()));
                kubelet.and_then(|kubelet| kubelet.informer.server()).or_else(|| of(Component::Scheduler))
            }
        };
        server.map_or(SimDuration::ZERO, |server| self.api_servers[server.index()].cores.wait())
    }
}
