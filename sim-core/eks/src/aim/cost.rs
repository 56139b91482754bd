//! What a request costs an API server: a base for its verb, and each pass over the bytes of its objects.

use super::{Aim, Call, Caller};
use crate::parameters::{ApiServerParameters, Parameters};
use sim_kernel::{Draw, SimDuration};

/// What a request does with its objects, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads many.
    List,
    /// Follows changes.
    Watch,
    /// Creates one.
    Create,
    /// Replaces one.
    Update,
    /// Changes a part of one.
    Patch,
    /// Deletes one.
    Delete,
}

/// What kind of object a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A pod.
    Pods,
    /// A node.
    Nodes,
    /// The lease of a node or of a leader.
    Leases,
    /// A Deployment or a ReplicaSet.
    Workloads,
    /// A slice of a Service's endpoints.
    EndpointSlices,
    /// Whatever a CI job applies.
    Applied,
}

impl Resource {
    /// Number of resources.
    pub const COUNT: usize = 6;

    /// All of them, in the order of their indices.
    pub const ALL: [Resource; Resource::COUNT] = [
        Resource::Pods,
        Resource::Nodes,
        Resource::Leases,
        Resource::Workloads,
        Resource::EndpointSlices,
        Resource::Applied,
    ];
}

impl Caller {
    /// Whether it speaks protobuf, as built-in components do; others speak JSON.
    pub fn speaks_protobuf(self) -> bool {
        !matches!(self, Caller::External(_) | Caller::Workload(_))
    }
}

impl Aim {
    /// What it does.
    pub fn verb_kind(self) -> Verb {
        match self {
            Aim::ReadLeadership(..) | Aim::Get(_) | Aim::Exec(_) => Verb::Get,
            Aim::ReadMetrics(_) | Aim::Workload(Call::Get, _) => Verb::Get,
            Aim::List(_) | Aim::ListWatched(_) | Aim::FillInformers(..) => Verb::List,
            Aim::Workload(Call::List | Call::Fill, _) => Verb::List,
            Aim::BeginWatches(_) | Aim::Workload(Call::Watch, _) => Verb::Watch,
            Aim::RegisterNode(_)
            | Aim::CreatePod(_)
            | Aim::BindPod(..)
            | Aim::BindToMicroVm(..)
            | Aim::CreateReplicaSet(..) => Verb::Create,
            Aim::SubmitPod(_)
            | Aim::CreateDaemonPod(..)
            | Aim::CreateStatefulPod(_)
            | Aim::CreateJobPod(_)
            | Aim::AttachVolume(..) => Verb::Create,
            Aim::RenewLease(_) | Aim::MarkNotReady(_) | Aim::RenewLeadership(..) | Aim::AcquireLeadership(..) => {
                Verb::Update
            }
            Aim::ReportReplicaSet(_)
            | Aim::ScaleReplicaSet(..)
            | Aim::ReportDeployment(_)
            | Aim::ReportDaemonSet(_)
            | Aim::ReportStatefulSet(_)
            | Aim::ReportJob(_)
            | Aim::ScaleDeployment(..)
            | Aim::UpdateEndpointSlice(..) => Verb::Update,
            Aim::ReportStatus(_) | Aim::ReportPodReady(_) | Aim::RemoveTaints(_) | Aim::TaintNoExecute(_) => {
                Verb::Patch
            }
            Aim::ReportAttached(..)
            | Aim::UntrackPod(_)
            | Aim::ReportPodStarted(_)
            | Aim::ReportPodFinished(_)
            | Aim::NominatePod(_) => Verb::Patch,
            Aim::Apply(_)
            | Aim::CordonNode(_)
            | Aim::SetOutOfService(..)
            | Aim::UncordonNode(_)
            | Aim::MarkPodNotReady(..)
            | Aim::Workload(Call::Apply, _) => Verb::Patch,
            Aim::RemovePod(_)
            | Aim::DeletePod(..)
            | Aim::EvictPod(_)
            | Aim::DeleteReplica(..)
            | Aim::DeleteStatefulPod(..)
            | Aim::DetachVolume(..)
            | Aim::DeleteJob(_)
            | Aim::ForceDeletePod(_)
            | Aim::DeleteNode(_) => Verb::Delete,
            Aim::DeleteFinishedPod(_) | Aim::DeleteAnyPod(_) | Aim::DeletePodNow(_) => Verb::Delete,
        }
    }

