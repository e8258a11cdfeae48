//! Freshness on Postgres, strict: one query for all requests that wait.
//!
//! - A request joins the next query to *start*: one that is under way may return the state before a
//!   write that the request must see.
//! - So there is at most one query at a time, however many requests wait, and none when idle.
//! - The query asks whether the stamp of [`Tag::ANY`](larder_cache::Tag::ANY) has changed;
//!   only then are all stamps read, by one statement.
//! - Twice a second it also asks whether the schema has changed (`schema`).
//! - A broken connection is reopened, once, before the requests get an error.
//! - Where many changes are not folded, this thread folds them after it has answered (`stamps`).
//! - Once a query has taken longer than a request waits, further requests do not wait for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use larder_cache::stamps::{Current, StampSource, Stamps, StampsResult, StampsUnavailable};
use tokio::sync::oneshot;

use crate::db::{Conn, Role, Url, meter};
use crate::schema::Watch;
use crate::table::Table;
use crate::{stamps, triggers};

/// How often the triggers are checked.
const TRIGGER_CHECK: Duration = Duration::from_secs(60);

/// How long the query waits for the locks of other transactions.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a request waits for the answer before it bypasses the cache.
const PATIENCE: Duration = Duration::from_secs(5);

/// Above this level, reading stamps could make transactions of the application fail as not serializable.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed'";

/// How many changes may be left unfolded. Each question reads them all.
const MOST_CHANGES: i64 = 256;

/// How many changes are folded at once. Requests that arrive meanwhile wait for it, for some milliseconds.
const FOLDED_AT_ONCE: i64 = 5_000;

/// How long folding is left to another instance that is at it, or not tried again after an error.
const FOLD_PAUSE: Duration = Duration::from_secs(1);

type Asker = oneshot::Sender<StampsResult>;

/// A thread that queries the stamps on behalf of all requests.
pub struct PostgresVersions {
    askers: Sender<Asker>,
    under_way: Arc<UnderWay>,
}

/// When the query that is under way was started.
#[derive(Default)]
struct UnderWay(Mutex<Option<Instant>>);

impl UnderWay {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Reports whether the query has taken longer than a request waits.
    fn is_stuck(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() > PATIENCE)
    }
}

impl PostgresVersions {
    /// Starts the thread for the migrated database at `url`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn open(url: Url, tables: &'static [Table]) -> Result<Self, String> {
        let (askers, queue) = channel();
        let under_way = Arc::new(UnderWay::default());
        let validator = Validator {
            url,
            under_way: under_way.clone(),
            tables,
            schema: Watch::of(tables),
            conn: None,
            current: None,
            triggers: None,
            changes: 0,
            folds_from: Instant::now(),
        };
        std::thread::Builder::new()
            .name("larder-versions".into())
            .spawn(move || validator.serve(&queue))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self { askers, under_way })
    }
}

impl StampSource for PostgresVersions {
    fn current(&self) -> Current {
        // A page asks for its fragments and queries too: each would wait anew.
        if self.under_way.is_stuck() {
            return Current::Ready(Err(unanswered_in_time()));
        }
        let (asker, answer) = oneshot::channel();
        if self.askers.send(asker).is_err() {
            return Current::Ready(Err(StampsUnavailable(
                "the thread of the freshness check has ended".into(),
            )));
        }
        Current::Pending(Box::pin(async {
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(Ok(current)) => current,
                _ => Err(unanswered_in_time()),
            }
        }))
    }
}

/// The connection that queries, and the latest answers.
struct Validator {
    url: Url,
    under_way: Arc<UnderWay>,
    tables: &'static [Table],
    schema: Watch,
    conn: Option<PgConnection>,
    current: Option<Arc<Stamps>>,
    triggers: Option<(Instant, Result<(), StampsUnavailable>)>,
    /// The number of changes that were not folded when it asked last.
    changes: i64,
    /// Before this it folds nothing.
    folds_from: Instant,
}

