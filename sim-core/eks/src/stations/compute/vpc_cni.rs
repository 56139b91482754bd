//! The VPC CNI's pool of addresses on one node: network interfaces, the secondary addresses or prefixes that they hold,
//! and the pods that have them.
//!
//! The rules are those of its code (aws/amazon-vpc-cni-k8s, `pkg/ipamd`): it looks every few seconds, asks for as much as
//! fits on the first interface with room, then for another interface, and gives back what its targets do not want.
//!
//! Left out: which addresses of an interface are free, so that the free ones of a prefix lie together.

use sim_kernel::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Addresses of a prefix of /28.
const PREFIX: u32 = 16;

/// What the VPC CNI is told on the nodes of a group, and what an instance of theirs can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Network interfaces that an instance can have.
    pub enis: u32,
    /// Secondary addresses or prefixes that one of them can hold: its addresses without the primary one.
    pub slots: u32,
    /// Pods that the kubelet takes.
    pub max_pods: u32,
    /// Whether interfaces hold prefixes of 16 addresses.
    pub prefixes: bool,
    /// Whether pods have addresses of the further interfaces only.
    pub custom_networking: bool,
    /// Free interfaces that are wanted (WARM_ENI_TARGET).
    pub warm_enis: u32,
    /// Free addresses that are wanted (WARM_IP_TARGET); 0 where that is not set.
    pub warm_ips: u32,
    /// Addresses that are wanted in all (MINIMUM_IP_TARGET); 0 where that is not set.
    pub minimum_ips: u32,
    /// Free prefixes that are wanted (WARM_PREFIX_TARGET).
    pub warm_prefixes: u32,
    /// How long an address rests after its pod.
    pub cooldown: SimDuration,
    /// How long an interface is kept at least.
    pub eni_life: SimDuration,
    /// How long the pool is left alone before it is made smaller.
    pub decrease_pause: SimDuration,
}

impl PoolSettings {
    /// Addresses of one slot.
    pub fn block(&self) -> u32 {
        if self.prefixes { PREFIX } else { 1 }
    }

    fn has_ip_targets(&self) -> bool {
        self.warm_ips > 0 || self.minimum_ips > 0
    }

    fn slots_of(&self, eni: usize) -> u32 {
        if self.custom_networking && eni == 0 { 0 } else { self.slots }
    }
}

/// Pods that EKS lets the kubelet of an instance hold: one for each address that pods can have, and two in the node's own
/// network. With prefixes no more than what a node of its size can serve.
///
/// Source: awslabs/amazon-eks-ami, max-pods-calculator.
pub fn max_pods(enis: u32, ipv4_per_eni: u32, vcpu: u32, prefixes: bool, custom_networking: bool) -> u32 {
    const SMALL: u32 = 30;
    let enis = enis.saturating_sub(u32::from(custom_networking));
    let slots = enis * ipv4_per_eni.saturating_sub(1);
    match prefixes {
        false => slots + 2,
        true => (slots * PREFIX + 2).min(if vcpu <= SMALL { 110 } else { 250 }),
    }
}

/// What a pool wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// So many more addresses, or prefixes, on this interface.
    Blocks {
        /// Which interface.
        eni: u8,
        /// How many.
        count: u32,
    },
    /// Another interface with so many addresses or prefixes.
    Interface {
        /// How many.
        count: u32,
    },
    /// So many addresses or prefixes of this interface are to be given back.
    Release {
        /// Which interface.
        eni: u8,
        /// How many.
        count: u32,
    },
    /// This interface is to be given back.
    Detach {
        /// Which interface.
        eni: u8,
    },
}

/// A network interface; one that was given back keeps its place.
#[derive(Clone, Copy, Debug, Default)]
struct Eni {
    is_attached: bool,
    /// Addresses or prefixes.
    blocks: u32,
    /// Addresses that pods have.
    used: u32,
    /// Addresses that rest.
    resting: u32,
    since: SimTime,
}

