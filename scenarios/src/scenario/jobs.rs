//! The Jobs of a scenario: pods that end by themselves.

use super::cluster::text_map;
use super::fields::{Errors, Fields};
use super::tree::quoted;
use super::workload::{priority, requests, tolerations};
use sim_eks::parameters::Value;
use sim_eks::plan::{Control, Deployment, Job};
use sim_eks::quantity::show_duration;
use sim_kernel::{Law, SimDuration, SimTime};

/// Longest mean run of a pod: a year, so that a run that never ends is a slip and no law.
const RUN_MAX_S: f64 = 31_536_000.0;

/// Reads the Jobs, each as a workload that wants no pods of a Deployment; what is wrong is noted.
pub(crate) fn jobs(file: &Fields, deployments: &mut Vec<Deployment>, duration: SimDuration, errors: &mut Errors) {
    for fields in file.tables("jobs").into_iter().flatten() {
        let Some(read) = job(fields, duration, errors) else { continue };
        if deployments.iter().any(|other| other.name == read.name && other.namespace == read.namespace) {
            let problem =
                format!("there is another workload {} in the namespace {}", quoted(&read.name), read.namespace);
            errors.add(fields.line_of("name"), fields.field("name"), problem);
        }
        deployments.push(read);
    }
}

fn job(fields: &Fields, duration: SimDuration, errors: &mut Errors) -> Option<Deployment> {
    let created = *fields.duration("created")?;
    if created >= duration {
        let (at, end) = (show_duration(created), show_duration(duration));
        let problem = format!("{at} is not before the end of the run at {end}");
        errors.add(fields.line_of("created"), fields.field("created"), problem);
    }
    let (run_time, failures) = (run_time(fields, errors), failures(fields, errors));
    let job = Job {
        completions: *fields.count("completions")? as u32,
        parallelism: *fields.count("parallelism")? as u32,
        backoff_limit: *fields.count("backoff_limit")? as u32,
        run_time: run_time?,
        failures: failures?,
        ttl: fields.duration("ttl").copied(),
        created: SimTime::ZERO + created,
    };
    Some(Deployment {
        namespace: fields.text("namespace")?.clone(),
        name: fields.text("name")?.clone(),
        replicas: 0,
        requests: requests(fields)?,
        node_selector: text_map(fields, "node_selector"),
        tolerations: tolerations(fields, errors),
        spread_zones: false,
        control: Control { priority: priority(fields, errors).unwrap_or(0), job: Some(job), ..Control::default() },
    })
}

fn run_time(fields: &Fields, errors: &mut Errors) -> Option<Law> {
    let text = fields.text("run_time")?;
    let problem = match Law::parse(text.trim()) {
        Ok(law) if (0.0..=RUN_MAX_S).contains(&law.mean()) => return Some(law),
        Ok(_) => format!("found {}; allowed is a mean of 0s to a year", quoted(text)),
        Err(error) => error.to_string(),
    };
    errors.add(fields.line_of("run_time"), fields.field("run_time"), problem);
    None
}

fn failures(fields: &Fields, errors: &mut Errors) -> Option<f64> {
    let text = fields.text("failures")?;
    let percent = text.trim().strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
    let share = percent.map(|percent| percent / 100.0).filter(|share| (0.0..=1.0).contains(share));
    if share.is_none() {
        let problem = format!("found {}; wanted is a share such as \"5%\", 0% to 100%", quoted(text));
        errors.add(fields.line_of("failures"), fields.field("failures"), problem);
    }
    share
}
