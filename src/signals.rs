//! Ctrl-C and SIGTERM: a flag that ends a study, and the number for the exit code.

use crate::exit::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The signals that came.
pub struct Signals {
    /// Raised by the first signal.
    pub stop: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
    shutdowns: Vec<SigId>,
}

impl Signals {
    /// Listens from now on. The first signal raises [`Signals::stop`]; the second ends the process where it stands.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> Result<Signals, Failure> {
        let mut signals = Signals { stop: Arc::default(), number: Arc::default(), shutdowns: Vec::new() };
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal must not find the flag raised by itself.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&signals.stop))
                .map(|shutdown| signals.shutdowns.push(shutdown))
                .and_then(|()| flag::register_usize(signal, Arc::clone(&signals.number), signal as usize))
                .and_then(|_| flag::register(signal, Arc::clone(&signals.stop)))
                .map_err(|error| Failure::System(format!("signals: {error}")))?;
        }
        Ok(signals)
    }

    /// From now on no signal ends the process where it stands: files are being written, which ends soon after
    /// [`Signals::stop`] is raised and then leaves nothing behind.
    pub fn hold(&self) {
        for &shutdown in &self.shutdowns {
            low_level::unregister(shutdown);
        }
    }

    /// The failure that a signal means, if one came.
    pub fn failure(&self) -> Option<Failure> {
        let signal = self.number.load(Ordering::SeqCst);
        (signal > 0).then_some(Failure::Interrupted(signal as u8))
    }
}
