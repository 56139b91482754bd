//! Addresses of pods, from their subnet to the pod and back:
//!
//! ```text
//! subnet -> EC2 (throttled, or too few: asked again later) -> the pool of a node -> a pod that starts
//! pod gone -> its address rests -> free for the next pod of the node -> too many: back to the subnet
//! no address on its node: the pod stays in ContainerCreating, and its kubelet tries again
//! ```
//!
//! The VPC CNI looks at its pool every few seconds. Looks that would find nothing to do are left out, exactly: whatever
//! changes a pool sets the next look that does something. In an IPv6 cluster addresses never run short.

use crate::event::{Event, Future, PodStep, PoolStep};
use crate::ids::{NodeId, PodId};
use crate::parameters::VpcCniParameters;
use crate::plan::{AwsService, Cluster, Family, NodeGroup, Plan, ZoneId};
use crate::record::Weight;
use crate::stations::compute::vpc_cni::{AddressPool, PoolSettings, Want};
use crate::stations::network::{Ec2Action, SiteId};
use crate::stations::services::pod::{Containers, Object};
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const PHASE: Purpose = Purpose::new("vpc-cni/phase");
const CALL: Purpose = Purpose::new("vpc-cni/call");
const RETRY: Purpose = Purpose::new("vpc-cni/retry");
const SANDBOX: Purpose = Purpose::new("pod/sandbox-retry");

/// What the VPC CNI is told on the nodes of each group.
pub(crate) fn pool_settings(plan: &Plan) -> Vec<PoolSettings> {
    let groups = plan.cluster.node_groups.iter().map(|group| settings_of(group, &plan.parameters.vpc_cni));
    groups.chain(plan.cluster.fargate_profiles.iter().map(|_| ON_FARGATE)).collect()
}

/// No VPC CNI runs on Fargate: the address of a micro-VM is that of its pod.
const ON_FARGATE: PoolSettings = PoolSettings {
    enis: 1,
    slots: 0,
    max_pods: 1,
    prefixes: false,
    custom_networking: false,
    warm_enis: 0,
    warm_ips: 0,
    minimum_ips: 0,
    warm_prefixes: 0,
    cooldown: SimDuration::ZERO,
    eni_life: SimDuration::ZERO,
    decrease_pause: SimDuration::ZERO,
};

fn settings_of(group: &NodeGroup, parameters: &VpcCniParameters) -> PoolSettings {
    PoolSettings {
        enis: group.max_enis,
        slots: group.ipv4_per_eni.saturating_sub(1),
        max_pods: group.max_pods,
        prefixes: parameters.prefix_delegation,
        custom_networking: parameters.custom_networking,
        warm_enis: parameters.warm_eni_target as u32,
        warm_ips: parameters.warm_ip_target as u32,
        minimum_ips: parameters.minimum_ip_target as u32,
        warm_prefixes: parameters.warm_prefix_target as u32,
        cooldown: parameters.ip_cooldown,
        eni_life: parameters.eni_life,
        decrease_pause: parameters.pool_decrease_pause,
    }
}

impl World {
    /// Every node has the addresses that it has had for long, and the subnets have given them.
    pub(crate) fn address_pools_begin(&mut self, future: &mut Future) {
        for node in (0..self.cluster.node_count()).map(NodeId) {
            let subnet = self.subnet_of(node);
            self.interfaces.charge(subnet, 1);
            if self.cluster.nodes[node.index()].has_network() && self.has_pool(node) {
                self.pool_is_settled(node, subnet);
                self.look_at_pool(SimTime::ZERO, node, future);
            }
            self.subnet_is_used(subnet);
        }
    }

    /// Pods that run have their addresses, whether the subnet has so many or not: the more it lacks, the fewer are warm.
    fn pool_is_settled(&mut self, node: NodeId, subnet: usize) {
        let settings = self.pool_settings_of(node);
        let of = &self.cluster.nodes[node.index()];
        let with_address =
            of.pods().iter().copied().filter(|pod| !self.is_in_host_network(&self.cluster.pods[pod.index()]));
        let pods: Vec<PodId> = with_address.collect();
        let count = pods.len() as u32;
        let interfaces = &mut self.interfaces;
        let (mut pool, mut given) =
            AddressPool::settled(count, &settings, |wanted| interfaces.take_all(subnet, wanted));
        if given.len() < pods.len() {
            // What the subnet lacks is in use all the same: the plan says that these pods run.
            let bare = PoolSettings { warm_ips: 0, minimum_ips: count, ..settings };
            interfaces.give_back(subnet, pool.addresses_of_subnet(&settings) - 1);
            (pool, given) = AddressPool::settled(count, &bare, |_| true);
            interfaces.charge(subnet, pool.addresses_of_subnet(&settings) - 1);
        }
        for (pod, eni) in pods.iter().zip(given) {
            self.cluster.pods[pod.index()].eni = Some(eni);
        }
        self.cluster.pools[node.index()] = pool;
    }

