//! Charts of awkward data: whatever a model gives, there is a picture.

use reports::chart::{Band, Chart, Figure, Line, Mark, MarkKind, png, svg};
use sim_study::Unit;

fn chart(unit: Unit, log: bool, values: Vec<Option<f64>>) -> Chart {
    Chart {
        title: "kubelet".into(),
        unit,
        log,
        end_s: values.len() as f64 * 10.0,
        lines: vec![Line { label: "p99".into(), window_s: 10.0, values, band: None }],
        marks: vec![],
    }
}

fn drawn(chart: Chart) -> String {
    let figure = Figure { name: "x".into(), title: "X".into(), charts: vec![chart] };
    let picture = png(&figure).expect("a picture");
    assert_eq!(&picture[1..4], b"PNG");
    let text = svg(&figure);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    assert!(text.matches("<text").count() == text.matches("</text>").count());
    text
}

/// A whole text, as the SVG has it.
fn written(text: &str) -> String {
    format!(">\n{text}\n</text>")
}

#[test]
fn awkward_values_still_make_a_picture() {
    let awkward: [Vec<Option<f64>>; 8] = [
        vec![],
        vec![None; 5],
        vec![Some(0.0); 5],
        vec![Some(1.0); 5],
        vec![Some(f64::NAN), Some(f64::INFINITY), Some(-1.0), None],
        vec![Some(1e-300), Some(1e300)],
        vec![Some(0.999_999), Some(1.0)],
        vec![None, Some(3.0), None],
    ];
    for values in awkward {
        for unit in [Unit::Share, Unit::Seconds, Unit::Count, Unit::PerSecond, Unit::Usd] {
            for log in [false, true] {
                drawn(chart(unit, log, values.clone()));
            }
        }
    }
}

#[test]
fn axes_have_round_ticks_with_units() {
    let latency = drawn(chart(Unit::Seconds, true, vec![Some(0.004), Some(12.0), Some(0.03)]));
    for tick in ["10 ms", "100 ms", "1 s", "10 s"] {
        assert!(latency.contains(&written(tick)), "{tick}: {latency}");
    }
    let share = drawn(chart(Unit::Share, false, vec![Some(1.0), Some(0.31)]));
    assert!(share.contains(&written("0 %")) && share.contains(&written("100 %")));
    let nearly = drawn(chart(Unit::Share, false, vec![Some(1.0), Some(0.9991)]));
    assert!(nearly.contains(&written("100.00 %")) && nearly.contains(&written("99.90 %")), "{nearly}");
    let hour = drawn(chart(Unit::Count, false, vec![Some(3.0); 360]));
    assert!(hour.contains(&written("60 min")), "{hour}");
}

#[test]
fn a_band_beyond_all_or_nothing_does_not_stretch_the_axis() {
    let mut availability = chart(Unit::Share, false, vec![Some(0.9), Some(0.5)]);
    availability.lines[0].band = Some(Band { low: vec![Some(0.7), Some(-0.2)], high: vec![Some(1.1), Some(1.2)] });
    let text = drawn(availability);
    assert!(text.contains(&written("100 %")) && !text.contains(&written("150 %")));
}

#[test]
fn lines_differ_in_grey_and_carry_their_names() {
    let mut two = chart(Unit::Seconds, true, vec![Some(0.004), Some(0.005)]);
    two.lines.push(Line { label: "p50".into(), values: vec![Some(0.002); 2], ..two.lines[0].clone() });
    let text = drawn(two);
    assert!(text.contains("stroke-dasharray=\"12 6\""));
    assert!(text.contains(&written("p50")) && text.contains(&written("p99")));
}

#[test]
fn many_marks_and_long_labels_do_not_overlap() {
    let mut crowded = chart(Unit::Count, false, vec![Some(3.0); 100]);
    crowded.marks = (0..9)
        .map(|n| Mark {
            from_s: 100.0 + f64::from(n),
            to_s: 200.0,
            label: format!("fault {n} <of> a \"very\" long description ").repeat(6),
            kind: MarkKind::Fault,
        })
        .collect();
    let text = drawn(crowded);
    assert_eq!(text.matches("\nfault 0 ").count(), 1);
    assert!(!text.contains("\nfault 8 "), "three rows at most");
    assert!(text.contains('…') && !text.contains("<of>"), "{text}");
}
