//! Threads that run the jobs of a queue at a low priority.
//!
//! The lock of the queue is held only for its own operations, never while a job runs or a handler waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::nice;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::argon::HashError;
use super::party::Party;
use super::queue::{JobTurn, Lane, Queue, QueueLimits, QueueStatus, RefusedTicket};
use super::queue_metrics::QueueMetrics;

/// Added to the nice value of the threads, so that requests which need no job are answered first. A third of the usual
/// weight: beside another busy program, hashes still have a share of the processors.
const NICENESS: i32 = 5;

/// A job may wait longer than estimated, but not longer than twice the limit and this time.
const GRACE: Duration = Duration::from_secs(1);

/// Threads, each with a state `S`. The threads end with the last clone and the last [`WorkerSlot`].
pub(super) struct WorkerPool<S>(Arc<WorkersHandle<S>>);

/// The right to run one job after another. Dropping it frees its place.
pub(super) struct WorkerSlot<S> {
    workers: WorkerPool<S>,
    ticket: u64,
}

/// Its drop ends the threads, which own only what is shared.
struct WorkersHandle<S>(Arc<SharedQueue<S>>);

struct SharedQueue<S> {
    state: Mutex<QueueState<S>>,
    wake: Condvar,
    begun: Instant,
    wait: Duration,
    metrics: QueueMetrics,
}

struct QueueState<S> {
    queue: Queue<Job<S>>,
    is_open: bool,
}

/// A job catches its panics, and returns its answer instead of sending it: first the thread counts as free, then the
/// handler continues.
type Job<S> = Box<dyn FnOnce(JobCall<'_, S>) -> JobAnswer + Send>;

type JobAnswer = Box<dyn FnOnce() + Send>;

/// Why a job is called.
enum JobCall<'s, S> {
    /// It has its turn.
    Run(&'s mut S),
    /// It will have none.
    Refuse(RefusedTicket),
}

impl<S: 'static> WorkerPool<S> {
    /// Starts threads named `name`, each with a state of its own.
    ///
    /// If the operating system refuses a thread, that is logged; without any thread no job ever runs.
    pub(super) fn start(
        name: &str,
        limits: QueueLimits,
        metrics: QueueMetrics,
        mut state: impl FnMut() -> S,
    ) -> Self
    where
        S: Send,
    {
        let shared = Arc::new(SharedQueue {
            state: Mutex::new(QueueState { queue: Queue::new(limits), is_open: true }),
            wake: Condvar::new(),
            begun: Instant::now(),
            wait: limits.wait,
            metrics,
        });
        for number in 0..limits.threads {
            let (shared, mut state) = (Arc::clone(&shared), state());
            let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
            if let Err(error) = thread.spawn(move || shared.work(&mut state)) {
                tracing::error!(%error, "Failed to spawn a password-hashing thread; raise the process limit \
                    (ulimit -u).");
            }
        }
        Self(Arc::new(WorkersHandle(shared)))
    }

    /// Takes a slot.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once.
    pub(super) fn reserve(&self, party: Party) -> Result<WorkerSlot<S>, HashError> {
        let (shared, lane) = (&self.0.0, Lane::of(party));
        let issued = shared.lock().queue.issue(party);
        let issued = issued.map_err(|refused| shared.refuse(lane, refused))?;
        if let Some((lane, job, refused)) = issued.evicted {
            let _counted = shared.refuse(lane, refused);
            if let Some(job) = job {
                job(JobCall::Refuse(refused))();
            }
        }
        Ok(WorkerSlot { workers: Self(Arc::clone(&self.0)), ticket: issued.ticket })
    }

    /// How full the queue is.
    pub(super) fn status(&self) -> QueueStatus {
        self.0.0.lock().queue.status()
    }
}

