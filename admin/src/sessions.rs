//! Proof of who someone is: signing in, staying signed in, signing out, and the history of it.

mod history;
mod refresh;
