//! A thread that queries the stamps, and what all of these threads share.
//!
//! - The query asks whether the stamp of [`Tag::ANY`](larder_cache::Tag::ANY) has changed;
//!   only then are all stamps read, by one statement.
//! - Twice a second it also asks whether the schema has changed (`schema`).
//! - A broken connection is reopened, once, before the requests get an error.
//! - Where many changes are not folded, this thread folds them after it has answered (`stamps`), while the other
//!   threads answer requests.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use larder_cache::stamps::{Stamps, StampsResult, StampsUnavailable};
use tokio::runtime::Runtime;

use super::queue::{Question, Queue, lock};
use crate::driver::timed::{Ran, Timed};
use crate::driver::{Connect, Driver};
use crate::schema::Watch;
use crate::table::Table;
use crate::{stamps, triggers};

/// How often the triggers are checked.
const TRIGGER_CHECK: Duration = Duration::from_secs(60);

/// How long the query waits for the locks of other transactions. Above this level of isolation, reading stamps could
/// make transactions of the application fail as not serializable.
const SETTINGS: &str =
    "SET lock_timeout = '2s'; SET default_transaction_isolation = 'read committed'";

/// How many changes may be left unfolded. Each question reads them all.
const MOST_CHANGES: i64 = 256;

/// How many changes are folded by one statement.
const FOLDED_AT_ONCE: i64 = 5_000;

/// How long nothing is folded after that. A fold of 256 changes costs as much as one of 1,000, most of it for the totals:
/// where thousands of statements are written in a second, folding at each question would cost as much as the triggers.
const BETWEEN_FOLDS: Duration = Duration::from_millis(100);

/// How long folding is left to another instance that is at it, or not tried again after an error.
const FOLD_PAUSE: Duration = Duration::from_secs(1);

/// What the threads of one database share.
pub(super) struct Shared<C> {
    /// The database.
    pub database: C,
    checks: tokio::sync::Mutex<Checks>,
    /// They are current where a query has returned their id, whichever thread has read them.
    known: Mutex<Option<Known>>,
    is_off: AtomicBool,
}

/// The stamps that were read last, and their totals.
#[derive(Clone)]
pub(super) struct Known {
    stamps: Arc<Stamps>,
    totals: stamps::Totals,
    /// The number of the query that has read them.
    pub question: u64,
}

/// What changes seldom.
struct Checks {
    tables: &'static [Table],
    schema: Watch,
    triggers: Option<(Instant, Result<(), StampsUnavailable>)>,
}

impl<C> Shared<C> {
    /// Returns the state of a database that was not queried yet.
    pub(super) fn new(database: C, tables: &'static [Table]) -> Self {
        let checks = Checks { tables, schema: Watch::of(tables), triggers: None };
        Self {
            database,
            checks: tokio::sync::Mutex::new(checks),
            known: Mutex::new(None),
            is_off: AtomicBool::new(false),
        }
    }

    pub(super) fn known(&self) -> Option<Known> {
        lock(&self.known).clone()
    }

