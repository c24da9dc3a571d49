//! A client that sees every byte.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
pub struct Raw {
    stream: TcpStream,
    /// Read and not yet given out.
    left: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl Raw {
    pub async fn connect(to: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(to).await.unwrap(), left: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer; that to `HEAD` has no body.
    pub async fn answer(&mut self, head: bool) -> Answer {
        let end = loop {
            if let Some(end) = self.left.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await;
        };
        let head_text = String::from_utf8(self.left.drain(..end).collect()).unwrap();
        let mut answer = Answer {
            status: head_text.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head_text,
            body: String::new(),
        };
        let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        if !head {
            while self.left.len() < length {
                self.more().await;
            }
            answer.body = String::from_utf8(self.left.drain(..length).collect()).unwrap();
        }
        answer
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.left).await.unwrap();
        assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&self.left));
    }

    /// Reads until the server closes; gives what came before.
    pub async fn end(&mut self) -> String {
        self.stream.read_to_end(&mut self.left).await.unwrap();
        String::from_utf8(std::mem::take(&mut self.left)).unwrap()
    }
}

/// Sends one request on a connection of its own.
pub async fn ask(to: SocketAddr, line: &str, rest: &str) -> Answer {
    let mut raw = Raw::connect(to).await;
    raw.send(&format!("{line} HTTP/1.1\r\nhost: x\r\n{rest}")).await;
    raw.answer(line.starts_with("HEAD ")).await
}
