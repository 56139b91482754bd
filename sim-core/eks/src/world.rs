//! The world: all stations, and who answers which event.

use crate::aim::{Aim, Caller, ClientClass, Outcome, Work};
use crate::cluster::ClusterState;
use crate::event::{Event, Future, Part};
use crate::ids::{ApiServerId, Component, MemberId};
use crate::journeys::coredns::coredns_of;
use crate::journeys::etcd_balancing::first_routes;
use crate::journeys::etcd_replacement::MemberReplacement;
use crate::journeys::etcd_storage::{Runaway, runaways};
use crate::journeys::image_pull::registry_limits;
use crate::journeys::server_life::parameters_of;
use crate::journeys::upgrade::kind_at_start;
use crate::journeys::vpc_cni::pool_settings;
use crate::journeys::workload::worker_entity;
use crate::parameters::Parameters;
use crate::placement::{CONTROL_PLANE_ZONES, Placement};
use crate::plan::{ExternalClient, Plan, ZoneId};
use crate::probes::{Cause, Gauge, Outage, Probes};
use crate::stations::clients::audience::Audience;
use crate::stations::clients::backoff::Backoff;
use crate::stations::clients::streams::Streams;
use crate::stations::clients::workload::{Process, Worker};
use crate::stations::compute::kubelet::Kubelet;
use crate::stations::compute::vpc_cni::PoolSettings;
use crate::stations::control_plane::webhooks::Webhooks;
use crate::stations::control_plane::{
    ApiServer, Database, Etcd, EtcdMachines, Fleet, Journal, LeaderLease, LogVolumes, Nlb, Requests, Scaling,
};
use crate::stations::external_client::External;
use crate::stations::network::{
    Addresses, Connections, Distances, Dns, DnsView, Ec2Api, Interfaces, Origin, Place, SiteId, Vpc, Zones,
};
use crate::stations::services::bill::Bill;
use crate::stations::services::coredns::CoreDns;
use crate::stations::services::creation::Creation;
use crate::stations::services::identity::{Sts, TokenCache};
use crate::stations::services::registry::Registries;
use crate::stations::submitter::Submitter;
use sim_kernel::{Calendar, Lane, Law, Model, RunKey, SimDuration, SimTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that exists in a run.
#[derive(Clone)]
pub struct World {
    /// What is run.
    pub(crate) plan: Arc<Plan>,
    /// The key of every random draw.
    pub(crate) key: RunKey,
    /// Distances and power.
    pub(crate) zones: Zones,
    /// The VPC: who is where, routes, the packet filter, the endpoint's access.
    pub(crate) vpc: Vpc,
    /// The last change of who may reach the endpoint: what closed ways name as their cause.
    pub(crate) vpc_story: Cause,
    /// Which sites were said to have no way to the endpoint, by the facts that say so.
    pub(crate) site_stories: Vec<(SiteId, Cause)>,
    /// The beginnings of the steps of the plan in the VPC, by their indices.
    pub(crate) vpc_faults: Vec<(u32, Cause)>,
    /// The streams of `kubectl exec`.
    pub(crate) streams: Streams,
    /// The interfaces that EKS owns in the cluster's subnets.
    pub(crate) interfaces: Interfaces,
    /// The calls to EC2 that the account of the nodes may make.
    pub(crate) ec2: Ec2Api,
    /// By node group: what the VPC CNI is told.
    pub(crate) pool_settings: Vec<PoolSettings>,
    /// The DNS server of the cluster.
    pub(crate) coredns: CoreDns,
    /// Who images come from.
    pub(crate) registries: Registries,
    /// By subnet: why nodes do not get the addresses that they ask for.
    pub(crate) address_stories: Vec<Cause>,
    /// Name resolution of the endpoint.
    pub(crate) dns: Dns,
    /// The load balancer in front of the API servers.
    pub(crate) nlb: Nlb,
    /// The API servers.
    pub(crate) api_servers: Vec<ApiServer>,
    /// The instances that run the API servers.
    pub(crate) fleet: Fleet,
    /// How loaded a standard control plane has been.
    pub(crate) scaling: Scaling,
    /// What the account pays for.
    pub(crate) bill: Bill,
    /// The etcd cluster.
    pub(crate) etcd: Etcd,
    /// Who reviews writes.
    pub(crate) webhooks: Webhooks,
    /// Who vouches for IAM tokens.
    pub(crate) sts: Sts,
    /// The identities that the API servers remember, by server.
    pub(crate) token_caches: Vec<TokenCache>,
    /// The machines that its members run on.
    pub(crate) etcd_machines: EtcdMachines,
    /// The members of etcd that are cut off from all others, by the steps of the plan that did it.
    pub(crate) etcd_cuts: Vec<(u32, Vec<MemberId>, Cause)>,
    /// By member: its zone.
    pub(crate) etcd_places: Vec<ZoneId>,
    /// By member: how far its replacement has come, if it is replaced.
    pub(crate) etcd_replacements: Vec<Option<MemberReplacement>>,
    /// The latest turn of what passes between the members of etcd, to be named as a cause.
    pub(crate) etcd_story: Cause,
    /// The member that each API server's connection leads to, where they go through a balancer.
    pub(crate) etcd_routes: Vec<MemberId>,
    /// The journal that takes their place, where one does.
    pub(crate) journal: Journal,
    /// The volumes of their logs.
    pub(crate) etcd_volumes: LogVolumes,
    /// What its members hold.
    pub(crate) database: Database,
    /// Size of the largest file of it, GB.
    pub(crate) database_gauge: Gauge,
    /// Clients that fill it.
    pub(crate) runaways: Vec<Runaway>,
    /// The fact that tells of them.
    pub(crate) fill_cause: Cause,
    /// The repair that is under way: the fact that tells of it, and the members that are still to be defragmented.
    pub(crate) repairing: Option<(Cause, Vec<MemberId>)>,
    /// The leases of the components, by component.
    pub(crate) leases: Vec<LeaderLease>,
    /// Why each component's holder cannot renew.
    pub(crate) leadership_causes: Vec<Cause>,
    /// Connections of all clients.
    pub(crate) connections: Connections,
    /// The loopback connections, by component and server.
    pub(crate) loopbacks: Vec<Vec<u32>>,
    /// The components as clients, by component and server.
    pub(crate) components: Vec<Vec<ComponentClient>>,
    /// Requests in flight.
    pub(crate) requests: Requests,
    /// The kubelets, by node.
    pub(crate) kubelets: Vec<Kubelet>,
    /// Administrators and CI systems.
    pub(crate) externals: Vec<External>,
    /// The client that submits the pods of a trace.
    pub(crate) submitter: Submitter,
    /// Processes of workload clients.
    pub(crate) processes: Vec<Process>,
    /// The processes on each node.
    pub(crate) processes_on: Vec<Vec<u32>>,
    /// Workers of those processes.
    pub(crate) workers: Vec<Worker>,
    /// Who watches, by server.
    pub(crate) audiences: Vec<Audience>,
    /// Nodes, pods, deployments, node groups and the controllers that act on them.
    pub(crate) cluster: ClusterState,
    /// The tasks of its creation, where it is created in the run.
    pub(crate) creation: Option<Creation>,
    /// Deadlines that are nearly always met.
    pub(crate) lanes: Lanes,
    /// The part of the control plane that each step of the plan struck.
    pub(crate) struck: Vec<Option<Part>>,
    /// The faults of the plan that last, and their ends.
    pub(crate) open_steps: Vec<(SimTime, u32)>,
    /// By zone: the latest turn of what happened to it, to be named as a cause.
    pub(crate) stories: Vec<Cause>,
    /// The parts that steps of the plan hold down, whether they have power or not, and which step it is.
    pub(crate) held_down: Vec<(Part, u32)>,
    /// What the latest 429 told its client to wait.
    pub(crate) retry_after: SimDuration,
    /// By deployment: the first one of the same namespace.
    pub(crate) namespaces: Vec<u32>,
    /// When the first fault struck.
    pub(crate) first_fault: Option<SimTime>,
    /// Longest time from an etcd leader's death to the next one.
    pub(crate) election_time: Option<SimDuration>,
    /// Longest time without an acting controller manager.
    pub(crate) failover_time: Option<SimDuration>,
    /// Writes that died with an etcd leader.
    pub(crate) etcd_writes_lost: u64,
    /// What is measured.
    pub(crate) probes: Probes,
}

/// A component on an API server instance as a client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ComponentClient {
    /// Requests so far: the ordinal of their draws.
    requests: u32,
    /// Times in which it had nothing but failures.
    outage: Outage,
    /// What a new leader among its candidates has for its start.
    pub(crate) start: Start,
}

