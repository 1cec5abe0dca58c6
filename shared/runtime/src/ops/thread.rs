//! A thread of its own for the operations listener, for a program whose other threads must not be delayed by operators.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::{Operations, serve};
use crate::listen::{Address, ListenError, Listener};

/// The running thread. Dropping it closes the listeners and all connections.
pub struct OpsThread {
    addresses: Vec<Address>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why the thread cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum OpsThreadError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The system refused a thread, or what a runtime needs.
    #[error("cannot start the thread of the operations listener: {0}")]
    Io(#[from] io::Error),
}

impl OpsThread {
    /// Binds the addresses and answers requests on them.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn start(addresses: &[Address], operations: impl Operations) -> Result<Self, OpsThreadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let (bound, listening) = oneshot::channel();
        let addresses = addresses.to_vec();
        let work = async move {
            match Listener::bind_all(&addresses).await {
                Err(error) => drop(bound.send(Err(error))),
                Ok(listeners) => {
                    let real = listeners.iter().map(|listener| listener.address().clone()).collect();
                    // The starter waits for it; if it has gone, `stopped` completes too.
                    let _received = bound.send(Ok(real));
                    tokio::select! {
                        () = serve(listeners, operations) => {}
                        _ = stopped => {}
                    }
                }
            }
        };
        let thread =
            std::thread::Builder::new().name("ops".to_owned()).spawn(move || runtime.block_on(work))?;
        let ended = |_| io::Error::other("it ended at once");
        let addresses = listening.await.map_err(ended)??;
        Ok(Self { addresses, stop: Some(stop), thread: Some(thread) })
    }

    /// The bound addresses, with their real ports.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }
}

impl Drop for OpsThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic has already been reported by the panic itself.
            let _ended = thread.join();
        }
    }
}
