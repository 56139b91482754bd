//! One run of a plan: a value that can be run on, forked, and asked for its record.

use crate::aim::Level;
use crate::cluster::client_rate;
use crate::event::Future;
use crate::ids::{Component, Controller};
use crate::journeys::etcd_storage::GIGABYTE;
use crate::placement::Placement;
use crate::plan::{Change, Network, Plan, ZoneId};
use crate::probes::costs::{bill_lines, cost_measures, fargate_cost_measures};
use crate::probes::{Cause, Path, Resource, Wanted};
use crate::record::{Balance, CreationRecord, PlacementRecord, Record};
use crate::world::World;
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime, Simulation, Stuck};
use sim_study::{Better, Case, Measure, Series, Subject, Unit};
use std::sync::Arc;

const TIES: Purpose = Purpose::new("run/ties");

/// A run in progress. A clone goes on exactly as its original.
#[derive(Clone)]
pub struct Run {
    simulation: Simulation<World>,
    replication: u32,
    placement: Placement,
    case: Case,
}

/// What a run cost, for those who work on the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCosts {
    /// Events handled.
    pub events: u64,
    /// Most events that were pending at a time.
    pub pending_peak: usize,
    /// Most requests that were in flight at a time.
    pub requests_peak: usize,
}

impl Subject for Run {
    type Plan = Arc<Plan>;
    type Change = Change;
    type Record = Record;

    fn start(plan: &Arc<Plan>, seed: u64, replication: u32) -> Self {
        let key = RunKey::new(seed, replication);
        let placement = Placement::of_replication(plan, seed, replication);
        let mut future = Future::new();
        if plan.modes.shuffle_ties {
            future.shuffle_ties(key.draw(TIES, 0, 0).next_u64());
        }
        let plan = plan.with_max_pods().map_or_else(|| plan.clone(), Arc::new);
        let mut world = World::new(plan.clone(), &placement, key, &mut future);
        world.ways_begin(replication == 0);
        let mut simulation = Simulation::new(world);
        *simulation.future() = future;
        let case = placement.case(&plan);
        Run { simulation, replication, placement, case }
    }

    fn run_until(&mut self, until: SimTime) -> Result<(), Stuck> {
        self.simulation.run_until(until)
    }

    fn branch(&mut self, k: u32) {
        let world = &mut self.simulation.model;
        world.key = world.key.branch(k);
    }

    fn apply(&mut self, change: &Change) {
        let now = self.simulation.now();
        self.simulation.act(|world, future| {
            world.struck.push(None);
            let index = world.struck.len() as u32 - 1;
            world.change(now, index, change, future);
        });
    }

    /// Share of the control plane's API servers and etcd members that are down.
    fn level(&self) -> f64 {
        let world = &self.simulation.model;
        let servers = world.api_servers.iter().map(|server| server.is_up());
        let parts: Vec<bool> = servers.chain(world.etcd.ids().map(|member| world.etcd.is_up(member))).collect();
        parts.iter().filter(|up| !**up).count() as f64 / parts.len() as f64
    }

    fn end(plan: &Arc<Plan>) -> SimTime {
        plan.end()
    }

    fn finish(self) -> Record {
        let (now, digest) = (self.simulation.now(), self.simulation.digest());
        let mut world = self.simulation.model;
        let zone_name = |zone: ZoneId| world.zone_name(zone);
        let placement = PlacementRecord {
            api_servers: self.placement.api_servers.iter().map(|zone| zone_name(*zone)).collect(),
            etcd_leader: zone_name(self.placement.etcd_leader),
            controllers: zone_name(self.placement.controllers),
        };
        world.close_outages(now);
        let mut measures = world.probes.requests.measures();
        measures.extend(world.probes.slo.measures());
        measures.extend(world.probes.struck_zone.measures());
        measures.extend(world.probes.flow.measures());
        measures.extend(world.probes.limits.measures());
        measures.extend(world.probes.addresses.measures(world.ec2.throttled()));
        measures.extend(world.probes.images.measures(world.registries.throttled()));
        measures.extend(world.probes.coredns.measures());
        measures.extend(world.control_plane_measures(now));
        let mut series = world.probes.requests.series(now);
        series.push(world.database_series(now));
        let mut balances = world.control_plane_balances();
        let (more_measures, more_series, more_balances) = world.cluster_measures(now);
        measures.extend(more_measures);
        series.extend(more_series);
        balances.extend(more_balances);
        let bill = bill_lines(&world.bill, &world.plan, now);
        measures.extend(cost_measures(&bill, &world.plan, now));
        measures.extend(world.probes.clients.measures(&world.plan.clients));
        if !world.plan.cluster.fargate_profiles.is_empty() {
            measures.extend(world.cluster.fargate.measures());
        }
        measures.extend(fargate_cost_measures(&bill, &world.plan, now));
        let clients = world.probes.requests.records();
        let (places, closed_ways) = (world.placed_clients(), world.closed_ways());
        let network = world.network_record(now);
        let creation = world.creation_record();
        let (timeline, facts_dropped) = std::mem::take(&mut world.probes.timeline).into_facts();
        Record {
            replication: self.replication,
            digest,
            placement,
            case: self.case,
            clients,
            places,
            closed_ways,
            network,
            timeline,
            facts_dropped,
            measures,
            series,
            balances,
            bill,
            creation,
        }
    }
}

impl Run {
    /// What there is.
    pub(crate) fn world(&self) -> &World {
        &self.simulation.model
    }

