//! A thread that queries the stamps, and what all of these threads share.
//!
//! - The query asks whether the stamp of [`Tag::ANY`](larder_cache::Tag::ANY) has changed;
//!   only then are all stamps read, by one statement.
//! - Twice a second it also asks whether the schema has changed (`schema`).
//! - A broken connection is reopened, once, before the requests get an error.
//! - Where many changes are not folded, this thread folds them after it has answered (`stamps`), while the other
//!   threads answer requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use larder_cache::stamps::{Stamps, StampsResult, StampsUnavailable};

use super::queue::{Queue, lock};
use crate::db::{Conn, Role, Url, meter};
use crate::schema::Watch;
use crate::table::Table;
use crate::{stamps, triggers};

/// How often the triggers are checked.
const TRIGGER_CHECK: Duration = Duration::from_secs(60);

/// How long the query waits for the locks of other transactions.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Above this level, reading stamps could make transactions of the application fail as not serializable.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed'";

/// How many changes may be left unfolded. Each question reads them all.
const MOST_CHANGES: i64 = 256;

/// How many changes are folded by one statement.
const FOLDED_AT_ONCE: i64 = 5_000;

/// How long folding is left to another instance that is at it, or not tried again after an error.
const FOLD_PAUSE: Duration = Duration::from_secs(1);

/// What the threads of one database share.
pub(super) struct Shared {
    url: Url,
    checks: Mutex<Checks>,
    /// The stamps that were read last. They are current where a query has returned their id: so it does no harm that
    /// a thread may replace newer ones.
    current: Mutex<Option<Arc<Stamps>>>,
    is_off: AtomicBool,
}

/// What changes seldom.
struct Checks {
    tables: &'static [Table],
    schema: Watch,
    triggers: Option<(Instant, Result<(), StampsUnavailable>)>,
}

impl Shared {
    /// Returns the state of a database that was not queried yet.
    pub(super) fn new(url: Url, tables: &'static [Table]) -> Self {
        let checks = Checks { tables, schema: Watch::of(tables), triggers: None };
        Self {
            url,
            checks: Mutex::new(checks),
            current: Mutex::new(None),
            is_off: AtomicBool::new(false),
        }
    }

    /// Logs when the cache goes off and on, once each.
    fn log(&self, current: &StampsResult) {
        let is_off = current.is_err();
        if self.is_off.swap(is_off, Ordering::Relaxed) != is_off {
            match current {
                Err(StampsUnavailable(reason)) => tracing::error!(reason, "the cache is off"),
                Ok(_) => tracing::info!("the cache is on again"),
            }
        }
    }
}

impl Checks {
    /// Returns the schema as a number, or why the stamps are unavailable; queries if that is due.
    fn pass(
        &mut self,
        conn: &mut PgConnection,
    ) -> QueryResult<Result<stamps::Schema, StampsUnavailable>> {
        let (schema, has_changed) = self.schema.look(conn)?;
        let is_good = |checked: &Instant| !has_changed && checked.elapsed() < TRIGGER_CHECK;
        match &self.triggers {
            Some((checked, Ok(()))) if is_good(checked) => {}
            _ => {
                // If the check fails, no earlier result must be trusted.
                self.triggers = None;
                let result = triggers::check_postgres(conn, self.tables)?;
                self.triggers = Some((Instant::now(), result.clone()));
                if let Err(missing) = result {
                    return Ok(Err(missing));
                }
            }
        }
        Ok(Ok(schema))
    }
}

/// The connection of one thread.
pub(super) struct Validator {
    shared: Arc<Shared>,
    conn: Option<PgConnection>,
    /// The number of changes that were not folded when it asked last.
    changes: i64,
    /// Before this it folds nothing.
    folds_from: Instant,
}

impl Validator {
    /// Returns a thread's part, without connecting yet.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, conn: None, changes: 0, folds_from: Instant::now() }
    }

    /// Answers requests until the sending side is dropped.
    pub(super) fn serve(mut self, queue: &Queue, thread: usize) {
        while let Some(askers) = queue.take(thread, TRIGGER_CHECK) {
            let current = self.ask_twice();
            queue.end(thread);
            self.shared.log(&current);
            for asker in askers {
                // A request that was cancelled meanwhile has dropped its receiver.
                let _ = asker.send(current.clone());
            }
            while self.changes > MOST_CHANGES && self.folds_from <= Instant::now() {
                self.fold();
            }
        }
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
            _ => {
                if self.changes > 20 * MOST_CHANGES {
                    let changes = self.changes;
                    tracing::warn!(
                        changes,
                        "other programs keep the changes of stamps from being folded"
                    );
                }
                self.folds_from = Instant::now() + FOLD_PAUSE;
            }
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
            None => connect(&self.shared.url)?,
        };
        let current = self.read(&mut conn).map_err(unanswered)?;
        // Stored only after it has answered: a broken connection, or one whose prepared statements
        // a change of the schema has outdated, is dropped on an early return.
        self.conn = Some(conn);
        current
    }

    fn read(&mut self, conn: &mut PgConnection) -> QueryResult<StampsResult> {
        // The schema before the stamps, so that it is never newer than they are.
        let schema = match lock(&self.shared.checks).pass(conn)? {
            Ok(schema) => schema,
            Err(missing) => return Ok(Err(missing)),
        };
        let any = stamps::any(conn, schema)?;
        self.changes = any.changes;
        let known = lock(&self.shared.current).clone();
        match known {
            Some(current) if current.id() == Stamps::id_of(any.stamp) => Ok(Ok(current)),
            _ => {
                let current = Arc::new(stamps::all_postgres(conn, schema)?);
                *lock(&self.shared.current) = Some(current.clone());
                Ok(Ok(current))
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

fn unanswered(error: diesel::result::Error) -> StampsUnavailable {
    StampsUnavailable(format!("the freshness check failed: {error}"))
}
