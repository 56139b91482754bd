//! What can be made to happen to a cluster while it runs: faults, and what people change.

use crate::plan::{AwsService, EndpointAccess, Plan, Rule, StorageChange, WebhookTrouble, ZoneId};
use crate::quantity::Tier;
use serde::{Deserialize, Serialize};
use sim_kernel::{Law, SimDuration, SimTime};

/// A fault or a change at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When, from the start of the run.
    pub at: SimTime,
    /// What happens.
    pub change: Change,
}

/// What can be made to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A zone loses power silently: everything in it stops at once. It returns after `lasts`, if given.
    ZonePowerLoss {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The API server of a zone stops silently, alone. Nothing happens if the zone holds none.
    ApiServerLoss {
        /// The zone; `None` takes the zone of the controllers' leader.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The process of an API server crashes; its machine resets its connections, and it starts again by itself.
    ApiServerCrash {
        /// The zone; `None` takes the zone of the controllers' leader.
        zone: Option<ZoneId>,
    },
    /// The etcd member of a zone stops silently, alone.
    EtcdMemberLoss {
        /// The zone; `None` takes the leader.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// Members of etcd are cut off from all others, though they live: no message passes between them.
    EtcdPartition {
        /// Who is cut off.
        target: PartitionTarget,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A share of a zone's nodes stops silently; the rest of the zone lives on.
    NodeLoss {
        /// The zone.
        zone: ZoneId,
        /// The share of its living nodes, 0 to 1, rounded to whole nodes; which ones is drawn.
        share: f64,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The Security Token Service is in trouble: API servers can no longer ask whose an IAM token is.
    StsTrouble {
        /// What is wrong.
        trouble: StsTrouble,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A zone becomes slow and lossy: whatever enters or leaves it, apart from what stays inside.
    ZoneImpairment {
        /// The zone.
        zone: ZoneId,
        /// Delay added to a message, each way, seconds.
        latency: Law,
        /// Share of the segments that are lost, 0 to 0.2, each way.
        loss: f64,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A zone lives, but is cut off: nothing passes between it and the other zones, and nothing is reset.
    ZoneCut {
        /// The zone.
        zone: ZoneId,
        /// Whether it is cut off from the internet too.
        internet: bool,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The provider moves the control plane's traffic away from a zone: its address leaves DNS, and returns.
    ZonalShift {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The API endpoint gets another access mode, or another list of ranges: an update of minutes.
    EndpointAccess {
        /// What it is to be.
        access: EndpointAccess,
    },
    /// A rule inbound of a security group is added or taken away.
    SecurityRule {
        /// Index in [`crate::plan::Network::security_groups`].
        group: usize,
        /// The rule.
        rule: Rule,
        /// Whether it is added.
        allow: bool,
    },
    /// NAT gateways stop silently, alone.
    NatLoss {
        /// The zone of the gateway; `None` takes all of them.
        zone: Option<ZoneId>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The interfaces that EKS owns in a zone let nothing through; everything else in the zone lives.
    InterfaceLoss {
        /// The zone.
        zone: ZoneId,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// EC2 has no instances to launch: insufficient capacity.
    CapacityShortage {
        /// Where; `None` is everywhere.
        zone: Option<ZoneId>,
        /// For which node group, by its index: its type and purchase option; `None` is for all.
        node_group: Option<usize>,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// The VPC's endpoint of an AWS service stops answering.
    ServiceEndpointLoss {
        /// The service.
        service: AwsService,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// Somebody deletes the cluster with a tool that needs its API (`eksctl delete cluster`). The run goes on whether it
    /// can or not: what is shown is whether the tool gets through.
    DeleteCluster {
        /// From where: index in [`Plan::clients`].
        client: usize,
    },
    /// The control plane is upgraded to the next minor version: a rolling replacement of its API servers.
    UpgradeControlPlane,
    /// The control plane moves to another tier: a rolling replacement of its API servers.
    ChangeTier {
        /// The tier.
        tier: Tier,
    },
    /// The API servers restart gracefully in their places, one after another.
    RestartApiServers,
    /// Something happens to the storage of etcd.
    EtcdStorage {
        /// What.
        what: StorageChange,
        /// How long; `None` is for good, or has no end.
        lasts: Option<SimDuration>,
    },
    /// An admission webhook stops answering.
    WebhookTrouble {
        /// Index in [`Plan::webhooks`].
        webhook: usize,
        /// What is wrong.
        trouble: WebhookTrouble,
        /// How long; `None` is for good.
        lasts: Option<SimDuration>,
    },
    /// A Deployment is scaled.
    ScaleDeployment {
        /// Index in [`Plan::deployments`].
        deployment: usize,
        /// Pods wanted from then on.
        replicas: u32,
    },
    /// A Deployment gets another template (a new image): its pods are replaced by a rolling update.
    UpdateDeployment {
        /// Index in [`Plan::deployments`].
        deployment: usize,
    },
    /// The load on a Deployment's pods changes.
    ChangeLoad {
        /// Index in [`Plan::deployments`].
        deployment: usize,
        /// CPU that its pods use together from then on, in thousandths of a core.
        milli_cpu: u64,
    },
    /// Nodes of a group are cordoned, then drained one after another.
    DrainNodes {
        /// Index in [`crate::plan::Cluster::node_groups`].
        node_group: usize,
        /// How many of its nodes.
        nodes: u32,
    },
    /// Somebody taints the nodes of a zone that are not Ready as out of service (`node.kubernetes.io/out-of-service`).
    OutOfService {
        /// The zone.
        zone: ZoneId,
        /// After how long somebody takes the taint away again; `None` leaves it.
        lasts: Option<SimDuration>,
    },
    /// A DaemonSet gets another template (a new image): its pods are replaced by a rolling update.
    UpdateDaemonSet {
        /// Index in [`crate::plan::Cluster::daemon_sets`].
        daemon_set: usize,
    },
    /// Somebody deletes the pods of a workload by force that are Terminating (`kubectl delete --force`).
    ForceDeletePods {
        /// Index in [`Plan::deployments`].
        deployment: usize,
    },
    /// EKS updates a managed node group: new nodes come, and the old ones are drained and terminated.
    UpdateNodeGroup {
        /// Index in [`crate::plan::Cluster::node_groups`].
        node_group: usize,
        /// Old nodes that may be on their way out at a time.
        max_unavailable: u32,
        /// Whether pods that do not leave in time are deleted; otherwise the update fails.
        force: bool,
    },
    /// All processes of a workload client start anew, together: a rollout without a limit.
    RestartWorkload {
        /// Index in [`Plan::workloads`].
        workload: usize,
    },
    /// A node group is scaled, within its bounds.
    ScaleNodeGroup {
        /// Index in [`crate::plan::Cluster::node_groups`].
        node_group: usize,
        /// Instances wanted from then on.
        desired: u32,
    },
}

/// What is wrong with the Security Token Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StsTrouble {
    /// Nothing comes back.
    Silent,
    /// Every call fails at once.
    Refuses,
    /// Every call takes so much longer.
    Slow(SimDuration),
}

/// Which members of etcd a partition cuts off from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionTarget {
    /// The member that leads when the fault strikes.
    Leader,
    /// The member of a zone.
    Zone(ZoneId),
    /// Every member, from every other one.
    All,
}

impl Change {
    /// How long it lasts; `None` for good, and for changes that have no end.
    pub fn lasts(&self) -> Option<SimDuration> {
        match self {
            Change::NatLoss { lasts, .. }
            | Change::CapacityShortage { lasts, .. }
            | Change::InterfaceLoss { lasts, .. }
            | Change::ServiceEndpointLoss { lasts, .. }
            | Change::EtcdPartition { lasts, .. }
            | Change::ZonePowerLoss { lasts, .. }
            | Change::ApiServerLoss { lasts, .. }
            | Change::NodeLoss { lasts, .. }
            | Change::StsTrouble { lasts, .. }
            | Change::ZonalShift { lasts, .. }
            | Change::ZoneImpairment { lasts, .. }
            | Change::ZoneCut { lasts, .. }
            | Change::WebhookTrouble { lasts, .. }
            | Change::EtcdMemberLoss { lasts, .. }
            | Change::OutOfService { lasts, .. }
            | Change::EtcdStorage { lasts, .. } => *lasts,
            Change::ApiServerCrash { .. }
            | Change::EndpointAccess { .. }
            | Change::SecurityRule { .. }
            | Change::DeleteCluster { .. }
            | Change::UpgradeControlPlane
            | Change::ChangeTier { .. }
            | Change::RestartApiServers
            | Change::ScaleDeployment { .. }
            | Change::UpdateDeployment { .. }
            | Change::ChangeLoad { .. }
            | Change::DrainNodes { .. }
            | Change::UpdateNodeGroup { .. }
            | Change::ForceDeletePods { .. }
            | Change::UpdateDaemonSet { .. }
            | Change::RestartWorkload { .. }
            | Change::ScaleNodeGroup { .. } => None,
        }
    }

    /// The zone that it strikes as a whole, or whose nodes it strikes.
    pub fn zone(&self) -> Option<ZoneId> {
        match self {
            Change::ZonePowerLoss { zone, .. }
            | Change::NodeLoss { zone, .. }
            | Change::ZoneImpairment { zone, .. }
            | Change::ZoneCut { zone, .. } => Some(*zone),
            _ => None,
        }
    }

    /// Whether it breaks something, rather than being somebody's will.
    pub fn is_fault(&self) -> bool {
        if let Some(storage) = self.storage() {
            return storage.is_fault();
        }
        !matches!(
            self,
            Change::ScaleDeployment { .. }
                | Change::EndpointAccess { .. }
                | Change::SecurityRule { .. }
                | Change::DeleteCluster { .. }
                | Change::ScaleNodeGroup { .. }
                | Change::ZonalShift { .. }
                | Change::UpgradeControlPlane
                | Change::ChangeTier { .. }
                | Change::RestartApiServers
                | Change::UpdateDeployment { .. }
                | Change::ChangeLoad { .. }
                | Change::DrainNodes { .. }
                | Change::UpdateNodeGroup { .. }
                | Change::OutOfService { .. }
                | Change::ForceDeletePods { .. }
                | Change::UpdateDaemonSet { .. }
                | Change::RestartWorkload { .. }
        )
    }
}

impl Change {
    /// What happens to the storage of etcd, if that is what happens.
    pub fn storage(&self) -> Option<&StorageChange> {
        match self {
            Change::EtcdStorage { what, .. } => Some(what),
            _ => None,
        }
    }
}

impl Plan {
    /// What a change does, for people: `zone eu-west-1a loses power for 30m`. Names that the plan lacks show as `?`.
    pub fn describe(&self, change: &Change) -> String {
        let zone = |id: &ZoneId| self.cluster.zones.get(id.index()).map_or("?", |zone| zone.name.as_str());
        let what = match change {
            Change::EtcdStorage { what, .. } => what.describe(&self.cluster),
            Change::ZonePowerLoss { zone: id, .. } => format!("zone {} loses power", zone(id)),
            Change::ApiServerLoss { zone: Some(id), .. } => format!("the API server in {} stops silently", zone(id)),
            Change::ApiServerLoss { zone: None, .. } => {
                "the API server beside the controllers' leader stops silently".to_owned()
            }
            Change::ApiServerCrash { zone: Some(id) } => format!("the API server in {} crashes", zone(id)),
            Change::ApiServerCrash { zone: None } => "the API server beside the controllers' leader crashes".to_owned(),
            Change::EtcdMemberLoss { zone: Some(id), .. } => format!("the etcd member in {} stops silently", zone(id)),
            Change::EtcdMemberLoss { zone: None, .. } => "the etcd leader stops silently".to_owned(),
            Change::EtcdPartition { target: PartitionTarget::Leader, .. } => {
                "the etcd leader is cut off from the other members".to_owned()
            }
            Change::EtcdPartition { target: PartitionTarget::Zone(id), .. } => {
                format!("the etcd member in {} is cut off from the others", zone(id))
            }
            Change::EtcdPartition { target: PartitionTarget::All, .. } => {
                "the etcd members are cut off from each other".to_owned()
            }
            Change::NodeLoss { zone: id, share, .. } => {
                format!("{:.0} % of the nodes in {} stop silently", share * 100.0, zone(id))
            }
            Change::StsTrouble { trouble: StsTrouble::Silent, .. } => "STS does not answer".to_owned(),
            Change::StsTrouble { trouble: StsTrouble::Refuses, .. } => "STS refuses every call".to_owned(),
            Change::StsTrouble { trouble: StsTrouble::Slow(more), .. } => {
                format!("STS takes {} longer", crate::quantity::show_duration(*more))
            }
            Change::ZoneImpairment { zone: id, latency, loss, .. } => {
                let latency = crate::quantity::show_duration(SimDuration::from_secs_f64(latency.median()));
                format!("zone {} is slow and lossy, by {latency} each way and {:.1} %", zone(id), loss * 100.0)
            }
            Change::ZoneCut { zone: id, internet: false, .. } => {
                format!("zone {} is cut off from the other zones", zone(id))
            }
            Change::ZoneCut { zone: id, internet: true, .. } => {
                format!("zone {} is cut off from the other zones and the internet", zone(id))
            }
            Change::ZonalShift { zone: id, .. } => {
                format!("the provider shifts the control plane's traffic away from {}", zone(id))
            }
            Change::EndpointAccess { access } => format!("the endpoint's access becomes {access}"),
            Change::SecurityRule { group, rule, allow } => self.cluster.network.describe_rule(*group, rule, *allow),
            Change::NatLoss { zone: None, .. } => "the NAT gateways stop silently".to_owned(),
            Change::NatLoss { zone: Some(id), .. } => format!("the NAT gateway in {} stops silently", zone(id)),
            Change::InterfaceLoss { zone: id, .. } => {
                format!("the interfaces of EKS in {} let nothing through", zone(id))
            }
            Change::CapacityShortage { zone: at, node_group, .. } => {
                let place = at.as_ref().map_or(String::new(), |id| format!(" in {}", zone(id)));
                let group = node_group.and_then(|index| self.cluster.node_groups.get(index));
                let whose = group.map_or(String::new(), |group| format!(" for node group {}", group.name));
                format!("EC2 has insufficient capacity{place}{whose}")
            }
            Change::ServiceEndpointLoss { service, .. } => {
                format!("the VPC endpoint of {} does not answer", service.name())
            }
            Change::DeleteCluster { client } => {
                let name = self.clients.get(*client).map_or("?", |found| found.name.as_str());
                format!("{name} deletes the cluster")
            }
            Change::UpgradeControlPlane => "the control plane is upgraded to the next minor version".to_owned(),
            Change::ChangeTier { tier } => format!("the control plane moves to the tier {tier}"),
            Change::RestartApiServers => "the API servers restart one after another".to_owned(),
            Change::ScaleDeployment { deployment, replicas } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("Deployment {name} is scaled to {replicas} pods")
            }
            Change::UpdateDeployment { deployment } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("Deployment {name} gets a new image")
            }
            Change::ChangeLoad { deployment, milli_cpu } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("the load on {name} becomes {milli_cpu}m of CPU")
            }
            Change::UpdateNodeGroup { node_group, max_unavailable, force } => {
                let name = self.cluster.node_groups.get(*node_group).map_or("?", |group| group.name.as_str());
                let how = if *force { ", by force" } else { "" };
                format!("managed node group {name} is updated, {max_unavailable} of its nodes at a time{how}")
            }
            Change::DrainNodes { node_group, nodes } => {
                let name = self.cluster.node_groups.get(*node_group).map_or("?", |found| found.name.as_str());
                format!("{nodes} nodes of {name} are drained")
            }
            Change::OutOfService { zone: id, .. } => {
                format!("somebody puts the nodes in {} that are not Ready out of service", zone(id))
            }
            Change::UpdateDaemonSet { daemon_set } => {
                let name = self.cluster.daemon_sets.get(*daemon_set).map_or("?", |found| found.name.as_str());
                format!("DaemonSet {name} gets a new image")
            }
            Change::ForceDeletePods { deployment } => {
                let name = self.deployments.get(*deployment).map_or("?", |found| found.name.as_str());
                format!("somebody deletes the Terminating pods of {name} by force")
            }
            Change::WebhookTrouble { webhook, trouble, .. } => {
                let name = self.webhooks.get(*webhook).map_or("?", |found| found.name.as_str());
                match trouble {
                    WebhookTrouble::Silent => format!("webhook {name} does not answer"),
                    WebhookTrouble::Refuses => format!("webhook {name} refuses every call"),
                }
            }
            Change::RestartWorkload { workload } => {
                let name = self.workloads.get(*workload).map_or("?", |found| found.name.as_str());
                format!("every process of {name} starts anew")
            }
            Change::ScaleNodeGroup { node_group, desired } => {
                let name = self.cluster.node_groups.get(*node_group).map_or("?", |found| found.name.as_str());
                format!("node group {name} is scaled to {desired} nodes")
            }
        };
        match change.lasts() {
            Some(span) => format!("{what} for {}", crate::quantity::show_duration(span)),
            None if change.is_fault() && !matches!(change, Change::ApiServerCrash { .. }) => format!("{what} for good"),
            None => what,
        }
    }
}
