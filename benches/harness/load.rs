//! A load generator: a fixed number of requests over persistent loopback connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The timeout of an answer. A server that exceeds it is broken, not slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A serialized request, and the expected status.
#[derive(Debug, Clone)]
pub struct Request {
    text: String,
    status: u16,
}

impl Request {
    /// Returns a request for a page that exists: the expected status is 200.
    pub fn get(target: &str) -> Self {
        let text = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Self { text, status: 200 }
    }

    /// Returns a request for a page, compressed with gzip.
    pub fn get_zipped(target: &str) -> Self {
        let text =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
        Self { text, status: 200 }
    }

    /// Returns a request that revalidates a page: the expected status is 304.
    pub fn get_again(target: &str, etag: &str) -> Self {
        let text =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n");
        Self { text, status: 304 }
    }
}

/// A persistent connection.
pub struct Client {
    stream: TcpStream,
    /// Bytes that were read but not yet returned in an answer.
    buffer: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The status line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the value of a header; its name is compared ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns all headers, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": "))
    }
}

impl Client {
    /// Connects to a server.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Sends the request and returns the answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer> {
        let (head, end) = self.exchange(request).await?;
        let rest = self.buffer.split_off(end);
        let body = self.buffer.split_off(head);
        let head = String::from_utf8(std::mem::replace(&mut self.buffer, rest))?;
        Ok(Answer { head, body })
    }

    /// Sends the request and discards the answer.
    async fn ask_in_vain(&mut self, request: &Request) -> Result<()> {
        let (_, end) = self.exchange(request).await?;
        self.buffer.drain(..end);
        Ok(())
    }

    /// Sends the request, reads the answer, and returns where its head and body end in the buffer.
    async fn exchange(&mut self, request: &Request) -> Result<(usize, usize)> {
        self.stream.write_all(request.text.as_bytes()).await?;
        let mut ends = None;
        loop {
            ends = ends.or_else(|| ends_of(&self.buffer));
            if let Some((head, end)) = ends
                && self.buffer.len() >= end
            {
                let status = self.buffer.get(9..12).unwrap_or_default();
                ensure!(
                    status == request.status.to_string().as_bytes(),
                    "{request:?} was answered {}",
                    String::from_utf8_lossy(&self.buffer[..head])
                );
                return Ok((head, end));
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            ensure!(read.context("the server is silent")?? > 0, "the server hung up");
        }
    }
}

/// Returns where head and body of the answer at the start of `bytes` end, once the head is complete.
fn ends_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Some((head, head + length.unwrap_or(0)))
}

/// Sends `requests` requests over `connections` concurrent connections; returns the total duration.
pub async fn run(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    requests: usize,
) -> Result<Duration> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let request = request.clone();
        tasks.spawn(async move {
            for _ in 0..requests / connections {
                client.ask_in_vain(&request).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(started.elapsed())
}
