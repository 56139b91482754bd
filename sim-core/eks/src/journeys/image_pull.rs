//! The images of a pod that starts, one after another: those of its init containers, then its own.
//!
//! ```text
//! sandbox -> NeedsImage -> (on the node: its container starts) -> its turn on the node -> token, manifest, layers asked for
//!     -> downloaded, unpacked -> its container starts -> (an init container: it has run -> NeedsImage) -> Started
//! refused (registryPullQPS, 429, no way to the registry): ErrImagePull -> ImagePullBackOff, longer and longer -> NeedsImage
//! ```
//!
//! A pod whose images are on its node never comes here. The image of the pod that brings a node's network does not
//! either: what was measured from launch to Ready has its pull in it.

use crate::event::{Event, Future, PodStep};
use crate::ids::{ImageId, NodeId, PodId};
use crate::parameters::ImageParameters;
use crate::plan::{AwsService, Plan, Registry};
use crate::record::Weight;
use crate::stations::compute::image_store::{ImageKey, PullSettings, PullSize, Waiter};
use crate::stations::network::SiteId;
use crate::stations::services::registry::{EcrCalls, RegistryLimits, Source};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const REQUESTS: Purpose = Purpose::new("image/requests");
const PAUSE: Purpose = Purpose::new("image/back-off");
const INIT: Purpose = Purpose::new("pod/init-container");

/// What ECR needs on the way to a node.
const ECR: [AwsService; 3] = [AwsService::EcrApi, AwsService::EcrDkr, AwsService::S3];

const MIB: f64 = 1_048_576.0;

/// Why a pull does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The kubelet has begun too many.
    Kubelet,
    /// The registry answers 429.
    TooManyRequests(Registry),
    /// A service of AWS cannot be reached.
    Unreached(AwsService),
    /// The internet cannot be reached.
    NoInternet,
}

/// What the pulls on a node keep to.
pub(crate) fn pull_settings(parameters: &ImageParameters) -> PullSettings {
    let most = match parameters.serialize_pulls {
        true => 1,
        false => parameters.parallel_pulls_max as usize,
    };
    PullSettings {
        parallel: (most > 0).then_some(most),
        bandwidth: parameters.node_bandwidth * MIB,
        image_rate: parameters.layer_rate * parameters.parallel_layers as f64 * MIB,
        unpack_rate: parameters.unpack_rate * MIB,
        qps: parameters.registry_qps,
        burst: parameters.registry_burst,
    }
}

/// What the registries let through.
pub(crate) fn registry_limits(plan: &Plan) -> RegistryLimits {
    let parameters = &plan.parameters.image;
    RegistryLimits {
        tokens: parameters.ecr_token_rate,
        manifests: parameters.ecr_manifest_rate,
        layers: parameters.ecr_layer_rate,
        pulls: Some(parameters.public_pulls).filter(|pulls| *pulls > 0),
        period: parameters.public_period,
    }
}

impl World {
    /// Whether a pod has all that it needs on its node: its container starts as soon as it has its sandbox.
    pub(crate) fn has_all_images(&self, pod: PodId, node: NodeId) -> bool {
        let state = &self.cluster.pods[pod.index()];
        let start = self.plan.pod_start(state.deployment);
        let own = (self.cluster.images.own(state.deployment), state.revision);
        start.init_containers.is_empty() && !start.image.always && self.cluster.nodes[node.index()].has_image(own)
    }

    /// The first service of AWS on the way to a site's images that does not answer there.
    pub(crate) fn ecr_unreached(&self, site: SiteId) -> Option<AwsService> {
        self.unreached(site, &ECR)
    }

    /// The image that a pod needs next, and whether the registry is asked for it in any case.
    fn next_image(&self, pod: PodId) -> (ImageKey, bool) {
        let state = &self.cluster.pods[pod.index()];
        let (images, workload) = (&self.cluster.images, state.deployment);
        let init = usize::from(self.cluster.image_stores.progress_of(pod).inits);
        let own = images.own(workload);
        let inits = self.plan.pod_start(workload).init_containers.len();
        let id = if init < inits { images.of_init(workload, init) } else { own };
        let revision = if id == own { state.revision } else { 0 };
        ((id, revision), self.plan.pod_start(workload).image.always)
    }

    /// A pod needs its next image: it is there, or a pull begins, or it waits for one.
    pub(crate) fn pod_needs_image(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &self.cluster.pods[pod.index()];
        let (Some(node), life) = (state.node, state.life()) else { return };
        let (image, always) = self.next_image(pod);
        let is_there = self.cluster.nodes[node.index()].has_image(image);
        if is_there && !always {
            return self.container_starts(now, pod, future);
        }
        let progress = self.cluster.image_stores.progress(pod);
        if progress.waits_since.is_none() {
            progress.waits_since = Some(now);
            self.probes.images.pod_waits();
        }
        let size = if is_there { PullSize::default() } else { self.pull_size(image.0) };
        self.cluster.image_stores.of(node).wants(image, size, (pod, life));
        self.pulls_go_on(now, node, future);
    }

