//! sim-eks
