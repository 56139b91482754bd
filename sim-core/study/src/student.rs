//! Student's t: the one quantile that a 95 % interval needs.

/// The 0.975 quantile by degrees of freedom, from 1.
const TABLE: [f64; 30] = [
    12.7062047361747,
    4.302652729749464,
    3.18244630528371,
    2.776445105197794,
    2.570581835636316,
    2.44691185114497,
    2.364624251592785,
    2.306004135204167,
    2.262157162798206,
    2.228138851986275,
    2.20098516009164,
    2.178812829667229,
    2.160368656462793,
    2.144786687917804,
    2.131449545559776,
    2.119905299221255,
    2.109815577833317,
    2.100922040241038,
    2.09302405440831,
    2.085963447265865,
    2.07961384472768,
    2.073873067904026,
    2.068657610419049,
    2.063898561628026,
    2.059538552753298,
    2.055529438642873,
    2.051830516480286,
    2.048407141795245,
    2.045229642132704,
    2.042272456301238,
];

/// The 0.975 quantile of the standard normal distribution, and the factors of the first four powers of 1/freedom in
/// the quantile's expansion around it (Abramowitz and Stegun, 26.7.5).
const NORMAL: f64 = 1.959963984540054;
const EXPANSION: [f64; 4] = [2.372271230298563, 2.822498615739612, 2.5558496795077233, 1.5895340533938235];

/// The 0.975 quantile of Student's t with `freedom` degrees of freedom, right to seven digits.
///
/// Sums and products alone: a library's quantile would ask the platform for logarithms, and machines differ in their
/// last bit.
///
/// # Panics
/// If `freedom` is 0.
pub(crate) fn quantile_975(freedom: u32) -> f64 {
    assert!(freedom > 0, "an interval needs two values");
    if let Some(&quantile) = TABLE.get(freedom as usize - 1) {
        return quantile;
    }
    let step = 1.0 / f64::from(freedom);
    NORMAL + EXPANSION.iter().rev().fold(0.0, |sum, factor| (sum + factor) * step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    #[test]
    fn agrees_with_the_distribution() {
        for freedom in (1..200).chain([500, 1_000, 10_000, 1_000_000]) {
            let law = StudentsT::new(0.0, 1.0, f64::from(freedom)).expect("valid");
            let share = law.cdf(quantile_975(freedom));
            assert!((share - 0.975).abs() < 1e-8, "{freedom}: {share}");
        }
    }

    #[test]
    fn falls_from_each_degree_to_the_next() {
        for freedom in 1..100 {
            assert!(quantile_975(freedom) > quantile_975(freedom + 1), "{freedom}");
        }
    }
}
