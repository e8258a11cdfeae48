//! The connections of a worker: what each one is waiting for, and since when.
//!
//! | Awaited | Time limit |
//! |---|---|
//! | the first byte of a request | the keep-alive time, [`Limits::idle`] |
//! | the rest of its head | [`Limits::head`] |
//! | the shop's response | none; once the client has disconnected, [`Limits::write`] |
//! | the client, to read its response | [`Limits::write`] since it last read something |
//!
//! - The framework itself limits the time from the connection to the end of the first head.
//! - Recording an event costs one number in a cell. The worker's clock checks all connections
//!   several times a second, and ends those that are overdue.
//! - A client that reads nothing is not read from either, so its further requests take no memory.
//! - Requests are passed on one at a time: the next one follows when the response to the current
//!   one has begun, since a waiting request takes a hundred times the memory of its bytes.
//!
//! Not here: bytes (`crate::server::stream`); bodies of requests, whose limits apply where they are
//! read ([`super::form`]).

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::cache::presence::Client;

/// The interval of the clock.
const TICK: Duration = Duration::from_millis(250);

/// How long a connection that is to be closed may take to deliver its last response.
const LINGER: Duration = Duration::from_secs(1);

/// Time limits for clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// For a client to read some of its response.
    pub write: Duration,
    /// For the first byte of the next request.
    pub idle: Duration,
}

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Request,
    Head,
    Answer,
    End,
}