impl Validator {
    /// Answers requests until the sending side is dropped.
    fn serve(mut self, queue: &Receiver<Asker>) {
        let mut is_off = false;
        loop {
            let patience = if self.must_fold() { Duration::ZERO } else { TRIGGER_CHECK };
            let asker = match queue.recv_timeout(patience) {
                Ok(asker) => Some(asker),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // Drained before the query starts: every request in here is older than the query, so
            // the answer contains each write that the request must see.
            let askers: Vec<Asker> = asker.into_iter().chain(queue.try_iter()).collect();
            self.under_way.set(Some(Instant::now()));
            let current = self.ask_twice();
            self.under_way.set(None);
            log(&current, &mut is_off);
            for asker in askers {
                // A request that was cancelled meanwhile has dropped its receiver.
                let _ = asker.send(current.clone());
            }
            if self.must_fold() {
                self.fold();
            }
        }
    }

    fn must_fold(&self) -> bool {
        self.changes > MOST_CHANGES && self.folds_from <= Instant::now()
    }

    /// Folds changes, unless another instance is at it.
    fn fold(&mut self) {
        let folded = self.conn.as_mut().map(|conn| stamps::fold(conn, FOLDED_AT_ONCE));
        match folded {
            Some(Ok(folded)) if folded > 0 => self.changes -= folded,
            Some(Err(error)) => {
                tracing::warn!(%error, changes = self.changes, "the changes of stamps cannot be folded");
                self.folds_from = Instant::now() + FOLD_PAUSE;
            }
            // Another instance folds, or there is no connection.
            _ => self.folds_from = Instant::now() + FOLD_PAUSE,
        }
    }

    /// Queries; if the connection is broken, queries once more on a new one.
    fn ask_twice(&mut self) -> StampsResult {
        let had_connection = self.conn.is_some();
        match self.ask() {
            Err(_) if had_connection && self.conn.is_none() => self.ask(),
            answer => answer,
        }
    }

    fn ask(&mut self) -> StampsResult {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.url)?,
        };
        let current = self.read(&mut conn).map_err(unanswered)?;
        // Stored only after it has answered: a broken connection, or one whose prepared statements
        // a change of the schema has outdated, is dropped on an early return.
        self.conn = Some(conn);
        current
    }

    fn read(&mut self, conn: &mut PgConnection) -> QueryResult<StampsResult> {
        // The schema before the stamps, so that it is never newer than they are.
        let (schema, has_changed) = self.schema.look(conn)?;
        if let Err(missing) = self.check_triggers(conn, has_changed)? {
            return Ok(Err(missing));
        }
        let any = stamps::any(conn, schema)?;
        self.changes = any.changes;
        match &self.current {
            Some(current) if current.id() == Stamps::id_of(any.stamp) => Ok(Ok(current.clone())),
            _ => {
                let current = Arc::new(stamps::all_postgres(conn, schema)?);
                Ok(Ok(self.current.insert(current).clone()))
            }
        }
    }

    /// Checks the triggers if that is due, and returns the latest result.
    fn check_triggers(
        &mut self,
        conn: &mut PgConnection,
        is_due: bool,
    ) -> QueryResult<Result<(), StampsUnavailable>> {
        match &self.triggers {
            Some((checked, Ok(()))) if !is_due && checked.elapsed() < TRIGGER_CHECK => Ok(Ok(())),
            _ => {
                // If the check fails, no earlier result must be trusted.
                self.triggers = None;
                let result = triggers::check_postgres(conn, self.tables)?;
                self.triggers = Some((Instant::now(), result.clone()));
                Ok(result)
            }
        }
    }
}

fn connect(url: &Url) -> Result<PgConnection, StampsUnavailable> {
    match Conn::open(url, Role::Reader, LOCK_TIMEOUT) {
        Ok(Conn::Postgres(mut conn)) => {
            conn.set_instrumentation(meter::OfStamps::default());
            conn.batch_execute(SETTINGS).map_err(unanswered)?;
            Ok(conn)
        }
        Ok(Conn::Sqlite(_)) => Err(StampsUnavailable("this is not Postgres".into())),
        Err(error) => Err(StampsUnavailable(format!("the database cannot be reached: {error}"))),
    }
}

fn unanswered_in_time() -> StampsUnavailable {
    StampsUnavailable("the database does not answer".into())
}

fn unanswered(error: diesel::result::Error) -> StampsUnavailable {
    StampsUnavailable(format!("the freshness check failed: {error}"))
}

/// Logs when the cache goes off and on, once each.
fn log(current: &StampsResult, was_off: &mut bool) {
    match current {
        Err(StampsUnavailable(reason)) if !*was_off => tracing::error!(reason, "the cache is off"),
        Ok(_) if *was_off => tracing::info!("the cache is on again"),
        _ => {}
    }
    *was_off = current.is_err();
}
