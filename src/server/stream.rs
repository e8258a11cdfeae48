//! The HTTP server around the app: watches its connections and limits their number.
//!
//! - It replaces the server of actix-web, which neither limits how long a client may leave a
//!   response unread, nor reports that a client disconnected while its response is being built.
//! - [`crate::site::connection`] holds the state of each connection and decides when to end it.

mod chunks;
mod head;

use std::cell::RefCell;
use std::fmt::Debug;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{ConnectionType, HttpService, Request};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response};
use actix_web::rt::net::TcpStream;
use futures_util::{FutureExt, TryFutureExt};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use self::chunks::Chunks;
use self::head::Head;
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

/// Serves an app at `listener`. While `is_draining`, each connection is closed with its next response.
///
/// # Errors
/// Errors of the system, if the listener cannot be used.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    plan: Plan,
    is_draining: impl Fn() -> bool + Send + Clone + 'static,
    app: F,
) -> io::Result<Server>
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
        let (stopping, is_draining) = (stopping.clone(), is_draining.clone());
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let app = app.map(move |response| {
            let mut response: Response<B> = response.into();
            if is_draining() {
                response.head_mut().set_connection_type(ConnectionType::Close);
            }
            response
        });
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
            let stream = Shared(Rc::new(RefCell::new(stream)));
            let watched = Watched::new(stream.clone(), connection.clone());
            let work = http.call((watched, peer)).inspect_err(move |error| log_end(error, peer));
            watch(connection, stream, work)
        })
    })?;
    Ok(server.run())
}

/// Runs a connection until it finishes, or until its watcher ends it.
async fn watch<E>(
    connection: Rc<Connection>,
    stream: Shared,
    work: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let mut work = pin!(connection.client().scope(work));
    poll_fn(|context| {
        // While a handler works, nothing may be read that would report the end of the stream: actix
        // does not read beyond a body that is too large, nor `Watched` beyond its buffer.
        if connection.takes_end_check() && stream.is_at_end() {
            connection.leave();
        }
        let step = connection.enter(context, |context| work.as_mut().poll(context));
        step.unwrap_or(Poll::Ready(Ok(())))
    })
    .await
}

/// Logs why a connection ended: what its client did wrong is no error of the shop.
///
/// The framework would log both as errors and without the address, so its own lines are switched off.
fn log_end(error: &DispatchError, peer: Option<SocketAddr>) {
    let client = peer.map(|peer| tracing::field::display(peer.ip()));
    match error {
        DispatchError::Parse(error) => tracing::info!(client, %error, "malformed request"),
        DispatchError::Io(_)
        | DispatchError::SlowRequestTimeout
        | DispatchError::DisconnectTimeout
        | DispatchError::HandlerDroppedPayload => {
            tracing::debug!(client, %error, "connection ended")
        }
        _ => tracing::error!(client, %error, "connection failed"),
    }
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
    chunks: Chunks,
    /// Whether the handler is to read what it was given before it gets more.
    is_turn_over: bool,
    has_ended: bool,
}

/// The stream of a connection, whose end is also looked for outside of reads.
#[derive(Clone)]
struct Shared(Rc<RefCell<TcpStream>>);

impl Shared {
    /// Reports whether the client has closed its side, whatever lies unread before that.
    fn is_at_end(&self) -> bool {
        let stream = self.0.borrow();
        let ready = stream.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed()))
    }
}

impl AsyncRead for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(context)
    }
}

impl<T: AsyncRead + Unpin> Watched<T> {
    fn new(stream: T, connection: Rc<Connection>) -> Self {
        let (ahead, head) = (vec![0; AHEAD].into_boxed_slice(), Head::default());
        let chunks = Chunks::default();
        Self {
            stream,
            connection,
            ahead,
            from: 0,
            to: 0,
            head,
            chunks,
            is_turn_over: false,
            has_ended: false,
        }
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
            u64::MAX => {
                // Thousands of tiny chunks would else be decoded before the handler sees the first.
                self.is_turn_over = true;
                let end = self.chunks.end_in(there);
                if end.is_some() {
                    self.connection.end_body();
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
            // Most clients send nothing ahead, and a wake would poll the whole connection once more for each request.
            if self.from == self.to && !self.has_ended {
                self.connection.wakes_by_itself();
            }
            return Poll::Pending;
        }
        if std::mem::take(&mut self.is_turn_over) {
            context.waker().wake_by_ref();
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
mod tests;
