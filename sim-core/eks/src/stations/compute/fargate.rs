//! Fargate as an account sees it: how many pods a second it starts, how many vCPUs run at a time, and in which zone of a
//! profile the next micro-VM comes. Each pod has a micro-VM of its own, and each micro-VM is a Node.
//!
//! Left out: several subnets of a profile in one zone, shortage of capacity but for zones without power.

use crate::ids::{DeploymentId, NodeId, PodId};
use crate::parameters::FargateParameters;
use crate::plan::{Plan, ZoneId};
use crate::quantity::Resources;
use crate::record::Balance;
use crate::stations::services::fargate_size::fargate_size;
use sim_kernel::stations::TokenBucket;
use sim_kernel::statistics::Histogram;
use sim_kernel::{SimDuration, SimTime};
use sim_study::{Better, Measure, Unit};
use std::collections::VecDeque;

/// Thousandths of a vCPU.
const MILLI: u64 = 1000;

/// What Fargate makes of the pods of a Deployment.
#[derive(Clone, Debug)]
struct Wish {
    /// The profiles that select them, the one that counts first.
    profiles: Vec<usize>,
    /// The size of their micro-VMs; `None` where none is as large, or has what they ask for.
    size: Option<Resources>,
}

/// Micro-VMs of a profile in one of its zones.
#[derive(Clone, Copy, Debug)]
struct InZone {
    zone: ZoneId,
    running: u32,
}

/// A micro-VM.
#[derive(Clone, Copy, Debug)]
struct MicroVm {
    node: NodeId,
    pod: PodId,
    profile: usize,
    zone: ZoneId,
    size: Resources,
    is_over: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This pod is launched now; so long it has waited for its turn.
    Launch(PodId, SimDuration),
    /// The next one's turn comes at this time.
    At(SimTime),
    /// Nobody waits.
    Nobody,
}

/// Fargate.
#[derive(Clone, Debug)]
pub struct Fargate {
    /// By Deployment.
    wishes: Vec<Option<Wish>>,
    /// By profile.
    profiles: Vec<Vec<InZone>>,
    /// By profile: whether it is there.
    active: Vec<bool>,
    launches: TokenBucket,
    /// vCPUs that may run at a time, and that do, in thousandths.
    quota: u64,
    used: u64,
    used_most: u64,
    /// Pods that wait for their turn, and since when.
    queue: VecDeque<(PodId, SimTime)>,
    /// Pods that were refused, and are tried again together.
    refused: Vec<PodId>,
    /// When the next turn comes.
    pub alarm: Option<SimTime>,
    /// Pods that came without a micro-VM and are neither Ready nor gone.
    pub waiting: u64,
    /// In the order of their nodes.
    micro_vms: Vec<MicroVm>,
    launched: u64,
    ended: u64,
    throttled: u64,
    refusals: u64,
    longest_wait: SimDuration,
    /// Longest time from a pod's creation to its binding.
    placed: Option<SimDuration>,
    /// From the creation of a pod to its readiness.
    ready: Histogram,
}

impl Fargate {
    /// Fargate for a plan's profiles, with nothing running.
    pub fn new(plan: &Plan) -> Self {
        let wish = |deployment: &crate::plan::Deployment| {
            let profiles = Some(plan.cluster.fargate_profiles_of(deployment)).filter(|found| !found.is_empty())?;
            let control = &deployment.control;
            let asks_for_more = control.placing.gpus > 0 || control.volume_gib.is_some();
            let size = fargate_size(deployment.requests, &plan.parameters.cost).filter(|_| !asks_for_more);
            Some(Wish { profiles, size })
        };
        let profiles = plan.cluster.fargate_profiles.iter();
        let zones =
            profiles.map(|profile| profile.zones.iter().map(|&zone| InZone { zone, running: 0 }).collect()).collect();
        Self::of(plan.deployments.iter().map(wish).collect(), zones, &plan.parameters.fargate)
    }