/// What a new leader has: it acts when it has both, in the generation of its candidate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// Its first lists.
    pub(crate) listed: Option<u32>,
    /// Its time to start.
    pub(crate) ready: Option<u32>,
    /// The pauses of its lists.
    pub(crate) backoff: Backoff,
}

/// The lanes of the calendar: deadlines of equal length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes {
    heartbeat: Patience,
    kubelet: Patience,
    controllers: Patience,
    leadership: Patience,
    /// Of clients that set no time-out.
    servers: Patience,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// In all.
    pub(crate) lane: Lane,
    /// In the queue of a priority level.
    pub(crate) in_queue: Lane,
    /// Whether it is its client's own, which tells the server of it, rather than the server's.
    pub(crate) is_clients: bool,
}

impl Lanes {
    fn new(plan: &Plan, future: &mut Future) -> Self {
        let parameters = &plan.parameters;
        let most = parameters.api_server.request_timeout;
        let mut patience = |whole: SimDuration, is_clients| Patience {
            lane: future.lane(whole),
            in_queue: future.lane(whole.min(most).scaled(parameters.flow_control.queue_wait_share)),
            is_clients,
        };
        Lanes {
            heartbeat: patience(parameters.kubelet.heartbeat_timeout, true),
            kubelet: patience(parameters.kubelet.request_timeout, true),
            controllers: patience(parameters.controllers.request_timeout, true),
            // client-go gives the leader election client half of the renew deadline.
            leadership: patience(parameters.leader_election.renew_deadline / 2, true),
            servers: patience(most, false),
        }
    }

