//! Scenarios: what a user asks, as a TOML file, and how it becomes a validated plan.
//!
//! ```text
//!   file --tree--> values with lines --fields (against the format)--> typed fields --resolve--> Plan, or all its errors
//! ```

mod autoscaler;
mod cluster;
mod fargate;
mod fields;
pub(crate) mod format;
mod jobs;
pub(crate) mod network;
mod objectives;
mod placing;
mod pod_start;
pub mod quantity;
pub(crate) mod settings;
mod steps;
mod times;
mod tree;
mod variants;
mod webhooks;
mod workload;

use crate::catalogue::VERSIONS_OF_EKS;
use crate::eksctl;
use crate::library::{built_in, library};
use crate::pod_trace;
use crate::problem::{InputError, InputErrors, did_you_mean};
use crate::source;
use fields::{Errors, Fields, Leaf};
use sim_eks::plan::{Client, Cluster, Creation, Modes, Note, NoteKind, Support, Wishes};
use sim_eks::quantity::show_duration;
use sim_eks::{Parameters, Plan};
use sim_kernel::{SimDuration, SimTime};
use std::path::{Path, PathBuf};
use tree::quoted;

/// What a user asks for on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The name of a built-in scenario, or the path of a file that ends in `.toml`.
    pub scenario: &'a str,
    /// An eksctl file whose cluster takes the place of the scenario's (`--cluster`).
    pub cluster: Option<&'a Path>,
    /// Parameters, each `path=value` (`--set`), stronger than the scenario file.
    pub sets: &'a [String],
    /// Replaces every law by its median and takes jitter away (`--still`).
    pub still: bool,
}

/// Largest file that is read, in MiB. A scenario has a few kB; more is a mistake.
const MIB_MAX: u64 = 4;
/// Longest run: a month. Shortest: a second.
const DURATION_MAX: SimDuration = SimDuration::from_secs(31 * 86_400);
const DURATION_MIN: SimDuration = SimDuration::from_secs(1);

/// Reads and checks everything that a request names, and resolves it into a plan.
///
/// # Errors
/// All that is wrong with it, each with its file, line and field, in the order of the lines.
pub fn load(request: &Request<'_>) -> Result<Plan, InputErrors> {
    load_with_pods(request, None)
}

/// The same with the pod trace of `--pods`, which takes the place of the scenario's.
///
/// # Errors
/// As [`load`], and all that is wrong with the trace.
pub fn load_with_pods(request: &Request<'_>, pods: Option<&Path>) -> Result<Plan, InputErrors> {
    load_source(&find(request.scenario)?, request, pods)
}

/// What `ekssim create` runs: the creation of the cluster of a file, and nothing else.
const CREATION: &str = include_str!("../create.toml");

/// The plan of the creation of a cluster, as `eksctl create cluster` does it.
///
/// # Errors
/// All that is wrong with the file, or with the parameters.
pub fn load_creation(cluster: &Path, sets: &[String], still: bool) -> Result<Plan, InputErrors> {
    let (name, text) = ("create".to_owned(), CREATION.to_owned());
    let source = Source { file: PathBuf::from("create.toml"), name, folder: PathBuf::new(), text };
    load_source(&source, &Request { scenario: "create", cluster: Some(cluster), sets, still }, None)
}

fn load_source(source: &Source, request: &Request<'_>, pods: Option<&Path>) -> Result<Plan, InputErrors> {
    let mut errors = Errors::new(&source.file);
    let tree = tree::parse(&source.text)
        .map_err(|error| InputError::new(&source.file, error.line, "", format!("is not TOML: {}", error.why)))?;
    let file = fields::check(&tree, &format::SCENARIO, "", &mut errors);
    let plan = resolve(&file, source, request, pods, &mut errors);
    let plan = errors.into_result(plan)?;
    Ok(plan.expect("what cannot be resolved is an error"))
}

/// A scenario's text, and what it is called.
struct Source {
    name: String,
    /// The file as errors name it.
    file: PathBuf,
    /// Where paths in the file start from; built-in scenarios hold none.
    folder: PathBuf,
    text: String,
}