/// The pool of one node.
#[derive(Clone, Debug)]
pub struct AddressPool {
    enis: Vec<Eni>,
    /// Addresses that rest: until when, on which interface.
    resting: VecDeque<(SimTime, u8)>,
    total: u32,
    used: u32,
    /// When it was last changed.
    changed: SimTime,
    /// No more is asked for before.
    not_before: SimTime,
    failures: u32,
    /// What was asked for and has been granted, but is not there yet.
    pub coming: Option<Want>,
    /// The look that is due next.
    pub alarm: Option<SimTime>,
    /// The number of its next draw.
    pub draws: u32,
}

impl AddressPool {
    /// The pool of an instance with its primary interface, and no address for pods.
    pub fn new(now: SimTime) -> Self {
        AddressPool {
            enis: vec![Eni { is_attached: true, since: now, ..Eni::default() }],
            resting: VecDeque::new(),
            total: 0,
            used: 0,
            changed: now,
            not_before: now,
            failures: 0,
            coming: None,
            alarm: None,
            draws: 0,
        }
    }

    /// Addresses for pods, whoever has them.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Addresses that pods have.
    pub fn used(&self) -> u32 {
        self.used
    }

    /// Addresses that no pod has, those that rest among them.
    pub fn available(&self) -> u32 {
        self.total - self.used
    }

    /// Interfaces of the instance.
    pub fn enis(&self) -> u32 {
        self.attached().count() as u32
    }

    /// Addresses or prefixes by interface.
    pub fn blocks_by_eni(&self) -> Vec<u32> {
        self.attached().map(|(_, eni)| eni.blocks).collect()
    }

    /// Addresses of the subnet that the instance has in all, with those that are on their way.
    pub fn addresses_of_subnet(&self, settings: &PoolSettings) -> u32 {
        let coming = match self.coming {
            Some(Want::Blocks { count, .. }) => count * settings.block(),
            Some(Want::Interface { count }) => 1 + count * settings.block(),
            _ => 0,
        };
        self.enis() + self.total + coming
    }

    /// A pod takes an address: the interface that has it; `None` if none is free.
    pub fn assign(&mut self, now: SimTime, settings: &PoolSettings) -> Option<u8> {
        self.wake(now);
        let block = settings.block();
        let free = |eni: &Eni| eni.is_attached && eni.blocks * block > eni.used + eni.resting;
        let place = self.enis.iter().position(free)?;
        self.enis[place].used += 1;
        self.used += 1;
        Some(place as u8)
    }

    /// The address of a pod that has ended rests, and then is free again.
    pub fn unassign(&mut self, now: SimTime, eni: u8, settings: &PoolSettings) {
        let of = &mut self.enis[eni as usize];
        of.used -= 1;
        of.resting += 1;
        self.used -= 1;
        self.resting.push_back((now + settings.cooldown, eni));
    }

    /// All pods of the node are dead: at the next start their addresses are free.
    pub fn loses_all_pods(&mut self) {
        for eni in &mut self.enis {
            (eni.used, eni.resting) = (0, 0);
        }
        self.resting.clear();
        (self.used, self.alarm) = (0, None);
    }

    fn wake(&mut self, now: SimTime) {
        while let Some((until, eni)) = self.resting.front().copied()
            && until <= now
        {
            self.resting.pop_front();
            self.enis[eni as usize].resting -= 1;
        }
    }

    fn attached(&self) -> impl Iterator<Item = (usize, &Eni)> {
        self.enis.iter().enumerate().filter(|(_, eni)| eni.is_attached)
    }

    /// What the pool wants done now; `None` if nothing, or nothing yet.
    pub fn wants(&mut self, now: SimTime, settings: &PoolSettings) -> Option<Want> {
        self.wake(now);
        if self.coming.is_some() {
            return None;
        }
        if self.is_too_low(settings) {
            return (now >= self.not_before).then(|| self.growth(settings)).flatten();
        }
        let decrease = self.decrease(settings).filter(|_| now >= self.changed + settings.decrease_pause);
        decrease.or_else(|| self.superfluous(settings).filter(|(_, from)| now >= *from).map(|(eni, _)| detach(eni)))
    }

