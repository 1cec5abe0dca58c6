//! Progress on the terminal.

use std::time::Instant;

use harness::Error;

/// Prints the name of a step, runs it, and prints how long it took.
pub(super) async fn step<T>(what: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    eprint!("{what} ... ");
    let begun = Instant::now();
    let done = work.await;
    match &done {
        Ok(_) => eprintln!("{:.1} s", begun.elapsed().as_secs_f32()),
        Err(_) => eprintln!("failed"),
    }
    done
}
