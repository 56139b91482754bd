//! `ekssim run SCENARIO`: plan, study, document, files, summary.

use super::show::load;
use crate::arguments::{Checking, Run, Switch, Timer};
use crate::exit::{Ended, Failure};
use crate::progress::Progress;
use crate::run_log::{RunLog, Stopwatch};
use crate::signals::Signals;
use crate::{output, shell, terminal};
use reports::{Document, Writing};
use sim_eks::Plan;
use sim_eks::plan::Modes;
use sim_study::{Replications, Study, StudyError, Subject, replicate};
use std::path::PathBuf;
use std::sync::Arc;

/// Runs a scenario, writes the files and prints the summary.
///
/// # Errors
/// If the input is wrong, a signal came, or the system fails. Nothing is written then.
pub fn run(arguments: &Run) -> Result<Ended, Failure> {
    let total = Stopwatch::start();
    let signals = Signals::listen()?;
    let mut plan = load(&arguments.question)?;
    plan.modes = modes(&arguments.checking);
    let out = arguments.out.clone().unwrap_or_else(|| default_out(&plan, arguments.seed));
    output::check(&out)?;

    let simulation = Stopwatch::start();
    let program = concat!("ekssim ", env!("CARGO_PKG_VERSION"));
    let (mut document, threads) = document(program, arguments, plan, &signals)?;
    let simulated_in = simulation.elapsed();
    let replications = document.findings.replications;
    document.command = command_of(arguments, replications);
    if let Some(interrupted) = signals.failure() {
        return Err(interrupted);
    }
    let log = || RunLog {
        command: shell::line(std::env::args().collect::<Vec<_>>().iter().map(String::as_str)),
        plan: document.plan_hash.clone(),
        seed: arguments.seed,
        replications,
        threads,
        simulated_in,
        total: total.elapsed(),
    };
    signals.hold();
    let writing = Writing { log: Some(&|| log().to_string()), stop: Some(&signals.stop) };
    let files = output::write(&document, &out, writing).map_err(|failure| signals.failure().unwrap_or(failure))?;
    if arguments.checking.stats {
        terminal::tell(&stats(&document, &log())?);
    }
    output::print(&document, arguments.format, (!arguments.quiet).then_some((&out, &files)))
}

fn modes(checking: &Checking) -> Modes {
    Modes {
        probes_off: checking.probes == Switch::Off,
        shuffle_ties: checking.shuffle_ties,
        explicit_heartbeats: checking.explicit.contains(&Timer::Heartbeats),
        explicit_read_idle: checking.explicit.contains(&Timer::ReadIdle),
    }
}

fn default_out(plan: &Plan, seed: u64) -> PathBuf {
    PathBuf::from("ekssim-out").join(format!("{}-{seed}", plan.scenario))
}

/// Runs all replications of the plan and of its variants, with the same seed; says how many threads there were.
fn document(program: &str, arguments: &Run, plan: Plan, signals: &Signals) -> Result<(Document, usize), Failure> {
    let count = arguments.replications.unwrap_or(plan.replications);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores).min(count as usize);
    let plans: Vec<Arc<Plan>> = plan.variants.iter().map(|variant| Arc::new(plan.variant(variant))).collect();
    let progress = Progress::new(count.saturating_mul(1 + plans.len() as u32), arguments.quiet);
    let replications = Replications { count, threads };
    let run = |plan: &Arc<Plan>, before: u32| {
        let report = |done, _of| progress.done(before.saturating_add(done));
        let study = replicate::<sim_eks::Run>(plan, arguments.seed, replications, &report, &signals.stop);
        study.map_err(|error| match error {
            StudyError::Interrupted => signals.failure().unwrap_or(Failure::System(error.to_string())),
            StudyError::Contradiction { .. } | StudyError::Stuck { .. } => Failure::Mistake(error.to_string()),
            other => Failure::System(other.to_string()),
        })
    };
    let plan = Arc::new(plan);
    let Study { findings, records } = run(&plan, 0)?;
    let mut document = Document::new(program, arguments.seed, Arc::unwrap_or_clone(plan), findings, records);
    for (before, variant) in (1..).zip(&plans) {
        let Study { findings, records } = run(variant, count.saturating_mul(before))?;
        let name = document.plan.variants[before as usize - 1].name.clone();
        document.add_variant(&name, findings, records);
    }
    Ok((document, threads))
}

/// The command that gives the same record again, without what does not matter to it.
fn command_of(arguments: &Run, replications: u32) -> String {
    let question = &arguments.question;
    let (seed, replications) = (arguments.seed.to_string(), replications.to_string());
    let cluster = question.cluster.as_ref().map(|path| path.to_string_lossy());
    let mut words = vec!["ekssim", "run", &question.scenario];
    if let Some(cluster) = &cluster {
        words.extend(["--cluster", cluster]);
    }
    let pods = question.pods.as_ref().map(|path| path.to_string_lossy());
    if let Some(pods) = &pods {
        words.extend(["--pods", pods]);
    }
    words.extend(question.sets.iter().flat_map(|set| ["--set", set]));
    if question.still {
        words.push("--still");
    }
    words.extend(["--seed", &seed, "--replications", &replications]);
    shell::line(words)
}

/// What those want to know who check the simulator: the log, the digests, and what the first replication costs when it
/// runs alone.
fn stats(document: &Document, log: &RunLog) -> Result<String, Failure> {
    let plan = Arc::new(document.plan.clone());
    let alone = Stopwatch::start();
    let mut run = sim_eks::Run::start(&plan, document.seed, 0);
    run.run_until(plan.end()).map_err(|stuck| Failure::System(stuck.to_string()))?;
    let took = alone.elapsed();
    let costs = run.costs();
    let mut text = log.to_string();
    for record in &document.records {
        text.push_str(&format!("digest        {} of replication {}\n", record.digest, record.replication));
    }
    text.push_str(&format!(
        "alone         {:.3} s, {} events, at most {} pending, {} requests in flight",
        took.as_secs_f64(),
        costs.events,
        costs.pending_peak,
        costs.requests_peak,
    ));
    Ok(text)
}
