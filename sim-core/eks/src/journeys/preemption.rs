//! A pod that finds no room where pods of lower priority have some:
//!
//! ```text
//! no node -> dry runs on a tenth of the nodes -> the best -> it is nominated there, its victims are deleted gracefully
//!     -> parked, while the cycles of others go on -> a victim is gone -> back-off -> its nominated node, if it fits -> bound
//! ```
//!
//! The room of its victims is kept for it from all pods but those of higher priority. Deletions and nominations are
//! requests of the scheduler's client, and no cycle waits for them (asynchronous preemption, Kubernetes 1.33 and later).
//!
//! Left out: dry runs look at room alone, not at affinities that a victim's end would satisfy.

use crate::aim::Aim;
use crate::cluster::Nomination;
use crate::event::Future;
use crate::ids::{Controller, DeploymentId, NodeId, PodId};
use crate::record::Weight;
use crate::stations::control_plane::placement::Found;
use crate::stations::control_plane::preemption::{Candidate, Resident, Search, covers};
use crate::stations::services::disruption_budget::disruptions_allowed;
use crate::stations::services::pod::{Object, Owner};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const OFFSET: Purpose = Purpose::new("scheduler/preemption");

impl World {
    /// The priority of a pod.
    pub(crate) fn priority_of(&self, pod: PodId) -> i32 {
        self.plan.priority(self.cluster.pods[pod.index()].deployment.index())
    }

    /// The search for a node as `search` does it, while only the room is kept that is kept from this pod.
    pub(crate) fn search_with_nominations(&mut self, pod: PodId, search: impl FnOnce(&mut World) -> Found) -> Found {
        if self.cluster.nominations.is_empty() {
            return search(self);
        }
        let (own, priority) = (self.nomination_of(pod), self.priority_of(pod));
        self.keep_room(-1, |other| other.pod == pod || other.priority < priority);
        let deployment = self.cluster.pods[pod.index()].deployment;
        let nominated = own.filter(|own| self.cluster.placement.is_fit(deployment, own.node));
        let found = match nominated {
            Some(own) => Found { node: Some(own.node), filtered: 1, scored: 0 },
            None => search(self),
        };
        self.keep_room(1, |other| other.pod == pod || other.priority < priority);
        found
    }

    /// Keeps the room of nominated pods (`1`), or lets go of it (`-1`).
    fn keep_room(&mut self, times: i32, of: impl Fn(&Nomination) -> bool) {
        for nomination in self.cluster.nominations.iter().filter(|nomination| of(nomination)) {
            let deployment = self.cluster.pods[nomination.pod.index()].deployment;
            self.cluster.placement.keep(deployment, nomination.node, times);
        }
    }

    fn nomination_of(&self, pod: PodId) -> Option<Nomination> {
        self.cluster.nominations.iter().find(|nomination| nomination.pod == pod).copied()
    }

    /// A pod is nominated no more: it has a node, or is gone.
    pub(crate) fn denominate(&mut self, pod: PodId) {
        if !self.cluster.nominations.is_empty() && self.nomination_of(pod).is_some() {
            self.keep_room(-1, |other| other.pod == pod);
            self.cluster.nominations.retain(|nomination| nomination.pod != pod);
        }
    }

    /// The dry runs for a pod that found no node: whom it would have to evict, and how long the search takes.
    pub(crate) fn dry_runs(&mut self, pod: PodId) -> (Option<Candidate>, SimDuration) {
        if !self.may_preempt(pod) {
            return (None, SimDuration::ZERO);
        }
        let state = &mut self.cluster.pods[pod.index()];
        let nodes = self.cluster.placement.nodes() as u64;
        let offset = self.key.draw(OFFSET, state.entity(), state.next_draw()).below(nodes.max(1));
        let (deployment, only) = match (state.deployment, state.owner()) {
            (deployment, Owner::DaemonSet(node)) => (deployment, Some(node)),
            (deployment, _) => (deployment, None),
        };
        let all = (offset..nodes).chain(0..offset).map(|index| NodeId(index as u32));
        let mut search = Search::over(nodes as usize);
        let mut residents = Vec::new();
        for node in all.filter(|node| only.is_none_or(|only| only == *node)) {
            if search.is_over() {
                break;
            }
            self.dry_run(pod, deployment, node, &mut search, &mut residents);
        }
        let scheduler = &self.plan.parameters.scheduler;
        let time = scheduler.filter_time * u64::from(search.looks) / scheduler.parallelism;
        (search.best(), time)
    }

