//! The stop of the program, as a future that many tasks can wait for.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

/// A future that completes when the program must stop; all its clones complete then.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// Makes a [`Stop`] of any future.
pub fn stop_when(future: impl Future<Output = ()> + Send + 'static) -> Stop {
    future.boxed().shared()
}
