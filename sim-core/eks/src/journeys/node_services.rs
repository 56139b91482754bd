//! What a node needs of AWS to start a pod beside an address: the image from the registry.
//!
//! ```text
//! to be started -> (no way to ECR or S3: ContainerCreating, tried again with the kubelet's back-off) -> starts
//! ```
//!
//! An image that the node has needs no registry. The VPC CNI's own pod needs EC2 to bring the network.

use crate::event::{Event, Future, PodStep};
use crate::ids::{NodeId, PodId};
use crate::plan::AwsService;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const PAUSE: Purpose = Purpose::new("pod/service-back-off");
const REGISTRY: [AwsService; 3] = [AwsService::EcrApi, AwsService::EcrDkr, AwsService::S3];

impl World {
    /// The first service of AWS that a pod needs to start on its node and that does not answer there.
    pub(crate) fn unmet_need(&self, pod: PodId, node: NodeId) -> Option<AwsService> {
        let state = &self.cluster.pods[pod.index()];
        let site = self.origin_of(node).site;
        let address = self.brings_network(state).then(|| self.unreached(site, &[AwsService::Ec2])).flatten();
        let has_image = self.cluster.nodes[node.index()].has_image(state.deployment, state.revision);
        address.or_else(|| (!has_image).then(|| self.unreached(site, &REGISTRY)).flatten())
    }

    /// A pod cannot start: its kubelet tries again, later and later.
    pub(crate) fn pod_waits(
        &mut self,
        now: SimTime,
        pod: PodId,
        node: NodeId,
        service: AwsService,
        future: &mut Future,
    ) {
        let site = self.origin_of(node).site;
        let why = self.why_unreached(site, service);
        let (nodes, name) = (self.vpc.site(site).name.clone(), service.name());
        let subject = u64::from(site.0) << 8 | service as u64;
        self.probes.timeline.note(now, Weight::Step, self.vpc_story, "pod/no-service", subject, || {
            format!("pod stays in ContainerCreating on {nodes}: AWS {name} cannot be reached: {why}")
        });
        let kubelet = &self.plan.parameters.kubelet;
        let state = &mut self.cluster.pods[pod.index()];
        // The pauses double: each is about as long as all that went before.
        let waited = now.saturating_since(state.created);
        let (entity, ordinal, life) = (state.entity(), state.next_draw(), state.life());
        let share = self.key.draw(PAUSE, entity, ordinal).uniform();
        let pause = waited.clamp(kubelet.image_backoff_base, kubelet.image_backoff_max);
        let again = now + pause + kubelet.pod_pace.scaled(share);
        future.schedule(again, Event::Pod(pod, life, PodStep::Seen));
    }
}
