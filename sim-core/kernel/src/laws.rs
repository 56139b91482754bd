//! Laws: the distributions that times and amounts are drawn from.
//!
//! A [`Law`] is written as people say it, `0.3ms` or `lognormal(median 38s, p95 75s, floor 24s)`, and sampled from a
//! keyed [`Draw`]. Every law but the gamma is sampled by inversion of one uniform value, so a larger uniform value is
//! a larger sample under any parameters, and paired runs stay paired. Logarithms and powers are libm's, whose last
//! bit is the same everywhere.
//!
//! ```
//! use sim_kernel::{Law, Purpose, RunKey};
//!
//! let boot: Law = "lognormal(median 38s, p95 75s, floor 24s)".parse()?;
//! let mut draw = RunKey::new(7, 0).draw(Purpose::new("node/boot"), 3, 0);
//! assert!(boot.sample(&mut draw) >= 24.0);
//! assert_eq!(boot.still().to_string(), "38s");
//! # Ok::<(), sim_kernel::LawError>(())
//! ```

mod check;
mod error;
mod text;

pub use error::LawError;

use rand::Rng;
use rand::distr::Distribution;

use crate::random::{Draw, standard_normal_quantile, uniform_of};
use crate::time::SimDuration;

/// A distribution of one real value: seconds, where the value is a time.
///
/// Its parameters are checked when it is made, so sampling cannot fail. Small laws are stored inline; sampling never
/// allocates.
#[derive(Clone, Debug, PartialEq)]
pub struct Law(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Constant(f64),
    Uniform { low: f64, high: f64 },
    Exponential { mean: f64 },
    Normal { mean: f64, sd: f64 },
    LogNormal { median: f64, p95: f64, floor: f64, sigma: f64 },
    Weibull { scale: f64, shape: f64 },
    Gamma { shape: f64, scale: f64 },
    Triangular { low: f64, mode: f64, high: f64 },
    Empirical(Vec<(f64, f64)>),
    Mixture(Vec<(f64, Law)>),
}

/// No sampled duration is longer, in seconds (31.7 years), so that a heavy tail cannot outrun the clock.
const LONGEST_S: f64 = 1e9;

/// The 95 % quantile of the standard normal law.
const NORMAL_P95: f64 = 1.644_853_626_951_472_2;

