//! What a guest prints: whole lines, with the process named on each, or nowhere.

use super::capability::Denial;
use super::denials::Denials;
use super::host::line as shown;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is written in pieces.
const LINE: usize = 8 << 10;
/// What a guest may write at once.
const PERMIT: usize = 64 << 10;

/// Which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Out,
    Error,
}

/// One output of a process. All streams that a guest opens on it share its unfinished line.
#[derive(Debug, Clone)]
pub(super) struct Output(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    channel: Channel,
    allowed: bool,
    denials: Denials,
    lines: Mutex<Lines>,
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// Takes bytes and gives each line that is complete.
    fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(LINE) {
                if self.0.len() + part.len() > LINE {
                    line(&std::mem::take(&mut self.0));
                }
                self.0.extend_from_slice(part);
            }
            if let Some(b'\n') = self.0.last() {
                self.0.pop();
                line(&self.0);
                self.0.clear();
            }
        }
    }
}

impl Output {
    pub(super) fn new(channel: Channel, allowed: bool, denials: &Denials) -> Self {
        Self(Arc::new(Shared { channel, allowed, denials: denials.clone(), lines: Mutex::default() }))
    }

    fn take(&self, bytes: &[u8]) {
        let shared = &self.0;
        if !shared.allowed {
            if !bytes.is_empty() {
                shared.denials.tell(&Denial::new("allow-stdio", "printing"));
            }
            return;
        }
        shared.lines.lock().unwrap_or_else(PoisonError::into_inner).push(bytes, |line| shared.print(line));
    }
}

impl Shared {
    fn print(&self, line: &[u8]) {
        let line = format!("[{}] {}\n", self.denials.label(), shown(&String::from_utf8_lossy(line)));
        // A closed output of the node is no reason to end its processes.
        let _ = match self.channel {
            Channel::Out => io::stdout().write_all(line.as_bytes()),
            Channel::Error => io::stderr().write_all(line.as_bytes()),
        };
    }
}

/// What was printed last and not ended is printed when the process ends.
impl Drop for Shared {
    fn drop(&mut self) {
        let rest = std::mem::take(&mut self.lines.get_mut().unwrap_or_else(PoisonError::into_inner).0);
        if !rest.is_empty() {
            self.print(&rest);
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let (mut cutter, mut out) = (Lines::default(), Vec::new());
        for piece in pieces {
            cutter.push(piece, |line| out.push(String::from_utf8_lossy(line).into_owned()));
        }
        (out, String::from_utf8_lossy(&cutter.0).into_owned())
    }

    #[test]
    fn lines_are_whole() {
        for (pieces, out, rest) in [
            (&[b"a\nb\n".as_slice()][..], vec!["a", "b"], ""),
            (&[b"a", b"b\nc"], vec!["ab"], "c"),
            (&[b"\n\n"], vec!["", ""], ""),
            (&[b""], vec![], ""),
        ] {
            assert_eq!(lines(pieces), (out.into_iter().map(String::from).collect(), rest.into()));
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        let (out, rest) = lines(&[&vec![b'x'; 3 * LINE + 1], b"y\n"]);
        assert_eq!(out.iter().map(String::len).collect::<Vec<_>>(), [LINE, LINE, LINE, 2]);
        assert_eq!(rest, "");
    }
}
