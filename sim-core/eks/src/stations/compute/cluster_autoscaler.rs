//! What the Cluster Autoscaler decides: how many nodes of which group would take the pods that found no room.
//!
//! A pod is estimated by first fit, the largest first, over empty nodes as a group would launch them. A group whose nodes
//! do not come in time is left alone for a while, and longer each time.
//!
//! Source: `kubernetes/autoscaler cluster-autoscaler/FAQ.md`, and its `estimator`, `expander` and `clusterstate`.
//! Left out: the time that a scan takes, the group-wise readiness beside that of the cluster, balancing of similar groups
//! (off by default), limits of cores and memory over the whole cluster.

use crate::ids::{DeploymentId, GroupId, PodId};
use crate::parameters::ClusterAutoscalerParameters;
use crate::plan::{Expander, ZoneId};
use crate::stations::compute::scale_in::ScaleIn;
use crate::stations::control_plane::placement::Admits;
use crate::stations::control_plane::preemption::Amounts;
use sim_kernel::{Draw, SimDuration, SimTime};

/// Pods of one workload that found no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The workload.
    pub workload: DeploymentId,
    /// The zone of their volumes, if they have some.
    pub zone: Option<ZoneId>,
    /// How many.
    pub pods: u32,
    /// What one of them takes.
    pub needs: Amounts,
}

/// What a group offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The group.
    pub group: GroupId,
    /// What is free on a new node beside its DaemonSets.
    pub template: Amounts,
    /// Nodes by which it may still grow.
    pub growth: u32,
    /// By demand: how many of its pods may go to new nodes.
    pub admits: Vec<Admits>,
    /// Its rank for the expander `priority`: the largest is asked first.
    pub priority: i32,
}

/// What growth of a group would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The group.
    pub group: GroupId,
    /// New nodes.
    pub nodes: u32,
    /// By demand: the pods that would have room.
    pub helped: Vec<u32>,
    /// Share of the CPU and memory of the new nodes that would stay idle, 0 to 2.
    pub waste: f64,
    priority: i32,
}

/// A node that is there, or on its way.
#[derive(Clone, Copy, Debug)]
pub struct Bin {
    /// Its group.
    pub group: GroupId,
    /// What is free on it.
    pub free: Amounts,
}

/// How many pods with these needs fit into what is free, at most `most`; they are put there.
fn fill(free: &mut Amounts, needs: &Amounts, most: u32) -> u32 {
    let fits = |(free, need): (&i64, &i64)| if *need > 0 { (*free).max(0) / need } else { i64::MAX };
    let count = free.iter().zip(needs).map(fits).min().unwrap_or(0).min(i64::from(most));
    free.iter_mut().zip(needs).for_each(|(free, need)| *free -= need * count);
    count as u32
}

/// Takes from the demands what nodes that are there or on their way have room for, each as far as `admits` says.
pub fn absorb(demands: &mut [Demand], bins: &mut [Bin], admits: impl Fn(&Bin, &Demand) -> Admits) {
    for demand in demands {
        for bin in &mut *bins {
            if demand.pods == 0 {
                break;
            }
            let admitted = admits(bin, demand);
            let most = demand.pods.min(admitted.pods).min(admitted.per_node);
            demand.pods -= fill(&mut bin.free, &demand.needs, most);
        }
    }
}

/// What growth of a group would do for the pods that found no room; `None` if nothing.
pub fn estimate(offer: &Offer, demands: &[Demand]) -> Option<Estimate> {
    let size = |demand: &Demand| {
        let share = |index: usize| demand.needs[index] as f64 / offer.template[index].max(1) as f64;
        share(0) + share(1)
    };
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by(|&a, &b| size(&demands[b]).total_cmp(&size(&demands[a])));
    let mut bins: Vec<Amounts> = Vec::new();
    let mut helped = vec![0; demands.len()];
    for index in order {
        let needs = &demands[index].needs;
        let Admits { pods, per_node } = offer.admits[index];
        let wanted = demands[index].pods.min(pods);
        let mut left = wanted;
        for bin in &mut bins {
            left -= fill(bin, needs, left.min(per_node));
        }
        while left > 0 && (bins.len() as u64) < u64::from(offer.growth) {
            let mut bin = offer.template;
            let taken = fill(&mut bin, needs, left.min(per_node));
            if taken == 0 {
                break;
            }
            left -= taken;
            bins.push(bin);
        }
        helped[index] = wanted - left;
    }
    let idle = |index: usize| {
        let whole = offer.template[index].max(1) as f64 * bins.len() as f64;
        bins.iter().map(|bin| bin[index] as f64).sum::<f64>() / whole
    };
    let (group, nodes, priority) = (offer.group, bins.len() as u32, offer.priority);
    (nodes > 0).then(|| Estimate { group, nodes, waste: idle(0) + idle(1), helped, priority })
}