fn find(scenario: &str) -> Result<Source, InputErrors> {
    if let Some(built_in) = built_in(scenario) {
        let (name, text) = (built_in.name.to_owned(), built_in.text.to_owned());
        return Ok(Source { file: format!("{name}.toml").into(), name, folder: PathBuf::new(), text });
    }
    let path = Path::new(scenario);
    if scenario.is_empty() {
        let problem = "an empty name; a built-in scenario or a file that ends in .toml is wanted";
        return Err(InputError::new(Path::new("scenario"), 0, "", problem).into());
    }
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        let names = || library().iter().map(|built_in| built_in.name);
        let allowed = names().collect::<Vec<_>>().join(", ");
        let hint = did_you_mean(scenario, names());
        let problem = format!("is no built-in scenario and no file that ends in .toml{hint}; built in are {allowed}");
        return Err(InputError::new(path, 0, "", problem).into());
    }
    let wrong = |line: usize, why: &str| InputErrors::from(InputError::new(path, line, "", why));
    let text = source::read(path, MIB_MAX, "a TOML scenario").map_err(|problem| wrong(problem.line, &problem.why))?;
    if text.trim().is_empty() {
        return Err(wrong(0, "is empty; a TOML scenario is wanted, such as `ekssim scenarios az-failure` prints"));
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Source { name, file: path.to_owned(), folder, text })
}

/// Turns fields into a plan; `None` only after an error.
fn resolve(
    file: &Fields,
    source: &Source,
    request: &Request<'_>,
    pods: Option<&Path>,
    errors: &mut Errors,
) -> Option<Plan> {
    let mut notes = Vec::new();
    let (duration, warm_up) = times(file, &mut notes, errors);
    let mut clients = workload::clients(file, &mut notes, errors);
    let workloads = workload::workloads(file, errors);
    let cluster = cluster(file, source, request, &mut notes, errors);
    let objectives = objectives::resolve(leaves_of(file, "objectives"), &clients, errors);
    let leaves = leaves_of(file, "parameters");
    let version = cluster.as_ref().map(|(cluster, _)| cluster.version);
    let mut settings = settings::resolve(leaves, request.sets, version, errors);
    let (mut cluster, wishes) = cluster?;
    workload::daemon_sets(file, &mut cluster, duration, errors);
    network::apply(file, &mut clients, &mut cluster, &mut notes, errors);
    let creation = creation(file, &mut cluster, &wishes, &mut clients, errors);
    settings.check(&cluster, errors);
    note_support(&cluster, &settings.parameters, &mut notes);
    if request.still {
        settings.still(&mut notes);
    }
    let variants = variants::resolve(file, leaves, request, &cluster, &mut notes, errors);
    let pods = pods_file(file, source, pods);
    let mut deployments = workload::deployments(file, &cluster, pods.is_some(), &mut notes, errors);
    jobs::jobs(file, &mut deployments, duration, errors);
    let autoscaler = autoscaler::resolve(file, &cluster, &mut deployments, &mut notes, errors);
    let webhooks = webhooks::resolve(file, &deployments, errors);
    let stage = steps::Stage {
        cluster: &cluster,
        deployments: &deployments,
        workloads: &workloads,
        webhooks: &webhooks,
        clients: &clients,
        variants: &variants,
        duration,
        warm_up,
    };
    let steps = steps::resolve(file, &stage, &mut notes, errors);
    objectives::warn_of_the_end(leaves_of(file, "objectives"), &objectives, &steps, duration, &mut notes, errors);
    let pod_trace = pods.and_then(|path| {
        let read = pod_trace::read(&path, SimTime::ZERO + duration, deployments.len() as u32);
        let read = read.map_err(|others| errors.adopt(others)).ok()?;
        notes.extend(read.notes);
        workload::warn_of_shapes(&read.shapes, &cluster, &mut notes);
        deployments.extend(read.shapes);
        Some(read.trace)
    });
    let title = file.text("title").unwrap_or(&source.name).clone();
    Some(Plan {
        scenario: source.name.clone(),
        question: file.text("question").unwrap_or(&title).clone(),
        title,
        duration,
        warm_up,
        replications: *file.count("replications")? as u32,
        deployments,
        clients,
        workloads,
        webhooks,
        autoscaler,
        steps,
        objectives,
        settings: settings.list(&errors.file_name()),
        parameters: settings.parameters,
        cluster,
        notes,
        base: if variants.is_empty() { String::new() } else { file.text("base")?.clone() },
        variants,
        pod_trace,
        creation,
        churn: file.table("workload").map_or(0.0, |workload| workload::churn(workload, errors)),
        modes: Modes::default(),
    })
}

fn leaves_of<'f>(file: &'f Fields, table: &str) -> &'f [Leaf] {
    file.leaves(table).map_or(&[][..], Vec::as_slice)
}

