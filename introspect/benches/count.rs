//! The same decision so many times, for counting instructions: the difference of two runs, divided.
//!
//! `valgrind --tool=callgrind target/release/deps/count-* 20000`; the number defaults to 10000.

#![expect(unreachable_pub, reason = "a benchmark is no library")]

mod scene;

use introspect::metrics::Tally;

fn main() {
    let many = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_u64);
    let (decider, mint) = scene::decider(1_000);
    let tally = Tally::default();
    let request = scene::request(&scene::token(&mint));
    for _ in 0..many {
        std::hint::black_box(decider.decide(std::hint::black_box(&request), &tally));
    }
}
