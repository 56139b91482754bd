//! `ekssim paths SCENARIO`: plan, one run to each moment, flows, table.

use super::show::load;
use crate::arguments::{Paths, PathsFormat};
use crate::exit::{Ended, Failure};
use crate::terminal;
use reports::{PathsAt, Style, paths_json, paths_table};
use scenarios::problem::did_you_mean;
use sim_eks::quantity::{parse_duration, show_duration};
use sim_eks::{Path, Plan, Run};
use sim_kernel::SimTime;
use sim_study::Subject;
use std::sync::Arc;

/// Runs the first replication to each moment, and says who reaches whom then.
///
/// # Errors
/// If the input is wrong, a moment lies beyond the end, nobody has the name of `--from`, or stdout cannot be written.
pub fn paths(arguments: &Paths) -> Result<Ended, Failure> {
    let plan = Arc::new(variant(load(&arguments.question)?, arguments.variant.as_deref())?);
    let moments = moments(&plan, &arguments.at)?;
    let mut run = Run::start(&plan, arguments.seed, 0);
    let mut told = Vec::new();
    for at in moments {
        run.run_until(at).map_err(|stuck| Failure::Mistake(stuck.to_string()))?;
        let paths = run.paths();
        if let Some(name) = &arguments.from {
            knows(&plan, &paths, name)?;
        }
        let wanted = |path: &Path| {
            (!arguments.closed || !path.open) && arguments.from.as_ref().is_none_or(|name| is_from(path, name))
        };
        let paths = paths.into_iter().filter(wanted).collect();
        told.push(PathsAt { at, access: run.network().access.clone(), paths });
    }
    let case = run.case().label.clone();
    let text = match arguments.format {
        PathsFormat::Json => paths_json(&plan, arguments.seed, &case, &told),
        PathsFormat::Table => {
            let style = Style { colour: terminal::stdout_has_color(), width: terminal::width_up_to(140) };
            paths_table(&plan, arguments.seed, &case, &told, style)
        }
    };
    terminal::print(&text)?;
    Ok(Ended::Fine)
}

fn variant(plan: Plan, name: Option<&str>) -> Result<Plan, Failure> {
    let Some(name) = name.filter(|name| *name != plan.base) else { return Ok(plan) };
    let found = plan.variants.iter().find(|variant| variant.name == name);
    found.map(|variant| plan.variant(variant)).ok_or_else(|| {
        let hint = did_you_mean(name, plan.variants.iter().map(|variant| variant.name.as_str()));
        Failure::Usage(format!("--variant {name}: {} has no variant of this name{hint}", plan.scenario))
    })
}

/// The moments in their order, none twice.
fn moments(plan: &Plan, at: &[String]) -> Result<Vec<SimTime>, Failure> {
    let before_the_first_step = || {
        let first = plan.steps.first().map_or(plan.end(), |step| step.at);
        SimTime::from_nanos(first.as_nanos().saturating_sub(1))
    };
    if at.is_empty() {
        return Ok(vec![before_the_first_step()]);
    }
    let mut moments = at.iter().map(|text| moment(plan, text)).collect::<Result<Vec<_>, _>>()?;
    moments.sort_unstable();
    moments.dedup();
    Ok(moments)
}

fn moment(plan: &Plan, text: &str) -> Result<SimTime, Failure> {
    if text == "end" {
        return Ok(plan.end());
    }
    let wrong = |why: String| Failure::Usage(format!("--at {text}: {why}"));
    let after = parse_duration(text).map_err(|wanted| wrong(format!("{wanted}, or end")))?;
    if after > plan.duration {
        return Err(wrong(format!("the run ends at {}", show_duration(plan.duration))));
    }
    Ok(SimTime::ZERO + after)
}

fn is_from(path: &Path, name: &str) -> bool {
    path.from.to_lowercase().contains(&name.to_lowercase())
}

/// Refuses a name that nobody has.
fn knows(plan: &Plan, paths: &[Path], name: &str) -> Result<(), Failure> {
    if paths.iter().any(|path| is_from(path, name)) {
        return Ok(());
    }
    let groups = plan.cluster.node_groups.iter().map(|group| group.name.as_str());
    let clients = plan.clients.iter().map(|client| client.name.as_str());
    let known: Vec<&str> = ["control plane", "nodes", "pods"].into_iter().chain(groups).chain(clients).collect();
    let hint = did_you_mean(name, known.iter().copied());
    let few: Vec<&str> = known.iter().copied().take(12).collect();
    let hint = if hint.is_empty() { format!("; there are {}", few.join(", ")) } else { hint };
    Err(Failure::Usage(format!("--from {name}: no flow begins at anything of this name{hint}")))
}
