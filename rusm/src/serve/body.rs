//! Reads a request's body: at most so large, at most so long, at most so many at once.

use super::admission::{Overloaded, Share};
use bytes::Buf;
use http_body_util::BodyExt;
use hyper::body::Body;
use std::time::Duration;

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than allowed, or says so.
    TooLarge,
    /// It was not there in time.
    Timeout,
    /// All bodies together are larger than allowed.
    Overloaded,
    /// The client sent no proper body, or left.
    Broken(String),
}

impl From<Overloaded> for BodyError {
    fn from(Overloaded: Overloaded) -> Self {
        Self::Overloaded
    }
}

/// Reads a body whole; `share` holds what it occupies.
pub(crate) async fn read<B>(body: B, limit: usize, within: Duration, share: &mut Share) -> Result<Vec<u8>, BodyError>
where
    B: Body + Unpin,
    B::Error: std::fmt::Display,
{
    // By its content-length: nothing of it needs to arrive, nor does `100 Continue` go out.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    tokio::time::timeout(within, collect(body, limit, share)).await.unwrap_or(Err(BodyError::Timeout))
}

async fn collect<B>(mut body: B, limit: usize, share: &mut Share) -> Result<Vec<u8>, BodyError>
where
    B: Body + Unpin,
    B::Error: std::fmt::Display,
{
    // Grows with what has arrived, not with what was announced.
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|error| BodyError::Broken(error.to_string()))?.into_data() else { continue };
        if data.remaining() > limit - bytes.len() {
            return Err(BodyError::TooLarge);
        }
        share.grow(data.remaining())?;
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let read = chunk.len();
            data.advance(read);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::admission::Budget;
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::body::{Frame, SizeHint};
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// Frames; then the end, an error or nothing.
    struct Script {
        frames: VecDeque<&'static [u8]>,
        then: Poll<Option<Result<Frame<Bytes>, &'static str>>>,
        announced: u64,
    }

    impl Body for Script {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            match self.frames.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(frame))))),
                None => std::mem::replace(&mut self.then, Poll::Pending),
            }
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.announced);
            hint
        }
    }

    async fn run(
        frames: &[&'static [u8]],
        then: Poll<Option<Result<Frame<Bytes>, &'static str>>>,
        announced: u64,
    ) -> Result<Vec<u8>, BodyError> {
        let body = Script { frames: frames.iter().copied().collect(), then, announced };
        read(body, 5, Duration::from_millis(1), &mut Budget::new(4).share()).await
    }

    #[tokio::test]
    async fn limits() {
        let end = || Poll::Ready(None);
        assert_eq!(run(&[b"ab", b"cd"], end(), 0).await, Ok(b"abcd".to_vec()));
        assert_eq!(run(&[], Poll::Pending, 6).await, Err(BodyError::TooLarge));
        assert_eq!(run(&[b"ab", b"cdef"], Poll::Pending, 0).await, Err(BodyError::TooLarge));
        assert_eq!(run(&[b"abc", b"de"], end(), 5).await, Err(BodyError::Overloaded));
        assert_eq!(run(&[b"ab"], Poll::Pending, 2).await, Err(BodyError::Timeout));
        assert_eq!(run(&[b"ab"], Poll::Ready(Some(Err("reset"))), 2).await, Err(BodyError::Broken("reset".to_owned())));
        let share = &mut Budget::new(0).share();
        assert_eq!(read(Full::new(Bytes::new()), 1, Duration::ZERO, share).await, Ok(Vec::new()));
    }
}