    /// The patience with a request; `kubectl` has none of its own.
    pub(crate) fn patience(&self, caller: Caller, aim: Aim) -> Patience {
        match (caller, aim) {
            (Caller::Kubelet(_), Aim::RenewLease(_) | Aim::ReportStatus(_) | Aim::RegisterNode(_)) => self.heartbeat,
            (Caller::Kubelet(_), _) => self.kubelet,
            (
                Caller::Component(..),
                Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..),
            ) => self.leadership,
            (Caller::Component(..), _) => self.controllers,
            (Caller::External(_) | Caller::Workload(_), _) => self.servers,
            (Caller::Submitter(_) | Caller::Churn(_), _) => self.controllers,
        }
    }
}

/// The distances between the plan's zones: those that were measured, unless the user says otherwise.
fn distances(plan: &Plan, key: RunKey) -> Distances {
    let network = &plan.parameters.network;
    let is_set = network.rtt_between_zones != Parameters::default().network.rtt_between_zones;
    match network.regional_distances && !is_set {
        true => Distances::of(&plan.cluster.region, plan.cluster.zones.len(), key),
        false => Distances::unknown(),
    }
}

impl World {
    /// The world of a plan in its steady state, with everything scheduled that keeps it going.
    pub(crate) fn new(plan: Arc<Plan>, placement: &Placement, key: RunKey, future: &mut Future) -> Self {
        let parameters = &plan.parameters;
        let zones = plan.cluster.zones.len();
        let vpc = Vpc::new(&plan);
        let mut externals = externals(&plan, &vpc);
        let runaways = runaways(&plan, externals.len());
        externals.extend(runaways.iter().map(|_| External::new(ExternalClient::Ci, ON_CONTROL_PLANE)));
        let servers = placement.api_servers.clone();
        let cluster = ClusterState::new(&plan, |group, zone| vpc.lets_join(&plan, group, zone));
        let interfaces = Interfaces::of_servers(vpc.network(), &servers);
        let ways_in: Vec<&Law> =
            externals.iter().map(|external| vpc.way_in(external.origin.site, &parameters.network)).collect();
        let views = views(&vpc, zones, &externals);
        let nlb = Nlb::new(zones, &servers, &parameters.nlb);
        let addresses = Addresses::of(nlb.zones());
        let holder =
            servers.iter().position(|zone| *zone == placement.controllers).expect("controllers run on an API server");
        let lease = || LeaderLease::new(ApiServerId(holder as u8), servers.len() as u8, &parameters.leader_election);
        let members = CONTROL_PLANE_ZONES;
        let instance = parameters_of(&plan, kind_at_start(&plan));
        let explicit = plan.modes.explicit_heartbeats;
        let mut world = World {
            zones: Zones::new(zones, &ways_in, &distances(&plan, key), &parameters.network, key),
            vpc,
            dns: Dns::new((addresses, interfaces.named()), &views, zones, &parameters.dns, key),
            vpc_story: None,
            site_stories: Vec::new(),
            vpc_faults: Vec::new(),
            interfaces,
            ec2: Ec2Api::new(parameters.vpc_cni.ec2_rate, parameters.vpc_cni.ec2_burst),
            pool_settings: pool_settings(&plan),
            coredns: CoreDns::new(coredns_of(&plan)),
            registries: Registries::new(&registry_limits(&plan)),
            address_stories: vec![None; plan.cluster.network.subnets.len()],
            streams: Streams::default(),
            nlb,
            api_servers: servers.iter().map(|zone| ApiServer::new(*zone, members as usize, &instance)).collect(),
            fleet: Fleet::new(servers.len(), kind_at_start(&plan)),
            scaling: Scaling::default(),
            bill: Bill::new(
                plan.cluster.node_groups.len(),
                zones,
                SimTime::ZERO + plan.warm_up,
                parameters.cost.instance_minimum,
            )
            .with_fargate(plan.cluster.fargate_profiles.len(), parameters.cost.fargate_minimum),
            webhooks: Webhooks::new(&plan.webhooks),
            sts: Sts::default(),
            token_caches: vec![TokenCache::default(); servers.len()],
            etcd_machines: EtcdMachines::new(members, &parameters.etcd),
            etcd: Etcd::new(members, MemberId(placement.etcd_leader.0), &parameters.etcd, explicit, key),
            etcd_cuts: Vec::new(),
            etcd_places: (0..members).map(ZoneId).collect(),
            etcd_replacements: vec![None; members as usize],
            etcd_story: None,
            etcd_routes: first_routes(servers.len(), members, key),
            journal: Journal::new(parameters.etcd.journal_partitions),
            etcd_volumes: LogVolumes::new(members, &parameters.etcd),
            database: Database::new(members, 0, 0),
            database_gauge: Gauge::new(0.0, plan.window(), SimTime::ZERO + plan.warm_up),
            runaways,
            fill_cause: None,
            repairing: None,
            leases: Component::ALL.map(|_| lease()).to_vec(),
            leadership_causes: vec![None; Component::ALL.len()],
            connections: Connections::default(),
            loopbacks: Vec::new(),
            components: vec![vec![ComponentClient::default(); servers.len()]; Component::ALL.len()],
            requests: Requests::default(),
            kubelets: Vec::new(),
            externals,
            submitter: Submitter::default(),
            processes: Vec::new(),
            processes_on: Vec::new(),
            workers: Vec::new(),
            audiences: vec![Audience::default(); servers.len()],
            cluster,
            creation: tasks(&plan),
            lanes: Lanes::new(&plan, future),
            struck: vec![None; plan.steps.len()],
            open_steps: Vec::new(),
            stories: vec![None; zones],
            held_down: Vec::new(),
            retry_after: SimDuration::ZERO,
            namespaces: namespaces(&plan),
            first_fault: None,
            election_time: None,
            failover_time: None,
            etcd_writes_lost: 0,
            probes: Probes::new(&plan),
            plan,
            key,
        };
        world.begin(future);
        world
    }

