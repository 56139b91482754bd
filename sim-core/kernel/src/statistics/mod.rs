//! Statistics of a run, in bounded memory: counts, time averages, moments, quantiles, and series over time.
//!
//! Each is a plain value that serialises, merges and compares. What replications are folded from (counters,
//! histograms, counts in windows) is held in whole numbers, so that the order of folding does not matter.

mod counter;
mod histogram;
mod series;
mod summary;
mod time_average;

pub use counter::Counter;
pub use histogram::{Bucket, Histogram, HistogramError};
pub use series::{SeriesError, WINDOWS_MAX, WindowedSeries, Windows};
pub use summary::Summary;
pub use time_average::TimeAverage;