impl<S> Clone for WorkerPool<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: 'static> WorkerSlot<S> {
    /// Runs a job in its turn. If this future is dropped before, the job never runs.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`] when the job made room for another client's or waited too long;
    /// [`HashError::Failed`] when it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (reply, mut answer) = oneshot::channel();
        let job: Job<S> = Box::new(move |call| {
            let result = match call {
                JobCall::Refuse(refused) => Err(refused.into()),
                // No handler waits any more.
                JobCall::Run(_) if reply.is_closed() => return Box::new(|| {}),
                JobCall::Run(state) => catch_unwind(AssertUnwindSafe(|| work(state))).map_err(|_panic| {
                    tracing::error!(
                        "A panic while hashing a password; its request fails, the thread continues."
                    );
                    HashError::Failed
                }),
            };
            Box::new(move || drop(reply.send(result)))
        });
        let shared = Arc::clone(&self.workers.0.0);
        let submitted = shared.lock().queue.submit(self.ticket, job, shared.begun.elapsed());
        submitted?;
        shared.wake.notify_one();
        let _withdrawn_when_dropped = WaitingJob { shared: &shared, ticket: self.ticket };
        if let Ok(answer) = timeout(shared.wait * 2 + GRACE, &mut answer).await {
            return answer.unwrap_or(Err(HashError::Failed));
        }
        if shared.withdraw(self.ticket) {
            let refused = RefusedTicket { retry_after: shared.wait };
            return Err(refused.into());
        }
        // It runs.
        answer.await.unwrap_or(Err(HashError::Failed))
    }
}

impl<S> Drop for WorkerSlot<S> {
    fn drop(&mut self) {
        let job = self.workers.0.0.lock().queue.release(self.ticket);
        // Dropped without the lock: it may hold anything.
        drop(job);
    }
}

/// A handler that waits for a job. The job is withdrawn when the handler goes.
struct WaitingJob<'s, S> {
    shared: &'s SharedQueue<S>,
    ticket: u64,
}

impl<S> Drop for WaitingJob<'_, S> {
    fn drop(&mut self) {
        self.shared.withdraw(self.ticket);
    }
}

impl<S> Drop for WorkersHandle<S> {
    fn drop(&mut self) {
        self.0.lock().is_open = false;
        self.0.wake.notify_all();
    }
}

impl<S> SharedQueue<S> {
    fn lock(&self) -> MutexGuard<'_, QueueState<S>> {
        // The operations of the queue do not panic; if one did, the queue would still be consistent enough to refuse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread: runs jobs until the handle is dropped.
    fn work(&self, state: &mut S) {
        if let Err(error) = nice(NICENESS) {
            tracing::warn!(%error, "Cannot lower the priority of a password-hashing thread; under load, requests \
                without a password wait for hashes. Allow the system call `setpriority`.");
        }
        while let Some(JobTurn { ticket, lane, job, waited }) = self.next_turn() {
            self.metrics.waited(lane, waited);
            let begun = Instant::now();
            let answer = job(JobCall::Run(state));
            self.lock().queue.finish(ticket, begun.elapsed());
            answer();
        }
    }