    /// When the pool will want something, if nothing happens until then.
    pub fn due(&mut self, now: SimTime, settings: &PoolSettings) -> Option<SimTime> {
        self.wake(now);
        if self.coming.is_some() {
            return None;
        }
        if self.is_too_low(settings) {
            return self.growth(settings).map(|_| self.not_before.max(now));
        }
        let decrease = self.decrease(settings).map(|_| (self.changed + settings.decrease_pause).max(now));
        let detach = self.superfluous(settings).map(|(_, from)| from.max(now));
        let woken = self.resting.back().map(|(until, _)| *until).filter(|_| self.is_above_targets(settings));
        [decrease, detach, woken].into_iter().flatten().min()
    }

    fn is_too_low(&self, settings: &PoolSettings) -> bool {
        if self.total >= settings.max_pods {
            return false;
        }
        if settings.has_ip_targets() {
            return self.short_of_targets(settings) > 0;
        }
        let wanted = match settings.prefixes {
            true => settings.warm_prefixes * PREFIX,
            false => settings.warm_enis * settings.slots,
        };
        self.available() < wanted.max(1)
    }

    /// Addresses that the targets for addresses still want.
    fn short_of_targets(&self, settings: &PoolSettings) -> u32 {
        let warm = settings.warm_ips.saturating_sub(self.available());
        warm.max(settings.minimum_ips.saturating_sub(self.total))
    }

    /// Addresses or prefixes to ask for.
    fn to_ask(&self, settings: &PoolSettings) -> u32 {
        let short = self.short_of_targets(settings);
        match (settings.has_ip_targets(), settings.prefixes) {
            (true, false) => short,
            (true, true) => short.div_ceil(PREFIX).max(1),
            (false, false) => settings.slots,
            (false, true) => settings.warm_prefixes.saturating_sub(self.available() / PREFIX).max(1),
        }
    }

    fn growth(&self, settings: &PoolSettings) -> Option<Want> {
        let count = self.to_ask(settings).min(settings.slots);
        let with_room = self.attached().find(|(place, eni)| eni.blocks < settings.slots_of(*place));
        if let Some((place, eni)) = with_room {
            let room = settings.slots_of(place) - eni.blocks;
            return Some(Want::Blocks { eni: place as u8, count: count.min(room) });
        }
        (self.enis() < settings.enis && settings.slots > 0).then_some(Want::Interface { count })
    }

    /// Addresses or prefixes that the targets do not want, where there are targets for them.
    fn above_targets(&self, settings: &PoolSettings) -> u32 {
        match (settings.has_ip_targets(), settings.prefixes) {
            (true, false) => {
                let over = self.available().saturating_sub(settings.warm_ips);
                over.min(self.total.saturating_sub(settings.minimum_ips))
            }
            (true, true) => {
                let needed = (self.used + settings.warm_ips).max(settings.minimum_ips);
                (self.total / PREFIX).saturating_sub(needed.div_ceil(PREFIX))
            }
            (false, true) => (self.available() / PREFIX).saturating_sub(settings.warm_prefixes),
            (false, false) => 0,
        }
    }

    fn is_above_targets(&self, settings: &PoolSettings) -> bool {
        self.above_targets(settings) > 0 || settings.has_ip_targets() || self.has_superfluous_eni(settings)
    }

    fn decrease(&self, settings: &PoolSettings) -> Option<Want> {
        let over = self.above_targets(settings);
        let free = |eni: &Eni| (eni.blocks * settings.block() - eni.used - eni.resting) / settings.block();
        let (place, eni) = self.attached().find(|(_, eni)| over > 0 && free(eni) > 0)?;
        Some(Want::Release { eni: place as u8, count: over.min(free(eni)) })
    }

    fn has_superfluous_eni(&self, settings: &PoolSettings) -> bool {
        let warm = if settings.prefixes { settings.warm_prefixes } else { settings.warm_enis };
        settings.has_ip_targets() || self.available() >= (warm + 1) * settings.slots * settings.block()
    }

