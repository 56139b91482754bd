//! What users write, read and checked: scenarios in TOML and clusters as eksctl files, turned into a validated plan or
//! into all that is wrong with them, each with its file, line and field.

pub mod catalogue;
pub mod eksctl;
mod explain;
mod library;
pub mod pod_trace;
pub mod problem;
pub mod scenario;
mod schema;
mod show;
pub mod source;

pub use explain::explain;
pub use library::{BuiltIn, library};
pub use problem::{InputError, InputErrors};
pub use scenario::{Request, load, load_creation, load_with_pods};
pub use schema::schema;
pub use show::show;
