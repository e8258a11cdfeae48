//! A client that requests one page repeatedly over one connection and measures the time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::time::ClockId;

use super::report::Report;

/// How long to wait for the shop; a healthy one never takes that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The extra header of a request whose report in the response is read: none.
const OBSERVED: &str = "";

/// The header of a request that seems to come through a proxy.
///
/// The shop reports nothing to such a client and spends no time on that.
const UNOBSERVED: &str = "Via: 1.1 compare\r\n";

/// The measurements of some requests.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The time of each request, from the first byte sent to the last received.
    pub times: Vec<Duration>,
    /// Processor time of this process for all of them, without that of the client's thread.
    pub cpu: Duration,
}

/// A client with a persistent connection.
pub struct Client {
    stream: TcpStream,
    /// The latest response, as far as it was read.
    answer: Vec<u8>,
}

impl Client {
    /// Connects to the shop.
    pub fn connect(address: SocketAddr) -> Result<Self, String> {
        let open = || -> std::io::Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream = open().map_err(|error| lost(&error))?;
        Ok(Self { stream, answer: Vec::with_capacity(64 << 10) })
    }

    /// Requests a page and returns the time that took and what the shop reports of it.
    pub fn observe(&mut self, path: &str) -> Result<(Duration, Report), String> {
        let started = Instant::now();
        let head = self.ask(path, OBSERVED)?;
        let took = started.elapsed();
        let head = String::from_utf8_lossy(&self.answer[..head]);
        Ok((took, Report::of(&head)))
    }

    /// Requests a page `count` times.
    pub fn ask_often(&mut self, path: &str, count: usize) -> Result<Sample, String> {
        let mut times = Vec::with_capacity(count);
        let before = server_time()?;
        for _ in 0..count {
            let started = Instant::now();
            self.ask(path, UNOBSERVED)?;
            times.push(started.elapsed());
        }
        Ok(Sample { times, cpu: server_time()?.saturating_sub(before) })
    }

    /// Sends a request, reads the whole response and returns the length of its head.
    fn ask(&mut self, path: &str, header: &str) -> Result<usize, String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
        self.stream.write_all(request.as_bytes()).map_err(|error| lost(&error))?;
        self.answer.clear();
        loop {
            let mut chunk = [0; 16 << 10];
            let read = self.stream.read(&mut chunk).map_err(|error| lost(&error))?;
            if read == 0 {
                return Err("the shop closed the connection".to_owned());
            }
            self.answer.extend_from_slice(&chunk[..read]);
            if let Some((head, end)) = ends_of(&self.answer)
                && self.answer.len() >= end
            {
                return Ok(head);
            }
        }
    }

    /// Returns the status of the latest response.
    pub fn status(&self) -> &str {
        let status = self.answer.get(9..12).unwrap_or_default();
        std::str::from_utf8(status).unwrap_or_default()
    }
}

/// Returns where the head and the body of a response end, once the head is complete.
fn ends_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Some((head, head + length.unwrap_or(0)))
}

/// Returns the processor time of this process without that of this thread.
fn server_time() -> Result<Duration, String> {
    let read = |clock: ClockId| clock.now().map(Duration::from);
    let all = read(ClockId::CLOCK_PROCESS_CPUTIME_ID);
    let ours = read(ClockId::CLOCK_THREAD_CPUTIME_ID);
    let times = all.and_then(|all| Ok(all.saturating_sub(ours?)));
    times.map_err(|error| format!("cannot read the processor's clock: {error}"))
}

fn lost(error: &std::io::Error) -> String {
    format!("the shop that is being measured was lost: {error}")
}