    fn pull_size(&self, image: ImageId) -> PullSize {
        let parameters = &self.plan.parameters.image;
        let mib = self.cluster.images.image(image).size_mib.unwrap_or(parameters.size_mib);
        let (download, layers) = (mib as f64 * MIB, parameters.layers as f64);
        let unpacked = download * parameters.unpacked;
        PullSize { download, unpack: unpacked * (layers - 1.0) / layers, last: unpacked / layers }
    }

    /// The pulls whose turn has come on a node begin, and it is foreseen when the next thing happens.
    fn pulls_go_on(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        while let Some((image, first)) = self.cluster.image_stores.of(node).next_turn() {
            match self.pull_begins(now, node, image, first) {
                Ok(until) => self.cluster.image_stores.of(node).begins(now, image, until),
                Err(refusal) => {
                    for waiter in self.cluster.image_stores.of(node).fails(image) {
                        self.pull_fails(now, node, waiter, refusal, future);
                    }
                }
            }
        }
        let life = self.cluster.nodes[node.index()].life();
        if let Some((at, generation)) = self.cluster.image_stores.of(node).foresees() {
            future.schedule(at, Event::Images(node, life, generation));
        }
    }

    /// A kubelet asks for an image. When the registry will have answered, or why it does not.
    fn pull_begins(
        &mut self,
        now: SimTime,
        node: NodeId,
        image: ImageKey,
        (pod, _): Waiter,
    ) -> Result<SimTime, Refusal> {
        if !self.cluster.image_stores.of(node).may_begin(now) {
            self.probes.images.kubelet_refuses();
            return Err(Refusal::Kubelet);
        }
        let registry = self.cluster.images.image(image.0).registry;
        let is_there = self.cluster.nodes[node.index()].has_image(image);
        match registry {
            Registry::Ecr => self.ask_ecr(now, node, is_there)?,
            Registry::Public => self.ask_public_registry(now, node, is_there)?,
        }
        if !is_there {
            self.note_pull(now, pod, image.0);
        }
        Ok(now + self.registry_takes(pod))
    }

    /// How long the registry takes to answer for a pod: the first time, and each time after.
    fn registry_takes(&mut self, pod: PodId) -> SimDuration {
        let progress = self.cluster.image_stores.progress_of(pod);
        if progress.failures == 0 && progress.inits == 0 {
            return self.start_times(pod).registry;
        }
        let state = &mut self.cluster.pods[pod.index()];
        let (entity, ordinal) = (state.entity(), state.next_draw());
        self.plan.parameters.image.request_time.duration(&mut self.key.draw(REQUESTS, entity, ordinal))
    }

    fn ask_ecr(&mut self, now: SimTime, node: NodeId, is_there: bool) -> Result<(), Refusal> {
        let site = self.origin_of(node).site;
        if let Some(service) = self.ecr_unreached(site) {
            return Err(Refusal::Unreached(service));
        }
        let parameters = &self.plan.parameters.image;
        let store = self.cluster.image_stores.of(node);
        let calls = EcrCalls { token: store.token_until <= now, layers: if is_there { 0 } else { parameters.layers } };
        if !self.registries.ask_ecr(now, calls) {
            return Err(Refusal::TooManyRequests(Registry::Ecr));
        }
        if calls.token {
            store.token_until = now + parameters.ecr_token_life;
        }
        Ok(())
    }

    /// A look whether an image is the latest one does not count as a pull.
    fn ask_public_registry(&mut self, now: SimTime, node: NodeId, is_there: bool) -> Result<(), Refusal> {
        let site = self.origin_of(node).site;
        let ways = self.vpc.ways(site);
        let zone = self.cluster.zone_of(node);
        if !ways.internet || !self.way_out_is_whole(zone, ways.nat) {
            return Err(Refusal::NoInternet);
        }
        let source = ways.nat.map_or(Source::Node(node.0), Source::Nat);
        if is_there || self.registries.ask_public(now, source) {
            return Ok(());
        }
        Err(Refusal::TooManyRequests(Registry::Public))
    }

    /// A pod's image does not come: its kubelet turns to the pod again and again, and asks again when its back-off is over.
    fn pull_fails(&mut self, now: SimTime, node: NodeId, (pod, life): Waiter, refusal: Refusal, future: &mut Future) {
        if self.cluster.pods[pod.index()].life() != life {
            return;
        }
        self.note_refusal(now, pod, node, refusal);
        let pause = self.image_back_off(pod);
        future.schedule(now + pause, Event::Pod(pod, life, PodStep::NeedsImage));
    }

