//! Byte streams between processes: bounded, and with an end that says whether it is one.
//!
//! The bytes go through tokio's in-memory pipe. What it does not tell is added here: two flags, each set by one side
//! before it closes the pipe, so that whoever sees the pipe closed sees the flag. A reader that finds the end without
//! [`FINISHED`] knows that its writer was dropped, as it is when its process dies.

use crate::wire::{Field, Type, Wire, refuse};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

/// Set by the writer: all that it had to say was said.
const FINISHED: u8 = 1;
/// Set by the reader when it is dropped.
const READER_GONE: u8 = 2;

/// A stream of bytes from one process to another; at most `capacity` of them wait in between.
///
/// Both ends are values to be moved, also inside messages to native processes of the same node. They are tokio's
/// `AsyncWrite` and `AsyncRead`: what copies, frames or parses over a socket does so over them. A writer that is ahead by
/// `capacity` bytes waits; a capacity of 0 counts as 1. Nothing is allocated for bytes before the first is written.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
/// use rusm::{ByteReader, byte_stream};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// pub struct Counter;
///
/// #[actor]
/// impl Counter {
///     #[init]
///     fn start() -> Self {
///         Self
///     }
///
///     /// How many bytes there are; what arrives is never all in memory.
///     pub async fn count(&mut self, mut bytes: ByteReader) -> Result<usize, String> {
///         let (mut chunk, mut total) = ([0; 1024], 0);
///         loop {
///             match bytes.read(&mut chunk).await {
///                 Ok(0) => return Ok(total),
///                 Ok(read) => total += read,
///                 Err(error) => return Err(error.to_string()),
///             }
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let counter = node.spawn::<Counter>(()).await?;
/// let (mut writer, reader) = byte_stream(4096);
/// node.spawn_fn("writer", |_| async move {
///     writer.write_all(&[7; 100_000]).await?;
///     writer.finish()
/// })?;
/// assert_eq!(counter.count(reader).await?, Ok(100_000));
/// # Ok(())
/// # }
/// ```
pub fn byte_stream(capacity: usize) -> (ByteWriter, ByteReader) {
    let (writer, reader) = duplex(capacity.max(1));
    let flags = Arc::new(AtomicU8::new(0));
    (ByteWriter { pipe: writer, flags: flags.clone() }, ByteReader { pipe: reader, flags })
}

/// The end of a [`byte_stream`] that is written to.
///
/// Dropped before [`finish`](Self::finish), or `shutdown` of tokio's `AsyncWriteExt`, it leaves its reader an error
/// behind the bytes that were written: so does the death of its process. Writing waits for room, and fails with `BrokenPipe`
/// once the reader was dropped.
pub struct ByteWriter {
    pipe: DuplexStream,
    flags: Arc<AtomicU8>,
}

/// The end of a [`byte_stream`] that is read from.
///
/// After the last byte it reads the end, if the writer has finished; if the writer was dropped before, `UnexpectedEof`, again and
/// again.
pub struct ByteReader {
    pipe: DuplexStream,
    flags: Arc<AtomicU8>,
}

impl ByteWriter {
    /// Says that all was written; the reader finds the end behind it.
    ///
    /// # Errors
    /// `BrokenPipe` if the reader was dropped already. Without an error it may still be dropped before it has read all.
    pub fn finish(self) -> io::Result<()> {
        self.set_finished()
    }

    /// Whether the reader was dropped.
    pub fn is_abandoned(&self) -> bool {
        self.flags.load(Ordering::Acquire) & READER_GONE != 0
    }

    fn set_finished(&self) -> io::Result<()> {
        match self.flags.fetch_or(FINISHED, Ordering::AcqRel) {
            READER_GONE => Err(abandoned()),
            _ => Ok(()),
        }
    }

    /// The pipe's error does not say which side has closed it.
    fn explain(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::BrokenPipe if self.flags.load(Ordering::Acquire) & FINISHED == 0 => abandoned(),
            io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), "the byte stream was finished before"),
            _ => error,
        }
    }
}

#[cold]
fn abandoned() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the reader of the byte stream was dropped")
}

impl AsyncWrite for ByteWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes).map_err(|error| self.explain(error))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write_vectored(cx, bytes).map_err(|error| self.explain(error))
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let finished = self.set_finished();
        ready!(Pin::new(&mut self.pipe).poll_shutdown(cx))?;
        Poll::Ready(finished)
    }
}

impl AsyncRead for ByteReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (before, room) = (into.filled().len(), into.remaining());
        ready!(Pin::new(&mut self.pipe).poll_read(cx, into))?;
        let is_end = into.filled().len() == before && room > 0;
        if is_end && self.flags.load(Ordering::Acquire) & FINISHED == 0 {
            let text = "the writer of the byte stream was dropped before it had finished";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for ByteReader {
    fn drop(&mut self) {
        self.flags.fetch_or(READER_GONE, Ordering::AcqRel);
    }
}

const LOCAL: &str = "a byte stream does not leave its node";

/// Messages to native processes of the same node are moved; all others are refused with an error that says why.
macro_rules! local {
    ($($end:ident),*) => { $(
        impl Serialize for $end {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                refuse(LOCAL);
                Err(ser::Error::custom(LOCAL))
            }
        }

        impl<'de> Deserialize<'de> for $end {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(de::Error::custom(LOCAL))
            }
        }

        impl Wire for $end {
            const SCHEMA: &'static Type =
                &Type::Record { name: stringify!($end), fields: &[Field { name: "local", ty: &Type::U64 }] };
        }

        impl fmt::Debug for $end {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let flags = self.flags.load(Ordering::Relaxed);
                f.debug_struct(stringify!($end))
                    .field("finished", &(flags & FINISHED != 0))
                    .field("reader_gone", &(flags & READER_GONE != 0))
                    .finish_non_exhaustive()
            }
        }
    )* };
}

local!(ByteWriter, ByteReader);

#[cfg(test)]
mod tests;
