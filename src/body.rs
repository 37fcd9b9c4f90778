//! Reads a body up to the size cap, and no further.

use futures_util::StreamExt;
use worker::ByteStream;

/// A body, or the fact that it is too large.
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Over the cap; so many bytes at least.
    Oversized(u64),
}

/// The body ended before its end.
pub(crate) struct BrokeOff;

/// Reads `stream` to its end or to the cap.
///
/// # Errors
/// When it breaks off.
pub(crate) async fn read(mut stream: ByteStream, cap: usize) -> Result<Body, BrokeOff> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BrokeOff)?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > cap {
            return Ok(Body::Oversized(bytes.len() as u64));
        }
    }
    Ok(Body::Whole(bytes))
}
