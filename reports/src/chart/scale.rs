//! Axes: which range they show, where their ticks lie, and how these are written.

use super::Chart;
use crate::numbers;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use sim_study::Unit;
use std::ops::Range;

/// A vertical or horizontal axis with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// The value at its beginning.
    pub low: f64,
    /// The value at its end, above `low`.
    pub high: f64,
    /// Whether equal ratios have equal lengths.
    pub log: bool,
    /// Values and what is written at them.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Where a value lies, from 0 at the beginning to 1 at the end; outside values lie on the nearer end.
    fn place(&self, value: f64) -> f64 {
        let along = |v: f64| if self.log { libm::log10(v.max(f64::MIN_POSITIVE)) } else { v };
        ((along(value) - along(self.low)) / (along(self.high) - along(self.low))).clamp(0.0, 1.0)
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (begin, end): (i32, i32)) -> i32 {
        begin + libm::round(self.place(*value) * f64::from(end - begin)) as i32
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        // Plotters asks once for a fine grid, which there is not, and once for the ticks.
        let fine = hint.weight().allow_light_points();
        if fine { Vec::new() } else { self.ticks.iter().map(|(value, _)| *value).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(tick, _)| tick == value);
        tick.map(|(_, written)| written.clone()).unwrap_or_default()
    }
}

/// The horizontal axis of a run: from zero, ticks at round times, the unit at the last one.
pub fn time_scale(end_s: f64, ticks_most: usize) -> Scale {
    let end = if end_s > 0.0 { end_s } else { 1.0 };
    let (unit_s, unit) = match end {
        e if e <= 180.0 => (1.0, "s"),
        e if e <= 3.0 * 3_600.0 => (60.0, "min"),
        e if e <= 4.0 * 86_400.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    const STEPS: [f64; 16] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 240.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1e5];
    let step = STEPS.iter().find(|step| end / unit_s / *step <= ticks_most as f64).copied().unwrap_or(end / unit_s);
    let count = libm::floor(end / unit_s / step + 1e-9) as usize;
    let ticks = (0..=count).map(|n| {
        let shown = numbers::significant(n as f64 * step, 6);
        (n as f64 * step * unit_s, if n == count { format!("{shown} {unit}") } else { shown })
    });
    Scale { low: 0.0, high: end, log: false, ticks: ticks.collect() }
}

/// The vertical axis of a chart, so that every finite value of its lines lies on it, and of their bands as far as it
/// can.
pub fn value_scale(chart: &Chart) -> Scale {
    let lines = || chart.lines.iter().flat_map(|line| &line.values).flatten().copied();
    let positive = lines().all(|value| value >= 0.0);
    // The interval of a mean may reach beyond what its quantity can be; the axis does not.
    let natural = |value: f64| match chart.unit {
        Unit::Share => value.clamp(0.0, 1.0),
        _ if positive => value.max(0.0),
        _ => value,
    };
    let bands = chart.lines.iter().filter_map(|line| line.band.as_ref());
    // On a logarithmic axis the lower end of a wide interval may lie many decades below its mean: it is cut.
    let ends = bands.flat_map(|band| band.high.iter().chain(if chart.log { &[][..] } else { &band.low[..] }));
    let values = lines().chain(ends.flatten().copied()).map(natural);
    let usable = values.filter(|value| value.is_finite() && (!chart.log || *value > 0.0));
    let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return linear(chart.unit, 0.0, 1.0);
    }
    match chart.unit {
        _ if chart.log => logarithmic(chart.unit, low, high),
        Unit::Share if (0.9..1.0).contains(&low) => linear(chart.unit, low - (1.0 - low).max(0.001) * 0.15, 1.0),
        Unit::Share if high > 0.5 => linear(chart.unit, 0.0, high.max(1.0)),
        _ => linear(chart.unit, low.min(0.0), if high > 0.0 { high } else { 1.0_f64.min(low.abs() + 1.0) }),
    }
}

/// A linear axis over at least this range, with three to five ticks at round values.
fn linear(unit: Unit, low: f64, high: f64) -> Scale {
    let step = round_step((high - low) / 4.0, unit);
    let first = libm::floor(low / step + 1e-9);
    let last = libm::ceil(high / step - 1e-9).max(first + 1.0);
    let ticks = (0..=(last - first) as usize).map(|n| {
        let value = (first + n as f64) * step;
        (value, tick_text(unit, value, step))
    });
    Scale { low: first * step, high: last * step, log: false, ticks: ticks.collect() }
}

/// 1, 2 or 5 times a power of ten, at least `wanted`; whole for counts.
fn round_step(wanted: f64, unit: Unit) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(wanted.max(1e-12))));
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= wanted * 0.999).unwrap_or(10.0 * power);
    if unit == Unit::Count { libm::ceil(step).max(1.0) } else { step }
}

fn tick_text(unit: Unit, value: f64, step: f64) -> String {
    match unit {
        Unit::Share => {
            let decimals = libm::ceil(-libm::log10(step * 100.0) - 1e-9).clamp(0.0, 6.0) as usize;
            format!("{:.decimals$} %", value * 100.0)
        }
        _ => numbers::show(unit, value),
    }
}

/// A logarithmic axis from and to 1, 2 or 5 times a power of ten, ticks at powers of ten, or at 2 and 5 too where there
/// are few.
fn logarithmic(unit: Unit, low: f64, high: f64) -> Scale {
    let steps = |from: i32, to: i32| {
        (from..=to).flat_map(|power| [1.0, 2.0, 5.0].map(|m| (m, m * libm::pow(10.0, f64::from(power)))))
    };
    let (from, to) = (libm::floor(libm::log10(low)) as i32, libm::ceil(libm::log10(high)) as i32);
    let bottom = steps(from, to).map(|(_, v)| v).filter(|v| *v <= low * 1.000_001).fold(f64::NAN, f64::max);
    let top = steps(from, to).map(|(_, v)| v).find(|v| *v >= high * 0.999_999).unwrap_or(high);
    let (bottom, top) = if top / bottom < 9.0 { (bottom / 2.0, bottom * 5.0) } else { (bottom, top) };
    let fine = top / bottom <= 120.0;
    let stride = ((to - from) / 6 + 1).max(1);
    let decade = |value: f64| (libm::round(libm::log10(value)) as i32).rem_euclid(stride) == 0;
    let ticks = steps(from - 1, to + 1)
        .filter(|(m, v)| (fine || *m == 1.0 && decade(*v)) && *v >= bottom * 0.999_999 && *v <= top * 1.000_001)
        .map(|(_, v)| (v, numbers::show(unit, numbers::rounded(v))));
    Scale { low: bottom, high: top, log: true, ticks: ticks.collect() }
}
