//! What each class of clients saw: requests by verb and outcome, latency, availability over time.

use crate::aim::{Aim, ClientClass, Outcome};
use crate::record::{ClientRecord, VerbRecord};
use sim_kernel::{SimDuration, SimTime, statistics::Histogram};
use sim_study::{Better, Measure, Series, Unit};

/// Requests of all classes. A request counts towards the totals if it begins after the warm-up, and in the window of a
/// series in which it ends.
#[derive(Clone, Debug)]
pub struct RequestProbe {
    off: bool,
    counted_from: SimTime,
    window: SimDuration,
    verbs: Vec<VerbCount>,
    classes: Vec<ClassCount>,
}

#[derive(Clone, Debug, Default)]
struct VerbCount {
    name: &'static str,
    class: Option<ClientClass>,
    sent: u64,
    ended: [u64; Outcome::COUNT],
    latency: Histogram,
}

/// One class: the window that is open, the values of those that are closed, the longest outage of a client.
#[derive(Clone, Debug, Default)]
struct ClassCount {
    latency: Histogram,
    open: u64,
    succeeded: u64,
    failed: u64,
    window_latency: Histogram,
    availability: Vec<Option<f64>>,
    p50: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
    longest_outage: SimDuration,
}

impl ClassCount {
    /// Closes every window before `window`.
    fn close_until(&mut self, window: u64) {
        while self.open < window {
            let ended = self.succeeded + self.failed;
            self.availability.push((ended > 0).then(|| self.succeeded as f64 / ended as f64));
            self.p50.push(self.window_latency.quantile(0.5).map(SimDuration::as_secs_f64));
            self.p99.push(self.window_latency.quantile(0.99).map(SimDuration::as_secs_f64));
            (self.succeeded, self.failed) = (0, 0);
            if self.window_latency.count() > 0 {
                self.window_latency = Histogram::default();
            }
            self.open += 1;
        }
    }
}

impl RequestProbe {
    /// A probe whose totals count requests begun from `counted_from` on, and whose series have windows of `window`; or
    /// one that is off.
    pub fn new(window: SimDuration, counted_from: SimTime, off: bool) -> Self {
        RequestProbe {
            off,
            counted_from,
            window,
            verbs: vec![VerbCount::default(); Aim::VERBS],
            classes: vec![ClassCount::default(); ClientClass::ALL.len()],
        }
    }

    /// A client begins a request.
    pub fn begins(&mut self, now: SimTime, aim: Aim) {
        if self.off {
            return;
        }
        let (index, name) = aim.verb();
        let verb = &mut self.verbs[index];
        verb.name = name;
        verb.class = Some(aim.class());
        verb.sent += u64::from(now >= self.counted_from);
    }

    /// A request ends for its client.
    pub fn ends(&mut self, now: SimTime, begun: SimTime, aim: Aim, outcome: Outcome) {
        if self.off {
            return;
        }
        let class = &mut self.classes[aim.class() as usize];
        class.close_until(now.as_nanos() / self.window.as_nanos());
        let latency = now.saturating_since(begun);
        match outcome {
            Outcome::Succeeded => {
                class.succeeded += 1;
                class.window_latency.record(latency);
            }
            Outcome::Abandoned | Outcome::Withheld => {}
            _ => class.failed += 1,
        }
        if begun < self.counted_from {
            return;
        }
        let verb = &mut self.verbs[aim.verb().0];
        verb.ended[outcome as usize] += 1;
        if outcome == Outcome::Succeeded {
            verb.latency.record(latency);
            class.latency.record(latency);
        }
    }

    /// A client of a class has had nothing but failures for `outage`.
    pub fn outage(&mut self, class: ClientClass, outage: SimDuration) {
        let longest = &mut self.classes[class as usize].longest_outage;
        *longest = outage.max(*longest);
    }

    /// Requests of a verb that ended so, after the warm-up.
    pub fn count(&self, verb: usize, outcome: Outcome) -> u64 {
        self.verbs[verb].ended[outcome as usize]
    }

    /// The requests by class and verb, in the order of the verbs.
    pub fn records(&self) -> Vec<ClientRecord> {
        let of_class = |class: ClientClass| {
            let verbs = self.verbs.iter().filter(|verb| verb.class == Some(class));
            ClientRecord { class: class.name().to_owned(), verbs: verbs.map(VerbCount::record).collect() }
        };
        ClientClass::ALL.map(of_class).into_iter().filter(|record| !record.verbs.is_empty()).collect()
    }

