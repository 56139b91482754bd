//! `ekssim create --cluster FILE`: plan, one run for each replication until eksctl ends, timeline.

use crate::arguments::{Create, PathsFormat};
use crate::exit::{Ended, Failure};
use crate::signals::Signals;
use crate::terminal;
use reports::{Created, Style, creation_json, creation_text};
use sim_eks::{Plan, Run};
use sim_kernel::SimTime;
use sim_study::Subject;
use std::sync::Arc;

/// Parts of the longest creation after which it is looked whether eksctl has ended.
const LOOKS: u64 = 120;

/// Creates the cluster of a file as eksctl does, and says what took how long and what stands then.
///
/// # Errors
/// If the input is wrong, a signal came, or stdout cannot be written. A creation that fails is an answer, not an error: its exit
/// code is that of a missed objective.
pub fn create(arguments: &Create) -> Result<Ended, Failure> {
    let signals = Signals::listen()?;
    let plan = Arc::new(scenarios::load_creation(&arguments.cluster, &arguments.sets, arguments.still)?);
    let mut created = Vec::new();
    for replication in 0..arguments.replications {
        created.push(one(&plan, arguments.seed, replication)?);
        if let Some(interrupted) = signals.failure() {
            return Err(interrupted);
        }
    }
    let text = match arguments.format {
        PathsFormat::Json => creation_json(&plan, arguments.seed, &created),
        PathsFormat::Table => {
            let style = Style { colour: terminal::stdout_has_color(), width: terminal::width_up_to(140) };
            creation_text(&plan, arguments.seed, &created, style)
        }
    };
    terminal::print(&text)?;
    let is_ready = |one: &Created| one.record.ended.is_some() && one.record.failure.is_empty();
    Ok(if created.iter().all(is_ready) { Ended::Fine } else { Ended::ObjectiveMissed })
}

/// One creation, run until eksctl ends.
fn one(plan: &Arc<Plan>, seed: u64, replication: u32) -> Result<Created, Failure> {
    let mut run = Run::start(plan, seed, replication);
    let mut record = run.creation();
    for look in 1..=LOOKS {
        if record.as_ref().is_some_and(|record| record.ended.is_some()) {
            break;
        }
        let until = SimTime::from_nanos(plan.duration.as_nanos() / LOOKS * look);
        run.run_until(until).map_err(|stuck| Failure::Mistake(stuck.to_string()))?;
        record = run.creation();
    }
    let record = record.ok_or_else(|| Failure::Mistake("a plan without a creation was created".to_owned()))?;
    Ok(Created { replication, record })
}
