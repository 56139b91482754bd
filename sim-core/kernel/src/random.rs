//! Keyed random draws: the same key gives the same values, whoever asks and whenever.
//!
//! A [`Draw`] is a pure function of (run key, purpose, entity, ordinal), so nothing needs to be stored between
//! draws, and one request more moves nobody else's. What belongs to a traveller is keyed by the traveller, what
//! belongs to a thing's own clock by that thing and its count.
//!
//! The generator is Philox2x64 with seven rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
//! as 1, 2, 3", SC 2011), tested against the vectors published with Random123. Six rounds already pass
//! BigCrush there; seven take 3.4 ns here, ten take 5.0, and Philox4x32-10 takes 10.7.
//!
//! ```
//! use sim_kernel::{Purpose, RunKey};
//!
//! const FSYNC: Purpose = Purpose::new("etcd/fsync");
//! let run = RunKey::new(7, 0);
//! let (member, count) = (2, 1_000);
//! let first = run.draw(FSYNC, member, count).uniform();
//! assert_eq!(run.draw(FSYNC, member, count).uniform(), first);
//! assert_ne!(run.draw(FSYNC, member, count + 1).uniform(), first);
//! ```

use std::convert::Infallible;
use std::fmt;

use rand::TryRng;
use serde::{Deserialize, Serialize};

/// What a draw is for, such as `"etcd/fsync"`.
///
/// The name is part of every result: renaming a purpose changes results as a new seed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose of that name: FNV-1a over its bytes, then a finalizer, so that similar names lie far apart.
    #[must_use]
    pub const fn new(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        Self(mixed(hash))
    }
}

/// The key of one run, made of seed, replication and branches: the only source of randomness in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey(u64);

impl RunKey {
    /// The key of replication `replication` under `seed`. Replications of one seed have distinct keys.
    #[must_use]
    pub const fn new(seed: u64, replication: u32) -> Self {
        let seed = mixed(seed.wrapping_add(GOLDEN_RATIO));
        Self(mixed(seed.wrapping_add(replication as u64)))
    }

    /// The key of branch `k` of this run: its draws are independent of this run's and of its other branches'.
    #[must_use]
    pub const fn branch(self, k: u32) -> Self {
        // Were it not for the second constant, branch 0 of one replication could be another replication.
        let parent = mixed(self.0 ^ SQRT_3);
        Self(mixed(parent.wrapping_add(k as u64)))
    }

    /// The draw number `ordinal` of `entity` for `purpose`. Costs nothing until a value is asked of it.
    #[inline]
    #[must_use]
    pub const fn draw(self, purpose: Purpose, entity: u64, ordinal: u64) -> Draw {
        Draw { key: self.0 ^ purpose.0, counter: [entity, ordinal], words: 0, spare: 0 }
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One keyed draw: the short stream of random words that belongs to one key.
///
/// Most laws take one word; those that reject or mix take as many as they need, without touching another key's.
/// It implements rand's traits, so the laws of `rand_distr` can be sampled from it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    key: u64,
    counter: [u64; 2],
    words: u64,
    spare: u64,
}

impl Draw {
    /// The next 64 random bits of this draw.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let block = self.words / 2;
        let is_second = self.words % 2 == 1;
        self.words = self.words.wrapping_add(1);
        if is_second {
            return self.spare;
        }
        // The step differs from Philox's own key step: equal ones would make block n a late round of block 0.
        let [value, spare] = philox2x64::<7>(self.counter, self.key.wrapping_add(block.wrapping_mul(SQRT_3)));
        self.spare = spare;
        value
    }

    /// A uniform value in the open interval (0, 1): an odd multiple of 2^-53, so neither 0 nor 1, and symmetric.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        uniform_of(self.next_u64())
    }

    /// A uniform whole number in 0..n, unbiased: multiplication with rejection (Lemire, ACM TOMACS 2019).
    ///
    /// # Panics
    ///
    /// When `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a choice needs something to choose from");
        let (mut choice, mut rest) = wide_product(self.next_u64(), n);
        if rest < n {
            let excess = n.wrapping_neg() % n;
            while rest < excess {
                (choice, rest) = wide_product(self.next_u64(), n);
            }
        }
        choice
    }

    /// True with `probability`: never at 0 or less, always at 1 or more.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A value of the standard normal law (mean 0, standard deviation 1), by inversion: it grows with the uniform
    /// value beneath it, so that paired runs stay paired.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        standard_normal_quantile(self.uniform())
    }

    /// A value of the exponential law of mean 1, by inversion. Range: 0 to 37.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }
}

impl TryRng for Draw {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_u64() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A random word as a uniform value: see [`Draw::uniform`].
#[inline]
pub(crate) fn uniform_of(word: u64) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    ((word >> 11) | 1) as f64 * STEP
}