    /// An interface that nothing needs, and from when on it may go.
    fn superfluous(&self, settings: &PoolSettings) -> Option<(usize, SimTime)> {
        if !self.has_superfluous_eni(settings) {
            return None;
        }
        let is_free = |place: usize, eni: &Eni| {
            let without = eni.blocks * settings.block();
            let (total, available) = (self.total - without, self.available().saturating_sub(without));
            let keeps_targets =
                !settings.has_ip_targets() || available >= settings.warm_ips && total >= settings.minimum_ips;
            let keeps_prefixes =
                !settings.prefixes || settings.has_ip_targets() || available / PREFIX >= settings.warm_prefixes;
            place > 0 && eni.used + eni.resting == 0 && keeps_targets && keeps_prefixes
        };
        let found = self.attached().find(|(place, eni)| is_free(*place, eni))?;
        Some((found.0, found.1.since + settings.eni_life))
    }

    /// EC2 has given what was asked for.
    pub fn gains(&mut self, now: SimTime, gained: Want, settings: &PoolSettings) {
        self.failures = 0;
        self.changed = now;
        match gained {
            Want::Blocks { eni, count } => {
                self.enis[eni as usize].blocks += count;
                self.total += count * settings.block();
            }
            Want::Interface { count } => {
                let eni = Eni { is_attached: true, blocks: count, since: now, ..Eni::default() };
                match self.enis.iter_mut().find(|place| !place.is_attached) {
                    Some(place) => *place = eni,
                    None => self.enis.push(eni),
                }
                self.total += count * settings.block();
            }
            Want::Release { .. } | Want::Detach { .. } => {}
        }
    }

    /// Something is given back: how many addresses of the subnet.
    pub fn gives(&mut self, now: SimTime, given: Want, settings: &PoolSettings) -> u32 {
        self.changed = now;
        match given {
            Want::Release { eni, count } => {
                self.enis[eni as usize].blocks -= count;
                self.total -= count * settings.block();
                count * settings.block()
            }
            Want::Detach { eni } => {
                let of = std::mem::take(&mut self.enis[eni as usize]);
                self.total -= of.blocks * settings.block();
                1 + of.blocks * settings.block()
            }
            Want::Blocks { .. } | Want::Interface { .. } => 0,
        }
    }

    /// Nothing more is asked for before that time.
    pub fn waits_until(&mut self, time: SimTime) {
        self.not_before = time;
    }

    /// A call has failed: how often one has without a success between.
    pub fn fails(&mut self) -> u32 {
        self.failures += 1;
        self.failures
    }

    /// The pool in its steady state with so many pods, which came one after another. `take` takes addresses of the
    /// subnet, all of them or none. How many of the pods have an address, from the first on, and on which interface.
    pub fn settled(pods: u32, settings: &PoolSettings, mut take: impl FnMut(u32) -> bool) -> (Self, Vec<u8>) {
        let mut pool = AddressPool::new(SimTime::ZERO);
        let mut given = Vec::new();
        pool.grow(settings, &mut take);
        for _ in 0..pods {
            given.extend(pool.assign(SimTime::ZERO, settings));
            pool.grow(settings, &mut take);
        }
        pool.not_before = SimTime::ZERO;
        (pool, given)
    }

    /// Grows as it wants to, as far as the subnet allows.
    fn grow(&mut self, settings: &PoolSettings, take: &mut impl FnMut(u32) -> bool) {
        while self.is_too_low(settings) {
            let Some(want) = self.growth(settings) else { return };
            let block = settings.block();
            let granted = match want {
                Want::Blocks { count, .. } if take(count * block) => want,
                Want::Blocks { eni, count } if count > 1 && take(block) => Want::Blocks { eni, count: 1 },
                Want::Interface { count } if take(1 + count * block) => want,
                _ => return,
            };
            self.gains(SimTime::ZERO, granted, settings);
        }
    }
}