/// Every parameter is finite and at most 10^9 in size. The constructors panic on parameters that make no law, for they are meant for figures in code; what users write
/// goes through [`str::parse`], and measured histograms through [`Law::try_empirical`].
impl Law {
    /// Always `value`.
    ///
    /// # Panics
    /// Unless it is in the range of parameters.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self::sound(Form::Constant(value))
    }

    /// Each value between `low` and `high` is equally likely.
    ///
    /// # Panics
    /// Unless `low <= high`.
    #[must_use]
    pub fn uniform(low: f64, high: f64) -> Self {
        Self::sound(Form::Uniform { low, high })
    }

    /// The time to the next of events that come independently of each other, `mean` apart on average.
    ///
    /// # Panics
    /// Unless `mean` is more than 0.
    #[must_use]
    pub fn exponential(mean: f64) -> Self {
        Self::sound(Form::Exponential { mean })
    }

    /// The normal law. It reaches below zero: [`Law::duration`] takes such values as zero.
    ///
    /// # Panics
    /// Unless `sd` is 0 or more.
    #[must_use]
    pub fn normal(mean: f64, sd: f64) -> Self {
        Self::sound(Form::Normal { mean, sd })
    }

    /// The log-normal law with that median and 95 % quantile.
    ///
    /// # Panics
    /// Unless `0 < median <= p95`.
    #[must_use]
    pub fn lognormal(median: f64, p95: f64) -> Self {
        Self::lognormal_from(median, p95, 0.0)
    }

    /// The log-normal law whose values below `floor` are raised to it; median and 95 % quantile stay.
    ///
    /// # Panics
    /// Unless `0 <= floor <= median <= p95` and `median` is more than 0.
    #[must_use]
    pub fn lognormal_from(median: f64, p95: f64, floor: f64) -> Self {
        Self::sound(lognormal_form(median, p95, floor))
    }

    /// The Weibull law: `scale` is its 63 % quantile; a `shape` below 1 means a falling hazard rate.
    ///
    /// # Panics
    /// Unless `scale` is more than 0, and `shape` between 0.01 and 10^6.
    #[must_use]
    pub fn weibull(scale: f64, shape: f64) -> Self {
        Self::sound(Form::Weibull { scale, shape })
    }

    /// The gamma law, of mean `shape * scale`.
    ///
    /// # Panics
    /// Unless `scale` is more than 0, and `shape` between 0.01 and 10^6.
    #[must_use]
    pub fn gamma(shape: f64, scale: f64) -> Self {
        Self::sound(Form::Gamma { shape, scale })
    }

    /// The triangular law: from `low` to `high`, most often near `mode`.
    ///
    /// # Panics
    /// Unless `low <= mode <= high`.
    #[must_use]
    pub fn triangular(low: f64, mode: f64, high: f64) -> Self {
        Self::sound(Form::Triangular { low, mode, high })
    }

    /// A measured histogram: (upper end of a bucket, share of all values up to there), both rising, the last share 1.
    ///
    /// Inside a bucket values are equally likely. The first bucket begins at 0, or at the first upper end if the
    /// share there is 0.
    ///
    /// # Errors
    /// When the points make no distribution: see [`LawError`].
    pub fn try_empirical(points: Vec<(f64, f64)>) -> Result<Self, LawError> {
        Self::checked(Form::Empirical(points))
    }

    /// One of several laws, each with its probability; the probabilities add up to 1.
    ///
    /// # Panics
    /// Unless they do, or if a part is itself a mixture.
    #[must_use]
    pub fn mixture(parts: Vec<(f64, Law)>) -> Self {
        Self::sound(Form::Mixture(parts))
    }

    fn sound(form: Form) -> Self {
        Self::checked(form).unwrap_or_else(|error| panic!("a law in code is sound: {error}"))
    }

    fn checked(form: Form) -> Result<Self, LawError> {
        check::check(&form)?;
        Ok(Self(form))
    }

    /// One value of this law.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        Distribution::sample(self, draw)
    }

    /// One value, taken as seconds: what is below zero becomes zero, and nothing is longer than 10^9 s.
    #[inline]
    pub fn duration(&self, draw: &mut Draw) -> SimDuration {
        SimDuration::from_secs_f64(self.sample(draw).min(LONGEST_S))
    }

    /// The law of the *still* mode: always this law's median.
    #[must_use]
    pub fn still(&self) -> Self {
        Self(Form::Constant(self.median()))
    }

    /// The value if there is only one.
    #[must_use]
    pub fn as_constant(&self) -> Option<f64> {
        match self.0 {
            Form::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The mean; infinite where a Weibull law's overflows.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match &self.0 {
            Form::Constant(value) => *value,
            Form::Uniform { low, high } => low.midpoint(*high),
            Form::Exponential { mean } | Form::Normal { mean, .. } => *mean,
            Form::LogNormal { median, floor, sigma, .. } => lognormal_mean(*median, *floor, *sigma),
            Form::Weibull { scale, shape } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Form::Gamma { shape, scale } => shape * scale,
            Form::Triangular { low, mode, high } => (low + mode + high) / 3.0,
            Form::Empirical(points) => {
                buckets(points).map(|bucket| bucket.share() * bucket.low.midpoint(bucket.high)).sum()
            }
            Form::Mixture(parts) => parts.iter().map(|(weight, law)| weight * law.mean()).sum(),
        }
    }

    /// The median: half of all values lie below.
    #[must_use]
    pub fn median(&self) -> f64 {
        match &self.0 {
            // Exact, without a round trip through the normal quantile.
            Form::LogNormal { median, .. } => *median,
            _ => self.quantile(0.5),
        }
    }

    /// The value that a share `p` of all values stays below or at.
    ///
    /// Range: `p` in (0, 1). Gamma laws and mixtures are solved by bisection to the last bit.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        match &self.0 {
            Form::Gamma { shape, scale } => scale * gamma_quantile(*shape, p),
            Form::Mixture(parts) => {
                let ends = || parts.iter().map(|(_, law)| law.quantile(p));
                // The mixture's quantile lies between those of its parts.
                let (low, high) = (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
                bisect(low, high, |x| self.cdf(x) >= p)
            }
            form => form.at_level(p),
        }
    }

    /// The share of values at or below `x`.
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        match &self.0 {
            Form::Constant(value) => step(x >= *value),
            Form::Uniform { low, high } if low == high => step(x >= *low),
            Form::Uniform { low, high } => ((x - low) / (high - low)).clamp(0.0, 1.0),
            Form::Exponential { mean } => -libm::expm1(-x.max(0.0) / mean),
            Form::Normal { mean, sd: 0.0 } => step(x >= *mean),
            Form::Normal { mean, sd } => normal_cdf((x - mean) / sd),
            Form::LogNormal { floor, .. } if x < *floor || x <= 0.0 => 0.0,
            Form::LogNormal { median, sigma: 0.0, .. } => step(x >= *median),
            Form::LogNormal { median, sigma, .. } => normal_cdf(libm::log(x / median) / sigma),
            Form::Weibull { scale, shape } => -libm::expm1(-libm::pow(x.max(0.0) / scale, *shape)),
            Form::Gamma { shape, scale } => gamma_cdf(*shape, x / scale),
            Form::Triangular { low, mode, high } => triangular_cdf(*low, *mode, *high, x),
            Form::Empirical(points) => buckets(points).map(|bucket| bucket.share_below(x)).sum(),
            Form::Mixture(parts) => parts.iter().map(|(weight, law)| weight * law.cdf(x)).sum(),
        }
    }
}