/// The value that a standard normal variable stays below with probability `p`.
///
/// Range: `p` in (0, 1); -infinity at 0 and infinity at 1. Relative error about 1e-16.
/// Source: algorithm AS 241, PPND16 (Wichura, Applied Statistics 37, 1988).
#[must_use]
pub fn standard_normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTRE);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let tail = if r == f64::INFINITY {
        r
    } else if r <= 5.0 {
        ratio(r - 1.6, &SHOULDER)
    } else {
        ratio(r - 5.0, &FAR_TAIL)
    };
    tail.copysign(q)
}

/// The factors of numerator and denominator for each power, lowest first: both are worked out side by side.
type Rational = [[f64; 2]; 8];

const fn rational(numerator: [f64; 8], denominator: [f64; 8]) -> Rational {
    let mut pairs = [[0.0; 2]; 8];
    let mut power = 0;
    while power < 8 {
        pairs[power] = [numerator[power], denominator[power]];
        power += 1;
    }
    pairs
}

#[expect(clippy::excessive_precision, reason = "the digits are as published")]
const CENTRE: Rational = rational(
    [
        3.387_132_872_796_366_608,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ],
);

#[expect(clippy::excessive_precision, reason = "the digits are as published")]
const SHOULDER: Rational = rational(
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

#[expect(clippy::excessive_precision, reason = "the digits are as published")]
const FAR_TAIL: Rational = rational(
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[inline]
fn ratio(x: f64, [lower @ .., highest]: &Rational) -> f64 {
    let next = |[upper, lower]: [f64; 2], factors: &[f64; 2]| [upper * x + factors[0], lower * x + factors[1]];
    let [numerator, denominator] = lower.iter().rev().fold(*highest, next);
    numerator / denominator
}

/// Philox's key step: 2^64 divided by the golden ratio.
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

/// The fraction of the square root of three, times 2^64: unrelated to the golden ratio.
const SQRT_3: u64 = 0xbb67_ae85_84ca_a73b;

/// Philox2x64 of `ROUNDS` rounds: a bijection of the counter for each key.
#[inline]
const fn philox2x64<const ROUNDS: u32>(counter: [u64; 2], key: u64) -> [u64; 2] {
    let [mut left, mut right] = counter;
    let mut key = key;
    let mut round = 0;
    while round < ROUNDS {
        let (high, low) = wide_product(left, 0xd2b7_4407_b1ce_6e93);
        (left, right) = (high ^ key ^ right, low);
        key = key.wrapping_add(GOLDEN_RATIO);
        round += 1;
    }
    [left, right]
}

/// The 128-bit product's high and low half.
#[inline]
const fn wide_product(a: u64, b: u64) -> (u64, u64) {
    let product = a as u128 * b as u128;
    ((product >> 64) as u64, product as u64)
}

/// A bijection in which each bit depends on all: the finalizer of SplitMix64 (variant 13 of Stafford's).
const fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counter, key and result as in Random123's file `kat_vectors`, for 7 and for 10 rounds.
    #[test]
    fn philox_gives_its_published_vectors() {
        const PI: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0];
        let seven = philox2x64::<7>;
        assert_eq!(seven([0, 0], 0), [0xb41d_a69f_bfef_c666, 0x511e_9ce1_a553_4056]);
        assert_eq!(seven([!0, !0], !0), [0xa469_6cc0_4462_015d, 0x7247_82da_e171_69e9]);
        assert_eq!(seven([PI[0], PI[1]], PI[2]), [0x98ed_1534_392b_f372, 0x6752_8b15_6888_2fd5]);
        let ten = philox2x64::<10>;
        assert_eq!(ten([0, 0], 0), [0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5]);
        assert_eq!(ten([!0, !0], !0), [0x65b0_21d6_0cd8_310f, 0x4d02_f322_2f86_df20]);
        assert_eq!(ten([PI[0], PI[1]], PI[2]), [0x0a5e_742c_2997_341c, 0xb0f8_83d3_8000_de5d]);
    }

    #[test]
    fn a_draw_runs_through_blocks_of_one_key() {
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("a"), 5, 9);
        let key = draw.key;
        let [w0, w1] = philox2x64::<7>([5, 9], key);
        let [w2, _] = philox2x64::<7>([5, 9], key.wrapping_add(SQRT_3));
        assert_eq!([draw.next_u64(), draw.next_u64(), draw.next_u64()], [w0, w1, w2]);
    }

    #[test]
    fn the_normal_quantile_inverts_the_cdf() {
        for i in 1..400 {
            let x = -8.0 + 0.04 * f64::from(i);
            let p = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            if x < 3.0 {
                let error = (standard_normal_quantile(p) - x).abs();
                assert!(error < 1e-13 * (1.0 + x.abs()) / p.min(1.0 - p).clamp(1e-3, 0.1), "{x}: {error:e}");
            }
        }
        assert_eq!(standard_normal_quantile(0.5), 0.0);
        assert_eq!(standard_normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(standard_normal_quantile(1.0), f64::INFINITY);
    }
}
