//! `ekssim schema`.

use crate::exit::{Ended, Failure};
use crate::terminal;

/// Prints the JSON schema of scenario files.
///
/// # Errors
/// If stdout cannot be written.
pub fn schema() -> Result<Ended, Failure> {
    terminal::print(&format!("{:#}\n", scenarios::schema()))?;
    Ok(Ended::Fine)
}