    /// Everything that goes on by itself begins, somewhere in its rounds.
    fn begin(&mut self, future: &mut Future) {
        for component in Component::ALL {
            let loopbacks = self.server_ids().map(|server| self.open_loopback(component, server)).collect();
            self.loopbacks.push(loopbacks);
        }
        self.address_pools_begin(future);
        self.bill_begins();
        self.checks_run(future);
        self.note_locked_out(SimTime::ZERO);
        self.scaling_runs(future);
        self.kubelets_run(future);
        self.identities_are_known();
        self.workloads_run(future);
        self.candidates_run(future);
        for component in Component::ALL {
            self.component_acts(SimTime::ZERO, component, future);
        }
        for client in 0..self.externals.len() as u32 {
            self.external_waits(SimTime::ZERO, client, future);
        }
        self.webhooks_are_listed();
        self.dns_begins();
        self.daemon_sets_wait(future);
        self.creation_begins(future);
        self.jobs_wait(future);
        self.gates_at_start(future);
        self.pod_trace_begins(future);
        self.churn_begins(future);
        self.cluster_autoscaler_begins(future);
        self.await_step(0, future);
        self.etcd_storage_begins(future);
        self.etcd_turn(SimTime::ZERO, None, future, |etcd, turn| etcd.begin(turn));
    }