    fn of(wishes: Vec<Option<Wish>>, profiles: Vec<Vec<InZone>>, parameters: &FargateParameters) -> Self {
        Fargate {
            wishes,
            active: vec![true; profiles.len()],
            profiles,
            launches: TokenBucket::per_second(parameters.launch_rate, parameters.launch_burst),
            quota: parameters.vcpus * MILLI,
            used: 0,
            used_most: 0,
            queue: VecDeque::new(),
            refused: Vec::new(),
            alarm: None,
            waiting: 0,
            micro_vms: Vec::new(),
            launched: 0,
            ended: 0,
            throttled: 0,
            refusals: 0,
            longest_wait: SimDuration::ZERO,
            placed: None,
            ready: Histogram::default(),
        }
    }

    /// The profile that a new pod of a workload gets: the first of those that select it and are there.
    pub fn profile_of(&self, workload: DeploymentId) -> Option<usize> {
        self.wish_of(workload)?.profiles.iter().copied().find(|profile| self.active[*profile])
    }

    /// No profile is there yet.
    pub fn begins_without_profiles(mut self) -> Self {
        self.active.fill(false);
        self
    }

    /// A profile is there from now on: it counts for new pods.
    pub fn gets_profile(&mut self, profile: usize) {
        self.active[profile] = true;
    }

    /// The size of the micro-VMs for a workload's pods.
    pub fn size_of(&self, workload: DeploymentId) -> Option<Resources> {
        self.wish_of(workload)?.size
    }

    fn wish_of(&self, workload: DeploymentId) -> Option<&Wish> {
        self.wishes.get(workload.index())?.as_ref()
    }

    /// Whoever asks for launches has no memory.
    pub fn forgets(&mut self) {
        self.queue.clear();
        self.refused.clear();
        self.alarm = None;
    }

    /// A launch is wanted for a pod. Whether it has to wait for its turn.
    pub fn asks(&mut self, now: SimTime, pod: PodId) -> bool {
        self.queue.push_back((pod, now));
        let waits = self.launches.tokens(now) < self.queue.len() as u64;
        self.throttled += u64::from(waits);
        waits
    }

    /// Whose turn it is, of those that are still wanted.
    pub fn next(&mut self, now: SimTime, is_wanted: impl Fn(PodId) -> bool) -> Turn {
        while let Some((pod, since)) = self.queue.front().copied() {
            if is_wanted(pod) {
                if let Err(at) = self.launches.take(now) {
                    return Turn::At(at);
                }
                self.queue.pop_front();
                let waited = now.saturating_since(since);
                self.longest_wait = self.longest_wait.max(waited);
                return Turn::Launch(pod, waited);
            }
            self.queue.pop_front();
        }
        Turn::Nobody
    }

    /// Whether the quota of vCPUs lets another micro-VM run.
    pub fn has_quota(&self, size: Resources) -> bool {
        self.used + size.milli_cpu <= self.quota
    }

    /// vCPUs that may run at a time.
    pub fn quota(&self) -> u64 {
        self.quota / MILLI
    }

    /// A launch was refused: the pod is tried again with all others. Whether that is the first of them.
    pub fn refuses(&mut self, pod: PodId) -> bool {
        self.refusals += 1;
        self.refused.push(pod);
        self.refused.len() == 1
    }

    /// Those that were refused are tried again.
    pub fn tries_again(&mut self, now: SimTime) {
        self.queue.extend(std::mem::take(&mut self.refused).into_iter().map(|pod| (pod, now)));
    }

    /// Where the next micro-VM of a profile comes: the zone with the fewest among those with capacity, the first of the
    /// profile's at a tie. `None` if none has capacity.
    pub fn zone_for(&self, profile: usize, lacks: impl Fn(ZoneId) -> bool) -> Option<ZoneId> {
        let with_capacity = self.profiles[profile].iter().filter(|entry| !lacks(entry.zone));
        with_capacity.min_by_key(|entry| entry.running).map(|entry| entry.zone)
    }

