//! The laws: their samples follow their distribution functions, and so do rand_distr's; text reads back unchanged.

use proptest::prelude::*;
use rand::distr::Distribution;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use sim_kernel::{Draw, Law, Purpose, RunKey};

const COUNT: u64 = 40_000;

/// Laws of every kind, with the corners: small and large shapes, a floor, atoms, an empty bucket.
const LAWS: [&str; 18] = [
    "38s",
    "uniform(0.05ms, 0.3ms)",
    "exponential(2ms)",
    "normal(899s, 50s)",
    "lognormal(38s, 75s)",
    "lognormal(median 38s, p95 75s, floor 24s)",
    "weibull(scale 2s, shape 0.7)",
    "weibull(scale 2s, shape 3)",
    "gamma(shape 0.3, scale 2s)",
    "gamma(shape 1, scale 2s)",
    "gamma(shape 7.5, scale 10ms)",
    "gamma(shape 1000, scale 1ms)",
    "triangular(3.5m, 6m, 10m)",
    "triangular(1s, 1s, 4s)",
    "empirical(1ms: 92.6%, 2ms: 94.9%, 5ms: 94.9%, 1s: 100%)",
    "empirical(1s: 0%, 2s: 40%, 4s: 100%)",
    "mixture(0.9: uniform(1ms, 2ms), 0.1: exponential(50ms))",
    "mixture(25%: gamma(shape 2, scale 1s), 75%: normal(10s, 1s))",
];

