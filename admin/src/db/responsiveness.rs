//! Notices when PostgreSQL stops responding although its connections stay open: a stopped process, a frozen machine, a lost
//! link.
//!
//! A statement may wait for a lock of a server that responds well. So silence is judged on a connection of its own, on which
//! nothing waits. While the server is silent no connection is lent, requests in progress end, and the connections of that
//! time are thrown away: a hung server is noticed once, not by each request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::config::DatabaseConfig;

use super::dedicated::Dedicated;
use super::error::{DbError, within};

/// The pause between two questions.
const EACH: Duration = Duration::from_millis(250);

/// How much longer an answer may take than its limit: this process itself may have had no turn meanwhile.
const GRACE: Duration = Duration::from_millis(500);

/// Whether PostgreSQL responds, as far as is known. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Responsiveness(Arc<watch::Sender<ServerState>>);

#[derive(Debug, Clone, Copy, Default)]
struct ServerState {
    is_silent: bool,
    /// When it last began or ceased to be silent.
    changed_at: Option<Instant>,
}

impl Responsiveness {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(ServerState::default())))
    }

    pub(super) fn is_silent(&self) -> bool {
        self.0.borrow().is_silent
    }

    /// Whether a connection that was made then may have been open during a silence.
    pub(super) fn is_suspect(&self, created: Instant) -> bool {
        self.0.borrow().changed_at.is_some_and(|at| created <= at)
    }

    /// Returns when the server becomes silent from now on.
    pub(super) async fn silence(&self) {
        let mut states = self.0.subscribe();
        states.mark_unchanged();
        while states.changed().await.is_ok() {
            if states.borrow_and_update().is_silent {
                return;
            }
        }
    }

    /// Returns whether that is a change.
    pub(super) fn set(&self, is_silent: bool) -> bool {
        self.0.send_if_modified(|state| {
            let is_change = state.is_silent != is_silent;
            if is_change {
                *state = ServerState { is_silent, changed_at: Some(Instant::now()) };
            }
            is_change
        })
    }

    /// Keeps asking whether PostgreSQL responds, and calls `when_silent` whenever it ceases to; never ends.
    pub(super) async fn watch(&self, config: &DatabaseConfig, when_silent: impl Fn() + Sync) {
        loop {
            match within(config.silence + GRACE, Dedicated::connect(config, "usher watch", "", None)).await {
                Ok(connection) => {
                    self.note_response();
                    self.follow(connection.client(), config.silence, &when_silent).await;
                }
                Err(DbError::Silent) => self.note_silence(&when_silent),
                // A server that refuses connections responds.
                Err(_refused) => self.note_response(),
            }
            sleep(EACH).await;
        }
    }

    /// Returns when the connection is lost or silent.
    async fn follow(&self, client: &Client, limit: Duration, when_silent: &(impl Fn() + Sync)) {
        loop {
            sleep(EACH).await;
            let asking = client.batch_execute("");
            tokio::pin!(asking);
            let asked = within(limit, async { Ok(asking.as_mut().await?) }).await;
            let answered = match asked {
                Err(DbError::Silent) => within(GRACE, async { Ok::<_, DbError>(asking.await?) }).await,
                answered => answered,
            };
            match answered {
                Ok(()) => {}
                Err(DbError::Silent) => return self.note_silence(when_silent),
                Err(_lost) => return,
            }
        }
    }

    fn note_silence(&self, when_silent: &impl Fn()) {
        if self.set(true) {
            when_silent();
            tracing::error!(
                "PostgreSQL does not respond, although it accepts connections: requests that need it are answered 503 until \
                 it does. Check its load, its disk and the network."
            );
        }
    }

    fn note_response(&self) {
        if self.set(false) {
            tracing::info!("PostgreSQL responds again.");
        }
    }
}
