//! What larder-sql's adapter reports.

use larder_sql::db::binds::{Bind, members};
use larder_sql::db::kind::Kind;
use larder_sql::db::log::{self, Log};

use super::{Logged, ROOM, Statement, Wait, observe_recorded};
use crate::toolbar::record::SqlKind;
use crate::trace::Trace;

/// Runs `work` and returns the statements that it caused, in the order in which they began.
pub(crate) async fn observe<T>(work: impl Future<Output = T>) -> (T, Logged) {
    let log = Log::default();
    let (done, mut recorded) = observe_recorded(log::observe(log.clone(), work)).await;
    let adapted = log.take();
    recorded.waits = adapted.waits.into_iter().map(Wait::from).collect();
    recorded.statements.extend(adapted.statements.into_iter().map(Statement::from));
    recorded.statements.sort_by_key(|statement| statement.began);
    let more = recorded.statements.len().saturating_sub(ROOM);
    recorded.statements.truncate(ROOM);
    recorded.left_out += adapted.left_out + more as u64;
    (recorded.processor, recorded.unlogged) = (adapted.processor, adapted.unlogged);
    (done, recorded)
}

impl From<log::Statement> for Statement {
    fn from(ran: log::Statement) -> Self {
        let kind = match ran.kind() {
            Kind::Query => SqlKind::Query,
            Kind::Write => SqlKind::Write,
            Kind::Transaction => SqlKind::Transaction,
            Kind::Stamps => SqlKind::Stamps,
        };
        let origin = ran.origin;
        let place = origin.as_ref().map(|by| by.caller);
        Self {
            kind,
            sql: ran.sql,
            binds: members(&ran.binds),
            began: ran.began,
            took: ran.took,
            error: ran.error,
            connection: ran.role.name(),
            caller: place.map(|place| format!("{}:{}", place.file(), place.line())),
            for_key: origin.and_then(|by| by.purpose.clone()),
            is_check: ran.is_check,
            trace: ran.trace.map(Trace::from),
        }
    }
}

impl From<log::Wait> for Wait {
    fn from(wait: log::Wait) -> Self {
        let log::Wait { role, began, took, purpose } = wait;
        Self { pool: role.name(), began, took, for_key: purpose }
    }
}

/// Returns the text of a printed value.
pub(crate) fn text_of(printed: &str) -> String {
    match Bind::read(printed) {
        Bind::Text(text) => text,
        _ => printed.to_owned(),
    }
}
