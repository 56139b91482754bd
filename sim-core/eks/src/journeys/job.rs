//! A Job, from its creation to the end of its last pod:
//!
//! ```text
//! created -> a worker syncs it -> CreateJobPod x 1, 2, 4 ... -> its status -> ... the pods are placed, run, and end
//! a pod has ended -> UntrackPod, ReportJob -> the next pod, after a pause if it has failed
//! complete, or failed -> (its time to live) -> DeleteJob -> its pods are deleted
//! ```
//!
//! A pod that has ended keeps its object and takes no room; it goes with its Job, or once there are too many of its kind
//! (`journeys/pod_gc.rs`). Pods that end within a second of each other are looked at together.

use crate::aim::Aim;
use crate::event::{Event, Future, PodStep};
use crate::ids::{Controller, DeploymentId, PodId};
use crate::plan::Job as Planned;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::services::job::{Action, Backoff, Job, Phase};
use crate::stations::services::pod::{Object, Owner, Pod};
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const JOBS: Controller = Controller::Job;
const RUNS: Purpose = Purpose::new("job/run-time");
const FAILS: Purpose = Purpose::new("job/fails");

impl World {
    /// The Jobs wait for their creation.
    pub(crate) fn jobs_wait(&mut self, future: &mut Future) {
        for job in &self.cluster.jobs {
            if let Some(planned) = self.planned_job(job.deployment) {
                future.schedule(planned.created, Event::Job(job.deployment));
            }
        }
    }

    fn planned_job(&self, id: DeploymentId) -> Option<&Planned> {
        self.plan.deployments.get(id.index()).and_then(|planned| planned.control.job.as_ref())
    }

    fn job(&mut self, id: DeploymentId) -> Option<&mut Job> {
        let at = self.cluster.jobs.binary_search_by_key(&id, |job| job.deployment).ok()?;
        Some(&mut self.cluster.jobs[at])
    }

    /// A Job is created.
    pub(crate) fn job_is_created(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) {
        let name = self.plan.workload_name(id.index());
        let note = || format!("Job {name} is created");
        let cause = self.probes.timeline.note(now, Weight::Turn, None, "job/created", u64::from(id.0), note);
        if let Some(job) = self.job(id) {
            job.story = cause;
            job.begins();
        }
        self.controller_hears(now, JOBS, id.0, future);
    }

    /// The controller begins: it looks at every Job.
    pub(crate) fn jobs_begin(&mut self, now: SimTime, future: &mut Future) {
        if now != SimTime::ZERO {
            for index in 0..self.cluster.jobs.len() {
                self.controller_hears(now, JOBS, self.cluster.jobs[index].deployment.0, future);
            }
        }
    }

    /// A worker looks at a Job. Whether it waits for answers.
    pub(crate) fn sync_job(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let parameters = &self.plan.parameters.jobs;
        let backoff = Backoff { base: parameters.backoff_base, max: parameters.backoff_max };
        let Some(job) = self.job(id) else { return false };
        let (action, cause) = (job.sync(now, backoff), job.story);
        match action {
            Action::Create(_) => self.create_job_pods(now, id, future),
            Action::Delete(pods) => {
                for pod in pods {
                    if !self.cluster.pods[pod.index()].is_being_deleted {
                        self.order_deletion(now, pod, JOBS, cause, future);
                    }
                }
                self.report_job(now, id, future)
            }
            Action::Wait(until) => {
                self.look_at_job_again(now, id, until, future);
                self.report_job(now, id, future)
            }
            Action::Nothing => self.report_job(now, id, future) || self.delete_job_in_time(now, id, future),
        }
    }

    fn look_at_job_again(&mut self, now: SimTime, id: DeploymentId, at: SimTime, future: &mut Future) {
        if let Some((_, generation)) = self.leader(JOBS.component()).filter(|_| at > now) {
            future.schedule(at, Event::Work(JOBS, id.0, generation));
        }
    }

    /// Orders the next batch of pods. Whether there is one.
    fn create_job_pods(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let Some(job) = self.job(id) else { return false };
        let (batch, cause) = (job.next_batch(), job.story);
        for _ in 0..batch {
            self.order(now, Aim::CreateJobPod(id), cause, future);
        }
        batch > 0
    }

    /// Orders the status of a Job, if it has changed. Whether it has.
    fn report_job(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let Some(job) = self.job(id) else { return false };
        let (must_tell, cause) = (job.must_tell(), job.story);
        if must_tell {
            self.order(now, Aim::ReportJob(id), cause, future);
        }
        must_tell
    }

    /// Orders the deletion of a Job that has ended, once it has lived as long after that as it is to. Whether it does.
    fn delete_job_in_time(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) -> bool {
        let Some(ttl) = self.planned_job(id).and_then(|planned| planned.ttl) else { return false };
        let Some(job) = self.job(id) else { return false };
        let (Phase::Complete(since) | Phase::Failed(since)) = job.phase() else { return false };
        if now < since + ttl {
            self.look_at_job_again(now, id, since + ttl, future);
            return false;
        }
        job.sends(1);
        let cause = job.story;
        self.order(now, Aim::DeleteJob(id), cause, future);
        true
    }

