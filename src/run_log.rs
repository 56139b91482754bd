//! `run.log`: what a run took on this machine. None of it may stand in a record.

use std::fmt;
use std::time::{Duration, Instant};

/// A stopwatch that runs from its making.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "this is the wall time of run.log")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What a run took, and where.
pub struct RunLog {
    /// The command line.
    pub command: String,
    /// Hash of the plan.
    pub plan: String,
    /// The seed.
    pub seed: u64,
    /// Replications run.
    pub replications: u32,
    /// Threads used.
    pub threads: usize,
    /// Wall time of the simulation.
    pub simulated_in: Duration,
    /// Wall time from the start of the program.
    pub total: Duration,
}

impl fmt::Display for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program       ekssim {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "command       {}", self.command)?;
        writeln!(f, "plan          {}", self.plan)?;
        writeln!(f, "seed          {}", self.seed)?;
        writeln!(f, "replications  {}", self.replications)?;
        writeln!(f, "threads       {}", self.threads)?;
        writeln!(f, "simulation    {:.3} s", self.simulated_in.as_secs_f64())?;
        writeln!(f, "total         {:.3} s", self.total.as_secs_f64())?;
        match peak_memory_kib() {
            Some(kib) => writeln!(f, "peak memory   {:.1} MiB", kib as f64 / 1024.0)?,
            None => writeln!(f, "peak memory   unknown")?,
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        writeln!(f, "machine       {os} {architecture}, {cores} cores, {}", processor())?;
        writeln!(f, "build         {}", if cfg!(debug_assertions) { "debug" } else { "release" })
    }
}

/// The most memory that the process held, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    model.and_then(|line| line.split_once(':')).map_or("unknown processor", |(_, name)| name.trim()).to_owned()
}