impl Distribution<f64> for Law {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let law = match &self.0 {
            Form::Mixture(parts) => part_at(parts, uniform_of(rng.next_u64())),
            _ => self,
        };
        match &law.0 {
            Form::Constant(value) => *value,
            Form::Gamma { shape, scale } => scale * gamma_sample(*shape, rng),
            form => form.at_level(uniform_of(rng.next_u64())),
        }
    }
}

impl Form {
    /// The inverse of the distribution function, for the laws that are sampled by it.
    #[inline]
    fn at_level(&self, p: f64) -> f64 {
        match self {
            Form::Constant(value) => *value,
            Form::Uniform { low, high } => low + (high - low) * p,
            Form::Exponential { mean } => -mean * libm::log(1.0 - p),
            Form::Normal { mean, sd } => mean + sd * standard_normal_quantile(p),
            Form::LogNormal { median, floor, sigma, .. } => {
                (median * libm::exp(sigma * standard_normal_quantile(p))).max(*floor)
            }
            Form::Weibull { scale, shape } => scale * libm::pow(-libm::log(1.0 - p), 1.0 / shape),
            Form::Triangular { low, mode, high } => triangular_quantile(*low, *mode, *high, p),
            Form::Empirical(points) => empirical_quantile(points, p),
            Form::Gamma { .. } | Form::Mixture(_) => unreachable!("gamma laws and mixtures have no closed inverse"),
        }
    }
}

fn lognormal_form(median: f64, p95: f64, floor: f64) -> Form {
    Form::LogNormal { median, p95, floor, sigma: libm::log(p95 / median) / NORMAL_P95 }
}

fn lognormal_mean(median: f64, floor: f64, sigma: f64) -> f64 {
    let free = median * libm::exp(0.5 * sigma * sigma);
    if floor <= 0.0 {
        return free;
    }
    if sigma == 0.0 {
        return median.max(floor);
    }
    let depth = libm::log(floor / median) / sigma;
    floor * normal_cdf(depth) + free * normal_cdf(sigma - depth)
}

fn triangular_cdf(low: f64, mode: f64, high: f64, x: f64) -> f64 {
    if x < low {
        0.0
    } else if x >= high {
        1.0
    } else if x < mode {
        (x - low) * (x - low) / ((high - low) * (mode - low))
    } else {
        1.0 - (high - x) * (high - x) / ((high - low) * (high - mode))
    }
}