    fn pods_need_addresses(&self) -> bool {
        self.vpc.network().family == Family::IPv4
    }

    /// Whether a node gives its pods addresses of a pool.
    fn has_pool(&self, node: NodeId) -> bool {
        self.pods_need_addresses() && !self.is_micro_vm(node)
    }

    fn pool_settings_of(&self, node: NodeId) -> PoolSettings {
        self.pool_settings[self.cluster.nodes[node.index()].group.index()]
    }

    fn subnet_of(&self, node: NodeId) -> usize {
        let of = &self.cluster.nodes[node.index()];
        subnet_in(&self.plan.cluster, of.group.index(), of.zone)
    }

    fn subnet_is_used(&mut self, subnet: usize) {
        self.probes.addresses.subnet_has(self.interfaces.free_in(subnet));
    }

    /// Whether the subnet of a node group, or of a Fargate profile counted after, in a zone has an address for another instance.
    pub(crate) fn has_address_for_node(&self, group: usize, zone: ZoneId) -> bool {
        self.interfaces.free_in(subnet_in(&self.plan.cluster, group, zone)) > 0
    }

    /// An instance is launched: its primary interface has an address.
    pub(crate) fn node_takes_address(&mut self, node: NodeId) {
        let subnet = self.subnet_of(node);
        self.interfaces.take(subnet, 1);
        self.subnet_is_used(subnet);
    }

    /// An instance is terminated: its interfaces go, and all addresses are free.
    pub(crate) fn node_returns_addresses(&mut self, node: NodeId) {
        let (subnet, settings) = (self.subnet_of(node), self.pool_settings_of(node));
        let pool = &mut self.cluster.pools[node.index()];
        self.interfaces.give_back(subnet, pool.addresses_of_subnet(&settings));
        *pool = AddressPool::new(SimTime::ZERO);
    }

    /// All pods of an instance have died with it; what EC2 was asked for it has.
    pub(crate) fn pool_loses_all_pods(&mut self, now: SimTime, node: NodeId) {
        let settings = self.pool_settings_of(node);
        let pool = &mut self.cluster.pools[node.index()];
        if let Some(coming) = pool.coming.take() {
            pool.gains(now, coming, &settings);
        }
        pool.loses_all_pods();
    }

    /// The VPC CNI of a node begins: it has asked for its first addresses before it says that the network is up.
    pub(crate) fn pool_begins(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        if !self.has_pool(node) {
            return;
        }
        let settings = self.pool_settings_of(node);
        if let Some(want) = self.cluster.pools[node.index()].wants(now, &settings) {
            let granted = self.pool_asks(now, node, want);
            if let Some(granted) = granted {
                self.cluster.pools[node.index()].gains(now, granted, &settings);
            }
        }
        self.look_at_pool(now, node, future);
    }

    /// A pod that starts takes an address of its node. Whether there is one, or it needs none.
    pub(crate) fn pod_takes_address(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) -> bool {
        let state = &self.cluster.pods[pod.index()];
        if state.eni.is_some() || self.is_in_host_network(state) || !self.has_pool(node) {
            return true;
        }
        let settings = self.pool_settings_of(node);
        let eni = self.cluster.pools[node.index()].assign(now, &settings);
        self.look_at_pool(now, node, future);
        let state = &mut self.cluster.pods[pod.index()];
        state.eni = eni;
        match (eni.is_some(), state.lacks_address) {
            (true, true) => self.pod_lacks_no_address(pod),
            (false, false) => {
                state.lacks_address = true;
                self.probes.addresses.pod_waits();
            }
            _ => {}
        }
        eni.is_some()
    }

    fn pod_lacks_no_address(&mut self, pod: PodId) {
        self.cluster.pods[pod.index()].lacks_address = false;
        self.probes.addresses.pod_waits_no_more();
    }

