//! `ekssim explain [NAME]`.

use crate::arguments::Explain;
use crate::exit::{Ended, Failure};
use crate::terminal;

/// Explains a parameter, or lists the parameters of a group, or the groups.
///
/// # Errors
/// If there is none of that name, or stdout cannot be written.
pub fn explain(arguments: &Explain) -> Result<Ended, Failure> {
    let text = scenarios::explain(arguments.name.as_deref().unwrap_or_default(), None)?;
    terminal::print(&text)?;
    Ok(Ended::Fine)
}