    /// A request of a sync has ended: the next batch follows, then the status, then the worker is free.
    pub(crate) fn job_answered(&mut self, now: SimTime, id: DeploymentId, succeeded: bool, future: &mut Future) {
        let Some(job) = self.job(id) else { return };
        if !job.answered(succeeded) || self.create_job_pods(now, id, future) {
            return;
        }
        let succeeded = self.job(id).is_some_and(|job| job.has_succeeded());
        if !succeeded || !self.report_job(now, id, future) {
            self.sync_ends(now, JOBS, id.0, succeeded, future);
        }
    }

    /// A pod of a Job is created, unless it has enough, and the scheduler will hear of it.
    pub(crate) fn job_pod_is_created(&mut self, now: SimTime, id: DeploymentId, cause: Cause, future: &mut Future) {
        let pod = PodId(self.cluster.pods.len() as u32);
        let Some(job) = self.job(id).filter(|job| job.lacks()) else { return };
        job.gains(pod);
        let number = self.cluster.deployments[id.index()].gains_a_pod();
        self.cluster.pods.push(Pod::of_job(id, number, cause).created_at(now));
        self.gate_may_be_set(now, pod, future);
        self.cluster.probe.pod_is_created(now);
        self.scheduler_hears(now, pod, future);
    }

    /// The status of a Job is in the API; whether it has ended, its controller sees in its own next look.
    pub(crate) fn job_is_reported(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) {
        if let Some(job) = self.job(id) {
            job.tells();
        }
        self.controller_hears(now, JOBS, id.0, future);
    }

    /// A Job is deleted: its pods follow.
    pub(crate) fn job_is_deleted(&mut self, now: SimTime, id: DeploymentId, cause: Cause, future: &mut Future) {
        let pods = self.job(id).map(|job| job.is_deleted()).unwrap_or_default();
        for pod in pods {
            self.order(now, Aim::ForceDeletePod(pod), cause, future);
        }
    }

    /// The containers of a Job's pod run: they end after their time.
    pub(crate) fn job_work_begins(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let Some(planned) = self.planned_job(state.deployment) else { return };
        let mut draw = self.key.draw(RUNS, state.entity(), u64::from(state.life()));
        let done = now + planned.run_time.duration(&mut draw);
        future.schedule(done, Event::Pod(pod, state.life(), PodStep::Stopped));
    }

    /// The API knows that a Job's pod has ended.
    pub(crate) fn job_pod_has_ended(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (id, entity) = (state.deployment, state.entity());
        let failures = self.planned_job(id).map_or(0.0, |planned| planned.failures);
        let succeeded = self.key.draw(FAILS, entity, 0).uniform() >= failures;
        self.job_counts(now, pod, succeeded, future);
    }

    /// A Job's pod is deleted, or gone, before it has done its work: that counts as a failure.
    pub(crate) fn job_pod_is_lost(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        if self.cluster.pods[pod.index()].owner() == Owner::Job {
            self.job_counts(now, pod, false, future);
            if self.cluster.pods[pod.index()].object() == Object::Gone {
                let id = self.cluster.pods[pod.index()].deployment;
                self.job(id).into_iter().for_each(|job| job.forgets(pod));
            }
        }
    }

    fn job_counts(&mut self, now: SimTime, pod: PodId, succeeded: bool, future: &mut Future) {
        let id = self.cluster.pods[pod.index()].deployment;
        let story = self.cluster.pods[pod.index()].story;
        let Some(job) = self.job(id) else { return };
        let was = job.phase();
        if !job.ends(now, pod, succeeded) {
            return;
        }
        let (phase, cause) = (job.phase(), job.story);
        if phase != was {
            self.note_job(now, id, phase, cause);
        }
        self.order(now, Aim::UntrackPod(pod), story, future);
        self.job_hears_later(now, id, future);
    }

    /// The controller gathers what happens to the pods of a Job for a while.
    fn job_hears_later(&mut self, now: SimTime, id: DeploymentId, future: &mut Future) {
        let Some((_, generation)) = self.leader(JOBS.component()) else { return };
        if self.cluster.work[JOBS.index()].announce(id.0) {
            let heard = now + self.watch_delay(crate::cluster::Watcher::Key(JOBS, id.0));
            future.schedule(heard + self.plan.parameters.jobs.batch_period, Event::Work(JOBS, id.0, generation));
        }
    }

    fn note_job(&mut self, now: SimTime, id: DeploymentId, phase: Phase, cause: Cause) {
        let name = self.plan.workload_name(id.index());
        let created = self.planned_job(id).map_or(SimTime::ZERO, |planned| planned.created);
        let took = now.saturating_since(created).as_secs_f64();
        let (kind, text) = match phase {
            Phase::Failed(_) => {
                ("job/failed", format!("Job {name} has failed after {took:.0} s: too many of its pods have"))
            }
            _ => ("job/complete", format!("Job {name} is complete after {took:.0} s")),
        };
        self.probes.timeline.note(now, Weight::Turn, cause, kind, u64::from(id.0), || text);
    }
}
