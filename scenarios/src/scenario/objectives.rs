//! What a run must reach: `"api.availability" = ">= 99.95%"`.

use super::fields::{Errors, Leaf};
use super::tree::{quoted, shortened};
use crate::problem::did_you_mean;
use sim_eks::plan::{Bound, Client, Note, NoteKind, Objective, Step};
use sim_eks::quantity::{parse_duration, show_duration};
use sim_eks::record::{FARGATE_MEASURES, MEASURES, client_measures};
use sim_kernel::{SimDuration, SimTime};

/// Reads the objectives; what is wrong is noted.
pub(crate) fn resolve(leaves: &[Leaf], clients: &[Client], errors: &mut Errors) -> Vec<Objective> {
    let of_clients = client_measures(clients);
    let names = MEASURES.iter().chain(&FARGATE_MEASURES).copied(); // unknown where there is no Fargate
    let measures: Vec<&str> = names.chain(of_clients.iter().map(String::as_str)).collect();
    let mut objectives: Vec<Objective> = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        match check_measure(&leaf.path, &measures).and_then(|()| threshold(&leaf.text)) {
            Ok((bound, threshold)) => {
                let text = leaf.text.trim().to_owned();
                objectives.push(Objective { measure: leaf.path.clone(), bound, threshold, text });
            }
            Err(problem) => errors.add(leaf.line, format!("objectives.{}", shortened(&leaf.path)), problem),
        }
    }
    objectives
}

/// Warns of a bound on the recovery that no run can miss: one that has not come counts up to the end of the run.
pub(crate) fn warn_of_the_end(
    leaves: &[Leaf],
    objectives: &[Objective],
    steps: &[Step],
    duration: SimDuration,
    notes: &mut Vec<Note>,
    errors: &Errors,
) {
    let faults = steps.iter().filter(|step| step.change.is_fault()).map(|step| step.at);
    let Some(first) = faults.min() else { return };
    let left = (SimTime::ZERO + duration).saturating_since(first);
    let never_missed = |of: &&Objective| of.bound == Bound::AtMost && of.threshold >= left.as_secs_f64();
    for objective in objectives.iter().filter(|of| of.measure == "workload.recovery").filter(never_missed) {
        let line = leaves.iter().find(|leaf| leaf.path == objective.measure).map_or(0, |leaf| leaf.line);
        let place = format!("{}:{line}", errors.file_name());
        let text = format!(
            "can never be missed: {} are left after the first fault, and a recovery that has not come counts up to the end",
            show_duration(left)
        );
        notes.push(Note { kind: NoteKind::Warning, place, field: format!("objectives.{}", objective.measure), text });
    }
}

/// Whether a run has such a measure.
fn check_measure(name: &str, measures: &[&str]) -> Result<(), String> {
    if measures.contains(&name) {
        return Ok(());
    }
    let near = did_you_mean(name, measures.iter().copied());
    let is_of_client = |measure: &&&str| measure.starts_with("client.") == name.starts_with("client.");
    let told: Vec<&str> = measures.iter().filter(is_of_client).copied().collect();
    let near = if near.is_empty() { format!("; a run measures {}", told.join(", ")) } else { near };
    Err(format!("is no measure of a run{near}"))
}

/// Reads `>= 99.95%`, `<= 1s`, `< 5`, `> 0`.
fn threshold(text: &str) -> Result<(Bound, f64), String> {
    let wrong = || {
        format!(
            "found {}; wanted is a comparison and a threshold, such as \">= 99.95%\", \"<= 1s\" or \"< 5\"",
            quoted(text)
        )
    };
    let trimmed = text.trim();
    let bounds = [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::MoreThan), ("<", Bound::LessThan)];
    let (sign, bound) = bounds.into_iter().find(|(sign, _)| trimmed.starts_with(sign)).ok_or_else(wrong)?;
    let amount = trimmed[sign.len()..].trim();
    let threshold = number(amount).ok_or_else(wrong)?;
    if amount.ends_with('%') && !(0.0..=1.0).contains(&threshold) {
        return Err(format!("found {}; a share lies between 0% and 100%", quoted(text)));
    }
    Ok((bound, threshold))
}

/// A share in percent, a duration in seconds, or a plain number of 0 or more.
fn number(text: &str) -> Option<f64> {
    let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    match text.strip_suffix('%') {
        Some(percent) => plain(percent).map(|percent| percent / 100.0),
        None => plain(text).or_else(|| parse_duration(text).ok().map(|duration| duration.as_secs_f64())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_measure_is_told_the_nearest_or_all() {
        let check_measure = |name: &str| super::check_measure(name, MEASURES);
        assert_eq!(check_measure("workload.recovery"), Ok(()));
        let told = |name: &str| check_measure(name).expect_err("no measure");
        assert_eq!(told("api.availabilty"), "is no measure of a run; did you mean api.availability");
        assert_eq!(told("API.outage.admn"), "is no measure of a run; did you mean api.outage.admin");
        assert!(told("cost").contains("a run measures api.availability, api.availability.kubelet, "));
    }

    #[test]
    fn thresholds_are_shares_durations_or_numbers() {
        assert_eq!(threshold(">= 99.5%"), Ok((Bound::AtLeast, 0.995)));
        assert_eq!(threshold("<=PT1M"), Ok((Bound::AtMost, 60.0)));
        assert_eq!(threshold("< 5"), Ok((Bound::LessThan, 5.0)));
        assert_eq!(threshold("> 0"), Ok((Bound::MoreThan, 0.0)));
        for wrong in ["", "99%", "= 5", ">= nan", "<= -1", "< five", "> 101%", ">=", "≥ 5"] {
            assert!(threshold(wrong).is_err(), "{wrong}");
        }
    }
}
