//! The program as its users meet it: started, fed, interrupted, and judged by what it prints and leaves behind.

mod command_line;
mod create;
mod determinism;
mod hostile;
mod inputs;
mod network;
mod paths;
mod support;
