//! Proof of an address: by a code from a mail, or by the link beside it.
//!
//! A **flow** is what the client holds between the request for a mail and the proof: a sealed text, so that a request
//! stores nothing. The worker of mails decides whether the address gets a code, and leaves a row for each mail that it hands
//! over. A code is an HMAC of its mail under a key derived from the master key: no table has it.
//!
//! A code is valid for ten minutes from the moment at which the worker begins to hand its mail over, the last three codes of
//! a flow count, and a flow takes five wrong ones. Sign-in by a code is here, too; registration, another address of an
//! account and the linking of accounts at providers are later modules.

mod ask;
mod check;
mod code;
mod flow;
mod issue;
mod prove_again;
pub mod request;
pub mod resend;
pub mod sign_in;
mod store;

pub(crate) use ask::{AskedFlow, ask, ask_code};
pub(crate) use check::{Evidence, ProofVerdict, check, check_proof, code_wrong, expired, used_with};
pub(crate) use code::{CodeText, EXAMPLE_CODE};
pub(crate) use flow::{ChangingAccount, EXAMPLE_FLOW, FlowText, LinkProof, MailFlow};
pub(crate) use issue::CodeIssuer;
pub(crate) use prove_again::{ask_proof, prove_by_code};
pub(crate) use store::{PURGE, use_up};
