//! The HTTP server around the app: watches its connections and limits their number.
//!
//! - It replaces the server of actix-web, which neither limits how long a client may leave a
//!   response unread, nor reports that a client disconnected while its response is being built.
//! - [`crate::site::connection`] holds the state of each connection and decides when to end it.

use std::fmt::Debug;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::HttpService;
use actix_http::Request;
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response};
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::site::connection::{Connection, Limits};

/// How to run a server.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Number of worker threads.
    pub workers: usize,
    /// Connections of each worker; further ones wait until a connection closes.
    pub connections: usize,
    /// Time limits for clients.
    pub limits: Limits,
    /// Seconds that requests in progress get to finish at a shutdown.
    pub grace_seconds: u64,
}

/// Serves an app at `listener`.
///
/// # Errors
/// Errors of the system, if the listener cannot be used.
pub fn serve<F, I, S, B>(listener: TcpListener, plan: Plan, app: F) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let server = Server::build()
        .workers(plan.workers)
        .max_concurrent_connections(plan.connections)
        .shutdown_timeout(plan.grace_seconds)
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("larder", listener, move || {
        let stopping = stopping.clone();
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .keep_alive(plan.limits.idle)
            .client_request_timeout(plan.limits.head)
            .client_disconnect_timeout(Duration::from_secs(1))
            .local_addr(address)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .h1(map_config(app, |()| AppConfig::default()));
        apply_fn_factory(http, move |stream: TcpStream, http| {
            let connection = Connection::begin(plan.limits);
            let peer = stream.peer_addr().ok();
            let stream = Watched::new(stream, connection.clone());
            watch(connection, http.call((stream, peer)))
        })
    })?;
    Ok(server.run())
}

/// Runs a connection until it finishes, or until its watcher ends it.
async fn watch<E>(
    connection: Rc<Connection>,
    work: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let mut work = pin!(connection.client().scope(work));
    poll_fn(|context| {
        let step = connection.enter(context, |context| work.as_mut().poll(context));
        step.unwrap_or(Poll::Ready(Ok(())))
    })
    .await
}

/// Bytes that are read ahead from a client whose request is still being answered.
const AHEAD: usize = 4 << 10;

/// A stream that records what its client does, and passes its requests on one at a time.
struct Watched<T> {
    stream: T,
    connection: Rc<Connection>,
    /// Bytes received but not passed on yet: `ahead[from..to]`.
    ahead: Box<[u8]>,
    from: usize,
    to: usize,
    head: Head,
    has_ended: bool,
}

impl<T: AsyncRead + Unpin> Watched<T> {
    fn new(stream: T, connection: Rc<Connection>) -> Self {
        let (ahead, head) = (vec![0; AHEAD].into_boxed_slice(), Head::default());
        Self { stream, connection, ahead, from: 0, to: 0, head, has_ended: false }
    }

    /// Reads what the client has sent, as far as there is room; records whether it closed its side.
    fn fill(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.ahead.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while !self.has_ended && self.to < AHEAD {
            let mut free = ReadBuf::new(&mut self.ahead[self.to..]);
            // Until the read is pending: otherwise the task would not be woken by the next bytes.
            let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, &mut free) else {
                break;
            };
            let taken = free.filled().len();
            self.to += taken;
            if read.is_err() || taken == 0 {
                self.has_ended = true;
                self.connection.leave();
            }
            read?;
        }
        Ok(())
    }

    /// Passes buffered bytes on, at most to the end of the current head or body.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let most = (self.to - self.from).min(buffer.remaining());
        let there = &self.ahead[self.from..self.from + most];
        let handed = match self.connection.body() {
            0 => {
                let end = self.head.end_in(there);
                self.connection.read();
                if end.is_some() {
                    self.connection.ask();
                }
                end.unwrap_or(most)
            }
            left => {
                let handed = usize::try_from(left).map_or(most, |left| left.min(most));
                self.connection.take_of_body(handed as u64);
                handed
            }
        };
        buffer.put_slice(&there[..handed]);
        self.from += handed;
    }
}

/// Finds the end of a head: an empty line, whose carriage returns some clients leave out.
#[derive(Debug, Default)]
struct Head {
    /// Whether the head has begun: empty lines may precede it.
    has_begun: bool,
    last: [u8; 2],
}

impl Head {
    /// Returns how many of these bytes belong to the head, if it ends in them.
    fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            let is_empty_line = self.last[1] == b'\n' || self.last == *b"\n\r";
            if *byte == b'\n' && is_empty_line && self.has_begun {
                *self = Self::default();
                return Some(place + 1);
            }
            self.has_begun |= !matches!(byte, b'\r' | b'\n');
            self.last = [self.last[1], *byte];
        }
        None
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Read ahead even while nothing is passed on: only a read notices that the client has left.
        let filled = self.fill(context);
        // The connection wakes a postponed read when the client reads its response, or is answered.
        if self.connection.puts_reading_off() {
            return Poll::Pending;
        }
        if self.from < self.to {
            self.hand_on(buffer);
            return Poll::Ready(Ok(()));
        }
        // If buffered bytes were passed on first, the error is lost: the next read reports the end.
        filled?;
        // A read of zero bytes signals the end of the stream.
        if self.has_ended { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        match written {
            Poll::Ready(_) => self.connection.wrote(),
            Poll::Pending => self.connection.block(),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::{Arc, mpsc};

    use actix_web::{App, HttpRequest, web};
    use futures_util::FutureExt;

    use super::*;
    use crate::cache::builder::Builder;
    use crate::cache::in_process::InProcess;
    use crate::cache::page::{self, Rules};
    use crate::site::connection;

    const SECOND: Duration = Duration::from_secs(1);

    /// A body that looks like a request.
    const BODY: &str = "GET /large HTTP/1.1\r\n\r\nab";

    /// The number of calls of the handlers.
    type Calls = web::Data<AtomicUsize>;

    /// A page whose first request is never answered.
    async fn hanging(request: HttpRequest, calls: Calls) -> &'static str {
        if calls.fetch_add(1, SeqCst) == 0 {
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
                        let has_body = request.method() == "POST";
                        connection::asked(if has_body { BODY.len() as u64 } else { 0 });
                        service.call(request).inspect(|_| connection::answered())
                    })
            };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let limits = Limits { head: 60 * SECOND, write: SECOND, idle: 60 * SECOND };
            let plan = Plan { workers: 1, connections: 100, limits, grace_seconds: 0 };
            let serving = async { serve(listener, plan, app).unwrap().await };
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

    fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
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
            until(|| calls.load(SeqCst) == 1);
            assert!(hears(asks(address, "/")).ends_with("good"), "{waits_first}");
            assert_eq!(calls.load(SeqCst), 2);
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
}
