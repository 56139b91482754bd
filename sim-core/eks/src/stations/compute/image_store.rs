//! The images of a node on their way: the queue of its pulls, and what they share of its network and its disk.
//!
//! ```text
//! asked for -> (its turn) -> registry asked -> download, unpacked layer by layer behind it -> last layer -> there
//! ```
//!
//! Pulls that run at once share the node's bandwidth and its disk equally; one image alone comes no faster than its
//! connections do. Layers are unpacked while others still come, but for the last one. Pods that want an image that is on
//! its way wait for the same pull. What a node has is kept with the node: this table has a row only for one that pulls.

use crate::ids::{ImageId, NodeId, PodId};
use sim_kernel::stations::TokenBucket;
use sim_kernel::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// What pulls on a node keep to. Rates are in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PullSettings {
    /// Pulls that run at once; `None` for any number.
    pub parallel: Option<usize>,
    /// What the network of a node brings for all pulls together.
    pub bandwidth: f64,
    /// What it brings for one image.
    pub image_rate: f64,
    /// What its disk takes of unpacked layers.
    pub unpack_rate: f64,
    /// Pulls that a kubelet begins in a second in the long run.
    pub qps: f64,
    /// Pulls that it begins at once.
    pub burst: u64,
}

/// An image as it is pulled: which, and which template's.
pub type ImageKey = (ImageId, u8);

/// What is to be moved for an image. In bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PullSize {
    /// To be downloaded.
    pub download: f64,
    /// To be unpacked while others still come.
    pub unpack: f64,
    /// To be unpacked when everything is there.
    pub last: f64,
}

/// A pod that waits for an image, and in which of its lives.
pub type Waiter = (PodId, u32);

/// How far a pull is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Others are before it.
    Queued,
    /// The registry is asked until then.
    Asks { until: SimTime },
    /// So many bytes are still to be downloaded and unpacked.
    Moves { download: f64, unpack: f64 },
    /// So many bytes of the last layer are still to be unpacked.
    Last { unpack: f64 },
}

#[derive(Clone, Debug)]
struct Pull {
    image: ImageKey,
    size: PullSize,
    phase: Phase,
    waiters: Vec<Waiter>,
}

/// Less than a byte is nothing.
const NOTHING: f64 = 0.5;

/// The pulls of a node.
#[derive(Clone, Debug)]
pub struct ImageStore {
    settings: PullSettings,
    pulls: Vec<Pull>,
    limit: TokenBucket,
    /// Until when the node may use the registry's token that it has.
    pub token_until: SimTime,
    changed: SimTime,
    generation: u32,
}

impl ImageStore {
    /// A node that has pulled nothing for a while.
    pub fn new(settings: PullSettings) -> Self {
        let limit = TokenBucket::per_second(settings.qps, settings.burst);
        let (token_until, changed) = (SimTime::ZERO, SimTime::ZERO);
        ImageStore { settings, pulls: Vec::new(), limit, token_until, changed, generation: 0 }
    }

    /// A pod wants an image: it waits for the pull that runs, or for one that is queued now.
    pub fn wants(&mut self, image: ImageKey, size: PullSize, waiter: Waiter) {
        match self.pulls.iter_mut().find(|pull| pull.image == image) {
            Some(pull) => pull.waiters.push(waiter),
            None => self.pulls.push(Pull { image, size, phase: Phase::Queued, waiters: vec![waiter] }),
        }
    }

    /// The pull whose turn has come, if there is one: its image, and who asked for it first.
    pub fn next_turn(&self) -> Option<(ImageKey, Waiter)> {
        let running = self.pulls.iter().filter(|pull| pull.phase != Phase::Queued).count();
        let is_full = self.settings.parallel.is_some_and(|most| running >= most);
        let mut queued = self.pulls.iter().filter(|pull| pull.phase == Phase::Queued && !is_full);
        queued.next().map(|pull| (pull.image, pull.waiters[0]))
    }

    /// Whether the kubelet may begin another pull now; if so, it has.
    pub fn may_begin(&mut self, now: SimTime) -> bool {
        self.limit.take(now).is_ok()
    }

    /// The registry is asked for an image, and answers at `until`.
    pub fn begins(&mut self, now: SimTime, image: ImageKey, until: SimTime) {
        self.advance(now);
        let pull = self.pulls.iter_mut().find(|pull| pull.image == image).expect("its turn has come");
        pull.phase = Phase::Asks { until };
    }

    /// A pull cannot begin: who waited for it.
    pub fn fails(&mut self, image: ImageKey) -> Vec<Waiter> {
        let at = self.pulls.iter().position(|pull| pull.image == image).expect("its turn has come");
        self.pulls.remove(at).waiters
    }

