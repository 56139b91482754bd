//! What can be typed: subcommands, options, and the help that teaches them.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Cyan.on_default().bold())
    .invalid(AnsiColor::Yellow.on_default());

/// A heading as clap styles its own; clap takes the colour out where none is wanted.
macro_rules! heading {
    ($text:literal) => {
        concat!("\u{1b}[1m\u{1b}[32m", $text, "\u{1b}[0m\n")
    };
}

const EXAMPLES: &str = concat!(
    heading!("Examples:"),
    "  ekssim scenarios                              the questions that are built in
  ekssim run az-failure                         a zone goes dark: who notices, for how long
  ekssim run az-failure --cluster my.yaml       the same on your own eksctl file
  ekssim run az-failure --replications 200      case by case, with confidence intervals
  ekssim paths az-failure                       who reaches whom in the VPC, and why not
  ekssim explain node_lifecycle.grace_period    where a figure comes from, how sure it is

",
    heading!("Exit codes:"),
    "  0 fine   1 the program or the system failed   2 bad usage or input
  70 the simulator contradicts itself: please report it   99 an objective was missed   130, 143 interrupted"
);

const RUN_EXAMPLES: &str = concat!(
    heading!("Examples:"),
    "  ekssim run az-failure
  ekssim run my-question.toml --seed 7 --out results/seven
  ekssim run az-failure --set node_lifecycle.grace_period=40s --set connection.read_idle=10s
  ekssim run az-failure --set placement.etcd_leader_zone=a --still
  ekssim run az-failure --replications 100 --quiet --format json | jq .findings.total

",
    heading!("Output:"),
    "  A summary on the terminal; report.html, record.json, the plots and run.log in the directory
  of --out, which is written aside and put in place at the end. record.json depends on plan,
  seed and program version only: not on the machine, not on --threads.
  The exit code is 99 if an objective of the scenario was missed."
);

const PATHS_HELP: &str = concat!(
    heading!("Examples:"),
    "  ekssim paths private-endpoint-switch                    before the first step
  ekssim paths my.toml --cluster my.yaml --at 9m --at end  before and after
  ekssim paths my.toml --at end --closed                   what is closed, and what would open it
  ekssim paths my.toml --from admin --format json

",
    heading!("Table:"),
    "  Flows that differ in the zone, the node group or the AWS service only share a row. Answer: how many
  of the published addresses would take a connection. The way of the first one that does is shown;
  the round trip is its mean, with nothing queued. Steps at the very moment of --at have happened.

",
    heading!("JSON:"),
    "  schema (1), scenario, cluster, seed, replication, case, moments[]: at_s, endpoint_access {public,
  private, public_access_cidrs[]}, paths[]: flow (endpoint, service, kubelet, webhook, aws, pods, ssh),
  from, to, nodes {group, zone} or null, family (IPv4, IPv6), open, addresses {published, answering}
  or null, way[] {name, address, zone}, decided_by, opened_by (empty where open), round_trip_s or null.
  One entry for each flow, none merged, always in the same order."
);

const CREATE_HELP: &str = concat!(
    heading!("Examples:"),
    "  ekssim create --cluster my.yaml                       a timeline, and what stands afterwards
  ekssim create --cluster my.yaml --replications 100    how long it takes, at best and at worst
  ekssim create --cluster my.yaml --format json | jq '.creations[0].tasks[].what'

",
    heading!("Table:"),
    "  A row for each task of eksctl, and below it what happens at the provider meanwhile. eksctl asks now and
  then how far it is, so a task ends later than what it waits for. After a failure the tasks that come later
  do not begin; what stands then is listed all the same.
  The exit code is 99 if a creation fails.

",
    heading!("JSON:"),
    "  schema (1), cluster, region, seed, creations[]: replication, ready, ended_s, failure, tasks[] {what, state,
  begun_s, ended_s, why, phases[] {what, begun_s, ended_s}}, listing {nodes[], daemon_sets[], pods[], services[]}."
);

/// Simulates an Amazon EKS cluster: what a lost zone or a slow etcd does to latency and availability
///
/// A scenario and an eksctl file go in, a report comes out; there is no need of an AWS account. The same input and
/// seed give the same result on every machine.
#[derive(Debug, Parser)]
#[command(name = "ekssim", version, styles = STYLES, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour: auto (obeys NO_COLOR), always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// If the output is a terminal and the environment does not object.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and report what happened
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Check a scenario or an eksctl file, and name everything that is wrong with it
    Check(Check),
    /// Show who reaches whom, hop by hop, and what would open what is closed
    #[command(after_help = PATHS_HELP)]
    Paths(Paths),
    /// Create the cluster of an eksctl file, as `eksctl create cluster` does, and show what takes the time
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// Show the resolved plan: every value, who set it, its source and confidence
    Show(Show),
    /// List the built-in scenarios and the questions that they answer, or print one
    Scenarios(Scenarios),
    /// Explain a parameter: value, unit, range, source, confidence, what it governs
    Explain(Explain),
    /// Render the report again from a stored record, without a new run
    Report(Report),
    /// Print the JSON schema of scenario files, for editors
    Schema,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which plan is meant: a scenario, a cluster under it, and values that differ.
