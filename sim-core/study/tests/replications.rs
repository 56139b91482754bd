//! Replications of a toy whose answers are known: a coin that shows heads one time in four, a normal quantity with
//! mean 10 and standard deviation 2, and a series of which some windows are empty.

use sim_kernel::{Purpose, RunKey, SimDuration, SimTime, Stuck};
use sim_study::{
    Better, Case, Findings, Measure, Outcome, Replications, Series, Study, StudyError, Subject, Unit, replicate,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const COIN: Purpose = Purpose::new("toy/coin");
const QUANTITY: Purpose = Purpose::new("toy/quantity");
const WINDOW: Purpose = Purpose::new("toy/window");

#[derive(Clone)]
struct Toy {
    key: RunKey,
    now: SimTime,
    stuck: Option<SimTime>,
    lies: bool,
}

/// What can go wrong in the toy.
#[derive(Default)]
struct Plan {
    /// Replications whose coin shows heads stand still in the middle.
    heads_are_stuck: bool,
    /// The records of heads contradict themselves.
    heads_lie: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Record {
    lies: bool,
    measures: Vec<Measure>,
    series: Vec<Series>,
    case: Case,
}

impl Outcome for Record {
    fn measures(&self) -> &[Measure] {
        &self.measures
    }
    fn series(&self) -> &[Series] {
        &self.series
    }
    fn case(&self) -> &Case {
        &self.case
    }
    fn contradiction(&self) -> Option<String> {
        self.lies.then(|| "heads is tails".to_owned())
    }
}

fn seconds(n: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(n)
}

impl Toy {
    fn heads(&self) -> bool {
        self.key.draw(COIN, 0, 0).chance(0.25)
    }

    fn measure(&self, name: &str, value: Option<f64>) -> Measure {
        let definition = format!("The toy's {name}.");
        Measure { name: name.to_owned(), unit: Unit::Count, better: Better::Neither, value, definition }
    }

    /// Window 0 has a value in every run, window 1 in those of heads, window 2 in none.
    fn series(&self) -> Series {
        let value = self.key.draw(WINDOW, 0, 0).uniform();
        let values = vec![Some(value), self.heads().then_some(7.0), None];
        let definition = "The toy's windows.".to_owned();
        Series { name: "windows".to_owned(), unit: Unit::Share, window_s: 10.0, values, definition }
    }
}

impl Subject for Toy {
    type Plan = Plan;
    type Change = ();
    type Record = Record;

    fn start(plan: &Plan, seed: u64, replication: u32) -> Self {
        let key = RunKey::new(seed, replication);
        let mut toy = Toy { key, now: SimTime::ZERO, stuck: None, lies: false };
        toy.lies = plan.heads_lie && toy.heads();
        toy.stuck = (plan.heads_are_stuck && toy.heads()).then(|| seconds(15));
        toy
    }
    fn run_until(&mut self, until: SimTime) -> Result<(), Stuck> {
        assert!(until >= self.now, "time runs forward");
        self.now = until;
        match self.stuck {
            Some(at) if at <= until => Err(Stuck { at }),
            _ => Ok(()),
        }
    }
    fn branch(&mut self, k: u32) {
        self.key = self.key.branch(k);
    }
    fn apply(&mut self, _change: &()) {}
    fn level(&self) -> f64 {
        0.0
    }
    fn end(_plan: &Plan) -> SimTime {
        seconds(30)
    }
    fn finish(self) -> Record {
        assert_eq!(self.now, seconds(30), "a record is of the whole planned time");
        let quantity = 10.0 + 2.0 * self.key.draw(QUANTITY, 0, 0).normal();
        let heads = self.heads();
        let (label, probability) = if heads { ("heads", 0.25) } else { ("tails", 0.75) };
        Record {
            lies: self.lies,
            measures: vec![
                self.measure("quantity", Some(quantity)),
                self.measure("heads only", heads.then_some(1.0)),
                self.measure("never", None),
            ],
            series: vec![self.series()],
            case: Case { label: label.to_owned(), probability },
        }
    }
}

fn study_of(plan: &Plan, seed: u64, count: u32, threads: usize) -> Result<Study<Record>, StudyError> {
    replicate::<Toy>(plan, seed, Replications { count, threads }, &|_, _| {}, &AtomicBool::new(false))
}

fn study(seed: u64, count: u32, threads: usize) -> Study<Record> {
    study_of(&Plan::default(), seed, count, threads).expect("the toy cannot fail")
}

fn json(findings: &Findings) -> String {
    serde_json::to_string(findings).expect("findings are plain data")
}

#[test]
fn the_result_is_the_same_for_any_number_of_threads() {
    let one = study(3, 53, 1);
    for threads in [2, 3, 8, 0] {
        let many = study(3, 53, threads);
        assert_eq!(json(&many.findings), json(&one.findings), "{threads} threads");
        assert_eq!(many.records, one.records, "{threads} threads");
    }
}

#[test]
fn another_seed_gives_another_result() {
    assert_ne!(study(3, 8, 2).findings, study(4, 8, 2).findings);
}

#[test]
fn more_replications_begin_with_the_same_ones() {
    let (few, many) = (study(5, 10, 2).findings, study(5, 20, 2).findings);
    let values = |findings: &Findings| findings.runs.iter().take(10).map(|run| run.values.clone()).collect::<Vec<_>>();
    assert_eq!(values(&few), values(&many));
}

/// 2000 studies of 6 replications each: the share of their intervals that hold the true mean is 95 % with a standard
/// error of 0.5 %; with the normal quantile in place of Student's it would be 89 %.
#[test]
fn the_interval_holds_the_true_mean_in_95_of_100_studies() {
    let held = (0..2_000).filter(|&seed| {
        let quantity = &study(seed, 6, 1).findings.total[0];
        let (mean, half_width) = (quantity.mean.expect("six values"), quantity.half_width.expect("six values"));
        (mean - 10.0).abs() <= half_width
    });
    let share = held.count() as f64 / 2_000.0;
    assert!((share - 0.95).abs() < 0.02, "{share}");
}

#[test]
fn cases_come_most_probable_first_and_add_up_to_the_total() {
    let Study { findings, records } = study(1, 400, 2);
    let labels: Vec<&str> = findings.cases.iter().map(|found| found.case.label.as_str()).collect();
    assert_eq!(labels, ["tails", "heads"]);
    assert_eq!(findings.cases.iter().map(|found| found.replications).sum::<u32>(), 400);
    // 100 heads expected, standard deviation 8.7.
    assert!(findings.cases[1].replications.abs_diff(100) < 35, "{}", findings.cases[1].replications);
    let kept: Vec<&str> = records.iter().map(|record| record.case.label.as_str()).collect();
    assert_eq!(kept, labels, "one record for each case, in their order");
    for (found, record) in findings.cases.iter().zip(&records) {
        let place = findings.cases.iter().position(|other| other == found).expect("it is one of them");
        let first = findings.runs.iter().find(|run| run.case == place).expect("a case was drawn");
        assert_eq!(record.measures[0].value, first.values[0], "the first replication that drew the case");
    }
}

#[test]
fn a_measure_counts_only_the_runs_that_gave_it_a_value() {
    let findings = study(1, 40, 2).findings;
    let [quantity, heads_only, never] = &findings.total[..] else { panic!("three measures") };
    assert_eq!(quantity.n, 40);
    assert_eq!((heads_only.n, heads_only.mean), (findings.cases[1].replications, Some(1.0)));
    assert_eq!((never.n, never.mean, never.half_width, never.range), (0, None, None, None));
}

#[test]
fn a_band_covers_each_window_by_the_runs_that_have_it() {
    let band = study(1, 40, 2).findings.bands.remove(0);
    let (low, mean, high) = (band.low[0], band.mean[0], band.high[0]);
    assert!(low < mean && mean < high, "{low:?} {mean:?} {high:?}");
    assert_eq!((band.low[1], band.mean[1], band.high[1]), (Some(7.0), Some(7.0), Some(7.0)));
    assert_eq!((band.low[2], band.mean[2], band.high[2]), (None, None, None));
    let single = study(1, 1, 1).findings.bands.remove(0);
    assert_eq!((single.low[0], single.high[0]), (single.mean[0], single.mean[0]), "no interval of one value");
}

fn first_heads() -> u32 {
    let heads = |replication: &u32| RunKey::new(1, *replication).draw(COIN, 0, 0).chance(0.25);
    (0..).find(heads).expect("some coin shows heads")
}

#[test]
fn a_record_that_contradicts_itself_ends_the_study() {
    let plan = Plan { heads_lie: true, ..Plan::default() };
    let error = study_of(&plan, 1, 100, 2).expect_err("some coin shows heads");
    let what = "heads is tails".to_owned();
    assert_eq!(error, StudyError::Contradiction { replication: first_heads(), what });
}

#[test]
fn a_run_that_stands_still_is_named() {
    let plan = Plan { heads_are_stuck: true, ..Plan::default() };
    let replication = first_heads();
    for threads in [1, 2, 8] {
        let error = study_of(&plan, 1, 100, threads).expect_err("some coin shows heads");
        assert_eq!(error, StudyError::Stuck { replication, stuck: Stuck { at: seconds(15) } });
    }
}

#[test]
fn a_raised_flag_ends_the_study() {
    let (plan, stop, runs) = (Plan::default(), AtomicBool::new(false), AtomicU32::new(0));
    let progress = |done: u32, _of: u32| {
        runs.fetch_add(1, Ordering::Relaxed);
        stop.store(done >= 3, Ordering::Relaxed);
    };
    let replications = Replications { count: 1_000, threads: 1 };
    let error = replicate::<Toy>(&plan, 1, replications, &progress, &stop).expect_err("stopped");
    assert_eq!((error, runs.load(Ordering::Relaxed)), (StudyError::Interrupted, 3));
}

#[test]
fn progress_counts_every_replication_once() {
    let told = Mutex::new(Vec::new());
    let progress = |done, of| told.lock().expect("not poisoned").push((done, of));
    let replications = Replications { count: 20, threads: 2 };
    replicate::<Toy>(&Plan::default(), 1, replications, &progress, &AtomicBool::new(false)).expect("no failure");
    let mut told = told.into_inner().expect("not poisoned");
    told.sort_unstable();
    assert_eq!(told, (1..=20).map(|done| (done, 20)).collect::<Vec<_>>());
}

#[test]
fn no_replications_tell_nothing() {
    let Study { findings, records } = study(1, 0, 2);
    assert_eq!((findings.replications, findings.total.len(), records.len()), (0, 0, 0));
}
