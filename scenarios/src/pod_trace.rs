//! Pod traces as CSV: one line a pod, with its arrival, what it requests and how long it runs.
//!
//! The columns are found by their names in the first line: `arrival_s`, `cpu_milli`, `memory_mib` and `duration_s`, or in
//! place of the times `creation_time`, `scheduled_time` and `deletion_time`, as published cluster traces have them. A
//! pod whose deletion is not known runs to the end. Columns of other names are read over and named in a note.

use crate::problem::{InputError, InputErrors, did_you_mean};
use crate::scenario::quantity::{show_cpu, show_memory};
use crate::source;
use sim_eks::plan::{Deployment, Note, NoteKind, PodTrace, TracePod};
use sim_eks::quantity::Resources;
use sim_kernel::{Digest, SimDuration, SimTime};
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file that is read, in MiB: some ten million pods.
const MIB_MAX: u64 = 512;
/// Errors after which no further line is looked at.
const ERRORS_MAX: usize = 20;
/// Longest arrival and duration, in seconds: ten years.
const SECONDS_MAX: u64 = 10 * 366 * 86_400;
/// Most CPU and memory of a pod: beyond any machine.
const CPU_MAX: u64 = 100_000_000;
const MEMORY_MAX: u64 = 1_000_000_000;

const CPU: &str = "cpu_milli";
const MEMORY: &str = "memory_mib";
const ARRIVALS: [&str; 2] = ["arrival_s", "creation_time"];
const DURATIONS: [&str; 2] = ["duration_s", "deletion_time"];
const SCHEDULED: &str = "scheduled_time";
const NAME: &str = "name";

/// A trace that was read: what a plan holds of it, and the shapes of its pods as Deployments that want none.
#[derive(Debug)]
pub struct Read {
    /// The pods.
    pub trace: PodTrace,
    /// Their shapes, to be appended to the plan's Deployments.
    pub shapes: Vec<Deployment>,
    /// What the reader of a report must know of it.
    pub notes: Vec<Note>,
}

/// Reads the pods of a trace that arrive before `end`; their shapes will stand from `first_shape` on.
///
/// # Errors
/// All that is wrong with it, each with its line and column, up to a limit.
pub fn read(path: &Path, end: SimTime, first_shape: u32) -> Result<Read, InputErrors> {
    let wrong = |line: usize, why: String| InputErrors::from(InputError::new(path, line, "", why));
    let text = source::read(path, MIB_MAX, "a pod trace as CSV").map_err(|problem| wrong(problem.line, problem.why))?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    let columns = Columns::of(path, header)?;
    let mut reader = Reader { path, columns, errors: Vec::new(), shapes: BTreeMap::new(), rows: Vec::new(), late: 0 };
    for (index, line) in lines {
        if !line.trim().is_empty() {
            reader.line(index + 1, line, end);
        }
        if reader.errors.len() >= ERRORS_MAX {
            break;
        }
    }
    if !reader.errors.is_empty() {
        return Err(InputErrors::new(reader.errors));
    }
    if reader.rows.is_empty() && reader.late == 0 {
        return Err(wrong(0, "holds no pod; a line for each pod is wanted below the names of the columns".to_owned()));
    }
    Ok(reader.into_read(&text, header, end, first_shape))
}

/// Where each column stands.
struct Columns {
    count: usize,
    cpu: usize,
    memory: usize,
    arrival: usize,
    duration: usize,
    /// The durations are the times of deletion.
    until: bool,
    scheduled: Option<usize>,
}

impl Columns {
    fn of(path: &Path, header: &str) -> Result<Columns, InputErrors> {
        let names: Vec<&str> = header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        let find = |wanted: &[&'static str]| {
            let mut found = wanted.iter().filter_map(|name| names.iter().position(|column| column == name));
            found.next().ok_or_else(|| {
                let near = names.iter().copied().filter(|name| !name.is_empty());
                let hint = did_you_mean(wanted[0], near);
                let all: Vec<&str> = [ARRIVALS[0], CPU, MEMORY, DURATIONS[0]].to_vec();
                let problem = format!("is missing in the first line{hint}; wanted are the columns {}", all.join(", "));
                InputError::new(path, 1, wanted.join(" or "), problem)
            })
        };
        let found = [find(&[CPU]), find(&[MEMORY]), find(&ARRIVALS), find(&DURATIONS)];
        let errors: Vec<InputError> = found.iter().filter_map(|found| found.as_ref().err().cloned()).collect();
        if !errors.is_empty() {
            return Err(InputErrors::new(errors));
        }
        let [cpu, memory, arrival, duration] = found.map(|found| found.unwrap_or_default());
        let until = names[duration] == DURATIONS[1];
        let scheduled = names.iter().position(|name| *name == SCHEDULED).filter(|_| until);
        Ok(Columns { count: names.len(), cpu, memory, arrival, duration, until, scheduled })
    }
}