    /// Availability and latency in the whole and by class.
    pub fn measures(&self) -> Vec<Measure> {
        let ended = |class: Option<ClientClass>| {
            let verbs = self.verbs.iter().filter(move |verb| class.is_none() || verb.class == class);
            verbs.fold((0, 0), |(good, bad), verb| (good + verb.succeeded(), bad + verb.failed()))
        };
        let mut measures = vec![availability("api.availability".to_owned(), "all clients", ended(None))];
        for class in ClientClass::ALL {
            let name = class.name();
            measures.push(availability(format!("api.availability.{name}"), name, ended(Some(class))));
        }
        for class in ClientClass::ALL {
            let (name, count) = (class.name(), &self.classes[class as usize]);
            measures.push(latency(name, "p50", "Median", count.latency.quantile(0.5)));
            measures.push(latency(name, "p99", "99th percentile", count.latency.quantile(0.99)));
            measures.push(Measure {
                name: format!("api.outage.{name}"),
                unit: Unit::Seconds,
                better: Better::Down,
                value: (ended(Some(class)) != (0, 0)).then(|| count.longest_outage.as_secs_f64()),
                definition: format!(
                    "Longest time in which one living client of the class {name} had no success though it tried, lists and watches from a cache aside; an outage that lasts counts up to the end."
                ),
            });
        }
        measures
    }

    /// Availability and latency of each class over time, up to `end`.
    pub fn series(&mut self, end: SimTime) -> Vec<Series> {
        let windows = end.as_nanos().div_ceil(self.window.as_nanos());
        let window_s = self.window.as_secs_f64();
        let mut series = Vec::new();
        for class in ClientClass::ALL {
            let (name, count) = (class.name(), &mut self.classes[class as usize]);
            count.close_until(windows);
            let share = format!("Share of the requests of class {name} that ended in the window with success.");
            let mut push = |what: &str, unit, values: &mut Vec<Option<f64>>, definition| {
                values.truncate(windows as usize);
                series.push(Series {
                    name: format!("api.{what}.{name}"),
                    unit,
                    window_s,
                    values: std::mem::take(values),
                    definition,
                });
            };
            push("availability", Unit::Share, &mut count.availability, share);
            let definition = |rank| format!("{rank} of the latency of successful requests of class {name}.");
            push("latency.p50", Unit::Seconds, &mut count.p50, definition("Median"));
            push("latency.p99", Unit::Seconds, &mut count.p99, definition("99th percentile"));
        }
        series
    }
}

fn availability(name: String, of: &str, (good, bad): (u64, u64)) -> Measure {
    Measure {
        name,
        unit: Unit::Share,
        better: Better::Up,
        value: (good + bad > 0).then(|| good as f64 / (good + bad) as f64),
        definition: format!("Share of requests, as the client counts its attempts, that ended with success: {of}."),
    }
}

fn latency(class: &str, rank: &str, words: &str, value: Option<SimDuration>) -> Measure {
    Measure {
        name: format!("api.latency.{rank}.{class}"),
        unit: Unit::Seconds,
        better: Better::Down,
        value: value.map(SimDuration::as_secs_f64),
        definition: format!(
            "{words} of the latency of successful requests of class {class}, from the client's call to its answer."
        ),
    }
}

impl VerbCount {
    fn succeeded(&self) -> u64 {
        self.ended[Outcome::Succeeded as usize]
    }

    fn failed(&self) -> u64 {
        Outcome::ALL.iter().filter(|outcome| outcome.is_error()).map(|outcome| self.ended[*outcome as usize]).sum()
    }

    fn record(&self) -> VerbRecord {
        let is_told = |outcome: &Outcome| outcome.is_error() || *outcome == Outcome::Withheld;
        let errors = Outcome::ALL.iter().filter(|outcome| is_told(outcome) && self.ended[**outcome as usize] > 0);
        let seconds = |value: Option<SimDuration>| value.map_or(0.0, SimDuration::as_secs_f64);
        let latency = &self.latency;
        let figures = [latency.mean(), latency.quantile(0.5), latency.quantile(0.99), latency.max()];
        VerbRecord {
            verb: self.name.to_owned(),
            sent: self.sent,
            succeeded: self.succeeded(),
            failed: errors.map(|outcome| (outcome.name().to_owned(), self.ended[*outcome as usize])).collect(),
            abandoned: self.ended[Outcome::Abandoned as usize],
            inside: self.sent - self.ended.iter().sum::<u64>(),
            latency_s: (latency.count() > 0).then(|| figures.map(seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn the_warm_up_counts_in_the_series_but_not_in_the_totals() {
        let mut probe = RequestProbe::new(SimDuration::from_secs(10), at(60), false);
        let aim = Aim::RenewLease(NodeId(0));
        for (begun, ended, outcome) in
            [(5, 6, Outcome::TimedOut), (61, 62, Outcome::Succeeded), (63, 75, Outcome::ServerError)]
        {
            probe.begins(at(begun), aim);
            probe.ends(at(ended), at(begun), aim, outcome);
        }
        probe.begins(at(76), aim);
        let series = probe.series(at(80));
        assert_eq!(series[0].values, [Some(0.0), None, None, None, None, None, Some(1.0), Some(0.0)]);
        assert_eq!(probe.measures()[0].value, Some(0.5));
        let verb = &probe.records()[0].verbs[0];
        assert_eq!((verb.sent, verb.succeeded, verb.inside), (3, 1, 1));
        assert_eq!(verb.failed, [("5xx".to_owned(), 1)]);
    }
}