    /// A pod's containers have stopped, or it is gone: its address rests.
    pub(crate) fn pod_returns_address(&mut self, now: SimTime, pod: PodId, future: &mut Future) {
        let state = &mut self.cluster.pods[pod.index()];
        let is_over = state.object() == Object::Gone;
        let is_stopped = matches!(state.containers(), Containers::Absent | Containers::Stopped);
        if is_over && state.lacks_address {
            self.pod_lacks_no_address(pod);
        }
        let state = &mut self.cluster.pods[pod.index()];
        let Some(node) = state.node.filter(|_| is_over || is_stopped) else { return };
        let Some(eni) = state.eni.take() else { return };
        let settings = self.pool_settings_of(node);
        self.cluster.pools[node.index()].unassign(now, eni, &settings);
        self.look_at_pool(now, node, future);
    }

    /// A pod finds no address on its node: its kubelet tries again.
    pub(crate) fn pod_waits_for_address(&mut self, now: SimTime, pod: PodId, node: NodeId, future: &mut Future) {
        let subnet = self.subnet_of(node);
        let name = &self.plan.cluster.network.subnets[subnet].name;
        let cause = self.address_stories[subnet];
        self.probes.timeline.note(now, Weight::Step, cause, "pod/no-address", subnet as u64, || {
            format!("pod stays in ContainerCreating: its node in subnet {name} has no address for it yet")
        });
        let state = &mut self.cluster.pods[pod.index()];
        let (entity, ordinal, life) = (state.entity(), state.next_draw(), state.life());
        let pause = self.plan.parameters.kubelet.sandbox_retry.duration(&mut self.key.draw(SANDBOX, entity, ordinal));
        future.schedule(now + pause, Event::Pod(pod, life, PodStep::Seen));
    }

    /// A pool has changed: the next look that will find something to do is set.
    fn look_at_pool(&mut self, now: SimTime, node: NodeId, future: &mut Future) {
        let state = &self.cluster.nodes[node.index()];
        let (life, has_network) = (state.life(), state.has_network());
        let settings = self.pool_settings_of(node);
        let pool = &mut self.cluster.pools[node.index()];
        let Some(due) = pool.due(now, &settings).filter(|_| has_network) else { return };
        if pool.alarm.is_some_and(|alarm| alarm > now && alarm <= due) {
            return;
        }
        let alarm = self.round_after(due.max(now), node);
        let pool = &mut self.cluster.pools[node.index()];
        if pool.alarm.is_none_or(|set| set <= now || set > alarm) {
            pool.alarm = Some(alarm);
            future.schedule(alarm, Event::AddressPool(node, life, PoolStep::Looks));
        }
    }

    /// The first look of a node's VPC CNI after a time.
    fn round_after(&self, time: SimTime, node: NodeId) -> SimTime {
        let period = self.plan.parameters.vpc_cni.pool_check;
        let phase = period.scaled(self.key.draw(PHASE, u64::from(node.0), 0).uniform()).as_nanos();
        let since = time.saturating_since(SimTime::ZERO).as_nanos();
        let rounds = (since + period.as_nanos() - phase) / period.as_nanos();
        SimTime::ZERO + SimDuration::from_nanos(phase + rounds * period.as_nanos())
    }

    /// The VPC CNI of a node looks at its pool, or has got what it asked for.
    pub(crate) fn address_pool(&mut self, now: SimTime, node: NodeId, life: u32, step: PoolStep, future: &mut Future) {
        if self.cluster.nodes[node.index()].life() != life {
            return;
        }
        let settings = self.pool_settings_of(node);
        let pool = &mut self.cluster.pools[node.index()];
        match step {
            PoolStep::Gains => {
                if let Some(coming) = pool.coming.take() {
                    pool.gains(now, coming, &settings);
                }
            }
            PoolStep::Looks if pool.alarm != Some(now) => return,
            PoolStep::Looks => {
                pool.alarm = None;
                if let Some(want) = pool.wants(now, &settings) {
                    let granted = self.pool_asks(now, node, want);
                    self.pool_awaits(now, node, granted, future);
                }
            }
        }
        self.look_at_pool(now, node, future);
    }

    /// The VPC CNI of a node asks EC2 for what its pool wants: what it will get.
    fn pool_asks(&mut self, now: SimTime, node: NodeId, want: Want) -> Option<Want> {
        let (subnet, settings) = (self.subnet_of(node), self.pool_settings_of(node));
        let action = match want {
            Want::Interface { .. } => Ec2Action::CreateInterface,
            _ => Ec2Action::AssignAddresses,
        };
        let site = self.origin_of(node).site;
        if self.unreached(site, &[AwsService::Ec2]).is_some() {
            self.note_unreached(now, site, subnet);
            self.pool_tries_again(now, node);
            return None;
        }
        if matches!(want, Want::Release { .. } | Want::Detach { .. }) {
            let given = self.cluster.pools[node.index()].gives(now, want, &settings);
            self.interfaces.give_back(subnet, given);
            return None;
        }
        if !self.ec2.call(now, action) {
            self.note_throttled(now, subnet);
            self.pool_tries_again(now, node);
            return None;
        }
        let granted = self.granted(now, subnet, want, settings.block());
        self.subnet_is_used(subnet);
        if granted.is_none() {
            self.subnet_refuses(now, node, subnet);
        }
        granted
    }

