//! What all connections share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::fault::Fault;
use crate::inbox::Inbox;

/// The inbox, and how the server behaves.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) inbox: Inbox,
    fault: Mutex<Option<Fault>>,
    connections: AtomicUsize,
    has_start_tls: bool,
    credentials: Option<(String, String)>,
}

impl State {
    pub(crate) fn new(has_start_tls: bool, credentials: Option<(String, String)>) -> Self {
        Self {
            inbox: Inbox::default(),
            fault: Mutex::new(None),
            connections: AtomicUsize::new(0),
            has_start_tls,
            credentials,
        }
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it offers STARTTLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.has_start_tls
    }

    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }
}
