//! A TCP echo server: each connection is a process, which gives back what it gets.
//!
//! ```sh
//! cargo run -p echo -- 127.0.0.1:7000
//! nc 127.0.0.1 7000
//! ```
//!
//! A connection that says `crash` shows what a process per connection is good for: its handler panics, which closes this
//! connection, leaves one line in the log, and disturbs nobody else. On Ctrl-C the server stops accepting, gives the
//! connections a moment to end, and ends those that are left.

use rusm::prelude::*;
use rusm::{Listener, This};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest line that is given back whole; nobody makes the server keep more.
const LINE: usize = 64 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7000".to_owned());
    let node = Node::builder().name("echo").build().await?;
    let listener = listen(&node, address).await?;
    println!("listening on {}", listener.local_addr());

    tokio::signal::ctrl_c().await?;
    listener.stop().await;
    println!("{} connections are open", listener.connections());
    let in_time = tokio::time::timeout(Duration::from_secs(5), node.ended(listener.pid())).await.is_ok();
    println!("{}", if in_time { "all have left" } else { "ending those that are left" });
    node.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

async fn listen(node: &Node, address: String) -> io::Result<Listener> {
    node.listen_tcp(address).limit(1000).label("echo").serve(echo).await
}

/// The life of a connection.
async fn echo(stream: TcpStream, peer: SocketAddr, this: This) {
    tracing::info!(%peer, pid = %this.pid(), "connected");
    match lines(stream).await {
        Ok(bytes) => tracing::info!(%peer, bytes, "left"),
        // That a peer goes away without a word is no crash of ours.
        Err(error) => tracing::info!(%peer, %error, "lost"),
    }
}

/// Gives back line by line; how many bytes there were.
async fn lines(stream: TcpStream) -> io::Result<usize> {
    let mut stream = BufReader::with_capacity(LINE, stream);
    let mut total = 0;
    loop {
        let line = stream.fill_buf().await?;
        if line.is_empty() {
            return Ok(total);
        }
        let length = line.iter().position(|byte| *byte == b'\n').map_or(line.len(), |end| end + 1);
        let line = line[..length].to_vec();
        assert_ne!(line, b"crash\n", "this is what the peer wanted");
        stream.write_all(&line).await?;
        stream.consume(length);
        total += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    async fn say(client: &mut TcpStream, text: &str) -> io::Result<String> {
        client.write_all(text.as_bytes()).await?;
        let mut heard = vec![0; text.len()];
        client.read_exact(&mut heard).await?;
        Ok(String::from_utf8_lossy(&heard).into_owned())
    }

    #[tokio::test]
    async fn a_crash_closes_one_connection_and_the_others_go_on() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let listener = listen(&node, "127.0.0.1:0".to_owned()).await?;
        let mut ann = TcpStream::connect(listener.local_addr()).await?;
        let mut bob = TcpStream::connect(listener.local_addr()).await?;
        assert_eq!(say(&mut ann, "hello\n").await?, "hello\n");
        assert_eq!(say(&mut bob, "two\nlines\n").await?, "two\nlines\n");
        assert_eq!(listener.connections(), 2);

        bob.write_all(b"crash\n").await?;
        assert_eq!(bob.read(&mut [0]).await?, 0, "it is closed");
        assert_eq!(say(&mut ann, "still here\n").await?, "still here\n");

        let ended = node.ended(listener.pid());
        drop(ann);
        listener.stop().await;
        assert_eq!(ended.await, ExitReason::Normal);
        assert_eq!(listener.connections(), 0);
        Ok(())
    }
}
