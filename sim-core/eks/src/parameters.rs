//! The one registry of parameters: each is declared once, with its type, default, range, source, confidence and
//! what it governs. The keys of scenario files, `--set`, `explain`, `show`, the JSON schema and the assumptions of a
//! report all derive from here.
//!
//! To add a parameter, add a line to a group below; nothing else has to change.

mod tiers;
mod value;

use crate::quantity::{Access, Backend, ByVersion, Date, Placement, Price, Tier, Volumes};
use serde::{Deserialize, Serialize};
use sim_kernel::{Law, SimDuration};
pub use tiers::tier_settings;
pub use value::{Range, Value, ValueError};

/// How sure we are of a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The maker's documentation or source code says so.
    Documented,
    /// A third party measured it.
    Measured,
    /// Derived or estimated; the source says from what.
    Inferred,
}

/// One parameter as it is declared: everything that can be said of it without a plan.
pub struct Declaration {
    /// Its path, `group.name`, as in `--set` and in scenario files.
    pub path: &'static str,
    /// What kind of value it takes: `duration`, `law of durations`, `count`, `number`, `share`, `flag`, `placement`, `tier`.
    pub kind: &'static str,
    /// The default, as a user would write it.
    pub default: &'static str,
    /// The allowed range, both ends included; empty where every value of the kind is allowed.
    pub range: &'static str,
    /// How sure we are of the default.
    pub confidence: Confidence,
    /// Where the default comes from.
    pub source: &'static str,
    /// What it governs, in a sentence.
    pub governs: &'static str,
    get: fn(&Parameters) -> String,
    set: fn(&mut Parameters, &str) -> Result<(), ValueError>,
    still: fn(&mut Parameters),
}

