//! scenarios

pub mod eksctl;
pub mod problem;
