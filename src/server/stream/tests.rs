//! Tests of the server with real connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Wake, Waker};
use std::time::Instant;

use actix_web::http::header;
use actix_web::{App, HttpRequest, web};
use tokio::io::AsyncWriteExt;

use super::*;
use crate::cache::page::{self, Rules};
use crate::cache::presence::Client;
use crate::cache::{Builder, InProcess};
use crate::site::connection;

const SECOND: Duration = Duration::from_secs(1);

/// A body that looks like a request.
const BODY: &str = "GET /large HTTP/1.1\r\n\r\nab";

/// Counts as a call that noticed that its client has left.
const LEFT: usize = 1_000;

/// The number of calls of the handlers.
type Calls = web::Data<AtomicUsize>;

/// A page whose first request is never answered. Counts a call more when its client leaves.
async fn hanging(request: HttpRequest, calls: Calls) -> &'static str {
    if calls.fetch_add(1, SeqCst) == 0 {
        Client::current().left().await;
        calls.fetch_add(LEFT, SeqCst);
        std::future::pending::<()>().await;
    }
    assert_eq!(request.method(), "GET");
    "good"
}

/// A body larger than the system's socket buffers.
async fn large(calls: Calls) -> Vec<u8> {
    calls.fetch_add(1, SeqCst);
    vec![b'x'; 32 << 20]
}

/// Starts a server whose thread ends with the test process.
fn open(calls: &Arc<AtomicUsize>) -> SocketAddr {
    let (sender, opened) = mpsc::channel();
    let calls = calls.clone();
    std::thread::spawn(move || {
        let cache = Builder::default().open(Arc::new(InProcess::new()));
        let rules = || Rules::respecting().canary(false);
        let app = move || {
            App::new()
                .app_data(web::Data::new(cache.clone()))
                .app_data(web::Data::from(calls.clone()))
                .route("/large", web::get().to(large))
                .service(
                    web::resource("/")
                        .wrap(page::cached(rules()))
                        .get(hanging)
                        .post(async |body: String| body),
                )
                // In the shop, the access log does this.
                .wrap_fn(|request, service| {
                    let length = request.headers().get(header::CONTENT_LENGTH);
                    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                    connection::asked(length.unwrap_or(0));
                    service.call(request).inspect(|_| connection::answered())
                })
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sender.send(listener.local_addr().unwrap()).unwrap();
        let limits = Limits { head: 60 * SECOND, write: SECOND, idle: 60 * SECOND };
        let plan = Plan { workers: 1, connections: 100, limits, grace_seconds: 0 };
        let serving = async { serve(listener, plan, || false, app).unwrap().await };
        actix_web::rt::System::new().block_on(serving).unwrap();
    });
    opened.recv().unwrap()
}

fn asks(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(60 * SECOND)).unwrap();
    let asked = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    stream
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let place = std::panic::Location::caller();
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < 60 * SECOND, "it never happens: {place}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn hears(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_client_that_left_does_not_delay_the_next_one() {
    for waits_first in [true, false] {
        let calls = Arc::new(AtomicUsize::new(0));
        let address = open(&calls);
        let first = asks(address, "/");
        if waits_first {
            until(|| calls.load(SeqCst) == 1);
        }
        drop(first);
        until(|| calls.load(SeqCst) % LEFT == 1);
        assert!(hears(asks(address, "/")).ends_with("good"), "{waits_first}");
        assert_eq!(calls.load(SeqCst) % LEFT, 2);
    }
}

#[test]
fn a_client_that_left_much_unread_does_not_delay_the_next_one() {
    // More than actix reads of a body without a reader, and more than is read ahead. It fits into
    // the buffers of the system, which would otherwise not say that the client has left.
    for (body, behind) in [(60 << 10, 0), (20 << 10, 0), (0, 2 * AHEAD), (100, 2 * AHEAD)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let address = open(&calls);
        let mut first = TcpStream::connect(address).unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n");
        first.write_all(&[head.as_bytes(), &vec![b'x'; body + behind]].concat()).unwrap();
        until(|| calls.load(SeqCst) == 1);
        drop(first);
        until(|| calls.load(SeqCst) == 1 + LEFT);
        assert!(hears(asks(address, "/")).ends_with("good"), "{body} {behind}");
        assert_eq!(calls.load(SeqCst), 2 + LEFT, "{body} {behind}");
    }
}

#[test]
fn a_head_ends_with_its_first_empty_line() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", Some(27)),
        ("GET / HTTP/1.1\nHost: a\n\nGET", Some(24)),
        ("GET / HTTP/1.1\nHost: a\n\r\nGET", Some(25)),
        ("\r\n\r\n\n\nGET / HTTP/1.1\r\n\r\n", Some(24)),
        ("GET / HTTP/1.1\r\nHost: a\r\n", None),
        ("\r\n\r\n", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(Head::default().end_in(text.as_bytes()), expected, "{text:?}");
        let mut head = Head::default();
        let single = text.bytes().position(|byte| head.end_in(&[byte]).is_some());
        assert_eq!(single.map(|place| place + 1), expected, "{text:?}, byte by byte");
    }
}

#[test]
fn requests_that_are_sent_at_once_are_answered_one_after_the_other() {
    let calls = Arc::new(AtomicUsize::new(1));
    let mut stream = TcpStream::connect(open(&calls)).unwrap();
    stream.set_read_timeout(Some(60 * SECOND)).unwrap();
    let length = BODY.len();
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{BODY}");
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let all = [&*post, &get.repeat(500), last].concat();
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(all.as_bytes()).unwrap());
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    writing.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 502);
    assert_eq!(answers.matches(BODY).count(), 1, "a body is no request");
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = open(&calls);
    let mut stream = asks(address, "/large");
    until(|| calls.load(SeqCst) == 1);
    // Nor does the server read from this client, so the writes fill the buffers until it disconnects.
    let more = vec![b'x'; 1 << 20];
    stream.set_write_timeout(Some(60 * SECOND)).unwrap();
    let refused = std::iter::repeat_with(|| stream.write(&more)).find_map(Result::err).unwrap();
    assert!(refused.kind() != io::ErrorKind::WouldBlock, "{refused}");
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[actix_web::test]
async fn an_answer_wakes_its_connection_only_if_the_next_request_is_there() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let limits = Limits { head: 60 * SECOND, write: SECOND, idle: 60 * SECOND };
    for is_sent_ahead in [false, true] {
        let (mut client, server) = tokio::io::duplex(1 << 10);
        let connection = Connection::begin(limits);
        let mut watched = Watched::new(server, connection.clone());
        let wakes = Arc::<Wakes>::default();
        let (waker, woken) = (Waker::from(wakes.clone()), || wakes.0.load(SeqCst));
        let mut reads = || {
            let mut bytes = [0; 100];
            let mut buffer = ReadBuf::new(&mut bytes);
            let mut context = Context::from_waker(&waker);
            let read = connection.enter(&mut context, |context| {
                Pin::new(&mut watched).poll_read(context, &mut buffer)
            });
            read.unwrap().is_ready()
        };
        client.write_all(&GET.repeat(1 + usize::from(is_sent_ahead))).await.unwrap();
        assert!(reads() && !reads(), "one at a time");
        assert_eq!(woken(), 0);
        connection.enter(&mut Context::from_waker(&waker), |_| {
            connection::asked(0);
            connection::answered();
        });
        assert_eq!(woken(), usize::from(is_sent_ahead));
        if !is_sent_ahead {
            client.write_all(GET).await.unwrap();
            assert_eq!(woken(), 1, "by the request itself");
        }
        assert!(reads(), "the next request");
    }
}