    /// Whether pods of lower priority may be there, and no victim of the pod is still on its way.
    fn may_preempt(&self, pod: PodId) -> bool {
        let (priority, deployment) = (self.priority_of(pod), self.cluster.pods[pod.index()].deployment);
        if self.cluster.lowest_priority >= priority || !self.plan.preempts(deployment.index()) {
            return false;
        }
        let nominated = self.nomination_of(pod).filter(|own| self.cluster.placement.is_open(own.node));
        nominated.is_none_or(|own| {
            let mut pods = self.cluster.nodes[own.node.index()].pods().iter();
            pods.all(|other| {
                let state = &self.cluster.pods[other.index()];
                let goes = state.object() == Object::Terminating || state.is_being_deleted;
                !goes || self.priority_of(*other) >= priority
            })
        })
    }

    fn dry_run(
        &self,
        pod: PodId,
        deployment: DeploymentId,
        node: NodeId,
        search: &mut Search,
        residents: &mut Vec<Resident>,
    ) {
        let placement = &self.cluster.placement;
        let is_daemon = self.cluster.pods[pod.index()].is_daemon();
        let pinned = self.cluster.volumes.zone_of(pod);
        let is_elsewhere = pinned.is_some_and(|zone| zone != self.cluster.zone_of(node));
        let is_possible =
            placement.is_possible(deployment, node) && !is_elsewhere && (placement.is_open(node) || is_daemon);
        let needs = placement.needs_of(deployment);
        if !is_possible || !covers(placement.capacity_of(node), needs) {
            return;
        }
        let priority = self.priority_of(pod);
        residents.clear();
        for &other in self.cluster.nodes[node.index()].pods() {
            let state = &self.cluster.pods[other.index()];
            let its = self.priority_of(other);
            let takes_room = matches!(state.object(), Object::Bound | Object::Terminating);
            if its < priority && takes_room {
                residents.push(Resident {
                    pod: other,
                    priority: its,
                    since: state.created,
                    takes: placement.needs_of(state.deployment),
                    violates: state.object() == Object::Bound && state.is_ready() && self.budget_is_spent(other),
                });
            }
        }
        search.sees(node, placement.free_on(node), needs, residents);
    }

    fn budget_is_spent(&self, pod: PodId) -> bool {
        let deployment = self.cluster.pods[pod.index()].deployment;
        let Some(planned) = self.plan.deployments.get(deployment.index()) else { return false };
        let Some(budget) = planned.control.budget else { return false };
        let state = &self.cluster.deployments[deployment.index()];
        let healthy = state.sets().iter().map(|set| self.cluster.replica_sets[set.index()].has().ready).sum();
        disruptions_allowed(budget, state.wanted(), healthy) == 0
    }

    /// The pod is nominated for a node, and its victims are deleted.
    pub(crate) fn preempt(&mut self, now: SimTime, pod: PodId, candidate: &Candidate, future: &mut Future) {
        self.denominate(pod);
        let (priority, node) = (self.priority_of(pod), candidate.node);
        self.cluster.nominations.retain(|other| {
            other.node != node || other.priority >= priority || {
                let deployment = self.cluster.pods[other.pod.index()].deployment;
                self.cluster.placement.keep(deployment, node, -1); // those will look for another node
                false
            }
        });
        self.cluster.nominations.push(Nomination { pod, priority, node });
        self.keep_room(1, |other| other.pod == pod);
        let cause = self.note_preemption(now, pod, candidate);
        self.order(now, Aim::NominatePod(pod), cause, future);
        for &victim in &candidate.victims {
            let state = &self.cluster.pods[victim.index()];
            if state.is_active() && !state.is_being_deleted {
                self.cluster.probe.pod_is_preempted();
                self.order_deletion(now, victim, Controller::Scheduler, cause, future);
            }
        }
    }

    fn note_preemption(&mut self, now: SimTime, pod: PodId, candidate: &Candidate) -> crate::probes::Cause {
        let state = &self.cluster.pods[pod.index()];
        let (deployment, cause) = (state.deployment, state.story);
        let victim = candidate.victims.first().map(|victim| self.cluster.pods[victim.index()].deployment);
        let name = |id: DeploymentId| self.plan.workload_name(id.index());
        let note = || format!("a pod of {} has to make room for one of {}", victim.map_or("?", name), name(deployment));
        let subject = u64::from(deployment.0) << 32 | victim.map_or(0, |victim| u64::from(victim.0));
        self.probes.timeline.note(now, Weight::Step, cause, "pod/preempted", subject, note).or(cause)
    }
}
