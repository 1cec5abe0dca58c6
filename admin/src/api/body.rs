//! Reads a request body, limited in size and time.

use std::time::Duration;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use super::{Code, Problem};

/// The largest accepted body, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// How many bytes of a body that is too large are still read and discarded. If the connection was closed
/// while the client, or nginx, still writes, the response could be lost.
const MAX_DISCARDED_BYTES: usize = 2 * 1024 * 1024;

/// How long a body may take to arrive.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// Reads the whole body.
///
/// # Errors
///
/// 413 above [`MAX_BODY_BYTES`], 408 after [`MAX_BODY_TIME`], 400 when the client disconnected.
pub(crate) async fn read<B: Buf, E>(chunks: impl Stream<Item = Result<B, E>>) -> Result<Bytes, Problem> {
    match tokio::time::timeout(MAX_BODY_TIME, collect(chunks)).await {
        Ok(body) => body,
        Err(_elapsed) => Err(Problem::new(Code::RequestTimeout)),
    }
}

async fn collect<B: Buf, E>(chunks: impl Stream<Item = Result<B, E>>) -> Result<Bytes, Problem> {
    let mut chunks = std::pin::pin!(chunks);
    let mut body = BytesMut::new();
    let mut length = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(Code::RequestMalformed).detail(
                "The request body ended \
            unexpectedly.",
            )
        })?;
        length = length.saturating_add(chunk.remaining());
        if length > MAX_DISCARDED_BYTES {
            break;
        }
        if length <= MAX_BODY_BYTES {
            body.put(chunk);
        }
    }
    if length > MAX_BODY_BYTES {
        return Err(Problem::new(Code::BodyTooLarge).detail("The body may be at most 16 KiB."));
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read_chunks(chunks: Vec<Result<&'static [u8], ()>>) -> Result<Bytes, Code> {
        read(stream::iter(chunks)).await.map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        const HALF: &[u8] = &[b'a'; MAX_BODY_BYTES / 2];
        assert_eq!(read_chunks(vec![Ok(HALF), Ok(HALF)]).await.map(|body| body.len()), Ok(MAX_BODY_BYTES));
        assert_eq!(read_chunks(vec![Ok(HALF), Ok(HALF), Ok(b"a")]).await, Err(Code::BodyTooLarge));
        assert_eq!(read_chunks(vec![Ok(HALF); 1000]).await, Err(Code::BodyTooLarge));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        assert_eq!(read_chunks(vec![Ok(b"a"), Err(())]).await, Err(Code::RequestMalformed));
    }
}
