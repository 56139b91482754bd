//! What a node needs of AWS to start a pod beside an address: EC2 and the registry for the pod that brings its network,
//! the registry for any other image that it does not have (`image_pull.rs`).
//!
//! ```text
//! to be started -> (no way to EC2, ECR or S3: ContainerCreating, tried again with the kubelet's back-off) -> starts
//! ```

use crate::event::{Event, Future, PodStep};
use crate::ids::{NodeId, PodId};
use crate::plan::AwsService;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::SimTime;

impl World {
    /// The first service of AWS that the pod that brings a node's network needs and that does not answer there.
    pub(crate) fn unmet_need(&self, pod: PodId, node: NodeId) -> Option<AwsService> {
        let state = &self.cluster.pods[pod.index()];
        let site = self.origin_of(node).site;
        let image = (self.cluster.images.own(state.deployment), state.revision);
        let has_image = self.cluster.nodes[node.index()].has_image(image);
        let address = self.unreached(site, &[AwsService::Ec2]);
        address.or_else(|| (!has_image).then(|| self.ecr_unreached(site)).flatten())
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
        self.note_no_service(now, node, service);
        let life = self.cluster.pods[pod.index()].life();
        let pause = self.image_back_off(pod);
        future.schedule(now + pause, Event::Pod(pod, life, PodStep::Seen));
    }

    /// A pod of a node waits for a service of AWS.
    pub(crate) fn note_no_service(&mut self, now: SimTime, node: NodeId, service: AwsService) {
        let site = self.origin_of(node).site;
        let why = self.why_unreached(site, service);
        let (nodes, name) = (self.vpc.site(site).name.clone(), service.name());
        let subject = u64::from(site.0) << 8 | service as u64;
        self.probes.timeline.note(now, Weight::Step, self.vpc_story, "pod/no-service", subject, || {
            format!("pod stays in ContainerCreating on {nodes}: AWS {name} cannot be reached: {why}")
        });
    }
}
