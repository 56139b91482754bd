//! What the model leaves out, and what that does to results: printed in every report. Whoever fills a gap deletes its
//! line here.

use serde::Serialize;

/// One thing that the real system does and the model does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Omission {
    /// What is left out.
    pub what: &'static str,
    /// What that does to results.
    pub effect: &'static str,
}

/// Everything that is known to be left out.
pub const OMISSIONS: &[Omission] = &[
    Omission {
        what: "traffic between pods, to CoreDNS, and ssh: what rules say of it is shown by `ekssim paths` and has no effect on a run",
        effect: "a rule that parts the nodes from each other hurts no workload",
    },
    Omission {
        what: "in the creation of a cluster: API servers that are born, Karpenter's Helm chart, access entries, log retention, pods of add-ons beside CoreDNS, the VPC CNI and kube-proxy; what quotas refuse",
        effect: "the control plane's machines stand from the start and are asked once its API answers; add-ons take a drawn time; eksctl ends sooner than with Karpenter",
    },
    Omission {
        what: "network ACLs, UDP, and rules that name some of a subnet's nodes only",
        effect: "security groups and routes alone decide who reaches whom, and nodes of a group in a subnet are let in all or none",
    },
    Omission {
        what: "the latency, bandwidth and port limits of NAT gateways and VPC endpoints; zones and security groups of VPC endpoints",
        effect: "a NAT gateway is never full; a VPC endpoint outlives every zone and lets in whoever may send to it",
    },
    Omission {
        what: "kube-proxies of single nodes that know older rules than the others; the 0.3 s before a client of both families tries IPv4",
        effect: "a node that alone has lost the API is taken to know the endpoints that all others know; in an IPv6 cluster, where only the IPv4 rules of a security group or of publicAccessCidrs let somebody in, each dial is as quick as elsewhere, and a pod's is taken to get through where its node's does",
    },
    Omission {
        what: "where in a subnet addresses are free, and which of a node's addresses a pod has; a subnet of their own for pods; security groups for pods",
        effect: "a prefix is to be had as long as 16 addresses are free, and custom networking changes what a node holds but not whose addresses run out",
    },
    Omission {
        what: "the VPC CNI's calls that only read, and the quota of network interfaces of a region",
        effect: "EC2 throttles the calls for addresses and interfaces only",
    },
    Omission {
        what: "restoring etcd from a backup; the time in which a change of its members reaches each of them",
        effect: "a quorum that is lost for good never returns, and a removed or promoted member counts so for all from the same moment",
    },
    Omission {
        what: "a control plane in other than the first three zones of the cluster",
        effect: "in a cluster over more than three zones the loss of the fourth spares the control plane",
    },
    Omission {
        what: "the share of an API server's cores that garbage collection takes, and memory that it has not freed yet",
        effect: "under large LISTs a server is slower, and is killed for its memory sooner",
    },
    Omission {
        what: "informers that begin, end and fail one by one: all of a node, its kube-proxy's too, share a connection, a request and a pause, and so do those of a controllers' leader",
        effect: "a storm of reconnecting nodes costs the API servers the CPU time of all their lists and watches, but comes in fewer and longer requests",
    },
    Omission {
        what: "pods of agents and operators; their move to another node when theirs dies",
        effect: "a workload client is gone as long as its node, and its restart costs no pod writes",
    },
    Omission {
        what: "flow control of etcd's appends, and the part of a catch-up that had arrived when it broke off",
        effect: "a member whose catch-up breaks off begins it anew",
    },
    Omission {
        what: "what a webhook changes in an object; the way to a webhook outside the cluster",
        effect: "no write is reviewed twice, and a webhook outside the cluster is reached as long as it has no trouble of its own",
    },
    Omission {
        what: "limits of STS, requests that share one question to it, remembered refusals; IRSA",
        effect: "a storm of logins is not throttled by STS, and applications that exchange tokens there are not hurt by its outage",
    },
    Omission {
        what: "etcd's memory; the API server's limit of 3 MiB for a request, and its second try of what etcd finds too large without the managed fields",
        effect: "a member is never killed for its memory; an object of more than 3 MiB is refused by etcd with 500 and not by the API server with 413",
    },
    Omission {
        what: "application requests, load balancers of services; what unanswered DNS queries do to programs, the caches of nodes and programs, the add-on's autoscaler of CoreDNS",
        effect: "workloads are judged by pods that serve and by endpoints that are dead, not by their users' latency",
    },
    Omission {
        what: "the EBS CSI driver as pods on nodes, with its requests and EC2's limits; claims as objects; volumes of other kinds, of Deployments and of bare pods; OnDelete and partitions of StatefulSets",
        effect: "a volume is created, attached and detached whenever its zone has power, however many others are; a StatefulSet has at most one volume for each pod, and only an EBS volume",
    },
    Omission {
        what: "the consistent read of an object from etcd with which the API server begins each DELETE; LISTs of agents and operators by namespace, label or node",
        effect: "a DELETE is faster by one read of etcd, and one that etcd could not read fails with its write only; whatever agents and operators list is all pods",
    },
    Omission {
        what: "finalizers of pods, but for those that a Job takes from its pods; dynamic resource allocation",
        effect: "a deleted pod that waits for a finalizer costs the scheduler nothing, and devices are a number of GPUs that is placed as fast as CPU",
    },
    Omission {
        what: "the wait of a scheduling cycle for the end of its victims before Kubernetes 1.33, and the note in each pod that there is no room for it",
        effect: "an older scheduler that preempts is slower, and many pods without room cost the scheduler's client no requests",
    },
    Omission {
        what: "preferred spreads of one's own, namespaces and match expressions of pod affinities, node affinity terms of which one is enough, devices beyond a number of GPUs",
        effect: "an affinity means all pods of a Deployment, and a node must fulfil all of a pod's expressions",
    },
    Omission {
        what: "indexed and suspended Jobs, their deadlines and policies, CronJobs; maxSurge and OnDelete of DaemonSets; the garbage collector's own requests and the namespace controller",
        effect: "a Job's pods are alike, those of a deleted Job are deleted at the rate of the pod garbage collector, and other deleted owners leave nothing to clear away",
    },
    Omission {
        what: "autoscalers on other metrics than CPU, with other policies than the defaults, and a metrics-server that runs on nodes",
        effect: "autoscaling goes on as long as the API and the controllers' leader do",
    },
    Omission {
        what: "how pods are spread over nodes that the Cluster Autoscaler has ordered and that are on their way; the time that a scan of the Cluster Autoscaler takes, its own watches, lease requests and AWS tokens; the deletion of its instances that never join; several instance types in a group; pods with local storage and annotations that keep a node or give it free; what it knew of idle nodes before the run",
        effect: "pods wait for the next scan and no longer; its requests cost nothing, and a short outage of STS that its cached token outlasts stops it only where STS has no way; instances that launch and never join hold their place; a node goes though a pod writes to its disk; no node goes in the first 10 minutes; with a zone skew, a group may get nodes that prove empty, and where hosts are spread as well it may stop short of what is needed",
    },
    Omission {
        what: "Karpenter, Spot interruptions, a run on the surviving zones that exhausts their capacity by itself",
        effect: "capacity comes as fast as instances boot, unless a fault of the scenario makes it short",
    },
    Omission {
        what: "on Fargate: eviction for patches of the platform, shortage of capacity in a zone that has power, profiles that are created in a run (other than by a creation) or deleted, several subnets in one zone, ephemeral storage; the lease of its scheduler, which acts where the cloud controller manager does",
        effect: "a micro-VM lives as long as its pod unless a fault strikes it, the next one is had as soon as the account's limits allow, and a failover of the Fargate scheduler takes as long as that of the cloud controller manager",
    },
    Omission {
        what: "kubelet eviction under pressure, the removal of unused images from a full disk; layers that images share, pods of several containers, sidecars; startup and liveness probes; what a registry's servers and the internet can bring",
        effect: "a pod that has room for its CPU, memory and pod slot, an address and its image always starts, an image is pulled whole, and pulls are bound by the node's network and disk and by the registry's limits of requests",
    },
    Omission {
        what: "the request that takes the NoSchedule taint from a node that has become Ready",
        effect: "a booting node takes pods a few milliseconds early, or more where many boot at once",
    },
    Omission {
        what: "rebalancing of a node group once its lost zone is back",
        effect: "nodes stay where they were replaced, and no pod is moved by the failback",
    },
    Omission {
        what: "a message as more than one TCP segment: congestion windows, fast retransmissions, messages that wait behind a lost one",
        effect: "in a lossy zone a large answer is as fast as a small one, and a busy connection repairs a loss only after TCP's time-out; loss beyond 20 % is refused, since then TCP's pauses outlast the clients' own",
    },
    Omission {
        what: "heartbeats between etcd's members that are lost or late; entries, votes and questions of readers are repeated as TCP does it",
        effect: "a member in a lossy zone keeps its leader, where in truth it might now and then ask for votes that it does not get",
    },
    Omission {
        what: "in a zone that is cut off: launches and status checks of instances, endpoints that only one side of the cut reaches",
        effect: "instances there count as healthy and their pods as serving, and new ones boot there as elsewhere; the eviction of pods is modelled",
    },
    Omission {
        what: "the impairment of a zone on the way from etcd to the API servers' watch caches",
        effect: "controllers see changes that cross the border of a slow zone some tens of milliseconds too early",
    },
    Omission {
        what: "a customer's zonal shift, which moves the data plane's traffic only; ports and passive checks of the load balancer, the load of its health checks",
        effect: "a shift of the provider moves the control plane's address; more than 55,000 connections to one target do not fail",
    },
    Omission {
        what: "what a new version changes in the controllers; the request by which a lease is given back; the database's size as a signal of growth",
        effect: "an upgrade is a change of API servers alone; a control plane with a large database grows later than it would",
    },
    Omission {
        what: "IOPS and throughput beyond a volume's baseline, volumes that are not gp3; capacity units of load balancers and their addresses, bytes through VPC endpoints, to the internet and to the control plane, logs; Savings Plans, Reserved Instances, the fee of Auto Mode; Spot prices by zone and day",
        effect: "the bill has the cluster's standing costs at list prices; traffic is an assumption of two parameters, and a negotiated price is not seen",
    },
];
