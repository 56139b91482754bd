//! The subcommands, one file each.

mod check;
mod completions;
mod create;
mod explain;
mod paths;
mod report;
mod run;
mod scenarios;
mod schema;
mod show;

pub use check::check;
pub use completions::completions;
pub use create::create;
pub use explain::explain;
pub use paths::paths;
pub use report::report;
pub use run::run;
pub use scenarios::scenarios;
pub use schema::schema;
pub use show::show;
