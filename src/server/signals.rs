//! The signals that stop the server.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the server: Ctrl-C, and SIGTERM, which service managers send.
///
/// After [`StopSignals::listen`] they no longer end the program by themselves.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Starts listening for the signals.
    ///
    /// # Errors
    /// One sentence if the system delivers no signals.
    pub fn listen() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("cannot install signal handler: {error}"));
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: listen(interrupt)?, terminate: listen(terminate)? })
    }

    /// Waits for the next signal and returns its kind.
    pub(super) async fn stop(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}
