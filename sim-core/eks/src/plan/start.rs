//! What a pod needs to start and to end on its node: images, init containers, its readiness probe, its grace.

use super::Plan;
use crate::ids::{DeploymentId, ImageId};
use serde::{Deserialize, Serialize};
use sim_kernel::SimDuration;

/// How the pods of a workload start and end. What is `None` the parameters say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodStart {
    /// The image of their container.
    #[serde(default)]
    pub image: Image,
    /// What runs before it, one after another.
    #[serde(default)]
    pub init_containers: Vec<InitContainer>,
    /// When their readiness probe passes first.
    #[serde(default)]
    pub readiness: Option<Readiness>,
    /// How they end.
    #[serde(default)]
    pub stop: PodStop,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name, which workloads may share; `None` for one of the workload's own.
    pub name: Option<String>,
    /// Its size as it is downloaded, MiB.
    pub size_mib: Option<u64>,
    /// Where it comes from.
    pub registry: Registry,
    /// Whether every start asks the registry for it (`imagePullPolicy: Always`); otherwise only a node without it does.
    pub always: bool,
}

/// Where an image comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registry {
    /// Amazon ECR, in the cluster's region and account.
    #[default]
    Ecr,
    /// A public registry on the internet that counts the pulls of each address, as Docker Hub does.
    Public,
}

/// A container that runs before the pod's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitContainer {
    /// How long it runs.
    pub runs: SimDuration,
    /// Its image; `None` for the pod's own.
    pub image: Option<Image>,
}

/// When a readiness probe passes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// How long the program takes until it would answer.
    pub answers_after: SimDuration,
    /// When the probe first asks, from the start of the container.
    pub initial_delay: SimDuration,
    /// How often it asks.
    pub period: SimDuration,
}

impl Readiness {
    /// When the probe first passes, from the start of the container: at the first question that the program answers.
    pub fn passes_after(&self) -> SimDuration {
        let missing = self.answers_after.as_nanos().saturating_sub(self.initial_delay.as_nanos());
        let questions = missing.div_ceil(self.period.as_nanos().max(1));
        self.initial_delay + self.period * questions
    }
}

/// How a pod ends that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodStop {
    /// How long its preStop hook takes.
    pub pre_stop: SimDuration,
    /// How long the program takes from SIGTERM to its end; `None` for as long as it may.
    pub ends_after: Option<SimDuration>,
    /// How long both may take, before it is killed.
    pub grace: Option<SimDuration>,
}

impl PodStop {
    /// How long the pod takes, if it may take `grace` where it says nothing.
    pub fn takes(&self, grace: SimDuration) -> SimDuration {
        let grace = self.grace.unwrap_or(grace);
        self.ends_after.map_or(grace, |ends| grace.min(self.pre_stop + ends))
    }
}

impl Plan {
    /// How the pods of a workload start and end, by its index: Deployments first, then DaemonSets.
    pub fn pod_start(&self, workload: DeploymentId) -> &PodStart {
        match self.deployments.get(workload.index()) {
            Some(deployment) => &deployment.control.start,
            None => &self.cluster.daemon_sets[workload.index() - self.deployments.len()].start,
        }
    }
}

/// The images of a plan, and who needs which.
#[derive(Clone, Debug)]
pub struct Images {
    images: Vec<Image>,
    /// By workload: the image of its container, then those of its init containers.
    needs: Vec<Vec<ImageId>>,
}

impl Images {
    /// The images of a plan. Those of one name are one.
    pub fn of(plan: &Plan) -> Self {
        let count = plan.deployments.len() + plan.cluster.daemon_sets.len();
        let mut images = Images { images: Vec::new(), needs: Vec::with_capacity(count) };
        for workload in (0..count as u32).map(DeploymentId) {
            let start = plan.pod_start(workload);
            let own = images.add(&start.image);
            let inits = start.init_containers.iter();
            let rest: Vec<ImageId> =
                inits.map(|init| init.image.as_ref().map_or(own, |image| images.add(image))).collect();
            images.needs.push(std::iter::once(own).chain(rest).collect());
        }
        images
    }

    fn add(&mut self, image: &Image) -> ImageId {
        let is_same = |known: &Image| known.name.is_some() && known.name == image.name;
        let known = self.images.iter().position(is_same);
        let at = known.unwrap_or(self.images.len());
        if known.is_none() {
            self.images.push(image.clone());
        }
        ImageId(at as u32)
    }

    /// An image.
    pub fn image(&self, id: ImageId) -> &Image {
        &self.images[id.index()]
    }

    /// The image of a workload's container.
    pub fn own(&self, workload: DeploymentId) -> ImageId {
        self.needs[workload.index()][0]
    }

    /// The image of a workload's init container.
    pub fn of_init(&self, workload: DeploymentId, init: usize) -> ImageId {
        self.needs[workload.index()][1 + init]
    }

    /// The images that a workload's pods need, its own first.
    pub fn needed_by(&self, workload: DeploymentId) -> &[ImageId] {
        &self.needs[workload.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> SimDuration {
        SimDuration::from_secs(count)
    }

    #[test]
    fn a_probe_passes_at_its_first_question_that_is_answered() {
        let passes = |answers, delay| {
            let (answers_after, initial_delay, period) = (seconds(answers), seconds(delay), seconds(10));
            Readiness { answers_after, initial_delay, period }.passes_after()
        };
        assert_eq!([passes(0, 0), passes(1, 0), passes(10, 0), passes(11, 0)], [0, 10, 10, 20].map(seconds));
        assert_eq!([passes(3, 5), passes(12, 5)], [5, 15].map(seconds));
    }

    #[test]
    fn a_pod_ends_when_its_program_does_and_no_later_than_it_may() {
        let takes = |pre_stop, ends: Option<u64>, grace: Option<u64>| {
            let (ends_after, grace) = (ends.map(seconds), grace.map(seconds));
            PodStop { pre_stop: seconds(pre_stop), ends_after, grace }.takes(seconds(30))
        };
        assert_eq!([takes(0, None, None), takes(0, Some(2), None)], [30, 2].map(seconds));
        assert_eq!([takes(15, Some(20), None), takes(15, Some(20), Some(60))], [30, 35].map(seconds));
    }
}