fn detach(eni: usize) -> Want {
    Want::Detach { eni: eni as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: SimDuration = SimDuration::from_secs(1);

    fn settings(enis: u32, addresses: u32) -> PoolSettings {
        PoolSettings {
            enis,
            slots: addresses - 1,
            max_pods: enis * (addresses - 1) + 2,
            prefixes: false,
            custom_networking: false,
            warm_enis: 1,
            warm_ips: 0,
            minimum_ips: 0,
            warm_prefixes: 1,
            cooldown: S * 30,
            eni_life: S * 60,
            decrease_pause: S * 30,
        }
    }

    fn after(seconds: u64) -> SimTime {
        SimTime::ZERO + S * seconds
    }

    #[test]
    fn an_address_rests_for_30_s_after_its_pod() {
        // D3: a node with 29 addresses for pods, all given back at once.
        let settings = PoolSettings { max_pods: 29, ..settings(1, 30) };
        let (mut pool, given) = AddressPool::settled(29, &settings, |_| true);
        assert_eq!((given.len(), pool.available()), (29, 0));
        given.iter().for_each(|eni| pool.unassign(after(0), *eni, &settings));
        assert_eq!(pool.assign(after(30) - SimDuration::from_nanos(1), &settings), None);
        assert_eq!((0..30).filter_map(|_| pool.assign(after(30), &settings)).count(), 29);
    }

    #[test]
    fn a_free_interface_goes_after_a_minute_and_the_primary_one_stays() {
        let settings = settings(3, 10);
        let (mut pool, given) = AddressPool::settled(15, &settings, |_| true);
        assert_eq!((pool.enis(), pool.wants(after(0), &settings)), (3, None));
        given.iter().for_each(|eni| pool.unassign(after(40), *eni, &settings));
        assert_eq!(pool.wants(after(59), &settings), None, "too young");
        assert_eq!(pool.due(after(41), &settings), Some(after(60)), "the third has no pod and rests not");
        assert_eq!(pool.wants(after(60), &settings), Some(Want::Detach { eni: 2 }));
        assert_eq!(pool.gives(after(60), Want::Detach { eni: 2 }, &settings), 10);
        assert_eq!(pool.due(after(61), &settings), Some(after(70)), "the second when its addresses have rested");
        assert_eq!(pool.wants(after(70), &settings), Some(Want::Detach { eni: 1 }));
        pool.gives(after(70), Want::Detach { eni: 1 }, &settings);
        assert_eq!((pool.wants(after(999), &settings), pool.due(after(999), &settings)), (None, None));
    }

    #[test]
    fn targets_for_addresses_give_back_what_is_above_them() {
        let settings = PoolSettings { warm_ips: 2, minimum_ips: 5, ..settings(3, 10) };
        let (mut pool, given) = AddressPool::settled(8, &settings, |_| true);
        assert_eq!(pool.total(), 10);
        given.iter().for_each(|eni| pool.unassign(after(0), *eni, &settings));
        assert_eq!(pool.due(after(1), &settings), Some(after(30)));
        let mut all = Vec::new();
        for second in 30..200 {
            while let Some(want) = pool.wants(after(second), &settings) {
                all.push((second, want));
                pool.gives(after(second), want, &settings);
            }
        }
        assert_eq!((pool.total(), pool.due(after(200), &settings)), (5, None), "{all:?}");
    }

    #[test]
    fn custom_networking_leaves_the_primary_interface_to_the_node() {
        let settings = PoolSettings { custom_networking: true, ..settings(3, 10) };
        let (pool, given) = AddressPool::settled(20, &settings, |_| true);
        assert_eq!((given.len(), pool.blocks_by_eni()), (18, vec![0, 9, 9]));
    }

    #[test]
    fn a_refusal_leaves_what_can_be_had_one_by_one() {
        let settings = settings(3, 10);
        let mut free = 8;
        let take = |count: u32| {
            let has = free >= count;
            free -= if has { count } else { 0 };
            has
        };
        let (pool, _) = AddressPool::settled(0, &settings, take);
        assert_eq!((pool.enis(), pool.total()), (1, 8));
    }
}
