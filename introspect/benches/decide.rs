//! The cost of one decision, without sockets: `cargo bench -p introspect --bench decide`.
//!
//! `warm` is a token in the cache, with a role and with revocations to look up; `cold` is a token that was not
//! seen before; `signature` is only the Ed25519 verification, which a cold token needs; `recording` is the cost
//! of measuring a decision.

#![expect(unreachable_pub, reason = "a benchmark is no library")]

mod scene;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use divan::{Bencher, black_box};
use introspect::metrics::Tally;
use introspect::verdict::Verdict;

fn main() {
    divan::main();
}

/// The number of revocations, and of live tokens that are requested in turn.
#[divan::bench(args = [1_000, 100_000, 1_000_000])]
fn warm(bencher: Bencher<'_, '_>, many: u64) {
    let (decider, mint) = scene::decider(many, 1);
    // Signing a million tokens takes long; a tenth of them also exceeds every cache of the processor.
    let requests: Vec<_> =
        (0..many.min(100_000)).map(|_| scene::request(&scene::token(&mint), scene::BY_ROLE)).collect();
    for request in &requests {
        assert!(matches!(decider.decide(request).verdict, Verdict::Allow { .. }));
    }
    let mut next = requests.iter().cycle();
    bencher.bench_local(|| decider.decide(black_box(next.next().expect("endless"))));
}

/// The same token again and again, as when a player requests its segments.
#[divan::bench]
fn hot(bencher: Bencher<'_, '_>) {
    let (decider, mint) = scene::decider(1_000, 1);
    let request = scene::request(&scene::token(&mint), scene::BY_ROLE);
    bencher.bench_local(|| decider.decide(black_box(&request)));
}

/// The same where the location requires a permission, and the token's role has that many permissions.
#[divan::bench(args = [1, 200])]
fn permitted(bencher: Bencher<'_, '_>, permissions: u64) {
    let (decider, mint) = scene::decider(1_000, permissions);
    let request = scene::request(&scene::token(&mint), scene::BY_PERMISSION);
    assert!(matches!(decider.decide(&request).verdict, Verdict::Allow { .. }));
    bencher.bench_local(|| decider.decide(black_box(&request)));
}

#[divan::bench]
fn cold(bencher: Bencher<'_, '_>) {
    let (decider, mint) = scene::decider(1_000, 1);
    bencher
        .with_inputs(|| scene::request(&scene::token(&mint), scene::BY_ROLE))
        .bench_local_values(|request| decider.decide(&request));
}

/// The cost of measuring the time of a decision and of counting it.
#[divan::bench]
fn recording(bencher: Bencher<'_, '_>) {
    let tally = Tally::default();
    bencher.bench_local(|| {
        let begun = std::time::Instant::now();
        tally.took(black_box(begun.elapsed()));
    });
}

#[divan::bench]
fn signature(bencher: Bencher<'_, '_>) {
    use base64::Engine as _;
    let (_, mint) = scene::decider(0, 1);
    let decode =
        |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("made by the mint");
    let jwk = mint.jwk();
    let key = decode(jwk.get("x").and_then(|x| x.as_str()).expect("an Ed25519 key"));
    let token = scene::token(&mint);
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let (key, signature) = (UnparsedPublicKey::new(&ED25519, key), decode(signature));
    bencher.bench_local(|| key.verify(black_box(message.as_bytes()), &signature));
}
