//! Concurrent clients for a fixed time: their rate, their latencies, and the server's CPU time per call.

use std::time::{Duration, Instant};

use crate::cpu::Cpu;
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// Runs the clients that `work` returns for a given end time. Each returns the durations of its calls. Prints one line:
/// latency quantiles, rate, and microseconds of CPU time of process `pid` per call.
pub(crate) async fn print_rate<C>(
    pid: u32,
    seconds: u32,
    work: impl FnOnce(Instant) -> Vec<C>,
) -> Result<(), ProbeError>
where
    C: Future<Output = Result<Vec<Duration>, ProbeError>> + Send + 'static,
{
    let before = Cpu::of(pid)?;
    let started = Instant::now();
    let clients = work(started + Duration::from_secs(seconds.into()));
    let clients: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
    let mut spans = Vec::new();
    for client in clients {
        spans.extend(client.await??);
    }
    let elapsed = started.elapsed();
    let spent = Cpu::of(pid)?.since(before);
    #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
    let calls = spans.len() as f64;
    let quantiles = Quantiles::of(spans).ok_or("nothing was measured")?;
    let each = |span: Duration| span.as_secs_f64() * 1e6 / calls;
    let per_second = calls / elapsed.as_secs_f64();
    println!("{},per_second,user_us_each,system_us_each", Quantiles::HEADER);
    println!("{quantiles},{per_second:.1},{:.1},{:.1}", each(spent.user), each(spent.system));
    Ok(())
}
