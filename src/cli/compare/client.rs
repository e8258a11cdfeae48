//! One visitor: asks for one page again and again over one connection, and keeps the time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::time::ClockId;

use super::report::Report;

/// A shop that needs longer is not well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asked for by a visitor who reads what the shop reports of itself.
const OBSERVED: &str = "";

/// Asked for through a proxy, as far as the shop can see: then it reports nothing, and does not
/// spend time on that.
const UNOBSERVED: &str = "Via: 1.1 compare\r\n";

/// What some requests took.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Each of them, from the first byte sent to the last received.
    pub times: Vec<Duration>,
    /// Processor time of this process without that of the visitor, for all of them.
    pub cpu: Duration,
}

/// A visitor with a kept connection.
pub struct Client {
    stream: TcpStream,
    /// What was read of the answer.
    answer: Vec<u8>,
}

impl Client {
    /// Connects.
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

    /// Asks for a page; how long that took, and what the shop reports of it.
    pub fn observe(&mut self, path: &str) -> Result<(Duration, Report), String> {
        let started = Instant::now();
        let head = self.ask(path, OBSERVED)?;
        let took = started.elapsed();
        let head = String::from_utf8_lossy(&self.answer[..head]);
        Ok((took, Report::of(&head)))
    }

    /// Asks for a page so many times.
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

    /// Sends a request and reads the whole answer; how long its head is.
    fn ask(&mut self, path: &str, header: &str) -> Result<usize, String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
        self.stream.write_all(request.as_bytes()).map_err(|error| lost(&error))?;
        self.answer.clear();
        loop {
            let mut chunk = [0; 16 << 10];
            let read = self.stream.read(&mut chunk).map_err(|error| lost(&error))?;
            if read == 0 {
                return Err("the shop hung up".to_owned());
            }
            self.answer.extend_from_slice(&chunk[..read]);
            if let Some((head, end)) = ends_of(&self.answer)
                && self.answer.len() >= end
            {
                return Ok(head);
            }
        }
    }

    /// The status of the latest answer.
    pub fn status(&self) -> &str {
        let status = self.answer.get(9..12).unwrap_or_default();
        std::str::from_utf8(status).unwrap_or_default()
    }
}

/// Where the head and the body of an answer end, once the head is there.
fn ends_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Some((head, head + length.unwrap_or(0)))
}

/// What this process has used of the processors, without what this thread has.
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