#[derive(Args, Clone, Debug)]
pub struct Question {
    /// A built-in scenario, as `ekssim scenarios` lists them, or a TOML file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: String,

    /// An eksctl ClusterConfig to use in place of the scenario's cluster
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cluster: Option<PathBuf>,

    /// A pod trace as CSV (arrival_s, cpu_milli, memory_mib, duration_s) to run on the cluster
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub pods: Option<PathBuf>,

    /// Set a parameter; may be repeated, the last one counts. `ekssim explain` lists them
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,

    /// Replace every law by its median and leave out jitter, so that times can be checked by hand
    #[arg(long)]
    pub still: bool,
}

/// `ekssim run`.
#[derive(Args, Debug)]
pub struct Run {
    /// The plan.
    #[command(flatten)]
    pub question: Question,

    /// Seed of everything that is drawn
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,

    /// Number of independent runs [default: what the scenario says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: Option<u32>,

    /// Threads to spread replications over; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,

    /// Directory for the files [default: ekssim-out/SCENARIO-SEED]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Print neither progress nor where the files are
    #[arg(long, short)]
    pub quiet: bool,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// For those who check the simulator.
    #[command(flatten)]
    pub checking: Checking,
}

/// What `run` and `report` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary that fits a screen
    Text,
    /// The content of record.json
    Json,
}

/// Ways to carry out one and the same run; none may change a fact. They are for those who check the simulator, and
/// so are not in the help.
#[derive(Args, Clone, Debug)]
pub struct Checking {
    /// `off` measures nothing; the digest must stay the same.
    #[arg(long, value_name = "ON|OFF", default_value = "on", hide = true)]
    pub probes: Switch,

    /// Handle equal times in random order; the facts must stay the same.
    #[arg(long, hide = true)]
    pub shuffle_ties: bool,

    /// Schedule timers that are elided; the facts must stay the same.
    #[arg(long, value_name = "TIMER", value_delimiter = ',', hide = true)]
    pub explicit: Vec<Timer>,

    /// Print wall time, memory and digests to stderr.
    #[arg(long, hide = true)]
    pub stats: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Timers that are not scheduled while they would change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Timer {
    /// Raft heartbeats between healthy members.
    Heartbeats,
    /// HTTP/2 read-idle timers on healthy paths.
    ReadIdle,
}

/// `ekssim check`.
#[derive(Args, Debug)]
pub struct Check {
    /// A built-in scenario, a TOML scenario, or an eksctl file (.yaml, .yml)
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: String,

    /// An eksctl ClusterConfig to check under the scenario
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cluster: Option<PathBuf>,
}

/// `ekssim show`.
#[derive(Args, Debug)]
pub struct Show {
    /// The plan.
    #[command(flatten)]
    pub question: Question,
}

/// `ekssim paths`.
#[derive(Args, Debug)]
pub struct Paths {
    /// The plan.
    #[command(flatten)]
    pub question: Question,

    /// A moment of the run, such as 9m30s, or end; may be repeated [default: just before the first step]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Vec<String>,

    /// Seed of everything that is drawn; it is the run's first replication
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,

    /// Only flows from those whose name has this in it: a client, a node group, nodes, pods, control plane
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,

    /// Only flows that are closed
    #[arg(long)]
    pub closed: bool,

    /// The variant of the scenario that is meant [default: the scenario itself]
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PathsFormat,
}

/// What `paths` and `create` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PathsFormat {
    /// A table that fits the terminal
    Table,
    /// Everything, with every field
    Json,
}

/// `ekssim create`.
#[derive(Args, Debug)]
pub struct Create {
    /// The eksctl ClusterConfig
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cluster: PathBuf,

    /// Set a parameter; may be repeated, the last one counts. `ekssim explain creation` lists those of a creation
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,

    /// Replace every law by its median and leave out jitter, so that times can be checked by hand
    #[arg(long)]
    pub still: bool,

    /// Seed of everything that is drawn
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,

    /// Number of independent creations
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub replications: u32,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PathsFormat,
}

/// `ekssim scenarios`.
#[derive(Args, Debug)]
pub struct Scenarios {
    /// Print this one's file, to start your own from
    pub name: Option<String>,
}

/// `ekssim explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// A parameter, such as etcd.election_timeout, or a group of them, such as etcd [default: the groups]
    pub name: Option<String>,
}

/// `ekssim report`.
#[derive(Args, Debug)]
pub struct Report {
    /// The directory of a run, or its record.json
    #[arg(value_name = "DIR|FILE", value_hint = ValueHint::AnyPath)]
    pub record: PathBuf,

    /// Directory for the files [default: where the record lies]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("threads are a whole number from 1 to 1024".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }
}
