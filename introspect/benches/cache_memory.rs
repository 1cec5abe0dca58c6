//! The memory of the token cache, compared with its configured size: `cargo bench -p introspect --bench cache_memory --
//! NAME`, with one name a run, because memory that was used before is used again.
//!
//! `usual` tokens, tokens of the greatest length (`longest`), and tokens whose claims take the most memory for their
//! length (`roles`, `audiences`). `OVERHEAD` and `EACH` in `token_cache.rs` are from here: no line may show more than its size.

#![expect(unreachable_pub, reason = "a benchmark is no library")]

#[expect(dead_code, reason = "its requests are for the other benchmarks")]
mod scene;

use std::sync::Arc;

use introspect::token_cache::{CachedToken, TokenCache};
use shared::clock::{Clock as _, SystemClock};
use shared::token::{KeySet, VerifiedToken};

const SIZE: u64 = 128 << 20;

fn main() {
    let (decider, mint) = scene::decider(0, 1);
    let keys = KeySet::parse(mint.jwks().as_bytes(), decider.verifier.profile.algorithms())
        .expect("a valid key set");
    let raw = scene::token(&mint);
    let usual = decider.verifier.verify(&raw, &keys, SystemClock.unix_seconds()).expect("a valid token");
    let role = |number: u32| format!("role-{number:0>27}").parse().expect("a valid name");
    let many_roles = VerifiedToken { roles: (0..62).map(role).collect(), ..usual.clone() };
    let many_audiences = VerifiedToken { audiences: vec!["a".to_owned(); 2000], ..usual.clone() };
    for (name, token, length) in [
        ("usual", usual.clone(), raw.len()),
        ("longest", usual, 8192),
        ("roles", many_roles, 4096),
        ("audiences", many_audiences, 8192),
    ] {
        if !std::env::args().any(|argument| argument == name) {
            continue;
        }
        let (grown, rate) = fill(&decider, &token, length);
        println!("{name}: {} MiB for {} MiB, {rate} bytes for each token", grown >> 20, SIZE >> 20);
    }
}

/// By how many bytes the process grows when a cache is filled twice over, and how many that is for each token.
fn fill(decider: &introspect::decide::Decider, token: &VerifiedToken, length: usize) -> (u64, u64) {
    let cache = TokenCache::new(SIZE);
    let rights = decider.known.roles.rights(&token.roles);
    let before = resident();
    let (mut most, mut each) = (before, 0);
    for number in 1..=2 * SIZE / length as u64 {
        let raw = format!("{number:0>length$}");
        let marks = decider.known.revoked.marks(token);
        let cached = CachedToken::new(raw.as_bytes(), 1, token.clone(), marks, Arc::clone(&rights));
        cache.insert(&Arc::new(cached.expect("an identity that fits into a header")));
        if number % 500 == 0 {
            most = most.max(resident());
        }
        // None has been dropped yet.
        if number == 1000 {
            each = (most - before) / number;
        }
    }
    (most - before, each)
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}