struct Reader<'a> {
    path: &'a Path,
    columns: Columns,
    errors: Vec<InputError>,
    shapes: BTreeMap<(u64, u64), u32>,
    rows: Vec<TracePod>,
    /// Pods that arrive after the end of the run.
    late: usize,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str, end: SimTime) {
        let columns = &self.columns;
        let mut fields = [""; 5];
        let mut count = 0;
        for (index, field) in line.split(',').enumerate() {
            count += 1;
            let places = [columns.cpu, columns.memory, columns.arrival, columns.duration];
            for (place, slot) in places.into_iter().chain(columns.scheduled).zip(&mut fields) {
                if place == index {
                    *slot = field.trim();
                }
            }
        }
        if count != columns.count {
            let problem = format!("found {count} fields; the first line names {} columns", columns.count);
            return self.errors.push(InputError::new(self.path, number, "", problem));
        }
        let (until, [cpu, memory, arrival, duration, scheduled]) = (columns.until, fields);
        let cpu = self.count(number, CPU, cpu, CPU_MAX);
        let memory = self.count(number, MEMORY, memory, MEMORY_MAX);
        let arrival = self.seconds(number, ARRIVALS[usize::from(until)], arrival);
        let duration = match until {
            false => self.seconds(number, DURATIONS[0], duration),
            true => self.run_time(number, arrival, scheduled, duration),
        };
        let (Some(cpu), Some(memory), Some(arrival), Some(duration)) = (cpu, memory, arrival, duration) else { return };
        let arrival = SimTime::ZERO + SimDuration::from_nanos(arrival);
        if arrival >= end {
            self.late += 1;
            return;
        }
        let next = self.shapes.len() as u32;
        let shape = *self.shapes.entry((cpu, memory)).or_insert(next);
        self.rows.push(TracePod { arrival, duration: SimDuration::from_nanos(duration), shape });
    }

    /// The time from the start of a pod, or its arrival if that is not known, to its deletion.
    fn run_time(&mut self, line: usize, arrival: Option<u64>, scheduled: &str, deleted: &str) -> Option<u64> {
        let from = if scheduled.is_empty() { arrival } else { self.seconds(line, SCHEDULED, scheduled) }?;
        if deleted.is_empty() {
            return Some(SECONDS_MAX * 1_000_000_000);
        }
        let until = self.seconds(line, DURATIONS[1], deleted)?;
        if until < from {
            let problem = format!("found {deleted}; a pod is deleted after it was created and scheduled");
            self.errors.push(InputError::new(self.path, line, DURATIONS[1], problem));
            return None;
        }
        Some(until - from)
    }

    fn count(&mut self, line: usize, column: &str, text: &str, most: u64) -> Option<u64> {
        let read = text.parse().ok().filter(|count| *count <= most);
        self.or_error(line, column, text, read, || format!("a whole number from 0 to {most}"))
    }

    fn seconds(&mut self, line: usize, column: &str, text: &str) -> Option<u64> {
        let read = nanoseconds(text);
        self.or_error(line, column, text, read, || format!("seconds from 0 to {SECONDS_MAX}, such as 12.5"))
    }

    fn or_error(
        &mut self,
        line: usize,
        column: &str,
        text: &str,
        read: Option<u64>,
        allowed: impl Fn() -> String,
    ) -> Option<u64> {
        if read.is_none() {
            let found: String = text.chars().take(60).collect();
            let problem = format!("found {found:?}; allowed is {}", allowed());
            self.errors.push(InputError::new(self.path, line, column, problem));
        }
        read
    }

    fn into_read(mut self, text: &str, header: &str, end: SimTime, first_shape: u32) -> Read {
        self.rows.sort_by_key(|row| row.arrival); // stable: equal times in the order of the file
        let file = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned();
        let mut notes = Vec::new();
        let mut note = |kind, text: String| {
            notes.push(Note { kind, place: file.clone(), field: "pods".to_owned(), text });
        };
        let known = [CPU, MEMORY, NAME, SCHEDULED].into_iter().chain(ARRIVALS).chain(DURATIONS);
        let known: Vec<&str> = known.collect();
        let others = header.split(',').map(str::trim).filter(|name| !known.contains(name) && !name.is_empty());
        let others: Vec<&str> = others.collect();
        if !others.is_empty() {
            note(NoteKind::NotModelled, format!("the columns {} have no effect", others.join(", ")));
        }
        let last = self.rows.last().map_or(SimTime::ZERO, |row| row.arrival);
        let (pods, late) = (self.rows.len(), self.late);
        if late > 0 {
            note(
                NoteKind::Warning,
                format!("{late} of {} pods arrive after the end of the run and are left out", pods + late),
            );
        } else {
            let left = end.saturating_since(last).as_nanos() / 1_000_000_000;
            note(NoteKind::Filled, format!("{pods} pods; the last arrives {left} s before the end of the run"));
        }
        let mut shapes: Vec<((u64, u64), u32)> = self.shapes.into_iter().collect();
        shapes.sort_by_key(|(_, shape)| *shape);
        let shapes = shapes.into_iter().map(|((cpu, memory), _)| shape(cpu, memory)).collect();
        let trace = PodTrace { file, digest: Digest::of_bytes(text.as_bytes()), first_shape, rows: self.rows };
        Read { trace, shapes, notes }
    }
}

/// The shape of a trace's pods, as a Deployment that wants none.
fn shape(milli_cpu: u64, memory_mib: u64) -> Deployment {
    Deployment {
        namespace: "trace".to_owned(),
        name: format!("{}-{}", show_cpu(milli_cpu), show_memory(memory_mib)),
        replicas: 0,
        requests: Resources { milli_cpu, memory_mib },
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
        spread_zones: false,
        control: Default::default(),
    }
}

/// Reads seconds with a fraction, in nanoseconds; finer digits are cut off.
fn nanoseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX)?;
    let mut nanos = 0;
    for place in 0..9 {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| u64::from(byte - b'0'));
        nanos = nanos * 10 + digit;
    }
    Some(whole * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_exactly() {
        assert_eq!(nanoseconds("10.030123"), Some(10_030_123_000));
        assert_eq!(nanoseconds("0"), Some(0));
        assert_eq!(nanoseconds("1.0000000009"), Some(1_000_000_000));
        for wrong in ["", ".5", "-1", "1e3", "nan", "99999999999", "1.x"] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }
}
