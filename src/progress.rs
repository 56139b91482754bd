//! Progress of a study, on stderr and only if somebody watches.

use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts replications; nothing is drawn for a single one.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for `replications`; invisible if `quiet` or if stderr is no terminal.
    pub fn new(replications: u32, quiet: bool) -> Self {
        let visible = replications > 1 && !quiet && terminal::stderr_is_watched();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(u64::from(replications)), target);
        let style = ProgressStyle::with_template("{pos}/{len} replications [{bar:30}] {eta} left");
        bar.set_style(style.expect("the template is valid").progress_chars("=> "));
        Progress(bar)
    }

    /// So many replications are done.
    pub fn done(&self, replications: u32) {
        // Threads report in any order; the bar only grows.
        if u64::from(replications) > self.0.position() {
            self.0.set_position(u64::from(replications));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
