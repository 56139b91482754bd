//! Random scenarios with parameters at the ends of their ranges: whatever is accepted runs to its end, keeps its books,
//! and tells the same facts in whatever order equal times are handled where delays are drawn.

use scenarios::{Request, load};
use sim_eks::plan::Plan;
use sim_eks::{DECLARATIONS, Record, Run};
use sim_kernel::{Draw, Purpose, RunKey};
use sim_study::{Outcome, Subject};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

const SCENARIO: Purpose = Purpose::new("fuzz/scenario");

/// Scenarios that are tried; most are accepted.
const TRIES: u64 = 60;

fn one_of<'a>(draw: &mut Draw, choices: &[&'a str]) -> &'a str {
    choices[draw.below(choices.len() as u64) as usize]
}

/// A fault or a change at some second of ten minutes, in the words of a scenario file.
fn step(draw: &mut Draw, names: &mut Vec<String>) -> String {
    let zone = one_of(draw, &["a", "b", "c", "first", "second"]);
    let member = one_of(draw, &["a", "b", "c", "leader"]);
    let seconds = draw.below(400);
    let count = draw.below(13);
    let (table, mut keys, lasts) = match draw.below(9) {
        0 => ("faults", format!("kind = \"zone.power_loss\"\nzone = \"{zone}\""), true),
        1 => ("faults", format!("kind = \"apiserver.member_loss\"\nzone = \"{member}\""), true),
        2 => ("faults", format!("kind = \"etcd.member_loss\"\nzone = \"{member}\""), true),
        3 => ("faults", format!("kind = \"node.stop\"\nzone = \"{zone}\"\nshare = \"{}%\"", 1 + draw.below(100)), true),
        4 | 5 => {
            let latency = one_of(draw, &["0s", "1ms", "40ms", "2s", "uniform(0s, 1s)", "exponential(100ms)"]);
            let loss = draw.below(21);
            let keys =
                format!("kind = \"zone.impair\"\nzone = \"{zone}\"\nlatency = \"{latency}\"\nloss = \"{loss}%\"");
            ("faults", keys, true)
        }
        6 => ("faults", format!("kind = \"zone.cut_off\"\nzone = \"{zone}\"\ninternet = {}", draw.chance(0.5)), true),
        7 => ("changes", format!("kind = \"deployment.scale\"\ndeployment = \"web\"\nreplicas = {}", 5 * count), false),
        _ => ("changes", format!("kind = \"node_group.scale\"\nnode_group = \"general\"\ndesired = {count}"), false),
    };
    if lasts && draw.chance(0.8) {
        write!(keys, "\nlasts = \"{}s\"", 1 + draw.below(300)).expect("text");
    }
    match names.last() {
        Some(name) if draw.chance(0.3) => write!(keys, "\nafter = \"{name}\"\nwait = \"{}s\"", draw.below(60)),
        _ => write!(keys, "\nat = \"{seconds}s\""),
    }
    .expect("text");
    let name = format!("step {}", names.len());
    write!(keys, "\nname = \"{name}\"").expect("text");
    names.push(name);
    format!("\n[[{table}]]\n{keys}\n")
}

fn scenario(draw: &mut Draw) -> String {
    let mut text = format!(
        "duration = \"10m\"\nwarm_up = \"{}s\"\n\n[cluster]\nregion = \"{}\"\nversion = \"1.3{}\"\nzones = [\"a\", \"b\", \"c\"]\n\n\
         [[cluster.node_groups]]\nname = \"general\"\nmin = 0\ndesired = {}\nmax = 12\n\n\
         [[deployments]]\nname = \"web\"\nreplicas = {}\nspread_zones = {}\n",
        draw.below(60),
        one_of(draw, &["eu-west-1", "us-east-1", "us-west-2", "eu-central-1"]),
        1 + draw.below(3),
        draw.below(13),
        draw.below(60),
        draw.chance(0.5),
    );
    for class in ["admin", "ci"] {
        if draw.chance(0.5) {
            write!(text, "\n[[clients]]\nclass = \"{class}\"\n").expect("text");
        }
    }
    let mut names = Vec::new();
    for _ in 0..draw.below(6) {
        text.push_str(&step(draw, &mut names));
    }
    text
}

/// Up to four parameters at an end of their range, or at nothing.
fn settings(draw: &mut Draw) -> Vec<String> {
    let mut sets = Vec::new();
    for _ in 0..draw.below(5) {
        let declared = &DECLARATIONS[draw.below(DECLARATIONS.len() as u64) as usize];
        let value = match declared.range.split_once("..") {
            Some((low, high)) => if draw.chance(0.5) { low } else { high }.to_owned(),
            None if declared.kind == "flag" => draw.chance(0.5).to_string(),
            None => continue,
        };
        sets.push(format!("{}={value}", declared.path));
    }
    sets
}

/// What happens often in ten minutes even at an end of its range; more would only take long.
fn is_busy(sets: &[String]) -> bool {
    sets.iter().any(|set| ["admin.interval=", "ci.interval="].iter().any(|path| set.starts_with(path)))
}

/// Whether a law is set to a constant: then delays are equal that else are drawn apart, and ties are no accident.
fn is_law(set: &str) -> bool {
    let path = set.split('=').next().unwrap_or(set);
    DECLARATIONS.iter().any(|declared| declared.path == path && declared.kind.starts_with("law"))
}

fn record(plan: &Arc<Plan>, told: &str) -> Record {
    let mut run = Run::start(plan, 1, 0);
    run.run_until(plan.end()).unwrap_or_else(|stuck| panic!("{stuck}\n{told}"));
    let record = run.finish();
    assert_eq!(record.contradiction(), None, "{told}");
    record
}

#[test]
fn random_scenarios_at_the_ends_of_the_ranges_run_keep_their_books_and_know_no_ties() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut accepted = 0;
    for number in 0..TRIES {
        let mut draw = RunKey::new(1, 0).draw(SCENARIO, number, 0);
        let (text, sets) = (scenario(&mut draw), settings(&mut draw));
        if is_busy(&sets) {
            continue;
        }
        let path = folder.join(format!("fuzz-{number}.toml"));
        std::fs::write(&path, &text).expect("a scenario is written");
        let path = path.to_str().expect("a path in UTF-8");
        let request = Request { scenario: path, cluster: None, sets: &sets, still: draw.chance(0.2) };
        let Ok(mut plan) = load(&request) else { continue }; // overlapping faults, contradicting parameters
        accepted += 1;
        let told = format!("{number} {sets:?} still: {}\n{text}", request.still);
        let plain = record(&Arc::new(plan.clone()), &told);
        if request.still || sets.iter().any(|set| is_law(set)) {
            continue;
        }
        plan.modes.shuffle_ties = true;
        let shuffled = record(&Arc::new(plan), &told);
        assert_eq!(shuffled.timeline, plain.timeline, "{told}");
        assert_eq!(shuffled.measures, plain.measures, "{told}");
    }
    assert!(accepted > TRIES / 2, "{accepted}");
}