    /// Waits for a turn. `None` when the handle was dropped.
    fn next_turn(&self) -> Option<JobTurn<Job<S>>> {
        let mut state = self.lock();
        while state.is_open {
            let now = self.begun.elapsed();
            if let Some(turn) = state.queue.take(now) {
                return Some(turn);
            }
            state = match state.queue.next_look() {
                Some(at) => {
                    let pause = at.saturating_sub(now);
                    self.wake.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }

    /// Whether the job still waited.
    fn withdraw(&self, ticket: u64) -> bool {
        let job = self.lock().queue.withdraw(ticket);
        job.is_some()
    }

    fn refuse(&self, lane: Lane, refused: RefusedTicket) -> HashError {
        self.metrics.refused(lane);
        refused.into()
    }
}

impl From<RefusedTicket> for HashError {
    fn from(RefusedTicket { retry_after }: RefusedTicket) -> Self {
        Self::Overloaded { retry_after }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::JoinHandle;

    use super::*;

    const LONG: Duration = Duration::from_secs(2);

    fn workers(wait: Duration) -> WorkerPool<()> {
        WorkerPool::start("test", QueueLimits { threads: 1, wait, room: 192 }, QueueMetrics::default(), || ())
    }

    fn known(account: u64) -> Party {
        Party::Known { account }
    }

    /// Occupies the only thread until the sender is dropped.
    async fn occupy(workers: &WorkerPool<()>) -> (Sender<()>, JoinHandle<Result<bool, HashError>>) {
        let (release, held) = channel::<()>();
        let (started, begun) = oneshot::channel();
        let mut slot = workers.reserve(known(1)).unwrap();
        let running =
            tokio::spawn(
                async move { slot.run(move |()| started.send(()).is_ok() && held.recv().is_ok()).await },
            );
        begun.await.unwrap();
        (release, running)
    }

    /// A job that waits behind the occupied thread; the receiver learns whether it ran.
    async fn wait(
        workers: &WorkerPool<()>,
        party: Party,
    ) -> (Receiver<()>, JoinHandle<Result<bool, HashError>>) {
        let (report, heard) = channel();
        let mut slot = workers.reserve(party).unwrap();
        let (lane, before) = (Lane::of(party), workers.status());
        let waiting = tokio::spawn(async move { slot.run(move |()| report.send(()).is_ok()).await });
        while workers.status().waiting(lane) == before.waiting(lane) {
            tokio::task::yield_now().await;
        }
        (heard, waiting)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let workers = workers(Duration::ZERO);
        let first = workers.reserve(known(1)).unwrap();
        let refused = workers.reserve(known(2)).err();
        assert_eq!(refused, Some(HashError::Overloaded { retry_after: Duration::from_secs(1) }));
        drop(first);
        assert!(workers.reserve(known(2)).is_ok());
    }

    #[tokio::test]
    async fn a_panic_costs_one_job() {
        let mut slot = workers(LONG).reserve(known(1)).unwrap();
        assert_eq!(slot.run(|()| panic!("on purpose")).await, Err::<(), _>(HashError::Failed));
        assert_eq!(slot.run(|()| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn no_job_runs_for_a_request_that_was_dropped() {
        let workers = workers(LONG);
        let (release, holding) = occupy(&workers).await;
        let (heard, leaving) = wait(&workers, known(2)).await;
        leaving.abort();
        assert!(leaving.await.is_err());
        assert_eq!(workers.status().known, 0);
        drop(release);
        assert_eq!(holding.await.unwrap(), Ok(false));
        // The job was dropped without running, and with it its end of the channel.
        assert!(heard.recv().is_err());
    }

    #[tokio::test]
    async fn a_flooding_client_makes_room_and_learns_it_at_once() {
        let workers = workers(LONG);
        let (release, _holding) = occupy(&workers).await;
        let flood = || workers.reserve(known(2));
        let mut slots: Vec<_> = std::iter::from_fn(|| flood().ok()).collect();
        let mut newest = slots.pop().unwrap();
        let evicted = tokio::spawn(async move { newest.run(|()| ()).await });
        while workers.status().known == 0 {
            tokio::task::yield_now().await;
        }
        let mut honest = workers.reserve(known(3)).unwrap();
        assert!(matches!(evicted.await.unwrap(), Err(HashError::Overloaded { .. })));
        drop(release);
        assert_eq!(honest.run(|()| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_job_that_waits_too_long_is_dropped() {
        // The limit is twice this time and a second.
        let workers = workers(Duration::from_millis(20));
        let (release, _holding) = occupy(&workers).await;
        let mut slot = workers.reserve(known(2)).unwrap();
        assert!(matches!(slot.run(|()| ()).await, Err(HashError::Overloaded { .. })));
        assert_eq!(workers.status().known, 0);
        drop(release);
    }

    #[tokio::test]
    async fn a_thread_has_a_lower_priority_than_the_others() {
        let own = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let mut slot = workers(LONG).reserve(known(1)).unwrap();
        let of_thread =
            slot.run(|()| std::fs::read_to_string("/proc/thread-self/stat").unwrap()).await.unwrap();
        // The nineteenth field; the second one is a name in parentheses.
        let nice = |stat: &str| -> i32 {
            let after_name = stat.rsplit(')').next().unwrap();
            after_name.split_whitespace().nth(16).unwrap().parse().unwrap()
        };
        assert_eq!(nice(&of_thread), (nice(&own) + NICENESS).min(19));
    }
}