    /// Replaces the stamps that were read last, unless a query that has started later has read them.
    ///
    /// The answer to an older query may arrive after that to a newer one.
    fn learn(&self, new: Known) {
        let mut known = lock(&self.known);
        if known.as_ref().is_none_or(|known| known.question < new.question) {
            *known = Some(new);
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
    async fn pass<D: Driver>(
        &mut self,
        conn: &mut D,
    ) -> Result<Result<stamps::Schema, StampsUnavailable>, D::Error> {
        let (schema, has_changed) = self.schema.look(conn).await?;
        let is_good = |checked: &Instant| !has_changed && checked.elapsed() < TRIGGER_CHECK;
        match &self.triggers {
            Some((checked, Ok(()))) if is_good(checked) => {}
            _ => {
                // If the check fails, no earlier result must be trusted.
                self.triggers = None;
                let result = triggers::check_in(conn, self.tables).await?;
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
pub(super) struct Validator<C: Connect> {
    shared: Arc<Shared<C>>,
    conn: Option<C::Conn>,
    /// Waits for the driver. Declared after the connection, which ends before it.
    runtime: Arc<Runtime>,
    /// What it has run since the last answer.
    ran: Vec<Ran>,
    /// The number of changes that were not folded when it asked last.
    changes: i64,
    /// Before this it folds nothing.
    folds_from: Instant,
}

impl<C: Connect> Validator<C> {
    /// Returns a thread's part, without connecting yet.
    pub(super) fn new(shared: Arc<Shared<C>>, runtime: Runtime) -> Self {
        let (runtime, folds_from) = (Arc::new(runtime), Instant::now());
        Self { shared, conn: None, runtime, ran: Vec::new(), changes: 0, folds_from }
    }

    /// Answers requests until the sending side is dropped.
    pub(super) fn serve(mut self, queue: &Queue) {
        let runtime = self.runtime.clone();
        while let Some((question, askers)) = queue.take(TRIGGER_CHECK) {
            let current = runtime.block_on(self.ask_twice(question));
            queue.end(question, current.is_ok());
            self.shared.log(&current);
            let ran: Arc<[Ran]> = std::mem::take(&mut self.ran).into();
            for asker in askers {
                // A request that was cancelled meanwhile has dropped its receiver.
                let _ = asker.send((current.clone(), ran.clone()));
            }
            while self.changes > MOST_CHANGES && self.folds_from <= Instant::now() {
                runtime.block_on(self.fold());
            }
        }
    }

    /// Folds changes, unless another instance is at it.
    async fn fold(&mut self) {
        let folded = match &mut self.conn {
            Some(conn) => Some(stamps::fold(conn, FOLDED_AT_ONCE).await),
            None => None,
        };
        match folded {
            Some(Ok(folded)) if folded > 0 => {
                self.changes -= folded;
                if self.changes <= MOST_CHANGES {
                    self.folds_from = Instant::now() + BETWEEN_FOLDS;
                }
            }
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
    pub(super) async fn ask_twice(&mut self, question: Question) -> StampsResult {
        let had_connection = self.conn.is_some();
        match self.ask(question).await {
            Err(_) if had_connection && self.conn.is_none() => self.ask(question).await,
            answer => answer,
        }
    }

    async fn ask(&mut self, question: Question) -> StampsResult {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.connect().await?,
        };
        let mut timed = Timed::new(&mut conn);
        let current = self.read(&mut timed, question).await.map_err(unanswered);
        self.ran.append(&mut timed.ran);
        let current = current?;
        // Stored only after it has answered: a broken connection, or one whose prepared statements
        // a change of the schema has outdated, is dropped on an early return.
        self.conn = Some(conn);
        current
    }

    async fn read<D: Driver>(
        &mut self,
        conn: &mut D,
        question: Question,
    ) -> Result<StampsResult, D::Error> {
        // The schema before the stamps, so that it is never newer than they are.
        let schema = match self.shared.checks.lock().await.pass(conn).await? {
            Ok(schema) => schema,
            Err(missing) => return Ok(Err(missing)),
        };
        let any = stamps::any(conn, schema).await?;
        self.changes = any.changes;
        let known = self.shared.known();
        match &known {
            Some(known) if known.stamps.id() == Stamps::id_of(any.stamp) => {
                Ok(Ok(known.stamps.clone()))
            }
            _ => {
                let totals = known.map(|known| known.totals);
                let (stamps, totals) = stamps::since(conn, schema, totals).await?;
                let stamps = Arc::new(stamps);
                let question = question.number;
                self.shared.learn(Known { stamps: stamps.clone(), totals, question });
                Ok(Ok(stamps))
            }
        }
    }

    async fn connect(&self) -> Result<C::Conn, StampsUnavailable> {
        let conn = self.shared.database.connect().await;
        let mut conn = conn.map_err(|error| {
            StampsUnavailable(format!("the database cannot be reached: {error}"))
        })?;
        conn.run(SETTINGS).await.map_err(unanswered)?;
        Ok(conn)
    }
}

fn unanswered(error: impl Display) -> StampsUnavailable {
    StampsUnavailable(format!("the freshness check failed: {error}"))
}
