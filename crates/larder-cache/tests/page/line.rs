//! A connection to the site: sends exact bytes and parses one response at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any wait of the cache, on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// An open connection.
pub struct Line {
    stream: BufReader<TcpStream>,
}

/// A parsed response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Line {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends these bytes. A closed connection is noticed when the response is read.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.get_mut().write_all(bytes.as_ref());
    }

    /// Returns the next response, which has a body, or `None` if the server closed the connection.
    pub fn hear(&mut self) -> Option<Answer> {
        self.hear_of("GET")
    }

    /// Returns the next response to a request with this method.
    pub fn hear_of(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.hear_head()?;
        let is_without = method == "HEAD" || [204, 304].contains(&answer.status);
        if is_without {
            return Some(answer);
        }
        answer.body = match (answer.header("transfer-encoding"), answer.header("content-length")) {
            (Some("chunked"), None) => self.chunks()?,
            (None, Some(length)) => {
                let mut body = vec![0; length.parse().unwrap()];
                self.stream.read_exact(&mut body).ok()?;
                body
            }
            (None, None) => {
                let mut body = Vec::new();
                self.stream.read_to_end(&mut body).ok()?;
                body
            }
            both => panic!("an answer of two lengths: {both:?}"),
        };
        Some(answer)
    }

    /// Returns status and headers of the next response.
    pub fn hear_head(&mut self) -> Option<Answer> {
        let first = self.text()?;
        let status = first.strip_prefix("HTTP/1.1 ").or(first.strip_prefix("HTTP/1.0 "));
        let status = status.unwrap_or_else(|| panic!("no status: {first:?}"))[..3].parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.text()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Answer { status, headers, body: Vec::new() })
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.text()?, 16).ok()?;
            let mut chunk = vec![0; length];
            self.stream.read_exact(&mut chunk).ok()?;
            body.extend(chunk);
            self.text()?;
            if length == 0 {
                return Some(body);
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).ok()?;
        let line = line.strip_suffix(b"\r\n")?;
        Some(line.iter().map(|byte| char::from(*byte)).collect())
    }
}

impl Answer {
    /// Returns the value of the first line of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the values of all lines of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns `Cache-Status`, where the cache reports what it did.
    pub fn fate(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }

    pub fn is_hit(&self) -> bool {
        self.fate().starts_with("larder-cache; hit")
    }

    pub fn is_stored(&self) -> bool {
        self.fate().ends_with("; stored")
    }

    pub fn age(&self) -> Option<u64> {
        self.header("age").map(|age| age.parse().unwrap())
    }

    /// Reports whether `trace` occurs in a header or the body.
    pub fn holds(&self, trace: &str) -> bool {
        let is_in =
            |(name, value): &(String, String)| name.contains(trace) || value.contains(trace);
        self.headers.iter().any(is_in) || self.text().contains(trace)
    }
}
