//! What users write, read and checked: scenarios in TOML and clusters as eksctl files, turned into a validated plan or
//! into all that is wrong with them, each with its file, line and field.

pub mod catalogue;
pub mod eksctl;
mod library;
pub mod problem;
pub mod scenario;

pub use library::{BuiltIn, library};
pub use problem::{InputError, InputErrors};
pub use scenario::{Request, load};