thread_local! {
    static CLOCK: Clock = Clock::default();
    static CURRENT: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

/// The state of one connection.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    limits: Limits,
    awaited: Cell<(Awaited, u32)>,
    /// Since when the client has read nothing.
    blocked: Cell<Option<u32>>,
    /// Since when the client has closed its side.
    left: Cell<Option<u32>>,
    /// Whether reading is postponed until the client reads its response, or is answered.
    is_read_put_off: Cell<bool>,
    /// Whether the head of a request was passed on and has not been answered.
    is_asking: Cell<bool>,
    /// Bytes of the current request's body that are still to be passed on.
    body: Cell<u64>,
    /// Whether the clock asks whether the client has closed its side.
    is_end_checked: Cell<bool>,
    /// Whether the connection closes after the current response.
    is_last: Cell<bool>,
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    /// Registers a new connection with the clock of this thread.
    pub fn begin(limits: Limits) -> Rc<Self> {
        let connection = Rc::new(Self::at(now(), limits));
        CLOCK.with(|clock| clock.watch(&connection));
        connection
    }

    fn at(now: u32, limits: Limits) -> Self {
        Self {
            client: Client::default(),
            limits,
            awaited: Cell::new((Awaited::Request, now)),
            blocked: Cell::new(None),
            left: Cell::new(None),
            is_read_put_off: Cell::new(false),
            is_asking: Cell::new(false),
            body: Cell::new(0),
            is_end_checked: Cell::new(false),
            is_last: Cell::new(false),
            is_over: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    /// Returns the client on whose behalf this connection's work runs.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs one step of the connection, or returns `None` if the connection is to be ended.
    pub fn enter<T>(
        self: &Rc<Self>,
        context: &mut Context<'_>,
        step: impl FnOnce(&mut Context<'_>) -> T,
    ) -> Option<T> {
        if self.is_over.get() {
            return None;
        }
        let mut known = self.waker.borrow_mut();
        if known.as_ref().is_none_or(|known| !known.will_wake(context.waker())) {
            *known = Some(context.waker().clone());
        }
        drop(known);
        let outside = CURRENT.replace(Some(self.clone()));
        let done = step(context);
        CURRENT.set(outside);
        Some(done)
    }

    /// Records that the client has sent something.
    pub fn read(&self) {
        if self.awaited.get().0 == Awaited::Request {
            self.awaited.set((Awaited::Head, now()));
        }
    }

    /// Records that the head of a request was passed on.
    pub fn ask(&self) {
        self.is_asking.set(true);
    }

    /// Returns how many of the next bytes belong to the body of the current request.
    pub fn body(&self) -> u64 {
        self.body.get()
    }

    /// Records that `bytes` of the body were passed on.
    pub fn take_of_body(&self, bytes: u64) {
        self.body.set(self.body.get().saturating_sub(bytes));
        if self.body.get() == 0 {
            self.end_body();
        }
    }

    /// Records that the whole body was passed on.
    pub fn end_body(&self) {
        self.body.set(0);
        // It was answered before: the connection is as good as any.
        if self.awaited.get().0 == Awaited::End && !self.is_last.get() {
            self.awaited.set((Awaited::Request, now()));
        }
    }

    /// Reports, once for each time that the clock asks, whether to look for the end of the stream.
    pub fn takes_end_check(&self) -> bool {
        self.is_end_checked.take()
    }

    /// Records that the client has closed its side.
    pub fn leave(&self) {
        self.left.set(self.left.get().or(Some(now())));
        self.client.leave();
    }

    /// Records that the client has read something.
    pub fn wrote(&self) {
        self.blocked.set(None);
        if self.is_read_put_off.take() {
            self.wake();
        }
        if let (Awaited::Request, _) = self.awaited.get() {
            self.awaited.set((Awaited::Request, now()));
        }
    }

    /// Records that the client reads nothing.
    pub fn block(&self) {
        self.blocked.set(self.blocked.get().or(Some(now())));
    }

    /// Decides whether reading is postponed now.
    ///
    /// A postponed read is woken when the client reads its response, or is answered.
    pub fn puts_reading_off(&self) -> bool {
        let is_answered_first = self.is_asking.get() && self.body.get() == 0;
        let is_put_off = self.blocked.get().is_some() || is_answered_first;
        self.is_read_put_off.set(is_put_off);
        is_put_off
    }

    /// Records that nothing is left to be passed on: the client's next bytes wake a postponed read by themselves.
    pub fn wakes_by_itself(&self) {
        self.is_read_put_off.set(false);
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn is_overdue(&self, now: u32) -> bool {
        let (awaited, since) = self.awaited.get();
        let limit = match awaited {
            Awaited::Request => Some(self.limits.idle),
            Awaited::Head => Some(self.limits.head),
            Awaited::Answer => None,
            Awaited::End => Some(LINGER),
        };
        let is_past = |since: u32, limit: Duration| now.saturating_sub(since) > ticks(limit);
        let takes_nothing = self.blocked.get().is_some_and(|t| is_past(t, self.limits.write));
        let is_left = self.left.get().is_some_and(|t| is_past(t, self.limits.write));
        // While a response waits to be read, only the write limit applies.
        let is_waiting = self.blocked.get().is_none();
        let is_late = is_waiting && limit.is_some_and(|limit| is_past(since, limit));
        takes_nothing || is_left || is_late
    }
}

/// Records that the current connection has received the head of a request with a body of `body` bytes.
///
/// [`u64::MAX`] stands for a body in chunks, whose end [`Connection::end_body`] reports.
pub fn asked(body: u64) {
    with_current(|connection| {
        connection.awaited.set((Awaited::Answer, now()));
        connection.body.set(body);
        if body > 0 && connection.is_read_put_off.take() {
            connection.wake();
        }
    });
}

/// Records that the current connection has the head of its response.
pub fn answered() {
    with_current(|connection| {
        // A body that is still on its way is read by no handler any more.
        let is_last = connection.is_last.get() || connection.body.get() > 0;
        let awaited = if is_last { Awaited::End } else { Awaited::Request };
        connection.awaited.set((awaited, now()));
        connection.is_asking.set(false);
        if connection.is_read_put_off.take() {
            connection.wake();
        }
    });
}

/// Closes the current connection after its response was delivered, whatever its client sends.
pub fn close() {
    with_current(|connection| connection.is_last.set(true));
}

fn with_current(note: impl FnOnce(&Connection)) {
    CURRENT.with_borrow(|current| current.as_deref().map(note));
}

/// Returns the current time of this thread's clock, in ticks.
fn now() -> u32 {
    CLOCK.with(|clock| clock.now.get())
}

/// Converts to ticks, rounded up.
fn ticks(limit: Duration) -> u32 {
    u32::try_from(limit.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX)
}

/// The clock of a worker.
#[derive(Debug, Default)]
struct Clock {
    now: Cell<u32>,
    watched: RefCell<Vec<Weak<Connection>>>,
    is_running: Cell<bool>,
}

impl Clock {
    fn watch(&self, connection: &Rc<Connection>) {
        self.watched.borrow_mut().push(Rc::downgrade(connection));
        if !self.is_running.replace(true) {
            actix_web::rt::spawn(run());
        }
    }

    /// Ends the connections that are overdue; returns whether any are left to watch.
    fn look(&self, now: u32) -> bool {
        self.now.set(now);
        let mut watched = self.watched.borrow_mut();
        watched.retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            if connection.is_overdue(now) {
                connection.is_over.set(true);
                connection.wake();
            } else if connection.is_asking.get() && connection.left.get().is_none() {
                connection.is_end_checked.set(true);
                connection.wake();
            }
            true
        });
        !watched.is_empty()
    }
}

/// Runs the clock of this thread while there are connections.
async fn run() {
    let (began, first) = (Instant::now(), now());
    let mut ticks = actix_web::rt::time::interval(TICK);
    loop {
        ticks.tick().await;
        let passed = began.elapsed().as_millis() / TICK.as_millis();
        let now = first.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        if !CLOCK.with(|clock| clock.look(now)) {
            CLOCK.with(|clock| clock.is_running.set(false));
            return;
        }
    }
}

#[cfg(test)]
mod tests;