    /// The API servers' ids.
    pub(crate) fn server_ids(&self) -> impl Iterator<Item = ApiServerId> + use<> {
        (0..self.api_servers.len() as u8).map(ApiServerId)
    }

    /// The API servers in a zone, alive or not.
    pub(crate) fn servers_in(&self, zone: ZoneId) -> Vec<ApiServerId> {
        self.server_ids().filter(|server| self.api_servers[server.index()].zone == zone).collect()
    }

    /// Whether a step of the plan holds a part of the control plane down.
    pub(crate) fn is_held_down(&self, part: Part) -> bool {
        self.held_down.iter().any(|(held, _)| *held == part)
    }

    /// The name of a zone.
    pub(crate) fn zone_name(&self, zone: ZoneId) -> String {
        self.plan.cluster.zones[zone.index()].name.clone()
    }

    /// The entity and ordinal of the draws of a caller's next request.
    pub(crate) fn identity(&mut self, caller: Caller) -> (u64, u64) {
        let (entity, count) = match caller {
            Caller::Churn(turn) => return (5 << 32 | u64::from(turn), 0),
            Caller::Submitter(row) => return (4 << 32 | u64::from(row), u64::from(self.submitter.next_request(row))),
            Caller::Kubelet(node) => (u64::from(node.0), &mut self.kubelets[node.index()].requests),
            Caller::Component(component, server) => {
                let count = &mut self.components[component.index()][server.index()].requests;
                (1 << 32 | (component.index() as u64) << 8 | u64::from(server.0), count)
            }
            Caller::Workload(worker) => (worker_entity(worker), &mut self.workers[worker as usize].requests),
            Caller::External(client) => (2 << 32 | u64::from(client), &mut self.externals[client as usize].requests),
        };
        *count += 1;
        (entity, u64::from(*count))
    }

    /// A write is in etcd: what it changes, changes.
    pub(crate) fn committed(&mut self, now: SimTime, aim: Aim, begun: SimTime, cause: Cause, future: &mut Future) {
        self.fan_out(now, aim, future);
        match aim {
            Aim::RenewLeadership(..) | Aim::AcquireLeadership(..) => self.leadership_committed(now, aim, begun, future),
            Aim::ReadLeadership(..) | Aim::Get(_) | Aim::List(_) | Aim::Apply(_) | Aim::Workload(..) => {}
            _ => self.cluster_committed(now, aim, cause, future),
        }
    }

    /// A request has ended for its caller, who goes on from there.
    pub(crate) fn answered(
        &mut self,
        now: SimTime,
        caller: Caller,
        aim: Aim,
        outcome: Outcome,
        cause: Cause,
        future: &mut Future,
    ) {
        match (caller, aim) {
            (Caller::Kubelet(node), Aim::RenewLease(_) | Aim::ReportStatus(_) | Aim::RegisterNode(_)) => {
                self.kubelet_answered(now, node, aim, outcome, cause, future);
            }
            (Caller::Submitter(_) | Caller::Churn(_), _) => self.submitter_answered(now, caller, aim, outcome, future),
            (Caller::Kubelet(node), Aim::ListWatched(_) | Aim::BeginWatches(_)) => {
                self.kubelet_watch_answered(now, node, aim, outcome, future);
            }
            (Caller::Workload(worker), _) => self.workload_answered(now, worker, aim, outcome, future),
            (_, Aim::FillInformers(component, server)) => {
                self.informers_filled(now, component, server, outcome, future);
            }
            (Caller::External(client), _) => self.external_answered(now, client, aim, outcome, cause, future),
            (_, Aim::RenewLeadership(..) | Aim::ReadLeadership(..) | Aim::AcquireLeadership(..)) => {
                self.leadership_answered(now, aim, outcome, cause, future);
            }
            _ => self.cluster_answered(now, aim, outcome, cause, future),
        }
    }