    /// The pause of a pod whose start has failed: the rounds of its kubelet until its back-off, which doubles, is over.
    pub(crate) fn image_back_off(&mut self, pod: PodId) -> SimDuration {
        let progress = self.cluster.image_stores.progress(pod);
        let doublings = u32::from(progress.failures).min(20);
        progress.failures = progress.failures.saturating_add(1);
        if progress.failures == 1 {
            self.probes.images.pod_backs_off();
        }
        let kubelet = &self.plan.parameters.kubelet;
        let back_off = kubelet.image_backoff_base.scaled(f64::from(1u32 << doublings)).min(kubelet.image_backoff_max);
        let state = &mut self.cluster.pods[pod.index()];
        let (entity, ordinal) = (state.entity(), state.next_draw());
        let mut draw = self.key.draw(PAUSE, entity, ordinal);
        let mut pause = kubelet.sandbox_retry.duration(&mut draw) + kubelet.pod_pace;
        while pause < back_off {
            pause += kubelet.sandbox_retry.duration(&mut draw) + kubelet.pod_pace;
        }
        pause
    }

    /// What a node pulls has come further.
    pub(crate) fn images_arrive(
        &mut self,
        now: SimTime,
        node: NodeId,
        life: u32,
        generation: u32,
        future: &mut Future,
    ) {
        if self.cluster.nodes[node.index()].life() != life || !self.cluster.image_stores.of(node).is_current(generation)
        {
            return;
        }
        while let Some((image, waiters)) = self.cluster.image_stores.of(node).arrived(now) {
            self.cluster.nodes[node.index()].gains_image(image);
            for (pod, life) in waiters {
                if self.cluster.pods[pod.index()].life() == life {
                    self.image_is_there(now, pod, future);
                }
            }
        }
        self.pulls_go_on(now, node, future);
    }

    fn image_is_there(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let progress = self.cluster.image_stores.progress(pod);
        progress.failures = 0;
        let waited = progress.waits_since.take().map_or(SimDuration::ZERO, |since| now.saturating_since(since));
        self.probes.images.pod_waits_no_more();
        self.probes.images.pod_has_waited(now, waited);
        self.cluster.pods[pod.index()].pulled += waited;
        self.container_starts(now, pod, future);
    }

    /// The container whose image is there starts: an init container, or the pod's own.
    fn container_starts(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let workload = self.cluster.pods[pod.index()].deployment;
        let done = usize::from(self.cluster.image_stores.progress_of(pod).inits);
        let Some(init) = self.plan.pod_start(workload).init_containers.get(done) else {
            self.start_needs_no_more(pod);
            return self.own_container_starts(now, pod, future);
        };
        let state = &mut self.cluster.pods[pod.index()];
        let (entity, ordinal, life) = (state.entity(), state.next_draw(), state.life());
        let start = self.plan.parameters.pod.start_time.duration(&mut self.key.draw(INIT, entity, ordinal));
        state.pulled += start + init.runs;
        self.cluster.image_stores.progress(pod).inits += 1;
        future.schedule(now + start + init.runs, Event::Pod(pod, life, PodStep::NeedsImage));
    }

    /// A pod waits for no image any more: its own container starts, or it starts anew, or it is no more.
    pub(crate) fn start_needs_no_more(&mut self, pod: PodId) {
        let progress = self.cluster.image_stores.forget(pod);
        if progress.is_some_and(|progress| progress.waits_since.is_some()) {
            self.probes.images.pod_waits_no_more();
        }
    }

    /// Images whose size somebody cared to say are told of.
    fn note_pull(&mut self, now: SimTime, pod: PodId, image: ImageId) {
        let of = self.cluster.images.image(image);
        let Some(size) = of.size_mib else { return };
        let state = &self.cluster.pods[pod.index()];
        let name = of.name.clone().unwrap_or_else(|| self.plan.workload_name(state.deployment.index()).to_owned());
        let note = || format!("node pulls the image {name} of {size} MiB");
        self.probes.timeline.note(now, Weight::Step, state.story, "image/pull", u64::from(image.0), note);
    }

    fn note_refusal(&mut self, now: SimTime, pod: PodId, node: NodeId, refusal: Refusal) {
        let cause = self.cluster.pods[pod.index()].story;
        let parameters = &self.plan.parameters.image;
        let (subject, text) = match refusal {
            Refusal::Unreached(service) => return self.note_no_service(now, node, service),
            Refusal::NoInternet => (0, "the public registry cannot be reached".to_owned()),
            Refusal::Kubelet => {
                (1, format!("a kubelet begins {} pulls a second (registryPullQPS)", parameters.registry_qps))
            }
            Refusal::TooManyRequests(Registry::Ecr) => (2, "ECR throttles the account's pulls (429)".to_owned()),
            Refusal::TooManyRequests(Registry::Public) => {
                let nat = self.vpc.ways(self.origin_of(node).site).nat;
                let whose = nat.map_or("a node", |_| "the NAT gateway that all share");
                let (pulls, period) = (parameters.public_pulls, parameters.public_period);
                let text = format!(
                    "the public registry answers 429 to the address of {whose}, after {pulls} pulls in {period}"
                );
                (3 + nat.map_or(0, |nat| 1 + u64::from(nat)), text)
            }
        };
        let note = || format!("pod stays in ImagePullBackOff: {text}");
        self.probes.timeline.note(now, Weight::Step, cause, "pod/no-image", subject, note);
    }
}
