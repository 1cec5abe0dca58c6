//! `probe mint`: a key set and tokens signed with it.

use std::fs;
use std::path::PathBuf;

use shared::clock::{Clock as _, SystemClock};

use crate::failure::ProbeError;

/// Arguments of `probe mint`.
#[derive(Debug, clap::Args)]
pub(crate) struct MintTokens {
    /// File for the key set.
    #[arg(long)]
    jwks: PathBuf,
    /// File for the tokens, one per line.
    #[arg(long)]
    tokens: PathBuf,
    /// Number of tokens.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Issuer of the tokens; their audience is `cinema`.
    #[arg(long, default_value = "https://cinema.example")]
    issuer: String,
}

impl MintTokens {
    /// Writes both files.
    pub(crate) fn run(&self) -> Result<(), ProbeError> {
        let mint = forge::Mint::new();
        let now = SystemClock.unix_seconds();
        let tokens: Vec<String> =
            (0..self.count).map(|_| mint.token(&forge::claims(&self.issuer, now))).collect();
        fs::write(&self.jwks, mint.jwks())?;
        fs::write(&self.tokens, tokens.join("\n") + "\n")?;
        Ok(())
    }
}