    /// Keeps the longest time in which one living client had nothing but failures.
    pub(crate) fn note_outage(&mut self, now: SimTime, begun: SimTime, caller: Caller, aim: Aim, outcome: Outcome) {
        let kind = self.kind_of(caller);
        if let Some(kind) = kind {
            self.probes.clients.ends(now, begun, kind, outcome);
        }
        if aim.work() == Work::Cached && outcome == Outcome::Succeeded {
            return; // what a cache answers tells nothing of an API that works
        }
        let outage = match caller {
            Caller::Kubelet(node) => &mut self.kubelets[node.index()].outage,
            Caller::Submitter(_) | Caller::Churn(_) => &mut self.submitter.outage,
            Caller::Workload(worker) => &mut self.workers[worker as usize].outage,
            Caller::External(client) => &mut self.externals[client as usize].outage,
            Caller::Component(component, server) => &mut self.components[component.index()][server.index()].outage,
        };
        match outcome {
            Outcome::Succeeded | Outcome::Withheld => {
                if let Some(lasted) = outage.succeeded(now) {
                    self.probes.requests.outage(aim.class(), lasted);
                    if let Some(kind) = kind {
                        self.probes.clients.outage(kind, lasted);
                    }
                }
            }
            Outcome::Abandoned => outage.ends(),
            _ => outage.failed(begun),
        }
    }

    /// Which of the plan's kinds of clients a caller is, if it is one.
    fn kind_of(&self, caller: Caller) -> Option<usize> {
        let Caller::External(client) = caller else { return None };
        Some(self.vpc.kind_of(self.externals[client as usize].origin.site))
    }

    /// The outages that last at the end count up to the end.
    pub(crate) fn close_outages(&mut self, end: SimTime) {
        let kubelets = self.kubelets.iter().map(|kubelet| (ClientClass::Kubelet, kubelet.outage));
        let components = self.components.iter().flatten().map(|client| (ClientClass::Controllers, client.outage));
        let externals = self.externals.iter().map(|external| (external.class.into(), external.outage));
        let workers = self.workers.iter().map(|worker| (ClientClass::Workload, worker.outage));
        let submitter = std::iter::once((ClientClass::Ci, self.submitter.outage));
        for (class, outage) in kubelets.chain(components).chain(externals).chain(submitter).chain(workers) {
            if let Some(lasted) = outage.lasts(end) {
                self.probes.requests.outage(class, lasted);
            }
        }
        for external in &self.externals {
            if let Some(lasted) = external.outage.lasts(end) {
                self.probes.clients.outage(self.vpc.kind_of(external.origin.site), lasted);
            }
        }
    }
}

/// Where a client is that no rule and no route concerns.
const ON_CONTROL_PLANE: Origin = Origin { place: Place::Zone(ZoneId(0)), site: SiteId::CONTROL_PLANE };

/// The clients of a plan, each where it is.
fn externals(plan: &Plan, vpc: &Vpc) -> Vec<External> {
    let mut externals = Vec::new();
    for (kind, client) in plan.clients.iter().enumerate() {
        let site = vpc.client(kind);
        for _ in 0..client.count {
            let place = vpc.zone_of(site).map_or(Place::Internet(externals.len() as u32), Place::Zone);
            externals.push(External::new(client.class, Origin { place, site }));
        }
    }
    externals
}

/// Which answer each resolver gets: those of the zones, then those of the external clients.
fn views(vpc: &Vpc, zones: usize, externals: &[External]) -> Vec<DnsView> {
    let hosts = externals.iter().map(|external| vpc.view(external.origin.site));
    std::iter::repeat_n(vpc.view_inside(), zones).chain(hosts).collect()
}

/// The tasks of the plan's creation, if it has one.
fn tasks(plan: &Plan) -> Option<Creation> {
    plan.creation.as_ref().map(|creation| Creation::new(creation.tasks.iter().map(|task| task.after.clone())))
}

/// By deployment: the first one of the same namespace.
fn namespaces(plan: &Plan) -> Vec<u32> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let numbered = (0..).zip(&plan.deployments);
    numbered.map(|(index, planned)| *seen.entry(planned.namespace.as_str()).or_insert(index)).collect()
}

impl Model for World {
    type Event = Event;

    #[inline]
    fn foresee(&self, event: &Event) {
        if let Event::Kubelet(node, ..) = event {
            self.kubelet_comes(*node);
        }
    }

