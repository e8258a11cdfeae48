//! The server around the app: connections that are watched, and as many of them as there may be.
//!
//! - What actix-web's own server does, with a stream of ours: that one neither bounds how long a client
//!   may take for what it is sent, nor tells who makes something that its client has left.
//! - What is noted of a connection, and when it ends, is [`crate::site::connection`]'s.

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

/// What a server is run with.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Threads that answer.
    pub workers: usize,
    /// Connections of each of them; more wait until there is room.
    pub connections: usize,
    /// How long clients may keep it waiting.
    pub limits: Limits,
    /// Requests that are under way when it is told to stop have so many seconds to finish.
    pub grace_seconds: u64,
}

/// Serves an app at `listener`.
///
/// # Errors
/// When the listener cannot be used.
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

/// Runs a connection until it is over, or is ended.
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

/// So many bytes are taken from a client that is still to be answered.
const AHEAD: usize = 4 << 10;

/// A stream that notes what its client does, and hands its requests on one by one.
struct Watched<T> {
    stream: T,
    connection: Rc<Connection>,
    /// What the client has sent, as far as it was not handed on, lies from here to there.
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

    /// Takes what the client has sent, as far as there is room; and notes if it has closed its side.
    fn fill(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.ahead.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while !self.has_ended && self.to < AHEAD {
            let mut free = ReadBuf::new(&mut self.ahead[self.to..]);
            // Until there is no more: else the task would not be waked by what comes next.
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

    /// Hands on what there is: of a head or of a body no more than that.
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

/// Looks for the end of a head: an empty line, with or without the returns that some clients leave out.
#[derive(Debug, Default)]
struct Head {
    /// Whether there was more than empty lines, which may stand in front of it.
    has_begun: bool,
    last: [u8; 2],
}

impl Head {
    /// How many of these bytes belong to it, if it ends in them.
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
        // Also while nothing is handed on: that the client has left is seen by reading only.
        let filled = self.fill(context);
        // What is put off is waked when the client has taken something, or is answered.
        if self.connection.puts_reading_off() {
            return Poll::Pending;
        }
        if self.from < self.to {
            self.hand_on(buffer);
            return Poll::Ready(Ok(()));
        }
        filled?;
        // The end of what was sent is told by handing on nothing.
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
    use crate::cache::open::Options;
    use crate::cache::page::{self, Rules};
    use crate::cache::view::InProcess;
    use crate::site::connection;

    const SECOND: Duration = Duration::from_secs(1);

    /// A body that looks like a request.
    const BODY: &str = "GET /large HTTP/1.1\r\n\r\nab";

    /// How often each path was asked of its handler.
    type Calls = web::Data<AtomicUsize>;

    /// A page that is never made for the first who asks for it.
    async fn hanging(request: HttpRequest, calls: Calls) -> &'static str {
        if calls.fetch_add(1, SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        assert_eq!(request.method(), "GET");
        "good"
    }

    /// More than the system takes on its own.
    async fn large(calls: Calls) -> Vec<u8> {
        calls.fetch_add(1, SeqCst);
        vec![b'x'; 32 << 20]
    }

    /// A server of its own, whose thread ends with the test process.
    fn open(calls: &Arc<AtomicUsize>) -> SocketAddr {
        let (sender, opened) = mpsc::channel();
        let calls = calls.clone();
        std::thread::spawn(move || {
            let cache = Options::default().open(Arc::new(InProcess::new()));
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
                    // As the log does for the whole shop.
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
    fn a_visitor_is_not_kept_by_one_who_has_hung_up() {
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
        // It is not read from either, so that its side fills up, until the other one has gone.
        let more = vec![b'x'; 1 << 20];
        stream.set_write_timeout(Some(60 * SECOND)).unwrap();
        let refused = std::iter::repeat_with(|| stream.write(&more)).find_map(Result::err).unwrap();
        assert!(refused.kind() != io::ErrorKind::WouldBlock, "{refused}");
    }
}
