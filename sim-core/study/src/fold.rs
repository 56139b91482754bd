//! Folding the records of replications into findings, one record after the other.

use crate::findings::{Band, CaseFindings, Estimate, Findings, RunRow};
use crate::model::{Case, Measure, Outcome, Series};
use crate::sample::Sample;

/// What the records seen so far tell. Its size does not grow with their number, but for one row of values each.
pub(crate) struct Fold<R> {
    /// The measures as the first record names them.
    measures: Vec<Measure>,
    total: Vec<Sample>,
    /// In the order in which they were first drawn.
    cases: Vec<CaseFold<R>>,
    bands: Vec<BandFold>,
    /// By replication: which of `cases`, and the values.
    rows: Vec<(usize, Vec<Option<f64>>)>,
}

struct CaseFold<R> {
    case: Case,
    replications: u32,
    measures: Vec<Sample>,
    /// The first record that drew it.
    record: R,
}

struct BandFold {
    name: String,
    unit: crate::Unit,
    window_s: f64,
    definition: String,
    windows: Vec<Sample>,
}

impl<R: Outcome> Fold<R> {
    pub(crate) fn new() -> Self {
        Fold { measures: Vec::new(), total: Vec::new(), cases: Vec::new(), bands: Vec::new(), rows: Vec::new() }
    }

    /// Takes in the record of the next replication. It is kept only if it is the first of its case.
    ///
    /// # Panics
    /// If its measures or series are not those of the first record: all runs of one plan must name the same ones.
    pub(crate) fn add(&mut self, record: R) {
        if self.rows.is_empty() {
            self.begin(&record);
        }
        let values: Vec<Option<f64>> = record.measures().iter().map(|measure| measure.value).collect();
        self.check(&record);
        add_all(&mut self.total, &values);
        for (band, series) in self.bands.iter_mut().zip(record.series()) {
            band.add(series);
        }
        let case = self.case_of(record, values.len());
        self.cases[case].replications += 1;
        add_all(&mut self.cases[case].measures, &values);
        self.rows.push((case, values));
    }

    /// The findings, and one record for each case, in the order of [`Findings::cases`].
    pub(crate) fn finish(self) -> (Findings, Vec<R>) {
        let mut order: Vec<usize> = (0..self.cases.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.cases[a].case, &self.cases[b].case);
            b.probability.total_cmp(&a.probability).then_with(|| a.label.cmp(&b.label))
        });
        let mut rank = vec![0; order.len()];
        for (place, &case) in order.iter().enumerate() {
            rank[case] = place;
        }
        let runs =
            (0..).zip(self.rows).map(|(replication, (case, values))| RunRow { replication, case: rank[case], values });
        let runs: Vec<RunRow> = runs.collect();
        let estimates = |samples: &[Sample]| self.measures.iter().zip(samples).map(estimate).collect();
        let total = estimates(&self.total);
        let mut ranked: Vec<(usize, CaseFindings, R)> = (self.cases.into_iter().zip(rank))
            .map(|(CaseFold { case, replications, measures, record }, place)| {
                (place, CaseFindings { case, replications, measures: estimates(&measures) }, record)
            })
            .collect();
        ranked.sort_by_key(|(place, ..)| *place);
        let (cases, records) = ranked.into_iter().map(|(_, case, record)| (case, record)).unzip();
        let bands = self.bands.into_iter().map(BandFold::finish).collect();
        (Findings { replications: runs.len() as u32, total, cases, bands, runs }, records)
    }

    fn begin(&mut self, first: &R) {
        self.measures = first.measures().to_vec();
        self.total = vec![Sample::default(); self.measures.len()];
        self.bands = first.series().iter().map(BandFold::new).collect();
    }

    fn check(&self, record: &R) {
        let same_measures = self.measures.iter().map(|m| &m.name).eq(record.measures().iter().map(|m| &m.name));
        let same_series = self.bands.iter().map(|b| &b.name).eq(record.series().iter().map(|s| &s.name));
        assert!(same_measures && same_series, "every run of one plan has the same measures and series");
    }

    /// The place of the record's case in `cases`; a new one keeps the record.
    fn case_of(&mut self, record: R, measures: usize) -> usize {
        let known = self.cases.iter().position(|known| known.case.label == record.case().label);
        known.unwrap_or_else(|| {
            let case = record.case().clone();
            self.cases.push(CaseFold { case, replications: 0, measures: vec![Sample::default(); measures], record });
            self.cases.len() - 1
        })
    }
}

impl BandFold {
    fn new(series: &Series) -> Self {
        BandFold {
            name: series.name.clone(),
            unit: series.unit,
            window_s: series.window_s,
            definition: series.definition.clone(),
            windows: Vec::new(),
        }
    }

    fn add(&mut self, series: &Series) {
        if self.windows.len() < series.values.len() {
            self.windows.resize(series.values.len(), Sample::default());
        }
        add_all(&mut self.windows, &series.values);
    }

    fn finish(self) -> Band {
        let end = |side: f64| -> Vec<Option<f64>> {
            let ends = self.windows.iter();
            ends.map(|window| Some(window.mean()? + side * window.half_width().unwrap_or(0.0))).collect()
        };
        let (mean, low, high) = (end(0.0), end(-1.0), end(1.0));
        Band { name: self.name, unit: self.unit, window_s: self.window_s, definition: self.definition, mean, low, high }
    }
}

fn add_all(samples: &mut [Sample], values: &[Option<f64>]) {
    for (sample, value) in samples.iter_mut().zip(values) {
        if let Some(value) = *value {
            sample.add(value);
        }
    }
}

fn estimate((measure, sample): (&Measure, &Sample)) -> Estimate {
    Estimate {
        name: measure.name.clone(),
        unit: measure.unit,
        better: measure.better,
        definition: measure.definition.clone(),
        n: sample.n(),
        mean: sample.mean(),
        half_width: sample.half_width(),
        range: sample.range(),
    }
}
