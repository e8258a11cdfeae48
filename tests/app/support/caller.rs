//! A client with a keep-alive connection and little overhead, for tests of many thousand requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::page::Page;
use super::site::TestSite;
use super::until::PATIENCE;

/// One keep-alive connection.
///
/// It is opened with the first request, since the shop closes one on which nothing comes for ten seconds. All callers
/// send the same `Host`, so that the instances of a test share their cached pages.
pub struct Caller {
    port: u16,
    connection: Option<BufReader<TcpStream>>,
    /// Whether it asks to be answered strictly.
    is_strict: bool,
}

impl TestSite {
    pub fn caller(&self) -> Caller {
        Caller { is_strict: self.is_strict(), ..Caller::at(self.port()) }
    }
}

impl Caller {
    /// Returns a client of a port of loopback.
    pub fn at(port: u16) -> Self {
        Self { port, connection: None, is_strict: false }
    }

    fn connection(&mut self) -> &mut BufReader<TcpStream> {
        self.connection.get_or_insert_with(|| {
            let connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
            connection.set_read_timeout(Some(PATIENCE)).unwrap();
            connection.set_nodelay(true).unwrap();
            BufReader::new(connection)
        })
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Page {
        self.asks(path);
        self.hears(path)
    }

    /// Sends a request without waiting for the response.
    #[track_caller]
    pub fn asks(&mut self, path: &str) {
        let strict = if self.is_strict { "Larder-Freshness: strict\r\n" } else { "" };
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{strict}\r\n");
        self.connection().get_mut().write_all(request.as_bytes()).expect("the shop listens");
    }

    /// Returns the response to the earliest request that has none yet.
    #[track_caller]
    pub fn hears(&mut self, path: &str) -> Page {
        let asked = format!("GET {path}");
        let line = self.line(&asked);
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut page = Page {
            status: status.unwrap_or_else(|| panic!("{asked}: no status in {line:?}")),
            asked,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line(&page.asked);
            let Some((name, value)) = line.split_once(':') else { break };
            page.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = page.header("content-length").and_then(|length| length.parse().ok());
        let length = length.unwrap_or_else(|| panic!("{}: of no length", page.asked));
        page.body.resize(length, 0);
        self.connection().read_exact(&mut page.body).expect("a whole body");
        page
    }

    #[track_caller]
    fn line(&mut self, asked: &str) -> String {
        let mut line = String::new();
        let read = self.connection().read_line(&mut line);
        let read = read.unwrap_or_else(|error| panic!("{asked}: {error}"));
        assert!(read > 0, "{asked}: the shop hung up");
        line.truncate(line.trim_end().len());
        line
    }
}
