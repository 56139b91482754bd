//! `ekssim show SCENARIO`.

use crate::arguments::{Question, Show};
use crate::exit::{Ended, Failure};
use crate::terminal;
use scenarios::Request;
use sim_eks::Plan;

/// Prints the resolved plan.
///
/// # Errors
/// If the input is wrong, or stdout cannot be written.
pub fn show(arguments: &Show) -> Result<Ended, Failure> {
    let plan = load(&arguments.question)?;
    terminal::print(&terminal::harmless(&scenarios::show(&plan)))?;
    Ok(Ended::Fine)
}

/// The plan of a question.
pub(super) fn load(question: &Question) -> Result<Plan, Failure> {
    let request = Request {
        scenario: &question.scenario,
        cluster: question.cluster.as_deref(),
        sets: &question.sets,
        still: question.still,
    };
    Ok(scenarios::load_with_pods(&request, question.pods.as_deref())?)
}
