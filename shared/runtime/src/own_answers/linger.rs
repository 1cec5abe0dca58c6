//! The end of a connection whose client may still be sending: a socket that is closed with unread bytes resets the
//! connection, and the client may lose the response. So they are read, within limits, and discarded.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The time limit.
const LONGEST: Duration = Duration::from_secs(1);

/// The most bytes that are read: as much as the largest head, and the rest of what is in the sockets' buffers.
const MOST_BYTES: usize = 512 * 1024;

/// Reads until the client closes, or a limit is reached.
pub(super) struct Linger {
    left: usize,
    until: Pin<Box<Sleep>>,
}

impl Linger {
    /// Starts the time limit. Must be called within a runtime.
    pub(super) fn begin() -> Self {
        Self { left: MOST_BYTES, until: Box::pin(sleep(LONGEST)) }
    }

    /// Is ready when the connection may be dropped.
    pub(super) fn poll(&mut self, stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4096];
        loop {
            let mut part = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if (1..self.left).contains(&part.filled().len()) => {
                    self.left -= part.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.until.as_mut().poll(cx),
            }
        }
    }
}