fn law(text: &str) -> Law {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn draw(i: u64) -> Draw {
    RunKey::new(11, 0).draw(Purpose::new("test/laws"), 0, i)
}

/// The largest distance between the empirical distribution function and `cdf` (Kolmogorov and Smirnov). Times the
/// root of the count it stays below 1.95 with probability 0.999, for laws without atoms.
fn distance(mut values: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let largest = values.chunk_by(|a, b| a == b).fold((0.0, 0.0_f64), |(below, worst), ties| {
        let above = below + ties.len() as f64;
        let x = ties[0];
        (above, worst.max((above / n - cdf(x)).abs()).max((below / n - cdf(x.next_down())).abs()))
    });
    largest.1 * n.sqrt()
}

#[test]
fn samples_follow_their_distribution_function() {
    for text in LAWS {
        let law = law(text);
        let values = (0..COUNT).map(|i| law.sample(&mut draw(i))).collect();
        let distance = distance(values, |x| law.cdf(x));
        assert!(distance < 1.95, "{text}: {distance}");
    }
}

#[test]
fn sample_means_agree_with_the_mean() {
    for text in LAWS {
        let law = law(text);
        let values: Vec<f64> = (0..COUNT).map(|i| law.sample(&mut draw(i))).collect();
        let n = COUNT as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let standard_error = (variance / n).sqrt();
        let away = (mean - law.mean()).abs();
        assert!(away <= 4.0 * standard_error + 1e-12 * mean.abs(), "{text}: {mean} is not {}", law.mean());
    }
}

/// The second opinion: rand_distr's own algorithms, run on another stretch of draws.
#[test]
fn rand_distr_agrees() {
    let z95 = 1.644_853_626_951_472_2;
    let sigma = libm::log(75.0 / 38.0) / z95;
    let mu = libm::log(38.0);
    check("uniform(2s, 5s)", rand::distr::Uniform::new(2.0, 5.0).expect("2 < 5"));
    check("exponential(2s)", rand_distr::Exp::new(0.5).expect("a rate"));
    check("normal(899s, 50s)", rand_distr::Normal::new(899.0, 50.0).expect("a deviation"));
    check("lognormal(38s, 75s)", rand_distr::LogNormal::new(mu, sigma).expect("a sigma"));
    check("weibull(scale 2s, shape 0.7)", rand_distr::Weibull::new(2.0, 0.7).expect("a shape"));
    check("gamma(shape 0.3, scale 2s)", rand_distr::Gamma::new(0.3, 2.0).expect("a shape"));
    check("gamma(shape 7.5, scale 2s)", rand_distr::Gamma::new(7.5, 2.0).expect("a shape"));
    check("triangular(1s, 2s, 4s)", rand_distr::Triangular::new(1.0, 4.0, 2.0).expect("a mode inside"));

    fn check(text: &str, theirs: impl Distribution<f64>) {
        let law = law(text);
        let values = (COUNT..2 * COUNT).map(|i| theirs.sample(&mut draw(i))).collect();
        let distance = distance(values, |x| law.cdf(x));
        assert!(distance < 1.95, "{text}: {distance}");
    }
}

#[test]
fn the_quantile_inverts_the_distribution_function() {
    for text in LAWS {
        let law = law(text);
        for p in [0.001, 0.05, 0.3, 0.5, 0.9, 0.95, 0.999] {
            let x = law.quantile(p);
            assert!(law.cdf(x + 1e-9 * x.abs()) >= p - 1e-9, "{text} at {p}: {x}");
            assert!(law.cdf(x - 1e-9 * x.abs()) <= p + 1e-6, "{text} at {p}: {x}");
        }
        assert_eq!(law.median(), law.still().sample(&mut draw(0)), "{text}");
    }
}

#[test]
fn figures_known_from_elsewhere() {
    assert_eq!(law("lognormal(38s, 75s)").median(), 38.0);
    assert!((law("lognormal(38s, 75s)").quantile(0.95) - 75.0).abs() < 1e-12);
    // 2 ln 2, and the median of the gamma law of shape 2: the root of (1 + x) e^-x = 1/2.
    assert!((law("exponential(2s)").median() - 1.386_294_361_119_890_6).abs() < 1e-15);
    assert!((law("gamma(shape 2, scale 1s)").median() - 1.678_346_990_016_660_7).abs() < 1e-13);
    // Gamma(1.5) = sqrt(pi) / 2.
    assert!((law("weibull(scale 1s, shape 2)").mean() - 0.886_226_925_452_758).abs() < 1e-14);
}

#[test]
fn durations_are_never_negative_and_never_endless() {
    let widest = law("normal(0s, 1000000000s)");
    let longest = (0..1_000).map(|i| widest.duration(&mut draw(i)).as_secs_f64()).fold(0.0, f64::max);
    assert_eq!(longest, 1e9);
    assert_eq!(law("-5s").duration(&mut draw(0)).as_nanos(), 0);
    assert_eq!(law("0.3ms").duration(&mut draw(0)).as_nanos(), 300_000);
}

#[test]
fn laws_are_read_from_strings_and_no_bare_number_is_a_time() {
    let from_text = Law::deserialize(IntoDeserializer::<ValueError>::into_deserializer("uniform(1s, 2s)"));
    assert_eq!(from_text, Ok(Law::uniform(1.0, 2.0)));
    assert!(Law::deserialize(IntoDeserializer::<ValueError>::into_deserializer(5_i64)).is_err());
    assert!(Law::deserialize(IntoDeserializer::<ValueError>::into_deserializer(0.5_f64)).is_err());
    assert!(Law::deserialize(IntoDeserializer::<ValueError>::into_deserializer("unifrm(1s)")).is_err());
}

#[test]
#[should_panic(expected = "uniform: high 1 is out of range")]
fn a_law_in_code_must_be_sound() {
    let _ = Law::uniform(2.0, 1.0);
}

fn size() -> impl Strategy<Value = f64> {
    prop_oneof![1e-9..1e9_f64, (1_u32..10_000).prop_map(|n| f64::from(n) / 10.0), 1e-9..1e-3_f64]
}

fn three() -> impl Strategy<Value = [f64; 3]> {
    [size(), size(), size()].prop_map(|mut three| {
        three.sort_unstable_by(f64::total_cmp);
        three
    })
}

fn plain_law() -> impl Strategy<Value = Law> {
    prop_oneof![
        size().prop_map(Law::constant),
        size().prop_map(|x| Law::constant(-x)),
        three().prop_map(|[low, high, _]| Law::uniform(low, high)),
        size().prop_map(Law::exponential),
        (size(), size()).prop_map(|(mean, sd)| Law::normal(mean, sd)),
        three().prop_map(|[floor, median, p95]| Law::lognormal_from(median, p95, floor)),
        (size(), 0.01..100.0).prop_map(|(scale, shape)| Law::weibull(scale, shape)),
        (0.01..100.0, size()).prop_map(|(shape, scale)| Law::gamma(shape, scale)),
        three().prop_map(|[low, mode, high]| Law::triangular(low, mode, high)),
        (three(), 0.0..1.0).prop_filter_map("ends must rise", |([_, a, b], share)| {
            Law::try_empirical(vec![(a, share), (b, 1.0)]).ok()
        }),
    ]
}

fn any_law() -> impl Strategy<Value = Law> {
    let mixture = (1e-6..0.999_f64, plain_law(), plain_law())
        .prop_map(|(weight, a, b)| Law::mixture(vec![(weight, a), (1.0 - weight, b)]));
    prop_oneof![4 => plain_law(), 1 => mixture]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_reads_back_as_the_same_law(law in any_law()) {
        prop_assert_eq!(law.to_string().parse::<Law>(), Ok(law));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z0-9(),:. %-]{0,40}|(uniform|mixture|empirical|gamma)\\([0-9a-z.:,% ]{0,30}\\)") {
        if let Ok(law) = text.parse::<Law>() {
            prop_assert!(law.sample(&mut draw(0)).is_finite());
            prop_assert_eq!(law.to_string().parse::<Law>(), Ok(law));
        }
    }
}
