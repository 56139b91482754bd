//! sim-study