/// The group that grows, of those that help: at a tie one of them by lot.
pub fn choose(expander: Expander, estimates: Vec<Estimate>, draw: &mut Draw) -> Option<Estimate> {
    let pods = |estimate: &Estimate| estimate.helped.iter().sum::<u32>();
    let score = |estimate: &Estimate| match expander {
        Expander::Random => 0.0,
        Expander::LeastWaste => -estimate.waste,
        Expander::MostPods => f64::from(pods(estimate)),
        Expander::Priority => f64::from(estimate.priority),
    };
    let best = estimates.iter().map(score).fold(f64::NEG_INFINITY, f64::max);
    let mut best: Vec<Estimate> = estimates.into_iter().filter(|estimate| score(estimate) >= best).collect();
    match best.len() {
        0 => None,
        1 => best.pop(),
        many => Some(best.swap_remove(draw.below(many as u64) as usize)),
    }
}

/// What it remembers of a group.
#[derive(Clone, Copy, Debug, Default)]
struct GroupMemory {
    /// Since when it waits for nodes of it.
    grows_since: Option<SimTime>,
    backs_off_until: Option<SimTime>,
    backoff: Option<SimDuration>,
    failed_at: Option<SimTime>,
}

/// The Cluster Autoscaler.
#[derive(Clone, Debug)]
pub struct ClusterAutoscaler {
    /// Pods that the scheduler found no room for, since when, and whether a call has been made for them.
    pub unschedulable: Vec<(SimTime, PodId, bool)>,
    /// The pod that acts, and when it was last seen to.
    holder: Option<(PodId, SimTime)>,
    memory: Vec<GroupMemory>,
    scans: u64,
    /// The half that removes nodes.
    pub scale_in: ScaleIn,
}

impl ClusterAutoscaler {
    /// One that has seen nothing, of so many groups.
    pub fn new(groups: usize) -> Self {
        ClusterAutoscaler {
            unschedulable: Vec::new(),
            holder: None,
            memory: vec![GroupMemory::default(); groups],
            scans: 0,
            scale_in: ScaleIn::default(),
        }
    }

    /// A scan begins: its number.
    pub fn scans(&mut self) -> u64 {
        self.scans += 1;
        self.scans
    }

    /// The pod that acts, if one does.
    pub fn holder(&self) -> Option<PodId> {
        self.holder.map(|(pod, _)| pod)
    }

    /// The pod that acts is alive and reaches the API: its lease is renewed.
    pub fn renews(&mut self, now: SimTime) {
        if let Some((_, renewed)) = &mut self.holder {
            *renewed = now;
        }
    }

    /// Whether another pod may take the lease: nobody has it, or it was not renewed for its duration.
    pub fn is_vacant(&self, now: SimTime, lease: SimDuration) -> bool {
        self.holder.is_none_or(|(_, renewed)| now.saturating_since(renewed) >= lease)
    }

    /// A pod acts from now on, without memory.
    pub fn begins(&mut self, now: SimTime, pod: PodId) {
        self.holder = Some((pod, now));
        self.memory.fill(GroupMemory::default());
    }

    /// Whether so many nodes that are not Ready, of all that have joined, still let it act.
    pub fn is_healthy(parameters: &ClusterAutoscalerParameters, nodes: u32, unready: u32) -> bool {
        let most = parameters.max_total_unready_share * f64::from(nodes);
        u64::from(unready) <= parameters.ok_total_unready_count || f64::from(unready) <= most
    }

    /// Whether a group may grow: it does not back off.
    pub fn may_grow(&self, now: SimTime, group: GroupId) -> bool {
        self.memory[group.index()].backs_off_until.is_none_or(|until| until <= now)
    }

    /// A group is told to grow.
    pub fn grows(&mut self, now: SimTime, group: GroupId) {
        self.memory[group.index()].grows_since = Some(now);
        self.scale_in.grows(now);
    }

