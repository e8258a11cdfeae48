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
use std::task::{Context, Poll, ready};
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
            let stream = Watched { stream, connection: connection.clone() };
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

/// A stream that notes what its client does.
struct Watched<T> {
    stream: T,
    connection: Rc<Connection>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What is put off is waked when the client has taken something.
        if self.connection.puts_reading_off() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        match read {
            Ok(()) if buffer.filled().len() > before => self.connection.read(),
            _ => self.connection.leave(),
        }
        Poll::Ready(read)
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

    use super::*;
    use crate::cache::open::Options;
    use crate::cache::page::{self, Rules};
    use crate::cache::view::InProcess;

    const SECOND: Duration = Duration::from_secs(1);

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
                        web::scope("")
                            .wrap(page::cached(rules()))
                            .route("/", web::get().to(hanging)),
                    )
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