    /// What it is about.
    pub fn resource(self) -> Resource {
        match self {
            Aim::RenewLease(_) | Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..) => {
                Resource::Leases
            }
            Aim::ReportStatus(_)
            | Aim::RegisterNode(_)
            | Aim::MarkNotReady(_)
            | Aim::RemoveTaints(_)
            | Aim::TaintNoExecute(_)
            | Aim::CordonNode(_)
            | Aim::UncordonNode(_)
            | Aim::SetOutOfService(..)
            | Aim::ReportAttached(..)
            | Aim::DeleteNode(_) => Resource::Nodes,
            Aim::ReportReplicaSet(_)
            | Aim::ScaleReplicaSet(..)
            | Aim::CreateReplicaSet(..)
            | Aim::ReportStatefulSet(_)
            | Aim::ReportJob(_)
            | Aim::DeleteJob(_)
            | Aim::ReportDeployment(_) => Resource::Workloads,
            Aim::ReadMetrics(_) | Aim::ScaleDeployment(..) | Aim::ReportDaemonSet(_) => Resource::Workloads,
            Aim::UpdateEndpointSlice(..) => Resource::EndpointSlices,
            Aim::AttachVolume(..) | Aim::DetachVolume(..) => Resource::Applied,
            Aim::Apply(_) | Aim::Workload(Call::Get | Call::Apply, _) => Resource::Applied,
            _ => Resource::Pods,
        }
    }

    /// Bytes of one of the objects that it is about, as etcd holds it and as JSON alike.
    pub fn object_bytes(self, parameters: &Parameters) -> u64 {
        let bytes = &parameters.object_bytes;
        match self.resource() {
            Resource::Pods => bytes.pod,
            Resource::Nodes => bytes.node,
            Resource::Leases => bytes.lease,
            Resource::Workloads => bytes.workload,
            Resource::EndpointSlices => bytes.endpoint_slice,
            Resource::Applied => bytes.applied,
        }
    }

    /// Whether its write only takes an object away; a graceful deletion of a pod writes the pod first.
    pub fn deletes(self) -> bool {
        self.verb_kind() == Verb::Delete && !matches!(self, Aim::DeletePod(..))
    }

    /// CPU time that it takes on an API server for `caller`; a LIST answers with `objects` objects, and so many watches
    /// begin together.
    pub fn cpu(self, caller: Caller, objects: u64, parameters: &Parameters, draw: &mut Draw) -> SimDuration {
        let server = &parameters.api_server;
        if self.verb_kind() == Verb::Watch {
            return server.watch_cpu.duration(draw) * objects;
        }
        let (base, passes) = match self.verb_kind() {
            Verb::Get => (&server.get_cpu, 2), // decodes what is stored, encodes the answer
            Verb::List | Verb::Watch => (&server.list_cpu, 1), // the cache holds decoded objects
            Verb::Create => (&server.create_cpu, 3), // decodes the body, encodes for etcd and for the answer
            Verb::Update => (&server.update_cpu, 3),
            Verb::Patch => (&server.patch_cpu, 5), // also from the stored object to JSON and back
            Verb::Delete => (&server.delete_cpu, 2),
        };
        let count = if self.verb_kind() == Verb::List { objects } else { 1 };
        let bytes = self.object_bytes(parameters) * count;
        base.duration(draw) + coding(bytes, passes, caller.speaks_protobuf(), server)
    }
}

/// CPU time of so many passes over so many bytes; a large answer is compressed besides.
fn coding(bytes: u64, passes: u32, protobuf: bool, server: &ApiServerParameters) -> SimDuration {
    let megabytes = bytes as f64 * 1e-6;
    let speedup = if protobuf { server.protobuf_speedup } else { 1.0 };
    let mut seconds = megabytes * f64::from(passes) / (server.json_mb_per_s * speedup);
    if bytes > server.gzip_from_bytes {
        seconds += megabytes / server.gzip_mb_per_s;
    }
    SimDuration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, PodId, ReplicaSetId};
    use sim_kernel::{Purpose, RunKey};

    fn cpu_ms(aim: Aim, objects: u64, parameters: &Parameters) -> f64 {
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test/cost"), 0, 0);
        aim.cpu(Caller::External(0), objects, parameters, &mut draw).as_secs_f64() * 1e3
    }

    /// facts/control-plane.md, section 9: encoding at 50 to 200 MB/s a core as JSON, compression above 128 KiB.
    #[test]
    fn a_list_of_thirty_thousand_pods_costs_seconds_and_a_small_write_milliseconds() {
        let parameters = Parameters::default().still();
        let list = cpu_ms(Aim::List(0), 30_000, &parameters);
        assert!((1500.0..4500.0).contains(&list), "150 MB: {list}");
        for aim in [Aim::RenewLease(NodeId(0)), Aim::CreatePod(ReplicaSetId(0)), Aim::ForceDeletePod(PodId(0))] {
            assert!((1.0..4.0).contains(&cpu_ms(aim, 0, &parameters)), "{aim:?}");
        }
    }

    #[test]
    fn a_large_object_costs_what_its_bytes_cost_and_a_patch_passes_over_them_more_often() {
        let mut parameters = Parameters::default().still();
        let small = cpu_ms(Aim::Apply(0), 0, &parameters);
        parameters.object_bytes.applied = 500_000;
        let large = cpu_ms(Aim::Apply(0), 0, &parameters);
        let more = 0.495 * 5.0 / parameters.api_server.json_mb_per_s + 0.5 / parameters.api_server.gzip_mb_per_s;
        assert!((large - small - more * 1e3).abs() < 1e-3, "{small} and {large}");
    }

    #[test]
    fn a_patch_passes_over_a_large_object_more_often_than_an_update_and_protobuf_is_faster() {
        let mut parameters = Parameters::default().still();
        (parameters.object_bytes.node, parameters.object_bytes.pod) = (500_000, 500_000);
        let [update, patch] =
            [Aim::MarkNotReady(NodeId(0)), Aim::RemoveTaints(NodeId(0))].map(|aim| cpu_ms(aim, 0, &parameters));
        assert!((patch - update - 10.5).abs() < 1e-3, "two passes of 5 ms, and 0.5 ms for the patch");
        let draw = &mut RunKey::new(1, 0).draw(Purpose::new("test/cost"), 0, 0);
        let kubelet = Aim::ReportPodReady(PodId(0)).cpu(Caller::Kubelet(NodeId(0)), 0, &parameters, draw);
        assert!(kubelet.as_secs_f64() * 1e3 < patch - 10.0, "{kubelet:?} against {patch} ms");
    }
}