    /// A scan sees how many nodes of a group are still to come. Whether they have taken too long: then the group backs
    /// off.
    pub fn awaits(
        &mut self,
        now: SimTime,
        group: GroupId,
        upcoming: u32,
        parameters: &ClusterAutoscalerParameters,
    ) -> bool {
        let memory = &mut self.memory[group.index()];
        if upcoming == 0 {
            if memory.grows_since.take().is_some() {
                (memory.backoff, memory.backs_off_until) = (None, None);
            }
            return false;
        }
        let late = memory.grows_since.is_some_and(|since| now >= since + parameters.max_node_provision_time);
        if late {
            let is_long_ago = memory.failed_at.is_none_or(|failed| now >= failed + parameters.backoff_reset);
            let first = parameters.initial_backoff;
            let pause = memory.backoff.filter(|_| !is_long_ago).map_or(first, |last| last * 2);
            let pause = pause.min(parameters.max_backoff);
            *memory = GroupMemory {
                grows_since: None,
                backs_off_until: Some(now + pause),
                backoff: Some(pause),
                failed_at: Some(now),
            };
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use sim_kernel::{Purpose, RunKey};

    fn demand(workload: u32, pods: u32, milli_cpu: i64) -> Demand {
        Demand { workload: DeploymentId(workload), zone: None, pods, needs: [milli_cpu, 128, 0, 1] }
    }

    fn offer(group: u16, milli_cpu: i64, growth: u32, demands: usize) -> Offer {
        let admits = vec![Admits::ALL; demands];
        Offer { group: GroupId(group), template: [milli_cpu, 8000, 0, 29], growth, admits, priority: 0 }
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn pods_are_packed_first_fit_the_largest_first() {
        let demands = [demand(0, 4, 500), demand(1, 2, 1500)];
        let found = estimate(&offer(0, 2000, 9, 2), &demands).expect("two kinds of pods fit");
        assert_eq!((found.nodes, found.helped), (3, vec![4, 2]), "each large pod leaves room for a small one");
    }

    #[test]
    fn a_group_grows_to_its_largest_size_and_helps_only_whom_it_admits() {
        let demands = [demand(0, 40, 1000)];
        let found = estimate(&offer(0, 2000, 3, 1), &demands).expect("some fit");
        assert_eq!((found.nodes, found.helped), (3, vec![6]));
        let closed = Offer { admits: vec![Admits::NONE], ..offer(0, 2000, 3, 1) };
        assert_eq!(estimate(&closed, &demands), None);
        let apart = Offer { admits: vec![Admits { per_node: 1, ..Admits::ALL }], ..offer(0, 2000, 9, 1) };
        assert_eq!(estimate(&apart, &demands).map(|found| found.nodes), Some(9), "one pod on each");
        assert_eq!(estimate(&offer(0, 500, 3, 1), &demands), None, "a pod larger than the node");
    }

    #[test]
    fn nodes_on_their_way_take_pods_first() {
        let mut demands = [demand(0, 5, 1000)];
        let mut bins = [Bin { group: GroupId(0), free: [2000, 8000, 0, 29] }; 2];
        absorb(&mut demands, &mut bins, |_, _| Admits::ALL);
        assert_eq!((demands[0].pods, bins[1].free[0]), (1, 0));
    }

    #[test]
    fn expanders_choose_by_waste_by_pods_and_by_rank() {
        let demands = [demand(0, 3, 1000)];
        let large = Offer { priority: 5, ..offer(0, 8000, 9, 1) };
        let small = offer(1, 1000, 2, 1);
        let both = || [&large, &small].map(|offer| estimate(offer, &demands).expect("they fit")).to_vec();
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test/expander"), 0, 0);
        let mut by = |expander| choose(expander, both(), &mut draw).expect("there are two").group;
        assert_eq!(by(Expander::LeastWaste), GroupId(1));
        assert_eq!(by(Expander::MostPods), GroupId(0), "the small group may grow by two only");
        assert_eq!(by(Expander::Priority), GroupId(0));
        assert!((0..64).map(|_| by(Expander::Random)).any(|group| group == GroupId(1)));
    }

    #[test]
    fn a_group_whose_nodes_do_not_come_backs_off_for_five_minutes_and_twice_as_long_each_time_up_to_thirty() {
        let parameters = Parameters::default().cluster_autoscaler;
        let (mut scaler, group) = (ClusterAutoscaler::new(1), GroupId(0));
        let mut now = 0;
        for pause in [300, 600, 1200, 1800, 1800] {
            scaler.grows(at(now), group);
            assert!(!scaler.awaits(at(now + 899), group, 1, &parameters));
            assert!(scaler.awaits(at(now + 900), group, 1, &parameters), "15 minutes are over");
            assert!(!scaler.may_grow(at(now + 900 + pause - 1), group));
            now += 900 + pause;
            assert!(scaler.may_grow(at(now), group));
        }
        scaler.grows(at(now), group);
        assert!(!scaler.awaits(at(now + 60), group, 0, &parameters), "they have come");
        scaler.grows(at(now + 60), group);
        assert!(scaler.awaits(at(now + 960), group, 1, &parameters));
        assert!(scaler.may_grow(at(now + 960 + 300), group), "success has ended the doubling");
    }

    #[test]
    fn another_pod_takes_the_lease_when_it_has_run_out() {
        let lease = SimDuration::from_secs(15);
        let mut scaler = ClusterAutoscaler::new(0);
        assert!(scaler.is_vacant(at(0), lease));
        scaler.begins(at(0), PodId(3));
        scaler.renews(at(10));
        assert!(!scaler.is_vacant(at(24), lease));
        assert!(scaler.is_vacant(at(25), lease));
    }
}
