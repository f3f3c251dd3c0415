//! The wish that a run ends: Ctrl-C, or SIGTERM (`kill`, a service manager, a shutdown).

use std::sync::Arc;

use tokio::sync::watch;

use super::{Host, HostError};

/// Whether somebody asked the run to end. Set by the thread that hears signals, looked at by the
/// one that works: between steps, and in waits that can be cut short.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Interrupt {
    /// Asks the run to end; returns whether somebody had asked before.
    pub fn set(&self) -> bool {
        self.0.send_replace(true)
    }

    /// Whether somebody asked.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// An error if somebody asked.
    ///
    /// # Errors
    /// [`HostError::Interrupted`].
    pub fn check(&self) -> Result<(), HostError> {
        if self.is_set() { Err(HostError::Interrupted) } else { Ok(()) }
    }

    /// Returns once somebody asks.
    pub async fn asked(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

impl Host {
    /// The wish that the run on this host ends.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Runs a future to its end, or drops it when the run is asked to end: for waits that may
    /// be cut short at any point.
    ///
    /// # Errors
    /// [`HostError::Interrupted`].
    pub fn block_on_or_interrupt<F: Future>(&self, future: F) -> Result<F::Output, HostError> {
        self.block_on(async {
            tokio::select! {
                biased;
                () = self.interrupt.asked() => Err(HostError::Interrupted),
                output = future => Ok(output),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_cut_by_another_thread() {
        let host = Host::live().unwrap();
        assert!(host.block_on_or_interrupt(async { 7 }).is_ok_and(|output| output == 7));
        let interrupt = host.interrupt().clone();
        assert!(interrupt.check().is_ok());
        let setter = std::thread::spawn(move || interrupt.set());
        let cut = host.block_on_or_interrupt(std::future::pending::<()>());
        assert!(matches!(cut, Err(HostError::Interrupted)));
        assert!(!setter.join().unwrap(), "nobody asked before");
        assert!(host.interrupt().set(), "somebody asked before");
    }
}