    /// What a subnet has of what is wanted: all of it, or of addresses at least one.
    fn granted(&mut self, now: SimTime, subnet: usize, want: Want, block: u32) -> Option<Want> {
        match want {
            Want::Interface { count } => self.interfaces.take_all(subnet, 1 + count * block).then_some(want),
            Want::Blocks { eni, count } => {
                if self.interfaces.take_all(subnet, count * block) {
                    return Some(want);
                }
                let again = count > 1 && self.ec2.call(now, Ec2Action::AssignAddresses);
                (again && self.interfaces.take_all(subnet, block)).then_some(Want::Blocks { eni, count: 1 })
            }
            Want::Release { .. } | Want::Detach { .. } => None,
        }
    }

    fn pool_awaits(&mut self, now: SimTime, node: NodeId, granted: Option<Want>, future: &mut Future) {
        let Some(granted) = granted else { return };
        let parameters = &self.plan.parameters.vpc_cni;
        let law = match granted {
            Want::Interface { .. } => &parameters.attach_time,
            _ => &parameters.assign_time,
        };
        let life = self.cluster.nodes[node.index()].life();
        let pool = &mut self.cluster.pools[node.index()];
        pool.draws += 1;
        let took = law.duration(&mut self.key.draw(CALL, u64::from(node.0), u64::from(pool.draws)));
        pool.coming = Some(granted);
        future.schedule(now + took, Event::AddressPool(node, life, PoolStep::Gains));
    }

    /// A call has failed: the next one follows after a pause that doubles.
    fn pool_tries_again(&mut self, now: SimTime, node: NodeId) {
        let parameters = &self.plan.parameters.vpc_cni;
        let pool = &mut self.cluster.pools[node.index()];
        pool.draws += 1;
        let doublings = f64::from(1u32 << (pool.fails() - 1).min(20));
        let mut draw = self.key.draw(RETRY, u64::from(node.0), u64::from(pool.draws));
        let pause = parameters.retry_base.duration(&mut draw).scaled(doublings).min(parameters.retry_max);
        pool.waits_until(now + pause);
    }

    /// A subnet has too few addresses: the node asks for none for a while.
    fn subnet_refuses(&mut self, now: SimTime, node: NodeId, subnet: usize) {
        let pause = self.plan.parameters.vpc_cni.subnet_pause;
        self.cluster.pools[node.index()].waits_until(now + pause);
        let (name, free) = (&self.plan.cluster.network.subnets[subnet].name, self.interfaces.free_in(subnet));
        let what = if free == 0 { "no address left" } else { "fewer addresses left than a network interface asks for" };
        let cause = self.cluster.nodes[node.index()].story;
        let note = || format!("subnet {name} has {what}: nodes there get no more, and ask again after {pause}");
        let story = self.probes.timeline.note(
            now,
            Weight::Turn,
            cause,
            "subnet/short",
            subnet as u64 * 2 + u64::from(free == 0),
            note,
        );
        self.address_stories[subnet] = story.or(self.address_stories[subnet]);
    }

    fn note_unreached(&mut self, now: SimTime, site: SiteId, subnet: usize) {
        let (nodes, name) = (self.vpc.site(site).name.clone(), AwsService::Ec2.name());
        let why = self.why_unreached(site, AwsService::Ec2);
        let note = || format!("{nodes} get no more addresses for pods: AWS {name} cannot be reached: {why}");
        let story =
            self.probes.timeline.note(now, Weight::Step, self.vpc_story, "ec2/unreached", u64::from(site.0), note);
        self.address_stories[subnet] = story.or(self.vpc_story);
    }

    fn note_throttled(&mut self, now: SimTime, subnet: usize) {
        let cause = self.address_stories[subnet];
        let note = || "EC2 throttles the calls for addresses of the account's nodes: they try again".to_owned();
        self.probes.timeline.note(now, Weight::Step, cause, "ec2/throttled", 0, note);
    }
}

fn subnet_in(cluster: &Cluster, class: usize, zone: ZoneId) -> usize {
    let (zones, subnets) = cluster.places_of(class);
    let nth = zones.iter().position(|known| *known == zone).expect("a node lies in a zone of its group");
    subnets[nth]
}