    /// What the run has cost so far.
    pub fn costs(&mut self) -> RunCosts {
        RunCosts {
            events: self.simulation.handled(),
            pending_peak: self.simulation.future().peak(),
            requests_peak: self.simulation.model.requests.peak(),
        }
    }

    /// The case of the mixture that was drawn.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The VPC as it is now.
    pub fn network(&self) -> &Network {
        self.simulation.model.vpc.network()
    }

    /// Who can reach whom now, which way, and why not.
    pub fn paths(&self) -> Vec<Path> {
        self.simulation.model.paths()
    }

    /// How far the creation of the cluster has come, where it is created in the run.
    pub fn creation(&self) -> Option<CreationRecord> {
        self.simulation.model.creation_record()
    }

    /// The open connections of a class of clients: through the load balancer's public addresses, and through the
    /// interfaces of EKS in the VPC.
    pub fn open_connections(&self, class: &str) -> (usize, usize) {
        self.simulation.model.open_connections(class)
    }
}

impl World {
    /// Once in a window: what was wanted of each resource of the control plane.
    #[cold]
    pub(crate) fn look_for_limits(&mut self, now: SimTime) {
        let mut wanted = Vec::new();
        let mut add = |resource, total, per_second| wanted.push(Wanted { resource, total, per_second });
        for server in &self.api_servers {
            add(Resource::ApiServerCpu, server.cores.busy_time().as_secs_f64(), server.cores.count() as f64);
            for level in Level::ALL.into_iter().filter(|level| *level != Level::Exempt) {
                let seats = server.flow_control.seats(level) as f64;
                add(Resource::ApiServerSeats, server.flow_control.seats_wanted(level), seats);
            }
        }
        for (total, cores) in self.etcd_machines.wanted() {
            add(Resource::EtcdCpu, total, cores);
        }
        add(Resource::Scheduler, self.cluster.scheduler.busy_time().as_secs_f64(), 1.0);
        let rates = [Component::Scheduler, Component::ControllerManager].map(|of| self.parameters_of_leader(of));
        for controller in Controller::ALL {
            let resource = match controller {
                Controller::Scheduler => Resource::SchedulerClient,
                Controller::Drain => continue,
                _ => Resource::ControllerClients,
            };
            let (rate, _) = client_rate(&rates[usize::from(controller != Controller::Scheduler)], controller);
            add(resource, self.cluster.clients[controller.index()].wanted() as f64, rate);
        }
        let cache = self.cache_memory();
        let living = self.api_servers.iter_mut().filter(|server| server.is_up());
        let used: Vec<_> = living.map(|server| (Resource::ApiServerMemory, server.memory.look(cache))).collect();
        self.probes.limits.look(now, &wanted, &used, &mut self.probes.timeline);
    }

    fn control_plane_measures(&self, end: SimTime) -> Vec<Measure> {
        let up_to_the_end = |vacant: Option<(SimTime, Cause)>| vacant.map(|(since, _)| end.saturating_since(since));
        let election = self.election_time.max(up_to_the_end(self.etcd.vacant_since().filter(|_| !self.has_journal())));
        let vacant = self.leases[Component::ControllerManager.index()].vacant_since();
        let failover = self.failover_time.max(up_to_the_end(vacant));
        let seconds = |name: &str, value: Option<SimDuration>, definition: &str| Measure {
            name: name.to_owned(),
            unit: Unit::Seconds,
            better: Better::Down,
            value: value.map(SimDuration::as_secs_f64),
            definition: definition.to_owned(),
        };
        let count = |name: &str, value: u64, definition: &str| Measure {
            name: name.to_owned(),
            unit: Unit::Count,
            better: Better::Down,
            value: Some(value as f64),
            definition: definition.to_owned(),
        };
        let jobs_failed = self.externals.iter().map(|external| external.jobs_failed).sum();
        vec![
            seconds(
                "etcd.election",
                election,
                "Longest time without an etcd leader that a quorum of the members hears.",
            ),
            count(
                "etcd.writes_lost",
                self.etcd_writes_lost,
                "Writes that were lost with an etcd leader or on the way to it; their clients get an error after etcd's request time-out.",
            ),
            seconds(
                "controllers.failover",
                failover,
                "Longest time from the death of the acting controller manager to the moment when another one acts.",
            ),
            Measure {
                name: "etcd.database_gb".to_owned(),
                unit: Unit::Count,
                better: Better::Down,
                value: Some(self.database.largest_seen() as f64 / GIGABYTE),
                definition: "Largest size of a file of etcd's database on any member, GB.".to_owned(),
            },
            seconds(
                "etcd.alarm",
                self.database.alarmed(end),
                "Time for which etcd's alarm NOSPACE was on and every put was refused, in all.",
            ),
            count("ci.jobs.failed", jobs_failed, "CI jobs that failed after their last try."),
        ]
        .into_iter()
        .chain(self.exec_measures())
        .collect()
    }

    fn database_series(&mut self, end: SimTime) -> Series {
        Series {
            name: "etcd.database_gb".to_owned(),
            unit: Unit::Count,
            window_s: self.plan.window().as_secs_f64(),
            values: self.database_gauge.windows(end),
            definition: "Size of the largest file of etcd's database on any member, GB.".to_owned(),
        }
    }

    fn control_plane_balances(&self) -> Vec<Balance> {
        let mut balances = Vec::new();
        for server in &self.api_servers {
            let zone = self.zone_name(server.zone);
            balances.push(server.flow_control.balance(format!("API server in {zone}")));
            balances.push(server.cores.balance(format!("cores of the API server in {zone}")));
        }
        balances
    }
}