/// How the cluster comes into being, if it does so in the run: nobody uses it before.
fn creation(
    file: &Fields,
    cluster: &mut Cluster,
    wishes: &Wishes,
    clients: &mut Vec<Client>,
    errors: &mut Errors,
) -> Option<Creation> {
    if !file.flag("created").is_some_and(|created| *created) {
        return None;
    }
    for key in ["clients", "changes", "autoscaler"].into_iter().filter(|key| file.has(key)) {
        let problem = "cannot stand beside created = true: who uses or changes a cluster begins once it is there";
        errors.add(file.line_of(key), key, problem);
    }
    clients.clear();
    // eksctl needs the public endpoint until it has done.
    cluster.network.access.public |= wishes.ends_private;
    Some(Creation::of(cluster, wishes))
}

/// Warns of a version that EKS supports at a surcharge, or no more.
fn note_support(cluster: &Cluster, parameters: &Parameters, notes: &mut Vec<Note>) {
    let day = parameters.cost.date;
    let known = VERSIONS_OF_EKS.contains(&cluster.version.minor);
    if let Some(text) = Support::of(cluster.version, day).warning(cluster.version, day).filter(|_| known) {
        let (place, field) = (String::new(), "version".to_owned());
        notes.push(Note { kind: NoteKind::Warning, place, field, text });
    }
}

/// The file of the pod trace, if there is one: that of `--pods`, or the scenario's.
fn pods_file(file: &Fields, source: &Source, pods: Option<&Path>) -> Option<PathBuf> {
    let own = || file.table("workload").and_then(|workload| workload.text("pods"));
    pods.map(Path::to_owned).or_else(|| own().map(|path| source.folder.join(path)))
}

/// The length of the run and of its warm-up; after an error a length that hides no other error.
fn times(file: &Fields, notes: &mut Vec<Note>, errors: &mut Errors) -> (SimDuration, SimDuration) {
    let Some(&duration) = file.duration("duration") else { return (DURATION_MAX, SimDuration::from_nanos(0)) };
    if !(DURATION_MIN..=DURATION_MAX).contains(&duration) {
        let problem = format!("found {}; allowed is 1s to 31d", show_duration(duration));
        errors.add(file.line_of("duration"), "duration", problem);
    }
    let Some(&warm_up) = file.duration("warm_up") else {
        let tenth = SimDuration::from_nanos(duration.as_nanos() / 10).min(SimDuration::from_secs(300));
        if !file.is_spoilt("warm_up") {
            let text = format!("{}, a tenth of the duration and at most 5m", show_duration(tenth));
            notes.push(Note { kind: NoteKind::Filled, place: String::new(), field: "warm_up".to_owned(), text });
        }
        return (duration, tenth);
    };
    if warm_up >= duration {
        let problem = format!("{} is not less than the duration, {}", show_duration(warm_up), show_duration(duration));
        errors.add(file.line_of("warm_up"), "warm_up", problem);
    }
    (duration, warm_up)
}

/// The cluster of `--cluster`, or of the file that the scenario names, or of its table.
fn cluster(
    file: &Fields,
    source: &Source,
    request: &Request<'_>,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Option<(Cluster, Wishes)> {
    let path = match (request.cluster, file.text("cluster"), file.table("cluster")) {
        (Some(path), _, _) => path.to_owned(),
        (None, Some(path), _) => source.folder.join(path),
        (None, None, Some(table)) => {
            let cluster = cluster::inline(table, file.table("network"), notes, errors)?;
            return Some((cluster, Wishes::default()));
        }
        (None, None, None) => {
            if !file.is_spoilt("cluster") {
                let problem = "is missing: the path of an eksctl file, a table [cluster], or --cluster FILE";
                errors.add(0, "cluster", problem);
            }
            return None;
        }
    };
    match eksctl::read(&path) {
        Ok(read) => {
            notes.extend(read.notes.into_iter().map(|note| by_file_name(note, &path)));
            let mut cluster = read.cluster;
            network::note_of_file(file.table("network"), notes, errors);
            network::declare_groups(file.table("network"), &mut cluster.network, errors);
            Some((cluster, read.wishes))
        }
        Err(others) => {
            if request.cluster.is_none() && !path.exists() {
                let problem = format!("found {}; there is no such file", quoted(&path.to_string_lossy()));
                errors.add(file.line_of("cluster"), "cluster", problem);
            } else {
                errors.adopt(others);
            }
            None
        }
    }
}

/// A note whose place names the file without its folders: a plan is the same on every machine.
fn by_file_name(note: Note, path: &Path) -> Note {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let place = match note.place.strip_prefix(&*path.to_string_lossy()) {
        Some(line) => format!("{name}{line}"),
        None => note.place,
    };
    Note { place, ..note }
}