    /// Time has come to `now`: an image that is there, and who waited for it. To be asked until there is none.
    pub fn arrived(&mut self, now: SimTime) -> Option<(ImageKey, Vec<Waiter>)> {
        self.advance(now);
        let is_done = |pull: &Pull| matches!(pull.phase, Phase::Last { unpack } if unpack < NOTHING);
        let at = self.pulls.iter().position(is_done)?;
        let pull = self.pulls.remove(at);
        Some((pull.image, pull.waiters))
    }

    /// When something happens next if nobody comes before, and the generation of this foresight.
    pub fn foresees(&mut self) -> Option<(SimTime, u32)> {
        self.generation = self.generation.wrapping_add(1);
        let (download, unpack) = self.rates();
        let due = self.pulls.iter().filter_map(|pull| match pull.phase {
            Phase::Queued => None,
            Phase::Asks { until } => Some(until),
            Phase::Moves { download: bytes, unpack: layers } => {
                let times = [(bytes, download), (layers, unpack)];
                let open = times.into_iter().filter(|(bytes, _)| *bytes >= NOTHING);
                open.map(|(bytes, rate)| self.changed + after(bytes, rate)).min()
            }
            Phase::Last { unpack: bytes } => Some(self.changed + after(bytes, unpack)),
        });
        Some((due.min()?, self.generation))
    }

    /// Whether a foresight still holds.
    pub fn is_current(&self, generation: u32) -> bool {
        self.generation == generation
    }

    /// What each download and each unpacking gets now.
    fn rates(&self) -> (f64, f64) {
        let count = |of: fn(&Phase) -> bool| self.pulls.iter().filter(|pull| of(&pull.phase)).count().max(1) as f64;
        let downloads = count(|phase| matches!(phase, Phase::Moves { download, .. } if *download >= NOTHING));
        let unpackings = count(|phase| match phase {
            Phase::Moves { unpack, .. } | Phase::Last { unpack } => *unpack >= NOTHING,
            _ => false,
        });
        let (bandwidth, disk) = (self.settings.bandwidth / downloads, self.settings.unpack_rate / unpackings);
        (bandwidth.min(self.settings.image_rate), disk)
    }

    /// What moves has moved on, and phases that are over have given way to the next.
    fn advance(&mut self, now: SimTime) {
        let (download, unpack) = self.rates();
        let passed = now.saturating_since(self.changed).as_secs_f64();
        self.changed = now;
        for pull in &mut self.pulls {
            match &mut pull.phase {
                Phase::Moves { download: bytes, unpack: layers } => {
                    *bytes = (*bytes - download * passed).max(0.0);
                    *layers = (*layers - unpack * passed).max(0.0);
                }
                Phase::Last { unpack: bytes } => *bytes = (*bytes - unpack * passed).max(0.0),
                Phase::Queued | Phase::Asks { .. } => {}
            }
            pull.goes_on(now);
        }
    }
}

impl Pull {
    fn goes_on(&mut self, now: SimTime) {
        if matches!(self.phase, Phase::Asks { until } if until <= now) {
            self.phase = Phase::Moves { download: self.size.download, unpack: self.size.unpack };
        }
        if matches!(self.phase, Phase::Moves { download, unpack } if download < NOTHING && unpack < NOTHING) {
            self.phase = Phase::Last { unpack: self.size.last };
        }
    }
}

/// How long so many bytes take, to the next nanosecond.
fn after(bytes: f64, rate: f64) -> SimDuration {
    SimDuration::from_nanos((bytes / rate * 1e9).ceil() as u64 + 1)
}

/// How far the start of a pod is that needs more than a cached image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Init containers that have done their work.
    pub inits: u8,
    /// Pulls in a row that have failed.
    pub failures: u8,
    /// When it began to wait for the image that it waits for.
    pub waits_since: Option<SimTime>,
}

/// The pulls of all nodes, and the pods that wait for them.
#[derive(Clone, Debug)]
pub struct ImageStores {
    settings: PullSettings,
    nodes: BTreeMap<NodeId, ImageStore>,
    progress: BTreeMap<PodId, Progress>,
}

impl ImageStores {
    /// No node pulls.
    pub fn new(settings: PullSettings) -> Self {
        ImageStores { settings, nodes: BTreeMap::new(), progress: BTreeMap::new() }
    }

    /// The pulls of a node.
    pub fn of(&mut self, node: NodeId) -> &mut ImageStore {
        let settings = self.settings;
        self.nodes.entry(node).or_insert_with(|| ImageStore::new(settings))
    }

