//! Repeats one decision, for counting its instructions: the difference of two runs, divided by the difference
//! of their counts.
//!
//! `valgrind --tool=callgrind target/release/deps/count-* 20000`; the count defaults to 10000. With a second
//! number the location requires a permission, and the token's role has that many permissions.

#![expect(unreachable_pub, reason = "a benchmark is no library")]

mod scene;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let many = numbers.next().unwrap_or(10_000_u64);
    let permissions = numbers.next();
    let policy = if permissions.is_some() { scene::BY_PERMISSION } else { scene::BY_ROLE };
    let (decider, mint) = scene::decider(1_000, permissions.unwrap_or(1));
    let request = scene::request(&scene::token(&mint), policy);
    for _ in 0..many {
        std::hint::black_box(decider.decide(std::hint::black_box(&request)));
    }
}
