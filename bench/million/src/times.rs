//! Calls each route on both databases in turn, and compares the medians.

use std::time::Duration;

use crate::failure::BenchError;
use crate::routes::ALL;
use crate::side::Side;

/// Prints a line of CSV for each route.
pub(crate) async fn print(empty: &mut Side, full: &mut Side, calls: u32) -> Result<(), BenchError> {
    full.find_last_page().await;
    println!("route,calls,empty_p50_ms,full_p50_ms,ratio,full_longest_ms");
    for route in ALL {
        // What operators do needs a recent proof.
        empty.renew().await?;
        full.renew().await?;
        let calls = route.calls(calls);
        let mut times = [Vec::new(), Vec::new()];
        for call in 0..=calls {
            let [of_empty, of_full] = &mut times;
            for (side, times) in [(&*empty, of_empty), (&*full, of_full)] {
                let took = route.time(side).await?;
                // The first call prepares statements.
                if call > 0 {
                    times.push(took);
                }
            }
        }
        let [of_empty, of_full] = times.map(sorted);
        let (empty_median, full_median) = (median(&of_empty), median(&of_full));
        let longest = of_full.last().copied().unwrap_or_default();
        println!(
            "\"{}\",{calls},{:.2},{:.2},{:.2},{:.2}",
            route.name(),
            millis(empty_median),
            millis(full_median),
            full_median.as_secs_f64() / empty_median.as_secs_f64().max(f64::MIN_POSITIVE),
            millis(longest)
        );
    }
    Ok(())
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn median(times: &[Duration]) -> Duration {
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
