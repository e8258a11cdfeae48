//! A cache in front of a test's own, which records the purges that it is sent.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A front that answers as the test wants.
pub struct Recorder {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

struct Heard {
    /// The status to answer with; 0 closes the connection.
    status: u16,
    body: &'static str,
    requests: Vec<String>,
}

impl Recorder {
    /// Starts one that confirms every purge.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard { status: 200, body: "", requests: Vec::new() }));
        let record = heard.clone();
        // The thread ends with the test process.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !is_whole(&request) && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    request.push(byte[0]);
                }
                let mut record = record.lock().unwrap();
                record.requests.push(String::from_utf8(request).unwrap().to_lowercase());
                let Heard { status, body, .. } = *record;
                if status != 0 {
                    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}", body.len());
                    let answer = format!("{head}\r\nConnection: close\r\n\r\n{body}");
                    // The purger may have ended.
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        });
        Self { url, heard }
    }

    /// Returns its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets what was heard, and answers with this status from now on; 0 closes the connection.
    pub fn answers(&self, status: u16) {
        self.says(status, "");
    }

    /// Forgets what was heard, and answers with this status and this body from now on.
    pub fn says(&self, status: u16, body: &'static str) {
        *self.heard.lock().unwrap() = Heard { status, body, requests: Vec::new() };
    }

    /// Returns the requests that were heard, and forgets them.
    pub fn takes(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap().requests)
    }

    /// Returns how many of the requests that were heard have all these keys.
    pub fn count(&self, keys: &BTreeSet<String>) -> usize {
        let heard = self.heard.lock().unwrap();
        let has_all = |request: &&String| keys.iter().all(|key| request.contains(key.as_str()));
        heard.requests.iter().filter(has_all).count()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