#[inline]
fn triangular_quantile(low: f64, mode: f64, high: f64, p: f64) -> f64 {
    let width = high - low;
    if p * width < mode - low {
        low + (p * width * (mode - low)).sqrt()
    } else {
        high - ((1.0 - p) * width * (high - mode)).sqrt()
    }
}

/// A histogram's bucket: its ends, and the shares of values below them.
struct Bucket {
    low: f64,
    high: f64,
    share_low: f64,
    share_high: f64,
}

impl Bucket {
    fn ending_at(points: &[(f64, f64)], i: usize) -> Self {
        let (low, share_low) = if i == 0 { (0.0, 0.0) } else { points[i - 1] };
        let (high, share_high) = points[i];
        Self { low, high, share_low, share_high }
    }

    fn share(&self) -> f64 {
        self.share_high - self.share_low
    }

    fn share_below(&self, x: f64) -> f64 {
        if self.share() == 0.0 {
            return 0.0;
        }
        self.share() * ((x - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

fn buckets(points: &[(f64, f64)]) -> impl Iterator<Item = Bucket> + '_ {
    (0..points.len()).map(|i| Bucket::ending_at(points, i))
}

fn empirical_quantile(points: &[(f64, f64)], p: f64) -> f64 {
    let i = points.partition_point(|&(_, share)| share < p).min(points.len() - 1);
    let bucket = Bucket::ending_at(points, i);
    bucket.low + (bucket.high - bucket.low) * ((p - bucket.share_low) / bucket.share()).min(1.0)
}

/// The part of a mixture that a uniform value falls to.
fn part_at(parts: &[(f64, Law)], chosen: f64) -> &Law {
    let mut below = 0.0;
    let part = parts.iter().find(|(weight, _)| {
        below += weight;
        chosen < below
    });
    // The weights may add up to a little less than 1.
    &part.or(parts.last()).expect("a mixture has parts").1
}

/// A value of the gamma law of scale 1 (Marsaglia and Tsang, ACM TOMS 26, 2000): about one attempt in twenty is
/// rejected. A shape below 1 is that of shape + 1, times a power of a uniform value.
fn gamma_sample<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    if shape < 1.0 {
        let power = libm::pow(uniform_of(rng.next_u64()), 1.0 / shape);
        return power * gamma_sample(shape + 1.0, rng);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = standard_normal_quantile(uniform_of(rng.next_u64()));
        let root = 1.0 + c * x;
        let v = root * root * root;
        let accepted = uniform_of(rng.next_u64());
        if v > 0.0 && libm::log(accepted) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
}

/// The regularised lower incomplete gamma function P(shape, x): its power series, or where that converges slowly
/// the continued fraction of its complement (both in the Digital Library of Mathematical Functions, chapter 8).
fn gamma_cdf(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 {
        let mut term = 1.0 / shape;
        let mut sum = term;
        let mut n = shape;
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return (front * sum).min(1.0);
    }
    // Backwards through enough of the fraction x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / ...).
    let depth = 200 + shape.sqrt().min(1e4) as u32 * 8;
    let fraction = (1..=depth).rev().map(f64::from).fold(0.0, |tail, k| {
        let numerator = k * (k - shape);
        numerator / (x + 2.0 * k + 1.0 - shape - tail)
    });
    (1.0 - front / (x + 1.0 - shape - fraction)).clamp(0.0, 1.0)
}

fn gamma_quantile(shape: f64, p: f64) -> f64 {
    let mut high = shape.max(1.0);
    while gamma_cdf(shape, high) < p {
        high *= 2.0;
    }
    bisect(0.0, high, |x| gamma_cdf(shape, x) >= p)
}

/// The smallest value in `low..=high` for which `reached` holds, if it holds from some value up to `high`.
fn bisect(mut low: f64, mut high: f64, reached: impl Fn(f64) -> bool) -> f64 {
    if reached(low) {
        return low;
    }
    loop {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            return high;
        }
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

fn step(reached: bool) -> f64 {
    if reached { 1.0 } else { 0.0 }
}