    /// A micro-VM is launched for a pod of a workload, in a zone of a profile; their nodes come in order.
    ///
    /// # Panics
    /// If there is none as large.
    pub fn launches(&mut self, node: NodeId, pod: PodId, workload: DeploymentId, (profile, zone): (usize, ZoneId)) {
        let size = self.size_of(workload).expect("Fargate has the size");
        self.in_zone(profile, zone).running += 1;
        self.used += size.milli_cpu;
        self.used_most = self.used_most.max(self.used);
        self.launched += 1;
        self.micro_vms.push(MicroVm { node, pod, profile, zone, size, is_over: false });
    }

    /// A micro-VM is gone. The pod that it was for, unless it was gone before.
    pub fn ends(&mut self, node: NodeId) -> Option<PodId> {
        let place = self.place_of(node)?;
        let MicroVm { pod, profile, zone, size, is_over, .. } = self.micro_vms[place];
        if is_over {
            return None;
        }
        self.micro_vms[place].is_over = true;
        self.in_zone(profile, zone).running -= 1;
        self.used -= size.milli_cpu;
        self.ended += 1;
        Some(pod)
    }

    /// The pod of a micro-VM.
    pub fn pod_of(&self, node: NodeId) -> Option<PodId> {
        self.place_of(node).map(|place| self.micro_vms[place].pod)
    }

    /// The size of a micro-VM.
    pub fn size_on(&self, node: NodeId) -> Option<Resources> {
        self.place_of(node).map(|place| self.micro_vms[place].size)
    }

    fn place_of(&self, node: NodeId) -> Option<usize> {
        self.micro_vms.binary_search_by_key(&node, |micro_vm| micro_vm.node).ok()
    }

    /// Whether a profile has a micro-VM.
    pub fn runs_any(&self, profile: usize) -> bool {
        self.profiles[profile].iter().any(|entry| entry.running > 0)
    }

    fn in_zone(&mut self, profile: usize, zone: ZoneId) -> &mut InZone {
        let entry = self.profiles[profile].iter_mut().find(|entry| entry.zone == zone);
        entry.expect("a micro-VM is in a zone of its profile")
    }

    /// A pod is bound to its micro-VM, so long after its creation.
    pub fn places(&mut self, took: SimDuration) {
        self.placed = self.placed.max(Some(took));
    }

    /// A pod is Ready, so long after its creation.
    pub fn pod_is_ready(&mut self, took: SimDuration) {
        self.ready.record(took);
    }

    /// The results of a run, in the order of [`crate::record::FARGATE_MEASURES`].
    pub fn measures(&self) -> Vec<Measure> {
        let measure = |name: &str, unit, better, value: Option<f64>, definition: &str| Measure {
            name: name.to_owned(),
            unit,
            better,
            value,
            definition: definition.to_owned(),
        };
        let count =
            |name, value: u64, definition| measure(name, Unit::Count, Better::Down, Some(value as f64), definition);
        let vcpus = self.used_most as f64 / MILLI as f64;
        let placed = self.placed.map(SimDuration::as_secs_f64);
        vec![
            measure(
                "fargate.micro_vms",
                Unit::Count,
                Better::Neither,
                Some(self.launched as f64),
                "Micro-VMs that ran or were launched on Fargate, one for each pod, those of the start included.",
            ),
            measure(
                "fargate.vcpus.max",
                Unit::Count,
                Better::Neither,
                Some(vcpus),
                "Most vCPUs that ran on Fargate at a time.",
            ),
            count(
                "fargate.throttled",
                self.throttled,
                "Launches on Fargate that had to wait for their turn, since the account had used its launches up.",
            ),
            measure(
                "fargate.wait.max",
                Unit::Seconds,
                Better::Down,
                Some(self.longest_wait.as_secs_f64()),
                "Longest time that a launch on Fargate waited for its turn.",
            ),
            count(
                "fargate.refused",
                self.refusals,
                "Launches on Fargate that were refused, for the quota of vCPUs or for want of a zone with capacity; each is tried again.",
            ),
            measure(
                "fargate.placed.max",
                Unit::Seconds,
                Better::Down,
                placed,
                "Longest time from the creation of a pod to its binding to a node of Fargate.",
            ),
            measure(
                "fargate.ready.p99",
                Unit::Seconds,
                Better::Down,
                self.ready.quantile(0.99).map(SimDuration::as_secs_f64),
                "99th percentile of the time from the creation of a pod on Fargate to its readiness, of those created after the warm-up.",
            ),
        ]
    }