    /// A node's instance stops: what was on its way is lost.
    pub fn stops(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    /// How far the start of a pod is.
    pub fn progress(&mut self, pod: PodId) -> &mut Progress {
        self.progress.entry(pod).or_default()
    }

    /// How far the start of a pod is, if it needs more than a cached image.
    pub fn progress_of(&self, pod: PodId) -> Progress {
        self.progress.get(&pod).copied().unwrap_or_default()
    }

    /// A pod has started, starts anew, or is no more. What it had got to.
    pub fn forget(&mut self, pod: PodId) -> Option<Progress> {
        self.progress.remove(&pod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    fn settings() -> PullSettings {
        PullSettings {
            parallel: None,
            bandwidth: 200.0 * MIB,
            image_rate: 100.0 * MIB,
            unpack_rate: 125.0 * MIB,
            qps: 5.0,
            burst: 10,
        }
    }

    /// So many MiB that are three times as large unpacked, an eighth of them in the last layer.
    fn size(mib: f64) -> PullSize {
        let unpacked = 3.0 * mib * MIB;
        PullSize { download: mib * MIB, unpack: unpacked * 7.0 / 8.0, last: unpacked / 8.0 }
    }

    fn image(number: u32) -> ImageKey {
        (ImageId(number), 0)
    }

    fn at(seconds: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_nanos((seconds * 1e9) as u64)
    }

    /// Lets a store run to its end: when each image is there, in seconds.
    fn run(store: &mut ImageStore) -> Vec<(u32, f64)> {
        let mut found = Vec::new();
        let mut now = SimTime::ZERO;
        loop {
            while let Some((image, _)) = store.next_turn() {
                store.begins(now, image, now + SimDuration::from_millis(100));
            }
            let Some((due, _)) = store.foresees() else { return found };
            now = due;
            while let Some(((image, _), _)) = store.arrived(now) {
                found.push((image.0, now.as_secs_f64()));
            }
        }
    }

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-6, "{found} and not {wanted}");
    }

    #[test]
    fn a_large_image_is_bound_by_the_disk_that_it_is_unpacked_to() {
        let mut store = ImageStore::new(settings());
        store.wants(image(0), size(3072.0), (PodId(0), 0));
        // 9 GiB through 125 MiB a second, while the download takes 31 s.
        close(run(&mut store)[0].1, 0.1 + 9216.0 / 125.0);
    }

    #[test]
    fn a_slow_connection_leaves_the_last_layer_to_be_unpacked() {
        let mut store = ImageStore::new(PullSettings { image_rate: 10.0 * MIB, ..settings() });
        store.wants(image(0), size(80.0), (PodId(0), 0));
        close(run(&mut store)[0].1, 0.1 + 8.0 + 30.0 / 125.0);
    }

    #[test]
    fn pulls_at_once_share_and_serial_ones_wait() {
        let bound_by_network = PullSettings { unpack_rate: 1e15, ..settings() };
        let mut store = ImageStore::new(bound_by_network);
        (0..4).for_each(|number| store.wants(image(number), size(100.0), (PodId(number), 0)));
        run(&mut store).into_iter().for_each(|(_, there)| close(there, 0.1 + 2.0)); // 50 MiB a second each
        let mut store = ImageStore::new(PullSettings { parallel: Some(1), ..bound_by_network });
        (0..4).for_each(|number| store.wants(image(number), size(100.0), (PodId(number), 0)));
        let there: Vec<u32> = run(&mut store).into_iter().map(|(_, there)| (there * 10.0).round() as u32).collect();
        assert_eq!(there, [11, 22, 33, 44], "one after another, at the speed of one");
    }

    #[test]
    fn pods_share_the_pull_of_an_image() {
        let mut store = ImageStore::new(settings());
        (0..3).for_each(|number| store.wants(image(0), size(10.0), (PodId(number), 0)));
        store.begins(SimTime::ZERO, image(0), at(0.1));
        assert_eq!(store.next_turn(), None);
        let there = (1..10).find_map(|minute| store.arrived(at(60.0 * f64::from(minute))));
        let (_, waiters) = there.expect("it is there");
        assert_eq!(waiters.len(), 3);
    }

    #[test]
    fn a_kubelet_begins_ten_pulls_at_once_and_five_a_second_more() {
        let mut store = ImageStore::new(settings());
        let begun = |store: &mut ImageStore, now| (0..100).filter(|_| store.may_begin(now)).count();
        assert_eq!([begun(&mut store, at(0.0)), begun(&mut store, at(1.0)), begun(&mut store, at(9.0))], [10, 5, 10]);
    }

    #[test]
    fn what_was_on_its_way_dies_with_the_node() {
        let mut stores = ImageStores::new(settings());
        stores.of(NodeId(4)).wants(image(0), size(10.0), (PodId(0), 0));
        stores.progress(PodId(0)).failures = 2;
        stores.stops(NodeId(4));
        assert_eq!(stores.of(NodeId(4)).next_turn(), None);
        assert_eq!(stores.forget(PodId(0)).map(|progress| progress.failures), Some(2));
        assert_eq!(stores.progress_of(PodId(0)), Progress::default());
    }
}