    // What happens seldom is marked as cold: else the room for it would be made on the stack for every event.
    fn handle(&mut self, now: SimTime, event: Event, future: &mut Calendar<Event>) {
        if self.probes.limits.is_due(now) {
            self.look_at_dns(now);
            self.look_for_limits(now);
            self.look_at_ways(now);
        }
        match event {
            Event::Request(request, step) => self.api_request(now, request, step, future),
            Event::RequestDeadline(request) => self.request_deadline(now, request, future),
            Event::ServerDeadline(request) => self.server_deadline(now, request, future),
            Event::OutOfMemory(server, life) => self.out_of_memory(now, server, life, future),
            Event::SeatsShared(server) => self.seats_shared(now, server, future),
            Event::LastSeats(server, level, seats, life) => self.last_seats(now, server, level, seats, life, future),
            Event::Core(server, core, generation) => self.core(now, server, core, generation, future),
            Event::QueueDeadline(request) => self.queue_deadline(now, request, future),
            Event::Connection(connection, step) => self.connection(now, connection, step, future),
            Event::Kubelet(node, generation, clock) => self.kubelet(now, node, generation, clock, future),
            Event::Watches(node, generation, step) => self.watches(now, node, generation, step, future),
            Event::Workload(worker, generation, step) => self.workload(now, worker, generation, step, future),
            Event::External(client, command) => self.external(now, client, command, future),
            Event::CiRetry(client, job) => self.ci_retry(now, client, job, future),
            Event::Etcd(step) => self.etcd_turn(now, None, future, |etcd, turn| etcd.step(turn, step)),
            Event::EtcdStorage(step) => self.etcd_storage(now, step, future),
            Event::EtcdLink(server, member, generation, step) => {
                self.etcd_link(now, server, member, generation, step, future)
            }
            Event::Candidate(component, server, generation, step) => {
                self.candidate(now, component, server, generation, step, future);
            }
            Event::Nlb(zone, generation, step) => self.balancing(now, zone, generation, step, future),
            Event::Target(server, node, number, step) => self.target(now, server, node, number, step, future),
            Event::Start(part, life) => self.start(now, part, life, future),
            Event::Member(member, life, step) => self.member_life(now, member, life, step, future),
            Event::Stream(place, generation, step) => self.stream(now, place, generation, step),
            Event::Access(update, step) => self.access_goes_on(now, update, step),
            Event::Interface(place, turns, step) => self.interface(now, place, turns, step),
            Event::Server(server, life, step) => self.server_life(now, server, life, step, future),
            Event::Scaling => self.scaling_looks(now, future),
            Event::Roll(generation) => self.roll_goes_on(now, generation, future),
            Event::Step(index) => self.step(now, index, future),
            Event::StepEnds => self.end_steps(now, future),
            Event::NodeLifecycle(generation, clock) => self.node_lifecycle(now, generation, clock, future),
            Event::TolerationEnds(node, generation) => self.toleration_ends(now, node, generation, future),
            Event::CloudNodeTick(generation) => self.cloud_node_tick(now, generation, future),
            Event::PodGcTick(generation) => self.pod_gc_tick(now, generation, future),
            Event::Dispatch(controller, generation) => self.dispatch(now, controller, generation, future),
            Event::Evict(pod) => self.evict(now, pod, future),
            Event::Work(controller, key, generation) => self.work_comes(now, controller, key, generation, future),
            Event::SchedulerHears(pod, generation) => self.scheduler_learns(now, pod, generation, future),
            Event::Scheduler(generation, clock) => self.scheduler(now, generation, clock, future),
            Event::Churn(turn) => self.churn(now, turn, future),
            Event::PodArrives(row) => self.pod_arrives(now, row, future),
            Event::SubmitAgain(row) => self.submit(now, row, None, future),
            Event::Pod(pod, generation, step) => self.pod(now, pod, generation, step, future),
            Event::Instance(node, generation, step) => self.instance(now, node, generation, step, future),
            Event::AddressPool(node, generation, step) => self.address_pool(now, node, generation, step, future),
            Event::Images(node, life, generation) => self.images_arrive(now, node, life, generation, future),
            Event::NodeGroup(group) => self.node_group(now, group, future),
            Event::ClusterAutoscaler(step) => self.cluster_autoscaler(now, step, future),
            Event::DaemonSet(id) => self.daemon_set_is_created(now, id, future),
            Event::Job(id) => self.job_is_created(now, id, future),
            Event::Volume(id, life, step) => self.volume(now, id, life, step, future),
            Event::GroupUpdate(update, step) => self.group_update(now, update, step, future),
            Event::Creation(task, step) => self.creation(now, task, step, future),
            Event::Fargate(generation, step) => self.fargate(now, generation, step, future),
        }
    }
}