    /// What came, went and stayed.
    pub fn balance(&self) -> Balance {
        let inside = self.profiles.iter().flatten().map(|entry| u64::from(entry.running)).sum();
        let (station, arrived, left) = ("micro-VMs of Fargate".to_owned(), self.launched, self.ended);
        Balance { station, arrived, left, refused: 0, lost: 0, inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    const POD: DeploymentId = DeploymentId(0);

    /// Micro-VMs of half a vCPU in three zones, at most ten of them.
    fn fargate() -> Fargate {
        let size = Some(Resources { milli_cpu: 500, memory_mib: 1024 });
        let zones = (0..3).map(|zone| InZone { zone: ZoneId(zone), running: 0 }).collect();
        let parameters = FargateParameters { vcpus: 5, ..Parameters::default().fargate };
        Fargate::of(vec![Some(Wish { profiles: vec![0], size }), None], vec![zones], &parameters)
    }

    fn launch(fargate: &mut Fargate, number: u32) -> Option<ZoneId> {
        let zone = fargate.zone_for(0, |_| false)?;
        fargate.launches(NodeId(number * 2), PodId(number), POD, (0, zone));
        Some(zone)
    }

    #[test]
    fn micro_vms_are_spread_evenly_over_the_zones_with_capacity() {
        let mut fargate = fargate();
        let zones: Vec<u8> = (0..5).filter_map(|number| launch(&mut fargate, number)).map(|zone| zone.0).collect();
        assert_eq!(zones, [0, 1, 2, 0, 1]);
        assert_eq!(fargate.zone_for(0, |zone| zone == ZoneId(2)), Some(ZoneId(0)));
        assert_eq!(fargate.zone_for(0, |_| true), None);
        assert_eq!(fargate.ends(NodeId(0)), Some(PodId(0)));
        assert_eq!((fargate.ends(NodeId(0)), fargate.ends(NodeId(1))), (None, None), "it is gone, or never was");
        assert_eq!(fargate.balance().inside, 4);
    }

    #[test]
    fn no_more_vcpus_run_than_the_quota_allows() {
        let mut fargate = fargate();
        let size = fargate.size_of(POD).expect("a size");
        let mut number = 0;
        while fargate.has_quota(size) {
            launch(&mut fargate, number);
            number += 1;
        }
        assert_eq!(number, 10);
        fargate.ends(NodeId(4));
        assert!(fargate.has_quota(size));
    }

    #[test]
    fn launches_take_their_turns_and_pods_that_are_gone_take_none() {
        let mut fargate = fargate();
        let waits = (0..25).map(PodId).filter(|pod| fargate.asks(SimTime::ZERO, *pod)).count();
        assert_eq!(waits, 5);
        let mut now = SimTime::ZERO;
        let mut last = None;
        loop {
            match fargate.next(now, |pod| pod != PodId(3)) {
                Turn::Launch(pod, _) => last = Some((pod, now)),
                Turn::At(at) => now = at,
                Turn::Nobody => break,
            }
        }
        assert_eq!(last, Some((PodId(24), SimTime::ZERO + SimDuration::from_millis(200))));
    }

    #[test]
    fn pods_that_no_profile_selects_are_none_of_its() {
        let fargate = fargate();
        assert_eq!((fargate.profile_of(POD), fargate.profile_of(DeploymentId(1))), (Some(0), None));
        assert_eq!(fargate.profile_of(DeploymentId(7)), None, "a DaemonSet");
        let mut fargate = fargate.begins_without_profiles();
        assert_eq!(fargate.profile_of(POD), None);
        fargate.gets_profile(0);
        assert_eq!(fargate.profile_of(POD), Some(0));
    }
}