macro_rules! parameters {
    ($(
        $(#[doc = $group_doc:literal])+
        $group:ident: $Group:ident {
            $( $name:ident: $kind:ty = $default:literal, $range:literal, $confidence:ident, $source:literal, $governs:literal; )+
        }
    )+) => {
        $(
            $(#[doc = $group_doc])+
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $Group {
                $(
                    #[doc = $governs]
                    #[doc = concat!("\n\nDefault: `", $default, "`. Source: ", $source, ".")]
                    pub $name: $kind,
                )+
            }
        )+

        /// The value of every parameter of one plan.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Parameters {
            $( $(#[doc = $group_doc])+ pub $group: $Group, )+
        }

        impl Default for Parameters {
            fn default() -> Self {
                Parameters {
                    $( $group: $Group {
                        $( $name: <$kind as Value>::parse($default).expect("a declared default is valid (tested)"), )+
                    }, )+
                }
            }
        }

        /// Every parameter, in the order of this file.
        pub static DECLARATIONS: &[Declaration] = &[
            $( $( Declaration {
                path: concat!(stringify!($group), ".", stringify!($name)),
                kind: <$kind as Value>::KIND,
                default: $default,
                range: $range,
                confidence: Confidence::$confidence,
                source: $source,
                governs: $governs,
                get: |p| p.$group.$name.show(),
                set: |p, text| {
                    p.$group.$name = value::parse_within(text, $range)?;
                    Ok(())
                },
                still: |p| Value::still(&mut p.$group.$name),
            }, )+ )+
        ];
    };
}

parameters! {
    /// Where the provider put things; drawn for each replication unless pinned.
    placement: PlacementParameters {
        api_server_zones: Placement = "drawn", "", Inferred, "aws/aws-eks-best-practices, reliability/controlplane.adoc: at least two API servers in at least two of three zones; which ones is not published", "The zones that hold an API server and an NLB node: `drawn`, or a list of zones such as `a,b` or `first,second`.";
        etcd_leader_zone: Placement = "drawn", "", Inferred, "any of the three members may lead", "The zone of the etcd member that leads when the run begins: `drawn` or one zone.";
        controllers_zone: Placement = "drawn", "", Inferred, "scheduler and controller managers run on the API server instances, one active by lease (aws/aws-eks-best-practices, reliability/controlplane.adoc)", "The zone of the API server instance whose controller managers and scheduler hold the leases when the run begins: `drawn` or one of `placement.api_server_zones`.";
    }

    /// Latency of the network.
    network: NetworkParameters {
        rtt_in_zone: Law = "lognormal(median 0.2ms, p95 0.35ms)", "0s..1s", Inferred, "best of 50 pings on xkyle.com (0.25 ms), FlashGrid, an IBM reference (0.08 to 0.1 ms)", "Round trip inside a zone, drawn once per zone.";
        rtt_between_zones: Law = "lognormal(median 1.015ms, p95 1.6ms)", "0s..1s", Measured, "47 zone pairs, richardimaoka/aws-ping, June 2019", "Round trip between two zones, drawn once per pair: a pair keeps its distance.";
        regional_distances: bool = "true", "", Measured, "richardimaoka/aws-ping, June 2019: 47 pairs of zones in 15 regions", "Whether the zones of a region whose pairs were measured have those distances, with letters drawn for each replication; where rtt_between_zones is set, it holds for every pair.";
        rtt_internet: Law = "lognormal(median 15ms, p95 60ms)", "0s..10s", Inferred, "proposal for an office in the same country", "Round trip from an administrator or a CI system on the internet to the region, drawn once per client.";
        rtt_direct_connect: Law = "lognormal(median 5ms, p95 15ms)", "0s..10s", Inferred, "proposal: a leased line to a data centre in the same country; no measured source", "Round trip from a client in a network behind Direct Connect to the region, drawn once per client.";
        rtt_peering: Law = "lognormal(median 1.015ms, p95 1.6ms)", "0s..10s", Inferred, "another VPC of the region, as far as another zone", "Round trip from a client in a peered VPC to the cluster's, drawn once per client.";
        loopback: Law = "uniform(20us, 60us)", "0s..1s", Inferred, "a system call and a wake-up at each end; no measured source", "Time of one message between a component and the API server on its own instance.";
        jitter: f64 = "0.1", "0..1", Measured, "the same 47 zone pairs: about +-10 % within a pair", "How far one message's delay may lie from its pair's mean, as a share, either way.";
        rto_min: SimDuration = "200ms", "1ms..10s", Documented, "Linux net/ipv4: TCP_RTO_MIN; RFC 6298 asks for 1 s, which no data centre waits", "What TCP waits beyond a round trip before it repeats a lost segment for the first time; the pause doubles from there.";
        tcp_give_up: SimDuration = "924s", "1s..1d", Documented, "Linux Documentation/networking/ip-sysctl, tcp_retries2 = 15: 924.6 s at least", "How long TCP repeats what is not acknowledged before it gives a connection up.";
        rto_max: SimDuration = "120s", "1s..1h", Documented, "Linux net/ipv4: TCP_RTO_MAX", "The longest pause of TCP between two repetitions of one segment.";
    }

    /// Name resolution of the endpoint.
    dns: DnsParameters {
        ttl: SimDuration = "60s", "0s..1d", Documented, "aws/aws-eks-best-practices, reliability/controlplane.adoc", "How long a resolver answers for the endpoint's name from its cache.";
        retry: SimDuration = "5s", "100ms..1m", Documented, "resolv.conf(5): a resolver waits 5 s for an answer before it asks again", "Pause before a resolver repeats a question that was lost on the way; further pauses double.";
        stuck_share: f64 = "0.05", "0..1", Inferred, "the second seed document had to restart a host before it saw the endpoint's new addresses; the share is a proposal", "Share of the hosts outside the cluster's nodes (administrators, CI systems, bastions) that never ask for the endpoint's name again.";
        lookup_time: Law = "uniform(0.5ms, 2ms)", "0s..30s", Inferred, "one round trip to a resolver in the zone plus its work", "Time of one look-up at the resolver.";
    }

    /// The API endpoint: its access modes, and the interfaces that EKS owns in the cluster's subnets.
    endpoint: EndpointParameters {
        update_time: Law = "triangular(3.5m, 6m, 10m)", "0s..1d", Measured, "about 8 min in the second seed document, about 5 in aws-quickstart/quickstart-amazon-eks-cluster-resource-provider issue 29, above 3.5 in eksctl-io/eksctl issues 3735 and 4545", "Time that an update of the endpoint's access takes.";
        update_replaces_servers: bool = "true", "", Inferred, "the nodes' connections moved to the interfaces during the switch of the second seed document, which something must have closed; how is not published", "Whether an update of the endpoint's access replaces the API servers one by one, which closes their connections; otherwise these stay until they break.";
        interface_reaction: Law = "uniform(60s, 300s)", "0s..1d", Inferred, "proposal; not published", "Time from the death of an interface, or of the API server behind it, to the end of its address in the private answer.";
        interface_naming: Law = "uniform(5s, 30s)", "0s..1h", Inferred, "proposal, as for the load balancer's addresses; not published", "Time until the private answer has the address of a new interface, or of one that works again, or no longer has that of one that is taken away in order.";
        lease_ttl: SimDuration = "15s", "1s..1h", Documented, "kubernetes/kubernetes pkg/controlplane, DefaultEndpointReconcilerTTL; whether the rule holds as it stands on EKS is not published", "Time after which a dead API server leaves the endpoints of the service kubernetes, from the last renewal.";
        lease_renewal: SimDuration = "10s", "1s..1h", Documented, "kubernetes/kubernetes pkg/controlplane, DefaultEndpointReconcilerInterval", "Pause between two renewals of an API server's place in the endpoints of the service kubernetes.";
        behind_balancer: bool = "false", "", Inferred, "what stands behind an interface is not published", "Whether an interface leads to any API server that the load balancer finds healthy, rather than to one.";
        addresses_for_update: u64 = "5", "0..100", Documented, "EKS user guide, clusters/management/update-cluster: up to five free addresses in the cluster's subnets", "Free addresses in the subnets of the control plane without which an update is refused.";
    }

    /// The Network Load Balancer in front of the API servers.
    nlb: NlbParameters {
        cross_zone: bool = "false", "", Inferred, "off is the product's default (awsdocs/elb-network-load-balancers-user-guide); what EKS uses is not published", "Whether an NLB node sends flows to API servers of every zone, or only of its own.";
        added_latency: Law = "uniform(0.05ms, 0.3ms)", "0s..1s", Inferred, "no measured source", "Time that the NLB adds to a message, each way.";
        check_readyz: bool = "true", "", Inferred, "awsdocs/elb-network-load-balancers-user-guide allows TCP connects and HTTPS requests; openshift/installer docs/dev/kube-apiserver-health-check.md asks /readyz; what EKS uses is not published", "Whether a health check asks an API server's `/readyz`, which asks etcd, or only opens a TCP connection.";
        interval_from_end: bool = "false", "", Inferred, "not documented; with true a silent target's checks are a timeout and an interval apart", "Whether the interval runs from the end of a health check instead of its start.";
        health_check_interval: SimDuration = "30s", "1s..300s", Documented, "Elastic Load Balancing v2 API, CreateTargetGroup", "Time from one health check of a target to the next, for each node.";
        health_check_timeout: SimDuration = "10s", "1s..120s", Documented, "Elastic Load Balancing v2 API, CreateTargetGroup", "How long a health check waits for a target that does not answer.";
        unhealthy_threshold: u64 = "2", "1..10", Documented, "Elastic Load Balancing v2 API, CreateTargetGroup", "Failed health checks in a row that make a target unhealthy.";
        healthy_threshold: u64 = "5", "1..10", Documented, "Elastic Load Balancing v2 API, CreateTargetGroup", "Passed health checks in a row that make a target healthy again.";
        routing_lag: Law = "0s", "0s..10m", Documented, "0 by document; 30 to 40 s seen in aws/containers-roadmap issue 470", "Time from the verdict on a target to the end of new flows to it.";
        reset_unhealthy_flows: bool = "true", "", Documented, "awsdocs/elb-network-load-balancers-user-guide: target health state, connection termination", "Whether the open flows of a target that becomes unhealthy are reset at once.";
        registration: Law = "uniform(20s, 60s)", "0s..1h", Measured, "kubernetes-sigs/aws-load-balancer-controller issues 1786, 1834, 4180: about 120 s in 2019, minutes in 2021, about 60 s with the checks in 2025", "Time from the registration of a new target to its first health check.";
        deregistration_lag: Law = "10s", "0s..1h", Measured, "kubernetes-sigs/cluster-api-provider-aws issue 6254: about 10 s in 2026; about 120 s in 2022 and 2023 (aws-load-balancer-controller issue 2366)", "Time from the deregistration of a target to the end of new flows to it.";
        deregistration_delay: SimDuration = "300s", "0s..1h", Documented, "awsdocs/elb-network-load-balancers-user-guide, load-balancer-target-groups", "How long the flows of a deregistered target may go on.";
        deregistration_terminates: bool = "false", "", Documented, "awsdocs/elb-network-load-balancers-user-guide, load-balancer-target-groups: off by default", "Whether flows that a deregistered target still has are reset when the deregistration delay ends.";
        idle_timeout: SimDuration = "350s", "60s..6000s", Documented, "awsdocs/elb-network-load-balancers-user-guide", "Silence after which a flow is forgotten; the next packet on it gets a reset.";
        address_check: Law = "uniform(20s, 40s)", "0s..1h", Inferred, "a check of a zonal address every 10 to 30 s with 2 to 3 misses; not published", "Time from the death of an NLB node to the verdict that its address must leave DNS.";
        publication: Law = "uniform(5s, 30s)", "0s..1h", Inferred, "proposal; not published", "Time from a verdict on a zonal address to the new DNS answer.";
    }

    /// Connections of HTTP/2 clients.
    connection: ConnectionParameters {
        read_idle: SimDuration = "30s", "1s..1h", Documented, "kubernetes/kubernetes issue 121793", "Silence on a connection after which the client sends a ping.";
        ping_timeout: SimDuration = "15s", "100ms..1h", Documented, "kubernetes/kubernetes issue 121793", "How long the client waits for the answer to a ping before it gives the connection up.";
        dial_timeout: SimDuration = "30s", "100ms..1h", Inferred, "client-go transport and Go's net package (well known, not read again): the time is split over the addresses that are left", "How long a client tries to open a connection, over all addresses.";
        syn_retry: SimDuration = "1s", "1ms..1m", Documented, "RFC 6298: the first retransmission comes after 1 s, each further pause doubles", "Pause before an unanswered SYN is repeated for the first time.";
        tls_round_trips: u64 = "1", "0..4", Inferred, "TLS 1.3 needs one round trip, 1.2 two", "Round trips of the TLS handshake, after the one of TCP.";
        tls_timeout: SimDuration = "10s", "100ms..1h", Inferred, "client-go transport, TLSHandshakeTimeout (well known, not read again)", "How long a client waits for the end of a TLS handshake.";
        goaway_chance: f64 = "0", "0..0.02", Documented, "Kubernetes documentation, kube-apiserver --goaway-chance: 0, at most 0.02; 0.001 is advised", "Chance that an answer to a kubelet carries a GOAWAY, so that the client opens another connection.";
        tls_cpu: Law = "uniform(1ms, 2ms)", "0s..1s", Inferred, "one signature and key agreement on a core of the server", "CPU time of an API server for a new connection.";
    }

    /// The kubelet as a client of the API.
    kubelet: KubeletParameters {
        lease_renew_interval: SimDuration = "10s", "1s..10m", Documented, "kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go: a quarter of the lease duration", "Pause between a lease renewal and the next.";
        heartbeat_timeout: SimDuration = "10s", "100ms..10m", Documented, "kubernetes/kubernetes cmd/kubelet/app/server.go: the smaller of status frequency and lease duration", "Time-out of one request of the kubelet's heartbeat client.";
        lease_retry_backoff_base: SimDuration = "200ms", "1ms..1m", Documented, "kubernetes/component-helpers, lease controller", "First pause after a round of failed renewals; it doubles from there.";
        lease_retry_backoff_max: SimDuration = "7s", "1ms..10m", Documented, "kubernetes/component-helpers, lease controller", "Longest pause between rounds of failed renewals.";
        lease_tries: u64 = "5", "1..100", Documented, "kubernetes/component-helpers, lease controller", "Renewals tried back to back before the kubelet pauses.";
        status_update_interval: SimDuration = "10s", "1s..10m", Documented, "kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go", "How often the kubelet compares its node's status with what the API says.";
        status_report_interval: SimDuration = "5m", "1s..1d", Documented, "kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go", "How often an unchanged status is reported.";
        image_backoff_base: SimDuration = "10s", "100ms..1h", Documented, "kubernetes/kubernetes pkg/kubelet/kubelet.go, imageBackOffPeriod", "First pause before a kubelet tries again to pull an image or to get an address; it doubles from there.";
        image_backoff_max: SimDuration = "300s", "100ms..1d", Documented, "kubernetes/kubernetes pkg/kubelet/kubelet.go, MaxImageBackOff", "Longest pause before a kubelet tries again to pull an image or to get an address.";
        sandbox_retry: Law = "uniform(10s, 15s)", "1ms..1h", Documented, "kubernetes/kubernetes pkg/kubelet/pod_workers.go: back-off of 10 s, jitter 0.5", "Pause before a kubelet turns again to a pod whose start has failed: it then tries again, unless a back-off of its image still runs.";
        pod_pace: SimDuration = "100us", "1us..1s", Inferred, "a pod worker is woken one after another; no measured source", "Time that a kubelet takes for one pod before it turns to the next.";
        report_retry: SimDuration = "1s", "1ms..10m", Inferred, "the pod status manager syncs again soon after a failure; no measured source", "Pause before a kubelet whose connection lives repeats a report about a pod.";
        request_timeout: SimDuration = "60s", "100ms..1h", Inferred, "the API server's own limit for requests that are not watches", "Time-out of the kubelet's other requests (pod and node status).";
    }

    /// Informers: how clients list and watch.
    informer: InformerParameters {
        watch_time: Law = "uniform(300s, 600s)", "1s..1d", Documented, "client-go reflector: it asks for 5 min times one to two", "Time after which a server ends an informer's watch, which begins anew from what it has seen.";
        bookmark_period: SimDuration = "60s", "0s..1h", Documented, "kubernetes/apiserver pkg/storage/cacher: about a minute", "How far a watch without changes may lie behind the server when its connection breaks.";
        backoff_base: SimDuration = "800ms", "1ms..10m", Documented, "client-go reflector", "First pause after a failed list or watch; it doubles from there.";
        backoff_max: SimDuration = "30s", "1ms..1h", Documented, "client-go reflector", "Longest pause after failed lists and watches, before jitter.";
        backoff_jitter: f64 = "1", "0..10", Documented, "client-go reflector", "How much longer a pause may be drawn, as a share of it.";
        backoff_reset: SimDuration = "120s", "0s..1d", Documented, "client-go reflector", "Time without failures after which pauses begin anew.";
        retries: u64 = "10", "0..1000", Documented, "client-go rest/request.go", "How often a request that was answered 429 is repeated when the server says, before it counts as failed.";
        kubelet_watches: u64 = "12", "1..10000", Inferred, "own pods, own node, services, CSI drivers and runtime classes, kube-proxy's services, EndpointSlices and node, and a few config maps and secrets", "Watches of a node: its kubelet's and its kube-proxy's; they begin and end together here.";
        kubelet_objects: u64 = "10", "0..100000", Inferred, "its node, and the config maps and secrets of its pods", "Objects that a kubelet lists besides its pods and the cluster's services.";
    }

    /// Workload clients: programs on the nodes that use the API by a service account.
    workload: WorkloadParameters {
        start_spread: Law = "uniform(0s, 10s)", "0s..1h", Inferred, "pods of a rollout start within seconds of each other; no measured source", "Time from the order to restart a workload client to the first request of one of its workers.";
        pace: Law = "uniform(0s, 10ms)", "0s..1h", Inferred, "work between two requests; no measured source", "What a worker does between the end of a request and its next one, besides its interval.";
    }

    /// The administrator on the internet: each `kubectl get` is a process of its own, begun when it is due.
    admin: AdminParameters {
        interval: Law = "exponential(2s)", "10ms..1d", Inferred, "assumption: a person or a script that watches the cluster", "Time between two commands of an administrator.";
        list_share: f64 = "0.2", "0..1", Inferred, "assumption: one command in five lists pods, the others get one object", "Share of an administrator's commands that list all pods.";
    }

    /// Whoever runs `kubectl exec`: each command opens a stream into a pod.
    exec: ExecParameters {
        interval: Law = "exponential(1m)", "10ms..1d", Inferred, "assumption: people who look into pods", "Time between two commands.";
        lasts: Law = "exponential(5m)", "0s..7d", Inferred, "assumption: a shell that stays open for a while", "Time that a stream is wanted.";
        dial_timeout: SimDuration = "30s", "100ms..1h", Inferred, "Go's default dialer, well known: dial tcp ...:10250: i/o timeout", "How long an API server tries to reach a kubelet.";
        ping_period: SimDuration = "5s", "0s..1h", Documented, "client-go tools/remotecommand: streams are pinged every 5 s; 0 for clients that do not ping", "Pause between two pings of a stream's client; without pings the load balancer forgets a silent flow.";
    }

    /// The CI system on the internet: each job applies one object through a connection of its own.
    ci: CiParameters {
        interval: Law = "exponential(5s)", "10ms..1d", Inferred, "assumption: a deployment pipeline in office hours", "Time between two jobs of the CI system.";
        tries: u64 = "3", "1..100", Inferred, "assumption: a common retry setting of pipelines", "How often a CI job tries before it counts as failed.";
        retry_backoff: SimDuration = "5s", "0s..1h", Inferred, "assumption: a common retry setting of pipelines", "Pause of a CI job before it tries again; it doubles from there.";
    }

    /// The API servers.
    api_server: ApiServerParameters {
        count: u64 = "2", "1..12", Documented, "aws/aws-eks-best-practices, reliability/controlplane.adoc: at least two", "API servers when the run begins: up to three have a zone each, more are spread evenly.";
        cores: u64 = "4", "1..128", Inferred, "not published; smallest standard control plane assumed with 4 vCPU", "Cores of one API server.";
        time_slice: SimDuration = "10ms", "1us..1s", Documented, "Go's scheduler, runtime/proc.go: a goroutine that has run for 10 ms is preempted", "How long a job runs on a core while others wait, before it goes to the tail of the queue.";
        get_cpu: Law = "lognormal(median 0.5ms, p95 1.5ms)", "0s..10s", Inferred, "a GET takes 1 to 2 ms in all, 10 ms at p99; no vendor publishes a distribution", "CPU time of a GET, besides its bytes.";
        watch_cpu: Law = "lognormal(median 0.5ms, p95 1.5ms)", "0s..10s", Inferred, "as a GET; no vendor publishes a distribution", "CPU time of the start of one watch.";
        list_cpu: Law = "lognormal(median 0.5ms, p95 1.5ms)", "0s..10s", Inferred, "as a GET; no vendor publishes a distribution", "CPU time of a LIST, besides its bytes.";
        create_cpu: Law = "lognormal(median 2.5ms, p95 5ms)", "0s..10s", Inferred, "2 to 4 ms of CPU and admission in a calm write of 5 to 10 ms; no vendor publishes a distribution", "CPU time of a CREATE, before and after etcd together, besides its bytes.";
        update_cpu: Law = "lognormal(median 2ms, p95 4ms)", "0s..10s", Inferred, "2 to 4 ms of CPU and admission in a calm write of 5 to 10 ms; no vendor publishes a distribution", "CPU time of an UPDATE, before and after etcd together, besides its bytes.";
        patch_cpu: Law = "lognormal(median 2.5ms, p95 5ms)", "0s..10s", Inferred, "as a write, with the patch to apply; no vendor publishes a distribution", "CPU time of a PATCH, before and after etcd together, besides its bytes.";
        delete_cpu: Law = "lognormal(median 2ms, p95 4ms)", "0s..10s", Inferred, "as a write; no vendor publishes a distribution", "CPU time of a DELETE, before and after etcd together, besides its bytes.";
        memory_gib: f64 = "16", "0.5..4096", Inferred, "not published; smallest standard control plane assumed with 4 vCPU and 16 GiB", "Memory of one API server, GiB: beyond it the process is killed.";
        base_memory_gib: f64 = "1", "0..4096", Inferred, "a server of an empty cluster holds some hundred MB; no measured source", "Memory that an API server takes besides objects, GiB.";
        cache_memory_factor: f64 = "3", "0..100", Inferred, "decoded objects take a few times their bytes; no measured source", "Bytes of memory for each byte of an object in the watch cache.";
        list_memory_factor: f64 = "2", "0..100", Inferred, "five copies before lists were streamed (KEP-3157), a tenth of that where they are; between the two", "Bytes of memory for each byte of a LIST's answer, while it is served.";
        watch_event_cpu: SimDuration = "20us", "0s..1s", Inferred, "an event is encoded once and written to each watcher; no measured source", "CPU time of an API server for each watcher of a committed change.";
        watch_batch_cpu: SimDuration = "1ms", "0s..1s", Inferred, "so that a change with few watchers is no event of its own; of no weight in results", "CPU time for watchers that is gathered before it becomes a job on the cores.";
        json_mb_per_s: f64 = "100", "1..10000", Inferred, "50 to 200 MB/s; 150 MB for 30,000 pods by the Kubernetes blog on version 1.2", "Megabytes that a core encodes or decodes per second as JSON.";
        protobuf_speedup: f64 = "3", "1..100", Inferred, "two to four times as fast as JSON", "How much faster a core encodes and decodes protobuf, which built-in components speak.";
        gzip_mb_per_s: f64 = "150", "1..10000", Inferred, "Go's compress/gzip at its fastest level; no measured source", "Megabytes that a core compresses per second.";
        gzip_from_bytes: u64 = "131072", "0..1000000000000", Documented, "kubernetes/apiserver pkg/endpoints/handlers/responsewriters: answers above 128 KiB are compressed", "Bytes above which an answer is compressed.";
        readyz_etcd_timeout: SimDuration = "2s", "10ms..1m", Documented, "kubernetes/apiserver, health check of the storage", "How long `/readyz` waits for etcd before it fails.";
        list_progress: Law = "uniform(0s, 100ms)", "0s..10s", Documented, "kubernetes/apiserver pkg/storage/cacher, KEP-2340: progress is asked for every 100 ms", "Time until etcd is asked how far the cache must be for a consistent list.";
        list_freshness_wait: SimDuration = "3s", "10ms..1m", Documented, "kubernetes/apiserver pkg/storage/cacher", "How long a consistent list waits for a cache that is fresh enough before it fails.";
        request_timeout: SimDuration = "60s", "1s..1h", Documented, "kubernetes/apiserver pkg/server/config.go", "Time after which the API server gives up a request, counted from its start at the client.";
        watch_delay: Law = "uniform(5ms, 50ms)", "0s..1m", Documented, "Kubernetes blog on version 1.2: tens of milliseconds through the watch cache", "Time from a committed change to a watcher's knowledge of it.";
        start_time: Law = "uniform(20s, 60s)", "0s..1h", Inferred, "start of the instance and the process, first lists; not published", "Time from power to an API server that answers.";
        restart_time: Law = "uniform(10s, 30s)", "0s..1h", Inferred, "the kubelet's first restart of a static pod comes at once, then the process starts and lists; not published", "Time from the crash of an API server's process on a living machine to a process that answers again.";
    }

    /// Sizes of objects in the API.
    object_bytes: ObjectBytesParameters {
        pod: u64 = "5000", "100..1500000", Documented, "Kubernetes blog on version 1.2: 150 MB for 30,000 pods", "Bytes of a pod.";
        node: u64 = "15000", "100..1500000", Inferred, "a node lists up to 50 images and its conditions; no measured source", "Bytes of a node.";
        lease: u64 = "600", "100..1500000", Inferred, "a holder's name and two times, with managed fields; no measured source", "Bytes of the lease of a node or of a leader.";
        workload: u64 = "4000", "100..1500000", Inferred, "a pod template, status and managed fields; no measured source", "Bytes of a Deployment or a ReplicaSet.";
        endpoint_slice: u64 = "25000", "100..1500000", Inferred, "a hundred endpoints of some 250 bytes; no measured source", "Bytes of an EndpointSlice.";
        applied: u64 = "5000", "100..10000000", Inferred, "assumption: a Deployment with some annotations", "Bytes of an object that a CI job applies.";
        revision: u64 = "200", "0..100000", Inferred, "key, versions and the pages of the file that are not full; no measured source", "Bytes that etcd's database takes for a revision besides the object.";
        other: u64 = "20000000", "0..100000000000", Inferred, "assumption: CustomResourceDefinitions, ConfigMaps, Secrets, Helm's releases and an hour of events", "Bytes of all objects that are not modelled one by one.";
    }

    /// The watch cache of an API server.
    watch_cache: WatchCacheParameters {
        window_min: u64 = "100", "1..10000000", Documented, "kubernetes/apiserver pkg/storage/cacher", "Changes of a resource that are kept at least.";
        window_max: u64 = "102400", "1..10000000", Documented, "kubernetes/apiserver pkg/storage/cacher", "Changes of a resource that are kept at most.";
        window_time: SimDuration = "75s", "1s..1h", Documented, "kubernetes/apiserver pkg/storage/cacher", "Time whose changes the window grows to hold.";
        retry_after: SimDuration = "1s", "0s..1h", Documented, "kubernetes/apiserver pkg/storage/cacher", "What a LIST or watch that comes before the cache is filled is told to wait.";
        refuses_until_filled: ByVersion = "auto", "", Documented, "kubernetes/apiserver pkg/storage/cacher: since Kubernetes 1.31", "Whether a server that has just started answers the LISTs and watches of informers 429 until its cache is filled, or serves them at once: `auto` asks its version.";
    }

    /// Authentication: whose an IAM token is.
    authentication: AuthenticationParameters {
        cache_ttl: SimDuration = "120s", "0s..1d", Inferred, "the default of kube-apiserver's flag authentication-token-webhook-cache-ttl; what EKS uses is not published, and identities that are served for hours have been seen", "How long an API server remembers whose an IAM token is: how long kubelets survive an outage of STS.";
        token_renewal: SimDuration = "14m", "1m..15m", Documented, "kubernetes-sigs/aws-iam-authenticator pkg/token/token.go: tokens live for 15 min, clients renew them a minute before", "How long a kubelet uses one token; a new one is not remembered yet.";
        sts_latency: Law = "lognormal(median 20ms, p95 85ms)", "0s..1m", Inferred, "no published figure; 99th percentile 150 ms proposed", "Time of the token webhook and its call to STS in the region.";
        webhook_timeout: SimDuration = "30s", "100ms..10m", Documented, "kubernetes/apiserver pkg/util/webhook/webhook.go; a call that timed out is not repeated", "How long an API server waits for its token webhook before it answers 401.";
    }

    /// The provider's care for the control plane: its size, graceful stops, repair and replacement.
    control_plane: ControlPlaneParameters {
        tier: Tier = "standard", "", Documented, "awsdocs/amazon-eks-user-guide, clusters/eks-provisioned-control-plane-introduction", "The control plane's tier: standard, xl, 2xl, 4xl or 8xl. It sets servers, seats, cores, clients' rates and the price, unless they are given.";
        standard_database_gb: f64 = "8", "0.001..1000", Documented, "awsdocs/amazon-eks-user-guide, clusters/eks-provisioned-control-plane-introduction", "Size of etcd's database in GB above which a control plane cannot return to the standard tier.";
        usd_per_hour: f64 = "0.10", "0..1000", Documented, "EKS pricing page: standard support", "Price of the control plane per hour.";
        extended_support_usd_per_hour: f64 = "0.50", "0..1000", Documented, "EKS pricing page: 0.60 USD an hour in extended support; a bill of 38 h has 19.01 USD for it", "What a version in extended support costs an hour, beside the control plane's price.";
        repair: bool = "true", "", Documented, "aws/aws-eks-best-practices, reliability/controlplane.adoc: unhealthy instances are detected and replaced", "Whether the provider replaces dead machines of API servers and etcd members.";
        detection: Law = "lognormal(median 60s, p95 180s)", "0s..1d", Inferred, "proposal from check periods of 10 to 30 s and 2 to 3 misses; not published", "Time from the death of an API server instance to the decision to replace it.";
        launch_time: Law = "lognormal(median 300s, p95 600s)", "0s..1d", Inferred, "proposal; upgrade and creation times give the scale; not published", "Time from the launch of an API server instance to a process that runs on it.";
        shutdown_delay: SimDuration = "70s", "0s..1h", Inferred, "openshift/cluster-kube-apiserver-operator pull 411 and openshift/installer docs/dev/kube-apiserver-health-check.md: 70 s, raised to 210 s on AWS in 2021; what EKS uses is not published", "How long a stopping API server serves on after its `/readyz` has begun to fail.";
        drain_timeout: SimDuration = "60s", "0s..1h", Documented, "kubernetes/apiserver, graceful termination", "How long a server that no longer listens waits for running requests.";
        drain_poll: SimDuration = "500ms", "1ms..1m", Documented, "Go, net/http Server.Shutdown: it looks every 500 ms at most whether all is idle", "How often a draining server looks whether requests still run.";
        restart_gap: SimDuration = "30s", "0s..1h", Documented, "openshift/cluster-kube-apiserver-operator pull 1070", "Pause between a restarted API server that is ready and the stop of the next one.";
        upgrade_time: Law = "triangular(8m, 12m, 25m)", "0s..1d", Inferred, "eksctl-io/eksctl issue 2096: 24 min once; several minutes by the documents", "Time of a version upgrade of the control plane.";
        tier_time: Law = "triangular(5m, 10m, 20m)", "0s..1d", Inferred, "several minutes by awsdocs/amazon-eks-user-guide; proposal", "Time of a change of the tier.";
        roll_patience: SimDuration = "30m", "1s..1d", Inferred, "not published: the provider returns to the old version when new servers stay unhealthy", "How long a rolling replacement may stand still for want of healthy new servers before it returns.";
        roll_poll: SimDuration = "10s", "100ms..10m", Inferred, "not published; as often as a quick health check", "How often a rolling replacement looks again whether the new servers are healthy.";
        first_lists_per_s: f64 = "30000", "1..1000000000", Inferred, "Kubernetes blog on consistent reads: 150,000 pods listed from etcd in 5 s", "Objects per second that a starting API server reads from etcd on one core before it is ready.";
    }

    /// How a standard control plane grows and shrinks with its load.
    scaling: ScalingParameters {
        enabled: bool = "true", "", Documented, "aws/aws-eks-best-practices, scalability/control-plane.adoc: a standard control plane scales by itself", "Whether a standard control plane grows and shrinks.";
        period: SimDuration = "1m", "1s..1h", Inferred, "the usual period of CloudWatch metrics; not published", "How often the provider looks at the load.";
        high: f64 = "0.7", "0..1", Inferred, "not published; a common target of autoscaling", "Share of the cores or of the seats in use from which on a control plane is too small.";
        low: f64 = "0.2", "0..1", Inferred, "not published", "Share of both below which it is too large.";
        looks_high: u64 = "3", "1..1000", Inferred, "not published: three periods of one minute", "Looks in a row that must find it too small.";
        looks_low: u64 = "30", "1..10000", Inferred, "not published: half an hour", "Looks in a row that must find it too large.";
        delay: Law = "triangular(5m, 10m, 15m)", "0s..1d", Inferred, "aws/aws-eks-best-practices, scalability/control-plane.adoc: minutes; range proposed", "Time from the decision to a control plane of another size.";
        second_step_nodes: u64 = "1000", "1..10000000", Inferred, "worker count is a signal (aws/aws-eks-best-practices); the figure is a hardware step of etcd (etcd-io/website, op-guide/hardware.md)", "Nodes from which on a control plane has at least its second size.";
        third_step_nodes: u64 = "3000", "1..10000000", Inferred, "as the second step", "Nodes from which on it has its third and largest size.";
        largest_seats: u64 = "2000", "1..100000", Documented, "aws/aws-eks-best-practices, scalability/control-plane.adoc: 600, grows to about 2000", "Seats of an API server of the third size; the second lies halfway.";
        growth: u64 = "2", "1..8", Inferred, "not published: 4, 8, 16 vCPU assumed", "Factor of the cores and the memory from one size to the next.";
    }

    /// Admission webhooks.
    webhook: WebhookParameters {
        latency: Law = "lognormal(median 5ms, p95 20ms)", "0s..10m", Inferred, "a small program in the cluster, its round trip through EKS's network interfaces included; no measured source", "Time of a call to an admission webhook that answers.";
        ignore_failures: bool = "false", "", Inferred, "what each webhook's own failurePolicy says", "Whether writes pass every webhook that does not answer, whatever its own policy says.";
    }

    /// API Priority and Fairness: who is admitted to an API server.
    flow_control: FlowControlParameters {
        seats: u64 = "600", "1..100000", Documented, "kubernetes/apiserver pkg/server/config.go: 400 reads + 200 writes; aws/aws-eks-best-practices, scalability/control-plane.adoc", "Requests that one API server serves at a time, over all levels.";
        system_shares: u64 = "30", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `system` (the kubelets' other requests).";
        system_lendable: f64 = "0.33", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `system` lends.";
        system_queues: u64 = "64", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `system`.";
        system_hand_size: u64 = "6", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `system` that one flow is dealt.";
        node_high_shares: u64 = "40", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `node-high` (lease renewals, node status).";
        node_high_lendable: f64 = "0.25", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `node-high` lends.";
        node_high_queues: u64 = "64", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `node-high`.";
        node_high_hand_size: u64 = "6", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `node-high` that one flow is dealt.";
        leader_election_shares: u64 = "10", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `leader-election`.";
        leader_election_lendable: f64 = "0.0", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `leader-election` lends.";
        leader_election_queues: u64 = "16", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `leader-election`.";
        leader_election_hand_size: u64 = "4", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `leader-election` that one flow is dealt.";
        workload_high_shares: u64 = "40", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `workload-high` (built-in controllers, scheduler).";
        workload_high_lendable: f64 = "0.5", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `workload-high` lends.";
        workload_high_queues: u64 = "128", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `workload-high`.";
        workload_high_hand_size: u64 = "6", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `workload-high` that one flow is dealt.";
        workload_low_shares: u64 = "100", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `workload-low` (service accounts).";
        workload_low_lendable: f64 = "0.9", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `workload-low` lends.";
        workload_low_queues: u64 = "128", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `workload-low`.";
        workload_low_hand_size: u64 = "6", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `workload-low` that one flow is dealt.";
        global_default_shares: u64 = "20", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `global-default` (administrators, CI).";
        global_default_lendable: f64 = "0.5", "0..1", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Share of its nominal seats that the level `global-default` lends.";
        global_default_queues: u64 = "128", "1..1024", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `global-default`.";
        global_default_hand_size: u64 = "6", "1..16", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Queues of the level `global-default` that one flow is dealt.";
        catch_all_shares: u64 = "5", "0..1000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Shares of the level `catch-all`, which no modelled client uses and which has no queues.";
        queue_length: u64 = "50", "1..100000", Documented, "kubernetes/apiserver pkg/apis/flowcontrol/bootstrap/default.go", "Requests that wait in one queue of a level.";
        queue_wait_share: f64 = "0.25", "0.001..1", Documented, "kubernetes/apiserver pkg/server/filters/priority-and-fairness.go: a quarter of what is left of the request's deadline, which is the client's own if that is nearer", "Share of a request's deadline that it waits in a queue before the answer 429.";
        borrowing_period: SimDuration = "10s", "100ms..1h", Documented, "kubernetes/apiserver pkg/util/flowcontrol/apf_controller.go", "How often the levels' seats are shared out anew, by what each wanted.";
        estimated_service: SimDuration = "3ms", "1us..1m", Documented, "kubernetes/apiserver pkg/util/flowcontrol/fairqueuing/queueset", "Time that fair queuing takes a request to need until it ends.";
        seats_max: u64 = "10", "1..1000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/config.go", "Most seats of one request, save LISTs that are counted by bytes.";
        widest_request: f64 = "0.15", "0.001..1", Documented, "kubernetes/apiserver pkg/util/flowcontrol/apf_controller.go: and at most the nominal seats divided by the hand size", "Share of a level's nominal seats that one request takes at most.";
        list_seats_by_bytes: ByVersion = "auto", "", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/list_work_estimator.go: since Kubernetes 1.34", "Whether the seats of a LIST follow its bytes, or as before 1.34 its objects: `auto` asks the server's version.";
        list_objects_per_seat: u64 = "100", "1..1000000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/config.go", "Objects of a LIST for each of its seats, where they follow its objects.";
        list_bytes_per_seat: u64 = "100000", "1..1000000000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/config.go", "Bytes of a LIST for each of its seats, where they follow its bytes.";
        list_streamed_bytes_max: u64 = "1000000", "1..1000000000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/list_work_estimator.go", "Bytes that count at most of a LIST that is streamed from the watch cache.";
        list_seats_max_by_bytes: u64 = "100", "1..1000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/config.go", "Most seats of a LIST, where they follow its bytes.";
        watchers_per_seat: u64 = "10", "1..1000000", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/mutating_work_estimator.go", "Watchers of an object for each seat that a write of it takes after its end; with fewer it takes none.";
        watcher_work: SimDuration = "5ms", "0s..1m", Documented, "kubernetes/apiserver pkg/util/flowcontrol/request/mutating_work_estimator.go", "How long each of these seats is held.";
        retry_after_max: SimDuration = "32s", "1s..1h", Documented, "kubernetes/apiserver pkg/server/filters, dropped-requests tracker: 1 s, doubling while drops are many", "Most that a 429 tells a client to wait. Lease renewals do, controllers wait their own back-off, commands fail.";
    }

    /// The etcd cluster: three members, one in each zone of the control plane.
    etcd: EtcdParameters {
        heartbeat_interval: SimDuration = "100ms", "1ms..10s", Documented, "etcd-io/website, tuning.md", "Time between two heartbeats of the leader, and one tick of a follower's clock.";
        election_timeout: SimDuration = "1s", "10ms..50s", Documented, "etcd-io/website, tuning.md", "Base of the followers' randomised patience: they wait for one to two of it.";
        request_timeout: SimDuration = "5s", "100ms..10m", Documented, "etcd server/config, ReqTimeout: this plus two election timeouts", "How long a member waits for the fate of a request that it took, before two election timeouts are added.";
        fsync: Law = "mixture(0.9999: lognormal(median 0.55ms, p95 0.85ms), 0.0001: uniform(2ms, 12.7ms))", "0s..10m", Measured, "buildkite/elastic-ci-stack-for-aws pull 682: small write on a general-purpose volume, median 0.55 ms, mean 0.59, sd 0.16, largest 12.7; older gp2 volumes have a far longer tail (etcd-io/etcd issue 9544). The volume that EKS uses is not published", "Time of one fsync of a member's log.";
        cores: u64 = "4", "1..256", Inferred, "not published; etcd-io/website, op-guide/hardware.md: 2 to 4 for a small cluster, 8 to 16 for a busy one", "Cores of a member's machine; one of several is its loop's, the others handle requests.";
        request_cpu: SimDuration = "40us", "0s..1s", Inferred, "etcd-io/website, op-guide/performance.md: a serializable read takes 0.3 ms with a round trip of 0.3 ms", "CPU time of the member that is asked, for one request: decode, look up, answer.";
        proposal_cpu: SimDuration = "110us", "0s..1s", Inferred, "etcd-io/website, op-guide/performance.md: 44,341 puts/s on 8 cores are 180 us each; etcd-io/etcd issue 7156: a put takes 0.4 ms of software on one machine", "CPU time of the leader for one write: marshal, write the log's record, send it to the followers.";
        turn_cpu: SimDuration = "50us", "0s..1s", Inferred, "etcd-io/etcd issue 7156: the part of a put's 0.4 ms of software that requests and proposals do not take", "Time of one turn of a member's loop, whatever the number of entries in it: one before each fsync, one before what is committed is applied.";
        apply_cpu: SimDuration = "20us", "0s..1s", Measured, "etcd-io/website, op-guide/performance.md: tens of us to apply a write in memory; at most 50,104 puts/s", "Time to apply one entry to the store, one entry after another.";
        backend: Backend = "raft", "", Documented, "EKS user guide; since 2025 the provider describes a journal service in place of raft for its largest clusters (AWS blog on ultra scale clusters; The New Stack, 2026), and does not say which standard clusters use it", "Where consensus lies: `raft` among the members, or `journal`, a service over several zones behind members that hold the database in memory.";
        journal_latency: Law = "lognormal(median 2ms, p95 4ms)", "0s..1m", Inferred, "not published; one exchange between zones and a write on a disk in two of them", "Time from an entry that is sent to the journal to its acknowledgement, or from a question for the journal's end to the answer.";
        journal_partitions: u64 = "1", "1..64", Inferred, "AWS blog on ultra scale clusters: partitions of the key space give up to 5 times the writes", "Parts of the key space whose commits wait for no other's, where consensus lies in a journal.";
        journal_quota_gb: f64 = "20", "0.001..1000", Documented, "AWS blog on ultra scale clusters", "Quota of the database in GB where consensus lies in a journal, in place of `etcd.quota_gb`.";
        access: Access = "direct", "", Inferred, "clientv3 connects to each member; one seed document shows a load balancer before etcd, the vendor's documents do not", "How API servers reach etcd: `direct`, over a connection to each member, or `balancer`, over one connection through a load balancer.";
        balancer_check_interval: SimDuration = "10s", "1s..5m", Inferred, "default of Network Load Balancers", "Time between two health checks of a member by the balancer before etcd.";
        balancer_threshold: u64 = "3", "1..10", Inferred, "default of Network Load Balancers", "Failed health checks after which that balancer sends no new connection to a member.";
        dial_timeout: SimDuration = "20s", "100ms..10m", Documented, "kubernetes/apiserver storage factory", "How long an API server waits for a new connection through the balancer before it tries another.";
        volumes: Volumes = "general-purpose", "", Inferred, "the volume that EKS uses is not published", "The volumes of the members' logs: one kind for all, or one for each zone, of general-purpose (`etcd.fsync`), io2 and gp2.";
        fsync_io2: Law = "lognormal(median 0.3ms, p95 0.45ms)", "0s..10m", Inferred, "EBS documents: io2 Block Express takes less than 0.5 ms on average for 16 KiB, a tenth of general purpose's operations above 0.8 ms", "Time of one fsync on a volume of kind io2.";
        fsync_gp2: Law = "empirical(1ms: 92.6%, 2ms: 94.9%, 4ms: 99.73%, 8ms: 99.85%, 64ms: 99.88%, 256ms: 99.94%, 512ms: 99.99%, 1024ms: 100%)", "0s..10m", Measured, "etcd-io/etcd issue 9544: 367,535 fsyncs on gp2", "Time of one fsync on a volume of kind gp2.";
        slow_fsync: Law = "empirical(16ms: 0.2%, 32ms: 83.4%, 64ms: 98.9%, 128ms: 100%)", "0s..10m", Measured, "etcd-io/etcd issue 10273: a bad disk", "Time of one fsync on a disk that a fault makes slow, where the fault names no law of its own.";
        compaction_interval: SimDuration = "5m", "10s..1d", Documented, "kubernetes/apiserver storage factory", "How often an API server compacts, each time up to where the compaction before found the database.";
        database_poll: SimDuration = "30s", "1s..1h", Documented, "kubernetes/apiserver storage factory", "How often the size of the database is looked at, for the series.";
        quota_gb: f64 = "8", "0.001..1000", Documented, "EKS user guide: 8 GB, on provisioned tiers 16; etcd-io/website, op-guide/maintenance.md: 8 GB advised at most", "Size of the database in GB at which etcd raises the alarm NOSPACE.";
        request_limit: u64 = "1572864", "1..1000000000", Documented, "etcd-io/website, op-guide/configuration.md: max-request-bytes, 1.5 MiB", "Bytes of a put above which a member refuses it.";
        repair_delay: Law = "lognormal(median 30m, p95 2h)", "0s..7d", Inferred, "people at the provider have to be called; not published", "Time from the alarm NOSPACE to the begin of its repair, where no change of the scenario comes first.";
        repair_delete_rate: f64 = "100", "0.1..100000", Inferred, "one client that deletes object by object; no measured source", "Superfluous objects that the repair deletes per second.";
        defragmentation_rate: f64 = "100", "1..10000", Inferred, "OpenShift documents: 100 s for 1 GB at 80 Mbit/s; proposed for SSD: 50 to 250 MB/s", "MB of the database that the defragmentation of a member writes per second; the member answers nobody meanwhile.";
        member_give_up: SimDuration = "10s", "100ms..1h", Documented, "kubernetes/apiserver storage factory and grpc-go: TCP_USER_TIMEOUT equals the keepalive timeout", "With calls in flight, silence after which an API server gives up its connection to a member.";
        keepalive: SimDuration = "30s", "1s..1h", Documented, "kubernetes/apiserver storage factory", "Silence on an idle connection to a member after which it is probed.";
        member_start_time: Law = "uniform(10s, 30s)", "0s..1h", Inferred, "start of the instance and the process; not published", "Time from power to a member that takes part again.";
        detection: Law = "lognormal(median 60s, p95 180s)", "0s..1d", Inferred, "as an API server's: check periods of 10 to 30 s and 2 to 3 misses; not published", "Time from the death of an etcd member's machine to the decision to replace it.";
        launch_time: Law = "lognormal(median 300s, p95 900s)", "0s..1d", Inferred, "proposal; upgrade and creation times give the scale; not published", "Time from that decision to a machine that runs in its place.";
        volume_move: Law = "uniform(10s, 60s)", "0s..1h", Inferred, "EBS detaches and attaches within seconds, of a dead machine by force; no measured source", "Time in which the volume of a dead member's machine moves to another one in the same zone.";
        member_change_retry: SimDuration = "5s", "100ms..1h", Inferred, "proposal: whoever changes the members looks again soon", "Pause before a change of the members that cannot be made yet is tried again.";
        learner_ready_share: f64 = "0.9", "0..1", Documented, "etcd-io/etcd server/etcdserver/server.go: readyPercentThreshold", "Share of its leader's log that a learner must have before it may vote.";
        reconnect_time: Law = "uniform(0s, 20s)", "0s..1h", Inferred, "gRPC's connection back-off, 1 s growing by 1.6 up to its cap of 120 s; 20 s is the dial time-out of the API server's client", "Time from a member that takes part again to an API server's open connection to it.";
        pre_vote: bool = "true", "", Documented, "etcd-io/website, op-guide/configuration.md: on since 3.5", "Whether a candidate first asks if it could win, one more round trip.";
        check_quorum: bool = "true", "", Documented, "etcd-io/etcd server/etcdserver/raft.go: always on; etcd-io/raft has it as an option", "Whether a leader that has not heard a quorum for an election time-out steps down, and who hears a leader refuses to vote.";
        read_retry: SimDuration = "500ms", "1ms..1m", Documented, "etcd-io/etcd server/etcdserver/v3_server.go: readIndexRetryTime", "Pause after which a member asks its leader again how far a linearizable read must see.";
        snapshot_count: u64 = "10000", "1..10000000", Documented, "etcd-io/website, op-guide/configuration.md: 10,000 in 3.6, 100,000 in 3.5", "Entries between two snapshots of a member, after which older entries leave its log.";
        snapshot_entries_kept: u64 = "5000", "0..10000000", Documented, "etcd-io/etcd server/etcdserver: DefaultSnapshotCatchUpEntries", "Entries that stay in the log before a snapshot: a member that lacks older ones is sent the database.";
        catch_up_rate: f64 = "10", "0.001..10000", Documented, "etcd-io/website, op-guide/hardware.md: 100 MB within 15 s over 10 MB/s", "Speed at which a member that is behind is sent what it lacks, in MiB per second.";
        entry_kib: f64 = "1", "0.01..1536", Inferred, "a lease of a node is some 0.5 kB, a pod 2 to 10 kB; leases are most of the writes", "Size of an entry of the log, in KiB.";
    }

    /// Leader election of scheduler and controller managers.
    leader_election: LeaderElectionParameters {
        lease_duration: SimDuration = "15s", "1s..1h", Documented, "kubernetes/component-base config/v1alpha1/defaults.go", "How long a standby waits from the moment when it saw the last renewal.";
        renew_deadline: SimDuration = "10s", "1s..1h", Documented, "kubernetes/component-base config/v1alpha1/defaults.go", "How long a holder tries to renew before it gives up and restarts.";
        retry_period: SimDuration = "2s", "100ms..10m", Documented, "kubernetes/component-base config/v1alpha1/defaults.go", "Pause between two tries of a candidate or two renewals of a holder.";
        jitter: f64 = "1.2", "0..10", Documented, "client-go leaderelection", "A standby's pause is the retry period times one to one plus this.";
        restart_time: Law = "uniform(5s, 15s)", "0s..10m", Inferred, "static pod restart with back-off; not published", "Time from giving up to a component that runs as a standby.";
        scheduler_releases: bool = "true", "", Documented, "kubernetes/kubernetes cmd/kube-scheduler: ReleaseOnCancel", "Whether a scheduler that is stopped in an orderly way gives its lease back, so that a standby need not wait for its end.";
        controllers_release: bool = "false", "", Documented, "kubernetes/kubernetes pull 137708, KEP-5366: gate ControllerManagerReleaseLeaderElectionLockOnExit, off by default in 1.36", "The same of the controller managers.";
        informer_sync: Law = "uniform(1s, 3s)", "0s..10m", Inferred, "lists of all objects that a controller needs; not published", "Time that a new leader needs for its first lists before it acts.";
    }

    /// The node lifecycle controller: who is NotReady, tainted, evicted, and how fast.
    node_lifecycle: NodeLifecycleParameters {
        monitor_period: SimDuration = "5s", "100ms..10m", Documented, "Kubernetes documentation, kube-controller-manager", "Time between two looks at all nodes.";
        grace_period: SimDuration = "50s", "1s..1h", Documented, "kubernetes/kubernetes pull 126287: 50 s since 1.32, 40 s before", "Age of a node's last seen heartbeat at which it becomes NotReady.";
        startup_grace_period: SimDuration = "60s", "1s..1h", Documented, "Kubernetes documentation, kube-controller-manager", "The same for a node that has not reported yet.";
        eviction_rate: f64 = "0.1", "0..1000", Documented, "Kubernetes documentation, nodes", "Nodes tainted NoExecute per second and zone, in a healthy zone or a fully dark one.";
        secondary_eviction_rate: f64 = "0.01", "0..1000", Documented, "Kubernetes documentation, nodes", "The same in a partly disrupted zone of more than `large_zone_nodes` nodes.";
        unhealthy_zone_threshold: f64 = "0.55", "0..1", Documented, "Kubernetes documentation, nodes", "Share of NotReady nodes (and more than two) that makes a zone partly disrupted.";
        large_zone_nodes: u64 = "50", "0..100000", Documented, "kubernetes/kubernetes pkg/controller/nodelifecycle: compared with the zone's node count", "Zones of at most so many nodes evict nothing while partly disrupted.";
        toleration: SimDuration = "300s", "0s..1d", Documented, "Kubernetes documentation, taints and tolerations", "How long a pod stays on a node that is tainted unreachable.";
        eviction_poll: SimDuration = "100ms", "10ms..1m", Documented, "kubernetes/kubernetes pkg/controller/nodelifecycle/scheduler", "How often the queue of nodes to taint is looked at.";
    }

    /// The other controllers that matter after a node's death.
    controllers: ControllersParameters {
        qps: f64 = "20", "0.1..100000", Documented, "kubernetes/kubernetes, controller manager defaults", "Requests per second of the client of each controller: each has its own.";
        burst: u64 = "30", "1..100000", Documented, "kubernetes/kubernetes, controller manager defaults", "Requests that the client of one controller may send at once.";
        concurrent_syncs: u64 = "5", "1..1000", Documented, "kubernetes/kubernetes, controller defaults", "Workers of each controller with a work queue: Deployment, ReplicaSet, EndpointSlice.";
        node_workers: u64 = "8", "1..1000", Documented, "kubernetes/kubernetes pkg/controller/nodelifecycle and tainteviction: UpdateWorkerSize", "Nodes that a look of the node lifecycle controller works on at a time, and evictions in flight.";
        replica_set_burst: u64 = "500", "1..100000", Documented, "kubernetes/kubernetes pkg/controller/replicaset: BurstReplicas", "Pods that one sync of a ReplicaSet creates or deletes at most.";
        daemon_set_burst: u64 = "250", "1..100000", Documented, "kubernetes/kubernetes pkg/controller/daemon: BurstReplicas", "Pods that one sync of a DaemonSet creates at most.";
        daemon_set_syncs: u64 = "2", "1..1000", Documented, "kubernetes/kubernetes, DaemonSet controller: ConcurrentDaemonSetSyncs", "Workers of the DaemonSet controller.";
        work_backoff_base: SimDuration = "5ms", "1ms..10m", Documented, "client-go util/workqueue, default controller rate limiter", "Pause of a key whose sync failed, before it comes into the work queue again; it doubles from there.";
        work_backoff_max: SimDuration = "1000s", "1ms..1d", Documented, "client-go util/workqueue, default controller rate limiter", "Longest pause of a key whose sync failed.";
        endpoint_slice_size: u64 = "100", "1..1000", Documented, "kubernetes/kubernetes, EndpointSlice controller: max-endpoints-per-slice", "Endpoints that one EndpointSlice holds.";
        drain_qps: f64 = "20", "0.1..100000", Inferred, "proposal: as a controller; kubectl with its defaults has 5", "Requests per second of whoever drains nodes.";
        drain_burst: u64 = "30", "1..100000", Inferred, "proposal: as a controller; kubectl with its defaults has 10", "Requests that whoever drains nodes may send at once.";
        eviction_retry: SimDuration = "5s", "100ms..1h", Documented, "kubernetes/kubectl pkg/drain", "Pause before an eviction that was refused, or failed, is tried again.";
        max_surge: f64 = "0.25", "0..10", Documented, "Kubernetes documentation, Deployments", "Pods beyond the wanted number in a rolling update, as a share of it, rounded up.";
        max_unavailable: f64 = "0.25", "0..1", Documented, "Kubernetes documentation, Deployments", "Pods of the wanted number that need not be available in a rolling update, as a share of it, rounded down.";
        pace: SimDuration = "100us", "1us..1s", Inferred, "a worker sends one request after another; no measured source", "Time between two requests of one component's client at least.";
        wind_up: SimDuration = "100ms", "1us..1m", Inferred, "a new leader starts its controllers one after another; no measured source", "Time over which a new leader's controllers start.";
        terminated_pod_threshold: u64 = "12500", "1..100000000", Documented, "kubernetes/kubernetes, kube-controller-manager: terminated-pod-gc-threshold", "Pods that have ended and are kept; beyond them the oldest are deleted.";
        daemon_set_max_unavailable: u64 = "1", "1..100000", Documented, "Kubernetes documentation, DaemonSets: maxUnavailable", "Pods of a DaemonSet that a rolling update lets be unavailable at a time.";
        cloud_node_period: SimDuration = "5s", "100ms..10m", Documented, "cloud-provider node lifecycle controller", "How often NotReady nodes are compared with their instances.";
        pod_gc_period: SimDuration = "20s", "100ms..10m", Documented, "kubernetes/kubernetes pod GC controller", "How often pods of nodes that no longer exist are looked for.";
        pod_gc_quarantine: SimDuration = "40s", "0s..1h", Documented, "kubernetes/kubernetes pod GC controller", "How long a node must be gone before its pods are deleted.";
        request_timeout: SimDuration = "60s", "100ms..1h", Inferred, "the API server's own limit for requests that are not watches", "Time-out of a controller's or the scheduler's request.";
        retry_backoff: SimDuration = "1s", "1ms..10m", Inferred, "several quick tries that fail together, then the next look; a second stands for both", "Pause before a request is repeated that belongs to no key of a work queue: taints, evictions, bindings.";
    }

    /// Jobs.
    jobs: JobsParameters {
        backoff_base: SimDuration = "10s", "1ms..1h", Documented, "Kubernetes documentation, Jobs: pod backoff failure policy", "Pause of a Job after a pod that failed; it doubles with each failure in a row.";
        backoff_max: SimDuration = "6m", "1ms..1d", Documented, "Kubernetes documentation, Jobs: pod backoff failure policy", "Longest pause of a Job after pods that failed.";
        batch_period: SimDuration = "1s", "0s..1m", Documented, "kubernetes/kubernetes pkg/controller/job: SyncJobBatchPeriod", "Time in which a Job gathers what happens to its pods before its controller looks.";
    }

    /// EBS volumes that the pods of StatefulSets claim.
    volumes: VolumesParameters {
        create_time: Law = "lognormal(median 3s, p95 8s)", "0s..1h", Inferred, "proposal for a gp3 volume without a snapshot: the call, and the driver's polls until it is available", "Time from the first placement of a volume's pod to a volume that EBS has created, before the pod is bound.";
        attach_time: Law = "lognormal(median 4s, p95 12s)", "0s..1h", Inferred, "kubernetes/kubernetes issue 62119: 15 to 17 s from scheduled to mounted, kubelet's status round included; kubernetes/kubernetes issue 84169: of the order of seconds", "Time from the attachment in the API to a volume that is attached: the CSI driver's call to EC2 and its polls.";
        detach_time: Law = "lognormal(median 5s, p95 15s)", "0s..1h", Inferred, "kubernetes-sigs/aws-ebs-csi-driver issue 861: about a minute for a pod that moves to another node in good order", "Time from the end of the attachment in the API to a volume that is attached nowhere.";
        mount_time: Law = "lognormal(median 1s, p95 3s)", "0s..1h", Inferred, "proposal: a file system check and two mounts", "Time in which a kubelet mounts a volume that is attached.";
        unmount_time: Law = "lognormal(median 0.3s, p95 1s)", "0s..1h", Inferred, "proposal", "Time in which a kubelet unmounts a volume after its pod's containers have stopped.";
        unmount_wait: SimDuration = "6m", "0s..1d", Documented, "kubernetes/kubernetes pkg/controller/volume/attachdetach: ReconcilerMaxWaitForUnmountDuration", "How long a volume is left to a node that is not Ready and has not unmounted it, before it is detached by force.";
        per_node: u64 = "25", "1..1000", Inferred, "data plane facts: 28 attachments shared by volumes and network interfaces on many Nitro types, less the root volume and two interfaces", "Volumes that the scheduler places on a node at most.";
    }

    /// HorizontalPodAutoscalers.
    hpa: HpaParameters {
        sync_period: SimDuration = "15s", "1s..10m", Documented, "Kubernetes documentation, kube-controller-manager; EKS lets 10 to 15 s", "Time between two looks of an autoscaler.";
        tolerance: f64 = "0.1", "0..10", Documented, "Kubernetes documentation, horizontal pod autoscaling", "Deviation from the target, as a share of it, that changes nothing.";
        scale_down_stabilization: SimDuration = "300s", "0s..1h", Documented, "Kubernetes documentation, horizontal pod autoscaling", "How long a recommendation keeps the number of pods from falling below it.";
        scale_up_period: SimDuration = "15s", "1s..30m", Documented, "Kubernetes documentation, horizontal pod autoscaling: default policies", "Time in which the number of pods grows by at most four or the double.";
        metrics_period: SimDuration = "60s", "1s..10m", Documented, "kubernetes-sigs/metrics-server README: metric-resolution; its manifest sets 15 s", "Time between two scrapes of metrics-server; EKS's add-on may differ.";
    }

    /// The Cluster Autoscaler, where the scenario has one.
    cluster_autoscaler: ClusterAutoscalerParameters {
        scan_interval: SimDuration = "10s", "1s..10m", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scan-interval", "Time between two scans of the Cluster Autoscaler.";
        new_pod_scale_up_delay: SimDuration = "0s", "0s..1h", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --new-pod-scale-up-delay", "Age below which a pod without room makes no group grow.";
        max_node_provision_time: SimDuration = "15m", "1m..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --max-node-provision-time", "How long the Cluster Autoscaler waits for the nodes of a group that it made grow, before it gives them up.";
        initial_backoff: SimDuration = "5m", "1s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/main.go: --initial-node-group-backoff-duration", "How long a group is left alone after a first failure; each further one doubles it.";
        max_backoff: SimDuration = "30m", "1s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/main.go: --max-node-group-backoff-duration", "Longest time for which a group is left alone after failures.";
        backoff_reset: SimDuration = "3h", "1s..7d", Documented, "kubernetes/autoscaler cluster-autoscaler/main.go: --node-group-backoff-reset-timeout", "Time after a group's last failure when its next counts as the first.";
        ok_total_unready_count: u64 = "3", "0..100000", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --ok-total-unready-count", "Nodes that may be not Ready whatever their share.";
        max_total_unready_share: f64 = "0.45", "0..1", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --max-total-unready-percentage", "Share of the nodes that may be not Ready; beyond it the Cluster Autoscaler stops acting.";
        scale_down_utilization_threshold: f64 = "0.5", "0..1", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-utilization-threshold", "Share of a node below which what its pods request, those of DaemonSets included, makes it a candidate for removal.";
        scale_down_unneeded_time: SimDuration = "10m", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-unneeded-time", "How long a node must be unneeded before it is removed.";
        scale_down_unready_time: SimDuration = "20m", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-unready-time", "The same of a node that is not Ready.";
        scale_down_delay_after_add: SimDuration = "10m", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-delay-after-add", "Pause after a growth before nodes are removed.";
        scale_down_delay_after_delete: SimDuration = "10s", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-delay-after-delete: the scan interval", "Pause after a removal before the next.";
        scale_down_delay_after_failure: SimDuration = "3m", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-delay-after-failure", "Pause after a removal that failed.";
        scale_down_non_empty_candidates: u64 = "30", "1..100000", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --scale-down-non-empty-candidates-count", "Nodes with pods that one scan considers for removal.";
        max_empty_bulk_delete: u64 = "10", "1..1000", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --max-empty-bulk-delete", "Empty nodes that are removed at a time; others go one after another.";
        node_delete_delay_after_taint: SimDuration = "5s", "0s..10m", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --node-delete-delay-after-taint", "Time from the taint on a node to the eviction of its pods, or to its end.";
        max_pod_eviction_time: SimDuration = "2m", "1s..1h", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --max-pod-eviction-time", "How long evictions are tried before a removal fails.";
        eviction_retry: SimDuration = "10s", "1s..10m", Documented, "kubernetes/autoscaler cluster-autoscaler/core/scaledown/actuation/drain.go: DefaultEvictionRetryTime", "Pause before an eviction that a budget refused is tried again.";
        max_graceful_termination: SimDuration = "10m", "1s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --max-graceful-termination-sec", "Longest time that pods of a node are given to end before its removal fails.";
        unremovable_node_recheck: SimDuration = "5m", "0s..1d", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --unremovable-node-recheck-timeout", "How long a node that could not be removed is left alone.";
        lease_duration: SimDuration = "15s", "1s..10m", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --leader-elect-lease-duration", "Age of the last renewal at which another pod of the Cluster Autoscaler takes the lease.";
        retry_period: SimDuration = "2s", "100ms..1m", Documented, "kubernetes/autoscaler cluster-autoscaler/FAQ.md: --leader-elect-retry-period", "Time between two looks of its pods at the lease, where there are several.";
        cloud_call_time: Law = "lognormal(median 0.3s, p95 1s)", "0s..5m", Inferred, "a signed request to a regional AWS API; no measured source", "Time from the order to set a group's desired size to the group's acting on it.";
    }

    /// The API of EC2, for the whole account and region.
    ec2: Ec2Parameters {
        run_instances_burst: u64 = "1000", "1..100000", Documented, "re:Post copy of the EC2 documentation on throttling: resource bucket of RunInstances", "Instances that may be launched at once.";
        run_instances_rate: f64 = "2", "0.001..100000", Documented, "re:Post copy of the EC2 documentation on throttling: resource bucket of RunInstances", "Instances per second that may be launched beyond that.";
    }

    /// The scheduler.
    scheduler: SchedulerParameters {
        qps: f64 = "50", "0.1..100000", Documented, "kubernetes/kubernetes pkg/scheduler/apis/config/v1/defaults.go", "Requests per second of the scheduler's client: the rate of binding.";
        burst: u64 = "100", "1..100000", Documented, "kubernetes/kubernetes pkg/scheduler/apis/config/v1/defaults.go", "Requests that the scheduler may send at once.";
        cycle_time: Law = "0.85ms", "0s..10s", Inferred, "upstream's scheduler_perf floor of 1100 pods/s where one node is looked at (kubernetes/kubernetes test/integration/scheduler_perf)", "Time of a scheduling cycle for one pod beside what it takes for each node.";
        filter_time: SimDuration = "3.5us", "0s..1s", Inferred, "upstream's scheduler_perf floors of 680 and 810 pods/s at 5000 nodes, 500 of them scored", "CPU time to look whether a pod fits on one node.";
        score_time: SimDuration = "3.5us", "0s..1s", Inferred, "as `scheduler.filter_time`", "CPU time to score one node for a pod.";
        parallelism: u64 = "16", "1..1000", Documented, "kubernetes/kubernetes pkg/scheduler/apis/config/v1/defaults.go", "Nodes that are filtered or scored side by side.";
        percentage_of_nodes_to_score: u64 = "0", "0..100", Documented, "Kubernetes documentation, scheduler performance tuning: 0 is 50 % less a 125th of the nodes, at least 5 %; at least 100 nodes in any case", "Percentage of the nodes among which the feasible ones are scored; 0 adapts it to the cluster's size.";
        backoff_base: SimDuration = "1s", "1ms..10m", Documented, "kubernetes/kubernetes pkg/scheduler", "First pause of an unschedulable pod; it doubles from there.";
        backoff_max: SimDuration = "10s", "1ms..1h", Documented, "kubernetes/kubernetes pkg/scheduler", "Longest pause of an unschedulable pod.";
        backoff_flush: SimDuration = "1s", "1ms..1m", Documented, "kubernetes/kubernetes pkg/scheduler/backend/queue", "How often the scheduler looks for pods whose pause has ended.";
        unschedulable_max: SimDuration = "5m", "1s..1d", Documented, "kubernetes/kubernetes pkg/scheduler/backend/queue", "How long an unschedulable pod waits for a change that could help it before it is tried anyhow.";
        unschedulable_flush: SimDuration = "30s", "1s..1h", Documented, "kubernetes/kubernetes pkg/scheduler/backend/queue", "How often the scheduler looks for such pods.";
    }

    /// Instances, and the Auto Scaling group that replaces them.
    node_group: NodeGroupParameters {
        replace_instances: bool = "true", "", Documented, "EC2 Auto Scaling user guide: impaired instances are replaced", "Whether the Auto Scaling group replaces lost instances.";
        impaired_detection: Law = "lognormal(median 240s, p95 600s)", "0s..1d", Inferred, "EC2 Auto Scaling user guide: status checks each minute; figure proposed", "Time from the silent loss of an instance to its replacement by the group.";
        launch_time: Law = "1s", "0s..1h", Measured, "awslabs/node-latency-for-k8s README", "Time from a launch order to an instance that boots.";
        boot_time: Law = "lognormal(median 33s, p95 70s, floor 19s)", "0s..1h", Inferred, "fitted so that launch to Ready has median 38 s, 95th percentile 75 s, floor 24 s (awslabs/node-latency-for-k8s; aws/karpenter-provider-aws issues 3102, 6165)", "Time from an instance that boots to a kubelet that registers.";
        cni_time: Law = "uniform(3s, 5s)", "0s..10m", Measured, "awslabs/node-latency-for-k8s README", "Time from the kubelet's look at its VPC CNI pod to an initialised network, when the node turns Ready; from the registration, where no DaemonSet brings the network.";
        power_return_spread: Law = "uniform(0s, 5m)", "0s..1d", Inferred, "AWS event texts: machines return more slowly than power", "Time from the return of a zone's power to the start of one instance.";
        update_setup: Law = "uniform(60s, 150s)", "0s..1h", Inferred, "aws/containers-roadmap issue 1560: six new instances had appeared after 5 to 6 min; what is left beside their launch", "Time from the update of a managed node group to its first new instance.";
        update_wait: SimDuration = "0s", "0s..1h", Inferred, "aws/containers-roadmap issue 1560 saw some 20 min in 2021; the cause is not published", "Pause of such an update between its new nodes, which are Ready, and its first drain.";
        update_look: Law = "uniform(5s, 15s)", "100ms..10m", Inferred, "measured are 5 min for a node (aws-quickstart/quickstart-amazon-eks-cluster-resource-provider issue 377), more than the sum of the parts", "Pause between two looks of EKS at such an update.";
        update_drain_limit: SimDuration = "15m", "1m..1d", Documented, "awsdocs/amazon-eks-user-guide, managed-node-update-behavior", "Time in which the pods of an old node must leave: then the update fails, or deletes them where it is forced.";
        update_settle: SimDuration = "60s", "0s..1h", Documented, "awsdocs/amazon-eks-user-guide, managed-node-update-behavior", "Pause after the last pod of an old node, for load balancers to turn away.";
        terminate_time: Law = "uniform(30s, 60s)", "0s..1h", Inferred, "EC2 shuts an instance down in about a minute; no measured source", "Time from the order to terminate an old node's instance to its end.";
        launch_failure_retry: SimDuration = "30s", "1s..1h", Inferred, "proposal: the group tries again soon in another zone", "Pause of the group after a launch that found no capacity in any zone.";
    }

    /// The creation of a cluster by eksctl.
    creation: CreationParameters {
        provider_addons: bool = "false", "", Documented, "eksctl-io/eksctl pkg/cfn/builder/cluster.go: BootstrapSelfManagedAddons is false, and eksctl installs add-ons itself; in 2022 it was true", "Whether EKS puts CoreDNS, kube-proxy and the VPC CNI into a new cluster as soon as its API answers, rather than eksctl once the stack is complete.";
        regional: bool = "true", "", Measured, "easontechtalk.com: one creation in each of 17 regions, 793 to 971 s", "Whether a control plane takes as much longer or shorter than the mean as it did in its region.";
        stack_resources: Law = "uniform(15s, 30s)", "0s..1h", Inferred, "CloudFormation waits some 15 s for an IAM role; no measured source", "Time in which CloudFormation makes the roles and security groups of a cluster, or the role and launch template of a node group.";
        vpc: Law = "uniform(20s, 45s)", "0s..1h", Inferred, "a VPC, an internet gateway and subnets, one after another; NAT gateways come beside the control plane; no measured source", "Further time for a VPC, where the file names none.";
        control_plane: Law = "lognormal(median 640s, p95 750s)", "0s..1d", Inferred, "fitted: with the region's share, the first seed document's stack in Seoul was complete between 602 and 662 s (twice), and one in us-west-2 between 542 and 602 s (log of 2022)", "Time from the call that creates a control plane to its being ACTIVE, in a region that takes the mean.";
        api_share: f64 = "0.6", "0..1", Inferred, "CoreDNS was some 525 s old when the nodes of the first seed document joined, so it came some 390 s after the stack began", "Part of that time after which the API answers.";
        subnet_addresses: u64 = "6", "0..1000", Documented, "awsdocs/amazon-eks-user-guide, networking/network-reqs.adoc", "Addresses that each subnet of the control plane must have.";
        addon_applied: Law = "uniform(10s, 40s)", "0s..1h", Inferred, "no measured source", "Time from the call that creates an add-on to its objects in the API.";
        addon_active: Law = "uniform(30s, 90s)", "0s..1h", Inferred, "no measured source", "Time from that call to an ACTIVE add-on, whose pods are not simulated.";
        oidc: Law = "uniform(1s, 5s)", "0s..1h", Inferred, "a few calls; no measured source", "Time for the IAM OIDC provider.";
        role: Law = "uniform(17s, 30s)", "0s..1h", Inferred, "CloudFormation waits some 15 s for an IAM role; no measured source", "Time for a stack with an IAM role only.";
        instance_profile: Law = "uniform(115s, 130s)", "0s..1h", Inferred, "CloudFormation waits two minutes for an instance profile; no measured source", "Further time for the stack of a self-managed node group, before its Auto Scaling group.";
        auto_scaling_group: Law = "uniform(5s, 20s)", "0s..1h", Inferred, "no measured source", "Time from the order of an Auto Scaling group of one's own to its first launch.";
        managed_group: Law = "lognormal(median 75s, p95 120s)", "0s..1h", Inferred, "fitted: what is left of the 219 s of the first seed document's node group beside the role, the nodes and the pauses between questions", "Time from the call that creates a managed node group to its first launch.";
        group_look: Law = "uniform(10s, 30s)", "1s..1h", Inferred, "no measured source", "Pause between two looks of EKS at the nodes of a managed group that is being created: it is ACTIVE when all of them are Ready.";
        group_join_limit: SimDuration = "20m", "1m..1d", Measured, "terraform-aws-modules/terraform-aws-eks issue 1910: CREATE_FAILED after 21 min", "Time from the first launch after which EKS gives a managed group up whose nodes have not joined.";
        stack_look: Law = "uniform(1s, 20s)", "0s..1h", Inferred, "no measured source", "Time from a resource that is made to a stack that is complete.";
        fargate_profile: Law = "lognormal(median 150s, p95 230s)", "0s..1d", Measured, "three logs of eksctl with Fargate, whose questions double their pauses: between 127 and 255 s in two, between 63 and 127 s in one", "Time from the call that creates a Fargate profile to its being ACTIVE.";
        fargate_pause: SimDuration = "30s", "0s..1h", Documented, "eksctl-io/eksctl pkg/eks/fargate.go", "Pause of eksctl after the last Fargate profile, before it moves CoreDNS.";
        rollback: Law = "uniform(60s, 180s)", "0s..1d", Inferred, "no measured source", "Time in which CloudFormation rolls a failed stack back.";
        patience: SimDuration = "25m", "1m..1d", Documented, "eksctl-io/eksctl pkg/apis/eksctl.io/v1alpha5/types.go, DefaultWaitTimeout", "How long eksctl waits for a stack, for the API and for nodes (`--timeout`).";
        stack_question: SimDuration = "30s", "1s..1h", Documented, "eksctl-io/eksctl pkg/cfn/waiter/stack.go; AWS SDK, waiters of CloudFormation: MinDelay", "Shortest pause between two questions for a stack.";
        cluster_question: SimDuration = "60s", "1s..1h", Documented, "eksctl-io/eksctl pkg/cfn/waiter/stack.go", "Pause between two questions for the stack of a cluster, after the first two.";
        stack_question_max: SimDuration = "120s", "1s..1h", Documented, "AWS SDK, waiters of CloudFormation and EKS: MaxDelay", "Longest pause between two questions for any other stack, or for an add-on; each is drawn.";
        addon_question: SimDuration = "10s", "1s..1h", Documented, "AWS SDK, waiter of EKS add-ons: MinDelay", "Shortest pause between two questions for an add-on.";
        api_question: SimDuration = "20s", "1s..1h", Documented, "eksctl-io/eksctl pkg/eks/client.go", "Pause between two questions for the version of the API.";
        api_answers: u64 = "6", "1..1000", Documented, "eksctl-io/eksctl pkg/eks/client.go", "Answers after which eksctl takes the control plane for ready.";
        profile_question: SimDuration = "1s", "1ms..1h", Documented, "eksctl-io/eksctl pkg/utils/retry/exp_backoff.go", "First pause between two questions for a Fargate profile, or for CoreDNS on Fargate; it doubles without end.";
        call: Law = "uniform(50ms, 500ms)", "0s..1m", Measured, "the first seed document's twelve questions for a stack took 2 s in all, and nine for a Fargate profile some 4 s", "Time of one call of eksctl.";
        checks: Law = "uniform(1s, 10s)", "0s..1h", Measured, "the first seed document: 10 s once, 1 s once", "Time in which eksctl looks at kubectl and the kubeconfig at the end.";
    }

    /// Fargate: what an account may launch, and how long that takes.
    fargate: FargateParameters {
        launch_rate: f64 = "20", "0.001..100000", Documented, "docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html", "Pods per second that an account may launch on Fargate in the long run.";
        launch_burst: u64 = "20", "1..100000", Documented, "docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html: 20 in an account that launches pods of EKS only, 100 in one that launches tasks of ECS as well", "Pods that an account may launch on Fargate at once.";
        launch_retry: SimDuration = "30s", "1s..1h", Inferred, "proposal: as the retry of an Auto Scaling group", "Pause after launches that were refused, by the quota of vCPUs or for want of a zone with capacity.";
        vcpus: u64 = "4000", "1..1000000", Measured, "service quotas of Fargate: 6 in a new account, raised by use and on request; 4,000 was seen", "vCPUs that the account may have running on Fargate at a time.";
        placement_time: Law = "22s", "0s..1h", Inferred, "with `fargate.boot_time` fitted to ten starts of 53 to 62 s with an image of 413 MB (elasticscale.com, 2024) and to nodes after 30 to 45 s (aws/containers-roadmap issue 649)", "Time in which Fargate finds a host for a pod and attaches its network interface.";
        boot_time: Law = "lognormal(median 20s, p95 35.6s)", "0s..1h", Inferred, "as `fargate.placement_time`", "Time from there until the kubelet of the micro-VM registers its node.";
    }

    /// The client that submits the pods of a trace.
    pod_trace: PodTraceParameters {
        retry_backoff: SimDuration = "1s", "1ms..1h", Inferred, "assumption: a common retry setting of batch clients", "Pause of the client before it repeats a failed request, at least; at most twice as long.";
    }

    /// The VPC CNI: how many addresses it keeps on a node, and how it gets them from EC2.
    vpc_cni: VpcCniParameters {
        warm_eni_target: u64 = "1", "0..100", Documented, "aws/amazon-vpc-cni-k8s README, WARM_ENI_TARGET", "Free network interfaces that each node keeps; addresses for pods come with them.";
        warm_ip_target: u64 = "0", "0..1000", Documented, "aws/amazon-vpc-cni-k8s README, WARM_IP_TARGET: not set", "Free addresses that each node keeps, in place of free interfaces; 0 where that is not set.";
        minimum_ip_target: u64 = "0", "0..1000", Documented, "aws/amazon-vpc-cni-k8s README, MINIMUM_IP_TARGET: not set", "Addresses for pods that each node has at least, in place of free interfaces; 0 where that is not set.";
        warm_prefix_target: u64 = "1", "0..100", Documented, "aws/amazon-vpc-cni-k8s README and manifest, WARM_PREFIX_TARGET", "Free prefixes that each node keeps with prefix delegation.";
        prefix_delegation: bool = "false", "", Documented, "aws/amazon-vpc-cni-k8s README, ENABLE_PREFIX_DELEGATION", "Whether interfaces get prefixes of 16 addresses in place of single ones.";
        custom_networking: bool = "false", "", Documented, "aws/amazon-vpc-cni-k8s README, AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "Whether the primary interface of a node has no addresses for pods.";
        ip_cooldown: SimDuration = "30s", "0s..1h", Documented, "aws/amazon-vpc-cni-k8s README, IP_COOLDOWN_PERIOD", "How long the address of a pod that has ended rests before another one gets it.";
        pool_check: SimDuration = "5s", "100ms..1h", Documented, "aws/amazon-vpc-cni-k8s pkg/ipamd/ipamd.go", "How often the VPC CNI looks if a node has the addresses that it wants.";
        pool_decrease_pause: SimDuration = "30s", "0s..1h", Documented, "aws/amazon-vpc-cni-k8s pkg/ipamd/ipamd.go", "How long addresses stay as they are before the VPC CNI gives some back.";
        eni_life: SimDuration = "60s", "0s..1d", Documented, "aws/amazon-vpc-cni-k8s pkg/ipamd/datastore", "How long the VPC CNI keeps an interface at least.";
        subnet_pause: SimDuration = "120s", "0s..1d", Documented, "aws/amazon-vpc-cni-k8s pkg/ipamd/ipamd.go", "How long the VPC CNI asks for nothing after a subnet had too few addresses.";
        assign_time: Law = "uniform(200ms, 800ms)", "0s..10m", Inferred, "aws/aws-eks-best-practices, prefix mode: a prefix takes less than a second", "Time in which EC2 gives an interface more addresses or prefixes.";
        attach_time: Law = "uniform(2s, 10s)", "0s..10m", Inferred, "aws/aws-eks-best-practices, prefix mode: up to 10 s", "Time in which EC2 creates another interface and attaches it.";
        retry_base: Law = "uniform(100ms, 500ms)", "1ms..1h", Documented, "aws/amazon-vpc-cni-k8s pkg/awsutils", "First pause after an EC2 call that failed; it doubles from there.";
        retry_max: SimDuration = "60s", "1ms..1d", Documented, "aws/amazon-vpc-cni-k8s pkg/awsutils", "Longest pause after EC2 calls that failed.";
        ec2_rate: f64 = "5", "0.001..100000", Documented, "docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html, mutating actions", "Calls of one action of EC2 that an account may make in a second in the long run.";
        ec2_burst: u64 = "50", "1..100000", Documented, "docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html, mutating actions", "Calls of one action of EC2 that an account may make at once.";
    }

    /// CoreDNS, and the names that pods ask it for.
    coredns: CorednsParameters {
        names_per_second: f64 = "1", "0..100000", Inferred, "assumption: a service that keeps its connections; chatty ones ask hundreds of times as often", "Names that each ready pod asks for in a second.";
        external_share: f64 = "0.2", "0..1", Inferred, "assumption; no measured source", "Share of the names that lie outside the cluster.";
        search_queries: u64 = "4", "0..32", Documented, "aws/aws-eks-best-practices, cluster-services: ndots 5 and the search path of EKS", "Further look-ups along the search path for a name outside the cluster.";
        both_families: bool = "true", "", Documented, "resolv.conf(5): A and AAAA are asked for", "Whether every look-up is two queries, for IPv4 and IPv6.";
        upstream_queries: u64 = "2", "1..32", Inferred, "the name itself and the one with the region's compute.internal; CoreDNS answers the others from the cluster's domain", "Look-ups for a name outside the cluster that CoreDNS hands on to the VPC's resolver.";
        cache_hits: f64 = "0.9", "0..1", Inferred, "assumption: names that are asked for again within the 30 s for which CoreDNS remembers them", "Share of those that CoreDNS answers from its cache.";
        core_rate: f64 = "17000", "1..10000000", Measured, "coredns/deployment, kubernetes/Scaling_CoreDNS.md: 33,669 a second on two vCPUs", "Queries that CoreDNS answers in a second with a vCPU of its own.";
        cores: f64 = "2", "0.01..128", Measured, "coredns/deployment, kubernetes/Scaling_CoreDNS.md: 1.9 of two vCPUs; its pods have no CPU limit", "vCPUs that a replica of CoreDNS gets when it needs them.";
        resolver_packets: u64 = "1024", "1..1000000", Documented, "aws/aws-eks-best-practices, monitoring: linklocal_allowance_exceeded", "Packets that the VPC's resolver takes from a network interface in a second; it drops others.";
        client_timeout: SimDuration = "5s", "100ms..1m", Documented, "resolv.conf(5): timeout", "How long a pod waits for the answer to a query before it asks again.";
        client_attempts: u64 = "2", "1..10", Documented, "resolv.conf(5): attempts", "How often a pod asks in all.";
    }

    /// Images: their size, and what bounds their way to a node.
    image: ImageParameters {
        size_mib: u64 = "60", "0..100000", Inferred, "a small image: pulled alone it takes the 0.5 to 3 s of 40 to 80 MiB/s", "Size of an image as it is downloaded, MiB, where its workload does not say.";
        unpacked: f64 = "3", "1..100", Measured, "an image of 3 GB that is 9 GB unpacked (knechtions, 2026)", "Size of an image's layers when they are unpacked, as a multiple of what is downloaded.";
        layers: u64 = "8", "1..127", Inferred, "a usual Dockerfile; no measured source", "Layers of an image: each is asked for, and the last one is unpacked when all are there.";
        request_time: Law = "uniform(0.1s, 0.4s)", "0s..10m", Inferred, "a few requests, one after another, of some tens of milliseconds each", "Time until the registry has answered for a pull: token, manifest, configuration.";
        layer_rate: f64 = "85", "0.001..100000", Documented, "Amazon S3 user guide, performance guidelines: 85 to 90 MB/s for one request", "What one connection to a registry brings, MiB a second.";
        parallel_layers: u64 = "3", "1..100", Documented, "containerd/containerd, max_concurrent_downloads", "Layers of an image that are downloaded at once.";
        node_bandwidth: f64 = "600", "0.001..100000", Inferred, "instances of up to 16 vCPUs have 5 to 10 Gbit/s for some minutes; their sustained bandwidth is lower", "What a node's network brings for all its pulls together, MiB a second.";
        unpack_rate: f64 = "125", "0.001..100000", Documented, "EBS user guide: baseline throughput of gp3", "What a node's disk takes of unpacked layers, MiB a second, all pulls together.";
        serialize_pulls: bool = "false", "", Documented, "awslabs/amazon-eks-ami: serializeImagePulls is false; the kubelet's own default is true", "Whether a kubelet pulls one image after another.";
        parallel_pulls_max: u64 = "0", "0..1000", Documented, "kubernetes/kubernetes, KubeletConfiguration, maxParallelImagePulls: not set", "Images that a node pulls at once where it does not pull one after another; 0 for any number.";
        registry_qps: f64 = "5", "0.001..100000", Documented, "kubernetes/kubernetes, KubeletConfiguration, registryPullQPS", "Pulls that a kubelet begins in a second in the long run; one beyond is refused, and its pod backs off.";
        registry_burst: u64 = "10", "1..100000", Documented, "kubernetes/kubernetes, KubeletConfiguration, registryBurst", "Pulls that a kubelet begins at once.";
        ecr_token_rate: f64 = "500", "0.001..1000000", Documented, "Amazon ECR user guide, service quotas: GetAuthorizationToken", "Tokens that ECR gives to an account in a second.";
        ecr_token_life: SimDuration = "12h", "1m..1d", Documented, "Amazon ECR user guide, registry authentication", "How long a node uses its token for ECR.";
        ecr_manifest_rate: f64 = "2000", "0.001..1000000", Documented, "Amazon ECR user guide, service quotas: BatchGetImage", "Manifests that ECR gives to an account in a second.";
        ecr_layer_rate: f64 = "3000", "128..1000000", Documented, "Amazon ECR user guide, service quotas: GetDownloadUrlForLayer", "Layers for which ECR gives a way to download them to an account in a second.";
        public_pulls: u64 = "100", "0..1000000", Documented, "docs.docker.com/docker-hub/usage: anonymous pulls of an IPv4 address in 6 hours", "Pulls that a public registry lets each address do in a period; 0 without a limit, as with a paid account.";
        public_period: SimDuration = "6h", "1s..30d", Documented, "docs.docker.com/docker-hub/usage", "The period of a public registry's limit; what was used comes back evenly.";
    }

    /// The start and end of a pod on its node.
    pod: PodParameters {
        sandbox_time: Law = "uniform(0.3s, 1.5s)", "0s..10m", Inferred, "part of the pod start level of 5 s", "Time for a pod's sandbox and address.";
        start_time: Law = "uniform(0.2s, 1s)", "0s..1h", Inferred, "part of the pod start level of 5 s", "Time to create and start a pod's containers.";
        readiness_delay: Law = "uniform(0s, 10s)", "0s..1h", Documented, "kubernetes/kubernetes, probe defaults: period 10 s, no initial delay", "Time from a running container to its first passed readiness probe.";
        termination_grace: SimDuration = "30s", "0s..1h", Documented, "Kubernetes API, terminationGracePeriodSeconds", "Time that a deleted pod takes to go, at most.";
        endpoint_propagation: Law = "uniform(1s, 3s)", "0s..10m", Documented, "aws/aws-eks-best-practices, cluster-services: 1 to 10 s by cluster size", "Time from a written EndpointSlice to kube-proxies that act on it.";
    }

    /// What the account pays. A price is known by region; elsewhere that of us-east-1 is scaled.
    cost: CostParameters {
        date: Date = "2026-11-20", "", Documented, "the day on which the prices and the calendar of versions in this release were read", "The day of the run, all of it: it decides whether the Kubernetes version is in standard or in extended support.";
        month: SimDuration = "730h", "1h..744h", Documented, "AWS's pricing calculator: 8,760 hours in twelve months", "The length of the month to which costs are scaled.";
        other_regions: f64 = "1.12", "0..10", Inferred, "proposal between 1 (regions as cheap as us-east-1) and the 1.13 to 1.25 of ap-northeast-2; 0: no price is known", "Prices of a region whose own are not known, as a multiple of those of us-east-1.";
        spot_share: f64 = "0.4", "0..1", Measured, "skypilot-org/skypilot-catalog, one snapshot: 13 to 82 % off by type and zone, mostly 53 to 67 %", "Price of a Spot instance as a share of its On-Demand price.";
        instance_minimum: SimDuration = "60s", "0s..1h", Documented, "EC2 pricing: Linux by the second, a minute at least", "Time that an instance is billed for at least.";
        volume_gib: u64 = "80", "0..16384", Documented, "eksctl's default of volumeSize", "Size of a node's root volume where the cluster's file has none.";
        volume_gb_month: Price = "us-east-1 0.08, ap-northeast-2 0.0912", "0..1000", Documented, "AWS price lists: EBS gp3 with 3,000 IOPS and 125 MiB/s", "Price of a GiB of root volume for a month.";
        nat_gateway_hour: Price = "us-east-1 0.045, ap-northeast-2 0.059", "0..1000", Documented, "AWS price lists; a bill of 611 h in ap-northeast-2 has 36.05 USD", "Price of a NAT gateway for an hour.";
        nat_gb: Price = "us-east-1 0.045, ap-northeast-2 0.059", "0..1000", Documented, "AWS price lists; a bill of 8.90 GB in ap-northeast-2 has 0.52 USD", "Price of a GB that a NAT gateway processes.";
        nat_gb_per_hour: f64 = "1", "0..1000000", Inferred, "assumption: image pulls, logs and calls of AWS's APIs; not simulated", "GB an hour through all NAT gateways together.";
        vpc_endpoint_hour: Price = "us-east-1 0.01", "0..1000", Documented, "AWS PrivateLink pricing: for each endpoint and zone; gateway endpoints (S3) are free", "Price of an interface endpoint in one zone for an hour.";
        public_address_hour: Price = "us-east-1 0.005, ap-northeast-2 0.005", "0..1000", Documented, "VPC pricing: public IPv4 addresses, in use or not", "Price of a public IPv4 address for an hour: of nodes in public subnets, and of NAT gateways.";
        load_balancers: u64 = "0", "0..10000", Inferred, "assumption: load balancers of Services and Ingresses are not simulated", "Load balancers that the account pays for.";
        load_balancer_hour: Price = "us-east-1 0.0225, ap-northeast-2 0.0225", "0..1000", Documented, "AWS price lists, ALB and NLB; another reading of 2026 has 0.025 for ap-northeast-2", "Price of a load balancer for an hour, without its capacity units.";
        cross_zone_gb: Price = "us-east-1 0.01, ap-northeast-2 0.01", "0..1000", Documented, "EC2 pricing: data transfer between zones, billed to both sides", "Price of a GB between zones, for each of its two sides.";
        pod_gb_per_hour: f64 = "1", "0..1000000", Inferred, "assumption: traffic of applications is not simulated", "GB an hour between pods; as much of it crosses zones as nodes are spread over them.";
        fargate_vcpu_hour: Price = "us-east-1 0.04048, ap-northeast-2 0.04656", "0..1000", Documented, "AWS price lists: Fargate, Linux on x86", "Price of a Fargate vCPU for an hour; with the memory's it also divides an instance's price between CPU and memory.";
        fargate_gb_hour: Price = "us-east-1 0.004445, ap-northeast-2 0.00511", "0..1000", Documented, "AWS price lists: Fargate, Linux on x86", "Price of a GB of Fargate memory for an hour.";
        fargate_minimum: SimDuration = "60s", "0s..1h", Documented, "Fargate pricing: by the second, a minute at least", "Time that a Fargate pod is billed for at least.";
        fargate_overhead_mib: u64 = "256", "0..4096", Documented, "awsdocs/amazon-eks-user-guide, fargate-pod-configuration: kubelet, kube-proxy and containerd", "Memory that is added to a Fargate pod's requests before they are rounded up, MiB.";
    }
}

impl EtcdParameters {
    /// The time in which a member is sent so many bytes of the database.
    pub fn transfer_time(&self, bytes: u64) -> SimDuration {
        SimDuration::from_secs_f64(bytes as f64 / f64::from(1 << 20) / self.catch_up_rate)
    }
}

impl Parameters {
    /// The value of one parameter as a user would write it; `None` if there is no such path.
    pub fn get(&self, path: &str) -> Option<String> {
        declaration(path).map(|declared| (declared.get)(self))
    }

    /// Sets one parameter from its text.
    ///
    /// # Errors
    /// `ValueError::NoSuchParameter` for an unknown path, otherwise what is wrong with the value.
    pub fn set(&mut self, path: &str, text: &str) -> Result<(), ValueError> {
        let declared = declaration(path).ok_or_else(|| ValueError::NoSuchParameter { path: path.to_owned() })?;
        (declared.set)(self, text)
    }

    /// The same parameters with every law replaced by its median and no jitter: times can be checked by hand.
    pub fn still(mut self) -> Self {
        for declared in DECLARATIONS {
            (declared.still)(&mut self);
        }
        self.network.jitter = 0.0;
        self
    }
}

/// The declaration at a path, `group.name`.
pub fn declaration(path: &str) -> Option<&'static Declaration> {
    DECLARATIONS.iter().find(|declared| declared.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_valid_in_range_and_sourced() {
        for declared in DECLARATIONS {
            let mut parameters = Parameters::default();
            let set = parameters.set(declared.path, declared.default);
            assert!(set.is_ok(), "{}: {:?}", declared.path, set);
            assert_eq!(parameters, Parameters::default(), "{}", declared.path);
            assert!(!declared.source.is_empty() && declared.governs.ends_with('.'), "{}", declared.path);
        }
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        let parameters = Parameters::default();
        for declared in DECLARATIONS {
            let shown = parameters.get(declared.path).expect("declared");
            let mut again = Parameters::default();
            again.set(declared.path, &shown).expect("shown values are valid");
            assert_eq!(again, parameters, "{}: {shown}", declared.path);
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range() {
        let error = Parameters::default().set("etcd.election_timeout", "90s").expect_err("above 50 s");
        assert!(error.to_string().contains("10ms..50s"), "{error}");
    }
}
