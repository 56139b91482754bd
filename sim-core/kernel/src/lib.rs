//! sim-kernel
