//! When steps happen: at a time, or some time after the beginning of another step.

use super::fields::{Errors, Fields, not_one_of};
use super::tree::quoted;
use sim_kernel::SimDuration;

/// What is known of a step's time.
#[derive(Clone, Copy)]
enum Time {
    /// Not looked at yet.
    Open,
    /// Being looked at: whoever comes by again has gone round in a circle.
    Sought,
    Known(Option<SimDuration>),
}

/// The time of each step from the start of the run; `None` where it is wrong, which is noted.
pub(crate) fn resolve(steps: &[&Fields], errors: &mut Errors) -> Vec<Option<SimDuration>> {
    refuse_equal_names(steps, errors);
    let mut times = vec![Time::Open; steps.len()];
    (0..steps.len()).map(|index| time_of(index, steps, &mut times, errors)).collect()
}

fn refuse_equal_names(steps: &[&Fields], errors: &mut Errors) {
    for (index, step) in steps.iter().enumerate() {
        let Some(name) = step.text("name") else { continue };
        if let Some(first) = steps[..index].iter().find(|other| other.text("name") == Some(name)) {
            let problem =
                format!("found {}, which is the name of {}, at line {}", quoted(name), first.path, first.line);
            errors.add(step.line_of("name"), step.field("name"), problem);
        }
    }
}

/// Follows the chain of `after` from a step to one that has a time; the chain is as long as there are steps at most.
fn time_of(index: usize, steps: &[&Fields], times: &mut [Time], errors: &mut Errors) -> Option<SimDuration> {
    let mut chain = Vec::new();
    let mut at = index;
    let mut time = loop {
        match times[at] {
            Time::Known(time) => break time,
            Time::Sought => {
                refuse(steps[at], "after", "is after itself, over other steps or at once".to_owned(), errors);
                break None;
            }
            Time::Open => times[at] = Time::Sought,
        }
        chain.push(at);
        match earlier(steps[at], steps, errors) {
            Start::At(time) => break time,
            Start::After(other) => at = other,
        }
    };
    let begins = |step: &Fields| step.has("after");
    while let Some(step) = chain.pop() {
        if begins(steps[step]) {
            time = time.and_then(|time| later(time, steps[step], errors));
        }
        times[step] = Time::Known(time);
    }
    match times[index] {
        Time::Known(time) => time,
        _ => None,
    }
}

fn later(time: SimDuration, step: &Fields, errors: &mut Errors) -> Option<SimDuration> {
    let wait = step.duration("wait").map_or(0, |wait| wait.as_nanos());
    let sum = time.as_nanos().checked_add(wait).map(SimDuration::from_nanos);
    if sum.is_none() {
        refuse(step, "wait", "is longer than any run".to_owned(), errors);
    }
    sum
}

/// Where a step's time comes from.
enum Start {
    At(Option<SimDuration>),
    After(usize),
}

fn earlier(step: &Fields, steps: &[&Fields], errors: &mut Errors) -> Start {
    if step.has("at") && step.has("after") {
        refuse(step, "after", "stands beside `at`; give one of them".to_owned(), errors);
        return Start::At(None);
    }
    if step.has("wait") && !step.has("after") {
        refuse(step, "wait", "counts from the step that `after` names, and there is no `after`".to_owned(), errors);
    }
    let Some(name) = step.text("after") else {
        if !step.has("at") && !step.is_spoilt("after") {
            let problem = "is missing: when it happens, from the start of the run; or `after` another step".to_owned();
            errors.add(step.line, step.field("at"), problem);
        }
        return Start::At(step.duration("at").copied());
    };
    let names = || steps.iter().filter_map(|step| step.text("name")).map(String::as_str);
    match steps.iter().position(|other| other.text("name") == Some(name)) {
        Some(other) => Start::After(other),
        None if names().next().is_none() => {
            refuse(step, "after", format!("found {}; no step has a name", quoted(name)), errors);
            Start::At(None)
        }
        None => {
            refuse(step, "after", not_one_of(name, names()), errors);
            Start::At(None)
        }
    }
}

fn refuse(step: &Fields, key: &str, problem: String, errors: &mut Errors) {
    errors.add(step.line_of(key), step.field(key), problem);
}
