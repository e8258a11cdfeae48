//! A fake supplier whose responses a test chooses, and which counts its requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::until;

/// What the supplier responds.
#[derive(Debug, Clone)]
pub enum Says {
    /// A price list of these titles and prices.
    Prices(Vec<(&'static str, &'static str)>),
    /// This body with this content type.
    Body(&'static str, String),
    /// This status and head.
    Head(&'static str),
    /// Nothing; the connection stays open.
    Nothing,
}

pub struct Upstream {
    address: String,
    told: Arc<Told>,
}

struct Told {
    says: Mutex<Says>,
    asked: AtomicU64,
    /// Connections that have no response yet.
    waiting: Mutex<Vec<TcpStream>>,
}

impl Upstream {
    pub fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/prices.json", listener.local_addr().unwrap());
        let told =
            Told { says: Mutex::new(says), asked: AtomicU64::new(0), waiting: Mutex::default() };
        let told = Arc::new(told);
        let answering = told.clone();
        // The thread ends with the test process and is not joined.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answering.answer(stream);
            }
        });
        Self { address, told }
    }

    pub fn url(&self) -> &str {
        &self.address
    }

    /// Sets the response from now on; connections that wait receive it, too.
    pub fn says(&self, says: Says) {
        let mut now = self.told.says.lock().unwrap();
        let waiting = std::mem::take(&mut *self.told.waiting.lock().unwrap());
        *now = says.clone();
        drop(now);
        for stream in waiting {
            self.told.say(stream, &says);
        }
    }

    /// Returns the number of requests.
    pub fn asked(&self) -> u64 {
        self.told.asked.load(Ordering::SeqCst)
    }

    /// Waits until there were this many requests.
    #[track_caller]
    pub fn is_asked(&self, times: u64) {
        until(&format!("it is asked {times} times"), || self.asked() >= times);
    }
}

impl Told {
    fn answer(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        // Counted under the lock: a test that has seen the count can change the next response, and
        // a client that has the response sees the count.
        let says = self.says.lock().unwrap();
        self.asked.fetch_add(1, Ordering::SeqCst);
        let says = says.clone();
        self.say(stream, &says);
    }

    fn say(&self, mut stream: TcpStream, says: &Says) {
        let answer = match says {
            Says::Nothing => return self.waiting.lock().unwrap().push(stream),
            Says::Head(head) => format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n"),
            Says::Body(kind, body) => with_body(kind, body),
            Says::Prices(prices) => with_body("application/json", &json(prices)),
        };
        // The client may have left.
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn with_body(kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn json(prices: &[(&str, &str)]) -> String {
    let prices = prices.iter().enumerate().map(|(place, (title, price))| {
        serde_json::json!({ "sku": format!("S-{place}"), "title": title, "price": price })
    });
    let prices: Vec<_> = prices.collect();
    serde_json::json!({ "supplier": "Hill", "currency": "USD", "prices": prices }).to_string()
}
